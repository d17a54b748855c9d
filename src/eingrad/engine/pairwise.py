"""Products of many tensors -> products of two, before differentiation.

The derivative of a tree of products of two is again such products: every gradient uses the
intermediates of the forward tree and those of the other gradients. All gradients of n operands
together then cost about twice the forward pass, instead of n contractions of n operands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eingrad.core.algebra import einsum
from eingrad.core.expr import Einsum, Expr, Labels
from eingrad.core.product import shared_products
from eingrad.core.rewrite import rewrite
from eingrad.engine.contract import contraction_path


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


__all__ = ["pairwise"]
