"""Arrays that Python code cuts, joins, reshapes, indexes and inverts, lowered to steps."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eingrad.core.arrays import (
    AxisSource,
    Concat,
    Gather,
    Indices,
    Matrix,
    Place,
    Range,
    Reshape,
    Scatter,
    Slice,
)
from eingrad.core.expr import Expr
from eingrad.engine import values
from eingrad.engine.program import FLOAT, INTEGER, Builder, Register, Shape, indices_text
from eingrad.engine.values import Value, of_register
from eingrad.errors import BackendError


def lower_array(b: Builder, node: Expr, operands: Sequence[Value], shape: Shape) -> Value:
    """Return the value of a node of `core.arrays`."""
    match node:
        case Reshape():
            return of_register(b.reshape(values.dense(b, operands[0]), shape))
        case Slice(ranges=ranges):
            return of_register(_slice(b, values.dense(b, operands[0]), ranges, shape))
        case Place(ranges=ranges):
            x = values.dense(b, operands[0])
            return of_register(_written(b, "place", [x], shape, x.kind, indices_text(ranges)))
        case Concat(axis=axis):
            return _concat(b, operands, axis, shape)
        case Gather(sources=sources, output=output):
            return _gather(b, operands, sources, output, shape)
        case Scatter(sources=sources, output=output):
            return _scatter(b, operands, sources, output, shape)
        case Indices():
            return of_register(b.step("indices", [], shape, kind=INTEGER, parameters=shape))
        case Matrix(function=function):
            x = values.dense(b, values.plain(b, operands[0], FLOAT))
            flops = math.prod(x.shape) * x.shape[-1]
            return of_register(b.step(function, [x], shape, flops=flops))
    raise BackendError(f"the engine cannot compute a {type(node).__name__}")


def _written(
    b: Builder, op: str, arguments: Sequence[Register], shape: Shape, kind: str, text: str
) -> Register:
    return b.step(op, arguments, shape, kind=kind, parameters=(text,), flops=0)


def _slice(b: Builder, x: Register, ranges: Sequence[Range], shape: Shape) -> Register:
    view = b.view(x, "index", indices_text(ranges), shape)
    return b.step("copy", [view], shape, kind=x.kind, flops=0)


def _concat(b: Builder, operands: Sequence[Value], axis: int, shape: Shape) -> Value:
    parts = [values.dense(b, x) for x in operands]
    kind = INTEGER if all(x.kind == INTEGER for x in parts) else FLOAT
    register = b.step("concat", parts, shape, kind=kind, parameters=(axis,), flops=0)
    return of_register(register)


def _gather(
    b: Builder, operands: Sequence[Value], sources: Sequence[AxisSource], output: Sequence[int],
    shape: Shape,
) -> Value:  # fmt: skip
    x = values.dense(b, operands[0])
    extents = dict(zip(output, shape, strict=True))
    indices = _index_registers(b, "gather", operands[1:], sources, output, extents)
    register = b.step(
        "gather", [x, *indices], shape, kind=x.kind, flops=0,
        parameters=_whole_axes(b, "gather", sources, output),
    )  # fmt: skip
    return of_register(register)


def _scatter(
    b: Builder, operands: Sequence[Value], sources: Sequence[AxisSource], output: Sequence[int],
    shape: Shape,
) -> Value:  # fmt: skip
    x = values.dense(b, operands[0])
    extents = dict(zip(output, operands[0].shape, strict=True))
    indices = _index_registers(b, "scatter", operands[1:], sources, output, extents)
    register = b.step(
        "scatter", [x, *indices], shape, kind=x.kind, flops=x.size,
        parameters=_whole_axes(b, "scatter", sources, output),
    )  # fmt: skip
    return of_register(register)


def _whole_axes(
    b: Builder, op: str, sources: Sequence[AxisSource], output: Sequence[int]
) -> tuple[tuple[int | None, ...], ...]:
    """Return, for a backend that asks, the axis of the entries that each whole axis is.

    The second axis of a diagonal is none: it is read at integers.
    """
    if op not in b.native:
        return ()
    axes = [
        output.index(s) if isinstance(s, int) and s not in sources[:k] else None
        for k, s in enumerate(sources)
    ]
    return (tuple(axes),)


def _index_registers(
    b: Builder, op: str, tensors: Sequence[Value], sources: Sequence[AxisSource],
    output: Sequence[int], extents: dict[int, int],
) -> list[Register]:  # fmt: skip
    """Return an index for each axis of the tensor, all of which broadcast over ``output``.

    A backend to which the operation is native needs none for an axis that is read whole.
    """
    indices = []
    for k, source in enumerate(sources):
        if isinstance(source, int):
            if op in b.native and source not in sources[:k]:
                continue
            labels: Sequence[int] = (source,)
            n = extents[source]
            index = b.step("indices", [], (n,), kind=INTEGER, parameters=(n,), flops=0)
        else:
            number, labels = source
            index = values.dense(b, tensors[number])
            if index.kind != INTEGER:
                index = b.step("to_integer", [index], index.shape, kind=INTEGER, flops=0)
        indices.append(_over(b, index, labels, output))
    return indices


def _over(b: Builder, index: Register, labels: Sequence[int], output: Sequence[int]) -> Register:
    """Return a view of an index tensor over the output's axes."""
    if len(set(labels)) < len(labels):
        raise BackendError("an index tensor with a repeated label cannot be gathered by")
    place = {label: axis for axis, label in enumerate(labels)}
    turned = b.transpose(index, [place[k] for k in output if k in place])
    return b.insert_axes(turned, [k in place for k in output])
