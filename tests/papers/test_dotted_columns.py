"""Vectors that a document writes out with dots, and the cases that it speaks of around them."""

from __future__ import annotations

from pathlib import Path

import pytest

import eingrad as eg

SOFTMAX = r"""
$$\phi(z) = \begin{pmatrix} e^{z_1} / \sum_j e^{z_j} \\ \vdots \\ e^{z_d} / \sum_j e^{z_j} \end{pmatrix}$$
"""  # noqa: E501
EQUAL = r"\frac{\partial \phi(z)_i}{\partial z_i} = \phi(z)_i (1 - \phi(z)_i)"
UNEQUAL = r"\frac{\partial \phi(z)_i}{\partial z_j} = -\phi(z)_i \phi(z)_j"
JACOBIAN = r"\frac{\partial \phi(z)_i}{\partial z_j} = \phi(z)_i (\delta_{ij} - \phi(z)_j)"
LOSS = r"""
$$p_i = \frac{e^{x_i}}{\sum_k e^{x_k}}, \quad \sum_i y_i = 1$$
$$L = -\sum_i y_i \log p_i$$
"""
SQUARES = r"$$L = \sum_i c_i w_i^2$$"
COLUMN = r"\begin{bmatrix} 2 c_1 w_1 \\ 2 c_2 w_2 \\ \vdots \\ 2 c_n w_n \end{bmatrix}"
# a text, a claim, and what a derivation by hand says of it
CLAIMS = [
    (SOFTMAX, JACOBIAN, "right"),
    (SOFTMAX, JACOBIAN.replace(" - ", " + "), "wrong"),
    (SOFTMAX, EQUAL, "right"),
    (f"{SOFTMAX}\nFor $i \\ne j$ entries:", UNEQUAL, "right if"),
    (f"$$z = w^T x$$\n{SOFTMAX}", JACOBIAN, "right"),  # whatever z is
    (SQUARES, rf"\nabla_w L = {COLUMN}", "right"),
    (SQUARES, rf"\frac{{\partial L}}{{\partial \mathbf{{w}}}} = {COLUMN}", "right"),
    (SQUARES, r"\nabla_w L = \begin{pmatrix} 2 c_1 w_1 & \dots & 2 c_n w_n \end{pmatrix}", "right"),
    (SQUARES, rf"\nabla_w L = {COLUMN.replace('2 c', '4 c')}", "wrong"),
    # the numbers are no labels, or not those of all entries
    (SQUARES, rf"\nabla_w L = {COLUMN.replace('2 c_2', '3 c_2')}", "not judged"),
    (SQUARES, r"\nabla_w L = \begin{bmatrix} 2 c_1 w_1 \\ 0 \\ \vdots \\ 2 c_n w_n \end{bmatrix}",
     "not judged"),
    (LOSS, r"\frac{\partial L}{\partial \mathbf{x}} = \left( \begin{matrix} p_1 - y_1 \\ p_2 - y_2 "
           r"\\ \vdots \\ p_n - y_n \end{matrix} \right)", "right if"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "claim", "outcome"), CLAIMS)
def test_dots_in_a_vector(tmp_path: Path, text: str, claim: str, outcome: str) -> None:
    path = tmp_path / "a.md"
    path.write_text(f"{text}\n$${claim}$$\n", encoding="utf-8")
    last = eg.check_document(path).formulas[-1]
    assert last.outcome == outcome, last.reason
    assert last.formula == claim


def test_a_case_that_begins_a_sentence_is_that_of_the_next_formula(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(
        f"{SOFTMAX}\nFor $i = j$:\n$${EQUAL}$$\nFor $i \\neq j$:\n$${UNEQUAL}$$\n", encoding="utf-8"
    )
    found = eg.check_document(path).formulas
    assert found[0].read == "phi_p = exp(z_p) / sum_j(exp(z_j))"
    claims = [f for f in found if f.kind == "claim"]
    assert [(f.formula, f.outcome) for f in claims] == [(EQUAL, "right"), (UNEQUAL, "right if")]
