r"""What a formula leaves open, so that it is not read: ``N(\mu_1, S)`` beside ``N(\mu_2, S)``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from eingrad.notation.matrix.statements import LOSSES
from eingrad.notation.tex.names import GENERIC, function_name
from eingrad.papers.applied_names import NameWithArguments, calls
from eingrad.papers.heads import head_of
from eingrad.papers.scan import group_behind, pieces

_LOGARITHM = re.compile(
    r"\\(?:log|ln)(?![A-Za-z])\s*(?:\\[A-Za-z]+|[A-Za-z])\s*(?:_\s*(?:\{[^{}]*\}|\w))?"
    r"\s*\^\s*(?:\{[^{}]*\}|\w)\s*(?:\\left\s*)?\([^()]*\)\s*\^"
)  # \log a^{y} (1 - a)^{1 - y}
_LABEL_BELOW = re.compile(r"_\s*(?:\{\s*[a-z]\s*\}|[a-z](?![A-Za-z]))\Z")
_LABELLED = re.compile(r"_\s*(?:\{\s*[a-z](?![A-Za-z])|[a-z](?![A-Za-z]))")  # x_{t-1}
_BOLD = re.compile(r"\\(?:mathbf|boldsymbol|bm|vec|pmb|bold)(?![A-Za-z])")
_ENTRY_BY_ENTRY = re.compile(
    r"activation|(?:element|entry|component|coordinate|point|term)[-\s]?(?:by[-\s]|wise)|"
    r"non-?linearity|each (?:element|entry|component)", re.IGNORECASE,
)  # fmt: skip
_IN_FONT = re.compile(r"\\(?:mathbf|boldsymbol|bm|vec|pmb|text|mathrm|operatorname)\s*\{[^{}]*\}")
_NEAR = 120  # letters within which the text says of a function how it goes
_ENTRY_OF_CALL = re.compile(r"(?<![A-Za-z\\])[A-Za-z]\s*(?:\\left\s*)?\([^()]*\)\s*_")  # s(x + c)_i
_ENTRY_OF_POWER = re.compile(r"(?<![A-Za-z\\])e\s*\^\s*(?:\{[^{}]*\}|\w)\s*_")  # e^{z}_{k}
_HALF_DERIVATIVE = re.compile(
    r"\\[dt]?frac\s*\{\s*d\s*(?:[A-Z]|\\[A-Za-z]+)\s*\}\s*\{(?![^{}]*(?:d|\\delta))[^{}]*\}"
)  # \frac{dL}{h_t}
_LOGGED_FRACTION = re.compile(r"\\(?:log|ln)\s*\\[dt]?frac\s*(?=\{)")
_EXPONENTIAL = re.compile(r"\s*(?:\\exp(?![a-z])|\\mathrm\s*\{\s*e\s*\}\s*\^|e\s*\^)")
_PLACED_AT = re.compile(r"(?<!\\nabla)(?<!\\nabla )_\s*\{?\s*[a-bd-hq-svwxA-Z]\s*_")  # \sigma_{e_i}
_STAR = re.compile(r"(?<=[\w})])\s*\*\s*(?=[\w\\{(])")
_VECTOR = r"\\(?:mathbf|boldsymbol|bm|vec)\s*(?:\{\s*[a-z]\s*\}|[a-z])"
_OUTER = re.compile(rf"{_VECTOR}\s*(?:\\[a-z]+\s*)?{_VECTOR}\s*\^\s*\{{?\s*(?:\\top|T|\\intercal)")
_FONT = re.compile(r"\\(?:mathbf|boldsymbol|bm|vec)\s*\{?\s*(\\?[A-Za-z]+)\s*\}?")
_POWER_OF_LOG = re.compile(
    r"\\(?:log|ln)\s*(?:\\left\s*)?\((?:[^()]|\([^()]*\))*\)\s*\^\s*(?:[A-Za-z]|\{(?!\s*-?\d+\s*\}))"
)  # \log (1 - p)^{1 - y}
_WORD = re.compile(r"(?<![A-Za-z\\])([A-Za-z]{3,})\s*\(")
_DOTTED = re.compile(r"\([^()]*[A-Z][^()]*\)\s*\\cdot\s*\([^()]*[A-Z][^()]*\)")
_JACOBIAN = re.compile(
    r"\\(?:mathbf|boldsymbol|bm)\s*\{?\s*[A-Z]\s*\}?\s*_\s*\{?\s*\\(?:mathbf|bold|bm)"
)
_INDEXED_FUNCTION = re.compile(
    r"\\(?:sigma|phi|varphi|psi)\s*\^\s*(?:\{\s*[(\[]?\s*(?:\\ell|[lL])\s*(?:[-+]\s*\d\s*)?[)\]]?\s*\}"
    r"|\\ell(?![a-z])|[lL])\s*(?:\\left\s*)?\("
)  # \sigma^{(l)}(z)
_INVERSE_OF = re.compile(
    r"(?<![A-Za-z\\])[a-z]\s*\^\s*\{\s*-\s*1\s*\}\s*(?:\\left\s*)?"
    r"\(\s*\\?[A-Za-z]+\s*(?:_\s*(?:\{[^{}]*\}|\w)\s*)?(?:\\right\s*)?\)"
)  # s^{-1}(\theta_i)
_OPERATOR = re.compile(
    r"\\[dt]?frac\s*\{\s*(?:\\partial|d|\\mathrm\s*\{\s*d\s*\})\s*\}\s*\{|\\nabla\s*_\s*(?:\{|\\?[A-Za-z]+)"
)  # of what stands behind it
_RAISED = re.compile(r"\A\s*\^\s*(?:\{[^{}]*\}|\\?\w+)")
_FACTOR = re.compile(
    r"\s*(?:\\left\s*)?(?:\(|[A-Za-z]|\\(?!cdot|times|right|quad|qquad|text|,|;|\\|le|ge|ne|approx|big)"
    r"[A-Za-z]+)"
)
_ROOT_BEHIND = re.compile(
    r"/\s*\\?[A-Za-z]+(?:_(?:\w|\{[^{}]*\}))?\s*\\(?:sqrt|log|exp|ln)(?![a-z])"
)
_FIRST_POWER = re.compile(r"[A-Za-z}]\s*\^\s*(?:\{\s*1\s*\}|1(?!\d))")  # a^1, a layer


class OpenReadings:
    """What the formulas of a document leave open, seen together."""

    def __init__(self, rows: Sequence[Sequence[str]], prose: str) -> None:
        self.whole = " ; ".join(" = ".join(row) for row in rows)
        self.plain = _IN_FONT.sub(" ", self.whole)
        self.by_entry = [m.start() for m in _ENTRY_BY_ENTRY.finditer(prose)]
        self.prose = prose
        self.convolved = re.search("convol", prose, re.IGNORECASE) is not None
        self.rows = re.search(r"row vectors?", prose, re.IGNORECASE) is not None
        self.defined = {_name(c) for row in rows if len(row) > 1 for c in calls(row[0])[:1]
                        if c.start == 0 and c.end == len(row[0].rstrip())}  # fmt: skip
        self.lists: dict[str, set[tuple[str, ...]]] = {}
        for call in calls(self.whole):
            if len(call.arguments) > 1 and not call.given:
                own = call.bases or tuple(map(_bare, call.arguments))
                self.lists.setdefault(_name(call), set()).add(own)

    def of(self, text: str) -> str:
        """Say what a formula leaves open, "" for nothing."""
        if _LOGARITHM.search(text) is not None:
            return "a logarithm of a power or of the product behind it: put it in parentheses"
        if reason := _unclear(text):
            return reason
        if self.convolved and _STAR.search(text) is not None:
            return "* is a product or a convolution"
        left, _, right = text.partition(" = ")
        if any(call.given for call in calls(left)):
            return "a name of what is given would lose its arguments"
        if (own := next(iter(calls(left)), None)) and _loses_argument(own, left, right):
            return f"{own.base} of {own.arguments[0]} would lose its argument"
        found = (self._open(call) for side in (left, right) for call in calls(side)
                 if not (side is left and call.start == 0 and call.end == len(left.rstrip()))
                 and not re.search(r"\\partial\s*\Z", side[: call.start]))  # fmt: skip
        return next((reason for reason in found if reason), "")

    def is_inner(self, left: str, right: str) -> bool:
        r"""Whether ``y s^\top`` is a number, for the document's vectors are rows."""
        return self.rows and _is_plain(left) and _OUTER.search(right) is not None

    def _open(self, call: NameWithArguments) -> str:
        """Say what a name with arguments leaves open."""
        name = _name(call)
        lists = self.lists.get(name, set())
        if len(lists) > 1 and len(call.arguments) > 1 and not self._is_any(call):
            return f"{call.base} is taken of different arguments, which would be lost"
        if call.given:
            return f"{call.base} of what is given, and no name of the text's"
        if len(call.arguments) != 1:
            return ""
        argument = call.arguments[0]
        if _LABEL_BELOW.match(call.subscript) and _LABEL_BELOW.search(argument):
            alone = re.escape(call.base) + r"\s*_\s*(?:\{[^{}]*\}|\w)(?!\s*(?:\\left\s*)?\()"
            if call.bases is not None and re.search(alone, self.whole) is None:
                return f"{call.base}{call.subscript} before ({argument}) is a function or a factor"
        elif call.subscript and call.bases is not None:
            return f"{call.base}{call.subscript} is a function of {argument}, and no factor of it"
        letter = _FONT.sub(r"\1", call.base).removeprefix("\\")
        one = call.bases is not None and (len(call.base) == 1 or letter.isalpha())
        single = one or letter in GENERIC
        if single and not call.subscript and _BOLD.search(argument) and not self._by_entry(call):
            return f"{call.base} of a vector may go over all its entries"
        return ""

    def _is_any(self, call: NameWithArguments) -> bool:
        """Whether a name that nothing defines stands for any function of its arguments."""
        if _name(call) in self.defined:
            return False
        labelled = any(_LABELLED.search(x) for x in call.arguments)
        letter = call.base.removeprefix("\\")
        return letter in GENERIC or (letter in LOSSES and labelled)

    def _by_entry(self, call: NameWithArguments) -> bool:
        """Whether a document says that a function goes entry by entry, or what it is."""
        base = re.escape(call.base)
        alone = re.search(
            rf"(?<![A-Za-z\\]){base}(?![A-Za-z'])(?!\s*(?:\\left\s*)?[(^_])", self.plain
        )
        slope = re.search(rf"\\odot\s*{base}\s*'|{base}\s*'\s*\([^()]*\)\s*\\odot", self.whole)
        places = re.finditer(rf"(?<![A-Za-z\\.]){base}(?![A-Za-z]|\s*_)", self.prose)
        said = any(abs(m.start() - k) < _NEAR for m in places for k in self.by_entry)
        return said or _name(call) in self.defined or bool(alone or slope)


