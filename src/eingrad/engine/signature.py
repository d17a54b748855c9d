"""Do the arrays of a call fit? Sizes of dimensions, dtypes, and errors that say where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eingrad.core.expr import Einsum, Expr, Size, Var
from eingrad.errors import EingradError, ShapeError

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


def as_array(name: str, value: Any) -> np.ndarray[Any, Any]:
    """Return an array of numbers."""
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise ShapeError(f"{name} is not an array of numbers: {error}", operand=name) from None
    if array.dtype.kind not in "biufc" and array.dtype.name != "bfloat16":
        raise ShapeError(
            f"{name} has dtype {array.dtype}: not numbers",
            operand=name,
            hint="convert it to float32, float64 or an integer dtype first",
        )
    return array


def bind_sizes(
    inputs: Sequence[Var], arrays: Mapping[str, np.ndarray[Any, Any]], labels: LabelsOf
) -> dict[str, int]:
    """Return the size of each named dimension; raise where arrays disagree."""
    sizes: dict[str, int] = {}
    origin: dict[str, tuple[str, int]] = {}
    for var in inputs:
        shape = arrays[var.name].shape
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


def choose_dtype(arrays: Mapping[str, np.ndarray[Any, Any]], forced: str | None) -> tuple[str, str]:
    """Return the dtype to compute in and the one of the results."""
    if forced is None:
        inexact = [x.dtype for x in arrays.values() if x.dtype.kind in "fc"]
        result = np.result_type(*inexact) if inexact else np.dtype(np.float64)
    else:
        result = np.dtype(forced)
    if result == np.float16:
        return "float32", "float16"
    return result.name, result.name


def check_updated(name: str, value: Any, dtype: str) -> None:
    """Raise unless an array can take its new value in place."""
    wanted = f"a writeable, C-contiguous NumPy array of dtype {dtype}"
    if not isinstance(value, np.ndarray):
        problem = f"it is a {type(value).__name__}"
    elif value.dtype != dtype:
        problem = f"its dtype is {value.dtype}"
    elif not value.flags.writeable:
        problem = "it is read-only"
    elif not value.flags.c_contiguous:
        problem = "it is not C-contiguous"
    else:
        return
    raise ShapeError(
        f"{name} is updated in place: it must be {wanted}, but {problem}",
        operand=name,
        hint=f"{name} = np.ascontiguousarray({name}, dtype=np.{dtype})",
    )


def check_extents(nodes: Iterable[Expr], sizes: Mapping[str, int]) -> None:
    """Raise where some tensor has an axis whose extent no array tells."""
    for node in nodes:
        extents = node.extents if isinstance(node, Einsum) else node.dims
        named = [node.dim] if isinstance(node, Size) else [d for d in extents if isinstance(d, str)]
        for dim in named:
            if dim not in sizes:
                raise ShapeError(
                    f"label {dim}: no input has it, so nothing tells how long it is",
                    label=dim,
                    hint=f"use {dim} on an input, such as a vector of ones",
                )
