"""Rewrite rules that no text states: sums term by term, comparisons, case distinctions.

Each is a function of a node that returns its replacement or None; see `rule_table`.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from eingrad.calculus.structure import (
    OpenProduct,
    cost,
    is_sum,
    open_product,
    sum_of,
)
from eingrad.core.algebra import (
    Infix,
    add,
    apply,
    constant_value,
    multiply,
    negate,
    reduce,
    repeat,
    scale_of,
    sum_over,
)
from eingrad.core.arrays import Matrix, matrix_function
from eingrad.core.expr import Const, Einsum, Expr, Map
from eingrad.core.functions import COMPARISONS
from eingrad.core.functions.elementwise_table import slope_of_gelu


def is_map(node: Expr, function: str) -> bool:
    """Whether a node is this element-wise function."""
    return isinstance(node, Map) and node.function == function


def argument_of(node: Expr, function: str) -> Expr | None:
    """Return x of ``function(x)``."""
    return node.operands[0] if is_map(node, function) else None


def gelu_slope(node: Expr) -> Expr | None:
    """gelu'(x) -> (1 + erf(x / sqrt(2))) / 2 + x exp(-x^2 / 2) / sqrt(2 pi)"""
    x = argument_of(node, "gelu'")
    return None if x is None else slope_of_gelu(Infix(x)).expr


# --- sums -------------------------------------------------------------------------------------


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


def rows_times_numbers(node: Expr) -> Expr | None:
    """logdet_ij(d_i A_ij) -> logdet_ij(A_ij) + sum_i(log(abs(d_i))), det alike; so for columns"""
    if not isinstance(node, Matrix) or node.function not in {"det", "logdet"}:
        return None
    product = open_product(node.operands[0])
    vectors = [f for f in product.factors if len(f[1]) == 1 and set(f[1]) <= {0, 1}]
    rest = tuple(f for f in product.factors if f not in vectors)
    if not vectors or not {0, 1} <= {k for _, labels in rest for k in labels}:
        return None
    inner = matrix_function(node.function, replace(product, factors=rest).build())
    if node.function == "det":
        return multiply(inner, *(reduce("prod", x, [0]) for x, _ in vectors))
    return add(inner, *(sum_over(apply("log", apply("abs", x)), [0]) for x, _ in vectors))


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


def ties_joined(node: Expr) -> Expr | None:
    """the shares of a maximum -> where(a > b, p, where(b > a, q, (p + q) / 2))"""
    if not is_sum(node):
        return None
    found: dict[tuple[Expr, Expr], tuple[int, Expr]] = {}
    for k, term in enumerate(node.operands):
        product = open_product(term, node.dims)
        for j, (x, labels) in enumerate(product.factors):
            sides = _greater(x) if labels == product.output else None
            if sides is None:
                continue
            rest = (*product.factors[:j], *product.factors[j + 1 :])
            found[sides] = k, replace(product, factors=rest).build()
            if (other := found.get(sides[::-1])) is None or other[0] == k:
                continue
            q, p = found[sides][1], other[1]
            b, a = sides
            mean = multiply(Const(Fraction(1, 2)), sum_of([p, q], node.dims))
            inner = apply("where", apply("gt", b, a), q, mean)
            joined = apply("where", apply("gt", a, b), p, inner)
            return add(*(y for i, y in enumerate(node.operands) if i not in (k, other[0])), joined)
    return None


def _greater(node: Expr) -> tuple[Expr, Expr] | None:
    """Return a and b of ``where(a > b, 1, where(a == b, 1/2, 0))``."""
    if not is_map(node, "where") or not is_map(node.operands[0], "gt"):
        return None
    a, b = node.operands[0].operands
    half = apply("where", apply("eq", a, b), Const(Fraction(1, 2)), Const(0))
    return (a, b) if node is apply("where", apply("gt", a, b), Const(1), half) else None


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
