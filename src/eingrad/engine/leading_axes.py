"""``X[...,d]``: arrays with leading axes of any number, computed as one axis in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from eingrad.core.expr import ELLIPSIS, Dim, Expr, Var
from eingrad.engine.function import CompiledFunction
from eingrad.errors import EingradError, ShapeError


class LeadingAxesFunction(CompiledFunction):
    """A compiled function in which ... stands for the same axes in every array."""

    def __init__(
        self, outputs: Mapping[str, Expr], updates: Mapping[str, Expr], **options: Any
    ) -> None:
        super().__init__(outputs, updates, **options)
        for var in self.inputs:
            if var.name in self.updates and ELLIPSIS in var.dims:
                raise EingradError(
                    f"{var.name} is updated in place, and has leading axes",
                    operand=var.name,
                    hint="write its axes out",
                )

    def __call__(self, /, **arrays: Any) -> dict[str, Any]:
        lead: tuple[int, ...] = ()
        first = ""
        for var in self.inputs:
            if ELLIPSIS not in var.dims or var.name not in arrays:
                continue
            x = arrays[var.name]
            x = x if hasattr(x, "reshape") else np.asarray(x)
            own, arrays[var.name] = _joined(var, x)
            if first and own != lead:
                raise ShapeError(
                    f"... stands for axes of sizes {lead} in {first}, and of {own} in {var.name}",
                    label=ELLIPSIS,
                    operand=var.name,
                )
            lead, first = own, var.name
        results = super().__call__(**arrays)
        return {
            name: _parted(self.outputs[name].dims, x, lead) if name in self.outputs else x
            for name, x in results.items()
        }


def _joined(var: Var, x: Any) -> tuple[tuple[int, ...], Any]:
    """Return what ... stands for, and the array with one axis in its place."""
    place = var.dims.index(ELLIPSIS)
    end = x.ndim - (var.ndim - place - 1)
    if end < place:
        raise ShapeError(
            f"{var.name} has shape {tuple(x.shape)}, too few axes for its {var.ndim - 1} labels",
            operand=var.name,
        )
    own = tuple(x.shape[place:end])
    return own, x.reshape((*x.shape[:place], prod(own), *x.shape[end:]))


def _parted(dims: Sequence[Dim], x: Any, lead: tuple[int, ...]) -> Any:
    if ELLIPSIS not in dims:
        return x
    place = dims.index(ELLIPSIS)
    return x.reshape((*x.shape[:place], *lead, *x.shape[place + 1 :]))
