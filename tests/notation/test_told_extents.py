r"""What a text tells of extents: numbers above sum signs, and the letters of declared shapes."""

from __future__ import annotations

import pytest

import eingrad as eg

STATED = {
    r"L = \sum_{i=1}^3 x_i^2": ["assume size(i) = 3"],
    r"L = \sum_{i=0}^{9} x_i^2": ["assume size(i) = 10"],
    r"L = \sum_{i=1}^{3} x_i^2 + \sum_{j=1}^{4} z_j": ["assume size(i) = 3", "assume size(j) = 4"],
    r"x \in \mathbb{R}^3 \\ L = \sum_k x_k^2": ["assume size(k) = 3"],
    r"A \in \mathbb{R}^{2 \times 3} \\ y = A x": ["assume size(i) = 2", "assume size(j) = 3"],
    r"L = \sum_{i=1}^3 x_i^2 \\ y_i = x_i^3": ["assume size(i) = 3"],
    # the same letter for other axes, ends that are a name, layers, two numbers
    r"L = \sum_{i=1}^3 x_i^2 \\ p_i = z_i^2": [],
    r"L = \sum_{i=1}^n x_i^2": [],
    r"x \in \mathbb{R}^n \\ L = \sum_i x_i^2": [],
    r"h_t = w h_{t-1} + x_t \\ L = \sum_{t=1}^{3} h_t": [],
    r"L = \sum_{i=1}^3 x_i^2 + \sum_{i=1}^4 z_i": [],
}


@pytest.mark.parametrize("latex", STATED)
@pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")
def test_numbers_of_entries(latex: str) -> None:
    lines = str(eg.parse_latex(latex)).splitlines()
    assert [x for x in lines if x.startswith("assume")] == STATED[latex]


@pytest.mark.parametrize(
    ("latex", "printed"),
    [
        (r"x \in \mathbb{R}^n \\ m = \frac1n \sum_i x_i", "m = 1 / size(i) sum_i(x_i)"),
        (r"x \in \mathbb{R}^d \\ y_i = \frac{x_i}{\sqrt d}", "y_i = x_i / sqrt(size(i))"),
        (r"x \in \mathbb{R}^{n \times 1} \\ y_i = 2 x_i", "y_i = 2 x_i"),  # a column
        (r"x \in \mathbb{R}^n \\ y_i = n_i x_i", "y_i = n_i x_i"),  # n is a tensor
        (r"x \in \mathbb{R}^n \\ L = \sum_j z_j / n", "L = sum_j(z_j / n)"),  # no axis of x
    ],
)
@pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")
def test_names_of_extents(latex: str, printed: str) -> None:
    assert str(eg.parse_latex(latex)).splitlines()[-1] == printed
