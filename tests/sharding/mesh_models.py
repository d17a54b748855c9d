"""Models, and what an MLP's step is in plain NumPy sizes, for the tests on meshes."""

from __future__ import annotations

from typing import Any

import numpy as np

import eingrad as eg
from eingrad.learn.classifier import packaged_model

PARAMETERS = ["W1", "b1", "W2", "b2"]
BATCH, PIXELS, HIDDEN, CLASSES = 16, 24, 32, 10
MESHES: list[tuple[dict[str, int], dict[str, str]]] = [
    ({"data": 8}, {"b": "data"}),
    ({"model": 8}, {"h": "model"}),
    ({"data": 4, "model": 2}, {"b": "data", "h": "model"}),
]


def mlp(update: Any = None, **options: Any) -> Any:
    """The packaged classifier with its gradients, or its training step, on JAX."""
    gradients = eg.parse(packaged_model()).grad("L", PARAMETERS)
    return gradients.compile("jax", functions={"phi": "relu"}, update=update, **options)


def mlp_arrays(dtype: str = "float32") -> dict[str, np.ndarray]:
    """A minibatch, and parameters with the usual scale."""
    rng = np.random.default_rng(0)
    shapes = {"W1": (PIXELS, HIDDEN), "b1": (HIDDEN,), "W2": (HIDDEN, CLASSES), "b2": (CLASSES,)}
    arrays = {n: rng.normal(size=s) / np.sqrt(s[0]) for n, s in shapes.items()}
    arrays["X"] = rng.random((BATCH, PIXELS))
    arrays["T"] = np.eye(CLASSES)[rng.integers(0, CLASSES, BATCH)]
    return {name: x.astype(dtype) for name, x in arrays.items()}
