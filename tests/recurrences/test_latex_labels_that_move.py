r"""Layers, times, offsets and entries in LaTeX: what they are read as, and what is printed back."""

from __future__ import annotations

import os
from collections.abc import Iterator

import hypothesis.strategies as st
import numpy as np
import pytest
from recurrences.test_random_recurrences import Case, cases
from seeds import in_batches

import eingrad as eg
from eingrad.notation.latex import to_latex
from eingrad.notation.parse import parse_claim

pytestmark = pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")

READ = [
    # a superscript is a label where the text shows a recurrence over it
    (r"z^l_j = \sum_k w^l_{jk} a^{l-1}_k \\ a^l_j = \sigma(z^l_j)",
     ["z_lj = sum_k(w_ljk a[l-1,k])", "a_lj = sigmoid(z_lj)"]),
    (r"a^{(\ell)}_j = \tanh(W^{(\ell)}_{jk} a^{(\ell-1)}_k) \\ a^{(0)}_j = x_j",
     ["a[ell,j] = tanh(W[ell,j,k] a[ell-1,k])", "a[ell<0,j] = a0_j", "a0_j = x_j"]),
    (r"h^{\langle t\rangle}_i = \tanh(u_i h^{\langle t-1\rangle}_i + x^{\langle t\rangle}_i)",
     ["h_ti = tanh(u_i h[t-1,i] + x_ti)"]),
    (r"h^{<t>}_i = \tanh(u_i h^{<t-1>}_i + x^{<t>}_i)", ["h_ti = tanh(u_i h[t-1,i] + x_ti)"]),
    (r"a^{[l]}_j = g(W^{[l]}_{jk} a^{[l-1]}_k) \\ L = \sum_j (a^{[L]}_j - y_j)^2",
     ["a_lj = g(W_ljk a[l-1,k])", "a[l<0,j] = a0_j", "L = sum_j((a[-1,j] - y_j)^2)"]),
    (r"a^1_j = x_j \\ a^l_j = \sigma(\sum_k w^l_{jk} a^{l-1}_k) \\ C = \sum_{l=1}^L \sum_j a^l_j",
     ["a[0,j] = a1_j", "C = sum_l(sum_j(a_lj))"]),
    (r"v^{(t)} = r^{(t)} + \gamma v^{(t+1)}", ["v_t = r_t + gamma v[t+1]"]),
    # or says how far it goes
    (r"z^{(l)}_j = \sum_k w^{(l)}_{jk} x_k, \quad l = 1, \ldots, L", ["z_lj = sum_k(w_ljk x_k)"]),
    # else it is what it was
    (r"z^l_j = \sum_k w^l_{jk} a^{l-1}_k", ["zl_j = sum_k(wl_jk alminus1_k)"]),
    (r"y = x^n + n x^{n-1}", ["y = x^n + n x^(n - 1)"]),
    (r"a^{(L)} = b a^{(L-1)} \\ C = (a^{(L)} - b)^2", ["aL = b aLminus1", "C = (aL - b)^2"]),
    # in matrix notation the label stands beside the type
    (r"\mathbf{h}_t = \tanh(\mathbf{W} \mathbf{h}_{t-1} + \mathbf{U} \mathbf{x}_t + \mathbf{b})",
     ["h_ti = tanh(W_ij h[t-1,j] + U_ik x_tk + b_i)"]),
    (r"\mathbf{z}^{(l)} = \mathbf{W}^{(l)} \mathbf{z}^{(l-1)} \\ \mathbf{z}^{(0)} = \mathbf{x}",
     ["z_li = W_lij z[l-1,j]", "z[l<0,i] = z0_i"]),
    (r"W \in \mathbb{R}^{n \times n} \\ h_t = \tanh(W h_{t-1} + x_t)",
     ["h_tn = tanh(W_ni h[t-1,i] + x_tn)"]),
    (r"W^{(l)} \in \mathbb{R}^{n \times n} \\ a^{(l)} = \tanh(W^{(l)} a^{(l-1)}) \\ a^{(0)} = x",
     ["a_ln = tanh(W_lni a[l-1,i])", "a[l<0,n] = a0_n", "a0_j = x_j"]),
    (r"\mathbf{h}_t = \tanh(\mathbf{W}_{hh} \mathbf{h}_{t-1} + \mathbf{W}_{xh} \mathbf{x}_t"
     r" + \mathbf{b}_h)",
     ["h_ti = tanh(Whh_ij h[t-1,j] + Wxh_ik x_tk + bh_i)"]),
    (r"h_{t,h} = \tanh(U_{hk} h_{t-1,k} + V_{hx} x_{t,x})",
     ["h_th = tanh(U_hk h[t-1,k] + V_hx x_tx)"]),
    (r"h_t = \tanh(w h_{t-1} + u x_t) \\ L = (h_T - y)^2",
     ["h_t = tanh(w h[t-1] + u x_t)", "L = (h[-1] - y)^2"]),
    (r"h_{0,i} = g_i \\ h_{t,i} = \tanh(u h_{t-1,i}) + x_{t,i} \\ L = \sum_i h_{T,i} h_{T-1,i}",
     ["h[t<0,i] = h0_i", "L = sum_i(h[-1,i] h[-2,i])"]),
    (r"h_1 = \tanh(v x_1) \\ h_t = \tanh(u h_{t-1} + v x_t) \\ L = \sum_{t=1}^T h_t",
     ["h1 = tanh(v x[0])", "h[0] = h1"]),
    # a letter below weights that is a gate is a part of names
    (r"f_t = \sigma(w_f x_t + u_f h_{t-1} + b_f) \\ o_t = \sigma(w_o x_t + u_o h_{t-1} + b_o)"
     r" \\ c_t = f_t c_{t-1} + \tanh(w_c x_t + u_c h_{t-1} + b_c) \\ h_t = o_t \tanh(c_t)",
     ["f_t = sigmoid(wf x_t + uf h[t-1] + bf)", "o_t = sigmoid(wo x_t + uo h[t-1] + bo)",
      "c_t = f_t c[t-1] + tanh(wc x_t + uc h[t-1] + bc)", "h_t = o_t tanh(c_t)"]),
    # an arrow over a state is part of its name where it says a direction
    (r"\overrightarrow{h}_t = \tanh(a \overrightarrow{h}_{t-1} + b x_t)"
     r" \\ \overleftarrow{h_t} = \tanh(c \overleftarrow{h_{t+1}} + d x_t)",
     ["hright_t = tanh(a hright[t-1] + b x_t)", "hleft_t = tanh(c hleft[t+1] + d x_t)"]),
    (r"\overset{\rightarrow}{\mathbf h}_t = \tanh(\mathbf U \overset{\to}{\mathbf h}_{t-1})"
     r" \\ \overset{\gets}{\mathbf h}_t = \tanh(\mathbf U \overset{\leftarrow}{\mathbf h}_{t+1})",
     ["hright_ti = tanh(U_ij hright[t-1,j])", "hleft_ti = tanh(U_ij hleft[t+1,j])"]),
    (r"y_t = \overrightarrow{h}_t h_t", ["y_t = hright_t h_t"]),
    (r"y = \overrightarrow{a} \cdot \overrightarrow{b}", ["y = a_i b_i"]),  # else a vector's
    # offsets; sums say where labels begin
    (r"y_i = \sum_k x_{i+k} w_k", ["y_i = sum_k(x[i+k] w_k)"]),
    (r"y_i = \sum_{k=1}^K x_{i+k-1} w_k", ["y_i = sum_k(x[i+k] w_k)"]),
    (r"y_i = \sum_{k=0}^{K-1} x_{2i+k} w_k", ["y_i = sum_k(x[2 i+k] w_k)"]),
    (r"y_i = \sum_{k=-1}^{1} x_{i+k} w_k + x_i", ["y_i = sum_k(x[i+k-1] w_k) + x_i"]),
    (r"y_{ij} = \sum_{m}\sum_{n} x_{i+m,j+n} w_{m,n}", ["y_ij = sum_m(sum_n(x[i+m,j+n] w_mn))"]),
    (r"z_b = \sum_i X_{b, 3, i} v_i + H_{-1, b}", ["z_b = sum_i(X[b,2,i] v_i) + H[-1,b]"]),
    (r"y_i = x_i^2 \\ L = y_{1} + y_{3}", ["y_i = x_i^2", "L = y[0] + y[2]"]),
    (r"y_1 = x_i x_i \\ L = y_1^2", ["y1 = x_i x_i", "L = y1^2"]),
]  # fmt: skip


