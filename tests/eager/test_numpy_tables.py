"""Every function in the tables of NumPy's functions: NumPy's dtype, and no gradient is lost.

The oracle is NumPy, on arrays: its dtypes and values, and central differences of its values.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from seeds import seeded

import eingrad as eg
from eingrad.api.tensors import numpy_protocol as protocol
from eingrad.api.tensors.tensor import Tensor

from .test_numpy_functions import CONSTANT, INTEGERS, SMOOTH

pytestmark = pytest.mark.filterwarnings("ignore:numpy.fix is deprecated")  # since NumPy 2.5
RNG = np.random.default_rng(seeded(23))
SHAPES = {"A": (3, 4), "B": (3, 4), "V": (5,), "S": (3, 3), "C": (2, 3, 3), "I": (3, 4)}
UFUNCS = [*protocol.UFUNCS, *sorted(protocol.CONSTANT_UFUNCS, key=lambda f: f.__name__)]
FUNCTIONS = [*protocol.FUNCTIONS, *sorted(protocol.CONSTANT_FUNCTIONS, key=lambda f: f.__name__)]
INTEGRAL = "invert|bitwise_and|bitwise_or|bitwise_xor|left_shift|right_shift|gcd|lcm"
DOMAINS = {
    "arccosh": "A + 2",
    "power": "A + 1, B",
    "float_power": "A + 1, B",
}  # of A, B in (0.2, 0.9)
PRODUCTS = {"matmul": "S, C", "vecdot": "A, B", "matvec": "S, A[:, 0]", "vecmat": "A[:, 0], S"}
OTHERS = [
    "np.amax(A)", "np.min(A, 1)", "np.argmin(A, 1)", "np.argsort(A)", "np.atleast_1d(V)",
    "np.atleast_2d(V)", "np.bincount([0, 2, 0, 1, 1], V)", "np.bincount([0, 1], minlength=4)",
    "np.broadcast_to(V, (2, 5))", "np.concatenate([A, B])", "np.copy(A)", "np.diag(S)",
    "np.diagonal(S)", "np.dot(A, B.T)", "np.dsplit(C, 3)", "np.empty_like(A)[:0]",
    "np.expand_dims(A, 0)", "np.extract([1, 0, 1, 0, 1], V)", "np.flip(A)", "np.flipud(A)",
    "np.imag(A)", "np.imag(A * (1 + 2j))", "np.inner(A, B)", "np.real(A)", "np.real(A * (1 + 2j))",
    "np.linalg.cholesky(S @ S.T + 3 * np.eye(3, dtype=S.dtype))", "np.linalg.cross(S, S.T)",
    "np.linalg.det(S)", "np.linalg.diagonal(C)", "np.linalg.inv(S)", "np.linalg.matmul(S, A)",
    "np.linalg.matrix_norm(C)", "np.linalg.matrix_transpose(C)", "np.linalg.outer(V, V)",
    "np.linalg.solve(S, A)", "np.linalg.tensordot(A, B, axes=2)", "np.linalg.trace(C)",
    "np.linalg.vecdot(A, B)", "np.linalg.vector_norm(A, axis=1)", "np.matrix_transpose(C)",
    "np.moveaxis(C, 0, 2)", "np.nanmin(A)", "np.nanprod(A, 0)", "np.ndim(A)", "np.ones_like(A)",
    "np.outer(V, V)", "np.resize(V, 7)", "np.split(A, 2, axis=1)", "np.squeeze(A[:1])",
    "np.stack([A, B], 1)", "np.swapaxes(C, 0, 1)", "np.tensordot(A, B, 2)", "np.trace(S)",
    "np.transpose(C, (1, 0, 2))", "np.tril(S)", "np.triu(A)", "np.vsplit(A, 3)",
    "np.where(A > B, A, B)", "np.where(A > 0.5)", "np.shape(A)", "np.linalg.slogdet(S)",
    # of which the derivative is 0, or none
    "np.all(A > 0)", "np.any(A > 0.5, 0)", "np.allclose(A, B)", "np.argpartition(V, 2)",
    "np.argwhere(A > 0.5)", "np.around(A, 1)", "np.array2string(A > 0.5)", "np.array_equal(A, B)",
    "np.array_equiv(A, B)", "np.array_repr(A > 0.5)", "np.array_str(A > 0.5)",
    "np.can_cast(A.dtype, A.dtype)", "np.count_nonzero(A > 0.5, axis=1)",
    "np.digitize(V, [0.2, 0.6])", "np.fix(3 * A)", "np.round(3 * A)",
    "np.flatnonzero(A > 0.5)", "np.isclose(A, B)", "np.iscomplex(A)", "np.iscomplexobj(A)",
    "np.isin(A > 0.5, [True])", "np.isneginf(A)", "np.isposinf(A)", "np.isreal(A)",
    "np.isrealobj(A)", "np.lexsort((V, -V))", "np.linalg.matrix_rank(S)",
    "np.may_share_memory(A, B)", "np.min_scalar_type(V[:2])", "np.nonzero(A > 0.5)",
    "np.result_type(A, B)", "np.searchsorted(np.sort(V), V[:2])", "np.shares_memory(A, B)",
    "np.unique(A > 0.5, return_counts=True)", "np.unique(V, return_inverse=True)",
    "np.divmod(3 * A, B + 1)", "np.linalg.norm(V, 0)", "A.round(1) * A", "(3 * A).astype(int) * A",
    "np.copysign(1.5, A - 0.5)", "np.argmax(A, 1)", "np.heaviside(A - 0.5, B)",
    # Python's numbers beside them
    *[f"np.{u.__name__}({x})" for u in UFUNCS if u.nin == 2 and u.signature is None
      for x in ("A + 1, 2", "2, A + 1")],
]  # fmt: skip


def _call(ufunc):
    name = ufunc.__name__
    given = "A, B" if ufunc.nin == 2 else "A"
    return f"np.{name}({PRODUCTS.get(name) or DOMAINS.get(name) or given})"


CALLS = list(dict.fromkeys([*SMOOTH, *CONSTANT, *INTEGERS, *OTHERS, *map(_call, UFUNCS)]))
_NOT_REAL = rf"\bI\b|np\.({INTEGRAL})\(|out=|'f4'|float32|nan\]"
REAL = [call for call in CALLS if not re.search(_NOT_REAL, call)]


def named(function) -> str:
    place = "np.linalg." if "linalg" in function.__module__ else "np."
    return place + function.__name__


def test_every_function_of_the_tables_is_called() -> None:
    missing = {named(f) for f in [*FUNCTIONS, *UFUNCS]} - {
        name for call in CALLS for name in re.findall(r"np\.(?:linalg\.)?\w+(?=\()", call)
    }
    assert not missing


def leaves_of(x) -> list:
    """The parts of a result, of which a Tensor stands for an array."""
    if isinstance(x, list | tuple):
        return [y for part in x for y in leaves_of(part)]
    return [x]


def evaluated(call: str, operands):
    return leaves_of(eval(call, {"np": np, **operands}))


# --- dtypes ------------------------------------------------------------------------------------

WIDE = "integers are summed in int64 or uint64"
DTYPES = {
    ("matvec", "biu"): WIDE, ("vecdot", "biu"): WIDE, ("vecmat", "biu"): WIDE,
    ("multi_dot", "biu"): WIDE, ("rint", "biu"): "NumPy computes it, in float16 for int8",
    ("reciprocal", "biu"): "1 / x of integers is no integer",
}  # fmt: skip
"""Where a dtype is not NumPy's: the function, the kinds of operands, and why."""


