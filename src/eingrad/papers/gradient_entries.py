r"""Gradients that are written out, ``\nabla f = [df/dx_1, \dots, df/dx_n]``: a definition."""

from __future__ import annotations

import re
from collections.abc import Sequence

from eingrad.papers.chains import derivative_ends
from eingrad.papers.scan import group_behind, pieces

_MATRIX = re.compile(
    r"(?:\\left\s*[\[(]\s*)?\\begin\{([pb]?matrix|array)\}(?:\{[clr|\s]*\})?(.*)\\end\{\1\}"
    r"(?:\s*\\right\s*[\])])?(\^\s*\{?\s*(?:\\top|T|\\intercal)\s*\}?)?", re.DOTALL,
)  # fmt: skip
_LIST = re.compile(
    r"(?:\\left|\\[bB]igg?l?)?\s*(?:[\[(]|\\langle)(.*?)(?:\\right|\\[bB]igg?r?)?\s*(?:[\])]|\\rangle)"
    r"(\^\s*\{?\s*(?:\\top|T|\\intercal)\s*\}?)?", re.DOTALL,
)  # fmt: skip
_END = re.compile(r"[\s.,;]*\Z")
_ROW = re.compile(r"\\\\(?:\s*\[[^\[\]]*\])?")
_DOTS = re.compile(r"\\[lcvd]?dots[a-z]?|\.\.\.|\\ddots|\\iddots")
_NABLA = re.compile(
    r"\\(?:nabla|vec\s*\{\s*\\nabla\s*\}|boldsymbol\s*\{\s*\\nabla\s*\})(?![a-z])\s*"
)
_BELOW = re.compile(r"_\s*(?=\{)|_\s*(\\[A-Za-z]+\s*(?:\{\w\})?|\w)")
_FONT = re.compile(r"\\(?:mathbf|boldsymbol|bm|vec|mathit|mathrm|pmb)(?![a-z])|[{}\s]")
_OF = re.compile(r"\(.*\)\Z")


def gradient_written_out(left: str, side: str) -> str:
    r"""Return how a side is read that has the derivatives by all entries of the left side's
    variable, in their order; "" for another one.

    >>> entries = r"\frac{\partial f}{\partial x_1}, \dots, \frac{\partial f}{\partial x_n}"
    >>> gradient_written_out(r"\nabla f", rf"\left[ {entries} \right]^T")
    'the gradient of f is (df/dx_1, ..., df/dx_n)'
    """
    of, by = _gradient(left)
    cells = _cells(side) if of else None
    if not cells:
        return ""
    dots = sum(_DOTS.fullmatch(cell) is not None for row in cells for cell in row)
    ends = [[derivative_ends(cell) for cell in row] for row in cells]
    written = [(i, j, *end) for i, row in enumerate(ends) for j, end in enumerate(row) if end]
    if len(written) + dots < sum(map(len, cells)) or len(written) < 2:
        return ""
    alike = all(_named(own) == _named(of) for *_, own, _ in written)
    if not alike or not _in_order([(i, j, *_indexed(x)) for i, j, _, x in written], by):
        return ""
    shown = (["..." if end is None else f"d{end[0]}/d{end[1]}" for end in row] for row in ends)
    return f"the gradient of {of} is ({'; '.join(', '.join(row) for row in shown)})"


def _in_order(places: Sequence[tuple[int, int, str, tuple[str, ...]]], by: str) -> bool:
    """Whether entries, of one name where there is one, stand where their numbers say."""
    names = {name for _, _, name, _ in places}
    entries = {(name, parts) for _, _, name, parts in places}
    ranks = {len(parts) for *_, parts in places}
    if len(entries) < len(places):
        return False
    if not by:
        return ranks <= {0, 1}
    if names != {_FONT.sub("", by)} or ranks not in ({1}, {2}):
        return False
    rows = {(i, parts[0]) for i, _, _, parts in places}
    columns = {(j, parts[-1]) for _, j, _, parts in places}
    one_each = len(rows) == len(dict(rows)) and len(columns) == len(dict(columns))
    return ranks == {1} or one_each


def _indexed(end: str) -> tuple[str, tuple[str, ...]]:
    """Return the name of an entry, and its numbers: ``W_{1,2}`` -> W, (1, 2)."""
    name, line, rest = end.partition("_")
    if not line:
        return _FONT.sub("", end), ()
    inside, place = group_behind(rest, 0)
    inside, place = (inside, place) if place else (rest[:1], 1)
    parts = inside.split(",") if "," in inside or len(inside) != 2 else list(inside)
    return _FONT.sub("", name + rest[place:]), tuple(map(_tidy, parts))


def _gradient(left: str) -> tuple[str, str]:
    """Return what a left side is the gradient of, and by what if it says so; "" for another."""
    nabla = _NABLA.match(left.strip())
    if nabla is None:
        ends = derivative_ends(left)
        return ends or ("", "")
    rest = left.strip()[nabla.end() :]
    below = _BELOW.match(rest)
    if below is None:
        return rest, ""
    inside, end = (below[1], below.end()) if below[1] else group_behind(rest, below.end())
    return rest[end:], inside


def _cells(side: str) -> list[list[str]] | None:
    """Return the entries of a matrix or a list that is all of a side, by rows."""
    text = _END.sub("", side.strip())
    if (matrix := _MATRIX.fullmatch(text)) is not None:
        rows = [[_tidy(cell) for cell in row.split("&")] for row in _ROW.split(matrix[2])]
        return [row for row in rows if any(row)]
    found = _LIST.fullmatch(text)
    if found is None:
        return None
    inside, cells, start = found[1], [], 0
    for piece in pieces(inside):
        if piece.text == "," and piece.depth == 0:
            cells.append(inside[start : piece.place])
            start = piece.end
    return [[_tidy(cell) for cell in (*cells, inside[start:])]]


def _tidy(cell: str) -> str:
    return re.sub(r"\\[,;:! ]|\\displaystyle(?![a-z])|~", " ", cell).strip()


def _named(of: str) -> str:
    """Return a name without its font and arguments."""
    return _FONT.sub("", _OF.sub("", of.strip()))
