r"""Kinds of claims in matrix notation as public notes write them: the right one judged right, a
wrong one beside it wrong. The right ones were compared with PyTorch's gradients."""

# ruff: noqa: E501 - formulas stand as their authors write them

from __future__ import annotations

import pytest

import eingrad as eg

ROWS = r"\hat{y}_i = w^T X_{i,:} \\ L = \sum_i (\hat{y}_i - y_i)^2"
PRODUCT = r"""Y = W X \\ L = \sum_{ij} f(Y_{ij})
W \in \mathbb{R}^{m \times n}
X \in \mathbb{R}^{n \times p}"""
UPPER = r"""S^{ij} = \frac{1}{\sqrt{d_k}} Q^{ia} K^{ja} \\ A^{ij} = \text{softmax}_j(S^{ij}) \\ O^{ib} = A^{ij} V^{jb}
L = \sum_{ib} f(O^{ib})"""
SIGNAL = r"""Z = X \cdot W + b \\ \delta = \frac{\partial L}{\partial Z} \\ L = f(Z)
X \in \mathbb{R}^{n \times d}
W \in \mathbb{R}^{d \times h}
b \in \mathbb{R}^{1 \times h}"""
SIGNALS = r"""\mathbf{z} = \mathbf{W}_1 \mathbf{x} \\ \mathbf{h} = \sigma(\mathbf{z}) \\ \mathbf{o} = \mathbf{W}_2 \mathbf{h}
L = \sum_i f(o_i)
\delta_2 = \frac{\partial L}{\partial \mathbf{o}}
\delta_1 = (\mathbf{W}_2^\top \delta_2) \odot \sigma'(\mathbf{z})"""
LOGLIK = r"""f(x) = x^T \beta \\ p(x) = \sigma(f(x)) \\ \sigma(z) = \frac{1}{1 + e^{-z}}
L(\beta) = \sum_i \left[ y_i \log p(x_i) + (1 - y_i) \log (1 - p(x_i)) \right]"""
NORMAL = r"M = \Sigma^{-1} \\ z = (\mu - x) \\ f = z^T M z"
SOFT = r"f(x) = \log\left(\sum_i e^{x_i}\right) \\ S_k(x) = \frac{e^{x_k}}{\sum_i e^{x_i}}"
ROOT = r"\sigma_p = \sqrt{\omega^T \Sigma \omega} \\ \text{assume } \Sigma = \Sigma^T"
STAR = r"""y_j = \frac{e^{u_j}}{\sum_{j'} e^{u_{j'}}} \\ E = -u_{j^*} + \log \sum_{j'} e^{u_{j'}}
t_j = \mathbb{1}(j = j^*)"""
LOGISTIC = r"g(z) = \frac{1}{1 + e^{-z}} \\ h = g(w^T x) \\ \ell = y \log h + (1 - y) \log(1 - h)"
TANH = r"\tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}} \\ L = \sum_i \tanh(a_i)"
ONE = r"e_{ij} = x_{ij} - \sum_s u_{is} v_{js} \\ J = \frac{1}{2} \sum_{ij} e_{ij}^2"
CENTRED = r"\ell = \sum_{i=1}^n (X_i - \mu)^T \Sigma^{-1} (X_i - \mu) \\ \Sigma \in \mathbb{R}^{d \times d}"
EACH = r"f = \sum_k x_k^\top A_k x_k"
EACH_BOLD = r"f = \sum_k \mathbf{x}_k^\top \mathbf{A}_k \mathbf{x}_k"
EACH_DET = r"f = \sum_k |A_k| \\ A_k \in \mathbb{R}^{n \times n}"
MIXTURE = r"Q = \sum_i \sum_k \gamma_{ik} \left[ -\frac{1}{2} \log |\Sigma_k| - \frac{1}{2} (x_i - \mu_k)^\top \Sigma_k^{-1} (x_i - \mu_k) \right]"

