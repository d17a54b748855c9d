"""Formulas that move no number, as NumPy's views: transposed, repeated, cut, reshaped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from eingrad.core.algebra import is_light
from eingrad.core.arrays import Reshape, Slice
from eingrad.core.expr import Dim, Einsum, Expr, Var

Value = Any


def view_of(template: Expr) -> Callable[[Value], Value] | None:
    """Return how NumPy sees a template that moves no number: a view of operand 0, its only one.

    >>> from eingrad.core.algebra import transpose
    >>> view_of(transpose(Var("0", (2, 3)), (1, 0)))(np.ones((2, 3))).shape
    (3, 2)
    """
    operand = template if isinstance(template, Var) else next(iter(template.operands), None)
    if len(template.operands) > 1 or not isinstance(operand, Var) or operand.name != "0":
        return None
    if operand is template:
        return np.asarray
    if isinstance(template, Reshape):
        shape = template.dims
        return lambda x: x.reshape(shape)
    if isinstance(template, Slice):
        index = tuple(_slice(*r) for r in template.ranges)
        return lambda x: x[index]
    if isinstance(template, Einsum) and is_light(template):
        return _transposed(template)
    return None


def _slice(first: int, count: int, step: int) -> slice:
    """Return the slice for ``first + step * k``, k below ``count``.

    >>> list(range(5))[_slice(4, 5, -1)]
    [4, 3, 2, 1, 0]
    """
    if count == 0:
        return slice(0, 0, 1)
    stop = first + step * count
    return slice(first, None if stop < 0 else stop, step)


def cast_shape(dims: Sequence[Dim]) -> tuple[int, ...]:
    """Return extents that are known to be integers."""
    return tuple([int(d) for d in dims])


def _transposed(template: Einsum) -> Callable[[Value], Value] | None:
    labels = template.inputs[0]
    if len(set(labels)) != len(labels):
        return None
    shape = cast_shape(template.dims)
    order = [labels.index(k) for k in template.output if k in labels]
    if len(order) == len(shape):
        return lambda x: x.transpose(order)
    index = tuple(slice(None) if k in labels else None for k in template.output)
    if order == list(range(len(order))):
        return lambda x: np.broadcast_to(x[index], shape)
    return lambda x: np.broadcast_to(x.transpose(order)[index], shape)


__all__ = ["cast_shape", "view_of"]
