"""Rewrite rules for inverses and determinants; see `rules` for what a rule is.

A diagonal matrix is a product with a `Delta` of its two axes, a transpose a view.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eingrad.core.algebra import (
    Factor,
    apply,
    base_and_exponent,
    einsum,
    full,
    is_light,
    multiply,
    power,
    reduce,
    sum_over,
)
from eingrad.core.arrays import Matrix
from eingrad.core.expr import Const, Delta, Einsum, Expr, Labels


def _is_matrix(node: Expr, *functions: str) -> bool:
    return isinstance(node, Matrix) and node.function in functions


def inverse_of_inverse(node: Expr) -> Expr | None:
    """inv(inv(A)) -> A; det(inv(A)) -> 1/det(A); logdet(inv(A)) -> -logdet(A)"""
    if not isinstance(node, Matrix) or not _is_matrix(node.operands[0], "inv"):
        return None
    inner = node.operands[0].operands[0]
    if node.function == "inv":
        return inner
    if node.function == "det":
        return power(Matrix("det", inner), -1)
    return multiply(Const(-1), Matrix("logdet", inner)) if node.function == "logdet" else None


def inverse_of_multiple(node: Expr) -> Expr | None:
    """inv(s A) -> inv(A) / s"""
    if not _is_matrix(node, "inv"):
        return None
    view = node.operands[0]
    if not isinstance(view, Einsum) or not is_light(view):
        return None
    pairs = list(zip(view.operands, view.inputs, strict=True))
    core, labels = pairs[-1]
    square = set(labels[-2:]) == set(view.output[-2:]) and set(labels) == set(view.output)
    if isinstance(core, Delta) or core.ndim != view.ndim or not square:
        return None
    scale = [(power(x, -1), ls) for x, ls in pairs[:-1]]
    return einsum([(Matrix("inv", core), labels), *scale], view.output)


def adjugate_written_out(node: Expr) -> Expr | None:
    """det(A) inv(A) -> adj(A), which a singular A has, too"""
    if not isinstance(node, Einsum):
        return None
    factors = list(zip(node.operands, node.inputs, strict=True))
    for k, (x, labels) in enumerate(factors):
        det, exponent = base_and_exponent(x)
        if not _is_matrix(det, "det") or not isinstance(exponent, int) or exponent < 1:
            continue
        for j, (y, own) in enumerate(factors):
            new = _as_adjugate(y, own, det.operands[0], labels)
            if new is not y:
                factors[j], factors[k] = (new, own), (power(det, exponent - 1), labels)
                return einsum(factors, node.output, dict(enumerate(node.extents)))
    return None


def _as_adjugate(node: Expr, own: Labels, matrix: Expr, labels: Labels) -> Expr:
    """Put the adjugate in the place of one inverse of a matrix whose determinant has ``labels``."""
    if _is_matrix(node, "inv") and node.operands[0] is matrix and own[:-2] == labels:
        return Matrix("adjugate", matrix)
    inverse = Matrix("inv", matrix)
    if labels or not isinstance(node, Einsum) or inverse not in node.operands:
        return node
    inner = list(zip(node.operands, node.inputs, strict=True))
    k = node.operands.index(inverse)
    inner[k] = (Matrix("adjugate", matrix), inner[k][1])
    return einsum(inner, node.output, dict(enumerate(node.extents)))


def diagonal_matrix(node: Expr) -> Expr | None:
    """inv(diag(v)) -> diag(1/v); det(diag(v)) -> prod(v); logdet(diag(v)) -> sum(log|v|)"""
    if not _is_matrix(node, "inv", "det", "logdet"):
        return None
    assert isinstance(node, Matrix)
    diagonal = _diagonal(node.operands[0])
    if diagonal is None:
        return None
    n = node.operands[0].ndim
    if node.function == "inv":
        batch = tuple(range(n - 2))
        identity = (Delta(node.dims[-1]), (n - 2, n - 1))
        return einsum([(power(diagonal, -1), (*batch, n - 2)), identity], tuple(range(n)))
    if node.function == "det":
        return reduce("prod", diagonal, [n - 2])
    return sum_over(apply("log", apply("abs", diagonal)), [n - 2])


def _diagonal(node: Expr) -> Expr | None:
    """Read a product with the delta of the last two axes as its diagonal, over one of them."""
    if not isinstance(node, (Einsum, Delta)):
        return None
    if isinstance(node, Delta):
        return full(1, node.dims[:1])
    row, column = node.output[-2:]
    pairs = list(zip(node.operands, node.inputs, strict=True))
    rest = [(x, ls) for x, ls in pairs if not (isinstance(x, Delta) and set(ls) == {row, column})]
    if len(rest) == len(pairs) or any(column in ls and row in ls for _, ls in rest):
        return None
    merged = [(x, tuple(row if k == column else k for k in ls)) for x, ls in rest]
    return einsum(merged, node.output[:-1], dict(enumerate(node.extents)))


def inverse_times_matrix(node: Expr) -> Expr | None:
    """inv_ij(A) A_jk -> delta_ik; A_ij inv_jk(A) -> delta_ik"""
    if not isinstance(node, Einsum):
        return None
    pairs = list(zip(node.operands, node.inputs, strict=True))
    for i, (inverse, labels) in enumerate(pairs):
        if not _is_matrix(inverse, "inv"):
            continue
        matrix = inverse.operands[0]
        for j, (x, own) in enumerate(pairs):
            if x is not matrix or own[:-2] != labels[:-2]:
                continue
            left = _meets(pairs, node.output, labels[-1], own[-2])  # inv A
            right = _meets(pairs, node.output, labels[-2], own[-1])  # A inv
            if left or right:
                ends = (labels[-2], own[-1]) if left else (own[-2], labels[-1])
                rest = [pair for k, pair in enumerate(pairs) if k not in (i, j)]
                return _with_identity(node, rest, ends, labels[:-2])
    return None


def _meets(pairs: Sequence[Factor], output: Labels, a: int, b: int) -> bool:
    """Whether two axes are summed with each other and with nothing else."""
    return a == b and a not in output and sum(ls.count(a) for _, ls in pairs) == 2


def _with_identity(node: Einsum, rest: list[Factor], ends: tuple[int, int], batch: Labels) -> Expr:
    extents = dict(enumerate(node.extents))
    ones = full(1, [extents[k] for k in batch])
    identity = (Delta(extents[ends[0]]), ends)
    return einsum([*rest, identity, (ones, batch)], node.output, extents)


# fmt: off
MATRIX_RULES: tuple[Callable[[Expr], Expr | None], ...] = (
    inverse_of_inverse, inverse_of_multiple, diagonal_matrix, inverse_times_matrix,
)
MATRIX_CITATIONS: dict[Callable[[Expr], Expr | None], str] = {
    inverse_of_inverse: "inverse of an inverse",
    inverse_of_multiple: "inverse of a multiple",
    diagonal_matrix: "diagonal matrix",
    inverse_times_matrix: "a matrix times its inverse is the identity",
}
# fmt: on
