"""Transforms: nesting, structures, other libraries' derivatives, and what check_grads finds."""

# ruff: noqa: ARG005 - every formula takes all operands
from __future__ import annotations

from collections import namedtuple
from dataclasses import replace

import numpy as np
import pytest
from seeds import seeded

import eingrad as ops
from eingrad.api.tensors.tape import no_grad
from eingrad.api.tensors.tensor import Tensor, tensor
from eingrad.api.traces.trace import function
from eingrad.api.transforms.checking import GradientCheckError, check_grads
from eingrad.api.transforms.functional import grad, hvp, jvp, value_and_grad, vjp
from eingrad.api.transforms.jacobian import hessian, jacobian
from eingrad.core import functions as table
from eingrad.core.algebra import Infix
from eingrad.errors import DifferentiationError, EingradError, ShapeError

jax, torch = pytest.importorskip("jax"), pytest.importorskip("torch")
jnp = jax.numpy
jax.config.update("jax_enable_x64", True)
torch.set_num_threads(1)
rng = np.random.default_rng(seeded(3))
A, B, V = rng.standard_normal((4, 3)), rng.standard_normal((3, 3)), rng.standard_normal(3)


# --- beside PyTorch and JAX ---------------------------------------------------------------------


class Torch:
    """PyTorch under NumPy's names."""

    def __getattr__(self, name):
        return getattr(torch, name)

    def sum(self, x, axis=None):
        return torch.sum(x) if axis is None else torch.sum(x, axis)

    def max(self, x, axis=None):
        return torch.amax(x, axis)

    def softmax(self, x, axis=-1):
        return torch.softmax(x, axis)

    def logsumexp(self, x, axis):
        return torch.logsumexp(x, axis)

    def concatenate(self, xs, axis=0):
        return torch.cat(xs, axis)

    def inv(self, x):
        return torch.linalg.inv(x)

    def solve(self, a, b):
        return torch.linalg.solve(a, b)

    def norm(self, x):
        return torch.linalg.norm(x)

    def logdet(self, x):
        return torch.linalg.slogdet(x)[1]

    def transpose(self, x, axes):
        return x.permute(axes)


class Jax(Torch):
    """JAX under NumPy's names."""

    def __getattr__(self, name):
        return getattr(jnp, name)

    sum, max, concatenate, transpose = map(
        staticmethod, (jnp.sum, jnp.max, jnp.concatenate, jnp.transpose)
    )
    inv, solve, norm = map(staticmethod, (jnp.linalg.inv, jnp.linalg.solve, jnp.linalg.norm))
    softmax, logsumexp = map(staticmethod, (jax.nn.softmax, jax.scipy.special.logsumexp))

    def logdet(self, x):
        return jnp.linalg.slogdet(x)[1]


