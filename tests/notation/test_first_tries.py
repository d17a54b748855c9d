"""What people type first: what each line means here, or the rewrite that its error proposes."""

from __future__ import annotations

import warnings

import pytest

import eingrad as eg

# a line, and what the hint must propose; a proposal with an equals sign must read itself
PROPOSED = [
    # squared norms, sums
    ("L = (A_ij - R_ik Y_kj)^2", "sum_ij((A_ij - R_ik Y_kj)^2)"),
    ("L = (z_i - y_i)^2", "sum_i((z_i - y_i)^2)"),
    ("L = x_i^2", "sum_i(x_i^2)"),
    ("L = 1/2 * x_i**2", "sum_i(1 / 2 x_i^2)"),
    ("L = |x_i|", "sum_i(abs(x_i))"),
    ("y = A_ij x_j + b_i", "y_i = ..."),
    ("L = Σ_i x_i", "write L = sum_i(x_i)"),
    ("L = Σ_i x_i^2 w", "write L = sum_i(x_i^2 w)"),
    ("L = ∑_i x_i", "write L = sum_i(x_i)"),
    ("L = ∏_i x_i", "write L = prod_i(x_i)"),
    ("L = Π_i x_i", "would be a tensor here, and not a sum sign"),
    ("L = sum x_i", "write L = sum_i(x_i)"),
    ("L = sum(x_i)", "sum_i(...)"),
    ("L = sum(H_nh)", "sum_nh(...) for the axes n, h"),
    ("L = mean(H_nh)", "mean_nh(...)"),
    ("L = sum_i x_i^2", "write L = sum_i(x_i^2)"),
    ("L = Sum_i(x_i)", "sum_i(...)"),
    ("L = avg_i(x_i)", "mean_i(...)"),
    ("L = average(x_i)", "mean(...)"),
    ("L = sum_{i=1}^{n}(x_i)", "write L = sum_i(x_i)"),
    ("L = sum(i, x_i)", "write L = sum_i(x_i)"),
    ("L = sum_i,j(A_ij)", "write L = sum_ij(A_ij)"),
    ("L = sum_i_j(A_ij)", "write L = sum_ij(A_ij)"),
    ("L = sum(x_i for i in n)", "write L = sum_i(x_i)"),
    ("L = sum(x_i for i in range(n))", "write L = sum_i(x_i)"),
    ("L = sum_{i=1}^n (y_i - t_i)^2", "write L = sum_i((y_i - t_i)^2)"),
    ("L = sum_{i=1}^n sum_{j=1}^m (A_ij - B_ij)^2", "write L = sum_i(sum_j((A_ij - B_ij)^2))"),
    ("L = sum_i sum_j A_ij x_i x_j", "write L = sum_i(sum_j(A_ij x_i x_j))"),
    ("y_i = sum_j W_ij x_j + b_i", "write y_i = sum_j(W_ij x_j) + b_i"),
    ("L = sum_i max(0, 1 - y_i z_i)", "write L = sum_i(max(0, 1 - y_i z_i))"),
    ("L = Σw_i²", "write L = sum_i(w_i^2)"),
    ("L = ∑_{i=1}^n x_i^2 - c", "write L = sum_i(x_i^2) - c"),
    ("L = Σ_i (y_i - t_i)²", "write L = sum_i((y_i - t_i)^2)"),
    ("y = √(x z)", "write y = sqrt(x z)"),
    ("y = x if x > 0 else 0.1 x", "write y = where(x > 0, x, 0.1 x)"),
    ("y_i = ln x_i", "write y_i = ln(x_i)"),
    # functions by other names
    ("y_i = Relu(x_i)", "relu(...)"),
    ("y_i = ReLU(x_i)", "relu(...)"),
    ("y_i = RELU(x_i)", "relu(...)"),
    ("y_i = LeakyReLU(x_i)", "leaky_relu(...)"),
    ("y_i = Tanh(x_i)", "tanh(...)"),
    ("y_i = Sigmoid(x_i)", "sigmoid(...)"),
    ("y_i = σ(x_i)", "sigmoid(...)"),
    ("y_i = sigma(x_i)", "sigmoid(...)"),
    ("y_i = logistic(x_i)", "sigmoid(...)"),
    ("y_i = selu(x_i)", "1.0507 elu(x_i, 1.67326)"),
    ("y_i = mish(x_i)", "x_i tanh(softplus(x_i))"),
    ("y_i = logsigmoid(x_i)", "log(sigmoid(x_i))"),
    ("y_i = LogSigmoid(x_i)", "log(sigmoid(x_i))"),
    ("y_i = hardtanh(x_i)", "clip(x_i, -1, 1)"),
    ("L = MSE(y_i, t_i)", "mean_i((y_i - t_i)^2)"),
    ("L = mse(y, t)", "mean_i((y_i - t_i)^2)"),
    ("L = SSE(y_i, t_i)", "sum_i((y_i - t_i)^2)"),
    ("L = MAE(y_i, t_i)", "mean_i(abs(y_i - t_i))"),
    ("L = RMSE(y_i, t_i)", "sqrt(mean_i((y_i - t_i)^2))"),
    ("L = cross_entropy(p_i, t_i)", "-sum_i(t_i log(p_i))"),
    ("L = CE(p_i, t_i)", "-sum_i(t_i log(p_i))"),
    ("L = BCE(p_i, t_i)", "-mean_i(t_i log(p_i) + (1 - t_i) log(1 - p_i))"),
    ("L = KL(p_i, q_i)", "sum_i(p_i log(p_i / q_i))"),
    ("L = entropy(p_i)", "-sum_i(p_i log(p_i))"),
    ("L = argmin_i(x_i)", "argmax_i(-x_i)"),
    ("y = log2(x)", "log(x) / log(2)"),
    ("y = log_2(x)", "write y = log(x) / log(2)"),
    ("y = log10(x)", "log(x) / log(10)"),
    ("y = cbrt(x)", "x^(1/3)"),
    ("y = power(x, 2)", "x^2"),
    ("y = gamma(x)", "exp(lgamma(x))"),
    ("y = factorial(x)", "exp(lgamma(x + 1))"),
    ("y = x!", "write y = exp(lgamma(x + 1))"),
    ("y_i = x[i+10000000]", "an offset is a whole number of at most six digits"),
    ("y_t = h[t-0.5]", "an offset is a whole number of at most six digits"),
    ("y = int(x)", "there is no integral"),
    ("y = dropout(x)", "an input mask_i"),
    ("y = batchnorm(x)", "m_i = mean_b(x_bi)"),
    ("y_i = tan^2(x_i)", "write y_i = tan(x_i)^2"),
    ("y = sin x", "write y = sin(x)"),
    ("y_i = exp x_i", "write y_i = exp(x_i)"),
    ("y_i = softmax(x_i)", "softmax_i(...)"),
    ("y_i = softmax(x)", "softmax_i(x_i)"),
    ("Y_bo = softmax(X_bo)", "softmax_o(...)"),
    ("L = stopgrad(x)", "stop_gradient(...)"),
    # products and matrices
    ("L = dot(x_i, y_i)", "write x_i y_i"),
    ("L = dot(x, y)", "write x_i y_i"),
    ("C_i = cross(a_j, b_k)", "eps_ijk a_j b_k"),
    ("C_ij = outer(a_i, b_j)", "a_i b_j"),
    ("C_ij = matmul(A_ik, B_kj)", "A_ik B_kj"),
    ("C_ij = kron(A_ij, B_ij)", "A_ij B_kl"),
    ("L = cosine(v_i, w_i)", "v_i w_i / (norm_i(v_i) norm_i(w_i))"),
    ("L = <x, y>", "write L = x_i y_i"),
    ("L = x' A x", "write L = x_i A_ij x_j"),
    ("L = x.T A x", "write L = x_i A_ij x_j"),
    ("y_i = A_ij @ x_j", "write y_i = A_ij x_j"),
    ("y_i = A^T_ij x_j", "A_ji"),
    ("y_i = A^{-1}_ij x_j", "inv_ij(A_ij)"),
    ("L = g_{ij} x^i x^j", "write L = g_{ij} x_i x_j"),
    ("y^i = A^i_j x^j", "write y_i = A_ij x_j"),
    ("L = F_{\\mu\\nu}F^{\\mu\\nu}", "F_{\\mu\\nu}F_{\\mu\\nu}"),
    ("S^{ij} = a^i b^j", "write S_ij = a_i b_j"),
    ("T^{ij}_k = a_i b_j c_k", "write T_ijk = a_i b_j c_k"),
    ("z^l_j = w^l_jk a_k", "write z_lj = w_ljk a_k"),
    # signs
    ("y_i = A_ij · x_j", "write y_i = A_ij * x_j"),
    ("L = x_i × y_i", "write L = x_i * y_i"),
    ("y = √x", "write y = sqrt(x)"),
    ("y = x²", "x^2"),
    ("y := x", "write y = x"),
    ("y == x", "write y = x"),
    ("y <- x", "write y = x"),
    ("y ← x", "write y = x"),
    ("y = {x}", "group with parentheses"),
    ("y = [x + 1]", "write y = (x + 1)"),
    ("y = 3,5 x", "write y = 3.5 x"),
    ("y = x_1 + x_2", "x1"),
    ("L = x_i y_i;", "write L = x_i y_i"),
    ("L = a x // comment", "write L = a x  # a comment"),
    ("L = a x % comment", "# a comment"),
    ("y = x // 2", "write y = x / 2"),
    # programs
    ("y = np.tanh(x)", "write y = tanh(x)"),
    ("y = torch.exp(x)", "write y = exp(x)"),
    ("y_i = torch.nn.functional.relu(x_i)", "write y_i = relu(x_i)"),
    ("y = math.log(x)", "write y = log(x)"),
    ("y = x.sum()", "write y = sum_i(x_i)"),
    ("f(x) = x^2", "write f = x^2"),
    ("f(x_i) = x_i^2", "write f_i = x_i^2"),
    ("f(x, y) = x y", "write f = x y"),
    ("def f(x): return x^2", "write f = x^2"),
    ("f = lambda x: x^2", "write f = x^2"),
    ("import numpy as np", "a model is no program"),
    ("L = relu(x) if x > 0 else 0", "write L = where(x > 0, relu(x), 0)"),
    ("L = sum_i(if x_i > 0 then x_i else 0)", "where(x_i > 0, a, b)"),
    ("L = x_i and y_i", "where(x_i > 0, a, b)"),
    ("y = inf", "-1e9"),
    # derivatives
    ("y = d/dx (x^2)", "Model.grad"),
    ("y = ∂L/∂x", "dL/dx"),
    ("y = ∇L", "Model.grad"),
    ("y = e^x", "exp(x)"),
]  # fmt: skip

