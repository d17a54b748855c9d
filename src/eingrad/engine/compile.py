"""Named expressions -> a function of arrays, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from eingrad.calculus.optim import StateTensor
from eingrad.core.expr import Expr, Map, Var, has_leading_axes, postorder
from eingrad.core.functions import FUNCTIONS
from eingrad.core.positions import Scan
from eingrad.engine.executable import Executable
from eingrad.engine.function import CompiledFunction, find_inputs
from eingrad.engine.leading_axes import LeadingAxesFunction
from eingrad.engine.library import load_library
from eingrad.engine.sharded import ShardedFunction
from eingrad.engine.sharding import Layout
from eingrad.engine.signature import kind_of
from eingrad.errors import BackendError, EingradError, ShapeError


def compile_program(
    outputs: Mapping[str, Expr],
    *,
    backend: str = "numpy",
    dtype: Any = None,
    functions: Mapping[str, Callable[..., Any]] | None = None,
    updates: Mapping[str, Expr] | None = None,
    state: Mapping[str, StateTensor] | None = None,
    labels: Mapping[str, tuple[str, ...]] | None = None,
    inputs: Iterable[Var] = (),
    optional: Iterable[str] = (),
    memory_limit: int | None = None,
    layout: Layout | None = None,
) -> CompiledFunction:
    """Return a function that computes named expressions from arrays named like their `Var` s.

    ``dtype`` is the one to compute in; None takes it from the floating-point inputs.
    ``functions`` gives a Python function of an array for each declared function. ``updates`` gives
    new values of inputs, written into the caller's arrays after all else was read from them.
    ``state`` are tensors that the function itself keeps from call to call, in ``Function.state``.
    ``labels`` are the author's letters for the axes of each input, for messages. ``inputs`` are
    required even where nothing but their sizes is needed (a gradient that is 0); ``optional``
    names may be passed and are not looked at. A call that would
    need more than ``memory_limit`` bytes raises `MemoryLimitError` before anything is allocated.
    ``backend`` "torch" or "jax" takes and returns the arrays of that library; ``layout`` says how
    JAX's are split over a mesh of devices.

    >>> from eingrad.core.algebra import einsum
    >>> a, b = Var("A", ("i", "j")), Var("B", ("j", "k"))
    >>> f = compile_program({"C": einsum([(a, (0, 1)), (b, (1, 2))], (0, 2))})
    >>> f(A=np.ones((2, 3)), B=np.ones((3, 2)))["C"]
    array([[3., 3.],
           [3., 3.]])
    """
    library = load_library(backend)
    if dtype is not None:
        dtype = dtype_name(dtype)
        library.check_dtype(dtype)
    functions, state, inputs = dict(functions or {}), dict(state or {}), list(inputs)
    new_values = {**(updates or {}), **{name: x.new_value for name, x in state.items()}}
    _check_functions([*outputs.values(), *new_values.values()], functions)
    _check_new_values(outputs, new_values)
    options: dict[str, Any] = {
        "library": library, "state": state, "dtype": dtype, "functions": functions,
        "labels": labels or {}, "inputs": inputs, "optional": optional,
        "memory_limit": memory_limit,
    }  # fmt: skip
    if layout is not None:
        return ShardedFunction(outputs, updates or {}, layout=layout, **options)
    every = find_inputs(outputs, new_values, inputs)
    kind = LeadingAxesFunction if has_leading_axes(every) else CompiledFunction
    return kind(outputs, updates or {}, **options)


def dtype_name(dtype: Any) -> str:
    """Return the name of a floating-point dtype, given as NumPy, PyTorch or a person has it.

    >>> dtype_name(np.float32), dtype_name("float64")
    ('float32', 'float64')
    """
    name = str(dtype).removeprefix("torch.")
    try:
        name = name if name == "bfloat16" else np.dtype(dtype if name == str(dtype) else name).name
    except TypeError:
        raise BackendError(f"there is no dtype {dtype!r}", hint="use float32 or float64") from None
    if kind_of(name) not in "fc":
        raise BackendError(f"cannot compute in {name}", hint="use float32 or float64")
    return name


def _check_functions(roots: Sequence[Expr], functions: Mapping[str, Any]) -> None:
    loops = {x.loop for x in postorder(roots) if isinstance(x, Scan)}
    for node in postorder([*roots, *(body for loop in loops for body in loop.bodies)]):
        if isinstance(node, Map) and node.function not in FUNCTIONS:
            name = node.function
            if not callable(functions.get(name)):
                raise EingradError(
                    f"the function {name} is not bound",
                    operand=name,
                    hint=f"pass functions={{{name!r}: a Python function of one array}}",
                )


def _check_new_values(outputs: Mapping[str, Expr], updates: Mapping[str, Expr]) -> None:
    known = {var.name: var for var in find_inputs(outputs, updates)}
    for name, node in updates.items():
        var = known.get(name)
        if var is None:
            raise EingradError(f"there is no input {name} to update", operand=name)
        if var.dims != node.dims or var.integer:
            raise ShapeError(
                f"the new value of {name} has axes {node.dims}, {name} has {var.dims}", operand=name
            )


__all__ = ["CompiledFunction", "Executable", "ShardedFunction", "compile_program"]
