"""Why a claim is wrong: mistakes of public threads and others of their kinds, each named.

PyTorch says that the claims are wrong, and that what `Verdict.correct` says is right.
"""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from mutations import is_right

import eingrad as eg
from eingrad.check import MISTAKES
from eingrad.check.one_hot_targets import may_be_targets
from eingrad.notation.parse import parse_claim

CROSS_ENTROPY = """
p_i = softmax_i(a_i)
L = -t_i log(p_i)
assume sum_i(t_i) = 1
"""
ATTENTION = """
S_ij = Q_ik K_jk / sqrt(size(k))
A_ij = softmax_j(S_ij)
O_ie = A_ij V_je
L = O_ie G_ie
"""
POLICY = """
p_a = softmax_a(t_a)
l_a = log(p_a)
L = l_a r_a
"""
FOCAL = """
p_c = softmax_c(z_c)
L = -y_c (1 - p_c)^g log(p_c)
"""
LAYER_NORM = """
m_i = mean_j(X_ij)
v_i = mean_j((X_ij - m_i)^2)
h_ij = (X_ij - m_i) / sqrt(v_i + 1)
Y_ij = g_j h_ij + b_j
L = Y_ij T_ij
"""
BATCH_NORM = """
m_j = mean_b(X_bj)
v_j = mean_b((X_bj - m_j)^2)
h_bj = (X_bj - m_j) / sqrt(v_j + 1)
Y_bj = g_j h_bj + c_j
L = sum_bj(Y_bj^2)
"""
RECURRENT = """
h1_i = tanh(U_ij x1_j + W_ik h0_k)
h2_i = tanh(U_ij x2_j + W_ik h1_k)
h3_i = tanh(U_ij x3_j + W_ik h2_k)
L = v_i h3_i
"""
GRU = """
z_j = sigmoid(Wz_ji x_i + Uz_jk h_k)
r_j = sigmoid(Wr_ji x_i + Ur_jk h_k)
q_k = r_k h_k
n_j = tanh(Wh_ji x_i + Uh_jk q_k)
s_j = (1 - z_j) h_j + z_j n_j
L = s_j g_j
"""
KALMAN = """
C_ij = (delta_ik - K_ip H_pk) P_kl (delta_jl - K_jq H_ql) + K_ip R_pq K_jq
L = C_ii
assume P_ij = P_ji
assume R_pq = R_qp
"""
FACTORISATION = """
L = sum_ij((M_ij - U_ik V_jk)^2) + l sum_ik(U_ik^2)
"""
LEAST_SQUARES = """
L = sum_nj((X_ni W_ij - Y_nj)^2)
"""
QUADRATIC = """
L = x_i A_ij x_j
"""
CHAIN = """
Y_ij = A_ik B_kl C_lj
L = Y_ij G_ij
"""
LOGDET = """
L = logdet_ij(S_ij)
assume S_ij = S_ji
"""
RESIDUAL = """
a_i = W_ij x_j
h_i = x_i + tanh(a_i)
u_i = V_ij h_j
o_i = h_i + tanh(u_i)
L = o_i g_i
"""
INVERSE_ROOT = """
L = (x_i x_i + e)^(-1/2)
"""
LAYER = """
a_i = W_ij x_j
h_i = sigmoid(a_i)
L = sum_i((h_i - y_i)^2)
"""
HEADS = """
S_hij = Q_hid K_hjd / sqrt(size(d))
A_hij = softmax_j(S_hij)
O_hie = A_hij V_hje
Y_im = O_hie W_hem
L = sum_im((Y_im - T_im)^2)
"""
RMS_NORM = """
r_b = sqrt(mean_k(x_bk^2) + 1)
y_bk = g_k x_bk / r_b
L = y_bk t_bk
"""
TEMPERATURE = """
s_i = a_i / T
p_i = softmax_i(s_i)
L = sum_i((p_i - q_i)^2)
"""
LSTM = """
f_h = sigmoid(Wf_hx x_x + Uf_hg k_g)
i_h = sigmoid(Wi_hx x_x + Ui_hg k_g)
u_h = tanh(Wu_hx x_x + Uu_hg k_g)
c_h = f_h d_h + i_h u_h
o_h = sigmoid(Wo_hx x_x + Uo_hg k_g)
m_h = o_h tanh(c_h)
L = m_h t_h
"""
LOG_SOFTMAX = """
l_bc = log_softmax_c(z_bc)
L = -mean_b(sum_c(t_bc l_bc))
assume sum_c(t_bc) = 1
"""
STANDARD_SCORE = """
m = mean_i(x_i)
s = sqrt(mean_i((x_i - m)^2) + 1)
z_i = (x_i - m) / s
L = sum_i(z_i^3)
"""
RIDGE = """
r_i = A_ij x_j - b_i
L = r_i r_i + l x_j x_j
"""
FOUR_LAYERS = """
A1_bh = X_bi W1_ih + b1_h
Z1_bh = tanh(A1_bh)
A2_bg = Z1_bh W2_hg + b2_g
Z2_bg = tanh(A2_bg)
A3_bk = Z2_bg W3_gk + b3_k
Z3_bk = sigmoid(A3_bk)
A4_bo = Z3_bk W4_ko + b4_o
Z4_bo = softmax_o(A4_bo)
C_b = -T_bo log(Z4_bo)
L = mean_b(C_b)
assume sum_o(T_bo) = 1
"""
TRIPLET = """
a = sum_i((x_i - p_i)^2)
b = sum_i((x_i - n_i)^2)
L = relu(a - b + m)
"""
ONE = "S_ij and S_ji are one variable"
DIAGONAL = "the Jacobian of {} is taken as its diagonal"
WHY = [
    (CROSS_ENTROPY, "dL/da_i = -t_i (1 - p_i)", DIAGONAL.format("softmax_i in p")),
    (CROSS_ENTROPY, "dp_i/da_j = delta_ij p_i (1 - p_i)", DIAGONAL.format("softmax_i in p")),
    (ATTENTION, "dL/dS_ij = A_ij (1 - A_ij) dL/dA_ij", DIAGONAL.format("softmax_j in A")),
    (ATTENTION, "dL/dS_ij = A_ij (1 - A_ij) G_ie V_je", DIAGONAL.format("softmax_j in A")),
    (
        ATTENTION,
        "dL/dQ_ik = A_ij (1 - A_ij) dL/dA_ij K_jk / sqrt(size(k))",
        DIAGONAL.format("softmax_j in A"),
    ),
    (POLICY, "dl_a/dt_b = delta_ab (1 - p_a)", DIAGONAL.format("softmax_a in p")),
    (POLICY, "dL/dt_a = r_a (1 - p_a)", DIAGONAL.format("softmax_a in p")),
    (FOCAL, "dL/dz_c = dL/dp_c p_c (1 - p_c)", DIAGONAL.format("softmax_c in p")),
    (HEADS, "dL/dS_hij = A_hij (1 - A_hij) dL/dA_hij", DIAGONAL.format("softmax_j in A")),
    (TEMPERATURE, "dL/da_i = 2 (p_i - q_i) p_i (1 - p_i) / T", DIAGONAL.format("softmax_i in p")),
    (
        LOG_SOFTMAX,
        "dL/dz_bc = -t_bc (1 - exp(l_bc)) / size(b)",
        DIAGONAL.format("log_softmax_c in l"),
    ),
    (
        LOG_SOFTMAX,
        "dL/dz_bc = -t_bc (1 - exp(l_bc))",
        DIAGONAL.format("log_softmax_c in l") + "; and factor 1/size(b) missing",
    ),
    (FOUR_LAYERS, "dL/dA4_bo = Z4_bo (1 - Z4_bo) dL/dZ4_bo", DIAGONAL.format("softmax_o in Z4")),
    (LAYER_NORM, "dL/dX_ij = dL/dh_ij / sqrt(v_i + 1)", "the paths through m and v are missing"),
    (LAYER_NORM, "dL/dX_ij = T_ij g_j / sqrt(v_i + 1)", "the paths through m and v are missing"),
    (BATCH_NORM, "dL/dX_bj = 2 g_j Y_bj / sqrt(v_j + 1)", "the paths through m and v are missing"),
    (RMS_NORM, "dL/dx_bk = g_k t_bk / r_b", "the path through r is missing"),
    (STANDARD_SCORE, "dL/dx_i = 3 z_i^2 / s", "the paths through m and s are missing"),
    (RECURRENT, "dL/dW_ik = v_i (1 - h3_i^2) h2_k", "the path through h2 is missing"),
    (RECURRENT, "dL/dU_ij = v_i (1 - h3_i^2) x3_j", "the path through h2 is missing"),
    (GRU, "dL/dh_j = g_j (1 - z_j)", "the paths through z and q are missing"),
    (
        f"{GRU}p_k = softmax_k(E_ki s_i)\nM = -t_k log(p_k)\nassume sum_k(t_k) = 1",
        "dM/dh_j = (p_k - t_k) E_kj (1 - z_j) + (p_k - t_k) E_ki z_i (1 - n_i^2) Uh_ij r_j",
        "the paths through z and r are missing",
    ),
    (GRU, "dL/dh_j = 0", "L depends on h, through z, r, q and s"),
    (CROSS_ENTROPY, "dL/da_i = 0", "L depends on a, through p"),
    ("L = a_i a_i + b", "dL/da_i = 0", "L depends on a"),
    (
        LSTM,
        "dL/dx_x = t_h o_h (1 - tanh(c_h)^2) d_h f_h (1 - f_h) Wf_hx",
        "the paths through i, u and o are missing",
    ),
    (LSTM, "dL/dk_g = t_h tanh(c_h) o_h (1 - o_h) Uo_hg", "the path through c is missing"),
    (RESIDUAL, "dL/dx_i = g_i", "the paths through a and u are missing"),
    (
        RESIDUAL,
        "dL/dx_i = g_j (1 - (o_j - h_j)^2) V_jk (1 - (h_k - x_k)^2) W_ki",
        "the paths straight from x to h and from h to o are missing",
    ),
    (
        CHAIN,
        "dL/dA_ik = G_ij C_jl B_lk",
        "C_jl and B_lk are both transposed: G_ij C_lj B_kl is meant",
    ),
    (FOCAL, "dL/dp_c = -y_c (1 - p_c)^g / p_c", "the term + "),
    (ATTENTION, "dL/dK_jk = A_ij dL/dA_ij Q_ik / sqrt(size(k))", "the term - "),
    (TRIPLET, "dL/dx_i = 2 (n_i - p_i)", "the derivative of relu in L is missing"),
    (
        FACTORISATION,
        "dL/dU_ik = -(M_ij - U_ip V_jp)^2 V_jk + 2 l U_ik",
        "the power rule is not applied to (M_ij - U_ik V_jk)^2",
    ),
    (RIDGE, "dL/dx_j = A_ij r_i^2 + 2 l x_j", "the power rule is not applied to r_i^2"),
    ("L = sum_i(x_i^3) + y^2", "dL/dx_i = x_i^3", "the power rule is not applied to x_i^3"),
    ("L = sum_i(x_i^3)", "dL/dx_i = 3 x_i^3", "the exponent of x_i^3 is not lowered"),
    ("L = (w_i x_i - y)^2", "dL/dw_i = (w_j x_j - y)^2 x_i", "the power rule is not applied to"),
    (INVERSE_ROOT, "dL/dx_i = -x_i / (x_j x_j + e)^(1/2)", "is not lowered"),
    ("L = x_k B_k y_l C_l", "dL/dx_k = B_k y_k C_k", "the label k is used twice"),
    ("y_i = a_k b_k c_l d_il", "dy_i/db_k = a_k c_k d_ik", "the label k is used twice"),
    (LAYER, "dL/dW_ij = 2 (y_i - h_i) x_j", "is missing; and the sign is wrong"),
    (LAYER, "dL/dW_ij = (h_i - y_i) h_i x_j", "factor (1 - h_i) is missing; and factor 2 missing"),
    (
        LAYER,
        "dL/dx_j = 2 (h_i - y_i) h_i (1 + h_i) W_ji",
        "sign of h_i: - is meant, not +; and W_ji is transposed: W_ij is meant",
    ),
    (
        FOUR_LAYERS,
        "dL/dW1_ih = X_bi (Z4_bo - T_bo) W4_ko W3_gk W2_hg / size(b)",
        "the derivative of tanh in Z1 is missing; and the derivative of tanh in Z2 is missing; "
        "and the derivative of sigmoid in Z3 is missing",
    ),
]
RIGHT_IF = [
    ("L = logdet_ij(S_ij)\nassume S_ij = S_ji", "2 inv_ij(S_ij) - delta_ij inv_ij(S_ij)", ONE),
    ("L = logdet_ij(S_ij)", "2 inv_ij(S_ij) - delta_ij inv_ij(S_ij)", ONE),
    ("L = x_i S_ij x_j", "2 x_i x_j - delta_ij x_i x_i", ONE),
    ("L = S_ij x_i y_j\nassume S_ij = S_ji", "x_i y_j + x_j y_i - delta_ij x_i y_i", ONE),
    ("L = S_ij S_ji", "4 S_ij - 2 delta_ij S_ij", ONE),
    ("L = S_ij S_ij + S_ij S_ji", "4 S_ij", "S_ij = S_ji"),
    ("p_i = softmax_i(S_ij x_j)\nL = -t_i log(p_i)", "(p_i - t_i) x_j", "sum_i(t_i) = 1"),
    ("L = sqrt(s^2) S_ij y_i z_j", "s y_i z_j", "s > 0"),
    ("L = sqrt(s^2) S_ij y_i z_j", "-s y_i z_j", "s < 0"),
]
NOT_RIGHT_IF = [
    ("L = x_i S_ij x_j", "2 x_i x_j"),
    ("L = x_i S_ij x_j", "2 x_i x_j + delta_ij x_i x_i"),
    ("L = logdet_ij(S_ij)", "inv_ij(S_ij) - delta_ij inv_ij(S_ij)"),
    ("L = sqrt(s^2) S_ij y_i z_j", "2 s y_i z_j"),
]
NEVER_ONE_HOT = [  # what one differentiates by, 1^2 = 1, and where both sides would be 0
    ("L = sum_i(x_i^2)", "dL/dx_i = 2 x_i^1.001"),
    ("L = sum_i(x_i^4)", "d2L/dx_i dx_j = 12 x_i^2 x_j^2"),
    ("M = sum_i(abs(x_i)^p)^(1/p)", "dM/dx_i = sign(x_i) abs(x_i)^(p-1) M^(p-1)"),
    ("L = max_i(x_i)", "dL/dx_i = x_i"),
    ("L = sum_i(a_i x_i^2)", "dL/dx_i = 2 a_i^2 x_i"),
    ("L = A_ij x_i y_j", "dL/dx_i = A_ij y_j^2"),
    ("L = -sum_i(y_i log(p_i))", "dL/dp_i = -y_i^2 / p_i"),
    ("y = relu(x)", "dy/dx = relu(x)"),
    ("y = relu(x)^2", "d2y/dx dx = 0"),
    (
        "L = sum_i(exp(w_j x_ij))",
        "d2L/dw_j dw_k = where(j != k, 3 sum_i(x_ij x_ik exp(w_l x_il)), d2L/dw_j dw_k)",
    ),
]


