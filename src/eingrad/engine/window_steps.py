"""Steps that read axes at integer combinations of labels, in whatever order of axes is wanted.

Their parameter is (reaches, order): of each axis that is read its number, the lengths and the
weights of the new labels, a constant and a step (see `core.bands.Reach`), then the order of the
result's axes: those that are left, and the new ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eingrad.core.bands import Reaching
from eingrad.engine.program import Builder, Register, Shape

Array = NDArray[Any]
WindowSpec = tuple[tuple[Reaching, ...], tuple[int, ...]]
BandSpec = tuple[tuple[int, ...], tuple[int, ...], int]
"""Lengths, weights and constant of a `Band`."""


def windowed(b: Builder, x: Register, reaches: Sequence[Reaching]) -> Register:
    """Append a step that reads ``x`` at combinations of new labels."""
    read = {axis for axis, *_ in reaches}
    kept = [n for axis, n in enumerate(x.shape) if axis not in read]
    shape = (*kept, *(n for _, own, *_ in reaches for n in own))
    return _step(b, x, tuple(reaches), tuple(range(len(shape))), shape)


def turned(b: Builder, register: Register, order: Sequence[int]) -> Register | None:
    """Return a window with its axes in another order, None of anything else: no copy is made."""
    made = b.made.get(register)
    if made is None or made.op != "window":
        return None
    spec, own = made.parameters[0]
    (x,) = made.reads
    shape = tuple(register.shape[k] for k in order)
    return _step(b, x, spec, tuple(own[k] for k in order), shape)


def reading_axes(b: Builder, register: Register) -> list[int]:
    """Return the axes of a window that are its new labels; of anything else none."""
    made = b.made.get(register)
    if made is None or made.op != "window":
        return []
    (reaches, order), (x,) = made.parameters[0], made.reads
    plain = len(x.shape) - len({axis for axis, *_ in reaches})
    return [axis for axis, k in enumerate(order) if k >= plain]


def at_first(b: Builder, register: Register, kept: Sequence[bool]) -> Register | None:
    """Return the window of an operand at the first entry of axes that it only has; else None."""
    made = b.made.get(register)
    if made is None or made.op != "window":
        return None
    (reaches, order), (x,) = made.parameters[0], made.reads
    read = {axis for axis, *_ in reaches}
    plain = [axis for axis in range(len(x.shape)) if axis not in read]
    gone = {k for k, here in zip(order, kept, strict=True) if not here}
    if max(gone) >= len(plain):
        return None
    left = [axis for axis in range(len(x.shape)) if axis not in {plain[k] for k in gone}]
    text = ", ".join(":" if axis in left else "0" for axis in range(len(x.shape)))
    view = b.view(x, "index", text, tuple(x.shape[axis] for axis in left))
    spec = tuple((left.index(axis), *rest) for axis, *rest in reaches)
    number = {k: n for n, k in enumerate(k for k in sorted(order) if k not in gone)}
    shape = tuple(n for n, here in zip(register.shape, kept, strict=True) if here)
    return _step(b, view, spec, tuple(number[k] for k in order if k in number), shape)


def _step(b: Builder, x: Register, spec: Any, order: tuple[int, ...], shape: Shape) -> Register:
    return b.step("window", [x], shape, parameters=((spec, order),), flops=0)


# --- when it runs ------------------------------------------------------------------------------


def band_values(spec: BandSpec) -> Array:
    """Return 1 where numbers times places, and a constant, add up to 0.

    >>> band_values(((3, 2), (1, -1), -1)).tolist()
    [[False, False], [True, False], [False, True]]
    """
    lengths, weights, constant = spec
    return np.asarray(combination(lengths, weights, constant) == 0)


def combination(lengths: Sequence[int], weights: Sequence[int], constant: int) -> Array:
    """Return the sums of numbers times places, and a constant.

    >>> combination((2, 3), (2, 1), 0)
    array([[0, 1, 2],
           [2, 3, 4]])
    """
    total = np.full((1,) * len(lengths), constant)
    for axis, (length, weight) in enumerate(zip(lengths, weights, strict=True)):
        shape = [length if k == axis else 1 for k in range(len(lengths))]
        total = total + weight * np.arange(length).reshape(shape)
    return total


def padding(reach: Reaching, n: int) -> tuple[int, int, int]:
    """Return how many entries stand before an axis of n, behind it, and where a window begins.

    Between entries there are ``step - 1`` zeros.
    """
    _, lengths, weights, constant, step = reach
    ends = [weight * (length - 1) for length, weight in zip(lengths, weights, strict=True)]
    least = constant + sum(min(0, x) for x in ends)
    most = constant + sum(max(0, x) for x in ends)
    before = max(0, -least)
    return before, max(0, most - step * (n - 1)), constant + before


__all__ = [
    "BandSpec", "WindowSpec", "at_first", "band_values", "combination", "padding",
    "reading_axes", "turned", "windowed",
]  # fmt: skip
