r"""LaTeX to tokens and rows: ``\left``, spacing, alignment and environments are dealt with here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from eingrad.errors import NotationError, Position
from eingrad.notation.tex.names import LINKS
from eingrad.notation.tokens import MAX_DEPTH, MAX_TOKENS, Source, too_deep

# fmt: off
SPACING = frozenset({
    r"\,", r"\;", r"\:", r"\!", r"\ ", r"\>", r"\quad", r"\qquad", r"\thinspace", r"\medspace",
    r"\displaystyle", r"\textstyle", r"\limits", r"\nolimits", r"\nonumber", r"\notag", r"\qedhere",
    r"\allowbreak", r"\hfill", r"\big", r"\Big", r"\bigg", r"\Bigg", r"\bigl", r"\Bigl", r"\biggl",
    r"\bigr", r"\Bigr", r"\biggr", r"\Biggl", r"\Biggr", r"\noindent", r"\centering", r"\par",
})
DROPPED = frozenset({r"\label", r"\tag", r"\hspace", r"\vspace", r"\phantom", r"\hphantom"})
ENVIRONMENTS = frozenset({
    "align", "aligned", "alignat", "equation", "gather", "gathered", "split", "eqnarray",
    "multline", "displaymath", "math", "flalign",
})
DELIMITERS = {
    "(": ("OPEN", "("), ")": ("CLOSE", "("), "[": ("OPEN", "["), "]": ("CLOSE", "["),
    r"\{": ("OPEN", r"\{"), r"\}": ("CLOSE", r"\{"), r"\lbrace": ("OPEN", r"\{"),
    r"\rbrace": ("CLOSE", r"\{"), r"\lbrack": ("OPEN", "["), r"\rbrack": ("CLOSE", "["),
    r"\lvert": ("OPEN", "|"), r"\rvert": ("CLOSE", "|"),
    r"\lVert": ("OPEN", r"\|"), r"\rVert": ("CLOSE", r"\|"),
    "|": ("BAR", "|"), r"\vert": ("BAR", "|"), r"\|": ("BAR", r"\|"), r"\Vert": ("BAR", r"\|"),
}
SIGNS = {
    "+": "SIGN", "-": "SIGN", "*": "TIMES", r"\cdot": "TIMES", r"\times": "TIMES",
    r"\odot": "TIMES", r"\circ": "TIMES", r"\ast": "TIMES", "/": "SLASH", "=": "EQUAL",
    "<": "COMPARE", ">": "COMPARE", r"\le": "COMPARE", r"\leq": "COMPARE", r"\ge": "COMPARE",
    r"\geq": "COMPARE", r"\ne": "COMPARE", r"\neq": "COMPARE", r"\lt": "COMPARE",
    r"\gt": "COMPARE", r"\leqslant": "COMPARE", r"\geqslant": "COMPARE",
    ":=": "EQUAL", r"\coloneqq": "EQUAL", r"\equiv": "EQUAL", r"\triangleq": "EQUAL",
    ",": "COMMA", "'": "PRIME", r"\prime": "PRIME", "^": "SUP", "_": "SUB", "{": "LBRACE",
    "}": "RBRACE", "&": "AMP", ".": "DOT", ";": "DOT",
}
LOOK_LIKE = {"−": "-", "–": "-", "·": "*", "×": "*", "⋅": "*", "∗": "*", "⊙": "*", "∂": r"\partial",
             "∑": r"\sum", "∏": r"\prod", "≤": r"\le", "≥": r"\ge", "≠": r"\ne", "∇": r"\nabla"}
# fmt: on

_TOKEN = re.compile(
    r"(?P<space>[^\S\n]+|~)|(?P<newline>\n)|(?P<comment>%[^\n]*)"
    r"|(?P<row>\\\\(?:\[[^\]\n]*\])?\*?)|(?P<shift>\$\$?|\\[\[\]()])"
    r"|(?P<env>\\(?:begin|end)[ ]?\{[A-Za-z]*\*?\})(?:\{[0-9lcr]*\})?"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+))"
    r"|(?P<command>\\(?:[A-Za-z]+|[^A-Za-z]))|(?P<sign>:=)|(?P<letter>[^\W\d_])|(?P<other>.)"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of LaTeX; ``spaced`` says that a space stands before it."""

    kind: str
    text: str
    line: int
    column: int
    width: int
    spaced: bool = False


