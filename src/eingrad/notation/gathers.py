"""``z[y]``: a letter in brackets is a label, or the integer at which the tensor is read.

It is the integer where it is the only entry and nothing else in the statement says that it is a
label, and where a label could not stand: nothing on the left has it, nothing sums it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from eingrad.notation import mistakes
from eingrad.notation.lexeme import keeps_labels
from eingrad.notation.summation import Summation, children, kept_by, labels_of, rebuilt, walk
from eingrad.notation.syntax import (
    Assignment,
    Call,
    Derivative,
    Formula,
    Offset,
    Ordinal,
    Statement,
    Symbol,
    TensorAt,
)
from eingrad.notation.text import label_text


def find_integers(
    statements: Sequence[Statement], known: Collection[str] = ()
) -> tuple[Statement, ...]:
    """Return the statements with integers in the place of letters that are no labels.

    ``known`` are the scalars that are known to be integers.

    >>> from eingrad.notation.parse import parse_formula
    >>> loss = Assignment(Symbol("L"), parse_formula("-w[y] log(z[y])"))
    >>> [statement] = find_integers([loss])
    >>> statement.value.terms[0].factors[0] == TensorAt("w", (Symbol("y"),))
    True
    """
    assigned = {s.target.name: s.target.labels for s in statements
                if isinstance(s, Assignment) and isinstance(s.target, Symbol)}  # fmt: skip
    alone = [_alone(s, assigned) if isinstance(s, Assignment) else set() for s in statements]
    names = {*known}.union(*alone)
    names.update(x for s in statements if isinstance(s, Assignment) for x in _dangling(s, assigned))
    if not names:
        return tuple(statements)
    return tuple(
        with_integers(s, names - _subscripts(s) | own, own) if isinstance(s, Assignment) else s
        for s, own in zip(statements, alone, strict=True)
    )


def with_integers(
    statement: Assignment, names: Collection[str], subscripts: Collection[str] = ()
) -> Assignment:
    """Put integers in the place of the letters ``names`` in brackets; others there are labels.

    Of the letters ``subscripts`` those below a tensor, ``w_t``, are integers, too.
    """
    left = labels_of(statement.target)
    value = _with_integers(statement.value, {*names} - {*left}, {*subscripts} - {*left})
    return replace(statement, value=value)


def lone_integers(formula: Formula) -> set[str]:
    """Return the letters that are the integers of tensors with one axis, ``p[t]``."""
    gathers = (part for part in walk(formula) if isinstance(part, TensorAt))
    entries = (part.entries[0] for part in gathers if len(part.entries) == 1)
    return {
        x.name for x in entries
        if isinstance(x, Symbol) and not (x.labels or x.brackets) and len(label_text(x.name)) == 1
    }  # fmt: skip


def with_labels(formula: Formula, letters: Collection[str]) -> Formula:
    """Put labels in the place of integers: what `with_integers` was given."""
    match formula:
        case TensorAt(name=name, entries=(Symbol(name=letter, labels=()),)) if letter in letters:
            return Symbol(name, (letter,), formula.position)
        case Derivative():
            return formula
    return rebuilt(formula, [with_labels(part, letters) for part in children(formula)])


def _alone(statement: Assignment, assigned: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Return the letters that are the only entry of brackets, where nothing makes them labels."""
    found: set[str] = set()
    stack: list[tuple[Formula, frozenset[str]]] = [(statement.value, frozenset())]
    summation = Summation()
    others = {*labels_of(statement.target)}
    while stack:
        here, bound = stack.pop()
        if isinstance(here, Call) and here.axes:
            axes = summation.axes(here)
            if keeps_labels(here.function):
                others.update(axes)
            else:
                bound = bound.union(axes)
        elif isinstance(here, Symbol) and len(here.labels) == 1 and here.labels[0] not in bound:
            (letter,) = here.labels
            if here.moves:
                others.add(letter)
            elif here.brackets and len(label_text(letter)) == 1:
                found.add(letter)
            if assigned.get(here.name) == (letter,):
                others.add(letter)
        elif isinstance(here, Symbol | TensorAt | Derivative):
            others.update(x for x in summation.free(here) if x not in bound)
        stack.extend((part, bound) for part in _parts(here))
    return found - others


