"""Recurrences of far kinds, drawn at random: beside a loop over single entries in PyTorch, and
central differences; compiled, as modules, in segments, and their Hessians times vectors."""

from __future__ import annotations

import os
from contextlib import nullcontext, suppress
from typing import Any

import numpy as np
import pytest
from drawn_recurrences import Drawn, drawn, inputs
from drawn_stacks import Stacked, stacked
from hypothesis import strategies as st
from seeds import in_batches

import eingrad as eg

torch = pytest.importorskip("torch")
Arrays = dict[str, np.ndarray]
BACKENDS = ("numpy", "torch", "jax")
EVERY = bool(os.environ.get("EINGRAD_EXHAUSTIVE"))  # each drawn model on each of them


@st.composite
def recurrences(draw: st.DrawFn) -> Drawn:
    return drawn(lambda choices: draw(st.sampled_from(choices)))


def _assert_close(found: Any, right: Any, scale: float, what: str) -> None:
    found = np.asarray(found)
    assert np.abs(found - np.asarray(right)).max(initial=0) <= 1e-10 * scale, what


@st.composite
def stacks(draw: st.DrawFn) -> Stacked:
    return stacked(lambda choices: draw(st.sampled_from(choices)))


def check(case: Drawn | Stacked) -> None:
    rng = np.random.default_rng(len(case.text))
    model = eg.parse(case.text)
    given = case.arrays(rng)
    leaves = {n: torch.tensor(x, requires_grad=True) for n, x in given.items()}
    value = case.value(torch, leaves)
    value.backward()
    right = {n: np.zeros(x.shape) if x.grad is None else x.grad.numpy() for n, x in leaves.items()}
    scale = max(1.0, *(float(np.abs(x).max()) for x in right.values()))
    own = {n: given[n] for n in model.inputs}
    for way, found in _every_way(model, own, len(case.text)):
        _assert_close(found["L"], value.detach(), scale, f"{way}: L\n{case.text}")
        for n in own:
            _assert_close(found[f"dL/d{n}"], right[n], scale, f"{way}: {n}\n{case.text}")
    _beside_differences(case, given, right)
    if len(case.text) % 8 == 0:
        _second_order(case, model, given, own)


def _every_way(model: eg.Model, own: Arrays, number: int) -> list[tuple[str, Any]]:
    derivatives = model.grad("L")
    one = "torch" if number % 3 == 0 else "jax" if number % 6 == 1 else "numpy"
    found = [(x, _on(x, derivatives, own)) for x in (BACKENDS if EVERY else (one,))]
    if number % 4 == 1:
        with suppress(eg.EingradError):  # not every model can be cut
            found.append(("in segments", derivatives.compile(keep_every=2)(**own)))
    if number % 4 == 2:
        module: dict[str, Any] = {"__name__": "module"}
        exec(derivatives.source("numpy"), module)
        value, saved = module["forward"](*(own[n] for n in module["AXES"]))
        gradients = zip(module["WRT"], module["backward"](saved), strict=True)
        found.append(("module", {"L": value} | {f"dL/d{n}": x for n, x in gradients}))
    return found


def _on(backend: str, derivatives: eg.Derivatives, own: Arrays) -> Any:
    given: Any = {n: torch.tensor(x) for n, x in own.items()} if backend == "torch" else own
    with pytest.importorskip("jax").enable_x64(True) if backend == "jax" else nullcontext():
        return derivatives.compile(backend, dtype="float64")(**given)


def _beside_differences(case: Drawn | Stacked, given: Arrays, right: Arrays) -> None:
    """Compare the loop's own gradient along one direction, so that the oracle is no one's word."""
    if "max" in case.text:
        return
    rng = np.random.default_rng(1)
    way = {n: rng.normal(size=x.shape) for n, x in given.items()}
    up, down = (
        float(case.value(torch, {n: torch.tensor(x + sign * 1e-6 * way[n])
                                 for n, x in given.items()}))
        for sign in (1, -1)
    )  # fmt: skip
    slope = sum(float((right[n] * way[n]).sum()) for n in given)
    assert abs(slope - (up - down) / 2e-6) <= 1e-5 * max(1.0, abs(slope))


