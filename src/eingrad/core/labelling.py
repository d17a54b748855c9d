"""One order for the factors of a product, whatever the order and the labels they came in.

Labels are the vertices of a graph, factors its edges. Colours tell labels apart by what they
meet; where that leaves a tie, one label of it is singled out, each in turn, and the least of the
numberings is kept. Labels that only known ones connect are numbered apart from the others, and
numberings that a symmetry maps onto one seen before are not looked for: rings of equal matrices
and products of many equal factors take polynomial time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eingrad.core.expr import Expr, Labels

Factor = tuple[Expr, Labels]
Colors = Mapping[int, int]
Code = tuple[tuple[int, tuple[tuple[int, int], ...]], ...]

MAX_SPLITS = 3000  # labels singled out; more symmetric products may keep the order they came in
MAX_DEPTH = 200  # labels singled out one after another


def ordered(factors: Sequence[Factor], output: Labels) -> list[Factor]:
    """Return the factors of a product in an order that their own order and labels do not change.

    >>> from eingrad.core.expr import Var
    >>> x = Var("X", ("n", "n"))
    >>> ring = [(x, (0, 1)), (x, (1, 2)), (x, (2, 0))]
    >>> turned = [(x, (5, 6)), (x, (4, 5)), (x, (6, 4))]
    >>> [
    ...     [[labels.index(k) for k in own] for _, own in product]
    ...     for product in (ordered(ring, ()), ordered(turned, ()))
    ...     for labels in [list(dict.fromkeys(k for _, own in product for k in own))]
    ... ]
    [[[0, 1], [2, 0], [1, 2]], [[0, 1], [2, 0], [1, 2]]]
    """
    if len({x for x, _ in factors}) == len(factors):
        return sorted(factors, key=lambda f: f[0].digest)
    place = _Labelling(factors, output).places()
    return sorted(factors, key=lambda f: (f[0].digest, tuple(place[k] for k in f[1])))


class _Labelling:
    """The search for the least numbering of the summed labels."""

    def __init__(self, factors: Sequence[Factor], output: Labels) -> None:
        self.factors = [(x.digest, labels) for x, labels in factors]
        self.output = output
        self.splits = 0

    def places(self) -> dict[int, int]:
        """Return a number for each label."""
        color = {label: k for k, label in enumerate(self.output)}
        summed = dict.fromkeys(k for _, labels in self.factors for k in labels if k not in color)
        color.update(dict.fromkeys(summed, len(color)))
        refined = self._refined(color, summed, self.factors)
        order = self._order(refined, list(summed), self.factors)
        return {label: k for k, label in enumerate([*self.output, *order])}

    def _refined(
        self, color: Colors, labels: Iterable[int], factors: Sequence[tuple[int, Labels]]
    ) -> dict[int, int]:
        """Tell labels apart by the factors around them, until that tells no more."""
        new = dict(color)
        labels = list(labels)
        count = len({new[k] for k in labels})
        while count < len(labels):
            seen: dict[int, list[int]] = {label: [] for label in labels}
            for digest, own in factors:
                around = hash((digest, tuple(new[k] for k in own)))
                for axis, label in enumerate(own):
                    if label in seen:
                        seen[label].append(hash((around, axis)))
            finer = {k: hash((new[k], *sorted(met))) for k, met in seen.items()}
            before, count = count, len(set(finer.values()))
            if count == before:
                break
            new.update(finer)
        return new

    def _order(
        self, color: Colors, labels: list[int], factors: Sequence[tuple[int, Labels]]
    ) -> list[int]:
        """Return labels in their order; those that only known labels connect are independent."""
        tied = self._tied(color, labels)
        known = sorted((k for k in labels if k not in tied), key=lambda k: color[k])
        parts = connected(tied, factors)
        found: list[tuple[Code, list[int]]] = []
        for part, own in parts:
            if len(part) == len(labels):
                order = _TieSearch(self, part, own).run(color)
            else:
                order = self._order(color, part, own)
            found.append((_code(own, color, order), order))
        found.sort(key=lambda x: x[0])
        return [*known, *(k for _, order in found for k in order)]

    def _tied(self, color: Colors, labels: Sequence[int]) -> set[int]:
        cells: dict[int, list[int]] = {}
        for label in labels:
            cells.setdefault(color[label], []).append(label)
        return {k for cell in cells.values() if len(cell) > 1 for k in cell}


class _TieSearch:
    """Labels that belong together: each tie is split in every way that may give the least code."""

    def __init__(
        self, parent: _Labelling, labels: list[int], factors: Sequence[tuple[int, Labels]]
    ) -> None:
        self.parent, self.labels, self.factors = parent, labels, factors
        self.best: tuple[tuple[int, ...], Code] | None = None
        self.order: list[int] = []
        self.leaves: dict[Code, tuple[Labels, list[int]]] = {}
        self.symmetries: list[dict[int, int]] = []

    def run(self, color: Colors) -> list[int]:
        """Return the labels in the order that has the least code."""
        self._explore(color, (), ())
        return self.order

    def _explore(self, color: Colors, path: Labels, trace: tuple[int, ...]) -> int:
        """Search below a colouring; return the length of the path from which to go on."""
        trace = (*trace, hash(tuple(sorted(color[k] for k in self.labels))))
        if self.best is not None and trace > self.best[0][: len(trace)]:
            return len(path)
        cell = self._cell(color)
        if not cell or len(path) == MAX_DEPTH:
            return self._leaf(color, path, trace)
        tried: list[int] = []
        for label in cell:
            if tried and (
                self.parent.splits > MAX_SPLITS or not self._orbit(label, path).isdisjoint(tried)
            ):
                continue
            tried.append(label)
            self.parent.splits += 1
            single = {**color, label: hash((color[label], 1 + len(path)))}
            child = self.parent._refined(single, self.labels, self.factors)
            back = self._explore(child, (*path, label), trace)
            if back < len(path):
                return back
        return len(path)

    def _cell(self, color: Colors) -> list[int]:
        """Return the smallest tie, of several the one with the least colour."""
        cells: dict[int, list[int]] = {}
        for label in self.labels:
            cells.setdefault(color[label], []).append(label)
        ties = [(len(cell), c) for c, cell in cells.items() if len(cell) > 1]
        return cells[min(ties)[1]] if ties else []

    def _leaf(self, color: Colors, path: Labels, trace: tuple[int, ...]) -> int:
        order = sorted(self.labels, key=lambda k: color[k])
        code = _code(self.factors, color, order)
        if code in self.leaves:
            before, other = self.leaves[code]
            self.symmetries.append(dict(zip(other, order, strict=True)))
            same = (a == b for a, b in zip(before, path, strict=False))
            return next((k for k, equal in enumerate(same) if not equal), len(path))
        self.leaves[code] = path, order
        if self.best is None or (trace, code) < self.best:
            self.best, self.order = (trace, code), order
        return len(path)

    def _orbit(self, label: int, path: Labels) -> set[int]:
        """Return the labels that symmetries which leave the path alone put in a label's place."""
        fixing = [s for s in self.symmetries if all(s[k] == k for k in path)]
        orbit, todo = {label}, [label]
        while todo:
            k = todo.pop()
            for s in fixing:
                if s[k] not in orbit:
                    orbit.add(s[k])
                    todo.append(s[k])
        return orbit


def _code(factors: Sequence[tuple[int, Labels]], color: Colors, order: Sequence[int]) -> Code:
    """Return factors with labels as numbers, those of other labels as colours."""
    number = {label: (0, k) for k, label in enumerate(order)}
    return tuple(sorted(
        (digest, tuple(number.get(k) or (1, color[k]) for k in own)) for digest, own in factors
    ))  # fmt: skip


def connected(
    labels: set[int], factors: Sequence[tuple[Any, Labels]]
) -> list[tuple[list[int], list[tuple[Any, Labels]]]]:
    """Return groups of labels that factors connect, each with its factors."""
    root = {k: k for k in labels}

    def find(k: int) -> int:
        while root[k] != k:
            root[k] = k = root[root[k]]
        return k

    having = [(f, [k for k in f[1] if k in labels]) for f in factors]
    for _, own in having:
        for k in own[1:]:
            root[find(k)] = find(own[0])
    groups: dict[int, tuple[list[int], list[tuple[Any, Labels]]]] = {}
    for k in root:
        groups.setdefault(find(k), ([], []))[0].append(k)
    for factor, own in having:
        if own:
            groups[find(own[0])][1].append(factor)
    return list(groups.values())


__all__ = ["connected", "ordered"]
