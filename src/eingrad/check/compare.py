"""Whether a claim and the right formula have the same value at a point, and where they differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol

from eingrad.calculus.structure import is_sum
from eingrad.check.kinks import points_beside
from eingrad.check.points import LOST, PLANS, Condition, NoPointError, Point, Points
from eingrad.core.evaluate import Array
from eingrad.core.expr import Expr, Var, postorder
from eingrad.core.later import np
from eingrad.errors import EingradError

COARSE = 1e-3  # in units of the greatest entry: formulas further apart than this differ for sure
NO_DIGITS = 1e-9  # less than this may be all rounding
EXACT = 1e-12  # the tolerance in longdouble, besides the rounding that is seen
NOISE = 8  # how much greater than the rounding that is seen it may be
LESS = (1.0, 0.3, 0.1)  # the numbers at points with longer axes, of which some keep no digits
SEEDS = (1, 2, 3)  # of the noise


class Claim(Protocol):
    """Anything that has a value at a point."""

    @property
    def numbers(self) -> Sequence[float]:
        """The numbers that stand in code; of a formula, none: there they are looked for."""

    def value(self, point: Point, dtype: Any = float) -> Array:
        """Return the claimed value; it may have a wrong shape."""


class ExprClaim:
    """A claim in a notation, as an expression over the model's tensors and derivatives."""

    numbers = ()

    def __init__(self, expr: Expr) -> None:
        self.expr = expr

    def value(self, point: Point, dtype: Any = float) -> Array:
        """Return the claimed value."""
        return point.value(self.expr, dtype)


def agrees(claim: Claim, right: Expr, point: Point, careful: bool = False) -> bool:
    """Whether claim and right formula have the same value at a point.

    What float64 cannot tell apart is evaluated again in longdouble, and with noise in the last
    digits, which measures the rounding of each entry. ``careful`` is for points at which float64
    may lose all digits: where noise makes nan of a value, as of ``asin(1)``, nothing is told apart.
    """
    a, b = claim.value(point), point.value(right)
    if a.shape != b.shape or not np.isfinite(a).all():
        return False
    scale = max(_greatest(a), _greatest(b))
    if scale == 0 or a is b:
        return True
    if not careful and _greatest(a - b) > COARSE * scale:
        if scale < COARSE:
            if isinstance(claim, ExprClaim):
                return _cancel(claim, right, point)
            return _greatest(a - b) <= NOISE * _conditioned(right, point)
        if scale <= LOST or not isinstance(claim, ExprClaim):
            return False
    if a.dtype != np.float64:
        return bool(_greatest(a - b) <= 200 * np.finfo(a.dtype).eps * scale)
    if not isinstance(claim, ExprClaim):
        far = _greatest(a - b)
        return far <= 1e-9 * scale or (careful and far <= NOISE * _conditioned(right, point))
    fine_a, fine_b = claim.value(point, np.longdouble), point.value(right, np.longdouble)
    with np.errstate(all="ignore"):
        rounding = sum(
            np.abs(point.value(x, np.longdouble, noise) - fine)
            for x, fine in ((claim.expr, fine_a), (right, fine_b)) for noise in SEEDS
        )  # fmt: skip
        lost = careful or scale > LOST
        rounding = np.where(np.isnan(rounding), np.inf if lost else 0, rounding)
        off = np.abs(fine_a - fine_b) - NOISE * rounding
        no_value = np.isnan(off) & np.isfinite(a - b)  # with more digits
        off = np.where(no_value, 0, off)
        if (off <= EXACT * np.maximum(np.abs(fine_a), np.abs(fine_b))).all():
            return True
        if (off <= EXACT * scale).all() and (off <= _coarse(claim, right, point)).all():
            return True
    return careful and _cancel(claim, right, point)


def _coarse(claim: ExprClaim, right: Expr, point: Point) -> Array:
    """Return how far each entry may be off in float64, which some functions have no more of: an
    entry may be less by many digits than the greatest."""
    with np.errstate(all="ignore"):
        rounding = sum(
            np.abs(point.value(x, float, noise) - point.value(x))
            for x in (claim.expr, right) for noise in SEEDS
        )  # fmt: skip
        return np.asarray(np.where(np.isnan(rounding), np.inf, NOISE * rounding))


def _conditioned(right: Expr, point: Point) -> float:
    """Return by how much a value changes with the last digits of what is given and computed, which
    a function may round in other ways: on long axes a recurrence may lose all digits."""
    ends = [point.beside(seed).value(right, float, seed) for seed in SEEDS]
    return max(_greatest(end - point.value(right)) for end in ends)


def _cancel(claim: ExprClaim, right: Expr, point: Point) -> bool:
    """Whether both formulas are 0 up to rounding at a point, which then tells nothing apart."""
    return all(all_cancels(x, point) for x in (claim.expr, right))


