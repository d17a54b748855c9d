r"""What stands around formulas: asides, cases, words, and letters as documents set them.

Each equality holds by what the document says, and fails with the mistake that is put into it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import eingrad as eg

LOGISTIC = r"""
With the sigmoid function $\sigma$:

$$z_i = w_1 x_{i1} + w_2 x_{i2} + b$$
$$J = \frac{1}{N} \sum_{i=1}^{N} [\ln(1 + e^{-z_i}) + (1 - y_i) z_i]$$

"""
SOFTMAX = r"""
The labels are

$$y_k = \begin{cases}
1 & \text{if class } k \text{ is right}, \\\\\\ 0 & \text{otherwise}.
\end{cases}$$

$$z_k = \sum_j W_{kj} x_j, \qquad \hat{y} = \text{softmax}(z), \qquad
L = -\sum_k y_k \log \hat{y}_k$$

"""
SET = r"""
$$\mathit{o_d} = \sum_i \mathit{w_i} \mathit{x_{di}}$$

$$\mathit{E} = \frac{1}{2 |\mathit{D}|} \sum_{\mathit{d} \in \mathit{D}} (\mathit{t_d - o_d})^2$$

"""
SUBSET = SET + r"Of the others, $F = \sum_{d \in D'} o_d$." + "\n\n"
PACKAGES = r"""
$$E = {1 \over 2} \qty(f(w_1 x_1 + w_2 x_2) - t)^2$$

"""
ASIDE = r"""
\begin{{align*}}
\dfrac{{dz_i}}{{db}} &= \dfrac{{d}}{{db}}[w_1 x_{{i1}} + w_2 x_{{i2}} + b]
  \quad \because z_i = w_1 x_{{i1}} + w_2 x_{{i2}} + b \\
&= {} \\
\end{{align*}}
"""

# a document, a right equality, a mistake in it, what is found of each
CASES = [
    (LOGISTIC, r"\frac{dJ}{dw_1} = \frac{1}{N} \sum_{i=1}^N (\sigma(z_i) - y_i) x_{i1}",
     "x_{i1}", "x_{i2}", "right", "wrong"),
    (LOGISTIC, r"\text{By the chain rule, } \frac{dz_i}{dw_2} = x_{i2}", "= x_{i2}", "= x_{i1}",
     "right", "wrong"),
    (LOGISTIC, r"\text{Based on (2)} => \frac{dz_i}{db} = 1", "= 1", "= 2", "right", "wrong"),
    (LOGISTIC, ASIDE.format("0 + 0 + 1"), "0 + 1", "0 + 2", "right", "wrong"),
    (SOFTMAX, r"\frac{\partial L}{\partial \hat{y}_k} = -\frac{y_k}{\hat{y}_k}", "= -", "= ",
     "right", "wrong"),
    (SOFTMAX, r"\frac{\partial L}{\partial z_k} = \hat{y}_k - y_k", "- y_k", "+ y_k",
     "right if", "wrong"),
    (SOFTMAX, r"\frac{\partial \hat{y}_j}{\partial z_k} = \frac{\partial}{\partial z_k} "
     r"\left( \frac{e^{z_j}}{\sum_i e^{z_i}} \right)", "{z_j}", "{z_k}", "right", "wrong"),
    (SET, r"\frac{\partial E}{\partial w_i} = -\frac{1}{|D|} \sum_{d \in D} (t_d - o_d) x_{di}",
     "= -", "= ", "right", "wrong"),
    (SUBSET, r"\frac{\partial E}{\partial w_i} = -\frac{1}{|D|} \sum_{d \in D} (t_d - o_d) x_{di}",
     "= -", "= ", "right", "wrong"),
    (PACKAGES, r"\pdv{E}{w_1} = x_1 \qty[f(w_1 x_1 + w_2 x_2) - t] f'(w_1 x_1 + w_2 x_2)",
     "= x_1", "= x_2", "right", "wrong"),
    (PACKAGES, r"\nabla_w [(w - a)^2] = {4 (w - a) \over 2}", "4 (", "2 (", "right", "wrong"),
]  # fmt: skip


def last_of(document: str, tmp_path: Path) -> eg.JudgedFormula:
    """Return the last formula of a document that is a statement."""
    path = tmp_path / "text.md"
    path.write_text(document)
    return [f for f in eg.check_document(path).formulas if f.kind == "claim"][-1]


@pytest.mark.parametrize(("document", "claim", "right", "mistake", "good", "bad"), CASES)
def test_a_mistake_is_told_from_what_is_right(
    document: str, claim: str, right: str, mistake: str, good: str, bad: str, tmp_path: Path
) -> None:
    assert claim.count(right) == 1
    wrong = claim.replace(right, mistake)
    found = [last_of(f"{document}$$\n{x}\n$$\n", tmp_path).outcome for x in (claim, wrong)]
    assert found == [good, bad]


@pytest.mark.parametrize("goes_on", ["=", "\n\\\\\\\\ &="])
@pytest.mark.parametrize(
    ("left", "sign"),
    [
        (r"\nabla_\theta J(\theta)", r"\nabla_\theta"),
        (r"\frac{\partial J}{\partial \theta}", r"\frac{\partial}{\partial \theta}"),
        (r"\frac{dJ}{d\theta}", r"\frac{d}{d\theta}"),
        (r"\frac{\mathrm{d} J}{\mathrm{d} \theta}", r"\frac{\mathrm{d}}{\mathrm{d} \theta}"),
    ],
)
def test_a_chain_goes_on_from_the_formula_that_it_differentiates(
    left: str, sign: str, goes_on: str, tmp_path: Path
) -> None:
    for side, outcome in ((r"2 \theta a - 2", "right"), (r"2 \theta a - 1", "wrong")):
        chain = rf"{left} = {sign} [\theta^2 a - 2 \theta] {goes_on} {side}"
        text = rf"$J$ is a loss.{chr(10) * 2}$$\begin{{aligned}}{chain}\end{{aligned}}$$"
        found = last_of(text, tmp_path)
        assert (found.outcome, found.formula) == (outcome, f"{left} = {side}")


def test_cases_of_labels_that_the_section_speaks_of(tmp_path: Path) -> None:
    text = SOFTMAX + r"For the case when $j = k$:" + "\n\n$$\n{}\n$$\n\n" + r"When $j \neq k$, {}."
    claims = (
        r"\frac{\partial \hat{y}_k}{\partial z_j} = \hat{y}_k (1 - \hat{y}_k)",
        r"$\frac{\partial \hat{y}_k}{\partial z_j} = -\hat{y}_j \hat{y}_k$",
    )
    path = tmp_path / "text.md"
    path.write_text(text.replace("{}", claims[0], 1).replace("{}.", f"{claims[1]}."))
    found = [f for f in eg.check_document(path).formulas if "partial" in f.formula]
    assert [(f.outcome, f.reason) for f in found] == [
        ("right if", "right if j = k"),
        ("right if", "right if j and k differ"),
    ]


def test_a_name_without_the_labels_that_it_was_defined_with_is_no_loss(tmp_path: Path) -> None:
    text = LOGISTIC + r"$$f(x_i) = \ln(1 + e^{-z_i}) + (1 - y_i) z_i$$" + "\n\n"
    claim = (
        r"$$\frac{dJ}{dw_2} = \frac{1}{N} \sum_{i=1}^{N} \frac{df}{dz_i} \cdot \frac{dz_i}{dw_2}$$"
    )
    assert last_of(text + claim, tmp_path).outcome != "wrong"
