"""Products that are 0 times infinity on paper at a kink, and what they are in numbers there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eingrad.core.algebra import (
    Factor,
    Infix,
    add,
    apply,
    base_and_exponent,
    constant_value,
    einsum,
    multiply,
    power,
    repeat,
    scale_of,
)
from eingrad.core.arrays import Matrix
from eingrad.core.expr import Const, Einsum, Expr, Labels, Map, variables
from eingrad.core.functions.elementwise_table import both


def power_at_0(node: Expr) -> Expr | None:
    """a^b log(a) -> a^b log(1) where a = 0 <= b; c a^b -> c a^0 where a = c = 0

    These are the factors of the derivatives ``at_kinks``, for what was derived on paper.
    """
    if not isinstance(node, Einsum):
        return None
    factors = list(zip(node.operands, node.inputs, strict=True))
    scalars = [(x, labels) for x, labels in factors if not labels]
    for k, (x, labels) in enumerate(factors):
        if isinstance(x, Einsum):  # a product holds scalars around the contraction
            factors[k] = (_safe(x, scalars), labels)
    return _safe(einsum(factors, node.output, dict(enumerate(node.extents))), [])


def _safe(node: Expr, around: list[Factor]) -> Expr:
    """Return a product with safe powers and logarithms; ``around`` are scalars that it is
    multiplied by."""
    if not isinstance(node, Einsum):
        return node
    factors = list(zip(node.operands, node.inputs, strict=True))
    for k, (x, labels) in enumerate(factors):
        if not _is_variable_power(x):
            continue
        rest = [*factors[:k], *factors[k + 1 :], *around]
        factors = [(_log_beside(x, y) if own == labels else y, own) for y, own in factors]
        if (coefficient := _coefficient(x, labels, rest)) is not None:
            factors[k] = (_power_beside(x, coefficient), labels)
    return einsum(factors, node.output, dict(enumerate(node.extents)))


def _is_variable_power(node: Expr) -> bool:
    return (
        isinstance(node, Map)
        and node.function == "pow"
        and constant_value(node.operands[0]) is None
        and constant_value(node.operands[1]) is None
    )


def _log_beside(x: Expr, log: Expr) -> Expr:
    a, b = map(Infix, x.operands)
    if not isinstance(log, Map) or log.function != "log" or log.operands[0] is not a.expr:
        return log
    return both(a("eq", 0), b("ge", 0), 1, a)("log").expr  # type: ignore[no-any-return]


def _coefficient(x: Expr, labels: Labels, rest: list[Factor]) -> Expr | None:
    """Return the product of the factors that the exponent's own variables make 0."""
    exponent = x.operands[1]
    if isinstance(exponent, Map) and exponent.function == "where":
        return None
    own = set(variables(exponent))
    beside = [
        (y, ls) for y, ls in rest
        if set(ls) <= set(labels) and (found := variables(y)) and own.issuperset(found)
    ]  # fmt: skip
    if not beside:
        return None
    used = {label for _, ls in beside for label in ls}
    extents = dict(zip(labels, x.dims, strict=True))
    return einsum(beside, labels if used else (), extents)


def _power_beside(x: Expr, coefficient: Expr) -> Expr:
    a, b = map(Infix, x.operands)
    return a("pow", both(a("eq", 0), Infix(coefficient)("eq", 0), 0, b)).expr


# --- x log x ----------------------------------------------------------------------------------


def product_with_log(node: Expr) -> Expr | None:
    """p log(p q) -> p log(1) where p = 0"""
    if not isinstance(node, Einsum) or len(node.operands) < 2:
        return None
    factors = list(zip(node.operands, node.inputs, strict=True))
    for k, (x, labels) in enumerate(factors):
        beside = [(base_and_exponent(y), own) for j, (y, own) in enumerate(factors) if j != k]
        roots = [(y, own) for (y, e), own in beside if _is_positive(e) and set(own) <= set(labels)]
        safe = _with_safe_logs(x, labels, roots)
        if safe is not x:
            factors[k] = (safe, labels)
            return einsum(factors, node.output, dict(enumerate(node.extents)))
    return None


def _is_positive(number: object) -> bool:
    return not isinstance(number, complex) and number > 0  # type: ignore[operator]


def _with_safe_logs(x: Expr, labels: Labels, beside: Sequence[Factor]) -> Expr:
    """Return a logarithm, or a sum of such, that is 0 where a factor of its argument is 0 that
    stands beside it, too."""
    if isinstance(x, Map) and x.function == "add":
        terms = [scale_of(y) if y.ndim == x.ndim else (1, y) for y in x.operands]
        safe = [_with_safe_logs(y, labels, beside) if y.ndim == x.ndim else y for _, y in terms]
        if all(a is b for a, (_, b) in zip(safe, terms, strict=True)):
            return x
        return add(*(multiply(Const(c), y) for (c, _), y in zip(terms, safe, strict=True)))
    if not isinstance(x, Map) or x.function not in {"log", "log1p"} or len(set(labels)) < x.ndim:
        return x
    (inner,) = x.operands
    argument = add(Const(1), inner) if x.function == "log1p" else inner
    found = {(y, tuple(labels[k] for k in own)) for y, own in _factors_of(argument)}
    for y, own in beside:
        if (y, own) in found:
            zero = Infix(repeat(y, x.dims, [labels.index(k) for k in own]))("eq", 0)
            one = 0 if x.function == "log1p" else 1
            return apply(x.function, zero("where", one, Infix(inner)).expr)
    return x


def _factors_of(node: Expr) -> Iterator[Factor]:
    """Yield what a value is a product of positive powers of, labelled by the value's axes."""
    factors: list[Factor] = [(node, tuple(range(node.ndim)))]
    if isinstance(node, Einsum) and not node.summed:
        place = {label: k for k, label in enumerate(node.output)}
        pairs = zip(node.operands, node.inputs, strict=True)
        factors += [(x, tuple(place[k] for k in labels)) for x, labels in pairs]
    for x, labels in factors:
        base, exponent = base_and_exponent(x)
        if _is_positive(exponent) and constant_value(base) is None:
            yield base, labels


# --- determinants ------------------------------------------------------------------------------


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


def _is_matrix(node: Expr, function: str) -> bool:
    return isinstance(node, Matrix) and node.function == function


__all__ = ["adjugate_written_out", "power_at_0", "product_with_log"]