LAYOUT = [
    ("y_i = W_ij a_j", "dy_i/da_j = W_ji", "dy_i/da_j = W_ij", "dy_j/da_i"),
    ("y_k = tanh(W_kl a_l)", "dy_k/da_l = W_lk (1 - y_l^2)", "dy_k/da_l = W_kl (1 - y_k^2)",
     "dy_l/da_k"),
    ("v_k = a_k / (sum_i(a_i) + 1)", "dv_k/da_l = (delta_kl - v_l) / (sum_i(a_i) + 1)",
     "dv_k/da_l = (delta_lk - v_k) / (sum_i(a_i) + 1)", "dv_l/da_k"),
    ("q_i = log(softmax_i(z_i))", "dq_i/dz_j = delta_ij - exp(q_i)",
     "dq_i/dz_j = delta_ji - exp(q_j)", "dq_j/dz_i"),
    ("Y_bo = X_bi W_oi", "dY_bo/dX_ci = W_io delta_bc", "dY_bo/dX_ci = W_oi delta_cb",
     "dY_ci/dX_bo"),
    ("Y_ij = A_ik X_kl B_lj", "dY_ij/dX_kl = A_ki B_jl", "dY_ij/dX_kl = A_ik B_lj", "dY_kl/dX_ij"),
]  # fmt: skip
NO_LAYOUT = [
    ("y_i = W_ij a_j", "dy_i/da_j = -W_ji"),
    ("y_i = W_ij a_j", "dy_i/da_j = W_ij + W_ji"),
    ("y_i = x_j W_ji\nL = sum_i(y_i^2)", "dL/dW_ij = 2 x_j y_i"),  # shaped like its variable
    ("L = x_i A_ij y_j", "d2L/dx_i dy_j = A_ji"),
]


