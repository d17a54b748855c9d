r"""Kinds of LaTeX that were once misread without a word: read rightly, or refused with a hint."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import eingrad as eg
from eingrad.notation.latex import to_latex


def read(latex: str) -> eg.Model:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", eg.NotationWarning)
        return eg.parse_latex(latex)


RNG = np.random.default_rng(11)
V = {name: RNG.uniform(0.2, 0.8, 4) for name in ("y", "p", "h", "a", "b", "z", "x", "t")}
S = {name: float(RNG.uniform(0.5, 1.5)) for name in ("k", "c", "r", "w")}
VALUES = [
    # rows, columns and lines
    (r"\begin{eqnarray} L &=& k c \\ && + r w \end{eqnarray}", S["k"] * S["c"] + S["r"] * S["w"]),
    (r"\begin{eqnarray} L &=& k c \\ & & \hspace{0.5cm}\cdot r \end{eqnarray}",
     S["k"] * S["c"] * S["r"]),
    (r"\begin{align} M &= k c & L &= M + r \end{align}", S["k"] * S["c"] + S["r"]),
    (r"\begin{align} M &= k c && L = M + r \end{align}", S["k"] * S["c"] + S["r"]),
    ("$$\nL =\nk c\n+ r\n$$", S["k"] * S["c"] + S["r"]),
    # a sum goes on
    (r"L = -\frac{1}{m} \sum_{i=1}^m y_i \log h_i + (1 - y_i) \log(1 - h_i)",
     -np.mean(V["y"] * np.log(V["h"]) + (1 - V["y"]) * np.log(1 - V["h"]))),
    (r"L = 3 \sum_i a_i - b_i", 3 * np.sum(V["a"] - V["b"])),
    (r"L = \sum_i a_i + k", np.sum(V["a"]) + S["k"]),
    # functions without a backslash
    (r"L = -\sum_i y_i log(p_i)", -np.sum(V["y"] * np.log(V["p"]))),
    (r"L = \sum_i y_ilog(p_i)", np.sum(V["y"] * np.log(V["p"]))),
    (r"L = \sum_i exp(x_i) tanh(z_i) - max(k, c)",
     np.sum(np.exp(V["x"]) * np.tanh(V["z"])) - max(S["k"], S["c"])),
    (r"L = \sum_i y_i \mathrm{log}(p_i) + \operatorname{log}(k)",
     np.sum(V["y"] * np.log(V["p"])) + np.log(S["k"])),
    # upper indices
    (r"L = \sum_i (a^L_i - y_i)^2 \\ a^L_i = x_i + z_i",
     np.sum((V["x"] + V["z"] - V["y"]) ** 2)),
    # ones, pi, words
    (r"L = \mathbf{1}_i x_i", np.sum(V["x"])),
    (r"L = 2\pi r", 2 * np.pi * S["r"]),
    (r"L = L_{fwd} + L_{rev} \\ L_{fwd} = k \\ L_{rev} = c", S["k"] + S["c"]),
    # arguments
    (r"L = \sum_i \sigma{(x_i)}", np.sum(1 / (1 + np.exp(-V["x"])))),
    (r"L = \frac k{(c + r)}", S["k"] / (S["c"] + S["r"])),
    (r"\mathcal{L}(w) = k w^2", S["k"] * S["w"] ** 2),
    # conditions that say nothing
    (r"u_i = x_i^2 \quad \text{for } i = 1, \ldots, n \\ L = \sum_i u_i", np.sum(V["x"] ** 2)),
]  # fmt: skip


@pytest.mark.parametrize(("latex", "expected"), VALUES)
def test_what_is_read_means_what_is_written(latex: str, expected: float) -> None:
    model = read(latex)
    arrays = {name: {**V, **S}[name] for name in model.inputs}
    found = model.compile()(**arrays)
    np.testing.assert_allclose(found["L"] if isinstance(found, dict) else found, expected)


REFUSED = [
    (r"Y = X A", "a product of matrices"),
    (r"W = A^{ij} V^{jb}", "letters above a name"),
    (r"q = x_i \Sigma_{ij}^{-1} x_j", "may be the inverse"),
    (r"q = \log|K|", "determinant"),
    (r"L = \sum_{i \in S \cup T} x_i", "may leave out entries"),
    (r"L = \sum_i x_i \text{ if } i > 2", "a condition that has no meaning"),
    (r"y_i = (x_i \text{ if } a)", "the word if"),
    (r"y_k = f_k(x)", "with an argument"),
    (r"L = l(o, y)", "with arguments"),
    (r"w_{ij} = \exp(-\|Y_i - Y_j\|^2)", "a norm over i"),
    ("$$\na = b c\nd = e f\n$$", "two equations without a sign"),
    (r"q = a b = 2 a b", "not equal"),
    (r"L = a {- b}", "looks like a sum"),
    (r"y_{ij} = x_i x_j, \quad i \ne j", "for some entries only"),
    (r"\tau = \mathbf r \times \mathbf F", "cross product"),
    (r"\mathbf f = q \mathbf v \times \mathbf B", "cross product"),
    (r"\mathbf Y = \mathbf W * \mathbf X", "a convolution"),
    (r"\mathbf{Y} = \mathbf{W}^\top \ast \mathbf{X}", "a convolution"),
]  # fmt: skip


@pytest.mark.parametrize(("latex", "reason"), REFUSED)
def test_what_cannot_be_read_is_refused_with_a_hint(latex: str, reason: str) -> None:
    with pytest.raises(eg.EingradError, match=reason) as caught:
        read(latex)
    assert caught.value.hint


def test_a_function_that_never_stands_alone_is_one() -> None:
    for text in (r"y_i = \zeta(a_i)", r"y_i = \phi (a_i)", r"y_i = \phi\left( a_i \right)"):
        model = read(text)
        (name,) = model.system.functions
        found = model.compile(functions={name: "relu"})(a=np.array([-1.0, 2.0]))
        np.testing.assert_allclose(found["y"] if isinstance(found, dict) else found, [0.0, 2.0])


SOFTMAX = r"a_i = \frac{e^{z_i}}{\sum_k e^{z_k}}"
CLAIMS = [
    ("q = u w\nL = q^2",
     "$$\n\\frac{\\partial L}{\\partial u} =\n2 q\n\\frac{\\partial q}{\\partial u} =\n2 q w\n$$",
     [True, True]),
    ("L = (b + w x)^2",
     r"\frac{\partial L}{\partial x} &=& 2 w (b + w x) \\ && + 17 b", [False]),
    ("L = (b + w x)^2",
     r"\frac{\partial L}{\partial x} = 2 w (b + w x) && \frac{\partial L}{\partial b} = 7 b",
     [True, False]),
    ("L = (b + w x)^2", r"\frac{\partial L}{\partial x} = 2 w (b + w x) \textrm{ and } "
     r"\frac{\partial L}{\partial b} = 2 (b + w x)", [True, True]),
    (r"\mathcal{L}(\theta) = a \theta^2",
     r"\nabla_\theta \mathcal{L}(\theta) = 2 a \theta", [True]),
    ("L = (x - u v)^2", r"\frac{d}{dv} (x - uv)^{2} = -2 (x - uv) u", [True]),
    (r"L = (\sum_i x_i)^2",
     r"\frac{d}{dx_j}\left(\sum_i x_i\right)^{2} = 2 \sum_i x_i", [True]),
    ("L = u^2 v", r"\frac{d L}{d u} = 2 u v", [True]),
    ("L = u^2 v", r"\frac{\delta L}{\delta u} = 2 u v", [True]),
    ("L = u^2 v", r"\delta L/\delta u = u v", [False]),
    (r"L = \sum_{oi} (z_{oi} - t_{oi})^2 \\ z_{oi} = x_{ih} w_{ho}",
     r"\frac{\partial L}{\partial w_{ho}} = x_{ih} \delta_{oi}, \quad "
     r"\delta_{oi} = 2 (z_{oi} - t_{oi})", [True]),
    (SOFTMAX, r"\frac{\partial a_i}{\partial z_j} = a_i (1 - a_i), \quad i = j", [True]),
    (SOFTMAX, r"\frac{\partial a_i}{\partial z_j} = a_i (1 + a_i), \quad i = j", [False]),
    (SOFTMAX, r"\frac{\partial a_i}{\partial z_j} = -a_i a_j \quad \text{if } i \neq j", [True]),
    (SOFTMAX, r"\frac{\partial a_i}{\partial z_j} = a_i a_j, \quad i \ne j", [False]),
    (SOFTMAX, r"\frac{\partial a_i}{\partial z_i} = a_i (1 - a_i)", [True]),
    (r"w_{ij} = \frac{1}{f_{ij}}",
     r"\frac{\partial w_{ij}}{\partial f_{ij}} = -w_{ij}^2", [True]),
    (r"w_{ij} = \frac{1}{f_{ij}}", r"\frac{\partial w_{ij}}{\partial f_{ij}} = w_{ij}^2", [False]),
]  # fmt: skip


@pytest.mark.parametrize(("model", "claim", "expected"), CLAIMS)
def test_claims_are_judged(model: str, claim: str, expected: list[bool]) -> None:
    assert [v.ok for v in read(model).check_each(claim, latex=True)] == expected


def test_a_diagonal_in_plain_notation() -> None:
    model = eg.parse("w_ij = 1 / f_ij\nL = z_k z_k z_k")
    assert model.check("dw_ij/df_ij = -w_ij^2").ok
    assert not model.check("dw_ij/df_ij = -w_ij").ok


@pytest.mark.parametrize("labels", ["in", "rev", "old", "max", "out", "test"])
def test_labels_that_spell_a_word_are_read_back(labels: str) -> None:
    axes = ",".join(labels) if len(set(labels)) == len(labels) else "t,e,s,u"
    model = eg.parse(f"L = sum_{{{axes}}}(B[{axes}]^2)")
    assert str(eg.parse_latex(to_latex(model.statements[0]))) == str(model)
