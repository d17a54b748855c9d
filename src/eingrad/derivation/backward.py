"""The lines of a gradient, read off the adjoints of `calculus.reverse`.

A statement with one operation takes one line, a softmax its Jacobian, the chain rule and the
delta's elimination; a longer statement is differentiated from the outside in, with the
derivatives that are still to be taken shown as ``d[...]/dx``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from eingrad.calculus.differentiate import pull
from eingrad.calculus.naming import DerivativeName
from eingrad.calculus.pointwise_rules import cases_joined
from eingrad.calculus.reverse import Adjoint, Contribution
from eingrad.calculus.simplify import Stage, simplify_in_stages
from eingrad.core.algebra import add, einsum, is_light
from eingrad.core.expr import Dim, Einsum, Expr, Reduce, Var, depends_on, postorder
from eingrad.core.functions import AXIS_FUNCTIONS
from eingrad.core.partials import local_jacobian, result_labels
from eingrad.core.rewrite import substitute
from eingrad.derivation.labels import Names, head_of, to_formula
from eingrad.derivation.lines import Lines
from eingrad.derivation.words import (
    derivatives_in,
    is_aligned,
    is_constant_factor,
    is_jacobian,
    is_operation,
    operations_to,
    rule_of,
)
from eingrad.notation.syntax import Derivative, Formula, Symbol
from eingrad.notation.text import to_text


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
        stages = simplify_in_stages(part.raw, self.knowledge.about(part.raw))
        root = part.consumer.expr
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
            self.line(part.raw, rule + self.as_einsum(part.raw, operations))
        self.stages(part.raw, stages)

    def _through_jacobian(self, part: Contribution, stages: list[Stage]) -> None:
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
        self.line(first, "; ".join([selects, *self.cancelled(part.cotangent, first)]))
        self.stages(first, rest)

    def _selects(self, result: list[str], node: Reduce) -> str:
        pairs = [(result[k], self.labels[k]) for k in node.axes]
        deltas = [(to_text(Symbol("delta", tuple(sorted(pair)))), *pair) for pair in pairs]
        return "; ".join(f"Kronecker delta: {delta} selects {a} = {b}" for delta, a, b in deltas)

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
            if is_operation(node) and not is_constant_factor(node, active):
                open_nodes = [n for n in found if n is not x]
                if any(operations_to(n, x) for n in open_nodes):
                    self._pending(found, rule_of(node, x, self.names), named)
                else:
                    self.line(part.raw, rule_of(node, x, self.names))
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
        users = ", ".join(c.consumer.name for c in adjoint.contributions)
        whole = add(*(c.raw for c in adjoint.contributions))
        self.line(whole, f"sum over the uses of {adjoint.name}: {users}")
        at_once = simplify_in_stages(whole, self.knowledge.about(whole))
        if at_once and at_once[-1].result is adjoint.expr:
            self.stages(whole, at_once)
            return
        rules: dict[str, None] = {}
        for part in adjoint.contributions:
            stages = simplify_in_stages(part.raw, self.knowledge.about(part.raw))
            rules |= dict.fromkeys(self.rules_of(part.raw, stages))
        total = add(*(c.expr for c in adjoint.contributions))
        self.line(total, "; ".join(rules) or "terms collected")
        self.stages(total, simplify_in_stages(total, self.knowledge.about(total)))


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
    for found in derivatives_in(formula):
        if found.wrt[0].name == name:
            return list(found.wrt[0].labels)
    return [letters.get(k, "?") for k in given]
