r"""Claims with formulas where a model has names: ``d[exp(a_i)]/da_j``, ``sum_i(t_i d_ij) = t_j``.

Each such formula becomes a tensor of the model, so that everything else sees names alone; so does
what a claim defines itself, the G of ``dL/dA_ik = G_ij X_kj`` with ``G_ij = dL/dY_ij``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from eingrad.check.derived import Derived
from eingrad.check.moved_target import at_its_labels
from eingrad.check.tree import mapped, relabelled
from eingrad.core.recurrences import RecurrenceError, components, recurrences
from eingrad.errors import DifferentiationError, NotationError
from eingrad.notation.gathers import with_integers
from eingrad.notation.lower import lower_claim, scalar_indices
from eingrad.notation.summation import (
    Summation,
    children,
    labels_of,
    names_of,
    rebuilt,
    walk,
)
from eingrad.notation.syntax import Assignment, Call, Claim, Derivative, Equation, Formula, Symbol
from eingrad.notation.system import Definition, System


@dataclass(frozen=True)
class Inlined:
    """Claims over a model that has a tensor more for each formula; ``formulas`` says which."""

    derived: Derived
    claims: tuple[Assignment, ...]
    formulas: dict[str, tuple[tuple[str, ...], Formula]]

    def restored(self, formula: Formula) -> Formula:
        """Put the claim's own formulas in the place of the names that stand for them."""

        def leaf(part: Formula) -> Formula:
            if isinstance(part, Symbol) and part.name in self.formulas:
                labels, own = self.formulas[part.name]
                return relabelled(own, dict(zip(labels, part.labels, strict=True)))
            if isinstance(part, Derivative):
                return replace(part, of=leaf(part.of))
            return part

        return mapped(formula, leaf) if self.formulas else formula


def inlined(derived: Derived, claims: Sequence[Claim]) -> Inlined:
    """Give names to what claims speak of without one.

    An equation for a tensor that the model lacks defines it, if another equation is left to be
    checked.
    """
    names = derived.system.labels
    indices = scalar_indices(derived.system)
    claims = [_with_integers(at_its_labels(_oriented(c, derived.system)), indices) for c in claims]
    new = {
        c.target.name: c for c in reversed(claims)
        if isinstance(c, Assignment) and isinstance(c.target, Symbol) and c.target.name not in names
    }  # fmt: skip
    own = [c for c in claims if isinstance(c, Assignment) and c in new.values()]
    plain = all(
        isinstance(c, Assignment) and not _has_formulas(c) and not _is_diagonal(c) for c in claims
    )
    if len(own) == len(claims) or (plain and not own):
        return Inlined(derived, tuple(c for c in claims if isinstance(c, Assignment)), {})
    writer = _Inliner(derived)
    by_name = {c.target.name: c for c in own if isinstance(c.target, Symbol)}
    needs = {
        name: [x for part in walk(c.value) for x in names_of(part) if x in by_name]
        for name, c in by_name.items()
    }
    for group in components(needs):
        writer.define_together([by_name[name] for name in group])
    rest = [writer.claim(c) for c in claims if c not in own]
    return Inlined(writer.derived, tuple(rest), writer.formulas)


def defined(derived: Derived, claim: Assignment) -> Derived:
    """Return a model with one definition more."""
    writer = _Inliner(derived)
    assert isinstance(claim.target, Symbol)
    writer.define(claim.target, writer.named(claim.value))
    return writer.derived


def _oriented(claim: Claim, system: System) -> Claim:
    """Return ``A_ij x_j = y_i`` as a claim about y, if the model says what y is."""
    if isinstance(claim, Equation):
        right = claim.right
        named = isinstance(right, Derivative) and isinstance(right.of, Symbol)
        if named or (isinstance(right, Symbol) and right.name not in system.inputs):
            assert isinstance(right, Symbol | Derivative)
            return Assignment(right, claim.left, claim.position)
    return claim


def _kept(claim: Equation) -> tuple[str, ...]:
    """Return the labels that both sides keep: those that nothing sums on the right, and those of
    diagonals on the left, ``-dy_i/dx_i``."""
    found = [k for k, _ in Summation().dangling(claim.right, ())]
    for part in walk(claim.left):
        if isinstance(part, Derivative):
            below = {x for by in part.wrt for x in by.labels}
            found += [x for x in labels_of(part.of) if x in below] if isinstance(
                part.of, Symbol) else []  # fmt: skip
    return tuple(dict.fromkeys(found))


def _with_integers(claim: Claim, indices: Collection[str]) -> Claim:
    """Put the model's integers in the place of letters, so that they are shown as such."""
    if isinstance(claim, Assignment):
        return with_integers(claim, indices)
    left, right = (
        with_integers(Assignment(Symbol(""), side), indices).value
        for side in (claim.left, claim.right)
    )
    return Equation(left, right, claim.position)


