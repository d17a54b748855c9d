"""Rewrite rules for inverses and determinants; see `rules` for what a rule is.

A diagonal matrix is a product with a `Delta` of its two axes, a transpose a view.
"""

from __future__ import annotations

from eingrad.core.algebra import (
    einsum,
    is_light,
    power,
)
from eingrad.core.arrays import Matrix
from eingrad.core.expr import Delta, Einsum, Expr


def _is_matrix(node: Expr, *functions: str) -> bool:
    return isinstance(node, Matrix) and node.function in functions


def inverse_of_view(node: Expr) -> Expr | None:
    """inv(s A^T) -> inv(A)^T / s; det(A^T) -> det(A); logdet(A^T) -> logdet(A)"""
    if not _is_matrix(node, "inv", "det", "logdet"):
        return None
    assert isinstance(node, Matrix)
    view = node.operands[0]
    if not isinstance(view, Einsum) or not is_light(view):
        return None
    pairs = list(zip(view.operands, view.inputs, strict=True))
    core, labels = pairs[-1]
    square = set(labels[-2:]) == set(view.output[-2:]) and set(labels) == set(view.output)
    if isinstance(core, Delta) or core.ndim != view.ndim or not square:
        return None
    inner = Matrix(node.function, core)
    if node.function == "inv":
        scale = [(power(x, -1), ls) for x, ls in pairs[:-1]]
        return einsum([(inner, labels), *scale], view.output)
    return einsum([(inner, labels[:-2])], view.output[:-2]) if len(pairs) == 1 else None
