"""Mistakes that no generator makes, by hand: batch normalisation, attention, gathers, Hessians.

Of a claim with two readings of its mistake the likelier one is expected.
"""

from __future__ import annotations

from typing import Any

import pytest

import eingrad as eg

BATCH_NORM = """
m = mean_b(x_b)
v = mean_b((x_b - m)^2)
h_b = (x_b - m) / sqrt(v + r)
y_b = g h_b + c
L = y_b t_b
"""
ATTENTION = """
S_ts = Q_td K_sd / sqrt(size(d))
P_ts = softmax_s(S_ts)
O_te = P_ts V_se
L = O_te T_te
"""
RECURRENT = """
a_h = U_hi x_i + V_hg s_g
h_h = tanh(a_h)
y_o = softmax_o(W_oh h_h)
L = -log(y[t])
"""
CLASSES = """
A_bo = X_bi W_io
Z_bo = softmax_o(A_bo)
L = -mean_b(log(Z[b,y[b]]))
"""
MLP = """
A1_bh = X_bi W1_ih + b1_h
Z1_bh = sigmoid(A1_bh)
A2_bo = Z1_bh W2_ho + b2_o
Z2_bo = softmax_o(A2_bo)
L = -mean_b(T_bo log(Z2_bo))
assume sum_o(T_bo) = 1
"""
LOGISTIC = """
s_b = X_bi w_i
p_b = sigmoid(s_b)
L = -mean_b(y_b log(p_b) + (1 - y_b) log(1 - p_b))
"""
RIGHT = [
    (BATCH_NORM, "dL/dx_b = g / sqrt(v + r) (t_b - mean_b(t_b) - h_b mean_b(t_b h_b))"),
    (BATCH_NORM, "dL/dm = -sum_b(dL/dh_b) / sqrt(v + r)"),
    (BATCH_NORM, "dL/dm = -sum_b(dL/dh_b) / sqrt(v + r) + dL/dv mean_b(-2 (x_b - m))"),
    (BATCH_NORM, "dL/dm = -sum_b(dL/dh_b) / sqrt(v + r) + 3 dL/dv mean_b(-2 (x_b - m))"),
    (ATTENTION, "dL/dS_ts = P_ts (T_te V_se - O_te T_te)"),
    (RECURRENT, "dL/dV_hg = dL/dh_h (1 - h_h^2) s_g"),
    (RECURRENT, "dL/dh_h = W_oh (y_o - delta[o,t])"),
    (CLASSES, "dL/dW_io = X_bi (Z_bo - delta[y[b],o]) / size(b)"),
    (CLASSES, "dL/dW_io = mean_b(X_bi (Z_bo - delta[y[b],o]))"),
    (CLASSES, "dL/dZ_bo = -delta[y[b],o] / (size(b) Z[b,y[b]])"),
    (CLASSES, "d2L/dA_bo dA_cp = delta_bc Z_bo (delta_op - Z_bp) / size(b)"),
    (LOGISTIC, "d2L/dw_i dw_j = mean_b(X_bi X_bj p_b (1 - p_b))"),
    (MLP, "dL/dA1_bh = dL/dA2_bo W2_ho Z1_bh (1 - Z1_bh)"),
    (MLP, "dL/db2_o = mean_b(Z2_bo - T_bo)"),
    ("L = sum_i(x_i^3) / 3", "dL/dx_i = x_i^2"),
    ("L = 0.1 x_i x_i", "dL/dx_i = 0.2 x_i"),
    ("Y_ij = A_ik B_kj\nL = sum_ij(Y_ij^2)", "dL/dA_ik = 2 Y_ij B_kj"),
    ("n = norm_i(x_i)", "dn/dx_i = x_i / n"),
    ("y_i = relu(x_i)", "dy_i/dx_j = where(x_i > 0, 1, 0) delta_ij"),
    ("y_i = abs(x_i)", "dy_i/dx_j = sign(x_i) delta_ij"),
    ("y_i = x_i^2", "dy_i/dx_j = 2 x_i delta_ij"),
    ("y_i = x_i^2", "dy_j/dx_i = 2 x_i delta_ij"),
]
WRONG = [
    (BATCH_NORM, "dL/dx_b = g / sqrt(v + r) (t_b - mean_b(t_b))", "term"),
    (
        BATCH_NORM,
        "dL/dx_b = g / sqrt(v + r) (t_b - mean_b(t_b) - h_b mean_b(t_b))",
        "missing-factor",
    ),
    (
        BATCH_NORM,
        "dL/dx_b = g / sqrt(v + r) (t_b - sum_b(t_b) - h_b mean_b(t_b h_b))",
        "sum-for-mean",
    ),
    (BATCH_NORM, "dL/dx_b = g / sqrt(v) (t_b - mean_b(t_b) - h_b mean_b(t_b h_b))", "term"),
    (BATCH_NORM, "dL/dv = -1/2 sum_b(dL/dh_b (x_b - m) (v + r)^(-1/2))", "power"),
    (BATCH_NORM, "dL/dm = -sum_b(dL/dy_b) / sqrt(v + r)", "wrong-tensor"),
    (BATCH_NORM, "dL/dg = y_b h_b", "wrong-tensor"),
    (ATTENTION, "dL/dS_ts = P_ts (T_te V_se - P_ts O_te T_te)", "extra-factor"),
    (ATTENTION, "dL/dS_ts = P_ts T_te V_se", "term"),
    (ATTENTION, "dL/dQ_td = P_ts (T_te V_se - O_te T_te) K_sd", "factor"),
    (ATTENTION, "dL/dQ_td = P_ts (T_te V_se - O_te T_te) K_sd / size(d)", "factor"),
    (ATTENTION, "dL/dQ_td = dL/dS_st K_sd / sqrt(size(d))", "transposed"),
    (ATTENTION, "dL/dV_se = P_st T_te", "transposed"),
    (RECURRENT, "dL/dV_hg = dL/dh_h (1 - a_h^2) s_g", "preactivation"),
    (RECURRENT, "dL/dV_hg = dL/dh_h (1 - h_h) s_g", "power"),
    (RECURRENT, "dL/dV_hg = dL/dh_h (1 - h_g^2) s_g", "label"),
    (RECURRENT, "dL/dh_h = W_oh (y_o - 1)", "wrong-tensor"),
    (RECURRENT, "dL/dh_h = W_oh (delta[o,t] - y_o)", "sign"),
    (RECURRENT, "dL/dh_h = W_ho (y_o - delta[o,t])", "transposed"),
    (CLASSES, "dL/dW_io = sum_b(X_bi (Z_bo - delta[y[b],o]))", "sum-for-mean"),
    (CLASSES, "dL/dW_io = X_bi (Z_bo - delta[y[b],o]) / size(o)", "factor"),
    (CLASSES, "dL/dA_bo = Z_bo / size(b) - delta[y[b],o]", "factor"),
    (CLASSES, "dL/dA_bo = (Z[b,y[b]] - delta[y[b],o]) / size(b)", "wrong-tensor"),
    (CLASSES, "dL/dZ_bo = -1 / (size(b) Z_bo)", "delta"),
    (CLASSES, "d2L/dA_bo dA_cp = Z_bo (delta_op - Z_bp) / size(b)", "delta"),
    (CLASSES, "d2L/dA_bo dA_cp = delta_bc Z_bo (1 - Z_bp) / size(b)", "delta"),
    (CLASSES, "d2L/dA_bo dA_cp = delta_bc Z_bo (delta_op - Z_bo) / size(b)", "label"),
    (LOGISTIC, "d2L/dw_i dw_j = mean_b(X_bi X_bi p_b (1 - p_b))", "label"),
    (LOGISTIC, "d2L/dw_i dw_j = mean_b(X_bi X_bj p_b)", "activation-derivative"),
    (LOGISTIC, "d2L/dw_i dw_j = X_bi X_bj p_b (1 - p_b)", "factor"),
    (LOGISTIC, "dL/dw_i = mean_b(X_bi (y_b - p_b))", "sign"),
    (LOGISTIC, "dL/dp_b = (p_b - y_b) / (p_b (1 - p_b))", "factor"),
    (LOGISTIC, "dL/dp_b = -(y_b / p_b + (1 - y_b) / (1 - p_b)) / size(b)", "sign"),
    (MLP, "dL/dW1_ih = X_bi dL/dZ1_bh", "activation-derivative"),
    (MLP, "dL/dW1_ih = X_bi dL/dA1_bh Z1_bh (1 - Z1_bh)", "activation-derivative"),
    (MLP, "dL/dW2_ho = Z1_bh dL/dZ2_bo", "wrong-tensor"),
    (MLP, "dL/dA1_bh = dL/dA2_bo W2_ho A1_bh (1 - A1_bh)", "preactivation"),
    (MLP, "dL/dA1_bh = dL/dA2_bo W2_ho sigmoid(Z1_bh) (1 - sigmoid(Z1_bh))", "activation-argument"),
    (MLP, "dL/dW1_hi = X_bi dL/dA1_bh", "transposed"),
    (MLP, "dL/dW1_ih = X_bh dL/dA1_bi", "transposed"),
    (MLP, "dL/db1_h = dL/dA1_bh", "sum"),
    (MLP, "dL/db2_o = Z2_bo - T_bo", "sum"),
    ("L = sum_i(x_i^3) / 3", "dL/dx_i = 0.3333 3 x_i^2", "factor"),
    ("L = sum_i(x_i) / 3", "dL/dx_i = 0.3333", "factor"),
    ("L = 0.1 x_i x_i", "dL/dx_i = 0.20001 x_i", "factor"),
    ("Y_ij = A_ik B_kj\nL = sum_ij(Y_ij^2)", "dL/dA_ik = 2 Y_ij B_jk", "transposed"),
    ("Y_ij = A_ik B_kj\nL = sum_ij(Y_ij^2)", "dL/dA_ki = 2 Y_ij B_kj", "transposed"),
    ("q = x_i A_ij x_j", "dq/dx_i = 2 A_ij x_j", "assumption"),
    ("d = det_ij(A_ij)", "dd/dA_ij = d inv_ij(A_ij)", "transposed"),
    ("q = x_i A_ij x_j", "d2q/dx_i dx_j = 2 A_ij", "assumption"),
    ("p_i = softmax_i(a_i)\nL = -t_i log(p_i)", "dL/da_i = p_i - t_i", "assumption"),
    (
        "p_i = softmax_i(a_i)\nL = -t_i log(p_i)",
        "d2L/da_i da_j = p_i (delta_ij - p_j)",
        "assumption",
    ),
    ("n = norm_i(x_i)", "dn/dx_i = x_i", "missing-factor"),
    ("y_i = relu(x_i)", "dy_i/dx_j = where(x_i < 0, 1, 0) delta_ij", "activation-derivative"),
    ("y_i = relu(x_i)", "dy_i/dx_j = where(x_i > 1, 1, 0) delta_ij", "factor"),
    ("y_i = relu(x_i)", "dy_i/dx_j = delta_ij", "activation-derivative"),
    ("y_i = x_i^2", "dy_i/dx_j = 2 x_i", "delta"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "claim"), RIGHT)
