"""Facts: ``assume sum_o(T_bo) = 1`` replaces the sum wherever a product holds it.

A fact holds at the point, not around it: what a fact has simplified is a result, and is never
differentiated. `Knowledge` says which facts there are for a formula that is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from itertools import product as cartesian

from eingrad.calculus.bounds import apply_bound, bounded_definitions
from eingrad.calculus.expand import expand
from eingrad.calculus.pointwise_rules import is_map
from eingrad.calculus.rules import RECOGNISE, apply_rules
from eingrad.calculus.structure import OpenProduct, cost, is_minus, is_sum, open_product
from eingrad.calculus.symmetry import Swap, is_symmetric, symmetries
from eingrad.core.algebra import (
    Factor,
    apply,
    base_and_exponent,
    constant_value,
    einsum,
    full,
    is_light,
    multiply,
    negate,
    power,
    scale_of,
    transpose,
)
from eingrad.core.arrays import Matrix
from eingrad.core.expr import (
    Const,
    Einsum,
    Expr,
    Labels,
    Map,
    Number,
    Size,
    Var,
    exact,
    postorder,
    variables,
)
from eingrad.core.rewrite import rewrite, substitute
from eingrad.notation.system import Definition, Fact, System

LONGEST_MEAN = 10.0  # a definition that may be what a difference deviates from
LONGEST_SUMMED = 40.0  # a difference that takes longer to read is not summed
MOST_MATCHED = 4  # factors of a definition that is looked for in products
MOST_REORDERED = 5  # of a product's symmetric factors
SHORTEST = 2.0  # a definition shorter than this is as good as its name

Orders = Mapping[Expr, list[Labels]]


class Knowledge:
    """What is known of a model's tensors: what is assumed, which of them are symmetric by their
    definitions, and what each name stands for.

    A definition is a fact too (``sum_i(x_i) / size(i) = mu``), used where it makes a result
    shorter; its `Fact.written` is None. ``named`` is the name of each definition's formula:
    derivatives speak of ``Z2``, not of ``softmax(A2)``.

    Of a formula that is yet to be differentiated ``moved`` are the tensors by which: around the
    point nothing is assumed of any tensor, and a tensor that moves is not what defines it.
    """

    def __init__(self, system: System, moved: Collection[str] | None = None) -> None:
        self.assumed = system.facts if moved is None else ()
        definitions = [d for d in system.definitions.values() if d.name not in (moved or ())]
        self.named: dict[Expr, Expr] = dict(filter(None, map(formula_and_name, definitions)))
        definitions = [d for d in definitions if "/" not in d.name]  # results name no derivatives
        self.assumed = (*self.assumed, *bounded_definitions(definitions, self.assumed))
        self.symmetries = symmetries(definitions, _swaps(self.assumed))
        self._by_var: dict[Var, list[Fact]] = {}
        means: dict[Expr, Expr] = {
            d.var: d.expr for d in definitions
            if isinstance(d.expr, Einsum) and cost(d.expr) <= LONGEST_MEAN
        }  # fmt: skip
        for definition in definitions:
            expr = definition.expr
            parts = variables(expr)
            if parts and cost(expr) >= SHORTEST and not _is_view(expr):
                fact = Fact(expr, definition.var, None)
                self._by_var.setdefault(parts[-1], []).append(fact)
            for fact in constant_sums(definition, self.assumed, means):
                self._by_var.setdefault(definition.var, []).append(fact)

    def about(self, node: Expr) -> list[Fact]:
        """Return the facts that speak of nothing but tensors in ``node``."""
        present = set(variables(node))
        definitions = [f for v in present for f in self._by_var.get(v, ())]
        found = [f for f in definitions if set(variables(f.left)) <= present]
        found.sort(key=lambda f: (-cost(f.left), f.left.digest))
        return [*self.assumed, *(f for f in self.symmetries if f.left in present), *found]


def constant_sums(
    definition: Definition, assumed: Sequence[Fact], means: Mapping[Expr, Expr]
) -> Iterator[Fact]:
    """Yield what is known of a difference: that its sum over an axis, or its trace, is a number.

    So it is of deviations from a mean, and of the deviator of a tensor. ``means`` are definitions
    that are put in the place of their names.
    """
    expr, var = substitute(definition.expr, means), definition.var
    subtracts = is_sum(expr) and any(is_minus(scale_of(x)[0]) for x in expr.operands)
    if not subtracts or cost(expr) > LONGEST_SUMMED:
        return
    here = tuple(range(expr.ndim))
    sums = [(here, tuple(k for k in here if k != axis)) for axis in here]
    for p, q in combinations(here, 2):
        if expr.dims[p] == expr.dims[q]:
            traced = tuple(p if k == q else k for k in here)
            sums.append((traced, tuple(k for k in here if k not in (p, q))))
    for labels, output in sums:
        total = expand(apply_rules([einsum([(expr, labels)], output)], RECOGNISE)[0])
        for fact in assumed:
            total = apply_fact(total, fact)
        value = constant_value(expand(total))
        if value is not None:
            left = einsum([(var, labels)], output)
            yield Fact(left, full(value, left.dims), None)


def formula_and_name(definition: Definition) -> tuple[Expr, Expr] | None:
    """Return what a name stands for, and the name; both with the axes of what is only turned."""
    expr: Expr = definition.expr
    name: Expr = definition.var
    if isinstance(expr, Einsum) and len(expr.operands) == 1:
        axes = expr.inputs[0]
        if sorted(axes) == sorted(expr.output) == list(range(expr.ndim)):
            places = [expr.output.index(k) for k in axes]
            expr, name = expr.operands[0], transpose(name, places)
    return None if isinstance(expr, Var | Const) or is_light(expr) else (expr, name)


def _is_view(node: Expr) -> bool:
    return is_light(node) and isinstance(scale_of(node)[1], Var)


def tensors_assumed(system: System) -> set[str]:
    """Return the tensors of which something is assumed, and those that these are made of."""
    found: set[str] = set()
    stack = [v.name for f in system.facts for side in (f.left, f.right) for v in variables(side)]
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            if name in system.definitions:
                stack += [v.name for v in variables(system.definitions[name].expr)]
    return found


def apply_fact(node: Expr, fact: Fact, orders: Orders | None = None) -> Expr:
    """Return ``node`` with the fact used wherever it fits, ``node`` itself if it does not.

    ``orders`` are the orders of axes in which symmetric tensors are the same.
    """
    if not set(variables(fact.left)) <= set(variables(node)):
        return node
    if fact.is_bound:
        return apply_bound(node, fact)
    if is_symmetry(fact):
        return apply_symmetries(node, [fact])
    if is_antisymmetry(fact):
        return rewrite([node], lambda x: _with_sign(x, fact))[0]
    pattern = open_product(fact.left)
    return rewrite([node], lambda x: _replace(x, fact, pattern, orders or {}))[0]


def apply_symmetries(node: Expr, facts: Iterable[Fact]) -> Expr:
    """Return ``node`` with the labels of symmetric tensors in the one order that is simplest."""
    orders = symmetric_orders(facts)
    return rewrite([node], lambda x: _reorder(x, orders))[0]


def symmetric_orders(facts: Iterable[Fact]) -> Orders:
    """Return the orders of axes in which tensors, and the inverses of matrices, are the same."""
    orders: dict[Expr, list[Labels]] = {}
    for tensor, own in filter(None, map(_symmetry, facts)):
        orders[tensor] = own
        if tensor.ndim == 2:  # the inverse of a symmetric matrix is symmetric
            orders[Matrix("inv", tensor)] = own
    return orders


def is_symmetry(fact: Fact) -> bool:
    """Whether a fact says that axes of a tensor may change places."""
    return _symmetry(fact) is not None


def is_antisymmetry(fact: Fact) -> bool:
    """Whether a fact says that a tensor changes its sign when two axes change places."""
    opposite = replace(fact, right=negate(fact.right))
    found = _symmetry(opposite) if isinstance(fact.left, Var) else None
    return found is not None and len(found[1]) == 2


def _with_sign(node: Expr, fact: Fact) -> Expr | None:
    """Write ``F_ji`` as ``-F_ij`` where i stands first in the product, and ``F_ii`` as 0."""
    if not isinstance(node, Einsum):
        return None
    found = _symmetry(replace(fact, right=negate(fact.right)))
    product = open_product(node)
    assert found is not None
    p, q = _moved(found[1][1])
    sign, factors = 1, list[Factor]()
    for x, labels in product.factors:
        if x is found[0] and labels[p] >= labels[q]:
            sign *= 0 if labels[p] == labels[q] else -1
            labels = tuple(labels[axis] for axis in found[1][1])
        factors.append((x, labels))
    if sign == 1 and factors == list(product.factors):
        return None
    coefficient = sign * product.coefficient
    return replace(product, coefficient=coefficient, factors=tuple(factors)).build()


def beside_inverse(node: Expr, fact: Fact) -> Expr:
    """Write ``t_j O_ij`` beside the inverse of ``D_ij = t_i O_ij t_j`` as ``D_ij / t_i``."""
    square = fact.right.ndim == 2 and fact.right.dims[0] == fact.right.dims[1]
    inverse = Matrix("inv", fact.right) if square else None
    pattern = open_product(fact.left)
    if inverse is None or pattern.summed() or not 1 < len(pattern.factors) <= MOST_MATCHED:
        return node
    if inverse not in set(postorder([node])):
        return node

    def completed(x: Expr) -> Expr | None:
        if not isinstance(x, Einsum) or inverse not in x.operands:
            return None
        product = open_product(x)
        for missing in pattern.factors:
            wanted = [f for f in pattern.factors if f is not missing]
            if not set(missing[1]) <= {k for _, labels in wanted for k in labels}:
                continue
            for used, names in _assignments(wanted, product.factors, {}, frozenset(), {}):
                rest = [f for k, f in enumerate(product.factors) if k not in used]
                whole = (fact.right, tuple(names[k] for k in pattern.output))
                below = (power(missing[0], -1), tuple(names[k] for k in missing[1]))
                scale = exact(Fraction(1) / pattern.coefficient * product.coefficient)
                factors = (*rest, whole, below)
                return replace(product, coefficient=scale, factors=factors).build()
        return None

    return rewrite([node], completed)[0]


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


def _swaps(facts: Iterable[Fact]) -> Iterator[Swap]:
    """Yield the pairs of axes that facts allow to change places."""
    for tensor, orders in filter(None, map(_symmetry, facts)):
        if len(orders) == 2:
            yield tensor.name, *_moved(orders[1])


def _reorder(node: Expr, orders: Orders) -> Expr | None:
    """Choose the orders of all labels of symmetric tensors in a product at once.

    What is computed of one tensor alone and is symmetric with it, ``1 / r_ij``, is written so too.
    """
    if not isinstance(node, Einsum):
        return None
    symmetric = {x: found for x in node.operands if (found := _orders_of(x, orders))}
    if not symmetric:
        return None
    opened = open_product(node)
    places = [k for k, (x, _) in enumerate(opened.factors) if x in symmetric][:MOST_REORDERED]
    choices = (symmetric[opened.factors[k][0]] for k in places)
    variants = [
        _with_orders(opened, dict(zip(places, chosen, strict=True)))
        for chosen in cartesian(*choices)
    ]
    best = min(variants, key=lambda x: (cost(x), *_reading_order(x, symmetric.keys()), x.digest))
    return None if best is node else best


def _orders_of(node: Expr, orders: Orders) -> list[Labels] | None:
    """Return the orders of axes in which a factor is the same."""
    if node in orders or not isinstance(node, Map) or node.ndim != 2:
        return orders.get(node)
    known = frozenset(
        (x.name, *_moved(own[1]))
        for x, own in orders.items() if isinstance(x, Var) and len(own) == 2
    )  # fmt: skip
    swaps = node.dims[0] == node.dims[1] and is_symmetric(node, 0, 1, known)
    return [(0, 1), (1, 0)] if swaps else None


def _moved(order: Labels) -> tuple[int, int]:
    """Return the two axes that an order lets change places."""
    p, q = (k for k, axis in enumerate(order) if k != axis)
    return p, q


def _reading_order(node: Expr, symmetric: Set[Expr]) -> tuple[int, bool, list[Labels]]:
    """Prefer the order of labels that other factors have, and then the alphabetical one."""
    product = open_product(node)
    own = [labels for x, labels in product.factors if x in symmetric]
    others = [product.output, *(labels for x, labels in product.factors if x not in symmetric)]
    pairs = [pair for labels in own for pair in combinations(labels, 2)]
    against = sum(
        labels.index(p) > labels.index(q)
        for labels in others for p, q in pairs if p in labels and q in labels
    )  # fmt: skip
    return against, isinstance(node, Einsum), own


def _with_orders(product: OpenProduct, orders: Mapping[int, Labels]) -> Expr:
    """Return a product with the labels of some factors in other orders."""
    factors = [
        (x, tuple(labels[axis] for axis in orders.get(k, range(len(labels)))))
        for k, (x, labels) in enumerate(product.factors)
    ]
    return replace(product, factors=tuple(factors)).build()


def _replace(node: Expr, fact: Fact, pattern: OpenProduct, orders: Orders) -> Expr | None:
    """Replace the left side's product among the factors of ``node`` by the right side."""
    if node is fact.left:
        return fact.right
    if is_sum(node):
        return negate(fact.right) if node is negate(fact.left) else None
    if not isinstance(node, Einsum) or not _bases(fact.left, True) <= _bases(node):
        return None
    product = _split_powers(_with_signs(open_product(node), pattern), pattern)
    scalars = [x for x, labels in pattern.factors if not labels and not isinstance(x, Var)]
    wanted = [f for f in pattern.factors if f[0] not in scalars]
    sizes = [x for x in scalars if isinstance(base_and_exponent(x)[0], Size)]
    product, complete = _divided(product, [x for x in scalars if x not in sizes])
    if not wanted or not complete:
        return None
    found: list[Expr] = []
    for used, names in _matches(wanted, product, pattern, orders):
        rest = [f for k, f in enumerate(product.factors) if k not in used]
        bound = {names[k] for k in pattern.summed()}
        outside = {k for _, labels in rest for k in labels} | set(product.output)
        if bound & outside:
            continue
        scale = multiply(Const(pattern.coefficient), *sizes)
        right = (fact.right, tuple(names[k] for k in pattern.output) if fact.right.ndim else ())
        factors = [(Const(product.coefficient), ()), *rest, right, (power(scale, -1), ())]
        found.append(einsum(factors, product.output, product.extents))
    own = {fact.right}
    return min(found, key=lambda x: (*_reading_order(x, own), x.digest), default=None)


