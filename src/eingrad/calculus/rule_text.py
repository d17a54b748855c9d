"""A rule's text read into index form, and all texts' forms written as the module `rule_forms`.

``python -m eingrad.calculus.rule_text`` writes it, so that who derives, runs or checks a model
reads no text of a rule.
"""

from __future__ import annotations

from dataclasses import fields
from itertools import count
from pathlib import Path

import numpy as np

from eingrad.calculus.pattern import (
    CONDITIONS,
    Applied,
    Dirac,
    Form,
    Hole,
    Names,
    Pattern,
    Plus,
    Times,
    holes_of,
    order,
)
from eingrad.calculus.rule_table import FORMS, FORMULAS, LATE, NUMERIC, PORTABLE, TIDIES
from eingrad.calculus.structure import open_product
from eingrad.core.algebra import base_and_exponent, scale_of
from eingrad.core.arrays import Matrix
from eingrad.core.evaluate import evaluate
from eingrad.core.expr import Const, Delta, Expr, Map, Number, Reduce, Var
from eingrad.notation.lower import lower
from eingrad.notation.parse import parse_formula, parse_statements
from eingrad.notation.summation import Summation


def read_form(text: str) -> Form:
    """Read a rule's text.

    >>> form = read_form("log(exp(x)) -> x")
    >>> form.left
    Applied(function='log', args=(Applied(function='exp', args=(Hole(name='x', labels=()),), \
bound=(), out=()),), bound=(), out=())
    >>> form.right
    Hole(name='x', labels=())
    """
    name, _, condition = text.partition(" if ")[2].partition(" ")
    if name and condition not in CONDITIONS:
        raise ValueError(f"{text}: a condition is one of {', '.join(CONDITIONS)}")
    before, after, free = expressions(text)
    hole = name if condition == "condition" else ""
    reader = _RuleReader(hole)
    left, right = reader.read(before, free), reader.read(after, free)
    if left == _RuleReader(hole).read(after, free) or isinstance(left, Hole):
        raise ValueError(f"{text}: the left side is a name, or in normal form the right side")
    if not holes_of(right) <= holes_of(left):
        raise ValueError(f"{text}: the right side has names that the left side lacks")
    return Form(left, right, (name, condition) if name else None)


def expressions(text: str) -> tuple[Expr, Expr, Names]:
    """Return both sides of a text, and the labels that nothing in them sums."""
    sides = text.partition(" if ")[0].split(" -> ")
    labels, formulas = Summation(), [parse_formula(side) for side in sides]
    free = {label: None for side in formulas for label, _ in labels.dangling(side, ())}
    target = f"_{''.join(free)}" if free else ""
    both = zip(("Left", "Right"), sides, strict=True)
    system = lower(parse_statements("\n".join(f"{x}{target} = {side}" for x, side in both)))
    left, right = (system.definitions[x].expr for x in ("Left", "Right"))
    return left, right, tuple(free)


class _RuleReader:
    """Expressions -> patterns. ``condition`` is the name that the notation reads as ``c != 0``."""

    def __init__(self, condition: str) -> None:
        self.condition = condition
        self.fresh = map(str, count())

    def read(self, node: Expr, labels: Names) -> Pattern:
        if not isinstance(node, Map):
            return self._read_axes(node, labels)
        if node.function == "add":
            terms = [
                (self.read(x, labels if x.ndim else ()), c) for c, x in map(scale_of, node.operands)
            ]
            return Plus(tuple(sorted(terms, key=lambda t: order(t[0]))))
        if node.function == "pow":
            return self._read_product(node, labels)
        if node.function == "ne" and Var(self.condition, ()) in node.operands:
            return Hole(self.condition)
        args = tuple(self.read(x, labels if x.ndim else ()) for x in node.operands)
        return self._folded(Applied(node.function, args))

    def _read_axes(self, node: Expr, labels: Names) -> Pattern:
        """Read a tensor, a product, or a function over axes."""
        if isinstance(node, Var):
            return Hole(node.name, labels)
        if isinstance(node, Delta):
            return Dirac(labels)
        if isinstance(node, Reduce | Matrix):
            (arg,) = node.operands
            axes = node.axes if isinstance(node, Reduce) else range(arg.ndim - 2, arg.ndim)
            own = {axis: next(self.fresh) for axis in axes}
            keeps = node.ndim == arg.ndim
            rest = iter(labels if keeps else [*labels])
            inner = []
            for axis in range(arg.ndim):
                outer = next(rest) if keeps or axis not in own else ""
                inner.append(own.get(axis, outer))
            out = tuple(labels[axis] for axis in axes) if keeps else ()
            return Applied(node.function, (self.read(arg, tuple(inner)),), tuple(own.values()), out)
        return self._read_product(node, labels)

    def _read_product(self, node: Expr, labels: Names) -> Pattern:
        product = open_product(node)
        names = dict(zip(product.output, labels, strict=True))
        summed = {k: next(self.fresh) for k in sorted(product.summed())}
        names |= summed
        powers: dict[tuple[Pattern, Pattern | None], Number] = {}
        for x, own in product.factors:
            base, exponent = base_and_exponent(x)
            hole: Pattern | None = None
            if isinstance(x, Map) and x.function == "pow" and exponent == 1:
                base, hole = x.operands[0], self.read(x.operands[1], ())
            key = self.read(base, tuple(names[k] for k in own)), hole
            powers[key] = powers.get(key, 0) + exponent
        factors: list[tuple[Pattern, Number | Pattern]] = [
            (base, hole or power) for (base, hole), power in powers.items()
        ]
        factors.sort(key=lambda f: order(f[0]))
        if product.coefficient == 1 and not summed and [e for _, e in factors] == [1]:
            return factors[0][0]
        return Times(product.coefficient, tuple(factors), tuple(summed.values()))

    def _folded(self, call: Applied) -> Pattern:
        """Compute a function of numbers: ``log(2)``."""
        numbers = [x.coefficient for x in call.args if isinstance(x, Times) and not x.parts]
        if len(numbers) < len(call.args):
            return call
        values = [np.asarray(x, float) for x in numbers]
        node = Map(call.function, [Const(x) for x in numbers])
        return Times(float(evaluate(node, values, {}, {}, float)))


# --- the module of all texts' forms -------------------------------------------------------------


def _code(value: object) -> str:
    """Write a form as Python, without fields that have their default."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_code, value))}{',' * (len(value) == 1)})"
    if not isinstance(value, Hole | Times | Plus | Applied | Dirac | Form):
        return repr(value)
    parts = [getattr(value, f.name) for f in fields(value)]
    while parts and parts[-1] in ((), None):
        parts.pop()
    return f"{type(value).__name__}({', '.join(map(_code, parts))})"


def module() -> str:
    """Return the source of `rule_forms`."""
    texts = dict.fromkeys(text for table in TABLES for rule in table for text in rule.texts)
    lines = "".join(f"    {text!r}:\n        {_code(read_form(text))},\n" for text in texts)
    return f"{HEAD}{lines}}}\n"


HEAD = '''"""The rules' texts in index form: written by ``python -m eingrad.calculus.rule_text``."""

# ruff: noqa: E501
# fmt: off
from fractions import Fraction

from eingrad.calculus.pattern import Applied, Dirac, Form, Hole, Plus, Times

TEXTS: dict[str, Form] = {
'''
TABLES = (FORMS, FORMULAS, TIDIES, LATE, NUMERIC, PORTABLE)

if __name__ == "__main__":
    Path(__file__).with_name("rule_forms.py").write_text(module())
