"""Nodes for what Python code does with arrays: cut, join, reshape, index, invert.

All but the matrix functions are linear, and each has its transpose here too: `Place` puts back
what `Slice` cuts out, `Scatter` adds back what `Gather` reads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from eingrad.core.algebra import einsum, is_light
from eingrad.core.expr import Dim, Einsum, Expr, Labels, _intern
from eingrad.core.functions import MATRIX_FUNCTIONS
from eingrad.errors import ShapeError

Range = tuple[int, int, int]
"""First index, number of indices, step (not 0): ``first + step * k`` for k below the number."""


class Reshape(Expr):
    """The entries of one operand in the same (row-major) order, under other axes."""

    __slots__ = ()

    def __new__(cls, operand: Expr, dims: Sequence[int]) -> Reshape:
        return _intern(object.__new__(cls), (operand,), tuple(dims))  # type: ignore[no-any-return]


class Slice(Expr):
    """The entries at regular indices of every axis: NumPy's ``x[a:b:c, ...]``."""

    __slots__ = ("ranges",)
    ranges: tuple[Range, ...]

    def __new__(cls, operand: Expr, ranges: Sequence[Range]) -> Slice:
        node = object.__new__(cls)
        node.ranges = tuple(ranges)
        dims = tuple(count for _, count, _ in node.ranges)
        return _intern(node, (operand,), dims, node.ranges)  # type: ignore[no-any-return]

    def fields(self) -> tuple[Any, ...]:
        return (self.ranges,)


class Place(Expr):
    """Zeros with the operand at regular indices: the transpose of `Slice`."""

    __slots__ = ("ranges",)
    ranges: tuple[Range, ...]

    def __new__(cls, operand: Expr, ranges: Sequence[Range], dims: Sequence[Dim]) -> Place:
        node = object.__new__(cls)
        node.ranges = tuple(ranges)
        return _intern(node, (operand,), tuple(dims), node.ranges)  # type: ignore[no-any-return]

    def fields(self) -> tuple[Any, ...]:
        return (self.ranges,)


class Concat(Expr):
    """Operands joined along one axis."""

    __slots__ = ("axis",)
    axis: int

    def __new__(cls, operands: Sequence[Expr], axis: int) -> Concat:
        node = object.__new__(cls)
        node.axis = axis
        dims = list(operands[0].dims)
        dims[axis] = sum(int(x.dims[axis]) for x in operands)
        return _intern(node, tuple(operands), tuple(dims), axis)  # type: ignore[no-any-return]

    def fields(self) -> tuple[Any, ...]:
        return (self.axis,)


AxisSource = int | tuple[int, Labels]
"""Where an axis of a gathered tensor is read: at a label, or at (number of an index tensor, the
labels of that tensor's axes)."""


class Gather(Expr):
    """Entries of a tensor at places that integer tensors name: ``Z[b, y[b]]``.

    ``operands`` are the tensor and then the index tensors; ``sources[k]`` says where axis k is
    read. For ``Z[b, y[b]]`` the sources are ``(0, (0, (0,)))`` and the output is ``(0,)``.
    """

    __slots__ = ("output", "sources")
    sources: tuple[AxisSource, ...]
    output: Labels

    def __new__(
        cls, tensor: Expr, indices: Sequence[Expr], sources: Sequence[AxisSource], output: Labels
    ) -> Gather:
        node = object.__new__(cls)
        node.sources, node.output = tuple(sources), tuple(output)
        extents = source_extents(tensor.dims, indices, node.sources)
        dims = tuple(extents[k] for k in node.output)
        return _intern(node, (tensor, *indices), dims, node.sources, node.output)  # type: ignore[no-any-return]

    def fields(self) -> tuple[Any, ...]:
        return (self.sources, self.output)


class Scatter(Expr):
    """Zeros of ``dims`` with the operand's entries added where `Gather` would read them."""

    __slots__ = ("output", "sources")
    sources: tuple[AxisSource, ...]
    output: Labels

    def __new__(
        cls,
        operand: Expr,
        indices: Sequence[Expr],
        sources: Sequence[AxisSource],
        output: Labels,
        dims: Sequence[Dim],
    ) -> Scatter:
        node = object.__new__(cls)
        node.sources, node.output = tuple(sources), tuple(output)
        return _intern(  # type: ignore[no-any-return]
            node, (operand, *indices), tuple(dims), node.sources, node.output
        )

    def fields(self) -> tuple[Any, ...]:
        return (self.sources, self.output)