def _divided(product: OpenProduct, scalars: list[Expr]) -> tuple[OpenProduct, bool]:
    """Leave scalar factors out, and say whether all were there."""
    factors = list(product.factors)
    for x in scalars:
        if (x, ()) not in factors:
            return product, False
        factors.remove((x, ()))
    return replace(product, factors=tuple(factors)), True


def _with_signs(product: OpenProduct, pattern: OpenProduct) -> OpenProduct:
    """Write ``b - a`` as ``-(a - b)`` where the pattern has ``a - b``."""
    turned = {_negated(x): x for x, _ in pattern.factors if is_sum(x)}
    if not turned:
        return product
    factors = tuple((turned.get(x, x), labels) for x, labels in product.factors)
    minus = sum(x in turned for x, _ in product.factors) % 2
    return replace(
        product, coefficient=-product.coefficient if minus else product.coefficient, factors=factors
    )


@lru_cache(maxsize=4096)
def _bases(node: Expr, is_pattern: bool = False) -> frozenset[Expr]:
    """Return what a product's factors are powers of, of a sum whatever its sign; a pattern's
    extents may be lacking."""
    found = [_radicand_and_exponent(x)[0] for x, _ in open_product(node).factors]
    either = (min(x, _negated(x), key=lambda y: y.digest) if is_sum(x) else x for x in found)
    return frozenset(x for x in either if not (is_pattern and isinstance(x, Size)))


