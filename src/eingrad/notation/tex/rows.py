r"""Tokens to rows, one for each equation: lines, alignment, ``\\``, words between equations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from eingrad.notation.tex.names import FONTS, LINKS
from eingrad.notation.tokens import Token

OPENS = frozenset({"LBRACE", "OPEN", "CASES"})
CLOSES = frozenset({"RBRACE", "CLOSE", "ENDCASES"})
ENDS = frozenset({"SHIFT", "BEGIN", "END", "ARROW"})
GOES_ON = frozenset({"SIGN", "TIMES", "SLASH", "EQUAL"})
SEPARATES = frozenset({"COMMA", "DOT", "QUAD"})
ENDS_DISPLAY = frozenset({r"\]", r"\)"})
UPRIGHT = frozenset({r"\text", r"\textrm", r"\mathrm", r"\textit", r"\textbf", r"\mbox"})
CONDITIONS = frozenset({
    "if", "for", "when", "unless", "whenever", "iff", "forall", "foreach", "forany", "forevery",
    "otherwise", "else", "provided", "suchthat",
})  # fmt: skip


DOTS = frozenset({r"\cdots", r"\ldots", r"\dots", r"\dotsc"})


@dataclass
class Row:
    """The tokens of one equation, and those of each condition that stands behind it.

    ``notes`` say how its superscripts are read; a claim about one entry of a label has it in
    ``entry``, with the place.
    """

    tokens: list[Token]
    conditions: list[list[Token]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    entry: tuple[str, int] | None = None


def rows(tokens: Sequence[Token]) -> list[Row]:
    r"""Split tokens into equations.

    A row of an environment ends at ``\\``; it may hold several, in columns. Inside of mathematics
    the end of a line means nothing. Outside a line is an equation if it has an equals sign of its
    own, else it goes on from the line before. A row that begins with an operator or an equals sign
    does so, too.
    """
    result: list[Row] = []
    for raw in _raw_rows(tokens):
        for row in _equations(raw):
            last = result[-1] if result else None
            if last is not None and _is_condition_of(row, last):
                last.conditions += [row.tokens] * bool(row.tokens) + row.conditions
            elif last is not None and _goes_on(last, row):
                last.tokens += row.tokens
                last.conditions += row.conditions
            elif row.tokens:
                result.append(row)
    return result


def _is_condition_of(row: Row, last: Row) -> bool:
    """Whether a row has no equation of its own: ``i = j`` behind one with these labels."""
    if not row.tokens:
        return True
    ends = (row.tokens[0], row.tokens[-1]) if len(row.tokens) == 3 else row.tokens[:1]
    return _is_range(row.tokens) and {t.text for t in ends} <= {t.text for t in _below(last.tokens)}


def _below(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield the letters in subscripts and superscripts."""
    opened: list[bool] = []
    for k, token in enumerate(tokens):
        begins = k > 0 and tokens[k - 1].kind in {"SUB", "SUP"}
        if token.kind == "LBRACE":
            opened.append(begins)
        elif token.kind == "RBRACE" and opened:
            opened.pop()
        elif is_letter(token) and (begins or any(opened)):
            yield token


def _goes_on(last: Row, row: Row) -> bool:
    return row.tokens[0].kind in GOES_ON or last.tokens[-1].kind in GOES_ON


def sides(row: Sequence[Token]) -> list[Sequence[Token]]:
    """Split a row at the equals signs that nothing encloses."""
    return split(row, "EQUAL")


def split(row: Sequence[Token], kind: str) -> list[Sequence[Token]]:
    """Split a row at the tokens of a kind that nothing encloses."""
    depth, start = 0, 0
    found: list[Sequence[Token]] = []
    for k, token in enumerate(row):
        depth += _step(token)
        if token.kind == kind and depth == 0:
            found.append(row[start:k])
            start = k + 1
    return [*found, row[start:]]


def _step(token: Token) -> int:
    return (token.kind in OPENS) - (token.kind in CLOSES)


