r"""Kinds of index formulas as people write them in LaTeX, with their meaning checked by values."""

# ruff: noqa: E501 - formulas stand as papers write them

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import eingrad as eg

RNG = np.random.default_rng(7)
x, y, w = RNG.uniform(0.2, 0.8, (3, 4))
X, V = RNG.uniform(0.2, 0.8, (2, 5, 4))
SPD = np.einsum("iab,icb->iac", *2 * [RNG.uniform(0.2, 0.8, (4, 4, 4))]) + np.eye(4)
b = 0.3


def sigmoid(a: Any) -> Any:
    return 1 / (1 + np.exp(-a))


def value(text: str, name: str, **arrays: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", eg.NotationWarning)
        model = eg.parse_latex(text)
    return model.compile([name])(**{k: arrays[k] for k in model.inputs})[name]


# a text, the tensor asked for, what it is by NumPy
VALUES = [
    # scripts inside of fonts and accents, old fonts
    (r"L = \sum_i \mathbf{x_i} \mathbf{y_i}", "L", x @ y),
    (r"L = \sum_i \hat{x_i} y_i", "L", x @ y),
    (r"L = \sum_i {\bf x}_i {\rm y}_i", "L", x @ y),
    # names of several letters
    (r"MSE = \frac{1}{|i|} \sum_i (x_i - y_i)^2", "MSE", np.mean((x - y) ** 2)),
    (r"CE(y) = -\sum_i x_i \log y_i \\ L = 2 CE", "L", -2 * x @ np.log(y)),
    # arguments that a definition drops, and those that give it labels
    (r"l(\mathbf{x}, y) = \sum_i (x_i - y_i)^2", "l", np.sum((x - y) ** 2)),
    (r"f(x_i) = e^{-x_i} \\ L = \sum_j f(x_j) y_j", "L", np.exp(-x) @ y),
    (r"h_\theta(x^i) = \sum_j w_j x^i_j \\ L = \sum_i h_\theta(x^i)^2", "L", None),
    (r"\phi(x_h) = e^{-x_h^2} \\ L = \sum_h y_h \phi(x_h)", "L", y @ np.exp(-(x**2))),
    (r"L(w \mid x) = \sum_i w_i x_i", "L", w @ x),
    (r"p(x_i; b) = \frac{e^{b x_i}}{1 + e^{b x_i}} \\ L = \sum_i p(x_i; b)", "L", np.sum(sigmoid(b * x))),
    (r"L(...) = \sum_i x_i y_i", "L", x @ y),
    # a bar, primes and a layer in a name
    (r"L = \sum_{ij} p_{j|i} \log q_{j \mid i}", "L", np.sum(X * np.log(V))),
    (r"y_j = \sum_i p_{j|i} w_i \\ L = \sum_j y_j^2", "L", np.sum((X @ w) ** 2)),
    (r"L = \sum_i x'_i x_i + \sum_{ij} p'_{ij} x^\prime_j", "L", x @ y + np.sum(X @ y)),
    (r"a^{(L)} = b a^{(L-1)} \\ C = (a^{(L)} - b)^2", "C", (b * 0.7 - b) ** 2),
    (r"\log p(x \mid b) = -b \sum_i x_i^2", "p", np.exp(-b * x @ x)),
    (r"\ln \lambda_i = x_i b \\ L = \sum_i \lambda_i", "L", np.sum(np.exp(x * b))),
    (r"\cal{L} = {1 \over 2} \sum_i x_i y_i", "L", x @ y / 2),
    (r"\sigma(\mathbf{x})_i = \frac{e^{x_i}}{\sum_j e^{x_j}} \\ L = \sum_i \sigma(\mathbf{x})_i y_i", "L", np.exp(x) @ y / np.exp(x).sum()),
    (r"f_{w,b}(x^{(i)}) = b x^{(i)} + b \\ L = \sum_{i=1}^{m} f_{w,b}(x^{(i)})", "L", np.sum(b * x + b)),
    (r"\hat{y}_j^i = X_{ij} + y_j^i \\ L = \sum_{ij} \hat{y}_j^i", "L", np.sum(X + V)),
    (r"E_{in}(w) = \sum_n x_n y_n", "Ein", x @ y),
    (r"g(z) = z^2 \\ f(a) = 2 g(a) \\ L = \sum_i f(x_i + y_i)", "L", 2 * np.sum((x + y) ** 2)),
    (r"\sigma(z) = \frac{1}{1 + e^{-z}} \\ L = \sum_i \sigma(x_i)", "L", np.sum(sigmoid(x))),
    # what is for the eye
    (r"L = \left. \sum_i x_i y_i \right|_{x}", "L", x @ y),
    (r"L \stackrel{def}{=} \sum_i x_i y_i, \ldots", "L", x @ y),
    (r"L \overset{\text{def}}{=} \sum_i \cancel{x_i} y_i \tag*{(1)}", "L", x @ y),
    (r"L = \smash{\sum_i x_i} \, \mathstrut b", "L", x.sum() * b),
    # parentheses that say how far a product goes, a point between factors
    (r"L = \prod_i (x_i b)", "L", np.prod(x * b)),
    (r"L = \prod_i \frac{x_i}{2 b}", "L", np.prod(x / (2 * b))),
    (r"L = b . \sum_i (x_i + b).y_i", "L", b * np.sum((x + b) * y)),
    # functions that are added, multiplied and composed
    (r"f(a) = a^2 \\ g(a) = e^a \\ L = (f + 2 g)(b)", "L", b**2 + 2 * np.exp(b)),
    (r"f(a) = a^2 \\ g(a) = e^a \\ L = \sum_i (f \circ g)(x_i)", "L", np.sum(np.exp(2 * x))),
    # arguments behind labels where a definition has them, powers of one name
    (r"p_i(b) = x_i b \\ L = \sum_i y_i p_i(b)^2", "L", np.sum(y * (x * b) ** 2)),
    (r"L = a_0 b^0 + a_1 b^1 + a_2 b^2 \\ a_0 = 1 \\ a_1 = 2 \\ a_2 = 3", "L", 1 + 2 * b + 3 * b**2),
    # dots between vectors
    (r"x, y, w \in \mathbb{R}^n \\ L = x \cdot y\, w", "L", (x @ y) * w),
    (r"L = \frac{x \cdot y}{\|x\|\|y\|}", "L", x @ y / np.linalg.norm(x) / np.linalg.norm(y)),
    # one matrix for each label, and its determinant
    (r"f = \sum_i w_i \log |\Sigma_i|", "f", w @ np.log(np.linalg.det(SPD))),
    (r"f = \sum_i z_i^\top \Sigma_i^{-1} z_i", "f", np.einsum("ia,iab,ib->", X[:4], np.linalg.inv(SPD), X[:4])),
    (r"f = \sum_i |2 A_i^{-1}| \\ A_i \in \mathbb{R}^{n \times n}", "f", np.sum(2**4 / np.linalg.det(SPD))),
    # letters that belong to names
    (r"y = \sigma(z_o) \\ z_o = w_o b + b", "y", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "name", "expected"), VALUES, ids=[v[0] for v in VALUES])
def test_the_meaning_by_values(text: str, name: str, expected: Any) -> None:
    arrays = {"x": x, "y": y, "w": w, "b": np.array(b), "xhat": x, "wo": np.array(0.7)}
    arrays |= {
        "pgiven": X,
        "qgiven": V,
        "pprime": X,
        "xprime": y,
        "X": X,
        "aLminus1": np.array(0.7),
        "Sigma": SPD,
        "A": SPD,
        "z": X[:4],
    }
    if r"\theta" in text:
        arrays["x"], expected = X, np.sum((X @ w) ** 2)
    elif r"y_j^i" in text:
        arrays["y"] = V
    elif expected is None:
        expected = sigmoid(0.7 * b + b)
    np.testing.assert_allclose(value(text, name, **arrays), expected, rtol=1e-12)


SOFTMAX = r"""p_j = \frac{e^{o_j}}{\sum_k e^{o_k}}
L = -\sum_j y_j \log p_j
\text{assume } \sum_j y_j = 1"""
NG = r"""J(\theta) = -\frac{1}{m}\sum^{m}_{i=1}y^{i}\log{(h_{\theta}(x^{i}))} + (1 - y^{i})\log{(1 - h_{\theta}(x^{i}))}
h_\theta(x^i) = \sigma(\sum_j \theta_j x^i_j)"""
NAMED = r"""\xi = - \left[ t log(y) + (1-t)log(1-y) \right]
y = \sigma(z_o)
z_o = w_o h + b_o
\delta_{o} = \frac{\partial \xi}{\partial z_{o}}"""
SVM = r"L_i = \sum_j \max(0, w_j^T x_i - s_i)"
PER_EXAMPLE = r"""l(\beta) = \sum_i (-y_i \beta^T \mathbf{x}_i + \ln(1 + e^{\beta^T \mathbf{x}_i}))
p(\mathbf{x}_i; \beta) = \frac{e^{\beta^T \mathbf{x}_i}}{1 + e^{\beta^T \mathbf{x}_i}}"""
ENTRIES = r"""E(W) = \sum_n \sum_k t_{kn} (\log \sum_j e^{\vec{w}_j^T \vec{x}_n} - \vec{w}_k^T \vec{x}_n)
S_{kn} = \frac{e^{\vec{w}_k^T \vec{x}_n}}{\sum_j e^{\vec{w}_j^T \vec{x}_n}}
\text{assume } \sum_k t_{kn} = 1"""
CS229 = r"""g(z) = \frac{1}{1 + e^{-z}}
h_\theta(x) = g(\theta^T x)
\ell(\theta) = y \log h_\theta(x) + (1 - y) \log(1 - h_\theta(x))"""
COOKBOOK = r"""q = (\mathbf{x} - \mathbf{A}\mathbf{s})^T \mathbf{W} (\mathbf{x} - \mathbf{A}\mathbf{s})
\text{assume } \mathbf{W} = \mathbf{W}^T"""

FUNCTIONS = r"f(x) = x^2 \\ g(x) = \sin x"
WIDE = (
    r"f = \|Xw-y\|^2 \\ X \in \mathbb{R}^{n \times d} \\ w \in \mathbb{R}^{d}"  # with an extent d
)

# a model, a right claim (the textbook's), and a wrong one beside it
CLAIMS = [
    (SOFTMAX, r"\partial_{o_j} L = p_j - y_j", r"\partial_{o_j} L = y_j - p_j"),
    (SOFTMAX, r"\partial_{o_j} L(\mathbf{o}, y) = p_j - y_j", r"\partial_{o_j} L(y) = p_j"),
    (SOFTMAX, r"\nabla_{o_j} L = p_j - y_j", r"\nabla_{o_j} L = p_j + y_j"),
    (SOFTMAX, r"\delta L / \delta o_j = p_j - y_j", r"\delta L / \delta o_j = 2 p_j - y_j"),
    (SOFTMAX, r"\frac{\partial L}{\partial o} = p - y", r"\frac{\partial L}{\partial o} = y - p"),
    (SOFTMAX, r"\frac{\partial L}{\partial o_i} = -\sum_j \frac{\partial y_j \log p_j}{\partial o_i}",
     r"\frac{\partial L}{\partial o_i} = \sum_j \frac{\partial y_j \log p_j}{\partial o_i}"),
    (SOFTMAX, r"\frac{\partial L}{\partial o_i} = -\sum_j \frac{y_j}{p_j} \frac{\partial p_j}{\partial o_i}",
     r"\frac{\partial L}{\partial o_i} = -\sum_j y_j \frac{\partial p_j}{\partial o_i}"),
    (NG, r"\frac{\delta J(\theta)}{\delta\theta_{j}} = \frac{1}{m}\sum^{m}_{i=1}(h_{\theta}(x^{i}) - y^{i}) x^i_j",
     r"\frac{\delta J(\theta)}{\delta\theta_{j}} = \frac{1}{m}\sum^{m}_{i=1}(y^{i} - h_{\theta}(x^{i})) x^i_j"),
    (NG, r"\frac{\partial h_{\theta}(x^{i})}{\partial\theta_{j}} = h_{\theta}(x^{i})(1 - h_{\theta}(x^{i}))x_{j}^{i}",
     r"\frac{\partial h_{\theta}(x^{i})}{\partial\theta_{j}} = h_{\theta}(x^{i})(1 - h_{\theta}(x^{i}))"),
    (NAMED, r"\frac{\partial \xi}{\partial b_o} = y - t = \delta_{o}",
     r"\frac{\partial \xi}{\partial b_o} = t - y"),
    (NAMED, r"\frac{\partial \xi}{\partial w_o} = h \delta_o", r"\frac{\partial \xi}{\partial w_o} = \delta_o"),
    (NAMED, r"\delta_o = y - t", r"\delta_o = y (1 - y)"),
    (SOFTMAX, r"\frac{\partial{L}}{\partial{o_i}} = -\sum_j y_j \frac{\partial{\log p_j}}{\partial{o_i}}",
     r"\frac{\partial{L}}{\partial{o_i}} = -\sum_j \frac{\partial{\log p_j}}{\partial{o_i}}"),
    (SVM, r"\nabla_{x_i} L_i = \sum_j \mathbb{1}(w_j^T x_i - s_i > 0) w_j",
     r"\nabla_{x_i} L_i = \sum_j \mathbb{1}(w_j^T x_i - s_i > 0) x_i"),
    (ENTRIES, r"\nabla_{\vec{w}_i} E(W) = \sum_n \vec{x}_n (S_{in} - t_{in})",
     r"\nabla_{\vec{w}_i} E(W) = \sum_n \vec{x}_n (t_{in} - S_{in})"),
    (r"\sigma(\mathbf{z})_i = \frac{e^{z_i}}{\sum_j e^{z_j}}",
     r"\frac{\partial \sigma(\mathbf{z})_i}{\partial z_j} = \sigma(\mathbf{z})_i (\delta_{ij} - \sigma(\mathbf{z})_j)",
     r"\frac{\partial \sigma(\mathbf{z})_i}{\partial z_j} = \sigma(\mathbf{z})_j (\delta_{ij} - \sigma(\mathbf{z})_j)"),
    (r"\ln \lambda_i = x_i \beta \\ \ln L = \sum_i y_i \ln \lambda_i - \lambda_i",
     r"\frac{\partial \ln L}{\partial \beta} = \sum_i (y_i - \lambda_i) x_i",
     r"\frac{\partial \ln L}{\partial \beta} = \sum_i (y_i - \lambda_i)"),
    (r"L = \sum_n \|y_n - t_n\|^2", r"\frac{\partial L}{\partial y_n} = 2 (y_n - t_n)",
     r"\frac{\partial L}{\partial y_n} = 2 (t_n - y_n)"),
    (CS229, r"\frac{\partial}{\partial \theta_j} \ell(\theta) = (y - h_\theta(x)) x_j",
     r"\frac{\partial}{\partial \theta_j} \ell(\theta) = (h_\theta(x) - y) x_j"),
    (CS229, r"\frac{\partial}{\partial \theta_j} \ell(\theta) = (y - g(\theta^T x)) x_j",
     r"\frac{\partial}{\partial \theta_j} \ell(\theta) = (y + g(\theta^T x)) x_j"),
    (r"D = W X \\ L = f(D) \\ X \in \mathbb{R}^{d \times n} \\ W \in \mathbb{R}^{h \times d}",
     r"\frac{dL}{dW} = \frac{dL}{dD} X^T", r"\frac{dL}{dW} = X^T \frac{dL}{dD}"),
    (COOKBOOK, r"\frac{\partial}{\partial \mathbf{s}} (\mathbf{x} - \mathbf{A}\mathbf{s})^T \mathbf{W} (\mathbf{x} - \mathbf{A}\mathbf{s}) = -2 \mathbf{A}^T \mathbf{W} (\mathbf{x} - \mathbf{A}\mathbf{s})",
     r"\frac{\partial}{\partial \mathbf{s}} (\mathbf{x} - \mathbf{A}\mathbf{s})^T \mathbf{W} (\mathbf{x} - \mathbf{A}\mathbf{s}) = -2 \mathbf{A} \mathbf{W} (\mathbf{x} - \mathbf{A}\mathbf{s})"),
    (r"t = \mathrm{tr} (X A X^\top)", r"\frac{\partial \mathrm{tr} X A X^\top}{\partial X} = X (A + A^\top)",
     r"\frac{\partial \mathrm{tr} X A X^\top}{\partial X} = (A + A^\top) X"),
    (r"G(v) = \frac{v^{\mathrm{T}} A v}{v^{\mathrm{T}} v} \\ \text{assume } A = A^T",
     r"\triangledown G(v) = \frac{2}{\|v\|^2} (A - G I_d) v", r"\triangledown G(v) = \frac{2}{\|v\|^2} (A + G I_d) v"),
    (r"f(x) = x^2 \\ g(x) = \sin x \\ h(x) = (f+g)(x)", r"h'(x) = 2x + \cos x", r"h'(x) = 2x - \cos x"),
    (FUNCTIONS, r"(fg)'(x) = 2 x \sin x + x^2 \cos x", r"(fg)'(x) = 2 x \cos x"),
    (FUNCTIONS, r"(g \circ f)'(x) = 2 x \cos(x^2)", r"(g \circ f)'(x) = 2 \sin x \cos x"),
    (FUNCTIONS, r"(f / g)'(x) = \frac{2 x \sin x - x^2 \cos x}{\sin^2 x}", r"(f / g)'(x) = \frac{2 x}{\cos x}"),
    (WIDE, r"\frac{d\|Xw-y\|^2}{dw_j} = [2X^T(Xw-y)]_j", r"\frac{d\|Xw-y\|^2}{dw_j} = [X^T(Xw-y)]_j"),
    (WIDE, r"\frac{d}{dw_j} \|Xw-y\|^2 = 2 \sum_i X_{ij} ([Xw]_i - y_i)", r"\frac{d}{dw_j} \|Xw-y\|^2 = 2 \sum_i X_{ij} ([Xw]_i + y_i)"),
    (WIDE, r"\frac{d^2 f}{dw_i dw_j} = 2 [X^T X]_{ij}", r"\frac{d^2 f}{dw_i dw_j} = [X^T X]_{ij}"),
    (WIDE, r"\frac{d \log f}{d w_j} = \frac{1}{f} \frac{df}{dw_j}", r"\frac{d \log f}{d w_j} = \frac{df}{dw_j}"),
    (r"\mu = \frac{1}{n} \sum_{j=1}^n x_j", r"\partial (x_j - \mu) / \partial x_i = \delta_{ij} - 1/n",
     r"\partial (x_j - \mu) / \partial x_i = \delta_{ij} + 1/n"),
    (r"h = A^{-\top} b \\ L = \sum_i h_i^2", r"\frac{\partial L}{\partial b} = 2 A^{-1} h",
     r"\frac{\partial L}{\partial b} = 2 A^{-\top} h"),
    (r"l_i = -\log \sigma(y_i z_i) \\ z_i = \beta^T x_i", r"\frac{\partial l_i}{\partial \beta} = -(1 - \sigma(y_i z_i)).y_i x_i",
     r"\frac{\partial l_i}{\partial \beta} = (1 - \sigma(y_i z_i)).y_i x_i"),
    (PER_EXAMPLE, r"\frac{\partial l}{\partial \beta} = -\sum_i \mathbf{x}_i (y_i - p(\mathbf{x}_i; \beta))",
     r"\frac{\partial l}{\partial \beta} = \sum_i \mathbf{x}_i (y_i - p(\mathbf{x}_i; \beta))"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "right", "wrong"), CLAIMS, ids=[c[1] for c in CLAIMS])
@pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")
def test_claims_are_judged(model: str, right: str, wrong: str) -> None:
    parsed = eg.parse_latex(model)
    assert [v.outcome for v in parsed.check_each(right, latex=True)].count("right") >= 1
    assert all(v.ok for v in parsed.check_each(right, latex=True))
    assert not any(v.ok for v in parsed.check_each(wrong, latex=True))


LOSS = r"z_i = W_{ij} x_j \\ L = l(z_i, y_i)"


@pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")
def test_a_loss_that_nothing_defines_stands_for_any() -> None:
    """The chain rule holds for every loss; what holds for sums over entries alone is not judged."""
    model = eg.parse_latex(LOSS)
    right = r"\frac{\partial L}{\partial W_{ij}} = \frac{\partial L}{\partial z_i} x_j"
    assert model.check_each(right, latex=True)[0].ok
    assert not model.check_each(right.replace("x_j", "x_i"), latex=True)[0].ok
    with pytest.raises(eg.EingradError, match="stands for any"):
        model.check_each(
            r"\frac{\partial^2 L}{\partial z_i \partial z_j} = 0, \quad i \ne j", latex=True
        )


# what must not be guessed: a text, and a word of what is said
REFUSED = [
    (r"G = \sum_t \gamma^t r_t", "above a name is a label elsewhere"),
    (r"f(x) = \sum_k a_k x^k", "above a name is a label elsewhere"),
    (r"f(x) = \sum_k x^k", "above a name is a label elsewhere"),
    (r"S = \sum_k p^k (1 - p)^k", "above a name is a label elsewhere"),
    (r"f(x_i) = x_i^2 w \\ L = \sum_j f(z_j)", "of something else than where it is defined"),
    (r"L = (y_i - t_i)^2", "does not stand on the left"),
    (r"L = (y_o - t_o)^2", "does not stand on the left"),
    (r"w_{ij} \leftarrow w_{ij} - \eta g_{ij}", "makes no equation"),
    (r"L \approx \sum_i x_i^2", "makes no equation"),
    (r"L = \left. x^2 \right|_{x = 1}", "at one point"),
    (r"L = \sum_i p(y_i \mid x_i)", "missing before"),
    (r"L = (x - x^0)^2", "to the power 0"),
    (r"L = \sum_i k_i (x_i - x_i^0)^2", "to the power 0"),
    (r"f = \sum_i \sigma_i(X)", "with a label and an argument"),
    (r"R = \sum_k \pi_k p_k(x)", "with a label and an argument"),
    (r"E = \frac{1}{2} \sum_i m_i x_i(t)^2", "with a label and an argument"),
    (r"K_{ij} = k(x_i, x_j)", "no sum of functions of each"),
    (r"f_i = k(x_i, y)", "no sum of functions of each"),
    (r"X \in \mathbb{R}^{m \times n} \\ f = \sum_i X_i", "fewer labels than X has extents"),
    (r"u \in \mathbb{R}^m \\ v \in \mathbb{R}^n \\ S = u \cdot v", "different extents"),
]  # fmt: skip


REFUSED += [  # braces are not printed, a second bar may open or close, a colon is no condition
    (text, "braces around a sum")
    for text in (
        r"L = {x+1}y", r"L = y{x+1}", r"L = a-{x+1}", r"L = \textcolor{red}{x+1}y",
        r"L = \frac12\sum_i{x_i-y_i}^2", r"L = 2\cdot{x+1}", r"L = {x+1}/y",
    )
]  # fmt: skip
REFUSED += [(text, "bars belong together") for text in ("y = |a|x| - b|", "y = |a |x| - b|")]
REFUSED += [(r"f = |\mathbf X|", "determinant"), (r"y = |\mathbf A\mathbf X|", "determinant")]
REFUSED += [("L = w^2 : w > 0", "colon before a comparison")]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_what_is_refused(text: str, reason: str) -> None:
    with pytest.raises(eg.NotationError, match=reason) as caught:
        eg.parse_latex(text)
    assert caught.value.hint


def test_the_work_of_reading_is_bounded() -> None:
    """Each level would be read twice, and 2^45 times in all."""
    text = r"L = " + r"\frac{d" * 45 + "x" + r"}{c}" * 45
    with pytest.raises(eg.NotationError):
        eg.parse_latex(text)


def test_a_number_and_a_name_behind_a_slash_are_open():
    """Books mean ``(x - a)^2 / (2 \\sigma^2)``; ``1/2 x`` is a half of x."""
    with pytest.raises(eg.EingradError, match=r"divides by sigma\^2 is open"):
        eg.parse_latex(r"c = (x - a)^2 / 2 \sigma^2")
    half = eg.parse_latex(r"f = 1/2 x^2 - n/2 \log(2\pi x)")
    assert half.check(r"\frac{df}{dx} = x - \frac{n}{2 x}", latex=True).ok


@pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")
@pytest.mark.parametrize(("text", "last"), [
    (r"y = f_2(f_1(x))", "y = f2(f1(x))"),
    (r"y = \phi_3(\phi_2(\phi_1(x)))", "y = phi3(phi2(phi1(x)))"),
    (r"a = f_{2}(W_2 f_{1}(x))", "a = f2(W2 f1(x))"),
    (r"y = w_2(w_1(x + 1) + 2)", "y = w2 (w1 (x + 1) + 2)"),  # nothing says that w_1 is a function
    (r"y = w_2(w_1 x + b_1) + b_2", "y = w2 (w1 x + b1) + b2"),
])  # fmt: skip
def test_what_holds_a_function_of_its_letter_is_one(text: str, last: str) -> None:
    assert str(eg.parse_latex(text)).splitlines()[-1] == last


def test_ones_with_a_number_below_are_refused() -> None:
    with pytest.raises(eg.NotationError, match="ones without a label"):
        eg.parse_latex(r"\mathbf m = \mathbf K\mathbf{1}_{0}")


@pytest.mark.parametrize(("text", "claim", "outcome"), [
    (r"L = \phi\varphi", r"\frac{\partial L}{\partial\phi} = \varphi", "right"),
    (r"L = \phi\varphi", r"\frac{\partial L}{\partial\phi} = 2\phi", "wrong"),
    (r"L = \epsilon^2+\varepsilon", r"\frac{\partial L}{\partial\varepsilon} = 1", "right"),
    (r"L = \epsilon^2+\varepsilon", r"\frac{\partial L}{\partial\epsilon} = 2\epsilon+1", "wrong"),
    (r"L = \sum_i \varrho_i^2 \rho_i", r"\frac{\partial L}{\partial\rho_i} = \varrho_i^2", "right"),
    (r"L = \varphi^2", r"\frac{\partial L}{\partial\varphi} = 2\varphi", "right"),
    (r"z = \varphi(x) \\ w = \phi(x)", r"\frac{dz}{dx} = \varphi'(x)", "right"),
    (r"z = \varphi(x) \\ w = \phi(x)", r"\frac{dz}{dx} = \phi'(x)", "wrong"),
    (r"a_j = \varphi(z_j) \\ \phi = \sum_j a_j", r"\frac{\partial\phi}{\partial z_j} = \varphi'(z_j)", "right"),
])  # fmt: skip
def test_two_forms_of_a_letter_are_two_names_where_both_stand(
    text: str, claim: str, outcome: str
) -> None:
    assert eg.parse_latex(text).check(claim, latex=True).outcome == outcome


@pytest.mark.parametrize(("text", "last"), [
    (r"L = {(x+1)}y", "L = (x + 1) y"),
    (r"L = \sum_i{x_i-y_i}", "L = sum_i(x_i - y_i)"),
    (r"L = {\left(x+1\right)}^2", "L = (x + 1)^2"),
    (r"L = {x}y", "L = x y"),
    (r"y = |a| - 2|-b|", "y = abs(a) - 2 abs(-b)"),
    (r"y = |a||b|", "y = abs(a) abs(b)"),
    (r"y = x|-x|", "y = x abs(-x)"),
])  # fmt: skip
def test_braces_and_bars_that_are_read_in_one_way(text: str, last: str) -> None:
    assert str(eg.parse_latex(text)).splitlines()[-1] == last
