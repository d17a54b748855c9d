"""Numbers that go into the small factors of a result."""

from __future__ import annotations

import numpy as np
import pytest

from eingrad.core.expr import Const, Einsum, Expr, Map, Var
from eingrad.engine import compile_program

N = 3
U, V = Var("u", (N,)), Var("v", (N,))
OUTER = Einsum([U, V], [(0,), (1,)], (0, 1), (N, N))


def scaled(number: int, x: Expr, *, turned: bool) -> Expr:
    """``number * x``, or its transpose."""
    return Einsum([Const(number), x], [(), (1, 0) if turned else (0, 1)], (0, 1), (N, N))


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("numbers", [(2, 3, 5), (2, 1, 5), (1, 3, 1), (2, 3, 1)], ids=str)
def test_a_scaled_term_keeps_the_order_of_its_axes(
    first: bool, second: bool, whole: bool, numbers: tuple[int, int, int]
) -> None:
    a, b, c = numbers
    total = Map("add", [scaled(a, OUTER, turned=first), scaled(b, OUTER, turned=second)])
    u, v = np.arange(1.0, 4), np.array([1.0, -2, 5])
    outer = np.outer(u, v)
    expected = a * (outer.T if first else outer) + b * (outer.T if second else outer)
    result = compile_program({"y": scaled(c, total, turned=whole)})(u=u, v=v)["y"]
    np.testing.assert_array_equal(result, c * (expected.T if whole else expected))


@pytest.mark.parametrize("turned", [False, True])
def test_a_scaled_product_keeps_the_order_of_its_axes(turned: bool) -> None:
    u, v = np.arange(1.0, 4), np.array([1.0, -2, 5])
    result = compile_program({"y": scaled(2, OUTER, turned=turned)})(u=u, v=v)["y"]
    np.testing.assert_array_equal(result, 2 * np.outer(*((v, u) if turned else (u, v))))
