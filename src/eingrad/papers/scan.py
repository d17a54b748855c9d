r"""LaTeX mathematics cut where nothing encloses it: at ``\\``, at relations, at words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_PIECE = re.compile(
    r"\\(?:begin|end)\s*\{[A-Za-z]+\*?\}(?:\{[^{}]*\}|\[[^\]]*\])*"
    r"|\\(?:left|right|middle|[bB]igg?[lrm]?)(?![A-Za-z])\s*(?:\\[A-Za-z]+|\\.|[^\\\s])"
    r"|\\\\(?:\s*\[[^\]\[]*\]|\*)?"
    r"|\\[A-Za-z]+\*?|\\.|.",
    re.DOTALL,
)
_ROWED = re.compile(
    r"\\(begin|end)\s*\{(?:equation|align|alignat|aligned|alignedat|split|gather|gathered|multline|"
    r"flalign|eqnarray|displaymath|math|dmath|IEEEeqnarray)\*?\}"
)
_OPENING = re.compile(r"\\left|\\begin|[({\[]|\\[{(\[]\Z|\\l(?:angle|vert|Vert|brace|brack)\Z")
_CLOSING = re.compile(r"\\right|\\end|[)}\]]|\\[})\]]\Z|\\r(?:angle|vert|Vert|brace|brack)\Z")


@dataclass(frozen=True)
class TexPiece:
    """A command or a letter: where it stands, and how many brackets are open before it."""

    text: str
    place: int
    depth: int

    @property
    def end(self) -> int:
        """The place behind it."""
        return self.place + len(self.text)


def pieces(text: str) -> Iterator[TexPiece]:
    r"""Yield the pieces of a formula; environments that are rows of equations enclose nothing.

    >>> [(p.text, p.depth) for p in pieces(r"\left(a\right) b")]
    [('\\left(', 0), ('a', 1), ('\\right)', 0), (' ', 0), ('b', 0)]
    """
    depth = 0
    for match in _PIECE.finditer(text):
        piece = match[0]
        if _ROWED.match(piece):
            yield TexPiece(piece, match.start(), depth)
            continue
        closes = _CLOSING.match(piece) is not None
        depth = max(0, depth - closes)
        yield TexPiece(piece, match.start(), depth)
        depth += not closes and _OPENING.match(piece) is not None


def is_rowed(piece: str) -> bool:
    """Whether a piece begins or ends an environment of equations."""
    return _ROWED.match(piece) is not None


def group_behind(text: str, place: int) -> tuple[str, int]:
    """Return what stands in the braces at a place, and where they end; ``""`` where none open."""
    start = place + len(text[place:]) - len(text[place:].lstrip())
    depth = 0
    for piece in pieces(text[start:]):
        if piece.text == "{":
            depth += 1
        elif piece.text == "}":
            depth -= 1
        elif depth == 0:
            return "", place
        if depth == 0:
            return text[start + 1 : start + piece.place], start + piece.end
    return "", place
