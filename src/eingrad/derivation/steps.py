"""The steps of a derivation, from definition to result, at the grain of a textbook.

The steps are read off the adjoints that `calculus.reverse` found: what is printed is what is
computed. A statement with one operation takes one line, a softmax its Jacobian, the chain rule
and the delta's elimination; a longer statement is differentiated from the outside in, with the
derivatives that are still to be taken shown as ``d[...]/dx``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from eingrad.calculus.differentiate import pull
from eingrad.calculus.reverse import Adjoint, Contribution, functions_in, tensor
from eingrad.calculus.simplify import Stage, simplify_in_stages
from eingrad.calculus.structure import is_sum, open_product
from eingrad.core.algebra import add, base_and_exponent, einsum, is_light, substitute
from eingrad.core.expr import (
    Dim,
    Einsum,
    Expr,
    Map,
    Number,
    Reduce,
    Var,
    depends_on,
    postorder,
)
from eingrad.core.functions import AXIS_FUNCTIONS, FUNCTIONS, local_jacobian, result_labels
from eingrad.derivation.labels import Names, fresh_letter, parts_of, to_formula
from eingrad.derivation.matrix import matrix_text
from eingrad.notation.syntax import Derivative, Formula, Product, Symbol
from eingrad.notation.system import Definition, System
from eingrad.notation.text import to_text


@dataclass(frozen=True, slots=True)
class Step:
    """One line: ``before = after`` by ``rule``; ``shapes`` gives each tensor's labels.

    ``left`` is None where the line goes on from the one before it.
    """

    rule: str
    before: str
    after: str
    shapes: Mapping[str, tuple[str, ...]]
    left: Formula | None = field(default=None, compare=False)
    right: Formula | None = field(default=None, compare=False)


class Deriver:
    """Writes the steps of the adjoints of one model."""

    def __init__(self, system: System, original: System, adjoints: Mapping[str, Adjoint]) -> None:
        self.system, self.original, self.adjoints = system, original, adjoints
        order = introduced(system)
        rank = {name: k for k, name in enumerate(order)}
        for adjoint in adjoints.values():
            rank[adjoint.var.name] = len(order) + rank[adjoint.name]
        self.names = Names(system.letters, rank)

    def letters(self, name: str) -> tuple[str, ...]:
        """Return a letter for each axis of a tensor, its author's where these are distinct."""
        own = self.system.labels[name]
        result: list[str] = []
        for letter, dim in zip(own, tensor(self.system, name).dims, strict=True):
            result.append(fresh_letter(dim, own, self.names) if letter in result else letter)
        return tuple(result)

    def steps(self, name: str, known: set[str]) -> list[Step]:
        """Return the steps to one derivative; ``known`` are the statements already shown."""
        result: list[Step] = []
        for adjoint in self._needed(name):
            if f"d/{adjoint.name}" in known:
                continue
            known.add(f"d/{adjoint.name}")
            result += self._adjoint_steps(adjoint, known)
        return result

    def _needed(self, name: str) -> list[Adjoint]:
        """Return the adjoints that ``name``'s is made of, the loss's side first."""
        needed = {name}
        for other in reversed(list(self.adjoints)):
            if other in needed:
                needed.update(c.consumer.name for c in self.adjoints[other].contributions)
        return [a for n, a in self.adjoints.items() if n in needed and n != a.of]

    def _adjoint_steps(self, adjoint: Adjoint, known: set[str]) -> list[Step]:
        writer = _Lines(self, adjoint)
        for contribution in adjoint.contributions:
            if contribution.consumer.name not in known:
                known.add(contribution.consumer.name)
                writer.definition(contribution.consumer, self.original)
        if not adjoint.contributions:
            writer.line(adjoint.expr, f"{adjoint.of} does not depend on {adjoint.name}")
        elif len(adjoint.contributions) == 1:
            writer.contribution(adjoint.contributions[0])
        else:
            writer.several(adjoint)
        return writer.steps


def introduced(system: System) -> list[str]:
    """Return the tensors' names in the order in which a reader meets them."""
    order: dict[str, None] = {}
    for name, definition in system.definitions.items():
        if definition.written is not None:
            order |= dict.fromkeys(_symbols(definition.written.value))
        order[name] = None
    order |= dict.fromkeys(system.inputs)
    return list(order)


