"""PyTorch's autocast computes in a smaller dtype; what is given back has that of the arguments."""

from __future__ import annotations

import pytest

import eingrad as eg

torch = pytest.importorskip("torch")

MODEL = "Z_bo = softmax_o(X_bi W_io)\nL = -mean_b(T_bo log(Z_bo))"


def test_gradients_of_float32_are_float32_under_autocast() -> None:
    torch.manual_seed(0)
    X, W, T = torch.randn(8, 4), torch.randn(4, 3), torch.softmax(torch.randn(8, 3), 1)
    f = eg.parse(MODEL).grad("L", ["W", "X"]).compile("torch")
    exact = f(X=X, W=W, T=T)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = f(X=X, W=W, T=T)
    for key, value in exact.items():
        assert rounded[key].dtype == torch.float32
        torch.testing.assert_close(rounded[key], value, rtol=0.05, atol=0.02)
    assert any(not torch.equal(rounded[key], exact[key]) for key in exact)  # it was at work


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_dtypes_stay_what_they_are(dtype: object) -> None:
    x = torch.ones(3, dtype=dtype)
    result = eg.parse("L = x_i x_i").grad("L", ["x"]).compile("torch")(x=x)
    assert {value.dtype for value in result.values()} == {dtype}
