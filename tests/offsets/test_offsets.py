"""Labels that move: values, gradients and Hessians beside PyTorch, ranges, and what is printed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import eingrad as eg

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")
jnp = jax.numpy
F = torch.nn.functional

rng = np.random.default_rng(16)
x, w = rng.normal(size=9), rng.normal(size=3)
X, W = rng.normal(size=(2, 3, 7, 6)), rng.normal(size=(4, 3, 3, 2))
V = rng.normal(size=(4, 5, 4, 6))
K = rng.normal(size=(2, 3, 2))


def conv(x: Any, w: Any, **options: Any) -> Any:
    return F.conv1d(x[None, None], w[None, None], **options)[0, 0]


def full(x: Any, w: Any, **options: Any) -> Any:
    return F.conv_transpose1d(x[None, None], w[None, None], **options)[0, 0]


def heat(u: Any) -> Any:
    wide = F.pad(u, (1, 1))
    return u + 0.1 * (wide[2:] - 2 * u + wide[:-2])


def causal(bias: Any, n: int) -> Any:
    """Return a bias for each distance back, and nothing of what comes later."""
    back = torch.arange(n)[:, None] - torch.arange(n)
    return torch.where(back >= 0, bias[back.clamp(min=0)], -1e9)


# fmt: off
MODELS: dict[str, tuple[str, Callable[..., Any], dict[str, Any]]] = {
    "correlation": ("y_i = x[i+k] w_k\nL = sum_i(y_i^3)",
        lambda x, w: (conv(x, w) ** 3).sum(), {"x": x, "w": w}),
    "stride": ("y_i = x[2 i + k] w_k\nL = sum_i(y_i^3)",
        lambda x, w: (conv(x, w, stride=2) ** 3).sum(), {"x": x, "w": w}),
    "dilation": ("y_i = x_{i+2 k} w_k\nL = sum_i(exp(y_i))",
        lambda x, w: conv(x, w, dilation=2).exp().sum(), {"x": x, "w": w}),
    "padding": ("assume size(i) = size(n)\ny_i = x[i+k-1] w_k\nL = sum_i(y_i^3)",
        lambda x, w: (conv(x, w, padding=1) ** 3).sum(), {"x": x, "w": w}),
    "full": ("assume size(i) = size(n) + size(k) - 1\ny_i = x[i-k] w_k\nL = sum_i(y_i^3)",
        lambda x, w: (full(x, w) ** 3).sum(), {"x": x, "w": w}),
    "transposed": ("assume size(i) = 2 size(j) + size(n) - 2\ny_i = x_j w[i-2 j]\nL = sum_i(y_i^3)",
        lambda x, w: (full(x, w, stride=2) ** 3).sum(), {"x": x, "w": w}),
    "causal": ("assume size(t) = size(n)\ny_t = tanh(x[t-k] w_k)\nL = sum_t(y_t^2)",
        lambda x, w: (torch.tanh(full(x, w)[:len(x)]) ** 2).sum(), {"x": x, "w": w}),
    "convolution 2d": ("Y[b,o,p,q] = X[b,c,p+k,q+l] W[o,c,k,l]\nL = sum_bopq(Y_bopq^3)",
        lambda X, W: (F.conv2d(X, W) ** 3).sum(), {"X": X, "W": W}),
    "strided layer": ("Y[b,o,p,q] = relu(X[b,c,2 p+k,q+2 l] W[o,c,k,l])\nL = sum_bopq(Y_bopq^3)",
        lambda X, W: (F.relu(F.conv2d(X, W, stride=(2, 1), dilation=(1, 2))) ** 3).sum(),
        {"X": X, "W": W}),
    "convolution 3d": ("Y[p,q,r] = V[c,p+k,q+l,r+m] K_klm a_c\nL = sum_pqr(sin(Y_pqr))",
        lambda V, K, a: torch.sin(F.conv3d(torch.einsum("cpqr,c->pqr", V, a)[None, None],
                                           K[None, None])).sum(),
        {"V": V, "K": K, "a": rng.normal(size=4)}),
    "max pooling": ("assume size(k) = 2\nassume size(l) = 3\nY_bcpq = max_kl(X[b,c,2 p+k,3 q+l])\n"
                    "L = sum_bcpq(Y_bcpq^2)",
        lambda X: (F.max_pool2d(X, (2, 3)) ** 2).sum(), {"X": X}),
    "mean pooling": ("assume size(k) = 3\ny_i = mean_k(x[3 i+k])\nL = sum_i(y_i^3)",
        lambda x: (F.avg_pool1d(x[None, None], 3)[0, 0] ** 3).sum(), {"x": x}),
    "heat equation": ("v_i = u_i + 0.1 (u[i+1] - 2 u_i + u[i-1])\n"
                      "z_i = v_i + 0.1 (v[i+1] - 2 v_i + v[i-1])\nL = sum_i(z_i^3)",
        lambda u: (heat(heat(u)) ** 3).sum(), {"u": x}),
    "differences": ("d_i = x[i+2] - x[i+1]\nL = sum_i(d_i^3)",
        lambda x: ((x[2:] - x[1:-1]) ** 3).sum(), {"x": x}),
    "squares": ("d_i = x[i+1]^2\nL = sum_i(d_i sin(d_i))",
        lambda x: (x[1:] ** 2 * torch.sin(x[1:] ** 2)).sum(), {"x": x}),
    "by channel": ("Y[b,c,i] = X[b,c,2 i+k] A_ck\nL = sum_bci(Y_bci^3)",
        lambda X, A: (F.conv1d(X, A[:, None], stride=2, groups=3) ** 3).sum(),
        {"X": X[:, :, 0], "A": W[0, :, :, 0]}),
    "in groups": ("Y[b,g,o,i] = X[b,g,c,i+k] W[g,o,c,k]\nL = sum_bgoi(sin(Y_bgoi))",
        lambda X, W: torch.sin(F.conv1d(X.flatten(1, 2), W.flatten(0, 1), groups=2)).sum(),
        {"X": V[:2, :4, :3].reshape(2, 2, 2, 18), "W": rng.normal(size=(2, 3, 2, 4))}),
    "transposed in a plane": ("assume size(p) = 2 size(i) + size(n) - 2\n"
                              "assume size(q) = size(j) + size(m) - 1\n"
                              "Y[b,c,p,q] = Z[b,o,i,j] W[o,c,p-2 i,q-j]\nL = sum_bcpq(Y_bcpq^3)",
        lambda Z, W: (F.conv_transpose2d(Z, W, stride=(2, 1)) ** 3).sum(),
        {"Z": V[:2, :4, :3, :4], "W": W}),
    "padded layer": ("assume size(p) = size(n)\nassume size(q) = size(m)\n"
                     "Y[b,o,p,q] = tanh(X[b,c,p+k-1,q+l-1] W_ockl + c_o)\nL = sum_bopq(Y_bopq^2)",
        lambda X, W, c: (torch.tanh(F.conv2d(F.pad(X, (1, 0, 1, 1)), W, c)) ** 2).sum(),
        {"X": X, "W": W, "c": rng.normal(size=4)}),
    "overlapping pooling": ("assume size(k) = 3\nY_bi = max_k(X[b,2 i+k])\nL = sum_bi(Y_bi^3)",
        lambda X: (F.max_pool1d(X[:, None], 3, 2)[:, 0] ** 3).sum(), {"X": X[0, :, :, 0]}),
    "wave": ("w_i = 2 u_i - v_i + 0.2 (u[i+1] - 2 u_i + u[i-1])\nL = w_i w_i",
        lambda u, v: ((2 * heat(u) - v) ** 2).sum(),
        {"u": x, "v": rng.normal(size=9)}),
    "causal attention": ("S_tj = Q_td K_jd / sqrt(size(d)) + B[t-j]\n"
                         "A_tj = softmax_j(where(j <= t, S_tj, -1e9))\nL = sum_te((A_tj V_je)^3)",
        lambda Q, K, V, B: (F.scaled_dot_product_attention(Q, K, V, causal(B, len(Q))) ** 3).sum(),
        {"Q": X[0, 0], "K": X[0, 1], "V": X[0, 2], "B": rng.normal(size=7)}),
    "autocorrelation": ("assume size(k) = 4\nr_k = x_n x[n+k]\nL = sum_k(r_k^2)",
        lambda x: sum((x[k:] * x[:len(x) - k]).sum() ** 2 for k in range(4)), {"x": x}),
    "last entry": ("h_b = H[-1,b]\nL = sum_b(h_b^3)",
        lambda H: (H[-1] ** 3).sum(), {"H": X[0, 0]}),
    "entry": ("z_b = X[b,2,i] v_i\nL = sum_b(z_b^3)",
        lambda X, v: ((X[:, 2] @ v) ** 3).sum(), {"X": X[0], "v": X[0, 0, 0]}),
    "entries alone": ("y_i = x[i+k] w_k\nL = y[0] y[-1]^2 + log(x[2]^2) w[1]",
        lambda x, w: conv(x, w)[0] * conv(x, w)[-1] ** 2 + torch.log(x[2] ** 2) * w[1],
        {"x": x, "w": w}),
}
# fmt: on
HESSIANS = {
    "correlation": "x",
    "stride": "w",
    "padding": "x",
    "squares": "x",
    "last entry": "H",
    "entries alone": "x",
    "heat equation": "u",
    "autocorrelation": "x",
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_gradients_are_pytorchs(name: str) -> None:
    text, reference, arrays = MODELS[name]
    tensors = {n: torch.tensor(a, requires_grad=True) for n, a in arrays.items()}
    value = reference(**tensors)
    wanted = torch.autograd.grad(value, list(tensors.values()))
    model = eg.parse(text)
    found = model.grad("L", list(arrays))
    for backend in ("numpy", "torch", "jax"):
        with jax.enable_x64(True):
            results = found.compile(backend, dtype="float64")(**arrays)
        np.testing.assert_allclose(float(results["L"]), value.item(), rtol=1e-10)
        for n, gradient in zip(arrays, wanted, strict=True):
            np.testing.assert_allclose(results[f"dL/d{n}"], gradient, rtol=1e-10, atol=1e-10)
    for n in arrays:
        assert model.check(str(found[n])).outcome == "right"


@pytest.mark.parametrize("name", HESSIANS)
def test_hessians_are_pytorchs(name: str) -> None:
    text, reference, arrays = MODELS[name]
    of = HESSIANS[name]
    others = {n: torch.tensor(a) for n, a in arrays.items()}
    wanted = torch.autograd.functional.hessian(
        lambda a: reference(**(others | {of: a})), torch.tensor(arrays[of])
    )
    model = eg.parse(text)
    found = model.hessian("L", of)
    results = found.compile("numpy", dtype="float64")(**arrays)
    np.testing.assert_allclose(results[f"d2L/d{of} d{of}"], wanted, rtol=1e-10, atol=1e-10)
    line = next(x for x in str(found).splitlines() if x.startswith(f"d2L/d{of}_"))
    assert model.check(line).outcome == "right" or "with" in str(found)


def test_gradients_are_offsets_the_other_way() -> None:
    model = eg.parse("y_i = x[i+k] w_k\nL = sum_i(y_i^2)")
    assert str(model.grad("L", ["x"])["x"]) == "dL/dx_n = 2 y[n-k] w_k"
    assert str(model.grad("L", ["w"])["w"]) == "dL/dw_k = 2 x[i+k] y_i"
    assert model.check("dL/dw_k = 2 x[i+k] y_i").ok
    for wrong in ("dL/dw_k = 2 x[i-k] y_i", "dL/dw_k = 2 x[i+k+1] y_i", "dL/dx_n = 2 y[n+k] w_k"):
        assert model.check(wrong).outcome == "wrong"
    model = eg.parse("y_i = x[i+k] w_k\nz_i = tanh(y_i)\nL = sum_i(z_i^2)")
    assert model.check("dL/dx_n = sum_k(dL/dy[n-k] w_k)").ok
    assert "dL/dx_n = w_k dL/dy[n-k]" in model.grad("L", ["x"]).text()
    assert r"w_{k} \frac{\partial L}{\partial y_{n-k}}" in model.grad("L", ["x"]).latex()
    for wrong, meant in (
        ("dL/dx_n = w_k dL/dy[n+k]", "dL/dy[n-k] is meant"),
        ("dL/dx_n = w_k dL/dz[n-k]", "factor (1 - z[n-k]^2) is missing"),
    ):
        verdict = model.check(wrong)
        assert verdict.outcome == "wrong"
        assert meant in str(verdict.reason)


def test_a_hessian_has_offsets() -> None:
    hessian = eg.parse("y_i = x[i+k] w_k\nL = sum_i(y_i^2)").hessian("L", "x")
    assert str(hessian).endswith("d2L/dx_n dx_o = 2 w[n-i] w[o-i]")


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        ("y_i = x[i-k] w_k", "assume size(i) = size(n) + size(k) - 1"),
        ("y_i = x[i+1] z[2 i+1]", "assume size(i) = size(n)"),
        ("y_i = x[i+j] x[j+1]", "assume size(i) = size(n)"),
        ("y_i = x[3-i]", "assume size(i) = size(n)"),
    ],
)
def test_a_range_that_nothing_says_is_refused(text: str, ways: str) -> None:
    with pytest.raises(eg.NotationError, match=r"begin at 0|say the same|how far") as caught:
        eg.parse(text)
    assert caught.value.code == "open-range"
    assert caught.value.position is not None
    assert ways in str(caught.value.hint)


def test_a_range_with_no_entry_is_refused() -> None:
    run = eg.parse("y_i = x[i+k] w_k").compile()
    with pytest.raises(eg.ShapeError, match="at no position"):
        run(x=np.ones(2), w=np.ones(3))


def test_a_recurrence_of_no_known_length_says_how_to_give_one() -> None:
    text = "h[t,i] = tanh(U_ij h[t-1,j])\nL = sum_i(h[-1,i]^2)"
    with pytest.raises(eg.NotationError) as caught:
        eg.parse(text)
    assert "assume size(t) = 10" in str(caught.value.hint)
    assert eg.parse(f"{text}\nassume size(t) = 10").outputs == ("h", "L")


IN_JAX = ("strided layer", "transposed", "padding", "heat equation", "entries alone")


@pytest.mark.parametrize(
    ("name", "target"),
    [*((n, t) for n in MODELS for t in ("numpy", "torch")), *((n, "jax") for n in IN_JAX)],
)
def test_modules_are_what_is_compiled(name: str, target: Any) -> None:
    text, _, arrays = MODELS[name]
    found = eg.parse(text).grad("L", list(arrays))
    wanted = found.compile("numpy", dtype="float64")(**arrays)
    module: dict[str, Any] = {"__name__": "module"}
    exec(found.source(target), module)
    whole = {"numpy": np.asarray, "torch": torch.tensor, "jax": jnp.asarray}[target]
    with jax.enable_x64(True):
        value, saved = module["forward"](**{n: whole(arrays[n]) for n in module["AXES"]})
        gradients = module["backward"](saved)
    np.testing.assert_allclose(float(value), float(wanted["L"]), rtol=1e-12)
    for n, gradient in zip(module["WRT"], gradients, strict=True):
        np.testing.assert_allclose(gradient, wanted[f"dL/d{n}"], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("text", ["y_i = x[2 i+k] w_k", "z_b = X[b,4,i] v_i", "h_b = H[-1,b]"])
def test_what_is_printed_reads_back(text: str) -> None:
    first, *rest = str(eg.parse(text)).splitlines()
    assert first == text
    assert rest == (["# size(i) = (size(n) - size(k))//2 + 1"] if "2 i" in text else [])
    assert str(eg.parse(str(eg.parse(text)))) == str(eg.parse(text))
