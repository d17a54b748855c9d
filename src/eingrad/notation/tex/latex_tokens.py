r"""LaTeX to tokens: spacing and comments are left out, characters that look alike are one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from eingrad.errors import NotationError, Position
from eingrad.notation.tokens import COMPARISONS, MAX_TOKENS, Source, Token

# fmt: off
SPACING = frozenset({
    r"\,", r"\;", r"\:", r"\!", r"\ ", r"\>", r"\thinspace", r"\medspace", r"\displaystyle",
    r"\textstyle", r"\limits", r"\nolimits", r"\nonumber", r"\notag", r"\qedhere", r"\allowbreak",
    r"\hfill", r"\bigm", r"\Bigm", r"\biggm", r"\Biggm", r"\enspace", r"\enskip", r"\strut",
    r"\mathstrut", r"\scriptstyle", r"\scriptscriptstyle", r"\small", r"\footnotesize",
    r"\normalsize", r"\large", r"\Large", r"\relax", r"\numberthis", r"\/", r"\negthinspace",
    r"\thickspace", r"\negmedspace", r"\big", r"\Big", r"\bigg", r"\Bigg", r"\bigl", r"\Bigl",
    r"\biggl", r"\bigr", r"\Bigr", r"\biggr", r"\Biggl", r"\Biggr", r"\noindent", r"\centering",
    r"\par", r"\space",
})
ENVIRONMENTS = frozenset({
    "align", "aligned", "alignat", "equation", "gather", "gathered", "split", "eqnarray",
    "multline", "displaymath", "math", "flalign", "array",
})
DELIMITERS = {
    "(": ("OPEN", "("), ")": ("CLOSE", "("), "[": ("OPEN", "["), "]": ("CLOSE", "["),
    r"\{": ("OPEN", r"\{"), r"\}": ("CLOSE", r"\{"), r"\lbrace": ("OPEN", r"\{"),
    r"\rbrace": ("CLOSE", r"\{"), r"\lbrack": ("OPEN", "["), r"\rbrack": ("CLOSE", "["),
    r"\lvert": ("OPEN", "|"), r"\rvert": ("CLOSE", "|"),
    r"\lVert": ("OPEN", r"\|"), r"\rVert": ("CLOSE", r"\|"),
    r"\llbracket": ("OPEN", "["), r"\rrbracket": ("CLOSE", "["),
    r"\langle": ("OPEN", r"\langle"), r"\rangle": ("CLOSE", r"\langle"),
    "|": ("BAR", "|"), r"\vert": ("BAR", "|"), r"\|": ("BAR", r"\|"), r"\Vert": ("BAR", r"\|"),
}
SIGNS = {
    "+": "SIGN", "-": "SIGN", "*": "TIMES", r"\cdot": "TIMES", r"\times": "TIMES",
    r"\odot": "TIMES", r"\circ": "TIMES", r"\ast": "TIMES", "/": "SLASH", "=": "EQUAL",
    ":=": "EQUAL", r"\coloneqq": "EQUAL", r"\equiv": "EQUAL", r"\triangleq": "EQUAL",
    r"\coloneq": "EQUAL", r"\doteq": "EQUAL", r"\mid": "MID",
    ",": "COMMA", "'": "PRIME", r"\prime": "PRIME", "^": "SUP", "_": "SUB", "{": "LBRACE",
    "}": "RBRACE", "&": "AMP", ".": "DOT", ";": "DOT", ":": "COLON", r"\quad": "QUAD",
    r"\qquad": "QUAD", r"\Rightarrow": "ARROW", r"\Longrightarrow": "ARROW",
    r"\implies": "ARROW", r"\therefore": "ARROW", r"\otimes": "TIMES", r"\oslash": "TIMES",
    "!": "COMMAND",
}
LOOK_LIKE = {"−": "-", "–": "-", "·": "*", "×": "*", "⋅": "*", "∗": "*", "∂": r"\partial",
             "⊙": r"\odot", "⊗": r"\otimes", "⊘": r"\oslash",
             "∑": r"\sum", "∏": r"\prod", "∇": r"\nabla", "∈": r"\in", "⊤": r"\top",
             "’": "'", "′": "'", "‖": r"\|", "∥": r"\|", "⟨": r"\langle", "⟩": r"\rangle",
             r"\triangledown": r"\nabla", r"\bigtriangledown": r"\nabla",
             r"\mbox": r"\text", r"\hbox": r"\text", r"\textnormal": r"\text",
             r"\bold": r"\mathbf", r"\boldmath": r"\mathbf"}
# fmt: on

_TOKEN = re.compile(
    r"(?P<space>[^\S\n]+|~)|(?P<newline>\n)|(?P<comment>[%#][^\n]*)"
    r"|(?P<row>\\\\(?:\[[^\]\n]*\])?\*?)|(?P<shift>\$\$?|\\[\[\]()])"
    r"|(?P<env>\\(?:begin|end)[ ]?\{[A-Za-z]*\*?\})(?:[ ]?\{[0-9lcr@{}| ]*\})?"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<command>\\(?:[A-Za-z]+|[^A-Za-z]))|(?P<sign>:=)|(?P<letter>[^\W\d_])|(?P<other>.)"
)


class Lexer:
    """Reads the tokens of a text."""

    def __init__(self, text: str) -> None:
        self.source = Source(text)

    def position(self, token: Token) -> Position:
        """Return a token's position."""
        return self.source.at(token.line, token.column, token.width).at()

    def tokens(self) -> Iterator[Token]:
        """Yield all tokens; spacing and comments are left out."""
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
        if token.kind == "letter" and not text.isalpha() and not text.isidentifier():  # x²
            kind = ""
        if token.kind == "env":
            return self._environment(token)
        if text == r"\cr":
            kind = "ROW"
        if text in DELIMITERS:
            kind, text = DELIMITERS[text]
        elif text in COMPARISONS:
            kind, text = "COMPARE", COMPARISONS[text]
        elif text in SIGNS:
            kind = SIGNS[text]
        elif not kind and (token.kind == "command" or text != token.text):
            kind = "COMMAND"
        if not kind:
            shown = token.text if token.text.isprintable() else f"U+{ord(token.text):04X}"
            raise self.error(token, f"unexpected character {shown}",
                             "write a formula as LaTeX prints it, such as W_{ij} x_j")  # fmt: skip
        return Token(kind, text, token.line, token.column, token.width, token.spaced)

    def _environment(self, token: Token) -> Token:
        name = re.sub(r"^[^{]*\{|\*?\}.*", "", token.text)
        begins = token.text.startswith(r"\begin")
        if name == "cases":
            kind = "CASES" if begins else "ENDCASES"
        elif name in ENVIRONMENTS:
            kind = "BEGIN" if begins else "END"
        else:
            hint = "write align, equation or cases"
            if name.endswith("matrix") or name == "array":
                hint = "entries are read in claims alone: \\nabla f = \\begin{bmatrix} ..."
            raise self.error(token, f"unknown environment {name}", hint)
        return Token(kind, name, token.line, token.column, token.width, token.spaced)

    def error(self, token: Token | None, reason: str, hint: str) -> NotationError:
        """Return an error at a token."""
        position = None if token is None else self.position(token)
        return NotationError(reason, position=position, hint=hint)
