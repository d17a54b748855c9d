"""A Jacobian that a claim lays out the other way round: ``dy_i/dx_j = W_ji`` for ``W_ij``."""

from __future__ import annotations

from eingrad.check.array_claims import Changed
from eingrad.check.compare import Claim, ExprClaim, agrees, agrees_everywhere
from eingrad.check.diagnose import Diagnosis
from eingrad.check.question import Question
from eingrad.check.tree import relabelled
from eingrad.errors import MemoryLimitError, NotationError
from eingrad.notation.syntax import Derivative, Formula, Symbol
from eingrad.notation.text import to_text

NAME = "denominator layout"  # eingrad's own is the other: what is differentiated stands first


def in_other_layout(
    question: Question, claim: Claim | None, value: Formula | None
) -> Diagnosis | None:
    """Say that a wrong claim is right where the labels of a Jacobian change places.

    ``claim`` is None where the labels fit no dimensions as they stand, ``value`` is None for a
    function of arrays.
    """
    target = question.target
    if not isinstance(target, Derivative) or len(target.wrt) != 1:
        return None
    of, by = target.of, target.wrt[0]
    if not isinstance(of, Symbol) or not of.labels or not by.labels:
        return None
    if value is None:
        text = f"the axes of {by.name} come first, then those of {of.name} ({NAME})"
        turned = None if claim is None else _moved(claim, len(of.labels), len(by.labels))
    else:
        above = [x for x in of.labels if x not in by.labels]
        below = [x for x in by.labels if x not in of.labels]
        if not above or len(above) != len(below):
            return None
        swap = {**dict(zip(above, below, strict=True)), **dict(zip(below, above, strict=True))}
        other = relabelled(target, swap)
        assert isinstance(other, Derivative)
        of_text, by_text = to_text(other.of), to_text(other.wrt[0])
        text = f"{to_text(target)} is the derivative of {of_text} by {by_text} ({NAME})"
        turned = _lowered(question, relabelled(value, swap))
    if turned is None or not _is_right(question, turned):
        return None
    return Diagnosis("assumption", f"right if {text}", assumption=text)


def _moved(claim: Claim, of: int, by: int) -> Claim:
    """Return a function's claim with the axes of what is differentiated in front."""
    order = (*range(by, by + of), *range(by))
    return Changed(claim, lambda x, _: x.transpose(order))


def _lowered(question: Question, value: Formula) -> Claim | None:
    try:
        return ExprClaim(question.lowered(value))
    except NotationError:
        return None


def _is_right(question: Question, claim: Claim) -> bool:
    right, points = question.right, question.points
    try:
        near = agrees(claim, right, points.standard(0))
        return near and agrees_everywhere(claim, right, points)
    except MemoryLimitError:
        return False


__all__ = ["in_other_layout"]
