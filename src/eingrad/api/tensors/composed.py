"""NumPy's functions that are formulas over eingrad's own: ``np.hypot``, ``np.diff``, ``np.kron``.

They have no names in eingrad; a Tensor given to NumPy's function gets here by `numpy_protocol`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from eingrad.api.tensors import elementwise, linear_algebra, reductions, shaping
from eingrad.api.tensors.broadcast import normal_axis
from eingrad.api.tensors.contraction import einsum
from eingrad.api.tensors.dispatch import operate
from eingrad.api.tensors.elementwise import (
    binary,
    compare,
    operand_pair,
    real_dtype,
    unary,
    where,
)
from eingrad.api.tensors.moving import plain, sort
from eingrad.api.tensors.tensor import (
    FLOAT64,
    Tensor,
    as_dtype,
    as_tensor,
    floating,
    is_symbolic,
    wrap,
)
from eingrad.core.arrays import Scatter
from eingrad.core.expr import Expr
from eingrad.errors import DifferentiationError, ShapeError

Function = Callable[..., Any]
LOG2, LOG10 = math.log(2), math.log(10)


def scaled(name: str, factor: float) -> Function:
    return lambda x: real_operands(name, x)[0] * factor


def real_operands(name: str, *operands: Any) -> list[Tensor]:
    """Return one or two operands in the floating dtype that they have together."""
    given = [as_tensor(operands[0])] if len(operands) == 1 else operand_pair(*operands)[:2]
    if any(t.dtype.kind == "c" for t in given):
        raise TypeError(f"numpy.{name} of complex numbers is not defined")
    return [floating(t) for t in given]


# --- element-wise -----------------------------------------------------------------------------


def fabs(x: Any) -> Any:
    return unary("abs", *real_operands("fabs", x))


def cbrt(x: Any) -> Any:
    (t,) = real_operands("cbrt", x)
    return elementwise.power(abs(t), 1 / 3) * elementwise.sign(t)


def arcsinh(x: Any) -> Any:
    """Return ``sign(x) log(|x| + sqrt(x^2 + 1))``, exact for small x."""
    t = floating(x)
    if t.dtype.kind == "c":
        sign = as_dtype(where(compare("less", elementwise.real(t), 0), -1.0, 1.0), t.dtype)
        t = t * sign  # on the other side the sum cancels
        return unary("log", t + unary("sqrt", t * t + 1)) * sign
    size = where(compare("equal", t, 0), t, abs(t))  # whose derivative at 0 is 1
    large = compare("greater", size, 1e10)  # log(2 x) but for rounding, and x^2 may overflow
    small = where(large, 1.0, size)
    log = unary("log1p", small + small * small / (1 + unary("sqrt", small * small + 1)))
    log = where(large, unary("log", where(large, size, 1.0)) + LOG2, log)
    return where(compare("less", t, 0), -log, log)


def arccosh(x: Any) -> Any:
    t = floating(x)
    if t.dtype.kind == "c":
        return unary("log", t + unary("sqrt", t - 1) * unary("sqrt", t + 1))
    large = compare("greater", t, 1e10)  # log(2 x) but for rounding, and x^2 may overflow
    off = where(large, 1.0, t) - 1  # next to 1, log1p keeps what log(1 + ...) would round away
    log = unary("log1p", off + unary("sqrt", off) * unary("sqrt", off + 2))
    return where(large, unary("log", where(large, t, 1.0)) + LOG2, log)


def arctanh(x: Any) -> Any:
    t = floating(x)
    return (unary("log1p", t) - unary("log1p", -t)) * 0.5


def arctan2(y: Any, x: Any) -> Any:
    """Return the angle of the point (x, y), of ``y / x`` or of ``x / y``: of what is below 1."""
    b, a = real_operands("arctan2", y, x)
    flat = compare("greater_equal", abs(a), abs(b))
    run = where(compare("equal", a, 0) & compare("equal", b, 0), 1.0, where(flat, a, b))
    side = as_dtype(where(compare("less", b, 0), -1.0, 1.0), b.dtype)
    by_x = unary("atan", b / run) + where(compare("less", a, 0), math.pi * side, 0.0)
    by_y = 0.5 * math.pi * side - unary("atan", a / run)
    return where(flat, by_x, by_y)


def hypot(a: Any, b: Any) -> Any:
    """Return ``sqrt(a^2 + b^2)`` without overflow; its derivative at 0 is 0."""
    x, y = real_operands("hypot", a, b)
    size = elementwise.binary("maximum", abs(x), abs(y)).detach()
    size = where(compare("equal", size, 0), 1.0, size)
    parts = shaping.stack([z + 0 * size for z in (x / size, y / size)])
    return size * reductions.norm(parts, axis=0)


def fmax(a: Any, b: Any) -> Any:
    return _ignoring_nan("maximum", a, b)


def fmin(a: Any, b: Any) -> Any:
    return _ignoring_nan("minimum", a, b)


def _ignoring_nan(name: str, a: Any, b: Any) -> Any:
    x, y, _ = operand_pair(a, b)
    chosen = where(is_nan(y), x, binary(name, x, y))
    return where(is_nan(x), y, chosen)


def is_nan(x: Any) -> Any:
    return compare("not_equal", x, x)


def is_finite(x: Any) -> Any:
    return compare("less", abs(as_tensor(x)), math.inf)


def trunc(x: Any) -> Any:
    """Return x rounded towards 0; its derivative is 0."""
    t = as_tensor(x)
    return where(compare("less", t, 0), elementwise.ceil(t), elementwise.floor(t))


def fmod(a: Any, b: Any) -> Any:
    """Return the remainder with a's sign, ``a - trunc(a / b) b``, from that of positive numbers."""
    x, y, dtype = operand_pair(a, b)
    if dtype.kind in "biu" and not (is_symbolic(x) or is_symbolic(y)):
        return wrap(np.asarray(np.fmod(x._value, y._value)))
    x, y = real_operands("fmod", x, y)
    minus = compare("less", x, 0)
    rest = elementwise.remainder(where(minus, -x, x), abs(y))
    return where(minus, -rest, rest)


