"""NumPy's arrays, as the engine asks about them; `engine.library.Library` says what is what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from eingrad.engine.backends.numpy import SPELLING
from eingrad.errors import ShapeError

spelling = SPELLING


def is_own(value: Any) -> bool:
    """Say whether a value is an array of NumPy's, and of no subclass."""
    return type(value) is np.ndarray


def as_array(name: str, value: Any, others: Sequence[Any] = ()) -> np.ndarray[Any, Any]:  # noqa: ARG001
    """Return an array of numbers."""
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise ShapeError(f"{name} is not an array of numbers: {error}", operand=name) from None
    if array.dtype.kind not in "biufc" and array.dtype.name != "bfloat16":
        raise ShapeError(
            f"{name} has dtype {array.dtype}: not numbers",
            operand=name,
            hint="convert it to float32, float64 or an integer dtype first",
        )
    return array


def dtype_name(array: Any) -> str:
    """Return the name of a dtype."""
    return str(array.dtype.name)


def check_dtype(dtype: str) -> None:
    """NumPy computes in every dtype."""


def default_dtype() -> str:
    """Return the dtype in which a program without arrays computes."""
    return "float64"


def full(shape: tuple[int, ...], value: int, dtype: str, others: Sequence[Any]) -> Any:  # noqa: ARG001
    """Return a constant array."""
    return np.full(shape, value, dtype)


def own_copy(array: Any) -> Any:
    """Return a copy that is contiguous."""
    return np.array(array, order="C")


def is_updatable(value: Any) -> bool:
    """Say whether an array is writeable and contiguous."""
    flags = getattr(value, "flags", None)
    return flags is not None and flags.writeable and flags.c_contiguous


def check_updated(name: str, value: Any, dtype: str) -> None:
    """Raise unless an array can take its new value in place."""
    wanted = f"a writeable, C-contiguous NumPy array of dtype {dtype}"
    if not isinstance(value, np.ndarray):
        problem = f"it is a {type(value).__name__}"
    elif value.dtype != dtype:
        problem = f"its dtype is {value.dtype}"
    elif not value.flags.writeable:
        problem = "it is read-only"
    elif not value.flags.c_contiguous:
        problem = "it is not C-contiguous"
    else:
        return
    raise ShapeError(
        f"{name} is updated in place: it must be {wanted}, but {problem}",
        operand=name,
        hint=f"{name} = np.ascontiguousarray({name}, dtype=np.{dtype})",
    )


def checked(name: str, function: Callable[..., Any], dtype: str) -> Callable[[Any], Any]:
    """Return the caller's function with a check of what it returns."""

    def call(x: Any) -> Any:
        result = np.asarray(function(x))
        if result.shape != np.shape(x) or result.dtype.kind not in "biufc":
            raise ShapeError(
                f"the function {name} took shape {np.shape(x)} and returned shape {result.shape}, "
                f"dtype {result.dtype}; it must be element-wise",
                operand=name,
            )
        return result if result.shape else np.dtype(dtype).type(result)

    return call


def to_numpy(array: Any) -> Any:
    """Return an array as NumPy's."""
    return np.asarray(array)
