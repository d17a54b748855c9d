"""Notes on what is valid, but hardly meant."""

from __future__ import annotations

import pytest

import eingrad as eg

SHARED = {
    "J = w_i B_ij w_j / (w_i S_ij w_j)": "i, j are summed once",
    "Z_bh = (X_bi W_ih) sigmoid(X_bi V_ih)": "i is summed once",
    "L = (a_i b_i) (c_i d_i)": "i is summed once",
    "L = (a_i b_i)^2 c_i d_i": "i is summed once",
    "L = sum_b((x_bi y_i) (z_bi u_i))": "i is summed once",
}
MEANT = [
    "J = w_i B_ij w_j / (w_k S_kl w_l)",
    "L = p_a log(p_a / q_a)",  # the sum is over a product with one p_a outside
    "L = a_i b_i (c_i d_i + e_i)",  # e_i needs the sum outside
    "L = sum_i(x_i y_i) / sum_i(z_i y_i)",
    "z_i = x_i y_i / (x_i y_i + 1)",
    "y_j = softmax_i(x_i w_i) x_i v_j",
    "L = A_ii x_i y_i",
]


@pytest.mark.parametrize("text", SHARED)
def test_two_sums_with_one_letter_are_noted(text: str) -> None:
    (note,) = eg.parse(f"# a comment\n{text}").notes
    assert note.startswith(f"line 2: {SHARED[text]}, over the whole of ")


@pytest.mark.parametrize("text", MEANT)
def test_what_is_meant_has_no_note(text: str) -> None:
    assert eg.parse(text).notes == ()


def test_latex_is_noted_too() -> None:
    (note,) = eg.parse_latex(r"J = \frac{w_i B_{ij} w_j}{w_i S_{ij} w_j}").notes
    assert "w_i S_ij w_j is complete" in note
