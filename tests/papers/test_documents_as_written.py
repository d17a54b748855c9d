"""How public documents write: each equality right as it stands, and wrong with a mistake."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import eingrad as eg

LOGISTIC = r"""
With the sigmoid function let
$$h_\theta(x^{(i)}) = \frac{1}{1 + e^{-\theta_0 - \theta_1 x^{(i)}}}$$
$$J(\theta) = -\frac{1}{m} \sum_{i=1}^m \left[ y^{(i)} \log h_\theta(x^{(i)})
  + (1 - y^{(i)}) \log(1 - h_\theta(x^{(i)})) \right]$$
"""
OF_ALL = r"""
The hypothesis is a sigmoid,
$$h_\theta(x) = \frac{1}{1 + e^{-\theta^T x}}$$
$$J(\theta) = -\frac{1}{m} \sum_{i=1}^m \left[ y^{(i)} \log h_\theta(x^{(i)})
  + (1 - y^{(i)}) \log(1 - h_\theta(x^{(i)})) \right]$$
"""
TWO_WEIGHTS = r"""
Let $Y_1 = W X_1$, $Y_2 = W X_2$ and $Z = Y_1 + Y_2$, where $W \in \mathbb{R}^{n \times m}$ and
$X_1, X_2 \in \mathbb{R}^{m \times k}$.
"""
VALUES = r"""
$C = B V$ where $B \in \mathbb{R}^{n \times n}$ and $V \in \mathbb{R}^{n \times h}$.

$$\frac{\partial L}{\partial C} = \zeta_1$$
"""
NORM = r"""
$$\sigma = \sqrt{\sum_k q_k^2 / d}$$
$$r_i = q_i / \sigma$$
"""
ERRORS = r"""
$$e_i = w X_i + b - y_i$$
$$\text{Loss} = \frac{1}{n} \sum e_i^2$$
"""
DENSITY = r"""
$$\log p(x \mid \mu, s) = -\frac{1}{2} \log (2 \pi s^2) - \frac{1}{2 s^2} (x - \mu)^2$$
"""
POLICY = r"""
$$\pi(a | s) = \frac{\exp(\Theta_a s)}{\sum_{a} \exp(\Theta_a s)}$$

