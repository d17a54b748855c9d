r"""Differentials in LaTeX: the d of ``df = x^\top dA \, y`` belongs to the name behind it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from eingrad.notation.syntax import DIFFERENTIAL
from eingrad.notation.tex.names import ACCENTS, FONTS, FRACTIONS, UPRIGHT, greek
from eingrad.notation.tex.tidy import group_end
from eingrad.notation.tokens import Token


def with_differentials(tokens: Sequence[Token], names: Collection[str]) -> list[Token]:
    r"""Read ``d X``, ``\mathrm{d}\mathbf{x}`` as the names ``dX`` and ``dx``.

    Only where ``names`` has the differentials of its tensors, dX of X; ``\frac{dy}{dx}`` is a
    derivative.
    """
    known = {*names}
    if not any(n.removeprefix(DIFFERENTIAL) in known for n in names if n[0] == DIFFERENTIAL):
        return [*tokens]
    result: list[Token] = []
    k, end = 0, 0  # up to end, what is a derivative, or the name in a font's braces
    while k < len(tokens):
        token, length = tokens[k], _length(tokens, k)
        if token.text in FRACTIONS:
            end = max(end, _derivative_end(tokens, k))
        if length and k >= end and (stop := _name_end(tokens, k + length)):
            opened, closed = replace(token, kind="LBRACE", text="{"), replace(
                token, kind="RBRACE", text="}")  # fmt: skip
            letter = replace(token, kind="LETTER", text=DIFFERENTIAL)
            name = tokens[k + length : stop]
            result += [
                replace(token, kind="COMMAND", text=r"\mathrm"),
                opened,
                letter,
                *name,
                closed,
            ]
            k = stop
            continue
        if token.text in FONTS | ACCENTS.keys() and k + 1 < len(tokens):
            end = max(end, group_end(tokens, k + 1) + 1)
        result.append(token)
        k += 1
    return result


def _length(tokens: Sequence[Token], k: int) -> int:
    r"""Return how many tokens from k are the sign of a differential, ``d`` or ``\mathrm{d}``."""
    texts = [t.text for t in tokens[k : k + 4]]
    if texts[:1] == [DIFFERENTIAL] and tokens[k].kind == "LETTER":
        return 1
    if texts[:1] and texts[0] in UPRIGHT:
        if texts[1:] == ["{", DIFFERENTIAL, "}"]:
            return 4
        if texts[1:2] == [DIFFERENTIAL]:
            return 2
    return 0


def _name_end(tokens: Sequence[Token], k: int) -> int:
    """Return where the name without scripts ends that begins at k, 0 where none does."""
    if k >= len(tokens):
        return 0
    if tokens[k].kind == "LETTER" or greek(tokens[k].text) is not None:
        return k + 1
    if tokens[k].text in FONTS | ACCENTS.keys() and k + 1 < len(tokens):
        return group_end(tokens, k + 1) + 1
    return 0


def _derivative_end(tokens: Sequence[Token], k: int) -> int:
    r"""Return where a fraction ends whose lower part begins with d, as in ``\frac{dy}{dx}``."""
    if k + 1 >= len(tokens):
        return 0
    lower = group_end(tokens, k + 1) + 1
    if lower >= len(tokens):
        return 0
    inside = lower + (tokens[lower].kind == "LBRACE")
    return group_end(tokens, lower) + 1 if inside < len(tokens) and _length(tokens, inside) else 0
