r"""How wide LaTeX is on a page, about, and formulas broken into rows that fit.

The unit is half an em: what a lower-case letter takes. It is an estimate on the safe side; a row
is broken before a sign or between factors, ``\frac{a + b}{c}`` into ``\frac{1}{c} \bigl(a``, ``+ b
\bigr)``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|.", re.DOTALL)
_WORDS = {r"\text", r"\mathrm", r"\operatorname", r"\mathtt", r"\log", r"\exp"}
_WIDTHS = {
    r"\frac": 0.5, r"\sqrt": 1.9, r"\left": 0.0, r"\right": 0.0, r"\sum": 2.9, r"\prod": 2.7,
    r"\quad": 2.0, r"\qquad": 4.0, r"\begin": 2.0, r"\end": 0.0, r"\log": 3.0, r"\exp": 3.3,
    r"\partial": 1.15, r"\operatorname": 0.7, r"\text": 0.0, r"\mathrm": 0.0, r"\mathtt": 0.0,
    r"\,": 0.4, r"\\": 0.0, r"\to": 3.2, r"\cdot": 1.5, r"\times": 2.5, r"\odot": 2.5,
    r"\oslash": 2.5, r"\otimes": 2.5, r"\bigl": 0.2, r"\bigr": 0.2, r"\top": 1.0,
}  # fmt: skip
_ENVIRONMENT = (r"\begin", r"\end")
_OPERATOR = r"\frac{\partial}"  # stands beside what it differentiates
_CASES = [r"\begin", *"{cases}"]
SIGNS = {"+", "-", "<", ">", "=", r"\cdot", r"\odot", r"\oslash", r"\otimes"}
_SIGNS = {"+": 2.5, "-": 2.5, "=": 2.8, "<": 2.8, ">": 2.8, "(": 0.85, ")": 0.85, "|": 0.6}


def width(latex: str) -> float:
    r"""Return about how wide a formula is.

    >>> width("a"), width(r"\frac{a b}{c}"), width("x_{i}")
    (1.1, 2.7, 1.87)
    """
    return round(sum(w for _, w in _atoms(latex)), 2)


def _group(tokens: list[str], start: int) -> tuple[str, int]:
    """Return the argument that begins at a token, without its braces, and what follows."""
    if start >= len(tokens) or tokens[start] != "{":
        return "".join(tokens[start : start + 1]), start + 1
    depth = 0
    for end in range(start, len(tokens)):
        depth += (tokens[end] == "{") - (tokens[end] == "}")
        if depth == 0:
            return "".join(tokens[start + 1 : end]), end + 1
    return "".join(tokens[start + 1 :]), len(tokens)


def _atoms(latex: str) -> Iterator[tuple[str, float]]:
    """Yield what stands side by side, with widths; scripts belong to what they stand at."""
    tokens = _TOKEN.findall(latex)
    at = 0
    while at < len(tokens):
        begin, size = at, 0.0
        size, at = _atom(tokens, at)
        while at < len(tokens) and tokens[at] in "_^":
            inner, at = _group(tokens, at + 1)
            size += 0.7 * width(inner)
        yield "".join(tokens[begin:at]), size


def _atom(tokens: list[str], at: int) -> tuple[float, int]:
    """Return the width of one atom and where it ends."""
    token = tokens[at]
    if token == "{":
        inner, end = _group(tokens, at)
        return width(inner), end
    if token == r"\frac":
        above, end = _group(tokens, at + 1)
        below, end = _group(tokens, end)
        return max(width(above), width(below)) + 0.5, end
    if token in {r"\text", r"\mathrm", r"\operatorname", r"\mathtt"}:
        inner, end = _group(tokens, at + 1)
        return 0.95 * len(inner) * (1.1 if token == r"\mathtt" else 1.0) + _WIDTHS[token], end
    if token == r"\left":
        end = _closing(tokens, at) + 2
        inner = "".join(tokens[at + 2 : end - 2])
        return width(inner) + 2.0, end
    if token == r"\begin":
        _, start = _group(tokens, at + 1)
        end = _closing(tokens, at, *_ENVIRONMENT)
        rows = _split(tokens[start:end], r"\\")
        return max(width("".join(row)) for row in rows) + 4.0, _group(tokens, end + 1)[1]
    if token == r"\sqrt":
        inner, end = _group(tokens, at + 1)
        return width(inner) + 1.9, end
    return _single(token), at + 1


def _single(token: str) -> float:
    if token.isspace() or token in "{}&":
        return 0.0
    if token.startswith("\\"):
        known = _WIDTHS.get(token)
        return 1.3 if known is None else known
    if token in _SIGNS:
        return _SIGNS[token]
    return 1.7 if token.isupper() else 1.1


def _closing(tokens: list[str], at: int, opens: str = r"\left", closes: str = r"\right") -> int:
    """Return where what is opened at a token is closed again, whatever stands inside."""
    depth = 0
    for k in range(at, len(tokens)):
        depth += (tokens[k] == opens) - (tokens[k] == closes)
        if depth == 0:
            return k
    return len(tokens)


# --- rows -----------------------------------------------------------------------------------------


def rows_of(latex: str, room: float) -> list[str]:
    r"""Break a formula into rows of at most ``room``, as well as it can be.

    >>> rows_of(r"\frac{a + b + c}{d}", 6)
    ['\\frac{1}{d} \\bigl(a', '+ b', '+ c\\bigr)']
    """
    if width(latex) <= room:
        return [latex]
    rows: list[str] = []
    row, size = "", 0.0
    for word, wide in _words(latex, room):
        sign = word.split(" ")[0] in SIGNS
        if row and size + wide > room:
            rows.append(row)
            row, size = (word if sign or not rows else rf"\cdot {word}"), wide
        else:
            glue = "" if row.endswith(r"\bigl(") or word == r"\bigr)" else " "
            row, size = (f"{row}{glue}{word}" if row else word), size + wide
    return [*rows, row]


def _words(latex: str, room: float) -> Iterator[tuple[str, float]]:
    """Yield what a row may not break, each with its width; too wide a group is opened."""
    sign = ""
    for word, wide in _spaced(latex):
        if word in SIGNS:
            sign = f"{sign}{word} "
            continue
        if wide > room:
            opened = [*_opened(word, room)]
            yield sign + opened[0][0], opened[0][1] + 2.5 * bool(sign)
            yield from opened[1:]
        else:
            yield sign + word, wide + 2.5 * bool(sign)
        sign = ""


def _spaced(latex: str) -> Iterator[tuple[str, float]]:
    """Yield the words between spaces outside of all groups."""
    word, size = "", 0.0
    for atom, wide in _atoms(latex):
        if atom.isspace():
            if word.startswith(_OPERATOR):
                word += atom
                continue
            if word:
                yield word.rstrip(), size
            word, size = "", 0.0
        elif word in {"+", "-"} or (word and atom in {"+", "-"}):
            yield word.rstrip(), size
            word, size = atom, wide
        else:
            word, size = word + atom, size + wide
    if word:
        yield word.rstrip(), size


def _opened(word: str, room: float) -> Iterator[tuple[str, float]]:
    r"""Open a group in ``\left( \right)`` or a fraction, so that rows may break inside."""
    tokens = _TOKEN.findall(word)
    last = len(tokens) - len(_CASES)
    if tokens[: len(_CASES)] == _CASES and _closing(tokens, 0, *_ENVIRONMENT) == last:
        narrow = _narrow_cases(tokens[len(_CASES) : last], room)
        yield narrow, width(narrow)
        return
    if tokens[0] == r"\frac":
        above, end = _group(tokens, 1)
        below, end = _group(tokens, end)
        if end == len(tokens) and width(below) <= room:
            yield rf"\frac{{1}}{{{below}}}", width(below) + 0.5
            yield from _bracketed("", above, "", room)
            return
    begin = next((k for k in range(len(tokens)) if tokens[k : k + 2] == [r"\left", "("]), None)
    if begin is None or _inside(tokens[:begin]):
        yield word, width(word)
        return
    end = _closing(tokens, begin) + 2
    inner = "".join(tokens[begin + 2 : end - 2])
    yield from _bracketed("".join(tokens[:begin]), inner, "".join(tokens[end:]), room)


def _narrow_cases(tokens: list[str], room: float) -> str:
    """Return a case distinction with the values that are too wide in rows of their own."""
    cells = []
    for line in _split(tokens, r"\\"):
        value, *conditions = ("".join(cell).strip() for cell in _split(line, "&"))
        left = room - 3.0 - sum(map(width, conditions))
        rows = rows_of(value, max(left, room / 3))
        if len(rows) > 1:
            value = r" \\ &\quad ".join(rows).join([r"\begin{aligned} &", r" \end{aligned}"])
        cells.append(" & ".join([value, *conditions]))
    return r" \\ ".join(cells).join([r"\begin{cases} ", r" \end{cases}"])


def _split(tokens: list[str], at: str) -> Iterator[list[str]]:
    """Split at a token outside of groups and of other environments."""
    part: list[str] = []
    for token in tokens:
        if token == at and not _inside(part):
            yield part
            part = []
        else:
            part.append(token)
    yield part


def _inside(tokens: list[str]) -> bool:
    """Whether an argument or an environment is open, in which no row may end."""
    return tokens.count("{") > tokens.count("}") or tokens.count(r"\begin") > tokens.count(r"\end")


def _bracketed(head: str, inner: str, tail: str, room: float) -> Iterator[tuple[str, float]]:
    words = [*_words(inner, room)]
    first, wide = words[0]
    if len(words) == 1:
        yield rf"{head}\left({first}\right){tail}", wide + 2 + width(head)
        return
    yield rf"{head}\bigl({first}", wide + 1 + width(head)
    yield from words[1:-1]
    last, wide = words[-1]
    yield rf"{last}\bigr){tail}", wide + 1 + 0.7 * width(tail)
