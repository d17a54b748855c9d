"""A document -> what each of its formulas is, and whether it is right."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from eingrad.check.verdict import OF_INPUTS
from eingrad.notation.text import to_text
from eingrad.papers.any_activation import (
    free_name,
    is_logistic,
    speaks_of_sigma,
    speaks_of_slope,
    stated_with_any,
)
from eingrad.papers.applied_names import with_examples
from eingrad.papers.axes_of_names import AxesOfNames
from eingrad.papers.cases import only_labels
from eingrad.papers.equalities import Doubt, Equalities, Finding
from eingrad.papers.equations import EQUALS, Side, is_shape_arithmetic
from eingrad.papers.heads import Head, head_of, is_derivative, joined_names, letters_in
from eingrad.papers.judged_formula import JudgedFormula
from eingrad.papers.layer_names import moving_labels, range_of, speaks_of_entry, with_label
from eingrad.papers.layer_shapes import layer_shapes
from eingrad.papers.open_readings import OpenReadings
from eingrad.papers.passages import Document
from eingrad.papers.placed_rows import (
    INDEXED,
    PlacedRow,
    bared,
    examples_in,
    first_lines,
    is_bare,
    lines_of,
    shapes_in,
)
from eingrad.papers.prose import Facts
from eingrad.papers.rewording import (
    derivative_of_formula,
    differentiated,
    label_counts,
    reworded,
    with_rows,
)
from eingrad.papers.scan import pieces
from eingrad.papers.scope import Scope, Stated, is_axed, is_called, is_open, letters_of_name

EQUALITIES = EQUALS | {":=", "="}
_SCHEMA = re.compile(r"\\(?:text|operatorname|mathrm)\*?\s*\{\s*prod\s*\}|^\\prod\s*\\left\(")
_DOTS = re.compile(r"\\[lcvd]?dots|\\cdots|\.\.\.")
_DIFFERENTIAL = re.compile(
    r"(?:\\(?:mathbf|mathrm|text)\s*\{\s*d\s*\}|d)\s*(?:[A-Za-z]|\\[a-zA-Z]+)"
)
_SIGMA_TIMES = re.compile(r"\\sigma\s+(?=\(|\\left\s*\(|\\[bB]igg?l?\s*\()|\\sigma(?=\()")
_LOGGED = re.compile(
    r"\\(?:log|ln)(?![A-Za-z])\s*(?:\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}|(.*))\s*\Z", re.DOTALL
)
_GRADIENT = re.compile(r"\\(?:text|mathrm|operatorname)\*?\s*\{\s*[Gg]rad\w*\s*\}")
_TEMPORARY = r"\check{F}"  # stands for a formula of which a derivative is
_BY = re.compile(
    r"\\[dt]?frac\s*\{[^{}]*\}\s*\{\s*(?:\\partial|d|\\mathrm\s*\{\s*d\s*\})(?:[^{}]|\{[^{}]*\})*\}"
)
_BEFORE, _AFTER = r"(?:^|(?<=[-+*(=]))", r"(?=$|[-+*/)]|\\cdot|\\eta|\\alpha)"  # stands alone
_SHOWN = re.compile(r"\\pmb\{((?:[^{}]|\{[^{}]*\})*)\}")  # what is bold as the document shows
_APPLIED = re.compile(r"(\\?[A-Za-z]+)\s*(?:\\left\s*)?\((.*?)(?:\\right\s*)?\)", re.DOTALL)
_ABOVE = re.compile(r"\^\{?[(\[][^()\[\]]*[)\]]\}?")
_LAYER = re.compile(r"\^\s*\{\s*[(\[]\s*(\\?[A-Za-z]+)\s*(?:[-+]\s*\d\s*)?[)\]]")  # a^{(\ell)}
_PLACE = re.compile(r"\d+|\\?[A-Za-z]|\d+\s*,.*|[A-Za-z]\s*[+-]\s*\d")
_LEFT = r"\left"
_MISFIT = "do not fit together"
_SUM = re.compile(r"\\sum\s*(?:\\limits)?\s*_")
_BARE = re.compile(r"(?<![A-Za-z\\_{^])([a-z])(?![A-Za-z_'(}^=])")
_LABELLED = re.compile(r"(?<![A-Za-z\\_{^])([a-z])_(?:[a-z]|\{\s*[a-z](?:\s*,?\s*[a-z])*\s*\})")
_TRANSPOSE = re.compile(r"\\top|\^\s*\{?\s*T\b|\\intercal")
_ROWS = re.compile(r"\^\s*\{\s*(\w+)\s*\\times")
_LOOSE = re.compile(r"the label (\w) occurs once and does not stand on the left side")
_SUBSCRIPT = re.compile(r"_\s*(?:\{([^{}]*)\}|(\\?[A-Za-z]))")
_MISSING = re.compile(r"nothing before says|does not depend on")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:\s*,\s*000)*")
_WORKED = re.compile(r"(?:[\d.\s()]|\\(?:times|cdot)(?![a-z]))*\\(?:times|cdot)[\d.\s()\\a-z]*")
_INDICES = frozenset("ijkl")
_LARGE = re.compile(r"(?<![\d.^_A-Za-z])(?<!\^\{)(?<!_\{)[1-9]\d+(?![\d.]|\s*\^)")
_ONE_LABEL = re.compile(r"_\s*(?:\{\s*([a-z])\s*\}|([a-z])(?![A-Za-z]))")
_SAID_BY_ENTRY = re.compile(
    r"(\\otimes|\\circ|\\ast|\\star)(?![a-z])[^.\\]{0,40}?"
    r"(?:Hadamard|(?:element|entry|component)[-\s]?wise)", re.IGNORECASE,
)  # fmt: skip
_ERROR_ABOVE = re.compile(r"\\delta\s*(?:_\s*(?:\{[^{}]*\}|\w)\s*)?\^")
_MEAN = re.compile(r"\b(mean|average)\b", re.IGNORECASE)
Progress = Callable[[int, int], None]


def unseen(done: int, of: int) -> None:
    """Tell nobody how far a judgement is."""


@dataclass(frozen=True)
class IndexSlip:
    """A definition whose left side has a label that should be another, and what is meant."""

    label: str
    other: str
    meant: Stated

    def corrected(self, formula: JudgedFormula, line: int) -> JudgedFormula:
        """Return the definition as wrong, after a formula that holds with what is meant."""
        left = self.meant.text.partition(" = ")[0]
        reason = (
            f"{self.label} stands on the left side and is summed on the right, {self.other} stands "
            f"there alone: {left} is meant, as in line {line}"
        )
        return replace(formula, outcome="wrong", reason=reason, repaired=self.meant.text)


def judge(document: Document, progress: Progress = unseen) -> list[JudgedFormula]:
    """Judge every formula of a document; nothing that cannot be read stops it."""
    lines, facts = lines_of(document)
    judge = Judge(document, lines, facts)
    own: list[tuple[PlacedRow, JudgedFormula]] = []
    for k, line in enumerate(lines):
        progress(k, len(lines))
        for formula in judge.line(line):
            own.append((line, formula))
            judge.places[line.order] = len(own) - 1
    progress(len(lines), len(lines))
    found = [line.as_written(judge.again(line, formula)) for line, formula in own]
    for slip, line_number in judge.confirmed:
        place = judge.places[slip.meant.order]
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
    r"""Whether a name gets a new value: ``w = w - \eta g``, ``w_{n+1} = w_n - \nabla C``."""
    left, right = sides[0].text, sides[1].text
    head = head_of(left)
    if head is not None and letters_of_name(head.name) <= letters_in(_BY.sub(" ", right)):
        by = [x for x in _BY.findall(right) if letters_of_name(head.name) <= letters_in(x)]
        if by or r"\nabla" in right:
            return True
    bare, inside = ("".join(text.split()) for text in (left, right))
    if "^" not in bare:  # L is not given a new value by a^{(L)}
        inside = _ABOVE.sub("", inside)
    return re.search(_BEFORE + re.escape(bare) + _AFTER, inside) is not None


def _is_value(side: str) -> bool:
    """Whether a side is worked out with numbers: ``0.138 a_1``, ``0.5 - 0``."""
    return re.search(r"\d\.\d{2}", side) is not None or ("." in side and not letters_in(side))


def _below(text: str) -> str:
    """Return what stands in the subscripts of a formula."""
    return " ".join("".join(pair) for pair in _SUBSCRIPT.findall(text))


def _with_label(left: str, label: str, other: str) -> str:
    """Return a left side with one label for another in its subscript."""
    return _SUBSCRIPT.sub(lambda m: m[0].replace(label, other), left)


class Judge:
    """Goes through a document, formula by formula, and remembers what it defines."""

    def __init__(self, document: Document, lines: list[PlacedRow], facts: Facts) -> None:
        self.skipped = document.skipped
        own = [(x.row.line, x.section, [side.text for side in x.row.sides]) for x in lines]
        self.scope = Scope(AxesOfNames(own, document.passages))
        moving = moving_labels(line.row.source for line in lines)
        self.scope.shapes = [shape for line in lines for shape in shapes_in(line, moving.labels)]
        self.above = moving.above
        assert self.scope.axes is not None
        declared = {shape.name for shape in self.scope.shapes}
        self.scope.shapes += layer_shapes(lines, self.scope.axes, self.above, declared)
        heads = [h for line in lines for side in line.row.sides if (h := head_of(side.text))]
        self.joined = joined_names(heads)
        self.labelled = {
            (line.section, x) for line in lines for x in _LABELLED.findall(line.row.source)
        }
        self.marks = {(name, letter) for (name, _), letter in self.joined.items()}
        self.labels = {x for head in heads for x in head.entries}
        self.only_labels = only_labels(side.text for line in lines for side in line.row.sides)
        self.only_labels -= {
            line.row.sides[0].text for line in lines
            if len(line.row.sides) > 1 and re.search(r"[A-Za-z]\S* |\\", line.row.sides[1].text)
        }  # fmt: skip
        self.equalities = Equalities(self.scope, facts)
        self.facts = facts
        self.applied: dict[str, str] = {}
        self.first_lines = first_lines(lines)
        self.layers = {x for line in lines for x in _LAYER.findall(line.row.source)}
        self.ranks = label_counts([line.row.source for line in lines])
        self.examples = examples_in(lines)
        self.valued: set[str] = set()  # what has a number in an example
        self.apart: set[tuple[tuple[int, ...], frozenset[str]]] = set()  # labels that differ
        self.places: dict[int, int] = {}
        self.asked: dict[tuple[int, str], tuple[str, str]] = {}  # the sides of what was judged
        self.slips: dict[int, IndexSlip] = {}
        self.confirmed: list[tuple[IndexSlip, int]] = []
        whole = " ".join(p.text for p in document.passages)
        self.open = OpenReadings([[side.text for side in line.row.sides] for line in lines], whole)
        self.means = _MEAN.search(whole) is not None
        self.by_entry = _SAID_BY_ENTRY.findall(whole)
        self.errors = any(_ERROR_ABOVE.search(side.text) for x in lines for side in x.row.sides)
        self.logistic = is_logistic(document.passages)
        if not self.logistic:
            self.equalities.any_sigma = free_name(document.passages)

    def line(self, line: PlacedRow) -> Iterator[JudgedFormula]:
        """Yield what a row says, one formula for each equality."""
        row = line.row
        sides = row.sides
        if len(sides) < 2:
            yield self.other(line, sides[0].text, "it is no statement: it has no =")
            return
        if row.only:
            yield self.other(line, row.source, f"it is said only of a case: {row.only}")
            return
        first = sides[1].mark
        if first in {r"\ne", r"\neq"}:
            self.apart.add((line.section, frozenset({sides[0].text, sides[1].text})))
        if first not in EQUALITIES or not sides[0].text:
            if line.display or first not in {r"\in", r"\to", r"\mapsto", r"\sim"}:
                reason = "nothing stands before =" if first in EQUALITIES else f"{first} is no ="
                yield self.other(line, row.source, reason)
            return
        ends = (k for k, s in enumerate(sides[1:], 1) if s.mark not in EQUALITIES)
        count = next(ends, len(sides))
        if self._is_range(line):
            return
        if self._is_example(line, sides[:count]):
            self.valued |= letters_in(sides[0].text)
            yield self.other(line, row.source, "a case, or a number of an example")
            return
        chain = _grounded(sides[:count])
        name = self.defines(chain[0].text)
        if name is not None and is_update(chain):
            yield self.other(line, row.source, f"a new value of {name}, which is no equation")
        elif name is not None and not self.is_known(name, chain):
            yield from self.symbol(line, name, [s.text for s in chain[1:]], first == ":=")
        elif (turned := self.turned(chain)) is not None:
            yield from self.symbol(line, turned, [chain[0].text], left=chain[1].text)
        elif (inside := self.logged(chain[0].text)) is not None:
            yield from self.logarithm(line, inside, [side.text for side in chain[1:]])
        else:
            yield from self.claims(line, chain)

    def _is_range(self, line: PlacedRow) -> bool:
        r"""Whether an inline formula says what a letter runs over: ``i = 1, \ldots, n``."""
        left, *others = (side.text for side in line.row.sides)
        places = all(_PLACE.fullmatch(x) for x in others)
        dots = bool(_DOTS.search(others[0]))
        letter = len(left) == 1 or left in self.layers
        spoken = left in self.labels | self.layers
        return letter and not line.display and (dots or (places and spoken))

    def _is_example(self, line: PlacedRow, sides: Sequence[Side]) -> bool:
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
        worked = all(_WORKED.fullmatch(x) for x in others)
        worked |= bool(own and own.entries) and all(_NUMBER.fullmatch(x) for x in others)
        return worked or (not line.display and all(_NUMBER.fullmatch(x) for x in others))

    def other(self, line: PlacedRow, text: str, reason: str) -> JudgedFormula:
        """Return a formula that says nothing that could be judged."""
        return JudgedFormula(line.row.line, text, "other", "not judged", reason)

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

    def is_known(self, name: str, chain: Sequence[Side]) -> bool:
        r"""Whether a left side is defined before: an entry, ``\delta^L``, ``z^{l+1}``, or
        a derivative that goes through its own entries, ``\delta^l = ... \delta^{l+1}``."""
        head, before = head_of(chain[0].text), self.scope.nearest(name)
        if head is None or before is None:
            return False
        own = any(letters_of_name(name) <= letters_in(side.text) for side in chain[1:])
        return speaks_of_entry(head.name, self.above) or (before.derivative and own)

    def turned(self, sides: Sequence[Side]) -> str | None:
        """Return the name that ``A_{ij} x_j = y_i`` defines, None where it defines none."""
        if len(sides) != 2 or is_derivative(sides[0].text):
            return None
        name = self.defines(sides[1].text)
        letters = letters_in(sides[0].text)
        return None if name is None or letters_of_name(name) <= letters else name

    def logged(self, left: str) -> str | None:
        r"""Return y of ``\\log y`` where nothing defines it before, None of another left side."""
        found = _LOGGED.match(left)
        inside = "" if found is None else (found[1] or found[2]).strip()
        name = self.defines(inside) if inside else None
        return inside if name is not None and self.scope.nearest(name) is None else None

    def logarithm(self, line: PlacedRow, inside: str, sides: list[str]) -> Iterator[JudgedFormula]:
        r"""Yield the definition that ``\\log y = ...`` is, and what a chain says more of it."""
        left = line.row.sides[0].text
        name = self.defines(inside)
        assert name is not None
        value = rf"\exp\left( {sides[0]} \right)"
        yield replace(self.defined(line, name, inside, value), formula=f"{left} = {sides[0]}")
        for side in sides[1:]:
            yield self.equality(line, left, side)

    def symbol(
        self, line: PlacedRow, name: str, sides: list[str], defines: bool = False, left: str = ""
    ) -> Iterator[JudgedFormula]:
        """Yield what an equation for a name says: it defines it, or states it once more."""
        left = left or line.row.sides[0].text
        before = None if defines else self.scope.nearest(name)
        if before is not None:
            found = [self.equality(line, left, side, explained=False) for side in sides]
            if all(f.outcome == "right" for f in found):
                yield from found
                self.restated(line, name, left, sides)
                return
        if INDEXED.fullmatch(line.row.source.replace(":=", "=")) is not None:
            yield self.other(line, line.row.source, "a shape")
            return
        left = self.with_argument_labels(line, left, sides)
        order = sorted(range(len(sides)), key=lambda n: bool(_TRANSPOSE.search(sides[n])))
        k = next((n for n in order if self.is_readable(left, sides[n], line)), 0)
        k = self.named_inside(line, sides, k)
        yield self.defined(line, name, left, sides[k])
        for n, side in enumerate(sides):
            if n != k and not self.is_skipped(line):
                judged = self.equality(line, left, side)
                value = is_bare(sides[k]) or not letters_in(side)
                if value and judged.outcome != "right":
                    yield self.other(line, judged.formula, "a value of what nothing defines")
                else:
                    yield judged

    def named_inside(self, line: PlacedRow, sides: Sequence[str], first: int) -> int:
        r"""Define z of ``a = \sigma(w x) = \sigma(z)``, and return which side says what a is."""
        for k, side in enumerate(sides):
            call = _APPLIED.fullmatch(side.strip())
            name = None if call is None else self.defines(call[2])
            if call is None or name is None or self.scope.nearest(name) is not None:
                continue
            for other in (_APPLIED.fullmatch(x.strip()) for n, x in enumerate(sides) if n != k):
                inner = "" if other is None or other[1] != call[1] else other[2]
                if head_of(inner) is None and inner and self.is_readable(call[2], inner, line):
                    self.scope.define(self.stated(line, name, call[2], inner))
                    return k
        return first

    def restated(self, line: PlacedRow, name: str, left: str, sides: Sequence[str]) -> None:
        """Let a definition that says the same by other names take the place of the one before."""
        side = next((side for side in sides if self.is_readable(left, side, line)), None)
        if side is None:
            return
        stated = self.stated(line, name, left, side)
        self.scope.define(stated)
        built = self.scope.model(self.scope.visible(stated.text, line.section, False, False))
        if built.unread:
            self.scope.stated.remove(stated)

    def with_argument_labels(self, line: PlacedRow, left: str, sides: Sequence[str]) -> str:
        r"""Return ``L_i`` for ``L(x_i, y_i)``, where the right side leaves i open."""
        head = head_of(left)
        if head is None or not head.arguments or head.entries:
            return left
        bare, _, arguments = left.partition("(")
        for side in sides:
            loose = _LOOSE.search(self.unread(line, "", left, side) or "")
            other = "" if loose is None else f"{bare.strip().removesuffix(_LEFT)}_{loose[1]}"
            spoken = loose and re.search(rf"(?<![a-z\\]){loose[1]}(?![a-z])", arguments)
            if spoken and self.is_readable(other, side, line):
                return other
        return left

    def is_readable(self, left: str, side: str, line: PlacedRow) -> bool:
        """Whether a side can be read as a definition."""
        return self.unread(line, "", left, side) is None

    def unread(self, line: PlacedRow, name: str, left: str, side: str) -> str | None:
        """Return why a definition cannot be read, None where it can."""
        if is_derivative(side):
            return None
        stated = self.stated(line, name, left, side)
        built = self.scope.model([*self.scope.shapes_for(stated.letters, line.section), stated])
        return next(iter(built.unread.values()), None)

    def reworded(self, text: str, section: tuple[int, ...]) -> str:
        """Return an equation as the reader takes it, vectors and matrices in bold."""
        for sign in self.by_entry:
            text = re.sub(re.escape(sign) + "(?![a-z])", r"\\odot", text)
        for base, letter in self.marks:  # h_a is a name where h_{a,h} is h_a with a label
            bare = (
                rf"(?<![A-Za-z\\]){re.escape(base)}_(?:{letter}(?![A-Za-z,])|\{{\s*{letter}\s*\}})"
            )
            text = re.sub(bare, rf"\\check{{{base}}}", text)
        if self.scope.nearest("sigma") is not None:  # a number, and no function
            text = _SIGMA_TIMES.sub(r"\\sigma \\cdot ", text)
        text = reworded(with_rows(text, self.ranks), self.rows_of)
        return text if self.scope.axes is None else self.scope.axes.typeset(text, section)

    def written(self, text: str) -> str:
        """Return what is said about an equation with the document's names: ``ha`` for h_a."""
        if name := self.equalities.any_sigma.removeprefix("\\"):
            text = re.sub(rf"\b{name}\b", "sigma", text)
        text = _SHOWN.sub(r"\1", text)
        for base, letter in self.marks:
            text = re.sub(rf"\b{re.escape(base)}check(?=_|\b)", base + letter, text)
        return text

    def rows_of(self, written: str) -> str | None:
        """Return the letter for the number of rows of a matrix whose shape is declared."""
        head = head_of(written)
        shapes = [s for s in self.scope.shapes if head is not None and s.name == head.name]
        found = _ROWS.search(shapes[0].text) if shapes else None
        return None if found is None else found[1]

    def stated(self, line: PlacedRow, name: str, left: str, side: str) -> Stated:
        """Return a definition as one line of LaTeX."""
        text, head = self.reworded(f"{left} = {side}", line.section), head_of(left)
        if line.row.condition:
            text += rf" \quad {line.row.condition}"
        elif (
            name
            and head
            and not is_derivative(side)
            and (layers := range_of(head.name, self.above))
        ):
            text += rf" \quad {layers}"
        letters = letters_in(f"{left} {side}")
        digest = int.from_bytes(hashlib.sha256(text.encode()).digest()[:6])
        order = line.order if name else digest
        through = is_derivative(side)
        rank = 0 if head is None else len(head.entries)
        stated = Stated(
            order, line.row.line, line.section, name, text, letters, through, rank=rank,
            refused=self.open.of(f"{left} = {side}")
            or self.other_arguments(f"\\, = {side}")
            or self.without_label(with_rows(side, self.ranks), line.section),
        )  # fmt: skip
        called = head is not None and head.arguments and name and not through
        return replace(stated, rank=self.read_rank(line, left, side)) if called else stated

    def read_rank(self, line: PlacedRow, left: str, side: str) -> int:
        """Return how many labels a definition has as it is read: ``L(x_i, y_i)`` has i."""
        stated = self.stated(line, "", left, side)
        built = self.scope.model([*self.scope.shapes_for(stated.letters, line.section), stated])
        names = [n for n, own in built.names.items() if own.order == stated.order]
        return len(built.system.labels[names[0]]) if built.system is not None and names else 0

    def defined(self, line: PlacedRow, name: str, left: str, side: str) -> JudgedFormula:
        """Add a definition."""
        text = f"{left} = {side}"
        self.equalities.arguments.pop(name, None)
        self.equalities.vague.discard(name)
        if "(" in left and (own := head_of(left)) is not None and own.arguments:
            self.applied[name] = bared(left)
        head = head_of(side)
        if head is not None and head.arguments and "," in side.partition("(")[2]:
            self.equalities.arguments[name] = letters_in(side) - letters_in(head.name)
            reason = f"{name} is any function of its arguments"
            self.scope.forget(name)
            return JudgedFormula(line.row.line, text, "definition", "not judged", reason)
        if name == "delta" and r"\begin{cases}" in side:
            reason = "Kronecker's delta"
            return JudgedFormula(line.row.line, text, "definition", "not judged", reason)
        stated = self.stated(line, name, left, side)
        reason = self.unread(line, "", left, side) or ""
        if reason and (slip := self.slip(line, name, left, side, reason)) is not None:
            stated = slip.meant
        elif reason and self.is_first(name, left) and not is_open(reason):
            self.equalities.arguments[name] = letters_in(side)  # any function of what it speaks of
            self.equalities.vague.add(name)
            self.scope.forget(name)
            return JudgedFormula(line.row.line, text, "definition", "not judged", reason)
        self.scope.define(stated)
        hidden = reason or self.open.is_inner(left, side)
        read = "" if hidden else self.written(self.shown(stated))
        return JudgedFormula(line.row.line, text, "definition", "not judged", reason, read=read)

    def shown(self, stated: Stated) -> str:
        """Return how a definition is read."""
        stated = stated_with_any(stated, self.equalities.any_sigma)
        if stated.derivative:
            return self.equalities.as_read(stated.text, stated.section)
        whole = self.scope.visible(stated.text, stated.section, False, False)
        built = self.scope.model([stated_with_any(s, self.equalities.any_sigma) for s in whole])
        unknown = [s for s in built.unread if s.order != stated.order]
        if any(s.order == stated.order and is_axed(why) for s, why in built.unread.items()):
            return ""
        if all(own.order != stated.order for own in built.names.values()):
            near = self.scope.shapes_for(stated.letters, stated.section)
            built = self.scope.model([*near, stated])
        if built.system is not None:
            numbers = [n for n, var in built.system.inputs.items() if not var.dims]
            if any(is_called(n, s.name) for n in numbers for s in unknown):
                return ""  # a number only since what defines it is not read
        written = (
            built.system.definitions[name].written
            for name, own in built.names.items() if own.order == stated.order and built.system
        )  # fmt: skip
        return "; ".join(to_text(x) for x in written if x is not None)

    def is_first(self, name: str, left: str) -> bool:
        """Whether a definition of a scalar is the first one of its name."""
        head = head_of(left)
        return head is not None and not head.entries and self.scope.nearest(name) is None

    def slip(
        self, line: PlacedRow, name: str, left: str, side: str, reason: str
    ) -> IndexSlip | None:
        """Return what a definition means in which a label on the left side is one for another.

        ``Z_{jk} = X_{ij} W_{jk}``: j is summed on the right side, and i is not. It is wrong once
        a later formula holds with what is meant.
        """
        loose = _LOOSE.search(reason)
        if loose is None:
            return None
        found = []
        for label in dict.fromkeys(x for x in _below(left) if x.isalpha()):
            other = _with_label(left, label, loose[1])
            if _below(side).count(label) > 1 and self.unread(line, "", other, side) is None:
                found.append((label, other))
        if len(found) != 1:
            return None
        [(label, other)] = found
        slip = IndexSlip(label, loose[1], self.stated(line, name, other, side))
        self.slips[slip.meant.order] = slip
        return slip

    def without_label(self, side: str, section: tuple[int, ...]) -> str:
        r"""Say what stands without labels under a sum, and has some elsewhere in its section."""
        begins = _SUM.search(side)
        if begins is None or r"\mathbf" in side or r"\top" in side:
            return ""
        summand = side[begins.start() :]
        ends = (p.place for p in pieces(summand) if p.text in {"+", "-"} and not p.depth)
        under = _SUBSCRIPT.sub("_", summand[: next(ends, len(summand))])
        found = (x for x in _BARE.findall(under) if x != "e")
        bare = next((x for x in found if (section, x) in self.labelled), "")
        return f"{bare} has labels elsewhere in the text, and none under this sum" if bare else ""

    def is_skipped(self, line: PlacedRow) -> bool:
        """Whether the document asks to leave a formula out."""
        return line.row.line in self.skipped

    def claims(self, line: PlacedRow, chain: Sequence[Side]) -> Iterator[JudgedFormula]:
        """Yield the verdicts on the equalities of a chain."""
        left, *sides = (side.text for side in chain)
        if all(_SCHEMA.search(side) for side in sides):
            yield self.other(line, line.row.source, "a schema: prod stands for any product")
            return
        before = left
        for mark, side in zip((s.mark for s in chain[1:]), sides, strict=True):
            if is_shape_arithmetic(side):
                continue
            name = self.defines(side) if mark == ":=" else None
            if _SCHEMA.search(side):
                yield self.other(line, f"{left} = {side}", "prod stands for any product")
            elif name is not None and before is not left:
                yield self.defined(line, name, side, before)  # ... = y_j - t_j := e_j
            elif (new := self.new_name(line, side)) is not None and is_derivative(left):
                yield self.defined(line, new, side, left)  # dL/dC = \zeta_1
            else:
                judged = self.equality(line, left, side)
                inner = differentiated(left, side) if judged.outcome == "not judged" else None
                if inner is not None and (of := self.defines(inner[0])) is not None:
                    self.scope.define(self.stated(line, of, *inner))
                    yield replace(judged, reason=f"taken for the definition of {inner[0]}")
                else:
                    yield self.condition(line, judged, left, side)
                before = side

    def new_name(self, line: PlacedRow, side: str) -> str | None:
        """Return the name that a side is, where the document speaks of it for the first time.

        Its letter is new, too, or names other derivatives: ``\\zeta_2`` after ``\\zeta_1``.
        """
        letters = letters_in(side)
        name = self.defines(side) if len(letters) == 1 else None
        if name is None or self.first_lines.get(bared(side), 0) < line.row.line:
            return None
        if letters <= letters_in(line.row.sides[0].text):  # d(a^T x)/dx = a
            return None
        if any(letters <= s.letters and not s.derivative for s in self.scope.stated):
            return None  # spoken of before on the same line
        alike = [s for s in self.scope.stated if letters_of_name(s.name) == letters]
        new = self.first_lines[min(letters)] >= line.row.line
        return name if new or (alike and all(s.derivative for s in alike)) else None

    def applied_elsewhere(self, text: str) -> str | None:
        r"""Return what a document defines with arguments, and an equation takes of others.

        With a subscript, ``h_\\theta(x)``, it is not known whether it is the function or a product.
        """
        whole, side = bared(text), bared(text.partition(" = ")[2])
        for name, own in self.applied.items():
            base = own.partition("(")[0]
            bare = whole if "_" in base else side
            for place in (m.end() for m in re.finditer(re.escape(base) + r"(?=\()", bare)):
                if "_" in base or not bare.startswith(own, place - len(base)):
                    return name
        return None

    def other_arguments(self, text: str) -> str:
        """Say which name is taken of other arguments than it is defined for, "" for none."""
        other = self.applied_elsewhere(text)
        return f"{other} is taken of other arguments than it is defined for" if other else ""

    def condition(
        self, line: PlacedRow, judged: JudgedFormula, left: str, side: str
    ) -> JudgedFormula:
        r"""Return what an identity says of what nothing defines: ``\sum_i t_i = 1``, a fact."""
        letters = letters_in(f"{left} {side}")
        given = not any(letters_of_name(s.name) <= letters for s in self.scope.stated)
        plain = judged.outcome in {"right", "not judged"} and judged.reason != OF_INPUTS
        if plain or is_derivative(left + side) or not given:
            return judged
        self.facts.state(line.row.line, judged.formula)
        return self.other(line, judged.formula, "a condition on what nothing defines")

    # --- one equality ---

    def again(self, line: PlacedRow, formula: JudgedFormula) -> JudgedFormula:
        """Judge a formula once more with what is defined behind it, where that is missing."""
        sides = self.asked.get((line.order, formula.formula))
        if formula.judged or sides is None or not _MISSING.search(formula.reason):
            return formula
        whole = self.scope
        self.scope = self.equalities.scope = whole.seen_from(line.order)
        if len(self.scope.stated) > sum(s.order <= line.order for s in whole.stated):
            judged = self.equality(line, *sides)
            formula = judged if judged.judged else formula
        self.scope = self.equalities.scope = whole
        return formula

    def equality(
        self, line: PlacedRow, left: str, side: str, explained: bool = True
    ) -> JudgedFormula:
        """Judge one equality; its mistake is looked for if ``explained``."""
        text = f"{left} = {side}"
        if line.row.condition:
            text += rf" \quad {line.row.condition}"
        blank = JudgedFormula(line.row.line, text, "claim", "not judged", "")
        self.asked[line.order, text] = left, side
        if self.is_skipped(line):
            return replace(blank, reason="skipped, as the document asks")
        if reason := self.other_arguments(text) or self.open.of(text):
            return replace(blank, reason=reason)
        doubt = partial(self.doubt, line, left, side) if explained else None
        found = self.equalities.judge(self.reworded(text, line.section), line.section, doubt)
        if found.outcome == "not judged":
            found = self.of_formula(line, left, side, doubt) or found
        if found.outcome != "right" and (own := with_examples(text, self.examples)) is not None:
            of_one = self.equalities.judge(self.reworded(own, line.section), line.section)
            found = of_one if of_one.outcome == "right" else found
        if explained and found.outcome == "not judged" and _MISFIT in found.reason:
            found = (
                self.equalities.other_tensor(self.reworded(text, line.section), line.section, doubt)
                or found
            )
        if found.outcome == "right if" and side == "0" and is_derivative(left):
            return replace(blank, reason="a condition: where a derivative is 0")
        if found.outcome in {"right", "right if"}:
            for stated in found.used:
                if (slip := self.slips.pop(stated.order, None)) is not None:
                    self.confirmed.append((slip, line.row.line))
        if self.errors and re.search(r"\bdelta_", found.read):
            return replace(blank, reason="delta is an error of the text, and Kronecker's here")
        shown = found.outcome != "not judged" or not _DIFFERENTIAL.match(left)
        blank = replace(blank, read=self.written(found.read) if shown else "")
        if found.outcome == "wrong":
            found = self.off_diagonal(line, left, text) or found
        if found.outcome == "wrong" and (open_ := self.doubt(line, left, side, found.used)):
            return replace(blank, reason=open_)
        if found.outcome == "wrong" and _DIFFERENTIAL.match(left):
            return replace(blank, reason="d before a name: a gradient or a differential")
        if found.outcome == "wrong" and self.takes_sigma(
            self.reworded(text, line.section), found.used
        ):
            return replace(blank, reason="the text does not say which function sigma is")
        repaired = None if found.repaired is None else self.written(found.repaired)
        reason = self.written(found.reason)
        return replace(blank, outcome=found.outcome, reason=reason, repaired=repaired)

    def of_formula(
        self, line: PlacedRow, left: str, side: str, doubt: Doubt | None
    ) -> Finding | None:
        """Judge a derivative of a formula by one of a name that it defines for a moment: so
        vectors and matrices are told apart as in a definition."""
        inner = derivative_of_formula(left)
        if inner is None or _TEMPORARY in f"{left} {side}":
            return None
        formula, by = inner
        own = self.stated(line, "temporary", _TEMPORARY, formula)
        if self.unread(line, "", _TEMPORARY, formula) is not None:
            return None
        self.scope.define(own)
        text = self.reworded(
            rf"\frac{{\partial {_TEMPORARY}}}{{\partial {by}}} = {side}", line.section
        )
        found = self.equalities.judge(text, line.section, doubt)
        self.scope.stated.remove(own)
        if found.outcome == "not judged":
            return None
        of = f"d[{self.shown(own).partition(' = ')[2]}]/"
        read, reason, repaired = (
            (x or "").replace("dFcheck/", of) for x in (found.read, found.reason, found.repaired)
        )
        return replace(found, read=read, reason=reason, repaired=repaired or None)

    def off_diagonal(self, line: PlacedRow, left: str, text: str) -> Finding | None:
        r"""Return that an equality holds for unequal labels, where the section speaks of such."""
        labels = frozenset(a or b for a, b in _ONE_LABEL.findall(left))
        if len(labels) != 2 or line.row.condition or (line.section, labels) not in self.apart:
            return None
        i, j = sorted(labels)
        other = self.equalities.judge(
            self.reworded(rf"{text} \quad {i} \neq {j}", line.section), line.section
        )
        if other.outcome != "right":
            return None
        return replace(other, outcome="right if", reason=f"right if {i} and {j} differ")

    def takes_sigma(self, text: str, used: Sequence[Stated]) -> bool:
        """Whether an equality that seems wrong may say what an unknown sigma is."""
        if self.logistic or speaks_of_slope(text.partition(" = ")[2]):
            return False
        name = self.equalities.any_sigma
        return speaks_of_sigma(text) or any(
            speaks_of_sigma(s.text) or (name and f"{name}(" in s.text.replace(r"\left", ""))
            for s in used
        )

    def example(self, left: str, side: str, used: Sequence[Stated]) -> str:
        """Say that an equality which seems wrong holds somewhere only, "" where it does not."""
        text = " ".join([left, side, *(s.text for s in used if not s.shape)])
        valued = any(x.isdigit() for x in side.split()) and letters_in(text) & self.valued
        if _is_value(side) or _LARGE.search(text) or valued:
            return "a value at the numbers of an example"
        return "a condition: where a derivative is 0" if side == "0" and is_derivative(left) else ""

    def doubt(self, line: PlacedRow, left: str, side: str, used: Sequence[Stated]) -> str:
        """Say what the document leaves open about an equality that seems wrong, "" for nothing."""
        if example := self.example(left, side, used):
            return example
        text = f"{left} = {side}"
        for one in used:
            if one.order > line.order and one.section != line.section:
                return f"{one.name} is defined behind it, in another section, on line {one.line}"
            rival = self.equalities.rival(one, line.section)
            if rival is not None:
                lines = f"{min(one.line, rival.line)} and {max(one.line, rival.line)}"
                return f"{one.name} is defined in two ways, on lines {lines}"
        letters = letters_in(text).union(*(s.letters for s in used))
        for matrix in sorted(x for x in letters_in(text) if x.isupper()):
            entry = matrix.lower()
            if entry in letters and self.ranks.get(entry) == 2 and matrix not in self.ranks:
                return f"{matrix} may be the matrix of {entry}"
        if "mu" in letters and self.scope.nearest("mu") is None and self.means:
            return "mu is a mean in the text, and no formula says of what"
        return ""
