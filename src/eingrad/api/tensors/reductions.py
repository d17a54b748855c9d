"""Operations over axes: sums, folds, normalisations, and what is composed of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, cast

import numpy as np

from eingrad.api.einsum.numeric import is_inexact
from eingrad.api.tensors.broadcast import Axes, keep_axes, normal_axes, normal_axis
from eingrad.api.tensors.dispatch import operate
from eingrad.api.tensors.elementwise import absolute, compare, power, real_dtype, safe_root, where
from eingrad.api.tensors.tensor import Tensor, as_tensor, floating, is_symbolic, wrap
from eingrad.core.algebra import apply, divide, multiply, repeat, subtract, sum_over
from eingrad.core.algebra import reduce as reduce_expr
from eingrad.core.conjugate import conj
from eingrad.core.expr import Const, Expr
from eingrad.errors import EingradError

Template = Callable[..., Expr]


def _reduction(
    name: str,
    template: Template,
    x: Any,
    axis: Axes,
    keepdims: bool,
    *static: Any,
    result: np.dtype[Any] | None = None,
) -> Tensor:
    t = floating(x)
    axes = normal_axes(name, axis, t.ndim)
    return operate(name, _kept, [t], template, axes, keepdims, *static, result=result)


def _kept(x: Expr, template: Template, axes: tuple[int, ...], keepdims: bool, *rest: Any) -> Expr:
    result = template(x, axes, *rest)
    return keep_axes(result, axes) if keepdims and axes else result


def _exactly(
    exact: Callable[..., Any], template: Template, t: Tensor, axis: Axes, keepdims: bool
) -> Tensor:
    """Reduce integers or booleans by NumPy's ``exact``, or give what it gives while tracing."""
    name = exact.__name__
    axes = normal_axes(name, axis, t.ndim)
    if not is_symbolic(t):
        return wrap(np.asarray(exact(t._value, axis=axes, keepdims=keepdims)))
    result = exact(np.ones(1, t.dtype)).dtype
    return operate(name, _kept, [t], template, axes, keepdims, result=result)


def _in_dtype(x: Any, dtype: Any, keepdims: Any) -> Tensor:
    """Return the operand of a reduction in the dtype asked for; check its options."""
    if not isinstance(keepdims, bool | np.bool_):
        raise EingradError(
            f"keepdims is {keepdims!r}, not True or False",
            hint="pass what is no axis by name, as in dtype=np.float32",
        )
    return as_tensor(x) if dtype is None else as_tensor(x).astype(dtype)


def sum(x: Any, axis: Axes = None, keepdims: bool = False, *, dtype: Any = None) -> Tensor:
    """Sum over axes, all of them if ``axis`` is None; in ``dtype``, if one is given.

    Integers and booleans are summed in NumPy's dtype for them.
    """
    t = _in_dtype(x, dtype, keepdims)
    if not is_inexact(t._value.dtype):
        return _exactly(np.sum, sum_over, t, axis, keepdims)
    return _reduction("sum", sum_over, t, axis, keepdims)


