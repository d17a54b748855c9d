r"""Sums over sets, ``\sum_{i \in S}``, conditions that say what is in one, and behind claims.

The oracle is NumPy, with the set as indices, and derivatives by hand.
"""

import numpy as np
import pytest

import eingrad as eg

BATCH = r"L = \frac{1}{|\mathcal{B}|} \sum_{i \in \mathcal{B}} (y_i - w x_i)^2"
SQUARES = r"L = \sum_{i \in S} x_i^2"
MEANS = (
    r"m_i = \frac{1}{|\mathcal{N}(i)|} \sum_{j \in \mathcal{N}(i)} w h_j, \quad L = \sum_i m_i^2"
)
EDGES = r"L = \sum_i \sum_{j \in N(i)} (x_i - x_j)^2"
PAIRS = r"L = \sum_{(i,j) \in \Omega} (M_{ij} - \sum_k U_{ik} V_{jk})^2"
COX = r"L = \sum_{i=1}^n d_i (b z_i - \log \sum_{j \in R(t_i)} e^{b z_j})"
CLUSTERS = r"L = \sum_k \sum_{i \in C_k} (x_i - \mu_k)^2"
LEAVES = r"L = \sum_{i \in I_L} g_i w + \sum_{i \in I_R} g_i v"
CLAIMS = [
    (SQUARES, r"\frac{\partial L}{\partial x_k} = 2 x_k 1_{k \in S}", "right"),
    (SQUARES, r"\frac{\partial L}{\partial x_k} = 2 x_k \mathbb{1}[k \notin S]", "wrong"),
    (SQUARES, r"\frac{\partial L}{\partial x_k} = 2 x_k", "right if"),
    (SQUARES, r"\frac{\partial L}{\partial x_k} = 3 x_k", "wrong"),
    (SQUARES, r"\frac{\partial L}{\partial x_k} = 2 x_k, \quad k \in S", "right"),
    (SQUARES, r"\frac{\partial L}{\partial x_k} = 3 x_k, \quad k \in S", "wrong"),
    (SQUARES, r"\frac{\partial L}{\partial x_k} = 0 \quad \text{for } k \notin S", "right"),
    (SQUARES, r"\frac{\partial L}{\partial x_k} = 0 \quad \forall k \in S", "wrong"),
    (SQUARES, r"\frac{\partial L}{\partial x_k} = \begin{cases} 2 x_k & k \in S \\"
     r" 0 & k \notin S\end{cases}", "right"),
    (SQUARES, r"\frac{\partial L}{\partial x_k} = \begin{cases} 2 x_k & k \in S \\"
     r" 1 & \text{otherwise}\end{cases}", "wrong"),
    (BATCH, r"\frac{\partial L}{\partial w} = -\frac{2}{|\mathcal{B}|}"
     r"\sum_{i \in \mathcal{B}} (y_i - w x_i) x_i", "right"),
    (BATCH, r"\frac{\partial L}{\partial w} = \frac{2}{|\mathcal{B}|}"
     r"\sum_{i \in \mathcal{B}} (y_i - w x_i) x_i", "wrong"),
    (BATCH, r"\frac{\partial L}{\partial w} = -\frac{2}{|\mathcal{B}|}"
     r"\sum_i (y_i - w x_i) x_i", "wrong"),
    (MEANS, r"\frac{\partial L}{\partial h_k} = \sum_{i: k \in \mathcal{N}(i)}"
     r"\frac{2 w m_i}{|\mathcal{N}(i)|}", "right"),
    (MEANS, r"\frac{\partial L}{\partial h_k} = \sum_{i \in \mathcal{N}(k)}"
     r"\frac{2 w m_i}{|\mathcal{N}(i)|}", "right if"),
    (BATCH, r"\frac{\partial L}{\partial y_i} = \frac{2}{|\mathcal{B}|} (y_i - w x_i)", "right if"),
    (BATCH, r"\frac{\partial L}{\partial y_i} = \frac{1}{|\mathcal{B}|} (y_i - w x_i)", "wrong"),
    (EDGES, r"\frac{\partial L}{\partial x_k} = 4 \sum_{j \in N(k)} (x_k - x_j)", "right if"),
    (EDGES, r"\frac{\partial L}{\partial x_k} = 2 \sum_{j \in N(k)} (x_k - x_j)", "wrong"),
    (PAIRS, r"\frac{\partial L}{\partial U_{pq}} = -2 \sum_{j: (p,j) \in \Omega}"
     r"(M_{pj} - \sum_k U_{pk} V_{jk}) V_{jq}", "right"),
    (COX, r"\frac{dL}{db} = \sum_i d_i \left(z_i - \frac{\sum_{j \in R(t_i)} z_j e^{b z_j}}"
     r"{\sum_{j \in R(t_i)} e^{b z_j}}\right)", "right"),
    (CLUSTERS, r"\frac{\partial L}{\partial \mu_k} = -2 \sum_{i \in C_k} (x_i - \mu_k)", "right"),
    (CLUSTERS, r"\frac{\partial L}{\partial \mu_k} = -2 \sum_{i \in C_k} x_i", "wrong"),
    (LEAVES, r"\frac{\partial L}{\partial w} = \sum_{i \in I_L} g_i", "right"),
    (LEAVES, r"\frac{\partial L}{\partial w} = \sum_{i \in I_R} g_i", "wrong"),
    (r"f = |x|", r"\frac{df}{dx} = 1, \quad x > 0", "right"),
    (r"f = |x|", r"\frac{df}{dx} = 1 \quad \text{if } x < 0", "wrong"),
    (r"f = |x|", r"\frac{df}{dx} = 7 \quad x > 1000", "wrong"),
]  # fmt: skip
REFUSED = [
    r"L = \sum_{x \in D} (x - \mu)^2",
    r"L = \sum_{j \in N(i)} w_{ij} x_j",
    r"L = \sum_{i, j \in E} w_{ij}",
    r"L = \sum_{\mathbf{y} \in \mathcal{Y}} \exp(\mathbf{y}^T \mathbf{x})",
    r"L = \sum_{i \in S \cup T} x_i",
    r"L = \frac{1}{N} \sum_{i \in N} x_i",
]


@pytest.mark.parametrize(("model", "claim", "outcome"), CLAIMS)
def test_claims(model: str, claim: str, outcome: str) -> None:
    assert eg.parse_latex(model).check(claim, latex=True).outcome == outcome


@pytest.mark.parametrize("model", REFUSED)
def test_refused(model: str) -> None:
    with pytest.raises(eg.NotationError):
        eg.parse_latex(model).grad("L")


def test_values_with_a_set_of_ones_and_zeros() -> None:
    rng = np.random.default_rng(3)
    x, y, w = rng.normal(size=6), rng.normal(size=6), 0.7
    chosen = [0, 2, 5]
    values = (
        eg.parse_latex(BATCH)
        .grad("L", ["w", "y"])
        .compile()(x=x, y=y, w=w, B=np.isin(np.arange(6), chosen).astype(float))
    )
    apart = (y - w * x)[chosen]
    assert np.allclose(values["L"], (apart**2).mean())
    assert np.allclose(values["dL/dw"], (-2 * apart * x[chosen]).mean())
    slope = np.zeros(6)
    slope[chosen] = 2 * apart / 3
    assert np.allclose(values["dL/dy"], slope)


def test_a_comparison_is_no_formula() -> None:
    model = eg.parse_latex(r"L = x^2")
    with pytest.raises(eg.NotationError, match="comparison"):
        model.check(r"\frac{dL}{dx} = 2 x > 0", latex=True)
