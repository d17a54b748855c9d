"""Points at which formulas are compared: sizes chosen apart, values in the formulas' domains."""

from __future__ import annotations

import math
import operator
import random
import zlib
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from itertools import product as cartesian
from typing import Any

from eingrad.calculus.bounds import Interval, intervals
from eingrad.check.derived import Derived
from eingrad.check.newton import newton, unflatten
from eingrad.check.one_hot_targets import may_be_targets
from eingrad.core.algebra import is_light
from eingrad.core.arrays import Gather, Matrix, Scatter
from eingrad.core.bands import Band, Window
from eingrad.core.evaluate import Array, Functions, entries, evaluate
from eingrad.core.expr import (
    Const,
    Dim,
    Einsum,
    Expr,
    Indices,
    Map,
    Size,
    Var,
    named_dims,
    postorder,
    variables,
)
from eingrad.core.forks import once
from eingrad.core.functions import COMPARISONS, FUNCTIONS, arguments_of, declared_base
from eingrad.core.later import np
from eingrad.core.masks import RELATIONS
from eingrad.core.positions import Shift
from eingrad.core.spans import span_of, with_derived
from eingrad.errors import EingradError, MemoryLimitError

MOST_DRAWS, MOST_UNSOLVED = 60, 6  # of arrays for a point; of these, where the facts do not hold
SIGNED = 9  # so many further draws have the signs that the plan gives to numbers
LEAST_DERIVED = (
    3  # entries of an axis whose extent follows from others, so that neighbours are there
)
ENTRIES = 256  # of an array: as many take about as long as the call that computes them
ROOMY = 1 << 14  # entries of an array that leave a choice of its sizes
LONGER = (65, 33, 17, 9)  # entries of an axis: more than a block of a loop over parts has
MOST_ENTRIES = 1 << 19  # of one array
MOST_BYTES = 1 << 27  # of all values at a model's points, beside those that are computed just now
MOST_READ = 40  # entries that a model's reading far away makes an axis have
MOST_PLACE = 130  # and the greatest place of a lone entry
PLANS = 4  # how many choices of sizes there are
SCALES = (0.3, 1.0, 0.1, 1.0, 0.03, 1.0, 3.0, 1.0, 10.0, 1.0, 30.0, 1.0)  # where cases differ
ORDERS = (0.3, 0.1, 0.03, 0.01, 3.0, 10.0, 30.0)  # of the numbers at which code may be another
BESIDE = 6  # points next to a number of the code
GREAT = (10.0, 100.0, 1000.0)  # where functions that cut off are found
FEW_DRAWS = 8  # for a point that need not be there
MOST_EXTENTS = 12  # of axes that are tried because a formula compares with them
MOST_LIMITS = 6  # numbers that comparisons are about
SMALLER = (0.3, 0.1, 0.03, 0.01)
OF_INTEGERS = frozenset({"add", "abs", "maximum", "minimum"})
EXACT = 1e4  # integers up to there have sums and products without rounding
LOST = 1e9  # beside a greater number another may be lost
PLAN_OF_WIDE = 4  # its sizes and seed are none of those of the points before
WIDER = {
    "real": "wide",
    "positive": "wide positive",
    "unit": "unit",
    "definite": "definite",
    "large": "large",
    "great": "great",
}
WITHIN: Mapping[tuple[float, float] | None, str] = {(0, math.inf): "positive", (-1, 1): "unit"}
COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
POSITIVE = ("positive", "wide positive", "unit")


class NoPointError(EingradError):
    """No values were found at which a model and a claim could be compared."""

    code = "no-point"


@dataclass
class Effort:
    """How much was computed: a count, so that a search that it ends ends alike everywhere.

    ``kept`` holds the values at each point, by precision and noise: a memory, cleared when full.
    """

    done: int = 0
    bytes: int = 0
    kept: list[dict[Any, dict[Expr, Array]]] = field(default_factory=list)

    def make_room(self) -> None:
        """Forget all values once they take more than `MOST_BYTES`."""
        if self.bytes > MOST_BYTES:
            for values in self.kept:
                values.clear()
            self.bytes = 0


