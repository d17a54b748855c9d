"""Code for an array, with the axes along which it varies; numbers and their sums as code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from eingrad.codegen.code import Code, atom, binary, negative
from eingrad.core.algebra import base_and_exponent
from eingrad.core.digits import is_decimal
from eingrad.core.expr import Const, Expr, Map, Number, is_finite
from eingrad.errors import EingradError


@dataclass(frozen=True, slots=True)
class Piece:
    """Code for an array that has ``axes`` of its expression, in order, and no others.

    ``is_number`` marks a Python number, ``is_bool`` an array of truth values.
    """

    code: Code
    axes: tuple[int, ...] = ()
    is_number: bool = False
    is_bool: bool = False


WHOLE = 2**31  # what is no int32 is written as a float


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
    if isinstance(value, int) and value >= WHOLE and is_finite(value):
        value = float(value)
    if isinstance(value, int | float):
        return atom("math.inf" if value == math.inf else repr(value).replace("e+", "e"))
    return binary("/", atom(str(value.numerator)), atom(str(value.denominator)))


def positive_power(node: Expr) -> Expr | None:
    """Return ``x`` for ``1 / x`` and ``x^k`` for ``1 / x^k``, None for anything else."""
    base, exponent = base_and_exponent(node)
    if not is_negative(exponent):
        return None
    return base if exponent == -1 else Map("pow", [base, Const(-exponent)])


def is_negative(value: Number) -> bool:
    """Whether a number has a minus sign."""
    return not isinstance(value, complex) and value < 0


def linear(constant: int, terms: Sequence[tuple[int, Code]]) -> Code:
    """Return the code of a sum of multiples, those that are added first.

    >>> str(linear(-1, [(-2, atom("k")), (1, atom("n"))]))
    'n - 2 * k - 1'
    """
    parts = [(n, x if abs(n) == 1 else binary("*", atom(str(abs(n))), x)) for n, x in terms]
    parts += [(constant, atom(str(abs(constant))))] if constant or not parts else []
    (first, code), *rest = sorted(parts, key=lambda part: part[0] < 0)
    code = negative(code) if first < 0 else code
    for n, part in rest:
        code = binary("-" if n < 0 else "+", code, part)
    return code