CLAIMS = [
    (MIXTURE, r"\frac{\partial Q}{\partial \Sigma_k} = \frac{1}{2} \sum_i \gamma_{ik} \left( \Sigma_k^{-\top} (x_i - \mu_k) (x_i - \mu_k)^\top \Sigma_k^{-\top} - \Sigma_k^{-\top} \right)",
     r"\frac{\partial Q}{\partial \Sigma_k} = \frac{1}{2} \sum_i \gamma_{ik} \left( \Sigma_k^{-\top} (x_i - \mu_k) (x_i - \mu_k)^\top \Sigma_k^{-\top} + \Sigma_k^{-\top} \right)"),
    (MIXTURE, r"\frac{\partial Q}{\partial \mu_k} = \frac{1}{2} \sum_i \gamma_{ik} (\Sigma_k^{-1} + \Sigma_k^{-\top}) (x_i - \mu_k)",
     r"\frac{\partial Q}{\partial \mu_k} = -\sum_i \gamma_{ik} \Sigma_k^{-1} (x_i - \mu_k)"),
    (MIXTURE, r"\frac{\partial Q}{\partial \gamma_{ik}} = -\frac{1}{2} \log |\Sigma_k| - \frac{1}{2} (x_i - \mu_k)^\top \Sigma_k^{-1} (x_i - \mu_k)",
     r"\frac{\partial Q}{\partial \gamma_{ik}} = -\log |\Sigma_k| - \frac{1}{2} (x_i - \mu_k)^\top \Sigma_k^{-1} (x_i - \mu_k)"),
    (EACH_DET, r"\frac{\partial f}{\partial A_k} = |A_k| A_k^{-\top}", r"\frac{\partial f}{\partial A_k} = A_k^{-\top}"),
    (EACH_DET, r"f = \sum_k |A_k^\top|", r"f = \sum_k |2 A_k|"),
    (EACH, r"\frac{\partial f}{\partial A_k} = x_k x_k^\top", r"\frac{\partial f}{\partial A_k} = x_k^\top x_k"),
    (EACH, r"\frac{\partial f}{\partial x_k} = (A_k + A_k^\top) x_k", r"\frac{\partial f}{\partial x_k} = A_k x_k"),
    (EACH_BOLD, r"\frac{\partial f}{\partial \mathbf{A}_k} = \mathbf{x}_k \mathbf{x}_k^\top", r"\frac{\partial f}{\partial \mathbf{A}_k} = \mathbf{x}_k^\top \mathbf{x}_k"),
    (ROWS, r"\frac{\partial L}{\partial w} = 2 \sum_i (\hat{y}_i - y_i) X_{i,:}", r"\frac{\partial L}{\partial w} = \sum_i (\hat{y}_i - y_i) X_{i,:}"),
    (ROWS, r"\frac{\partial L}{\partial X_{i,\cdot}} = 2 (\hat{y}_i - y_i) w", r"\frac{\partial L}{\partial X_{i,\cdot}} = 2 (\hat{y}_i + y_i) w"),
    (PRODUCT, r"\frac{\partial L}{\partial X_{:,j}} = W^T \frac{\partial L}{\partial Y_{:,j}}", r"\frac{\partial L}{\partial X_{:,j}} = W \frac{\partial L}{\partial Y_{:,j}}"),
    (PRODUCT, r"\frac{\partial L}{\partial W_{[i,:]}} = \frac{\partial L}{\partial Y_{[i,:]}} X^T", r"\frac{\partial L}{\partial W_{[i,:]}} = 2 \frac{\partial L}{\partial Y_{[i,:]}} X^T"),
    (PRODUCT, r"\frac{\partial L}{\partial W} = \sum_j \frac{\partial L}{\partial Y_{:,j}} X_{:,j}^T", r"\frac{\partial L}{\partial W} = \sum_j X_{:,j} \frac{\partial L}{\partial Y_{:,j}}^T"),
    (UPPER, r"\frac{\partial O^{ib}}{\partial V^{mn}} = A^{ij} \delta^j_m \delta^b_n = A^{im} \delta^b_n", r"\frac{\partial O^{ib}}{\partial V^{mn}} = 2 A^{im} \delta^b_n"),
    (UPPER, r"\frac{\partial L}{\partial S^{ij}} = A^{ij} \left( \frac{\partial L}{\partial A^{ij}} - \sum_{j'} A^{ij'} \frac{\partial L}{\partial A^{ij'}} \right)", r"\frac{\partial L}{\partial S^{ij}} = A^{ij} \frac{\partial L}{\partial A^{ij}}"),
    (SIGNAL, r"\frac{\partial L}{\partial W} = X^T \cdot \delta", r"\frac{\partial L}{\partial W} = \delta \cdot X^T"),
    (SIGNALS, r"\frac{\partial L}{\partial \mathbf{W}_1} = \delta_1 (\mathbf{x})^T", r"\frac{\partial L}{\partial \mathbf{W}_1} = \delta_1 (\mathbf{h})^T"),
    (LOGLIK, r"\frac{\partial}{\partial \beta} (1 - y_i) \log [1 - p(x_i)] = -(1 - y_i) p(x_i) x_i", r"\frac{\partial}{\partial \beta} y_i \log p(x_i) = y_i p(x_i) (1 - p(x_i)) x_i"),
    (NORMAL, r"\frac{\partial f}{\partial \mu} = (\Sigma^{-1} + \Sigma^{-T}) (\mu - x)", r"\frac{\partial f}{\partial \mu} = (\Sigma^{-1} + \Sigma^{-T}) (x - \mu)"),
    (SOFT, r"S'(x) = \text{diag}(S(x)) - S(x) S(x)^T", r"S'(x) = \text{diag}(S(x)) + S(x) S(x)^T"),
    (ROOT, r"\frac{\partial \sqrt{\omega^T \Sigma \omega}}{\partial \omega} = \frac{1}{\sigma_p} \Sigma \omega", r"\frac{\partial \sigma_p}{\partial \omega} = \sigma_p \Sigma \omega"),
    (STAR, r"\frac{\partial E}{\partial u_j} = y_j - t_j", r"\frac{\partial E}{\partial u_j} = t_j - y_j"),
    (LOGISTIC, r"g'(z) = g(z) (1 - g(z))", r"g'(z) = g(z) (1 + g(z))"),
    (TANH, r"\frac{\partial L}{\partial a_i} = 1 - \tanh^2(a_i)", r"\frac{\partial L}{\partial a_i} = 1 - \tanh(a_i)"),
    (ONE, r"\frac{\partial J}{\partial u_{iq}} = \sum_j e_{ij} (-v_{jq}) \quad \forall i \in \{1 \ldots n\}, q \in \{1 \ldots k\}", r"\frac{\partial J}{\partial u_{iq}} = \sum_j e_{ij} v_{jq} \quad \forall i \in \{1 \ldots n\}, q \in \{1 \ldots k\}"),
    (CENTRED, r"\frac{\partial \ell}{\partial \mu} = -\sum_i (\Sigma^{-1} + \Sigma^{-T}) (X_i - \mu)", r"\frac{\partial \ell}{\partial \mu} = \sum_i (\Sigma^{-1} + \Sigma^{-T}) (X_i - \mu)"),
    (r"q = \mu^T A \mu", r"\nabla_\mu \mu^T A \mu = A \mu + A^T \mu", r"\nabla_\mu \mu^T A \mu = A \mu"),
    (r"t = {\rm Tr}(A X^T)", r"\frac{\delta}{\delta X} {\rm Tr}(A X^T) = A", r"\frac{\delta}{\delta X} {\rm Tr}(A X^T) = 2 A"),
    (r"g(\mathbf{C}) = || \mathbf{Y} - \mathbf{C} \mathbf{X} ||^2_F", r"\nabla g = -2 (\mathbf{Y} - \mathbf{C} \mathbf{X}) \mathbf{X}'", r"\nabla g = 2 (\mathbf{Y} - \mathbf{C} \mathbf{X}) \mathbf{X}'"),
    (r"\phi = \mathrm{tr}(\mathbf{AXB}) = \mathrm{tr}(\mathbf{BAX})", r"\frac{\partial \phi}{\partial \mathbf{X}} = (\mathbf{BA})^T", r"\frac{\partial \phi}{\partial \mathbf{X}} = 2 (\mathbf{BA})^T"),
    (r"[S(y)]_w = \frac{e^{y_w}}{\sum_j e^{y_j}}", r"\frac{\partial \log([S(y)]_w)}{\partial y_i} = \begin{cases} -[S(y)]_i & w \ne i \\ 1 - [S(y)]_i & w = i \end{cases}", r"\frac{\partial [S(y)]_w}{\partial y_i} = \begin{cases} -[S(y)]_i & w \ne i \\ 1 - [S(y)]_i & w = i \end{cases}"),
    (r"s(\mathbf{x})_i = \frac{e^{x_i}}{\sum_j e^{x_j}}", r"\frac{\partial s(\mathbf{x})_i}{\partial x_i} = s(\mathbf{x})_i - s(\mathbf{x})_i^2", r"\frac{\partial s(\mathbf{x})_i}{\partial x_i} = s(\mathbf{x})_i - s(\mathbf{x})_i"),
    (r"L = \|y - X w\|^2 + \lambda \|w\|^2", r"\nabla_w L = -2 X'(y - X w) + 2 \lambda w", r"\nabla_w L = -X'(y - X w) + 2 \lambda w"),
    (r"m = 1/N (x - y)^T (x - y)", r"dm/dx = 1/N (2 x - 2 y)", r"dm/dx = 1/N (2 x + 2 y)"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "right", "wrong"), CLAIMS, ids=[c[1] for c in CLAIMS])
@pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")
def test_claims_are_judged(model: str, right: str, wrong: str) -> None:
    parsed = eg.parse_latex(model)
    assert all(v.ok for v in parsed.check_each(right, latex=True))
    assert any(v.outcome == "wrong" for v in parsed.check_each(wrong, latex=True))


def test_what_only_a_second_reading_makes_right_is_right_if() -> None:
    """The vectors w_k may be the rows of a matrix w_kj, or its columns: w_jk."""
    model = eg.parse_latex(r"a_k = w_k^T x \\ L = \sum_k a_k^2")
    assert model.check(r"\frac{\partial L}{\partial w_{kj}} = 2 a_k x_j", latex=True).ok
    verdict = model.check(r"\frac{\partial L}{\partial w_{jk}} = 2 a_k x_j", latex=True)
    assert verdict.outcome == "right if"
    assert "columns" in verdict.reason
    assert (
        model.check(r"\frac{\partial L}{\partial w_{jk}} = a_k x_j", latex=True).outcome == "wrong"
    )


def test_a_loss_of_the_entries_of_a_vector_with_a_hat_is_not_judged() -> None:
    model = eg.parse_latex(r"\hat{p} = \sigma(\hat{X} \hat{\beta}) \\ C = -\sum_i y_i \log p_i")
    verdict = model.check(r"\nabla_{\hat{\beta}} C = \hat{X}^T \hat{p}", latex=True)
    assert verdict.outcome == "not judged"
    assert "unless p and phat are one" in verdict.reason


