"""Simplification: recognise, multiply out, cancel, collect, use what is assumed, factor again.

Multiplying out is tried, not imposed: of the forms found, the one that is shortest to read wins.
Each stage is one that a textbook would print as a line; `Stage` says which rules it used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from eingrad.calculus.expand import expand
from eingrad.calculus.facts import apply_fact, apply_symmetries
from eingrad.calculus.rules import READABLE, RECOGNISE, apply_rules
from eingrad.calculus.structure import cancel_inside, cost, factor, is_divided, is_sum
from eingrad.core.expr import Expr, variables
from eingrad.core.rewrite import rewrite
from eingrad.notation.system import Fact

OPENED_COST = 1.5  # how much shorter a name must make a result that is multiplied out for it
WHOLE_COST = 60  # in a result that is longer, sums that recur are not looked for
SYMMETRIC_COST = 200  # in a result that is longer, definitions' symmetries are not used
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
    for fact in facts:
        while fact.written is None and cost(named := _by_name(node, fact)) < cost(node):
            advance(named, ["definition"], fact)
    fired = []
    advance(apply_rules([node], READABLE, fired)[0], fired)
    return stages


def _symmetrised(node: Expr, facts: Sequence[Fact]) -> tuple[Expr, list[str]]:
    """Use the symmetries of definitions where they make a formula shorter: (result, why)."""
    own = [f for f in facts if f.derived]
    if not own or cost(node) > SYMMETRIC_COST:
        return node, []
    forms = [node, expand(node), expand(node, whole=True)]
    best = min((collect(apply_symmetries(x, facts)) for x in forms), key=cost)
    if cost(best) >= cost(node):
        return node, []
    best = apply_symmetries(best, facts)
    *others, last = (x.name for f in own for x in variables(f.left))
    names = f"{', '.join(others)} and {last} are" if others else f"{last} is"
    return best, [f"{names} symmetric"]


def _by_name(node: Expr, fact: Fact) -> Expr:
    """Use a definition where it fits; multiplied out for it if that makes the result shorter."""
    direct = apply_fact(node, fact)
    if direct is not node:
        direct = collect(direct)
    if cost(node) > MAX_COST:
        return direct
    opened = expand(node)
    changed = apply_fact(opened, fact)
    if changed is opened:
        return direct
    changed = collect(changed)
    return changed if cost(changed) < cost(direct) - OPENED_COST else direct


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
