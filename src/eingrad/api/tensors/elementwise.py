"""Element-wise operations on Tensors: a row a function, broadcasting as in NumPy.

Each takes Tensors, arrays and Python numbers, and returns a Tensor.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from eingrad.api.einsum.numeric import is_inexact
from eingrad.api.tensors.broadcast import broadcast, broadcast_shapes, product
from eingrad.api.tensors.dispatch import (
    DIRECT,
    direct,
    kernel_for,
    operate,
    result_type,
    run_kernel,
    scalar_like,
)
from eingrad.api.tensors.kernel import Traced, cast_shape
from eingrad.api.tensors.tensor import FLOAT64, Tensor, as_dtype, as_tensor, is_symbolic, wrap
from eingrad.core.algebra import add as add_exprs
from eingrad.core.algebra import apply
from eingrad.core.algebra import multiply as multiply_exprs
from eingrad.core.algebra import power as power_expr
from eingrad.core.algebra import subtract as subtract_exprs
from eingrad.core.conjugate import conj as conj_expr
from eingrad.core.evaluate import evaluate
from eingrad.core.expr import Const, Expr, Map, Var
from eingrad.core.functions import COMPARISONS as COMPARED
from eingrad.core.functions import FUNCTIONS
from eingrad.core.functions.elementwise_table import HALF
from eingrad.errors import EingradError

BOOL = np.dtype(bool)
_NUMBERS = frozenset({int, float, bool})
Operation = TypeVar("Operation", bound=Callable[..., Tensor])


# --- one operand ------------------------------------------------------------------------------


def _unary_template(x: Expr, function: str) -> Expr:
    return apply(function, x)


def unary(function: str, x: Any) -> Tensor:
    """Apply a function of the table; one that keeps integers is computed on them exactly."""
    t = as_tensor(x)
    dtype = t._value.dtype
    known = DIRECT.get((function, t._value.shape, dtype))
    if known is not None:
        return run_kernel(known, (t,))[0]
    if not is_inexact(dtype):
        keeps = FUNCTIONS[function].keeps_integers
        if keeps and not is_symbolic(t):
            node = Map(function, [Var("x", t._value.shape)])
            return wrap(evaluate(node, [t._value], {}, {}, dtype))
        if not keeps:
            t = as_dtype(t, FLOAT64)
    kernel = kernel_for(function, _unary_template, (t,), (function,))
    if is_inexact(dtype):
        DIRECT.put((function, t._value.shape, dtype), kernel)
    return run_kernel(kernel, (t,))[0]


def _negative_template(x: Expr) -> Expr:
    return multiply_exprs(Const(-1), x)


def negative(x: Any) -> Tensor:
    """Return ``-x``."""
    t = as_tensor(x)
    if not is_inexact(t._value.dtype) and not is_symbolic(t):
        return wrap(np.asarray(np.negative(t._value)))
    return operate("negative", _negative_template, [t])


# --- two operands -----------------------------------------------------------------------------


def _sum_template(a: Expr, b: Expr, shape: tuple[int, ...]) -> Expr:
    return broadcast(add_exprs(_spread(a, shape), _spread(b, shape)), shape)


def _difference_template(a: Expr, b: Expr, shape: tuple[int, ...]) -> Expr:
    return broadcast(subtract_exprs(_spread(a, shape), _spread(b, shape)), shape)


def _product_template(a: Expr, b: Expr, shape: tuple[int, ...]) -> Expr:
    return product(a, b, shape=shape)


def _quotient_template(a: Expr, b: Expr, shape: tuple[int, ...]) -> Expr:
    return product(a, power_expr(b, -1), shape=shape)


def _spread(x: Expr, shape: tuple[int, ...]) -> Expr:
    """Broadcast; a scalar stays one, as element-wise functions repeat it."""
    return broadcast(x, shape) if x.ndim else x


def map_template(function: str) -> Callable[..., Expr]:
    """Return the template of an element-wise function of operands that broadcast."""

    def template(*operands: Any) -> Expr:
        *nodes, shape = operands
        return broadcast(apply(function, *(_spread(x, shape) for x in nodes)), shape)

    return template


def _function_template(*operands: Any) -> Expr:
    """Apply a function to tensors and, in the places where ``numbers`` has one, to numbers."""
    *nodes, function, numbers, shape = operands
    rest = iter(nodes)
    arguments = [next(rest) if x is None else Const(x) for x in numbers]
    return broadcast(apply(function, *(_spread(x, shape) for x in arguments)), shape)


def function_of(name: str, *operands: Any) -> Tensor:
    """Apply a function of the table to operands that broadcast; numbers are part of the formula."""
    if not FUNCTIONS[name].takes(len(operands)):
        raise EingradError(f"{name} does not take {len(operands)} arguments", operand=name)
    numbers = tuple(x if _is_number(x) and math.isfinite(x) else None for x in operands)
    if len(operands) == 1 or None not in numbers:
        numbers = (*numbers[:-1], None)
    given = [as_tensor(x) for x, number in zip(operands, numbers, strict=True) if number is None]
    dtype = result_type([*given, *(x for x in numbers if x is not None)])
    dtype = dtype if is_inexact(dtype) else FLOAT64
    shape = broadcast_shapes(name, [t.shape for t in given])
    tensors = [as_dtype(t, dtype) for t in given]
    return operate(name, _function_template, tensors, name, numbers, shape)


# fmt: off
TEMPLATES: dict[str, tuple[Callable[..., Expr], Callable[..., Any] | None]] = {
    # name          template                  on integers (None: they become float64)
    "add":          (_sum_template,           np.add),
    "subtract":     (_difference_template,    np.subtract),
    "multiply":     (_product_template,       np.multiply),
    "divide":       (_quotient_template,      None),
    "power":        (map_template("pow"),     np.power),
    "maximum":      (map_template("maximum"), np.maximum),
    "minimum":      (map_template("minimum"), np.minimum),
    "logaddexp":    (map_template("logaddexp"), None),
    "floor_divide": (map_template("floor_divide"), np.floor_divide),
    "remainder":    (map_template("remainder"), np.remainder),
}
COMPARISONS: dict[str, tuple[Callable[..., Expr], Callable[..., Any]]] = {
    (word := row.numpy.removeprefix("np.")): (map_template(name), getattr(np, word))
    for name, row in COMPARED.items()
}
# fmt: on


def binary(name: str, a: Any, b: Any) -> Tensor:
    """Apply an element-wise operation on two operands, of which one may be a Python number."""
    if isinstance(a, Tensor):
        x = a._value
        if type(b) in _NUMBERS and x.dtype.kind == "f" and type(x) is not Traced:
            b = wrap(np.array(b, x.dtype))
        if isinstance(b, Tensor):
            known = direct(name, a, b)
            if known is not None:
                return known
    return _binary(name, a, b)


def _binary(name: str, a: Any, b: Any) -> Tensor:
    template, exact = TEMPLATES[name]
    x, y, dtype = operand_pair(a, b)
    p, q = x._value.shape, y._value.shape
    shape = p if p == q else broadcast_shapes(name, (p, q))
    if not is_inexact(dtype):
        if exact is None:
            x, y = as_dtype(x, FLOAT64), as_dtype(y, FLOAT64)
        elif not (is_symbolic(x) or is_symbolic(y)):
            return _exactly(name, exact, x._value, y._value)
    kernel = kernel_for(name, template, (x, y), (shape,))
    if is_inexact(dtype):
        DIRECT.put((name, p, q, x._value.dtype, y._value.dtype), kernel)
    return run_kernel(kernel, (x, y))[0]


def _exactly(name: str, exact: Callable[..., Any], x: Any, y: Any) -> Tensor:
    """Compute with NumPy, on integers whose shapes broadcast."""
    try:
        return wrap(np.asarray(exact(x, y)))
    except (ValueError, TypeError) as error:  # a negative power, a difference of booleans
        raise EingradError(
            f"{name} of dtypes {np.asarray(x).dtype} and {np.asarray(y).dtype}: {error}",
            hint="convert to float64 first, as in x.astype(float)",
        ) from None


def operand_pair(a: Any, b: Any) -> tuple[Tensor, Tensor, np.dtype[Any]]:
    """Return two operands as Tensors of one dtype, by NumPy's rules."""
    if _is_number(a) and not _is_number(b):
        y = as_tensor(b)
        dtype = result_type((y, a))
        return scalar_like(a, y, dtype), as_dtype(y, dtype), dtype
    x = as_tensor(a)
    if _is_number(b):
        dtype = result_type((x, b))
        return as_dtype(x, dtype), scalar_like(b, x, dtype), dtype
    y = as_tensor(b)
    dtype = x._value.dtype
    if dtype != y._value.dtype:
        dtype = result_type((x, y))
        x, y = as_dtype(x, dtype), as_dtype(y, dtype)
    return x, y, dtype


