"""Where the tensors of a model are on a mesh of devices: by the author's letters for their axes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from eingrad.calculus.optim import StateTensor
from eingrad.core.expr import Dim, Expr, Var, postorder
from eingrad.core.later import Later
from eingrad.errors import BackendError
from eingrad.notation.system import System

if TYPE_CHECKING:
    from eingrad.engine import library, sharding
    from eingrad.engine.sharding import Layout, MeshAxes, Placement, Sharding
else:
    library, sharding = Later("eingrad.engine.library"), Later("eingrad.engine.sharding")

Shard: TypeAlias = "Mapping[str, MeshAxes | None]"
"""The mesh axis, or axes, that split what has a label; None for a label that stays whole."""
Letters = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class MeshLayout:
    """A mesh of JAX's, what it splits, and the tensors that have a name.

    ``letters`` are the author's for the axes of each tensor, and those of the derivatives;
    ``named`` are tensors and derivatives as expressions over the inputs.
    """

    mesh: Any
    sharding: Sharding
    letters: Letters
    named: Mapping[str, Expr]

    @classmethod
    def choose(
        cls, mesh: Any, shard: Shard | None, system: System, backend: str, letters: Letters,
        named: Mapping[str, Expr],
    ) -> Self | None:  # fmt: skip
        """Check what a caller asks for; None is no mesh. Raises EingradError."""
        if mesh is None and shard is None:
            return None
        devices = library.load_mesh(backend)
        if mesh is None:
            raise BackendError(
                "shard says how tensors are split, but there is no mesh to split them over",
                operand="mesh",
                hint='pass mesh={"data": 8}, or a jax.sharding.Mesh',
            )
        mesh = devices.make_mesh(mesh)
        labels = [x for own in (*system.letters.values(), *system.labels.values()) for x in own]
        dims = [dim for dim in system.letters if isinstance(dim, str)]
        split = sharding.Sharding.choose(dict(mesh.shape), shard or {}, [*labels, *dims])
        for name, own in system.labels.items():
            split.check_tensor(name, own)
        return cls(mesh, split, {**system.labels, **letters}, named)

    def inner(self, roots: Iterable[Expr]) -> dict[str, Expr]:
        """Return the named tensors that are computed on the way to ``roots``."""
        nodes = set(postorder(list(roots)))
        return {name: expr for name, expr in self.named.items() if expr in nodes}

    def layout(
        self,
        system: System,
        results: Mapping[str, Expr],
        inner: Mapping[str, Expr],
        state: Mapping[str, StateTensor],
        like: Mapping[str, str],
    ) -> Layout:
        """Return how inputs, results and what is between them are split.

        What an optimizer keeps is split like the parameter that ``like`` says it belongs to.
        """
        tensors = {name: self._tensor(name, var.dims) for name, var in system.inputs.items()}
        tensors |= {name: self._tensor(name, expr.dims) for name, expr in results.items()}
        tensors |= {name: self._tensor(name, x.var.dims, like[name]) for name, x in state.items()}
        split: dict[Expr, Placement] = {}
        for name, expr in inner.items():
            if not isinstance(expr, Var):
                split.setdefault(expr, self._tensor(name, expr.dims))
        return sharding.Layout(self.mesh, self.sharding, tensors, split)

    def _tensor(self, name: str, dims: tuple[Dim, ...], like: str | None = None) -> Placement:
        own = self.letters.get(like or name, ())
        labels = own if len(own) == len(dims) else tuple(map(str, dims))
        return sharding.Placement(name, dims, labels, self.sharding.spec(dims, labels))
