"""Right formulas written in other ways: reordered, factored, expanded, unfolded, renamed.

Each step keeps a formula's value for algebraic reasons; a rewriting is a few steps in a row.
"""

# ruff: noqa: ARG001 - all of them have one signature

from __future__ import annotations

import random
import string
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from models import Formula, model_of, right_formulas
from seeds import seeded

from eingrad.check.tree import (
    Site,
    labels_in,
    negated,
    relabelled,
    sites,
    without_factors,
)
from eingrad.notation import syntax
from eingrad.notation.syntax import (
    Assignment,
    Call,
    Derivative,
    Number,
    Power,
    Product,
    SizeOf,
    Sum,
    Symbol,
)
from eingrad.notation.system import System
from eingrad.notation.text import to_text

LONGEST = 400


@dataclass(frozen=True)
class Rewriting:
    """A right claim, and what it was made from."""

    formula: Formula
    steps: tuple[str, ...]
    claim: Assignment

    def __str__(self) -> str:
        return f"{', '.join(self.steps)}: {to_text(self.claim)} from {self.formula}"


Step = Callable[[Assignment, System, random.Random], Assignment | None]


def _at(claim: Assignment, rng: random.Random, fits: Callable[[Site], bool]) -> Site | None:
    found = [site for site in sites(claim.value) if fits(site)]
    return rng.choice(found) if found else None


def _with(claim: Assignment, value: syntax.Formula) -> Assignment:
    return Assignment(claim.target, value)


def _fresh(claim: Assignment, count: int, rng: random.Random) -> list[str]:
    used = {*labels_in(claim.value), *_left(claim), *(
        axis for s in sites(claim.value) if isinstance(s.part, Call) for axis in s.part.axes
    )}  # fmt: skip
    free = [c for c in string.ascii_lowercase if c not in used and c not in "de"]
    return rng.sample(free, count)


def _left(claim: Assignment) -> list[str]:
    target = claim.target
    symbols = [target] if isinstance(target, Symbol) else [target.of, *target.wrt]
    return [label for x in symbols if isinstance(x, Symbol) for label in x.labels]


# --- steps ------------------------------------------------------------------------------------


def reordered(claim: Assignment, system: System, rng: random.Random) -> Assignment | None:
    """``a b -> b a``, ``a + b -> b + a``"""
    site = _at(claim, rng, lambda s: isinstance(s.part, Product | Sum) and _count(s.part) > 1)
    if site is None:
        return None
    order = list(range(_count(site.part)))
    rng.shuffle(order)
    if isinstance(site.part, Sum):
        new: syntax.Formula = Sum(
            tuple(site.part.terms[k] for k in order), tuple(site.part.negative[k] for k in order)
        )
    else:
        assert isinstance(site.part, Product)
        new = Product(
            tuple(site.part.factors[k] for k in order), tuple(site.part.divides[k] for k in order)
        )
    return _with(claim, site.put(new))


def _count(part: syntax.Formula) -> int:
    return len(part.terms if isinstance(part, Sum) else part.factors)  # type: ignore[union-attr]


def renamed(claim: Assignment, system: System, rng: random.Random) -> Assignment | None:
    """``W_ij x_j -> W_pq x_q``"""
    labels = list(dict.fromkeys([*_left(claim), *labels_in(claim.value)]))
    labels = [x for x in labels if len(x) == 1]
    if len(labels) > 8:
        return None
    sizes = {s.part.label for s in sites(claim.value) if isinstance(s.part, SizeOf)}
    labels = [x for x in labels if x not in sizes]
    new = dict(zip(labels, _fresh(claim, len(labels), rng), strict=True))
    target = relabelled(claim.target, new)
    assert isinstance(target, Symbol | Derivative)
    return Assignment(target, relabelled(claim.value, new))


