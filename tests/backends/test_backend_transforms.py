"""The libraries' own transforms go through compiled functions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from seeds import seeded

import eingrad as eg
from eingrad.engine.library import load_library, to_numpy
from eingrad.errors import BackendError

MODEL = """
A_bh = X_bi W_ih + c_h
Z_bh = gelu(A_bh) + softplus(A_bh) elu(A_bh) + norm_h(A_bh)
P_bo = softmax_o(Z_bh V_ho)
Q_bo = where(A_bh > 0, A_bh, silu(A_bh)) V_ho
L    = -mean_b(T_bo log(P_bo)) + logsumexp_bo(Q_bo) + prod_o(d_o) + sum_b(max_h(Z_bh))
"""
SHAPES = {"X": (4, 3), "W": (3, 5), "c": (5,), "V": (5, 2), "d": (2,), "T": (4, 2)}
NAMES = list(SHAPES)
SRC = Path(__file__).parents[2] / "src"


def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seeded(0))
    return {name: rng.normal(size=shape) for name, shape in SHAPES.items()}


def compiled(backend: str) -> Any:
    """Return a function of positional arrays: value and gradients."""
    f = eg.parse(MODEL).grad("L", NAMES).compile(backend)

    def call(*values: Any) -> dict[str, Any]:
        return f(**dict(zip(NAMES, values, strict=True)))

    return call


def test_autograd_goes_through_a_torch_function() -> None:
    torch = pytest.importorskip("torch")
    f = compiled("torch")
    inputs = [torch.tensor(x, requires_grad=True) for x in arrays().values()]
    assert torch.autograd.gradcheck(lambda *xs: f(*xs)["L"], inputs)
    assert torch.autograd.gradgradcheck(lambda *xs: f(*xs)["L"], inputs)
    assert torch.autograd.gradcheck(lambda *xs: tuple(f(*xs).values())[1:], inputs)
    out = f(*inputs)
    for name, gradient in zip(NAMES, torch.autograd.grad(out["L"], inputs), strict=True):
        torch.testing.assert_close(gradient, out[f"dL/d{name}"], rtol=1e-11, atol=1e-13)


def test_torch_functions_are_smooth_at_0() -> None:
    torch = pytest.importorskip("torch")
    names = ("softplus", "elu", "gelu", "silu", "sigmoid", "relu", "leaky_relu")
    text = "\n".join(f"y{k} = {name}(x)" for k, name in enumerate(names))
    for k, name in enumerate(names):
        f = eg.parse(text).grad(f"y{k}", ["x"]).compile("torch")
        x = torch.zeros((), dtype=torch.float64, requires_grad=True)
        out = f(x=x)
        (gradient,) = torch.autograd.grad(out[f"y{k}"], x)
        assert gradient.item() == pytest.approx(out[f"dy{k}/dx"].item()), name


def test_torch_compile_sees_the_whole_function() -> None:
    torch = pytest.importorskip("torch")
    f = compiled("torch")
    inputs = [torch.tensor(x, requires_grad=True) for x in arrays().values()]
    expected = f(*inputs)
    fast = torch.compile(lambda *xs: f(*xs)["L"], backend="aot_eager", fullgraph=True)
    value = fast(*inputs)
    torch.testing.assert_close(value, expected["L"])
    for name, gradient in zip(NAMES, torch.autograd.grad(value, inputs), strict=True):
        torch.testing.assert_close(gradient, expected[f"dL/d{name}"], rtol=1e-11, atol=1e-13)


CROSS_ENTROPY = "Z_bh = tanh(X_bi W_ih)\nP_bh = softmax_h(Z_bh)\nL = -mean_b(log(P[b,y[b]]))"


def cold_data() -> tuple[Any, Any, Any]:
    """Return inputs, and PyTorch's own gradient of their cross-entropy."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seeded(0))
    X, W = (torch.tensor(rng.normal(size=s)) for s in ((4, 3), (3, 5)))
    return X, W, torch.tensor([0, 3, 1, 3])


def cold(**options: Any) -> Any:
    """Return a function that was never called."""
    return eg.parse(CROSS_ENTROPY).grad("L", ["W"]).compile("torch", **options)


