"""Which axes must have the same extent: a union-find over axes and labels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain, count

from eingrad.core.expr import ELLIPSIS, Dim


class ConflictError(Exception):
    """Two known extents would have to be one."""

    def __init__(self, first: Dim, second: Dim) -> None:
        super().__init__(first, second)
        self.first, self.second = first, second


class Dimensions:
    """Axes of tensors and the labels of each summation, united where they must agree.

    A *place* is a number: that of an axis, or of a label in one scope.

    >>> dims = Dimensions()
    >>> b, i, other_i = dims.label("b"), dims.label("i"), dims.label("i")
    >>> dims.unite(dims.axis("X", 1), i)
    >>> names = dims.names()
    >>> names[b], names[i], names[other_i], names[dims.axis("X", 1)]
    ('b', 'i', 'i2', 'i')
    """

    def __init__(self) -> None:
        self._parent: list[int] = []
        self._axes: dict[tuple[str, int], int] = {}
        self._labels: dict[int, str] = {}
        self._known: dict[int, Dim] = {}
        self._leading: int | None = None

    def _place(self) -> int:
        self._parent.append(len(self._parent))
        return len(self._parent) - 1

    def label(self, label: str) -> int:
        """Return a new place, for a label in a scope of its own; ``...`` is the same in all."""
        place = self._place()
        self._labels[place] = label
        if label == ELLIPSIS:
            self._leading = place if self._leading is None else self._leading
            self.unite(self._leading, place)
        return place

    def axis(self, tensor: str, axis: int) -> int:
        """Return the place of a tensor's axis."""
        if (tensor, axis) not in self._axes:
            self._axes[tensor, axis] = self._place()
        return self._axes[tensor, axis]

    def twin(self, place: int) -> int:
        """Return a new place of the same extent."""
        new = self._place()
        self.unite(place, new)
        return new

    def known(self, dim: Dim, tensor: str, axis: int) -> None:
        """State the dimension of an axis."""
        self._known[self._find(self.axis(tensor, axis))] = dim

    def fix(self, label: str, size: int, sized: Collection[int]) -> None:
        """State the extent of the places of a label that ``sized`` ones do not tell."""
        roots = {self._find(place) for place in (*sized, *self._known)}
        for place, own in self._labels.items():
            root = self._find(place)
            if own == label and root not in roots:
                self._known[root] = size

    def _find(self, place: int) -> int:
        while self._parent[place] != place:
            self._parent[place] = self._parent[self._parent[place]]
            place = self._parent[place]
        return place

    def unite(self, a: int, b: int) -> None:
        """State that two places have the same extent."""
        a, b = sorted((self._find(a), self._find(b)))
        first, second = self._known.get(a), self._known.get(b)
        if first is not None and second is not None and first != second:
            raise ConflictError(first, second)
        self._parent[b] = a
        if first is None and second is not None:
            self._known[a] = second

    def differ(self, a: int, b: int) -> bool:
        """Whether two places have known extents that are not the same."""
        first, second = (self._known.get(self._find(x)) for x in (a, b))
        return first is not None and second is not None and first != second

    def settle(self, pairs: Iterable[tuple[int, int]], sized: Collection[int]) -> None:
        """Unite pairs of places of which one has no extent, known or that of ``sized`` ones."""
        for a, b in pairs:
            roots = {self._find(place) for place in (*sized, *self._known)}
            if not {self._find(a), self._find(b)} <= roots:
                self.unite(a, b)

    def settle_by_letter(
        self,
        places: Iterable[int],
        sized: Collection[int],
        letters: Mapping[Dim, Collection[str]],
    ) -> list[int]:
        """Give places of no extent the one that their letter stands for in the whole text.

        ``letters`` are those of dimensions that are known already. Returns the places that are
        left without.
        """
        roots = {self._find(place) for place in (*sized, *self._known)}
        homes: dict[str, set[int]] = {}
        for place, label in self._labels.items():
            if self._find(place) in roots:
                homes.setdefault(label, set()).add(self._find(place))
        for place, dim in self._known.items():
            for label in letters.get(dim, ()):
                homes.setdefault(label, set()).add(self._find(place))
        left = []
        for place in places:
            own = self._labels.get(place) or next(iter(self.labels_of(place)), "")
            home = homes.get(own, ())
            if self._find(place) not in roots and len(home) == 1:
                self.unite(place, *home)
            elif self._find(place) not in roots:
                left.append(place)
        return left

    def labels_of(self, place: int) -> list[str]:
        """Return the labels that stand for the same dimension as a place."""
        root = self._find(place)
        return [label for other, label in self._labels.items() if self._find(other) == root]

    def fresh_labels(
        self, names: Collection[str], letters: str = "vkcnqrsuwopmlghfabtxyzij"
    ) -> Iterator[str]:
        """Yield letters that no label is written with, and that are no ``names``."""
        numbered = (f"{letters[0]}{n}" for n in count(2))
        yield from (
            label for label in chain(letters, numbered)
            if label not in self._labels.values() and label not in names
        )  # fmt: skip

    def places_called(self, labels: Collection[str]) -> list[int]:
        """Return the places that are written with one of some labels."""
        return [place for place, own in self._labels.items() if own in labels]

    def without_axis(self, places: Iterable[int]) -> list[int]:
        """Return the places that no tensor's axis, and no known extent, is united with."""
        roots = {self._find(place) for place in (*self._axes.values(), *self._known)}
        return [place for place in places if self._find(place) not in roots]

    def unsized(self, places: Iterable[int], sized: Collection[int]) -> dict[int, int]:
        """Return the places whose extent is neither known nor that of a ``sized`` one, each with
        the first place of the same extent."""
        roots = {self._find(place) for place in (*sized, *self._known)}
        return {p: self._find(p) for p in places if self._find(p) not in roots}

    def letters(self) -> Mapping[Dim, tuple[str, ...]]:
        """Return the labels of each dimension, in order of first use."""
        names = self.names()
        result: dict[Dim, dict[str, None]] = {}
        for place, label in self._labels.items():
            result.setdefault(names[place], {})[label] = None
        return {dim: tuple(labels) for dim, labels in result.items()}

    def names(self) -> Mapping[int, Dim]:
        """Return each place's dimension, called by the first label used for it."""
        named: dict[int, Dim] = dict(self._known)
        named = {self._find(place): dim for place, dim in named.items()}
        taken = set(named.values())
        number: dict[str, int] = {}
        for place, label in self._labels.items():
            root = self._find(place)
            if root not in named:
                name = label
                while name in taken:
                    number[label] = number.get(label, 1) + 1
                    name = f"{label}{number[label]}"
                named[root] = name
                taken.add(name)
        return {k: named[self._find(k)] for k in range(len(self._parent)) if self._find(k) in named}
