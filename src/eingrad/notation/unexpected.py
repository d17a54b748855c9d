"""What is wrong where the parser cannot go on, in words of the notation."""

from __future__ import annotations

from collections.abc import Sequence

from lark import Token

from eingrad.errors import NotationError
from eingrad.notation.tokens import OPERATORS, Source

OPERANDS = {"WORD", "NUMBER", "DERIVATIVE", "CALL"}
STATEMENT_HINT = "a statement is a name with its labels, =, and a formula: y_i = W_ij x_j"


def unexpected(tokens: Sequence[Token], k: int, source: Source) -> NotationError:
    """Return the error about the k-th token, which cannot stand where it does.

    ``k == len(tokens)`` is the end of the text.
    """
    before = tokens[k - 1] if k else None
    here = tokens[k] if k < len(tokens) else None
    if here is None or here.type == "_NEWLINE":
        return _at_end(tokens, k, source)
    position = source.position(here)
    if before is None or before.type == "_NEWLINE":
        return NotationError(
            f"a statement cannot begin with {here}", position=position, hint=STATEMENT_HINT
        )
    if here.type == "EQUAL":
        return _equal(tokens, k, source)
    if before.type in {"ASSUME", "FUNCTION"}:
        return NotationError(
            f"{here} cannot stand after {before}",
            position=position,
            hint="write: function phi" if before.type == "FUNCTION" else
            "write for instance: assume sum_o(T_bo) = 1",
        )  # fmt: skip
    if here.type == "COMPARE":
        return NotationError(
            f"the comparison {here} cannot stand here",
            position=position,
            hint="a comparison is an argument, where(x_i > 0, x_i, 0), or stands in parentheses, "
            "and has two sides",
        )
    if here.type == "COMMA" and before.type not in OPERATORS and before.type != "LPAR":
        return NotationError(
            "a comma separates the arguments of a function, and this one is in no call",
            position=position,
            hint="a call has no space before its parenthesis: maximum(a, b)",
        )
    if before.type in OPERATORS or before.type == "LPAR":
        return NotationError(f"something is missing between {before} and {here}", position=position)
    return _operand(before, here, source)


def _at_end(tokens: Sequence[Token], k: int, source: Source) -> NotationError:
    before = tokens[k - 1] if k else None
    if before is None:
        return NotationError("the text is empty", hint=STATEMENT_HINT)
    position = source.position(before)
    if before.type in OPERATORS:
        return NotationError(f"something is missing after {before}", position=position)
    if before.type in {"ASSUME", "FUNCTION"}:
        return NotationError(f"something is missing after {before}", position=position)
    start = _statement_start(tokens, k)
    return NotationError(
        "this is no statement: it has no =",
        position=source.position(tokens[start]),
        hint=STATEMENT_HINT,
    )


def _equal(tokens: Sequence[Token], k: int, source: Source) -> NotationError:
    start = _statement_start(tokens, k)
    position = source.position(tokens[k])
    inside = [token.type for token in tokens[start:k]]
    if "EQUAL" not in inside:
        if inside[-1] in OPERATORS:
            return NotationError(
                f"something is missing between {tokens[k - 1]} and =", position=position
            )
        return NotationError(
            "the left side of = must be one name with its labels",
            position=source.position(tokens[start]),
            hint=STATEMENT_HINT + "; write 'assume' before a fact",
        )
    first = tokens[start + inside.index("EQUAL")]
    hint = "one statement a line; a comparison is written =="
    lines = [t for t in tokens[start:k] if t.line != tokens[k].line]
    if lines and lines[-1].type in OPERATORS:
        hint = f"line {lines[-1].line} ends in {lines[-1]}, so that its statement goes on here"
    return NotationError(
        f"a second = in the statement of line {first.line}", position=position, hint=hint
    )


def _operand(before: Token, here: Token, source: Source) -> NotationError:
    return NotationError(
        f"{here} cannot stand after {before}",
        position=source.position(here),
        hint=STATEMENT_HINT if here.type in OPERANDS else None,
    )


def _statement_start(tokens: Sequence[Token], k: int) -> int:
    while k and tokens[k - 1].type != "_NEWLINE":
        k -= 1
    return k
