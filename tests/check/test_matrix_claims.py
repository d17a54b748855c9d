# ruff: noqa: E501
"""Claims in matrix notation: right ones are right, and of wrong ones the transpose or order is named.

The truths are those of the documents and books that state them; wrong ones are the usual slips.
"""

from __future__ import annotations

import warnings

import pytest

import eingrad as eg


def read(latex: str) -> eg.Model:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eg.parse_latex(latex)


NETWORK = r"""
\mathbf{z} = \mathbf{W}_1 \mathbf{x} \\ \mathbf{h} = \sigma(\mathbf{z})
\mathbf{o} = \mathbf{W}_2 \mathbf{h} \\ L = \|\mathbf{o} - \mathbf{y}\|^2
"""
SQUARES = r"L(\mathbf{w}) = \frac{1}{2n} \|\mathbf{y} - X\mathbf{w}\|^2"
RIDGE = r"L = \|X \mathbf{w} - \mathbf{y}\|^2 + \lambda \mathbf{w}^\top \mathbf{w}"
PRODUCT = r"\mathbf{Y} = \mathbf{A} \mathbf{X} \\ L = \|\mathbf{Y} - \mathbf{T}\|_F^2"
FACTORS = r"L = \|A - U V^T\|_F^2"
FORM = r"q = \mathbf{x}^\top A \mathbf{x}"
TRACE = r"f = \operatorname{tr}(A X B)"
RAYLEIGH = r"r = \frac{\mathbf{x}^T A \mathbf{x}}{\mathbf{x}^T \mathbf{x}}"
LOGISTIC = (
    r"L = -\sum_{i=1}^n [y_i \log \sigma(\mathbf{w}^\top \mathbf{x}_i)"
    r" + (1 - y_i) \log(1 - \sigma(\mathbf{w}^\top \mathbf{x}_i))]"
)
DETERMINANT = r"f = \log \det (X^T X)"
INVERSE = r"f = \mathbf{a}^T X^{-1} \mathbf{b}"
KALMAN = r"J = \operatorname{tr}((I - K H) P (I - K H)^T + K R K^T)"
AFFINE = r"\mathbf{y} = \mathbf{A} \mathbf{x} + \mathbf{b}"

