r"""Names with the label of a layer above them: ``\delta^L`` is delta, as ``\delta^l`` is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from eingrad.errors import EingradError
from eingrad.notation.syntax import Moving
from eingrad.notation.tex.latex_tokens import Lexer
from eingrad.notation.tex.rows import Row, rows
from eingrad.notation.tex.superscripts import MovingLabels
from eingrad.notation.tex.tidy import tidied

LAYERS = frozenset({"l", "ell"})  # the labels of layers: a loss is a function of the last one
_INDEX = re.compile(r"[(\[]?(?:\\langle|<)?\\?([A-Za-z]+)([-+]\d+)?(?:\\rangle|>)?[)\]]?")
_RANGE = re.compile(
    r"(?:\\ell|(?<![a-zA-Z\\])[lL](?![a-zA-Z])|\d|[-+=<>,.\s{}()]|\\[,;{}]|\\(?:leq?|geq?|lt|gt|in|to"
    r"|[lc]?dots|rightarrow|forall|quad|neq?)(?![a-z]))+"
)  # l < L, 2 \leq \ell \leq L


def moving_labels(equations: Iterable[str]) -> MovingLabels:
    r"""Return the letters that are labels of layers and times in a document.

    >>> sorted(moving_labels([r"z^l = W^l a^{l-1}", r"a^l = \sigma(z^l)"]).labels)
    ['l']
    """
    found: list[Row] = []
    for text in equations:
        if _RANGE.fullmatch(text) is not None:
            continue  # l = 2, \\dots, L says which values it has, and no number is l
        try:
            found += rows(tidied(Lexer(text)))
        except EingradError:  # what cannot be read shows nothing
            continue
    return MovingLabels.of(found)


def with_label(name: str, labels: Mapping[str, Moving]) -> str:
    """Return the name of a tensor of which one with an index above it is an entry.

    >>> with_label("delta^L", {"l": Moving("l", "L")}), with_label("a^(0)", {})
    ('delta^l', 'a^(0)')
    """
    base, _, upper = name.partition("^")
    index = _INDEX.fullmatch(upper)
    own = (x.letter for x in labels.values() if index and index[1] in {x.letter, x.last})
    letter = next(own, None)
    return name if letter is None else f"{base}^{letter}"


def range_of(name: str, labels: Mapping[str, Moving]) -> str:
    r"""Say in LaTeX that the index above a name is the label of a layer, "" where it is none.

    >>> range_of("z^(l)", {"l": Moving("l", "L")}), range_of("z^L", {"l": Moving("l", "L")})
    ('l = 1, \\ldots, L', '')
    """
    index = _INDEX.fullmatch(name.partition("^")[2])
    own = None if index is None or index[2] else labels.get(index[1])
    if own is None or own.letter not in LAYERS:
        return ""
    return rf"{'l' if own.letter == 'l' else chr(92) + own.letter} = 1, \ldots, {own.last}"


def speaks_of_entry(name: str, labels: Mapping[str, Moving]) -> bool:
    """Whether a name has another index above it than a label alone: ``delta^L``, ``z^l+1``.

    >>> labels = {"l": Moving("l", "L")}
    >>> [speaks_of_entry(x, labels) for x in ("delta^L", "z^l+1", "z^l")]
    [True, True, False]
    """
    index = _INDEX.fullmatch(name.partition("^")[2])
    if index is None or with_label(name, labels) == name:
        return False
    return index[1] not in labels or index[2] is not None


__all__ = ["LAYERS", "moving_labels", "range_of", "speaks_of_entry", "with_label"]
