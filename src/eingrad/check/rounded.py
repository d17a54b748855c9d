"""Numbers that a claim gives to so many digits: ``f'(1) = 0.1966``."""

from __future__ import annotations

import re

from eingrad.check.points import PLANS
from eingrad.check.question import Question
from eingrad.core.later import np
from eingrad.notation.syntax import Formula, Number, Sum

_DECIMAL = re.compile(r"\d*\.(\d+)")
_ULP = 1e-12
_SHORT = 5  # digits of a number that is written as it is


def right_to_digits(value: Formula, question: Question) -> int:
    """Return to how many digits behind the point a number is right, 0 where it is not.

    It must be the right value at every point, rounded to the digits that are written, two at least;
    nobody rounds 0.125.
    """
    negative = isinstance(value, Sum) and len(value.terms) == 1 and value.negative[0]
    number = value.terms[0] if negative and isinstance(value, Sum) else value
    if not isinstance(number, Number) or question.right.ndim:
        return 0
    digits = _digits(number)
    claimed = -float(number.value) if negative else float(number.value)
    found = [question.points.standard(plan).value(question.right) for plan in range(PLANS)]
    near = all(np.abs(x - claimed).max() <= 0.5 * 10.0**-digits + _ULP for x in found)
    short = any(abs(round(float(x.max()), _SHORT) - float(x.max())) < _ULP for x in found)
    return digits if digits > 1 and near and not short else 0


def _digits(number: Number) -> int:
    """Return how many digits stand behind the point of a number, as it is written."""
    place = number.position
    line = place.line_text[place.column - 1 :] if place is not None else ""
    found = _DECIMAL.match(line) or _DECIMAL.fullmatch(repr(float(number.value)))
    return len(found[1]) if found is not None and float(number.value) % 1 else 0
