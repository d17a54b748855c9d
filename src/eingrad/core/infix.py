"""Expressions under Python's operators, so that a table of derivatives reads as on paper."""

from __future__ import annotations

from eingrad.core.algebra import add, apply, divide, multiply, power, subtract
from eingrad.core.expr import Const, Expr, Number


class Infix:
    """An expression with operators; a number on either side is a constant.

    >>> from eingrad.core.expr import Var
    >>> y = Infix(Var("y", ("i",)))
    >>> (y * (1 - y)).expr.dims
    ('i',)
    """

    __slots__ = ("expr",)

    def __init__(self, expr: Expr) -> None:
        self.expr = expr

    def __add__(self, other: Infix | Number) -> Infix:
        return Infix(add(self.expr, _expr(other)))

    def __sub__(self, other: Infix | Number) -> Infix:
        return Infix(subtract(self.expr, _expr(other)))

    def __rsub__(self, other: Number) -> Infix:
        return Infix(subtract(_expr(other), self.expr))

    def __mul__(self, other: Infix | Number) -> Infix:
        return Infix(multiply(self.expr, _expr(other)))

    def __truediv__(self, other: Infix | Number) -> Infix:
        return Infix(divide(self.expr, _expr(other)))

    def __rtruediv__(self, other: Number) -> Infix:
        return Infix(divide(_expr(other), self.expr))

    def __pow__(self, exponent: Number) -> Infix:
        return Infix(power(self.expr, exponent))

    def __neg__(self) -> Infix:
        return Infix(multiply(Const(-1), self.expr))

    __radd__ = __add__
    __rmul__ = __mul__

    def __call__(self, function: str, *others: Infix | Number) -> Infix:
        """Apply an element-wise function: ``x("tanh")``."""
        return Infix(apply(function, self.expr, *map(_expr, others)))


def _expr(value: Infix | Number) -> Expr:
    return value.expr if isinstance(value, Infix) else Const(value)