def right_gradient(X: Any, W: Any, y: Any) -> Any:
    torch = pytest.importorskip("torch")
    W = W.clone().requires_grad_()
    loss = torch.nn.functional.cross_entropy(torch.tanh(X @ W), y)
    return torch.autograd.grad(loss, W)[0]


def test_torch_compile_sees_the_whole_of_a_function_that_was_never_called() -> None:
    torch = pytest.importorskip("torch")
    X, W, y = cold_data()
    f = cold()
    fast = torch.compile(lambda x, w, t: f(X=x, W=w, y=t), backend="aot_eager", fullgraph=True)
    for rows in (4, 3, 2, 4):  # the second time sizes are symbols, which the program cannot be
        expected = right_gradient(X[:rows], W, y[:rows])
        leaf = W.clone().requires_grad_()
        out = fast(X[:rows], leaf, y[:rows])
        torch.testing.assert_close(out["dL/dW"].detach(), expected)
        torch.testing.assert_close(torch.autograd.grad(out["L"], leaf)[0], expected)
    g = cold()
    through = torch.compile(
        lambda w: torch.func.grad(lambda w: g(X=X, W=w, y=y)["L"])(w),
        backend="aot_eager", fullgraph=True,
    )  # fmt: skip
    torch.testing.assert_close(through(W), right_gradient(X, W, y))


