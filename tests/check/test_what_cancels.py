"""Claims that are right but for what cancels, for what a name stands for, or for some entries."""

from __future__ import annotations

from collections import Counter

import pytest
from ask_texts import ask
from grammar_texts import text_of

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


@pytest.mark.parametrize(
    ("model", "claim", "outcome"),
    [
        (r"S_n = \sum_{k=1}^n a_k", r"\frac{\partial S_n}{\partial a_k} = 1", "right if"),
        (r"S_n = \sum_{k=1}^n a_k", r"\frac{\partial S_n}{\partial a_k} = 2", "wrong"),
        (r"V_n = \prod_{k=1}^n (1 + r_k)",
         r"\frac{\partial V_n}{\partial r_k} = \frac{V_n}{1 + r_k}", "right if"),
        (r"\ell_n = \sum_{i=1}^n \ln p_i",
         r"\frac{\partial\ell_n}{\partial p_i} = \frac{1}{p_i}", "right if"),
    ],
)  # fmt: skip
def test_what_a_sum_up_to_a_label_reads(model: str, claim: str, outcome: str) -> None:
    (verdict,) = eg.parse_latex(model).check_each(claim, latex=True)
    assert verdict.outcome == outcome
    assert "<= n, for these entries alone" in verdict.reason or outcome == "wrong"


@pytest.mark.parametrize("number", [77001731, 77001260, 77002664, 77003112])
@pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")
def test_digits_that_are_lost_far_out_tell_nothing_apart(number: int) -> None:
    """What a softmax leaves of an entry far below the others, -exp(-39), has no digit as a
    difference; beside 1e218 none is left of a second derivative; 0^a is divided by in no rule."""
    ask(text_of(number), Counter())


@pytest.mark.parametrize(("claim", "assumption"), [
    (r"\frac{\partial L}{\partial z_j} = (a_j - t_j) f'(z_j)", ""),
    (r"\frac{\partial L}{\partial z_j} = (a_j - t_j) a_j (1 - a_j)", "f is the logistic function"),
    (r"\frac{\partial L}{\partial z_j} = (a_j - t_j) (1 - a_j^2)", "f is tanh"),
    (r"\frac{\partial L}{\partial z_j} = -z_j a_j (a_j - t_j)", "f is the normal density"),
    (r"\frac{\partial L}{\partial z_j} = (a_j - t_j) a_j", None),
    (r"\frac{\partial L}{\partial z_j} = a_j (1 - a_j)", None),
    (r"\frac{\partial L}{\partial z_j} = (a_j - t_j) f'(z_j)^2", None),
])  # fmt: skip
def test_a_function_that_nothing_defines_may_be_a_known_one(
    claim: str, assumption: str | None
) -> None:
    model = eg.parse_latex(r"a_j = f(z_j) \\ L = \frac12 \sum_j (a_j - t_j)^2")
    (verdict,) = model.check_each(claim, latex=True)
    assert verdict.outcome == (
        "wrong" if assumption is None else "right if" if assumption else "right"
    )
    assert verdict.assumption == (assumption or None)


def test_a_function_of_two_numbers_is_none_that_people_know() -> None:
    model = eg.parse("function g(a, b)\nz = g(x, y) + x")
    assert model.check("dz/dx = g'1(x, y) + 1").outcome == "right"
    assert model.check("dz/dx = 1").outcome == "wrong"


CENTRED = "m = mean_i(x_i)\nv = mean_i((x_i - m)^2)\nL = a m + b v"
FIT = "assume size(n) = 7\nassume size(i) = 3\nw_i = inv_ij(sum_n(X_ni X_nj)) X_mj y_m\n"


@pytest.mark.parametrize(("model", "claim", "outcome"), [  # of a sum of squares, for any m or w
    (CENTRED, "dv/dm = -2 mean_i(x_i - m)", "right"),
    (CENTRED, "dv/dm = 2 m - 2 mean_i(x_i)", "right"),
    (CENTRED, "dv/dm = 0", "right"),
    (CENTRED, "dv/dm = 3 mean_i(x_i - m)", "wrong"),
    (CENTRED, "dv/dm = m - mean_i(x_i)", "wrong"),
    (CENTRED, "dL/dm = a", "right"),
    (CENTRED, "dL/dm = a - 2 b mean_i(x_i - m)", "right"),
    (CENTRED, "dL/dm = a + b mean_i(x_i - m)", "noted"),
    (CENTRED, "dv/dx_i = 2 (x_i - m) / size(i)", "right"),
    (FIT + "L = sum_n((X_ni w_i - y_n)^2)", "dL/dw_i = 2 X_ni (X_nj w_j - y_n)", "right"),
    (FIT + "L = sum_n((X_ni w_i - y_n)^2)", "dL/dw_i = 5 X_ni (X_nj w_j - y_n)", "wrong"),
])  # fmt: skip
def test_a_factor_of_what_a_definition_makes_vanish(model: str, claim: str, outcome: str) -> None:
    verdict = eg.parse(model).check(claim)
    assert verdict.outcome == outcome.replace("noted", "right"), str(verdict)
    assert ("whatever stands before it" in verdict.reason) == (outcome == "wrong")
    assert bool(verdict.notes) == (outcome == "noted")


@pytest.mark.parametrize(("model", "claim"), [
    ("L = maximum(0, m - d)^2 / 2\nd = sum_i(abs(a_i - b_i))", "dL/dd = maximum(0, m - d)"),
    ("L = y d^2 + (1 - y) maximum(0, m - d)^2\nd = norm_i(a_i - b_i)",
     "dL/dd = 2 y d + 2 (1 - y) maximum(0, m - d)"),
])  # fmt: skip
def test_no_extent_excuses_what_is_cut_off(model: str, claim: str) -> None:
    assert eg.parse(model).check(claim).outcome == "wrong"
