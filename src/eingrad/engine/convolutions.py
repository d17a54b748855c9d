"""Products that are convolutions: recognised in windows, whichever of the three tensors is wanted.

A window binds places of three tensors: of the input at n, of the output at i, of the kernel at k,
n = s i + d k + c. The sum over all that is left of any two of them is the third: the output is a
convolution, the input (a gradient's, say) a transposed one, the kernel a correlation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import NamedTuple

from eingrad.core.bands import Reaching
from eingrad.core.expr import Labels
from eingrad.engine.program import FLOAT, Builder, Register, Shape, indices_text
from eingrad.engine.window_steps import windowed

Operand = tuple[Register, Labels]
MOST = 3  # labels that libraries convolve over
Spec = tuple[tuple[int, ...], ...]  # a `Convolution` as it stands in source
INPUT, OUTPUT, KERNEL = 0, 1, 2
STEPS = ("conv_input", "conv", "conv_kernel")


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


@dataclass(frozen=True, slots=True)
class _Bond:
    """A sum of weights times labels, and a constant, that is 0; one label in each tensor."""

    weights: Mapping[int, int]
    constant: int


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
    own, bonds = dict(sizes), list[_Bond]()
    left = _unwrapped(b, pair[0], pair[1][1], output, bonds, own)
    right = _unwrapped(b, pair[1], left[1], output, bonds, own)
    if not bonds:
        return None
    tensors = (left[1], right[1], output)
    roles = _roles(tensors, bonds, own)
    free = {k for labels in tensors for k in labels}.difference(*(bond.weights for bond in bonds))
    if roles is None or any(sum(k in labels for labels in tensors) == 1 for k in free):
        return None
    return _Step(b, own, dict(zip(roles, tensors, strict=True)), roles[2], bonds).add(
        {roles[0]: left[0], roles[1]: right[0]}, equation, flops
    )


def _unwrapped(
    b: Builder, operand: Operand, other: Labels, output: Labels, bonds: list[_Bond],
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
    axes = {axis for axis, *_ in reaches}
    kept = [axis for axis in range(len(x.shape)) if axis not in axes]
    name = {axis: places[k] for k, axis in enumerate(kept)}
    left: list[tuple[Reaching, Labels]] = []
    first = len(kept)
    for reach in reaches:
        own = tuple(places[first + k] for k in range(len(reach[1])))
        first += len(own)
        if len(bonds) < MOST and _is_bond(own, other, output, bonds):
            name[reach[0]] = fresh = max(sizes) + 1
            sizes[fresh] = x.shape[reach[0]]
            weights = {k: -n for k, n in zip(own, reach[2], strict=True)}
            bonds.append(_Bond({fresh: reach[4], **weights}, -reach[3]))
        else:
            left.append((reach, own))
    whole = tuple(name[axis] for axis in range(len(x.shape)) if axis in name)
    if not left:
        return x, whole
    return windowed(b, x, [r for r, _ in left]), (*whole, *(k for _, own in left for k in own))


def _axes(role: int, examples_first: bool) -> tuple[int, ...]:
    """Return which of the numbers of channels the first axes of a tensor are."""
    if role == KERNEL:
        return 0, 1, 2
    own = 2 if role == INPUT else 1
    return (3, 0, own) if examples_first else (0, own, 3)


def _is_bond(own: Labels, other: Labels, output: Labels, bonds: Sequence[_Bond]) -> bool:
    """Whether one of two labels is the other factor's, and summed, and one the result's."""
    summed = [k for k in own if k in other and k not in output]
    wanted = [k for k in own if k in output and k not in other]
    free = not any(k in bond.weights for k in own for bond in bonds)
    return len(own) == 2 and len(summed) == len(wanted) == 1 and free


def _roles(
    tensors: Sequence[Labels], bonds: Sequence[_Bond], sizes: Mapping[int, int]
) -> tuple[int, ...] | None:
    """Return which of input, output and kernel each tensor is: the kernel the smallest of them.

    The input's places are a whole combination of the others', which turn as few axes as may be.
    """

    def label(role: int, roles: Sequence[int], bond: _Bond) -> int:
        own = tensors[roles.index(role)]
        return next(k for k in bond.weights if k in own)

    found = []
    for roles in permutations((INPUT, KERNEL, OUTPUT)):
        inner = [label(INPUT, roles, bond) for bond in bonds]
        if all(abs(bond.weights[k]) == 1 for k, bond in zip(inner, bonds, strict=True)):
            kernel = math.prod(sizes[label(KERNEL, roles, bond)] for bond in bonds)
            turned = sum(
                bond.weights[k] * bond.weights[label(role, roles, bond)] > 0
                for k, bond in zip(inner, bonds, strict=True) for role in (OUTPUT, KERNEL)
            )  # fmt: skip
            found.append((kernel, -math.prod(sizes[k] for k in inner), turned, roles))
    return min(found)[-1] if found else None


class _Step:
    """Lays the tensors out and appends the step; ``labels`` are those of each role."""

    def __init__(
        self, b: Builder, sizes: Mapping[int, int], labels: Mapping[int, Labels], wanted: int,
        bonds: Sequence[_Bond],
    ) -> None:  # fmt: skip
        self.b, self.sizes, self.labels, self.wanted = b, sizes, labels, wanted
        named = [
            ({r: next(k for k in bond.weights if k in ls) for r, ls in labels.items()}, bond)
            for bond in bonds
        ]
        first = OUTPUT if wanted == INPUT else INPUT
        self.bonds = sorted(named, key=lambda x: labels[first].index(x[0][first]))
        bound = {k for bond in bonds for k in bond.weights}
        free = dict.fromkeys(
            k for role in (INPUT, KERNEL, OUTPUT) if role != wanted
            for k in labels[role] if k not in bound
        )  # fmt: skip

        def shared(*roles: int) -> tuple[int, ...]:
            return tuple(k for k in free if {r for r, ls in labels.items() if k in ls} == {*roles})

        group, batch = shared(INPUT, KERNEL, OUTPUT), shared(INPUT, OUTPUT)
        inner, outer = shared(INPUT, KERNEL), shared(KERNEL, OUTPUT)
        self.classes = (group, outer, inner, batch)
        self.axes = [_axes(role, "conv" in b.native) for role in range(3)]

    def add(self, given: Mapping[int, Register], equation: str, flops: int) -> Operand | None:
        """Append the step and return its result, with labels; None if all of it is outside."""
        spec, turned = self._described()
        places = (self.shape([own[r] for own, _ in self.bonds]) for r in (INPUT, OUTPUT, KERNEL))
        inputs, *others = places
        sides = margins(spec, inputs, *others)
        if any(min(side) <= -n for n, side in zip(inputs, sides, strict=True)):
            return None  # nothing of the input is read
        roles = [r for r in (INPUT, OUTPUT, KERNEL) if r != self.wanted]
        operands = [self._laid_out(role, given[role], turned) for role in roles]
        shape = (*(spec.channels[k] for k in self.axes[self.wanted]), *spec.lengths)
        result = self.b.step(
            STEPS[self.wanted], operands, shape,
            parameters=(tuple(spec),), flops=flops, equation=equation,
        )  # fmt: skip
        labels = self._order(self.wanted)
        result = self.b.reshape(result, self.shape(labels))
        if turned.intersection(labels):
            result = self._flipped(result, labels, turned)
            result = self.b.step("copy", [result], result.shape, flops=0)
        return result, labels

    def _described(self) -> tuple[Convolution, set[int]]:
        """Return what the step is told, and the labels along which tensors are turned."""
        turned = set[int]()
        rows = []
        for own, bond in self.bonds:
            sign, start = -bond.weights[own[INPUT]], -bond.weights[own[INPUT]] * bond.constant
            weights = []
            for role in (OUTPUT, KERNEL):
                weight = sign * bond.weights[own[role]]
                if weight < 0:
                    start += weight * (self.sizes[own[role]] - 1)
                    turned.add(own[role])
                weights.append(abs(weight))
            rows.append((*weights, start, self.sizes[own[self.wanted]]))
        channels = tuple(math.prod(self.shape(part)) for part in self.classes)
        return Convolution.of((channels, *zip(*rows, strict=True))), turned

    def shape(self, labels: Sequence[int]) -> Shape:
        return tuple(self.sizes[k] for k in labels)

    def _laid_out(self, role: int, register: Register, turned: set[int]) -> Register:
        """Return a view of an operand with its axes in order, all that runs back turned."""
        own, order = self.labels[role], self._order(role)
        view = self.b.transpose(register, [own.index(k) for k in order])
        return self._flipped(view, order, turned)

    def _order(self, role: int) -> Labels:
        """Return the labels of a tensor in the order of its axes in the step."""
        classes = [k for number in self.axes[role] for k in self.classes[number]]
        return (*classes, *(own[role] for own, _ in self.bonds))

    def _flipped(self, register: Register, labels: Sequence[int], turned: set[int]) -> Register:
        if turned.isdisjoint(labels):
            return register
        ranges = [(n - 1, n, -1) if k in turned else (0, n, 1)
                  for k, n in zip(labels, register.shape, strict=True)]  # fmt: skip
        return self.b.view(register, "index", indices_text(ranges), register.shape)


__all__ = ["Convolution", "Spec", "convolution", "margins"]
