r"""LaTeX that says what comes next, ``u^{n+1}_i = u^n_i + ...``, and sums that end at a label.

Values by loops over the text's own indices, with dictionaries from these to numbers; gradients by
differences.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import eingrad as eg

pytestmark = pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")
rng = np.random.default_rng(11)
N, M = 4, 5
g, d, a = rng.normal(size=M), rng.normal(size=(N, M)), 0.3
x, w, f = rng.normal(size=N), rng.normal(size=N), rng.normal(size=N + 1)


def at(u: Any, i: int) -> float:
    return u[i] if 0 <= i < len(u) else 0.0


def heat(u: Any, a: float) -> Any:
    return np.array([u[i] + a * (at(u, i + 1) - 2 * u[i] + at(u, i - 1)) for i in range(len(u))])


def heat_loss(g: Any, d: Any, a: float) -> float:
    u, total = g, 0.0
    for n in range(1, N + 1):
        u = heat(u, a)
        total += np.sum((u - d[n - 1]) ** 2)
    return total


def heat_from_zero(g: Any, d: Any, a: float) -> float:
    u, total = g, np.sum((g - d[0]) ** 2)
    for n in range(1, N):
        u = heat(u, a)
        total += np.sum((u - d[n]) ** 2)
    return total


def forced(x: Any, c: float, a: float) -> float:
    u = {0: c}
    for t in range(N):  # x_0, ..., x_{N-1}
        u[t + 1] = a * u[t] + x[t]
    return sum(u[t] ** 2 for t in range(1, N + 1))


def trapezoid(f: Any, c: float) -> float:
    u = c
    for t in range(N):
        u = u + (f[t] + f[t + 1]) / 2
    return u**2


def momentum(x: Any, c: float, a: float) -> float:
    v, y = {0: 0.0}, {0: c}
    for t in range(N):
        v[t + 1] = a * v[t] - np.sin(y[t]) + x[t]
        y[t + 1] = y[t] + v[t + 1]
    return y[N] ** 2


def weighted(f: Any, c: float, a: float) -> float:
    y = {0: c}
    for k in range(N):
        y[k + 1] = y[k] - a * f[k]
    return sum(y[k] ** 2 * f[k] for k in range(N + 1))


def moved(d: Any, g: Any, a: float) -> float:
    h = g
    for t in range(N):
        h = np.array([a * at(h, i + 1) + d[t, i] for i in range(M)])
    return np.sum(h**3)


def kernel(x: Any, w: Any) -> float:
    return sum(sum(w[t - s] * x[s - 1] for s in range(1, t + 1)) ** 3 for t in range(1, N + 1))


# fmt: off
HEAT = r"u^{n+1}_i = u^n_i + a (u^n_{i+1} - 2 u^n_i + u^n_{i-1}) \\ u^0_i = g_i \\ "
MODELS: dict[str, tuple[str, Callable[..., float], dict[str, Any]]] = {
    "heat equation": (HEAT + r"L = \sum_{n=1}^{N} \sum_i (u^n_i - d^n_i)^2",
        heat_loss, {"g": g, "d": d, "a": a}),
    "heat equation, labels first": (
        r"u_i^{n+1} = u_i^n + a (u_{i+1}^n - 2 u_i^n + u_{i-1}^n) \\ u_i^0 = g_i \\ "
        r"L = \sum_{n=1}^{N} \sum_i (u_i^n - d_i^n)^2", heat_loss, {"g": g, "d": d, "a": a}),
    "heat equation from 0": (HEAT + r"L = \sum_{n=0}^{N} \sum_i (u^n_i - d^n_i)^2",
        heat_from_zero, {"g": g, "d": d, "a": a}),
    "forced": (r"u_{t+1} = a u_t + x_t \\ u_0 = c \\ L = \sum_{t=1}^T u_t^2",
        forced, {"x": x, "c": a, "a": a}),
    "trapezoid": (r"u_{t+1} = u_t + \frac{f_t + f_{t+1}}{2} \\ u_0 = c \\ L = u_T^2",
        trapezoid, {"f": f, "c": a}),
    "momentum": (r"v_{t+1} = a v_t - \sin(y_t) + x_t \\ y_{t+1} = y_t + v_{t+1} \\ v_0 = 0 \\ "
                 r"y_0 = c \\ L = y_T^2", momentum, {"x": x, "c": a, "a": a}),
    "read elsewhere": (r"y_{k+1} = y_k - a f_k \\ y_0 = c \\ L = \sum_{k=0}^K y_k^2 f_k",
        weighted, {"f": f, "c": a, "a": a}),
    "two labels that move": (
        r"h_{t,i} = a h_{t-1,i+1} + d_{t,i} \\ h_{0,i} = g_i \\ L = \sum_i h_{T,i}^3",
        moved, {"d": d, "g": g, "a": a}),
    "a sum up to a label": (r"y_t = \sum_{s=1}^{t} w_{t-s} x_s \\ L = \sum_t y_t^3",
        kernel, {"x": x, "w": w}),
}
# fmt: on


@pytest.mark.parametrize("name", MODELS)
def test_values_and_gradients_are_those_of_loops(name: str) -> None:
    latex, loop, arrays = MODELS[name]
    model = eg.parse_latex(latex)
    given = {n: np.asarray(v) for n, v in arrays.items()}
    found = model.grad("L", list(arrays)).compile()(**given)
    np.testing.assert_allclose(found["L"], loop(**given), rtol=1e-12)
    for n, value in given.items():
        wanted = np.zeros(value.shape)
        for k in np.ndindex(value.shape):
            step = np.zeros(value.shape)
            step[k] = 1e-6
            ends = [loop(**given | {n: value + s * step}) for s in (1, -1)]
            wanted[k] = (ends[0] - ends[1]) / 2e-6
        np.testing.assert_allclose(found[f"dL/d{n}"], wanted, rtol=1e-6, atol=1e-7)
    own, again = (
        [x for x in str(m).splitlines() if x[0] != "#"] for m in (model, eg.parse(str(model)))
    )
    assert own == again


@pytest.mark.parametrize(
    ("latex", "reason"),
    [
        (r"u^{n+1}_i = 2 u^n_i - u^{n-2}_i + a u^n_i", "another position"),
        (r"y_{k+1} = y_k - f_k \\ L = \sum_{k=1}^K y_k f_k", "another position"),
        (r"y_t = \sum_{s=1}^{t} x_{t-s} x_s", "entry 0"),
    ],
)
def test_what_could_begin_at_two_places_is_refused(latex: str, reason: str) -> None:
    with pytest.raises(eg.NotationError, match=reason):
        eg.parse_latex(latex)


@pytest.mark.parametrize(
    ("latex", "claim"),
    [
        (MODELS["forced"][0], r"\frac{\partial L}{\partial x_t} = \frac{\partial L}{\partial u_t}"),
        (MODELS["a sum up to a label"][0],
         r"\frac{\partial L}{\partial w_k} = \sum_t 3 y_t^2 x_{t-k}"),
    ],
)  # fmt: skip
def test_a_claim_about_what_counts_from_0_is_not_judged(latex: str, claim: str) -> None:
    with pytest.raises(eg.NotationError, match="counts from 0"):
        eg.parse_latex(latex).check(claim, latex=True)


SLOPE = r"\frac{\partial J}{\partial u_{n+1}} (1 - \tanh^2(\theta u_n)) u_n"
BEHIND = r"\frac{\partial J}{\partial u_n} (1 - \tanh^2(\theta u_{n-1})) u_{n-1}"
LINEAR = (
    r"\mathbf{u}_{n+1} = \mathbf{u}_n + h \mathbf{A} \mathbf{u}_n + \mathbf{f}_n \\"
    r" J = \frac12 \|\mathbf{u}_N - \mathbf{d}\|^2 \\ \lambda_n = \frac{\partial J}{\partial \mathbf{u}_n}"  # noqa: E501
)


@pytest.mark.parametrize(("loss", "begins", "ends", "summand", "outcome"), [
    ("", "", "", SLOPE, "right"),  # u_0 stands before the first entry: the sum is from it on
    ("", "=0", "^{N-1}", SLOPE, "right"),
    ("", "=1", "^{N-1}", SLOPE, "wrong"),
    ("", "", "", BEHIND, "right"),
    ("", "=1", "^N", BEHIND, "right"),
    ("_{n=1}^N", "=0", "^{N-1}", SLOPE, "right"),
    ("_{n=0}^{N-1}", "=0", "^{N-1}", SLOPE, "right"),
    ("_{n=0}^{N-1}", "=1", "^N", BEHIND, "right"),
    ("_{n=0}^{N-1}", "=1", "^{N-1}", SLOPE, "refused"),  # the step from u_0 is missing
    ("_{n=0}^N", "=1", "^{N-1}", SLOPE, "refused"),
])  # fmt: skip
def test_sums_of_claims_begin_where_they_say(
    loss: str, begins: str, ends: str, summand: str, outcome: str
) -> None:
    """The gradient of all steps of Euler's scheme begins with the step from u_0."""
    scheme = r"u_{n+1} = u_n + h \tanh(\theta u_n) \\ J = \sum" + (loss or "_n") + " u_n^3"
    claim = rf"\frac{{dJ}}{{d\theta}} = h \sum_{{n{begins}}}{ends} {summand}"
    try:
        found = eg.parse_latex(scheme).check(claim, latex=True).outcome
    except eg.NotationError:
        found = "refused"
    assert found == outcome


@pytest.mark.parametrize(("sum_", "outcome"), [
    (r"\lambda_{n+1} \mathbf{u}_n^T", "right"), (r"\lambda_n \mathbf{u}_{n-1}^T", "right"),
    (r"\lambda_n \mathbf{u}_n^T", "wrong"), (r"\lambda_{n+1} \mathbf{u}_{n-1}^T", "wrong"),
])  # fmt: skip
def test_the_adjoint_of_a_linear_scheme(sum_: str, outcome: str) -> None:
    claim = rf"\frac{{\partial J}}{{\partial \mathbf{{A}}}} = h \sum_n {sum_}"
    assert eg.parse_latex(LINEAR).check(claim, latex=True).outcome == outcome
