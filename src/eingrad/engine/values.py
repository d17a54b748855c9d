"""A value: a register permuted, repeated and scaled, of which nothing is computed yet.

``-2 A^T`` repeated along a new axis costs nothing until somebody needs its entries; a consumer
folds the factor into its own work (the alpha of a matrix product, a subtraction for an addition).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from eingrad.core.expr import Number, exact
from eingrad.engine.program import (
    BOOLEAN,
    FLOAT,
    INTEGER,
    Argument,
    Builder,
    Register,
    Shape,
    literal,
)


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """``number * scalars * register``, or ``... / register`` where ``inverse``.

    ``axes[k]`` is the register's axis that is axis k of the value, None where the value repeats.
    Without a register this is a constant. The scalars are registers without axes.
    """

    register: Register | None
    axes: tuple[int | None, ...]
    shape: Shape
    number: Number = 1
    scalars: tuple[Register, ...] = ()
    inverse: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the register's entries are the value's."""
        return self.number == 1 and not self.scalars and not self.inverse

    @property
    def is_scalar(self) -> bool:
        """Whether there is a single entry, repeated along all axes."""
        return self.register is None or not self.register.shape

    @property
    def is_mask(self) -> bool:
        """Whether the entries are booleans."""
        return self.is_plain and self.register is not None and self.register.kind == BOOLEAN


def of_register(register: Register) -> Value:
    """Return the value that is a register."""
    return Value(register, tuple(range(len(register.shape))), register.shape)


def constant(number: Number, shape: Shape = ()) -> Value:
    """Return the value whose every entry is ``number``."""
    return Value(None, (None,) * len(shape), shape, number)


def scaled(value: Value, number: Number, scalars: Sequence[Register] = ()) -> Value:
    """Multiply a value by a number and by scalars."""
    product = exact(value.number * number)
    return replace(value, number=product, scalars=(*value.scalars, *scalars))


def unscaled(value: Value) -> Value:
    """Return a value without its factor."""
    return replace(value, number=1, scalars=())


def factor_of(b: Builder, value: Value) -> Argument:
    """Compute ``number * scalars`` and return it as one argument."""
    result: Argument = literal(value.number)
    for scalar in value.scalars:
        result = scalar if result == 1 else b.elementwise("multiply", [scalar, result])
    return result


def as_argument(b: Builder, value: Value) -> Argument:
    """Compute a scalar value."""
    if value.register is None:
        return factor_of(b, value)
    register = plain(b, value).register
    assert register is not None
    return register


def plain(b: Builder, value: Value, kind: str | None = None) -> Value:
    """Compute factor and inverse, so that the register's entries are the value's."""
    if value.register is None:
        return value
    if not value.is_plain or (kind == FLOAT and value.register.kind == BOOLEAN):
        register = _compute(b, value)
        return replace(value, register=register, number=1, scalars=(), inverse=False)
    return value


def _compute(b: Builder, value: Value) -> Register:
    register, factor = value.register, factor_of(b, value)
    assert register is not None
    if register.kind == BOOLEAN:
        register = b.step("copy", [register], register.shape, flops=0)
    if value.inverse:
        return b.elementwise("divide", [factor, register])
    if isinstance(factor, int | float) and factor == 1:
        return register
    if isinstance(factor, int | float) and factor == -1:
        return b.elementwise("negative", [register], kind=register.kind)
    kind = INTEGER if register.kind == INTEGER and isinstance(factor, int) else FLOAT
    return b.elementwise("multiply", [register, factor], kind=kind)


# --- alignment --------------------------------------------------------------------------------


def common_order(values: Sequence[Value]) -> list[int]:
    """Return the axes that some value has, in the memory order of the largest that has all."""
    tensors = [v for v in values if v.register is not None]
    present = {k for v in tensors for k, axis in enumerate(v.axes) if axis is not None}
    for value in tensors:
        own = {axis: k for k, axis in enumerate(value.axes) if axis is not None}
        if len(own) == len(present):
            return [own[axis] for axis in sorted(own)]
    return sorted(present)


def aligned(b: Builder, value: Value, order: Sequence[int]) -> Register:
    """Return a view of the register with its axes in ``order``, size 1 where it repeats."""
    assert value.register is not None
    here = [value.axes[k] for k in order]
    turned = b.transpose(value.register, [axis for axis in here if axis is not None])
    return b.insert_axes(turned, [axis is not None for axis in here])


def ordered(register: Register, order: Sequence[int], shape: Shape) -> Value:
    """Return the value whose register has the axes ``order``; it repeats along the others."""
    place = {axis: k for k, axis in enumerate(order)}
    return Value(register, tuple(place.get(k) for k in range(len(shape))), shape)


def elementwise(b: Builder, op: str, values: Sequence[Value], *, kind: str = FLOAT) -> Value:
    """Apply an element-wise operation to values of one shape (scalars repeat)."""
    shape = max((v.shape for v in values), key=len)
    ranked = [v for v in values if not v.is_scalar]
    order = common_order(ranked)
    arguments = [as_argument(b, v) if v.is_scalar else aligned(b, v, order) for v in values]
    if not any(isinstance(x, Register) for x in arguments):
        raise AssertionError(f"{op} of numbers alone")
    register = b.elementwise(op, arguments, kind=kind)
    return ordered(register, order, shape)


def dense(b: Builder, value: Value, *, order: Sequence[int] | None = None) -> Register:
    """Compute every entry into a register with the value's axes, in memory order ``order``."""
    value = plain(b, value)
    order = list(range(len(value.shape))) if order is None else list(order)
    shape = tuple(value.shape[k] for k in order)
    if value.register is None:
        factor = factor_of(b, value)
        if isinstance(factor, Register) and not shape:
            return factor
        return b.step("fill", [factor], shape, flops=0)
    view = aligned(b, value, order)
    if view.shape == shape and view is value.register:
        return view
    kind = view.kind
    return b.step("copy", [view], shape, kind=kind, flops=0)
