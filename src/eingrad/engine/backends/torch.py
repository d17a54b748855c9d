"""PyTorch: how each operation of a program is spelled, so that autograd can go through it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import index as index_of
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eingrad.core.functions import AXIS_FUNCTIONS
from eingrad.engine.backends import numpy as numpy_backend
from eingrad.engine.program import BOOLEAN, INTEGER, Shape
from eingrad.engine.spelling import Spelling
from eingrad.errors import BackendError, ShapeError

CONVOLUTIONS = ("conv", "conv_input", "conv_kernel")
# fmt: off
EXPRESSIONS: dict[str, str] = {  # the other operations have NumPy's names
    "dot":         "torch.dot({0}, {1}.to({0}.dtype))",  # which differ under autocast
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
    "add_at":      "add_at({spec[0]}, {arguments})",
    "window":      "window({spec}, {0})",
    "band":        "band({spec}, {dtype}{device})",
    "moved":       "moved({spec}, {arguments})",
    **{op: f"{op}({{spec}}, {{0}}, {{1}})" for op in CONVOLUTIONS},
}
# fmt: on
NATIVE = frozenset({"conv", *(name for name, row in AXIS_FUNCTIONS.items() if row.smooth)})
HELPERS = (
    "add_at", "adjugate", "band", "moved", "on_diagonal", "place", "prod", "prod_others", "scatter",
    "window",
)  # fmt: skip
NEEDED = {name: f"from eingrad.engine.backends.torch_functions import {name}" for name in HELPERS}
NEEDED |= {
    op: f"from eingrad.engine.backends.torch_convolutions import {op}" for op in CONVOLUTIONS
}


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


spelling = Spelling(
    name="torch", title="PyTorch", prefix="torch", axis="dim", imports=("import torch",),
    dtypes={INTEGER: "torch.int64", BOOLEAN: "torch.bool"},
    expressions=EXPRESSIONS, needed=NEEDED, native=NATIVE,
    permute="permute", index=index, place=place_arguments,
    arrays_only=frozenset({"*"}),
    cast="{0}.to({dtype})", full="torch.full((), {0}, dtype={dtype}{device})",
    # what copy_ writes into a float64 without axes, torch.compile forgets (2.13)
    update="{0}[...] = {1}", update_decorator="@torch.no_grad()", casts_results=True,
)  # fmt: skip


# --- what the engine asks about tensors: `engine.library.Library` ---


def is_own(value: Any) -> bool:
    """Say whether a value is a tensor."""
    return isinstance(value, Tensor)


def as_array(name: str, value: Any, others: Sequence[Any] = ()) -> Tensor:
    """Return a tensor; what is none yet goes to the device of the first one among ``others``."""
    if isinstance(value, Tensor):
        return value
    device = next((x.device for x in others if isinstance(x, Tensor)), None)
    if is_traced():
        return torch.as_tensor(np.asarray(value), device=device)
    array = numpy_backend.as_array(name, value)
    if not (array.flags.writeable and array.flags.c_contiguous):
        array = np.array(array, order="C")
    return torch.as_tensor(array, device=device)


def dtype_name(array: Any) -> str:
    """Return the name of a dtype."""
    return str(array.dtype).removeprefix("torch.")


def check_dtype(dtype: str) -> None:
    """PyTorch computes in every dtype of the engine's."""


def default_dtype() -> str:
    """Return the dtype in which a program without arrays computes."""
    return "float64"


def full(shape: tuple[int, ...], value: int, dtype: str, others: Sequence[Any]) -> Tensor:
    """Return a constant tensor."""
    device = next((x.device for x in others if isinstance(x, Tensor)), None)
    return torch.full(shape, value, dtype=getattr(torch, dtype), device=device)


def own_copy(array: Any, device: str | None = None) -> Tensor:
    """Return a copy of NumPy's array, on the graphics card where there is one."""
    best = "cuda" if torch.cuda.is_available() else None
    return torch.tensor(array, device=device or best)


def joined(arrays: Sequence[Any], axis: int) -> Tensor:
    """Return arrays one after the other along an axis, as an array of its own."""
    return torch.cat([*arrays], axis)


def check_device(device: str) -> None:
    """Raise `BackendError` for a device on which no tensor can be made."""
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise BackendError(
            f"PyTorch has no device {device!r} here ({str(error).splitlines()[0]})",
            operand="device",
            hint="cpu, or cuda where there is a graphics card",
        ) from error


def is_updatable(value: Any) -> bool:
    """Say whether a value is a tensor."""
    return isinstance(value, Tensor)


def check_updated(name: str, value: Any, dtype: str) -> None:
    """Raise unless a tensor can take its new value in place."""
    if not isinstance(value, Tensor):
        problem = f"it is a {type(value).__name__}"
    elif dtype_name(value) != dtype:
        problem = f"its dtype is {dtype_name(value)}"
    else:
        return
    raise ShapeError(
        f"{name} is updated in place: it must be a PyTorch tensor of dtype {dtype}, but {problem}",
        operand=name,
        hint=f"{name} = torch.as_tensor({name}, dtype=torch.{dtype})",
    )


def checked(name: str, function: Callable[..., Any], dtype: str) -> Callable[[Any], Any]:
    """Return the caller's function with a check of what it returns."""

    def call(x: Tensor) -> Tensor:
        result = function(x)
        if not isinstance(result, Tensor) or result.shape != x.shape:
            shape = tuple(getattr(result, "shape", ()))
            raise ShapeError(
                f"the function {name} took a tensor of shape {tuple(x.shape)} and returned a "
                f"{type(result).__name__} of shape {shape}; it must be element-wise",
                operand=name,
            )
        return result.to(getattr(torch, dtype))

    return call


def to_numpy(array: Any) -> Any:
    """Return a tensor as NumPy's array."""
    return array.detach().cpu().numpy()


def is_traced() -> bool:
    """Say whether ``torch.compile`` or ``torch.export`` reads along."""
    return torch.compiler.is_dynamo_compiling()


class ProgramsOfTraces:
    """What a traced function looks up: an attribute each, so that a new one is no change to all."""


def constant(function: Callable[[Mapping[str, Any]], Any]) -> Callable[..., Any]:
    """Return a function that ``torch.compile`` calls as it traces, with tensors of no memory."""
    known = ProgramsOfTraces()

    @torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
    def find(kinds: tuple[Any, ...]) -> str:
        found = function(
            {
                name: torch.empty((), dtype=dtype, device=device).expand(shape)
                for name, shape, dtype, device in kinds
            }
        )
        names = [name for name, other in vars(known).items() if other is found]
        name = names[0] if names else f"found{len(vars(known))}"
        setattr(known, name, found)
        return name

    def call(arrays: Mapping[str, Any]) -> Any:
        kinds = [(k, [index_of(n) for n in x.shape], x.dtype, x.device) for k, x in arrays.items()]
        return getattr(known, find(kinds))

    return call
