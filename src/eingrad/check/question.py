"""What a claim is compared with: the right formula, and the points at which to compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from eingrad.check.derived import Derived
from eingrad.check.points import Points
from eingrad.core.expr import Expr, variables
from eingrad.core.forks import once
from eingrad.notation.lower import lower_claim
from eingrad.notation.mistakes import unknown_tensor
from eingrad.notation.summation import derivative_parts, labels_of, tensor_parts
from eingrad.notation.syntax import Assignment, Derivative, Formula, Number, Symbol, TensorAt
from eingrad.notation.text import derivative_name, to_text

Target = Symbol | Derivative


@dataclass(frozen=True)
class Question:
    """A target of a claim, and all that is known about it."""

    target: Target
    derived: Derived
    right: Expr
    needed: tuple[Expr, ...]
    formula: Formula
    restored: Callable[[Formula], Formula] = field(default=lambda formula: formula)
    claimed: tuple[Expr, ...] = ()

    @classmethod
    def about(
        cls,
        derived: Derived,
        target: Target,
        restored: Callable[[Formula], Formula] = lambda formula: formula,
        base: Derived | None = None,
    ) -> Question:
        """Derive what a target is; raises EingradError for one that the model lacks.

        ``restored`` puts the claim's own formulas in the place of names that stand for them;
        ``base`` is the model without these names, in which the right formula is written.
        """
        if isinstance(target, Symbol) and target.name not in derived.system.labels:
            raise unknown_tensor(target, derived.system.labels)
        lower_claim(Assignment(target, Number(0)), derived.system)  # raises where a label is wrong
        right = derived.right(target)
        needed = [right]
        if isinstance(target, Derivative) and isinstance(target.of, Symbol):
            # log(x) must have a value, not only 1/x; it is less to compute, and so comes first
            needed.insert(0, derived.tensor(target.of.name))
        known = base is not None and set(_names(target)) <= base.system.labels.keys()
        formula = _right_formula(base if base is not None and known else derived, target)
        return cls(target, derived, right, tuple(needed), formula, restored)

    @once
    def points(self) -> Points:
        """Where to compare; raises NoPointError where the model has no values."""
        return Points(self.derived, self.needed, self.claimed)

    @property
    def labels(self) -> tuple[str, ...]:
        """The claim's own letters for the axes."""
        return labels_of(self.target)

    @property
    def name(self) -> str:
        """The target's name without labels: ``dL/dW1``."""
        return name_of(self.target)

    @property
    def correct(self) -> str:
        """The right formula as a line of notation, of an entry that of the whole tensor."""
        written = self.restored(self.target)
        if isinstance(written, TensorAt) and written == self.restored(self.formula):
            whole = self._whole(written.name)
            known = isinstance(whole, Derivative) or whole.name in self.derived.exprs
            if known and len({*labels_of(whole)}) == len(labels_of(whole)):
                return f"{to_text(whole)} = {to_text(_right_formula(self.derived, whole))}"
        return self.text(self.target, self.formula)

    def _whole(self, name: str) -> Target:
        """Return a tensor or a derivative at labels alone."""
        labels = self.derived.system.labels
        of, *wrt = (Symbol(x, labels[x]) for x in derivative_parts(name))
        return Derivative(of, tuple(wrt)) if wrt else of

    def text(self, left: Formula, right: Formula) -> str:
        """Write an equation as the claim would."""
        return f"{to_text(self.restored(left))} = {to_text(self.restored(right))}"

    def lowered(self, value: Formula) -> Expr:
        """Return a right side as an expression; raises NotationError where it has no meaning."""
        return lower_claim(Assignment(self.target, value), self.derived.system).expr

    def inputs_below(self, *roots: Expr) -> list[str]:
        """Return the inputs that expressions depend on, in the model's order."""
        found = {v.name for root in roots for v in variables(self.derived.whole(root))}
        return [name for name in self.derived.system.inputs if name in found]


def name_of(target: Target) -> str:
    """Return a target's name without its labels."""
    return target.name if isinstance(target, Symbol) else derivative_name(target)


def _names(target: Target) -> list[str]:
    """Return the names of the tensors in a target."""
    parts = (target,) if isinstance(target, Symbol) else tensor_parts(target)
    return [x.name for x in parts]


def _right_formula(derived: Derived, target: Target) -> Formula:
    if isinstance(target, Symbol):
        written = derived.system.definitions[target.name].written
        if written is not None and labels_of(written.target) == target.labels:
            return written.value
    if isinstance(target, Derivative):
        of, *wrt = _names(target)
        derived.derivative(of, wrt)
    return derived.readable(name_of(target), labels_of(target))
