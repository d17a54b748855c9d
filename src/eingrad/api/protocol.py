"""NumPy's functions on Tensors: ``np.exp(t)``, ``np.concatenate([t, u])``, ``np.einsum(..., t)``.

What is in no table raises TypeError with the function's name; nothing becomes an object array.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from eingrad.api import contraction, elementwise, products, reductions, shaping
from eingrad.api.dispatch import Cell, as_tensor, wrap, written


def _where(condition: Any, *branches: Any) -> Any:
    """Select, or without branches say where the condition holds, as NumPy does."""
    if branches:
        return elementwise.where(condition, *branches)
    return np.nonzero(_plain(condition, "numpy.where without branches"))


def _einsum(*args: Any, optimize: Any = None) -> Any:
    """Contract; the path is eingrad's, whatever NumPy is told about its own."""
    del optimize
    return contraction.einsum(*args)


def _binary(name: str) -> Callable[..., Any]:
    return lambda a, b: elementwise.binary(name, a, b)


def _compare(name: str) -> Callable[..., Any]:
    return lambda a, b: elementwise.compare(name, a, b)


def _unary(name: str, exact: Callable[..., Any] | None = None) -> Callable[..., Any]:
    return lambda x: elementwise.unary(name, x, exact)


UFUNCS: dict[Any, Callable[..., Any]] = {
    np.negative: elementwise.negative,
    np.positive: as_tensor,
    np.power: elementwise.power,
    np.float_power: elementwise.power,
    np.square: elementwise.square,
    np.reciprocal: elementwise.reciprocal,
    np.matmul: products.matmul,
    np.absolute: elementwise.absolute,
    np.fabs: _unary("abs"),
    np.sign: _unary("sign", np.sign),
    np.arcsin: _unary("asin"),
    np.arccos: _unary("acos"),
    np.arctan: _unary("atan"),
    np.logaddexp: elementwise.logaddexp,
    np.conjugate: elementwise.conj,
    **{
        getattr(np, name): _unary(name)
        for name in ("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "sinh", "cosh",
                     "tanh")
    },
    **{
        getattr(np, name): _binary(name)
        for name in ("add", "subtract", "multiply", "divide", "maximum", "minimum")
    },
    np.floor_divide: elementwise.floor_divide,
    np.remainder: elementwise.remainder,
    **{getattr(np, name): _compare(name) for name in elementwise.COMPARISONS},
}  # fmt: skip

CONSTANT_UFUNCS = frozenset({
    np.isnan, np.isinf, np.isfinite, np.signbit, np.logical_not, np.logical_and, np.logical_or,
    np.logical_xor, np.invert, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.floor, np.ceil,
    np.rint, np.trunc,
})  # fmt: skip
"""Functions that are constant wherever they have a derivative."""

FUNCTIONS: dict[Any, Callable[..., Any]] = {
    **{
        getattr(np, name): getattr(reductions, name)
        for name in ("sum", "mean", "max", "min", "prod", "argmax", "argmin", "cumsum")
    },
    np.var: lambda x, axis=None, *, ddof=0, keepdims=False: reductions.var(x, axis, ddof, keepdims),
    np.std: lambda x, axis=None, *, ddof=0, keepdims=False: reductions.std(x, axis, ddof, keepdims),
    **{
        getattr(np, name): getattr(shaping, name)
        for name in ("reshape", "ravel", "transpose", "swapaxes", "moveaxis", "squeeze",
                     "expand_dims", "broadcast_to", "split", "flip", "concatenate", "stack",
                     "diagonal", "diag", "trace")
    },
    **{
        getattr(np, name): getattr(products, name)
        for name in ("dot", "tensordot", "inner", "outer", "tril", "triu")
    },
    np.where: _where,
    np.clip: elementwise.clip,
    np.einsum: _einsum,
    np.vstack: lambda xs: shaping.concatenate([_at_least_2d(x) for x in xs]),
    np.hstack: lambda xs: shaping.concatenate(xs, 0 if as_tensor(xs[0]).ndim < 2 else 1),
    np.zeros_like: lambda x, dtype=None: np.zeros(x.shape, dtype or x.dtype),
    np.ones_like: lambda x, dtype=None: np.ones(x.shape, dtype or x.dtype),
    np.full_like: lambda x, value, dtype=None: np.full(x.shape, value, dtype or x.dtype),
    np.shape: lambda x: x.shape,
    np.ndim: lambda x: x.ndim,
    np.size: lambda x: x.size,
    np.copy: lambda x: x.copy(),
    np.linalg.norm: reductions.norm,
    np.linalg.inv: products.inv,
    np.linalg.det: products.det,
    np.linalg.solve: products.solve,
    np.linalg.cholesky: products.cholesky,
    np.real: elementwise.real,
    np.imag: elementwise.imag,
}  # fmt: skip

