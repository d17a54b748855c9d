"""The summation convention, on formulas as written: which labels are summed, and where.

A label that is neither on the left side nor bound by a function is summed in a product. There the
bare tensors above the fraction bar are one factor, and each group, function and divisor is one. If
every factor that holds the label is complete, each is summed apart; else the product is summed
once. A label that a tensor repeats (``A_ii``) is a trace.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from operator import is_
from typing import TypeVar

from eingrad.notation.lexeme import GREEK_LETTERS, keeps_labels
from eingrad.notation.syntax import (
    Assignment,
    Call,
    Claim,
    Compare,
    Declaration,
    Derivative,
    Formula,
    Power,
    Product,
    Shaped,
    Statement,
    Sum,
    Symbol,
    TensorAt,
)

Value = TypeVar("Value")
MOST_KNOWN = 1 << 14  # formulas of which something is remembered


def children(formula: Formula) -> tuple[Formula, ...]:
    """Return the formulas that ``formula`` is made of, as they stand in the text."""
    match formula:
        case Product(factors=parts) | Sum(terms=parts):
            return parts
        case Call(args=parts, conditions=conditions):
            return (*parts, *conditions)
        case Power(base=left, exponent=right) | Compare(left=left, right=right):
            return left, right
        case Derivative(of=of, wrt=wrt):
            return of, *wrt
    return ()


def once_each(function: Callable[[Formula], Value]) -> Callable[[Formula], Value]:
    """Let a function remember what it said of each formula: of the formulas that hold it, each
    asks again, and to compare two formulas takes as long as to walk them."""
    known: dict[int, tuple[Formula, Value]] = {}

    @wraps(function)
    def ask(formula: Formula) -> Value:
        found = known.get(id(formula))
        if found is not None and found[0] is formula:
            return found[1]
        value = function(formula)
        if len(known) >= MOST_KNOWN:
            known.clear()
        known[id(formula)] = formula, value  # which keeps it, so that no other gets its place
        return value

    return ask


def rebuilt(formula: Formula, parts: Sequence[Formula]) -> Formula:
    """Return a formula with other parts, as many as `children` gives."""
    if all(map(is_, parts, children(formula))):
        return formula
    match formula:
        case Product():
            return replace(formula, factors=tuple(parts))
        case Sum():
            return replace(formula, terms=tuple(parts))
        case Call():
            count = len(formula.args)
            conditions = tuple(x for x in parts[count:] if isinstance(x, Compare))
            return replace(formula, args=tuple(parts[:count]), conditions=conditions)
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


def letters_compared(conditions: Iterable[Compare]) -> list[str]:
    """Return the bare letters in conditions, which may turn out to be labels (see `places`)."""
    parts = (part for condition in conditions for part in walk(condition))
    return [x.name for x in parts if isinstance(x, Symbol) and not x.labels]


def derivative_parts(name: str) -> list[str]:
    """Return the names in that of a derivative at entries, ``dL/dx``; a plain one is alone.

    >>> derivative_parts("d2L/dx dw"), derivative_parts("x")
    (['L', 'x', 'w'], ['x'])
    """
    of, slash, wrt = name.partition("/d")
    by = wrt.split(" d") if slash else []
    return [of.removeprefix("d2" if len(by) == 2 else "d"), *by] if by else [name]


def names_of(formula: Formula) -> Iterator[str]:
    """Yield the names of a tensor, or of a gathered tensor and its integer tensors."""
    if isinstance(formula, Symbol | TensorAt):
        of, *wrt = derivative_parts(formula.name)  # of dL/dy[n-k] L and y
        yield from (*wrt, of)
    if isinstance(formula, TensorAt):
        for index in formula.indices:
            yield from names_of(index)


def labels_of(tensor: Symbol | Derivative) -> tuple[str, ...]:
    """Return a tensor's labels, one for each axis."""
    if isinstance(tensor, Symbol):
        return tensor.labels
    own = tensor.of.labels if isinstance(tensor.of, Symbol) else Summation().free(tensor.of)
    return (*own, *(label for symbol in tensor.wrt for label in symbol.labels))


def kept_by(statement: Statement | Claim) -> tuple[str, ...]:
    """Return the labels that a statement keeps: of its left side, or of both its sides."""
    if isinstance(statement, Assignment):
        return labels_of(statement.target)
    if isinstance(statement, Declaration | Shaped):
        return ()
    summation, sides = Summation(), (statement.left, statement.right)
    kept = {label for side in sides for label, _ in summation.dangling(side, ())}
    order = dict.fromkeys(label for side in sides for label in summation.free(side))
    return tuple(label for label in order if label in kept)


