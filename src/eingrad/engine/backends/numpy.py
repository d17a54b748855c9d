"""NumPy: how each operation of a program is spelled, and the few that NumPy lacks.

An operation on arrays is written into ``{out}``; one without axes is an expression on scalars.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eingrad.core.functions import FUNCTIONS, MATRIX_FUNCTIONS, imported
from eingrad.engine.backends.heap import keep_memory
from eingrad.engine.program import BOOLEAN, INTEGER
from eingrad.engine.spelling import Spelling, is_ufunc
from eingrad.engine.window_steps import WindowSpec, padding
from eingrad.errors import BackendError, OutOfRangeError, ShapeError

Array = NDArray[Any]

keep_memory()

# fmt: off
ARRAY: dict[str, tuple[str, ...]] = {  # an operation that is no ufunc of NumPy's
    "copy":        ("np.copyto({out}, {0})",),
    "fill":        ("{out}.fill({0})",),
    "sum":         ("np.add.reduce({0}, axis={axes}, keepdims={keep}, out={out})",),
    "amax":        ("np.maximum.reduce({0}, axis={axes}, keepdims={keep}, out={out}{start})",),
    "amin":        ("np.minimum.reduce({0}, axis={axes}, keepdims={keep}, out={out}{start})",),
    "short_amax":  ("fold_short_rows(np.maximum, {0}, {out}{start})",),
    "short_amin":  ("fold_short_rows(np.minimum, {0}, {out}{start})",),
    "prod":        ("np.multiply.reduce({0}, axis={axes}, keepdims={keep}, out={out})",),
    "argmax":      ("np.argmax({0}, axis=-1, out={out})",),
    "argsort":     ("{out}[...] = np.argsort({0}, axis=-1, stable=True)",),
    "prod_others": ("prod_others({0}, {out})",),
    "cumsum":      ("cumsum({0}, {spec}, {out})",),
    "einsum":      ("np.einsum({spec!r}, {0}, {1}, out={out})",),
    "large_sum":   ("large_sum({0}, {axes}, {out})",),
    "outer":       ("outer({0}, {1}, {out})",),
    "row_dots":    ("row_dots({0}, {1}, {out})",),
    **{f"rows_{op}": (f"by_rows(np.{op}, {{0}}, {{1}}, {{out}})",)
       for op in ("add", "subtract", "multiply", "divide")},
    "long_matmul": ("long_matmul({0}, {1}, {out})",),
    "long_einsum": ("long_einsum({spec!r}, {0}, {1}, {out})",),
    "symmetric_matmul": ("symmetric_matmul({0}, {1}, {out})",),
    "gemm":        ("gemm({3}, {1}, {2}, {4}, {out}{spec})",),
    "bits":        ("np.negative({0}.view(np.int8), out={out}.view(np.int8))",),
    "keep_where":  ("keep({0}, {1}, {out})",),
    "where":       ("choose({0}, {1}, {2}, {out})",),
    "on_diagonal": ("{out}.fill(0)", "np.einsum({spec!r}, {out})[...] = {0}"),
    "add_on_diagonal": ("np.einsum({spec!r}, {out})[...] += {1}",),
    "call":        ("np.copyto({out}, {spec}({0}))",),
    "log_of_sum":  ('with np.errstate(divide="ignore"): np.log({0}, out={out})',),
    "place":       ("{out}.fill(0)", "{out}[{spec}] = {0}"),
    "concat":      ("np.concatenate(({arguments},), axis={spec}, out={out})",),
    "indices":     ("{out}[...] = np.arange({spec})",),
    "to_integer":  ('np.copyto({out}, {0}, casting="unsafe")',),
    "gather":      ("gather({arguments}, out={out})",),
    "adjugate":    ("np.copyto({out}, adjugate({0}))",),
    "scatter":     ("scatter({arguments}, out={out})",),
    "add_at":      ("add_at({spec[0]}, {others}, out={out})",),
    "window":      ("{out}[...] = window({spec}, {0})",),
    "band":        ("{out}[...] = band_values({spec})",),
    **{op: (f"{op}({{spec}}, {{0}}, {{1}}, {{out}})",)
       for op in ("conv", "conv_input", "conv_kernel")},
    "moved":       ("moved({spec}, {out}, {arguments})",),
}
SIGMOID = {  # with tanh: half the time; with exp: exact digits also where the value is small
    4: ("np.multiply({0}, 0.5, out={out})", "np.tanh({out}, out={out})",
        "np.multiply({out}, 0.5, out={out})", "np.add({out}, 0.5, out={out})"),
    8: ("np.negative({0}, out={out})",
        'with np.errstate(over="ignore"): np.exp({out}, out={out})', "np.add({out}, 1, out={out})",
        "np.divide(1, {out}, out={out})"),
}
SCALAR: dict[str, str] = {  # an operation without axes that is no ufunc
    "add": "{0} + {1}", "subtract": "{0} - {1}", "multiply": "{0} * {1}", "divide": "{0} / {1}",
    "negative": "-{0}",
    "copy":        "{dtype}({0})",
    "fill":        "{dtype}({0})",
    "sum":         "np.add.reduce({0}, axis=None)",
    "amax":        "np.maximum.reduce({0}, axis=None{start})",
    "amin":        "np.minimum.reduce({0}, axis=None{start})",
    "prod":        "np.multiply.reduce({0}, axis=None)",
    "argmax":      "np.argmax({0})",
    "dot":         "np.dot({0}, {1})",
    "matmul":      "np.matmul({0}, {1})",
    "einsum":      "np.einsum({spec!r}, {0}, {1})",
    "large_sum":   "large_sum_of_all({0})",
    "long_dot":    "long_dot({0}, {1})",
    "long_matmul": "long_matmul({0}, {1})",
    "long_einsum": "long_einsum({spec!r}, {0}, {1})",
    "where":       "{dtype}({1} if {0} else {2})",
    "bits":        "-np.int8({0})",
    "keep_where":  "{dtype}({0} if {1} else 0)",
    "call":        "{spec}({0})",
    "sigmoid":     "{dtype}(sigmoid({0}))",
    "log_of_sum":  "log_of_sum({0})",
    "gather":      "entry({0}, {others})",
    "scatter":     "{dtype}(np.sum({0}))",
    "window":      "window({spec}, {0})[()]",
    "band":        "{dtype}(band_values({spec}))",
    "to_integer":  "{dtype}({0})",
}
IMPORTS = {
    "gemm": "from eingrad.engine.backends.blas import gemm",
    "outer": "from eingrad.engine.backends.blas import outer",
    "symmetric_matmul": "from eingrad.engine.backends.blas import symmetric_matmul",
    "prod_others": "from eingrad.engine.backends.numpy import prod_others",
    "cumsum": "from eingrad.engine.backends.numpy import cumsum",
    "sigmoid": "from eingrad.engine.backends.numpy import sigmoid",
    "log_of_sum": "from eingrad.engine.backends.numpy import log_of_sum",
    "keep_where": "from eingrad.engine.backends.numpy import keep",
    "where": "from eingrad.engine.backends.numpy import choose",
    "gather": "from eingrad.engine.backends.numpy import entry, gather",
    "scatter": "from eingrad.engine.backends.numpy import scatter",
    "add_at": "from eingrad.engine.backends.numpy import add_at",
    "adjugate": "from eingrad.engine.backends.numpy import adjugate",
    "moved": "from eingrad.engine.backends.numpy import moved",
    "window": "from eingrad.engine.backends.numpy import window",
    "band": "from eingrad.engine.window_steps import band_values",
    "aligned": "from eingrad.engine.backends.numpy import aligned",
    "large_sum": "from eingrad.engine.backends.folds import large_sum, large_sum_of_all",
    "row_dots": "from eingrad.engine.backends.folds import row_dots",
    **dict.fromkeys(("rows_add", "rows_subtract", "rows_multiply", "rows_divide"),
                    "from eingrad.engine.backends.folds import by_rows"),
    **{op: f"from eingrad.engine.backends.numpy_convolutions import {op}"
       for op in ("conv", "conv_input", "conv_kernel")},
    "short_amax": "from eingrad.engine.backends.folds import fold_short_rows",
    "short_amin": "from eingrad.engine.backends.folds import fold_short_rows",
    "long_dot": "from eingrad.engine.backends.long_products import long_dot",
    "long_matmul": "from eingrad.engine.backends.long_products import long_matmul",
    "long_einsum": "from eingrad.engine.backends.long_products import long_einsum",
}
# fmt: on


def array_lines(op: str, item_size: int) -> tuple[str, ...]:
    """Return the statements of an operation on arrays."""
    if op == "sigmoid":
        return SIGMOID[4 if item_size == 4 else 8]
    return ARRAY.get(op) or (_into(op),)


@lru_cache(maxsize=512)
def _into(op: str) -> str:
    """Return a statement that writes an operation into ``{out}``: a ufunc does that by itself."""
    record = FUNCTIONS.get(op) or MATRIX_FUNCTIONS.get(op)
    text = f"np.{op}" if record is None else record.numpy
    text = text if "{" in text else f"{text}({{arguments}})"
    bare, lines = imported(text)
    return f"{bare[:-1]}, out={{out}})" if is_ufunc(bare, lines) else f"np.copyto({{out}}, {bare})"


spelling = Spelling(
    name="numpy", title="NumPy", prefix="np", imports=("import numpy as np",),
    dtypes={INTEGER: "np.int64", BOOLEAN: "np.bool_"},
    expressions=SCALAR, statements=array_lines, needed=IMPORTS,
    cast="{0}.astype({dtype})", full="np.array({0}, {dtype})", update="np.copyto({0}, {1})",
    native=frozenset({"add_on_diagonal", "row_dots"}),
)  # fmt: skip


# --- operations that NumPy lacks ------------------------------------------------------------------


def aligned(count: int) -> Array:
    """Return ``count`` bytes that start on a cache line."""
    memory = np.empty(count + 64, np.uint8)
    start = -memory.__array_interface__["data"][0] % 64
    return memory[start : start + count]


def sigmoid(x: Any) -> Any:
    """Return ``1 / (1 + exp(-x))`` of one number, without overflow.

    >>> float(sigmoid(np.float64(0.0))), float(sigmoid(np.float32(-1e4)))
    (0.5, 0.0)
    """
    if isinstance(x, complex | np.complexfloating):
        return 1 / (1 + np.exp(-x))
    small = np.exp(-np.abs(x))
    return (1 if x >= 0 else small) / (1 + small)


def log_of_sum(x: Any) -> Any:
    """Return the logarithm of a number >= 0; that of 0 is -inf."""
    with np.errstate(divide="ignore"):
        return np.log(x)


INTEGERS = {4: np.int32, 8: np.int64}


def keep(x: Array, bits: Array, out: Array) -> None:
    """Write ``x`` where ``bits`` (a mask whose bytes are 0 or -1) are set, and 0 elsewhere.

    Done on the bits of the numbers: NaN does not stay, and a random mask, on which branches are
    mispredicted, takes 2 % of ``np.where``'s time.
    """
    integer = INTEGERS.get(out.itemsize)
    if integer is None or out.dtype.kind == "c":
        out[...] = np.where(bits, x, 0)
    else:
        np.bitwise_and(x.view(integer), bits.view(np.int8), out=out.view(integer))


def choose(bits: Array, above: Any, below: Any, out: Array) -> None:
    """Write ``above`` where ``bits`` are set, and ``below`` elsewhere.

    >>> out = np.empty(2)
    >>> choose(-np.array([0, 1], np.int8), np.array([1.0, 2.0]), np.nan, out)
    >>> out
    array([nan,  2.])
    """
    integer = INTEGERS.get(out.itemsize)
    if integer is None or out.dtype.kind == "c":
        out[...] = np.where(bits, above, below)
        return
    a, b = (np.asarray(x, out.dtype).view(integer) for x in (above, below))
    result = out.view(integer)
    np.bitwise_xor(a, b, out=result)
    np.bitwise_and(result, bits.view(np.int8), out=result)
    np.bitwise_xor(result, b, out=result)


def adjugate(x: Array) -> Array:
    """Return det(x) inv(x) of the matrices in the last two axes, of singular ones too.

    >>> adjugate(np.ones((2, 2))).round(12).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    det = np.linalg.det(x)
    bound = np.prod(np.linalg.norm(x, axis=-1), axis=-1)
    if (np.abs(det) > np.finfo(x.dtype).eps ** 0.5 * bound).all():
        return np.asarray(det[..., None, None] * np.linalg.inv(x))
    u, s, v = np.linalg.svd(x)
    others = np.prod(np.where(np.eye(x.shape[-1], dtype=bool), 1, s[..., None, :]), axis=-1)
    sign = np.linalg.det(u) * np.linalg.det(v)
    inner = np.swapaxes(u, -1, -2).conj() * others[..., :, None]
    return np.asarray(sign[..., None, None] * (np.swapaxes(v, -1, -2).conj() @ inner))


