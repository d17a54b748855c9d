r"""Sums of claims that begin elsewhere than the label of the model: ``\sum_{n=0}`` where u_0 stands
before the first entry. They are written from the first entry on, of what stands one step on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from eingrad.errors import NotationError
from eingrad.notation.syntax import Counting, Moving
from eingrad.notation.tex import names
from eingrad.notation.tex.rows import Row, sides
from eingrad.notation.tex.steps_ahead import (
    LetterPlace,
    number_behind,
    places_in,
    with_places_moved,
)
from eingrad.notation.tex.superscripts import Script, index_letter, scripts_at
from eingrad.notation.tokens import Token


@dataclass(frozen=True)
class _Sign:
    """A sum sign over a label: its scripts, and the number at which it begins, if it says one."""

    below: Script
    above: Script | None
    start: int | None


def with_sums_from_first(row: Row, counting: Counting, known: Collection[str]) -> Row:
    """Return a row of a claim in which sums over layers and times begin where these do."""
    for moving in counting.labels.values():
        signs = list(_signs(row.tokens, moving.letter))
        if signs:
            row = _from_first(row, signs, moving, counting, known)
    return row


def _signs(tokens: list[Token], label: str) -> Iterator[_Sign]:
    for k, token in enumerate(tokens):
        if token.kind != "COMMAND" or not names.big(token.text):
            continue
        scripts = {x.kind: x for x in scripts_at(tokens, k + 1)}
        below = scripts.get("SUB")
        if below is None or not below.inner or index_letter(below.inner[0]) != label:
            continue
        number = "".join(t.text for t in below.inner[2:])
        if len(below.inner) == 1 or number.isdigit():
            yield _Sign(below, scripts.get("SUP"), int(number) if number else None)


def _from_first(
    row: Row, signs: list[_Sign], moving: Moving, counting: Counting, known: Collection[str]
) -> Row:
    label = moving.letter
    places = places_in(row.tokens, label, True) or []
    before = {x for x, (own, _) in counting.carriers.items()
              if own == label and f"{x}{moving.first - 1}" in known}  # fmt: skip
    starts = {sign.start for sign in signs}
    by = {p.by for p in places}
    if starts == {None} and by == {0, 1} and any(p.base in before and not p.by for p in places):
        shift = -1  # from u_0 on, where all that is summed has an entry
    elif len(starts) == 1 and starts <= {0, 1} and (before or counting.starts.get(label)):
        shift = min(x for x in starts if x is not None) - moving.first
    else:
        return row
    if not shift:
        return row
    inside = sum(index_letter(t) == label for t in row.tokens)
    left = sides(row.tokens)[0]
    if inside > len(places) + len(signs) or any(index_letter(t) == label for t in left):
        if starts == {None}:
            return row
        raise NotationError(
            f"a sum begins at {label} = {min(x for x in starts if x is not None)}, and {label} at "
            f"{moving.first} in the model",
            hint=f"let {label} stand below or above names alone, or begin where the model does",
        )
    return _shifted(row, signs, places, moving, shift)


def _shifted(
    row: Row, signs: list[_Sign], places: list[LetterPlace], moving: Moving, shift: int
) -> Row:
    """Return a row whose sums begin at the first entry, of what stands ``shift`` on."""
    tokens = with_places_moved(row.tokens, [(p, p.by + shift) for p in places])
    for k in range(len(signs)):  # the k-th sign as it stands now
        sign = list(_signs(tokens, moving.letter))[k]
        if sign.above is not None and sign.start is not None:
            inner = sign.above.inner
            like = inner[0] if inner else tokens[sign.above.start]
            by = int("".join(t.text for t in inner[1:])) if len(inner) == 3 else 0
            if len(inner) not in {1, 3} or not index_letter(like):
                continue  # \infty
            whole = [like, *number_behind(like, by - shift)]
            brace = replace(like, kind="LBRACE", text="{"), replace(like, kind="RBRACE", text="}")
            tokens[sign.above.start + 1 : sign.above.end] = [brace[0], *whole, brace[1]]
        if sign.start is not None:
            number = next(k for k in range(sign.below.start, sign.below.end)
                          if tokens[k].kind == "NUMBER")  # fmt: skip
            tokens[number] = replace(tokens[number], text=str(moving.first))
    return replace(row, tokens=tokens)


__all__ = ["with_sums_from_first"]