def _symbols(formula: Formula) -> Iterator[str]:
    if isinstance(formula, Symbol):
        yield formula.name
    for part in parts_of(formula):
        yield from _symbols(part)


class _Lines:
    """Collects the lines of one adjoint."""

    def __init__(self, deriver: Deriver, adjoint: Adjoint) -> None:
        self.system, self.names = deriver.system, deriver.names
        self.adjoint = adjoint
        self.labels = deriver.letters(adjoint.name)
        self.x = tensor(self.system, adjoint.name)
        self.head: Formula = Derivative(Symbol(adjoint.of), (Symbol(adjoint.name, self.labels),))
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
        shapes = _shapes(left) | _shapes(right)
        self.steps.append(Step(rule, before, after, shapes, None if goes_on else left, right))
        self.started = self.started or not aside

    def definition(self, definition: Definition, original: System) -> None:
        """Add the statement that the next lines differentiate."""
        target = Symbol(definition.name, definition.labels)
        first = original.definitions[definition.name]
        written = definition.written.value if definition.written else None
        shown = written or to_formula(first.expr, definition.labels, self.names)
        self.formula(target, shown, "definition", aside=True)
        if definition.expr is not first.expr:
            folded = to_formula(definition.expr, definition.labels, self.names)
            new = functions_in(definition.expr) - functions_in(first.expr)
            if to_text(folded) != to_text(shown):
                names = ", ".join(sorted(new)).replace("_", "-")
                rule = f"{names} recognised" if new else "simplified"
                self.formula(target, folded, rule, aside=True)

    # --- one consumer ---

    def contribution(self, part: Contribution) -> None:
        """Add the lines by which one consumer's adjoint reaches this tensor."""
        operations = _operations(part.consumer.expr, self.x)
        stages = simplify_in_stages(part.raw, self.system.facts)
        if len(operations) == 1 and _is_jacobian(operations[0], self.x):
            self._through_jacobian(part, operations[0], stages)
            return
        if len(operations) > 1:
            self._outside_in(part)
        else:
            rule = self._rule(operations[0]) if operations else _linear_rule(part, self.x)
            self.line(part.raw, rule + self._as_einsum(part.raw, operations))
        self._stages(part.raw, stages)

    def _through_jacobian(self, part: Contribution, node: Expr, stages: list[Stage]) -> None:
        """A softmax: its Jacobian, the chain rule, and what the delta leaves."""
        assert isinstance(node, Reduce)
        local = local_jacobian(node)
        assert local is not None
        name = part.consumer.var if part.consumer.expr is node else node
        matrix = substitute(local[0], {node: name})
        given, own = result_labels(node), local[2]
        cotangent = Var(f"d{self.adjoint.of}/d{part.consumer.name}", node.dims)
        letters = dict(zip(own, self.labels, strict=True))
        chain = Einsum(
            [cotangent, matrix], [given, local[1]], own, _extents(own, given, self.x, node)
        )
        shown = to_formula(chain, self.labels, self.names)
        result = _labels_of(shown, part.consumer.name, letters, given)
        if name is not node:
            jacobian_labels = [*result, *(letters[own[k]] for k in node.axes)]
            left = Derivative(
                Symbol(part.consumer.name, tuple(result)), (Symbol(self.x.name, self.labels),)
            )
            right = to_formula(matrix, jacobian_labels, self.names)
            self.formula(left, right, AXIS_FUNCTIONS[node.function].rule, aside=True)
        self.formula(self.head, shown, "chain rule")
        selects = self._selects(result, node)
        gone = self._cancelled(part.cotangent, stages[0].result if stages else part.raw)
        if stages:
            self.line(stages[0].result, "; ".join([selects, *gone]))
            self._stages(stages[0].result, stages[1:])
        else:
            self.line(part.raw, selects)

    def _selects(self, result: list[str], node: Reduce) -> str:
        pairs = [(result[k], self.labels[k]) for k in node.axes]
        return "; ".join(f"Kronecker delta: delta_{a}{b} selects {a} = {b}" for a, b in pairs)

    def _outside_in(self, part: Contribution) -> None:
        """Differentiate a statement of several operations from the outside in."""
        root, x = part.consumer.expr, self.x
        active = depends_on(root, [x])
        found: dict[Expr, list[Expr]] = {root: [part.cotangent]}
        order = [n for n in postorder([root]) if n in active]
        named = {root: part.consumer.var} if not is_light(root) else {}
        for node in reversed(order):
            if node is x or node not in found:
                continue
            total = add(*found.pop(node))
            for k, cotangent in pull(node, total, 0, active):
                found.setdefault(node.operands[k], []).append(cotangent)
            if _is_operation(node) and not _is_constant_factor(node, active):
                open_nodes = [n for n in found if n is not x]
                if any(_operations(n, x) for n in open_nodes):
                    self._pending(found, self._rule(node), named)
                else:
                    self.line(part.raw, self._rule(node))
        self.line(part.raw, "einsum rule")

    def _pending(
        self, found: Mapping[Expr, list[Expr]], rule: str, named: Mapping[Expr, Expr]
    ) -> None:
        """Add a line in which some derivatives are still to be taken."""
        pending: dict[str, tuple[Expr, str, int]] = {}
        terms = []
        for k, (node, parts) in enumerate(found.items()):
            cotangent = substitute(add(*parts), named)
            if node is self.x:
                terms.append(cotangent)
                continue
            aligned = _is_aligned(node, self.x)
            dims = node.dims if aligned else (*node.dims, *self.x.dims)
            var = Var(f"d/{k}", dims)
            pending[var.name] = (node, self.x.name, -1 if aligned else node.ndim)
            own = tuple(range(node.ndim))
            lead = own if aligned else (*own, *range(node.ndim, node.ndim + self.x.ndim))
            out = own if aligned else lead[node.ndim :]
            terms.append(einsum([(cotangent, own), (var, lead)], out))
        names = Names(self.names.letters, self.names.rank, pending)
        self.line(add(*terms), rule, names)

    def _stages(self, start: Expr, stages: list[Stage]) -> None:
        previous = start
        for stage in stages:
            if stage.fact is not None:
                rule = f"assumed: {_fact_text(stage)}"
            elif stage.rules == ("simplified",):
                gone = self._cancelled(previous, stage.result)
                rule = "; ".join(gone) or _collected(previous, stage.result)
            else:
                rule = ", ".join(stage.rules)
            self.line(stage.result, rule)
            previous = stage.result

    def _cancelled(self, before: Expr, after: Expr) -> list[str]:
        """Name the divisors that are gone: ``Z2_bo cancels``."""
        left = {base for base, _ in _divisors(after)}
        gone = [(base, k) for base, k in _divisors(before) if base not in left and base.ndim]
        texts = []
        for base, _ in gone[:2]:
            labels = self.labels if base.dims == self.x.dims else ()
            if len(labels) == base.ndim:
                texts.append(f"{to_text(to_formula(base, labels, self.names))} cancels")
        return list(dict.fromkeys(texts))

    # --- several consumers ---

    def several(self, adjoint: Adjoint) -> None:
        """A tensor that several statements use: the chain rule over each, added."""
        users = ", ".join(c.consumer.name for c in adjoint.contributions)
        total = add(*(c.raw for c in adjoint.contributions))
        self.line(total, f"sum over the uses of {adjoint.name}: {users}")
        self.line(add(*(c.expr for c in adjoint.contributions)), "simplified")
        self.line(adjoint.expr, "simplified")

    # --- words ---

    def _rule(self, node: Expr) -> str:
        if isinstance(node, Reduce):
            return AXIS_FUNCTIONS[node.function].rule
        if isinstance(node, Map):
            row = FUNCTIONS.get(node.function)
            return row.rule if row else f"derivative of {node.function}"
        active = depends_on(node, [self.x])
        hits = [x for x in node.operands if x in active]
        if len(hits) > 1:
            return "power rule" if len(set(hits)) == 1 else "product rule"
        free = [self.names.letters.get(d, ("i",))[0] for d in node.dims]
        labels = tuple(dict.fromkeys(free)) if len(set(free)) == len(free) else None
        if labels is None or not all(isinstance(x, Var) for x in node.operands):
            return "einsum rule"
        return f"einsum rule on {to_text(to_formula(node, labels, self.names))}"

    def _as_einsum(self, expr: Expr, operations: list[Expr]) -> str:
        """Say which einsum the result is, and which matrix product."""
        if not operations or not isinstance(operations[0], Einsum) or is_light(expr):
            return ""
        shown = to_formula(expr, self.labels, self.names)
        factors = shown.factors if isinstance(shown, Product) else (shown,)
        inputs = [_own_labels(x) for x in factors]
        if any(x is None for x in inputs):
            return ""
        spec = ",".join("".join(x or ()) for x in inputs) + "->" + "".join(self.labels)
        if any(len(letter) > 1 for x in inputs for letter in x or ()):
            return ""
        found = matrix_text(expr)
        return f": {spec}" + (f"; in matrices {found}" if found else "")


