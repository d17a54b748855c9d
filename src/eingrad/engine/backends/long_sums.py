"""Sums of very many single-precision numbers, with an error that does not grow with their number.

BLAS and NumPy add up along most axes one after the other: a sum of 1e7 float32 is then right to
three to five digits. Here a part of the axis at a time is summed in single precision, where the
fast kernels are, and the parts are added in double precision.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

PART = 8192  # numbers that are added in single precision
DOT_PART = 65536  # BLAS's dot has many accumulators


def long_sum(x: Array, axes: tuple[int, ...] | int, keep: bool, out: Array) -> None:
    """Write the sum over axes to ``out``."""
    axes = (axes,) if isinstance(axes, int) else axes
    if len(axes) == x.ndim and (x.flags.c_contiguous or x.flags.f_contiguous):
        np.add.reduce(x, axis=axes, keepdims=keep, out=out)  # adds in pairs
        return
    out[...] = _sum(x, axes).reshape(out.shape)


def _sum(x: Array, axes: tuple[int, ...]) -> Array:
    """Return a sum in double precision, cutting the axis with the longest stride first."""
    count = math.prod(x.shape[k] for k in axes)
    if count <= PART:
        return np.asarray(np.add.reduce(x, axis=axes))
    outer = max((k for k in axes if x.shape[k] > 1), key=lambda k: abs(x.strides[k]))
    inner = count // x.shape[outer]
    rest = tuple(k - (k > outer) for k in axes if k != outer)
    total = np.zeros([n for k, n in enumerate(x.shape) if k not in axes], _double(x.dtype))
    before: tuple[Any, ...] = (slice(None),) * outer
    if inner >= PART:
        for k in range(x.shape[outer]):
            total += _sum(x[(*before, k)], rest)
        return total
    for part in _parts(x.shape[outer], count):
        total += np.add.reduce(x[(*before, part)], axis=axes)
    return total


def long_sum_of_all(x: Array) -> Any:
    """Return the sum of all entries as a scalar."""
    result = np.empty((), x.dtype)
    long_sum(x, tuple(range(x.ndim)), False, result)
    return result[()]


def long_dot(a: Array, b: Array) -> Any:
    """Return the dot product of two vectors."""
    total = sum(
        np.dot(a[start : start + DOT_PART], b[start : start + DOT_PART]).astype(_double(a.dtype))
        for start in range(0, len(a), DOT_PART)
    )
    return a.dtype.type(total)


def long_matmul(a: Array, b: Array, out: Array | None = None) -> Any:
    """Return (or write to ``out``) ``a @ b``.

    >>> x = np.full(10**5, 0.1, np.float32)
    >>> abs(float(long_matmul(x, x)) / (1e5 * float(x[0]) ** 2) - 1) < 1e-6
    True
    """
    total = np.zeros(() if out is None else out.shape, _double(a.dtype))
    for part in _parts(a.shape[-1], a.shape[-1]):
        rows = b[part] if b.ndim == 1 else b[..., part, :]
        total += np.matmul(a[..., part], rows)
    if out is None:
        return a.dtype.type(total)
    out[...] = total
    return out


def long_einsum(spec: str, a: Array, b: Array, out: Array | None = None) -> Any:
    """Return (or write to ``out``) a product of two, a part of its longest summed label a time."""
    terms, output = spec.split("->")
    left, right = terms.split(",")
    size = dict(zip(left + right, a.shape + b.shape, strict=True))
    summed = [c for c in size if c not in output]
    longest = max(summed, key=lambda c: size[c])
    count = math.prod(size[c] for c in summed)
    dtype = _double(np.result_type(a, b))
    total = np.zeros([size[c] for c in output], dtype)
    for part in _parts(size[longest], count):
        cut = [
            x[tuple(part if c == longest else slice(None) for c in labels)]
            for x, labels in ((a, left), (b, right))
        ]
        total += np.einsum(spec, *cut)
    if out is None:
        return np.result_type(a, b).type(total)
    out[...] = total
    return out


def _parts(size: int, count: int) -> Iterator[slice]:
    """Cut an axis, ``count`` numbers in all, so that a part has about `PART` of them."""
    step = max(1, PART * size // max(1, count))
    return (slice(start, start + step) for start in range(0, size, step))


def _double(dtype: np.dtype[Any]) -> type[Any]:
    return np.complex128 if dtype.kind == "c" else np.float64


__all__ = ["long_dot", "long_einsum", "long_matmul", "long_sum", "long_sum_of_all"]
