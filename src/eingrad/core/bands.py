"""Reading at integer combinations of labels: the factor that selects, and the view that runs.

``x[i+k]`` is the sum over m of ``x_m`` times a `Band`, which is 1 where m = i + k: outside of x it
is 0, and every rule for products holds of it. What runs has `Window` nodes in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any

from eingrad.core.expr import Dim, Expr, Labels, Map, _intern


class Band(Expr):
    """1 where the sum of ``weights`` times labels, and ``constant``, is 0; else 0.

    ``ends[k]`` is how often the extent of axis k is added: ``H[-1]`` has the condition
    l + 1 - size(l) = 0.
    """

    __slots__ = ("constant", "ends", "weights")
    moves = True
    weights: tuple[int, ...]
    constant: int
    ends: tuple[int, ...]

    def __new__(
        cls, dims: Sequence[Dim], weights: Sequence[int], constant: int, ends: Sequence[int] = ()
    ) -> Band:
        node = object.__new__(cls)
        node.weights, node.constant = tuple(weights), constant
        node.ends = tuple(ends) if any(ends) else (0,) * len(node.weights)
        return _intern(  # type: ignore[no-any-return]
            node, (), tuple(dims), node.weights, constant, node.ends
        )

    def fields(self) -> tuple[Any, ...]:
        return (self.weights, self.constant, self.ends)


Reaching = tuple[int, tuple[int, ...], tuple[int, ...], int, int]
"""A `Reach` in numbers: axis, lengths, weights, constant, step."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a window reads one axis: at ``(weights . labels + constant) / step``, if that is whole.

    ``dims`` are those of the labels; to the constant so many times extents are added as ``ends``
    says: ``H[-1]`` is read at size(l) - 1.
    """

    axis: int
    dims: tuple[Dim, ...]
    weights: tuple[int, ...]
    constant: int
    step: int = 1
    ends: tuple[tuple[int, Dim], ...] = ()

    def sized(self, size_of: Callable[[Dim], int]) -> Reaching:
        """Return the same in numbers."""
        constant = self.constant + sum(n * size_of(dim) for n, dim in self.ends)
        return self.axis, tuple(map(size_of, self.dims)), self.weights, constant, self.step


class Window(Expr):
    """An operand of which some axes are read at combinations of new labels, 0 where there is no
    entry; the axes of these labels are the last ones, in order."""

    __slots__ = ("reaches",)
    reaches: tuple[Reach, ...]

    def __new__(cls, operand: Expr, reaches: Sequence[Reach]) -> Window:
        node = object.__new__(cls)
        node.reaches = tuple(reaches)
        read = {reach.axis for reach in reaches}
        kept = [dim for axis, dim in enumerate(operand.dims) if axis not in read]
        dims = (*kept, *(dim for reach in reaches for dim in reach.dims))
        fields = tuple(astuple(r) for r in node.reaches)
        return _intern(node, (operand,), dims, fields)  # type: ignore[no-any-return]

    def fields(self) -> tuple[Any, ...]:
        return (self.reaches,)


def window(operand: Expr, reach: Reach) -> Expr:
    """Return a window, of a window one window if the axis is none of its labels'."""
    if isinstance(operand, Window):
        (inner,) = operand.operands
        read = {r.axis for r in operand.reaches}
        kept = [axis for axis in range(inner.ndim) if axis not in read]
        if reach.axis < len(kept):
            return Window(inner, (*operand.reaches, replace(reach, axis=kept[reach.axis])))
    return Window(operand, (reach,))


# --- in products --------------------------------------------------------------------------------


def equal_by_bands(factors: Sequence[tuple[Expr, Labels]]) -> list[Labels]:
    """Return the pairs of labels that bands say are equal: m and n of [m = i + k] [n = i + k].

    >>> at = Band(("n", "i"), (1, -1), -1)
    >>> equal_by_bands([(at, (0, 1)), (at, (2, 1))])
    [(0, 2)]
    """
    known: dict[Any, int] = {}
    found: list[Labels] = []
    for x, labels in factors:
        if not isinstance(x, Band):
            continue
        own = sorted(zip(labels, x.weights, x.dims, x.ends, strict=True), key=lambda t: t[0])
        for label, weight, dim, end in own:
            rest = tuple((k, n * weight, e * weight) for k, n, _, e in own if k != label)
            key = rest, abs(weight), dim, end * weight, x.constant * weight
            first = known.setdefault(key, label)
            if first != label and (first, label) not in found:
                found.append((first, label))
    return found


def once_each_band(factors: Sequence[tuple[Expr, Labels]]) -> list[tuple[Expr, Labels]]:
    """Return factors without powers of bands, and each band once: 1 and 0 are their own squares."""
    result: list[tuple[Expr, Labels]] = []
    for x, labels in factors:
        if isinstance(x, Map) and x.function == "pow" and isinstance(x.operands[0], Band):
            x = x.operands[0]
        if not isinstance(x, Band) or (x, labels) not in result:
            result.append((x, labels))
    return result


__all__ = ["Band", "Reach", "Reaching", "Window", "equal_by_bands", "once_each_band", "window"]
