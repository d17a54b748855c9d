"""What is wrong where the parser cannot go on, in words of the notation."""

from __future__ import annotations

from collections.abc import Sequence

from eingrad.errors import NotationError
from eingrad.notation.tokens import OPERATORS, Source, Token

STATEMENT_HINT = "a statement is a name with its labels, =, and a formula: y_i = W_ij x_j"
FACT_HINT = "write for instance: assume sum_o(T_bo) = 1"
DECLARATION_HINT = "write for instance: function phi"
COMPARISON_HINT = (
    "a comparison has two sides, and is an argument, as in where(x_i > 0, x_i, 0), "
    "or stands in parentheses"
)


def unexpected(tokens: Sequence[Token], k: int, source: Source) -> NotationError:
    """Return the error about the k-th token, which cannot stand where it does.

    ``k == len(tokens)`` is the end of the text.
    """
    before = tokens[k - 1] if k else None
    here = tokens[k] if k < len(tokens) else None
    if here is None or here.kind == "NEWLINE":
        return _at_end(tokens, k, source)
    position = source.position(here)
    if before is None or before.kind == "NEWLINE":
        reason = f"a statement cannot begin with {here.text}"
        return NotationError(reason, code="unexpected-word", position=position, hint=STATEMENT_HINT)
    if before.kind in {"ASSUME", "FUNCTION"}:
        hint = FACT_HINT if before.kind == "ASSUME" else DECLARATION_HINT
        return NotationError(
            f"{here.text} cannot stand after {before.text}",
            code="unexpected-word",
            position=position,
            hint=hint,
        )
    if before.kind in OPERATORS or before.kind == "OPEN":
        return _missing_between(before, here, source)
    if here.kind == "EQUAL":
        return _equal(tokens, k, source)
    if here.kind == "COMPARE":
        reason = f"the comparison {here.text} cannot stand here"
        return NotationError(
            reason, code="unexpected-word", position=position, hint=COMPARISON_HINT
        )
    if here.kind == "COMMA":
        return NotationError(
            "a comma separates the arguments of a function, and this one is in no call",
            code="unexpected-word",
            position=position,
            hint="a call has no space before its parenthesis: maximum(a, b)",
        )
    reason = f"{here.text} cannot stand after {before.text}"
    return NotationError(reason, code="unexpected-word", position=position, hint=STATEMENT_HINT)


def _missing_between(before: Token, here: Token, source: Source) -> NotationError:
    both = before.kind in OPERATORS and here.kind in OPERATORS
    return NotationError(
        f"something is missing between {before.text} and {here.text}",
        code="unexpected-word",
        position=source.position(here),
        hint=f"write a tensor, a number or a call between them{', or leave one out' * both}",
    )


def _at_end(tokens: Sequence[Token], k: int, source: Source) -> NotationError:
    if not k:
        return NotationError("the text is empty", code="empty-text", hint=STATEMENT_HINT)
    before = tokens[k - 1]
    position = source.position(before)
    if before.kind in OPERATORS:
        return NotationError(
            f"something is missing after {before.text}",
            code="unexpected-word",
            position=position,
            hint=f"write a tensor, a number or a call after {before.text}",
        )
    start = tokens[_statement_start(tokens, k)]
    if start.kind == "ASSUME":
        return NotationError(
            "this fact has no =",
            code="unexpected-word",
            position=source.position(start),
            hint=FACT_HINT,
        )
    return NotationError(
        "this is no statement: it has no =",
        code="unexpected-word",
        position=source.position(start),
        hint=STATEMENT_HINT,
    )


def _equal(tokens: Sequence[Token], k: int, source: Source) -> NotationError:
    start = _statement_start(tokens, k)
    position = source.position(tokens[k])
    inside = [token.kind for token in tokens[start:k]]
    if "EQUAL" not in inside:
        return NotationError(
            "the left side of = must be one name with its labels",
            code="unexpected-word",
            position=source.position(tokens[start]),
            hint=f"{STATEMENT_HINT}; a fact begins with assume",
        )
    first = tokens[start + inside.index("EQUAL")]
    hint = "write one statement a line; a comparison is written =="
    above = [token for token in tokens[start:k] if token.line != tokens[k].line]
    if above and above[-1].kind in OPERATORS:
        hint = f"line {above[-1].line} ends in {above[-1].text}, so that its statement goes on here"
    return NotationError(
        f"a second = in the statement of line {first.line}",
        code="unexpected-word",
        position=position,
        hint=hint,
    )


def _statement_start(tokens: Sequence[Token], k: int) -> int:
    while k and tokens[k - 1].kind != "NEWLINE":
        k -= 1
    return k