def unsigned(formula: Formula) -> Formula:
    """Return what a sign stands before: x of ``-x``."""
    while isinstance(formula, Sum) and len(formula.terms) == 1:
        formula = formula.terms[0]
    return formula


def tensor_parts(derivative: Derivative) -> tuple[Symbol, ...]:
    """Return the tensors of a derivative such as ``dy_i/dx_j``: y_i and x_j."""
    if not isinstance(derivative.of, Symbol):
        raise TypeError("only a derivative of a tensor has a meaning as one")
    return derivative.of, *derivative.wrt


@dataclass(frozen=True)
class Decision:
    """Where a label is summed that several factors of a product hold.

    ``apart`` says that each factor is summed by itself: ``bare`` are the places of the bare
    tensors, which are one factor. Else the whole product is summed once, and ``doubt`` is the
    factor, if any, that its author may have taken to be summed by itself.
    """

    label: str
    bare: tuple[int, ...]
    apart: bool = False
    doubt: Formula | None = None


@dataclass(frozen=True)
class Summed:
    """The labels that a product sums: over all its factors, or only over the bare tensors.

    ``bare`` has the latter by the places of these tensors.
    """

    whole: list[str]
    bare: dict[int, list[str]]

    @property
    def labels(self) -> list[str]:
        """All of them."""
        return [*self.whole, *dict.fromkeys(x for labels in self.bare.values() for x in labels)]


