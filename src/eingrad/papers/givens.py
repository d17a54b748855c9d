r"""What the prose before a formula says to hold there: "at the point (1, 0)", "when t = 1".

A formula may be right by it alone, so none is called wrong before it was tried with that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from eingrad.papers.equations import EQUALS, EquationRow
from eingrad.papers.heads import head_of, is_derivative, letters_in
from eingrad.papers.passages import Passage

_NUMBER = re.compile(r"[-+]?\s*(?:\d+(?:\.\d+)?|\\pi|\\[dt]?frac\s*\{?\d+\}?\s*\{?\d+\}?|\d+/\d+)")
_COMPARED = frozenset({"<", ">", r"\le", r"\leq", r"\ge", r"\geq", r"\leqslant", r"\geqslant"})
_SIGN = re.compile(r"(<|>|\\(?:leqslant|geqslant|leq|geq|le|ge)(?![a-zA-Z]))")
_LIST = r"(?:\\left\s*)?\(([^()]*?)(?:\\right\s*)?\)"
_TUPLE = re.compile(_LIST + r"(?:\s*\^\s*\{?\s*\\?[a-zA-Z]+\s*\}?)?")
_ARGUMENTS = re.compile(_LIST + r"\s*\Z")
_POINT = re.compile(r"\b(?:point|at)\s*\Z", re.IGNORECASE)
_HOLDING = re.compile(
    r"\b(?:hold|keep|treat|regard|tak|leav|fix|with|consider)(?:ing|s)?\b[^.;:]{0,40}\Z",
    re.IGNORECASE,
)
_FIXED = re.compile(r"\s*(?:held |kept )?(?:as )?(?:an? |if it were an? )?(?:fixed|constants?)\b")
_HELD = re.compile(
    r"\s*(?:is|are|was|being)\s+(?:held|kept|treated|regarded|considered|taken)\s+"
    r"(?:as )?(?:an? |to be )?(?:fixed|constants?)\b"
)
_CUT = re.compile(
    r"\b(?:not|n't|never|no)\s+(?:back-?prop\w*|differentiate|gradients?|let gradients)\b"
    r"[^.;:]*\bthrough\b[^.;:]*\Z|\b(?:stop[- ]gradient|detach\w*)\b[^.;:]*\Z", re.IGNORECASE,
)  # fmt: skip
_START = re.compile(
    r"\b(?:re-?)?initiali[sz]\w*|\bstart(?:s|ing)? (?:from|at|with)\b", re.IGNORECASE
)
_SENTENCE_ENDS = re.compile(r"[.;!?](?=\s|\Z)")


@dataclass(frozen=True)
class Given:
    """What holds for what follows: numbers of names, ``x = 3``, a ``case``, ``x > 0``, or a name
    that is ``held`` fixed.

    It is said in ``section``, as passage ``place`` on a line; ``unreadable`` numbers are those of a
    matrix, or of a point of which the names are not known.
    """

    place: int
    line: int
    section: tuple[int, ...]
    numbers: tuple[tuple[str, str], ...] = ()
    case: str = ""
    unreadable: str = ""
    held: str = ""

    @property
    def conditions(self) -> tuple[str, ...]:
        r"""The comparisons of its case: ``0 < a < 1`` is two, which both hold."""
        parts = _SIGN.split(self.case)
        found = ["".join(parts[k : k + 3]) for k in range(0, len(parts) - 2, 2)]
        return tuple(filter(None, found or [self.case]))

    @property
    def texts(self) -> tuple[str, ...]:
        """What it says, as LaTeX."""
        own = tuple(f"{name} = {number}" for name, number in self.numbers)
        fixed = f"{self.held} is held fixed" if self.held else ""
        return (*own, *filter(None, (self.case, fixed)))

    @property
    def names(self) -> frozenset[str]:
        """The letters of what it says something of; none for a point of unknown names."""
        unread = self.unreadable.partition("=")[0]
        own = [*(name for name, _ in self.numbers), self.case, self.held, unread]
        return letters_in(" ".join(own))

    def speaks_of(self, letters: frozenset[str]) -> bool:
        """Whether it says something of what has these letters."""
        return bool(self.names & letters) or not self.names


class Givens:
    """The numbers and cases of a document, in order."""

    def __init__(self) -> None:
        self.said: list[Given] = []
        self.passages: Sequence[Passage] = ()
        self._arguments: dict[int, tuple[str, ...]] = {}  # how many -> names, as in f(x, y)

    def arguments(self, count: int) -> tuple[str, ...]:
        """Return what functions of so many arguments were last taken of: x and y of f(x, y)."""
        return self._arguments.get(count, ())

    def note(
        self, place: int, passages: Sequence[Passage], rows: Sequence[EquationRow],
        section: tuple[int, ...],
    ) -> None:  # fmt: skip
        """Remember what a formula says to hold for what follows."""
        self.passages, passage = passages, passages[place]
        before = passages[place - 1] if place else None
        pointed = before is not None and before.kind == "prose" and bool(_POINT.search(before.text))
        if not passage.display and head_of(passage.text) and _is_held(place, passages):
            self.said.append(Given(place, passage.line, section, held=passage.text))
        leading = passages[max(self.sentence(place) - 1, 0) : place]
        if any(_START.search(p.text) for p in leading if p.kind == "prose"):
            return
        for row in rows:
            for numbers, case, unreadable in self._in(row, pointed):
                self.said.append(Given(place, passage.line, section, numbers, case, unreadable))

    def _in(
        self, row: EquationRow, pointed: bool
    ) -> Iterator[tuple[tuple[tuple[str, str], ...], str, str]]:
        sides = [side.text for side in row.sides]
        marks = {side.mark for side in row.sides[1:]}
        head, own = head_of(sides[0]), _ARGUMENTS.search(sides[0])
        if head is not None and head.arguments and own is not None:
            given = tuple(x.strip() for x in own[1].split(","))
            self._arguments[len(given)] = given
        if len(sides) == 1:
            found = _TUPLE.fullmatch(sides[0]) if pointed else None
            if found is not None and (pairs := self._point("", found[1])) is not None:
                yield pairs, "", "" if pairs else sides[0]
        elif is_derivative(row.source):
            return
        elif marks <= EQUALS and _NUMBER.fullmatch(sides[-1]):
            names = [x for x in sides[:-1] if (name := head_of(x)) and not name.arguments]
            if len(names) == len(sides) - 1:
                yield tuple((name, sides[-1]) for name in names), "", ""
        elif marks <= EQUALS and len(sides) == 2:
            found = _TUPLE.fullmatch(sides[1])
            if found is not None and (pairs := self._point(sides[0], found[1])) is not None:
                yield pairs, "", "" if pairs else row.source
            elif "matrix}" in sides[1] and re.search(r"\d", sides[1]):
                yield (), "", row.source
        elif marks <= _COMPARED and (len(sides) == 2 or _is_range(sides)):
            yield (), row.source, ""

    def _point(self, left: str, entries: str) -> tuple[tuple[str, str], ...] | None:
        """Return a point's numbers with their names, () where nothing tells these; None if it is
        no point."""
        numbers = [x.strip() for x in entries.split(",")]
        if len(numbers) < 2 or not all(map(_NUMBER.fullmatch, numbers)):
            return None
        if (named := _TUPLE.fullmatch(left)) is not None:
            names: Sequence[str] = [x.strip() for x in named[1].split(",")]
        else:
            names = () if left else self._arguments.get(len(numbers), ())
        return tuple(zip(names, numbers, strict=True)) if len(names) == len(numbers) else ()

    def direct(self, place: int, letters: frozenset[str]) -> list[Given]:
        """Return what the sentence says that leads to a passage."""
        first = self.sentence(place)
        return _last(g for g in self.said if first <= g.place < place and g.speaks_of(letters))

    def sentence(self, place: int) -> int:
        """Return the first passage that is whole within the sentence of another."""
        first = place
        while first and not _ends(self.passages[first - 1], self.passages[first]):
            first -= 1
        return first

    def lead(self, place: int) -> str:
        """Return the prose of its own sentence that stands before a passage, behind displays."""
        said = ""
        for passage in reversed(self.passages[:place]):
            if passage.display or _SENTENCE_ENDS.search(said):
                break
            said = (passage.text if passage.kind == "prose" else " ") + said
        return _SENTENCE_ENDS.split(said)[-1]

    def before(self, place: int, section: tuple[int, ...], letters: frozenset[str]) -> list[Given]:
        """Return what the section, and those around it, say before a passage."""
        return _last(
            g for g in self.said
            if g.place < place and section[: len(g.section)] == g.section and g.speaks_of(letters)
        )  # fmt: skip


def _is_held(place: int, passages: Sequence[Passage]) -> bool:
    """Whether the prose around a name says that it is constant, or not differentiated."""
    before = passages[place - 1].text if place and passages[place - 1].kind == "prose" else ""
    behind = passages[place + 1 : place + 2]
    after = behind[0].text if behind and behind[0].kind == "prose" else ""
    if _CUT.search(before):
        return True
    return bool((_HOLDING.search(before) and _FIXED.match(after)) or _HELD.match(after))


def _is_range(sides: Sequence[str]) -> bool:
    """Whether sides are a name between two numbers, ``0 < a < 1``."""
    ends = len(sides) == 3 and all(_NUMBER.fullmatch(x) for x in (sides[0], sides[-1]))
    return ends and head_of(sides[1]) is not None


def said(givens: Sequence[Given]) -> str:
    """Return what is given, and where: ``x = 1 and y = 0, as line 3 says``."""
    lines: dict[int, list[str]] = {}
    for given in givens:
        lines.setdefault(given.line, []).extend(given.texts)
    own = (f"{' and '.join(texts)}, as line {n} says" for n, texts in lines.items() if texts)
    return ", and ".join(own)


def _last(said: Iterable[Given]) -> list[Given]:
    """Return of what is said of the same letters the last."""
    return [*{letters_in(" ".join(g.texts) or g.unreadable): g for g in said}.values()]


def _ends(passage: Passage, following: Passage) -> bool:
    """Whether a sentence, or a paragraph, ends with a passage."""
    if passage.kind == "heading":
        return True
    if passage.kind == "prose":
        return following.kind == "prose" or bool(_SENTENCE_ENDS.search(passage.text))
    return passage.display and following.kind == "prose" and following.text[:1].isupper()
