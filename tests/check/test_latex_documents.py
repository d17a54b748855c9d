r"""The formulas of five documents on the web, in LaTeX as they stand there, read and checked.

`RIGHT` and `WRONG` hold the formulas character by character, except that of a chain the parts
that are no index notation (matrices, slices) are left out. `EDITED` holds those that can be read
after a small edit alone, with the reason. What is no formula about entries (``Y = A X``, shapes,
code) is not here; `test_documents` has its content in the plain notation.
"""

from __future__ import annotations

import pytest

import eingrad as eg

# "Simple MLP - Forward and Backward Pass (With Einsum) Derivation"
SINGLE = r"""
\[h_{a,h} = \sum_i W_{h i} x_i + b_h\]
\[h_h = \sigma(h_{a,h})\]
\[y_{a,o} = \sum_h V_{o h} h_h + c_o\]
\[y_o = \frac{e^{y_{a,o}}}{\sum_{o'} e^{y_{a,o'}}}\]
\[L = -\sum_o t_o \log y_o\]
\text{assume } \sum_o t_o = 1
"""
SINGLE_RIGHT = [
    r"\frac{\partial L}{\partial L} = 1",
    r"\[\frac{\partial L}{\partial y_{a,o}} = y_o - t_o\]",
    r"\[\frac{\partial L}{\partial V_{o h}} = (y_o - t_o) h_h\]",
    r"\[\frac{\partial L}{\partial h_h} = \sum_o V_{o h} (y_o - t_o)\]",
    r"\[\frac{\partial L}{\partial h_{a,h}} = \frac{\partial L}{\partial h_h} \cdot "
    r"\sigma(h_{a,h})(1 - \sigma(h_{a,h}))\]",
    r"\[\frac{\partial L}{\partial W_{h i}} = \frac{\partial L}{\partial h_{a,h}} x_i\]",
    r"\[\frac{\partial L}{\partial h_h} = \sum_o V_{o h} \frac{\partial L}{\partial y_{a,o}}.\]",
]

# "Use Einstein Notation to derive Backpropagation"
SQUARES = r"""
z_i = W_{ij} x_j
y_i = \sigma(z_i)
e_i = y_{\text{true}, i} - y_i
L = e_i e_i
"""
SQUARES_RIGHT = [
    r"\frac{\partial L}{\partial y_i} = 2 e_i (-1)",
    r"\frac{\partial L}{\partial z_i} = \frac{\partial L}{\partial y_i} \cdot "
    r"\frac{\partial \sigma(z_i)}{\partial z_i}",
    r"\frac{\partial L}{\partial W_{ij}} = \frac{\partial L}{\partial z_i} \cdot "
    r"\frac{\partial z_i}{\partial W_{ij}} = \frac{\partial L}{\partial z_i} x_j",
    r"z_i = W_{ij} x_j,",
]

