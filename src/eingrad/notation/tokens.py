"""Text to tokens: lines joined, parentheses matched, keywords found.

All that depends on spaces and lines is decided here, so that the grammar knows of neither.
`lexeme` reads the inside of words.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from eingrad.errors import NotationError, Position
from eingrad.notation.lexeme import (
    TENSOR,
    WORDS,
    TextPlace,
    is_greek,
    name_of,
    read_differentials,
    unknown_command,
)

MAX_CHARACTERS = 1_000_000
MAX_TOKENS = 100_000
MAX_STATEMENTS = 12_000  # a derivation is linear in their number
MAX_IN_STATEMENT = 1_500  # words and signs: n factors have n gradients of n - 1 factors
MAX_LINE = 20_000  # characters before a comment
MAX_WORD = 1_000  # characters: a list of labels is part of its tensor's word
MAX_DEPTH = 100

COMPARISONS = {sign: sign for sign in ("<", "<=", ">", ">=", "==", "!=")} | {
    "≤": "<=",
    "⩽": "<=",
    r"\le": "<=",
    r"\leq": "<=",
    r"\leqslant": "<=",
    r"\lt": "<",
    "≥": ">=",
    "⩾": ">=",
    r"\ge": ">=",
    r"\geq": ">=",
    r"\geqslant": ">=",
    r"\gt": ">",
    "≠": "!=",
    r"\ne": "!=",
    r"\neq": "!=",
}  # how the sign of a comparison is written, in text and in LaTeX
OPERATORS = frozenset({"SIGN", "TIMES", "SLASH", "SUP", "EQUAL", "COMPARE", "COMMA"})
OPERANDS = frozenset({"WORD", "CALL", "NUMBER", "DERIVATIVE", "OPEN", "INDICATOR"})

# An alternative is a kind of token; a call has no space before its parenthesis, dL/dx none around
# its slash. Where two alternatives begin alike, the longer stands first.
_TOKEN = re.compile(
    r"(?P<SHAPE>in[ \t]+[Rℝ](?:\^(?:\{[^{}\n]*\}|\w+))?(?=[ \t]*(?:[#,\n]|$)))"
    rf"|(?P<DERIVATIVE>d2{TENSOR}/d{TENSOR}[ \t]+d{TENSOR}|d{TENSOR}/d{TENSOR})"
    rf"|(?P<CALL>{TENSOR}(?:'+[1-9]*)?(?=\())|(?P<WORD>{TENSOR}'*|(?<=size\()\.\.\.)"
    r"|(?P<INDICATOR>1\[)|(?P<NUMBER>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<SIGN>[+-])|(?P<SUP>\^|\*\*)|(?P<TIMES>[*⊙⊘⊗])|(?P<NORM>\|\|(?:_[F2](?![A-Za-z0-9]))?)|(?P<SLASH>/)"
    r"|(?P<COMPARE>[<>=!]=|[<>])|(?P<EQUAL>=)|(?P<OPEN>[(\[])|(?P<CLOSE>\)|\](?:_(?:\{[^{}\n]*\}|[^\W\d_]+))?)|(?P<COMMA>,)"
    r"|(?P<NEWLINE>\n)|(?P<space>[^\S\n]+|#[^\n]*)|(?P<other>.)"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text or LaTeX; ``spaced`` says that a space stands before it."""

    kind: str
    text: str
    line: int
    column: int
    width: int
    spaced: bool = False


_CHARACTER_HINTS = {
    **dict.fromkeys("·×⋅∗", "write * or a space for a product"),
    **dict.fromkeys("−–—", "write - for a minus sign"),
    **dict.fromkeys("÷∕", "write / for a division"),
    **dict.fromkeys("⁰¹²³⁴⁵⁶⁷⁸⁹", "write a power with ^, as in x^2"),
    **dict.fromkeys("₀₁₂₃₄₅₆₇₈₉ᵢⱼₐₑₒₓ", "write labels after an underscore, as in W_ij"),
    **dict.fromkeys("[]", "brackets hold long labels right after a name, as in W[out,in]"),
    **dict.fromkeys("{}", "braces hold labels, as in W_{ij}; group with parentheses"),
    **dict.fromkeys("∂", "write a derivative as dL/dW_ij"),
    **dict.fromkeys("∑Σ", "write sum_i(...)"),
    **dict.fromkeys("∏Π", "write prod_i(...)"),
    "√": "write sqrt(...)",
    ";": "one statement a line",
    "'": "a prime belongs to a declared function, as in phi'(a)",
    "_": "labels follow a name directly, as in W_ij",
    "\\": "a backslash is for Greek letters, as in \\alpha",
    "%": "a comment begins with #",
    "!": "write != for a comparison",
    "@": "write a product with labels: A_ij B_jk",
}


