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


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("L = sum_i(x[i-500] w_i)", "dL/dx_i = w[i+501]"),
        ("L = x[500]^2 + sum_i(x_i)", "dL/dx_i = 1"),
    ],
)
def test_what_is_too_far_is_not_judged(text: str, claim: str) -> None:
    assert eg.parse(text).check(claim).outcome == "not judged"


def test_a_lone_entry_far_away_is_there() -> None:
    model = eg.parse("L = x[40]^2 + sum_i(x_i)")
    assert model.check("dL/dx_i = 1").outcome == "wrong"
    assert model.check("dL/dx[40] = 1 + 2 x[40]").outcome == "right"


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("e_t = y_t - a y[t-3]\nL = sum_t(e_t^2)", "dL/da = 0"),
        ("h[t] = a h[t-3] + x_t\nL = sum_t(h_t^2)", "dL/da = 0"),
        ("y_i = x[i+2 k] w_k\nu_i = y_i y[i-1]\nL = sum_i(u_i)", "dL/dw_k = 0"),
        ("u_p = y[p+3]\nL = sum_p(u_p u[p-1])", "dL/dy_n = 0"),
        ("z_i = x[i+k] w_k\nu_p = z[2 p]\nL = sum_p(sin(u_p))", "dL/du[p+2] = cos(u_p)"),
        ("z_i = x[i+k] w_k\nL = sum_i(sin(z_i))", "dL/dw[3] = x[i+2] cos(z_i)"),
        ("s_i = softmax_i(x_i)\nL = sum_i(s_i w_i)", "dL/dw[i+1] = softmax_i(x_i)"),
    ],
)
def test_no_point_is_too_short_for_what_is_read(text: str, claim: str) -> None:
    """By hand: none of these derivatives vanishes, or equals that of another entry."""
    assert eg.parse(text).check(claim).outcome != "right"
