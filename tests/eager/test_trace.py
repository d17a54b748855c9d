"""eg.function: one trace a signature, captured tensors, control flow, and models of functions."""

from __future__ import annotations

import inspect
import re
import threading

import numpy as np
import pytest
from seeds import seeded

import eingrad as ops
from eingrad.api.models.model import parse
from eingrad.api.tensors.tape import no_grad
from eingrad.api.tensors.tensor import Tensor, tensor
from eingrad.api.traces.trace import CACHE_SIZE, function
from eingrad.api.transforms.functional import grad, value_and_grad
from eingrad.api.transforms.jacobian import hessian, jacobian
from eingrad.errors import EingradError

rng = np.random.default_rng(seeded(5))
X, W, V = rng.standard_normal((4, 3)), rng.standard_normal((3, 2)), rng.standard_normal(3)


class Counted:
    """A function that counts its runs."""

    def __init__(self, fn):
        self.fn, self.runs = fn, 0

    def __call__(self, *args, **kwargs):
        self.runs += 1
        return self.fn(*args, **kwargs)


def test_one_trace_a_signature():
    counted = Counted(lambda x, k=2: (x**k).sum())
    f = function(counted)
    for _ in range(3):
        np.testing.assert_allclose(f(V), (V**2).sum())
    assert counted.runs == 1
    f(2 * V)
    f(tensor(V))
    assert counted.runs == 1
    f(V.astype(np.float32))
    f(X)
    f(V, 3)
    f(V, k=3)
    assert counted.runs == 5
    f(1.5)
    f(2.5)
    assert counted.runs == 6


def test_python_floats_do_not_decide_the_dtype():
    f = function(lambda x, lr: x * lr + 1.0)
    assert f(V.astype(np.float32), 0.5).dtype == np.float32
    np.testing.assert_allclose(f(V, 0.25), V * 0.25 + 1)


def test_the_cache_is_bounded():
    f = function(lambda x, k: x * k)
    for k in range(CACHE_SIZE + 5):
        f(V, k)
    assert CACHE_SIZE // 2 < len(f._programs) <= CACHE_SIZE


def test_structures_and_constant_results():
    f = function(lambda p: {"y": p["w"] @ p["b"][0], "n": 3, "x": p["b"][0]})
    out = f({"w": X, "b": (V,)})
    np.testing.assert_allclose(out["y"], X @ V)
    assert out["n"] == 3
    np.testing.assert_array_equal(out["x"], V)


def test_captured_tensors_are_read_anew_and_get_gradients():
    w = tensor(V, requires_grad=True)
    f = function(lambda x: (w * x).sum())
    y = f(np.ones(3))
    assert isinstance(y, Tensor)
    np.testing.assert_allclose(y.item(), V.sum())
    y.backward()
    np.testing.assert_array_equal(w.grad, np.ones(3))
    with no_grad():
        w -= 1.0
    np.testing.assert_allclose(f(np.ones(3)).item(), (V - 1).sum())


def test_a_training_step():
    @function
    def step(w, x, t):
        loss, g = value_and_grad(lambda w: ((x @ w - t) ** 2).mean())(w)
        return w - 0.1 * g, loss

    w, losses = np.zeros(3), []
    target = X @ V
    for _ in range(50):
        w, loss = step(w, X, target)
        losses.append(float(loss))
    assert losses[-1] < 0.05 * losses[0]


@pytest.mark.parametrize(
    ("fn", "words"),
    [
        (lambda x: x if x.sum() > 0 else -x, "if, while or bool"),
        (lambda x: x * float(x.sum()), r"float\(\)"),
        (lambda x: x * x.sum().item(), r"item\(\)"),
        (lambda x: x * np.asarray(x), "a NumPy array"),
        (lambda x: x[x > 0], "a mask"),
        (lambda x: [x * 1.0 for _ in range(int(x[0]))], r"int\(\)"),
    ],
)
def test_python_control_flow_on_values_is_refused(fn, words):
    with pytest.raises(EingradError, match=words) as caught:
        function(fn)(V)
    assert "hint" in str(caught.value)


def test_backward_in_a_trace_is_refused():
    w = tensor(V, requires_grad=True)

    def f(x):
        (w * x).sum().backward()
        return x

    with pytest.raises(EingradError, match=r"eg\.grad"):
        function(f)(V)


def test_python_control_flow_on_shapes_works():
    def f(x):
        total = x[0] * 0.0
        for k in range(x.shape[0]):
            total = total + x[k] ** k
        return total

    np.testing.assert_allclose(function(f)(V), 0 * V[0] + sum(V[k] ** k for k in range(3)))


VIEWS = [
    lambda x: x.T, lambda x: x[1:, ::-1], lambda x: x.reshape(-1), lambda x: x,
    lambda x: x[:, None] + 0, lambda x: x[0],
]  # fmt: skip


@pytest.mark.parametrize("view", VIEWS, ids=range(len(VIEWS)))
def test_a_view_of_any_argument(view):
    """The first argument was returned instead."""
    other = np.zeros((4, 3))
    np.testing.assert_array_equal(function(lambda _, x: view(x))(other, X), view(X))
    np.testing.assert_array_equal(function(lambda _, x, __: view(x))(other, X, other), view(X))


