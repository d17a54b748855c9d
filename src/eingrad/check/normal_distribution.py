r"""The ``\\Phi`` that a model takes for any function as that of a normal distribution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from eingrad.check.derived import Derived
from eingrad.check.verdict import Verdict
from eingrad.core.algebra import apply
from eingrad.core.expr import Expr, Map, postorder
from eingrad.core.rewrite import rebuild
from eingrad.notation.matrix.claims import sides_of
from eingrad.notation.summation import walk
from eingrad.notation.syntax import Call, Claim, Derivative, Formula
from eingrad.notation.tex.defined_functions import statement_in_place
from eingrad.notation.tex.functions_of_books import IS_NORMAL, NORMAL

Judge = Callable[[Derived, Sequence[Claim]], list[Verdict]]
DISTRIBUTION, DENSITY = NORMAL


def with_density(derived: Derived, claims: Sequence[Claim]) -> tuple[Derived, list[Claim], str]:
    r"""Return the model and claims of a normal distribution, if these speak of ``\\phi`` beside the
    ``\\Phi`` of the model; and a note that says so."""
    called = {
        x.function.rstrip("'") for c in claims for side in sides_of(c) for x in _parts(side)
        if isinstance(x, Call)
    }  # fmt: skip
    known = {*derived.system.functions, *derived.system.labels}
    if DISTRIBUTION not in derived.system.functions or DENSITY not in called - known:
        return derived, [*claims], ""
    return _normal(derived), [statement_in_place(c, NORMAL) for c in claims], IS_NORMAL


def _normal(derived: Derived) -> Derived:
    """Return a model in which Phi is the distribution of a normal number."""
    system = derived.system
    definitions = {n: replace(d, expr=_distributed(d.expr)) for n, d in system.definitions.items()}
    functions = system.functions - {DISTRIBUTION}
    return Derived(replace(system, definitions=definitions, functions=functions))


def _distributed(expr: Expr) -> Expr:
    new: dict[Expr, Expr] = {}
    for node in postorder([expr]):
        operands = [new[x] for x in node.operands]
        own = isinstance(node, Map) and node.function == DISTRIBUTION
        new[node] = apply("ndtr", *operands) if own else rebuild(node, operands)
    return new[expr]


def _parts(formula: Formula) -> list[Formula]:
    """Return all parts of a formula, with those that are differentiated."""
    found = [*walk(formula)]
    return [*found, *(y for x in found if isinstance(x, Derivative) for y in walk(x.of))]
