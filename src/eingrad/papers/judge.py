"""A document -> what each of its formulas is, and whether it is right."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from eingrad.papers.defined_names import DefinedNames
from eingrad.papers.equations import EQUALS, Side, is_shape_arithmetic
from eingrad.papers.heads import head_of, is_derivative, letters_in
from eingrad.papers.judged_formula import JudgedFormula
from eingrad.papers.overview import Overview
from eingrad.papers.passages import Document
from eingrad.papers.placed_rows import INDEXED, PlacedRow, bared, is_bare, lines_of
from eingrad.papers.prose import Facts
from eingrad.papers.rewording import derivative_of_formula, differentiated
from eingrad.papers.rulings import Rulings
from eingrad.papers.scope import Stated, letters_of_name
from eingrad.papers.steps_between import Before, same

EQUALITIES = EQUALS | {":=", "="}
_PLAIN = re.compile(  # what speaks of no other model than the one that is defined
    r"(?:(?:and|by|chain|find|follow|follows|get|gives|have|hence|is|it|now|obtain|rule|so|that|the"
    r"|then|therefore|this|thus|using|we|which)\b[\s,:]*|[\s,:])*", re.IGNORECASE,
)  # fmt: skip
_SCHEMA = re.compile(r"\\(?:text|operatorname|mathrm)\*?\s*\{\s*prod\s*\}|^\\prod\s*\\left\(")
_GRADIENT = re.compile(r"\\(?:text|mathrm|operatorname)\*?\s*\{\s*[Gg]rad\w*\s*\}")
_BY = re.compile(
    r"\\[dt]?frac\s*\{[^{}]*\}\s*\{\s*(?:\\partial|d|\\mathrm\s*\{\s*d\s*\})(?:[^{}]|\{[^{}]*\})*\}"
)
_BEFORE, _AFTER = r"(?:^|(?<=[-+*(=]))", r"(?=$|[-+*/)]|\\cdot|\\eta|\\alpha)"  # stands alone
_STEP = re.compile(r"\s*\\Delta(?![A-Za-z])\s*[A-Za-z\\{]")
_RATE = re.compile(r"\s*-?\s*\\(?:eta|alpha|epsilon|gamma|lambda|mu|rho)(?![A-Za-z])")
_ABOVE = re.compile(r"\^\{?[(\[][^()\[\]]*[)\]]\}?")
_TRANSPOSE = re.compile(r"\\top|\^\s*\{?\s*T\b|\\intercal")
Progress = Callable[[int, int], None]


def unseen(done: int, of: int) -> None:
    """Tell nobody how far a judgement is."""


def judge(document: Document, progress: Progress = unseen) -> list[JudgedFormula]:
    """Judge every formula of a document; nothing that cannot be read stops it."""
    lines, facts = lines_of(document)
    judge = Judge(document, lines, facts)
    own: list[tuple[PlacedRow, JudgedFormula]] = []
    places: dict[int, int] = {}
    for k, line in enumerate(lines):
        progress(k, len(lines))
        for formula in judge.line_or_fault(line):
            own.append((line, formula))
            places[line.order] = len(own) - 1
    progress(len(lines), len(lines))
    found = [line.as_written(judge.rulings.again(line, formula)) for line, formula in own]
    for slip, line_number in judge.rulings.confirmed:
        place = places[slip.meant.order]
        found[place] = slip.corrected(found[place], line_number)
    return _identified(found)


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


def _grounded(sides: Sequence[Side]) -> Sequence[Side]:
    r"""Return a chain from its derivative on, where ``\text{grad}`` stands before it."""
    if len(sides) > 2 and _GRADIENT.match(sides[0].text) and is_derivative(sides[1].text):
        return sides[1:]
    return sides


def is_update(sides: Sequence[Side]) -> bool:
    r"""Whether a name gets a new value: ``w = w - \eta g``, ``w_{n+1} = w_n - \nabla C``; or by
    how much, ``\Delta w = -\eta g``."""
    left, right = sides[0].text, sides[1].text
    head = head_of(left)
    if _STEP.match(left) and _RATE.match(right):
        return True
    if head is not None and letters_of_name(head.name) <= letters_in(_BY.sub(" ", right)):
        by = [x for x in _BY.findall(right) if letters_of_name(head.name) <= letters_in(x)]
        if by or r"\nabla" in right:
            return True
    bare, inside = ("".join(text.split()) for text in (left, right))
    if "^" not in bare:  # L is not given a new value by a^{(L)}
        inside = _ABOVE.sub("", inside)
    return re.search(_BEFORE + re.escape(bare) + _AFTER, inside) is not None


def is_dependence(sides: Sequence[Side]) -> bool:
    r"""Whether a name is said to depend on others, ``L = L(\ldots, z_k, \ldots)``."""
    left, right = bared(sides[0].text), bared(sides[1].text)
    return right.startswith(f"{left}(") and "dots" in right


class Judge:
    """Goes through a document, formula by formula, and remembers what it defines."""

    def __init__(self, document: Document, lines: Sequence[PlacedRow], facts: Facts) -> None:
        self.overview, self.facts = Overview(document, lines), facts
        self.names = DefinedNames(self.overview, facts)
        self.rulings = Rulings(self.names, facts)
        self.chain: tuple[int, str, dict[str, str]] = (0, "", {})  # the last row's derivatives
        self.sides: dict[tuple[tuple[int, ...], str], Before] = {}  # what is said of a left side

    def line_or_fault(self, line: PlacedRow) -> Iterator[JudgedFormula]:
        """Yield what a row says; a mistake of this program's own in it stops no document."""
        try:
            yield from self.line(line)
        except Exception as error:
            reason = f"it is not read, by a mistake of eingrad's own ({type(error).__name__})"
            yield line.other(line.row.source, reason)

    def line(self, line: PlacedRow) -> Iterator[JudgedFormula]:
        """Yield what a row says, one formula for each equality."""
        row = line.row
        sides = row.sides
        if len(sides) < 2:
            yield line.other(sides[0].text, "it is no statement: it has no =")
            return
        first = sides[1].mark
        if row.only:
            yield line.other(row.source, f"it is said only of a case: {row.only}")
            return
        if first not in EQUALITIES or not sides[0].text:
            if line.display or first not in {r"\in", r"\to", r"\mapsto", r"\sim"}:
                reason = "nothing stands before =" if first in EQUALITIES else f"{first} is no ="
                yield line.other(row.source, reason)
            return
        ends = (k for k, s in enumerate(sides[1:], 1) if s.mark not in EQUALITIES)
        count = next(ends, len(sides))
        if self.overview.is_range(line):
            return
        if self.overview.is_example(line, sides[:count]):
            self.rulings.valued |= letters_in(sides[0].text)
            yield line.other(row.source, "a case, or a number of an example")
            return
        chain = _grounded(sides[:count])
        name = self.overview.defines(chain[0].text)
        if name is not None and is_dependence(chain):
            yield line.other(row.source, f"it says what {name} depends on")
        elif is_update(chain) and (name is not None or _STEP.match(chain[0].text)):
            of = name or chain[0].text.strip()
            yield line.other(row.source, f"a new value of {of}, which is no equation")
        elif name is not None and (k := self.new_function(chain)):
            given = [s.text for s in (*chain[1:k], *chain[k + 1 :])]
            yield from self.symbol(line, name, given, first == ":=")
            own = self.overview.defines(chain[k].text)
            assert own is not None
            yield self.names.defined(line, own, chain[k].text, chain[k + 1].text)
        elif name is not None and not self.names.is_known(name, chain):
            yield from self.symbol(line, name, [s.text for s in chain[1:]], first == ":=")
        elif (turned := self.names.turned(chain)) is not None:
            yield from self.symbol(line, turned, [chain[0].text], left=chain[1].text)
        elif (inside := self.names.logged(chain[0].text)) is not None:
            yield from self.logarithm(line, inside, [side.text for side in chain[1:]])
        else:
            yield from self.claims(line, chain)

    def new_function(self, chain: Sequence[Side]) -> int:
        """Return which side of ``y = f(x) = formula`` is a function that it defines, 0 for none."""
        for k, side in enumerate(chain[1:-1], 1):
            head, name = head_of(side.text), self.overview.defines(side.text)
            if head is not None and head.arguments and name is not None:
                return 0 if self.names.scope.nearest(name) is not None else k
        return 0

    def symbol(
        self, line: PlacedRow, name: str, sides: list[str], defines: bool = False, left: str = ""
    ) -> Iterator[JudgedFormula]:
        """Yield what an equation for a name says: it defines it, or states it once more."""
        left = left or line.row.sides[0].text
        defines = defines or self.names.is_of_others(name, left)
        before = None if defines else self.names.scope.nearest(name)
        if before is not None:
            found = [self.rulings.equality(line, left, side, explained=False) for side in sides]
            if all(f.outcome == "right" for f in found):
                yield from found
                self.names.restated(line, name, left, sides)
                return
            if (own := self.of_signal(line, before, left, sides)) is not None:
                yield from own
                return
        if INDEXED.fullmatch(line.row.source.replace(":=", "=")) is not None:
            yield line.other(line.row.source, "a shape")
            return
        left = self.names.with_argument_labels(line, left, sides)
        order = sorted(range(len(sides)), key=lambda n: bool(_TRANSPOSE.search(sides[n])))
        k = next((n for n in order if self.names.is_readable(left, sides[n], line)), 0)
        k = self.names.named_inside(line, sides, k)
        yield self.names.defined(line, name, left, sides[k])
        for n, side in enumerate(sides):
            if n != k and not self.overview.is_skipped(line):
                judged = self.rulings.equality(line, left, side)
                value = is_bare(sides[k]) or not letters_in(side)
                if value and judged.outcome != "right":
                    yield line.other(judged.formula, "a value of what nothing defines")
                else:
                    yield judged

    def of_signal(
        self, line: PlacedRow, before: Stated, left: str, sides: Sequence[str]
    ) -> list[JudgedFormula] | None:
        r"""Return the verdicts on formulas for what is defined as a derivative, ``\delta = p - y``
        after ``\delta = dL/dz``: it has its value by that; None where they are not judged."""
        one, _, _ = before.text.partition(" = ")
        other, _, _ = self.names.reworded(f"{left} = 0", line.section).partition(" = ")
        if not before.derivative or bared(one) != bared(other):
            return None
        found = [self.rulings.equality(line, left, side) for side in sides]
        outcomes = {f.outcome for f in found}
        plain = _PLAIN.fullmatch(self.facts.givens.lead(line.place)) is not None
        known = not any("'" in (f.repaired or "") for f in found)  # no slope of any function
        sure = plain and known and before.section == line.section
        return None if "not judged" in outcomes or ("wrong" in outcomes and not sure) else found

    def logarithm(self, line: PlacedRow, inside: str, sides: list[str]) -> Iterator[JudgedFormula]:
        r"""Yield the definition that ``\\log y = ...`` is, and what a chain says more of it."""
        left = line.row.sides[0].text
        name = self.overview.defines(inside)
        assert name is not None
        value = rf"\exp\left( {sides[0]} \right)"
        yield replace(self.names.defined(line, name, inside, value), formula=f"{left} = {sides[0]}")
        for side in sides[1:]:
            yield self.rulings.equality(line, left, side)

    def claims(self, line: PlacedRow, chain: Sequence[Side]) -> Iterator[JudgedFormula]:
        """Yield the verdicts on the equalities of a chain."""
        left, *sides = (side.text for side in chain)
        if all(_SCHEMA.search(side) for side in sides):
            yield line.other(line.row.source, "a schema: prod stands for any product")
            return
        before = left
        goes_on = self.chain[:2] == (line.order - 1, left)
        formulas = {**self.chain[2]} if goes_on else {}
        for mark, side in zip((s.mark for s in chain[1:]), sides, strict=True):
            if is_shape_arithmetic(side):
                continue
            name = self.overview.defines(side) if mark == ":=" else None
            if _SCHEMA.search(side):
                yield line.other(f"{left} = {side}", "prod stands for any product")
            elif name is not None and before is not left:
                yield self.names.defined(line, name, side, before)  # ... = y_j - t_j := e_j
            elif (new := self.new_name(line, side)) is not None and is_derivative(left):
                yield self.names.defined(line, new, side, left)  # dL/dC = \zeta_1
            else:
                judged = self.chained(line, left, side, formulas)
                if is_derivative(side):
                    formulas[side] = line.words(side)
                inner = differentiated(left, side) if judged.outcome == "not judged" else None
                of = None if inner is None else self.overview.defines(inner[0])
                if inner is not None and of:
                    kind = judged.kind if self.names.scope.nearest(of) else "definition"
                    stated = self.names.stated(line, of, *inner[:2])
                    self.names.scope.define(replace(stated, known_by=inner[2]))
                    reason = f"taken for the definition of {inner[0]}"
                    yield replace(judged, kind=kind, reason=reason)
                    self.sides[line.section, bared(left)] = Before(line.row.line, side, "right")
                else:
                    yield self.followed(line, judged, left, side)
                before = side
        self.chain = line.order, left, formulas

    def followed(
        self, line: PlacedRow, judged: JudgedFormula, left: str, side: str
    ) -> JudgedFormula:
        """Return what is found of a side, or of the step to it from what stands before it."""
        place = line.section, bared(left)
        before = self.sides.get(place)
        step = None
        if before is not None and not judged.judged and is_derivative(left + side):
            step = self.rulings.step(line, left, before, side)
        found = step or self.rulings.condition(line, judged, left, side)
        self.sides[place] = Before(line.row.line, side, found.outcome)
        return found

    def chained(
        self, line: PlacedRow, left: str, side: str, formulas: Mapping[str, str]
    ) -> JudgedFormula:
        """Judge a side of a chain by its left side; else by the derivatives of formulas that stand
        before it, which say by themselves what they are."""
        judged = self.rulings.equality(line, left, side)
        others = {} if judged.judged else {k: v for k, v in formulas.items() if not same(k, side)}
        for own, written in others.items():
            other = self.rulings.equality(line, own, side)
            sure = other.outcome != "wrong" or derivative_of_formula(own) is not None
            if other.judged and sure:
                return replace(other, formula=other.formula.replace(own, written))
        return judged

    def new_name(self, line: PlacedRow, side: str) -> str | None:
        """Return the name that a side is, where the document speaks of it for the first time.

        Its letter is new, too, or names other derivatives: ``\\zeta_2`` after ``\\zeta_1``.
        """
        letters = letters_in(side)
        name = self.overview.defines(side) if len(letters) == 1 else None
        if name is None or self.overview.first_lines.get(bared(side), 0) < line.row.line:
            return None
        if letters <= letters_in(line.row.sides[0].text):  # d(a^T x)/dx = a
            return None
        if any(letters <= s.letters and not s.derivative for s in self.names.scope.stated):
            return None  # spoken of before on the same line
        alike = [s for s in self.names.scope.stated if letters_of_name(s.name) == letters]
        new = self.overview.first_lines[min(letters)] >= line.row.line
        return name if new or (alike and all(s.derivative for s in alike)) else None
