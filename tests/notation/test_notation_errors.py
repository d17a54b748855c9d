"""What is said about wrong texts: the words, and the fields."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import numpy as np
import pytest

import eingrad as eg
from eingrad.errors import NotationError
from eingrad.notation.lower import lower, lower_claim
from eingrad.notation.parse import parse_claim, parse_formula, parse_statements

# text, line, column, reason, hint (a part of it), other fields
Row = tuple[str, int, int, str, str, dict[str, Any]]

READING: list[Row] = [
    ("y = x ? z", 1, 7, "unexpected character '?'", "names, numbers", {}),
    ("y = x²", 1, 6, "unexpected character '²'", "x^2", {}),
    ("y = a × b", 1, 7, "unexpected character '×'", "write y = a * b", {}),
    ("y = a − b", 1, 7, "unexpected character '−'", "minus", {}),
    ("y = ∑ x", 1, 5, "unexpected character '∑'", "sum_i(...)", {}),
    ("# é ? fine\ny = a\u200bb", 2, 6, "unexpected character U+200B", "names", {}),
    ("y = a\x00", 1, 6, "unexpected character U+0000", "names", {}),
    ("y = {a}", 1, 5, "unexpected character '{'", "group with parentheses", {}),
    ("y = [a]", 1, 5, "unexpected character '['", "write y = (a)", {}),
    ("y = a !b", 1, 7, "unexpected character '!'", "!=", {}),
    ("y = 2.a.b", 1, 8, "unexpected character '.'", "names", {}),
    (r"y = \foo", 1, 5, r"unknown command \foo", r"\alpha", {"operand": r"\foo"}),
    (r"y = x_\foo", 1, 7, r"unknown command \foo", r"\alpha", {}),
    (r"y = \frac{a}{b}", 1, 5, r"unknown command \frac", "Greek", {}),
    (r"y = \sum_i x_i", 1, 5, r"unknown command \sum", "Greek", {}),
    ("y = x_1", 1, 7, "'1' is not a label: a label is a letter", "x1", {"label": "1"}),
    ("y = x_{1}", 1, 8, "'1' is not a label: a label is a letter", "x1", {"label": "1"}),
    ("y = x_{i?1}", 1, 9, "'?' is not a label: a label is a letter", "x[row,col]", {"label": "?"}),
    ("y = x[i,y[b]", 1, 6, "unexpected character '['", "W[out,in]", {}),
    ("y = x_", 1, 7, "x has a subscript without a label", "x_i", {"operand": "x"}),
    ("y = x[]", 1, 7, "x has a subscript without a label", "x_i", {"operand": "x"}),
    ("y = x[i,,j]", 1, 9, "x has a subscript without a label", "x_i", {"operand": "x"}),
    ("y = my_long_name", 1, 5, "my_long_name has two subscripts", "no underscore", {}),
    ("y = W1^{(2)}", 1, 10, "the name W1 ends in a digit already", "W1", {"operand": "W1"}),
    ("y = x'", 1, 6, "a prime belongs to a function, as in phi'(a)", "name", {}),
    ("y = 1e999999999", 1, 5, "this number does not fit a float", "1e308", {}),
    ("y = 1e-999", 1, 5, "this number does not fit a float", "1e-308", {}),
    ("y = " + "1" * 900, 1, 5, "this number does not fit a float", "1000 digits", {}),
    ("y = a +", 1, 7, "something is missing after +", "a tensor, a number or a call", {}),
    ("y =", 1, 3, "something is missing after =", "a tensor", {}),
    ("y = a + * b", 1, 9, "something is missing between + and *", "leave one out", {}),
    ("y = a / )", 1, 9, "this parenthesis closes nothing", "leave it out", {}),
    ("y = (a +) b", 1, 9, "something is missing between + and )", "a tensor", {}),
    ("y = ()", 1, 6, "something is missing between ( and )", "a tensor", {}),
    ("y = f(a,,b)", 1, 9, "something is missing between , and ,", "leave one out", {}),
    ("y = (a + b", 1, 5, "this parenthesis is never closed", "write )", {}),
    ("y = (a + b\nz = c", 1, 5, "this parenthesis is never closed", "write )", {}),
    ("y = a) + b", 1, 6, "this parenthesis closes nothing", "leave it out", {}),
    ("y = a < b", 1, 7, "the comparison < cannot stand here", "where(x_i > 0", {}),
    ("y = f(a < b < c)", 1, 13, "the comparison < cannot stand here", "two sides", {}),
    ("y = (a, b)", 1, 7, "a comma separates the arguments of a function, and this one is in no "
     "call", "maximum(a, b)", {}),
    ("y = 2 = x", 1, 7, "a second = in the statement of line 1", "==", {}),
    ("y = a +\nz = b", 2, 3, "a second = in the statement of line 1", "line 1 ends in +", {}),
    ("y_i", 1, 1, "this is no statement: it has no =", "y_i = W_ij x_j", {}),
    ("y = a\nz", 2, 1, "this is no statement: it has no =", "y_i = W_ij x_j", {}),
    ("2 = x", 1, 1, "a statement cannot begin with 2", "y_i = W_ij x_j", {}),
    ("a + b = x", 1, 3, "+ cannot stand after a", "a name", {}),
    ("exp(a) = x", 1, 1, "a statement cannot begin with exp", "a name", {}),
    ("assume a", 1, 1, "this fact has no =", "assume sum_o(T_bo) = 1", {}),
    ("function f g", 1, 12, "g cannot stand after f", "", {}),
    ("function f_i", 1, 10, "a declared function has a plain name", "function f", {}),
    ("y = size(a b)", 1, 5, "size takes one label", "size(b)", {"operand": "size"}),
    ("y = size(x_i)", 1, 5, "size takes one label", "size(b)", {}),
    ("y = size_j(x_i)", 1, 5, "size takes one label", "size_b(X_bi)", {}),
    ("y = size_i(x_i + 1)", 1, 5, "size takes one label", "size_b(X_bi)", {}),
    ("y = dL/dx(a)", 1, 5, "dL/dx is followed by a parenthesis without a space", "dL/dx (", {}),
    ("y = sum_{a}_b(x)", 1, 10, "sum_{a}_b has two subscripts", "sum_bo", {}),
]  # fmt: skip

MEANING: list[Row] = [
    ("y = x_o", 1, 5, "the label o occurs once and does not stand on the left side",
     "sum_o(x_o)", {"label": "o", "operand": "x"}),
    ("y = 2 + x_i^2", 1, 9, "the label i occurs once and does not stand on the left side",
     "sum_i(x_i^2)", {"label": "i"}),
    ("y_b = A_bo + c", 1, 7, "the label o occurs once and does not stand on the left side",
     "among b on the left", {"label": "o"}),
    ("y = x[row]", 1, 5, "the label row occurs once and does not stand on the left side",
     "sum_{row}(x[row])", {"label": "row"}),
    ("y_i = A^T_ij x_j", 1, 9, "A^T_ij would be a power, by an input T", "write A_ji;",
     {"operand": "A"}),
    ("y = x_i^T x_i", 1, 9, "x_i^T would be a power, by an input T", "write x_i;", {}),
    ("y = x^T A x", 1, 7, "x^T would be a power, by an input T", "A_ji", {}),
    ("y = 2 e^x", 1, 7, "e would be an input here, and e^x its power", "write exp(x);", {}),
    ("y_i = i x_i", 1, 7, "i is a label of this statement and cannot be a number in it", "size(i)",
     {"label": "i"}),
    ("y = x_i + z_i", 1, 5, "the label i is summed by no product and does not stand on the left",
     "sum_i(x_i + z_i)", {"label": "i"}),
    ("y = c + (x_i - z_i)^2", 1, 10, "the label i is summed by no product and does not stand on",
     "sum_i((x_i - z_i)^2)", {"label": "i"}),
    ("y = (A_ij - R_ik Y_kj)^2", 1, 6, "the label i is summed by no product and does not stand on",
     "sum_ij((A_ij - R_ik Y_kj)^2)", {"label": "i"}),
    ("y = sqrt((x_i - z_i)^2 + c)", 1, 11, "the label i is summed by no product and does not",
     "sum_i((x_i - z_i)^2)", {"label": "i"}),
    ("y = x_i z_i + t_i", 1, 15, "the label i occurs once", "sum_i(t_i)", {"label": "i"}),
    ("y = softmax_o(x_o)", 1, 5, "the label o occurs once and does not stand on the left side",
     "sum_o(softmax_o(x_o))", {"label": "o"}),
    ("y = maximum(x_i, z_i)", 1, 13, "the label i is summed by no product and does not stand on",
     "sum_i(maximum(x_i, z_i))", {"label": "i"}),
    ("y_i = A_ij x_j\nz = A_i A_i", 2, 5, "A has 1 label here, but 2 labels in line 1: A_ij",
     "2 labels", {"operand": "A"}),
    ("y_i = x_i\nz = y", 2, 5, "y has no labels here, but 1 label in line 1: y_i", "y", {}),
    ("z = y\ny_i = x_i", 1, 5, "y has no labels here, but 1 label in line 2: y_i", "y", {}),
    ("y_ii = A_ii", 1, 1, "the label i stands twice on the left side", "delta_ij",
     {"label": "i", "operand": "y"}),
    ("a = b\nb = c\nc = a", 1, 1, "these definitions go in a circle: a -> b -> c -> a",
     "name of its own", {"operand": "a"}),
    ("z = a\na = b\nb = a", 2, 1, "these definitions go in a circle: a -> b -> a", "", {}),
    ("x = x + 1", 1, 1, "x is defined by itself", "name of its own", {"operand": "x"}),
    ("x = 1\ny = 2\nx = 3", 3, 1, "x is assigned a second time; the first is in line 1",
     "another name", {"operand": "x"}),
    ("delta_ij = A_ij", 1, 1, "delta is Kronecker's delta and cannot be assigned", "another name",
     {"operand": "delta"}),
    ("δ = 1", 1, 1, "delta is Kronecker's delta and cannot be assigned", "another name", {}),
    ("y = delta", 1, 5, "delta is Kronecker's and has two labels, not 0", "delta_ij", {}),
    ("y_i = delta_i", 1, 7, "delta is Kronecker's and has two labels, not 1", "delta_ij", {}),
    ("y_o = sofmax_o(A_o)", 1, 7, "sofmax_o is not a function", "did you mean softmax_o(...)?",
     {"operand": "sofmax"}),
    ("y = maximun(a, b)", 1, 5, "maximun is not a function", "did you mean maximum(...)?", {}),
    ("y = leaky_rleu(a)", 1, 5, "leaky_rleu is not a function", "leaky_relu(...)?", {}),
    ("y = add(a, b)", 1, 5, "add is not a function", "", {}),
    ("y = W(a)\nz = W", 1, 5, "W is not a function", "W (...)", {}),
    ("y_h = W_ih(a_i)", 1, 7, "W_ih is not a function", "write a space", {"operand": "W"}),
    ("y = W[i,h](a_i)", 1, 5, "W_ih is not a function", "write a space", {}),
    ("y = qqq(a)", 1, 5, "qqq is not a function", "function qqq", {}),
    ("y_b = log y_b", 1, 7, "log is a function without its argument", "log(y_b)", {}),
    ("y = sum_i x_i", 1, 5, "sum_i is a function without its argument", "sum_i(x_i)", {}),
    ("function f\ny = f x", 2, 5, "f is a function without its argument", "f(...)", {}),
    ("y = sigmoid''(a)", 1, 5, "sigmoid'': a prime belongs to a declared function",
     "first derivative, sigmoid", {}),
    ("y = f'(a)", 1, 5, "f': a prime belongs to a declared function", "function f", {}),
    ("y = maximum(a)", 1, 5, "maximum takes 2 arguments, not 1", "maximum(a, b)",
     {"operand": "maximum"}),
    ("y = exp()", 1, 5, "exp takes 1 argument, not 0", "exp(x)", {}),
    ("y = where(a > 0, a)", 1, 5, "where takes 3 arguments, not 2", "condition", {}),
    ("y = sum_i(x_i, z_i)", 1, 5, "sum_i takes 1 argument, not 2", "sum_i(x)", {}),
    ("function f\ny = f(a, b)", 2, 5, "f takes 1 argument, not 2", "f(x)", {}),
    ("Z_bo = softmax(A_bo)", 1, 8, "softmax goes over an axis, which must stand after its name",
     "softmax_o(...)", {"operand": "softmax"}),
    ("y = log_softmax(A_bo)", 1, 5,
     "log_softmax goes over an axis, which must stand after its name", "log_softmax_o(...)", {}),
    ("y = max(a, b, c)", 1, 5, "max goes over an axis, which must stand after its name",
     "max_i(...)", {}),
    ("y_i = exp_i(x_i)", 1, 7, "exp is element-wise and goes over no axis", "exp(...)",
     {"label": "i", "operand": "exp"}),
    ("y = sum_b(x_i x_i)", 1, 5, "the argument of sum_b has no label b", "has i; ",
     {"label": "b", "operand": "sum"}),
    ("y = max_b(c)", 1, 5, "the argument of max_b has no label b", "no label", {"label": "b"}),
    ("y = sum_{row}(x_i x_i)", 1, 5, "the argument of sum_{row} has no label row", "i", {}),
    ("y = sum_bo(x_b)", 1, 5, "the argument of sum_bo has no label o", "b", {"label": "o"}),
    ("y = argmax_ij(A_ij)", 1, 5, "argmax_ij: argmax goes over one axis", "", {}),
    ("y = sum_ii(A_ij)", 1, 5, "sum_ii: an axis stands twice", "once", {}),
    ("y = size(q)", 1, 5, "size(q): no label q", "a letter that a tensor has", {"label": "q"}),
    ("y_i = x_i\nz_i = w_i\nm = size(i)", 3, 5, "size(i): the label i stands for several "
     "dimensions", "different letters", {"label": "i"}),
    ("function exp\ny = 1", 1, 1, "exp is a function already", "another name", {}),
    ("function f\nfunction f\ny = 1", 2, 1, "f is a function declared twice", "", {}),
    ("function f\nf = 1", 2, 1, "f is declared as a function", "another name", {}),
    ("y = 1\nassume T_i = 1", 2, 8, "the model has no tensor T", "y", {"operand": "T"}),
    ("dL/dx_i = 2 x_i", 1, 1, "dL/dx_i is a derivative, and a model does not speak of its "
     "derivatives", "Model.check", {}),
    ("y = dot/dim", 1, 5, "dot/dim is a derivative, and a model does not speak of its derivatives",
     "dot / dim", {}),
    ("y = 1e300^64", 1, 1, "the numbers of this statement multiply to one that does not fit a "
     "float", "1e308", {}),
]  # fmt: skip


def check(error: NotationError, row: Row) -> None:
    text, line, column, reason, hint, fields = row
    assert error.position is not None
    assert (error.position.line, error.position.column) == (line, column)
    assert error.reason.startswith(reason)
    assert error.hint
    assert hint in error.hint
    for name, value in fields.items():
        assert getattr(error, name) == value
    assert error.position.line_text == text.split("\n")[line - 1]
    shown = str(error).splitlines()
    assert shown[0].startswith(f"line {line}, column {column}: ")
    assert shown[2].index("^") == 6 + column - 1
    assert shown[3].startswith("hint: ")


@pytest.mark.parametrize("row", READING, ids=[repr(row[0][:40]) for row in READING])
def test_what_cannot_be_read(row: Row) -> None:
    with pytest.raises(NotationError) as caught:
        parse_statements(row[0])
    check(caught.value, row)


@pytest.mark.parametrize("row", MEANING, ids=[repr(row[0]) for row in MEANING])
def test_what_has_no_meaning(row: Row) -> None:
    statements = parse_statements(row[0])
    with pytest.raises(NotationError) as caught:
        lower(statements)
    check(caught.value, row)


def test_the_whole_message() -> None:
    with pytest.raises(NotationError) as caught:
        lower(parse_statements("# a loss\nL = exp(x_i) + 1"))
    assert str(caught.value) == (
        "line 2, column 9: the label i occurs once and does not stand on the left side\n"
        "  2 | L = exp(x_i) + 1\n"
        "    |         ^^^\n"
        "hint: to sum over it, write sum_i(exp(x_i)); to keep it, write it on the left, L_i = ..."
    )


@pytest.mark.parametrize("text", ["", "  \n\n", "# only a comment", "function f"])
def test_an_empty_model(text: str) -> None:
    with pytest.raises(NotationError, match="the model has no statement") as caught:
        lower(parse_statements(text))
    assert caught.value.hint


@pytest.mark.parametrize("value", [None, 3, b"y = x", ["y = x"]])
def test_what_is_no_text(value: Any) -> None:
    for parse in (parse_statements, parse_formula, parse_claim):
        with pytest.raises(NotationError, match=f"not {type(value).__name__}"):
            parse(value)


def test_formulas_and_claims_have_messages_too() -> None:
    with pytest.raises(NotationError, match="the text is empty"):
        parse_formula("")
    with pytest.raises(NotationError, match="no ="):
        parse_claim("dL/dx_i")
    with pytest.raises(NotationError, match=r"line 1, column 5: a second ="):
        parse_claim("a=b = c")


CLAIMS = [
    ("dL/dV_ih = X_bi", "the model has no tensor V", {"operand": "V"}, "did you mean|it has"),
    ("dL/dW_ih = Q_bi", "the model has no tensor Q", {"operand": "Q"}, "X"),
    ("dL/dW_hi = X_bi dL/dA_bh", "the label i would stand for two dimensions", {"label": "i"},
     "order of the labels"),
    ("dL/dW_i = 2", "W has 1 label here, but 2 labels: W_ih", {"operand": "W"}, "2 labels"),
    ("dL/dW_ii = 2", "the label i stands twice on the left side", {"label": "i"}, "another"),
    ("dL/dW_ih = X_bi", "the label b occurs once", {"label": "b"}, "sum_b"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason", "fields", "hint"), CLAIMS)
def test_wrong_claims(text: str, reason: str, fields: dict[str, str], hint: str) -> None:
    system = lower(parse_statements("A_bh = X_bi W_ih\nL = sum_bh(A_bh^2)"))
    with pytest.raises(NotationError) as caught:
        lower_claim(parse_claim(text, system.labels), system)
    assert caught.value.reason.startswith(reason)
    assert caught.value.hint
    assert any(part in caught.value.hint for part in hint.split("|"))
    for name, value in fields.items():
        assert getattr(caught.value, name) == value


# --- bounds -----------------------------------------------------------------------------------

DEEP = [
    "(" * 5000 + "x" + ")" * 5000,
    "(" * 200 + "x" + ")" * 200,
    "-" * 1_000 + "x",
    "^".join("x" * 700),
    "x^-" * 400 + "x",
    "exp(" * 150 + "x" + ")" * 150,
    "(x + " * 99 + "x" + ")" * 99 + "^2",
    "x * -" * 200 + "-" * 200 + "x",
]


@pytest.mark.parametrize("formula", DEEP, ids=[text[:8] for text in DEEP])
def test_too_deep(formula: str) -> None:
    with pytest.raises(NotationError, match="nested more than 100 levels deep") as caught:
        parse_statements(f"y = {formula}")
    assert caught.value.position is not None
    assert caught.value.hint


def test_too_long() -> None:
    with pytest.raises(NotationError, match="1,000,005 characters, more than 1,000,000"):
        parse_statements("y = x" + "#" * 1_000_000)
    with pytest.raises(NotationError, match="more than 1,500 words and signs"):
        parse_statements("y = x" + "+x" * 1_000)
    with pytest.raises(NotationError, match="120,005 characters, more than 20,000"):
        parse_statements("y = x" + "+x" * 60_000)


HARD = [
    ("a wide sum", "y = x" + " + x" * 8_000),
    ("a wide product", "y = x" + " x" * 8_000),
    ("many labels", "y = " + " ".join(f"x[l{k}] x[l{k}]" for k in range(3000))),
    ("nested sums", "y = " + "sum_i(c_i " * 45 + "x" + ")" * 45),
    ("nested powers", "y = " + "x^" * 98 + "x"),
    ("nested maxima", "y = " + "maximum(x, " * 95 + "x" + ")" * 95),
    ("powers of numbers", "y = " + "(" * 45 + "2" + "^64)" * 45),
    ("products of numbers", "y = 1e300" + " 1e300" * 500),
    ("powers of powers", "y = " + "(" * 45 + "x" + "^64)" * 45),
    ("many letters", "\n".join(f"y{k}_i = x{k}_i" for k in range(3000))),
    ("many facts", "y = x\n" + "assume x = 1\n" * 1000),
    ("a long name", "y = " + "x" * 500_000),
    ("backslashes", "y = " + r"\a" * 20_000),
    ("subscripts", "y = " + "x_{a}" * 4_000),
]


@pytest.mark.parametrize("text", [text for _, text in HARD], ids=[name for name, _ in HARD])
def test_nothing_takes_long(text: str) -> None:
    start = time.process_time()
    with contextlib.suppress(NotationError):
        lower(parse_statements(text))
    assert time.process_time() - start < 5  # 0.4 s; regular expressions make no calls to count


@pytest.mark.parametrize("function", ["square({})", "pow({}, 64)", "({})^64", "({})^-64"])
def test_numbers_of_any_size_take_no_room(function: str) -> None:
    """Powers of powers would have 64^90 digits; they stay powers."""
    text = "3"
    for _ in range(90):
        text = function.format(text)
    with contextlib.suppress(NotationError):
        assert eg.parse(f"L = {text} x_i x_i").grad("L", "x")


@pytest.mark.parametrize(("first", "value"), [("2^64", np.inf), ("1 / 3", 0.0)])
def test_numbers_that_statements_multiply_take_no_room(first: str, value: float) -> None:
    statements = [f"a0 = {first}", *(f"a{k + 1} = a{k} a{k}" for k in range(60))]
    model = eg.parse("\n".join([*statements, "L = a60 x"]))
    assert model.grad("L", "x").compile()(x=np.ones(()))["dL/dx"] == value
