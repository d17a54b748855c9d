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
    examples; ``lengths`` are those of the result. The operands and the result have axes
    (groups, inner, examples, n), (groups, outer, examples, i) and (groups, outer, inner, k).
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

    The input's places are a whole combination of the others'.
    """

    def label(role: int, roles: Sequence[int], bond: _Bond) -> int:
        own = tensors[roles.index(role)]
        return next(k for k in bond.weights if k in own)

    found = []
    for roles in permutations((INPUT, KERNEL, OUTPUT)):
        inner = [label(INPUT, roles, bond) for bond in bonds]
        if all(abs(bond.weights[k]) == 1 for k, bond in zip(inner, bonds, strict=True)):
            kernel = math.prod(sizes[label(KERNEL, roles, bond)] for bond in bonds)
            found.append((kernel, -math.prod(sizes[k] for k in inner), roles[2] != OUTPUT, roles))
    return min(found)[-1] if found else None


class _Step:
    """Lays the tensors out and appends the step; ``labels`` are those of each role."""

    def __init__(
        self, b: Builder, sizes: Mapping[int, int], labels: Mapping[int, Labels], wanted: int,
        bonds: Sequence[_Bond],
    ) -> None:  # fmt: skip
        self.b, self.sizes, self.labels, self.wanted = b, sizes, labels, wanted
        self.bonds = [
            (
                {r: next(k for k in bond.weights if k in ls) for r, ls in labels.items()},
                bond,
            )
            for bond in bonds
        ]
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
        self.parts = {
            INPUT: (group, inner, batch), OUTPUT: (group, outer, batch),
            KERNEL: (group, outer, inner),
        }  # fmt: skip

    def add(self, given: Mapping[int, Register], equation: str, flops: int) -> Operand | None:
        """Append the step and return its result, with labels; None if all of it is outside."""
        strides, dilations, starts, turned = [], [], [], set[int]()
        for own, bond in self.bonds:
            sign, start = -bond.weights[own[INPUT]], bond.constant
            start *= sign
            weights = {r: sign * bond.weights[own[r]] for r in (OUTPUT, KERNEL)}
            for role, weight in weights.items():
                if weight < 0:
                    start += weight * (self.sizes[own[role]] - 1)
                    turned.add(own[role])
            strides.append(abs(weights[OUTPUT]))
            dilations.append(abs(weights[KERNEL]))
            starts.append(start)
        group, outer, inner, batch = (math.prod(self.shape(part)) for part in self.classes)
        last = tuple(own[self.wanted] for own, _ in self.bonds)
        spec = Convolution(
            (group, outer, inner, batch), tuple(strides), tuple(dilations), tuple(starts),
            self.shape(last),
        )  # fmt: skip
        inputs, outputs, kernel = (self.shape([own[r] for own, _ in self.bonds]) for r in range(3))
        sides = margins(spec, inputs, outputs, kernel)
        if any(min(side) <= -n for n, side in zip(inputs, sides, strict=True)):
            return None  # nothing of the input is read
        roles = [r for r in (INPUT, OUTPUT, KERNEL) if r != self.wanted]
        operands = [self._laid_out(role, given[role], turned) for role in roles]
        merged = [math.prod(self.shape(part)) for part in self.parts[self.wanted]]
        result = self.b.step(
            STEPS[self.wanted], operands, (*merged, *self.shape(last)),
            parameters=(tuple(spec),), flops=flops, equation=equation,
        )  # fmt: skip
        labels = (*(k for part in self.parts[self.wanted] for k in part), *last)
        result = self.b.reshape(result, self.shape(labels))
        if turned.intersection(last):
            result = self._flipped(result, labels, turned)
            result = self.b.step("copy", [result], result.shape, flops=0)
        return result, labels

    def shape(self, labels: Sequence[int]) -> Shape:
        return tuple(self.sizes[k] for k in labels)

    def _laid_out(self, role: int, register: Register, turned: set[int]) -> Register:
        """Return a view of an operand with its axes in order, all that runs back turned."""
        own = self.labels[role]
        order = [k for part in self.parts[role] for k in part]
        order += [labels[role] for labels, _ in self.bonds]
        view = self.b.transpose(register, [own.index(k) for k in order])
        return self._flipped(view, order, turned)

    def _flipped(self, register: Register, labels: Sequence[int], turned: set[int]) -> Register:
        if turned.isdisjoint(labels):
            return register
        ranges = [(n - 1, n, -1) if k in turned else (0, n, 1)
                  for k, n in zip(labels, register.shape, strict=True)]  # fmt: skip
        return self.b.view(register, "index", indices_text(ranges), register.shape)


__all__ = ["Convolution", "Spec", "convolution", "margins"]
