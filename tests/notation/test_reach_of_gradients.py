r"""What a derivative in LaTeX is of; functions of other things than where they are defined.

Gradients of |w|^2 and |X w - y|^2 / 2 by hand.
"""

import pytest

import eingrad as eg

NORM = r"L = \lambda \|w\|^2 \\ M = c \|w\|^2 \quad w \in \mathbb{R}^n"
SQUARES = r"L = \frac{1}{2} \|X w - y\|^2 \quad X \in \mathbb{R}^{m \times n}"


@pytest.mark.parametrize(("model", "claim", "outcome"), [
    (NORM, r"\frac{\partial}{\partial w} \lambda \|w\|^2 = 2 \lambda w", "right"),
    (NORM, r"\frac{\partial}{\partial w} \lambda \|w\|^2 = 0", "wrong"),
    (NORM, r"\nabla_w (\lambda \|w\|^2) = 2 \lambda w", "right"),
    (NORM, r"\nabla_w \lambda \|w\|^2 = 2 \lambda w", "right"),
    (NORM, r"\nabla_w \lambda \|w\|^2 = \lambda w", "wrong"),
    (SQUARES, r"\nabla_w \frac{1}{2} \|X w - y\|^2 = X^T (X w - y)", "right"),
    (SQUARES, r"\nabla_w \frac{1}{2} \|X w - y\|^2 = \frac{1}{2} X^T (X w - y)", "wrong"),
    (SQUARES, r"\nabla_w 2 y^T X w = 2 X^T y", "right"),
    (SQUARES, r"\nabla_w 2 y^T X w = X^T y", "wrong"),
])  # fmt: skip
def test_numbers_before_what_is_differentiated(model: str, claim: str, outcome: str) -> None:
    assert eg.parse_latex(model).check(claim, latex=True).outcome == outcome


@pytest.mark.parametrize("claim", [
    r"\nabla_w c \|w\|^2 = 2 c w",  # or the gradient of c, times a norm
    r"\nabla_w c \|w\|^2 = 0", r"\nabla_w c \sum_i w_i^2 = 2 c w",
])  # fmt: skip
def test_a_name_before_what_is_differentiated_is_refused(claim: str) -> None:
    with pytest.raises(eg.NotationError, match="how far"):
        eg.parse_latex(NORM).check(claim, latex=True)


@pytest.mark.parametrize("text", [
    r"\phi(z) = \frac{e^z}{\sum_j e^{z_j}} \\ L = -y^T \log \phi(W u) \\ y, u \in \mathbb{R}^K",
    r"g(x) = x^2 + \sum_i x_i \\ L = \sum_i g(y_i)",
    r"\phi(z)_i = \frac{e^{z_i}}{\sum_j e^{z_j}} \\ L = -\sum_i y_i \log \phi(u)_i + \sum_i u_i^2",
])  # fmt: skip
def test_what_would_lose_an_argument_is_refused(text: str) -> None:
    with pytest.raises(eg.NotationError):
        eg.parse_latex(text)


def test_the_square_of_a_name_with_a_letter_is_defined() -> None:
    model = eg.parse_latex(
        r"\sigma_u^2 = u^T D u \quad u \in \mathbb{R}^n, D \in \mathbb{R}^{n \times n}"
    )
    claim = r"\frac{\partial \sigma_u^2}{\partial u} = %s (D + D^T) u"
    assert model.check(claim % "", latex=True).outcome == "right"
    assert model.check(claim % "2", latex=True).outcome == "wrong"


@pytest.mark.parametrize(("claim", "outcome"), [
    (r"(3 X^2)^T", "right"), (r"3 (X^T)^2", "right"), (r"2 (X^2)^T", "wrong"),
])  # fmt: skip
def test_powers_of_matrices_in_claims_are_products(claim: str, outcome: str) -> None:
    model = eg.parse_latex(r"f = tr(X X X) \quad X \in \mathbb{R}^{n \times n}")
    verdict = model.check(rf"\frac{{\partial f}}{{\partial X}} = {claim}", latex=True)
    assert verdict.outcome == outcome
