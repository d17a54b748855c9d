"""Hessians of models that nobody would write, against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from random_models import RandomModel
from seeds import examples
from strategies import models

import eingrad as eg

torch = pytest.importorskip("torch")
oracle = pytest.importorskip("torch_oracle")


def hessian(model: RandomModel, arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Return the second derivative of L by one input."""
    others = {k: torch.tensor(x) for k, x in arrays.items() if k != name}

    def value(x: torch.Tensor) -> torch.Tensor:
        run = oracle.Oracle({**others, name: x}, dtype=torch.float64)
        return run.run(model.statements) + 0 * x.sum()

    return torch.autograd.functional.hessian(value, torch.tensor(arrays[name])).numpy()


@examples(60)
@given(models(statements=2, depth=3, kinks=False))
def test_random_hessians_agree_with_pytorch(model: RandomModel) -> None:
    arrays = model.arrays()
    assume(arrays)
    tame = oracle.reference(model, arrays)[2]
    assume(tame)
    for name in list(arrays)[:2]:
        expected = hessian(model, arrays, name)
        f = eg.parse(model.text).hessian("L", name).compile()
        found = f(**arrays)[f"d2L/d{name} d{name}"]
        scale = max(1.0, np.abs(expected).max(initial=0))
        assert found.shape == expected.shape
        assert np.abs(found - expected).max(initial=0) <= 1e-9 * scale, name
        factors = f(**arrays, structured=True)[f"d2L/d{name} d{name}"]
        assert np.abs(factors.dense() - expected).max(initial=0) <= 1e-9 * scale, name