SVM = r"L_i = \sum_{j \neq y_i} \left[ \max(0, w_j^T x_i - w_{y_i}^T x_i + \Delta) \right]"
ACTIVE = r"\mathbb{1}(w_j^T x_i - w_{y_i}^T x_i + \Delta > 0)"


def test_a_gradient_by_the_row_that_an_integer_names() -> None:
    model = eg.parse_latex(SVM)
    own = rf"\nabla_{{w_{{y_i}}}} L_i = -\left( \sum_{{j \neq y_i}} {ACTIVE} \right) x_i"
    assert model.check(own, latex=True).ok
    assert model.check(own.replace("= -", "= "), latex=True).outcome == "wrong"
    verdict = model.check(rf"\nabla_{{w_j}} L_i = {ACTIVE} x_i", latex=True)
    assert (verdict.outcome, verdict.reason) == (
        "right if", "right if j != y_i, for these entries alone")  # fmt: skip
    assert model.check(rf"\nabla_{{w_j}} L_i = 2 {ACTIVE} x_i", latex=True).outcome == "wrong"
    claim = rf"\nabla_{{w_j}} L_i = {ACTIVE} x_i, \quad j \neq y_i"
    assert model.check(claim, latex=True).ok
    assert model.check(claim.replace("= ", "= -"), latex=True).outcome == "wrong"


PAIRS = [
    r"\sum_{i=1}^{n-1} \sum_{j=i+1}^n", r"\sum_{i=0}^{n-1} \sum_{j=i+1}^{n-1}",
    r"\sum_{i=0}^{n-2} \sum_{j=i+1}^{n-1}",
]  # fmt: skip


@pytest.mark.parametrize("pairs", PAIRS)
def test_pairs_are_summed_once(pairs: str) -> None:
    model = eg.parse_latex(rf"E = {pairs} (x_i - x_j)^2")
    claim = r"\frac{\partial E}{\partial x_m} = \sum_{i \neq m} 2 (x_m - x_i)"
    assert model.check(claim, latex=True).ok
    assert model.check(claim.replace("2 (", "4 ("), latex=True).outcome == "wrong"


