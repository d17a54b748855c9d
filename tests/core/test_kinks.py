"""Values and gradients where a formula on paper is 0 / 0 or 0 times infinity.

What is right is what PyTorch's functions say there (`cdist`, `vector_norm`), or a limit by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import eingrad as eg
from eingrad.engine.executable import MatrixError
from eingrad.errors import EingradError

BACKENDS = ["numpy", "torch", "jax"]
POINTS = np.array([[0.0, 1.0], [2.0, 0.5], [0.0, 1.0]])  # of which two are one


@pytest.fixture(autouse=True, scope="module")
def double_precision() -> Iterator[None]:
    jax = pytest.importorskip("jax")
    before = jax.config.read("jax_enable_x64")
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def own(backend: str, x: Any) -> Any:
    x = np.asarray(x, float)
    if backend == "numpy":
        return x
    library = pytest.importorskip(backend)
    return library.tensor(x) if backend == "torch" else library.numpy.asarray(x)


def gradients(text: str, wrt: str, backend: str, **values: Any) -> list[tuple[float, np.ndarray]]:
    """Return value and gradient of L from the compiled function, and from the module."""
    derived = eg.parse(text).grad("L", [wrt])
    given = {name: own(backend, x) for name, x in values.items()}
    found = derived.compile(backend)(**given)
    names: dict[str, Any] = {"__name__": "module"}
    exec(derived.source(backend), names)
    value, saved = names["forward"](**given)
    (gradient,) = names["backward"](saved)
    both = [(found["L"], found[f"dL/d{wrt}"]), (value, gradient)]
    return [(float(x), np.asarray(g)) for x, g in both]


# --- norms ------------------------------------------------------------------------------------

NORMS = [
    ([0.0, 0.0], 0.0, [0, 0]),
    ([3e200, 4e200], 5e200, [0.6, 0.8]),
    ([3e-200, -4e-200], 5e-200, [0.6, -0.8]),
    ([1e-310, 0.0], 1e-310, [1, 0]),
    ([np.inf, 1.0], np.inf, [np.nan, 0]),
    ([np.nan, 1.0], np.nan, [np.nan, np.nan]),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("x", "value", "gradient"), NORMS)
def test_norms(backend: str, x: list[float], value: float, gradient: list[float]) -> None:
    if backend == "jax" and x[0] == 1e-310:
        value, gradient = 0.0, [0.0] * len(x)  # XLA takes denormals for 0
        found, slope = gradients("L = norm_i(x_i)", "x", backend, x=x)[0]
        assert (found, slope.tolist()) == (value, gradient)
        return
    for found, slope in gradients("L = norm_i(x_i)", "x", backend, x=x):
        np.testing.assert_allclose(found, value, rtol=1e-15)
        np.testing.assert_allclose(slope, gradient, rtol=1e-15)
    for norm in (eg.norm, np.linalg.norm):
        np.testing.assert_allclose(norm(eg.Tensor(x)).numpy(), value, rtol=1e-15)
        np.testing.assert_allclose(eg.grad(norm)(np.array(x)), gradient, rtol=1e-15)


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_second_derivatives_of_norms(scale: float) -> None:
    x = np.array([3.0, 4.0])
    wanted = (np.eye(2) - np.outer(x, x) / 25) / (5 * scale)
    np.testing.assert_allclose(eg.hessian(eg.norm)(x * scale), wanted, rtol=1e-13)
    assert not eg.hessian(eg.norm)(np.zeros(2)).any()
    for text in ("L = norm_i(x_i)", "L = std_i(x_i)", "L = sqrt(x_i x_i)"):
        run = eg.parse(text).hessian("L", ["x"]).compile()
        assert not run(x=np.zeros(2))["d2L/dx dx"].any()


@pytest.mark.parametrize("order", [1.5, 3, -1, 0.5, 2, 1, np.inf])
@pytest.mark.parametrize("x", [[0.0, 0, 0], [1, -2, 0.5], [0, 1, 2]])
def test_norms_of_every_order_as_pytorchs(order: float, x: list[float]) -> None:
    torch = pytest.importorskip("torch")
    t = torch.tensor(np.array(x, float), requires_grad=True)
    value = torch.linalg.vector_norm(t, order)
    value.backward()
    if order == np.inf and not any(x):
        t.grad = torch.zeros(3, dtype=torch.float64)  # the tie is shared, and each |x| has slope 0
    np.testing.assert_allclose(
        np.linalg.norm(eg.Tensor(np.array(x, float)), order).numpy(), value.item()
    )
    found = eg.grad(lambda v: np.linalg.norm(v, order))(np.array(x, float))
    np.testing.assert_allclose(found, t.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_libraries_differentiate_values_at_kinks(backend: str) -> None:
    run = eg.parse("L = norm_i(x_i) + std_i(x_i)").compile(backend=backend)
    if backend == "torch":
        torch = pytest.importorskip("torch")
        x = torch.zeros(3, dtype=torch.float64, requires_grad=True)
        run(x=x)["L"].backward()
        assert not x.grad.any()
    else:
        jax = pytest.importorskip("jax")
        assert not jax.grad(lambda x: run(x=x)["L"])(jax.numpy.zeros(3)).any()


# --- pairwise distances -----------------------------------------------------------------------

DISTANCE = "d_ij = norm_k(x_ik - x_jk)\n"
ROOT = "d_ij = sqrt(sum_k((x_ik - x_jk)^2))\n"
LOSSES = {
    "d_ij": lambda d: d,
    "(1 - delta_ij) d_ij": lambda d: d,
    "where(delta_ij > 0, 0, d_ij)": lambda d: d,
    "(d_ij - 1)^2": lambda d: (d - 1) ** 2,
    "1 / (1 + d_ij)": lambda d: 1 / (1 + d),
    "exp(-d_ij)": lambda d: (-d).exp(),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("distance", [DISTANCE, ROOT])
@pytest.mark.parametrize("loss", LOSSES)
def test_distances_as_pytorchs_cdist(loss: str, distance: str, backend: str) -> None:
    torch = pytest.importorskip("torch")
    x = torch.tensor(POINTS, requires_grad=True)
    value = LOSSES[loss](torch.cdist(x, x)).sum()
    value.backward()
    for found, slope in gradients(f"{distance}L = sum_ij({loss})", "x", backend, x=POINTS):
        np.testing.assert_allclose(found, value.item(), rtol=1e-12)
        np.testing.assert_allclose(slope, x.grad.numpy(), atol=1e-12)


def test_what_the_model_divides_by_stays_infinite() -> None:
    with np.errstate(all="ignore"):
        found = eg.parse("L = 1 / norm_i(x_i)").grad("L", ["x"]).compile()(x=np.zeros(2))
        assert np.isinf(found["L"])
        assert not np.isfinite(found["dL/dx"]).any()
        logs = eg.parse("L = log(norm_i(x_i))").grad("L", ["x"]).compile()(x=np.zeros(2))
        assert not np.isfinite(logs["dL/dx"]).any()


def test_gradients_of_distances_are_read_as_on_paper() -> None:
    for distance in (DISTANCE, ROOT):
        derived = eg.parse(f"{distance}L = sum_ij(d_ij)").grad("L", ["x"])
        assert str(derived["x"]) == "dL/dx_ik = 2 (x_ik - x_jk) / d_ij"


TSNE = """d_ij = norm_k(x_ik - x_jk)
k_ij = 1 / (1 + d_ij)
q_ij = k_ij / sum_ab(k_ab)
L = sum_ij(P_ij log(P_ij / q_ij))"""
CLAIMS = [
    (DISTANCE + "L = sum_ij(d_ij)", "2 sum_j((x_ik - x_jk) / d_ij)", True),
    (DISTANCE + "L = sum_ij(d_ij)", "sum_j((x_ik - x_jk) / d_ij)", False),
    (DISTANCE + "L = sum_ij(d_ij)", "2 sum_j((x_ik - x_jk) / d_ij^2)", False),
    (DISTANCE + "L = sum_ij((d_ij - D_ij)^2)",
     "2 sum_j((x_ik - x_jk) (2 d_ij - D_ij - D_ji) / d_ij)", True),
    (DISTANCE + "L = sum_ij((d_ij - D_ij)^2)",
     "4 sum_j((x_ik - x_jk) (d_ij - D_ij) / d_ij)", False),
    (ROOT + "L = sum_ij(k_ij (d_ij - l_ij)^2) / 2",
     "sum_j((x_ik - x_jk) / d_ij (k_ij (d_ij - l_ij) + k_ji (d_ij - l_ji)))", True),
    (TSNE, "sum_j((P_ij + P_ji - 2 q_ij sum_ab(P_ab)) k_ij (x_ik - x_jk) / d_ij)", True),
    (TSNE, "sum_j((P_ij + P_ji - 2 q_ij) k_ij (x_ik - x_jk) / d_ij)", False),
]  # fmt: skip


@pytest.mark.parametrize(("model", "claim", "right"), CLAIMS)
def test_claims_about_distances_are_judged(model: str, claim: str, right: bool) -> None:
    assert eg.parse(model).check(f"dL/dx_ik = {claim}").ok is right


# --- 0 log 0 ----------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("L = sum_i(p_i log(p_i / q_i))", -np.log(0.3)),
        ("L = sum_i(p_i (log(p_i) - log(q_i)))", -np.log(0.3)),
        ("L = -sum_i(p_i log(p_i))", 0),
        ("L = -sum_i(p_i log(p_i) + (1 - p_i) log(1 - p_i))", 0),
        ("L = sum_i(2 p_i^2 log(3 p_i))", 2 * np.log(3)),
    ],
)
def test_zero_times_its_logarithm_is_0(text: str, value: float, backend: str) -> None:
    given = {"p": [0.0, 1.0, 0.0], "q": [0.2, 0.3, 0.5]}
    model = eg.parse(text)
    given = {name: own(backend, x) for name, x in given.items() if name in model.system.inputs}
    np.testing.assert_allclose(
        float(model.compile(backend=backend)(**given)["L"]), value, atol=1e-15
    )


def test_another_logarithm_of_0_stays_infinite() -> None:
    with np.errstate(all="ignore"):
        run = eg.parse("L = sum_i(p_i log(q_i))").compile()
        assert np.isinf(run(p=np.array([1.0]), q=np.zeros(1))["L"])


@pytest.mark.parametrize("backend", BACKENDS)
def test_log_of_two_exponentials(backend: str) -> None:
    a, b = np.array([-1e30, 1e4, -np.inf, -50.0]), np.array([1.0, 1e4, 1.0, 1e-20])
    text = "L = sum_i(log(exp(a_i) + exp(b_i)))"
    for value, slope in gradients(text, "a", backend, a=a, b=b):
        np.testing.assert_allclose(value, np.logaddexp(a, b).sum(), rtol=1e-15)
        np.testing.assert_allclose(slope, [0, 0.5, 0, 1 / (1 + np.exp(50))], rtol=1e-12)


# --- determinants -----------------------------------------------------------------------------

SINGULAR = [
    ([[1.0, 1.0], [1.0, 1.0]], [[1, -1], [-1, 1]]),
    (np.arange(9.0).reshape(3, 3).tolist(), [[-3, 6, -3], [6, -12, 6], [-3, 6, -3]]),
    ([[0.0, 0.0], [0.0, 0.0]], [[0, 0], [0, 0]]),
    ([[2.0, 1.0], [0.0, 4.0]], [[4, 0], [-1, 2]]),
    ([[0.0]], [[1]]),
]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("matrix", "cofactors"), SINGULAR)
def test_the_gradient_of_a_determinant_is_its_cofactors(
    matrix: list[list[float]], cofactors: list[list[float]], backend: str
) -> None:
    for _, slope in gradients("L = det_ij(A_ij)", "A", backend, A=matrix):
        np.testing.assert_allclose(slope, cofactors, atol=1e-12)
    np.testing.assert_allclose(eg.grad(eg.det)(np.array(matrix)), cofactors, atol=1e-12)


def test_what_a_singular_matrix_has_not_is_an_error_of_ours() -> None:
    ones = np.ones((2, 2))
    for attempt in (
        lambda: eg.hessian(eg.det)(ones),
        lambda: eg.inv(ones),
        lambda: eg.parse("B_ij = inv_ij(A_ij)").compile()(A=ones),
    ):
        with pytest.raises(MatrixError, match="ingular"):
            attempt()


# --- complex numbers --------------------------------------------------------------------------

Z = np.array([-3 - 3j, 0.25 + 0.7j, -9 + 2j])


@pytest.mark.parametrize("z", [Z, Z[0], Z[2]])
def test_functions_that_complex_numbers_have(z: Any) -> None:
    np.testing.assert_allclose(eg.sigmoid(eg.Tensor(z)).numpy(), 1 / (1 + np.exp(-z)), rtol=1e-12)
    np.testing.assert_allclose(np.arcsinh(eg.Tensor(z)).numpy(), np.arcsinh(z), rtol=1e-12)


@pytest.mark.parametrize("name", ["softplus", "relu", "gelu", "elu", "leaky_relu", "lgamma"])
def test_functions_of_real_numbers_refuse_complex_ones(name: str) -> None:
    for z in (Z, Z[0]):
        with pytest.raises(EingradError, match="real numbers"):
            getattr(eg, name)(z)
    with pytest.raises(EingradError, match="real numbers"):
        eg.parse(f"y_i = {name}(x_i)").compile()(x=Z)


@pytest.mark.parametrize(
    "name", ["cbrt", "fabs", "deg2rad", "floor", "hypot", "arctan2", "copysign", "heaviside"]
)
def test_numpys_functions_of_real_numbers_refuse_complex_ones(name: str) -> None:
    function = getattr(np, name)
    with pytest.raises(TypeError, match="real numbers"):
        function(*[eg.Tensor(Z)] * function.nin)


# --- NumPy's composed functions at their edges ------------------------------------------------


def test_composed_functions_at_their_edges() -> None:
    x = np.array([1.0, 1 + 2.3e-16, 1 + 1e-9, 1.5, 1e300])
    np.testing.assert_allclose(np.arccosh(eg.Tensor(x)).numpy(), np.arccosh(x), rtol=4e-16)
    a, b = np.array([1e82, 1e308, 5.0, -7.0]), np.array([0.83, 1e-10, np.inf, 2.0])
    np.testing.assert_array_equal(np.fmod(eg.Tensor(a), eg.Tensor(b)).numpy(), np.fmod(a, b))
    assert eg.grad(lambda v: np.fmod(v[0], v[1]))(np.array([7.0, 2.0])).tolist() == [1, -3]
    assert np.isnan(np.heaviside(eg.Tensor(np.nan), 0.5).numpy())
    x, y = np.array(1.2345678901), np.float32(2)
    np.testing.assert_allclose(
        np.logaddexp2(eg.Tensor(x), eg.Tensor(y)).numpy(), np.logaddexp2(x, y), rtol=1e-15
    )
