"""PyTorch: how each operation of a program is spelled, so that autograd can go through it.

PyTorch itself is not imported here; the source that is written imports it.
"""

from __future__ import annotations

from eingrad.core.functions import AXIS_FUNCTIONS
from eingrad.engine.program import BOOLEAN, INTEGER, Shape
from eingrad.engine.spelling import Spelling

# fmt: off
EXPRESSIONS: dict[str, str] = {  # the other operations have NumPy's names
    "subtract": "{0} - {1}", "multiply": "{0} * {1}", "divide": "{0} / {1}",
    "negative": "-{0}",
    "copy":        "{0}.clone()",
    "repeat":      "{0}.expand({shape}).clone()",
    "fill":        "torch.full({shape}, {0}, dtype={dtype}{device})",
    "sum":         "torch.sum({0}, dim={axes}{keepdim})",
    "amax":        "torch.amax({0}, dim={axes}{keepdim})",
    "amin":        "torch.amin({0}, dim={axes}{keepdim})",
    "shift":       "torch.amax({0}, dim={axes}{keepdim}).detach().clamp(min={least})",
    "prod":        "prod({0}, {axes}, {keep})",
    "prod_others": "prod_others({0})",
    "cumsum":      "torch.cumsum({0}, dim={spec})",
    "argmax":      "torch.argmax({0}, dim=-1)",
    "argsort":     "torch.argsort({0}, dim=-1, stable=True)",
    "matmul":      "{0} @ {1}",
    "einsum":      "torch.einsum({spec!r}, {0}, {1})",
    "gemm":        "torch.addmm({0}{spec}, {3} * {1}, {2}, beta={4}).reshape({shape})",
    "logical_not": "~{0}",
    "bits":        "{0}",
    "keep_where":  "torch.where({1}, {0}, 0)",
    "on_diagonal": "on_diagonal({0}, {spec!r}, {shape}, {dtype}{device})",
    "call":        "{spec}({0})",
    "log_of_sum":  "torch.log({0})",
    "place":       "place({0}, {shape}, {spec})",
    "concat":      "torch.cat(({arguments},), dim={spec})",
    "indices":     "torch.arange({spec}{device})",
    "to_integer":  "{0}.to(torch.int64)",
    "gather":      "{0}[{others}]",
    "adjugate":    "adjugate({0})",
    "scatter":     "scatter({shape}, {arguments})",
}
# fmt: on
NATIVE = frozenset(name for name, row in AXIS_FUNCTIONS.items() if row.smooth)
HELPERS = ("adjugate", "on_diagonal", "place", "prod", "prod_others", "scatter")
NEEDED = {name: f"from eingrad.engine.backends.torch_functions import {name}" for name in HELPERS}


def index(text: str, shape: Shape) -> str:
    """Write an index; PyTorch has no negative steps."""
    forward, flipped = forward_slices(text, shape)
    return f"[{forward}]" + (f".flip({flipped})" if flipped else "")


def forward_slices(text: str, shape: Shape) -> tuple[str, tuple[int, ...]]:
    """Return an index without negative steps, which PyTorch lacks, and the axes to flip after it.

    ``shape`` is that of what the index selects.

    >>> forward_slices("3::-1, 0:6:3", (4, 2))
    ('0:4:1, 0:6:3', (0,))
    """
    parts, flipped, axis = [], [], 0
    for part in text.split(", "):
        first, *rest = part.split(":")
        if len(rest) == 2 and int(rest[1]) < 0:
            start, step, count = int(first), -int(rest[1]), shape[axis]
            least = start - (count - 1) * step if count else start + 1
            flipped.append(axis)
            part = f"{least}:{start + 1}:{step}"
        parts.append(part)
        axis += bool(rest) or part == "None"
    return ", ".join(parts), tuple(flipped)


def place_arguments(text: str, shape: Shape) -> str:
    """Return regular indices, and the axes to flip before, as arguments of ``place``.

    >>> place_arguments("7::-2, 1:4:1", (4, 3))
    '(slice(1, 8, 2), slice(1, 4, 1)), (0,)'
    """
    index, flipped = forward_slices(text, shape)
    slices = [f"slice({', '.join(part.split(':'))})" for part in index.split(", ")]
    return (
        f"({', '.join(slices)},), {flipped}"
        if len(slices) == 1
        else (f"({', '.join(slices)}), {flipped}")
    )


SPELLING = Spelling(
    name="torch", title="PyTorch", prefix="torch", axis="dim", imports=("import torch",),
    dtypes={INTEGER: "torch.int64", BOOLEAN: "torch.bool"},
    expressions=EXPRESSIONS, needed=NEEDED, native=NATIVE,
    permute="permute", index=index, place=place_arguments,
    arrays_only=frozenset({"*"}),
    cast="{0}.to({dtype})", full="torch.full((), {0}, dtype={dtype}{device})",
    update="{0}.copy_({1})", update_decorator="@torch.no_grad()",
)  # fmt: skip
