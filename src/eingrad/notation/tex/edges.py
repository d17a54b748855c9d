r"""What stands outside a recurrence, in LaTeX: ``h_{t < 1, i} = g_i``, ``v_{t > |t|} = e``."""

from __future__ import annotations

from collections.abc import Sequence

from eingrad.notation.syntax import LeftEdge
from eingrad.notation.tex import names
from eingrad.notation.tex.precedence import Parser
from eingrad.notation.tex.superscripts import named_at
from eingrad.notation.tex.survey import Context
from eingrad.notation.tokens import Token

AS_IN = r"write h_{t < 1} for what stands before the first entry, h_{t > |t|} behind the last"


def left_edge(left: Sequence[Token], context: Context) -> LeftEdge | None:
    """Read a left side with a condition on one of its labels; None of any other."""
    found = named_at(left, 0)
    below = found.one("SUB") if found is not None else None
    if found is None or below is None:
        return None
    if not any(t.kind in {"COMPARE", "EQUAL"} for t in below.inner):
        return None
    parser = Parser([*left[: below.start], *left[below.end :]], context)
    tensor, _ = parser.plain_tensor()
    labels: list[str] = []
    place: tuple[int, str, int] | None = None
    for item in _items(below.inner):
        if len(item) > 2 and item[1].kind in {"COMPARE", "EQUAL"} and place is None:
            place = len(labels), *_place(item, context)
            item = item[:1]
        labels += (names.greek(t.text) or names.letter(t.text) for t in item)
    if place is None:
        raise context.lexer.error(below.inner[0], "a left side with a condition", AS_IN)
    return LeftEdge(tensor.name, tuple(labels), *place)


def _items(inner: Sequence[Token]) -> list[list[Token]]:
    result: list[list[Token]] = [[]]
    for token in inner:
        if token.kind == "COMMA":
            result.append([])
        else:
            result[-1].append(token)
    return [item for item in result if item]


def _place(item: Sequence[Token], context: Context) -> tuple[str, int]:
    """Return the sign and the number of ``t < 1``, ``t > |t|``, ``t = 1``, which count from 1."""
    label, sign, *rest = (t.text for t in item)
    number = int(rest[0]) if len(rest) == 1 and rest[0].isdigit() else None
    if sign == "=" and number:
        return "==", number - 1
    if (sign == "<" and number == 1) or (sign == "<=" and number == 0):
        return "<", 0
    if sign == ">" and rest == ["|", label, "|"]:
        return ">=", 0
    raise context.lexer.error(item[0], "a left side with a condition", AS_IN)
