"""Functions written out beside other factors and terms: recognised, and right where the text as it
stands overflows or cancels. Expected values are by hand, of NumPy's and of mpmath."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import log

import eingrad as eg
from eingrad.calculus.rule_text import expressions
from eingrad.calculus.rules import RECOGNISE, Rule, RuleSet, apply_rules
from eingrad.core.expr import Expr

LARGE = np.array([1000.0, 0.0])
SMALL = np.array([1e-12, -2e-12])
ONES = np.ones(2)
MATRIX = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
P = 1 / (1 + np.exp(-1.0))
WEIGHTED: list[tuple[str, dict[str, Any], Any]] = [
    ("y = log(sum_i(c_i exp(x_i)))", {"c": [1.0, 2.0], "x": [1000.0, 999.0]},
     1000 + np.log(1 + 2 * np.exp(-1))),
    ("y_i = exp(x_i) / sum_j(c_j exp(x_j))", {"c": [4.0, 2.0], "x": LARGE}, [0.25, 0.0]),
    ("y_i = d_i c_i exp(x_i) / sum_j(c_j exp(x_j))", {"c": [4.0, 2.0], "d": [3.0, 1.0], "x": LARGE},
     [3.0, 0.0]),
    ("y_bi = exp(x_bi) / sum_j(c_bj exp(x_bj))", {"c": [[4.0, 2.0]], "x": [LARGE]}, [[0.25, 0.0]]),
    ("y_i = log(c_i + exp(x_i))", {"c": [2.0, 3.0], "x": LARGE}, [1000.0, np.log(4)]),
    ("y_i = log(1 + c_i exp(x_i))", {"c": [2.0, 3.0], "x": LARGE}, [1000 + np.log(2), np.log(4)]),
    ("y_i = log(1 + c_i exp(x_i))", {"c": [2.0, 3.0], "x": [-50.0, -60.0]},
     [2 * np.exp(-50), 3 * np.exp(-60)]),
    ("y_i = log(1 + c_i exp(x_i))", {"c": [1e-30, 1e-20], "x": [100.0, 100.0]},
     [np.log1p(1e-30 * np.exp(100)), np.log1p(1e-20 * np.exp(100))]),
    ("y_i = c_i exp(x_i) / (1 + c_i exp(x_i))", {"c": [2.0, 3.0], "x": LARGE}, [1.0, 0.75]),
    ("y_i = exp(x_i) / (c_i + exp(x_i))", {"c": [2.0, 3.0], "x": LARGE}, [1.0, 0.25]),
    ("y_i = log(exp(x_i) + exp(a) + exp(2 a))", {"a": 500.0, "x": LARGE},
     [1000 + np.log(2), 1000.0]),
    ("y_i = exp(x_i) / (exp(x_i) + exp(a) + 2)", {"a": 999.0, "x": LARGE},
     [1 / (1 + np.exp(-1)), 0.0]),
    ("y = log(sum_i(c_i exp(x_i)))", {"c": [0.0, 3.0], "x": LARGE}, np.log(3)),
    ("y_i = log(c_i + d_i exp(x_i))", {"c": [2.0, 0.0], "d": [0.0, 3.0], "x": [1000.0, -1000.0]},
     [np.log(2), np.log(3) - 1000]),
    ("y_i = (exp(2 x_i) - 1) / (exp(2 x_i) + 1)", {"x": LARGE}, [1.0, 0.0]),
    ("y = log(sum_i(c_i exp(x_i)))", {"c": [1.0, 2.0], "x": [-np.inf, 3.0]}, 3 + np.log(2)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "arrays", "expected"), WEIGHTED)
@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
def test_exponentials_with_weights(
    text: str, arrays: dict[str, Any], expected: Any, backend: str
) -> None:
    if backend != "numpy":
        pytest.importorskip(backend)
    given = {name: np.asarray(x) for name, x in arrays.items()}
    if backend == "torch":
        given = {k: pytest.importorskip("torch").tensor(x) for k, x in given.items()}
    limit = {"numpy": 1e-14, "torch": 1e-14, "jax": 3e-6}[backend]
    if backend == "jax":
        given = float32(given)
    found = np.asarray(eg.parse(text).compile(backend=backend)(**given)["y"])
    np.testing.assert_allclose(found, expected, rtol=limit, atol=1e-300)


def test_gradients_of_weighted_exponentials_far_out_are_those_of_the_shifted_sum() -> None:
    """log(sum_i(c_i exp(x_i))) at x + 1000 has the gradient that it has at x, by differences."""
    x, c = np.array([0.3, -0.7, 0.2]), np.array([1.0, 2.0, -0.3])
    model = eg.parse("L = log(sum_i(c_i exp(x_i)))")
    far = model.grad("L", ["x", "c"]).compile()(x=x + 1000, c=c)
    weights = c * np.exp(x) / (c * np.exp(x)).sum()
    np.testing.assert_allclose(far["dL/dx"], weights, rtol=1e-12)
    np.testing.assert_allclose(far["dL/dc"], weights / c, rtol=1e-12)
    hessian = model.hessian("L", "x").compile()(x=x + 1000, c=c)["d2L/dx dx"]
    wanted = np.diag(weights) - np.outer(weights, weights)
    np.testing.assert_allclose(hessian, wanted, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("text", ["sqrt(x_i x_i)", "(x_i x_i)^(1/2)", "2 sqrt(sum_i(x_i^2) / 4)"])
def test_roots_of_sums_of_squares_do_not_overflow(text: str) -> None:
    found = eg.parse(f"L = {text}").grad("L").compile()
    for scale in (1e200, 1e-200, 1.0):
        values = found(x=np.array([3.0, 4.0]) * scale)
        np.testing.assert_allclose(values["L"], 5 * scale, rtol=1e-15)
        np.testing.assert_allclose(values["dL/dx"], [0.6, 0.8], rtol=1e-15)
    zero = found(x=np.zeros(2))
    assert zero["L"] == 0
    assert not zero["dL/dx"].any()


@pytest.mark.parametrize("text", ["L = norm_i(x_i)", "n_b = norm_i(x_bi)\nL = sum_b(n_b)"])
def test_hessians_of_norms_do_not_overflow(text: str) -> None:
    """By hand: (I - u u^T) / n, with the unit vector u; for rows, a block a row."""
    u = np.array([0.6, 0.8])
    block = np.eye(2) - np.outer(u, u)
    hessian = eg.parse(text).hessian("L", "x").compile()
    for scale in (1e200, 1e-200, 1.0):
        if "b" in text:
            found = hessian(x=np.stack([5 * scale * u, u]))["d2L/dx dx"]
            np.testing.assert_allclose(found[0, :, 0] * scale, block / 5, rtol=1e-14)
            np.testing.assert_allclose(found[1, :, 1], block, rtol=1e-14)
        else:
            found = hessian(x=5 * scale * u)["d2L/dx dx"]
            np.testing.assert_allclose(found * scale, block / 5, rtol=1e-14)


def test_a_hessian_shifts_each_exponential_once() -> None:
    """log(sum_{j != i} exp(v_j)) at v + 1000 has the Hessian that it has at v, by PyTorch."""
    torch = pytest.importorskip("torch")
    v = np.array([0.5, -1.0, 2.0])
    hessian = eg.parse("S_i = sum_{j != i}(exp(v_j))\nL = sum_i(log(S_i))").hessian("L", "v")
    mask = 1 - torch.eye(3, dtype=torch.float64)
    wanted = torch.autograd.functional.hessian(
        lambda v: torch.log((mask * torch.exp(v)).sum(1)).sum(), torch.tensor(v)
    )
    run = hessian.compile()
    for shift in (0, 1000, -1000):
        np.testing.assert_allclose(run(v=v + shift)["d2L/dv dv"], wanted, atol=1e-13)


VALUES: list[tuple[str, dict[str, Any], Any]] = [
    ("y = c_i exp(x_i) / sum_j(exp(x_j))", {"c": [1.0, 2.0], "x": LARGE}, 1.0),
    ("y_i = c_i exp(x_i) / sum_j(exp(x_j))", {"c": [3.0, 2.0], "x": LARGE}, [3.0, 0.0]),
    ("y = v_ti exp(x_t) / sum_s(exp(x_s)) u_i",
     {"v": MATRIX, "x": LARGE, "u": [1.0, 1.0, 2.0]}, 9.0),
    ("y_bo = c_bo exp(x_bo) / (d_b sum_p(exp(x_bp)))",
     {"c": [[1.0, 2.0]], "x": [LARGE], "d": [4.0]}, [[0.25, 0.0]]),
    ("y_k = c_k log(sum_j(exp(x_j)) / size(j))", {"c": [1.0, 2.0], "x": LARGE},
     (1000 - np.log(2)) * np.array([1.0, 2.0])),
    ("y_i = z_i + x_i - log(sum_j(exp(x_j)))", {"z": ONES, "x": LARGE}, [1.0, -999.0]),
    ("y_i = 2 x_i - 2 log(sum_j(exp(x_j)))", {"x": LARGE}, [0.0, -2000.0]),
    ("y_i = c_i log(1 + exp(x_i)) + x_i", {"c": ONES, "x": LARGE}, [2000.0, np.log(2)]),
    ("y_i = z_i exp(x_i) / (1 + exp(x_i))", {"z": 2 * ONES, "x": LARGE}, [2.0, 1.0]),
    ("y_i = z_i / (1 + exp(-x_i))^2", {"z": ONES, "x": -LARGE}, [0.0, 0.25]),
    ("y_i = z_i exp(2 x_i) / (1 + exp(x_i))^3", {"z": ONES, "x": LARGE}, [0.0, 0.125]),
    ("y_i = z_i exp(-3 x_i) / (1 + exp(-x_i))^3", {"z": ONES, "x": -LARGE}, [1.0, 0.125]),
    ("y_i = c_i exp(x_i)^2 / sum_j(exp(x_j))^2", {"c": [3.0, 2.0], "x": LARGE}, [3.0, 0.0]),
    ("y_i = c_i exp(x_i)^0.125 / 2", {"c": [2.0, 4.0], "x": [160.0, 8.0]},
     [np.exp(20.0), 2 * np.e]),
    ("y_i = exp(x_i) - 1 + z_i", {"x": SMALL, "z": 0 * ONES}, np.expm1(SMALL)),
    ("y_i = 2 exp(x_i) - 2", {"x": SMALL}, 2 * np.expm1(SMALL)),
    ("y_i = z_i (exp(a_i + b) - exp(-(a_i + b))) / (exp(a_i + b) + exp(-(a_i + b)))",
     {"z": ONES, "a": LARGE, "b": 1.0}, [1.0, np.tanh(1.0)]),
    ("y_i = log(exp(x_i) + exp(z)) c_i", {"x": LARGE, "z": 1.0, "c": 2 * ONES},
     [2000.0, 2 * np.log(1 + np.e)]),
]  # fmt: skip


def float32(arrays: dict[str, Any]) -> dict[str, Any]:
    """Return arrays of single precision."""
    return {name: np.asarray(x, np.float32) for name, x in arrays.items()}


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
@pytest.mark.parametrize(("text", "arrays", "expected"), VALUES, ids=[x[0] for x in VALUES])
def test_value_and_gradient_where_the_text_overflows(
    text: str, arrays: dict[str, Any], expected: Any, backend: str
) -> None:
    library = pytest.importorskip(backend)
    as_array = {"numpy": np.asarray, "torch": getattr(library, "tensor", None)}.get(backend)
    as_array = as_array or library.numpy.asarray
    model = eg.parse(text)
    given = {name: as_array(x) for name, x in float32(arrays).items()}
    found = np.asarray(model.compile(backend=backend)(**given)["y"])
    wanted = np.asarray(expected, np.float32)
    np.testing.assert_allclose(found, wanted, rtol=2e-6, atol=1e-30)
    kept = "".join(f"_{k}" for k in model.system.definitions["y"].labels).replace("_", "")
    loss = eg.parse(f"{text}\nL = {f'sum_{kept}(y_{kept})' if kept else 'y'}")
    gradients = loss.grad("L", ["x" if "x" in arrays else "a"])
    for value in gradients.compile(backend=backend)(**given).values():
        assert np.isfinite(np.asarray(value)).all()


PRINTED = [
    ("L = c_i exp(x_i) / sum_j(exp(x_j))", "x", "softmax_i(x_i) (c_i - L)"),
    ("L = v_ti exp(x_t) / sum_s(exp(x_s)) u_i", "x", "softmax_t(x_t) (v_ti u_i - L)"),
    ("L = c_i x_i sqrt(y_i)^2", "x", "c_i y_i"),
    ("L = c_i x_i exp(y_i)^2", "x", "c_i exp(2 y_i)"),
    ("L = exp(x)^2 c", "c", "exp(2 x)"),
    ("L = (exp(x + b) - exp(-(x + b))) / (exp(x + b) + exp(-(x + b)))", "x", "1 - L^2"),
    ("L = c_i log(1 + exp(x_i))", "x", "c_i sigmoid(x_i)"),
    ("L = c_i / (1 + exp(-x_i))", "c", "sigmoid(x_i)"),
]


@pytest.mark.parametrize(("text", "wrt", "expected"), PRINTED)
def test_printed(text: str, wrt: str, expected: str) -> None:
    assert str(eg.parse(text).grad("L", wrt)[wrt]).split(" = ", 1)[1] == expected


EQUAL = [
    "inv_ij(X_ni X_nj) X_mj X_mk B_kl -> B_il",  # inside a product that is flat
    "inv_ij(X_ni X_nj + s delta_ij) (X_mj X_mk + s delta_jk) B_kl -> B_il",
    "exp(x_bo + y_b) / sum_p(exp(x_bp + y_b)) z_o -> softmax_o(x_bo) z_o",
    "exp(2 x_i - c_i d_i) / sum_j(exp(2 x_j - c_j d_j)) w_i -> softmax_i(2 x_i - c_i d_i) w_i",
    "exp(x_bij) / sum_pq(exp(x_bpq)) c_j -> softmax_ij(x_bij) c_j",
    "exp(x_bo) / sum_bp(exp(x_bp)) -> softmax_bo(x_bo)",  # b is another one below the bar
    "exp(x_bo)^3 / sum_p(exp(x_bp))^2 c_b -> softmax_o(x_bo)^2 exp(x_bo) c_b",
    "log(d_b sum_p(exp(x_bp)) / size(p)) -> log(d_b / size(p)) + logsumexp_p(x_bp)",
]


@pytest.mark.parametrize("text", EQUAL)
def test_rewritten_inside_products(text: str) -> None:
    left, right, _ = expressions(text)
    assert apply_rules([left], RECOGNISE)[0] is apply_rules([right], RECOGNISE)[0]


def test_a_set_remembers_what_it_does_not_change() -> None:
    seen: list[Expr] = []
    rules = RuleSet((Rule("none", function=seen.append, heads=("exp",)),))
    node = expressions("exp(x_i) y_i -> 1")[0]
    for _ in range(3):
        assert apply_rules([node], rules)[0] is node
    assert len(seen) == 1


SHARES: list[tuple[str, Any]] = [
    ("S_i = sum_{j != i}(exp(v_j))\nL = sum_i(log(S_i))",
     lambda e: sum(log(sum(e[:i] + e[i + 1 :])) for i in range(len(e)))),
    ("S_i = sum_{j != i}(exp(v_j))\nL = sum_i(exp(v_i) / S_i)",
     lambda e: sum(x / sum(e[:i] + e[i + 1 :]) for i, x in enumerate(e))),
    ("L = sum_i(exp(2 v_i) / (1 + exp(v_i))^2)", lambda e: sum((x / (1 + x)) ** 2 for x in e)),
    ("L = sum_i(exp(2 v_i) / (1 + exp(v_i))^3)",
     lambda e: sum(x**2 / (1 + x) ** 3 for x in e)),
    ("L = sum_i(exp(v_i + 1) / (1 + exp(v_i)))",
     lambda e: sum(mpmath.e * x / (1 + x) for x in e)),
    ("L = sum_i(exp(v_i) / sqrt(1 + exp(2 v_i)))",
     lambda e: sum(x / mpmath.sqrt(1 + x * x) for x in e)),
    ("L = sum_ij(exp(v_i) exp(v_j) / (exp(v_i) + exp(v_j))^2)",
     lambda e: sum(x * y / (x + y) ** 2 for x in e for y in e)),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("text", "value"), SHARES, ids=[x[0] for x in SHARES])
def test_second_derivatives_of_shares_far_out(text: str, value: Any) -> None:
    """Of shares and their products, by mpmath's differences with 900 digits."""
    for point in ([0.3, -0.7, 0.2], [1000.0, 999.0, -1000.0], [-1000.0, -999.5, -1001.0]):
        expected = _hessian(value, point)
        hessian = eg.parse(text).hessian("L", "v")
        found = {"numpy": hessian.compile()(v=np.array(point))["d2L/dv dv"]}
        torch = pytest.importorskip("torch")
        given = torch.tensor(point, dtype=torch.float64)
        found["torch"] = hessian.compile("torch")(v=given)["d2L/dv dv"].numpy()
        for backend, values in found.items():
            np.testing.assert_allclose(values, expected, rtol=1e-9, atol=1e-13, err_msg=backend)


def _hessian(value: Any, point: list[float]) -> np.ndarray:
    with mpmath.workdps(900):
        h = mpmath.mpf(10) ** -40

        def at(*steps: tuple[int, int]) -> Any:
            v = [mpmath.mpf(x) for x in point]
            for k, sign in steps:
                v[k] += sign * h
            return value([mpmath.exp(x) for x in v])

        n = range(len(point))
        signs = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
        return np.array(
            [[float(sum(s * t * at((a, s), (b, t)) for s, t in signs) / (4 * h * h)) for b in n]
             for a in n]
        )  # fmt: skip