class Lexer:
    """Reads the tokens of a text."""

    def __init__(self, text: str) -> None:
        self.source = Source(text)

    def position(self, token: Token) -> Position:
        """Return a token's position."""
        return self.source.at(token.line, token.column, token.width).at()

    def tokens(self) -> list[Token]:
        """Return all tokens; spacing, comments and labels are left out."""
        return _without_dropped(_join_delimiters(list(self._raw()), self), self)

    def _raw(self) -> Iterator[Token]:
        line, start, spaced = 1, 0, False
        for count, match in enumerate(_TOKEN.finditer(self.source.text)):
            kind, text = str(match.lastgroup), match[0]
            token = Token(kind, text, line, match.start() - start + 1, max(1, len(text)), spaced)
            if count > MAX_TOKENS:
                raise self.error(token, f"the text has more than {MAX_TOKENS:,} words and signs",
                                 "split the model")  # fmt: skip
            if kind == "newline":
                line, start = line + 1, match.end()
                yield Token("NEWLINE", text, token.line, token.column, 1)
            elif kind not in {"space", "comment"} and text not in SPACING:
                yield self._named(token)
            spaced = kind in {"space", "newline"} or text in SPACING

    def _named(self, token: Token) -> Token:
        kinds = {"row": "ROW", "shift": "SHIFT", "number": "NUMBER", "letter": "LETTER"}
        text = LOOK_LIKE.get(token.text, token.text)
        kind = kinds.get(token.kind, "")
        if token.kind == "env":
            return self._environment(token)
        if text in DELIMITERS:
            kind, text = DELIMITERS[text]
        elif text in SIGNS:
            kind = SIGNS[text]
        elif token.kind == "command" or text != token.text:
            kind = "COMMAND"
        if not kind:
            shown = token.text if token.text.isprintable() else f"U+{ord(token.text):04X}"
            raise self.error(token, f"unexpected character {shown}",
                             "write a formula as LaTeX prints it, such as W_{ij} x_j")  # fmt: skip
        return Token(kind, text, token.line, token.column, token.width, token.spaced)

    def _environment(self, token: Token) -> Token:
        name = re.sub(r".*\{|\*?\}.*", "", token.text)
        begins = token.text.startswith(r"\begin")
        if name == "cases":
            kind = "CASES" if begins else "ENDCASES"
        elif name in ENVIRONMENTS:
            kind = "BEGIN" if begins else "END"
        else:
            raise self.error(token, f"unknown environment {name}",
                             "write align, equation or cases")  # fmt: skip
        return Token(kind, name, token.line, token.column, token.width, token.spaced)

    def error(self, token: Token | None, reason: str, hint: str) -> NotationError:
        """Return an error at a token."""
        position = None if token is None else self.position(token)
        return NotationError(reason, position=position, hint=hint)


def _join_delimiters(tokens: list[Token], lexer: Lexer) -> list[Token]:
    r"""Read ``\left(`` and ``\right)`` as parentheses; ``\left|`` opens, ``\right|`` closes."""
    result: list[Token] = []
    side = None
    for token in tokens:
        if side is None:
            if token.kind == "COMMAND" and token.text in {r"\left", r"\right"}:
                side = token
            elif not (token.kind == "COMMAND" and token.text == r"\middle"):
                result.append(token)
            continue
        if token.kind not in {"OPEN", "CLOSE", "BAR"}:
            raise lexer.error(side, f"{side.text} without a parenthesis after it",
                              rf"write {side.text}( or {side.text})")  # fmt: skip
        kind = "OPEN" if side.text == r"\left" else "CLOSE"
        result.append(Token(kind, token.text, side.line, side.column, side.width, side.spaced))
        side = None
    if side is not None:
        raise lexer.error(side, f"{side.text} without a parenthesis after it",
                          rf"write {side.text}( or {side.text})")  # fmt: skip
    return result


def _without_dropped(tokens: list[Token], lexer: Lexer) -> list[Token]:
    """Leave out labels and other things in braces that are no mathematics."""
    result: list[Token] = []
    skip_group, depth = False, 0
    for token in tokens:
        if token.kind == "COMMAND" and token.text in DROPPED and not depth:
            skip_group = True
        elif skip_group or depth:
            skip_group = False
            depth += (token.kind == "LBRACE") - (token.kind == "RBRACE")
        else:
            result.append(token)
    _check_depth(result, lexer)
    return result


