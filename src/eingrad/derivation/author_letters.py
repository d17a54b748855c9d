"""The letters of a formula: the author's for each dimension, fresh ones, and names at letters."""

from __future__ import annotations

import string
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from eingrad.calculus.naming import DerivativeName, DirectionName
from eingrad.core.expr import Dim, Expr
from eingrad.derivation.author_order import AuthorOrder
from eingrad.notation import syntax
from eingrad.notation.lower import uses
from eingrad.notation.syntax import SizeOf, Symbol, move_of, symbol_at
from eingrad.notation.system import System

Title = DerivativeName | DirectionName


@dataclass(frozen=True)
class Names:
    """The author's letters for each dimension, and the order in which tensors were introduced."""

    letters: Mapping[Dim, Sequence[str]] = field(default_factory=dict)
    rank: Mapping[str, int] = field(default_factory=dict)
    pending: Mapping[str, tuple[Expr, str, int]] = field(default_factory=dict)
    """Derivatives still to be taken, by the name of the variable that stands for each: of what,
    by which tensor, and how many labels are the former's (-1: both have the same)."""
    derivatives: Mapping[str, Title] = field(default_factory=dict)
    """The tensors that are derivatives, by name."""
    author_order: AuthorOrder = field(default_factory=AuthorOrder)
    holders: Mapping[Dim, SizeOf] = field(default_factory=dict)
    """The extent of each dimension as that of a label of a tensor: ``size_j(A_jk)``."""
    edges: Mapping[str, Collection[tuple[int, bool]]] = field(default_factory=dict)
    """The tensors with lines for what stands outside: along which axes, and whether before."""
    homes: Mapping[str, Sequence[Dim]] = field(default_factory=dict)
    """The dimensions that each of the author's letters stands for."""
    integers: Collection[str] = ()
    """The integers at which tensors are read; no label has their letter, or delta[c,c] is 1."""

    def __post_init__(self) -> None:
        if not self.homes:
            homes: dict[str, list[Dim]] = {}
            for dim, own in self.letters.items():
                for letter in dict.fromkeys(own):
                    homes.setdefault(letter, []).append(dim)
            object.__setattr__(self, "homes", homes)


def size_holders(system: System) -> dict[Dim, SizeOf]:
    """Return for each dimension the tensor with the fewest axes that has it.

    >>> from eingrad.notation.lower import lower
    >>> from eingrad.notation.parse import parse_statements
    >>> size_holders(lower(parse_statements("y_i = W_ij x_j")))["j"].of.name
    'x'
    """
    holders: dict[Dim, SizeOf] = {}
    for dim, found in uses(system).items():
        name, axis, _ = min(found, key=lambda use: len(system.labels[use[0]]))
        labels = system.labels[name]
        holders[dim] = SizeOf(labels[axis], Symbol(name, labels))
    return holders


def integers_of(system: System) -> frozenset[str]:
    """Return the inputs that are single integers."""
    return frozenset(name for name, x in system.inputs.items() if x.integer and not x.dims)


def edges_of(system: System) -> dict[str, list[tuple[int, bool]]]:
    """Return the tensors with lines for what stands outside: along which axes, whether before."""
    return {name: [(k, sign == "<") for k, sign in own] for name, own in system.edges.items()}


def head_of(title: Title, labels: Sequence[str]) -> syntax.Derivative | Symbol:
    """Write a derivative whose axes have the letters ``labels``."""
    if isinstance(title, DirectionName):
        return symbol_at(str(title), labels)
    rest = list(labels)
    own, rest = rest[: title.of_ndim], rest[title.of_ndim :]
    wrt = []
    for name, ndim in title.wrt:
        wrt.append(symbol_at(name, rest[:ndim]))
        rest = rest[ndim:]
    return syntax.Derivative(symbol_at(title.of, own), tuple(wrt))


def fresh_letter(dim: Dim, used: Iterable[str], names: Names) -> str:
    """Return the author's letter for a dimension if it is free, else the next one that is."""
    taken = {*used, *names.integers}
    own = list(names.letters.get(dim, ())) or ([dim] if isinstance(dim, str) else [])
    for letter in own:
        if letter not in taken:
            return letter
    foreign = (names.homes, names.rank)  # tensors, too: |g| of a g is its determinant
    for letter in _after(own[0] if own else "i"):
        if letter not in taken and not any(letter in others for others in foreign):
            return letter
    for letter in _after(own[0] if own else "i"):
        if letter not in taken:
            return letter
    raise AssertionError("letters never run out")


def _after(letter: str) -> Iterator[str]:
    """Yield the letters that follow in the alphabet, then numbered ones."""
    if len(letter) == 1 and letter in string.ascii_lowercase:
        start = string.ascii_lowercase.index(letter)
        order = string.ascii_lowercase[start + 1 :] + string.ascii_lowercase[:start]
        yield from order.replace("d", "").replace("e", "") if letter not in "de" else order
        yield from string.ascii_uppercase
    number = 2
    while True:
        yield f"{letter}{number}"
        number += 1


class OffsetLetter(str):
    """A letter in whose place stands a combination of others: ``i+k``."""

    offset: syntax.Offset

    @classmethod
    def of(cls, letter: str, offset: syntax.Offset) -> OffsetLetter:
        """Return the letter with what stands in its place."""
        new = cls(letter)
        new.offset = offset
        return new


def symbol_of(name: str, letters: Sequence[str]) -> Symbol | syntax.TensorAt:
    """Return a tensor at letters, of which some may stand for combinations."""
    if any(isinstance(x, OffsetLetter) for x in letters):
        entries = tuple(entry_of(x) for x in letters)
        return syntax.TensorAt(name, entries)
    return symbol_at(name, letters)


def letters_of(labels: Iterable[int], letters: Mapping[int, str]) -> list[str]:
    """Return the letters of labels, but of those in whose place a combination stands."""
    return [x for k in sorted(labels) if not isinstance(x := letters[k], OffsetLetter)]


def entry_of(letter: str) -> str | syntax.Offset:
    if isinstance(letter, OffsetLetter):
        return letter.offset
    by = move_of(letter)
    return syntax.Offset(((1, str(letter)),), by) if by else str(letter)
