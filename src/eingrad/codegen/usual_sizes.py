"""How long axes presumably are, where a module is written for any sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from eingrad.core.bands import Band, Window
from eingrad.core.expr import Dim, Expr, Var, named_dims, postorder
from eingrad.core.positions import Scan
from eingrad.core.spans import length, span_of, within

ENTRIES = 18  # of a tensor, as a power of 2
USUAL_SIZE = 64  # of an axis of which nothing is known
KERNEL = 4  # of one by which others are shorter


def usual_sizes(tensors: Iterable[tuple[Dim, ...]]) -> Mapping[Dim, int]:
    """Return an extent for each named axis of some tensors, which are given by their axes.

    The tensors of a model have about equally many entries, so an axis that stands beside many
    others is short: the heads of an attention and what is in them, beside what they divide.

    >>> usual_sizes([("n", "d"), ("d", "h", "k"), ("n", "h", "k")])
    {'n': 64, 'd': 64, 'h': 64, 'k': 64}
    >>> usual_sizes([("n", "d"), ("d", "e"), ("e", "h", "k")])
    {'n': 512, 'd': 512, 'e': 64, 'h': 64, 'k': 64}
    """
    most: dict[Dim, int] = {}
    for dims in tensors:
        for d in dims:
            if isinstance(d, str):
                most[d] = max(most.get(d, 2), len(dims))
    return {d: round(2 ** (ENTRIES / n)) for d, n in most.items()}


def extents_of(exprs: Iterable[Expr]) -> Callable[[Dim], int]:
    """Return extents for costs: a module is written for any sizes, so as long as axes usually are.

    But those by which others are shorter, as a kernel's.
    """
    nodes = list(postorder(exprs))
    nodes += postorder([body for x in nodes if isinstance(x, Scan) for body in x.loop.bodies])
    dims = dict.fromkeys(d for x in nodes for d in named_dims(x))
    derived = [own for d in dims if (own := span_of(d)) is not None]
    sizes: dict[Dim, int] = dict.fromkeys(within(dims), USUAL_SIZE)
    usual = usual_sizes(x.dims for x in nodes if isinstance(x, Var))
    sizes |= {d: n for d, n in usual.items() if d in sizes}
    short = [d for own in derived for n, d in own.terms if n < 0]
    short += [d for x in nodes for d in _kernels(x) if d in sizes]
    sizes |= {d: KERNEL for d in short if d in sizes}
    return lambda dim: length(dim, sizes) or USUAL_SIZE


def _kernels(node: Expr) -> list[Dim]:
    """Return the dimensions that are presumably a kernel's: of those that tell a place, i and k in
    x[2 i+k], what has the least weight and is no axis beside it.
    """
    reads: list[list[tuple[Dim, int]]] = []
    if isinstance(node, Band):
        reads = [[*zip(node.dims, node.weights, strict=True)]]
    elif isinstance(node, Window):
        reads = [
            [(node.operands[0].dims[r.axis], -r.step), *zip(r.dims, r.weights, strict=True)]
            for r in node.reaches
        ]
    found = []
    for read in reads:
        dims = [d for d, _ in read]
        ahead = sum(n > 0 for _, n in read) > len(read) / 2
        inner = [(abs(n), -k, d) for k, (d, n) in enumerate(read)
                 if (n > 0) == ahead and dims.count(d) == 1 and span_of(d) is None]  # fmt: skip
        found += [min(inner)[2]] if inner and len(read) > 2 else []
    return found
