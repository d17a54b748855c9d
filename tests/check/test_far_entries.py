"""Claims about entries that are read far away: points are long enough to have them.

Truths by hand: what a shift reads, its derivative reads the other way.
"""

import pytest

import eingrad as eg

AR = "e[t] = y_t - a y[t-{lag}]\nL = sum_t(e_t^2)"
RECURRENCE = "h[t] = a h[t-{lag}] + x_t\nL = sum_t(h_t^2)"


@pytest.mark.parametrize("lag", [1, 3, 4, 8, 20])
@pytest.mark.parametrize(("text", "right", "wrong"), [
    (AR, "dL/da = -2 sum_t(e_t y[t-{lag}])", "dL/da = 0 a"),
    (RECURRENCE, "dL/dh_t = 2 h_t + a dL/dh[t+{lag}]", "dL/dh_t = 2 h_t"),
])  # fmt: skip
def test_lags(text: str, right: str, wrong: str, lag: int) -> None:
    model = eg.parse(text.format(lag=lag))
    assert model.check(right.format(lag=lag)).outcome == "right"
    assert model.check(wrong.format(lag=lag)).outcome == "wrong"


@pytest.mark.parametrize(("text", "claim", "is_right"), [
    ("L = sum_i(x[i-4] x[i+4] w_i)", "dL/dw_i = x[i-4] x[i+4]", True),
    ("L = sum_i(x[i-4] x[i+4] w_i)", "dL/dw_i = 0 x_i", False),
    ("L = sum_i(where(i >= 8, x_i^2, 0))", "dL/dx_i = where(i >= 8, 2 x_i, 0)", True),
    ("L = sum_i(where(i >= 8, x_i^2, 0))", "dL/dx_i = where(i >= 8, 3 x_i, 0)", False),
    ("L = sum_i(where(i >= 8, x_i^2, 0))", "dL/dx_i = 0 x_i", False),
    ("y_q = sum_k(where(q - k < 8, S_qk, 0))",
     "dy_q/dS_pk = delta_qp where(q - k < 8, 1, 0)", True),
    ("y_q = sum_k(where(q - k < 8, S_qk, 0))", "dy_q/dS_pk = delta_qp", False),
])  # fmt: skip
def test_offsets_and_conditions(text: str, claim: str, is_right: bool) -> None:
    assert (eg.parse(text).check(claim).outcome == "right") is is_right


def test_what_is_too_far_is_not_judged() -> None:
    verdict = eg.parse("L = sum_i(x[i-500] w_i)").check("dL/dx_i = w[i+501]")
    assert verdict.outcome == "not judged"
