# ruff: noqa: E501
"""What is a number, a vector or a transpose in LaTeX: capitals, bold type, primes.

Expected index forms are written by hand, from what the texts of their fields mean.
"""

from __future__ import annotations

import warnings

import pytest

import eingrad as eg

SHAPES = r" \\ X \in \mathbb{R}^{n \times k} \\ y \in \mathbb{R}^n \\ \beta \in \mathbb{R}^k"
READINGS = [
    # a capital beside numbers alone
    (r"L = \frac{\lambda}{2}\|\mathbf{w}\|^2 + C\sum_{i=1}^n \max(0, 1 - y_i\mathbf{w}^T\mathbf{x}_i)", "L = lambda w_j w_j / 2 + C sum_i(maximum(0, 1 - y_i w_j x_ij))"),
    (r"U = -\sum_{i<j} \frac{G m_i m_j}{\|\mathbf{r}_i - \mathbf{r}_j\|}", "U = -sum_{i < j}(G m_i m_j / norm_k(r_ik - r_jk))"),
    (r"f = C \mathbf{x}^T\mathbf{x} + D", "f = C x_i x_i + D"),
    (r"f(\mathbf{x}) = A e^{-\|\mathbf{x}\|^2}", "f = A exp(-x_i x_i)"),
    (r"L = \|X W - Y\|_F^2 + C \|W\|_F^2", "L = sum_ij((X_ik W_kj - Y_ij)^2) + C W_kj W_kj"),
    (r"L = \mathbf{a}^T X \mathbf{b}", "L = a_i X_ij b_j"),
    (r"f = \mathbf{u}^\top (A + B)^{-1}\mathbf{u}", "f = u_i inv_ij(A_ij + B_ij) u_j"),
    # bold capitals
    (r"P = \mathbf{F} \cdot \mathbf{v}", "P = F_i v_i"),
    (r"\mathbf{F} = m \mathbf{a}", "F_i = m a_i"),
    (r"\mathbf{y} = \mathbf{W} \cdot \mathbf{x} + \mathbf{b}", "y_i = W_ij x_j + b_i"),
    (r"L = \frac12\|w\|^2 - \sum_i\alpha_i[y_i(w\cdot x_i + b) - 1]", "L = w_j w_j / 2 - sum_i(alpha_i (y_i (w_j x_ij + b) - 1))"),
    (r"L = \sum_i (y_i - w \cdot x_i)^2 + \|w\|^2", "L = sum_i((y_i - w_j x_ij)^2) + w_j w_j"),
    # ones, norms
    (r"L(w, \lambda) = \frac12 w^T\Sigma w - \lambda(w^T 1 - 1)", "L = w_i Sigma_ij w_j / 2 - lambda (sum_i(w_i) - 1)"),
    (r"L = \lambda \|\mathbf{w}\|_1", "L = lambda sum_i(abs(w_i))"),
    (r"L = \sum_{u,i} (r_{ui} - p_u^T q_i)^2 + \lambda (\|p_u\|^2 + \|q_i\|^2)", "L = sum_ui((r_ui - p_uj q_ij)^2 + lambda (p_uj p_uj + q_ij q_ij))"),
    (r"f = \log|\mathbf{L}\mathbf{L}^\top|", "f = logdet_ij(L_ik L_jk)"),
    # primes
    (r"S(\beta) = (y - X\beta)'(y - X\beta)" + SHAPES, "S = (y_n - X_nk beta_k) (y_n - X_ni beta_i)"),
    (r"L = \frac12 w'\Sigma w - \lambda (w'\mu - m)", "L = w_i Sigma_ij w_j / 2 - lambda (w_i mu_i - m)"),
    (r"L = \sum_i (y_i - \mathbf{x}_i^{\prime}\boldsymbol\beta)^2", "L = sum_i((y_i - x_ij beta_j)^2)"),
    (r"L = \sum_i (y_i - x_i'\beta)^2 \\ \beta \in \mathbb{R}^k", "L = sum_i((y_i - x_ik beta_k)^2)"),
    (r"y' = a x + b \\ L = (y' - y)^2", "yprime = a x + b\nL = (yprime - y)^2"),
    (r"h = \phi(z) \\ L = h^2", "function phi\nh = phi(z)\nL = h^2"),
    # columns for each label
    (r"\bar x = \frac1n\sum_{i=1}^n x_i \\ S = \frac1n\sum_{i=1}^n (x_i - \bar x)(x_i - \bar x)^\top", "xbar_j = mean_i(x_ij)\nS_jk = mean_i((x_ij - xbar_j) (x_ik - xbar_k))"),
    (r"m = \sum_i x_i \\ f = \sum_i x_i^\top m", "m_j = sum_i(x_ij)\nf = sum_i(x_ij m_j)"),
    (r"\bar x = \frac1n\sum_{i=1}^n x_i \\ v = \frac1n\sum_{i=1}^n (x_i - \bar x)^2", "xbar = mean_i(x_i)\nv = mean_i((x_i - xbar)^2)"),
    (r"f = \sum_i \mathbf{x}_i^\top\mathbf{w} + \xi", "f = sum_i(x_ij w_j) + xi"),
    (r"z_i = W x_i + b \\ L = \sum_i z_i^\top z_i", "z_ij = W_jk x_ik + b_j\nL = sum_i(z_ij z_ij)"),
    (r"y_i = \sum_j W_{ij}(x_j)", "y_i = sum_j(W_ij x_j)"),
    (r"C_{ij} = a_i (b_j)", "C_ij = a_i b_j"),
    # functions
    (r"\mathbf{y} = \mathbf{W}\phi(\mathbf{x})", "function phi\ny_i = W_ij phi(x_j)"),
    (r"\mathbf{h} = \boldsymbol{\sigma}(\mathbf{W}\mathbf{x})", "h_i = sigmoid(W_ij x_j)"),
    (r"\mathbf{f}(\mathbf{x}) = \mathbf{A}\mathbf{x}", "f_i = A_ij x_j"),
    (r"E = \mathbf{p}^\top\mathbf{p}\, G(r)", "function G\nE = p_i p_i G(r)"),
    (r"E = \frac12 m v^2 + V(x(t))", "function V\nfunction x\nE = 1 / 2 m v^2 + V(x(t))"),
    (r"k = g(\|x - y\|) + \lambda(\|x\|)", "function g\nk = g(norm_i(x_i - y_i)) + lambda norm_i(x_i)"),
    (r"y = a(\exp(x)) + c(x - 1)", "y = a exp(x) + c (x - 1)"),
]  # fmt: skip


