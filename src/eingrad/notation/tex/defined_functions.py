r"""Functions that a text defines: ``g(z) = \frac{1}{1 + e^{-z}}``, taken of other things than z."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from eingrad.errors import NotationError
from eingrad.notation.summation import children, rebuilt, walk
from eingrad.notation.syntax import (
    Assignment,
    Assumption,
    Call,
    Declaration,
    Dependence,
    Equation,
    Formula,
    Shaped,
    Symbol,
)
from eingrad.notation.tex import names
from eingrad.notation.tex.rows import Row, sides
from eingrad.notation.tokens import Token

DEEPEST = 8  # definitions that speak of each other


def _name(token: Token) -> str:
    """Return the name that a letter is, Latin or Greek; nothing for another token."""
    return names.letter(token.text) if token.kind == "LETTER" else names.greek(token.text) or ""


def function_rows(found: Sequence[Row]) -> dict[int, tuple[str, str]]:
    """Return the places of the rows that define functions, each with its name and its argument.

    Such a name stands before parentheses alone, and somewhere with something else in them.
    """
    result: dict[int, tuple[str, str]] = {}
    for k, row in enumerate(found):
        pair = sides(row.tokens)
        left = pair[0]
        if len(pair) != 2 or [t.text for t in left[1:4:2]] != ["(", "("] or len(left) != 4:
            continue
        name, argument = _name(left[0]), _name(left[2])
        others = [t for j, other in enumerate(found) for t in (
            other.tokens if j != k else pair[1])]  # fmt: skip
        if name and argument and _is_applied(name, argument, others):
            result[k] = name, argument
    return result


def _is_applied(name: str, argument: str, tokens: Sequence[Token]) -> bool:
    """Whether a name stands before parentheses alone, and not always with the same argument."""
    other = name == "sigma"
    for k, token in enumerate(tokens):
        if _name(token) != name or (k and tokens[k - 1].kind in {"SUB", "SUP"}):
            continue
        after = tokens[k + 1 : k + 4]
        if not after or after[0].text != "(":
            return False
        other = other or [_name(t) for t in after[1:2]] != [argument] or after[-1].kind != "CLOSE"
    return other


Defined = Mapping[str, Dependence]


def put_in_place(formula: Formula, functions: Defined, depth: int = 0) -> Formula:
    """Return a formula with the formulas of functions for their calls.

    Raises NotationError for a derivative of one, and for definitions that go in a circle.
    """
    if not functions or not any(isinstance(x, Call) for x in walk(formula)):
        return formula
    parts = [put_in_place(x, functions, depth) for x in children(formula)]
    formula = rebuilt(formula, parts) if parts else formula
    if not isinstance(formula, Call):
        return formula
    known = functions.get(formula.function.rstrip("'"))
    if known is None or known.value is None:
        return formula
    name = formula.function
    if name.endswith("'") or len(formula.args) != 1 or formula.axes or depth > DEEPEST:
        hint = "write its formula, or call it something else where it is defined"
        raise NotationError(f"{name} of a function that the text defines", hint=hint,
                            position=formula.position, operand=name)  # fmt: skip
    value = put_in_place(known.value, functions, depth + 1)
    return _with(value, known.arguments[0].name, formula.args[0])


def _with(formula: Formula, name: str, value: Formula) -> Formula:
    """Return a formula with another one for each place of a name without labels."""
    if isinstance(formula, Symbol):
        return value if formula.name == name and not formula.labels else formula
    parts = [_with(x, name, value) for x in children(formula)]
    return rebuilt(formula, parts) if parts else formula


S = TypeVar("S", bound=Assignment | Assumption | Declaration | Shaped | Equation)


def statement_in_place(statement: S, functions: Defined) -> S:
    """Return a statement or claim in which no such function is called."""
    if isinstance(statement, Assignment):
        return replace(statement, value=put_in_place(statement.value, functions))
    if isinstance(statement, Equation | Assumption):
        left, right = (put_in_place(x, functions) for x in (statement.left, statement.right))
        return replace(statement, left=left, right=right)
    return statement
