"""A product with a sum in which entries are scattered, written so that they are added last."""

from __future__ import annotations

from collections.abc import Sequence

from eingrad.calculus.structure import is_sum, open_product, sum_of
from eingrad.core.algebra import einsum, multiply, scale_of
from eingrad.core.arrays import Scatter
from eingrad.core.expr import Const, Einsum, Expr
from eingrad.core.labelling import Factor


def times_entries(node: Einsum) -> Expr | None:
    """Return ``c (p - delta)`` as ``c p`` less c at the delta's entries, None for other products.

    The product is made anyway, and what has just been made takes entries in place, where p would
    have to be copied. c may vary along the axes along which the entries lie, and along no other.
    """
    product = open_product(node)
    sums = [f for f in product.factors if _has_entries(f[0])]
    if len(sums) != 1 or product.summed() or sums[0][1] != product.output:
        return None
    total, labels = sums[0]
    others = [f for f in product.factors if f is not sums[0]]
    scale = [(Const(product.coefficient), ()), *others]
    terms: list[Expr] = []
    for term in total.operands:
        factor, core = scale_of(term)
        if not isinstance(core, Scatter):
            terms.append(einsum([*scale, (term, labels)], labels, product.extents))
        elif (entries := _entries_times(core, scale)) is not None:
            terms.append(multiply(Const(factor), entries))
        else:
            return None
    return sum_of(terms, node.dims)


def _has_entries(node: Expr) -> bool:
    return is_sum(node) and any(isinstance(scale_of(x)[1], Scatter) for x in node.operands)


def _entries_times(node: Scatter, scale: Sequence[Factor]) -> Scatter | None:
    """Multiply scattered entries by factors whose labels are the numbers of the axes."""
    at = {k: x for k, x in enumerate(node.sources) if isinstance(x, int) and x in node.output}
    if not all(k in at for _, labels in scale for k in labels):
        return None
    entries, *indices = node.operands
    factors = [(x, tuple(at[k] for k in labels)) for x, labels in scale]
    entries = einsum([*factors, (entries, node.output)], node.output)
    return Scatter(entries, indices, node.sources, node.output, node.dims)
