"""Names for what nests deep: ``softmax_i(softmax_i(...))`` is derived statement by statement.

A derivative of n nested functions has n factors, each of which holds all functions within; a
derivative of n statements has n lines. So a statement that nests deeper than a person writes is
cut into several, whose names a result speaks of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import count

from eingrad.core.algebra import is_light
from eingrad.core.arrays import Matrix
from eingrad.core.expr import Dim, Expr, Map, Reduce, Var, postorder
from eingrad.core.rewrite import rebuild
from eingrad.notation.system import Definition, System

DEEPEST = 8  # the weight of nested functions in a statement that stays whole
PIECE = 3  # the least weight of a part that gets a name
WEIGHT_OF_NORMALISATION = 3  # of a softmax, whose derivative holds it three times


def name_nested(system: System) -> System:
    """Return the system with definitions for the parts of statements that nest too deep.

    >>> from eingrad.notation.lower import lower
    >>> from eingrad.notation.parse import parse_statements
    >>> system = lower(parse_statements("y = " + "sin(" * 9 + "x" + ")" * 9))
    >>> cut = name_nested(system).definitions
    >>> list(cut), cut["u2"].expr
    (['u1', 'u2', 'y'], Map(sin, Map; ()))
    """
    if all(_weight(d.expr) <= DEEPEST for d in system.definitions.values()):
        return system
    fresh = fresh_names({*system.inputs, *system.definitions, *system.functions, *system.sizes})
    named: dict[Expr, Var] = {}
    definitions: dict[str, Definition] = {}
    labels = dict(system.labels)
    for name, definition in system.definitions.items():
        root = definition.expr
        if _weight(root) > DEEPEST:
            root, parts = _cut(root, named, fresh)
            for var, expr in parts:
                labels[var.name] = letters_for(var.dims, system)
                definitions[var.name] = Definition(var.name, labels[var.name], expr)
        definitions[name] = replace(definition, expr=root)
    return replace(system, definitions=definitions, labels=labels)


def _cut(
    root: Expr, named: dict[Expr, Var], fresh: Iterator[str]
) -> tuple[Expr, list[tuple[Var, Expr]]]:
    """Return an expression over names of its parts, and the parts, the inner ones first."""
    new: dict[Expr, Expr] = {}
    weights: dict[Expr, int] = {}
    parts = []
    for node in postorder([root]):
        operands = [new[x] for x in node.operands]
        cut = rebuild(node, operands)
        weights[node] = max((weights[x] for x in node.operands), default=0) + _own(node)
        if weights[node] >= PIECE and _own(node) and node is not root and not is_light(cut):
            weights[node] = 0
            if cut not in named:
                named[cut] = Var(next(fresh), cut.dims)
                parts.append((named[cut], cut))
            cut = named[cut]
        new[node] = cut
    return new[root], parts


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
