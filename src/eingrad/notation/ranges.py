"""How far labels go that stand in offsets alone: i of ``y_i = x[i+k] w_k``.

Such a label runs where every entry exists, from 0 on; where that would not begin at 0, or where
two tensors would have it go differently far, its author says: ``assume size(i) = size(n)``. What
lies outside is then 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NoReturn

from eingrad.core.expr import Dim
from eingrad.core.spans import span, span_of, spoken
from eingrad.errors import NotationError
from eingrad.notation import mistakes
from eingrad.notation.syntax import (
    Assumption,
    Formula,
    Number,
    Product,
    SizeOf,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.tensors import Tensors
from eingrad.notation.text import label_text, symbol_text
from eingrad.notation.thunks import Extents, Most, OffsetRead

Affine = tuple[list[tuple[int, Dim]], int]  # numbers with dimensions, and a number

NO_LETTERS: Mapping[Dim, Sequence[str]] = MappingProxyType({})


def with_ranges(
    tensors: Tensors,
    extents: Extents,
    stated: Sequence[Assumption] = (),
    letters: Mapping[Dim, Sequence[str]] = NO_LETTERS,
) -> tuple[Extents, list[Assumption]]:
    """Return the extents with the ranges of all labels, and the statements that gave some.

    ``letters`` are those of dimensions that are known already: of a claim the model's.
    """
    found = _Ranges(tensors, extents, stated)
    found.by_letter(letters)
    return found.settled(), found.used


class _Ranges:
    def __init__(self, tensors: Tensors, extents: Extents, stated: Sequence[Assumption]) -> None:
        self.tensors, self.extents, self.used = tensors, extents, list[Assumption]()
        axes = [(name, k) for name, s in tensors.inputs.items() for k in range(len(s.labels))]
        sized = [tensors.dims.axis(*axis) for axis in axes]
        places = [p for x in tensors.offsets for p in (*(p for _, p in x.terms), x.axis)]
        sums = [s.left.label for s in stated
                if isinstance(s.left, SizeOf) and isinstance(s.right, Sum | Product)]  # fmt: skip
        places += tensors.dims.places_called(sums)  # conditions alone may speak of them
        free, unsized = (tensors.dims.unsized(places, own) for own in ((), sized))
        lone = {free[place] for place in tensors.lone if place in free}
        self.root = {p: r for p, r in free.items() if p in unsized or r in lone}
        self.sized = {r for p, r in self.root.items() if p not in unsized}  # inputs may say it, too
        counted = tensors.dims.unsized([place for place, _ in tensors.counted], sized)
        self.counted = list(counted.values())  # what conditions alone speak of
        self.dims: dict[int, Dim] = {}
        self.bounded: dict[int, list[Most]] = {}  # of these what the conditions say
        self.stated = {root: self._stated(root, stated) for root in self.root.values()}

    def by_letter(self, letters: Mapping[Dim, Sequence[str]]) -> None:
        """Give labels the extent that their letter stands for."""
        bounds = [(x.place, x.end) for x in self.tensors.bounds if x.end is not None]
        places = self.tensors.dims.unsized([place for place, _ in bounds], [])
        ends = {places[place]: end for place, end in bounds if place in places}
        for place, end in bounds:  # ``q < size(q)`` says more than another end
            if place in places and end.label in self.tensors.dims.labels_of(place):
                ends[places[place]] = end
        for root in dict.fromkeys([*self.root.values(), *self.counted]):
            own = self.tensors.dims.labels_of(root)
            if root in ends:  # sum_{q < size(o)}
                end = ends[root]
                if end.of is not None:
                    axis = end.of.labels.index(end.label)
                    self.dims[root] = self.extents.dims[self.tensors.dims.axis(end.of.name, axis)]
                    continue
                own = [end.label]
            homes = [dim for dim, known in letters.items() if not {*own}.isdisjoint(known)]
            if len(homes) == 1:
                self.dims[root] = homes[0]

    def _by_bounds(self) -> None:
        """Let labels that conditions alone speak of go as far as one of these lets them."""
        left = {*self.counted} - {*self.root.values(), *self.dims}
        root_of = self.tensors.dims.unsized([x.place for x in self.tensors.bounds], [])
        for one in self.tensors.bounds:
            if (root := root_of.get(one.place)) in left:
                self.bounded.setdefault(root, []).append(one)
        for own in self.bounded.values():
            own.sort(key=lambda x: (x.end is None, x.like is None, len(x.terms), x.more))
        found = True
        while found:
            new = {self.extents.dims[root]: dim for root, dim in self.dims.items()}
            unknown = {self.extents.dims[root] for root in self.bounded if root not in self.dims}
            found = False
            for root, own in self.bounded.items() if unknown else ():
                for one in own if root not in self.dims else ():
                    dims = [(n, self._dim_of(x)) for n, x in one.terms]
                    if unknown.isdisjoint(dim for _, dim in dims):
                        self.dims[root] = span([(n, new.get(d, d)) for n, d in dims], one.more)
                        found = True
                        break

    def _dim_of(self, part: int | SizeOf) -> Dim:
        """Return the dimension of a place, or the one that an extent speaks of."""
        if isinstance(part, int):
            return self.extents.dims[part]
        if part.of is not None:
            axis = part.of.labels.index(part.label)
            return self.extents.dims[self.tensors.dims.axis(part.of.name, axis)]
        homes = [dim for dim, own in self.extents.letters.items() if part.label in own]
        if len(homes) != 1:
            raise mistakes.no_size(part.label, homes, None)
        return homes[0]

    def settled(self) -> Extents:
        left = {root: None for root in self.root.values() if root not in self.dims}
        while left:
            done = [root for root in left if self._settle(root)]
            if not done:
                done = [root for root in left if self._stands(root)] or self._refuse([*left])
            for root in done:
                del left[root]
        self._by_bounds()
        if not self.dims:
            return self.extents
        new = {self.extents.dims[root]: dim for root, dim in self.dims.items()}
        letters: dict[Dim, tuple[str, ...]] = {}
        bounded = {self.extents.dims[root] for root in self.bounded}
        for dim, own in sorted(self.extents.letters.items(), key=lambda x: x[0] in bounded):
            name = new.get(dim, dim)
            letters[name] = tuple(dict.fromkeys((*letters.get(name, ()), *own)))
        return Extents({p: new.get(d, d) for p, d in self.extents.dims.items()}, letters)

    def _stated(self, root: int, stated: Sequence[Assumption]) -> Assumption | None:
        own = self.tensors.dims.labels_of(root)
        for fact in stated:
            named = root in self.sized and isinstance(fact.right, Symbol)
            if isinstance(fact.left, SizeOf) and fact.left.label in own and not named:
                return fact
        return None

    def _settle(self, root: int) -> bool:
        """Find how far a label goes; return whether all is known that says it."""
        fact = self.stated[root]
        if fact is not None:
            total = affine(fact.right, self._extent_of)
            if total is None:
                return False
            self.used.append(fact)
            self.dims[root] = span(*total)
            return True
        found: dict[Dim, OffsetRead] = {}
        for uses in self._uses(root):
            if root in self.sized and any(self._before(root, read) for read in uses):
                continue
            for read in uses:
                others = [p for _, p in read.terms if self.root.get(p) != root]
                if any(self._dim(p) is None for p in (*others, read.axis)):
                    return False
            spans = [self._span(root, read) for read in uses]
            found.setdefault(self._least(root, spans, uses), uses[0])
        if len(found) > 1:
            raise self._error(root, [*found.values()][-1], self._unlike([*found]))
        if found:
            (self.dims[root],) = found
        elif root in self.sized:
            self.dims[root] = self.extents.dims[root]
        return root in self.dims

    def _stands(self, root: int) -> bool:
        """Let inputs say how far a label goes where it is stated that it goes as far as these."""
        if root not in self.sized or self.stated[root] is None:
            return False
        self.dims[root] = self.extents.dims[root]
        return True

    def _uses(self, root: int) -> list[list[OffsetRead]]:
        """Return where tensors are read at a label, for each statement that says its range so."""
        alone: dict[int, list[OffsetRead]] = {}
        every = []
        for read in self.tensors.offsets:
            own = [p for _, p in read.terms if self.root.get(p) == root]
            every += [read] * bool(own)
            for place in {*own} & self.tensors.lone:
                alone.setdefault(place, []).append(read)
        return [*alone.values()] or [every] * bool(every)

    def _dim(self, place: int) -> Dim | None:
        root = self.root.get(place)
        return self.extents.dims[place] if root is None else self.dims.get(root)

    def _extent_of(self, label: str) -> Dim | None:
        """Return the dimension that a letter means, None where it is not known yet."""
        found = {dim for dim, own in self.extents.letters.items() if label in own}
        if len(found) != 1:
            raise mistakes.no_size(label, list(found), None)
        (dim,) = found
        opened = {self.extents.dims[root]: root for root in self.root.values()}
        return self.dims.get(opened[dim]) if dim in opened else dim

    def _span(self, root: int, read: OffsetRead) -> Dim:
        """Return how far a label goes so that every entry exists that one tensor is read at."""
        own = sum(n for n, p in read.terms if self.root.get(p) == root)
        others = [(n, p) for n, p in read.terms if self.root.get(p) != root]
        if self._before(root, read):
            raise self._error(root, read, "{} would not begin at 0 where every entry exists")
        # own (size - 1) + sum(n (size_n - 1)) + constant = size(axis) - 1
        axis = self._dim(read.axis)
        assert axis is not None
        terms = [(1, axis)]
        rest = -1 - read.constant
        for n, p in others:
            dim = self._dim(p)
            assert dim is not None
            terms.append((-n, dim))
            rest += n
        found = span(terms, rest, own, 1)
        if isinstance(found, int) and found <= 1 and any(isinstance(d, str) for _, d in terms):
            raise self._error(root, read, "every entry exists only where {} is 0")
        return found

    def _before(self, root: int, read: OffsetRead) -> bool:
        """Whether there is no entry where the label is 0."""
        own = sum(n for n, p in read.terms if self.root.get(p) == root)
        others = (n for n, p in read.terms if self.root.get(p) != root)
        return own <= 0 or read.constant < 0 or any(n < 0 for n in others)

    def _least(self, root: int, spans: Sequence[Dim], uses: Sequence[OffsetRead]) -> Dim:
        found = list(dict.fromkeys(spans))
        if len(found) == 1:
            return found[0]
        if all(isinstance(x, int) for x in found):
            return min(found)
        parts = [span_of(x) for x in found]
        alike = {(x.terms, x.divisor, x.more) for x in parts if x is not None}
        plain = [x for x in found if span_of(x) is None]
        ones = {((1, x),) for x in plain}
        if len(alike | {(t, 1, 0) for t in ones}) == 1:
            constants = [0 if x is None else x.constant for x in parts]
            return found[constants.index(min(constants))]
        raise self._error(root, uses[0], "the tensors do not say the same of how far {} goes")

    def _unlike(self, found: Sequence[Dim]) -> str:
        ends = " and ".join(spoken(dim) for dim in found)
        return f"in one statement {{}} goes as far as {ends.replace(' and ', ', in another ')}"

    def _refuse(self, left: Sequence[int]) -> NoReturn:
        root = next((root for root in left if root in self.sized), left[0])
        uses = [read for own in self._uses(root) for read in own]
        if root in self.sized:
            raise mistakes.two_ranges(uses[0].written, self.tensors.dims.labels_of(root)[0])
        if uses:
            raise self._error(root, uses[0], "nothing says how far {} goes")
        read = next(x for x in self.tensors.offsets if self.root.get(x.axis) == root)
        raise self._error(root, read, "nothing says how far {} goes")

    def _error(self, root: int, read: OffsetRead, why: str) -> NotationError:
        labels = self.tensors.dims.labels_of(root)[:1] or ["i"]
        name = label_text(labels[0])
        tensor, axis = read.written, ""
        if isinstance(tensor, TensorAt):
            letters = [x for p, x in self.extents.dims.items() if p == read.axis]
            own = self.extents.letters.get(letters[0], ()) if letters else ()
            axis = label_text(own[0]) if own and own[0] not in labels else ""
        ways = f"say it: assume size({name}) = size({axis})" if axis else (
            f"say it: assume size({name}) = 10")  # fmt: skip
        if len(read.terms) > 1 and axis:
            more = [x for n, p in read.terms if self.root.get(p) != root
                    for x in self.tensors.dims.labels_of(p)[:1]]  # fmt: skip
            if more:
                ways += f", or assume size({name}) = size({axis}) + size({label_text(more[0])}) - 1"
        for label in self._compared(root):
            ways += f", or assume size({name}) = size({label_text(label)})"
        ways += "; what lies outside is then 0. Or use a tensor at the label itself, as in "
        ways += symbol_text("z", tuple(labels))
        return mistakes.open_range(tensor, labels, why, ways)

    def _compared(self, root: int) -> list[str]:
        """Return a letter for each label with which one of this range is compared."""
        place_of = self.tensors.dims.unsized([p for own in self.tensors.compared for p in own], ())
        found = [b for pair in self.tensors.compared for a, b in (pair, pair[::-1])
                 if place_of.get(a) == root != place_of.get(b)]  # fmt: skip
        return list(dict.fromkeys(x for p in found for x in self.tensors.dims.labels_of(p)[:1]))


def affine(formula: Formula, extent_of: Callable[[str], Dim | None]) -> Affine | None:
    """Read ``size(n) + size(k) - 1``, ``2 size(j)``; None where an extent is not known yet.

    Raises NotationError for anything that is no such sum.
    """
    match formula:
        case Number(value=int() as value):
            return [], value
        case SizeOf(of=None, label=label):
            dim = extent_of(label)
            return None if dim is None else ([(1, dim)], 0)
        case Sum(terms=parts, negative=negative):
            terms: list[tuple[int, Dim]] = []
            constant = 0
            for part, minus in zip(parts, negative, strict=True):
                one = affine(part, extent_of)
                if one is None:
                    return None
                sign = -1 if minus else 1
                terms += [(sign * n, dim) for n, dim in one[0]]
                constant += sign * one[1]
            return terms, constant
        case Product(factors=(Number(value=int() as n), factor), divides=(False, False)):
            inner = affine(factor, extent_of)
            return inner and ([(n * m, dim) for m, dim in inner[0]], n * inner[1])
    raise NotationError(
        "an extent is a sum of whole numbers and extents",
        position=getattr(formula, "position", None),
        hint="write for instance: assume size(i) = size(n) + size(k) - 1",
    )


__all__ = ["with_ranges"]
