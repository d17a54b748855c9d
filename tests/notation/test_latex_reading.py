"""LaTeX as papers write it, read as index notation; and what is written in it, read again."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_models import RandomModel
from seeds import examples, in_batches
from strategies import models
from test_notation_round_trip import FORMULA

import eingrad as eg
from eingrad.errors import NotationError
from eingrad.notation.latex import to_latex
from eingrad.notation.lower import lower, lower_claim
from eingrad.notation.parse import parse_claim, parse_statements
from eingrad.notation.syntax import Assignment, Derivative, Formula, Symbol
from eingrad.notation.tex.names import is_latex
from eingrad.notation.tex.read import read_formula, read_statements
from eingrad.notation.text import to_text

FORMULAS = [
    # names
    (r"W_{ij}", "W_ij"),
    (r"W^{(1)}_{ij}", "W1_ij"),
    (r"W_{ij}^{(1)}", "W1_ij"),
    (r"W^{[2]}_{ij}", "W2_ij"),
    (r"\mathbf{W}^{(1)}_{ij} \boldsymbol{\theta}_j", "W1_ij theta_j"),
    (r"x_i y_1", "x_i y1"),
    (r"\mathrm{loss}_b", "loss_b"),
    (r"\hat{y}_b \bar{x} \vec{v}_i", "yhat_b xbar v_i"),
    (r"\alpha_{\mu i}", "alpha_μi"),
    (r"\varepsilon α", "epsilon alpha"),
    (r"W_{\mathrm{out},i}", "W[out,i]"),
    (r"x_{b_{2}}", "x[b2]"),
    (r"x_{i,j}", "x_ij"),
    # products and quotients
    (r"\frac{1}{m} \sum_b x_b", "1 / m sum_b(x_b)"),
    (r"\tfrac12 \lambda", "1 / 2 lambda"),
    (r"a \cdot b \times c * d \odot e_i", "a b c d e_i"),
    (r"A_{ij}\,B_{jk}\;C_k", "A_ij B_jk C_k"),
    (r"\dfrac{a + b}{c} d", "(a + b) / c d"),
    (r"a / b c", "a / b c"),
    (r"\frac{a}{b c}", "a / (b c)"),
    (r"x \left( a + b \right)", "x (a + b)"),
    (r"m(a+b)", "m (a + b)"),
    (r"2 \cdot 3", "2 3"),
    (r"10^{-8} 2.5 \times 10^{-9} 0.5", "1e-8 2.5e-9 0.5"),
    # powers
    (r"x^2 y_i^{3} e^{-x}", "x^2 y_i^3 exp(-x)"),
    (r"x^2_i", "x_i^2"),
    (r"\left(a+b\right)^{2}", "(a + b)^2"),
    (r"{W^{(1)}_{i}}^2", "W1_i^2"),
    (r"x^{y^{z}}", "x^y^z"),
    # sums
    (r"\sum_i x_i y + z", "sum_i(x_i y) + z"),
    (r"\sum_{i,j} A_{ij}", "sum_ij(A_ij)"),
    (r"\sum_{i=1}^{n} x_i", "sum_i(x_i)"),
    (r"\sum_{i \in [1, n]} -x_i", "sum_i(-x_i)"),
    (r"\sum_i \sum_j A_{ij} x_j", "sum_i(sum_j(A_ij x_j))"),
    (r"\left(\sum_i x_i\right) y", "sum_i(x_i) y"),
    (r"\prod_i x_i", "prod_i(x_i)"),
    (r"\prod_i \frac{x_i}{c}", "prod_i(x_i / c)"),
    # functions
    (r"\sigma(a_{bh})", "sigmoid(a_bh)"),
    (r"\log 2 q_i", "log(2 q_i)"),
    (r"\log\left(p_i q_i\right)", "log(p_i q_i)"),
    (r"\ln x + \exp(y) \tanh z", "log(x) + exp(y) tanh(z)"),
    (r"\log^2 x", "log(x)^2"),
    (r"\log \sum_j e^{a_j}", "log(sum_j(exp(a_j)))"),
    (r"\log \frac{a}{b}", "log(a / b)"),
    (r"\mathrm{softmax}_o(A_{bo})", "softmax_o(A_bo)"),
    (r"\operatorname{softmax}_{o}\left(A_{bo}\right)", "softmax_o(A_bo)"),
    (r"\mathrm{softmax}(a)_i", "softmax_i(a_i)"),
    (r"\mathrm{ReLU}(x)", "relu(x)"),
    (r"\operatorname{log\,softmax}_{o}(x_o)", "log_softmax_o(x_o)"),
    (r"\max_i x_i + \max(a, b)", "max_i(x_i) + maximum(a, b)"),
    (r"\arg\max_o z_o", "argmax_o(z_o)"),
    (r"\operatorname*{arg\,max}_{o}\left(z_o\right)", "argmax_o(z_o)"),
    (r"\sqrt{x} \sqrt[3]{y}", "sqrt(x) y^(1 / 3)"),
    (r"\operatorname{size}_b(X_{bi})", "size_b(X_bi)"),
    (r"|x_i| |b| \left|x\right|", "abs(x_i) size(b) abs(x)"),
    (r"\|x_i\|^2 + \lVert A_{ij} \rVert_F", "norm_i(x_i)^2 + norm_ij(A_ij)"),
    (r"\phi'(a)", "phi'(a)"),
    (r"\begin{cases} x & \text{if } x > 0 \\ 0 & \text{otherwise} \end{cases}",
     "where(x > 0, x, 0)"),
    # matrices
    (r"\left(A^{-1}\right)_{ij} x_j", "inv_ij(A_ij) x_j"),
    (r"(A^\top)_{ij}", "transpose_ij(A_ij)"),
    (r"A^{\top}_{ij}", "transpose_ij(A_ij)"),
    (r"A^T_{ij} x^{{T}} y^{(n)}_i", "transpose_ij(A_ij) x^T y_ni"),
    (r"\left[A_{ik} B_{kj}\right]^{-1}_{ij}", "inv_ij(A_ik B_kj)"),
    (r"\det A + \log\det S", "det_ij(A_ij) + logdet_ij(S_ij)"),
    (r"\operatorname{tr}(A_{ij} B_{jk})", "trace_ik(A_ij B_jk)"),
    (r"A_{ij}^{-1}", "A_ij^-1"),
    # gathers, deltas, derivatives
    (r"\delta_{ij} \delta_{y_b, o}", "delta_ij delta[y[b],o]"),
    (r"Z_{b, y_b} E_{w_{bt} d}", "Z[b,y[b]] E[w[b,t],d]"),
    (r"\frac{\partial L}{\partial W_{ij}}", "dL/dW_ij"),
    (r"\partial L / \partial W^{(1)}_{ij}", "dL/dW1_ij"),
    (r"\frac{dL}{dx_i}", "dL/dx_i"),
    (r"\frac{\mathrm{d} y_i}{\mathrm{d} x_j}", "dy_i/dx_j"),
    (r"\frac{\partial^2 L}{\partial w_i \partial w_j}", "d2L/dw_i dw_j"),
]  # fmt: skip


@pytest.mark.parametrize(("latex", "text"), FORMULAS)
def test_formulas(latex: str, text: str) -> None:
    assert to_text(read_formula(latex)) == text


MODELS = [
    (r"""\begin{align*}
  A_{bh} &= \sum_i X_{bi} W^{(1)}_{ih} + b^{(1)}_h \\
  Z_{bh} &= \sigma(A_{bh}), \\[2pt]
  L &= -\frac{1}{m} \sum_{b=1}^{m} \sum_h T_{bh} \log Z_{bh}  % a comment
      && \text{cross-entropy} \\
    &= -\frac{1}{m} \sum_{b=1}^{m} T_{bh} \log Z_{bh}.
