"""The five matrix products of the training step in NumPy, and nothing else: what BLAS costs."""

from __future__ import annotations

import numpy as np

from eingrad.bench.problems import CLASSES, HIDDEN, Run, step_arrays


def make_step(batch: int) -> Run:
    """Return the products, into arrays that are there."""
    x = step_arrays(batch)
    d1, d2 = np.ones((batch, HIDDEN), "float32"), np.ones((batch, CLASSES), "float32")
    a1, a2, g1, g2 = np.empty_like(d1), np.empty_like(d2), np.empty_like(x["W1"]), x["W2"].copy()

    def step() -> list[object]:
        np.matmul(x["X"], x["W1"], out=a1)
        np.matmul(a1, x["W2"], out=a2)
        np.matmul(d2, x["W2"].T, out=d1)
        np.matmul(a1.T, d2, out=g2)
        np.matmul(x["X"].T, d1, out=g1)
        return []

    return step