def holds(text: str, claim: str) -> bool:
    """Whether a claim is right by PyTorch."""
    model: Any = SimpleNamespace(text=text)
    return is_right(model, parse_claim(claim, set(eg.parse(text).labels)))


@pytest.mark.parametrize(("text", "claim", "reason"), WHY)
def test_the_mistake_is_named(text: str, claim: str, reason: str) -> None:
    verdict = eg.parse(text).check(claim)
    assert verdict.outcome == "wrong", str(verdict)
    assert reason in verdict.reason
    assert verdict.mistake in MISTAKES
    for right in {verdict.correct, verdict.fixed or verdict.correct}:
        assert holds(text, right), right
        assert "2 2" not in right


@pytest.mark.parametrize(("text", "claim"), [(t, c) for t, c, _ in WHY if "transposed" not in _])
def test_pytorch_finds_these_claims_wrong(text: str, claim: str) -> None:
    try:
        assert not holds(text, claim)
    except eg.NotationError as error:
        assert re.search("two dimensions", str(error))  # noqa: PT017


@pytest.mark.parametrize(
    ("text", "claim", "factor"),
    [
        (LEAST_SQUARES, "dL/dW_ij = 2 X_ni (X_ni W_ij - Y_nj)", "X_ni W_ij - Y_nj"),
        ("L = (a_i x_i)^2", "dL/dx_i = 2 (a_i x_i) a_i", "a_i x_i"),
    ],
)
def test_a_kept_letter_that_is_summed_too(text: str, claim: str, factor: str) -> None:
    verdict = eg.parse(text).check(claim)
    condition = f"the i in {factor} is a letter of its own"
    assert (verdict.outcome, verdict.reason) == ("right if", f"right if {condition}")


