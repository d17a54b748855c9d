"""dtypes: what comes out, in what it is computed, and how exact long sums are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from seeds import seeded

from eingrad.api.einsum.einsum import einsum
from eingrad.errors import ShapeError

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
INEXACT = ["float16", "float32", "float64", "complex64", "complex128"]


@pytest.mark.parametrize("dtype", ["bool", *INTEGERS, *INEXACT])
def test_a_sum_is_np_sums(dtype: str) -> None:
    x = (np.arange(300) % 127).astype(dtype)
    result = einsum("i->", x)
    expected = x.sum(dtype=np.float32).astype(dtype) if dtype == "float16" else x.sum()
    assert result.dtype == expected.dtype
    assert result == expected


@pytest.mark.parametrize("dtype", ["bool", *INTEGERS, *INEXACT])
def test_a_product_without_a_sum_keeps_its_dtype(dtype: str) -> None:
    x = np.array([0, 1, 100]).astype(dtype)
    result = einsum("i,i->i", x, x)
    expected = np.multiply(x, x)  # small integers wrap, booleans stay booleans
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(einsum("i->ii", x), np.diag(x))


@pytest.mark.parametrize("left", ["bool", "int8", "uint8", "int64", "uint64", *INEXACT])
@pytest.mark.parametrize("right", ["bool", "int8", "uint8", "int64", "uint64", *INEXACT])
def test_mixed_dtypes(left: str, right: str) -> None:
    a = np.array([[1, 2], [3, 4]]).astype(left)
    b = np.array([[5, 6], [7, 8]]).astype(right)
    result = einsum("ij,jk->ik", a, b)
    assert result.dtype == np.result_type(a, b, *[np.sum(np.zeros(1, np.result_type(a, b)))])
    expected = a.astype(np.complex128) @ b.astype(np.complex128)
    np.testing.assert_array_equal(result.astype(np.complex128), expected)
    kept = einsum("ij,ij->ij", a, b)
    assert kept.dtype == np.result_type(a, b)


def test_booleans_multiply_as_numbers_when_they_are_summed() -> None:
    mask = np.array([[True, True], [False, True]])
    np.testing.assert_array_equal(einsum("ij,jk->ik", mask, mask), [[1, 2], [0, 1]])


def test_unsigned_sums_wrap_as_np_sums_do() -> None:
    x = np.array([2**63, 2**63, 5], np.uint64)
    assert einsum("i->", x) == x.sum() == 5


def test_bfloat16() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = np.ones(1000).astype(ml_dtypes.bfloat16)
    result = einsum("i,i->", x, x)
    assert result.dtype == ml_dtypes.bfloat16
    assert float(result) == 1000  # 256 if it were summed in bfloat16
    assert einsum("i,i->i", x, np.ones(1000, np.float32)).dtype == np.float32


def test_float16_accumulates_in_float32() -> None:
    x = np.ones(4000, np.float16)
    assert einsum("i,i->", x, x) == 4000  # 2048 if it were summed in float16
    assert einsum("i,i->", x, x).dtype == np.float16


def test_complex_products_do_not_conjugate() -> None:
    x = np.array([1 + 2j, 3 - 1j])
    np.testing.assert_allclose(einsum("i,i->", x, x), (x * x).sum())
    np.testing.assert_allclose(einsum("i,i->", x, [2.0, 1.0]), 5 + 3j)


N = 10**7


# fmt: off
LONG_SUMS: list[tuple[str, list[tuple[int, ...]]]] = [
    ("i->",         [(N,)]),
    ("i,i->",       [(N,), (N,)]),
    ("ij->j",       [(N // 4, 4)]),
    ("ij->i",       [(2, N // 2)]),
    ("ij,i->j",     [(N // 2, 2), (N // 2,)]),
    ("ki,kj->ij",   [(N // 2, 2), (N // 2, 2)]),
    ("ik,jk->ij",   [(2, N // 2), (2, N // 2)]),
    ("ij,ij->j",    [(N // 2, 2), (N // 2, 2)]),
    ("ij,ji->",     [(N // 4, 2), (2, N // 4)]),
    ("ijk->j",      [(1000, 2, 5000)]),
    ("i,i,i->",     [(N // 2,)] * 3),
]
# fmt: on


@pytest.mark.parametrize(("text", "shapes"), LONG_SUMS)
def test_long_sums_of_float32(text: str, shapes: list[tuple[int, ...]]) -> None:
    rng = np.random.default_rng(seeded(0))
    arrays = [rng.random(shape, dtype=np.float32) for shape in shapes]
    result = einsum(text, *arrays)
    assert result.dtype == np.float32
    exact = np.einsum(text, *[x.astype(np.float64) for x in arrays])
    np.testing.assert_allclose(result, exact, rtol=1e-6)


@pytest.mark.parametrize(("text", "shapes"), LONG_SUMS)
def test_long_sums_of_one_number(text: str, shapes: list[tuple[int, ...]]) -> None:
    """Equal numbers are rounded the same way again and again: the errors do not cancel."""
    arrays = [np.full(shape, 0.1, np.float32) for shape in shapes]
    result = einsum(text, *arrays)
    terms, output = text.split("->")
    sizes = dict(zip(terms.replace(",", ""), sum(shapes, ()), strict=True))
    count = np.prod([n for c, n in sizes.items() if c not in output])
    exact = np.float64(np.float32(0.1)) ** len(arrays) * count
    np.testing.assert_allclose(result, np.full(result.shape, exact), rtol=1e-6)


@pytest.mark.parametrize("x", [np.array(["a"]), np.array([None]), [[1], [2, 3]], object()])
def test_what_is_no_array_of_numbers_is_an_error(x: Any) -> None:
    with pytest.raises(ShapeError, match=r"operand 0 (has dtype|is not an array of numbers)"):
        einsum("i->", x)
