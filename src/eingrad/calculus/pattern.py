"""Patterns: what the sides of a rule's text are in index form, and what a row of rules holds.

A name of the text is a `Hole`. Labels that both sides have are free, the others are bound: by a
sum, or by the function over axes inside which they stand. `rule_text` reads a text into two
patterns, `matching` finds the one in an expression and builds the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from eingrad.core.expr import Expr, Number

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hole:
    """What a name of the text stands for: any expression, as a function of these labels."""

    name: str
    labels: Names = ()


@dataclass(frozen=True, slots=True)
class Times:
    """Powers of patterns and a number, summed over labels; without factors a number."""

    coefficient: Number
    parts: tuple[tuple[Pattern, Number | Pattern], ...] = ()
    summed: Names = ()


@dataclass(frozen=True, slots=True)
class Plus:
    """Patterns, each times a number."""

    parts: tuple[tuple[Pattern, Number], ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """A function of arguments. One over axes binds labels of its argument; its result has ``out``
    in their place, or nothing."""

    function: str
    args: tuple[Pattern, ...]
    bound: Names = ()
    out: Names = ()


@dataclass(frozen=True, slots=True)
class Dirac:
    """Kronecker's delta."""

    labels: Names


Pattern = Hole | Times | Plus | Applied | Dirac
ONE = Times(1)


@dataclass(frozen=True, slots=True)
class Form:
    """A text: ``left`` may be written as ``right``, where a hole meets a condition if it has one:
    it is a number ``< 0`` or ``even``, or a ``condition``."""

    left: Pattern
    right: Pattern
    condition: tuple[str, str] | None = None


CONDITIONS = ("< 0", "even", "condition")


@dataclass(frozen=True, eq=False, slots=True)
class Rule:
    """A row: the texts that say one thing, or a function of a node where no text can say it.

    ``cites`` is what a derivation calls it; None: the first text, as an equation. A function's
    ``heads`` are the nodes that it looks at (see `head_of`), ``needs`` what these must have inside.
    """

    name: str
    texts: tuple[str, ...] = ()
    cites: str | None = None
    function: Callable[[Expr], Expr | None] | None = None
    heads: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def citation(self) -> str:
        """What a derivation calls the rule; "" where it is another way to write the same."""
        if self.cites is not None:
            return self.cites
        first = self.texts[0] if self.texts else self.name
        return first.partition(" if ")[0].replace("->", "=")


def order(pattern: Pattern) -> tuple[int, str]:
    """Say when a part is matched: what binds labels first, names last, those of few labels first.

    >>> order(Hole("x")) < order(Hole("y", ("i",)))
    True
    """
    if isinstance(pattern, Hole):
        return 3 + len(pattern.labels), pattern.name
    binds = any((isinstance(x, Times) and x.summed) or (isinstance(x, Applied) and x.bound)
                for x in parts_of(pattern))  # fmt: skip
    return (0 if binds else 1 if holes_of(pattern) else 2), repr(pattern)


def parts_of(pattern: Pattern) -> Iterator[Pattern]:
    """Yield a pattern and all below it."""
    stack: list[Pattern] = [pattern]
    while stack:
        here = stack.pop()
        yield here
        match here:
            case Times(parts=parts) | Plus(parts=parts):
                for pair in parts:
                    stack += [x for x in pair if isinstance(x, Pattern)]
            case Applied(args=args):
                stack += reversed(args)


def holes_of(pattern: Pattern) -> frozenset[str]:
    """Return the names of a pattern's holes."""
    return frozenset(x.name for x in parts_of(pattern) if isinstance(x, Hole))


def head_of_pattern(pattern: Pattern) -> str:
    """Return the head of the nodes that a pattern may fit (see `matching.head_of`)."""
    match pattern:
        case Applied(function=function):
            return function
        case Plus():
            return "+"
        case Dirac():
            return "Delta"
        case Times(parts=parts):
            return "*" if parts else "Const"
    return ""


def needs_of(pattern: Pattern) -> frozenset[str]:
    """Return what `heads_inside` of such a node must hold."""
    parts = [x for x, _ in pattern.parts] if isinstance(pattern, Times | Plus) else []
    found = {head for x in parts if (head := head_of_pattern(x))}
    sums = [x for x in parts if isinstance(x, Plus)] if isinstance(pattern, Times) else []
    return frozenset(found | {f"+ {head}" for x in sums for head in needs_of(x)})
