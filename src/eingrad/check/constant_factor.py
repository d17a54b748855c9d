"""A constant factor between a claim and the right formula: numbers, sizes, a sign."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from eingrad.check.compare import Claim
from eingrad.check.points import Point, Points
from eingrad.core.evaluate import Array
from eingrad.core.expr import Dim, Expr
from eingrad.core.later import np

MEASURED = 6  # points at which the factor is measured
CLOSE = 1e-7
GREATEST = 24  # a numerator or denominator greater than this is no one's mistake


@dataclass(frozen=True)
class Scale:
    """``number * size(dim)^exponent * ...``"""

    number: Fraction
    sizes: Mapping[Dim, int]


def scale_between(claim: Claim, right: Expr, points: Points) -> Scale | None:
    """Return what the claim must be multiplied by to be right, None if it is no constant."""
    measured: list[tuple[Point, float]] = []
    for k in range(MEASURED):
        point = points.standard(k)
        ratio = constant_ratio(point.value(right), claim.value(point))
        if ratio is None:
            return None
        measured.append((point, ratio))
    for exponents in _exponents(points.dims):
        numbers = [
            ratio / np.prod([float(point.sizes[d]) ** e for d, e in exponents.items()])
            for point, ratio in measured
        ]
        finite = np.isfinite(numbers).all()
        if finite and max(numbers) - min(numbers) <= CLOSE * abs(numbers[0]):
            number = Fraction(float(numbers[0])).limit_denominator(GREATEST)
            plausible = 0 < abs(number.numerator) <= GREATEST and (number != 1 or exponents)
            if plausible and abs(float(number) - numbers[0]) <= CLOSE * abs(numbers[0]):
                return Scale(number, exponents)
    return None


def constant_ratio(b: Array, a: Array) -> float | None:
    """Return b / a where it is the same for all entries.

    >>> constant_ratio(np.array([2.0, 0.0]), np.array([1.0, 0.0]))
    2.0
    """
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return None
    scale = np.abs(a).max(initial=0)
    there = np.abs(a) > CLOSE * scale
    if not there.any() or np.abs(b[~there]).max(initial=0) > CLOSE * np.abs(b).max(initial=0):
        return None
    ratios = b[there] / a[there]
    spread = float(ratios.max() - ratios.min())
    middle = float(ratios.mean())
    return middle if middle != 0 and spread <= CLOSE * abs(middle) else None


def _exponents(dims: Sequence[Dim]) -> Iterator[dict[Dim, int]]:
    yield {}
    for power in (1, -1, 2, -2):
        yield from ({dim: power} for dim in dims)
    for p, q in combinations(dims, 2):
        yield from ({p: e, q: f} for e in (1, -1) for f in (1, -1))
