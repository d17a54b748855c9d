"""What the record of a function says of one node: its derivative, and its recipe over others."""

from __future__ import annotations

from typing import Self

from eingrad.core.algebra import (
    Infix,
    apply,
    broadcast_scalar,
    einsum,
    expr_of,
    multiply,
    reduce,
    repeat,
    size,
)
from eingrad.core.expr import Const, Delta, Dim, Expr, Labels, Map, Reduce
from eingrad.core.forks import once
from eingrad.core.functions import (
    AXIS_FUNCTIONS,
    FUNCTIONS,
    AxisFunction,
    Function,
    differentiated,
)
from eingrad.core.functions.record import Formula


def partial_derivative(
    node: Expr, argument: int, function: str, numbers: bool = False
) -> Expr | None:
    """Return the derivative of a `Map` by one argument, None if it is 0 everywhere.

    With ``numbers`` it has a value at kinks; without, it is the formula on paper. A function that
    the table lacks is a declared one: ``phi`` derives to ``phi'``, one of two numbers to ``f'1``.
    """
    record = FUNCTIONS.get(function)
    if record is None:
        return apply(differentiated(function, argument, len(node.operands)), *node.operands)
    if function == "add":
        return Const(1)
    partial = ((numbers and record.at_kinks) or record.partials)[argument]
    if partial is None:
        return None
    return expr_of(partial(Infix(node), *map(Infix, node.operands)))


def recipe_of(node: Expr) -> Expr | None:
    """Return a function of a node written out over simpler functions, None without a recipe.

    >>> from eingrad.core.expr import Var
    >>> x = Var("x", ("i",))
    >>> recipe_of(Map("silu", [x])) is multiply(x, Map("sigmoid", [x]))
    True
    """
    if isinstance(node, Map):
        arguments = [Infix(x) for x in node.operands]
    elif isinstance(node, Reduce):
        arguments = [Entries(node.operands[0], node.axes)]
    else:
        return None
    record = record_of(node)
    if record is None or record.recipe is None:
        return None
    return broadcast_scalar(expr_of(record.recipe(*arguments)), node.dims)


def record_of(node: Map | Reduce) -> Function | AxisFunction | None:
    """Return the record of a node's function, None of one that was declared."""
    if isinstance(node, Map):
        return FUNCTIONS.get(node.function)
    return AXIS_FUNCTIONS[node.function]


# --- functions over axes ----------------------------------------------------------------------


class Entries(Infix):
    """The entries of a tensor beside functions of them over ``axes``."""

    __slots__ = ("axes",)

    def __init__(self, expr: Expr, axes: Labels) -> None:
        super().__init__(expr)
        self.axes = axes

    def made(self, expr: Expr) -> Self:
        return type(self)(expr, self.axes)

    @property
    def count(self) -> Infix:
        """The number of entries that a function over the axes is of."""
        return Infix(multiply(Const(1), *(size(self.expr.dims[k]) for k in self.axes)))

    def fold(self, function: str) -> Infix:
        """Return a function over the axes."""
        return Infix(reduce(function, self.expr, self.axes))

    def along(self, function: str) -> Self:
        """Return a function over the axes, at each entry."""
        x, value = self.expr, reduce(function, self.expr, self.axes)
        if value.ndim == x.ndim:
            return self.made(value)
        return self.made(repeat(value, x.dims, [k for k in range(x.ndim) if k not in self.axes]))


class _Labelled:
    """The labels of a Jacobian: of the operand's axes ``first`` and, those that the function goes
    over a second time, ``second``; ``out`` are its own, the operand's reduced axes last."""

    def __init__(self, node: Reduce) -> None:
        n = node.operands[0].ndim
        self.node, self.first = node, tuple(range(n))
        self.second = tuple(n + node.axes.index(k) if k in node.axes else k for k in range(n))
        self.result = result_labels(node)
        self.out = (*self.result, *(self.second[k] for k in node.axes))

    @once
    def extents(self) -> dict[int, Dim]:
        dims = self.node.operands[0].dims
        return dict(zip((*self.first, *self.second), (*dims, *dims), strict=True))

    @property
    def axes(self) -> Labels:
        """The places of the operand's reduced axes in the Jacobian."""
        return tuple(range(len(self.result), len(self.out)))

    def place(self, x: Expr, labels: Labels) -> Entries:
        """Return a tensor of the operand's shape over the Jacobian's axes."""
        return Entries(einsum([(x, labels)], self.out, self.extents), self.axes)

    def same(self) -> Entries:
        """Return 1 where an entry of the result is beside that of the operand, else 0."""
        dims = self.node.operands[0].dims
        deltas = [(Delta(dims[k]), (self.first[k], self.second[k])) for k in self.node.axes]
        return Entries(einsum(deltas, self.out, self.extents), self.axes)


class _Sides(Entries):
    """A tensor of the operand's shape, at the result's entry and at the operand's."""

    __slots__ = ("labelled",)

    def __init__(self, expr: Expr, axes: Labels, labelled: _Labelled) -> None:
        super().__init__(expr, axes)
        self.labelled = labelled

    def made(self, expr: Expr) -> Self:
        return type(self)(expr, self.axes, self.labelled)

    @property
    def here(self) -> Entries:
        return self.labelled.place(self.expr, self.labelled.first)

    @property
    def there(self) -> Entries:
        return self.labelled.place(self.expr, self.labelled.second)


def local_jacobian(node: Reduce, numbers: bool = False) -> tuple[Expr, Labels, Labels] | None:
    """Return (J, labels of J, labels of the operand) where axis k of the result has label k.

    With ``numbers`` it has a value at kinks.

    The result's gradient ``g`` pulls back to ``einsum(g, J)`` with these labels; None: J is 0.
    """
    record, labelled, x = AXIS_FUNCTIONS[node.function], _Labelled(node), node.operands[0]
    slope = (numbers and record.at_kinks) or record.slope
    if slope is not None:
        repeated = repeat(node, x.dims, [k for k in range(x.ndim) if k not in node.axes])
        arguments = Entries(repeated, node.axes), Entries(x, node.axes)
        entries = labelled.place(expr_of(slope(*arguments)), labelled.second).expr
    elif record.jacobian is not None:
        sides = (_Sides(y, node.axes, labelled) for y in (node, x))
        entries = expr_of(record.jacobian(*sides, labelled.same()))
    else:
        return None
    return entries, labelled.out, labelled.second


def is_linear(node: Expr) -> bool:
    """Whether a node is a linear function over axes."""
    return isinstance(node, Reduce) and bool(AXIS_FUNCTIONS[node.function].transpose)


def result_labels(node: Reduce) -> Labels:
    """Label the axes of a result the way `local_jacobian` does."""
    every = tuple(range(node.operands[0].ndim))
    return every if node.keeps_axes else tuple(k for k in every if k not in node.axes)


__all__ = [
    "Entries", "Formula", "is_linear", "local_jacobian", "partial_derivative", "recipe_of",
    "record_of", "result_labels",
]  # fmt: skip
