"""Labels, deltas, and the axes that are summed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from eingrad.check.candidates import Candidates
from eingrad.check.repairs.base import Found, Repair
from eingrad.check.tree import (
    ONE,
    Site,
    labels_in,
    relabelled,
    shown,
    times,
)
from eingrad.derivation.author_letters import fresh_letter
from eingrad.notation.syntax import (
    Call,
    Derivative,
    Formula,
    Number,
    Offset,
    Product,
    SizeOf,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.text import call_head, symbol_text, to_text


def labels_of_one(site: Site, pools: Candidates) -> Found:
    """``A_ji`` -> ``A_ij``, ``x_i`` -> ``x_j``"""
    symbols: list[Symbol] = []
    if isinstance(site.part, Symbol):
        symbols = [site.part]
    elif isinstance(site.part, Derivative):
        symbols = [x for x in (site.part.of, *site.part.wrt) if isinstance(x, Symbol)]
    for symbol in symbols:
        for changed, swapped in _other_labels(symbol, list(pools.labels)):
            if symbol.name == "delta" and len({*changed.labels}) < 2:
                continue
            new = changed if symbol is site.part else _in_derivative(site.part, symbol, changed)
            old_text, text = (symbol_text(x.name, x.labels) for x in (symbol, changed))
            reason = f"{old_text} is transposed: {text} is meant" if swapped else (
                f"{old_text} has a wrong label: {text} is meant"
            )  # fmt: skip
            yield Repair("transposed" if swapped else "label", reason,
                         1.05 if swapped else 1.25, site.put(new))  # fmt: skip


def _other_labels(symbol: Symbol, letters: list[str]) -> Iterator[tuple[Symbol, bool]]:
    """Yield a tensor with two labels exchanged (True), or one of them replaced (False)."""
    own = symbol.labels
    for p, q in combinations(range(len(own)), 2):
        if own[p] != own[q]:
            new = list(own)
            new[p], new[q] = own[q], own[p]
            yield Symbol(symbol.name, tuple(new)), True
    for k, label in enumerate(own):
        for other in letters:
            if other != label:
                yield Symbol(symbol.name, (*own[:k], other, *own[k + 1 :])), False


def offsets(site: Site, pools: Candidates) -> Found:
    """``w[i-n]`` -> ``w[n-i]``, ``x[i+k]`` -> ``x[i-k]``, ``h[t]`` -> ``h[t-1]``"""
    part = site.part
    if not isinstance(part, Symbol | TensorAt) or part.name == "delta" or not pools.moves:
        return
    entries = part.entries if isinstance(part, TensorAt) else part.labels
    for k, entry in enumerate(entries):
        at = Offset(((1, entry),)) if isinstance(entry, str) else entry
        for other in _other_offsets(at) if isinstance(at, Offset) else ():
            new = TensorAt(part.name, (*entries[:k], other, *entries[k + 1 :]))
            reason = f"{to_text(part)} is read at the wrong place: {to_text(new)} is meant"
            yield Repair("label", reason, 1.35, site.put(new))


def _other_offsets(entry: Offset) -> Iterator[Offset]:
    """Yield where else may be meant: the other way round, with one sign changed, one further."""
    signs = [(-1,) * len(entry.terms)] if len(entry.terms) > 1 else []
    signs += [tuple(-1 if j == k else 1 for j in range(len(entry.terms)))
              for k in range(len(entry.terms)) if len(entry.terms) > 1]  # fmt: skip
    for chosen in signs:
        terms = [(s * n, x) for s, (n, x) in zip(chosen, entry.terms, strict=True)]
        terms.sort(key=lambda term: term[0] < 0)
        yield Offset(tuple(terms), entry.constant * (-1 if max(chosen) < 0 else 1))
    for constant in {entry.constant + 1, entry.constant - 1, -entry.constant} - {entry.constant}:
        yield replace(entry, constant=constant)


def _in_derivative(part: Formula, old: Symbol, new: Symbol) -> Formula:
    assert isinstance(part, Derivative)
    of = new if part.of is old else part.of
    return Derivative(of, tuple(new if x is old else x for x in part.wrt))


def labels_of_all(site: Site, pools: Candidates) -> Found:
    """``X_bh dL/dA_bi`` -> ``X_bi dL/dA_bh``; of the whole claim: the result is transposed"""
    if not (site.parent is None or isinstance(site.part, Product | Sum)):
        return
    letters = list(labels_in(site.part))
    for p, q in combinations(letters, 2):
        swap = {p: q, q: p}
        new = site.put(relabelled(site.part, swap))
        if site.parent is None and len({p, q} & set(pools.target)) == 1:
            target = relabelled(pools.question.target, swap)
            assert isinstance(target, Symbol | Derivative)
            texts = to_text(pools.question.target), to_text(target)
            reason = f"{texts[0]} on the left has a wrong label: {texts[1]} is meant"
            yield Repair("label", reason, 1.3, new, target)
            continue
        whole = site.parent is None and {p, q} <= set(pools.target)
        reason = f"the labels {p} and {q} are exchanged in {to_text(site.part)}"
        if whole:
            reason = f"the result is transposed: {p} and {q} are exchanged"
        yield Repair("transposed" if whole else "label", reason, 1.1 if whole else 1.5, new)


def reused(site: Site, pools: Candidates) -> Found:
    """``x_i / (x_i x_i)`` -> ``x_i / (x_k x_k)``, ``a_k b_k c_k d_k`` -> ``a_k b_k c_l d_l``"""
    part = site.part
    if not isinstance(part, Product):
        return
    for label in labels_in(part):
        holders = [k for k, x in enumerate(part.factors) if label in labels_in(x)]
        fresh = fresh_letter(pools.label_dims.get(label, label), pools.labels, pools.derived.names)
        choices: list[tuple[int, ...]] = [
            (k,) for k in holders if not isinstance(part.factors[k], Symbol | TensorAt)
        ]
        if len(holders) > 2:
            choices += list(combinations(holders, 2))
        for chosen in choices:
            new = part
            for k in chosen:
                changed = relabelled(part.factors[k], {label: fresh})
                new = replace(new, factors=(*new.factors[:k], changed, *new.factors[k + 1 :]))
            reason = f"the label {label} is used twice: {to_text(new)} is meant"
            yield Repair("label", reason, 1.22 + 0.02 * len(chosen), site.put(new))


def order(site: Site, _: Candidates) -> Found:
    """``A_ij B_jk`` -> ``B_ij A_jk``; ``C_jl B_lk`` -> ``C_lj B_kl``: the order of a chain"""
    part = site.part
    if not isinstance(part, Product):
        return
    ends = {k: pair for k, x in enumerate(part.factors) if (pair := _ends(x)) is not None}
    for p, q in combinations(ends, 2):
        texts = [shown(part.factors[k]) for k in (p, q)]
        exchanged = {p: (ends[p], ends[q]), q: (ends[q], ends[p])}
        turned = {k: (ends[k], ends[k][::-1]) for k in (p, q)}
        for places, words in ((exchanged, "in the wrong order"), (turned, "both transposed")):
            factors = list(part.factors)
            for k, (old, new) in places.items():
                factors[k] = relabelled(factors[k], dict(zip(old, new, strict=True)))
            changed = replace(part, factors=tuple(factors))
            reason = f"{' and '.join(texts)} are {words}: {to_text(changed)} is meant"
            yield Repair("order", reason, 1.28, site.put(changed))


def _ends(factor: Formula) -> tuple[str, str] | None:
    """Return the two labels of a matrix, or of a sum of matrices."""
    terms = factor.terms if isinstance(factor, Sum) else (factor,)
    if not isinstance(factor, Symbol | Sum | Derivative) or getattr(factor, "name", "") == "delta":
        return None
    shared = [x for x in labels_in(terms[0]) if all(x in labels_in(term) for term in terms)]
    return (shared[0], shared[1]) if len(shared) == 2 else None


def delta(site: Site, pools: Candidates) -> Found:
    """``y_i (1 - y_i)`` -> ``delta_ij y_i (1 - y_i)``"""
    if isinstance(site.part, Symbol) and site.part.name == "delta":
        reason = f"{shown(site.part)} does not belong here"
        yield Repair("delta", reason, 1.4, site.put(ONE))
        return
    if not site.is_term and not isinstance(site.parent, Product):
        return
    letters = list(pools.labels)
    for p, q in combinations(letters, 2):
        if pools.label_dims.get(p) == pools.label_dims.get(q):
            symbol = Symbol("delta", (p, q))
            new = site.put(times(symbol, site.part) if site.part != ONE else symbol)
            place = "" if site.parent is None else f" at {shown(site.part)}"
            reason = f"{to_text(symbol)} is missing{place}"
            yield Repair("delta", reason, 1.2 if site.parent is None else 1.4, new)


def sums(site: Site, pools: Candidates) -> Found:
    """``T_bo`` -> ``sum_o(T_bo)``, ``sum_o(T_bo)`` -> ``T_bo``, ``sum_b(...)`` -> ``sum_o(...)``"""
    part = site.part
    if isinstance(part, Call) and part.axes:
        if part.function in ("sum", "mean"):
            reason = f"{call_head(part.function, part.axes)} does not belong here"
            yield Repair("sum", reason, 1.5, site.put(part.args[0]))
        for other in labels_in(part.args[0]):
            if len(part.axes) == 1 and other != part.axes[0]:
                heads = [call_head(part.function, x) for x in (part.axes, (other,))]
                reason = f"{heads[0]} goes over the wrong axis: {heads[1]} is meant"
                yield Repair("axis", reason, 1.4, site.put(replace(part, axes=(other,))))
        yield from _other_axis(site, pools)
    if isinstance(part, Number | SizeOf):
        return
    for label in labels_in(part):
        new = site.put(Call("sum", (part,), (label,)))
        reason = f"the sum over {label} is missing at {shown(part)}"
        yield Repair("sum", reason, 1.5, new)
        if site.parent is None:
            new = site.put(Call("mean", (part,), (label,)))
            yield Repair("sum", f"the mean over {label} is missing", 1.5, new)


def _other_axis(site: Site, pools: Candidates) -> Found:
    """``sum_u(P_us G_us)`` -> ``sum_u(P_tu G_tu)``: the sum goes over the axis beside."""
    part = site.part
    if not isinstance(part, Call) or part.function not in ("sum", "mean") or len(part.axes) > 1:
        return
    (bound,) = part.axes
    body = part.args[0]
    for beside in labels_in(body):
        for free in pools.same_dim(pools.label_dims.get(bound, "")):
            if bound not in (beside, free):
                new = relabelled(body, {bound: free, beside: bound})
                reason = f"{shown(part)} goes over the wrong axis: {shown(new)} is meant"
                yield Repair("axis", reason, 1.4, site.put(replace(part, args=(new,))))
