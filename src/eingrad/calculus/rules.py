"""Rule sets, and graphs rewritten with them until nothing changes.

`rule_table` holds the rules, `rule_forms` their texts in index form.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple
from weakref import WeakSet

from eingrad.calculus.matching import rewritten
from eingrad.calculus.pattern import Rule, head_of_pattern, needs_of
from eingrad.calculus.rule_forms import TEXTS
from eingrad.calculus.rule_table import FORMS, FORMULAS, LATE, NUMERIC, PORTABLE, TIDIES
from eingrad.calculus.scaled import (
    may_lose_a_quotient,
    quotients_of_exps,
    shares_cancelled,
)
from eingrad.calculus.structure import head_of, heads_inside
from eingrad.core.expr import Expr
from eingrad.core.forks import once
from eingrad.core.rewrite import rewrite

Pass = Callable[[Sequence[Expr]], list[Expr]]

MAX_ROUNDS = 8


class _Way(NamedTuple):
    """A rule's text or function, and the heads that a node's factors or terms must have for it."""

    rule: Rule
    needs: frozenset[str]
    use: Callable[[Expr], Expr | None]


class RuleSet:
    """Rules in the order in which they are tried, indexed by the heads of nodes.

    Those in ``late`` are tried too when the others have nothing to do. A set remembers which nodes
    none of its rules changes, as long as these exist. ``first`` is done to a graph before.
    """

    def __init__(
        self, rules: Sequence[Rule], late: Sequence[Rule] = (), first: Pass | None = None
    ) -> None:
        self.rules, self.first = tuple(rules), first
        self.then = RuleSet((*rules, *late)) if late else None
        self._normal: WeakSet[Expr] = WeakSet()

    @once
    def ways(self) -> dict[str, list[_Way]]:
        """Return what can be tried at a node, by its head."""
        result: dict[str, list[_Way]] = {}
        for rule in self.rules:
            for head in rule.heads:
                assert rule.function is not None
                result.setdefault(head, []).append(_Way(rule, frozenset(rule.needs), rule.function))
            for form in (TEXTS[text] for text in rule.texts):
                way = _Way(rule, needs_of(form.left), partial(rewritten, form))
                result.setdefault(head_of_pattern(form.left), []).append(way)
        return result

    def step(self, node: Expr, fired: list[str] | None) -> Expr:
        """Rewrite a node with the first rule that changes it, until none does."""
        for _ in range(MAX_ROUNDS):
            changed = None if node in self._normal else self._changed(node, fired)
            if changed is None:
                self._normal.add(node)
                return node
            node = changed
        return node

    def _changed(self, node: Expr, fired: list[str] | None) -> Expr | None:
        ways = self.ways.get(head_of(node), ())
        inside = heads_inside(node) if any(way.needs for way in ways) else frozenset()
        for rule, needs, use in ways:
            changed = use(node) if needs <= inside else None
            if changed is not None and changed is not node:
                if fired is not None and rule.citation:
                    fired.append(rule.citation)
                return changed
        return None


def apply_rules(
    roots: Sequence[Expr], rules: RuleSet, fired: list[str] | None = None
) -> list[Expr]:
    """Rewrite with the first rule that fits each node, until nothing changes.

    ``fired`` collects what the rules that fired are called, as a derivation cites them.
    """
    result = rules.first(roots) if rules.first else list(roots)
    for _ in range(MAX_ROUNDS):
        new = rewrite(result, lambda node: rules.step(node, fired))
        if all(a is b for a, b in zip(new, result, strict=True)):
            break
        result = new
    return apply_rules(result, rules.then, fired) if rules.then else result


RECOGNISE = RuleSet((*FORMS, *FORMULAS))
"""What a formula is rewritten with."""

READABLE = RuleSet((*FORMS, *FORMULAS, *TIDIES), LATE)
"""What a result is rewritten with in the end."""

WRITTEN_OUT = RuleSet(FORMS)
"""What is known by a name of its own, before quotients of exponentials are looked for."""


def _far_out(roots: Sequence[Expr]) -> list[Expr]:
    if not may_lose_a_quotient(roots):
        return list(roots)
    known = shares_cancelled(apply_rules(roots, WRITTEN_OUT))
    return quotients_of_exps(known) if may_lose_a_quotient(known) else known


STABLE = RuleSet((*FORMS, *NUMERIC), LATE, _far_out)
POSITION_BY_POSITION = RuleSet((*FORMS, *NUMERIC), LATE)  # no exponent common to all positions
"""What runs: no overflow for large logits, no cancellation for small ones."""

STANDALONE = RuleSet((*FORMS, *NUMERIC, *PORTABLE), LATE, _far_out)
"""What a standalone module is written with: the same, in functions that every library has."""

__all__ = ["READABLE", "RECOGNISE", "STABLE", "STANDALONE", "Rule", "RuleSet", "apply_rules"]
