"""Simplification against identities that one finds in a textbook."""

import numpy as np
import pytest
from seeds import seeded

import eingrad as eg

SOFTMAX = "Z_bo = softmax_o(A_bo)\n"
IDENTITIES = [
    # model, derivative, what a textbook prints
    ("L = x_i A_ij x_j", "x", "x_j (A_ij + A_ji)"),
    ("assume A_ij = A_ji\nL = x_i A_ij x_j", "x", "2 x_j A_ij"),
    ("L = A_ij A_ij", "A", "2 A_ij"),
    ("L = A_ii", "A", "delta_ij"),
    ("L = sum_i(x_i)", "x", "1"),
    ("L = mean_i(x_i)", "x", "1 / size(i)"),
    ("L = logsumexp_i(x_i)", "x", "softmax_i(x_i)"),
    ("L = sum_i(exp(x_i))", "x", "exp(x_i)"),
    ("L = sum_i(log(x_i))", "x", "1 / x_i"),
    ("L = sum_i(x_i^3) / 3", "x", "x_i^2"),
    ("L = sum_i(x_i^7)", "x", "7 x_i^6"),
    ("L = sum_i(sqrt(x_i))", "x", "1 / (2 sqrt(x_i))"),
    ("L = sum_i(1 / (1 + exp(-x_i)))", "x", "sigmoid(x_i) (1 - sigmoid(x_i))"),
    ("L = sum_i(log(1 + exp(x_i)))", "x", "sigmoid(x_i)"),
    ("L = sum_i(tanh(x_i))", "x", "1 - tanh(x_i)^2"),
    ("r_b = X_bi w_i - y_b\nL = r_b r_b / 2", "w", "X_bi r_b"),
    ("L = x_i y_i", "z", None),
    (SOFTMAX + "L = -T_bo log(Z_bo)", "A", "Z_bo sum_p(T_bp) - T_bo"),
    (SOFTMAX + "L = -T_bo log(Z_bo)\nassume sum_o(T_bo) = 1", "A", "Z_bo - T_bo"),
    (
        SOFTMAX + "L = -mean_b(T_bo log(Z_bo))\nassume sum_o(T_bo) = 1",
        "A",
        "(Z_bo - T_bo) / size(b)",
    ),
    (
        "P_b = sigmoid(a_b)\nL = -mean_b(t_b log(P_b) + (1 - t_b) log(1 - P_b))",
        "a",
        "(P_b - t_b) / size(b)",
    ),
    ("L = sum_b(exp(a_b) - t_b a_b)", "a", "exp(a_b) - t_b"),  # Poisson regression
    ("assume x_i x_i = 1\nL = (x_i x_i) y_j y_j / 2", "y", "y_j"),
]


@pytest.mark.parametrize(("text", "wrt", "expected"), IDENTITIES)
def test_textbook_form(text: str, wrt: str, expected: str | None) -> None:
    model = eg.parse(text)
    if expected is None:
        with pytest.raises(eg.EingradError, match="no tensor 'z'"):
            model.grad("L", [wrt])
        return
    assert str(model.grad("L", [wrt])[wrt]).split(" = ", 1)[1] == expected


WRITTEN_OUT = [
    "L = -T_bo log(exp(A_bo) / sum_p(exp(A_bp)))",
    "L = -T_bo (A_bo - log(sum_p(exp(A_bp))))",
    "M_b = max_o(A_bo)\nE_bo = exp(A_bo - M_b)\nL = -T_bo log(E_bo / sum_p(E_bp))",
    "E_bo = exp(A_bo)\nS_b = sum_o(E_bo)\nY_bo = E_bo / S_b\nL = -T_bo log(Y_bo)",
    "S_b = log(sum_o(exp(A_bo)))\nL = -T_bo (A_bo - S_b)",
    "Z_bo = softmax_o(A_bo)\nL = -T_bo log(Z_bo)",
]


@pytest.mark.parametrize("text", WRITTEN_OUT)
def test_cross_entropy_is_recognised_however_it_is_written(text: str) -> None:
    fact = "\nassume sum_o(T_bo) = 1"
    gradient = str(eg.parse(text + fact).grad("L", ["A"])["A"])
    assert gradient in {
        f"dL/dA_bo = {softmax} - T_bo" for softmax in ("softmax_o(A_bo)", "Y_bo", "Z_bo")
    }


def test_a_tensor_that_is_asked_for_is_not_looked_through() -> None:
    text = "E_bo = exp(A_bo)\nS_b = sum_o(E_bo)\nY_bo = E_bo / S_b\nL = T_bo Y_bo"
    assert str(eg.parse(text).grad("L", ["E"])["E"]) != "dL/dE_bo = 0"


def test_a_symmetric_tensor_in_a_product() -> None:
    text = "assume A_ij = A_ji\nL = x_i A_ij y_j + y_i A_ij x_j"
    assert str(eg.parse(text).grad("L", ["x"])["x"]) == "dL/dx_i = 2 A_ij y_j"


def test_a_sum_is_not_a_fact_where_its_label_is_kept() -> None:
    """A_qp sum_r(A_rp) sum_w(B_wqp), summed over q, is not the sum of V_qp; a trace is no sum."""
    model = eg.parse("V_qp = sum_j(sum_wj(A_jp B_wqp) A_jp)\nL = sum_qp(V_qp A_qp)")
    rng = np.random.default_rng(seeded(0))
    A, B = rng.normal(size=(3, 2)), rng.normal(size=(4, 3, 2))
    found = model.grad("L", "A").compile()(A=A, B=B)["dL/dA"]
    s, b = A.sum(0), B.sum(0)
    np.testing.assert_allclose(found, s * s * b + 2 * s * (A * b).sum(0))
    trace = eg.parse("L = T_bb x\nassume sum_o(T_bo) = 1").grad("L", "x")
    assert str(trace) == "dL/dx = T_bb"


@pytest.mark.parametrize(
    "product",
    ["X_ij X_jk X_kl X_lp Y_pm", "(X_ij X_jk) (X_kl X_lp) Y_pm", "X_ij (X_jk (X_kl Y_lm))"],
)
def test_a_chain_is_not_factored_into_a_bracket_of_many_axes(product: str) -> None:
    n = 5
    function = eg.parse(f"L = sum_im(({product})^2)").grad("L", ["X"]).compile()
    function(X=np.ones((n, n)), Y=np.ones((n, n)))
    assert max(np.prod(step.shape, dtype=int) for step in function.plan.steps) == n * n
