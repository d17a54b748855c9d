r"""What a derivative holds fixed: by another name of a variable, ``z = x``, and ``\partial`` beside
``d``, of which the one may hold fixed what the other follows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from eingrad.calculus.reverse import needed_by
from eingrad.check.derived import Derived
from eingrad.check.tree import mapped
from eingrad.core.expr import Var
from eingrad.notation.matrix.claims import sides_of, with_sides
from eingrad.notation.summation import walk
from eingrad.notation.syntax import Claim, Derivative, Formula, Symbol, TensorAt
from eingrad.notation.system import System


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
        known = derived.system.applied.get(of)
        listed = {x.name for x in known.arguments} if known is not None else set()
        between = [*_between(of, by[0], derived.system)]
        if (of, by) in totals and between:
            return f"whether \\partial holds {between[0]} fixed, beside d of the same, is open"
        if by[0] in listed and (own := [x for x in between if x in listed]):
            return f"{of} lists {own[0]} beside {by[0]}: whether \\partial holds it fixed is open"
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
