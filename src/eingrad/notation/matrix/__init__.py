"""Matrix notation: formulas without labels, with shapes inferred, as formulas in index notation."""
