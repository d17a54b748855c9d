r"""A text in LaTeX to statements: what it declares and calls an extent is found first."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from eingrad.errors import NotationError
from eingrad.notation.gathers import with_integers
from eingrad.notation.summation import Summation, children, walk
from eingrad.notation.syntax import (
    Assignment,
    Assumption,
    Declaration,
    Derivative,
    Formula,
    Statement,
    Symbol,
)
from eingrad.notation.tex.parse import Parser
from eingrad.notation.tex.scripts import TRANSPOSED
from eingrad.notation.tex.stream import Context
from eingrad.notation.tex.tokens import Lexer, Token, rows
from eingrad.notation.tokens import MAX_DEPTH, too_deep
from eingrad.notation.words import KNOWN_FUNCTIONS

_LATEX = re.compile(
    r"\\(?:[dt]?frac|sum|prod|left|right|begin|partial|log|ln|exp|sqrt|cdot|times|odot|text|tanh"
    r"|operatorname|math[a-z]+|boldsymbol|hat|bar|tilde|max|min|det|sin|cos|le|ge|ne|quad|[,;|])"
    r"(?![A-Za-z])"
)
STATEMENT_HINT = r"a statement is a tensor with its labels, =, and a formula: y_i = W_{ij} x_j"


def is_latex(text: str) -> bool:
    r"""Whether a text has commands that the plain notation lacks: ``\frac``, ``\left``, ``\log``.

    >>> is_latex(r"L = \frac{1}{2} x_i x_i"), is_latex(r"y_i = \alpha x_{ij} W^{(1)}_{j}")
    (True, False)
    """
    return isinstance(text, str) and _LATEX.search(re.sub(r"#[^\n]*", "", text)) is not None


def read_statements(text: str) -> tuple[Statement, ...]:
    r"""Read a model in LaTeX.

    >>> from eingrad.notation.text import to_text
    >>> [to_text(s) for s in read_statements(r"L = \frac{1}{m} \sum_{b=1}^{m} \log(p_b)")]
    ['L = mean_b(log(p_b))']
    """
    lexer = Lexer(text)
    found = rows(lexer.tokens())
    functions = [str(_declared(row, lexer)) for row in found if _is_word(row, "function")]
    context = Context(lexer, functions)
    statements = _statements(found, context)
    tensors = {s.target.name for s in statements
               if isinstance(s, Assignment) and isinstance(s.target, Symbol)}  # fmt: skip
    sizes = {name: label for name, label in context.found.items() if name not in tensors}
    if sizes or tensors & ({"e", "d", "sigma"} | KNOWN_FUNCTIONS):
        statements = _statements(found, Context(lexer, functions, tensors, sizes))
    integers = _integers(statements)
    return tuple(with_integers(s, integers) if isinstance(s, Assignment) else s for s in statements)


def read_claim(text: str, names: Collection[str] = ()) -> Assignment:
    r"""Read ``\frac{\partial L}{\partial W_{ij}} = ...``; ``names`` are the model's tensors."""
    lexer = Lexer(text)
    found = rows(lexer.tokens())
    context = Context(lexer, (), set(names), closed=bool(names))
    statements = _statements(found, context)
    sizes = {name: label for name, label in context.found.items() if name not in names}
    if sizes:
        statements = _statements(found, replace(context, sizes=sizes))
    if len(statements) != 1 or not isinstance(statements[0], Assignment):
        raise NotationError("a claim is one equation", hint=STATEMENT_HINT)
    return statements[0]


def read_formula(
    text: str, functions: Collection[str] = (), names: Collection[str] = ()
) -> Formula:
    r"""Read one formula.

    >>> from eingrad.notation.text import to_text
    >>> to_text(read_formula(r"\sigma\left(a_{i}\right)^{2}"))
    'sigmoid(a_i)^2'
    """
    lexer = Lexer(text)
    found = rows(lexer.tokens())
    tokens = [token for row in found for token in row]
    return _formula(tokens, Context(lexer, functions, names), comparison=True)


# --- statements -------------------------------------------------------------------------------


def _statements(found: Sequence[Sequence[Token]], context: Context) -> list[Statement]:
    return [_statement(row, context) for row in found]


