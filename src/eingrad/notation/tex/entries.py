r"""Claims about entries: at a place, ``\delta^L = ...``, or past a label, ``z^{l+1} = ...``."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from eingrad.notation.matrix.statements import labels_inside
from eingrad.notation.summation import children, rebuilt
from eingrad.notation.syntax import (
    Assignment,
    Call,
    Claim,
    Compare,
    Derivative,
    Equation,
    Formula,
    MovedLabel,
    Number,
    Offset,
    Ordinal,
    SizeOf,
    Sum,
    Symbol,
    TensorAt,
    symbol_at,
)
from eingrad.notation.tex.conditions import with_label
from eingrad.notation.tex.names import fresh_labels


def at_entry(claim: Claim, entry: tuple[str, int] | None) -> Claim:
    """Return a claim about one entry of a label: at a place, from the end where it is below 0."""
    if entry is None:
        return claim
    label, place = entry
    at: Formula = Number(place)
    if place < 0:
        at = Sum((SizeOf(label), Number(-place)), (False, True))
    condition = Compare("==", Ordinal(label), at)
    if isinstance(claim, Equation):  # dh_T/dh_1, of which the other is an entry as well
        return replace(claim, right=Call("where", (condition, claim.right, claim.left)))
    return beside(claim, condition)


def beside(claim: Assignment, condition: Compare) -> Assignment:
    """Return a claim that says nothing where a condition does not hold: there it repeats its left
    side."""
    return replace(claim, value=Call("where", (condition, claim.value, claim.target)))


def about_labels(claim: Claim, taken: Collection[str] = ()) -> Claim:
    r"""Return ``z^l = w^l a^{l-1}``, from the second l on, for ``z^{l+1} = w^{l+1} a^l``.

    A derivative of ``z^{l+1}`` by ``z^l`` is that of ``z^l`` by ``z^m`` where l is m + 1; m is no
    letter that is ``taken``.
    """
    if not isinstance(claim, Assignment):
        return claim
    parts = _parts(claim.target)
    for label in dict.fromkeys(x for part in parts for x in part.moved):
        moves = [by for part in parts for x, by in _moves(part) if x == label]
        if len({*moves}) == 1:
            claim = _shifted(claim, label, moves[0])
        elif len(moves) == 2 and isinstance(claim.target, Derivative):
            claim = _with_two_letters(claim, label, moves[0], moves[1], taken)
        parts = _parts(claim.target)
    return claim


def _parts(target: Symbol | Derivative) -> tuple[Symbol, ...]:
    every = (target,) if isinstance(target, Symbol) else (target.of, *target.wrt)
    return tuple(x for x in every if isinstance(x, Symbol))


def _moves(symbol: Symbol) -> list[tuple[str, int]]:
    return [*zip(symbol.labels, symbol.moves or (0,) * len(symbol.labels), strict=True)]


def _shifted(claim: Assignment, label: str, by: int) -> Assignment:
    target, value = (moved(x, label, -by) for x in (claim.target, claim.value))
    assert isinstance(target, Symbol | Derivative)
    end = Sum((SizeOf(label), Number(-by)), (False, True))
    inside = Compare(">=", Ordinal(label), Number(by)) if by > 0 else Compare(
        "<", Ordinal(label), end)  # fmt: skip
    return beside(replace(claim, target=target, value=value), inside)


def _with_two_letters(
    claim: Assignment, label: str, first: int, second: int, taken: Collection[str]
) -> Assignment:
    assert isinstance(claim.target, Derivative)
    used = {*labels_inside(claim.target), *labels_inside(claim.value), *taken}
    new = fresh_labels(used, 1, label[-1])[0]  # m beside l, also where it is called ell
    of = moved(claim.target.of, label, -first)
    wrt = tuple(with_label(moved(x, label, -second), label, new) for x in claim.target.wrt)
    value = with_label(moved(claim.value, label, -second), label, new)
    symbols = tuple(x for x in wrt if isinstance(x, Symbol))
    target = Derivative(of, symbols, claim.target.position)
    by = first - second
    there = Sum((Ordinal(new), Number(abs(by))), (False, by < 0))
    changed = replace(claim, target=target, value=value)
    return beside(changed, Compare("==", Ordinal(label), there))


def moved(formula: Formula, label: str, by: int) -> Formula:
    """Return a formula that is read so many positions after where it was."""
    match formula:
        case Symbol(labels=labels):
            pairs = _moves(formula)
            new = [MovedLabel.of(x, n + by * (x == label)) for x, n in pairs]
            return symbol_at(formula.name, new, formula.position, formula.brackets) if (
                label in labels) else formula  # fmt: skip
        case TensorAt(entries=entries):
            return replace(formula, entries=tuple(_entry(x, label, by) for x in entries))
        case Derivative(of=of, wrt=wrt):
            symbols = tuple(x for w in wrt if isinstance(x := moved(w, label, by), Symbol))
            return Derivative(moved(of, label, by), symbols, formula.position)
        case Call(axes=axes) if label in axes:
            return formula
        case Ordinal(label=own) if own == label and by:
            return Sum((formula, Number(abs(by))), (False, by < 0))
    return rebuilt(formula, [moved(part, label, by) for part in children(formula)])


Entry = str | Symbol | TensorAt | Offset


def _entry(entry: Entry, label: str, by: int) -> Entry:
    match entry:
        case str():
            return Offset(((1, entry),), by) if entry == label and by else entry
        case Offset(terms=terms, constant=constant):
            count = sum(n for n, x in terms if x == label)
            return replace(entry, constant=constant + count * by)
    inner = moved(entry, label, by)
    assert isinstance(inner, Symbol | TensorAt)
    return inner


__all__ = ["about_labels", "at_entry", "beside"]
