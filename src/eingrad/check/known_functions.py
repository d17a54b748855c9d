"""A function that stands for any, and claims that are right of one that people know: a (1 - a) is
the slope of the sigmoid."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product

from eingrad.check.compare import ExprClaim, agrees_nearby
from eingrad.check.points import Points
from eingrad.check.question import Question
from eingrad.core.evaluate import Array
from eingrad.core.later import np
from eingrad.errors import EingradError
from eingrad.notation.summation import walk
from eingrad.notation.syntax import Call, Formula

MOST_FUNCTIONS = 2  # of a model, for which all choices are tried
Slopes = Sequence[Callable[[Array], Array]]  # a function and its first derivatives


def _logistic(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def _density(x: Array) -> Array:
    return np.asarray(np.exp(-x * x / 2) / math.sqrt(2 * math.pi))


KNOWN: Mapping[str, Slopes] = {
    "the logistic function": (
        _logistic,
        lambda x: _logistic(x) * (1 - _logistic(x)),
        lambda x: _logistic(x) * (1 - _logistic(x)) * (1 - 2 * _logistic(x)),
    ),
    "tanh": (
        lambda x: np.tanh(x),
        lambda x: 1 - np.tanh(x) ** 2,
        lambda x: -2 * np.tanh(x) * (1 - np.tanh(x) ** 2),
    ),
    "the normal density": (
        _density, lambda x: -x * _density(x), lambda x: (x * x - 1) * _density(x)
    ),
}  # fmt: skip


def right_of_a_known_one(question: Question, value: Formula) -> str | None:
    """Return of which functions a claim is right, ``f is tanh``, that is wrong of others:
    one that does not speak of f' itself, which is no slope of one alone."""
    names = sorted(n for n, count in question.derived.system.functions.items() if count == 1)
    called = {x.function for x in walk(value) if isinstance(x, Call)}
    if not 0 < len(names) <= MOST_FUNCTIONS or any(f"{n}'" in x for n in names for x in called):
        return None
    claim = ExprClaim(question.lowered(value))
    for chosen in _choices(names):
        functions = {f"{n}{chr(39) * k}": f for n, own in chosen.items()
                     for k, f in enumerate(KNOWN[own])}  # fmt: skip
        try:
            points = Points(question.derived, question.needed, question.claimed)
            points.functions |= functions
            if agrees_nearby(claim, question.right, points):
                return " and ".join(f"{name} is {own}" for name, own in chosen.items())
        except EingradError:
            continue
    return None


def _choices(names: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield what functions may be, first one of them alone."""
    for count in range(1, len(names) + 1):
        for chosen in product((None, *KNOWN), repeat=len(names)):
            found = {n: own for n, own in zip(names, chosen, strict=True) if own is not None}
            if len(found) == count:
                yield found
