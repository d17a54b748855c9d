"""The lines of a derivation: what all modes of differentiation write in the same way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from eingrad.calculus.facts import Knowledge, symmetric_matrices
from eingrad.calculus.reverse import functions_in
from eingrad.calculus.simplify import Stage
from eingrad.core.algebra import is_light
from eingrad.core.expr import Dim, Einsum, Expr, variables
from eingrad.derivation.labels import Names, to_formula
from eingrad.derivation.matrix import matrix_text
from eingrad.derivation.words import divisors, fact_text, how_collected, own_labels, shapes_in
from eingrad.notation.syntax import Formula, Product, Symbol
from eingrad.notation.system import Definition, Fact, System
from eingrad.notation.text import to_text


@dataclass(frozen=True, slots=True)
class Step:
    """One line: ``before = after`` by ``rule``; ``shapes`` gives each tensor's labels.

    ``left`` is None where the line goes on from the one before it.

    >>> from eingrad import parse
    >>> parse("L = w_i x_i").grad("L", "w").steps("w")[0]
    Step(rule='definition', before='L', after='w_i x_i', shapes={'L': (), 'w': ('i',), 'x': ('i',)})
    """

    rule: str
    before: str
    after: str
    shapes: Mapping[str, tuple[str, ...]]
    left: Formula | None = field(default=None, compare=False, repr=False)
    right: Formula | None = field(default=None, compare=False, repr=False)


def with_symmetry(names: Names, facts: Iterable[Fact]) -> Names:
    """Let the labels of matrices that are assumed to be symmetric stand in alphabetical order."""
    symmetric = symmetric_matrices(facts).union(names.habits.symmetric)
    return replace(names, habits=replace(names.habits, symmetric=symmetric))


class Lines:
    """Collects the lines of one derivative, ``head``, whose axes have the letters ``labels``."""

    def __init__(
        self, knowledge: Knowledge, names: Names, head: Formula, labels: Sequence[str]
    ) -> None:
        self.knowledge, self.names = knowledge, names
        self.head, self.labels = head, tuple(labels)
        self.steps: list[Step] = []
        self.started = False

    def line(self, expr: Expr, rule: str, names: Names | None = None) -> None:
        """Add ``dL/dx = expr``; a line that reads like the one before is left out."""
        self.formula(self.head, to_formula(expr, self.labels, names or self.names), rule)

    def formula(self, left: Formula, right: Formula, rule: str, aside: bool = False) -> None:
        """Add a line; one ``aside`` is not about this adjoint's own formula."""
        goes_on = self.started and not aside
        if aside and self.steps and self.steps[-1].left == left:
            goes_on = True
        after = to_text(right)
        before = self.steps[-1].after if goes_on else to_text(left)
        if goes_on and before == after:
            return
        shapes = shapes_in(left) | shapes_in(right)
        self.steps.append(Step(rule, before, after, shapes, None if goes_on else left, right))
        self.started = self.started or not aside

    def definition(self, definition: Definition, original: System) -> None:
        """Add the statement that the next lines differentiate."""
        target = Symbol(definition.name, definition.labels)
        first = original.definitions.get(definition.name, definition)
        written = definition.written.value if definition.written else None
        shown = written or to_formula(first.expr, definition.labels, self.names)
        self.formula(target, shown, "definition", aside=True)
        if definition.expr is not first.expr:
            folded = to_formula(definition.expr, definition.labels, self.names)
            new = functions_in(definition.expr) - functions_in(first.expr)
            if to_text(folded) != to_text(shown):
                names = ", ".join(sorted(new)).replace("_", "-")
                known = {*original.inputs, *original.definitions}
                parts = [v.name for v in variables(definition.expr) if v.name not in known]
                rule = f"{names} recognised" if new else "simplified"
                rule = f"{', '.join(parts)} named" if parts else rule
                self.formula(target, folded, rule, aside=True)

    def stages(self, start: Expr, stages: Sequence[Stage]) -> None:
        """Add a line for each stage of a simplification."""
        for stage, rule in zip(stages, self.rules_of(start, stages), strict=True):
            if stage.fact is not None:
                self.names = with_symmetry(self.names, [stage.fact])
            self.line(stage.result, rule)

    def rules_of(self, start: Expr, stages: Sequence[Stage]) -> list[str]:
        """Name the rule of each stage of a simplification."""
        rules = []
        for previous, stage in zip([start, *(s.result for s in stages)], stages, strict=False):
            if stage.fact is not None:
                rules.append(fact_text(stage.fact))
            elif stage.rules == ("simplified",):
                gone = self.cancelled(previous, stage.result)
                rules.append("; ".join(gone) or how_collected(previous, stage.result))
            else:
                rules.append(", ".join(stage.rules))
        return rules

    def cancelled(self, before: Expr, after: Expr) -> list[str]:
        """Name the divisors that are gone: ``Z2_bo cancels``."""
        left = {base for base, _ in divisors(after)}
        gone = [(base, k) for base, k in divisors(before) if base not in left and base.ndim]
        texts = []
        for base, _ in gone[:2]:
            if labels := self._labels_for(base.dims):
                texts.append(f"{to_text(to_formula(base, labels, self.names))} cancels")
        return list(dict.fromkeys(texts))

    def _labels_for(self, dims: Sequence[Dim]) -> tuple[str, ...]:
        """Return this derivative's letters for a tensor with the axes ``dims``, if it has any."""
        letters: dict[Dim | None, str] = {}
        for letter in self.labels:
            dim = next((d for d, own in self.names.letters.items() if letter in own), None)
            letters.setdefault(dim, letter)
        found = tuple(letters.get(dim, "") for dim in dims)
        return found if all(found) and len(set(found)) == len(found) else ()

    def as_einsum(self, expr: Expr, operations: list[Expr]) -> str:
        """Say which einsum the result is, and which matrix product."""
        if not operations or not isinstance(operations[0], Einsum) or is_light(expr):
            return ""
        shown = to_formula(expr, self.labels, self.names)
        factors = shown.factors if isinstance(shown, Product) else (shown,)
        inputs = [own_labels(x) for x in factors]
        if any(x is None for x in inputs):
            return ""
        spec = ",".join("".join(x or ()) for x in inputs) + "->" + "".join(self.labels)
        if any(len(letter) > 1 for x in inputs for letter in x or ()):
            return ""
        found = matrix_text(expr)
        return f": {spec}" + (f"; in matrices {found}" if found else "")
