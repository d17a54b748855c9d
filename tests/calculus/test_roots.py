"""Roots of sums of squares far out: values, gradients and Hessians as PyTorch's near 1, scaled.

A function of degree d has derivatives of degree d - 1 and d - 2: at s x they are those at x times a
power of s. The squares of 1e200 overflow, the cubes of 1e-120 vanish.
"""

# ruff: noqa: ARG005 - all of them have one signature

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import eingrad as eg

torch = pytest.importorskip("torch")

V, W, C = np.array([3.0, -4.0, 1.5, 0.7]), np.array([1.5, -0.25, 0.75, 2.0]), 5.0
X = V.reshape(2, 2)
Value = Callable[[Any, Any, Any], Any]


def _std(x: Any) -> Any:
    return x.std(-1, unbiased=False)


def _rows(x: Any) -> Any:
    return x / torch.linalg.norm(x, dim=1, keepdim=True)


CASES: list[tuple[str, int, Value]] = [  # a model, its degree, the same in PyTorch
    ("L = std_i(x_i)", 1, lambda x, w, c: _std(x)),
    ("L = sqrt(var_i(x_i))", 1, lambda x, w, c: _std(x)),
    ("m = mean_i(x_i)\nL = sqrt(mean_i((x_i - m)^2))", 1, lambda x, w, c: _std(x)),
    ("m = mean_i(x_i)\nL = w_i (x_i - m) / std_j(x_j)", 0,
     lambda x, w, c: (w * (x - x.mean())).sum() / _std(x)),
    ("L = sqrt(x_i x_i)", 1, lambda x, w, c: (x @ x).sqrt()),
    ("L = w_i x_i / sqrt(x_j x_j)", 0, lambda x, w, c: w @ x / (x @ x).sqrt()),
    ("L = (w_i x_i / norm_j(x_j))^2", 0, lambda x, w, c: (w @ x) ** 2 / (x @ x)),
    ("L = sqrt(x[0]^2 + x[1]^2)", 1, lambda x, w, c: (x[0] ** 2 + x[1] ** 2).sqrt()),
    ("L = sum_i(sqrt(x_i^2 + 2 c^2 + w_i^2))", 1,
     lambda x, w, c: (x**2 + 2 * c**2 + w**2).sqrt().sum()),
    ("L = w_i x_i / sqrt(sum_j(x_j^2) + c^2)", 0, lambda x, w, c: w @ x / (x @ x + c**2).sqrt()),
    ("L = sum_ij(sqrt((x_i - x_j)^2 + c^2))", 1,
     lambda x, w, c: ((x[:, None] - x) ** 2 + c**2).sqrt().sum()),
    ("L = log(sqrt(x_i x_i) / c)", 0, lambda x, w, c: ((x @ x).sqrt() / c).log()),
    ("r_b = norm_i(x_bi)\ny_bi = x_bi / r_b\nL = y_bi w_bi", 0,
     lambda x, w, c: (_rows(x) * w).sum()),
    ("y_bi = x_bi / sqrt(sum_j(x_bj^2))\nL = sum_bi(w_bi y_bi^2)", 0,
     lambda x, w, c: (w * _rows(x) ** 2).sum()),
]  # fmt: skip
SCALED = "L = sum_i(sqrt(x_i^2 + 2 c^2 + w_i^2))"  # where w is scaled, too


def _own(backend: str, value: np.ndarray) -> Any:
    if backend == "numpy":
        return value
    library = pytest.importorskip(backend)
    return library.tensor(value) if backend == "torch" else library.numpy.asarray(value)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
@pytest.mark.parametrize(("text", "degree", "value"), CASES, ids=[x[0] for x in CASES])
def test_no_square_overflows(text: str, degree: int, value: Value, backend: str) -> None:
    shape = X if "x_bi" in text else V
    point, w, c = (torch.tensor(x) for x in (shape, W.reshape(shape.shape), np.array(C)))
    first = torch.autograd.functional.jacobian(lambda x: value(x, w, c), point).numpy()
    second = torch.autograd.functional.hessian(lambda x: value(x, w, c), point).numpy()
    model = eg.parse(text)
    gradient, hessian = model.grad("L", "x"), model.hessian("L", "x").compile(backend)
    module: dict[str, Any] = {"__name__": "module"}
    if "[0]" not in text:  # modules refuse entries at numbers
        exec(gradient.source(backend), module)
    if backend == "jax":
        pytest.importorskip("jax").config.update("jax_enable_x64", True)
    for scale in (1.0, 1e200, 1e-120, 1e120):
        given = {"x": shape * scale, "w": W.reshape(shape.shape), "c": np.array(C * scale)}
        given["w"] = given["w"] * (scale if text == SCALED else 1)
        given = {n: _own(backend, x) for n, x in given.items() if n in model.inputs}
        found = gradient.compile(backend)(**given)
        slopes = [found["dL/dx"]]
        if "forward" in module:
            slopes.append(module["backward"](module["forward"](**given)[1])[0])
        own = hessian(**given)["d2L/dx dx"]
        unit = scale ** (degree - 1)
        for kind, slope in zip(("compiled", "module"), slopes, strict=False):
            _close(np.asarray(slope) / unit, first, f"{kind} {scale}")
        if 0 < scale ** max(degree - 2, -1) * unit < np.inf:
            _close(np.asarray(own) / unit * scale, second, f"Hessian {scale}")
        _close(np.asarray(found["L"]) / scale**degree, value(point, w, c).numpy(), "value")


def _close(found: np.ndarray, wanted: np.ndarray, what: str) -> None:
    size = 1e-11 * np.abs(wanted).max()
    np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=size, err_msg=what)


def test_eager_deviations_do_not_overflow() -> None:
    for scale in (1.0, 1e200, 1e-200):
        np.testing.assert_allclose(
            eg.std(eg.tensor(V * scale)).numpy() / scale, V.std(), rtol=1e-14
        )
        slope = eg.grad(lambda x: np.std(x, ddof=1))(V * scale)
        wanted = (V - V.mean()) / (3 * V.std(ddof=1))
        np.testing.assert_allclose(slope, wanted, rtol=1e-13)
