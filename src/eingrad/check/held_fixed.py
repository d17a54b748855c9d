r"""What a derivative holds fixed: by another name of a variable, ``z = x``, and ``\partial`` beside
``d``, of which the one may hold fixed what the other follows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from eingrad.calculus.reverse import needed_by, tensor
from eingrad.check.derived import Derived
from eingrad.check.tree import mapped
from eingrad.core.expr import Var
from eingrad.notation.matrix.claims import sides_of, with_sides
from eingrad.notation.summation import walk
from eingrad.notation.syntax import (
    Call,
    Claim,
    Derivative,
    Equation,
    Formula,
    Number,
    Product,
    Symbol,
    TensorAt,
)
from eingrad.notation.system import System
from eingrad.notation.text import to_text


def by_the_variable(claims: Sequence[Claim], derived: Derived) -> tuple[list[Claim], list[str]]:
    """Return claims in which what does not go through z of ``z = x`` is differentiated by x; and
    notes that say so."""
    system = derived.system
    others = {n: d.expr.name for n, d in system.definitions.items() if isinstance(d.expr, Var)}
    notes: dict[str, None] = {}

    def one(part: Formula) -> Formula:
        if not isinstance(part, Derivative):
            return part
        below = _below(_names(part.of), system)
        wrt = []
        for by in part.wrt:
            name = by.name
            while name in others.keys() - below:
                name = others[name]
            if name != by.name:
                notes[f"{by.name} is another name of {name} here"] = None
            wrt.append(replace(by, name=name))
        return replace(part, wrt=tuple(wrt))

    if not others:
        return [*claims], []
    sides = [[mapped(side, one) for side in sides_of(claim)] for claim in claims]
    return [with_sides(c, *own) for c, own in zip(claims, sides, strict=True)], [*notes]


def open_partial(claims: Sequence[Claim], derived: Derived) -> str:
    r"""Return why it is open what a ``\partial`` of the claims holds fixed, "" where it is not.

    It matters where a tensor between the two depends on the variable, and is open where the claims
    have the same derivative with d, or the model lists that tensor as an argument.
    """
    parts = [x for c in claims for side in sides_of(c) for x in walk(side)]
    found = [x for x in parts if isinstance(x, Derivative) and isinstance(x.of, Symbol)]
    totals = {_key(x) for x in found if x.total}
    for part in found:
        of, by = _key(part)
        partial = part.nabla or part.total is False
        if not partial or len({*by}) != 1:
            continue
        listed = _listed(of, derived.system)
        between = [*_between(of, by[0], derived.system)]
        if (of, by) in totals and between:
            return f"whether \\partial holds {between[0]} fixed, beside d of the same, is open"
        if by[0] in listed and (own := [x for x in between if x in listed]):
            return f"{of} lists {own[0]} beside {by[0]}: whether \\partial holds it fixed is open"
    return ""


def _listed(name: str, system: System) -> set[str]:
    """Return the arguments with which a model writes a tensor: z(x, y), or ``z = f(x, y)``."""
    known, definition = system.applied.get(name), system.definitions.get(name)
    listed = {x.name for x in known.arguments} if known is not None else set()
    if definition is not None and definition.written is not None:
        value = definition.written.value
        if isinstance(value, Call) and system.functions.get(value.function, 0) > 1:
            listed |= {x.name for x in value.args if isinstance(x, Symbol)}
    return listed


def by_the_parameter(claims: Sequence[Claim], derived: Derived) -> tuple[list[Claim], list[str]]:
    """Return claims in which ``dy/dx`` of two numbers that one t alone says is dy/dt / (dx/dt), or
    of y, by which x is given alone, 1 / (dx/dy); and notes that say so."""
    system = derived.system
    notes: dict[str, None] = {}

    def one(part: Formula) -> Formula:
        if not isinstance(part, Derivative) or not isinstance(part.of, Symbol):
            return part
        (of, by), parameter = (part.of, part.wrt[0]), _parameter(part, system)
        if parameter == of.name:
            quotient = Product((Number(1), Derivative(by, (of,))), (False, True))
        elif parameter is not None:
            t = (Symbol(parameter),)
            quotient = Product((Derivative(of, t), Derivative(by, t)), (False, True))
        else:
            return part
        notes[f"{to_text(part)} is {to_text(quotient)}"] = None
        return quotient

    found: list[Claim] = []
    for claim in claims:
        left, right = (mapped(side, one) for side in sides_of(claim))
        whole = isinstance(left, Symbol | Derivative)
        found.append(with_sides(claim, left, right) if whole else Equation(left, right))
    return (found, [*notes]) if notes else ([*claims], [])


def _parameter(part: Derivative, system: System) -> str | None:
    """Return the number by which both numbers of a derivative are given alone, where neither says
    how the one depends on the other."""
    of, names = _key(part)
    definitions = system.definitions
    known = of in definitions or of in system.inputs
    if not known or len(names) > 1 or names[0] not in definitions.keys() - _below([of], system):
        return None
    by = names[0]
    candidates = [of] if of in _below([by], system) else [
        x for x in system.inputs if x in _below([of], system) & _below([by], system)
    ]  # fmt: skip
    exprs = {n: d.expr for n, d in definitions.items() if n not in candidates}
    alone = needed_by([of, by], exprs) & system.inputs.keys() <= {*candidates}
    numbers = not any(tensor(system, n).ndim for n in (of, by, *candidates))
    return candidates[0] if len(candidates) == 1 and alone and numbers else None


def open_dependence(claims: Sequence[Claim], derived: Derived) -> str:
    """Return that a claim speaks of ``dy/dx`` of two tensors that follow one variable, y not by x.

    ``dT/dp`` for ``T = m v^2 / 2``, ``p = m v`` depends on what else is held fixed; 0 it is never.
    """
    system = derived.system
    for claim in claims:
        for part in (x for side in sides_of(claim) for x in walk(side)):
            if isinstance(part, Derivative) and isinstance(part.of, Symbol):
                of, by = _key(part)
                below = _below([of], system)
                for name in by:
                    if name in system.definitions.keys() - below and not below.isdisjoint(
                        _below([name], system) & system.inputs.keys()
                    ):
                        return f"the model does not say how {of} depends on {name}"
    return ""


def _key(part: Derivative) -> tuple[str, tuple[str, ...]]:
    assert isinstance(part.of, Symbol)
    return part.of.name, tuple(x.name for x in part.wrt)


def _between(of: str, by: str, system: System) -> Iterator[str]:
    """Yield the tensors through which one depends on another."""
    for name in _below([of], system) - {of, by}:
        if name in system.definitions and by in _below([name], system):
            yield name


def _below(names: Collection[str], system: System) -> set[str]:
    """Return some tensors and all that they depend on."""
    return needed_by(names, {n: d.expr for n, d in system.definitions.items()})


def _names(formula: Formula) -> set[str]:
    return {x.name for x in walk(formula) if isinstance(x, Symbol | TensorAt)}
