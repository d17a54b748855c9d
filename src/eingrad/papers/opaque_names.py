r"""Equations with one plain name for whatever stands for a value: A for ``\pi(a|s, \theta)``.

What holds for any values, and for any functions of the variable, holds for what a document writes:
so no definition is needed, and no argument is lost. A letter that a sum binds stays a label.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal

from eingrad.notation.tex.names import function_name, greek
from eingrad.papers.applied_functions import derivative_by, with_values
from eingrad.papers.scan import group_behind, pieces
from eingrad.papers.steps_between import without_sizes

VARIABLE = r"\check{T}"
_MOST_VARIABLES = 3
_PARTIAL = "\N{PARTIAL DIFFERENTIAL}"  # no letter that a sum could bind
Way = Literal["far", "near", "given"]
_FREE = "ABCDEFGHKLMNPQRSUVWXYZ"  # letters of the names
_LABELS = "qrvwzmnghcb"  # of a sum over s', or over a set
_INNER = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"
_ACCENT = r"\\(?:hat|bar|tilde|vec|mathbf|boldsymbol|bm|pmb|mathcal|mathrm|textbf|text|mathit)"
_BASE = re.compile(rf"{_ACCENT}(?![a-z])\s*(?:{_INNER}|[A-Za-z])|\\[A-Za-z]+|[A-Za-z]")
_SCRIPT = re.compile(rf"\s*([_^])\s*({_INNER}|\\[A-Za-z]+|\w)")
_NUMBER = re.compile(r"\{?\s*-?\s*[\d/.]+\s*\}?")
_SIGN = r"(?:\\(?:partial|delta)(?![a-z])|\\(?:mathrm|text)\s*\{\s*d\s*\}|d(?!\s*_))"
_DIFFERENTIAL = re.compile(rf"\s*({_SIGN})\s*")
_FRACTION = re.compile(r"\\[dtc]?frac\s*(?=\{)")
_NABLA = re.compile(rf"\\nabla(?![a-z])\s*(?:_\s*({_INNER}|\\[A-Za-z]+|\w))?")
_SUM = re.compile(r"\\sum(?![A-Za-z])\s*(?:\\(?:no)?limits)?")
_OPENS = re.compile(r"\s*(?:\\left|\\[bB]igg?l?)?\s*\(")
_MAY_TAKE = re.compile(r"\s*(?:\\left\s*)?[(\[]")
_WORD = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{2,}\s*(?:\\left\s*)?[(\[]")  # Tr(A), Var[x]
_TOKEN = re.compile(r"\\[A-Za-z]+|[A-Za-z](?:\s*'+|\s*\^\s*\{?\s*(?:\\prime\s*)+\}?)?")
_BOUND = re.compile(
    rf"\s*((?:{_ACCENT})?\s*\{{?\s*\\?[A-Za-z]+\s*\}}?\s*_)?\s*\{{?\s*({_TOKEN.pattern})\s*\}}?"
)
_TURNED = re.compile(r"\^\{?(?:\\top|T|\\intercal)\}?")
_HEAVY = re.compile(r"\\(?:mathbf|boldsymbol|bm|pmb|textbf|vec)(?![a-z])|[A-Z](?![a-z])")
_ROW = re.compile(r"\\(?:mathbf|boldsymbol|bm|pmb|textbf|vec)\{?\\?[a-z]+\}?|[a-z]|\\[a-z]+")
_SKIPPED = re.compile(
    r"\\(?:left|right|[bB]igg?[lrm]?|cdot|times|quad|qquad|limits|displaystyle)(?![a-z])"
)
_WORDS = re.compile(r"(?:[,.;:\s]|\\[,;:! ]|\\q?quad|\\text\s*\{[^{}]*\s[^{}]*\})*\Z")
_FOR_ALL = re.compile(r"(?:,|\\text\s*\{[^{}]*\})?\s*\\q?quad\s*\\text\s*\{.*\Z")
_UNREAD = re.compile(
    r"\\(?:int|prod|max|min|begin|[lcvd]?dots|mathbb|underset|over|lvert|Vert|lVert|odot|otimes"
    r"|circ|star|ast|star|pm|mp|bigg?\||det|operatorname|mathop|cases|lim|sup|inf|arg)(?![a-z])"
    r"|\\\||\^\s*\{?\s*(?:\\ast|\\star|\*)"
)
_LOSSES = frozenset("CEJL")  # numbers, for all that they are capital letters


class _OpenError(Exception):
    """An equation has something that no plain name can stand for."""


@dataclass
class Opaque:
    """An equation with plain names: ``text``, and what each name ``stands`` for."""

    text: str = ""
    by: str = ""
    stands: dict[str, str] = field(default_factory=dict)  # Acheck -> what the document writes

    def shown(self, text: str) -> str:
        """Return a text with what the document writes in the place of names."""
        return re.sub(r"[A-Z]check", lambda m: self.stands.get(m[0], m[0]), text)


def ways(left: str, side: str, vectors: Container[str]) -> Iterator[Opaque]:
    """Yield the equations with plain names that one may be: with each derivative as a name, or with
    those by one of its variables."""
    found = with_opaque(left, side, vectors, "given")
    if found is not None:
        yield found
    signs = f"{left} {side}"
    try:
        by = [*dict.fromkeys(x for x in _variables(signs) if _is_plain(x[1]))]
    except _OpenError:  # a second derivative
        return
    for variable in by[:_MOST_VARIABLES]:
        both: tuple[Way, ...] = ("far", "near") if r"\nabla" in signs else ("far",)
        for way in both:
            found = with_opaque(left, side, vectors, way, variable)
            if found is not None:
                yield found


def with_opaque(
    left: str,
    side: str,
    vectors: Container[str] = (),
    way: Way = "far",
    variable: tuple[str, str] = ("", ""),
) -> Opaque | None:
    r"""Return an equation with plain names, None where it is more than sums and products of them.

    ``vectors`` are letters that the document says to be vectors or matrices. The ``way`` says how
    far the sign ``\\nabla`` goes: ``near`` to the name behind it; or that each derivative of a name
    is ``given``, as a name of its own. The ``variable`` is what is differentiated by.

    >>> with_opaque(r"\nabla \log \pi(a|s)", r"\frac{1}{\pi(a|s)} \nabla \pi(a|s)").stands
    {'Acheck': '\\pi(a|s)', 'Tcheck': 'the parameters'}
    """
    left, side = (without_sizes(_WORDS.sub("", _FOR_ALL.sub("", x))) for x in (left, side))
    if _UNREAD.search(f"{left} {side}") or _WORD.search(f"{left} {side}"):
        return None
    try:
        return _PlainNames(left, side, vectors, way, variable).equation
    except _OpenError:
        return None


class _PlainNames:
    """Gives the names of one equation plain ones."""

    def __init__(
        self, left: str, side: str, vectors: Container[str], way: Way, variable: tuple[str, str]
    ) -> None:
        self.vectors, self.way = vectors, way
        self.variable, written = variable
        self.whole = f"{left} = {side}"
        self.bound: dict[str, tuple[str, str]] = {}  # what a sum binds -> its label, and over what
        self.names: dict[str, str] = {}
        self.row = ""  # of which the variable is an entry
        self.heavy: set[str] = set()  # vectors and matrices
        self.matrices: set[str] = set()  # of these, what changes places with nothing
        self.equation = Opaque()
        for found in _SUM.finditer(self.whole):
            self._bind(_below(self.whole, found.end())[0])
        if any(x in self.bound for x in map(_bare, _TOKEN.findall(_scripts(self.variable)))):
            raise _OpenError
        own = [self.spelled(left), self.spelled(side)]
        self.equation.text = " = ".join(own)
        self.equation.by = _shown(written) or "the parameters"
        self.equation.stands["Tcheck"] = self.equation.by
        self._check_order()

    def _bind(self, below: str) -> None:
        """Remember the letter below a sum sign."""
        for part in below.split(","):
            found = _BOUND.match(part)
            if found is None or r"\mid" in part or "|" in part:
                raise _OpenError
            token, rest = _bare(found[2]), _bare(part[found.end() :])
            over = (_bare(found[1] or ""), rest.replace(token, "."))
            over_all = "".join(over)
            free = (
                x for x in _LABELS if not re.search(rf"(?<![A-Za-z\\]){x}(?![A-Za-z])", self.whole)
            )
            taken = {label for label, _ in self.bound.values()}
            plain = len(token) == 1 and token.islower()
            label = token if plain else next((x for x in free if x not in taken), "")
            known = self.bound.setdefault(token, (label, over_all))
            if not label or known[1] != over_all:
                raise _OpenError

    def spelled(self, text: str) -> str:
        """Return a text with plain names."""
        result, place = "", 0
        while place < len(text):
            if (sign := _FRACTION.match(text, place)) is not None:
                own, place = self._fraction(text, sign)
            elif (sign := _NABLA.match(text, place)) is not None:
                if _bare(sign[1] or "") != self.variable or self.way == "given":
                    raise _OpenError
                own, place = self._gradient(text, sign.end())
            elif (sign := _SUM.match(text, place)) is not None:
                below, place = _below(text, sign.end())
                own = rf"\sum_{{{','.join(self._labels(below))}}} "
            elif (word := _BASE.match(text, place)) is not None:
                own, place = self._name(text, word)
            elif text[place] in "_'|":
                raise _OpenError  # a script of what has no name
            else:
                own, place = text[place], place + 1
            result += own
        return result

    def _labels(self, below: str) -> list[str]:
        found = (_BOUND.match(part) for part in below.split(","))
        return [self.bound[_bare(m[2])][0] for m in found if m]

    def _fraction(self, text: str, sign: re.Match[str]) -> tuple[str, int]:
        above, middle = group_behind(text, sign.end())
        below, end = group_behind(text, middle)
        ends = _ends(above, below)
        if ends is None:
            return rf"\frac{{{self.spelled(above)}}}{{{self.spelled(below)}}}", end
        of, by = ends
        if self.way == "given" or _bare(by) != self.variable:
            if not of.strip():
                raise _OpenError
            by_formula = None if _is_plain(of) else self._by_formula(of, by)
            return by_formula or self._plain("", f"{_PARTIAL}{of}/{_PARTIAL}{by}"), end
        return rf"\frac{{\partial {self.spelled(of)}}}{{\partial {VARIABLE}}}", end

    def _by_formula(self, of: str, by: str) -> str:
        r"""Return the derivative of a formula by one in it, ``\partial e^{u v} / \partial (u v)``,
        where nothing else in it may depend on that."""
        inner = self.spelled(by).strip()
        inner = inner[1:-1] if inner.startswith("(") and inner.endswith(")") else inner
        outer = self.spelled(of).replace(inner, " t ")
        found = None if r"\check" in outer else derivative_by(outer, "t")
        if found is None:
            raise _OpenError
        return rf"\left( {with_values(found, {'t': f'({inner})'})} \right)"

    def _gradient(self, text: str, place: int) -> tuple[str, int]:
        place += len(text[place:]) - len(text[place:].lstrip())
        word = _BASE.match(text, place) if self.way == "near" else None
        if word is None or not _is_name(word[0]):
            return rf"\frac{{\partial}}{{\partial {VARIABLE}}} ", place
        of, place = self._name(text, word)
        return rf"\frac{{\partial {of}}}{{\partial {VARIABLE}}}", place

    def _name(self, text: str, word: re.Match[str]) -> tuple[str, int]:
        """Return the plain name of what stands at a place, with its scripts and arguments."""
        base, end = word[0], word.end()
        if not _is_name(base):
            known = _SKIPPED.match(base) or function_name(base[1:])
            return (base, end) if known else self._other(base, end)
        if base == "e" and re.match(r"\s*\^", text[end:]):
            return base, end
        if base == r"\sigma" and re.match(r"\s*\(\s*(?![^()]*[,;|])", text[end:]):
            return base, end  # a function of what stands behind it
        end, scripts, powers = _behind(text, end)
        turned = _TURNED.fullmatch(_bare(scripts, True)) is not None
        if (
            turned
            and _ROW.fullmatch(_bare(base, True))
            and (column := _column(text, end)) is not None
        ):
            own, end = column  # a row times a column is a number
            return self._product(base, scripts, own), end
        if not powers and (call := _arguments(text, end)) is not None:
            inside, end = call
            scripts += f"({inside})"
            end, more, powers = _behind(text, end)
            scripts += more
        elif _MAY_TAKE.match(text, end) and not self._is_factor(base, text, end):
            raise _OpenError
        return self._plain(base, scripts) + powers, end

    def _product(self, base: str, scripts: str, column: str) -> str:
        r"""Return a row times a column: a number, and beside the variable, which is an entry of
        the row, what does not depend on it and the entry times that of the column."""
        number = self._plain("", f"{base}{scripts} {column}")
        row = _bare(base + _TURNED.sub("", _bare(scripts, True)))
        entry = re.fullmatch(rf"{re.escape(row)}_(\w)", self.variable)
        word = _BASE.match(column)
        if entry is None or word is None:
            return number
        self.row = row
        below = f"{column[word.end() :]}_{entry[1]}"
        rest = f"({base}{scripts} {column} - {base}_{entry[1]} {word[0]}{below})"
        self.equation.stands[f"{number[number.index('{') + 1]}check"] = rest
        return rf"\left( {number} + {VARIABLE} {self._plain(word[0], below)} \right)"

    def _is_factor(self, base: str, text: str, end: int) -> bool:
        """Whether what stands before brackets is a factor, as it is elsewhere: ``p (1 - p)``.

        So is what stands before square ones, but an operator: ``E[x]``.
        """
        square = text[end:].replace(r"\left", "").lstrip().startswith("[")
        if square and len(base) == 1 and base.islower():
            return True
        alone = (
            re.escape(base) + rf"(?![A-Za-z])(?!(?:{_SCRIPT.pattern}|\s*'+)*\s*(?:\\left\s*)?[(\[])"
        )
        return re.search(rf"(?<![A-Za-z\\])(?:{alone})", self.whole) is not None

    def _other(self, base: str, end: int) -> tuple[str, int]:
        if base in {r"\frac", r"\partial", r"\delta"} or base.removeprefix("\\") in {"text"}:
            raise _OpenError
        if base in {r"\sqrt", r"\lbrace", r"\rbrace", r"\Big", r"\,", r"\space"}:
            return base, end
        raise _OpenError

    def _plain(self, base: str, scripts: str) -> str:
        labels: list[str] = []

        def placed(token: re.Match[str]) -> str:
            known = self.bound.get(_bare(token[0]))
            if known is None:
                return token[0]
            labels.append(known[0])
            return f"<{known[1]}>"

        if _bare(base) in self.bound:
            raise _OpenError
        key = _bare(base) + _TOKEN.sub(placed, _bare(scripts, True))
        if _bare(base) + _bare(scripts) == self.variable:
            return f"{VARIABLE} "
        if key not in self.names:
            if len(self.names) == len(_FREE):
                raise _OpenError
            letter = _FREE[len(self.names)]
            self.names[key] = rf"\check{{{letter}}}"
            self.equation.stands[f"{letter}check"] = _shown(base + scripts)
            if _is_heavy(base, scripts, self.vectors):
                self.heavy.add(letter)
                if not base.startswith("\\") or _TURNED.search(scripts):
                    self.matrices.add(letter)
        below = f"_{{{','.join(labels)}}}" if labels else " "
        return self.names[key] + below

    def _check_order(self) -> None:
        """Raise where vectors or matrices change places: products of them have an order."""
        before: set[tuple[str, str]] = set()
        for term in (t for side in self.equation.text.split(" = ") for t in _terms(side)):
            names = list(dict.fromkeys(re.findall(r"\\check\{([A-Z])\}", term)))
            if sum(name in self.heavy for name in names) > 1:
                raise _OpenError
            for one, other in combinations(names, 2):
                if (other, one) in before and {one, other} & self.matrices:
                    raise _OpenError
                before.add((one, other))
        by = _plain_uses(self.equation.text)
        if self.row and any(key.startswith(f"{self.row}_") for key in self.names):
            raise _OpenError  # w_k beside w_j may be the same entry
        whole = not self.row and _is_heavy(self.variable, "", self.vectors)
        if by and (self.heavy or whole):
            raise _OpenError


_BOLDABLE = re.compile(_ACCENT + r"(?![a-z])")


def _bare(text: str, braced: bool = False) -> str:
    text = re.sub(r"\\(?:left|right|[bB]igg?[lrm]?)(?![A-Za-z])|\\[,;:! ]|\s", "", text)
    text = re.sub(r"\^\{?((?:\\prime)+)\}?", lambda m: "'" * m[1].count("prime"), text)
    return text if braced else re.sub(r"[{}]", "", text)


def _shown(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _scripts(text: str) -> str:
    return re.split(r"[_^(]", text, maxsplit=1)[-1] if re.search(r"[_^(]", text) else ""


def _below(text: str, place: int) -> tuple[str, int]:
    """Return what stands below a sum sign, and where what belongs to the sign ends."""
    below = ""
    while (found := _SCRIPT.match(text, place)) is not None:
        if found[1] == "_":
            below = found[2][1:-1] if found[2].startswith("{") else found[2]
        place = found.end()
    if not below:
        raise _OpenError
    return below, place


def _behind(text: str, place: int) -> tuple[int, str, str]:
    """Return where the scripts of a name end, these, and a power behind them."""
    scripts = ""
    while place < len(text):
        if (prime := re.match(r"\s*'+", text[place:])) is not None:
            scripts, place = scripts + prime[0].strip(), place + prime.end()
            continue
        found = _SCRIPT.match(text, place)
        if found is None:
            break
        if found[1] == "^" and _NUMBER.fullmatch(found[2]):
            return found.end(), scripts, f"^{found[2]}"
        scripts, place = scripts + found[0], found.end()
    return place, scripts, ""


def _arguments(text: str, place: int) -> tuple[str, int] | None:
    """Return the arguments in the parenthesis at a place, and where it ends; None for a factor."""
    opened = _OPENS.match(text, place)
    if opened is None:
        return None
    inner = list(pieces(text[place:]))
    first = next(k for k, p in enumerate(inner) if p.text.strip())
    end = next((p for p in inner[first + 1 :] if p.depth == inner[first].depth), None)
    if end is None:
        raise _OpenError
    inside = text[place + inner[first].end : place + end.place]
    several = any(p.depth == 0 and p.text in {",", ";", "|", r"\mid"} for p in pieces(inside))
    alone = _BASE.match(inside.strip())
    rest = "" if alone is None else _behind(inside.strip(), alone.end())
    single = alone is not None and rest and rest[0] == len(inside.strip()) and not rest[2]
    return (inside, place + end.end) if several or single else None


def _is_plain(text: str) -> bool:
    """Whether a text is one name, with its scripts and arguments."""
    text = text.strip()
    if text.startswith("{") and group_behind(text, 0)[1] == len(text):
        text = text[1:-1].strip()
    word = _BASE.match(text)
    if not text:
        return True
    if word is None or not _is_name(word[0]) or text.startswith(("e^", "e ^")):
        return False
    end, _, powers = _behind(text, word.end())
    call = None if powers else _arguments(text, end)
    end = end if call is None else _behind(text, call[1])[0]
    return end == len(text) and not powers


def _is_name(base: str) -> bool:
    known = greek(base) is not None or _BOLDABLE.match(base) is not None
    return known or not base.startswith("\\")


def _column(text: str, place: int) -> tuple[str, int] | None:
    """Return the column at a place, with its scripts and arguments, and where it ends."""
    place += len(text[place:]) - len(text[place:].lstrip())
    word = _BASE.match(text, place)
    if word is None or _ROW.fullmatch(_bare(word[0], True)) is None:
        return None
    if not _is_name(word[0]):
        return None
    end, scripts, powers = _behind(text, word.end())
    call = None if powers else _arguments(text, end)
    end = end if call is None else call[1]
    if powers or _TURNED.search(_bare(scripts, True)) or re.match(r"\s*[_^']", text[end:]):
        return None
    return text[place:end], end


def _plain_uses(text: str) -> bool:
    """Whether the variable stands somewhere but below a derivative's bar."""
    return text.count(VARIABLE) > text.count(rf"\partial {VARIABLE}")


