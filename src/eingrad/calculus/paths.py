"""In which order to multiply labelled factors, two at a time: the cheapest order of all where they
are few, and of many an order whose parts of a few factors are the cheapest ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from eingrad.core.expr import Labels
from eingrad.core.later import Later

if TYPE_CHECKING:
    import opt_einsum
else:
    opt_einsum = Later("opt_einsum")

EXACT_UP_TO = 8  # factors; a search tries 3^n splits

Pair = tuple[int, ...]
Size = Callable[[int], int]
"""How many entries there are over a set of labels, which is an integer's bits."""

_FINE = 1 << 12  # what is written breaks ties between equal numbers of operations


def pairs_of(
    inputs: Sequence[Labels], output: Labels, sizes: Mapping[int, int]
) -> tuple[Pair, ...]:
    """Return pairs of factors in an order with few operations; each result gets the next number.

    >>> pairs_of([(0, 1), (1, 2), (2, 3)], (0, 3), {0: 10, 1: 1000, 2: 10, 3: 1})
    ((1, 2), (0, 3))
    """
    if len(inputs) <= EXACT_UP_TO:
        return best_pairs(inputs, output, sizes)
    tree = _Tree(_greedy(inputs, output, sizes), inputs, output, sizes)
    tree.improve()
    return tree.pairs()


def best_pairs(
    inputs: Sequence[Labels], output: Labels, sizes: Mapping[int, int]
) -> tuple[Pair, ...]:
    """Return the pairs with the fewest operations; of equal orders those of the one that writes
    less, and that multiplies what shares a label.

    >>> best_pairs([(0, 1), (1, 2), (2, 3)], (0, 3), {0: 10, 1: 1000, 2: 10, 3: 1})
    ((1, 2), (0, 3))
    """
    number: dict[int, int] = {}
    for label in (*(k for labels in inputs for k in labels), *output):
        number.setdefault(label, len(number))
    masks = tuple(_mask(labels, number) for labels in inputs)
    return _best_of(masks, _mask(output, number), tuple(max(1, sizes[k]) for k in number))


def _mask(labels: Labels, number: Mapping[int, int]) -> int:
    return sum(1 << number[k] for k in set(labels))


@lru_cache(4096)
def _best_of(inputs: tuple[int, ...], output: int, extents: tuple[int, ...]) -> tuple[Pair, ...]:
    if len(inputs) < 2:
        return ()
    found = _search(inputs, output, _sizes(extents))
    number = {1 << k: k for k in range(len(inputs))}
    pairs: list[Pair] = []
    for s in reversed(found.subsets()):
        pairs.append((number[found.split[s]], number[s ^ found.split[s]]))
        number[s] = len(inputs) + len(pairs) - 1
    return tuple(pairs)


class _Orders(NamedTuple):
    """The best order of each set of factors (a set is an integer's bits): ``cost`` is that of all,
    ``split`` says in which two each set falls, ``kept`` the labels of each set's product."""

    cost: int
    split: list[int]
    kept: list[int]

    def subsets(self) -> list[int]:
        """Return the sets that are computed, each before those that it is made of."""
        order, stack = [], [len(self.split) - 1]
        while stack:
            s = stack.pop()
            if s & (s - 1):
                order.append(s)
                stack += [self.split[s], s ^ self.split[s]]
        return order


def _search(inputs: Sequence[int], output: int, size: Size) -> _Orders:
    """Find the best order of every set of the factors, the smaller ones first."""
    n = len(inputs)
    full = (1 << n) - 1
    union = [0] * (1 << n)
    for s in range(1, 1 << n):
        low = s & -s
        union[s] = union[s ^ low] | inputs[low.bit_length() - 1]
    kept = [union[s] & (union[full ^ s] | output) for s in range(1 << n)]
    for k in range(n):
        kept[1 << k] = inputs[k]
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
            own = cost[a] + cost[b] + _cost(kept[a], kept[b], written, size)
            if best is None or own < best:
                best, split[s] = own, a
        cost[s] = best or 0
    return _Orders(cost[full], split, kept)


def _cost(x: int, y: int, written: int, size: Size) -> int:
    """Return what a product of two costs: operations, and a little for what it writes."""
    apart = written if x & y == 0 and x and y else 0
    return size(x | y) * _FINE + written + apart


def _sizes(extents: Sequence[int]) -> Size:
    """Return how to count entries; label k has the k-th extent."""
    known: dict[int, int] = {}
    labels_of: dict[int, int] = {}  # the labels of each extent
    for k, extent in enumerate(extents):
        labels_of[extent] = labels_of.get(extent, 0) | 1 << k

    def size(bits: int) -> int:
        found = known.get(bits)
        if found is None:
            found = 1
            for extent, labels in labels_of.items():
                found *= extent ** (bits & labels).bit_count()
            known[bits] = found
        return found

    return size


# --- many factors: a tree whose parts of a few are searched ---
#
# A greedy order is quick and often far from the best. Here each part of its tree with up to `WIDTH`
# factors, the costliest first, takes its best order; a change may make another part worth a look,
# so the passes repeat until none helps. The bound is on the number of searches, not on the clock:
# the same product always gets the same order.

