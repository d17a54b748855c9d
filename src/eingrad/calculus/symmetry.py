"""Symmetries that a model's definitions have: a kernel ``K_ij = exp(-g D_ij)`` of distances D."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from itertools import combinations
from typing import TypeVar

from eingrad.calculus.structure import OpenProduct, cost, is_sum, open_product, sum_of
from eingrad.core.algebra import (
    Factor,
    apply,
    base_and_exponent,
    einsum,
    negate,
    power,
    reduce,
    transpose,
    zeros,
)
from eingrad.core.arrays import Matrix, matrix_function
from eingrad.core.expr import Const, Delta, Einsum, Expr, Labels, Map, Reduce, Var
from eingrad.core.functions import AXIS_FUNCTIONS, FUNCTIONS
from eingrad.core.rewrite import rewrite
from eingrad.notation.syntax import Assumption, Sum, Symbol
from eingrad.notation.system import Definition, Fact

T = TypeVar("T")
LONGEST = 80.0  # a definition that takes longer to read is not searched

Swap = tuple[str, int, int]
"""A tensor's name and two axes that may change places."""


def symmetries(definitions: Iterable[Definition], known: Iterable[Swap]) -> list[Fact]:
    """Return ``K_ij = K_ji`` for each definition that stays the same when two axes change places,
    ``F_ij = -F_ji`` for each that only changes its sign.

    ``known`` are the symmetries of the inputs; definitions come after those that they need. A
    symmetry that is not found is no mistake: what it would shorten stays longer.
    """
    swaps, bare = set(known), set[Swap]()  # ``bare`` hold whatever is assumed
    facts = []
    for definition in definitions:
        expr = definition.expr
        for p, q in combinations(range(expr.ndim), 2):
            if expr.dims[p] != expr.dims[q]:
                continue
            sign = symmetry_of(expr, p, q, frozenset(swaps))
            leans = swaps != bare and sign != symmetry_of(expr, p, q, frozenset(bare))
            if sign > 0:
                swaps.add((definition.name, p, q))
                bare |= set() if leans else {(definition.name, p, q)}
            if sign and expr is not zeros(expr.dims):
                facts.append(replace(_fact(definition, p, q, sign), leans=leans))
    return facts


def is_symmetric(node: Expr, p: int, q: int, known: frozenset[Swap]) -> bool:
    """Whether it is seen that an expression stays the same when the axes p and q change places.

    >>> from eingrad.core.algebra import einsum
    >>> x = Var("X", ("i", "d"))
    >>> gram = einsum([(x, (0, 2)), (x, (1, 2))], (0, 1))
    >>> is_symmetric(apply("exp", gram), 0, 1, frozenset())
    True
    """
    return symmetry_of(node, p, q, known) > 0


@lru_cache(maxsize=1024)
def symmetry_of(node: Expr, p: int, q: int, known: frozenset[Swap]) -> int:
    """Return 1 where an expression stays the same when two axes change places, -1 where its sign
    changes, 0 where neither is seen.

    >>> from eingrad.core.algebra import subtract
    >>> d = Var("d", ("i", "i"))
    >>> symmetry_of(subtract(d, transpose(d, (1, 0))), 0, 1, frozenset())
    -1
    """
    if cost(node) > LONGEST:
        return 0
    here = tuple(range(node.ndim))
    arranged = _arranged(node, here, known)
    turned = _arranged(node, _swapped(here, p, q), known)
    return 1 if arranged is turned else -1 if arranged is negate(turned) else 0


ODD = frozenset({"sign", "sin", "tan", "asin", "atan", "sinh", "tanh", "erf"})


def in_one_order(node: Expr) -> Expr:
    """Write ``f(a - b)`` and ``f(b - a)``, ``g(x_i x_j)`` and ``g(x_j x_i)`` the same way.

    >>> x = Var("x", ("i",))
    >>> from eingrad.core.algebra import add, multiply, repeat
    >>> a, b = (repeat(x, ("i", "i"), (k,)) for k in (0, 1))
    >>> first, second = (power(add(u, negate(v)), -3) for u, v in ((a, b), (b, a)))
    >>> in_one_order(add(first, second))  # doctest: +ELLIPSIS
    Einsum(((),), (0, 1), ('i', 'i'), 0; ('i', 'i'))
    """
    return rewrite([node], lambda x: _signed(x) or _ordered(x))[0]


def _signed(node: Expr) -> Expr | None:
    """Take a sign out of a power, an even or an odd function of a sum, or a norm."""
    if isinstance(node, Reduce):
        (inner,) = node.operands
        other = _with_either_sign(inner) if AXIS_FUNCTIONS[node.function].is_root else inner
        return None if other is inner else reduce(node.function, other, node.axes)
    base, exponent = base_and_exponent(node)
    if exponent != 1 and isinstance(exponent, int):
        other = _with_either_sign(base)
        turned = None if other is base else power(other, exponent)
        return negate(turned) if turned is not None and exponent % 2 else turned
    if not isinstance(node, Map) or len(node.operands) != 1:
        return None
    (inner,) = node.operands
    other = _with_either_sign(inner)
    record = FUNCTIONS.get(node.function)
    if other is inner or record is None or not (record.even or node.function in ODD):
        return None
    turned = apply(node.function, other)
    return turned if record.even else negate(turned)


def _ordered(node: Expr) -> Expr | None:
    """Give factors of a product whose axes may change places their labels in ascending order."""
    if not isinstance(node, Einsum):
        return None
    factors = list(zip(node.operands, node.inputs, strict=True))
    found = [_ascending(x, labels) for x, labels in factors]
    new = [(x, labels) for (x, _), (labels, _) in zip(factors, found, strict=True)]
    if new == factors:
        return None
    sign = Const(math.prod(sign for _, sign in found))
    return einsum([(sign, ()), *new], node.output, dict(enumerate(node.extents)))


