"""Models whose labels move beside PyTorch: gradients, Hessians, modules, what is printed."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from moving.beside_torch import expected, given_to, tensors, wide  # noqa: E402
from moving.far_models import FAR, GREATEST  # noqa: E402
from moving.row import assert_close  # noqa: E402
from moving.table import KINDS, MODELS  # noqa: E402

EXACT = 1e-12  # of a module, beside what is compiled
EVERY = bool(os.environ.get("EINGRAD_EXHAUSTIVE"))
BY_BACKEND = [
    (backend, name) for backend in ("numpy", "torch", "jax")
    for name in [*MODELS][:: 5 if backend == "jax" and not EVERY else 1]
]  # fmt: skip
PRINTED = ["convolutions", "poolings", "stencils", "causal attentions", "single entries"]
LARGE = {"network over pictures", "pooling in space"}  # more entries than a check computes


@pytest.mark.parametrize(("backend", "name"), BY_BACKEND)
def test_gradients(backend: str, name: str) -> None:
    with wide(backend):
        found = MODELS[name].model.grad("L").compile(backend, dtype="float64")
        results = found(**given_to(backend, name))
    value, grads = expected(name)
    assert_close(results["L"], np.asarray(value), 1e-10, name)
    for n, right in grads.items():
        assert_close(results[f"dL/d{n}"], right, 1e-10, n)


def test_folds_of_no_entries_are_left_out() -> None:
    """The greatest of nothing is -inf, and its derivative nan: beside a loop that asks for none."""
    leaves = {n: x.requires_grad_() for n, x in tensors(GREATEST.arrays).items()}
    GREATEST.loss(torch, leaves).backward()
    with np.errstate(all="ignore"):
        found = GREATEST.compiled
    for n, x in leaves.items():
        assert_close(found[f"dL/d{n}"], x.grad.numpy(), 1e-12, n)


@pytest.mark.parametrize("name", [row.name for row in MODELS.values() if row.hessian])
def test_hessians(name: str) -> None:
    row, wrt = MODELS[name], MODELS[name].hessian
    found = row.model.hessian("L", wrt).compile()(**row.arrays)[f"d2L/d{wrt} d{wrt}"]
    right = torch.autograd.functional.hessian(
        lambda x: row.loss(torch, {**tensors(row.arrays), wrt: x}), tensors(row.arrays)[wrt]
    )
    assert_close(found, right.numpy(), 1e-10, name)


@pytest.mark.parametrize("name", [row.name for row in FAR])
def test_hessian_vector_products(name: str) -> None:
    given, rng = MODELS[name].arrays, np.random.default_rng(2)
    towards = {n: rng.normal(size=x.shape) for n, x in given.items()}
    product = MODELS[name].model.hvp("L").compile()
    found = product(**given, **{f"{n}dot": v for n, v in towards.items()})
    _, right = torch.autograd.functional.hvp(
        lambda *x: MODELS[name].loss(torch, dict(zip(given, x, strict=True))),
        *(tuple(tensors(own).values()) for own in (given, towards)),
    )
    for n, x in zip(given, right, strict=True):
        assert_close(found[f"dLd{n}dot"], x.numpy(), 1e-10, n)


@pytest.mark.parametrize(("target", "name"), BY_BACKEND)
def test_modules_are_what_is_compiled(target: Any, name: str) -> None:
    module: dict[str, Any] = {"__name__": "module"}
    given = given_to(target, name)
    exec(MODELS[name].model.grad("L").source(target), module)
    with wide(target):
        value, saved = module["forward"](*(given[n] for n in module["AXES"]))
        gradients = module["backward"](saved)
    right = MODELS[name].compiled
    assert_close(value, right["L"], EXACT, "L")
    for n, found in zip(module["WRT"], gradients, strict=True):
        assert_close(found, right[f"dL/d{n}"], EXACT, n)


@pytest.mark.parametrize(
    "name", [row.name for kind in PRINTED for row in KINDS[kind] if row.name not in LARGE]
)
def test_what_is_printed_is_right(name: str) -> None:
    model = MODELS[name].model
    for line in str(model.grad("L")).splitlines():
        assert model.check(line.removeprefix("with ")).outcome == "right", line
    if name in {"correlation", "stride", "squares", "last entry", "autocorrelation"}:
        wrt = MODELS[name].hessian
        for line in str(model.hessian("L", wrt)).splitlines():
            assert line.startswith("with") or model.check(line).outcome == "right", line


def test_the_manual_counts_them() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "manual" / "recurrences.md").read_text()
    counts = {kind: int(n) for n, kind in re.findall(rf"(\d+) ({'|'.join(KINDS)})", manual)}
    assert counts == {kind: len(rows) for kind, rows in KINDS.items()}
    assert f"{len(MODELS)} models" in manual
    assert len(MODELS) == sum(counts.values())
