"""Products with windows that are convolutions: the same values as without, in each backend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import eingrad as eg
from eingrad.engine import product_lowering
from eingrad.engine.backends import numpy_convolutions

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")

rng = np.random.default_rng(3)
X, K = rng.normal(size=(2, 3, 9, 8)), rng.normal(size=(4, 3, 3, 2))
FACTS = "assume size(p) = size(n)\nassume size(q) = size(m)\n"
PLANES = {  # what Y is, and which steps it and its gradients are
    "plain": "Y[b,o,p,q] = X[b,c,p+k,q+l] W_ockl",
    "strided": "Y[b,o,p,q] = X[b,c,2 p+k,q+3 l-1] W_ockl",
    "padded": f"{FACTS}Y[b,o,p,q] = X[b,c,p+k-1,q+l] W_ockl",
    "turned": f"{FACTS}Y[b,o,p,q] = X[b,c,p-k,q-l+2] W_ockl",
    "uneven": f"{FACTS}Y[b,o,p,q] = X[b,c,p+2 k-3,q+l+1] W_ockl",
}


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
@pytest.mark.parametrize("name", PLANES)
def test_a_convolution_is_a_product_with_a_window(
    name: str, backend: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = PLANES[name] if name != "strided" else f"assume size(q) = 4\n{PLANES[name]}"
    gradients = eg.parse(f"{text}\nL = sum_bopq(Y_bopq^3)").grad("L", ["X", "W"])
    with jax.enable_x64(True):
        run = gradients.compile(backend, dtype="float64")
        found = run(X=X, W=K)
        assert all(f"{step}(" in run.source for step in ("conv", "conv_input", "conv_kernel"))
        monkeypatch.setattr(product_lowering, "convolution", lambda *_: None)
        plain = gradients.compile(backend, dtype="float64")
        wanted = plain(X=X, W=K)
        assert "conv" not in plain.source
    for key, value in wanted.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
@pytest.mark.parametrize(("text", "right"), [
    ("y_i = x[i+k] w_k", [59, 68, 77]),  # of x = 6, 7, 8, 9, w = 4, 5 and u = 5, 6
    ("assume size(i) = size(n) + size(k) - 1\ny_i = x[i-k] w_k", [24, 58, 67, 76, 45]),
    ("y = x[0] w[1] + x[-1]", 39),
    ("y_i = x[2 i] + u_i", [11, 14]),
    ("y_i = sum_k(x[i+2 k]) + u_i\nv = sum_k(w_k)", [19, 22]),
])  # fmt: skip
def test_parts_of_larger_arrays_are_read_where_they_stand(
    text: str, right: Any, backend: Any
) -> None:
    given: Any = {"x": np.arange(1.0, 13), "w": np.arange(1.0, 7), "u": np.arange(1.0, 13)}
    if backend == "torch":
        given = {name: torch.tensor(x) for name, x in given.items()}
    parts = {"x": given["x"][5:9], "w": given["w"][3:5], "u": given["u"][4:6]}
    model = eg.parse(text)
    run = model.compile("y", backend=backend)
    found = run(**{name: x for name, x in parts.items() if name in model.inputs})
    np.testing.assert_allclose(np.asarray(found["y"]), right)


@pytest.mark.parametrize("dtype", ["complex128", "float32"])
@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_other_numbers(backend: Any, dtype: str) -> None:
    arrays = {"X": X.astype(dtype), "W": K.astype(dtype)}
    if dtype == "complex128":
        arrays = {name: x + 1j * x[::-1] for name, x in arrays.items()}
    gradients = eg.parse(f"{PLANES['plain']}\nL = sum_bopq(Y_bopq^3)").grad("L", ["X", "W"])
    wanted = gradients.compile(dtype=dtype)(**arrays)
    with jax.enable_x64(True):
        found = gradients.compile(backend, dtype=dtype)(**arrays)
    for key, value in wanted.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-3 if dtype == "float32" else 1e-10)


def test_blocks_and_rows_of_pictures_are_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in (PLANES["plain"], PLANES["padded"], "Y[b,o,p,q] = X[b,c,2 p+k,2 q+l] W_ockl"):
        gradients = eg.parse(f"{text}\nL = sum_bopq(Y_bopq^3)").grad("L", ["X", "W"])
        wanted = gradients.compile()(X=X, W=K)
        for block in (20, 150, 700):  # a row, some rows, some examples at a time
            with monkeypatch.context() as patch:
                patch.setattr(numpy_convolutions, "BLOCK", block)
                found = gradients.compile()(X=X, W=K)
            for key, value in wanted.items():
                np.testing.assert_allclose(found[key], value, rtol=1e-11, atol=1e-11)


def test_a_layer_of_one_channel_and_a_step_of_training_are_convolutions() -> None:
    text = "Y[b,o,t] = X[b,c,t+k] W_ock\nL = mean_b(sum_ot(Y_bot^2))"
    step = eg.parse(text).grad("L", ["W"]).compile(update=eg.sgd(lr=0.1))
    x, w = rng.normal(size=(5, 1, 30)), rng.normal(size=(2, 1, 3))
    y = torch.nn.functional.conv1d(torch.tensor(x), weight := torch.tensor(w, requires_grad=True))
    (y.pow(2).sum() / 5).backward()
    step(X=x, W=w)
    assert "conv(" in step.source
    assert "conv_kernel(" in step.source
    np.testing.assert_allclose(w, weight.detach() - 0.1 * weight.grad, rtol=1e-10)


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_kernel_of_one_entry_is_a_kernel(backend: Any, stride: int) -> None:
    """It was read as if its labels were not there: a copy of all that a window reads."""
    text = f"Y[b,o,p,q] = X[b,c,{stride} p+k,{stride} q+l] W_ockl\nL = sum_bopq(Y_bopq^3)"
    x, w = X, K[:, :, :1, :1]
    leaves = [torch.tensor(a, requires_grad=True) for a in (x, w)]
    value = (torch.nn.functional.conv2d(*leaves, stride=stride) ** 3).sum()
    value.backward()
    with jax.enable_x64(True):
        run = eg.parse(text).grad("L", ["X", "W"]).compile(backend, dtype="float64")
        found = run(X=x, W=w)
    assert all(f"{step}(" in run.source for step in ("conv", "conv_input", "conv_kernel"))
    np.testing.assert_allclose(found["L"], value.item(), rtol=1e-12)
    for key, leaf in zip(("dL/dX", "dL/dW"), leaves, strict=True):
        np.testing.assert_allclose(found[key], leaf.grad, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("block", [2**18, 300, 20])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (1, 2), (2, 1), (3, 2)])
def test_each_channel_by_itself(
    stride: int, dilation: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numpy_convolutions, "BLOCK", block)
    places = f"{stride} p+{dilation} k,{stride} q+{dilation} l"
    text = f"Y[b,c,p,q] = X[b,c,{places}] W_ckl\nL = sum_bcpq(Y_bcpq^3)"
    w = K[0]
    leaves = [torch.tensor(a, requires_grad=True) for a in (X, w)]
    y = torch.nn.functional.conv2d(
        leaves[0], leaves[1][:, None], stride=stride, dilation=dilation, groups=3
    )
    (y**3).sum().backward()
    run = eg.parse(text).grad("L", ["X", "W"]).compile()
    found = run(X=X, W=w)
    assert "conv_input(" in run.source
    for key, leaf in zip(("dL/dX", "dL/dW"), leaves, strict=True):
        np.testing.assert_allclose(found[key], leaf.grad, rtol=1e-11, atol=1e-11)