PARTS = [
    r"\sum_{i=1}^{n} \sum_{j=i+1}^{n-1}", r"\sum_{i=1}^{n-2} \sum_{j=i+1}^{n-1}",
    r"\sum_{i=0}^{n-3} \sum_{j=i+1}^{n-1}", r"\sum_{i=0}^{n-1} \sum_{j=i+1}^{n-2}",
]  # fmt: skip


@pytest.mark.parametrize("pairs", PARTS)
def test_pairs_that_leave_out_entries_are_refused(pairs: str) -> None:
    with pytest.raises(eg.NotationError, match="leaves out entries"):
        eg.parse_latex(rf"E = {pairs} (x_i - x_j)^2")


def test_a_letter_above_a_tensor_is_noted_as_an_exponent() -> None:
    with pytest.warns(eg.NotationWarning, match="t above x_i is an exponent, no label"):
        eg.parse_latex(r"y_i = x_i^{t} w")
    model = eg.parse_latex(r"y_i = x_i^{t} w \\ L = t \sum_i y_i")
    assert not any("exponent" in note for note in model.notes)


def test_labels_in_brackets() -> None:
    model = eg.parse_latex(r"P[i] = \frac{e^{S[i]}}{\sum_j e^{S[j]}}")
    claim = r"\frac{\partial P[i]}{\partial S[j]} = P[i] (\delta_{ij} - P[j])"
    assert model.check(claim, latex=True).ok
    assert not model.check(claim.replace("- P", "+ P"), latex=True).ok


def test_a_chain_through_what_is_not_defined_is_not_judged() -> None:
    model = eg.parse_latex(r"z_i = W_{ij} x_j \\ L = \sum_i f(y_i)")
    claim = r"""\frac{\partial L}{\partial W_{ij}}
        = \frac{\partial L}{\partial y_i} \frac{\partial y_i}{\partial z_i} x_j"""
    verdict = model.check(claim, latex=True)
    assert verdict.outcome == "not judged"
    assert verdict.reason == "the model does not say how y depends on z"


def test_the_number_of_a_mean_is_an_extent_if_the_claim_is_right_then() -> None:
    model = eg.parse_latex(
        r"""\mu = \frac{1}{N} \sum_i x_i \\ s = \frac{1}{N} \sum_i (x_i - \mu)^2"""
    )
    claim = r"\frac{\partial s}{\partial x_i} = \frac{2}{N} (x_i - \mu)"
    verdict = model.check(claim, latex=True)
    assert (verdict.outcome, verdict.reason) == ("right if", "right if N = size(i)")
    assert model.check(claim.replace("2}", "1}"), latex=True).outcome == "wrong"


def test_capitals_to_a_greek_power_are_numbers():
    """Euler's theorem for the production function of Cobb and Douglas."""
    model = eg.parse_latex(r"P = b L^{\alpha} K^{\beta}")
    claim = r"L \frac{\partial P}{\partial L} + K \frac{\partial P}{\partial K} = "
    assert model.check(rf"{claim} (\alpha + \beta) P", latex=True).ok
    assert model.check(rf"{claim} \alpha \beta P", latex=True).outcome == "wrong"
    with pytest.raises(eg.EingradError, match="a product of matrices, or of scalars"):
        eg.parse_latex(r"P = L^{t} K^{1/2}")


@pytest.mark.parametrize("text", [
    r"f = \operatorname{tr}(e^X)", r"f = \det(\exp(\mathbf{X}))", r"\mathbf{Y} = e^{\mathbf{A} t}",
    r"f = \operatorname{tr}(X^k) \\ X \in \mathbb{R}^{n \times n}",
])  # fmt: skip
def test_functions_of_whole_matrices_are_refused(text: str) -> None:
    with pytest.raises(eg.NotationError):
        eg.parse_latex(text)


def test_a_condition_defines_no_identity() -> None:
    r"""``W^T W = I`` says what W is, not what I is: it was read as I = W^T W."""
    loss = r"L = \operatorname{tr}(\mathbf\Lambda^T (\mathbf W^T \mathbf W - \mathbf I))"
    with pytest.raises(eg.NotationError, match="a condition on a matrix"):
        eg.parse_latex(rf"\mathbf W^T \mathbf W = \mathbf I \\ {loss}")
    claim = r"\frac{\partial L}{\partial \mathbf W} = \mathbf W (\mathbf\Lambda + \mathbf\Lambda^T)"
    assert eg.parse_latex(loss).check(claim, latex=True).ok


