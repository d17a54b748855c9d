"""Every function of the tables at extremes, against mpmath: zeros, denormals, 1e-300 to 1e300,
infinities, nan; on NumPy, PyTorch and JAX, and its derivatives at kinks.

`LIMITS` says how many units in the last place a backend may be off, `EXCEPTIONS` where it is
further off, and why. Denormal arguments and results are apart: XLA takes them for 0.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import mpmath
import numpy as np
import pytest

from eingrad.calculus.differentiate import pull_back
from eingrad.core.algebra import apply, full, reduce
from eingrad.core.expr import Const, Expr, Var
from eingrad.core.functions import AXIS_FUNCTIONS, COMPARISONS, FUNCTIONS
from eingrad.engine import compile_program

LIMITS = {"numpy": 8, "torch": 64, "jax": 64}
INF, NAN = mpmath.inf, mpmath.nan
FAR = 1e5  # beyond it exponentials and distribution functions are at their limits
POINTS = [
    0.0, 5e-324, 1e-310, 2.3e-308, 1e-300, 1e-200, 1e-160, 1e-100, 1e-20, 1e-8, 1e-5, 0.1, 0.5,
    0.9999999999999999, 1.0, 1.0000000000000002, 1.0000000001, 2.0, 3.0, 5.5, 10.0, 30.0, 37.0,
    100.0, 700.0, 709.5, 746.0, 750.0, 1e4, 1e8, 1e16, 1e100, 1e160, 1e300, 1.7e308, math.inf,
]  # fmt: skip
X = np.array([*POINTS, *(-x for x in POINTS), math.nan])
PAIRED = [0.0, -0.0, 1e-300, 0.3, -0.3, 1.0, -1.0, 2.0, 3.5, -50.0, 1e4, 1e30, -1e30, 1e300]
PAIRED += [math.inf, -math.inf, math.nan]
ROWS = np.array([
    [0, 0, 0], [0, -0.0, 1], [1, 1, 1], [3e200, 4e200, 0], [3e-200, 4e-200, 0], [1e-300, 0, 2e-300],
    [1, 2, 4], [-1, 0.5, -3], [1e4, -1e4, 1e4], [1e300, -1e300, 1e300], [0.1, 0.1, 0.1],
    [math.inf, 1, 2], [-math.inf, 1, 2], [math.inf, math.inf, 0], [-math.inf] * 3,
    [math.inf, -math.inf, 0], [math.nan, 1, 2], [1, math.nan, math.inf],
])  # fmt: skip

Value = Any  # mpmath's number


def _far(inside: Callable[[Value], Value], left: Any, right: Any) -> Callable[[Value], Value]:
    """Give a function its limits: numbers, or functions of x."""

    def function(x: Value) -> Value:
        if abs(x) <= FAR:
            return inside(x)
        side = right if x > 0 else left
        return side(x) if callable(side) else mpmath.mpf(side)

    return function


def _within(low: Value, high: Value, inside: Callable[[Value], Value]) -> Callable[[Value], Value]:
    return lambda x: inside(x) if low <= x <= high else NAN


def _lgamma(x: Value) -> Value:
    pole = x <= 0 and x == mpmath.floor(x)
    if abs(x) == INF or pole:
        return INF
    return mpmath.log(abs(mpmath.gamma(x))) if x < 0 else mpmath.loggamma(x)


def _digamma(x: Value) -> Value:
    if x == INF or x == 0:
        return x if x else None  # the sign of 0 decides
    return NAN if x < 0 and x == mpmath.floor(x) else mpmath.digamma(x)


def _polygamma(x: Value) -> Value:
    if x <= 0 or x == INF:
        return INF if x == 0 else mpmath.mpf(0) if x == INF else None  # its domain is x > 0
    return mpmath.polygamma(1, x)


def identity(x: Value) -> Value:
    return x


def _sigmoid(x: Value) -> Value:
    return 1 / (1 + mpmath.exp(-x))


finite = _within(-mpmath.mpf(1.8e308), mpmath.mpf(1.8e308), identity)
# fmt: off
ONE: dict[str, Callable[[Value], Value]] = {
    "exp": mpmath.exp, "expm1": mpmath.expm1,
    "log": lambda x: NAN if x < 0 else mpmath.log(x) if x else -INF,
    "log1p": lambda x: NAN if x < -1 else mpmath.log1p(x) if x != -1 else -INF,
    "sqrt": _within(0, INF, mpmath.sqrt), "root": _within(0, INF, mpmath.sqrt),
    "abs": abs, "sign": mpmath.sign,
    "sin": lambda x: mpmath.sin(finite(x)), "cos": lambda x: mpmath.cos(finite(x)),
    "tan": lambda x: mpmath.tan(finite(x)),
    "asin": _within(-1, 1, mpmath.asin), "acos": _within(-1, 1, mpmath.acos), "atan": mpmath.atan,
    "sinh": _far(mpmath.sinh, -INF, INF), "cosh": _far(mpmath.cosh, INF, INF),
    "tanh": _far(mpmath.tanh, -1, 1), "sigmoid": _far(_sigmoid, 0, 1),
    "softplus": _far(lambda x: mpmath.log1p(mpmath.exp(x)), 0, identity),
    "relu": lambda x: max(x, mpmath.mpf(0)), "leaky_relu": lambda x: max(x, mpmath.mpf(0.01) * x),
    "elu": lambda x: x if x > 0 else mpmath.expm1(x),
    "ndtr": _far(mpmath.ncdf, 0, 1), "gelu": _far(lambda x: x * mpmath.ncdf(x), 0, identity),
    "gelu'": _far(lambda x: mpmath.ncdf(x) + x * mpmath.npdf(x), 0, 1),
    "silu": _far(lambda x: x * _sigmoid(x), 0, identity), "erf": _far(mpmath.erf, -1, 1),
    "lgamma": _lgamma, "digamma": _digamma, "polygamma": _polygamma, "stop_gradient": identity,
    "floor": lambda x: x if abs(x) == INF else mpmath.floor(x),
    "ceil": lambda x: x if abs(x) == INF else mpmath.ceil(x),
    "square": lambda x: x * x,
    "asinh": lambda x: x if abs(x) == INF else mpmath.asinh(x),
    "acosh": _within(1, INF, mpmath.acosh), "atanh": _within(-1, 1, mpmath.atanh),
    "cot": lambda x: mpmath.cot(finite(x)) if x else None, "sec": lambda x: mpmath.sec(finite(x)),
    "csc": lambda x: mpmath.csc(finite(x)) if x else None,
    "coth": _far(lambda x: mpmath.coth(x) if x else None, -1, 1), "sech": _far(mpmath.sech, 0, 0),
    "csch": _far(lambda x: mpmath.csch(x) if x else None, 0, 0),
    "acot": lambda x: mpmath.pi / 2 - mpmath.atan(x) if x < 1 else mpmath.atan(1 / x),
    "asec": lambda x: mpmath.asec(x) if abs(x) >= 1 else NAN if x else None,
    "acsc": lambda x: mpmath.acsc(x) if abs(x) >= 1 else NAN if x else None,
    "acoth": lambda x: mpmath.atanh(1 / x) if abs(x) > 1 else NAN if abs(x) < 1 and x else None,
}
# fmt: on


def nowhere(*numbers: float) -> bool:
    del numbers
    return False


EXCEPTIONS: dict[tuple[str, str], tuple[Callable[[float], bool], str]] = {}


def _except(names: str, backends: str, where: Callable[[float], bool], reason: str) -> None:
    for key in product(names.split(), backends.split()):
        assert key not in EXCEPTIONS, key
        EXCEPTIONS[key] = where, reason


EVERYWHERE = "numpy torch jax"
_except("silu gelu'", "numpy torch", lambda x: abs(x) == math.inf, "0 times infinity")
_except("silu gelu'", "jax", lambda x: abs(x) == math.inf or x < -708,
        "0 times infinity; XLA has no denormal sigmoid to multiply by")  # fmt: skip
_except("gelu", "numpy jax", lambda x: x == -math.inf or -40 < x < -5,
        "-inf is 0 times infinity; in the tail the rounding of x counts x^2 times")  # fmt: skip
_except("gelu", "torch", lambda x: x < -5, "PyTorch's is exact to 1e-17 of x, not of the value")
_except("ndtr", EVERYWHERE, lambda x: -40 < x < -4, "in the tail x's rounding counts x^2 times")
_except("sinh cosh sech csch", "jax", lambda x: 600 < abs(x) < 711, "XLA takes exp(x - log 2)")
_except(
    "asec acoth",
    EVERYWHERE,
    lambda x: abs(abs(x) - 1) < 1e-9,
    "next to 1 the rounding of 1 / x counts",
)
_except("lgamma", EVERYWHERE, lambda x: abs(x - 1) < 1e-9 or x < 0,
        "next to its zeros the libraries are exact to 1e-16, not to that of the value")  # fmt: skip
_except("polygamma", "numpy jax", lambda x: x > 1e150, "1 / x is lost in the library's series")
_except("polygamma", "torch", lambda x: x == x, "PyTorch's trigamma is exact to 1e-9")
_except("digamma", EVERYWHERE, lambda x: x < 0, "next to its poles and zeros x's rounding counts")


def reference(function: Callable[[Value], Value], x: float) -> Value:
    if math.isnan(x):
        return NAN
    with mpmath.workdps(60 if abs(x) < 1e30 else 360):
        return function(mpmath.mpf(x))


def misses(
    got: float, want: Value, limit: float, dtype: Any = np.float64, scale: Any = 0,
    denormals: bool = False,
) -> bool:  # fmt: skip
    """Whether a value is further from mpmath's than ``limit`` units in the last place."""
    limits = np.finfo(dtype)
    largest, tiny = float(limits.max), float(limits.tiny)
    if want is None:
        return False
    if mpmath.isnan(want):
        return not math.isnan(got)
    if abs(want) > mpmath.mpf(largest):
        return not (
            got == math.copysign(math.inf, want) or abs(want) < 1.0001 * mpmath.mpf(largest)
        )
    if not math.isfinite(got):
        return True
    if not denormals and abs(want) <= 2 * tiny:
        return abs(got) > 3 * tiny
    unit = float(limits.eps) * max(abs(want), scale, mpmath.mpf(tiny))
    return bool(abs(mpmath.mpf(got) - want) > limit * unit)


