"""Dimensions that unify, and the letters that stand for them in index notation."""

from __future__ import annotations

from collections.abc import Collection, Iterator

ORDER = "ijklmnpqrsuvwxyzabcfghtdeo"


class MisfitError(Exception):
    """Two dimensions that are known to differ would have to be one."""

    def __init__(self, first: OpenExtent, second: OpenExtent) -> None:
        super().__init__(first.known, second.known)
        self.first, self.second = first, second


class OpenExtent:
    """The extent of an axis: known by name, a number, or still open.

    Extents that are found equal share a root, which holds what is known of them.
    """

    def __init__(self, known: str | int | None = None, letter: str = "") -> None:
        self._up: OpenExtent | None = None
        self._known = known
        self._letters = [letter] if letter else []

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
    def letters(self) -> list[str]:
        """The letters of this dimension in the order in which they are used."""
        return self.root._letters

    def unite(self, other: OpenExtent) -> None:
        """State that two extents are equal; raise MisfitError where they cannot be."""
        a, b = self.root, other.root
        if a is b:
            return
        if a._known is None:
            a, b = b, a
        if b._known is not None and b._known != a._known:
            raise MisfitError(self, other)
        b._up = a
        a._letters += [x for x in b._letters if x not in a._letters]


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
