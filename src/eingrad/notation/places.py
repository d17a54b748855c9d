"""Letters in comparisons that are labels: ``i < j`` compares where they stand on their axes.

A condition is no occurrence of its labels. Those below a function, ``sum_{j != i}(...)``, are
bound by it unless something else keeps or uses them. LaTeX counts from 1, as books do, the
notation from 0, as programs do.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeVar

from eingrad.notation.lexeme import keeps_labels
from eingrad.notation.mistakes import compared_with_nothing
from eingrad.notation.summation import (
    Summation,
    children,
    kept_by,
    labels_of,
    rebuilt,
    walk,
)
from eingrad.notation.syntax import (
    Assignment,
    Assumption,
    Call,
    Compare,
    Declaration,
    Derivative,
    Equation,
    Formula,
    Number,
    Ordinal,
    Product,
    SizeOf,
    Sum,
    Symbol,
    TensorAt,
)

S = TypeVar("S", bound=Assignment | Assumption | Equation | Declaration)
Bound = tuple[tuple[tuple[int, SizeOf | Ordinal], ...], int]


def with_places(statement: S, latex: bool = False) -> S:
    """Return a statement with places for the letters in comparisons that are labels in it.

    >>> i, j = Symbol("i"), Symbol("j")
    >>> total = Call("sum", (Symbol("x", ("j",)),), (), None, (Compare("!=", j, i),))
    >>> read = with_places(Assignment(Symbol("y", ("i",)), total))
    >>> read.value.axes, read.value.conditions[0].right
    (('j',), Ordinal(label='i', position=None))
    """
    fields = ("value",) if isinstance(statement, Assignment) else ("left", "right")
    sides = [getattr(statement, name, Number(0)) for name in fields]
    if not any(isinstance(part, Compare) for side in sides for part in walk(side)):
        return statement
    kept = labels_of(statement.target) if isinstance(statement, Assignment) else ()
    letters = _Letters.of(sides, kept, latex)
    read = [letters.placed(side) for side in sides]
    outer = kept_by(_with(statement, fields, map(_tentative, read)))
    return _with(statement, fields, (_bound(side, outer) for side in read))


def _with(statement: S, names: Iterable[str], sides: Iterable[Formula]) -> S:
    """Exchange the formulas of a statement."""
    changed: dict[str, Any] = dict(zip(names, sides, strict=True))
    return replace(statement, **changed)


def indicated_by(compare: Compare) -> tuple[Symbol | TensorAt, Ordinal] | None:
    """Return the integer tensor and the label of ``j == y[b]`` and ``j != y[b]``."""
    sides = compare.left, compare.right
    if compare.op in {"==", "!="}:
        for index, label in (sides, sides[::-1]):
            if isinstance(index, Symbol | TensorAt) and isinstance(label, Ordinal):
                return index, label
    return None


def compared(call: Call) -> list[str]:
    """Return the labels that a call's conditions compare."""
    parts = (part for condition in call.conditions for part in walk(condition))
    return [part.label for part in parts if isinstance(part, Ordinal)]


def bounds_of(condition: Compare, label: str) -> list[Bound]:
    """Return what a condition says of how many entries a label goes over at most: extents, each so
    many times, of letters or of other labels' own axes, and a number more.

    >>> k, i = Ordinal("k"), Ordinal("i")
    >>> bounds_of(Compare("<=", k, Sum((i, Number(1)), (False, False))), "k")
    [(((1, Ordinal(label='i', position=None)),), 1)]
    >>> bounds_of(Compare(">", k, i), "k")
    []
    """
    left, right = _linear(condition.left), _linear(condition.right)
    first = condition.left
    if isinstance(first, Call) and first.function == "abs" and condition.op in {"<", "<=", "=="}:
        turned = Compare(">=", first.args[0], Sum((condition.right,), (True,)))
        sides = (replace(condition, left=first.args[0]), turned)  # |i - k| <= 1: on both sides
        return [bound for side in sides for bound in bounds_of(side, label)]
    if left is None or right is None or condition.op == "!=":
        return []
    own = Ordinal(label)
    apart = {x: left.get(x, 0) - right.get(x, 0) for x in {**left, **right}}
    whole = all(n.denominator == 1 for n in apart.values())
    strict = 1 if whole and condition.op in {"<", ">"} else 0
    signs = {"<": (1,), "<=": (1,), ">": (-1,), ">=": (-1,)}.get(condition.op, (1, -1))
    for sign in signs:
        times = sign * apart.get(own, 0)
        if times > 0:  # own <= the sum of the others, whatever these are
            rest = {x: -sign * n / times for x, n in apart.items() if x != own}
            number = math.floor(rest.pop(ONE, 0) - strict / times) + 1
            terms = [(math.ceil(n), x) for x, n in rest.items()
                     if n > 0 and not isinstance(x, Number)]  # fmt: skip
            number -= sum(n for n, x in terms if isinstance(x, Ordinal))
            return [(tuple(terms), max(number, 0 if terms else 1))]
    return []


