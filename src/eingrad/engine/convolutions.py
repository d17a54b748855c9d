"""Products that are convolutions, as steps: what one is told, and how its tensors are laid out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from eingrad.calculus.convolution_roles import (
    INPUT,
    KERNEL,
    OUTPUT,
    STEPS,
    Arrangement,
    Bond,
    arranged,
    opened,
)
from eingrad.core.bands import Reach
from eingrad.core.expr import Labels
from eingrad.engine.program import FLOAT, Builder, Register, Shape, indices_text
from eingrad.engine.window_steps import windowed

Operand = tuple[Register, Labels]
Spec = tuple[tuple[int, ...], ...]  # a `Convolution` as it stands in source


class Convolution(NamedTuple):
    """What a step is told: ``input[strides i + dilations k + starts]`` meets ``kernel[k]``.

    ``channels`` are the numbers of groups, of the kernel's outer and inner channels in one, and of
    examples; ``lengths`` are those of the result. The kernel has axes (groups, outer, inner, k),
    the others (groups, inner or outer, examples, n or i); where a backend has convolutions of its
    own, (examples, groups, inner or outer, n or i).
    """

    channels: tuple[int, int, int, int]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    starts: tuple[int, ...]
    lengths: tuple[int, ...]

    @classmethod
    def of(cls, spec: Spec) -> Convolution:
        """Return what stands in source."""
        (group, outer, inner, batch), *rest = spec
        return cls((group, outer, inner, batch), *rest)


def margins(
    own: Convolution, inputs: Sequence[int], outputs: Sequence[int], kernel: Sequence[int]
) -> list[tuple[int, int]]:
    """Return how many places are read before each axis of the input, and behind it.

    Where not all of it is read, fewer than none.
    """
    rows = zip(own.strides, own.dilations, own.starts, inputs, outputs, kernel, strict=True)
    return [(-c, c + s * (i - 1) + d * (k - 1) - (n - 1)) for s, d, c, n, i, k in rows]


def convolution(
    b: Builder,
    sizes: Mapping[int, int],
    pair: tuple[Operand, Operand],
    output: Labels,
    equation: str,
    flops: int,
) -> Operand | None:
    """Append the step of a product that is a convolution, and return its result; else None."""
    if any(x.kind != FLOAT for x, _ in pair):
        return None
    own, bonds = dict(sizes), list[Bond]()
    left = _unwrapped(b, pair[0], pair[1][1], output, bonds, own)
    right = _unwrapped(b, pair[1], left[1], output, bonds, own)
    found = arranged(left[1], right[1], output, bonds, own.__getitem__)
    if found is None:
        return None
    given = dict(zip(found.given, (left[0], right[0]), strict=True))
    return _Step(b, own, found).add(given, equation, flops)


def _unwrapped(
    b: Builder, operand: Operand, other: Labels, output: Labels, bonds: list[Bond],
    sizes: dict[int, int],
) -> Operand:  # fmt: skip
    """Return what a window reads, with labels of its own for the axes that become bonds."""
    register, labels = operand
    made = b.made.get(register)
    if made is None or made.op != "window":
        return operand
    (x,) = made.reads
    reaches, order = made.parameters[0]
    places = dict(zip(order, labels, strict=True))
    own = tuple(places[k] for k in range(len(labels)))
    extents: dict[int, Any] = sizes
    left, whole = opened([Reach(*r) for r in reaches], x.shape, own, other, output, bonds, extents)
    return windowed(b, x, [r.sized(int) for r in left]) if left else x, whole


def _axes(role: int, examples_first: bool) -> tuple[int, ...]:
    """Return which of the numbers of channels the first axes of a tensor are."""
    if role == KERNEL:
        return 0, 1, 2
    own = 2 if role == INPUT else 1
    return (3, 0, own) if examples_first else (0, own, 3)


class _Step:
    """Lays the tensors of a convolution out and appends the step."""

    def __init__(self, b: Builder, sizes: Mapping[int, int], found: Arrangement) -> None:
        self.b, self.sizes, self.found = b, sizes, found
        self.axes = [_axes(role, "conv" in b.native) for role in range(3)]

    def add(self, given: Mapping[int, Register], equation: str, flops: int) -> Operand | None:
        """Append the step and return its result, with labels; None if all of it is outside."""
        spec, found = self._described(), self.found
        inputs, *others = (self.shape(found.places_of(r)) for r in (INPUT, OUTPUT, KERNEL))
        sides = margins(spec, inputs, *others)
        if any(min(side) <= -n for n, side in zip(inputs, sides, strict=True)):
            return None  # nothing of the input is read
        roles = [r for r in (INPUT, OUTPUT, KERNEL) if r != found.wanted]
        operands = [self._laid_out(role, given[role]) for role in roles]
        shape = (*(spec.channels[k] for k in self.axes[found.wanted]), *spec.lengths)
        result = self.b.step(
            STEPS[found.wanted], operands, shape,
            parameters=(tuple(spec),), flops=flops, equation=equation,
        )  # fmt: skip
        labels = self._order(found.wanted)
        result = self.b.reshape(result, self.shape(labels))
        if found.turned.intersection(labels):
            result = self._flipped(result, labels)
            result = self.b.step("copy", [result], result.shape, flops=0)
        return result, labels

    def _described(self) -> Convolution:
        """Return what the step is told."""
        rows = []
        for place in self.found.places:
            start = place.constant + sum(n * (self.sizes[k] - 1) for n, k in place.turned)
            length = self.sizes[place.labels[self.found.wanted]]
            rows.append((place.stride, place.dilation, start, length))
        channels = tuple(math.prod(self.shape(part)) for part in self.found.classes)
        return Convolution.of((channels, *zip(*rows, strict=True)))

    def shape(self, labels: Sequence[int]) -> Shape:
        return tuple(self.sizes[k] for k in labels)

    def _laid_out(self, role: int, register: Register) -> Register:
        """Return a view of an operand with its axes in order, all that runs back turned."""
        own, order = self.found.labels[role], self._order(role)
        view = self.b.transpose(register, [own.index(k) for k in order])
        return self._flipped(view, order)

    def _order(self, role: int) -> Labels:
        """Return the labels of a tensor in the order of its axes in the step."""
        classes = [k for number in self.axes[role] for k in self.found.classes[number]]
        return (*classes, *self.found.places_of(role))

    def _flipped(self, register: Register, labels: Sequence[int]) -> Register:
        turned = self.found.turned
        if turned.isdisjoint(labels):
            return register
        ranges = [(n - 1, n, -1) if k in turned else (0, n, 1)
                  for k, n in zip(labels, register.shape, strict=True)]  # fmt: skip
        return self.b.view(register, "index", indices_text(ranges), register.shape)


__all__ = ["Convolution", "Spec", "convolution", "margins"]
