r"""Equalities that hold for any functions of a variable: ``d(u v)/dx = u dv/dx + v du/dx``.

What they speak of is taken to be any function of what they differentiate by. At a point its value
and its derivative may be anything, and so may those of ``G x + c``: an equality of first
derivatives that holds for these holds for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from eingrad.core.expr import variables
from eingrad.notation.summation import walk
from eingrad.notation.syntax import (
    Assignment,
    Call,
    Claim,
    Derivative,
    Formula,
    Product,
    Sum,
    Symbol,
)
from eingrad.notation.system import Definition, System
from eingrad.papers.claim_in_context import (
    KNOWN,
    Read,
    all_of,
    derivatives_in,
    derived_of,
    read_equation,
    symbols_in,
)
from eingrad.papers.scope import Built

_LETTERS = "qrsuvwxyzmnophgfedcb"  # of axes, the first ones that are free


def with_any_functions(text: str, built: Built, spoken: bool = False) -> Read | None:
    """Return an equation beside a model in which all that is given is a function of what it
    differentiates by, or only what it is ``spoken`` of as one: u of ``du/dx``.

    None where it differentiates twice, by several things or by none.
    """
    claims = read_equation(text, built)
    parts = list(derivatives_in(claims))
    names = {x.name for part in parts for x in part.wrt}
    twice = any(len(p.wrt) > 1 or any(isinstance(x, Derivative) for x in walk(p.of)) for p in parts)
    system = built.system
    if len(names) != 1 or twice or len(claims) != 1:
        return None
    [by] = names
    known = {} if system is None else system.labels
    symbols = {s.name: s.labels for s in symbols_in(claims) if s.name not in KNOWN}
    if by not in symbols or (system is not None and by in system.definitions):
        return None
    given = {name: known.get(name, labels) for name, labels in symbols.items()}
    for name in _used(symbols, system):
        given.setdefault(name, known.get(name, ()))
    letters = _free(claims, system, len(given[by]))
    if letters is None or (system is not None and set(given) & set(system.functions)):
        return None
    own = {p.of.name for p in parts if isinstance(p.of, Symbol)} if spoken else {*given}
    fixed = {by} if system is None else {by, *system.definitions, *system.sizes}
    functions = [
        _function(name, labels, Symbol(by, letters), known)
        for name, labels in given.items() if name in own - fixed
    ]  # fmt: skip
    if not functions:
        return None
    unknown = [Symbol(name, labels) for name, labels in symbols.items() if name not in known]
    statements = (*functions, *built.statements, all_of(claims, unknown, known))
    return Read(text, claims, derived_of(statements, built))


def functions_in(read: Read) -> list[str]:
    """Return what an equation speaks of as functions and what is given without it."""
    of = (part.of for part in derivatives_in(read.claims))
    named = {x.name for x in of if isinstance(x, Symbol)}
    defined = read.derived.system.definitions
    return sorted(name for name in named if f"G{name}" in _inputs_of(defined.get(name)))


def _inputs_of(definition: Definition | None) -> set[str]:
    return set() if definition is None else {v.name for v in variables(definition.expr)}


def _used(names: Iterable[str], system: System | None) -> Iterator[str]:
    """Yield the inputs on which what is spoken of depends."""
    reach = list(names)
    for name in reach:
        definition = system.definitions.get(name) if system is not None else None
        for variable in variables(definition.expr) if definition is not None else ():
            if variable.name not in reach:
                reach.append(variable.name)
                yield variable.name


def _free(claims: Sequence[Claim], system: System | None, count: int) -> tuple[str, ...] | None:
    """Return letters that are no labels of an equation, nor of a model."""
    taken = {x for own in (system.labels.values() if system is not None else ()) for x in own}
    taken |= {x for s in symbols_in(claims) for x in s.labels}
    taken |= {x for claim in claims for part in _calls(claim) for x in part.axes}
    free = [x for x in _LETTERS if x not in taken]
    return tuple(free[:count]) if len(free) >= count else None


def _calls(claim: Claim) -> Iterator[Call]:
    sides = (
        (claim.target, claim.value) if isinstance(claim, Assignment) else (claim.left, claim.right)
    )
    return (x for side in sides for x in walk(side) if isinstance(x, Call))


def _function(
    name: str, labels: tuple[str, ...], by: Symbol, known: Mapping[str, tuple[str, ...]]
) -> Assignment:
    slope = next(x for x in (f"G{name}", f"slope{name}") if x not in known)
    value = next(x for x in (f"c{name}", f"value{name}") if x not in known)
    term: Formula = Product((Symbol(slope, (*labels, *by.labels)), by), (False, False))
    return Assignment(Symbol(name, labels), Sum((term, Symbol(value, labels)), (False, False)))
