"""Factors and terms that are missing or do not belong, functions and powers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations

from eingrad.check.candidates import Candidates
from eingrad.check.repairs.base import TWO, Found, Repair, inverse_text, is_delta, is_scale
from eingrad.check.tree import (
    ONE,
    Site,
    plus,
    shown,
    times,
    without_factors,
    without_term,
)
from eingrad.core.functions import (
    AXIS_FUNCTIONS,
    FUNCTIONS,
    Function,
    declared_base,
    differentiated,
)
from eingrad.notation.syntax import (
    Call,
    Formula,
    Power,
    Product,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.text import to_text


def extra_factors(site: Site, pools: Candidates) -> Found:
    """``dL/dZ Z (1 - Z)`` -> ``dL/dZ``"""
    if not isinstance(site.part, Product):
        return
    factors = site.part.factors
    slopes = {d for a in pools.activations.values() for d in a.derivatives}
    for count in (1, 2):
        for dropped in combinations(range(len(factors)), count):
            kept = [k for k in range(len(factors)) if k not in dropped]
            gone = without_factors(site.part, kept)
            if count == 1 and is_scale(gone):
                continue
            slope = gone in slopes
            known = next((a for a in pools.activations.values() if gone in a.derivatives), None)
            text = to_text(gone) if count == 2 else shown(gone)
            reason = f"factor {text} too many"
            if known is not None:
                reason += f": the derivative of {known.function} does not belong here"
            new = site.put(without_factors(site.part, dropped))
            mistake = "activation-derivative" if slope else _kind_of(gone, "extra-factor")
            yield Repair(mistake, reason, 1.2 + 0.3 * (count - 1) * (not slope), new)


def missing_factors(site: Site, pools: Candidates) -> Found:
    """``dL/dZ`` -> ``dL/dZ phi'(A)``"""
    if not site.is_term or (is_scale(site.part) and site.parent is not None):
        return
    place = "" if site.parent is None else f" at {shown(site.part)}"
    extra = 0.0 if site.parent is None else 0.2
    for activation in pools.activations.values():
        for slope in activation.derivatives:
            reason = f"the derivative of {activation.function}, {to_text(slope)}, is missing{place}"
            new = site.put(_append(site.part, slope))
            yield Repair("activation-derivative", reason, 1.15 + extra, new)
    for factor, divides in pools.factors:
        reason = f"factor {inverse_text(factor, divides)} is missing{place}"
        new = site.put(times(site.part, factor, divides))
        yield Repair(_kind_of(factor, "missing-factor"), reason, 1.4 + extra, new)


def _kind_of(factor: Formula, otherwise: str) -> str:
    """Return the name of the mistake that concerns a factor of this kind."""
    return "delta" if is_delta(factor) else "factor" if is_scale(factor) else otherwise


def _append(formula: Formula, factors: Formula) -> Formula:
    if isinstance(factors, Product):
        for factor, divides in zip(factors.factors, factors.divides, strict=True):
            formula = times(formula, factor, divides)
        return formula
    return times(formula, factors)


def wrong_factor(site: Site, pools: Candidates) -> Found:
    """``A_ij x_j`` -> ``x_i x_j``: any factor of the right formula in the place of another"""
    if not isinstance(site.part, Product):
        return
    for k, (factor, divides) in enumerate(zip(site.part.factors, site.part.divides, strict=True)):
        rest = without_factors(site.part, [k])
        for other, below in pools.factors:
            if other != factor and below == divides and not is_scale(factor):
                reason = f"{shown(factor)} where {shown(other)} is meant"
                yield Repair("wrong-tensor", reason, 1.7, site.put(times(rest, other, below)))


def wrong_slope(site: Site, pools: Candidates) -> Found:
    """``dL/dZ Z (1 - Z)`` -> ``dL/dZ (1 - Z^2)``: the derivative of another activation"""
    if not isinstance(site.part, Product):
        return
    for count in (1, 2):
        for dropped in combinations(range(len(site.part.factors)), count):
            rest = without_factors(site.part, dropped)
            gone = without_factors(
                site.part, [k for k in range(len(site.part.factors)) if k not in dropped]
            )
            for activation in pools.activations.values():
                for slope in activation.derivatives:
                    reason = (
                        f"{to_text(gone)} where the derivative of {activation.function}, "
                        f"{to_text(slope)}, is meant"
                    )
                    new = site.put(_append(rest, slope) if rest != ONE else slope)
                    yield Repair("activation-derivative", reason, 1.55, new)


