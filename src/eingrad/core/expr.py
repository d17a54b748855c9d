"""The expression graph: a small closed set of immutable, hash-consed nodes.

Two equal expressions are one object, so ``is`` decides equality and common subexpressions are
free. Axes are positional; ``dims`` holds the extent of each axis, an integer where it is known
and a name (``"b"``) where it is not. Labels are small integers, local to one `Einsum`.

The nodes here do not simplify; `eingrad.core.algebra` builds them in normal form.
"""

from __future__ import annotations

import cmath
import math
import weakref
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from eingrad.core.digits import exact_text
from eingrad.core.forks import new_lock
from eingrad.errors import ShapeError

Dim = int | str
Number = int | Fraction | float | complex
Labels = tuple[int, ...]

ELLIPSIS = "..."
"""The label of leading axes, of any number, and their dimension: ``X[...,d]``."""

MAX_BITS = 1 << 16  # of an exact number

_nodes: weakref.WeakValueDictionary[Any, Any] = weakref.WeakValueDictionary()
_lock = new_lock()


class Expr:
    """A node. ``operands`` are its children, ``ndim`` is the number of its axes, ``digest`` orders
    nodes the same way in every run.

    ``has_delta`` says that a `Delta` is within reach: the node is one, or a sum or product of such;
    ``has_places`` that `Indices` are anywhere below, ``has_shift`` that a label moves there,
    ``has_loop`` that a recurrence is computed there.
    """

    __slots__ = (
        "__weakref__", "digest", "dims", "has_delta", "has_loop", "has_places", "has_shift", "ndim",
        "operands",
    )  # fmt: skip
    moves = False  # whether this is a node that reads at another position
    loops = False  # whether it is what a recurrence stores
    inner_dims: Sequence[Dim] = ()  # of what it computes inside
    dims: tuple[Dim, ...]
    ndim: int
    operands: tuple[Expr, ...]
    digest: int
    has_delta: bool
    has_places: bool
    has_shift: bool
    has_loop: bool

    def fields(self) -> tuple[Any, ...]:
        """Return what tells this node from another of its type over the same operands."""
        return ()

    def __repr__(self) -> str:
        inner = ", ".join(
            [*(exact_text(x, str) for x in self.fields()), *(_name(x) for x in self.operands)]
        )
        return f"{type(self).__name__}({inner}; {exact_text(self.dims)})"

    def __reduce__(self) -> Any:
        raise TypeError("an Expr lives in one process; send the model's text instead")


def _name(node: Expr) -> str:
    if isinstance(node, Var | Const):
        return exact_text(node.fields()[0], str)
    return type(node).__name__


def _intern(node: Expr, operands: tuple[Expr, ...], dims: tuple[Dim, ...], *fields: Any) -> Any:
    """Return the one node that equals ``node``, which its class has filled but for these."""
    # The key holds the operands' ids, not the operands: a node keeps its operands alive, and a
    # chain of keys that held them would be freed by recursion through weak-reference callbacks.
    key = (type(node), tuple(map(id, operands)), dims, fields)
    with _lock:
        known = _nodes.get(key)
        if known is not None:
            return known
        node.operands, node.dims, node.ndim = operands, dims, len(dims)
        own = _stable_here(type(node).__name__, dims, fields)
        node.digest = hash((own, *(x.digest for x in operands)))
        delta, places, loop, shift = False, isinstance(node, Indices), node.loops, node.moves
        for x in operands:
            delta, places = delta or x.has_delta, places or x.has_places
            loop, shift = loop or x.has_loop, shift or x.has_shift
        if not isinstance(node, Einsum) and not (isinstance(node, Map) and node.function == "add"):
            delta = isinstance(node, Delta)
        node.has_delta, node.has_places, node.has_loop, node.has_shift = delta, places, loop, shift
        _nodes[key] = node
        return node


@lru_cache(4096)
def _stable_here(*fields: Any) -> int:
    return _stable(fields)


