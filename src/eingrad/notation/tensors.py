"""The tensors of a model: how many axes each has, and where it was first written."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from eingrad.core.expr import Dim
from eingrad.core.spans import span_of
from eingrad.errors import NotationError
from eingrad.notation import mistakes
from eingrad.notation.dimensions import Dimensions
from eingrad.notation.lexeme import is_function
from eingrad.notation.syntax import Formula, Number, Power, Product, Symbol
from eingrad.notation.thunks import Extents, Most, OffsetRead, Thunk

RESERVED = "delta"
PI = Symbol("pi")  # the number, where nothing assigns it
INFINITY = Symbol("inf")  # likewise; it stands in case distinctions by conditions on labels


def is_number(formula: Formula) -> bool:
    r"""Whether a formula is made of numbers and of pi, not of pi alone."""
    parts = formula.factors if isinstance(formula, Product) else (formula,)
    plain = [x.base if isinstance(x, Power) else x for x in parts]
    return all(isinstance(x, Number) or x == PI for x in plain)


class Tensors:
    """Every name in use, with the symbol that says how many axes it has.

    ``symbols`` are the tensors known before: those that are assigned. A name that they lack is
    an input, unless the set is ``closed``: a claim speaks of a model that exists. ``sizes`` are
    names of extents.
    """

    def __init__(
        self,
        dims: Dimensions,
        symbols: Mapping[str, Symbol],
        functions: Mapping[str, int],
        closed: bool = False,
        integers: Collection[str] = (),
        sizes: Mapping[str, Dim] | None = None,
    ) -> None:
        self.dims = dims
        self.symbols = dict(symbols)
        self.assigned = frozenset(symbols)
        self.functions = dict(functions)
        self.closed = closed
        self.moving = False  # whether the model of a claim speaks of where labels stand
        self.integers = set(integers)
        self.sizes = dict(sizes or {})
        self.compared: list[tuple[int, int]] = []  # the places of labels, in order
        self.offsets: list[OffsetRead] = []  # where tensors are read at combinations of labels
        self.lone: set[int] = set()  # labels that stand in offsets alone where they stand
        self.stated: frozenset[str] = frozenset()  # labels of which is assumed how far they go
        self.edges: dict[str, dict[tuple[int, str], Thunk]] = {}  # before the first entry, or after
        # labels that conditions may speak of alone, with the error if no letter says their extent
        self.counted: list[tuple[int, NotationError | None]] = []
        self.bounds: list[Most] = []  # what conditions say of how far labels go at most
        self.tied: list[tuple[int, int]] = []  # of one axis, unless these say more

    def is_number(self, symbol: Symbol) -> bool:
        """Whether a name is no tensor but pi, or infinity."""
        return symbol in (PI, INFINITY) and symbol.name not in self.assigned

    @property
    def inputs(self) -> dict[str, Symbol]:
        """The tensors that are never assigned, in order of first use."""
        return {name: s for name, s in self.symbols.items() if name not in self.assigned}

    def use(self, symbol: Symbol) -> tuple[int, ...]:
        """Return the places of a tensor's axes; a new name becomes an input."""
        first = self.symbols.get(symbol.name)
        if first is None:
            self._check_new(symbol)
            self.symbols[symbol.name] = first = replace(symbol, moves=())
        elif "" in first.labels and "" not in symbol.labels:  # so far read at integers only
            self.symbols[symbol.name] = symbol
        if len(first.labels) != len(symbol.labels):
            raise mistakes.wrong_rank(symbol, first)
        return tuple(self.dims.axis(symbol.name, k) for k in range(len(symbol.labels)))

    def use_as_integer(self, name: str) -> None:
        """State that entries are read at this tensor: an input holds integers."""
        if name not in self.assigned:
            self.integers.add(name)

    def unite(self, first: tuple[str, int], second: tuple[str, int]) -> None:
        """State that two axes, of tensors that the text has, are as long."""
        known = (n in self.symbols and k < len(self.symbols[n].labels) for n, k in (first, second))
        if all(known):
            self.dims.unite(self.dims.axis(*first), self.dims.axis(*second))

    def apart(self, a: int, b: int) -> bool:
        """Whether two places are of axes that are counted alike from 0 but are not as long, as
        those of a window and of what it reads: what is at one is at the other, or outside."""
        return self.moving and self.dims.differ(a, b)

    def complete(self) -> None:
        """Give a label to each axis that is read at integers alone, so that it has a name.

        Of two labels that are compared, one that no input has takes the extent of the other.
        """
        self.settle()
        moving = {x.axis for x in self.offsets}
        fresh = self.dims.fresh_labels(self.symbols)
        positions = self.dims.fresh_labels(self.symbols, "nmpqrsuvw")
        for name, symbol in self.inputs.items():
            labels = list(symbol.labels)
            for k, label in enumerate(labels):
                if not label:
                    axis = self.dims.axis(name, k)
                    own = self.dims.labels_of(self.dims.axis(name, k))
                    labels[k] = next((x for x in own if x not in labels), "") or next(
                        positions if axis in moving else fresh
                    )
                    if not own:
                        self.dims.unite(self.dims.label(labels[k]), self.dims.axis(name, k))
            self.symbols[name] = replace(symbol, labels=tuple(labels))

    def settle(self, letters: Mapping[Dim, Collection[str]] = MappingProxyType({})) -> None:
        """Give labels the extents of those that they are compared with, where they have none; else
        of their letter, as in ``size(i)``. A claim's letters are its model's first."""
        axes = [(name, k) for name, s in self.inputs.items() for k in range(len(s.labels))]
        sized = [self.dims.axis(*axis) for axis in axes]
        alone = self._alone(sized)
        ends = alone & {x.place for x in self.bounds if x.end is not None}
        most = alone & {x.place for x in self.bounds if x.like is None}
        while below := alone & {x.place for x in self.bounds if x.like in most} - most:
            most |= below  # what is below one of these goes no further
        self.dims.settle_by_letter(most - ends, sized, letters)
        if self.closed:
            between = [p for pair in self.compared for p in pair if p not in ends]
            self.dims.settle_by_letter(between, sized, letters)
            most |= {p for p in alone if self._home(p, letters) is not None}
        for a, b in self.tied:
            if most.isdisjoint((a, b)):
                self.dims.unite(a, b)
        self.dims.settle([x for x in self._like(sized) if most.isdisjoint(x)], sized)
        defined = [s for name, s in self.symbols.items() if name not in self.inputs]
        places = [place for place, _ in self.counted if place not in most]
        places += [self.dims.axis(s.name, k) for s in defined for k in range(len(s.labels))]
        alone = {*self.dims.unsized(self.lone, sized).values()}
        free = self.dims.unsized(places, sized)
        places = [place for place in places if free.get(place) not in alone]
        unknown = self.dims.settle_by_letter(places, sized, letters)
        for place, error in self.counted:
            if place in unknown and error is not None:
                raise error

    def _alone(self, sized: Collection[int]) -> set[int]:
        """Return the places of labels of which conditions alone speak."""
        moving = {p for read in self.offsets for _, p in read.terms}
        places = [place for place, _ in self.counted]
        free = self.dims.unsized([*places, *moving], sized)
        read = {free.get(p) for p in moving}
        return {p for p in places if p in free and free[p] not in read}

    def _home(self, place: int, letters: Mapping[Dim, Collection[str]]) -> Dim | None:
        """Return the one dimension that a label's letter is known to stand for."""
        own = {*self.dims.labels_of(place)}
        homes = [dim for dim, known in letters.items() if not own.isdisjoint(known)]
        return homes[0] if len(homes) == 1 else None

    def _like(self, sized: Collection[int]) -> Iterator[tuple[int, int]]:
        """Yield the labels that are compared, but one of offsets whose extent these or a statement
        say.

        In ``sum_{k<=i}(x[i-k] w_k)`` i goes as far as w no more than as x: these are as long.
        """
        alone = self.dims.unsized(self.lone, sized)
        for pair in self.compared:
            lone = [place for place in pair if place in alone]
            told = [x for x in pair if not self.stated.isdisjoint(self.dims.labels_of(x))]
            if len(lone) == 1:
                (other,) = {*pair} - {*lone}
                back = {(1, lone[0]), (-1, other)}
                axes = [x.axis for x in self.offsets if {*x.terms} == back and not x.constant]
                if axes and not told and not self.closed:
                    for axis in axes:
                        self.dims.unite(axis, other)
                    yield pair
            elif not lone or len(told) < 2:
                yield pair

    def goes_as_far_as_read(self, place: int, extents: Extents) -> bool:
        """Whether a label goes as far as every entry exists that is read at it, and no further."""
        told = not self.stated.isdisjoint(self.dims.labels_of(place))
        return place in self.lone and not told and span_of(extents.dims[place]) is not None

    def _check_new(self, symbol: Symbol) -> None:
        if is_function(symbol.name) or symbol.name in {*self.functions, "ln"}:
            raise mistakes.function_without_arguments(symbol)
        if symbol.labels and _function_with_underscore(symbol):
            raise mistakes.function_without_arguments(symbol)
        if self.closed:
            raise mistakes.unknown_tensor(symbol, self.symbols)

    def check_target(self, symbol: Symbol) -> None:
        """Raise if a statement cannot assign to this name."""
        if symbol.name == RESERVED:
            raise mistakes.assigned_delta(symbol)
        if symbol.name in self.functions:
            raise NotationError(
                f"{symbol.name} is declared as a function",
                operand=symbol.name,
                position=symbol.position,
                hint="give the tensor or the function another name",
            )


def _function_with_underscore(symbol: Symbol) -> bool:
    return is_function(f"{symbol.name}_{''.join(symbol.labels)}")
