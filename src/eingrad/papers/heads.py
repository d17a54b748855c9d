r"""The left side of an equation: the name that it defines, or that it is a derivative."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from eingrad.notation.tex.names import ACCENTS, FONTS, PROSE, function_name, greek
from eingrad.papers.scan import TexPiece, group_behind, pieces

_PLAIN = frozenset({r"\mathbf", r"\boldsymbol", r"\bm", r"\mathit", r"\mathnormal", r"\pmb",
                    r"\textbf", r"\textit", r"\vec"})  # fmt: skip
_DERIVATIVE = re.compile(
    r"\\(?:partial|nabla)(?![A-Za-z])|\\[dtc]?frac\s*\{\s*(?:\\mathrm\s*\{\s*d\s*\}|\\?d(?![a-z])|"
    r"\\delta)\s*\^?"
    r"|\\[dtc]?frac\s*\{\s*d\s*(?:\\?[A-Za-z])(?:[^{}]|\{[^{}]*\})*\}\s*\{\s*d\s*\\?[A-Za-z]"
)
_CALLED = re.compile(r"(?<![A-Za-z])\\?([a-zA-Z]{2,})(?=\s*(?:\\left\s*)?\()")
_EXPONENTIAL = re.compile(r"(?<![A-Za-z\\])e\s*\^")
_WORD = re.compile(r"\\(?:text|textrm|mathrm|operatorname|textit|mathsf)\*?\s*\{([^{}]*)\}")


@dataclass(frozen=True)
class Head:
    """A tensor on a left side: its name as the document writes it, and its subscript's entries.

    ``font`` tells letters in script from others; ``apart`` says that a comma stands behind the
    first entry.
    """

    name: str
    entries: tuple[str, ...] = ()
    apart: bool = False
    arguments: bool = False


def is_derivative(text: str) -> bool:
    r"""Whether a side is a derivative: ``\frac{\partial L}{\partial w}``, ``\nabla_w L``.

    >>> is_derivative(r"\frac{dL}{dw}"), is_derivative(r"\frac{d}{2}")
    (True, True)
    """
    return _DERIVATIVE.search(text) is not None


def head_of(text: str) -> Head | None:
    r"""Return the tensor that a left side is, None where it is a formula.

    >>> head_of(r"\mathbf{W}^{(1)}_{ij}")
    Head(name='W^(1)', entries=('i', 'j'), apart=False, arguments=False)
    >>> head_of("a + b") is None
    True
    """
    text = text.strip()
    base, place = _base(text)
    if not base or function_name(base) is not None:
        return None
    known = base == "sigma"
    entries: tuple[str, ...] = ()
    apart = arguments = False
    upper = ""
    while place < len(text):
        piece = text[place]
        if piece.isspace():
            place += 1
        elif piece == "'":
            upper += "'"
            place += 1
        elif piece in "_^":
            inside, end = _script(text, place + 1)
            if piece == "^":
                upper += _upper(inside)
            else:
                words = [w for m in _WORD.finditer(inside) for w in [m[1].strip()] if len(w) > 1]
                base += "".join("_" + w for w in words)
                apart = "," in inside
                entries = tuple(_entries(_WORD.sub("", inside) if words else inside))
            place = end
        elif piece in "([" or text.startswith((r"\left(", r"\left["), place):
            if known or not _closes_at_end(text, place) or base in _arguments(text[place:]):
                return None
            arguments, place = True, len(text)
        elif text.startswith((r"\,", r"\!", r"\;"), place):
            place += 2
        else:
            return None
    if len(entries) == 1 and entries[0].isdecimal():  # B_1 and B_2 are two names
        base, entries = f"{base}_{entries[0]}", ()
    return Head(base + upper, entries, apart, arguments)


def is_of_several(text: str) -> bool:
    """Whether a formula is a name with several arguments, ``f(x, y)``, and nothing else."""
    head = head_of(text)
    return head is not None and head.arguments and "," in text.partition("(")[2]


def _base(text: str) -> tuple[str, int]:
    """Return a name without its scripts, and where it ends."""
    first = next(iter(pieces(text)), None)
    if first is None:
        return "", 0
    if first.text in FONTS | ACCENTS.keys():
        inside, end = group_behind(text, first.end)
        if not inside and (letter := next((p for p in pieces(text) if _is_letter(p, first)), None)):
            inside, end = letter.text, letter.end
        if "_" in inside or "^" in inside:  # \mathbf{y_i}
            return _base(inside)[0], end
        own = "".join(greek(p.text) or p.text for p in pieces(inside) if p.text not in "{} ")
        bare = first.text in _PLAIN or len(own) > 1
        return (own if bare else f"{first.text[1:]} {own}"), end
    name = greek(first.text)
    if name is not None:
        return name, first.end
    if first.text == "{":
        inside, end = group_behind(text, 0)
        own, rest = _base(inside)
        return (own, end) if rest == len(inside) else ("", 0)
    word = re.match(r"[A-Za-z]+(?=\s*(?:\Z|[_^(\[']))", text)
    if word and len(word[0]) > 1:
        return word[0], word.end()
    return (first.text, first.end) if first.text.isalpha() else ("", 0)


def _is_letter(piece: TexPiece, font: TexPiece) -> bool:
    return piece.place >= font.end and not piece.text.isspace()


def _script(text: str, place: int) -> tuple[str, int]:
    inside, end = group_behind(text, place)
    if end > place:
        return inside, end
    place += len(text[place:]) - len(text[place:].lstrip())
    piece = next(iter(pieces(text[place:])), None)
    if piece is None:
        return "", len(text)
    if piece.text in FONTS:
        inside, end = group_behind(text, place + piece.end)
        return text[place:end], end
    return piece.text, place + piece.end


def _upper(inside: str) -> str:
    bare = re.sub(r"[\s{}]|\\[,;!]", "", inside)
    return "" if bare in {r"\top", "T", r"\intercal", r"\mathsfT"} else f"^{bare}"


def _entries(inside: str) -> Iterable[str]:
    for piece in pieces(inside):
        if piece.text.isalnum() or greek(piece.text):
            yield piece.text
        elif piece.text == "'":
            yield "'"


def _closes_at_end(text: str, place: int) -> bool:
    """Whether the bracket that opens at a place closes where the text ends."""
    inner = [p for p in pieces(text[place:]) if p.text.strip()]
    return all(p.depth for p in inner[1:-1]) and inner[-1].depth == 0 and len(inner) > 1


def _arguments(text: str) -> frozenset[str]:
    """Return the letters of arguments in parentheses, none in brackets: p (1 - p) is a product."""
    return frozenset() if text.startswith("[") else letters_in(text)


def letters_of_names(text: str) -> frozenset[str]:
    r"""Return the letters of a formula but those of the functions that it calls by their names.

    >>> sorted(letters_of_names(r"2 sigmoid(z) + \sigma(x)"))
    ['x', 'z']
    """
    return letters_in(_CALLED.sub(lambda m: " " if _is_function(m[1]) else m[0], text))


def _is_function(word: str) -> bool:
    return word == "sigma" or function_name(word) is not None


def letters_in(text: str) -> frozenset[str]:
    r"""Return the letters of tensors in a formula, Greek ones by name; subscripts hold labels.

    >>> sorted(letters_in(r"\sigma(\mathbf{W} x_i) \text{ and } \log e^{y_{bk}}"))
    ['W', 'sigma', 'x', 'y']
    """
    found: set[str] = set()
    below: list[int] = []  # how deep the subscripts are that are open
    begins = False
    for piece in pieces(_EXPONENTIAL.sub("^", _WORD.sub(_word_letters, text))):
        if below and piece.depth <= below[-1] and piece.text == "}":
            below.pop()
        elif begins and piece.text.strip():
            begins = False
            if piece.text == "{":
                below.append(piece.depth)
        elif piece.text == "_":
            begins = True
        elif not below:
            name = greek(piece.text)
            letter = len(piece.text) == 1 and piece.text.isalpha()
            found |= {name} if name is not None else {piece.text} if letter else set()
    return frozenset(found)


def _word_letters(word: re.Match[str]) -> str:
    """Return what a word has of a name: nothing, if it is a function or prose."""
    prose = word[1] != word[1].strip() or " " in word[1] or word[1].rstrip(".,").lower() in PROSE
    return " " if prose or function_name(word[1]) else f" {word[1]} "


def joined_names(heads: Iterable[Head]) -> Mapping[tuple[str, int], str]:
    """Return the entries that belong to names: ``a`` of ``h_{a,h}`` where h has one label, too."""
    firsts: dict[tuple[str, int], set[str]] = {}
    ranks: dict[str, set[int]] = {}
    for head in heads:
        ranks.setdefault(head.name, set()).add(len(head.entries))
        if head.apart and head.entries:
            firsts.setdefault((head.name, len(head.entries)), set()).add(head.entries[0])
    return {
        (name, rank): min(found)
        for (name, rank), found in firsts.items()
        if len(found) == 1 and rank - 1 in ranks[name]
    }
