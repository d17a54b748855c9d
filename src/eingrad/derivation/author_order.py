"""What an author wrote is written the same way again: the order of a sum, a mean, a symmetry.

An expression does not keep the order of ``v + 0.00001``, nor that ``sum_j(x_j) / size(j)`` was
``mean_j(x_j)``. A derived formula is compared with the parts of the author's formulas, whatever
their labels and the order of their terms and factors, and what is the same is written the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TypeGuard

from eingrad.core.expr import Dim
from eingrad.notation.summation import children, once_each, rebuilt, walk
from eingrad.notation.syntax import (
    Call,
    Compare,
    Derivative,
    Formula,
    Number,
    Ordinal,
    Power,
    Product,
    SizeOf,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.system import System
from eingrad.notation.text import to_text

Shape = str
"""A formula without its labels, its terms and factors sorted; of one with parts a digest."""
Terms = tuple[tuple[int, Shape], ...]


@dataclass(frozen=True)
class AuthorOrder:
    """``sums`` are the author's sums in their order, by what they add; ``means`` what is averaged;
    ``symmetric`` the tensors whose labels may be written in any order."""

    sums: Mapping[Terms, Terms] = field(default_factory=dict)
    means: Collection[Shape] = frozenset()
    symmetric: Collection[str] = frozenset()
    outlines: Collection[Terms] = frozenset()  # of the sums, by which most others are told apart


def author_order_of(system: System) -> AuthorOrder:
    """Return what a model's author is used to write.

    >>> from eingrad.notation.lower import lower
    >>> from eingrad.notation.parse import parse_statements
    >>> author_order = author_order_of(lower(parse_statements("L = mean_i(sqrt(x_i + 1))")))
    >>> list(author_order.sums.values())
    [((0, 'x'), (0, '1'))]
    """
    sums: dict[Terms, Terms] = {}
    means: set[Shape] = set()
    outlines: set[Terms] = set()
    for definition in system.definitions.values():
        if definition.written is None:
            continue
        for part in walk(definition.written.value):
            if isinstance(part, Sum) and len(part.terms) > 1:
                terms = _signed(part)
                outlines.add(_outline(part))
                sums.setdefault(tuple(sorted(terms)), terms)
            elif isinstance(part, Call) and part.function == "mean":
                means.add(shape_of(part.args[0]))
    return AuthorOrder(sums, frozenset(means), outlines=frozenset(outlines))


def as_written(formula: Formula, author_order: AuthorOrder, dims: Mapping[str, Dim]) -> Formula:
    """Write a formula as the author would; ``dims`` are the dimensions of its letters."""
    if isinstance(formula, Derivative):
        return replace(formula, of=as_written(formula.of, author_order, dims))
    if isinstance(formula, TensorAt):
        return formula
    parts = [as_written(x, author_order, dims) for x in children(formula)]
    formula = rebuilt(formula, parts)
    formula = _in_alphabetical_order(formula, author_order.symmetric)
    match formula:
        case Sum():
            return _in_order(formula, author_order)
        case Product():
            return _as_mean(formula, author_order, dims)
    return formula


def symmetric_as_written(formula: Formula, symmetric: Collection[str]) -> Formula:
    """Write the labels of symmetric tensors in alphabetical order, and leave all else."""
    if isinstance(formula, Derivative | TensorAt):
        return formula
    parts = [symmetric_as_written(x, symmetric) for x in children(formula)]
    return _in_alphabetical_order(rebuilt(formula, parts), symmetric)


def _in_alphabetical_order(formula: Formula, symmetric: Collection[str]) -> Formula:
    match formula:
        case Symbol(name=name, labels=labels, moves=()) if name in symmetric:
            return replace(formula, labels=tuple(sorted(labels)))
        case Call(function="inv", args=(Symbol(name=name),), axes=axes) if name in symmetric:
            return replace(formula, axes=tuple(sorted(axes)))
    return formula


@once_each
def shape_of(formula: Formula) -> Shape:
    """Return a formula's shape."""
    match formula:
        case Symbol(name=name) | TensorAt(name=name):
            return name
        case SizeOf():
            return "size()"
        case Ordinal():
            return "place"
        case Number() | Derivative():
            return to_text(formula)
        case Call(function=function):
            return _digest(function, *map(shape_of, children(formula)))
        case Power(base=base, exponent=exponent):
            return _digest("^", shape_of(base), shape_of(exponent))
        case Compare(op=op, left=left, right=right):
            return _digest(op, shape_of(left), shape_of(right))
        case Sum():
            return _digest("+", *sorted(_signed(formula)))
        case Product():
            return _digest("*", *sorted(_factors(formula, False)))
    raise TypeError(f"{type(formula).__name__} is no formula")


