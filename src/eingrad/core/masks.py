"""Conditions on labels: comparisons of places on axes, and their masks in products.

``i < j`` is a comparison of `Indices`; a *mask* is 1 where one holds and 0 elsewhere. A mask is a
factor that selects: what it leaves out counts as 0, also where that has no value. So a mask absorbs
its own powers and inverses, and two masks of the same two labels are one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from eingrad.core.bands import Band
from eingrad.core.expr import Const, Dim, Einsum, Expr, Indices, Labels, Map, Size, Var
from eingrad.core.labelling import Factor

RELATIONS = {"lt": 1, "eq": 2, "le": 3, "gt": 4, "ne": 5, "ge": 6}
"""The comparisons as sets of less (1), equal (2) and greater (4)."""
NAMES = {bits: name for name, bits in RELATIONS.items()}
ALWAYS = 7
MAX_PARTS = 12  # of a side of a comparison that may speak of places

ONE, ZERO = Const(1), Const(0)


def turned(bits: int) -> int:
    """Return the relation of the exchanged sides: ``a < b`` is ``b > a``."""
    return (bits & 2) | (bits & 1) << 2 | (bits & 4) >> 2


def is_condition(node: Expr) -> bool:
    """Whether a node is a comparison that speaks of where labels stand.

    >>> is_condition(pair_mask(1, ("i", "j")).operands[0])
    True
    """
    known = isinstance(node, Map) and node.has_places and node.function in RELATIONS
    return known and _speaks_of_places(node)


@lru_cache(maxsize=4096)
def _speaks_of_places(node: Map) -> bool:
    """Whether both sides are sums of places, numbers, extents and tensors, with some place."""
    stack, seen, places = list(node.operands), 0, False
    while stack:
        x = stack.pop()
        seen += 1
        if seen > MAX_PARTS:
            return False
        places |= isinstance(x, Indices)
        if (isinstance(x, Einsum) and len(x.extents) == len(x.output)) or (
            isinstance(x, Map) and x.function in {"add", "abs"}
        ):
            stack += x.operands
        elif not isinstance(x, Indices | Const | Size | Var):
            return False
    return places


def condition_of(node: Expr) -> Map | None:
    """Return the condition of a mask; None of anything else."""
    if not node.has_places or not isinstance(node, Map) or node.function != "where":
        return None
    condition, *values = node.operands
    plain = values == [ONE, ZERO] and is_condition(condition)
    return condition if plain and isinstance(condition, Map) else None


def chosen_numbers(node: Expr) -> list[Expr]:
    """Return the constants among which a case distinction by a condition on labels chooses."""
    if not node.has_places or not isinstance(node, Map) or node.function != "where":
        return []
    condition, *values = map(_without_views, node.operands)
    return [x for x in values if isinstance(x, Const)] if is_condition(condition) else []


def _without_views(node: Expr) -> Expr:
    while isinstance(node, Einsum) and len(node.operands) == 1:
        node = node.operands[0]
    return node


def opposite(condition: Map) -> Map:
    """Return the condition that holds just where this one does not."""
    return Map(NAMES[ALWAYS - RELATIONS[condition.function]], condition.operands)


def mask_of(condition: Expr) -> Expr:
    """Return 1 where a condition holds, else 0."""
    return Map("where", [condition, ONE, ZERO])


def entry_band(mask: Expr) -> Band | None:
    """Return the band of a mask of the first entry of an axis, or of the last one; None of others.

    >>> entry_band(mask_of(Map("eq", [Indices("t"), ZERO])))
    Band((1,), 0, (0,); ('t',))
    """
    condition = condition_of(mask)
    if condition is None or condition.function != "eq" or mask.ndim != 1:
        return None
    dim = mask.dims[0]
    here, place = sorted(condition.operands, key=lambda x: x is not Indices(dim))
    if here is not Indices(dim):
        return None
    if place is ZERO:
        return Band(mask.dims, (1,), 0)
    size = {Size(dim), Const(-1)} if isinstance(dim, str) else set()
    last = place is Const(dim - 1) if isinstance(dim, int) else {*place.operands} == size
    return Band(mask.dims, (1,), 1, (-1,)) if last else None


# --- two labels -------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def pair_mask(bits: int, dims: tuple[Dim, Dim]) -> Map:
    """Return the mask of a relation of two axes: with 1 it is 1 above the diagonal."""
    views = [Einsum([Indices(dim)], [(k,)], (0, 1), dims) for k, dim in enumerate(dims)]
    if bits in (RELATIONS["eq"], RELATIONS["ne"]):
        views.sort(key=lambda x: x.digest)  # as all that is commutative
    return Map("where", [Map(NAMES[bits], views), ONE, ZERO])


def pair_of(node: Expr) -> int:
    """Return the relation of the two axes of which a node is the mask, 0 of anything else.

    >>> pair_of(pair_mask(3, ("i", "j")))
    3
    """
    if node.ndim != 2 or (condition := condition_of(node)) is None:
        return 0
    axes = [_place_axis(x) for x in condition.operands]
    if sorted(axes) != [0, 1]:
        return 0
    bits = RELATIONS[condition.function]
    return bits if axes == [0, 1] else turned(bits)


def _place_axis(node: Expr) -> int:
    """Return the axis along which a node counts, -1 if it does more or less than that."""
    if not isinstance(node, Einsum) or not isinstance(node.operands[0], Indices):
        return -1
    return node.inputs[0][0] if len(node.operands) == 1 and node.output == (0, 1) else -1


def is_symmetric_mask(node: Expr) -> bool:
    """Whether a node is the mask of ``i != j`` on one dimension."""
    return node.ndim == 2 and node.dims[0] == node.dims[1] and pair_of(node) == RELATIONS["ne"]


# --- in products --------------------------------------------------------------------------------


def join_masks(
    factors: Sequence[Factor], output: Labels
) -> tuple[list[Factor], list[Labels]] | None:
    """Return the factors with one mask for each pair of labels, and the pairs that are equal.

    None: the masks exclude each other, and the product is 0.

    >>> above, below = (pair_mask(bits, ("n", "n")) for bits in (3, 6))
    >>> join_masks([(above, (0, 1)), (below, (0, 1))], (0, 1))
    ([], [(0, 1)])
    """
    relations: dict[Labels, tuple[int, tuple[Dim, Dim]]] = {}
    others: dict[tuple[Labels, tuple[Expr, ...]], int] = {}
    rest: list[Factor] = []
    place = {label: k for k, label in enumerate(output)}
    for node, labels in factors:
        condition = condition_of(node)
        if condition is None:
            rest.append((node, labels))
        elif bits := pair_of(node):
            p, q = labels
            dims = node.dims
            if (place.get(p, len(place)), p) > (place.get(q, len(place)), q):
                p, q, bits, dims = q, p, turned(bits), dims[::-1]
            if p == q:
                bits = ALWAYS if bits & 2 else 0
            known = relations.get((p, q), (ALWAYS, dims))[0]
            relations[p, q] = known & bits, (dims[0], dims[1])
        else:
            key = labels, condition.operands
            others[key] = others.get(key, ALWAYS) & RELATIONS[condition.function]
    equal: list[Labels] = []
    for pair, (bits, dims) in relations.items():
        if bits == RELATIONS["eq"] and dims[0] == dims[1]:
            equal.append(pair)
        elif bits in (4, 6):  # of i > j and j < i the latter
            rest.append((pair_mask(turned(bits), dims[::-1]), pair[::-1]))
        elif 0 < bits < ALWAYS:
            rest.append((pair_mask(bits, dims), pair))
    for (labels, sides), bits in others.items():
        if 0 < bits < ALWAYS:
            rest.append((mask_of(Map(NAMES[bits], sides)), labels))
    if any(bits == 0 for bits, _ in relations.values()) or 0 in others.values():
        return None
    return rest, equal


def both_ways(factors: Iterable[Factor]) -> list[Factor]:
    """Return factors, a mask of ``i != j`` in both orders of its labels, which are equal."""
    result: list[Factor] = []
    for node, labels in factors:
        result.append((node, labels))
        if is_symmetric_mask(node):
            result.append((node, labels[::-1]))
    return result


__all__ = [
    "ALWAYS", "NAMES", "RELATIONS", "both_ways", "chosen_numbers", "condition_of", "entry_band",
    "is_condition", "is_symmetric_mask", "join_masks", "mask_of", "opposite", "pair_mask",
    "pair_of", "turned",
]  # fmt: skip
