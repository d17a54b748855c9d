"""Functions on extreme arguments: no overflow, no warning, no NaN where there is a value."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.special as sp
from oracle import MAPS, evaluate
from seeds import seeded

from eingrad.core.algebra import Infix, add, apply, multiply, power, reduce, repeat
from eingrad.core.expr import Const, Var
from eingrad.core.functions import FUNCTIONS
from eingrad.engine import compile_program

X, Y, M = Var("x", ("i",)), Var("y", ("i",)), Var("m", ("i", "j"))
UNARY = [name for name, row in FUNCTIONS.items() if row.takes(1)]
BINARY = [
    name for name, row in FUNCTIONS.items() if row.arity == 2 and not row.orders and name != "add"
]
FROM_ONE_ON = {"acosh", "asec", "acsc", "acoth"}
EXTREME = np.array([-1e4, -800, -90, -20, -1.5, -1e-3, 0, 1e-3, 1.5, 20, 90, 800, 1e4])


def run(node, dtype="float64", **arrays):
    values = {name: np.asarray(x, dtype) for name, x in arrays.items()}
    return compile_program({"y": node})(**values)["y"]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_argument(name, dtype, tolerance):
    values = np.linspace(0.05, 0.95, 12) + (name in FROM_ONE_ON)
    expected = MAPS[name](values)
    result = run(apply(name, X), dtype, x=values)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance)
    scalar = run(apply(name, Var("x", ())), dtype, x=values[3])
    np.testing.assert_allclose(scalar, expected[3], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two_arguments(name):
    x, y = np.array([0.5, 1.0, 2.0, 3.0]), np.array([1.0, 1.0, 0.25, 3.0])
    result = run(apply(name, X, Y), x=x, y=y)
    np.testing.assert_allclose(result, MAPS[name](x, y), rtol=1e-12)
    against = run(apply(name, X, Const(2)), x=x)
    np.testing.assert_allclose(against, MAPS[name](x, 2.0), rtol=1e-12)


@pytest.mark.parametrize("exponent", [-3, -2, -1, -0.5, 0.5, 1, 1.5, 2, 3, 4, 5, 7])
def test_powers(exponent):
    values = np.linspace(0.5, 3, 7)
    np.testing.assert_allclose(run(power(X, exponent), x=values), values**exponent, rtol=1e-13)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "name",
    [
        "sigmoid",
        "softplus",
        "tanh",
        "relu",
        "leaky_relu",
        "elu",
        "silu",
        "gelu",
        "gelu'",
        "erf",
        "atan",
    ],
)
def test_activations_far_out(name, dtype):
    result = run(apply(name, X), dtype, x=EXTREME)
    expected = MAPS[name](EXTREME)
    tolerance = 1e-13 if dtype == "float64" else 1e-6
    np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance)


def test_small_sigmoids_are_exact_in_float64():
    values = np.array([-30.0, -100.0, -700.0])
    np.testing.assert_allclose(run(apply("sigmoid", X), x=values), sp.expit(values), rtol=1e-13)


def test_a_derivative_has_no_nan_in_its_unselected_branch():
    # elu: where(x > 0, 1, e^x); the exponential of 1e4 would be infinite
    x = Infix(X)
    node = apply("where", x("gt", 0).expr, Const(1), x("elu").expr)
    result = run(node, x=EXTREME)
    np.testing.assert_allclose(result, np.where(EXTREME > 0, 1, np.expm1(np.minimum(EXTREME, 0))))


FOLDS = [
    "max", "min", "prod", "logsumexp", "norm", "softmax", "log_softmax", "prod_others", "cumsum",
    "reverse_cumsum",
]  # fmt: skip


@pytest.mark.parametrize("axes", [[0], [1], [2], [0, 2], [0, 1], [0, 1, 2]])
@pytest.mark.parametrize("name", FOLDS)
def test_functions_over_axes(name, axes):
    t = Var("t", ("i", "j", "k"))
    values = np.random.default_rng(seeded(0)).normal(size=(3, 4, 2))
    node = reduce(name, t, axes)
    np.testing.assert_allclose(run(node, t=values), evaluate(node, {"t": values}), rtol=1e-12)
    turned = np.asfortranarray(values)
    np.testing.assert_allclose(run(node, t=turned), evaluate(node, {"t": values}), rtol=1e-12)


def test_argmax_counts_along_its_axis():
    values = np.random.default_rng(seeded(0)).normal(size=(3, 4))
    result = run(reduce("argmax", M, [1]), m=values)
    assert result.dtype == np.int64
    np.testing.assert_array_equal(result, values.argmax(1))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_logits_of_ten_thousand(name, dtype):
    values = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [9999.0, 1e4, 1e4]])
    result = run(reduce(name, M, [1]), dtype, m=values)
    expected = {"softmax": sp.softmax, "log_softmax": sp.log_softmax, "logsumexp": sp.logsumexp}
    np.testing.assert_allclose(result, expected[name](values, axis=1), rtol=1e-6)


def test_masked_logits():
    values = np.array([[-np.inf, 0.0, 1.0], [-np.inf, -np.inf, 2.0]])
    result = run(reduce("softmax", M, [1]), m=values)
    np.testing.assert_allclose(result, sp.softmax(values, axis=1))
    everything = run(reduce("logsumexp", M, [1]), m=np.full((2, 3), -np.inf))
    np.testing.assert_array_equal(everything, [-np.inf, -np.inf])


def test_a_norm_does_not_overflow():
    for size in (1e-30, 1e30):
        result = run(reduce("norm", X, [0]), "float32", x=np.array([3, 4]) * size)
        np.testing.assert_allclose(result, 5 * size, rtol=1e-6)
    assert run(reduce("norm", X, [0]), x=np.zeros(3)) == 0


def test_exclusive_products_with_zeros():
    values = np.array([[2.0, 0.0, 5.0], [0.0, 0.0, 3.0]])
    result = run(reduce("prod_others", M, [1]), m=values)
    np.testing.assert_array_equal(result, [[0, 10, 0], [0, 0, 0]])


def test_softmax_and_log_softmax_share_their_exponentials():
    f = compile_program({"p": reduce("softmax", M, [1]), "l": reduce("log_softmax", M, [1])})
    f(m=np.ones((2, 3)))
    operations = [step.operation for step in f.plan.steps]
    assert operations.count("exp") == 1
    assert operations.count("amax") == 1


def test_numbers_do_not_widen_float32():
    row = repeat(apply("log", Const(2)), ("i",), ())
    node = add(multiply(Const(math.pi), apply("exp", X)), row, Const(0.1))
    result = run(node, "float32", x=np.ones(3))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, math.pi * math.e + math.log(2) + 0.1, rtol=1e-6)


def test_float16_is_computed_in_float32():
    f = compile_program({"s": reduce("logsumexp", M, [1]), "sum": add(M, Const(0.1))})
    values = np.full((2, 60_000), 0.5, "float16")
    result = f(m=values)
    assert result["s"].dtype == np.float16
    np.testing.assert_allclose(result["s"].astype(float), 0.5 + math.log(60_000), rtol=1e-3)
    assert f.plan.dtype == "float32"


def test_a_function_of_the_callers():
    node = apply("phi'", add(apply("phi", X), Const(1)))
    functions = {"phi": np.square, "phi'": lambda x: 2 * x}
    result = compile_program({"y": node}, functions=functions)(x=np.arange(3.0))["y"]
    np.testing.assert_array_equal(result, 2 * (np.arange(3.0) ** 2 + 1))
    same = compile_program({"y": apply("phi", X), "z": X}, functions={"phi": lambda x: x})
    array = np.arange(3.0)
    assert not np.shares_memory(same(x=array)["y"], array)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_case_distinction_between_0_and_1_is_made_of_numbers(dtype):
    step = apply("where", Infix(X)("gt", 0).expr, Const(1), Const(0))
    result = run(step, dtype, x=[-1, 0, 2])
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, [0, 0, 1])
