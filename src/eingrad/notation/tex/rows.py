r"""Tokens to rows, one for each equation: lines, alignment, ``\\``, words between equations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from eingrad.notation.tex.latex_tokens import Token
from eingrad.notation.tex.names import LINKS

OPENS = frozenset({"LBRACE", "OPEN", "CASES"})
CLOSES = frozenset({"RBRACE", "CLOSE", "ENDCASES"})
ENDS = frozenset({"SHIFT", "BEGIN", "END", "ARROW"})
GOES_ON = frozenset({"SIGN", "TIMES", "SLASH", "EQUAL"})


def rows(tokens: Sequence[Token]) -> list[list[Token]]:
    r"""Split tokens into equations.

    A row of an environment ends at ``\\``. Outside of one a line is an equation if it has an
    equals sign of its own, else it goes on from the line before. A row that begins with an
    operator or an equals sign does so, too.
    """
    result: list[list[Token]] = []
    for row in _raw_rows(tokens):
        trimmed = _trim(row)
        if not trimmed:
            continue
        if result and (trimmed[0].kind in GOES_ON or result[-1][-1].kind in GOES_ON):
            result[-1] += trimmed
        else:
            result.append(trimmed)
    return result


def sides(row: Sequence[Token]) -> list[Sequence[Token]]:
    """Split a row at the equals signs that nothing encloses."""
    depth, start = 0, 0
    found: list[Sequence[Token]] = []
    for k, token in enumerate(row):
        depth += _step(token)
        if token.kind == "EQUAL" and depth == 0:
            found.append(row[start:k])
            start = k + 1
    return [*found, row[start:]]


def _step(token: Token) -> int:
    return (token.kind in OPENS) - (token.kind in CLOSES)


def _raw_rows(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    row: list[Token] = []
    depth = inside = cases = 0
    for k, token in enumerate(tokens):
        cases += (token.kind == "CASES") - (token.kind == "ENDCASES")
        depth += _step(token)
        ends = token.kind in ENDS or (token.kind == "ROW" and not cases)
        if token.kind in {"NEWLINE", "COMMA", "QUAD"} and not depth:
            ends = not (inside and token.kind == "NEWLINE") and _begins_equation(tokens, k + 1)
        inside += (token.kind == "BEGIN") - (token.kind == "END")
        if ends:
            yield row
            row = []
        elif token.kind != "NEWLINE":
            row.append(token)
    yield row


def _begins_equation(tokens: Sequence[Token], k: int) -> bool:
    """Whether the line from token k has an equals sign or a word such as ``assume``."""
    depth = 0
    first = True
    while k < len(tokens) and tokens[k].kind == "QUAD":
        k += 1
    for token in tokens[k:]:
        if token.kind in {"NEWLINE", "QUAD", "ROW", *ENDS}:
            break
        if first and token.text == r"\text":
            return _word_at(tokens, k) in {*LINKS, "assume", "function"}
        if first and token.kind in {"EQUAL", "SIGN"}:
            return False
        if token.kind == "COMMA" and depth == 0:
            break
        first = False
        depth += _step(token)
        if token.kind == "EQUAL" and depth == 0:
            return True
    return False


def _word_at(row: Sequence[Token], k: int) -> str:
    r"""Return the letters of the ``\text{where}`` at k."""
    end = next((j for j in range(k, len(row)) if row[j].kind == "RBRACE"), k)
    return "".join(t.text for t in row[k:end] if t.kind == "LETTER")


# --- what is no part of an equation ------------------------------------------------------------


def _trim(row: list[Token]) -> list[Token]:
    r"""Leave out alignment marks, notes behind ``&&`` and ``\quad``, punctuation at the end."""
    depth = 0
    marks: list[int] = []
    for k, token in enumerate(row):
        depth += _step(token)
        if token.kind == "AMP" and not depth:
            marks.append(k)
    for a, b in pairwise(marks):
        if b == a + 1:
            row = row[:a]
            break
    else:
        if marks and row[marks[-1] + 1 : marks[-1] + 2] and row[marks[-1] + 1].text == r"\text":
            row = row[: marks[-1]]
    marked = [t for k, t in enumerate(row) if k not in marks]
    result = _without_link([t for t in _without_note(marked) if t.kind != "QUAD"])
    while result and result[-1].kind in {"DOT", "COMMA"}:
        result.pop()
    return result


def _without_note(row: list[Token]) -> list[Token]:
    r"""Leave out ``\quad (1)`` and ``\quad \text{(scalar)}`` at the end of an equation."""
    while row and row[-1].kind in {"QUAD", "DOT", "COMMA"}:
        row = row[:-1]
    start = max((k for k, t in enumerate(row) if t.kind == "QUAD"), default=0)
    note = row[start + 1 :]
    number = [t.kind for t in note] == ["OPEN", "NUMBER", "CLOSE"]
    words = bool(note) and note[0].text == r"\text" and note[-1].kind == "RBRACE" \
        and sum(t.kind == "RBRACE" for t in note) == 1  # fmt: skip
    return row[:start] if start and (number or words) else row


def _without_link(row: list[Token]) -> list[Token]:
    r"""Leave out ``\text{where}`` before an equation."""
    if not row or row[0].text != r"\text":
        return row
    end = next((k for k, t in enumerate(row) if t.kind == "RBRACE"), 0)
    return row[end + 1 :] if _word_at(row, 0) in LINKS and row[end + 1 : end + 2] else row