class Source:
    """A text with its lines, for positions; line ends are all ``\\n``."""

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise NotationError(
                f"a model is a text, not {type(text).__name__}",
                code="wrong-type",
                hint="read a file first: eg.parse(path.read_text())",
            )
        if len(text) > MAX_CHARACTERS:
            raise too_large("the text", len(text), MAX_CHARACTERS, "characters", None)
        self.text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        self.lines = self.text.split("\n")
        for number, line in enumerate(self.lines, 1):
            if len(line) > MAX_LINE and len(line := line.partition("#")[0].rstrip()) > MAX_LINE:
                raise too_large(
                    "the line", len(line), MAX_LINE, "characters", self.at(number, 1).at()
                )

    def place(self, token: Token) -> TextPlace:
        """Return a token's place."""
        return self.at(token.line, token.column, token.width)

    def position(self, token: Token) -> Position:
        """Return a token's position."""
        return self.place(token).at()

    def at(self, line: int, column: int, width: int = 1) -> TextPlace:
        """Return the place at a line and a column, from 1."""
        return TextPlace(line, column, self.lines[line - 1], width)

    def check_characters(self) -> None:
        """Raise at the first character that no token has; comments may have any."""
        usable = {c for c in set(self.text) if _is_usable(c)}
        if len(usable) == len(set(self.text)):
            return
        for number, line in enumerate(self.lines, 1):
            for column, c in enumerate(line.partition("#")[0], 1):
                if c not in usable:
                    raise self.unknown_character(number, column)

    def unknown_character(self, line: int, column: int) -> NotationError:
        """Return the error about one character."""
        place = self.at(line, column)
        command = re.search(r"\\[A-Za-z]+$", place.line_text[: column - 1])
        if command and not is_greek(command[0]):
            return unknown_command(
                command[0], self.at(line, 1 + command.start()).at(0, len(command[0]))
            )
        c = place.line_text[column - 1]
        shown = c if c.isprintable() else f"U+{ord(c):04X}"
        return NotationError(
            f"unexpected character {shown!r}" if shown == c else f"unexpected character {shown}",
            code="unexpected-character",
            position=place.at(),
            hint=_CHARACTER_HINTS.get(c, "a formula has names, numbers, + - * / ^ ( ) , and ="),
        )


def _is_usable(c: str) -> bool:
    return (
        c.isalpha()
        or c.isspace()
        or (c.isascii() and c.isprintable())
        or c in "⊙⊘⊗"
        or c in COMPARISONS
    )


def tokens_of(source: Source) -> Iterator[Token]:
    """Yield all tokens of a text; spaces and comments are left out."""
    source.check_characters()
    line, start, spaced = 1, 0, False
    for match in _TOKEN.finditer(source.text):
        column = match.start() - start + 1
        token = _token(match)
        kind = token.kind
        if kind == "other":
            raise source.unknown_character(line, column)
        if kind != "space":
            yield replace(token, line=line, column=column, spaced=spaced)
        if kind == "NEWLINE":
            line, start = line + 1, match.end()
        spaced = kind in {"space", "NEWLINE"}


def _token(match: re.Match[str]) -> Token:
    """Return the token of a match in the first line."""
    text = COMPARISONS.get(match[0], match[0])
    kind = "COMPARE" if match[0] in COMPARISONS else str(match.lastgroup)
    return Token(kind, text, 1, match.start() + 1, match.end() - match.start())


def arrange(source: Source, names: Collection[str], statements: bool) -> list[Token]:
    """Return the tokens that the grammar reads.

    Line ends inside parentheses, after operators and before an indented sign are dropped. For
    statements, every one ends in a line end, and ``assume`` and ``function`` are keywords where a
    statement begins and more than ``=`` follows.
    """
    tokens = _with_whole_words(_join_lines(tokens_of(source), source), names)
    result = _split_divisions(tokens, source, names)
    if not statements:
        return [token for token in result if token.kind != "NEWLINE"]
    return _find_keywords(result)


_SUBSCRIPT = re.compile(r"([^\W\d_]\d*)_(?:\{([^\W\d_]+)\}|([^\W\d_]+))(?![\w{])")
_LONG = frozenset(x for x in WORDS if len(x) > 3)  # fewer letters are labels as often


