"""What the emitter knows of a piece of code: along which axes it varies, what its entries are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from eingrad.codegen.code import Code, atom, binary, negative
from eingrad.core.algebra import base_and_exponent
from eingrad.core.expr import Const, Expr, Map, Number
from eingrad.errors import EingradError


@dataclass(frozen=True, slots=True)
class Value:
    """Code for an array that has ``axes`` of its expression, in order, and no others.

    ``is_number`` marks a Python number, ``is_bool`` an array of truth values.
    """

    code: Code
    axes: tuple[int, ...] = ()
    is_number: bool = False
    is_bool: bool = False


def number(value: Number) -> Code:
    """Write a number: a decimal as one, a third as a division.

    >>> str(number(Fraction(1, 10))), str(number(Fraction(-2, 3)))
    ('0.1', '-2 / 3')
    """
    if isinstance(value, complex):
        raise EingradError("a standalone module computes with real numbers only")
    if value < 0:
        return negative(number(-value))
    if isinstance(value, Fraction) and is_decimal(value):
        value = float(value)
    if isinstance(value, int | float):
        return atom("math.inf" if value == math.inf else repr(value))
    return binary("/", atom(str(value.numerator)), atom(str(value.denominator)))


def is_decimal(value: Fraction) -> bool:
    """Whether a fraction is written as a decimal: 0.01, but 1/2 and 1/3."""
    return value.denominator not in (2, 4, 8) and (10**12) % value.denominator == 0


def positive_power(node: Expr) -> Expr | None:
    """Return ``x`` for ``1 / x`` and ``x^k`` for ``1 / x^k``, None for anything else."""
    base, exponent = base_and_exponent(node)
    if not is_negative(exponent):
        return None
    return base if exponent == -1 else Map("pow", [base, Const(-exponent)])


def is_negative(value: Number) -> bool:
    """Whether a number has a minus sign."""
    return not isinstance(value, complex) and value < 0
