r"""Columns by their numbers, ``x_{i1}`` beside ``x_{i2}``: names of their own, with a label."""

from __future__ import annotations

import re
from collections.abc import Sequence

_BELOW = re.compile(r"(?<![A-Za-z\\])([A-Za-z])\s*_\s*\{([^{}]*)\}")
_COLUMN = re.compile(r"\s*([a-z])\s*,?\s*(\d)\s*")  # i1
_ROW = re.compile(r"\s*(\d)\s*,?\s*([a-z])\s*")  # 1i


class NumberedEntries:
    """The names of a document whose columns all have numbers: the letter in their place is
    nowhere a label."""

    def __init__(self, rows: Sequence[Sequence[str]]) -> None:
        found: dict[tuple[str, re.Pattern[str]], set[str]] = {}
        others: set[tuple[str, re.Pattern[str]]] = set()
        for base, inside in _BELOW.findall(" ; ".join(side for row in rows for side in row)):
            for form, place in ((_COLUMN, 2), (_ROW, 1)):
                own = form.fullmatch(inside)
                if own is not None:
                    found.setdefault((base, form), set()).add(own[place])
                elif len(inside.strip()) > 1:
                    others.add((base, form))
        self.forms = {key for key, numbers in found.items() if len(numbers) > 1} - others

    def spelled(self, text: str) -> str:
        r"""Return a formula with ``x^{(1)}_{i}`` for ``x_{i1}``."""

        def named(below: re.Match[str]) -> str:
            for form, place in ((_COLUMN, 2), (_ROW, 1)):
                own = form.fullmatch(below[2])
                if own is not None and (below[1], form) in self.forms:
                    return f"{below[1]}^{{({own[place]})}}_{{{own[3 - place]}}}"
            return below[0]

        return _BELOW.sub(named, text) if self.forms else text