def gather(x: Array, *indices: Array, out: Array) -> None:
    """Read entries at indices that broadcast to ``out``.

    >>> out = np.empty(2)
    >>> gather(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0, 1]), np.array([1, 0]), out=out)
    >>> out
    array([2., 3.])
    """
    out[...] = entry(x, *indices)


def entry(x: Array, *indices: Any) -> Any:
    """Return entries at indices; raises OutOfRangeError."""
    try:
        return x[indices]
    except IndexError as error:
        raise OutOfRangeError(str(error)) from None


def scatter(x: Array, *indices: Array, out: Array) -> None:
    """Add entries at indices that broadcast to ``x``, to zeros."""
    out.fill(0)
    np.add.at(out, indices, x)


def add_at(factor: float, x: Array, *indices: Array, out: Array) -> None:
    """Add multiples of entries at indices that broadcast to ``x``."""
    np.add.at(out, indices, x if factor == 1 else factor * x)


def window(spec: WindowSpec, x: Array) -> Array:
    """Return a view of entries at combinations of new labels; see `engine.window_steps`.

    >>> window((((0, (3, 2), (1, 1), 0, 1),), (0, 1)), np.array([1.0, 2.0, 3.0])).tolist()
    [[1.0, 2.0], [2.0, 3.0], [3.0, 0.0]]
    """
    reaches, order = spec
    ends = {reach[0]: padding(reach, x.shape[reach[0]]) for reach in reaches}
    steps = {reach[0]: reach[4] for reach in reaches}
    if any(before or after for before, after, _ in ends.values()) or max(steps.values()) > 1:
        shape, inner = list(x.shape), [slice(None)] * x.ndim
        for axis, (before, after, _) in ends.items():
            stop = before + steps[axis] * (shape[axis] - 1) + 1
            shape[axis], inner[axis] = stop + after, slice(before, stop, steps[axis])
        wide = np.zeros(shape, x.dtype)
        wide[tuple(inner)] = x
        x = wide
    start = tuple(slice(ends[k][2], None) if k in ends else slice(None) for k in range(x.ndim))
    kept = [k for k in range(x.ndim) if k not in ends]
    lengths = [x.shape[k] for k in kept] + [n for reach in reaches for n in reach[1]]
    strides = [x.strides[k] for k in kept]
    strides += [weight * x.strides[reach[0]] for reach in reaches for weight in reach[2]]
    return np.lib.stride_tricks.as_strided(
        x[start], [lengths[k] for k in order], [strides[k] for k in order], writeable=False
    )