def _is_heavy(base: str, scripts: str, vectors: Container[str]) -> bool:
    """Whether a name may be a vector or a matrix: bold, transposed, declared, or a capital."""
    if not base or re.search(r"\)\s*_", scripts):
        return False  # an entry x(s)_i
    bare = _bare(base)
    if _TURNED.search(_bare(scripts, True)) or (_HEAVY.match(base) and base.startswith("\\")):
        return True
    if not scripts and bare.removeprefix("\\") in vectors:
        return True
    return bare.isupper() and "(" not in scripts and bare not in _LOSSES


def _ends(above: str, below: str) -> tuple[str, str] | None:
    """Return what a fraction differentiates and by what, None where it is another one."""
    of, by = _DIFFERENTIAL.match(above), _DIFFERENTIAL.match(below)
    if of is None or by is None or not below[by.end() :].strip():
        return None
    if _bare(of[1]) != _bare(by[1]) or above[of.end() :].lstrip().startswith("^"):
        raise _OpenError
    inner = below[by.end() :]
    if r"\partial" in inner:
        raise _OpenError
    return above[of.end() :], inner


def _variables(text: str) -> list[tuple[str, str]]:
    """Return what a text differentiates by, in order, and as it is written."""
    found = [(m.start(), m[1] or "") for m in _NABLA.finditer(text)]
    for sign in _FRACTION.finditer(text):
        above, middle = group_behind(text, sign.end())
        ends = _ends(above, group_behind(text, middle)[0])
        if ends is not None:
            found.append((sign.start(), ends[1]))
    return [(_bare(by), by) for _, by in sorted(found)]


def _terms(text: str) -> list[str]:
    """Return the terms of a sum."""
    cuts = [p.place for p in pieces(text) if p.depth == 0 and p.text in {"+", "-"}]
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
