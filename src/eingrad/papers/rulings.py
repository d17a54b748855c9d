"""One equality of a document: its verdict, and what the document leaves open about it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from eingrad.check.decide import CONDITION
from eingrad.check.verdict import OF_INPUTS
from eingrad.papers.any_activation import speaks_of_sigma, speaks_of_slope
from eingrad.papers.applied_names import with_examples
from eingrad.papers.chains import chain_rule
from eingrad.papers.defined_names import DefinedNames, IndexSlip
from eingrad.papers.equalities import Doubt, Finding, WayToTake
from eingrad.papers.givens import Given, said
from eingrad.papers.gradient_entries import gradient_written_out
from eingrad.papers.heads import is_derivative, letters_in, letters_of_names
from eingrad.papers.judged_formula import JudgedFormula
from eingrad.papers.opaque_names import ways
from eingrad.papers.open_readings import reach
from eingrad.papers.placed_rows import PlacedRow
from eingrad.papers.prose import Facts
from eingrad.papers.rewording import derivative_of_formula
from eingrad.papers.rows_of_entries import joined, written_out
from eingrad.papers.scope import Stated, letters_of_name
from eingrad.papers.steps_between import Before, inner_steps, same

_DIFFERENTIAL = re.compile(
    r"(?:\\(?:mathbf|mathrm|text)\s*\{\s*d\s*\}|d)\s*(?:[A-Za-z]|\\[a-zA-Z]+)"
)
_FRACTION_OF = re.compile(r"\\[dt]?frac\s*\{\s*(?:\\partial|d)")
_TEMPORARY = r"\check{F}"  # stands for a formula of which a derivative is
_STATIONARY = "a condition: where a derivative is 0"
_ZERO = re.compile(r"(?:\\(?:mathbf|boldsymbol|bm|vec)\s*)?\{?\s*0\s*\}?")
_SCALAR_BY = re.compile(  # of a sum, or of a loss: a capital letter, one in script, or l
    r"\\[dt]?frac\s*\{\s*(?:\\partial|d)\s*\}|"
    r"(?:\\[dt]?frac\s*\{\s*(?:\\partial|d)|\\nabla(?![A-Za-z])(?:\s*_\s*(?:\{[^{}]*\}|\\?\w+))?)\s*"
    r"(?:\\(?:mathcal|text|mathrm)\s*\{?\s*[A-Za-z ]+\}?|\\ell(?![a-z])|[A-Z])\s*"
    r"(?:\([^()]*\))?\s*(?:\}|\Z)"
)
_MISFIT = "do not fit together"
_UNREAD = "is not read"
_PARTIAL = re.compile(r"\\[dt]?frac\s*\{\s*\\partial\s*([^{}]+)\}\s*\{\s*\\partial\s*([^{}]+)\}\s*")
_MISSING = re.compile(r"nothing before says|does not depend on")
_LARGE = re.compile(r"(?<![\d.^_A-Za-z])(?<!\^\{)(?<!_\{)[1-9]\d+(?![\d.]|\s*\^)")
_ONE_LABEL = re.compile(r"_\s*(?:\{\s*([a-z])\s*\}|([a-z])(?![A-Za-z]))")


def _is_value(side: str) -> bool:
    """Whether a side is worked out with numbers: ``0.138 a_1``, ``0.5 - 0``."""
    return re.search(r"\d\.\d{2}", side) is not None or ("." in side and not letters_in(side))


def _labels_in(text: str) -> frozenset[str]:
    return frozenset(a or b for a, b in _ONE_LABEL.findall(text))


def _of_each(stated: Stated, labels: Mapping[str, str]) -> Stated:
    """Return a definition of one example as that of each."""
    fixed = stated.shape or stated.derivative
    text = None if fixed else with_examples(stated.text, labels)
    return stated if text is None else replace(stated, text=text)


class Rulings:
    """Judges the equalities of a document where they stand."""

    def __init__(self, names: DefinedNames, facts: Facts) -> None:
        self.names, self.overview, self.facts = names, names.overview, facts
        self.valued: set[str] = set()  # what has a number in an example
        self.asked: dict[tuple[int, str], tuple[str, str]] = {}  # the sides of what was judged
        self.confirmed: list[tuple[IndexSlip, int]] = []

    @property
    def vectors(self) -> frozenset[str]:
        """The letters that the document declares to be vectors or matrices."""
        declared = (s for s in self.names.scope.shapes if "^" in s.text.partition(r"\in")[2])
        return frozenset(x for s in declared for x in letters_of_name(s.name))

    def with_condition(self, line: PlacedRow, left: str, side: str) -> str:
        """Return an equality of a row with the row's condition."""
        condition = line.row.condition
        return f"{left} = {side}" + (rf" \quad {condition}" if condition else "")

    def judged(self, line: PlacedRow, text: str, doubt: Doubt | None = None) -> Finding:
        """Judge the text of an equality by what stands before its line."""
        reworded = self.names.reworded(text, line.section)
        return self.names.equalities.judge(reworded, line.section, doubt)

    def again(self, line: PlacedRow, formula: JudgedFormula) -> JudgedFormula:
        """Judge a formula once more with what is defined behind it, where that is missing."""
        sides = self.asked.get((line.order, formula.formula))
        if formula.judged or sides is None or not _MISSING.search(formula.reason):
            return formula
        whole = self.names.scope
        self.names.equalities.scope = whole.seen_from(line.order)
        if len(self.names.scope.stated) > sum(s.order <= line.order for s in whole.stated):
            judged = self.equality(line, *sides)
            formula = judged if judged.judged else formula
        self.names.equalities.scope = whole
        return formula

    def equality(
        self, line: PlacedRow, left: str, side: str, explained: bool = True
    ) -> JudgedFormula:
        """Judge one equality; its mistake is looked for if ``explained``."""
        text = self.with_condition(line, left, side)
        blank = JudgedFormula(line.row.line, text, "claim", "not judged", "")
        self.asked[line.order, text] = left, side
        if self.overview.is_skipped(line):
            return replace(blank, reason="skipped, as the document asks")
        if (entries := self.by_entries(line, left, side, explained)) is not None:
            return replace(entries, line=blank.line, formula=text)
        if reason := self.names.other_arguments(text) or self.overview.open.of(text):
            chain = self.of_any(line, left, side) or Finding("not judged", reason)
            return replace(blank, outcome=chain.outcome, reason=chain.reason, read=chain.read)
        doubt = partial(self.doubt, line, left, side) if explained else None
        found = self.found(line, left, side, doubt)
        if found.outcome == "right if" and side == "0" and is_derivative(left):
            return replace(blank, reason=_STATIONARY)
        if found.outcome in {"right", "right if"}:
            for stated in found.used:
                if (slip := self.names.slips.pop(stated.order, None)) is not None:
                    self.confirmed.append((slip, line.row.line))
        if found.outcome == "right if":
            found = self.against(line, text, found) or found
        if found.outcome in {"right", "right if"}:
            found = self.at_optimum(line, left, side, found) or found
        if self.overview.errors and re.search(r"\bdelta_", found.read):
            return replace(blank, reason="delta is an error of the text, and Kronecker's here")
        shown = found.outcome != "not judged" or not _DIFFERENTIAL.match(left)
        blank = replace(blank, read=self.names.written(found.read) if shown else "")
        if found.outcome == "wrong" or _UNREAD in found.reason:
            found = (
                self.of_case(line, text)
                or self.of_givens(line, text, found)
                or self.as_partial(line, left, text, found)
                or found
            )
            blank = replace(blank, read=blank.read or self.names.written(found.read))
        if found.outcome == "wrong" and (open_ := self.doubt(line, left, side, found.used)):
            return replace(blank, reason=open_)
        if found.outcome == "wrong" and not self.can_be_wrong(text, found.used):
            return replace(
                blank, reason="no derivative: a condition, or what is meant from here on"
            )
        if found.outcome == "wrong" and _DIFFERENTIAL.match(left):
            return replace(blank, reason="d before a name: a gradient or a differential")
        if found.outcome == "wrong" and self.takes_sigma(line, text, found.used):
            return replace(blank, reason="the text does not say which function sigma is")
        repaired = None if found.repaired is None else self.names.written(found.repaired)
        reason = self.names.written(found.reason)
        return replace(blank, outcome=found.outcome, reason=reason, repaired=repaired)

    def by_entries(
        self, line: PlacedRow, left: str, side: str, explained: bool
    ) -> JudgedFormula | None:
        r"""Judge a gradient or a Hessian of numbers that is written out, ``(2x, 4y)``, by
        its entries; at a point, ``\nabla f(1, 2) = (2, 8)``, it is right or is not judged."""
        reworded = self.names.reworded(f"{left} = {side}", line.section)
        system = self.names.equalities.system(reworded, line.section)
        found = written_out(left, side, system, self.names.applied, self.facts.givens.arguments)
        if found is None or line.row.condition:
            return None
        if not found.point:
            each = [self.equality(line, *entry, explained) for entry in found.claims]
            return joined(each)
        at = Given(line.place, line.row.line, line.section, found.point)
        texts = [" = ".join(entry) for entry in found.claims]
        if any(self.where(line, text, [at]).outcome != "right" for text in texts):
            return None
        return JudgedFormula(line.row.line, "", "claim", "right", f"at {said([at])}", read="")

    def can_be_wrong(self, text: str, used: Sequence[Stated]) -> bool:
        """Whether an equality speaks of a derivative, or of what is defined as one, or says a
        definition in other words, with the letters of that.

        What an author sets equal else is a condition, a case or a new definition as often as a
        consequence of what stands before.
        """
        letters = letters_in(text)
        signals = (letters_of_name(s.name) for s in used if s.derivative)
        name = self.overview.defines(text.partition(" = ")[0])
        own = letters_of_names(text)
        again = any(s.name == name and letters_of_names(s.text) == own for s in used)
        return again or is_derivative(text) or any(signal <= letters for signal in signals)

    def found(self, line: PlacedRow, left: str, side: str, doubt: Doubt | None) -> Finding:
        """Return the best that is found about an equality in the ways in which it can be meant."""
        text = self.with_condition(line, left, side)
        found = self.judged(line, text, doubt)
        if found.outcome == "not judged":
            found = self.of_formula(line, left, side, doubt) or found
        own = with_examples(text, self.overview.examples)
        if found.outcome != "right" and own is not None:
            of_one = self.judged(line, own)
            found = of_one if of_one.outcome == "right" else found
        if found.outcome in {"wrong", "not judged"}:
            found = self.of_one_example(line, text, found) or found
        if doubt is not None and found.outcome == "not judged" and _MISFIT in found.reason:
            reworded = self.names.reworded(text, line.section)
            other = self.names.equalities.other_tensor(reworded, line.section, doubt)
            found = other or found
        if found.outcome == "not judged" and not found.used:
            found = self.of_any(line, left, side) or found
        return found

    def of_one_example(self, line: PlacedRow, text: str, found: Finding) -> Finding | None:
        r"""Judge an equality of all examples, ``x^{(i)}``, where definitions are those of one,
        ``z = w^T x + b``: what never carries the label, w and b, is one for all."""
        labels, whole = self.overview.examples, self.names.scope
        if not any(label in text.replace(" ", "") for label in labels.values()):
            return None
        stated = [_of_each(s, labels) for s in whole.stated]
        if stated == whole.stated:
            return None
        self.names.equalities.scope = whole.with_stated(stated)
        judged = self.judged(line, text)
        self.names.equalities.scope = whole
        if judged.outcome in {"right", "right if"}:
            return judged
        if found.outcome == "wrong" and judged.outcome == "not judged":
            return Finding("not judged", "definitions of one example beside a claim of all")
        return None

    def of_any(self, line: PlacedRow, left: str, side: str) -> Finding | None:
        """Return that an equality is a chain rule of any functions, which holds on a condition, or
        a gradient that is written out, which is its definition."""
        if entries := gradient_written_out(left, side):
            return Finding("right", "what it is by its definition, of any function", read=entries)
        chain = None if line.row.condition else chain_rule(left, side)
        if chain is not None:
            return Finding("right if", chain.condition, read=chain.read)
        return self.of_opaque(line, left, side)

    def of_opaque(self, line: PlacedRow, left: str, side: str) -> Finding | None:
        """Return that an equality holds whatever its names and functions of arguments are."""
        if line.row.condition:
            return None
        best = None
        for equation in ways(line.words(left), line.words(side), self.vectors):
            found = self.names.equalities.of_any_values(equation)
            if found is not None and found.outcome == "right":
                return found
            best = best or found
        return best

    def step(self, line: PlacedRow, left: str, before: Before, side: str) -> JudgedFormula | None:
        """Return that a side follows from the one that stands before it for the same left side,
        where that is itself judged, and not wrong: no verdict rests on what nothing judged."""
        known = before.outcome in {"right", "right if"}
        if not known or line.row.condition or same(before.side, side):
            return None
        found = self.followed(line, before.side, side)
        if found is None:
            return None
        text = f"{left} = {side}"
        more = found.reason.removeprefix("right if ") if found.outcome == "right if" else ""
        place = "the side before it" if before.line == line.row.line else f"line {before.line}"
        if before.outcome == "right":
            reason = (
                f"right if {more}: it follows from {place}" if more else f"follows from {place}"
            )
            return JudgedFormula(
                line.row.line, text, "claim", found.outcome, reason, read=found.read
            )
        reason = f"right if {place} is" + (f", and if {more}" if more else "")
        reason += ": it follows from that"
        return JudgedFormula(line.row.line, text, "claim", "right if", reason, read=found.read)

    def followed(self, line: PlacedRow, before: str, side: str) -> Finding | None:
        """Return that two sides are equal, or what they differ in is."""
        one = other = ""
        for one, other in inner_steps(before, side):
            if (found := self.of_any(line, one, other)) is not None:
                return found
        judged = self.equality(line, one, other, explained=False)
        if judged.outcome in {"right", "right if"}:
            return Finding(judged.outcome, judged.reason, read=judged.read)
        return None

    def of_formula(
        self, line: PlacedRow, left: str, side: str, doubt: Doubt | None
    ) -> Finding | None:
        """Judge a derivative of a formula by one of a name that it defines for a moment: so
        vectors and matrices are told apart as in a definition."""
        inner = derivative_of_formula(left)
        if inner is None or _TEMPORARY in f"{left} {side}":
            return None
        formula, by = inner
        own = self.names.stated(line, "temporary", _TEMPORARY, formula)
        if self.names.unread(line, "", _TEMPORARY, formula) is not None:
            return None
        self.names.scope.define(own)
        text = rf"\frac{{\partial {_TEMPORARY}}}{{\partial {by}}} = {side}"
        found = self.judged(line, text, doubt)
        self.names.scope.stated.remove(own)
        if found.outcome == "not judged":
            return None
        of = f"d[{self.names.shown(own).partition(' = ')[2]}]/"
        read, reason, repaired = (
            (x or "").replace("dFcheck/", of) for x in (found.read, found.reason, found.repaired)
        )
        return replace(found, read=read, reason=reason, repaired=repaired or None)

    def of_case(self, line: PlacedRow, text: str) -> Finding | None:
        r"""Return that an equality holds for equal labels, or for unequal ones, where the section
        speaks of such cases."""
        below = _labels_in(text)
        pairs = [pair for section, pair in self.overview.cases if section == line.section]
        for i, j in sorted(sorted(pair) for pair in pairs if pair <= below):
            for mark, case in ((r"\neq", f"{i} and {j} differ"), ("=", f"{i} = {j}")):
                other = self.judged(line, rf"{text} \quad {i} {mark} {j}")
                if other.outcome == "right" and not line.row.condition:
                    return replace(other, outcome="right if", reason=f"right if {case}")
        return None

    def of_givens(self, line: PlacedRow, text: str, found: Finding) -> Finding | None:
        """Return that an equality that seems wrong holds with the numbers, or in the case, that
        the text before it says; None if it does not hold there, either."""
        letters = letters_in(text).union(*(s.letters for s in found.used))
        direct = self.facts.givens.direct(line.place, letters)
        every = [
            g for g in self.facts.givens.before(line.place, line.section, letters)
            if g.case or g in direct or not g.names & letters_in(text.partition(" = ")[2])
        ]  # fmt: skip
        ways = [own for own in (direct, every) if own]
        for own in ways[:1] if direct == every else ways:
            judged = self.where(line, text, own)
            if judged.outcome in {"right", "right if"}:
                more = judged.reason.removeprefix("right if ") if judged.outcome != "right" else ""
                reason = f"right if {said(own)}" + (f", and {more}" if more else "")
                return replace(judged, outcome="right if", reason=reason)
            if own is direct and judged.outcome == "not judged":
                return replace(judged, reason=f"it is said where {said(own)}")
        numbers = (g for g in (*direct, *every) if g.names or g in direct)
        unread = [g.unreadable for g in numbers if g.unreadable]
        if unread and re.search(r"\d", text):
            return Finding("not judged", f"the numbers of {unread[0]} are not put in")
        return None

    def against(self, line: PlacedRow, text: str, found: Finding) -> Finding | None:
        """Return that an equality is wrong which holds under a condition, but not in the case of
        which the sentence speaks: ``for $x < 0$: dy/dx = 1``."""
        letters = letters_in(text).union(*(s.letters for s in found.used))
        cases = [g for g in self.facts.givens.direct(line.place, letters) if g.case]
        judged = self.where(line, text, cases) if cases else None
        if judged is None or judged.outcome != "wrong":
            return None
        return replace(found, outcome="wrong", reason=f"{found.reason}, and not if {said(cases)}")

    def as_partial(self, line: PlacedRow, left: str, text: str, found: Finding) -> Finding | None:
        r"""Return that an equality holds with what stands beside its variable held fixed: the
        ``\partial f / \partial x`` of f = x + y, where y follows x, too."""
        parts = _PARTIAL.fullmatch(left)
        name = None if parts is None else self.overview.defines(parts[1])
        own = next((s for s in found.used if s.name == name and not s.derivative), None)
        if parts is None or own is None:
            return None
        inside = letters_in(own.text.partition(" = ")[2])
        held = [s for s in found.used if letters_of_name(s.name) <= inside and s is not own
                and not (s.shape or s.derivative)]  # fmt: skip
        if not held or not letters_in(parts[2]) <= inside:
            return None
        way = WayToTake(hidden=frozenset(s.order for s in held))
        reworded = self.names.reworded(text, line.section)
        if self.names.equalities.judge(reworded, line.section, None, way).outcome != "right":
            return None
        fixed = " and ".join(f"{name} is held fixed" for name in {s.name: s for s in held})
        reason = f"right if {fixed}: as a total derivative, {found.reason}"
        return replace(found, outcome="right if", reason=reason)

    def at_optimum(self, line: PlacedRow, left: str, side: str, found: Finding) -> Finding | None:
        """Return that an equality holds where its variable is what the text says of it, and not
        as a derivative: ``df/dx = 5 (x - m)`` where x = m, the place of the minimum."""
        if not found.by:
            return None
        reworded = self.names.reworded(self.with_condition(line, left, side), line.section)
        way = WayToTake(hidden=frozenset(s.order for s in found.by))
        doubt = partial(self.doubt, line, left, side)
        judged = self.names.equalities.judge(reworded, line.section, doubt, way)
        if judged.outcome != "wrong":
            return None
        twice = self.judged(line, rf"{left} = 2 \left({side}\right)", doubt)
        if twice.outcome in {"right", "right if"}:
            return judged  # both sides vanish there, whatever stands before them
        where = " and ".join(f"{s.name} is what line {s.line} says" for s in found.by)
        return replace(found, outcome="right if", reason=f"right if {where}")

    def where(self, line: PlacedRow, text: str, givens: Sequence[Given]) -> Finding:
        """Judge an equality where names have the numbers, and in the cases, that a text says."""
        numbers = (f"{name} = {x}" for g in givens for name, x in g.numbers)
        cases = (rf" \quad {x}" for g in givens for x in g.conditions)
        reworded = self.names.reworded(text + "".join(cases), line.section)
        own = tuple(self.names.reworded(x, line.section) for x in numbers)
        held = {self.overview.defines(g.held) for g in givens if g.held}
        hidden = frozenset(s.order for s in self.names.scope.stated if s.name in held)
        way = WayToTake(hidden=hidden, numbers=own)
        return self.names.equalities.judge(reworded, line.section, None, way)

    def takes_sigma(self, line: PlacedRow, text: str, used: Sequence[Stated]) -> bool:
        """Whether an equality that seems wrong may say what an unknown sigma is."""
        text = self.names.reworded(text, line.section)
        if self.overview.logistic or speaks_of_slope(text.partition(" = ")[2]):
            return False
        name = self.names.equalities.any_sigma
        return speaks_of_sigma(text) or any(
            speaks_of_sigma(s.text) or (name and f"{name}(" in s.text.replace(r"\left", ""))
            for s in used
        )

    def doubt(self, line: PlacedRow, left: str, side: str, used: Sequence[Stated]) -> str:
        """Say what the document leaves open about an equality that seems wrong, "" for nothing."""
        if example := self.example(left, side, used):
            return example
        text = f"{left} = {side}"
        if unclear := reach(text):
            return unclear
        if len(_FRACTION_OF.findall(left)) > 1 and r"\sum" not in left:
            return "a product of derivatives on the left side: summed, or one of several terms"
        known, others = _labels_in(left), _labels_in(side)
        for section, pair in self.overview.cases:
            if section == line.section and len(pair & known) == 1 and pair <= known | others:
                return f"{' or '.join(sorted(pair))}: the text has cases in which they are one"
        for one in used:
            if one.order > line.order and one.section != line.section:
                return f"{one.name} is defined behind it, in another section, on line {one.line}"
            if one.known_by and one.known_by not in left:
                return f"{one.name} is known by its derivative by {one.known_by} alone"
            rival = self.names.equalities.rival(one, line.section)
            if rival is not None:
                lines = f"{min(one.line, rival.line)} and {max(one.line, rival.line)}"
                return f"{one.name} is defined in two ways, on lines {lines}"
        letters = letters_in(text).union(*(s.letters for s in used))
        for matrix in sorted(x for x in letters_in(text) if x.isupper()):
            entry = matrix.lower()
            ranks = self.overview.ranks
            if entry in letters and ranks.get(entry) == 2 and matrix not in ranks:
                return f"{matrix} may be the matrix of {entry}"
        if "mu" in letters and self.names.scope.nearest("mu") is None and self.overview.means:
            return "mu is a mean in the text, and no formula says of what"
        return ""

    def example(self, left: str, side: str, used: Sequence[Stated]) -> str:
        """Say that an equality which seems wrong holds somewhere only, "" where it does not."""
        text = " ".join([left, side, *(s.text for s in used if not s.shape)])
        valued = any(x.isdigit() for x in side.split()) and letters_in(text) & self.valued
        if _is_value(side) or _LARGE.search(text) or valued:
            return "a value at the numbers of an example"
        if side == "0" and is_derivative(left):
            return _STATIONARY
        solved = not letters_in(left) and not is_derivative(text)  # 0.5 = \sigma(z)
        return f"a condition: where something is {left}" if solved else ""

    def condition(
        self, line: PlacedRow, judged: JudgedFormula, left: str, side: str
    ) -> JudgedFormula:
        r"""Return what an identity says of what nothing defines: ``\sum_i t_i = 1``, a fact; and
        where a derivative is 0, which is to be solved."""
        solved = judged.reason in {_STATIONARY, f"it {CONDITION}"}
        solved |= judged.outcome == "not judged" and _SCALAR_BY.match(left) is not None
        if _ZERO.fullmatch(side) and solved and is_derivative(left):
            return line.other(judged.formula, _STATIONARY)
        letters = letters_in(f"{left} {side}")
        given = not any(letters_of_name(s.name) <= letters for s in self.names.scope.stated)
        plain = judged.outcome in {"right", "not judged"} and judged.reason != OF_INPUTS
        if plain or is_derivative(left + side) or not given:
            return judged
        self.facts.state(line.row.line, judged.formula, line.place)
        return line.other(judged.formula, "a condition on what nothing defines")
