r"""Sums, products and compositions of functions that a text defines, ``(f + g)(x)``: taken of what
stands behind them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from eingrad.notation.tex import names
from eingrad.notation.tex.rows import Row
from eingrad.notation.tex.tidy import partner
from eingrad.notation.tokens import Token

_JOINS = frozenset({"SIGN", "TIMES", "SLASH", "NUMBER"})
_CIRCLE = r"\circ"


def with_functions_at(row: Row, functions: Collection[str]) -> Row:
    r"""Return a row with ``(f(x) + g(x))`` for ``(f + g)(x)``, f(g(x)) for ``(f \circ g)(x)``, and
    derivatives for ``(f g)'(x)``, of names that are functions."""
    tokens = list(row.tokens)
    for k in range(len(tokens) - 1, -1, -1):
        end = partner(tokens, k) if (tokens[k].kind, tokens[k].text) == ("OPEN", "(") else -1
        inner = tokens[k + 1 : max(end, 0)]
        opened = end + 1
        while opened < len(tokens) and tokens[opened].kind == "PRIME":
            opened += 1
        if end < 0 or [t.text for t in tokens[opened : opened + 1]] != ["("]:
            continue
        close = partner(tokens, opened)
        given = tokens[opened : close + 1]
        slopes = opened - end - 1
        if close < 0 or not _combines(inner, functions) or (slopes and len(given) != 3):
            continue
        by = _by(given[1], tokens[k]) * slopes
        tokens[k : close + 1] = [*by, tokens[k], *_at(inner, given, functions), tokens[end]]
    return replace(row, tokens=tokens)


def _name(token: Token) -> str:
    return token.text if token.kind == "LETTER" else names.greek(token.text) or ""


def _combines(inner: Sequence[Token], functions: Collection[str]) -> bool:
    """Whether what stands in parentheses are functions alone, two or more, with signs between."""
    called = [t for t in inner if _name(t) in functions]
    circles = [t for t in inner if t.text == _CIRCLE]
    if circles and len(called) + len(circles) != len(inner):
        return False
    return len(called) > 1 and all(t in called or t.kind in _JOINS for t in inner)


def _at(inner: Sequence[Token], given: Sequence[Token], functions: Collection[str]) -> list[Token]:
    """Return the tokens of functions that are taken of what is given, with its parentheses."""
    called = [t for t in inner if _name(t) in functions]
    if any(t.text == _CIRCLE for t in inner):
        found = [*given]
        for token in reversed(called):
            found = [given[0], token, *found, given[-1]]
        return found[1:-1]
    return [x for t in inner for x in ((t, *given) if t in called else (t,))]


def _by(argument: Token, at: Token) -> list[Token]:
    r"""Return the tokens of ``\frac{d}{dx}``."""
    d, opens, closes = (
        replace(at, kind=kind, text=text, spaced=False)
        for kind, text in (("LETTER", "d"), ("LBRACE", "{"), ("RBRACE", "}"))
    )
    by = replace(argument, spaced=False)
    return [replace(d, kind="COMMAND", text=r"\frac"), opens, d, closes, opens, d, by, closes]
