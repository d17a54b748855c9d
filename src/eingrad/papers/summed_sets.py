r"""Sums over a set that a document takes whole, ``\sum_{d \in D}``: over all entries of an axis."""

from __future__ import annotations

import re
from collections.abc import Sequence

from eingrad.papers.heads import letters_in

_NAME = r"\\?[A-Za-z]+(?:\s*\{\s*[A-Za-z]+\s*\})?"
_OVER = re.compile(
    rf"(\\sum\s*(?:\\limits\s*)?_\s*)\{{\s*\{{?([a-z])\}}?\s*\\in\s*\{{?({_NAME})\}}?\s*\}}"
)
_COUNT = re.compile(
    r"((?:\\left\s*)?(?:\||\\[lv]?vert(?![a-z]))\s*)"
    rf"\{{?({_NAME})\}}?(\s*(?:\\right\s*)?(?:\||\\[rv]?vert(?![a-z])))"
)
_SUMMED = re.compile(
    r"\\(?:sum|prod)\s*(?:\\limits\s*)?_\s*(?:\{((?:[^{}]|\{[^{}]*\})*)\}|([a-z]))"
)
_MEMBER = re.compile(r"(?<![A-Za-z\\])\{?([a-z])\}?\s*\\in(?![a-z])\s*([^,;}]*)")


class SummedSets:
    """The sets of a document that take the place of axes: all its sums by a label go over one.

    Where a label stands under other sums, too, or in another set, or is a quantity, a set may
    leave out entries.
    """

    def __init__(self, rows: Sequence[Sequence[str]]) -> None:
        whole = " ; ".join(side for row in rows for side in row)
        spoken = letters_in(whole) - {"d"}  # of d/dx
        sets: dict[str, set[str]] = {}
        for label, name in _MEMBER.findall(whole):
            sets.setdefault(label, set()).add(_bare(name))
        over = {label: _bare(name) for _, label, name in _OVER.findall(whole)}
        sums = [re.findall("[a-z]", re.sub(r"\\[A-Za-z]+", " ", a or b))[:1]
                for a, b in _SUMMED.findall(_OVER.sub(" ", whole))]  # fmt: skip
        others = {x for own in sums for x in own}
        self.labels = {
            label: name for label, name in over.items()
            if sets[label] == {name} and label not in others and label not in spoken
        }  # fmt: skip

    def spelled(self, text: str) -> str:
        r"""Return a formula with sums over axes, and ``|d|`` for the ``|D|`` of a set D."""
        labels = {_bare(name): label for _, label, name in _OVER.findall(text)}
        labels = {name: label for name, label in labels.items() if self.labels.get(label) == name}
        if not labels:
            return text

        def whole(found: re.Match[str]) -> str:
            return f"{found[1]}{{{found[2]}}}" if _bare(found[3]) in labels else found[0]

        def count(found: re.Match[str]) -> str:
            label = labels.get(_bare(found[2]))
            return found[0] if label is None else f"{found[1]}{label}{found[3]}"

        return _COUNT.sub(count, _OVER.sub(whole, text))


def _bare(text: str) -> str:
    return re.sub(r"[\s{}]", "", text)