RIGHT = [
    (NETWORK, r"\frac{\partial L}{\partial \mathbf{h}} = \mathbf{W}_2^\top \frac{\partial L}{\partial \mathbf{o}}"),
    (NETWORK, r"\frac{\partial L}{\partial \mathbf{W}_2} = \frac{\partial L}{\partial \mathbf{o}} \mathbf{h}^\top"),
    (NETWORK, r"\frac{\partial L}{\partial \mathbf{W}_2} = 2 (\mathbf{o} - \mathbf{y}) \mathbf{h}^T"),
    (NETWORK, r"\frac{\partial L}{\partial \mathbf{z}} = \mathbf{W}_2^\top \frac{\partial L}{\partial \mathbf{o}} \odot \sigma'(\mathbf{z})"),
    (NETWORK, r"\frac{\partial L}{\partial \mathbf{z}} = \operatorname{diag}(\sigma'(\mathbf{z})) \mathbf{W}_2^T \frac{\partial L}{\partial \mathbf{o}}"),
    (NETWORK, r"\frac{\partial L}{\partial \mathbf{W}_1} = \frac{\partial L}{\partial \mathbf{z}} \mathbf{x}^T"),
    (NETWORK, r"\frac{\partial L}{\partial \mathbf{W}_1} = \frac{\partial L}{\partial \mathbf{z}} \otimes \mathbf{x}"),
    (NETWORK, r"\frac{\partial L}{\partial \mathbf{h}} = \frac{\partial L}{\partial \mathbf{o}} \frac{\partial \mathbf{o}}{\partial \mathbf{h}}"),
    (SQUARES, r"\nabla_\mathbf{w} L = -\frac{1}{n} X^T (\mathbf{y} - X\mathbf{w})"),
    (RIDGE, r"\frac{\partial L}{\partial \mathbf{w}} = 2 X^T X \mathbf{w} - 2 X^T \mathbf{y} + 2 \lambda \mathbf{w}"),
    (RIDGE, r"\frac{\partial L}{\partial \mathbf{w}} = 2 (X^T X + \lambda I) \mathbf{w} - 2 X^T \mathbf{y}"),
    (PRODUCT, r"\frac{\partial L}{\partial \mathbf{A}} = \frac{\partial L}{\partial \mathbf{Y}} \mathbf{X}^\top"),
    (PRODUCT, r"\frac{\partial L}{\partial \mathbf{X}} = 2 \mathbf{A}^\top (\mathbf{A} \mathbf{X} - \mathbf{T})"),
    (FACTORS, r"\frac{\partial L}{\partial U} = -2 (A - U V^T) V"),
    (FACTORS, r"\frac{\partial L}{\partial V} = -2 (A - U V^T)^T U"),
    (FORM, r"\frac{\partial q}{\partial \mathbf{x}} = (A + A^\top) \mathbf{x}"),
    (FORM, r"\frac{\partial q}{\partial A} = \mathbf{x} \mathbf{x}^\top"),
    (FORM, r"\frac{\partial^2 q}{\partial \mathbf{x} \partial \mathbf{x}} = A + A^T"),
    (TRACE, r"\frac{\partial f}{\partial X} = A^T B^T"),
    (RAYLEIGH, r"\frac{\partial r}{\partial \mathbf{x}} = \frac{(A + A^T) \mathbf{x} - 2 r \mathbf{x}}{\mathbf{x}^T \mathbf{x}}"),
    (LOGISTIC, r"\frac{\partial L}{\partial \mathbf{w}} = \mathbf{X}^\top (\sigma(\mathbf{X} \mathbf{w}) - \mathbf{y})"),
    (LOGISTIC, r"\frac{\partial L}{\partial \mathbf{w}} = \sum_{i=1}^n (\sigma(\mathbf{w}^\top \mathbf{x}_i) - y_i) \mathbf{x}_i"),
    (DETERMINANT, r"\frac{\partial f}{\partial X} = 2 X (X^T X)^{-1}"),
    (INVERSE, r"\frac{\partial f}{\partial X} = -X^{-T} \mathbf{a} \mathbf{b}^T X^{-T}"),
    (KALMAN, r"\frac{\partial J}{\partial K} = -(I - K H) (P + P^T) H^T + K (R + R^T)"),
    (AFFINE, r"\frac{\partial \mathbf{y}}{\partial \mathbf{x}} = \mathbf{A}"),
    (AFFINE, r"\frac{\partial \mathbf{y}}{\partial \mathbf{x}} = \mathbf{A}^\top"),
    (AFFINE, r"\frac{\partial \mathbf{y}}{\partial \mathbf{b}} = I"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "claim"), RIGHT)
def test_what_is_right_is_called_right(model: str, claim: str) -> None:
    verdict = read(model).check(claim, latex=True)
    assert verdict.outcome == "right", str(verdict)