def _with_whole_words(tokens: list[Token], names: Collection[str]) -> list[Token]:
    """Return tokens in which y_true is the name ytrue, where no letter of the word is a label.

    In a claim it is one if ``names``, those of the model, have it.
    """
    found = [
        (*pair, pair[1] or pair[2]) for t in tokens for pair in _SUBSCRIPT.findall(t.text)
        if t.kind in {"WORD", "DERIVATIVE"}
    ]  # fmt: skip
    labels = {letter for *_, below in found if below not in _LONG for letter in below}
    words = {below for *_, below in found if below in _LONG and labels.isdisjoint(below)}
    if not words:
        return tokens

    def joined(match: re.Match[str]) -> str:
        name = match[1] + (match[2] or match[3])
        whole = (match[2] or match[3]) in words and (not names or name in names)
        return name if whole else match[0]

    return [
        replace(t, text=_SUBSCRIPT.sub(joined, t.text)) if t.kind in {"WORD", "DERIVATIVE"} else t
        for t in tokens
    ]


def _join_lines(tokens: Iterable[Token], source: Source) -> list[Token]:
    result: list[Token] = []
    opened: list[Token] = []
    start, before, statements = 0, 0, 0
    for token in tokens:
        if _goes_on(token, result, before):
            result.pop()
            start, statements = before, statements - 1
        if len(result) - start > MAX_IN_STATEMENT:
            place = source.position(result[start])
            raise too_large("the statement", None, MAX_IN_STATEMENT, "words and signs", place)
        if token.width > MAX_WORD:
            place = source.position(token)
            raise too_large("this word", token.width, MAX_WORD, "characters", place)
        if len(result) >= MAX_TOKENS or statements > MAX_STATEMENTS:
            most, what = (MAX_STATEMENTS, "statements") if statements > MAX_STATEMENTS else (
                MAX_TOKENS, "words and signs"
            )  # fmt: skip
            raise too_large("the text", None, most, what, source.position(token))
        kind = token.kind
        if kind in {"OPEN", "INDICATOR"}:
            opened.append(token)
            _check_depth(opened, source)
        elif kind == "CLOSE":
            _close(opened, token, source)
        elif kind == "EQUAL" and opened:
            break  # a statement begins although a parenthesis is open: `opened` tells
        elif kind == "NEWLINE":
            last = result[-1].kind if result else "NEWLINE"
            if opened or last in OPERATORS or last == "NEWLINE":
                continue
            before, start, statements = start, len(result) + 1, statements + 1
        result.append(token)
    if opened and opened[-1].text == "[":
        raise source.unknown_character(opened[-1].line, opened[-1].column)
    if opened:
        raise NotationError(
            "this parenthesis is never closed",
            code="open-parenthesis",
            position=source.position(opened[-1]),
            hint="write ) where it ends",
        )
    if result and result[-1].kind != "NEWLINE" and result[-1].kind not in OPERATORS:
        result.append(replace(result[-1], kind="NEWLINE", text="\n"))
    return result


def _goes_on(token: Token, result: Sequence[Token], start: int) -> bool:
    """Whether a line begins with a sign, deeper than the statement of the line before it."""
    ended = token.kind == "SIGN" and bool(result) and result[-1].kind == "NEWLINE"
    below = ended and token.line == result[-1].line + 1
    return below and token.column > result[start].column


def _close(opened: list[Token], token: Token, source: Source) -> None:
    if not opened:
        raise NotationError(
            "this parenthesis closes nothing",
            code="closing-parenthesis",
            position=source.position(token),
            hint="leave it out, or write ( where it belongs",
        )
    opened.pop()


def _check_depth(opened: Sequence[Token], source: Source) -> None:
    if len(opened) > MAX_DEPTH:
        raise too_deep(source.position(opened[-1]))


def too_large(
    what: str, found: int | None, most: int, unit: str, position: Position | None
) -> NotationError:
    """Return the error about a text that later stages cannot bear; ``found`` is its measure."""
    size = f"{found:,} {unit}, more than {most:,}" if found else f"more than {most:,} {unit}"
    return NotationError(
        f"{what} has {size}",
        code="too-large",
        position=position,
        hint="split the model"
        if what == "the text"
        else "give parts names in statements of their own",
    )


def too_deep(position: Position | None) -> NotationError:
    """Return the error about a formula that nests too deep."""
    return NotationError(
        f"the formula is nested more than {MAX_DEPTH} levels deep",
        code="too-deep",
        position=position,
        hint="give a part of it a name in a statement of its own",
    )


def _find_keywords(tokens: list[Token]) -> list[Token]:
    for k, token in enumerate(tokens[:-1]):
        begins = k == 0 or tokens[k - 1].kind == "NEWLINE"
        if begins and tokens[k + 1].kind in {*OPERANDS, "SIGN"}:
            if token.text == "assume" and token.kind in {"WORD", "CALL"}:
                tokens[k] = replace(token, kind="ASSUME")
            elif token.text == "function" and tokens[k + 1].kind in {"WORD", "CALL"}:
                tokens[k] = replace(token, kind="FUNCTION")
    return tokens


