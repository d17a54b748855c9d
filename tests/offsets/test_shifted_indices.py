"""Integers at other positions, ``p[t,c[t+1]]``: what is read where there is none is 0.

Values by loops written by hand, gradients by differences.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import eingrad as eg

rng = np.random.default_rng(2)
T, V = 5, 3
P, E, x, w = (rng.normal(size=s) for s in ((T, V), (V, 2), T, 2))
c = rng.integers(0, V, size=T)


def read(p: Any, t: int, k: int) -> Any:
    """Return p[t, c[k]], 0 outside."""
    return p[t, c[k]] if 0 <= t < len(p) and 0 <= k < T else 0.0


# fmt: off
MODELS: dict[str, tuple[str, Callable[..., Any], dict[str, Any]]] = {
    "the next one": ("y_t = p[t,c[t+1]]^2 x_t",
        lambda p, x: [read(p, t, t + 1) ** 2 * x[t] for t in range(T)], {"p": P, "x": x}),
    "the last one": ("y_t = p[t,c[t-1]]^2 x_t",
        lambda p, x: [read(p, t, t - 1) ** 2 * x[t] for t in range(T)], {"p": P, "x": x}),
    "a window": ("y_t = p[t,c[t+k]] w_k",
        lambda p, w: [sum(read(p, t, t + k) * w[k] for k in range(2)) for t in range(T)],
        {"p": P, "w": w}),
    "every other one": ("y_t = p[t,c[2 t]]^2", lambda p: [read(p, t, 2 * t) ** 2 for t in range(T)],
        {"p": P}),
    "backwards": ("y_t = p[t,c[3-t]]^2", lambda p: [read(p, t, 3 - t) ** 2 for t in range(T)],
        {"p": P}),
    "both moved": ("y_t = p[t+1,c[t-1]] x_t",
        lambda p, x: [read(p, t + 1, t - 1) * x[t] for t in range(T)], {"p": P, "x": x}),
    "embedded before": ("assume size(t) = 5\ny_t = sum_i(E[c[t-1],i]^2)",
        lambda E: [0 if t < 1 else np.sum(E[c[t - 1]] ** 2) for t in range(T)], {"E": E}),
    "embedded after": ("y_t = sum_i(E[c[t+1],i]^2)",
        lambda E: [np.sum(E[c[t + 1]] ** 2) for t in range(T - 1)], {"E": E}),
    "embedded in a window": ("y_t = sum_i(E[c[t+k],i]^2 w_k)",
        lambda E, w: [sum(np.sum(E[c[t + k]] ** 2) * w[k] for k in range(2)) for t in range(T - 1)],
        {"E": E, "w": w}),
}
# fmt: on


@pytest.mark.parametrize("name", MODELS)
def test_values_and_gradients_are_those_of_loops(name: str) -> None:
    text, loop, arrays = MODELS[name]
    model = eg.parse(f"{text}\nL = sum_t(y_t sin(y_t))")
    derivatives = model.grad("L", list(arrays))

    def loss(**own: Any) -> float:
        y = np.array(loop(**own))
        return float(np.sum(y * np.sin(y)))

    for backend in [x for x in ("numpy", "torch") if find_spec(x)]:
        found = derivatives.compile(backend, dtype="float64")(c=c, **arrays)
        np.testing.assert_allclose(float(found["L"]), loss(**arrays), rtol=1e-10)
        for n, value in arrays.items():
            for k in np.ndindex(value.shape):
                step = np.zeros(value.shape)
                step[k] = 1e-6
                ends = [loss(**arrays | {n: value + s * step}) for s in (1, -1)]
                gradient = float(found[f"dL/d{n}"][k])
                assert abs(gradient - (ends[0] - ends[1]) / 2e-6) < 1e-6
    for n in arrays:
        assert model.check(str(derivatives[n])).outcome == "right", str(derivatives[n])
    assert str(eg.parse(str(model))) == str(model)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("L = sum_t(P[c_t,c[t+1]])", pairwise),
        ("L = sum_{t < 4}(P[c_t,e_t])", lambda c: zip(c[:4], c[::-1][:4], strict=True)),
    ],
)
def test_a_pair_that_occurs_twice_counts_twice(text: str, pairs: Callable[..., Any]) -> None:
    c = np.array([0, 1, 0, 1, 0])
    wanted = np.zeros((3, 3))
    for pair in pairs(c):
        wanted[pair] += 1
    found = eg.parse(text).grad("L", "P")
    arrays = {"P": E @ E.T, "c": c, "e": c[::-1].copy()}
    for backend in [x for x in ("numpy", "torch", "jax") if find_spec(x)]:
        run = found.compile(backend)
        given = {v.name: arrays[v.name] for v in run.inputs}
        np.testing.assert_allclose(run(**given)["dL/dP"], wanted)
    for target in [x for x in ("numpy", "torch") if find_spec(x)]:
        module: dict[str, Any] = {"__name__": "module"}
        exec(found.source(target), module)
        whole = np.asarray if target == "numpy" else pytest.importorskip("torch").tensor
        _, saved = module["forward"](**{n: whole(arrays[n]) for n in module["AXES"]})
        (gradient,) = module["backward"](saved)
        np.testing.assert_allclose(gradient, wanted)


def test_a_range_that_would_not_begin_at_0_is_refused() -> None:
    with pytest.raises(eg.NotationError, match="would not begin at 0"):
        eg.parse("y_ti = E[c[t-1],i]")
