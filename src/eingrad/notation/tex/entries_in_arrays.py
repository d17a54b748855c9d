r"""Arrays that are written out, ``\begin{bmatrix} 2x \\ 4y \end{bmatrix}``: their entries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Entries = tuple[tuple[str, ...], ...]  # rows of texts

NAMES = r"(?:[bpvB]?(?:small)?matrix|array)"
ARRAY = re.compile(
    rf"\s*(?:\\left\s*)?[\[(]?\s*\\begin\{{(?P<name>{NAMES})\*?\}}(?:\{{[clr|\s]*\}})?"
    rf"(?P<inside>(?:(?!\\begin).)*?)\\end\{{(?P=name)\*?\}}\s*(?:\\right\s*)?[\])]?"
    r"\s*(?:\^\s*\{?\s*(?P<turned>\\top|\\intercal|T)\s*\}?)?\s*[.,;]?\s*",
    re.DOTALL,
)
LIST = re.compile(
    r"\s*(?:\\left\s*)?(?P<open>\(|\\langle|\[)(?P<inside>.*?)(?:\\right\s*)?(?P<close>\)|\\rangle|\])"
    r"\s*(?:\^\s*\{?\s*(?:\\top|\\intercal|T)\s*\}?)?\s*[.,;]?\s*",
    re.DOTALL,
)
STEP = re.compile(  # with the bracket behind \\left and \\right
    r"\\(?:(?P<opens>begin(?![a-zA-Z])|left(?![a-zA-Z])\s*\\?.)|end(?![a-zA-Z])|right(?![a-zA-Z])\s*\\?.)"
)
STEPS = {"{": 1, "(": 1, "[": 1, "}": -1, ")": -1, "]": -1}


@dataclass(frozen=True)
class ArraySide:
    """A side of an equation: its text, and its entries if it is an array that is written out."""

    text: str
    entries: Entries | None = None

    @property
    def line(self) -> tuple[str, ...] | None:
        """Its entries, if it has one row or one column."""
        if self.entries is None:
            return None
        if len(self.entries) == 1:
            return self.entries[0]
        return tuple(x for (x,) in self.entries) if len(self.entries[0]) == 1 else None


def has_array(text: str) -> bool:
    r"""Whether a text has an array of entries, or an equation of a bare nabla.

    >>> has_array(r"\nabla f = (2 x, 4 y)"), has_array(r"\nabla_x f = 2 x")
    (True, False)
    """
    return bool(re.search(rf"\\begin\{{{NAMES}\*?\}}", text)) or bool(
        re.match(
            r"\s*\\nabla\s*[^_\s^\\]\s*(\([^()]*\))?\s*&?=\s*(\\left\s*)?(\(|\[|\\langle)", text
        )
    )


def written_sides(text: str) -> list[ArraySide]:
    r"""Return the sides of an equation.

    >>> [x.entries for x in written_sides(r"y = \begin{bmatrix} a & b \\ c & d \end{bmatrix}")]
    [None, (('a', 'b'), ('c', 'd'))]
    """
    parts = [x.strip() for x in _split(text.replace("&=", "="), ("=",))]
    return [_side(x, k > 0) for k, x in enumerate(parts)]


def _side(text: str, lists: bool) -> ArraySide:
    found = ARRAY.fullmatch(text)
    if found is not None:
        rows = [x for x in _split(found["inside"], (r"\\",)) if x.strip()]
        entries = tuple(tuple(x.strip() for x in _split(row, ("&",))) for row in rows)
        if not entries or len({len(row) for row in entries}) > 1:
            return ArraySide(text)
        if found["turned"]:
            entries = tuple(zip(*entries, strict=True))
        return ArraySide(text, entries)
    found = LIST.fullmatch(text) if lists else None
    if found is not None:
        inside = tuple(x.strip() for x in _split(found["inside"], (",",)))
        if len(inside) > 1 and all(inside):
            return ArraySide(text, (inside,))
    return ArraySide(text)


def _split(text: str, signs: Sequence[str]) -> Iterator[str]:
    """Split a text at signs that neither brackets nor environments enclose."""
    depth = start = k = 0
    while k < len(text):
        step = STEP.match(text, k)
        if step is not None:
            depth += 1 if step["opens"] else -1
        sign = next((x for x in signs if text.startswith(x, k)), "")
        if sign and not depth:
            yield text[start:k]
            k += len(sign)
            start = k
            continue
        if step is not None:
            k = step.end()
            continue
        if text[k] == "\\" and not text[k + 1 : k + 2].isalpha():
            k += 2
            continue
        depth += STEPS.get(text[k], 0)
        k += 1
    yield text[start:]
