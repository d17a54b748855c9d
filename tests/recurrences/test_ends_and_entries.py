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
CLAIMS = [
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


def test_an_entry_behind_the_last_is_refused() -> None:
    with pytest.raises(eg.NotationError, match="T is behind the last t, which is T-1 here"):
        eg.parse_latex(FROM_0).check(LAST % ("T", "2 h_T"), latex=True)


@pytest.mark.parametrize(("latex", "lines"), [
    # gates of which f is also a tensor's name
    (r"\mathbf{f}_t = \sigma(\mathbf{W}_f \mathbf{h}_{t-1} + \mathbf{U}_f \mathbf{x}_t + "
     r"\mathbf{b}_f) \\ \mathbf{h}_t = \mathbf{f}_t \odot \mathbf{h}_{t-1}",
     ["f_ti = sigmoid(Wf_ij h[t-1,j] + Uf_ik x_tk + bf_i)", "h_ti = f_ti h[t-1,i]"]),
])  # fmt: skip
def test_models_are_read(latex: str, lines: list[str]) -> None:
    found = str(eg.parse_latex(latex)).splitlines()
    assert [line for line in found if line[0] != "#"] == lines