CONSTANT_FUNCTIONS = frozenset({
    np.allclose, np.isclose, np.array_equal, np.array_equiv, np.any, np.all, np.argsort,
    np.count_nonzero, np.nonzero, np.flatnonzero, np.argwhere, np.searchsorted, np.iscomplexobj,
    np.isrealobj, np.result_type, np.can_cast, np.array2string, np.array_repr, np.array_str,
    np.may_share_memory, np.shares_memory, np.unique, np.bincount, np.round,
})  # fmt: skip
"""Functions whose result has no derivative: computed by NumPy on the values."""


def _at_least_2d(x: Any) -> Any:
    t = as_tensor(x)
    return t.reshape(1, -1) if t.ndim < 2 else t


def call_function(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Carry out ``__array_function__``."""
    name = f"{function.__module__}.{function.__name__}"
    if function in CONSTANT_FUNCTIONS:
        return function(*_plain(args, name), **_plain(kwargs, name))
    own = FUNCTIONS.get(function)
    if own is None:
        raise TypeError(f"{name} of a Tensor is not supported\n{_hint(function.__name__)}")
    try:
        return own(*args, **kwargs)
    except TypeError as error:
        if "argument" in str(error):
            raise TypeError(f"{name} of a Tensor: {error}") from None
        raise


def call_ufunc(ufunc: Any, method: str, inputs: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Carry out ``__array_ufunc__``."""
    name = f"numpy.{ufunc.__name__}"
    out = kwargs.get("out")
    if method == "reduce" and ufunc in _FOLDS:
        options = {k: v for k, v in kwargs.items() if k in {"axis", "keepdims"}}
        return _FOLDS[ufunc](inputs[0], **{"axis": 0, **options})
    if method != "__call__" or set(kwargs) - {"out"}:
        detail = f".{method}" if method != "__call__" else f" with {', '.join(set(kwargs))}"
        raise TypeError(f"{name}{detail} of a Tensor is not supported")
    if ufunc in CONSTANT_UFUNCS:
        result = wrap(np.asarray(ufunc(*_plain(inputs, name))))
    elif ufunc in UFUNCS:
        result = UFUNCS[ufunc](*inputs)
    else:
        raise TypeError(f"{name} of a Tensor is not supported\n{_hint(ufunc.__name__)}")
    return result if out is None else written(name, result, out[0])


_FOLDS = {np.add: reductions.sum, np.multiply: reductions.prod, np.maximum: reductions.max,
          np.minimum: reductions.min}  # fmt: skip


def _plain(values: Any, name: str) -> Any:
    """Replace Tensors by their arrays in arguments."""
    if isinstance(values, Cell):
        return as_tensor(values)._concrete(name)
    if isinstance(values, Mapping):
        return {k: _plain(v, name) for k, v in values.items()}
    if isinstance(values, list | tuple):
        return type(values)(_plain(v, name) for v in values)
    return values


def _hint(name: str) -> str:
    return f"hint: {name}(t.numpy()) computes it without a gradient"


__all__ = ["CONSTANT_FUNCTIONS", "CONSTANT_UFUNCS", "FUNCTIONS", "UFUNCS"]