def _ascending(node: Expr, labels: Labels) -> tuple[Labels, int]:
    """Return labels in ascending order, as far as their axes may change places, and the sign."""
    sign = 1
    if isinstance(node, Var | Delta) or not 2 <= node.ndim <= 4:
        return labels, sign
    for p, q in combinations(range(node.ndim), 2):
        equal = node.dims[p] == node.dims[q] and labels[p] > labels[q]
        if equal and (turned := _parity(node, p, q)):
            labels, sign = _swapped(labels, p, q), sign * turned
    return labels, sign


def _parity(node: Expr, p: int, q: int) -> int:
    """Return `symmetry_of` two axes; of powers and odd functions as of what they are of."""
    if found := symmetry_of(node, p, q, frozenset()):
        return found
    base, exponent = base_and_exponent(node)
    if exponent != 1:
        own = _parity(base, p, q) if base.ndim and isinstance(exponent, int) else 0
        return own if exponent % 2 else own * own  # type: ignore[operator]
    if isinstance(node, Map) and node.function in ODD:
        return _parity(node.operands[0], p, q)
    return 0


def _fact(definition: Definition, p: int, q: int, sign: int) -> Fact:
    labels = definition.labels
    expr = definition.expr
    right = transpose(definition.var, _swapped(tuple(range(expr.ndim)), p, q))
    left, swapped = (Symbol(definition.name, x) for x in (labels, _swapped(labels, p, q)))
    if sign < 0:
        minus = Assumption(left, Sum((swapped,), (True,)))
        return Fact(definition.var, negate(right), minus, derived=True)
    return Fact(definition.var, right, Assumption(left, swapped), derived=True)


def _swapped(items: tuple[T, ...], p: int, q: int) -> tuple[T, ...]:
    result = list(items)
    result[p], result[q] = result[q], result[p]
    return tuple(result)


def _arranged(node: Expr, order: Labels, known: frozenset[Swap]) -> Expr:
    """Permute axes (axis k of the result is ``order[k]`` of ``node``), those of the tensors inside.

    What differs in the order of axes alone is then written the same way.
    """
    if isinstance(node, Map):
        parts = [_arranged(x, order, known) if x.ndim else x for x in node.operands]
        base, exponent = base_and_exponent(node)
        if exponent != 1:
            return power(_arranged(base, order, known) if base.ndim else base, exponent)
        if node.function in FUNCTIONS and FUNCTIONS[node.function].even:
            parts = [_with_either_sign(parts[0])]
        if is_sum(node):
            return sum_of(parts, [node.dims[k] for k in order])
        return apply(node.function, *parts)
    if isinstance(node, Reduce):
        return _reduction(node, order, known)
    if isinstance(node, Matrix) and node.function == "inv" and order == (1, 0):
        return matrix_function("inv", _arranged(node.operands[0], order, known))
    if isinstance(node, Einsum):
        return _product(open_product(node), order, known)
    return _view(node, order, known)


def _view(node: Expr, order: Labels, known: frozenset[Swap]) -> Expr:
    if isinstance(node, Var):
        here = tuple(range(node.ndim))
        for name, p, q in known:
            if name == node.name and order == _swapped(here, p, q):
                return node
    return transpose(node, order) if node.ndim and not isinstance(node, Const) else node


def _reduction(node: Reduce, order: Labels, known: frozenset[Swap]) -> Expr:
    operand = node.operands[0]
    if node.keeps_axes:
        axes = [order.index(k) for k in node.axes]
        return reduce(node.function, _arranged(operand, order, known), axes)
    kept = [k for k in range(operand.ndim) if k not in node.axes]
    inner = list(range(operand.ndim))
    for place, k in zip(kept, order, strict=True):
        inner[place] = kept[k]
    arranged = _arranged(operand, tuple(inner), known)
    if AXIS_FUNCTIONS[node.function].is_root:
        arranged = _with_either_sign(arranged)
    return reduce(node.function, arranged, node.axes)


def _product(product: OpenProduct, order: Labels, known: frozenset[Swap]) -> Expr:
    """Permute the axes of a product: its factors have theirs in the order of the new labels."""
    name = {k: new for new, k in enumerate(order)}

    def turned(factor: Factor) -> Factor:
        node, labels = factor
        labels = tuple(name.get(k, k) for k in labels)
        if isinstance(node, Var):
            orders = (tuple(range(node.ndim)), *(
                _swapped(tuple(range(node.ndim)), p, q) for n, p, q in known if n == node.name
            ))  # fmt: skip
            return node, min(tuple(labels[k] for k in o) for o in orders)
        if len(set(labels)) < len(labels):
            return node, labels
        own = tuple(sorted(range(len(labels)), key=lambda axis: labels[axis]))
        return _arranged(node, own, known), tuple(labels[k] for k in own)

    factors = _without_signs([turned(f) for f in product.factors])
    extents = {name.get(k, k): dim for k, dim in product.extents.items()}
    output = tuple(range(len(order)))
    return replace(product, factors=tuple(factors), output=output, extents=extents).build()


def _without_signs(factors: list[Factor]) -> list[Factor]:
    """Write ``(b - a)^2`` and ``(a - b)^2`` the same way."""
    return [
        (_with_either_sign(x), labels) if factors.count((x, labels)) % 2 == 0 else (x, labels)
        for x, labels in factors
    ]


def _with_either_sign(node: Expr) -> Expr:
    return min(node, negate(node), key=lambda x: x.digest) if is_sum(node) else node
