r"""Names that a document writes with arguments, ``h_\theta(x^{(i)})``: ``h^{(i)}``, with labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from eingrad.notation.tex.names import function_name
from eingrad.papers.heads import letters_in
from eingrad.papers.scan import pieces

_FONT = r"\\(?:hat|bar|tilde|vec|mathbf|boldsymbol|bm|mathcal|text|mathrm|operatorname)"
_BASE = rf"(?:{_FONT}\s*(?:\{{\s*(?:\\?[A-Za-z]+|\\[a-z]+\s*\{{\s*\w\s*\}})\s*\}}|\\?[A-Za-z])"
_BASE += r"|\\[A-Za-z]+|[A-Za-z])"
_SUBSCRIPT = r"_\s*(?:\{[^{}]*\}|\\[A-Za-z]+|\w)"
_EXAMPLE = r"\^\s*\{\s*\(\s*[a-z]\s*\)\s*\}"  # x^{(i)}
_LABEL = r"_\s*(?:\{\s*[a-z]\s*\}|[a-z](?![A-Za-z]))"  # x_i
_OPEN = r"\s*(?:\\left\s*|\\[bB]igg?l?\s*)?\("
_CALL = re.compile(
    rf"(?<![A-Za-z\\])([A-Za-z]{{2,}}(?=\()|{_BASE}(?![A-Za-z]))\s*({_SUBSCRIPT})?(?={_OPEN})"
)
ARGUMENT = re.compile(rf"({_BASE}(?:\s*_\s*\{{?\d\}}?)?)\s*({_EXAMPLE}|{_LABEL})?\s*\Z")
_PRIMED = re.compile(rf"(?<![A-Za-z\\])({_BASE})\s*(?:'|\^\s*\{{?\s*\\prime)")
_BY_ARGUMENT = re.compile(r"\\nabla\s*(?:\^\s*\{?\s*2\s*\}?\s*)?\Z")  # \nabla L(w) is by w
_GRADIENT = r"\\nabla(?![A-Za-z])\s*((?:\^\s*(?:\{\s*2\s*\}|2))?)\s*"
_GIVEN = re.compile(r"\||\\mid(?![a-z])|\\vert(?![a-z])")
_LOGARITHM = re.compile(r"\\(?:log|ln)\s*(?:\\left\s*)?")
_ENTRY = re.compile(
    r"((?<![A-Za-z\\])[a-z]|\\(?:phi|varphi|psi|pi|rho|zeta|eta|mu))\s*"
    r"\(\s*(?:\\(?:mathbf|boldsymbol|bm|vec)\s*)?(?:\{\s*\w\s*\}|\w)\s*\)\s*(?=_)"
)  # s(\mathbf x)_i
_SIZES = re.compile(r"\\(?:left|right|[bB]igg?[lr]?)(?![A-Za-z])|\\[,;!]|\s")
# behind these a parenthesis holds a factor
_COMMANDS = frozenset({
    r"\partial", r"\nabla", r"\cdot", r"\times", r"\left", r"\right", r"\in", r"\sum", r"\prod",
    r"\odot", r"\quad", r"\frac", r"\dfrac", r"\circ", r"\otimes", r"\mid", r"\forall", r"\to",
    r"\big", r"\Big", r"\bigg", r"\Bigg", r"\bigl", r"\Bigl", r"\biggl", r"\middle", r"\qquad",
})  # fmt: skip


@dataclass(frozen=True)
class NameWithArguments:
    """A name with its arguments, from ``start`` to ``end`` of a text."""

    base: str
    subscript: str
    arguments: tuple[str, ...]
    start: int
    end: int
    given: bool = False  # p(x \\mid y)

    @property
    def bases(self) -> tuple[str, ...] | None:
        """The arguments without their labels, None where one is no name."""
        found = [ARGUMENT.match(argument) for argument in self.arguments]
        return None if None in found else tuple(bare(m[1]) for m in found if m)

    @property
    def labels(self) -> str:
        """The label of the first argument that has one: ``^{(i)}``, ``_i``."""
        found = (ARGUMENT.match(argument) for argument in self.arguments)
        return next((m[2] for m in found if m and m[2]), "")


def bare(text: str) -> str:
    """Return a text without spaces and braces."""
    return re.sub(r"[\s{}]", "", text)


def calls(text: str) -> list[NameWithArguments]:
    r"""Return what stands before parentheses, with what they hold.

    >>> [(c.base, c.subscript, c.arguments) for c in calls(r"h_\theta(x^{(i)}) - \ell(a, b)")]
    [('h', '_\\theta', ('x^{(i)}',)), ('\\ell', '', ('a', 'b'))]
    """
    found = []
    for match in _CALL.finditer(text):
        word = re.sub(r"\\[a-z]+\s*\{\s*|[\s{}\\]", "", match[1])
        if match[1] in _COMMANDS or function_name(word) is not None or word == "sigma":
            continue
        opened = text.index("(", match.end())
        inside, end = _inside(text, opened)
        if end:
            given = _GIVEN.search(text, opened, end) is not None
            found.append(
                NameWithArguments(match[1], match[2] or "", inside, match.start(), end, given)
            )
    return found


def _inside(text: str, opened: int) -> tuple[tuple[str, ...], int]:
    """Return the arguments in the parenthesis that opens at a place, and where it ends."""
    depth, start = 0, opened + 1
    arguments: list[str] = []
    for piece in pieces(text[opened:]):
        place = opened + piece.place
        if piece.text.endswith("(") and not piece.text.startswith(r"\begin"):
            depth += 1
        elif piece.text.endswith(")"):
            depth -= 1
            if depth == 0:
                end = place + len(piece.text)
                return (*arguments, _SIZES.sub(" ", text[start:place]).strip()), end
        elif depth == 1 and piece.text in {",", ";", "|", r"\mid", r"\vert"}:
            arguments.append(_SIZES.sub(" ", text[start:place]).strip())
            start = place + len(piece.text)
    return (), 0


class AppliedNames:
    """The names that a document defines with arguments and takes of the same ones, with labels.

    ``h_\\theta(x) = ...`` and ``h_\\theta(x^{(i)})`` are one function of the example: h, and
    ``h^{(i)}``. A subscript belongs to the function where its letters are parameters of their own.
    """

    def __init__(self, rows: Sequence[Sequence[str]]) -> None:
        self.parameters: dict[str, str] = {}  # base -> subscript that is left out
        self.own: dict[str, NameWithArguments] = {}  # base -> its definition
        self.lifted: dict[str, str] = {}  # base -> label that its definition gets
        self.labelled: dict[tuple[str, ...], str] = {}  # p and its arguments -> their label
        self.given: dict[tuple[str, ...], str] = {}  # p and its arguments -> its name
        for row in rows:
            for call in calls(row[0]) if len(row) > 1 else ():
                self._take_given(call, " ".join(row[1:]))
        whole = " ; ".join(side for row in rows for side in row)
        self.primed = {bare(base) for base in _PRIMED.findall(whole)}  # functions: f'(x)
        for _ in range(3):  # what is an argument of another is known first
            if not self._survey([[self.spelled(side) for side in row] for row in rows]):
                break

    def _survey(self, rows: Sequence[Sequence[str]]) -> bool:
        uses: dict[str, list[NameWithArguments]] = {}
        letters = frozenset[str]()
        for row in rows:
            for side in row:
                letters |= letters_in(side)
                for call in calls(side):
                    uses.setdefault(bare(call.base), []).append(call)
        found = False
        for row in rows:
            for call in calls(row[0])[:1] if len(row) > 1 else ():
                base = bare(call.base)
                whole = call.start == 0 and call.end == len(row[0].rstrip())
                if whole and base not in self.own:
                    found |= self._take(base, call, uses[base], row[1:], letters)
        return found

    def _take(
        self,
        base: str,
        call: NameWithArguments,
        uses: Sequence[NameWithArguments],
        sides: Sequence[str],
        letters: frozenset[str],
    ) -> bool:
        """Remember a name, if all its uses agree with its definition."""
        subscripts = {bare(use.subscript) for use in uses}
        parameter = _is_parameter(call.subscript, letters)
        agree = call.bases is not None and all(use.bases == call.bases for use in uses)
        labels = {_style(use.labels) for use in uses} - {""}
        if not agree or len(subscripts) > 1 or (call.subscript and not parameter):
            return False
        spoken = letters_in(" ".join(call.bases or ()))
        own = labels or parameter or any(spoken <= letters_in(side) for side in sides[:1])
        if len(labels) > 1 or base in self.primed or not own:
            return False
        if labels and not call.labels:
            label = next(use.labels for use in uses if use.labels)
            if not all(_holds(side, call.bases or ()) for side in sides[:1]):
                return False
            self.lifted[base] = label
        if parameter:
            self.parameters[base] = call.subscript
        self.own[base] = call
        return True

    def _take_given(self, call: NameWithArguments, value: str) -> None:
        r"""Give ``p(x \mid \mu)`` a name: p, or p_a for ``p(a | s)`` where a is a label."""
        key = _key(call)
        if not call.given or call.bases is None or key in self.given:
            return
        self.labelled[key] = call.labels
        base = bare(call.base)
        entry = rf"_\s*\{{?\s*{re.escape(call.bases[0])}(?![A-Za-z])"
        if len(call.bases[0]) == 1 and re.search(entry, value):
            self.given[key] = f"{call.base}_{{{call.bases[0]}}}"
            return
        others = sum(bare(k[0]) == base for k in self.given)
        self.given[key] = f"{call.base}^{{({others + 1})}}" if others else call.base

    def spelled(self, text: str) -> str:
        """Return a formula with names in the place of applications."""
        if not self.own and not self.given:
            return text
        for call in reversed(calls(text)):
            base = bare(call.base)
            name = self.given.get(_key(call), "") if call.given else ""
            lost = "{" not in name and bare(call.labels) != bare(self.labelled.get(_key(call), ""))
            if name and not lost:
                name = name.replace(f"{{{(call.bases or ('',))[0]}}}", _index(call) or "{a}")
                name += "" if "_" in name else call.labels  # p(x_i | y_i) has i
                text = f"{text[: call.start]}{name} {text[call.end :]}"
            elif _BY_ARGUMENT.search(text[: call.start]) is not None:
                continue
            elif base in self.own and call.bases == self.own[base].bases:
                text = text[: call.start] + _named(call.base, call.labels) + text[call.end :]
        text = self._by_arguments(text)
        for base, subscript in self.parameters.items():
            inner = re.escape(_inner(subscript))
            below = rf"\s*_\s*(?:\{{\s*{inner}\s*\}}|{inner}(?![A-Za-z]))"
            own = f"{{{base}}}" if len(base) > 1 else base
            text = re.sub(name_pattern(base) + below, own.replace("\\", r"\\"), text)
        return text

    def _by_arguments(self, text: str) -> str:
        r"""Say by what ``\nabla f`` is, where f has one argument wherever it has any; and that f of
        ``df/dz_i`` is f_i, where it is one of ``f(x_i)``."""
        for base, own in self.own.items():
            if letter := bare(own.labels).strip("_^()"):
                below = rf"[A-Za-z\\]+\s*_\s*(?:\{{\s*{letter}\s*\}}|{letter})"
                by = rf"\s*\}}\s*\{{\s*(?:d|\\partial)\s*{below}\s*\}}"
                of = rf"(\\[dt]?frac\s*\{{\s*(?:d|\\partial)\s*{re.escape(base)})(?={by})"
                text = re.sub(of, r"\1" + own.labels.replace("\\", r"\\"), text)
            if len(own.arguments) == 1 and not own.labels:
                by = rf"\nabla_{{{own.arguments[0]}}}".replace("\\", r"\\")
                alone = rf"(?={name_pattern(base)}(?!\s*[(_^]))"
                text = re.sub(_GRADIENT + alone, rf"{by}\1 ", text)
        return text

    def definition(self, left: str, side: str) -> tuple[str, str]:
        """Return the two sides of a definition, with the labels with which its name is used."""
        whole = next(iter(calls(left)), None)
        base = bare(whole.base) if whole and whole.end == len(left.rstrip()) else ""
        label = self.lifted.get(base)
        if whole is None or label is None or whole.labels:
            return left, side
        for own in self.own[base].bases or ():
            side = _labelled(side, own, label)
        return _named(whole.base, label), side


def entries_of_applied(text: str) -> str:
    r"""Return a formula with ``s_i`` for the entry ``s(\mathbf x)_i`` of a function.

    >>> entries_of_applied(r"s(\mathbf x)_i = \frac{e^{x_i}}{\sum e^{x_j}}")
    's_i = \\frac{e^{x_i}}{\\sum e^{x_j}}'
    """
    return _ENTRY.sub(r"\1", text)


def _key(call: NameWithArguments) -> tuple[str, ...]:
    return bare(call.base), *(call.bases or ())


def _index(call: NameWithArguments) -> str:
    """Return the entry that p(a | s) or p(a_i | s) is: a, i."""
    own = call.bases or ("",)
    return f"{{{bare(call.labels).strip('_^()') or own[0]}}}"


def _named(base: str, labels: str) -> str:
    if len(base) > 1 and base.isalpha():  # RMS(x)
        base = rf"\text{{{base}}}"
    return f"{base}{labels}" if labels else f"{base} "


def _inner(subscript: str) -> str:
    return bare(subscript).removeprefix("_")


def _style(labels: str) -> str:
    return labels[:1]


def _is_parameter(subscript: str, letters: frozenset[str]) -> bool:
    r"""Whether a subscript names parameters, ``\theta`` or ``w,b``, and no labels."""
    inside = letters_in(_inner(subscript).replace(",", " ")) if subscript else frozenset[str]()
    return bool(inside) and inside <= letters


def _holds(side: str, bases: Iterable[str]) -> bool:
    """Whether a formula has one of some names."""
    return any(re.search(name_pattern(base), side) for base in bases)


def name_pattern(base: str) -> str:
    """Return a pattern of a name where it stands by itself."""
    return rf"(?<![A-Za-z\\]){re.escape(base)}(?![A-Za-z])"


def _labelled(side: str, base: str, label: str) -> str:
    """Add a label to a name wherever it stands without."""
    if label.startswith("^"):
        return re.sub(name_pattern(base) + r"(?!\s*(?:_\s*(?:\{[^{}]*\}|\w)\s*)?\^)",
                      lambda m: m[0] + label, side)  # fmt: skip
    return re.sub(name_pattern(base) + r"(?!\s*[_^])", lambda m: m[0] + label, side)


def with_examples(text: str, labels: Mapping[str, str]) -> str | None:
    r"""Return a formula that speaks of one example with its label, None where there is none.

    ``labels`` are the names that carry one elsewhere: ``{"x": "^{(i)}"}``.
    """
    if any(label in bare(text) for label in {bare(x) for x in labels.values()}):
        return None
    changed = text
    for base, label in labels.items():
        changed = _labelled(changed, base, label)
    return None if changed == text else changed
