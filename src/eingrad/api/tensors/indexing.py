"""Indexing as in NumPy: slices, integers, new axes, integer arrays and masks, also mixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eingrad.api.einsum.numeric import is_inexact
from eingrad.api.tensors.broadcast import broadcast_shapes
from eingrad.api.tensors.dispatch import operate
from eingrad.api.tensors.shaping import broadcast_to, cut, reshape
from eingrad.api.tensors.tape import mode
from eingrad.api.tensors.tensor import (
    Tensor,
    as_tensor,
    check_dtype,
    is_symbolic,
    named_index_errors,
    wrap,
)
from eingrad.core.arrays import AxisSource, Gather, Range
from eingrad.core.expr import Expr, Labels
from eingrad.errors import EingradError, OutOfRangeError


def plain_index(index: Any) -> Any:
    """Return an index with arrays in the place of Tensors."""
    if isinstance(index, tuple):
        return tuple(plain_index(x) for x in index)
    if isinstance(index, Tensor):
        return index._concrete("an index")
    return index


def getitem(x: Tensor, index: Any) -> Tensor:
    """Return ``x[index]``."""
    if not is_inexact(x._value.dtype) and not is_symbolic(x):
        with named_index_errors(x.shape):
            return wrap(np.asarray(x._value[plain_index(index)]))
    items = _expand(index, x)
    ranges, shape, arrays = _basic(items, x)
    result = cut(x, ranges)
    if not arrays:
        return reshape(result, shape)
    return _gather(reshape(result, shape), arrays, _is_split(items))


def setitem(x: Tensor, index: Any, value: Any) -> None:
    """Assign to ``x[index]``, of a constant or a leaf."""
    if x._node is not None and mode.recording:
        raise EingradError(
            "entries of a tensor that requires a gradient are assigned",
            hint="use eg.where, or assign under eg.no_grad()",
        )
    if not x.is_leaf:
        raise EingradError("entries of a computed tensor are assigned", hint="detach() it first")
    new, entries = np.array(x._concrete("assignment")), as_tensor(value)
    if entries._node is not None and mode.recording:
        raise EingradError(
            "a tensor that requires a gradient is assigned to entries of a constant",
            hint="use eg.where, eg.stack or eg.concatenate, or detach() it first",
        )
    if entries.dtype.kind == "c":
        check_dtype(entries.dtype, x.dtype)
    with named_index_errors(x.shape):
        new[plain_index(index)] = entries._concrete("assignment")
    x._value, x._exposed = new, False


@dataclass(frozen=True, slots=True)
class _Advanced:
    """An integer array (``tensor``) that indexes ``axis`` of what the slices leave."""

    axis: int
    tensor: Tensor


@dataclass(frozen=True, slots=True)
class _Selected:
    """Where a mask holds along one of its axes, which has ``size`` entries."""

    tensor: Tensor
    size: int


def _expand(index: Any, x: Tensor) -> list[Any]:
    """Return an item for each axis and each new axis: no mask, no list, no ellipsis of axes."""
    given = list(index) if isinstance(index, tuple) else [index]
    items: list[Any] = []
    for item in given:
        items += _arrays_of(item)
    used = sum(1 for item in items if item is not None and item is not Ellipsis)
    if used > x.ndim:
        raise OutOfRangeError(f"{used} indices for a tensor of shape {x.shape}")
    if sum(1 for item in items if item is Ellipsis) > 1:
        raise EingradError("an index holds more than one ellipsis")
    if not any(item is Ellipsis for item in items):
        items.append(Ellipsis)
    at = next(k for k, item in enumerate(items) if item is Ellipsis)
    between: list[Any] = [slice(None)] * (x.ndim - used) or [
        Ellipsis
    ]  # of no axes it still parts arrays
    return [*items[:at], *between, *items[at + 1 :]]


def _arrays_of(item: Any) -> list[Any]:
    """Turn lists and masks into integer arrays: a mask into one for each of its axes."""
    if item is None or item is Ellipsis or isinstance(item, slice):
        return [item]
    if isinstance(item, int | np.integer) and not isinstance(item, bool):
        return [int(item)]
    t = as_tensor(np.array(item, int) if isinstance(item, list) and not item else item)
    if t._value.dtype.kind == "b":
        return _selected(t)
    if t._value.dtype.kind not in "iu":
        raise EingradError(
            f"an index of dtype {t._value.dtype}", hint="indices are integers, slices or masks"
        )
    return [t if t.ndim or is_symbolic(t) else int(t)]


def _selected(mask: Tensor) -> list[Any]:
    if is_symbolic(mask):
        raise EingradError(
            "a mask as an index in a traced function: how many entries it selects depends on its "
            "values, and shapes are known while tracing",
            hint="eg.where(mask, x, 0) keeps the shape; or leave out eg.function: the transforms "
            "alone, such as eg.grad, index by masks",
        )
    value = mask._value
    if not value.shape:
        _as_axis(value)
    return [_Selected(wrap(k), n) for k, n in zip(np.nonzero(value), value.shape, strict=True)]


def _as_axis(mask: Any) -> Any:
    raise EingradError(f"the index {bool(mask)}", hint="use None for a new axis")


def _basic(items: Sequence[Any], x: Tensor) -> tuple[list[Range], tuple[int, ...], list[_Advanced]]:
    """Return the range to cut from each axis, the shape after that, and the integer arrays."""
    ranges: list[Range] = []
    shape: list[int] = []
    arrays: list[_Advanced] = []
    for item in items:
        if item is None or item is Ellipsis:
            shape += [1] if item is None else []
            continue
        n = x.shape[len(ranges)]
        if isinstance(item, slice):
            start, stop, step = _bounds(item, n)
            count = len(range(start, stop, step))
            ranges.append((start if count else 0, count, step if count else 1))
            shape.append(count)
        elif isinstance(item, int):
            if not -n <= item < n:
                raise OutOfRangeError(f"index {item} of axis {len(ranges)}, which has size {n}")
            ranges.append((item % n, 1, 1))
        else:
            arrays.append(_Advanced(len(shape), _in_range(item, len(ranges), n)))
            ranges.append((0, n, 1))
            shape.append(n)
    return ranges, tuple(shape), arrays


def _bounds(item: slice, n: int) -> tuple[int, int, int]:
    try:
        return item.indices(n)
    except (TypeError, ValueError) as error:  # a bound of 1.5, a step of 0
        raise EingradError(f"the index {item} of an axis of size {n}: {error}") from None


def _in_range(item: Tensor | _Selected, axis: int, n: int) -> Tensor:
    """Count negative indices from the end; raise where an index is not below n."""
    if isinstance(item, _Selected):
        if item.size != n:
            raise OutOfRangeError(f"a mask of size {item.size} on axis {axis}, which has size {n}")
        return item.tensor
    t = item
    if is_symbolic(t):
        return t
    value = t._value
    if value.size:
        low, high = int(value.min()), int(value.max())
        if low < -n or high >= n:
            wrong = low if low < -n else high
            raise OutOfRangeError(f"index {wrong} of axis {axis}, which has size {n}")
        if low < 0:
            value = np.where(value < 0, value + n, value)
    return wrap(np.array(value, np.intp))


def _is_split(items: Sequence[Any]) -> bool:
    """Whether something else stands between the arrays: then their axes come first.

    NumPy counts an integer beside an array as an array.
    """
    others = (slice, type(None), type(Ellipsis))
    places = [k for k, x in enumerate(items) if not isinstance(x, others)]
    return places != list(range(places[0], places[-1] + 1))


def _gather(x: Tensor, arrays: Sequence[_Advanced], first: bool) -> Tensor:
    shape = broadcast_shapes("an index", [a.tensor.shape for a in arrays])
    axes = tuple(a.axis for a in arrays)
    indices = [broadcast_to(a.tensor, shape) for a in arrays]
    return operate("gather", _gather_template, [x, *indices], axes, first)


def _gather_template(x: Expr, *rest: Any) -> Expr:
    *indices, axes, first = rest
    n = x.ndim
    common: Labels = tuple(range(n, n + indices[0].ndim))
    sources: list[AxisSource] = list(range(n))
    for number, axis in enumerate(axes):
        sources[axis] = (number, common)
    kept = [k for k in range(n) if k not in axes]
    at = 0 if first else sum(1 for k in kept if k < axes[0])
    return Gather(x, indices, sources, (*kept[:at], *common, *kept[at:]))
