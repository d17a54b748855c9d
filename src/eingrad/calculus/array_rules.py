"""Derivative rules of array nodes: transposes of the linear ones, the matrix functions."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import cast

from eingrad.core.algebra import Factor, apply, cases, einsum, reduce, repeat, size, subtract
from eingrad.core.arrays import (
    AxisSource,
    Concat,
    Gather,
    Matrix,
    Place,
    Range,
    Reshape,
    Scatter,
    Slice,
    place,
    reshape,
    slice_of,
)
from eingrad.core.bands import Band
from eingrad.core.conjugate import CONJ, conj
from eingrad.core.expr import Const, Dim, Expr, Indices, Labels, Map, Reduce, postorder
from eingrad.core.functions import AXIS_FUNCTIONS, MATRIX_FUNCTIONS
from eingrad.core.partials import is_linear
from eingrad.core.positions import Shift, shift

Transpose = Callable[[Expr, int, Expr, int], Expr | None]
"""(node, operand number, cotangent or tangent, number of its leading extra axes) -> result."""


def _whole(dims: tuple[Dim, ...], extra: int) -> list[Range]:
    """Cut nothing off the leading axes."""
    return [(0, cast(int, d), 1) for d in dims[:extra]]


def _sizes(dims: tuple[Dim, ...]) -> tuple[int, ...]:
    return tuple(cast(int, d) for d in dims)


def _pull_reshape(node: Expr, k: int, g: Expr, extra: int) -> Expr:
    return reshape(g, _sizes((*g.dims[:extra], *node.operands[k].dims)))


def _push_reshape(node: Expr, k: int, t: Expr, extra: int) -> Expr:
    del k
    return reshape(t, _sizes((*t.dims[:extra], *node.dims)))


def _pull_slice(node: Expr, k: int, g: Expr, extra: int) -> Expr:
    assert isinstance(node, Slice)
    ranges = [*_whole(g.dims, extra), *node.ranges]
    return place(g, ranges, (*g.dims[:extra], *node.operands[k].dims))


def _push_slice(node: Expr, k: int, t: Expr, extra: int) -> Expr:
    del k
    assert isinstance(node, Slice)
    return slice_of(t, [*_whole(t.dims, extra), *node.ranges])


def _pull_place(node: Expr, k: int, g: Expr, extra: int) -> Expr:
    del k
    assert isinstance(node, Place)
    return slice_of(g, [*_whole(g.dims, extra), *node.ranges])


def _push_place(node: Expr, k: int, t: Expr, extra: int) -> Expr:
    del k
    assert isinstance(node, Place)
    return place(t, [*_whole(t.dims, extra), *node.ranges], (*t.dims[:extra], *node.dims))


def _own_part(node: Concat, k: int) -> list[Range]:
    """The ranges of a join that operand k fills."""
    before = sum(cast(int, x.dims[node.axis]) for x in node.operands[:k])
    own = node.operands[k].dims
    return [(before if axis == node.axis else 0, cast(int, d), 1) for axis, d in enumerate(own)]


def _pull_concat(node: Expr, k: int, g: Expr, extra: int) -> Expr:
    assert isinstance(node, Concat)
    return slice_of(g, [*_whole(g.dims, extra), *_own_part(node, k)])


def _push_concat(node: Expr, k: int, t: Expr, extra: int) -> Expr:
    assert isinstance(node, Concat)
    ranges = [*_whole(t.dims, extra), *_own_part(node, k)]
    return place(t, ranges, (*t.dims[:extra], *node.dims))


def _with_lead(
    sources: tuple[AxisSource, ...], output: Labels, extra: int
) -> tuple[tuple[AxisSource, ...], Labels]:
    """Add leading axes that are read as they are."""
    used = [*output, *(k for s in sources for k in ((s,) if isinstance(s, int) else s[1]))]
    start = 1 + max(used, default=-1)
    lead = tuple(range(start, start + extra))
    return (*lead, *sources), (*lead, *output)


def _read(node: Gather | Scatter, x: Expr, extra: int) -> Expr:
    sources, output = _with_lead(node.sources, node.output, extra)
    return Gather(x, node.operands[1:], sources, output)


def _write(node: Gather | Scatter, x: Expr, extra: int, dims: tuple[Dim, ...]) -> Expr:
    sources, output = _with_lead(node.sources, node.output, extra)
    return Scatter(x, node.operands[1:], sources, output, (*x.dims[:extra], *dims))


def _pull_gather(node: Expr, k: int, g: Expr, extra: int) -> Expr | None:
    assert isinstance(node, Gather)
    return None if k else _write(node, g, extra, node.operands[0].dims)


def _push_gather(node: Expr, k: int, t: Expr, extra: int) -> Expr | None:
    assert isinstance(node, Gather)
    return None if k else _read(node, t, extra)


def _pull_scatter(node: Expr, k: int, g: Expr, extra: int) -> Expr | None:
    assert isinstance(node, Scatter)
    return None if k else _read(node, g, extra)


def _push_scatter(node: Expr, k: int, t: Expr, extra: int) -> Expr | None:
    assert isinstance(node, Scatter)
    return None if k else _write(node, t, extra, node.dims)


def _pull_fold(node: Expr, k: int, g: Expr, extra: int) -> Expr:
    del k
    assert isinstance(node, Reduce)
    transpose = AXIS_FUNCTIONS[node.function].transpose
    return reduce(transpose, g, [extra + axis for axis in node.axes])


def _push_fold(node: Expr, k: int, t: Expr, extra: int) -> Expr:
    del k
    assert isinstance(node, Reduce)
    return reduce(node.function, t, [extra + axis for axis in node.axes])


def _pull_shift(node: Expr, k: int, g: Expr, extra: int) -> Expr:
    """The entries move back; what stood outside is repeated over the positions that read it."""
    assert isinstance(node, Shift)
    axis = extra + node.axis
    if not k:
        return shift(g, axis, -node.by)
    dim, labels = g.dims[axis], tuple(range(g.ndim))
    mask = _mask(dim, node.by)
    return einsum([(mask, (axis,)), (g, labels)], tuple(x for x in labels if x != axis))


def _push_shift(node: Expr, k: int, t: Expr, extra: int) -> Expr:
    assert isinstance(node, Shift)
    axis = extra + node.axis
    if not k:
        return shift(t, axis, node.by)
    dims = (*t.dims[:axis], node.dims[node.axis], *t.dims[axis:])
    labels = tuple(x for x in range(len(dims)) if x != axis)
    mask = cases(_outside(dims[axis], node.by), Const(1), Const(0))
    return einsum([(mask, (axis,)), (t, labels)], tuple(range(len(dims))))


def _mask(dim: Dim, by: int) -> Expr:
    """Return 1 at the positions that read outside; at one alone this is an entry."""
    if abs(by) == 1:
        return Band((dim,), (1,), 0) if by < 0 else Band((dim,), (1,), 1, (-1,))
    return cases(_outside(dim, by), Const(1), Const(0))


def _outside(dim: Dim, by: int) -> Expr:
    """Say which positions read outside: ``t < 1`` for ``h[t-1]``."""
    if by < 0:
        return apply("lt", Indices(dim), Const(-by))
    return apply("ge", Indices(dim), subtract(size(dim), Const(by)))


# fmt: off
LINEAR: dict[type[Expr], tuple[Transpose, Transpose]] = {
    Reshape: (_pull_reshape, _push_reshape),
    Slice:   (_pull_slice,   _push_slice),
    Place:   (_pull_place,   _push_place),
    Concat:  (_pull_concat,  _push_concat),
    Gather:  (_pull_gather,  _push_gather),
    Scatter: (_pull_scatter, _push_scatter),
    Shift:   (_pull_shift,   _push_shift),
}
# fmt: on
"""For each linear node, how a cotangent is pulled back and how a tangent is pushed on."""


def linear_rules(node: Expr) -> tuple[Transpose, Transpose] | None:
    """Return how a cotangent is pulled back through a linear node, and a tangent pushed on."""
    return (_pull_fold, _push_fold) if is_linear(node) else LINEAR.get(type(node))


def matrix_factors(node: Matrix, numbers: bool = False) -> tuple[list[Factor], Labels, Labels]:
    """Return a matrix function's derivative as (factors, labels of the result, of the operand).

    With X = inv(A): ``dX = -X dA X``, ``d det = det tr(X dA)``, ``d logdet = tr(X dA)``; for
    A = L L^T, ``dL = L phi(inv(L) dA inv(L)^T)``, phi the lower triangle with half the diagonal
    (Petersen and Pedersen, The Matrix Cookbook, 2012, sections 2.1-2.2; Murray 2016). A Hermitian
    A is written with its conjugate; then so is ``inv(L)^T``. With ``numbers``, ``d det`` is
    ``tr(adj(A) dA)``, which holds for a singular A, too.
    """
    operand = node.operands[0]
    n = operand.ndim
    batch = tuple(range(n - 2))
    place = {letter: n - 2 + k for k, letter in enumerate("ijkmp")}
    record = MATRIX_FUNCTIONS[node.function]
    factors = [
        (x, (*(batch if x.ndim > len(letters) else ()), *(place[k] for k in letters)))
        for what, letters in (numbers and record.at_kinks) or record.derivative
        for x in [_part(what, node)]
    ]
    own = (place["i"], place["j"]) if record.keeps_axes else ()
    return factors, (*batch, *own), (*batch, place["k"], place["m"])


def _part(what: str, node: Matrix) -> Expr:
    """Return a factor of a matrix function's derivative by its word in the record."""
    match what:
        case "y":
            return node
        case "inverse":
            return Matrix("inv", node.operands[0])
        case "adjugate":
            return Matrix("adjugate", node.operands[0])
        case "minors":
            return _minors(node)
        case "inverse y":
            return Matrix("inv", node)
        case "conjugate inverse y":
            inverse = Matrix("inv", node)
            return conj(inverse) if _is_hermitian(node.operands[0]) else inverse
        case "lower":
            return _lower_half(node.dims[-1])
    return Const(int(what))


def _minors(node: Expr) -> Expr:
    """Return ``inv_ij adj_mk - inv_ik adj_mj``, the derivative of an adjugate's entry ij by km."""
    n = node.ndim - 2
    inverse = Matrix("inv", node.operands[0])
    batch, (i, j, k, m) = tuple(range(n)), range(n, n + 4)

    def pair(first: tuple[int, int], second: tuple[int, int]) -> Expr:
        factors = [(inverse, (*batch, *first)), (node, (*batch, *second))]
        return einsum(factors, (*batch, i, j, k, m))

    return subtract(pair((i, j), (m, k)), pair((i, k), (m, j)))


def _is_hermitian(operand: Expr) -> bool:
    """Whether a matrix is written with a conjugate, which graphs of real numbers never are."""
    return any(isinstance(node, Map) and node.function == CONJ for node in postorder([operand]))


def _lower_half(dim: Dim) -> Expr:
    """1 below the diagonal, 1/2 on it."""
    row, column = (repeat(Indices(dim), (dim, dim), (axis,)) for axis in (0, 1))
    on_diagonal = apply("where", apply("eq", row, column), Const(Fraction(1, 2)), Const(0))
    return apply("where", apply("gt", row, column), Const(1), on_diagonal)
