"""LaTeX of formulas, as a textbook prints them."""

from __future__ import annotations

from fractions import Fraction

import pytest

import eingrad as eg
from eingrad.notation.latex import to_latex
from eingrad.notation.parse import parse_formula, parse_statements
from eingrad.notation.syntax import Call, Derivative, Formula, Number, Power, Product, Symbol

LATEX = [
    ("W_ih", r"W_{ih}"),
    ("W1_ih", r"W^{(1)}_{ih}"),
    ("W1", r"W^{(1)}"),
    ("loss", r"\mathrm{loss}"),
    ("loss2_b", r"\mathrm{loss}^{(2)}_{b}"),
    ("α_i", r"\alpha_{i}"),
    ("Σ_ij", r"\Sigma_{ij}"),
    ("Α", r"\mathrm{Alpha}"),  # a capital Alpha
    ("x_μi", r"x_{\mu i}"),
    ("x_μν", r"x_{\mu\nu}"),
    ("W[out,in]", r"W_{\mathrm{out},\mathrm{in}}"),
    ("x[b2]", r"x_{b_{2}}"),
    ("delta_op", r"\delta_{op}"),
    ("size(b)", r"|b|"),
    ("size_b(X_bi)", r"\operatorname{size}_{b}\left(X_{bi}\right)"),
    ("X_bi W1_ih + b1_h", r"X_{bi} W^{(1)}_{ih} + b^{(1)}_{h}"),
    ("-T_bo / (size(b) Z_bo)", r"-\frac{T_{bo}}{|b| Z_{bo}}"),
    ("Z_bo (delta_op - Z_bp)", r"Z_{bo} \left(\delta_{op} - Z_{bp}\right)"),
    ("a / b c", r"\frac{a}{b} c"),
    ("a / b (c + d)", r"\frac{a}{b} \left(c + d\right)"),
    ("(a + b) / c", r"\frac{a + b}{c}"),
    ("a (b + c) / d", r"\frac{a \left(b + c\right)}{d}"),
    ("a / b / c d / e", r"\frac{a}{b c} \frac{d}{e}"),
    ("1 / m X_bi", r"\frac{1}{m} X_{bi}"),
    ("2 3 x", r"2 \cdot 3 x"),
    ("2 (1 / 2)", r"2 \cdot \frac{1}{2}"),
    ("x^2", r"x^{2}"),
    ("x^-2", r"x^{-2}"),
    ("x^y^z", r"x^{y^{z}}"),
    ("(x^y)^z", r"\left(x^{y}\right)^{z}"),
    ("W1_i^2", r"\left(W^{(1)}_{i}\right)^{2}"),
    ("(a + b)^2", r"\left(a + b\right)^{2}"),
    ("square(a)", r"a^{2}"),
    ("pow(a, b)", r"a^{b}"),
    ("-(-a)", r"-\left(-a\right)"),
    ("a - (b - c)", r"a - \left(b - c\right)"),
    ("0.5 x", r"0.5 x"),
    ("1e-8", r"10^{-8}"),
    ("2.5e-9", r"2.5 \times 10^{-9}"),
    ("exp(a / b)", r"\exp\left(\frac{a}{b}\right)"),
    ("log(x)^2", r"\left(\log\left(x\right)\right)^{2}"),
    ("sqrt(x) abs(y)", r"\sqrt{x} \left|y\right|"),
    ("sigmoid(a)", r"\sigma\left(a\right)"),
    ("leaky_relu(a)", r"\operatorname{leaky\_relu}\left(a\right)"),
    ("maximum(a, b)", r"\max\left(a, b\right)"),
    ("phi'(a)", r"\phi'\left(a\right)"),
    ("act(a)", r"\operatorname{act}\left(a\right)"),
    ("sum_b(x_b) y", r"\left(\sum_{b} x_{b}\right) y"),
    ("y sum_bo(x_bo)", r"y \sum_{bo} x_{bo}"),
    ("sum_b(x_b + 1)", r"\sum_{b} \left(x_{b} + 1\right)"),
    ("sum_b(x_b) + 1", r"\sum_{b} x_{b} + 1"),
    ("sum_b(x_b)^2", r"\left(\sum_{b} x_{b}\right)^{2}"),
    ("mean_b(x_b)", r"\frac{1}{|b|} \sum_{b} x_{b}"),
    ("prod_i(x_i)", r"\prod_{i} x_{i}"),
    ("max_i(x_i)", r"\max_{i}\left(x_{i}\right)"),
    ("argmax_i(x_i)", r"\operatorname*{arg\,max}_{i}\left(x_{i}\right)"),
    ("softmax_o(A_bo)", r"\operatorname{softmax}_{o}\left(A_{bo}\right)"),
    ("norm_i(x_i)", r"\left\lVert x_{i} \right\rVert_{i}"),
    ("where(a <= 0, 1, b)",
     r"\begin{cases} 1 & \text{if } a \le 0 \\ b & \text{otherwise} \end{cases}"),
    ("(a != b) c", r"\left(a \ne b\right) c"),
    ("dL/dW1_ih", r"\frac{\partial L}{\partial W^{(1)}_{ih}}"),
    ("d2L/dw_i dw_j", r"\frac{\partial^{2} L}{\partial w_{i} \partial w_{j}}"),
    ("X_bi dL/dA_bh", r"X_{bi} \frac{\partial L}{\partial A_{bh}}"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "latex"), LATEX)
def test_latex(text: str, latex: str) -> None:
    assert to_latex(parse_formula(text)) == latex


WRITTEN = [
    (Number(Fraction(1, 3)), r"\frac{1}{3}"),
    (Power(Number(Fraction(1, 3)), Number(2)), r"\left(\frac{1}{3}\right)^{2}"),
    (Product((Number(2), Number(Fraction(1, 3))), (False, False)), r"2 \cdot \frac{1}{3}"),
    (Number(-2), "-2"),
    (Derivative(Call("log", (Symbol("x"),)), (Symbol("x"),)),
     r"\frac{\partial}{\partial x} \left[\log\left(x\right)\right]"),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "latex"), WRITTEN)
def test_latex_of_formulas_that_derivations_write(formula: Formula, latex: str) -> None:
    assert to_latex(formula) == latex


def test_statements() -> None:
    text = "function phi\nL = -mean_b(T_bo log(Z2_bo))\nassume sum_o(T_bo) = 1"
    assert list(map(to_latex, parse_statements(text))) == [
        r"\text{function } \phi",
        r"L = -\frac{1}{|b|} \sum_{b} T_{bo} \log\left(Z^{(2)}_{bo}\right)",
        r"\text{assume } \sum_{o} T_{bo} = 1",
    ]


@pytest.mark.parametrize(
    ("number", "text", "latex"),
    [
        ("0.00001", "1e-5", "10^{-5}"),
        ("0.00025", "2.5e-4", r"2.5 \times 10^{-4}"),
        ("0.001", "0.001", "0.001"),
        ("10000000", "1e7", "10^{7}"),
        ("1234567891", "1234567891", "1234567891"),
    ],
)
def test_numbers_are_written_as_a_person_would(number: str, text: str, latex: str) -> None:
    model = eg.parse(f"y = x + {number}")
    assert str(model) == f"y = x + {text}"
    assert latex in model.grad("y", ["x"]).latex()
    assert str(eg.parse_latex(f"y = x + {latex}")) == str(model)