def _digest(*parts: object) -> Shape:
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def _outline(total: Sum) -> Terms:
    """Return the signs of a sum's terms, and what their shapes begin with."""
    both = zip(total.negative, total.terms, strict=True)
    return tuple(sorted((int(minus), _head_of(x)) for minus, x in both))


def _head_of(formula: Formula) -> str:
    """Return what a formula's shape begins with, or all of it."""
    match formula:
        case Call(function=function):
            return function
        case Power():
            return "^"
        case Compare(op=op):
            return op
        case Sum():
            return "+"
        case Product():
            return "*"
    return shape_of(formula)


def _signed(total: Sum) -> Terms:
    both = zip(total.negative, total.terms, strict=True)
    return tuple((int(minus), shape_of(x)) for minus, x in both)


def _factors(product: Product, inverse: bool) -> list[tuple[int, Shape]]:
    """Return the shapes of the factors, each with whether it divides; inner products are opened."""
    result: list[tuple[int, Shape]] = []
    for x, divides in zip(product.factors, product.divides, strict=True):
        if isinstance(x, Product):
            result += _factors(x, inverse != divides)
        elif x != Number(1):
            result.append((int(inverse != divides), shape_of(x)))
    return result


def _in_order(total: Sum, author_order: AuthorOrder) -> Sum:
    """Write the terms in the author's order, if the author wrote this sum."""
    if _outline(total) not in author_order.outlines:
        return total
    shapes = _signed(total)
    order = author_order.sums.get(tuple(sorted(shapes)))
    if order is None:
        return total
    left = list(range(len(shapes)))
    found: list[int] = []
    for shape in order:
        found.append(next(k for k in left if shapes[k] == shape))
        left.remove(found[-1])
    return Sum(tuple(total.terms[k] for k in found), tuple(total.negative[k] for k in found))


def _as_mean(product: Product, author_order: AuthorOrder, dims: Mapping[str, Dim]) -> Formula:
    """Write ``sum_b(x_b) / size(b)`` as ``mean_b(x_b)``, if the author takes this mean."""
    above = [x for x, divides in zip(product.factors, product.divides, strict=True) if not divides]
    below = [x for x, divides in zip(product.factors, product.divides, strict=True) if divides]
    divisors = [y for x in below for y in (x.factors if _is_plain(x) else (x,))]
    for k, x in enumerate(above):
        if (
            not isinstance(x, Call)
            or x.function != "sum"
            or x.conditions  # their mean is over those for which they hold
            or not author_order.means
            or shape_of(x.args[0]) not in author_order.means
        ):
            continue
        left = list(divisors)
        for axis in x.axes:
            size = next((s for s in left if _is_size(s, axis, dims)), None)
            if size is None:
                break
            left.remove(size)
        else:
            above[k] = replace(x, function="mean")
            return _as_mean(_quotient(above, left), author_order, dims)
    return product if len(product.factors) > 1 else product.factors[0]


def _is_plain(formula: Formula) -> TypeGuard[Product]:
    return isinstance(formula, Product) and not any(formula.divides)


def _is_size(formula: Formula, axis: str, dims: Mapping[str, Dim]) -> bool:
    if not isinstance(formula, SizeOf) or formula.of is not None:
        return False  # size_j(A_jk) is written where j alone may be another dimension
    return formula.label == axis or (axis in dims and dims.get(formula.label) == dims[axis])


def _quotient(above: list[Formula], below: list[Formula]) -> Product:
    divisor = [Product(tuple(below), (False,) * len(below))] if len(below) > 1 else below
    factors = (*above, *divisor)
    return Product(factors, (*(False for _ in above), *(True for _ in divisor)))


__all__ = ["AuthorOrder", "as_written", "author_order_of", "shape_of"]
