"""The value of an expression at one point, node by node in plain NumPy.

A check asks for thousands of small expressions that share most of their parts at a few points, so
every node's value is kept. All of it works in float64 and in ``longdouble``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from eingrad.core.arrays import Gather, Matrix, Scatter
from eingrad.core.expr import Const, Delta, Dim, Einsum, Expr, Labels, Map, Reduce, Size

Array = np.ndarray[Any, Any]
Functions = Mapping[str, Callable[..., Any]]


def _erf(x: Array) -> Array:
    values = [math.erf(value) for value in x.ravel()]  # NumPy has none, and SciPy is slow to import
    return np.array(values, x.dtype).reshape(x.shape)


def _sigmoid(x: Array) -> Array:
    return np.asarray(np.exp(-np.logaddexp(0, -x)))


def _gelu_slope(x: Array) -> Any:
    density = np.exp(-x * x / 2) / np.sqrt(x.dtype.type(2 * np.pi))
    return (1 + _erf(x * np.sqrt(x.dtype.type(0.5)))) / 2 + x * density


# fmt: off
MAPS: dict[str, Callable[..., Any]] = {
    "add": lambda *xs: sum(xs[1:], xs[0]),
    "pow": np.power, "maximum": np.maximum, "minimum": np.minimum,
    "where": lambda c, a, b: np.where(c != 0, a, b),
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
    "eq": np.equal, "ne": np.not_equal,
    "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "sqrt": np.sqrt,
    "abs": np.abs, "sign": np.sign, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "sigmoid": _sigmoid, "erf": _erf,
    "softplus": lambda x: np.logaddexp(0, x),
    "relu": lambda x: np.where(x > 0, x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "gelu": lambda x: x * (1 + _erf(x * np.sqrt(x.dtype.type(0.5)))) / 2,
    "gelu'": lambda x: _gelu_slope(x),
    "silu": lambda x: x * _sigmoid(x),
}
REDUCES: dict[str, Callable[[Array, Labels], Any]] = {
    "max": lambda x, axes: x.max(axes),
    "min": lambda x, axes: x.min(axes),
    "prod": lambda x, axes: x.prod(axes),
    "norm": lambda x, axes: np.sqrt((x ** 2).sum(axes)),
    "argmax": lambda x, axes: x.argmax(axes[0]),
    "logsumexp": lambda x, axes: np.log(np.exp(x - x.max()).sum(axes)) + x.max(),
    "softmax": lambda x, axes: _softmax(x, axes),
    "log_softmax": lambda x, axes: np.log(_softmax(x, axes)),
    "prod_others": lambda x, axes: _prod_others(x, axes),
    "ismax": lambda x, axes: _attained(x == x.max(axes, keepdims=True), axes),
    "ismin": lambda x, axes: _attained(x == x.min(axes, keepdims=True), axes),
    "cumsum": lambda x, axes: _cumsum(x, axes),
    "reverse_cumsum": lambda x, axes: np.flip(_cumsum(np.flip(x, axes), axes), axes),
}
MATRICES: dict[str, Callable[..., Any]] = {
    "inv": lambda x: np.linalg.inv(_regular(x)), "cholesky": np.linalg.cholesky,
    "det": np.linalg.det, "logdet": lambda x: np.linalg.slogdet(_regular(x))[1],
}
# fmt: on
MOST_SINGULAR = 1e12  # a matrix whose condition number is greater has no inverse in float64


def evaluate(
    node: Expr,
    operands: Sequence[Array],
    sizes: Mapping[Dim, int],
    functions: Functions,
    dtype: Any,
) -> Array:
    """Return the value of one node, other than a `Var`, from its operands' values.

    >>> from eingrad.core.expr import Var
    >>> evaluate(Map("exp", [Var("x", ())]), [np.zeros(())], {}, {}, float)
    array(1.)
    """
    result: Any
    match node:
        case Const(value=value):
            result = value
        case Size(dim=dim):
            result = sizes[dim]
        case Delta(dims=(dim, _)):
            result = np.eye(extent(dim, sizes))
        case Einsum():
            result = _einsum(node, operands, sizes, dtype)
        case Map(function=function):
            known = MAPS.get(function) or functions[function]
            result = known(*operands)
        case Reduce(function=function, axes=axes):
            result = REDUCES[function](operands[0], axes)
        case Gather():
            result = operands[0][_places(node, operands[1:], sizes)]
        case Scatter():
            result = np.zeros([extent(dim, sizes) for dim in node.dims], dtype)
            np.add.at(result, _places(node, operands[1:], sizes), operands[0])
        case Matrix(function=function):
            result = MATRICES[function](operands[0].astype(np.float64))
        case _:
            raise TypeError(f"no value of a {type(node).__name__}")
    return np.asarray(result, dtype)


def extent(dim: Dim, sizes: Mapping[Dim, int]) -> int:
    """Return the size of a dimension."""
    return dim if isinstance(dim, int) else sizes[dim]


def _einsum(node: Einsum, operands: Sequence[Array], sizes: Mapping[Dim, int], dtype: Any) -> Array:
    """Multiply operand after operand in, each time the one that leaves the smallest product."""
    total, total_labels = np.ones((), dtype), tuple[int, ...]()
    rest = list(zip(operands, node.inputs, strict=True))
    while rest:
        chosen, kept = _next(node, rest, total_labels, sizes)
        operand, labels = rest.pop(chosen)
        total = np.einsum(total, list(total_labels), operand, list(labels), list(kept))
        total_labels = kept
    for label in node.output:
        if label not in total_labels:
            ones = np.ones(extent(node.extents[label], sizes), dtype)
            total = np.multiply.outer(total, ones)
            total_labels = (*total_labels, label)
    return np.asarray(np.einsum(total, list(total_labels), list(node.output)))


def _next(
    node: Einsum,
    rest: Sequence[tuple[Array, Labels]],
    total_labels: Labels,
    sizes: Mapping[Dim, int],
) -> tuple[int, Labels]:
    """Return which operand to multiply in, and the labels that something still needs then."""
    count = Counter(label for _, labels in rest for label in set(labels))
    choices = []
    for k, (_, labels) in enumerate(rest):
        kept = tuple(
            x for x in dict.fromkeys((*total_labels, *labels))
            if x in node.output or count[x] > (x in labels)
        )  # fmt: skip
        if len(rest) == 1:
            return k, kept
        choices.append((math.prod(extent(node.extents[x], sizes) for x in kept), k, kept))
    return min(choices)[1:]


def _places(
    node: Gather | Scatter, indices: Sequence[Array], sizes: Mapping[Dim, int]
) -> tuple[Array, ...]:
    """Return the index arrays that read the tensor over the output's axes."""
    tensor = node.operands[0].dims if isinstance(node, Gather) else node.dims
    axis = {label: k for k, label in enumerate(node.output)}
    rank = len(node.output)
    result = []
    for dim, source in zip(tensor, node.sources, strict=True):
        if isinstance(source, int):
            labels: Labels = (source,)
            own = np.arange(extent(dim, sizes))
        else:
            labels = source[1]
            own = np.rint(indices[source[0]]).astype(np.intp) % extent(dim, sizes)
        shape = [1] * rank
        order = sorted(range(len(labels)), key=lambda k: axis[labels[k]])
        for k in order:
            shape[axis[labels[k]]] = own.shape[k]
        result.append(own.transpose(order).reshape(shape))
    return tuple(result)


def _regular(x: Array) -> Array:
    """Return matrices, NaN in place of those that are singular as far as float64 can tell."""
    singular = ~(np.linalg.cond(x) < MOST_SINGULAR)
    return np.asarray(np.where(singular[..., None, None], np.nan, x))


def _softmax(x: Array, axes: Labels) -> Array:
    powers = np.exp(x - x.max(axes, keepdims=True))
    return np.asarray(powers / powers.sum(axes, keepdims=True))


def _cumsum(x: Array, axes: Labels) -> Array:
    for axis in axes:
        x = np.cumsum(x, axis)
    return x


def _attained(best: Array, axes: Labels) -> Array:
    return np.asarray(best / best.sum(axes, keepdims=True))


def _prod_others(x: Array, axes: Labels) -> Array:
    """Return, for each entry, the product of the others along ``axes``."""
    result = np.empty_like(x)
    for place in np.ndindex(*x.shape):
        line = tuple(slice(None) if k in axes else place[k] for k in range(x.ndim))
        others = x[line].copy()
        others[tuple(place[k] for k in range(x.ndim) if k in axes)] = 1
        result[place] = others.prod()
    return result


__all__ = ["Array", "Functions", "evaluate", "extent"]