@pytest.mark.parametrize(("latex", "lines"), READ)
def test_what_is_read(latex: str, lines: list[str]) -> None:
    found = str(eg.parse_latex(latex)).splitlines()
    for line in lines:
        assert line in found, "\n".join(found)


REFUSED = [
    (r"y = \overset{*}{h} h", "what stands over a name", r"\hat{h}"),
    (r"h^{(t)} = \tanh(h^{(t-1)} + h^{(2t)})", "moves by a whole number", "h^{(t-1)}"),
    (r"h^{(t)} = \tanh(h^{(t-1)} + h^{(t-k)})", "moves by a whole number", "name of its own"),
    (r"h_{t,s} = \tanh(h_{t-1,s} + h_{t,s-1}) + x_{t,s}", "refers to itself", "one label"),
    (r"h^{(t)} = h^{(t-1)} + h^{(t+1)} + x^{(t)}", None, "earlier positions of one label"),
    (r"h^{(l)}_{t,i} = \tanh(W^{(l)}_{ij} h^{(l-1)}_{t,j} + U^{(l)}_{ij} h^{(l)}_{t-1,j})",
     "refers to itself", "each layer has a name of its own"),
    (r"f_t = \sigma(W_f \cdot [h_{t-1}, x_t] + b_f) \\ h_t = f_t h_{t-1}", "one below the other",
     "W_h h_{t-1} + W_x x_t"),
    (r"\mathbf{h}_t = \tanh(\mathbf{W} [\mathbf{h}_{t-1}; \mathbf{x}_t])", "one below the other",
     "the blocks of W"),
    (r"V_t = r_t + \gamma V_{t+1} \\ L = V_0^2", "stands before the first t", "V_1"),
    (r"y_{i+1} = x_i^2", "another position than its label", "write the line"),
    (r"h_t = \tanh(W h_{t-1} + x_t)", "W may be a matrix here", r"W \in \mathbb{R}^{n \times n}"),
    (r"h_t = \tanh(W_{hh} h_{t-1} + W_{xh} x_t + b_h)", "Whh may be a matrix", "its shape"),
    (r"z^l = W^l a^{l-1} \\ a^l = \sigma(z^l)", "W may be a matrix", "bold type"),
    (r"y_i = x_{ij+k} w_k", "side by side in an offset", "comma"),
    (r"y_i = x_{i-i+k} w_k", "cancels", "what is left"),
    (r"y_i = \sum_{k=0}^K x_{i+k} w_k \\ z_i = \sum_{k=1}^K x_{i+k} w_k", "two numbers", "0"),
    (r"y_i = \sum_{k=1}^K x_{i+k} w_k + z_{0,i}", "count from 1", "begin at 0"),
    (r"h_{t < 3, i} = g_i \\ h_{t,i} = h_{t-1,i} + x_{t,i}", "with a condition", "h_{t < 1}"),
]  # fmt: skip


