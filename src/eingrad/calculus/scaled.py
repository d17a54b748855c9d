"""Quotients of exponentials by differences of exponents: ``exp(a) / (exp(b) + exp(c))``.

Far out both sides are infinite, or 0, though the quotient is neither. So each part of such a
product is read as ``exp(shift) rest``, from the inside out, where rest is no larger than what is
written beside the exponentials: a sum has its greatest exponent as shift, a product the sum of the
exponents, a power a multiple. Only when all of them have met is the exponential taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce as fold
from typing import NamedTuple

from eingrad.calculus.exp_rules import FARTHEST, counted, is_shifted
from eingrad.calculus.pointwise_rules import is_map
from eingrad.calculus.structure import is_minus, is_sum, open_product, sum_of, trimmed
from eingrad.core.algebra import (
    Factor,
    add,
    apply,
    base_and_exponent,
    constant_value,
    einsum,
    is_light,
    multiply,
    negate,
    power,
    reduce,
    repeat,
    scale_of,
    subtract,
)
from eingrad.core.expr import Const, Dim, Einsum, Expr, Labels, Map, Number, Reduce, postorder
from eingrad.core.functions.elementwise_table import HALF
from eingrad.core.labelling import connected
from eingrad.core.rewrite import rebuild, rewrite

MOST_FACTORS, MOST_LEVELS = 16, 12  # of what is looked at together
MOST_REWRITTEN = 500  # products of one graph
GROWING = ("exp", "expm1", "sinh", "cosh")
SHARES = ("sigmoid", "softmax")


@dataclass(frozen=True)
class ShiftedRest:
    """``exp(shift) rest``; the shift has those axes of the rest."""

    rest: Expr
    shift: Expr | None = None
    axes: Labels = ()

    def times(self, number: Number) -> ShiftedRest:
        """Return a power."""
        shift = None if self.shift is None else multiply(Const(number), self.shift)
        return ShiftedRest(power(self.rest, number), shift, self.axes)


def quotients_of_exps(roots: Sequence[Expr]) -> list[Expr]:
    """a exp(x) / (b exp(y) + c exp(z)) -> exp(x - m) a / (b exp(y - m) + c exp(z - m))

    m is the greater one of y and z. Whatever stands for the exponentials: sums and products of
    them, roots, sums over axes. The outermost product is the one that is rewritten; what comes of
    it is not again, only what it was made of: so this ends.
    """
    new: dict[Expr, Expr] = {}
    instead: dict[Expr, Expr | None] = {}
    seen = _Dangers(roots)
    given = frozenset(seen.known)
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        node, ready = stack.pop()
        if node in new:
            continue
        if node not in instead:
            few = sum(x is not None for x in instead.values()) < MOST_REWRITTEN
            instead[node] = _rewritten(node, seen) if few and node in given else None
            if (other := instead[node]) is not None:
                instead.setdefault(other, None)
        other = instead[node]
        below = node.operands if other is None else (other,)
        if not ready:
            stack.append((node, True))
            stack += [(x, False) for x in below if x not in new]
        elif other is not None:
            new[node] = new[other]
        else:
            new[node] = rebuild(node, [new[x] for x in node.operands]) if below else node
    return [new[root] for root in roots]


def shares_cancelled(roots: Sequence[Expr]) -> list[Expr]:
    """p (a / p + b) -> a + b p where that leaves no quotient in danger

    In a graph in which products stay whole, what divides may have met its like too late.
    """

    seen = _Dangers(roots)

    def is_safe(node: Expr, levels: int = 3) -> bool:
        inside = node.operands if levels and (is_sum(node) or isinstance(node, Einsum)) else ()
        return not seen.of(node).danger and all(is_safe(x, levels - 1) for x in inside)

    def step(node: Expr) -> Expr | None:
        if not isinstance(node, Einsum) or not seen.of(node).danger:
            return None
        factors = list(_factors(node))
        extents = dict(enumerate(node.extents))
        choices = [einsum(factors, node.output, extents)]
        for k, (total, labels) in enumerate(factors):
            near = [j for j, (_, own) in enumerate(factors) if j != k and set(own) <= set(labels)]
            near = [j for j in near if any(seen.of(factors[j][0]))]
            if is_sum(total) and near and len(set(labels)) == len(labels):
                beside = [factors[j] for j in near]
                terms = [_times(beside, x, labels, total.dims) for x in total.operands]
                rest = [f for j, f in enumerate(factors) if j != k and j not in near]
                product = [*rest, (add(*terms), labels)]
                choices.append(einsum(product, node.output, extents))
        return next(filter(is_safe, choices), None)

    return rewrite(roots, step)


def _times(beside: list[Factor], term: Expr, labels: Labels, dims: Sequence[Dim]) -> Expr:
    """Multiply a term of a sum, whose factors are opened, by what stands beside the sum."""
    extents = dict(zip(labels, dims, strict=True))
    if not isinstance(term, Einsum):
        return einsum([*beside, (term, labels if term.ndim else ())], labels, extents)
    name = dict(zip(term.output, labels, strict=True)) if term.ndim else {}
    fresh = 1 + max((*labels, *(k for _, own in beside for k in own)), default=0)
    for k in term.summed:
        name[k], fresh = fresh, fresh + 1
    extents |= {name[k]: d for k, d in enumerate(term.extents) if k in name}
    opened = [(x, tuple(name[k] for k in own)) for x, own in _factors(term)]
    return einsum([*beside, *opened], labels, extents)


def may_lose_a_quotient(roots: Iterable[Expr]) -> bool:
    """Whether there is a product in which what may be infinite meets what may be 0."""
    return any(x.danger for x in _Dangers(roots).known.values())


def _rewritten(node: Expr, seen: _Dangers) -> Expr | None:
    if not isinstance(node, Einsum) or not seen.of(node).danger:
        return None
    factors = list(_factors(node))
    if len(factors) > MOST_FACTORS:
        return None
    found = _product(factors, node.output, dict(enumerate(node.extents)))
    if found is None or found.shift is None:
        return None
    every = tuple(range(node.ndim))
    shift, axes = (found.shift, found.axes) if _is_at_most_0(found.shift) else _counted(found)
    return einsum([(apply("exp", shift), axes), (found.rest, every)], every)


class _Danger(NamedTuple):
    """Of a node far out: whether it may grow without bound, or vanish; whether by a division; and
    whether it is a product in which one factor grows and another vanishes, one by a division."""

    grows: bool = False
    vanishes: bool = False
    divides: bool = False
    danger: bool = False


class _Dangers:
    """What may happen to nodes far out."""

    def __init__(self, roots: Iterable[Expr]) -> None:
        self.known: dict[Expr, _Danger] = {}
        for node in postorder(roots):
            self.of(node)

    def of(self, node: Expr) -> _Danger:
        if node not in self.known:
            self.known[node] = self._of(node)
        return self.known[node]

    def _of(self, node: Expr) -> _Danger:
        base, exponent = _base(node)
        if base is not node:
            return self._power(self.of(base), exponent)
        if isinstance(node, Map) and node.function in GROWING:
            moving = not is_shifted(node.operands[0])
            return _Danger(moving, moving and node.function != "cosh")
        if isinstance(node, Map | Reduce) and node.function in SHARES:
            return _Danger(vanishes=True, divides=True)
        if is_sum(node):
            terms = [self.of(x) for x in node.operands]
            grows, divides = any(x.grows for x in terms), any(x.divides for x in terms)
            return _Danger(grows, all(x.vanishes for x in terms), divides)
        if not isinstance(node, Einsum):
            return _Danger()
        return self._product([self.of(x) for x, _ in _factors(node)])

    def _power(self, base: _Danger, exponent: Number) -> _Danger:
        if not is_minus(exponent):
            return base._replace(danger=False)
        return _Danger(base.vanishes, base.grows, base.grows or base.vanishes)

    def _product(self, factors: list[_Danger]) -> _Danger:
        grows, vanishes, divides = (any(x[k] for x in factors) for k in range(3))
        growing = [k for k, x in enumerate(factors) if x.grows]
        vanishing = [k for k, x in enumerate(factors) if x.vanishes]
        meet = any(j != k for j in growing for k in vanishing)
        return _Danger(grows, vanishes, divides, meet and divides)


def _factors(node: Einsum) -> Iterator[Factor]:
    """Yield the factors of a product, those of products in it that sum nothing, too."""
    stack = list(zip(node.operands, node.inputs, strict=True))[::-1]
    while stack:
        x, labels = trimmed(stack.pop())
        if isinstance(x, Einsum) and not x.summed:
            name = dict(zip(x.output, labels, strict=True))
            stack += [(y, tuple(name[k] for k in ls))
                      for y, ls in zip(x.operands, x.inputs, strict=True)][::-1]  # fmt: skip
        else:
            yield x, labels


def _base(node: Expr) -> tuple[Expr, Number]:
    """Read a power, and a root as one."""
    base, exponent = base_and_exponent(node)
    if is_map(base, "sqrt"):
        return base.operands[0], exponent * HALF
    return base, exponent


def _scaled(node: Expr, levels: int = MOST_LEVELS) -> ShiftedRest:
    """Read a node as an exponential and a rest; what is none is the rest."""
    base, exponent = _base(node)
    every = tuple(range(node.ndim))
    one = repeat(Const(1), node.dims, ()) if node.ndim else Const(1)
    if levels == 0 or isinstance(exponent, complex):
        return ShiftedRest(node)
    if base is not node:
        return _scaled(base, levels - 1).times(exponent)
    if isinstance(node, Map) and node.function in GROWING:
        (x,) = node.operands
        if node.function == "exp":
            return ShiftedRest(one, x, every)
        return ShiftedRest(*_written_by_exp(node.function, x), every)
    if is_map(node, "sigmoid"):
        return ShiftedRest(one, negate(apply("softplus", negate(node.operands[0]))), every)
    if isinstance(node, Reduce) and node.function == "softmax":
        return ShiftedRest(one, reduce("log_softmax", node.operands[0], node.axes), every)
    if is_sum(node) and len(node.operands) <= MOST_FACTORS:
        return _sum(node, levels - 1)
    if isinstance(node, Einsum) and len(factors := list(_factors(node))) <= MOST_FACTORS:
        extents = dict(enumerate(node.extents))
        found = _product(factors, node.output, extents, levels - 1)
        return found or ShiftedRest(node)
    return ShiftedRest(node)


def _written_by_exp(function: str, x: Expr) -> tuple[Expr, Expr]:
    """Return rest and shift: exp(x) - 1 is exp(x) (1 - exp(-x)) where x > 0."""
    size = apply("abs", x)
    if function == "expm1":
        small = apply("expm1", negate(size))
        return negate(multiply(apply("sign", x), small)), apply("relu", x)
    twice = multiply(Const(-2), size)
    if function == "cosh":
        return multiply(Const(HALF), add(apply("exp", twice), repeat(Const(1), x.dims, ()))), size
    small = multiply(apply("sign", x), apply("expm1", twice))
    return multiply(Const(-HALF), small), size


def _sum(node: Expr, levels: int) -> ShiftedRest:
    """Shift the terms of a sum by the greatest exponent of those that are not 0."""
    terms = [_scaled(x, levels) for x in node.operands]
    if all(x.shift is None for x in terms):
        return ShiftedRest(node)
    counted_in = [(None, ()) if x.shift is None else _counted(x) for x in terms]
    axes = tuple(sorted({k for _, own in counted_in for k in own}))
    dims = [node.dims[k] for k in axes]
    none = repeat(Const(0), dims, ()) if axes else Const(0)
    shifts = [none if x is None else _along(x, own, axes, dims) for x, own in counted_in]
    shift = clipped(fold(lambda a, b: apply("maximum", a, b), shifts))
    every = tuple(range(node.ndim))
    small = [
        einsum([(x.rest, every if x.rest.ndim else ()), (apply("exp", subtract(y, shift)), axes)],
               every, dict(enumerate(node.dims)))
        for x, y in zip(terms, shifts, strict=True)
    ]  # fmt: skip
    return ShiftedRest(add(*small), shift, axes)


def _counted(term: ShiftedRest) -> Factor:
    """Return a term's shift, far below where the term is 0, so that it counts for nothing."""
    assert term.shift is not None
    if _is_never_zero(term.rest):
        return term.shift, term.axes
    whole = repeat(term.shift, term.rest.dims, term.axes) if term.rest.ndim else term.shift
    zero, far = (repeat(x, whole.dims, ()) if whole.ndim else x
                 for x in (Const(0), negate(FARTHEST)))  # fmt: skip
    return apply("where", apply("ne", term.rest, zero), whole, far), tuple(range(whole.ndim))


