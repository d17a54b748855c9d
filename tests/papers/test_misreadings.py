"""What a document leaves open is not filled in: each case with what mathematics says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

import eingrad as eg


def found_in(folder: Path, text: str) -> list[eg.JudgedFormula]:
    """Return what is found of the formulas of a document."""
    path = folder / "a.md"
    path.write_text(text, encoding="utf-8")
    return list(eg.check_document(path).formulas)


LAYER = r"""
$$z_i = w_{ij} x_j$$
$$a_i = \sigma(z_i)$$
"""
LOGISTIC_ONLY = r"\frac{\partial a_i}{\partial z_i} = a_i (1 - a_i)"
OF_ANY = r"\frac{\partial a_i}{\partial x_j} = \sigma'(z_i) w_{ij}"
TWICE = r"\frac{\partial a_i}{\partial x_j} = 2 \sigma'(z_i) w_{ij}"
TWICE_LOGISTIC = r"\frac{\partial a_i}{\partial z_i} = 2 a_i (1 - a_i)"
# what the text says of sigma, a claim, and the outcome: a (1 - a) is the slope of 1 / (1 + e^-z)
# alone, the chain rule holds for any function
SIGMA = [
    ("Let", LOGISTIC_ONLY, "right if"),
    ("An activation function $\\sigma$, for example a sigmoid:", LOGISTIC_ONLY, "right if"),
    ("The output is passed through a nonlinear activation function $\\sigma(\\cdot)$.\n\n# B\n\n"
     "Some use a sigmoid.", LOGISTIC_ONLY, "right if"),
    ("With the sigmoid function", LOGISTIC_ONLY, "right"),
    ("With the activation function $\\sigma$, the logistic function,", LOGISTIC_ONLY, "right"),
    ("Let", OF_ANY, "right"),
    ("With the sigmoid function", OF_ANY, "right"),
    ("Let", TWICE, "wrong"),
    ("Let", TWICE_LOGISTIC, "not judged"),
    ("With the sigmoid function", TWICE_LOGISTIC, "wrong"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "claim", "outcome"), SIGMA)
def test_sigma_is_any_function_unless_the_text_says_so(
    tmp_path: Path, said: str, claim: str, outcome: str
) -> None:
    last = found_in(tmp_path, f"{said}\n{LAYER}\n$${claim}$$\n")[-1]
    assert last.outcome == outcome, last.reason
    if outcome == "right if":
        assert last.reason == "right if sigma is the logistic function"


# a text, a formula of it, and what it is: a case that the prose names says nothing by itself
CASES = [
    ("Let $s_i = w_{ik} x_k$. Now, what happens when $y_i = k$?", "y_i = k", "other"),
    ("$$s_i = w_{ik} x_k$$\n$$y_i = k, \\ \\forall j \\quad z_j = s_j$$", "y_i = k", "other"),
    ("$$s_i = w_{ik} x_k$$\nSuppose that $a = b$.", "a = b", "other"),
    ("$$s_i = w_{ik} x_k$$\nThis is zero unless $v = c$, of course.", "v = c", "other"),
    ("$$\\operatorname{tr}(A) = A \\iff A \\text{ is a scalar}$$", "\\operatorname{tr}(A) = A",
     "other"),
    ("$$f = x^2$$\n$$x > 0 \\implies g = x$$", "g = x", "other"),
    ("$f = x$ if $x > 0$.", "f = x", "other"),
    ("where $a = w x$", "a = w x", "definition"),
    ("Let $h_0 = x$", "h_0 = x", "definition"),
    ("$$y = w x^2 \\implies \\frac{dy}{dx} = 2 w x$$", "\\frac{dy}{dx} = 2", "claim"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "formula", "kind"), CASES)
def test_a_case_is_no_definition(tmp_path: Path, text: str, formula: str, kind: str) -> None:
    found = [f for f in found_in(tmp_path, f"# A\n\n{text}\n") if f.formula.startswith(formula)]
    assert [f.kind for f in found] == [kind]


@pytest.mark.parametrize(("behind", "value", "outcome"), [
    ("unless $i = j$", "0", "right"),
    ("when $i = j$", "w_i", "right"),
    ("when $i = j$", "2 w_i", "wrong"),
])  # fmt: skip
def test_a_condition_behind_a_formula(
    tmp_path: Path, behind: str, value: str, outcome: str
) -> None:
    text = rf"""
$$y_i = w_i x_i$$
Then \[\frac{{\partial y_i}}{{\partial x_j}} = {value}\] {behind}.
"""
    assert found_in(tmp_path, text)[1].outcome == outcome
