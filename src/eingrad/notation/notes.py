"""What is valid notation, but perhaps not what its author meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from eingrad.errors import Position
from eingrad.notation.gathers import lone_integers, with_labels
from eingrad.notation.lexeme import keeps_labels
from eingrad.notation.summation import Decision, Summation, children, kept_by, walk
from eingrad.notation.syntax import (
    Assignment,
    Assumption,
    Call,
    Claim,
    Declaration,
    Equation,
    Formula,
    Number,
    Power,
    Product,
    Shaped,
    Statement,
    Sum,
    Symbol,
)
from eingrad.notation.text import call_head, label_text, to_text


@dataclass(frozen=True)
class Note:
    """What a statement was taken to mean, where its author may have meant something else.

    ``formerly`` says that the first version of the notation read it otherwise.
    """

    text: str
    position: Position | None = None
    formerly: bool = False

    def __str__(self) -> str:
        return f"line {self.position.line}: {self.text}" if self.position else self.text


def notes_on(statement: Statement | Claim, integers: Collection[str] = ()) -> Iterator[Note]:
    """Yield a note for each place with two common readings.

    ``integers`` are the scalars that are known to be integers.

    >>> from eingrad.notation.parse import parse_statements
    >>> (note,) = notes_on(*parse_statements("J = a_k b_k exp(x_k t_k)"))
    >>> str(note).split(", ")[:2]
    ['line 1: k is summed once', 'over the whole of a_k b_k exp(x_k t_k)']
    >>> list(notes_on(*parse_statements("J = (w_i w_i) / (v_j v_j)")))
    []
    """
    if isinstance(statement, Declaration | Shaped):
        return
    where = statement.position
    if isinstance(statement, Assignment):
        yield from (Note(text, where) for text in statement.notes)
        yield from (Note(text, where, True) for text in _integers(statement, integers))
    kept, summation = kept_by(statement), Summation()
    for side in sides_of(statement):
        for product, inner in _products(summation, side, kept):
            yield from (Note(text, where) for text in _sums(summation, product, inner))
        yield from (Note(text, where, True) for text in _formerly(summation, side, kept))
        yield from (Note(text, where) for text in _spelling(summation, side))
        if where is not None and _is_spelled(where.line_text):
            yield from (Note(text, where) for text in (*_squares(side), *_neighbours(side)))


def sides_of(statement: Assignment | Assumption | Equation) -> tuple[Formula, ...]:
    """Return the formulas of a statement that the convention sums in."""
    if isinstance(statement, Assignment):
        return (statement.value,)
    return statement.left, statement.right


def _products(
    summation: Summation, formula: Formula, kept: Collection[str], formerly: bool = False
) -> Iterator[tuple[Product, Collection[str]]]:
    """Yield the products of a formula, each with the labels that are not summed in it.

    By the notation's first version if ``formerly``: a label that two factors hold is summed once.
    """
    stack: list[tuple[Formula, Collection[str]]] = [(formula, kept)]
    while stack:
        here, kept = stack.pop()
        inner = [kept] * len(children(here))
        if isinstance(here, Call) and not keeps_labels(here.function):
            inner = [{*kept, *summation.axes(here)}] * len(inner)
        elif isinstance(here, Product):
            yield here, kept
            inner = summation.scopes(here, kept)
            if formerly:
                once = {*kept, *(d.label for d in summation.decisions(here, kept))}
                inner = [once] * len(inner)
        stack.extend(reversed(list(zip(children(here), inner, strict=True))))


def _sums(summation: Summation, product: Product, kept: Collection[str]) -> Iterator[str]:
    """Speak of a product that is summed once, though a factor is complete in itself."""
    doubtful = [d for d in summation.decisions(product, kept) if d.doubt is not None]
    for part, found in groupby(doubtful, key=lambda d: d.doubt):
        assert part is not None
        labels = [d.label for d in found]
        yield (
            f"{_are(labels)} summed once, over the whole of {to_text(product)}, though "
            f"{to_text(part)} is complete in itself; for sums apart, use other letters in it, "
            f"for this one write {call_head('sum', tuple(labels))}(...)"
        )


def _formerly(summation: Summation, formula: Formula, kept: Collection[str]) -> Iterator[str]:
    """Speak of sums apart that the first version of the notation took for one over the product.

    To be removed, with `Note.formerly` and `versions.py`, when nobody has such texts any more.
    """
    for product, inner in _products(summation, formula, kept, formerly=True):
        apart = [d for d in summation.decisions(product, inner) if d.apart]
        for others, group in groupby(apart, key=lambda d: _others(summation, product, d)):
            found = list(group)
            labels = tuple(d.label for d in found)
            once = to_text(Call("sum", (product,), labels))
            bare = sorted({k for d in found for k in d.bare})
            held = [bare] * bool(bare) + [[k] for k in others]
            parts = " and ".join(to_text(_part(product, places)) for places in held)
            yield (
                f"{_are(labels)} summed apart, in {parts}; before version 2 of the notation it "
                f"was {once}; use other letters in one of them, or write this sum"
            )


def _others(summation: Summation, product: Product, found: Decision) -> tuple[int, ...]:
    """Return the places of the factors that hold a label and are no bare tensors."""
    places = range(len(product.factors))
    holding = (k for k in places if found.label in summation.free(product.factors[k]))
    return tuple(k for k in holding if k not in found.bare)


def _part(product: Product, places: Sequence[int]) -> Formula:
    factors = tuple(product.factors[k] for k in places)
    return factors[0] if len(factors) == 1 else Product(factors, (False,) * len(factors))


def _integers(statement: Assignment, integers: Collection[str]) -> Iterator[str]:
    """Speak of integers in brackets, where they could be labels that are summed."""
    letters = lone_integers(statement.value) - {*integers}
    if not letters:
        return
    summation = Summation()
    value = with_labels(statement.value, letters)
    for product, kept in _products(summation, value, kept_by(statement)):
        for label in summation.summed(product, kept).labels:
            if label in letters:
                shown = label_text(label)
                yield (
                    f"{shown} is an integer at which the tensors are read; for a sum over {shown} "
                    f"write {to_text(product)}, for the integer {shown}[]"
                )


def _spelling(summation: Summation, formula: Formula) -> Iterator[str]:
    """Speak of ``a / b c`` where c shares a label with b, which is ``(a / b) c``."""
    for product in (part for part in walk(formula) if isinstance(part, Product)):
        factors = list(zip(product.factors, product.divides, strict=True))
        below: list[Formula] = []
        for k, (factor, divides) in enumerate(factors):
            labels = summation.free(factor).keys()
            near = [x for x in below if not labels.isdisjoint(summation.free(x))]
            if k > 1 and factors[k - 1][1] and isinstance(product.factors[0], Power | Sum):
                near += [x for x in below[-1:] if isinstance(x, Number)]  # (x - m)^2 / 2 s^2
            if near and not divides:
                yield (
                    f"{to_text(product)} is divided by {to_text(near[0])} and multiplied by "
                    f"{to_text(factor)}; write {to_text(factor)} before the slash, or both in "
                    "parentheses behind it to divide by both"
                )
                break
            below += [factor] * divides


def _is_spelled(line: str) -> bool:
    """Whether a line is text, in which no parenthesis says how far a square goes."""
    return "\\" not in line and "(sum_" not in line and "(mean_" not in line


def _squares(formula: Formula) -> Iterator[str]:
    """Speak of ``sum_i(y_i - t_i)^2``, which is no sum of squares; below a bar one often has it."""
    parts = [*walk(formula)]
    pairs = (
        p for x in parts if isinstance(x, Product) for p in zip(x.factors, x.divides, strict=True)
    )
    below = [part for factor, divides in pairs if divides for part in walk(factor)]
    for part in parts:
        if not (isinstance(part, Power) and part.exponent == Number(2)) or part in below:
            continue
        total = part.base
        if (
            isinstance(total, Call) and total.function in ("sum", "mean") and total.axes
            and isinstance(total.args[0], Sum)
        ):  # fmt: skip
            squares = replace(total, args=(Power(total.args[0], part.exponent),))
            yield (
                f"{to_text(part)} is the square of the {total.function}; for that of the squares "
                f"write {to_text(squares)}"
            )


def _neighbours(formula: Formula) -> Iterator[str]:
    """Speak of ``x_i+1 - x_i``, which is 1, where the entry beside another may be meant."""
    for part in (part for part in walk(formula) if isinstance(part, Sum)):
        pairs = zip(part.terms, part.terms[1:], part.negative[1:], strict=False)
        for x, number, minus in pairs:
            if not (isinstance(x, Symbol) and x.labels and isinstance(number, Number)):
                continue
            if part.terms.count(x) > 1:
                sign = "-" if minus else "+"
                read = f"{x.name}[{','.join(x.labels)}{sign}{to_text(number)}]"
                yield (
                    f"{to_text(part)} adds {sign}{to_text(number)} to {to_text(x)}; an entry "
                    f"beside it is {read}"
                )
                break


def _are(labels: Sequence[str]) -> str:
    return f"{', '.join(map(label_text, labels))} {'is' if len(labels) == 1 else 'are'}"


__all__ = ["Note", "notes_on", "sides_of"]
