"""Sharding by index name: which axis of a tensor is split over which axis of a device mesh."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from eingrad.core.expr import Dim, Expr
from eingrad.errors import BackendError, EingradError, ShapeError

MeshAxes = str | tuple[str, ...]
Spec = tuple[MeshAxes | None, ...]
"""For each axis of a tensor the mesh axes that split it, None where every device has it whole."""


@dataclass(frozen=True, slots=True)
class Sharding:
    """``mesh`` has the number of devices along each of its axes, ``axes`` those of each label.

    >>> sharding = Sharding.choose({"data": 4, "model": 2}, {"b": "data", "h": "model"}, "bihok")
    >>> sharding.spec(("b", "h"))
    ('data', 'model')
    """

    mesh: Mapping[str, int]
    axes: Mapping[str, tuple[str, ...]]

    @classmethod
    def choose(
        cls, mesh: Mapping[str, int], shard: Mapping[str, MeshAxes | None], labels: Iterable[str]
    ) -> Self:
        """Check what a caller asks for: ``shard`` maps labels to mesh axes, ``labels`` are all.

        Raises EingradError for a label that the model lacks, BackendError for a mesh axis.
        """
        known, axes = list(dict.fromkeys(labels)), {}
        for label, wanted in shard.items():
            if label not in known:
                raise EingradError(
                    f"shard: the model has no label {label}",
                    label=str(label),
                    hint=_one_of("labels", label, known),
                )
            names = (wanted,) if isinstance(wanted, str) else tuple(wanted or ())
            for name in names:
                if name not in mesh:
                    raise BackendError(
                        f"shard: label {label} is to be split over {name!r}, which is no axis of "
                        "the mesh",
                        label=label,
                        operand=str(name),
                        hint=_one_of("mesh axes", name, mesh),
                    )
            if len(set(names)) < len(names):
                raise BackendError(
                    f"shard: label {label} is to be split over a mesh axis twice", label=label
                )
            axes[label] = names
        return cls(dict(mesh), axes)

    def spec(self, dims: Sequence[Dim], labels: Sequence[str] = ()) -> Spec:
        """Return how a tensor is split: each axis by its own label, or else by its dimension.

        ``labels`` are the author's letters for the axes, ``dims`` their dimensions, which are
        called by the letter that was used first: in ``Z_bh = ...; A_bo = Z_bk W_ko`` the rows of
        W have the label k and the dimension h. A mesh axis splits a tensor once: of the rows and
        columns of ``A_ii`` only the rows.

        >>> sharding = Sharding.choose({"model": 2}, {"h": "model"}, "bhok")
        >>> sharding.spec(("h", "o"), ("k", "o")), sharding.spec(("h", "h"))
        (('model', None), ('model', None))
        """
        if len(labels) != len(dims):
            labels = [str(dim) for dim in dims]
        chosen: list[tuple[str, ...]] = [()] * len(dims)
        taken: set[str] = set()
        by_label = list(enumerate(labels))
        by_dim = [(k, d) for k, d in enumerate(dims) if labels[k] not in self.axes]
        for k, name in [*by_label, *by_dim]:
            wanted = self.axes.get(str(name), ())
            if not chosen[k] and not taken & set(wanted):
                chosen[k] = wanted
                taken |= set(wanted)
        return tuple(names[0] if len(names) == 1 else names or None for names in chosen)

    def check_tensor(self, name: str, labels: Sequence[str]) -> None:
        """Raise `ShapeError` where one mesh axis would have to split two labels of a tensor."""
        owner: dict[str, str] = {}
        for label in labels:
            for axis in self.axes.get(label, ()):
                other = owner.setdefault(axis, label)
                if other != label:
                    raise ShapeError(
                        f"{written(name, labels)}: the labels {other} and {label} are both to be "
                        f"split over the mesh axis {axis}, which can split one axis of a tensor",
                        label=label,
                        operand=name,
                        hint=f"split {other} and {label} over two axes of the mesh, or leave one "
                        "of them whole",
                    )

    def check_sizes(self, tensor: Placement, sizes: Mapping[str, int]) -> None:
        """Raise `ShapeError` where some axis of a tensor cannot be split evenly."""
        for dim, label, entry in zip(tensor.dims, tensor.labels, tensor.spec, strict=True):
            size = sizes.get(dim, 0) if isinstance(dim, str) else dim
            count = self.count(entry)
            if size % count:
                axes = " x ".join(mesh_axes(entry))
                raise ShapeError(
                    f"label {label}: {tensor} has size {size} there, which the {count} devices "
                    f"along the mesh axis {axes} do not divide",
                    label=label,
                    operand=tensor.name,
                    hint=f"take a multiple of {count}, such as {-(-size // count) * count}, or "
                    f"leave {label} whole",
                )

    def count(self, entry: MeshAxes | None) -> int:
        """Return into how many parts the mesh axes split an axis."""
        return math.prod(self.mesh[name] for name in mesh_axes(entry))

    def parts(self, spec: Spec) -> int:
        """Return into how many parts a tensor is split.

        >>> Sharding({"data": 4, "model": 2}, {}).parts(("data", None, "model"))
        8
        """
        return math.prod(map(self.count, spec))


@dataclass(frozen=True, slots=True)
class Placement:
    """A tensor with its dimensions, the author's letters for its axes, and how it is split."""

    name: str
    dims: tuple[Dim, ...]
    labels: tuple[str, ...]
    spec: Spec

    def __str__(self) -> str:
        return written(self.name, self.labels)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is: ``mesh`` is JAX's, ``tensors`` are inputs, results and state by name,
    ``inner`` is how intermediate results are split."""

    mesh: Any
    sharding: Sharding
    tensors: Mapping[str, Placement]
    inner: Mapping[Expr, Placement]


def mesh_axes(entry: MeshAxes | None) -> tuple[str, ...]:
    """Return the mesh axes of an entry of a spec.

    >>> mesh_axes("data"), mesh_axes(None)
    (('data',), ())
    """
    return (entry,) if isinstance(entry, str) else entry or ()


def written(name: str, labels: Sequence[str]) -> str:
    """Return a tensor as one writes it.

    >>> written("W1", ("i", "h")), written("W", ("in", "out")), written("L", ())
    ('W1_ih', 'W[in,out]', 'L')
    """
    if all(len(label) == 1 for label in labels):
        return name + ("_" + "".join(labels) if labels else "")
    return f"{name}[{','.join(labels)}]"


def _one_of(what: str, name: object, known: Iterable[str]) -> str:
    known = list(known)
    near = difflib.get_close_matches(str(name), known, 1, 0.5)
    meant = f"did you mean {near[0]}? " if near else ""
    return f"{meant}the {what} are {', '.join(known)}"
