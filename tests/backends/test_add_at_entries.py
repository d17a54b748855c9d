"""A sum with entries that are scattered adds them in their places, on every backend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from seeds import seeded

import eingrad as eg
from eingrad.engine import function
from eingrad.engine.library import to_numpy

INTEGERS = {"y": ((5,), 4), "w": ((2, 5), 6), "q": ((5,), 6)}
SHAPES = {"z": (5, 4), "E": (6, 3), "x": (6,), "v": (5,), "S": (6, 6)}
MODELS = {
    "cross-entropy": ("p_bo = softmax_o(z_bo)\nL = -mean_b(log(p[b,y[b]]))", "z", True),
    "in a line": ("L = mean_b(logsumexp_o(z_bo) - z[b,y[b]])", "z", True),
    "added": ("L = sum_bo(z_bo^3) + sum_b(z[b,y[b]]^2 v_b)", "z", True),
    "twice": ("L = sum_bo(exp(z_bo)) + sum_b(z[b,y[b]] v_b) - sum_b(sin(z[b,y[b]]))", "z", True),
    "rows": ("L = E_id E_id + sum_abd(exp(E[w[a,b],d]))", "E", True),
    "by the last axis": ("L = sum_ij(cos(S_ij)) - sum_ib(v_b S[i,q[b]])", "S", False),
    "diagonal": ("L = sum_ij(exp(S_ij)) - sum_b(v_b S[q[b],q[b]]^2)", "S", True),
    "broadcast": ("a = x_i x_i\nL = sum_i(x_i) - sum_b(v_b x[q[b]])", "x", False),
    "alone": ("L = sum_b(v_b x[q[b]])", "x", False),
}


def arrays() -> dict[str, Any]:
    rng = np.random.default_rng(seeded(0))
    result: dict[str, Any] = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
    return result | {k: rng.integers(0, n, size=shape) for k, (shape, n) in INTEGERS.items()}


def run(name: str, backend: str) -> tuple[dict[str, Any], str]:
    text, wrt, _ = MODELS[name]
    compiled = eg.parse(text).grad("L", [wrt]).compile(backend)
    data = {var.name: arrays()[var.name] for var in compiled.inputs}
    return {k: to_numpy(x) for k, x in compiled(**data).items()}, compiled.source


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
def test_entries_are_added_in_place(
    name: str, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(backend)
    found, source = run(name, backend)
    assert ("add_at" in source) is MODELS[name][2]
    assert ("scatter" in source) is not MODELS[name][2] or name in {"twice", "rows"}
    monkeypatch.setattr(function, "add_at_entries", lambda program: program)
    plain, source = run(name, backend)
    assert "add_at" not in source
    for key, value in plain.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", MODELS)
def test_gradients_are_those_of_differences(name: str) -> None:
    text, wrt, _ = MODELS[name]
    names = [var.name for var in eg.parse(text).grad("L", [wrt]).compile().inputs]
    value = eg.parse(text).compile()
    data = {k: arrays()[k] for k in names}
    found, _ = run(name, "numpy")
    for place in np.ndindex(data[wrt].shape):
        ends = []
        for step in (1e-5, -1e-5):
            moved = data[wrt].copy()
            moved[place] += step
            ends.append(float(value(**{**data, wrt: moved})["L"]))
        assert found[f"dL/d{wrt}"][place] == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-7)


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_an_embedding_is_updated_at_its_rows(backend: str) -> None:
    pytest.importorskip(backend)
    step = eg.parse("L = sum_abd(exp(E[w[a,b],d]))").grad("L", ["E"])
    f = step.compile(backend, update=eg.sgd(lr=0.1))
    data = {k: arrays()[k] for k in ("E", "w")}
    if backend == "torch":
        torch = pytest.importorskip("torch")
        data = {k: torch.tensor(x) for k, x in data.items()}
    f(**data)
    right = arrays()["E"]
    np.subtract.at(right, arrays()["w"], 0.1 * np.exp(arrays()["E"][arrays()["w"]]))
    np.testing.assert_allclose(np.asarray(data["E"]), right, rtol=1e-12)
    assert "add_at" in f.source