# "Backpropagation for an MLP classifier on MNIST": one example, y is its class
ONE_EXAMPLE = r"""
a^{(1)}_k = x_i W^{(1)}_{ik} + b^{(1)}_k
z^{(1)}_k = \phi(a^{(1)}_k)
a^{(2)}_k = z^{(1)}_i W^{(2)}_{ik} + b^{(2)}_k
z^{(2)}_k = \text{softmax}(a^{(2)}_k)
\mathcal{L}(z^{(2)}, y) = -\log(z^{(2)}_y)
"""
ONE_EXAMPLE_RIGHT = [
    r"\frac{\partial a^{(1)}_k}{\partial W^{(1)}_{ij}} = \delta_{jk} x_i",
    r"\frac{\partial a^{(1)}_k}{\partial b^{(1)}_j} = \delta_{jk}",
    r"$$\frac{\partial z^{(1)}_j}{\partial a^{(1)}_i} = \frac{\partial}{\partial a^{(1)}_i} "
    r"[\phi(a^{(1)}_j)] = \delta_{ij} \phi'(a^{(1)}_j)$$",
    r"\frac{\partial a^{(2)}_j}{\partial z^{(1)}_i } = W^{(2)}_{ij}",
    r"\frac{\partial a^{(2)}_k}{\partial W^{(2)}_{ij}} = \delta_{jk} z^{(1)}_i",
    r"\frac{\partial a^{(2)}_k}{\partial b^{(2)}_j} = \delta_{jk}",
    r"$$\frac{\partial z^{(2)}_j}{\partial a^{(2)}_i} = \frac{\partial}{\partial a^{(2)}_i} "
    r"[\text{softmax}(a^{(2)}_j)] = z^{(2)}_j (\delta_{ij} - z^{(2)}_i)$$",
    r"$$\frac{\partial \mathcal{L}(z^{(2)}, y)}{\partial z^{(2)}_i} = "
    r"\frac{\partial}{\partial z^{(2)}_i} [-\log(z^{(2)}_y) ] = - \frac{\delta_{iy}}{z^{(2)}_y}$$",
    r"$$\frac{\partial \mathcal{L}}{\partial a^{(2)}_j} = \sum_{k \in [c]} \frac{\partial "
    r"\mathcal{L}}{\partial z^{(2)}_k} \frac{\partial z^{(2)}_k}{\partial a^{(2)}_j} = - "
    r"\sum_{k \in [c]} \frac{\delta_{ky}}{z^{(2)}_y} z^{(2)}_k (\delta_{jk} - z^{(2)}_j) = "
    r"-(\delta_{yj} - z^{(2)}_j) $$",
    r"$$\frac{\partial \mathcal{L}}{\partial W^{(2)}_{ij}} = \frac{\partial \mathcal{L}}{\partial "
    r"a^{(2)}_j} \frac{\partial a^{(2)}_j}{\partial W^{(2)}_{ij}} = -(\delta_{yj} - z^{(2)}_j) "
    r"z^{(1)}_i$$",
    r"$$\frac{\partial \mathcal{L}}{\partial b^{(2)}_j} = \frac{\partial \mathcal{L}}{\partial "
    r"a^{(2)}_j} \frac{\partial a^{(2)}_j}{\partial b^{(2)}_j} = -(\delta_{yj} - z^{(2)}_j)$$",
    r"\frac{\partial \mathcal{L}}{\partial z^{(1)}_i} = \sum_{j \in [c]} \frac{\partial "
    r"\mathcal{L}}{\partial a^{(2)}_j} \frac{\partial a^{(2)}_j}{\partial z^{(1)}_i} = - "
    r"\sum_{j \in [c]} (\delta_{yj} - z^{(2)}_j) W_{ij}^{(2)}",
    r"$$\frac{\partial \mathcal{L}}{\partial a^{(1)}_j} = \frac{\partial \mathcal{L}}{\partial "
    r"z^{(1)}_j} \frac{\partial z^{(1)}_j}{\partial a^{(1)}_j} = \frac{\partial \mathcal{L}}"
    r"{\partial z^{(1)}_j} \cdot \phi'(a^{(1)}_j)$$",
    r"$$\frac{\partial \mathcal{L}}{\partial W^{(1)}_{ij}} = \frac{\partial \mathcal{L}}{\partial "
    r"a^{(1)}_j} \frac{\partial a^{(1)}_j}{\partial W^{(1)}_{ij}} = \frac{\partial \mathcal{L}}"
    r"{\partial a^{(1)}_j} x_i$$",
    r"$$\frac{\partial \mathcal{L}}{\partial b^{(1)}_j} = \frac{\partial \mathcal{L}}{\partial "
    r"a^{(1)}_j} \frac{\partial a^{(1)}_j}{\partial b^{(1)}_j} = \frac{\partial \mathcal{L}}"
    r"{\partial a^{(1)}_j}$$",
]

# the same for a minibatch, where \mathfrak{L} is the mean of the examples' \mathcal{L}_k
MINIBATCH = r"""
A^{(1)}_{kh} = X_{ki} W^{(1)}_{ih} + b^{(1)}_h
Z^{(1)}_{kh} = \phi(A^{(1)}_{kh})
A^{(2)}_{kc} = Z^{(1)}_{kh} W^{(2)}_{hc} + b^{(2)}_c
Z^{(2)}_{kc} = \text{softmax}_c(A^{(2)}_{kc})
\mathcal{L}_k = - \log(Z^{(2)}_{[k, y_k]})
$$\mathfrak{L} = \frac{1}{m} \sum_{k=1}^m \mathcal{L}_k$$
"""
MINIBATCH_RIGHT = [
    r"$$\mathfrak{L}(Z^{(2)}, y^\top) = -\frac{1}{m} \sum_{i=1}^m \log(Z^{(2)}_{[i, y_i]})$$",
]

