"""Differentiation of expression graphs: one local rule a node, used by both modes.

Reverse mode pulls a cotangent back, forward mode pushes tangents on. Both carry ``extra`` leading
axes, so a whole Jacobian is a pull-back of Kronecker deltas and needs no rule of its own.

The einsum rule in full: put the cotangent in the operand's place and swap its labels with the
output's. A label that is found nowhere else repeats the value (ones); a label that the operand
repeats becomes a delta. `core.algebra.einsum` takes both as they come.

With ``conjugate``, for complex operands, every local derivative is conjugated on the way back: the
gradient of a real L is then ``dL/dRe z + i dL/dIm z``, as in PyTorch. With ``numbers``, a
derivative has a value at kinks, too, where the formula on paper has none; with ``guard``, a
cotangent of 0 times an infinite derivative is 0: what a mask has left out stays out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eingrad.calculus.array_rules import linear_rules, matrix_factors
from eingrad.core.algebra import (
    ONE,
    Factor,
    add,
    apply,
    base_and_exponent,
    broadcast_scalar,
    constant_value,
    einsum,
    full,
    is_light,
    is_zero,
    multiply,
    zeros,
)
from eingrad.core.arrays import Matrix
from eingrad.core.conjugate import CONJ, conj
from eingrad.core.expr import (
    Const,
    Delta,
    Dim,
    Einsum,
    Expr,
    Labels,
    Map,
    Reduce,
    depends_on,
    postorder,
)
from eingrad.core.functions import FUNCTIONS
from eingrad.core.partials import local_jacobian, partial_derivative, result_labels
from eingrad.errors import DifferentiationError


def gradient(root: Expr, wrt: Sequence[Expr]) -> list[Expr]:
    """Return the derivative of a scalar by each node of ``wrt``, all in one reverse pass.

    Raises DifferentiationError where ``root`` has axes.
    """
    if root.ndim:
        raise DifferentiationError(
            f"a gradient is of a scalar, and this has {root.ndim} axes",
            hint="take its Jacobian, or sum it first",
        )
    return pull_back(root, wrt, ONE, 0)


def jacobian(root: Expr, wrt: Sequence[Expr]) -> list[Expr]:
    """Return the derivatives of a tensor: the axes of ``root``, then those of each of ``wrt``."""
    n = root.ndim
    seed = einsum(
        [(Delta(dim), (k, n + k)) for k, dim in enumerate(root.dims)], tuple(range(2 * n))
    )
    return pull_back(root, wrt, seed if n else ONE, n)


def pull_back(
    root: Expr,
    wrt: Sequence[Expr],
    cotangent: Expr,
    extra: int,
    *,
    conjugate: bool = False,
    guard: bool = False,
    numbers: bool = False,
) -> list[Expr]:
    """Pull ``cotangent`` (``extra`` axes, then the root's) back to each node of ``wrt``."""
    active = depends_on(root, wrt)
    wanted = set(wrt)
    found: dict[Expr, list[Expr]] = {root: [cotangent]}
    result: dict[Expr, Expr] = {}
    for node in reversed(list(postorder([root]))):
        if node not in active or node not in found:
            continue
        total = add(*found.pop(node))
        if node in wanted:
            result[node] = total
        if is_zero(total):
            continue
        for k, contribution in pull(node, total, extra, active, conjugate, guard, numbers):
            found.setdefault(node.operands[k], []).append(contribution)
    return [result.get(x, zeros((*cotangent.dims[:extra], *x.dims))) for x in wrt]


def pull(
    node: Expr,
    cotangent: Expr,
    extra: int,
    active: set[Expr],
    conjugate: bool = False,
    guard: bool = False,
    numbers: bool = False,
) -> list[tuple[int, Expr]]:
    """Return (operand number, cotangent) for each active operand whose derivative is not 0."""
    result = []
    for k, operand in enumerate(node.operands):
        if operand not in active:
            continue
        if (linear := linear_rules(node)) is not None:
            back = linear[0](node, k, cotangent, extra)
        elif isinstance(node, Map) and node.function == CONJ:
            back = conj(cotangent)
        else:
            local = _local(node, k, numbers)
            if conjugate and local is not None:
                local = ([(conj(x), labels) for x, labels in local[0]], *local[1:])
            back = None
            if local is not None and guard and is_singular(node):
                back = _pull_guarded(local, cotangent, extra)
            elif local is not None:
                back = _pull_operand(node, k, local, cotangent, extra)
        if back is not None:
            result.append((k, back))
    return result


def push_forward(
    root: Expr, tangents: Mapping[Expr, Expr], extra: int = 0, *, numbers: bool = False
) -> Expr:
    """Push tangents (``extra`` axes, then the node's) forward to ``root``: its directional
    derivative."""
    active = depends_on(root, tangents)
    lead = next((t.dims[:extra] for t in tangents.values()), ())
    dots: dict[Expr, Expr] = dict(tangents)
    for node in postorder([root]):
        if node in dots or node not in active:
            continue
        terms = []
        for k, operand in enumerate(node.operands):
            if operand not in dots:
                continue
            if (on := _push(node, k, dots[operand], extra, numbers)) is not None:
                terms.append(on)
        if terms:
            dots[node] = add(*terms)
    return dots.get(root, zeros((*lead, *root.dims)))


def _push(node: Expr, k: int, tangent: Expr, extra: int, numbers: bool) -> Expr | None:
    if (linear := linear_rules(node)) is not None:
        return linear[1](node, k, tangent, extra)
    if isinstance(node, Map) and node.function == CONJ:
        return conj(tangent)
    local = _local(node, k, numbers)
    return None if local is None else _push_operand(local, tangent, extra)


# --- the local rule: a node's derivative by operand k as labelled factors ---------------------

Local = tuple[list[Factor], Labels, Labels, dict[int, Dim]]
"""Factors, the labels of the node's axes, those of the operand's axes, extents of all labels."""


def _local(node: Expr, k: int, numbers: bool) -> Local | None:
    """Return the derivative of a node by operand k; None where it is 0 everywhere."""
    if isinstance(node, Einsum):
        others = [
            (x, labels)
            for j, (x, labels) in enumerate(zip(node.operands, node.inputs, strict=True))
            if j != k
        ]
        return others, node.output, node.inputs[k], dict(enumerate(node.extents))
    if isinstance(node, Map):
        partial = partial_derivative(node, k, node.function, numbers)
        if partial is None or is_zero(partial):
            return None
        axes = tuple(range(node.ndim))
        own = axes if node.operands[k].ndim else ()
        return [(partial, axes if partial.ndim else ())], axes, own, dict(enumerate(node.dims))
    if isinstance(node, Reduce):
        rule = local_jacobian(node, numbers)
        if rule is None:
            return None
        matrix, labels, operand_labels = rule
        extents = dict(zip(operand_labels, node.operands[0].dims, strict=True))
        extents.update(zip(labels, matrix.dims, strict=True))
        return [(matrix, labels)], result_labels(node), operand_labels, extents
    if isinstance(node, Matrix):
        factors, labels, operand_labels = matrix_factors(node, numbers)
        extents = {k: d for x, ls in factors for k, d in zip(ls, x.dims, strict=True)}
        return factors, labels, operand_labels, extents
    raise DifferentiationError(f"no derivative rule for a {type(node).__name__}")


def _pull_operand(node: Expr, k: int, local: Local, cotangent: Expr, extra: int) -> Expr:
    factors, labels, operand_labels, extents = local
    if not extra and (masked := _pull_masked(node, k, factors, cotangent)) is not None:
        return masked
    shift = 1 + max(extents, default=-1)
    lead = tuple(range(shift, shift + extra))
    extents = {**extents, **dict(zip(lead, cotangent.dims, strict=False))}
    return distribute_deltas(
        [(cotangent, (*lead, *labels)), *factors], (*lead, *operand_labels), extents
    )


def _push_operand(local: Local, tangent: Expr, extra: int) -> Expr:
    factors, labels, operand_labels, extents = local
    shift = 1 + max(extents, default=-1)
    lead = tuple(range(shift, shift + extra))
    extents = {**extents, **dict(zip(lead, tangent.dims, strict=False))}
    return distribute_deltas(
        [(tangent, (*lead, *operand_labels)), *factors], (*lead, *labels), extents
    )


def _pull_masked(node: Expr, k: int, factors: list[Factor], cotangent: Expr) -> Expr | None:
    """Keep the mask of ``where`` outside: ``where(c, g, 0) f'(x)`` is ``where(c, g f'(x), 0)``.

    So an infinite f'(x) in the branch that is not taken does not become 0 * inf = NaN.
    """
    if not isinstance(node, Map) or not node.ndim or not node.operands[k].ndim:
        return None
    if node.function == "where" and k > 0:
        branches = [cotangent, Const(0)] if k == 1 else [Const(0), cotangent]
        return broadcast_scalar(apply("where", node.operands[0], *branches), node.dims)
    if isinstance(cotangent, Map) and cotangent.function == "where":
        condition, *branches = cotangent.operands
        if any(constant_value(x) == 0 for x in branches):
            moved = [x if constant_value(x) == 0 else multiply(x, factors[0][0]) for x in branches]
            return broadcast_scalar(apply("where", condition, *moved), node.dims)
    return None


HUGE = 3e38  # the largest float32


def is_singular(node: Expr) -> bool:
    """Whether a derivative of a node may be infinite, or nothing: a function at the end of where
    it is defined, a product of entries of which one is infinite."""
    if isinstance(node, Einsum):
        return not node.summed and not is_light(node)
    record = FUNCTIONS.get(node.function) if isinstance(node, Map) else None
    if record is None or not record.singular:
        return False
    _, exponent = base_and_exponent(node)
    return not isinstance(exponent, int) or exponent < 1 or record.name != "pow"


def _pull_guarded(local: Local, cotangent: Expr, extra: int) -> Expr:
    """``g f'``, but 0 where g is 0 and f' is not finite."""
    factors, labels, operand_labels, extents = local
    shift = 1 + max(extents, default=-1)
    lead = tuple(range(shift, shift + extra))
    own = (*lead, *labels)
    extents = {**extents, **dict(zip(lead, cotangent.dims, strict=False))}
    partial = einsum(factors, own, extents)
    product = multiply(cotangent, partial)
    finite = apply("le", apply("abs", partial), Const(HUGE))
    kept = apply("where", finite, product, Const(0))
    kept = apply("where", apply("ne", cotangent, Const(0)), product, kept)
    kept = broadcast_scalar(kept, cotangent.dims)
    return einsum([(kept, own)], (*lead, *operand_labels), extents)


def distribute_deltas(
    factors: Sequence[Factor], output: Labels, extents: Mapping[int, Dim]
) -> Expr:
    """Return the product; a sum with a delta that the product can eliminate is multiplied out.

    ``g_o y_o (delta_op - y_p)`` becomes ``g_p y_p - g_o y_o y_p``.
    """
    flat = _flatten(factors, set(output))
    for k, (factor, labels) in enumerate(flat):
        if not (isinstance(factor, Map) and factor.has_delta):
            continue
        if any(_has_summed_delta(term, labels, output) for term in factor.operands):
            rest = [*flat[:k], *flat[k + 1 :]]
            terms = [broadcast_scalar(term, factor.dims) for term in factor.operands]
            return add(*(distribute_deltas([*rest, (x, labels)], output, extents) for x in terms))
    return einsum(flat, output, extents)


def _flatten(factors: Sequence[Factor], output: set[int]) -> list[Factor]:
    """Open products that sum nothing, so that a delta inside them can meet its partner."""
    result: list[Factor] = []
    for factor, labels in factors:
        if (
            isinstance(factor, Einsum)
            and len(factor.extents) == len(factor.output)
            and factor.has_delta
        ):
            names = dict(zip(factor.output, labels, strict=True))
            inner = [
                (x, tuple(names[k] for k in ls))
                for x, ls in zip(factor.operands, factor.inputs, strict=True)
            ]
            present = {k for _, ls in inner for k in ls}
            inner += [  # the labels along which it is repeated still count where they are summed
                (full(1, (dim,)), (label,))
                for label, dim in zip(labels, factor.dims, strict=True)
                if label not in present
            ]
            result += _flatten(inner, output)
        else:
            result.append((factor, labels))
    return result


def _has_summed_delta(term: Expr, labels: Labels, output: Labels) -> bool:
    if isinstance(term, Delta):
        return not set(labels) <= set(output)
    if not isinstance(term, Einsum) or not term.ndim:
        return False
    names = dict(zip(term.output, labels, strict=True))
    return any(
        _has_summed_delta(x, tuple(names.get(k, -1) for k in ls), output)
        for x, ls in zip(term.operands, term.inputs, strict=True)
        if x.has_delta
    )