def _second_order(case: Drawn | Stacked, model: eg.Model, given: Arrays, own: Arrays) -> None:
    rng = np.random.default_rng(2)
    way = {n: rng.normal(size=x.shape) for n, x in own.items()}
    found = model.hvp("L").compile()(**own, **{f"{n}dot": x for n, x in way.items()})
    rest = {n: torch.tensor(x) for n, x in given.items()}
    _, right = torch.autograd.functional.hvp(
        lambda *xs: case.value(torch, {**rest, **dict(zip(own, xs, strict=True))}),
        tuple(rest[n] for n in own), tuple(torch.tensor(way[n]) for n in own),
    )  # fmt: skip
    for n, x in zip(own, right, strict=True):
        _assert_close(found[f"dLd{n}dot"], x, 10 * max(1.0, float(x.abs().max())), case.text)


test_drawn_recurrences = in_batches(24, 2, recurrences())(check)


@in_batches(12, 2, stacks())
def test_drawn_stacks(case: Stacked) -> None:
    """Layers that repeat, recurrences over time, and both, one after the other."""
    check(case)


MENDED = {
    "two lags of one position":
        "assume size(k) = 2\nh[t,i] = sin(exp(-(sum_k(v_k h[t-k-1,i]))^2) + x_ti)\n"
        "L = sum_ti(w_i h_ti^2)",
    "neighbours of what stands outside":
        "assume size(k) = 2\nh[t,i] = x_ti + h[t-1,i] / 3\nh[t<0,i] = h0_i\n"
        "p_ti = x_ti + sum_k(v_k h[t-k-1,i+1])\nL = sum_ti(p_ti^2 w_i)",
    "lags of neighbours":
        "assume size(k) = 2\nh[t,i] = tanh(sum_k(v_k h[t-2k-1,i+1]) + x_ti)\n"
        "h[t<0,i] = h0_i\nL = sum_ti(w_i h_ti^2)",
    "lags of two steps with the same weights":
        "assume size(k) = 2\n"
        "h[t,i] = (sum_k(v_k h[t-2k-1,i]) + sin(sum_k(v_k h[t-k-1,i])) + x_ti) / 3\n"
        "L = sum_ti(w_i h_ti^2)",
}  # fmt: skip


def _loop(name: str, a: dict[str, Any]) -> Any:
    """The models above, entry by entry."""
    h: dict[tuple[int, int], Any] = {}
    p: dict[tuple[int, int], Any] = {}

    def at(t: int, i: int) -> Any:
        if not 0 <= i < 3:
            return 0.0
        if t < 0:
            return a["h0"][i] if "h0" in a else 0.0
        return h[t, i]

    for t in range(4):
        for i in range(3):
            x, v = a["x"][t, i], a["v"]
            if name == "two lags of one position":
                lagged = sum(v[k] * at(t - k - 1, i) for k in range(2))
                p[t, i] = h[t, i] = torch.sin(torch.exp(-(lagged**2)) + x)
            elif name == "lags of two steps with the same weights":
                near = torch.sin(sum(v[k] * at(t - k - 1, i) for k in range(2)))
                far = sum(v[k] * at(t - 2 * k - 1, i) for k in range(2))
                p[t, i] = h[t, i] = (far + near + x) / 3
            elif name == "lags of neighbours":
                lagged = sum(v[k] * at(t - 2 * k - 1, i + 1) for k in range(2))
                p[t, i] = h[t, i] = torch.tanh(lagged + x)
            else:
                h[t, i] = x + at(t - 1, i) / 3
                p[t, i] = x + sum(v[k] * at(t - k - 1, i + 1) for k in range(2))
    return sum(a["w"][i] * p[t, i] ** 2 for t in range(4) for i in range(3))


@pytest.mark.parametrize("name", MENDED)
@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
def test_mended(name: str, backend: str) -> None:
    if backend == "jax":
        pytest.importorskip("jax").config.update("jax_enable_x64", True)
    model = eg.parse(MENDED[name])
    given = inputs(np.random.default_rng(3))
    leaves = {n: torch.tensor(given[n], requires_grad=True) for n in model.inputs}
    value = _loop(name, leaves)
    value.backward()
    own: Any = {n: torch.tensor(given[n]) if backend == "torch" else given[n] for n in leaves}
    found = model.grad("L").compile(backend)(**own)
    _assert_close(found["L"], value.detach(), 1, name)
    for n, x in leaves.items():
        _assert_close(found[f"dL/d{n}"], x.grad, 10, n)


