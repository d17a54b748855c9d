"""Claims about the entries of recurrences, what is printed of them, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from counting import calls

import eingrad as eg
from eingrad.notation.latex import to_latex

pytest.importorskip("torch")

from moving.table import MODELS

TOTAL = "L"


CLAIMS = [
    ("rnn", "dL/dU_ij = dL/dh_ti (1 - h_ti^2) h[t-1,j]", True),
    ("rnn", "dL/dU_ij = dL/dh_ti (1 - h_ti^2) h_tj", False),
    ("rnn", "dL/dU_ij = dL/dh_ti h[t-1,j]", False),
    ("rnn", "dL/dV_in = sum_t(dL/dh_ti (1 - h_ti^2) x_tn)", True),
    ("rnn", "dL/db_i = dL/dh_ti (1 - h_ti^2)", True),
    ("rnn", "dL/dh[t,i] = 2 (h_ti - y_ti) + U_ji dL/dh[t+1,j] (1 - h[t+1,j]^2)", True),
    ("rnn", "dL/dh[t,i] = 2 (h_ti - y_ti) + U_ji dL/dh[t+1,j] (1 - h_tj^2)", False),
    ("rnn", "dL/dh[t,i] = 2 (h_ti - y_ti) + U_ji dL/dh[t-1,j] (1 - h[t+1,j]^2)", False),
    ("rnn", "dL/dh[t,i] = U_ji dL/dh[t+1,j] (1 - h[t+1,j]^2)", False),
    ("lstm", "dL/dc_ti = dL/dh_ti o_ti (1 - tanh(c_ti)^2) + dL/dc[t+1,i] f[t+1,i]", True),
    ("lstm", "dL/dc_ti = dL/dh_ti o_ti (1 - tanh(c_ti)^2) + dL/dc[t+1,i] f[t,i]", False),
    ("lstm", "dL/df_ti = dL/dc_ti c[t-1,i]", True),
    ("lstm", "dL/df_ti = dL/dc_ti c_ti", False),
    ("state space", "dL/dA_ij = dL/dh_ti h[t-1,j]", True),
    ("state space", "dL/dh_ti = 2 (C_j h_tj - y_t) C_i + A_ji dL/dh[t+1,j]", True),
    ("state space", "dL/dh_ti = 2 (C_j h_tj - y_t) C_i + A_ij dL/dh[t+1,j]", False),
    ("residual", "dL/dW_ljk = Z[l-1,b,j] dL/dZ_lbk (1 - tanh(Z[l-1,b,i] W_lik)^2)", True),
    ("residual", "dL/dX_bk = sum_l(dL/dZ_lbk)", False),
]


@pytest.mark.parametrize(("name", "claim", "right"), CLAIMS)
def test_claims_about_an_entry(name: str, claim: str, right: bool) -> None:
    verdict = MODELS[name].model.check(claim)
    assert (verdict.outcome == "right") is right, verdict


NAMED = [
    ("G_ti = dL/dh_ti (1 - h_ti^2)\ndL/dU_ij = G_ti h[t-1,j]", True),
    ("G_ti = dL/dh_ti (1 - h_ti^2)\ndL/dU_ij = G_ti h_tj", False),
    ("G_ti = dL/dh_ti (1 - h_ti^2)\n"
     "G_ti = (2 (h_ti - y_ti) + U_ji G[t+1,j]) (1 - h_ti^2)", True),
    ("G_ti = dL/dh_ti (1 - h_ti^2)\n"
     "G_ti = (2 (h_ti - y_ti) + U_ji G[t+1,j]) (1 - h[t-1,i]^2)", False),
]  # fmt: skip


@pytest.mark.parametrize(("claim", "right"), [
    ("h[t+1,i] = tanh(U_ij h_tj + V_ij x[t+1,j] + b_i)", True),
    ("h[t+1,i] = tanh(U_ij h_tj + V_ij x_tj + b_i)", False),
    ("h[t-1,i] = tanh(U_ij h[t-2,j] + V_ij x[t-1,j] + b_i)", True),
    ("h[t+1,i] = h_ti", False),
    ("dL/dh[t-1,i] = 2 (h[t-1,i] - y[t-1,i]) + dL/dh_tj (1 - h_tj^2) U_ji", True),
    ("dL/dh[t-1,i] = 2 (h[t-1,i] - y[t-1,i]) + dL/dh_tj (1 - h[t-1,j]^2) U_ji", False),
    ("dL/dh[t-1,i] = dL/dh_ti", False),
    ("dL/dh[-1,i] = 2 (h[-1,i] - y[-1,i])", True), ("dL/dh[-1,i] = 2 h[-1,i]", False),
    ("dL/dh[0,i] = 2 (h[0,i] - y[0,i]) + dL/dh[1,j] (1 - h[1,j]^2) U_ji", True),
    ("dL/dh[0,i] = 2 (h[0,i] - y[0,i])", False),
])  # fmt: skip
def test_claims_about_other_positions(claim: str, right: bool) -> None:
    verdict = MODELS["rnn"].model.check(claim)
    assert (verdict.outcome == "right") is right, verdict


@pytest.mark.parametrize(("claims", "right"), NAMED)
def test_names_that_claims_give_to_adjoints(claims: str, right: bool) -> None:
    verdict = MODELS["rnn"].model.check(claims)
    assert (verdict.outcome == "right") is right, verdict


def test_an_assumed_extent_says_how_many_steps_there_are() -> None:
    text = "assume size(s) = 4\n" + MODELS["descent"].text.replace("eta_s", "eta")
    text = text.replace("goal_i", "1")
    model = eg.parse(text)
    rng = np.random.default_rng(3)
    given = {"A": rng.normal(size=(3, 3)), "b": rng.normal(size=3), "w0": rng.normal(size=3)}
    w, loop = given["w0"], 0.0
    for _ in range(4):
        w = w - 0.3 * (given["A"] @ w - given["b"])
        loop += float(((w - 1) ** 2).sum())
    found = model.grad("L").compile()(eta=np.float64(0.3), **given)
    assert float(found["L"]) == pytest.approx(loop, rel=1e-12)


def test_pictures_have_no_line_back() -> None:
    model = MODELS["lstm"].model
    assert model.picture("L").svg.startswith("<svg")
    assert model.grad("L", "w").picture().svg.startswith("<svg")


READ_BACK = ["rnn", "lstm", "gru", "state space", "residual", "descent", "second order",
             "backwards", "begun"]  # fmt: skip


def test_what_is_printed_reads_back() -> None:
    for name in READ_BACK:
        model = MODELS[name].model
        assert str(eg.parse(str(model))) == str(model)
        for line in str(model.grad(TOTAL)).splitlines():
            verdict = model.check(line.removeprefix("with "))
            assert verdict.outcome == "right", (line, verdict)


def test_a_derivation_prints_each_rule_once() -> None:
    lines = MODELS["rnn"].model.grad(TOTAL, ["U"]).text("U").splitlines()
    assert len(lines) < 20
    assert sum("dL/dh_ti = " in line for line in lines) == 1
    assert any("U_ji dL/dh[t+1,j] (1 - h[t+1,j]^2)" in line for line in lines)


WRONG = [
    ("h_t = a h_t + x_t", "cycle"),
    ("h[t] = a h[t-1] + b h[t+1] + x[t]", "recurrence"),
    ("h[t] = a h[t-1] + sum_t(h[t]) + x[t]", "cycle"),
    ("h[t] = a h[t-1] + x[t]\nh[-1] = b", None),
    ("h[t<0] = b\nL = c^2", None),
    ("y[t] = x[t-1]", "open-range"),
    ("h[t+1] = a h[t] + x[t]", None),
    ("h[t+1] = a x[t]", None),
    ("h[...,t] = a h[...,t-1] + x[...,t]", "recurrence"),
    ("h[t,i] = a h[t-1,i] + b h[t,i-1] + x[t,i]", "recurrence"),
    ("h[t] = x[t] + sum_k(a_k h[t-k])", "recurrence"),
    ("h[t] = x[t] + sum_k(a_k h[t-2k+3])", "recurrence"),
    ("h_t = x_t + sum_{s <= t}(W_ts h_s)", "recurrence"),
    ("h_t = x_t + sum_{s != t}(W_ts h_s)", "recurrence"),
    ("h_t = x_t + W_ts h_s", "cycle"),
    ("h[t] = x[t] + h[2t]", "recurrence"),
]


@pytest.mark.parametrize(("text", "code"), WRONG)
def test_what_is_no_recurrence_is_refused(text: str, code: str | None) -> None:
    with pytest.raises(eg.EingradError) as caught:
        eg.parse(text)
    assert code is None or caught.value.code == code, caught.value.code
    assert caught.value.hint


LENGTHS = [("rnn", "U", "t"), ("heat equation over time", "kappa", "t"), ("residual", "W", "l"),
           ("transformer of twelve blocks", "W2", "l")]  # fmt: skip


@pytest.mark.parametrize(("name", "wrt", "label"), LENGTHS)
def test_time_to_derive_does_not_depend_on_the_length(name: str, wrt: str, label: str) -> None:
    """As many calls, steps and lines for 12 positions as for 3000, where the text says how many."""
    found = []

    def derive(count: int) -> None:
        text = f"assume size({label}) = {count}\n{MODELS[name].text}"
        gradients = eg.parse(text).grad(TOTAL, [wrt])
        source = gradients.source("numpy")
        found.append((len(gradients.steps()), len(source.splitlines())))

    derive(2)  # what is loaded when it is first needed
    work = [calls(lambda n=n: derive(n)) for n in (12, 3000)]
    assert len({*found}) == 1
    assert work[1] < 1.02 * work[0], work


def test_what_is_planned_does_not_depend_on_the_length() -> None:
    function = MODELS["rnn"].model.grad(TOTAL).compile()
    shapes = {"U": (2, 2), "V": (2, 1), "b": 2, "h0": 2, "x": (9, 1), "y": (9, 2)}
    lines = []
    for count in (9, 900):
        shapes |= {"x": (count, 1), "y": (count, 2)}
        function(**{n: np.ones(shape) / 8 for n, shape in shapes.items()})
        lines.append(len(function.source.splitlines()))
    assert lines[0] == lines[1]


LATEX_RNN = r"""
\begin{align}
h_{t,i} &= \tanh\left(U_{ij} h_{t-1,j} + V_{in} x_{t,n} + b_i\right) \\
L &= \sum_{t,i} (h_{t,i} - y_{t,i})^2
\end{align}"""

LATEX_CLAIMS = [
    (r"\frac{\partial L}{\partial h_{t,i}} = 2 (h_{t,i} - y_{t,i})"
     r" + U_{ji} \frac{\partial L}{\partial h_{t+1,j}} (1 - h_{t+1,j}^2)", True),
    (r"\frac{\partial L}{\partial h_{t,i}} = 2 (h_{t,i} - y_{t,i})"
     r" + U_{ji} \frac{\partial L}{\partial h_{t+1,j}} (1 - h_{t,j}^2)", False),
    (r"\frac{\partial L}{\partial U_{ij}}"
     r" = \sum_t \frac{\partial L}{\partial h_{ti}} (1 - h_{ti}^2) h_{t-1,j}", True),
    (r"\frac{\partial L}{\partial U_{ij}}"
     r" = \sum_t \frac{\partial L}{\partial h_{ti}} (1 - h_{ti}^2) h_{t,j}", False),
    (r"\frac{\partial L}{\partial V_{in}}"
     r" = \sum_t \frac{\partial L}{\partial h_{ti}} (1 - h_{ti}^2) x_{tn}", True),
]  # fmt: skip


@pytest.mark.parametrize(("claim", "right"), LATEX_CLAIMS)
def test_latex(claim: str, right: bool) -> None:
    model = eg.parse_latex(LATEX_RNN)
    assert str(model).startswith("h_ti = tanh(U_ij h[t-1,j] + V_in x_tn + b_i)")
    verdict = model.check(claim)
    assert (verdict.outcome == "right") is right, verdict
    assert "h_{t-1, j}" in model.grad(TOTAL, "U").latex()


def test_an_entry_0_in_latex_stands_before_the_first() -> None:
    with pytest.warns(eg.NotationWarning, match="s0 stands before the first entry of s"):
        model = eg.parse_latex(
            r"s_t = \alpha x_t + (1 - \alpha) s_{t-1} \\ s_0 = c \\ L = \sum_t s_t^2"
        )
    x = np.array([0.5, -1.0, 2.0])
    found = model.grad("L", ["c", "alpha"]).compile()(alpha=np.float64(0.3), x=x, c=np.float64(2))
    s, ds, value, slope = 2.0, 1.0, 0.0, 0.0
    for entry in x:
        s, ds = 0.3 * entry + 0.7 * s, 0.7 * ds
        value, slope = value + s * s, slope + 2 * s * ds
    assert float(found["L"]) == pytest.approx(value, rel=1e-12)
    assert float(found["dL/dc"]) == pytest.approx(slope, rel=1e-12)


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
def test_a_recurrence_over_any_function_of_two_numbers(backend: Any) -> None:
    """Its derivatives, with a known function put in its place, beside PyTorch's."""
    torch, jax = pytest.importorskip("torch"), pytest.importorskip("jax")
    text = "function f(a, b)\nh_t = f(x_t, h[t-1]) - w\nL = sum_t(f(h_t, y_t)^2)"
    model = eg.parse(text)
    assert str(eg.parse_latex(r" \\ ".join(map(to_latex, model.statements)))) == str(model)
    rng = np.random.default_rng(5)
    given: Any = {"x": rng.normal(size=4), "y": rng.normal(size=4), "w": np.array(0.3)}

    def loss(x: Any, y: Any, w: Any) -> Any:
        h, total = torch.zeros((), dtype=torch.float64), 0.0
        for t in range(4):
            h = torch.logaddexp(x[t], h) - w
            total = total + torch.logaddexp(h, y[t]) ** 2
        return total

    leaves = [torch.tensor(given[n]) for n in "xyw"]
    right = torch.autograd.functional.jacobian(loss, tuple(leaves))
    second = torch.autograd.functional.hessian(lambda x: loss(x, *leaves[1:]), leaves[0])
    if backend == "torch":
        given = dict(zip("xyw", leaves, strict=True))
    bound: Any = {"backend": backend, "functions": {"f": "logaddexp"}, "dtype": "float64"}
    with jax.enable_x64(True):
        found = model.grad("L").compile(**bound)(**given)
        hessian = model.hessian("L", "x").compile(**bound)(**given)["d2L/dx dx"]
    for name, slope in zip("xyw", right, strict=True):
        np.testing.assert_allclose(np.asarray(found[f"dL/d{name}"]), slope, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(np.asarray(hessian), second, rtol=1e-9, atol=1e-12)
