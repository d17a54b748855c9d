"""In which order to contract a product of many tensors: paths, their cost, and a printed table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import opt_einsum as oe

from eingrad.calculus.paths import EXACT_UP_TO, Pair, best_pairs
from eingrad.core.algebra import einsum
from eingrad.core.expr import Einsum, Expr, Labels
from eingrad.core.product import shared_products
from eingrad.core.rewrite import rewrite


@dataclass(frozen=True, slots=True)
class Contraction:
    """One step of a path: contract operands ``left`` and ``right``; -1 stands for no operand.

    The inputs are operands 0, 1, ..., and the result of step k is operand ``len(inputs) + k``.
    """

    left: int
    right: int
    inputs: tuple[Labels, Labels]
    output: Labels
    flops: int
    size: int


@dataclass(frozen=True, slots=True)
class ContractionPath:
    """The steps that compute a product, with their cost."""

    inputs: tuple[Labels, ...]
    output: Labels
    steps: tuple[Contraction, ...]

    @property
    def flops(self) -> int:
        """The number of operations, a multiplication and an addition each one."""
        return sum(step.flops for step in self.steps)

    @property
    def largest_intermediate(self) -> int:
        """The number of entries of the largest result of a step."""
        return max((step.size for step in self.steps), default=0)

    def __str__(self) -> str:
        rows = [
            f"{k:>4}  {equation(step.inputs, step.output):<28} {step.flops:>14,} {step.size:>14,}"
            for k, step in enumerate(self.steps)
        ]
        head = f"{'step':>4}  {'product':<28} {'FLOPs':>14} {'entries':>14}"
        foot = f"      {'in all':<28} {self.flops:>14,} {self.largest_intermediate:>14,}"
        return "\n".join([head, *rows, foot])


def contraction_path(
    inputs: Sequence[Labels], output: Labels, sizes: Mapping[int, int]
) -> ContractionPath:
    """Return pairwise steps for a product: the cheapest ones where an exact search is quick.

    >>> sizes = {0: 10, 1: 1000, 2: 10, 3: 1}
    >>> contraction_path([(0, 1), (1, 2), (2, 3)], (0, 3), sizes).flops  # A (B c), not (A B) c
    20000
    """
    remaining: dict[int, Labels] = dict(enumerate(tuple(dict.fromkeys(ls)) for ls in inputs))
    count: dict[int, int] = {}
    for labels in [*remaining.values(), output]:
        for label in set(labels):
            count[label] = count.get(label, 0) + 1
    steps: list[Contraction] = []
    for pair in _ssa_path([*remaining.values()], output, sizes):
        operands = [remaining.pop(k) for k in pair]
        for labels in operands:
            for label in labels:
                count[label] -= 1
        everything = dict.fromkeys(label for labels in operands for label in labels)
        result = tuple(label for label in everything if count[label] > 0)
        for label in result:
            count[label] += 1
        if len(steps) == len(inputs) - 2:
            result = tuple(label for label in output if label in everything)
        left, right = pair[0], pair[1] if len(pair) > 1 else -1
        steps.append(Contraction(
            left, right, (operands[0], operands[1] if len(pair) > 1 else ()), result,
            math.prod(sizes[k] for k in everything), math.prod(sizes[k] for k in result),
        ))  # fmt: skip
        remaining[len(inputs) + len(steps) - 1] = result
    return ContractionPath(tuple(inputs), tuple(output), tuple(steps))


def _ssa_path(
    inputs: Sequence[Labels], output: Labels, sizes: Mapping[int, int]
) -> list[tuple[int, ...]]:
    """Return pairs of operand numbers; each result gets the next number."""
    if len(inputs) <= 2:
        return [tuple(range(len(inputs)))]
    if len(inputs) <= EXACT_UP_TO:
        return list(best_pairs(inputs, output, sizes))
    letters = {label: oe.get_symbol(k) for k, label in enumerate(sizes)}
    sets = [frozenset(letters[k] for k in labels) for labels in inputs]
    out = frozenset(letters[k] for k in output)
    size_of = {letters[k]: max(1, n) for k, n in sizes.items()}
    path = oe.paths.greedy(sets, out, size_of, None)
    ids = list(range(len(inputs)))
    result: list[tuple[int, ...]] = []
    for group in path:
        chosen = [ids[k] for k in group]
        for k in sorted(group, reverse=True):
            del ids[k]
        while len(chosen) > 1:  # a path may name three operands or more at once
            left, right, *chosen = chosen
            result.append((left, right))
            chosen.insert(0, len(inputs) + len(result) - 1)
        ids.append(chosen[0])
    return reconfigure(result, inputs, output, sizes)


def equation(
    inputs: Sequence[Labels], output: Labels, names: Mapping[int, str] | None = None
) -> str:
    """Return a product's subscripts as text.

    >>> equation([(0, 1), (1, 2)], (0, 2))
    'ab,bc->ac'
    """
    name = names or {}

    def text(labels: Labels) -> str:
        return "".join(name.get(k) or oe.get_symbol(k) for k in labels)

    return ",".join(text(ls) for ls in inputs if ls or len(inputs) == 1) + "->" + text(output)


# --- reconfigured: a tree whose parts of few operands are searched exactly ---
#
# A greedy path is quick and often far from the best. Here each part of the tree with up to `WIDTH`
# operands, the costliest first, takes its best order; a change may make another part worth a look,
# so the passes repeat until none helps. The bound is on the number of searches, not on the clock:
# the same product always gets the same path.

WIDTH = 7  # operands of a part: 3^7 / 2 splits
SEARCHES = 400  # of a product
LABELS = 100  # with more, a search takes longer, and there are fewer

Nested = int | tuple["Nested", "Nested"]


def reconfigure(
    pairs: Sequence[Pair], inputs: Sequence[Labels], output: Labels, sizes: Mapping[int, int]
) -> list[Pair]:
    """Return pairs of operand numbers, at most as costly; each result gets the next number."""
    tree = _Tree(pairs, inputs, output, sizes)
    tree.improve()
    return tree.pairs()


class _Tree:
    """Nodes are numbers: the inputs, then one a pair. A set of labels is an integer's bits."""

    def __init__(
        self,
        pairs: Sequence[Pair],
        inputs: Sequence[Labels],
        output: Labels,
        sizes: Mapping[int, int],
    ) -> None:
        self.bit = {label: 1 << k for k, label in enumerate(sizes)}
        self.labels_of: dict[int, int] = {}  # the labels of each extent
        for label, n in sizes.items():
            extent = max(1, n)
            self.labels_of[extent] = self.labels_of.get(extent, 0) | self.bit[label]
        self.size: dict[int, int] = {}
        self.children: dict[int, tuple[int, int]] = {}
        self.open = dict(enumerate(self._bits(labels) for labels in inputs))
        self.root = len(inputs) + len(pairs) - 1
        count = [0] * len(sizes)
        for labels in [*inputs, output]:
            for k in set(labels):
                count[self.bit[k].bit_length() - 1] += 1
        self._build(pairs, count)
        self.fresh = self.root + 1

    def _bits(self, labels: Labels) -> int:
        return sum(self.bit[k] for k in set(labels))

    def _build(self, pairs: Sequence[Pair], count: list[int]) -> None:
        """Give each node the labels that something outside of it has."""
        for node, (left, right) in enumerate(pairs, len(self.open)):
            self.children[node] = left, right
            a, b = self.open[left], self.open[right]
            shared, kept = a & b, a | b
            while shared:
                low = shared & -shared
                k = low.bit_length() - 1
                count[k] -= 1
                kept ^= low if count[k] == 1 else 0
                shared ^= low
            self.open[node] = kept

    def size_of(self, bits: int) -> int:
        """Return the number of entries over a set of labels."""
        known = self.size.get(bits)
        if known is None:
            known = 1
            for extent, labels in self.labels_of.items():
                known *= extent ** (bits & labels).bit_count()
            self.size[bits] = known
        return known

    def cost(self, node: int) -> int:
        left, right = self.children[node]
        return self.size_of(self.open[left] | self.open[right])

    def improve(self) -> None:
        """Search parts until a pass changes nothing or the searches are used up."""
        left = SEARCHES * LABELS // max(LABELS, len(self.bit))
        changed = True
        while changed:
            changed = False
            for node in sorted(self._nodes(), key=self.cost, reverse=True):
                if left == 0:
                    return
                if node in self.children and self._search(node):
                    changed = True
                left -= 1

    def _nodes(self) -> list[int]:
        stack, found = [self.root], []
        while stack:
            node = stack.pop()
            if node in self.children:
                found.append(node)
                stack.extend(self.children[node])
        return found

    def _search(self, root: int) -> bool:
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
        cost, order = self._best(frontier, self.open[root])
        if cost >= sum(map(self.cost, inner)):
            return False
        for node in inner:
            del self.children[node]
        assert isinstance(order, tuple)
        self._rebuild(root, order, frontier)
        return True

    def _best(self, nodes: Sequence[int], outside: int) -> tuple[int, Nested]:
        """Return the least cost of contracting nodes, and the order."""
        n = len(nodes)
        union = [0] * (1 << n)
        for s in range(1, 1 << n):
            low = s & -s
            union[s] = union[s ^ low] | self.open[nodes[low.bit_length() - 1]]
        full = (1 << n) - 1
        kept = [union[s] & (union[full ^ s] | outside) for s in range(1 << n)]
        best: list[tuple[int, Nested]] = [(0, 0)] * (1 << n)
        for s in range(1, 1 << n):
            if s & (s - 1) == 0:
                best[s] = 0, s.bit_length() - 1
                continue
            found: tuple[int, Nested] | None = None
            a = (s - 1) & s
            while a > (b := s ^ a):  # each split once
                cost = best[a][0] + best[b][0] + self.size_of(kept[a] | kept[b])
                if found is None or cost < found[0]:
                    found = cost, (best[a][1], best[b][1])
                a = (a - 1) & s
            assert found is not None
            best[s] = found
        return best[full]

    def _rebuild(self, root: int, order: tuple[Nested, Nested], frontier: Sequence[int]) -> None:
        """Put an order in the place of the part below ``root``."""
        outside = self.open[root]

        def place(part: Nested, around: int, node: int | None = None) -> int:
            if isinstance(part, int):
                return frontier[part]
            if node is None:
                node, self.fresh = self.fresh, self.fresh + 1
            halves = [self._union(half, frontier) for half in part]
            left = place(part[0], around | halves[1])
            right = place(part[1], around | halves[0])
            self.children[node] = left, right
            self.open[node] = (halves[0] | halves[1]) & around
            return node

        place(order, outside, root)

    def _union(self, part: Nested, frontier: Sequence[int]) -> int:
        if isinstance(part, int):
            return self.open[frontier[part]]
        return self._union(part[0], frontier) | self._union(part[1], frontier)

    def pairs(self) -> list[Pair]:
        """Return the tree as pairs, operands before what is made of them."""
        count = self.root - len(self.children)  # number of the last input
        stack, order = [self.root], []
        while stack:
            node = stack.pop()
            if node in self.children:
                order.append(node)
                stack.extend(self.children[node])
        number: dict[int, int] = {}
        result: list[Pair] = []
        for node in reversed(order):
            result.append(tuple(number.get(x, x) for x in self.children[node]))
            number[node] = count + len(result)
        return result