@lru_cache(maxsize=1024)
def _negated(node: Expr) -> Expr:
    return negate(node)


def _split_powers(product: OpenProduct, pattern: OpenProduct) -> OpenProduct:
    """Write ``s^-3`` as ``s^-1 s^-2`` where the pattern has ``s^-1``; s may be a root.

    ``(v + e)^(-3/2)`` is ``r (v + e)^-1`` for ``r = 1 / sqrt(v + e)``.
    """
    wanted = {radicand: (x, exponent) for x, _ in pattern.factors
              for radicand, exponent in [_radicand_and_exponent(x)] if exponent != 1}  # fmt: skip
    factors: list[Factor] = []
    for x, labels in product.factors:
        radicand, exponent = _radicand_and_exponent(x)
        part, own = wanted.get(radicand, (x, exponent))
        if x is not part and _has_more(exponent, own):
            factors += [(part, labels), (_root_of(radicand, exponent - own, part), labels)]
        else:
            factors.append((x, labels))
    return replace(product, factors=tuple(factors))


def _radicand_and_exponent(factor: Expr) -> tuple[Expr, Number]:
    """Read ``sqrt(x)^k`` as (x, k / 2)."""
    base, exponent = base_and_exponent(factor)
    if is_map(base, "sqrt") and isinstance(exponent, int):
        return base.operands[0], exact(Fraction(exponent, 2))
    return base, exponent


