"""Points next to the places where formulas change: numbers drawn at random meet none of them.

A comparison changes where both sides are equal, ``relu``, ``abs`` and ``maximum`` at their kinks;
what is flat at all numbers that are drawn, as ``tanh(x - 100)``, where its argument is small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from eingrad.calculus.reverse import needed_by
from eingrad.calculus.structure import is_sum
from eingrad.check.newton import newton, unflatten
from eingrad.check.points import PLANS, Condition, Effort, Point, Points, decides
from eingrad.core.algebra import constant_value, negate, subtract
from eingrad.core.evaluate import Array
from eingrad.core.expr import Expr, Map, postorder, variables
from eingrad.core.functions import FUNCTIONS
from eingrad.core.later import np

MOST_KINKS = 6  # that are looked for
MOST_UNKNOWN = 64  # entries of inputs that are moved
BESIDE = 1e-9  # how far from a kink, in units of the greatest of what is compared
BEYOND = 0.5  # and how far where what begins there is seen, as the relu of x^2 + 1e-3 relu(x - 5)
FLAT = 20.0  # beyond it exp, tanh and the like change no digit
SLOPED = 1.0  # an argument for which they do
RAY = [10 ** (k / 3) for k in range(-9, 11)]  # how far out a change of signs is looked for
HALVINGS = 50
MOST_SOLVING = 30_000  # nodes evaluated to find the points next to a claim's kinks


@dataclass(frozen=True)
class Kink:
    """Where formulas change: a difference is 0 there, or, where they are flat, not far from 0.

    ``is_root`` says that it is what a root is taken of, ``sqrt((x - 20)^2)``: it has no other side.
    """

    difference: Expr
    is_flat: bool = False
    is_root: bool = False

    def terms(self, point: Point, place: int) -> Array:
        """Return the terms of an entry of the difference."""
        terms = self.difference.operands if is_sum(self.difference) else [self.difference]
        values = [point.value(x).ravel() for x in terms]
        return np.array([x[place if x.size > 1 else 0] for x in values])

    def scale(self, point: Point, place: int) -> float:
        """Return the greatest term of an entry of the difference."""
        return float(np.abs(self.terms(point, place)).max()) or 1.0


def points_beside(
    points: Points, roots: Sequence[Expr], condition: Condition | None = None
) -> Iterator[Point]:
    """Yield points on both sides of each kink of formulas and of their model.

    Each twice, from where another point is and from its mirror image: ``abs(x) > 20`` has two.
    """
    definitions = [d.expr for d in points.system.definitions.values()]
    for k, kink in enumerate(_kinks([*roots, *definitions], points)):
        for mirrored in (1, -1):
            key = kink, mirrored
            if key not in points.beside:
                points.beside[key] = _beside(points, kink, k % PLANS, mirrored)
            for point in points.beside[key]:
                held = point if condition is None else _where(condition, point)
                if points.is_sound(held) or points.is_sound(held, np.longdouble):
                    yield held  # log(cosh(800)), which has no value in float64


def _kinks(formulas: Iterable[Expr], points: Points) -> list[Kink]:
    """Return the kinks of formulas that inputs can reach, the first `MOST_KINKS`."""
    found: dict[Expr, Kink] = {}
    for node in postorder(formulas):
        for kink in _of(node, points.standard(0)):
            zero = kink.difference
            if zero not in found and negate(zero) not in found and variables(zero):
                found[zero] = kink
                if len(found) == MOST_KINKS:
                    return list(found.values())
    return list(found.values())


def _of(node: Expr, point: Point) -> Iterator[Kink]:
    """Yield the kinks of one node."""
    if not isinstance(node, Map):
        return
    first, *others = node.operands
    record = FUNCTIONS.get(node.function)
    if decides(node):
        if node.function != "where":  # which changes where its condition does
            yield from (Kink(subtract(first, x)) for x in others) if others else [Kink(first)]
    elif node.function == "sqrt" or (
        node.function == "pow" and isinstance(constant_value(others[0]), Fraction | float)
    ):
        yield Kink(first, is_root=True)
    elif record is not None and not others and (np.abs(point.value(first)) > FLAT).all():
        yield Kink(first, is_flat=True)


def _where(condition: Condition, point: Point) -> Point:
    return replace(point, arrays={n: condition(n, x) for n, x in point.arrays.items()}, _known={})


def _beside(points: Points, kink: Kink, plan: int, mirrored: int) -> list[Point]:
    """Return the points on both sides of a kink of one entry that Newton's method finds."""
    near = points.standard(plan)
    moved = [n for n in _inputs_below(points, kink.difference) if n not in points.ranges]
    start = {n: mirrored * near.arrays[n] for n in dict.fromkeys([*moved, *points.fixed])}
    size = sum(x.size for x in start.values())
    count = near.value(kink.difference).size
    if not moved or not count or size > MOST_UNKNOWN:
        return []
    place = (plan + mirrored) % count

    def there(flat: Array, effort: Effort) -> Point:
        arrays = {**near.arrays, **unflatten(flat, list(start), start)}
        return replace(near, arrays=arrays, effort=effort, _known={})

    residuals = points.residual(near).size

    def solved(flat: Array, target: float = 0.0, scale: float = 0.0) -> Array | None:
        """Return where the difference is the target; without a scale, of logarithms of both sides,
        which finds ``exp(x) = 500``."""

        def residual(flat: Array) -> Array:
            if points.solving.done > MOST_SOLVING:
                return np.full(residuals + 1, np.nan)  # which ends the search
            here = there(flat, points.solving)
            terms = kink.terms(here, place)
            if scale:
                return np.append(points.residual(here), (terms.sum() - target) / scale)
            with np.errstate(all="ignore"):
                sides = np.log([terms[terms > 0].sum(), -terms[terms < 0].sum()])
                return np.append(points.residual(here), sides[0] - sides[1])

        found = newton(residual, flat)
        points.solving.kept.clear()
        return found

    here = np.concatenate([x.ravel() for x in start.values()])
    if kink.is_flat:
        found = [solved(here, side * SLOPED, 1.0) for side in (1, -1)]
        return [there(flat, points.effort) for flat in found if flat is not None]
    middle = solved(here, scale=kink.scale(near, place))
    middle = solved(here) if middle is None and not kink.is_root else middle
    if middle is None and not points.equations and not kink.is_root:
        middle = _changing_sign(here, lambda x: kink.terms(there(x, points.solving), place).sum())
        points.solving.kept.clear()
    if middle is None:
        return []
    found = [middle + BEYOND * (middle - here)]
    if not kink.is_root:
        point = there(middle, points.solving) if is_sum(kink.difference) else near
        scale = kink.scale(point, place)
        found += [solved(middle, side * reach * scale, scale)
                  for side in (1, -1) for reach in (BESIDE, BEYOND)]  # fmt: skip
    return [there(flat, points.effort) for flat in found if flat is not None]


def _changing_sign(here: Array, difference: Callable[[Array], float]) -> Array | None:
    """Return where a difference is 0 on the ray through a point, which Newton's method may miss:
    of ``relu(relu(x - 5) - 20)``, ``1 / x - 20``."""
    before = None
    for times in RAY:
        value = difference(times * here)
        if before is not None and value * before[1] < 0:
            low, high = before[0], times
            for _ in range(HALVINGS):
                middle = (low + high) / 2
                below = difference(middle * here) * before[1] > 0
                low, high = (middle, high) if below else (low, middle)
            return high * here
        before = (times, value) if np.isfinite(value) and value else None
    return None


def _inputs_below(points: Points, expr: Expr) -> list[str]:
    """Return the inputs on which an expression depends, through definitions too."""
    below = needed_by([v.name for v in variables(expr)], points.derived.exprs)
    return [name for name in points.system.inputs if name in below]
