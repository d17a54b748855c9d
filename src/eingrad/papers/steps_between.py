r"""A step of a derivation: what two sides differ in, where the rest of them is the same.

Where ``A B C`` becomes ``A D C``, the step is right if B = D is. What is left out stands around it
as a factor, a term, or whole brackets, so that it is the same in both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eingrad.check.verdict import Outcome
from eingrad.notation.tex.names import function_name
from eingrad.papers.scan import group_behind, pieces

_FRACTION = re.compile(r"\\[dtc]?frac\s*(?=\{)")
_SUM = re.compile(r"\\sum(?![A-Za-z])\s*(?:\\(?:no)?limits)?")
_NABLA = re.compile(r"\\nabla(?![A-Za-z])")
_SKIPPED = re.compile(r"(?:\s|~|\\[,;:! ]|\\(?:cdot|times|quad|displaystyle)(?![a-z]))+")
_SCRIPT = re.compile(r"\s*[_^]\s*(?:(?=\{)|\\[A-Za-z]+|\w)|\s*'")
_OPENS = re.compile(r"(?:\\left|\\[bB]igg?l?)?\s*[(\[]|\{")
_OPERATOR = re.compile(
    r"\\(?:[dt]?frac)\s*\{\s*(?:\\partial|\\delta|d|\\mathrm\s*\{\s*d\s*\})\s*\}"
)
_DERIVATIVE = re.compile(r"\\(?:[dt]?frac)\s*\{\s*(?:\\partial|\\delta|d(?!_)|\\mathrm\s*\{\s*d)")
_SIZES = re.compile(r"\\(?:left|right|[bB]igg?[lrm]?)(?![A-Za-z])|\\[,;:! ]|\s")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_BIG = re.compile(r"\\[bB]igg?[lrm]?(?![A-Za-z])\s*(?=[()\[\]])")
_SIGNS = frozenset("+-")


@dataclass(frozen=True)
class Before:
    """A side that a document gives a left side before: on which line, and how it is judged."""

    line: int
    side: str
    outcome: Outcome


def inner_steps(before: str, side: str) -> Iterator[tuple[str, str]]:
    r"""Yield what two sides differ in, the whole of them first.

    >>> list(inner_steps(r"a + b \frac{x}{y}", r"a + b z"))[1:]
    [('+ b \\frac{x}{y}', '+ b z'), ('\\frac{x}{y}', 'z')]
    """
    before, side = without_sizes(before), without_sizes(side)
    yield before, side
    one, other = terms_of(before), terms_of(side)
    head, tail = _alike(one, other)
    one, other = one[head : len(one) - tail], other[head : len(other) - tail]
    if head + tail:
        yield "".join(one) or "0", "".join(other) or "0"
    if len(one) == len(other) == 1:
        yield from _in_terms(one[0].strip(), other[0].strip())


def without_sizes(text: str) -> str:
    """Return a formula without the sizes of its brackets."""
    return _BIG.sub("", text)


def _in_terms(before: str, side: str) -> Iterator[tuple[str, str]]:
    if before[:1] in _SIGNS and before[:1] == side[:1]:
        before, side = before[1:], side[1:]
    if {before[:1], side[:1]} & _SIGNS:
        return
    one, other = _factors(before), _factors(side)
    if "/" in one + other:
        return
    head, tail = _alike(one, other)
    rest, changed = one[head : len(one) - tail], other[head : len(other) - tail]
    while head and _reaches(one[head - 1]) and max(len(rest), len(changed)) > 1:
        head -= 1
        rest, changed = one[head : len(one) - tail], other[head : len(other) - tail]
    behind = [*rest, *changed]
    if tail and any(_reaches(x) or _SUM.match(x) for x in behind):
        return
    if not rest or not changed:
        yield " ".join(rest) or "1", " ".join(changed) or "1"
        return
    if head + tail:
        yield " ".join(rest), " ".join(changed)
    if len(rest) == len(changed) == 1:
        yield from _inside(rest[0], changed[0])


def _inside(before: str, side: str) -> Iterator[tuple[str, str]]:
    """Yield what differs within two brackets, or above or below two bars."""
    if (own := _FRACTION.match(before)) and (other := _FRACTION.match(side)):
        if _DERIVATIVE.match(before) or _DERIVATIVE.match(side):
            return
        above, middle = group_behind(before, own.end())
        below, end = group_behind(before, middle)
        new, place = group_behind(side, other.end())
        under, last = group_behind(side, place)
        if end < len(before) or last < len(side):
            return
        if same(below, under):
            yield from inner_steps(above, new)
        elif same(above, new):
            yield from inner_steps(below, under)
        return
    one, other_one = _bracket(before), _bracket(side)
    if one is not None and other_one is not None and same(one[1], other_one[1]):
        yield from inner_steps(one[0], other_one[0])


def _bracket(text: str) -> tuple[str, str] | None:
    """Return what stands in brackets, and what stands behind these; None without."""
    if _OPENS.match(text) is None:
        return None
    inner = list(pieces(text))
    end = next((p for p in inner[1:] if p.depth == 0), None)
    return None if end is None else (text[inner[0].end : end.place], text[end.end :])


def _alike(one: Sequence[str], other: Sequence[str]) -> tuple[int, int]:
    """Return how many parts are the same at the start, and at the end."""
    most = min(len(one), len(other))
    head = next((k for k in range(most) if not same(one[k], other[k])), most)
    rest = most - head
    tail = next((k for k in range(rest) if not same(one[-1 - k], other[-1 - k])), rest)
    return head, tail


def same(one: str, other: str) -> bool:
    """Whether two formulas are one, but for spaces and sizes."""
    return _SIZES.sub("", one) == _SIZES.sub("", other)


def _reaches(factor: str) -> bool:
    """Whether a factor is a sign for what stands behind it, as far as that goes."""
    word = re.match(r"\\([A-Za-z]+)", factor)
    named = word is not None and function_name(word[1]) is not None and not factor.endswith(")")
    return named or _NABLA.match(factor) is not None or _OPERATOR.match(factor) is not None


def terms_of(text: str) -> list[str]:
    """Return the terms of a sum, each with its sign."""
    cuts = [p.place for p in pieces(text) if p.depth == 0 and p.text in _SIGNS]
    cuts = [c for c in cuts if c and text[:c].strip()]
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def _factors(text: str) -> list[str]:
    """Return the factors of a product, each with its scripts."""
    found: list[str] = []
    place = 0
    while place < len(text):
        if (skipped := _SKIPPED.match(text, place)) is not None:
            place = skipped.end()
            continue
        end = _factor_end(text, place)
        found.append(text[place:end])
        place = end
    return found


def _factor_end(text: str, place: int) -> int:
    if (sign := _FRACTION.match(text, place)) is not None:
        end = group_behind(text, group_behind(text, sign.end())[1])[1]
    elif (sign := _SUM.match(text, place)) is not None:
        end = sign.end()
    elif _OPENS.match(text, place) is not None:
        inner = list(pieces(text[place:]))
        end = place + next((p.end for p in inner[1:] if p.depth == 0), len(text) - place)
    elif (number := _NUMBER.match(text, place)) is not None:
        end = number.end()
    else:
        end = place + next(iter(pieces(text[place:]))).end
        end = _argument_end(text, place, end)
    end = _behind_scripts(text, end)
    letter = re.match(r"\\?[A-Za-z]", text[place:]) is not None and not _SUM.match(text, place)
    opened = _OPENS.match(text, end) if letter else None
    if opened is not None and opened[0].strip()[-1] == "(":  # a function, or a factor that stays
        inner = list(pieces(text[end:]))
        first = next(k for k, p in enumerate(inner) if p.text.strip())
        size = next((p.end for p in inner[first + 1 :] if p.depth == 0), len(text) - end)
        end = _behind_scripts(text, end + size)
    return end


def _behind_scripts(text: str, end: int) -> int:
    while (script := _SCRIPT.match(text, end)) is not None:
        end = script.end()
        if text[end : end + 1] == "{":
            end = group_behind(text, end)[1]
    return end


def _argument_end(text: str, place: int, end: int) -> int:
    """Return where the group behind a command ends: of ``\\mathbf{x}``, ``\\sqrt{2}``."""
    if text[place] == "\\" and text[end : end + 1] == "{":
        return group_behind(text, end)[1]
    return end
