"""Products: contractions as einsum or matmul, the rest entry by entry with broadcasting."""

from __future__ import annotations

import string
from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from typing import TYPE_CHECKING

from eingrad.calculus.structure import open_product
from eingrad.codegen.code import Code, atom, binary, call, negative
from eingrad.codegen.matmul import Operand, as_matmul
from eingrad.codegen.values import Value, is_decimal, is_negative, number, positive_power
from eingrad.core.expr import Const, Delta, Dim, Einsum, Expr, Labels, Number, Var

if TYPE_CHECKING:
    from eingrad.codegen.emit import Emitter


class Factors:
    """The factors of one product. Those without a summed label multiply what the others give."""

    def __init__(self, emitter: Emitter, node: Einsum) -> None:
        self.emitter, self.node = emitter, node
        product = open_product(node)
        self.coefficient, self.extents = product.coefficient, product.extents
        summed = product.summed()
        factors = sorted(product.factors, key=lambda f: (*self._place(f[0]), f[1]))
        self.inside = [f for f in factors if set(f[1]) & summed]
        self.outside = [f for f in factors if not set(f[1]) & summed]
        self.output = product.output

    def _place(self, x: Expr) -> tuple[bool, int, int]:
        """Order factors: named tensors first, as the author introduced them."""
        return not isinstance(x, Var), self.emitter.latest(x), x.digest

    def _upstream_first(self, x: Expr) -> bool:
        return not (isinstance(x, Var) and x.name in self.emitter.upstream)

    def value(self) -> Value:
        """Return the product's value."""
        above, below = self._elementwise(self.outside)
        if self.inside:
            above.insert(0, self._contraction())
        return self._chain(self.coefficient, above, below)

    # --- entry by entry ---

    def _elementwise(
        self, factors: Sequence[tuple[Expr, Labels]]
    ) -> tuple[list[Value], list[Value]]:
        """Return the factors above and below the fraction bar."""
        above: list[Value] = []
        below: list[Value] = []
        for x, labels in sorted(factors, key=lambda f: self._upstream_first(f[0])):
            divisor = positive_power(x)
            if divisor is None:
                above.append(self._view(x, labels))
            else:
                below.append(self._view(divisor, labels))
        return above, below

    def _view(self, x: Expr, labels: Labels) -> Value:
        """Return a factor with its axes in the product's order."""
        value = self.emitter.emit(x)
        own = tuple(labels[k] for k in value.axes)
        code = value.code
        if len(set(own)) < len(own):
            kept = tuple(sorted(set(own)))
            return Value(self._einsum([(code, own)], kept), kept)
        order = sorted(range(len(own)), key=lambda k: own[k])
        code = self.emitter.transposed(code, order)
        return Value(code, tuple(sorted(own)), value.is_number, value.is_bool)

    def _chain(self, coefficient: Number, above: list[Value], below: list[Value]) -> Value:
        """Multiply and divide: numbers first, truth values after something that is not one."""
        axes = tuple(sorted({k for v in (*above, *below) for k in v.axes}))
        above = sorted(above, key=lambda v: (not v.is_number, v.is_bool, "eye(" in str(v.code)))
        solid = [v for v in above if not v.is_bool and not v.is_number]
        if not solid and above and above[-1].is_bool:
            first = next(k for k, v in enumerate(above) if v.is_bool)
            above[first] = self._as_numbers(above[first])
        codes = [self.emitter.aligned(v, axes) for v in above]
        divisors = [self.emitter.aligned(v, axes) for v in sorted(below, key=lambda v: v.axes)]
        minus = is_negative(coefficient)
        size = -coefficient if minus else coefficient
        if isinstance(size, Fraction) and not is_decimal(size):
            divisors.insert(0, atom(str(size.denominator)))
            size = size.numerator
        if size != 1 or not codes:
            codes.insert(0, number(size))
        code = reduce(lambda a, b: binary("*", a, b), codes)
        if divisors:
            code = binary("/", code, reduce(lambda a, b: binary("*", a, b), divisors))
        is_number = all(v.is_number for v in (*above, *below))
        only = len(codes) == 1 and not divisors and not minus and len(above) == 1
        is_bool = only and above[0].is_bool
        return Value(negative(code) if minus else code, axes, is_number, is_bool)

    def _as_numbers(self, value: Value) -> Value:
        code = call(
            f"{self.emitter.target.module}.where", value.code,
            self.emitter.full_like(1, Const(1)), atom("0"),
        )  # fmt: skip
        return Value(code, value.axes)

    # --- contractions ---

    def _contraction(self) -> Value:
        operands = self._operands()
        present = {k for _, labels in operands for k in labels}
        output = tuple(k for k in self.output if k in present)
        if len(operands) == 1 and len(set(operands[0][1])) == len(operands[0][1]):
            return self._sum(operands[0], output)
        if self.emitter.matmul:
            found = as_matmul(operands, output, self.emitter.target)
            if found is not None:
                return Value(found, output)
        return Value(self._einsum(operands, output), output)

    def _operands(self) -> list[Operand]:
        """Emit the operands; of more than two, those with the same labels are multiplied."""
        groups: dict[Labels, list[Expr]] = {}
        merge = len(self.inside) > 2 or any(positive_power(x) is not None for x, _ in self.inside)
        if not merge:
            return [(self._whole(x), labels) for x, labels in self.inside]
        for x, labels in self.inside:
            groups.setdefault(labels, []).append(x)
        return [(self._product_of(group), labels) for labels, group in groups.items()]

    def _whole(self, x: Expr) -> Code:
        if isinstance(x, Delta):
            return self.emitter.emit(x).code
        return self.emitter.definition(x)

    def _product_of(self, group: Sequence[Expr]) -> Code:
        """Multiply tensors with the same axes."""
        if len(group) == 1:
            return self._whole(group[0])
        above: list[Value] = []
        below: list[Value] = []
        for x in sorted(group, key=self._upstream_first):
            divisor = positive_power(x)
            (above if divisor is None else below).append(self.emitter.emit(divisor or x))
        below = [Value(self.emitter.aligned(v, v.axes), v.axes) for v in below]
        value = self._chain(1, above, below)
        if len(value.axes) < group[0].ndim:
            return self.emitter.repeated(value, group[0])
        return value.code

    def _sum(self, operand: Operand, output: Labels) -> Value:
        code, labels = operand
        axes = tuple(k for k, label in enumerate(labels) if label not in output)
        total = self.emitter.target.reduction("sum", code, axes, len(labels))
        assert total is not None
        kept = [label for label in labels if label in output]
        order = sorted(range(len(kept)), key=lambda k: kept[k])
        return Value(self.emitter.transposed(total, order), output)

    def _einsum(self, operands: Sequence[Operand], output: Labels) -> Code:
        letters = self._letters([*output, *(k for _, labels in operands for k in labels)])
        inputs = ",".join("".join(letters[k] for k in labels) for _, labels in operands)
        spec = f'"{inputs}->{"".join(letters[k] for k in output)}"'
        self.emitter.uses_einsum = True
        return call(self.emitter.target.einsum, atom(spec), *(code for code, _ in operands))

    def _letters(self, labels: Sequence[int]) -> dict[int, str]:
        """Give each label the author's letter, or one that is free."""
        result: dict[int, str] = {}
        for label in dict.fromkeys(labels):
            own = self._wanted(self.extents[label])
            free = (x for x in [*own, *string.ascii_letters] if x not in result.values())
            result[label] = next(free)
        return result

    def _wanted(self, dim: Dim) -> list[str]:
        own = self.emitter.letters.get(dim, ())
        return [x for x in (*own, str(dim)) if len(x) == 1 and x in string.ascii_letters]
