"""An evaluator of expressions with plain NumPy in float64: slow, short, and independent.

>>> from eingrad.core.algebra import einsum
>>> from eingrad.core.expr import Var
>>> a, x = Var("A", ("i", "j")), Var("x", ("j",))
>>> evaluate(einsum([(a, (0, 1)), (x, (1,))], (0,)), {"A": [[1, 2], [3, 4]], "x": [1, 10]})
array([21., 43.])
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.special as sp
from seeds import seeded

from eingrad.core.expr import Const, Delta, Dim, Einsum, Expr, Map, Reduce, Size, Var, postorder
from eingrad.notation.system import System

Array = np.ndarray[Any, Any]
Functions = Mapping[str, Callable[..., Any]]

# fmt: off
MAPS: dict[str, Callable[..., Any]] = {
    "add": lambda *xs: sum(xs[1:], xs[0]),
    "pow": np.power, "maximum": np.maximum, "minimum": np.minimum,
    "where": lambda c, a, b: np.where(c != 0, a, b),
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
    "eq": np.equal, "ne": np.not_equal,
    "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "sqrt": np.sqrt,
    "root": np.sqrt, "abs": np.abs, "sign": np.sign, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "acot": lambda x: np.arctan2(1.0, x), "asinh": np.arcsinh, "acosh": np.arccosh,
    "atanh": np.arctanh, "cot": lambda x: 1 / np.tan(x), "sec": lambda x: 1 / np.cos(x),
    "csc": lambda x: 1 / np.sin(x), "coth": lambda x: 1 / np.tanh(x),
    "sech": lambda x: 1 / np.cosh(x), "csch": lambda x: 1 / np.sinh(x),
    "asec": lambda x: np.arccos(1 / x), "acsc": lambda x: np.arcsin(1 / x),
    "acoth": lambda x: np.arctanh(1 / x),
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "sigmoid": sp.expit, "erf": sp.erf,
    "softplus": lambda x: np.logaddexp(0, x),
    "relu": lambda x: np.where(x > 0, x, 0),
    "leaky_relu": lambda x, a=0.01: np.where(x > 0, x, a * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "gelu": lambda x: x * sp.ndtr(x),
    "gelu'": lambda x: sp.ndtr(x) + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi),
    "silu": lambda x: x * sp.expit(x),
    "ndtr": sp.ndtr, "lgamma": sp.gammaln, "digamma": sp.digamma, "square": np.square,
    "hypotenuse": np.hypot, "over_root": np.divide,
    "stop_gradient": np.copy, "floor": np.floor, "ceil": np.ceil, "logaddexp": np.logaddexp,
    "floor_divide": np.floor_divide, "remainder": np.remainder,
    "polygamma": lambda n, x: sp.polygamma(np.asarray(n, int), x),
}
REDUCES: dict[str, Callable[[Array, tuple[int, ...]], Any]] = {
    "max": lambda x, axes: x.max(axes),
    "min": lambda x, axes: x.min(axes),
    "prod": lambda x, axes: x.prod(axes),
    "norm": lambda x, axes: np.sqrt((np.abs(x) ** 2).sum(axes)),
    "var": lambda x, axes: x.var(axes), "std": lambda x, axes: x.std(axes),
    "argmax": lambda x, axes: x.argmax(axes[0]),
    "logsumexp": lambda x, axes: sp.logsumexp(x, axis=axes),
    "softmax": lambda x, axes: sp.softmax(x, axis=axes),
    "log_softmax": lambda x, axes: sp.log_softmax(x, axis=axes),
    "prod_others": lambda x, axes: _prod_others(x, axes),
    "ismax": lambda x, axes: _attained(x == x.max(axes, keepdims=True), axes),
    "ismin": lambda x, axes: _attained(x == x.min(axes, keepdims=True), axes),
    "cumsum": lambda x, axes: _prefix(x, axes),
    "reverse_cumsum": lambda x, axes: np.flip(_prefix(np.flip(x, axes), axes), axes),
}
# fmt: on


def evaluate(
    expr: Expr,
    arrays: Mapping[str, Any],
    sizes: Mapping[Dim, int] | None = None,
    functions: Functions | None = None,
) -> Array:
    """Return the value of an expression; comparisons are 1.0 and 0.0.

    ``sizes`` gives the extent of each dimension; those that ``arrays`` have need not be in it.
    ``functions`` are the declared ones, with their derivatives: ``{"phi": ..., "phi'": ...}``.
    """
    nodes = list(postorder([expr]))
    extents: dict[Dim, int] = dict(sizes or {})
    for node in nodes:
        if isinstance(node, Var):
            extents.update(zip(node.dims, np.shape(arrays[node.name]), strict=True))
    maps = {**MAPS, **(functions or {})}
    values: dict[Expr, Array] = {}
    with np.errstate(all="ignore"):
        for node in nodes:
            values[node] = _value(node, [values[x] for x in node.operands], arrays, extents, maps)
            expected = tuple(_extent(dim, extents) for dim in node.dims)
            assert values[node].shape == expected, (node, values[node].shape, expected)
    return values[expr]


def evaluate_system(
    system: System,
    arrays: Mapping[str, Any],
    sizes: Mapping[Dim, int] | None = None,
    functions: Functions | None = None,
) -> dict[str, Array]:
    """Return the value of every tensor of a model, the inputs included."""
    extents: dict[Dim, int] = dict(sizes or {})
    for name, var in system.inputs.items():
        extents.update(zip(var.dims, np.shape(arrays[name]), strict=True))
    values = {name: np.asarray(arrays[name]) for name in system.inputs}
    for name, definition in system.definitions.items():
        values[name] = evaluate(definition.expr, values, extents, functions)
    return values


def random_inputs(
    system: System, sizes: Mapping[Dim, int] | None = None, seed: int = 0
) -> dict[str, Array]:
    """Return normally distributed inputs; dimensions get the sizes 2, 3, 4, ... unless given."""
    rng = np.random.default_rng(seeded(seed))
    extents: dict[Dim, int] = dict(sizes or {})
    for var in system.inputs.values():
        for dim in var.dims:
            extents.setdefault(dim, 2 + len(extents))
    return {
        name: rng.normal(size=[extents[dim] for dim in var.dims])
        for name, var in system.inputs.items()
    }


def _extent(dim: Dim, extents: Mapping[Dim, int]) -> int:
    return dim if isinstance(dim, int) else extents[dim]


def _value(
    node: Expr,
    operands: list[Array],
    arrays: Mapping[str, Any],
    extents: Mapping[Dim, int],
    maps: Functions,
) -> Array:
    match node:
        case Var(name=name):
            result = arrays[name]
        case Const(value=value):
            result = complex(value) if isinstance(value, complex) else float(value)
        case Size(dim=dim):
            result = extents[dim]
        case Delta(dims=(dim, _)):
            result = np.eye(_extent(dim, extents))
        case Einsum():
            result = _einsum(node, operands, extents)
        case Map(function=function):
            result = maps[function](*operands)
        case Reduce(function=function, axes=axes):
            result = REDUCES[function](operands[0], axes)
        case _:
            raise TypeError(f"the oracle knows no {type(node).__name__}")
    array = np.asarray(result)
    return array if array.dtype.kind == "c" else array.astype(np.float64)


def _einsum(node: Einsum, operands: list[Array], extents: Mapping[Dim, int]) -> Array:
    """Multiply operands two at a time, with ones for labels that only the output has."""
    present = {label for labels in node.inputs for label in labels}
    total, total_labels = np.ones(()), []
    for operand, labels in zip(operands, node.inputs, strict=True):
        union = sorted({*total_labels, *labels})
        total = np.einsum(total, total_labels, operand, list(labels), union)
        total_labels = union
    for label in node.output:
        if label not in present:
            ones = np.ones(_extent(node.extents[label], extents))
            total = np.einsum(total, total_labels, ones, [label], [*total_labels, label])
            total_labels = [*total_labels, label]
    return np.asarray(np.einsum(total, total_labels, list(node.output)))


def _attained(best: Array, axes: tuple[int, ...]) -> Array:
    return best / best.sum(axes, keepdims=True)


def _prefix(x: Array, axes: tuple[int, ...]) -> Array:
    """Return, for each entry, the sum of the entries that are not after it along ``axes``."""
    result = np.empty_like(x)
    for index in np.ndindex(*x.shape):
        before = tuple(slice(k + 1) if axis in axes else k for axis, k in enumerate(index))
        result[index] = x[before].sum()
    return result


def _prod_others(x: Array, axes: tuple[int, ...]) -> Array:
    """Return, for each entry, the product of the others along ``axes``."""
    result = np.empty_like(x)
    for index in np.ndindex(*x.shape):
        line = tuple(slice(None) if k in axes else index[k] for k in range(x.ndim))
        others = np.ones_like(x)
        others[index] = 0
        result[index] = np.where(others[line] == 1, x[line], 1.0).prod()
    return result
