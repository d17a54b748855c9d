"""The program: registers, and the steps that fill them, each register filled once.

A program knows sizes but no backend: its operations are names that a backend spells. Steps with
the same operation on the same operands are one step, so what two functions have in common (the
exponentials of a softmax and a log-softmax) is computed once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from eingrad.core.expr import Number

Shape = tuple[int, ...]

FLOAT, INTEGER, BOOLEAN = "float", "integer", "boolean"


class Register:
    """A tensor of a program: an input, the result of a step, or a view of another register.

    ``kind`` is FLOAT (the program's dtype), INTEGER or BOOLEAN. ``parent`` and ``view`` say how a
    view is made; ``root`` is the register whose memory it shares (itself, if it is no view).
    """

    __slots__ = ("kind", "name", "number", "parent", "root", "shape", "view")

    def __init__(
        self,
        number: int,
        shape: Shape,
        kind: str,
        name: str | None = None,
        parent: Register | None = None,
        view: tuple[str, Any] | None = None,
    ) -> None:
        self.number, self.shape, self.kind, self.name = number, shape, kind, name
        self.parent, self.view = parent, view
        self.root: Register = self if parent is None else parent.root

    @property
    def size(self) -> int:
        """The number of entries."""
        return math.prod(self.shape)

    @property
    def is_input(self) -> bool:
        """Whether this is an array that the caller passes (not a view of one)."""
        return self.name is not None

    def __repr__(self) -> str:
        return f"v{self.number}{list(self.shape)}"


WRITABLE = {"where": (1,), "keep_where": (0,)}  # they write before they have read the others

Argument = Register | int | float | complex | bool


@dataclass(slots=True, eq=False)
class Instruction:
    """``out = op(*arguments, *parameters)``.

    ``in_place`` are the positions of arguments whose memory the result may take, when they are
    not read again. ``equation`` says for a product what it computes.
    """

    op: str
    arguments: tuple[Argument, ...]
    parameters: tuple[Any, ...]
    out: Register
    flops: int
    in_place: tuple[int, ...]
    equation: str = ""

    @property
    def reads(self) -> list[Register]:
        """The registers that the step reads."""
        return [x for x in self.arguments if isinstance(x, Register)]


@dataclass(slots=True)
class Program:
    """Steps in order, inputs, and the registers that hold the results.

    ``updates[name]`` is the register whose value goes into the input ``name`` after the last step
    (and before that, into its memory, where nothing reads the old value any more).
    """

    inputs: dict[str, Register] = field(default_factory=dict)
    steps: list[Instruction] = field(default_factory=list)
    outputs: dict[str, Register | int | float | complex] = field(default_factory=dict)
    updates: dict[str, Register] = field(default_factory=dict)

    @property
    def flops(self) -> int:
        """The number of floating-point operations, a multiplication and an addition each one."""
        return sum(step.flops for step in self.steps)


class Builder:
    """Appends steps to a program; equal steps and equal views are one.

    ``native`` are functions that the backend has as one operation. ``products`` are those of two
    tensors that there are, whatever the order in which somebody wants the axes.
    """

    def __init__(self, native: frozenset[str] = frozenset()) -> None:
        self.program = Program()
        self.native = native
        self.products: dict[Any, tuple[Register, tuple[int, ...], bool]] = {}
        self.made: dict[Register, Instruction] = {}
        self._known: dict[Any, Register] = {}
        self._count = 0

    def _register(self, shape: Shape, kind: str, **kwargs: Any) -> Register:
        self._count += 1
        return Register(self._count - 1, shape, kind, **kwargs)

    def input(self, name: str, shape: Shape, kind: str) -> Register:
        """Return the register of an input."""
        register = self.program.inputs.get(name)
        if register is None:
            register = self._register(shape, kind, name=name)
            self.program.inputs[name] = register
        return register

    def step(
        self,
        op: str,
        arguments: Sequence[Argument],
        shape: Shape,
        *,
        kind: str = FLOAT,
        parameters: tuple[Any, ...] = (),
        flops: int | None = None,
        in_place: tuple[int, ...] = (),
        equation: str = "",
    ) -> Register:
        """Append a step, unless it is there, and return its result."""
        key = (op, tuple(map(_key, arguments)), parameters, shape, kind)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._register(shape, kind)
            count = math.prod(shape) if flops is None else flops
            step = Instruction(op, tuple(arguments), parameters, known, count, in_place, equation)
            self.program.steps.append(step)
            self.made[known] = step
        return known

    def elementwise(
        self, op: str, arguments: Sequence[Argument], *, kind: str = FLOAT, flops: int | None = None
    ) -> Register:
        """Append an element-wise step over arguments that broadcast as in NumPy."""
        shape = broadcast_shapes([x.shape for x in arguments if isinstance(x, Register)])
        places = tuple(
            k
            for k, x in enumerate(arguments)
            if isinstance(x, Register)
            and x.shape == shape
            and x.kind == kind
            and k in WRITABLE.get(op, (k,))
        )
        return self.step(op, arguments, shape, kind=kind, in_place=places, flops=flops)

    def copy(self, register: Register) -> Register:
        """Append a copy that is never shared with another one."""
        unique = (self._count,)
        return self.step(
            "copy", [register], register.shape, kind=register.kind, parameters=unique, flops=0
        )

    def view(self, register: Register, op: str, parameter: Any, shape: Shape) -> Register:
        """Return a view: ``transpose`` axes, ``reshape`` shape, ``index`` text, ``diagonal``."""
        key = ("view", op, register.number, parameter)
        known = self._known.get(key)
        if known is None:
            known = self._register(shape, register.kind, parent=register, view=(op, parameter))
            self._known[key] = known
        return known

    def transpose(self, register: Register, axes: Sequence[int]) -> Register:
        """Return the view with permuted axes."""
        axes = tuple(axes)
        if axes == tuple(range(len(register.shape))):
            return register
        shape = tuple(register.shape[k] for k in axes)
        return self.view(register, "transpose", axes, shape)

    def reshape(self, register: Register, shape: Shape) -> Register:
        """Return the view of a contiguous register with another shape."""
        if shape == register.shape:
            return register
        return self.view(register, "reshape", shape, shape)

    def insert_axes(self, register: Register, present: Sequence[bool]) -> Register:
        """Return the view with an axis of size 1 wherever ``present`` is false."""
        text = ", ".join(":" if here else "None" for here in present)
        while text.startswith("None, "):  # NumPy broadcasts missing leading axes
            text, present = text[len("None, ") :], present[1:]
        if all(present):
            return register
        sizes = iter(register.shape)
        shape = tuple(next(sizes) if here else 1 for here in present)
        return self.view(register, "index", text, shape)


def _key(argument: Argument) -> Any:
    if isinstance(argument, Register):
        return argument.number
    return (type(argument).__name__, repr(argument))


def broadcast_shapes(shapes: Sequence[Shape]) -> Shape:
    """Return the shape to which shapes broadcast; they are known to fit.

    >>> broadcast_shapes([(2, 1), (3,)])
    (2, 3)
    """
    ndim = max(map(len, shapes), default=0)
    padded = [(1,) * (ndim - len(s)) + s for s in shapes]
    return tuple(next((n for n in sizes if n != 1), 1) for sizes in zip(*padded, strict=True))


def indices_text(ranges: Sequence[tuple[int, int, int]]) -> str:
    """Return regular indices, (first, count, step) an axis, as they stand between brackets.

    >>> indices_text([(3, 4, -1), (0, 2, 3), (0, 0, 1)])
    '3::-1, 0:6:3, 0:0:1'
    """
    parts = []
    for first, count, step in ranges:
        last = first + count * step
        end = "" if last < 0 and count else str(last if count else first)
        parts.append(f"{first}:{end}:{step}")
    return ", ".join(parts)


def literal(value: Number) -> int | float | complex:
    """Return a number as it stands in source: small integers stay integers.

    >>> from fractions import Fraction
    >>> literal(2), literal(Fraction(1, 4))
    (2, 0.25)
    """
    if isinstance(value, int) and abs(value) < 2**31:
        return int(value)
    if isinstance(value, complex):
        return value
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
