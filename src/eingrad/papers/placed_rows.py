"""The rows of a document's formulas where they stand, and what all of them show together."""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterator, Sequence
from dataclasses import dataclass, replace

from eingrad.notation.tex.packages import in_own_commands
from eingrad.papers.applied_functions import with_functions
from eingrad.papers.applied_names import AppliedNames, entries_of_applied
from eingrad.papers.cases import (
    as_case,
    example_level,
    introduced,
    is_constraint,
    is_criterion,
    of_another,
    restricted,
)
from eingrad.papers.dotted_columns import entry_of
from eingrad.papers.dotted_sums import with_sums
from eingrad.papers.equations import DEFINES, EQUALS, EquationRow, Side, rows_of
from eingrad.papers.heads import head_of, is_derivative, letters_in
from eingrad.papers.judged_formula import JudgedFormula
from eingrad.papers.macros import Macro, expand, split_macros
from eingrad.papers.numbered_entries import NumberedEntries
from eingrad.papers.passages import Document
from eingrad.papers.prose import Facts
from eingrad.papers.rewording import with_scripts_outside
from eingrad.papers.scope import Stated, letters_of_name

_SHAPE = re.compile(
    r"((?:(?!\\in(?![a-z])).)+?)\s*\\in\s*(\\mathbb\s*(?:\{\s*R\s*\}|R)"
    r"(?:\s*\^\s*(?:\{(?:[^{}]|\{[^{}]*\})*\}|\\?[A-Za-z0-9]+))?)\s*,?"
)
_SUMMED = re.compile(r"\\sum\s*(?:\\limits)?\s*_\s*\{?\s*([a-z])")
_EXAMPLE = re.compile(r"(?<![A-Za-z\\])([a-zA-Z])(?:_\w)?(\^\s*\{\s*\(([a-z])\)\s*\})")
_FACTOR = re.compile(r"(?<![A-Za-z\\{_])[A-Za-z](?:_[A-Za-z])?(?![A-Za-z_(])")
_LETTER = re.compile(r"(?<![A-Za-z\\])[a-z](?![A-Za-z])")
_RENAMING = frozenset({r"\rightarrow", r"\leftrightarrow", r"\to"})  # behind a row: l \to l + 1
INDEXED = re.compile(
    r"(.+?)\s*=\s*\[[^\[\]]*\]_\s*\{\s*\([^()]*\)\s*\\in\s*\[(\w+)\]\s*\\times\s*\[(\w+)\]\s*\}"
)  # Y = [y_{ij}]_{(i,j) \in [m] \times [n]}


@dataclass(frozen=True)
class PlacedRow:
    """A row of a formula where it stands in the document, with names for what has arguments."""

    row: EquationRow
    section: tuple[int, ...]
    display: bool
    order: int
    written: EquationRow
    place: int  # of its formula among the document's passages

    def other(self, text: str, reason: str) -> JudgedFormula:
        """Return a formula of this row that says nothing that could be judged."""
        return JudgedFormula(self.row.line, text, "other", "not judged", reason)

    def words(self, text: str) -> str:
        """Return a side of this row as the document has it."""
        pairs = zip(self.row.sides, self.written.sides, strict=True)
        return next((own.text for side, own in pairs if side.text == text), text)

    def as_written(self, formula: JudgedFormula) -> JudgedFormula:
        """Return a formula of this row with the document's own words."""
        text = formula.formula
        (left, *sides), (own_left, *others) = self.row.sides, self.written.sides
        for side, own in zip(sides, others, strict=True):
            if text == f"{left.text} = {side.text}":
                return replace(formula, formula=f"{own_left.text} = {own.text}")
        for side, own in zip(self.row.sides, self.written.sides, strict=True):
            if side.text and side.text != own.text:
                alone = rf"(?<!\S){re.escape(side.text)}(?!\S)"
                text = re.sub(alone, own.text.replace("\\", r"\\"), text)
        return replace(formula, formula=text)


def lines_of(document: Document) -> tuple[list[PlacedRow], Facts]:
    """Return the rows of all formulas, with the macros of the document put in place."""
    macros: dict[str, Macro] = dict(document.macros)
    facts = Facts()
    path: list[tuple[int, int]] = []
    lines: list[PlacedRow] = []
    last: EquationRow | None = None
    taken = {x for p in document.passages if p.kind == "math" for x in _LETTER.findall(p.text)}
    for k, passage in enumerate(document.passages):
        if passage.kind == "heading":
            path = [(level, n) for level, n in path if level < passage.level]
            path.append((passage.level, k))
            last = None
        elif (level := example_level(document, k)) is not None:  # with letters of its own
            path = [*(x for x in path if x[0] < level), (level, k)]
            last = None
        facts.note(passage)
        if passage.kind != "math":
            continue
        text, own = split_macros(passage.text)
        macros |= own
        word, every = introduced(document, k), rows_of(expand(text, macros), passage.line)
        section = tuple(n for _, n in path)
        facts.givens.note(k, document.passages, every, section)
        every = [as_case(row, word) for row in every]
        if is_criterion(document, k):
            every = [replace(row, only=f"if and only if {row.source}") for row in every]
        every = [
            replace(row, only=f"subject to {row.source}")
            if is_constraint(row, document, k)
            else row
            for row in every
        ]
        if other := of_another(document, k):
            every = [
                replace(row, only=other) if is_derivative(row.source) else row for row in every
            ]
        for row in [*every[:-1], *(restricted(row, document, k) for row in every[-1:])]:
            if row.goes_on and last is not None:
                row = replace(row, sides=(last.sides[0], *row.sides[1:]))
            if passage.display or len(row.sides) > 1:
                for entries, written in _by_entries(row, taken):
                    lines.append(
                        PlacedRow(entries, section, passage.display, len(lines), written, k)
                    )
            renamed = len(row.sides) > 1 and row.sides[1].mark in _RENAMING
            beside = renamed or (row.aside and last is not None)
            if passage.display and len(row.sides) > 1 and not beside:
                last = row
    return _named(lines), facts