def expanded(claim: Assignment, system: System, rng: random.Random) -> Assignment | None:
    """``a (b + c) -> a b + a c``"""
    site = _at(
        claim, rng,
        lambda s: isinstance(s.part, Product) and any(
            isinstance(x, Sum) and not d
            for x, d in zip(s.part.factors, s.part.divides, strict=True)
        ),
    )  # fmt: skip
    if site is None:
        return None
    part = site.part
    assert isinstance(part, Product)
    k = next(k for k, x in enumerate(part.factors) if isinstance(x, Sum) and not part.divides[k])
    total = part.factors[k]
    assert isinstance(total, Sum)
    # a label that is summed over this product must still be summed, in each term of the new sum
    kept = {*_left(claim), *(x for s in site.above if isinstance(s, Call) for x in s.axes)}
    outer = [x for f in without_one(part, k) for x in labels_in(f)]
    for term in total.terms:
        counts = Counter([*outer, *labels_in(term)])
        if any(counts[x] < 2 for x in {*outer, *labels_in(total)} - kept):
            return None
    new = tuple(
        Product((*part.factors[:k], term, *part.factors[k + 1 :]), part.divides)
        for term in total.terms
    )
    return _with(claim, site.put(Sum(new, total.negative)))


def without_one(product: Product, k: int) -> tuple[syntax.Formula, ...]:
    """Return a product's factors but one."""
    return (*product.factors[:k], *product.factors[k + 1 :])


def factored(claim: Assignment, system: System, rng: random.Random) -> Assignment | None:
    """``b - a -> -(a - b)``"""
    site = _at(claim, rng, lambda s: isinstance(s.part, Sum) and len(s.part.terms) > 1)
    if site is None:
        return None
    return _with(claim, site.put(Sum((negated(site.part),), (True,))))


def split(claim: Assignment, system: System, rng: random.Random) -> Assignment | None:
    """``2 x -> x + x``"""
    site = _at(claim, rng, lambda s: isinstance(s.part, Product) and Number(2) in s.part.factors)
    if site is None:
        return None
    part = site.part
    assert isinstance(part, Product)
    k = part.factors.index(Number(2))
    if part.divides[k] or len(part.factors) < 2:
        return None
    rest = without_factors(part, [k])
    return _with(claim, site.put(Sum((rest, rest), (False, False))))


def inverted(claim: Assignment, system: System, rng: random.Random) -> Assignment | None:
    """``a / b -> a b^-1``"""
    site = _at(claim, rng, lambda s: isinstance(s.part, Product) and True in s.part.divides)
    if site is None:
        return None
    part = site.part
    assert isinstance(part, Product)
    k = part.divides.index(True)
    power = Power(part.factors[k], Sum((Number(1),), (True,)))
    factors = (*part.factors[:k], power, *part.factors[k + 1 :])
    flags = (*part.divides[:k], False, *part.divides[k + 1 :])
    return _with(claim, site.put(Product(factors, flags)))


def cancelling(claim: Assignment, system: System, rng: random.Random) -> Assignment | None:
    """``x -> 3 x / 3``, ``x -> x size(b) / size(b)``"""
    site = _at(claim, rng, lambda s: s.parent is None or isinstance(s.parent, Sum))
    if site is None:
        return None
    labels = [x for x in _left(claim) if len(x) == 1]
    number: syntax.Formula = SizeOf(rng.choice(labels)) if labels else Number(3)
    return _with(claim, site.put(Product((number, site.part, number), (False, False, True))))


def added(claim: Assignment, system: System, rng: random.Random) -> Assignment | None:
    """``x -> x + y - y``"""
    site = _at(claim, rng, lambda s: isinstance(s.part, Sum) and len(s.part.terms) > 1)
    if site is None:
        return None
    assert isinstance(site.part, Sum)
    term = rng.choice(site.part.terms)
    new = Sum((*site.part.terms, term, term), (*site.part.negative, False, True))
    return _with(claim, site.put(new))


