"""Assumptions under which a wrong claim may be right: rows that sum to 1, symmetry, one-hot."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, islice

from eingrad.check.compare import Claim, ExprClaim, agrees, agrees_everywhere, agrees_in_cases
from eingrad.check.points import PLANS, Condition, Point
from eingrad.check.question import Question
from eingrad.core.algebra import add, einsum, subtract
from eingrad.core.evaluate import Array
from eingrad.core.expr import Delta, Expr, Map, Var, postorder
from eingrad.core.later import np
from eingrad.derivation.author_letters import Names, fresh_letter
from eingrad.errors import EingradError
from eingrad.notation.syntax import Derivative, Symbol
from eingrad.notation.text import call_head, to_text

MOST_PAIRS = 10
OF_POINTS = (
    "sum",
    "unit",
    "orthogonal",
)  # which pin values down: a derivative is taken around them
SOME_DRAWS, FEW_DRAWS = 16, 4  # for a point at which one thing is assumed, or many at once


@dataclass(frozen=True)
class InputAssumption:
    """What is assumed, in words or notation, and how to make an input satisfy it.

    All that have one ``kind``, of different inputs, can hold together. What is right where ``less``
    holds owes it to that: x^2 = x for all of 0 and 1, not for one-hot rows alone.
    """

    text: str
    condition: Condition
    kind: Hashable
    less: Condition | None = None

    def point(self, question: Question) -> Point | None:
        """Return a point at which it holds, None if the model has no values there."""
        return _point(question, self.text, self.condition)

    def holds(self, question: Question, claim: Claim) -> bool:
        """Whether a claim is right wherever the assumption holds."""
        try:
            return agrees_everywhere(
                claim, question.right, question.points, self.condition
            ) and agrees_in_cases(claim, question.right, question.points, self.condition)
        except EingradError:
            return False


class Kinds:
    """Assumptions by their kinds: what is right wherever one of a kind holds is right where all
    hold, so that one point refutes them all."""

    def __init__(self, question: Question, found: Sequence[InputAssumption]) -> None:
        self.question = question
        self.groups: dict[Hashable, list[InputAssumption]] = defaultdict(list)
        for assumption in found:
            self.groups[assumption.kind].append(assumption)
        self.refuted: dict[tuple[Hashable, Claim], set[str]] = {}

    def may_be_right(self, claim: Claim, assumption: InputAssumption) -> bool:
        """Whether a claim is right at a point of an assumption, and where all of its kind hold."""
        key = assumption.kind, claim
        if key not in self.refuted:
            self.refuted[key] = set(self._refuted(claim, self.groups[assumption.kind]))
        if assumption.text in self.refuted[key]:
            return False
        point = assumption.point(self.question)
        if point is None or not agrees(claim, self.question.right, point):
            return False
        if assumption.less is not None:
            other = _point(self.question, ("less", assumption.text), assumption.less)
            if other is not None and agrees(claim, self.question.right, other):
                return False
        return _says_something(self.question, claim, point)

    def _refuted(self, claim: Claim, group: Sequence[InputAssumption]) -> Iterator[str]:
        """Yield the assumptions that a point refutes; where there is none, try half of them."""
        if len(group) < 2:
            return  # the point of that one does as well
        texts = tuple(x.text for x in group)
        point = _point(self.question, texts, _all_of(group), FEW_DRAWS)
        if point is None or not np.isfinite(claim.value(point)).all():
            half = len(group) // 2
            yield from self._refuted(claim, group[:half])
            yield from self._refuted(claim, group[half:])
        elif not agrees(claim, self.question.right, point):
            yield from texts


def _point(
    question: Question, key: Hashable, condition: Condition, draws: int = SOME_DRAWS
) -> Point | None:
    """Return the point of a condition, which is drawn once."""
    points, known = question.points, question.points.assumed
    if key not in known:
        try:
            known[key] = points.point(points.apart(1), 1, condition, draws=draws)
        except EingradError:
            known[key] = None
    return known[key]


def _all_of(parts: Sequence[InputAssumption]) -> Condition:
    def condition(name: str, value: Array) -> Array:
        for part in parts:
            value = part.condition(name, value)
        return value

    return condition


def assumptions(
    question: Question, names: Sequence[str], kinds: Sequence[str], at_points: bool = False
) -> Iterator[InputAssumption]:
    """Yield what may be assumed about one input, of those that the model leaves free; see
    `assumption_for`."""
    points, varied = question.points, frozenset[str]() if at_points else _varied(question)
    inputs = question.derived.system.inputs
    free = [n for n in names if n not in points.ranges and n not in points.fixed]
    for kind in kinds:
        own = [n for n in free if not (kind in OF_POINTS and n in varied)]
        for name in sorted(own, key=lambda n: inputs[n].ndim) if kind == "positive" else own:
            yield from _about(inputs[name], question, kind)
        if kind in {"symmetric", "set"}:
            yield from _together([x for n in free for x in _about(inputs[n], question, kind)])


def _together(single: Sequence[InputAssumption]) -> Iterator[InputAssumption]:
    """Yield two assumptions at once, of covariances, say, and all of them."""
    several = [*islice(combinations(single, 2), MOST_PAIRS), *([single] if len(single) > 2 else [])]
    for parts in several:
        kinds = {part.kind for part in parts}
        kind = kinds.pop() if len(kinds) == 1 else tuple(part.text for part in parts)
        yield InputAssumption(" and ".join(part.text for part in parts), _all_of(parts), kind)


def assumption_at_points(
    question: Question, claim: Claim, names: Sequence[str]
) -> InputAssumption | None:
    """Return an assumption about what one differentiates by, under which a wrong claim has the
    right values: ``sum_i(x_i) = 1`` hides every lost power of the sum."""
    varied = _varied(question)
    return assumption_for(question, claim, [n for n in names if n in varied], OF_POINTS, True)


def _varied(question: Question) -> frozenset[str]:
    """Return the inputs that move with what a target differentiates by."""
    target, derived = question.target, question.derived
    if not isinstance(target, Derivative):
        return frozenset()
    return frozenset(question.inputs_below(*(derived.tensor(x.name) for x in target.wrt)))


def assumption_for(
    question: Question, claim: Claim, names: Sequence[str], kinds: Sequence[str],
    at_points: bool = False,
) -> InputAssumption | None:  # fmt: skip
    """Return an assumption about one input under which a claim is right, of what one differentiates
    by one that holds around a point, too, unless ``at_points``.

    A claim that is right at some points is wrong on one side of a kink, say, which a sign may
    explain; that anything else is assumed there would be an accident.
    """
    if any(_agrees_by_chance(question, claim, plan) for plan in range(PLANS)):
        kinds = [kind for kind in kinds if kind in {"positive", "set", "definite"}]
    if isinstance(claim, ExprClaim) and _has_cases(claim.expr):
        kinds = [kind for kind in kinds if kind != "positive"]
    found = list(assumptions(question, names, kinds, at_points))
    groups = Kinds(question, found)
    for assumption in found:
        if groups.may_be_right(claim, assumption) and assumption.holds(question, claim):
            return assumption
    return None


def _says_something(question: Question, claim: Claim, point: Point) -> bool:
    """Whether what a claim has wrong elsewhere is more than 0 where it is right."""
    free = question.points.standard(1)  # its sizes are those of the point at which it is right
    a, b = claim.value(free), free.value(question.right)
    wrong = a.shape == b.shape and ~np.isclose(a, b)
    there = point.value(question.right)
    return bool((there[wrong] if np.any(wrong) else there).any())


def _has_cases(expr: Expr) -> bool:
    """Whether a claim says itself what holds on which side, so that no sign excuses it."""
    return any(isinstance(x, Map) and x.function == "where" for x in postorder([expr]))


def one_variable_for(question: Question, claim: Claim) -> InputAssumption | None:
    """Return that entries across the diagonal are one variable, if a claim is right then.

    The derivative by it is the sum of both entries', but one where they are the same.
    """
    target = question.target
    if not isinstance(target, Derivative) or len(target.wrt) > 1:
        return None
    system, right, by = question.derived.system, question.right, target.wrt[0]
    dims, first = right.dims, right.ndim - len(by.labels)
    for p, q in combinations(range(first, right.ndim), 2):
        if dims[p] != dims[q]:
            continue
        own = tuple(range(right.ndim))
        turned = tuple({p: q, q: p}.get(k, k) for k in own)
        both = [einsum([(right, turned)], own), right]
        diagonal = einsum([(right, own), (Delta(dims[p]), (p, q))], own)
        swapped = [by.labels[turned[k + first] - first] for k in range(len(by.labels))]
        texts = [to_text(Symbol(by.name, tuple(x))) for x in (by.labels, swapped)]
        change = partial(_symmetric, p=p - first, q=q - first)
        free = by.name in system.inputs and by.name not in question.points.fixed
        condition = _on(system.inputs[by.name], change) if free else None
        text = f"{' and '.join(texts)} are one variable"
        found = InputAssumption(text, condition or _as_it_is, "one variable")
        meant = subtract(add(*both), diagonal)
        if _agree_there(claim, meant, question, condition):
            return found
    return None


def _agree_there(
    claim: Claim, meant: Expr, question: Question, condition: Condition | None
) -> bool:
    """Whether a claim is what is meant, and that is not what is right anyway."""
    points = question.points
    try:
        first = points.point(points.apart(1), 1, condition)
        if not agrees(claim, meant, first) or agrees(ExprClaim(meant), question.right, first):
            return False
        return agrees_everywhere(claim, meant, points, condition or _as_it_is)
    except EingradError:
        return False


def _as_it_is(_: str, value: Array) -> Array:
    return value


def _agrees_by_chance(question: Question, claim: Claim, plan: int) -> bool:
    """Whether a claim is right at a point that satisfies nothing more than the model asks for."""
    point = question.points.standard(plan)
    return bool(point.value(question.right).any()) and agrees(claim, question.right, point)


def _about(x: Var, question: Question, kind: str) -> Iterator[InputAssumption]:
    labels = _letters(question.derived.system.labels[x.name])
    shown = to_text(Symbol(x.name, labels))
    axes = range(x.ndim)
    match kind:
        case "sum":
            for k in axes:
                text = f"{call_head('sum', (labels[k],))}({shown}) = 1"
                yield InputAssumption(text, _on(x, partial(_sum_to_one, axis=k)), (kind, k))
        case "symmetric":
            for p in axes:
                for q in range(p):
                    if x.dims[p] == x.dims[q]:
                        swapped = list(labels)
                        swapped[p], swapped[q] = labels[q], labels[p]
                        text = f"{shown} = {to_text(Symbol(x.name, tuple(swapped)))}"
                        change = partial(_symmetric, p=p, q=q)
                        yield InputAssumption(text, _on(x, change), (kind, p, q))
        case "unit":
            if x.ndim == 1:
                yield InputAssumption(f"{shown} {shown} = 1", _on(x, _normalised), kind)
        case "orthogonal":
            if x.ndim == 2 and x.dims[0] == x.dims[1]:
                i, j = labels
                other = fresh_letter(i, labels, Names())
                partner = to_text(Symbol(x.name, (other, j)))
                text = f"{shown} {partner} = {to_text(Symbol('delta', (i, other)))}"
                yield InputAssumption(text, _on(x, _orthogonal), kind)
        case "one-hot":
            points, target = question.points, question.target
            if isinstance(target, Derivative) and x.name in {by.name for by in target.wrt}:
                return  # what one differentiates by is no target, and no choice among rows
            if x.name not in points.targets:
                return
            # a 1 that moves may miss what counts; a regular matrix of ones is mostly its inverse
            for k in (k for k in axes if x.dims[k] not in {*points.moving, *points.inverted}):
                text = f"{shown} is one-hot along {labels[k]}"
                one_hot, less = (_on(x, partial(f, axis=k)) for f in (_one_hot, _ones_and_zeros))
                yield InputAssumption(text, one_hot, (kind, k), less)
        case "definite":
            for p in axes:
                for q in range(p):
                    if x.dims[p] == x.dims[q] in question.points.inverted:
                        change = partial(_definite, p=p, q=q)
                        text = f"{shown} is positive definite"
                        yield InputAssumption(text, _on(x, change), (kind, p, q))
        case "set":
            yield InputAssumption(f"{shown} > 0", _on(x, np.abs), kind)
        case "positive":
            yield InputAssumption(f"{shown} > 0", _on(x, np.abs), (kind, 1))
            yield InputAssumption(f"{shown} < 0", _on(x, _below_zero), (kind, -1))


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


def _below_zero(x: Array) -> Array:
    return np.asarray(-np.abs(x))


def _normalised(x: Array) -> Array:
    return np.asarray(x / np.linalg.norm(x))


def _orthogonal(x: Array) -> Array:
    return np.linalg.qr(x)[0]


def _symmetric(x: Array, p: int, q: int) -> Array:
    return np.asarray((x + np.swapaxes(x, p, q)) / 2)


def _definite(x: Array, p: int, q: int) -> Array:
    """Make matrices positive definite, not symmetric: a transpose must show."""
    x = np.moveaxis(x, (q, p), (-2, -1))
    turned = np.swapaxes(x, -1, -2)
    found = x @ turned + 0.5 * np.eye(x.shape[-1]) + 0.3 * (x - turned)
    return np.moveaxis(found, (-2, -1), (q, p))


def _one_hot(x: Array, axis: int) -> Array:
    """Put 1 at places that x itself decides, 0 elsewhere."""
    rng = np.random.default_rng(zlib.crc32(np.ascontiguousarray(x).tobytes()))
    moved = np.moveaxis(np.zeros_like(x), axis, -1)
    chosen = rng.integers(0, x.shape[axis], moved.shape[:-1])
    return np.moveaxis(np.eye(x.shape[axis])[chosen], -1, axis)


def _ones_and_zeros(x: Array, axis: int) -> Array:
    """Put 1 at two places or more along an axis, 0 elsewhere."""
    first = _one_hot(x, axis)
    return np.maximum(np.maximum(first, np.roll(first, 1, axis)), _one_hot(x + 1, axis))
