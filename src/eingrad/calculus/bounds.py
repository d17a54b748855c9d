"""Signs and bounds: ``assume s > 0`` makes ``sqrt(s^2)`` s, in results alone (see `facts`)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from eingrad.calculus.structure import open_product
from eingrad.core.algebra import (
    Factor,
    apply,
    base_and_exponent,
    broadcast_scalar,
    constant_value,
    einsum,
    full,
    is_light,
    negate,
    power,
)
from eingrad.core.expr import Expr, Labels, Map, Var
from eingrad.core.functions import COMPARISONS
from eingrad.core.rewrite import rewrite
from eingrad.notation.system import Definition, Fact


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the entries of a tensor lie; ``least`` and ``greatest`` say which ends belong to it."""

    low: float = -math.inf
    high: float = math.inf
    least: bool = False
    greatest: bool = False

    def decides(self, sign: str, other: float) -> bool | None:
        """Say whether ``x < other`` and the like holds for all x, or for none; None for some."""
        if sign in ("<", "<="):
            return self.mirrored().decides(sign.replace("<", ">"), -other)
        below = self.high < other or (self.high == other and (sign == ">" or not self.greatest))
        above = self.low > other or (self.low == other and (sign == ">=" or not self.least))
        if sign in (">", ">="):
            return True if above else False if below else None
        outside = other < self.low or other > self.high
        outside |= other == self.low and not self.least
        outside |= other == self.high and not self.greatest
        return (sign == "!=") if outside else None

    def mirrored(self) -> Interval:
        """Return where ``-x`` lies."""
        return Interval(-self.high, -self.low, self.greatest, self.least)

    def within(self, sign: str, bound: float) -> Interval:
        """Return the part of it for which ``x < bound``, or another comparison, holds."""
        if sign in ("<", "<="):
            return self.mirrored().within(sign.replace("<", ">"), -bound).mirrored()
        if bound < self.low or (bound == self.low and not self.least):
            return self
        return replace(self, low=bound, least=sign == ">=")


def intervals(facts: Iterable[Fact]) -> Mapping[Expr, Interval]:
    """Return where tensors lie by the bounds among some facts."""
    found: dict[Expr, Interval] = {}
    for fact in facts:
        if fact.is_bound:
            bound = constant_value(fact.right)
            assert isinstance(bound, int | float | Fraction)
            found[fact.left] = found.get(fact.left, Interval()).within(fact.sign, float(bound))
    return found


def apply_bound(node: Expr, fact: Fact) -> Expr:
    """Return ``node`` with roots, moduli, signs and comparisons that a bound decides."""
    ((tensor, interval),) = intervals((fact,)).items()
    decided = rewrite([node], lambda x: _decided(x, tensor, interval))
    return rewrite(decided, _chosen)[0]


def _chosen(node: Expr) -> Expr | None:
    """where(1, a, b) -> a, where(0, a, b) -> b"""
    if not isinstance(node, Map) or node.function != "where":
        return None
    holds = constant_value(node.operands[0])
    if holds is None:
        return None
    return broadcast_scalar(node.operands[1 if holds else 2], node.dims)


def bounded_definitions(definitions: Iterable[Definition], facts: Iterable[Fact]) -> Iterator[Fact]:
    """Yield what bounds make a name of a name: s of ``L = sqrt(s^2)``."""
    bounds = [fact for fact in facts if fact.is_bound]
    for definition in definitions if bounds else ():
        for bound in bounds:
            shorter = apply_bound(definition.expr, bound)
            if shorter is not definition.expr and is_light(shorter) | isinstance(shorter, Var):
                yield Fact(definition.var, shorter, bound.written)


def _decided(node: Expr, tensor: Expr, interval: Interval) -> Expr | None:
    if not isinstance(node, Map):
        return None
    sign = 1 if interval.decides(">=", 0) else -1 if interval.decides("<=", 0) else 0
    inner = node.operands[0]
    match node.function:
        case "sqrt" | "abs" if sign:
            return _pulled_out(node, tensor, sign)
        case "sign" if inner is tensor and interval.decides("!=", 0):
            return full(sign, node.dims) if sign else None
        case "relu" if inner is tensor and sign:
            return tensor if sign > 0 else full(0, node.dims)
        case "maximum" | "minimum" if tensor in node.operands:
            return _greater(node, tensor, interval)
        case function if function in COMPARISONS and tensor in node.operands:
            return _compared(node, tensor, interval)
    return None


def _other(node: Map, tensor: Expr) -> tuple[bool, float | None]:
    """Return of two operands whether the tensor is the second, and the other one if a number."""
    second = node.operands[1] is tensor
    value = constant_value(node.operands[not second])
    return second, float(value) if isinstance(value, int | float | Fraction) else None


def _greater(node: Map, tensor: Expr, interval: Interval) -> Expr | None:
    """maximum(x, 1) -> x for x >= 1, 1 for x <= 1"""
    _, bound = _other(node, tensor)
    if bound is None:
        return None
    largest = node.function == "maximum"
    if interval.decides(">=" if largest else "<=", bound):
        return tensor
    return full(bound, node.dims) if interval.decides("<=" if largest else ">=", bound) else None


def _compared(node: Map, tensor: Expr, interval: Interval) -> Expr | None:
    """(x > 1) -> 1 for x >= 2, 0 for x <= 1"""
    second, bound = _other(node, tensor)
    record = COMPARISONS[node.function]
    sign = COMPARISONS[record.turned].sign if second else record.sign
    found = None if bound is None else interval.decides(sign, bound)
    return None if found is None else full(int(found), node.dims)


def _pulled_out(node: Map, tensor: Expr, sign: int) -> Expr | None:
    """sqrt(x^2 y) -> x sqrt(y), abs(x y) -> x abs(y) for x >= 0; with -x for x <= 0"""
    opened = open_product(node.operands[0])
    if opened.summed():
        return None
    step = 2 if node.function == "sqrt" else 1
    inside: list[Factor] = []
    exponents: Counter[Labels] = Counter()
    for factor, labels in opened.factors:
        base, exponent = base_and_exponent(factor)
        if base is tensor and isinstance(exponent, int):
            exponents[labels] += exponent
        else:
            inside.append((factor, labels))
    roots = {labels: int(exponent / step) for labels, exponent in exponents.items()}
    if not any(roots.values()):
        return None
    inside += [(power(tensor, e - step * roots[ls]), ls) for ls, e in exponents.items()]
    outside = [
        (negate(power(tensor, k)) if k % 2 and sign < 0 else power(tensor, k), labels)
        for labels, k in roots.items()
    ]
    rest = apply(node.function, replace(opened, factors=tuple(inside)).build())
    return einsum([*outside, (rest, opened.output)], opened.output, opened.extents)
