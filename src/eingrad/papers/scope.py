"""Which definitions a formula of a document may use, and the model that they are."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from eingrad.check import Derived
from eingrad.errors import EingradError
from eingrad.notation.lower import lower, named_sizes
from eingrad.notation.syntax import Statement
from eingrad.notation.system import System
from eingrad.notation.tex.names import ACCENTS, FANCY, RIGHT
from eingrad.notation.tex.read import read_model
from eingrad.papers.axes_of_names import SHOWN, AxesOfNames, written_names
from eingrad.papers.heads import is_of_several, letters_in, letters_of_names
from eingrad.papers.layer_names import LAYERS

_SUBSCRIPT = re.compile(r"_\s*(?:\{([^{}]*)\}|(\\?[A-Za-z]+))")
_IN_BOLD = re.compile(r"\\(?:mathbf|boldsymbol|bm|vec)(?![A-Za-z])")
_INVERSE = re.compile(r"(?<![A-Za-z\\])([A-Z])(?:_\{?(\d)\}?)?\s*\^\s*\{\s*-\s*1\s*\}")
_CAPITAL = re.compile(r"[ABGHPQRSUVWXYZ]\d*")
_WOULD_HAVE_AXES = "would have axes, though nothing says so"
_DIVISOR = re.compile(
    r"\}\s*\{\s*(\\?[A-Za-z]+(?:\s*_\s*\{?\d\}?)?)\s*\}|/\s*([A-Za-z](?:_\d)?)(?![A-Za-z_^])"
)
_LATIN = re.compile(r"[a-zA-Z]\d*")
_OTHER_LINE = re.compile(r"labels? in line (\d+)")  # "d has 1 label here, but 2 labels in line 3"
FIRST_ASSUMED = 10**9  # in the order of what is stated behind all that a document says


@dataclass(frozen=True)
class Stated:
    """A definition of a document: ``text`` is one line of LaTeX, ``name`` what it defines.

    ``letters`` are those of both sides; ``section`` is the path of headings above it. A definition
    through a ``derivative`` is no part of a model, but stands before a claim. A ``shape``,
    ``X \\in \\mathbb{R}^{m \\times d}``, says what its name is, wherever it stands; on line 0
    if the document does not declare it, but shows it. What is ``assumed`` is a number that a name
    has where a formula is judged. ``refused`` says why it is not to be read. What is ``known_by`` a
    derivative may have other terms, in which what it is differentiated by does not occur.
    """

    order: int
    line: int
    section: tuple[int, ...]
    name: str
    text: str
    letters: frozenset[str]
    derivative: bool = False
    shape: bool = False
    rank: int = 0
    refused: str = ""
    assumed: bool = False
    known_by: str = ""

    @property
    def base(self) -> str:
        """What it defines as it is written, without labels and arguments."""
        return re.split(r"_| = |(?<!\{)\(", self.text, maxsplit=1)[0].strip()

    def uses(self, base: str) -> bool:
        """Whether it is a definition in terms of something, and not of its derivatives."""
        alone = rf"(?<![A-Za-z\\^({{]){re.escape(base)}(?![A-Za-z])"
        return not self.derivative and bool(re.search(alone, self.text.partition(" = ")[2]))

    def is_rival(self, other: Stated) -> bool:
        """Whether another definition says something else of the same tensor."""
        alike = (self.name, self.rank) == (other.name, other.rank) and (
            other.derivative or letters_of_names(self.text) == letters_of_names(other.text)
        )
        differs = self.text != other.text and self.order != other.order
        return alike and differs and not (self.shape or self.derivative)


@dataclass
class Built:
    """Definitions as a model; ``unread`` are those that it lacks, with the reason.

    ``names`` are the model's names for what the definitions define; ``derived`` remembers what was
    derived of the model, and of extensions of it.
    """

    statements: tuple[Statement, ...]
    system: System | None
    unread: dict[Stated, str] = field(default_factory=dict)
    names: dict[str, Stated] = field(default_factory=dict)
    derived: dict[Hashable, Derived] = field(default_factory=dict)


class Scope:
    """The definitions of a document so far, and the models that were made of them."""

    def __init__(self, axes: AxesOfNames | None = None) -> None:
        self.axes = axes
        self.stated: list[Stated] = []
        self.shapes: list[Stated] = []
        self._built: dict[tuple[tuple[int, str], ...], Built] = {}

    def define(self, stated: Stated) -> None:
        """Add a definition; of one name the later definition wins."""
        self.stated.append(stated)

    def nearest(self, name: str, section: tuple[int, ...] | None = None) -> Stated | None:
        """Return the last definition of a name, of one section where one is given."""
        for stated in reversed(self.stated):
            if stated.name == name and (section is None or stated.section == section):
                return stated
        return None

    def seen_from(self, order: int) -> Scope:
        """Return what a formula may use that is read again after the whole document.

        Those are the definitions before it, and of a name that none of them defines the only one
        that follows, or the first one in its section.
        """
        before = [s for s in self.stated if s.order <= order]
        known = {s.name for s in before}
        after: dict[str, list[Stated]] = {}
        for stated in self.stated:
            if stated.order > order and stated.name not in known:
                after.setdefault(stated.name, []).append(stated)
        later = [own[0] for own in after.values() if len({s.section for s in own}) == 1]
        return self.with_stated([*sorted(later, key=lambda s: -s.order), *before])

    def with_stated(self, stated: list[Stated]) -> Scope:
        """Return these shapes with other definitions."""
        found = Scope(self.axes)
        found.stated, found.shapes, found._built = stated, self.shapes, self._built
        return found

    def visible(
        self,
        text: str,
        section: tuple[int, ...],
        own: bool,
        whole: bool,
        hidden: Collection[int] = (),
    ) -> list[Stated]:
        """Return the definitions that a formula may use, in order.

        Of each name the nearest before, of those with as many labels as it has there; ``own`` asks
        for those of the section alone, ``whole`` for all of the section, and of those in which the
        definitions stand that are needed: what is built of them may go through others. ``hidden``
        are the numbers of those that are left out.
        """
        named: dict[str, list[Stated]] = {}
        for stated in reversed(self.stated):
            if (not own or stated.section == section) and stated.order not in hidden:
                named.setdefault(stated.name, []).append(stated)
        found = _needed(named, text, [], section)
        if whole:
            sections = {section, *(s.section for s in found)}
            chosen = {s.name: s for s in found}
            every = (chosen.get(name, own[0]) for name, own in named.items())
            used = "\n".join([text, *(s.text for s in found)])
            beside = [s for s in every if s.section in sections and not _is_other(s, named, used)]
            found = _needed(named, text, beside, section)
        return [*self.shapes_for(found, section, text), *sorted(found, key=lambda s: s.order)]

    def shapes_for(
        self, stated: Sequence[Stated], section: tuple[int, ...], text: str = ""
    ) -> list[Stated]:
        """Return the declared shapes of what definitions and a text speak of, of the own section
        first; beside functions of several numbers none that other sections say of bold letters."""
        letters = letters_in(text).union(*(s.letters for s in stated))
        numbers = any(is_of_several(s.text.partition(" = ")[2]) for s in stated)
        used = "\n".join([text, *(s.text for s in stated)]) if numbers else ""
        last: dict[str, Stated] = {}
        for shape in self.shapes:
            before = last.get(shape.name)
            if before is None or shape.section == section or before.section != section:
                last[shape.name] = shape
        near = {
            letters_of_name(s.name) for s in last.values() if s.section == section and "_" in s.name
        }
        return [
            s for s in last.values()
            if letters_of_name(s.name) <= letters
            and (s.section == section or letters_of_name(s.name) not in near)
            and not (numbers and s.section != section and s.base not in used
                     and _IN_BOLD.match(s.base))
        ]  # fmt: skip

    @property
    def texts(self) -> set[str]:
        """The definitions as they were written."""
        return {s.text for s in self.stated}

    def forget(self, name: str) -> None:
        """Leave out what defines a name."""
        self.stated = [s for s in self.stated if s.name != name]

    def model(self, stated: Sequence[Stated]) -> Built:
        """Return definitions as a model, without those that cannot be read."""
        stated = [s for s in stated if not s.derivative]
        key = tuple((s.order, s.text) for s in stated)
        if key not in self._built:
            self._built[key] = build(stated, self.axes)
        return self._built[key]


def _needed(
    named: Mapping[str, Sequence[Stated]],
    text: str,
    beside: Sequence[Stated],
    section: tuple[int, ...],
) -> list[Stated]:
    """Return the definitions that a text needs, through others, and that those beside need.

    ``named`` are the definitions of each name, the nearest first. One with other labels than its
    letter has in the text, and of another section, is of something else.
    """
    found = list(beside)
    left = {name: own for name, own in named.items() if name not in {s.name for s in found}}
    used = "\n".join([text, *(s.text for s in found)])
    reach = letters_in(text).union(*(s.letters for s in found))
    while more := [own for name, own in left.items() if letters_of_name(name) <= reach]:
        for own in more:
            chosen, spoken = _chosen(own, used)
            del left[chosen.name]
            if _is_other(chosen, named, used):
                continue
            foreign = chosen.rank and spoken and min(spoken) and chosen.rank not in spoken
            if foreign and chosen.section != section:
                continue
            found.append(chosen)
            used += "\n" + chosen.text
            reach |= chosen.letters
    return found


def _is_other(stated: Stated, named: Mapping[str, Sequence[Stated]], used: str) -> bool:
    """Whether a definition is of z where a text speaks of z^l, or of z^l where it speaks of z; of
    the one that stands further before it if the text speaks of both."""
    name, _, label = stated.name.partition("^")
    beside = [name] if label in LAYERS else [f"{name}^{x}" for x in LAYERS]
    other = next((named[x][0] for x in beside if x in named), None)
    if other is None:
        return False
    layered = {n.layer for n in written_names(used) if n.key == name}
    mixed = len(layered) == 2 or not layered
    return other.order > stated.order if mixed else (label in LAYERS) not in layered


def _chosen(own: Sequence[Stated], used: str) -> tuple[Stated, set[int]]:
    """Return the nearest definition of a name with as many labels as it has in a text, and those.

    A number of labels is 0 where it stands without.
    """
    ranks = {s.rank for s in own}
    lefts = (re.split(r"_|(?<!\{)\(", s.text.partition(" = ")[0], maxsplit=1)[0] for s in own)
    bases = "|".join(sorted({re.escape(left.strip()) for left in lefts}))
    counted = _SUBSCRIPT.sub(lambda m: f"_{_count(m[1] or m[2] or '')} ", used)
    places = re.finditer(rf"(?<![A-Za-z\\])(?:{bases})(?![A-Za-z])\s*(?:_(\d+))?(?!\s*\^)", counted)
    spoken = {int(m[1] or 0) for m in places}
    alike = spoken & ranks
    return next((s for s in own if not alike or s.rank in alike), own[0]), spoken


def _count(entries: str) -> int:
    return len(re.findall(r"\\[a-z]+|[A-Za-z]", entries))


def letters_of_name(name: str) -> frozenset[str]:
    """Return what a name must have in common with a formula that uses it."""
    base = name.split("^", maxsplit=1)[0].split("_", maxsplit=1)[0].rstrip("'")
    last = base.split(" ")[-1]
    return frozenset({last}) if len(last) == 1 or last.islower() else frozenset(last)


def assumed(number: int, equation: str, section: tuple[int, ...]) -> Stated:
    """Return ``x = 3`` as what holds where a formula is judged, and nowhere else."""
    text, name = rf"\text{{assume }} {equation}", f"given {equation.partition(' = ')[0]}"
    return Stated(
        FIRST_ASSUMED + number, 1, section, name, text, letters_in(equation), assumed=True
    )


def is_called(name: str, written: str) -> bool:
    """Whether a name of a model may be what a document writes so: ``W1`` is ``W^(1)``."""
    letters = letters_of_name(written)
    written = written.removesuffix("^l").removesuffix("^ell")  # of layers
    if written.isalpha() and written in letters:
        return name == written
    font, space, letter = written.partition(" ")
    if space:
        accent = ACCENTS.get(f"\\{font}")
        other = "right" if f"\\{font}" == RIGHT else FANCY.get(f"\\{font}", "")
        return name == letter + accent if accent else name in {letter, letter + other}
    if name[-4:] in {"frak"} or name[-3:] in {"cal", "scr"}:
        return False
    return any(name.startswith(x) for x in letters) if len(letters) == 1 else name[:1] in letters


def build(stated: Sequence[Stated], axes: AxesOfNames | None = None) -> Built:
    """Read definitions together; leave out one after another until the rest can be read.

    One in which a vector or a matrix, by what the document shows, would be a number is left out.
    """
    rest = [s for s in stated if not s.refused and (s.line or _is_whole(s, stated))]
    unread = {s: s.refused for s in stated if s.refused}
    while any(not s.shape for s in rest):
        try:
            statements, system = read(rest)
            taken = _taken_for_numbers(rest, system, axes)
            if not taken:
                return Built(statements, system, unread, _names(system, rest))
            unread |= taken
            rest = [s for s in rest if s not in taken]
        except EingradError as error:
            worst = _blamed(rest, error)
            if not worst.shape and not _is_stale(worst, rest, error):
                unread[worst] = reason_of(error)
            rest.remove(worst)
    return Built((), None, unread)


def _is_whole(shape: Stated, stated: Sequence[Stated]) -> bool:
    r"""Whether a shape that nobody declares is needed: ``w^l`` stands somewhere without labels."""
    [own] = written_names(shape.text.partition(r" \in")[0])
    names = (n for s in stated if not s.shape for n in written_names(s.text))
    return any((n.key, n.labels, n.layer) == (own.key, 0, True) for n in names)


def is_axed(reason: str) -> bool:
    """Whether a reason says that a loss would be a vector beside other definitions."""
    return reason.endswith(_WOULD_HAVE_AXES)


def is_open(reason: str) -> bool:
    """Whether a reason says that a name is a number, a vector or a matrix: beside other
    definitions it may be clear."""
    return re.search(r"nothing says which|a number here|too few axes|is open\b", reason) is not None


def _taken_for_numbers(
    stated: Sequence[Stated], system: System, axes: AxesOfNames | None
) -> dict[Stated, str]:
    """Return the definitions that take a vector or a matrix for less, and what they take so."""
    ranks = {name: len(labels) for name, labels in system.labels.items()}
    numbers = [name for name in system.inputs if not ranks[name]]
    found: dict[Stated, str] = {}
    names = _names(system, stated)
    latin = [n for n in numbers if _LATIN.fullmatch(n)]
    for s in stated:
        capital = next((n for n in numbers if _CAPITAL.fullmatch(n) and _speaks_of(s, n)), "")
        inverse = _INVERSE.search(s.text)
        if inverse is not None and "".join(inverse.groups("")) in numbers:
            found[s] = f"{inverse[1]} to the power of -1 is the inverse of a number or a matrix"
        elif capital and not s.shape and not _declared(capital, stated):
            found[s] = f"{capital} is a matrix or a number: nothing says which"
        elif divisor := next((n for n in _divisors(s.text) if _is_open(n, ranks, axes, s)), ""):
            found[s] = f"{divisor} is a number or a vector: nothing says which"
        elif beside := next((n for n in latin if _is_beside(s.text, n)), ""):
            found[s] = f"{beside} is a number or a vector: nothing says which"
        elif _is_loss(s, axes) and any(ranks[n] for n, own in names.items() if own is s):
            found[s] = f"{s.name} {_WOULD_HAVE_AXES}"
        elif axes is not None and not s.shape:
            found[s] = axes.misfit(s.text, ranks, s.section)
    return {s: why for s, why in found.items() if why}


def _speaks_of(stated: Stated, name: str) -> bool:
    right = stated.text.partition(" = ")[2]
    return any(n.key == name and not n.labels for n in written_names(right))


def _is_loss(stated: Stated, axes: AxesOfNames | None) -> bool:
    """Whether derivatives are taken of what is defined, and it has no labels: a number."""
    known = axes is not None and stated.name.split(" ")[-1] in axes.losses
    return known and stated.rank == 0 and "(" not in stated.text.partition(" = ")[0]


def _divisors(text: str) -> Iterator[str]:
    """Yield the names that a formula divides by, where each is all that it divides by."""
    for below in _DIVISOR.findall(text):
        names = written_names("".join(below))
        if len(names) == 1 and not names[0].labels and not names[0].layer:
            yield names[0].key


def _is_open(name: str, ranks: Mapping[str, int], axes: AxesOfNames | None, stated: Stated) -> bool:
    """Whether a name would have axes of which the document shows nothing."""
    shown = axes is not None and axes.least.get((name, 0))
    return bool(ranks.get(name)) and not shown and SHOWN in stated.text


def _declared(name: str, stated: Sequence[Stated]) -> bool:
    return any(s.shape and s.name.replace("_", "") == name for s in stated)


def _is_beside(text: str, name: str) -> bool:
    """Whether a plain letter is multiplied by what the document shows to be a vector."""
    if SHOWN not in text:
        return False
    for one, other in pairwise(written_names(text)):
        between = text[one.end : other.start]
        shown = [text.startswith(SHOWN, n.start) for n in (one, other)]
        plain = (one.key == name and shown[1]) or (other.key == name and shown[0])
        if plain and not between.replace(r"\cdot", "").replace("*", "").strip():
            return True
    return False


def _names(system: System, stated: Sequence[Stated]) -> dict[str, Stated]:
    """Return which definition defines a name of the model: each has a line of its own."""
    lines = {n: d.position.line for n, d in system.definitions.items() if d.position is not None}
    return {n: stated[line - 1] for n, line in lines.items() if line <= len(stated)}


def read(stated: Iterable[Stated]) -> tuple[tuple[Statement, ...], System]:
    """Read definitions as one text."""
    reading = read_model("\n".join(s.text for s in stated))
    system = lower(reading.statements)
    sizes = {**system.sizes, **named_sizes(reading.sizes, system)}
    return reading.statements, replace(
        system, sizes=sizes, shorthands=reading.shorthands, kinds=reading.kinds,
        stacks=reading.stacks, counting=reading.counting,
    )  # fmt: skip


def _is_stale(worst: Stated, stated: Sequence[Stated], error: EingradError) -> bool:
    """Whether a definition only stands in another section, where a letter meant something else."""
    newest = stated[-1].section
    return _OTHER_LINE.search(error.reason) is not None and worst.section != newest


def _blamed(stated: Sequence[Stated], error: EingradError) -> Stated:
    """Return the definition that an error speaks of, else the first without which all is well.

    Of two that do not fit together it is the older one.
    """
    line = error.position.line if error.position is not None else 0
    if 0 < line <= len(stated):
        other = _OTHER_LINE.search(error.reason)
        lines = [line, int(other[1])] if other else [line]
        return min((stated[k - 1] for k in lines if k <= len(stated)), key=lambda s: s.order)
    for one in stated:
        try:
            read(s for s in stated if s is not one)
        except EingradError:
            continue
        return one
    return stated[0]


def reason_of(error: EingradError) -> str:
    """Return what an error says, without the text that it shows."""
    return error.reason if error.hint is None else f"{error.reason} ({error.hint})"