def moved(move: tuple[int, int], out: Array, x: Array, outside: Any = 0) -> None:
    """Write the entries that stand so many positions after along an axis.

    >>> out = np.empty(3)
    >>> moved((0, -1), out, np.array([1.0, 2.0, 3.0]), 7)
    >>> out
    array([7., 1., 2.])
    """
    axis, by = move
    out, x = np.moveaxis(out, axis, 0), np.moveaxis(x, axis, 0)
    count = len(x) - min(abs(by), len(x))
    if by < 0:
        out[: len(x) - count], out[len(x) - count :] = outside, x[:count]
    else:
        out[count:], out[:count] = outside, x[len(x) - count :]


def prod_others(x: Array, out: Array) -> None:
    """For each entry, the product of the others along the last axis; right with zeros, too.

    >>> out = np.empty(3)
    >>> prod_others(np.array([2.0, 0.0, 5.0]), out)
    >>> out
    array([ 0., 10.,  0.])
    """
    out[..., :1] = 1
    np.multiply.accumulate(x[..., :-1], axis=-1, out=out[..., 1:])
    after = np.multiply.accumulate(x[..., :0:-1], axis=-1)[..., ::-1]
    np.multiply(out[..., :-1], after, out=out[..., :-1])


WIDER = {"f": np.float64, "F": np.complex128}


