"""A tracked value that comes back as a number carries its gradient, or an error says that it
cannot."""

from __future__ import annotations

import math
import operator

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


BUFFERS = {
    "copyto": lambda out, w: np.copyto(out, w),
    "a slice": lambda out, w: operator.setitem(out, slice(None), w),
    "a mask": lambda out, w: operator.setitem(out, out == 0, w),
    "in place": lambda out, w: operator.iadd(out, w),
    "out=": lambda out, w: np.multiply(w, 2, out=out),
    "put": lambda out, w: np.put(out, [0, 1, 2], w),
    "place": lambda out, w: np.place(out, [True] * 3, w),
    "put_along_axis": lambda out, w: np.put_along_axis(out, np.arange(3), w, 0),
    "at": lambda out, w: np.add.at(out, [0, 1, 2], w),
    "fill": lambda out, w: out.fill(w[0]),
    "flat": lambda out, w: operator.setitem(out.flat, 0, w[0]),
    "frombuffer": lambda out, w: np.copyto(out, np.frombuffer(w)),
    "fromiter": lambda out, w: np.copyto(out, np.fromiter(w, float)),
    "full": lambda out, w: np.copyto(out, np.full(3, w[0])),
    "vectorize": lambda out, w: np.copyto(out, np.vectorize(lambda x: x * x)(w)),
    "a scalar's type": lambda out, w: operator.setitem(out, 0, np.float64(w[0])),
    "math": lambda out, w: operator.setitem(out, 0, math.exp(w[0])),
    "fsum": lambda out, w: operator.setitem(out, 0, math.fsum(w)),
}


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("name", BUFFERS)
def test_no_array_takes_what_has_a_gradient(name: str, traced: bool) -> None:
    def f(w):
        out = np.zeros(3)
        BUFFERS[name](out, w)
        return np.sum(out * w)

    with pytest.raises((eg.EingradError, TypeError, ValueError)):
        eg.grad(eg.function(f) if traced else f)(V)


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


