"""Names for what nests deep, or multiplies many sums: ``softmax_i(softmax_i(softmax_i(x_i)))``.

A derivative of n nested functions has n factors, each of which holds all functions within, and one
by a tensor in n factors has n products of the others; a derivative of n statements has n lines.
So a statement that nests deeper or multiplies more than a person writes is cut into several, whose
names a result speaks of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from itertools import count

from eingrad.core.algebra import Factor, einsum, is_light
from eingrad.core.arrays import Matrix
from eingrad.core.expr import (
    Const,
    Delta,
    Dim,
    Einsum,
    Expr,
    Map,
    Reduce,
    Var,
    postorder,
    variables,
)
from eingrad.core.rewrite import rebuild
from eingrad.notation.system import Definition, System

DEEPEST = 8  # the weight of nested functions in a statement that stays whole
PIECE = 3  # the least weight of a part that gets a name
WEIGHT_OF_NORMALISATION = 3  # of a softmax, whose derivative holds it three times
LONGEST = 12  # different factors that hold one tensor, in a product that stays whole
LONGEST_OF_EQUAL = 24  # equal ones: the gradient of a trace of A^14 has one term
LONGEST_OF_ALL = 64  # factors, whatever they hold
PART = 4  # factors of a part of a long product


def name_nested(system: System) -> System:
    """Return the system with definitions for the parts of statements that nest too deep.

    >>> from eingrad.notation.lower import lower
    >>> from eingrad.notation.parse import parse_statements
    >>> system = lower(parse_statements("y = " + "sin(" * 9 + "x" + ")" * 9))
    >>> cut = name_nested(system).definitions
    >>> list(cut), cut["u2"].expr
    (['u1', 'u2', 'y'], Map(sin, Map; ()))
    """
    if not any(_is_too_much(d.expr) for d in system.definitions.values()):
        return system
    rank = {name: k for k, name in enumerate([*system.inputs, *system.definitions])}
    fresh = fresh_names({*system.inputs, *system.definitions, *system.functions, *system.sizes})
    named: dict[Expr, Var] = {}
    definitions: dict[str, Definition] = {}
    labels = dict(system.labels)
    for name, definition in system.definitions.items():
        root = definition.expr
        if _is_too_much(root):
            root, parts = _cut(root, named, fresh, rank)
            for var, expr in parts:
                labels[var.name] = letters_for(var.dims, system)
                definitions[var.name] = Definition(var.name, labels[var.name], expr)
        definitions[name] = replace(definition, expr=root)
    return replace(system, definitions=definitions, labels=labels)


def _is_too_much(root: Expr) -> bool:
    return _weight(root) > DEEPEST or any(map(_is_long, postorder([root])))


def _cut(
    root: Expr, named: dict[Expr, Var], fresh: Iterator[str], rank: Mapping[str, int]
) -> tuple[Expr, list[tuple[Var, Expr]]]:
    """Return an expression over names of its parts, and the parts, the inner ones first."""
    new: dict[Expr, Expr] = {}
    weights: dict[Expr, int] = {}
    parts = []
    deep = _weight(root) > DEEPEST

    def name(part: Expr) -> Var:
        if part not in named:
            named[part] = Var(next(fresh), part.dims)
            parts.append((named[part], part))
        return named[part]

    for node in postorder([root]):
        operands = [new[x] for x in node.operands]
        cut = rebuild(node, operands)
        weights[node] = max((weights[x] for x in node.operands), default=0) + _own(node)
        longest = 0 if _is_long(cut) else len(cut.operands)
        while isinstance(cut, Einsum) and len(cut.operands) > max(longest, LONGEST):
            cut = _in_parts(cut, name, rank)
        heavy = deep and weights[node] >= PIECE and _own(node)
        if heavy and node is not root and not is_light(cut):
            weights[node] = 0
            cut = name(cut)
        new[node] = cut
    return new[root], parts


def _is_long(node: Expr) -> bool:
    """Whether a product has more factors than a person writes, or derivatives of so many terms."""
    if not isinstance(node, Einsum) or len(node.operands) <= LONGEST:
        return False
    tensors = [x for x in node.operands if not isinstance(x, Const | Delta)]
    holders = Counter(v for x in tensors for v in variables(x))
    different = Counter(v for x in set(tensors) for v in variables(x))
    return (
        len(tensors) > LONGEST_OF_ALL
        or max(holders.values(), default=0) > LONGEST_OF_EQUAL
        or max(different.values(), default=0) > LONGEST
    )


def _in_parts(node: Einsum, name: Callable[[Expr], Var], rank: Mapping[str, int]) -> Expr:
    """Return a product of products, which have names, in the order of the author's tensors.

    What is multiplied first shares labels: the parts of a chain of matrices are matrices.
    """
    pairs = list(zip(node.operands, node.inputs, strict=True))
    alone: list[Factor] = [f for f in pairs if isinstance(f[0], Const | Delta)]
    left = [f for f in pairs if f not in alone]
    left.sort(
        key=lambda f: max((rank[v.name] for v in variables(f[0]) if v.name in rank), default=0)
    )
    length = PART
    products: list[Factor] = []
    while left:
        part = [left.pop(0)]
        while left and len(part) < length:
            part.append(left.pop(_nearest(part, left)))
        rest = {*node.output, *(k for _, ls in (*left, *products, *alone) for k in ls)}
        own = dict.fromkeys(k for _, ls in part for k in ls)
        output = tuple(k for k in own if k in rest)
        products.append((name(einsum(part, output)) if len(part) > 1 else part[0][0], output))
    return einsum([*alone, *products], node.output, dict(enumerate(node.extents)))


def _nearest(part: list[Factor], left: list[Factor]) -> int:
    """Choose the factor that brings the fewest labels, of several the one that shares most."""
    own = {k for _, labels in part for k in labels}

    def brings(k: int) -> tuple[int, int]:
        labels = set(left[k][1])
        return len(labels - own), -len(labels & own)

    return min(range(len(left)), key=brings)


def _weight(root: Expr) -> int:
    """Return how deep functions nest in an expression."""
    weights: dict[Expr, int] = {}
    for node in postorder([root]):
        weights[node] = max((weights[x] for x in node.operands), default=0) + _own(node)
    return weights[root]


def _own(node: Expr) -> int:
    if isinstance(node, Reduce):
        return WEIGHT_OF_NORMALISATION if node.keeps_axes else 1
    return int(isinstance(node, Matrix) or (isinstance(node, Map) and node.function != "add"))


def fresh_names(taken: Collection[str]) -> Iterator[str]:
    """Yield u1, u2, ..., but for the names that are taken."""
    return (name for k in count(1) if (name := f"u{k}") not in taken)


def letters_for(dims: Collection[Dim], system: System) -> tuple[str, ...]:
    """Return a letter for each axis of a tensor that nobody wrote, the author's where distinct."""
    result: list[str] = []
    for dim in dims:
        own = (*system.letters.get(dim, ()), str(dim))
        every = (*own, *(f"{own[0]}{k}" for k in range(2, len(result) + 3)))
        result.append(next(x for x in every if x not in result))
    return tuple(result)
