"""A recurrence, forward and back, beside the same loop in PyTorch.

    python benchmarks/recurrences.py [--steps 200] [--units 128] [--batch 32] [--threads 1]

Least times of calls by turns, in milliseconds, single precision. "plain" is the loop as one writes
it, "batched" has the product with the inputs over all steps at once, outside of the loop.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import eingrad as eg
from eingrad.bench import race

TEXT = """
h[t,b,i] = tanh(h[t-1,b,j] U_ji + x[t,b,k] V_ki + c_i)
h[t<0,b,i] = h0_bi
L = sum_tbi((h_tbi - y_tbi)^2)
"""
WRT = ["U", "V", "c", "h0"]


def in_torch(tensors: dict[str, torch.Tensor], batched: bool) -> None:
    """Run the loop with autograd."""
    a = {k: v.clone().requires_grad_() if k in WRT else v for k, v in tensors.items()}
    h, states = a["h0"], []
    moved = a["x"] @ a["V"] + a["c"] if batched else None
    for t in range(len(a["x"])):
        own = a["x"][t] @ a["V"] + a["c"] if moved is None else moved[t]
        h = torch.tanh(h @ a["U"] + own)
        states.append(h)
    ((torch.stack(states) - a["y"]) ** 2).sum().backward()


def main() -> None:
    """Print a line for each contender."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in (
        ("steps", 200),
        ("units", 128),
        ("batch", 32),
        ("threads", 1),
        ("rounds", 15),
    ):
        parser.add_argument(f"--{name}", type=int, default=value)
    given = parser.parse_args()
    race.start_afresh()
    print(*race.conditions(given.threads), sep="\n")
    torch.set_num_threads(given.threads)
    model = eg.parse(TEXT)
    sizes = {"t": given.steps, "b": given.batch, "i": given.units, "k": given.units}
    rng = np.random.default_rng(0)
    arrays = {
        name: (rng.normal(size=[sizes[str(d)] for d in var.dims]) / 10).astype(np.float32)
        for name, var in model.inputs.items()
    }
    tensors = {name: torch.tensor(x) for name, x in arrays.items()}
    gradients = model.grad("L", WRT)
    on_numpy, on_torch = gradients.compile(), gradients.compile("torch")
    contenders: dict[str, Callable[[], Any]] = {
        "eingrad, NumPy": lambda: on_numpy(**arrays),
        "eingrad, PyTorch": lambda: on_torch(**tensors),
        "PyTorch, plain": lambda: in_torch(tensors, batched=False),
        "PyTorch, batched": lambda: in_torch(tensors, batched=True),
    }
    least = dict.fromkeys(contenders, float("inf"))
    for _ in range(given.rounds):
        for name, run in contenders.items():
            start = time.perf_counter()
            run()
            least[name] = min(least[name], time.perf_counter() - start)
    for name, seconds in least.items():
        print(f"{name:<18} {1e3 * seconds:8.1f} ms  {seconds / least['PyTorch, plain']:5.2f}")


if __name__ == "__main__":
    main()
