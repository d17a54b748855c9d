"""A tensor as a sum of terms, each a product of Kronecker deltas and of small tensors."""

from __future__ import annotations

from dataclasses import dataclass

from eingrad.calculus.expand import expand
from eingrad.calculus.simplify import collect
from eingrad.calculus.structure import is_sum, open_product
from eingrad.core.algebra import Factor, add, einsum, is_zero
from eingrad.core.expr import Const, Delta, Dim, Expr


@dataclass(frozen=True, slots=True)
class Term:
    """``deltas`` are pairs of axes that must be equal, ``factors`` tensors with their axes.

    An axis that is in none of them is one along which the term is repeated. Factors share no
    summed label: of ``4 U_ik V_jl`` there are two, of ``sum_a(X_ai X_aj)`` there is one.
    """

    deltas: tuple[tuple[int, int], ...]
    factors: tuple[tuple[Expr, tuple[int, ...]], ...]

    def product(self, dims: tuple[Dim, ...]) -> Expr:
        """Return what the term stands for in a tensor with these axes."""
        deltas = [(Delta(dims[pair[0]]), pair) for pair in self.deltas]
        return einsum([*deltas, *self.factors], tuple(range(len(dims))), dict(enumerate(dims)))


def split_terms(node: Expr) -> list[Term]:
    """Return the terms of a tensor; neither deltas nor outer products are multiplied out.

    >>> from eingrad.core.expr import Var
    >>> p = Var("p", ("i",))
    >>> diagonal = einsum([(p, (0,)), (Delta("i"), (0, 1))], (0, 1))
    >>> split_terms(diagonal)[0].deltas
    ((0, 1),)
    >>> outer = einsum([(p, (0,)), (p, (1,))], (0, 1))
    >>> [axes for _, axes in split_terms(outer)[0].factors]
    [(0,), (1,)]
    """
    whole = expand(node)
    terms = whole.operands if is_sum(whole) else (whole,)
    return _joined([_split(x, node.dims) for x in terms if not is_zero(x)])


def _joined(terms: list[Term]) -> list[Term]:
    """Add terms that are one tensor each, over the same axes and under the same deltas."""
    sums: dict[object, list[Term]] = {}
    for term in terms:
        axes = [labels for _, labels in term.factors]
        sums.setdefault((term.deltas, axes[0]) if len(axes) == 1 else term, []).append(term)
    return [_sum(group) if len(group) > 1 else group[0] for group in sums.values()]


def _sum(terms: list[Term]) -> Term:
    ((_, axes),) = terms[0].factors
    total = collect(add(*(x for term in terms for x, _ in term.factors)))
    return Term(terms[0].deltas, ((total, axes),))


def _split(term: Expr, dims: tuple[Dim, ...]) -> Term:
    product = open_product(term, dims)
    free = set(product.output)
    deltas: list[tuple[int, int]] = []
    rest: list[Factor] = []
    for x, labels in product.factors:
        if isinstance(x, Delta) and set(labels) <= free:
            deltas.append((labels[0], labels[1]))
        else:
            rest.append((x, labels))
    scalars = [(Const(product.coefficient), ()), *(f for f in rest if not f[1])]
    groups = _connected([f for f in rest if f[1]], free) or [[]]
    groups.sort(key=lambda group: len(_axes(group, free)))
    groups[0] = [*scalars, *groups[0]]  # the smallest tensor takes the scale
    factors = []
    for group in groups:
        axes = _axes(group, free)
        factors.append((einsum(group, axes, product.extents), axes))
    return Term(tuple(deltas), tuple(sorted(factors, key=lambda factor: factor[1])))


def _axes(group: list[Factor], free: set[int]) -> tuple[int, ...]:
    return tuple(sorted(free & {k for _, labels in group for k in labels}))


def _connected(factors: list[Factor], free: set[int]) -> list[list[Factor]]:
    """Group factors that share summed labels."""
    groups: list[tuple[set[int], list[Factor]]] = []
    for factor in factors:
        summed = set(factor[1]) - free
        met = [group for group in groups if group[0] & summed]
        groups = [group for group in groups if not group[0] & summed]
        labels = summed.union(*(group[0] for group in met))
        groups.append((labels, [*(x for group in met for x in group[1]), factor]))
    return [group for _, group in groups]
