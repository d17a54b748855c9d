"""From Tensors to kernels and back: what every operation goes through.

An operation is a name, a function that builds its template from placeholders, and its operands.
The template and its kernel are looked up by the operands' shapes and dtypes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from eingrad.api.einsum.numeric import is_inexact
from eingrad.api.tensors.kernel import Kernel, Traced, Value, kernel_of
from eingrad.api.tensors.tape import Node, mode, record
from eingrad.api.tensors.tensor import Tensor, is_symbolic, protected, wrap
from eingrad.core.expr import Const, Expr, Var
from eingrad.engine.cache import Cache
from eingrad.errors import EingradError, ShapeError

Build = Callable[..., Expr]
_kernels: Cache[Any, Kernel] = Cache(4096)
DIRECT: Cache[Any, Kernel] = Cache(4096)
"""Kernels by name, shapes and dtypes alone, for operations that cost less than their checks."""


# --- operands ---------------------------------------------------------------------------------


def written(name: str, result: Tensor, out: Any) -> Any:
    """Write a constant into an array, as ``array -= tensor`` does."""
    if result._node is not None or is_symbolic(result):
        raise EingradError(
            f"{name} with out= would write a tensor that requires a gradient into an array",
            hint="leave out= out, or detach() the tensor first",
        )
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{name} with a {type(out).__name__} as out= is not supported")
    value = result._value
    if value.shape != out.shape or not np.can_cast(value.dtype, out.dtype, "same_kind"):
        raise ShapeError(
            f"{name}: cannot write shape {value.shape}, dtype {value.dtype} to {out.shape}, "
            f"{out.dtype}",
            operand="out",
        )
    np.copyto(out, value, casting="same_kind")
    return out


def scalar_like(number: float | complex, tensor: Tensor, dtype: np.dtype[Any]) -> Tensor:
    """Return a Python number as an operand beside ``tensor``."""
    value = tensor._value
    if type(value) is Traced:
        return wrap(Traced(Const(number), dtype, value.trace))
    try:
        return wrap(np.array(number, dtype))
    except OverflowError:
        raise EingradError(
            f"{number} is no number of dtype {dtype}, which an operand beside it has",
            hint="convert that one first, as in x.astype(float)",
        ) from None


def result_type(operands: Sequence[Any]) -> np.dtype[Any]:
    """Return NumPy's common dtype of Tensors, arrays and Python numbers."""
    return np.result_type(*[type_of(x) for x in operands])


def type_of(x: Any) -> Any:
    """Return what NumPy promotes by: a dtype, or a Python number for what stands for one."""
    if not isinstance(x, Tensor):
        return x
    value = x._value
    if type(value) is Traced and value.weak:
        return 1j if value.dtype.kind == "c" else 1.0
    return value.dtype


# --- operations -------------------------------------------------------------------------------


def placeholders(operands: Sequence[Tensor]) -> list[Var]:
    """Return the variables that stand for operands in a template."""
    return [
        Var(str(k), t._value.shape, not is_inexact(t._value.dtype)) for k, t in enumerate(operands)
    ]


def operate(
    name: str,
    build: Build,
    operands: Sequence[Tensor],
    *static: Any,
    result: np.dtype[Any] | None = None,
) -> Tensor:
    """Apply an operation whose template is ``build(*placeholders, *static)``.

    Floating operands have one dtype, which is the result's unless ``result`` says otherwise.
    """
    values = [t._value for t in operands]
    kernel = _kernels.get((name, static, *[(v.shape, v.dtype) for v in values]))
    if kernel is None:
        kernel = kernel_for(name, build, operands, static, result)
    return run_kernel(kernel, operands, values)[0]


def kernel_for(
    name: str,
    build: Build,
    operands: Sequence[Tensor],
    static: tuple[Any, ...] = (),
    result: np.dtype[Any] | None = None,
) -> Kernel:
    """Return the kernel of an operation on operands like these."""
    values = [t._value for t in operands]
    key = (name, static, *[(v.shape, v.dtype) for v in values])
    kernel = _kernels.get(key)
    if kernel is None:
        dtypes = tuple(v.dtype for v in values)
        template = build(*placeholders(operands), *static)
        own = result or next((d for d in dtypes if is_inexact(d)), dtypes[0])
        kernel = _kernels.put(key, kernel_of((template,), dtypes, (own,)))
    return kernel


def direct(name: str, x: Tensor, y: Tensor) -> Tensor | None:
    """Apply an operation on operands the like of which it has met; None where it has not."""
    v, w = x._value, y._value
    kernel = DIRECT.get((name, v.shape, w.shape, v.dtype, w.dtype))
    return None if kernel is None else run_kernel(kernel, (x, y), [v, w])[0]


def run_kernel(
    kernel: Kernel, operands: Sequence[Tensor], values: list[Value] | None = None
) -> list[Tensor]:
    """Apply a kernel to Tensors."""
    values = [t._value for t in operands] if values is None else values
    symbolic = Traced in map(type, values)
    if symbolic:
        values = _lifted(operands)
    exposed = kernel.is_view and operands[0]._exposed
    if mode.recording:
        for t in operands:
            if t._node is not None:
                nodes = [t._node for t in operands]
                _protect(kernel, operands, values, nodes)
                return [wrap(x, y, exposed) for x, y in record(kernel, values, nodes)]
    results = kernel(values) if symbolic else kernel.run(values)
    return [wrap(value, None, exposed) for value in results]


def _protect(
    kernel: Kernel, operands: Sequence[Tensor], values: list[Value], nodes: Sequence[Node | None]
) -> None:
    """Put copies in the place of arrays that the node will keep and that others may change."""
    needed = None
    for k, t in enumerate(operands):
        if type(values[k]) is Traced:
            continue
        if not t._exposed:
            values[k] = t._value  # which may have become a copy just now
        else:
            if needed is None:
                active = tuple([j for j, node in enumerate(nodes) if node is not None])
                needed = kernel.needs(active)[0]
            if k in needed:
                values[k] = None  # so that it does not count as held
                values[k] = protected(t)


def _lifted(operands: Sequence[Tensor]) -> list[Value]:
    """Bring concrete operands into the trace of the symbolic ones."""
    traces = [t._value.trace for t in operands if type(t._value) is Traced]
    trace = max(traces, key=lambda t: t.depth)
    return [trace.lift_tensor(t) for t in operands]
