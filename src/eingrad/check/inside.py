"""A claim that reads outside, as behind the last entry: judged where all its entries exist."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from eingrad.check.compare import ExprClaim, agrees_everywhere
from eingrad.check.question import Question
from eingrad.core.expr import Dim
from eingrad.notation.summation import labels_of, walk
from eingrad.notation.syntax import (
    Call,
    Compare,
    Formula,
    Number,
    Offset,
    Ordinal,
    SizeOf,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.text import label_text


def where_all_exist(question: Question, value: Formula) -> tuple[Formula, str] | None:
    """Return a right side that says nothing where it reads outside, and the condition in words.

    None where it never does.
    """
    bound = {x for part in walk(value) if isinstance(part, Call) for x in part.axes}
    reach: dict[tuple[str, bool], int] = {}  # by label and whether behind the last
    for label, by in _reads(value):
        if label in question.labels and label not in bound and by:
            side = label, by > 0
            reach[side] = max(abs(by), reach.get(side, 0))
    words = []
    for (label, is_behind), by in sorted(reach.items(), key=lambda item: not item[0][1]):
        end = Sum((SizeOf(label), Number(by)), (False, True)) if is_behind else Number(by)
        condition = Compare("<" if is_behind else ">=", Ordinal(label), end)
        value = Call("where", (condition, value, question.target))
        name, sign = label_text(label), "+" if is_behind else "-"
        which = ("the last" if is_behind else "the first") + ("" if by == 1 else f" {by}")
        words.append(f"{name} is not {which}, where {name}{sign}{by} is outside")
    return (value, " and ".join(words)) if words else None


def holds_inside(question: Question, value: Formula) -> str | None:
    """Return the condition under which a wrong claim is right; None where it is wrong inside."""
    found = where_all_exist(question, value)
    if found is None:
        return None
    if not _is_right(question, found[0]) or _is_right(question, _off_by_one(question, found[0])):
        return None  # where it says nothing at all, whatever it says is right
    return found[1]


def nothing_inside(question: Question, value: Formula) -> str | None:
    """Return that a claim that is right reads outside at each entry of which it speaks, where 0 is
    read: the last one, ``dL/dh[T] = h[T] + w h[T+1]``; None where some of its entries exist."""
    found = where_all_exist(question, value)
    if found is None or not _is_right(question, _off_by_one(question, found[0])):
        return None
    return f"it is judged where {found[1]}, and it speaks of no such entry"


def _is_right(question: Question, value: Formula) -> bool:
    claim = ExprClaim(question.lowered(value))
    return agrees_everywhere(claim, question.right, question.points)


def _off_by_one(question: Question, value: Formula) -> Formula:
    """Return a right side with 1 more wherever it says something else than the target itself."""
    target = question.target
    if isinstance(value, Call) and value.function == "where" and value.args[2] == target:
        condition, own, _ = value.args
        return replace(value, args=(condition, _off_by_one(question, own), target))
    return Sum((value, Number(1)), (False, False))


def holds_behind_the_first(question: Question, value: Formula) -> str | None:
    """Return the condition under which a wrong claim is right: but at the first entries, where a
    statement says what a recurrence is; None where there are none, or it is wrong behind them."""
    given: dict[Dim, int] = {}
    for definition in question.derived.system.definitions.values():
        for edge in definition.written.edges if definition.written is not None else ():
            if edge.sign == "==":
                dim = definition.var.dims[edge.axis]
                given[dim] = max(given.get(dim, 0), edge.number + 1)
    pairs = zip(question.labels, question.right.dims, strict=False)
    found = where_all_exist(question, value)
    for label, dim in pairs:
        for count in range(1, given.get(dim, 0) + 1):
            own = value if found is None else found[0]
            condition = Compare(">=", Ordinal(label), Number(count))
            inside = Call("where", (condition, own, question.target))
            if _is_right(question, inside) and not _is_right(
                question, _off_by_one(question, inside)
            ):
                first = "the first" if count == 1 else f"one of the first {count}"
                words = f"{label_text(label)} is not {first}, which a statement of its own says"
                return words if found is None else f"{words}, and {found[1]}"
    return None


def _reads(value: Formula) -> Iterator[tuple[str, int]]:
    """Yield the labels that are moved, and how far."""
    for part in walk(value):
        if isinstance(part, Symbol) and part.moves:
            yield from zip(labels_of(part), part.moves, strict=True)
        elif isinstance(part, TensorAt):
            for entry in part.entries:
                if isinstance(entry, Offset) and len(entry.terms) == 1 and entry.terms[0][0] == 1:
                    yield entry.terms[0][1], entry.constant


__all__ = ["holds_behind_the_first", "holds_inside", "nothing_inside", "where_all_exist"]
