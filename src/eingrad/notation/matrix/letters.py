"""Dimensions that unify, and the letters that stand for them in index notation."""

from __future__ import annotations

from collections.abc import Collection, Iterator

ORDER = "ijklmnpqrsuvwxyzabcfghtdeo"


class MisfitError(Exception):
    """Two dimensions that are known to differ would have to be one."""

    def __init__(self, first: OpenExtent, second: OpenExtent) -> None:
        super().__init__(first.known, second.known)
        self.first, self.second = first, second


class StackedError(Exception):
    """An axis of stacked entries, that of vec(X), would be one with an extent of its own."""


class OpenExtent:
    """The extent of an axis: known by name, a number, or still open.

    Extents that are found equal share a root, which holds what is known of them. The axis of
    ``vec(X)`` has ``parts``: that of X's columns, and, for each of these, that of its rows.
    """

    def __init__(
        self, known: str | int | None = None, letter: str = "",
        parts: tuple[OpenExtent, OpenExtent] | None = None,
    ) -> None:  # fmt: skip
        self._up: OpenExtent | None = None
        self._known = known
        self._letters = [letter] if letter else []
        self._parts = parts

    @property
    def root(self) -> OpenExtent:
        """The extent that stands for all equal ones."""
        here = self
        while here._up is not None:
            here = here._up
        return here

    @property
    def known(self) -> str | int | None:
        """Its name or its number, None where it is open."""
        return self.root._known

    @property
    def parts(self) -> tuple[OpenExtent, OpenExtent] | None:
        """The extents of which it is the product, the slower one first; None of any other."""
        return self.root._parts

    @property
    def letters(self) -> list[str]:
        """The letters of this dimension in the order in which they are used."""
        return self.root._letters

    def unite(self, other: OpenExtent) -> None:
        """State that two extents are equal; raise MisfitError where they cannot be."""
        a, b = self.root, other.root
        if a is b:
            return
        if a._known is None and a._parts is None:
            a, b = b, a
        if a._parts is not None and b._parts is not None:
            for x, y in zip(a._parts, b._parts, strict=True):
                x.unite(y)
        elif b._parts is not None or (a._parts is not None and b._is_told(a)):
            raise StackedError
        if b._known is not None and b._known != a._known:
            raise MisfitError(self, other)
        b._up = a
        a._letters += [x for x in b._letters if x not in a._letters]

    def _is_told(self, pair: OpenExtent) -> bool:
        """Whether this is no pair: it has a name or a letter, or is a part of the pair."""
        return self._known is not None or bool(self._letters) or self in pair._inner()

    def _inner(self) -> list[OpenExtent]:
        """Return the roots of all parts, and of theirs."""
        parts = [x.root for x in self.parts or ()]
        return [*parts, *(x for part in parts for x in part._inner())]


def equal(a: OpenExtent, b: OpenExtent) -> bool:
    """Whether two extents are known to be one."""
    return a.root is b.root


class Letters:
    """Gives every dimension letters of its own; ``taken`` are letters of the text."""

    def __init__(self, taken: Collection[str]) -> None:
        self.taken = {*taken}

    def label(self, extent: OpenExtent, scope: Collection[str]) -> str:
        """Return a letter of a dimension that nothing in scope uses."""
        for letter in extent.letters:
            if letter not in scope:
                self.taken.add(letter)
                return letter
        letter = next(x for x in self._fresh() if x not in self.taken and x not in scope)
        self.taken.add(letter)
        extent.letters.append(letter)
        return letter

    @staticmethod
    def _fresh() -> Iterator[str]:
        yield from ORDER
        for k in range(2, 10_000):
            yield from (f"{letter}{k}" for letter in "ijkl")