def arrays(backend: str, **values: np.ndarray) -> dict[str, Any]:
    if backend == "numpy":
        return values
    library = pytest.importorskip(backend)
    if backend == "torch":
        return {name: library.tensor(x) for name, x in values.items()}
    return {name: library.numpy.asarray(x) for name, x in values.items()}


@pytest.fixture(autouse=True, scope="module")
def double_precision() -> Iterator[None]:
    jax = pytest.importorskip("jax")
    before = jax.config.read("jax_enable_x64")
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def computed(
    node: Expr, backend: str, inputs: Sequence[Var] = (), **values: np.ndarray
) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = compile_program({"y": node}, backend=backend, inputs=inputs)
        return np.asarray(run(**arrays(backend, **values))["y"])


def node_of(name: str, x: Expr) -> Expr:
    return apply(name, Const(1), x) if FUNCTIONS[name].orders else apply(name, x)


def is_denormal(x: float, dtype: Any = np.float64) -> bool:
    return 0 < abs(x) <= 2 * float(np.finfo(dtype).tiny)


@pytest.mark.parametrize("backend", LIMITS)
@pytest.mark.parametrize("name", ONE)
def test_functions_of_one_argument(name: str, backend: str) -> None:
    got = computed(node_of(name, Var("x", ("i",))), backend, x=X)
    excepted, _ = EXCEPTIONS.get((name, backend), (nowhere, ""))
    wrong = [
        (x, y, mpmath.nstr(want, 17))
        for x, y in zip(X.tolist(), got.tolist(), strict=True)
        if not excepted(x) and not is_denormal(x)
        for want in [reference(ONE[name], x)]
        if misses(y, want, LIMITS[backend])
    ]
    assert not wrong


