"""Loops over rows where NumPy's own are slow: large sums, maxima of short rows, repeated operands.

A sum is a product with ones in BLAS. NumPy adds up in loops of its own, which read memory at a half
to a tenth of the speed that BLAS does (a tenth where the rows are short).
In single precision no more than twice `ROWS` numbers are added one after the other, or `DOT` in the
many accumulators of a dot product; these parts are added in double precision, so that the error
does not grow with their number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

ROWS = 128
FEWER_ROWS = 32  # where they are very many
DOT = 1024
THIN = 64  # numbers in a row that a matrix-vector product adds up; of longer rows each is a dot
FEW = 8  # rows that NumPy adds up as fast
WIDE = 512  # entries in a row, from which on BLAS is at its speed
MANY = 8192  # numbers that are added in one call in double precision
SHORT_BUFFER = 256  # entries: fewer than the rows that `by_rows` is for
DOUBLE = {"f": np.float64, "F": np.complex128}


def large_sum(x: Array, axes: tuple[int, ...] | int, out: Array) -> None:
    """Write the sum of ``x`` over axes to ``out``, which may keep them with size 1.

    >>> out = np.empty((3, 1))
    >>> large_sum(np.arange(6.0).reshape(2, 3, 1), 0, out)
    >>> out.ravel()
    array([3., 5., 7.])
    """
    if x.flags.c_contiguous:
        out[...] = _sum(x, _runs(x.shape, axes)).reshape(out.shape)
        return
    summed = (axes,) if isinstance(axes, int) else axes
    order = _memory_order(x)
    if order is None:
        total = np.add.reduce(x, axis=summed, dtype=_wide(x))
    else:
        kept = [k for k in order if k not in summed]
        places = tuple(k for k, axis in enumerate(order) if axis in summed)
        dense = x.transpose(order)
        total = _sum(dense, _runs(dense.shape, places)).reshape([x.shape[k] for k in kept])
        total = total.transpose(np.argsort(kept))
    out[...] = total.reshape(out.shape)


def large_sum_of_all(x: Array) -> Any:
    """Return the sum of all entries as a scalar.

    >>> x = np.full(10**5, 0.1, np.float32)
    >>> abs(float(large_sum_of_all(x)) / (1e5 * float(x[0])) - 1) < 5e-7
    True
    """
    if not x.flags.forc:
        order = _memory_order(x)
        if order is None:
            return x.dtype.type(np.add.reduce(x, axis=None, dtype=_wide(x)))
        x = x.transpose(order)
    return x.dtype.type(_across(x.reshape(1, -1, order="A"))[0])


def fold_short_rows(ufunc: np.ufunc, x: Array, out: Array, initial: float | None = None) -> None:
    """Write ``ufunc.reduce`` of each row to ``out``, with ``initial`` if it is given.

    >>> out = np.empty(2)
    >>> fold_short_rows(np.maximum, np.array([[1.0, 3.0], [5.0, 4.0]]), out)
    >>> out
    array([3., 5.])
    """
    columns = np.ascontiguousarray(x.reshape(-1, x.shape[-1]).T)
    result = ufunc.reduce(columns, axis=0).reshape(out.shape)
    out[...] = result if initial is None else ufunc(result, initial)


def row_dots(a: Array, b: Array, out: Array) -> None:
    """Write the dot products of the rows of two arrays, over all axes that ``out`` lacks.

    >>> out = np.empty(2)
    >>> row_dots(np.ones((2, 3, 4)), np.full((2, 3, 4), 0.5), out)
    >>> out
    array([6., 6.])
    """
    np.vecdot(a.reshape(*out.shape, -1), b.reshape(*out.shape, -1), out=out)


def by_rows(ufunc: np.ufunc, a: Any, b: Any, out: Array) -> None:
    """Write ``ufunc(a, b)``, an operand of which is repeated, in one loop a row.

    NumPy would fill buffers with what is repeated: they are made too short for it to try.

    >>> out = np.empty((2, 3))
    >>> by_rows(np.multiply, np.array([[2.0], [3.0]]), np.ones(3), out)
    >>> out
    array([[2., 2., 2.],
           [3., 3., 3.]])
    """
    before = np.setbufsize(SHORT_BUFFER)
    try:
        ufunc(a, b, out=out)
    finally:
        np.setbufsize(before)


def _memory_order(x: Array) -> list[int] | None:
    """Return the axes as they lie in memory; None where the entries are not dense."""
    order = sorted(range(x.ndim), key=lambda k: -x.strides[k])
    return order if x.transpose(order).flags.c_contiguous else None


@lru_cache(1024)
def _runs(shape: tuple[int, ...], axes: tuple[int, ...] | int) -> tuple[tuple[int, bool], ...]:
    """Merge the axes that are summed and those that are not, where they are adjacent.

    >>> _runs((2, 3, 1, 5), (1, 2))
    ((2, False), (3, True), (5, False))
    """
    summed = (axes,) if isinstance(axes, int) else axes
    sized = [(k in summed, n) for k, n in enumerate(shape) if n != 1]
    return tuple(
        (math.prod(n for _, n in group), is_summed)
        for is_summed, group in groupby(sized, key=itemgetter(0))
    )


def _sum(x: Array, runs: Sequence[tuple[int, bool]]) -> Array:
    """Return the sum of a dense array over the runs of axes that are summed."""
    while any(is_summed for _, is_summed in runs):
        if len(runs) == 1:
            return _across(x.reshape(1, -1))
        k = 0 if runs[0][1] else 1
        n = runs[k][0]
        if k == len(runs) - 1:
            return _across(x.reshape(-1, n))
        x = _down(x.reshape(n, -1) if k == 0 else x.reshape(runs[0][0], n, -1))
        merged = math.prod(m for m, _ in runs[: k + 2]) // n
        runs = ((merged, False), *runs[k + 2 :])
    return x


def _down(x: Array) -> Array:
    """Return the sums over the last axis but one."""
    n, width = x.shape[-2:]
    if n < FEW:
        few: Array = np.add.reduce(x, axis=-2)
        return few
    size = MANY if x.dtype.char not in DOUBLE else ROWS if n <= MANY else FEWER_ROWS
    ones = _ones(x.dtype.char)
    if n <= 2 * size:
        return _times(ones[:n], x)
    fold = -(-WIDE // width)
    if width < WIDE and x.ndim == 2 and n >= 2 * FEW * fold:  # as fewer and wider rows
        whole = n // fold * fold
        wide = _down(x[:whole].reshape(-1, fold * width)).astype(_wide(x), copy=False)
        total = _down(wide.reshape(fold, width))
        total += np.add.reduce(x[whole:], axis=0, dtype=_wide(x))
        return total
    whole = n // size * size
    parts = _times(ones[:size], x[..., :whole, :].reshape(*x.shape[:-2], -1, size, width))
    total = _down(parts.astype(_wide(x), copy=False))
    total += _times(ones[: n - whole], x[..., whole:, :])
    return total


def _across(x: Array) -> Array:
    """Return the sums of rows."""
    n = x.shape[1]
    size = DOT if x.dtype.char in DOUBLE else MANY
    ones = _ones(x.dtype.char)
    if n <= THIN:
        return _times(x, ones[:n])
    if n <= size:
        return _times(x[:, None], ones[:n])[:, 0]
    whole = n // size * size
    parts = _times(x[:, :whole].reshape(len(x), -1, 1, size), ones[:size])
    rest = _times(x[:, None, whole:], ones[: n - whole])[:, 0]
    total: Array = np.add.reduce(parts[..., 0], axis=-1, dtype=_wide(x))
    total += rest
    return total


def _times(a: Array, b: Array) -> Array:
    product: Array = np.matmul(a, b)
    return product


def _wide(x: Array) -> Any:
    return DOUBLE.get(x.dtype.char, x.dtype)


@cache
def _ones(char: str) -> Array:
    ones = np.ones(2 * MANY, char)
    ones.flags.writeable = False
    return ones


__all__ = ["by_rows", "fold_short_rows", "large_sum", "large_sum_of_all", "row_dots"]