# "MLP Standard Derivatives Derivation"
STANDARD = r"""
\[y_i = \mathrm{softmax}(a)_i = \frac{e^{a_i}}{\sum_k e^{a_k}}
\qquad\text{let } S = \sum_k e^{a_k}.\]
\[L = -\sum_i t_i \log y_i.\]
\text{assume } \sum_i t_i = 1
"""
STANDARD_RIGHT = [
    r"\[y_i = \mathrm{softmax}(a)_i = \frac{e^{a_i}}{\sum_k e^{a_k}}\]",
    r"\[y_i = \frac{e^{a_i}}{S}.\]",
    r"\[\frac{\partial y_i}{\partial a_j} = \frac{S\cdot\frac{\partial}{\partial a_j}e^{a_i} \;-\; "
    r"e^{a_i}\cdot\frac{\partial S}{\partial a_j}}{S^2}.\]",
    r"\[\frac{\partial}{\partial a_j} e^{a_i} = e^{a_i}\delta_{ij}\]",
    r"\[\frac{\partial S}{\partial a_j} = e^{a_j}\]",
    r"\[\frac{\partial y_i}{\partial a_j} = \frac{S(e^{a_i}\delta_{ij}) - e^{a_i}e^{a_j}}{S^2} = "
    r"\frac{e^{a_i}}{S^2}(S\delta_{ij} - e^{a_j}).\]",
    r"\[y_i = \frac{e^{a_i}}{S}, \qquad y_j = \frac{e^{a_j}}{S}.\]",
    r"\[\frac{\partial y_i}{\partial a_j} = y_i\delta_{ij} - y_i y_j = y_i (\delta_{ij} - y_j).\]",
    r"\[\frac{\partial L}{\partial a_j} = \sum_i \frac{\partial L}{\partial y_i} "
    r"\frac{\partial y_i}{\partial a_j} = \sum_i \left( -\frac{t_i}{y_i} \right) "
    r"y_i(\delta_{ij} - y_j).\]"
    "\n\n"  # "Simplify:"
    r"\[= \sum_i -t_i(\delta_{ij} - y_j) = -\sum_i t_i\delta_{ij} + \sum_i t_i y_j.\]",
    r"\[\sum_i t_i\delta_{ij} = t_j\]",
    r"\(\sum_i t_i = 1\)",
    r"\[\frac{\partial L}{\partial a_j} = -t_j + y_j = y_j - t_j.\] "
    r"\[\boxed{ \frac{\partial L}{\partial a_j} = y_j - t_j }\]",
    r"\[\sum_i a_i \delta_{ij} = a_j.\]",
    r"\[\frac{\partial e^{a_i}}{\partial a_j} = e^{a_i} \delta_{ij},\]",
]
LOGISTIC = r"\(y_i = \sigma(a_i).\) z = \sigma(x)"
LOGISTIC_RIGHT = [
    r"\[\sigma(x) = \frac{1}{1 + e^{-x}}.\]",
    r"\[\frac{d\sigma(x)}{dx} = \frac{d}{dx}\left( \frac{1}{1 + e^{-x}} \right) = "
    r"\frac{e^{-x}}{(1 + e^{-x})^2}.\]",
    r"\[\sigma(x) = \frac{1}{1 + e^{-x}}, \qquad 1 - \sigma(x) = \frac{e^{-x}}{1 + e^{-x}}.\]",
    r"\[\frac{d\sigma(x)}{dx} = \sigma(x)\bigl(1 - \sigma(x)\bigr).\]",
    r"\[\frac{\partial y_i}{\partial a_j} = \sigma(a_i)\bigl(1 - \sigma(a_i)\bigr)\delta_{ij}.\]",
]
MATRICES = r"""
\[Y_{ij} = \sum_k A_{ik} X_{kj}.\]
L = \sum_{ij} f(Y_{ij})
"""
MATRICES_RIGHT = [
    r"\[\frac{\partial L}{\partial A_{ik}} = \sum_j \frac{\partial L}{\partial Y_{ij}} "
    r"\frac{\partial Y_{ij}}{\partial A_{ik}} = \sum_j G_{ij} X_{kj}.\]"
    r"\[G_{ij} = \frac{\partial L}{\partial Y_{ij}}.\]",
    r"\[\frac{\partial L}{\partial A_{ik}} = G_{ij} X_{kj}.\]"
    r"\[G_{ij} = \frac{\partial L}{\partial Y_{ij}}.\]",
]

# "Einsum Gradient"; G is the upstream gradient
EINSUM = r"X_{ij}W_{jk} = Z_{ik} \\ N = \sum_{i,k} f(Z_{ik})"
UPSTREAM = r", \text{ where } G_{ik} = \frac{\partial N}{\partial Z_{ik}}"
EINSUM_RIGHT = [
    r"$$(\nabla N_W)_{jk} = \sum_i G_{ik} X_{ij} \quad (2)$$" + UPSTREAM,
    r"$$X_{ij}G_{ik} = (\nabla N_W)_{jk} \quad (3)$$" + UPSTREAM,
    r"$$(\nabla N_X)_{ij} = \sum_k G_{ik} W_{jk} \quad (4)$$" + UPSTREAM,
    r"$$G_{ik}W_{jk} = (\nabla N_X)_{ij} \quad (5)$$" + UPSTREAM,
]

RIGHT = [
    (model, claim)
    for model, claims in [
        (SINGLE, SINGLE_RIGHT), (SQUARES, SQUARES_RIGHT), (ONE_EXAMPLE, ONE_EXAMPLE_RIGHT),
        (MINIBATCH, MINIBATCH_RIGHT), (STANDARD, STANDARD_RIGHT), (LOGISTIC, LOGISTIC_RIGHT),
        (MATRICES, MATRICES_RIGHT), (EINSUM, EINSUM_RIGHT),
    ]
    for claim in claims
]  # fmt: skip