def heaviside(x: Any, middle: Any) -> Any:
    t, m = real_operands("heaviside", x, middle)
    step = as_dtype(where(compare("less", t, 0), 0.0, 1.0), t.dtype)
    step = where(is_nan(t), t.decided(), step)
    return where(compare("equal", t, 0), m, step)


def logaddexp2(a: Any, b: Any) -> Any:
    x, y = real_operands("logaddexp2", a, b)
    return elementwise.logaddexp(x * LOG2, y * LOG2) / LOG2


def copysign(a: Any, b: Any) -> Any:
    x, y = real_operands("copysign", a, b)
    sign = np.where(np.signbit(plain(y, "numpy.copysign")), -1.0, 1.0)
    return abs(x) * sign.astype(x.dtype)


def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
               ) -> Any:  # fmt: skip
    del copy
    t = as_tensor(x)
    if t.dtype.kind != "f":
        return t
    limits = np.finfo(t.dtype)
    t = where(compare("equal", t, math.inf), limits.max if posinf is None else posinf, t)
    t = where(compare("equal", t, -math.inf), limits.min if neginf is None else neginf, t)
    return where(is_nan(t), nan, t)


def angle(z: Any, deg: bool = False) -> Any:
    t = as_tensor(z)
    radians = arctan2(elementwise.imag(t), elementwise.real(t))
    return radians * (180 / math.pi) if deg else radians


def float_power(a: Any, b: Any) -> Any:
    x = as_tensor(a)
    wide = np.dtype(np.complex128) if x.dtype.kind == "c" else FLOAT64
    return elementwise.power(as_dtype(x, wide), b)


