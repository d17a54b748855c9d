r"""A case in parentheses behind a formula: ``2x \ (x > 0)`` is ``2x \quad x > 0``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from eingrad.notation.tex.latex_tokens import Lexer
from eingrad.notation.tex.names import greek
from eingrad.notation.tokens import Token

ENDS = frozenset(
    {"ROW", "NEWLINE", "SHIFT", "BEGIN", "END", "ARROW", "QUAD", "COMMA", "DOT", "AMP"}
)
INDICATORS = frozenset({"I", "H", "P", "E", "u", r"\chi", r"\delta", r"\theta", r"\Theta", r"\mu"})
ONES = frozenset({"1", "I"})
_SPACE = re.compile(
    r"(?:\\[ ,;:>]|~|\\(?:thin|med|thick)space|\\ensp(?:ace)?|\\enskip|\\[hm]space ?\{[^}]*\})\s*$"
)


def with_cases_behind(tokens: Sequence[Token], lexer: Lexer) -> list[Token]:
    r"""Return tokens with ``\quad x > 0`` for a comparison alone in parentheses behind a space that
    LaTeX prints.

    What could be an indicator, ``\mathbf{1} (x > 0)``, ``H (x > 0)``, stays as it is.
    """
    result = list(tokens)
    opened: list[int] = []
    equal = False
    for k, token in enumerate(tokens):
        if token.kind == "OPEN":
            opened.append(k)
        elif token.kind == "CLOSE" and opened:
            start = opened.pop()
            after = tokens[k + 1].kind if k + 1 < len(tokens) else "END"
            if not opened and equal and after in ENDS and _is_case(tokens, start, k, lexer):
                result[start] = replace(tokens[start], kind="QUAD", text=r"\quad")
                result[k] = replace(token, kind="", text="")
        elif token.kind in ENDS - {"COMMA", "DOT", "AMP", "QUAD"} and not opened:
            equal = False
        equal = equal or (token.kind == "EQUAL" and not opened)
    return [t for t in result if t.kind]


def _is_case(tokens: Sequence[Token], start: int, end: int, lexer: Lexer) -> bool:
    """Whether a comparison stands in parentheses, behind a formula and a space."""
    opened, inner = tokens[start], tokens[start + 1 : end]
    if opened.text != "(" or not opened.spaced or not start or not inner:
        return False
    line = lexer.source.text.split("\n")[opened.line - 1]
    if not _SPACE.search(line[: opened.column - 1]):
        return False
    compared = any(t.kind == "COMPARE" for t in inner)
    labels = [t.kind for t in inner] == ["LETTER", "EQUAL", "LETTER"]
    return (compared or labels) and _ends_formula(tokens[:start])


def _ends_formula(before: Sequence[Token]) -> bool:
    """Whether tokens end with a factor that is no indicator."""
    last = before[-1]
    if last.kind == "RBRACE":
        inner = [t.text for t in before[-4:-1]]
        return not (len(inner) == 3 and inner[1] == "{" and inner[2] in ONES)
    if last.kind == "NUMBER":
        return len(before) < 2 or before[-2].kind != "COMMAND" or bool(greek(before[-2].text))
    named = last.kind == "LETTER" or bool(greek(last.text))
    return (named and last.text not in INDICATORS) or last.kind in {"CLOSE", "BAR", "ENDCASES"}


__all__ = ["with_cases_behind"]
