"""Nodes for labels that move: a tensor at an earlier or later position, and what a loop stores.

A recurrence is a definition over names as any other: ``h[t,i] = tanh(U_ij h[t-1,j] + x[t,i])``
has the `Var` h inside a `Shift`. Before it is computed, `core.recurrences` makes a `Scan` of
it, whose operands hold no h.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from eingrad.core.algebra import einsum, is_zero, zeros
from eingrad.core.expr import Dim, Einsum, Expr, Var, _intern


class Shift(Expr):
    """``x[t+by]`` along one axis, over the same positions as x; where there is no such entry, a
    second operand (without this axis) stands, or 0."""

    __slots__ = ("axis", "by")
    moves = True
    axis: int
    by: int

    def __new__(cls, operand: Expr, axis: int, by: int, outside: Expr | None = None) -> Shift:
        node = object.__new__(cls)
        node.axis, node.by = axis, by
        operands = (operand,) if outside is None else (operand, outside)
        return _intern(node, operands, operand.dims, axis, by)  # type: ignore[no-any-return]

    def fields(self) -> tuple[Any, ...]:
        return (self.axis, self.by)

    @property
    def outside(self) -> Expr | None:
        """What stands where there is no entry; None: 0."""
        return self.operands[1] if len(self.operands) > 1 else None


def shift(operand: Expr, axis: int, by: int, outside: Expr | None = None) -> Expr:
    """Return ``operand[t+by]`` in normal form: what has not the label stands outside.

    >>> x = Var("x", ("t",))
    >>> from eingrad.core.expr import Const
    >>> shift(einsum([(Const(2), ()), (x, (0,))], (0,)), 0, 1)
    Einsum(((), (0,)), (0,), ('t',), 2, Shift; ('t',))
    """
    if outside is not None and is_zero(outside):
        outside = None
    if not by:
        return operand
    if is_zero(operand) and outside is None:
        return zeros(operand.dims)
    if outside is None and isinstance(operand, Einsum):
        label = operand.output[axis]
        pairs = list(zip(operand.operands, operand.inputs, strict=True))
        moving = [(x, ls) for x, ls in pairs if label in ls]
        alone = [(x, ls) for x, ls in pairs if label not in ls]
        if len(moving) == 1 and moving[0][1].count(label) == 1:
            x, labels = moving[0]
            moved = shift(x, labels.index(label), by)
            extents = dict(enumerate(operand.extents))
            return einsum([*alone, (moved, labels)], operand.output, extents)
        if moving and any(not ls for _, ls in alone):
            numbers = [(x, ls) for x, ls in alone if not ls]
            rest = [(x, ls) for x, ls in pairs if ls]
            extents = dict(enumerate(operand.extents))
            core = einsum(rest, operand.output, extents)
            axes = tuple(range(core.ndim))
            return einsum([*numbers, (Shift(core, axis, by), axes)], axes)
    return Shift(operand, axis, by, outside)


class Bound(Var):
    """A tensor inside a `Loop`'s body; no model can have its name."""

    __slots__ = ()

    def __new__(cls, kind: str, number: int, dims: Sequence[Dim], back: int = 0) -> Bound:
        name = f"<{kind}{number}{f'-{back}' if back else ''}>"
        return Var.__new__(cls, name, dims)  # type: ignore[return-value]


class Past(NamedTuple):
    """Many entries of a state, which a position reads at once; the first axis says which ones.

    ``all`` are those of the whole loop, 0 where it has not been yet; of a ``column`` the entry is
    read at the position itself along one of its own axes; ``lags`` are the last ones, the latest
    first, 0 before the first entry.
    """

    state: int
    kind: str
    what: int | Dim = 0  # the axis of a column, in an entry; how many lags


class Loop:
    """What a recurrence does at one position of its label, for `states` tensors at once.

    ``bodies[k]`` is the entry of state k at the position, over `Bound` tensors without the label's
    axis: ``reads[(k, d)]`` is state k at d positions before (after, if the loop runs ``back``),
    ``entries`` are those of the operands that have the label as their first axis, at the
    position, and ``whole`` are the operands that lack it. ``starts[k]`` is the
    number of the operand that stands before the first entry of state k, None for 0. Numbers are
    those of the `Scan`'s operands. ``pasts`` are what reads many entries of a state.
    """

    __slots__ = ("back", "bodies", "dim", "entries", "key", "pasts", "reads", "starts", "whole")

    def __init__(
        self, dim: Dim, back: bool, bodies: Sequence[Expr], reads: dict[tuple[int, int], Var],
        entries: dict[int, Var], whole: dict[int, Var], starts: dict[int, int],
        pasts: Mapping[Past, Var] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        self.dim, self.back, self.bodies = dim, back, tuple(bodies)
        self.reads, self.entries, self.whole, self.starts = reads, entries, whole, starts
        self.pasts = pasts
        self.key = (
            dim, back, self.bodies, tuple(reads.items()), tuple(entries.items()),
            tuple(whole.items()), tuple(starts.items()), tuple(pasts.items()),
        )  # fmt: skip

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loop) and self.key == other.key

    def __hash__(self) -> int:
        parts = (*self.bodies, *self.bound)
        return hash((self.back, *(x.digest for x in parts), *self.starts.items()))

    def __repr__(self) -> str:
        return f"Loop({self.dim}{' back' * self.back}, {len(self.bodies)} states)"

    def over(self, bodies: Sequence[Expr]) -> Loop:
        """Return the loop with other formulas at a position."""
        return Loop(
            self.dim, self.back, bodies, self.reads, self.entries, self.whole, self.starts,
            self.pasts,
        )  # fmt: skip

    @property
    def bound(self) -> list[Var]:
        """The tensors of the formulas that are given to them at each position."""
        return [*self.reads.values(), *self.entries.values(), *self.whole.values(),
                *self.pasts.values()]  # fmt: skip

    def reach(self, state: int) -> int:
        """How many positions back the state is read, 0 if it never is."""
        return max((d for k, d in self.reads if k == state), default=0)


class Scan(Expr):
    """All entries of one state of a loop; the loop's label is the first axis."""

    __slots__ = ("loop", "state")
    loops = True
    loop: Loop
    state: int

    def __new__(cls, operands: Sequence[Expr], loop: Loop, state: int) -> Scan:
        node = object.__new__(cls)
        node.loop, node.state = loop, state
        dims = (loop.dim, *loop.bodies[state].dims)
        return _intern(node, tuple(operands), dims, loop, state)  # type: ignore[no-any-return]

    def fields(self) -> tuple[Any, ...]:
        return (self.loop, self.state)

    @property
    def inner_dims(self) -> list[Dim]:  # type: ignore[override]
        """How many lags are read at each position."""
        return [past.what for past in self.loop.pasts if past.kind == "lags"]


__all__ = ["Bound", "Loop", "Past", "Scan", "Shift", "shift"]
