"""Products that are 0 times infinity on paper at a kink, and what they are in numbers there."""

from __future__ import annotations

from eingrad.core.algebra import Factor, Infix, constant_value, einsum
from eingrad.core.expr import Einsum, Expr, Labels, Map, variables
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
