r"""Sums and products that begin behind the first entry or end before the last one, last entries,
and derivatives that hold earlier entries fixed. What is true is derived by hand."""

from __future__ import annotations

import pytest

import eingrad as eg

pytestmark = pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")

TIME = r"h_t = \tanh(w h_{t-1} + u x_t) \\ L = \sum_{t=1}^T (h_t - y_t)^2"
STEPS = r"a_t = w h_{t-1} + u x_t \\ h_t = \tanh(a_t) \\ L = \frac{1}{T} \sum_{t=1}^T (h_t - y_t)^2"
PATH = r"L = \sum_{i=1}^{N-1} (x_{i+1} - x_i)^2"
LATER = r"L = \sum_{t=2}^{T} (x_t - x_{t-1})^2"
RNN = r"""\mathbf{h}_t = \tanh(\mathbf{W}\mathbf{h}_{t-1} + \mathbf{U}\mathbf{x}_t + \mathbf{b}) \\
\mathbf{o}_t = \mathbf{V}\mathbf{h}_t + \mathbf{c} \\ \mathbf{p}_t = \mathrm{softmax}(\mathbf{o}_t)
\\ L = -\sum_{1 \le t \le T} \mathbf{y}_t^\top \log \mathbf{p}_t"""
STEP = r"\frac{\partial h_T}{\partial h_1} = \prod"
BY_W = r"\frac{\partial L}{\partial w} = "
BY_H = r"\frac{\partial L}{\partial h_t} \frac{\partial h_t}{\partial w}"
EARLIER = "dh/dw holds earlier entries fixed"
CLAIMS = [
    (TIME, STEP + r"_{t=2}^T (1 - h_t^2) w", "right"),
    (TIME, STEP + r"_{t=2}^T \frac{\partial h_t}{\partial h_{t-1}}", "right"),
    (TIME, STEP + r"_{t=1}^T (1 - h_t^2) w", "wrong"),
    (TIME, STEP + r"_{t=3}^T (1 - h_t^2) w", "wrong"),
    (TIME, STEP + r"_{t=2}^{T-1} (1 - h_t^2) w", "wrong"),
    (TIME, r"\frac{\partial h_T}{\partial h_2} = \prod_{t=3}^T (1 - h_t^2) w", "right"),
    (TIME, r"\frac{\partial h_{T-1}}{\partial h_1} = \prod_{t=2}^{T-1} (1 - h_t^2) w", "right"),
    (TIME, BY_W + r"\sum_{1 \le t \le T} \frac{\partial L}{\partial h_t} (1-h_t^2) h_{t-1}",
     "right"),
    (TIME, BY_W + r"\sum_{t=2}^T \frac{\partial L}{\partial h_t} (1-h_t^2) h_{t-1}", "right"),
    (TIME, BY_W + r"\sum_{t=3}^T \frac{\partial L}{\partial h_t} (1-h_t^2) h_{t-1}", "wrong"),
    (TIME, BY_W + r"\sum_{t=1}^T " + BY_H, EARLIER),
    (TIME, BY_W + r"\frac{1}{T} \sum_{t=1}^T " + BY_H, "wrong"),
    (TIME, BY_W + r"\sum_{t=1}^T \frac{\partial L}{\partial h_t} \frac{\partial h_t}{\partial u}",
     "wrong"),
    (TIME, BY_W + r"\sum_{t=1}^T 2 (h_t - y_t) \frac{\partial h_t}{\partial w}", "right"),
    (TIME, BY_W + r"\sum_{t=1}^T \sum_{k=1}^t 2 (h_t - y_t) \frac{\partial h_t}{\partial h_k}"
     r" \frac{\partial h_k}{\partial w}", EARLIER),
    (STEPS, BY_W + r"\sum_{t=1}^T " + BY_H, EARLIER),
    (STEPS, BY_W + r"\sum_{t=1}^T \frac{\partial L}{\partial a_t} \frac{\partial a_t}{\partial w}",
     "da/dw holds earlier entries fixed"),
    (STEPS, BY_W + r"-\sum_{t=1}^T " + BY_H, "wrong"),
    (PATH, r"\frac{\partial L}{\partial x_N} = 2 (x_N - x_{N-1})", "right"),
    (PATH, r"\frac{\partial L}{\partial x_N} = 2 (x_{N-1} - x_N)", "wrong"),
    (PATH, r"\frac{\partial L}{\partial x_1} = 2 (x_1 - x_2)", "right"),
    (PATH, r"\frac{\partial L}{\partial x_i} = 4 x_i - 2 x_{i-1} - 2 x_{i+1}", "right"),
    (PATH, r"\frac{\partial L}{\partial x_i} = 4 x_i - 2 x_{i-1} + 2 x_{i+1}", "wrong"),
    (LATER, r"\frac{\partial L}{\partial x_T} = 2 (x_T - x_{T-1})", "right"),
    (LATER, r"\frac{\partial L}{\partial x_1} = 2 (x_1 - x_2)", "right"),
    (LATER, r"\frac{\partial L}{\partial x_1} = 2 x_1", "wrong"),
    (RNN, r"\frac{\partial L}{\partial \mathbf{o}_t} = \mathbf{p}_t - \mathbf{y}_t",
     "sum_l(y_tl) = 1"),
    (RNN, r"\frac{\partial L}{\partial \mathbf{o}_t} = \mathbf{y}_t - \mathbf{p}_t", "wrong"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "claim", "outcome"), CLAIMS)
def test_claims(text: str, claim: str, outcome: str) -> None:
    verdict = eg.parse_latex(text).check(claim, latex=True)
    assert (verdict.assumption or verdict.outcome) == outcome, verdict


@pytest.mark.parametrize("text", [
    r"P = \prod_{t=2}^T x_t",  # whether there is an x_1?
    r"P = p_1 \prod_{t=2}^T a_t p_{t-1}",  # and an a_1?
    r"L = \sum_{t=3}^T x_t x_{t-1}", r"L = \sum_{t=1}^{T-1} x_t",
])  # fmt: skip
def test_whether_what_is_left_out_is_there_is_asked(text: str) -> None:
    with pytest.raises(eg.NotationError, match="leaves out entries of t"):
        eg.parse_latex(text)
