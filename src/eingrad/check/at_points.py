r"""Claims at points, ``f'(2) = 12``: copies of what depends on x, of which x = 2 is assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from eingrad.calculus.reverse import needed_by
from eingrad.check.derived import Derived
from eingrad.check.verdict import Verdict
from eingrad.core.expr import Expr, Var, variables
from eingrad.core.rewrite import substitute
from eingrad.errors import NotationError
from eingrad.notation.lower import lower_claim
from eingrad.notation.matrix.claims import sides_of, with_sides
from eingrad.notation.summation import Summation, children, rebuilt, walk
from eingrad.notation.syntax import (
    EVALUATED,
    FACTOR,
    Assignment,
    Assumption,
    Call,
    Claim,
    Derivative,
    Equation,
    Formula,
    Symbol,
    TensorAt,
)
from eingrad.notation.system import Definition, Fact, System
from eingrad.notation.text import to_text

MARK = "@"  # ends the name of a copy
_HINT = "write the letters of the definition, and all that it depends on: x = 2, y = 3"


_OPEN = r"write \left. ... \right|_{x=2}, or the factor before the derivative"


@dataclass
class PointCopies:
    """The points of which claims speak, as text, and the copy of each tensor there."""

    system: System
    copies: dict[str, dict[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    factor: bool = False  # whether a point may be a factor, df/dx (2)
    given: set[str] = field(default_factory=set)  # the names in the last point's values

    def told(self, verdict: Verdict) -> Verdict:
        """Return a verdict in the author's names, with the point, if there is one alone."""
        if len(self.copies) != 1:
            return verdict
        ((point, names),) = self.copies.items()

        def own(text: str) -> str:
            for name, copy in names.items():
                text = text.replace(copy, name) if copy.endswith(MARK) else text
            return text

        claim, correct = (f"{own(x)} at {point}" if x else x for x in (
            verdict.claim, verdict.correct))  # fmt: skip
        return replace(verdict, claim=claim, correct=correct, reason=own(verdict.reason))

    def throughout(self, left: Formula, right: Formula) -> Formula:
        """Return a right side at the point of the left one, if it speaks of what has a value there,
        and the left side does not: ``f'(2) = 3 x^2``."""
        names = next(iter(self.copies.values()), {})
        copied, given = _names(left) & {*names.values()}, _names(right) & names.keys()
        fixed = (
            given and given.isdisjoint(self.given) and all(names[n].endswith(MARK) for n in given)
        )
        if len(self.copies) != 1 or not copied or not fixed or _names(left) & names.keys():
            return right
        note = f"the right side is taken at {next(iter(self.copies))}, too"
        if self.factor:
            raise NotationError("a derivative at one point, or a factor behind it", hint=_OPEN)
        self.notes.append(note)
        return _renamed(right, names)

    def rewritten(self, formula: Formula) -> Formula:
        """Return a formula of the copies for each that is taken at a point."""
        if isinstance(formula, Derivative):
            return replace(formula, of=self.rewritten(formula.of))
        parts = [self.rewritten(x) for x in children(formula)]
        whole = rebuilt(formula, parts) if parts else formula
        if not isinstance(whole, Call) or whole.function != EVALUATED:
            return whole
        self.factor |= FACTOR in whole.axes
        of, *given = whole.args
        pairs = [*zip(given[::2], given[1::2], strict=True)]
        return _renamed(of, self.copied(of, pairs))

    def copied(self, of: Formula, pairs: Sequence[tuple[Formula, Formula]]) -> dict[str, str]:
        """Return the names of what depends on the variables of a point, and those of the copies."""
        key = ", ".join(f"{to_text(x)} = {to_text(value)}" for x, value in pairs)
        if key not in self.copies:
            self.given = set().union(*(_names(value) for _, value in pairs))
            suffix = MARK * (len(self.copies) + 1)
            names: dict[str, str] = {}
            for x, value in pairs:
                names[_whole(x).name] = self._variable(_whole(x), value, suffix)
            self.copies[key] = self._dependents(names, suffix)
        inner = {x.name for own in walk(of) if isinstance(own, Derivative) for x in own.wrt}
        held = {_whole(x).name for x, _ in pairs} & self.system.definitions.keys()
        if held and not inner <= held:
            name = min(held)
            raise NotationError(f"{name} has a value, but the model says what it is", hint=_HINT)
        return self.copies[key]

    def _variable(self, x: Symbol, value: Formula, suffix: str) -> str:
        """Add what stands for a variable at the point: what its value is called, or a copy."""
        system = self.system
        known = {**system.inputs, **{n: d.var for n, d in system.definitions.items()}}
        var = known.get(x.name, Var(x.name, ()))
        labels = system.labels.get(x.name, ())
        if x.labels and (len(x.labels) != var.ndim or len({*x.labels}) < var.ndim):
            raise NotationError(f"a value of {to_text(x)}, one part of {x.name}", hint=_HINT)
        if var.integer:
            raise NotationError(f"a value of {x.name}, which holds integers", hint=_HINT)
        new = isinstance(value, Symbol) and value.name not in {
            *known, *system.functions, *system.sizes
        } and value.labels in ((), x.labels)  # fmt: skip
        name = value.name if new and isinstance(value, Symbol) else x.name + suffix
        kinds = {name + key[len(x.name) :]: kind for key, kind in system.kinds.items()
                 if key.rstrip("_") == x.name}  # fmt: skip
        free = {} if var.ndim else {
            part.name: Var(part.name, ()) for part in walk(value)
            if isinstance(part, Symbol) and not part.labels and part.name not in known
            and part.name not in system.sizes
        }  # fmt: skip
        self.system = system = replace(
            system, inputs={**system.inputs, **free, name: Var(name, var.dims)},
            labels={**system.labels, **dict.fromkeys(free, ()), name: labels},
            kinds={**system.kinds, **kinds},
        )  # fmt: skip
        if not new:
            self._assume(Symbol(name, x.labels or labels), value)
        return name

    def _assume(self, target: Symbol, value: Formula) -> None:
        """Add the fact that a variable has a value; that of a bare name has the same labels."""
        rank = len(self.system.labels.get(value.name, ())) if isinstance(value, Symbol) else 0
        if isinstance(value, Symbol) and not value.labels and rank == len(target.labels):
            value = replace(value, labels=target.labels)
        if next(iter(Summation().dangling(value, target.labels)), None) is not None:
            reason = f"{to_text(value)}, which has labels, as the value of {target.name}"
            raise NotationError(reason.replace(MARK, ""), hint=_HINT)
        right = lower_claim(Assignment(target, value), self.system).expr
        left = self.system.inputs[target.name]
        fact = Fact(left, right, Assumption(target, value))
        self.system = replace(self.system, facts=(*self.system.facts, fact))

    def _dependents(self, names: dict[str, str], suffix: str) -> dict[str, str]:
        """Add copies of all definitions that depend on some tensors."""
        system, exprs = self.system, self.system.exprs
        cut = {n: expr for n, expr in exprs.items() if n not in names}
        own = [n for n in system.definitions
               if n not in names and not names.keys().isdisjoint(needed_by([n], cut))]  # fmt: skip
        valued = {copy for copy in names.values() if copy.endswith(suffix)}
        names |= {n: n + suffix for n in own}
        known = {**system.inputs, **{n: d.var for n, d in system.definitions.items()}}
        new: dict[Expr, Expr] = {
            known[n]: Var(copy, known[n].dims) for n, copy in names.items() if n in known
        }
        definitions = {
            names[n]: Definition(names[n], d.labels, substitute(d.expr, new))
            for n, d in system.definitions.items() if n in own
        }  # fmt: skip
        facts = (
            replace(f, left=substitute(f.left, new), right=substitute(f.right, new))
            for f in system.facts if not new.keys().isdisjoint((*variables(f.left),
                                                                *variables(f.right)))
        )  # fmt: skip
        facts = (
            f for f in facts
            if valued.isdisjoint(v.name for v in (*variables(f.left), *variables(f.right)))
        )  # fmt: skip
        kinds = {
            names[base] + key[len(base) :]: kind
            for key, kind in system.kinds.items() if (base := key.rstrip("_")) in own
        }  # fmt: skip
        self.system = replace(
            system, definitions={**system.definitions, **definitions},
            labels={**system.labels, **{names[n]: system.labels[n] for n in own}},
            facts=(*system.facts, *facts), kinds={**system.kinds, **kinds},
        )  # fmt: skip
        return names


