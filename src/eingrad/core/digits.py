"""Integers of any length as text: Python writes at most 4300 decimal digits of one."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

LONGEST = 10**18  # integers below it are written digit by digit
_ROUNDED = Context(prec=4)


def count_text(n: int) -> str:
    """Return a count with commas between thousands, one of more than 18 digits rounded.

    >>> count_text(216_072), count_text(10**5000)
    ('216,072', '1.000e+5000')
    """
    return f"{n:,}" if n < LONGEST else f"{_ROUNDED.create_decimal(Decimal(n)):.3e}"


def shape_text(shape: tuple[int, ...]) -> str:
    """Return a shape as Python writes it.

    >>> shape_text((2, 3)), shape_text((10**20,)), shape_text(())
    ('(2, 3)', '(1.000e+20,)', '()')
    """
    sizes = [str(n) if n < LONGEST else count_text(n) for n in shape]
    return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"


def exact_text(value: Any, write: Callable[[Any], str] = repr) -> str:
    """Return a number or a tuple of them as text, in hexadecimal where it has too many digits.

    >>> exact_text(12), exact_text((2, "i")), exact_text(2**20000)[:6]
    ('12', "(2, 'i')", '0x1000')
    """
    try:
        return write(value)
    except ValueError:
        if isinstance(value, tuple):
            return f"({', '.join(exact_text(x, write) for x in value)})"
        if isinstance(value, Fraction):
            return f"{hex(value.numerator)}/{hex(value.denominator)}"
        return hex(value)


def is_decimal(value: Fraction) -> bool:
    """Whether a fraction is written as a decimal: 0.01, but 1/2 and 1/3."""
    return value.denominator not in (2, 4, 8) and (10**12) % value.denominator == 0


__all__ = ["count_text", "exact_text", "is_decimal", "shape_text"]