def read(latex: str) -> eg.Model:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eg.parse_latex(latex)


@pytest.mark.parametrize(("latex", "text"), READINGS)
def test_what_names_are(latex: str, text: str) -> None:
    lines = [line for line in str(read(latex)).splitlines() if not line.startswith("#")]
    assert "\n".join(lines) == text


@pytest.mark.parametrize(
    ("latex", "hint"),
    [
        (r"p = m v + m' v' \\ E = m v^2", "prime"),
        (r"Q = r + \gamma V(s') - V(s)", "prime"),
        (r"L = \lambda \|W\|_1 \\ W \in \mathbb{R}^{n \times p}", "number 1"),
        # what is called in bold type has entries that each depend on all that it is called with
        (r"\mathbf{y} = \mathbf{f}(\mathbf{x})", "f is in bold type"),
        (
            r"\mathbf{y} = A\mathbf{g}(\mathbf{x}) \\ L = \mathbf{c}^\top\mathbf{y}",
            "g is in bold type",
        ),
        (r"\mathbf{y} = \mathbf{R}(\theta)\mathbf{x}", "R is in bold type"),
        (r"\mathbf{y} = \mathbf{W}(\mathbf{x}) + \mathbf{b}", "W is in bold type"),
        (
            r"\mathbf{W} \in \mathbb{R}^{m \times n} \\ \mathbf{y} = \mathbf{W}(\mathbf{x})",
            "W with an argument",
        ),
        (r"s = \mathbf{a}^\top\boldsymbol{x}(t)", "x is in bold type"),
        # a matrix, a vector or a number that depends on something
        (r"f = x^\top P(t) x", r"whether P\(t\)"),
        (r"\mathbf{y} = R(\theta)\mathbf{x}", "is a matrix"),
        (r"\ell = -\log|\Sigma(\theta)| - y^\top\Sigma(\theta)^{-1} y", "is a matrix"),
        (r"L = \operatorname{tr}(A(t) B)", "is a matrix"),
        (r"L = a^\top x(t)", r"whether x\(t\)"),
        (r"H = \frac12 \mathbf{p}^\top\mathbf{p} + V(\mathbf{q})", r"whether V\(q\)"),
        (r"L = w^\top x + \lambda f(w)", "is a number"),
        (r"\ell = \sum_i\log\sum_k\pi_k p_k(x_i)", "p with a label and an argument"),
        # x_i glued as xi is, p_i as pi
        (r"f = \xi\, \mathbf{w}^\top\mathbf{x}_i + \xi^2", "would be one name"),
        (r"f = 2\pi\, \mathbf{p}_i^\top\mathbf{q}", "would be one name"),
        (r"y = V(x(t)) + V", r"V\(...\) may be a function"),
    ],
)
def test_what_may_be_something_else_is_refused(latex: str, hint: str) -> None:
    with pytest.raises(eg.NotationError, match=hint):
        read(latex)


