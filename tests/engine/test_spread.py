"""Numbers that go into the small factors of a result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import eingrad as eg
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


def entries_written(f: Any, size: int) -> int:
    """Return how many steps of a function's plan write so many entries."""
    return sum(np.prod(step.shape) == size for step in f.plan.steps)


def test_the_number_of_an_outer_product_goes_into_its_smallest_factor() -> None:
    u, v = np.ones(300), np.ones(4)
    big = Einsum([Const(-2), *(Var(x, (n,)) for x, n in (("u", "m"), ("v", "n")))],
                 [(), (0,), (1,)], (0, 1), ("m", "n"))  # fmt: skip
    f = compile_program({"y": big})
    np.testing.assert_array_equal(f(u=u, v=v)["y"], -2 * np.outer(u, v))
    assert entries_written(f, 300 * 4) == 1
    assert entries_written(f, 300) == 0
    assert entries_written(f, 4) == 1


def test_the_numbers_of_a_hessian_touch_none_of_its_entries() -> None:
    n, m, k = 7, 5, 3
    f = eg.parse("L = sum_ij((M_ij - U_ik V_jk)^2)").hessian("L", ["U", "V"]).compile()
    rng = np.random.default_rng(0)
    M, U, V = rng.normal(size=(n, m)), rng.normal(size=(n, k)), rng.normal(size=(m, k))
    block = f(M=M, U=U, V=V)["d2L/dU dV"]
    E, eye = M - U @ V.T, np.eye(k)
    expected = 2 * np.einsum("il,jk->ikjl", U, V) - 2 * np.einsum("kl,ij->ikjl", eye, E)
    np.testing.assert_allclose(block, expected, rtol=1e-12)
    assert entries_written(f, n * k * m * k) == 3  # a product, its diagonal, the block's transpose
