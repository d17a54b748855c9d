"""What a repair is, and what the finders of repairs share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from eingrad.check.candidates import Candidates
from eingrad.check.question import Target
from eingrad.check.tree import Site, shown, sites
from eingrad.notation.syntax import (
    Call,
    Formula,
    Number,
    Power,
    Product,
    SizeOf,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.text import to_text

TWO = Number(2)


@dataclass(frozen=True)
class Repair:
    """A claim's right side with one mistake repaired; ``mistake`` says which in one word."""

    mistake: str
    reason: str
    cost: float
    value: Formula
    target: Target | None = None  # where the left side is what must change


Found = Iterator[Repair]
Finder = Callable[[Site, Candidates], Found]


def is_scale(formula: Formula) -> bool:
    """Whether a factor is made of numbers and sizes alone."""
    return all(
        isinstance(site.part, Number | SizeOf | Product | Power | Sum | Call)
        for site in sites(formula)
    )


def is_delta(formula: Formula) -> bool:
    """Whether a factor is Kronecker's delta or an indicator."""
    return isinstance(formula, Symbol | TensorAt) and formula.name == "delta"


def inverse_text(factor: Formula, divides: bool) -> str:
    """Write a factor that may stand below the fraction bar."""
    if divides and isinstance(factor, Product):
        return f"1/({to_text(factor)})"
    return f"1/{shown(factor)}" if divides else shown(factor)
