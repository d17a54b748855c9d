"""Sides that cancel to 0 far out, and functions that a name may stand for, make no claim wrong."""

from __future__ import annotations

import pytest

import eingrad as eg

SOLVED = r"A \in \mathbb{R}^{n \times n} \\ x = A^{-1} b"
FITTED = r"X \in \mathbb{R}^{n \times p} \\ y \in \mathbb{R}^n \\ \hat\beta = (X^TX)^{-1}X^Ty"


@pytest.mark.parametrize(
    ("model", "claim", "right"),
    [
        (SOLVED, "Ax - b = 0", True),
        (SOLVED, "b - Ax = 0", True),
        (SOLVED, "Ax - 2b = 0", False),
        (FITTED, r"X^T(y - X\hat\beta) = 0", True),
        (FITTED, r"X^Ty - X^TX\hat\beta = 0", True),
        (FITTED, r"X^T(y - 2X\hat\beta) = 0", False),
        (FITTED, r"X^T(y + X\hat\beta) = 0", False),
    ],
)
def test_what_is_left_of_rounding_is_compared_with_what_cancels(
    model: str, claim: str, right: bool
) -> None:
    (verdict,) = eg.parse_latex(model).check_each(claim, latex=True)
    assert verdict.outcome == ("right" if right else "wrong")


@pytest.mark.parametrize(
    ("model", "claim", "outcome"),
    [
        ("y = x H(x)", r"\frac{dy}{dx} = H(x)", "not judged"),
        ("y = x H(x)", r"\frac{dy}{dx} = H(x) + x H'(x)", "right"),
        (r"y = \Phi(x^2)", r"\frac{dy}{dx} = 2 x \Phi'(x^2)", "right"),
        ("y = x f(x)", r"\frac{dy}{dx} = f(x)", "wrong"),
    ],
)
@pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")
def test_the_function_of_books_may_be_meant(model: str, claim: str, outcome: str) -> None:
    (verdict,) = eg.parse_latex(model).check_each(claim, latex=True)
    assert verdict.outcome == outcome
