"""Assumed facts: ``assume sum_o(T_bo) = 1`` replaces the sum wherever a product holds it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from eingrad.calculus.structure import Product, cost, open_product
from eingrad.core.algebra import Factor, einsum, is_light, multiply, power, rewrite
from eingrad.core.arrays import Matrix
from eingrad.core.expr import Const, Einsum, Expr, Labels, Var, variables
from eingrad.notation.system import Fact


def apply_fact(node: Expr, fact: Fact) -> Expr:
    """Return ``node`` with the fact used wherever it fits, ``node`` itself if it does not."""
    if not set(variables(fact.left)) <= set(variables(node)):
        return node
    symmetry = _symmetry(fact)
    if symmetry is not None:
        tensor, orders = symmetry
        node = rewrite([node], lambda x: _reorder(x, tensor, orders))[0]
        if tensor.ndim == 2:  # the inverse of a symmetric matrix is symmetric
            inverse = Matrix("inv", tensor)
            node = rewrite([node], lambda x: _reorder(x, inverse, orders))[0]
        return node
    return rewrite([node], lambda x: _replace(x, fact))[0]


def _symmetry(fact: Fact) -> tuple[Var, list[Labels]] | None:
    """Read ``A_ij = A_ji`` as (A, the orders of its axes that are the same)."""
    right = fact.right
    if not isinstance(fact.left, Var) or not isinstance(right, Einsum) or not is_light(right):
        return None
    if right.operands != (fact.left,) or len(right.output) != fact.left.ndim:
        return None
    step = right.inputs[0]
    orders = [tuple(range(fact.left.ndim))]
    while (new := tuple(orders[-1][k] for k in step)) != orders[0]:
        orders.append(new)
    return fact.left, orders


def _reorder(node: Expr, tensor: Expr, orders: list[Labels]) -> Expr | None:
    """Write a symmetric tensor's labels in the one order that is simplest in this product."""
    if not isinstance(node, Einsum) or tensor not in node.operands:
        return None
    best: Expr = node
    for k, operand in enumerate(node.operands):
        if operand is not tensor:
            continue
        product = open_product(best) if isinstance(best, Einsum) else None
        if product is None:
            break
        found = [j for j, (x, _) in enumerate(product.factors) if x is tensor]
        for j in found[k : k + 1] or found[:1]:
            labels = product.factors[j][1]
            variants = [
                _with_factor(product, j, (tensor, tuple(labels[a] for a in order)))
                for order in orders
            ]
            best = min(variants, key=lambda x: (cost(x), *_reading_order(x, tensor), x.digest))
    return None if best is node else best


def _reading_order(node: Expr, tensor: Expr) -> tuple[bool, list[Labels]]:
    """Prefer the tensor itself to a view of it, and its labels in alphabetical order."""
    found = [labels for x, labels in open_product(node).factors if x is tensor]
    return isinstance(node, Einsum), found


def _with_factor(product: Product, k: int, factor: Factor) -> Expr:
    factors = (*product.factors[:k], factor, *product.factors[k + 1 :])
    return Product(product.coefficient, factors, product.output, product.extents).build()


def _replace(node: Expr, fact: Fact) -> Expr | None:
    """Replace the left side's product among the factors of ``node`` by the right side."""
    if node is fact.left:
        return fact.right
    if not isinstance(node, Einsum):
        return None
    pattern, product = open_product(fact.left), open_product(node)
    scalars = [x for x, labels in pattern.factors if not labels and not isinstance(x, Var)]
    wanted = [f for f in pattern.factors if f[0] not in scalars]
    if not wanted:
        return None
    for used, names in _matches(wanted, product, pattern):
        rest = [f for k, f in enumerate(product.factors) if k not in used]
        bound = {names[k] for k in pattern.summed()}
        outside = {k for _, labels in rest for k in labels} | set(product.output)
        if bound & outside:
            continue
        scale = multiply(Const(pattern.coefficient), *scalars)
        right = (fact.right, tuple(names[k] for k in pattern.output) if fact.right.ndim else ())
        factors = [(Const(product.coefficient), ()), *rest, right, (power(scale, -1), ())]
        return einsum(factors, product.output, product.extents)
    return None


def _matches(
    wanted: list[Factor], product: Product, pattern: Product
) -> Iterator[tuple[set[int], dict[int, int]]]:
    """Yield the ways to find the pattern's factors among the product's."""
    candidates = range(len(product.factors))
    if len(wanted) > 4:
        return
    for chosen in permutations(candidates, len(wanted)):
        names: dict[int, int] = {}
        for (x, labels), k in zip(wanted, chosen, strict=True):
            y, own = product.factors[k]
            if x is not y or any(
                names.setdefault(a, b) != b for a, b in zip(labels, own, strict=True)
            ):
                break
        else:
            summed = pattern.summed()
            distinct = len({names[k] for k in summed}) == len(summed)
            if distinct and set(pattern.output) <= set(names):
                yield set(chosen), names
