"""Products over very many numbers in single precision, with an error that does not grow with them.

BLAS adds up most products one after the other: over 1e7 float32 the result is then right to three
to five digits. Here it is made in parts, which are added in double precision.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

PART = 8192  # numbers from which on a sum is long
DOT_PART = 1024  # products that BLAS adds in single precision; it has many accumulators
MATRIX_PART, VECTOR_PART = 2048, 256  # BLAS adds up thin matrices one number after the other
THIN = 4096  # entries of a result
CHUNK = 2**18  # entries that are added in pairs at a time: they stay in the cache
FEW = 64  # numbers that are added in double precision, one after the other


def long_dot(a: Array, b: Array) -> Any:
    """Return the dot product of two vectors."""
    total = _double(a.dtype)(0)
    for part in _parts(len(a), CHUNK):
        left, right = np.ascontiguousarray(a[part]), np.ascontiguousarray(b[part])
        whole = len(left) // DOT_PART * DOT_PART
        rows, columns = (
            left[:whole].reshape(-1, 1, DOT_PART),
            right[:whole].reshape(-1, DOT_PART, 1),
        )
        total += np.add.reduce(np.matmul(rows, columns), axis=None, dtype=_double(a.dtype))
        total += np.dot(left[whole:], right[whole:])
    return a.dtype.type(total)


def long_matmul(a: Array, b: Array, out: Array | None = None) -> Any:
    """Return (or write to ``out``) ``a @ b``.

    >>> x = np.full(10**5, 0.1, np.float32)
    >>> abs(float(long_matmul(x, x)) / (1e5 * float(x[0]) ** 2) - 1) < 1e-6
    True
    """
    total = np.zeros(() if out is None else out.shape, _double(a.dtype))
    size = VECTOR_PART if total.size <= THIN else MATRIX_PART
    rows, columns = (a if a.ndim > 1 else a[None]), (b if b.ndim > 1 else b[:, None])
    rank = max(rows.ndim, columns.ndim)
    rows, columns = (x[(None,) * (rank - x.ndim)] for x in (rows, columns))
    for part in _parts(a.shape[-1], size * max(1, CHUNK // max(1, total.size))):
        left, right = rows[..., part], columns[..., part, :]
        whole = left.shape[-1] // size * size
        blocks = np.matmul(
            np.moveaxis(_blocks(left[..., :whole], -1, size), -2, 0),
            np.moveaxis(_blocks(right[..., :whole, :], -2, size), -3, 0),
        )
        total += np.add.reduce(blocks, axis=0, dtype=total.dtype).reshape(total.shape)
        total += np.matmul(left[..., whole:], right[..., whole:, :]).reshape(total.shape)
    if out is None:
        return a.dtype.type(total)
    out[...] = total
    return out


def _blocks(x: Array, axis: int, size: int) -> Array:
    """Cut an axis into blocks of a size, as a view with one more axis."""
    k = x.ndim + axis
    return x.reshape(*x.shape[:k], x.shape[k] // size, size, *x.shape[k + 1 :])


def long_einsum(spec: str, a: Array, b: Array, out: Array | None = None) -> Any:
    """Return (or write to ``out``) a product of two, whose entries are added in pairs."""
    terms, output = spec.split("->")
    left, right = terms.split(",")
    size = dict(zip(left + right, a.shape + b.shape, strict=True))
    summed = [c for c in size if c not in output]
    longest = max(summed, key=lambda c: size[c])
    total = np.zeros([size[c] for c in output], _double(np.result_type(a, b)))
    entries = math.prod(size[c] for c in summed if c != longest) * total.size  # for each index
    for part in _parts(size[longest], max(1, CHUNK // max(1, entries))):
        cut = [
            x[tuple(part if c == longest else slice(None) for c in labels)]
            for x, labels in ((a, left), (b, right))
        ]
        product = np.einsum(f"{terms}->{''.join(summed)}{output}", *cut)
        total += _pairs(product.reshape(math.prod(product.shape[: len(summed)]), *total.shape))
    if out is None:
        return np.result_type(a, b).type(total)
    out[...] = total
    return out


def _pairs(x: Array) -> Array:
    """Return the sum over the first axis in double precision, halving it again and again.

    >>> x = np.full((10**5, 2), 0.1, np.float32)
    >>> bool(np.allclose(_pairs(x) / (1e5 * np.float64(x[0, 0])), 1, rtol=1e-8))
    True
    """
    total = np.zeros(x.shape[1:], _double(x.dtype))
    rows = max(2 * FEW, CHUNK // max(1, math.prod(x.shape[1:])))
    for start in range(0, len(x), rows):
        part = x[start : start + rows]
        while len(part) > FEW:
            half = len(part) // 2
            rest = part[2 * half :]
            part = part[:half] + part[half : 2 * half]
            part[: len(rest)] += rest
        total += np.add.reduce(part, axis=0, dtype=total.dtype)
    return total


def _parts(size: int, step: int) -> Iterator[slice]:
    """Cut an axis."""
    return (slice(start, start + step) for start in range(0, size, step))


def _double(dtype: np.dtype[Any]) -> type[Any]:
    return np.complex128 if dtype.kind == "c" else np.float64


__all__ = ["long_dot", "long_einsum", "long_matmul"]
