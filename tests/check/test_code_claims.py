"""Backward passes in Python, judged: functions, autograd.Function, custom_vjp."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import eingrad as eg
from eingrad.check.code_claims import check_code, load_code

LINEAR = eg.parse("Y_bo = X_bi W_io + b_o")
MLP = eg.parse("""
A1_bh = X_bi W1_ih + b1_h
Z1_bh = sigmoid(A1_bh)
Y_bo = Z1_bh W2_ho
L = sum_bo((Y_bo - T_bo)^2) / size(b)
""")

PLAIN = """
import numpy as np

def right(X, W, dY):
    dX = dY @ W.T
    dW = X.T @ dY
    return dX, dW, dY.sum(0)

def mean_for_sum(X, W, b, grad_output):
    grad_X = grad_output @ W.T
    grad_W = X.T @ grad_output
    grad_b = grad_output.mean(axis=0)
    return grad_X, grad_W, grad_b

def transposed(X, W, dY):
    return {"dX": dY @ W.T, "dW": dY.T @ X}

def dW(X, dY):
    return -(X.T @ dY)

def mlp(X, W1, b1, W2, T):
    A1 = X @ W1 + b1
    Z1 = 1 / (1 + np.exp(-A1))
    dY = 2 * (Z1 @ W2 - T) / len(X)
    dW2 = Z1.T @ dY
    dA1 = dY @ W2.T
    dW1, db1 = X.T @ dA1, dA1.sum(0)
    return dW1, db1, dW2

def cached(X, Z1, dY):
    dW2 = Z1.T @ dY
    return dW2

def unknown(X, cache):
    return cache

def unnamed(X, W):
    return X @ W

def fails(X, W, dY):
    dX = dY @ W
    return dX
"""

CASES = [
    (LINEAR, "right", [("X", "right", ""), ("W", "right", ""), ("b", "right", "")]),
    (LINEAR, "mean_for_sum",
     [("X", "right", ""), ("W", "right", ""), ("b", "wrong", "factor 1/size(b) too many")]),
    (LINEAR, "transposed", [("X", "right", ""), ("W", "wrong", "another order than i, o")]),
    (LINEAR, "dW", [("W", "wrong", "the sign is wrong")]),
    (MLP, "mlp", [("W1", "wrong", "derivative of sigmoid"),
                  ("b1", "wrong", "derivative of sigmoid"), ("W2", "right", "")]),
    (MLP, "cached", [("W2", "right", "")]),
]  # fmt: skip


def load(folder: Path, text: str, name: str) -> Any:
    path = folder / "code.py"
    path.write_text(text)
    return load_code(f"{path}:{name}")


@pytest.mark.parametrize(("model", "name", "found"), CASES, ids=[c[1] for c in CASES])
def test_functions(
    tmp_path: Path, model: eg.Model, name: str, found: list[tuple[str, str, str]]
) -> None:
    verdicts = check_code(model.system, load(tmp_path, PLAIN, name))
    assert [v.outcome for v in verdicts] == [outcome for _, outcome, _ in found]
    for verdict, (wrt, _, reason) in zip(verdicts, found, strict=True):
        head = f"{name} computes d"
        assert verdict.claim.startswith((f"{head}L/d{wrt}", f"{head}s/d{wrt}"))
        assert reason in verdict.reason


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("unknown", "no tensor 'cache'"),
        ("unnamed", "of what is it the gradient"),
        ("nowhere", "has no nowhere"),
        ("np", "is no function"),
    ],
)
def test_what_cannot_be_judged(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(eg.EingradError, match=message):
        check_code(LINEAR.system, load(tmp_path, PLAIN, name))


def test_a_function_that_needs_equal_sizes_is_wrong(tmp_path: Path) -> None:
    [verdict] = check_code(LINEAR.system, load(tmp_path, PLAIN, "fails"))
    assert (verdict.outcome, verdict.mistake) == ("wrong", "shape")


def test_results_without_a_name(tmp_path: Path) -> None:
    code = load(tmp_path, "def f(X, W, dY):\n    return dY @ W.T, X.T @ dY\n", "f")
    with pytest.raises(eg.EingradError, match="which gradients does f return"):
        check_code(LINEAR.system, code)


def test_a_file_that_fails(tmp_path: Path) -> None:
    with pytest.raises(eg.DataError, match="raised ZeroDivisionError"):
        load(tmp_path, "1 / 0", "f")


def test_a_file_that_answers_for_names_fails(tmp_path: Path) -> None:
    with pytest.raises(eg.DataError, match="has no f"):
        load(tmp_path, "def __getattr__(name):\n    raise RuntimeError(name)\n", "f")


@pytest.mark.parametrize("of", ["q", "", "X"])
def test_what_it_is_the_gradient_of_is_defined(tmp_path: Path, of: str) -> None:
    code = load(tmp_path, "def f(X, W, g):\n    return g @ W.T, X.T @ g\n", "f")
    with pytest.raises(eg.UnknownNameError, match="defines no tensor"):
        check_code(LINEAR.system, code, of, ["X", "W"])


def test_wrt_names_the_gradients(tmp_path: Path) -> None:
    code = load(tmp_path, "def f(X, W, dY):\n    return dY @ W.T, X.T @ dY\n", "f")
    assert [v.outcome for v in check_code(LINEAR.system, code, "Y", ["X", "W"])] == ["right"] * 2


TORCH = """
import torch

class Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx, X, W, b):
        ctx.save_for_backward(X, W)
        return X @ W + b

    @staticmethod
    def backward(ctx, dY):
        X, W = ctx.saved_tensors
        return dY @ W.T, X.T @ dY, dY.{fold}(0)

class Split(torch.autograd.Function):
    @staticmethod
    def forward(X, W, b):
        return {forward}

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs[:2])

    @staticmethod
    def backward(ctx, dY):
        X, W = ctx.saved_tensors
        return dY @ W.T, X.T @ dY, dY.sum(0)
"""


def test_an_autograd_function(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    text = TORCH.replace("{forward}", "X @ W + b")
    right = load(tmp_path, text.replace("{fold}", "sum"), "Linear")
    assert [v.outcome for v in check_code(LINEAR.system, right)] == ["right"] * 4
    wrong = load(tmp_path, text.replace("{fold}", "mean"), "Linear")
    *rest, last = check_code(LINEAR.system, wrong)
    assert all(rest)
    assert (last.outcome, last.reason) == ("wrong", "factor 1/size(b) too many")
    split = load(tmp_path, text.replace("{fold}", "sum"), "Split")
    assert all(check_code(LINEAR.system, split))


def test_a_forward_pass_that_is_wrong(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    text = TORCH.replace("{forward}", "X @ W - b").replace("{fold}", "sum")
    [verdict] = check_code(LINEAR.system, load(tmp_path, text, "Split"))
    assert verdict.outcome == "wrong"
    assert verdict.claim == "Split computes Y_bo"


JAX = """
import {library}

@{library}.custom_vjp
def linear(X, W, b):
    return X @ W + b

def forward(X, W, b):
    return X @ W + b, (X, W)

def backward(saved, dY):
    X, W = saved
    return dY @ W.T, {sign}X.T @ dY, dY.sum(0)

linear.defvjp(forward, backward)
"""


@pytest.mark.parametrize("library", ["jax", "eingrad"])
def test_a_custom_vjp(tmp_path: Path, library: str) -> None:
    pytest.importorskip(library)
    text = JAX.replace("{library}", library)
    right = load(tmp_path, text.replace("{sign}", ""), "linear")
    assert [v.outcome for v in check_code(LINEAR.system, right)] == ["right"] * 4
    wrong = load(tmp_path, text.replace("{sign}", "-"), "linear")
    assert [v.outcome for v in check_code(LINEAR.system, wrong)] == [
        "right", "right", "wrong", "right",
    ]  # fmt: skip


FAR = """
import numpy as np

def right(U, V, x):
    T = len(x); H = [np.zeros(len(U))]
    for t in range(T):
        H.append(np.tanh(U @ H[-1] + V @ x[t]))
    dU = np.zeros_like(U); dh = H[-1]
    for t in reversed(range(T)):
        da = dh * (1 - H[t + 1] ** 2)
        dU += np.outer(da, H[t])
        dh = U.T @ da
    return dU

