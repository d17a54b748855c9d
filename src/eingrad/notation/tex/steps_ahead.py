r"""Schemes that say what comes next, ``u^{n+1}_i = u^n_i + ...``: as recurrences that look back.

A row whose left side is one step ahead is written one step back, ``u^n_i = u^{n-1}_i + ...``.
What such rows alone read at n counts from 0, as f of ``u^{n+1} = u^n + f^n``: its entry stands
beside the step that it leads to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from eingrad.notation.tex import names
from eingrad.notation.tex.rows import Row, sides
from eingrad.notation.tex.superscripts import (
    SCRIPTS,
    Steps,
    index_letter,
    named_at,
    places_of,
    sum_begins,
)
from eingrad.notation.tokens import Token


@dataclass(frozen=True)
class LetterPlace:
    """A letter in a script, at ``start``; ``end`` is behind the number that it moves by."""

    base: str
    start: int
    end: int
    by: int


def with_steps_back(found: Sequence[Row]) -> tuple[list[Row], Steps]:
    """Return rows of which none is a step ahead on the left, and what was."""
    every = {k: step for k, row in enumerate(found) if (step := _step(row)) is not None}
    result, steps = list(found), Steps()
    for letter in sorted({letter for _, letter, _ in every.values()}):
        own = {k: step for k, step in every.items() if step[1] == letter}
        places = {k: places_in(found[k].tokens, letter) for k in own}
        by = next(iter(own.values()))[2]
        bases = {base for base, _, _ in own.values()}
        reads = [p for own_places in places.values() for p in own_places or ()]
        recurs = any(p.base in bases and p.by != by for p in reads)
        far = any(p.base in bases and abs(p.by - by) > 1 for p in reads)
        alike = all(x is not None for x in places.values()) and {x[2] for x in own.values()} == {by}
        if not recurs or not alike or (far and by < 0) or any(abs(p.by - by) > 2 for p in reads
                                                             if p.base in bases):  # fmt: skip
            continue
        rest = [row for k, row in enumerate(found) if k not in own]
        elsewhere = {p.base for row in rest for p in places_in(row.tokens, letter, True) or ()}
        shared = {p.base for p in reads if p.base in elsewhere - bases and p.by == 0}
        at = {p.base: {q.by for q in reads if q.base == p.base} for p in reads}
        shared |= {base for base, own_by in at.items() if base not in bases and len(own_by) > 1}
        begins = sum_begins(found, letter)
        if (shared or far) and 1 in begins and by > 0:
            continue  # what the rows read at n would count from 0 here, from 1 there
        entered = by > 0 and (begins == {0} or bool(shared) or far)
        plain = by > 0 and not entered
        alone = {base for base, own_by in at.items() if plain and own_by == {0}} - bases
        for k in own:
            result[k] = _moved(result[k], letter, places[k] or [], by, alone)
        steps.from_zero.update(alone)
        if by > 0:
            steps.names.update(bases)
            steps.entered.update(dict.fromkeys(bases, letter) if entered else {})
            steps.twice.update(bases if far else ())
            beside = {p.base for p in reads} - bases - shared if entered else set[str]()
            steps.beside.update((base, other) for base in bases for other in beside)
    return result, steps


def _step(row: Row) -> tuple[str, str, int] | None:
    """Return the name, the label and the step of a left side that is ahead, or behind."""
    pair = sides(row.tokens)
    left = named_at(pair[0], 0) if len(pair) == 2 and pair[0] else None
    if left is None or max(left.end, *(x.end for x in left.scripts), 1) < len(pair[0]):
        return None
    moved = [x for x in places_of(left).values() if x.letter[:1].islower() and x.by]
    if len(moved) != 1 or abs(moved[0].by) != 1:
        return None
    return left.base, moved[0].letter, moved[0].by


def places_in(
    tokens: Sequence[Token], letter: str, every: bool = False
) -> list[LetterPlace] | None:
    """Return where a letter stands in scripts; None where it stands in another way, too, but of
    ``every`` place those below names."""
    result: list[LetterPlace] = []
    seen: set[int] = set()
    for k in range(len(tokens)):
        found = named_at(tokens, k) if k not in seen else None
        big = names.big(tokens[k].text) if tokens[k].kind == "COMMAND" else None
        if found is None or big:
            if index_letter(tokens[k]) == letter and k not in seen and not every:
                return None
            continue
        seen |= {*range(k + 1, found.end)}
        for script in found.scripts:
            inside = [*range(script.start, script.end)]
            seen |= {*inside}
            for j in inside:
                if index_letter(tokens[j]) == letter:
                    result.append(_place(found.base, tokens, j, script.end))
                    if tokens[j - 1].kind in {"SIGN", "NUMBER"} and not every:
                        return None
    return result


def _place(base: str, tokens: Sequence[Token], k: int, stop: int) -> LetterPlace:
    end = k + 1
    sign, number = tokens[end : end + 1], tokens[end + 1 : end + 2]
    if end + 1 < stop and sign[0].kind == "SIGN" and number[0].text.isdigit():
        return LetterPlace(base, k, end + 2, int(sign[0].text + number[0].text))
    return LetterPlace(base, k, end, 0)


def _moved(row: Row, letter: str, places: Sequence[LetterPlace], by: int, alone: set[str]) -> Row:
    """Return a row one step back; names that are read in such rows ``alone`` count from 0."""
    kept = alone & {place.base for place in places}
    moved = [(p, p.by - by) for p in places if p.base not in kept]
    tokens = with_places_moved(row.tokens, moved)
    notes = [f"{base} counts {letter} from 0" for base in sorted(kept)]
    return replace(row, tokens=tokens, notes=[*row.notes, *notes])


def with_places_moved(
    tokens: Sequence[Token], places: Sequence[tuple[LetterPlace, int]]
) -> list[Token]:
    """Return tokens in which a letter moves at each place by the number beside it."""
    result = list(tokens)
    for place, by in sorted(places, key=lambda p: -p[0].start):
        like = result[place.start]
        own = [like, *number_behind(like, by)]
        bare = result[place.start - 1].kind in SCRIPTS
        result[place.start : place.end] = list(_braced(own)) if bare else own
    return result


def number_behind(like: Token, by: int) -> list[Token]:
    """Return the tokens of ``+ 1`` behind a letter, none for 0."""
    if not by:
        return []
    sign = "-" if by < 0 else "+"
    return [replace(like, kind="SIGN", text=sign), replace(like, kind="NUMBER", text=str(abs(by)))]


def _braced(tokens: Sequence[Token]) -> Iterator[Token]:
    yield replace(tokens[0], kind="LBRACE", text="{")
    yield from tokens
    yield replace(tokens[0], kind="RBRACE", text="}")


__all__ = ["LetterPlace", "number_behind", "places_in", "with_places_moved", "with_steps_back"]
