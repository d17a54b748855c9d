"""What the rules of a step are called, and what there is to differentiate in a statement."""

from __future__ import annotations

from collections.abc import Iterator

from eingrad.calculus.structure import is_sum, open_product
from eingrad.core.algebra import base_and_exponent, is_light
from eingrad.core.arrays import Gather, Matrix
from eingrad.core.expr import Einsum, Expr, Map, Number, Reduce, Var, depends_on, postorder
from eingrad.core.functions import AXIS_FUNCTIONS, FUNCTIONS, MATRIX_FUNCTIONS
from eingrad.core.partials import is_linear
from eingrad.derivation.author_letters import Names
from eingrad.derivation.labels import to_formula
from eingrad.derivation.reasons import Reason, because
from eingrad.notation.summation import children, walk
from eingrad.notation.syntax import Derivative, Formula, Symbol
from eingrad.notation.system import Fact
from eingrad.notation.text import derivative_name


def own_labels(formula: Formula) -> tuple[str, ...] | None:
    """Return the labels of a tensor or a derivative, None for anything else."""
    if isinstance(formula, Derivative):
        own = formula.of.labels if isinstance(formula.of, Symbol) else ()
        return (*own, *(x for s in formula.wrt for x in s.labels))
    return formula.labels if isinstance(formula, Symbol) else None


def shapes_in(formula: Formula) -> dict[str, tuple[str, ...]]:
    """Return the labels of each tensor in a formula."""
    if isinstance(formula, Symbol):
        return {formula.name: formula.labels} if formula.name != "delta" else {}
    if isinstance(formula, Derivative):
        labels = tuple(x for s in formula.wrt for x in s.labels)
        if isinstance(formula.of, Symbol):
            return {derivative_name(formula): (*formula.of.labels, *labels)}
        return shapes_in(formula.of)
    result: dict[str, tuple[str, ...]] = {}
    for part in children(formula):
        result.update(shapes_in(part))
    return result


def fact_used(fact: Fact) -> Reason:
    """Say which fact a stage used: an assumption, or the definition of a name."""
    if fact.written is None:
        if not isinstance(fact.right, Var):
            return because("known")
        return because("definition of ", Symbol(fact.right.name))
    return because("assumed: ", fact.written)


def is_operation(node: Expr) -> bool:
    """Whether a node is worth a line: not a sum, a scaling or a view."""
    if isinstance(node, Map):
        return not is_sum(node)
    if isinstance(node, Einsum):
        return not is_light(node)
    return isinstance(node, Reduce | Matrix | Gather)


def operations_to(root: Expr, x: Var) -> list[Expr]:
    """Return the operations between ``root`` and ``x``, the innermost first."""
    active = depends_on(root, [x])
    return [n for n in postorder([root]) if n in active and is_operation(n)]


def is_constant_factor(node: Expr, active: set[Expr]) -> bool:
    """Whether a product has one factor to differentiate: no line of its own."""
    return isinstance(node, Einsum) and sum(x in active for x in node.operands) == 1


def is_jacobian(node: Expr, x: Var) -> bool:
    """Whether a node is a softmax or its like, of x itself."""
    keeps = isinstance(node, Reduce) and node.keeps_axes and not is_linear(node)
    return keeps and node.operands[0] is x


def is_aligned(root: Expr, x: Var) -> bool:
    """Whether ``root`` depends on ``x`` entry by entry, so that both have the same labels."""
    if root.dims != x.dims:
        return False
    active = depends_on(root, [x])
    for node in active:
        if isinstance(node, Reduce | Matrix | Gather):
            return False
        if isinstance(node, Einsum):
            own = [ls for y, ls in zip(node.operands, node.inputs, strict=True) if y in active]
            if node.summed or any(ls != node.output for ls in own):
                return False
    return True


def derivatives_in(formula: Formula) -> Iterator[Derivative]:
    """Yield the derivatives in a formula."""
    return (part for part in walk(formula) if isinstance(part, Derivative))


def divisors(expr: Expr) -> list[tuple[Expr, Number]]:
    """Return what stands below a fraction bar, with its exponent."""
    result = []
    for term in expr.operands if is_sum(expr) else [expr]:
        for x, _ in open_product(term).factors:
            base, exponent = base_and_exponent(x)
            if base is not x:
                result.append((base, exponent))
            elif is_sum(x):
                result += divisors(x)
    return result


def how_collected(before: Expr, after: Expr) -> str:
    """Say how the terms became fewer."""
    count = len(before.operands) if is_sum(before) else 1
    left = len(after.operands) if is_sum(after) else 1
    if is_sum(before) and left < count and not is_sum(after):
        return "common factors pulled out"
    return "like terms collected" if left < count else "multiplied out and collected"


def rule_of(node: Expr, x: Var, names: Names) -> Reason:
    """Name the rule that differentiates a node by x."""
    if isinstance(node, Reduce):
        return because(AXIS_FUNCTIONS[node.function].citation)
    if isinstance(node, Gather):
        return because("gather derivative")
    if isinstance(node, Matrix):
        return because(MATRIX_FUNCTIONS[node.function].rule)
    if isinstance(node, Map):
        row = FUNCTIONS.get(node.function)
        generic = because("derivative of ", Symbol(node.function))
        return because(row.citation) if row else generic
    assert isinstance(node, Einsum)
    active = depends_on(node, [x])
    hits = [y for y in node.operands if y in active]
    if len(hits) > 1:
        own = [pair for pair in zip(node.operands, node.inputs, strict=True) if pair[0] in active]
        return because("power rule" if len(set(own)) == 1 else "product rule")
    free = [names.letters.get(d, ("i",))[0] for d in node.dims]
    if len(set(free)) < len(free) or not all(isinstance(y, Var) for y in node.operands):
        return because("einsum rule")
    return because("einsum rule on ", to_formula(node, free, names))
