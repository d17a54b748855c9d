"""The formulas of five documents on the web: the right ones are accepted, the wrong ones named.

Each row is a formula as its document states it, in index notation. A wrong row has the mistake
that a check must name and a part of what it must say about it.
"""

from __future__ import annotations

import pytest

import eingrad as eg

# "Simple MLP - Forward and Backward Pass (With Einsum) Derivation"
SINGLE = """
ha_h = W_hi x_i + b_h
z_h = sigmoid(ha_h)
ya_o = V_oh z_h + c_o
y_o = softmax_o(ya_o)
L = -t_o log(y_o)
assume sum_o(t_o) = 1
"""
SINGLE_RIGHT = [
    "y_o = exp(ya_o) / sum_p(exp(ya_p))",
    "L = -sum_o(t_o log(y_o))",
    "dL/dL = 1",
    "dL/dy_o = -t_o / y_o",
    "dL/dya_o = dL/dy_p dy_p/dya_o",
    "dL/dya_o = y_o - t_o",
    "dL/dV_oh = dL/dya_p dya_p/dV_oh",
    "dL/dV_oh = (y_o - t_o) z_h",
    "dL/dc_o = (y_o - t_o) 1",
    "dL/dc_o = dL/dya_o",
    "dL/dz_h = V_oh (y_o - t_o)",
    "dL/dz_h = sum_o(V_oh dL/dya_o)",
    "dL/dha_h = dL/dz_h sigmoid(ha_h) (1 - sigmoid(ha_h))",
    "dL/dha_h = dL/dz_h z_h (1 - z_h)",
    "dL/dW_hi = dL/dha_h x_i",
    "dL/db_h = dL/dha_h 1",
]
SINGLE_WRONG = [
    # the code's loss is another one than the derivation's
    ("L = -sum_o(t_o log(y_o + 0.00000001))", "term", "1e-8 does not belong here"),
    # what its question asks: "ho" instead of "oh"
    ("dL/dz_h = V_ho dL/dya_o", "transposed", "V_oh is meant"),
]

# "Use Einstein Notation to derive Backpropagation"
SQUARES = """
z_i = W_ij x_j
y_i = sigmoid(z_i)
e_i = t_i - y_i
L = e_i e_i
"""
SQUARES_RIGHT = [
    "L = sum_i((t_i - y_i)^2)",
    "dL/dy_i = 2 e_i (-1)",
    "dL/dz_i = dL/dy_i dy_j/dz_i delta_ij",
    "dL/dz_i = dL/dy_i y_i (1 - y_i)",
    "dL/dW_ij = dL/dz_i dz_i/dW_ij",
    "dL/dW_ij = dL/dz_i x_j",
    "dL/dx_j = W_ij dL/dz_i",
]

# "Backpropagation for an MLP classifier on MNIST": one example; T is the one-hot label
ONE_EXAMPLE = """
function phi
a1_k = x_i W1_ik + b1_k
z1_k = phi(a1_k)
a2_k = z1_i W2_ik + b2_k
z2_k = softmax_k(a2_k)
L = -log(T_k z2_k)
assume T_k T_k = T_k
assume sum_k(T_k) = 1
"""
ONE_EXAMPLE_RIGHT = [
    "dz2_j/da2_i = z2_j (delta_ij - z2_i)",
    "L = -T_i log(z2_i)",
    "da1_k/dW1_ij = delta_jk x_i",
    "da1_k/db1_j = delta_jk",
    "dz1_j/da1_i = delta_ij phi'(a1_j)",
    "da2_j/dz1_i = W2_ij",
    "da2_k/dW2_ij = delta_jk z1_i",
    "da2_k/db2_j = delta_jk",
    "dL/dz2_i = -T_i / (T_k z2_k)",
    "dL/da2_j = dL/dz2_k dz2_k/da2_j",
    "dL/da2_j = -(T_k / (T_l z2_l)) z2_k (delta_jk - z2_j)",
    "dL/da2_j = -(T_j - z2_j)",
    "dL/dW2_ij = dL/da2_j da2_j/dW2_ij",
    "dL/dW2_ij = -(T_j - z2_j) z1_i",
    "dL/db2_j = -(T_j - z2_j)",
    "dL/dz1_i = dL/da2_j da2_j/dz1_i",
    "dL/dz1_i = -(T_j - z2_j) W2_ij",
    "dL/da1_j = dL/dz1_j dz1_j/da1_j",
    "dL/da1_j = dL/dz1_j phi'(a1_j)",
    "dL/dW1_ij = dL/da1_j x_i",
    "dL/db1_j = dL/da1_j",
    "dL/db1_j = dL/dz1_j phi'(a1_j)",
]
ONE_EXAMPLE_WRONG = [
    # a layer's number without its parentheses is an exponent
    ("L = -log(T_k z2_k^2)", "factor", ""),
    ("L = -log(T_k z1_k^2)", "wrong-tensor", "z2_k is meant"),
]