def _stable(value: Any) -> int:
    """Hash nested tuples of numbers and strings the same way in every process."""
    if isinstance(value, tuple):
        return hash(tuple([x if type(x) is int else _stable(x) for x in value]))
    return zlib.crc32(value.encode()) if isinstance(value, str) else hash(value)


class Var(Expr):
    """A named tensor: an input, or another statement's result.

    >>> Var("A", ("i", 3))
    Var('A', ('i', 3))
    """

    __slots__ = ("integer", "name")
    name: str
    integer: bool

    def __new__(cls, name: str, dims: Sequence[Dim], integer: bool = False) -> Var:
        node = object.__new__(cls)
        node.name, node.integer = name, integer
        return _intern(node, (), tuple(dims), name, integer)  # type: ignore[no-any-return]

    def fields(self) -> tuple[Any, ...]:
        return (self.name, self.integer)

    def __repr__(self) -> str:
        return f"Var({self.name!r}, {exact_text(self.dims)}{', integer=True' * self.integer})"


class Const(Expr):
    """A number. Integers and fractions are exact; an integral float becomes an integer."""

    __slots__ = ("value",)
    value: Number

    def __new__(cls, value: Number) -> Const:
        node = object.__new__(cls)
        node.value = exact(value)
        return _intern(node, (), (), type(node.value).__name__, exact_text(node.value))  # type: ignore[no-any-return]

    def fields(self) -> tuple[Any, ...]:
        return (self.value,)


def bits(value: int | Fraction) -> int:
    """Return how many bits the longer one of numerator and denominator has."""
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def is_finite(value: Number) -> bool:
    """Whether a number is one that a float can stand for."""
    if isinstance(value, int | Fraction):
        return math.isfinite(_as_float(value))
    return cmath.isfinite(value)


def _as_float(value: int | Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def exact(value: Number) -> Number:
    """Return an integer where ``value`` is one; other numbers stay as they are.

    A fraction of more than `MAX_BITS` becomes a float: a short text can ask for any number of
    digits (``a1 = a0 a0``, ``a2 = a1 a1``, ...), and no program can compute with them.
    """
    if type(value) is int and value.bit_length() <= MAX_BITS:
        return value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | Fraction) and bits(value) > MAX_BITS:
        return _as_float(value)
    if isinstance(value, Fraction) and value.denominator == 1:
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


class Size(Expr):
    """The extent of a named dimension, as a number."""

    __slots__ = ("dim",)
    dim: str

    def __new__(cls, dim: str) -> Size:
        node = object.__new__(cls)
        node.dim = dim
        return _intern(node, (), (), dim)  # type: ignore[no-any-return]

    def fields(self) -> tuple[Any, ...]:
        return (self.dim,)


class Delta(Expr):
    """Kronecker's delta, the identity of one dimension."""

    __slots__ = ()

    def __new__(cls, dim: Dim) -> Delta:
        return _intern(object.__new__(cls), (), (dim, dim))  # type: ignore[no-any-return]


class Indices(Expr):
    """The integers 0, 1, ... below an extent: where a label stands on its axis."""

    __slots__ = ()

    def __new__(cls, dim: Dim) -> Indices:
        return _intern(object.__new__(cls), (), (dim,))  # type: ignore[no-any-return]


class Einsum(Expr):
    """The product of ``operands``, summed over every label that ``output`` lacks.

    ``inputs[k]`` labels the axes of operand k. A label may repeat within an operand (diagonal),
    and may stand in ``output`` alone (the value is repeated along it); ``output`` has no repeats:
    a diagonal is built with `Delta`. ``extents[label]`` is the extent of each label. Once a flat
    product in normal form was built and came out as this node, it ``is_normal``.
    """

    __slots__ = ("extents", "inputs", "is_normal", "output")
    inputs: tuple[Labels, ...]
    output: Labels
    extents: tuple[Dim, ...]
    is_normal: bool

    def __new__(
        cls,
        operands: Sequence[Expr],
        inputs: Sequence[Labels],
        output: Labels,
        extents: Sequence[Dim],
    ) -> Einsum:
        node = object.__new__(cls)
        node.inputs, node.output, node.extents = tuple(inputs), tuple(output), tuple(extents)
        node.is_normal = False
        dims = tuple(node.extents[label] for label in node.output)
        return _intern(  # type: ignore[no-any-return]
            node, tuple(operands), dims, node.inputs, node.output, node.extents
        )

    def fields(self) -> tuple[Any, ...]:
        return (self.inputs, self.output, self.extents)

    @property
    def summed(self) -> Labels:
        """The labels that are summed."""
        return tuple(k for k in range(len(self.extents)) if k not in self.output)


