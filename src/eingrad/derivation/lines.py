"""The lines of a derivation: what gradients and Jacobians write alike, and each of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from eingrad.calculus.differentiate import pull
from eingrad.calculus.facts import Knowledge, formula_and_name, symmetric_matrices
from eingrad.calculus.forward import Tangent
from eingrad.calculus.naming import DerivativeName
from eingrad.calculus.pointwise_rules import cases_joined
from eingrad.calculus.reverse import Adjoint, Contribution, functions_in
from eingrad.calculus.simplify import Stage, simplify_in_stages
from eingrad.core.algebra import add, einsum, is_light
from eingrad.core.expr import Dim, Einsum, Expr, Reduce, Var, depends_on, postorder, variables
from eingrad.core.functions import AXIS_FUNCTIONS
from eingrad.core.partials import local_jacobian, result_labels
from eingrad.core.rewrite import substitute
from eingrad.derivation.author_letters import Names, head_of
from eingrad.derivation.labels import to_formula
from eingrad.derivation.matrix import matrix_form
from eingrad.derivation.reasons import (
    LetterPair,
    Reason,
    Spec,
    because,
    enumerated,
    matrix_words,
    together,
)
from eingrad.derivation.rule_names import (
    derivatives_in,
    divisors,
    fact_used,
    how_collected,
    is_aligned,
    is_constant_factor,
    is_jacobian,
    is_operation,
    operations_to,
    own_labels,
    rule_of,
    shapes_in,
)
from eingrad.notation.syntax import Derivative, Formula, Product, Symbol
from eingrad.notation.system import Definition, Fact, System
from eingrad.notation.text import label_text, to_text


@dataclass(frozen=True, slots=True)
class Step:
    """One line: ``before = after`` by ``rule``; ``shapes`` gives each tensor's labels.

    ``reason`` is the rule in parts that can be typeset. ``left`` is None where the line goes on
    from the one before it.

    >>> from eingrad import parse
    >>> parse("L = w_i x_i").grad("L", "w").steps("w")[0]
    Step(rule='definition', before='L', after='w_i x_i', shapes={'L': (), 'w': ('i',), 'x': ('i',)})
    """

    rule: str
    before: str
    after: str
    shapes: Mapping[str, tuple[str, ...]]
    reason: Reason = field(default=Reason(()), compare=False, repr=False)
    left: Formula | None = field(default=None, compare=False, repr=False)
    right: Formula | None = field(default=None, compare=False, repr=False)


def with_symmetry(names: Names, facts: Iterable[Fact]) -> Names:
    """Let the labels of matrices that are assumed to be symmetric stand in alphabetical order."""
    symmetric = symmetric_matrices(facts).union(names.author_order.symmetric)
    return replace(names, author_order=replace(names.author_order, symmetric=symmetric))


class Lines:
    """Collects the lines of one derivative, ``head``, whose axes have the letters ``labels``."""

    def __init__(
        self, knowledge: Knowledge, names: Names, head: Formula, labels: Sequence[str]
    ) -> None:
        self.knowledge, self.names = knowledge, names
        self.head, self.labels = head, tuple(labels)
        self.steps: list[Step] = []
        self.started = False

    def line(self, expr: Expr, rule: str | Reason, names: Names | None = None) -> None:
        """Add ``dL/dx = expr``; a line that reads like the one before is left out."""
        self.formula(self.head, to_formula(expr, self.labels, names or self.names), rule)

    def formula(
        self, left: Formula, right: Formula, rule: str | Reason, aside: bool = False
    ) -> None:
        """Add a line; one ``aside`` is not about this adjoint's own formula."""
        goes_on = self.started and not aside
        if aside and self.steps and self.steps[-1].left == left:
            goes_on = True
        after = to_text(right)
        before = self.steps[-1].after if goes_on else to_text(left)
        if goes_on and before == after:
            return
        shapes = shapes_in(left) | shapes_in(right)
        reason = because(rule) if isinstance(rule, str) else rule
        shown = None if goes_on else left
        self.steps.append(Step(str(reason), before, after, shapes, reason, shown, right))
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
                rule = because(f"{names} recognised" if new else "simplified")
                if parts:
                    rule = because(*enumerated(map(Symbol, parts)), " named")
                self.formula(target, folded, rule, aside=True)

    def stages(self, start: Expr, stages: Sequence[Stage]) -> None:
        """Add a line for each stage of a simplification."""
        for stage, rule in zip(stages, self.rules_of(start, stages), strict=True):
            if stage.fact is not None:
                self.names = with_symmetry(self.names, [stage.fact])
            self.line(stage.result, rule)

    def rules_of(self, start: Expr, stages: Sequence[Stage]) -> list[Reason]:
        """Name the rule of each stage of a simplification."""
        rules = []
        for previous, stage in zip([start, *(s.result for s in stages)], stages, strict=False):
            if stage.fact is not None:
                more = (because(x) for x in stage.rules[1:])
                rules.append(together([fact_used(stage.fact), *more]))
            elif stage.rules == ("simplified",):
                gone = self.cancelled(previous, stage.result)
                rules.append(together(gone, how_collected(previous, stage.result)))
            else:
                rules.append(because(", ".join(stage.rules)))
        return rules

    def cancelled(self, before: Expr, after: Expr) -> list[Reason]:
        """Name the divisors that are gone: ``Z2_bo cancels``."""
        left = {base for base, _ in divisors(after)}
        gone = [(base, k) for base, k in divisors(before) if base not in left and base.ndim]
        found = []
        for base, _ in gone[:2]:
            if labels := self._labels_for(base.dims):
                found.append(because(to_formula(base, labels, self.names), " cancels"))
        return list(dict.fromkeys(found))

    def _labels_for(self, dims: Sequence[Dim]) -> tuple[str, ...]:
        """Return this derivative's letters for a tensor with the axes ``dims``, if it has any."""
        letters: dict[Dim | None, str] = {}
        for letter in self.labels:
            dim = next(iter(self.names.homes.get(letter, ())), None)
            letters.setdefault(dim, letter)
        found = tuple(letters.get(dim, "") for dim in dims)
        return found if all(found) and len(set(found)) == len(found) else ()

    def as_einsum(self, rule: Reason, expr: Expr, operations: list[Expr]) -> Reason:
        """Say which einsum the result is, and which matrix product."""
        if not operations or not isinstance(operations[0], Einsum) or is_light(expr):
            return rule
        shown = to_formula(expr, self.labels, self.names)
        factors = shown.factors if isinstance(shown, Product) else (shown,)
        if isinstance(shown, Product) and any(shown.divides):
            return rule
        inputs = [own_labels(x) for x in factors]
        spec = Spec(tuple(x for x in inputs if x is not None), self.labels)
        if spec.inputs == (spec.output,):  # one tensor as it is, which says nothing
            return rule
        letters = [letter for x in (*spec.inputs, spec.output) for letter in x]
        if len(spec.inputs) < len(factors) or any(len(label_text(x)) > 1 for x in letters):
            return rule
        form = matrix_form(expr)
        rule = rule.more(": ", spec)
        return rule if form is None else rule.then("in matrices ", matrix_words(form, self.names))


