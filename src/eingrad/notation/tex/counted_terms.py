r"""Sums with dots in their middle: ``x_1 + x_2 + \dots + x_n`` is ``\sum_{i=1}^n x_i``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from eingrad.notation.tokens import Token

DOTS = frozenset({r"\dots", r"\cdots", r"\ldots", r"\dotsb"})
LETTERS = "ijklmqrs"  # of which one that the text does not use is summed
OPENS, CLOSES = frozenset({"LBRACE", "OPEN"}), frozenset({"RBRACE", "CLOSE"})
IN_TERMS = frozenset({"LETTER", "NUMBER", "COMMAND", "SUB", "SUP", "TIMES", "PRIME"})
MOST = 60  # tokens of a term


def with_whole_sums(tokens: list[Token]) -> list[Token]:
    """Put a sign of a sum in the place of terms that count up to a letter, with dots between."""
    used = {t.text for t in tokens}
    free = next((x for x in LETTERS if x not in used), None)
    if free is None or used.isdisjoint(DOTS):
        return tokens
    result, behind = list(tokens), len(tokens)
    for k in range(len(tokens) - 1, -1, -1):
        if tokens[k].text in DOTS and k < behind and (found := _sum_around(tokens, k, free)):
            behind, end, whole = found
            result[behind:end] = whole
    return result


def _sum_around(tokens: Sequence[Token], k: int, free: str) -> tuple[int, int, list[Token]] | None:
    """Return where the terms around dots begin and end, and the sum of them all."""
    if [t.text for t in (*tokens[k - 1 : k], *tokens[k + 1 : k + 2])] != ["+", "+"]:
        return None
    end = _term_end(tokens, k + 2)
    last = tokens[k + 2 : end]
    starts: list[int] = []
    begin, counted, first = k - 1, "", 0  # of the plus before the dots
    while begin > 0 and tokens[begin].text == "+":
        start = _term_start(tokens, begin - 1)
        number, letter, _ = _counting(tokens[start:begin], last)
        if start and tokens[start - 1].text == "-":
            break
        if not number or (counted and (letter not in counted or int(number) + 1 != first)):
            break
        first, counted = int(number), letter
        starts.append(start)
        begin = start - 1
    if not starts:
        return None
    _, letter, places = _counting(tokens[starts[-1] : _term_end(tokens, starts[-1])], last)
    like = tokens[k]
    head = [("OPEN", "("), ("COMMAND", r"\sum"), ("SUB", "_"), ("LBRACE", "{"), ("LETTER", free),
            ("EQUAL", "="), ("NUMBER", str(first)), ("RBRACE", "}"), ("SUP", "^"), ("LBRACE", "{"),
            ("LETTER", letter), ("RBRACE", "}")]  # fmt: skip
    whole = [replace(like, kind=kind, text=text) for kind, text in head]
    whole += [replace(t, text=free) if j in places else t for j, t in enumerate(last)]
    return starts[-1], end, [*whole, replace(like, kind="CLOSE", text=")")]


def _term_end(tokens: Sequence[Token], k: int) -> int:
    """Return where the term ends that begins at k."""
    depth = 0
    for j in range(k, min(len(tokens), k + MOST)):
        if tokens[j].kind in CLOSES and depth == 0:
            return j
        depth += (tokens[j].kind in OPENS) - (tokens[j].kind in CLOSES)
        if depth == 0 and tokens[j].kind not in IN_TERMS | CLOSES:
            return j
    return min(len(tokens), k + MOST)


def _term_start(tokens: Sequence[Token], k: int) -> int:
    """Return where the term begins that ends at k."""
    depth = 0
    for j in range(k, max(-1, k - MOST), -1):
        if tokens[j].kind in OPENS and depth == 0:
            return j + 1
        depth += (tokens[j].kind in CLOSES) - (tokens[j].kind in OPENS)
        if depth == 0 and tokens[j].kind not in IN_TERMS | OPENS:
            return j + 1
    return max(0, k - MOST + 1)


def _counting(term: Sequence[Token], last: Sequence[Token]) -> tuple[str, str, set[int]]:
    """Return the number of a term, the letter in its place in the last, and where that stands.

    Nothing else may differ, but for braces around one sign.
    """
    own, other = _without_braces(term), _without_braces(last)
    differing = [(a, b) for a, b in zip(own, other, strict=False) if a[1].text != b[1].text]
    numbers, letters = {a[1].text for a, _ in differing}, {b[1].text for _, b in differing}
    kinds = {(a[1].kind, b[1].kind) for a, b in differing}
    below = all(_is_below(last, b[0]) for _, b in differing)
    if len(own) != len(other) or kinds != {("NUMBER", "LETTER")} or not below:
        return "", "", set()
    if len(numbers) > 1 or len(letters) > 1 or not (number := numbers.pop()).isdigit():
        return "", "", set()
    return number, letters.pop(), {b[0] for _, b in differing}


def _without_braces(term: Sequence[Token]) -> list[tuple[int, Token]]:
    """Return the tokens with their places, without braces around a single one."""
    single = {
        x
        for k in range(len(term) - 2) if term[k].kind == "LBRACE" and term[k + 2].kind == "RBRACE"
        for x in (k, k + 2)
    }  # fmt: skip
    return [(k, t) for k, t in enumerate(term) if k not in single]


def _is_below(term: Sequence[Token], k: int) -> bool:
    """Whether a token stands in a subscript, alone or in its braces."""
    depth = 0
    for j in range(k - 1, -1, -1):
        depth += (term[j].kind == "RBRACE") - (term[j].kind == "LBRACE")
        if depth < 0 or j == k - 1:
            opened = depth < 0 and j > 0
            sign = term[j - 1] if opened else term[j]
            if opened or sign.kind in {"SUB", "SUP"}:
                return sign.kind == "SUB"
    return False
