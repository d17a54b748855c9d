"""JAX on a mesh of devices: where arrays are placed, and programs that run on all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding

from eingrad.engine.backends import jax as jax_backend
from eingrad.engine.backends import numpy as numpy_backend
from eingrad.engine.sharding import Placement, Spec
from eingrad.errors import BackendError

Array = Any


def make_mesh(mesh: Any) -> Mesh:
    """Return a mesh over which XLA places what is between inputs and results.

    ``mesh`` is JAX's own, or the number of devices along each axis: ``{"data": 4, "model": 2}``
    takes the first eight devices. Raises BackendError where there are too few.
    """
    if isinstance(mesh, Mesh):
        devices, names = mesh.devices, mesh.axis_names
    elif isinstance(mesh, Mapping):
        devices, names = _devices(mesh), tuple(mesh)
    else:
        raise BackendError(
            f"mesh is {mesh!r}, which is no mesh",
            operand="mesh",
            hint='pass a jax.sharding.Mesh, or sizes such as {"data": 4, "model": 2}',
        )
    if not hasattr(jax.sharding, "AxisType"):  # JAX before 0.5 knows the one kind of axis
        return Mesh(devices, names)
    return Mesh(devices, names, axis_types=(jax.sharding.AxisType.Auto,) * len(names))


def _devices(sizes: Mapping[Any, Any]) -> np.ndarray[Any, Any]:
    for name, count in sizes.items():
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise BackendError(
                f"the mesh axis {name} has {count!r} devices; it needs a whole number, at least 1",
                operand=str(name),
            )
    wanted, devices = math.prod(sizes.values()), jax.devices()
    if wanted > len(devices):
        raise BackendError(
            f"the mesh {describe(sizes)} needs {wanted} devices, but JAX has {len(devices)} "
            f"({devices[0].platform})",
            operand="mesh",
            hint="on a CPU any number can be had: set the environment variable "
            f"XLA_FLAGS=--xla_force_host_platform_device_count={wanted}",
        )
    if wanted < len(devices) and jax.process_count() > 1:
        raise BackendError(
            f"the mesh {describe(sizes)} has {wanted} devices, but the {jax.process_count()} "
            f"processes have {len(devices)}, all of which must be in it",
            operand="mesh",
        )
    return np.array(devices[:wanted]).reshape(tuple(sizes.values()))


def describe(sizes: Mapping[Any, Any]) -> str:
    """Return the axes of a mesh as one writes them on the command line.

    >>> describe({"data": 4, "model": 2})
    'data=4,model=2'
    """
    return ",".join(f"{name}={count}" for name, count in sizes.items())


def at(mesh: Mesh, spec: Spec) -> NamedSharding:
    """Return where a tensor is that is split so."""
    partition: Any = jax.sharding.PartitionSpec
    return NamedSharding(mesh, partition(*spec))


# --- placing ------------------------------------------------------------------------------------


def place(array: Any, sharding: NamedSharding, *, keep: bool = False) -> Array:
    """Return an array that is split over the mesh; one that is so already is returned itself.

    An array of NumPy's is the whole one, the same in each process. With ``keep`` the result
    shares no memory with ``array``.
    """
    if isinstance(array, jax.core.Tracer):
        return array
    if isinstance(array, jax.Array):
        if keep:  # device_put shares the part that stays on its device, may_alias or not
            array = jnp.copy(array)
        if array.sharding == sharding:
            return array
        if not array.is_fully_addressable:
            return jax.jit(jnp.copy, out_shardings=sharding)(array)
        if sharding.is_fully_addressable:
            return jax.device_put(array, sharding)
    whole = np.asarray(array)
    if sharding.is_fully_addressable:
        return jax.device_put(whole, sharding)
    return jax.make_array_from_callback(whole.shape, sharding, whole.__getitem__)


# --- processes ----------------------------------------------------------------------------------


def join(coordinator: str, processes: int, process_id: int) -> None:
    """Make this process one of several whose devices are one mesh, before JAX does anything.

    ``coordinator`` is the address HOST:PORT at which process 0 listens. Raises BackendError where
    the others cannot be met.
    """
    try:
        jax.distributed.initialize(coordinator, processes, process_id)
    except (RuntimeError, ValueError) as error:
        raise BackendError(
            f"process {process_id} of {processes} cannot join the others at {coordinator}: "
            f"{str(error).splitlines()[0]}",
            operand="coordinator",
            hint="start all processes with the same HOST:PORT, at which process 0 can listen",
        ) from error


def process_index() -> int:
    """Return the number of this process."""
    return int(jax.process_index())


def share(mesh: Mesh, axis: str) -> tuple[int, int]:
    """Return which run of rows this process has of what is split over a mesh axis: (k, n).

    Where its devices hold no k-th of n equal runs, that is (0, 1): it must pass them all.
    """
    parts = mesh.shape[axis]
    held = at(mesh, (axis,)).addressable_devices_indices_map((parts,))
    rows = sorted({index[0].indices(parts)[0] for index in held.values() if index})
    first, count = rows[0], len(rows)
    if rows != list(range(first, first + count)) or parts % count or first % count:
        return 0, 1
    return first // count, parts // count


def from_rows(rows: Any, sharding: NamedSharding, shape: tuple[int, ...]) -> Array:
    """Return an array of which each process passes the rows that its devices hold.

    The rows are copied: they may be a buffer that is written again.
    """
    own = np.array(rows)
    if sharding.is_fully_addressable:
        return jax.device_put(own, sharding)
    make: Any = jax.make_array_from_process_local_data
    return make(sharding, own, shape)


# --- what the source of a program calls -----------------------------------------------------------


def constrain(array: Array, mesh: Mesh, spec: Spec) -> Array:
    """Say how an intermediate result is split."""
    lax: Any = jax.lax
    return lax.with_sharding_constraint(array, at(mesh, spec))


def explicit_mesh(arrays: Sequence[Any]) -> Any:
    """Return the mesh of Explicit axes on which a program that calls this one computes, or None.

    On such axes (JAX 0.6 and later) each operation says how its result is split. Traced arrays
    have the mesh in their type, and so has the context, ``jax.set_mesh``.
    """
    if not hasattr(jax.sharding, "use_abstract_mesh"):
        return None
    traced = (jax.typeof(x).sharding.mesh for x in arrays if isinstance(x, jax.core.Tracer))
    for mesh in (*traced, jax.sharding.get_abstract_mesh()):
        if mesh.axis_names and mesh.are_all_axes_explicit:
            return mesh
    return None


def sharded(
    mesh: Mesh, inputs: Sequence[Spec], results: Sequence[Spec], donate: Sequence[int] = ()
) -> Callable[[Callable[..., Any]], Sharded]:
    """Compile a function for a mesh: a decorator. The memory of ``donate`` goes to the results."""
    return lambda function: Sharded(function, mesh, inputs, results, donate)


class Sharded:
    """A function of arrays, compiled for a mesh; arrays that are elsewhere are moved first."""

    def __init__(
        self, function: Callable[..., Any], mesh: Mesh, inputs: Sequence[Spec],
        results: Sequence[Spec], donate: Sequence[int],
    ) -> None:  # fmt: skip
        self.function, self.mesh, self.specs = function, mesh, (tuple(inputs), tuple(results))
        self.inputs, self.donated = tuple(at(mesh, spec) for spec in inputs), frozenset(donate)
        self.jit = jax.jit(
            function, in_shardings=self.inputs, donate_argnums=tuple(donate),
            out_shardings=tuple(at(mesh, spec) for spec in results),
        )  # fmt: skip

    def __call__(self, *arrays: Any) -> tuple[Array, ...]:
        explicit = explicit_mesh(arrays)
        if explicit is not None:
            return self._within(explicit, arrays)
        placed = []
        for k, (array, sharding) in enumerate(zip(arrays, self.inputs, strict=True)):
            mine = k in self.donated
            twice = mine and any(array is other for other in arrays[:k] + arrays[k + 1 :])
            moves = mine and getattr(array, "sharding", None) != sharding
            placed.append(place(array, sharding, keep=twice or moves))
        results: tuple[Array, ...] = self.jit(*placed)
        return results

    def _within(self, mesh: Any, arrays: Sequence[Any]) -> tuple[Array, ...]:
        """Compute where the caller's own program says how arrays are split: XLA does it in here."""
        if dict(mesh.shape) != dict(self.mesh.shape):
            raise BackendError(
                f"the arrays are on the mesh {describe(mesh.shape)}, but the function is compiled "
                f"for {describe(self.mesh.shape)}",
                operand="mesh",
                hint="compile it for the mesh on which the arrays are",
            )
        inputs, results = self.specs

        def function(*arrays: Any) -> Any:
            split = [constrain(x, self.mesh, spec) for x, spec in zip(arrays, inputs, strict=True)]
            return self.function(*split)

        partition: Any = jax.sharding.PartitionSpec
        with jax.sharding.use_abstract_mesh(mesh):
            run = jax.sharding.auto_axes(
                function, axes=mesh.axis_names, out_sharding=tuple(partition(*s) for s in results)
            )
            computed: tuple[Array, ...] = run(*arrays)
        return computed

    def hlo(self, shapes: Sequence[tuple[tuple[int, ...], str]]) -> str:
        """Return the text of the compiled module for inputs of known shapes and dtypes."""
        struct: Any = jax.ShapeDtypeStruct
        structs = [struct(shape, jax.dtypes.canonicalize_dtype(dtype)) for shape, dtype in shapes]
        return str(self.jit.lower(*structs).compile().as_text())