def _own_labels(formula: Formula) -> tuple[str, ...] | None:
    if isinstance(formula, Derivative):
        return tuple(x for s in formula.wrt for x in s.labels)
    return formula.labels if isinstance(formula, Symbol) else None


def _shapes(formula: Formula) -> dict[str, tuple[str, ...]]:
    if isinstance(formula, Symbol):
        return {formula.name: formula.labels} if formula.name != "delta" else {}
    if isinstance(formula, Derivative):
        labels = tuple(x for s in formula.wrt for x in s.labels)
        if isinstance(formula.of, Symbol):
            wrt = " ".join(f"d{s.name}" for s in formula.wrt)
            return {f"d{formula.of.name}/{wrt}": (*formula.of.labels, *labels)}
        return _shapes(formula.of)
    result: dict[str, tuple[str, ...]] = {}
    for part in parts_of(formula):
        result.update(_shapes(part))
    return result


def _fact_text(stage: Stage) -> str:
    assert stage.fact is not None
    written = stage.fact.written
    return f"{to_text(written.left)} = {to_text(written.right)}"


def _is_operation(node: Expr) -> bool:
    if isinstance(node, Map):
        return not is_sum(node)
    return isinstance(node, Reduce) or (isinstance(node, Einsum) and not is_light(node))