@pytest.mark.parametrize("name", ONE)
def test_denormals_on_numpy(name: str) -> None:
    x = np.array([5e-324, 1e-310, -5e-324, -1e-310])
    got = computed(node_of(name, Var("x", ("i",))), "numpy", x=x)
    for value, y in zip(x.tolist(), got.tolist(), strict=True):
        if name not in {"lgamma", "digamma", "polygamma"}:  # SciPy's are infinite there
            assert not misses(y, reference(ONE[name], value), 8, denormals=True), (value, y)


def test_every_function_is_tried() -> None:
    elementwise = {*ONE, *TWO, *COMPARISONS, "clip", "where", "add"}
    assert elementwise == set(FUNCTIONS)
    assert {*OVER_AXES} == {n for n, row in AXIS_FUNCTIONS.items() if not row.is_product}


# --- two arguments ----------------------------------------------------------------------------


def _pow(a: Value, b: Value) -> Value:
    if b == 0 or a == 1:
        return mpmath.mpf(1)
    if mpmath.isnan(a) or mpmath.isnan(b) or (a < 0 and b != mpmath.floor(b) and abs(a) != INF):
        return NAN
    odd = abs(b) < 2**53 and b == mpmath.floor(b) and int(b) % 2 == 1
    if a == -1 and abs(b) == INF:
        return mpmath.mpf(1)
    if a == 0 and b < 0 and odd:
        return None  # the sign of 0 decides
    if a == 0 or abs(a) == INF or abs(b) == INF:
        grows = (abs(a) > 1) == (b > 0)
        size = INF if grows else mpmath.mpf(0)
        return -size if a < 0 and odd else size
    size = b * mpmath.log(abs(a))
    value = INF if size > FAR else mpmath.mpf(0) if size < -FAR else mpmath.exp(size)
    return -value if a < 0 and odd else value


