"""Convolutions as matrix products: what a kernel meets is laid out block by block, in cache.

What a step is told stands in `engine.convolutions`. Without strides the places of all examples
are one long axis, so that what is copied and added are long rows; what then stands across the end
of a row is computed, and not read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from eingrad.core.forks import once
from eingrad.engine.convolutions import Convolution, Spec, margins

Array = NDArray[Any]
Shape = tuple[int, ...]

BLOCK = 2**18  # entries that are laid out at a time
LONG = 8192  # products that single precision adds up without care
FEW = 64  # multiples of one row that are made one by one: as a product they take far longer
WASTE = 1.5  # times as many places may be computed as are read


def conv(spec: Spec, x: Array, w: Array, out: Array) -> None:
    """Write the output of a convolution.

    >>> spec, out = ((1, 1, 1, 1), (1,), (1,), (0,), (2,)), np.empty((1, 1, 1, 2))
    >>> conv(spec, np.array([1.0, 2.0, 4.0]), np.array([1.0, 10.0]), out)
    >>> out.ravel()
    array([21., 42.])
    """
    own = Convolution.of(spec)
    frame = _Frame(own, _places(own, x), own.lengths, _places(own, w))
    windows, matrices = frame.windows(frame.wide(x)), frame.matrices(w)
    rows = frame.empty_rows(out)
    for index, places in frame.blocks(LONG**2):
        for group in range(own.channels[0]):
            columns = frame.laid_out(windows[group], index)
            np.matmul(matrices[group], columns, out=rows[group, :, places])
    frame.read(rows, out)


def conv_kernel(spec: Spec, x: Array, y: Array, out: Array) -> None:
    """Write the kernel of which an output is the adjoint: a correlation with the input.

    >>> spec, out = ((1, 1, 1, 1), (1,), (1,), (0,), (2,)), np.empty((1, 1, 1, 2))
    >>> conv_kernel(spec, np.array([1.0, 2.0, 4.0]), np.array([1.0, 10.0]), out)
    >>> out.ravel()
    array([21., 42.])
    """
    own = Convolution.of(spec)
    frame = _Frame(own, _places(own, x), _places(own, y), own.lengths)
    windows, rows = frame.windows(frame.wide(x)), frame.rows(y)
    out.fill(0)
    total = frame.matrices(out)
    for index, places in frame.blocks(LONG):
        for group in range(own.channels[0]):
            total[group] += rows[group, :, places] @ frame.laid_out(windows[group], index).T


def conv_input(spec: Spec, y: Array, w: Array, out: Array) -> None:
    """Write the input of which an output is the adjoint: products, added where they belong.

    >>> spec, out = ((1, 1, 1, 1), (1,), (1,), (0,), (3,)), np.empty((1, 1, 1, 3))
    >>> conv_input(spec, np.array([1.0, 2.0]), np.array([1.0, 10.0]), out)
    >>> out.ravel()
    array([ 1., 12., 20.])
    """
    own = Convolution.of(spec)
    frame = _Frame(own, own.lengths, _places(own, y), _places(own, w))
    rows, matrices = frame.rows(y), frame.matrices(w)
    wide = np.zeros((*out.shape[:3], *frame.ranges), out.dtype)
    windows = frame.windows(wide)
    for index, places in frame.blocks(LONG**2):
        for group in range(own.channels[0]):
            here, own_rows = windows[group][(..., *index)], rows[group, :, places]
            if len(matrices[group]) == 1 and matrices[group].size <= FEW:
                row = own_rows.reshape(here.shape[1 + len(frame.kernel) :])
                weights = matrices[group].reshape(here.shape[: 1 + len(frame.kernel)])
                for place in np.ndindex(weights.shape):
                    here[place] += row * weights[place]
                continue
            columns = (matrices[group].T @ own_rows).reshape(here.shape)
            for place in product(*map(range, frame.kernel)):
                here[(slice(None), *place)] += columns[(slice(None), *place)]
    frame.narrow(wide, out)


def _places(own: Convolution, x: Array) -> Shape:
    return x.shape[x.ndim - len(own.strides) :]


class _Frame:
    """The input as far as it is read, and its windows, axes (groups, inner, kernel, places).

    The places are one axis of all examples, or one of the examples and those of the output.
    """

    def __init__(self, own: Convolution, inputs: Shape, outputs: Shape, kernel: Shape) -> None:
        self.own, self.inputs, self.outputs, self.kernel = own, inputs, outputs, kernel
        self.sides = margins(own, inputs, outputs, kernel)
        self.ranges = tuple(n + sum(side) for n, side in zip(inputs, self.sides, strict=True))
        entries = math.prod(self.ranges)
        self.is_flat = set(own.strides) == {1} and entries <= WASTE * math.prod(outputs)
        steps = [math.prod(self.ranges[k + 1 :]) for k in range(len(kernel))]
        reach = sum(d * (k - 1) * n for d, k, n in zip(own.dilations, kernel, steps, strict=True))
        self.steps, batch = steps, own.channels[3]
        self.places = (batch * entries - reach,) if self.is_flat else (batch, *outputs)

    # --- the input ---

    def wide(self, x: Array) -> Array:
        """Return the input with zeros around it, without what is not read."""
        group, _, inner, batch = self.own.channels
        x = x.reshape(group, inner, batch, *self.inputs)
        if not any(map(any, self.sides)):
            return np.ascontiguousarray(x)
        wide = np.zeros((*x.shape[:3], *self.ranges), x.dtype)
        wide[self._within] = x[self._read]
        return wide

    def narrow(self, wide: Array, out: Array) -> None:
        """Write the input from what `wide` would make of it."""
        if min(min(side) for side in self.sides) < 0:
            out.fill(0)
        out[self._read] = wide[self._within]

    @once
    def _read(self) -> tuple[Any, ...]:
        rows = zip(self.inputs, self.sides, strict=True)
        return (..., *(slice(max(0, -a), n + min(0, b)) for n, (a, b) in rows))

    @once
    def _within(self) -> tuple[Any, ...]:
        rows = zip(self.ranges, self.sides, strict=True)
        return (..., *(slice(max(0, a), n - max(0, b)) for n, (a, b) in rows))

    def windows(self, wide: Array) -> Array:
        """Return the view of what each entry of the kernel meets at each place."""
        item = wide.itemsize
        steps = [item * n for n in self.steps]
        within = [d * n for d, n in zip(self.own.dilations, steps, strict=True)]
        if self.is_flat:
            along = [item]
        else:
            moves = zip(self.own.strides, steps, strict=True)
            along = [wide.strides[2], *(s * n for s, n in moves)]
        return as_strided(
            wide, (*wide.shape[:2], *self.kernel, *self.places),
            (*wide.strides[:2], *within, *along),
        )  # fmt: skip

    # --- the kernel and the output as matrices ---

    def matrices(self, w: Array) -> Array:
        """Return the kernel as (groups, outer, inner and places)."""
        group, outer, *_ = self.own.channels
        return w.reshape(group, outer, -1)

    def rows(self, y: Array) -> Array:
        """Return the output as (groups, outer, places), 0 at places that are not read."""
        group, outer, _, batch = self.own.channels
        y = y.reshape(group, outer, batch, *self.outputs)
        if not self.is_flat or self.ranges == self.outputs:
            return y.reshape(group, outer, -1)
        spread = np.zeros((group, outer, batch, *self.ranges), y.dtype)
        spread[self._first] = y
        return spread.reshape(group, outer, -1)

    def empty_rows(self, out: Array) -> Array:
        """Return memory for the output as (groups, outer, places)."""
        if self.is_flat and self.ranges != self.outputs:
            out = np.empty((*out.shape[:3], *self.ranges), out.dtype)
        return out.reshape(*out.shape[:2], -1)

    def read(self, rows: Array, out: Array) -> None:
        """Write the output from its rows."""
        if self.is_flat and self.ranges != self.outputs:
            out[...] = rows.reshape(*out.shape[:3], *self.ranges)[self._first]

    @once
    def _first(self) -> tuple[Any, ...]:
        return (..., *map(slice, self.outputs))

    # --- blocks ---

    def blocks(self, most: int) -> Iterator[tuple[tuple[Any, ...], slice]]:
        """Yield parts of the places: as an index of these axes, and along all of them."""
        rows = self.own.channels[2] * math.prod(self.kernel)
        most = max(1, min(most, BLOCK // rows))
        first, *rest = self.places
        inner = math.prod(rest)
        if inner <= most:
            step = most // inner
            for start in range(0, first, step):
                stop = min(start + step, first)
                yield (slice(start, stop), *map(slice, rest)), slice(start * inner, stop * inner)
            return
        inner //= rest[0]
        step = max(1, most // inner)
        for example, start in product(range(first), range(0, rest[0], step)):
            stop = min(start + step, rest[0])
            before = example * rest[0]
            yield (
                (example, slice(start, stop), *map(slice, rest[1:])),
                slice((before + start) * inner, (before + stop) * inner),
            )

    def laid_out(self, windows: Array, index: tuple[Any, ...]) -> Array:
        """Return the part of a group's windows as a matrix in memory."""
        part = windows[(..., *index)]
        rows = self.own.channels[2] * math.prod(self.kernel)
        return part.reshape(rows, part.size // rows)


__all__ = ["conv", "conv_input", "conv_kernel"]
