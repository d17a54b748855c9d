"""What a text is read as, in full: hand-written formulas on the right."""

from __future__ import annotations

from fractions import Fraction

import pytest

from eingrad.notation.parse import parse_claim, parse_formula, parse_statements
from eingrad.notation.syntax import (
    Assignment,
    Assumption,
    Call,
    Compare,
    Declaration,
    Derivative,
    Formula,
    Number,
    Power,
    Product,
    SizeOf,
    Sum,
    Symbol,
)

a, b, c, d, e, x, y = (Symbol(name) for name in "abcdexy")
one, two, three = Number(1), Number(2), Number(3)


def times(*factors: Formula) -> Product:
    return Product(factors, (False,) * len(factors))


def over(*factors: Formula) -> Product:
    return Product(factors, (False, *(True,) * (len(factors) - 1)))


def minus(formula: Formula) -> Sum:
    return Sum((formula,), (True,))


def plus(*terms: Formula) -> Sum:
    return Sum(terms, (False,) * len(terms))


def s(name: str, labels: str = "") -> Symbol:
    return Symbol(name, tuple(labels))


NAMES = [
    ("W_ih", s("W", "ih")),
    ("W_{ih}", s("W", "ih")),
    ("W_{i h}", s("W", "ih")),
    ("W_{i,h}", s("W", "ih")),
    ("W[i,h]", s("W", "ih")),
    ("W[out,in]", Symbol("W", ("out", "in"))),
    ("W[ out , in ]", Symbol("W", ("out", "in"))),
    ("W_{out,in}", Symbol("W", ("out", "in"))),
    ("W1_ih", s("W1", "ih")),
    ("W^{(1)}_{ih}", s("W1", "ih")),
    ("W_{ih}^{(1)}", s("W1", "ih")),
    ("W^{(12)}", s("W12")),
    ("loss", s("loss")),
    ("α", s("alpha")),
    (r"\alpha", s("alpha")),
    ("α1_i", s("alpha1", "i")),
    (r"\alpha1_i", s("alpha1", "i")),
    (r"\Sigma_ij", s("Sigma", "ij")),
    (r"\varphi", s("phi")),
    ("x_α", Symbol("x", ("alpha",))),
    (r"x_\mu", Symbol("x", ("mu",))),
    (r"x_{\mu\nu i}", Symbol("x", ("mu", "nu", "i"))),
    ("x_μνi", Symbol("x", ("mu", "nu", "i"))),
    ("x[μ,row]", Symbol("x", ("mu", "row"))),
    ("µ", s("mu")),  # the micro sign
    ("delta_ij", s("delta", "ij")),
    ("δ_ij", s("delta", "ij")),
    (r"\delta_{ij}", s("delta", "ij")),
    ("size(b)", SizeOf("b")),
    ("size(row)", SizeOf("row")),
    (r"size(\mu)", SizeOf("mu")),
    ("size(μ)", SizeOf("mu")),
    ("size_j(A_jk)", SizeOf("j", Symbol("A", ("j", "k")))),
    ("size_{row}(A[row,k])", SizeOf("row", Symbol("A", ("row", "k")))),
]

NUMBERS = [
    ("1", 1),
    ("0.5", Fraction(1, 2)),
    (".5", Fraction(1, 2)),
    ("2.", 2),
    ("2.0", 2),
    ("1e-8", Fraction(1, 10**8)),
    ("1E3", 1000),
    ("1.5e-1", Fraction(3, 20)),
    ("0.1", Fraction(1, 10)),
    ("0", 0),
    ("007", 7),
]