def select(conditions: Sequence[Any], choices: Sequence[Any], default: Any = 0) -> Any:
    result = default
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        result = where(condition, choice, result)
    return result


def polyval(p: Any, x: Any) -> Any:
    result = as_tensor(x) * 0
    for coefficient in as_tensor(p):
        result = result * x + coefficient
    return result


# --- along axes -------------------------------------------------------------------------------


def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    t = as_tensor(a)
    k = normal_axis("diff", axis, t.ndim)
    for _ in range(n):
        after, before = ((slice(None),) * k + (s,) for s in (slice(1, None), slice(None, -1)))
        t = t[after] ^ t[before] if t.dtype.kind == "b" else t[after] - t[before]
    return t


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    t = shaping.moveaxis(floating(y), axis, -1)
    step = dx if x is None else diff(x)
    if x is not None and as_tensor(x).ndim > 1:
        step = shaping.moveaxis(diff(x, axis=axis), axis, -1)
    return (step * (t[..., 1:] + t[..., :-1]) * 0.5).sum(-1)


def cumprod(x: Any, axis: int | None = None) -> Any:
    """Return the products of all entries up to each; of n entries, n^2 factors."""
    t = as_tensor(x)
    if axis is None:
        t, axis = shaping.ravel(t), 0
    k = normal_axis("cumprod", axis, t.ndim)
    rows = shaping.expand_dims(shaping.moveaxis(t, k, -1), -2)
    n = t.shape[k]
    return shaping.moveaxis(reductions.prod(where(np.tri(n, dtype=bool), rows, 1), -1), -1, k)


