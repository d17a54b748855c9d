r"""What a document shows to be a vector or a matrix: ``x^\top``, ``u \cdot u``, its words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from eingrad.notation.tex.names import ACCENTS, greek
from eingrad.notation.tex.tidy import SHORT_WORDS
from eingrad.papers.passages import Passage
from eingrad.papers.scan import pieces

_WRAPPED = (
    r"\\(?:hat|widehat|bar|overline|tilde|widetilde|dot|check|vec|overrightarrow|overleftarrow"
    r"|mathbf|boldsymbol|bm|pmb|bold|mathcal|mathscr|mathrm|mathit)"
)
_ONE = r"(?:\\[A-Za-z]+|[A-Za-z])"
_BASE = (
    rf"(?:{_WRAPPED}\s*(?:\{{\s*(?:{_WRAPPED}\s*\{{\s*{_ONE}\s*\}}|{_ONE})\s*\}}|{_ONE})|{_ONE})"
)
_SCRIPT = r"\s*[_^]\s*(?:\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|\\[A-Za-z]+|[A-Za-z0-9*])"
_NAME = re.compile(
    r"\\[a-zA-Z]+\*?\s*\{\s*(?:[A-Za-z]{2,}|[A-Za-z ]+ [A-Za-z ]*)\s*\}"  # a word is no name
    rf"|[A-Za-z]{{2,}}(?=\s*\()|(?P<base>{_BASE})(?P<scripts>'*(?:{_SCRIPT})*)"
)
_BOLD = re.compile(r"\\(?:mathbf|boldsymbol|bm|pmb|bold|vec)(?![A-Za-z])")
_BELOW = re.compile(r"_\s*(?:\{([^{}]*)\}|(\\?[A-Za-z]+|\d))")
_OPERATOR = re.compile(
    r"\\(?:min|max|inf|sup|lim|operatorname\*?\s*\{[a-z\\,; ]*\})\s*(?:\\limits\s*)?_\s*\{[^{}]*\}"
)  # \min_{w, b}: no positions
_ABOVE = re.compile(r"\^\s*(?:\{((?:[^{}]|\{[^{}]*\})*)\}|(\\[A-Za-z]+|[A-Za-z0-9*]))")
_LABELS = re.compile(r"\s*[A-Za-z](?:\s*,?\s*(?:[A-Za-z]|\d+))*\s*")
_TURNED = re.compile(r"\\top(?![a-z])|\\intercal|\\mathsf\s*\{?\s*T|\\mathrm\s*\{\s*T\s*\}")
_GROUP_TURNED = re.compile(
    r"\(([^()]*)\)\s*\^\s*\{?\s*(T(?![A-Za-z])|\\top|\\intercal|\\mathsf\s*\{?\s*T)"
)
_TRACED = re.compile(
    r"(?:\\(?:operatorname\*?|text|mathrm)\s*\{\s*(?:[Tt]r|trace|det)\s*\}|\\(?:tr|Tr|det)(?![a-z])"
    r"|(?<![A-Za-z])[Tt]r)\s*[(\[]([^()\[\]]*)[)\]]"
)
_INVERSE = re.compile(r"\^\s*\{\s*-\s*1\s*\}")
_BEHIND_TURNED = re.compile(r"(?:T|\\top|\\intercal)\s*\}?\s*\Z")
_NORM = re.compile(r"\\(?:\||[lr]?Vert(?![a-z]))|\|\|")
_DOT = re.compile(r"\s*\\cdot\s*")
_ANGLES = re.compile(r"\\langle(.*?)\\rangle", re.DOTALL)
_INDEX = re.compile(r"[(\[]?\s*(?:\\ell|[lL])(?![a-z])")
_DERIVED = re.compile(
    r"\{\s*(?:\\partial|d|\\mathrm\s*\{\s*d\s*\})\s*(?:\\mathcal\s*\{?\s*)?([A-Z])(?![a-z])[^{}]*\}?\s*\}\s*\{"
    r"|\\nabla\s*(?:_\s*(?:\{[^{}]*\}|\\?\w+)\s*)?(?:\\mathcal\s*\{?\s*)?([A-Z])(?![a-z])"
)  # \frac{\partial L}{\partial w}, \nabla_w L
_VECTORS = re.compile(
    r"\\mathbb\s*(?:\{\s*R\s*\}|R)\s*\^\s*(?:\{(?!\s*1\s*\})(?:(?!\\times)[^{}])*\}|\\?[a-zA-Z]+|[2-9])\s*[.,]?"
)
LOSSES = frozenset("LJECdnmN")  # with labels: of a part; without: the whole, a number
_BESIDE = re.compile(r"\s*(?:\\cdot|\*|\\times|\\,)?\s*")
_LAYER = re.compile(r"(?:[lLkmntTN]|ell)(?:(?:plus|minus)\d)?|\d")
_SIZES = re.compile(r"\\(?:left|right|[bB]igg?[lr]?)(?![A-Za-z])|\\[,;!:]")
_OUTSIDE = re.compile(r"(?<![A-Za-z\\])T(?![A-Za-z])")
_WORD = r"(?P<word>vectors?|matrix|matrices|eigenvectors?|tensors?)"
_BEFORE = re.compile(
    rf"(?<!of )(?<!of the )(?<!of each )\b{_WORD}\s*\Z|\b(?:entries|elements|columns|rows) of the "
    r"(?P<of>matrix|vector)\s*\Z", re.IGNORECASE,
)  # fmt: skip
_AFTER = re.compile(
    r"\s*,?\s*(?:is|are|be|being|denotes?|represents?)\s+(?:an?\s+|the\s+|our\s+|its\s+|both\s+)?"
    r"(?:(?!of\b|in\b|for\b|number|dim|size|length|entr|element|component|index)[\w-]+\s+){0,3}"
    rf"{_WORD}\b", re.IGNORECASE,
)  # fmt: skip
_AND = re.compile(r"\s*(?:,|and|or|,\s*and)\s*")
SHOWN = r"\pmb{"  # before what is bold because the document shows that it has axes
_MATRIX = ("matrix", "matrices")
_FONTLESS = re.compile(rf"{_WRAPPED}|[\s{{}}]")


@dataclass(frozen=True)
class WrittenName:
    """A name in a formula: its letter with accent and number, its labels, whether it is bold."""

    key: str
    labels: int
    bold: bool
    layer: bool
    turned: str  # "T", r"\top", "" where it is not transposed
    start: int
    base_end: int
    end: int


@lru_cache(maxsize=20_000)
def written_names(text: str) -> tuple[WrittenName, ...]:
    r"""Return the names of a formula.

    >>> [(n.key, n.labels, n.turned) for n in written_names(r"\mathbf{x}_{i}^\top W_1 \hat{u}")]
    [('x', 1, '\\top'), ('W1', 0, ''), ('uhat', 0, '')]
    """
    return tuple(found for m in _NAME.finditer(text) if (found := _written(m)) is not None)


def _written(match: re.Match[str]) -> WrittenName | None:
    base, scripts = match["base"], match["scripts"]
    if base is None:
        return None
    letter = _FONTLESS.sub("", base)
    own = greek(letter) or (letter if len(letter) == 1 else None)
    if own is None:
        return None
    accents = "".join(ACCENTS[a] for a in re.findall(r"\\[a-z]+", base) if a in ACCENTS)
    below = _BELOW.search(scripts)
    inside = "" if below is None else (below[1] or below[2] or "").strip()
    upper = " ".join(a or b for a, b in _ABOVE.findall(scripts)).strip()
    found = _TURNED.search(upper)
    turned = found[0] if found else "T" if upper.split("}")[-1].strip(" )")[-1:] == "T" else ""
    layer = upper.replace(turned, "").strip() if turned else upper
    listed = _LABELS.fullmatch(inside) is not None and inside not in SHORT_WORDS  # no b_{new}
    labels = len(re.findall("[A-Za-z]|\\d+", inside)) if listed else 0
    if inside and not labels and not inside.isdecimal():
        return None
    prime = "prime" if "'" in scripts else ""
    number = inside if inside.isdecimal() else ""
    return WrittenName(
        own + accents + prime + number, labels, _BOLD.search(base) is not None,
        _INDEX.match(layer) is not None, turned, match.start(),
        match.end("base"), match.end(),
    )  # fmt: skip


@dataclass(frozen=True)
class LeastAxes:
    """How many axes a name has at least, with its labels, and what says so."""

    count: int
    why: str
    section: tuple[int, ...] = ()
    bold: bool = False
    near: bool = False  # in this section only
    sure: bool = True
    layer: bool = False  # only where the name has an index above it


class AxesOfNames:
    """What a document shows of the axes of its names, so that none is taken for a number."""

    def __init__(
        self,
        rows: Sequence[tuple[int, tuple[int, ...], Sequence[str]]],
        passages: Sequence[Passage],
    ) -> None:
        self.least: dict[tuple[str, int], list[LeastAxes]] = {}
        whole = " ; ".join(side for *_, sides in rows for side in sides)
        below = _BELOW.findall(_OPERATOR.sub(" ", whole))
        self.positions = {
            x for own in below if "," in own[0] or len(own[0].strip()) > 1
            for x in re.findall("[a-z]", own[0])
        }  # fmt: skip
        bare = re.sub(r"\^\s*(?:\{[^{}]*\}|T)", " ", whole)
        self.losses = {a or b for a, b in _DERIVED.findall(whole)} & {*"LJCE"}
        self.turns = _OUTSIDE.search(bare) is None  # T is the sign of a transpose, and no number
        self.section: tuple[int, ...] = ()
        for line, self.section, sides in rows:
            gradient = sides[0].lstrip().startswith(r"\nabla")  # its entries may stand in angles
            for side in sides:
                bare = _SIZES.sub(" ", side)
                self._survey(_ANGLES.sub(" ", bare) if gradient else bare, line)
                self._labelled(side, line)
                self._entries(side, line)
            self._space(sides, line)
        self._rows(whole)
        self._prose(passages, rows)
        self._vectors()
        self._siblings(whole)
        for line, self.section, sides in rows:
            for side in sides:
                self._biases(_SIZES.sub(" ", side), line)

    def misfit(self, text: str, ranks: Mapping[str, int], section: tuple[int, ...]) -> str:
        """Say which name of a formula would have fewer axes than it has in the document, "" for
        none; ``ranks`` are the axes that the names of a model have."""
        for name in written_names(text):
            least = self._least(name, section)
            if least is None:
                continue
            for own, extra in _candidates(name, ranks):
                if ranks[own] < least.count + extra:
                    shape = "a number" if not ranks[own] else "read with too few axes"
                    return f"{own} is {shape} here, and {least.why}"
        return ""

    def typeset(self, text: str, section: tuple[int, ...]) -> str:
        """Return a formula with what the document shows to be vectors and matrices in bold."""
        for name in reversed(written_names(text)):
            least = None if name.bold else self._least(name, section)
            if least is not None and least.sure and _is_by_bold(name, least.count):
                base = text[name.start : name.base_end]
                text = f"{text[: name.start]}{SHOWN}{base}}}{text[name.base_end :]}"
        return text

    def _least(self, name: WrittenName, section: tuple[int, ...]) -> LeastAxes | None:
        if name.key in self.positions and not name.bold:
            return None
        found = [
            x
            for x in self.least.get((name.key, name.labels), ())
            if (name.bold or not x.bold) and (name.layer or not x.layer)
            and (x.section == section if x.near else _related(x.section, section))
        ]  # fmt: skip
        if not found and name.bold and name.labels < 2:
            return LeastAxes(1 + name.labels, "a vector or a matrix by its bold letter")
        return max(found, key=lambda x: x.count, default=None)

    def _add(
        self, name: WrittenName, line: int, why: str, axes: int = 1, sure: bool = False
    ) -> None:
        """Remember a name; what has labels is so in its section and around it only."""
        count = max(axes + name.labels if axes < 2 else axes, 1)
        section = self.section if name.labels else ()
        sure = sure or not name.layer or name.key[0].isupper()  # w^l may be a matrix
        own = LeastAxes(count, f"{why} on line {line}", section, name.bold, sure=sure)
        self.least.setdefault((name.key, name.labels), []).append(own)

    def _space(self, sides: Sequence[str], line: int) -> None:
        r"""Remember that every x_i is a vector: ``x_i \in \mathbb{R}^p``."""
        if len(sides) == 2 and _VECTORS.fullmatch(sides[1]):
            for name in _listed(sides[0]):
                if name.labels:
                    self._add(name, line, "it is in a space of vectors")

    def _survey(self, text: str, line: int) -> None:
        names = written_names(text)
        for k, name in enumerate(names):
            if self._is_turned(name.turned):
                matrix = name.key[0].isupper() and not name.labels
                self._add(name, line, "it is transposed", 1 + matrix)
            elif _INVERSE.search(text[name.start : name.end]) and _BEHIND_TURNED.search(
                text[: name.start]
            ):
                self._add(name, line, "it is a matrix between vectors", 2)
            if k + 1 < len(names):
                other = names[k + 1]
                same = (name.key, name.labels) == (other.key, other.labels)
                if same and _DOT.fullmatch(text[name.end : other.start]):
                    self._add(name, line, "it is multiplied with itself by a dot")
        for inside in _TRACED.finditer(text):
            for name in written_names(inside[1]):
                if name.key[0].isupper() and not name.labels:
                    self._add(name, line, "it has a trace or a determinant", 2)
        for group in _GROUP_TURNED.finditer(text):
            if self._is_turned(group[2]):
                self._terms(group[1], line, "it is transposed")
        bars = list(_NORM.finditer(text))
        for opened, closed in zip(bars[::2], bars[1::2], strict=False):
            self._terms(text[opened.end() : closed.start()], line, "it has a norm")
        for inner in _ANGLES.finditer(text):
            for part in inner[1].split(","):
                self._terms(part, line, "it has an inner product")

    def _is_turned(self, mark: str) -> bool:
        return bool(mark) and (mark != "T" or self.turns)

    def _terms(self, text: str, line: int, why: str) -> None:
        """Remember the terms of a sum that are names alone."""
        for term in _terms_of(text):
            names = written_names(term)
            if len(names) == 1 and term.strip() == term[names[0].start : names[0].end].strip():
                self._add(names[0], line, why)

    def _labelled(self, side: str, line: int) -> None:
        r"""Remember ``w^l`` and ``w_j`` beside ``w^l_{jk}``, and ``a^l`` beside ``a^l_j``."""
        for name in written_names(side):
            comma = "," in side[name.base_end : name.end]  # h_{a,h} is h_a with h
            for labels in range(0 if comma or name.key in LOSSES else min(name.labels, 2)):
                if name.labels - labels > 1 or labels or name.layer:
                    why = f"it has {name.labels} label{'s' * (name.labels > 1)} on line {line}"
                    own = LeastAxes(
                        name.labels, why, self.section, layer=name.labels == 1, sure=False
                    )
                    known = self.least.setdefault((name.key, labels), [])
                    if not any(replace(x, why=why) == own for x in known):
                        known.append(own)

    def _rows(self, whole: str) -> None:
        """Remember w_1 beside ``w_{11}, w_{12}``: a row."""
        keys = {n.key for n in written_names(whole) if not n.labels and not n.layer}
        for key in keys:
            if key[-1:].isdecimal() and f"{key}1" in keys and f"{key}2" in keys:
                why = f"beside it stand {key}1 and {key}2, which may be its entries"
                self.least.setdefault((key, 0), []).append(LeastAxes(1, why, sure=False))

    def _vectors(self) -> None:
        """Forget that capitals are matrices that the document multiplies or calls as vectors."""
        for own in self.least.values():
            if any("by a dot" in x.why or "a vector" in x.why for x in own):
                own[:] = [replace(x, count=1) if "transposed" in x.why else x for x in own]

    def _siblings(self, whole: str) -> None:
        """Remember that W_1 is a matrix beside a W_2 that is one."""
        for key in {n.key for n in written_names(whole) if n.key[-1:].isdecimal()}:
            letter = key.rstrip("0123456789")
            others = [k for k, _ in self.least if k.rstrip("0123456789") == letter != k]
            found = [x for k in others for x in self.least[k, 0] if self._is_matrix(k)]
            if found and letter.isupper() and not self._is_matrix(key):
                own = LeastAxes(2, f"{others[0]} beside it is a matrix")
                self.least.setdefault((key, 0), []).append(own)

    def _is_matrix(self, key: str) -> bool:
        return any(x.count == 2 and x.sure for x in self.least.get((key, 0), ()))

    def _biases(self, side: str, line: int) -> None:
        """Remember b of ``W x + b`` where W is a matrix: it is no number."""
        terms = [(term.strip(), written_names(term)) for term in _terms_of(side)]
        if not any(self._is_matrix(n.key) and not n.labels for _, own in terms for n in own[:2]):
            return
        for term, names in terms:
            alone = len(names) == 1 and term[: names[0].end] == term
            if alone and names[0].key[0] == "b" and not names[0].labels:
                why = f"it is added to a product of a matrix on line {line}"
                own = LeastAxes(1, why, self.section, near=True)
                self.least.setdefault((names[0].key, 0), []).append(own)

    def _entries(self, side: str, line: int) -> None:
        """Remember x beside ``w_1 x_1 + w_2 x_2``: they may be its entries."""
        second = set(_products(side))
        for key in (x[:-1] for x in second if x[-1] == "1" and f"{x[:-1]}2" in second):
            why = f"{key}1 and {key}2, which may be its entries, stand in a sum of products"
            own = LeastAxes(1, f"{why} on line {line}", self.section, near=True, sure=False)
            self.least.setdefault((key, 0), []).append(own)

    def _prose(
        self,
        passages: Sequence[Passage],
        rows: Sequence[tuple[int, tuple[int, ...], Sequence[str]]],
    ) -> None:
        """Remember what the prose calls a vector or a matrix."""
        word = ""
        sections = {line: section for line, section, _ in rows}
        for k, passage in enumerate(passages):
            if passage.kind != "math" or passage.display:
                continue
            before = passages[k - 1].text if k and passages[k - 1].kind == "prose" else ""
            after = passages[k + 1].text if k + 1 < len(passages) else ""
            if not (word and _AND.fullmatch(before)):
                found = _BEFORE.search(before)
                word = "" if found is None else (found["word"] or found["of"])
            behind = _AFTER.match(after) if after else None
            said = word or ("" if behind is None else behind["word"])
            if said:
                lines = [line for line in sections if line <= passage.line]
                self.section = sections[max(lines)] if lines else ()
                for name in _listed(passage.text):
                    matrix = said.lower() in _MATRIX and not name.labels
                    why = f"the text calls it a {said.removesuffix('s')}"
                    self._add(name, passage.line, why, 1 + matrix, sure=True)


def _is_by_bold(name: WrittenName, axes: int) -> bool:
    """Whether a bold letter says how many axes a name has: a small one a column."""
    column = name.key[0].islower() and axes == 1 + name.labels
    matrix = name.key[0].isupper() and axes == 2 and not name.labels
    return (column or matrix) and not name.key.startswith(("sigma", "delta"))


def _products(side: str) -> Iterator[str]:
    """Yield what is second in products of two names with one number: x1 of ``w_1 x_1``."""
    names = written_names(side)
    for one, other in pairwise(names):
        beside = _BESIDE.fullmatch(side[one.end : other.start]) is not None
        if beside and one.key[-1:] == other.key[-1:] and other.key[:-1].isalpha():
            yield other.key


def _related(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether one of two sections is the other, or stands in it."""
    size = min(len(one), len(other))
    return one[:size] == other[:size]


def _terms_of(text: str) -> Iterator[str]:
    start = 0
    for piece in pieces(text):
        if piece.text in {"+", "-"} and not piece.depth:
            yield text[start : piece.place]
            start = piece.end
    yield text[start:]


def _listed(text: str) -> Iterator[WrittenName]:
    """Yield the names of a formula that is a list of names alone."""
    for part in text.split(","):
        names = written_names(part)
        if len(names) != 1 or part.strip() != part[names[0].start : names[0].end].strip():
            return
        yield names[0]


def _candidates(name: WrittenName, ranks: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Yield the names of a model that a written one may be, and how many axes are its layer's."""
    if name.key in ranks:
        yield name.key, int(name.layer)
    elif name.layer:
        size = len(name.key)
        for own in ranks:
            if own.startswith(name.key) and _LAYER.fullmatch(own[size:]):
                yield own, 0
