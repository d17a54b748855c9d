"""NumPy's functions on Tensors: ``np.exp(t)``, ``np.concatenate([t, u])``, ``np.add.reduce(t)``.

The tables say which function of eingrad's is which of NumPy's, with NumPy's order of arguments.
What is in none of them raises TypeError with the function's name; nothing becomes an object array.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from eingrad.api.tensors import (
    composed,
    contraction,
    elementwise,
    linear_algebra,
    reductions,
    shaping,
)
from eingrad.api.tensors.dispatch import written
from eingrad.api.tensors.elementwise import real_dtype
from eingrad.api.tensors.moving import MOVED, plain
from eingrad.api.tensors.tensor import Tensor, as_tensor, floating, wrap
from eingrad.surface import FUNCTIONS as FUNCTIONS_OF

Function = Callable[..., Any]


def _present(library: Any, own: Any, names: str = "") -> dict[Any, Function]:
    """Return NumPy's functions, those that this version has, and what is done in their place.

    Without ``names``, all functions of the surface that ``own`` has.
    """
    listed = names or FUNCTIONS_OF[own.__name__.removeprefix("eingrad.")]
    return {getattr(library, n): getattr(own, n) for n in listed.split() if hasattr(library, n)}


# --- universal functions ----------------------------------------------------------------------


_SAME: dict[Any, Function] = {
    **_present(np, elementwise),
    **_present(np, shaping),
    **_present(np, linear_algebra),
    **_present(np.linalg, linear_algebra),
}
"""The functions of the surface that have NumPy's name and arguments."""

UFUNCS: dict[Any, Function] = {
    **{ufunc: own for ufunc, own in _SAME.items() if isinstance(ufunc, np.ufunc)},
    np.positive: as_tensor,
    np.fabs: composed.fabs,
    np.floor_divide: elementwise.floor_divide,
    np.remainder: elementwise.remainder,
    np.divmod: divmod,
    np.isnan: composed.is_nan,
    np.isfinite: composed.is_finite,
    np.trunc: composed.trunc,
    np.exp2: lambda x: elementwise.power(2.0, floating(x)),
    np.log2: lambda x: elementwise.log(x) / composed.LOG2,
    np.log10: lambda x: elementwise.log(x) / composed.LOG10,
    np.deg2rad: composed.scaled("deg2rad", np.pi / 180),
    np.radians: composed.scaled("radians", np.pi / 180),
    np.rad2deg: composed.scaled("rad2deg", 180 / np.pi),
    np.degrees: composed.scaled("degrees", 180 / np.pi),
    **{getattr(np, name): partial(elementwise.compare, name) for name in elementwise.COMPARISONS},
    **_present(
        np, composed,
        "arccosh arcsinh arctan2 arctanh cbrt copysign float_power fmax fmin fmod heaviside hypot "
        "logaddexp2 matvec vecdot vecmat",
    ),
}  # fmt: skip

CONSTANT_UFUNCS = frozenset({
    np.isinf, np.signbit, np.logical_not, np.logical_and, np.logical_or,
    np.logical_xor, np.invert, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.left_shift,
    np.right_shift, np.gcd, np.lcm, np.rint,
})  # fmt: skip
"""Functions that are constant wherever they have a derivative."""

# --- reductions, with NumPy's options ---------------------------------------------------------


def _reduction(own: Function, names: str, fill: Any = None, joined: Function | None = None
               ) -> Function:  # fmt: skip
    """Return a reduction whose arguments after the tensor are NumPy's ``names``.

    ``fill`` stands where ``where=`` does not hold, and ``joined`` adds the ``initial=`` value.
    """
    order = names.split()

    def reduce(x: Any, *args: Any, **kwargs: Any) -> Any:
        options = dict(zip(order, args, strict=False)) | kwargs
        if len(args) > len(order) or set(options) - set(order):
            wrong = sorted(set(options) - set(order)) or [str(len(args))]
            raise TypeError(f"unexpected argument {', '.join(wrong)}")
        out, where = options.pop("out", None), options.pop("where", True)
        initial = options.pop("initial", None)
        options = {k: v for k, v in options.items() if v is not None and v is not np._NoValue}
        t = as_tensor(x)
        if where is not True:
            if fill is None and initial is None:
                raise TypeError("argument where needs the argument initial, too")
            other = initial if fill is None else fill
            t = elementwise.where(where, t, as_tensor(other).astype(t.dtype))
        result = own(t, **options)
        if initial is not None and joined is not None:
            result = joined(result, as_tensor(initial).astype(result.dtype))
        return result if out is None else written(f"numpy.{own.__name__}", result, out)

    return reduce


