"""Formulas written and read again; and texts at random, which give a model or a message."""

from __future__ import annotations

import string
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from seeds import examples

from eingrad.errors import NotationError
from eingrad.notation.latex import to_latex
from eingrad.notation.lower import lower
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
from eingrad.notation.text import to_text

CANONICAL = [  # what a text becomes when it is written again
    ("-T_bo/(size(b)*Z2_{bo})", "-T_bo / (size(b) Z2_bo)"),
    ("size_{b}(X_{bi})^2", "size_b(X_bi)^2"),
    ("X_bi W1_ih + b1_h", "X_bi W1_ih + b1_h"),
    ("Z2_bo*(delta_op - Z2_bp)", "Z2_bo (delta_op - Z2_bp)"),
    ("W^{(1)}_{ij}", "W1_ij"),
    ("W[i,j] W[out, in]", "W_ij W[out,in]"),
    (r"\alpha_\mu", "alpha_μ"),
    ("sum_{ij}(x_i)", "sum_{ij}(x_i)"),
    ("sum_{row,b}( A[row,b] )", "sum_{row,b}(A[row,b])"),
    ("((a)) + ((b c))", "a + b c"),
    ("(a + b) + c", "(a + b) + c"),
    ("a (b c)", "a (b c)"),
    ("(a/b)/c", "(a / b) / c"),
    ("a/b c", "a / b c"),
    ("a * -b", "a (-b)"),
    ("a - -b", "a - (-b)"),
    ("--a", "-(-a)"),
    ("(-a)^2", "(-a)^2"),
    ("-a^2", "-a^2"),
    ("x**-2", "x^-2"),
    ("x^(a b)", "x^(a b)"),
    ("(x^a)^b", "(x^a)^b"),
    ("x^a^b", "x^a^b"),
    ("x^(dL/da)", "x^(dL/da)"),
    ("(dL/da_i)^2", "(dL/da_i)^2"),
    ("d2L/dw_i  dw_j", "d2L/dw_i dw_j"),
    ("where(a<b,(a),b)", "where(a < b, a, b)"),
    ("(a<b)(c)", "(a < b) c"),
    ("0.50 1e-8 1.5e-7 1000000 .000001", "0.5 1e-8 1.5e-7 1000000 1e-6"),
    ("1e20 123456789012345678", "1e20 123456789012345678"),
]


@pytest.mark.parametrize(("text", "written"), CANONICAL)
def test_canonical_text(text: str, written: str) -> None:
    formula = parse_formula(text)
    assert to_text(formula) == written
    assert parse_formula(written) == formula


def test_statements_are_written_as_they_are_read() -> None:
    text = "function phi\ny_i = (a_i < b_i)\nassume A_ij = A_ji\nz = exp(-c)"
    assert "\n".join(map(to_text, parse_statements(text))) == text


WRITTEN = [  # formulas that no text gives, as derivations print them
    (Number(Fraction(1, 3)), "1/3"),
    (Number(-2), "-2"),
    (Power(Number(-2), Symbol("x")), "(-2)^x"),
    (Product((Number(-2), Symbol("x")), (False, False)), "(-2) x"),
    (Product((Symbol("x"),), (True,)), "1 / x"),
    (Derivative(Call("log", (Symbol("x", ("i",)),)), (Symbol("x", ("i",)),)), "d[log(x_i)]/dx_i"),
]


@pytest.mark.parametrize(("formula", "text"), WRITTEN)
def test_text_of_other_formulas(formula: Formula, text: str) -> None:
    assert to_text(formula) == text


# --- random formulas --------------------------------------------------------------------------

NAME = st.sampled_from(["x", "W1", "loss", "alpha", "Sigma", "dx", "dt", "d2x", "t", "e", "ñ"])
SHORT = st.sampled_from("ijbo")
LABEL = st.one_of(SHORT, st.sampled_from(["row", "mu", "ij", "b2"]))
SYMBOL = st.builds(Symbol, NAME, st.lists(LABEL, max_size=3).map(tuple))
NUMBER = st.builds(
    Number,
    st.one_of(
        st.integers(0, 10**25),
        st.decimals(0, 10**6, allow_nan=False).map(Fraction),
    ).map(lambda x: int(x) if Fraction(x).denominator == 1 else x),
)
DERIVATIVE = st.builds(  # of tensors that no name above hides: there is no dL or dq
    lambda by: Derivative(Symbol("L"), tuple(by)),
    st.lists(st.builds(Symbol, st.just("q"), st.lists(LABEL).map(tuple)), min_size=1, max_size=2),
)
FUNCTION = st.sampled_from(["exp", "sum", "log_softmax", "leaky_relu", "phi", "phi'", "where", "x"])