def _check_depth(tokens: Sequence[Token], lexer: Lexer) -> None:
    depth = 0
    for token in tokens:
        opens = token.kind in {"LBRACE", "OPEN", "CASES"}
        depth += opens - (token.kind in {"RBRACE", "CLOSE", "ENDCASES"})
        if depth > MAX_DEPTH:
            raise too_deep(lexer.position(token))


# --- rows ---------------------------------------------------------------------------------------


def rows(tokens: Sequence[Token]) -> list[list[Token]]:
    r"""Split tokens into statements.

    A row of an environment ends at ``\\``. Outside of one a line is a statement if it has an
    equals sign of its own, else it goes on from the line before. A row that begins with an
    operator does so, too.
    """
    result: list[list[Token]] = []
    for row in _raw_rows(tokens):
        trimmed = _trim(row)
        if not trimmed:
            continue
        joins = trimmed[0].kind in {"SIGN", "TIMES", "SLASH"} and result
        if joins or (result and result[-1][-1].kind in {"SIGN", "TIMES", "SLASH", "EQUAL"}):
            result[-1] += trimmed
        elif trimmed[0].kind == "EQUAL" and result:
            continue  # the first right side of a chain of equations defines
        else:
            result.append(trimmed)
    return result


def _raw_rows(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    row: list[Token] = []
    depth = inside = cases = 0
    for k, token in enumerate(tokens):
        depth += (token.kind in {"LBRACE", "OPEN"}) - (token.kind in {"RBRACE", "CLOSE"})
        cases += (token.kind == "CASES") - (token.kind == "ENDCASES")
        ends = token.kind in {"SHIFT", "BEGIN", "END"}
        ends |= token.kind == "ROW" and not cases
        ends |= token.kind == "NEWLINE" and not inside and not depth and not cases \
            and _begins_statement(tokens, k + 1)  # fmt: skip
        ends |= (
            token.kind == "COMMA" and not depth and not cases and _begins_statement(tokens, k + 1)
        )
        inside += (token.kind == "BEGIN") - (token.kind == "END")
        if ends:
            yield row
            row = []
        elif token.kind != "NEWLINE":
            row.append(token)
    yield row


def _begins_statement(tokens: Sequence[Token], k: int) -> bool:
    """Whether the line from token k has an equals sign or a word such as ``assume``."""
    depth = 0
    first = True
    for token in tokens[k:]:
        if token.kind in {"NEWLINE", "SHIFT", "ROW", "BEGIN", "END"}:
            break
        if first and (token.kind in {"EQUAL", "SIGN"} or token.text == r"\text"):
            return token.text == r"\text"
        if token.kind == "COMMA" and depth == 0:
            break
        first = False
        depth += (token.kind in {"LBRACE", "OPEN", "CASES"}) - (
            token.kind in {"RBRACE", "CLOSE", "ENDCASES"}
        )
        if token.kind == "EQUAL" and depth == 0:
            return True
    return False


def _trim(row: list[Token]) -> list[Token]:
    r"""Leave out alignment marks, a comment behind ``&&`` and punctuation at the end."""
    depth = cases = 0
    marks: list[int] = []
    for k, token in enumerate(row):
        depth += (token.kind in {"LBRACE", "OPEN"}) - (token.kind in {"RBRACE", "CLOSE"})
        cases += (token.kind == "CASES") - (token.kind == "ENDCASES")
        if token.kind == "AMP" and not cases and not depth:
            marks.append(k)
    for a, b in pairwise(marks):
        if b == a + 1:
            row = row[:a]
            break
    else:
        if marks and row[marks[-1] + 1 : marks[-1] + 2] and row[marks[-1] + 1].text == r"\text":
            row = row[: marks[-1]]
    result = _without_link([t for k, t in enumerate(row) if k not in marks])
    while result and result[-1].kind in {"DOT", "COMMA"}:
        result.pop()
    return result


def _without_link(row: list[Token]) -> list[Token]:
    r"""Leave out ``\text{where}`` before an equation."""
    if not row or row[0].text != r"\text":
        return row
    end = next((k for k, t in enumerate(row) if t.kind == "RBRACE"), 0)
    word = "".join(t.text for t in row[:end] if t.kind == "LETTER")
    return row[end + 1 :] if word in LINKS and row[end + 1 : end + 2] else row
