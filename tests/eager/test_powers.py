"""``x ** p`` by base and exponent, at 0, where the formulas on paper are 0 times infinity.

Expected values by hand: ``0 ** p`` is 0 for every p > 0, so its derivative by p is 0 (PyTorch and
JAX document this); ``x ** 0`` is 1 for every x, so its derivative by x is 0; ``x ** 1`` is x.
"""

from __future__ import annotations

import numpy as np
import pytest

import eingrad as eg
from eingrad.api.transforms.checking import check_grads

EXPONENTS = [0.0, 1.0, 2.0, 3.0, 2.5]
BY_BASE = [0.0, 1.0, 0.0, 0.0, 0.0]
BY_BASE_TWICE = [0.0, 0.0, 2.0, 0.0, 0.0]


def power_sum(x, p):
    return (x**p).sum()


def test_gradients_at_base_0():
    x, p = np.zeros(5), np.array(EXPONENTS)
    np.testing.assert_array_equal(eg.tensor(x) ** eg.tensor(p), [1, 0, 0, 0, 0])
    by_base, by_exponent = eg.grad(power_sum, (0, 1))(x, p)
    np.testing.assert_array_equal(by_base, BY_BASE)
    np.testing.assert_array_equal(by_exponent, np.zeros(5))


def test_gradients_at_base_0_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    x = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    p = torch.tensor([*EXPONENTS, 0.5], dtype=torch.float64, requires_grad=True)
    expected = torch.autograd.grad((x**p).sum(), (x, p))
    found = eg.grad(power_sum, (0, 1))(np.zeros(6), p.detach().numpy())
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b.numpy())


@pytest.mark.parametrize("transform", [lambda f: f, eg.function])
def test_second_derivatives_at_base_0(transform):
    hessian = eg.hessian(transform(power_sum), (0, 1))(np.zeros(5), np.array(EXPONENTS))
    assert np.isfinite(hessian).all()
    np.testing.assert_array_equal(np.diag(hessian[0][0]), BY_BASE_TWICE)
    np.testing.assert_array_equal(np.diag(hessian[1][1]), np.zeros(5))


@pytest.mark.parametrize(("p", "expected"), [*zip(EXPONENTS, BY_BASE, strict=True)])
def test_scalars_in_both_modes(p, expected):
    assert eg.grad(lambda x, p: x**p)(0.0, p) == expected
    assert eg.jvp(lambda x, p: x**p, (0.0, p), (1.0, 0.0))[1] == expected
    assert eg.jvp(lambda x, p: x**p, (0.0, p), (0.0, 1.0))[1] == 0
    assert np.isfinite(eg.hvp(lambda x, p: x**p, (0.0, p), (1.0, 1.0))).all()


def test_an_exponent_of_0_beside_a_base_that_is_not_0():
    check_grads(lambda x, p: x**p, (np.array([0.5, 2.0]), np.zeros(2)), order=2)


def test_negative_exponents_at_0_are_infinite():
    with np.errstate(divide="ignore"):
        by_base, by_exponent = eg.grad(power_sum, (0, 1))(np.zeros(1), np.array([-1.0]))
    np.testing.assert_array_equal([by_base[0], by_exponent[0]], [-np.inf, -np.inf])


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
@pytest.mark.parametrize(
    ("model", "p", "by_base", "by_exponent"),
    [
        ("L = sum_i(c_i x_i^p_i)", EXPONENTS, BY_BASE, np.zeros(5)),
        ("L = sum_i(c_i x_i^p)", 0.0, np.zeros(5), 0.0),
        ("L = sum_i(c_i x_i^p)", 1.0, np.ones(5), 0.0),
    ],
)
def test_models_at_base_0(backend, model, p, by_base, by_exponent):
    if backend != "numpy":
        pytest.importorskip(backend)
    derived = eg.parse(model).grad("L", ["x", "p"])
    assert "log(x_i)" in str(derived["p"])
    assert "where" not in derived.text()  # on paper it is the textbook's formula
    f = derived.compile(backend, dtype="float32")
    values = f(c=np.ones(5), x=np.zeros(5), p=np.asarray(p))
    np.testing.assert_array_equal(np.asarray(values["dL/dx"]), by_base)
    np.testing.assert_array_equal(np.asarray(values["dL/dp"]), by_exponent)