def _many(part: st.SearchStrategy[Any], least: int) -> st.SearchStrategy[Any]:
    return st.lists(st.tuples(part, st.booleans()), min_size=least, max_size=4)


def _product(parts: list[tuple[Formula, bool]]) -> Product:
    return Product(tuple(x for x, _ in parts), (False, *(below for _, below in parts[1:])))


def _sum(parts: list[tuple[Formula, bool]]) -> Formula:
    if len(parts) == 1:
        return Sum((parts[0][0],), (True,))
    return Sum(tuple(x for x, _ in parts), tuple(negative for _, negative in parts))


def _call(function: str, args: list[Formula], axes: list[str]) -> Call:
    axes = [] if function.endswith("'") else axes
    if function == "x" and axes == ["row"]:
        axes = []
    return Call(function, tuple(args), tuple(axes))


FORMULA: st.SearchStrategy[Formula] = st.recursive(
    st.one_of(SYMBOL, NUMBER, DERIVATIVE, st.builds(SizeOf, st.sampled_from(["b", "row", "mu"]))),
    lambda part: st.one_of(
        _many(part, 2).map(_product),
        _many(part, 1).map(_sum),
        st.builds(Power, part, part),
        st.builds(Compare, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), part, part),
        st.builds(_call, FUNCTION, st.lists(part, max_size=3), st.lists(LABEL, max_size=2)),
    ),
    max_leaves=12,
)


@given(FORMULA)
def test_a_formula_is_read_as_it_was_written(formula: Formula) -> None:
    assert parse_formula(to_text(formula)) == formula


@given(SYMBOL, SYMBOL, SYMBOL, st.booleans(), FORMULA)
def test_so_is_a_claim(of: Symbol, by: Symbol, also: Symbol, second: bool, value: Formula) -> None:
    claim = Assignment(Derivative(of, (by, also) if second else (by,)), value)
    assert parse_claim(to_text(claim)) == claim


@given(st.lists(st.tuples(SYMBOL, FORMULA, st.sampled_from("=af")), max_size=4))
def test_so_are_statements(parts: list[tuple[Symbol, Formula, str]]) -> None:
    statements = tuple(
        Assignment(target, value) if kind == "=" else
        Assumption(target, value) if kind == "a" else
        Declaration(target.name)
        for target, value, kind in parts
    )  # fmt: skip
    assert parse_statements("\n".join(map(to_text, statements))) == statements


@given(FORMULA)
def test_latex_is_well_formed(formula: Formula) -> None:
    latex = to_latex(formula)
    depth = 0
    for bracket in latex.replace(r"\{", "").replace(r"\}", ""):
        depth += {"{": 1, "}": -1}.get(bracket, 0)
        assert depth >= 0
    assert depth == 0
    assert latex.count(r"\left") == latex.count(r"\right")


# --- random texts -----------------------------------------------------------------------------

PIECES = [
    "x", "y", "W1", "_i", "_ij", "_{ij}", "[out,in]", "(", ")", "+", "-", "*", "/", "^", "**", "=",
    "\n", " ", "2", "0.5", "1e-8", "sum_i(", "softmax_o(", "mean_b(", "log(", "where(", ",", "<",
    "==", "delta_ij", "size(b)", "dL/dx", "d2L/dw dw", "function f", "f(", "f'(", "assume ", "α",
    r"\beta", r"\mu", "^{(1)}", "# c", "{", "}", "[", "]", "'", "_", "²", "é", "x_i", "A_ij", "\r",
    "1e999", "maximum(", "size(", "dx", "dt", "argmax_i(", "sum_{row}(", "!", ".", "\\", "y_i = ",
]  # fmt: skip
NOTATION_LIKE = st.lists(st.sampled_from(PIECES), max_size=20).map("".join)
MODEL_LIKE = NOTATION_LIKE.map(lambda text: f"y_i = {text}")
LETTERS_LIKE = st.text(
    string.ascii_letters + string.digits + "_^()[]{}+-*/=,<>'\\ \n#", max_size=30
)
ANYTHING = st.text(max_size=30)


def _error_of(text: str) -> NotationError | None:
    try:
        statements = parse_statements(text)
        assert parse_statements("\n".join(map(to_text, statements))) == statements
        lower(statements)
    except NotationError as error:
        return error
    return None


@examples(400)
@given(st.one_of(NOTATION_LIKE, MODEL_LIKE, LETTERS_LIKE, ANYTHING))
@example("y = \ufdfa + ﬁ_ŉ")
@example("y = x[ﬁ, ﬁ]\u2028z")
@example("y = x_i\x85 x_i")
@example("x\u0301 = 1")
def test_any_text_gives_a_model_or_a_message(text: str) -> None:
    error = _error_of(text)
    assert error is None or (error.hint and str(error))