def test_a_sum_of_reversed_sums():
    """``sum(cumsum(s x, 1) ** 2)`` is ``s^2 sum(cumsum(x, 1) ** 2)``; stale memory was read."""

    def loss(s, x):
        return (ops.cumsum(s * x, axis=1) ** 2).sum()

    expected = 2 * 0.5 * (np.cumsum(X, axis=1) ** 2).sum()
    for _ in range(3):
        found = function(grad(loss))(np.array(0.5), X)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_compiled_forms_are_stable():
    f = function(lambda z: ops.log(ops.sum(ops.exp(z))))
    assert f(np.array([1000.0, 1000.0])) == 1000 + np.log(2)
    np.testing.assert_allclose(grad(f)(np.array([1000.0, 1000.0])), [0.5, 0.5])


def test_a_masked_branch_gives_no_nan_when_compiled():
    f = function(lambda x: ops.where(x > 0, ops.sqrt(x) + ops.log(x) / x, 0.0).sum())
    with np.errstate(all="ignore"):
        g = grad(f)(np.array([0.0, -1.0, 1.0]))
    np.testing.assert_allclose(g, [0.0, 0.0, 1.5])


def test_threads():
    f = function(grad(lambda x, w: (ops.softmax(x @ w) ** 2).sum()))
    inputs = [(rng.standard_normal((3 + k % 3, 3)), W) for k in range(24)]
    expected = [f(*pair) for pair in inputs]
    fresh, found = function(f.fn), [None] * len(inputs)

    def run(k):
        found[k] = fresh(*inputs[k])

    threads = [threading.Thread(target=run, args=(k,)) for k in range(len(inputs))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


# --- models of functions ------------------------------------------------------------------------


def network(params, x, t):
    hidden = ops.sigmoid(x @ params["W1"] + params["b1"])
    out = ops.softmax(hidden @ params["W2"])
    return -(t * ops.log(out)).sum(axis=1).mean()


def test_a_function_is_written_derived_and_run_as_a_model():
    params = {
        "W1": rng.standard_normal((3, 5)),
        "b1": np.zeros(5),
        "W2": rng.standard_normal((5, 2)),
    }
    t = np.eye(2)[[0, 1, 1, 0]]
    model = function(network).model(params, X, t)
    lines = str(model).splitlines()
    assert lines[1::2] == ["z2_ik = sigmoid(z1_ik)", "z4_ij = softmax_j(z3_ij)"]
    assert lines[-1] == "L = -t_ij log(z4_ij) / 4"
    assert set(model.inputs) == {"W1", "b1", "W2", "x", "t"}
    derived = model.grad("L", ["W1"])
    assert "sigmoid derivative" in derived.text("W1")
    assert r"\sigma" in derived.latex()
    f = derived.compile()
    values = f(**params, x=X, t=t)
    np.testing.assert_allclose(values["L"], network(params, X, t).item())
    np.testing.assert_allclose(values["dL/dW1"], grad(network)(params, X, t)["W1"], atol=1e-12)


@pytest.mark.parametrize(
    ("fn", "args"),
    [
        (lambda x: (x * x).sum(), (V,)),
        (lambda x, w: ops.tanh(x @ w), (X, W)),
        (lambda x: x - x.mean(axis=0), (X,)),
        (lambda x: ops.logsumexp(x, axis=1) + ops.max(x, axis=1), (X,)),
        (lambda a, b: ops.einsum("ij,ij,j->i", a, a, b), (X, V)),
        (lambda x: ops.trace(x @ x.T) + x.sum() ** 2, (X,)),
        (lambda x: 1 / (1 + ops.exp(-x)), (V,)),
        (lambda x: ops.where(x > 0, x, 0.5 * x), (X,)),
        (lambda x: ops.diag(x) @ ops.diag(x * 2), (V,)),
        (lambda x, y: ops.outer(x, y), (V, V)),
    ],
)
def test_what_is_written_is_what_is_computed(fn, args):
    model = function(fn).model(*args)
    again = parse(str(model))  # the text alone says it all
    name = model.outputs[-1]
    names = list(inspect.signature(fn).parameters)
    result = again.compile([name])(**dict(zip(names, args, strict=True)))[name]
    np.testing.assert_allclose(result, fn(*map(tensor, args)), rtol=1e-12, atol=1e-12)


def test_names_of_inputs():
    w = tensor(V)
    model = function(lambda exp, x_train: (exp * x_train * w).sum()).model(V, V, result="loss")
    assert model.outputs[-1] == "loss"
    assert set(model.inputs) == {"exp0", "xtrain", "c1"}


INDEXED = [
    (lambda x: x.reshape(2, 6).sum(axis=0), (X,)),
    (lambda x: x.ravel(), (X,)),
    (lambda x: x.reshape(2, 2, 3, 1)[:, 1], (X,)),
    (lambda x: x[0] * x[-1], (X,)),
    (lambda x: x[1, 2] ** 2, (X,)),
    (lambda x: x[1:] - x[:-1], (X,)),
    (lambda x: x[::-2, 1:], (X,)),
    (lambda x: x[:, None, :] - x[None, :, :], (X,)),
    (lambda v: v[:, None] * v, (V,)),
    (lambda x: x[[0, 2, 2]], (X,)),
    (lambda x: x[X[:, 0] > 0], (X,)),
    (lambda x: ops.log_softmax(x)[np.arange(4), [0, 2, 1, 1]].mean(), (X,)),
    (lambda u, v: ops.stack([u, v, u + v], axis=1), (V, V[::-1])),
    (lambda u, v: ops.concatenate([u, v[:1], v]), (V, V[::-1])),
    (lambda x: ops.split(x, [1, 3])[1] + ops.flip(x)[1:3], (X,)),
    (lambda x: ops.norm(x, axis=1, keepdims=True) * ops.std(x), (X,)),
    (lambda x: ops.tril(x @ x.T) + ops.diagonal(x, 1).sum(), (X,)),
    (lambda x: ops.inv(x.T @ x) * ops.det(x.T @ x), (X,)),
    (lambda v: ops.broadcast_to(v, (2, 3)), (V,)),
    (lambda x: x * np.arange(3.0) + np.eye(4, 3), (X,)),
    (lambda x: ops.cumsum(x, axis=0), (X,)),
    (lambda v: grad(lambda t: (t[[2, 0, 2]] ** 3).sum())(v), (V,)),
    (lambda x: grad(lambda t: (t[[0, 3, 0], [1, 2, 1]] ** 3).sum())(x), (X,)),
    (lambda x: grad(lambda t: ops.tanh(t[1:, [0, 0, 2]]).sum())(x), (X,)),
    (lambda x, v: grad(lambda t: (t[:, [0, 2, 2, 0]] * (x @ v)).sum())(x) * x.sum(), (X, V)),
    (lambda v: (grad(lambda t: t[[1, 1, 0]].sum())(v) ** 2).sum() * v, (V,)),
    (lambda v: jacobian(lambda t: t[[1, 1, 0]] ** 2)(v), (V,)),
    (lambda v: hessian(lambda t: (t[[1, 1, 0]] ** 3).sum())(v), (V,)),
    (lambda x: ops.sin(x[:, None, [0, 2, 1]]), (X,)),  # no input tells how long None's axis is
    (lambda x: ops.sin(ops.broadcast_to(x.sum(), (3, 1))[[0, 2]]), (X,)),
    (lambda x: ops.exp(ops.broadcast_to(x, (2, 4, 3))[:, [0, 0, 1]]), (X,)),
    (lambda x: ops.tanh(ops.max(x) * x), (X,)),
]


@pytest.mark.parametrize(("fn", "args"), INDEXED, ids=range(len(INDEXED)))
def test_indexing_is_written_derived_and_run(fn, args):
    def loss(*given):
        return (fn(*given) ** 2).sum()

    loss.__signature__ = inspect.signature(fn)
    named = dict(zip(inspect.signature(fn).parameters, args, strict=True))
    model = function(fn).model(*args)
    name, again = model.outputs[-1], parse(str(model))
    found = again.compile([name])(**named, **model.constants)[name]
    np.testing.assert_allclose(found, fn(*map(tensor, args)), rtol=1e-12, atol=1e-12)
    model = function(loss).model(*args)
    derived = model.grad("L", list(named))
    assert derived.text()
    assert derived.latex()
    values = derived.compile()(**named, **model.constants)
    expected = grad(loss, tuple(range(len(args))))(*args)
    for key, gradient in zip(named, expected, strict=True):
        np.testing.assert_allclose(values[f"dL/d{key}"], gradient, rtol=1e-9, atol=1e-9)


def test_how_indexing_is_written():
    def text(fn, *args):
        return str(function(fn).model(*args))

    assert text(lambda x: x[1:] - x[:-1], X) == "y_kj = x[k2[k],j] - x[k1[k],j]"
    assert text(lambda u, v: ops.stack([u, v]), V, V) == "y_ij = where(m1_i, u_j, v_j)"
    assert text(lambda u, v: u[:, None] - v[None, :], V, V) == "y_ij = u_i - v_j"
    cubes = text(lambda v: grad(lambda t: (t[[2, 0, 2]] ** 3).sum())(v), V)
    assert cubes == "z1_j = v[c1[j]]\ny_i = 3 delta[c1[j],i] m1_i z1_j^2"
    assert text(lambda x: ops.std(x, axis=1), X).endswith("y_i = norm_j(z1_ij) / sqrt(3)")


@pytest.mark.parametrize(
    ("fn", "words"),
    [
        (lambda x: ops.cholesky(x @ x.T), r"cholesky of shape \(4, 4\)"),
        (lambda x: ops.cholesky(x @ x.T), "its matrix functions are inv, det, logdet"),
        (lambda x: x * 1j, "a complex number has no notation"),
        (lambda x: ops.abs(x + ops.exp(x).astype(complex)), "real and imaginary parts as two"),
    ],
)
def test_what_notation_lacks_is_refused(fn, words):
    with pytest.raises(EingradError) as caught:
        function(fn).model(X)
    assert re.search(words, str(caught.value))
