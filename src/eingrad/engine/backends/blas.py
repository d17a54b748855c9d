"""Matrix products in the BLAS that NumPy itself has loaded, where NumPy's own way there is slow.

SciPy's BLAS is a second library with threads of its own; the two together cost milliseconds.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SYMMETRIC_PART = 96  # rows and columns that are multiplied whole


def gemm(alpha: Any, a: Array, b: Array, beta: float, c: Array) -> None:
    """``c = alpha a @ b + beta c`` in place.

    >>> c = np.ones((2, 2))
    >>> gemm(2.0, np.ones((2, 3)), np.ones((3, 2)), 1.0, c)
    >>> c
    array([[7., 7.],
           [7., 7.]])
    """
    routine = _gemm_routine(c.dtype.char)
    left, right = _leading(a), _leading(b)
    if routine is None or left is None or right is None or not a.dtype == b.dtype == c.dtype:
        product = np.matmul(a, b)
        product *= alpha
        if beta == 0:  # c may hold anything, nan too
            np.copyto(c, product)
            return
        if beta != 1:
            np.multiply(c, beta, out=c)
        np.add(c, product, out=c)
        return
    (m, k), n = a.shape, b.shape[1]
    routine(
        101, left[0], right[0], m, n, k, float(alpha), _address(a), left[1],
        _address(b), right[1], beta, _address(c), max(1, n),
    )  # fmt: skip


def outer(a: Array, b: Array, out: Array) -> None:
    """Write ``a * b``, an outer product: ``a`` has the first axes of ``out``, ``b`` the others.

    As a matrix product over an axis of size 1, in a third of the time of NumPy's loop over rows.

    >>> out = np.empty((2, 3))
    >>> outer(np.array([[1.0], [2.0]]), np.array([3.0, 4.0, 5.0]), out)
    >>> out
    array([[ 3.,  4.,  5.],
           [ 6.,  8., 10.]])
    """
    if _gemm_routine(out.dtype.char) is None or not a.dtype == b.dtype == out.dtype:
        np.multiply(a, b, out=out)
    else:
        gemm(1.0, a.reshape(-1, 1), b.reshape(1, -1), 0.0, out.reshape(a.size, b.size))


def symmetric_matmul(a: Array, b: Array, out: Array) -> None:
    """Write ``a @ b``, which is known to be symmetric: little more than half of it is multiplied.

    >>> x, out = np.array([[1.0, 2.0], [3.0, 4.0]]), np.empty((2, 2))
    >>> symmetric_matmul(x.T, x, out)
    >>> out
    array([[10., 14.],
           [14., 20.]])
    """
    parts = [slice(0, len(out))]
    while parts:
        part = parts.pop()
        size = part.stop - part.start
        if size <= SYMMETRIC_PART:
            np.matmul(a[part], b[:, part], out=out[part, part])
            continue
        middle = part.start + -(-size // 2 // 8) * 8  # rows begin as they are aligned
        low, high = slice(part.start, middle), slice(middle, part.stop)
        np.matmul(a[low], b[:, high], out=out[low, high])
        out[high, low] = out[low, high].T
        parts += [low, high]


def _address(x: Array) -> int:
    return x.__array_interface__["data"][0]  # type: ignore[no-any-return]


def _leading(x: Array) -> tuple[int, int] | None:
    """Return (CBLAS transposition, leading dimension), None where the rows are not dense."""
    rows, columns = x.shape
    item = x.itemsize
    down, along = x.strides
    if (along == item or columns == 1) and (rows == 1 or down >= columns * item):
        return 111, columns if rows == 1 else down // item
    if (down == item or rows == 1) and (columns == 1 or along >= rows * item):
        return 112, rows if columns == 1 else along // item
    return None


@cache
def _gemm_routine(dtype: str) -> Any:
    """Find ``cblas_?gemm`` among what NumPy has loaded; None where it is not to be found."""
    prefix = {"f": "s", "d": "d"}.get(dtype)
    if prefix is None:
        return None
    real = ctypes.c_float if dtype == "f" else ctypes.c_double
    library = _library()
    for name in (f"scipy_cblas_{prefix}gemm64_", f"cblas_{prefix}gemm64_", f"cblas_{prefix}gemm"):
        routine = getattr(library, name, None)
        if routine is None:
            continue
        flag, count, pointer = ctypes.c_int, ctypes.c_int64, ctypes.c_void_p
        routine.argtypes = [
            flag, flag, flag, count, count, count, real, pointer, count,
            pointer, count, real, pointer, count,
        ]  # fmt: skip
        routine.restype = None
        return routine if _is_right(routine, dtype) else None
    return None


@cache
def _library() -> Any:
    """Return what NumPy has loaded, with BLAS among it; None where it cannot be looked into."""
    core: Any = getattr(np, "_core", None) or np.core  # type: ignore[attr-defined,unused-ignore]
    try:
        return ctypes.CDLL(core._multiarray_umath.__file__)
    except OSError:
        return None


def openblas(name: str) -> Any:
    """Return a function of OpenBLAS's own, such as ``get_num_threads``; None where BLAS is another.

    >>> openblas("no_such_function") is None
    True
    """
    spellings = (f"scipy_openblas_{name}64_", f"openblas_{name}64_", f"openblas_{name}")
    found = (getattr(_library(), spelling, None) for spelling in spellings)
    return next((function for function in found if function is not None), None)


def _is_right(routine: Any, dtype: str) -> bool:
    """Try a routine on a product whose result is known."""
    a, b = np.arange(6, dtype=dtype).reshape(2, 3), np.arange(12, dtype=dtype).reshape(3, 4)
    c = np.ones((2, 4), dtype)
    routine(101, 111, 111, 2, 4, 3, 2.0, _address(a), 3, _address(b), 4, 1.0, _address(c), 4)
    return bool(np.array_equal(c, 1 + 2 * np.matmul(a, b)))


__all__ = ["gemm", "openblas", "outer", "symmetric_matmul"]
