"""Conditions that need not be written: another one around them says the same, or the range does.

``where(i >= 1, where(i >= 1, x_i, 0) - x[i-1], 0)`` is ``where(i >= 1, x_i - x[i-1], 0)``, and
``t + 1 != 0`` holds wherever there is a t.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from eingrad.core.functions import COMPARED
from eingrad.core.masks import ALWAYS, RELATIONS, turned
from eingrad.notation.summation import children, rebuilt, walk
from eingrad.notation.syntax import (
    Call,
    Compare,
    Formula,
    Number,
    Ordinal,
    Power,
    Product,
    SizeOf,
    Sum,
    Symbol,
)


@dataclass(frozen=True, slots=True)
class PlaceLine:
    """``slope * place + constant + size * extent`` of one label."""

    label: str = ""
    slope: Fraction = Fraction(0)
    constant: Fraction = Fraction(0)
    size: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class PlaceRange:
    """The places of a label from ``first`` to the extent less ``behind``, which is not reached."""

    first: Fraction = Fraction(0)
    behind: Fraction = Fraction(0)


def under(formula: Formula, conditions: Sequence[Compare]) -> Formula:
    """Return a formula without conditions that hold wherever others do; what is chosen where they
    never hold is left out.

    >>> from eingrad.notation.syntax import Symbol
    >>> later = Compare(">=", Ordinal("i"), Number(1))
    >>> x_i = Symbol("x", ("i",))
    >>> under(Call("where", (later, x_i, Number(0))), [later]) == x_i
    True
    """
    if isinstance(formula, Call) and formula.function == "where":
        condition = formula.args[0]
        holds = decided(condition, conditions) if isinstance(condition, Compare) else None
        if holds is not None:
            return under(formula.args[1 if holds else 2], conditions)
    if not isinstance(formula, Product | Sum | Power | Call):
        return formula
    if isinstance(formula, Call):
        outer = [c for c in conditions if _labels(c).isdisjoint(formula.axes)]
        conditions = [*outer, *formula.conditions]
    parts = [x if isinstance(x, Compare) else under(x, conditions) for x in children(formula)]
    return rebuilt(formula, parts)


def decided(condition: Compare, others: Iterable[Compare] = ()) -> bool | None:
    """Return whether a condition holds wherever others do; False if nowhere, None if here and
    there."""
    others = tuple(others)
    if condition in others:
        return True
    line = _difference(condition)
    if line is None or not line.label:
        return None
    within = PlaceRange()
    for other in others:
        within = _narrowed(within, other, line.label)
    possible = _relations_to_zero(line, within)
    own = RELATIONS[COMPARED[condition.op]]
    if possible & own == possible:
        return True
    return None if possible & own else False


def _relations_to_zero(line: PlaceLine, within: PlaceRange) -> int:
    """Return the relations to 0 that a line may have in a range, whatever the extent."""
    least = max(Fraction(1), within.first + within.behind + 1)
    ends = (
        (line.slope * within.first + line.constant, line.size),
        (line.constant - line.slope * (within.behind + 1), line.size + line.slope),
    )
    bits = ALWAYS
    for sign, without in ((1, "lt"), (-1, "gt")):
        values = [sign * (at + grows * least) for at, grows in ends]
        if all(sign * grows >= 0 for _, grows in ends) and min(values) >= 0:
            bits &= ALWAYS - RELATIONS[without]
            bits &= ALWAYS - (RELATIONS["eq"] if min(values) > 0 else 0)
    return bits


def _narrowed(within: PlaceRange, condition: Compare, label: str) -> PlaceRange:
    """Return the part of a label's range where a condition holds, as far as that is a range."""
    line = _difference(condition)
    if line is None or line.label != label or abs(line.slope) != 1:
        return within
    bits = RELATIONS[COMPARED[condition.op]]
    if line.slope < 0:  # of k - t < 0 the other way round
        bits = turned(bits)
    constant, size = -line.constant / line.slope, -line.size / line.slope  # t against these
    strict = Fraction(not bits & 2)
    first, behind = within.first, within.behind
    if bits in (4, 6) and size == 0:
        first = max(first, constant + strict)
    elif bits in (1, 3) and size == 1:
        behind = max(behind, -constant - 1 + strict)
    elif bits == RELATIONS["ne"] and size == 0 and constant == first:
        first += 1
    elif bits == RELATIONS["ne"] and size == 1 and -constant == behind + 1:
        behind += 1
    return PlaceRange(first, behind)


def _difference(condition: Compare) -> PlaceLine | None:
    """Return the left side less the right one, where they speak of one label alone."""
    left, right = _line(condition.left), _line(condition.right)
    return None if left is None or right is None else _plus(left, right, -1)


def _plus(a: PlaceLine, b: PlaceLine, sign: int) -> PlaceLine | None:
    if a.label and b.label and a.label != b.label:
        return None
    return PlaceLine(
        a.label or b.label, a.slope + sign * b.slope, a.constant + sign * b.constant,
        a.size + sign * b.size,
    )  # fmt: skip


def _line(side: Formula) -> PlaceLine | None:
    match side:
        case Number(value=int() | Fraction() as value):
            return PlaceLine(constant=Fraction(value))
        case Ordinal(label=label):
            return PlaceLine(label, slope=Fraction(1))
        case SizeOf(label=label, of=None):
            return PlaceLine(label, size=Fraction(1))
        case Sum(terms=terms, negative=negative):
            total: PlaceLine | None = PlaceLine()
            for term, minus in zip(terms, negative, strict=True):
                line = _line(term)
                total = None if total is None or line is None else _plus(
                    total, line, -1 if minus else 1)  # fmt: skip
            return total
    return None


def _labels(condition: Compare) -> set[str]:
    parts = [*walk(condition)]
    found = {x.label for x in parts if isinstance(x, Ordinal | SizeOf)}
    return found.union(*(x.labels for x in parts if isinstance(x, Symbol)))


__all__ = ["decided", "under"]