class Map(Expr):
    """An element-wise function of operands with the same axes; a scalar operand is repeated."""

    __slots__ = ("function",)
    function: str

    def __new__(cls, function: str, operands: Sequence[Expr]) -> Map:
        node = object.__new__(cls)
        node.function = function
        dims = max((x.dims for x in operands), key=len)
        return _intern(node, tuple(operands), dims, function)  # type: ignore[no-any-return]

    def fields(self) -> tuple[Any, ...]:
        return (self.function,)


class Reduce(Expr):
    """A function over some axes of one operand: a fold (``max``), which drops these axes, or a
    normalisation (``softmax``), which keeps them."""

    __slots__ = ("axes", "function")
    function: str
    axes: tuple[int, ...]

    def __new__(cls, function: str, operand: Expr, axes: Sequence[int], keeps: bool) -> Reduce:
        node = object.__new__(cls)
        node.function, node.axes = function, tuple(sorted(axes))
        dims = tuple(d for k, d in enumerate(operand.dims) if keeps or k not in node.axes)
        return _intern(node, (operand,), dims, function, node.axes)  # type: ignore[no-any-return]

    def fields(self) -> tuple[Any, ...]:
        return (self.function, self.axes)

    @property
    def keeps_axes(self) -> bool:
        """Whether the result has the operand's axes."""
        return self.ndim == self.operands[0].ndim


def postorder(roots: Iterable[Expr]) -> Iterator[Expr]:
    """Yield every node below ``roots`` once, operands first; no recursion, so any depth works."""
    seen: set[Expr] = set()
    stack: list[Expr | None] = [*reversed([*roots])]
    while stack:
        node = stack.pop()
        if node is None:  # all below the next one are done
            yield stack.pop()  # type: ignore[misc]
        elif node not in seen:
            seen.add(node)
            if node.operands:
                stack += (node, None)
                stack += [x for x in node.operands[::-1] if x not in seen]
            else:
                yield node


def depends_on(root: Expr, targets: Iterable[Expr]) -> set[Expr]:
    """Return the nodes below ``root`` (itself included) that some target reaches."""
    wanted = set(targets)
    reached: set[Expr] = set()
    for node in postorder([root]):
        if node in wanted or any(x in reached for x in node.operands):
            reached.add(node)
    return reached


def has_leading_axes(inputs: Iterable[Var]) -> bool:
    """Whether some input has axes that ... stands for."""
    return any(ELLIPSIS in var.dims for var in inputs)


def variables(*roots: Expr) -> list[Var]:
    """Return the named tensors below ``roots``, in the order of first use."""
    return [node for node in postorder(roots) if isinstance(node, Var)]


def named_dims(node: Expr) -> list[str]:
    """Return the named dimensions that a node speaks of."""
    extents = node.extents if isinstance(node, Einsum) else (*node.dims, *node.inner_dims)
    return [node.dim] if isinstance(node, Size) else [d for d in extents if isinstance(d, str)]


def check_extents(nodes: Iterable[Expr], sizes: Collection[str]) -> None:
    """Raise where some tensor has an axis whose extent no array tells."""
    for node in nodes:
        for dim in named_dims(node):
            if dim not in sizes:
                raise ShapeError(
                    f"label {dim}: no input has it, so nothing tells how long it is",
                    label=dim,
                    hint=f"use {dim} on an input, such as a vector of ones",
                )
