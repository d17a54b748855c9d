"""Gradients of whole models against PyTorch in float64."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from random_models import RandomModel
from seeds import examples
from strategies import models

import eingrad as eg

torch = pytest.importorskip("torch")
F = torch.nn.functional
oracle = pytest.importorskip("torch_oracle")

TOLERANCE = 1e-10
Arrays = Mapping[str, np.ndarray]


def assert_close(found: Arrays, expected: Arrays, tolerance: float = TOLERANCE) -> None:
    """Compare arrays entry by entry, relative to the largest entry of each.

    A gradient whose terms cancel to almost nothing is measured by the value's size: of
    ``V sum_j(softmax_j(V + D_j))`` the gradient by D is 0, and rounding leaves eps V^2 of it, in
    PyTorch too. With V up to 1e3 (`torch_oracle.LARGEST`) this is a quarter of what is allowed.
    """
    assert set(found) == set(expected)
    least = 1e-2 * max(1.0, abs(float(expected["L"])))
    for name, value in expected.items():
        assert np.shape(found[name]) == np.shape(value), name
        scale = max(np.abs(value).max(initial=0), least)
        error = np.abs(found[name] - value).max(initial=0)
        assert error <= tolerance * scale, (name, error, scale)


def torch_gradients(
    value: Callable[..., Any], arrays: Arrays, wrt: list[str], of: str = "L"
) -> dict[str, np.ndarray]:
    """Return the value and the gradients of a PyTorch function of tensors by name."""
    tensors = {name: torch.tensor(x, requires_grad=name in wrt) for name, x in arrays.items()}
    result = value(**tensors)
    result.backward()
    gradients = {f"d{of}/d{name}": tensors[name].grad.numpy() for name in wrt}
    return {of: result.detach().numpy(), **gradients}


def normal(seed: int = 0, **shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Return random arrays by name."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def one_hot(seed: int, rows: int, columns: int) -> np.ndarray:
    return np.eye(columns)[np.random.default_rng(seed).integers(columns, size=rows)]


# --- models that people write -----------------------------------------------------------------

TWO_LAYERS = """
A1_bh = X_bi W1_ih + b1_h
Z1_bh = sigmoid(A1_bh)
A2_bo = Z1_bh W2_ho + b2_o
Z2_bo = softmax_o(A2_bo)
L     = -mean_b(T_bo log(Z2_bo))
"""
THREE_LAYERS = """
Z1_bh = tanh(X_bi W1_ih + b1_h)
Z2_bk = softplus(Z1_bh W2_hk + b2_k)
A3_bo = Z2_bk W3_ko + b3_o
L     = -mean_b(T_bo log_softmax_o(A3_bo))
"""
WRITTEN_OUT = """
A_bo = X_bi W_io + c_o
E_bo = exp(A_bo)
S_b  = sum_o(E_bo)
Y_bo = E_bo / S_b
L    = -sum_bo(T_bo log(Y_bo)) / size(b)
"""
WRITTEN_IN_ONE = """
A_bo = X_bi W_io + c_o
L    = mean_b(log(sum_o(exp(A_bo))) - T_bo A_bo)
"""
LEAST_SQUARES = "L = mean_b((X_bi w_i + c - y_b)^2) / 2"


def two_layers(X: Any, T: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    return F.cross_entropy(torch.sigmoid(X @ W1 + b1) @ W2 + b2, T)


def three_layers(X: Any, T: Any, W1: Any, b1: Any, W2: Any, b2: Any, W3: Any, b3: Any) -> Any:
    return F.cross_entropy(F.softplus(torch.tanh(X @ W1 + b1) @ W2 + b2) @ W3 + b3, T)


def linear_softmax(X: Any, T: Any, W: Any, c: Any) -> Any:
    return F.cross_entropy(X @ W + c, T)


def least_squares(X: Any, w: Any, c: Any, y: Any) -> Any:
    return F.mse_loss(X @ w + c, y) / 2


LINEAR = {"X": (7, 5), "W": (5, 3), "c": (3,)}
MODELS: dict[str, tuple[str, Callable[..., Any], dict[str, tuple[int, ...]]]] = {
    "two layers": (
        TWO_LAYERS, two_layers, {"X": (7, 5), "W1": (5, 4), "b1": (4,), "W2": (4, 3), "b2": (3,)}
    ),
    "three layers": (
        THREE_LAYERS, three_layers,
        {"X": (7, 6), "W1": (6, 5), "b1": (5,), "W2": (5, 4), "b2": (4,), "W3": (4, 3), "b3": (3,)},
    ),
    "written out": (WRITTEN_OUT, linear_softmax, LINEAR),
    "written in one": (WRITTEN_IN_ONE, linear_softmax, LINEAR),
    "least squares": (LEAST_SQUARES, least_squares, {"X": (7, 5), "w": (5,), "c": (), "y": (7,)}),
}  # fmt: skip


@pytest.mark.parametrize("assumed", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_gradients_are_pytorchs(name: str, assumed: bool) -> None:
    text, value, shapes = MODELS[name]
    arrays = normal(**shapes)
    wrt = list(shapes)
    if "T_bo" in text:
        arrays["T"] = one_hot(1, 7, 3)
        text += "assume sum_o(T_bo) = 1" * assumed
    found = eg.parse(text).grad("L", wrt).compile()(**arrays)
    assert_close(found, torch_gradients(value, arrays, wrt))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("text", [WRITTEN_OUT, WRITTEN_IN_ONE])
def test_a_loss_that_is_written_out_is_stable(text: str, dtype: type) -> None:
    """Logits of +-1e4, whose exponentials no float holds."""
    rng = np.random.default_rng(0)
    logits = rng.choice([-1e4, 1e4, 9.999e3, 0], size=(9, 4))
    arrays = {"X": np.eye(9), "W": logits, "c": np.zeros(4), "T": one_hot(2, 9, 4)}
    arrays = {name: x.astype(dtype) for name, x in arrays.items()}
    found = eg.parse(text).grad("L", ["W", "c"]).compile(dtype=dtype)(**arrays)
    expected = torch_gradients(linear_softmax, arrays, ["W", "c"])
    assert found["dL/dW"].dtype == dtype
    assert np.isfinite(found["L"])
    assert_close(found, expected, 1e-10 if dtype == np.float64 else 1e-6)


# --- models that nobody would write -----------------------------------------------------------


@examples(200)
@given(models())
def test_random_models_agree_with_pytorch(model: RandomModel) -> None:
    arrays = model.arrays()
    value, gradients, tame = oracle.reference(model, arrays)
    assume(tame)
    found = eg.parse(model.text).grad("L", list(model.inputs)).compile()(**arrays)
    assert_close(found, {"L": value, **{f"dL/d{k}": g for k, g in gradients.items()}})


def test_random_models_have_everything() -> None:
    """The strategy draws every construct of the notation, and most models are tame."""
    kinds: Counter[str] = Counter()
    tame: list[bool] = []

    @settings(max_examples=500, database=None, derandomize=True)
    @given(models())
    def count(model: RandomModel) -> None:
        kinds.update(model.kinds().keys())
        tame.append(oracle.reference(model, model.arrays())[2])

    count()
    wanted = {
        "summed product": 100, "shared input": 200, "reused statement": 100, "broadcast sum": 50,
        "diagonal": 50, "trace": 5, "delta": 3, "division": 100, "Power": 100, "Number": 100,
        "Size": 10, "shadowed label": 10, "repeated along a label": 50, "Where": 10, "sum": 100,
        "mean": 50, "logsumexp": 30, "softmax": 20, "log_softmax": 20, "max": 5, "min": 5,
        "prod": 5, "norm": 5, "maximum": 10, "ByPlace": 10, "over some": 5,
        "exp": 50, "tanh": 50, "relu": 5,
    }  # fmt: skip
    assert {kind: kinds[kind] for kind, n in wanted.items() if kinds[kind] < n} == {}
    assert sum(tame) > 0.85 * len(tame)