def with_delta(claim: Assignment, system: System, rng: random.Random) -> Assignment | None:
    """``x_i -> delta_ij x_j``"""
    site = _at(
        claim, rng,
        lambda s: isinstance(s.part, Symbol) and s.part.name != "delta" and len(s.part.labels) > 0
        and len(set(s.part.labels)) == len(s.part.labels),
    )  # fmt: skip
    if site is None:
        return None
    symbol = site.part
    assert isinstance(symbol, Symbol)
    k = rng.randrange(len(symbol.labels))
    (letter,) = _fresh(claim, 1, rng)
    moved = Symbol(symbol.name, (*symbol.labels[:k], letter, *symbol.labels[k + 1 :]))
    delta = Symbol("delta", (symbol.labels[k], letter))
    return _with(claim, site.put(Product((delta, moved), (False, False))))


def unfolded(claim: Assignment, system: System, rng: random.Random) -> Assignment | None:
    """``Z_bh -> sigmoid(A_bh)``: a tensor's definition in the place of its name"""
    site = _at(
        claim, rng,
        lambda s: isinstance(s.part, Symbol) and s.part.name in system.definitions
        and len(set(s.part.labels)) == len(s.part.labels),
    )  # fmt: skip
    if site is None:
        return None
    symbol = site.part
    assert isinstance(symbol, Symbol)
    written = system.definitions[symbol.name].written
    assert written is not None
    assert isinstance(written.target, Symbol)
    own = dict(zip(written.target.labels, symbol.labels, strict=True))
    inner = [x for x in labels_in(written.value) if x not in own]
    own |= dict(zip(inner, _fresh(claim, len(inner), rng), strict=True))
    return _with(claim, site.put(relabelled(written.value, own)))


def explicit(claim: Assignment, system: System, rng: random.Random) -> Assignment | None:
    """``a_i b_i -> sum_i(a_i b_i)``"""
    kept = set(_left(claim))

    def fits(site: Site) -> bool:
        return isinstance(site.part, Product) and site.parent is None

    site = _at(claim, rng, fits)
    if site is None:
        return None
    counts = [x for f in site.part.factors for x in labels_in(f)]  # type: ignore[union-attr]
    twice = [x for x in dict.fromkeys(counts) if counts.count(x) > 1 and x not in kept]
    twice = [x for x in twice if len(x) == 1]
    if not twice:
        return None
    return _with(claim, Call("sum", (site.part,), (rng.choice(twice),)))


def squared(claim: Assignment, system: System, rng: random.Random) -> Assignment | None:
    """``x^2 -> x x``"""
    site = _at(claim, rng, lambda s: isinstance(s.part, Power) and s.part.exponent == Number(2))
    if site is None or {*labels_in(site.part)} - set(_left(claim)):
        return None
    assert isinstance(site.part, Power)
    return _with(claim, site.put(Product((site.part.base,) * 2, (False, False))))


STEPS: tuple[Step, ...] = (
    reordered, renamed, expanded, factored, split, inverted, cancelling, added, with_delta,
    unfolded, explicit, squared,
)  # fmt: skip


@cache
def rewritings(count: int, seed: int = 0) -> tuple[Rewriting, ...]:
    """Draw right claims, each made from a right formula in two to four steps."""
    rng = random.Random(seeded(seed))
    formulas = [f for f in right_formulas() if "[" not in str(f)]
    result: dict[str, Rewriting] = {}
    while len(result) < count:
        formula = rng.choice(formulas)
        system = model_of(formula.text).system
        claim, steps = formula.claim, []
        for _ in range(rng.randint(2, 4)):
            step = rng.choice(STEPS)
            new = step(claim, system, rng)
            if new is not None and new != claim:
                claim, steps = new, [*steps, step.__name__]
        text = to_text(claim)
        if steps and len(text) <= LONGEST and text != str(formula):
            result.setdefault(f"{formula.model}: {text}", Rewriting(formula, tuple(steps), claim))
    return tuple(result.values())
