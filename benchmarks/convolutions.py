"""Convolutions, forward and back, beside PyTorch's.

    python benchmarks/convolutions.py [--threads 1] [--rounds 20]

Least times of calls by turns, in milliseconds (of the processor, with one thread), single
precision: of a product with the output the value, and the gradients by input and kernel. In
brackets the time over PyTorch's.
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

F = torch.nn.functional
PLANE = "Y[b,o,p,q] = X[b,c,{0}] W[o,c,k,l]"
# fmt: off
CASES: dict[str, tuple[str, str, tuple[int, ...], tuple[int, ...], Callable[..., Any]]] = {
    "3 x 3 over 32 x 32": (
        "", PLANE.format("p+k,q+l"), (32, 16, 32, 32), (32, 16, 3, 3), F.conv2d),
    "the same, padded": (
        "assume size(p) = size(n)\nassume size(q) = size(m)\n",
        PLANE.format("p+k-1,q+l-1"), (32, 16, 32, 32), (32, 16, 3, 3),
        lambda x, w: F.conv2d(x, w, padding=1)),
    "the same, every second": (
        "", PLANE.format("2 p+k,2 q+l"), (32, 16, 32, 32), (32, 16, 3, 3),
        lambda x, w: F.conv2d(x, w, stride=2)),
    "64 to 64, 16 x 16": (
        "", PLANE.format("p+k,q+l"), (32, 64, 16, 16), (64, 64, 3, 3), F.conv2d),
    "5 x 5 over a picture": (
        "", PLANE.format("p+k,q+l"), (64, 1, 28, 28), (8, 1, 5, 5), F.conv2d),
    "one dimension": (
        "", "Y[b,o,t] = X[b,c,t+k] W[o,c,k]", (32, 16, 1024), (32, 16, 5), F.conv1d),
}
# fmt: on


def main() -> None:
    """Print a line for each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    race.start_afresh()
    print(*race.conditions(given.threads), sep="\n")
    torch.set_num_threads(given.threads)
    print(f"{'':<24}{'PyTorch':>9} {'compiled for it':>16} {'NumPy':>16}")
    for name, (facts, text, *case) in CASES.items():
        least = times(facts + text, *case, given.rounds)
        first, *others = least
        rest = " ".join(f"{1e3 * x:9.2f} ({x / first:4.2f})" for x in others)
        print(f"{name:<24}{1e3 * first:9.2f} {rest}", flush=True)


def times(
    text: str, inputs: tuple[int, ...], kernel: tuple[int, ...], reference: Callable[..., Any],
    rounds: int,
) -> list[float]:  # fmt: skip
    """Return the least times of PyTorch, of what is compiled for it, and of NumPy."""
    rng = np.random.default_rng(0)
    x, w = (rng.normal(size=shape).astype(np.float32) for shape in (inputs, kernel))
    tensors = [torch.tensor(a, requires_grad=True) for a in (x, w)]
    cotangent = torch.tensor(rng.normal(size=reference(*tensors).shape).astype(np.float32))
    left = text.rsplit("\n", maxsplit=1)[-1].split(" = ", maxsplit=1)[0]
    y = left.translate(str.maketrans("[", "_", ",]"))
    model = eg.parse(f"{text}\nL = {y} {y.replace('Y', 'G')}")
    gradients = model.grad("L", ["X", "W"])
    on_torch, on_numpy = gradients.compile("torch"), gradients.compile()
    plain = dict(zip("XWG", [*(a.detach() for a in tensors), cotangent], strict=True))

    def in_torch() -> Any:
        product = (reference(*tensors) * cotangent).sum()
        return product, *torch.autograd.grad(product, tensors)

    runs = [
        in_torch,
        lambda: on_torch(**plain),
        lambda: on_numpy(X=x, W=w, G=cotangent.numpy()),
    ]
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    least = [float("inf")] * len(runs)
    for _ in range(rounds):
        for k, run in enumerate(runs):
            start = clock()
            run()
            least[k] = min(least[k], clock() - start)
    return least


if __name__ == "__main__":
    main()