# --- conditions below a function ---------------------------------------------------------------

_BELOW = re.compile(r"_\{([^{}]*)\}('*)$")


@dataclass(frozen=True, slots=True)
class CallHead:
    """The word before a call's parenthesis without its conditions, and the tokens of these."""

    head: str
    conditions: tuple[list[Token], ...] = ()


def split_below(token: Token) -> CallHead:
    """Split what stands before a call's parenthesis: ``sum_{k, j != i}`` has a label, ``sum_{k}``,
    and a condition."""
    match = _BELOW.search(token.text)
    if match is None or not _compares(match[1]):
        return CallHead(token.text)
    labels: list[str] = []
    conditions: list[list[Token]] = []
    for start, piece in _pieces(match[1]):
        if not _compares(piece):
            labels.append(piece)
            continue
        first = token.column + match.start(1) + start
        conditions.append([
            replace(_token(m), line=token.line, column=first + m.start())
            for m in _TOKEN.finditer(piece) if m.lastgroup != "space"
        ])  # fmt: skip
    below = f"_{{{','.join(labels)}}}" if labels else ""
    return CallHead(f"{token.text[: match.start()]}{below}{match[2]}", tuple(conditions))


def _compares(text: str) -> bool:
    return any(sign in text for sign in ("=", *COMPARISONS))


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield what stands between commas outside of brackets, each with where it begins."""
    depth, start = 0, 0
    for k, c in enumerate(f"{text},"):
        depth += (c in "([") - (c in ")]")
        if c == "," and depth == 0:
            yield start, text[start:k]
            start = k + 1


# --- dx/dt: a derivative or a division -------------------------------------------------------


def _split_divisions(tokens: list[Token], source: Source, names: Collection[str]) -> list[Token]:
    """Split ``dx/dt`` into a division where ``dx`` and ``dt`` are tensors themselves.

    With the names that the text (and ``names``) has elsewhere: it is a division if it has both
    ``dx`` and ``dt``; else a derivative if it has both ``x`` and ``t``; else a division if it
    has ``dx`` or ``dt``; else a derivative. ``dx / dt`` with spaces is always a division, and
    the left side of a statement never is one.
    """
    candidates = [
        k
        for k, token in enumerate(tokens)
        if token.kind == "DERIVATIVE"
        and not (tokens[k + 1 : k + 2] and tokens[k + 1].kind == "EQUAL")
    ]
    for k in candidates:
        _check_space_after(tokens, k, source)
    if not candidates:
        return tokens
    known = {*names, *(name_of(t.text) for t in tokens if t.kind == "WORD")}
    divisions: set[int] = set()
    changed = True
    while changed:
        changed = False
        for k in candidates:
            if k not in divisions and _is_division(tokens[k], source, known):
                divisions.add(k)
                known.update(name_of(word.text) for word in _words(tokens[k]) if word.text != "/")
                changed = True
    result: list[Token] = []
    for k, token in enumerate(tokens):
        result += _words(token) if k in divisions else [token]
    return result


def _is_division(token: Token, source: Source, known: Collection[str]) -> bool:
    above, below = read_differentials(token.text, source.place(token))
    of, *wrt = (tensor.name for tensor in (above, *below))
    plain = {of, *wrt}
    with_d = {("d2" if len(wrt) == 2 else "d") + of, *("d" + name for name in wrt)}
    if with_d.issubset(known):
        return True
    return not plain.issubset(known) and not with_d.isdisjoint(known)


def _words(token: Token) -> list[Token]:
    """Split a derivative's token into words and slashes."""
    result, start = [], 0
    above, _, below = token.text.partition("/")
    for text in [above, "/", *below.split()]:
        start = token.text.index(text, start)
        kind = "SLASH" if text == "/" else "WORD"
        column = token.column + start
        result.append(replace(token, kind=kind, text=text, column=column, width=len(text)))
        start += len(text)
    return result


def _check_space_after(tokens: Sequence[Token], k: int, source: Source) -> None:
    token = tokens[k]
    after = tokens[k + 1] if k + 1 < len(tokens) else None
    if after is not None and after.kind == "OPEN" and not after.spaced:
        raise NotationError(
            f"{token.text} is followed by a parenthesis without a space",
            operand=token.text,
            position=source.position(token),
            hint=f"for a product, write {token.text} (...)",
        )
