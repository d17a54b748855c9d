r"""Sums that are written out with dots, ``w_1 x_1 + \dots + w_n x_n``: with a sign of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

from eingrad.papers.scan import TexPiece, pieces

_DOTS = frozenset({r"\dots", r"\ldots", r"\cdots", r"\dotsb"})
_SPACES = frozenset({r"\,", r"\;", r"\:", r"\!", r"\ ", "~"})
_ENDS = frozenset({"+", "-", "=", ",", "&", r"\\", r"\quad", r"\qquad", r"\text", ".", ";", *_DOTS})
_PERIODS = re.compile(r"\.[\s~]*[.…][\s~.…]*|…")
_LETTERS = "pqrsuvhgmnkji"  # for the label of a sum, the first one that is free
Term = Sequence[TexPiece]


def with_sums(text: str) -> str:
    r"""Return a formula with a sum in the place of each one with dots whose terms are alike.

    >>> with_sums(r"w_1 x_1 + w_2 x_2 + \dots + w_n x_n + b")
    '\\sum_{p=1}^{n} w_p x_p + b'
    >>> with_sums(r"x_1 + 2 x_2 + \dots + n x_n")
    'x_1 + 2 x_2 + \\dots + n x_n'
    """
    spread = _PERIODS.sub(r"\\dots ", text)
    parts = [p for p in pieces(spread) if p.text.strip() and p.text not in _SPACES]
    for k, part in enumerate(parts):
        terms = _around(parts, k) if part.text in _DOTS else ()
        if terms and (places := numbered(terms)):
            first, last = terms[0], terms[-1]
            label = next(x for x in _LETTERS if not re.search(rf"(?<![A-Za-z\\]){x}", spread))
            own = spread[first[0].place : first[-1].end]
            for place in reversed(places):
                at = first[place].place - first[0].place
                own = f"{own[:at]}{label}{own[at + 1 :]}"
            end = last[places[0]].text
            before, behind = spread[: first[0].place], spread[last[-1].end :]
            return with_sums(rf"{before}\sum_{{{label}=1}}^{{{end}}} {own}{behind}")
    return text


def _around(parts: Sequence[TexPiece], dots: int) -> list[Term]:
    """Return the terms that dots stand between, the last one behind them, none without."""
    depth = parts[dots].depth
    if [p.text for p in (*parts[dots - 1 : dots], *parts[dots + 1 : dots + 2])] != ["+", "+"]:
        return []

    def inside(piece: TexPiece) -> bool:
        return piece.depth > depth or (piece.depth == depth and piece.text not in _ENDS)

    last = list(takewhile(inside, parts[dots + 2 :]))
    found: list[Term] = []
    sign = dots - 1
    while sign >= 0 and parts[sign].text == "+" and parts[sign].depth == depth:
        term = list(takewhile(inside, reversed(parts[:sign])))[::-1]
        sign -= len(term) + 1
        if not term or (sign >= 0 and parts[sign].text == "-" and parts[sign].depth == depth):
            break
        found.insert(0, term)
    return [*found, last] if last and found else []


def numbered(terms: list[Term]) -> list[int]:
    """Return where terms have 1, 2, ... and a letter at last in their subscripts, and leave out
    those before the one with 1."""
    last = terms[-1]
    for count in range(1, min(3, len(terms) - 1) + 1):
        own = terms[-1 - count : -1]
        places = [k for k, (a, b) in enumerate(zip(own[0], last, strict=False)) if a.text != b.text]
        ends = {last[k].text for k in places}
        alike = all(
            [x.text for k, x in enumerate(term) if k not in places]
            == [x.text for k, x in enumerate(last) if k not in places]
            and all(term[k].text == str(n) for k in places)
            for n, term in enumerate(own, 1)
        )
        if alike and len(ends) == 1 and min(ends).isalpha() and all(_below(last, places)):
            terms[:] = [*own, last]
            return places
    return []


def _below(term: Term, places: Sequence[int]) -> Iterator[bool]:
    r"""Yield whether pieces stand in subscripts, or in a superscript as ``^{(n)}`` is."""
    for place in places:
        depth, before = term[place].depth, term[:place]
        opened = next((k for k in reversed(range(place)) if term[k].depth < depth), None)
        if opened is None:
            yield bool(before) and before[-1].text == "_"
        else:
            sign = [x.text for x in term[max(0, opened - 2) : opened + 1]]
            yield before[-1].text == "_" or sign[-2:] == ["_", "{"] or sign[-2:] == ["{", "("]