def _logaddexp(a: Value, b: Value) -> Value:
    top, other = max(a, b), min(a, b)
    return top if abs(top) == INF or top - other > FAR else top + mpmath.log1p(
        mpmath.exp(other - top)
    )  # fmt: skip


def _finite_pair(function: Callable[[Value, Value], Value]) -> Callable[[Value, Value], Value]:
    return lambda a, b: None if b == 0 or abs(a) == INF or abs(b) == INF else function(a, b)


def _both(function: Callable[[Value, Value], Value]) -> Callable[[Value, Value], Value]:
    return lambda a, b: NAN if mpmath.isnan(a) or mpmath.isnan(b) else function(a, b)


TWO: dict[str, Callable[[Value, Value], Value]] = {
    "pow": _pow,
    "maximum": _both(max),
    "minimum": _both(min),
    "logaddexp": _both(_logaddexp),
    "floor_divide": _both(_finite_pair(lambda a, b: mpmath.floor(a / b))),
    "remainder": _both(_finite_pair(lambda a, b: a - b * mpmath.floor(a / b))),
    "hypotenuse": lambda a, b: INF if INF in (abs(a), abs(b)) else mpmath.sqrt(a * a + b * b),
    "over_root": _both(_finite_pair(lambda a, b: a / b)),
}
UNLIKE = {  # where backends differ: (a, b) -> whether it is left out, and why
    # Python's and C's remainders take sizes apart that no quotient in float64 holds.
    "remainder": lambda a, b: abs(a) > 1e15 * abs(b) or abs(b) > 1e15 * abs(a),
    "floor_divide": lambda a, b: abs(a) > 1e15 * abs(b) or abs(b) > 1e15 * abs(a),
}


