"""JAX's arrays, as the engine asks about them; `engine.library.Library` says what is what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding

from eingrad.engine.backends import numpy_arrays
from eingrad.engine.backends.jax import SPELLING
from eingrad.errors import BackendError, ShapeError

spelling = SPELLING


def is_own(value: Any) -> bool:
    """Say whether a value is an array of JAX's, perhaps a traced one."""
    return isinstance(value, jax.Array)


WIDE = {"float64": "float32", "complex128": "complex64"}


def as_array(name: str, value: Any, others: Sequence[Any] = ()) -> Any:  # noqa: ARG001
    """Return an array; a traced one stays what it is.

    NumPy's floating-point arrays do, too, until their dtype is known to be one that JAX has:
    JAX itself would make float32 of float64 without a word.
    """
    if isinstance(value, jax.Array):
        return value
    array = numpy_arrays.as_array(name, value)
    return array if array.dtype.name in WIDE else jnp.array(array)


def dtype_name(array: Any) -> str:
    """Return the name of a dtype."""
    return str(array.dtype.name)


def check_dtype(dtype: str) -> None:
    """Raise where JAX would silently compute in single precision."""
    if dtype in WIDE and default_dtype() != "float64":
        raise BackendError(
            f"JAX computes in {WIDE[dtype]} unless it is told otherwise, but {dtype} is asked for",
            operand=dtype,
            hint='jax.config.update("jax_enable_x64", True) before the first array is made, or '
            f'compile(dtype="{WIDE[dtype]}")',
        )


def default_dtype() -> str:
    """Return the dtype in which a program without arrays computes."""
    return str(jnp.result_type(float).name)


def full(shape: tuple[int, ...], value: int, dtype: str, others: Sequence[Any]) -> jax.Array:  # noqa: ARG001
    """Return a constant array."""
    return jnp.full(shape, value, dtype)


def own_copy(array: Any) -> jax.Array:
    """Return a copy of NumPy's array on the default device."""
    return jnp.array(array)


def is_updatable(value: Any) -> bool:  # noqa: ARG001
    """New values are returned: every array will do."""
    return True


def check_updated(name: str, value: Any, dtype: str) -> None:
    """Raise where the new value would have another dtype."""
    given = numpy_arrays.as_array(name, value) if not hasattr(value, "dtype") else value
    if dtype_name(given) != dtype:
        raise ShapeError(
            f"{name} is given a new value of dtype {dtype}, but its dtype is {dtype_name(given)}",
            operand=name,
            hint=f"{name} = jnp.asarray({name}, jnp.{dtype})",
        )


def checked(name: str, function: Callable[..., Any], dtype: str) -> Callable[[Any], Any]:
    """Return the caller's function with a check of what it returns; it is traced by JAX."""

    def call(x: jax.Array) -> jax.Array:
        result = jnp.asarray(function(x))
        if result.shape != x.shape:
            raise ShapeError(
                f"the function {name} took shape {x.shape} and returned shape {result.shape}; "
                "it must be element-wise",
                operand=name,
            )
        return result.astype(dtype)

    return call


def to_numpy(array: Any) -> Any:
    """Return an array as NumPy's: the whole of it.

    Where an array is spread over several processes, all of them must ask at the same time.
    """
    if isinstance(array, jax.Array) and not array.is_fully_addressable:
        if not array.is_fully_replicated:
            partition: Any = jax.sharding.PartitionSpec
            assert isinstance(array.sharding, NamedSharding)
            whole = NamedSharding(array.sharding.mesh, partition())
            array = jax.jit(jnp.copy, out_shardings=whole)(array)
        array = array.addressable_data(0)
    return np.asarray(array)
