r"""Claims in LaTeX about last entries, products along time and entries; models as books write them.

Right and wrong are by hand.
"""

from __future__ import annotations

import pytest

import eingrad as eg

pytestmark = pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")

TEXT = "h[t] = tanh(w h[t-1] + u x_t)\nL = sum_t(h_t^2)"
VECTORS = "h[t,i] = tanh(w_ij h[t-1,j] + u_i x_t)\nL = sum_ti(h_ti^2)"
SUMS = r"h_t = \tanh(w h_{t-1} + u x_t) \\ L = \sum_{%s} h_t^2"
FROM_0 = SUMS % "t=0}^{T-1"
SQUARES = r"y_i = x_i^2 \\ L = \sum_{i=1}^n y_i"
LAST = r"\frac{\partial L}{\partial h_%s} = %s"
AGO = r"\frac{\partial h_t}{\partial h_k} = \prod_{i=%s}^t "
TOTAL = r"h_t = \tanh(w h_{t-1} + u x_t) \\ L_t = \frac12 (h_t-y_t)^2 \\ L = \sum_{t=1}^T L_t"
OF_T = r"\frac{\partial L_t}{\partial "
TIMES = OF_T + r"w} = \sum_{k=1}^t " + OF_T + "h_t} %s (1-h_k^2)"
BETWEEN = r"\left(\prod_{j=k+1}^t \frac{\partial h_j}{\partial h_{j-1}}\right)"
WAVE = (r"u^{n+1}_j - 2u^n_j + u^{n-1}_j = c^2 (u^n_{j+1} - 2 u^n_j + u^n_{j-1}) + f^n_j"
        r" \\ J = \frac12 \sum_j (u_j^N - d_j)^2")  # fmt: skip
