r"""Functions that stand for any without their arguments in claims: ``df/dx`` where z = f(x, y)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from eingrad.core.functions import differentiated
from eingrad.errors import NotationError
from eingrad.notation.summation import children, rebuilt, walk
from eingrad.notation.syntax import Assignment, Call, Claim, Derivative, Equation, Formula, Symbol
from eingrad.notation.system import System


def with_arguments(claim: Claim, system: System) -> Claim:
    """Return a claim whose derivatives of functions have the arguments that the model gives them.

    Raises NotationError where it gives them none, or several.
    """
    if not any(name in system.functions for name in _lone(claim)):
        return claim
    left = claim.target if isinstance(claim, Assignment) else claim.left
    right = claim.value if isinstance(claim, Assignment) else claim.right
    left, right = (_with_arguments(x, system) for x in (left, right))
    if isinstance(left, Symbol | Derivative):
        return Assignment(left, right, claim.position)
    return Equation(left, right, claim.position)


def _lone(claim: Claim) -> Iterator[str]:
    sides = (
        (claim.target, claim.value) if isinstance(claim, Assignment) else (claim.left, claim.right)
    )
    for side in sides:
        for part in walk(side):
            if isinstance(part, Derivative) and isinstance(part.of, Symbol):
                yield part.of.name


def _with_arguments(formula: Formula, system: System) -> Formula:
    if not isinstance(formula, Derivative):
        parts = [_with_arguments(x, system) for x in children(formula)]
        return rebuilt(formula, parts) if parts else formula
    if not isinstance(formula.of, Symbol) or formula.of.name not in system.functions:
        return formula
    call = _only_call(formula.of, system)
    name = call.function
    for x in formula.wrt:
        same = (x, *(w.value for w in _written(system) if w.target == x))  # p = f(x)
        places = [k for k, argument in enumerate(call.args) if argument in same]
        if len(places) != 1 or (formula.total and len(call.args) > 1):
            return replace(formula, of=call)
        name = differentiated(name, places[0], len(call.args))
    return replace(call, function=name)


def _written(system: System) -> Iterator[Assignment]:
    return (d.written for d in system.definitions.values() if d.written is not None)


def _only_call(function: Symbol, system: System) -> Call:
    """Return the one call of a function in a model."""
    calls = {x for w in _written(system) for x in walk(w.value)
             if isinstance(x, Call) and x.function == function.name}  # fmt: skip
    if len(calls) == 1:
        return calls.pop()
    raise NotationError(
        f"{function.name} is taken of {'different arguments' if calls else 'none'} in the model",
        operand=function.name,
        position=function.position,
        hint=rf"write them: \frac{{\partial {function.name}(x, y)}}{{\partial x}}",
    )