WRONG = [
    (NETWORK, r"\frac{\partial L}{\partial \mathbf{h}} = \frac{\partial L}{\partial \mathbf{o}} \mathbf{W}_2", "W2^T dL/do is meant"),
    (NETWORK, r"\frac{\partial L}{\partial \mathbf{h}} = \mathbf{W}_2 \frac{\partial L}{\partial \mathbf{o}}", "W2^T dL/do is meant"),
    (NETWORK, r"\frac{\partial L}{\partial \mathbf{W}_2} = \mathbf{h} \frac{\partial L}{\partial \mathbf{o}}", "dL/do h^T is meant"),
    (NETWORK, r"\frac{\partial L}{\partial \mathbf{W}_2} = \mathbf{h} \frac{\partial L}{\partial \mathbf{o}}^\top", "dL/do h^T is meant"),
    (NETWORK, r"\frac{\partial L}{\partial \mathbf{W}_1} = \mathbf{x} \otimes \frac{\partial L}{\partial \mathbf{z}}", "x"),
    (NETWORK, r"\frac{\partial L}{\partial \mathbf{W}_2} = (\mathbf{o} - \mathbf{y}) \mathbf{h}^T", "factor 2"),
    (NETWORK, r"\frac{\partial L}{\partial \mathbf{z}} = \mathbf{W}_2^\top \frac{\partial L}{\partial \mathbf{o}}", ""),
    (SQUARES, r"\nabla_\mathbf{w} L = \frac{1}{n} X^T (\mathbf{y} - X\mathbf{w})", "sign"),
    (SQUARES, r"\nabla_\mathbf{w} L = -\frac{2}{n} X^T (\mathbf{y} - X\mathbf{w})", "factor 2"),
    (SQUARES, r"\nabla_\mathbf{w} L = -\frac{1}{n} X (\mathbf{y} - X\mathbf{w})", "X^T"),
    (RIDGE, r"\frac{\partial L}{\partial \mathbf{w}} = 2 X^T X \mathbf{w} - 2 X^T \mathbf{y} + \lambda \mathbf{w}", ""),
    (RIDGE, r"\frac{\partial L}{\partial \mathbf{w}} = 2 X X^T \mathbf{w} - 2 X^T \mathbf{y} + 2 \lambda \mathbf{w}", "X^T X w is meant"),
    (PRODUCT, r"\frac{\partial L}{\partial \mathbf{A}} = \frac{\partial L}{\partial \mathbf{Y}} \mathbf{X}", "dL/dY X^T is meant"),
    (PRODUCT, r"\frac{\partial L}{\partial \mathbf{X}} = \frac{\partial L}{\partial \mathbf{Y}} \mathbf{A}^\top", "A^T dL/dY is meant"),
    (PRODUCT, r"\frac{\partial L}{\partial \mathbf{X}} = \mathbf{A} \frac{\partial L}{\partial \mathbf{Y}}", "A^T dL/dY is meant"),
    (FACTORS, r"\frac{\partial L}{\partial V} = -2 (A - U V^T) U", "(A - U V^T)^T U is meant"),
    (FORM, r"\frac{\partial q}{\partial A} = \mathbf{x}^\top \mathbf{x}", "x x^T is meant"),
    (TRACE, r"\frac{\partial f}{\partial X} = A B", ""),
    (TRACE, r"\frac{\partial f}{\partial X} = B^T A^T", "A^T B^T is meant"),
    (LOGISTIC, r"\frac{\partial L}{\partial \mathbf{w}} = \mathbf{X}^\top (\mathbf{y} - \sigma(\mathbf{X} \mathbf{w}))", "sign"),
    (LOGISTIC, r"\frac{\partial L}{\partial \mathbf{w}} = \mathbf{X} (\sigma(\mathbf{X} \mathbf{w}) - \mathbf{y})", "X^T"),
    (INVERSE, r"\frac{\partial f}{\partial X} = -X^{-1} \mathbf{a} \mathbf{b}^T X^{-1}", "X^-T"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "claim", "reason"), WRONG)
def test_what_is_wrong_is_called_wrong_and_named(model: str, claim: str, reason: str) -> None:
    verdict = read(model).check(claim, latex=True)
    assert verdict.outcome == "wrong", str(verdict)
    assert reason in verdict.reason


def test_a_form_that_needs_symmetry_is_right_if() -> None:
    verdict = read(FORM).check(
        r"\frac{\partial q}{\partial \mathbf{x}} = 2 A \mathbf{x}", latex=True
    )
    assert verdict.outcome == "right if"
    assert "A_ij = A_ji" in verdict.reason


def test_a_row_for_a_gradient_is_right_in_the_other_layout_alone() -> None:
    claim = r"\frac{\partial q}{\partial \mathbf{x}} = \mathbf{x}^\top (A + A^\top)"
    verdict = read(FORM).check(claim, latex=True)
    assert verdict.outcome == "right if"
    assert "numerator" in verdict.reason


IN_OTHER_LAYOUTS = [
    (TRACE, r"\frac{\partial f}{\partial X} = B A", "numerator"),
    (INVERSE, r"\frac{\partial f}{\partial X} = -X^{-1} \mathbf{b} \mathbf{a}^T X^{-1}", "numerator"),
    (r"\mathbf{y} = t \mathbf{x} \\ t \in \mathbb{R}", r"\frac{\partial \mathbf{y}}{\partial t} = \mathbf{x}^\top", "denominator"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "claim", "layout"), IN_OTHER_LAYOUTS)