def with_points(
    derived: Derived, claims: Sequence[Claim]
) -> tuple[Derived, list[Claim], PointCopies]:
    """Return claims about copies for those at points, and the model with these."""
    points = PointCopies(derived.system)
    found: list[Claim] = []
    for claim in claims:
        left, right = map(points.rewritten, sides_of(claim))
        right = points.throughout(left, right)
        if isinstance(claim, Equation) and isinstance(left, Derivative) and points.copies:
            found.append(Assignment(left, right, claim.position))
        else:
            found.append(with_sides(claim, left, right))
    return (Derived(points.system) if points.copies else derived), found, points


def _names(formula: Formula) -> set[str]:
    parts = [*walk(formula)]
    below = (x.name for part in parts if isinstance(part, Derivative) for x in part.wrt)
    return {*below, *(x.name for x in parts if isinstance(x, Symbol | TensorAt))}


def _whole(x: Formula) -> Symbol:
    if not isinstance(x, Symbol) or x.moves:
        raise NotationError(f"a value of {to_text(x)}, which is no whole tensor", hint=_HINT)
    return x


def _renamed(formula: Formula, names: Mapping[str, str]) -> Formula:
    """Give tensors other names, those of derivatives included."""
    if isinstance(formula, Derivative):
        wrt = (replace(x, name=names.get(x.name, x.name)) for x in formula.wrt)
        return replace(formula, of=_renamed(formula.of, names), wrt=tuple(wrt))
    if isinstance(formula, Symbol | TensorAt) and formula.name in names:
        formula = replace(formula, name=names[formula.name])
    parts = [_renamed(x, names) for x in children(formula)]
    return rebuilt(formula, parts) if parts else formula
