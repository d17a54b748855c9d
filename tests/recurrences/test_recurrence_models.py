"""Recurrences as people write them, beside loops in PyTorch: gradients, Hessians, modules."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from far_models import FAR, GREATEST
from recurrence_models import MODELS as NEAR

import eingrad as eg

torch = pytest.importorskip("torch")
MODELS = [*NEAR, *FAR]
SIZES = {"t": 5, "l": 12, "s": 4, "b": 2, "n": 2}
EXACT = 1e-12  # of a module, beside what is compiled
BY_NAME = {case.name: case for case in MODELS}
EVERY = bool(os.environ.get("EINGRAD_EXHAUSTIVE"))
BY_BACKEND = [
    (backend, name) for backend in ("numpy", "torch", "jax")
    for name in [*BY_NAME][:: 5 if backend == "jax" and not EVERY else 1]
]  # fmt: skip


@lru_cache
def model_of(name: str) -> eg.Model:
    return eg.parse(BY_NAME[name].text)


@lru_cache
def arrays(name: str) -> dict[str, np.ndarray]:
    case, rng = BY_NAME[name], np.random.default_rng(len(name))
    result = {}
    for key, var in model_of(name).inputs.items():
        shape = [d if isinstance(d, int) else SIZES.get(d, 3) for d in var.dims]
        x = rng.normal(size=shape)
        if var.integer:
            x = rng.integers(3, size=shape)
        elif key in case.positive:
            x = x @ x.T + np.eye(len(x)) if x.ndim == 2 else rng.uniform(0.3, 0.9, size=shape)
        result[key] = x
    return result


def tensors(given: dict[str, np.ndarray]) -> dict[str, Any]:
    return {n: torch.tensor(x) for n, x in given.items()}


@lru_cache
def expected(name: str) -> tuple[float, dict[str, np.ndarray]]:
    """Return the value and the gradients of PyTorch's loop."""
    leaves = tensors(arrays(name))
    real = [n for n, x in leaves.items() if x.is_floating_point()]
    for n in real:
        leaves[n].requires_grad_()
    total = BY_NAME[name].loss(torch, leaves)
    total.backward()
    grads = {n: np.zeros(leaves[n].shape) if leaves[n].grad is None else leaves[n].grad.numpy()
             for n in real}  # fmt: skip
    return float(total.detach()), grads


def assert_close(found: Any, right: np.ndarray, tolerance: float, what: str) -> None:
    found = np.asarray(found)
    assert found.shape == np.shape(right), what
    scale = max(1.0, float(np.abs(right).max(initial=0)))
    assert np.abs(found - right).max(initial=0) <= tolerance * scale, what


@lru_cache
def compiled(name: str) -> dict[str, np.ndarray]:
    return dict(model_of(name).grad("L").compile()(**arrays(name)))


@pytest.mark.parametrize(("backend", "name"), BY_BACKEND)
def test_gradients(backend: str, name: str) -> None:
    given: dict[str, Any] = arrays(name)
    if backend == "jax":
        pytest.importorskip("jax").config.update("jax_enable_x64", True)
    if backend == "torch":
        given = tensors(given)
    found = model_of(name).grad("L").compile(backend)(**given)
    value, grads = expected(name)
    assert_close(found["L"], np.asarray(value), 1e-10, name)
    for n, right in grads.items():
        assert_close(found[f"dL/d{n}"], right, 1e-10, n)


def test_folds_of_no_entries_are_left_out() -> None:
    """The greatest of nothing is -inf, and its derivative nan: beside a loop that asks for none."""
    rng = np.random.default_rng(5)
    given = {"c": rng.normal(size=()), "x": rng.normal(size=(5, 3))}
    leaves = {n: torch.tensor(x, requires_grad=True) for n, x in given.items()}
    GREATEST.loss(torch, leaves).backward()
    with np.errstate(all="ignore"):
        found = eg.parse(GREATEST.text).grad("L").compile()(**given)
    for n, x in leaves.items():
        assert_close(found[f"dL/d{n}"], x.grad.numpy(), 1e-12, n)


@pytest.mark.parametrize("name", [case.name for case in MODELS if case.hessian])
def test_hessians(name: str) -> None:
    case, given = BY_NAME[name], arrays(name)
    wrt = case.hessian
    found = model_of(name).hessian("L", wrt).compile()(**given)[f"d2L/d{wrt} d{wrt}"]
    right = torch.autograd.functional.hessian(
        lambda x: case.loss(torch, {**tensors(given), wrt: x}), tensors(given)[wrt]
    )
    assert_close(found, right.numpy(), 1e-9, name)


@pytest.mark.parametrize("name", [case.name for case in FAR])
def test_hessian_vector_products(name: str) -> None:
    given, rng = arrays(name), np.random.default_rng(2)
    towards = {n: rng.normal(size=x.shape) for n, x in given.items()}
    found = model_of(name).hvp("L").compile()(**given, **{f"{n}dot": v for n, v in towards.items()})
    _, right = torch.autograd.functional.hvp(
        lambda *x: BY_NAME[name].loss(torch, dict(zip(given, x, strict=True))),
        *(tuple(tensors(own).values()) for own in (given, towards)),
    )
    for n, x in zip(given, right, strict=True):
        assert_close(found[f"dLd{n}dot"], x.numpy(), 1e-10, n)


def module_of(text: str) -> dict[str, Any]:
    module: dict[str, Any] = {"__name__": "module"}
    exec(text, module)
    return module


@pytest.mark.parametrize(("target", "name"), BY_BACKEND)
def test_modules_are_what_is_compiled(target: str, name: str) -> None:
    if target == "jax":
        pytest.importorskip("jax").config.update("jax_enable_x64", True)
    module = module_of(model_of(name).grad("L").source(target))
    given: dict[str, Any] = arrays(name)
    if target == "torch":
        given = tensors(given)
    value, saved = module["forward"](*(given[n] for n in module["AXES"]))
    right = compiled(name)
    assert_close(value, right["L"], EXACT, "L")
    for n, found in zip(module["WRT"], module["backward"](saved), strict=True):
        assert_close(found, right[f"dL/d{n}"], EXACT, n)