def _mean(x: Any, *args: Any, where: Any = True, **kwargs: Any) -> Any:
    if where is True:
        return _plain_mean(x, *args, **kwargs)
    t = floating(x)
    mask = where & np.ones(t.shape, bool)
    count = _SUM(as_tensor(mask).astype(real_dtype(t.dtype)), *args, **kwargs)
    return _SUM(t, *args, where=mask, **kwargs) / count


_FOLD = "axis dtype out keepdims initial where"
_SUM = _reduction(reductions.sum, _FOLD, 0, elementwise.add)
_plain_mean = _reduction(reductions.mean, "axis dtype out keepdims")
_PROD = _reduction(
    reductions.prod, "axis dtype out keepdims initial where", 1, elementwise.multiply
)
_EXTREME = "axis out keepdims initial where"
_MAX = _reduction(reductions.max, _EXTREME, None, elementwise.maximum)
_MIN = _reduction(reductions.min, _EXTREME, None, elementwise.minimum)
FOLDS = {
    np.add: _SUM,
    np.multiply: _PROD,
    np.maximum: _reduction(_MAX, _FOLD, None, elementwise.maximum),
    np.minimum: _reduction(_MIN, _FOLD, None, elementwise.minimum),
}
"""What ``ufunc.reduce`` is; its axis is 0 if none is given."""
ACCUMULATIONS = {np.add: reductions.cumsum, np.multiply: composed.cumprod}


# --- the others -------------------------------------------------------------------------------


def _where(condition: Any, *branches: Any) -> Any:
    """Select, or without branches say where the condition holds, as NumPy does."""
    if branches:
        return elementwise.where(condition, *branches)
    return np.nonzero(plain(condition, "numpy.where without branches"))


def _einsum(*args: Any, optimize: Any = None, out: Any = None) -> Any:
    """Contract; the path is eingrad's, whatever NumPy is told about its own."""
    del optimize
    return contraction.einsum(*args, out=out)


def _clip(x: Any, a_min: Any = None, a_max: Any = None, out: Any = None, *, min: Any = None,
          max: Any = None) -> Any:  # fmt: skip
    result = elementwise.clip(x, a_min if min is None else min, a_max if max is None else max)
    return result if out is None else written("numpy.clip", result, out)


def _like(create: Function) -> Function:
    def like(x: Any, *args: Any, dtype: Any = None, shape: Any = None, **_: Any) -> Any:
        t = as_tensor(x)
        return create(t.shape if shape is None else shape, *args, dtype=dtype or t.dtype)

    return like


def _vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    t = as_tensor(x)
    if axis is None and not keepdims:
        t, axis = shaping.ravel(t), 0
    return reductions.norm(t, ord, axis, keepdims)


def _matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return reductions.norm(x, ord, (-2, -1), keepdims)


_LINALG: dict[str, Function] = {  # of the last axes, since NumPy 2
    "trace": lambda x, offset=0: shaping.trace(x, offset, -2, -1),
    "diagonal": lambda x, offset=0: shaping.diagonal(x, offset, -2, -1),
    "matrix_transpose": lambda x: x.mT,
    "vector_norm": _vector_norm,
    "matrix_norm": _matrix_norm,
}

