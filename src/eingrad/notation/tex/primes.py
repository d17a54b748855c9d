r"""Primes that are transposes: ``(y - X\beta)'(y - X\beta)``, ``w'\Sigma w``, as in economics."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from eingrad.notation.tex.declarations import matrices_in, vectors_in
from eingrad.notation.tex.names import BOLD, FONTS, PRIME, TRANSPOSED, greek
from eingrad.notation.tex.rows import rows
from eingrad.notation.tex.tidy import group_end
from eingrad.notation.tokens import Token

ENDS = frozenset({"SIGN", "EQUAL", "COMMA", "CLOSE", "RBRACE", "ROW", "AMP", "DOT", "END", "BAR",
                  "SLASH", "SHIFT", "NEWLINE", "QUAD", "COMPARE"})  # fmt: skip


@dataclass(frozen=True)
class _Primed:
    """A prime at ``start`` to ``end``, behind a name, or a group if that is empty, at ``base``."""

    start: int
    end: int
    base: int
    name: str
    bold: bool = False


def with_transposes(
    tokens: Sequence[Token], known: Mapping[str, Sequence[str]] | None = None
) -> list[Token]:
    r"""Return tokens with ``^\top`` for primes, if these can only be transposes.

    Names that are ``known`` are those of a claim's model with their labels. A text with another
    sign of transposes, or with a prime that may be something else, is left as it is.
    """
    own = list(tokens)
    places = [k for k, t in enumerate(own) if t.kind == "PRIME"]
    if not places or any(_raises_transpose(own, k) for k in range(len(own) - 1)):
        return own
    found = [_primed(own, k) for k in places]
    calls = [x for x in found if x is not None and _is_called(own, x, known)]
    primed = [x for x in found if x is not None and x not in calls]
    sure = _sure(own, known)
    if None in found or not primed or not all(_may_be(own, x, sure, known) for x in primed):
        return own
    if not any(_is_evident(own, x, sure) for x in primed):
        return own
    for x in reversed(primed):
        like = own[x.start]
        own[x.start : x.end] = [replace(like, kind="SUP", text="^"),
                                replace(like, kind="COMMAND", text=r"\top")]  # fmt: skip
    return own


def _raises_transpose(tokens: Sequence[Token], k: int) -> bool:
    behind = k + 1 + (tokens[k + 1].kind == "LBRACE")
    last = tokens[behind] if behind < len(tokens) else tokens[k]
    return tokens[k].kind == "SUP" and last.kind != "PRIME" and last.text in TRANSPOSED


def _sure(tokens: Sequence[Token], known: Mapping[str, Sequence[str]] | None) -> Collection[str]:
    """Return the names of vectors and matrices."""
    if known is not None:
        return {name for name, labels in known.items() if labels}
    found = [row.tokens for row in rows(list(tokens))]
    return matrices_in(found) | vectors_in(found)


def _primed(tokens: Sequence[Token], k: int) -> _Primed | None:
    """Return a prime with what it hangs on, None where it may be anything else."""
    start, end = k, k + 1
    if start and tokens[start - 1].kind == "LBRACE":
        start, end = start - 1, end + 1
    if start and tokens[start - 1].kind == "SUP":
        start -= 1
    elif start < k:
        return None
    after = tokens[end].kind if end < len(tokens) else "END"
    if not start or after in {"PRIME", "SUB", "SUP"} or end > len(tokens):
        return None
    last = start - 1
    if tokens[last].kind == "CLOSE":
        base = _opened(tokens, last)
        return _Primed(start, end, base, "") if base >= 0 else None
    base = _past_subscript(tokens, last)
    if tokens[base].kind == "RBRACE":
        opened = _opened(tokens, base)
        if opened < 1 or tokens[opened - 1].text not in FONTS:
            return None
        letters = "".join(greek(t.text) or t.text for t in tokens[opened + 1 : base])
        bold = tokens[opened - 1].text in BOLD
        return _Primed(start, end, opened - 1, letters, bold)
    name = greek(tokens[base].text) or tokens[base].text
    plain = tokens[base].kind == "LETTER" or greek(tokens[base].text) is not None
    return _Primed(start, end, base, name) if plain else None


def _opened(tokens: Sequence[Token], k: int) -> int:
    """Return where the parenthesis or the brace opens that closes at k, -1 where none does."""
    depth = 0
    for j in range(k, -1, -1):
        depth += tokens[j].kind in {"CLOSE", "RBRACE"}
        depth -= tokens[j].kind in {"OPEN", "LBRACE"}
        if not depth:
            return j
    return -1


def _past_subscript(tokens: Sequence[Token], k: int) -> int:
    """Return where the name ends whose subscript ends at k; k itself where there is none."""
    opened = _opened(tokens, k) if tokens[k].kind == "RBRACE" else k
    return opened - 2 if opened > 1 and tokens[opened - 1].kind == "SUB" else k


def _is_called(
    tokens: Sequence[Token], primed: _Primed, known: Mapping[str, Sequence[str]] | None
) -> bool:
    r"""Whether a prime is that of a function, ``\phi'(z)``."""
    after = tokens[primed.end] if primed.end < len(tokens) else tokens[-1]
    if not primed.name or (after.kind, after.text) != ("OPEN", "("):
        return False
    if known is not None:
        return len(known.get(primed.name, ())) < 2
    return not primed.bold and primed.name not in _sure(tokens, known)


