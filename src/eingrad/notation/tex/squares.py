r"""Squares of vectors that are numbers: in ``E = m \vec{v}^2`` stands ``\vec{v} \cdot \vec{v}``."""

from __future__ import annotations

from eingrad.notation.summation import children, labels_of, rebuilt
from eingrad.notation.syntax import (
    Call,
    Derivative,
    Formula,
    Number,
    Power,
    Product,
    Sum,
    Symbol,
)
from eingrad.notation.tex.calls import CallReader

ENTRYWISE = frozenset({"exp", "log", "sqrt"})
NUMBERS = frozenset({"norm", "inner", "sum", "mean", "trace", "det", "logdet"})


def with_squared_lengths(
    left: Symbol | Derivative, value: Formula, reader: CallReader
) -> tuple[Formula, str]:
    """Return a value in which squares of vectors in bold are numbers, and a note that says so.

    The left side is no vector: it has neither labels nor bold type, and nor is anything else of
    the value one.
    """
    if labels_of(left) or reader.has_bold(left):
        return value, ""
    result = _squared(value, reader)
    if result == value or _has_vector(result, reader):
        return value, ""
    return result, "the square of a vector in bold is its product with itself, a number"


def _squared(formula: Formula, reader: CallReader) -> Formula:
    match formula:
        case Power(base=base, exponent=Number(value=2)) if reader.is_vector(base):
            length = Call("norm", (base,), (), formula.position)
            return Power(length, formula.exponent, formula.position)
        case Product(factors=factors):
            others = [x for x in factors if _squared(x, reader) == x]
            joins = (_has_vector(x, reader) or reader.is_transposed_vector(x) for x in others)
            if any(joins) or any(map(reader.is_of_matrix, others)):
                return formula
        case Call(function=function) if function not in ENTRYWISE:
            return formula
        case Sum() | Call():
            pass
        case _:
            return formula
    return rebuilt(formula, [_squared(x, reader) for x in children(formula)])


def _has_vector(formula: Formula, reader: CallReader) -> bool:
    """Whether a vector stands in a formula outside of what makes a number of it."""
    if isinstance(formula, Call) and formula.function in NUMBERS:
        return False
    if isinstance(formula, Product) and any(map(reader.is_transposed_vector, formula.factors)):
        return False
    return reader.is_vector(formula) or any(_has_vector(x, reader) for x in children(formula))
