"""The structure of sums and products: open them, compare them, tell how long they are to read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

from eingrad.core.algebra import (
    Factor,
    add,
    base_and_exponent,
    einsum,
    identity_labels,
    is_light,
    multiply,
    negate,
    power,
    repeat,
    scale_of,
    transpose,
)
from eingrad.core.arrays import Gather, Matrix, Scatter
from eingrad.core.bands import Band
from eingrad.core.expr import (
    Const,
    Delta,
    Dim,
    Einsum,
    Expr,
    Indices,
    Labels,
    Map,
    Number,
    Reduce,
    Size,
    postorder,
)
from eingrad.core.masks import condition_of, is_condition
from eingrad.core.positions import Shift

MAX_OPENED = 16  # factors of a product that rules look at together
MAX_TERMS = 24  # a product of sums that would have more terms than this is not multiplied out


def is_sum(node: Expr) -> bool:
    """Whether ``node`` is a sum of terms."""
    return isinstance(node, Map) and node.function == "add"


@dataclass(frozen=True)
class OpenProduct:
    """``coefficient * factors``, summed over the labels that ``output`` lacks."""

    coefficient: Number
    factors: tuple[Factor, ...]
    output: Labels
    extents: dict[int, Dim]

    def build(self) -> Expr:
        """Return the product as an expression in normal form."""
        return einsum([(Const(self.coefficient), ()), *self.factors], self.output, self.extents)

    def summed(self) -> set[int]:
        """The labels that are summed."""
        return {k for _, labels in self.factors for k in labels} - set(self.output)


def open_product(
    node: Expr, dims: Sequence[Dim] | None = None, most: float = math.inf
) -> OpenProduct:
    """Return the factors of a product, those of products inside it too.

    ``dims`` are the axes that a scalar is repeated along; the output labels are 0, 1, ... Products
    inside it are opened as long as that gives no more than ``most`` factors.
    """
    return _open_product(node, node.dims if dims is None else tuple(dims), most)


@lru_cache(maxsize=4096)
def _open_product(node: Expr, dims: tuple[Dim, ...], most: float) -> OpenProduct:
    coefficient, core = scale_of(node)
    output = tuple(range(len(dims)))
    extents: dict[int, Dim] = dict(enumerate(dims))
    factors: list[Factor] = []
    stack: list[Factor] = [(core, output if core.ndim else ())]
    while stack:
        operand, labels = stack.pop()
        if isinstance(operand, Const):
            coefficient = coefficient * operand.value
        elif isinstance(operand, Einsum) and (
            operand is core or len(stack) + len(factors) + len(operand.operands) <= most
        ):
            names = dict(zip(operand.output, labels, strict=True))
            for label, dim in enumerate(operand.extents):
                if label not in names:
                    names[label] = len(extents)
                    extents[len(extents)] = dim
            inner = zip(operand.operands, operand.inputs, strict=True)
            stack += [(x, tuple(names[k] for k in ls)) for x, ls in inner][::-1]
        else:
            factors.append((operand, labels))
    return OpenProduct(coefficient, tuple(factors), output, extents)


def cancelled(node: Expr) -> OpenProduct:
    """Open a product and let its powers and deltas cancel: nothing in the result is a product."""
    product = open_product(node)
    for _ in range(8):
        again = open_product(product.build(), [product.extents[k] for k in product.output])
        if len(again.factors) >= len(product.factors):
            return again
        product = again
    return product


class Part(NamedTuple):
    """A factor of an opened product; ``group`` says which product inside it stands in, -1: none."""

    base: Expr
    labels: Labels
    exponent: Number
    group: int


class Opened(NamedTuple):
    """The factors of a node, and the products inside it that they were taken from."""

    coefficient: Number
    parts: tuple[Part, ...]
    groups: tuple[Factor, ...]
    extents: tuple[Dim, ...]


@lru_cache(maxsize=4096)
def opened(node: Expr) -> Opened:
    """Open a product; the axes of ``node`` are the labels 0, 1, ...

    Products inside it are opened as long as that gives no more than `MAX_OPENED` factors: a whole
    network is one product.
    """
    coefficient: Number = 1
    extents = list(node.dims)
    groups: list[Factor] = []
    powers: dict[tuple[Expr, Labels, int], Number] = {}
    stack: list[tuple[Expr, Labels, int, bool]] = [(node, identity_labels(node), -1, True)]
    while stack:
        operand, labels, group, outside = stack.pop()
        if isinstance(operand, Const):
            coefficient = coefficient * operand.value
        elif isinstance(operand, Einsum) and (
            outside or len(stack) + len(powers) + len(operand.operands) <= MAX_OPENED
        ):
            if not outside and group < 0:
                group = len(groups)
                groups.append((operand, labels))
            names = dict(zip(operand.output, labels, strict=True))
            for label, dim in enumerate(operand.extents):
                if label not in names:
                    names[label] = len(extents)
                    extents.append(dim)
            light = outside and is_light(operand)
            pairs = list(zip(operand.operands, operand.inputs, strict=True))
            stack += [
                (x, tuple(names[k] for k in ls), group, light and x.ndim > 0) for x, ls in pairs
            ][::-1]
        else:
            base, exponent = base_and_exponent(operand)
            key = (base, labels, group)
            powers[key] = powers.get(key, 0) + exponent
    parts = tuple(Part(x, ls, e, group) for (x, ls, group), e in powers.items())
    return Opened(coefficient, parts, tuple(groups), tuple(extents))


def head_of(node: Expr) -> str:
    """Say what a node is: ``*`` a product, ``+`` a sum, or the name of a function.

    >>> from eingrad.core.algebra import apply
    >>> from eingrad.core.expr import Var
    >>> head_of(apply("exp", Var("x", ())))
    'exp'
    """
    if isinstance(node, Map | Reduce | Matrix):
        if base_and_exponent(node)[1] != 1:
            return "*"
        return "+" if is_sum(node) else node.function
    return "*" if isinstance(node, Einsum) else type(node).__name__


def heads_inside(node: Expr) -> frozenset[str]:
    """Return the heads of a sum's terms or of a product's factors, with ``+ exp`` and the like for
    the terms of those that are sums.
    """
    if is_sum(node):
        return frozenset(head_of(shown((scale_of(x)[1], ()))[0]) for x in node.operands)
    if head_of(node) != "*":
        return frozenset()
    factors = [part.base for part in opened(node).parts]
    terms = {f"+ {head}" for x in factors if is_sum(x) for head in heads_inside(x)}
    return frozenset(map(head_of, factors)) | terms


def shown(at: Factor) -> Factor:
    """Look through a plain view: return the tensor that it shows, at the same labels."""
    node, labels = at
    while isinstance(node, Einsum) and len(node.operands) == 1 and not node.summed:
        (inner,) = node.inputs
        node, labels = node.operands[0], tuple(labels[k] for k in inner) if labels else ()
    return node, labels


def trimmed(at: Factor) -> Factor:
    """Leave out axes that a node only repeats along, and plain views."""
    node, labels = at
    if isinstance(node, Einsum) and is_light(node):
        present = {k for ls in node.inputs for k in ls}
        if len(present) < node.ndim:
            pairs = list(zip(node.operands, node.inputs, strict=True))
            kept = tuple(k for k in node.output if k in present)
            labels = tuple(labels[node.output.index(k)] for k in kept)
            node = einsum(pairs, kept)
    return shown((node, labels))


@lru_cache(maxsize=4096)
def cost(node: Expr) -> float:
    """Say how long an expression is to read, as a tree."""
    total: dict[Expr, float] = {}
    for x in postorder([node]):
        total[x] = _own_cost(x) + sum(total[y] for y in x.operands)
    return round(total[node], 3)  # equal formulas cost the same, whatever the order of their terms


def _own_cost(node: Expr) -> float:
    if isinstance(node, Const):
        if node.value in (1, -1):
            return 0.0
        return 0.5 + (0.01 * node.value.bit_length() if isinstance(node.value, int) else 0.0)
    if isinstance(node, Delta):
        return 1.5
    if isinstance(node, Indices):
        return 0.0
    if node.has_places and (is_condition(node) or condition_of(node) is not None):
        return 0.6
    if isinstance(node, Gather | Scatter | Shift):
        return 0.4
    if isinstance(node, Einsum):
        counts = [sum(label in labels for labels in node.inputs) for label in node.summed]
        awkward = any(
            is_sum(x) and len(set(labels)) < x.ndim
            for x, labels in zip(node.operands, node.inputs, strict=True)
        )
        return 0.5 * sum(count < 2 for count in counts) + awkward  # a diagonal of a sum
    if is_sum(node):
        return 0.5 + 0.3 * len(node.operands)
    if base_and_exponent(node)[1] == -1:
        return 0.2
    return 1.0 + 0.1 * node.ndim if not isinstance(node, Size) else 1.0


def sum_of(terms: Sequence[Expr], dims: Sequence[Dim]) -> Expr:
    """Add terms that have the axes ``dims`` or none."""
    total = add(*terms)
    return total if total.ndim == len(dims) else repeat(total, dims, ())


def has_divisor(node: Expr) -> bool:
    """Whether some tensor stands below a fraction bar: something that may cancel."""
    return any(
        isinstance(x, Map)
        and x.function == "pow"
        and (x.ndim > 0 or isinstance(x.operands[0], Gather))
        and is_negative(x)
        for x in postorder([node])
    )


def is_divided(node: Expr) -> bool:
    """Whether anything stands below a fraction bar but extents."""
    return any(is_negative(x) and not isinstance(x.operands[0], Size) for x in postorder([node]))


def is_minus(value: Number) -> bool:
    """Whether a number has a minus sign."""
    return not isinstance(value, complex) and value < 0


def is_negative(node: Expr) -> bool:
    """Whether a factor stands below a fraction bar."""
    return is_minus(base_and_exponent(node)[1])


def permuted(node: Expr, axes: Sequence[int]) -> Expr:
    """Permute axes, those of a sum in each of its terms."""
    if not is_sum(node):
        return transpose(node, axes)
    return sum_of([transpose(x, axes) if x.ndim else x for x in node.operands], [
        node.dims[k] for k in axes
    ])  # fmt: skip


# --- cancelling -------------------------------------------------------------------------------


def cancel_inside(node: Expr) -> Expr:
    """Multiply factors into sums where they cancel: ``p (a - b / p) -> p a - b``.

    >>> from eingrad.core.algebra import Infix
    >>> from eingrad.core.expr import Var
    >>> a, b, p = (Infix(Var(name, ("i",))) for name in "abp")
    >>> cancel_inside((p * (a - b / p)).expr) is (p * a - b).expr
    True
    """
    if not isinstance(node, Einsum):
        return node
    product = cancelled(node)
    for j, (total, labels) in enumerate(product.factors):
        base, outer = base_and_exponent(total)
        if not is_sum(base) or outer not in (1, -1):
            continue
        for k, (x, own) in enumerate(product.factors):
            if k == j or not set(own) <= set(labels) or isinstance(base_and_exponent(x)[0], Size):
                continue  # a mean stays one
            inside = x if outer == 1 else power(x, -1)
            places = tuple(labels.index(label) for label in own)
            new = _times_each_term(base, (inside, places))
            if new is not None and cost(new) < cost(base) + cost(x):
                rest = [f for i, f in enumerate(product.factors) if i not in (j, k)]
                factors = (*rest, (power(new, outer), labels))
                return cancel_inside(replace(product, factors=factors).build())
    joined = len(product.factors) < len(open_product(node).factors)  # n^-1 n^-2 is n^-3
    return product.build() if joined else node


def _times_each_term(total: Expr, factor: Factor) -> Expr | None:
    """Multiply each term of a sum, None if none of them has the factor below its bar."""
    inverse = power(factor[0], -1), factor[1]
    if not is_negative(inverse[0]):
        return None
    products = [open_product(x, total.dims) for x in total.operands]
    if not any(inverse in p.factors for p in products):
        return None
    return sum_of([cancelled(replace(p, factors=(*p.factors, factor)).build()).build()
                   for p in products], total.dims)  # fmt: skip


# --- factoring --------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def factor(node: Expr) -> Expr:
    """Pull out of a sum the factors that all its terms share: ``p d - p q -> p (d - q)``.

    >>> from eingrad.core.algebra import multiply
    >>> from eingrad.core.expr import Var
    >>> p, q, d = (Var(name, ("i",)) for name in "pqd")
    >>> both = add(multiply(p, d), multiply(Const(-1), p, q))
    >>> factor(both) is multiply(p, add(d, multiply(Const(-1), q)))
    True
    """
    if not is_sum(node) or len(node.operands) > MAX_TERMS:
        return node
    products = _split_divisors([open_product(x, node.dims) for x in node.operands])
    number = _shared_number([p.coefficient for p in products])
    shared, renamed = _shared_factors(products)
    rests, axes = _bracket(products, shared, renamed, node.ndim)
    rank = max((len(labels) for p in products for _, labels in p.factors), default=0)
    torn = _read_apart(products, rests)
    if torn:
        shared, renamed = _shared_factors(products, torn)
        rests, axes = _bracket(products, shared, renamed, node.ndim)
    if len(axes) > max(node.ndim, rank) + MORE_AXES:  # X_kn (X_il X_jk Y_nl + ...): of a chain
        shared, renamed = [], [(set(), {}) for _ in products]
        rests, axes = _bracket(products, shared, renamed, node.ndim)
    if any(_is_tied(x, labels, p) for p, rest in zip(products, rests, strict=True)
           for x, labels in rest):  # fmt: skip
        return node  # sum_{i < j}(a_ij b_j) + sum_{j < i}(a_ij c_j) is no sum_j(a_ij ...)
    if not shared and number == 1:
        again = _again(node, products)
        return _group(node) if again is None else again
    extents = products[0].extents
    terms = []
    for p, rest, (_, names) in zip(products, rests, renamed, strict=True):
        known = {names.get(k, k): dim for k, dim in p.extents.items()} | extents
        scale = divided(p.coefficient, number)
        terms.append(einsum([(Const(scale), ()), *rest], tuple(axes), known))
    rest_sum = sum_of(terms, [extents[k] for k in axes])
    inner = (factor(rest_sum), tuple(axes))
    return einsum([(Const(number), ()), *shared, inner], tuple(range(node.ndim)), extents)


def _read_apart(products: Sequence[OpenProduct], rests: Sequence[list[Factor]]) -> set[int]:
    """Return the summed labels at whose combinations terms read what a bracket would tear off.

    ``y[0] a_i + y[-1] b_i`` is no ``sum_l(y_l (where(l == 0, a_i, 0) + ...))``, and ``v_k y[t+k] +
    v_k y[t+2k]`` has a sign of a sum for each term.
    """
    return {
        label for p, rest in zip(products, rests, strict=True) for x, labels in rest
        if isinstance(x, Band) for label in labels if label not in p.output
    }  # fmt: skip


def _is_tied(node: Expr, labels: Labels, product: OpenProduct) -> bool:
    """Whether a factor is a condition on a label that its product sums."""
    return condition_of(node) is not None and not set(labels) <= set(product.output)


def _bracket(
    products: list[OpenProduct], shared: list[Factor], renamed: list[Renaming], ndim: int
) -> tuple[list[list[Factor]], list[int]]:
    """Return what is left of each term without what they share, and the axes of its sum."""
    rests = [_without(p, used, names) for p, (used, names) in zip(products, renamed, strict=True)]
    open_labels = {k for _, labels in shared for k in labels} | set(range(ndim))
    labels = max((ls for rest in rests for _, ls in rest), key=len, default=())
    met = [*labels, *(k for rest in rests for _, ls in rest for k in ls)]
    axes = [k for k in dict.fromkeys(met) if k in open_labels]
    return rests, _with_free_in_order(axes, ndim)


def _with_free_in_order(labels: list[int], ndim: int) -> list[int]:
    """Give free labels, which are the numbers below ``ndim``, their order in the result."""
    free = iter(sorted(k for k in labels if k < ndim))
    return [next(free) if k < ndim else k for k in labels]


def _split_divisors(products: list[OpenProduct]) -> list[OpenProduct]:
    """Write ``n^-3`` as ``n^-1 n^-2`` where every term is divided by n, one by n alone."""
    exponents: dict[Expr, list[int]] = {}
    for p in products:
        for base, exponent in {base_and_exponent(x) for x, _ in p.factors}:
            if isinstance(exponent, int) and exponent < 0:
                exponents.setdefault(base, []).append(exponent)
    least = {b: max(ks) for b, ks in exponents.items() if len(ks) == len(products)}
    uneven = {b: k for b, k in least.items() if min(exponents[b]) < k}
    return [_with_divisors(p, uneven) for p in products] if uneven else products


def _with_divisors(product: OpenProduct, exponents: Mapping[Expr, int]) -> OpenProduct:
    factors: list[Factor] = []
    for x, labels in product.factors:
        base, exponent = base_and_exponent(x)
        if base in exponents and isinstance(exponent, int) and exponent < exponents[base]:
            own = exponents[base]
            factors += [(power(base, own), labels), (power(base, exponent - own), labels)]
        else:
            factors.append((x, labels))
    return replace(product, factors=tuple(factors))


def _again(node: Expr, products: Sequence[OpenProduct]) -> Expr | None:
    """Factor a sum one term of which holds the others' sum: ``a + b + (a + b) c``.

    >>> from eingrad.core.algebra import Infix
    >>> from eingrad.core.expr import Var
    >>> a, b = (Infix(Var(name, ("i",))) for name in "ab")
    >>> factor((1 - a + b * (a - 1)).expr) is ((1 - a) * (1 - b)).expr
    True
    """
    for k, product in enumerate(products):
        for j, (x, labels) in enumerate(product.factors):
            if not is_sum(x) or len(x.operands) != len(products) - 1:
                continue
            if not set(labels) <= set(product.output):
                continue
            rest = sum_of([y for i, y in enumerate(node.operands) if i != k], node.dims)
            same = einsum([(x, labels)], product.output, product.extents)
            if rest not in (same, negate(same)):
                continue
            sign = 1 if rest is same else -1
            others = (*product.factors[:j], *product.factors[j + 1 :])
            left = replace(product, coefficient=sign * product.coefficient, factors=others).build()
            return multiply(rest, add(repeat(Const(1), node.dims, ()), left))
    return None


MORE_AXES = 1  # than its terms' tensors have, in a bracket: G_tk (V_sk - O_tk)
MAX_GROUPED = 12  # a longer sum is not searched for terms that share factors


def _group(node: Expr) -> Expr:
    """Join terms that differ in little: ``a c - b c + d -> (a - b) c + d``.

    Joined are those that share most of what they are, so that each bracket reads as one factor.
    """
    terms = list(node.operands)
    if not 2 < len(terms) <= MAX_GROUPED:
        return node
    products = [open_product(x, node.dims) for x in terms]
    saved, members = 0.0, list[int]()
    for j, k in combinations(range(len(terms)), 2):
        shared = _shared_factors([products[j], products[k]])[0]
        weight = sum(cost(x) for x, _ in shared)
        if 2 * weight < max(cost(terms[j]), cost(terms[k]), 0.1):
            continue
        core = replace(products[j], factors=tuple(shared))
        if core.summed() and _brings_labels(core, products[j], products[k]):
            continue  # sum_b(x_b) + a_i x_b y_b is no x_b (1 + a_i y_b)
        having = [
            i for i, p in enumerate(products)
            if i in (j, k) or len(_shared_factors([core, p])[0]) == len(shared)
        ]  # fmt: skip
        if weight * (len(having) - 1) > saved:
            saved, members = weight * (len(having) - 1), having
    if not members or len(members) == len(terms):
        return node
    joined = factor(sum_of([terms[k] for k in members], node.dims))
    rest = [x for k, x in enumerate(terms) if k not in members]
    grouped = sum_of([*rest, joined], node.dims)
    return factor(grouped) if is_sum(grouped) and cost(grouped) < cost(node) else node


def _brings_labels(core: OpenProduct, *products: OpenProduct) -> bool:
    """Whether of two products one is nothing but what they share, and the other has more labels."""
    if all(len(p.factors) > len(core.factors) for p in products):
        return False
    known = len({k for _, labels in core.factors for k in labels})
    return any(len({k for _, ls in p.factors for k in ls}) > known for p in products)


def _shared_number(coefficients: list[Number]) -> Number:
    """Return what all terms have in common: ``24 a - 48 b`` is ``24 (a - 2 b)``."""
    first = coefficients[0]
    if all(isinstance(c, int) for c in coefficients) and len(set(coefficients)) > 1:
        return math.gcd(*(c for c in coefficients if isinstance(c, int)))
    if isinstance(first, complex):
        return 1
    if all(c == first for c in coefficients):
        return first
    magnitude: Number = -first if first < 0 else first
    return magnitude if all(c in (magnitude, -magnitude) for c in coefficients) else 1


def divided(a: Number, b: Number) -> Number:
    if isinstance(a, int) and isinstance(b, int):
        return a // b
    return a if b == 1 else a / b


Renaming = tuple[set[int], dict[int, int]]
"""The numbers of the factors that were matched, and the first term's name of each summed label."""


