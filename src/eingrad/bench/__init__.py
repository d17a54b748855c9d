"""How quick eingrad is on a machine, beside PyTorch and JAX."""