@pytest.mark.parametrize("backend", LIMITS)
@pytest.mark.parametrize("name", TWO)
def test_functions_of_two_arguments(name: str, backend: str) -> None:
    pairs = [p for p in product(PAIRED, PAIRED) if not UNLIKE.get(name, nowhere)(*p)]
    a, b = np.array(pairs).T
    got = computed(apply(name, Var("a", ("i",)), Var("b", ("i",))), backend, a=a, b=b)
    wrong = []
    for (p, q), y in zip(pairs, got.tolist(), strict=True):
        with mpmath.workdps(360 if max(abs(p), abs(q)) > 1e25 else 60):
            want = TWO[name](mpmath.mpf(p), mpmath.mpf(q))
            scale = abs(q) if name == "remainder" and q == q else 0
            if misses(y, want, LIMITS[backend], scale=scale):
                wrong.append((p, q, y, mpmath.nstr(want, 17)))
    assert not wrong


@pytest.mark.parametrize("name", [*COMPARISONS, "where", "clip", "add"])
def test_choices_are_numpys_on_all_backends(name: str) -> None:
    pairs = list(product(PAIRED, PAIRED))
    a, b = np.array(pairs).T
    x, y = Var("a", ("i",)), Var("b", ("i",))
    node = apply(name, x, y, *([Const(1)] if name == "clip" else [x] if name == "where" else []))
    want = {
        "where": lambda: np.where(a != 0, b, a),
        "clip": lambda: np.minimum(np.maximum(a, b), 1),
        "add": lambda: a + b,
    }.get(name, lambda: FUNCTIONS[name].numpy and getattr(np, FUNCTIONS[name].numpy[3:])(a, b))
    with np.errstate(all="ignore"):
        expected = want()
    for backend in LIMITS:
        np.testing.assert_array_equal(computed(node, backend, a=a, b=b), expected)


# --- over axes --------------------------------------------------------------------------------


def _softmax(x: list[Value]) -> list[Value]:
    top = max(x)
    e = [mpmath.exp(v - top) if v - top > -FAR else mpmath.mpf(0) for v in x]
    return [v / sum(e) for v in e]


def _logsumexp(x: list[Value]) -> Value:
    top = max(x)
    return top if abs(top) == INF else top + mpmath.log(
        sum(mpmath.exp(v - top) if v - top > -FAR else mpmath.mpf(0) for v in x)
    )  # fmt: skip


def _unit(x: list[Value]) -> list[Value]:
    size = _norm(x)
    return [v / size if size else mpmath.mpf(0) for v in x]


def _norm(x: list[Value]) -> Value:
    return mpmath.sqrt(sum(v * v for v in x))


def _var(x: list[Value]) -> Value:
    return sum((v - sum(x) / 3) ** 2 for v in x) / 3


def _attained(best: Callable[[list[Value]], Value]) -> Callable[[list[Value]], list[Value]]:
    def function(x: list[Value]) -> list[Value]:
        n = sum(v == best(x) for v in x)
        return [mpmath.mpf(v == best(x)) / n for v in x]

    return function


# fmt: off
OVER_AXES: dict[str, Callable[[list[Value]], Any]] = {
    "max": max, "min": min, "ismax": _attained(max), "ismin": _attained(min),
    "prod": lambda x: x[0] * x[1] * x[2],
    "prod_others": lambda x: [x[1] * x[2], x[0] * x[2], x[0] * x[1]],
    "logsumexp": _logsumexp, "norm": _norm, "unit": _unit, "var": _var,
    "std": lambda x: mpmath.sqrt(_var(x)), "softmax": _softmax,
    "log_softmax": lambda x: [v - _logsumexp(x) for v in x],
    "argmax": lambda x: mpmath.mpf(x.index(max(x))),
    "argsort": lambda x: [mpmath.mpf(k) for k in sorted(range(3), key=lambda k: x[k])],
    "cumsum": lambda x: [x[0], x[0] + x[1], x[0] + x[1] + x[2]],
    "reverse_cumsum": lambda x: [x[0] + x[1] + x[2], x[1] + x[2], x[2]],
}
# fmt: on
AT_INFINITY = {"max", "min", "norm", "logsumexp", "argmax", "ismax", "ismin", "argsort"}
"""Functions with a value where an entry is infinite; the others are compared among backends."""


