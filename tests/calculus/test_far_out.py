"""Exponentials far out: values, gradients and Hessians of what is written out, against mpmath."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import log, mpf, sqrt

import eingrad as eg

Numbers = Sequence[Any]
POINTS = [[1000.0, 999.0, -1000.0], [-1000.0, -999.5, -1001.0], [400.0, 390.0, 0.5]]
ALL_BUT_ONE = "S_i = sum_{j != i}(exp(v_j))\n"
MODELS: list[tuple[str, Callable[[Numbers, Numbers], Any]]] = [
    # a text, and the same of the entries of v and of their exponentials
    (f"{ALL_BUT_ONE}L = sum_i(exp(v_i) / (exp(v_i) + S_i))^2",
     lambda _, e: sum(x / sum(e) for x in e) ** 2),
    ("L = sum_i(log(1 + exp(v_i) + exp(2 v_i)))", lambda _, e: sum(log(1 + x + x * x) for x in e)),
    ("L = log(sum_{i<j}(exp(v_i + v_j)))",
     lambda _, e: log(e[0] * e[1] + e[0] * e[2] + e[1] * e[2])),
    ("L = sum_i(sqrt(exp(v_i) / (1 + exp(v_i))))", lambda _, e: sum(sqrt(x / (1 + x)) for x in e)),
    ("L = sum_i((exp(v_i) - 1) / (exp(v_i) + exp(-v_i) + 1))",
     lambda _, e: sum((x - 1) / (x + 1 / x + 1) for x in e)),
    ("L = sum_ij(exp(v_i) / (exp(v_i) + 2 exp(v_j)))",
     lambda _, e: sum(x / (x + 2 * y) for x in e for y in e)),
    ("p_i = softmax_i(v_i)\nL = sum_i(p_i^3) / sum_i(p_i^2)",
     lambda _, e: sum(x**3 for x in e) / sum(x**2 for x in e) / sum(e)),
    ("L = sum_i(v_i sinh(v_i) / (1 + cosh(v_i)))",
     lambda v, e: sum(t * (x - 1 / x) / (2 + x + 1 / x) for t, x in zip(v, e, strict=True))),
]  # fmt: skip


def differences(
    value: Callable[[Numbers, Numbers], Any], point: Sequence[float]
) -> tuple[Any, np.ndarray, np.ndarray]:
    """Return value, gradient and Hessian by central differences, in 1,800 digits."""
    step = mpf(10) ** -40
    n = range(len(point))

    def at(*moves: tuple[int, int]) -> Any:
        v = [mpf(x) for x in point]
        for k, sign in moves:
            v[k] += sign * step
        return value(v, [mpmath.exp(x) for x in v])

    signs = [(s, t) for s in (1, -1) for t in (1, -1)]
    with mpmath.workdps(1800):
        gradient = [(at((a, 1)) - at((a, -1))) / (2 * step) for a in n]
        hessian = [
            [sum(s * t * at((a, s), (b, t)) for s, t in signs) / (4 * step**2) for b in n]
            for a in n
        ]
        return float(at()), *(np.array(x, dtype=float) for x in (gradient, hessian))


@pytest.mark.parametrize(("text", "value"), MODELS)
def test_quotients_far_out_have_the_derivatives_that_mpmath_gives(
    text: str, value: Callable[[Numbers, Numbers], Any]
) -> None:
    compiled = [f("L", "v").compile() for f in (eg.parse(text).grad, eg.parse(text).hessian)]
    for point in POINTS:
        first, second = (f(v=np.array(point)) for f in compiled)
        found = first["L"], first["dL/dv"], second["d2L/dv dv"]
        for own, wanted in zip(found, differences(value, point), strict=True):
            scale = max(1e-4, float(np.abs(wanted).max()))
            np.testing.assert_allclose(own, wanted, rtol=0, atol=1e-8 * scale)


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_they_are_finite_on_the_other_backends_and_in_modules(backend: str) -> None:
    """The sum of sqrt(sigmoid(v)) has the gradient sqrt(sigmoid(v)) sigmoid(-v) / 2."""
    library = pytest.importorskip(backend)
    gradients = eg.parse("L = sum_i(sqrt(exp(v_i) / (1 + exp(v_i))))").grad("L")
    v = np.array([80.0, 0.0, -80.0], np.float32)  # exp(80) is the last one in single precision
    given = library.tensor(v) if backend == "torch" else library.numpy.asarray(v)
    found = np.asarray(gradients.compile(backend)(v=given)["dL/dv"])
    np.testing.assert_allclose(found, [0, np.sqrt(0.5) / 4, np.exp(-40) / 2], rtol=1e-5, atol=1e-30)
    namespace: dict[str, Any] = {"__name__": "module"}
    exec(compile(gradients.source(backend), "module", "exec"), namespace)
    value = namespace["forward"](given)
    assert bool(np.isfinite(np.asarray(value[0] if isinstance(value, tuple) else value)))


def test_a_weight_of_zero_counts_for_nothing() -> None:
    """c exp(x) / (1 + c exp(x)) is 0 where c is, and so are its derivatives by x."""
    model = eg.parse("L = sum_i(c_i exp(x_i) / (1 + c_i exp(x_i)))")
    arrays = {"c": np.array([0.0, 2.0]), "x": np.array([1000.0, -np.log(2.0)])}
    second = model.hessian("L", "x").compile()(**arrays)
    np.testing.assert_allclose(second["d2L/dx dx"], 0, atol=1e-15)
    np.testing.assert_allclose(model.grad("L", "x").compile()(**arrays)["dL/dx"], [0, 0.25])


@pytest.mark.parametrize("target", ["numpy", "torch", "jax"])
def test_a_module_of_a_quotient_has_its_gradient(target: str) -> None:
    if target != "numpy":
        pytest.importorskip(target)
    source = eg.parse("L = sum_i(sqrt(exp(v_i) / (1 + exp(v_i))))").grad("L").source(target)
    with pytest.raises(SystemExit) as ended:  # it compares itself with differences
        exec(compile(source, "module", "exec"), {"__name__": "__main__"})
    assert not ended.value.code


def test_a_cross_entropy_by_names_is_finite_far_out() -> None:
    """By hand: p sum(T) - T, for targets that nothing says to sum to 1."""
    model = eg.parse("p_i = softmax_i(z_i)\nL = -T_i log(p_i)")
    z, t = np.array([1000.0, 0.0, -5.0]), np.array([0.0, 2.0, 1.0])
    found = model.grad("L", ["z"]).compile()(z=z, T=t)
    np.testing.assert_allclose(found["dL/dz"], [3.0, -2.0, -1.0])


@pytest.mark.parametrize("point", [[150, 149, 0.5], [-90, -89.5, -91], [0.1, 0.2, -0.3]])
def test_a_partial_likelihood_takes_one_exponential(point: list[float]) -> None:
    """All its sums over who is at risk are shifted by the same greatest exponent."""
    x = np.array([[1, 0, 2], [0, 1, -1], [2, -1, 0], [1, 1, 1]])
    risk = np.tril(np.ones((4, 4)))
    model = eg.parse("e_i = exp(X_ik w_k)\nL = -d_i (X_ik w_k - log(R_ij e_j))")

    def value(w: Numbers, _: Numbers) -> Any:
        z = [sum(int(n) * t for n, t in zip(row, w, strict=True)) for row in x]
        e = [mpmath.exp(t) for t in z]
        return -sum(z[i] - log(sum(e[: i + 1])) for i in range(4))

    hessian = model.hessian("L", ["w"]).compile()
    found = hessian(X=x.astype(float), w=np.array(point), d=np.ones(4), R=risk)
    wanted = differences(value, point)
    assert np.allclose(found["L"], wanted[0], rtol=1e-12)
    assert np.allclose(found["d2L/dw dw"], wanted[2], atol=1e-12)
    assert hessian.source.count("np.exp(") == 1


def horner(x: Any, exp: Callable[[Any], Any]) -> Any:
    total = exp(x)
    for _ in range(40):
        total = 1 + total * exp(x)
    return exp(x) / total


@pytest.mark.parametrize(
    ("traced", "value"),
    [
        (lambda x: np.arctan2(x, 1 + np.sinh(x) * np.sinh(x)),
         lambda x: mpmath.atan2(x, 1 + mpmath.sinh(x) ** 2)),
        (lambda x: np.arctan2(np.sinh(0.3 * x), 1 + x * x),
         lambda x: mpmath.atan2(mpmath.sinh(mpf("0.3") * x), 1 + x * x)),
        (lambda x: horner(x, np.exp), lambda x: horner(x, mpmath.exp)),
    ],
    ids=["a product with sinh", "sinh above", "a chain of sums and products"],
)  # fmt: skip
def test_what_comes_of_a_rewritten_product_is_not_rewritten_again(
    traced: Callable[[Any], Any], value: Callable[[Any], Any]
) -> None:
    points = np.array([0.3, -1.25, 0.01])
    found = eg.grad(eg.function(lambda x: traced(x).sum()))(points)
    wanted = [float(mpmath.diff(value, mpf(x))) for x in points]
    np.testing.assert_allclose(found, wanted, rtol=1e-10)
