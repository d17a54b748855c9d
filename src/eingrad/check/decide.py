"""The decision: a claim against what eingrad derives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eingrad.calculus.simplify import simplify
from eingrad.calculus.structure import cost
from eingrad.check.compare import Claim, ExprClaim, agrees_everywhere, counterexample
from eingrad.check.derived import Derived
from eingrad.check.diagnose import Diagnosis, diagnose, diagnose_label
from eingrad.check.function import FunctionClaim, target_for
from eingrad.check.question import Question
from eingrad.check.verdict import Verdict
from eingrad.core.algebra import is_zero, subtract
from eingrad.core.expr import Expr
from eingrad.errors import EingradError, NotationError
from eingrad.notation.parse import parse_claim
from eingrad.notation.syntax import Assignment, Formula
from eingrad.notation.text import to_text

PROVABLE = 400.0  # a difference longer than this is not simplified


def check(
    derived: Derived,
    claim: str | Assignment | Callable[..., Any],
    of: str | None = None,
    wrt: str | Sequence[str] | None = None,
) -> Verdict:
    """Say whether a claim is right: a line of notation, or a function with what it computes.

    ``derived`` is the model; it remembers what was derived for the claims before.
    Raises EingradError where the claim has no meaning in this model.
    """
    if isinstance(claim, str):
        claim = parse_claim(claim, set(derived.system.labels))
    if isinstance(claim, Assignment):
        if of is not None or wrt is not None:
            raise EingradError("a claim in notation says itself what it is about: no of, no wrt")
        return check_formula(derived, claim)
    if of is None:
        raise EingradError(
            "what does the function compute?", hint='for the gradient dL/dW: of="L", wrt="W"'
        )
    names = [None] if wrt is None else [wrt] if isinstance(wrt, str) else list(wrt)
    verdicts = [check_function(derived, claim, of, name) for name in names]
    return next((v for v in verdicts if not v.ok), verdicts[0])


def check_formula(derived: Derived, claim: Assignment) -> Verdict:
    """Say whether a formula is right."""
    question = Question.about(derived, claim.target)
    derived.learn(claim.value)
    text = to_text(claim)
    try:
        expr = question.lowered(claim.value)
    except NotationError as error:
        return _meaningless(question, claim, error)
    own = ExprClaim(expr)
    if agrees_everywhere(own, question.right, question.points):
        return _right(question, text, is_proved(question, expr))
    shown = question.inputs_below(expr, question.right)
    return _wrong(question, own, text, shown, claim.value)


def check_function(
    derived: Derived, fn: Callable[..., Any], of: str, wrt: str | None = None
) -> Verdict:
    """Say whether a function computes a tensor of the model, or a derivative of one."""
    system = derived.system
    target = target_for(system, of, [] if wrt is None else [wrt])
    question = Question.about(derived, target)
    claim = FunctionClaim(fn, target, system)
    text = f"{claim.title} computes {to_text(target)}"
    if agrees_everywhere(claim, question.right, question.points):
        return _right(question, text, proved=False)
    return _wrong(question, claim, text, list(system.inputs))


def _right(question: Question, text: str, proved: bool) -> Verdict:
    if proved:
        reason, proof = "equal by algebra", "algebra"
    else:
        reason, proof = "equal at random points of several sizes", "evaluation"
    return Verdict(True, text, reason, question.correct, proof=proof)


def _wrong(
    question: Question, claim: Claim, text: str, shown: list[str], value: Formula | None = None
) -> Verdict:
    example = counterexample(claim, question.right, question.points, question.labels, shown)
    found = diagnose(question, claim, value, shown)
    if found is None:
        found = Diagnosis("unknown", "the values differ")
    return Verdict(
        False, text, found.reason, question.correct, example, found.mistake,
        _fixed(question, found), found.assumption,
    )  # fmt: skip


def _meaningless(question: Question, claim: Assignment, error: NotationError) -> Verdict:
    """Speak about a claim that has no value anywhere, because labels do not fit together.

    Raises the error where it is not known what was meant.
    """
    clash = "stand for two dimensions" in error.reason
    if clash:
        found = diagnose(question, None, claim.value, [])
        found = found or Diagnosis("shape", "shapes do not fit")
    elif "occurs once" in error.reason:
        found = diagnose_label(question, claim.value)
    else:
        found = None
    if found is None:
        raise error
    return Verdict(
        False, to_text(claim), f"{found.reason} ({error.reason})", question.correct, None,
        found.mistake, _fixed(question, found),
    )  # fmt: skip


def _fixed(question: Question, found: Diagnosis) -> str | None:
    target = found.target or question.target
    return None if found.value is None else to_text(Assignment(target, found.value))


def is_proved(question: Question, claimed: Expr) -> bool:
    """Whether the rules of algebra show that a claim equals the right formula."""
    derived = question.derived
    a, b = derived.whole(claimed), derived.whole(question.right)
    if a is b:
        return True
    difference = subtract(a, b)
    return cost(difference) <= PROVABLE and is_zero(simplify(difference, derived.system.facts))
