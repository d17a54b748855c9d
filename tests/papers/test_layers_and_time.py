r"""Documents about layers and time: superscripts and offsets in them, and what is found.

Which of the claims are true is decided by PyTorch in `recurrences/test_textbook_claims.py`, but for
those on offsets, which are in `offsets/test_offsets.py` in text.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import eingrad as eg

LAYERS = r"""
# Layers

The weighted input and the activation of layer $l$ are

$$ z^l_j = \sum_k w^{l}_{jk} a^{l-1}_k + b^l_j, \qquad a^{l}_j = \sigma(z^l_j), $$

with the logistic function and the cost

$$ C = \frac{1}{2} \sum_j (y_j-a^L_j)^2. $$

The error is $\delta^l_j \equiv \frac{\partial C}{\partial z^l_j}$, and

$$ \delta^L = (a^L-y) \odot \sigma'(z^L) $$ <!-- right -->
$$ \delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l) $$ <!-- right -->
$$ \delta^l = (w^{l+1} \delta^{l+1}) \odot \sigma'(z^l) $$ <!-- wrong -->
$$ \delta^L = (y-a^L) \odot \sigma'(z^L) $$ <!-- wrong -->
$$ \frac{\partial C}{\partial b^l_j} = \delta^l_j $$ <!-- right -->
$$ \frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_k \delta^l_j $$ <!-- right -->
$$ \frac{\partial C}{\partial w^l_{jk}} = a^{l}_k \delta^l_j $$ <!-- wrong -->
"""
TIME = r"""
# Time

The input is $\mathbf{x}_t \in \mathbb{R}^d$ and the state $\mathbf{h}_t \in \mathbb{R}^h$, with

$$\mathbf{h}_t = \mathbf{W}_{hx} \mathbf{x}_t + \mathbf{W}_{hh} \mathbf{h}_{t-1},$$
$$\mathbf{o}_t = \mathbf{W}_{qh} \mathbf{h}_{t},$$

where $\mathbf{W}_{hx} \in \mathbb{R}^{h \times d}$, $\mathbf{W}_{hh} \in \mathbb{R}^{h \times h}$ and
$\mathbf{W}_{qh} \in \mathbb{R}^{q \times h}$. The loss is

$$L = \frac{1}{T} \sum_{t=1}^T l(\mathbf{o}_t, y_t).$$

$$\frac{\partial L}{\partial \mathbf{W}_{qh}} = \sum_{t=1}^T \frac{\partial L}{\partial \mathbf{o}_t} \mathbf{h}_t^\top$$ <!-- right -->
$$\frac{\partial L}{\partial \mathbf{h}_T} = \mathbf{W}_{qh}^\top \frac{\partial L}{\partial \mathbf{o}_T}$$ <!-- right -->
$$\frac{\partial L}{\partial \mathbf{h}_t} = \mathbf{W}_{hh}^\top \frac{\partial L}{\partial \mathbf{h}_{t+1}} + \mathbf{W}_{qh}^\top \frac{\partial L}{\partial \mathbf{o}_t}$$ <!-- right -->
$$\frac{\partial L}{\partial \mathbf{W}_{hh}} = \sum_{t=1}^T \frac{\partial L}{\partial \mathbf{h}_t} \mathbf{h}_{t-1}^\top$$ <!-- right -->

# Offsets

$$ y_i = \sum_k x_{i+k} w_k $$
$$ L = \sum_i y_i^3 $$
$$ \frac{\partial L}{\partial w_k} = \sum_i \frac{\partial L}{\partial y_i} x_{i+k} $$ <!-- right -->
$$ \frac{\partial L}{\partial x_n} = \sum_k \frac{\partial L}{\partial y_{n-k}} w_k $$ <!-- right -->
$$ \frac{\partial L}{\partial x_n} = \sum_k \frac{\partial L}{\partial y_{n+k}} w_k $$ <!-- wrong -->
"""  # noqa: E501


@pytest.mark.parametrize("text", [LAYERS, TIME], ids=["layers", "time"])
def test_claims_of_a_document(text: str, tmp_path: Path) -> None:
    lines = text.splitlines()
    marks = {
        k: line.partition("<!--")[2].strip(" ->")
        for k, line in enumerate(lines, 1)
        if "<!--" in line
    }
    path = tmp_path / "chapter.md"
    path.write_text("\n\n".join(line.partition("<!--")[0] for line in lines))
    found = {(f.line + 1) // 2: f for f in eg.check_document(path).formulas if f.judged}
    assert {k: f.outcome for k, f in found.items()} == marks, "\n".join(
        f"{k} {f.outcome} {f.formula}: {f.reason}" for k, f in found.items()
    )
