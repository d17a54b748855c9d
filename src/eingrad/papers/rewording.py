r"""What documents write for the eye, in words of the notation: slices, ``@``, averages in words."""

from __future__ import annotations

import re
from collections.abc import Callable

from eingrad.papers.scan import group_behind, pieces

_SLICE = re.compile(r"_\s*\{\s*\[([^\[\]{}]*(?:\{[^{}]*\}[^\[\]{}]*)*)\]\s*\}|"
                    r"_\s*\{([^{}]*:[^{}]*)\}")  # fmt: skip
_INDICATOR = re.compile(r"\\delta\s*\[([^\[\],]+),\s*:\s*\]")
_MATRICES = re.compile(r"\\top|\^\s*\{?\s*T\b|\\intercal|\\otimes|\\mathbf|@")
_NAME = r"(?:\\[a-zA-Z]+|[A-Za-z])(?:\^\{?\(?\w+\)?\}?)?"
_ROW_TIMES_COLUMN = re.compile(rf"({_NAME})\s+({_NAME})(_\s*\{{\s*\[\s*:\s*,\s*\w+\s*\]\s*\}})")
_AVERAGE = re.compile(
    r"\\text\s*\{\s*(?:the\s+)?(average|mean|sum)\s+(?:along|over|across|of)\s+(?:the\s+)?rows"
    r"(?:\s+of)?\s*\}"
)


def reworded(text: str, rows_of: Callable[[str], str | None] | None = None) -> str:
    r"""Return an equation with slices as labels and words as signs, where either will do.

    ``rows_of`` gives the letter for the number of a tensor's rows.

    >>> reworded(r"A_{[i,:]} = Y_{[i,:]} - Z_{[i,:]}")
    'A_{i q} = Y_{i q} - Z_{i q}'
    """
    text = re.sub(r"(?<=[\w)}\]])\s*@\s*(?=[\\A-Za-z(])", r" \\, ", text)
    text = _without_slices(text)
    return text if rows_of is None else _with_averages(text, rows_of)


def _without_slices(text: str) -> str:
    """Give the axis of a slice a letter of its own, where every tensor is taken by entries."""
    if _SLICE.search(text) is None:
        return text
    before = text
    letter = next(
        (x for x in "qrsuvwnpg" if not re.search(rf"(?<![a-zA-Z\\]){x}(?![a-zA-Z])", text)), ""
    )
    text = _INDICATOR.sub(rf"\\delta_{{\1 {letter}}}", text)
    whole = _ROW_TIMES_COLUMN.sub(rf"\1_{letter} \2\3", text)
    kept = _SLICE.search(text.partition(" = ")[0]) is not None
    summed = len(_ROW_TIMES_COLUMN.findall(text)) == len(_SLICE.findall(text))
    if not letter or _MATRICES.search(whole) or not (kept or summed):
        return before

    def labelled(found: re.Match[str]) -> str:
        entries = (found[1] or found[2]).split(",")
        named = [letter if entry.strip() == ":" else entry.strip() for entry in entries]
        return f"_{{{' '.join(named)}}}"

    return _SLICE.sub(labelled, whole)


def _with_averages(text: str, rows_of: Callable[[str], str | None]) -> str:
    r"""Read "average along rows of A" as ``\frac{1}{m} \mathbf{1}^\top A``, where A has m rows."""
    found = _AVERAGE.search(text)
    if found is None:
        return text
    rest = text[found.end() :]
    names = [m[0] for m in re.finditer(_NAME, rest) if not m[0].startswith((r"\f", r"\p", r"\m"))]
    rows = next((r for name in names if (r := rows_of(name)) is not None), None)
    factor = "" if found[1] == "sum" else rf"\frac{{1}}{{{rows}}} "
    if rows is None and factor:
        return text
    return rf"{text[: found.start()]}{factor}\mathbf{{1}}^\top ({rest.strip()})"


def differentiated(left: str, side: str) -> tuple[str, str] | None:
    r"""Return y and f where a side differentiates f by what the left side differentiates y by.

    >>> differentiated(r"\frac{\partial y_i}{\partial x}", r"\frac{\partial}{\partial x} [a_i x]")
    ('y_i', 'a_i x')
    """
    whole, operator = _fraction(left), _fraction(side)
    if whole is None or operator is None or whole[2] or operator[0] != r"\partial":
        return None
    of, below, _ = whole
    inside = operator[2].strip()
    bracketed = re.fullmatch(r"(?:\\left)?[\[(](.*?)(?:\\right)?[\])]", inside, re.DOTALL)
    if "".join(below.split()) != "".join(operator[1].split()) or bracketed is None:
        return None
    if not of.startswith(r"\partial") or any(p.depth == 0 for p in list(pieces(inside))[1:-1]):
        return None
    return of.removeprefix(r"\partial").strip(), bracketed[1].strip()


def _fraction(text: str) -> tuple[str, str, str] | None:
    """Return the two parts of the fraction that a text begins with, and what stands behind it."""
    head = re.match(r"\s*\\[dt]?frac\s*(?=\{)", text)
    if head is None:
        return None
    above, middle = group_behind(text, head.end())
    below, end = group_behind(text, middle)
    return above.strip(), below.strip(), text[end:]