@pytest.mark.parametrize(("text", "claim", "condition"), RIGHT_IF)
def test_a_condition_is_named(text: str, claim: str, condition: str) -> None:
    model = eg.parse(text)
    verdict = model.check(f"dL/dS_ij = {claim}")
    assert (verdict.outcome, verdict.assumption) == ("right if", condition), str(verdict)
    if condition != ONE:
        stated = eg.parse(f"{text}\nassume {condition}")
        assert stated.check(f"dL/dS_ij = {claim}").outcome == "right"


@pytest.mark.parametrize(("text", "claim", "meant", "other"), LAYOUT)
def test_labels_say_which_axis_is_whose(text: str, claim: str, meant: str, other: str) -> None:
    verdict = eg.parse(text).check(claim)
    assert (verdict.outcome, verdict.mistake, verdict.fixed) == ("wrong", "transposed", meant)
    assert verdict.reason.endswith(f"are exchanged: this is {other} (denominator layout)")
    assert holds(text, meant)


@pytest.mark.parametrize(("text", "claim"), NO_LAYOUT)
def test_what_is_wrong_in_either_layout(text: str, claim: str) -> None:
    assert eg.parse(text).check(claim).outcome == "wrong"


def test_a_function_in_the_other_layout() -> None:
    model = eg.parse("y_i = W_ij a_j^2")
    found = model.check(lambda W, a: (2 * W * a).T, of="y", wrt="a")
    assert found.assumption == "the axes of a come first, then those of y (denominator layout)"
    assert model.check(lambda W, a: (W * a).T, of="y", wrt="a").outcome == "wrong"


