"""The operators and methods of a Tensor, hung on it once: each the function of the same name.

What type checkers read of them, `methods.pyi`, is written by ``python docs/make_stubs.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from eingrad.api.einsum.numeric import Array
from eingrad.api.tensors import elementwise, indexing, linear_algebra, reductions, shaping
from eingrad.api.tensors.broadcast import Axes
from eingrad.api.tensors.elementwise import binary, compare, floor_divide, logical, remainder
from eingrad.api.tensors.moving import MOVED, plain
from eingrad.api.tensors.numpy_protocol import array_function, array_ufunc
from eingrad.api.tensors.tensor import Tensor, as_tensor

Function = Callable[..., Any]

# --- operators --------------------------------------------------------------------------------


def _reflected(function: Function) -> Function:
    return lambda x, other: function(other, x)


def _arithmetic(name: str) -> tuple[Function, Function]:
    return lambda x, other: binary(name, x, other), lambda x, other: binary(name, other, x)


def _comparison(name: str) -> Function:
    return lambda x, other: compare(name, x, other)


def _equality(name: str) -> Function:
    def equal(x: Tensor, other: object) -> Tensor:
        if other is None or isinstance(other, str):
            return NotImplemented  # type: ignore[no-any-return]
        return compare(name, x, other)

    return equal


def _on_masks(name: str) -> tuple[Function, Function]:
    return (lambda x, other: logical(name, x, other),) * 2


def _shift(function: Function, sign: str) -> Function:
    return lambda x, other: as_tensor(function(plain(x, sign), plain(other, sign)))


def _divmod(x: Any, other: Any) -> tuple[Tensor, Tensor]:
    return floor_divide(x, other), remainder(x, other)


def _rdivmod(x: Any, other: Any) -> tuple[Tensor, Tensor]:
    return _divmod(other, x)


def _in_place(function: Function) -> Function:
    return lambda x, other: x._in_place(function(x.copy(), other))


def _both(function: Function) -> tuple[Function, Function]:
    return function, _reflected(function)


ARITHMETIC: dict[str, tuple[Function, Function]] = {
    "add": _arithmetic("add"),
    "sub": _arithmetic("subtract"),
    "mul": _arithmetic("multiply"),
    "truediv": _arithmetic("divide"),
    "pow": _both(elementwise.power),
    "floordiv": _both(floor_divide),
    "mod": _both(remainder),
    "matmul": _both(linear_algebra.matmul),
    "and": _on_masks("and"),
    "or": _on_masks("or"),
    "xor": _on_masks("xor"),
}
"""What is between two operands, and with the Tensor as the second."""
OTHERS: dict[str, tuple[Function, Function]] = {
    "divmod": (_divmod, _rdivmod),
    "lshift": _both(_shift(np.left_shift, "<<")),
    "rshift": _both(_shift(np.right_shift, ">>")),
}
"""The same, of what has no form in place."""
OPERATORS: dict[str, Function] = {
    "__neg__": elementwise.negative,
    "__pos__": as_tensor,
    "__abs__": elementwise.absolute,
    "__invert__": elementwise.invert,
    **{f"__{name}__": pair[0] for name, pair in (ARITHMETIC | OTHERS).items()},
    **{f"__r{name}__": pair[1] for name, pair in (ARITHMETIC | OTHERS).items()},
    **{f"__i{name}__": _in_place(pair[0]) for name, pair in ARITHMETIC.items()},
    "__lt__": _comparison("less"),
    "__le__": _comparison("less_equal"),
    "__gt__": _comparison("greater"),
    "__ge__": _comparison("greater_equal"),
    "__eq__": _equality("equal"),
    "__ne__": _equality("not_equal"),
    "__getitem__": indexing.getitem,
    "__setitem__": indexing.setitem,
    "__array_function__": array_function,
    "__array_ufunc__": array_ufunc,
}

# --- methods ----------------------------------------------------------------------------------


def reshape(x: Tensor, *shape: Any, order: str = "C") -> Tensor:
    """See `reshape`; the shape is one tuple or several integers."""
    return shaping.reshape(x, shape[0] if len(shape) == 1 else shape, order)


def transpose(x: Tensor, *axes: Any) -> Tensor:
    """See `transpose`; the axes are one tuple or several integers."""
    if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], tuple | list)):
        return shaping.transpose(x, axes[0])
    return shaping.transpose(x, axes or None)


def any(x: Tensor, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Return whether an entry is not 0; it has no gradient."""
    return reductions.max(compare("not_equal", x, 0), axis, keepdims)


def all(x: Tensor, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Return whether no entry is 0; it has no gradient."""
    return reductions.min(compare("not_equal", x, 0), axis, keepdims)


def argsort(x: Tensor, axis: int | None = -1) -> Tensor:
    """Return the indices that sort along an axis; they have no gradient."""
    return as_tensor(np.argsort(plain(x, "argsort"), axis))


def nonzero(x: Tensor) -> tuple[Array, ...]:
    """Return where the entries are not 0, as NumPy does."""
    return np.nonzero(plain(x, "nonzero"))


def round(x: Tensor, decimals: int = 0) -> Tensor:
    """Return the entries rounded; the gradient is 0."""
    return as_tensor(np.round(plain(x, "round"), decimals))


def take(x: Tensor, indices: Any, axis: int | None = None) -> Tensor:
    """Return the entries at integers along an axis (None: of the flattened Tensor)."""
    return MOVED[np.take](x, indices, axis)  # type: ignore[no-any-return]


def repeat(x: Tensor, repeats: Any, axis: int | None = None) -> Tensor:
    """Return each entry several times along an axis (None: of the flattened Tensor)."""
    return MOVED[np.repeat](x, repeats, axis)  # type: ignore[no-any-return]


METHODS: dict[str, Function] = {
    f.__name__: f
    for f in (
        reductions.sum, reductions.mean, reductions.max, reductions.min, reductions.prod,
        reductions.var, reductions.std, reductions.argmax, reductions.argmin, reductions.cumsum,
        shaping.swapaxes, shaping.squeeze, shaping.ravel, shaping.diagonal, shaping.trace,
        linear_algebra.dot, elementwise.conj, elementwise.clip,
        reshape, transpose, any, all, argsort, nonzero, round, take, repeat,
    )
} | {"conjugate": elementwise.conj, "flatten": shaping.ravel}  # fmt: skip
PROPERTIES = {
    "T": property(shaping.transpose, doc="The Tensor with its axes in reverse order."),
    "mT": property(
        lambda x: shaping.swapaxes(x, -1, -2), doc="The Tensor with its last two axes exchanged."
    ),
    "real": property(elementwise.real),
    "imag": property(elementwise.imag),
}

for name, attribute in {**OPERATORS, **METHODS, **PROPERTIES}.items():
    setattr(Tensor, name, attribute)