# --- gradients, read off the adjoints of `calculus.reverse` ---
#
# A statement with one operation takes one line, a softmax its Jacobian, the chain rule and the
# delta's elimination; a longer statement is differentiated from the outside in, with the
# derivatives that are still to be taken shown as ``d[...]/dx``.


class AdjointLines(Lines):
    """Collects the lines of one adjoint, that of ``x``."""

    def __init__(self, names: Names, adjoint: Adjoint, x: Var, labels: tuple[str, ...]) -> None:
        super().__init__(adjoint.knowledge, names, head_of(adjoint.title, labels), labels)
        self.adjoint, self.x = adjoint, x

    def write(self) -> None:
        """Add the lines from the consumers' adjoints to this one."""
        adjoint = self.adjoint
        if adjoint.of == adjoint.name:
            self.line(adjoint.expr, f"{adjoint.of} by itself")
        elif not adjoint.contributions:
            self.line(adjoint.expr, f"{adjoint.of} does not depend on {adjoint.name}")
        elif len(adjoint.contributions) == 1:
            self._contribution(adjoint.contributions[0])
        else:
            self._several(adjoint)

    def _contribution(self, part: Contribution) -> None:
        """Add the lines by which one consumer's adjoint reaches this tensor."""
        operations = operations_to(part.consumer.expr, self.x)
        stages, root = part.stages, part.consumer.expr
        if operations == [root] and is_jacobian(root, self.x):
            self._through_jacobian(part, stages)
            return
        if len(operations) > 1:
            self._outside_in(part)
        else:
            rule = (
                rule_of(operations[0], self.x, self.names)
                if operations
                else _linear_rule(part, self.x)
            )
            self.line(part.raw, self.as_einsum(rule, part.raw, operations))
        self.stages(part.raw, stages)

    def _through_jacobian(self, part: Contribution, stages: Sequence[Stage]) -> None:
        """A softmax: its Jacobian, the chain rule, and what the delta leaves."""
        node = part.consumer.expr
        assert isinstance(node, Reduce)
        local = local_jacobian(node)
        assert local is not None
        matrix = substitute(local[0], {node: part.consumer.var})
        given, own = result_labels(node), local[2]
        upstream = DerivativeName(self.adjoint.of, 0, ((part.consumer.name, node.ndim),))
        cotangent = Var(str(upstream), node.dims)
        letters = dict(zip(own, self.labels, strict=True))
        chain = Einsum(
            [cotangent, matrix], [given, local[1]], own, _extents(own, given, self.x, node)
        )
        shown = to_formula(chain, self.labels, self.names)
        result = _labels_of(shown, part.consumer.name, letters, given)
        jacobian_labels = [*result, *(letters[own[k]] for k in node.axes)]
        y, x = Symbol(part.consumer.name, tuple(result)), Symbol(self.x.name, self.labels)
        right = to_formula(matrix, jacobian_labels, self.names)
        rule = AXIS_FUNCTIONS[node.function].citation
        self.formula(Derivative(y, (x,)), right, rule, aside=True)
        self.formula(self.head, shown, "chain rule")
        selects = self._selects(result, node)
        first, rest = part.raw, stages
        if stages and stages[0].fact is None:  # a fact has a line of its own, which cites it
            first, rest = stages[0].result, stages[1:]
        self.line(first, together([selects, *self.cancelled(part.cotangent, first)]))
        self.stages(first, rest)

    def _selects(self, result: list[str], node: Reduce) -> Reason:
        pairs = [LetterPair(result[k], self.labels[k]) for k in node.axes]
        deltas = [(Symbol("delta", tuple(sorted((p.left, p.right)))), p) for p in pairs]
        return together(because("Kronecker delta: ", d, " selects ", p) for d, p in deltas)

    def _outside_in(self, part: Contribution) -> None:
        """Differentiate a statement of several operations from the outside in."""
        root, x = part.consumer.expr, self.x
        active = depends_on(root, [x])
        found: dict[Expr, list[Expr]] = {root: [part.cotangent]}
        order = [n for n in postorder([root]) if n in active]
        named = dict(filter(None, [formula_and_name(part.consumer)]))
        for node in reversed(order):
            if node is x or node not in found:
                continue
            total = add(*found.pop(node))
            for k, cotangent in pull(node, total, 0, active):
                found.setdefault(node.operands[k], []).append(cotangent)
            if is_operation(node) and not is_constant_factor(node, active):
                open_nodes = [n for n in found if n is not x]
                if any(operations_to(n, x) for n in open_nodes):
                    self._pending(found, rule_of(node, x, self.names), named)
                else:
                    self.line(part.raw, rule_of(node, x, self.names))
        self.line(part.raw, "einsum rule")

    def _pending(
        self, found: Mapping[Expr, list[Expr]], rule: Reason, named: Mapping[Expr, Expr]
    ) -> None:
        """Add a line in which some derivatives are still to be taken."""
        pending: dict[str, tuple[Expr, str, int]] = {}
        terms = []
        for k, (node, parts) in enumerate(found.items()):
            cotangent = substitute(add(*parts), named)
            if node is self.x:
                terms.append(cotangent)
                continue
            aligned = is_aligned(node, self.x)
            dims = node.dims if aligned else (*node.dims, *self.x.dims)
            var = Var(f"d/{k}", dims)
            pending[var.name] = (node, self.x.name, -1 if aligned else node.ndim)
            own = tuple(range(node.ndim))
            lead = own if aligned else (*own, *range(node.ndim, node.ndim + self.x.ndim))
            out = own if aligned else lead[node.ndim :]
            terms.append(einsum([(cotangent, own), (var, lead)], out))
        total = add(*terms)
        self.line(cases_joined(total) or total, rule, replace(self.names, pending=pending))

    def _several(self, adjoint: Adjoint) -> None:
        """A tensor that several statements use: the chain rule over each, added."""
        users = enumerated(Symbol(c.consumer.name) for c in adjoint.contributions)
        whole = add(*(c.raw for c in adjoint.contributions))
        self.line(whole, because("sum over the uses of ", Symbol(adjoint.name), ": ", *users))
        at_once = simplify_in_stages(whole, self.knowledge.about(whole))
        if at_once and at_once[-1].result is adjoint.expr:
            self.stages(whole, at_once)
            return
        rules: list[Reason] = []
        for part in adjoint.contributions:
            rules += self.rules_of(part.raw, part.stages)
        total = add(*(c.expr for c in adjoint.contributions))
        self.line(total, together(rules, "terms collected"))
        self.stages(total, simplify_in_stages(total, self.knowledge.about(total)))