@pytest.mark.parametrize(("text", "claim"), NOT_RIGHT_IF)
def test_what_no_condition_makes_right(text: str, claim: str) -> None:
    assert eg.parse(text).check(f"dL/dS_ij = {claim}").outcome == "wrong"


@pytest.mark.parametrize(("text", "claim"), NEVER_ONE_HOT)
def test_what_no_choice_among_entries_makes_right(text: str, claim: str) -> None:
    assert eg.parse(text).check(claim).outcome == "wrong"


def test_the_right_formula_is_as_short_as_the_derived_one() -> None:
    for text, wrt in [(LAYER_NORM, "X"), (BATCH_NORM, "X"), (GRU, "h"), (FOCAL, "z")]:
        model = eg.parse(text)
        labels = "".join(model.labels[wrt])
        correct = model.check(f"dL/d{wrt}_{labels} = 0").correct
        assert len(correct) <= len(str(model.grad("L", wrt)[wrt]))


IN_PART = [
    # model, claim, what is said where several mistakes leave only part of a formula right
    ("S_gh = t_g O_gh t_h\nL = b_g inv_gh(S_gh) b_h",
     "dL/dO_gh = -inv_gp(S_gp) b_p b_q inv_qh(S_qh)", "missing-factor",
     "the factors t_g t_h are missing"),
    ("E_ij = (F_ki F_kj - delta_ij) / 2\nW = lam E_ii^2 / 2 + mu E_ij E_ij",
     "dW/dE_ij = lam E_ij + 2 mu E_ij", "term",
     "the term lam E_ij is wrong: delta_ij lam E_ll is meant"),
    ("L = sum_ijk((T_ijk - A_ir B_jr C_kr)^2)", "dL/dA_ir = -2 T_ijk B_jr C_kr + 2 A_ir", "term",
     "the term 2 A_ir is wrong: 2 A_is B_jr B_js C_kr C_ks is meant"),
    ("p_nk = a_k exp(-(x_n - m_k)^2 / 2)\nL = -sum_n(log(sum_k(p_nk)))",
     "dL/dm_k = -sum_n(x_n - m_k)", "missing-factor", "the factors p_nk / sum_l(p_nl) are missing"),
    ("S_gh = t_g O_gh t_h\nL = b_g inv_gh(S_gh) b_h",
     "dL/dt_g = -2 b_g / t_g inv_gh(S_gh) b_h / t_g", "wrong-tensor",
     "inv_gh(S_gh) + inv_hg(S_hg) is meant, not 2 inv_gh(S_gh) / t_g"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "claim", "mistake", "reason"), IN_PART)