def _has_formulas(claim: Assignment) -> bool:
    parts = [*walk(claim.target), *walk(claim.value)]
    return any(isinstance(x, Derivative) and not isinstance(x.of, Symbol) for x in parts)


def _is_diagonal(claim: Assignment) -> bool:
    """Whether a claim is about a diagonal: ``dw_ij/df_ij``, ``d2L/dz_k dz_k``."""
    labels = labels_of(claim.target)
    return len({*labels}) < len(labels)


class _Inliner:
    """Adds tensors to a model, one for each formula."""

    def __init__(self, derived: Derived) -> None:
        self.derived = derived
        self.formulas: dict[str, tuple[tuple[str, ...], Formula]] = {}

    def claim(self, claim: Claim) -> Assignment:
        """Return a claim about names."""
        if isinstance(claim, Equation):
            left = self.tensor(self.named(claim.left), claim.left, _kept(claim))
            return Assignment(left, self.named(claim.right), claim.position)
        target = self.named(claim.target)
        assert isinstance(target, Symbol | Derivative)
        if _is_diagonal(claim):
            target = self.diagonal(target, claim.target)
        value = self.named(claim.value, labels_of(target))
        return Assignment(target, value, claim.position)

    def named(self, formula: Formula, kept: tuple[str, ...] = ()) -> Formula:
        """Return a formula whose derivatives are of names; ``kept`` are labels bound around it.

        Under ``sum_j(...)`` the derivative of ``t_j log(y_j)`` has the label j.
        """
        if not isinstance(formula, Derivative) or isinstance(formula.of, Symbol):
            if isinstance(formula, Call):
                kept = (*kept, *Summation().axes(formula))
            parts = () if isinstance(formula, Derivative) else children(formula)
            return rebuilt(formula, [self.named(x, kept) for x in parts]) if parts else formula
        if any(isinstance(x, Derivative) for x in walk(formula.of)):
            raise DifferentiationError(
                "a derivative of a formula that has a derivative itself",
                position=formula.position,
                hint="give the inner derivative's formula, or write the second derivative",
            )
        return replace(formula, of=self.tensor(formula.of, formula.of, kept))

    def tensor(self, formula: Formula, written: Formula, kept: tuple[str, ...] = ()) -> Symbol:
        """Return a new tensor that stands for a formula; ``kept`` labels are none that it sums."""
        name = self.new_name()
        indices = scalar_indices(self.derived.system)
        formula = with_integers(Assignment(Symbol(name), formula), indices).value
        summation = Summation()
        open_labels = {k for k, _ in summation.dangling(formula, ())} | {*kept}
        labels = tuple(label for label in summation.free(formula) if label in open_labels)
        symbol = Symbol(name, labels, written.position)
        self.define(symbol, formula)
        self.formulas[name] = labels, written
        return symbol

    def diagonal(self, target: Symbol | Derivative, written: Symbol | Derivative) -> Symbol:
        """Return a new tensor that stands for the diagonal of a tensor or derivative."""
        labels = tuple(dict.fromkeys(labels_of(written)))
        symbol = Symbol(self.new_name(), labels, written.position)
        self.define(symbol, target)
        self.formulas[symbol.name] = labels, written
        return symbol

    def new_name(self) -> str:
        """Return a name that the model lacks."""
        used = self.derived.system.labels
        return next(n for n in map("F{}".format, range(1, 1000)) if n not in used)

    def define_together(self, claims: Sequence[Assignment]) -> None:
        """Add definitions that may refer to each other: a recurrence, as adjoints are."""
        targets = [c.target for c in claims if isinstance(c.target, Symbol)]
        values = [self.named(c.value) for c in claims]
        found = {
            target.name: self._defined(target, value, targets)
            for target, value in zip(targets, values, strict=True)
        }
        self._extend({name: one for more in found.values() for name, one in more.items()})
        try:
            recurrences(self.derived.system.exprs)
        except RecurrenceError as error:
            raise NotationError(error.reason, code="recurrence", hint=error.hint) from None

    def define(self, target: Symbol, value: Formula) -> None:
        """Add a definition to the model."""
        self._extend(self._defined(target, value))

    def _defined(
        self, target: Symbol, value: Formula, recurrent: Sequence[Symbol] = ()
    ) -> dict[str, Definition]:
        """Return a definition with those of the derivatives that it needs."""
        self.derived.learn(value)
        system = self.derived.system
        if target.name in system.functions:
            raise NotationError(f"{target.name} is declared as a function", operand=target.name)
        lowered = lower_claim(Assignment(target, value), system, recurrent).expr
        expr, more = self.derived.over_tensors(lowered)
        return {**more, target.name: Definition(target.name, target.labels, expr)}

    def _extend(self, more: Mapping[str, Definition]) -> None:
        system = self.derived.system
        extended = replace(
            system,
            definitions={**system.definitions, **more},
            labels={**system.labels, **{n: d.labels for n, d in more.items()}},
        )
        self.derived = Derived(extended)