def _in_range(name: str, row: np.ndarray) -> bool:
    """Whether no square or product leaves float64's range on the way."""
    sizes = np.abs(row[np.isfinite(row) & (row != 0)])
    if name == "var":  # its value is a square
        return bool(((sizes < 1e150) & (sizes > 1e-150)).all())
    if name in {"prod", "prod_others"}:
        return bool(((sizes < 1e100) & (sizes > 1e-100)).all())
    return True


@pytest.mark.parametrize("backend", LIMITS)
@pytest.mark.parametrize("name", OVER_AXES)
def test_functions_over_axes(name: str, backend: str) -> None:
    node = reduce(name, Var("x", ("i", "j")), (1,))
    got = computed(node, backend, x=ROWS)
    wrong = []
    for row, y in zip(ROWS, got, strict=True):
        if not np.isfinite(row).all() and (name not in AT_INFINITY or np.isnan(row).any()):
            continue
        if not _in_range(name, row):
            continue
        with mpmath.workdps(700):
            wanted = OVER_AXES[name]([mpmath.mpf(float(v)) for v in row])
            scale = float(np.abs(row).max()) if name in {
                "cumsum", "reverse_cumsum", "log_softmax", "std"
            } else 0.0  # fmt: skip
            scale = scale**2 if name == "var" else scale
            for v, want in zip(np.ravel(y), np.ravel(np.array(wanted, object)), strict=True):
                if misses(float(v), want, LIMITS[backend], scale=scale):
                    wrong.append((row.tolist(), float(v), mpmath.nstr(want, 17)))
    assert not wrong


@pytest.mark.parametrize("name", OVER_AXES)
def test_infinities_and_nan_over_axes_are_the_same_everywhere(name: str) -> None:
    rows = ROWS[~np.isfinite(ROWS).all(1)]
    if name in {"argmax", "argsort", "ismax", "ismin"}:
        rows = rows[~np.isnan(rows).any(1)]  # where nan stands in an order is a library's own
    node = reduce(name, Var("x", ("i", "j")), (1,))
    values = [computed(node, backend, x=rows) for backend in LIMITS]
    for other in values[1:]:
        np.testing.assert_allclose(other, values[0], rtol=1e-13)


# --- float32 ----------------------------------------------------------------------------------

COARSE = {  # in single precision NumPy's are computed for speed, exact to 1e-7 of 1
    "sigmoid": 1, "silu": 1, "gelu": 1, "gelu'": 1, "ndtr": 1, "lgamma": 1, "digamma": 1,
    "polygamma": 1, "sin": 0, "cos": 0, "tan": 0,
}  # fmt: skip


@pytest.mark.parametrize("name", ONE)
def test_single_precision_on_numpy(name: str) -> None:
    x = X[(np.abs(X) < 3e38) & ((np.abs(X) > 2e-38) | (X == 0)) | ~np.isfinite(X)]
    x = x.astype(np.float32)
    got = computed(node_of(name, Var("x", ("i",))), "numpy", x=x)
    excepted, _ = EXCEPTIONS.get((name, "numpy"), (nowhere, ""))
    wrong = [
        (v, y, mpmath.nstr(want, 10))
        for v, y in zip(x.tolist(), got.tolist(), strict=True)
        if not excepted(v) and not (name in COARSE and abs(v) > 1e8)
        for want in [reference(ONE[name], v)]
        if misses(y, want, 8, np.float32, scale=COARSE.get(name, 0))
    ]
    assert got.dtype == np.float32
    assert not wrong


