"""How long axes presumably are, where a module is written for any sizes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from eingrad.core.expr import Dim

ENTRIES = 18  # of a tensor, as a power of 2
USUAL_SIZE = 64  # of an axis of which nothing is known


def usual_sizes(tensors: Iterable[tuple[Dim, ...]]) -> Mapping[Dim, int]:
    """Return an extent for each named axis of some tensors, which are given by their axes.

    The tensors of a model have about equally many entries, so an axis that stands beside many
    others is short: the heads of an attention and what is in them, beside what they divide.

    >>> usual_sizes([("n", "d"), ("d", "h", "k"), ("n", "h", "k")])
    {'n': 64, 'd': 64, 'h': 64, 'k': 64}
    >>> usual_sizes([("n", "d"), ("d", "e"), ("e", "h", "k")])
    {'n': 512, 'd': 512, 'e': 64, 'h': 64, 'k': 64}
    """
    most: dict[Dim, int] = {}
    for dims in tensors:
        for d in dims:
            if isinstance(d, str):
                most[d] = max(most.get(d, 2), len(dims))
    return {d: round(2 ** (ENTRIES / n)) for d, n in most.items()}