def mean(x: Any, axis: Axes = None, keepdims: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the mean over axes, of integers as float64; in ``dtype``, if one is given."""
    return _reduction("mean", _mean_template, _in_dtype(x, dtype, keepdims), axis, keepdims)


def _mean_template(x: Expr, axes: tuple[int, ...]) -> Expr:
    return _divided(sum_over(x, axes), _count(x, axes))


def _divided(x: Expr, count: float) -> Expr:
    """Divide by a count; by 0 gives NaN or infinity, as in NumPy."""
    return multiply(Const(1 / Fraction(count) if count else math.inf), x)


def _count(x: Expr, axes: tuple[int, ...]) -> int:
    return math.prod(int(x.dims[k]) for k in axes)


def _fold(function: str) -> Template:
    def template(x: Expr, axes: tuple[int, ...]) -> Expr:
        return reduce_expr(function, x, axes)

    return template


_MAX, _MIN, _PROD, _LOGSUMEXP = map(_fold, ["max", "min", "prod", "logsumexp"])


def max(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Return the greatest entry over axes; ties share the gradient equally."""
    return _extreme(np.max, _MAX, x, axis, keepdims)


def min(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Return the least entry over axes; ties share the gradient equally."""
    return _extreme(np.min, _MIN, x, axis, keepdims)


def _extreme(
    exact: Callable[..., Any], template: Template, x: Any, axis: Axes, keepdims: bool
) -> Tensor:
    name = exact.__name__
    t = _not_empty(name, _in_dtype(x, None, keepdims), axis)
    if not is_inexact(t._value.dtype):
        return _exactly(exact, template, t, axis, keepdims)
    return _reduction(name, template, t, axis, keepdims)


def _not_empty(name: str, x: Any, axis: Axes) -> Tensor:
    t = as_tensor(x)
    if any(t.shape[k] == 0 for k in normal_axes(name, axis, t.ndim)):
        raise EingradError(f"{name} of shape {t.shape} over an axis of size 0 has no value")
    return t


def prod(x: Any, axis: Axes = None, keepdims: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the product over axes; its gradient is right with zeros, too."""
    t = _in_dtype(x, dtype, keepdims)
    if not is_inexact(t._value.dtype):
        return _exactly(np.prod, _PROD, t, axis, keepdims)
    axes = normal_axes("prod", axis, t.ndim)
    if len(axes) > 1:  # one axis at a time: the derivative of a product runs along one
        for k in reversed(axes):
            t = _reduction("prod", _PROD, t, k, keepdims)
        return t
    return _reduction("prod", _PROD, t, axes, keepdims)


def logsumexp(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Return ``log(sum(exp(x)))`` over axes, without overflow."""
    return _reduction("logsumexp", _LOGSUMEXP, x, axis, keepdims)


def softmax(x: Any, axis: Axes = -1) -> Tensor:
    """Return ``exp(x) / sum(exp(x))`` over axes, without overflow.

    Where every entry is -inf it is 0 / 0: NaN, as in SciPy, PyTorch and JAX.
    """
    t = floating(x)
    return operate("softmax", _over_axes, [t], "softmax", normal_axes("softmax", axis, t.ndim))


def log_softmax(x: Any, axis: Axes = -1) -> Tensor:
    """Return ``x - logsumexp(x)`` over axes."""
    t = floating(x)
    axes = normal_axes("log_softmax", axis, t.ndim)
    return operate("log_softmax", _over_axes, [t], "log_softmax", axes)


def _over_axes(x: Expr, function: str, axes: tuple[int, ...]) -> Expr:
    return reduce_expr(function, x, axes)


# --- spread -----------------------------------------------------------------------------------


def var(
    x: Any, axis: Axes = None, ddof: float = 0, keepdims: bool = False, *, dtype: Any = None
) -> Tensor:
    """Return the variance over axes, ``sum(|x - mean(x)|^2) / (n - ddof)``: a real number."""
    t = floating(_in_dtype(x, dtype, keepdims))
    return _reduction("var", _variance, t, axis, keepdims, ddof, t.dtype.kind == "c",
                      result=real_dtype(t.dtype))  # fmt: skip


def std(
    x: Any, axis: Axes = None, ddof: float = 0, keepdims: bool = False, *, dtype: Any = None
) -> Tensor:
    """Return the standard deviation over axes, the root of the variance.

    The gradient where it is 0 is 0.
    """
    t = floating(_in_dtype(x, dtype, keepdims))
    return _reduction("std", _deviation, t, axis, keepdims, ddof, t.dtype.kind == "c",
                      result=real_dtype(t.dtype))  # fmt: skip


def _variance(x: Expr, axes: tuple[int, ...], ddof: float, complex_: bool) -> Expr:
    off = _centred(x, axes)
    divisor = _count(x, axes) - ddof
    square = multiply(off, conj(off) if complex_ else off)
    return _divided(sum_over(square, axes), divisor if divisor > 0 else 0)


def _centred(x: Expr, axes: tuple[int, ...]) -> Expr:
    kept = tuple(k for k in range(x.ndim) if k not in axes)
    return subtract(x, repeat(_mean_template(x, axes), x.dims, kept))


def _deviation(x: Expr, axes: tuple[int, ...], ddof: float, complex_: bool) -> Expr:
    divisor = _count(x, axes) - ddof
    off = _centred(x, axes)
    if complex_ or divisor <= 0:
        return safe_root(_variance(x, axes, ddof, complex_))
    return divide(_euclidean(off, axes), apply("sqrt", Const(divisor)))


def norm(x: Any, ord: Any = None, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Return a vector norm over axes: Euclidean (Frobenius), or of order 0, 1, infinity or p.

    The gradient at 0 is 0.
    """
    t = floating(_in_dtype(x, None, keepdims))
    axes = normal_axes("norm", axis, t.ndim)
    if not isinstance(ord, str | int | float | np.number | None):
        raise EingradError(f"the order of a norm is {ord!r:.60}", hint="it is a number")
    if ord is None or ord == "fro" or (ord == 2 and len(axes) == 1):
        template = _hermitian if t.dtype.kind == "c" else _euclidean
        return _reduction("norm", template, t, axes, keepdims, result=real_dtype(t.dtype))
    if len(axes) == 2 and ord in (1, -1, math.inf, -math.inf):
        return _matrix_norm(t, ord, axes if axis is None else axis, keepdims)
    if len(axes) != 1 or isinstance(ord, str):
        raise EingradError(
            f"norm of order {ord!r} over {len(axes)} axes is not supported",
            hint="leave ord out for the Frobenius norm, take 1 or infinity, or name one axis",
        )
    if ord == 0:
        return sum(compare("not_equal", t, 0), axes, keepdims, dtype=real_dtype(t.dtype))
    if math.isinf(ord):
        size = absolute(t)
        return (max if ord > 0 else min)(size, axes, keepdims)
    return _p_norm(absolute(t), axes, keepdims, ord)


def _matrix_norm(t: Tensor, ord: Any, axes: Axes, keepdims: bool) -> Tensor:
    """Return the greatest (or least) sum of absolute values of a column, or of a row."""
    rows, columns = (normal_axis("norm", k, t.ndim) for k in cast(Sequence[int], axes))
    inner, outer = (rows, columns) if abs(ord) == 1 else (columns, rows)
    totals = sum(absolute(t), inner, True)
    result = (max if ord > 0 else min)(totals, outer, True)
    return result if keepdims else result.reshape(
        [n for k, n in enumerate(t.shape) if k not in (rows, columns)]
    )  # fmt: skip


def _euclidean(x: Expr, axes: tuple[int, ...]) -> Expr:
    return reduce_expr("norm", x, axes)


def _hermitian(x: Expr, axes: tuple[int, ...]) -> Expr:
    return safe_root(sum_over(multiply(x, conj(x)), axes))


def _p_norm(size: Tensor, axes: tuple[int, ...], keepdims: bool, p: Any) -> Tensor:
    """Return ``sum(|x|^p)^(1/p)`` of absolute values, scaled by the one that decides.

    Where it is 0 or infinite its gradient is 0, and that by an entry that is 0 is 0.
    """
    lead = (max if p > 0 else min)(size, axes, True).detach()
    is_limit = compare("equal", lead * 0.5, lead)  # 0 or infinity
    unit = where(is_limit, 1, lead)
    ratio = where(is_limit, 1, size / unit)
    zero = compare("equal", ratio, 0)
    powers = where(zero, 0, power(where(zero, 1, ratio), p)) if 0 < p < 1 else power(ratio, p)
    root = power(sum(powers, axes, True), 1 / p)
    result = where(is_limit, lead, root * unit)
    return result if keepdims else result.reshape(
        [n for k, n in enumerate(size.shape) if k not in axes]
    )  # fmt: skip


# --- along an axis ----------------------------------------------------------------------------


def cumsum(x: Any, axis: int | None = None, *, dtype: Any = None) -> Tensor:
    """Return the sums of all entries up to each along an axis (None: of the flattened tensor)."""
    t = _in_dtype(x, dtype, False)
    if axis is None:
        t, axis = t.reshape(-1), 0
    if not is_inexact(t._value.dtype) and not is_symbolic(t):
        return wrap(np.cumsum(t._value, axis=normal_axis("cumsum", axis, t.ndim)))
    axes = (normal_axis("cumsum", axis, t.ndim),)
    return operate("cumsum", _over_axes, [t], "cumsum", axes)


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Return the number of the greatest entry along an axis; it has no gradient."""
    return _argument("argmax", np.argmax, _in_dtype(x, None, keepdims), axis, keepdims)


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Return the number of the least entry along an axis; it has no gradient."""
    return _argument("argmin", np.argmin, _in_dtype(x, None, keepdims), axis, keepdims)


def _argument(
    name: str, exact: Callable[..., Any], t: Tensor, axis: int | None, keepdims: bool
) -> Tensor:
    _not_empty(name, t, axis)
    t = t.decided()
    if not is_symbolic(t):
        return wrap(np.asarray(exact(t._value, axis=axis, keepdims=keepdims)))
    if axis is None:
        t, axis = t.reshape(-1), 0
    axes = normal_axes(name, axis, t.ndim)
    sign = 1 if name == "argmax" else -1
    return operate(
        name, _kept, [t], _argmax_template, axes, keepdims, sign, result=np.dtype(np.intp)
    )


def _argmax_template(x: Expr, axes: tuple[int, ...], sign: int) -> Expr:
    return reduce_expr("argmax", multiply(Const(sign), x), axes)