# A mistake of the documents, and what the check says about it.
WRONG = [
    # Z_{jk} for Z_{ik}
    (EINSUM, r"$$X_{ij}W_{jk} = Z_{jk} \quad (1)$$", "label", "Z_ik is meant"),
    # the last part of a chain, with letters for its slices
    (MINIBATCH, r"\frac{\partial \mathfrak{L}}{\partial A^{(1)}_{ih}} = \frac{1}{m} "
     r"\frac{\partial \mathcal{L}_i}{\partial Z^{(1)}_{ih}} \odot \phi'(A^{(1)}_{ih}) = "
     r"\frac{1}{m} \frac{\partial \mathfrak{L}}{\partial Z^{(1)}_{ih}} \odot "
     r"\phi'(A^{(1)}_{ih})", "factor", "factor 1/size(i) too many"),
    (MINIBATCH, r"\frac{\partial \mathfrak{L}}{\partial W^{(1)}_{jh}} = \frac{1}{m} "
     r"\sum_{k=1}^m X_{kj} \frac{\partial \mathcal{L}_k}{\partial A^{(1)}_{kh}} = "
     r"\frac{1}{m} X_{kj} \frac{\partial \mathfrak{L}}{\partial A^{(1)}_{kh}}",
     "factor", "factor 1/size(k) too many"),
]  # fmt: skip

# (model, as written, as it can be read, why)
EDITED = [
    (ONE_EXAMPLE, r"\mathcal{L} = - \log(z^{2}_y)", r"\mathcal{L} = - \log(z^{(2)}_y)",
     "the number of a layer without its parentheses is an exponent"),
    (ONE_EXAMPLE, r"\frac{\partial s_j}{x_i} = s_j (\delta_{ij} - s_i)",
     r"\frac{\partial z^{(2)}_j}{\partial a^{(2)}_i} = z^{(2)}_j (\delta_{ij} - z^{(2)}_i)",
     r"there is no \partial below the bar; the document calls the tensors x and s here"),
    (MINIBATCH, r"\frac{\partial \mathfrak{L}}{\partial A^{(2)}_{[i,:]}} = - \frac{1}{m} "
     r"(Y_{[i,:]} - Z^{(2)}_{[i,:]})",
     r"\frac{\partial \mathfrak{L}}{\partial A^{(2)}_{ic}} = - \frac{1}{m} "
     r"(\delta_{c,y_i} - Z^{(2)}_{ic})",
     "a slice has no letter for its axis; Y is the one-hot form of y"),
    (MINIBATCH, r"\frac{\partial \mathfrak{L}}{\partial b^{(2)}} = - \frac{1}{m} \sum_{i=1}^m "
     r"(Y_{[i, :]} - Z^{(2)}_{[i, :]})",
     r"\frac{\partial \mathfrak{L}}{\partial b^{(2)}_c} = - \frac{1}{m} \sum_{i=1}^m "
     r"(\delta_{y_i c} - Z^{(2)}_{ic})",
     "a slice has no letter for its axis"),
    (EINSUM, r"$$1_b \otimes (G_{ik}W_{jk} \rightarrow A_{ij}) = (\nabla N_X)_{bij} \quad (9)$$",
     r"(\nabla N_X)_{ij} = G_{ik}W_{jk}" + UPSTREAM,
     "the arrow is no formula, and a label of the left side needs no vector of ones"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "claim"), RIGHT, ids=[claim for _, claim in RIGHT])
def test_a_right_formula_is_accepted_as_written(model: str, claim: str) -> None:
    verdict = eg.parse_latex(model).check(claim, latex=True)
    assert verdict.ok, str(verdict)


@pytest.mark.parametrize(("model", "claim", "mistake", "says"), WRONG)
def test_a_wrong_formula_is_rejected(model: str, claim: str, mistake: str, says: str) -> None:
    verdict = eg.parse_latex(model).check(claim, latex=True)
    assert not verdict.ok
    assert verdict.mistake == mistake, str(verdict)
    assert says in verdict.reason
    assert verdict.fixed is not None
    assert eg.parse_latex(model).check(verdict.correct).ok


@pytest.mark.parametrize(("model", "written", "edited", "why"), EDITED)
def test_what_cannot_be_read_says_where_and_is_right_after_an_edit(
    model: str, written: str, edited: str, why: str
) -> None:
    with pytest.raises(eg.NotationError) as caught:
        eg.parse_latex(model).check(written, latex=True)
    assert caught.value.position is not None
    assert caught.value.hint, why
    verdict = eg.parse_latex(model).check(edited, latex=True)
    assert verdict.ok, str(verdict)
