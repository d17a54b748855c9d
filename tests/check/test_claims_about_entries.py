"""Claims about some entries and about labels that move: right ones in several spellings, twins.

Right and wrong are by hand.
"""

import pytest

import eingrad as eg

SQUARE = "y_i = x_i^2\nL = sum_i(y_i)"
SHORTER = "y_i = x_i^2\nu_p = y[p+1]\nL = sum_p(u_p^2)"
FIRST = "y_i = x_i^2 x[0]\nL = sum_i(y_i) + y[-1]"
WINDOW = "y_i = x[i+k] w_k\nL = y_i y_i"
TRIANGLE = "y_q = sum_k(where(k <= q, a_qk x_k, 0)) + b_q"
AFTER = "2 sum_i(where(n > i, y_i w[n-i], 0))"
CLAIMS = [
    # labels of axes that are not as long: n goes further than i
    (WINDOW, "dy_i/dx_n = where(n > i, w[n-i], 0) + where(n == i, w[0], 0)", True),
    (WINDOW, "dy_i/dx_n = where(n == i, w[0], where(n == i + 1, w[1], w[n-i]))", True),
    (WINDOW, "dy_i/dx_n = where(n == i, w[1], where(n == i + 1, w[1], w[n-i]))", False),
    (WINDOW, "dy_i/dx_n = where(n != i, w[n-i], 0) + delta_in w[0]", True),
    (WINDOW, "dy_i/dx_n = where(n != i, w[n-i], 0) - delta_in w[0]", False),
    (WINDOW, f"dL/dx_n = {AFTER} + 2 sum_i(where(n == i, y_i w[0], 0))", True),
    (WINDOW, f"dL/dx_n = {AFTER} + 2 sum_i(delta_in y_i w[0])", True),
    (WINDOW, f"dL/dx_n = {AFTER} + 2 y_n w[0]", True),
    (WINDOW, f"dL/dx_n = {AFTER} + 2 where(n < size_i(y_i), y_n w[0], 0)", True),
    (WINDOW, f"dL/dx_n = {AFTER} + y_n w[0]", False), (WINDOW, "dL/dx_n = 2 y_n w_n", False),
    (TRIANGLE, "dy_q/dx_k = where(k < q, a_qk, 0) + where(k == q, a_qk, 0)", True),
    (TRIANGLE, "dy_q/dx_k = where(k < q, a_qk, 0) + delta_qk a_qk", True),
    (TRIANGLE, "dy_q/dx_k = delta_qk a_qk", False),
    (SQUARE, "y[0] = x[0]^2", True), (SQUARE, "y[0] = x[1]^2", False),
    (SQUARE, "y[-1] = x[-1]^2", True), (SQUARE, "y[-1] = x[0]^2", False),
    (SQUARE, "y[2] = x[2]^2", True), (SQUARE, "y[2] = 0", False),
    (SQUARE, "dL/dx[0] = 2 x[0]", True), (SQUARE, "dL/dx[-1] = 2 x[-1]", True),
    (SQUARE, "dL/dx[0] = 2 x[1]", False), (SQUARE, "dL/dx[0] = x[0]", False),
    (SQUARE, "dy[0]/dx_i = where(i == 0, 2 x[0], 0)", True), (SQUARE, "dy[0]/dx_i = 2 x_i", False),
    (SQUARE, "dy[1]/dx[1] = 2 x[1]", True), (SQUARE, "dy[1]/dx[0] = 0", True),
    (SQUARE, "dy[1]/dx[0] = 2 x[0]", False),
    (SQUARE, "dy_i/dx[0] = 2 x_i delta[i,0]", True),
    (SQUARE, "y[i+1] = x[i+1]^2", True), (SQUARE, "y[i+1] = x_i^2", False),
    (SHORTER, "dL/dx_i = 4 x_i u[i-1]", True), (SHORTER, "dL/dx_i = 4 x_i u[i-2]", False),
    (SHORTER, "dL/dx_i = 4 x_i u[i]", False), (SHORTER, "dL/dx_i = -4 x_i u[i-1]", False),
    (SHORTER, "dL/dx_i = where(i >= 1, 4 x_i u[i-1], 0)", True),
    (SHORTER, "dL/dx_i = where(i >= 2, 4 x_i u[i-1], 0)", False),
    (SHORTER, "dL/dx_i = 4 x_i^3", False), (SHORTER, "dL/dx_i = where(i > 0, 4 x_i^3, 0)", True),
    (SHORTER, "dL/dx[i+1] = 4 x[i+1] u_i", True), (SHORTER, "dL/dx[i+1] = 4 x_i u_i", False),
    (SHORTER, "dL/dx[0] = 0", True), (SHORTER, "dL/dx[1] = 4 x[1] u[0]", True),
    (SHORTER, "dL/dx[1] = 4 x[1] u[1]", False), (SHORTER, "dL/dx[0] = 4 x[0]^3", False),
    (SHORTER, "dL/dy_i = dL/du[i-1]", True), (SHORTER, "dL/dy_i = dL/du[i]", False),
    (SHORTER, "dL/dy[i+1] = dL/du_i", True),
    (SHORTER, "dL/dx_i = sum_p(4 u_p x_i delta[i,p+1])", True),
    (SHORTER, "dL/dx_i = sum_{p == i - 1}(4 u_p x_i)", True),
    (SHORTER, "dL/dx_i = sum_{p == i}(4 u_p x_i)", False),
    (SHORTER, "du_p/dx_i = 2 x_i delta[i,p+1]", True),
    (SHORTER, "du_p/dx_i = 2 x_i delta[i,p-1]", False),
    (SHORTER, "du_p/dx[p+1] = 2 x[p+1]", True), (SHORTER, "du_p/dx[p+1] = 2 x_p", False),
    (FIRST, "dL/dx_i = 2 x[0] dL/dy_i x_i + dL/dy_j x_j^2 dx[0]/dx_i", True),
    (FIRST, "dL/dx_i = 2 x[0] dL/dy_i x_i + dL/dy_j x_j^2 dx[1]/dx_i", False),
    (FIRST, "dy[1]/dx[0] = x[1]^2", True), (FIRST, "dy[1]/dx[0] = x[0]^2", False),
]  # fmt: skip


