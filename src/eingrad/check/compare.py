"""Whether a claim and the right formula have the same value at a point, and where they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from eingrad.check.evaluate import Array
from eingrad.check.points import Condition, Point, Points
from eingrad.core.expr import Expr

COARSE = 1e-3  # in units of the greatest entry: formulas further apart than this differ for sure
EXACT = 1e-12  # the tolerance in longdouble, besides the rounding that float64 is seen to suffer
PLANS = 4  # how many choices of sizes are tried


class Claim(Protocol):
    """Anything that has a value at a point."""

    def value(self, point: Point, dtype: Any = np.float64) -> Array:
        """Return the claimed value; it may have a wrong shape."""


class ExprClaim:
    """A claim in a notation, as an expression over the model's tensors and derivatives."""

    def __init__(self, expr: Expr) -> None:
        self.expr = expr

    def value(self, point: Point, dtype: Any = np.float64) -> Array:
        """Return the claimed value."""
        return point.value(self.expr, dtype)


def agrees(claim: Claim, right: Expr, point: Point) -> bool:
    """Whether claim and right formula have the same value at a point.

    What float64 cannot tell apart is evaluated again in longdouble; the difference between the
    two precisions is a measure of the rounding in each entry.
    """
    a, b = claim.value(point), point.value(right)
    if a.shape != b.shape or not np.isfinite(a).all():
        return False
    scale = max(_greatest(a), _greatest(b))
    if scale == 0 or a is b:
        return True
    if _greatest(a - b) > COARSE * scale:
        return False
    if a.dtype != np.float64:
        return bool(_greatest(a - b) <= 200 * np.finfo(a.dtype).eps * scale)
    if not isinstance(claim, ExprClaim):
        return _greatest(a - b) <= 1e-9 * scale
    fine_a, fine_b = claim.value(point, np.longdouble), point.value(right, np.longdouble)
    with np.errstate(all="ignore"):
        rounding = 100 * (np.abs(a - fine_a) + np.abs(b - fine_b)) + EXACT * scale
        return bool((np.abs(fine_a - fine_b) <= rounding).all())


def _greatest(x: Array) -> float:
    return float(np.abs(x).max(initial=0))


def agrees_everywhere(
    claim: Claim, right: Expr, points: Points, condition: Condition | None = None
) -> bool:
    """Whether claim and right formula agree at points of several sizes."""
    for plan in range(PLANS):
        if condition is None:
            point = points.standard(plan)
        else:
            point = points.point(points.apart(plan), plan, condition)
        if not agrees(claim, right, point):
            return False
    return True


def counterexample(
    claim: Claim, right: Expr, points: Points, labels: Sequence[str], shown: Sequence[str]
) -> dict[str, Any] | None:
    """Return small arrays for which the claim is wrong, and where it is wrong."""
    plans = [(points.equal(2), 1), *((points.apart(plan), None) for plan in range(PLANS))]
    for sizes, decimals in plans:
        for seed in range(3):
            point = points.point(sizes, 100 + seed, decimals=decimals)
            found = _failure(claim, right, point, labels)
            if found is not None:
                own = {dim for name in shown for dim in points.system.inputs[name].dims}
                return {
                    "sizes": {str(d): n for d, n in sizes.items() if d in own},
                    "arrays": {name: point.arrays[name] for name in shown},
                    **found,
                }
    return None


def _failure(
    claim: Claim, right: Expr, point: Point, labels: Sequence[str]
) -> Mapping[str, Any] | None:
    if agrees(claim, right, point):
        return None
    a, b = claim.value(point), point.value(right)
    if a.shape != b.shape:
        return {"index": {}, "claimed": None, "right": float(b.flat[0]), "shape": a.shape}
    with np.errstate(all="ignore"):
        far = np.where(np.isfinite(a), np.abs(a - b), np.inf)
    place = np.unravel_index(int(np.argmax(far)), far.shape) if far.ndim else ()
    value = float(a[place])
    return {
        "index": {label: int(k) for label, k in zip(labels, place, strict=True)},
        "claimed": value if np.isfinite(value) else None,
        "right": float(b[place]),
    }
