"""Operations that move numbers without changing them: reshape, transpose, cut, join, repeat."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from eingrad.api.einsum.numeric import is_inexact, numeric
from eingrad.api.tensors.broadcast import (
    Axes,
    broadcast,
    broadcast_shapes,
    normal_axes,
    normal_axis,
    whole_number,
)
from eingrad.api.tensors.dispatch import operate, result_type
from eingrad.api.tensors.tensor import Tensor, as_dtype, as_tensor, is_symbolic, wrap
from eingrad.core.algebra import einsum, sum_over
from eingrad.core.algebra import transpose as transpose_expr
from eingrad.core.arrays import Range, concat, place, slice_of
from eingrad.core.arrays import reshape as reshape_expr
from eingrad.core.expr import Expr
from eingrad.errors import EingradError, ShapeError

# --- shape ------------------------------------------------------------------------------------


def _shape_of(name: str, shape: Any) -> tuple[int, ...]:
    if isinstance(shape, tuple | list):
        return tuple(operator.index(n) for n in shape)
    try:
        return (operator.index(shape),)
    except TypeError:
        raise ShapeError(f"{name}: {shape!r} is not a shape") from None


def _is_reversed(order: str) -> bool:
    """Whether the first index runs fastest; raise for an order that is none."""
    if order not in {"C", "F", "A", "K"}:
        raise EingradError(f"the order {order!r}", hint="it is 'C' or 'F'")
    return order == "F"


def reshape(x: Any, shape: Any, order: str = "C") -> Tensor:
    """Return the entries in row-major order under another shape; one size may be -1.

    With the order "F" the first index runs fastest instead of the last.
    """
    t = as_tensor(x)
    if _is_reversed(order):
        return transpose(reshape(transpose(t), tuple(reversed(_shape_of("reshape", shape)))))
    wanted = _shape_of("reshape", shape)
    known = math.prod(n for n in wanted if n >= 0)
    unknown = [k for k, n in enumerate(wanted) if n < 0]
    total = math.prod(t.shape)
    if len(unknown) == 1 and wanted[unknown[0]] == -1 and known and total % known == 0:
        wanted = tuple(total // known if n < 0 else n for n in wanted)
    elif unknown or known != total:
        raise ShapeError(f"cannot reshape shape {t.shape} ({total} entries) to {wanted}")
    return operate("reshape", reshape_expr, [t], wanted)


def ravel(x: Any, order: str = "C") -> Tensor:
    """Return the entries along one axis; with the order "F" the first index runs fastest."""
    t = as_tensor(x)
    return reshape(transpose(t) if _is_reversed(order) else t, (math.prod(t.shape),))


def transpose(x: Any, axes: Sequence[int] | None = None) -> Tensor:
    """Permute axes; without ``axes``, reverse them."""
    t = as_tensor(x)
    if axes is None:
        order = tuple(reversed(range(t.ndim)))
    else:
        order = tuple(normal_axis("transpose", k, t.ndim) for k in axes)
        if sorted(order) != list(range(t.ndim)):
            raise ShapeError(f"transpose: {tuple(axes)} does not name each of {t.ndim} axes once")
    return operate("transpose", transpose_expr, [t], order)


def swapaxes(x: Any, axis1: int, axis2: int) -> Tensor:
    """Exchange two axes."""
    t = as_tensor(x)
    a, b = (normal_axis("swapaxes", k, t.ndim) for k in (axis1, axis2))
    order = list(range(t.ndim))
    order[a], order[b] = b, a
    return transpose(t, order)


def moveaxis(x: Any, source: Axes, destination: Axes) -> Tensor:
    """Move axes to other places; the others keep their order."""
    t = as_tensor(x)
    origin, target = (
        [normal_axis("moveaxis", k, t.ndim) for k in _many(axes)] for axes in (source, destination)
    )
    if (
        len(set(origin)) != len(origin)
        or len(set(target)) != len(target)
        or (len(origin) != len(target))
    ):
        raise ShapeError(f"moveaxis: cannot move axes {source} to {destination}")
    order = [k for k in range(t.ndim) if k not in origin]
    for place_, k in sorted(zip(target, origin, strict=True)):
        order.insert(place_, k)
    return transpose(t, order)


def _many(axes: Axes) -> Sequence[int]:
    return axes if isinstance(axes, tuple | list) else (cast(int, axes),)


def squeeze(x: Any, axis: Axes = None) -> Tensor:
    """Drop axes of size 1, all of them or those named."""
    t = as_tensor(x)
    if axis is None:
        axes = tuple(k for k, n in enumerate(t.shape) if n == 1)
    else:
        axes = normal_axes("squeeze", axis, t.ndim)
        for k in axes:
            if t.shape[k] != 1:
                raise ShapeError(f"squeeze: axis {k} has size {t.shape[k]}, not 1")
    return reshape(t, tuple(n for k, n in enumerate(t.shape) if k not in axes))


def expand_dims(x: Any, axis: Axes) -> Tensor:
    """Insert axes of size 1 at places of the result."""
    t = as_tensor(x)
    given = _many(axis)
    n = t.ndim + len(given)
    places = normal_axes("expand_dims", list(given), n)
    sizes = iter(t.shape)
    return reshape(t, tuple(1 if k in places else next(sizes) for k in range(n)))


def broadcast_to(x: Any, shape: Any) -> Tensor:
    """Repeat along missing axes and those of size 1."""
    t = as_tensor(x)
    wanted = _shape_of("broadcast_to", shape)
    if broadcast_shapes("broadcast_to", (t.shape, wanted)) != wanted:
        raise ShapeError(f"broadcast_to: shape {t.shape} does not broadcast to {wanted}")
    return operate("broadcast_to", broadcast, [t], wanted)


# --- cut --------------------------------------------------------------------------------------


def cut(x: Tensor, ranges: Sequence[Range]) -> Tensor:
    """Return the entries at regular indices of every axis."""
    return operate("slice", slice_of, [x], tuple(ranges))


def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Cut along an axis into equal parts, or before each of the given indices."""
    t = as_tensor(x)
    k = normal_axis("split", axis, t.ndim)
    n = t.shape[k]
    if isinstance(indices_or_sections, int | np.integer):
        parts = int(indices_or_sections)
        if parts <= 0 or n % parts:
            raise ShapeError(f"split: an axis of size {n} has no {parts} equal parts")
        bounds = [n // parts * j for j in range(parts + 1)]
    else:
        places = np.atleast_1d(numeric(indices_or_sections, "the list of places")).tolist()
        bounds = [0, *(whole_number("split", "a place", j) for j in places), n]
    pieces = []
    for first, last in itertools.pairwise(bounds):
        start, stop, _ = slice(first, last if last != n else None).indices(n)
        ranges = [(0, size, 1) for size in t.shape]
        ranges[k] = (start, max(0, stop - start), 1)
        pieces.append(cut(t, ranges))
    return pieces


def flip(x: Any, axis: Axes = None) -> Tensor:
    """Reverse the order along axes, all of them if ``axis`` is None."""
    t = as_tensor(x)
    axes = normal_axes("flip", axis, t.ndim)
    return cut(t, [(n - 1, n, -1) if k in axes else (0, n, 1) for k, n in enumerate(t.shape)])


# --- join -------------------------------------------------------------------------------------


def _concat_template(*operands: Any) -> Expr:
    *nodes, axis = operands
    return concat(nodes, axis)


def concatenate(tensors: Sequence[Any], axis: int | None = 0) -> Tensor:
    """Join tensors along an axis that they have (None: flattened)."""
    items = [as_tensor(x) for x in tensors]
    if not items:
        raise ShapeError("concatenate of no tensors")
    if axis is None:
        items, axis = [ravel(t) for t in items], 0
    k = normal_axis("concatenate", axis, items[0].ndim)
    for number, t in enumerate(items):
        if t.ndim != items[0].ndim or any(
            a != b for j, (a, b) in enumerate(zip(t.shape, items[0].shape, strict=True)) if j != k
        ):
            raise ShapeError(
                f"concatenate along axis {k}: operand 0 has shape {items[0].shape}, "
                f"operand {number} has shape {t.shape}",
                operand=number,
                hint="all other axes must have the same size",
            )
    dtype = result_type(items)
    items = [as_dtype(t, dtype) for t in items]
    if not is_inexact(dtype) and not any(map(is_symbolic, items)):
        return wrap(np.concatenate([t._value for t in items], axis=k))
    return operate("concatenate", _concat_template, items, k)


def stack(tensors: Sequence[Any], axis: int = 0) -> Tensor:
    """Join tensors of one shape along a new axis."""
    items = [as_tensor(x) for x in tensors]
    if not items:
        raise ShapeError("stack of no tensors")
    for number, t in enumerate(items):
        if t.shape != items[0].shape:
            raise ShapeError(
                f"stack: operand 0 has shape {items[0].shape}, operand {number} has {t.shape}",
                operand=number,
            )
    k = normal_axis("stack", axis, items[0].ndim + 1)
    return concatenate([expand_dims(t, k) for t in items], k)


# --- diagonals --------------------------------------------------------------------------------


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """Return the entries where the indices of two axes differ by ``offset``, as a last axis."""
    t, offset = as_tensor(x), whole_number("diagonal", "the offset", offset)
    if t.ndim < 2:
        raise ShapeError(f"diagonal of shape {t.shape}: it needs two axes")
    a, b = (normal_axis("diagonal", k, t.ndim) for k in (axis1, axis2))
    if a == b:
        raise ShapeError(f"diagonal: axis {a} is named twice")
    if not is_inexact(t._value.dtype) and not is_symbolic(t):
        return wrap(np.diagonal(t._value, offset, a, b))
    return operate("diagonal", _diagonal_template, [t], offset, a, b)


def _diagonal_template(x: Expr, offset: int, a: int, b: int) -> Expr:
    rows, columns = int(x.dims[a]), int(x.dims[b])
    first, second = max(0, -offset), max(0, offset)
    count = max(0, min(rows - first, columns - second))
    ranges: list[Range] = [(0, int(n), 1) for n in x.dims]
    ranges[a], ranges[b] = (first, count, 1), (second, count, 1)
    n = x.ndim
    labels = tuple(n if k in (a, b) else k for k in range(n))
    kept = tuple(k for k in range(n) if k not in (a, b))
    return einsum([(slice_of(x, ranges), labels)], (*kept, n))


def diag(x: Any, k: int = 0) -> Tensor:
    """Return the diagonal of a matrix, or the matrix with a vector as its diagonal."""
    t, k = as_tensor(x), whole_number("diag", "the offset", k)
    if t.ndim == 2:
        return diagonal(t, k)
    if t.ndim != 1:
        raise ShapeError(f"diag of shape {t.shape}: it takes a vector or a matrix")
    if not is_inexact(t._value.dtype) and not is_symbolic(t):
        return wrap(np.diag(t._value, k))
    return operate("diag", _diag_template, [t], k)


def _diag_template(x: Expr, offset: int) -> Expr:
    n = int(x.dims[0])
    matrix = einsum([(x, (0,))], (0, 0))
    size = n + abs(offset)
    return place(matrix, [(max(0, -offset), n, 1), (max(0, offset), n, 1)], (size, size))


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """Return the sum over a diagonal of two axes."""
    t = diagonal(x, offset, axis1, axis2)
    if not is_inexact(t._value.dtype) and not is_symbolic(t):
        return wrap(np.asarray(np.sum(t._value, axis=-1)))
    return operate("trace", sum_over, [t], (t.ndim - 1,))
