"""Every k-th state of a recurrence is kept, the others are computed again: values and memory."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

import eingrad as eg

pytest.importorskip("torch")

from moving.beside_torch import expected, given_to, tensors, wide
from moving.row import assert_close
from moving.table import KINDS, MODELS

RNN = ("h[t,b,i] = tanh(U_ij h[t-1,b,j] + V_in x_tbn)\nh[t<0,b,i] = g_bi\n"
       "L = sum_tbi((h_tbi - y_tbi)^2)")  # fmt: skip
IN_TIME = ["networks in time", "state spaces", "optimisers unrolled", "stacks of layers",
           "equations of differences"]  # fmt: skip
KNOWN = [row.name for kind in IN_TIME for row in KINDS[kind] if row.name not in
         {"sequences", "transport", "volatility", "newton", "power"}]  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_values_are_the_same(name: str) -> None:
    for k in (1, 3, 50):
        function = MODELS[name].model.grad("L").compile(keep_every=k)
        found = function(**MODELS[name].arrays)
        assert found.keys() == MODELS[name].compiled.keys()
        for key, right in MODELS[name].compiled.items():
            assert_close(found[key], right, 1e-12, key)
        assert k < 50 or name == "normed stack" or not function.stored


@pytest.mark.parametrize("backend", ["torch", "jax"])
@pytest.mark.parametrize("name", ["stacked", "echo"])
def test_other_backends(name: str, backend: str) -> None:
    with wide(backend):
        function = MODELS[name].model.grad("L").compile(backend, keep_every=2)
        found = function(**given_to(backend, name))
    for key, right in MODELS[name].compiled.items():
        assert_close(found[key], right, 1e-12, key)


ENTRIES = [
    ("L = h[-1,i] h[0,i]", lambda h: h[-1] @ h[0]),
    ("L = sum_ti(h[2,i] h_ti)", lambda h: h[2] @ h.sum(0)),
    ("m_i = mean_t(h_ti)\nL = sum_ti((h_ti - m_i)^2)", lambda h: ((h - h.mean(0)) ** 2).sum()),
    (
        "L = sum_ti(h_ti^2) + sum_i(h[0,i] h[3,i] h[-1,i])",
        lambda h: (h**2).sum() + (h[0] * h[3] * h[-1]).sum(),
    ),
]
LAST = "h[t,i] = tanh(a h[t-1,i] x[-1,i] + x_ti)\nL = sum_ti(h_ti^2)"  # fmt: skip


@pytest.mark.parametrize(("text", "loss"), ENTRIES)
@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_entries_and_means_beside_a_loop(text: str, loss: Any, backend: str) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    given = {"a": torch.tensor(0.6), "x": torch.tensor(rng.normal(size=(7, 3)))}
    given = {n: x.double().requires_grad_() for n, x in given.items()}
    states = [torch.zeros(3, dtype=torch.float64)]
    for x in given["x"]:
        states.append(torch.tanh(given["a"] * states[-1] + x))
    loss(torch.stack(states[1:])).backward()
    model = eg.parse(f"h[t,i] = tanh(a h[t-1,i] + x_ti)\n{text}").grad("L", ["a", "x"])
    arrays = {n: x.detach() if backend == "torch" else x.detach().numpy() for n, x in given.items()}
    found = model.compile(backend, keep_every=2)(**arrays)
    for n, x in given.items():
        assert_close(found[f"dL/d{n}"], x.grad.numpy(), 1e-12, n)


def test_an_entry_of_an_input_is_that_of_all_positions() -> None:
    rng = np.random.default_rng(4)
    derivatives = eg.parse(LAST).grad("L")
    given = {"a": np.array(0.6), "x": rng.normal(size=(7, 3))}
    right, found = derivatives.compile()(**given), derivatives.compile(keep_every=2)(**given)
    for key, value in right.items():
        assert_close(found[key], value, 1e-12, key)
    h = np.zeros(3)
    total = 0.0
    for x in given["x"]:
        h = np.tanh(0.6 * h * given["x"][-1] + x)
        total += float(h @ h)
    assert_close(found["L"], np.array(total), 1e-12, "L")


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
def test_no_steps(backend: str) -> None:
    if backend == "jax":
        pytest.importorskip("jax").config.update("jax_enable_x64", True)
    given: dict[str, Any] = {"a": np.array(0.6), "x": np.zeros((0, 3))}
    if backend == "torch":
        pytest.importorskip("torch")
        given = tensors(given)
    model = eg.parse("h[t,i] = tanh(a h[t-1,i] + x_ti)\nL = sum_ti(h_ti^2)").grad("L")
    for options in ({}, {"keep_every": 2}):
        found = model.compile(backend, **options)(**given)
        assert float(found["L"]) == float(found["dL/da"]) == 0
        assert np.asarray(found["dL/dx"]).shape == (0, 3)


@pytest.mark.parametrize("label", ["t", "s"])
def test_one_of_two_labels(label: str) -> None:
    row = MODELS["sequences"]
    found = row.model.grad("L").compile(keep_every={label: 2})(**row.arrays)
    value, grads = expected("sequences")
    assert_close(found["L"], np.asarray(value), 1e-10, "L")
    for n, right in grads.items():
        assert_close(found[f"dL/d{n}"], right, 1e-10, n)


def test_memory_falls() -> None:
    count, size = 1600, 32
    rng = np.random.default_rng(0)
    shapes = {"U": (size, size), "V": (size, 2), "x": (count, 8, 2), "y": (count, 8, size)}
    given = {n: rng.normal(size=shape) / 8 for n, shape in shapes.items()}
    given["g"] = np.zeros((8, size))
    peaks, results = [], []
    for options in ({}, {"keep_every": 40}):
        function = eg.parse(RNN).grad("L", ["U", "V", "g"]).compile(**options)
        tracemalloc.start()
        results.append(function(**given))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    states = count * 8 * size * 8
    assert peaks[0] > 2 * states
    assert peaks[1] < states / 2
    assert "for " in function.source
    assert any(plan.flops for plan in function.plan)
    assert function.stored == 3 * 39 * 8 * size  # h, dL/dh, and 1 - h^2 that this one reads
    for key, right in results[0].items():
        assert_close(results[1][key], right, 1e-10, key)


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
def test_steps_of_training(backend: str) -> None:
    """The parameters after three steps, and what the optimizer keeps, are those of all states."""
    rng = np.random.default_rng(1)
    shapes = {"U": (4, 4), "V": (4, 2), "x": (7, 3, 2), "y": (7, 3, 4), "g": (3, 4)}
    start = {n: rng.normal(size=shape) for n, shape in shapes.items()}
    found = []
    with wide(backend):
        for options in ({}, {"keep_every": 3}):
            step = eg.parse(RNN).grad("L", ["U", "V"]).compile(
                backend, update=eg.adam(0.05), **options
            )  # fmt: skip
            given: dict[str, Any] = {n: x.copy() for n, x in start.items()}
            given = tensors(given) if backend == "torch" else given
            for _ in range(3):
                results = step(**given)
                given |= {n: results.pop(n) for n in ("U", "V") if n in results}
            assert [*results] == ["L"]
            found.append({**results, "U": given["U"], "V": given["V"], **step.state})
    assert found[0].keys() == found[1].keys()
    for key, right in found[0].items():
        assert_close(found[1][key], right, 1e-12, key)
    assert np.abs(np.asarray(found[0]["U"]) - start["U"]).max() > 0.05


REFUSED = [
    ("L = sum_t(x_t^2)", {"keep_every": 2}, "over one label"),
    (RNN, {"keep_every": 0}, "none can be kept"),
    (RNN, {"keep_every": {"i": 2}}, "over one label"),
    (RNN, {"keep_every": 2, "backend": "jax", "mesh": {"b": 2}, "shard": {"b": "b"}}, "no mesh"),
    ("h[t,i] = tanh(h[t-1,i] + x_ti)\na_ts = softmax_s(h_ti h_si)\nL = sum_ts(a_ts^2)",
     {"keep_every": 2}, "several positions at once"),
    ("h[t,i] = x_ti + sum_k(w_k h[t-k-1,i])\nL = sum_ti(h_ti^2)",
     {"keep_every": 2}, "reads many earlier ones"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "options", "reason"), REFUSED)
def test_what_cannot_be_cut_is_refused(text: str, options: Any, reason: str) -> None:
    model = eg.parse(text)
    wrt = ["U", "V"] if "U_ij" in text else ["x"]
    with pytest.raises(eg.EingradError, match=reason):
        model.grad("L", wrt).compile(**options)
