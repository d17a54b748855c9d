"""The lines of a Jacobian, read off the tangents of `calculus.forward`."""

from __future__ import annotations

from eingrad.calculus.forward import Tangent
from eingrad.calculus.simplify import simplify_in_stages
from eingrad.core.expr import Var, variables
from eingrad.derivation.labels import Names, head_of
from eingrad.derivation.lines import Lines
from eingrad.derivation.words import operations_to, rule_of


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
            rules.append("chain rule")
        self.line(tangent.raw, "; ".join(dict.fromkeys(rules)) or "sum rule")
        facts = self.knowledge.about(tangent.raw)
        self.stages(tangent.raw, simplify_in_stages(tangent.raw, facts))
