"""Numbers, sizes, signs, and a mean for a sum."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from eingrad.check.candidates import Candidates
from eingrad.check.repairs.base import TWO, Found, Repair, inverse_text, is_scale
from eingrad.check.tree import (
    Site,
    negated,
    shown,
    times,
    without_factors,
)
from eingrad.notation.syntax import (
    Call,
    Formula,
    Number,
    Product,
    SizeOf,
    Sum,
)
from eingrad.notation.text import call_head


def extra_scale(site: Site, _: Candidates) -> Found:
    """``dL/dZ / size(b)`` -> ``dL/dZ``"""
    if not isinstance(site.part, Product):
        return
    for k, (factor, divides) in enumerate(zip(site.part.factors, site.part.divides, strict=True)):
        if not is_scale(factor):
            continue
        text = inverse_text(factor, divides)
        rest = site.put(without_factors(site.part, [k]))
        yield Repair("factor", f"factor {text} too many", 0.9, rest)
        flags = (*site.part.divides[:k], not divides, *site.part.divides[k + 1 :])
        turned = site.put(replace(site.part, divides=flags))
        reason = f"factor {text} where {inverse_text(factor, not divides)} is meant"
        yield Repair("factor", reason, 1.3, turned)


def other_number(site: Site, _: Candidates) -> Found:
    """``3 x`` -> ``2 x``, ``x^3`` -> ``x^2``"""
    if not isinstance(site.part, Number):
        return
    value = site.part.value
    near: list[int | float | Fraction] = [
        1,
        2,
        3,
        4,
        Fraction(1, 2),
        value + 1,
        value - 1,
        value * 2,
        Fraction(value) / 2,
    ]
    simple = Fraction(value).limit_denominator(12)
    if simple != value and abs(simple - Fraction(value)) < abs(Fraction(value)) / 100:
        near.insert(0, simple)  # 0.3333 for 1/3
    mistake = "term" if isinstance(site.parent, Sum) else "factor"
    if site.is_exponent:
        mistake = "power"
    for other in dict.fromkeys(Number(x) for x in near if x != value):
        text = f"{shown(site.part)} where {shown(other)} is meant"
        yield Repair(mistake, text, 1.3 if mistake == "factor" else 1.45, site.put(other))


def missing_scale(site: Site, pools: Candidates) -> Found:
    """``x_i`` -> ``2 x_i`` in one term or argument"""
    if not site.is_term or site.parent is None or is_scale(site.part):
        return
    dims = dict.fromkeys(pools.label_dims.values())
    letters = [next(x for x, d in pools.label_dims.items() if d == dim) for dim in dims]
    letters += [d for d in pools.derived.system.letters if isinstance(d, str) and d not in dims]
    scales: list[tuple[Formula, bool]] = [
        (TWO, False),
        (TWO, True),
        *((SizeOf(x), f) for x in letters for f in (True, False)),
    ]
    for scale, divides in scales:
        reason = f"factor {inverse_text(scale, divides)} missing at {shown(site.part)}"
        yield Repair("factor", reason, 1.35, site.put(times(site.part, scale, divides)))


def sign(site: Site, _: Candidates) -> Found:
    """``Z + T`` -> ``Z - T``"""
    if site.parent is None:
        yield Repair("sign", "the sign is wrong", 0.95, negated(site.part))
    if isinstance(site.part, Sum):
        for k, negative in enumerate(site.part.negative):
            flags = (*site.part.negative[:k], not negative, *site.part.negative[k + 1 :])
            new = site.put(replace(site.part, negative=flags))
            was, is_now = ("-", "+") if negative else ("+", "-")
            text = shown(site.part.terms[k])
            yield Repair("sign", f"sign of {text}: {is_now} is meant, not {was}", 1.0, new)
    elif isinstance(site.parent, Call):
        reason = f"sign of the argument {shown(site.part)}"
        yield Repair("sign", reason, 1.4, site.put(negated(site.part)))


def mean_or_sum(site: Site, _: Candidates) -> Found:
    """``sum_b(...)`` -> ``mean_b(...)``"""
    if isinstance(site.part, Call) and site.part.function in ("sum", "mean"):
        call = site.part
        other = "mean" if call.function == "sum" else "sum"
        wrong, right = (call_head(f, call.axes) for f in (call.function, other))
        reason = f"{wrong} where {right} is meant"
        mistake = f"{call.function}-for-{other}"
        yield Repair(mistake, reason, 0.92, site.put(replace(call, function=other)))