def _is_never_zero(node: Expr) -> bool:
    """Whether a rest is surely not 0: a positive one, or a multiple."""
    number, inner = scale_of(node)
    return number != 0 and _is_positive(inner)


def _is_positive(node: Expr, levels: int = MOST_LEVELS) -> bool:
    value = constant_value(node)
    if value is not None:
        return not isinstance(value, complex) and value > 0
    inside = levels > 0 and (is_sum(node) or isinstance(node, Einsum))
    return is_map(node, "exp") or (
        inside and all(_is_positive(x, levels - 1) for x in node.operands)
    )


def _product(
    factors: list[Factor], output: Labels, extents: dict[int, Dim], levels: int = MOST_LEVELS
) -> ShiftedRest | None:
    """Add the exponents of factors, and multiply the rest; those that share a summed label are
    summed first. None where nothing is shifted."""
    summed = {k for _, labels in factors for k in labels}.difference(output)
    groups = [own for _, own in connected(summed, factors)]
    apart = [f for f in factors if summed.isdisjoint(f[1])]
    parts: list[tuple[ShiftedRest, Labels]] = [
        (ShiftedRest(x) if len(set(ls)) < len(ls) else _scaled(x, levels), ls) for x, ls in apart
    ]
    for own in groups:
        kept = tuple(k for k in output if any(k in ls for _, ls in own))
        parts.append((_group(own, kept, extents, levels), kept))
    moved = [(x.shift, tuple(ls[k] for k in x.axes)) for x, ls in parts if x.shift is not None]
    if not moved:
        return None
    rest = einsum([(x.rest, labels) for x, labels in parts], output, extents)
    wide = tuple(k for k in output if any(k in ls for _, ls in moved))
    total = add(*(_along(x, ls, wide, [extents[k] for k in wide]) for x, ls in moved))
    return ShiftedRest(rest, total, tuple(map(output.index, wide)))


