"""Errors: their wording, their fields, and that there are no others."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import numpy as np
import pytest
from counting import calls
from hypothesis import given
from hypothesis import strategies as st
from seeds import examples, seeded

import eingrad as eg
from eingrad.api.einsum.contract_path import contract_path
from eingrad.api.einsum.einsum import einsum
from eingrad.errors import EingradError, MemoryLimitError, NotationError, ShapeError, printable
from einsum.strategies import Case, cases

# fmt: off
MALFORMED = [
    ("ij->ik",      "the output label k is in no operand",                       1, 6),
    ("->i",         "the output label i is in no operand",                       1, 3),
    ("ij->i->j",    "a second arrow",                                            1, 6),
    ("ij->i,j",     "a comma in the output",                                     1, 6),
    ("ij-ik",       "'-' is not part of an arrow '->'",                          1, 3),
    ("ij>ik",       "'>' is not part of an arrow '->'",                          1, 3),
    ("ij - > i",    "'-' is not part of an arrow '->'",                          1, 4),
    ("i..j",        "a dot that is not part of an ellipsis '...'",               1, 2),
    ("i....j",      "a dot that is not part of an ellipsis '...'",               1, 5),
    (".. .",        "a dot that is not part of an ellipsis '...'",               1, 1),
    ("...i...",     "a second ellipsis in one term",                             1, 5),
    ("i2->",        "the character '2' is not a label",                          1, 2),
    ("i_j",         "the character '_' is not a label",                          1, 2),
    ("i→j",         "the character '→' is not a label",                          1, 2),
    ("ij,\n jk → ik", "the character '→' is not a label",                        2, 5),
    ("i\0",         "the character '\\\\x00' is not a label",                    1, 2),
]
# fmt: on


@pytest.mark.parametrize(("text", "reason", "line", "column"), MALFORMED)
def test_a_malformed_equation(text: str, reason: str, line: int, column: int) -> None:
    with pytest.raises(NotationError, match=reason.replace("'...'", r"'\.\.\.'")) as info:
        einsum(text, np.ones((2, 2)))
    position = info.value.position
    assert position is not None
    assert (position.line, position.column) == (line, column)
    shown, caret = str(info.value).split("\n")[1:3]
    assert caret.index("^") - 6 == column - 1
    assert shown.endswith(printable(text.split("\n")[line - 1]))


def test_the_caret_of_a_long_equation() -> None:
    text = "ij," * 200 + "i$j," + "ij," * 200
    with pytest.raises(NotationError) as info:
        einsum(text, np.ones((2, 2)))
    shown, caret = str(info.value).split("\n")[1:3]
    assert shown[caret.index("^")] == "$"
    assert len(shown) < 140


def test_an_equation_of_endless_length() -> None:
    with pytest.raises(NotationError, match=r"100,000 characters, more than 50,000"):
        einsum("i" * 100_000, np.ones(2))


M, V = np.ones((2, 3)), np.ones(2)


def test_the_number_of_operands() -> None:
    with pytest.raises(ShapeError, match=r"^ij,jk: the equation has 2 operands, 1 was given$"):
        einsum("ij,jk", M)
    with pytest.raises(ShapeError, match=r"ij: the equation has 1 operand, 2 were given") as info:
        einsum("ij", M, M)
    assert info.value.hint == "operands are separated by commas"
    with pytest.raises(ShapeError, match="the equation has 1 operand, 0 were given"):
        einsum("ij")


def test_the_rank() -> None:
    with pytest.raises(
        ShapeError,
        match=r"ij,jkl->i: operand 1 has 3 labels \(jkl\), but its shape \(2, 3\) has 2 axes",
    ) as info:
        einsum("ij,jkl->i", M, M)
    assert info.value.operand == 1
    with pytest.raises(ShapeError, match=r"operand 0 has 1 label \(i\), .* \(2, 3\)") as info:
        einsum("i->", M)
    assert info.value.hint == "write '...' for the 1 axis without a label"
    with pytest.raises(ShapeError, match=r"operand 0 has at least 2 labels \(i...j\), .* 1 axis"):
        einsum("i...j", V)


def test_sizes_that_do_not_match() -> None:
    with pytest.raises(ShapeError) as info:
        einsum("ij,jk->ik", M, np.ones((4, 5)))
    assert info.value.reason == (
        "ij,jk->ik: label j has size 3 in operand 0, shape (2, 3), "
        "and size 4 in operand 1, shape (4, 5)"
    )
    assert (info.value.label, info.value.operand) == ("j", 1)
    assert info.value.hint == "sizes must be equal, or one of them 1"
    with pytest.raises(ShapeError, match=r"ii->: label i has sizes 2 and 3 in operand 0") as info:
        einsum("ii->", M)
    assert (info.value.label, info.value.operand) == ("i", 0)
    with pytest.raises(ShapeError, match=r"label i has sizes 1 and 3 in operand 0, shape \(1, 3\)"):
        einsum("ii->i", np.ones((1, 3)))  # as in NumPy, one operand's axes do not broadcast
    with pytest.raises(ShapeError, match=r"label '\.\.\.' has size 3 .* and size 2 in operand 1"):
        einsum("...,...", M, V)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((M,), "there is no equation"),
        ((M, [0, 1], [0, 7]), r"the output label 7 is in no operand"),
        ((M, ["i", "j"]), r"the labels of operand 0 are \['i', 'j'\], not a list of integers"),
        ((M, 3), r"the labels of operand 0 are 3, not a list of integers"),
        ((M, [0, 1], M), r"the labels of the output are"),
        ((M, [0, -1]), r"operand 0 has a negative label"),
        ((M, [..., ...]), r"operand 0 has a second Ellipsis"),
        ((b"ij", M), r"the labels of operand 0 are"),
    ],
)
def test_the_form_with_lists(arguments: tuple[Any, ...], reason: str) -> None:
    with pytest.raises(NotationError, match=reason):
        einsum(*arguments)


def test_out() -> None:
    out = np.empty((2, 2))
    assert einsum("ij,kj->ik", M, M, out=out) is out
    assert (out == 3).all()
    square = np.arange(4.0).reshape(2, 2)
    expected = square @ square
    einsum("ij,jk->ik", square, square, out=square)  # out is an operand
    np.testing.assert_array_equal(square, expected)
    turned = np.empty((2, 3)).T
    np.testing.assert_array_equal(einsum("ij->ji", M, out=turned), M.T)
    half = np.empty((2, 3), np.float16)
    assert einsum("ij->ij", M, out=half).dtype == np.float16
    with pytest.raises(ShapeError, match=r"the result has shape \(2, 2\), out has \(2, 3\)"):
        einsum("ij,kj->ik", M, M, out=np.empty((2, 3)))
    with pytest.raises(ShapeError, match="the result has dtype float64, which out of dtype int64"):
        einsum("ij->ij", M, out=np.empty((2, 3), np.int64))
    with pytest.raises(ShapeError, match="out is a list, not an array"):
        einsum("ij->ij", M, out=[])
    out.flags.writeable = False
    with pytest.raises(ShapeError, match="out is read-only"):
        einsum("ij,kj->ik", M, M, out=out)


def test_the_memory_limit() -> None:
    x = np.broadcast_to(np.float64(1.0), (10**6,))
    with pytest.raises(
        MemoryLimitError, match=r"needs 8,000,0\d\d,\d\d\d,\d\d\d bytes .*=1,000,000,000"
    ):
        einsum("i,j->ij", x, x, memory_limit=10**9)  # 8 TB: nothing is allocated
    assert einsum("i->", x, memory_limit=10**8) == 10**6
    derived = eg.parse("L = sum_ij(exp(x_i y_j))").grad("L", ["x"])
    for compiled in (
        derived.compile(memory_limit=10**9),
        eg.parse("z_ij = x_i y_j").compile(memory_limit=10**9),
    ):
        with pytest.raises(MemoryLimitError, match=r"8,0\d\d,\d\d\d,\d\d\d,\d\d\d bytes"):
            compiled(x=x, y=x)
    with pytest.raises(MemoryLimitError):
        einsum("i,i->i", x[:1000], x[:1000], memory_limit=1000)


MOST_CALLS = 20_000  # a compilation of a few operands


def outcome(text: str, arrays: list[Any]) -> None:
    """NumPy's answer or one of our errors, soon."""
    result: Any = None

    def run() -> None:
        nonlocal result
        with contextlib.suppress(EingradError):
            result = einsum(text, *arrays)

    assert calls(run) < MOST_CALLS, text
    try:
        expected = np.einsum(text, *arrays)
    except (ValueError, TypeError):
        return
    assert result is not None, f"NumPy takes {text!r}"
    np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-9)


