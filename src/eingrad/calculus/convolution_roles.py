"""Which products of two tensors are convolutions: recognised in windows, whichever is wanted.

A window binds places of three tensors: of the input at n, of the output at i, of the kernel at k,
n = s i + d k + c. The sum over all that is left of any two of them is the third: the output is a
convolution, the input (a gradient's, say) a transposed one, the kernel a correlation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from eingrad.core.bands import Reach
from eingrad.core.expr import Dim, Labels

MOST = 3  # labels that libraries convolve over
INPUT, OUTPUT, KERNEL = 0, 1, 2
STEPS = ("conv_input", "conv", "conv_kernel")
"""What gives the tensor of each role from the two others."""


@dataclass(frozen=True, slots=True)
class Bond:
    """A sum of weights times labels, a constant and multiples of extents, that is 0.

    One of its labels is in each tensor.
    """

    weights: Mapping[int, int]
    constant: int
    ends: tuple[tuple[int, Dim], ...] = ()

    def within(self, labels: Labels) -> int:
        """Return the label that a tensor has."""
        return next(k for k in self.weights if k in labels)


@dataclass(frozen=True, slots=True)
class ReadAxis:
    """How one axis of the input is read: at ``stride i + dilation k`` and a start.

    The start is ``constant``, multiples of extents (``ends``), and of the last places of labels
    along which a tensor is turned.
    """

    labels: Mapping[int, int]
    stride: int
    dilation: int
    constant: int
    ends: tuple[tuple[int, Dim], ...]
    turned: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Arrangement:
    """A convolution: the labels of the tensor of each role, and what they are there.

    ``classes`` are the labels of groups, of the kernel's outer and inner channels, of examples;
    ``given`` are the roles of the two factors.
    """

    labels: Mapping[int, Labels]
    given: tuple[int, int]
    wanted: int
    places: tuple[ReadAxis, ...]
    classes: tuple[Labels, Labels, Labels, Labels]

    @property
    def turned(self) -> set[int]:
        """The labels along which tensors are turned."""
        return {label for place in self.places for _, label in place.turned}

    def places_of(self, role: int) -> Labels:
        """Return the labels of a tensor that are places, in order."""
        return tuple(place.labels[role] for place in self.places)


def opened(
    reaches: Sequence[Reach], dims: Sequence[Dim], labels: Labels, other: Labels, output: Labels,
    bonds: list[Bond], extents: MutableMapping[int, Dim],
) -> tuple[list[Reach], Labels]:  # fmt: skip
    """Return which reaches of a window stay, and the labels of what it then reads.

    ``dims`` are those of its operand, ``labels`` its own: the axes that are left, then the new
    ones. An axis that becomes one of ``bonds`` has a label of its own, of which ``extents`` tell.
    """
    axes = {reach.axis for reach in reaches}
    kept = [axis for axis in range(len(dims)) if axis not in axes]
    name = dict(zip(kept, labels, strict=False))
    left: list[tuple[Reach, Labels]] = []
    first = len(kept)
    for reach in reaches:
        own = labels[first : first + len(reach.dims)]
        first += len(own)
        if len(bonds) < MOST and _is_bond(own, other, output, bonds):
            name[reach.axis] = fresh = max(extents) + 1
            extents[fresh] = dims[reach.axis]
            weights = {k: -n for k, n in zip(own, reach.weights, strict=True)}
            ends = tuple((-n, dim) for n, dim in reach.ends)
            bonds.append(Bond({fresh: reach.step, **weights}, -reach.constant, ends))
        else:
            left.append((reach, own))
    whole = [name[axis] for axis in range(len(dims)) if axis in name]
    return [reach for reach, _ in left], (*whole, *(k for _, own in left for k in own))


def arranged(
    left: Labels,
    right: Labels,
    output: Labels,
    bonds: Sequence[Bond],
    size_of: Callable[[int], int],
) -> Arrangement | None:
    """Return how a product is a convolution, None if it is none; ``size_of`` is of labels."""
    tensors = (left, right, output)
    roles = _roles(tensors, bonds, size_of) if bonds else None
    bound = {k for bond in bonds for k in bond.weights}
    free = dict.fromkeys(k for labels in tensors for k in labels if k not in bound)
    if roles is None or any(sum(k in labels for labels in tensors) == 1 for k in free):
        return None
    labels = dict(zip(roles, tensors, strict=True))
    wanted = roles[2]
    first = labels[OUTPUT if wanted == INPUT else INPUT]
    order = sorted(bonds, key=lambda bond: first.index(bond.within(first)))
    given = [labels[role] for role in (INPUT, KERNEL, OUTPUT) if role != wanted]
    free = dict.fromkeys(k for ls in given for k in ls if k not in bound)

    def shared(*own: int) -> Labels:
        return tuple(k for k in free if {r for r, ls in labels.items() if k in ls} == {*own})

    classes = (
        shared(INPUT, KERNEL, OUTPUT), shared(KERNEL, OUTPUT), shared(INPUT, KERNEL),
        shared(INPUT, OUTPUT),
    )  # fmt: skip
    places = tuple(_place(labels, bond) for bond in order)
    return Arrangement(labels, (roles[0], roles[1]), wanted, places, classes)


def _is_bond(own: Labels, other: Labels, output: Labels, bonds: Sequence[Bond]) -> bool:
    """Whether one of two labels is the other factor's, and summed, and one the result's."""
    summed = [k for k in own if k in other and k not in output]
    wanted = [k for k in own if k in output and k not in other]
    free = not any(k in bond.weights for k in own for bond in bonds)
    return len(own) == 2 and len(summed) == len(wanted) == 1 and free


def _roles(
    tensors: Sequence[Labels], bonds: Sequence[Bond], size_of: Callable[[int], int]
) -> tuple[int, ...] | None:
    """Return which of input, output and kernel each tensor is: the kernel the smallest of them.

    The input's places are a whole combination of the others', which turn as few axes as may be.
    """
    found = []
    for roles in permutations((INPUT, KERNEL, OUTPUT)):
        labels = dict(zip(roles, tensors, strict=True))
        inner = [bond.within(labels[INPUT]) for bond in bonds]
        if all(abs(bond.weights[k]) == 1 for k, bond in zip(inner, bonds, strict=True)):
            kernel = math.prod(size_of(bond.within(labels[KERNEL])) for bond in bonds)
            turned = sum(len(_place(labels, bond).turned) for bond in bonds)
            found.append((kernel, -math.prod(map(size_of, inner)), turned, roles))
    return min(found)[-1] if found else None


def _place(labels: Mapping[int, Labels], bond: Bond) -> ReadAxis:
    own = {role: bond.within(ls) for role, ls in labels.items()}
    sign = -bond.weights[own[INPUT]]
    weights = {role: sign * bond.weights[own[role]] for role in (OUTPUT, KERNEL)}
    turned = tuple((n, own[role]) for role, n in weights.items() if n < 0)
    ends = tuple((sign * n, dim) for n, dim in bond.ends)
    stride, dilation = (abs(n) for n in weights.values())
    return ReadAxis(own, stride, dilation, sign * bond.constant, ends, turned)


__all__ = [
    "INPUT", "KERNEL", "OUTPUT", "STEPS", "Arrangement", "Bond", "ReadAxis", "arranged", "opened",
]  # fmt: skip
