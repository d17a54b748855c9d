"""PyTorch's tensors, as the engine asks about them; `engine.library.Library` says what is what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eingrad.engine.backends import numpy_arrays
from eingrad.engine.backends.torch import SPELLING
from eingrad.errors import ShapeError

spelling = SPELLING


def is_own(value: Any) -> bool:
    """Say whether a value is a tensor."""
    return isinstance(value, Tensor)


def as_array(name: str, value: Any, others: Sequence[Any] = ()) -> Tensor:
    """Return a tensor; what is none yet goes to the device of the first one among ``others``."""
    if isinstance(value, Tensor):
        return value
    array = numpy_arrays.as_array(name, value)
    device = next((x.device for x in others if isinstance(x, Tensor)), None)
    if not (array.flags.writeable and array.flags.c_contiguous):
        array = np.array(array, order="C")
    return torch.as_tensor(array, device=device)


def dtype_name(array: Any) -> str:
    """Return the name of a dtype."""
    return str(array.dtype).removeprefix("torch.")


def check_dtype(dtype: str) -> None:
    """PyTorch computes in every dtype of the engine's."""


def default_dtype() -> str:
    """Return the dtype in which a program without arrays computes."""
    return "float64"


def full(shape: tuple[int, ...], value: int, dtype: str, others: Sequence[Any]) -> Tensor:
    """Return a constant tensor."""
    device = next((x.device for x in others if isinstance(x, Tensor)), None)
    return torch.full(shape, value, dtype=getattr(torch, dtype), device=device)


def own_copy(array: Any) -> Tensor:
    """Return a copy of NumPy's array, on the graphics card where there is one."""
    return torch.tensor(array, device="cuda" if torch.cuda.is_available() else None)


def is_updatable(value: Any) -> bool:
    """Say whether a value is a tensor."""
    return isinstance(value, Tensor)


def check_updated(name: str, value: Any, dtype: str) -> None:
    """Raise unless a tensor can take its new value in place."""
    if not isinstance(value, Tensor):
        problem = f"it is a {type(value).__name__}"
    elif dtype_name(value) != dtype:
        problem = f"its dtype is {dtype_name(value)}"
    else:
        return
    raise ShapeError(
        f"{name} is updated in place: it must be a PyTorch tensor of dtype {dtype}, but {problem}",
        operand=name,
        hint=f"{name} = torch.as_tensor({name}, dtype=torch.{dtype})",
    )


def checked(name: str, function: Callable[..., Any], dtype: str) -> Callable[[Any], Any]:
    """Return the caller's function with a check of what it returns."""

    def call(x: Tensor) -> Tensor:
        result = function(x)
        if not isinstance(result, Tensor) or result.shape != x.shape:
            shape = tuple(getattr(result, "shape", ()))
            raise ShapeError(
                f"the function {name} took a tensor of shape {tuple(x.shape)} and returned a "
                f"{type(result).__name__} of shape {shape}; it must be element-wise",
                operand=name,
            )
        return result.to(getattr(torch, dtype))

    return call


def to_numpy(array: Any) -> Any:
    """Return a tensor as NumPy's array."""
    return array.detach().cpu().numpy()
