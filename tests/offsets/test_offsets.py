"""Labels that move: what is derived and printed, and ranges that are refused."""

from __future__ import annotations

import numpy as np
import pytest

import eingrad as eg


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


def test_reads_at_two_offsets_are_not_torn_from_what_they_read() -> None:
    """No ``sum_ik(w_k y_i (where(n == i + k, 1, 0) + where(n == i + 2 k, 1, 0)))``."""
    model = eg.parse(
        "assume size(i) = size(n)\ny_i = sum_k(x[i+k] w_k) + sum_k(x[i+2k] w_k)\nL = sum_i(y_i^2)"
    )
    found = model.grad("L")
    assert str(found["x"]) == "dL/dx_n = 2 (y[n-2 k] w_k + y[n-k] w_k)"
    assert str(found["w"]) == "dL/dw_k = 2 (x[2 k+n] y_n + x[k+n] y_n)"
    assert all(model.check(str(found[name])).outcome == "right" for name in "xw")


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


@pytest.mark.parametrize("text", ["y_i = x[2 i+k] w_k", "z_b = X[b,4,i] v_i", "h_b = H[-1,b]"])
def test_what_is_printed_reads_back(text: str) -> None:
    first, *rest = str(eg.parse(text)).splitlines()
    assert first == text
    assert rest == (["# size(i) = (size(n) - size(k))//2 + 1"] if "2 i" in text else [])
    assert str(eg.parse(str(eg.parse(text)))) == str(eg.parse(text))
