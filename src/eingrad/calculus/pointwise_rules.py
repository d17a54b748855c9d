"""Rewrite rules for element-wise functions: quotients with a name, roots, case distinctions.

See `rules` for what a rule is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from eingrad.calculus.structure import OpenProduct, cost, is_sum, open_product, sum_of
from eingrad.core.algebra import (
    Infix,
    add,
    apply,
    base_and_exponent,
    constant_value,
    einsum,
    multiply,
    negate,
    power,
    repeat,
    scale_of,
    sum_over,
)
from eingrad.core.expr import Const, Einsum, Expr, Map
from eingrad.core.functions import COMPARISONS
from eingrad.core.functions.elementwise_table import slope_of_gelu


def is_map(node: Expr, function: str) -> bool:
    """Whether a node is this element-wise function."""
    return isinstance(node, Map) and node.function == function


def argument_of(node: Expr, function: str) -> Expr | None:
    """Return x of ``function(x)``."""
    return node.operands[0] if is_map(node, function) else None


# --- quotients --------------------------------------------------------------------------------


def tanh_written_out(node: Expr) -> Expr | None:
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x)) -> tanh(x)"""
    if not isinstance(node, Einsum):
        return None
    pairs = list(zip(node.operands, node.inputs, strict=True))
    for i, (a, labels) in enumerate(pairs):
        x = _difference_of_exp(a)
        if x is None:
            continue
        divisor = power(add(apply("exp", x), apply("exp", negate(x))), -1)
        for j, (b, other) in enumerate(pairs):
            if b is divisor and other == labels:
                rest = [pair for k, pair in enumerate(pairs) if k not in (i, j)]
                folded = (apply("tanh", x), labels)
                return einsum([*rest, folded], node.output, dict(enumerate(node.extents)))
    return None


def _difference_of_exp(node: Expr) -> Expr | None:
    """Read ``exp(x) - exp(-x)`` as x."""
    if not is_map(node, "add") or len(node.operands) != 2:
        return None
    signs = {c: argument_of(y, "exp") for c, y in map(scale_of, node.operands)}
    x, minus = signs.get(1), signs.get(-1)
    return x if x is not None and minus is not None and minus is negate(x) else None


def tanh_as_ratio(node: Expr) -> Expr | None:
    """sinh(x) / cosh(x) -> tanh(x)"""
    return _ratio(node, "sinh", "cosh", "tanh")


def tan_as_ratio(node: Expr) -> Expr | None:
    """sin(x) / cos(x) -> tan(x)"""
    return _ratio(node, "sin", "cos", "tan")


def _ratio(node: Expr, above: str, below: str, name: str) -> Expr | None:
    """Write one ``above(x)`` and one division by ``below(x)`` as ``name(x)``."""
    if not isinstance(node, Einsum):
        return None
    pairs = list(zip(node.operands, node.inputs, strict=True))
    for i, (a, labels) in enumerate(pairs):
        x = argument_of(a, above)
        if x is None:
            continue
        partner = apply(below, x)
        for j, (b, other) in enumerate(pairs):
            base, exponent = base_and_exponent(b)
            if base is not partner or other != labels or not isinstance(exponent, int):
                continue
            if exponent < 0:
                rest = [pair for k, pair in enumerate(pairs) if k not in (i, j)]
                folded = [(apply(name, x), labels), (power(base, exponent + 1), labels)]
                return einsum([*rest, *folded], node.output, dict(enumerate(node.extents)))
    return None


def log_of_cosh(node: Expr) -> Expr | None:
    """log(cosh(x)) -> x + softplus(-2 x) - log(2), which does not overflow"""
    inner = argument_of(node, "log")
    x = None if inner is None else argument_of(inner, "cosh")
    if x is None:
        return None
    return add(x, apply("softplus", multiply(Const(-2), x)), Const(-math.log(2)))


def gelu_slope(node: Expr) -> Expr | None:
    """gelu'(x) -> (1 + erf(x / sqrt(2))) / 2 + x exp(-x^2 / 2) / sqrt(2 pi)"""
    x = argument_of(node, "gelu'")
    return None if x is None else slope_of_gelu(Infix(x)).expr


# --- sums and roots ---------------------------------------------------------------------------


def sum_of_deviations(node: Expr) -> Expr | None:
    """sum_i(x_i - sum_j(x_j) / size(i)) -> 0: a sum term by term, where that is shorter"""
    if not isinstance(node, Einsum) or not any(isinstance(x, Einsum | Map) for x in node.operands):
        return None
    product = open_product(node)
    for k, (total, labels) in enumerate(product.factors):
        if not is_sum(total) or len(set(labels)) < len(labels):
            continue
        rest = (*product.factors[:k], *product.factors[k + 1 :])
        elsewhere = {*product.output, *(label for _, ls in rest for label in ls)}
        own = [axis for axis, label in enumerate(labels) if label not in elsewhere]
        if not own:
            continue
        parts = [x if x.ndim else repeat(x, total.dims, ()) for x in total.operands]
        sums = [sum_over(x, own) for x in parts]
        kept = tuple(label for label in labels if label in elsewhere)
        dims = [total.dims[axis] for axis in range(total.ndim) if axis not in own]
        inner = sum_of([sum_of_deviations(x) or x for x in sums], dims)
        if cost(inner) < cost(total):
            return replace(product, factors=(*rest, (inner, kept))).build()
    return None


