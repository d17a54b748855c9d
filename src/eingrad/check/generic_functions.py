r"""What claims say of functions that a model takes for any: ``\partial L / \partial f(x)``, and the
density ``\phi`` of a normal distribution beside its ``\Phi``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from eingrad.check.derived import Derived
from eingrad.core.algebra import apply
from eingrad.core.expr import Expr, Map, Var, postorder
from eingrad.core.functions import declared_base
from eingrad.core.rewrite import rebuild
from eingrad.errors import NotationError
from eingrad.notation.matrix.claims import sides_of, with_sides
from eingrad.notation.summation import children, labels_of, rebuilt, walk
from eingrad.notation.syntax import Call, Claim, Derivative, Formula, Symbol
from eingrad.notation.system import System
from eingrad.notation.tex.defined_functions import statement_in_place
from eingrad.notation.tex.functions_of_books import IS_NORMAL, NORMAL

DISTRIBUTION, DENSITY = NORMAL


def with_density(derived: Derived, claims: Sequence[Claim]) -> tuple[Derived, list[Claim], str]:
    r"""Return the model and claims of a normal distribution, if these speak of ``\phi`` beside the
    ``\Phi`` of the model; and a note that says so."""
    called = {declared_base(x.function) for x in _parts(claims) if isinstance(x, Call)}
    known = {*derived.system.functions, *derived.system.labels}
    if DISTRIBUTION not in derived.system.functions or DENSITY not in called - known:
        return derived, [*claims], ""
    system = _without(derived.system, DISTRIBUTION, lambda node: apply("ndtr", *node.operands))
    return Derived(system), [statement_in_place(c, NORMAL) for c in claims], IS_NORMAL


def as_variables(derived: Derived, claims: Sequence[Claim]) -> tuple[Derived, list[Claim]]:
    r"""Return the model and claims with a tensor f for the f(x) by which claims differentiate."""
    system = derived.system
    wrt = {x.name: x for part in _parts(claims) if isinstance(part, Derivative) for x in part.wrt}
    for name in sorted(wrt.keys() & system.functions):
        nodes = {
            node for d in system.definitions.values() for node in postorder([d.expr])
            if isinstance(node, Map) and node.function == name
        }  # fmt: skip
        if len({node.operands for node in nodes}) != 1:
            reason = f"a derivative by {name}, which the model takes of several things"
            raise NotationError(reason, hint="give each a name of its own", operand=name)
        system = _without(system, name, lambda node: Var(node.function, node.dims))
        var = Var(name, next(iter(nodes)).dims)
        labels = tuple(system.letters[dim][0] for dim in var.dims)
        system = replace(
            system, inputs={**system.inputs, name: var}, labels={**system.labels, name: labels}
        )
        claims = [
            with_sides(c, *(_uncalled(side, name) for side in sides_of(c))) for c in claims
        ]  # fmt: skip
    return (derived if system is derived.system else Derived(system)), [*claims]


def _without(system: System, name: str, new: Callable[[Map], Expr]) -> System:
    """Return a model with something else for each call of a function."""
    definitions = {n: replace(d, expr=_put(d.expr, name, new)) for n, d in
                   system.definitions.items()}  # fmt: skip
    functions = {n: count for n, count in system.functions.items() if n != name}
    return replace(system, definitions=definitions, functions=functions)


def _put(expr: Expr, name: str, new: Callable[[Map], Expr]) -> Expr:
    done: dict[Expr, Expr] = {}
    for node in postorder([expr]):
        inside = rebuild(node, [done[x] for x in node.operands]) if node.operands else node
        own = isinstance(inside, Map) and inside.function == name
        done[node] = new(inside) if own and isinstance(inside, Map) else inside
    return done[expr]


def _uncalled(formula: Formula, name: str) -> Formula:
    """Return a formula with f_i for ``f(x_i)``."""
    if isinstance(formula, Derivative):
        return replace(formula, of=_uncalled(formula.of, name))
    if isinstance(formula, Call) and declared_base(formula.function) == name:
        if formula.function != name or not isinstance(formula.args[0], Symbol):
            reason = f"{name} is a variable here, by which the claim differentiates"
            raise NotationError(reason, hint="write a claim of its own", operand=name)
        return Symbol(name, labels_of(formula.args[0]), formula.position)
    inside = [_uncalled(x, name) for x in children(formula)]
    return rebuilt(formula, inside) if inside else formula


def _parts(claims: Sequence[Claim]) -> list[Formula]:
    """Return all parts of claims, with those that are differentiated."""
    found = [x for c in claims for side in sides_of(c) for x in walk(side)]
    return [*found, *(y for x in found if isinstance(x, Derivative) for y in walk(x.of))]