def _linear_rule(part: Contribution, x: Var) -> Reason:
    rule = because("sum rule")
    return rule.then("summed where it is repeated") if part.consumer.expr.ndim > x.ndim else rule


def _extents(own: tuple[int, ...], given: tuple[int, ...], x: Var, node: Reduce) -> list[Dim]:
    dims = dict(zip(given, node.dims, strict=True)) | dict(zip(own, x.dims, strict=True))
    return [dims[k] for k in range(len(dims))]


def _labels_of(
    formula: Formula, name: str, letters: Mapping[int, str], given: tuple[int, ...]
) -> list[str]:
    """Return the letters that the cotangent of ``name`` got in a chain-rule line."""
    for found in derivatives_in(formula):
        if found.wrt[0].name == name:
            return list(found.wrt[0].labels)
    return [letters.get(k, "?") for k in given]


# --- Jacobians, read off the tangents of `calculus.forward` ---


class TangentLines(Lines):
    """Collects the lines of one tangent."""

    def __init__(self, names: Names, tangent: Tangent, labels: tuple[str, ...]) -> None:
        super().__init__(tangent.knowledge, names, head_of(tangent.title, labels), labels)
        self.tangent = tangent

    def write(self, known: dict[str, Var]) -> None:
        """Add the lines; ``known`` are the tensors whose tangents are there, by name."""
        tangent = self.tangent
        root = tangent.definition.expr
        inputs = [v for v in variables(root) if v.name in known]
        if tangent.name in tangent.wrt:
            self.line(tangent.expr, f"{tangent.name} by itself")
            return
        if not inputs:
            wrt = " or ".join(tangent.wrt)
            self.line(tangent.expr, f"{tangent.name} does not depend on {wrt}")
            return
        rules = []
        for x in inputs:
            rules += [rule_of(node, x, self.names) for node in operations_to(root, x)[::-1]]
        if any(x.name not in tangent.wrt for x in inputs):
            rules.append(because("chain rule"))
        self.line(tangent.raw, together(rules, "sum rule"))
        facts = self.knowledge.about(tangent.raw)
        self.stages(tangent.raw, simplify_in_stages(tangent.raw, facts))
