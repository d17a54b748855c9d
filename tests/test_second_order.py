"""Jacobians and Hessians against JAX, and their structure."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from seeds import seeded

import eingrad as eg

RNG = np.random.default_rng(seeded(7))
X, w, t = RNG.normal(size=(6, 3)), RNG.normal(size=3), RNG.integers(0, 2, 6).astype(float)
T = np.eye(3)[[0, 1, 2, 0, 1, 2]]
M, U, V = RNG.normal(size=(4, 5)), RNG.normal(size=(4, 2)), RNG.normal(size=(5, 2))
Q, K = RNG.normal(size=(3, 2)), RNG.normal(size=(5, 2))

jax = pytest.importorskip("jax")
jnp = jax.numpy


@pytest.fixture(autouse=True)
def _float64() -> Any:
    with jax.enable_x64(True):
        yield


HESSIANS: list[tuple[str, list[str], dict[str, np.ndarray], Callable[..., Any]]] = [
    (
        "P_b = sigmoid(X_bi w_i)\nL = -sum_b(t_b log(P_b) + (1 - t_b) log(1 - P_b))",
        ["w"],
        {"X": X, "w": w, "t": t},
        lambda X, w, t: -jnp.sum(
            t * jax.nn.log_sigmoid(X @ w) + (1 - t) * jax.nn.log_sigmoid(-X @ w)
        ),
    ),
    (
        "R_ij = M_ij - U_ik V_jk\nL = R_ij R_ij",
        ["U", "V"],
        {"M": M, "U": U, "V": V},
        lambda M, U, V: jnp.sum((M - U @ V.T) ** 2),
    ),
    (
        "L = -mean_b(T_bo log(softmax_o(tanh(X_bi A_ih) B_ho)))",
        ["A", "B"],
        {"X": X, "A": RNG.normal(size=(3, 4)), "B": RNG.normal(size=(4, 3)), "T": T},
        lambda X, A, B, T: -jnp.mean(jnp.sum(T * jax.nn.log_softmax(jnp.tanh(X @ A) @ B), -1)),
    ),
    (
        "L = logsumexp_i(w_i) + norm_i(w_i) + prod_i(w_i) + sum_i(gelu(w_i) + silu(w_i))",
        ["w"],
        {"w": w},
        lambda w: (
            jax.nn.logsumexp(w) + jnp.linalg.norm(w) + jnp.prod(w)
            + jnp.sum(jax.nn.gelu(w, approximate=False) + jax.nn.silu(w))
        ),
    ),
    (
        "mu = mean_i(w_i)\nv = mean_i((w_i - mu)^2)\ny_i = (w_i - mu) / sqrt(v + 0.1)\n"
        "L = y_i y_i y_i c_i",
        ["w", "c"],
        {"w": w, "c": RNG.normal(size=3)},
        lambda w, c: jnp.sum(((w - w.mean()) / jnp.sqrt(w.var() + 0.1)) ** 3 * c),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wrt", "arrays", "oracle"), HESSIANS)
def test_hessians_are_jaxs(
    text: str, wrt: list[str], arrays: dict[str, np.ndarray], oracle: Callable[..., Any]
) -> None:
    f = eg.parse(text).hessian("L", wrt).compile()
    dense, structured = f(**arrays), f(**arrays, structured=True)

    def of_wrt(*values: Any) -> Any:
        return oracle(**{**arrays, **dict(zip(wrt, values, strict=True))})

    blocks = jax.hessian(of_wrt, argnums=tuple(range(len(wrt))))(*(arrays[n] for n in wrt))
    for i, first in enumerate(wrt):
        for j, second in enumerate(wrt):
            key = f"d2L/d{first} d{second}"
            np.testing.assert_allclose(dense[key], blocks[i][j], rtol=1e-9, atol=1e-12)
            factors = structured[key]
            np.testing.assert_allclose(factors.dense(), dense[key], rtol=1e-9, atol=1e-12)
            direction = RNG.normal(size=arrays[second].shape)
            expected = np.tensordot(dense[key], direction, direction.ndim)
            np.testing.assert_allclose(factors @ direction, expected, rtol=1e-9, atol=1e-12)


JACOBIANS: list[tuple[str, str, list[str], dict[str, np.ndarray], Callable[..., Any]]] = [
    (
        "A_ij = softmax_j(Q_id K_jd)\nY_ie = A_ij V_je",
        "Y",
        ["Q", "K", "V"],
        {"Q": Q, "K": K, "V": V},
        lambda Q, K, V: jax.nn.softmax(Q @ K.T, -1) @ V,
    ),
    ("Y_ij = x_i y_j", "Y", ["x", "y"], {"x": w, "y": t}, lambda x, y: jnp.outer(x, y)),
    ("Y_i = A_ii", "Y", ["A"], {"A": X[:3]}, lambda A: jnp.diagonal(A)),
    ("Y_ijk = A_ij B_k", "Y", ["A", "B"], {"A": X, "B": w}, lambda A, B: A[:, :, None] * B),
]


@pytest.mark.parametrize(("text", "of", "wrt", "arrays", "oracle"), JACOBIANS)
def test_jacobians_are_jaxs(
    text: str, of: str, wrt: list[str], arrays: dict[str, np.ndarray], oracle: Callable[..., Any]
) -> None:
    found = eg.parse(text).jacobian(of, wrt).compile()(**arrays)
    for k, name in enumerate(wrt):
        expected = jax.jacobian(lambda *a: oracle(*a), argnums=k)(*arrays.values())
        np.testing.assert_allclose(found[f"d{of}/d{name}"], expected, rtol=1e-9, atol=1e-12)


READABLE = [
    ("p_i = softmax_i(a_i)", "jacobian", "p", "a", "p_i (delta_ij - p_j)"),
    (
        "p_i = softmax_i(a_i)\nL = -t_i log(p_i)\nassume sum_i(t_i) = 1",
        "hessian", "L", "a", "p_i (delta_ij - p_j)",
    ),
    (
        "P_a = sigmoid(X_ai w_i)\nL = -sum_a(t_a log(P_a) + (1 - t_a) log(1 - P_a))",
        "hessian", "L", "w", "X_ai X_aj P_a (1 - P_a)",
    ),
    ("L = x_i A_ij x_j", "hessian", "L", "x", "A_ij + A_ji"),
    ("L = x_i A_ij x_j\nassume A_ij = A_ji", "hessian", "L", "x", "2 A_ij"),
    ("y_i = sigmoid(a_i)", "jacobian", "y", "a", "delta_ij y_i (1 - y_i)"),
    ("R_ij = M_ij - U_ik V_jk\nL = R_ij R_ij", "hessian", "L", "U", "2 delta_il V_jk V_jm"),
    ("L = logsumexp_i(x_i)", "hessian", "L", "x", "softmax_i(x_i) (delta_ij - softmax_j(x_j))"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind", "of", "wrt", "expected"), READABLE)
def test_second_order_results_read_as_in_a_textbook(
    text: str, kind: str, of: str, wrt: str, expected: str
) -> None:
    result = str(getattr(eg.parse(text), kind)(of, wrt)[wrt])
    assert result.split(" = ", 1)[1] == expected


def test_products_with_jacobians_and_hessians() -> None:
    model = eg.parse("y_i = sin(A_ij x_j)\nL = y_i y_i c_i")
    arrays = {"A": X, "x": w, "c": t}
    xdot, ybar = RNG.normal(size=3), RNG.normal(size=6)
    jacobian = model.jacobian("y", "x").compile()(**arrays)["dy/dx"]
    hessian = model.hessian("L", "x").compile()(**arrays)["d2L/dx dx"]
    jvp = model.jvp("y", "x").compile()(**arrays, xdot=xdot)["ydot"]
    vjp = model.vjp("y", "x").compile()(**arrays, ybar=ybar)["ds/dx"]
    hvp = model.hvp("L", "x").compile()(**arrays, xdot=xdot)["dLdxdot"]
    np.testing.assert_allclose(jvp, jacobian @ xdot)
    np.testing.assert_allclose(vjp, ybar @ jacobian)
    np.testing.assert_allclose(hvp, hessian @ xdot)


def test_directions_by_several_tensors_are_taken_together() -> None:
    """J v and H v are those of the blocks that `jacobian` and `hessian` give."""
    model = eg.parse("y_i = sin(A_ij) x_j\nL = exp(y_i) y_i")
    arrays = {"A": RNG.normal(size=(3, 2)), "x": RNG.normal(size=2)}
    along = {"Adot": RNG.normal(size=(3, 2)), "v": RNG.normal(size=2)}
    jacobian = model.jacobian("y", ["A", "x"]).compile()(**arrays)
    pushed = np.tensordot(jacobian["dy/dA"], along["Adot"]) + jacobian["dy/dx"] @ along["v"]
    jvp = model.jvp("y", ["A", "x"], {"x": "v"})
    np.testing.assert_allclose(jvp.compile()(**arrays, **along)["ydot"], pushed)
    hessian = model.hessian("L", ["A", "x"]).compile()(**arrays)
    hvp = model.hvp("L", ["A", "x"], {"x": "v"}).compile()(**arrays, **along)
    for name in ("A", "x"):
        by_a, by_x = hessian[f"d2L/d{name} dA"], hessian[f"d2L/d{name} dx"]
        product = np.tensordot(by_a, along["Adot"]) + by_x @ along["v"]
        np.testing.assert_allclose(hvp[f"dLd{name}dot"], product)


def test_a_tensor_by_itself() -> None:
    model = eg.parse("y_i = A_ij x_j\nL = y_i y_i")
    assert str(model.jacobian("y", "y")) == "dy_i/dy_k = delta_ik"
    assert "y by itself" in model.jacobian("y", "y").text()
    assert "L by itself" in model.grad("L", "L").text()
    with pytest.raises(eg.EingradError, match="by itself"):
        model.hessian("L", "L")


def test_directions_are_named() -> None:
    model = eg.parse("y_i = A_ij x_j\nL = y_i y_i")
    for arguments, message in [
        ((["A", "x"], "v"), "a direction each"), (("x", {"A": "v"}), "not differentiated by"),
        (([],), "no tensor"), ((["y", "x"],), "y depends on x"), (("x", "A"), "of its own"),
    ]:  # fmt: skip
        with pytest.raises(eg.EingradError, match=message):
            model.hvp("L", *arguments)


def test_a_derivative_is_found_by_its_tensor_or_its_own_name() -> None:
    gradients = eg.parse("L = x_i x_i").grad("L", "x")
    assert str(gradients["dL/dx"]) == str(gradients["x"]) == "dL/dx_i = 2 x_i"
    assert "y" not in gradients
    with pytest.raises(eg.UnknownNameError, match="no derivative 'y'"):
        gradients["y"]


def test_a_hessian_of_a_gradient_that_names_the_loss() -> None:
    """dL/dA = L ... + ..., and the tangent of L by A is called like that gradient."""
    model = eg.parse("V1 = sigmoid(A_p / B_p)\nV2_p = sin(A_p)\nL = mean_i(V2_i V1)")
    arrays = {"A": RNG.normal(size=3), "B": RNG.uniform(1, 2, size=3)}
    found = model.hessian("L", "A").compile()(**arrays)["d2L/dA dA"]
    gradient, step = model.grad("L", "A").compile(), 1e-5

    def at(a: np.ndarray) -> np.ndarray:
        return gradient(**{**arrays, "A": a})["dL/dA"]

    moves = step * np.eye(3)
    expected = [(at(arrays["A"] + h) - at(arrays["A"] - h)) / (2 * step) for h in moves]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_structured_factors_are_no_larger_than_needed() -> None:
    """Of the mixed block of matrix factorisation there are U, V and the residual alone."""
    n, m, k = 60, 50, 4
    rng = np.random.default_rng(0)
    arrays = {"M": rng.normal(size=(n, m)), "U": rng.normal(size=(n, k)),
              "V": rng.normal(size=(m, k))}  # fmt: skip
    model = eg.parse("R_ij = M_ij - U_ik V_jk\nL = R_ij R_ij")
    blocks = model.hessian("L", ["U", "V"]).compile()(**arrays, structured=True)
    mixed = blocks["d2L/dU dV"]
    assert mixed.formula == "d2L/dU_ik dV_jl = 2 U_il V_jk - 2 delta_kl R_ij"
    assert model.check(mixed.formula).ok
    assert max(x.size for term in mixed.terms for x, _ in term.factors) == n * m
    assert mixed.nbytes == 8 * (n * k + m * k + n * m)
    residual = arrays["M"] - arrays["U"] @ arrays["V"].T
    direction = rng.normal(size=(m, k))
    # the derivative of dL/dU = -2 R V along a change of V, by hand
    change = 2 * (arrays["U"] @ direction.T) @ arrays["V"] - 2 * residual @ direction
    np.testing.assert_allclose(mixed @ direction, change, rtol=1e-12, atol=1e-12)
    whole = np.einsum("il,jk->ikjl", arrays["U"], arrays["V"]) * 2
    whole -= 2 * np.einsum("ij,kl->ikjl", residual, np.eye(k))
    np.testing.assert_allclose(mixed.dense(), whole, rtol=1e-12, atol=1e-12)


def test_terms_of_one_tensor_each_are_added():
    """The factors p and p^2 of a logistic regression are one array, as one writes it."""
    model = eg.parse("p_a = sigmoid(X_ai w_i)\nL = -sum_a(t_a log(p_a) + (1 - t_a) log(1 - p_a))")
    rng = np.random.default_rng(0)
    X, w, t = rng.normal(size=(20, 3)), rng.normal(size=3), rng.random(20)
    f = model.hessian("L", "w").compile()
    result = f(X=X, w=w, t=t, structured=True)["d2L/dw dw"]
    p = 1 / (1 + np.exp(-X @ w))
    np.testing.assert_allclose(result.dense(), X.T @ np.diag(p * (1 - p)) @ X, rtol=1e-12)
    assert len(result.terms) == 1
    assert result.formula == "d2L/dw_i dw_j = X_ai X_aj p_a (1 - p_a)"


@pytest.mark.parametrize("x", [[0.0, 0, 1, 2], [0.0, 0, 0, 2], [0.0, 1, 2, 3], [1.0, 2, 3, 0.5]])
def test_second_derivatives_of_products_with_zeros(x: list[float]) -> None:
    """By hand: of all entries but two their product, and 0 on the diagonal."""
    values = np.array(x)
    expected = [
        [0 if i == j else np.prod(np.delete(values, [i, j])) for j in range(4)] for i in range(4)
    ]
    np.testing.assert_allclose(eg.hessian(eg.prod)(values), expected, rtol=1e-14)
    compiled = eg.parse("L = prod_i(x_i)").hessian("L", "x").compile()
    np.testing.assert_allclose(compiled(x=values)["d2L/dx dx"], expected, rtol=1e-14)