class MeshLibrary:
    """JAX's arrays as the engine asks about them, where the program itself places them."""

    def __init__(
        self, inputs: Iterable[Placement], results: Iterable[Placement], updated: Iterable[str]
    ) -> None:
        self.spelling = jax_backend.sharded_spelling(inputs, results, updated)

    is_own = staticmethod(jax_backend.is_own)
    dtype_name = staticmethod(jax_backend.dtype_name)
    check_dtype = staticmethod(jax_backend.check_dtype)
    default_dtype = staticmethod(jax_backend.default_dtype)
    check_updated = staticmethod(jax_backend.check_updated)
    is_updatable = staticmethod(jax_backend.is_updatable)
    checked = staticmethod(jax_backend.checked)
    to_numpy = staticmethod(jax_backend.to_numpy)
    own_copy = staticmethod(np.array)

    @staticmethod
    def as_array(name: str, value: Any, others: Sequence[Any] = ()) -> Any:  # noqa: ARG004
        """Return JAX's array, or NumPy's: what is not on the mesh yet goes there in parts."""
        return value if isinstance(value, jax.Array) else numpy_backend.as_array(name, value)

    @staticmethod
    def full(shape: tuple[int, ...], value: int, dtype: str, others: Sequence[Any]) -> Any:  # noqa: ARG004
        """Return a constant array of NumPy's."""
        return np.full(shape, value, np.dtype(dtype))
