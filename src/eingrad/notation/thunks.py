"""Expressions whose axes are labelled places, as thunks: built when the extents are known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from eingrad.core import algebra
from eingrad.core.algebra import Infix
from eingrad.core.arrays import matrix_function
from eingrad.core.bands import Band
from eingrad.core.expr import Const, Dim, Expr, Indices
from eingrad.core.functions import MATRIX_FUNCTIONS, Function
from eingrad.core.gather import gather, indicator
from eingrad.core.product import full
from eingrad.notation.syntax import Formula, SizeOf

Places = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Extents:
    """The dimension of every place, and the letters of every dimension."""

    dims: Mapping[int, Dim]
    letters: Mapping[Dim, tuple[str, ...]]

    def of(self, places: Places) -> tuple[Dim, ...]:
        """Return the dimensions of places."""
        return tuple(self.dims[place] for place in places)


Thunk = Callable[[Extents], Expr]


@dataclass(frozen=True, slots=True)
class Indexed:
    """A thunk for an expression, and the places of its axes, without repeats."""

    places: Places
    build: Thunk

    def over(self, places: Places, extents: Extents) -> Expr:
        """Build the expression over other axes: transposed, and repeated along new ones."""
        expr = self.build(extents)
        if self.places == places:
            return expr
        return algebra.einsum(
            [(expr, self.places)], places, {place: extents.dims[place] for place in places}
        )


def number(value: int | float | Fraction) -> Thunk:
    """Return the thunk for a number."""
    return lambda _: Const(value)


def always(expr: Expr) -> Thunk:
    """Return the thunk for an expression that is there already."""
    return lambda _: expr


def signed(expr: Expr, negative: bool) -> Expr:
    """Return ``expr``, or ``-expr``."""
    return algebra.multiply(Const(-1), expr) if negative else expr


def union(parts: Sequence[Indexed]) -> Places:
    """Return the places of several parts, in order of appearance."""
    return tuple(dict.fromkeys(place for part in parts for place in part.places))


def view(tensor: Thunk, places: Places, kept: Places) -> Indexed:
    """Label a tensor's axes: a repeated one is a diagonal, one that is not kept is summed."""
    return Indexed(kept, lambda extents: algebra.einsum([(tensor(extents), places)], kept))


def aligned(part: Indexed, places: Places, extents: Extents) -> Expr:
    """Build over ``places``; a scalar stays one, since element-wise functions repeat it."""
    return part.over(places, extents) if part.places else part.build(extents)


def elementwise(function: str, parts: Sequence[Indexed]) -> Indexed:
    """Apply an element-wise function to arguments that are broadcast by label."""
    places = union(parts)

    def build(extents: Extents) -> Expr:
        operands = [aligned(part, places, extents) for part in parts]
        return algebra.broadcast_scalar(algebra.apply(function, *operands), extents.of(places))

    return Indexed(places, build)


def slope(function: Function, arg: Indexed) -> Indexed:
    """Return the derivative of a function at an argument, 0 where it has none."""
    partial = function.partials[0]

    def build(extents: Extents) -> Expr:
        x = arg.build(extents)
        value = partial(Infix(algebra.apply(function.name, x)), Infix(x)) if partial else 0
        return algebra.broadcast_scalar(algebra.expr_of(value), x.dims)

    return Indexed(arg.places, build)


def reduced(function: str, arg: Indexed, axes: Places, keeps: bool = False) -> Indexed:
    """Apply a function over axes, which are dropped unless it ``keeps`` them."""
    positions = [arg.places.index(place) for place in axes]
    places = tuple(place for place in arg.places if keeps or place not in axes)
    return Indexed(places, lambda extents: algebra.reduce(function, arg.build(extents), positions))


def quotient(above: Indexed, below: Indexed) -> Indexed:
    """Divide entry by entry."""
    places = union([above, below])

    def build(extents: Extents) -> Expr:
        sides = [aligned(part, places, extents) for part in (above, below)]
        return algebra.broadcast_scalar(algebra.divide(*sides), extents.of(places))

    return Indexed(places, build)


def place_of(place: int) -> Indexed:
    """Return where a label stands on its axis."""
    return Indexed((place,), lambda extents: Indices(extents.dims[place]))


def times_place(factor: int, place: int) -> Indexed:
    """Return a number times where a label stands on its axis."""
    at = place_of(place)
    return Indexed(at.places, lambda extents: algebra.multiply(Const(factor), at.build(extents)))


def plus(parts: Sequence[Indexed]) -> Indexed:
    """Return the sum of parts, broadcast by label."""
    places = union(parts)

    def build(extents: Extents) -> Expr:
        terms = [aligned(part, places, extents) for part in parts]
        return algebra.broadcast_scalar(algebra.add(*terms), extents.of(places))

    return Indexed(places, build)


def summed(parts: Sequence[Indexed], bound: Collection[int]) -> Indexed:
    """Return the product of parts, summed over places; those that no part has count, too."""
    kept = tuple(place for place in union(parts) if place not in bound)

    def build(extents: Extents) -> Expr:
        factors = [(x.build(extents), x.places) for x in parts]
        ones = [(full(1, extents.of((place,))), (place,)) for place in bound]
        return algebra.einsum([*factors, *ones], kept)

    return Indexed(kept, build)