Here $\Theta_a s = \sum_n \Theta_{an} s_n$.
"""
ATTENTION = r"""
Let $S = \frac{Q K^T}{\sqrt{d_k}}$, where $Q \in \mathbb{R}^{n \times d_k}$ and
$K \in \mathbb{R}^{n \times d_k}$.
"""
LAYER = r"""
$$z_i^{(\ell)} = \sum_{j=1}^{d_{\ell-1}} w_{ij}^{(\ell)} a_j^{(\ell-1)} + b_i^{(\ell)}$$
"""

# a document, an equality that is right, the same with a mistake, and whether it can be found
CASES = [
    (LOGISTIC, r"\frac{\partial \log h_\theta(x^{(i)})}{\partial \theta_0}"
     r" = 1 - @h_\theta(x^{(i)})"),
    (LOGISTIC, r"\frac{\partial J}{\partial \theta_0}"
     r" = \frac{@1}{m} \sum_{i=1}^m (h_\theta(x^{(i)}) - y^{(i)})"),
    (OF_ALL, r"\frac{\partial J(\theta)}{\partial \theta_j}"
     r" = \frac{@1}{m} \sum_{i=1}^m (h_\theta(x^{(i)}) - y^{(i)}) x_j^{(i)}"),
    (TWO_WEIGHTS, r"\frac{\partial L}{\partial X_1} = @W^T \frac{\partial L}{\partial Y_1}"),
    (TWO_WEIGHTS, r"\frac{\partial L}{\partial X_2} = @W^T \frac{\partial L}{\partial Y_2}"),
    (VALUES, r"\frac{\partial L}{\partial B} = @\zeta_1 V^T"),
    (NORM, r"\frac{\partial r_i}{\partial q_j} = @1_{i=j}/\sigma - q_i q_j / \sigma^3 / d"),
    (NORM, r"\frac{\partial r_i}{\partial q_j} = @1/\sigma (1_{i=j} - r_i r_j / d)"),
    (ERRORS, r"\frac{\partial \text{Loss}}{\partial w}"
     r" = \frac{@2}{n} \sum X_i \cdot (w X_i + b - y_i)"),
    (DENSITY, r"\frac{\partial \log p(x \mid \mu, s)}{\partial \mu} = @\frac{x - \mu}{s^2}"),
    (POLICY, r"\frac{\partial \log \pi(a | s)}{\partial \Theta_{ij}}"
     r" = \begin{cases} @(1 - \pi(a_i | s)) s_j & i = a \\ -\pi(a_i | s) s_j & i \ne a"
     r" \end{cases}"),
    (ATTENTION, r"\frac{\partial L}{\partial K}"
     r" = @\frac{1}{\sqrt{d_k}} \left(\frac{\partial L}{\partial S}\right)^T Q"),
    ("It’s $f(x) = x^2 e^x$.", "f’(x) = @(x^2 + 2 x) e^x"),
    (LAYER, r"\frac{\partial z_i^{(\ell)}}{\partial w_{ij}^{(\ell)}} = @a_j^{(\ell-1)}"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "claim"), CASES)
def test_an_equality_and_its_mistake(tmp_path: Path, document: str, claim: str) -> None:
    for planted, outcome in (("", "right"), ("3 ", "wrong"), ("-", "wrong")):
        path = tmp_path / "paper.md"
        path.write_text(f"{document}\n$${claim.replace('@', planted)}$$\n", encoding="utf-8")
        assert eg.check_document(path).formulas[-1].outcome == outcome, planted


def test_a_function_of_one_example_is_that_of_each(tmp_path: Path) -> None:
    path = tmp_path / "paper.md"
    claim = r"$$\frac{\partial h_\theta}{\partial \theta_1} = h_\theta(x) (1 - h_\theta(x)) x$$"
    path.write_text(LOGISTIC + claim, encoding="utf-8")
    found = eg.check_document(path).formulas[-1]
    assert (found.outcome, found.formula) == ("right", claim.strip("$"))


def test_a_loss_has_no_new_value_from_a_layer(tmp_path: Path) -> None:
    path = tmp_path / "paper.md"
    path.write_text(r"$$L = -\sum_j y_j \log a_j^{(L)}$$", encoding="utf-8")
    assert eg.check_document(path).formulas[-1].kind == "definition"


NEVER_WRONG = [
    r"$$F = u^T D u$$ $$\nabla_u F = 2 (D - \lambda) u$$",
    # what a document defines in two ways
    r"$$x_i = (u_i - m) / s$$ $$x_i = (u_i - m) / s^2$$ "
    r"$$\frac{\partial x_i}{\partial m} = -1 / s$$",
    # a mean that no formula defines
    r"With the mean $\mu$: $$v = \sum_i (x_i - \mu)^2$$ $$\frac{\partial v}{\partial \mu} = 0$$",
    # the numbers of an example
    r"$$L = (w x - y)^2$$ $$\frac{\partial L}{\partial w} = 2 \cdot 0.138 \cdot x$$",
]  # fmt: skip


LATER = [
    (r"$$\frac{\partial L}{\partial w} = 2 p x$$ $$L = p^2$$ $$p = w x$$", "right"),
    (r"$$\frac{\partial L}{\partial w} = p x$$ $$L = p^2$$ $$p = w x$$", "wrong"),
    (r"$$L = \sum_i (a_i - y_i)^2$$ $$z_i = w_{ij} x_j$$ "
     r"$$\frac{\partial L}{\partial w_{ij}} = \frac{\partial L}{\partial z_i} x_j$$", "right"),
    (r"where $i \neq j$ $$p_i = \frac{e^{x_i}}{\sum_k e^{x_k}}$$ "
     r"$$\frac{\partial p_i}{\partial x_j} = -p_i p_j$$", "right if"),
    (r"<script type='math/tex; mode=display'>L = x^2</script> "
     r"<script type='math/tex; mode=display'>\frac{dL}{dx} = x</script>", "wrong"),
    (r"Let $`L = x^2`$. Then $`\frac{dL}{dx} = 2 x`$.", "right"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "outcome"), LATER)
def test_what_stands_elsewhere(tmp_path: Path, text: str, outcome: str) -> None:
    """Definitions behind a claim, a loss out of reach, unequal labels; other ways to mark."""
    path = tmp_path / "paper.md"
    path.write_text(re.sub(r"(?<=\$\$|t>) (?=\$\$|<)", "\n\n", text), encoding="utf-8")
    claims = [f for f in eg.check_document(path).formulas if f.kind == "claim"]
    assert [(f.outcome, bool(f.read)) for f in claims] == [(outcome, True)]


@pytest.mark.parametrize("text", NEVER_WRONG)
def test_nothing_is_wrong_that_the_document_leaves_open(tmp_path: Path, text: str) -> None:
    path = tmp_path / "paper.md"
    path.write_text(text.replace("$$ $$", "$$\n\n$$"), encoding="utf-8")
    assert eg.check_document(path).formulas[-1].outcome in {"not judged", "right if"}