def ends_at(condition: Compare, label: str) -> str | None:
    """Return the letter of the extent at which a condition ends a label: o of ``q < size(o)``."""
    for terms, more in bounds_of(condition, label):
        match terms:
            case ((1, SizeOf(label=end)),) if not more:
                return end
    return None


ONE = Number(1)
Linear = dict[SizeOf | Ordinal | Number, Fraction]


def _linear(formula: Formula) -> Linear | None:
    """Read a sum of places, extents and numbers, each so many times; None for anything else."""
    match formula:
        case Number(value=int() | Fraction() as value):
            return {ONE: Fraction(value)}
        case SizeOf() | Ordinal():
            return {formula: Fraction(1)}
        case Sum(terms=terms, negative=negative):
            total: Linear = {}
            for term, minus in zip(terms, negative, strict=True):
                one = _linear(term)
                if one is None:
                    return None
                for x, n in one.items():
                    total[x] = total.get(x, Fraction(0)) + (-n if minus else n)
            return total
        case Product(factors=factors, divides=divides):
            times, inner = Fraction(1), None
            for factor, below in zip(factors, divides, strict=True):
                one = _linear(factor)
                if one is None or ((below or inner) and {*one} != {ONE}) or one.get(ONE) == 0:
                    return None
                if {*one} == {ONE}:
                    times = times / one[ONE] if below else times * one[ONE]
                else:
                    inner = one
            return {x: n * times for x, n in (inner or {ONE: Fraction(1)}).items()}
    return None


# --- which letters are places -------------------------------------------------------------------


@dataclass(frozen=True)
class _Letters:
    """The labels of a statement; ``loose`` are those that only stand alone in brackets, ``s[y]``,
    which are integers beside a label."""

    labels: frozenset[str]
    loose: frozenset[str]
    latex: bool

    @classmethod
    def of(cls, sides: Collection[Formula], kept: Collection[str], latex: bool) -> _Letters:
        """Return those of a statement that keeps some."""
        labels, alone = {*kept}, set[str]()
        for part in (part for side in sides for part in walk(side)):
            if isinstance(part, Symbol) and _alone(part) and not latex:
                alone.update(part.labels)
            elif isinstance(part, Symbol | TensorAt):
                labels.update(part.labels)
            elif isinstance(part, Call):
                labels.update(part.axes)
        return cls(frozenset(labels), frozenset(alone - labels), latex)

    def placed(self, formula: Formula) -> Formula:
        """Put places for letters in the comparisons of a formula."""
        if isinstance(formula, Derivative):
            return formula
        parts = [self.placed(part) for part in children(formula)]
        formula = rebuilt(formula, parts)
        return self._compare(formula) if isinstance(formula, Compare) else formula

    def _compare(self, compare: Compare) -> Compare:
        named = {x.name for x in walk(compare) if isinstance(x, Symbol) and not x.labels}
        own = self.labels if named & self.labels else self.labels | self.loose
        left, right = (_side(x, own) for x in (compare.left, compare.right))
        found = _by_one(replace(compare, left=left, right=right))
        if not self.latex:
            return found
        for letter, place in ((left, right), (right, left)):
            bare = isinstance(letter, Symbol) and not letter.labels and len(letter.name) == 1
            if bare and isinstance(place, Ordinal) and compare.op not in {"==", "!="}:
                raise compared_with_nothing(letter)  # type: ignore[arg-type]
        return shifted(found, -1)


def _side(formula: Formula, letters: Collection[str]) -> Formula:
    """Put places for letters in one side of a comparison: alone, or added to something."""
    match formula:
        case Symbol(name=name, labels=()) if name in letters:
            return Ordinal(name, formula.position)
        case Sum(terms=terms):
            return replace(formula, terms=tuple(_side(x, letters) for x in terms))
        case Product(factors=factors) if (
            sum(not isinstance(x, Number | SizeOf) for x in factors) == 1
        ):
            return replace(formula, factors=tuple(_side(x, letters) for x in factors))
        case Call(function="abs", args=args):
            return replace(formula, args=tuple(_side(x, letters) for x in args))
    return formula