# --- derivatives at kinks ---------------------------------------------------------------------

KINKS: dict[str, tuple[list[float], list[float]]] = {  # where, and the derivative there
    "abs": ([0.0, -0.0], [0, 0]),
    "sign": ([0.0], [0]),
    "relu": ([0.0, -0.0], [0, 0]),
    "leaky_relu": ([0.0], [0.01]),
    "elu": ([0.0], [1]),
    "floor": ([1.0, -2.0], [0, 0]),
    "ceil": ([1.0, -2.0], [0, 0]),
    "sqrt": ([0.0, 1.0], [math.inf, 0.5]),
    "root": ([0.0, 1.0], [0, 0.5]),
    "log": ([0.0, math.inf], [math.inf, 0]),
    "log1p": ([-1.0], [math.inf]),
    "asin": ([1.0, -1.0], [math.inf, math.inf]),
    "acos": ([1.0], [-math.inf]),
    "softplus": ([-math.inf, 0.0, math.inf], [0, 0.5, 1]),
    "sigmoid": ([-1e4, 1e4], [0, 0]),
    "tanh": ([-1e4, 1e4], [0, 0]),
    "gelu": ([0.0], [0.5]),
    "silu": ([0.0], [0.5]),
}
PAIR_KINKS: dict[str, tuple[list[float], list[float]]] = {  # at a = b, by a and by b
    "maximum": ([2.0, 2.0], [0.5, 0.5]),
    "minimum": ([2.0, 2.0], [0.5, 0.5]),
    "logaddexp": ([1e30, 1e30], [0.5, 0.5]),
    "pow": ([0.0, 0.0], [0, 0]),
    "hypotenuse": ([0.0, 0.0], [0, 0]),
}
ROW_KINKS: dict[str, tuple[list[float], list[float]]] = {
    "max": ([1.0, 1.0, 0.0], [0.5, 0.5, 0]),
    "min": ([1.0, 0.0, 0.0], [0, 0.5, 0.5]),
    "norm": ([0.0, 0.0, 0.0], [0, 0, 0]),
    "std": ([2.0, 2.0, 2.0], [0, 0, 0]),
    "prod": ([0.0, 0.0, 3.0], [0, 0, 0]),
}


def slope(node: Expr, backend: str, **values: np.ndarray) -> list[list[float]]:
    """Return the derivatives in numbers of the sum of a node by its variables."""
    wrt = [Var(name, ("i",)[: x.ndim]) for name, x in values.items()]
    found = pull_back(node, wrt, full(1, node.dims), 0, numbers=True)
    return [computed(x, backend, wrt, **values).tolist() for x in found]


@pytest.mark.parametrize("backend", LIMITS)
@pytest.mark.parametrize("name", KINKS)
def test_derivatives_at_kinks(name: str, backend: str) -> None:
    points, wanted = KINKS[name]
    (got,) = slope(apply(name, Var("x", ("i",))), backend, x=np.array(points))
    assert got == pytest.approx(wanted, abs=1e-300) or np.broadcast_to(got, 2).tolist() == wanted


@pytest.mark.parametrize("backend", LIMITS)
@pytest.mark.parametrize("name", PAIR_KINKS)
def test_derivatives_at_ties(name: str, backend: str) -> None:
    (a, b), wanted = PAIR_KINKS[name]
    node = apply(name, Var("a", ("i",)), Var("b", ("i",)))
    got = slope(node, backend, a=np.array([a]), b=np.array([b]))
    assert [x[0] for x in got] == wanted


@pytest.mark.parametrize("backend", LIMITS)
@pytest.mark.parametrize("name", ROW_KINKS)
def test_derivatives_over_axes_at_kinks(name: str, backend: str) -> None:
    row, wanted = ROW_KINKS[name]
    (got,) = slope(reduce(name, Var("x", ("i",)), (0,)), backend, x=np.array(row))
    assert got == wanted
