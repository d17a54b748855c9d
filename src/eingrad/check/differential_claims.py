"""Claims in differentials, ``df = trace(y x^T dA)``: the model with what they are about."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from eingrad.calculus.forward import forward
from eingrad.calculus.reverse import needed_by
from eingrad.check.derived import Derived
from eingrad.check.verdict import Verdict
from eingrad.core.expr import Expr, Var, variables
from eingrad.core.rewrite import substitute
from eingrad.errors import NotationError
from eingrad.notation.parse import parse_claims
from eingrad.notation.summation import walk
from eingrad.notation.syntax import DIFFERENTIAL, Assignment, Claim, Symbol, TensorAt
from eingrad.notation.system import Definition, System

_BEGINS = re.compile(  # a left side: d, and a name with what hangs on it
    r"\s*(?:\\begin\{[a-z]+\*?\}|[&${\s])*"
    r"(?:d|\\(?:mathrm|text|operatorname)\s*(?:\{\s*d\s*\}|d))(?![a-z]*\s*/)[^=/+\n]*="
)


def with_differentials(
    derived: Derived, claim: str, latex: bool | None
) -> tuple[Derived, list[str]]:
    """Return the model with the differentials of which a claim speaks, and the inputs without.

    dA is an input like A for what varies, df of what is defined is its derivative along these. A
    claim that is none in differentials gets the model as it is.
    """
    system = derived.system
    own = {DIFFERENTIAL + name: name for name in system.labels}
    short = {s.target.name for s in system.shorthands if isinstance(s.target, Symbol)}
    if (
        DIFFERENTIAL in system.labels
        or not _BEGINS.match(claim)
        or not own.keys().isdisjoint({*system.labels, *short})  # dy that names a gradient
    ):
        return derived, []
    names = {**system.labels, **{d: system.labels[name] for d, name in own.items()}}
    try:
        claims = parse_claims(claim, names, latex, system.applied, system.counts)
    except NotationError:
        return derived, []
    left, right = _spoken_of(claims, own)
    if left is None or not left <= system.definitions.keys() or not right:
        return derived, []
    below = needed_by(left, system.exprs)
    if stray := sorted(right - below):
        name, of = stray[0], min(left)
        raise NotationError(
            f"{of} does not depend on {name}, so that d{of} has no d{name}",
            code="meaningless-claim",
            hint=f"df is the differential of f; for a gradient write dL/d{of}",
        )
    moving = [n for n, x in system.inputs.items() if n in below and not x.integer]
    varied = [n for n in moving if n in right] or moving
    _check_facts(system, varied)
    held = [n for n in moving if n not in varied]
    return Derived(_extended(system, left | right, varied)), held


def where_held(verdict: Verdict, held: Sequence[str]) -> Verdict:
    """Return that a claim is right if some inputs are constant, of which it has no differential."""
    if not verdict.ok and verdict.outcome != "right if":
        return verdict
    text = f"{' and '.join(held)} {'is' if len(held) == 1 else 'are'} constant"
    if verdict.assumption:
        text = f"{text} and {verdict.assumption}"
    return replace(verdict, outcome="right if", reason=f"right if {text}", mistake="assumption",
                   assumption=text)  # fmt: skip


def _spoken_of(claims: Sequence[Claim], own: Mapping[str, str]) -> tuple[set[str] | None, set[str]]:
    """Return the tensors whose differentials are left sides, None if others are, and those whose
    differentials stand on the right."""
    left: set[str] = set()
    right: set[str] = set()
    for claim in claims:
        if not isinstance(claim, Assignment) or not isinstance(claim.target, Symbol):
            return None, right
        if claim.target.name not in own:
            return None, right
        left.add(own[claim.target.name])
        parts = (x for x in walk(claim.value) if isinstance(x, Symbol | TensorAt))
        right |= {own[x.name] for x in parts if x.name in own}
    return left, right


def _check_facts(system: System, varied: Collection[str]) -> None:
    """Raise where something is assumed of a tensor that varies, which its differential keeps."""
    for fact in system.facts:
        if fact.written is not None and not fact.is_bound:
            found = [v.name for v in (*variables(fact.left), *variables(fact.right))]
            if name := next((n for n in found if n in varied), None):
                raise NotationError(
                    f"d{name} where something is assumed of {name}",
                    code="meaningless-claim",
                    hint=f"leave out what is assumed, or claim the gradient by {name}",
                )


def _extended(system: System, wanted: Collection[str], varied: Sequence[str]) -> System:
    """Return a model with the differentials of its tensors where some inputs vary."""
    dx = {DIFFERENTIAL + n: Var(DIFFERENTIAL + n, system.inputs[n].dims) for n in varied}
    inputs = {**system.inputs, **dx}
    directions = {n: DIFFERENTIAL + n for n in varied}
    along = forward(replace(system, inputs=inputs),
                    [n for n in system.definitions if n in wanted], directions, {})  # fmt: skip
    called: dict[Expr, Expr] = {
        t.var: Var(DIFFERENTIAL + t.name, t.expr.dims) for t in along.values()
    }
    definitions = dict(system.definitions)
    for t in along.values():
        name = DIFFERENTIAL + t.name
        definitions[name] = Definition(name, t.definition.labels, substitute(t.raw, called))
    every = (*dx, *(DIFFERENTIAL + n for n in along))
    labels = {d: system.labels[d.removeprefix(DIFFERENTIAL)] for d in every}
    kinds = {DIFFERENTIAL + n: kind for n, kind in system.kinds.items()
             if DIFFERENTIAL + n.rstrip("_") in labels}  # fmt: skip
    return replace(
        system, inputs=inputs, definitions=definitions, labels={**system.labels, **labels},
        kinds={**system.kinds, **kinds},
    )  # fmt: skip