@pytest.mark.parametrize(("text", "claim", "right"), CLAIMS)
def test_claims_about_some_entries(text: str, claim: str, right: bool) -> None:
    verdict = eg.parse(text).check(claim)
    assert verdict.outcome == ("right" if right else "wrong"), verdict


@pytest.mark.parametrize(("text", "claim", "correct"), [
    (SQUARE, "y[0] = x[1]^2", "y_i = x_i^2"),
    (SQUARE, "dL/dx[0] = x[0]", "dL/dx[0] = 2 x[0]"),
    ("d_i = x_i^2", "d[1] = x[0]^2", "d_i = x_i^2"),
    ("h[t] = a h[t-1] + x_t\nL = h[-1]^2", "dL/dh[-1] = h[-1]",
     "dL/dh_t = where(t == size(t) - 1, 2 h_t, 0) + a dL/dh[t+1]"),
])  # fmt: skip
def test_the_right_formula_says_something(text: str, claim: str, correct: str) -> None:
    verdict = eg.parse(text).check(claim)
    assert (verdict.outcome, verdict.correct) == ("wrong", correct)


LOOP = "h[t,i] = tanh(U_ij h[t-1,j] + x_ti)\nh[t<0,i] = g_i\nL = sum_i(h[-1,i]^2)"
G = "G_ti = where(t == size(t) - 1, 2 h_ti, 0) + U_ji G[t+1,j] (1 - h[t+1,j]^2)"