def _shared_factors(
    products: list[OpenProduct], but: Set[int] = frozenset()
) -> tuple[list[Factor], list[Renaming]]:
    """Return the factors of the first product that all products have, and what they match; ``but``
    are labels of factors that stay."""
    first = products[0]
    summed = first.summed()
    order = [k for k, (_, labels) in enumerate(first.factors) if but.isdisjoint(labels)]
    order.sort(key=lambda k: len(set(first.factors[k][1]) & summed))
    matched: list[Renaming] = [(set(), {}) for _ in products]
    shared: list[Factor] = []
    for k in order:
        found = [_find(first.factors[k], p, *m) for p, m in zip(products, matched, strict=True)]
        if any(f is None for f in found):
            continue
        shared.append(first.factors[k])
        for f, (used, names) in zip(found, matched, strict=True):
            assert f is not None
            used.add(f[0])
            names.update(f[1])
    return shared, matched


def _find(
    wanted: Factor, product: OpenProduct, used: set[int], names: dict[int, int]
) -> tuple[int, dict[int, int]] | None:
    node, labels = wanted
    free = set(product.output)
    for k, (x, own) in enumerate(product.factors):
        if x is not node or k in used:
            continue
        new: dict[int, int] = {}
        for theirs, ours in zip(own, labels, strict=True):
            if theirs in free or ours in free:
                fits = theirs == ours
            else:
                known = {**names, **new}
                fits = known.get(theirs, ours) == ours
                fits = fits and (theirs in known or ours not in known.values())
                new[theirs] = ours
            if not fits:
                break
        else:
            return k, new
    return None


def _without(product: OpenProduct, used: set[int], names: dict[int, int]) -> list[Factor]:
    """Return the factors that were not matched, labels renamed; private ones move out of reach."""
    shift = 1000

    def name(label: int) -> int:
        return label if label in product.output else names.get(label, label + shift)

    return [
        (x, tuple(name(k) for k in labels))
        for k, (x, labels) in enumerate(product.factors)
        if k not in used
    ]
