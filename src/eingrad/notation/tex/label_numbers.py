r"""Labels as numbers in LaTeX: t in ``\gamma^t r_t``, in ``t \gamma^{t-1}``, ``\lambda^{t-k}``."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from eingrad.notation.matrix.statements import labels_inside
from eingrad.notation.summation import children, rebuilt, walk
from eingrad.notation.syntax import (
    Call,
    Compare,
    Formula,
    Number,
    Ordinal,
    Product,
    Sum,
    Symbol,
)
from eingrad.notation.tex.survey import Context


def with_label_numbers(value: Formula, target: Formula, context: Context) -> Formula:
    """Return a right side whose labels that stand alone are their places, counted as its text does.

    Where the text does not say whether it counts from 0 or from 1, differences of labels are read,
    as t - k, and nothing else.
    """
    labels = {*labels_inside(target), *labels_inside(value)}
    labels |= {x for part in walk(value) if isinstance(part, Call) for x in part.axes}
    return _Numbers(labels - {*context.tensors}, context).read(value)


@dataclass(frozen=True)
class _Numbers:
    """Reads the ``labels`` of a statement."""

    labels: Collection[str]
    context: Context

    def read(self, formula: Formula) -> Formula:
        if isinstance(formula, Sum) or self._factor(formula):
            return self._combination(formula)
        if not children(formula) or isinstance(formula, Compare):
            return formula
        parts = [x if isinstance(x, Compare) else self.read(x) for x in children(formula)]
        return rebuilt(formula, parts)

    def _factor(self, term: Formula) -> tuple[int, str] | None:
        """Return how often a term counts a label: 2 and k for ``2 k``; None of another term."""
        match term:
            case Symbol(name=name, labels=(), moves=()) if name in self.labels:
                return 1, name
            case Product(factors=(Number(value=n), Symbol(labels=()) as x), divides=(_, False)):
                return (int(n), x.name) if x.name in self.labels and n == int(n) else None
        return None

    def _combination(self, formula: Formula) -> Formula:
        """Read a sum in which labels stand: its number says from where these are counted."""
        whole = formula if isinstance(formula, Sum) else Sum((formula,), (False,))
        signs = [-1 if minus else 1 for minus in whole.negative]
        terms = whole.terms
        own = [self._factor(x) for x in terms]
        counted = [(sign * x[0], x[1]) for sign, x in zip(signs, own, strict=True) if x]
        begins = [self._begin(label) for _, label in counted]
        if counted and None in begins:
            told = any(x in self.context.starts for _, x in counted)
            if told or sum([n for n, _ in counted]) != 0:
                counted = []
            begins = [0] * len(counted)
        if not counted:
            return (
                rebuilt(formula, [self.read(x) for x in terms]) if terms != (formula,) else formula
            )
        constant = sum(n * (b or 0) for (n, _), b in zip(counted, begins, strict=True))
        found: list[tuple[Formula, bool]] = []
        for term, sign, factor in zip(terms, signs, own, strict=True):
            if factor:
                found.append((_counted(term), sign < 0))
            elif isinstance(term, Number) and term.value == int(term.value):
                constant += sign * int(term.value)
            else:
                found.append((self.read(term), sign < 0))
        if constant:
            found.append((Number(abs(constant)), constant < 0))
        if len(found) == 1 and not found[0][1]:
            return found[0][0]
        return Sum(tuple(x for x, _ in found), tuple(minus for _, minus in found), formula.position)

    def _begin(self, label: str) -> int | None:
        """Return the number of a label's first place, if the text says it."""
        own = self.context.starts.get(label, {self.context.first})
        return next(iter(own)) if len(own) == 1 and {*own} <= {0, 1} else None


def _counted(term: Formula) -> Formula:
    """Return a label, or a number of times a label, as a place."""
    if isinstance(term, Product):
        return replace(term, factors=(term.factors[0], _counted(term.factors[1])))
    assert isinstance(term, Symbol)
    return Ordinal(term.name, term.position)
