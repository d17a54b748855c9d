"""Functions that a document defines and takes of other arguments; displays set as arrays."""

from __future__ import annotations

from pathlib import Path

import pytest

import eingrad as eg

LOGISTIC = r"$$g(z) = \frac{1}{1 + e^{-z}}$$"
REGRESSION = rf"""
{LOGISTIC}
$$h_\theta(x) = g(\theta^T x)$$
$$J(\theta) = -\sum_i y^{{(i)}} \log h_\theta(x^{{(i)}})
  + (1 - y^{{(i)}}) \log(1 - h_\theta(x^{{(i)}}))$$
"""
NETWORK = r"""
We use the activation $f(z) = \tanh(z)$.
$$u_j = \sum_i W_{ji} x_i, \quad a_j = f(u_j), \quad E = \frac12 \sum_j (a_j - t_j)^2$$
"""
KERNEL = r"""
$$k(r) = e^{-r^2 / 2}$$
$$s = \sum_i a_i k(u_i - c)$$
"""
LOSS = r"""
$$\ell(y, p) = (y - p)^2$$
$$L = \sum_i \ell(y_i, w x_i)$$
"""
TWO = r"""
$$f(z) = z^2$$
$$a_i = f(w x_i), \quad L = \sum_i a_i$$
# Another section
$$f(z) = e^z$$
$$b_i = f(v x_i), \quad M = \sum_i b_i$$
"""
PRODUCT = "$$x(t) = e^{-t}$$\n$$y = x (1 - x)$$\n"
VECTORS = r"""
$$\phi(z) = \begin{pmatrix} e^{z_1} / \sum_j e^{z_j} \\ \vdots \end{pmatrix}$$
$$L = -y^T \log \phi(w^T x)$$
"""
# a text, a claim, and what a derivation by hand says of it
CLAIMS = [
    (LOGISTIC, "g'(z) = g(z) (1 - g(z))", "right"),
    (LOGISTIC, "g''(z) = g(z) (1 - g(z)) (1 - 2 g(z))", "right"),
    (REGRESSION, r"\frac{\partial J(\theta)}{\partial \theta_j} = "
                 r"\sum_i (h_\theta(x^{(i)}) - y^{(i)}) x_j^{(i)}", "right"),
    (REGRESSION, r"\frac{\partial J(\theta)}{\partial \theta_j} = "
                 r"\sum_i (y^{(i)} - h_\theta(x^{(i)})) x_j^{(i)}", "wrong"),
    (NETWORK, r"\frac{\partial E}{\partial W_{ji}} = (a_j - t_j) f'(u_j) x_i", "right"),
    (NETWORK, r"\frac{\partial E}{\partial W_{ji}} = (a_j - t_j) (1 - f(u_j)^2) x_i", "right"),
    (NETWORK, r"\frac{\partial E}{\partial W_{ji}} = (a_j - t_j) f(u_j) x_i", "wrong"),
    (KERNEL, r"\frac{\partial s}{\partial c} = \sum_i a_i (u_i - c) k(u_i - c)", "right"),
    (KERNEL, r"\frac{\partial s}{\partial c} = -\sum_i a_i k^{\prime}(u_i - c)", "right"),
    (KERNEL, r"\frac{\partial s}{\partial c} = \sum_i a_i k'(u_i - c)", "wrong"),
    (LOSS, r"\frac{\partial L}{\partial w} = -2 \sum_i x_i (y_i - w x_i)", "right"),
    (LOSS, r"\frac{\partial L}{\partial w} = 2 \sum_i x_i (y_i - w x_i)", "wrong"),
    # each section has its own
    (TWO, r"\frac{\partial L}{\partial w} = 2 \sum_i w x_i^2", "right"),
    (TWO, r"\frac{\partial M}{\partial v} = \sum_i x_i e^{v x_i}", "right"),
    # a name that stands alone is no function, and what cannot be read has no values
    (PRODUCT, r"\frac{dy}{dx} = 1 - 2 x", "not judged"),
    (VECTORS, r"\frac{\partial L}{\partial w} = x (\phi(w^T x) - y)^T", "not judged"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "claim", "outcome"), CLAIMS)
def test_functions_are_taken_of_other_arguments(
    tmp_path: Path, text: str, claim: str, outcome: str
) -> None:
    path = tmp_path / "a.md"
    path.write_text(f"{text}\n$${claim}$$\n", encoding="utf-8")
    last = eg.check_document(path).formulas[-1]
    assert last.outcome == outcome, last.reason
    assert last.formula == claim  # in the document's own words


ARRAY = r"""
$$C = \frac12 \sum_j (y_j - a_j)^2$$
$$\begin{array}{rcl}
\displaystyle \frac{\partial C}{\partial a_j} & = &
\displaystyle \frac12 \cdot 2 \cdot (y_j - a_j) \cdot -1 \newline
& = & a_j - y_j, \ \ \ \ \ j \rightarrow k \newline
& = & y_j - a_j
\end{array}$$
"""


def test_an_array_of_equations_is_read_by_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(ARRAY, encoding="utf-8")
    claims = [f for f in eg.check_document(path).formulas if f.kind == "claim"]
    assert [f.outcome for f in claims] == ["right", "right", "wrong"]


LAYERS = r"""
$$z_j^l = b_j^l + \sum_k w_{jk}^l a_k^{l-1}$$
$$a^l_j = \sigma(z_j^l)$$
$$C = \frac12 \sum_j (y_j - a^L_j)^2$$
$$\delta^l_j = \frac{\partial C}{\partial z^l_j}$$
$$\delta^l_j = \sum_k \frac{\partial C}{\partial z^{l+1}_k}
  \frac{\partial z^{l+1}_k}{\partial z^l_j}$$
$$\delta^l_j = \sum_k w_{kj}^{l+1} \sigma'(z_j^l) \delta^{l+1}_k$$
$$\delta^L_j = (a^L_j - y_j) \sigma'(z^L_j)$$
"""


def test_a_statement_by_the_layer_behind_says_nothing_of_the_last(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(LAYERS, encoding="utf-8")
    claims = [f for f in eg.check_document(path).formulas if f.kind == "claim"]
    assert [f.outcome for f in claims] == ["right", "right", "right"]


LEAST = r"""
$$\hat{\beta}_{W} = \underset{\beta}{\arg \min} \left\{ (\mathbf{y} - \mathbf{X} \beta)^\top (\mathbf{y} - \mathbf{X} \beta) \right\}$$
$$L = (\mathbf{y} - \mathbf{X} \beta)^\top (\mathbf{y} - \mathbf{X} \beta)$$
$$\frac{\partial L}{\partial \beta} = -2 \mathbf{X}^\top (\mathbf{y} - \mathbf{X} \beta)$$
"""  # noqa: E501


def test_where_something_is_least_is_no_formula_of_its_letters(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(LEAST, encoding="utf-8")
    first, *_, last = eg.check_document(path).formulas
    assert (first.kind, first.read, last.outcome) == ("definition", "", "right")
