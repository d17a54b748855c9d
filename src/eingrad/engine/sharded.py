"""A function whose tensors are spread over a mesh of devices, by the labels of their axes."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from typing import Any

import numpy as np

from eingrad.core.expr import Dim
from eingrad.engine.backends.jax import sharded_spelling
from eingrad.engine.collectives import Collective, read_collectives
from eingrad.engine.executable import Executable
from eingrad.engine.function import Function
from eingrad.engine.library import load_mesh
from eingrad.engine.plan import Plan
from eingrad.engine.sharding import Layout, Placement, Spec, mesh_axes
from eingrad.engine.signature import Signature


@dataclass(frozen=True, slots=True)
class Place:
    """An input or a result: how it is split, and its bytes in all and on each device."""

    tensor: str
    labels: tuple[str, ...]
    shape: tuple[int, ...]
    spec: Spec
    bytes: int
    bytes_a_device: int

    @property
    def split(self) -> str:
        """The split axes in words, such as ``b over data``."""
        words = [
            f"{label} over {' x '.join(mesh_axes(entry))}"
            for label, entry in zip(self.labels, self.spec, strict=True)
            if entry
        ]
        return ", ".join(words) or "whole on each device"


@dataclass(frozen=True, slots=True, repr=False)
class ShardedPlan(Plan):
    """A plan with where everything is and what the devices tell each other.

    The steps are the whole computation, of which each device does its part; ``collectives`` are
    read from the compiled HLO.
    """

    mesh: Mapping[str, int]
    inputs: tuple[Place, ...]
    outputs: tuple[Place, ...]
    collectives: tuple[Collective, ...]

    @property
    def moved(self) -> int:
        """The bytes that each device sends in a call, where collectives go round rings."""
        return sum(c.moved for c in self.collectives)

    def __str__(self) -> str:
        mesh = ", ".join(f"{name} = {count}" for name, count in self.mesh.items())
        updated = {place.tensor for place in self.inputs}
        return "\n".join([
            Plan.__str__(self),
            f"mesh: {mesh}",
            _row("input", "split", "bytes", "bytes a device"),
            *map(_place_row, self.inputs),
            _row("in all", "", *(f"{n:,}" for n in self.input_bytes)),
            _row("result", "split", "bytes", "bytes a device"),
            *(_place_row(place) for place in self.outputs if place.tensor not in updated),
            *self._collective_rows(),
        ])  # fmt: skip

    @property
    def input_bytes(self) -> tuple[int, int]:
        """The bytes of all inputs and state, and those of them that each device has."""
        return sum(x.bytes for x in self.inputs), sum(x.bytes_a_device for x in self.inputs)

    def _collective_rows(self) -> list[str]:
        if not self.collectives:
            return ["no collectives: the devices need nothing of each other"]
        rows = [f"{'collective':<20} {'over':<18} {'count':>6} {'arrays':>6} {'bytes':>16}"]
        for (kind, over), group in groupby(sorted(self.collectives, key=_kind), key=_kind):
            ops = list(group)
            names = " x ".join(over) or f"{ops[0].devices} devices"
            arrays, size = sum(len(op.shapes) for op in ops), sum(op.bytes for op in ops)
            rows.append(f"{kind:<20} {names:<18} {len(ops):>6} {arrays:>6} {size:>16,}")
        return [*rows, f"each device sends {self.moved:,} bytes a call (round rings)"]


def _kind(collective: Collective) -> tuple[str, tuple[str, ...]]:
    return collective.kind, collective.over


def _place_row(place: Place) -> str:
    return _row(place.tensor, place.split, f"{place.bytes:,}", f"{place.bytes_a_device:,}")


def _row(tensor: str, split: str, size: str, share: str) -> str:
    return f"{tensor:<20} {split:<32} {size:>16} {share:>16}"


class ShardedFunction(Function):
    """A compiled function on a mesh: inputs go where their labels say, and so do results.

    Arrays of NumPy's are split on the way in; JAX's are moved where they are elsewhere. What an
    update replaces is donated: the arrays that were passed in are deleted, if they were in place.
    """

    def __init__(self, *args: Any, layout: Layout, **options: Any) -> None:
        super().__init__(*args, **options)
        self.layout, self.inner = layout, layout.inner
        tensors = layout.tensors
        self._placed = [tensors[var.name] for var in (*self.inputs, *self._state_inputs)]
        self._given_back = [tensors[name] for name in self._results]
        spelling = sharded_spelling(self._placed, self._given_back, self.updates)
        self.library = load_mesh("jax").MeshLibrary(spelling)
        self._signatures: weakref.WeakKeyDictionary[Executable, Signature]
        self._signatures = weakref.WeakKeyDictionary()
        self._plans: weakref.WeakKeyDictionary[Executable, ShardedPlan]
        self._plans = weakref.WeakKeyDictionary()

    def place(self, name: str, rows: Any, shape: Sequence[int]) -> Any:
        """Return an input of ``shape`` on the mesh, of which this process passes its own rows.

        One process, or one that has devices for all of it, passes the whole. Raises ShapeError
        where the mesh does not divide the shape.
        """
        self.check_shape(name, shape)
        library = load_mesh("jax")
        sharding = library.at(self.layout.mesh, self.layout.tensors[name].spec)
        return library.from_rows(rows, sharding, tuple(shape))

    def check_shape(self, name: str, shape: Sequence[int]) -> None:
        """Raise `ShapeError` where the mesh does not divide the shape of an input."""
        tensor = self.layout.tensors[name]
        sizes = {str(dim): n for dim, n in zip(tensor.dims, shape, strict=True)}
        self.layout.sharding.check_sizes(tensor, sizes)

    def _globals(self) -> Mapping[str, Any]:
        return {"mesh": self.layout.mesh}

    def _nominal_sizes(self, dims: Sequence[str]) -> dict[str, int]:
        """Return sizes that the mesh divides."""
        total = int(np.prod(list(self.layout.sharding.mesh.values()), dtype=int))
        return {d: n * total for d, n in super()._nominal_sizes(dims).items()}

    def _make(self, signature: Signature) -> Executable:
        for tensor in (*self._placed, *self._given_back, *self.inner.values()):
            self.layout.sharding.check_sizes(tensor, signature.sizes)
        executable = super()._make(signature)
        self._signatures[executable] = signature
        return executable

    @property
    def hlo(self) -> str:
        """The text of the module that XLA runs on each device."""
        executable = self._shown
        signature = self._signatures[executable]
        shapes = [
            (_shape(tensor.dims, signature), signature.input_dtypes[tensor.name])
            for tensor in self._placed
        ]
        run: Any = executable.positional()
        return str(run.hlo(shapes))

    @property
    def plan(self) -> ShardedPlan:
        """The table of contractions, of where tensors are, and of collectives."""
        executable = self._shown
        if executable not in self._plans:
            signature, mesh = self._signatures[executable], self.layout.sharding.mesh
            plan = executable.plan
            self._plans[executable] = ShardedPlan(
                **{field.name: getattr(plan, field.name) for field in fields(Plan)},
                mesh=mesh, inputs=self._places(self._placed, signature),
                outputs=self._places(self._given_back, signature),
                collectives=read_collectives(self.hlo, mesh),
            )  # fmt: skip
        return self._plans[executable]

    def _places(self, tensors: Iterable[Placement], signature: Signature) -> tuple[Place, ...]:
        places = []
        for tensor in tensors:
            dtype = signature.input_dtypes.get(tensor.name, signature.result_dtype)
            shape = _shape(tensor.dims, signature)
            size = int(np.prod(shape, dtype=int)) * np.dtype(dtype).itemsize
            parts = self.layout.sharding.parts(tensor.spec)
            places.append(
                Place(str(tensor), tensor.labels, shape, tensor.spec, size, size // parts)
            )
        return tuple(places)


def _shape(dims: tuple[Dim, ...], signature: Signature) -> tuple[int, ...]:
    return tuple(signature.sizes[dim] if isinstance(dim, str) else dim for dim in dims)
