"""Terms that no number shows, and right claims that differ from what is derived in rounding alone.

What is wrong differs in exact arithmetic: by a term of its own, whatever its size.
"""

from __future__ import annotations

import pytest

import eingrad as eg


@pytest.mark.parametrize(
    ("model", "claim", "term"),
    [
        ("L = x^3", "dL/dx = 3 x^2 + 1e-12 sin(x)", "1e-12 sin(x)"),
        ("L = 6.02e23 k^2 / 2", "dL/dk = 6.02e23 k + k", "k"),
        ("L = 6.02e23 k^2 / 2", "dL/dk = (6.02e23 - 2) k", "-2 k"),
        ("L = 1e8 x^2", "dL/dx = 2e8 x + 1e-9 x", "1e-9 x"),
        ("L = sum_i(x_i^2)", "dL/dx_i = 2 x_i + 1e-13 x_i^2", "x_i^2 / 1e13"),
        ("L = y x^2 + 1e-14 y", "dL/dy = x^2", "-1 / 1e14"),
        ("L = x_i W_ij x_j", "dL/dx_i = W_ij x_j + W_ji x_j + 1e-14 x_i", "x_i / 1e14"),
    ],
)
def test_a_term_without_a_digit_beside_the_others_is_wrong(
    model: str, claim: str, term: str
) -> None:
    verdict = eg.parse(model).check(claim)
    assert verdict.outcome == "wrong"
    assert verdict.reason == f"off by {term}, which is lost beside the rest in numbers"


@pytest.mark.parametrize(
    ("model", "claim"),
    [
        ("L = 6.02e23 k^2 / 2", "dL/dk = 6.02e23 k"),
        ("L = x^2 / 3", "dL/dx = 0.666666666666667 x"),  # of which somebody rounded the last digit
        ("L = exp(-x^2/2) / sqrt(2 pi)", "dL/dx = -0.3989422804014327 x exp(-x^2/2)"),
        ("L = sqrt(2) x^2 / 2", "dL/dx = 1.4142135623730951 x"),
        ("L = exp(a + b)", "dL/da = exp(a) exp(b)"),  # which no rule shows
        ("L = sin(2 x)", "dL/dx = 4 cos(x)^2 - 2"),
        ("L = lgamma(x + 1)", "dL/dx = digamma(x) + 1 / x"),
        ("L = sin(x)^4", "dL/dx = sin(2 x) - sin(4 x) / 2"),
        ("L = 0.1 x^2 + 0.2 x^2", "dL/dx = 0.6 x"),
        ("L = sqrt(pi) sqrt(pi) x", "dL/dx = pi"),
    ],
)
def test_what_differs_in_rounding_alone_stays_right(model: str, claim: str) -> None:
    assert eg.parse(model).check(claim).outcome == "right"


Q = "exp(-33 - z^2)"  # 1 - (1 - q)^2 = q (2 - q) in another form has few digits in common with it
SATURATED = [
    (f"p = 1 - {Q}\nL = asin(p)", f"2 z {Q} / sqrt({Q} (2 - {Q}))"),
    (f"p = 1 - {Q}\nL = asin(p) + sum_i(asin(sign(x_i)))", f"2 z {Q} / sqrt({Q} (2 - {Q}))"),
    (f"p = 1 - {Q}\nL = acos(p)", f"-2 z {Q} / sqrt({Q} (2 - {Q}))"),
]


@pytest.mark.parametrize(("model", "claim"), SATURATED)
def test_what_rounding_carries_apart_is_not_wrong(model: str, claim: str) -> None:
    parsed = eg.parse(model)
    assert parsed.check(f"dL/dz = {claim}").outcome == "not judged"
    assert parsed.check(f"dL/dz = 2 ({claim})").outcome == "wrong"
