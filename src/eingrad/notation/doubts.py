"""What is valid notation, but perhaps not what its author meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from eingrad.notation.summation import Summation, children
from eingrad.notation.syntax import (
    Assignment,
    Call,
    Formula,
    Power,
    Product,
    Statement,
    Sum,
    Symbol,
)
from eingrad.notation.text import to_text
from eingrad.notation.words import keeps_labels


def doubts(statements: Sequence[Statement]) -> Iterator[str]:
    """Yield a note for each product with a part whose sum is complete in itself.

    Such a label is summed over the whole product, once.

    >>> from eingrad.notation.parse import parse_statements
    >>> (note,) = doubts(parse_statements("J = (w_i w_i) / (v_i v_i)"))
    >>> note.split(", ")[:2]
    ['line 1: i is summed once', 'over the whole of (w_i w_i) / (v_i v_i)']
    >>> list(doubts(parse_statements("J = (w_i w_i) / (v_j v_j)")))
    []
    """
    for statement in statements:
        if not isinstance(statement, Assignment):
            continue
        kept = statement.target.labels if isinstance(statement.target, Symbol) else ()
        for product, part, labels in _doubtful(Summation(), statement.value, set(kept)):
            line = f"line {statement.position.line}: " if statement.position else ""
            are = "is" if len(labels) == 1 else "are"
            yield (
                f"{line}{', '.join(labels)} {are} summed once, over the whole of "
                f"{to_text(product)}, though {to_text(part)} is complete in itself; "
                "for sums apart, use other letters in it"
            )


def _doubtful(
    summation: Summation, formula: Formula, kept: Collection[str]
) -> Iterator[tuple[Product, Formula, list[str]]]:
    """Yield products, and the last of their parts that is complete, with its labels."""
    if isinstance(formula, Call) and not keeps_labels(formula.function):
        kept = {*kept, *summation.axes(formula)}
    if isinstance(formula, Product):
        summed = summation.summed(formula, kept)
        for k in range(len(formula.factors) - 1, -1, -1):
            labels = [x for x in summed if _is_complete(summation, formula, k, x)]
            if labels:
                yield formula, formula.factors[k], labels
                break
        kept = {*kept, *summed}
    for part in children(formula):
        yield from _doubtful(summation, part, kept)


def _is_complete(summation: Summation, product: Product, k: int, label: str) -> bool:
    """Whether factor k would sum a label by itself, and so would the others together."""
    part = product.factors[k]
    if not isinstance(part, Product | Sum | Call | Power) or label not in summation.free(part):
        return False
    others = [n for n in range(len(product.factors)) if n != k]
    rest = replace(
        product,
        factors=tuple(product.factors[n] for n in others),
        divides=tuple(product.divides[n] for n in others),
    )
    if label not in summation.free(rest):
        return False
    everything = {x for factor in product.factors for x in summation.free(factor)} - {label}
    return not any(
        name == label
        for formula in (part, rest)
        for name, _ in summation.dangling(formula, everything)
    )


__all__ = ["doubts"]