# the same for a minibatch; l_b are the losses of its examples
MINIBATCH = """
function phi
A1_bh = X_bi W1_ih + b1_h
Z1_bh = phi(A1_bh)
A2_bo = Z1_bh W2_ho + b2_o
Z2_bo = softmax_o(A2_bo)
l_b = -Y_bo log(Z2_bo)
L = mean_b(l_b)
assume sum_o(Y_bo) = 1
"""
MINIBATCH_RIGHT = [
    "L = sum_b(l_b) / size(b)",
    "L = -mean_b(Y_bo log(Z2_bo))",
    "dL/dA2_bo = sum_k(dl_k/dA2_bo) / size(b)",
    "dL/dA2_bo = dl_b/dA2_bo / size(b)",
    "dL/dA2_bo = -(Y_bo - Z2_bo) / size(b)",
    "dL/db2_o = -sum_b(Y_bo - Z2_bo) / size(b)",
    "dL/db2_o = mean_b(-(Y_bo - Z2_bo))",
    "dL/dW2_ho = -sum_b(Z1_bh (Y_bo - Z2_bo)) / size(b)",
    "dL/dW2_ho = Z1_bh dL/dA2_bo",
    "dL/dZ1_bh = -(Y_bo - Z2_bo) W2_ho / size(b)",
    "dL/dZ1_bh = dL/dA2_bo W2_ho",
    "dL/dA1_bh = dl_b/dA1_bh / size(b)",
    "dL/dA1_bh = dl_b/dZ1_bh phi'(A1_bh) / size(b)",
    "dL/db1_h = sum_b(dl_b/db1_h) / size(b)",
    "dL/db1_h = sum_b(dl_b/dZ1_bh phi'(A1_bh)) / size(b)",
    "dL/dW1_ih = sum_b(dl_b/dW1_ih) / size(b)",
    "dL/dW1_ih = X_bi dl_b/dA1_bh / size(b)",
]
MINIBATCH_WRONG = [
    ("dL/dA1_bh = dL/dZ1_bh phi'(A1_bh) / size(b)", "factor", "factor 1/size(b) too many"),
    ("dL/dW1_ih = X_bi dL/dA1_bh / size(b)", "factor", "factor 1/size(b) too many"),
    # two mistakes in one formula
    ("dL/db1_h = mean_b(dL/dZ2_bh phi'(A1_bh))", "wrong-tensor", "dL/dZ1_bh is meant; and "),
    ("dL/db1_h = mean_b(dL/dZ1_bh phi'(A1_bh))", "mean-for-sum", "sum_b is meant"),
]

# "MLP Standard Derivatives Derivation"
STANDARD = """
y_i = softmax_i(a_i)
L = -t_i log(y_i)
assume sum_i(t_i) = 1
"""
STANDARD_RIGHT = [
    "y_i = exp(a_i) / sum_k(exp(a_k))",
    "dy_i/da_j = (sum_k(exp(a_k)) exp(a_i) delta_ij - exp(a_i) exp(a_j)) / sum_k(exp(a_k))^2",
    "dy_i/da_j = exp(a_i) / sum_k(exp(a_k))^2 (sum_k(exp(a_k)) delta_ij - exp(a_j))",
    "dy_i/da_j = y_i delta_ij - y_i y_j",
    "dy_i/da_j = y_i (delta_ij - y_j)",
    "dL/da_j = dL/dy_i dy_i/da_j",
    "dL/da_j = -(t_i / y_i) y_i (delta_ij - y_j)",
    "dL/da_j = sum_i(-t_i (delta_ij - y_j))",
    "dL/da_j = -t_i delta_ij + sum_i(t_i) y_j",
    "dL/da_j = -t_j + y_j",
    "dL/da_j = y_j - t_j",
]
LOGISTIC = "y_i = sigmoid(a_i)"
LOGISTIC_RIGHT = [
    "y_i = 1 / (1 + exp(-a_i))",
    "dy_i/da_j = exp(-a_i) / (1 + exp(-a_i))^2 delta_ij",
    "dy_i/da_j = sigmoid(a_i) (1 - sigmoid(a_i)) delta_ij",
    "dy_i/da_j = y_i exp(-a_i) / (1 + exp(-a_i)) delta_ij",
]
MATRICES = """
function f
Y_ij = A_ik X_kj
L = sum_ij(f(Y_ij))
"""
MATRICES_RIGHT = [
    "dL/dA_ik = dL/dY_ij dY_ij/dA_ik",
    "dL/dA_ik = dL/dY_ij X_kj",
    "dL/dX_kj = A_ik dL/dY_ij",
]

