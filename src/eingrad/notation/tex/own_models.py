r"""Claims that bring along what they speak of: ``\nabla_x x^\top A x = (A + A^\top) x``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from eingrad.notation.lower import lower
from eingrad.notation.matrix.statements import elaborated
from eingrad.notation.summation import Summation, children, rebuilt, walk
from eingrad.notation.syntax import (
    Assignment,
    Claim,
    Declaration,
    Dependence,
    Derivative,
    Formula,
    Symbol,
)
from eingrad.notation.system import System
from eingrad.notation.tex.read import read_claims_apart, read_opening

OWN = "F9"  # begins the names of what is differentiated, which nobody sees


def model_of_claims(
    text: str,
    opening: str,
    applied: Mapping[str, Dependence],
    functions: Collection[str] = (),
) -> System | None:
    """Return the inputs of what claims differentiate, None where they differentiate names alone.

    ``opening`` is the text before them, which has no statement: it declares shapes, and says what
    is symmetric, ``functions`` are generic. Raises NotationError where a shape stays open.
    """
    claims, bold = read_claims_apart(text, opening, applied)
    own = [*_statements(claims)]
    if not own:
        return None
    stated = [*map(Declaration, functions), *read_opening(opening)]
    plain = elaborated([*stated, *own], bold, latex=True)
    system = lower(plain.statements, plain.alike)
    new = {s.target.name for s in own if isinstance(s.target, Symbol) and s.target.name[:2] == OWN}
    return replace(
        system,
        definitions={n: d for n, d in system.definitions.items() if n not in new},
        labels={n: x for n, x in system.labels.items() if n not in new},
        kinds=plain.kinds, stacks=plain.stacks, applied=applied,
    )  # fmt: skip


def _statements(claims: Sequence[Claim]) -> Iterator[Assignment]:
    """Yield a definition for each formula that is differentiated."""
    found: dict[Formula, None] = {}
    for claim in claims:
        sides = (claim.target, claim.value) if isinstance(claim, Assignment) else (
            claim.left, claim.right)  # fmt: skip
        for side in sides:
            parts = (x for x in walk(side) if isinstance(x, Derivative))
            found |= {x.of: None for x in parts if not isinstance(x.of, Symbol)}
    for k, formula in enumerate(found):
        if any(isinstance(x, Derivative) for x in walk(formula)):
            continue
        summation = Summation()
        kept = {x for x, _ in summation.dangling(formula, ())}
        labels = tuple(x for x in summation.free(formula) if x in kept)
        yield Assignment(Symbol(f"{OWN}{k}", labels), _without_integers(formula))


def _without_integers(formula: Formula) -> Formula:
    """Return a formula in which no label may turn out to be an integer."""
    if isinstance(formula, Symbol):
        return replace(formula, brackets=False)
    parts = [_without_integers(x) for x in children(formula)]
    return rebuilt(formula, parts) if parts else formula
