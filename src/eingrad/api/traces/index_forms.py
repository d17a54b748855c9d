"""What Python code does with arrays, written as index notation: gathers at constant integers.

``x[1:]`` is ``x[k1[i],j]`` with k1 = (1, 2, ...), ``x[0]`` is ``x[k1,j]`` with k1 = 0, a reshape
reads each of its entries where it came from, and what was joined is chosen by a mask. The
constants become inputs of the model; `Constants.arrays` holds them.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Sequence
from typing import Any

import numpy as np

from eingrad.calculus.gather_rules import open_scatter
from eingrad.core.algebra import apply, broadcast_scalar, einsum, zeros
from eingrad.core.arrays import Concat, Place, Range, Reshape, Scatter, Slice
from eingrad.core.expr import Const, Dim, Expr, Indices, Labels, Map, Var
from eingrad.core.gather import Entry, gather
from eingrad.core.rewrite import rewrite

Array = np.ndarray[Any, Any]


class Constants:
    """Arrays that a model takes as inputs, one for each distinct value."""

    def __init__(self, taken: Container[str]) -> None:
        self.taken = taken
        self.arrays: dict[str, Array] = {}
        self.variables: dict[Expr, str] = {}
        self._known: dict[Any, Var] = {}

    def integers(self, value: Any) -> Var:
        """Return an input of integers."""
        return self._input("k", np.asarray(value, np.int64))

    def mask(self, value: Any) -> Var:
        """Return an input of zeros and ones."""
        return self._input("m", np.asarray(value, np.float64))

    def _input(self, letter: str, value: Array) -> Var:
        key = (letter, value.shape, value.tobytes())
        if key not in self._known:
            number = 1
            while (name := f"{letter}{number}") in self.taken or name in self.arrays:
                number += 1
            var = self._known[key] = Var(f"{name} of a model", value.shape, letter == "k")
            self.arrays[name], self.variables[var] = value, name
        return self._known[key]


def indexed(roots: Sequence[Expr], constants: Constants) -> list[Expr]:
    """Write cuts, joins and reshapes as gathers, and what is added at integers with indicators.

    What is left has index notation as it is.
    """

    def rule(node: Expr) -> Expr | None:
        match node:
            case Reshape(operands=(x,)):
                return _reshape(x, _ints(node.dims), constants)
            case Slice(operands=(x,), ranges=ranges):
                return _slice(x, ranges, constants)
            case Place(operands=(x,), ranges=ranges):
                return _place(x, ranges, _ints(node.dims), constants)
            case Concat(operands=parts, axis=axis):
                return _concat(parts, axis, constants)
            case Indices(dims=(n,)):
                return constants.integers(np.arange(int(n)))
            case Map(function="where"):
                return _plain_root(node)
            case Scatter():
                return open_scatter(node)
        return None

    return rewrite(roots, rule)


def _ints(dims: Sequence[Any]) -> tuple[int, ...]:
    return tuple(int(n) for n in dims)


def _plain_root(node: Map) -> Expr | None:
    """where(s != 0, sqrt(where(s != 0, s, 1)), 0) -> sqrt(s), whose derivative at 0 is 0"""
    condition, root, below = node.operands
    if not (isinstance(root, Map) and root.function == "sqrt" and below is Const(0)):
        return None
    inner = root.operands[0]
    if not isinstance(inner, Map) or inner.function != "where":
        return None
    same, square, one = inner.operands
    if one is not Const(1) or not (condition is same is apply("ne", square, Const(0))):
        return None
    return broadcast_scalar(apply("sqrt", square), node.dims)


# --- reshape ------------------------------------------------------------------------------------


def _reshape(x: Expr, dims: tuple[int, ...], constants: Constants) -> Expr:
    """Drop the axes of size 1, read the others where they came from, put in those of size 1."""
    x = _without_units(x)
    wide = tuple(n for n in dims if n != 1)
    if 0 not in wide and _ints(x.dims) != wide:
        entries: list[Entry] = []
        for own, target, start in _blocks(_ints(x.dims), wide):
            labels = tuple(range(start, start + len(target)))
            entries += _block_entries(own, target, labels, constants)
        x = _gathered(x, entries, tuple(range(len(wide))))
    places = tuple(k for k, n in enumerate(dims) if n != 1)
    return einsum([(x, places)], tuple(range(len(dims))), dict(enumerate(dims)))


def _without_units(x: Expr) -> Expr:
    labels = tuple(range(x.ndim))
    return einsum([(x, labels)], tuple(k for k in labels if x.dims[k] != 1))


def _blocks(
    own: tuple[int, ...], target: tuple[int, ...]
) -> list[tuple[tuple[int, ...], tuple[int, ...], int]]:
    """Split two shapes of as many entries into runs of axes that have as many entries each.

    >>> _blocks((4, 6, 5), (2, 12, 5))
    [((4, 6), (2, 12), 0), ((5,), (5,), 2)]
    """
    blocks, i, j = [], 0, 0
    while i < len(own):
        first, start = i, j
        i, j = i + 1, j + 1
        while math.prod(own[first:i]) != math.prod(target[start:j]):
            if math.prod(own[first:i]) < math.prod(target[start:j]):
                i += 1
            else:
                j += 1
        blocks.append((own[first:i], target[start:j], start))
    return blocks


def _block_entries(
    own: tuple[int, ...], target: tuple[int, ...], labels: Labels, constants: Constants
) -> list[Entry]:
    if own == target:
        return list(labels)
    places = np.unravel_index(np.arange(math.prod(own)).reshape(target), own)
    return [(constants.integers(place), labels) for place in places]


# --- cut and join -------------------------------------------------------------------------------


def _slice(x: Expr, ranges: Sequence[Range], constants: Constants) -> Expr:
    """Read at regular integers; one index alone is read at a number."""
    entries: list[Entry] = []
    for axis, ((first, count, step), n) in enumerate(zip(ranges, _ints(x.dims), strict=True)):
        if (first, count, step) == (0, n, 1):
            entries.append(axis)
        elif count == 1:
            entries.append((constants.integers(first), ()))
        else:
            entries.append((constants.integers(first + step * np.arange(count)), (axis,)))
    return _gathered(x, entries, tuple(range(x.ndim)), [count for _, count, _ in ranges])


def _gathered(
    x: Expr, entries: Sequence[Entry], output: Labels, dims: Sequence[int] | None = None
) -> Expr:
    """Gather, repeated along the labels (of size 1) that it lacks."""
    node, labels = gather(x, entries)
    extents = dict(zip(labels, node.dims, strict=True))
    return einsum([(node, labels)], output, {**dict(enumerate(dims or ())), **extents})


def _place(x: Expr, ranges: Sequence[Range], dims: tuple[int, ...], constants: Constants) -> Expr:
    """Read where an entry was put; elsewhere is 0."""
    for axis, (first, count, step) in enumerate(ranges):
        if (first, count, step) == (0, dims[axis], 1):
            continue
        there, place = np.zeros(dims[axis]), np.zeros(dims[axis], int)
        taken = first + step * np.arange(count)
        there[taken], place[taken] = 1, np.arange(count)
        if not count:
            return zeros(dims)
        grown = (*x.dims[:axis], dims[axis], *x.dims[axis + 1 :])
        x = _chosen(there, _read(x, axis, place, constants), Const(0), axis, constants, grown)
    return x


def _concat(parts: Sequence[Expr], axis: int, constants: Constants) -> Expr:
    """Choose the part in which an entry lies, and read it there."""
    sizes = [int(x.dims[axis]) for x in parts]
    total = sum(sizes)
    starts = np.cumsum([0, *sizes])
    result: Expr | None = None
    for x, size, start in reversed(list(zip(parts, sizes, starts, strict=False))):
        if not size:
            continue
        place = np.clip(np.arange(total) - start, 0, size - 1)
        own = _read(x, axis, place, constants)
        if result is None:
            result = own
            continue
        dims = (*x.dims[:axis], total, *x.dims[axis + 1 :])
        result = _chosen(np.arange(total) < start + size, own, result, axis, constants, dims)
    return parts[0] if result is None else result


def _read(x: Expr, axis: int, place: Array, constants: Constants) -> Expr:
    """Return ``x`` with entry ``place[k]`` of an axis at k."""
    dims = [*_ints(x.dims)]
    if dims[axis] == 1:  # the only entry, repeated
        labels = tuple(k if k != axis else x.ndim for k in range(x.ndim))
        extents = {**dict(zip(labels, dims, strict=True)), axis: len(place)}
        return einsum([(x, labels)], tuple(range(x.ndim)), extents)
    entries: list[Entry] = list(range(x.ndim))
    entries[axis] = (constants.integers(place), (axis,))
    return _gathered(x, entries, tuple(range(x.ndim)))


def _chosen(
    there: Array, above: Expr, below: Expr, axis: int, constants: Constants, dims: Sequence[Dim]
) -> Expr:
    """Return ``above`` where an axis is in a mask, else ``below``."""
    labels = tuple(range(len(dims)))
    mask = einsum([(constants.mask(there), (axis,))], labels, dict(enumerate(dims)))
    return broadcast_scalar(apply("where", mask, above, below), dims)


def with_ones(root: Expr, axes: Iterable[int], constants: Constants) -> Expr:
    """Multiply by ones along axes whose extent no input has."""
    labels = tuple(range(root.ndim))
    ones = [(constants.mask(np.ones(int(root.dims[k]))), (k,)) for k in axes]
    return einsum([(root, labels), *ones], labels) if ones else root


def indicators_with_ones(
    roots: Sequence[Expr], nodes: Container[Expr], constants: Constants
) -> list[Expr]:
    """Multiply each of ``nodes`` by ones along its last axis, which an indicator is over."""

    def rule(node: Expr) -> Expr | None:
        return with_ones(node, [node.ndim - 1], constants) if node in nodes else None

    return rewrite(roots, rule)
