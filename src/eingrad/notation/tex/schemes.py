r"""Schemes as books write them, ``\frac{u^{n+1} - u^n}{\Delta t} = f^n``, solved for what is next.

The left side of such a row is no name: it is linear in one entry at the latest level, which stands
nowhere else in the row. The row is written as ``u^{n+1} = u^n + \Delta t f^n``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from eingrad.notation.tex.rows import Row, sides
from eingrad.notation.tex.superscripts import ABOVE, SCRIPTS, ScriptedName, named_at, places_of
from eingrad.notation.tex.tidy import group_end
from eingrad.notation.tokens import Token

Tokens = Sequence[Token]
TIMES = frozenset({"n", "t", "k", "m"})  # letters below names that are levels rather than places


@dataclass(frozen=True)
class _Term:
    """A term between two signs, and whether it is subtracted."""

    tokens: Tokens
    minus: bool


def solved(found: Sequence[Row]) -> list[Row]:
    """Return rows of which none has a difference of two levels as its left side."""
    return [_solved(row) for row in found]


def _solved(row: Row) -> Row:
    pair = sides(row.tokens)
    if len(pair) != 2 or not all(pair):
        return row
    left, right = pair
    target = _latest(left, right)
    if target is None:
        return row
    start, end = target
    zero = [t.text for t in right] == ["0"]
    value = _without(left, start, end, [] if zero else list(right))
    if value is None:
        return row
    equal = row.tokens[len(left)]
    return replace(row, tokens=[*left[start:end], equal, *value])


# --- which entry is solved for ------------------------------------------------------------------


def _latest(left: Tokens, right: Tokens) -> tuple[int, int] | None:
    """Return where the only entry at the latest level stands in a left side."""
    uses = [(k, x) for k in range(len(left)) if (x := _use(left, k)) is not None]
    others = [x for k in range(len(right)) if (x := _use(right, k)) is not None]
    if not uses or (len(uses) == 1 and _end(uses[0][1]) == len(left)):
        return None
    for key in _levels([x for _, x in uses]):
        own = [(k, by) for k, x in uses if (by := _level(x, *key)) is not None]
        levels = [*(by for _, by in own), *(_level(x, *key) for x in others)]
        found = [by for by in levels if by is not None]
        last = [k for k, by in own if by == max(found)]
        if len(last) == found.count(max(found)) == 1 and len({*found}) > 1:
            return last[0], _end(dict(uses)[last[0]])
    return None


def _use(tokens: Tokens, k: int) -> ScriptedName | None:
    """Return the name with indices that begins at k and is no script itself."""
    if k and tokens[k - 1].kind in SCRIPTS:
        return None
    found = named_at(tokens, k)
    return found if found is not None and places_of(found) else None


def _end(name: ScriptedName) -> int:
    return name.scripts[-1].end


def _levels(uses: Sequence[ScriptedName]) -> list[tuple[str, str, str]]:
    """Return names with a place and the letter there that may be a level, the surest first."""
    every = ((x.base, where, index.letter) for x in uses for where, index in places_of(x).items())
    found = (x for x in dict.fromkeys(every) if x[2][:1].islower())
    return sorted((x for x in found if x[1] == ABOVE or x[2] in TIMES), key=lambda x: x[1] != ABOVE)


def _level(use: ScriptedName, base: str, where: str, letter: str) -> int | None:
    """Return the level at which a name stands, None of another."""
    index = places_of(use).get(where)
    return index.by if index is not None and (use.base, index.letter) == (base, letter) else None


# --- solving ------------------------------------------------------------------------------------


def _without(left: Tokens, start: int, end: int, right: list[Token]) -> list[Token] | None:
    """Return what the tokens from start to end of a left side are equal to."""
    terms, place, offset = list[_Term](), None, 0
    for begin, term in _terms(left):
        if begin <= start < begin + len(term.tokens):
            place, offset = len(terms), begin
        terms.append(term)
    if place is None:
        return None
    own = terms[place]
    rest = _difference(right, [x for k, x in enumerate(terms) if k != place], own.minus, left[0])
    return _divided(own.tokens, start - offset, end - offset, rest)


def _divided(term: Tokens, start: int, end: int, right: list[Token]) -> list[Token] | None:
    """Return what a part of a product is equal to: the product, or the fraction, is ``right``."""
    for k in range(len(term)):
        if term[k].text in {r"\frac", r"\dfrac", r"\tfrac"} and k < start:
            above = group_end(term, k + 1)
            below = group_end(term, above + 1)
            if start < above:
                factors = [*term[:k], *term[below + 1 :]]
                times = replace(term[k], kind="TIMES", text=r"\cdot")
                right = _quotient([*term[above + 2 : below], times, *_grouped(right)], factors)
                inner = term[k + 2 : above]
                return _without(inner, start - k - 2, end - k - 2, right)
            return None
    if any(t.kind in {"OPEN", "LBRACE"} for t in term[:start]):
        return None
    return _quotient(right, [*term[:start], *term[end:]])


def _quotient(above: list[Token], below: Tokens) -> list[Token]:
    if not below:
        return above
    like = below[0]
    opening = replace(like, kind="LBRACE", text="{")
    closing = replace(like, kind="RBRACE", text="}")
    fraction = replace(like, kind="COMMAND", text=r"\frac")
    return [fraction, opening, *above, closing, opening, *below, closing]


def _difference(
    right: list[Token], others: Sequence[_Term], minus: bool, like: Token
) -> list[Token]:
    """Return ``right`` less other terms, all of it with the other sign where ``minus``."""
    result: list[Token] = []
    for term in others:
        result += _signed(list(term.tokens), minus == term.minus, bool(result), like)
    whole = _grouped(right) if minus else right
    if right:
        led = not minus and right[0].kind == "SIGN"
        result += right if led else _signed(whole, minus, bool(result), like)
    return result or [replace(like, kind="NUMBER", text="0")]


def _signed(term: list[Token], minus: bool, goes_on: bool, like: Token) -> list[Token]:
    sign = [replace(like, kind="SIGN", text="-" if minus else "+")]
    return [*(sign if minus or goes_on else []), *term]


def _grouped(tokens: list[Token]) -> list[Token]:
    """Return a sum in parentheses."""
    if not tokens or (len([*_terms(tokens)]) == 1 and tokens[0].kind != "SIGN"):
        return tokens
    like = tokens[0]
    return [replace(like, kind="OPEN", text="("), *tokens, replace(like, kind="CLOSE", text="(")]


def _terms(tokens: Tokens) -> list[tuple[int, _Term]]:
    """Return the terms between signs, and where each begins."""
    found: list[tuple[int, _Term]] = []
    depth, begin, minus = 0, 0, False
    for k, token in enumerate(tokens):
        if token.kind == "SIGN" and not depth:
            if k > begin:
                found.append((begin, _Term(tokens[begin:k], minus)))
            begin, minus = k + 1, token.text == "-"
        depth += (token.kind in {"LBRACE", "OPEN"}) - (token.kind in {"RBRACE", "CLOSE"})
    if begin < len(tokens):
        found.append((begin, _Term(tokens[begin:], minus)))
    return found


__all__ = ["solved"]