FORMULAS = [
    ("a b c", times(a, b, c)),
    ("a*b * c", times(a, b, c)),
    ("a / b", over(a, b)),
    ("a / b c", Product((a, b, c), (False, True, False))),
    ("a / b / c", over(a, b, c)),
    ("a / (b c)", over(a, times(b, c))),
    ("a b / c", Product((a, b, c), (False, False, True))),
    ("(a b) c", times(times(a, b), c)),
    ("(a)", a),
    ("((a))(b)", times(a, b)),
    ("2(a+b)", times(two, plus(a, b))),
    ("a (b + c)", times(a, plus(b, c))),
    ("2x", times(two, x)),
    ("2e_i", times(two, s("e", "i"))),
    ("2e3", Number(2000)),
    ("a + b - c", Sum((a, b, c), (False, False, True))),
    ("a - (b - c)", Sum((a, Sum((b, c), (False, True))), (False, True))),
    ("-a", minus(a)),
    ("+a", a),
    ("--a", minus(minus(a))),
    ("-a + b", Sum((a, b), (True, False))),
    ("(-a) + b", plus(minus(a), b)),
    ("a - -b", Sum((a, minus(b)), (False, True))),
    ("-a b", minus(times(a, b))),
    ("a * -b", times(a, minus(b))),
    ("a / -b c", Product((a, minus(b), c), (False, True, False))),
    ("a -b", Sum((a, b), (False, True))),
    ("a^2", Power(a, two)),
    ("a**2", Power(a, two)),
    ("-a^2", minus(Power(a, two))),
    ("a^-2", Power(a, minus(two))),
    ("a^b^c", Power(a, Power(b, c))),
    ("(a^b)^c", Power(Power(a, b), c)),
    ("a^-b^2", Power(a, minus(Power(b, two)))),
    ("a^2 b", times(Power(a, two), b)),
    ("a b^2", times(a, Power(b, two))),
    ("a / b^2", over(a, Power(b, two))),
    ("x_i^2", Power(s("x", "i"), two)),
    ("2^3", Power(two, three)),
    ("exp(a)", Call("exp", (a,))),
    ("exp(a) b", times(Call("exp", (a,)), b)),
    ("exp(-a)", Call("exp", (minus(a),))),
    ("exp(a)^2", Power(Call("exp", (a,)), two)),
    ("m (a + b)", times(s("m"), plus(a, b))),
    ("sum_i(x_i)", Call("sum", (s("x", "i"),), ("i",))),
    ("sum_ij(A_ij)", Call("sum", (s("A", "ij"),), ("i", "j"))),
    ("sum_{ij}(A_ij)", Call("sum", (s("A", "ij"),), ("ij",))),
    ("sum_{i,j}(A_ij)", Call("sum", (s("A", "ij"),), ("i", "j"))),
    ("sum_{row}(x[row])", Call("sum", (Symbol("x", ("row",)),), ("row",))),
    ("sum[row](x[row])", Call("sum", (Symbol("x", ("row",)),), ("row",))),
    ("sum_{row,col}(A[row,col])",
     Call("sum", (Symbol("A", ("row", "col")),), ("row", "col"))),
    (r"sum_\mu(x_μ)", Call("sum", (Symbol("x", ("mu",)),), ("mu",))),
    ("sum_{μν}(A_μν)", Call("sum", (Symbol("A", ("mu", "nu")),), ("mu", "nu"))),
    ("log_softmax_o(A_bo)", Call("log_softmax", (s("A", "bo"),), ("o",))),
    ("log_softmax(a)", Call("log_softmax", (a,))),
    ("leaky_relu(a)", Call("leaky_relu", (a,))),
    ("log_ab(x)", Call("log", (x,), ("a", "b"))),
    ("maximum(a, b + 1)", Call("maximum", (a, plus(b, one)))),
    ("where(a > 0, a, b)", Call("where", (Compare(">", a, Number(0)), a, b))),
    ("where(a+1 <= b, 1, 2)", Call("where", (Compare("<=", plus(a, one), b), one, two))),
    ("(a == b) c", times(Compare("==", a, b), c)),
    ("phi(a)", Call("phi", (a,))),
    ("φ'(a)", Call("phi'", (a,))),
    ("phi''(a)", Call("phi''", (a,))),
    ("W_ih(a_i)", Call("W", (s("a", "i"),), ("i", "h"))),
    ("f()", Call("f", ())),
    ("a ( b\n + c\n)", times(a, plus(b, c))),
    ("a +\n b", plus(a, b)),
    ("a *\n\n # a comment\n b", times(a, b)),
    ("dL/dW_ih", Derivative(s("L"), (s("W", "ih"),))),
    ("dy_i/da_j", Derivative(s("y", "i"), (s("a", "j"),))),
    ("d2L/dw_i dw_j", Derivative(s("L"), (s("w", "i"), s("w", "j")))),
    ("dα/dβ_i", Derivative(s("alpha"), (s("beta", "i"),))),
    (r"d\alpha/d\beta_i", Derivative(s("alpha"), (s("beta", "i"),))),
    ("dL/dW^{(1)}_{ih}", Derivative(s("L"), (s("W1", "ih"),))),
    ("dL/dW[out,in]", Derivative(s("L"), (Symbol("W", ("out", "in")),))),
    ("a dL/db_i c", times(a, Derivative(s("L"), (s("b", "i"),)), c)),
    ("dL/da db", times(Derivative(s("L"), (a,)), s("db"))),
    ("d2L/dw", over(s("d2L"), s("dw"))),
    ("dx / dt", over(s("dx"), s("dt"))),
    ("dx/ dt", over(s("dx"), s("dt"))),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [*NAMES, *FORMULAS])