INTEGRAL = {
    "a count": lambda w: (w > 1).sum(),
    "a mask": lambda w: w > 1,
    "an index": lambda w: eg.argmax(w),
    "one of several": lambda w: {"loss": w.sum(), "place": eg.argmax(w)},
    "in another dtype": lambda w: w.astype(int),
}
TRANSFORMS = {
    "jacobian": lambda f: eg.jacobian(f)(V),
    "jacobian forward": lambda f: eg.jacobian(f, mode="fwd")(V),
    "vjp": lambda f: eg.vjp(f, V),
    "jvp": lambda f: eg.jvp(f, (V,), (V,)),
    "hessian": lambda f: eg.hessian(f)(V),
    "hvp": lambda f: eg.hvp(f, (V,), (V,)),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("name", INTEGRAL)
def test_integers_have_no_derivative_in_any_transform(name: str, transform: str) -> None:
    with pytest.raises(DifferentiationError, match=r"gradient is 0 wherever|returned a dict"):
        TRANSFORMS[transform](INTEGRAL[name])
    with pytest.raises(eg.EingradError, match=r"gradient is 0 wherever|returned a dict|astype"):
        TRANSFORMS[transform](eg.function(INTEGRAL[name]))


def test_a_place_names_the_result_that_is_an_integer() -> None:
    with pytest.raises(DifferentiationError, match=r"dtype int64 in \['place'\]"):
        eg.vjp(INTEGRAL["one of several"], V)


# --- lists of Tensors --------------------------------------------------------------------------

LISTS = {
    "sum": (lambda w, _: eg.sum([w[0] * w[1], w[2]]), lambda w: w[0] * w[1] + w[2]),
    "mean": (lambda w, _: eg.mean((w[0], 2.0, w[2] ** 2)), lambda w: (w[0] + 2 + w[2] ** 2) / 3),
    "max": (lambda w, _: eg.max([[w[0], 1], [w[1], w[2]]]), lambda w: w[2]),
    "std": (lambda w, _: eg.std([w[0], w[1]]), lambda w: (w[1] - w[0]) / 2),
    "matrix": (
        lambda w, _: np.linalg.det(eg.stack([[w[0], w[1]], [w[1], w[2]]])),
        lambda w: w[0] * w[2] - w[1] * w[1],
    ),
    "@": (lambda w, _: w @ [w[1], 0.0, w[0]], lambda w: w[0] * w[1] + w[2] * w[0]),
    "reflected @": (lambda w, _: [w[1], 0, w[0]] @ w, lambda w: w[0] * w[1] + w[2] * w[0]),
    "*": (lambda w, _: (w[:2] * [w[2], 3]).sum(), lambda w: w[0] * w[2] + 3 * w[1]),
    "np.dot": (lambda w, c: np.dot([w[0], w[2]], c), lambda w: 5 * w[0] + 7 * w[2]),
    "einsum": (
        lambda w, _: eg.einsum("i,i->", [w[0], w[1]], [2.0, 3.0]),
        lambda w: 2 * w[0] + 3 * w[1],
    ),
    "where": (lambda w, _: eg.where([True, False], [w[0], 1], [2, w[1]]).sum(),
              lambda w: w[0] + w[1]),
    "tensor": (lambda w, _: eg.tensor([w[0], w[1] ** 2]).sum(), lambda w: w[0] + w[1] ** 2),
    "rows": (lambda w, _: eg.norm([w, 2 * w]), lambda w: 5**0.5 * np.sqrt(w @ w)),
}  # fmt: skip


def differences(f, x, step=1e-6):
    return np.array([(f(x + step * e) - f(x - step * e)) / (2 * step) for e in np.eye(x.size)])


@pytest.mark.parametrize("name", LISTS)
def test_lists_of_tensors_are_arrays(name: str) -> None:
    ours, plain = LISTS[name]
    c = eg.tensor([5.0, 7.0])
    for f in (lambda w: ours(w, c), eg.function(lambda w: ours(w, c))):
        value, gradient = eg.value_and_grad(f)(V)
        np.testing.assert_allclose(value, plain(V), rtol=1e-14)
        np.testing.assert_allclose(gradient, differences(plain, V), rtol=1e-8, atol=1e-8)


def test_lists_have_numpys_dtype_and_shape() -> None:
    single = eg.tensor(np.float32([1, 2]))
    for given in ([single[0], single[1]], [[single], [single]], [single[0], 1], [single, [1, 2.0]],
                  [eg.tensor(1), True]):  # fmt: skip
        expected = np.array(_plain(given))
        assert eg.tensor(given).dtype == expected.dtype
        np.testing.assert_array_equal(eg.tensor(given).numpy(), expected)
    with pytest.raises(eg.ShapeError):
        eg.sum([single, single[0]])
    deep, endless = eg.tensor(2.0), [1.0]
    for _ in range(20):
        deep = [deep]
    endless += [endless, endless]
    assert eg.tensor(deep).shape == (1,) * 20
    with pytest.raises(eg.EingradError):
        eg.sum(endless)


def _plain(x):
    return [_plain(y) for y in x] if isinstance(x, list) else getattr(x, "data", x)


def test_a_tensor_of_a_tensor_keeps_its_gradient() -> None:
    jacobian = eg.jacobian(lambda w: eg.tensor([w[0] * w[1], w[1] + w[2]]))(V)
    np.testing.assert_array_equal(jacobian, [[2, 1, 0], [0, 1, 1]])
    np.testing.assert_array_equal(eg.grad(lambda w: (eg.tensor(w) * w).sum())(V), 2 * V)
    single = eg.grad(lambda w: eg.tensor(w, dtype=np.float32).sum())(V)
    assert single.dtype == np.float64
    np.testing.assert_array_equal(single, np.ones(3))
    with pytest.raises(DifferentiationError, match="gradient would be lost"):
        eg.grad(lambda w: (eg.tensor(w, requires_grad=True) * w).sum())(V)


@pytest.mark.parametrize("join", [np.array, np.asarray, np.mean, np.exp, np.linalg.norm])
def test_what_numpy_makes_of_a_list_names_stack(join) -> None:
    def f(w):
        return join([w[0], w[1]])

    for function in (f, eg.function(f)):
        with pytest.raises(eg.EingradError, match=r"eg\.stack\(\[x, y\]\)"):
            eg.jacobian(function)(V)
    assert type(np.array([eg.tensor(1.0), eg.tensor(2.0)])) is np.ndarray  # no gradient to lose


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
