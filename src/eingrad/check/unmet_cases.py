"""Cases of a claim in which nothing is compared: ``7 for x < 0`` where the model has no value."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from eingrad.check.kinks import points_beside
from eingrad.check.points import Point
from eingrad.check.question import Question
from eingrad.core.expr import Expr
from eingrad.core.later import np
from eingrad.errors import EingradError
from eingrad.notation.summation import walk
from eingrad.notation.syntax import Call, Formula, Number, SizeOf
from eingrad.notation.text import to_text

ALL, NOTHING = Number(1), Number(0)
FREE = 4  # points at which a condition is looked at whatever the model is there


def unmet_case(question: Question, value: Formula) -> str | None:
    """Return why a claim that is right wherever it was compared has a case that no entry meets.

    It does if it says nothing but there, or if the case is one of numbers that the model has no
    value for, or of an extent. A single point, ``0 & x = 0``, is met by no number drawn.
    """
    cases = list(_cases(question, value))
    if len(cases) == 1 and cases[0][0] is None:
        return None
    lowered = [question.lowered(inside) for _, inside in cases]
    unmet = [k for k, inside in enumerate(lowered) if not _is_met(question, inside, value)]
    alone = _says_nothing_else(question, value) and len(unmet) == len(cases)
    for k in unmet:
        text, inside = cases[k]
        if alone or _of_extents(inside) or _is_free_to_hold(question, lowered[k]):
            words = "its last case is meant" if text is None else text
            return f"nothing can be compared where {words}: no entry tried has a value there"
    return None


def _cases(
    question: Question, value: Formula, before: Formula = ALL
) -> Iterator[tuple[str | None, Formula]]:
    """Yield the condition of each case in words, and a formula that is 1 where it is the one."""
    if isinstance(value, Call) and value.function == "where":
        condition, inside, outside = value.args
        own = Call("where", (condition, before, NOTHING))
        text = to_text(condition)
        yield from _within(question, inside, own, text)
        if outside != NOTHING:  # what is outside counts as 0
            yield from _cases(question, outside, Call("where", (condition, NOTHING, before)))
    elif not _is_target(question, value):
        yield None, before


def _within(
    question: Question, inside: Formula, own: Formula, text: str
) -> Iterator[tuple[str | None, Formula]]:
    """Yield the cases inside one: of conditions that all must hold."""
    for deeper, formula in _cases(question, inside, own):
        yield text if deeper is None else f"{text} and {deeper}", formula


def _says_nothing_else(question: Question, value: Formula) -> bool:
    """Whether a claim leaves the target itself wherever its conditions do not hold."""
    if isinstance(value, Call) and value.function == "where":
        return _says_nothing_else(question, value.args[2])
    return _is_target(question, value)


def _is_target(question: Question, value: Formula) -> bool:
    """Whether a formula is the target itself, as it is written or as it is judged."""
    return value in (question.target, question.restored(question.target))


def _of_extents(inside: Formula) -> bool:
    """Whether conditions speak of how long an axis is, of which not all lengths are tried."""
    return any(isinstance(x, SizeOf) for x in walk(inside))


def _is_met(question: Question, inside: Expr, value: Formula) -> bool:
    """Whether an entry of a point at which formulas are compared is in a case."""
    points, claim = question.points, question.lowered(value)
    roots = [question.right, claim]
    standard = (points.standard(plan) for plan in range(FREE))
    wide = filter(None, [points.wide])
    tried = chain(
        standard, wide, points.in_cases(*roots), points_beside(points, roots),
        points.of_extents(*roots), points.at_places(*roots),
    )  # fmt: skip
    return any(_holds(inside, point) for point in tried if _is_finite(claim, point))


def _is_free_to_hold(question: Question, inside: Expr) -> bool:
    """Whether numbers meet a case where nothing is asked of the model's values."""
    return any(_holds(inside, point) for point in question.points.free(FREE))


def _holds(inside: Expr, point: Point) -> bool:
    try:
        return bool((point.value(inside) == 1).any())
    except EingradError:
        return False


def _is_finite(claim: Expr, point: Point) -> bool:
    return bool(np.isfinite(point.value(claim)).all())


__all__ = ["unmet_case"]