def _is_plain(left: str) -> bool:
    """Whether a left side is a name that is not bold."""
    return head_of(left) is not None and _BOLD.match(left) is None


def _unclear(text: str) -> str:
    """Say what is written so that its meaning is not certain, "" for nothing."""
    for logged in _LOGGED_FRACTION.finditer(text):
        _, middle = group_behind(text, logged.end())
        _, end = group_behind(text, middle)
        if _EXPONENTIAL.match(text, end):
            return "a logarithm of a fraction or of the product behind it: put it in parentheses"
    if _ENTRY_OF_CALL.search(text) is not None:
        return "an entry of what a function gives, or a product with an entry"
    if _ENTRY_OF_POWER.search(text) is not None:
        return "an entry of an exponential, or a power of a name with a subscript"
    if _HALF_DERIVATIVE.search(text) is not None:
        return "a derivative without what it is by"
    if _PLACED_AT.search(text) is not None:
        return "a subscript that has one of its own is no position"
    if _POWER_OF_LOG.search(text) is not None:
        return "a power of a logarithm or the logarithm of a power: put it in parentheses"
    if _DOTTED.search(text) is not None:
        return "a dot between capitals: an inner product, or another one"
    for word in _WORD.finditer(text):
        if function_name(word[1]) is None:
            return f"{word[1]} is no function that is known"
    if _JACOBIAN.match(text) is not None:
        return "a name with a vector below it"
    if _INDEXED_FUNCTION.search(text) is not None:
        return "a function with an index above it, which is not known"
    if _INVERSE_OF.search(text) is not None:
        return "the power -1 before a name in parentheses: an inverse function, or a quotient"
    if _FIRST_POWER.search(text) is not None:
        return "nobody writes a first power: a 1 above a name is a layer or an entry"
    return ""


