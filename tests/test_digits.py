"""Integers with more decimal digits than Python writes are told apart and printed."""

from fractions import Fraction

import pytest

from eingrad.core.expr import Const, Map, Var


@pytest.mark.parametrize(
    "number",
    [10**5000, -(10**5000), Fraction(10**5000, 3**9001)],
    ids=["integer", "negative", "fraction"],
)
def test_a_number_of_thousands_of_digits(number) -> None:
    node = Const(number)
    assert node.value == number
    assert Const(number) is node
    assert Const(number + 1) is not node
    assert "0x" in repr(node)
    assert "0x" in repr(Map("exp", [node]))


def test_an_extent_of_thousands_of_digits() -> None:
    assert "0x" in repr(Var("x", (10**5000, 2)))


def test_short_numbers_are_written_as_before() -> None:
    assert repr(Const(Fraction(1, 3))) == "Const(1/3; ())"
    assert repr(Var("x", ("i", 2))) == "Var('x', ('i', 2))"