IDENTITY = r"X \in \mathbb{R}^{n \times d}, I \in \mathbb{R}^{d \times d}"


AT_ITS_POINT = [  # invariants of a tensor, as continuum mechanics writes them
    (r"\frac{\partial i_1}{\partial E}(E) = I", "right"),
    (r"\frac{\partial i_2}{\partial E}(E) = i_1(E) I - E^T", "right"),
    (r"\frac{\partial i_2}{\partial E}(E) = i_1(E) I - 2 E^T", "wrong"),
    (r"\frac{\partial i_3}{\partial E}(E) = i_3(E) E^{-T}", "right"),
]


@pytest.mark.parametrize(("claim", "outcome"), AT_ITS_POINT)
def test_arguments_behind_a_derivative_are_where_it_is_taken(claim: str, outcome: str) -> None:
    model = eg.parse_latex(
        r"i_1(E) = \text{tr } E \\ i_2(E) = \frac{(\text{tr } E)^2 - \text{tr } E^2}{2}"
        r" \\ i_3(E) = \det E \\ E \in \mathbb{R}^{3 \times 3}"
    )
    assert model.check(claim, latex=True).outcome == outcome


def test_a_declared_identity_is_the_identity() -> None:
    model = eg.parse_latex(rf"f = \|X^T X - I\|_F^2 \\ {IDENTITY}")
    claim = r"\frac{\partial f}{\partial X} = 4 X X^T X - 4 X"
    assert model.check(claim, latex=True).ok
    inertia = r"T = \omega^T I \omega \\ \omega \in \mathbb{R}^3, I \in \mathbb{R}^{3 \times 3}"
    assert "I" in eg.parse_latex(inertia).labels


def test_a_name_with_a_letter_below_in_bold_type() -> None:
    text = r"f = \mathbf{y}^\top \mathbf{K}_y^{-1} \mathbf{y} \\ \mathbf{K}_y = \theta \mathbf{K} + \mathbf{I}"
    with pytest.warns(eg.NotationWarning, match="part of names"):
        model = eg.parse_latex(text)
    claim = r"\frac{\partial f}{\partial \theta} = -\mathbf{y}^\top \mathbf{K}_y^{-1} \mathbf{K} \mathbf{K}_y^{-1} \mathbf{y}"
    assert model.check(claim, latex=True).ok


NUMBERED = {  # what is an entry in all books, or another tensor
    r"f = x^T A x + x_1 \\ x \in \mathbb{R}^2": "x_1 may be an entry of the vector x",
    r"f = \mathbf{x}^T A \mathbf{x} + x_1": "x_1 may be an entry of the vector x",
    r"f = \mathbf{x}^T \mathbf{x} \\ g = x_2 + 2": "x_2 may be an entry of the vector x",
    r"f = \lambda_1 \|x\|^2 + \|D \lambda\|^2": "lambda_1 may be an entry of the vector lambda",
    r"f = x^T A x + A_{11} \\ A \in \mathbb{R}^{2 \times 2}": "A_11 may be an entry of the matrix A",
}


@pytest.mark.parametrize(("text", "reason"), NUMBERED.items())
def test_a_number_below_the_letter_of_a_vector_is_open(text: str, reason: str) -> None:
    with pytest.raises(eg.NotationError, match=reason) as caught:
        eg.parse_latex(text)
    assert caught.value.code == "open-shape"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (r"f = x^T x + x_1 \\ x_1 \in \mathbb{R}", {"f", "x", "x1"}),
        (r"f = x^T W_1 x + x^T W x", {"f", "x", "W1", "W"}),
        (r"f = (\mathbf{x}_1 - \mathbf{x}_2)^T \mathbf{x}", {"f", "x", "x1", "x2"}),
        (r"f = x^T A x + A_{1,2} \\ A \in \mathbb{R}^{2 \times 2}", {"f", "x", "A"}),
    ],
)
def test_a_number_below_a_name_that_is_told(text: str, names: set[str]) -> None:
    assert eg.parse_latex(text).labels.keys() == names
