"""A backend as the engine sees it: a spelling, and what it knows of its own arrays."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal, Protocol, cast

from eingrad.engine.spelling import Spelling
from eingrad.errors import BackendError


@dataclass(frozen=True, slots=True)
class Backend:
    """A row of the table: ``module`` is its `Library`, ``package`` what must be installed.

    ``arrays`` are the packages in which the types of its arrays are defined, ``mesh`` is a module
    for programs on a mesh of devices.
    """

    module: str
    package: str
    arrays: tuple[str, ...] = ()
    mesh: str = ""


BackendName = Literal["numpy", "torch", "jax"]
"""What type checkers know of `BACKENDS`."""

BACKENDS = {
    "numpy": Backend("eingrad.engine.backends.numpy", "numpy"),
    "torch": Backend("eingrad.engine.backends.torch", "torch", ("torch",)),
    "jax": Backend(
        "eingrad.engine.backends.jax", "jax", ("jax", "jaxlib"), "eingrad.engine.backends.jax_mesh"
    ),
}


class Library(Protocol):
    """What the engine asks about the arrays of a backend."""

    spelling: Spelling

    def is_own(self, value: Any) -> bool:
        """Say whether a value is an array that needs no conversion."""

    def as_array(self, name: str, value: Any, others: Sequence[Any]) -> Any:
        """Return the backend's array of a value, on the device of ``others``."""

    def dtype_name(self, array: Any) -> str:
        """Return the name of a dtype, such as ``float32``."""

    def check_dtype(self, dtype: str) -> None:
        """Raise `BackendError` where the backend cannot compute in a dtype."""

    def default_dtype(self) -> str:
        """Return the dtype in which a program without arrays computes."""

    def full(self, shape: tuple[int, ...], value: int, dtype: str, others: Sequence[Any]) -> Any:
        """Return a constant array, on the device of ``others``."""

    def check_updated(self, name: str, value: Any, dtype: str) -> None:
        """Raise `ShapeError` unless an array can take its new value."""

    def own_copy(self, array: Any, device: str | None = None) -> Any:
        """Return a copy of NumPy's array for a long computation, on the best device or a given."""

    def joined(self, arrays: Sequence[Any], axis: int) -> Any:
        """Return arrays one after the other along an axis, as an array of its own."""

    def check_device(self, device: str) -> None:
        """Raise `BackendError` for a device that the backend has not."""

    def is_updatable(self, value: Any) -> bool:
        """Say quickly whether an array of the right dtype passes `check_updated`."""

    def checked(self, name: str, function: Callable[..., Any], dtype: str) -> Callable[[Any], Any]:
        """Return the caller's element-wise function with a check of what it returns."""

    def to_numpy(self, array: Any) -> Any:
        """Return an array as NumPy's."""

    def is_traced(self) -> bool:
        """Say whether a compiler of the backend's reads along in what runs now."""

    def constant(self, function: Callable[[Mapping[str, Any]], Any]) -> Callable[..., Any]:
        """Return a function of named arrays, which looks at their kind alone, as one in which such
        a compiler does not read along."""


def load_library(name: str) -> Library:
    """Return a backend. Raises `BackendError` where there is none, or its package is missing.

    >>> load_library("numpy").spelling.title
    'NumPy'
    """
    if name not in BACKENDS:
        near = difflib.get_close_matches(str(name).lower(), [*BACKENDS, "pytorch"], 1, 0.5)
        known = ", ".join(f'"{x}"' for x in BACKENDS)
        hint = f"the backends are: {known}"
        if near:
            hint = f'did you mean "{near[0].removeprefix("py")}"? {hint}'
        raise BackendError(f"there is no backend {name!r}", operand=name, hint=hint)
    backend = BACKENDS[name]
    if find_spec(backend.package) is None:
        raise BackendError(
            f"the backend {name!r} needs the package {backend.package}, which is not installed",
            operand=name,
            hint=f"pip install 'eingrad[{name}]'",
        )
    return cast(Library, importlib.import_module(backend.module))


def allow_float64(backend: str) -> None:
    """Let this whole process compute in float64 where a backend has to be told so: JAX."""
    load_library(backend)
    if backend == "jax":
        importlib.import_module("jax").config.update("jax_enable_x64", True)


def load_mesh(backend: str) -> Any:
    """Return the module for programs on a mesh of devices. Raises `BackendError` where none is."""
    load_library(backend)
    if not BACKENDS[backend].mesh:
        raise BackendError(
            f"the backend {backend!r} has no mesh of devices: mesh and shard are for JAX",
            operand=backend,
            hint='compile(backend="jax", mesh=..., shard=...)',
        )
    return importlib.import_module(BACKENDS[backend].mesh)


def backend_of(array: Any) -> str | None:
    """Return the backend in whose library the type of an array is defined, None if it is NumPy's.

    >>> backend_of([1, 2]) is None
    True
    """
    package = type(array).__module__.partition(".")[0]
    if package == "numpy":
        return None
    return next((name for name, row in BACKENDS.items() if package in row.arrays), None)


def to_numpy(array: Any) -> Any:
    """Return an array of any backend as NumPy's.

    >>> to_numpy([1, 2])
    array([1, 2])
    """
    return load_library(backend_of(array) or "numpy").to_numpy(array)