def _by_entries(
    row: EquationRow, taken: Collection[str]
) -> Iterator[tuple[EquationRow, EquationRow]]:
    """Yield a row as it is read and as it is written: vectors that dots write out by entries."""
    left, *others = row.sides
    found = {k: entry_of(left.text, side.text, taken) for k, side in enumerate(others)
             if side.mark in EQUALS | DEFINES}  # fmt: skip
    rest = tuple(side for k, side in enumerate(others) if found.get(k) is None)
    if len(rest) == len(others):
        yield row, row
        return
    for k, equation in found.items():
        if equation is not None:
            own = tuple(map(Side, ("", others[k].mark), equation))
            yield replace(row, sides=own), replace(row, sides=(left, others[k]))
    if rest:
        whole = replace(row, sides=(left, *rest))
        yield whole, whole


def _named(lines: Sequence[PlacedRow]) -> list[PlacedRow]:
    """Return the rows with names in the place of what the document takes of arguments."""
    texts = [[_spelled(side.text) for side in line.row.sides] for line in lines]
    entries = NumberedEntries(texts)
    texts = [[entries.spelled(text) for text in own] for own in texts]
    sides = [[replace(side, text=text) for side, text in zip(line.row.sides, own, strict=True)]
             for line, own in zip(lines, with_functions(texts), strict=True)]  # fmt: skip
    names = AppliedNames([[side.text for side in own] for own in sides])
    return [replace(line, row=replace(line.row, sides=tuple(_renamed(names, own))))
            for line, own in zip(lines, sides, strict=True)]  # fmt: skip


def _spelled(text: str) -> str:
    return with_sums(with_scripts_outside(entries_of_applied(in_own_commands(text))))


def _renamed(names: AppliedNames, sides: Sequence[Side]) -> Iterator[Side]:
    left = sides[0].text
    for k, side in enumerate(sides):
        lifted = names.definition(left, side.text)[k > 0]
        yield replace(side, text=names.spelled(lifted).strip())


def shapes_in(line: PlacedRow, moving: Container[str]) -> Iterator[Stated]:
    r"""Yield the shapes that a row declares, also behind an equation: ``X, Y \in \mathbb{R}^n``; a
    tensor may have a label that is ``moving``."""
    source = line.row.source.replace(":=", "=")
    found = list(_SHAPE.findall(source))
    found += _noted_shapes(line.row)
    if (indexed := INDEXED.fullmatch(source)) is not None:
        found = [(indexed[1], rf"\mathbb{{R}}^{{{indexed[2]} \times {indexed[3]}}}")]
    for k, (names, space) in enumerate(found):
        for name in names.rpartition("=")[0].split(",") if "=" in names else names.split(","):
            head = head_of(name.strip())
            if head is not None and all(x in moving for x in head.entries):
                order = -line.order * 64 - k - 1
                own = "_".join([head.name, *head.entries])  # x_t is not x
                yield Stated(
                    order, line.row.line, line.section, own, rf"{name.strip()} \in {space}",
                    frozenset({*letters_of_name(head.name)}), shape=True,
                )  # fmt: skip


def _noted_shapes(row: EquationRow) -> list[tuple[str, str]]:
    r"""Return the shapes in a note behind an equation: ``(N \times M) @ (M \times 1)``."""
    shapes = re.findall(r"\(\s*([\w\\{}_]+)\s*\\times\s*([\w\\{}_]+)\s*\)", row.note)
    shapes = shapes[: len(shapes) - ("=" in row.note)]
    names = _FACTOR.findall(row.sides[-1].text) if len(row.sides) > 1 else []
    if is_derivative(row.source) or len(shapes) != len(names) or not shapes:
        return []
    return [
        (n, rf"\mathbb{{R}}^{{{a} \times {b}}}") for n, (a, b) in zip(names, shapes, strict=True)
    ]


def bared(text: str) -> str:
    """Return a formula without spaces and braces, in which spellings of one name are equal."""
    return re.sub(r"[\s{}]|\\left|\\right|\\big[lr]?|\\[,;!]", "", text)


def is_bare(side: str) -> bool:
    """Whether a side is one tensor alone."""
    head = head_of(side)
    return head is not None and not head.arguments


def first_lines(lines: Sequence[PlacedRow]) -> dict[str, int]:
    """Return on which line each side that is one name, and each letter, is spoken of first."""
    alone = {bared(s.text) for line in lines for s in line.row.sides[1:] if is_bare(s.text)}
    found: dict[str, int] = {}
    for line in lines:
        source = bared(line.row.source)
        for name in alone - found.keys():
            if name in source:
                found[name] = line.row.line
        for letter in letters_in(line.row.source):
            found.setdefault(letter, line.row.line)
    return found


def examples_in(lines: Sequence[PlacedRow]) -> dict[str, str]:
    r"""Return the names that carry the letter of an example above them: ``x^{(i)}``."""
    source = "\n".join(line.row.source for line in lines)
    summed = set(_SUMMED.findall(source))
    return {base: label for base, label, letter in _EXAMPLE.findall(source) if letter in summed}