class Summation:
    """Answers about the labels of formulas; remembers what each formula holds.

    >>> from eingrad.notation.parse import parse_formula
    >>> dot = parse_formula("x_i y_i z_j")
    >>> Summation().summed(dot, kept={"j"})
    Summed(whole=['i'], bare={})
    >>> cosine = parse_formula("x_i y_i / (sqrt(x_i x_i) sqrt(y_i y_i))")
    >>> Summation().summed(cosine, kept=())  # the bare tensors; the divisor has sums of its own
    Summed(whole=[], bare={0: ['i'], 1: ['i']})
    """

    def __init__(self) -> None:
        self._free: dict[int, tuple[Formula, dict[str, None]]] = {}
        self._complete: dict[tuple[int, str], tuple[Formula, bool]] = {}
        self._held: dict[int, tuple[Formula, dict[str, list[int]]]] = {}

    def free(self, formula: Formula) -> dict[str, None]:
        """Return the labels that no function inside ``formula`` binds, in order of appearance."""
        known = self._free.get(id(formula))
        if known is None:
            known = self._free[id(formula)] = formula, self._find_free(formula)
        return known[1]

    def _find_free(self, formula: Formula) -> dict[str, None]:
        if isinstance(formula, Symbol | TensorAt):
            return dict.fromkeys(formula.labels)
        labels = {label: None for part in children(formula) for label in self.free(part)}
        if isinstance(formula, Call) and not keeps_labels(formula.function):
            for axis in (*self.axes(formula), *letters_compared(formula.conditions)):
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

    # --- the rule ---

    def decisions(self, product: Product, kept: Collection[str]) -> list[Decision]:
        """Return where the labels are summed that two factors or more hold."""
        held = self._places(product)
        labels = [x for x, places in held.items() if len(places) > 1 and x not in kept]
        return [self._decision(product, label) for label in labels]

    def _places(self, product: Product) -> dict[str, list[int]]:
        """Return which factors hold each label."""
        known = self._held.get(id(product))
        if known is None:
            held: dict[str, list[int]] = {}
            for k, factor in enumerate(product.factors):
                for label in self.free(factor):
                    held.setdefault(label, []).append(k)
            known = self._held[id(product)] = product, held
        return known[1]

    def _decision(self, product: Product, label: str) -> Decision:
        bare, others = self._holders(product, label)
        complete = [k for k in others if self.is_complete(product.factors[k], label)]
        if len(complete) < len(others) or not self._sums(product, bare, label):
            doubt = self._doubt(product, label, bare, others, complete)
            return Decision(label, bare, doubt=doubt)
        alone = [
            product.factors[k] for k in others
            if bare and not product.divides[k] and not self._is_product(product.factors[k], label)
        ]  # fmt: skip
        if alone or not others:
            return Decision(label, bare, doubt=alone[-1] if alone else None)
        return Decision(label, bare, apart=True)

    def _doubt(
        self,
        product: Product,
        label: str,
        bare: Sequence[int],
        others: Sequence[int],
        complete: Sequence[int],
    ) -> Formula | None:
        """Return a complete factor of a product that is summed once, where it may be misread."""
        left = len(others) - len(complete) + (not self._sums(product, bare, label))
        if complete and left > 1:
            return product.factors[complete[-1]]
        for k in complete:
            factor = product.factors[k]
            above = not product.divides[k] and self._is_product(factor, label)
            if above and self._multiplied(factor, label)[0] > 1:
                return factor
        return None

    def _holders(self, product: Product, label: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the places of the bare tensors with a label, and of the other factors with it."""
        bare: list[int] = []
        others: list[int] = []
        for k in self._places(product)[label]:
            is_bare = not product.divides[k] and self._is_bare(product.factors[k], label)
            (bare if is_bare else others).append(k)
        return tuple(bare), tuple(others)

    def _is_bare(self, factor: Formula, label: str) -> bool:
        """Whether a factor is a tensor, or a power of one with the label in its base alone."""
        if isinstance(factor, Power) and label not in self.free(factor.exponent):
            factor = factor.base
        return isinstance(factor, Symbol | TensorAt | Derivative)

    def _sums(self, product: Product, bare: Sequence[int], label: str) -> bool:
        """Whether the bare tensors sum a label among themselves, or none has it."""
        return len(bare) != 1 or self.is_complete(product.factors[bare[0]], label)

    def _is_product(self, factor: Formula, label: str) -> bool:
        """Whether a group is a product, or a power of one."""
        factor = unsigned(factor)
        if isinstance(factor, Power) and label not in self.free(factor.exponent):
            factor = unsigned(factor.base)
        return isinstance(factor, Product)

    def is_complete(self, formula: Formula, label: str) -> bool:
        """Whether a label that a formula holds is summed inside it, wherever it stands."""
        known = self._complete.get((id(formula), label))
        if known is None:
            known = formula, self._find_complete(formula, label)
            self._complete[id(formula), label] = known
        return known[1]

    def _find_complete(self, formula: Formula, label: str) -> bool:
        match formula:
            case Symbol() | Derivative():
                return labels_of(formula).count(label) > 1
            case TensorAt():
                return False
            case Call(function=function) if keeps_labels(function) and label in self.axes(formula):
                return False
            case Product(factors=factors):
                if max(self._multiplied(formula, label)) > 1:
                    return True
                bare, others = self._holders(formula, label)
                inner = all(self.is_complete(factors[k], label) for k in others)
                return inner and self._sums(formula, bare, label)
        holding = [part for part in children(formula) if label in self.free(part)]
        return all(self.is_complete(part, label) for part in holding)

    def _multiplied(self, formula: Formula, label: str) -> tuple[int, int]:
        """Return how many occurrences are multiplied above the fraction bar, and below one."""
        formula = unsigned(formula)
        if label not in self.free(formula):
            return 0, 0
        if isinstance(formula, Power) and label not in self.free(formula.exponent):
            formula = unsigned(formula.base)
        if isinstance(formula, Symbol | Derivative):
            return min(2, labels_of(formula).count(label)), 0
        if not isinstance(formula, Product):
            return 1, 0
        above = below = 0
        for k in self._places(formula)[label]:
            up, down = self._multiplied(formula.factors[k], label)
            above, below = (above, max(below, up)) if formula.divides[k] else (
                above + up, max(below, down))  # fmt: skip
        return above, below

    def summed(self, product: Product, kept: Collection[str]) -> Summed:
        """Return the labels that are summed over this product, or over its bare tensors."""
        result = Summed([], {})
        for found in self.decisions(product, kept):
            if not found.apart:
                result.whole.append(found.label)
            elif len(found.bare) > 1:
                for k in found.bare:
                    result.bare.setdefault(k, []).append(found.label)
        return result

    def scopes(self, product: Product, kept: Collection[str]) -> list[Collection[str]]:
        """Return the labels that are not summed inside each factor."""
        found = self.summed(product, kept)
        inner = {*kept, *found.whole}
        return [
            inner.union(found.bare[k]) if k in found.bare else inner
            for k in range(len(product.factors))
        ]

    def dangling(self, formula: Formula, kept: Collection[str]) -> Iterator[tuple[str, Formula]]:
        """Yield the labels that occur once, so that nothing sums them, and where they stand."""
        match formula:
            case Symbol() | Derivative():
                counts = Counter(labels_of(formula))
                yield from ((k, formula) for k in counts if k not in kept and counts[k] == 1)
            case TensorAt(labels=labels):
                yield from ((k, formula) for k in dict.fromkeys(labels) if k not in kept)
            case Product(factors=factors):
                for factor, inner in zip(factors, self.scopes(formula, kept), strict=True):
                    yield from self.dangling(factor, inner)
            case Call():
                axes = self.axes(formula)
                for arg in children(formula):
                    yield from self.dangling(arg, {*kept, *axes})
                if keeps_labels(formula.function):
                    yield from ((axis, formula) for axis in axes if axis not in kept)
            case _:
                for part in children(formula):
                    yield from self.dangling(part, kept)
