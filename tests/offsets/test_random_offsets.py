"""Random offset products against a loop over their entries, and central differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import eingrad as eg

Array = Any
FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "y_i^2": np.square, "sin(y_i)": np.sin, "exp(y_i)": np.exp,
}  # fmt: skip


def differences(f: Callable[[Array], float], x: Array, step: float = 1e-6) -> Array:
    return np.array([(f(x + e) - f(x - e)) / (2 * step) for e in step * np.eye(len(x))])


@pytest.mark.parametrize("seed", range(60))
def test_random_offsets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, c = int(rng.integers(1, 4)), int(rng.choice([-2, -1, 1, 2])), int(rng.integers(-2, 3))
    entries, extent = int(rng.integers(2, 6)), int(rng.integers(3, 8))
    x, w = rng.normal(size=extent), rng.normal(size=int(rng.integers(1, 4)))
    function = list(FUNCTIONS)[seed % 3]
    offset = f"{a} i {b:+d} k" + (f" {c:+d}" if c else "")
    text = f"assume size(i) = {entries}\ny_i = x[{offset}] w_k\nL = sum_i({function})"

    def value(x: Array, w: Array) -> float:
        y = np.zeros(entries)
        for i in range(entries):
            for k in range(len(w)):
                if 0 <= a * i + b * k + c < extent:
                    y[i] += x[a * i + b * k + c] * w[k]
        return float(FUNCTIONS[function](y).sum())

    results = eg.parse(text).grad("L", ["x", "w"]).compile("numpy")(x=x, w=w)
    np.testing.assert_allclose(float(results["L"]), value(x, w), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(
        results["dL/dx"], differences(lambda v: value(v, w), x), rtol=1e-5, atol=1e-7
    )
    np.testing.assert_allclose(
        results["dL/dw"], differences(lambda v: value(x, v), w), rtol=1e-5, atol=1e-7
    )
