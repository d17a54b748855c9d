"""Sums over axes of large arrays, as products with ones in BLAS.

NumPy adds up in loops of its own, which read memory at a half to a tenth of the speed that BLAS
does (a tenth where the rows are short). In single precision no more than twice `ROWS` numbers are
added one after the other, or `DOT` in the many accumulators of a dot product; these parts are
added in double precision, so that the error does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

ROWS = 32
DOT = 1024
THIN = 64  # numbers in a row that a matrix-vector product adds up; of longer rows each is a dot
FEW = 8  # rows that NumPy adds up as fast
WIDE = 512  # entries in a row, from which on BLAS is at its speed
MANY = 8192  # numbers that are added in one call in double precision
DOUBLE = {"f": np.float64, "F": np.complex128}


def large_sum(x: Array, axes: Sequence[int] | int, out: Array) -> None:
    """Write the sum of ``x`` over axes to ``out``, which may keep them with size 1.

    >>> out = np.empty((3, 1))
    >>> large_sum(np.arange(6.0).reshape(2, 3, 1), 0, out)
    >>> out.ravel()
    array([3., 5., 7.])
    """
    summed = {axes} if isinstance(axes, int) else set(axes)
    order = _memory_order(x)
    if order is None:
        total = np.add.reduce(x, axis=tuple(summed), dtype=_wide(x))
        out[...] = total.reshape(out.shape)
        return
    kept = [k for k in order if k not in summed]
    total = _sum(x.transpose(order), [k in summed for k in order])
    total = total.reshape([x.shape[k] for k in kept])
    out[...] = total.transpose(np.argsort(kept)).reshape(out.shape)


def large_sum_of_all(x: Array) -> Any:
    """Return the sum of all entries as a scalar.

    >>> x = np.full(10**5, 0.1, np.float32)
    >>> abs(float(large_sum_of_all(x)) / (1e5 * float(x[0])) - 1) < 5e-7
    True
    """
    order = _memory_order(x)
    if order is None:
        return x.dtype.type(np.add.reduce(x, axis=None, dtype=_wide(x)))
    return x.dtype.type(_across(x.transpose(order).reshape(1, -1))[0])


def _memory_order(x: Array) -> list[int] | None:
    """Return the axes as they lie in memory; None where the entries are not dense."""
    if x.flags.c_contiguous:
        return list(range(x.ndim))
    order = sorted(range(x.ndim), key=lambda k: -x.strides[k])
    return order if x.transpose(order).flags.c_contiguous else None


def _sum(x: Array, summed: Sequence[bool]) -> Array:
    """Return a sum of a dense array; its axes may come out merged."""
    sized = [(n, s) for n, s in zip(x.shape, summed, strict=True) if n != 1]
    runs = [
        [int(np.prod([n for n, _ in group])), is_summed]
        for is_summed, group in groupby(sized, key=lambda axis: axis[1])
    ]
    while any(s for _, s in runs):
        if len(runs) == 1:
            return _across(x.reshape(1, -1))
        k = 0 if runs[0][1] else 1
        n = runs[k][0]
        if k == len(runs) - 1:
            x = _across(x.reshape(-1, n))
        else:
            x = _down(x.reshape(*(m for m, _ in runs[:k]), n, -1))
        del runs[k]
        if 0 < k < len(runs):
            runs[k - 1 : k + 1] = [[runs[k - 1][0] * runs[k][0], False]]
    return x


def _down(x: Array) -> Array:
    """Return the sums over the last axis but one."""
    *stack, n, width = x.shape
    if n < FEW:
        few: Array = np.add.reduce(x, axis=-2)
        return few
    fold = -(-WIDE // width)
    if width < WIDE and not stack and n >= 2 * FEW * fold:  # as fewer and wider rows
        whole = n // fold * fold
        total = _down(_down(x[:whole].reshape(-1, fold * width)).reshape(fold, width))
        total += np.add.reduce(x[whole:], axis=0, dtype=_wide(x))
        return total
    size = ROWS if x.dtype.char in DOUBLE else MANY
    ones = _ones(x.dtype.char)
    if n <= 2 * size:
        return _times(ones[:n], x)
    whole = n // size * size
    parts = _times(ones[:size], x[..., :whole, :].reshape(*stack, -1, size, width))
    rest = _times(ones[: n - whole], x[..., whole:, :])
    total = _down(parts.astype(_wide(x), copy=False))
    total += rest
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


__all__ = ["large_sum", "large_sum_of_all"]