def test_ten_thousand_strings() -> None:
    source = random.Random(seeded(0))
    shapes = [(), (2,), (2, 3), (3, 2), (2, 2), (1, 2), (0, 2), (2, 3, 2), (2, 2, 2, 2)]
    arrays = [np.asarray(np.random.default_rng(0).normal(size=shape)) for shape in shapes]
    for k in range(10_000):
        letters = "ijkabZ.,->αé \n1*×→" if k % 2 else "iijjk,-> "
        text = "".join(source.choice(letters) for _ in range(source.randint(0, 12)))
        text = text.replace("-", "->").replace(">>", ">") if k % 4 else text
        count = source.choice([text.split("->")[0].count(",") + 1] * 3 + [0, 1, 2])
        outcome(text, [source.choice(arrays) for _ in range(count)])


@examples(1000)
@given(cases(), st.data())
def test_one_wrong_character(case: Case, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(case.text)))
    wrong = data.draw(st.sampled_from([*"ij.,->Z 1$", ""]))
    width = data.draw(st.integers(0, 1))
    text = case.text[:place] + wrong + case.text[place + width :]
    outcome(text.replace("α", "a").replace("ж", "b"), case.arrays())


def test_contract_path_raises_the_same() -> None:
    with pytest.raises(ShapeError, match=r"label j has size 3 in operand 0"):
        contract_path("ij,jk->ik", (2, 3), (4, 5))
    with pytest.raises(ShapeError, match="operand 0: 'ab' is not a shape"):
        contract_path("ij", "ab")
    with pytest.raises(ShapeError, match=r"operand 0: the shape .* has a negative size"):
        contract_path("ij", (2, -3))


@pytest.mark.parametrize("of", [np.asarray, eg.tensor])
def test_a_result_of_more_axes_than_an_array_has(of) -> None:
    x = of(np.full((1,) * 40, 2.0))
    first, second = list(range(40)), list(range(40, 80))
    with pytest.raises(ShapeError, match=r"the result has 80 axes, and an array has at most 64"):
        eg.einsum(x, first, x, second)
    assert eg.einsum(x, first, x, second, x, first, []) == 8.0


def test_out_of_constant_tensors() -> None:
    out = np.empty(2)
    assert eg.einsum("ij->i", eg.tensor(np.ones((2, 3))), out=out) is out
    np.testing.assert_array_equal(out, [3.0, 3.0])
    with pytest.raises(EingradError, match="requires a gradient into an array"):
        eg.einsum("i->i", eg.tensor([1.0, 2.0], requires_grad=True), out=out)
