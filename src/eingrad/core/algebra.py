"""Constructors that keep expressions in normal form: what every later pass may rely on.

Products are `core.product`'s; sums collect like terms, powers of products are products of powers,
and an axis along which every operand is repeated is left out and put around the result.
Nothing here looks inside a tensor that was computed before: unfolding is `calculus.simplify`'s.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Self

from eingrad.core.expr import (
    MAX_BITS,
    Const,
    Delta,
    Dim,
    Einsum,
    Expr,
    Labels,
    Map,
    Number,
    Reduce,
    Var,
    bits,
    exact,
    is_finite,
)
from eingrad.core.functions import AXIS_FUNCTIONS, FUNCTIONS, AxisFunction, Function
from eingrad.core.labelling import Factor, connected
from eingrad.core.masks import RELATIONS, condition_of, is_condition, mask_of, opposite
from eingrad.core.product import (
    MAX_REPEATS,
    base_and_exponent,
    full,
    is_light,
    product,
    shares,
    size,
)
from eingrad.errors import EingradError, ShapeError

ZERO, ONE, MINUS = Const(0), Const(1), Const(-1)


# --- views of a product -----------------------------------------------------------------------


def identity_labels(node: Expr) -> Labels:
    """Return 0, 1, ... for the axes of a node."""
    return tuple(range(node.ndim))


def scale_of(node: Expr) -> tuple[Number, Expr]:
    """Split a number off a product: ``-2 x`` is (-2, x)."""
    if isinstance(node, Const):
        return node.value, ONE
    if isinstance(node, Einsum) and node.operands and isinstance(node.operands[0], Const):
        plain = len(node.operands) == 2 and node.inputs[1] == node.output
        if plain and not isinstance(node.operands[1], Delta):  # that stands in a product alone
            return node.operands[0].value, node.operands[1]
        rest = list(zip(node.operands[1:], node.inputs[1:], strict=True))
        extents = dict(enumerate(node.extents))
        return node.operands[0].value, einsum(rest, node.output, extents)
    return 1, node


def constant_value(node: Expr) -> Number | None:
    """Return c where every entry of ``node`` is the number c, else None."""
    if isinstance(node, Const):
        return node.value
    if isinstance(node, Einsum) and len(node.operands) == 1 and isinstance(node.operands[0], Const):
        return node.operands[0].value
    return None


def is_zero(node: Expr) -> bool:
    """Whether every entry is the number 0."""
    return constant_value(node) == 0


def zeros(dims: Sequence[Dim]) -> Expr:
    """Return the tensor of zeros."""
    return full(0, dims)


def repeat(node: Expr, dims: Sequence[Dim], axes: Sequence[int]) -> Expr:
    """Repeat ``node`` to ``dims``; its axes are ``axes`` of the result."""
    return einsum([(node, tuple(axes))], tuple(range(len(dims))), dict(enumerate(dims)))


def transpose(node: Expr, axes: Sequence[int]) -> Expr:
    """Permute axes: axis k of the result is ``axes[k]`` of ``node``."""
    return einsum([(node, identity_labels(node))], tuple(axes))


def sum_over(node: Expr, axes: Iterable[int]) -> Expr:
    """Sum over axes."""
    dropped = set(axes)
    labels = identity_labels(node)
    return einsum([(node, labels)], tuple(k for k in labels if k not in dropped))


def mean_over(node: Expr, axes: Iterable[int]) -> Expr:
    """Sum over axes and divide by their extents."""
    axes = list(axes)
    count = multiply(*(size(node.dims[k]) for k in axes)) if axes else ONE
    return multiply(sum_over(node, axes), power(count, -1))


def einsum(
    operands: Sequence[Factor], output: Labels, extents: Mapping[int, Dim] | None = None
) -> Expr:
    """Return the product of labelled operands, summed over the labels that ``output`` lacks.

    ``extents`` gives the extent of labels that no operand has. A label may repeat in an operand
    and in ``output`` (which builds a diagonal). Of a sum, ``-(a + b)`` is ``-a - b``, and its
    transpose the sum of the transposed terms.

    >>> a, b = Var("A", ("i", "j")), Var("B", ("j", "k"))
    >>> einsum([(a, (0, 1)), (b, (1, 2))], (0, 2)).dims
    ('i', 'k')
    >>> einsum([(a, (0, 1)), (Delta("j"), (1, 2))], (0, 2)) is a
    True
    """
    node = product(operands, output, extents)
    if not isinstance(node, Einsum) or len(node.operands) > 2:
        return node
    *scale, total = node.operands
    if isinstance(total, Map) and total.function == "add":
        turned = not scale and sorted(node.inputs[0]) == sorted(node.output) and not shares()
        if scale == [MINUS] or turned:
            return add(*(_view(x, node.inputs[-1], node, *scale) for x in total.operands))
    return node


# --- element-wise -----------------------------------------------------------------------------


def multiply(*operands: Expr) -> Expr:
    """Return the element-wise product; scalars are repeated."""
    dims = max((x.dims for x in operands), key=len)
    labels = tuple(range(len(dims)))
    return einsum([(x, labels if x.ndim else ()) for x in operands], labels, dict(enumerate(dims)))


def add(*terms: Expr) -> Expr:
    """Return the sum of terms with the same axes (a scalar is repeated), like terms collected.

    >>> x = Var("x", ("i",))
    >>> add(x, multiply(Const(-1), x)) is zeros(("i",))
    True
    """
    dims = max((x.dims for x in terms), key=len)
    total: dict[Expr, Number] = {}
    for term in terms:
        for x in _terms_of(term):
            coefficient, rest = scale_of(_as_scalar(x))
            total[rest] = exact(total.get(rest, 0) + coefficient)
    kept = [x if c == 1 and _is_normal(x) else multiply(Const(c), x)
            for x, c in total.items() if c != 0]  # fmt: skip
    kept = [_as_scalar(x) for x in kept]
    if not kept:
        return zeros(dims)
    if len(kept) == 1:
        return broadcast_scalar(kept[0], dims)
    return broadcast_scalar(_map("add", kept), dims)


def _is_normal(node: Expr) -> bool:
    """Whether a node times 1 is known to be itself."""
    return isinstance(node, Var) or (isinstance(node, Einsum) and node.is_normal)


def _terms_of(node: Expr) -> Iterable[Expr]:
    """Return the terms of a sum, of a view of one or of a multiple, ``node`` if it is neither."""
    if isinstance(node, Map) and node.function == "add":
        return node.operands
    if isinstance(node, Einsum) and is_light(node) and len(node.operands) <= 2:
        *scale, total = node.operands
        number = not scale or isinstance(scale[0], Const)
        if number and isinstance(total, Map) and total.function == "add":
            return [_view(x, node.inputs[-1], node, *scale) for x in total.operands]
    return (node,)


def _view(term: Expr, labels: Labels, like: Einsum, *scale: Expr) -> Expr:
    """Return a term of a sum as a view of that sum sees it."""
    factors = [*((x, ()) for x in scale), (term, labels if term.ndim else ())]
    return einsum(factors, like.output, dict(enumerate(like.extents)))


def subtract(a: Expr, b: Expr) -> Expr:
    """Return ``a - b``."""
    return add(a, multiply(MINUS, b))


def negate(node: Expr) -> Expr:
    """Return ``-x``; of a sum, the sum of the negated terms."""
    return multiply(MINUS, node)


def divide(a: Expr, b: Expr) -> Expr:
    """Return ``a / b``."""
    return multiply(a, power(b, -1))


def broadcast_scalar(node: Expr, dims: Sequence[Dim]) -> Expr:
    """Repeat a scalar to ``dims``; a tensor stays as it is."""
    return repeat(node, dims, ()) if dims and not node.ndim else node


def _as_scalar(node: Expr) -> Expr:
    """Return the scalar that ``node`` repeats, if it does nothing else."""
    if isinstance(node, Einsum) and node.ndim and is_light(node) and not any(node.inputs):
        return einsum(list(zip(node.operands, node.inputs, strict=True)), ())
    return node


def power(base: Expr, exponent: Number) -> Expr:
    """Return ``base ** exponent`` for a number, spread over the factors of a product.

    >>> x = Var("x", ("i",))
    >>> multiply(power(x, -1), x) is full(1, ("i",))
    True
    """
    exponent = exact(exponent)
    if exponent == 1:
        return base
    if exponent == 0:
        return full(1, base.dims)
    if not isinstance(exponent, complex) and exponent > 0 and condition_of(base) is not None:
        return base
    value = constant_value(base)
    if value is not None and (folded := _fold_power(value, exponent)) is not None:
        return full(folded, base.dims)
    if isinstance(exponent, int):
        if isinstance(base, Einsum) and len(base.extents) == len(base.output):
            factors = [
                (power(x, exponent) if not isinstance(x, Delta) or exponent < 0 else x, ls)
                for x, ls in zip(base.operands, base.inputs, strict=True)
            ]
            if exponent > 0 or not any(isinstance(x, Delta) for x in base.operands):
                return einsum(factors, base.output, dict(enumerate(base.extents)))
        inner, inner_exponent = base_and_exponent(base)
        if inner is not base and isinstance(inner_exponent, int):
            return power(inner, inner_exponent * exponent)
        if 2 <= exponent <= MAX_REPEATS:
            return multiply(*[base] * exponent)
        if isinstance(base, Einsum) and len(parts := parts_apart(base)) > 1:
            factors = [(power(x, exponent), labels) for x, labels in parts]
            return einsum(factors, base.output, dict(enumerate(base.extents)))
    return _power_node(base, exponent)


def parts_apart(node: Einsum) -> list[Factor]:
    """Return the factors of a product and the sums in it, those that share no summed label apart.

    Of ``c_b sum_ij(x_bi y_bj)`` these are ``c_b``, ``sum_i(x_bi)`` and ``sum_j(y_bj)``.
    """
    pairs = list(zip(node.operands, node.inputs, strict=True))
    summed = set(node.summed)
    parts = [f for f in pairs if summed.isdisjoint(f[1])]
    for _, own in connected(summed, pairs):
        labels = tuple(k for k in node.output if any(k in ls for _, ls in own))
        parts.append((einsum(own, labels), labels))
    return parts


def _power_node(base: Expr, exponent: Number) -> Expr:
    return base if exponent == 1 else _map("pow", [base, Const(exponent)])


def _fold_power(value: Number, exponent: Number) -> Number | None:
    """Return ``value ** exponent`` where it is a fraction, or was no exact number before."""
    if value == 1:
        return 1
    if not isinstance(exponent, int) or abs(exponent) > 64 or (value == 0 and exponent < 0):
        return None
    if isinstance(value, int | Fraction):
        long = bits(value) * abs(exponent) > MAX_BITS
        return None if long else exact(Fraction(value) ** exponent)
    try:
        return None if value == 0 else value**exponent
    except OverflowError:
        return math.inf


def apply(function: str, *operands: Expr) -> Expr:
    """Return an element-wise function of operands with the same axes; scalars are repeated."""
    dims = max((x.dims for x in operands), key=len)
    if function == "add":
        return add(*operands)
    if function == "pow" and (exponent := constant_value(operands[1])) is not None:
        return power(operands[0], exponent)
    if function == "pow" and constant_value(operands[0]) == 1:
        return full(1, dims)
    if function == "where" and (mask := _as_mask(*operands)) is not None:
        return broadcast_scalar(mask, dims)
    record = FUNCTIONS.get(function)
    if record is not None:
        _check_orders(record, operands)
        if record.written_out and record.recipe is not None:
            return expr_of(record.recipe(*map(Infix, operands)))
        if len(operands) == 1 and (value := constant_value(operands[0])) in record.exact:
            return full(record.exact[value], dims)  # type: ignore[index]
    return broadcast_scalar(_map(function, [_as_scalar(x) for x in operands]), dims)


def cases(condition: Expr, yes: Expr, no: Expr) -> Expr:
    """Return a case distinction; by where labels stand, in masks unless that writes more.

    ``where(i < j, a, 0)`` is a times a mask, ``where(i == j, a, b)`` a delta and a mask.

    >>> from eingrad.core.expr import Indices
    >>> place = Indices("i")
    >>> first = _map("eq", [place, ZERO])
    >>> cases(first, Var("a", ("i",)), ZERO) is multiply(cases(first, ONE, ZERO), Var("a", ("i",)))
    True
    """
    if yes is no:
        return broadcast_scalar(yes, max((x.dims for x in (condition, yes)), key=len))
    core = condition
    while isinstance(core, Einsum) and len(core.operands) == 1:
        core = core.operands[0]
    parts = [(yes, ONE, ZERO), (no, ZERO, ONE)]
    parts = [part for part in parts if not is_zero(part[0])]
    both = len(parts) > 1
    finite = all((c := constant_value(x)) is None or is_finite(c) for x, *_ in parts)
    if not is_condition(core) or (both and not (core.function in {"eq", "ne"} and finite)):  # type: ignore[attr-defined]
        return apply("where", condition, yes, no)
    dims = max((x.dims for x in (condition, yes, no)), key=len)
    terms = [multiply(x, apply("where", condition, *mask)) for x, *mask in parts]
    return broadcast_scalar(add(*terms), dims) if terms else zeros(dims)


def _as_mask(condition: Expr, yes: Expr, no: Expr) -> Expr | None:
    """Return the mask of a condition on labels, or of its opposite, in normal form."""
    chosen = constant_value(yes), constant_value(no)
    if chosen not in ((1, 0), (0, 1)):
        return None
    if isinstance(condition, Einsum) and len(condition.operands) == 1:  # repeated along an axis
        inner = _as_mask(condition.operands[0], ONE, ZERO) if chosen == (1, 0) else _as_mask(
            condition.operands[0], ZERO, ONE)  # fmt: skip
        return None if inner is None else einsum(
            [(inner, condition.inputs[0])], condition.output, dict(enumerate(condition.extents))
        )  # fmt: skip
    if not isinstance(condition, Map) or not is_condition(condition):
        return None
    condition = condition if chosen == (1, 0) else opposite(condition)
    if condition.operands[0] is condition.operands[1]:
        return full(int(RELATIONS[condition.function] & RELATIONS["eq"] > 0), condition.dims)
    mask = mask_of(condition)
    return einsum([(mask, identity_labels(mask))], identity_labels(mask))


def _check_orders(record: Function, operands: Sequence[Expr]) -> None:
    """Raise EingradError where a whole number must stand, and something else does."""
    for order in map(constant_value, operands[: record.orders]):
        if not isinstance(order, int) or order < 0:
            raise EingradError(
                f"the first argument of {record.name} is no whole number",
                operand=record.name,
                hint=f"write a number from 0 on, as in {record.name}(1, x)",
            )


def _map(function: str, operands: Sequence[Expr]) -> Expr:
    """Return a Map; axes along which every operand is repeated are left out and put around it."""
    dims = max((x.dims for x in operands), key=len)
    for x in operands:
        if x.ndim and x.dims != dims:
            raise ShapeError(f"{function} of tensors with axes {dims} and {x.dims}")
    ranked = [x for x in operands if x.ndim]
    if ranked and all(isinstance(x, Einsum) and is_light(x) for x in ranked):
        repeated = set.intersection(*(repeated_axes(x) for x in ranked))
        if repeated:
            axes = tuple(k for k in range(len(dims)) if k not in repeated)
            inner = [_without_axes(x, repeated) if x.ndim else x for x in operands]
            return repeat(apply(function, *inner), dims, axes)
    if (record := FUNCTIONS.get(function)) is not None and record.commutative:
        operands = sorted(operands, key=lambda x: x.digest)
    return Map(function, operands)


def repeated_axes(node: Expr) -> set[int]:
    """Return the axes along which a product only repeats what it is made of."""
    if not isinstance(node, Einsum):
        return set()
    present = {k for labels in node.inputs for k in labels}
    return {axis for axis, label in enumerate(node.output) if label not in present}


def _without_axes(node: Expr, axes: set[int]) -> Expr:
    assert isinstance(node, Einsum)
    output = tuple(label for axis, label in enumerate(node.output) if axis not in axes)
    return einsum(list(zip(node.operands, node.inputs, strict=True)), output, {
        k: node.extents[k] for k in output
    })  # fmt: skip


def reduce(function: str, node: Expr, axes: Iterable[int]) -> Expr:
    """Return a function over axes; ``sum`` and ``mean`` are products."""
    axes = sorted(set(axes))
    if function == "sum":
        return sum_over(node, axes)
    if function == "mean":
        return mean_over(node, axes)
    record = AXIS_FUNCTIONS[function]
    if not axes and record.of_one is not None and not record.keeps_axes:
        return _of_one_entry(record, node)
    if isinstance(node, Einsum) and is_light(node):
        repeated = repeated_axes(node)
        if repeated - set(axes):
            return _reduce_inside(record, node, axes, repeated - set(axes))
        if repeated and record.of_equal is not None:
            return _reduce_repeats(record, node, axes, repeated)
    return Reduce(function, node, axes, record.keeps_axes)


def _reduce_repeats(
    record: AxisFunction, node: Expr, axes: Sequence[int], repeated: set[int]
) -> Expr:
    """Leave out the reduced axes that an operand only repeats along: their extent remains."""
    own = [k for k in range(node.ndim) if k not in repeated]
    inner = _without_axes(node, repeated)
    rest = [own.index(k) for k in axes if k not in repeated]
    count = multiply(ONE, *(size(node.dims[k]) for k in sorted(repeated)))
    single = reduce(record.name, inner, rest) if rest else _of_one_entry(record, inner)
    assert record.of_equal is not None
    result = record.of_equal(Infix(single), Infix(count)).expr
    return _along_kept(record, node, axes, result, own)


def _of_one_entry(record: AxisFunction, node: Expr) -> Expr:
    """Return a function over an axis that has one entry."""
    assert record.of_one is not None
    value = record.of_one(Infix(node))
    return value.expr if isinstance(value, Infix) else full(value, node.dims)


def _reduce_inside(
    record: AxisFunction, node: Expr, axes: Sequence[int], repeated: set[int]
) -> Expr:
    """Leave out the axes that an operand only repeats along, and repeat the result."""
    own = [k for k in range(node.ndim) if k not in repeated]
    inner = reduce(record.name, _without_axes(node, repeated), [own.index(k) for k in axes])
    return _along_kept(record, node, axes, inner, own)


def _along_kept(
    record: AxisFunction, node: Expr, axes: Sequence[int], result: Expr, own: Sequence[int]
) -> Expr:
    """Repeat a result over the axes ``own`` of a node to all those that its function leaves."""
    kept = [k for k in range(node.ndim) if record.keeps_axes or k not in axes]
    return repeat(result, [node.dims[k] for k in kept], [kept.index(k) for k in own if k in kept])


# --- under operators --------------------------------------------------------------------------


class Infix:
    """An expression with operators; a number on either side is a constant.

    >>> y = Infix(Var("y", ("i",)))
    >>> (y * (1 - y)).expr.dims
    ('i',)
    """

    __slots__ = ("expr",)

    def __init__(self, expr: Expr) -> None:
        self.expr = expr

    def made(self, expr: Expr) -> Self:
        """Return another expression of the same kind."""
        return type(self)(expr)

    @property
    def number(self) -> Number | None:
        """The number that every entry is, None if there is none."""
        return constant_value(self.expr)

    def __add__(self, other: Infix | Number) -> Self:
        return self.made(add(self.expr, expr_of(other)))

    def __sub__(self, other: Infix | Number) -> Self:
        return self.made(subtract(self.expr, expr_of(other)))

    def __rsub__(self, other: Number) -> Self:
        return self.made(subtract(expr_of(other), self.expr))

    def __mul__(self, other: Infix | Number) -> Self:
        return self.made(multiply(self.expr, expr_of(other)))

    def __truediv__(self, other: Infix | Number) -> Self:
        return self.made(divide(self.expr, expr_of(other)))

    def __rtruediv__(self, other: Number) -> Self:
        return self.made(divide(expr_of(other), self.expr))

    def __pow__(self, exponent: Number) -> Self:
        return self.made(power(self.expr, exponent))

    def __neg__(self) -> Self:
        return self.made(multiply(Const(-1), self.expr))

    __radd__ = __add__
    __rmul__ = __mul__

    def __call__(self, function: str, *others: Infix | Number) -> Self:
        """Apply an element-wise function: ``x("tanh")``."""
        return self.made(apply(function, self.expr, *map(expr_of, others)))

    def after(self, function: str, *others: Infix | Number) -> Self:
        """Apply a function of which this is the last argument."""
        return self.made(apply(function, *map(expr_of, others), self.expr))


def expr_of(value: Infix | Number) -> Expr:
    """Return the expression, of a number its constant."""
    return value.expr if isinstance(value, Infix) else Const(value)


__all__ = [
    "ONE", "ZERO", "Factor", "Infix", "Var", "add", "apply", "base_and_exponent",
    "broadcast_scalar", "cases", "constant_value", "divide", "einsum", "expr_of", "full",
    "identity_labels",
    "is_light", "is_zero", "mean_over", "multiply", "negate", "power", "reduce",
    "repeat", "scale_of", "size", "subtract", "sum_over", "transpose",
    "zeros",
]  # fmt: skip
