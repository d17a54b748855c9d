r"""Letters below names that tell names apart, and are no labels: the a and b of ``w_a``, ``w_b``.

Nobody writes one sum twice with two letters. So where terms of a sum differ in such letters alone,
``F_a / m_a + F_b / m_b``, these are names; and nobody sums across a fraction bar without a sign of
a sum, ``V_m S / (K_m + S)``. Nor is there a norm of ``f_a - f_b`` with an axis for each letter, or
a capital with a label beside the same capital without, ``V_C = V - I R``, or a capital label that
comes from nowhere, ``\mu_B``; nor does a product of vectors have labels that nothing binds,
``u_o^\top v_c``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import pairwise

from eingrad.notation.summation import (
    Summation,
    children,
    labels_of,
    letters_compared,
    rebuilt,
    unsigned,
    walk,
)
from eingrad.notation.syntax import (
    TRANSPOSED,
    Assignment,
    Call,
    Derivative,
    Formula,
    Number,
    Power,
    Product,
    Statement,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.tex.survey import Subscript

INDICES = frozenset("ijklnt")  # which are labels, whatever stands around them


def parts_by_letter(
    statements: Sequence[Statement], subscripts: Sequence[Subscript], bound: AbstractSet[str]
) -> frozenset[tuple[str, str]]:
    """Return the (name, letter) that are one name, since terms differ in such letters alone.

    Nothing binds or keeps the letters. A term sums its own, or no letter of the text is kept, bound
    or stands beside another: ``w_ij (x_i - x_j)^2`` has labels. A letter on both sides of a bar
    is no label where the text binds and keeps none, but for `INDICES`.
    """
    assigned = [s for s in statements if isinstance(s, Assignment)]
    letters = _letters_of_vectors(assigned, subscripts, bound)
    letters |= _letters_in_norms(assigned) - bound
    letters |= _letters_beside_bare(assigned, subscripts) - bound
    letters |= _capitals_from_nowhere(assigned, subscripts) - bound
    kept = {x for s in assigned for x in (*labels_of(s.target), *bound_in(s.value))} | bound
    kept -= letters
    plain = not kept and all(len(script.entries) < 2 for script in subscripts)
    for s in assigned:
        for total in walk(s.value):
            if isinstance(total, Sum):
                letters |= _letters_of_twins(total, kept, plain)
            elif isinstance(total, Product) and not kept:
                letters |= letters_across(total) - INDICES
    return frozenset((s.base, x) for s in subscripts for x in s.entries if x in letters)


def _letters_in_norms(assigned: Sequence[Assignment]) -> set[str]:
    """Return the letters in which the terms of a norm differ, if nothing else has them."""
    found: list[set[str]] = []
    others = {x for s in assigned for x in labels_of(s.target)}
    for s in assigned:
        for x in walk(s.value):
            match x:
                case Call(function="norm", args=(Sum(terms=terms),)):
                    own = [{*_letters(term)} for term in terms]
                    differing = set().union(*own) - own[0].intersection(*own)
                    found += [differing] if len(differing) > 1 else []
                case Call():
                    others |= {*x.axes, *letters_compared(x.conditions)}
    return {x for differing in found if differing.isdisjoint(others) for x in differing}


def _letters_of_vectors(
    assigned: Sequence[Assignment], subscripts: Sequence[Subscript], bound: AbstractSet[str]
) -> set[str]:
    r"""Return the letters, always alone below vectors, of products ``u_o^\top v_c``."""
    pairs = [
        (turned.base, x) for s in assigned for part in walk(s.value) if isinstance(part, Product)
        for turned, x in pairwise(part.factors)
        if isinstance(turned, Power) and turned.exponent == TRANSPOSED
    ]  # fmt: skip
    factors = [[x for x in pair if isinstance(x, Symbol) and len(x.labels) == 1] for pair in pairs]
    vectors = {
        x for own in factors if len({x.labels for x in own}) != 1 or len(own) < 2 for x in own
    }
    names = {x.name for x in vectors}
    others = {x for s in subscripts if len(s.entries) > 1 or s.base not in names for x in s.entries}
    kept = {x for s in assigned for x in labels_of(s.target)} | bound
    found = {x.labels[0] for x in vectors} - others - kept - INDICES
    rows = {s.base for s in subscripts if not found.issuperset(s.entries)}  # u_o may be one of u_w
    return found - {x for s in subscripts if s.base in rows for x in s.entries}


def _letters_beside_bare(
    assigned: Sequence[Assignment], subscripts: Sequence[Subscript]
) -> set[str]:
    """Return the capitals, always alone, below capitals that stand without them, too."""
    parts = [x for s in assigned for side in (s.target, s.value) for x in walk(side)]
    bare = {x.name for x in parts if isinstance(x, Symbol) and not x.labels}
    alone = {s.entries[0] for s in subscripts if len(s.entries) == 1 and s.base in bare
             and s.base.isupper() and s.entries[0].isupper()}  # fmt: skip
    return alone - {x for s in subscripts if len(s.entries) > 1 for x in s.entries}


def _capitals_from_nowhere(
    assigned: Sequence[Assignment], subscripts: Sequence[Subscript]
) -> set[str]:
    r"""Return the capitals, always alone, that a statement has on its left side only: the B of
    ``\mu_B = \frac{1}{m} \sum_i x_i``, a mini-batch."""
    given = {s.target.labels[0] for s in assigned
             if isinstance(s.target, Symbol) and len(s.target.labels) == 1
             and s.target.labels[0] not in {*_letters(s.value), *bound_in(s.value)}}  # fmt: skip
    shared = {x for s in subscripts if len(s.entries) > 1 for x in s.entries}
    return {x for x in given if x.isupper()} - shared


def bound_in(formula: Formula) -> Iterator[str]:
    """Yield the letters that functions name, or the conditions of their sums."""
    for x in walk(formula):
        if isinstance(x, Call):
            yield from (*x.axes, *letters_compared(x.conditions))


def _letters_of_twins(total: Sum, kept: Collection[str], plain: bool) -> set[str]:
    """Return the letters in which terms differ that are otherwise the same."""
    found: set[str] = set()
    seen: dict[Formula, set[str]] = {}
    for term in total.terms:
        core = _without_number(unsigned(term))
        for letter in dict.fromkeys(_letters(core)):
            closed = letter not in {x for x, _ in Summation().dangling(core, ())}
            if letter in kept or not (closed or plain):
                continue
            others = seen.setdefault(_renamed(core, letter), set())
            others.add(letter)
            if len(others) > 1:
                found |= others
    return found


def letters_across(product: Product) -> set[str]:
    """Return the letters above a fraction bar that a divisor has, and does not sum in itself."""
    above = [x for x, below in zip(product.factors, product.divides, strict=True) if not below]
    divisors = [x for x, below in zip(product.factors, product.divides, strict=True) if below]
    own = {x for divisor in divisors for x, _ in Summation().dangling(divisor, ())}
    return own.intersection(x for factor in above for x in _letters(factor))


def _letters(formula: Formula) -> Iterator[str]:
    return (x for part in walk(formula) if isinstance(part, Symbol) for x in part.labels)


def _without_number(term: Formula) -> Formula:
    """Return a term without the numbers that it is multiplied by."""
    if not isinstance(term, Product):
        return term
    kept = [k for k, x in enumerate(term.factors) if not _is_number(x)]
    return Product(tuple(term.factors[k] for k in kept), tuple(term.divides[k] for k in kept))


def _is_number(formula: Formula) -> bool:
    return isinstance(formula, Number) or (
        isinstance(formula, Power) and isinstance(formula.base, Number)
        and isinstance(formula.exponent, Number | Sum)
    )  # fmt: skip


def _renamed(formula: Formula, letter: str) -> Formula:
    """Return a formula with a blank in place of a letter below names."""
    if isinstance(formula, Symbol):
        labels = tuple("" if x == letter else x for x in formula.labels)
        return replace(formula, labels=labels)
    if isinstance(formula, TensorAt | Derivative):
        return formula
    parts = children(formula)
    return rebuilt(formula, [_renamed(x, letter) for x in parts]) if parts else formula
