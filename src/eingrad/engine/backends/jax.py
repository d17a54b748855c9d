"""JAX: how each operation of a program is spelled; the whole program is compiled by ``jax.jit``.

JAX itself is not imported here; the source that is written imports it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from eingrad.core.functions import AXIS_FUNCTIONS
from eingrad.engine.program import BOOLEAN, INTEGER
from eingrad.engine.sharding import Placement
from eingrad.engine.spelling import Spelling

# fmt: off
EXPRESSIONS: dict[str, str] = {  # the other operations have NumPy's names
    "subtract": "{0} - {1}", "multiply": "{0} * {1}", "divide": "{0} / {1}",
    "negative": "-{0}",
    "copy":        "{0}",
    "repeat":      "jnp.broadcast_to({0}, {shape})",
    "fill":        "jnp.full({shape}, {0}, {dtype})",
    "sum":         "jnp.sum({0}, axis={axes}{keepdims})",
    "amax":        "jnp.max({0}, axis={axes}{keepdims})",
    "amin":        "jnp.min({0}, axis={axes}{keepdims})",
    "shift":       "jax.lax.stop_gradient(jnp.max({0}, axis={axes}{keepdims}).clip({least}))",
    "prod":        "jnp.prod({0}, axis={axes}{keepdims})",
    "prod_others": "prod_others({0})",
    "cumsum":      "jnp.cumsum({0}, axis={spec})",
    "argmax":      "jnp.argmax({0}, axis=-1)",
    "argsort":     "jnp.argsort({0}, axis=-1)",
    "matmul":      "{0} @ {1}",
    "einsum":      "jnp.einsum({spec!r}, {0}, {1})",
    "gemm":        "({3} * ({1} @ {2}) + {4} * {0}{spec}).reshape({shape})",
    "logical_not": "~{0}",
    "bits":        "{0}",
    "keep_where":  "jnp.where({1}, {0}, 0)",
    "on_diagonal": "on_diagonal({0}, {spec!r}, {shape}, {dtype})",
    "call":        "{spec}({0})",
    "adjugate":    "adjugate({0})",
    "constrain":   "constrain({0}, mesh, {spec})",
    "log_of_sum":  "jnp.log({0})",
    "place":       "jnp.zeros({shape}, {dtype}).at[{spec}].set({0})",
    "concat":      "jnp.concatenate(({arguments},), axis={spec})",
    "indices":     "jnp.arange({spec})",
    "to_integer":  "{0}.astype(int)",
    "gather":      "gather({spec}, {shape}, {arguments})",
    "scatter":     "scatter({spec}, {shape}, {arguments})",
}
# fmt: on
NATIVE = frozenset(
    {name for name, row in AXIS_FUNCTIONS.items() if row.smooth} | {"gather", "scatter"}
)
HELPERS = ("adjugate", "gather", "on_diagonal", "prod_others", "scatter")
NEEDED = {name: f"from eingrad.engine.backends.jax_functions import {name}" for name in HELPERS}
NEEDED["constrain"] = "from eingrad.engine.backends.jax_mesh import constrain"


SPELLING = Spelling(
    name="jax", title="JAX", prefix="jnp", imports=("import jax", "import jax.numpy as jnp"),
    dtypes={INTEGER: "int", BOOLEAN: "bool"},
    expressions=EXPRESSIONS, needed=NEEDED, native=NATIVE,
    arrays_only=frozenset({"where"}), cast="{0}.astype({dtype})",
    full="jnp.full((), {0}, {dtype})", decorator="@jax.jit",
)  # fmt: skip


def sharded_spelling(
    inputs: Iterable[Placement], results: Iterable[Placement], updated: Iterable[str]
) -> Spelling:
    """Return the spelling of a program for a mesh, whose decorator says where everything is."""
    inputs, updated = list(inputs), set(updated)
    donated = tuple(k for k, tensor in enumerate(inputs) if tensor.name in updated)
    lines = ["@sharded(", "    mesh,"]
    for what, tensors in (("inputs", inputs), ("results", list(results))):
        lines += [f"    {what}=(", *(f"        {x.spec},  # {x}" for x in tensors), "    ),"]
    lines += [f"    donate={donated},"] * bool(donated) + [")"]
    needed = "from eingrad.engine.backends.jax_mesh import sharded"
    return replace(SPELLING, imports=(*SPELLING.imports, needed), decorator="\n".join(lines))
