r"""What else a wrong claim may mean: an imaginary unit, ``\frac{d}{dx} a + b`` of a whole sum, the
function that a name stands for in books."""

from __future__ import annotations

from eingrad.core.expr import variables
from eingrad.notation.summation import labels_of, walk
from eingrad.notation.syntax import (
    Assignment,
    Claim,
    Derivative,
    Equation,
    Formula,
    Product,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.system import System
from eingrad.notation.tex.names_by_letter import bound_in, letters_across

UNITS = ("i", "j")
REACHES = "the derivative reaches over the sum"
IN_BOOKS = {
    "Phi": "the normal distribution", "N": "the normal distribution", "Gamma": "the gamma function",
    "H": "the step", "Theta": "the step", "W": "Lambert's function",
}  # fmt: skip


def imaginary_unit(claim: Assignment, system: System) -> str:
    """Return the number called i or j on which a claim depends, unless it is by this."""
    units = [x for x in UNITS if x in system.inputs and not system.inputs[x].ndim]
    if not units:
        return ""
    sides: tuple[Formula, ...] = (claim.target, claim.value)
    by = {x.name for side in sides for part in walk(side) if isinstance(part, Derivative)
          for x in part.wrt}  # fmt: skip
    reached = {x.name for side in sides for x in walk(side) if isinstance(x, Symbol | TensorAt)}
    waiting = [*reached]
    while waiting:
        definition = system.definitions.get(waiting.pop())
        below = {v.name for v in variables(definition.expr)} if definition is not None else set()
        waiting += below - reached
        reached |= below
    return next((x for x in units if x in reached and x not in by), "")


def reaching_over_the_sum(claim: Claim) -> Assignment | None:
    r"""Return ``\frac{d}{dx} (x^2 + 3x) = ...`` for a claim without these parentheses."""
    left = claim.left if isinstance(claim, Equation) else None
    if not isinstance(left, Sum) or left.negative[0] or len(left.terms) < 2:
        return None
    first = left.terms[0]
    if not isinstance(first, Derivative) or isinstance(first.of, Symbol | TensorAt):
        return None
    whole = Sum((first.of, *left.terms[1:]), left.negative, left.position)
    target = Derivative(whole, first.wrt, first.position)
    assert isinstance(claim, Equation)
    return Assignment(target, claim.right, claim.position)


def function_of_books(system: System) -> str | None:
    r"""Return that a claim may be right of the function that a name stands for in books, the normal
    distribution of ``\Phi(d_1)``, if the model takes such a name for any function."""
    name = min(system.functions.keys() & IN_BOOKS.keys(), default=None)
    if name is None:
        return None
    return (
        f"it is not so for any function {name}, and nothing says whether {IN_BOOKS[name]} is meant"
    )


def summed_across_a_bar(system: System) -> str | None:
    r"""Return that a model may have no sum over a label that stands above and below a fraction bar
    without a sign of one: the t of ``\hat{x} = \frac{x_t - \epsilon}{\sqrt{a_t}}``."""
    for definition in system.definitions.values():
        written = definition.written
        if written is None:
            continue
        known = {*labels_of(written.target), *bound_in(written.value)}
        products = (x for x in walk(written.value) if isinstance(x, Product) and any(x.divides))
        for label in sorted({x for product in products for x in letters_across(product)} - known):
            name = definition.var.name
            return (
                f"whether {name} is summed over {label}, or is at each {label}, is open: {label} "
                "stands above and below a fraction bar, without a sign of a sum"
            )
    return None