# --- products of many tensors -> products of two, before differentiation ---
#
# The derivative of a tree of products of two is again such products: every gradient uses the
# intermediates of the forward tree and those of the other gradients. All gradients of n operands
# together then cost about twice the forward pass, instead of n contractions of n operands.


@shared_products()
def pairwise(roots: Sequence[Expr], sizes: Mapping[str, int] | None = None) -> list[Expr]:
    """Split each product of three tensors or more along its contraction path.

    ``sizes`` are those of named dimensions; a product with a dimension of unknown size stays.

    >>> from eingrad.core.expr import Var
    >>> a, b, c = Var("A", (2, 3)), Var("B", (3, 4)), Var("C", (4, 5))
    >>> abc = einsum([(a, (0, 1)), (b, (1, 2)), (c, (2, 3))], (0, 3))
    >>> len(abc.operands), len(pairwise([abc])[0].operands)
    (3, 2)
    """
    known = sizes or {}

    def split(node: Expr) -> Expr | None:
        if not isinstance(node, Einsum) or not _worth_splitting(node):
            return None
        extents = [known.get(d) if isinstance(d, str) else d for d in node.extents]
        if any(n is None for n in extents):
            return None
        return _along_path(node, {k: n for k, n in enumerate(extents) if n is not None})

    return rewrite(roots, split)


