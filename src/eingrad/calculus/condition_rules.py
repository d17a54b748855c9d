"""Rules for conditions on labels, and what makes them select in numbers.

A mask is a factor like any other on paper: ``sum_{j != i}(1 / d_ij)`` is a mask times ``1 / d_ij``.
In numbers 0 times infinity is nothing, so before anything is computed what may be infinite under a
mask is chosen, not multiplied: see `shielded`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from eingrad.calculus.structure import OpenProduct, is_sum, open_product, sum_of
from eingrad.core.algebra import (
    ONE,
    ZERO,
    Factor,
    add,
    apply,
    base_and_exponent,
    cases,
    constant_value,
    einsum,
    is_zero,
    reduce,
    size,
)
from eingrad.core.bands import Band
from eingrad.core.expr import (
    Const,
    Delta,
    Dim,
    Einsum,
    Expr,
    Indices,
    Labels,
    Map,
    Reduce,
    Size,
    Var,
    is_finite,
)
from eingrad.core.functions import FUNCTIONS
from eingrad.core.masks import (
    ALWAYS,
    NAMES,
    RELATIONS,
    condition_of,
    entry_band,
    is_condition,
    is_symmetric_mask,
    mask_of,
    pair_mask,
    pair_of,
    turned,
)
from eingrad.core.positions import Shift
from eingrad.core.product import full
from eingrad.core.rewrite import rewrite

MAX_SAFE = 60  # levels below a factor at which arguments are exchanged
MAX_JOINED = 16  # a longer sum is not searched for conditions that complete each other


def case_by_place(node: Expr) -> Expr | None:
    """where(i < j, a_ij, 0) -> a mask times a_ij"""
    if not isinstance(node, Map) or node.function != "where" or not node.has_places:
        return None
    return cases(*node.operands)


def conditions_joined(node: Expr) -> Expr | None:
    """the terms for i < j and for i > j -> one for i != j; with that for i = j, one for all"""
    if not is_sum(node) or not node.has_places or len(node.operands) > MAX_JOINED:
        return None
    terms = set(node.operands)
    for term in node.operands:
        product = open_product(term, node.dims)
        for k, (x, labels) in enumerate(product.factors):
            if condition_of(x) is None:
                continue
            rest = replace(product, factors=product.factors[:k] + product.factors[k + 1 :])
            bits = _relation(x)
            for other in range(1, ALWAYS):
                if other & bits:
                    continue
                beside = _with_relation(rest, x, labels, other)
                if beside in terms and beside is not term:
                    joined = _with_relation(rest, x, labels, bits | other)
                    left = [y for y in node.operands if y is not term and y is not beside]
                    return sum_of([*left, joined], node.dims)
    return None


def _relation(mask: Expr) -> int:
    condition = condition_of(mask)
    assert condition is not None
    return pair_of(mask) or RELATIONS[condition.function]


def _with_relation(product: OpenProduct, mask: Expr, labels: Labels, bits: int) -> Expr:
    """Return a product with the mask of another relation of the same sides."""
    new: list[Factor]
    if bits == ALWAYS:
        new = [(full(1, (d,)), (k,)) for k, d in zip(labels, mask.dims, strict=True)]
    elif pair_of(mask):
        new = [(pair_mask(bits, (mask.dims[0], mask.dims[1])), labels)]
    else:
        new = [(mask_of(Map(NAMES[bits], mask.operands[0].operands)), labels)]
    return replace(product, factors=(*product.factors, *new)).build()


def condition_counted(node: Expr) -> Expr | None:
    """sum_j(where(i != j, 1, 0)) -> size(i) - 1, and sum_{t == 0}(1) -> 1"""
    if not isinstance(node, Einsum) or not node.has_places:
        return None
    product = open_product(node)
    for k, (x, labels) in enumerate(product.factors):
        if entry_band(x) is not None and _is_alone(product, k):
            return replace(product, factors=product.factors[:k] + product.factors[k + 1 :]).build()
        if pair_of(x) != RELATIONS["ne"] or x.dims[0] != x.dims[1]:
            continue
        rest = product.factors[:k] + product.factors[k + 1 :]
        used = {*product.output, *(label for _, ls in rest for label in ls)}
        if len(set(labels) - used) == 1:
            count = add(size(x.dims[0]), Const(-1)), ()
            kept = [(full(1, (x.dims[0],)), (label,)) for label in labels if label in used]
            return replace(product, factors=(*rest, count, *kept)).build()
    return None


def _is_alone(product: OpenProduct, place: int) -> bool:
    """Whether no factor but this one has its labels, which are summed."""
    others = (ls for k, (_, ls) in enumerate(product.factors) if k != place)
    used = {*product.output}.union(*others)
    return used.isdisjoint(product.factors[place][1])


# --- numbers ----------------------------------------------------------------------------------

T = TypeVar("T")
Named = Mapping[Expr, Expr]
Condition = tuple[Expr, Labels]
"""A comparison and the labels of its axes."""


def shielded(roots: Sequence[Expr], named: Named = MappingProxyType({})) -> list[Expr]:
    """Return expressions that are computed without 0 times infinity where conditions do not hold.

    Under a mask, factors that may have no value are chosen by it: ``where(i != j, 1 / d_ij, 0)``.
    ``named`` says what tensors stand for.
    """
    if not any(root.has_places for root in (*roots, *named.values())):
        return list(roots)
    shield = _Shield(named)
    return rewrite(roots, shield.step)


class _Shield:
    """Remembers of nodes where they are 0, and whether they have a value everywhere."""

    def __init__(self, named: Named) -> None:
        self.named = named
        self._zeros: dict[Expr, list[Condition]] = {}
        self._regular: dict[Expr, bool] = {}

    def step(self, node: Expr) -> Expr | None:
        """Choose what may have no value where a factor beside it is 0 by its condition."""
        if not isinstance(node, Einsum):
            return None
        factors = list(zip(node.operands, node.inputs, strict=True))
        extents = dict(enumerate(node.extents))
        doubtful: dict[frozenset[int], list[int]] = {}
        for k, (x, labels) in enumerate(factors):
            if labels and not self.regular(x):
                doubtful.setdefault(frozenset(labels), []).append(k)
        used: set[Condition] = set()
        found = [self.zeros_at(f) for f in factors] if doubtful else []
        for own, places in doubtful.items():
            around = [c for k, part in enumerate(found) if [k] != places for c in part]
            near = [c for c in dict.fromkeys(around) if not own.isdisjoint(c[1])]
            whole = [c for c in near if own.issuperset(c[1]) or own.issubset(c[1])]
            if not near:
                continue
            chosen = [self.safe(factors[k], whole, extents) for k in places]
            rows = [_anywhere(c, own) for c in near if c not in whole]
            for k in places:
                factors[k] = (full(1, node.operands[k].dims), node.inputs[k])
            factors[places[0]] = _chosen(chosen, [*whole, *rows], ZERO, extents)
            used.update(whole)
        if not doubtful or not any(found):
            return None
        kept = [
            (x, ls) for x, ls in factors
            if (c := condition_of(x)) is None or _oriented(c, ls) not in used
        ]  # fmt: skip
        return einsum(kept, node.output, extents)

    def safe(
        self,
        factor: Factor,
        conditions: Sequence[Condition],
        extents: Mapping[int, Dim],
        depth: int = 0,
    ) -> Factor:
        """Return a factor with other arguments where conditions leave it out, so that nothing is
        divided by 0 there."""
        node, labels = factor
        conditions = [c for c in conditions if set(c[1]) <= {*labels} or (
            depth == 0 and {*labels} <= set(c[1]))]  # fmt: skip
        if not conditions or depth > MAX_SAFE or self.regular(node):
            return factor
        if isinstance(node, Einsum):
            return self._safe_product(node, labels, conditions, extents, depth)
        if isinstance(node, Reduce):
            return self._safe_fold(node, labels, conditions, extents, depth)
        if not isinstance(node, Map):
            return factor
        places, every = _union(labels, conditions), dict(extents)
        every.update(zip(labels, node.dims, strict=True))
        first = FUNCTIONS[node.function].orders if node.function in FUNCTIONS else 0
        operands: list[Expr] = list(node.operands)
        for k, x in enumerate(node.operands):
            if x.ndim and k >= first:
                arg = self.safe((x, labels), conditions, every, depth + 1)
                if not _is_total(node):
                    arg = _chosen([arg], conditions, _harmless(node), every)
                operands[k] = einsum([arg], places, every)
        return apply(node.function, *operands), places

    def _safe_product(
        self, node: Einsum, labels: Labels, conditions: Sequence[Condition],
        extents: Mapping[int, Dim], depth: int,
    ) -> Factor:  # fmt: skip
        fresh = 1 + max((*labels, *extents))
        names = {k: fresh + k for k in range(len(node.extents))}
        names.update(zip(node.output, labels, strict=True))
        every = {**extents, **{names[k]: d for k, d in enumerate(node.extents)}}
        pairs = zip(node.operands, node.inputs, strict=True)
        labelled = [(x, tuple(names[k] for k in ls)) for x, ls in pairs]
        equal = [ls for x, ls in labelled if isinstance(x, Delta)]
        factors = [
            self.safe(f, _seen_from(f[1], conditions, equal), every, depth + 1) if f[1] else f
            for f in labelled
        ]
        places = _union(labels, conditions)
        return einsum(factors, places, {k: every[k] for k in places}), places

    def _safe_fold(
        self, node: Reduce, labels: Labels, conditions: Sequence[Condition],
        extents: Mapping[int, Dim], depth: int,
    ) -> Factor:  # fmt: skip
        operand, fresh, kept = node.operands[0], 1 + max((*labels, *extents)), iter(labels)
        outer: dict[int, int] = {}  # softmax_k at one k depends on all others, also on a diagonal
        if node.keeps_axes:
            outer = {fresh + k: labels[k] for k in node.axes}
            along = {*outer.values()}
            conditions = [c for c in conditions if along.isdisjoint(c[1])]
            kept = (x for k, x in enumerate(labels) if k not in node.axes)
        own = tuple(fresh + k if k in node.axes else next(kept) for k in range(operand.ndim))
        every = {**extents, **dict(zip(own, operand.dims, strict=True))}
        arg, places = self.safe((operand, own), conditions, every, depth + 1)
        axes = [places.index(own[k]) for k in node.axes]
        left = tuple(
            outer.get(k, k) for j, k in enumerate(places) if node.keeps_axes or j not in axes
        )
        return reduce(node.function, arg, axes), left

    # --- where a value is 0 ---

    def zeros_at(self, factor: Factor) -> list[Condition]:
        """Return the conditions without which a factor is 0."""
        x, labels = factor
        return [_oriented(c, tuple(labels[k] for k in axes)) for c, axes in self.zeros(x)]

    def zeros(self, node: Expr) -> list[Condition]:
        """Return the conditions, with their axes, without which a value is 0."""
        return self._known(node, self._zeros, self._find_zeros)

    def _find_zeros(self, node: Expr) -> list[Condition]:
        if node in self.named:
            return self._zeros[self.named[node]]
        if (condition := condition_of(node)) is not None:
            return [(condition, tuple(range(node.ndim)))]
        if isinstance(node, Einsum):
            axis = {label: k for k, label in enumerate(node.output)}
            pairs = zip(node.operands, node.inputs, strict=True)
            found = ((c, tuple(ls[k] for k in own)) for x, ls in pairs for c, own in self._zeros[x])
            kept = (c for c in found if all(k in axis for k in c[1]))
            return list(dict.fromkeys(_oriented(c, tuple(axis[k] for k in ls)) for c, ls in kept))
        if isinstance(node, Map) and node.function == "where" and is_zero(node.operands[2]):
            core = _oriented(*_core(node.operands[0]))
            return [core] if is_condition(core[0]) else []
        if is_sum(node):
            return _in_any([self._zeros[x] if x.ndim else [] for x in node.operands])
        if isinstance(node, Map) and _keeps_zero(node):
            return self._zeros[node.operands[0]]
        return []

    def regular(self, node: Expr) -> bool:
        """Whether a value is finite where the inputs are."""
        return self._known(node, self._regular, lambda x: _is_total(x) and all(
            self._regular[y] for y in self._below(x)
        ))  # fmt: skip

    def _below(self, node: Expr) -> Sequence[Expr]:
        return (self.named[node],) if node in self.named else node.operands

    def _known(self, node: Expr, known: dict[Expr, T], find: Callable[[Expr], T]) -> T:
        """Return what is known of a node, after it is found of all below."""
        stack = [node]
        while stack:
            x = stack[-1]
            missing = [y for y in self._below(x) if y not in known]
            if missing:
                stack += missing
            else:
                known[stack.pop()] = find(x)
        return known[node]


def _anywhere(condition: Condition, own: Collection[int]) -> Condition:
    """Return where a condition holds for any of the labels that are not in ``own``."""
    mask, labels = mask_of(condition[0]), condition[1]
    axes = [k for k, label in enumerate(labels) if label not in own]
    holds = apply("ne", reduce("max", mask, axes), ZERO)
    return holds, tuple(label for label in labels if label in own)


def _is_total(node: Expr) -> bool:
    """Whether a function of finite numbers is finite."""
    if isinstance(node, Map):
        if node.function == "pow":
            exponent = base_and_exponent(node)[1]
            return base_and_exponent(node)[0] is not node and isinstance(exponent, int) \
                and exponent > 0  # fmt: skip
        record = FUNCTIONS.get(node.function)
        return record is not None and (
            node.function in TOTAL or bool(record.sign) or (record.stable and not record.singular)
        )
    if isinstance(node, Reduce):
        return node.function != "prod" and not (
            node.function in OF_NONE
            and any(
                isinstance(x, Const) and not is_finite(x.value) for x in node.operands[0].operands
            )
        )
    return isinstance(node, Var | Const | Size | Delta | Indices | Einsum | Band | Shift)


TOTAL = frozenset({
    "add", "where", "abs", "sign", "sin", "cos", "atan", "relu", "leaky_relu", "maximum", "minimum",
    "clip", "erf", "floor", "ceil", "gelu", "silu", "elu",
})  # fmt: skip


OF_NONE = frozenset({"max", "min", "logsumexp", "softmax", "log_softmax"})
"""Functions over axes that have no finite value of no entries, where conditions leave out all."""


def _keeps_zero(node: Map) -> bool:
    """Whether an element-wise function is 0 at 0."""
    if node.function == "pow":
        exponent = constant_value(node.operands[1])
        return exponent is not None and not isinstance(exponent, complex) and exponent > 0
    record = FUNCTIONS.get(node.function)
    return record is not None and record.arity == 1 and record.exact.get(0) == 0


def _oriented(condition: Expr, labels: Labels) -> Condition:
    """Return a condition with its labels, those of ``i != j`` in one order."""
    if len(labels) == 2 and labels[0] > labels[1] and is_symmetric_mask(mask_of(condition)):
        labels = labels[::-1]
    return condition, labels


Sides = tuple[tuple[Expr, ...] | tuple[Dim, ...], Labels]


def _in_any(terms: Sequence[Sequence[Condition]]) -> list[Condition]:
    """Return the conditions without which all terms are 0: ``i != j`` of i < j and of j < i."""
    known: list[dict[Sides, int]] = []
    for conditions in terms:
        own: dict[Sides, int] = {}
        for condition, labels in conditions:
            sides, bits = _sides(condition, labels)
            own[sides] = own.get(sides, ALWAYS) & bits
        known.append(own)
    first, *rest = known
    result = []
    for sides, bits in first.items():
        for own in rest:
            bits |= own.get(sides, ALWAYS)
        if 0 < bits < ALWAYS:
            result.append(_condition(sides, bits))
    return result


def _sides(condition: Expr, labels: Labels) -> tuple[Sides, int]:
    """Return what is compared, and the relation; two labels in one order."""
    assert isinstance(condition, Map)
    bits = pair_of(mask_of(condition))
    if not bits:
        return (condition.operands, labels), RELATIONS[condition.function]
    dims = condition.dims
    if labels[0] > labels[1]:
        labels, dims, bits = labels[::-1], dims[::-1], turned(bits)
    return (dims, labels), bits


def _condition(sides: Sides, bits: int) -> Condition:
    compared, labels = sides
    if any(isinstance(x, Expr) for x in compared):
        return Map(NAMES[bits], compared), labels  # type: ignore[arg-type]
    condition = condition_of(pair_mask(bits, compared))
    assert condition is not None
    return _oriented(condition, labels)


def _core(condition: Expr) -> Condition:
    """Look through a view of a condition: it, and its axes among those of the view."""
    if isinstance(condition, Einsum) and len(condition.operands) == 1:
        return condition.operands[0], condition.inputs[0]
    return condition, tuple(range(condition.ndim))


def _seen_from(
    labels: Labels, conditions: Sequence[Condition], equal: Sequence[Labels]
) -> list[Condition]:
    """Write conditions by the labels of a factor, where deltas make these equal to others."""
    names: dict[int, int] = {}
    for pair in equal:
        for a, b in (pair, pair[::-1]):
            if a not in labels and b in labels:
                names[a] = b
    return [(c, tuple(names.get(k, k) for k in own)) for c, own in conditions]


def _union(labels: Labels, conditions: Sequence[Condition]) -> Labels:
    return tuple(dict.fromkeys((*labels, *(k for _, own in conditions for k in own))))


def _chosen(
    factors: Sequence[Factor],
    conditions: Sequence[Condition],
    other: Expr,
    extents: Mapping[int, Dim],
) -> Factor:
    """Return the product of factors where conditions hold, else a number."""
    labels = _union(tuple(k for _, ls in factors for k in ls), conditions)
    dims = {k: extents[k] for k in labels}
    value = einsum(list(factors), labels, dims)
    for condition, own in conditions:
        value = Map("where", [einsum([(condition, own)], labels, dims), value, other])
    return value, labels


def _harmless(node: Map) -> Expr:
    """Return an argument at which a function and its derivatives have values."""
    record = FUNCTIONS.get(node.function)
    low, high = record.domain if record is not None and record.domain else (0, 2)
    return ONE if low < 1 < high else ZERO


__all__ = ["case_by_place", "condition_counted", "conditions_joined", "shielded"]
