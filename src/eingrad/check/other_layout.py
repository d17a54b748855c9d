"""A Jacobian that a claim has the other way round: ``dy_i/dx_j = W_ji`` for ``W_ij``."""

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
    """Say that a wrong claim is the Jacobian with its axes, or its labels, in the other order.

    With labels that is a mistake: ``dy_i/dx_j`` says which is which. ``claim`` is None where the
    labels fit no dimensions as they stand, ``value`` is None for a function of arrays.
    """
    target = question.target
    if not isinstance(target, Derivative) or len(target.wrt) != 1:
        return None
    of, by = target.of, target.wrt[0]
    if not isinstance(of, Symbol) or not of.labels or not by.labels:
        return None
    if value is not None:
        return _exchanged(question, target, of, by, value)
    turned = None if claim is None else _moved(claim, len(of.labels), len(by.labels))
    if turned is None or not _is_right(question, turned):
        return None
    text = f"the axes of {by.name} come first, then those of {of.name} ({NAME})"
    return Diagnosis("assumption", f"right if {text}", assumption=text)


def _exchanged(
    question: Question, target: Derivative, of: Symbol, by: Symbol, value: Formula
) -> Diagnosis | None:
    """Say that a claim has the labels of what is differentiated for those of the variable."""
    above = [x for x in of.labels if x not in by.labels]
    below = [x for x in by.labels if x not in of.labels]
    if not above or len(above) != len(below):
        return None
    pairs = list(zip(above, below, strict=True))
    swap = {**dict(pairs), **{j: i for i, j in pairs}}
    meant = relabelled(value, swap)
    turned = _lowered(question, meant)
    if turned is None or not _is_right(question, turned):
        return None
    changed = " and ".join(f"{i} and {j}" for i, j in pairs)
    text = f"{changed} are exchanged: this is {to_text(relabelled(target, swap))} ({NAME})"
    return Diagnosis("transposed", text, meant)


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
