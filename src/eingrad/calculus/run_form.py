"""The form to run: of equal expressions the one that is cheapest for the sizes at hand.

The form to read pulls out what terms have in common: ``G_td (V_sd - O_td)`` is short, and an array
over t, s and d, which no term is. Here such a sum is multiplied out, as far as the product sums the
labels that make it large: ``G_td V_sd - G_td O_td`` is a matrix product less a sum of rows, and
what stands around both stays. Of the places up to which that may be done, and of doing nothing, the
one with the fewest operations and the fewest entries read and written is taken, each part counted
once, whoever needs it.

A sum one of whose terms has all its labels is never multiplied out: that would save no memory, and
``(x - mu)^2`` would lose its digits; for the same reason neither is a square.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from eingrad.calculus.paths import EXACT_UP_TO, best_pairs
from eingrad.calculus.windows import with_windows
from eingrad.core.algebra import add, einsum, is_light
from eingrad.core.expr import Delta, Dim, Einsum, Expr, Labels, Map, Reduce, postorder
from eingrad.core.labelling import Factor
from eingrad.core.product import shared_products, size
from eingrad.core.rewrite import rebuild, rewrite

ROUNDS = 6  # passes over a graph: what was multiplied out may stand in another product
MAX_TERMS = 12  # of a sum that is multiplied out
MAX_USERS = 16  # products that have it as a factor
TRAFFIC = 8  # operations in whose time an entry is read or written


@shared_products()
def form_to_run(roots: Sequence[Expr], size_of: Callable[[Dim], int]) -> list[Expr]:
    """Return equal expressions that cost no more.

    >>> from eingrad.core.algebra import repeat
    >>> from eingrad.core.expr import Var
    >>> g, v, o = Var("G", (50, 9)), Var("V", (60, 9)), Var("O", (50, 9))
    >>> total = add(repeat(v, (50, 60, 9), (1, 2)), repeat(o, (50, 60, 9), (0, 2)))
    >>> root = einsum([(g, (0, 2)), (total, (0, 1, 2))], (0, 1))
    >>> [max(x.ndim for x in postorder([r])) for r in (root, *form_to_run([root], lambda n: n))]
    [3, 2]
    """
    roots = list(roots)
    for _ in range(ROUNDS):
        better = _Graph(roots, size_of).better()
        if not better:
            break
        roots = _replaced(roots, better)
    return with_windows(roots, size_of)


def _replaced(roots: Sequence[Expr], better: Mapping[Expr, Expr]) -> list[Expr]:
    """Put nodes in the place of others; what replaces one may stand above others."""
    new: dict[Expr, Expr] = {}
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        node, ready = stack.pop()
        if node in new:
            continue
        below = (better[node],) if node in better else node.operands
        if not ready:
            stack.append((node, True))
            stack += [(x, False) for x in below if x not in new]
        elif node in better:
            new[node] = new[better[node]]
        else:
            new[node] = rebuild(node, [new[x] for x in node.operands]) if below else node
    return [new[root] for root in roots]


class _Graph:
    """What is computed at present, and by how many nodes each part of it is needed."""

    def __init__(self, roots: Sequence[Expr], size_of: Callable[[Dim], int]) -> None:
        self.size_of, self.nodes = size_of, list(postorder(roots))
        self.there, self.users = set(self.nodes), Counter(roots)
        self.products: dict[Expr, list[Einsum]] = {}
        for node in self.nodes:
            for x in set(node.operands):
                self.users[x] += 1
                if isinstance(x, Map) and x.function == "add" and _is_heavy(node):
                    self.products.setdefault(x, []).append(node)  # type: ignore[arg-type]

    def size(self, dims: Iterable[Dim]) -> int:
        return math.prod(map(self.size_of, dims))

    def better(self) -> dict[Expr, Expr]:
        """Return products, and what is cheaper, where a sum is worth multiplying out."""
        found: dict[Expr, Expr] = {}
        for total, users in self.products.items():
            if self._may_go(total, users) and found.keys().isdisjoint(users):
                found |= self._multiplied_out(total, users)
        return found

    def _may_go(self, total: Expr, users: Sequence[Einsum]) -> bool:
        """Whether a sum is needed by products alone, and is larger than all that it is made of."""
        if self.users[total] > len(users) or len(users) > MAX_USERS:
            return False
        if len(total.operands) > MAX_TERMS:
            return False
        if any(u.operands.count(total) > 1 or _has_diagonal(u, total) for u in users):
            return False
        entries = self.size(total.dims)
        opened = [self._opened(t, tuple(range(t.ndim)), t.ndim)[0] for t in total.operands]
        return all(self.size(x.dims) < entries or isinstance(x, Delta)
                   for factors in opened for x, _ in factors)  # fmt: skip

    def _opened(self, term: Expr, labels: Labels, fresh: int) -> tuple[list[Factor], set[Expr]]:
        """Return the factors of a term, and the products in it that are needed here alone.

        The factors of these are among the former; labels from ``fresh`` on name what they sum.
        """
        factors: list[Factor] = []
        inside: set[Expr] = set()
        stack = [(term, labels, self.users[term] <= 1)]
        while stack:
            x, own, alone = stack.pop()
            if isinstance(x, Einsum) and (is_light(x) or alone):
                inside |= set() if is_light(x) else {x}
                name = dict(zip(x.output, own, strict=True))
                for label in x.summed:
                    name[label], fresh = fresh, fresh + 1
                stack += [(y, tuple(name[k] for k in ls), alone and self.users[y] <= 1)
                          for y, ls in zip(x.operands, x.inputs, strict=True)]  # fmt: skip
            else:
                factors.append((x, own))
        return factors, inside

    def _multiplied_out(self, total: Expr, users: Sequence[Einsum]) -> dict[Expr, Expr]:
        """Return new products for all that have a sum as a factor, if they cost less together."""
        gone: set[Expr] = {total, *users}
        for term in total.operands:
            gone |= self._opened(term, tuple(range(term.ndim)), term.ndim)[1]
        costs = _Costs(self.size, self.there - gone)
        before = costs.together(gone)
        new: dict[Expr, Expr] = {}
        for user in users:
            choices = [x for x in self._choices(user, total) if costs.of([x]) is not None]
            if not choices:
                return {}
            new[user] = min(choices, key=lambda x: costs.of([x]) or 0)
            costs.there.update(costs.needed([new[user]]))
        after = _Costs(self.size, self.there - gone).of(new.values())
        return new if after is not None and before is not None and after < before else {}

    def _choices(self, product: Einsum, total: Expr) -> Iterator[Expr]:
        """Yield a product with a sum multiplied by more and more of the other factors.

        They are taken in the order in which the sum as a whole would meet them.
        """
        pairs = list(zip(product.operands, product.inputs, strict=True))
        here = product.operands.index(total)
        groups = self._groups(total, product.inputs[here], len(product.extents))
        extents = dict(enumerate(product.extents))
        if len(groups) < 2:
            return
        for inside in self._met(product, here):
            near = [f for k, f in enumerate(pairs) if k in inside and k != here]
            far = [f for k, f in enumerate(pairs) if k not in inside]
            outer = {*product.output, *(k for _, labels in far for k in labels)}
            inner = {*product.inputs[here], *(k for _, labels in near for k in labels)}
            own = dict.fromkeys((*product.inputs[here], *sorted(inner)))  # for every user alike
            kept = tuple(k for k in own if k in inner & outer)
            terms = [self._times(near, group, inner, kept, extents) for group in groups]
            yield einsum([*far, (add(*terms), kept)], product.output, extents)

    def _times(
        self, near: list[Factor], group: list[Factor], inner: set[int], kept: Labels,
        extents: Mapping[int, Dim],
    ) -> Expr:  # fmt: skip
        """Multiply terms of the sum; along a label that they lack each is repeated."""
        factors = [*near, *group]
        present = {k for _, labels in factors for k in labels}
        missing = inner - present - set(kept)
        counts = [(size(extents[k]), ()) for k in sorted(missing)]
        return einsum([*factors, *counts], kept, extents)

    def _met(self, product: Einsum, here: int) -> Iterator[set[int]]:
        """Yield the factors that the one in place ``here`` has met, after each step of a path."""
        merged: dict[frozenset[int], set[int]] = {}
        for k, labels in enumerate(product.inputs):
            merged.setdefault(frozenset(labels) if k != here else frozenset([-1]), set()).add(k)
        parts = list(merged.values())
        if len(parts) > EXACT_UP_TO:
            return
        inputs = [product.inputs[min(part)] for part in parts]
        sizes = {k: self.size_of(d) for k, d in enumerate(product.extents)}
        for left, right in best_pairs(inputs, product.output, sizes):
            parts.append(parts[left] | parts[right])
            if here in parts[-1]:
                yield parts[-1]

    def _groups(self, total: Expr, labels: Labels, fresh: int) -> list[list[Factor]]:
        """Return the terms of a sum, those with the same labels together, as factors of a product.

        A product that no factor of it is as large as is a group by itself, its factors apart.
        """
        apart: list[list[Factor]] = []
        alike: dict[frozenset[int], list[Expr]] = {}
        for term in total.operands:
            factors, inside = self._opened(term, labels if term.ndim else (), fresh)
            own = frozenset(k for _, ls in factors for k in ls).intersection(labels)
            if inside and not any(own <= set(ls) for _, ls in factors):
                apart.append(factors)
            else:
                alike.setdefault(own, []).append(term)
        for own, terms in alike.items():
            kept = tuple(k for k in labels if k in own)
            own_factors = (self._opened(x, labels if x.ndim else (), fresh)[0] for x in terms)
            lean = [einsum(factors, kept) for factors in own_factors]
            apart.append([(add(*lean), kept)])
        return apart


class _Costs:
    """What nodes cost beside those that are ``there``."""

    def __init__(self, size: Callable[[Iterable[Dim]], int], there: set[Expr]) -> None:
        self.size, self.there = size, there

    def needed(self, roots: Iterable[Expr]) -> list[Expr]:
        """Return the nodes below ``roots`` that are not there."""
        seen: set[Expr] = set()
        stack = list(roots)
        while stack:
            node = stack.pop()
            if node not in self.there and node not in seen:
                seen.add(node)
                stack += node.operands
        return list(seen)

    def of(self, roots: Iterable[Expr]) -> int | None:
        """Return what ``roots`` cost with all that they need; None where a product is too long."""
        return self.together(self.needed(roots))

    def together(self, nodes: Iterable[Expr]) -> int | None:
        """Return what nodes cost, without what they need; parts of products count once."""
        steps: dict[Expr, int] = {}
        for node in nodes:
            if _is_heavy(node):
                own = _steps(node, self.size)
                if own is None:
                    return None
                steps |= own
            elif isinstance(node, Map | Reduce):
                read = sum(self._entries(x) for x in node.operands)
                entries = self.size(node.dims)
                steps[node] = TRAFFIC * (read + entries) + entries * len(node.operands)
        return sum(steps.values())

    def _entries(self, node: Expr) -> int:
        """Return how many entries are read where ``node`` is."""
        if isinstance(node, Einsum) and is_light(node):
            return max((self.size(x.dims) for x in node.operands if not isinstance(x, Delta)),
                       default=1)  # fmt: skip
        return self.size(node.dims)


def in_pairs(roots: Sequence[Expr], size_of: Callable[[Dim], int]) -> list[Expr]:
    """Return products of three tensors or more as products of two, in the cheapest order.

    For libraries whose einsum takes them from left to right, or all at once.

    >>> from eingrad.core.expr import Var
    >>> a, b, c = Var("A", (2, 3)), Var("B", (3, 4)), Var("c", (4,))
    >>> (node,) = in_pairs([einsum([(a, (0, 1)), (b, (1, 2)), (c, (2,))], (0,))], lambda n: n)
    >>> [x.dims for x in node.operands]  # A (B c)
    [(2, 3), (3,)]
    """

    def split(node: Expr) -> Expr | None:
        if not _is_heavy(node) or len({frozenset(ls) for ls in node.inputs}) < 3:  # type: ignore[attr-defined]
            return None
        steps = _steps(node, lambda dims: math.prod(map(size_of, dims)))
        return list(steps)[-1] if steps else None

    with shared_products():
        return rewrite(roots, split)


def _steps(node: Expr, size: Callable[[Iterable[Dim]], int]) -> dict[Expr, int] | None:
    """Return the products of two that a product is made of, itself the last, each with its cost."""
    assert isinstance(node, Einsum)
    sizes = {k: size([d]) for k, d in enumerate(node.extents)}
    alike: dict[frozenset[int], list[Factor]] = {}
    for x, labels in zip(node.operands, node.inputs, strict=True):
        alike.setdefault(frozenset(labels), []).append((x, labels))
    if len(alike) > EXACT_UP_TO:
        return None
    steps: dict[Expr, int] = {}
    factors = [own[0] for own in alike.values()]
    for place, own in enumerate(alike.values()):
        if len(own) > 1:
            labels = tuple(dict.fromkeys(own[0][1]))
            entries = math.prod(sizes[k] for k in labels)
            factors[place] = (einsum(own, labels), labels)
            steps[factors[place][0]] = (len(own) - 1) * entries * (1 + 3 * TRAFFIC)
    left = Counter(k for _, labels in factors for k in set(labels)) + Counter(node.output)
    pairs = best_pairs([labels for _, labels in factors], node.output, sizes)
    for pair in pairs:
        both = sorted((factors[k] for k in pair), key=lambda f: f[0].digest)  # alike everywhere
        left.subtract(k for _, labels in both for k in set(labels))
        union = dict.fromkeys(k for _, labels in both for k in labels)
        kept = tuple(k for k in union if left[k] > 0)
        kept = node.output if pair is pairs[-1] else kept
        left.update(kept)
        factors.append((einsum(both, kept), kept))
        moved = sum(math.prod(sizes[k] for k in set(ls)) for ls in (kept, *(x[1] for x in both)))
        steps[factors[-1][0]] = math.prod(sizes[k] for k in union) + TRAFFIC * moved
    return steps


def _is_heavy(node: Expr) -> bool:
    return isinstance(node, Einsum) and not is_light(node)


def _has_diagonal(product: Einsum, operand: Expr) -> bool:
    return len(set(product.inputs[product.operands.index(operand)])) < operand.ndim