def test_what_another_layout_has_is_right_if_that_is_meant(
    model: str, claim: str, layout: str
) -> None:
    verdict = read(model).check(claim, latex=True)
    assert verdict.outcome == "right if"
    assert layout in verdict.reason


def test_a_gradient_that_an_earlier_claim_has_like_its_matrix_is_not_its_transpose() -> None:
    claims = [rf"\frac{{\partial f}}{{\partial X}} = {x}" for x in ("A^T B^T", "B A")]
    found = read(TRACE).check_each(claims, latex=True)
    assert [v.outcome for v in found] == ["right", "wrong"]


BY_ROWS = [
    (AFFINE, r"\frac{\partial \mathbf{y}}{\partial \mathbf{x}^\top} = \mathbf{A}", "right"),
    (AFFINE, r"\frac{\partial \mathbf{y}}{\partial \mathbf{x}^T} = \mathbf{A}^T", "wrong"),
    (AFFINE, r"\frac{\partial \mathbf{y}^T}{\partial \mathbf{x}} = \mathbf{A}^T", "right"),
    (AFFINE, r"\frac{\partial \mathbf{y}^T}{\partial \mathbf{x}} = \mathbf{A}", "wrong"),
    (FORM, r"\frac{\partial q}{\partial \mathbf{x}^T} = \mathbf{x}^T (A + A^T)", "right"),
    (FORM, r"\frac{\partial q}{\partial \mathbf{x}^T} = (A + A^T) \mathbf{x}", "wrong"),
    (FORM, r"\frac{\partial^2 q}{\partial \mathbf{x} \partial \mathbf{x}^T} = A + A^T", "right"),
    (TRACE, r"\nabla_{X^T} f = B A", "right"),
    (TRACE, r"\nabla_{X^T} f = A^T B^T", "wrong"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "claim", "outcome"), BY_ROWS)
def test_a_transpose_below_the_bar_says_how_a_derivative_lies(
    model: str, claim: str, outcome: str
) -> None:
    assert read(model).check(claim, latex=True).outcome == outcome


BILINEAR = r"Y = A X B \\ A \in \mathbb{R}^{m \times n} \\ X \in \mathbb{R}^{n \times p} \\ B \in \mathbb{R}^{p \times q}"
SQUARE = r"Y = X^{-1} \\ f = x^T X x \\ X \in \mathbb{R}^{n \times n} \\ x \in \mathbb{R}^n"
STACKED = [  # vec(X) has the columns of X one below the other
    (BILINEAR, r"\frac{\partial \operatorname{vec}(Y)}{\partial \operatorname{vec}(X)} = B^\top \otimes A", "right"),
    (BILINEAR, r"\frac{\partial \operatorname{vec}(Y)}{\partial \operatorname{vec}(X)} = B \otimes A^\top", "right"),
    (BILINEAR, r"\frac{\partial \operatorname{vec}(Y)}{\partial \operatorname{vec}(X)^\top} = B \otimes A^\top", "wrong"),
    (BILINEAR, r"\frac{\partial \operatorname{vec}(Y)}{\partial \operatorname{vec}(X)} = A \otimes B^\top", "right if"),
    (BILINEAR, r"\frac{\partial Y}{\partial X} = B^\top \otimes A", "right"),
    (BILINEAR, r"\operatorname{vec}(A X B) = (B^\top \otimes A) \operatorname{vec}(X)", "right"),
    (BILINEAR, r"\operatorname{vec}(A X) = (I_p \otimes A) \operatorname{vec}(X)", "right"),
    (BILINEAR, r"\operatorname{vec}(A X) = (A \otimes A) \operatorname{vec}(X)", "wrong"),
    (BILINEAR, r"\operatorname{vec}(X^\top) = K \operatorname{vec}(X)", "right"),
    (BILINEAR, r"\operatorname{vec}(A X B) = K \operatorname{vec}(X)", "wrong"),
    (SQUARE, r"\frac{\partial \operatorname{vec}(X^{-1})}{\partial \operatorname{vec}(X)^\top} = -X^{-\top} \otimes X^{-1}", "right"),
    (SQUARE, r"\frac{\partial \operatorname{vec}(X^{-1})}{\partial \operatorname{vec}(X)^\top} = X^{-\top} \otimes X^{-1}", "wrong"),
    (SQUARE, r"\frac{\partial f}{\partial \operatorname{vec}(X)} = x \otimes x", "right"),
    (SQUARE, r"\frac{\partial f}{\partial \operatorname{vec}(X)} = \operatorname{vec}(X)", "wrong"),
    (SQUARE, r"\frac{\partial (X x)}{\partial \operatorname{vec}(X)} = x^\top \otimes I_n", "right"),
    (SQUARE, r"(X \otimes X)^{-1} = X^{-1} \otimes X^{-1}", "right"),
    (SQUARE, r"\operatorname{tr}(X \otimes X) = \operatorname{tr}(X)^2", "right"),
    (SQUARE, r"\|X \otimes X\|_F = \|X\|_F", "wrong"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "claim", "outcome"), STACKED)
