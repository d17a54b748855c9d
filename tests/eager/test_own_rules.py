"""Derivatives that a person states: the rules of `custom_vjp` beside JAX's, `stop_gradient`."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import eingrad as eg
from eingrad.errors import DifferentiationError, EingradError, ShapeError

X, Y = 0.7, 1.3
V = np.array([0.5, 1.5, 2.5])


def stated(library, custom_vjp):
    """Return sin(x) y with a rule that is not its derivative, so that each use of it shows."""

    @custom_vjp
    def f(x, y):
        return library.sin(x) * y

    def bwd(kept, g):
        x, y = kept
        return 3 * g * library.cos(x) * y, 2 * g * library.sin(x)

    f.defvjp(lambda x, y: (library.sin(x) * y, (x, y)), bwd)
    return f


OWN = stated(eg, eg.custom_vjp)


def _around(traced, f):
    inner = traced(lambda x: f(x, Y) * x)
    return lambda x: inner(x) + f(Y, x)


def losses(grad, jvp, traced, f):
    def loss(x, y):
        return f(x, y) ** 2

    def slope(x):
        return grad(traced(loss))(x, Y)

    return SimpleNamespace(
        gradients=lambda: grad(traced(loss), (0, 1))(X, Y),
        traced_gradients=lambda: traced(grad(loss, (0, 1)))(X, Y),
        second=lambda: grad(slope)(X),
        third=lambda: grad(grad(slope))(X),
        forward_over_reverse=lambda: jvp(slope, (X,), (1.0,)),
        traced_slope=lambda: grad(traced(lambda x: grad(loss)(x, Y)))(X),
        traces_in_traces=lambda: grad(lambda x: traced(_around(traced, f))(x) ** 2)(X),
        of_its_own_value=lambda: grad(traced(lambda x: f(f(x, Y), f(Y, x))))(X),
        beside_another=lambda: grad(traced(lambda x: grad(lambda z: f(z, x) * z * x)(Y)))(X),
    )


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("name", vars(losses(eg.grad, eg.jvp, eg.function, OWN)))
def test_a_rule_is_used_where_jax_uses_it(name: str, traced: bool) -> None:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        theirs = stated(jax.numpy, jax.custom_vjp)
        jit = jax.jit if traced else lambda f: f
        expected = getattr(losses(jax.grad, jax.jvp, jit, theirs), name)()
    own = getattr(losses(eg.grad, eg.jvp, eg.function if traced else lambda f: f, OWN), name)()
    for a, b in zip(np.atleast_1d(own), np.atleast_1d(expected), strict=True):
        np.testing.assert_allclose(a, np.asarray(b), rtol=1e-12)


def test_a_rule_pulls_one_direction_after_another() -> None:
    def turned(v):
        return OWN(v, v[::-1])

    by_first, by_second = np.diag(3 * np.cos(V) * V[::-1]), np.diag(2 * np.sin(V))[:, ::-1]
    np.testing.assert_allclose(eg.jacobian(turned)(V), by_first + by_second, rtol=1e-12)
    out, pullback = eg.vjp(turned, V)
    np.testing.assert_allclose(out, np.sin(V) * V[::-1])
    for g in (np.ones(3), np.array([1.0, -2.0, 0.5])):
        np.testing.assert_allclose(pullback(g)[0], g @ (by_first + by_second), rtol=1e-12)


def test_backward_asks_the_rule() -> None:
    x = eg.tensor(V, requires_grad=True)
    OWN(x, V).sum().backward()
    np.testing.assert_allclose(x.grad, 3 * np.cos(V) * V, rtol=1e-12)


def test_arguments_and_results_are_nested() -> None:
    @eg.custom_vjp
    def split(weights, scale):
        return {"sum": weights["a"] + weights["b"], "last": scale * weights["b"]}

    def bwd(kept, g):
        scale, b = kept
        own = {"a": g["sum"], "b": g["sum"] + scale * g["last"]}
        return own, (g["last"] * b).sum()

    split.defvjp(lambda w, s: (split.fn(w, s), (s, w["b"])), bwd)
    weights = {"a": V, "b": 2 * V}
    eg.check_grads(lambda w, s: split(w, s)["last"] * V, (weights, 3.0), modes=("rev",), order=1)
    found = eg.grad(lambda w: split(w, 3.0)["last"].sum())(weights)
    np.testing.assert_array_equal(found["a"], np.zeros(3))
    np.testing.assert_array_equal(found["b"], np.full(3, 3.0))


def test_none_and_integers_have_no_cotangent() -> None:
    @eg.custom_vjp
    def pick(x, n, y):
        return x * n + y

    pick.defvjp(lambda x, n, y: (x * n + y, n), lambda n, g: (g * n, None, None))
    by_x, by_y = eg.grad(lambda x, y: pick(x, 3, y), (0, 1))(2.0, 5.0)
    assert (by_x, by_y) == (3, 0)


@pytest.mark.parametrize(
    ("bwd", "error", "words"),
    [
        (lambda _, g: g, DifferentiationError, "not a tuple with a cotangent for each of 2 arg"),
        (lambda _, g: (g,), DifferentiationError, "returns 1, not a tuple"),
        (lambda _, g: ({"x": g}, g), DifferentiationError, "not nested like its argument"),
        (lambda _, g: (g.sum(), g), ShapeError, "has shape ().*must have .3,."),
    ],
)
def test_what_a_rule_returns_must_fit(bwd, error, words) -> None:
    @eg.custom_vjp
    def f(x, y):
        return x * y

    f.defvjp(lambda x, y: (x * y, None), bwd)
    with pytest.raises(error, match=words):
        eg.grad(lambda x: f(x, V).sum())(V)


def test_no_rule_no_pair_and_forward_mode_are_named() -> None:
    @eg.custom_vjp
    def f(x):
        return x * 1.0

    with pytest.raises(EingradError, match="f has no rule yet"):
        f(1.0)
    f.defvjp(lambda x: x * 1.0, lambda _, g: (g,))
    assert f(1.0) == 1
    with pytest.raises(EingradError, match="the forward rule of f returns no pair"):
        eg.grad(f)(1.0)
    with pytest.raises(DifferentiationError, match="none for forward mode"):
        eg.jvp(lambda x: OWN(x, Y), (X,), (1.0,))
    with pytest.raises(EingradError, match="custom_vjp"):
        eg.function(lambda x: OWN(x, Y)).model(X)


@pytest.mark.parametrize("traced", [lambda f: f, eg.function])
def test_no_derivative_goes_through_what_is_stopped(traced) -> None:
    def f(x):
        return (x * eg.stop_gradient(x * x)).sum()

    np.testing.assert_allclose(traced(f)(V), (V**3).sum())
    for gradient in (eg.grad(traced(f)), traced(eg.grad(f))):
        np.testing.assert_allclose(gradient(V), V**2)
    np.testing.assert_allclose(eg.jvp(traced(f), (V,), (np.ones(3),))[1], (V**2).sum())
    detached = eg.grad(traced(lambda x: (x * eg.tensor(x).detach()).sum()))
    np.testing.assert_allclose(detached(V), V)


def test_what_is_stopped_keeps_its_nesting_and_kind() -> None:
    w = eg.tensor(V, requires_grad=True)
    stopped = eg.stop_gradient({"w": w, "n": 3, "v": V})
    assert not stopped["w"].requires_grad
    assert stopped["n"] == 3
    assert stopped["v"] is V


def test_models_stop_gradients_on_every_backend() -> None:
    gradient = eg.parse("L = sum_i(x_i stop_gradient(x_i^2))").grad("L", ["x"])
    assert str(gradient["x"]) == "dL/dx_i = stop_gradient(x_i^2)"
    np.testing.assert_allclose(gradient.compile()(x=V)["dL/dx"], V**2)
    torch = pytest.importorskip("torch")
    x = torch.tensor(V, requires_grad=True)
    (by_torch,) = torch.autograd.grad(gradient.compile("torch")(x=x)["L"], x)
    np.testing.assert_allclose(by_torch, V**2)
