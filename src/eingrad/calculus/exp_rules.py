"""Sums of exponentials with factors beside them, shifted by the greatest exponent.

Where no factor stands beside an exponential, `rule_table` knows the function: softmax, logaddexp.
What is not above 0 is not shifted, so that nothing is less exact than it was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import reduce as fold

from eingrad.calculus.pointwise_rules import argument_of, is_map
from eingrad.calculus.structure import (
    OpenProduct,
    divided,
    is_minus,
    is_sum,
    open_product,
    sum_of,
)
from eingrad.core.algebra import (
    Factor,
    add,
    apply,
    base_and_exponent,
    constant_value,
    einsum,
    multiply,
    negate,
    power,
    reduce,
    repeat,
    scale_of,
    subtract,
)
from eingrad.core.expr import Const, Einsum, Expr, Labels, Number
from eingrad.core.masks import condition_of

MAX_FACTORS = 16  # of a product, and terms of a sum, whose shares are sought
FARTHEST = Const(1e30)  # a shift by infinity would make nan of what is 0


@dataclass(frozen=True)
class Shifted:
    """``exp(shift) rest`` is the sum; the shift has these of its axes."""

    shift: Expr
    axes: Labels
    rest: Expr
    near: Expr | None = None  # the sum less 1, of one that starts with 1, where no exponent is > 0


def log_of_weighted_exps(node: Expr) -> Expr | None:
    """log(c + d exp(x)) -> m + log(c exp(-m) + d exp(x - m)) with m = max(x, 0)"""
    x = argument_of(node, "log")
    found = _shifted(x) if x is not None else None
    if found is None or x is None:
        return None
    shift = repeat(found.shift, x.dims, found.axes) if x.ndim else found.shift
    far = add(shift, apply("log", found.rest))
    if found.near is None:
        return far
    return apply("where", apply("gt", shift, Const(0)), far, apply("log1p", found.near))


def exp_beside_sigmoid(node: Expr) -> Expr | None:
    """exp(-k x) sigmoid(x)^n -> sigmoid(-x)^k sigmoid(x)^(n - k), for whole k from 1 to n"""
    if not isinstance(node, Einsum):
        return None
    product = open_product(node, most=MAX_FACTORS)
    for j, (e, own) in enumerate(product.factors):
        inner, times = base_and_exponent(e)
        y = argument_of(inner, "exp")
        for k, (s, labels) in enumerate(product.factors):
            base, n = base_and_exponent(s)
            x = argument_of(base, "sigmoid")
            if y is None or x is None or is_minus(n) or not set(labels) <= set(own):
                continue
            exponent, wide = multiply(Const(times), y), _along(x, labels, own, product)
            slope = _multiple(exponent, wide)
            is_power = isinstance(slope, int) and multiply(Const(slope), wide) is exponent
            if not (is_minus(slope) and is_power and isinstance(n, int)):
                continue
            most = min(-slope, n)  # type: ignore[type-var]
            rest = [f for i, f in enumerate(product.factors) if i not in (j, k)]
            left = (apply("exp", add(exponent, multiply(Const(most), wide))), own)
            turned = (power(apply("sigmoid", negate(x)), most), labels)
            as_was = (power(base, n - most), labels)
            return replace(product, factors=(*rest, left, turned, as_was)).build()
    return None


def _multiple(whole: Expr, part: Expr) -> Number:
    """Return how many times an exponent has a part, by the first term that they share, or 0."""
    of_whole, of_part = (
        {core: n for n, core in map(scale_of, x.operands if is_sum(x) else (x,))}
        for x in (whole, part)
    )
    shared = [core for core in of_part if core in of_whole and constant_value(core) is None]
    return divided(of_whole[shared[0]], of_part[shared[0]]) if shared else 0


def _along(node: Expr, labels: Labels, wide: Labels, product: OpenProduct) -> Expr:
    """Repeat a node along those of some labels that it lacks."""
    dims = tuple(product.extents[label] for label in wide)
    return repeat(node, dims, tuple(map(wide.index, labels))) if wide else node


def _shifted(node: Expr) -> Shifted | None:
    """Shift the exponents of a sum, if that is one of exponentials with factors."""
    return _of_terms(node) if is_sum(node) else _over_axes(node)


def _of_terms(node: Expr) -> Shifted | None:
    terms = [open_product(x, node.dims) for x in node.operands]
    places = [_exponential(p) for p in terms]
    bare = all(p is not None and len(t.factors) == 1 and t.coefficient == 1
               for p, t in zip(places, terms, strict=True))  # fmt: skip
    if bare and len(terms) < 3:
        return None
    if any(p is not None and is_shifted(p[1]) for p in places):
        return None
    weights, exponents = [], []
    labels = tuple(range(node.ndim))
    for term, x, place in zip(terms, node.operands, places, strict=True):
        found = _over_axes(x) if place is None else None
        exponent: Expr | None = place[1] if place else None
        weight = _without(term, place[0] if place else None, node)
        if found is not None and x.ndim == node.ndim:
            exponent = repeat(found.shift, node.dims, found.axes) if node.ndim else found.shift
            weight = found.rest
        weights.append(weight)
        exponents.append(exponent)
    if not any(exponents):
        return None
    zero = repeat(Const(0), node.dims, ()) if node.ndim else Const(0)
    far = [
        counted(x or zero, labels, [(w, labels)], labels)[0]
        for x, w in zip(exponents, weights, strict=True)
    ]
    shift = apply("clip", fold(lambda a, b: apply("maximum", a, b), far),
                  negate(FARTHEST), FARTHEST)  # fmt: skip
    pairs = list(zip(weights, far, strict=True))
    rest = sum_of([multiply(w, apply("exp", subtract(x, shift))) for w, x in pairs], node.dims)
    near = None
    ones = (constant_value(w) == 1 for w, x in zip(weights, exponents, strict=True) if x is None)
    if any(ones):
        small = [multiply(w, apply("exp", apply("minimum", x, Const(0)))) for w, x in pairs]
        near = subtract(sum_of(small, node.dims), Const(1))
    return Shifted(shift, labels, rest, near)


def counted(
    exponent: Expr, labels: Labels, beside: Iterable[Factor], within: Labels
) -> tuple[Expr, Labels]:
    """Return an exponent that is far below where a factor beside its exponential is 0, so that it
    counts for nothing; it gets those labels of conditions that it lacks."""
    dims = dict(zip(labels, exponent.dims, strict=True))
    weights: list[Factor] = []
    for x, own in beside:
        of_places = condition_of(x) is not None and set(own) <= set(within)
        if (
            constant_value(x) is None
            and not is_map(x, "exp")
            and not is_minus(base_and_exponent(x)[1])
            and (of_places or (own and set(own) <= set(labels)))
        ):
            weights.append((x, own))
            dims |= zip(own, x.dims, strict=True)
    if not labels:
        weights = [(x, own) for x, own in beside if not own and constant_value(x) is None]
    if not weights:
        return exponent, labels
    wide = tuple(dims)
    places = tuple(wide.index(label) for label in labels)
    whole = repeat(exponent, tuple(dims.values()), places) if wide else exponent
    weight = einsum(weights, wide, dims)
    filler = negate(FARTHEST)
    filler = repeat(filler, whole.dims, ()) if wide else filler
    zero = repeat(Const(0), whole.dims, ()) if wide else Const(0)
    return apply("where", apply("ne", weight, zero), whole, filler), wide


def is_shifted(exponent: Expr) -> bool:
    """Whether the greatest exponent is subtracted already."""
    terms = exponent.operands if is_sum(exponent) else (exponent,)
    parts = (x for term in terms for x in (term, *term.operands))
    return any(is_map(x, "clip") and FARTHEST in x.operands for x in parts)


def _exponential(product: OpenProduct) -> tuple[int, Expr] | None:
    """Find an exponential, the one with most axes: which factor it is, and its exponent."""
    dims = [product.extents[k] for k in product.output]
    for k, (x, labels) in sorted(enumerate(product.factors), key=lambda f: -len(f[1][1])):
        base, times = base_and_exponent(x)
        inner = argument_of(base, "exp")
        fits = set(labels) <= set(product.output) and len(set(labels)) == len(labels)
        if inner is not None and fits and not is_minus(times):
            exponent = multiply(Const(times), inner)
            return k, repeat(exponent, dims, labels) if dims else exponent
    return None


def _without(product: OpenProduct, k: int | None, node: Expr) -> Expr:
    """Return what stands beside the k-th factor of a term."""
    factors = tuple(f for j, f in enumerate(product.factors) if j != k)
    ones = (repeat(Const(1), node.dims, ()), product.output) if node.ndim else (Const(1), ())
    return replace(product, factors=(*factors, ones)).build()


def _over_axes(node: Expr) -> Shifted | None:
    """Shift ``sum_j(c_j exp(x_j))`` by the greatest x_j."""
    if not isinstance(node, Einsum) or not node.summed:
        return None
    product = open_product(node)
    for inner, labels, others in _exponents(product):
        summed = product.summed()
        if not summed <= set(labels):
            continue
        if is_shifted(inner):
            return None
        within = (*product.output, *sorted(summed))
        inner, labels = counted(inner, labels, others, within)
        over = [axis for axis, label in enumerate(labels) if label in summed]
        axes = tuple(label for label in labels if label not in summed)
        greatest = reduce("max", inner, over)
        shift = apply("clip", greatest, negate(FARTHEST), FARTHEST)
        kept = tuple(axis for axis in range(inner.ndim) if axis not in over)
        small = apply("exp", subtract(inner, repeat(shift, inner.dims, kept)))
        rest = replace(product, factors=((small, labels), *others)).build()
        return Shifted(shift, axes, rest)
    return None


def _exponents(product: OpenProduct) -> Iterator[tuple[Expr, Labels, list[Factor]]]:
    """Yield exponents in a product, their labels, and what stands beside the exponentials: each by
    itself, and all as one where some factor has all their labels."""
    found = [(j, y, ls) for j, (x, ls) in enumerate(product.factors)
             if (y := argument_of(x, "exp")) is not None and len(set(ls)) == len(ls)]  # fmt: skip
    for j, y, ls in found:
        yield y, ls, [f for i, f in enumerate(product.factors) if i != j]
    wide = tuple(dict.fromkeys(label for _, _, ls in found for label in ls))
    if len(found) > 1 and any(set(wide) <= set(own) for _, own in product.factors):
        every = [_along(y, ls, wide, product) for _, y, ls in found]
        used = {j for j, _, _ in found}
        yield add(*every), wide, [f for i, f in enumerate(product.factors) if i not in used]