def operands_of(dtype: str):
    numbers = {name: RNG.uniform(0.2, 0.9, shape) for name, shape in SHAPES.items()}
    if np.dtype(dtype).kind in "biu":
        numbers = {name: RNG.integers(1, 4, shape) for name, shape in SHAPES.items()}
    numbers["S"] = numbers["S"] + 3 * np.eye(3, dtype=numbers["S"].dtype)
    return {name: x.astype(dtype) for name, x in numbers.items()}


def numpys(call: str, operands) -> list | None:
    """What NumPy computes, None if it refuses."""
    with np.errstate(all="ignore"):
        try:
            return evaluated(call, operands)
        except (TypeError, ValueError, np.linalg.LinAlgError, IndexError):
            return None


def expected_dtype(found, kind: str):
    """NumPy's dtype, but for the floats of fewer bits that it gives for small integers."""
    dtype = np.asarray(found).dtype
    return np.dtype("f8") if kind in "biu" and dtype in (np.float16, np.float32) else dtype


def is_exception(call: str, kind: str) -> bool:
    names = re.findall(r"\w+(?=\()", call)
    return any(name in names and kind in kinds for name, kinds in DTYPES)


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:Casting complex")
@pytest.mark.parametrize("dtype", ["f4", "f2", "i1", "u1", "i2", "i4", "c8"])
def test_dtypes_and_values_are_numpys(dtype: str) -> None:
    operands, kind = operands_of(dtype), np.dtype(dtype).kind
    tensors = {name: eg.tensor(x) for name, x in operands.items()}
    wrong, compared = [], 0
    for call in CALLS:
        expected = numpys(call, operands)
        if expected is None or is_exception(call, kind) or re.search(r"'f\d'|np\.float|out=", call):
            continue
        for ours, theirs in zip(evaluated(call, tensors), expected, strict=True):
            if isinstance(theirs, str | np.dtype | bool):
                continue
            compared += 1
            own = ours.numpy() if isinstance(ours, Tensor) else np.asarray(ours)
            if own.dtype != expected_dtype(theirs, kind):
                wrong.append(f"{call}: {own.dtype}, NumPy has {np.asarray(theirs).dtype}")
            elif not is_close(own, np.asarray(theirs), dtype):
                wrong.append(f"{call}: {own}, NumPy has {theirs}")
    assert not wrong, "\n".join(wrong)
    assert compared > 150