READ = [
    ("L = ||x_i||^2", "L = norm_i(x_i)^2"),
    ("y_i = ||x_ik - z_k||^2", "y_i = norm_k(x_ik - z_k)^2"),
    ("L = sum_i(||x_ik - z_k||)", "L = sum_i(norm_k(x_ik - z_k))"),
    ("y = ln(x)", "y = log(x)"),
    ("y_i = swish(x_i)", "y_i = silu(x_i)"),
    ("y_i = arctan(x_i)", "y_i = atan(x_i)"),
    ("y = 2x", "y = 2 x"),
    ("y = x ** 2", "y = x^2"),
    ("y_i = W_{i,j} x_{j}", "y_i = W_ij x_j"),
    ("y_i = x_i^2 + 2x_i - 1", "y_i = x_i^2 + 2 x_i - 1"),
]


@pytest.mark.parametrize(("line", "proposal"), PROPOSED, ids=[line for line, _ in PROPOSED])
def test_a_hint_proposes_what_was_meant(line: str, proposal: str) -> None:
    with pytest.raises(eg.NotationError) as caught:
        eg.parse(line)
    error = caught.value
    assert error.hint
    assert proposal in f"{error.reason}\n{error.hint}"
    head, _, rewrite = error.hint.partition("write ")
    if head in {"", "labels stand below: "} and rewrite.count("=") == 1 and "..." not in rewrite:
        assert code_of(rewrite) in {None, "not-summed"}  # a missing sum is proposed next


def code_of(line: str) -> str | None:
    """Return the code of the error about a line, None if it is read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            eg.parse(line)
        except eg.NotationError as error:
            return error.code
    return None


@pytest.mark.parametrize(("line", "meaning"), READ)
def test_what_is_read(line: str, meaning: str) -> None:
    assert str(eg.parse(line)) == meaning


def test_a_row_speaks_only_where_the_error_is() -> None:
    with pytest.raises(eg.NotationError, match="is never closed"):
        eg.parse("y = (np + x")
    with pytest.raises(eg.NotationError) as caught:
        eg.parse("y = x! + (a b))")
    assert "closes nothing" not in str(caught.value)
    with pytest.raises(eg.NotationError) as caught:
        eg.parse("if = x_i\ny = if")
    assert caught.value.code == "not-summed"  # a text that defines the word may use it
