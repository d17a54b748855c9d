"""lgamma, digamma, clip, var, std, ln and a slope for leaky_relu, beside other libraries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import eingrad as eg
from eingrad.core.functions import AXIS_FUNCTIONS, FUNCTIONS, MATRIX_FUNCTIONS
from eingrad.errors import DifferentiationError, EingradError

X = np.array([0.35, 1.7, 2.4, 5.1])
Y = np.array([-1.2, 0.4, 3.0, -0.3])


def to(backend: str, x: np.ndarray) -> Any:
    if backend == "torch":
        return pytest.importorskip("torch").tensor(x)
    return pytest.importorskip("jax").numpy.asarray(x) if backend == "jax" else x


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_gamma_functions_are_mpmaths(backend: str, order: int) -> None:
    pytest.importorskip(backend)
    mpmath = pytest.importorskip("mpmath")
    known = [mpmath.loggamma, lambda x: mpmath.psi(0, x), lambda x: mpmath.psi(1, x),
             lambda x: mpmath.psi(2, x)]  # fmt: skip
    words = ["lgamma(x_i)", "digamma(x_i)", "polygamma(1, x_i)", "polygamma(2, x_i)"]
    derivatives = eg.parse(f"L = sum_i({words[order]})").grad("L", ["x"])
    found = derivatives.compile(backend)(x=to(backend, X))
    exact = [[float(f(x)) for x in X] for f in (*known, lambda x: mpmath.psi(3, x))]
    tolerance = {"jax": 2e-4, "torch": 1e-8}.get(backend, 1e-12)  # PyTorch's are not exact
    np.testing.assert_allclose(np.asarray(found["L"]), sum(exact[order]), rtol=tolerance)
    np.testing.assert_allclose(np.asarray(found["dL/dx"]), exact[order + 1], rtol=tolerance)


def test_the_derivative_of_digamma_reads_back() -> None:
    model = eg.parse("y_i = digamma(x_i)\nL = sum_i(y_i)")
    line = str(model.grad("L", ["x"])["x"])
    assert line == "dL/dx_i = polygamma(1, x_i)"
    assert model.check(line).ok
    assert not model.check("dL/dx_i = polygamma(2, x_i)").ok
    assert eg.parse("L = lgamma(1) + lgamma(2)").compile()()["L"] == 0


def test_an_order_is_a_whole_number() -> None:
    for text in ("polygamma(n, x)", "polygamma(-1, x)", "polygamma(0.5, x)"):
        with pytest.raises(EingradError, match="whole number"):
            eg.parse(f"y = {text}")
    with pytest.raises((EingradError, DifferentiationError)):
        eg.polygamma(np.array([1.0]), np.array([2.0]))


ACTIVATED = "L = sum_i(w_i clip(x_i, a_i, 1.5) + w_i clip(x_i, -0.5, 0.5))"
ACTIVATED += " + sum_i(leaky_relu(x_i, 0.2) w_i^2 + leaky_relu(w_i, s))"


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
def test_clip_and_slopes_are_pytorchs_at_kinks_too(backend: str) -> None:
    torch = pytest.importorskip("torch")
    values = {
        "x": np.array([-0.5, 0.0, 0.5, 1.5, 2.0, -2.0]), "w": np.array([1.0, -2, 3, 0.5, -1, 2]),
        "a": np.array([-0.5, -1.0, 0.7, 0.2, 3.0, -1.0]), "s": np.array(0.3),
    }  # fmt: skip
    run = eg.parse(ACTIVATED).grad("L", list(values)).compile(backend)
    found = run(**{name: to(backend, x) for name, x in values.items()})
    t = {name: torch.tensor(x, requires_grad=True) for name, x in values.items()}
    x, w = t["x"], t["w"]
    top = torch.full_like(x, 1.5)
    leaky = [torch.where(z > 0, z, slope * z) for z, slope in ((x, 0.2), (w, t["s"]))]
    loss = w * torch.clamp(x, t["a"], top) + w * torch.clamp(x, -0.5, 0.5) + leaky[0] * w**2
    (loss + leaky[1]).sum().backward()
    for name, tensor in t.items():
        np.testing.assert_allclose(np.asarray(found[f"dL/d{name}"]), tensor.grad, rtol=1e-6)


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
@pytest.mark.parametrize("function", ["var", "std"])
def test_spread_is_numpys_and_pytorchs(backend: str, function: str) -> None:
    torch = pytest.importorskip("torch")
    z = np.random.default_rng(0).normal(size=(3, 4, 2)) + 50
    for axes, numbers in (("i", 1), ("bc", (0, 2)), ("bic", None)):
        kept = "".join(k for k in "bic" if k not in axes)
        left = f"y_{kept}" if kept else "y"
        model = eg.parse(f"{left} = {function}_{axes}(z_bic)\nL = {left} {left}")
        found = model.grad("L", ["z"]).compile(backend)(z=to(backend, z))
        t = torch.tensor(z, requires_grad=True)
        y = getattr(t, function)(dim=numbers, correction=0)
        (y * y).sum().backward()
        tolerance = 1e-3 if backend == "jax" else 1e-12
        expected = (getattr(np, function)(z, axis=numbers) ** 2).sum()
        np.testing.assert_allclose(np.asarray(found["L"]), expected, rtol=tolerance)
        size = float(t.grad.abs().max())
        np.testing.assert_allclose(np.asarray(found["dL/dz"]), t.grad, atol=tolerance * size)


def test_the_spread_of_what_repeats() -> None:
    values = eg.parse("y = std_bi(x_b + 0 z_i) + var_i(c + 0 z_i)").compile()
    found = values(x=X, z=np.zeros(3), c=2.0)["y"]
    np.testing.assert_allclose(found, X.std(), rtol=1e-12)


def test_the_derivative_is_0_where_the_deviation_is_0() -> None:
    run = eg.parse("L = std_i(x_i)").grad("L", ["x"]).compile()
    assert run(x=np.ones(3))["dL/dx"].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(eg.grad(eg.std)(np.ones(3)), np.zeros(3))  # as PyTorch's


@pytest.mark.parametrize("target", ["numpy", "torch", "jax"])
def test_modules_check_themselves(target: str) -> None:
    if target != "numpy":
        pytest.importorskip(target)
    text = (
        "L = sum_i(lgamma(x_i) + clip(y_i, -1, c_i) w_i + leaky_relu(y_i, 0.1)) + var_i(x_i)"
        " + std_bi(z_bi) + mean_b(var_i(z_bi)) + digamma(2.5) + ln(a)"
    )
    derivatives = eg.parse(text).grad("L", ["x", "y", "z", "w", "a"])
    names: dict[str, Any] = {"__name__": "module"}
    source = derivatives.source(target)
    exec(source, names)
    error = names["check_gradient"]()  # frameworks that check themselves say True
    assert error is True or error < 1e-6
    data = names["random_data"](3)
    value = np.asarray(names["forward"](**data)[0])
    expected = derivatives.compile()(**{k: np.asarray(x) for k, x in data.items()})["L"]
    np.testing.assert_allclose(value, expected, rtol=1e-5)


@pytest.mark.parametrize(("word", "name"), [
    ("ln", "log"), ("arcsin", "asin"), ("swish", "silu"), ("gammaln", "lgamma"), ("sgn", "sign"),
])  # fmt: skip
def test_other_words_print_as_the_first(word: str, name: str) -> None:
    assert str(eg.parse(f"y_i = {word}(x_i)")) == f"y_i = {name}(x_i)"
    assert str(eg.parse_latex(rf"y_i = \operatorname{{{word}}}(x_i)")) == f"y_i = {name}(x_i)"
    assert eg.parse(f"{word}_b = exp(x_b)\nL = sum_b({word}_b)").compile()(x=X)["L"] > 0
    with pytest.raises(EingradError, match="already"):
        eg.parse(f"function {word}\ny_i = {word}(x_i)")


def test_no_word_means_two_functions() -> None:
    seen: set[str] = set()
    for table in (FUNCTIONS, AXIS_FUNCTIONS, MATRIX_FUNCTIONS):
        for name, record in table.items():
            words = {name, *record.names}
            assert len(words) == 1 + len(record.names)
            assert not words & seen
            assert record.name == name
            seen |= words
    assert len(seen) > 80