def _group(
    factors: list[Factor], output: Labels, extents: dict[int, Dim], levels: int
) -> ShiftedRest:
    """Sum a product over axes, shifted by the greatest exponent along them.

    Not where no factor has all the labels of the exponents: that would be a larger array.
    """
    parts = [
        (ShiftedRest(x) if len(set(ls)) < len(ls) else _scaled(x, levels), ls) for x, ls in factors
    ]
    moved = [(x.shift, tuple(ls[k] for k in x.axes)) for x, ls in parts if x.shift is not None]
    wide = tuple(sorted({k for _, labels in moved for k in labels}))
    if not moved or not any(set(wide) <= set(labels) for _, labels in factors):
        return ShiftedRest(einsum(factors, output, extents))
    rests = [(x.rest, labels) for x, labels in parts]
    total = add(*(_along(x, ls, wide, [extents[k] for k in wide]) for x, ls in moved))
    within = (*output, *(k for k in wide if k not in output))
    total, wide = counted(total, wide, rests, within)
    over = [n for n, k in enumerate(wide) if k not in output]
    kept = tuple(n for n in range(total.ndim) if n not in over)
    shift = _greatest(total, over) if over else total
    small = apply("exp", subtract(total, repeat(shift, total.dims, kept) if kept else shift))
    labels = tuple(wide[n] for n in kept)
    order = sorted(range(len(labels)), key=lambda n: output.index(labels[n]))
    turned = einsum([(shift, labels)], tuple(labels[n] for n in order)) if labels else shift
    axes = tuple(output.index(labels[n]) for n in order)
    return ShiftedRest(einsum([(small, wide), *rests], output, extents), turned, axes)


