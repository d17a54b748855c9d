"""Products of tensors, lowered to matrix products, outer products and element-wise steps."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eingrad.core.expr import Labels
from eingrad.engine import window_steps
from eingrad.engine.contract import contraction_path, equation
from eingrad.engine.convolutions import convolution
from eingrad.engine.program import BOOLEAN, FLOAT, INTEGER, Builder, Register, Shape

SHORT = 32  # entries; in a shorter inner loop NumPy's overhead is most of the time


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """A register in a product, its axes labelled, no label twice; divided by where ``inverse``."""

    register: Register
    labels: Labels
    inverse: bool = False

    @property
    def kind(self) -> str:
        """What the entries are."""
        return self.register.kind

    @property
    def is_mask(self) -> bool:
        """Whether the entries are booleans: they select."""
        return self.register.kind == BOOLEAN


@dataclass(frozen=True, slots=True)
class Accumulate:
    """Add the product to ``beta * target`` times ``alpha``, in the target's memory."""

    target: Register
    labels: Labels
    alpha: Register | int | float | complex
    beta: int | float


class ProductLowering:
    """Lowers one product; ``sizes`` of its labels are known."""

    def __init__(self, b: Builder, sizes: Mapping[int, int], names: Mapping[int, str]) -> None:
        self.b, self.sizes, self.names = b, sizes, names

    def shape(self, labels: Sequence[int]) -> Shape:
        return tuple(self.sizes[k] for k in labels)

    def lower(
        self, factors: list[Factor], output: Labels, accumulate: Accumulate | None = None
    ) -> Factor:
        """Return the product over the labels of ``output`` that the factors have."""
        if accumulate is None:
            read = {k for f in factors for k in self._read_by_windows(f)}
            factors = [self._drop_single(f, {*output, *read}) for f in factors]
        factors = self._merge_equal_labels(factors)
        uses = Counter(label for f in factors for label in f.labels)
        uses.update(output)
        factors = [self._sum_private(f, uses) for f in factors]
        path = contraction_path([f.labels for f in factors], output, self.sizes)
        operands = dict(enumerate(factors))
        result = factors[0]
        for k, step in enumerate(path.steps):
            last = k == len(path.steps) - 1
            wanted = accumulate if last else None
            if step.right < 0:
                result = self._finite(operands[step.left])
            else:
                left, right = operands.pop(step.left), operands.pop(step.right)
                result = self._pair(left, right, step.output, wanted)
            operands[len(factors) + k] = result
        return result

    # --- before the path ----------------------------------------------------------------------

    def _merge_equal_labels(self, factors: list[Factor]) -> list[Factor]:
        """Multiply factors over the same labels first; masks last, so that they select."""
        groups: dict[frozenset[int], list[Factor]] = {}
        for factor in factors:
            groups.setdefault(frozenset(factor.labels), []).append(factor)
        merged = []
        for group in groups.values():
            group = sorted(group, key=lambda f: (f.is_mask, f.inverse))
            if len(groups) == 1 and len(group) > 1 and not group[-1].is_mask:
                merged += [self._merge(group[:-1]), group[-1]]  # the last pair may be a dot
            else:
                merged.append(self._merge(group))
        return merged

    def _merge(self, group: list[Factor]) -> Factor:
        result = group[0]
        for factor in group[1:]:
            result = self._multiply(result, factor, result.labels)
        return result

    def _read_by_windows(self, factor: Factor) -> list[int]:
        """Return the labels at which a window reads: a kernel of one entry is a kernel, too."""
        axes = window_steps.reading_axes(self.b, factor.register)
        return [factor.labels[axis] for axis in axes]

    def _drop_single(self, factor: Factor, needed: set[int]) -> Factor:
        """Take the only entry along summed labels of size 1 (an axis that NumPy broadcasts)."""
        kept = tuple(k for k in factor.labels if k in needed or self.sizes[k] != 1)
        if len(kept) == len(factor.labels) or not kept:
            return factor
        register = window_steps.at_first(
            self.b, factor.register, [k in kept for k in factor.labels]
        )
        if register is None:
            text = ", ".join(":" if k in kept else "0" for k in factor.labels)
            register = self.b.view(factor.register, "index", text, self.shape(kept))
        return Factor(register, kept, factor.inverse)

    def _sum_private(self, factor: Factor, uses: Mapping[int, int]) -> Factor:
        """Sum the labels that this factor alone has."""
        kept = tuple(label for label in factor.labels if uses[label] > 1)
        return self._sum(factor, kept) if len(kept) < len(factor.labels) else factor

    def _sum(self, factor: Factor, labels: Labels) -> Factor:
        """Sum all but these labels."""
        axes = tuple(k for k, label in enumerate(factor.labels) if label not in labels)
        factor = self._finite(factor)
        kind = INTEGER if factor.kind == INTEGER else FLOAT
        register = self.b.step(
            "sum", [factor.register], self.shape(labels), kind=kind, parameters=(axes, False),
            flops=factor.register.size, equation=self._equation([factor.labels], labels),
        )  # fmt: skip
        return Factor(register, labels)

    def _finite(self, factor: Factor) -> Factor:
        """Compute an inverse, and numbers of booleans."""
        if factor.is_mask:
            register = factor.register
            copied = self.b.step("copy", [register], register.shape, flops=0)
            return Factor(copied, factor.labels)
        if factor.inverse:
            return Factor(self.b.elementwise("divide", [1, factor.register]), factor.labels)
        return factor

    # --- pairs --------------------------------------------------------------------------------

    def _pair(
        self, left: Factor, right: Factor, output: Labels, accumulate: Accumulate | None
    ) -> Factor:
        """Multiply two factors, unless they were before: their product in any order of its axes."""
        if accumulate is not None:
            return self._product_of(left, right, output, accumulate)
        first, second = sorted((left, right), key=lambda f: f.register.number)
        number = {k: n for n, k in enumerate(dict.fromkeys((*first.labels, *second.labels)))}
        key: Any = tuple((f.register, tuple(number[k] for k in f.labels), f.inverse)
                    for f in (first, second))  # fmt: skip
        key = (*key, frozenset(number[k] for k in output))
        known = self.b.products.get(key)
        if known is None:
            result = self._product_of(left, right, output, None)
            labels = tuple(number[k] for k in result.labels)
            self.b.products[key] = result.register, labels, result.inverse
            return result
        register, labels, inverse = known
        name = list(number)
        return Factor(register, tuple(name[k] for k in labels), inverse)

    def _product_of(
        self, left: Factor, right: Factor, output: Labels, accumulate: Accumulate | None
    ) -> Factor:
        keep = set(output)
        shared = [k for k in left.labels if k in right.labels]
        summed = [k for k in shared if k not in keep]
        if accumulate is not None:
            return self._accumulate(left, right, summed, accumulate)
        if not summed:
            return self._multiply(left, right, output)
        left, right = self._finite(left), self._finite(right)
        if left.kind != FLOAT and right.kind != FLOAT:
            return self._einsum(left, right, output)
        convolved = self._convolution(left, right, output)
        if convolved is not None:
            return convolved
        left_free = [k for k in left.labels if k not in shared]
        right_free = [k for k in right.labels if k not in shared]
        batch = [k for k in shared if k in keep]
        if batch and not left_free and not right_free:
            return self._row_dots(left, right, output)
        if not batch and not left_free and not right_free:
            return self._dot(left, right)
        if right_free and left_free and output.index(right_free[0]) < output.index(left_free[0]):
            left, right, left_free, right_free = right, left, right_free, left_free
        return self._matmul(left, right, [k for k in output if k in batch], summed)

    def _convolution(self, left: Factor, right: Factor, output: Labels) -> Factor | None:
        """Convolve with what a window reads, where a product with a window is just that."""
        found = convolution(
            self.b, self.sizes, ((left.register, left.labels), (right.register, right.labels)),
            output, self._equation([left.labels, right.labels], output), self._flops(left, right),
        )  # fmt: skip
        return found and Factor(*found)

    def _multiply(self, left: Factor, right: Factor, output: Labels) -> Factor:
        """Multiply without a sum; an inverse divides, a mask selects."""
        if left.is_mask or (left.inverse and not right.is_mask):
            left, right = right, left
        if left.is_mask or (right.is_mask and not set(right.labels) <= set(left.labels)):
            left, right = self._finite(left), self._finite(right)
        if left.inverse:
            left = self._finite(left)
        order = self._order(left, right, output)
        views = [self._aligned(f, order) for f in (left, right)]
        if right.is_mask:
            bits = self.b.elementwise("bits", [views[1]], kind=BOOLEAN)
            register = self.b.elementwise("keep_where", [views[0], bits], kind=left.kind)
            return Factor(register, order)
        op = "divide" if right.inverse else "multiply"
        kind = FLOAT if right.inverse or FLOAT in (left.kind, right.kind) else INTEGER
        return Factor(self.b.elementwise(op, views, kind=kind), order)

    def _order(self, left: Factor, right: Factor, output: Labels) -> Labels:
        """Return a memory order for a product of two: the one of an operand that has all labels.

        Of an outer product whose last axis is short, the axes of one operand come after those of
        the other, so that NumPy's inner loop is long.
        """
        for factor in (left, right):
            if set(factor.labels) >= set(output):
                return tuple(factor.labels)
        if set(left.labels).isdisjoint(right.labels) and self.sizes[output[-1]] < SHORT:
            first, last = (left, right) if output[-1] in right.labels else (right, left)
            return (*first.labels, *last.labels)
        return output

    def _aligned(self, factor: Factor, order: Labels) -> Register:
        own = {label: axis for axis, label in enumerate(factor.labels)}
        turned = self.b.transpose(factor.register, [own[k] for k in order if k in own])
        return self.b.insert_axes(turned, [k in own for k in order])

    def _row_dots(self, left: Factor, right: Factor, output: Labels) -> Factor:
        """Multiply two factors that have the same labels, and sum some.

        PyTorch makes of it as many products of matrices of one row, and XLA a call that it fuses
        with nothing.
        """
        if "row_dots" in self.b.native:
            return self._einsum(left, right, output)
        product = self._multiply(left, right, left.labels)
        return self._sum(product, tuple(k for k in product.labels if k in output))

    def _dot(self, left: Factor, right: Factor) -> Factor:
        if left.labels != right.labels:
            return self._einsum(left, right, ())
        flat = [self.b.reshape(f.register, (f.register.size,)) for f in (left, right)]
        register = self.b.step(
            "dot", flat, (), flops=flat[0].size, equation=self._equation([left.labels] * 2, ())
        )
        return Factor(register, ())

    def _einsum(self, left: Factor, right: Factor, output: Labels) -> Factor:
        text = equation([left.labels, right.labels], output)
        kind = FLOAT if FLOAT in (left.kind, right.kind) else INTEGER
        register = self.b.step(
            "einsum", [left.register, right.register], self.shape(output), kind=kind,
            parameters=(_ascii(left.labels, right.labels, output),),
            flops=self._flops(left, right), equation=text,
        )  # fmt: skip
        return Factor(register, output)

    def _flops(self, left: Factor, right: Factor) -> int:
        return math.prod(self.sizes[k] for k in {*left.labels, *right.labels})

    def _matmul(self, left: Factor, right: Factor, batch: list[int], summed: list[int]) -> Factor:
        summed = self._agreed_order(left, right, summed)
        shared = {*batch, *summed}
        rows = [k for k in left.labels if k not in shared]
        columns = [k for k in right.labels if k not in shared]
        if not batch and math.prod(self.shape(summed)) == 1:
            return self._outer(left, right, rows, columns)
        a = self._matrix(left, batch, rows, summed)
        c = self._matrix(right, batch, summed, columns)
        labels = (*batch, *rows, *columns)
        ends = [math.prod(self.shape(group)) for group in (rows, columns) if group or batch]
        shape = (*self.shape(batch), *ends)
        register = self.b.step(
            "matmul", [a, c], shape, flops=self._flops(left, right),
            equation=self._equation([left.labels, right.labels], labels),
        )  # fmt: skip
        return Factor(self.b.reshape(register, self.shape(labels)), labels)

    def _outer(self, left: Factor, right: Factor, rows: list[int], columns: list[int]) -> Factor:
        """A matrix product over a label of size 1 is an outer product."""
        flat = [
            Factor(self.b.reshape(factor.register, self.shape(free)), tuple(free))
            for factor, free in ((left, rows), (right, columns))
        ]
        return self._multiply(flat[0], flat[1], (*rows, *columns))

    # --- matrices -----------------------------------------------------------------------------

    def _agreed_order(self, left: Factor, right: Factor, group: list[int]) -> list[int]:
        """Return an order of labels that spares the larger operand a copy."""
        larger = left if left.register.size >= right.register.size else right
        return [k for k in larger.labels if k in group]

    def _matrix(
        self, factor: Factor, batch: list[int], rows: list[int], columns: list[int]
    ) -> Register:
        """Return a view (or, where there is none, a copy) as a stack of matrices."""
        place = {label: axis for axis, label in enumerate(factor.labels)}
        for group in (rows, columns):
            axes = [place[k] for k in group]
            if axes != list(range(axes[0], axes[0] + len(axes))) if axes else False:
                copied = self._in_order(factor, [*batch, *rows, *columns])
                return self._matrix_of(
                    Factor(copied, (*batch, *rows, *columns)), batch, rows, columns
                )
        return self._matrix_of(factor, batch, rows, columns)

    def _matrix_of(
        self, factor: Factor, batch: list[int], rows: list[int], columns: list[int]
    ) -> Register:
        """Merge the rows and the columns, which are adjacent, and turn the result."""
        groups: list[tuple[int, ...]] = []
        labels = list(factor.labels)
        known = {k: tuple(g) for g in (rows, columns) for k in g}
        k = 0
        while k < len(labels):
            group = known.get(labels[k], (labels[k],))
            groups.append(group)
            k += len(group)
        merged = self.b.reshape(factor.register, tuple(math.prod(self.shape(g)) for g in groups))
        wanted = [(k,) for k in batch] + [tuple(g) for g in (rows, columns) if g]
        turned = self.b.transpose(merged, [groups.index(g) for g in wanted])
        present = [True] * len(batch) + [bool(rows), bool(columns)]
        if all(present) or not batch:
            return turned
        shape = tuple(math.prod(self.shape(g)) for g in ([k] for k in batch))
        shape = (*shape, *(math.prod(self.shape(g)) for g in (rows, columns)))
        text = ", ".join(":" if here else "None" for here in present)
        return self.b.view(turned, "index", text, shape)

    def _in_order(self, factor: Factor, order: Sequence[int]) -> Register:
        """Return a contiguous register with the axes in ``order``."""
        turned = self._aligned(factor, tuple(order))
        if turned is factor.register:
            return turned
        place = {label: axis for axis, label in enumerate(factor.labels)}
        if len(place) == len(order) == len(factor.labels):
            window = window_steps.turned(self.b, factor.register, [place[k] for k in order])
            if window is not None:
                return window
        return self.b.step("copy", [turned], turned.shape, kind=turned.kind, flops=0)

    def _accumulate(
        self, left: Factor, right: Factor, summed: list[int], into: Accumulate
    ) -> Factor:
        """``alpha * left @ right + beta * target``, in the target's memory."""
        left, right = self._finite(left), self._finite(right)
        if into.labels[0] in right.labels:
            left, right = right, left
        summed = self._agreed_order(left, right, summed)
        rows = [k for k in into.labels if k in left.labels]
        columns = [k for k in into.labels if k in right.labels]
        a = self._matrix(left, [], rows, summed)
        c = self._matrix(right, [], summed, columns)
        shape = (math.prod(self.shape(rows)), math.prod(self.shape(columns)))
        target = into.target
        flat = "" if shape == target.shape else f".reshape({shape})"
        register = self.b.step(
            "gemm", [target, a, c, into.alpha, into.beta], target.shape, in_place=(0,),
            flops=self._flops(left, right), parameters=(flat,),
            equation=self._equation([left.labels, right.labels], into.labels),
        )  # fmt: skip
        return Factor(register, into.labels)

    def _equation(self, inputs: Sequence[Labels], output: Sequence[int]) -> str:
        return equation(inputs, tuple(output), self.names)


def can_accumulate(factors: Sequence[Labels], target: Labels) -> bool:
    """Whether a product of two is a matrix product with rows and columns as in ``target``."""
    if len(factors) != 2 or not target:
        return False
    left, right = (set(labels) for labels in factors)
    if target[0] in right:
        left, right = right, left
    shared = left & right
    if not shared or shared & set(target) or set(target) != left ^ right:
        return False
    rows = [k for k in target if k in left]
    return bool(rows) and len(rows) < len(target) and list(target[: len(rows)]) == rows


def _ascii(left: Labels, right: Labels, output: Labels) -> str:
    """Return subscripts for NumPy, numbered afresh."""
    number: dict[int, int] = {}
    for label in (*left, *right, *output):
        number.setdefault(label, len(number))
    return equation(
        [tuple(number[k] for k in ls) for ls in (left, right)], tuple(number[k] for k in output)
    )


__all__ = ["Accumulate", "Factor", "ProductLowering", "can_accumulate"]
