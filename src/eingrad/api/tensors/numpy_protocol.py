"""NumPy's functions on Tensors: ``np.exp(t)``, ``np.concatenate([t, u])``, ``np.add.reduce(t)``.

What is in no table of `numpy_names` raises TypeError with the function's name; nothing becomes an
object array.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eingrad.api.tensors import elementwise
from eingrad.api.tensors.dispatch import as_tensor, written
from eingrad.api.tensors.moving import plain
from eingrad.api.tensors.numpy_names import (
    ACCUMULATIONS,
    CONSTANT_FUNCTIONS,
    CONSTANT_UFUNCS,
    FOLDS,
    FUNCTIONS,
    UFUNCS,
    constant,
    constant_tensor,
    outer,
    reduced,
)


def call_function(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Carry out ``__array_function__``."""
    name = f"{function.__module__}.{function.__name__}"
    if function in CONSTANT_FUNCTIONS:
        return constant(function, name, args, kwargs)
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
    options = {k: v for k, v in kwargs.items() if k not in {"casting", "order", "subok"}}
    if method == "reduce" and ufunc in FOLDS:
        return reduced(ufunc, inputs[0], inputs[1:], options)
    if method == "reduce" and ufunc in CONSTANT_UFUNCS:
        return constant(ufunc.reduce, name, inputs, options)
    if method == "accumulate" and ufunc in ACCUMULATIONS and set(options) <= {"axis"}:
        return ACCUMULATIONS[ufunc](inputs[0], *inputs[1:] or (options.get("axis", 0),))
    if method == "outer" and ufunc in UFUNCS and not options:
        return outer(ufunc, *inputs)
    if method != "__call__" or set(options) - {"out", "where", "dtype"}:
        detail = f".{method}" if method != "__call__" else f" with {', '.join(sorted(options))}"
        raise TypeError(f"{name}{detail} of a Tensor is not supported")
    return _call(name, ufunc, inputs, options)


def _call(name: str, ufunc: Any, inputs: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """Apply a universal function with the options ``out``, ``where`` and ``dtype``."""
    if ufunc not in CONSTANT_UFUNCS and ufunc not in UFUNCS:
        raise TypeError(f"{name} of a Tensor is not supported\n{_hint(ufunc.__name__)}")
    dtype, where = options.get("dtype"), options.get("where", True)
    (out,) = options.get("out") or (None,)
    if dtype is not None:
        inputs = [as_tensor(x).astype(dtype) for x in inputs]
    if ufunc in CONSTANT_UFUNCS:
        result = constant_tensor(ufunc, name, inputs)
    else:
        result = UFUNCS[ufunc](*inputs)
    if where is not True:
        if out is None:
            raise TypeError(f"{name} with where= of a Tensor needs out=, the other entries")
        result = elementwise.where(where, result, np.array(plain(out, name)))
    return result if out is None else written(name, result, out)


def _hint(name: str) -> str:
    return f"hint: {name}(t.numpy()) computes it without a gradient"


__all__ = ["call_function", "call_ufunc"]