def test_torch_compile_sees_numbers_and_training_steps_that_were_never_made() -> None:
    torch = pytest.importorskip("torch")
    X, W, y = cold_data()
    plain, own, fast = cold(update=eg.adam(lr=0.1)), W.clone(), W.clone()
    f = cold(update=eg.adam(lr=0.1))
    step = torch.compile(lambda w: f(X=X, W=w, y=y), backend="aot_eager", fullgraph=True)
    for _ in range(3):
        torch.testing.assert_close(step(fast), plain(X=X, W=own, y=y))
        torch.testing.assert_close(fast, own)
    h = eg.parse("L = a sum_i(x_i^2)").grad("L", ["x"]).compile("torch")
    scaled = torch.compile(lambda x: h(x=x, a=1.5), backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(scaled(X[:, 0])["dL/dx"], 3 * X[:, 0])


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # within torch.func.jvp
def test_torch_func_goes_through_a_function_that_was_never_called() -> None:
    torch = pytest.importorskip("torch")
    X, W, y = cold_data()
    expected = right_gradient(X, W, y)
    f, g, h = cold(), cold(), cold()
    found = torch.func.grad(lambda w: f(X=X, W=w, y=y)["L"])(W)
    torch.testing.assert_close(found, expected)
    mapped = torch.func.vmap(lambda x: g(X=x, W=W, y=y)["dL/dW"])(torch.stack([X, X]))
    torch.testing.assert_close(mapped[1], expected)
    _, moved = torch.func.jvp(lambda w: h(X=X, W=w, y=y)["L"], (W,), (expected,))
    torch.testing.assert_close(moved, (expected**2).sum())


def test_torch_compile_says_what_does_not_fit() -> None:
    torch = pytest.importorskip("torch")
    X, W, y = cold_data()
    f = cold()
    fast = torch.compile(lambda x: f(X=x, W=W, y=y), backend="aot_eager", fullgraph=True)
    with pytest.raises(Exception, match="label i: X axis 1 has size 2, W axis 0 has size 3"):
        fast(X[:, :2])


def test_parameters_of_a_module() -> None:
    torch = pytest.importorskip("torch")
    f = eg.parse("L = sum_b((X_bi w_i - y_b)^2)").grad("L", ["w"]).compile("torch")
    w = torch.nn.Parameter(torch.ones(3))
    for _ in range(2):
        out = f(X=torch.eye(3), w=w, y=torch.zeros(3))
        assert out["L"].requires_grad
        assert out["dL/dw"].tolist() == [2, 2, 2]


def test_jit_grad_and_vmap_go_through_a_jax_function() -> None:
    jax = pytest.importorskip("jax")
    f = compiled("jax")
    values = [jax.numpy.asarray(x) for x in arrays().values()]
    expected = f(*values)

    def loss(*xs: Any) -> Any:
        return f(*xs)["L"]

    gradients = jax.jit(jax.grad(loss, argnums=range(len(NAMES))))(*values)
    for name, gradient in zip(NAMES, gradients, strict=True):
        np.testing.assert_allclose(gradient, expected[f"dL/d{name}"], rtol=1e-10, atol=1e-12)
    stacked = [jax.numpy.stack([x, 2 * x]) for x in values]
    both = jax.vmap(loss)(*stacked)
    one_by_one = [float(loss(*(x[k] for x in stacked))) for k in range(2)]
    np.testing.assert_allclose(both, one_by_one, rtol=1e-12)
    direction = [jax.numpy.ones_like(values[1])]
    _, by_formula = jax.jvp(lambda w: f(values[0], w, *values[2:])["dL/dW"], values[1:2], direction)
    _, by_jax = jax.jvp(
        lambda w: jax.grad(loss, 1)(values[0], w, *values[2:]), values[1:2], direction
    )
    np.testing.assert_allclose(by_formula, by_jax, rtol=1e-8, atol=1e-10)


def test_the_source_is_what_runs() -> None:
    f = eg.parse("y = sum_i(x_i^2)").compile(backend="jax")
    f(x=np.ones(3))
    namespace: dict[str, Any] = {}
    exec(f.source, namespace)
    assert float(namespace["run"](np.ones(3))[0]) == 3
    assert "@jax.jit" in f.source
    assert "float64; inputs 3" in f.source
    f = eg.parse("y = sum_i(x_i^2)").compile(backend="torch", dtype="float32")
    assert "PyTorch, float32" in f.source  # before the first call, too
    assert f(x=np.ones(3))["y"].dtype == load_library("torch").own_copy(np.ones(1, "f")).dtype


def test_jax_takes_numpys_arrays_as_jnp_does() -> None:
    """Without x64 an array of NumPy's becomes float32, as it does in ``jnp.asarray``; what is
    asked for by name is given, or refused."""
    jax = pytest.importorskip("jax")
    model = eg.parse("y = sum_i(x_i^2) + a").grad("y", ["x"])
    for wide in (False, True):
        with jax.enable_x64(wide):
            x = np.array([1.0, 0.1])
            own = jax.numpy.asarray(x)
            found = model.compile("jax")(x=x, a=0.5)
            assert found["y"].dtype == found["dy/dx"].dtype == own.dtype
            np.testing.assert_array_equal(found["dy/dx"], 2 * own)
            assert model.compile("jax")(x=[1.0, 2.0], a=np.float64(1))["y"] == 6
    with jax.enable_x64(False):
        with pytest.raises(BackendError, match="float64 is asked for") as caught:
            model.compile("jax", dtype=np.float64)
        assert "jax_enable_x64" in str(caught.value.hint)
        assert to_numpy(model.compile("jax", dtype="float32")(x=np.ones(3), a=0.0)["y"]) == 3
        assert model.compile("jax")(x=np.ones(3, "f"), a=np.float32(0))["y"].dtype == np.float32


def test_a_torch_dtype_is_a_dtype() -> None:
    torch = pytest.importorskip("torch")
    model = eg.parse("y = sum_i(x_i^2)")
    assert model.compile(backend="torch", dtype=torch.float32)(x=np.ones(3))["y"].dtype == (
        torch.float32
    )
    x = torch.ones(3, dtype=torch.bfloat16)
    assert model.compile(backend="torch")(x=x)["y"].dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("name", "near"), [("pytorch", "torch"), ("Torch", "torch"), ("jaxx", "jax"), ("np", None)]
)
def test_an_unknown_backend_suggests_the_near_one(name: str, near: str | None) -> None:
    with pytest.raises(BackendError, match="there is no backend") as caught:
        eg.parse("y = x").compile(backend=name)
    hint = str(caught.value.hint)
    assert "numpy" in hint
    assert (f'did you mean "{near}"?' in hint) == (near is not None)


WITHOUT = """
import sys
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = classmethod(
    lambda cls, name, *rest: None if name.split(".")[0] == "{0}" else find(name, *rest)
)
import eingrad as eg
try:
    eg.parse("y = x").compile(backend="{0}")
except eg.BackendError as error:
    print(error)
"""


@pytest.mark.parametrize("package", ["torch", "jax"])
def test_a_missing_package_says_what_to_install(package: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    command = [sys.executable, "-c", WITHOUT.format(package)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert f"needs the package {package}, which is not installed" in done.stdout
    assert f"hint: pip install 'eingrad[{package}]'" in done.stdout
