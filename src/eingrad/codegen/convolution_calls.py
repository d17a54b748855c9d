"""A product with a window -> a call of the target's convolution, where it is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from eingrad.calculus.convolution_roles import (
    INPUT,
    KERNEL,
    STEPS,
    Arrangement,
    Bond,
    ReadAxis,
    arranged,
    opened,
)
from eingrad.codegen.code import Code, atom, binary, call, indexed, tuple_code
from eingrad.codegen.pieces import linear
from eingrad.core.bands import Window
from eingrad.core.expr import Dim, Expr, Labels, Var, postorder
from eingrad.core.labelling import Factor

ROLES = range(3)


@dataclass(frozen=True)
class ConvolutionWriter:
    """Writes calls of a module's own ``conv``, ``conv_input`` and ``conv_kernel``.

    ``write`` writes an operand, ``size`` an extent, ``transposed`` an array with other axes;
    ``usual`` says how long an axis presumably is.
    """

    module: str
    write: Callable[[Expr], Code]
    size: Callable[[Dim], Code]
    transposed: Callable[[Code, Sequence[int]], Code]
    helper: Callable[[str], str]
    usual: Callable[[Dim], int]

    def product(
        self, pair: Sequence[Factor], output: Labels, extents: Mapping[int, Dim]
    ) -> Code | None:
        """Return a product of two factors with its axes in order, None if it is no convolution."""
        if any(_is_whole(x) for x, _ in pair):
            return None
        dims, bonds = dict(extents), list[Bond]()
        (x, labels), (y, others) = pair
        x, labels = _read(x, labels, others, output, bonds, dims)
        y, others = _read(y, others, labels, output, bonds, dims)
        found = arranged(labels, others, output, bonds, lambda k: self.usual(dims[k]))
        if found is None:
            return None
        return self._call(dict(zip(found.given, (x, y), strict=True)), found, output, dims)

    def _call(
        self, given: Mapping[int, Expr], found: Arrangement, output: Labels,
        dims: Mapping[int, Dim],
    ) -> Code:  # fmt: skip
        operands = [
            self._laid_out(role, given[role], found, dims) for role in ROLES if role in given
        ]
        places = [self._place(place, found.wanted, dims) for place in found.places]
        group = found.classes[0]
        options = {"groups": self._product(group, dims)} if group else {}
        code = call(self.helper(STEPS[found.wanted]), *operands, *places, **options)
        slots = _slots(found.wanted, found)
        labels = [k for slot in slots for k in slot]
        if max(map(len, slots)) > 1:
            code = self._reshaped(code, [self.size(dims[k]) for k in labels])
        elif not all(slots):
            code = indexed(code, ", ".join(":" if slot else "0" for slot in slots[: _until(slots)]))
        code = self._turned(code, labels, found)
        return self.transposed(code, [labels.index(k) for k in output])

    def _laid_out(self, role: int, x: Expr, found: Arrangement, dims: Mapping[int, Dim]) -> Code:
        """Return an operand with an axis of examples, of channels and so on, then its places."""
        own, slots = found.labels[role], _slots(role, found)
        order = [k for slot in slots for k in slot]
        code = self.transposed(self.write(x), [own.index(k) for k in order])
        code = self._turned(code, order, found)
        if max(map(len, slots)) > 1:
            return self._reshaped(code, [self._product(slot, dims) for slot in slots])
        if not all(slots):
            return indexed(code, ", ".join(":" if s else "None" for s in slots[: _until(slots)]))
        return code

    def _turned(self, code: Code, labels: Sequence[int], found: Arrangement) -> Code:
        axes = [str(axis) for axis, k in enumerate(labels) if k in found.turned]
        return call(f"{self.module}.flip", code, tuple_code(*map(atom, axes))) if axes else code

    def _reshaped(self, code: Code, sizes: Sequence[Code]) -> Code:
        return call(f"{self.module}.reshape", code, tuple_code(*sizes))

    def _place(self, place: ReadAxis, wanted: int, dims: Mapping[int, Dim]) -> Code:
        """Write the stride, the dilation, the start and the length along one axis."""
        ends = [(n, self.size(dim)) for n, dim in place.ends]
        ends += [(n, self.size(dims[k])) for n, k in place.turned]
        start = linear(place.constant - sum(n for n, _ in place.turned), ends)
        length = self.size(dims[place.labels[wanted]])
        return tuple_code(atom(str(place.stride)), atom(str(place.dilation)), start, length)

    def _product(self, labels: Labels, dims: Mapping[int, Dim]) -> Code:
        sizes = [self.size(dims[k]) for k in labels]
        return reduce(lambda a, b: binary("*", a, b), sizes) if sizes else atom("1")


def _slots(role: int, found: Arrangement) -> list[Labels]:
    """Return the labels of each axis of a tensor, as PyTorch and JAX order them."""
    group, outer, inner, batch = found.classes
    first = {INPUT: (batch, group + inner), KERNEL: (group + outer, inner)}
    channels = first.get(role, (batch, group + outer))
    return [*channels, *((k,) for k in found.places_of(role))]


def _until(slots: Sequence[Labels]) -> int:
    """Return how many axes an index speaks of: to the last that is not there."""
    return max(k + 1 for k, slot in enumerate(slots) if not slot)


def _read(
    x: Expr, labels: Labels, other: Labels, output: Labels, bonds: list[Bond],
    dims: dict[int, Dim],
) -> tuple[Expr, Labels]:  # fmt: skip
    """Return what a window reads, with labels of its own for the axes that become bonds."""
    if not isinstance(x, Window):
        return x, labels
    (inner,) = x.operands
    left, labels = opened(x.reaches, inner.dims, labels, other, output, bonds, dims)
    return Window(inner, left) if left else inner, labels


def _is_whole(x: Expr) -> bool:
    """Whether a factor may be one of integers, which libraries do not convolve."""
    found = [v for v in postorder([x]) if isinstance(v, Var)]
    return all(v.integer for v in found)


__all__ = ["ConvolutionWriter"]