@dataclass
class Point:
    """Sizes and arrays for the inputs, and the values of all that follows from them."""

    derived: Derived
    sizes: Mapping[Dim, int]
    arrays: Mapping[str, Array]
    functions: Functions
    effort: Effort = field(default_factory=Effort)
    _known: dict[Any, dict[Expr, Array]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.effort.kept.append(self._known)

    def value(self, root: Expr, dtype: Any = float, noise: int = 0) -> Array:
        """Return the value of an expression over the model's tensors and derivatives.

        With ``noise``, a seed, every result is off by its last digits: two such values differ by
        what rounding may do, also where all digits cancel. Raises MemoryLimitError, before anything
        that large is allocated, where an array has more than `MOST_ENTRIES`.
        """
        self.effort.make_room()
        known = self._known.setdefault((dtype, noise), {})
        rng = np.random.default_rng(noise) if noise else None
        root = self.derived.shielded(root)
        stack = [root]
        with np.errstate(all="ignore"):
            while stack:
                node = stack[-1]
                needs = self._needs(node)
                missing = [x for x in needs if x not in known]
                if missing:
                    stack += missing
                    continue
                stack.pop()
                if node not in known:
                    operands = [known[x] for x in needs]
                    value = self._value(node, operands, dtype)
                    self.effort.done += 1 + value.size // ENTRIES
                    self.effort.bytes += value.nbytes
                    exact = rng is None or _is_exact(node) or _is_whole(node, operands)
                    known[node] = value if exact or rng is None else _off(value, rng)
        return known[root]

    def beside(self, seed: int) -> Point:
        """Return a point at which the numbers are off by their last digits."""
        rng = np.random.default_rng(seed)
        arrays = {n: x if n in self.places else _off(x, rng) for n, x in self.arrays.items()}
        return replace(self, arrays=arrays, _known={})

    @property
    def places(self) -> set[str]:
        """The inputs that are integers, at which others are read."""
        return {name for name, x in self.derived.system.inputs.items() if x.integer}

    @property
    def greatest(self) -> float:
        """The greatest of all values that were computed here and are still known."""
        known = self._known.get((float, 0), {}).values()
        return max((float(np.abs(x).max(initial=0)) for x in known), default=0.0)

    def _needs(self, node: Expr) -> tuple[Expr, ...]:
        if isinstance(node, Var):
            own = self.derived.computable(node.name)
            return () if own is None else (self.derived.shielded(own),)
        return node.operands

    def _value(self, node: Expr, operands: Sequence[Array], dtype: Any) -> Array:
        if isinstance(node, Var):
            return operands[0] if operands else np.asarray(self.arrays[node.name], dtype)
        bounded(entries(node, self.sizes))
        value = evaluate(node, operands, self.sizes, self.functions, dtype)
        is_power = isinstance(node, Map) and node.function == "pow"
        if is_power and np.isinf(value).any() and self.derived.roots.divide(node):
            return np.where(operands[0] == 0, 0, value)  # where a norm is 0, its derivative is
        return value


def _is_exact(node: Expr) -> bool:
    """Whether nothing is rounded: in a tensor and in a view of one, so that x - x stays 0, and
    where a function has steps alone, so that ``asin(sign(x))`` stays in its domain."""
    if isinstance(node, Map) and node.function in FUNCTIONS:
        return not any(FUNCTIONS[node.function].partials)
    return not node.operands or (isinstance(node, Einsum) and is_light(node))


def _is_whole(node: Expr, operands: Sequence[Array]) -> bool:
    """Whether integers become one: the places ``m + 1`` and ``|i - k|`` are not rounded."""
    small = isinstance(node, Einsum) or (isinstance(node, Map) and node.function in OF_INTEGERS)
    return small and all(
        bool((np.abs(x) < EXACT).all() and (x == np.rint(x)).all()) for x in operands
    )


def bounded(size: int) -> None:
    """Raise MemoryLimitError for an array that is too large to compare formulas with."""
    if size > MOST_ENTRIES:
        raise MemoryLimitError(
            f"to compare formulas at a point takes an array of {size:,} entries, {8 * size:,} "
            f"bytes, more than the limit of {8 * MOST_ENTRIES:,} bytes",
            hint="a tensor of fewer axes, or a product that is summed in parts, can be checked",
        )


def _off(value: Array, rng: np.random.Generator) -> Array:
    """Change each entry in its last digits, by enough that two changes rarely cancel."""
    size = rng.uniform(0.5, 1, value.shape) * rng.choice([-64, 64], value.shape)
    return np.asarray(value * (1 + size * np.finfo(value.dtype).eps), value.dtype)


Condition = Callable[[str, Array], Array]
"""Makes an input's array satisfy an assumption; other inputs it leaves as they are."""


class Points:
    """Draws points for one model, the same ones every time.

    ``needed`` has values at them; ``claimed``, a claim, has entries where it speaks of some. Where
    a model is finite is tried on axes of ``longest`` entries at most, whatever it says of them.
    """

    def __init__(
        self, derived: Derived, needed: Sequence[Expr], claimed: Sequence[Expr] = (),
        longest: int | None = None,
    ) -> None:  # fmt: skip
        self.derived, self.claimed = derived, claimed
        self.system = derived.system
        self.needed = list(needed)
        self.effort = Effort()
        self.dims = self._dims()
        self.inverted = self._inverted()
        self.moving: set[Dim] = set()  # along which something is read at other positions
        self.least = self._least()
        self.functions = _Smooth()
        self.ranges = self._ranges()
        self.extents = {f.left.dim: f.right for f in self.system.facts if isinstance(f.left, Size)}
        self.bounds = [f for f in self.system.facts if f.is_bound]
        self.intervals = intervals(self.bounds)
        self.equations = [
            f for f in self.system.facts if not (f.is_bound or isinstance(f.left, Size))
        ]
        self.fixed = self._fixed()
        self._standard: dict[int, Point] = {}
        self._long: dict[float, Point | None] = {}
        self.assumed: dict[Hashable, Point | None] = {}  # a point for what was assumed
        self.beside: dict[Hashable, list[Point]] = {}  # the points next to each kink
        self.solving = Effort()  # what it took to find them
        self.scale = 1.0  # of the numbers that are drawn, of which half are next to the limits
        self.limits: Sequence[float] = ()
        self.kinds: Mapping[str, str] = {}
        sizes = self._sizes_to_try(longest)
        key = tuple(needed), frozenset(sizes.items())
        if key not in derived.kinds:  # the next claim about the same has the same
            derived.kinds[key] = self._find_kinds(sizes)
        found = derived.kinds[key]
        if found is None:
            raise NoPointError(
                "no values were found at which the model is finite",
                code="no-point",
                hint="look at logarithms, roots and divisions",
            )
        self.kinds = found

    def _dims(self) -> list[str]:
        nodes = [
            *self.system.inputs.values(),
            *postorder(d.expr for d in self.system.definitions.values()),
        ]
        dims = (d for x in nodes for d in named_dims(x))
        return list(dict.fromkeys(dims))

    def _inverted(self) -> set[Dim]:
        """Return the dimensions of matrices that must be regular."""
        nodes = postorder(d.expr for d in self.system.definitions.values())
        matrices = [x.operands[0] for x in nodes if isinstance(x, Matrix)]
        return {d for x in matrices for d in x.dims}

    def _least(self) -> dict[Dim, int]:
        """Return the sizes with which there are the entries that a model reads far from others.

        Raises NoPointError where these are too many.
        """
        least: dict[Dim, int] = {}
        model = [d.expr for d in self.system.definitions.values()]
        for node in postorder([*model, *self.claimed]):
            dims, size = _read_far(node)
            self.moving.update(_moving(node), dims)
            most = MOST_PLACE if isinstance(node, Band) else MOST_READ
            if size > most:
                raise NoPointError(
                    f"what is read {size - 3} entries away is not tried: formulas are compared on "
                    f"small arrays",
                    code="no-point",
                    hint="make the distance smaller for the check",
                )
            for dim in dims:
                least[dim] = max(least.get(dim, 0), size)
        return least

    def _ranges(self) -> dict[str, Dim]:
        """Return, for each input that holds places, the dimension that it points into."""
        found: dict[str, Dim] = {}
        compared: dict[str, Dim] = {}
        for definition in self.system.definitions.values():
            for node in postorder([definition.expr]):
                if isinstance(node, Gather | Scatter):
                    dims = node.operands[0].dims if isinstance(node, Gather) else node.dims
                    for dim, source in zip(dims, node.sources, strict=True):
                        index = None if isinstance(source, int) else node.operands[1 + source[0]]
                        if isinstance(index, Var):
                            found[index.name] = dim
                elif isinstance(node, Map) and node.function in COMPARISONS:  # of j != y, i <= m
                    parts = [*postorder(node.operands)]
                    dims = tuple({x.dims[0] for x in parts if isinstance(x, Indices)})
                    if len(dims) == 1:
                        compared |= {x.name: dims[0] for x in parts if isinstance(x, Var)}
        numbers = {n for n in compared if not self.system.inputs[n].integer}
        if numbers:
            numbers = self._used_elsewhere(numbers)
        return {n: dim for n, dim in compared.items() if n not in numbers} | found

    def _used_elsewhere(self, names: Collection[str]) -> set[str]:
        """Return the inputs that formulas, or facts, do not only compare with labels."""
        found: set[str] = set()
        facts = (x for f in self.system.facts for x in (f.left, f.right))
        for root in [*facts, *self.needed, *(d.expr for d in self.system.definitions.values())]:
            pending = [root]
            seen: set[Expr] = set()
            while pending:
                node = pending.pop()
                if isinstance(node, Var):
                    found.add(node.name)
                labels = isinstance(node, Map) and node.function in COMPARISONS and any(
                    isinstance(x, Indices) for x in postorder([node]))  # fmt: skip
                below = [] if labels else [x for x in node.operands if x not in seen]
                pending += below
                seen.update(below)
        return found & {*names}

    # --- sizes ---

    def apart(self, plan: int) -> dict[Dim, int]:
        """Return sizes greater than 1, each dimension's another one in each plan.

        Up to five dimensions all differ; of more, no two have the same size in every plan. The
        axes of a matrix with an inverse are the shortest: ``inv_ij(X_ni X_nj)`` needs more n.
        """
        if self.inverted:
            order = sorted(self.dims, key=lambda dim: dim not in self.inverted)
            sizes: dict[Dim, int] = {dim: 2 + k + plan for k, dim in enumerate(order)}
        else:
            count = min(max(len(self.dims), 3), 5)
            sizes = {dim: 2 + (k + plan * (1 + k // 5)) % count for k, dim in enumerate(self.dims)}
        sizes = self._stated(sizes)
        return sizes if self._greatest(sizes) <= ROOMY else self._stated(self._small(plan))

    def _small(self, plan: int) -> dict[Dim, int]:
        """Return the least sizes of which no dimension's are 2 in every plan, nor another's."""
        codes = [_codes(len(part)) for part in (self.inverted, set(self.dims) - self.inverted)]
        places = [iter(part) for part in codes]
        more = 2 if self.inverted else 0
        return {
            dim: next(places[0])[plan % PLANS] if dim in self.inverted
            else next(places[1])[plan % PLANS] + more for dim in self.dims
        }  # fmt: skip

    def _greatest(self, sizes: Mapping[Dim, int]) -> int:
        """Return how many entries the greatest array has at a point of these sizes."""
        nodes = postorder([*self.needed, *self.derived.exprs.values()])
        inputs = self.system.inputs.values()
        return max((entries(x, sizes) for x in chain(inputs, nodes)), default=1)

    def equal(self, size: int) -> dict[Dim, int]:
        """Return the same size for every dimension of which nothing is stated."""
        return self._stated(dict.fromkeys(self.dims, size))

    def _stated(self, sizes: dict[Dim, int]) -> dict[Dim, int]:
        """Return sizes with those that the model states: as numbers, or equal to others."""
        named: dict[str, int] = {}
        sizes = {dim: n + max(self.least.get(dim, 0) - 2, 0) for dim, n in sizes.items()}
        for dim, right in self.extents.items():
            if isinstance(right, Size):
                sizes[dim] = sizes[right.dim]
            elif isinstance(right, Const) and isinstance(right.value, int):
                sizes[dim] = right.value
            elif isinstance(right, Var):
                sizes[dim] = named.setdefault(right.name, sizes[dim])
        derived = {dim: LEAST_DERIVED for dim in sizes if span_of(dim) is not None}
        return with_derived(
            sizes, derived | {d: max(n, LEAST_DERIVED) for d, n in self.least.items()}
        )

    # --- values ---

    def standard(self, plan: int) -> Point:
        """Return one of the points at which every formula is tried; it remembers their values."""
        if plan not in self._standard:
            self._standard[plan] = self.point(self.apart(plan), plan)
        return self._standard[plan]

    @once
    def targets(self) -> frozenset[str]:
        """The inputs that may be targets."""
        return may_be_targets(self.system.exprs)

    @once
    def wide(self) -> Point | None:
        """Return a point with greater numbers, None where the model has no values there."""
        kinds = self.kinds
        try:
            self.kinds = {n: WIDER.get(kinds.get(n, "real"), "real") for n in self.system.inputs}
            return self.point(self.apart(PLAN_OF_WIDE), PLAN_OF_WIDE)
        except NoPointError:
            return None
        finally:
            self.kinds = kinds

    def long(self, scale: float = 1.0) -> Point | None:
        """Return a point with longer axes, None where the arrays would be too large."""
        if scale not in self._long:
            self.scale = scale
            try:
                self._long[scale] = self._find_long()
            except NoPointError:
                self._long[scale] = None
            finally:
                self.scale = 1.0
        return self._long[scale]

    def _find_long(self) -> Point | None:
        for least in LONGER:
            sizes = self._stated({dim: least + k for k, dim in enumerate(self.dims)})
            solved = sum(entries(self.system.inputs[n], sizes) for n in self.fixed)
            if self._greatest(sizes) <= MOST_ENTRIES and (not self.equations or solved <= ENTRIES):
                return self.point(sizes, PLAN_OF_WIDE)
        return None

    def of_extents(self, *roots: Expr) -> Iterator[Point]:
        """Yield points at which axes are as long as formulas compare their extents with, and one
        shorter and longer: ``where(size(i) == 7, ...)``."""
        definitions = [d.expr for d in self.system.definitions.values()]
        found: dict[tuple[Dim, int], None] = {}
        for node in postorder([*roots, *definitions]):
            if isinstance(node, Map) and node.function in COMPARISONS:
                below = [*postorder([node])]
                numbers = [x.value for x in below if isinstance(x, Const)]
                whole = [abs(n) for n in numbers if isinstance(n, int) and abs(n) <= MOST_READ]
                dims = [x.dim for x in below if isinstance(x, Size)]
                found |= {(d, n + k): None for d in dims for n in whole for k in (0, -1, 1)}
        for dim, size in [(d, n) for d, n in found if n > 0][:MOST_EXTENTS]:
            try:
                yield self.point(self._stated({**self.apart(0), dim: size}), PLAN_OF_WIDE + 41)
            except EingradError:
                continue

    def at_places(self, *roots: Expr) -> Iterator[Point]:
        """Yield points at which numbers that labels are compared with are places, ``i <= m``."""
        definitions = [d.expr for d in self.system.definitions.values()]
        found: set[str] = set()
        for node in postorder([*roots, *definitions]):
            if isinstance(node, Map) and node.function in COMPARISONS:
                below = [*postorder([node])]
                if any(isinstance(x, Indices) for x in below):
                    found |= {x.name for x in below if isinstance(x, Var) and not x.ndim}
        for plan in range(PLANS if found & self.system.inputs.keys() else 0):
            try:
                yield self.point(
                    self.apart(plan), PLAN_OF_WIDE + 51 + plan,
                    lambda name, x: np.asarray(np.ceil(np.abs(x))) if name in found else x,
                )  # fmt: skip
            except EingradError:
                continue

    @once
    def great(self) -> list[Point]:
        """Return points with numbers up to thousands, as far as the model has values there."""
        found = []
        for k, scale in enumerate(GREAT):
            self.scale = scale
            try:
                found.append(self.point(self.apart(k), PLAN_OF_WIDE + 31 + k, draws=FEW_DRAWS))
            except NoPointError:
                break
            finally:
                self.scale = 1.0
        return found

    @once
    def near_zero(self) -> Point | None:
        """Return a point with smaller numbers, so that what the model defines is of some size at
        which a number is not lost beside it; None where no such point is found."""
        for k, scale in enumerate(SMALLER):
            self.scale = scale
            try:
                point = self.point(self.apart(k % PLANS), PLAN_OF_WIDE + 21 + k)
            except NoPointError:
                continue
            finally:
                self.scale = 1.0
            if point.greatest < LOST:
                return point
        return None

    def in_cases(self, *roots: Expr, condition: Condition | None = None) -> Iterator[Point]:
        """Yield points with numbers of other orders, and next to those that the formulas compare
        with; none where nothing depends on a comparison."""
        definitions = [d.expr for d in self.derived.system.definitions.values()]
        compared = [x for x in postorder([*roots, *definitions]) if decides(x)]
        if not compared:
            return
        limits = _limits(compared)
        for k, scale in enumerate(SCALES):
            self.scale, self.limits = scale, limits if k % 2 else ()
            try:
                point = self.point(self.apart(k % PLANS), PLAN_OF_WIDE + 1 + k, condition)
            except NoPointError:
                continue
            finally:
                self.scale, self.limits = 1.0, ()
            yield point

    def of_code(self, numbers: Sequence[float]) -> Iterator[Point]:
        """Yield points at which a function may go wrong: with axes of one length, with numbers of
        other orders, and next to the ``numbers`` that stand in its text."""
        drawn: list[tuple[Mapping[Dim, int], float]] = [(self.equal(3), 1.0)]
        drawn += [(self.apart(k % PLANS), scale) for k, scale in enumerate(ORDERS)]
        drawn += [(self.apart(k % PLANS), n) for n in numbers for k in range(BESIDE)]
        for k, (sizes, scale) in enumerate(drawn):
            limits = (scale * (-1) ** k,) if scale in numbers else ()
            self.scale, self.limits = scale, limits
            try:
                point = self.point(sizes, PLAN_OF_WIDE + 61 + k, draws=FEW_DRAWS)
            except NoPointError:
                continue
            finally:
                self.scale, self.limits = 1.0, ()
            yield point

    def point(
        self,
        sizes: Mapping[Dim, int],
        seed: int,
        condition: Condition | None = None,
        decimals: int | None = None,
        draws: int = MOST_DRAWS,
    ) -> Point:
        """Draw a point at which what the model assumes holds, and the condition if there is one.

        Raises EingradError where no values are found.
        """
        unsolved = 0
        for attempt in range(draws):
            arrays = self._draw(sizes, 17 * seed + attempt, decimals)
            if condition is not None:
                arrays = {name: condition(name, x) for name, x in arrays.items()}
            point = self._at(sizes, arrays)
            if self.equations:
                solved = self._satisfy(point, 17 * seed + attempt)
                if solved is None:
                    unsolved += 1
                    if unsolved == MOST_UNSOLVED:
                        break
                    continue
                point = solved
            if self.is_sound(point):
                return point
        raise NoPointError(
            "no values were found at which the model is finite and all that it assumes holds",
            code="no-point",
            hint="look at the assume lines, and at logarithms, roots and divisions",
        )

    def free(self, count: int) -> Iterator[Point]:
        """Yield points at which only bounds of inputs are heeded, whatever the model is there."""
        kinds, self.kinds = self.kinds, {}
        try:
            drawn = [self._draw(self.apart(k), 17 * k, None) for k in range(count)]
        finally:
            self.kinds = kinds
        yield from (self._at(self.apart(k), arrays) for k, arrays in enumerate(drawn))

    def _at(self, sizes: Mapping[Dim, int], arrays: Mapping[str, Array]) -> Point:
        return Point(self.derived, sizes, arrays, self.functions, self.effort)

    def is_sound(self, point: Point, dtype: Any = float) -> bool:
        """Whether what the model assumes of bounds holds, and all that is needed is finite."""
        return self._is_within(point) and self.is_finite(point, dtype)

    def is_finite(self, point: Point, dtype: Any = float) -> bool:
        """Whether all that is needed has finite values."""
        return all(bool(np.isfinite(point.value(x, dtype)).all()) for x in self.needed)

    def _is_within(self, point: Point) -> bool:
        """Whether all bounds hold, of what the model defines too."""
        return all(
            bool(COMPARE[f.sign](point.value(f.left), point.value(f.right)).all())
            for f in self.bounds
        )

    def _draw(self, sizes: Mapping[Dim, int], seed: int, decimals: int | None) -> dict[str, Array]:
        result: dict[str, Array] = {}
        for name, var in self.system.inputs.items():
            rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
            bounded(entries(var, sizes))
            shape = [d if isinstance(d, int) else sizes[d] for d in var.dims]
            if name in self.ranges:
                dim = self.ranges[name]
                size = dim if isinstance(dim, int) else sizes[dim]
                result[name] = rng.integers(0, size, shape).astype(np.float64)
            else:
                kind = self.kinds.get(name, "real")
                values = _values(kind, rng, shape)
                values = values if shape or seed % 17 > SIGNED else self._signed(name, values, seed)
                if kind in ("real", "positive"):
                    values = self._off_limits(values * self.scale, kind, rng)
                values = values if decimals is None else np.round(values, decimals)
                result[name] = _reflected(values, self.intervals.get(var))
        named = {r.name: d for d, r in self.extents.items() if isinstance(r, Var)}
        return result | {n: np.asarray(float(sizes[d])) for n, d in named.items() if n in result}

    def _off_limits(self, values: Array, kind: str, rng: np.random.Generator) -> Array:
        """Put half of the numbers next to those that formulas compare with."""
        limits = [x for x in self.limits if x > 0 or kind == "real"]
        if not limits:
            return values
        beside = rng.choice([0.98, 1.02], values.shape) + rng.uniform(-0.01, 0.01, values.shape)
        near = rng.choice(limits, values.shape) * beside  # no two are equal
        return np.asarray(np.where(rng.uniform(size=values.shape) < 0.5, near, values))

    def _signed(self, name: str, value: Array, seed: int) -> Array:
        """Give a number of either sign one of them, so that two have all four pairs in four plans:
        chance leaves numbers that are positive at all points."""
        if self.kinds.get(name, "real") not in ("real", "wide"):
            return value
        mask = 1 + list(self.system.inputs).index(name) % 3
        return np.asarray(np.abs(value) * (-1) ** (seed // 17 & mask).bit_count())

    def _sizes_to_try(self, longest: int | None) -> Mapping[Dim, int]:
        """Return the sizes with which it is tried where the model is finite."""
        sizes = self.apart(0)
        if longest is None:
            return sizes
        cut = {dim: min(n, max(longest, self.least.get(dim, 0))) for dim, n in sizes.items()}
        return with_derived(cut, self.least)

    def _find_kinds(self, sizes: Mapping[Dim, int]) -> Mapping[str, str] | None:
        """Choose for each input the widest range in which the model is finite, if there is one."""
        inputs = [name for name in self.system.inputs if name not in self.ranges]
        own = {name: kind for name, kind in self._domains() if name in inputs}
        choices: Iterable[dict[str, str]] = _choices(inputs)
        if own:
            choices = chain(({**own, **kinds} for kinds in _choices(inputs)), choices)
        for kinds in choices:
            self.kinds = kinds
            points = (self._at(sizes, self._draw(sizes, seed, None)) for seed in (1, 2))
            if all(self.is_finite(p) for p in points):
                return kinds
        return None

    def _domains(self) -> Iterator[tuple[str, str]]:
        """Yield the inputs that are arguments of functions that are not defined everywhere."""
        for node in postorder(d.expr for d in self.system.definitions.values()):
            x = node.operands[0] if isinstance(node, Map) and len(node.operands) == 1 else None
            record = FUNCTIONS.get(node.function) if isinstance(node, Map) else None
            if isinstance(x, Var) and record is not None and record.domain in WITHIN:
                yield x.name, WITHIN[record.domain]

    # --- facts ---

    def _satisfy(self, point: Point, seed: int) -> Point | None:
        """Move the inputs to where all that the model assumes holds, by Newton's method."""
        rng = np.random.default_rng(seed)
        given = {name: point.arrays[name] for name in self.fixed}
        one_hot = {name: _one_hot(x, rng) for name, x in given.items()}
        positive = {n for n in given if self._stays_positive(n) and (given[n] > 0).all()}
        for start, logarithms in ((given, positive), (one_hot, set[str]())):
            moved = self._moved(point, start, logarithms)
            if moved is not None:
                return moved
        return None

    def _stays_positive(self, name: str) -> bool:
        interval = self.intervals.get(self.system.inputs[name])
        return self.kinds.get(name) in POSITIVE or (interval is not None and interval.low >= 0)

    def _moved(
        self, point: Point, start: Mapping[str, Array], logarithms: Collection[str]
    ) -> Point | None:
        """Solve for inputs from a start, for the logarithms of those that must stay positive."""

        def there(flat: Array) -> Point:
            found = unflatten(flat, list(start), start)
            found |= {name: np.exp(found[name]) for name in logarithms}
            return self._at(point.sizes, {**point.arrays, **found})

        def residual(flat: Array) -> Array:
            return self.residual(there(flat))

        unknown = [np.log(x) if name in logarithms else x for name, x in start.items()]
        solved = newton(residual, np.concatenate([x.ravel() for x in unknown] or [np.zeros(0)]))
        return None if solved is None else there(solved)

    def residual(self, point: Point) -> Array:
        """Return how far both sides of what the model assumes are apart at a point."""
        parts = [point.value(f.left) - point.value(f.right) for f in self.equations]
        return np.concatenate([np.zeros(0), *(p.ravel() for p in parts)])

    def _fixed(self) -> list[str]:
        """Return the inputs that the facts speak of, through definitions too."""
        found: dict[str, None] = {}
        for fact in self.equations:
            for side in (fact.left, fact.right):
                for var in variables(self.derived.whole(side)):
                    if var.name not in self.ranges:
                        found[var.name] = None
        return list(found)


def _codes(count: int) -> list[tuple[int, ...]]:
    """Return, for each of some dimensions, its sizes in the plans: all different, the least first.

    >>> _codes(5)
    [(2, 2, 2, 3), (2, 2, 3, 2), (2, 3, 2, 2), (3, 2, 2, 2), (2, 2, 2, 4)]
    """
    most = 3
    while (most - 1) ** PLANS <= count:
        most += 1
    codes = cartesian(range(2, most + 2), repeat=PLANS)
    return sorted(codes, key=lambda code: (math.prod(code), code))[1 : count + 1]


def _read_far(node: Expr) -> tuple[Sequence[Dim], int]:
    """Return the axes along which a node reads far away, and the size with which it reads there.

    Of the entry beside it, any point will do.
    """
    match node:
        case Band() if len(node.dims) == 1:
            return node.dims, abs(node.constant) + (not any(node.ends))
        case Band():
            far, dims = abs(node.constant), list(node.dims)
        case Shift():
            far, dims = abs(node.by), [node.dims[node.axis]]
        case Window():
            far = max(max(abs(r.constant), *map(abs, r.weights)) for r in node.reaches)
            dims = [d for r in node.reaches for d in (node.operands[0].dims[r.axis], *r.dims)]
        case Map(function=function) if function in RELATIONS:
            below = list(postorder([node]))
            numbers = [x.value for x in below if isinstance(x, Const) and isinstance(x.value, int)]
            counts = any(isinstance(x, Indices) for x in below) and not variables(node)
            far, dims = max(map(abs, numbers), default=0) if counts else 0, list(node.dims)
        case _:
            return (), 0
    return (dims, far + 3) if far > 1 else ((), 0)


def _moving(node: Expr) -> Sequence[Dim]:
    """Return the axes along which a node reads at other positions."""
    if isinstance(node, Shift):
        return [node.dims[node.axis]]
    return node.dims if isinstance(node, Band) else ()


def decides(node: Expr) -> bool:
    """Whether a function is another one for some arguments than for others."""
    record = FUNCTIONS.get(node.function) if isinstance(node, Map) else None
    return record is not None and bool(record.fills_zeros or record.sign or record.keeps_integers)


def _limits(compared: Sequence[Expr]) -> list[float]:
    """Return the numbers that comparisons may be about, quotients of two of them too."""
    values = (x.value for x in postorder(compared) if isinstance(x, Const))
    found = sorted({abs(float(v)) for v in values if not isinstance(v, complex) and v != 0})
    found = [x for x in found if math.isfinite(x)][:MOST_LIMITS]
    limits = {*found, *(a / b for a in found for b in found)}
    return [sign * x for x in sorted(limits) for sign in (1.0, -1.0)]


def _reflected(x: Array, interval: Interval | None) -> Array:
    """Move numbers into an interval by reflection at its ends: those inside stay."""
    if interval is None:
        return x
    low, high = interval.low, interval.high
    if math.isinf(high):
        return x if math.isinf(low) else np.asarray(low + np.abs(x - low))
    if math.isinf(low):
        return np.asarray(high - np.abs(high - x))
    width = high - low
    return np.asarray(low + width - np.abs(np.mod(x - low, 2 * width) - width))


def _values(kind: str, rng: np.random.Generator, shape: Sequence[int]) -> Array:
    match kind:
        case "positive":
            return rng.uniform(0.3, 1.7, shape)
        case "unit":
            return rng.uniform(0.1, 0.9, shape)
        case "large":
            return rng.uniform(1.2, 2.5, shape)
        case "wide":
            return np.asarray(rng.uniform(0.05, 6.0, shape) * rng.choice([-1.0, 1.0], shape))
        case "wide positive":
            return rng.uniform(0.05, 6.0, shape)
        case "great":
            return rng.uniform(3.2, 9.0, shape)
        case "definite" if len(shape) > 1 and shape[-1] == shape[-2]:
            n = shape[-1]
            x = rng.uniform(-1, 1, shape)
            skew = 0.3 * (x - np.swapaxes(x, -1, -2))  # not symmetric: a transpose must show
            return np.asarray(x @ np.swapaxes(x, -1, -2) + 0.5 * np.eye(n) + skew)
    values = rng.uniform(0.2, 1.5, shape)
    return np.asarray(np.where(rng.uniform(size=shape) < 0.5, -values, values))


def _choices(inputs: Sequence[str]) -> Iterable[dict[str, str]]:
    """Yield kinds of values to try, the widest first."""
    yield {}
    kinds = ("positive", "unit", "large", "great", "definite")
    for kind in kinds[:2]:
        yield from ({name: kind} for name in inputs)
    yield from (dict.fromkeys(inputs, kind) for kind in kinds[:4])
    for kind in kinds[2:]:
        yield from ({name: kind} for name in inputs)
    rng = random.Random(0)
    for _ in range(400):
        yield {name: rng.choice(("real", *kinds)) for name in inputs}


def _one_hot(x: Array, rng: np.random.Generator) -> Array:
    """Return an array like x with one 1 along its last axis."""
    if not x.ndim:
        return np.ones(())
    return np.asarray(np.eye(x.shape[-1])[rng.integers(0, x.shape[-1], x.shape[:-1])])


class _Smooth(dict[str, Callable[..., Array]]):
    """What stands in for declared functions and their derivatives, made when it is needed."""

    def __missing__(self, name: str) -> Callable[..., Array]:
        base, by = declared_base(name), arguments_of(name)

        def function(*xs: Array) -> Array:
            if len(xs) == 1:
                return _smooth(base, len(by))(xs[0])
            return _smooth_of_several(base, by, xs)

        self[name] = function
        return function


def _smooth_of_several(name: str, by: Sequence[int], xs: Sequence[Array]) -> Array:
    """Stand in for a function of several numbers: waves along more directions than it has numbers.

    They are bounded, so that a recurrence over one stays finite.
    """
    rng = random.Random(zlib.crc32(name.encode()))
    total = np.full((), 0.0 if by else rng.uniform(0.5, 0.9), xs[0].dtype)
    for _ in range(len(xs) + 2):
        way = [rng.choice((-1, 1)) * rng.uniform(0.4, 1.3) for _ in xs]
        place = sum(b * x for b, x in zip(way, xs, strict=True)) + rng.uniform(0.2, 1.2)
        slope = math.prod(way[k] for k in by)
        total = total + slope * np.sin(place + len(by) * np.asarray(np.pi, xs[0].dtype) / 2)
    return np.asarray(total)


def _smooth(name: str, order: int) -> Callable[[Array], Array]:
    """Stand in for a declared function: smooth, generic, with derivatives of every order."""
    rng = random.Random(zlib.crc32(name.encode()))
    a, b, c = rng.uniform(0.4, 0.9), rng.uniform(1.1, 1.6), rng.uniform(0.2, 1.2)

    def function(x: Array) -> Array:
        wave = b**order * np.sin(b * x + c + order * np.asarray(np.pi, x.dtype) / 2)
        return np.asarray(wave + a**order * np.exp(a * x))

    return function