def cumsum(x: Array, axis: int, out: Array) -> None:
    """Write the sums of all entries up to each; single precision is added in double.

    >>> out = np.empty(3)
    >>> cumsum(np.array([2.0, 0.5, 5.0]), 0, out)
    >>> out
    array([2. , 2.5, 7.5])
    """
    with np.errstate(invalid="ignore"):  # it converts what is in out, too, before it writes there
        np.add.accumulate(x, axis=axis, dtype=WIDER.get(out.dtype.char), out=out)


# --- what the engine asks about arrays: `engine.library.Library` ---


def is_own(value: Any) -> bool:
    """Say whether a value is an array of NumPy's, and of no subclass."""
    return type(value) is np.ndarray


def as_array(name: str, value: Any, others: Sequence[Any] = ()) -> np.ndarray[Any, Any]:  # noqa: ARG001
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


def dtype_name(array: Any) -> str:
    """Return the name of a dtype."""
    return str(array.dtype.name)


def check_dtype(dtype: str) -> None:
    """NumPy computes in every dtype."""


def default_dtype() -> str:
    """Return the dtype in which a program without arrays computes."""
    return "float64"


def full(shape: tuple[int, ...], value: int, dtype: str, others: Sequence[Any]) -> Any:  # noqa: ARG001
    """Return a constant array."""
    return np.full(shape, value, dtype)