def source_extents(
    dims: Sequence[Dim], indices: Sequence[Expr], sources: Sequence[AxisSource]
) -> dict[int, Dim]:
    """Return the extent of each label of a `Gather`."""
    extents: dict[int, Dim] = {}
    for dim, source in zip(dims, sources, strict=True):
        if isinstance(source, int):
            extents[source] = dim
        else:
            extents.update(zip(source[1], indices[source[0]].dims, strict=True))
    return extents


class Matrix(Expr):
    """A function of the matrices in the last two axes: ``inv``, ``cholesky`` (lower, reads the
    lower triangle), ``det``, ``logdet`` (of the absolute determinant)."""

    __slots__ = ("function",)
    function: str

    def __new__(cls, function: str, operand: Expr) -> Matrix:
        if operand.ndim < 2 or operand.dims[-1] != operand.dims[-2]:
            raise ShapeError(
                f"{function} of a tensor with axes {operand.dims}: the last two must be equal"
            )
        node = object.__new__(cls)
        node.function = function
        dims = operand.dims if MATRIX_FUNCTIONS[function].keeps_axes else operand.dims[:-2]
        return _intern(node, (operand,), dims, function)  # type: ignore[no-any-return]

    def fields(self) -> tuple[Any, ...]:
        return (self.function,)


# --- constructors in normal form --------------------------------------------------------------


def reshape(node: Expr, dims: Sequence[int]) -> Expr:
    """Reshape; two in a row are one.

    >>> from eingrad.core.expr import Var
    >>> x = Var("x", (2, 3))
    >>> reshape(reshape(x, (6,)), (2, 3)) is x
    True
    """
    if math.prod(int(d) for d in node.dims) != math.prod(dims):
        raise ShapeError(f"cannot reshape axes {node.dims} to {tuple(dims)}")
    if isinstance(node, Reshape):
        node = node.operands[0]
    return node if node.dims == tuple(dims) else Reshape(node, dims)


def slice_of(node: Expr, ranges: Sequence[Range]) -> Expr:
    """Cut out; a slice of a slice is one slice, a slice of everything is the operand."""
    if isinstance(node, Slice):
        inner, node = node.ranges, node.operands[0]
        ranges = [
            (first + start * step, count, step * stride)
            for (first, _, step), (start, count, stride) in zip(inner, ranges, strict=True)
        ]
    whole = all(r == (0, d, 1) for r, d in zip(ranges, node.dims, strict=True))
    return node if whole else Slice(node, ranges)


def place(node: Expr, ranges: Sequence[Range], dims: Sequence[Dim]) -> Expr:
    """Put into zeros; at every index that is the operand itself."""
    whole = all(r == (0, d, 1) for r, d in zip(ranges, dims, strict=True))
    return node if whole else Place(node, ranges, dims)


def matrix_function(function: str, node: Expr) -> Expr:
    """Apply a function of matrices; of a transpose it is that of the matrix, turned likewise.

    >>> from eingrad.core.algebra import transpose
    >>> from eingrad.core.expr import Var
    >>> a = Var("A", (3, 3))
    >>> matrix_function("det", transpose(a, (1, 0))) is matrix_function("det", a)
    True
    """
    if function == "cholesky" or not isinstance(node, Einsum) or len(node.operands) > 1:
        return Matrix(function, node)
    (core,), (labels,) = node.operands, node.inputs
    turned = is_light(node) and sorted(labels) == sorted(node.output)
    if not turned or set(labels[-2:]) != set(node.output[-2:]):
        return Matrix(function, node)
    kept = len(labels) - 2 + 2 * MATRIX_FUNCTIONS[function].keeps_axes
    return einsum([(Matrix(function, core), labels[:kept])], node.output[:kept])


def concat(nodes: Sequence[Expr], axis: int) -> Expr:
    """Join along an axis."""
    return nodes[0] if len(nodes) == 1 else Concat(nodes, axis)
