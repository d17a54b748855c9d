"""Formulas for some of the entries: case distinctions, and functions over those that are left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from eingrad.core.functions import COMPARED, COMPARISONS
from eingrad.derivation.assemble import number
from eingrad.derivation.implied_conditions import decided, under
from eingrad.notation.places import compared
from eingrad.notation.resolve import FILLED
from eingrad.notation.syntax import Call, Compare, Formula, Number, Ordinal, SizeOf, Sum


def distinguished(formula: Formula, conditions: Sequence[Compare]) -> Formula:
    """Return a formula where conditions hold, else 0; its sign stays before it."""
    if isinstance(formula, Sum) and len(formula.terms) == 1:
        return replace(formula, terms=(distinguished(formula.terms[0], conditions),))
    for condition in reversed(conditions):
        if not decided(condition):
            inner = under(formula, [condition])
            formula = Call("where", (condition, inner, Number(0)))
    return formula


def on_axis(letter: str, by: int) -> Compare:
    """Write that a letter, moved, is on its axis."""
    here, end = Ordinal(str.__str__(letter)), SizeOf(str.__str__(letter))
    if by < 0:
        return Compare(">=", here, number(-by))
    return Compare("<", here, Sum((end, number(by)), (False, True)))


def inside_axis(formula: Formula, letter: str, by: int, outside: Formula) -> Formula:
    """Write a formula where a letter, moved, is on its axis, and something else outside."""
    condition = on_axis(letter, by)
    return Call("where", (condition, under(formula, [condition]), outside))


def in_alphabet(compare: Compare) -> Compare:
    """Write ``i != j`` for ``j != i``, and the label of ``2 < i`` first."""
    left, right = compare.left, compare.right
    both = isinstance(left, Ordinal) and isinstance(right, Ordinal)
    turn = both and compare.op in {"!=", "=="} and left.label > right.label  # type: ignore[union-attr]
    if turn or (isinstance(right, Ordinal) and not isinstance(left, Ordinal)):
        op = COMPARISONS[COMPARISONS[COMPARED[compare.op]].turned].sign
        return replace(compare, op=op, left=right, right=left)
    return compare


def bound_first(compare: Compare, axes: Sequence[str]) -> Compare:
    """Write ``j != i`` where j is bound and i is not."""
    left, right = compare.left, compare.right
    if not (isinstance(left, Ordinal) and isinstance(right, Ordinal)):
        return compare
    turn = compare.op == "!=" and right.label in axes and left.label not in axes
    return replace(compare, left=right, right=left) if turn else compare


def over_some(function: str, arg: Formula, axes: Sequence[str]) -> Call | None:
    """Return ``max_{j != i}(x_j)`` for ``max_j(where(j != i, x_j, -inf))``; None of others."""
    least = number(FILLED.get(function, 0))
    conditions: list[Compare] = []
    while isinstance(arg, Call) and arg.function == "where" and arg.args[2] == least:
        condition = arg.args[0]
        if not isinstance(condition, Compare):
            return None
        conditions.append(condition)
        arg = arg.args[1]
    call = Call(function, (arg,), tuple(axes), None, tuple(conditions))
    known = function in FILLED or function == "norm"
    return call if known and not {*axes}.isdisjoint(compared(call)) else None


__all__ = [
    "bound_first", "distinguished", "in_alphabet", "inside_axis", "on_axis", "over_some",
]  # fmt: skip
