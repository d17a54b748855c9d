r"""Arrows over names, which say a direction or a vector: ``\overleftarrow{h}``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from eingrad.notation.tex.latex_tokens import Lexer
from eingrad.notation.tex.names import ACCENTS, FONTS, LEFT, RIGHT, RIGHTWARD, greek, letter
from eingrad.notation.tokens import Token

_OVER = frozenset({r"\overset", r"\stackrel"})
_SHORT = {
    r"\rightarrow": RIGHT, r"\to": RIGHT, r"\longrightarrow": RIGHT,
    r"\leftarrow": LEFT, r"\gets": LEFT, r"\longleftarrow": LEFT,
}  # fmt: skip


def with_arrows(tokens: Sequence[Token], known: Collection[str], lexer: Lexer) -> list[Token]:
    r"""Read an arrow to the right as a mark where its name stands without it or with the other one.

    Elsewhere it says that its name is a vector, as ``\vec`` does; in a claim, whose model has the
    names ``known``, it is what it is there.
    """
    result = _in_place(tokens, lexer)
    spans = {k: _end(result, k + 1) for k, t in enumerate(result) if t.text == RIGHT}
    both = any(t.text == LEFT for t in result)
    inside = {j for k, end in spans.items() for j in range(k, end)}
    plain = {_letter(t) for k, t in enumerate(result) if k not in inside}
    for k, end in spans.items():
        base = "".join(map(_letter, result[k + 1 : end]))
        if f"{base}right" in known if known else both or base in plain:
            bold = not (known or both)
            result[k] = replace(result[k], text=f"{RIGHT} " if bold else RIGHTWARD)
    return result


def _in_place(tokens: Sequence[Token], lexer: Lexer) -> list[Token]:
    r"""Read ``\overset{\to}{h}`` as an arrow over h; raise where another sign is over a name."""
    result, k = list(tokens), 0
    while k < len(result):
        end = _end(result, k + 1) if result[k].text in _OVER else 0
        over = [t for t in result[k + 1 : end] if t.kind not in {"LBRACE", "RBRACE"}]
        name = result[end:][1:2] if [t.kind for t in result[end : end + 1]] == ["LBRACE"] else []
        if end and name and (_letter(name[0]) or name[0].text in FONTS | ACCENTS.keys()):
            arrow = _SHORT.get(over[0].text) if len(over) == 1 else None
            if arrow is None:
                raise lexer.error(
                    result[k], "what stands over a name is part of it, or a remark",
                    r"leave a remark out; a name is written \hat{h}, \overleftarrow{h}, h^{*}",
                )  # fmt: skip
            result[k:end] = [replace(result[k], text=arrow)]
        k += 1
    return result


def _end(tokens: Sequence[Token], k: int) -> int:
    """Return where the argument at k ends."""
    k += tokens[k : k + 1] != [] and tokens[k].text in FONTS
    depth = 0
    for j in range(k, len(tokens)):
        depth += (tokens[j].kind == "LBRACE") - (tokens[j].kind == "RBRACE")
        if depth <= 0:
            return j + 1
    return len(tokens)


def _letter(token: Token) -> str:
    """Return a token's letter, spelled out; empty where it has none."""
    return letter(token.text) if token.kind == "LETTER" else greek(token.text) or ""
