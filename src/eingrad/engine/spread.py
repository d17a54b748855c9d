"""Numbers go where they cost least: into the small factors of a large result.

A Hessian's block ``-2 (delta_kl E_ij - U_il V_jk)`` has n k x n k entries, made of far smaller
tensors: ``2 U_il`` times ``V_jk`` is written once, where a number around the product, or around the
sum, would be multiplied into every entry.
"""

from __future__ import annotations

from eingrad.core.algebra import einsum
from eingrad.core.expr import Const, Delta, Einsum, Expr, Map, Number, exact
from eingrad.core.labelling import connected
from eingrad.core.product import shared_products


@shared_products()
def spread(root: Expr) -> Expr:
    """Return a result with its numbers in the small factors of its terms, where all have such.

    >>> from eingrad.core.expr import Var
    >>> a, b, x = Var("A", ("i", "j")), Var("B", ("k", "l")), Var("x", ("l",))
    >>> flat = einsum([(Const(2), ()), (a, (0, 1)), (b, (2, 3)), (x, (3,))], (0, 1, 2))
    >>> [len(node.operands) for node in (flat, spread(flat))]  # 2 [A B x]; 2 A [B x]
    [2, 3]
    """
    number, inner = _scale(root)
    is_sum = isinstance(inner, Map) and inner.function == "add"
    scales = [_scale(term) for term in inner.operands] if is_sum else [(1, inner)]
    scales = [(c, _outer(x)) for c, x in scales]
    if all(number * c == 1 for c, _ in scales) or not all(_is_small(x) for _, x in scales):
        return root
    new = [_scaled(x, exact(number * c)) for c, x in scales]
    if not is_sum:
        return _turned_as(root, new[0])
    turned = [_turned_as(term, x) for term, x in zip(inner.operands, new, strict=True)]
    return _turned_as(root, Map("add", turned))


def _scale(node: Expr) -> tuple[Number, Expr]:
    """Split ``2 x`` into 2 and x, which has the same axes, perhaps in another order."""
    if isinstance(node, Einsum) and len(node.operands) == 2 and isinstance(node.operands[0], Const):
        number, inner = node.operands[0].value, node.operands[1]
        if sorted(node.inputs[1]) == sorted(node.output) and not isinstance(inner, Delta):
            return number, inner
    return 1, node


def _turned_as(node: Expr, new: Expr) -> Expr:
    """Give what replaces the inner tensor of ``node`` (see `_scale`) the order of its axes."""
    if _scale(node)[1] is node:
        return new
    assert isinstance(node, Einsum)
    labels = node.inputs[1]
    if labels == node.output:
        return new
    return Einsum([new], [labels], node.output, node.extents)


def _outer(node: Expr) -> Expr:
    """Return a flat product as one of parts that share no summed label, if there are several."""
    if not isinstance(node, Einsum):
        return node
    pairs = list(zip(node.operands, node.inputs, strict=True))
    summed = set(node.summed)
    groups = [own for _, own in connected(summed, pairs)]
    rest = [(x, labels) for x, labels in pairs if summed.isdisjoint(labels)]
    if not groups or len(groups) + len(rest) == 1:
        return node
    for own in groups:
        labels = tuple(k for k in node.output if any(k in ls for _, ls in own))
        rest.append((einsum(own, labels), labels))
    extents = [node.extents[k] for k in node.output]  # numbered 0, 1, ... in a heavy product
    return Einsum([x for x, _ in rest], [labels for _, labels in rest], node.output, extents)


def _is_small(node: Expr) -> bool:
    """Whether a product is made of fewer entries than it has: a diagonal, or an outer product."""
    if not isinstance(node, Einsum) or node.summed:
        return False
    diagonal = any(isinstance(x, Delta) for x in node.operands)
    return diagonal or all(x.ndim < node.ndim for x in node.operands)


def _scaled(node: Expr, number: Number) -> Expr:
    """Return a product with a number among its factors; it is multiplied into the smallest one."""
    assert isinstance(node, Einsum)
    if number == 1:
        return node
    operands, inputs = (Const(number), *node.operands), ((), *node.inputs)
    return Einsum(operands, inputs, node.output, node.extents)