OLS = r"S(\beta) = (y - X\beta)'(y - X\beta)" + SHAPES
MASKED = r"L = \frac{1}{2}\|M \circ (X - U V^\top)\|_F^2 \\ X, M \in \mathbb{R}^{n \times m} \\ U \in \mathbb{R}^{n \times k} \\ V \in \mathbb{R}^{m \times k}"
DIAGONAL = r"f = x^\top \operatorname{Diag}(d) x \\ x, d \in \mathbb{R}^n"
FISHER = r"J(w) = \frac{w^\top S_B w}{w^\top S_W w} \\ S_B, S_W \in \mathbb{R}^{d \times d} \\ w \in \mathbb{R}^d \\ S_B = S_B^\top \\ S_W = S_W^\top"
SCATTER = r"\bar x = \frac1n\sum_{i=1}^n x_i \\ S = \frac1n\sum_{i=1}^n (x_i - \bar x)(x_i - \bar x)^\top \\ f = w^\top S w"
CLAIMS = [
    # from left to right: (x . y) z
    (r"x, y, z \in \mathbb{R}^n \\ s = x\cdot y\, z", r"\frac{\partial s}{\partial x} = z y^\top", "right"),
    (r"x, y, z \in \mathbb{R}^n \\ s = x\cdot y\, z", r"\frac{\partial s}{\partial x} = (y\cdot z) I", "wrong"),
    (SCATTER, r"\frac{\partial f}{\partial S} = w w^\top", "right"),
    (SCATTER, r"\frac{\partial f}{\partial S} = w^\top w", "wrong"),
    (r"E = \frac12 m v^2 + V(x(t))", r"\frac{dE}{dt} = V'(x(t)) x'(t)", "right"),
    (r"E = \frac12 m v^2 + V(x(t))", r"\frac{dE}{dt} = 2 V'(x(t)) x'(t)", "wrong"),
    (FISHER, r"\nabla_w J = \frac{2}{w^\top S_W w} (S_B w - J S_W w)", "right"),
    (FISHER, r"\nabla_w J = \frac{2}{w^\top S_W w} (S_B w - S_W w)", "wrong"),
    (MASKED, r"\frac{\partial L}{\partial U} = -(M^{\circ 2} \circ (X - U V^\top)) V", "right"),
    (MASKED, r"\frac{\partial L}{\partial U} = -(M^{\circ 3} \circ (X - U V^\top)) V", "wrong"),
    (DIAGONAL, r"\nabla_x f = 2 \operatorname{Diag}(d) x", "right"),
    (DIAGONAL, r"\nabla_d f = x^{\odot 2}", "right"),
    (DIAGONAL, r"\nabla_d f = x^{\odot 3}", "wrong"),
    (OLS, r"\frac{\partial S}{\partial \beta} = -2X'y + 2X'X\beta", "right"),
    (OLS, r"\frac{\partial S}{\partial \beta} = -2X'y + X'X\beta", "wrong"),
    (OLS, r"\frac{\partial^2 S}{\partial\beta\partial\beta'} = 2X'X", "right"),
    (OLS, r"\frac{\partial S}{\partial \beta'} = -2(y - X\beta)'X", "right"),
    (OLS, r"\frac{\partial S}{\partial \beta'} = -2X'(y - X\beta)", "wrong"),
    (r"\sigma^2 = w^T\Sigma w", r"\frac{\partial\sigma}{\partial w} = \frac{(\Sigma + \Sigma^T)w}{2\sigma}", "right"),
    (r"\sigma^2 = w^T\Sigma w", r"\frac{\partial\sigma}{\partial w} = (\Sigma + \Sigma^T)w", "wrong"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "claim", "outcome"), CLAIMS)
def test_claims_with_primes_and_squares(model: str, claim: str, outcome: str) -> None:
    verdict = read(model).check(claim, latex=True)
    assert verdict.outcome == outcome, str(verdict)


def test_an_inverse_of_what_may_be_square_is_not_called_wrong() -> None:
    with pytest.raises(eg.NotationError, match="square"):
        read(r"f = \log|\mathbf{L}\mathbf{L}^\top|").check(
            r"\frac{\partial f}{\partial \mathbf{L}} = 2 \mathbf{L}^{-\top}", latex=True
        )