def _parts(formula: Formula) -> tuple[Formula, ...]:
    """Return the parts in which a letter in brackets may stand."""
    if isinstance(formula, Derivative) and isinstance(formula.of, Symbol):
        return ()
    return children(formula)


def _subscripts(statement: Assignment) -> set[str]:
    """Return the letters that stand below tensors: these are labels."""
    tensors = (part for part in walk(statement.value) if isinstance(part, Symbol))
    return {label for part in tensors if not part.brackets for label in part.labels}


def _has_brackets(formula: Formula) -> bool:
    return isinstance(formula, TensorAt) or (isinstance(formula, Symbol) and formula.brackets)


def _dangling(statement: Assignment, assigned: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Return the letters in brackets that nothing keeps and nothing sums.

    The letter with which an axis was defined, t of ``o[t,k]`` behind ``o_tk = ...``, is its label.
    """
    if not any(_has_brackets(part) for part in walk(statement.value)):
        return set()
    found: set[str] = set()
    labels: set[str] = set()
    for label, where in Summation().dangling(statement.value, kept_by(statement)):
        integer = (
            isinstance(where, Symbol | TensorAt) and _has_brackets(where)
            and len(label_text(label)) == 1 and where.labels.count(label) == 1
            and label not in assigned.get(where.name, ())
        )  # fmt: skip
        (found if integer else labels).add(label)
    return found - labels


def _with_integers(
    formula: Formula, names: Collection[str], subscripts: Collection[str]
) -> Formula:
    """Replace the letters ``names`` in brackets by scalars, and ``subscripts`` below tensors."""
    match formula:
        case Symbol(labels=labels) if formula.brackets and not set(labels).isdisjoint(names):
            return _gather(formula.name, labels, names, subscripts, formula)
        case Symbol(labels=(letter,)) if letter in subscripts:
            return _gather(formula.name, (letter,), names, subscripts, formula)
        case TensorAt(name=name, entries=entries):
            return _gather(name, entries, names, subscripts, formula)
        case Symbol(labels=labels) if labels:
            return replace(formula, brackets=False)  # it is known now what they are
        case Derivative(of=of):
            if isinstance(of, Symbol):
                return formula
            return replace(formula, of=_with_integers(of, names, subscripts))
        case Ordinal(label=label) if label in names:
            return Symbol(label, (), formula.position)
        case Call(axes=axes) if formula.conditions:  # whose letters were taken for labels
            formula = replace(formula, axes=tuple(x for x in axes if x not in names))
        case Call(function=function, axes=axes) if not keeps_labels(function):
            names, subscripts = {*names} - {*axes}, {*subscripts} - {*axes}
    parts = [_with_integers(part, names, subscripts) for part in children(formula)]
    return rebuilt(formula, parts)


def _gather(
    name: str,
    entries: Sequence[str | Symbol | TensorAt | Offset],
    names: Collection[str],
    subscripts: Collection[str],
    where: Formula,
) -> TensorAt:
    if isinstance(where, Symbol) and where.moves:
        raise mistakes.moved_and_read(where)
    new: list[str | Symbol | TensorAt | Offset] = []
    for entry in entries:
        if isinstance(entry, Offset):
            new.append(entry)
        elif isinstance(entry, str):
            new.append(Symbol(entry, (), where.position) if entry in names else entry)
        else:
            inner = _with_integers(entry, names, subscripts)
            assert isinstance(inner, Symbol | TensorAt)
            new.append(inner)
    counts = where.counts if isinstance(where, TensorAt) else ()
    return TensorAt(name, tuple(new), where.position, counts)