# "Einsum Gradient"
EINSUM = """
function f
Z_ik = X_ij W_jk
N = sum_ik(f(Z_ik))
"""
EINSUM_RIGHT = [
    "dN/dW_jk = sum_i(dN/dZ_ik X_ij)",
    "dN/dW_jk = X_ij dN/dZ_ik",
    "dN/dX_ij = sum_k(dN/dZ_ik W_jk)",
    "dN/dX_ij = dN/dZ_ik W_jk",
]
EINSUM_WRONG = [("Z_jk = X_ij W_jk", "label", "Z_ik is meant")]
SUMMED = """
function f
Z_ab = X_ab sum_cd(W_cd)
N = sum_ab(f(Z_ab))
"""
SUMMED_RIGHT = ["dN/dW_cd = X_ab dN/dZ_ab", "dN/dX_ab = dN/dZ_ab sum_cd(W_cd)"]
BATCH = """
function f
Z_ik = sum_b(X_bij) W_jk
N = sum_ik(f(Z_ik))
"""
BATCH_RIGHT = ["dN/dX_bij = dN/dZ_ik W_jk", "dN/dW_jk = dN/dZ_ik sum_b(X_bij)"]
BATCH_WRONG = [("dN/dX_bij = dN/dZ_ik W_jk / size(b)", "factor", "factor 1/size(b) too many")]

RIGHT = [
    (model, claim)
    for model, claims in [
        (SINGLE, SINGLE_RIGHT), (SQUARES, SQUARES_RIGHT), (ONE_EXAMPLE, ONE_EXAMPLE_RIGHT),
        (MINIBATCH, MINIBATCH_RIGHT), (STANDARD, STANDARD_RIGHT), (LOGISTIC, LOGISTIC_RIGHT),
        (MATRICES, MATRICES_RIGHT), (EINSUM, EINSUM_RIGHT), (SUMMED, SUMMED_RIGHT),
        (BATCH, BATCH_RIGHT),
    ]
    for claim in claims
]  # fmt: skip
WRONG = [
    (model, *row)
    for model, rows in [
        (SINGLE, SINGLE_WRONG), (ONE_EXAMPLE, ONE_EXAMPLE_WRONG), (MINIBATCH, MINIBATCH_WRONG),
        (EINSUM, EINSUM_WRONG), (BATCH, BATCH_WRONG),
    ]
    for row in rows
]  # fmt: skip


@pytest.mark.parametrize(("model", "claim"), RIGHT, ids=[claim for _, claim in RIGHT])
def test_a_right_formula_is_accepted(model: str, claim: str) -> None:
    verdict = eg.parse(model).check(claim)
    assert verdict.ok, str(verdict)


@pytest.mark.parametrize(
    ("model", "claim", "mistake", "says"), WRONG, ids=[row[1] for row in WRONG]
)
def test_a_wrong_formula_is_rejected_and_the_mistake_named(
    model: str, claim: str, mistake: str, says: str
) -> None:
    verdict = eg.parse(model).check(claim)
    assert not verdict.ok
    assert verdict.mistake == mistake, str(verdict)
    assert says in verdict.reason
    assert verdict.fixed is not None
    assert eg.parse(model).check(verdict.fixed).ok
    assert eg.parse(model).check(verdict.correct).ok


def test_without_the_one_hot_label_its_assumption_is_named() -> None:
    model = eg.parse(STANDARD.replace("assume", "# "))
    verdict = model.check("dL/da_j = y_j - t_j")
    assert not verdict.ok
    assert verdict.mistake == "assumption"
    assert verdict.assumption == "sum_i(t_i) = 1"