def is_close(own, theirs, dtype: str) -> bool:
    """Whether values agree, to the precision of the coarsest dtype in which NumPy computes."""
    if theirs.dtype.kind in "biu":
        return np.array_equal(own, theirs)
    floats = [np.dtype(d) for d in (dtype, theirs.dtype) if np.dtype(d).kind in "fc"]
    rtol = 100 * max(np.finfo(d).eps for d in floats)
    return np.allclose(own, theirs, rtol=rtol, atol=rtol, equal_nan=True)


# --- gradients ---------------------------------------------------------------------------------


def loss(parts, weights, lift):
    """A sum over all entries with a number in them, each with a weight of its own."""
    total = 0.0
    for part, weight in zip(parts, weights, strict=True):
        if isinstance(part, str | np.dtype):
            continue
        value = part if isinstance(part, Tensor | np.ndarray) else np.asarray(part)
        both = (np.real(value), np.imag(value)) if value.dtype.kind == "c" else (value,)
        for k, x in enumerate(both):
            total = total + np.sum(x * weight[: x.size].reshape(x.shape) * (1 + k / 3))
    return total + lift


@pytest.mark.parametrize("call", REAL)
def test_no_gradient_is_lost(call: str) -> None:
    """Beside a term that keeps the graph, what has the gradient 0 must not change."""
    used = re.findall(r"\b[ABVSC]\b", call)
    operands = {name: x for name, x in operands_of("f8").items() if name in used}
    parts = evaluated(call, operands)
    weights = [RNG.normal(size=200) for _ in parts]

    def ours(given):
        return loss(evaluated(call, given), weights, sum(np.sum(x) for x in given.values()))

    gradient = eg.grad(ours)(operands)
    for name, x in operands.items():
        expected = np.empty(x.shape)
        for index in np.ndindex(x.shape):
            moved = []
            for step in (1e-6, -1e-6):
                changed = x.copy()
                changed[index] += step
                moved.append(loss(evaluated(call, operands | {name: changed}), weights, 0.0))
            expected[index] = 1 + (moved[0] - moved[1]) / 2e-6
        np.testing.assert_allclose(gradient[name], expected, rtol=1e-5, atol=1e-6, err_msg=name)
