"""A tracked value that comes back as a number carries its gradient, or an error says that it
cannot."""

from __future__ import annotations

import numpy as np
import pytest

import eingrad as eg
from eingrad.errors import DifferentiationError

V = np.array([1.0, 2.0, 3.0])
A = np.random.default_rng(0).normal(size=(4, 5))


def test_weights_that_are_counted_keep_their_gradient() -> None:
    places = [0, 1, 0]

    def loss(v):
        return np.sum(np.bincount(places, weights=v) * v[:2])

    # (v0 + v2) v0 + v1 v1
    np.testing.assert_allclose(eg.grad(loss)(V), [2 * V[0] + V[2], 2 * V[1], V[0]])
    eg.check_grads(lambda v: np.bincount(places, v, 4) ** 2, (V,), order=2)
    eg.check_grads(eg.function(lambda v: np.bincount(places, v, 4) ** 2), (V,), order=2)
    with pytest.raises(eg.ShapeError, match=r"weights of shape .2,. beside integers of shape .3,."):
        np.bincount(places, eg.tensor(V[:2]))


def filled(w):
    out = np.zeros(3)
    for k in range(3):
        out[k] = w[k] ** 2
    return np.sum(out * w)


LOST = {
    "filled": filled,
    "float": lambda w: w[0] * float(w[1]),
    "int": lambda w: w[0] * int(w[1]),
    "complex": lambda w: (w[0] * complex(w[1])).real,
    "a count": lambda w: (w > 1).sum(),
    "an accuracy": lambda w: np.mean((w > 1) == np.array([True, False, True])),
    "an index": lambda w: eg.argmax(w),
    "a histogram": lambda w: np.sum(np.histogram(w)[1]),
}


@pytest.mark.parametrize("transform", [eg.grad, eg.value_and_grad])
@pytest.mark.parametrize("name", LOST)
def test_a_lost_gradient_is_an_error(name: str, transform) -> None:
    with pytest.raises((DifferentiationError, ValueError, TypeError)):
        transform(LOST[name])(V)


def test_what_says_that_it_leaves_the_graph_may_leave_it() -> None:
    assert eg.grad(lambda x: x * x.item())(2.0) == 2
    assert eg.grad(lambda x: x * float(eg.stop_gradient(x)))(2.0) == 2
    np.testing.assert_array_equal(eg.grad(lambda _: eg.tensor(3.0))(V), np.zeros(3))
    w = eg.tensor(V, requires_grad=True)
    loss = (w * w).sum()
    loss.backward()
    assert float(loss) == 14  # outside a transform, as after a training step


def test_decisions_may_choose_what_has_a_gradient() -> None:
    np.testing.assert_array_equal(eg.grad(lambda w: eg.where(w > 1, w, 0).sum())(V), [0, 1, 1])
    np.testing.assert_array_equal(eg.grad(lambda w: w[eg.argmax(w)])(V), [0, 0, 1])


def test_the_sign_of_a_complex_determinant_is_refused() -> None:
    matrix = np.array([[1.0, 2j], [3.0, 4.0]])
    with pytest.raises(DifferentiationError, match="sign of a complex determinant"):
        eg.vjp(lambda a: np.linalg.slogdet(a)[0], matrix)


def test_a_loss_may_have_one_entry() -> None:
    np.testing.assert_allclose(eg.grad(lambda w: (w**2).sum(keepdims=True))(V), 2 * V)


WEIGHTS = np.arange(20.0).reshape(4, 5)
TRACED = {
    "sort": lambda x: np.sort(x, 0) * WEIGHTS.astype(x.dtype),
    "sort of all": lambda x: np.sort(x, None)[:3],
    "argsort": lambda x: x[np.argsort(x[:, 0])] * WEIGHTS.astype(x.dtype),
    "median": lambda x: np.median(x, 1),
    "quantile": lambda x: np.quantile(x, 0.3, 0),
    "%": lambda x: (x % 0.3) * x,
    "a number %": lambda x: 0.7 % x,
    "//": lambda x: (x // 0.3) * x,
    "floor": lambda x: np.floor(x) * x,
    "ceil": lambda x: np.ceil(x) * x,
    "trunc": lambda x: np.trunc(x) * x,
    "isnan": lambda x: np.where(np.isnan(x), 0, x * x),
    "isfinite": lambda x: np.where(np.isfinite(x), x * x, 0),
}


@pytest.mark.parametrize("name", TRACED)
def test_traced_functions_take_what_eager_code_takes(name: str) -> None:
    f = TRACED[name]
    np.testing.assert_allclose(eg.function(f)(A), f(A), rtol=1e-14)  # NumPy's own
    eg.check_grads(f, (A,), order=1)
    eg.check_grads(eg.function(f), (A,), order=1)
    single = eg.function(f)(A.astype(np.float32))
    assert single.dtype == np.float32


@pytest.mark.parametrize(
    ("a", "b"),
    [(-1e30, 1.0), (1.0, -1e30), (-1e9, 0.123456789), (-np.inf, 1.0), (-50.0, 1e-20),
     (-np.inf, -np.inf), (np.inf, 1.0), (700.0, 710.0)],
)  # fmt: skip
def test_logaddexp_keeps_its_value_at_extremes(a: float, b: float) -> None:
    expected = np.logaddexp(a, b)
    assert eg.logaddexp(a, b).item() == expected
    assert np.logaddexp(eg.tensor(a), b).item() == expected
    assert eg.function(lambda x, y: eg.logaddexp(x, y))(a, b) == expected
    single = eg.logaddexp(np.float32(a), np.float32(b))
    assert single.item() == np.logaddexp(np.float32(a), np.float32(b))


def test_arcsinh_of_large_numbers() -> None:
    x = np.array([1e160, -1e300, 1e10, -1e-9, 3.0, np.inf])
    np.testing.assert_allclose(np.arcsinh(eg.tensor(x)), np.arcsinh(x), rtol=1e-15)
    x32 = np.array([1e30, -2e19, 3.0], np.float32)
    np.testing.assert_allclose(np.arcsinh(eg.tensor(x32)), np.arcsinh(x32), rtol=1e-6)
    np.testing.assert_allclose(
        eg.grad(lambda v: np.sum(np.arcsinh(v)))(x[:5]), 1 / np.hypot(1, x[:5])
    )


def test_numbers_that_are_computed_are_not_moved() -> None:
    with pytest.raises(TypeError, match="reflect_type='odd'"):
        np.pad(eg.tensor(V), (2, 0), mode="reflect", reflect_type="odd")
