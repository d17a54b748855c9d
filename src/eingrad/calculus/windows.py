"""The form to run of products with offsets: bands become windows, views of what they read.

``sum_mk x_m w_k [m = i + k]`` is a product of w with the window of x over i and k. Of the labels
of a band that is taken which is summed and goes farthest: what has it is read at the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eingrad.core.algebra import einsum, full
from eingrad.core.bands import Band, Reach, window
from eingrad.core.expr import Dim, Einsum, Expr, Labels
from eingrad.core.labelling import Factor
from eingrad.core.rewrite import rewrite

SizeOf = Callable[[Dim], int]


def with_windows(roots: Sequence[Expr], size_of: SizeOf) -> list[Expr]:
    """Return equal expressions with windows in the place of bands, wherever a sum allows it.

    >>> from eingrad.core.expr import Var
    >>> x, w, at = Var("x", (9,)), Var("w", (3,)), Band((9, 7, 3), (1, -1, -1), 0)
    >>> y = einsum([(x, (0,)), (w, (1,)), (at, (0, 2, 1))], (2,))
    >>> sorted(type(x).__name__ for x in with_windows([y], lambda n: n)[0].operands)
    ['Var', 'Window']
    """
    return rewrite(roots, lambda node: _opened(node, size_of))


def _opened(node: Expr, size_of: SizeOf) -> Expr | None:
    if not isinstance(node, Einsum) or not any(isinstance(x, Band) for x in node.operands):
        return None
    factors = list(zip(node.operands, node.inputs, strict=True))
    extents = dict(enumerate(node.extents))
    changed = False
    while (choice := _choice(factors, node.output, extents, size_of)) is not None:
        factors = _read(factors, *choice, node.output, extents)
        changed = True
    return einsum(factors, node.output, extents) if changed else None


def _choice(
    factors: Sequence[Factor], output: Labels, extents: dict[int, Dim], size_of: SizeOf
) -> tuple[int, int] | None:
    """Return a band's number and the label that is read at its other ones; None if none is."""
    bands = [k for k, (x, _) in enumerate(factors) if isinstance(x, Band)]
    found: list[tuple[int, int, int, int]] = []
    for k in bands:
        labels = factors[k][1]
        for label in labels:
            elsewhere = any(label in factors[j][1] for j in bands if j != k)
            if label not in output and labels.count(label) == 1 and not elsewhere:
                entries = size_of(extents[label])
                step = abs(_band(factors[k][0]).weights[labels.index(label)])
                found.append((-entries, step > 1, k, label))
    return min(found)[2:] if found else None


def _band(node: Expr) -> Band:
    assert isinstance(node, Band)
    return node


def _read(
    factors: Sequence[Factor], number: int, label: int, output: Labels, extents: dict[int, Dim]
) -> list[Factor]:
    """Take a band out: read what has the label at the band's other labels.

    What nothing else has is summed before it is read.
    """
    band, labels = _band(factors[number][0]), factors[number][1]
    rest = [f for k, f in enumerate(factors) if k != number]
    holding = [f for f in rest if label in f[1]]
    others = [f for f in rest if label not in f[1]]
    axis = labels.index(label)
    needed = {*output, *labels, *(k for _, ls in others for k in ls)}
    every = tuple(dict.fromkeys((*(k for _, ls in holding for k in ls), label)))
    own = tuple(k for k in every if k in needed)
    if len(holding) == 1 and holding[0][1] == own:
        value = holding[0][0]
    else:
        ones = (full(1, (extents[label],)), (label,))
        value = einsum([*holding, ones], own, extents)
    sign = -1 if band.weights[axis] > 0 else 1  # weight label + rest = 0
    around = [k for k in range(len(labels)) if k != axis]
    ends = tuple((sign * n, d) for n, d in zip(band.ends, band.dims, strict=True) if n)
    reach = Reach(
        own.index(label), tuple(band.dims[k] for k in around),
        tuple(sign * band.weights[k] for k in around), sign * band.constant,
        abs(band.weights[axis]), ends,
    )  # fmt: skip
    view = window(value, reach)
    kept = tuple(k for k in own if k != label)
    return [*others, (view, (*kept, *(labels[k] for k in around)))]


__all__ = ["with_windows"]