V = r"\frac{\partial J}{\partial u_{%s}^{n+%s}}"
ADJOINT = (
    r"\frac{\partial J}{\partial u_j^n} = %s "
    + V % ("j", 1)
    + " - "
    + V % ("j", "2")
    + " + c^2 ("
    + V % ("j+1", 1)
    + " - 2 "
    + V % ("j", 1)
    + " + "
    + V % ("j-1", 1)
    + ")"
)
FORCE = r"\frac{\partial J}{\partial f_j^n} = \frac{\partial J}{\partial u_j^{n%s}}"
CONTROL = r"x_{k+1} = a x_k + b u_k \\ J = \frac12 \sum_{k=0}^{N} x_k^2"
CLAIMS = [
    (TOTAL, r"\frac{\partial L}{\partial L_t} = 1", "right"),
    (TOTAL, r"\frac{\partial L_t}{\partial h_t} = h_t-y_t", "right"),
    (TOTAL, r"\frac{\partial L_t}{\partial h_t} = h_t", "wrong"),
    (TOTAL, r"\frac{\partial L_T}{\partial h_T} = h_T - y_T", "right"),
    (TOTAL, r"\frac{\partial L}{\partial w} = \sum_t \frac{\partial L_t}{\partial w}", "right"),
    (TOTAL, r"\frac{\partial L}{\partial h_t} = \frac{\partial L_t}{\partial h_t} +"
     r" \frac{\partial L}{\partial h_{t+1}} \frac{\partial h_{t+1}}{\partial h_t}", "right"),
    (TOTAL, TIMES % (BETWEEN + " h_{k-1}"), "right"), (TOTAL, TIMES % (BETWEEN + " h_k"), "wrong"),
    (TOTAL, TIMES % r"\frac{\partial h_t}{\partial h_k} h_{k-1}", "right"),
    (WAVE, r"\frac{\partial J}{\partial u_j^N} = u_j^N - d_j", "right"),
    (WAVE, ADJOINT % "2", "right if"),  # n is not the first: u^1 is given
    (WAVE, ADJOINT % "3", "wrong"),
    (WAVE, FORCE % "+1", "right if"), (WAVE, FORCE % "+2", "wrong"), (WAVE, FORCE % "", "wrong"),
    (CONTROL, r"\frac{\partial J}{\partial x_N} = x_N", "right"),
    (CONTROL, r"\frac{\partial J}{\partial u_k} = b \frac{\partial J}{\partial x_{k+1}}", "right"),
    (CONTROL, r"\frac{\partial J}{\partial u_k} = b \frac{\partial J}{\partial x_k}", "wrong"),
    (TEXT, LAST % ("T", "2 h_T"), "right"), (TEXT, LAST % ("T", "h_T"), "wrong"),
    (TEXT, LAST % ("N", "2 h_N"), "not judged"),  # N may be the last one
    (VECTORS, LAST % ("{T,i}", "2 h_{T,i}"), "right"),
    (VECTORS, r"\frac{\partial L}{\partial \mathbf{h}_T} = 2 \mathbf{h}_T", "right"),
    (VECTORS, r"\frac{\partial L}{\partial \mathbf{h}_T} = \mathbf{h}_T", "wrong"),
    (SUMS % "t=1}^{N", LAST % ("N", "2 h_N"), "right"),
    (SUMS % "t=1}^{N", LAST % ("T", "2 h_T"), "not judged"),
    (FROM_0, LAST % ("{T-1}", "2 h_{T-1}"), "right"),
    (FROM_0, LAST % ("{T-1}", "h_{T-1}"), "wrong"),
    (FROM_0, LAST % ("{T-2}", "2 h_{T-2}"), "wrong"),
    (FROM_0, LAST % ("{T-2}", r"2 h_{T-2} + w (1 - h_{T-1}^2) 2 h_{T-1}"), "right"),
    (TEXT, r"\frac{\partial h_t}{\partial h_{t-1}} = w (1 - h_t^2)", "right"),
    (TEXT, r"\frac{\partial h_t}{\partial h_{t-1}} = w (1 - h_{t-1}^2)", "wrong"),
    (TEXT, AGO % "k+1" + r"\frac{\partial h_i}{\partial h_{i-1}}", "right"),
    (TEXT, AGO % "k+1" + "w (1 - h_i^2)", "right"),
    (TEXT, AGO % "k" + "w (1 - h_i^2)", "wrong"),
    (TEXT, AGO % "k+1" + "u (1 - h_i^2)", "wrong"),
    (SQUARES, r"\frac{\partial y_i}{\partial x_1} = 2 x_i \delta_{i1}", "right"),
    (SQUARES, r"\frac{\partial y_i}{\partial x_1} = 2 x_i \delta_{i2}", "wrong"),
    (SQUARES, r"\frac{\partial y_1}{\partial x_i} = 2 x_i \delta_{1i}", "right"),
    (SQUARES, r"\frac{\partial^2 L}{\partial x_1^2} = 2", "right"),
    (SQUARES, r"\frac{\partial^2 L}{\partial x_1 \partial x_2} = 0", "right"),
    (SQUARES, r"\frac{\partial^2 L}{\partial x_1 \partial x_2} = 2", "wrong"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "claim", "outcome"), CLAIMS)
def test_claims_in_latex(text: str, claim: str, outcome: str) -> None:
    verdict = eg.parse(text).check(claim, latex=True)
    assert verdict.outcome == outcome, verdict


CUBES = "y_i = x_i^3\nL = sum_i(y_i) + x[0] x[1]"


@pytest.mark.parametrize(("claim", "right"), [
    ("d2L/dx[0] dx[0] = 6 x[0]", True), ("d2L/dx[0] dx[0] = 3 x[0]", False),
    ("d2L/dx[0] dx[1] = 1", True), ("d2L/dx[1] dx[2] = 1", False), ("d2L/dx[1] dx[2] = 0", True),
    ("d2L/dx[-1] dx[-1] = 6 x[-1]", True), ("d2L/dx_i dx[2] = 6 x_i delta[i,2]", True),
    ("d2L/dx_i dx[2] = 6 x_i delta[i,1]", False),
])  # fmt: skip
def test_second_derivatives_at_entries(claim: str, right: bool) -> None:
    assert eg.parse(CUBES).check(claim).outcome == ("right" if right else "wrong")


def test_a_loss_by_the_state_at_its_own_time() -> None:
    """It goes through a recurrence, although its diagonal does not; to find that did not end."""
    model = eg.parse(f"{TEXT}\nE_t = 1 / 2 (h_t - y_t)^2")
    assert model.check("dE_t/dh_t = h_t - y_t").outcome == "right"
    assert model.check("dE_t/dh_t = h_t + y_t").outcome == "wrong"