def reach(text: str) -> str:
    r"""Say that it is open how far a sign goes, "" where it is not.

    ``\\frac{d}{dx} (x - y) x^2`` may be of the product, ``1 / a \\sqrt{b}`` may divide by it.
    """
    if _ROOT_BEHIND.search(text) is not None:
        return "what is divided by is not clear: put it in parentheses"
    for sign in _OPERATOR.finditer(text):
        place = group_behind(text, sign.end() - 1)[1] if sign[0].endswith("{") else sign.end()
        inner = list(pieces(text[place:]))
        first = next((k for k, p in enumerate(inner) if p.text.strip()), 0)
        if not inner or not inner[first].text.endswith("("):
            continue
        end = next((p.end for p in inner[first + 1 :] if not p.depth), len(text))
        if _FACTOR.match(_RAISED.sub("", text[place + end :], count=1)) is not None:
            return "how far a derivative goes is not clear: put what it is of in brackets"
    return ""


def _loses_argument(own: NameWithArguments, left: str, right: str) -> bool:
    """Whether a definition such as ``D(F) = M`` says a name's value at one argument alone."""
    head = head_of(right)
    whole = own.start == 0 and own.end == len(left.rstrip()) and len(own.arguments) == 1
    alone = whole and head is not None and not head.arguments and len(own.base) == 1
    return alone and own.base.isupper() and own.arguments[0] not in right


def _name(call: NameWithArguments) -> str:
    return _bare(call.base + call.subscript)


def _bare(text: str) -> str:
    return re.sub(r"[\s{}]", "", text)