def cases(condition: Indexed, yes: Indexed, no: Indexed) -> Indexed:
    """Choose by a condition on labels."""
    places = union([condition, yes, no])

    def build(extents: Extents) -> Expr:
        operands = [aligned(part, places, extents) for part in (condition, yes, no)]
        return algebra.broadcast_scalar(algebra.cases(*operands), extents.of(places))

    return Indexed(places, build)


def matrix(function: str, arg: Indexed, row: int, column: int) -> Indexed:
    """Apply a function of the matrices with the axes ``row`` and ``column``; others are a batch."""
    batch = tuple(place for place in arg.places if place not in (row, column))
    whole = (*batch, row, column)
    if function == "transpose":
        return Indexed((*batch, column, row), lambda extents: arg.over(whole, extents))
    if function == "trace":
        return view(lambda extents: arg.over(whole, extents), (*batch, row, row), batch)
    kept = whole if MATRIX_FUNCTIONS[function].keeps_axes else batch
    return Indexed(kept, lambda extents: matrix_function(function, arg.over(whole, extents)))


def gathered(tensor: Thunk, sources: Sequence[int | Indexed]) -> Indexed:
    """Read a tensor at places of labels and at integer tensors."""
    used = [(x,) if isinstance(x, int) else x.places for x in sources]
    places = tuple(dict.fromkeys(place for own in used for place in own))

    def build(extents: Extents) -> Expr:
        entries = [x if isinstance(x, int) else (x.build(extents), x.places) for x in sources]
        return gather(tensor(extents), entries)[0]

    return Indexed(places, build)


def at_offsets(tensor: Indexed, offsets: Sequence[OffsetRead], edges: Edges = dict) -> Indexed:
    """Read a tensor at integer combinations of labels: its product with what selects, summed.

    ``edges`` are what stands before the first entry of an axis, or behind the last one.
    """
    read = {x.axis for x in offsets}
    kept = [p for p in tensor.places if p not in read]
    places = tuple(dict.fromkeys((*kept, *(p for x in offsets for _, p in x.terms))))

    def build(extents: Extents) -> Expr:
        bands = [(x.band(extents), (x.axis, *(p for _, p in x.terms))) for x in offsets]
        inside = algebra.einsum([(tensor.build(extents), tensor.places), *bands], places)
        terms = [inside]
        for (axis, sign), value in edges().items():
            for k, (x, (_, combination)) in enumerate(zip(offsets, bands, strict=True)):
                if x.axis != axis or not x.terms:
                    continue
                others = tuple(p for p in tensor.places if p != axis)
                rest = [band for j, band in enumerate(bands) if j != k]
                beyond = x.beyond(sign, extents), combination[1:]
                terms.append(algebra.einsum([(value(extents), others), *rest, beyond], places))
        return algebra.add(*terms)

    return Indexed(places, build)


@dataclass(frozen=True, slots=True)
class Most:
    """How many entries at most a label goes over at a place, as a condition says: extents of other
    places or of letters, each so many times, and a number more."""

    place: int
    terms: tuple[tuple[int, int | SizeOf], ...]
    more: int

    @property
    def like(self) -> int | None:
        """The place of the one label that it is below: i of ``k <= i``."""
        other = self._alone
        return other if isinstance(other, int) else None

    @property
    def end(self) -> SizeOf | None:
        """The extent of ``q < size(o)``, which LaTeX writes as ``q <= size(o)``."""
        other = self._alone
        return other if isinstance(other, SizeOf) else None

    @property
    def _alone(self) -> int | SizeOf | None:
        alone = len(self.terms) == 1 and self.terms[0][0] == 1 and not self.more
        return self.terms[0][1] if alone else None


@dataclass(frozen=True, slots=True)
class OffsetRead:
    """An axis, by its place, read at the sum of numbers times places; see `syntax.Offset`."""

    axis: int
    terms: tuple[tuple[int, int], ...]
    constant: int
    written: Formula

    def band(self, extents: Extents) -> Expr:
        """Return what is 1 where the axis is at the combination."""
        dims = extents.of((self.axis, *(p for _, p in self.terms)))
        ends = (-1,) if not self.terms and self.constant < 0 else ()
        return Band(dims, (1, *(-n for n, _ in self.terms)), -self.constant, ends)

    def beyond(self, sign: str, extents: Extents) -> Expr:
        """Return 1 where the combination is below 0, or behind the last entry, over its labels."""
        own = tuple(range(len(self.terms)))
        dims = extents.of(tuple(p for _, p in self.terms))
        places = [
            algebra.einsum([(Const(n), ()), (Indices(dim), (k,))], own, dict(enumerate(dims)))
            for k, ((n, _), dim) in enumerate(zip(self.terms, dims, strict=True))
        ]
        place = algebra.add(*places, Const(self.constant))
        end = Const(0) if sign == "<" else algebra.size(extents.dims[self.axis])
        condition = algebra.apply("lt" if sign == "<" else "ge", place, end)
        return algebra.cases(condition, Const(1), Const(0))


Edges = Callable[[], Mapping[tuple[int, str], Thunk]]
"""What stands outside a tensor's axes, by their places; known when all statements are."""


def indicated(index: Indexed, place: int) -> Indexed:
    """Return 1 where the label at ``place`` is the index, else 0."""
    places = (*index.places, place)
    kept = tuple(dict.fromkeys(places))
    return view(lambda extents: indicator(index.build(extents), extents.dims[place]), places, kept)