def _statement(row: Sequence[Token], context: Context) -> Statement:
    if _is_word(row, "function"):
        return Declaration(_declared(row, context.lexer), context.lexer.position(row[0]))
    assumes = _is_word(row, "assume")
    body = row[_word_length(row) :] if assumes else row
    sides = _split(body)
    if len(sides) < 2:
        raise context.lexer.error(row[0], "this is no statement: it has no =", STATEMENT_HINT)
    left, right = sides[:2]
    if not left:
        raise context.lexer.error(row[0], "nothing stands before =", STATEMENT_HINT)
    if not right:
        raise context.lexer.error(body[-1], "nothing stands after =", STATEMENT_HINT)
    first, value = _formula(left, context), _formula(right, context)
    for part in (*walk(first), *walk(value)):
        if isinstance(part, Derivative) and not isinstance(part.of, Symbol):
            raise NotationError(
                "a derivative that is still to be taken",
                position=part.position,
                hint=r"write a derivative of a tensor: \frac{\partial L}{\partial W_{ij}}",
            )
    position = context.lexer.position(row[0])
    if assumes:
        return Assumption(first, value, position)
    if not isinstance(first, Symbol | Derivative):
        raise context.lexer.error(
            left[0], "the left side of = must be one tensor with its labels", STATEMENT_HINT
        )
    return Assignment(first, value, position)


def _formula(tokens: Sequence[Token], context: Context, comparison: bool = False) -> Formula:
    parser = Parser(tokens, context)
    parser.nested += comparison
    formula = parser.whole()
    _check(formula)
    return formula


def _check(formula: Formula) -> None:
    """Raise where a formula is too deep, or has a transpose without labels."""
    stack = [(formula, 1)]
    while stack:
        here, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise too_deep(formula.position)
        if here == TRANSPOSED:
            raise NotationError(
                "a transpose without labels",
                position=formula.position,
                hint=r"write the labels: \left(A^{\top}\right)_{ij} is A_{ji}",
            )
        stack += [(part, depth + 1) for part in children(here)]


def _split(row: Sequence[Token]) -> list[Sequence[Token]]:
    """Split at the equals signs that nothing encloses."""
    depth, start = 0, 0
    sides: list[Sequence[Token]] = []
    for k, token in enumerate(row):
        depth += token.kind in {"LBRACE", "OPEN", "CASES"}
        depth -= token.kind in {"RBRACE", "CLOSE", "ENDCASES"}
        if token.kind == "EQUAL" and depth == 0:
            sides.append(row[start:k])
            start = k + 1
    return [*sides, row[start:]]


def _is_word(row: Sequence[Token], word: str) -> bool:
    r"""Whether a row begins with ``\text{word}`` or the word itself."""
    return "".join(t.text for t in row[: _word_length(row)] if t.kind == "LETTER") == word


def _word_length(row: Sequence[Token]) -> int:
    if row and row[0].text in {r"\text", r"\mathrm", r"\textbf"}:
        return next((k + 1 for k, t in enumerate(row) if t.kind == "RBRACE"), 0)
    return next((k for k, t in enumerate(row) if t.kind != "LETTER" or (k and t.spaced)), 0)


def _declared(row: Sequence[Token], lexer: Lexer) -> str:
    tokens = row[_word_length(row) :]
    formula = _formula(tokens, Context(lexer)) if tokens else None
    if isinstance(formula, Symbol) and not formula.labels:
        return formula.name
    raise lexer.error(
        row[0], "a declared function has a plain name", r"write \text{function } \phi"
    )


# --- integers ---------------------------------------------------------------------------------


def _integers(statements: Sequence[Statement]) -> set[str]:
    r"""Return the letters that are integers: y in ``p_o = ...``, ``L = -\log p_y``.

    Such a letter stands on an assigned tensor, nothing keeps or sums it, and no other tensor has
    it as a label.
    """
    assigned = {s.target.name: s for s in statements
                if isinstance(s, Assignment) and isinstance(s.target, Symbol)}  # fmt: skip
    owners: dict[str, set[str]] = {}
    for statement in statements:
        if isinstance(statement, Assignment):
            for part in (statement.target, *walk(statement.value)):
                if isinstance(part, Symbol):
                    for label in part.labels:
                        owners.setdefault(label, set()).add(part.name)
    found: set[str] = set()
    for statement in assigned.values():
        target = statement.target
        kept = target.labels if isinstance(target, Symbol) else ()
        for label, where in Summation().dangling(statement.value, kept):
            if isinstance(where, Symbol) and where.name in assigned:
                own = assigned[where.name].target
                if owners[label] == {where.name} and label not in getattr(own, "labels", ()):
                    found.add(label)
    return found
