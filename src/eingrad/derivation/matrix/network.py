"""A product of labelled scalars, vectors and matrices, joined until it is matrix notation.

``X_ai X_aj p_a`` is a network: its labels join its factors. Each step below takes two factors
that share a label and puts one in their place, in this order of preference:

* a summed label that two factors share is a matrix product, ``x^T y``, or a trace;
* two matrices with the same two labels are multiplied element-wise, as are two vectors;
* a vector scales the rows or columns of a matrix: ``diag(v) A``.

A label that three matrices share has no matrix form: the network stays stuck.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from eingrad.core.expr import Dim, Labels
from eingrad.derivation.matrix.build import diagonal, dot, hadamard, product, trace, transpose
from eingrad.derivation.matrix.forms import (
    Apply,
    Form,
    Hadamard,
    Name,
    NumberForm,
    OfMatrix,
    Ones,
    SumForm,
    weight,
)


class NoMatrixFormError(Exception):
    """An expression, or a part of it, has no matrix notation."""


@dataclass(frozen=True, slots=True)
class Item:
    """A vector or matrix with its labels: an element-wise product over another."""

    labels: Labels
    above: tuple[Form, ...]
    below: tuple[Form, ...] = ()

    @property
    def form(self) -> Form:
        """The item as one form, rows first."""
        return hadamard(self.above, self.below)

    def over(self, row: int) -> Form:
        """The item as a matrix whose rows have the label ``row``."""
        return self.form if self.labels[0] == row else transpose(self.form)

    def turned(self, labels: Labels) -> Item:
        """The same with its labels in another order."""
        if labels == self.labels:
            return self
        return Item(labels, tuple(map(transpose, self.above)), tuple(map(transpose, self.below)))

    def times(self, other: Item) -> Item:
        """The element-wise product with an item that has the same labels."""
        other = other.turned(self.labels)
        return Item(self.labels, (*self.above, *other.above), (*self.below, *other.below))


class Network:
    """Factors that are being joined; ``open_labels`` are those that are not summed."""

    def __init__(
        self, items: Iterable[Item], open_labels: Sequence[int], extents: Mapping[int, Dim]
    ) -> None:
        self.items = [self._without_repeats(item) for item in items]
        self.open_labels = tuple(open_labels)
        self.extents = extents
        self.scalars: list[Form] = []
        for label in self.labels():
            if label not in self.open_labels and len(self.having(label)) == 1:
                self.items.append(Item((label,), (Ones(extents[label]),)))  # a sum: A 1
        for label in self.open_labels:
            if not self.having(label):
                self.items.append(Item((label,), (Ones(extents[label]),)))  # repeated: v 1^T

    @staticmethod
    def _without_repeats(item: Item) -> Item:
        """``A_ii`` is the vector ``diag(A)``."""
        if len(item.labels) == 2 and item.labels[0] == item.labels[1]:
            return Item(item.labels[:1], (diagonal(item.form),))
        return item

    def labels(self) -> list[int]:
        """The labels in order."""
        return sorted({label for item in self.items for label in item.labels})

    def having(self, label: int) -> list[Item]:
        """The items with a label."""
        return [item for item in self.items if label in item.labels]

    def join(self) -> None:
        """Join items as long as a step applies."""
        while self._contract() or self._multiply(2) or self._multiply(1) or self._scale():
            pass

    def _replace(self, old: Sequence[Item], new: Item | None) -> None:
        places = [k for k, item in enumerate(self.items) if any(item is x for x in old)]
        if new is not None:
            self.items[places[0]] = new
            places = places[1:]
        for k in reversed(places):
            del self.items[k]

    def _contract(self) -> bool:
        """Sum over a label that just two items have, vectors first."""
        pairs = []
        for label in self.labels():
            having = self.having(label)
            if label not in self.open_labels and len(having) == 2:
                busy = sum(_is_elementwise(x.form) for x in having)
                pairs.append((sum(len(x.labels) for x in having), busy, label))
        if not pairs:
            return False
        label = min(pairs)[2]
        a, b = sorted(self.having(label), key=lambda x: len(x.labels))
        if len(b.labels) == 1:
            self.scalars.append(dot(a.form, b.form))
            self._replace([a, b], None)
            return True
        (other,) = (k for k in b.labels if k != label)
        if len(a.labels) == 1:
            self._replace([a, b], Item((other,), (product(b.over(other), a.form),)))
        elif other in a.labels:
            self._close(a, b, label, other)
        else:
            (first,) = (k for k in a.labels if k != label)
            joined = product(a.over(first), b.over(label))
            self._replace([a, b], Item((first, other), (joined,)))
        return True

    def _close(self, a: Item, b: Item, label: int, other: int) -> None:
        """Sum over one of two labels that two matrices share: a trace, or a diagonal."""
        if other not in self.open_labels and len(self.having(other)) == 2:
            self.scalars.append(trace(product(a.over(other), b.over(label))))
            self._replace([a, b], None)
        else:
            self._replace([a, b], Item((other,), (self._row_sums(a, b, other, label),)))

    def _row_sums(self, a: Item, b: Item, row: int, col: int) -> Form:
        """Sum ``A ⊙ B`` along its rows: ``diag(A B^T)`` where both are names, or by ones."""
        if isinstance(a.form, Name) and isinstance(b.form, Name):
            return diagonal(product(a.over(row), b.over(col)))
        both = [a.turned(labels).times(b).over(row) for labels in ((row, col), (col, row))]
        return product(min(both, key=weight), Ones(self.extents[col]))

    def _multiply(self, rank: int) -> bool:
        """Multiply two items with the same labels element-wise."""
        for k, a in enumerate(self.items):
            for b in self.items[k + 1 :]:
                if len(a.labels) == rank and set(a.labels) == set(b.labels):
                    self._replace([a, b], a.times(b))
                    return True
        return False

    def _scale(self) -> bool:
        """Let a vector scale a matrix that has its label."""
        for vector in self.items:
            if len(vector.labels) != 1:
                continue
            (label,) = vector.labels
            matrices = [x for x in self.having(label) if len(x.labels) == 2]
            if matrices:
                matrix = matrices[-1]
                scaled = product(OfMatrix("diag", vector.form), matrix.over(label))
                (other,) = (k for k in matrix.labels if k != label)
                self._replace([vector, matrix], Item((label, other), (scaled,)))
                return True
        return False


def _is_elementwise(form: Form) -> bool:
    """Whether a form is a factor to multiply with entry by entry, such as ``1 - Z ⊙ Z``."""
    if isinstance(form, SumForm):
        return any(isinstance(x, NumberForm) for x in form.terms)
    return isinstance(form, Hadamard | Apply)
