"""What no number shows: a term that is lost beside those that it is added to, shown by algebra.

``x^2 + 1e-12 sin(x)`` has the value of ``x^2`` as far as float64 can tell, and ``6.02e23 k + k``
that of ``6.02e23 k``. The difference of both formulas, simplified, has one of its own.
"""

from __future__ import annotations

from collections.abc import Iterable

from eingrad.check.compare import NOISE, SEEDS
from eingrad.check.question import Question
from eingrad.core.expr import Const, Expr, postorder
from eingrad.core.later import np
from eingrad.errors import EingradError
from eingrad.notation.summation import walk
from eingrad.notation.syntax import Formula, Number

CLEAR = 1e6  # how much greater than the rounding that is seen a difference must be
SHORT = 10  # digits: of a number that has more the last one may be rounded, as 0.333333333333
TRIED = 2  # points


def is_lost(question: Question, difference: Expr, value: Formula) -> bool:
    """Whether what two formulas differ by is not 0 at all points: no rounding of what cancels, nor
    of numbers that somebody rounded."""
    derived = question.derived
    written = [d.written.value for d in derived.system.definitions.values() if d.written]
    if derived.system.facts or _has_rounded([value, *written]) or not _is_exact(difference):
        return False
    try:
        return all(_is_clear(question, difference, plan) for plan in range(TRIED))
    except EingradError:
        return False


def _is_clear(question: Question, difference: Expr, plan: int) -> bool:
    point = question.points.standard(plan)
    found = point.value(difference)
    with np.errstate(all="ignore"):
        rounding = sum(np.abs(point.value(difference, float, k) - found) for k in SEEDS)
        clear = np.isfinite(found) & (np.abs(found) > CLEAR * NOISE * rounding)
    return bool((clear & (found != 0)).any())


def _has_rounded(formulas: Iterable[Formula]) -> bool:
    """Whether somebody wrote so many digits that the last one may be rounded."""
    numbers = (x.value for f in formulas for x in walk(f) if isinstance(x, Number))
    broken = (repr(float(x)) for x in numbers if not isinstance(x, int))
    return any(len(x.partition("e")[0].replace(".", "").strip("0")) > SHORT for x in broken)


def _is_exact(expr: Expr) -> bool:
    numbers = (x.value for x in postorder([expr]) if isinstance(x, Const))
    return not any(isinstance(x, float | complex) for x in numbers)