def _may_be(
    tokens: Sequence[Token], primed: _Primed, sure: Collection[str],
    known: Mapping[str, Sequence[str]] | None,
) -> bool:  # fmt: skip
    """Whether a prime may be a transpose: of a group, a vector, or a name without it elsewhere."""
    if not primed.name:
        before = tokens[primed.base - 1] if primed.base else None
        beside = before is not None and not tokens[primed.base].spaced
        called = beside and before is not None and (
            before.kind == "LETTER" or greek(before.text) is not None)  # fmt: skip
        inner = {greek(t.text) or t.text for t in tokens[primed.base : primed.start]}
        return not called and (known is None or not inner.isdisjoint(sure))
    if known is not None:
        return primed.name in sure and primed.name + PRIME not in known
    alone = primed.name in sure or primed.bold or primed.name[0].isupper()
    return alone or _stands(tokens, primed) or _is_before_vector(tokens, primed, sure)


def _is_before_vector(tokens: Sequence[Token], primed: _Primed, sure: Collection[str]) -> bool:
    """Whether a vector or a matrix follows directly."""
    after = tokens[primed.end] if primed.end < len(tokens) else tokens[-1]
    return (greek(after.text) or after.text) in sure or after.text in BOLD


def _stands(tokens: Sequence[Token], primed: _Primed) -> bool:
    """Whether a name stands without a prime, too."""
    places = [k for k, t in enumerate(tokens) if (greek(t.text) or t.text) == primed.name]
    return any(k + 1 < len(tokens) and tokens[k + 1].kind not in {"PRIME"} and not (
        tokens[k + 1].kind == "SUP" and tokens[k + 2].kind == "PRIME") for k in places)  # fmt: skip


def _is_evident(tokens: Sequence[Token], primed: _Primed, sure: Collection[str]) -> bool:
    """Whether a prime is a transpose for sure: of a vector, or of a group, that multiplies, or in
    a product that ends with the same name."""
    after = tokens[primed.end] if primed.end < len(tokens) else None
    told = not primed.name or primed.bold or primed.name in sure
    if after is None or after.kind in ENDS:
        before = tokens[primed.base - 1] if primed.base else None
        return told and before is not None and (greek(before.text) or before.text) == primed.name
    if told or _is_before_vector(tokens, primed, sure):
        return True
    k = primed.end
    while k < len(tokens) and tokens[k].kind not in ENDS | {"OPEN"}:
        if (greek(tokens[k].text) or tokens[k].text) == primed.name:
            return True
        if tokens[k].text in BOLD:
            return True
        k = max(k, group_end(tokens, k)) + 1
    return False
