"""A function whose tensors are spread over a mesh of devices, by the labels of their axes."""

from __future__ import annotations

import itertools
import math
import re
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eingrad.core.expr import Dim
from eingrad.engine.executable import Executable
from eingrad.engine.function import CompiledFunction
from eingrad.engine.library import load_mesh
from eingrad.engine.plan import Plan
from eingrad.engine.sharding import Layout, Placement, Spec, mesh_axes
from eingrad.engine.signature import Signature


@dataclass(frozen=True, slots=True)
class Placed:
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
    inputs: tuple[Placed, ...]
    outputs: tuple[Placed, ...]
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


def _place_row(place: Placed) -> str:
    return _row(place.tensor, place.split, f"{place.bytes:,}", f"{place.bytes_a_device:,}")


def _row(tensor: str, split: str, size: str, share: str) -> str:
    return f"{tensor:<20} {split:<32} {size:>16} {share:>16}"


class ShardedFunction(CompiledFunction):
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
        library = load_mesh("jax").MeshLibrary
        self.library = library(self._placed, self._given_back, self.updates)
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

    def _places(self, tensors: Iterable[Placement], signature: Signature) -> tuple[Placed, ...]:
        places = []
        for tensor in tensors:
            dtype = signature.input_dtypes.get(tensor.name, signature.result_dtype)
            shape = _shape(tensor.dims, signature)
            size = int(np.prod(shape, dtype=int)) * np.dtype(dtype).itemsize
            parts = self.layout.sharding.parts(tensor.spec)
            places.append(
                Placed(str(tensor), tensor.labels, shape, tensor.spec, size, size // parts)
            )
        return tuple(places)


def _shape(dims: tuple[Dim, ...], signature: Signature) -> tuple[int, ...]:
    return tuple(signature.sizes[dim] if isinstance(dim, str) else dim for dim in dims)


# --- collectives: read from the text of the compiled HLO ---

KINDS = (
    "all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute",
    "collective-broadcast", "ragged-all-to-all",
)  # fmt: skip
INSTRUCTION = re.compile(rf"= (?P<shape>.*?) (?P<kind>{'|'.join(KINDS)})(?P<start>-start)?\(")
ARRAY = re.compile(r"\b(?P<dtype>pred|bf16|[sufc]\d+|f8\w+)\[(?P<sizes>[\d,]*)\]")
IOTA = re.compile(r"replica_groups=\[([\d,]+)\]<=\[([\d,]+)\](?:T\(([\d,]+)\))?")
LISTED = re.compile(r"(?:replica_groups|source_target_pairs)=\{(\{[\d,{} ]*\})\}")
NAMED = re.compile(r"replica_groups=mesh\[([^\]]*)\](?:, device_ids=\(([^)]*)\))? *\{([^}]*)\}")
AXIS = re.compile(r"'?([\w.]+)'?(?::\((\d+)\)(\d+))?")

Groups = frozenset[frozenset[int]]


@dataclass(frozen=True, slots=True)
class Collective:
    """One instruction: the arrays that it moves, and over which axes of the mesh.

    ``shapes`` are those of one device, ``bytes`` their size (for ``all-gather`` of what is
    gathered, for ``reduce-scatter`` of what is reduced). ``over`` is empty where the ``devices``
    that work together are no axes of the mesh.
    """

    kind: str
    over: tuple[str, ...]
    devices: int
    shapes: tuple[str, ...]
    bytes: int

    @property
    def moved(self) -> int:
        """The bytes that a device sends, where the collective goes round a ring.

        An ``all-reduce`` is a ``reduce-scatter`` and an ``all-gather``: each sends all parts but
        one (Patarasuk and Yuan 2009).
        """
        if self.kind.startswith("collective"):
            return self.bytes
        rounds = 2 if self.kind == "all-reduce" else 1
        return rounds * self.bytes * (self.devices - 1) // max(1, self.devices)


def read_collectives(hlo: str, mesh: Mapping[str, int]) -> tuple[Collective, ...]:
    """Return the collectives of a compiled module; devices are numbered along the mesh.

    >>> line = "  %r = f32[4,2]{1,0} all-reduce(%x), replica_groups={{0,1},{2,3}}, to_apply=%add"
    >>> (one,) = read_collectives(line, {"data": 2, "model": 2})
    >>> one.kind, one.over, one.bytes, one.moved
    ('all-reduce', ('model',), 32, 32)
    """
    known = dict(_axis_groups(mesh))
    found = []
    for line in hlo.splitlines():
        match = INSTRUCTION.search(line)
        if match is None:
            continue
        kind, arrays = match["kind"], list(ARRAY.finditer(match["shape"]))
        if match["start"]:
            arrays = _results(kind, arrays)
        groups = _groups(line, math.prod(mesh.values()))
        devices = max(map(len, groups), default=1)
        if devices < 2:
            continue
        size = sum(map(_bytes, arrays)) * (devices if kind == "reduce-scatter" else 1)
        over = known.get(groups) or _permuted_axes(groups, known) * kind.endswith("permute")
        found.append(Collective(kind, over, devices, tuple(x[0] for x in arrays), size))
    return tuple(found)


def _results(kind: str, arrays: list[re.Match[str]]) -> list[re.Match[str]]:
    """Return the results of an asynchronous start, whose tuple has the operands, too."""
    if kind == "collective-permute":
        return arrays[1:2]
    return arrays[len(arrays) // 2 :] if kind == "all-gather" else arrays


def _bytes(array: re.Match[str]) -> int:
    bits = 8 if array["dtype"] == "pred" else int(re.findall(r"\d+", array["dtype"])[0])
    sizes = array["sizes"].split(",") if array["sizes"] else []
    return math.prod(map(int, sizes)) * bits // 8


def _axis_groups(mesh: Mapping[str, int]) -> Iterator[tuple[Groups, tuple[str, ...]]]:
    """Yield the groups of devices that differ along some axes of the mesh alone."""
    names = [name for name, count in mesh.items() if count > 1]
    devices = np.arange(math.prod(mesh.values())).reshape(tuple(mesh.values()))
    for n in range(1, len(names) + 1):
        for over in itertools.combinations(names, n):
            axes = [k for k, name in enumerate(mesh) if name in over]
            yield _along(devices, axes), over


def _along(devices: NDArray[np.int_], axes: list[int]) -> Groups:
    rest = [k for k in range(devices.ndim) if k not in axes]
    count = math.prod(devices.shape[k] for k in axes)
    rows = devices.transpose(*rest, *axes).reshape(-1, count)
    return frozenset(frozenset(row) for row in rows.tolist())


def _permuted_axes(pairs: Groups, known: Mapping[Groups, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the fewest axes along which every pair of a permutation lies."""
    for groups, over in known.items():
        if all(any(pair <= group for group in groups) for pair in pairs):
            return over
    return ()


def _groups(line: str, count: int) -> Groups:
    """Read which devices work together, in any of the forms in which XLA prints them."""
    if match := NAMED.search(line):
        return _named_groups(*match.groups())
    if match := IOTA.search(line):
        shape, sizes, order = (_integers(text) for text in match.groups())
        devices = np.arange(math.prod(sizes)).reshape(sizes)
        rows = devices.transpose(order or range(len(sizes))).reshape(-1, shape[-1])
        return frozenset(frozenset(row) for row in rows.tolist())
    if match := LISTED.search(line):
        listed = re.findall(r"\{([\d, ]*)\}", match[1])
        return frozenset(frozenset(_integers(row)) for row in listed)
    return frozenset({frozenset(range(count))})  # replica_groups={}: all of them


def _named_groups(axes: str, order: str | None, over: str) -> Groups:
    """Read ``mesh['axis_0'=4,'axis_1'=2] {'axis_0'}``; ``'axis_0':(2)2`` is a part of an axis."""
    sizes = {name: int(n) for name, n in re.findall(r"'?([\w.]+)'?=(\d+)", axes)}
    devices = np.array(_integers(order)) if order else np.arange(math.prod(sizes.values()))
    parts: list[int] = []
    chosen: list[int] = []
    wanted = {name: (before, size) for name, before, size in AXIS.findall(over)}
    for name, n in sizes.items():
        before, size = wanted.get(name, ("", ""))
        own = (int(before), int(size), n // int(before) // int(size)) if size else (n,)
        if name in wanted:
            chosen.append(len(parts) + (1 if size else 0))
        parts += own
    return _along(devices.reshape(parts), chosen)


def _integers(text: str | None) -> list[int]:
    return [int(n) for n in re.findall(r"\d+", text or "")]
