"""What is wrong with a function of arrays, told from its values alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from eingrad.calculus.expand import expand
from eingrad.calculus.structure import is_sum
from eingrad.check.candidates import Candidates
from eingrad.check.compare import Claim, agrees, agrees_everywhere
from eingrad.check.points import Point
from eingrad.check.question import Question
from eingrad.core.evaluate import Array
from eingrad.core.expr import Expr
from eingrad.core.later import np
from eingrad.derivation.labels import to_formula
from eingrad.errors import EingradError
from eingrad.notation.syntax import Formula, Number
from eingrad.notation.text import to_text

Change = Callable[[Array, Point], Array]


@dataclass(frozen=True)
class Changed:
    """A claim with its values changed."""

    claim: Claim
    change: Change

    @property
    def numbers(self) -> Sequence[float]:
        """The numbers in the text of the claim."""
        return self.claim.numbers

    def value(self, point: Point, dtype: Any = float) -> Array:
        """Return the changed value; one that cannot be computed is as wrong as NaN."""
        try:
            return np.asarray(self.change(self.claim.value(point, dtype), point))
        except ValueError:  # shapes that do not fit
            return np.full((), np.nan)


def array_mistake(question: Question, claim: Claim) -> tuple[str, str] | None:
    """Return the likeliest mistake in a function's values: (mistake, reason)."""
    first = question.points.standard(0)
    for mistake, reason, change in (*_shapes(question, first, claim), *_parts(question)):
        changed = Changed(claim, change)
        if agrees(changed, question.right, first) and agrees_everywhere(
            changed, question.right, question.points
        ):
            return mistake, reason
    return None


def _shapes(question: Question, point: Point, claim: Claim) -> Iterator[tuple[str, str, Change]]:
    """Yield axes in another order, an axis of size 1, an axis that was not summed."""
    value, right = claim.value(point), point.value(question.right)
    labels = ", ".join(question.labels)
    if value.ndim == right.ndim:
        for order in permutations(range(value.ndim)):
            if order != tuple(range(value.ndim)):
                yield "transposed", f"the axes are in another order than {labels}", _moved(order)
    shape = f"the shape is {value.shape}, not {right.shape}"
    yield "shape", shape, lambda x, p: x.reshape(p.value(question.right).shape)
    for axis in range(value.ndim):
        if value.ndim == right.ndim + 1:
            yield "sum", f"axis {axis} is not summed", _folded(np.sum, axis)
            yield "sum", f"axis {axis} is not averaged", _folded(np.mean, axis)


def _moved(order: tuple[int, ...]) -> Change:
    return lambda x, _: x.transpose(order)


def _folded(fold: Callable[..., Array], axis: int) -> Change:
    return lambda x, _: fold(x, axis=axis)


def _parts(question: Question) -> Iterator[tuple[str, str, Change]]:
    """Yield what the right formula has as a factor or term and the function may lack."""
    pools = Candidates(question, Number(0))
    for activation in pools.activations.values():
        for slope in activation.derivatives:
            expr = _lowered(question, slope)
            if expr is not None:
                text = f"the derivative of {activation.function}, {to_text(slope)},"
                yield "activation-derivative", f"{text} is missing", _times(expr)
                yield "activation-derivative", f"{text} is there once too often", _times(expr, -1)
    for term, formula in terms_of_right(question):
        text = signed(formula)
        yield "term", f"the term {text} is missing", _plus(term)
        yield "sign", f"the sign of the term {text} is wrong", _plus(term, 2)


def terms_of_right(question: Question) -> list[tuple[Expr, Formula]]:
    """Return the terms of the right formula, multiplied out; none where it is no sum."""
    if question.name not in question.derived.titles:
        return []
    total = expand(question.derived.unfolded(question.name))
    names = question.derived.names
    terms = total.operands if is_sum(total) else ()
    return [(x, to_formula(x, question.labels, names)) for x in terms if x.ndim == total.ndim]


def signed(term: Formula) -> str:
    """Write a term with its sign before it."""
    text = to_text(term)
    return f"- {text[1:]}" if text.startswith("-") else f"+ {text}"


def lacking(claim: Claim, terms: Sequence[Expr]) -> Changed:
    """Return a claim to which terms are added."""
    return Changed(claim, lambda x, point: sum((point.value(t) for t in terms), x))


def _lowered(question: Question, formula: Formula) -> Expr | None:
    question.derived.learn(formula)
    try:
        return question.lowered(formula)
    except EingradError:
        return None


def _times(expr: Expr, exponent: int = 1) -> Change:
    return lambda x, point: x * point.value(expr) ** exponent


def _plus(expr: Expr, times: int = 1) -> Change:
    return lambda x, point: x + times * point.value(expr)
