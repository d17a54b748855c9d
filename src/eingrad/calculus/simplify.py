"""Simplification: recognise, multiply out, cancel, collect, use what is assumed, factor again.

Multiplying out is tried, not imposed: of the forms found, the one that is shortest to read wins.
Each stage is one that a textbook would print as a line; `Stage` says which rules it used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from eingrad.calculus.expand import expand
from eingrad.calculus.facts import (
    Orders,
    apply_fact,
    apply_symmetries,
    beside_inverse,
    is_antisymmetry,
    is_symmetry,
    symmetric_orders,
)
from eingrad.calculus.rules import READABLE, RECOGNISE, apply_rules
from eingrad.calculus.structure import cancel_inside, cost, factor, has_divisor, is_divided, is_sum
from eingrad.calculus.symmetry import in_one_order
from eingrad.core.expr import Expr, postorder, variables
from eingrad.core.gather import indicator_index
from eingrad.core.rewrite import rewrite
from eingrad.notation.system import Fact

OPENED_COST = 1.5  # how much shorter a name must make a result that is multiplied out for it
LIKE_COST = 1.0  # how much shorter a formula must get by terms that differ in the order of labels
WHOLE_COST = 60  # in a result that is longer, sums that recur are not looked for
SYMMETRIC_COST = 200  # in a result that is longer, definitions' symmetries are not used
MAX_USES = 4  # of a definition in one product
MAX_COST = 600  # what is longer than this to read is left as it is


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a simplification: the result, the rules' names, and the fact if it used one."""

    result: Expr
    rules: tuple[str, ...]
    fact: Fact | None = None


def simplify(node: Expr, facts: Sequence[Fact] = ()) -> Expr:
    """Return the shortest equal form that the rules find.

    >>> from eingrad.core.algebra import Infix
    >>> from eingrad.core.expr import Var
    >>> p, t = (Infix(Var(name, ("i",))) for name in "pt")
    >>> simplify((p * (1 - p) * ((1 - t) / (1 - p) - t / p)).expr) is (p - t).expr
    True
    """
    stages = simplify_in_stages(node, facts)
    return stages[-1].result if stages else node


def simplify_in_stages(node: Expr, facts: Sequence[Fact] = ()) -> list[Stage]:
    """Return the forms that `simplify` passes through, those that differ from the one before."""
    stages: list[Stage] = []

    def advance(new: Expr, rules: Sequence[str], fact: Fact | None = None) -> None:
        nonlocal node
        if new is not node:
            stages.append(Stage(new, tuple(dict.fromkeys(rules)), fact))
            node = new

    fired: list[str] = []
    advance(apply_rules([node], RECOGNISE, fired)[0], fired)
    advance(collect(node), ["simplified"])
    advance(*_selected(node))
    for fact in facts:
        if fact.written is None or fact.derived:
            continue
        changed = apply_fact(node, fact)
        if changed is node and cost(node) <= MAX_COST:
            opened = expand(node)
            with_fact = apply_fact(opened, fact)
            changed = with_fact if with_fact is not opened else node
        if changed is not node:
            advance(collect(changed), ["assumed"], fact)
    advance(*_symmetrised(node, facts))
    if node.has_places:  # in its terms labels are met in both orders
        advance(_in_one_order(node), ["like terms collected"])
    for fact in facts:
        if fact.derived and is_antisymmetry(fact):
            forms = [node, expand(node)] if cost(node) <= MAX_COST else [node]
            signed = min((collect(apply_fact(x, fact)) for x in forms), key=cost)
            if cost(signed) < cost(node):
                advance(signed, [f"{variables(fact.left)[0].name} is antisymmetric"])
    orders = symmetric_orders(facts)
    for fact in facts:
        while fact.written is None and not fact.derived:
            named, turned = _by_name(node, fact, {}), _by_name(node, fact, orders)
            rules = ["definition"]
            if cost(turned) < cost(named):
                named, rules = turned, ["definition", _are_symmetric(facts, fact.left)]
            if cost(named) >= cost(node):
                break
            advance(named, rules, fact)
    for fact in facts:
        if fact.written is None and cost(found := _inverted(node, fact)) < cost(node):
            advance(found, ["definition", "a matrix times its inverse is the identity"], fact)
    turned = _turned(node, facts)
    if stages and turned is not node and cost(turned) <= cost(node):
        advance(turned, [_are_symmetric(facts, node)])
    fired = []
    advance(apply_rules([node], READABLE, fired)[0], fired)
    advance(_in_one_order(node), ["like terms collected"])
    return stages


