"""What would be notation, but is nearly always a slip: refused, with what was probably meant.

A superscript T is no power, e to a power is no input, and a bare name that is a label of the same
statement is no scalar, unless the text defines these names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Set
from itertools import pairwise

from eingrad.notation import mistakes
from eingrad.notation.summation import children, kept_by, unsigned, walk
from eingrad.notation.syntax import (
    BY_ROW,
    TRANSPOSED,
    Assignment,
    Assumption,
    Call,
    Compare,
    Formula,
    Number,
    Ordinal,
    Power,
    Product,
    Statement,
    Symbol,
    TensorAt,
)
from eingrad.notation.tensors import INFINITY


def check_slips(statements: Iterable[Statement], known: Collection[str]) -> None:
    """Raise NotationError for a slip; ``known`` are the names that the text defines.

    >>> from eingrad.notation.parse import parse_statements
    >>> check_slips(parse_statements("y_i = b x_i"), {"y"})
    """
    for statement in statements:
        if not isinstance(statement, Assignment | Assumption):
            continue
        sides = (
            (statement.value,) if isinstance(statement, Assignment)
            else (statement.left, statement.right)
        )  # fmt: skip
        check_zeroth(sides)
        labels = {*kept_by(statement), *(x for side in sides for x in _labels(side))}
        for side in sides:
            for part in _walk(side):
                _check(part, labels, frozenset(known))


WORDS = frozenset({  # of programs, not of formulas
    "if", "then", "else", "elif", "and", "or", "not", "for", "while", "return", "import", "def",
    "otherwise", "inf", "nan", "infinity", "None", "True", "False",
})  # fmt: skip


def check_zeroth(sides: Iterable[Formula], books: bool = False) -> None:
    """Raise for a name to the power 0, ``(x - x^0)^2``, beside the same name, in ``books`` always;
    beside other powers it is 1: ``a_0 x^0 + a_1 x^1``."""
    parts = [part for side in sides for part in walk(side)]
    powers = [x for x in parts if isinstance(x, Power) and isinstance(x.base, Symbol)]
    for power in powers:
        if power.exponent == Number(0) and isinstance(power.base, Symbol):
            own = [x.exponent for x in powers if x.base == power.base]
            stands = sum(x == power.base for x in parts)
            if own.count(Number(0)) == len(own) and (books or stands > len(own)):
                raise mistakes.zeroth_power(power.base)


def _check(part: Formula, labels: Collection[str], known: Set[str]) -> None:
    match part:
        case Symbol(name=name, labels=()) if name in WORDS and name not in known:
            raise mistakes.word_of_programs(part)
        case Product() if (quotient := _differential(part, known)) is not None:
            raise mistakes.differential(quotient)
        case Power(base=base, exponent=Symbol() as exponent) if _is_transpose(exponent, known):
            raise mistakes.transposed(base, exponent)
        case Power(base=Symbol(name="e", labels=()) as base) if "e" not in known:
            raise mistakes.power_of_e(base, part.exponent)
        case Symbol(name=name, labels=()) if name in labels and name not in known:
            raise mistakes.label_alone(part)


def _differential(product: Product, known: Set[str]) -> Symbol | None:
    """Return the d of ``d/dx (x^2)``, if it is no tensor of the text."""
    for k, (above, below) in enumerate(pairwise(product.factors)):
        if isinstance(above, Symbol) and isinstance(below, Symbol) and product.divides[k + 1]:
            quotient = above.name == "d" and below.name.startswith("d") and len(below.name) > 1
            if quotient and known.isdisjoint({"d", below.name}):
                return above
    return None


def _is_transpose(exponent: Symbol, known: Collection[str]) -> bool:
    return exponent in (TRANSPOSED, BY_ROW) or (exponent.name == "T" and "T" not in known)


def _walk(formula: Formula) -> Iterator[Formula]:
    """Yield the parts of a formula; of a comparison no bare letter, which is a position there."""
    stack = [formula]
    while stack:
        here = stack.pop()
        yield here
        parts = children(here)
        if isinstance(here, Compare):
            parts = tuple(x for x in parts if not isinstance(x, Symbol) or x.labels)
        elif (
            isinstance(here, Call)
            and here.function == "where"
            and here.args
            and _by_place(here.args[0])
        ):
            parts = tuple(x for x in parts if unsigned(x) != INFINITY)  # where(k <= q, S_qk, -inf)
        stack.extend(reversed(parts))


def _by_place(condition: Formula) -> bool:
    return any(isinstance(x, Ordinal) for x in walk(condition))


def _labels(formula: Formula) -> Iterator[str]:
    """Yield every label of a formula, those that functions bind included."""
    for part in walk(formula):
        if isinstance(part, Symbol | TensorAt):
            yield from part.labels
        elif isinstance(part, Call):
            yield from part.axes


__all__ = ["check_slips"]