def own_copy(array: Any, device: str | None = None) -> Any:  # noqa: ARG001
    """Return a copy that is contiguous."""
    return np.array(array, order="C")


def joined(arrays: Sequence[Any], axis: int) -> Any:
    """Return arrays one after the other along an axis, as an array of its own."""
    return np.concatenate(arrays, axis)


def check_device(device: str) -> None:
    """Raise `BackendError` unless the device is the CPU."""
    if device != "cpu":
        raise BackendError(
            f"NumPy has no device {device!r}",
            operand="device",
            hint="it computes on the cpu; for a graphics card --backend torch or jax",
        )


def is_updatable(value: Any) -> bool:
    """Say whether an array is writeable and contiguous."""
    flags = getattr(value, "flags", None)
    return flags is not None and flags.writeable and flags.c_contiguous


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


def checked(name: str, function: Callable[..., Any], dtype: str) -> Callable[[Any], Any]:
    """Return the caller's function with a check of what it returns."""

    def call(x: Any) -> Any:
        result = np.asarray(function(x))
        if result.shape != np.shape(x) or result.dtype.kind not in "biufc":
            raise ShapeError(
                f"the function {name} took shape {np.shape(x)} and returned shape {result.shape}, "
                f"dtype {result.dtype}; it must be element-wise",
                operand=name,
            )
        return result if result.shape else np.dtype(dtype).type(result)

    return call


def to_numpy(array: Any) -> Any:
    """Return an array as NumPy's."""
    return np.asarray(array)


def is_traced() -> bool:
    """No compiler reads along in NumPy's programs."""
    return False


def constant(function: Callable[[Mapping[str, Any]], Any]) -> Callable[..., Any]:
    """Return the function: nobody reads along in it."""
    return function
