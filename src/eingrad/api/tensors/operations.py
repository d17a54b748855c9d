"""The functions of the eager engine: ``eg.exp``, ``eg.softmax``, ``eg.concatenate`` ...

Each takes Tensors, arrays and Python numbers, and returns a Tensor. `SURFACE` lists them all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from eingrad.api.tensors import elementwise
from eingrad.api.tensors.contraction import einsum
from eingrad.api.tensors.elementwise import (
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
from eingrad.api.tensors.linear_algebra import (
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
from eingrad.api.tensors.reductions import (
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
from eingrad.api.tensors.shaping import (
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
from eingrad.api.tensors.tensor import Tensor

Unary = Callable[[Any], "Tensor"]
Binary = Callable[[Any, Any], "Tensor"]


def _unary(name: str, words: str, exact: Callable[..., Any] | None = None) -> Unary:
    def function(x: Any) -> Tensor:
        return elementwise.unary(name, x, exact)

    function.__name__ = function.__qualname__ = name
    numbers = "keep their dtype" if exact else "give float64"
    function.__doc__ = (
        f"Return {words}, element-wise.\n\n"
        f"The result has x's shape and dtype; integers and booleans {numbers}."
    )
    return function


def _binary(name: str, words: str) -> Binary:
    def function(a: Any, b: Any) -> Tensor:
        return elementwise.binary(name, a, b)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"Return {words}, element-wise.\n\n"
        "Shapes broadcast and dtypes are promoted as in NumPy. Raises ShapeError where they do not."
    )
    return function


def _above_0(x: Any) -> Any:
    return np.maximum(x, 0)


# fmt: off
exp        = _unary("exp",        "``e ** x``")
expm1      = _unary("expm1",      "``exp(x) - 1``, exact for small x")
log        = _unary("log",        "the natural logarithm")
log1p      = _unary("log1p",      "``log(1 + x)``, exact for small x")
sqrt       = _unary("sqrt",       "the square root; its derivative at 0 is infinite")
sin        = _unary("sin",        "the sine")
cos        = _unary("cos",        "the cosine")
tan        = _unary("tan",        "the tangent")
asin       = _unary("asin",       "the inverse sine")
acos       = _unary("acos",       "the inverse cosine")
atan       = _unary("atan",       "the inverse tangent")
sinh       = _unary("sinh",       "the hyperbolic sine")
cosh       = _unary("cosh",       "the hyperbolic cosine")
tanh       = _unary("tanh",       "the hyperbolic tangent")
sigmoid    = _unary("sigmoid",    "``1 / (1 + exp(-x))`` without overflow")
softplus   = _unary("softplus",   "``log(1 + exp(x))`` without overflow")
relu       = _unary("relu",       "``max(x, 0)``; its derivative at 0 is 0", _above_0)
leaky_relu = _unary("leaky_relu", "x where it is positive, else ``0.01 x``")
elu        = _unary("elu",        "x where it is positive, else ``exp(x) - 1``")
gelu       = _unary("gelu",       "x times the normal distribution function of x")
silu       = _unary("silu",       "``x sigmoid(x)``")
erf        = _unary("erf",        "the error function")
add        = _binary("add",       "``a + b``")
subtract   = _binary("subtract",  "``a - b``")
multiply   = _binary("multiply",  "``a * b``")
divide     = _binary("divide",    "``a / b``")
maximum    = _binary("maximum",   "the greater of a and b; a tie shares the gradient equally")
minimum    = _binary("minimum",   "the lesser of a and b; a tie shares the gradient equally")
# fmt: on
pow = power
abs = absolute

__all__ = [
    "abs", "acos", "add", "argmax", "argmin", "asin", "atan", "broadcast_to", "cholesky",
    "clip", "concatenate", "conj", "cos", "cosh", "cumsum", "det", "diag", "diagonal", "divide",
    "dot", "einsum", "elu", "erf", "exp", "expand_dims", "expm1", "flip", "gelu", "imag",
    "inner", "inv", "leaky_relu", "log", "log1p", "log_softmax", "logaddexp", "logdet",
    "logsumexp", "matmul", "max", "maximum", "mean", "min", "minimum", "moveaxis", "multiply",
    "negative", "norm", "outer", "pow", "power", "prod", "ravel", "real", "reciprocal", "relu",
    "reshape", "sigmoid", "sign", "silu", "sin", "sinh", "softmax", "softplus", "solve",
    "split", "sqrt", "square", "squeeze", "stack", "std", "subtract", "sum", "swapaxes", "tan",
    "tanh", "tensordot", "trace", "transpose", "tril", "triu", "var", "where",
]  # fmt: skip
SURFACE = tuple(__all__)
