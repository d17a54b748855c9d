"""A document -> what each of its formulas is, and whether it is right."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from eingrad.check import Verdict
from eingrad.errors import EingradError
from eingrad.papers.claim_in_context import Read, UnresolvedError, in_context
from eingrad.papers.equations import EQUALS, EquationRow, is_shape_arithmetic, rows_of
from eingrad.papers.heads import Head, head_of, is_derivative, joined_names, letters_in
from eingrad.papers.judged_formula import JudgedFormula
from eingrad.papers.macros import Macro, expand, split_macros
from eingrad.papers.passages import Document
from eingrad.papers.prose import Facts
from eingrad.papers.scope import Scope, Stated, reason_of

EQUALITIES = EQUALS | {":=", "="}
_SCHEMA = re.compile(r"\\(?:text|operatorname|mathrm)\*?\s*\{\s*prod\s*\}|^\\prod\s*\\left\(")
_DOTS = re.compile(r"\\[lcvd]?dots|\\cdots|\.\.\.")
_SIGMA = re.compile(r"\\sigma\s*(?:\\left)?\s*[(\[]|\\sigma\s*\{?\(")
_LOGISTIC = re.compile(r"sigmoid|logistic", re.IGNORECASE)
_ONE_LETTER = re.compile(
    r"the label (\w)\w* would stand for two dimensions of the model, \1\d* and \1\d*\b"
)  # the text has one letter for both, and so means that they are one
Progress = Callable[[int, int], None]


def unseen(done: int, of: int) -> None:
    """Tell nobody how far a judgement is."""


@dataclass(frozen=True)
class PlacedRow:
    """A row of a formula where it stands in the document."""

    row: EquationRow
    section: tuple[int, ...]
    display: bool
    order: int


def judge(document: Document, progress: Progress = unseen) -> list[JudgedFormula]:
    """Judge every formula of a document; nothing that cannot be read stops it."""
    lines, facts = _lines(document)
    judge = Judge(document, lines, facts)
    found: list[JudgedFormula] = []
    for k, line in enumerate(lines):
        progress(k, len(lines))
        found += judge.line(line)
    progress(len(lines), len(lines))
    return _identified(found)


def _lines(document: Document) -> tuple[list[PlacedRow], Facts]:
    """Return the rows of all formulas, with the macros of the document put in place."""
    macros: dict[str, Macro] = dict(document.macros)
    facts = Facts()
    path: list[tuple[int, int]] = []
    lines: list[PlacedRow] = []
    last: EquationRow | None = None
    for k, passage in enumerate(document.passages):
        if passage.kind == "heading":
            path = [(level, n) for level, n in path if level < passage.level]
            path.append((passage.level, k))
            last = None
        facts.note(passage)
        if passage.kind != "math":
            continue
        text, own = split_macros(passage.text)
        macros |= own
        for row in rows_of(expand(text, macros), passage.line):
            if row.goes_on and last is not None:
                row = replace(row, sides=(last.sides[0], *row.sides[1:]))
            if passage.display or len(row.sides) > 1:
                lines.append(PlacedRow(row, tuple(n for _, n in path), passage.display, len(lines)))
            if passage.display and len(row.sides) > 1:
                last = row
    return lines, facts


def _identified(found: list[JudgedFormula]) -> list[JudgedFormula]:
    """Give each formula an id that stays the same while its text does."""
    seen: dict[str, int] = {}
    result = []
    for formula in found:
        bare = re.sub(r"\s+", "", formula.formula)
        key = hashlib.sha256(bare.encode()).hexdigest()[:8]
        seen[key] = seen.get(key, 0) + 1
        result.append(replace(formula, id=key if seen[key] == 1 else f"{key}-{seen[key]}"))
    return result


class Judge:
    """Goes through a document, formula by formula, and remembers what it defines."""

    def __init__(self, document: Document, lines: list[PlacedRow], facts: Facts) -> None:
        self.skipped, self.facts = document.skipped, facts
        self.scope = Scope()
        heads = [h for line in lines for side in line.row.sides if (h := head_of(side.text))]
        self.joined = joined_names(heads)
        self.arguments: dict[str, frozenset[str]] = {}
        whole = " ".join(p.text for p in document.passages)
        self.logistic = _LOGISTIC.search(whole) is not None or bool(
            re.search(r"\{1\}\s*\{\s*1\s*\+\s*(e\s*\^|\\exp)", whole)
        )

    def line(self, line: PlacedRow) -> Iterator[JudgedFormula]:
        """Yield what a row says, one formula for each equality."""
        row = line.row
        sides = row.sides
        if len(sides) < 2:
            yield self.other(line, sides[0].text, "it is no statement: it has no =")
            return
        first = sides[1].mark
        if first not in EQUALITIES or not sides[0].text:
            if line.display or first not in {r"\in", r"\to", r"\mapsto", r"\sim"}:
                reason = "nothing stands before =" if first in EQUALITIES else f"{first} is no ="
                yield self.other(line, row.source, reason)
            return
        ends = (k for k, s in enumerate(sides[1:], 1) if s.mark not in EQUALITIES)
        count = next(ends, len(sides))
        if self._is_range(line):
            return
        name = self.defines(sides[0].text)
        if name is not None:
            yield from self.symbol(line, name, [s.text for s in sides[1:count]], first == ":=")
        else:
            yield from self.claims(line, sides[0].text, [s.text for s in sides[1:count]])

    def _is_range(self, line: PlacedRow) -> bool:
        r"""Whether an inline formula says what a letter runs over: ``i = 1, \ldots, n``."""
        left, right = line.row.sides[0].text, line.row.sides[1].text
        return not line.display and len(left) == 1 and bool(_DOTS.search(right))

    def other(self, line: PlacedRow, text: str, reason: str) -> JudgedFormula:
        """Return a formula that says nothing that could be judged."""
        return JudgedFormula(line.row.line, text, "other", "not judged", reason)

    def defines(self, left: str) -> str | None:
        """Return the name that a left side may define, None where it is a formula."""
        head = None if is_derivative(left) else head_of(left)
        return None if head is None else self.name(head)

    def name(self, head: Head) -> str:
        """Return a tensor's name, with the subscript that belongs to it."""
        entry = self.joined.get((head.name, len(head.entries))) if head.apart else None
        return head.name if entry is None else f"{head.name}_{entry}"

    def symbol(
        self, line: PlacedRow, name: str, sides: list[str], defines: bool
    ) -> Iterator[JudgedFormula]:
        """Yield what an equation for a name says: it defines it, or states it once more."""
        left = line.row.sides[0].text
        before = None if defines else self.scope.nearest(name)
        if before is not None:
            found = [self.equality(line, left, side) for side in sides]
            if all(f.outcome == "right" for f in found):
                yield from found
                return
        k = next((k for k, side in enumerate(sides) if self.is_readable(left, side, line)), 0)
        yield self.defined(line, name, left, sides[k])
        for n, side in enumerate(sides):
            if n != k and not self.is_skipped(line):
                yield self.equality(line, left, side)

    def is_readable(self, left: str, side: str, line: PlacedRow) -> bool:
        """Whether a side can be read as a definition."""
        return self.unread(line, "", left, side) is None

    def unread(self, line: PlacedRow, name: str, left: str, side: str) -> str | None:
        """Return why a definition cannot be read, None where it can."""
        if is_derivative(side):
            return None
        built = self.scope.model([self.stated(line, name, left, side)])
        return next(iter(built.unread.values()), None)

    def stated(self, line: PlacedRow, name: str, left: str, side: str) -> Stated:
        """Return a definition as one line of LaTeX."""
        text = f"{left} = {side}"
        if line.row.condition:
            text += rf" \quad {line.row.condition}"
        letters = letters_in(f"{left} {side}")
        digest = int.from_bytes(hashlib.sha256(text.encode()).digest()[:6])
        order = line.order if name else digest
        through = is_derivative(side)
        return Stated(order, line.row.line, line.section, name, text, letters, through)

    def defined(self, line: PlacedRow, name: str, left: str, side: str) -> JudgedFormula:
        """Add a definition."""
        text = f"{left} = {side}"
        self.arguments.pop(name, None)
        head = head_of(side)
        if head is not None and head.arguments and "," in side.partition("(")[2]:
            self.arguments[name] = letters_in(side) - letters_in(head.name)
            reason = f"{name} is any function of its arguments"
            self.scope.forget(name)
            return JudgedFormula(line.row.line, text, "definition", "not judged", reason)
        if name == "delta" and r"\begin{cases}" in side:
            reason = "Kronecker's delta"
            return JudgedFormula(line.row.line, text, "definition", "not judged", reason)
        stated = self.stated(line, name, left, side)
        self.scope.define(stated)
        if stated.derivative:
            return JudgedFormula(line.row.line, text, "definition", "not judged", "")
        reason = next(iter(self.scope.model([stated]).unread.values()), "")
        return JudgedFormula(line.row.line, text, "definition", "not judged", reason)

    def is_skipped(self, line: PlacedRow) -> bool:
        """Whether the document asks to leave a formula out."""
        return line.row.line in self.skipped

    def claims(self, line: PlacedRow, left: str, sides: list[str]) -> Iterator[JudgedFormula]:
        """Yield the verdicts on the equalities of a chain."""
        if all(_SCHEMA.search(side) for side in sides):
            yield self.other(line, line.row.source, "a schema: prod stands for any product")
            return
        for side in sides:
            if is_shape_arithmetic(side):
                continue
            if _SCHEMA.search(side):
                yield self.other(line, f"{left} = {side}", "prod stands for any product")
                continue
            yield self.equality(line, left, side)

    # --- one equality ---

    def equality(self, line: PlacedRow, left: str, side: str) -> JudgedFormula:
        """Judge one equality."""
        text = f"{left} = {side}"
        if line.row.condition:
            text += rf" \quad {line.row.condition}"
        blank = JudgedFormula(line.row.line, text, "claim", "not judged", "")
        if self.is_skipped(line):
            return replace(blank, reason="skipped, as the document asks")
        found = [self.attempt(line, text, own=False)]
        if found[0].outcome != "right" and line.section:
            found.append(self.attempt(line, text, own=True))
        order = ["right", "right if", "wrong", "not judged"]
        best = min(found, key=lambda f: order.index(f.outcome))
        if best.outcome == "wrong" and _SIGMA.search(text) and not self.logistic:
            reason = "sigma is read as the logistic function, which the text does not say"
            return replace(blank, reason=reason)
        return replace(blank, outcome=best.outcome, reason=best.reason, repaired=best.repaired)

    def attempt(self, line: PlacedRow, text: str, own: bool) -> JudgedFormula:
        """Judge an equality by the definitions before it, or by those of its section alone."""
        blank = JudgedFormula(line.row.line, text, "claim", "not judged", "")
        reason = ""
        for whole in (False, True):
            try:
                return self.verdict(blank, line, text, own, whole)
            except UnresolvedError as error:
                reason = reason_of(error)
            except EingradError as error:
                return replace(blank, reason=reason or reason_of(error))
        return replace(blank, reason=reason)

    def verdict(
        self, blank: JudgedFormula, line: PlacedRow, text: str, own: bool, whole: bool
    ) -> JudgedFormula:
        """Judge an equality; raises EingradError where it cannot be."""
        stated = self.scope.visible(letters_in(text), line.section, own, whole)
        built = self.scope.model(stated)
        through = [s.text for s in stated if s.derivative]
        read = in_context("\n".join([*through, text]), built, self.arguments)
        return self.outcome(blank, read, read.judged())

    def outcome(self, blank: JudgedFormula, read: Read, verdicts: list[Verdict]) -> JudgedFormula:
        """Return what verdicts say, where everything that they speak of is defined."""
        order = ["right", "right if", "not judged", "wrong"]
        worst = max(verdicts, key=lambda v: order.index(v.outcome))
        if worst.outcome == "wrong" and _ONE_LETTER.search(worst.reason):
            return replace(blank, reason=worst.reason)
        if worst.outcome != "right" and (loss := read.unfounded()) is not None:
            return replace(blank, reason=f"nothing before says what {loss} is")
        if worst.outcome == "wrong" and read.unknown:
            names = ", ".join(s.name for s in read.unknown)
            return replace(blank, reason=f"nothing before says what {names} is")
        reason = read.readable(worst.reason)
        if worst.outcome in {"right", "not judged"}:
            return replace(blank, outcome=worst.outcome, reason=reason)
        if worst.assumption is not None and (lines := self.facts.lines_for(worst.assumption)):
            reason = reason.partition(", which the model")[0] + f", as line {lines[0]} says"
        repaired = read.readable(worst.fixed or worst.correct)
        return replace(blank, outcome=worst.outcome, reason=reason, repaired=repaired)
