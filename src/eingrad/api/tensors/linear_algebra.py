"""Products of tensors and functions of matrices: each an einsum, or a matrix node of the core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from eingrad.api.einsum.numeric import is_inexact
from eingrad.api.tensors.broadcast import broadcast_shapes, normal_axis, whole_number
from eingrad.api.tensors.dispatch import (
    DIRECT,
    direct,
    kernel_for,
    operate,
    result_type,
    run_kernel,
)
from eingrad.api.tensors.elementwise import real
from eingrad.api.tensors.shaping import ravel
from eingrad.api.tensors.tensor import Tensor, as_dtype, as_tensor, floating, is_symbolic, wrap
from eingrad.core.algebra import add, apply, einsum, multiply, repeat
from eingrad.core.algebra import transpose as transpose_expr
from eingrad.core.arrays import Matrix
from eingrad.core.conjugate import conj
from eingrad.core.expr import Const, Expr, Indices, Labels
from eingrad.errors import ShapeError


def contract(name: str, operands: Sequence[Any], labels: Sequence[Labels], out: Labels) -> Tensor:
    """Return the product of labelled tensors, summed over the labels that ``out`` lacks.

    An axis of size 1 whose label is longer elsewhere is repeated.
    """
    items = [as_tensor(x) for x in operands]
    dtype = result_type(items)
    if not is_inexact(dtype) and not any(map(is_symbolic, items)):
        arguments: list[Any] = []
        for t, ls in zip(items, labels, strict=True):
            arguments += [t._value, list(ls)]
        return wrap(np.asarray(np.einsum(*arguments, list(out))))
    given = [t._value for t in items]
    items = [as_dtype(t, dtype) for t in items]
    kernel = kernel_for(name, _contraction, items, (tuple(labels), out))
    if name == "matmul" and all(v.dtype == dtype for v in given):
        DIRECT.put((name, *(v.shape for v in given), *(v.dtype for v in given)), kernel)
    return run_kernel(kernel, items)[0]


def _contraction(*operands: Any) -> Expr:
    *nodes, labels, out = operands
    extents: dict[int, int] = {}
    for x, ls in zip(nodes, labels, strict=True):
        for k, n in zip(ls, x.dims, strict=True):
            extents[k] = n if extents.get(k, 1) == 1 else extents[k]
    fresh = 1 + max([k for ls in labels for k in ls], default=0)
    factors = []
    for x, ls in zip(nodes, labels, strict=True):
        own = []
        for k, n in zip(ls, x.dims, strict=True):
            own.append(k if n == extents[k] else fresh)
            fresh += n != extents[k]
        factors.append((x, tuple(own)))
    return einsum(factors, out, extents)


def _check_inner(name: str, a: Tensor, b: Tensor, left: int, right: int) -> None:
    if a.shape[left] != b.shape[right]:
        raise ShapeError(
            f"{name} of shapes {a.shape} and {b.shape}: axis {left} of the first has size "
            f"{a.shape[left]}, axis {right} of the second has size {b.shape[right]}",
            hint="they are summed over, so they must be equal",
        )


def matmul(a: Any, b: Any) -> Tensor:
    """Return the matrix product; leading axes broadcast, a vector is a row or a column."""
    x, y = as_tensor(a), as_tensor(b)
    known = direct("matmul", x, y)
    if known is not None:
        return known
    if not x.ndim or not y.ndim:
        raise ShapeError(
            f"matmul of shapes {x.shape} and {y.shape}: neither may be a scalar",
            hint="multiply by a scalar with *",
        )
    _check_inner("matmul", x, y, x.ndim - 1, max(0, y.ndim - 2))
    lead = broadcast_shapes("matmul", (x.shape[:-2], y.shape[:-2]))
    n = len(lead)
    rows, columns, inner = n, n + 1, n + 2
    left = (*range(n - max(0, x.ndim - 2), n), rows, inner) if x.ndim > 1 else (inner,)
    right = (*range(n - max(0, y.ndim - 2), n), inner, columns) if y.ndim > 1 else (inner,)
    out = (*range(n), *((rows,) if x.ndim > 1 else ()), *((columns,) if y.ndim > 1 else ()))
    return contract("matmul", [x, y], [left, right], out)


def dot(a: Any, b: Any) -> Tensor:
    """Return NumPy's dot: the last axis of ``a`` with the last but one of ``b``."""
    x, y = as_tensor(a), as_tensor(b)
    if not x.ndim or not y.ndim:
        return x * y
    return tensordot(x, y, ((x.ndim - 1,), (max(0, y.ndim - 2),)))