def _alone(symbol: Symbol) -> bool:
    return symbol.brackets and len(symbol.labels) == 1 and not symbol.moves


CLOSER = {("<=", -1): "<", (">=", 1): ">", ("<", 1): "<=", (">", -1): ">="}


def _by_one(compare: Compare) -> Compare:
    """Write ``j <= i - 1`` as ``j < i``: places are integers."""
    if isinstance(compare.left, Ordinal) and isinstance(compare.right, Sum):
        label, offset = _and_number(compare.right)
        op = CLOSER.get((compare.op, offset))
        if isinstance(label, Ordinal) and op is not None:
            return replace(compare, op=op, right=label)
    return compare


def _and_number(formula: Formula) -> tuple[Formula | None, int]:
    """Split a whole number off a sum of it and something else: ``i - 1`` is (i, -1)."""
    if isinstance(formula, Number) and isinstance(formula.value, int):
        return None, formula.value
    if isinstance(formula, Sum):
        signed = list(zip(formula.terms, formula.negative, strict=True))
        numbers = [-x.value if minus else x.value for x, minus in signed
                   if isinstance(x, Number) and isinstance(x.value, int)]  # fmt: skip
        rest = [(x, minus) for x, minus in signed if not isinstance(x, Number)]
        if len(rest) == 1 and not rest[0][1] and len(numbers) == 1:
            return rest[0][0], numbers[0]
    return formula, 0


def shifted(compare: Compare, by: int) -> Compare:
    """Return a comparison of places with numbers where these count from ``-by``.

    Two labels count alike, and integers that tensors are read at count from 0 everywhere.

    >>> shifted(Compare("<", Ordinal("i"), Number(2)), 1).right
    Number(value=3, position=None)
    """
    count = _places(compare.left) - _places(compare.right)
    if not count or indicated_by(compare) is not None:
        return compare
    if count < 0:
        return replace(compare, left=_plus(compare.left, -by * count))
    return replace(compare, right=_plus(compare.right, by * count))


def _places(side: Formula) -> int:
    """Return how often a side of a comparison counts from the first place."""
    match side:
        case Ordinal():
            return 1
        case Sum(terms=terms, negative=negative):
            return sum(-_places(x) if minus else _places(x)
                       for x, minus in zip(terms, negative, strict=True))  # fmt: skip
    return 0


def _plus(formula: Formula, number: int) -> Formula:
    """Add a whole number to a side of a comparison."""
    rest, own = _and_number(formula)
    total = own + number
    if rest is None:
        negative = Sum((Number(-total),), (True,))
        return negative if total < 0 else Number(total)
    if total == 0:
        return rest
    terms = (
        (*rest.terms, Number(abs(total))) if isinstance(rest, Sum) else (rest, Number(abs(total)))
    )
    signs = (*rest.negative, total < 0) if isinstance(rest, Sum) else (False, total < 0)
    return Sum(terms, signs)


# --- which of them a function binds --------------------------------------------------------------


def _bound(formula: Formula, outer: Collection[str]) -> Formula:
    """Name the axes that functions with conditions bind: of the labels in ``outer`` none."""
    parts = children(formula)
    around: list[set[str]] = [{*outer}] * len(parts)
    match formula:
        case Derivative():
            return formula
        case Product():
            held = [{*Summation().free(_tentative(x))} for x in parts]
            for k in range(len(parts)):
                around[k] = {*outer}.union(*(own for j, own in enumerate(held) if j != k))
        case Call(conditions=conditions, axes=axes) if axes or conditions:
            named = (x for x in compared(formula) if x not in outer)
            if conditions and not keeps_labels(formula.function):
                axes = tuple(dict.fromkeys((*Summation().axes(formula), *named)))
                formula = replace(formula, axes=axes)
            around = [{*outer, *Summation().axes(formula)}] * len(parts)
    return rebuilt(formula, [_bound(x, o) for x, o in zip(parts, around, strict=True)])


def _tentative(formula: Formula) -> Formula:
    """Bind all labels that conditions compare: what is left is used outside."""
    if isinstance(formula, Derivative):
        return formula
    if isinstance(formula, Call) and formula.conditions and not keeps_labels(formula.function):
        axes = tuple(dict.fromkeys((*formula.axes, *compared(formula))))
        formula = replace(formula, axes=axes)
    return rebuilt(formula, [_tentative(part) for part in children(formula)])


__all__ = ["bounds_of", "compared", "ends_at", "indicated_by", "shifted", "with_places"]