def _selected(node: Expr) -> tuple[Expr, list[str]]:
    """Let indicators in a sum meet what they select: ``p_c (1 - delta[t,c] / p[t])``."""
    fired: list[str] = []
    indicators = any(indicator_index(x) is not None for x in postorder([node]))
    if not indicators or not has_divisor(node) or cost(node) > MAX_COST:
        return node, fired
    selected = collect(apply_rules([expand(node)], RECOGNISE, fired)[0])
    return (selected, fired) if cost(selected) < cost(node) else (node, [])


def _symmetrised(node: Expr, facts: Sequence[Fact]) -> tuple[Expr, list[str]]:
    """Use the symmetries of definitions where they make a formula shorter: (result, why)."""
    own = [f for f in facts if f.derived and is_symmetry(f)]
    if not own or cost(node) > SYMMETRIC_COST:
        return node, []
    forms = [node, expand(node), expand(node, whole=True)]
    best = min((collect(apply_symmetries(x, facts)) for x in forms), key=cost)
    if cost(best) >= cost(node):
        return node, []
    return apply_symmetries(best, facts), [_are_symmetric(own)]


def _in_one_order(node: Expr) -> Expr:
    """Write what differs in a sign or in the order of labels alone the same way, if that makes
    the formula shorter."""
    if cost(node) > MAX_COST or (turned := in_one_order(node)) is node:
        return node
    best = min((collect(turned), collect(in_one_order(expand(node)))), key=cost)
    return best if cost(best) < cost(node) - LIKE_COST else node


def _inverted(node: Expr, fact: Fact) -> Expr:
    """Use a definition in part, where its inverse is a factor: what it lacks is divided by."""
    if cost(node) > MAX_COST:
        return node
    for form in (node, expand(node)):
        changed = beside_inverse(form, fact)
        if changed is not form:
            return collect(apply_rules([changed], RECOGNISE)[0])
    return node


def _turned(node: Expr, facts: Sequence[Fact]) -> Expr:
    """Write the labels of tensors that are symmetric by definition in the order of the others."""
    if not any(f.derived and is_symmetry(f) for f in facts) or cost(node) > SYMMETRIC_COST:
        return node
    return apply_symmetries(node, facts)


def _are_symmetric(facts: Sequence[Fact], within: Expr | None = None) -> str:
    """Say which tensors are symmetric, of those in an expression."""
    present = None if within is None else set(variables(within))
    found = [(x.name, f.leans) for f in facts if is_symmetry(f) for x in variables(f.left)
             if present is None or x in present]  # fmt: skip
    *others, last = dict.fromkeys(name for name, _ in found)
    why = " by what is assumed" if any(leans for _, leans in found) else ""
    if others:
        return f"{', '.join(others)} and {last} are symmetric{why}"
    return f"{last} is symmetric{why}"


def _by_name(node: Expr, fact: Fact, orders: Orders) -> Expr:
    """Use a definition where it fits; multiplied out for it if that makes the result shorter."""
    direct = _throughout(node, fact, orders)
    if direct is not node:
        direct = collect(direct)
    if cost(node) > MAX_COST:
        return direct
    opened = expand(node)
    changed = _throughout(opened, fact, orders)
    if changed is opened:
        return direct
    changed = collect(changed)
    return changed if cost(changed) < cost(direct) - OPENED_COST else direct


def _throughout(node: Expr, fact: Fact, orders: Orders) -> Expr:
    """Use a fact as often as it fits: ``(v + e)^(-3/2)`` is ``r_b^3``."""
    for _ in range(MAX_USES):
        before, node = node, apply_fact(node, fact, orders)
        if node is before:
            break
    return node


@lru_cache(maxsize=1024)
def collect(node: Expr) -> Expr:
    """Cancel, collect like terms and factor; multiplied out where that makes it shorter."""
    if cost(node) > MAX_COST:
        return node
    factored = _factor_all(node)
    candidates = [node, factored]
    if is_divided(factored):
        candidates += rewrite([factored], cancel_inside)
    candidates.append(_factor_all(expand(node)))
    if cost(node) <= WHOLE_COST:
        candidates.append(_factor_all(expand(node, whole=True)))
    return min(candidates, key=cost)


def _factor_all(node: Expr) -> Expr:
    def step(x: Expr) -> Expr | None:
        if not is_sum(x):
            return None
        new = factor(x)
        return new if cost(new) <= cost(x) else None

    return rewrite([node], step)[0]
