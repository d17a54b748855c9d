"""Complex conjugation of expressions; graphs of real numbers hold none."""

from __future__ import annotations

from eingrad.core.algebra import add, apply, broadcast_scalar, einsum
from eingrad.core.expr import Const, Delta, Einsum, Expr, Map, Size, Var

CONJ = "conj"


def conj(node: Expr) -> Expr:
    """Return the complex conjugate, of a product or a sum that of its parts.

    >>> x = Var("x", ("i",))
    >>> conj(conj(x)) is x
    True
    """
    if isinstance(node, Const):
        return Const(node.value.conjugate()) if isinstance(node.value, complex) else node
    if isinstance(node, Delta | Size) or (isinstance(node, Var) and node.integer):
        return node
    if isinstance(node, Einsum):
        factors = [(conj(x), labels) for x, labels in zip(node.operands, node.inputs, strict=True)]
        return einsum(factors, node.output, dict(enumerate(node.extents)))
    if isinstance(node, Map):
        if node.function == CONJ:
            return node.operands[0]
        if node.function == "add":
            return broadcast_scalar(add(*map(conj, node.operands)), node.dims)
        if node.function == "where":
            condition, *branches = node.operands
            chosen = apply("where", condition, *map(conj, branches))
            return broadcast_scalar(chosen, node.dims)
    return apply(CONJ, node)


__all__ = ["CONJ", "conj"]
