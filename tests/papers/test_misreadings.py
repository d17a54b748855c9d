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
