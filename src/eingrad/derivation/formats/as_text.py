"""A presentation as text: formulas in one column, reasons in another, folded to a width."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from eingrad.derivation.lines import Step
from eingrad.derivation.presentation import Presentation, Section
from eingrad.derivation.reasons import MatrixText
from eingrad.notation.text import to_text

LONG = 60  # a line longer than this does not push the reasons of the others to the right
LEAST_REASON = 24  # columns that reasons get, where a width is given
INDENT = "  "


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line and what it is: head, name, formula, reason, result or plain."""

    text: str
    role: str = "plain"


Line = tuple[Span, ...]


def text(shown: Presentation, width: int | None = None, explain: bool = False) -> str:
    """Render as plain text; ``explain`` opens the rules that are cited."""
    return "\n".join("".join(s.text for s in line) for line in lines(shown, width, explain))


def lines(shown: Presentation, width: int | None = None, explain: bool = False) -> Iterator[Line]:
    """Yield the lines of the text, as pieces that a terminal may colour."""
    for k, section in enumerate(shown.sections):
        if k:
            yield ()
        yield from _section(section, width)
    for rule in shown.rules if explain else ():
        yield ()
        yield (Span(rule.name, "head"),)
        yield from _steps(rule.steps, width)


def _section(section: Section, width: int | None) -> Iterator[Line]:
    shape = f"shape ({', '.join(section.labels)})" if section.labels else "a scalar"
    like = f" like {section.name}" if section.name else ""
    yield (Span(to_text(section.head), "head"), Span(f", {shape}{like}"))
    if section.steps:
        yield from _steps(section.steps, width)
    yield (Span("result", "head"),)
    yield from _result(section, width)


def _result(section: Section, width: int | None) -> Iterator[Line]:
    """Yield the closed result, its parts, its matrix form and its NumPy."""
    closed = section.closed
    for k, line in enumerate((closed.line, *closed.parts)):
        words = "with " if k else ""
        yield from _hung(words + to_text(line.target), to_text(line.value), "result", width)
    if section.matrix is not None:
        value: MatrixText = section.matrix.value
        notes = f" ({'; '.join(section.matrix.notes)})" if section.matrix.notes else ""
        yield from _hung(f"in matrices{notes}", value.text, "result", width, ": ")
    if section.numpy is not None:
        for code in (*section.numpy.imports, *section.numpy.lines):
            yield (Span(INDENT + "in NumPy: ", "name"), Span(code, "formula"))


def _hung(left: str, right: str, role: str, width: int | None, sign: str = " = ") -> Iterator[Line]:
    head = INDENT + left + sign
    room = None if width is None else width - len(head)
    if room is not None and room < LEAST_REASON:  # a long left side: go on below it
        head, room = INDENT + left + sign.rstrip(), width - 2 * len(INDENT) if width else None
        yield (Span(head, "name"),)
        head = 2 * INDENT
    for k, piece in enumerate(broken(right, room)):
        yield (Span(head if k == 0 else " " * len(head), "name"), Span(piece, role))


def _steps(steps: Sequence[Step], width: int | None) -> Iterator[Line]:
    left = [to_text(s.left) if s.left is not None else "" for s in steps]
    column = max((len(x) for x in left if len(x) <= LONG // 2), default=0)
    heads = [f"{INDENT}{name.ljust(column)} = " for name in left]
    long = LONG if width is None else min(LONG, width - LEAST_REASON - 2 * len(INDENT))
    sizes = [len(head) + len(s.after) for head, s in zip(heads, steps, strict=True)]
    place = max((n for n in sizes if n <= long), default=0) + 2 * len(INDENT)
    for head, size, step in zip(heads, sizes, steps, strict=True):
        yield from _step(head, size, step, place, width)


def _step(head: str, size: int, step: Step, place: int, width: int | None) -> Iterator[Line]:
    """Yield a step's formula with its reason beside it, or below where there is no room."""
    gap = max(place - size, 2 * len(INDENT))
    in_place = place >= size + 2 * len(INDENT)
    beside = width is None or in_place or size + gap + len(step.rule) <= width
    formula = [step.after] if beside else broken(step.after, width and width - len(head))
    reason = [step.rule] if width is None else broken(step.rule, max(width - place, LEAST_REASON))
    first = (Span(head, "name"), Span(formula[0], "formula"))
    if beside:
        reason = reason if in_place else [step.rule]
        yield (*first, Span(" " * gap), Span(reason[0], "reason"))
        reason = reason[1:]
    else:
        yield first
        for piece in formula[1:]:
            yield (Span(" " * len(head)), Span(piece, "formula"))
    for piece in reason:
        yield (Span(" " * place), Span(piece, "reason"))


def broken(text: str, width: int | None) -> list[str]:
    """Break a text before signs, outside of parentheses where it can be, else at spaces.

    >>> broken("a_i b_i + exp(c_i + d_i) - e_i", 20)
    ['a_i b_i', '+ exp(c_i + d_i)', '- e_i']
    """
    if width is None or len(text) <= width:
        return [text]
    depths = list(accumulate((c in "([") - (c in ")]") for c in text))
    signs = {m.start() + 1: depths[m.start()] for m in re.finditer(r" (?=[+-] )", text)}
    result: list[str] = []
    for piece in _pieces(text, (0, len(text)), 0, signs, width):
        if result and len(result[-1]) + 1 + len(piece) <= width:
            result[-1] += f" {piece}"
        else:
            result.append(piece)
    return result


def _pieces(
    text: str, part: tuple[int, int], depth: int, signs: Mapping[int, int], width: int
) -> Iterator[str]:
    """Yield what has room in a line: terms, of those that have none what is inside them."""
    start, end = part
    own = text[start:end].rstrip()
    cuts = [place for place in signs if start < place < end and signs[place] == depth]
    if len(own) <= width:
        yield own
    elif cuts or depth == 0:
        for piece in pairwise([start, *cuts, end]):
            yield from _pieces(text, piece, depth + 1, signs, width)
    else:
        yield from _words(own, min(LONG // 2, width))


def _words(text: str, most: int) -> list[str]:
    """Split at spaces; a term in parentheses stays one word of at most so many letters."""
    words: list[str] = []
    depth = 0
    for word in text.split(" "):
        sign = words and words[-1] in {"+", "-", "="}
        if words and ((depth > 0 and len(words[-1]) + len(word) < most) or sign):
            words[-1] += f" {word}"
        else:
            words.append(word)
        depth += sum(word.count(c) for c in "([") - sum(word.count(c) for c in ")]")
    return words