def _greatest(exponent: Expr, over: Sequence[int]) -> Expr:
    """Return the greatest exponent along axes; shifts that do not move along them are added to it.

    ``max_i(x_i - 2 m) -> max_i(x_i) - 2 m``, so that what is the same is computed once.
    """
    kept = [axis for axis in range(exponent.ndim) if axis not in over]
    dims = [exponent.dims[axis] for axis in kept]
    still: list[Expr] = []
    moving: list[Expr] = []
    for term in exponent.operands if is_sum(exponent) else (exponent,):
        product = open_product(term, exponent.dims)
        ((x, labels), *others) = product.factors or ((term, product.output),)
        if others or set(labels) & set(over) or not _is_clipped(x):
            moving.append(term)
        else:
            still.append(replace(product, output=tuple(kept)).build())
    if not still or not moving:
        return clipped(reduce("max", exponent, over))
    return add(clipped(reduce("max", sum_of(moving, exponent.dims), over)), sum_of(still, dims))


def _is_at_most_0(exponent: Expr) -> bool:
    """Whether an exponent is x less the greatest x."""
    terms = list(exponent.operands) if is_sum(exponent) else []
    for k, term in enumerate(terms):
        number, inner = scale_of(term)
        inner = inner.operands[0] if isinstance(inner, Einsum) and is_light(inner) else inner
        rest = add(*terms[:k], *terms[k + 1 :])
        greatest = inner.operands if number == -1 and _is_clipped(inner) else ()
        if any(isinstance(x, Reduce) and x.function == "max" and x.operands[0] is rest
               for x in greatest):  # fmt: skip
            return True
    return False


def clipped(shift: Expr) -> Expr:
    """Keep a shift finite: infinity less infinity is no number."""
    return apply("clip", shift, negate(FARTHEST), FARTHEST)


def _is_clipped(node: Expr) -> bool:
    return is_map(node, "clip") and FARTHEST in node.operands


def _along(node: Expr, labels: Labels, wide: Labels, dims: list[Dim]) -> Expr:
    """Repeat a node along those of some labels that it lacks."""
    return repeat(node, dims, tuple(map(wide.index, labels))) if wide else node
