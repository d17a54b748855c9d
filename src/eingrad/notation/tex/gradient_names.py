r"""Names of gradients: the dy of ``dy_i = \frac{\partial L}{\partial y_i}``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from eingrad.notation.tex.names import ACCENTS, FONTS, FRACTIONS, greek
from eingrad.notation.tex.rows import Row, sides
from eingrad.notation.tex.tidy import group_end
from eingrad.notation.tokens import Token


def with_gradient_names(found: Sequence[Row], known: Collection[str] = ()) -> list[Row]:
    r"""Read d and a letter as one name, where a text calls a gradient so, or a name is known.

    >>> from eingrad.notation.tex.read import read_model
    >>> text = r"\hat{x}_i = a z_i" + "\n" + r"d\hat{x}_i = \frac{\partial L}{\partial \hat{x}_i}"
    >>> [x.target.name for x in read_model(text).shorthands]
    ['dxhat']
    """
    pairs = (sides(row.tokens) for row in found)
    called = {_gradient(pair[0], pair[1]) for pair in pairs if len(pair) > 1} - {""}
    called |= {name for name in known if name[:1] == "d" and len(name) > 1}
    if not called:
        return list(found)
    return [replace(row, tokens=_joined(row.tokens, called)) for row in found]


def _gradient(left: Sequence[Token], right: Sequence[Token]) -> str:
    r"""Return the name that a left side has if the right one is a derivative by its letter."""
    if not left or left[0].text != "d" or not right or right[0].text not in FRACTIONS:
        return ""
    middle = group_end(right, 1)
    last = group_end(right, middle + 1)
    below = right[middle + 2 : last]
    rest = {t.kind for t in right[last + 1 :]} - {"COMMA", "STOP"}
    if rest or not below or below[0].text != r"\partial":
        return ""
    name, end = _name(left, 1)
    alone = end == len(left) or left[end].kind in {"SUB", "SUP"}
    return f"d{name}" if name and alone and _name(below, 1)[0] == name else ""


def _name(tokens: Sequence[Token], k: int) -> tuple[str, int]:
    r"""Return the letter at k as a name has it, ``\hat{x}`` as xhat, and where it ends."""
    if k >= len(tokens):
        return "", k
    token = tokens[k]
    if token.text in ACCENTS.keys() | FONTS:
        braces = k + 1 < len(tokens) and tokens[k + 1].kind == "LBRACE"
        name, end = _name(tokens, k + 1 + braces)
        return (name + ACCENTS.get(token.text, "") if name else ""), end + braces
    if token.kind == "LETTER":
        return token.text, k + 1
    return greek(token.text) or "", k + 1


def _joined(tokens: Sequence[Token], called: Collection[str]) -> list[Token]:
    result: list[Token] = []
    k = 0
    while k < len(tokens):
        like, end = tokens[k], k + 1
        name, behind = _name(tokens, end) if like.text == "d" else ("", end)
        if name and f"d{name}" in called and not tokens[end].spaced:
            parts = [replace(like, kind="COMMAND", text=r"\mathrm")]
            parts += [replace(like, kind="LBRACE", text="{"), *tokens[k:behind]]
            result += [*parts, replace(like, kind="RBRACE", text="}")]
            end = behind
        else:
            result.append(like)
        k = end
    return result