def all_cancels(expr: Expr, point: Point) -> bool:
    """Whether a formula is 0 up to rounding at a point."""
    value = point.value(expr)
    rounding = max(_greatest(point.value(expr, float, noise) - value) for noise in SEEDS)
    return _greatest(value) <= NOISE * rounding


def _greatest(x: Array) -> float:
    return float(np.abs(x).max(initial=0))


def agrees_nearby(claim: Claim, right: Expr, points: Points) -> bool:
    """Whether claim and right formula agree at points with numbers of the order of 1."""
    return all(agrees(claim, right, points.standard(plan)) for plan in range(PLANS))


def agrees_everywhere(
    claim: Claim, right: Expr, points: Points, condition: Condition | None = None
) -> bool:
    """Whether claim and right formula agree at points of several sizes."""
    if condition is None:
        return (
            agrees_nearby(claim, right, points)
            and _agrees_near_zero(claim, right, points)
            and _agrees_far_out(claim, right, points)
            and agrees_in_cases(claim, right, points)
            and _agrees_in_code(claim, right, points)
        )
    tried: list[Point] = []
    for plan in range(PLANS):
        tried.append(points.point(points.apart(plan), plan, condition))
        if not agrees(claim, right, tried[-1]):
            return False
    return not (isinstance(claim, ExprClaim) and _loses(claim, right, points, tried))


def _agrees_near_zero(claim: Claim, right: Expr, points: Points) -> bool:
    """Try smaller numbers where all values are great: ``exp(exp(x + 3)) + 3`` is not the first."""
    if min(points.standard(plan).greatest for plan in range(PLANS)) < LOST:
        return True
    point = points.near_zero
    if point is None or not np.isfinite(claim.value(point)).all():
        return True
    return agrees(claim, right, point, careful=True)


def check_nothing_lost(claim: ExprClaim, right: Expr, points: Points) -> None:
    """Raise NoPointError where a term is too small to tell apart at all points that were found."""
    tried = [points.standard(plan) for plan in range(PLANS)]
    if _loses(claim, right, points, tried) and points.near_zero is None:
        raise NoPointError(
            "all values are so great that a term is lost beside them",
            code="no-point",
            hint="look at exponentials of exponentials",
        )


def check_told_apart(claim: ExprClaim, right: Expr, points: Points) -> None:
    """Raise NoPointError where a claim differs at the usual points, but by rounding alone.

    Where a softmax is all but 1, ``asin`` of it has a derivative of which few digits are left.
    """
    seen = False
    for point in map(points.standard, range(PLANS)):
        if not agrees(claim, right, point):
            if not all(_is_rounding(claim, right, point, x) for x in (float, np.longdouble)):
                return
            seen = True
    if seen:
        raise NoPointError(
            "where its values differ from the right ones, rounding leaves no digits of them",
            code="no-point",
            hint="look at differences of numbers that are all but equal",
        )


def _is_rounding(claim: ExprClaim, right: Expr, point: Point, dtype: Any) -> bool:
    """Whether formulas are no further apart than the noise in their last digits carries them."""
    a, b = claim.value(point, dtype), point.value(right, dtype)
    if a.shape != b.shape:
        return False
    with np.errstate(all="ignore"):
        noise = sum(
            np.abs(point.value(x, dtype, seed) - value)
            for x, value in ((claim.expr, a), (right, b)) for seed in SEEDS
        )  # fmt: skip
        lost = np.isnan(noise) & (dtype is float)  # as of sqrt(1 - p^2) at p = 1: more digits tell
        return bool(((np.abs(a - b) <= NOISE * noise) | lost).all())


def _loses(claim: ExprClaim, right: Expr, points: Points, tried: Sequence[Point]) -> bool:
    """Whether one of the formulas has a term that is lost in its sum at each of some points."""
    if min(point.greatest for point in tried) < LOST:
        return False
    own = points.derived.computable(right.name) if isinstance(right, Var) else right
    formulas = [[*postorder([x])] for x in (claim.expr, own or right)]
    shared = {*formulas[0]} & {*formulas[1]}
    sums = [x for nodes in formulas for x in nodes if is_sum(x) and x not in shared]
    return any(
        all(_is_lost(term, node, point) for point in tried)
        for node in sums for term in node.operands
    )  # fmt: skip


def _is_lost(term: Expr, total: Expr, point: Point) -> bool:
    part, whole = np.abs(point.value(term)), np.abs(point.value(total))
    return bool((part <= EXACT * whole).all())