def _is_number(x: Any) -> bool:
    """Whether ``x`` is a Python number, which does not decide the dtype."""
    return type(x) in _NUMBERS or (isinstance(x, numbers.Number) and not isinstance(x, np.generic))


def compare(name: str, a: Any, b: Any) -> Tensor:
    """Compare element-wise; the result is a boolean Tensor without a gradient."""
    template, exact = COMPARISONS[name]
    given = [x if _is_number(x) else as_tensor(x).decided() for x in (a, b)]
    tensors = [x for x in given if isinstance(x, Tensor)]
    shape = broadcast_shapes(name, [t.shape for t in tensors])
    if not any(map(is_symbolic, tensors)):  # Python's integers may be any
        values = [x._value if isinstance(x, Tensor) else x for x in given]
        return wrap(np.asarray(exact(*values)))
    x, y, _ = operand_pair(*given)
    return operate(name, template, [x, y], shape, result=BOOL)


def _both(a: Expr, b: Expr, shape: tuple[int, ...]) -> Expr:
    return broadcast(apply("where", _spread(a, shape), _spread(b, shape), Const(0)), shape)


def _either(a: Expr, b: Expr, shape: tuple[int, ...]) -> Expr:
    return broadcast(apply("where", _spread(a, shape), Const(1), _spread(b, shape)), shape)


