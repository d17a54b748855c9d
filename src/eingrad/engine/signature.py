"""Do the arrays of a call fit? Sizes of dimensions, dtypes, and errors that say where."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eingrad.core.expr import Var
from eingrad.errors import EingradError, ShapeError
from eingrad.notation.text import label_text

HALF = ("float16", "bfloat16")  # computed in single precision
LabelsOf = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Signature:
    """What a program is made for: the sizes of named dimensions, and dtypes.

    Everything is computed in ``dtype``; results are given in ``result_dtype`` (which differs for
    float16: it accumulates in float32).
    """

    sizes: Mapping[str, int]
    dtype: str
    result_dtype: str
    input_dtypes: Mapping[str, str]


def check_names(inputs: Sequence[Var], given: Mapping[str, Any]) -> None:
    """Raise unless the names of the arrays are the names of the inputs."""
    names = [var.name for var in inputs]
    for name in names:
        if name not in given:
            raise EingradError(
                f"the input {name} is missing",
                operand=name,
                hint=f"pass all of {', '.join(names)} by name",
            )
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1, 0.5)
            hint = f"did you mean {near[0]}?" if near else f"the inputs are {', '.join(names)}"
            raise EingradError(f"there is no input {name}", operand=name, hint=hint)


def named_axes(name: str, array: Any, labels: Sequence[str]) -> Any:
    """Return an array whose axes have names, xarray's or PyTorch's, in the order of the labels.

    Axes without names, and those that xarray numbers, go by position. Raises ShapeError where the
    names are others than the labels.
    """
    found = getattr(array, "dims", None) or getattr(array, "names", None)
    if not isinstance(found, tuple) or not all(isinstance(x, str) for x in found):
        return array
    wanted = [label_text(x) for x in labels]
    dims = [label_text(x) for x in found]
    if dims == wanted or all(re.fullmatch(r"dim_\d+", x) for x in dims):
        return array
    if sorted(dims) == sorted(wanted) and len(set(wanted)) == len(wanted):
        order = [dims.index(x) for x in wanted]
        permute = getattr(array, "permute", None)  # PyTorch's
        if permute is not None:
            return array.rename(None).permute(order)
        return array.values.transpose(order)
    raise ShapeError(
        f"the axes of {name} are called {', '.join(dims)}, the labels in the model are "
        f"{', '.join(wanted)}",
        operand=name,
        hint="rename the axes, or pass the values alone, which go by position",
    )


def bind_sizes(
    inputs: Sequence[Var], arrays: Mapping[str, Any], labels: LabelsOf
) -> dict[str, int]:
    """Return the size of each named dimension; raise where arrays disagree."""
    sizes: dict[str, int] = {}
    origin: dict[str, tuple[str, int]] = {}
    for var in inputs:
        shape = tuple(arrays[var.name].shape)
        if len(shape) != var.ndim:
            wanted = "".join(_label(var, k, labels) for k in range(var.ndim))
            axes = f"{var.ndim} ax{'is' if var.ndim == 1 else 'es'}"
            raise ShapeError(
                f"{var.name} has shape {shape}, but the equation gives it {axes}"
                + (
                    f" ({', '.join(_label(var, k, labels) for k in range(var.ndim))})"
                    if wanted
                    else ""
                ),
                operand=var.name,
            )
        for axis, (dim, n) in enumerate(zip(var.dims, shape, strict=True)):
            if isinstance(dim, int):
                if dim != n:
                    raise ShapeError(
                        f"label {_label(var, axis, labels)}: {var.name} axis {axis} has size {n}, "
                        f"the equation needs {dim}",
                        label=_label(var, axis, labels),
                        operand=var.name,
                    )
                continue
            known = sizes.setdefault(dim, n)
            first, first_axis = origin.setdefault(dim, (var.name, axis))
            if known != n:
                label = _label(var, axis, labels)
                raise ShapeError(
                    f"label {label}: {first} axis {first_axis} has size {known}, "
                    f"{var.name} axis {axis} has size {n}",
                    label=label,
                    operand=var.name,
                    hint=f"all axes of {label} must have one size",
                )
    return sizes


def _label(var: Var, axis: int, labels: LabelsOf) -> str:
    known = labels.get(var.name)
    return known[axis] if known and len(known) == var.ndim else str(var.dims[axis])


def choose_dtype(dtypes: Iterable[str], forced: str | None, default: str) -> tuple[str, str]:
    """Return the dtype to compute in and the one of the results, from those of the arrays.

    >>> choose_dtype(["float32", "int64"], None, "float64")
    ('float32', 'float32')
    """
    if forced is None:
        inexact = [name for name in dtypes if kind_of(name) in "fc"]
        if inexact and set(inexact) == {"bfloat16"}:
            return "float32", "bfloat16"
        wide = ["float32" if name == "bfloat16" else name for name in inexact]
        forced = np.result_type(*wide).name if wide else default
    return ("float32", forced) if forced in HALF else (forced, forced)


def kind_of(dtype: str) -> str:
    """Return NumPy's letter for the kind of a dtype."""
    return "f" if dtype == "bfloat16" else np.dtype(dtype).kind
