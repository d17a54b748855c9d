"""The summation convention, on formulas as written: which labels are summed, and where.

A label that is neither on the left side nor bound by a function is summed over the innermost
product that holds all its occurrences; a label that a tensor repeats (``A_ii``) is a trace.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from eingrad.notation.syntax import (
    Call,
    Compare,
    Derivative,
    Formula,
    Gather,
    Power,
    Product,
    Sum,
    Symbol,
)
from eingrad.notation.words import GREEK_LETTERS, keeps_labels


def children(formula: Formula) -> tuple[Formula, ...]:
    """Return the formulas that ``formula`` is made of, as they stand in the text."""
    match formula:
        case Product(factors=parts) | Sum(terms=parts) | Call(args=parts):
            return parts
        case Power(base=left, exponent=right) | Compare(left=left, right=right):
            return left, right
        case Derivative(of=of, wrt=wrt):
            return of, *wrt
    return ()


def rebuilt(formula: Formula, parts: Sequence[Formula]) -> Formula:
    """Return a formula with other parts, as many as `children` gives."""
    match formula:
        case Product():
            return replace(formula, factors=tuple(parts))
        case Sum():
            return replace(formula, terms=tuple(parts))
        case Call():
            return replace(formula, args=tuple(parts))
        case Power():
            return replace(formula, base=parts[0], exponent=parts[1])
        case Compare():
            return replace(formula, left=parts[0], right=parts[1])
    if parts:
        raise TypeError(f"the parts of a {type(formula).__name__} are not formulas of their own")
    return formula


def walk(formula: Formula) -> Iterator[Formula]:
    """Yield a formula and all below it, as they stand in the text."""
    stack = [formula]
    while stack:
        here = stack.pop()
        yield here
        stack.extend(reversed(children(here)))


def names_of(formula: Formula) -> Iterator[str]:
    """Yield the names of a tensor, or of a gathered tensor and its integer tensors."""
    if isinstance(formula, Symbol | Gather):
        yield formula.name
    if isinstance(formula, Gather):
        for index in formula.indices:
            yield from names_of(index)


def _labels(tensor: Symbol | Derivative) -> list[str]:
    if isinstance(tensor, Symbol):
        return list(tensor.labels)
    return [label for symbol in tensor_parts(tensor) for label in symbol.labels]


def tensor_parts(derivative: Derivative) -> tuple[Symbol, ...]:
    """Return the tensors of a derivative such as ``dy_i/dx_j``: y_i and x_j."""
    if not isinstance(derivative.of, Symbol):
        raise TypeError("only a derivative of a tensor has a meaning as one")
    return derivative.of, *derivative.wrt


class Summation:
    """Answers about the labels of formulas; remembers the free labels of each.

    >>> from eingrad.notation.parse import parse_formula
    >>> dot = parse_formula("x_i y_i z_j")
    >>> Summation().summed(dot, kept={"j"})
    ['i']
    """

    def __init__(self) -> None:
        self._free: dict[int, tuple[Formula, dict[str, None]]] = {}

    def free(self, formula: Formula) -> dict[str, None]:
        """Return the labels that no function inside ``formula`` binds, in order of appearance."""
        known = self._free.get(id(formula))
        if known is None:
            known = self._free[id(formula)] = formula, self._find_free(formula)
        return known[1]

    def _find_free(self, formula: Formula) -> dict[str, None]:
        if isinstance(formula, Symbol | Gather):
            return dict.fromkeys(formula.labels)
        labels = {label: None for part in children(formula) for label in self.free(part)}
        if isinstance(formula, Call) and not keeps_labels(formula.function):
            for axis in self.axes(formula):
                labels.pop(axis, None)
        return labels

    def axes(self, call: Call) -> tuple[str, ...]:
        """Return a call's axes: ``sum_{row}`` has one if its argument has a label ``row``."""
        inside = {label for arg in call.args for label in self.free(arg)}
        axes: list[str] = []
        for axis in call.axes:
            letters = axis.isalpha() and axis not in GREEK_LETTERS and not inside.isdisjoint(axis)
            axes += axis if letters and axis not in inside else [axis]
        return tuple(axes)

    def summed(self, product: Product, kept: Collection[str]) -> list[str]:
        """Return the labels that are summed over this product: two factors or more have them."""
        counts = Counter(
            label for factor in product.factors for label in self.free(factor) if label not in kept
        )
        return [label for label, count in counts.items() if count > 1]

    def dangling(self, formula: Formula, kept: Collection[str]) -> Iterator[tuple[str, Formula]]:
        """Yield the labels that occur once, so that nothing sums them, and where they stand."""
        match formula:
            case Symbol() | Derivative():
                counts = Counter(_labels(formula))
                yield from ((k, formula) for k in counts if k not in kept and counts[k] == 1)
            case Gather(labels=labels):
                yield from ((k, formula) for k in dict.fromkeys(labels) if k not in kept)
            case Product(factors=factors):
                inner = {*kept, *self.summed(formula, kept)}
                for factor in factors:
                    yield from self.dangling(factor, inner)
            case Call(args=args):
                axes = self.axes(formula)
                for arg in args:
                    yield from self.dangling(arg, {*kept, *axes})
                if keeps_labels(formula.function):
                    yield from ((axis, formula) for axis in axes if axis not in kept)
            case _:
                for part in children(formula):
                    yield from self.dangling(part, kept)