def _agrees_far_out(claim: Claim, right: Expr, points: Points) -> bool:
    """Try greater numbers too, where both formulas have values: ``where(x > 3, 0, x)`` is not x.

    Of a function, longer axes: it may leave out what follows the first rows.
    """
    point = points.wide if isinstance(claim, ExprClaim) else _long(right, points)
    if point is not None and np.isfinite(claim.value(point)).all():
        return agrees(claim, right, point, careful=True) and is_alike_far_out(claim, right, points)
    return is_alike_far_out(claim, right, points)


def _long(right: Expr, points: Points) -> Point | None:
    """Return a point with longer axes, of smaller numbers where others leave no digits."""
    found = None
    for point in filter(None, map(points.long, LESS)):
        found = point
        if NOISE * _conditioned(right, point) <= 1e-9 * _greatest(point.value(right)):
            return point
    return found


def is_alike_far_out(claim: Claim, right: Expr, points: Points) -> bool:
    """Whether a function has roughly the right values for all greater numbers that are tried."""
    if isinstance(claim, ExprClaim):
        return True
    if not is_alike(claim, right, points.wide):
        return False
    try:
        return all(is_alike(claim, right, point) for point in points.great)
    except EingradError:  # it may overflow there
        return True


def is_alike(claim: Claim, right: Expr, point: Point | None, least: float = COARSE) -> bool:
    """Whether a function has roughly the right values at a point, unless all are less than the
    ``least``: it may be accurate for small numbers alone, but not cut off what is greater than 3.
    """
    if point is None:
        return True
    a, b = claim.value(point), point.value(right)
    if not (np.isfinite(a).all() and np.isfinite(b).all()) or _greatest(b) < least:
        return True
    far = _greatest(a - b)
    return far <= COARSE * max(_greatest(a), _greatest(b)) or (
        far <= NOISE * _conditioned(right, point)
    )


def agrees_in_cases(
    claim: Claim, right: Expr, points: Points, condition: Condition | None = None
) -> bool:
    """Try both sides of each comparison: numbers from 0.2 to 1.5 never meet x < 0.1."""
    roots = _roots(claim, right)
    drawn = points.in_cases(*roots, condition=condition)
    beside = points_beside(points, roots, condition)
    extents = points.of_extents(*roots) if condition is None else ()
    places = points.at_places(*roots) if condition is None else ()
    return _agrees_at(claim, right, chain(drawn, beside, extents, places))


def _agrees_in_code(claim: Claim, right: Expr, points: Points) -> bool:
    """Whether a function has roughly the right values wherever its text may part."""
    if isinstance(claim, ExprClaim):
        return True
    drawn = points.of_code(claim.numbers)
    return all(is_alike(claim, right, point, NO_DIGITS) for point in drawn)


def agrees_where_drawn(claim: Claim, right: Expr, points: Points) -> bool:
    """Whether both agree for greater and smaller numbers, wherever kinks may be."""
    drawn = points.in_cases(*_roots(claim, right))
    return _agrees_far_out(claim, right, points) and _agrees_at(claim, right, drawn)


def _agrees_at(claim: Claim, right: Expr, points: Iterable[Point]) -> bool:
    found = (p for p in points if np.isfinite(claim.value(p)).all())
    return all(agrees(claim, right, point, careful=True) for point in found)


def _roots(claim: Claim, right: Expr) -> list[Expr]:
    return [right, claim.expr] if isinstance(claim, ExprClaim) else [right]


def counterexample(
    claim: Claim, right: Expr, points: Points, labels: Sequence[str], shown: Sequence[str]
) -> dict[str, Any] | None:
    """Return small arrays for which the claim is wrong, and where it is wrong."""
    for point in _small_points(claim, points, *_roots(claim, right)):
        found = _failure(claim, right, point, labels)
        if found is not None:
            inputs = points.system.inputs
            own = {dim for name in shown for dim in inputs[name].dims}
            return {
                "sizes": {str(d): n for d, n in point.sizes.items() if d in own},
                "arrays": {
                    name: point.arrays[name].astype(int if inputs[name].integer else float)
                    for name in shown
                },
                **found,
            }
    return None


def _small_points(claim: Claim, points: Points, *roots: Expr) -> Iterator[Point]:
    """Yield points for a person to look at, the smallest first."""
    plans = [(points.equal(2), 1), *((points.apart(plan), None) for plan in range(PLANS))]
    for sizes, decimals in plans:
        yield from (points.point(sizes, 100 + seed, decimals=decimals) for seed in range(3))
    if points.wide is not None:
        yield points.wide
    yield from points.in_cases(*roots)
    yield from points_beside(points, roots)
    yield from points.of_extents(*roots)
    yield from points.at_places(*roots)
    if not isinstance(claim, ExprClaim):
        yield from points.of_code(claim.numbers)


def _failure(
    claim: Claim, right: Expr, point: Point, labels: Sequence[str]
) -> Mapping[str, Any] | None:
    if agrees(claim, right, point, careful=True):
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
