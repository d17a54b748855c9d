r"""Documents that never say what the loss is: what holds of any loss, and what does not.

The four equations of backpropagation and the chain rule hold for every loss of the last layer; the
others swap an index, drop a factor or transpose.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import eingrad as eg

ENTRIES = r"""
The weighted input of layer $l$, for $2 \leq l \leq L$, is

$$ z^l_j = \sum_k w^{l}_{jk} a^{l-1}_k + b^l_j, \qquad a^{l}_j = \sigma(z^l_j), $$

with a cost $C$. The error is $\delta^l_j \equiv \frac{\partial C}{\partial z^l_j}$.

"""
VECTORS = r"""
The weights $W^{(l)}$ are a matrix, $z^{(l)}$ is a vector, with the logistic function in

$$ z^{(l)} = W^{(l)} a^{(l-1)} + b^{(l)}, \qquad a^{(l)} = \sigma(z^{(l)}), $$

$$ \delta^{(l)} = \frac{\partial \mathcal{L}}{\partial z^{(l)}} $$

"""
BOTH = ENTRIES + "In matrices, $z^l = w^l a^{l-1} + b^l$.\n\n"
VECTOR_TOO = r"""
As vectors, $\mathbf{\delta}^l = \frac{\partial C}{\partial \mathbf{z}^l}$, and
$C = C(\ldots, z^l_j, \ldots)$.

"""
TWICE = ENTRIES + VECTOR_TOO
NAMED = r"""
$$ a_i = \sigma(\sum_j w_{ij} x_j + b_i) = \sigma(z_i) $$

"""
DOTS = r"""
$$ s = v_1 x_1 + v_2 x_2 + \dots + v_n x_n $$

"""
TWO_PATHS = r"""
Let $\mathbf{u} = A \mathbf{x}$ and $\mathbf{v} = B \mathbf{x}$ where
$A, B \in \mathbb{R}^{m \times n}$, for a number $L$.

"""
CLAIMS = [
    (ENTRIES, r"\frac{\partial C}{\partial b^l_j} = \delta^l_j", "right"),
    (ENTRIES, r"\frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_k \delta^l_j", "right"),
    (ENTRIES, r"\delta^l_j = \sum_k w^{l+1}_{kj} \delta^{l+1}_k \sigma'(z^l_j)", "right"),
    (ENTRIES, r"\delta^l_j = \sum_k w^{l+1}_{jk} \delta^{l+1}_k \sigma'(z^l_j)", "wrong"),
    (ENTRIES, r"\delta^L_j = \frac{\partial C}{\partial a^L_j} \sigma'(z^L_j)", "right"),
    (ENTRIES, r"\frac{\partial C}{\partial z^l_j} = \sum_k \frac{\partial C}{\partial z^{l+1}_k} "
     r"\frac{\partial z^{l+1}_k}{\partial z^l_j}", "right"),
    (ENTRIES, r"\frac{\partial C}{\partial b^l_j} = b^l_j", "not judged"),  # for which loss?
    (TWICE, r"\frac{\partial C}{\partial b^l_j} = \delta^l_j", "right"),
    (TWICE, r"\frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_k \delta^l_j", "right"),
    (TWICE, r"\frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_j \delta^l_k", "not judged"),  # sigma?
    (BOTH, r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)", "right"),
    (BOTH, r"\delta^l = (w^{l+1} \delta^{l+1}) \odot \sigma'(z^l)", "wrong"),
    (VECTORS, r"\frac{\partial \mathcal{L}}{\partial W^{(l)}} = \delta^{(l)} (a^{(l-1)})^T",
     "right"),
    (VECTORS, r"\frac{\partial \mathcal{L}}{\partial W^{(l)}} = \delta^{(l)} (a^{(l)})^T", "wrong"),
    (VECTORS, r"\delta^{(L)} = \nabla_{a^{(L)}} \mathcal{L} \odot \sigma'(z^{(L)})", "right"),
    (VECTORS, r"\delta^{(l)} = (W^{(l+1)})^T \delta^{(l+1)} \odot \sigma'(z^{(l)})", "right"),
    (NAMED, r"\frac{\partial a_i}{\partial z_i} = \sigma'(z_i)", "right"),
    (NAMED, r"\frac{\partial z_i}{\partial w_{ij}} = x_j", "right"),
    (NAMED, r"\frac{\partial z_i}{\partial w_{ij}} = 2 x_j", "wrong"),
    (DOTS, r"\frac{\partial s}{\partial v_j} = x_j", "right"),
    (DOTS, r"\frac{\partial s}{\partial v_j} = v_j", "wrong"),
    (TWO_PATHS, r"\frac{\partial L}{\partial \mathbf{x}} = A^\top \frac{\partial L}{\partial "
     r"\mathbf{u}} + B^\top \frac{\partial L}{\partial \mathbf{v}}", "right"),
    (TWO_PATHS, r"\frac{\partial L}{\partial \mathbf{x}} = A^\top \frac{\partial L}{\partial "
     r"\mathbf{u}}", "right if"),
    (TWO_PATHS, r"\frac{\partial L}{\partial \mathbf{x}} = 2 A^\top \frac{\partial L}{\partial "
     r"\mathbf{u}}", "not judged"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "claim", "outcome"), CLAIMS)
def test_of_a_loss_that_nothing_defines(
    tmp_path: Path, text: str, claim: str, outcome: str
) -> None:
    path = tmp_path / "a.md"
    path.write_text(f"{text}\n$$ {claim} $$\n", encoding="utf-8")
    last = eg.check_document(path).formulas[-1]
    assert last.outcome == outcome, last.reason
    if outcome == "right if":
        assert last.reason == "right if L depends on x through u alone"


@pytest.mark.parametrize(("text", "kind"), [
    (r"$$a^{(l)} = \sigma^{(l)}(z^{(l)})$$", "a function with an index above it"),
    ("Let $w_1 = 1$.\n$$w_{n+1} = w_n - \\nabla C_w$$", "a new value of w"),
])  # fmt: skip
def test_what_is_no_definition_of_a_network(tmp_path: Path, text: str, kind: str) -> None:
    path = tmp_path / "a.md"
    path.write_text(text, encoding="utf-8")
    last = eg.check_document(path).formulas[-1]
    assert kind in last.reason
    assert not last.read