def _root_of(radicand: Expr, exponent: Number, like: Expr) -> Expr:
    """Return a power, one of the root where another factor is such."""
    if is_map(base_and_exponent(like)[0], "sqrt"):
        return power(apply("sqrt", radicand), exact(2 * exponent))
    return power(radicand, exponent)


def _has_more(exponent: Number, part: Number) -> bool:
    """Whether ``x^exponent`` is ``x^part`` times a further power of the same sign."""
    if isinstance(exponent, float | complex) or isinstance(part, float | complex) or not part:
        return False
    times = Fraction(exponent) / part
    return times.denominator == 1 and times > 1


def _matches(
    wanted: list[Factor], product: OpenProduct, pattern: OpenProduct, orders: Orders
) -> Iterator[tuple[set[int], dict[int, int]]]:
    """Yield the ways to find the pattern's factors among the product's."""
    if len(wanted) > MOST_MATCHED:
        return
    summed = pattern.summed()
    for used, names in _assignments(wanted, product.factors, orders, frozenset(), {}):
        bound = {names[k] for k in summed}
        kept = {names[k] for k in pattern.output if k in names}
        complete = set(pattern.output) <= set(names)
        if complete and len(bound) == len(summed) and bound.isdisjoint(kept):
            yield set(used), names


def _assignments(
    wanted: list[Factor],
    factors: Sequence[Factor],
    orders: Orders,
    used: frozenset[int],
    names: dict[int, int],
) -> Iterator[tuple[frozenset[int], dict[int, int]]]:
    """Yield the factors that may stand for those wanted, and what the pattern's labels are then."""
    if not wanted:
        yield used, names
        return
    (x, labels), *rest = wanted
    for k, (y, own) in enumerate(factors):
        if y is not x or k in used:
            continue
        for order in orders.get(x, [tuple(range(len(own)))]):
            new = dict(names)
            pairs = zip(labels, (own[axis] for axis in order), strict=True)
            if all(new.setdefault(a, b) == b for a, b in pairs):
                yield from _assignments(rest, factors, orders, used | {k}, new)
