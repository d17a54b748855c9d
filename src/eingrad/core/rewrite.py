"""Graphs with some of their nodes exchanged, rebuilt in normal form from the inputs upwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from eingrad.core.algebra import apply, broadcast_scalar, einsum, reduce
from eingrad.core.arrays import (
    Concat,
    Gather,
    Matrix,
    Place,
    Reshape,
    Scatter,
    Slice,
    concat,
    matrix_function,
    place,
    reshape,
    slice_of,
)
from eingrad.core.bands import Window
from eingrad.core.expr import Einsum, Expr, Map, Reduce, postorder
from eingrad.core.positions import Scan, Shift, shift


def rebuild(node: Expr, operands: Sequence[Expr]) -> Expr:
    """Return ``node`` over new operands, in normal form."""
    if all(a is b for a, b in zip(node.operands, operands, strict=True)):
        return node
    if isinstance(node, Einsum):
        pairs = list(zip(operands, node.inputs, strict=True))
        return einsum(pairs, node.output, dict(enumerate(node.extents)))
    if isinstance(node, Map):
        return broadcast_scalar(apply(node.function, *operands), node.dims)
    if isinstance(node, Reduce):
        return reduce(node.function, operands[0], node.axes)
    if isinstance(node, Reshape):
        return reshape(operands[0], [int(d) for d in node.dims])
    if isinstance(node, Slice):
        return slice_of(operands[0], node.ranges)
    if isinstance(node, Place):
        return place(operands[0], node.ranges, node.dims)
    if isinstance(node, Concat):
        return concat(operands, node.axis)
    if isinstance(node, Gather):
        return Gather(operands[0], operands[1:], node.sources, node.output)
    if isinstance(node, Scatter):
        return Scatter(operands[0], operands[1:], node.sources, node.output, node.dims)
    if isinstance(node, Matrix):
        return matrix_function(node.function, operands[0])
    if isinstance(node, Shift):
        return shift(operands[0], node.axis, node.by, *operands[1:])
    if isinstance(node, Window):
        return Window(operands[0], node.reaches)
    if isinstance(node, Scan):
        return Scan(operands, node.loop, node.state)
    raise TypeError(f"cannot rebuild a {type(node).__name__}")


def rewrite(roots: Sequence[Expr], rule: Callable[[Expr], Expr | None]) -> list[Expr]:
    """Apply ``rule`` to every node, operands first; None leaves the node as it is."""
    new: dict[Expr, Expr] = {}
    for node in postorder(roots):
        built = rebuild(node, [new[x] for x in node.operands]) if node.operands else node
        changed = rule(built)
        new[node] = built if changed is None else changed
    return [new[root] for root in roots]


def substitute(root: Expr, values: Mapping[Expr, Expr]) -> Expr:
    """Put other expressions in the place of nodes."""
    if not values:
        return root
    new: dict[Expr, Expr] = {}
    for node in postorder([root]):
        if node in values:
            new[node] = values[node]
        else:
            new[node] = rebuild(node, [new[x] for x in node.operands]) if node.operands else node
    return new[root]