WIDTH = 7  # factors of a part: 3^7 / 2 splits
SEARCHES = 400  # of a product
LABELS = 100  # with more, a search takes longer, and there are fewer


def _greedy(
    inputs: Sequence[Labels], output: Labels, sizes: Mapping[int, int]
) -> list[tuple[int, int]]:
    """Return opt_einsum's greedy order as pairs."""
    letters = {label: opt_einsum.get_symbol(k) for k, label in enumerate(sizes)}
    sets = [frozenset(letters[k] for k in labels) for labels in inputs]
    size_of = {letters[k]: max(1, n) for k, n in sizes.items()}
    path = opt_einsum.paths.greedy(sets, frozenset(letters[k] for k in output), size_of, None)
    numbers = list(range(len(inputs)))
    pairs: list[tuple[int, int]] = []
    for group in path:
        chosen = [numbers[k] for k in group]
        for k in sorted(group, reverse=True):
            del numbers[k]
        while len(chosen) > 1:  # an order may name three factors or more at once
            left, right, *chosen = chosen
            pairs.append((left, right))
            chosen.insert(0, len(inputs) + len(pairs) - 1)
        numbers.append(chosen[0])
    return pairs


class _Tree:
    """Nodes are numbers: the factors, then one a pair. A set of labels is an integer's bits."""

    def __init__(
        self,
        pairs: Sequence[tuple[int, int]],
        inputs: Sequence[Labels],
        output: Labels,
        sizes: Mapping[int, int],
    ) -> None:
        number = {label: k for k, label in enumerate(sizes)}
        self.count, self.labels = len(inputs), len(sizes)
        self.size = _sizes([max(1, n) for n in sizes.values()])
        self.children: dict[int, tuple[int, int]] = {}
        self.open = dict(enumerate(_mask(labels, number) for labels in inputs))
        self.root = len(inputs) + len(pairs) - 1
        users = [0] * len(sizes)
        for labels in [*inputs, output]:
            for k in set(labels):
                users[number[k]] += 1
        self._build(pairs, users)
        self.fresh = self.root + 1

    def _build(self, pairs: Sequence[tuple[int, int]], users: list[int]) -> None:
        """Give each node the labels that something outside of it has."""
        for node, (left, right) in enumerate(pairs, self.count):
            self.children[node] = left, right
            a, b = self.open[left], self.open[right]
            shared, kept = a & b, a | b
            while shared:
                low = shared & -shared
                k = low.bit_length() - 1
                users[k] -= 1
                kept ^= low if users[k] == 1 else 0
                shared ^= low
            self.open[node] = kept

    def cost(self, node: int) -> int:
        left, right = self.children[node]
        return _cost(self.open[left], self.open[right], self.size(self.open[node]), self.size)

    def improve(self) -> None:
        """Search parts until a pass changes nothing or the searches are used up."""
        left = SEARCHES * LABELS // max(LABELS, self.labels)
        changed = True
        while changed:
            changed = False
            for node in sorted(self._nodes(), key=self.cost, reverse=True):
                if left == 0:
                    return
                if node in self.children and self._improve(node):
                    changed = True
                left -= 1

    def _nodes(self) -> list[int]:
        """Return the pairs' nodes, each before those that it is made of."""
        stack, found = [self.root], []
        while stack:
            node = stack.pop()
            if node in self.children:
                found.append(node)
                stack.extend(self.children[node])
        return found

    def _improve(self, root: int) -> bool:
        """Give the part below ``root`` its best order; return whether that is a new one."""
        frontier, inner = list(self.children[root]), [root]
        while len(frontier) < WIDTH:
            wide = [node for node in frontier if node in self.children]
            if not wide:
                break
            node = max(wide, key=self.cost)
            frontier.remove(node)
            frontier.extend(self.children[node])
            inner.append(node)
        if len(frontier) < 3:
            return False
        found = _search([self.open[node] for node in frontier], self.open[root], self.size)
        if found.cost >= sum(map(self.cost, inner)):
            return False
        for node in inner:
            del self.children[node]
        self._rebuild(root, found, frontier)
        return True

    def _rebuild(self, root: int, found: _Orders, frontier: Sequence[int]) -> None:
        """Put an order in the place of the part below ``root``."""
        node_of = {1 << k: node for k, node in enumerate(frontier)}
        node_of[len(found.split) - 1] = root
        for s in found.subsets():
            for half in (found.split[s], s ^ found.split[s]):
                if half not in node_of:
                    node_of[half] = self.fresh
                    self.fresh += 1
                    self.open[node_of[half]] = found.kept[half]
            self.children[node_of[s]] = node_of[found.split[s]], node_of[s ^ found.split[s]]

    def pairs(self) -> tuple[Pair, ...]:
        """Return the tree as pairs, factors before what is made of them."""
        number: dict[int, int] = {}
        result: list[Pair] = []
        for node in reversed(self._nodes()):
            result.append(tuple(number.get(x, x) for x in self.children[node]))
            number[node] = self.count + len(result) - 1
        return tuple(result)
