"""Claims about formulas that compare: both sides of each comparison are tried."""

from __future__ import annotations

import pytest

import eingrad as eg

HUBER = (
    "assume d > 0\nL = sum_i(where(abs(r_i) <= d, r_i^2 / 2, d (abs(r_i) - d / 2)))",
    "dL/dr_i = where(abs(r_i) <= d, r_i, d sign(r_i))",
)
CLIPPED = "L = clip(x_i, -0.5, 0.5) lgamma(z_i)"
CASES = [  # model, right claim, wrong claim: by hand
    (CLIPPED, "dL/dx_i = where(x_i < -0.5, 0, where(x_i > 0.5, 0, 1)) lgamma(z_i)",
     "dL/dx_i = 2 where(x_i < -0.5, 0, where(x_i > 0.5, 0, 1)) lgamma(z_i)"),
    ("assume x > 0\nL = where(x > 0.5, x^2, x)", "dL/dx = where(x > 0.5, 2 x, 1)",
     "dL/dx = where(x > 0.5, 2 x, 2)"),
    ("L = sum_i(relu(x_i - 0.1))", "dL/dx_i = where(x_i > 0.1, 1, 0)",
     "dL/dx_i = where(x_i > 0.15, 1, 0)"),
    ("L = sum_i(where(x_i > 12, x_i^2, x_i))", "dL/dx_i = where(x_i > 12, 2 x_i, 1)",
     "dL/dx_i = 1"),
    ("L = sum_i(relu(3 x_i - 0.06))", "dL/dx_i = where(x_i > 0.02, 3, 0)",
     "dL/dx_i = where(x_i > 0, 3, 0)"),
    ("L = sum_i(clip(x_i, -d, d))", "dL/dx_i = where(x_i < -d, 0, where(x_i > d, 0, 1))",
     "dL/dx_i = where(x_i > d, 0, 1)"),
    (*HUBER, "dL/dr_i = where(abs(r_i) <= d, r_i, 2 d sign(r_i))"),
    ("L = sum_i(abs(x_i)^3)", "dL/dx_i = 3 x_i abs(x_i)", "dL/dx_i = 3 x_i^2"),
]  # fmt: skip


UP_TO = "L = sum_{i <= m}(x_i^2)"
CASES += [  # places that are numbers of their own
    (UP_TO, "dL/dx_i = where(i <= m, 2 x_i, 0)", "dL/dx_i = where(i < m, 2 x_i, 0)"),
    (UP_TO, "dL/dx_i = where(i < m + 1, 2 x_i, 0)", "dL/dx_i = where(i <= m + 1, 2 x_i, 0)"),
    ("L = sum_{i < m}(x_i^2) / m", "dL/dx_i = where(i < m, 2 x_i / m, 0)",
     "dL/dx_i = where(i <= m, 2 x_i / m, 0)"),
    ("L = sum_tn(where(t > b_n, x_tn, 0))", "dL/dx_tn = where(t > b_n, 1, 0)",
     "dL/dx_tn = where(t >= b_n, 1, 0)"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "right", "wrong"), CASES)
def test_both_sides_of_a_comparison_are_tried(model: str, right: str, wrong: str) -> None:
    found = eg.parse(model)
    assert found.check(right).outcome == "right"
    verdict = found.check(wrong)
    assert not verdict.ok, str(verdict)
    assert verdict.counterexample is not None


UNMET = [  # model, claim: no real number has a logarithm below 0, no entry stands before the first
    (r"y = \ln x", r"\frac{dy}{dx} = 7 \quad x<0"),
    (r"y = \ln x", r"\frac{dy}{dx} = \begin{cases} \frac1x & x>0 \\ 7 & x<0\end{cases}"),
    (r"y = \sqrt x", r"\frac{dy}{dx} = \frac{1}{\sqrt{x}} \quad x<-1"),
    (r"L = \sum_{i=1}^n x_i^2", r"\frac{\partial L}{\partial x_i} = 7 \quad i>n"),
    (r"L = \sum_{i=1}^n x_i^2", r"\frac{\partial L}{\partial x_i} = 7x_i \quad i \ne i"),
    (
        r"p_i = \frac{e^{z_i}}{\sum_j e^{z_j}}",
        r"\frac{\partial p_i}{\partial z_i} = 7 \quad i \ne i",
    ),
    ("L = sum_i(x_i^2)", "dL/dx_i = where(i < 0, 7, dL/dx_i)"),
    ("L = sum_i(x_i^2)", "dL/dx_i = where(size(i) < 50, 2 x_i, 7)"),
]
MET = [  # a single point and what an assumption leaves out are cases of right claims
    (r"y = \ln x", r"\frac{dy}{dx} = \frac1x \quad x>2"),
    (r"y = |x|", r"\frac{dy}{dx} = \begin{cases} 1 & x>0\\ -1 & x<0 \\ 0 & x=0\end{cases}"),
    (r"f = x^2 y", r"\frac{\partial f}{\partial x} = 2xy \quad x > 1000"),
    ("assume x > 0\ny = abs(x)", "dy/dx = where(x > 0, 1, -1)"),
    ("L = sum_i(x_i^2)", "dL/dx_i = where(i < 1, 2 x_i, dL/dx_i)"),
    ("assume 0 < a < 1\ns = maximum(a x, x)", "ds/dx = where(x > 0, 1, a)"),
]


@pytest.mark.parametrize(("model", "claim"), UNMET)
def test_a_case_that_nothing_meets_is_not_judged(model: str, claim: str) -> None:
    books = "\\" in claim
    verdict = (eg.parse_latex(model) if books else eg.parse(model)).check(claim, latex=books)
    assert verdict.outcome == "not judged", str(verdict)
    assert "nothing can be compared" in verdict.reason


@pytest.mark.parametrize(("model", "claim"), MET)
def test_a_case_that_an_entry_meets_is_judged(model: str, claim: str) -> None:
    books = "\\" in claim
    verdict = (eg.parse_latex(model) if books else eg.parse(model)).check(claim, latex=books)
    assert verdict.outcome == "right", str(verdict)