def test_columns_one_below_the_other(model: str, claim: str, outcome: str) -> None:
    verdict = read(model).check(claim, latex=True)
    assert verdict.outcome == outcome, str(verdict)


@pytest.mark.parametrize(
    "claim",
    [
        r"\det(X \otimes X) = \det(X)^2",
        r"(X \otimes X + X \otimes X)^{-1} = X^{-1} \otimes X^{-1}",
        r"(X \otimes X)_{ij} = X_{ij}",
        r"x \otimes x = x",
    ],
)
def test_stacked_entries_are_no_axis_of_a_tensor(claim: str) -> None:
    with pytest.raises(eg.NotationError, match="stacked"):
        read(SQUARE).check(claim, latex=True)


POWERS = [
    (r"f = \operatorname{tr}(X^3)", r"\nabla_X f = 3 (X^2)^T", "right"),
    (r"f = \operatorname{tr}(X^3)", r"\nabla_X f = 2 (X^2)^T", "wrong"),
    (r"f = \operatorname{tr}(X^{-1})", r"\nabla_X f = -(X^{-2})^T", "right"),
    (r"f = \operatorname{tr}(X^{-1})", r"\nabla_X f = -(X^{-3})^T", "wrong"),
    (r"f = \det(X^4)", r"\nabla_X f = 4 \det(X^4) X^{-T}", "right"),
    (r"L = \sum_{i,j} X_{ij}^3", r"\nabla_X L = 3 X^2", "right if"),
]


@pytest.mark.parametrize(("model", "claim", "outcome"), POWERS)
def test_whole_powers_of_matrices_are_products(model: str, claim: str, outcome: str) -> None:
    verdict = read(model).check(claim, latex=True)
    assert verdict.outcome == outcome, str(verdict)


def test_the_first_claim_that_one_layout_fits_fixes_it() -> None:
    numerator = r"\frac{\partial \mathbf{y}}{\partial \mathbf{x}} = \mathbf{A}"
    denominator = r"\frac{\partial \mathbf{y}}{\partial \mathbf{x}} = \mathbf{A}^\top"
    found = read(AFFINE).check_each([numerator, denominator], latex=True)
    assert [v.outcome for v in found] == ["right", "right if"]
    assert "numerator" in found[0].reason
    assert "denominator" in found[1].reason


