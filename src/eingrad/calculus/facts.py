"""Assumed facts: ``assume sum_o(T_bo) = 1`` replaces the sum wherever a product holds it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import permutations

from eingrad.calculus.pointwise_rules import is_map
from eingrad.calculus.structure import Product, cost, is_sum, open_product
from eingrad.core.algebra import (
    Factor,
    base_and_exponent,
    einsum,
    is_light,
    multiply,
    negate,
    power,
    scale_of,
)
from eingrad.core.arrays import Matrix
from eingrad.core.expr import Const, Einsum, Expr, Labels, Number, Size, Var, variables
from eingrad.core.rewrite import rewrite
from eingrad.notation.system import Fact, System

SHORTEST = 2.0  # a definition shorter than this is as good as its name


class Knowledge:
    """What is known of a model's tensors: what is assumed, and what each name stands for.

    A definition is a fact too (``sum_i(x_i) / size(i) = mu``), used where it makes a result
    shorter; its `Fact.written` is None.
    """

    def __init__(self, system: System) -> None:
        self.assumed = system.facts
        self._by_var: dict[Var, list[Fact]] = {}
        for name, definition in system.definitions.items():
            if "/" in name:
                continue  # a derivative: results are written without these
            expr = definition.expr
            parts = variables(expr)
            if parts and cost(expr) >= SHORTEST and not _is_view(expr):
                fact = Fact(expr, definition.var, None)
                self._by_var.setdefault(parts[-1], []).append(fact)

    def about(self, node: Expr) -> list[Fact]:
        """Return the facts that speak of nothing but tensors in ``node``."""
        present = set(variables(node))
        definitions = [f for v in present for f in self._by_var.get(v, ())]
        found = [f for f in definitions if set(variables(f.left)) <= present]
        found.sort(key=lambda f: (-cost(f.left), f.left.digest))
        return [*self.assumed, *found]


def _is_view(node: Expr) -> bool:
    return is_light(node) and isinstance(scale_of(node)[1], Var)


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


def symmetric_matrices(facts: Iterable[Fact]) -> frozenset[str]:
    """Return the names of the matrices that are assumed to be symmetric."""
    found = (_symmetry(fact) for fact in facts)
    return frozenset(pair[0].name for pair in found if pair is not None and pair[0].ndim == 2)


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
    if is_sum(node):
        return negate(fact.right) if node is negate(fact.left) else None
    if not isinstance(node, Einsum):
        return None
    pattern = open_product(fact.left)
    product = _split_powers(_with_signs(open_product(node), pattern), pattern)
    scalars = [x for x, labels in pattern.factors if not labels and not isinstance(x, Var)]
    wanted = [f for f in pattern.factors if f[0] not in scalars]
    sizes = [x for x in scalars if isinstance(base_and_exponent(x)[0], Size)]
    product, complete = _divided(product, [x for x in scalars if x not in sizes])
    if not wanted or not complete:
        return None
    for used, names in _matches(wanted, product, pattern):
        rest = [f for k, f in enumerate(product.factors) if k not in used]
        bound = {names[k] for k in pattern.summed()}
        outside = {k for _, labels in rest for k in labels} | set(product.output)
        if bound & outside:
            continue
        scale = multiply(Const(pattern.coefficient), *sizes)
        right = (fact.right, tuple(names[k] for k in pattern.output) if fact.right.ndim else ())
        factors = [(Const(product.coefficient), ()), *rest, right, (power(scale, -1), ())]
        return einsum(factors, product.output, product.extents)
    return None


def _divided(product: Product, scalars: list[Expr]) -> tuple[Product, bool]:
    """Leave scalar factors out, and say whether all were there."""
    factors = list(product.factors)
    for x in scalars:
        if (x, ()) not in factors:
            return product, False
        factors.remove((x, ()))
    return replace(product, factors=tuple(factors)), True


def _with_signs(product: Product, pattern: Product) -> Product:
    """Write ``b - a`` as ``-(a - b)`` where the pattern has ``a - b``."""
    turned = {negate(x): x for x, _ in pattern.factors if is_sum(x)}
    factors = tuple((turned.get(x, x), labels) for x, labels in product.factors)
    minus = sum(x in turned for x, _ in product.factors) % 2
    return replace(
        product, coefficient=-product.coefficient if minus else product.coefficient, factors=factors
    )


def _split_powers(product: Product, pattern: Product) -> Product:
    """Write ``s^-3`` as ``s^-1 s^-2`` where the pattern has ``s^-1``; s may be a root."""
    wanted = {base: e for x, _ in pattern.factors for base, e in [base_and_exponent(x)] if e != 1}
    roots = {base.operands[0]: base for base in wanted if is_map(base, "sqrt")}
    factors: list[Factor] = []
    for x, labels in product.factors:
        base, exponent = base_and_exponent(x)
        if base in roots and isinstance(exponent, int):
            base, exponent = roots[base], 2 * exponent
        if _has_more(exponent, wanted.get(base)):
            factors += [
                (power(base, wanted[base]), labels),
                (power(base, exponent - wanted[base]), labels),
            ]
        else:
            factors.append((x, labels))
    return Product(product.coefficient, tuple(factors), product.output, product.extents)


def _has_more(exponent: Number, part: Number | None) -> bool:
    """Whether ``x^exponent`` is ``x^part`` times a further power of the same sign."""
    if not isinstance(exponent, int) or not isinstance(part, int):
        return False
    return exponent * part > 0 and abs(exponent) > abs(part)


def _matches(
    wanted: list[Factor], product: Product, pattern: Product
) -> Iterator[tuple[set[int], dict[int, int]]]:
    """Yield the ways to find the pattern's factors among the product's."""
    nodes = {x for x, _ in wanted}
    candidates = [k for k, (x, _) in enumerate(product.factors) if x in nodes]
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
            bound = {names[k] for k in summed}
            kept = {names[k] for k in pattern.output if k in names}
            complete = set(pattern.output) <= set(names)
            if complete and len(bound) == len(summed) and bound.isdisjoint(kept):
                yield set(chosen), names
