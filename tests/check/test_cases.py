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