@pytest.mark.parametrize(("latex", "reason", "hint"), REFUSED)
def test_what_is_refused(latex: str, reason: str | None, hint: str) -> None:
    with pytest.raises(eg.NotationError, match=reason) as caught:
        eg.parse_latex(latex)
    assert hint in str(caught.value.hint)


def test_where_a_sum_begins_counts_in_claims_too() -> None:
    model = eg.parse_latex(r"y_i = \sum_{k=1}^K x_{i+k-1} w_k \\ L = \sum_i y_i^2")
    gradient = r"\frac{\partial L}{\partial w_k} = 2 \sum_i y_i x_{i+k%s}"
    assert model.check(gradient % "-1", latex=True).outcome == "right"
    assert model.check(gradient % "", latex=True).outcome == "wrong"


def test_a_derivative_of_a_state_by_itself_goes_through_time() -> None:
    text = "h[t,i] = tanh(U_ij h[t-1,j] + V_ij x[t,j])\nL = sum_ti(h[t,i]^2)"
    model = eg.parse(text)
    assert model.check("dh_ti/dh_sj = delta_ts delta_ij").outcome == "wrong"
    assert model.check("dh[t+1,i]/dh[t,j] = U_ij").outcome == "wrong"
    text = r"\frac{\partial h_{t+1,i}}{\partial h_{t,j}} = U_{ij} (1 - h_{t+1,i}^2)"
    assert model.check(text).outcome == "right"


