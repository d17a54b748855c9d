r"""Losses of each time beside the whole one, ``L = \sum_t L_t``: L_t is a name of its own, Lt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from eingrad.notation.tex.rows import Row
from eingrad.notation.tex.superscripts import (
    ABOVE,
    ScriptedName,
    is_script,
    left_name,
    named_at,
    places_of,
)
from eingrad.notation.tokens import Token

NOTE = "{}_{} is one of those of which {} is made"


def parts_of_totals(found: Sequence[Row]) -> dict[str, tuple[str, str]]:
    """Return the names that are sums of what has their name and a label, with the new name and the
    label."""
    named = [(row, x) for row in found if (x := left_name(row)) is not None]
    lefts = [x for _, x in named]
    bare = {x.base for row, x in named if not x.scripts and _is_total(row, x.base)}
    result: dict[str, tuple[str, str]] = {}
    for name in lefts:
        indices = [*places_of(name).values()]
        if name.base in bare and len(name.scripts) == len(indices) == 1:
            letter = indices[0].letter
            if letter[:1].islower() and not indices[0].by and _in_one_type(found, name.base):
                result.setdefault(name.base, (name.base + letter, letter))
    return result


def _is_total(row: Row, base: str) -> bool:
    """Whether what a name is made of is a sum of parts of its own name."""
    names = (named_at(row.tokens, k) for k in range(len(row.tokens)))
    parts = [x for x in names if x is not None and x.base == base and x.scripts]
    return bool(parts) and any(token.text == r"\sum" for token in row.tokens)


def _in_one_type(found: Sequence[Row], base: str) -> bool:
    r"""Whether a name is written in one way: no ``\mathcal{L}`` beside another L."""
    written: set[tuple[str, ...]] = set()
    for row in found:
        k = 0
        while k < len(row.tokens):
            name = named_at(row.tokens, k)
            if name is not None and name.base == base:
                written.add(tuple(t.text for t in row.tokens[k : name.end]))
            k = max(k + 1, name.end if name is not None else 0)
    return len(written) == 1


def with_parts(found: Sequence[Row], parts: Mapping[str, tuple[str, str]]) -> list[Row]:
    """Return rows in which these have names of their own."""
    return [_renamed(row, parts) for row in found] if parts else [*found]


def _renamed(row: Row, parts: Mapping[str, tuple[str, str]]) -> Row:
    tokens = list(row.tokens)
    notes: dict[str, None] = {}
    for k in reversed(range(len(tokens))):
        name = named_at(tokens, k) if not is_script(tokens, k) else None
        if name is not None and name.base in parts and _has_label(name):
            new, letter = parts[name.base]
            notes.setdefault(NOTE.format(name.base, letter, name.base))
            tokens[k : name.end] = _word(tokens[k], new)
    return replace(row, tokens=tokens, notes=[*row.notes, *notes])


def _has_label(name: ScriptedName) -> bool:
    """Whether what hangs on a name is an index, ``L_{t+1}``, ``L^{(2)}``, and no power."""
    places = places_of(name)
    above = places.get(ABOVE)
    return len(places) > (above is not None) or (above is not None and bool(above.bracket))


def _word(like: Token, text: str) -> list[Token]:
    return [
        replace(like, kind="COMMAND", text=r"\mathrm"), replace(like, kind="LBRACE", text="{"),
        *(replace(like, kind="LETTER", text=x) for x in text),
        replace(like, kind="RBRACE", text="}"),
    ]  # fmt: skip


__all__ = ["parts_of_totals", "with_parts"]
