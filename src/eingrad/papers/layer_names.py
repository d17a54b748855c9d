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

_INDEX = re.compile(r"[(\[]?(?:\\langle|<)?\\?([A-Za-z]+)([-+]\d+)?(?:\\rangle|>)?[)\]]?")


def moving_labels(equations: Iterable[str]) -> MovingLabels:
    r"""Return the letters that are labels of layers and times in a document.

    >>> sorted(moving_labels([r"z^l = W^l a^{l-1}", r"a^l = \sigma(z^l)"]).labels)
    ['l']
    """
    found: list[Row] = []
    for text in equations:
        try:
            found += rows(tidied(Lexer(text)))
        except EingradError:  # what cannot be read shows nothing
            continue
    return MovingLabels.of(found)


def without_label(name: str, labels: Mapping[str, Moving]) -> str:
    """Return the name of a tensor without the label above it: delta of ``delta^L``.

    >>> without_label("delta^L", {"l": Moving("l", "L")}), without_label("a^(0)", {})
    ('delta', 'a^(0)')
    """
    base, _, upper = name.partition("^")
    index = _INDEX.fullmatch(upper)
    letters = {x for own in labels.values() for x in (own.letter, own.last)}
    return base if index is not None and index[1] in letters else name


def speaks_of_entry(name: str, labels: Mapping[str, Moving]) -> bool:
    """Whether a name has another index above it than a label alone: ``delta^L``, ``z^l+1``.

    >>> labels = {"l": Moving("l", "L")}
    >>> [speaks_of_entry(x, labels) for x in ("delta^L", "z^l+1", "z^l")]
    [True, True, False]
    """
    index = _INDEX.fullmatch(name.partition("^")[2])
    if index is None or without_label(name, labels) == name:
        return False
    return index[1] not in labels or index[2] is not None


__all__ = ["moving_labels", "speaks_of_entry", "without_label"]
