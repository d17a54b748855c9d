r"""Derivatives that hold earlier entries fixed: the \partial h_t / \partial w of
``\sum_t \partial L/\partial h_t \, \partial h_t/\partial w`` in back-propagation through time.

Books write both that and the whole derivative, through ``h_{t-1}`` too, as one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from eingrad.calculus.reverse import needed_by
from eingrad.check.derived import Derived
from eingrad.check.tree import mapped
from eingrad.core.expr import Expr, Var, postorder, variables
from eingrad.core.positions import Shift
from eingrad.core.recurrences import recurrent
from eingrad.core.rewrite import substitute
from eingrad.notation.summation import walk
from eingrad.notation.syntax import Assignment, Derivative, Formula, Symbol
from eingrad.notation.system import Definition, System

MARK = "⁺"  # behind the name of a copy that depends on a variable at this entry alone


def held_earlier(
    derived: Derived, claim: Assignment, books: bool
) -> tuple[Derived, Assignment, str] | None:
    r"""Return a model and a claim in which derivatives of recurrences by what they all share hold
    earlier entries fixed, and words for that; None for a claim without such. In ``books`` the left
    side may be one, with a \partial, unless the step is a function f: there it is df/dw."""
    system = derived.system
    partial = books and isinstance(claim.target, Derivative) and not claim.target.total
    partial = partial and not any(count > 1 for count in system.functions.values())
    sides = (claim.value, claim.target)  # the value holds the target where a case is left out
    own = [x for side in sides for x in _shared(side, system)]
    parts = [x for x in own if partial or x != claim.target]
    found = {(x.of.name, x.wrt[0].name) for x in parts if isinstance(x.of, Symbol)}
    if not found:
        return None
    definitions = dict(system.definitions)
    for of, by in sorted(found):
        if not _add_copies(definitions, system, of, by):
            return None
    labels = {name: system.labels[name.partition(MARK)[0]] for name in definitions}
    changed = replace(system, definitions=definitions, labels={**system.labels, **labels})

    def one(part: Formula) -> Formula:
        if part not in parts:
            return part
        assert isinstance(part, Derivative)
        assert isinstance(part.of, Symbol)
        mark = MARK + part.wrt[0].name
        copy = replace(part.of, name=part.of.name + mark)
        return replace(part, of=copy, wrt=(replace(part.wrt[0], name=part.wrt[0].name + mark),))

    words = " and ".join(f"d{of}/d{by}" for of, by in sorted(found))
    target = one(claim.target)
    assert isinstance(target, Symbol | Derivative)
    claim = replace(claim, target=target, value=mapped(claim.value, one))
    return Derived(changed), claim, f"{words} holds earlier entries fixed"


def _shared(formula: Formula, system: System) -> Iterator[Derivative]:
    """Yield derivatives of recurrences by tensors that these do not define, at no entry."""
    moving = recurrent(system.exprs)
    for part in walk(formula):
        if isinstance(part, Derivative) and isinstance(part.of, Symbol) and len(part.wrt) == 1:
            of, by = part.of.name, part.wrt[0].name
            if of in moving and by not in moving and by in needed_by([of], system.exprs):
                yield part


def _add_copies(definitions: dict[str, Definition], system: System, of: str, by: str) -> bool:
    """Add copies of a tensor, and of what it needs at its own entry, that depend on a copy of a
    variable; say whether they can be made."""
    exprs, mark = system.exprs, MARK + by
    source = system.inputs.get(by) or system.definitions[by].var
    definitions[by + mark] = Definition(by + mark, system.labels[by], source)
    pending, order = [of], list[str]()
    while pending:
        name = pending.pop()
        order.append(name)
        here = substitute(exprs[name], {x: Var("", x.dims) for x in _earlier(exprs[name])})
        below = {x.name for x in variables(here)} - {*order, *pending, by, ""}
        pending += [x for x in sorted(below) if x in exprs and by in needed_by([x], exprs)]
    for name in reversed(order):
        own = exprs[name]
        earlier = _earlier(own)
        if any(x.name == by for node in earlier for x in variables(node)):
            return False
        copies: dict[Expr, Expr] = {x: Var(x.name + mark, x.dims) for x in variables(own)
                                    if x.name in order or x.name == by}  # fmt: skip
        copy = substitute(own, {**copies, **{x: x for x in earlier}})
        definitions[name + mark] = Definition(name + mark, system.labels[name], copy)
    return True


def _earlier(expr: Expr) -> list[Expr]:
    return [x for x in postorder([expr]) if isinstance(x, Shift)]


__all__ = ["held_earlier"]
