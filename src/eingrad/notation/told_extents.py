r"""What shapes and sums tell of extents: of ``X in R^{N x d}``, N is ``size(n)`` where ``X_nk``
stands; ``\sum_{i=1}^{3}`` and ``x in R^3`` say how many entries there are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from eingrad.notation.summation import children, rebuilt, walk
from eingrad.notation.syntax import (
    Assignment,
    Assumption,
    Call,
    Formula,
    Number,
    Shaped,
    SizeOf,
    Statement,
    Symbol,
    TensorAt,
)

Node = tuple[str | int, ...]
Sizes = tuple[tuple[str, str, Statement], ...]
NO_COUNTS: Mapping[str, int] = {}


def with_told_extents(
    statements: Sequence[Statement],
    shapes: Sequence[Shaped],
    counts: Mapping[str, int] = NO_COUNTS,
    moving: Collection[str] = (),
) -> tuple[tuple[Statement, ...], Sizes]:
    """Return statements in which extents stand for their names, and those that are numbers.

    ``counts`` says how far sums over a label go, ``moving`` are labels of layers and times. The
    second part says which name is the extent of which label, in which statement.

    >>> from eingrad.notation.parse import parse_statements
    >>> from eingrad.notation.text import to_text
    >>> shape, mean = parse_statements("x in R^n\\nm = sum_i(x_i) / n")
    >>> [to_text(s) for s in with_told_extents([mean], [shape])[0]]
    ['m = sum_i(x_i) / size(i)']
    """
    if not (counts or any(s.extents for s in shapes)):
        return tuple(statements), ()
    axes = _Told(statements, shapes, counts)
    found: list[tuple[str, str, Statement]] = []
    result: list[Statement] = []
    for place, s in enumerate(statements):
        if isinstance(s, Assignment):
            told = {x: axes.label_of(x, place) for x in axes.names if _has(s.value, x)}
            told = {x: label for x, label in told.items() if label}
            s = replace(s, value=_with_sizes(s.value, told)) if told else s
            found += [(name, label, s) for name, label in told.items()]
        result.append(s)
    return (*result, *axes.numbers(moving)), tuple(found)


class _Told:
    """Which labels, axes and extents are one; a letter is a label of its own in each statement."""

    def __init__(
        self, statements: Sequence[Statement], shapes: Sequence[Shaped], counts: Mapping[str, int]
    ) -> None:
        self.up: dict[Node, Node] = {}
        self.letters: dict[str, list[Node]] = {}
        self.stated = {s.left.label for s in statements
                       if isinstance(s, Assumption) and isinstance(s.left, SizeOf)}  # fmt: skip
        ranks: dict[str, int] = {}
        for place, s in enumerate(statements):
            for part in _parts(s):
                self._stand(part, place, ranks)
        for place, s in enumerate(statements):
            for part in _parts(s):
                if isinstance(part, Call) and part.function == "sum" and len(part.axes) == 1:
                    label = part.axes[0]
                    if label in counts and ("label", place, label) in self.up:
                        self._unite(("label", place, label), ("number", counts[label]))
        known = {
            x.name for s in statements for x in _parts(s) if isinstance(x, Symbol) and x.labels
        }
        known |= {s.target.name for s in statements
                  if isinstance(s, Assignment) and isinstance(s.target, Symbol)}  # fmt: skip
        for shaped in shapes:
            own = [x for x in shaped.extents if x != 1]
            for name in shaped.names:
                if ranks.get(name) == len(shaped.carried) + len(own):
                    for k, extent in enumerate(own, len(shaped.carried)):
                        kind = "number" if isinstance(extent, int) else "name"
                        self._unite(("axis", name, k), (kind, extent))
        named = {x for s in shapes for x in s.extents if isinstance(x, str)}
        self.names = sorted(named - known - self.letters.keys())

    def _stand(self, part: Formula, place: int, ranks: dict[str, int]) -> None:
        """Learn that labels stand at the axes of a tensor, where they are read as they are."""
        if isinstance(part, Symbol):
            entries: Sequence[object] = part.labels
            moves: Sequence[object] = part.moves or (0,) * len(entries)
        elif isinstance(part, TensorAt) and part.name != "delta":
            entries, moves = part.entries, (0,) * len(part.entries)
        else:
            return
        if entries:
            ranks[part.name] = len(entries)
        for k, (label, moved) in enumerate(zip(entries, moves, strict=True)):
            if isinstance(label, str) and label.isidentifier():
                node: Node = ("label", place, label)
                if node not in self.up:
                    self.up[node] = node
                    self.letters.setdefault(label, []).append(node)
                if moved == 0:
                    self._unite(node, ("axis", part.name, k))

    def root(self, node: Node) -> Node:
        """Return what stands for all that is one with a node."""
        while self.up.setdefault(node, node) != node:
            node = self.up[node]
        return node

    def _unite(self, one: Node, other: Node) -> None:
        a, b = self.root(one), self.root(other)
        if a != b:
            self.up[a] = b

    def label_of(self, name: str, place: int) -> str:
        """Return a label whose extent has the name: of the statement, or one that is always it."""
        root = self.root(("name", name))
        here = ((x, ("label", place, x)) for x in self.letters)
        own = [x for x, node in here if node in self.up and self.root(node) == root]
        return next(iter(own or self._always(root)), "")

    def _always(self, root: Node) -> list[str]:
        """Return the letters that stand at these axes wherever they stand."""
        return [x for x, own in self.letters.items() if all(self.root(n) == root for n in own)]

    def numbers(self, moving: Collection[str]) -> Iterator[Assumption]:
        """Yield that an axis has so many entries, where the text says nothing else of it."""
        found: dict[Node, list[Node]] = {}
        for node in [*self.up]:
            if node[0] in {"number", "name"}:
                found.setdefault(self.root(node), []).append(node)
        for root, said in found.items():
            letters = self._always(root)
            number = said[0][1]
            free = letters and not {*letters} & {*moving, *self.stated}
            if len(said) == 1 and isinstance(number, int) and free:
                yield Assumption(SizeOf(letters[0]), Number(number))


def _parts(statement: Statement) -> Iterator[Formula]:
    if isinstance(statement, Assignment):
        yield from walk(statement.target)
        yield from walk(statement.value)


def _has(formula: Formula, name: str) -> bool:
    return any(isinstance(x, Symbol) and x.name == name and not x.labels for x in walk(formula))


def _with_sizes(formula: Formula, labels: Mapping[str, str]) -> Formula:
    if isinstance(formula, Symbol) and formula.name in labels and not formula.labels:
        return SizeOf(labels[formula.name], position=formula.position)
    return rebuilt(formula, [_with_sizes(part, labels) for part in children(formula)])


__all__ = ["with_told_extents"]