LAYERS = "A_bh = X_bi W_ih + b_h\nZ_bh = relu(A_bh)\nO_bo = Z_bh V_ho\nL = sum_bo((O_bo - T_bo)^2)"
QUADRATIC = "q = x_i A_ij x_j"
ENTROPY = "p_i = softmax_i(a_i)\nL = -sum_i(t_i log(p_i))\nassume sum_i(t_i) = 1"
GRAM = "S_ij = X_ki X_kj / size(k)\nL = logdet_ij(S_ij)"
TOTAL = "C_ij = A_ik B_kj\nL = sum_ij(C_ij)"
TEXTS = [
    (LAYERS, "right", ["dL/dV = Z^T dL/dO", "dL/dZ = dL/dO V^T", "dL/db = 1^T dL/dA", "dL/db = (dL/dA)^T 1",
                       "dL/dA = dL/dZ ⊙ 1[A > 0]", "dL/dX = dL/dA W^T", "dL/dW = X^T (dL/dO V^T ⊙ 1[A > 0])",
                       "L = ||O - T||_F^2", "L = tr((O - T)^T (O - T))", "A = X W + b", "A = X W + 1 b^T", "O = Z V"]),
    (LAYERS, "wrong", ["dL/dV = (dL/dO)^T Z", "dL/dV = dL/dO Z^T", "dL/db = dL/dA 1", "dL/db = dL/dA", "dL/dX = W dL/dA",
                       "dL/dW = X^T dL/dO V^T ⊙ 1[A > 0]", "L = ||O - T||_F", "A = W X + b", "O = V Z"]),
    (QUADRATIC, "right", ["dq/dx = A x + A^T x", "dq/dA = x x^T", "dq/dA = x ⊗ x", "d2q/dx dx = A + A^T", "q = x^T A x"]),
    (QUADRATIC, "wrong", ["dq/dA = x x", "q = x A x", "dq/dx = (A - A^T) x"]),
    (QUADRATIC, "right if", ["dq/dx = 2 A x", "dq/dx = x^T (A + A^T)", "dq/dA = x^T x"]),
    (ENTROPY, "right", ["dL/da = p - t", "dp/da = diag(p) - p p^T", "dL/dp = -t ⊘ p", "dL/da = (diag(p) - p p^T) dL/dp",
                        "dL/da = (dp/da)^T dL/dp", "dL/da = dL/dp dp/da"]),
    (ENTROPY, "wrong", ["dL/da = t - p", "dp/da = p p^T - diag(p)", "dp/da = diag(p) - p^T p"]),
    (GRAM, "right", ["S = X^T X / size(k)", "dL/dX = 2 X S^-1 / size(k)", "dL/dS = S^-T"]),
    (GRAM, "wrong", ["S = X X^T / size(k)", "dL/dX = 2 S^-1 X / size(k)"]),
    (TOTAL, "right", ["dL/dA = 1 1^T B^T", "dL/dA = 1 (B 1)^T", "dL/dB = A^T 1 1^T", "dL/dC = 1 1^T", "L = 1^T C 1", "L = sum(C)"]),
    (TOTAL, "wrong", ["dL/dA = B^T", "dL/dC = I", "L = tr(C)"]),
]  # fmt: skip


@pytest.mark.parametrize(("model", "outcome", "claims"), TEXTS)
def test_claims_in_matrices_about_models_with_labels(
    model: str, outcome: str, claims: list[str]
) -> None:
    found = [eg.parse(model).check(claim) for claim in claims]
    assert [(v.claim, v.outcome) for v in found] == [(v.claim, outcome) for v in found]


@pytest.mark.parametrize("claim", ["dY/dX = B^T", "dY/dX = A", "dY/dX = A B"])
def test_a_derivative_with_four_axes_is_not_judged_as_a_matrix(claim: str) -> None:
    with pytest.raises(eg.NotationError, match="4 axes"):
        eg.parse("Y_ij = A_ik X_kl B_lj").check(claim)


def test_any_function_of_vectors_has_no_second_derivative_that_is_known() -> None:
    model = eg.parse_latex(r"\mathbf{o} = \mathbf{W} \mathbf{x} \\ L = l(\mathbf{o}, y)")
    (first,) = model.check_each(
        r"\frac{\partial L}{\partial \mathbf{x}} = \mathbf{W}^\top \frac{\partial L}{\partial \mathbf{o}}",
        latex=True,
    )
    assert first.outcome == "right"
    for claim in (
        r"\frac{\partial^2 L}{\partial o_i \partial o_j} = 0",
        r"\nabla^2_{\mathbf{o}} L = 0",
    ):
        with pytest.raises(eg.DifferentiationError, match="stands for any function"):
            model.check_each(claim, latex=True)
    with pytest.raises(eg.DifferentiationError, match="stands for any function"):
        model.hessian("L", "o")


def test_a_sum_whose_label_cancels_is_a_mistake() -> None:
    model = eg.parse_latex(
        r"p_j = \frac{\exp{o_j}}{\sum_{k}\exp{o_k}} \\ L = - \sum_{j} y_j \log p_j"
    )
    claim = r"\frac{\partial L}{\partial o_k} = -y_i(1-p_i) - "
    claim += r"\sum_{k\ne i} y_k \frac{1}{p_k} (-p_kp_i)"
    assert not any(verdict.ok for verdict in model.check_each(claim, latex=True))
