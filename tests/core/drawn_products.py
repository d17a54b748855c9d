"""Random products, the ways to write each of them, and their values by a loop over all indices."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Mapping, Sequence
from random import Random

import numpy as np

from eingrad.core.algebra import Factor, einsum
from eingrad.core.expr import Expr, Labels, Var

SEED = int(os.environ.get("EINGRAD_SEED", "0"))
"""Of all that is drawn here; a nightly run takes a new one, and prints it when a test fails."""

N = 3
NAMES = {"s": 0, "x": 1, "y": 1, "A": 2, "B": 2, "T": 3}
TENSORS = [Var(name, ("n",) * ndim) for name, ndim in NAMES.items()]


def count(of: str, default: int) -> int:
    """Return how many to draw: ``EINGRAD_PRODUCTS=4000`` draws more."""
    return int(os.environ.get(f"EINGRAD_{of}", str(default)))


def draw(rng: Random) -> tuple[list[Factor], Labels]:
    """Return the factors of a product of few tensors, many of them equal, and its output."""
    tensors = rng.sample(TENSORS, rng.randint(1, 3))
    labels = range(rng.randint(1, 6))
    factors: list[Factor] = []
    for _ in range(rng.randint(1, 7)):
        x = rng.choice(tensors)
        factors.append((x, tuple(rng.choice(labels) for _ in range(x.ndim))))
    present = sorted({k for _, own in factors for k in own})
    return factors, tuple(rng.sample(present, rng.randint(0, min(2, len(present)))))


def written_anew(rng: Random, factors: Sequence[Factor], output: Labels) -> Expr:
    """Build a product in another order, with other labels, and as products of products."""
    present = sorted({k for _, labels in factors for k in labels})
    name = dict(zip(present, rng.sample(range(100), len(present)), strict=True))
    renamed = [(x, tuple(name[k] for k in labels)) for x, labels in factors]
    rng.shuffle(renamed)
    outer = tuple(name[k] for k in output)
    while len(renamed) > 1 and rng.random() < 0.8:
        size = rng.randint(1, len(renamed))
        inner, renamed = renamed[:size], renamed[size:]
        outside = {k for _, labels in renamed for k in labels}.union(outer)
        own = dict.fromkeys(k for _, labels in inner for k in labels)
        kept = [k for k in own if k in outside or rng.random() < 0.2]
        rng.shuffle(kept)
        renamed.append((einsum(inner, tuple(kept)), tuple(kept)))
        rng.shuffle(renamed)
    return einsum(renamed, outer)


def arrays(rng: Random) -> dict[str, np.ndarray]:
    """Return random values of the tensors."""
    numbers = np.random.default_rng(rng.getrandbits(32))
    return {name: numbers.normal(size=(N,) * ndim) for name, ndim in NAMES.items()}


def looped(
    factors: Sequence[Factor], output: Labels, values: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Return a product's value, added up index by index."""
    labels = sorted({k for _, own in factors for k in own})
    result = np.zeros((N,) * len(output))
    for entries in itertools.product(range(N), repeat=len(labels)):
        at = dict(zip(labels, entries, strict=True))
        result[tuple(at[k] for k in output)] += math.prod(
            float(values[x.name][tuple(at[k] for k in own)])
            for x, own in factors
            if isinstance(x, Var)
        )
    return result
