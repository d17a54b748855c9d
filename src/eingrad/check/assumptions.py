"""Assumptions under which a wrong claim may be right: rows that sum to 1, symmetry, one-hot."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from eingrad.check.compare import PLANS, Claim, agrees, agrees_everywhere
from eingrad.check.points import Condition, Point
from eingrad.check.question import Question
from eingrad.core.evaluate import Array
from eingrad.core.expr import Var
from eingrad.derivation.labels import Names, fresh_letter
from eingrad.errors import EingradError
from eingrad.notation.syntax import Symbol
from eingrad.notation.text import call_head, to_text


@dataclass(frozen=True)
class Assumption:
    """What is assumed, in words or notation, and how to make an input satisfy it."""

    text: str
    condition: Condition

    def point(self, question: Question) -> Point | None:
        """Return a point at which it holds, None if the model has no values there."""
        try:
            return question.points.point(question.points.apart(1), 1, self.condition)
        except EingradError:
            return None

    def holds(self, question: Question, claim: Claim) -> bool:
        """Whether a claim is right wherever the assumption holds."""
        try:
            return agrees_everywhere(claim, question.right, question.points, self.condition)
        except EingradError:
            return False


def assumptions(
    question: Question, names: Sequence[str], kinds: Sequence[str]
) -> Iterator[Assumption]:
    """Yield what may be assumed about one input, of those that the model leaves free."""
    points = question.points
    for kind in kinds:
        for name in names:
            if name not in points.ranges and name not in points.fixed:
                yield from _about(question.derived.system.inputs[name], question, kind)


def assumption_for(
    question: Question, claim: Claim, names: Sequence[str], kinds: Sequence[str]
) -> Assumption | None:
    """Return an assumption about one input under which a claim is right.

    A claim that is right at some points is wrong on one side of a kink, say, which a sign may
    explain; that anything else is assumed there would be an accident.
    """
    signs = "positive" in kinds
    if not signs and any(_agrees_by_chance(question, claim, plan) for plan in range(PLANS)):
        return None
    for assumption in assumptions(question, names, kinds):
        point = assumption.point(question)
        if point is None or not agrees(claim, question.right, point):
            continue
        if assumption.holds(question, claim):
            return assumption
    return None


def _agrees_by_chance(question: Question, claim: Claim, plan: int) -> bool:
    """Whether a claim is right at a point that satisfies nothing more than the model asks for."""
    point = question.points.standard(plan)
    return bool(point.value(question.right).any()) and agrees(claim, question.right, point)


def _about(x: Var, question: Question, kind: str) -> Iterator[Assumption]:
    labels = _letters(question.derived.system.labels[x.name])
    shown = to_text(Symbol(x.name, labels))
    axes = range(x.ndim)
    match kind:
        case "sum":
            for k in axes:
                head = call_head("sum", (labels[k],))
                yield Assumption(f"{head}({shown}) = 1", _on(x, partial(_sum_to_one, axis=k)))
        case "symmetric":
            for p in axes:
                for q in range(p):
                    if x.dims[p] == x.dims[q]:
                        swapped = list(labels)
                        swapped[p], swapped[q] = labels[q], labels[p]
                        text = f"{shown} = {to_text(Symbol(x.name, tuple(swapped)))}"
                        yield Assumption(text, _on(x, partial(_symmetric, p=p, q=q)))
        case "unit":
            if x.ndim == 1:
                yield Assumption(f"{shown} {shown} = 1", _on(x, _normalised))
        case "orthogonal":
            if x.ndim == 2 and x.dims[0] == x.dims[1]:
                i, j = labels
                other = fresh_letter(i, labels, Names())
                partner = to_text(Symbol(x.name, (other, j)))
                text = f"{shown} {partner} = {to_text(Symbol('delta', (i, other)))}"
                yield Assumption(text, _on(x, _orthogonal))
        case "one-hot":
            for k in axes:
                text = f"{shown} is one-hot along {labels[k]}"
                yield Assumption(text, _on(x, partial(_one_hot, axis=k)))
        case "positive":
            yield Assumption(f"{shown} > 0", _on(x, np.abs))
            yield Assumption(f"{shown} < 0", _on(x, lambda value: -np.abs(value)))


def _on(x: Var, change: Callable[[Array], Array]) -> Condition:
    def condition(name: str, value: Array) -> Array:
        return change(value) if name == x.name else value

    return condition


def _letters(labels: Sequence[str]) -> tuple[str, ...]:
    result: list[str] = []
    for letter in labels:
        used = [*labels, *result]
        result.append(fresh_letter(letter, used, Names()) if letter in result else letter)
    return tuple(result)


def _sum_to_one(x: Array, axis: int) -> Array:
    if (x > 0).all():
        return np.asarray(x / x.sum(axis, keepdims=True))
    return np.asarray(x + (1 - x.sum(axis, keepdims=True)) / x.shape[axis])


def _normalised(x: Array) -> Array:
    return np.asarray(x / np.linalg.norm(x))


def _orthogonal(x: Array) -> Array:
    return np.linalg.qr(x)[0]


def _symmetric(x: Array, p: int, q: int) -> Array:
    return np.asarray((x + np.swapaxes(x, p, q)) / 2)


def _one_hot(x: Array, axis: int) -> Array:
    """Put 1 at places that x itself decides, 0 elsewhere."""
    rng = np.random.default_rng(zlib.crc32(np.ascontiguousarray(x).tobytes()))
    moved = np.moveaxis(np.zeros_like(x), axis, -1)
    chosen = rng.integers(0, x.shape[axis], moved.shape[:-1])
    return np.moveaxis(np.eye(x.shape[axis])[chosen], -1, axis)
