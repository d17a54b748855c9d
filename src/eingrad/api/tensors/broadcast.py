"""NumPy's broadcasting as products: an axis of size 1 is summed away, a missing one repeated."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import SupportsIndex, cast

import numpy as np

from eingrad.core.algebra import einsum
from eingrad.core.expr import Dim, Expr, Labels
from eingrad.errors import ShapeError

Axes = int | Sequence[int] | None


def broadcast_shapes(name: str, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the common shape; raise ShapeError where there is none."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        listed = " and ".join(map(str, shapes))
        raise ShapeError(
            f"{name} of shapes {listed}: they do not broadcast",
            hint="from the right, two sizes must be equal, or one of them 1",
        ) from None


def labelled(node: Expr, shape: Sequence[int], fresh: int) -> Labels:
    """Label the axes of ``node`` by those of ``shape``, to which it broadcasts.

    An axis of size 1 that stands for a longer one gets a label from ``fresh`` on.
    """
    offset = len(shape) - node.ndim
    return tuple(
        offset + k if dim == shape[offset + k] else fresh + k for k, dim in enumerate(node.dims)
    )


def broadcast(node: Expr, shape: Sequence[int]) -> Expr:
    """Return ``node`` broadcast to ``shape``.

    >>> from eingrad.core.expr import Var
    >>> broadcast(Var("x", (3, 1)), (2, 3, 4)).dims
    (2, 3, 4)
    """
    if node.dims == tuple(shape):
        return node
    n = len(shape)
    extents: dict[int, Dim] = dict(enumerate(shape))
    return einsum([(node, labelled(node, shape, n))], tuple(range(n)), extents)


def product(*nodes: Expr, shape: Sequence[int]) -> Expr:
    """Return the product of nodes that broadcast to ``shape``."""
    n = len(shape)
    factors = [(x, labelled(x, shape, n * (k + 1))) for k, x in enumerate(nodes)]
    return einsum(factors, tuple(range(n)), dict(enumerate(shape)))


def whole_number(name: str, what: str, x: object) -> int:
    """Return an option that is an integer; raise ShapeError where it is none."""
    try:
        return operator.index(x)  # type: ignore[arg-type]
    except TypeError:
        raise ShapeError(f"{name}: {what} is an integer, and this is {x!r:.60}") from None


def normal_axis(name: str, axis: SupportsIndex, ndim: int) -> int:
    """Return an axis counted from the front; raise ShapeError where there is none."""
    number = whole_number(name, "an axis", axis)
    if not -ndim <= number < ndim:
        raise ShapeError(
            f"{name}: axis {number} of a tensor with {ndim} ax{'is' if ndim == 1 else 'es'}",
            hint=f"axes go from {-ndim} to {ndim - 1}" if ndim else "it is a scalar",
        )
    return number % ndim


def normal_axes(name: str, axis: Axes, ndim: int) -> tuple[int, ...]:
    """Return sorted axes counted from the front; None stands for all of them."""
    if axis is None:
        return tuple(range(ndim))
    given = cast(Sequence[int], axis if isinstance(axis, tuple | list) else (axis,))
    axes = sorted(normal_axis(name, k, ndim) for k in given)
    if len(set(axes)) < len(axes):
        raise ShapeError(f"{name}: an axis is named twice in {tuple(given)}")
    return tuple(axes)


def keep_axes(node: Expr, axes: Sequence[int]) -> Expr:
    """Put axes of size 1 where a reduction has dropped ``axes``."""
    n = node.ndim + len(axes)
    kept = tuple(k for k in range(n) if k not in axes)
    return einsum([(node, kept)], tuple(range(n)), dict.fromkeys(axes, 1))
