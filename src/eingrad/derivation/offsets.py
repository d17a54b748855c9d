"""Which of a band's labels is written as a combination of the others: m in ``x[i+k] w_k``."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from eingrad.calculus.structure import OpenProduct
from eingrad.core.bands import Band
from eingrad.core.expr import Const, Einsum, Expr, Labels, Map, Size, Var, postorder
from eingrad.core.masks import condition_of, entry_band
from eingrad.core.spans import span_of

Takes = Callable[[Var, Band], bool]
"""Whether an axis of a tensor may be written as the combination that a band says."""


def is_selecting(factor: Expr) -> bool:
    """Whether a factor is 1 where a condition on labels holds, else 0."""
    return isinstance(factor, Band) or condition_of(factor) is not None


def with_entries(product: OpenProduct) -> OpenProduct:
    """Return a product in which ``t == 0`` of a summed t selects an entry, as in ``h[0]``."""
    if not any(x.has_places for x, _ in product.factors):
        return product
    summed = product.summed()
    factors = [
        (entry_band(x) or x if summed.issuperset(ls) else x, ls) for x, ls in product.factors
    ]
    return replace(product, factors=tuple(factors))


def offsets_to_write(product: OpenProduct, takes: Takes) -> list[tuple[Band, Labels, int]]:
    """Return bands with their labels and the one of these to replace: entries at numbers.

    And all others, if every band can be written so.
    """
    found: list[tuple[Band, Labels, int]] = []
    if not any(isinstance(x, Band) for x, _ in product.factors):
        return found
    fixed, rest = {*product.output}, product
    while (choice := _offset_to_write(rest, takes, fixed)) is not None:
        band, labels, label = choice
        found.append(choice)
        fixed.update(k for k in labels if k != label)
        factors = list(rest.factors)
        factors.remove((band, labels))
        rest = replace(rest, factors=tuple(factors))
    whole = not any(isinstance(x, Band) for x, _ in rest.factors)
    return found if whole else [x for x in found if len(x[0].weights) == 1]


def _offset_to_write(
    product: OpenProduct, takes: Takes, fixed: Collection[int]
) -> tuple[Band, Labels, int] | None:
    """Return a band with its labels, and the one of these to replace; None if there is none.

    ``fixed`` are the labels that must stay: of the output, or in other combinations. Where the
    label leaves its axis the product must be 0, so some factor is a tensor that is read there.
    Few minus signs win, then what only follows from other extents.
    """
    bands = [(x, ls) for x, ls in product.factors if isinstance(x, Band)]
    found = []
    for band, labels in bands:
        for k, label in enumerate(labels):
            alone = sum(label in ls for _, ls in bands) == 1 and labels.count(label) == 1
            if alone and label not in fixed and _can_move(product, band, k, label, takes):
                sign = -band.weights[k]
                others = [sign * n for j, n in enumerate(band.weights) if j != k]
                still = _stay(product, labels, label)
                derived = span_of(product.extents[label]) is not None
                key = (not still, sum(n < 0 for n in others), not derived, k)
                found.append((key, band, labels, label))
    return min(found, key=lambda x: x[0])[1:] if found else None


def _can_move(product: OpenProduct, band: Band, axis: int, label: int, takes: Takes) -> bool:
    if abs(band.weights[axis]) != 1 or not _from_the_end(band):
        return False
    holding = [x for x, ls in product.factors if label in ls and x is not band]
    inside = _at_an_end(band) or any(isinstance(x, Var) for x in holding)
    return inside and bool(holding) and all(_is_plain(x, band, takes) for x in holding)


def _at_an_end(band: Band) -> bool:
    """Whether a band selects the first entry or the last, which are there whatever the extent."""
    return len(band.weights) == 1 and band.constant == int(any(band.ends))


def _from_the_end(band: Band) -> bool:
    """Whether a band is one that can be written: ``H[-1]`` is the only one with an extent."""
    if not any(band.ends):
        return len(band.weights) > 1 or band.weights[0] * band.constant <= 0
    return band.weights == (1,) and band.ends == (-1,) and band.constant > 0


def _is_plain(factor: Expr, band: Band, takes: Takes) -> bool:
    """Whether letters of a factor are those of tensors in it alone."""
    return all(
        isinstance(x, Var | Const | Size | Einsum | Map)
        and not x.has_places
        and (not isinstance(x, Var) or takes(x, band))
        for x in postorder([factor])
    )


def _stay(product: OpenProduct, labels: Labels, label: int) -> bool:
    """Whether a factor has each of the other labels that are summed."""
    held = {k for x, ls in product.factors if not isinstance(x, Band) for k in ls}
    return all(k in held or k in product.output for k in labels if k != label)


__all__ = ["is_selecting", "offsets_to_write", "with_entries"]
