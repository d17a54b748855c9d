"""The names that a document has defined so far, and how it defines them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from eingrad.notation.text import to_text
from eingrad.papers.any_activation import stated_with_any
from eingrad.papers.equalities import Equalities
from eingrad.papers.equations import Side
from eingrad.papers.heads import head_of, is_derivative, is_of_several, letters_in
from eingrad.papers.judged_formula import JudgedFormula
from eingrad.papers.layer_names import range_of, speaks_of_entry
from eingrad.papers.overview import Overview
from eingrad.papers.placed_rows import PlacedRow, bared
from eingrad.papers.prose import Facts
from eingrad.papers.rewording import reworded, with_rows
from eingrad.papers.scan import pieces
from eingrad.papers.scope import Scope, Stated, is_axed, is_called, is_open, letters_of_name

_SIGMA_TIMES = re.compile(r"\\sigma\s+(?=\(|\\left\s*\(|\\[bB]igg?l?\s*\()|\\sigma(?=\()")
_LOGGED = re.compile(
    r"\\(?:log|ln)(?![A-Za-z])\s*(?:\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}|(.*))\s*\Z", re.DOTALL
)
_SHOWN = re.compile(r"\\pmb\{((?:[^{}]|\{[^{}]*\})*)\}")  # what is bold as the document shows
_APPLIED = re.compile(r"(\\?[A-Za-z]+)\s*(?:\\left\s*)?\((.*?)(?:\\right\s*)?\)", re.DOTALL)
_LEFT = r"\left"
_SUM = re.compile(r"\\sum\s*(?:\\limits)?\s*_")
_BARE = re.compile(r"(?<![A-Za-z\\_{^])([a-z])(?![A-Za-z_'(}^=])")
_ROWS = re.compile(r"\^\s*\{\s*(\w+)\s*\\times")
_LOOSE = re.compile(r"the label (\w) occurs once and does not stand on the left side")
_NOISE = re.compile(  # the last term of how data come about, \varepsilon_i of b x_i + \varepsilon_i
    r"\S\s*\+\s*\\(?:boldsymbol\s*\{\s*\\)?(?:var)?epsilon\s*\}?(?:_\s*(?:\w|\{[^{}]*\}))?(?:\([^()]*\))?"
    r"(?:\^\s*(?:\{\s*)?\(\w\)\s*\}?)?\s*(?:$|[,;.]|\\q?quad|\\sim)"
)
_ATTAINED = re.compile(r"\\arg(?![a-z])|arg\s*(?:\\[,;! ]\s*)?\\?(?:min|max)(?![a-z])")
_BEHIND = re.compile(r"[_^]\s*\{[^{}]*[A-Za-z]\s*[+-]\s*\d[^{}]*\}")  # z^{l+1}
_SUBSCRIPT = re.compile(r"_\s*(?:\{([^{}]*)\}|(\\?[A-Za-z]))")


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


def _below(text: str) -> str:
    """Return what stands in the subscripts of a formula."""
    return " ".join("".join(pair) for pair in _SUBSCRIPT.findall(text))


def _with_label(left: str, label: str, other: str) -> str:
    """Return a left side with one label for another in its subscript."""
    return _SUBSCRIPT.sub(lambda m: m[0].replace(label, other), left)


class DefinedNames:
    """What a document has defined so far."""

    def __init__(self, overview: Overview, facts: Facts) -> None:
        self.overview = overview
        scope = Scope(overview.axes)
        scope.shapes = overview.shapes
        self.equalities = Equalities(scope, facts)
        self.equalities.any_sigma = overview.any_sigma
        self.applied: dict[str, str] = {}
        self.slips: dict[int, IndexSlip] = {}

    @property
    def scope(self) -> Scope:
        """The definitions so far."""
        return self.equalities.scope

    def is_known(self, name: str, chain: Sequence[Side]) -> bool:
        r"""Whether a left side is defined before: an entry, ``\delta^L``, ``z^{l+1}``, or
        a derivative that goes through its own entries, ``\delta^l = ... \delta^{l+1}``."""
        head, before = head_of(chain[0].text), self.scope.nearest(name)
        if head is None or before is None:
            return False
        own = any(letters_of_name(name) <= letters_in(side.text) for side in chain[1:])
        return speaks_of_entry(head.name, self.overview.above) or (before.derivative and own)

    def turned(self, sides: Sequence[Side]) -> str | None:
        """Return the name that ``A_{ij} x_j = y_i`` defines, None where it defines none."""
        if len(sides) != 2 or is_derivative(sides[0].text):
            return None
        name = self.overview.defines(sides[1].text)
        known = letters_in(sides[0].text) | {"I"}  # W^T W = I: I is the identity
        return None if name is None or letters_of_name(name) <= known else name

    def logged(self, left: str) -> str | None:
        r"""Return y of ``\\log y`` where nothing defines it before, None of another left side."""
        found = _LOGGED.match(left)
        inside = "" if found is None else (found[1] or found[2]).strip()
        name = self.overview.defines(inside) if inside else None
        return inside if name is not None and self.scope.nearest(name) is None else None

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
        built = self.scope.model([*self.scope.shapes_for([stated], line.section), stated])
        return next(iter(built.unread.values()), None)

    def is_read_beside_others(self, stated: Stated) -> bool:
        r"""Whether a definition is clear by those before it: over what ``softmax(z)`` goes."""
        before = self.scope.visible(stated.text, stated.section, False, False)
        built = self.scope.model([*before, stated])
        return any(own.order == stated.order for own in built.names.values())

    def stated(self, line: PlacedRow, name: str, left: str, side: str) -> Stated:
        """Return a definition as one line of LaTeX."""
        text, head = self.reworded(f"{left} = {side}", line.section), head_of(left)
        if line.row.condition:
            text += rf" \quad {line.row.condition}"
        elif (
            name
            and head
            and not is_derivative(side)
            and (layers := range_of(head.name, self.overview.above))
        ):
            text += rf" \quad {layers}"
        letters = letters_in(f"{left} {side}")
        digest = int.from_bytes(hashlib.sha256(text.encode()).digest()[:6])
        order = line.order if name else digest
        through = is_derivative(side)
        rank = 0 if head is None else len(head.entries)
        stated = Stated(
            order, line.row.line, line.section, name, text, letters, through, rank=rank,
            refused=self.overview.open.of(f"{left} = {side}")
            or self.other_arguments(f"\\, = {side}")
            or self.without_label(with_rows(side, self.overview.ranks), line.section),
        )  # fmt: skip
        called = head is not None and head.arguments and name and not through
        return replace(stated, rank=self.read_rank(line, left, side)) if called else stated

    def read_rank(self, line: PlacedRow, left: str, side: str) -> int:
        """Return how many labels a definition has as it is read: ``L(x_i, y_i)`` has i."""
        stated = self.stated(line, "", left, side)
        built = self.scope.model([*self.scope.shapes_for([stated], line.section), stated])
        names = [n for n, own in built.names.items() if own.order == stated.order]
        return len(built.system.labels[names[0]]) if built.system is not None and names else 0

    def reworded(self, text: str, section: tuple[int, ...]) -> str:
        """Return an equation as the reader takes it, vectors and matrices in bold."""
        for sign in self.overview.by_entry:
            text = re.sub(re.escape(sign) + "(?![a-z])", r"\\odot", text)
        for base, letter in self.overview.marks:  # h_a is a name where h_{a,h} is h_a with a label
            bare = (
                rf"(?<![A-Za-z\\]){re.escape(base)}_(?:{letter}(?![A-Za-z,])|\{{\s*{letter}\s*\}})"
            )
            checked = rf"\check{{{base}}}".replace("\\", r"\\")
            text = re.sub(bare, checked, text)
        if self.scope.nearest("sigma") is not None:  # a number, and no function
            text = _SIGMA_TIMES.sub(r"\\sigma \\cdot ", text)
        text = reworded(with_rows(text, self.overview.ranks), self.rows_of)
        return text if self.scope.axes is None else self.scope.axes.typeset(text, section)

    def rows_of(self, written: str) -> str | None:
        """Return the letter for the number of rows of a matrix whose shape is declared."""
        head = head_of(written)
        shapes = [s for s in self.scope.shapes if head is not None and s.name == head.name]
        found = _ROWS.search(shapes[0].text) if shapes else None
        return None if found is None else found[1]

    def written(self, text: str) -> str:
        """Return what is said about an equation with the document's names: ``ha`` for h_a."""
        if name := self.equalities.any_sigma.removeprefix("\\"):
            text = re.sub(rf"\b{name}\b", "sigma", text)
        text = _SHOWN.sub(r"\1", text)
        for base, letter in self.overview.marks:
            text = re.sub(rf"\b{re.escape(base)}check(?=_|\b)", base + letter, text)
        return text

    def other_arguments(self, text: str) -> str:
        """Say which name is taken of other arguments than it is defined for, "" for none."""
        other = self.applied_elsewhere(text)
        return f"{other} is taken of other arguments than it is defined for" if other else ""

    def is_of_others(self, name: str, left: str) -> bool:
        r"""Whether a left side is a name of other arguments than before: b(s) after ``b(t)``."""
        own = self.applied.get(name, "")
        return "(" in left and bool(own) and own != bared(left)

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

    def without_label(self, side: str, section: tuple[int, ...]) -> str:
        r"""Say what stands without labels under a sum, and has some elsewhere in its section."""
        begins = _SUM.search(side)
        if begins is None or r"\mathbf" in side or r"\top" in side:
            return ""
        summand = side[begins.start() :]
        ends = (p.place for p in pieces(summand) if p.text in {"+", "-"} and not p.depth)
        under = _SUBSCRIPT.sub("_", summand[: next(ends, len(summand))])
        found = (x for x in _BARE.findall(under) if x != "e")
        bare = next((x for x in found if (section, x) in self.overview.labelled), "")
        return f"{bare} has labels elsewhere in the text, and none under this sum" if bare else ""

    def defined(self, line: PlacedRow, name: str, left: str, side: str) -> JudgedFormula:
        """Add a definition."""
        text = f"{left} = {side}"
        self.equalities.arguments.pop(name, None)
        self.equalities.vague.discard(name)
        if "(" in left and (own := head_of(left)) is not None and own.arguments:
            self.applied[name] = bared(left)
        if is_of_several(side) and self.unread(line, "", left, side) is not None:
            function = side.partition("(")[0]
            self.equalities.arguments[name] = letters_in(side) - letters_in(function)
            reason = f"{name} is any function of its arguments"
            self.scope.forget(name)
            return JudgedFormula(line.row.line, text, "definition", "not judged", reason)
        if _ATTAINED.search(side) is not None:
            self.scope.forget(name)
            reason = "where something is least or greatest: no formula"
            return JudgedFormula(line.row.line, text, "definition", "not judged", reason)
        if _NOISE.search(side) is not None:
            self.scope.forget(name)
            reason = f"how {name} comes about, with its noise: what is computed of {name} takes it"
            return JudgedFormula(line.row.line, text, "definition", "not judged", reason)
        if name == "delta" and r"\begin{cases}" in side:
            reason = "Kronecker's delta"
            return JudgedFormula(line.row.line, text, "definition", "not judged", reason)
        stated = self.stated(line, name, left, side)
        reason = self.unread(line, "", left, side) or ""
        if reason and self.is_read_beside_others(stated):
            reason = ""
        if reason and (slip := self.slip(line, name, left, side, reason)) is not None:
            stated = slip.meant
        elif reason and self.is_first(name, left) and not is_open(reason):
            self.equalities.arguments[name] = letters_in(side)  # any function of what it speaks of
            self.equalities.vague.add(name)
            self.scope.forget(name)
            return JudgedFormula(line.row.line, text, "definition", "not judged", reason)
        self.scope.define(stated)
        hidden = reason or self.overview.open.is_inner(left, side)
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
            near = self.scope.shapes_for([stated], stated.section)
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

    def restated(self, line: PlacedRow, name: str, left: str, sides: Sequence[str]) -> None:
        """Let a definition that says the same by other names take the place of the one before.

        One by the entry behind, ``z^{l+1}``, says nothing of the last one.
        """
        whole = (side for side in sides if _BEHIND.search(side) is None)
        side = next((side for side in whole if self.is_readable(left, side, line)), None)
        if side is None:
            return
        stated = self.stated(line, name, left, side)
        self.scope.define(stated)
        built = self.scope.model(self.scope.visible(stated.text, line.section, False, False))
        if built.unread:
            self.scope.stated.remove(stated)

    def named_inside(self, line: PlacedRow, sides: Sequence[str], first: int) -> int:
        r"""Define z of ``a = \sigma(w x) = \sigma(z)``, and return which side says what a is."""
        for k, side in enumerate(sides):
            call = _APPLIED.fullmatch(side.strip())
            name = None if call is None else self.overview.defines(call[2])
            if call is None or name is None or self.scope.nearest(name) is not None:
                continue
            for other in (_APPLIED.fullmatch(x.strip()) for n, x in enumerate(sides) if n != k):
                inner = "" if other is None or other[1] != call[1] else other[2]
                if head_of(inner) is None and inner and self.is_readable(call[2], inner, line):
                    self.scope.define(self.stated(line, name, call[2], inner))
                    return k
        return first
