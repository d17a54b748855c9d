"""One tensor for another, an activation for its argument."""

from __future__ import annotations

from dataclasses import replace

from eingrad.check.candidates import Candidates
from eingrad.check.repairs.base import Found, Repair
from eingrad.check.tree import (
    Site,
    renamed,
    sites,
)
from eingrad.notation.syntax import (
    Call,
    Derivative,
    Formula,
    Product,
    Sum,
    Symbol,
    TensorAt,
)
from eingrad.notation.text import to_text


def wrong_tensor(site: Site, pools: Candidates) -> Found:
    """``Z2_bo`` -> ``Z1_bo``; ``phi'(Z1)`` -> ``phi'(A1)``"""
    part = site.part
    if isinstance(part, Symbol) and part.name in pools.dims:
        for name in _like(part.name, pools):
            mistake, reason = _confusion(part.name, name, site, pools)
            yield Repair(mistake, reason, 1.1, site.put(Symbol(name, part.labels)))
    elif isinstance(part, TensorAt) and part.name in pools.dims:
        for name in _like(part.name, pools):
            mistake, reason = _confusion(part.name, name, site, pools)
            yield Repair(mistake, reason, 1.1, site.put(replace(part, name=name)))
    elif isinstance(part, Derivative) and len(part.wrt) == 1:
        (by,) = part.wrt
        for name in _like(by.name, pools):
            new = Derivative(part.of, (Symbol(name, by.labels),))
            reason = f"{to_text(part)} where {to_text(new)} is meant"
            # the chain rule goes through what the target acts on, not through what acts on it
            cost = 1.2 if name in pools.later else 1.6
            yield Repair("wrong-tensor", reason, cost, site.put(new))
    elif site.parent is None or isinstance(part, Product | Sum | Call):
        names = dict.fromkeys(
            s.part.name for s in sites(part)
            if isinstance(s.part, Symbol) and s.part.name in pools.dims
        )  # fmt: skip
        for old in names:
            for name in _like(old, pools):
                mistake, reason = _confusion(old, name, site, pools)
                yield Repair(mistake, reason, 1.18, site.put(renamed(part, {old: name})))


def _like(name: str, pools: Candidates) -> list[str]:
    """Return the other tensors with as many axes, those with the same axes first."""
    own = pools.dims[name]
    others = [n for n, dims in pools.dims.items() if n != name and len(dims) == len(own)]
    return sorted(others, key=lambda n: pools.dims[n] != own)


def _only_call_of(name: str, formula: Formula) -> Call | None:
    """Return a function whose argument a tensor is wherever it stands; None if there is none."""
    found = None
    for site in sites(formula):
        if isinstance(site.part, Symbol) and site.part.name == name:
            if not isinstance(site.parent, Call):
                return None
            found = site.parent
    return found


def _confusion(wrong: str, right: str, site: Site, pools: Candidates) -> tuple[str, str]:
    """Name the confusion of two tensors."""
    reason = f"{wrong} where {right} is meant"
    for activation in pools.activations.values():
        if {wrong, right} == {activation.activation, activation.argument}:
            kind = "the pre-activation" if right == activation.argument else "the activation"
            call = next((x for x in site.above[::-1] if isinstance(x, Call)), None)
            call = call or _only_call_of(wrong, site.part)
            if call is not None and not call.axes:
                reason = f"{call.function} is taken of {wrong}, not of {kind} {right}"
                return "activation-argument", reason
            return "preactivation", f"{wrong} where {kind} {right} is meant"
    return "wrong-tensor", reason
