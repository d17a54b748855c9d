"""A model whose labels move: its text, and its loss as one writes it in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

import eingrad as eg

A = Mapping[str, Any]  # of tensors
Arrays = dict[str, np.ndarray]
SIZES = {"t": 5, "l": 12, "s": 4, "b": 2, "n": 2}  # by an axis' letter, else 3


@dataclass(frozen=True)
class Moving:
    """A model whose loss is L; ``loss(torch, tensors)`` computes it.

    ``hessian`` is an input by which the second derivative is compared, ``positive`` are inputs that
    are (matrices: definite), ``shapes`` are those that `SIZES` does not tell.
    """

    name: str
    text: str
    loss: Callable[[Any, A], Any]
    hessian: str = ""
    positive: tuple[str, ...] = ()
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def model(self) -> eg.Model:
        return eg.parse(self.text)

    @cached_property
    def arrays(self) -> Arrays:
        rng, sizes = np.random.default_rng(len(self.name)), {**SIZES, **self.sizes}
        result = {}
        for key, var in self.model.inputs.items():
            own = [d if isinstance(d, int) else sizes.get(d, 3) for d in var.dims]
            shape = self.shapes.get(key, tuple(own))
            x = rng.normal(size=shape)
            if var.integer:
                x = rng.integers(3, size=shape)
            elif key in self.positive:
                x = x @ x.T + np.eye(len(x)) if x.ndim == 2 else rng.uniform(0.3, 0.9, size=shape)
            result[key] = x
        return result

    @cached_property
    def compiled(self) -> Arrays:
        """The value and the gradients on NumPy."""
        return dict(self.model.grad("L").compile()(**self.arrays))


def assert_close(found: Any, right: Any, tolerance: float, what: str) -> None:
    """Compare arrays, up to a part of the greatest entry where that is more than 1."""
    found, right = np.asarray(found), np.asarray(right)
    assert found.shape == right.shape, what
    scale = max(1.0, float(np.abs(right).max(initial=0)))
    assert np.abs(found - right).max(initial=0) <= tolerance * scale, what