@pytest.mark.parametrize(("claim", "right"), [
    (f"dL/dx_ti = G_ti (1 - h_ti^2)\n{G}", True),
    (f"{G}\ndL/dU_ij = G_ti (1 - h_ti^2) h[t-1,j]", True),
    (f"{G}\ndL/dU_ij = G_ti (1 - h_ti^2) h_tj", False),
    (f"dL/dx_ti = G_ti (1 - h_ti^2)\n{G.replace('U_ji', 'U_ij')}", False),
    (f"dL/dx_ti = G_ti (1 - h_ti^2)\n{G.replace('1 - h[t+1,j]^2', '1 - h_tj^2')}", False),
    ("dL/dh_ti = U_ji D[t+1,j] + where(t == size(t) - 1, 2 h_ti, 0)\n"
     "D_ti = E_ti (1 - h_ti^2)\nE_ti = where(t == size(t) - 1, 2 h_ti, 0) + U_ji D[t+1,j]", True),
    ("dL/dg_i = U_ji D[0,j]\n"
     "D_ti = E_ti (1 - h_ti^2)\nE_ti = where(t == size(t) - 1, 2 h_ti, 0) + U_ji D[t+1,j]", True),
    ("dL/dg_i = U_ji D[1,j]\n"
     "D_ti = E_ti (1 - h_ti^2)\nE_ti = where(t == size(t) - 1, 2 h_ti, 0) + U_ji D[t+1,j]", False),
])  # fmt: skip
def test_claims_may_define_recurrences(claim: str, right: bool) -> None:
    verdict = eg.parse(LOOP).check(claim)
    assert (verdict.outcome == "right") is right, verdict  # or right if U_ij = U_ji


def test_a_recurrence_whose_label_stands_in_conditions_alone() -> None:
    model = eg.parse("h[t] = a h[t-1] + x_t\nh[t<0] = g\nL = h[-1] h[0]")
    own = "G_t = where(t == 0, h[-1], 0) + where(t == size(t) - 1, h[0], 0) + a G[t+1]"
    assert model.check(f"dL/dx_t = G_t\n{own}").outcome == "right"
    assert model.check(f"dL/da = G_t h[t-1]\n{own}").outcome == "right"
    assert model.check(f"dL/da = G_t h_t\n{own}").outcome == "wrong"


def test_a_definition_that_refers_to_itself_at_its_own_position_is_no_recurrence() -> None:
    with pytest.raises(eg.NotationError, match="refer"):
        eg.parse(LOOP).check("dL/dx_ti = G_ti\nG_ti = 2 G_ti + h_ti")


@pytest.mark.parametrize(("claim", "reason"), [
    ("dy_i/dx_n = w[n+i]", "w[n+i] is read at the wrong place: w[n-i] is meant"),
    ("dL/dw_k = 2 y_i x[i-k]", "x[i-k] is read at the wrong place: x[i+k] is meant"),
    ("dL/dx_n = 2 y[n-k+1] w_k", "y[n-k+1] is read at the wrong place: y[n-k] is meant"),
    ("dL/dx_n = 2 y[k-n] w_k", "y[k-n] is read at the wrong place: y[n-k] is meant"),
])  # fmt: skip
def test_what_is_read_at_the_wrong_place_is_named(claim: str, reason: str) -> None:
    verdict = eg.parse(WINDOW).check(claim)
    assert (verdict.outcome, verdict.reason) == ("wrong", reason)
    assert eg.parse(WINDOW).check(str(verdict.fixed)).ok


@pytest.mark.parametrize(("claim", "outcome"), [
    (r"\frac{\partial E}{\partial u_i} = \frac{2 u_i - u_{i+1} - u_{i-1}}{h}", "right"),
    (r"\frac{\partial E}{\partial u_i} = \frac{2 u_i - u_{i+1} + u_{i-1}}{h}", "wrong"),
    (r"\frac{\partial E}{\partial u_i} = \frac{u_{i+1} - 2 u_i + u_{i-1}}{h}", "wrong"),
])  # fmt: skip
def test_a_stencil_is_judged_where_its_entries_exist(claim: str, outcome: str) -> None:
    verdict = eg.parse_latex(r"E = \frac{1}{2 h} \sum_i (u_{i+1} - u_i)^2").check(claim)
    assert verdict.outcome == outcome
    assert outcome == "wrong" or "i is not the first" in verdict.notes[0]


@pytest.mark.parametrize("by", [1, 3, 4, 9, 20])
def test_a_claim_far_outside_is_compared_where_its_entries_exist(by: int) -> None:
    """On axes that are no longer than the distance nothing was compared, and all was right."""
    model = eg.parse("L = sum_i(x_i^2)")
    assert model.check(f"dL/dx_i = 5 x[i+{by}]").outcome == "wrong"


CHAIN = r"f = \sum_{i=1}^{n-1} (x_{i+1} - x_i)^2"


