"""How each target spells what the emitter needs: element-wise functions and functions over axes.

Spellings come from the functions' records. What a target lacks is a function that the module
defines itself (`eingrad.codegen.templates`), by a text or by the record's recipe.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from eingrad.codegen.code import Code, atom, call
from eingrad.codegen.templates import HELPERS
from eingrad.core.functions import AXIS_FUNCTIONS, FUNCTIONS, imported, spelling


@dataclass(frozen=True, slots=True)
class Target:
    """A framework. ``module`` is its prefix, ``axis`` its word for an axis."""

    name: str
    title: str
    module: str
    axis: str
    einsum: str
    functional: str = "F"
    """The name of torch.nn.functional."""
    fused: bool = False
    """Whether a softmax is one pass, and not the operations that it is made of."""

    def spelling(self, name: str, count: int) -> tuple[str, tuple[str, ...]]:
        """Return how a function is written over arguments, and imports; "" for one of its own.

        SciPy is imported only for what there is no recipe for.
        """
        if name in HELPERS[self.name]:
            return "", ()
        text, lines = imported(spelling(FUNCTIONS[name], self.name, count))
        if lines and FUNCTIONS[name].recipe is not None:
            return "", ()
        return text.replace("torch.nn.functional.", f"{self.functional}."), lines

    def function(self, name: str, arguments: Sequence[Code]) -> Code | None:
        """Return a call, None where the spelling is no call that has each argument once.

        >>> str(TARGETS["jax"].function("gelu", [atom("x")]))
        'jax.nn.gelu(x, approximate=False)'
        """
        text, _ = self.spelling(name, len(arguments))
        found = re.fullmatch(r"([\w.]+)\(([^()]*)\)", text)
        parts = found[2].split(", ") if found else []
        places = [f"{{{k}}}" for k in range(len(arguments))]
        if found is None or [x for x in parts if "{" in x] != places:
            return None
        codes = iter(arguments)
        return call(found[1], *(next(codes) if "{" in part else atom(part) for part in parts))

    def reduction(self, name: str, x: Code, axes: tuple[int, ...], ndim: int) -> Code | None:
        """Return a function over axes, None if it is the module's own."""
        record = AXIS_FUNCTIONS[name]
        text = str(getattr(record, self.name))
        if not text or (len(axes) > 1 and self.name in record.single.split()):
            return None
        if len(axes) == ndim and name in {"sum", "max", "min"}:
            return call(f"{self.module}.{name}", x)
        inside = atom(str(axes[0]) if len(axes) == 1 else str(axes))
        head, bracket, options = text.partition("({0}, ")
        if not bracket:
            return call(text, x, **{self.axis: inside})
        words = dict(part.split("=") for part in options[:-1].split(", "))
        return call(head, x, **{k: atom(v.format(axis=inside)) for k, v in words.items()})


TargetName = Literal["numpy", "torch", "jax"]
"""What type checkers know of `TARGETS`."""

NUMPY = Target("numpy", "NumPy", "np", "axis", "einsum")
TORCH = Target("torch", "PyTorch", "torch", "dim", "torch.einsum", fused=True)
JAX = Target("jax", "JAX", "jnp", "axis", "jnp.einsum")
TARGETS: Mapping[str, Target] = {target.name: target for target in (NUMPY, TORCH, JAX)}
