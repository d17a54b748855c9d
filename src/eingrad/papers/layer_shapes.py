r"""Shapes that a document shows of layers: ``w^l`` beside ``w^l_{jk}`` is a matrix."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise

from eingrad.notation.syntax import Moving
from eingrad.papers.axes_of_names import LOSSES, AxesOfNames, WrittenName, written_names
from eingrad.papers.heads import head_of, letters_in
from eingrad.papers.layer_names import LAYERS
from eingrad.papers.placed_rows import PlacedRow
from eingrad.papers.scope import Stated, letters_of_name

_INDEX = re.compile(
    r"\^\s*(?:\{\s*[(\[]\s*(?:\\ell|l)\s*[)\]]\s*\}|\{\s*(?:\\ell|l)\s*\}|\\ell(?![a-z])|l(?![A-Za-z]))"
)
_EXTENTS = ("Q", "R", "D", "K", "P", "M", "V", "U", "H")
_NEITHER = ("delta", "sigma", "phi", "varphi", "Delta")  # errors and functions
_BESIDE = re.compile(r"\s*(?:\\[,;!]|\\cdot(?![a-z]))?\s*")


def layer_shapes(
    lines: Sequence[PlacedRow],
    axes: AxesOfNames,
    labels: Mapping[str, Moving],
    declared: Collection[str],
) -> Iterator[Stated]:
    """Yield the shapes of what has a layer above it, where all of the document agrees on one.

    What has one label at its entries is a vector, what has two a matrix. So is a capital that is
    transposed, and a small letter behind a matrix is a vector.
    """
    sides = [(line.row.line, side.text) for line in lines for side in line.row.sides]
    index = _INDEX.search(" ".join(text for _, text in sides))
    free = letters_in(" ".join(text for _, text in sides))
    extent = next((x for x in _EXTENTS if x not in free), None)
    if index is None or extent is None or not labels.keys() & LAYERS:
        return
    layered = [(text, name) for _, text in sides for name in written_names(text) if name.layer]
    spelled = {name.key: text[name.start : name.base_end] for text, name in reversed(layered)}
    ranks = _ranks([name for _, name in layered], axes)
    for text in {text for _, text in sides}:
        for one, other in pairwise(written_names(text)):
            beside = _BESIDE.fullmatch(text[one.end : other.start])
            vector = other.layer and not other.turned and _may_be_vector(other.key)
            if beside and vector and one.layer and ranks.get(one.key) == 2:
                ranks.setdefault(other.key, 1)
    for k, (key, rank) in enumerate(sorted(ranks.items())):
        written = f"{spelled[key]}{index[0]}"
        head = head_of(written)
        if head is None or key in LOSSES or key.startswith(_NEITHER) or head.name in declared:
            continue
        extents = r" \times ".join([extent] * rank)
        yield Stated(
            -k - 1 - 64 * (len(lines) + 1), 0, (), head.name,
            rf"{written} \in \mathbb{{R}}^{{{extents}}}", letters_of_name(head.name), shape=True,
        )  # fmt: skip


def _ranks(names: Sequence[WrittenName], axes: AxesOfNames) -> dict[str, int]:
    """Return the axes of names by their labels, by their transposes, and by what the prose says."""
    counts: dict[str, set[int]] = {}
    for name in names:
        if name.labels:
            counts.setdefault(name.key, set()).add(name.labels)
    found = {key: min(own) for key, own in counts.items() if len(own) == 1 and max(own) < 3}
    for name in names:
        shown = [x.count for x in axes.least.get((name.key, 0), ()) if x.sure]
        if name.key not in counts and shown:
            capital = name.key[0].isupper()
            if capital or (max(shown) == 1 and _may_be_vector(name.key)):
                found[name.key] = 2 if capital else 1
    return found


def _may_be_vector(key: str) -> bool:
    return key[0].islower() and key[0] != "w"  # weights may be a matrix
