"""In which order to multiply a few labelled factors, two at a time: the cheapest order of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from eingrad.core.expr import Labels

EXACT_UP_TO = 8  # factors; a search tries 3^n splits

Pair = tuple[int, ...]

_FINE = 1 << 12  # what is written breaks ties between equal numbers of operations


def best_pairs(
    inputs: Sequence[Labels], output: Labels, sizes: Mapping[int, int]
) -> tuple[Pair, ...]:
    """Return pairs of factors in the order with the fewest operations; each result gets the next
    number. Of equal orders the one that writes less, and that multiplies what shares a label.

    >>> best_pairs([(0, 1), (1, 2), (2, 3)], (0, 3), {0: 10, 1: 1000, 2: 10, 3: 1})
    ((1, 2), (0, 3))
    """
    number: dict[int, int] = {}
    for label in (*(k for labels in inputs for k in labels), *output):
        number.setdefault(label, len(number))
    masks = tuple(_mask(labels, number) for labels in inputs)
    return _search(masks, _mask(output, number), tuple(max(1, sizes[k]) for k in number))


def _mask(labels: Labels, number: Mapping[int, int]) -> int:
    return sum(1 << number[k] for k in set(labels))


@lru_cache(4096)
def _search(inputs: tuple[int, ...], output: int, extents: tuple[int, ...]) -> tuple[Pair, ...]:
    """Find the best order of every subset of the factors, the smaller ones first."""
    n = len(inputs)
    full = (1 << n) - 1
    union = [0] * (1 << n)
    for s in range(1, 1 << n):
        low = s & -s
        union[s] = union[s ^ low] | inputs[low.bit_length() - 1]
    kept = [union[s] & (union[full ^ s] | output) for s in range(1 << n)]
    for k in range(n):
        kept[1 << k] = inputs[k]
    size = _sizes(extents)
    cost, split = [0] * (1 << n), [0] * (1 << n)
    for s in range(1, 1 << n):
        if s & (s - 1) == 0:
            continue
        best, written = None, size(kept[s])
        low = s & -s
        a = s
        while a := (a - 1) & s:
            if not a & low:  # each split once
                continue
            b = s ^ a
            x, y = kept[a], kept[b]
            apart = written if x & y == 0 and x and y else 0
            own = cost[a] + cost[b] + size(x | y) * _FINE + written + apart
            if best is None or own < best:
                best, split[s] = own, a
        cost[s] = best or 0
    return _pairs(n, split)


def _sizes(extents: tuple[int, ...]) -> Callable[[int], int]:
    """Return how to count the entries over a set of labels."""
    known: dict[int, int] = {0: 1}

    def size(bits: int) -> int:
        found = known.get(bits)
        if found is None:
            low = bits & -bits
            found = known[bits] = extents[low.bit_length() - 1] * size(bits ^ low)
        return found

    return size


def _pairs(n: int, split: Sequence[int]) -> tuple[Pair, ...]:
    """Return the splits of the whole as pairs of numbers, operands before what is made of them."""
    order, stack = [], [(1 << n) - 1]
    while stack:
        s = stack.pop()
        if s & (s - 1):
            order.append(s)
            stack += [split[s], s ^ split[s]]
    number = {1 << k: k for k in range(n)}
    pairs = []
    for s in reversed(order):
        pairs.append((number[split[s]], number[s ^ split[s]]))
        number[s] = n + len(pairs) - 1
    return tuple(pairs)
