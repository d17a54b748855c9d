"""What all formulas of a document show together: labels, layers, examples, names of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from eingrad.papers.any_activation import free_name, is_logistic
from eingrad.papers.axes_of_names import AxesOfNames
from eingrad.papers.cases import only_labels
from eingrad.papers.equations import Side
from eingrad.papers.heads import Head, head_of, is_derivative, joined_names, letters_in
from eingrad.papers.layer_names import moving_labels, with_label
from eingrad.papers.layer_shapes import layer_shapes
from eingrad.papers.open_readings import OpenReadings
from eingrad.papers.passages import Document
from eingrad.papers.placed_rows import PlacedRow, bared, examples_in, first_lines, shapes_in
from eingrad.papers.rewording import label_counts

_DOTS = re.compile(r"\\[lcvd]?dots|\\cdots|\.\.\.")
_LAYER = re.compile(r"\^\s*\{\s*[(\[]\s*(\\?[A-Za-z]+)\s*(?:[-+]\s*\d\s*)?[)\]]")  # a^{(\ell)}
_PLACE = re.compile(r"\d+|\\?[A-Za-z]|\d+\s*,.*|[A-Za-z]\s*[+-]\s*\d")
_LABELLED = re.compile(r"(?<![A-Za-z\\_{^])([a-z])_(?:[a-z]|\{\s*[a-z](?:\s*,?\s*[a-z])*\s*\})")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:\s*,\s*000)*")
_WORKED = re.compile(r"(?:[\d.\s()]|\\(?:times|cdot)(?![a-z]))*\\(?:times|cdot)[\d.\s()\\a-z]*")
_INDICES = frozenset("ijkl")
_SAID_BY_ENTRY = re.compile(
    r"(\\otimes|\\circ|\\ast|\\star)(?![a-z])[^.\\]{0,40}?"
    r"(?:Hadamard|(?:element|entry|component)[-\s]?wise)", re.IGNORECASE,
)  # fmt: skip
_ERROR_ABOVE = re.compile(r"\\delta\s*(?:_\s*(?:\{[^{}]*\}|\w)\s*)?\^")
_MEAN = re.compile(r"\b(mean|average)\b", re.IGNORECASE)


def _pairs(sides: Sequence[Side]) -> Iterator[frozenset[str]]:
    r"""Yield two labels that a row says to be one, or to differ: ``i = j``, ``j \neq k``."""
    if len(sides) == 2 and sides[1].mark in {"=", r"\ne", r"\neq"}:
        pair = frozenset(side.text for side in sides)
        if len(pair) == 2 and all(len(x) == 1 and x.islower() for x in pair):
            yield pair


def _tabled(lines: Sequence[PlacedRow]) -> frozenset[int]:
    """Return the lines of rows that give names numbers, one of them another one elsewhere."""
    numbers: dict[str, set[str]] = {}
    places: dict[str, set[int]] = {}
    for line in lines:
        left, *others = (side.text for side in line.row.sides)
        if len(others) == 1 and _NUMBER.fullmatch(others[0]):
            numbers.setdefault(bared(left), set()).add(others[0])
            places.setdefault(bared(left), set()).add(line.row.line)
    return frozenset().union(*(places[x] for x, found in numbers.items() if len(found) > 1))


class Overview:
    """What all of a document shows together, before a formula of it is judged."""

    def __init__(self, document: Document, lines: Sequence[PlacedRow]) -> None:
        self.skipped = document.skipped
        sources = [line.row.source for line in lines]
        sides = [[side.text for side in line.row.sides] for line in lines]
        every = [side for own in sides for side in own]
        whole = " ".join(p.text for p in document.passages)
        moving = moving_labels(sources)
        self.above = moving.above
        self.axes = AxesOfNames(
            [(x.row.line, x.section, own) for x, own in zip(lines, sides, strict=True)],
            document.passages,
        )
        self.shapes = [shape for line in lines for shape in shapes_in(line, moving.labels)]
        declared = {shape.name for shape in self.shapes}
        self.shapes += layer_shapes(lines, self.axes, self.above, declared)
        heads = [head for side in every if (head := head_of(side)) is not None]
        self.joined = joined_names(heads)
        self.marks = {(name, letter) for (name, _), letter in self.joined.items()}
        self.labels = {x for head in heads for x in head.entries}
        self.labelled = {
            (line.section, x) for line in lines for x in _LABELLED.findall(line.row.source)
        }
        self.cases = {(line.section, pair) for line in lines for pair in _pairs(line.row.sides)}
        self.only_labels = only_labels(every) - {
            own[0] for own in sides if len(own) > 1 and re.search(r"[A-Za-z]\S* |\\", own[1])
        }
        self.first_lines = first_lines(lines)
        self.tabled = _tabled(lines)
        self.layers = {x for source in sources for x in _LAYER.findall(source)}
        self.ranks = label_counts(sources)
        self.examples = examples_in(lines)
        self.open = OpenReadings(sides, whole)
        self.means = _MEAN.search(whole) is not None
        self.by_entry = _SAID_BY_ENTRY.findall(whole)
        self.errors = any(_ERROR_ABOVE.search(side) for side in every)
        self.logistic = is_logistic(document.passages)
        self.any_sigma = "" if self.logistic else free_name(document.passages)

    def defines(self, left: str) -> str | None:
        """Return the name that a left side may define, None where it is a formula."""
        head = None if is_derivative(left) else head_of(left)
        return None if head is None else self.name(head)

    def name(self, head: Head) -> str:
        """Return a tensor's name, with the subscript that belongs to it; z^l of its entry z^L."""
        entry = self.joined.get((head.name, len(head.entries))) if head.apart else None
        if len(head.entries) == 1 and (head.name, head.entries[0]) in self.marks:
            entry = head.entries[0]
        name = with_label(head.name, self.above)
        return name if entry is None else f"{name}_{entry}"

    def is_range(self, line: PlacedRow) -> bool:
        r"""Whether an inline formula says what a letter runs over: ``i = 1, \ldots, n``."""
        left, *others = (side.text for side in line.row.sides)
        places = all(_PLACE.fullmatch(x) for x in others)
        dots = bool(_DOTS.search(others[0]))
        letter = len(left) == 1 or left in self.layers
        spoken = left in self.labels | self.layers
        return letter and not line.display and (dots or (places and spoken))

    def is_example(self, line: PlacedRow, sides: Sequence[Side]) -> bool:
        """Whether a formula says that two labels are one, or in passing what a number is."""
        left, *others = (side.text for side in sides)
        if left in self.labels and all(x in self.labels or _NUMBER.fullmatch(x) for x in others):
            return True
        if bared(left).replace("'", "") in map(bared, others) and "'" in left:
            return True  # e' = e, a derivative by its prime
        if all(x in _INDICES for x in (left, *others)):
            return True
        if self.defines(left) is None:
            return False
        if (own := head_of(left)) and len(others) == 1 and others[0] in self.only_labels:
            return others[0] not in own.entries
        if all(r"matrix}" in x and not letters_in(x) for x in others):
            return True
        if line.row.line in self.tabled and all(_NUMBER.fullmatch(x) for x in others):
            return True
        worked = all(_WORKED.fullmatch(x) for x in others)
        worked |= bool(own and own.entries) and all(_NUMBER.fullmatch(x) for x in others)
        return worked or (not line.display and all(_NUMBER.fullmatch(x) for x in others))

    def is_skipped(self, line: PlacedRow) -> bool:
        """Whether the document asks to leave a formula out."""
        return line.row.line in self.skipped