\end{align*}""",
     "A_bh = sum_i(X_bi W1_ih) + b1_h\nZ_bh = sigmoid(A_bh)\n"
     "L = -mean_b(sum_h(T_bh log(Z_bh)))"),
    ("y_i = W_{ij} x_j\n  + b_i\n\nL = \\left\\| y_i \\right\\|^2",
     "y_i = W_ij x_j + b_i\nL = norm_i(y_i)^2"),
    ("$$p_o = \\frac{e^{a_o}}{\\sum_k e^{a_k}}$$\n\\[L = -\\log p_y\\]",
     "p_o = exp(a_o) / sum_k(exp(a_k))\nL = -log(p[y])"),
    (r"\text{function } \phi \\ y_i = \phi(x_i) \\ \text{assume } \sum_i x_i = 1",
     "function phi\ny_i = phi(x_i)\nassume sum_i(x_i) = 1"),
    (r"a_j = W_{ij} x_i + b_j, \quad z_j = \sigma(a_j) \,, \text{ where } b_j = \sum_i c_{ij}",
     "a_j = W_ij x_i + b_j\nz_j = sigmoid(a_j)\nb_j = sum_i(c_ij)"),
    (r"\begin{aligned} L &= \frac{1}{2 N} \sum_{n=1}^{N} (y_n - t_n)^2 \\ "
     r"&\quad + \frac{\lambda}{2} w_i w_i \end{aligned}",
     "L = 1 / (2 size(n)) sum_n((y_n - t_n)^2) + lambda / 2 w_i w_i"),
    (r"L = \ell(y, f(x)) \\ z = f(2x + 1)",
     "function ell(a, b)\nfunction f\nL = ell(y, f(x))\nz = f(2 x + 1)"),
    (r"h_t = \phi(x_t, \tanh(h_{t-1}))",
     "function phi(a, b)\nh_t = phi(x_t, tanh(h[t-1]))"),
]  # fmt: skip


@pytest.mark.parametrize(("latex", "text"), MODELS)
def test_models(latex: str, text: str) -> None:
    assert str(eg.parse_latex(latex)) == text
    assert str(eg.parse(latex)) == text


def test_a_gradient_of_a_paper() -> None:
    model = eg.parse_latex(MODELS[0][0])
    assert str(model.grad("L", ["Z"])["Z"]) == "dL/dZ_bh = -T_bh / (size(b) Z_bh)"
    claim = r"\frac{\partial L}{\partial A_{bh}} = -\frac{1}{|b|} T_{bh} (1 - Z_{bh})"
    assert model.check(claim).ok


def test_what_is_latex() -> None:
    assert is_latex(r"L = \frac{1}{2} x")
    assert is_latex(r"L = \sum_i x_i")
    assert not is_latex(r"L = \alpha x_{ij} W^{(1)}_{j}^2")
    assert not is_latex("L = x  # \\frac")
    assert not is_latex(r"L = \foo x")


ERRORS = [
    (r"L = \frac{1}{2} \foo x", 1, 17, r"unknown command \foo", "write products, sums"),
    (r"L = \left( a + b", 1, 5, "the parenthesis ( is not closed", "write its partner"),
    (r"L = \frac{a + }{b}", 1, 15, "something is missing before }", "write a tensor or a number"),
    (r"L = \sum x", 1, 5, r"\sum names no label", r"write \sum_{i}"),
    (r"L = x_{i2} \cdot y", 1, 9, "2 is not a label", "a number belongs to the name"),
    (r"L = A^{-1}_{ij} \log x_{ij}", 1, 5, "may be the inverse or 1 / A",
     r"\left(A^{-1}\right)_{ij}"),
    (r"L = \begin{matrix} a \end{matrix}", 1, 5, "unknown environment matrix",
     "entries are read in claims alone"),
    (r"\log x", 1, 1, "this is no statement: it has no =", "a statement is"),
    (r"a + b = \log x", 1, 1, "the left side of = must be one tensor", "a statement is"),
    (r"L = \sin^{-1}(x)", 1, 5, "may be its inverse or its reciprocal", r"write \arcsin"),
    (r"L = x_i^{2}_j \log y", 1, 12, "two subscripts", "one subscript"),
    (r"L = \left a", 1, 5, r"\left without a parenthesis", r"write \left("),
    (r"L = \mathrm{softmx}_o(a_o)", 1, 5, "softmx_o is not a function", "did you mean softmax"),
    (r"L = \mathbb{E}[x]", 1, 5, r"unknown command \mathbb", "write products, sums"),
    (r"L = \frac{\partial}{\partial x} \left[\log x\right]", 1, 5, "still to be taken", "a tensor"),
    (r"L = \det(A_i B_j C_k)", 1, 5, "which must stand below its name", r"write \det_{ij}"),
    (r"y_i = \log x_i § 2", 1, 16, "unexpected character §", "as LaTeX prints it"),
    ("L = " + "(" * 200 + r"\log x" + ")" * 200, 1, 105, "nested more than", "a name"),
    ("L = " + r"\log " * 300 + "x", 1, 0, "nested more than", "a name"),
    ("L = " + r"\sum_i " * 300 + "x_i", 1, 0, "nested more than", "a name"),
]  # fmt: skip


@pytest.mark.parametrize(("latex", "line", "column", "reason", "hint"), ERRORS)
def test_errors(latex: str, line: int, column: int, reason: str, hint: str) -> None:
    with pytest.raises(NotationError) as caught:
        eg.parse_latex(latex)
    position = caught.value.position
    assert reason in str(caught.value)
    assert hint in (caught.value.hint or "")
    assert position is not None
    assert position.line == line
    assert column in (0, position.column)


# --- what is written is read again ------------------------------------------------------------


@examples(300)
@given(FORMULA)
def test_any_formula_is_read_again(formula: Formula) -> None:
    """Once read, a formula is written and read again without a change."""
    functions = {"phi", "x"}
    first = read_formula(to_latex(formula), functions, {"d", "e"})
    assert read_formula(to_latex(first), functions, {"d", "e"}) == first


SCALARS = st.sampled_from(["x", "W1", "loss", "alpha", "Sigma", "e", "Alpha", "sigma"])
CLOSED: st.SearchStrategy[str] = st.recursive(
    st.one_of(SCALARS, st.sampled_from(["2", "0.5", "10", "1e-8", "2.5e-9", "size(b)"])),
    lambda part: st.one_of(
        st.tuples(part, part).map(lambda p: f"({p[0]}) ({p[1]})"),
        st.tuples(part, part, part).map(lambda p: f"({p[0]}) / ({p[1]}) ({p[2]})"),
        st.tuples(part, part).map(lambda p: f"{p[0]} - ({p[1]})"),
        st.tuples(part, part).map(lambda p: f"({p[0]})^({p[1]})"),
        st.tuples(st.sampled_from(["exp", "log", "abs", "sigmoid", "relu", "sqrt", "log1p", "phi"]),
                  part).map(lambda p: f"{p[0]}({p[1]})"),
        st.tuples(part, part).map(lambda p: f"where({p[0]} < 2, {p[1]}, maximum(x, 2))"),
    ),
    max_leaves=8,
)  # fmt: skip


@examples(100)
@given(CLOSED)
def test_the_meaning_stays(value: str) -> None:
    text = f"function phi\nq_b = z_b\nL = {value}"
    try:
        system = lower(parse_statements(text))
    except NotationError:
        return
    latex = "\n".join(map(to_latex, parse_statements(text)))
    again = lower(read_statements(latex))
    assert again.definitions["L"].expr is system.definitions["L"].expr


@in_batches(100, 5, models())
def test_models_and_their_derivations_are_read_again(model: RandomModel) -> None:
    original = eg.parse(model.text)
    rows = " \\\\\n".join(map(to_latex, original.statements))
    again = eg.parse_latex(f"\\begin{{align*}}\n{rows}\n\\end{{align*}}")
    for name, definition in again.system.definitions.items():
        claim = original.system.definitions[name].written
        assert claim is not None
        assert definition.written is not None
        _assert_same(claim, definition.written, original)
    _assert_steps_read_again(original)


def _assert_steps_read_again(model: eg.Model) -> None:
    """Read each line of the derivation of L by every input, as LaTeX and as text."""
    found = model.grad("L")
    for name in found:
        for step in found.steps(name):
            if isinstance(step.left, Symbol | Derivative) and step.right is not None:
                claim = Assignment(step.left, step.right)
                if "d[" in step.after:  # derivatives still to be taken: no claim
                    read_formula(to_latex(step.right), model.system.functions)
                else:
                    _assert_same(claim, parse_claim(to_latex(claim), model.system.labels), model)


def _assert_same(claim: Assignment, read: Assignment, model: eg.Model) -> None:
    """Compare LaTeX and text, in which a decimal is exact: one expression, or one value.

    Of ``a (b c)`` LaTeX prints no parentheses, which is another expression.
    """
    try:
        meant = lower_claim(parse_claim(to_text(claim), model.system.labels), model.system).expr
    except NotationError:
        return  # a line about a derivative that the model has no name for
    found = lower_claim(read, model.system).expr
    assert found is meant or model.check(read).ok, to_text(claim)


WRITTEN_MODELS = [
    "A1_bh = X_bi W1_ih + b1_h\nZ1_bh = sigmoid(A1_bh)\nA2_bo = Z1_bh W2_ho + b2_o\n"
    "Z2_bo = softmax_o(A2_bo)\nL = -mean_b(T_bo log(Z2_bo))\nassume sum_o(T_bo) = 1",
    "Z_bo = softmax_o(A_bo)\nL = -mean_b(log(Z[b,y[b]]))",
    "p_o = softmax_o(a_o)\nL = -log(p[y])",
    "S_ij = X_bi X_bj + r delta_ij\nL = 0.5 logdet_ij(S_ij) + 0.5 x_i inv_ij(S_ij) x_j",
    "m = mean_i(x_i)\nv = mean_i((x_i - m)^2)\ny_i = (x_i - m) / sqrt(v + 0.1)\nL = y_i y_i c_i",
    "R_ij = M_ij - U_ik V_jk\nL = R_ij R_ij",
    "L = max_i(x_i) + norm_i(x_i) + prod_i(x_i) + where(c > 0, 1, 2) x_i x_i",
    "x_btd = E[w[b,t],d]\nL = sum_bd(tanh(sum_t(x_btd)))",
    "function phi\nz_b = phi(X_bi w_i)\nL = z_b z_b",
    "c_t = cumsum_t(x_t)\nL = c_t c_t a_t",
    "V_ip = prod_q(A_q B_ip) / C_ip\nw_p = prod_q(A_q prod_r(D_rp)) + prod_{q != p}(A_q / c)\n"
    "L = sum_ip(V_ip w_p)",
    "V_ji = D_ji logsumexp_{f, f != i}(A_f)^2\nL = sum_ij(V_ji)",
]


@pytest.mark.parametrize("text", WRITTEN_MODELS)
def test_derivations_of_written_models_are_read_again(text: str) -> None:
    model = eg.parse(text)
    latex = " \\\\\n".join(map(to_latex, model.statements))
    again = eg.parse_latex(latex)
    assert again.inputs.keys() == model.inputs.keys()
    for name in model.outputs:
        claim = again.system.definitions[name].written
        assert claim is not None
        assert lower_claim(claim, model.system).expr is model.system.definitions[name].expr
    _assert_steps_read_again(model)
    for name, gradient in model.grad("L").items():
        assert model.check(to_latex(gradient.formula)).ok, name


# --- texts at random --------------------------------------------------------------------------

PIECES = [
    r"\frac", "{", "}", "{1}", "{m}", r"\sum", "_b", "_{ij}", "^{2}", "^", "_", "x", "W", r"\log",
    r"\left", r"\right", "(", ")", "[", "]", r"\partial", "=", "&", r"\\", "\n", "+", "-", "/", "2",
    r"\begin{align*}", r"\end{align*}", r"\begin{cases}", r"\end{cases}", r"\text{if }", "|",
    r"\mathrm{softmax}", r"\operatorname", r"\sqrt", r"\max", ",", ".", "'", r"\top", "^{-1}",
    r"\delta", r"\sigma", "$", "%", r"\lVert", r"\det", r"\hat", r"\cdot", "é", "²",
    r"\text{function }",
]  # fmt: skip


@examples(400)
@given(
    st.one_of(
        st.lists(st.sampled_from(PIECES), max_size=20).map("".join),
        st.lists(st.sampled_from(PIECES), max_size=20).map(lambda p: "y_i = " + " ".join(p)),
        st.text(string.ascii_letters + string.digits + "\\{}^_&=+-()|,.$ \n", max_size=40),
        st.text(max_size=30),
    )
)
def test_any_text_gives_a_model_or_a_message(text: str) -> None:
    error = _error_of(text)
    assert error is None or (error.hint and str(error))


def _error_of(text: str) -> NotationError | None:
    try:
        lower(read_statements(text))
    except NotationError as error:
        return error
    return None


def test_claims_in_latex() -> None:
    claim = parse_claim(r"\partial L / \partial w_i = \sum_b X_{bi} g_b", {"L", "w", "X", "g"})
    assert to_text(claim) == "dL/dw_i = sum_b(X_bi g_b)"
