"""Training on a mesh of devices: what is split over it, and which rows each process reads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from eingrad.api.models.model import Model
from eingrad.core.expr import Dim
from eingrad.engine.library import load_mesh
from eingrad.engine.sharded import ShardedFunction
from eingrad.errors import EingradError
from eingrad.learn.batches import Share

BATCH_AXIS, HIDDEN_AXIS = "data", "model"


@dataclass(frozen=True, slots=True)
class MeshOptions:
    """What is asked for: devices along each axis of the mesh, and the labels that they split.

    Without ``shard`` the minibatch is split over the axis ``data``, hidden units over ``model``.
    """

    sizes: Mapping[str, int]
    shard: Mapping[str, str] | None = None

    @classmethod
    def read(cls, mesh: str, shard: str | None = None) -> MeshOptions:
        """Read the command line's ``data=4,model=2`` and ``b=data,h=model``.

        >>> MeshOptions.read("data=4,model=2").sizes
        {'data': 4, 'model': 2}
        """
        sizes = {}
        for name, count in _pairs("--mesh", mesh, "data=4,model=2").items():
            if not count.isascii() or not count.isdigit() or not int(count):
                raise EingradError(
                    f"--mesh: the axis {name} has {count!r} devices, which is no whole number of "
                    "at least 1",
                    operand="mesh",
                )
            sizes[name] = int(count)
        return cls(sizes, None if shard is None else _pairs("--shard", shard, "b=data,h=model"))

    def __str__(self) -> str:
        return ", ".join(f"{name} = {count}" for name, count in self.sizes.items())


def _pairs(option: str, text: str, example: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not (name and equals and value) or name in pairs:
            twice = f"{name} stands there twice" if name in pairs else f"{part!r} is no name=value"
            raise EingradError(
                f"{option} {text}: {twice}",
                operand=option.removeprefix("--"),
                hint=f"for example {option} {example}",
            )
        pairs[name] = value
    return pairs


def default_shard(
    model: Model, batch: Dim, hidden: Collection[Dim], sizes: Mapping[str, int]
) -> dict[str, str]:
    """Return what is split over the axes ``data`` and ``model`` where nobody says otherwise.

    No tensor may have two split axes of ``hidden`` units: of layers in a row every other one is
    split, its own weights by columns and the next layer's by rows.

    >>> from eingrad import parse
    >>> deep = parse("Y_bo = tanh(tanh(X_bi U_ih) V_hk) W_ko")
    >>> default_shard(deep, "b", ["h", "k"], {"data": 4, "model": 2})
    {'b': 'data', 'h': 'model'}
    """
    shard = {str(batch): BATCH_AXIS} if BATCH_AXIS in sizes else {}
    if HIDDEN_AXIS in sizes:
        system = model.system
        tensors = [set(x.dims) for x in system.inputs.values()]
        tensors += [set(x.expr.dims) for x in system.definitions.values()]
        split: set[Dim] = set()
        for dim in hidden:
            if not any(dim in dims and dims & split for dims in tensors):
                split.add(dim)
                shard[str(dim)] = HIDDEN_AXIS
    return shard


@dataclass(frozen=True, slots=True)
class MeshShare(Share):
    """A process's rows of each minibatch: all of one that ``parts`` devices cannot share."""

    parts: int = 1

    def rows(self, size: int) -> slice:
        """Return which rows of a minibatch of ``size`` this process reads."""
        return slice(0, size) if size % self.parts else Share.rows(self, size)

    def largest(self, size: int) -> int:
        """Return a number of rows that none of these exceeds."""
        return size if self.parts > 1 else Share.largest(self, size)


@dataclass(frozen=True, slots=True)
class Pair:
    """A function for minibatches that the mesh divides, and one for the others: the last ones.

    They share what the optimizer keeps.
    """

    split: ShardedFunction
    whole: ShardedFunction
    parts: int

    def __post_init__(self) -> None:
        self.whole.state = self.split.state

    @property
    def state(self) -> dict[str, Any]:
        """What the optimizer keeps."""
        state: dict[str, Any] = self.split.state
        return state

    def for_batch(
        self, size: int, arrays: Mapping[str, Any]
    ) -> tuple[ShardedFunction, dict[str, Any]]:
        """Return the function for a minibatch of ``size`` rows, and its arrays on the mesh.

        ``arrays`` are this process's rows.
        """
        if size % self.parts:
            return self.whole, dict(arrays)
        return self.split, {
            name: self.split.place(name, x, (size, *x.shape[1:])) for name, x in arrays.items()
        }


class TrainingMesh:
    """The mesh of a run, for one model. Raises `EingradError` where it does not fit the model."""

    def __init__(
        self, options: MeshOptions, model: Model, batch: Dim, hidden: Collection[Dim], backend: str
    ) -> None:
        if backend != "jax":
            raise EingradError(
                f"--mesh needs --backend jax; {backend} has no mesh of devices", operand="mesh"
            )
        self.sizes = dict(options.sizes)
        given = options.shard
        self.shard = dict(
            default_shard(model, batch, hidden, self.sizes) if given is None else given
        )
        for name in self.sizes:
            if name not in self.shard.values():
                raise EingradError(
                    f"nothing is split over the mesh axis {name}",
                    operand="shard",
                    hint=f"name the label that it splits, as in --shard LABEL={name}",
                )
        library = load_mesh("jax")
        self.mesh = library.make_mesh(self.sizes)
        letters = {*model.system.letters.get(batch, ()), str(batch)}
        self._whole = {x: axis for x, axis in self.shard.items() if x not in letters}
        own = [axis for x, axis in self.shard.items() if x in letters][:1]
        self.parts = self.sizes.get(own[0], 1) if own else 1
        index, count = library.share(self.mesh, own[0]) if own else (0, 1)
        self.share = MeshShare(index, count, self.parts)

    def compile(self, compile_for: Callable[..., Any]) -> Pair:
        """Compile for minibatches that the mesh divides, and for those that it does not.

        ``compile_for`` takes ``mesh`` and ``shard``, as `Derivatives.compile` does.
        """
        split, whole = (
            compile_for(mesh=self.mesh, shard=shard) for shard in (self.shard, self._whole)
        )
        return Pair(split, whole, self.parts)

    def whole_batches(self, size: int) -> int:
        """Return the largest size up to ``size`` that the mesh divides, if there is one."""
        return size - size % self.parts or size

    def check_batch_size(self, size: int) -> None:
        """Raise where a minibatch cannot be split evenly."""
        if size % self.parts:
            next_size = -(-size // self.parts) * self.parts
            raise EingradError(
                f"--batch-size {size} cannot be split evenly over {self.parts} devices",
                operand="batch_size",
                hint=f"take a multiple of {self.parts}, such as {next_size}",
            )

    def __str__(self) -> str:
        words = [f"{label} over {axis}" for label, axis in self.shard.items()]
        return f"mesh {', '.join(f'{n} = {k}' for n, k in self.sizes.items())}: {', '.join(words)}"