def _operations(root: Expr, x: Var) -> list[Expr]:
    """Return the operations between ``root`` and ``x``, the innermost first."""
    active = depends_on(root, [x])
    return [n for n in postorder([root]) if n in active and _is_operation(n)]


def _is_constant_factor(node: Expr, active: set[Expr]) -> bool:
    """Whether a product has one factor to differentiate: no line of its own."""
    return isinstance(node, Einsum) and sum(x in active for x in node.operands) == 1


def _is_jacobian(node: Expr, x: Var) -> bool:
    return isinstance(node, Reduce) and node.keeps_axes and node.operands[0] is x


def _is_aligned(root: Expr, x: Var) -> bool:
    """Whether ``root`` depends on ``x`` entry by entry, so that both have the same labels."""
    if root.dims != x.dims:
        return False
    active = depends_on(root, [x])
    for node in active:
        if isinstance(node, Reduce):
            return False
        if isinstance(node, Einsum):
            own = [ls for y, ls in zip(node.operands, node.inputs, strict=True) if y in active]
            if node.summed or any(ls != node.output for ls in own):
                return False
    return True


def _linear_rule(part: Contribution, x: Var) -> str:
    if part.consumer.expr.ndim > x.ndim:
        return "sum rule; summed where it is repeated"
    return "sum rule"


def _extents(own: tuple[int, ...], given: tuple[int, ...], x: Var, node: Reduce) -> list[Dim]:
    dims = dict(zip(given, node.dims, strict=True)) | dict(zip(own, x.dims, strict=True))
    return [dims[k] for k in range(len(dims))]


def _labels_of(
    formula: Formula, name: str, letters: Mapping[int, str], given: tuple[int, ...]
) -> list[str]:
    """Return the letters that the cotangent of ``name`` got in a chain-rule line."""
    for found in _derivatives(formula):
        if found.wrt[0].name == name:
            return list(found.wrt[0].labels)
    return [letters.get(k, "?") for k in given]


def _derivatives(formula: Formula) -> Iterator[Derivative]:
    if isinstance(formula, Derivative):
        yield formula
    for part in parts_of(formula):
        yield from _derivatives(part)


def _divisors(expr: Expr) -> list[tuple[Expr, Number]]:
    result = []
    for term in expr.operands if is_sum(expr) else [expr]:
        for x, _ in open_product(term).factors:
            base, exponent = base_and_exponent(x)
            if base is not x:
                result.append((base, exponent))
            elif is_sum(x):
                result += _divisors(x)
    return result


def _collected(before: Expr, after: Expr) -> str:
    count = len(before.operands) if is_sum(before) else 1
    left = len(after.operands) if is_sum(after) else 1
    if is_sum(before) and left < count and not is_sum(after):
        return "common factors pulled out"
    return "like terms collected" if left < count else "multiplied out and collected"