def test_an_entry_behind_the_last_is_refused() -> None:
    with pytest.raises(eg.NotationError, match="T is behind the last t, which is T-1 here"):
        eg.parse_latex(FROM_0).check(LAST % ("T", "2 h_T"), latex=True)


def test_an_entry_before_the_first_is_refused() -> None:
    """It is no input of the model, and was taken for the last one."""
    model = eg.parse_latex(r"""h_t = \tanh(w h_{t-1} + u x_t) \\ L = \sum_{t=1}^T (h_t - y_t)^2""")
    with pytest.raises(eg.NotationError, match="entry 0 stands before the first t, 1"):
        model.check(r"\frac{\partial L}{\partial h_0} = 2 (h_T - y_T)", latex=True)
    given = eg.parse_latex(
        r"h_0 = g \\ h_t = \tanh(w h_{t-1} + u x_t) \\ L = \sum_{t=1}^T (h_t - y_t)^2"
    )
    claim = r"\frac{\partial L}{\partial g} = %s w (1 - h_1^2) \frac{\partial L}{\partial h_1}"
    assert given.check(claim % "", latex=True).ok
    assert given.check(claim % "2", latex=True).outcome == "wrong"


@pytest.mark.parametrize(("latex", "lines"), [
    # gates of which f is also a tensor's name
    (r"\mathbf{f}_t = \sigma(\mathbf{W}_f \mathbf{h}_{t-1} + \mathbf{U}_f \mathbf{x}_t + "
     r"\mathbf{b}_f) \\ \mathbf{h}_t = \mathbf{f}_t \odot \mathbf{h}_{t-1}",
     ["f_ti = sigmoid(Wf_ij h[t-1,j] + Uf_ik x_tk + bf_i)", "h_ti = f_ti h[t-1,i]"]),
    # schemes, solved for the latest level
    (r"\frac{u_j^{n+1}-u_j^n}{\Delta t} + a \frac{u_{j}^n - u_{j-1}^n}{\Delta x} = f_j^n",
     ["u_nj = u[n-1,j] + deltat (-a (u[n-1,j] - u[n-1,j-1]) / deltax + f_nj)",
      "u[n<0,j] = u0_j"]),
    (r"u^{n+1}_j - 2u^n_j + u^{n-1}_j = c^2 (u^n_{j+1} - 2 u^n_j + u^n_{j-1}) + f^n_j",
     ["u_nj = 2 u[n-1,j] - u[n-2,j] + c^2 (u[n-1,j+1] - 2 u[n-1,j] + u[n-1,j-1]) + f[n-1,j]",
      "u[0,j] = u0_j", "u[1,j] = u1_j"]),
    (r"\frac{3u^{n+1}-4u^n + u^{n-1}}{2 \Delta t} = f^n",
     ["u_n = (4 u[n-1] - u[n-2] + 2 deltat f[n-1]) / 3", "u[0] = u0", "u[1] = u1"]),
    (r"m \frac{x_{t+1} - 2x_t + x_{t-1}}{\Delta t^2} + k x_t = f_t",
     ["x_t = 2 x[t-1] - x[t-2] + deltat^2 (-k x[t-1] + f[t-1]) / m", "x[0] = x0", "x[1] = x1"]),
    (r"h_t - h_{t-1} = a x_t", ["h_t = h[t-1] + a x_t"]),
    (r"-x_{k+1} + x_k = h u_k", ["x_k = x[k-1] - h u_k", "x[k<0] = x0"]),
    # a matrix and the vectors that it weighs are two tensors
    (r"\mathbf{x}_t = \mathbf{W} \tanh(\mathbf{x}_{t-1}) + \mathbf{U} \mathbf{u}_t",
     ["x_ti = W_ij tanh(x[t-1,j]) + U_ik u_tk"]),
    # losses of each time beside the whole one
    (r"h_t = w h_{t-1} + x_t \\ L_t = h_t^2 \\ L = \sum_{t=1}^T L_t",
     ["h_t = w h[t-1] + x_t", "Lt_t = h_t^2", "L = sum_t(Lt_t)"]),
])  # fmt: skip
def test_models_are_read(latex: str, lines: list[str]) -> None:
    found = str(eg.parse_latex(latex)).splitlines()
    assert [line for line in found if line[0] != "#"] == lines