def test_what_differs_is_said_where_part_of_a_claim_is_right(
    text: str, claim: str, mistake: str, reason: str
) -> None:
    verdict = eg.parse(text).check(claim)
    assert (verdict.outcome, verdict.mistake) == ("wrong", mistake)
    assert verdict.reason == reason
    assert "inv" in text or holds(text, verdict.correct)  # the oracle knows no inverse


RING = " ".join(map("{}_{}{}".format, "ABACADBACDABBACDCBDD", "abcdefghijklmnopqrst",
                    "bcdefghijklmnopqrsta"))  # fmt: skip


@pytest.mark.parametrize("place", [0, 4])
@pytest.mark.parametrize("mistake", ["extra number", "extra tensor", "sign"])
def test_one_wrong_term_of_a_long_claim_is_named(mistake: str, place: int) -> None:
    model = eg.parse(f"L = {RING}+ sum_uv(A_uv)")
    left, _, right = str(model.grad("L", "A")["A"]).partition(" = ")
    terms = [f"+ {x}" for x in right.split(" + ")]
    assert len(terms) == 7
    if mistake == "sign":
        wrong = terms[place] = terms[place].replace("+", "-")
        said = f"sign of {wrong[2:]}: + is meant, not -"
    else:
        wrong = "+ 3" if mistake == "extra number" else "- B_xy B_xy"
        terms.insert(place, wrong)
        said = f"the term {wrong} does not belong here"
    verdict = model.check(f"{left} = {' '.join(terms)}")
    assert verdict.outcome == "wrong"
    assert verdict.reason == said
    assert model.check(str(verdict.fixed)).outcome == "right"


