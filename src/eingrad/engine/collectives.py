"""Which collectives a compiled program runs: read from the text of its HLO."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
