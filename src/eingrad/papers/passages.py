"""What a document is to a reader of formulas: mathematics and prose, line by line, in sections."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from eingrad.papers.macros import Macro

Kind = Literal["math", "prose", "heading"]
_SKIP = re.compile(r"\beingrad:\s*skip(?P<what>-file|-start|-end|-section)?\b")


@dataclass(frozen=True)
class Passage:
    """A piece of a document: the inside of a formula, or text, and the line of its first letter.

    ``display`` says that a formula stands by itself; ``level`` is a heading's depth.
    """

    kind: Kind
    text: str
    line: int
    display: bool = False
    level: int = 0


@dataclass(frozen=True)
class Document:
    """A document's passages in order, its macros, and the lines that are not to be judged."""

    path: str
    passages: tuple[Passage, ...]
    macros: Mapping[str, Macro] = field(default_factory=dict)
    skipped: frozenset[int] = frozenset()


def skipped_lines(comments: Sequence[tuple[int, str]], lines: Sequence[str]) -> frozenset[int]:
    """Return the lines whose formulas are not to be judged.

    ``eingrad: skip`` speaks of its own line, where that has mathematics or text of its own, and
    else of the next line that has; ``skip-start`` and ``skip-end`` enclose several, ``skip-file``
    means all.
    """
    found: set[int] = set()
    start: int | None = None
    for line, text in sorted(comments):
        match = _SKIP.search(text)
        if match is None:
            continue
        what = match["what"]
        if what == "-file":
            return frozenset(range(1, len(lines) + 1))
        if what == "-start":
            start = line if start is None else start
        elif what == "-end" and start is not None:
            found |= {*range(start, line + 1)}
            start = None
        elif what is None:
            found.add(_meant(line, lines))
    if start is not None:
        found |= {*range(start, len(lines) + 1)}
    return frozenset(found)


def _meant(line: int, lines: Sequence[str]) -> int:
    own = re.sub(r"<!--.*?-->|%.*", "", lines[line - 1]).strip()
    if own:
        return line
    later = range(line + 1, len(lines) + 1)
    opens = re.compile(r"\s*(\$\$|\\\[|\\begin\{[a-z]+\*?\}(\{[^}]*\})?|```.*)?\s*")
    return next((k for k in later if not opens.fullmatch(lines[k - 1])), line)


class LineCount:
    """The line of each place of a text, from 1."""

    def __init__(self, text: str) -> None:
        self.ends = [k for k, letter in enumerate(text) if letter == "\n"]

    def at(self, place: int) -> int:
        """Return the line of a place."""
        return bisect_right(self.ends, place - 1) + 1


def first_letter(text: str, line: int) -> int:
    """Return the line on which a text that begins on ``line`` has its first letter."""
    return line + text[: len(text) - len(text.lstrip())].count("\n")