def _raw_rows(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    row: list[Token] = []
    depth = inside = cases = line = 0
    display = False
    for k, token in enumerate(tokens):
        cases += (token.kind == "CASES") - (token.kind == "ENDCASES")
        depth += _step(token)
        ends = token.kind in ENDS or (token.kind == "ROW" and not cases)
        if token.kind in {"NEWLINE", "COMMA", "QUAD"} and not depth:
            within = inside or display
            ends = not (within and token.kind == "NEWLINE") and (
                _begins_equation(tokens, k + 1)
                or (declares(tokens, k + 1) and (token.kind != "COMMA" or declares(row, 0)))
            )
        inside += (token.kind == "BEGIN") - (token.kind == "END")
        if token.kind == "SHIFT":
            display = token.text not in ENDS_DISPLAY and (token.text[0] == "\\" or not display)
        if ends:
            yield row
            row, line = [], 0
        elif token.kind != "NEWLINE":
            row.append(token)
        elif not depth and display and not inside:
            if _is_equation(row[line:]) and _begins_equation(tokens, k + 1):
                if row[-1].kind in SEPARATES or _separates(tokens, k + 1):
                    yield row
                    row = []
                else:
                    row.append(Token("BREAK", "the end of a line", token.line, token.column, 1))
            line = len(row)
    yield row


def _separates(tokens: Sequence[Token], k: int) -> bool:
    """Whether a space or a word between equations comes next."""
    return tokens[k : k + 1] != [] and (tokens[k].kind in SEPARATES or word_at(tokens, k) in LINKS)


def _is_equation(line: Sequence[Token]) -> bool:
    """Whether a line is complete: `BREAK` marks where another equation follows such a line."""
    return len(split(line, "EQUAL")) > 1 and line[-1].kind not in GOES_ON


def _begins_equation(tokens: Sequence[Token], k: int) -> bool:
    """Whether the line from token k has an equals sign or a word such as ``assume``."""
    depth = 0
    first = True
    while k < len(tokens) and tokens[k].kind in {"QUAD", "AMP"}:
        k += 1
    for token in tokens[k:]:
        if token.kind in {"NEWLINE", "QUAD", "ROW", *ENDS}:
            break
        if first and token.text in UPRIGHT and (word := word_at(tokens, k)) in {
            *LINKS, *CONDITIONS, "assume", "function"
        }:  # fmt: skip
            return word not in CONDITIONS
        if first and token.kind in {"EQUAL", "SIGN"}:
            return False
        if token.kind == "COMMA" and depth == 0:
            break
        first = False
        depth += _step(token)
        if token.kind == "EQUAL" and depth == 0:
            return True
    return False


def declares(tokens: Sequence[Token], k: int) -> bool:
    r"""Whether a declared shape begins at k, or an equation with one: ``X \in \mathbb{R}``."""
    for here, after in pairwise(tokens[k:]):
        if here.kind in {"NEWLINE", "QUAD", "ROW", *ENDS}:
            break
        if here.text == r"\in" and after.text == r"\mathbb":
            return True
    return False


def word_at(row: Sequence[Token], k: int) -> str:
    r"""Return the letters of the ``\text{where}`` at k, "" where there are none."""
    if k >= len(row) or row[k].text not in UPRIGHT:
        return ""
    return "".join(t.text for t in row[k : word_end(row, k)] if t.kind == "LETTER").lower()


def word_end(row: Sequence[Token], k: int) -> int:
    r"""Return where the ``\text{...}`` at k has ended."""
    depth = 0
    for j in range(k + 1, len(row)):
        depth += (row[j].kind == "LBRACE") - (row[j].kind == "RBRACE")
        if depth == 0:
            return j + 1
    return len(row)


# --- columns and words -------------------------------------------------------------------------


def _equations(raw: Sequence[Token]) -> Iterator[Row]:
    """Split a row into the equations of its columns, and at the words between them."""
    for column in _columns(raw):
        for part in _between_words(column):
            yield _with_conditions(part)


def _columns(raw: Sequence[Token]) -> Iterator[list[Token]]:
    r"""Split a row where a column begins an equation: ``a &= b & c &= d``, ``a &= b && c = d``.

    Notes in columns are left out; all else goes on from the column before.
    """
    cells = [_stripped(cell) for cell in split(raw, "AMP")]
    group: list[Token] = []
    for k, cell in enumerate(cells):
        if k and _is_note(cell):
            continue
        before = split(cell, "EQUAL")
        after = next((c for c in cells[k + 1 :] if c), [])
        opens = bool(cell) and cell[0].kind not in GOES_ON
        begins = opens and (len(before) > 1 or (bool(after) and after[0].kind == "EQUAL"))
        if begins and len(split(group, "EQUAL")) > 1 and group[-1].kind not in GOES_ON:
            yield group
            group = []
        group = [*group, *cell]
    yield group


def _stripped(cell: Sequence[Token]) -> list[Token]:
    """Return a column without space and punctuation at its ends."""
    start, end = 0, len(cell)
    while start < end and cell[start].kind == "QUAD":
        start += 1
    while start < end and (cell[end - 1].kind in SEPARATES or _trails_off(cell[:end])):
        end -= 1
    return list(cell[start:end])


def _trails_off(cell: Sequence[Token]) -> bool:
    r"""Whether ``, \ldots`` ends a column."""
    return len(cell) > 1 and cell[-1].text in DOTS and cell[-2].kind in SEPARATES


def _is_note(part: Sequence[Token]) -> bool:
    r"""Whether a part is ``\text{(scalar)}``, ``(1)`` or ``(\text{chain rule})``."""
    kinds = [t.kind for t in part]
    if kinds == ["OPEN", "NUMBER", "CLOSE"]:
        return True
    if kinds[:1] == ["OPEN"] and kinds[-1:] == ["CLOSE"]:
        part = part[1:-1]
    word = word_at(part, 0)
    alone = bool(part) and part[0].text in UPRIGHT - {r"\mathrm"} and word_end(part, 0) == len(part)
    return alone and word not in CONDITIONS


def _between_words(row: Sequence[Token]) -> Iterator[list[Token]]:
    r"""Split a row at ``\text{and}``, ``\text{where}`` that nothing encloses; leave out notes."""
    depth, start, k = 0, 0, 0
    while k < len(row):
        depth += _step(row[k])
        word = word_at(row, k) if not depth and not _is_script(row, k) else ""
        end = word_end(row, k) if word else k + 1
        if word in LINKS and row[end : end + 1] and not _is_range(row[end:]):
            yield list(row[start:k])
            start = end
        k = end
    yield list(row[start:])


def _is_script(row: Sequence[Token], k: int) -> bool:
    return k > 0 and row[k - 1].kind in {"SUB", "SUP"}


def _is_range(part: Sequence[Token]) -> bool:
    r"""Whether a condition on labels begins here: ``i = j``, ``i = 1, \ldots, n``, ``i \ne j``."""
    part = _until_punctuation(_stripped(part))
    if len(part) >= 3 and part[0].kind == "OPEN" and part[-1].kind == "CLOSE":
        part = part[1:-1]
    single = len(part) >= 3 and is_letter(part[0]) and part[1].kind in {"EQUAL", "COMPARE"}
    dots = any(t.text in DOTS for t in part)
    if len(part) > 2 and {"EQUAL", "COMPARE"} & {t.kind for t in _outside(part)} == {"COMPARE"}:
        return True
    return single and (dots or (len(part) == 3 and is_letter(part[2])))


def _until_punctuation(part: Sequence[Token]) -> Sequence[Token]:
    end = next((k for k, t in enumerate(part) if t.kind in {"DOT", "QUAD"}), len(part))
    return part[:end]


def is_letter(token: Token) -> bool:
    """Whether a token may be a label: a letter, not of a font."""
    command = token.kind == "COMMAND" and token.text not in FONTS | DOTS and len(token.text) > 2
    return token.kind == "LETTER" or command


def _with_conditions(part: Sequence[Token]) -> Row:
    r"""Return an equation and the conditions behind it.

    A condition begins with a word, ``\text{if } i = j``, or behind a space, ``\quad i \neq j``.
    Notes behind a space are left out.
    """
    depth, start = 0, 0
    pieces: list[list[Token]] = []
    k = 0
    while k < len(part):
        depth += _step(part[k])
        word = word_at(part, k) if not depth and not _is_script(part, k) else ""
        after = part[word_end(part, k) :] if word else ()
        if word in CONDITIONS or part[k].text == r"\forall" or (word in LINKS and _is_range(after)):
            pieces.append(list(part[start:k]))
            start = k
        elif part[k].kind == "QUAD" and not depth:
            pieces.append(list(part[start:k]))
            start = k + 1
        k = word_end(part, k) if word else k + 1
    pieces.append(list(part[start:]))
    tokens: list[Token] = []
    conditions: list[list[Token]] = []
    for n, piece in enumerate(map(_stripped, pieces)):
        if n and _is_note(piece):
            continue
        if n and piece and (_is_condition(piece) or conditions):
            conditions.append(piece)
        else:
            tokens += piece
    return Row(_stripped(tokens), conditions)


def _outside(piece: Sequence[Token]) -> Iterator[Token]:
    """Yield the tokens that nothing encloses but parentheses around all of them."""
    if piece[0].kind == "OPEN" and piece[-1].kind == "CLOSE":
        piece = piece[1:-1]
    depth = 0
    for token in piece:
        depth += _step(token)
        if not depth:
            yield token


def _is_condition(piece: Sequence[Token]) -> bool:
    worded = word_at(piece, 0) in CONDITIONS or piece[0].text == r"\forall"
    return worded or any(t.kind == "COMPARE" for t in _outside(piece))