def _worth_splitting(node: Einsum) -> bool:
    if len(node.operands) > 2:
        return all(x.ndim and not x.has_delta for x in node.operands)
    return len(node.operands) == 2 and any(_private(node, k) for k in range(2))


def _private(node: Einsum, k: int) -> set[int]:
    """Return the summed labels that operand k alone has."""
    others = {label for j, labels in enumerate(node.inputs) if j != k for label in labels}
    return set(node.inputs[k]) - others - set(node.output)


def _along_path(node: Einsum, sizes: Mapping[int, int]) -> Expr:
    count: dict[int, int] = dict.fromkeys(node.output, 2)
    for labels in node.inputs:
        for label in set(labels):
            count[label] = count.get(label, 0) + 1
    operands: list[tuple[Expr, Labels]] = []
    for x, labels in zip(node.operands, node.inputs, strict=True):
        kept = tuple(dict.fromkeys(k for k in labels if count[k] > 1))
        if any(count[k] == 1 for k in labels):
            operands.append((einsum([(x, labels)], kept), kept))
        else:
            operands.append((x, labels))
    path = contraction_path([labels for _, labels in operands], node.output, sizes)
    for step in path.steps:
        pair = [operands[step.left], operands[step.right]]
        operands.append((einsum(pair, step.output), step.output))
    result, labels = operands[-1]
    return einsum([(result, labels)], node.output)