FUNCTIONS: dict[Any, Function] = {
    **MOVED,
    np.sum: _SUM,
    np.prod: _PROD,
    np.mean: _mean,
    np.max: _MAX,
    np.amax: _MAX,
    np.min: _MIN,
    np.amin: _MIN,
    np.var: _reduction(reductions.var, "axis dtype out ddof keepdims"),
    np.std: _reduction(reductions.std, "axis dtype out ddof keepdims"),
    np.argmax: _reduction(reductions.argmax, "axis out keepdims"),
    np.argmin: _reduction(reductions.argmin, "axis out keepdims"),
    np.cumsum: _reduction(reductions.cumsum, "axis dtype out"),
    np.nansum: composed.ignoring_nan(reductions.sum, 0),
    np.nanprod: composed.ignoring_nan(reductions.prod, 1),
    np.nanmax: composed.ignoring_nan(reductions.max, -np.inf),
    np.nanmin: composed.ignoring_nan(reductions.min, np.inf),
    **{function: own for function, own in _SAME.items() if not isinstance(function, np.ufunc)},
    **_present(
        np, composed,
        "angle average bincount cross cumprod diff kron median nan_to_num nanmean percentile "
        "polyval ptp quantile select trapezoid vdot",
    ),
    np.where: _where,
    np.clip: _clip,
    np.einsum: _einsum,
    np.zeros_like: _like(np.zeros),
    np.ones_like: _like(np.ones),
    np.empty_like: _like(np.empty),
    np.full_like: _like(np.full),
    np.shape: lambda x: x.shape,
    np.ndim: lambda x: x.ndim,
    np.size: lambda x, axis=None: x.size if axis is None else x.shape[axis],
    np.copy: lambda x: x.copy(),
    np.linalg.norm: reductions.norm,
    **_present(np.linalg, composed, "matrix_power multi_dot slogdet vecdot cross"),
    **{getattr(np.linalg, n): f for n, f in _LINALG.items() if hasattr(np.linalg, n)},
    **({np.matrix_transpose: lambda x: x.mT} if hasattr(np, "matrix_transpose") else {}),
}  # fmt: skip

CONSTANT_FUNCTIONS = frozenset({
    np.allclose, np.isclose, np.array_equal, np.array_equiv, np.any, np.all,
    np.count_nonzero, np.nonzero, np.flatnonzero, np.argwhere, np.searchsorted, np.iscomplexobj,
    np.isrealobj, np.result_type, np.can_cast, np.array2string, np.array_repr, np.array_str,
    np.may_share_memory, np.shares_memory, np.round, np.around, np.digitize,
    np.isin, np.min_scalar_type, np.lexsort, np.argpartition, np.isposinf,
    np.isneginf, np.isreal, np.iscomplex, np.linalg.matrix_rank,
    *([np.fix] if hasattr(np, "fix") else []),  # deprecated since NumPy 2.5
})  # fmt: skip
"""Functions whose result has no derivative, or the derivative 0: computed by NumPy."""


# --- variants of a universal function ---------------------------------------------------------


def reduced(ufunc: Any, x: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Carry out ``ufunc.reduce``."""
    options = dict(kwargs)
    if "out" in options:
        options["out"] = options["out"][0]
    if not args and "axis" not in options:
        options["axis"] = 0
    return FOLDS[ufunc](x, *args, **options)


def outer(ufunc: Any, a: Any, b: Any) -> Any:
    """Carry out ``ufunc.outer``: for each pair of entries."""
    x, y = as_tensor(a), as_tensor(b)
    return UFUNCS[ufunc](x.reshape(x.shape + (1,) * y.ndim), y)


def constant(function: Function, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Compute with NumPy on the values."""
    return function(*plain(args, name), **plain(kwargs, name))


def constant_tensor(ufunc: Any, name: str, inputs: Sequence[Any]) -> Any:
    """Compute with NumPy on the values, and return a Tensor."""
    return wrap(np.asarray(ufunc(*plain(inputs, name))))


# --- the protocol ------------------------------------------------------------------------------


def array_function(
    _: Tensor, function: Any, __: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Carry out a function of NumPy's: ``Tensor.__array_function__``."""
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


def array_ufunc(_: Tensor, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """Carry out a universal function of NumPy's: ``Tensor.__array_ufunc__``."""
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
    if not any("D" in x.partition("->")[0] for x in ufunc.types) and any(map(_is_complex, inputs)):
        raise TypeError(f"{name} is of real numbers, and this Tensor is complex")
    if ufunc in CONSTANT_UFUNCS:
        result = constant_tensor(ufunc, name, inputs)
    else:
        result = UFUNCS[ufunc](*inputs)
    if where is not True:
        if out is None:
            raise TypeError(f"{name} with where= of a Tensor needs out=, the other entries")
        result = elementwise.where(where, result, np.array(plain(out, name)))
    return result if out is None else written(name, result, out)


def _is_complex(x: Any) -> bool:
    return isinstance(x, Tensor) and x.dtype.kind == "c"


def _hint(name: str) -> str:
    return f"hint: {name}(t.numpy()) computes it without a gradient"
