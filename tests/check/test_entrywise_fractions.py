r"""Fractions of vectors stay whole beside matrices, and diagonals are judged whatever they take."""

import pytest

import eingrad as eg

POISSON = r"""f = \sum_i (y_i \log \mu_i - \mu_i)
\mu_i = \exp(\eta_i)
\eta = X \beta
X \in \mathbb{R}^{n \times p}"""
RIGHT = [  # X^T (y - mu), from the score of a Poisson regression
    r"X^T (y - \mu)",
    r"X^T \frac{(y - \mu) \odot \mu}{\mu}",
    r"X^T \left(\frac{y - \mu}{\mu} \odot \mu\right)",
    r"X^T \frac{y - \mu}{1}",
    r"X^T \frac{(y - \mu) c}{c}",
]


@pytest.mark.parametrize("right", RIGHT)
def test_a_fraction_of_vectors_beside_a_matrix(right):
    model = eg.parse_latex(f"{POISSON}\nc \\in \\mathbb{{R}}\ng = c f")
    claim = r"\frac{\partial f}{\partial \beta} = " + right
    assert model.check(claim, latex=True).ok
    assert model.check(claim.replace("= ", "= 2 "), latex=True).outcome == "wrong"
    assert model.check(claim.replace(r"y - \mu", r"y + \mu"), latex=True).outcome == "wrong"


def test_a_diagonal_through_mean_and_variance():
    """dz_i/dx_i = (1 - 1/n - z_i^2 / n) / sqrt(v + eps): one path is not all."""
    model = eg.parse("m = mean_i(x_i)\nv = mean_i((x_i - m)^2)\nz_i = (x_i - m) / sqrt(v + eps)")
    assert model.check("dz_i/dx_i = 1 / sqrt(v + eps)").outcome == "wrong"
    right = "dz_i/dx_i = (1 - 1 / size(i) - z_i^2 / size(i)) / sqrt(v + eps)"
    assert model.check(right).ok
