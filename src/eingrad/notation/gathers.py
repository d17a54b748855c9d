"""``z[y]``: a letter in brackets is a label, or the integer at which the tensor is read.

It is the integer where a label could not stand: nothing on the left has it, nothing sums it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from eingrad.notation.summation import Summation, walk
from eingrad.notation.syntax import (
    Assignment,
    Call,
    Compare,
    Derivative,
    Formula,
    Gather,
    Power,
    Product,
    Statement,
    Sum,
    Symbol,
)
from eingrad.notation.text import label_text
from eingrad.notation.words import keeps_labels


def find_integers(
    statements: Sequence[Statement], known: Collection[str] = ()
) -> tuple[Statement, ...]:
    """Return the statements with integers in the place of letters that can be no labels.

    ``known`` are the scalars that are known to be integers.

    >>> from eingrad.notation.parse import parse_formula
    >>> loss = Assignment(Symbol("L"), parse_formula("-log(z[y])"))
    >>> [statement] = find_integers([loss])
    >>> statement.value.terms[0].args[0] == Gather("z", (Symbol("y"),))
    True
    """
    assigned = [s for s in statements if isinstance(s, Assignment)]
    names = {*known, *(name for s in assigned for name in _dangling(s))}
    if not names:
        return tuple(statements)
    return tuple(with_integers(s, names) if isinstance(s, Assignment) else s for s in statements)


def with_integers(statement: Assignment, names: Collection[str]) -> Assignment:
    """Put integers in the place of the letters ``names`` in brackets; others there are labels."""
    return replace(statement, value=_with_integers(statement.value, {*names} - {*_left(statement)}))


def _left(statement: Assignment) -> tuple[str, ...]:
    target = statement.target
    if isinstance(target, Symbol):
        return target.labels
    symbols = (x for x in (target.of, *target.wrt) if isinstance(x, Symbol))
    return tuple(label for symbol in symbols for label in symbol.labels)


def _has_brackets(formula: Formula) -> bool:
    return isinstance(formula, Gather) or (isinstance(formula, Symbol) and formula.brackets)


def _dangling(statement: Assignment) -> Iterator[str]:
    """Yield the letters in brackets that nothing keeps and nothing sums."""
    if not any(_has_brackets(part) for part in walk(statement.value)):
        return
    for label, where in Summation().dangling(statement.value, _left(statement)):
        match where:
            case Symbol(brackets=True) | Gather():
                if len(label_text(label)) == 1 and where.labels.count(label) == 1:
                    yield label


def _with_integers(formula: Formula, names: Collection[str]) -> Formula:
    """Replace the letters ``names`` in brackets by scalars."""

    def inside(*parts: Formula) -> tuple[Formula, ...]:
        return tuple(_with_integers(part, names) for part in parts)

    match formula:
        case Symbol(labels=labels) if formula.brackets and not set(labels).isdisjoint(names):
            return _gather(formula.name, labels, names, formula)
        case Symbol():
            return replace(formula, brackets=False)
        case Gather(name=name, entries=entries):
            return _gather(name, entries, names, formula)
        case Derivative(of=of) if not isinstance(of, Symbol):
            return replace(formula, of=inside(of)[0])
        case Call(function=function, args=args, axes=axes):
            if not keeps_labels(function):
                names = set(names) - set(axes)
            return replace(formula, args=inside(*args))
        case Product(factors=parts):
            return replace(formula, factors=inside(*parts))
        case Sum(terms=parts):
            return replace(formula, terms=inside(*parts))
        case Power(base=base, exponent=exponent):
            base, exponent = inside(base, exponent)
            return replace(formula, base=base, exponent=exponent)
        case Compare(left=left, right=right):
            left, right = inside(left, right)
            return replace(formula, left=left, right=right)
    return formula


def _gather(
    name: str,
    entries: Sequence[str | Symbol | Gather],
    names: Collection[str],
    where: Formula,
) -> Gather:
    new: list[str | Symbol | Gather] = []
    for entry in entries:
        if isinstance(entry, str):
            new.append(Symbol(entry, (), where.position) if entry in names else entry)
        else:
            inner = _with_integers(entry, names)
            assert isinstance(inner, Symbol | Gather)
            new.append(inner)
    return Gather(name, tuple(new), where.position)
