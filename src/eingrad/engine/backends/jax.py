"""JAX: how each operation of a program is spelled; the whole program is compiled by ``jax.jit``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding

from eingrad.core.functions import AXIS_FUNCTIONS
from eingrad.engine.backends import numpy as numpy_backend
from eingrad.engine.program import BOOLEAN, INTEGER
from eingrad.engine.sharding import Placement
from eingrad.engine.spelling import Spelling
from eingrad.errors import BackendError, ShapeError

CONVOLUTIONS = ("conv", "conv_input", "conv_kernel")
# fmt: off
EXPRESSIONS: dict[str, str] = {  # the other operations have NumPy's names
    "subtract": "{0} - {1}", "multiply": "{0} * {1}", "divide": "{0} / {1}",
    "negative": "-{0}",
    "copy":        "{0}",
    "repeat":      "jnp.broadcast_to({0}, {shape})",
    "fill":        "jnp.full({shape}, {0}, {dtype})",
    "sum":         "jnp.sum({0}, axis={axes}{keepdims})",
    "amax":        "jnp.max({0}, axis={axes}{keepdims})",
    "amin":        "jnp.min({0}, axis={axes}{keepdims})",
    "shift":       "jax.lax.stop_gradient(jnp.max({0}, axis={axes}{keepdims}).clip({least}))",
    "prod":        "jnp.prod({0}, axis={axes}{keepdims})",
    "prod_others": "prod_others({0})",
    "cumsum":      "jnp.cumsum({0}, axis={spec})",
    "argmax":      "jnp.argmax({0}, axis=-1)",
    "argsort":     "jnp.argsort({0}, axis=-1)",
    "matmul":      "{0} @ {1}",
    "einsum":      "jnp.einsum({spec!r}, {0}, {1})",
    "gemm":        "({3} * ({1} @ {2}) + {4} * {0}{spec}).reshape({shape})",
    "logical_not": "~{0}",
    "bits":        "{0}",
    "keep_where":  "jnp.where({1}, {0}, 0)",
    "on_diagonal": "on_diagonal({0}, {spec!r}, {shape}, {dtype})",
    "call":        "{spec}({0})",
    "adjugate":    "adjugate({0})",
    "constrain":   "constrain({0}, mesh, {spec})",
    "log_of_sum":  "jnp.log({0})",
    "place":       "jnp.zeros({shape}, {dtype}).at[{spec}].set({0})",
    "concat":      "jnp.concatenate(({arguments},), axis={spec})",
    "indices":     "jnp.arange({spec})",
    "to_integer":  "{0}.astype(int)",
    "gather":      "gather({spec}, {shape}, {arguments})",
    "scatter":     "scatter({spec}, {shape}, {arguments})",
    "add_at":      "add_at({spec[0]}, {spec[1]}, {arguments})",
    "window":      "window({spec}, {0})",
    "band":        "jnp.asarray(band_values({spec}), {dtype})",
    "moved":       "moved({spec}, {arguments})",
    **{op: f"{op}({{spec}}, {{0}}, {{1}})" for op in CONVOLUTIONS},
}
# fmt: on
NATIVE = frozenset(
    {name for name, row in AXIS_FUNCTIONS.items() if row.smooth} | {"gather", "scatter", "conv"}
)
HELPERS = (
    "add_at",
    "adjugate",
    "gather",
    "moved",
    "on_diagonal",
    "prod_others",
    "scatter",
    "window",
)
NEEDED = {name: f"from eingrad.engine.backends.jax_functions import {name}" for name in HELPERS}
NEEDED |= {op: f"from eingrad.engine.backends.jax_convolutions import {op}" for op in CONVOLUTIONS}
NEEDED["band"] = "from eingrad.engine.window_steps import band_values"
NEEDED["constrain"] = "from eingrad.engine.backends.jax_mesh import constrain"


spelling = Spelling(
    name="jax", title="JAX", prefix="jnp", imports=("import jax", "import jax.numpy as jnp"),
    dtypes={INTEGER: "int", BOOLEAN: "bool"},
    expressions=EXPRESSIONS, needed=NEEDED, native=NATIVE,
    arrays_only=frozenset({"where"}), cast="{0}.astype({dtype})",
    full="jnp.full((), {0}, {dtype})", decorator="@jax.jit",
    loop="scan",
)  # fmt: skip


def sharded_spelling(
    inputs: Iterable[Placement], results: Iterable[Placement], updated: Iterable[str]
) -> Spelling:
    """Return the spelling of a program for a mesh, whose decorator says where everything is."""
    inputs, updated = list(inputs), set(updated)
    donated = tuple(k for k, tensor in enumerate(inputs) if tensor.name in updated)
    lines = ["@sharded(", "    mesh,"]
    for what, tensors in (("inputs", inputs), ("results", list(results))):
        lines += [f"    {what}=(", *(f"        {x.spec},  # {x}" for x in tensors), "    ),"]
    lines += [f"    donate={donated},"] * bool(donated) + [")"]
    needed = "from eingrad.engine.backends.jax_mesh import sharded"
    return replace(spelling, imports=(*spelling.imports, needed), decorator="\n".join(lines))


# --- what the engine asks about arrays: `engine.library.Library` ---


def is_own(value: Any) -> bool:
    """Say whether a value is an array of JAX's, perhaps a traced one."""
    return isinstance(value, jax.Array)


WIDE = {"float64": "float32", "complex128": "complex64"}


def as_array(name: str, value: Any, others: Sequence[Any] = ()) -> Any:  # noqa: ARG001
    """Return an array, of the dtype that ``jnp.array`` gives it; a traced one stays what it is."""
    if isinstance(value, jax.Array):
        return value
    return jnp.array(numpy_backend.as_array(name, value))


def dtype_name(array: Any) -> str:
    """Return the name of a dtype."""
    return str(array.dtype.name)


def check_dtype(dtype: str) -> None:
    """Raise where JAX has not the dtype that was asked for: without x64, float64."""
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


def own_copy(array: Any, device: str | None = None) -> jax.Array:
    """Return a copy of NumPy's array on the default device, or another."""
    return jnp.array(array) if device is None else jax.device_put(array, _device(device))


def joined(arrays: Sequence[Any], axis: int) -> jax.Array:
    """Return arrays one after the other along an axis."""
    return jnp.concatenate([*arrays], axis)


def check_device(device: str) -> None:
    """Raise `BackendError` for a device that JAX has not."""
    _device(device)


def _device(name: str) -> jax.Device:
    kind, _, number = name.partition(":")
    try:
        return jax.devices(kind)[int(number or 0)]
    except (RuntimeError, ValueError, IndexError) as error:
        raise BackendError(
            f"JAX has no device {name!r} here",
            operand="device",
            hint=f"it has {', '.join(map(str, jax.devices()))}: cpu, gpu or gpu:1",
        ) from error


def is_updatable(value: Any) -> bool:  # noqa: ARG001
    """New values are returned: every array will do."""
    return True


def check_updated(name: str, value: Any, dtype: str) -> None:
    """Raise where the new value would have another dtype."""
    given = numpy_backend.as_array(name, value) if not hasattr(value, "dtype") else value
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


is_traced = numpy_backend.is_traced  # what JAX traces is arrays of its own
constant = numpy_backend.constant