FORMULAS = {
    "layer": lambda m, a, b, v: m.sum(m.tanh(a @ b + v) ** 2),
    "softmax": lambda m, a, b, v: m.sum(m.softmax(a @ b, axis=1) * m.exp(v)),
    "logsumexp": lambda m, a, b, v: m.sum(m.logsumexp(a * v, axis=1) ** 2),
    "max": lambda m, a, b, v: m.sum(m.max(a @ b, axis=0) * v),
    "einsum": lambda m, a, b, v: m.einsum("ij,jk,k,il,l->", a, b, v, a, v),
    "diagonal": lambda m, a, b, v: m.sum(m.einsum("ii,i->i", b @ b, v) ** 2),
    "inverse": lambda m, a, b, v: m.sum(m.inv(b @ b.T + 1) * b) + m.logdet(b @ b.T),
    "solve": lambda m, a, b, v: m.sum(a @ m.solve(b, v)),
    "norm": lambda m, a, b, v: m.norm(a - v) / m.norm(b),
    "index": lambda m, a, b, v: m.sum(a[::2, 1:] * b[:2, [0, 0]] ** 2 * v[-1]),
    "join": lambda m, a, b, v: m.sum(m.sin(m.concatenate([a, b], 0)) @ v),
    "where": lambda m, a, b, v: m.sum(m.where(a > 0, m.exp(a), a * v)) + m.sum(b**3),
    "attention": lambda m, a, b, v: m.sum(m.softmax(a @ b @ m.transpose(a, (1, 0))) @ a @ v),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_gradients_are_those_of_pytorch_and_jax(name):
    f = FORMULAS[name]
    ours = grad(lambda *xs: f(ops, *xs), (0, 1, 2))(A, B, V)
    leaves = [torch.tensor(x, requires_grad=True) for x in (A, B, V)]
    theirs = torch.autograd.grad(f(Torch(), *leaves), leaves, allow_unused=True)
    theirs = [torch.zeros_like(x) if g is None else g for g, x in zip(theirs, leaves, strict=True)]
    others = jax.grad(lambda *xs: f(Jax(), *xs), (0, 1, 2))(*map(jnp.asarray, (A, B, V)))
    for x, y, z in zip(ours, theirs, others, strict=True):
        np.testing.assert_allclose(x, y.numpy(), rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(x, z, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", FORMULAS)
def test_nested_transforms_are_jaxs(name):
    f = FORMULAS[name]
    u = rng.standard_normal(3)

    def ours(v):
        return f(ops, A, B, v)

    def theirs(v):
        return f(Jax(), jnp.asarray(A), jnp.asarray(B), v)

    np.testing.assert_allclose(hessian(ours)(V), jax.hessian(theirs)(V), rtol=1e-8, atol=1e-9)
    twice = jacobian(jacobian(ours))(V)
    np.testing.assert_allclose(twice, jax.hessian(theirs)(V), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(
        hvp(ours, (V,), (u,)), jax.jvp(jax.grad(theirs), (V,), (u,))[1], rtol=1e-8, atol=1e-9
    )


@pytest.mark.parametrize("name", ["softmax", "einsum", "norm"])
def test_third_derivatives_are_jaxs(name):
    f, u = FORMULAS[name], rng.standard_normal(3)

    def ours(v):
        return f(ops, A, B, v)

    def theirs(v):
        return f(Jax(), jnp.asarray(A), jnp.asarray(B), v)

    third = grad(lambda v: jvp(lambda w: jvp(ours, (w,), (u,))[1], (v,), (u,))[1])(V)
    other = jax.grad(lambda v: jax.jvp(lambda w: jax.jvp(theirs, (w,), (u,))[1], (v,), (u,))[1])(V)
    np.testing.assert_allclose(third, other, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("fn", ["exp", "abs", "real", "product", "quotient", "einsum", "sqrt"])
def test_complex_gradients_are_pytorchs(fn):
    z, w = A + 1j * rng.standard_normal(A.shape), A - 0.3j

    def f(m, real, z, w):
        values = {
            "exp": lambda: m.exp(z) * w,
            "abs": lambda: m.abs(z * w) + 0j,
            "real": lambda: real(z) * w,
            "product": lambda: z * w * 2j,
            "quotient": lambda: w / z,
            "einsum": lambda: m.einsum("ij,ik->jk", z, w),
            "sqrt": lambda: m.sqrt(z),
        }
        out = values[fn]()
        return (m.abs(out) ** 2).sum() + real(out * (1 + 2j)).sum()

    ours = grad(lambda z, w: f(ops, ops.real, z, w), (0, 1))(z, w)
    leaves = [torch.tensor(x, requires_grad=True) for x in (z, w)]
    f(torch, lambda x: x.real, *leaves).backward()
    for x, y in zip(ours, leaves, strict=True):
        theirs = torch.zeros_like(y) if y.grad is None else y.grad
        np.testing.assert_allclose(x, theirs.numpy(), rtol=1e-9, atol=1e-10)


# --- nesting ------------------------------------------------------------------------------------


def test_no_perturbation_confusion():
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(3.0) == 6.0
    assert jvp(lambda x: x * jvp(lambda y: x * y, (2.0,), (1.0,))[1], (3.0,), (1.0,))[1] == 6.0
    assert grad(lambda x: jvp(lambda y: x * y * y, (x,), (1.0,))[1])(3.0) == 12.0
    assert jvp(grad(lambda x: grad(lambda y: y * x * x)(x)), (2.0,), (1.0,))[1] == 2.0


def test_orders():
    f = ops.sin
    for expected in (np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin, np.cos):
        f = grad(f)
        np.testing.assert_allclose(f(0.7), expected(0.7), rtol=1e-12)


def test_functions_and_transforms_in_any_order():
    def f(x):
        return (ops.tanh(x) * x[::-1]).sum()

    expected = hessian(f)(V)
    for g in (
        hessian(function(f)),
        function(hessian(f)),
        jacobian(function(grad(f))),
        jacobian(grad(function(f)), mode="fwd"),
        jacobian(jacobian(function(f), mode="fwd"), mode="rev"),
        function(jacobian(function(grad(function(f))))),
    ):
        np.testing.assert_allclose(g(V), expected, rtol=1e-12, atol=1e-12)


def test_pullbacks_can_be_used_again_and_differentiated():
    out, pullback = vjp(lambda x, y: x * y, V, 2.0)
    np.testing.assert_allclose(pullback(np.ones(3))[1], V.sum())
    np.testing.assert_allclose(pullback(out)[0], 4 * V)
    g = grad(lambda x: vjp(lambda y: y**3, x)[1](x)[0].sum())(V)
    np.testing.assert_allclose(g, 9 * V**2)


def test_backward_through_a_transform():
    w = tensor(V, requires_grad=True)
    g = grad(lambda x: (w * x**2).sum())(tensor(V))
    assert isinstance(g, Tensor)
    g.sum().backward()
    np.testing.assert_allclose(w.grad, 2 * V)
    inside = grad(lambda x: (w * x**2).sum())(V)  # arrays in, but w is behind the result
    assert isinstance(inside, Tensor)
    with no_grad():
        assert isinstance(grad(lambda x: (w * x**2).sum())(V), np.ndarray)


# --- structures ---------------------------------------------------------------------------------

Point = namedtuple("Point", "x y")


def test_nested_arguments_and_results():
    params = {"w": A, "rest": [V, (1.0, None)], "p": Point(2.0, 3.0)}

    def loss(p, x):
        return (p["w"] @ x * p["rest"][0].sum()).sum() * p["rest"][1][0] + p["p"].x * p["p"].y

    value, g = value_and_grad(loss)(params, V)
    assert isinstance(value, np.ndarray)
    assert g["p"] == Point(3.0, 2.0)
    assert g["rest"][1][1] is None
    np.testing.assert_allclose(g["w"], np.outer(np.ones(4), V) * V.sum())
    both = grad(loss, (0, 1))(params, V)
    assert isinstance(both, tuple)
    np.testing.assert_allclose(both[1], A.sum(0) * V.sum())
    out, tangent = jvp(lambda p: {"a": p["w"] * 2, "b": (p["p"].x,)}, (params,), (params,))
    np.testing.assert_allclose(tangent["a"], out["a"])
    check_grads(loss, (params, V))
    check_grads(lambda p: [p["w"] ** 2, {"s": p["rest"][0].sum()}], (params,))


def test_jacobians_of_structures():
    def f(a, b):
        return {"s": a @ b, "t": b.sum()}

    j = jacobian(f, (0, 1))(A, V)
    assert j["s"][0].shape == (4, 4, 3)
    np.testing.assert_allclose(j["s"][1], A)
    assert j["t"][0].shape == (4, 3)
    np.testing.assert_allclose(j["t"][1], np.ones(3))
    h = hessian(lambda p: (p["x"] * p["y"]).sum())({"x": V, "y": V})
    np.testing.assert_allclose(h["x"]["y"], np.eye(3))
    np.testing.assert_allclose(h["x"]["x"], np.zeros((3, 3)))


def test_large_jacobians_in_parts(monkeypatch):
    monkeypatch.setattr("eingrad.api.transforms.jacobian.CHUNK", 12)
    for mode in ("fwd", "rev"):
        j = jacobian(lambda x: ops.tanh(x) @ B, mode=mode)(A)
        expected = np.einsum("ij,jk,il->iklj", 1 - np.tanh(A) ** 2, B, np.eye(4))
        np.testing.assert_allclose(j, expected.transpose(0, 1, 2, 3), atol=1e-12)


def test_aux_and_keywords():
    g, aux = grad(lambda x, k=1: ((x**k).sum(), {"n": x * 2}), has_aux=True)(V, k=2)
    np.testing.assert_allclose(g, 2 * V)
    np.testing.assert_allclose(aux["n"], 2 * V)


def test_arrays_in_arrays_out_tensors_in_tensors_out():
    assert isinstance(grad(lambda x: (x * x).sum())(V), np.ndarray)
    g = grad(lambda x: (x * x).sum())(tensor(V))
    assert isinstance(g, Tensor)
    assert not g.requires_grad
    g[0:1].data[:] = 0.0  # and it is the caller's own


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: grad(lambda x: x * 2)(V), DifferentiationError, r"shape \(3,\).*eg\.jacobian"),
        (lambda: grad(lambda x: x.sum(), 1)(V), EingradError, "argnums is 1.*1 argument"),
        (lambda: grad(lambda x: x * 1.0)(3), DifferentiationError, "argument 0 is of dtype int64"),
        (
            lambda: grad(lambda p: p["w"].sum())({"w": np.arange(3)}),
            DifferentiationError,
            r"argument 0\['w'\] is of dtype int64",
        ),
        (
            lambda: grad(lambda x: float(x.sum()))(V),
            DifferentiationError,
            "its gradient would be lost",
        ),
        (lambda: grad(lambda x: (x.sum(), 1))(V), DifferentiationError, "returned"),
        (lambda: grad(lambda z: z * 1j)(1.0), DifferentiationError, "complex number"),
        (lambda: vjp(lambda x: x, V)[1](np.ones(2)), ShapeError, "cotangent has shape"),
        (lambda: vjp(lambda x: x, V)[1](np.ones(3) * 1j), EingradError, "dtype complex128"),
        (lambda: vjp(lambda x: x, V)[1]((V, V)), EingradError, "nested in another way"),
        (lambda: jvp(lambda x: x, (V,), (1.0,)), ShapeError, "tangent has shape"),
        (lambda: jvp(lambda x: x, V, V), EingradError, "a tuple of primals"),
        (lambda: jacobian(lambda x: x, mode="up")(V), EingradError, "mode 'up'"),
        (lambda: grad(3.0), EingradError, "a function is transformed"),
    ],
)
def test_errors_by_wording(call, error, words):
    with pytest.raises(error, match=f"(?s){words}"):
        call()


# --- check_grads --------------------------------------------------------------------------------


def test_check_grads_finds_a_wrong_rule(monkeypatch):
    row = table.FUNCTIONS["tanh"]
    wrong = replace(row, partials=(lambda y, x: Infix(y.expr),))
    x = rng.standard_normal((3, 1, 7))  # a shape of its own: no kernel is known for it
    monkeypatch.setitem(table.FUNCTIONS, "tanh", wrong)
    for mode in ("fwd", "rev"):
        with pytest.raises(GradientCheckError, match="derivative of order 1"):
            check_grads(ops.tanh, (x,), modes=(mode,))


def test_check_grads_finds_a_wrong_second_derivative():
    def f(x):
        return x * x + (x.detach() - x) ** 2  # right value and slope, wrong curvature

    x = np.array([0.7])
    check_grads(lambda t: t * t, (x,), order=2)
    check_grads(lambda t: 2 * t.detach() * t - t * t + 0 * f(t), (x,), order=1, tolerance=10.0)
    with pytest.raises(GradientCheckError, match="derivative of order"):
        check_grads(lambda t: t.detach() * t * 2 - t.detach() ** 2, (x,), order=2)


@pytest.mark.parametrize(
    ("fn", "args", "words"),
    [
        (lambda n: ops.sum(n), (np.arange(3),), "no floating-point argument"),
        (lambda x: ops.argmax(x), (V,), "depends on no floating-point argument"),
        (lambda x: tensor(1.0), (V,), "depends on no floating-point argument"),
        (lambda x: x.detach() * 2, (V,), "depends on no floating-point argument"),
        (lambda x: ops.log(x), (-np.ones(1),), "not finite"),
    ],
)
def test_check_grads_fails_where_it_tests_nothing(fn, args, words):
    with np.errstate(all="ignore"), pytest.raises(GradientCheckError, match=words):
        check_grads(fn, args)


def test_check_grads_arguments():
    with pytest.raises(GradientCheckError, match="nothing is tested"):
        check_grads(ops.sin, (V,), order=0)
    with pytest.raises(GradientCheckError, match="nothing is tested"):
        check_grads(ops.sin, (V,), modes=())
    with pytest.raises(EingradError, match="as a tuple"):
        check_grads(ops.sin, V)
    check_grads(ops.sin, (V.astype(np.float32),))  # in double precision


# --- arguments and results of every kind --------------------------------------------------------


@pytest.mark.parametrize("argnums", ["a", None, 1.0, (0, "b"), (0, 0), (0, -2), ()])
def test_argnums_that_name_no_arguments(argnums):
    with pytest.raises(EingradError, match="argnums is"):
        grad(lambda a, b: a * b, argnums)(2.0, 3.0)


def test_argnums_of_numpy():
    assert grad(lambda a, b: a * b, np.int64(1))(2.0, 3.0) == 2.0


def test_constants_have_the_gradient_0():
    np.testing.assert_array_equal(grad(lambda x: 3.0)(V), np.zeros(3))
    np.testing.assert_array_equal(jacobian(lambda x: np.ones(2))(V), np.zeros((2, 3)))
    value, pullback = vjp(lambda x: np.float64(2.0), V)
    assert value == 2.0
    np.testing.assert_array_equal(pullback(1.0)[0], np.zeros(3))
    for fn in (float, lambda x: x.item(), lambda x: (x * x).numpy(), lambda x: 2 * x.tolist()):
        with pytest.raises(DifferentiationError, match=r"nothing is known of|would be lost"):
            grad(fn)(2.0)


def test_a_cotangent_may_name_its_entries_in_any_order():
    _, pullback = vjp(lambda x: {"a": 2 * x, "b": 3 * x}, 1.0)
    assert pullback({"b": 10.0, "a": 1.0})[0] == 32.0


@pytest.mark.parametrize("shape", [(0,), (0, 2), (2, 0)])
@pytest.mark.parametrize("mode", ["fwd", "rev", None])
def test_jacobians_of_nothing(shape, mode):
    x = np.zeros(shape)
    assert jacobian(lambda x: x**2, mode=mode)(x).shape == (*shape, *shape)
    assert jacobian(lambda x: x.sum(), mode=mode)(x).shape == shape


COMPLEX = {
    "square": lambda m, z: z * z,
    "with conjugate": lambda m, z: m.conj(z) * z * z,
    "absolute": lambda m, z: m.abs(z),
    "real": lambda m, z: m.real(z * z),
}


@pytest.mark.parametrize("fn", COMPLEX.values(), ids=COMPLEX)
@pytest.mark.parametrize("mode", ["fwd", "rev"])
def test_complex_jacobians_are_pytorchs_in_both_modes(fn, mode):
    z = np.array([1 + 1j, 2 - 0.5j])
    given = torch.tensor(z, requires_grad=True)
    rows = [
        torch.autograd.grad(y, given, torch.ones_like(y), retain_graph=True)[0]
        for y in fn(torch, given)
    ]
    found = jacobian(lambda x: fn(ops, x), mode=mode)(z)
    np.testing.assert_allclose(found, torch.stack(rows).numpy(), rtol=1e-12)


@pytest.mark.parametrize("mode", ["fwd", "rev"])
def test_a_complex_result_is_differentiated_by_real_numbers(mode):
    found = jacobian(lambda x: x * x * (1 + 2j), mode=mode)(np.array([1.0, 2.0]))
    np.testing.assert_allclose(found, np.diag([2 + 4j, 4 + 8j]))


def test_check_grads_of_no_entries():
    with pytest.raises(GradientCheckError, match="has no entries"):
        check_grads(lambda x: x * 2, (np.zeros(0),))
    check_grads(lambda x: x * 2, (V,), modes="rev")


Z, W = (rng.standard_normal((3, 3)) + 1j * rng.standard_normal((3, 3)) for _ in range(2))
OF_COMPLEX = {
    "sign": (ops.sign, torch.sgn),
    "logdet": (ops.logdet, lambda z: torch.linalg.slogdet(z)[1]),
    "norm of order 1": (lambda z: ops.norm(z, 1, 1), lambda z: torch.linalg.vector_norm(z, 1, 1)),
    "norm of order 3": (lambda z: ops.norm(z, 3, 1), lambda z: torch.linalg.vector_norm(z, 3, 1)),
    "var": (lambda z: z.var(0), lambda z: z.var(0, correction=0)),
    "std": (lambda z: z.std(0, ddof=1), lambda z: z.std(0)),
    "cholesky": (
        lambda z: ops.cholesky(z @ ops.conj(z).T + 5 * np.eye(3)),
        lambda z: torch.linalg.cholesky(z @ z.mH + 5 * torch.eye(3)),
    ),
    "inv": (ops.inv, torch.linalg.inv),
    "power": (lambda z: z ** tensor(W), lambda z: z ** torch.tensor(W)),
}


@pytest.mark.parametrize(("fn", "torchs"), OF_COMPLEX.values(), ids=OF_COMPLEX)
def test_functions_of_complex_numbers_are_pytorchs(fn, torchs):
    given = torch.tensor(Z, requires_grad=True)
    expected = torchs(given)
    cotangent = rng.standard_normal(expected.shape).astype(expected.detach().numpy().dtype)
    expected.backward(torch.tensor(cotangent))
    value, pullback = vjp(fn, Z)
    assert value.dtype == cotangent.dtype
    np.testing.assert_allclose(value, expected.detach().numpy(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(pullback(cotangent)[0], given.grad.numpy(), rtol=1e-9, atol=1e-12)
    check_grads(fn, (Z,), tolerance=1e-5)


def test_a_pull_back_remembers_the_arguments_as_they_were():
    x, fixed = V.copy(), V.copy()
    _, pullback = vjp(lambda a, b: a * a * b, x, fixed)
    expected = (2 * x * fixed, x * x)
    x[:], fixed[:] = 100.0, 200.0
    for found, known in zip(pullback(np.ones(3)), expected, strict=True):
        np.testing.assert_allclose(found, known)