LOGICAL: dict[str, tuple[Callable[..., Expr], Callable[..., Any]]] = {
    "and": (_both, np.bitwise_and),
    "or": (_either, np.bitwise_or),
    "xor": (map_template("ne"), np.bitwise_xor),
}


def logical(name: str, a: Any, b: Any) -> Tensor:
    """Join two masks; of integers, join the bits."""
    template, exact = LOGICAL[name]
    x, y = as_tensor(a), as_tensor(b)
    traced = is_symbolic(x) or is_symbolic(y)
    for t in (x, y):
        if is_inexact(t.dtype) or (traced and t.dtype != BOOL):
            raise EingradError(
                f"{name} of dtypes {x.dtype} and {y.dtype}",
                hint="compare first, as in (x > 0) & (y > 0)",
            )
    shape = broadcast_shapes(name, (x.shape, y.shape))
    if not traced:
        return wrap(np.asarray(exact(x._value, y._value)))
    return operate(name, template, [x, y], shape, result=BOOL)


def invert(x: Any) -> Tensor:
    """Return where a mask does not hold; of integers, the other bits."""
    t = as_tensor(x)
    return logical("xor", t, t.dtype == BOOL or -1)


# --- powers -----------------------------------------------------------------------------------


def _power_template(x: Expr, exponent: Any) -> Expr:
    return power_expr(x, exponent)


def power(a: Any, b: Any) -> Tensor:
    """Return ``a ** b``; a Python number as exponent is part of the formula.

    The derivative of ``x ** 0`` is 0 everywhere.
    """
    if not _is_number(b) or isinstance(b, complex):
        return binary("power", a, b)
    t = as_tensor(a)
    dtype = np.result_type(t._value.dtype, b) if not isinstance(b, bool) else t._value.dtype
    if not is_inexact(dtype):
        if not is_symbolic(t):
            return _exactly("power", operator.pow, t._value, b)
    elif isinstance(b, float) and not math.isfinite(b):
        return binary("power", a, b)
    return operate("power", _power_template, [as_dtype(t, dtype)], b)


# --- case distinctions ------------------------------------------------------------------------


def where(condition: Any, a: Any, b: Any) -> Tensor:
    """Return ``a`` where the condition holds, else ``b``.

    The branch that is not taken gets the gradient 0, even where its own derivative is infinite.
    """
    c = as_tensor(condition)
    x, y, dtype = operand_pair(a, b)
    shape = broadcast_shapes("where", (c.shape, x.shape, y.shape))
    if not (is_inexact(dtype) or is_symbolic(c) or is_symbolic(x) or is_symbolic(y)):
        return wrap(np.where(c._value, x._value, y._value))
    if is_inexact(c._value.dtype):
        c = compare("not_equal", c, 0)
    return operate("where", map_template("where"), [c, x, y], shape, result=dtype)


def clip(x: Any, min: Any = None, max: Any = None) -> Tensor:
    """Limit to an interval; at its ends the gradient is x's."""
    t = as_tensor(x)
    if min is not None:
        t = where(compare("less", t, min), min, t)
    if max is not None:
        t = where(compare("greater", t, max), max, t)
    return t


# --- composed ---------------------------------------------------------------------------------


def square(x: Any) -> Tensor:
    """Return ``x ** 2``."""
    return power(x, 2)


def reciprocal(x: Any) -> Tensor:
    """Return ``1 / x``."""
    return binary("divide", 1, x)


def conj(x: Any) -> Tensor:
    """Return the complex conjugate; a real tensor is its own."""
    t = as_tensor(x)
    return operate("conj", conj_expr, [t]) if t.dtype.kind == "c" else t


def real(x: Any) -> Tensor:
    """Return the real part."""
    t = as_tensor(x)
    return _as_real("real", _real_template, t) if t.dtype.kind == "c" else t


def imag(x: Any) -> Tensor:
    """Return the imaginary part; that of a real tensor is 0 and has no gradient."""
    t = as_tensor(x)
    if t.dtype.kind == "c":
        return _as_real("imag", _imag_template, t)
    return wrap(np.zeros(t.shape, t.dtype))