def test_an_assumption_is_found_where_not_all_of_its_kind_can_hold() -> None:
    model = eg.parse("p_i = softmax_i(z_i)\nL = -t_i log(p_i) + log(w - w1) + log(w1)")
    verdict = model.check("dL/dz_i = p_i - t_i")
    assert verdict.assumption == "sum_i(t_i) = 1"
    model = eg.parse("L = sqrt(x^2) + log(y) + v^3")
    verdict = model.check("dL/dx = -1")
    assert verdict.assumption == "x < 0"


LOSS = "p_k = softmax_k(z_k)\nL = -sum_k(y_k log(p_k))"
DIRECT = "L = logsumexp_k(z_k) - sum_k(y_k z_k)"


@pytest.mark.parametrize(("text", "claim"), [
    ("y_i = tanh(W_ij x_j)\nL = sum_i(y_i)", "dL/dW_ij = (1 - y_i^2) x_j^2"),
    ("L = sum_i(q_i x_i^3)", "dL/dx_i = 3 q_i^2 x_i^2"),
    ("L = A_ij x_i y_j", "dL/dx_i = A_ij y_j^2"),
    ("a_qk = softmax_k(s_qk)\nY_qd = a_qk V_kd\nL = sum_qd(Y_qd)", "dL/da_qk = sum_d(V_kd^2)"),
])  # fmt: skip
def test_what_is_no_target_is_not_one_hot(text: str, claim: str) -> None:
    assert eg.parse(text).check(claim).outcome == "wrong"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (LOSS, "y"),
        (DIRECT, "yz"),
        ("p_k = softmax_k(z_k)\nL = sum_k((p_k - y_k)^2)", "y"),
        ("p_k = exp(z_k) / sum_j(exp(z_j))\nL = -log(sum_k(y_k p_k))", "y"),
        ("L = -log(sum_k(y_k p_k))", "py"),
        ("p = sigmoid(w_i x_i)\nL = -y log(p) - (1 - y) log(1 - p)", "y"),
        ("h_j = tanh(W_jk x_k)\nL = sum_j((h_j - t_j)^2)", ""),
    ],
)
def test_targets_weigh_logarithms_or_stand_beside_a_softmax(text: str, names: str) -> None:
    assert may_be_targets(eg.parse(text).system.exprs) == {*names}