def test_a_right_claim_is_accepted(text: str, claim: str) -> None:
    verdict = eg.parse(text).check(claim)
    assert verdict.ok, str(verdict)


@pytest.mark.parametrize(("text", "claim", "mistake"), WRONG)
def test_a_wrong_claim_is_rejected_and_the_mistake_named(
    text: str, claim: str, mistake: str
) -> None:
    model = eg.parse(text)
    verdict = model.check(claim)
    assert not verdict.ok
    assert verdict.mistake == mistake, str(verdict)
    assert model.check(verdict.correct).ok
    if verdict.fixed is not None and verdict.assumption is None:
        assert model.check(verdict.fixed).ok, str(verdict)


def test_a_function_that_works_for_square_matrices_only_is_wrong() -> None:
    model = eg.parse("Y_ij = A_ik B_kj\nL = sum_ij(Y_ij^2)")
    verdict = model.check(lambda Y, B: 2 * Y @ B, of="L", wrt="A")
    assert (verdict.ok, verdict.mistake) == (False, "shape")
    assert "works where all axes have one size" in verdict.reason
    assert model.check(lambda Y, B: 2 * Y @ B.T, of="L", wrt="A").ok


def test_a_function_that_returns_no_array_is_an_error() -> None:
    model = eg.parse("L = x_i A_ij x_j")
    for result in ([[1, 2], [3]], None, "x", object()):
        with pytest.raises(eg.EingradError, match="returned"):
            model.check(lambda _=0, result=result: result, of="L", wrt="x")


def test_a_function_that_writes_into_its_arguments_harms_nothing() -> None:
    model = eg.parse("L = x_i A_ij x_j")

    def doubled(A: Any, x: Any) -> Any:
        A *= 2
        return (A @ x + x @ A) / 2

    for _ in range(2):
        assert model.check(doubled, of="L", wrt="x").ok
    assert model.check("dL/dx_i = A_ij x_j + A_ji x_j").ok
