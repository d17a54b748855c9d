"""Whole matrices of derivatives: Jacobians and Hessians of Python functions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import wraps
from typing import Any

import numpy as np

from eingrad.api.tensors.elementwise import real
from eingrad.api.tensors.kernel import Value
from eingrad.api.tensors.shaping import concatenate, reshape
from eingrad.api.tensors.tape import Differentiating, Pair, zeros_pair
from eingrad.api.tensors.tensor import Tensor, wrap
from eingrad.api.transforms.functional import grad
from eingrad.api.transforms.pytree import unflatten
from eingrad.api.transforms.tracking import (
    Argnums,
    Function,
    Inputs,
    check_function,
    has_tensor,
    is_single,
    outward,
    pull,
    push,
    smooth_outputs,
    track_arguments,
)
from eingrad.errors import EingradError

CHUNK = 2**22  # entries of the largest cotangent of a Jacobian that are held at once


def jacobian(fn: Function, argnums: Argnums = 0, mode: str | None = None) -> Function:
    """Return a function that gives the Jacobian of ``fn``.

    For each leaf of the result and each leaf of argument ``argnums`` it holds an array with the
    axes of the result and then those of the argument. ``mode`` is "rev" or "fwd"; by default the
    one that takes fewer sweeps. By a complex argument ``x + iy`` the derivative of a result f is
    ``Re(df/dx) + i Re(df/dy)``, which is PyTorch's: what a cotangent of 1 is pulled back to.

    >>> jacobian(lambda x: x ** 2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    check_function(fn)
    if mode not in {None, "fwd", "rev"}:
        raise EingradError(f"mode {mode!r} of a Jacobian", hint='it is "rev" or "fwd"')

    @wraps(fn, updated=())
    def transformed(*args: Any, **kwargs: Any) -> Any:
        changed, inputs = track_arguments(args, argnums)
        with Differentiating():
            outs, structure = smooth_outputs(fn(*changed, **kwargs), inputs)
        entries = sum(t.size for t in inputs.tensors)
        forward = mode == "fwd" or (mode is None and entries < sum(t.size for t in outs))
        rows = (_by_columns if forward else _by_rows)(outs, inputs)
        as_tensors = has_tensor((args, kwargs))
        parts = []
        for row in rows:
            own = unflatten(
                inputs.structure, [outward((t._value, t._node), as_tensors) for t in row]
            )
            parts.append(own[0] if is_single(argnums) else own)
        return unflatten(structure, parts)

    return transformed


def hessian(fn: Function, argnums: Argnums = 0) -> Function:
    """Return a function that gives the Hessian of a scalar ``fn``: the Jacobian of its gradient.

    >>> hessian(lambda x: x[0] * x[1])(np.array([1.0, 2.0]))
    array([[0., 1.],
           [1., 0.]])
    """
    return jacobian(grad(fn, argnums), argnums)


def _by_rows(outs: Sequence[Tensor], inputs: Inputs) -> list[list[Tensor]]:
    """Return for each result its derivatives by each input, from pulled-back unit vectors."""
    rows = []
    for t in outs:
        shapes = [(*t.shape, *x.shape) for x in inputs.tensors]
        seeds = _unit_vectors(t, outs, inputs)
        row = _pulled(t, seeds, inputs, shapes)
        if _is_complex(t):  # by a real argument: Re from a cotangent of 1, Im from one of i
            turned = _pulled(t, [1j * seed for seed in seeds], inputs, shapes)
            row = [
                a if _is_complex(x) else a + 1j * b
                for x, a, b in zip(inputs.tensors, row, turned, strict=True)
            ]
        rows.append(row)
    return rows


def _is_complex(t: Tensor) -> bool:
    return t.dtype.kind == "c"


def _pulled(
    t: Tensor, seeds: Sequence[Value], inputs: Inputs, shapes: Sequence[tuple[int, ...]]
) -> list[Tensor]:
    parts = [pull([(t, (seed, None))], inputs, (seed.shape[0],)) for seed in seeds]
    return _assemble(parts, shapes)


def _by_columns(outs: Sequence[Tensor], inputs: Inputs) -> list[list[Tensor]]:
    """Return the same from unit vectors that are pushed on."""
    columns = []
    for own in inputs.tensors:
        seeds = _unit_vectors(own, outs, inputs)
        pushed = _pushed(own, seeds, outs, inputs)
        if _is_complex(own):
            by_imaginary = _pushed(own, [1j * seed for seed in seeds], outs, inputs)
            pushed = [real(a) + 1j * real(b) for a, b in zip(pushed, by_imaginary, strict=True)]
        turned = []
        for t, column in zip(outs, pushed, strict=True):
            n = own.ndim
            turned.append(column.transpose((*range(n, n + t.ndim), *range(n))))
        columns.append(turned)
    return [list(row) for row in zip(*columns, strict=True)]


def _pushed(
    own: Tensor, seeds: Sequence[Value], outs: Sequence[Tensor], inputs: Inputs
) -> list[Tensor]:
    parts = []
    for seed in seeds:
        n = seed.shape[0]
        tangents = [
            (seed, None) if t is own else zeros_pair((n, *t.shape), t.dtype) for t in inputs.tensors
        ]
        parts.append(push(outs, tangents, inputs, (n,)))
    return _assemble(parts, [(*own.shape, *t.shape) for t in outs])


def _unit_vectors(t: Tensor, outs: Sequence[Tensor], inputs: Inputs) -> list[Value]:
    """Return all unit vectors like ``t``, in parts of which none is too large."""
    n = t.size
    widest = max([x.size for x in (*outs, *inputs.tensors)], default=1)
    step = max(1, CHUNK // max(1, widest))
    identity = np.eye(n, dtype=t.dtype)
    parts = [identity[k : k + step] for k in range(0, max(n, 1), step)]
    return [part.reshape(len(part), *t.shape) for part in parts]


def _assemble(parts: Sequence[Sequence[Pair]], shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """Join the parts of each derivative and give it its axes."""
    result = []
    for pairs, shape in zip(zip(*parts, strict=True), shapes, strict=True):
        pieces = [wrap(*pair) for pair in pairs]
        whole = pieces[0] if len(pieces) == 1 else concatenate(pieces)
        result.append(reshape(whole, shape))
    return result
