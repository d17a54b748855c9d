r"""Vectors that are written out with dots: ``\begin{pmatrix} p_1 & \dots & p_n \end{pmatrix}``."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from eingrad.papers.dotted_sums import numbered
from eingrad.papers.heads import is_derivative, letters_in
from eingrad.papers.scan import TexPiece, group_behind, pieces

_VECTOR = re.compile(
    r"\s*(?:\\left\s*[\[(]\s*)?\\begin\s*\{(?P<kind>[pbBvV]?matrix|array)\}\s*(?:\{[clr|\s]*\})?"
    r"(?P<inside>.*)\\end\s*\{(?P=kind)\}\s*(?:\\right\s*[\])])?\s*[.,]?\s*\Z", re.DOTALL,
)  # fmt: skip
_BREAK = re.compile(r"\\\\(?:\s*\[[^\[\]]*\])?|\\newline|&")
_DOTS = re.compile(r"\s*(?:\\[lcvd]?dots[a-z]?|\.\.\.)\s*")
_BOLD = re.compile(
    r"\\(?:mathbf|boldsymbol|bm|vec|pmb)\s*(?:\{\s*(\\?[A-Za-z]+)\s*\}|(\\?[A-Za-z]+))"
)
_NAME = re.compile(
    r"(\\?[A-Za-z]+)\s*(\^\s*(?:\{[^{}]*\}|\w))?\s*(?:_\s*(?:\{\s*([a-z])\s*\}|([a-z])))?"
    r"(?:\s*\(\s*(?:\\?[A-Za-z]+\s*,?\s*)+\))?"
)  # \phi(z)
_FRACTION = re.compile(r"\s*\\[dt]?frac\s*(?=\{)")
_NABLA = re.compile(
    r"\s*\\nabla\s*_\s*(?:\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}|(\\?[A-Za-z]+))\s*(.+)", re.DOTALL
)
_LETTERS = "pqruvgmnkjicsabhotyz"  # for the label of an entry, the first one that is free
_SPACES = re.compile(r"\\[,;:! ]|\\displaystyle(?![a-z])|~")


def entry_of(left: str, side: str, taken: Collection[str] = ()) -> tuple[str, str] | None:
    r"""Return an equation of the entries of a vector that a side writes out with dots.

    Its left side is a function, ``\phi(z)``, or a derivative by a name; letters that are ``taken``
    are names.

    >>> entry_of(r"\nabla_w L", r"\begin{pmatrix} 2 w_1 \\ \vdots \\ 2 w_n \end{pmatrix}")
    ('\\frac{\\partial L}{\\partial w_{p}}', ' 2 w_p ')
    """
    found = _VECTOR.fullmatch(side)
    if found is None:
        return None
    cells = [_SPACES.sub(" ", x) for x in _BREAK.split(found["inside"])]
    cells = cells if cells[-1].strip() else cells[:-1]
    rows = "&" not in found["inside"] or not re.search(r"\\\\\s*\S", found["inside"])
    dots = [k for k, cell in enumerate(cells) if _DOTS.fullmatch(cell)]
    if not rows or len(dots) != 1 or dots[0] != len(cells) - 2 or not dots[0]:
        return None
    letter = next((x for x in _LETTERS if x not in taken), "")
    value = _general([*cells[: dots[0]], cells[-1]], letter) if letter else None
    own = _labelled(left, letter)
    if value and not is_derivative(left) and letters_in(left.partition("(")[0]) & letters_in(value):
        return None  # x of x_1, ..., x_n
    return None if value is None or own is None else (own, value)


def _general(cells: Sequence[str], letter: str) -> str | None:
    """Return the entry at a letter, where the entries at 1, 2 and n differ in the number alone."""
    terms: list[Sequence[TexPiece]] = [
        [p for p in pieces(cell) if p.text.strip()] for cell in cells
    ]
    count = len(terms)
    places = numbered(terms)
    if not places or len(terms) != count:
        return None
    text = cells[-1]
    for place in reversed(places):
        piece = terms[-1][place]
        text = f"{text[: piece.place]}{letter}{text[piece.end :]}"
    return text


def _labelled(left: str, letter: str) -> str | None:
    """Return a left side with one more label."""
    by = _NABLA.fullmatch(left)
    if by is not None:
        below = _with_label(by[1] or by[2], letter)
        return None if below is None else rf"\frac{{\partial {by[3].strip()}}}{{\partial {below}}}"
    fraction = _FRACTION.match(left)
    if fraction is None:
        return _with_label(left, letter) if "(" in left else None
    above, middle = group_behind(left, fraction.end())
    below, end = group_behind(left, middle)
    sign = re.match(r"\s*(\\partial(?![A-Za-z])|d(?![A-Za-z]))", below)
    if sign is None or left[end:].strip() or not above.strip().startswith(sign[1]):
        return None
    own = _with_label(below[sign.end() :], letter)
    return None if own is None else rf"\frac{{{above}}}{{{sign[1]} {own}}}"


def _with_label(name: str, letter: str) -> str | None:
    """Return a name with one more label, None for what is no name."""
    found = _NAME.fullmatch(_BOLD.sub(lambda m: m[1] or m[2], name).strip())
    if found is None:
        return None
    return f"{found[1]}{found[2] or ''}_{{{found[3] or found[4] or ''}{letter}}}"
