"""Factors to a product as one writes it: signs, fractions, powers, sums where none is implied."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction

from eingrad.core.digits import is_decimal
from eingrad.core.expr import Number as Value
from eingrad.errors import EingradError
from eingrad.notation import syntax
from eingrad.notation.summation import Summation, children, once_each
from eingrad.notation.syntax import Call, Formula, Number, Ordinal, Symbol
from eingrad.notation.tensors import PI


def number(value: Value) -> Formula:
    """Write a number: a decimal as one, a third as a fraction, a negative one with its sign."""
    if isinstance(value, int | float | Fraction) and value < 0:
        return syntax.Sum((number(-value),), (True,))
    if isinstance(value, float) and (multiple := _of_pi(value)) is not None:
        return _joined(*multiple)
    if isinstance(value, Fraction) and not is_decimal(value):
        above, below = Number(value.numerator), Number(value.denominator)
        return syntax.Product((above, below), (False, True))
    if isinstance(value, complex):
        raise EingradError(
            "a complex number has no notation", hint="write its real and imaginary part"
        )
    return Number(value)


def _of_pi(value: float) -> tuple[list[Formula], list[Formula]] | None:
    """Write a float as a simple multiple of pi, or of 1 / pi: what is above the bar and below."""
    if not 1e-4 < value < 1e4:
        return None
    for inverse in (False, True):
        ratio = Fraction((1 / value if inverse else value) / math.pi).limit_denominator(12)
        n, d = ratio.numerator, ratio.denominator
        if 0 < n <= 144 and value == (1 / (n * math.pi / d) if inverse else n * math.pi / d):
            above: list[Formula] = [PI] if n == 1 else [Number(n), PI]
            below: list[Formula] = [] if d == 1 else [Number(d)]
            return (below, above) if inverse else (above, below)
    return None


def assemble(
    coefficient: Value, above: list[Formula], below: list[Formula], bound: Sequence[str]
) -> Formula:
    """Join factors to a product, with ``sum_b(...)`` for a label that only one factor has."""
    negative = not isinstance(coefficient, complex) and coefficient < 0
    size = -coefficient if negative else coefficient
    above = list(above)
    below = list(below)
    placed = {x for part in (*above, *below) for x in places_in(part)}
    apart = [x for x in bound if x in placed]  # a comparison of a label is no occurrence of it
    bound = [x for x in bound if x not in placed]
    if isinstance(size, Fraction) and not is_decimal(size):
        below.insert(0, Number(size.denominator))
        size = size.numerator
    above, below = _pull_up_sums(above, below, bound)
    above = _wrap_sums(_merge_repeats(above, bound), below, bound)
    if isinstance(size, float) and (multiple := _of_pi(size)) is not None:
        above, below = [*multiple[0], *above], [*multiple[1], *below]
        size = 1
    if size != 1 or not above:
        above.insert(0, number(size))
    result = _as_meant(above, below, bound, apart)
    return syntax.Sum((result,), (True,)) if negative else result


def _joined(above: Sequence[Formula], below: Sequence[Formula]) -> Formula:
    """Write a product, or a quotient."""
    if len(above) == 1 and not below:
        return above[0]
    divisor = [syntax.Product(tuple(below), (False,) * len(below))] if len(below) > 1 else below
    divides = (*[False] * max(1, len(above)), *[True] * bool(below))
    return syntax.Product((*(above or [Number(1)]), *divisor), divides)


def _as_meant(
    above: Sequence[Formula],
    below: Sequence[Formula],
    bound: Sequence[str],
    apart: Sequence[str] = (),
) -> Formula:
    """Write a product that is summed over ``bound``: in ``sum_b( )`` if else it could be misread,
    and over the labels in ``apart`` in any case.

    >>> from eingrad.notation.parse import parse_formula
    >>> from eingrad.notation.text import to_text
    >>> factors = [parse_formula(x) for x in ("t_b", "X_bi", "exp(t_b X_bj w_j)")]
    >>> to_text(assemble(1, factors, [], ["b"]))
    'sum_b(t_b X_bi exp(t_b X_bj w_j))'
    """
    axes: list[str] = []
    result = inner = _joined(above, below)
    while left := [b for b in (*apart, *bound) if b not in axes]:
        around = {*apart, *_misread(left, result, inner)}
        if around.isdisjoint(left):
            break
        axes += [b for b in left if b in around]
        held = [[x for x in part if _held(x) & {*axes}] for part in (above, below)]
        rest = [[x for x in part if not _held(x) & {*axes}] for part in (above, below)]
        inner = _joined(*held)
        result = _joined([*rest[0], Call("sum", (inner,), tuple(axes))], rest[1])
    return result


def _misread(letters: Sequence[str], whole: Formula, inner: Formula) -> set[str]:
    """Return those letters whose sums over products would be read as sums apart, or noted."""
    found: set[str] = set()
    for formula in [whole] if whole is inner else [whole, inner]:
        if isinstance(formula, syntax.Product):
            kept = letters_of(formula).difference(letters)
            decisions = Summation().decisions(formula, kept)
            found.update(d.label for d in decisions if d.apart or d.doubt is not None)
    return found


def _pull_up_sums(
    above: list[Formula], below: list[Formula], bound: Sequence[str]
) -> tuple[list[Formula], list[Formula]]:
    """Write ``sum_b(1 / y_b)`` where a summed label stands below the fraction bar alone."""
    if not below:
        return above, below
    alone = {b for b in bound if not any(b in letters_of(x) for x in above)}
    under = [x for x in below if letters_of(x) & alone]
    if not under:
        return above, below
    rest = [x for x in below if x not in under]
    labels = tuple(b for b in bound if b in alone & letters_of_all(under))
    divisor = under[0] if len(under) == 1 else syntax.Product(tuple(under), (False,) * len(under))
    quotient = syntax.Product((Number(1), divisor), (False, True))
    return [*above, Call("sum", (quotient,), labels)], rest


def letters_of_all(formulas: Iterable[Formula]) -> set[str]:
    """Return every label in some formulas."""
    return {letter for formula in formulas for letter in letters_of(formula)}


def _merge_repeats(factors: list[Formula], bound: Sequence[str]) -> list[Formula]:
    """Write ``x x`` as ``x^2``, unless that would hide a sum: ``E_b E_b`` sums over b.

    What is no tensor may have sums inside, whose letters two copies would share: it is squared.
    """
    result: list[Formula] = []
    for factor, count in Counter(factors).items():
        if count == 1:
            result.append(factor)
            continue
        inside = [letter for letter in bound if letter in letters_of(factor)]
        others = [x for x in factors if x != factor]
        hidden = [b for b in inside if not any(b in letters_of(x) for x in others)]
        if not hidden or count > 2 or not isinstance(factor, Symbol):
            factor = syntax.Power(factor, Number(count))
            count = 1
        result += [factor] * count
    return result


def _wrap_sums(factors: list[Formula], below: list[Formula], bound: Sequence[str]) -> list[Formula]:
    """Put ``sum_b( )`` around the one factor that has a summed label; two factors imply it."""
    alone: dict[int, list[str]] = {}
    for letter in bound:
        if any(isinstance(x, Call) and x.function == "sum" and letter in x.axes for x in factors):
            continue  # summed already
        having = [k for k, x in enumerate(factors) if letter in letters_of(x)]
        under = any(letter in letters_of(x) for x in below)
        if len(having) == 1 and not under and not _is_trace(factors[having[0]], letter):
            alone.setdefault(having[0], []).append(letter)
    return [_summed(x, tuple(alone[k])) if k in alone else x for k, x in enumerate(factors)]


def _summed(factor: Formula, axes: tuple[str, ...]) -> Formula:
    """Write a sum; of ``delta_ij inv_ij(A_ij)`` over i it is a trace."""
    match factor:
        case syntax.Product(factors=(Symbol("delta", pair), Call(axes=own) as inner)):
            if set(own) == set(pair) and set(axes) < set(pair):
                return Call("trace", (inner,), own)
    return Call("sum", (factor,), axes)


def _is_trace(factor: Formula, letter: str) -> bool:
    return isinstance(factor, Symbol) and factor.labels.count(letter) > 1


@once_each
def letters_of(formula: Formula) -> frozenset[str]:
    """Return every label in a formula."""
    if isinstance(formula, Symbol | syntax.TensorAt):
        return frozenset(formula.labels)
    return frozenset[str]().union(*map(letters_of, children(formula)))


def _held(formula: Formula) -> frozenset[str]:
    return letters_of(formula) | places_in(formula)


@once_each
def places_in(formula: Formula) -> frozenset[str]:
    """Return the labels that comparisons in a formula speak of, but for those that it binds."""
    if isinstance(formula, Ordinal):
        return frozenset([formula.label])
    found = frozenset[str]().union(*map(places_in, children(formula)))
    return found - {*formula.axes} if isinstance(formula, Call) else found


@once_each
def letters_in_order(formula: Formula) -> tuple[str, ...]:
    """Return the labels in a formula as one reads them."""
    if isinstance(formula, Symbol | syntax.TensorAt):
        return formula.labels
    return tuple(label for part in children(formula) for label in letters_in_order(part))
