"""Sums of exponentials with factors beside them, shifted by the greatest exponent.

Where no factor stands beside an exponential, `rule_table` knows the function: softmax, logaddexp.
What is not above 0 is not shifted, so that nothing is less exact than it was written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce as fold

from eingrad.calculus.pointwise_rules import argument_of, is_map
from eingrad.calculus.structure import OpenProduct, is_minus, is_sum, open_product, sum_of
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
    subtract,
)
from eingrad.core.expr import Const, Einsum, Expr, Labels
from eingrad.core.masks import condition_of

FARTHEST = Const(1e30)  # a shift by infinity would make nan of what is 0
MOST = 32  # powers of a sigmoid that an exponential is tried for


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


def share_of_weighted_exps(node: Expr) -> Expr | None:
    """exp(x) / (c + d exp(x)) -> exp(x - m) / (c exp(-m) + d exp(x - m)) with m = max(x, 0)"""
    if not isinstance(node, Einsum) or not _has_share(node):
        return None
    product = open_product(node)
    for k, (total, own) in enumerate(product.factors):
        base, exponent = base_and_exponent(total)
        if not is_minus(exponent) or (found := _shifted(base)) is None:
            continue
        labels = tuple(own[axis] for axis in found.axes)
        for j, (x, ls) in sorted(enumerate(product.factors), key=_shifted_last):
            inner, times = base_and_exponent(x)
            y = argument_of(inner, "exp")
            if y is None or is_minus(times) or len(set(ls)) < len(ls):
                continue
            rest = tuple(f for i, f in enumerate(product.factors) if i not in (j, k))
            whole = {*ls, *labels}  # no more axes than some factor has
            if not any(whole <= set(own) for own in (ls, *(own for _, own in rest))):
                continue
            y, ls = _counted(multiply(Const(times), y), ls, rest, tuple(whole))
            wide = (*ls, *(label for label in labels if label not in ls))
            y, shift = (
                _along(x, own, wide, product) for x, own in ((y, ls), (found.shift, labels))
            )
            above = apply("exp", subtract(y, shift))
            below: Factor = (power(found.rest, -1), own)
            left: Factor = (power(base, exponent + 1), own)
            return replace(product, factors=(*rest, (above, wide), below, left)).build()
    return None


def _shifted_last(numbered: tuple[int, Factor]) -> bool:
    """Whether a factor is an exponential that was shifted for another power of the sum."""
    exponent = argument_of(base_and_exponent(numbered[1][0])[0], "exp")
    return exponent is not None and _is_shifted(exponent)


def exp_beside_sigmoid(node: Expr) -> Expr | None:
    """exp(k x) sigmoid(-x)^n -> sigmoid(x)^k sigmoid(-x)^(n - k), for whole k from 1 to n"""
    if not isinstance(node, Einsum):
        return None
    product = open_product(node)
    counts = Counter(product.factors)
    for small, n in counts.items():
        x = argument_of(small[0], "sigmoid")
        for grown in counts:
            inner = argument_of(grown[0], "exp")
            if x is None or inner is None or grown[1] != small[1]:
                continue
            opposite = negate(x)
            if times := _times(inner, opposite, min(n, MOST)):
                large = (apply("sigmoid", opposite), grown[1])
                left = counts - Counter({small: times, grown: 1})
                factors = (*left.elements(), *[large] * times)
                return replace(product, factors=factors).build()
    return None


def _times(node: Expr, x: Expr, most: int) -> int:
    """Return how many times x a node is, if that is a whole number from 1 to ``most``; else 0."""
    return next((k for k in range(1, most + 1) if multiply(Const(k), x) is node), 0)


def _along(node: Expr, labels: Labels, wide: Labels, product: OpenProduct) -> Expr:
    """Repeat a node along those of some labels that it lacks."""
    dims = tuple(product.extents[label] for label in wide)
    return repeat(node, dims, tuple(map(wide.index, labels))) if wide else node


def _has_share(node: Einsum) -> bool:
    """Whether an exponential and what divides are among the factors, or in products that are."""
    near = [
        *node.operands,
        *(y for x in node.operands if isinstance(x, Einsum) for y in x.operands),
    ]
    bases = [base_and_exponent(x) for x in near]
    return any(is_map(x, "exp") for x, _ in bases) and any(is_minus(k) for _, k in bases)


def _shifted(node: Expr) -> Shifted | None:
    """Shift the exponents of a sum, if that is one of exponentials with factors."""
    return _of_terms(node) if is_sum(node) else _over_axes(node)


def _of_terms(node: Expr) -> Shifted | None:
    terms = [open_product(x, node.dims) for x in node.operands]
    places = [_exponential(p) for p in terms]
    plain = all(p is not None and len(t.factors) == 1 and t.coefficient == 1
                for p, t in zip(places, terms, strict=True))  # fmt: skip
    if all(p is None for p in places) or (plain and len(terms) < 3):
        return None
    zero = repeat(Const(0), node.dims, ()) if node.ndim else Const(0)
    exponents = [zero if p is None else p[1] for p in places]
    if any(map(_is_shifted, exponents)):
        return None
    weights = [
        _without(t, None if p is None else p[0], node) for p, t in zip(places, terms, strict=True)
    ]
    labels = tuple(range(node.ndim))
    exponents = [
        _counted(x, labels, [(w, labels)], labels)[0]
        for x, w in zip(exponents, weights, strict=True)
    ]
    shift = apply("clip", fold(lambda a, b: apply("maximum", a, b), exponents),
                  negate(FARTHEST), FARTHEST)  # fmt: skip
    pairs = list(zip(weights, exponents, strict=True))
    rest = sum_of([multiply(w, apply("exp", subtract(x, shift))) for w, x in pairs], node.dims)
    near = None
    if any(p is None and constant_value(w) == 1 for p, w in zip(places, weights, strict=True)):
        small = [multiply(w, apply("exp", apply("minimum", x, Const(0)))) for w, x in pairs]
        near = subtract(sum_of(small, node.dims), Const(1))
    return Shifted(shift, tuple(range(node.ndim)), rest, near)


def _counted(
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


def _is_shifted(exponent: Expr) -> bool:
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
    for k, (x, labels) in enumerate(product.factors):
        inner = argument_of(x, "exp")
        summed = product.summed()
        if inner is None or not summed <= set(labels) or len(set(labels)) < len(labels):
            continue
        if _is_shifted(inner):
            return None
        others = (*product.factors[:k], *product.factors[k + 1 :])
        within = (*product.output, *sorted(summed))
        inner, labels = _counted(inner, labels, others, within)
        over = [axis for axis, label in enumerate(labels) if label in summed]
        axes = tuple(label for label in labels if label not in summed)
        greatest = reduce("max", inner, over)
        shift = apply("clip", greatest, negate(FARTHEST), FARTHEST)
        kept = tuple(axis for axis in range(inner.ndim) if axis not in over)
        small = apply("exp", subtract(inner, repeat(shift, inner.dims, kept)))
        factors = ((small, labels), *others)
        return Shifted(shift, axes, einsum(
            [(Const(product.coefficient), ()), *factors], product.output, product.extents
        ))  # fmt: skip
    return None