def even_power_of_root(node: Expr) -> Expr | None:
    """sqrt(x)^2 -> x"""
    base, exponent = base_and_exponent(node)
    x = argument_of(base, "sqrt")
    if x is None or not isinstance(exponent, int) or exponent % 2:
        return None
    return power(x, exponent // 2)


# --- case distinctions ------------------------------------------------------------------------


def comparison_of_difference(node: Expr) -> Expr | None:
    """a - b > 0 -> a > b, which holds for the same floating-point numbers"""
    if not isinstance(node, Map) or node.function not in {"gt", "ge", "lt", "le"}:
        return None
    total, zero = node.operands
    if constant_value(zero) != 0 or not is_sum(total) or len(total.operands) != 2:
        return None
    above = [x for x in total.operands if not _is_subtracted(x)]
    if len(above) != 1:
        return None
    (below,) = (negate(x) for x in total.operands if x is not above[0])
    if constant_value(above[0]) is not None:
        return apply(COMPARISONS[node.function].turned, below, above[0])
    return apply(node.function, above[0], below)


def _is_subtracted(node: Expr) -> bool:
    coefficient = scale_of(node)[0]
    return not isinstance(coefficient, complex) and coefficient < 0


def cases_joined(node: Expr) -> Expr | None:
    """a where(c, 1, 0) + b where(c, 0, 1) -> where(c, a, b)"""
    if not is_sum(node):
        return None
    found: dict[Expr, tuple[list[int], list[int]]] = {}
    products = [open_product(x, node.dims) for x in node.operands]
    for k, product in enumerate(products):
        for x, labels in product.factors:
            side = _one_sided(x)
            if side is not None and labels == product.output:
                found.setdefault(x.operands[0], ([], []))[side].append(k)
    for condition, sides in found.items():
        if all(sides) and not set(sides[0]) & set(sides[1]):
            values = [
                sum_of([_without_case(products[k], condition) for k in side], node.dims)
                for side in sides
            ]
            joined = apply("where", condition, *values)
            used = {*sides[0], *sides[1]}
            return add(*(x for k, x in enumerate(node.operands) if k not in used), joined)
    return None


def _one_sided(node: Expr) -> int | None:
    """Return 0 for ``where(c, a, 0)``, 1 for ``where(c, 0, a)``."""
    if not is_map(node, "where"):
        return None
    zero = [constant_value(x) == 0 for x in node.operands[1:]]
    return zero.index(False) if sum(zero) == 1 else None


def _without_case(product: OpenProduct, condition: Expr) -> Expr:
    """Put the value of a one-sided case distinction in its place."""
    k, side = next(
        (k, side) for k, (x, labels) in enumerate(product.factors)
        if (side := _one_sided(x)) is not None
        and x.operands[0] is condition and labels == product.output
    )  # fmt: skip
    value = product.factors[k][0].operands[1 + side]
    case = (value, product.output if value.ndim else ())
    factors = (*product.factors[:k], case, *product.factors[k + 1 :])
    return replace(product, factors=factors).build()


def indicator_again(node: Expr) -> Expr | None:
    """where(c, 1, 0)^2 -> where(c, 1, 0); where(x > 0, 1, 0) relu(x) -> relu(x)"""
    if not isinstance(node, Einsum):
        return None
    pairs = list(zip(node.operands, node.inputs, strict=True))
    for k, (x, labels) in enumerate(pairs):
        others = [y for j, (y, own) in enumerate(pairs) if j != k and own == labels]
        if _one_sided(x) == 0 and any(_implies(y, x) for y in others):
            rest = [pair for j, pair in enumerate(pairs) if j != k]
            return einsum(rest, node.output, dict(enumerate(node.extents)))
    return None


def _implies(factor: Expr, indicator: Expr) -> bool:
    """Whether a factor is 0 wherever ``where(c, 1, 0)`` is, so that the indicator says nothing."""
    if constant_value(indicator.operands[1]) != 1:
        return False
    x = argument_of(factor, "relu")
    return factor is indicator or (
        x is not None and indicator.operands[0] is apply("gt", x, Const(0))
    )


# fmt: off
POINTWISE_RULES: tuple[Callable[[Expr], Expr | None], ...] = (
    tanh_written_out, tanh_as_ratio, tan_as_ratio, indicator_again,
)
TIDY_RULES: tuple[Callable[[Expr], Expr | None], ...] = (
    even_power_of_root, comparison_of_difference, cases_joined,
)
POINTWISE_CITATIONS: dict[Callable[[Expr], Expr | None], str] = {
    tanh_written_out: "tanh recognised",
    tanh_as_ratio: "sinh / cosh = tanh",
    tan_as_ratio: "sin / cos = tan",
    indicator_again: "a case that another factor implies",
    sum_of_deviations: "summed term by term",
    even_power_of_root: "sqrt(x)^2 = x",
    comparison_of_difference: "a - b > 0 where a > b",
    cases_joined: "cases joined",
}
# fmt: on
