"""Multiplying out: products of sums as sums of products, all of them or those that do not recur."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from eingrad.calculus.structure import (
    MAX_TERMS,
    OpenProduct,
    cancelled,
    is_minus,
    is_negative,
    is_sum,
    open_product,
    sum_of,
)
from eingrad.core.algebra import Factor, base_and_exponent, negate, repeat
from eingrad.core.expr import Einsum, Expr


@lru_cache(maxsize=1024)
def expand(node: Expr, whole: bool = False) -> Expr:
    """Return ``node`` as a sum of products of things that are neither.

    A quotient cancels before its numerator is multiplied out. With ``whole``, sums that recur stay
    whole: ``(a + b)^2 c + 2 (a + b)^2 c`` is ``3 (a + b)^2 c``; where none recurs, nothing is done.

    >>> from eingrad.core.algebra import Infix
    >>> from eingrad.core.expr import Var
    >>> a, b = (Infix(Var(name, ("i",))) for name in "ab")
    >>> expand(((a + b) * (a - b)).expr) is expand((a * a - b * b).expr)
    True
    """
    if whole and not _may_recur(node):
        return node
    kept = _recurring(node) if whole else None
    if kept is not None and max(kept.values(), default=0) < 2:
        return node
    return sum_of(_terms(node, MAX_TERMS, kept), node.dims)


def _terms(node: Expr, budget: int, kept: Mapping[Expr, int] | None) -> list[Expr]:
    if is_sum(node):
        return [t if t.ndim or not node.ndim else repeat(t, node.dims, ())
                for x in node.operands for t in _terms(x, budget, kept)]  # fmt: skip
    if not isinstance(node, Einsum):
        return [node]
    product = cancelled(node)
    if kept is not None:
        product = _normalised(product, kept)
    chosen = _sum_to_distribute(product, kept)
    if chosen is None:
        return [product.build()]
    total, labels = product.factors[chosen]
    if len(total.operands) > budget:
        return [product.build()]
    rest = (*product.factors[:chosen], *product.factors[chosen + 1 :])
    result: list[Expr] = []
    for term in total.operands:
        # A scalar term stands for a tensor: repeat it, so that its labels are still summed.
        factor = term if term.ndim else repeat(term, total.dims, ())
        part = OpenProduct(
            product.coefficient, (*rest, (factor, labels)), product.output, product.extents
        )
        result += _terms(part.build(), budget // len(total.operands), kept)
    return result


def _may_recur(node: Expr) -> bool:
    """Whether two sums or more are factors of products, or a power of one, which may be two."""
    stack, count = [node], 0
    while stack and count < 2:
        x = stack.pop()
        if is_sum(x):
            stack += x.operands
        elif isinstance(x, Einsum):
            for base, exponent in (base_and_exponent(y) for y, _ in open_product(x).factors):
                if is_sum(base):
                    count += 1 if exponent == 1 else 2
                    stack.append(base)
    return count > 1


def _recurring(node: Expr) -> Mapping[Expr, int]:
    """Count the sums that are factors of products, each in the sign in which it is met first.

    Of ``-(b - a) c`` that is ``a - b``.
    """
    seen: Counter[Expr] = Counter()
    stack = [node]
    while stack:
        x = stack.pop()
        if is_sum(x):
            stack += x.operands
        elif isinstance(x, Einsum):
            sums = [y for y, _ in _normalised(cancelled(x), seen).factors if is_sum(y)]
            seen.update(sums)
            stack += set(sums)
    return seen


def _normalised(product: OpenProduct, seen: Mapping[Expr, int]) -> OpenProduct:
    """Write sums that differ in sign or in the order of axes alone as the same sum.

    ``(X X^T + c)_ji`` is ``(X X^T + c)_ij``, ``b - a`` is ``-(a - b)`` where that was seen.
    """
    coefficient, factors = product.coefficient, list[Factor]()
    for total, labels in product.factors:
        if is_sum(total) and len(set(labels)) == len(labels):
            order = tuple(sorted(range(len(labels)), key=lambda axis: labels[axis]))
            opened = [open_product(x, total.dims) for x in total.operands]
            terms = [replace(p, output=order).build() for p in opened]
            total = sum_of(terms, [total.dims[k] for k in order])
            labels = tuple(labels[k] for k in order)
            minus = negate(total)
            if total not in seen and (minus in seen or is_minus(coefficient)):
                coefficient, total = -coefficient, minus
        factors.append((total, labels))
    return replace(product, coefficient=coefficient, factors=tuple(factors))


def _sum_to_distribute(product: OpenProduct, kept: Mapping[Expr, int] | None) -> int | None:
    """Choose a sum among the factors: one with quotients first, since these may cancel."""
    counts = kept or {}
    sums = [k for k, (x, _) in enumerate(product.factors) if is_sum(x) and counts.get(x, 0) < 2]
    return min(sums, key=lambda k: not _has_quotient(product.factors[k][0]), default=None)


def _has_quotient(total: Expr) -> bool:
    return any(is_negative(x) for term in total.operands for x, _ in open_product(term).factors)
