"""The functions of the eager engine: ``eg.exp``, ``eg.softmax``, ``eg.concatenate`` ...

Each takes Tensors, arrays and Python numbers, and returns a Tensor. `SURFACE` lists them all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eingrad.api import elementwise
from eingrad.api.contraction import einsum
from eingrad.api.elementwise import (
    absolute,
    clip,
    conj,
    imag,
    logaddexp,
    negative,
    power,
    real,
    reciprocal,
    sign,
    square,
    where,
)
from eingrad.api.products import (
    cholesky,
    det,
    dot,
    inner,
    inv,
    logdet,
    matmul,
    outer,
    solve,
    tensordot,
    tril,
    triu,
)
from eingrad.api.reductions import (
    argmax,
    argmin,
    cumsum,
    log_softmax,
    logsumexp,
    max,
    mean,
    min,
    norm,
    prod,
    softmax,
    std,
    sum,
    var,
)
from eingrad.api.shaping import (
    broadcast_to,
    concatenate,
    diag,
    diagonal,
    expand_dims,
    flip,
    moveaxis,
    ravel,
    reshape,
    split,
    squeeze,
    stack,
    swapaxes,
    trace,
    transpose,
)
from eingrad.api.tensor import Tensor
from eingrad.core.functions import FUNCTIONS

Unary = Callable[[Any], "Tensor"]
Binary = Callable[[Any, Any], "Tensor"]


def _unary(name: str) -> Unary:
    """Return the operation of a record."""

    def function(x: Any) -> Tensor:
        return elementwise.unary(name, x)

    record = FUNCTIONS[name]
    function.__name__ = function.__qualname__ = name
    numbers = "keep their dtype" if record.keeps_integers else "give float64"
    function.__doc__ = (
        f"Return {record.returns}, element-wise.\n\n"
        f"The result has x's shape and dtype; integers and booleans {numbers}."
    )
    return function


def _binary(name: str, returns: str = "") -> Binary:
    def function(a: Any, b: Any) -> Tensor:
        return elementwise.binary(name, a, b)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"Return {returns or FUNCTIONS[name].returns}, element-wise.\n\n"
        "Shapes broadcast and dtypes are promoted as in NumPy. Raises ShapeError where they do not."
    )
    return function


# fmt: off
exp = _unary("exp")
expm1 = _unary("expm1")
log = _unary("log")
log1p = _unary("log1p")
sqrt = _unary("sqrt")
sin = _unary("sin")
cos = _unary("cos")
tan = _unary("tan")
asin = _unary("asin")
acos = _unary("acos")
atan = _unary("atan")
sinh = _unary("sinh")
cosh = _unary("cosh")
tanh = _unary("tanh")
sigmoid = _unary("sigmoid")
softplus = _unary("softplus")
relu = _unary("relu")
elu = _unary("elu")
gelu = _unary("gelu")
silu = _unary("silu")
lgamma = _unary("lgamma")
digamma = _unary("digamma")
erf = _unary("erf")
add        = _binary("add",       "``a + b``")
subtract   = _binary("subtract",  "``a - b``")
multiply   = _binary("multiply",  "``a * b``")
divide     = _binary("divide",    "``a / b``")
maximum    = _binary("maximum")
minimum    = _binary("minimum")
# fmt: on


def leaky_relu(x: Any, slope: Any = None) -> Tensor:
    """Return x where it is positive, else x times the slope, which is 0.01 if it is None."""
    return elementwise.function_of("leaky_relu", *((x,) if slope is None else (x, slope)))


def polygamma(n: int, x: Any) -> Tensor:
    """Return the derivative of `digamma` of order n, a whole number."""
    return elementwise.function_of("polygamma", n, x)


def __getattr__(name: str) -> Callable[..., Tensor]:
    """Return the operation of a record that was added to the table while a program runs."""
    if name not in FUNCTIONS or FUNCTIONS[name].internal:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return lambda *operands: elementwise.function_of(name, *operands)


pow = power
abs = absolute

__all__ = [
    "abs", "acos", "add", "argmax", "argmin", "asin", "atan", "broadcast_to", "cholesky", "clip",
    "concatenate", "conj", "cos", "cosh", "cumsum", "det", "diag", "diagonal", "digamma", "divide",
    "dot", "einsum", "elu", "erf", "exp", "expand_dims", "expm1", "flip", "gelu", "imag", "inner",
    "inv", "leaky_relu", "lgamma", "log", "log1p", "log_softmax", "logaddexp", "logdet",
    "logsumexp", "matmul", "max", "maximum", "mean", "min", "minimum", "moveaxis", "multiply",
    "negative", "norm", "outer", "polygamma", "pow", "power", "prod", "ravel", "real", "reciprocal",
    "relu", "reshape", "sigmoid", "sign", "silu", "sin", "sinh", "softmax", "softplus", "solve",
    "split", "sqrt", "square", "squeeze", "stack", "std", "subtract", "sum", "swapaxes", "tan",
    "tanh", "tensordot", "trace", "transpose", "tril", "triu", "var", "where",
]  # fmt: skip
SURFACE = tuple(__all__)
