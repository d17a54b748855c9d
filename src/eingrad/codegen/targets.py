"""How each target spells what the emitter needs: element-wise functions, folds, linear algebra.

Spellings come from the function table; a function that NumPy lacks, or that a target computes
with an overflow, is a helper that the module defines (`eingrad.codegen.helpers`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from eingrad.codegen.code import Code, atom, call
from eingrad.core.functions import FUNCTIONS


@dataclass(frozen=True, slots=True)
class Target:
    """A framework. ``module`` is its prefix, ``axis`` its word for an axis.

    ``helpers`` are the functions that a module defines itself. ``reductions`` maps a function over
    axes to its spelling, ``single`` to a better one that takes one axis only.
    """

    name: str
    title: str
    module: str
    axis: str
    einsum: str
    helpers: frozenset[str]
    reductions: Mapping[str, str]
    single: Mapping[str, str]

    def function(self, name: str, x: Code) -> tuple[Code, str | None]:
        """Return a one-argument function of an array, and the helper that it needs.

        >>> str(TARGETS["jax"].function("gelu", atom("x"))[0])
        'jax.nn.gelu(x, approximate=False)'
        """
        if name in self.helpers:
            return call(name, x), name
        spelling = str(getattr(FUNCTIONS[name], self.name))
        found = re.fullmatch(r"([\w.]+)\((.*)\)", spelling)
        assert found is not None, spelling
        head = found[1].replace("torch.nn.functional.", "F.")
        arguments = [x if part == "{0}" else atom(part) for part in found[2].split(", ")]
        return call(head, *arguments), None

    def reduction(self, name: str, x: Code, axes: tuple[int, ...], ndim: int) -> tuple[Code, str]:
        """Return a function over axes, and its name if it is a helper."""
        whole = len(axes) == ndim and name in {"sum", "max", "min"}
        spelling = self.reductions[name]
        if len(axes) == 1 and name in self.single:
            spelling = self.single[name]
        helper = "" if "." in spelling else spelling
        if whole and self.name != "torch":
            return call(spelling, x), helper
        if whole:
            return call(f"torch.{name}", x), helper
        inside = atom(str(axes[0]) if len(axes) == 1 else str(axes))
        word = "axis" if helper else self.axis
        return call(spelling, x, **{word: inside}), helper


_FOLDS = (
    "softmax", "log_softmax", "logsumexp", "prod_others", "ismax", "ismin", "norm", "prod",
    "cumsum", "reverse_cumsum",
)  # fmt: skip


def _reductions(**own: str) -> dict[str, str]:
    return {name: name for name in _FOLDS} | own


NUMPY = Target(
    "numpy", "NumPy", "np", "axis", "einsum",
    frozenset({"sigmoid", "leaky_relu", "elu", "gelu", "silu", "erf"}),
    _reductions(sum="np.sum", max="np.max", min="np.min", prod="np.prod", argmax="np.argmax"),
    {"norm": "np.linalg.norm", "cumsum": "np.cumsum"},
)  # fmt: skip
TORCH = Target(
    "torch", "PyTorch", "torch", "dim", "torch.einsum", frozenset({"softplus"}),
    _reductions(
        sum="torch.sum", max="torch.amax", min="torch.amin", norm="torch.linalg.vector_norm",
        argmax="torch.argmax", logsumexp="torch.logsumexp",
    ),
    {"softmax": "torch.softmax", "log_softmax": "torch.log_softmax", "prod": "torch.prod",
     "cumsum": "torch.cumsum"},
)  # fmt: skip
JAX = Target(
    "jax", "JAX", "jnp", "axis", "jnp.einsum", frozenset(),
    _reductions(
        sum="jnp.sum", max="jnp.max", min="jnp.min", prod="jnp.prod", argmax="jnp.argmax",
        softmax="jax.nn.softmax", log_softmax="jax.nn.log_softmax", logsumexp="jax.nn.logsumexp",
    ),
    {"norm": "jnp.linalg.norm", "cumsum": "jnp.cumsum"},
)  # fmt: skip
TARGETS: Mapping[str, Target] = {target.name: target for target in (NUMPY, TORCH, JAX)}
