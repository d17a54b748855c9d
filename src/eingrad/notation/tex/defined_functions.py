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
    Derivative,
    Equation,
    Formula,
    Shaped,
    Symbol,
    TensorAt,
)
from eingrad.notation.tex import names
from eingrad.notation.tex.rows import Row, sides
from eingrad.notation.tex.tidy import group_end
from eingrad.notation.tokens import Token

DEEPEST = 8  # definitions that speak of each other


def _name(token: Token) -> str:
    """Return the name that a letter is, Latin or Greek; nothing for another token."""
    if token.kind in {"LETTER", "FUNCTION"}:
        return names.letter(token.text)
    return names.greek(token.text) or ""


def _with_short_head(tokens: Sequence[Token]) -> Sequence[Token]:
    r"""Return a left side with one token for the known function that it defines:
    ``\text{ReLU}(x)``, ``\tanh(x)``."""
    if not tokens:
        return tokens
    end = group_end(tokens, 1) + 1 if len(tokens) > 1 and tokens[0].text in names.UPRIGHT else 1
    word = "".join(t.text for t in tokens[2 : end - 1]) if end > 1 else ""
    name = names.function_name(word) if word else names.function_command(tokens[0].text)
    if name is None or not tokens or tokens[0].kind != "COMMAND":
        return tokens
    return [replace(tokens[0], kind="FUNCTION", text=name), *tokens[end:]]


def function_rows(found: Sequence[Row]) -> dict[int, tuple[str, str]]:
    """Return the places of the rows that define functions, each with its name and its argument.

    Such a name stands before parentheses alone, and somewhere with something else in them.
    """
    result: dict[int, tuple[str, str]] = {}
    heads: dict[int, tuple[str, str]] = {}
    bodies: dict[int, Sequence[Token]] = {}
    for k, row in enumerate(found):
        pair = sides(row.tokens)
        left = _with_short_head(pair[0])
        if len(pair) != 2 or [t.text for t in left[1:4:2]] != ["(", "("] or len(left) != 4:
            continue
        heads[k], bodies[k] = (_name(left[0]), _name(left[2])), pair[1]
        others = [t for j, other in enumerate(found) for t in (
            other.tokens if j != k else pair[1])]  # fmt: skip
        known = left[0].kind == "FUNCTION"
        if all(heads[k]) and (known or _is_applied(*heads[k], others)):
            result[k] = heads[k]
    while more := [
        k
        for k in heads.keys() - result.keys()
        if any(
            argument == heads[k][1] and heads[k][0] in map(_name, bodies[j])
            for j, (_, argument) in result.items()
        )
    ]:  # f in p(x) = \sigma(f(x)), which is taken of x_i
        result |= {k: heads[k] for k in more}
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
    if not functions or not any(isinstance(x, Call | Derivative) for x in walk(formula)):
        return formula
    if isinstance(formula, Derivative):
        return replace(formula, of=put_in_place(_applied(formula, functions), functions, depth))
    parts = [put_in_place(x, functions, depth) for x in children(formula)]
    formula = rebuilt(formula, parts) if parts else formula
    if not isinstance(formula, Call):
        return formula
    known = functions.get(formula.function.rstrip("'"))
    if known is None or known.value is None:
        return formula
    name = formula.function
    of_one = len(formula.args) == 1 and not formula.axes
    if name.endswith("'") and of_one and _is_number(formula.args[0]):
        primes = len(name) - len(name.rstrip("'"))
        value = put_in_place(replace(formula, function=name[:-primes]), functions, depth)
        assert isinstance(formula.args[0], Symbol)
        return Derivative(value, (formula.args[0],) * primes, formula.position)  # g'(z)
    if name.endswith("'") or not of_one or depth > DEEPEST:
        hint = "write its formula, or call it something else where it is defined"
        raise NotationError(f"{name} of a function that the text defines", hint=hint,
                            position=formula.position, operand=name)  # fmt: skip
    value = put_in_place(known.value, functions, depth + 1)
    argument = known.arguments[0].name
    if any(isinstance(x, Symbol | TensorAt) and x.name == argument
           and not (isinstance(x, Symbol) and not x.labels) for x in walk(value)):  # fmt: skip
        raise NotationError(
            f"{name} takes a number where it is defined, and entries of {argument}, too",
            hint=f"define its entries, {name}_i = ..., by what it is taken of",
            position=formula.position, operand=name,
        )  # fmt: skip
    return _with(value, argument, formula.args[0])


def _applied(derivative: Derivative, functions: Defined) -> Formula:
    r"""Return what is differentiated: the g of ``\frac{dg}{dz}`` is g(z) where a text says so."""
    of = derivative.of
    if not isinstance(of, Symbol) or of.labels:
        return of
    known = functions.get(of.name)
    if known is None or known.value is None or {*derivative.wrt} != {*known.arguments}:
        return of
    return Call(of.name, known.arguments, (), of.position)


def _is_number(formula: Formula) -> bool:
    """Whether a formula is a name without labels, by which one may differentiate."""
    return isinstance(formula, Symbol) and not formula.labels


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
        target = put_in_place(statement.target, functions)
        assert isinstance(target, Symbol | Derivative)
        return replace(statement, target=target, value=put_in_place(statement.value, functions))
    if isinstance(statement, Equation | Assumption):
        left, right = (put_in_place(x, functions) for x in (statement.left, statement.right))
        return replace(statement, left=left, right=right)
    return statement