@pytest.mark.parametrize(("entry", "side", "outcome"), [  # the ends have one neighbour each
    ("x_n", "2(x_n - x_{n-1})", "right"),
    ("x_n", "2(x_n - x_{n-1}) - 2(x_{n+1} - x_n)", "wrong"),
    ("x_n", "7(x_{n+1} - x_n)", "wrong"),
    ("x_1", "-2(x_2 - x_1)", "right"),
    ("x_1", "2(x_1 - x_0)", "wrong"),
    ("x_1", "5x_0", "wrong"),
    ("x_i", "2(x_i - x_{i-1}) - 2(x_{i+1} - x_i)", "right"),
])  # fmt: skip
def test_an_entry_at_an_end_is_compared(entry: str, side: str, outcome: str) -> None:
    (verdict,) = eg.parse_latex(CHAIN).check_each(
        rf"\frac{{\partial f}}{{\partial {entry}}} = {side}", latex=True
    )
    assert verdict.outcome == outcome


QUADRATIC = r"f = \frac12 x^\top A x \\ A = A^\top"
AFFINE = r"z = Wx \\ L = \frac12 \|z - t\|^2"


@pytest.mark.parametrize(("model", "claim", "noted"), [  # an entry is no whole vector
    (QUADRATIC, r"\frac{\partial f}{\partial x_i} = Ax", True),
    (QUADRATIC, r"\frac{\partial f}{\partial x_i} = (Ax)_i", False),
    (QUADRATIC, r"\frac{\partial f}{\partial x} = Ax", False),
    (AFFINE, r"\frac{\partial L}{\partial z_i} = z - t", True),
    (AFFINE, r"\frac{\partial L}{\partial z_i} = z_i - t_i", False),
    (r"L = \sum_i \mathbf w^\top \mathbf x_i",
     r"\frac{\partial L}{\partial \mathbf x_i} = \mathbf w", False),  # the same for each i
])  # fmt: skip
def test_a_label_that_the_right_side_lacks_is_noted(model: str, claim: str, noted: bool) -> None:
    verdict = eg.parse_latex(model).check(claim, latex=True)
    assert verdict.outcome == "right"
    assert any("stands on the left alone" in note for note in verdict.notes) == noted


def test_a_label_across_a_bar_without_a_sum_is_open() -> None:
    r"""DDPM's estimate is at each t: d x_0 / d eps = -sqrt(1 - a_t) / sqrt(a_t), of no sum."""
    model = eg.parse_latex(
        r"\hat x_0 = \frac{x_t - \sqrt{1-\bar\alpha_t}\,\epsilon}{\sqrt{\bar\alpha_t}}"
    )
    right = (
        r"\frac{\partial \hat x_0}{\partial \epsilon} = -\sqrt{\frac{1-\bar\alpha_t}{\bar\alpha_t}}"
    )
    verdict = model.check(right, latex=True)
    assert verdict.outcome == "not judged"
    assert "without a sign of a sum" in verdict.reason


RECURRENT = r"h_t = wh_{t-1} + x_t \\ L = \frac12 \sum_{t=1}^T h_t^2"


@pytest.mark.parametrize(("claim", "outcome"), [  # nothing stands behind the last
    (r"\frac{\partial L}{\partial h_T} = h_T + wh_{T+1}", "not judged"),
    (r"\frac{\partial L}{\partial h_T} = h_T", "right"),
    (r"\frac{\partial L}{\partial h_{T-1}} = h_{T-1} + wh_T", "right"),
    (r"\frac{\partial h_t}{\partial w} = h_{t-1}", "right if"),  # with h_{t-1} held fixed
    (r"\frac{\partial h_t}{\partial w} = 2h_{t-1}", "wrong"),
    (r"\frac{dh_t}{dw} = h_{t-1}", "wrong"),
    (r"\frac{\partial h_t}{\partial w} = h_{t-1} + w\frac{\partial h_{t-1}}{\partial w}", "right"),
])  # fmt: skip
def test_the_last_entry_and_one_step_of_a_recurrence(claim: str, outcome: str) -> None:
    verdict = eg.parse_latex(RECURRENT).check(claim, latex=True)
    assert verdict.outcome == outcome, verdict.reason