def test_text_says_what_stands_behind_the_last_entry() -> None:
    model = eg.parse("h[t,i] = tanh(U_ij h[t-1,j]) + x_ti\nL = sum_i(h[-1,i]^2)")
    verdict = model.check("dL/dh_ti = U_ji dL/dh[t+1,j] (1 - tanh(U_jk h_tk)^2)")
    assert verdict.outcome == "right if"
    assert verdict.assumption == "t is not the last, where t+1 is outside"


def test_what_nothing_begins_is_not_judged() -> None:
    text = "z_li = W_lij a[l-1,j]\na_li = tanh(z_li)\nL = sum_i(a[-1,i]^2)"
    verdict = eg.parse(text).check("dL/dW_lij = dL/dz_li a_lj")
    assert verdict.outcome == "not judged"
    assert "nothing begins it" in verdict.reason
    begun = eg.parse(f"{text}\na[l<0,i] = x_i")
    assert begun.check("dL/dW_lij = dL/dz_li a_lj").outcome == "wrong"
    assert begun.check("dL/dW_lij = dL/dz_li a[l-1,j]").outcome == "right"


# --- what is printed ----------------------------------------------------------------------------

MODELS = pytest.importorskip("moving.table", exc_type=ImportError).MODELS  # it needs torch
TEXTS = {name: row.text for name, row in MODELS.items()}


def latex_of(model: eg.Model) -> str:
    return " \\\\\n".join(map(to_latex, model.statements))


def bare(model: eg.Model) -> list[str]:
    return [line for line in str(model).splitlines() if not line.startswith("# size")]


@pytest.mark.parametrize("name", TEXTS)
def test_models_are_read_back(name: str) -> None:
    model = eg.parse(TEXTS[name])
    assert bare(eg.parse_latex(latex_of(model))) == bare(model)


def derivatives(model: eg.Model) -> Iterator[str]:
    for name in (found := model.grad("L")):
        yield from (line.removeprefix("with ") for line in str(found[name]).splitlines())


LARGE = {"network over pictures", "pooling in space"}  # too many entries to compare at a point
COMPARED = [n for n in TEXTS if n not in LARGE][:: 1 if os.environ.get("EINGRAD_EXHAUSTIVE") else 4]


@pytest.mark.parametrize("name", COMPARED)
def test_derivatives_are_read_back(name: str) -> None:
    model = eg.parse(TEXTS[name])
    for line in dict.fromkeys(derivatives(model)):
        claim = to_latex(parse_claim(line, model.labels))
        assert model.check(claim, latex=True).outcome == "right", claim


def check_recurrence(case: Case) -> None:
    model = eg.parse(case.text)
    assert bare(eg.parse_latex(latex_of(model))) == bare(model)


def check_offsets(a: int, b: int, c: int, count: int) -> None:
    offset = f"{a} i {b:+d} k" + (f" {c:+d}" if c else "")
    model = eg.parse(f"assume size(i) = {count}\ny_i = tanh(x[{offset}] w_k)\nL = sum_i(y_i^2)")
    back = eg.parse_latex(latex_of(model))
    assert bare(back) == bare(model)
    given = {"x": np.arange(9.0), "w": np.array([0.2, -0.1])}
    values = [float(m.grad("L").compile()(**given)["L"]) for m in (model, back)]
    assert values[0] == values[1]


test_random_recurrences_are_read_back = in_batches(60, 1, cases())(check_recurrence)
test_random_offsets_are_read_back = in_batches(
    40, 1, st.integers(1, 3), st.sampled_from([-2, -1, 1, 2]), st.integers(-3, 3), st.integers(2, 5)
)(check_offsets)
