"""``eg.einsum``: arrays in, array out, through the same graph, planner and engine as a model.

For other front ends (an eager tensor):

* ``read(spec, operands) -> (Equation, operands)`` takes both of NumPy's forms apart;
  ``fit_arrays(equation, shapes) -> LabelledProduct`` checks it, its ``.of(exprs)`` is an `Expr`.
* ``einsum_expr(equation, dims) -> Expr`` is the product over `Var` s ``x0``, ``x1``, ...
* ``result_dtype(dtypes, sums) -> dtype`` is the rule for dtypes.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from eingrad.api.foreign import backend_of, einsum_on
from eingrad.api.numeric import numeric
from eingrad.api.subscripts import (
    Equation,
    LabelledProduct,
    Shape,
    fit_arrays,
    interleaved,
    parse_equation,
)
from eingrad.core.expr import Expr, Var
from eingrad.core.forks import new_lock
from eingrad.engine.compile import Executable, compile_program
from eingrad.errors import EingradError, MemoryLimitError, ShapeError

Array = npt.NDArray[Any]
DType = np.dtype[Any]

MAX_PROGRAMS = 512  # signatures whose programs are kept
MAX_BYTES = 256 * 2**20  # of their buffers


def einsum(spec: Any, *operands: Any, out: Any = None, memory_limit: int | None = None) -> Any:
    """Return the product of arrays, summed over the labels that the output lacks.

    ``einsum("ij,jk->ik", A, B)`` or ``einsum(A, [0, 1], B, [1, 2], [0, 2])``, as in NumPy; beyond
    NumPy, any alphabetic character is a label, the output may repeat a label (``i->ii`` builds a
    diagonal), and an ellipsis that an explicit output lacks is summed. An axis of size 1 fits any
    size of its label. The result is an array of its own memory, whatever the operands.

    The dtype is ``np.result_type`` of the operands; sums of integers and booleans are in the dtype
    of ``np.sum`` (``int64`` for ``int8`` and for booleans; ``np.einsum`` stays in ``int8`` and
    wraps, and gives whether any is true), products without a sum stay in theirs. float16 and
    bfloat16 accumulate in float32; a sum of very many float32 is right to 1e-6.

    ``out`` takes the result, cast by the rule "same_kind"; it may overlap an operand.
    A call that needs more than ``memory_limit`` bytes beside its operands raises
    MemoryLimitError before it allocates any.

    >>> einsum("ij,jk->ik", np.ones((2, 3)), np.ones((3, 2)))
    array([[3., 3.],
           [3., 3.]])
    >>> einsum("i->ii", [1, 2])
    array([[1, 0],
           [0, 2]])

    Raises NotationError for a malformed equation, ShapeError for operands that do not fit it.
    """
    try:
        key = (spec, *[(type(x), x.shape, x.dtype) for x in operands])
        call = _programs[key]
    except (KeyError, TypeError, AttributeError):
        return _einsum_unusual(spec, operands, out, memory_limit)
    call.used = next(_clock)
    if out is None and memory_limit is None:
        return call(operands)
    return _with_options(call, operands, out, memory_limit)


class _Call:
    """A program for one equation, set of shapes and set of dtypes."""

    __slots__ = ("bytes", "dtype", "executable", "kept", "order", "product", "used")

    def __init__(self, product: LabelledProduct, shapes: Sequence[Shape], dtypes: Sequence[DType]):
        self.product = product
        self.dtype = result_dtype(dtypes, product.sums)
        integers = self.dtype.kind in "biu"
        variables = [Var(f"x{k}", shape, integers) for k, shape in enumerate(shapes)]
        function = compile_program({"out": product.of(variables)})
        names = [f"x{k}" for k in range(len(shapes))]
        self.order = [names.index(var.name) for var in function.inputs]
        accumulated = _accumulator(self.dtype)
        given = {name: dtype.name for name, dtype in zip(names, dtypes, strict=True)}
        self.executable: Executable = function.specialize(given, accumulated, accumulated)
        plan = self.executable.plan
        self.bytes, self.kept = plan.workspace + plan.results, plan.workspace
        self.used = 0

    def __call__(self, operands: Sequence[Array]) -> Array:
        result: Array = self.executable([operands[k] for k in self.order])[0]
        return result if result.dtype == self.dtype else result.astype(self.dtype)


_programs: dict[Any, _Call] = {}
_clock = itertools.count()
_lock = new_lock()


def _program(equation: Equation, operands: Sequence[Array], key: Any) -> _Call:
    """Return the program for operands, a new one if need be."""
    call = _programs.get(key)
    if call is None:
        shapes = [x.shape for x in operands]
        call = _Call(fit_arrays(equation, shapes), shapes, [x.dtype for x in operands])
        with _lock:
            _programs[key] = call
            _forget()
    call.used = next(_clock)
    return call


def _forget() -> None:
    """Drop the programs that were used longest ago, down to the bounds on number and memory."""
    kept = sum(call.kept for call in _programs.values())
    if len(_programs) <= MAX_PROGRAMS and kept <= MAX_BYTES:
        return
    oldest = sorted(_programs, key=lambda key: _programs[key].used)
    for key in oldest:
        if len(_programs) <= MAX_PROGRAMS * 3 // 4 and kept <= MAX_BYTES:
            return
        kept -= _programs.pop(key).kept


def _einsum_unusual(spec: Any, operands: Sequence[Any], out: Any, memory_limit: int | None) -> Any:
    """Convert what is not an array, and plan a signature that is new."""
    equation, operands = read(spec, operands)
    backend = backend_of(operands)
    if backend is not None:
        if out is not None:
            raise TypeError(f"einsum of arrays of {backend} takes no out=")
        return einsum_on(backend, equation, operands, memory_limit)
    arrays = [_as_array(k, x) for k, x in enumerate(operands)]
    first = spec if isinstance(spec, str) else equation
    call = _program(equation, arrays, (first, *[(np.ndarray, x.shape, x.dtype) for x in arrays]))
    return _with_options(call, arrays, out, memory_limit)


def _with_options(
    call: _Call, operands: Sequence[Array], out: Any, memory_limit: int | None
) -> Array:
    if out is not None:
        _check_out(call, out)
    if memory_limit is not None:
        _check_memory(call, operands, memory_limit)
    result = call(operands)
    if out is None:
        return result
    out[...] = result
    return out  # type: ignore[no-any-return]


def read(spec: Any, operands: Sequence[Any]) -> tuple[Equation, tuple[Any, ...]]:
    """Return the equation and the operands of a call in either of NumPy's forms.

    An `Equation` that was read before is taken as it is.
    """
    if isinstance(spec, Equation):
        return spec, tuple(operands)
    if isinstance(spec, str):
        return parse_equation(spec), tuple(operands)
    return interleaved((spec, *operands))


def einsum_expr(equation: Equation | str, dims: Sequence[Shape]) -> Expr:
    """Return the product over `Var` s ``x0``, ``x1``, ... of the given sizes.

    >>> einsum_expr("ij,jk", [(2, 3), (3, 4)]).dims
    (2, 4)
    """
    equation = parse_equation(equation) if isinstance(equation, str) else equation
    return fit_arrays(equation, dims).of([Var(f"x{k}", shape) for k, shape in enumerate(dims)])


# --- dtypes -----------------------------------------------------------------------------------


def result_dtype(dtypes: Sequence[DType], sums: bool) -> DType:
    """Return the dtype of a product; ``sums`` says that the equation sums over a label.

    >>> result_dtype([np.dtype("int8")] * 2, True), result_dtype([np.dtype("int8")] * 2, False)
    (dtype('int64'), dtype('int8'))
    """
    try:
        dtype = np.result_type(*dtypes)
    except TypeError:
        names = ", ".join(x.name for x in dtypes)
        raise ShapeError(f"the dtypes {names} have no common dtype") from None
    if not sums or dtype.kind not in "biu":
        return dtype
    return np.result_type(dtype, np.uintp if dtype.kind == "u" else np.intp)


def _accumulator(dtype: DType) -> str:
    """Return the dtype to compute in; integers are computed as int64, and wrap as theirs do."""
    if dtype.kind in "biu":
        return "float64"  # of which nothing is computed
    return "float32" if dtype.itemsize == 2 else dtype.name


def _as_array(k: int, value: Any) -> Array:
    try:
        return numeric(value, f"operand {k}")
    except EingradError as error:
        raise ShapeError(error.reason, operand=k, hint=error.hint) from None


# --- options ----------------------------------------------------------------------------------


def _check_out(call: _Call, out: Any) -> None:
    if not isinstance(out, np.ndarray):
        raise ShapeError(f"out is a {type(out).__name__}, not an array", operand="out")
    if out.shape != call.product.shape:
        raise ShapeError(
            f"{call.product.equation}: the result has shape {call.product.shape}, "
            f"out has {out.shape}",
            operand="out",
        )
    if not np.can_cast(call.dtype, out.dtype, "same_kind"):
        raise ShapeError(
            f"{call.product.equation}: the result has dtype {call.dtype}, which out of dtype "
            f"{out.dtype} cannot take",
            operand="out",
            hint="the casting rule is 'same_kind'",
        )
    if not out.flags.writeable:
        raise ShapeError("out is read-only", operand="out")


def _check_memory(call: _Call, operands: Sequence[Array], limit: int) -> None:
    """Raise if buffers, the result and copies of operands in another form exceed the limit."""
    if not isinstance(limit, Real):
        raise EingradError(f"memory_limit is {limit!r:.60}", hint="it is a number of bytes")
    needed = call.bytes
    for x in operands:
        if x.dtype != call.dtype or not x.flags.c_contiguous:
            needed += x.size * max(8 if call.dtype.kind in "biu" else 4, call.dtype.itemsize)
    if needed > limit:
        raise MemoryLimitError(
            f"{call.product.equation}: the plan needs {needed:,} bytes (a result of shape "
            f"{call.product.shape} and intermediates), more than memory_limit={limit:,}",
            hint="eg.contract_path shows the largest intermediate",
        )


__all__ = ["einsum", "einsum_expr", "read", "result_dtype"]