def tensordot(a: Any, b: Any, axes: Any = 2) -> Tensor:
    """Sum over pairs of axes: the last n of ``a`` with the first n of ``b``, or those named."""
    x, y = as_tensor(a), as_tensor(b)
    if isinstance(axes, int | np.integer):
        n = int(axes)
        if not 0 <= n <= min(x.ndim, y.ndim):
            raise ShapeError(f"tensordot over {n} axes of shapes {x.shape} and {y.shape}")
        pairs = [(x.ndim - n + k, k) for k in range(n)]
    else:
        left, right = ([k] if isinstance(k, int) else list(k) for k in axes)
        if len(left) != len(right):
            raise ShapeError(
                f"tensordot: {len(left)} axes of the first, {len(right)} of the second"
            )
        pairs = [
            (normal_axis("tensordot", j, x.ndim), normal_axis("tensordot", k, y.ndim))
            for j, k in zip(left, right, strict=True)
        ]
    for j, k in pairs:
        _check_inner("tensordot", x, y, j, k)
    partner = {k: j for j, k in pairs}
    summed = {j for j, _ in pairs}
    second = tuple(partner.get(k, x.ndim + k) for k in range(y.ndim))
    out = tuple(k for k in range(x.ndim) if k not in summed)
    out += tuple(x.ndim + k for k in range(y.ndim) if k not in partner)
    return contract("tensordot", [x, y], [tuple(range(x.ndim)), second], out)


def inner(a: Any, b: Any) -> Tensor:
    """Sum over the last axes of both."""
    x, y = as_tensor(a), as_tensor(b)
    if not x.ndim or not y.ndim:
        return x * y
    return tensordot(x, y, ((x.ndim - 1,), (y.ndim - 1,)))


def outer(a: Any, b: Any) -> Tensor:
    """Return all products of an entry of ``a`` and one of ``b``, both flattened."""
    return contract("outer", [ravel(a), ravel(b)], [(0,), (1,)], (0, 1))


# --- functions of matrices --------------------------------------------------------------------


def _square(name: str, x: Any) -> Tensor:
    t = as_tensor(x)
    if t.ndim < 2 or t.shape[-1] != t.shape[-2]:
        raise ShapeError(f"{name} of shape {t.shape}: the last two axes must be equal")
    return floating(t)


def inv(x: Any) -> Tensor:
    """Return the inverse of the matrices in the last two axes."""
    return operate("inv", _matrix_template, [_square("inv", x)], "inv")


def det(x: Any) -> Tensor:
    """Return the determinants of the matrices in the last two axes."""
    return operate("det", _matrix_template, [_square("det", x)], "det")


def logdet(x: Any) -> Tensor:
    """Return the logarithms of the absolute determinants: real numbers."""
    t = _square("logdet", x)
    return real(operate("logdet", _matrix_template, [t], "logdet"))


def _matrix_template(x: Expr, function: str) -> Expr:
    return Matrix(function, x)


def cholesky(x: Any) -> Tensor:
    """Return the lower triangular L with ``L L^T = x``, for the symmetric part of ``x``.

    Of complex numbers, ``L conj(L)^T = x`` for the Hermitian part.
    """
    t = _square("cholesky", x)
    return operate("cholesky", _cholesky_template, [t], t.dtype.kind == "c")


def _cholesky_template(x: Expr, complex_: bool) -> Expr:
    n = x.ndim
    mirrored = transpose_expr(x, (*range(n - 2), n - 1, n - 2))
    mirrored = conj(mirrored) if complex_ else mirrored
    half = Const(0.5)
    return Matrix("cholesky", add(multiply(half, x), multiply(half, mirrored)))


def solve(a: Any, b: Any) -> Tensor:
    """Return x with ``a x = b``; ``b`` is a vector, or a matrix of columns."""
    x, y = _square("solve", a), as_tensor(b)
    if not y.ndim:
        raise ShapeError("solve: the right side is a number, not a vector or a matrix")
    _check_inner("solve", x, y, x.ndim - 1, y.ndim - 1 if y.ndim == 1 else max(0, y.ndim - 2))
    return matmul(inv(x), y)


def tril(x: Any, k: int = 0) -> Tensor:
    """Return the lower triangle: entries with ``column - row <= k``; the others are 0."""
    return _triangle("tril", x, k)


def triu(x: Any, k: int = 0) -> Tensor:
    """Return the upper triangle: entries with ``column - row >= k``; the others are 0."""
    return _triangle("triu", x, k)


def _triangle(name: str, x: Any, k: int) -> Tensor:
    t, k = as_tensor(x), whole_number(name, "the offset", k)
    if t.ndim < 2:
        raise ShapeError(f"{name} of shape {t.shape}: it needs two axes")
    if not is_inexact(t._value.dtype) and not is_symbolic(t):
        return wrap((np.tril if name == "tril" else np.triu)(t._value, k))
    return operate(name, _triangle_template, [t], name, k)


def _triangle_template(x: Expr, name: str, offset: int) -> Expr:
    dims = x.dims[-2:]
    row, column = (repeat(Indices(dims[k]), dims, (k,)) for k in (0, 1))
    kept = apply("le" if name == "tril" else "ge", column, add(row, Const(offset)))
    mask = repeat(apply("where", kept, Const(1), Const(0)), x.dims, (x.ndim - 2, x.ndim - 1))
    return apply("where", mask, x, Const(0))