def test_formula(text: str, expected: Formula) -> None:
    assert parse_formula(text) == expected


@pytest.mark.parametrize(("text", "value"), NUMBERS)
def test_number_is_exact(text: str, value: int | Fraction) -> None:
    number = parse_formula(text)
    assert isinstance(number, Number)
    assert number.value == value
    assert type(number.value) is type(value)


def test_statements() -> None:
    text = """\ufeff# a model
function φ     # generic
y_i = W_ij x_j +\r
      b_i\r\n
assume sum_i(x_i) = 1
assume = 3
function = assume
"""
    assert parse_statements(text) == (
        Declaration("phi"),
        Assignment(s("y", "i"), plus(times(s("W", "ij"), s("x", "j")), s("b", "i"))),
        Assumption(Call("sum", (s("x", "i"),), ("i",)), one),
        Assignment(s("assume"), three),
        Assignment(s("function"), s("assume")),
    )


def test_empty_text_has_no_statements() -> None:
    assert parse_statements(" \n\n # nothing\n") == ()


def test_assume_begins_with_any_operand() -> None:
    for left in ("(a)", "a", "-a", "2", "exp(a)"):
        assert isinstance(parse_statements(f"assume {left} = 1")[0], Assumption)
    assert isinstance(parse_statements("assume(a) = 1")[0], Assumption)


def test_positions() -> None:
    statement = parse_statements("# first\ny_i = a_i +\n  exp(b_i)")[0]
    assert isinstance(statement, Assignment)
    assert isinstance(statement.value, Sum)
    position = statement.value.terms[1].position
    assert position is not None
    assert (position.line, position.column, position.width) == (3, 3, 3)
    assert position.line_text == "  exp(b_i)"


CLAIMS = [
    ("dL/dW1_ih = X_bi dL/dA1_bh", Derivative(s("L"), (s("W1", "ih"),))),
    ("dy_i/da_j = y_i (delta_ij - y_j)", Derivative(s("y", "i"), (s("a", "j"),))),
    ("d2L/dw_i dw_j = delta_ij", Derivative(s("L"), (s("w", "i"), s("w", "j")))),
    ("y_i = x_i", s("y", "i")),
]


@pytest.mark.parametrize(("text", "target"), CLAIMS)
def test_claim(text: str, target: Symbol | Derivative) -> None:
    assert parse_claim(text).target == target


L, t = s("L"), s("t")
DIVISIONS = [  # text, names known from elsewhere, whether dx/dt is read as a division
    ("v = dx/dt", (), False),
    ("v = dx/dt", ("x", "t"), False),
    ("v = dx/dt", ("dx", "dt"), True),
    ("v = dx/dt", ("dx", "dt", "x", "t"), True),
    ("v = dx/dt", ("dx",), True),
    ("v = dx/dt", ("dt",), True),
    ("v = dx/dt", ("x", "t", "dt"), False),  # a claim in a model that has a tensor dt, too
    ("v = dx/dt + dx + dt", (), True),
    ("v = dx/dt + dx", (), True),
    ("v = dx/dt + x + t", (), False),
]


@pytest.mark.parametrize(("text", "names", "division"), DIVISIONS)
def test_derivative_or_division(text: str, names: tuple[str, ...], division: bool) -> None:
    value = parse_claim(text, names).value
    first = value.terms[0] if isinstance(value, Sum) else value
    assert first == (over(s("dx"), s("dt")) if division else Derivative(x, (t,)))


def test_a_division_without_spaces_binds_as_a_division() -> None:
    names = ("dx", "dt")
    assert parse_formula("a/dx/dt", names) == over(a, s("dx"), s("dt"))
    assert parse_formula("dx/dt^2", names) == over(s("dx"), Power(s("dt"), two))
    assert parse_formula("2^dx/dt", names) == over(Power(two, s("dx")), s("dt"))
    assert parse_formula("d2x/da db", ("d2x", "da", "db")) == Product(
        (s("d2x"), s("da"), s("db")), (False, True, False)
    )


def test_a_model_finds_its_own_divisions() -> None:
    text = "dx_i = b_i - a_i\ndt = c\nv_i = dx_i/dt"
    statement = parse_statements(text)[2]
    assert isinstance(statement, Assignment)
    assert statement.value == over(s("dx", "i"), s("dt"))


def test_targets_are_never_divisions() -> None:
    assert isinstance(parse_claim("dx/dt = 2", ("dx", "dt")).target, Derivative)