def ptp(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return reductions.max(a, axis, keepdims) - reductions.min(a, axis, keepdims)


def quantile(a: Any, q: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """Return the entries at fractions q of the sorted ones, with linear interpolation."""
    t = floating(a)
    shape = [1 if axis is None or k == axis % t.ndim else n for k, n in enumerate(t.shape)]
    ordered = sort(shaping.ravel(t) if axis is None else shaping.moveaxis(t, axis, 0), 0)
    place = np.asarray(q, float) * (ordered.shape[0] - 1)
    low = np.floor(place).astype(int)
    part = (place - low).reshape(low.shape + (1,) * (ordered.ndim - 1))
    part = part.astype(t.dtype) if isinstance(q, int | float) else part  # as in NumPy
    below, above = ordered[low], ordered[np.ceil(place).astype(int)]
    result = where(compare("equal", part, 0), below, below + (above - below) * part)
    result = where(is_nan(ordered[-1]), math.nan, result)
    return result.reshape((*low.shape, *shape)) if keepdims else result


def percentile(a: Any, q: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    return quantile(a, np.asarray(q) / 100, axis, keepdims=keepdims)


def median(a: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    return quantile(a, 0.5, axis, keepdims=keepdims)


def average(a: Any, axis: Any = None, weights: Any = None, *, keepdims: bool = False) -> Any:
    t = as_tensor(a)
    if weights is None:
        return reductions.mean(t, axis, keepdims)
    w = as_tensor(weights)
    if w.shape != t.shape:
        k = normal_axis("average", axis, t.ndim)
        w = w.reshape((-1,) + (1,) * (t.ndim - k - 1))
    total = reductions.sum(w + as_tensor(t * 0).detach(), axis, keepdims)
    return reductions.sum(t * w, axis, keepdims) / total


def ignoring_nan(reduction: Function, fill: float) -> Function:
    def reduce(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
        t = as_tensor(x)
        exact = t.dtype.kind in "biu"
        return reduction(t if exact else where(is_nan(t), fill, t), axis, keepdims)

    return reduce


def nanmean(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    t = floating(x)
    present = reductions.sum(compare("equal", t, t), axis, keepdims, dtype=real_dtype(t.dtype))
    return reductions.sum(where(is_nan(t), 0, t), axis, keepdims) / present


# --- products ---------------------------------------------------------------------------------


def vdot(a: Any, b: Any) -> Any:
    return linear_algebra.dot(elementwise.conj(shaping.ravel(a)), shaping.ravel(b))


def vecdot(a: Any, b: Any, axis: int = -1) -> Any:
    x, y = (shaping.moveaxis(z, axis, -1) for z in (elementwise.conj(a), as_tensor(b)))
    return einsum("...i,...i->...", x, y)


def matvec(a: Any, x: Any) -> Any:
    return einsum("...ij,...j->...i", as_tensor(a), x)


def vecmat(x: Any, a: Any) -> Any:
    return einsum("...i,...ij->...j", elementwise.conj(x), a)


def kron(a: Any, b: Any) -> Any:
    x, y = as_tensor(a), as_tensor(b)
    n = max(x.ndim, y.ndim)
    p, q = ((1,) * (n - t.ndim) + t.shape for t in (x, y))
    x = x.reshape(tuple(k for size in p for k in (size, 1)))
    y = y.reshape(tuple(k for size in q for k in (1, size)))
    return (x * y).reshape(tuple(i * j for i, j in zip(p, q, strict=True)))


def cross(a: Any, b: Any, axis: int = -1) -> Any:
    x, y = (shaping.moveaxis(as_tensor(t), axis, -1) for t in (a, b))
    if x.shape[-1] != 3 or y.shape[-1] != 3:
        raise TypeError("numpy.cross of Tensors is supported for vectors of 3 entries")
    after, before = [1, 2, 0], [2, 0, 1]
    turned = x[..., after] * y[..., before] - x[..., before] * y[..., after]
    return shaping.moveaxis(turned, -1, axis)


def matrix_power(a: Any, n: int) -> Any:
    t = as_tensor(a)
    if n < 0:
        return matrix_power(linear_algebra.inv(t), -n)
    result = None
    while n:
        if n % 2:
            result = t if result is None else result @ t
        n //= 2
        t = t @ t if n else t
    return wrap(np.broadcast_to(np.eye(t.shape[-1], dtype=t.dtype), t.shape)) if result is None \
        else result  # fmt: skip


def multi_dot(arrays: Sequence[Any]) -> Any:
    """Return the product of a chain of matrices, of which the ends may be vectors."""
    items = [as_tensor(x) for x in arrays]
    arguments: list[Any] = []
    for k, t in enumerate(items):
        arguments += [t, [k + 1] if k == 0 and t.ndim == 1 else [k, k + 1][: t.ndim]]
    first = [] if items[0].ndim == 1 else [0]
    last = [] if items[-1].ndim == 1 else [len(items)]
    return einsum(*arguments, first + last)


def _sums_template(weights: Expr, index: Expr, count: int) -> Expr:
    return Scatter(weights, [index], ((0, (0,)),), (0,), (count,))


def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    """Return how often each integer occurs, or the sums of the weights that stand beside it."""
    index = np.asarray(plain(x, "numpy.bincount"))
    counts = np.bincount(index, minlength=minlength)
    if weights is None:
        return counts
    w = as_tensor(weights).astype(np.float64)
    if w.shape != index.shape:
        raise ShapeError(
            f"numpy.bincount: weights of shape {w.shape} beside integers of shape {index.shape}",
            operand="weights",
        )
    at = as_tensor(index.astype(np.intp))
    return operate("bincount", _sums_template, [w, at], len(counts))


def slogdet(a: Any) -> Any:
    """Return the sign of the determinant and the logarithm of its size, as NumPy does."""
    t = floating(a)
    if t.dtype.kind == "c" and t.requires_grad:
        raise DifferentiationError(
            "the sign of a complex determinant has a derivative, which is not known here",
            hint="use eg.logdet for the logarithm of its size",
        )
    sign, _ = np.linalg.slogdet(t._concrete("numpy.linalg.slogdet"))
    kind = type(np.linalg.slogdet(np.eye(1)))
    return kind(wrap(np.asarray(sign)), linear_algebra.logdet(t))
