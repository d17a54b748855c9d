"""Thresholds and bends that numbers drawn at random never meet; truths by hand.

Each model has a right claim, and wrong ones that are right at most points.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import eingrad as eg

HUBER = "L = sum_b(where(abs(z_b - y_b) <= 20, (z_b - y_b)^2 / 2, 20 abs(z_b - y_b) - 200))"
CASES = (
    r"f = \begin{cases} \frac{x^2}{2} & |x| \le 1000 \\ 1000(|x| - 500) & |x| > 1000 \end{cases}"
)
HARDSWISH = r"f = x \min(\max(x + 3, 0), 6) / 6"
HARDSWISH_SLOPE = (
    r"\frac{df}{dx} = \begin{cases} 0 & x \le %s \\ 1 & x \ge %s "
    r"\\ \frac{2x+3}{6} & \text{otherwise} \end{cases}"
)
TWO_SIGMOIDS = "f = sigmoid(x) + sigmoid(x - 60)"

RIGHT = [
    ("f = sum_i(maximum(0, x_i - 10))", "df/dx_i = where(x_i > 10, 1, 0)"),
    ("f = where(x < 1000, x^2, 2000 x - 1000000)", "df/dx = where(x < 1000, 2 x, 2000)"),
    ("L = sum_i(maximum(0, c - y_i z_i))", "dL/dz_i = -y_i where(y_i z_i < c, 1, 0)"),
    ("L = sum_i(maximum(0, 1 - y_i z_i))", "dL/dz_i = -y_i where(y_i z_i < 1, 1, 0)"),
    (HUBER, "dL/dz_b = where(abs(z_b - y_b) <= 20, z_b - y_b, 20 sign(z_b - y_b))"),
    (HARDSWISH, HARDSWISH_SLOPE % (-3, 3)),
    ("f = tanh(x - 100)", "df/dx = 1 - tanh(x - 100)^2"),
    (TWO_SIGMOIDS, "df/dx = exp(-x) / (1 + exp(-x))^2 + exp(60 - x) / (1 + exp(60 - x))^2"),
    ("f = x abs(x)", "df/dx = 2 sqrt(x^2)"),
    ("L = maximum(x, y)", "dL/dx = where(x > y, 1, 0)"),
    ("L = sum_i(min(x_i, y_i) w_i)", "dL/dx_i = where(x_i < y_i, w_i, 0)"),
    ("L = abs(x - y)", "dL/dx = where(x > y, 1, -1)"),
    ("L = sum_i(where(exp(x_i) > 500, x_i, 0))", "dL/dx_i = where(x_i > log(500), 1, 0)"),
    ("L = sum_i(where(x_i > 0, x_i, exp(x_i) - 1))", "dL/dx_i = exp(minimum(x_i, 0))"),
    ("f = sqrt((x - 20)^2)", "df/dx = sign(x - 20)"),
    ("f = ((x - 20)^2)^1.5", "df/dx = 3 (x - 20) abs(x - 20)"),
    ("f = sqrt((x - 20)^2 + 1e-12)", "df/dx = (x - 20) / sqrt((x - 20)^2 + 1e-12)"),
]

WRONG = [
    ("f = sum_i(maximum(0, x_i - 10))", "df/dx_i = where(x_i > 15, 1, 0)"),
    ("f = sum_i(maximum(0, x_i - 10000))", "df/dx_i = 0"),
    ("f = where(x < 1000, x^2, 2000 x - 1000000)", "df/dx = 2 x"),
    (CASES, r"\frac{df}{dx} = x"),
    (CASES, r"\frac{df}{dx} = \begin{cases} x & |x| \le 1000 \\ 1000 & |x| > 1000 \end{cases}"),
    ("y_i = relu(x_i) - relu(x_i - 600)\nL = sum_i(y_i^2)", "dL/dx_i = 2 relu(x_i)"),
    ("f = where(x > 5, where(x < 5.01, 0, x^2), x^2)", "df/dx = 2 x"),
    ("f = where(x <= 1e-6, x, x^2)", "df/dx = where(x <= 0, 1, 2 x)"),
    ("L = sum_i(maximum(0, c - y_i z_i))", "dL/dz_i = -y_i where(y_i z_i < 1.1 c, 1, 0)"),
    ("L = sum_i(maximum(0, 1 - y_i z_i))", "dL/dz_i = -y_i where(y_i z_i < 1.001, 1, 0)"),
    (HUBER, "dL/dz_b = where(abs(z_b - y_b) <= 20, z_b - y_b, 20)"),
    (HUBER, "dL/dz_b = where(abs(z_b - y_b) <= 25, z_b - y_b, 20 sign(z_b - y_b))"),
    (HARDSWISH, HARDSWISH_SLOPE % (-3, 3.2)),
    (HARDSWISH, HARDSWISH_SLOPE % (-3.01, 3)),
    ("f = tanh(x - 100)", "df/dx = 0"),
    (TWO_SIGMOIDS, "df/dx = sigmoid(x) (1 - sigmoid(x))"),
    ("L = sum_i(where(exp(x_i) > 500, x_i, 0))", "dL/dx_i = where(x_i > 6, 1, 0)"),
    ("p_i = softmax_i(x_i)\nL = sum_i(relu(p_i - 0.9))", "dL/dp_i = where(p_i > 0.95, 1, 0)"),
    # what begins at a bend, and is next to nothing beside it
    ("f = x^2", "df/dx = 2 x + 1e-4 relu(x - 20)"),
    ("f = x^2", "df/dx = 2 x + 1e-3 relu(x - 5)"),
    ("f = x^2", "df/dx = 2 x + 1e-3 relu(x - 20)^2"),
    ("f = x^2", "df/dx = 2 x + 1e-5 relu(x - 200)"),
    ("f = x^2", "df/dx = 2 x + relu(0.01 - (x - 30)^2)"),
    ("f = where(x > 20, x^2, 20 x)", "df/dx = where(x > 20, 2 x, 20) + 1e-3 relu(x - 30)"),
    # roots, which bend where what they are taken of touches 0
    ("f = sqrt((x - 20)^2)", "df/dx = -1"),
    ("f = ((x - 20)^2)^0.5", "df/dx = -1"),
    ("f = ((x - 20)^2)^1.5", "df/dx = -3 (x - 20)^2"),
    ("f = (x - 20)^2 / sqrt((x - 20)^2)", "df/dx = -1"),
    ("f = sqrt((x - 20)^2 + 1e-12)", "df/dx = -1"),
    ("f = abs(cos(x / 20))", "df/dx = -sin(x / 20) / 20"),
]


@pytest.mark.parametrize(("model", "claim"), RIGHT)
def test_right_on_all_sides(model: str, claim: str) -> None:
    assert eg.parse(model).check(claim).outcome == "right"


@pytest.mark.parametrize(("model", "claim"), WRONG)
def test_wrong_on_one_side(model: str, claim: str) -> None:
    verdict = eg.parse(model).check(claim)
    assert verdict.outcome == "wrong"
    assert verdict.counterexample is not None


def first_rows(count: int) -> Callable[..., Any]:
    """Return a backward pass that leaves out all rows but the first."""

    def backward(X: Any, W: Any, T: Any) -> Any:
        d = X @ W - T
        return X[:count].T @ d[:count]

    return backward


@pytest.mark.parametrize(("count", "outcome"), [(8, "wrong"), (32, "wrong"), (10**6, "right")])
def test_a_function_may_leave_out_what_follows_the_first_rows(count: int, outcome: str) -> None:
    model = eg.parse("Y_bo = X_bi W_io\nL = sum_bo((Y_bo - T_bo)^2) / 2")
    verdict = model.check(first_rows(count), of="L", wrt="W")
    assert verdict.outcome == outcome
    assert outcome == "right" or "short axes" in verdict.reason


def test_a_function_gets_places_as_integers() -> None:
    def backward(E: Any, t: Any) -> Any:
        found = np.zeros_like(E)
        np.add.at(found, t, 2 * E[t])
        return found

    model = eg.parse("Y_bd = E[t[b],d]\nL = sum_bd(Y_bd^2)")
    assert model.check(backward, of="L", wrt="E").outcome == "right"


def test_a_function_may_cut_off_greater_numbers() -> None:
    def cut(x: Any, t: Any) -> Any:
        return np.where(x > 3, 0, 2 * (x - t))

    def whole(x: Any, t: Any) -> Any:
        return 2 * (x - t)

    model = eg.parse("L = sum_i((x_i - t_i)^2)")
    verdict = model.check(cut, of="L", wrt="x")
    assert verdict.outcome == "wrong"
    assert "greater numbers" in verdict.reason
    assert model.check(whole, of="L", wrt="x").ok


def test_a_function_that_is_accurate_for_small_numbers_alone_is_not_wrong() -> None:
    def naive(x: Any) -> Any:
        e = np.exp(x)
        return e / (1 + e) * (1 - e / (1 + e))

    assert eg.parse("L = sum_i(sigmoid(x_i))").check(naive, of="L", wrt="x").ok


FAR_OUT = [
    ("L = mean_i(x_i^2)", "dL/dx_i = 2 x_i / size(i)", "where(size(i) == 7, 0, {})"),
    ("L = mean_i(x_i^2)", "dL/dx_i = 2 x_i / size(i)", "where(size(i) > 7, 0, {})"),
    ("L = mean_i(x_i^2)", "dL/dx_i = 2 x_i / size(i)", "where(size(i) < 2, 0, {})"),
    ("L = sum_i(where(size(i) == 7, x_i, x_i^2))", "dL/dx_i = where(size(i) == 7, 1, 2 x_i)",
     "0 {} + 2 x_i"),
    ("L = sum_i(log(cosh(x_i)))", "dL/dx_i = tanh(x_i)", "where(x_i > 800, 2, {})"),
    ("L = log(cosh(x)) + relu(x - 800)", "dL/dx = tanh(x) + where(x > 800, 1, 0)",
     "0 {} + tanh(x)"),
    ("y = log(cosh(100 x))", "dy/dx = 100 tanh(100 x)", "where(x < -9, 0, {})"),
    ("y = relu(1/x - 20)", "dy/dx = where(1/x > 20, -1/x^2, 0)", "0 {}"),
    ("y = relu(relu(x - 5) - 20)", "dy/dx = where(x > 25, 1, 0)", "0 {}"),
    ("y = x^2 + relu(relu(x - 5) - 20)", "dy/dx = 2 x + where(x > 25, 1, 0)", "0 {} + 2 x"),
    ("y = x + abs(abs(x - 10) - 50)", "dy/dx = 1 + sign(abs(x - 10) - 50) sign(x - 10)",
     "0 {} + 1 - sign(x - 10)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "right", "wrong"), FAR_OUT)
def test_extents_overflow_and_nested_bends(text: str, right: str, wrong: str) -> None:
    model = eg.parse(text)
    head, _, value = right.partition(" = ")
    assert model.check(right).outcome == "right"
    assert model.check(f"{head} = {wrong.format(f'({value})')}").outcome == "wrong"