def wrong_terms(site: Site, pools: Candidates) -> Found:
    """``p_i delta_ij`` -> ``p_i delta_ij - p_i p_j``; ``x + y`` -> ``x``"""
    if isinstance(site.part, Sum) and len(site.part.terms) > 1:
        for k, term in enumerate(site.part.terms):
            sign = "-" if site.part.negative[k] else "+"
            reason = f"the term {sign} {to_text(term)} does not belong here"
            yield Repair("term", reason, 1.35, site.put(without_term(site.part, k)))
    if site.is_term or isinstance(site.parent, Product):
        inside = isinstance(site.parent, Sum)
        for term, negative in pools.terms:
            if not inside:
                reason = f"the term {'-' if negative else '+'} {to_text(term)} is missing"
                new = site.put(plus(site.part, term, negative))
                yield Repair("term", reason, 1.3 if site.parent is None else 1.38, new)


def wrong_function(site: Site, pools: Candidates) -> Found:
    """``sin(x)`` -> ``cos(x)``, ``phi(a)`` -> ``phi'(a)``"""
    if not isinstance(site.part, Call):
        return
    call = site.part
    others = _confused(call.function, len(call.args))
    declared = pools.derived.system.functions
    if declared_base(call.function) in declared:
        others.update(_declared_functions(declared, len(call.args)))
    elif not call.axes:
        others |= {f for f in pools.functions if f.isalnum() and f not in ("add", "pow")}
    for other in sorted(others - {call.function}):
        reason = f"{call.function} where {other} is meant"
        yield Repair("function", reason, 1.4, site.put(replace(call, function=other)))


def _declared_functions(declared: Mapping[str, int], count: int) -> Iterator[str]:
    """Yield the declared functions of so many arguments, with their derivatives."""
    for name in (f for f, own in declared.items() if own == count):
        first = [differentiated(name, k, count) for k in range(count)]
        yield from (name, *first)
        yield from (differentiated(f, k, count) for f in first for k in range(count))


def _confused(function: str, count: int) -> set[str]:
    """Return the functions of so many arguments that are of one family with this one."""
    for table in (FUNCTIONS, AXIS_FUNCTIONS):
        if function in table:
            own = set(table[function].family.split())
            near = (row for row in table.values() if own.intersection(row.family.split()))
            return {x.name for x in near if not isinstance(x, Function) or x.takes(count)}
    return set()


def missing_function(site: Site, pools: Candidates) -> Found:
    """``Z_bo`` -> ``log(Z_bo)``, ``exp(x)`` -> ``x``"""
    if isinstance(site.part, Call) and not site.part.axes and len(site.part.args) == 1:
        reason = f"{site.part.function} does not belong here"
        yield Repair("function", reason, 1.5, site.put(site.part.args[0]))
    if isinstance(site.part, Symbol | TensorAt | Call):
        for function in sorted(pools.calls):
            reason = f"{function} is missing at {shown(site.part)}"
            yield Repair("function", reason, 1.5, site.put(Call(function, (site.part,))))


def wrong_power(site: Site, _: Candidates) -> Found:
    """``1 - Z`` -> ``1 - Z^2``"""
    part = site.part
    if isinstance(part, Power):
        reason = f"{shown(part)} where {shown(part.base)} is meant"
        yield Repair("power", reason, 1.45, site.put(part.base))
    elif isinstance(part, Symbol | Call) and not isinstance(site.parent, Power):
        reason = f"{shown(part)} where {to_text(Power(part, TWO))} is meant"
        yield Repair("power", reason, 1.45, site.put(Power(part, TWO)))
    if isinstance(part, Product):
        for k, factor in enumerate(part.factors):
            if not is_scale(factor):
                flags = (*part.divides[:k], not part.divides[k], *part.divides[k + 1 :])
                verb = "divided by" if part.divides[k] else "multiplied by"
                reason = f"{verb} {shown(factor)} where the opposite is meant"
                yield Repair("inverse", reason, 1.45, site.put(replace(part, divides=flags)))
