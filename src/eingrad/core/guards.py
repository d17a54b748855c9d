"""Guards: which entries along an axis count, as conditions on labels say it.

``sum_{s<t}(W_ts h[s])`` reads of ``h`` the entries before t alone: that is what makes it a
recurrence that can be computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from eingrad.core.algebra import ZERO
from eingrad.core.expr import Const, Einsum, Expr, Indices, Map, Reduce
from eingrad.core.labelling import Factor
from eingrad.core.masks import opposite
from eingrad.core.positions import Shift


class Guard(NamedTuple):
    """An axis whose entries count only ``gap`` or more positions before the one at hand, or behind
    it if ``back``."""

    axis: int
    back: bool
    gap: int


Guards = tuple[Guard, ...]
Facts = list[tuple[int, int, int]]
"""What is known of axes: of (lower, upper, gap) that lower <= upper - gap."""


def kept_guards(guards: Guards, axes: Iterable[int]) -> Guards:
    return tuple(g for g in guards if g.axis in axes)


def shifted_guards(guards: Guards, node: Shift) -> Guards:
    """Return the guards of what is read at another position of one axis."""
    own = (g._replace(gap=g.gap + (node.by if g.back else -node.by)) if g.axis == node.axis else g
           for g in guards)  # fmt: skip
    return tuple(g for g in own if g.gap >= 0)


def operand_guards(guards: Guards, node: Reduce) -> Guards:
    """Return the guards of the operand of a function over other axes."""
    axes = [k for k in range(node.operands[0].ndim) if node.keeps_axes or k not in node.axes]
    own = tuple(g._replace(axis=axes[g.axis]) for g in guards)
    return tuple(g for g in own if g.axis not in node.axes)


def label_guards(
    node: Einsum, pairs: Sequence[Factor], same: set[int], by: int, guards: Guards
) -> dict[int, Guard]:
    """Return for labels of a product the condition under which what has them counts."""
    bounds = {node.output[g.axis]: g for g in guards}
    for x, labels in pairs:
        if isinstance(x, Map) and x.function == "where" and x.operands[2] == ZERO:
            for lower, upper, gap in _said(x)[0]:
                for guard in _relative(labels[lower], labels[upper], gap, same, by):
                    bounds.setdefault(guard.axis, guard)
    return bounds


def _relative(lower: int, upper: int, gap: int, same: set[int], by: int) -> Iterable[Guard]:
    """Read ``lower <= upper - gap`` where one of both is ``by`` behind the position at hand."""
    if (lower in same) == (upper in same):
        return
    guard = Guard(upper, True, gap + by) if lower in same else Guard(lower, False, gap - by)
    if guard.gap >= 0:
        yield guard


def case_guards(node: Map, axis: int, by: int) -> list[Guards]:
    """Return the guards of a function's arguments: those of a case distinction's values."""
    if node.function != "where":
        return [()] * len(node.operands)
    yes, no = (
        tuple(g for facts in own for g in _relative(*facts, {axis}, by)) for own in _said(node)
    )
    return [(), yes, no]


def _said(node: Map) -> tuple[Facts, Facts]:
    """Return what the condition of a case distinction says of its axes, and what its opposite."""
    condition, labels = node.operands[0], tuple(range(node.ndim))
    if isinstance(condition, Einsum) and len(condition.operands) == 1:
        if not {*condition.inputs[0]} <= {*condition.output}:
            return [], []
        labels = tuple(map(condition.output.index, condition.inputs[0]))
        condition = condition.operands[0]
    if not isinstance(condition, Map) or condition.function not in OPPOSITES:
        return [], []
    both = ordered(condition), ordered(opposite(condition))
    yes, no = ([(labels[p], labels[q], gap) for p, q, gap in own] for own in both)
    return yes, no


OPPOSITES = frozenset({"lt", "le", "gt", "ge"})


def ordered(condition: Map) -> Facts:
    """Read a condition on two axes.

    >>> from eingrad.core.masks import pair_mask
    >>> ordered(pair_mask(1, ("s", "t")).operands[0])
    [(0, 1, 1)]
    """
    sides = [_line(x) for x in condition.operands]
    if condition.function not in OPPOSITES or None in sides:
        return []
    (left, a), (right, b) = (side for side in sides if side is not None)
    total = {k: left.get(k, 0) - right.get(k, 0) for k in {*left, *right}}
    constant = a - b
    if condition.function in {"gt", "ge"}:
        total, constant = {k: -n for k, n in total.items()}, -constant
    total = {k: n for k, n in total.items() if n}
    if sorted(total.values()) != [-1, 1]:
        return []
    lower, upper = sorted(total, key=lambda k: -total[k])
    return [(lower, upper, constant + (condition.function in {"lt", "gt"}))]


def _line(node: Expr) -> tuple[dict[int, int], int] | None:
    """Return a node as a sum of whole multiples of positions along its axes, and a number."""
    match node:
        case Const(value=int() as value):
            return {}, value
        case Indices():
            return {0: 1}, 0
        case Map(function="add", operands=operands):
            parts = [_line(x) for x in operands]
            if None in parts:
                return None
            found: dict[int, int] = {}
            for part in parts:
                for k, n in part[0].items() if part else ():
                    found[k] = found.get(k, 0) + n
            return found, sum(part[1] for part in parts if part)
        case Einsum(operands=operands, inputs=inputs, output=output):
            factor = 1
            line: tuple[dict[int, int], int] = {}, 1
            for x, labels in zip(operands, inputs, strict=True):
                own = _line(x)
                if own is None or not {*labels} <= {*output}:
                    return None
                if not own[0] and not labels:
                    factor *= own[1]
                elif line != ({}, 1):
                    return None
                else:
                    line = {output.index(labels[k]): n for k, n in own[0].items()}, own[1]
            return {k: factor * n for k, n in line[0].items()}, factor * line[1]
    return None


__all__ = [
    "Facts",
    "Guard",
    "Guards",
    "case_guards",
    "kept_guards",
    "label_guards",
    "operand_guards",
    "ordered",
    "shifted_guards",
]