@pytest.mark.parametrize("inside", ["{}", "tanh({})", "relu({})"])
def test_a_layer_of_which_one_entry_is_read_more(inside: str) -> None:
    """``where(l == t, ...)`` is a diagonal, of which the adjoint reads ``dL/dZ[l+1,l+1]``."""
    own = inside.format("where(l == t, Z[l-1,t,i], c_ti)")
    text = f"Z[l,t,i] = Z[l-1,t,i] / 2 + {own}\nZ[l<0,t,i] = x_ti\nL = sum_ti(Z[-1,t,i]^2)"
    rng = np.random.default_rng(6)
    given = {n: rng.normal(size=(3, 2)) for n in "xc"}
    x, c = (torch.tensor(given[n], requires_grad=True) for n in "xc")
    z, function = x, {"{}": lambda y: y, "tanh({})": torch.tanh, "relu({})": torch.relu}[inside]
    for layer in range(3):
        own = torch.where(torch.arange(3)[:, None] == layer, z, c)
        z = z / 2 + function(own)
    (z**2).sum().backward()
    found = eg.parse(text).grad("L", ["x", "c"]).compile()(**given)
    for n, leaf in (("x", x), ("c", c)):
        _assert_close(found[f"dL/d{n}"], leaf.grad, 10, n)


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
def test_the_first_entry_of_what_another_recurrence_ends_with(backend: str) -> None:
    text = (
        "assume size(l) = 3\nY[l,t,i] = sin(Y[l-1,t,i])\nY[l<0,t,i] = x_ti\n"
        "Z[l,t,i] = c_li + Z[l-1,0,i] Z[l-1,t,i]\nZ[l<0,t,i] = Y[-1,t,i]\n"
        "L = sum_ti(Z[-1,t,i])"
    )
    rng = np.random.default_rng(8)
    given: Any = {"x": rng.normal(size=(3, 2)), "c": rng.normal(size=(3, 2))}
    z = np.sin(np.sin(np.sin(given["x"])))
    for layer in range(3):
        z = given["c"][layer] + z[0] * z
    if backend == "torch":
        given = {name: torch.tensor(x) for name, x in given.items()}
    if backend == "jax":
        pytest.importorskip("jax").config.update("jax_enable_x64", True)
    found = eg.parse(text).compile("L", backend=backend, dtype="float64")(**given)
    _assert_close(found["L"], z.sum(), 10, backend)


SECOND = [
    "h[t] = exp(-(sum_k(v_k h[t-k-1]))^2) + x_t\nL = sum_t(g_t h_t)",
    "h[t] = sin(exp(-(sum_k(v_k p[t-k-1]))^2) + x_t)\np[t] = h[t]^2\nL = sum_t(h_t g_t)",
]


@pytest.mark.parametrize("text", SECOND)
def test_hessians_of_functions_of_lags(text: str) -> None:
    model = eg.parse(f"assume size(k) = 2\n{text}")
    rng = np.random.default_rng(4)
    given = {"v": rng.normal(size=2), "x": rng.normal(size=5), "g": rng.normal(size=5)}

    def loss(v: Any) -> Any:
        x, g, h = torch.tensor(given["x"]), torch.tensor(given["g"]), list[Any]()
        for t in range(5):
            read = [v[k] * (h[t - k - 1] if "p[" not in text else h[t - k - 1] ** 2)
                    for k in range(min(t, 2))]  # fmt: skip
            lagged = torch.exp(-(sum(read, 0 * v[0]) ** 2))
            h.append(torch.sin(lagged + x[t]) if "p[" in text else lagged + x[t])
        return (torch.stack(h) * g).sum()

    found = model.hessian("L", "v").compile()(**given)["d2L/dv dv"]
    right = torch.autograd.functional.hessian(loss, torch.tensor(given["v"]))
    _assert_close(found, right, 10, text)
