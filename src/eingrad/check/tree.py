"""Formulas as trees: every place in one, and what it would be with that place changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from eingrad.core.expr import Dim
from eingrad.notation.summation import children, rebuilt
from eingrad.notation.syntax import (
    Call,
    Derivative,
    Formula,
    Number,
    Offset,
    Power,
    Product,
    SizeOf,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.text import derivative_name, to_text

ONE = Number(1)


@dataclass(frozen=True)
class Site:
    """A part of a formula; ``put(new)`` is the whole formula with another part in its place."""

    part: Formula
    put: Callable[[Formula], Formula]
    above: tuple[Formula, ...] = ()

    @property
    def parent(self) -> Formula | None:
        """The formula that this is a direct part of."""
        return self.above[-1] if self.above else None

    @property
    def is_term(self) -> bool:
        """Whether this stands where a term can: whole, added to others, or in parentheses."""
        return not isinstance(self.parent, Product | Power | Derivative)

    @property
    def is_exponent(self) -> bool:
        """Whether this stands in an exponent."""
        chain = (*self.above, self.part)
        pairs = pairwise(chain)
        return any(isinstance(a, Power) and b is a.exponent for a, b in pairs)


def sites(formula: Formula) -> Iterator[Site]:
    """Yield every part of a formula, the whole first.

    >>> from eingrad.notation.parse import parse_formula
    >>> found = list(sites(parse_formula("a_i (b_i - 1)")))
    >>> [to_text(site.part) for site in found]
    ['a_i (b_i - 1)', 'a_i', 'b_i - 1', 'b_i', '1']
    >>> to_text(found[3].put(parse_formula("c_i")))
    'a_i (c_i - 1)'
    """
    return _sites(Site(formula, lambda new: new))


def _sites(site: Site) -> Iterator[Site]:
    yield site
    if isinstance(site.part, Derivative | TensorAt):
        return
    for k, child in enumerate(children(site.part)):

        def put(new: Formula, k: int = k) -> Formula:
            return site.put(with_child(site.part, k, new))

        yield from _sites(Site(child, put, (*site.above, site.part)))


def with_child(formula: Formula, k: int, new: Formula) -> Formula:
    """Return a formula with its k-th direct part replaced."""
    parts = children(formula)
    return rebuilt(formula, (*parts[:k], new, *parts[k + 1 :]))


def without_factors(product: Product, dropped: Collection[int]) -> Formula:
    """Return a product without some of its factors."""
    kept = [k for k in range(len(product.factors)) if k not in dropped]
    factors = tuple(product.factors[k] for k in kept)
    divides = tuple(product.divides[k] for k in kept)
    if len(factors) == 1 and not divides[0]:
        return factors[0]
    return Product(factors, divides) if factors else ONE


def without_term(total: Sum, k: int) -> Formula:
    """Return a sum without one of its terms."""
    terms = (*total.terms[:k], *total.terms[k + 1 :])
    negative = (*total.negative[:k], *total.negative[k + 1 :])
    return terms[0] if len(terms) == 1 and not negative[0] else Sum(terms, negative)


def times(formula: Formula, factor: Formula, divides: bool = False) -> Formula:
    """Return a product with one factor more, numbers in front; ``x / x`` cancels."""
    if formula == ONE and not divides:
        return factor
    factors: tuple[Formula, ...] = (formula,)
    flags: tuple[bool, ...] = (False,)
    if isinstance(formula, Product):
        factors, flags = formula.factors, formula.divides
    elif isinstance(formula, Sum) and len(formula.terms) == 1:
        return Sum((times(formula.terms[0], factor, divides),), formula.negative)
    pairs = list(zip(factors, flags, strict=True))
    if (factor, not divides) in pairs and len(factors) > 1:
        return without_factors(Product(factors, flags), [pairs.index((factor, not divides))])
    if isinstance(factor, Number) and not divides:
        return Product((factor, *factors), (False, *flags))
    return Product((*factors, factor), (*flags, divides))


def plus(formula: Formula, term: Formula, negative: bool) -> Formula:
    """Return a sum with one term more."""
    if isinstance(formula, Sum):
        return Sum((*formula.terms, term), (*formula.negative, negative))
    return Sum((formula, term), (False, negative))


def negated(formula: Formula) -> Formula:
    """Return a formula with the opposite sign, as one would write it."""
    if not isinstance(formula, Sum):
        return Sum((formula,), (True,))
    if len(formula.terms) == 1:
        return formula.terms[0] if formula.negative[0] else Sum(formula.terms, (False,))
    order = sorted(range(len(formula.terms)), key=lambda k: not formula.negative[k])
    return Sum(
        tuple(formula.terms[k] for k in order), tuple(not formula.negative[k] for k in order)
    )


def tidied(formula: Formula) -> Formula:
    """Multiply the numbers of each product, and let signs stand in front of it.

    >>> from eingrad.notation.parse import parse_formula
    >>> texts = "2 * 2 (a - b)", "4 F_kn / 2", "-1 * g", "2 * (1 / t_g)", "a - (-b)", "a / (1 / 2)"
    >>> [to_text(tidied(parse_formula(x))) for x in texts]
    ['4 (a - b)', '2 F_kn', '-g', '2 / t_g', 'a + b', 'a / (1 / 2)']
    """
    parts = () if isinstance(formula, Derivative | TensorAt) else children(formula)
    for k, part in enumerate(parts):
        formula = with_child(formula, k, tidied(part))
    if isinstance(formula, Product):
        return _tidy_product(formula)
    return _tidy_sum(formula) if isinstance(formula, Sum) else formula


def _tidy_product(product: Product) -> Formula:
    number = Fraction(1)
    rest: list[tuple[Formula, bool]] = []
    stack = list(zip(product.factors, product.divides, strict=True))[::-1]
    while stack:
        factor, divides = stack.pop()
        if isinstance(factor, Sum) and len(factor.terms) == 1 and not divides:
            number = -number if factor.negative[0] else number
            stack.append((factor.terms[0], False))
        elif isinstance(factor, Product) and not divides:
            stack += list(zip(factor.factors, factor.divides, strict=True))[::-1]
        elif isinstance(factor, Number) and isinstance(factor.value, int) and factor.value:
            number = number / factor.value if divides else number * factor.value
        else:
            rest.append((factor, divides))
    above, below = Number(abs(number.numerator)), Number(number.denominator)
    if above != ONE or not rest or rest[0][1]:
        rest.insert(0, (above, False))
    if below != ONE:
        rest.append((below, True))
    factors, flags = zip(*rest, strict=True)
    result = factors[0] if len(rest) == 1 else Product(factors, flags)
    return negated(result) if number < 0 else result


def _tidy_sum(total: Sum) -> Formula:
    terms: list[Formula] = []
    negative: list[bool] = []
    for term, minus in zip(total.terms, total.negative, strict=True):
        if isinstance(term, Sum) and (len(term.terms) == 1 or not minus):
            terms += term.terms
            negative += [own != minus for own in term.negative]
        else:
            terms.append(term)
            negative.append(minus)
    return terms[0] if len(terms) == 1 and not negative[0] else Sum(tuple(terms), tuple(negative))


def mapped(formula: Formula, leaf: Callable[[Formula], Formula]) -> Formula:
    """Replace the tensors, derivatives, numbers and sizes of a formula."""
    parts = () if isinstance(formula, Derivative | TensorAt) else children(formula)
    if not parts:
        return leaf(formula)
    for k, part in enumerate(parts):
        formula = with_child(formula, k, mapped(part, leaf))
    return formula


def renamed(formula: Formula, names: Mapping[str, str]) -> Formula:
    """Give tensors other names."""

    def leaf(part: Formula) -> Formula:
        if isinstance(part, Symbol):
            return Symbol(names.get(part.name, part.name), part.labels)
        return part

    return mapped(formula, leaf)


Entry = str | Symbol | TensorAt | Offset


def relabelled(formula: Formula, labels: Mapping[str, str]) -> Formula:
    """Give labels other letters, those that functions bind included."""

    def tensor(part: Symbol) -> Symbol:
        return replace(part, labels=tuple(labels.get(k, k) for k in part.labels), position=None)

    def leaf(part: Formula) -> Formula:
        if isinstance(part, Symbol):
            return tensor(part)
        if isinstance(part, SizeOf):
            return SizeOf(labels.get(part.label, part.label)) if part.of is None else part
        if isinstance(part, TensorAt):
            return replace(part, entries=tuple(map(entry, part.entries)))
        if isinstance(part, Derivative) and isinstance(part.of, Symbol):
            return Derivative(tensor(part.of), tuple(map(tensor, part.wrt)))
        return part

    def entry(part: Entry) -> Entry:
        if isinstance(part, Offset):
            return replace(part, terms=tuple((n, labels.get(x, x)) for n, x in part.terms))
        if isinstance(part, TensorAt):
            return replace(part, entries=tuple(map(entry, part.entries)))
        return tensor(part) if isinstance(part, Symbol) else labels.get(part, part)

    def call(part: Formula) -> Formula:
        for k, child in enumerate(
            () if isinstance(part, Derivative | TensorAt) else children(part)
        ):
            part = with_child(part, k, call(child))
        if isinstance(part, Call) and part.axes:
            return replace(part, axes=tuple(labels.get(k, k) for k in part.axes))
        return part

    return call(mapped(formula, leaf))


def tensors_in(formula: Formula) -> Iterator[Symbol]:
    """Yield the tensors of a formula with their labels, those inside derivatives too."""
    for site in sites(formula):
        part = site.part
        if isinstance(part, Symbol):
            yield part
        elif isinstance(part, TensorAt):
            yield from (x for x in part.entries if isinstance(x, Symbol))
        elif isinstance(part, Derivative):
            yield from (x for x in (part.of, *part.wrt) if isinstance(x, Symbol))


def mentions(formula: Formula, target: Symbol | Derivative) -> bool:
    """Whether a formula speaks of a tensor or derivative, whatever its labels."""
    if isinstance(target, Symbol):
        return any(x.name == target.name for x in tensors_in(formula))
    name = derivative_name(target)
    parts = (site.part for site in sites(formula))
    return any(isinstance(x, Derivative) and derivative_name(x) == name for x in parts)


def labels_in(formula: Formula) -> dict[str, None]:
    """Return the labels of a formula in order of appearance."""
    found = dict.fromkeys(label for x in tensors_in(formula) for label in x.labels)
    for site in sites(formula):
        if isinstance(site.part, TensorAt):
            found |= dict.fromkeys(x for x in site.part.entries if isinstance(x, str))
            found |= dict.fromkeys(x for own in site.part.offsets for x in own.labels)
    return found


def label_dims(formula: Formula, dims: Mapping[str, tuple[Dim, ...]]) -> dict[str, Dim]:
    """Return the dimension of each label, from the tensors that have it."""
    found: dict[str, Dim] = {}
    for x in tensors_in(formula):
        own = dims.get(x.name, ())
        if len(own) == len(x.labels):
            for label, dim in zip(x.labels, own, strict=True):
                found.setdefault(label, dim)
    return found


def shown(formula: Formula) -> str:
    """Write a formula inside a sentence."""
    text = to_text(formula)
    return f"({text})" if isinstance(formula, Sum) else text
