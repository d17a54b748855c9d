"""Scattered entries times something are added last, to what has just been made."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import eingrad as eg
from eingrad.engine.library import to_numpy

Y = np.array([[0, 4, 2], [1, 1, 3]])
MODELS = {
    "cross-entropy": "Y_b = logsumexp_o(z_bo) - z[b, y[b]]",
    "weighted": "Y_b = v_b (logsumexp_o(z_bo) - z[b, y[b]])",
    "a factor for each entry": "Y_b = logsumexp_o(z_bo^2) - z[b, y[b]]^2",
    "twice": "Y_b = logsumexp_o(z_bo) - 3 z[b, y[b]] + z[b, w[b]] / 7",
}


def module_of(text: str, target: str) -> ModuleType:
    module = ModuleType("layer")
    exec(eg.parse(text).vjp("Y", ["z"]).source(target), vars(module))
    return module


def by_hand(name: str, torch: Any, z: Any, y: Any, v: Any) -> Any:
    """Return the value in PyTorch's own words, for entries y of rows."""
    n = torch.arange(len(z))
    match name:
        case "cross-entropy":
            return torch.logsumexp(z, 1) - z[n, y]
        case "weighted":
            return v * (torch.logsumexp(z, 1) - z[n, y])
        case "twice":
            return torch.logsumexp(z, 1) - 3 * z[n, y] + z[n, y.flip(0)] / 7
    return torch.logsumexp(z**2, 1) - z[n, y] ** 2


@pytest.mark.parametrize("target", ["numpy", "torch", "jax"])
@pytest.mark.parametrize("name", MODELS)
def test_gradients_are_pytorchs(name: str, target: str) -> None:
    torch = pytest.importorskip("torch")
    library = pytest.importorskip({"jax": "jax.numpy"}.get(target, target))
    module = module_of(MODELS[name], target)
    assert hasattr(module, "add_onto") is (target != "jax")
    rng = np.random.default_rng(3)
    z, v, bar = rng.normal(size=(3, 5)), rng.normal(size=3), rng.normal(size=3)
    data = {"z": z, "y": Y[0], "v": v, "w": Y[0][::-1].copy()}
    convert = library.tensor if target == "torch" else library.asarray
    _, saved = module.forward(*(convert(data[x]) for x in module.AXES))
    (found,) = module.backward(saved, convert(bar))
    leaf = torch.tensor(z, requires_grad=True)
    value = by_hand(name, torch, leaf, torch.tensor(Y[0]), torch.tensor(v))
    (wanted,) = torch.autograd.grad(value, leaf, torch.tensor(bar))
    exact = 1e-13 if np.asarray(found).dtype == np.float64 else 1e-5
    np.testing.assert_allclose(np.asarray(found), wanted.numpy(), rtol=exact, atol=exact)


def test_entries_are_added_under_vmap_where_only_places_are_a_batch() -> None:
    torch = pytest.importorskip("torch")
    module = module_of(MODELS["cross-entropy"], "torch")
    z, bar = torch.randn(3, 5, dtype=torch.float64), torch.randn(3, dtype=torch.float64)

    def gradient(y: Any) -> Any:
        _, saved = module.forward(z, y)
        return module.backward(saved, bar)[0]

    found = torch.func.vmap(gradient)(torch.tensor(Y))
    assert torch.equal(found, torch.stack([gradient(y) for y in torch.tensor(Y)]))


@pytest.mark.parametrize("target", ["numpy", "torch"])
def test_what_forward_saved_is_as_it_was(target: str) -> None:
    library = pytest.importorskip(target)
    convert = library.tensor if target == "torch" else library.asarray
    module = module_of(MODELS["weighted"], target)
    data = {"z": np.random.default_rng(5).normal(size=(3, 5)), "y": Y[0], "v": np.ones(3)}
    _, saved = module.forward(*(convert(data[x]) for x in module.AXES))
    before = [to_numpy(x).copy() for x in saved]
    first, again = (module.backward(saved, convert(np.ones(3)))[0] for _ in range(2))
    assert all(np.array_equal(a, to_numpy(b)) for a, b in zip(before, saved, strict=True))
    assert np.array_equal(to_numpy(first), to_numpy(again))