def cut_off(U, V, x):
    return right(U, V, x) * (len(x) < 6)

def normalised(x, t):
    s = x.std(); h = (x - x.mean()) / s
    return (t - t.mean() - h * (t * h).mean()) / s

def not_centred(x, t):
    s = x.std(); h = (x - x.mean()) / s
    return (t - h * (t * h).mean()) / s
"""
LONG = "h[t,i] = tanh(U_ij h[t-1,j] + V_ij x[t,j])\nL = sum_i(h[-1,i]^2) / 2"


@pytest.mark.parametrize(("name", "text", "wrt", "outcome"), [
    ("right", LONG, "U", "right"),  # on long axes the gradient explodes, and no digit is left
    ("cut_off", LONG, "U", "wrong"),
    ("normalised", "y_i = (x_i - mean_j(x_j)) / std_j(x_j)\nL = sum_i(t_i y_i)", "x", "right"),
    ("not_centred", "y_i = (x_i - mean_j(x_j)) / std_j(x_j)\nL = sum_i(t_i y_i)", "x", "wrong"),
])  # fmt: skip
def test_what_leaves_no_digits_tells_nothing_apart(
    tmp_path: Path, name: str, text: str, wrt: str, outcome: str
) -> None:
    (tmp_path / "far.py").write_text(FAR)
    function = load_code(f"{tmp_path / 'far.py'}:{name}")
    assert eg.parse(text).check(function, of="L", wrt=wrt).outcome == outcome


@pytest.mark.parametrize("most", [10, 1000])
def test_a_function_that_cuts_off_great_numbers(most: int) -> None:
    model = eg.parse("L = sum_i(x_i^2)")
    assert model.check(lambda x: (2 * x).clip(-most, most), of="L", wrt="x").outcome == "wrong"
    assert model.check(lambda x: 2 * x, of="L", wrt="x").ok


PARTS = """
import numpy as np

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def saturated(x):
    return np.where(x > 5, 1.0, sigmoid(x))

def saturated_late(x):
    return np.where(x > 30, 1.0, sigmoid(x))

def floored(x):
    return 1 / np.maximum(x, 0.05)

def floored_low(x):
    return 1 / np.maximum(x, 1e-3)

def guarded(x):
    return 1 / np.maximum(x, 1e-12)

def capped(x):
    return np.minimum(1 / x, 4)

def dead(x):
    return np.where(abs(x) < 1e-4, 0, 2 * x)

def series(x):
    return np.where(abs(x) < 1e-3, 2 * x + 0 * x**3, 2 * x)

def square(X):
    return 2 * X + (X.shape[0] == X.shape[1])

def double(X):
    return 2 * X
"""


@pytest.mark.parametrize(("name", "text", "outcome"), [
    ("sigmoid", "L = sum_i(softplus(x_i))", "right"),
    ("saturated", "L = sum_i(softplus(x_i))", "wrong"),  # 0.7 % off at 5
    ("saturated_late", "L = sum_i(softplus(x_i))", "right"),
    ("floored", "L = sum_i(log(x_i))", "wrong"),
    ("floored_low", "L = sum_i(log(x_i))", "wrong"),
    ("guarded", "L = sum_i(log(x_i))", "right"),
    ("capped", "L = sum_i(log(x_i))", "wrong"),
    ("dead", "L = sum_i(x_i^2)", "wrong"),
    ("series", "L = sum_i(x_i^2)", "right"),
    ("square", "L = sum_bi(X_bi^2)", "wrong"),
    ("double", "L = sum_bi(X_bi^2)", "right"),
])  # fmt: skip
def test_a_function_is_tried_where_its_text_parts(
    tmp_path: Path, name: str, text: str, outcome: str
) -> None:
    [verdict] = check_code(
        eg.parse(text).system, load(tmp_path, PARTS, name), None, ["X" if "X" in text else "x"]
    )
    assert verdict.outcome == outcome
