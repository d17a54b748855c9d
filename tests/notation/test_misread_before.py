r"""What was read as something else without a word, and wrong claims that may mean another.

The expected outcomes are worked out by hand.
"""

import pytest

import eingrad as eg
from eingrad.errors import NotationError

LINE = r"L = \sum_{i=1}^n (y_i - w x_i)^2"
WAVE = r"\psi = A e^{i(kx - \omega t)}"
CLAIMS = [
    (LINE, r"\frac{dL}{dw} = -2 \sum_{i=0}^{n-1} x_i (y_i - w x_i)", "right"),
    (LINE, r"\frac{dL}{dw} = -2 \sum_i x_i (y_i - w x_i)", "right"),
    (WAVE, r"\frac{\partial\psi}{\partial x} = ik\psi", "right"),
    (WAVE, r"\frac{\partial^2\psi}{\partial x^2} = -k^2\psi", "not judged"),
    (r"z = x + iy", r"z^2 = x^2 - y^2 + 2ixy", "not judged"),
    (r"P = i^2 R", r"\frac{dP}{di} = 3 i R", "wrong"),
    (r"y = x^2 + 3x", r"\frac{d}{dx} x^2 + 3x = 2x + 3", "right if"),
    (r"y = x^2 + 3x", r"\frac{d}{dx} x^2 + 3x = 5x", "right"),
    (r"y = x^2 + 3x", r"\frac{d}{dx} x^2 + 3x = 2x + 4", "wrong"),
    (r"L = \prod_i p_i^{y_i} \prod_i (1 - p_i)^{1 - y_i}",
     r"\frac{\partial L}{\partial p_i} = L (\frac{y_i}{p_i} - \frac{1 - y_i}{1 - p_i})", "right"),
    (r"L = \prod_i p_i \prod_j q_j", r"\frac{\partial L}{\partial q_j} = \frac{L}{q_j}", "right"),
    (r"L = \prod_i p_i \prod_j q_j", r"\frac{\partial L}{\partial q_j} = \frac{2 L}{q_j}", "wrong"),
    (r"P = \prod_{i \in S} p_i \prod_{i \notin S} (1 - p_i)",
     r"\frac{\partial P}{\partial p_i} = -\frac{P}{1 - p_i}, \quad i \notin S", "right"),
]  # fmt: skip
REFUSED_CLAIMS = [
    (LINE, r"\frac{dL}{dw} = -2 \sum_{i=0}^n x_i (y_i - w x_i)"),
    (LINE, r"\frac{dL}{dw} = -2 \sum_{i=1}^m x_i (y_i - w x_i)"),
]
REFUSED = {
    r"y = x^10": "without braces",
    r"y = 2^10x": "without braces",
    r"y = 2\,000x": "two numbers",
    r"y = 1 000 x": "two numbers",
    r"y = x + O(x^2)": "how great a rest is",
    r"e(n) = d(n) - w^T(n) x(n)": "is open",
    r"s = \prod_i x_i y": "is open",
    r"a = \frac{dv}{dt}": "the derivative of what nothing defines",
}


@pytest.mark.parametrize(("model", "claim", "outcome"), CLAIMS)
def test_claims(model: str, claim: str, outcome: str) -> None:
    assert eg.parse_latex(model).check(claim, latex=True).outcome == outcome


@pytest.mark.parametrize(("model", "claim"), REFUSED_CLAIMS)
def test_a_sum_that_goes_further_than_that_of_the_model(model: str, claim: str) -> None:
    with pytest.raises(NotationError, match="entries of i"):
        eg.parse_latex(model).check(claim, latex=True)


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text: str) -> None:
    with pytest.raises(NotationError, match=REFUSED[text]):
        eg.parse_latex(text)


def test_a_derivative_of_what_nothing_defines_is_left_out_with_a_note() -> None:
    with pytest.warns(eg.NotationWarning, match="is left out"):
        model = eg.parse_latex(r"v = \frac{dx}{dt} \\ K = \frac12 m v^2")
    assert str(model).endswith("K = 1 / 2 m v^2")
    assert model.check(r"\frac{dK}{dv} = m v", latex=True).ok


def test_words_below_names_in_text() -> None:
    loss = eg.parse("L = (y_true - y_pred)^2 / y_true")
    assert loss.check("dL/dy_pred = -2 (y_true - y_pred) / y_true").ok
    assert not loss.check("dL/dy_pred = -2 (y_true - y_pred)").ok
    total = eg.parse("L_total = L_data + lam w_i w_i")
    assert total.check("dL_total/dw_i = 2 lam w_i").ok
    with pytest.raises(NotationError, match="the label r"):
        eg.parse("L = x_pred w_p")
