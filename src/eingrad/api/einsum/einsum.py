"""``eg.einsum``: arrays in, array out, through the same graph, planner and engine as a model.

PyTorch's and JAX's arrays go through the same plan in that library's own operations: so the result
lives where the operands do, and takes part in ``torch.autograd``, ``jax.grad``, ``jax.jit`` and
``jax.vmap``.

For other front ends (an eager tensor):

* ``read(spec, operands) -> (EinsumSpec, operands)`` takes both of NumPy's forms apart;
  ``fit_arrays(equation, shapes) -> LabelledProduct`` checks it, its ``.of(exprs)`` is an `Expr`.
* ``einsum_expr(equation, dims) -> Expr`` is the product over `Var` s ``x0``, ``x1``, ...
* ``result_dtype(dtypes, sums) -> dtype`` is the rule for dtypes.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from eingrad.api.einsum.numeric import numeric
from eingrad.api.einsum.subscripts import (
    EinsumSpec,
    LabelledProduct,
    Shape,
    fit_arrays,
    interleaved,
    parse_equation,
)
from eingrad.core.expr import Expr, Var
from eingrad.engine import Function, compile_program
from eingrad.engine.cache import Cache
from eingrad.engine.executable import Executable
from eingrad.engine.library import backend_of, load_library
from eingrad.engine.signature import kind_of
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
        call = _programs.get(key)
    except (TypeError, AttributeError):
        call = None
    if call is None:
        return _einsum_unusual(spec, operands, out, memory_limit)
    if out is None and memory_limit is None:
        return call.run(operands)
    return _with_options(call, operands, out, memory_limit)


class _Call:
    """A program for one equation, set of shapes and set of dtypes."""

    __slots__ = ("bytes", "dtype", "executable", "kept", "order", "product")

    def __init__(self, product: LabelledProduct, shapes: Sequence[Shape], dtypes: Sequence[DType]):
        self.product = product
        self.dtype = result_dtype(dtypes, product.sums)
        integers = self.dtype.kind in "biu"
        variables = [Var(f"x{k}", shape, integers) for k, shape in enumerate(shapes)]
        function = compile_program({"out": product.of(variables)})
        names = [f"x{k}" for k in range(len(shapes))]
        order = [names.index(var.name) for var in function.inputs]
        self.order = order if order != list(range(len(names))) else None  # None: as they come
        accumulated = _accumulator(self.dtype)
        given = {name: dtype.name for name, dtype in zip(names, dtypes, strict=True)}
        self.executable: Executable = function.specialize(given, accumulated, accumulated)
        plan = self.executable.plan
        self.bytes, self.kept = plan.workspace + plan.results, plan.workspace

    def run(self, operands: Sequence[Array]) -> Array:
        if self.order is not None:
            operands = [operands[k] for k in self.order]
        result: Array = self.executable(operands)[0]
        return result if result.dtype == self.dtype else result.astype(self.dtype)


_programs: Cache[Any, _Call] = Cache(MAX_PROGRAMS, MAX_BYTES)


def _program(equation: EinsumSpec, operands: Sequence[Array], key: Any) -> _Call:
    """Return the program for operands, a new one if need be."""
    call = _programs.get(key)
    if call is None:
        shapes = [x.shape for x in operands]
        call = _Call(fit_arrays(equation, shapes), shapes, [x.dtype for x in operands])
        call = _programs.put(key, call, call.kept)
    return call


def _einsum_unusual(spec: Any, operands: Sequence[Any], out: Any, memory_limit: int | None) -> Any:
    """Convert what is not an array, and plan a signature that is new."""
    equation, operands = read(spec, operands)
    backend = _backend_of(operands)
    if backend is not None:
        if out is not None:
            raise TypeError(f"einsum of arrays of {backend} takes no out=")
        return _einsum_on(backend, equation, operands, memory_limit)
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
    result = call.run(operands)
    if out is None:
        return result
    out[...] = result
    return out  # type: ignore[no-any-return]


def read(spec: Any, operands: Sequence[Any]) -> tuple[EinsumSpec, tuple[Any, ...]]:
    """Return the equation and the operands of a call in either of NumPy's forms.

    An `EinsumSpec` that was read before is taken as it is.
    """
    if isinstance(spec, EinsumSpec):
        return spec, tuple(operands)
    if isinstance(spec, str):
        return parse_equation(spec), tuple(operands)
    return interleaved((spec, *operands))


def einsum_expr(equation: EinsumSpec | str, dims: Sequence[Shape]) -> Expr:
    """Return the product over `Var` s ``x0``, ``x1``, ... of the given sizes.

    >>> einsum_expr("ij,jk", [(2, 3), (3, 4)]).dims
    (2, 4)
    """
    equation = parse_equation(equation) if isinstance(equation, str) else equation
    return fit_arrays(equation, dims).of([Var(f"x{k}", shape) for k, shape in enumerate(dims)])


# --- of PyTorch's and JAX's arrays ------------------------------------------------------------

_functions: Cache[Any, Function] = Cache(512)


def _backend_of(operands: Sequence[Any]) -> str | None:
    """Return "torch" or "jax" where an operand is an array of that library, else None.

    >>> _backend_of([1.0, [2.0]]) is None
    True
    """
    for x in operands:
        found = backend_of(x)
        if found and hasattr(x, "shape") and hasattr(x, "dtype"):
            return found
    return None


def _einsum_on(
    backend: str, equation: EinsumSpec, operands: Sequence[Any], memory_limit: int | None
) -> Any:
    """Return the product as an array of the backend; other operands are converted to its arrays.

    The dtype is the one that `compile` gives on this backend; integers are computed in its widest
    integer dtype. Raises as `einsum` does.
    """
    library = load_library(backend)
    arrays = [library.as_array(f"operand {k}", x, operands) for k, x in enumerate(operands)]
    shapes = tuple(tuple(x.shape) for x in arrays)
    integers = all(kind_of(library.dtype_name(x)) in "biu" for x in arrays)
    key = (backend, equation, shapes, integers, memory_limit)
    function = _functions.get(key)
    if function is None:
        operand = [Var(f"x{k}", shape, integers) for k, shape in enumerate(shapes)]
        product = fit_arrays(equation, shapes).of(operand)
        function = compile_program(
            {"out": product}, backend=backend, memory_limit=memory_limit,
            inputs=operand,
        )  # fmt: skip
        function = _functions.put(key, function)
    return function(**{f"x{k}": x for k, x in enumerate(arrays)})["out"]


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