def absolute(x: Any) -> Tensor:
    """Return the absolute value; its derivative at 0 is 0."""
    t = as_tensor(x)
    if t.dtype.kind == "c":
        return _as_real("absolute", _absolute_template, t)
    return unary("abs", t)


def sign(x: Any) -> Tensor:
    """Return -1, 0 or 1, and of a complex number ``z / |z|``; its derivative at 0 is 0."""
    t = as_tensor(x)
    if t.dtype.kind != "c":
        return unary("sign", t)
    size = absolute(t)
    zero = compare("equal", size, 0)
    return where(zero, 0, t / where(zero, 1, size))


def _as_real(name: str, template: Callable[..., Expr], t: Tensor) -> Tensor:
    return operate(name, template, [t], result=real_dtype(t.dtype))


def real_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of the real part."""
    return dtype.type(0).real.dtype if dtype.kind == "c" else dtype


def _real_template(z: Expr) -> Expr:
    """``(z + conj(z)) / 2``"""
    return multiply_exprs(Const(HALF), add_exprs(z, conj_expr(z)))


def _imag_template(z: Expr) -> Expr:
    """``(z - conj(z)) / 2i``"""
    return multiply_exprs(Const(-0.5j), subtract_exprs(z, conj_expr(z)))


def _absolute_template(z: Expr) -> Expr:
    return safe_root(multiply_exprs(z, conj_expr(z)))


def safe_root(square: Expr) -> Expr:
    """Return the root of what is >= 0, with the derivative 0 where it is 0."""
    return broadcast(apply("root", square), cast_shape(square.dims))


# --- a row a function -------------------------------------------------------------------------


BROADCAST = (
    "Shapes broadcast and dtypes are promoted as in NumPy. Raises ShapeError where they do not."
)


def _row(name: str) -> Callable[[Any], Tensor]:
    """Return the operation of a record with one operand."""

    def function(x: Any) -> Tensor:
        return unary(name, x)

    record = FUNCTIONS[name]
    numbers = "keep their dtype" if record.keeps_integers else "give float64"
    more = f"The result has x's shape and dtype; integers and booleans {numbers}."
    return _named(function, name, record.returns, more)


def _pair(name: str, words: str = "") -> Callable[[Any, Any], Tensor]:
    def function(a: Any, b: Any) -> Tensor:
        return binary(name, a, b)

    return _named(function, name, words or FUNCTIONS[name].returns, BROADCAST)


def _named(function: Operation, name: str, words: str, more: str) -> Operation:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Return {words}, element-wise.\n\n{more}"
    return function


# fmt: off
exp = _row("exp")
expm1 = _row("expm1")
log = _row("log")
log1p = _row("log1p")
sqrt = _row("sqrt")
sin = _row("sin")
cos = _row("cos")
tan = _row("tan")
asin = _row("asin")
acos = _row("acos")
atan = _row("atan")
acot = _row("acot")
asinh = _row("asinh")
acosh = _row("acosh")
atanh = _row("atanh")
cot = _row("cot")
sec = _row("sec")
csc = _row("csc")
coth = _row("coth")
sech = _row("sech")
csch = _row("csch")
asec = _row("asec")
acsc = _row("acsc")
acoth = _row("acoth")
sinh = _row("sinh")
cosh = _row("cosh")
tanh = _row("tanh")
sigmoid = _row("sigmoid")
softplus = _row("softplus")
relu = _row("relu")
elu = _row("elu")
gelu = _row("gelu")
silu = _row("silu")
lgamma = _row("lgamma")
digamma = _row("digamma")
erf = _row("erf")
add        = _pair("add",       "``a + b``")
subtract   = _pair("subtract",  "``a - b``")
multiply   = _pair("multiply",  "``a * b``")
divide     = _pair("divide",    "``a / b``")
maximum    = _pair("maximum")
minimum    = _pair("minimum")
logaddexp = _pair("logaddexp")
floor_divide = _pair("floor_divide")
remainder = _pair("remainder")
floor = _row("floor")
ceil = _row("ceil")
# fmt: on


def leaky_relu(x: Any, slope: Any = None) -> Tensor:
    """Return x where it is positive, else x times the slope, which is 0.01 if it is None."""
    return function_of("leaky_relu", *((x,) if slope is None else (x, slope)))


def polygamma(n: int, x: Any) -> Tensor:
    """Return the derivative of `digamma` of order n, a whole number."""
    return function_of("polygamma", n, x)


def __getattr__(name: str) -> Callable[..., Tensor]:
    """Return the operation of a record that was added to the table while a program runs."""
    if name not in FUNCTIONS or FUNCTIONS[name].internal:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return lambda *operands: function_of(name, *operands)


pow = power
abs = absolute
