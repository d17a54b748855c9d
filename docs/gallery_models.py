"""The models of the gallery: what is derived from them, arrays to try, and the same in JAX.

Nothing here needs JAX: a reference is a function of ``jnp`` (jax.numpy), ``nn`` (jax.nn) and the
model's arrays by name.
"""

# ruff: noqa: ARG001, ARG005, E501 (a table: one row, one line; references take what they need)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Reference = Callable[..., Any]


@dataclass(frozen=True)
class Entry:
    """A model and one derivative of it.

    ``kind`` is grad, jacobian or hessian; ``arrays`` names each input, its sizes and, if it is not
    just random, what kind it is: see `arrays_of`.
    """

    title: str
    model: str
    kind: str
    of: str
    wrt: str
    arrays: str
    reference: Reference


def arrays_of(entry: Entry, seed: int = 0) -> dict[str, np.ndarray]:
    """Return arrays for a model: ``"X 6 3, t 6 binary"`` are normal numbers and zeros and ones.

    >>> sorted(arrays_of(GALLERY[0]))
    ['A', 'x']
    """
    rng = np.random.default_rng(seed)
    result = {}
    for words in entry.arrays.split(","):
        name, *rest = words.split()
        kind = rest.pop() if rest and not rest[-1].isdigit() else "normal"
        shape = tuple(map(int, rest))
        result[name] = _MAKERS[kind](rng, shape)
    return result


def _symmetric(x: np.ndarray) -> np.ndarray:
    return x + x.T


def _spd(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    x = rng.normal(size=shape)
    return x @ x.T + shape[0] * np.eye(*shape)


def _joint(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    x = _symmetric(rng.uniform(0.5, 1.5, shape))
    return x / x.sum()


def _simplex(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    x = rng.uniform(0.5, 1.5, shape)
    return x / x.sum(-1, keepdims=True)


_MAKERS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "positive": lambda rng, shape: rng.uniform(0.5, 1.5, shape),
    "binary": lambda rng, shape: rng.integers(0, 2, shape).astype(float),
    "sign": lambda rng, shape: rng.choice([-1.0, 1.0], shape),
    "counts": lambda rng, shape: rng.poisson(3, shape).astype(float),
    "onehot": lambda rng, shape: np.eye(shape[1])[rng.integers(0, shape[1], shape[0])],
    "symmetric": lambda rng, shape: _symmetric(rng.normal(size=shape)),
    "regular": lambda rng, shape: rng.normal(size=shape) + shape[0] * np.eye(*shape),
    "spd": _spd,
    "joint": _joint,
    "simplex": _simplex,
}

LOGISTIC = """P_a = sigmoid(X_ai w_i)
L = -sum_a(t_a log(P_a) + (1 - t_a) log(1 - P_a))"""
LEAST_SQUARES = """r_a = X_ai w_i - y_a
L = r_a r_a / 2"""
FACTORS = """R_ij = M_ij - U_ik V_jk
L = R_ij R_ij"""
CROSS_ENTROPY = """p_i = softmax_i(a_i)
L = -t_i log(p_i)
assume sum_i(t_i) = 1"""
SOFTMAX_REGRESSION = """Z_bo = softmax_o(X_bi W_io)
L = -mean_b(T_bo log(Z_bo))
assume sum_o(T_bo) = 1"""
MLP = """A1_bh = X_bi W1_ih + b1_h
Z1_bh = {}(A1_bh)
A2_bo = Z1_bh W2_ho + b2_o
Z2_bo = softmax_o(A2_bo)
L = -mean_b(T_bo log(Z2_bo))
assume sum_o(T_bo) = 1"""
MLP_ARRAYS = "X 6 3, W1 3 4, b1 4, W2 4 2, b2 2, T 6 2 onehot"
ATTENTION = """A_ij = softmax_j(Q_id K_jd / sqrt(size(d)))
Y_ie = A_ij V_je
L = sum_i(sum_e(G_ie Y_ie))"""
CAUSAL_ATTENTION = """S_qk = where(k <= q, Q_qd K_kd / sqrt(size(d)), -1e9)
A_qk = softmax_k(S_qk)
Y_qe = A_qk V_ke
L = sum_q(sum_e(G_qe Y_qe))"""
WITHOUT_POSITIVE = """S_ij = U_id V_jd / 0.1
L = mean_i(logsumexp_{j != i}(S_ij)) - mean_i(S_ii)"""
COULOMB = "E = sum_{i < j}(q_i q_j / norm_d(X_id - X_jd))"
GAUSSIAN = """r_ai = X_ai - mu_i
L = size(a) logdet_ij(S_ij) / 2 - r_ai S_ij r_aj / 2
assume S_ij = S_ji"""
LAYER_NORM = """mu = mean_i(x_i)
v = mean_i((x_i - mu)^2)
y_i = (x_i - mu) / sqrt(v + 1e-5)"""


SPRINGS = """r_ij = sqrt(sum_d((X_id - X_jd)^2) + e)
E = k sum_ij((r_ij - a)^2) / 4"""
TSNE = """D_ij = 1 / (1 + sum_d((Y_id - Y_jd)^2))
Z = sum_ij(D_ij)
Q_ij = D_ij / Z
C = sum_ij(P_ij log(P_ij / Q_ij))
assume P_ij = P_ji
assume sum_ij(P_ij) = 1"""


def _mlp(activation: str) -> Reference:
    def loss(jnp: Any, nn: Any, X: Any, W1: Any, b1: Any, W2: Any, b2: Any, T: Any) -> Any:
        hidden = X @ W1 + b1
        active = nn.gelu(hidden, approximate=False) if activation == "gelu" else jnp.tanh(hidden)
        return -jnp.mean(jnp.sum(T * nn.log_softmax(active @ W2 + b2), -1))

    return loss


def _logistic(jnp: Any, nn: Any, X: Any, w: Any, t: Any) -> Any:
    return -jnp.sum(t * nn.log_sigmoid(X @ w) + (1 - t) * nn.log_sigmoid(-X @ w))


def _causal_attention(jnp: Any, nn: Any, Q: Any, K: Any, V: Any, G: Any) -> Any:
    below = jnp.tril(jnp.ones((4, 4))) > 0
    A = nn.softmax(jnp.where(below, Q @ K.T / jnp.sqrt(2.0), -1e9), -1)
    return jnp.sum(G * (A @ V))


def _without_positive(jnp: Any, nn: Any, U: Any, V: Any) -> Any:
    S = U @ V.T / 0.1
    others = jnp.where(jnp.eye(5) > 0, -jnp.inf, S)
    return jnp.mean(nn.logsumexp(others, axis=1)) - jnp.mean(jnp.diag(S))


def _multiclass_hinge(jnp: Any, nn: Any, X: Any, W: Any, T: Any) -> Any:
    s = X @ W
    margins = jnp.maximum(0, 1 + s - jnp.sum(T * s, -1, keepdims=True))
    return jnp.sum(margins * (1 - T))


def _coulomb(jnp: Any, nn: Any, X: Any, q: Any) -> Any:
    return sum(
        q[i] * q[j] / jnp.sqrt(jnp.sum((X[i] - X[j]) ** 2)) for j in range(4) for i in range(j)
    )


def _attention(jnp: Any, nn: Any, Q: Any, K: Any, V: Any, G: Any) -> Any:
    return jnp.sum(G * (nn.softmax(Q @ K.T / jnp.sqrt(Q.shape[1]), -1) @ V))


def _gaussian(jnp: Any, nn: Any, X: Any, mu: Any, S: Any) -> Any:
    r = X - mu
    return len(X) * jnp.linalg.slogdet(S)[1] / 2 - jnp.einsum("ai,ij,aj", r, S, r) / 2


def _cross_entropy(jnp: Any, nn: Any, a: Any, t: Any) -> Any:
    return -jnp.sum(t * nn.log_softmax(a))


def _through_time(jnp: Any, nn: Any, U: Any, x: Any, g: Any, y: Any) -> Any:
    del nn
    h, total = g, 0.0
    for now, wanted in zip(x, y, strict=True):
        h = jnp.tanh(U @ h + now)
        total = total + jnp.sum((h - wanted) ** 2)
    return total


def _gated(
    jnp: Any, nn: Any, W: Any, U: Any, V: Any, R: Any, A: Any, B: Any, x: Any, h: Any
) -> Any:
    z, r = nn.sigmoid(W @ x + U @ h), nn.sigmoid(V @ x + R @ h)
    return (1 - z) * jnp.tanh(A @ x + r * (B @ h)) + z * h


def _contrastive(jnp: Any, nn: Any, U: Any, V: Any) -> Any:
    return -jnp.mean(jnp.diagonal(nn.log_softmax(U @ V.T / 0.1, -1)))


def _normalised(jnp: Any, nn: Any, x: Any) -> Any:
    return (x - x.mean()) / jnp.sqrt(x.var() + 1e-5)


def _batch_norm(jnp: Any, nn: Any, X: Any, g: Any, c: Any, D: Any) -> Any:
    Y = (X - X.mean(0)) / jnp.sqrt(X.var(0) + 1e-5)
    return jnp.sum(D * (g * Y + c))


# fmt: off
def _squared_distances(jnp: Any, X: Any) -> Any:
    return jnp.sum((X[:, None] - X) ** 2, -1)


def _springs(jnp: Any, nn: Any, X: Any, k: Any, a: Any, e: Any) -> Any:
    return k * jnp.sum((jnp.sqrt(_squared_distances(jnp, X) + e) - a) ** 2) / 4


def _tsne(jnp: Any, nn: Any, Y: Any, P: Any) -> Any:
    near = 1 / (1 + _squared_distances(jnp, Y))
    return jnp.sum(P * jnp.log(P * near.sum() / near))


def _kernel_ridge(jnp: Any, nn: Any, X: Any, g: Any, y: Any, c: Any, a: Any) -> Any:
    kernel = jnp.exp(-g * _squared_distances(jnp, X))
    return jnp.sum((y - kernel @ a) ** 2) + c * a @ kernel @ a


def _normalised_pairs(jnp: Any, nn: Any, X: Any, t: Any, P: Any) -> Any:
    rows = X / jnp.linalg.norm(X, axis=-1, keepdims=True)
    scores = rows @ rows.T / t
    return jnp.mean(nn.logsumexp(scores, axis=-1) - jnp.sum(P * scores, -1))


SECTIONS: dict[str, list[Entry]] = {
    "Quadratic forms and norms": [
        Entry("Quadratic form: gradient", "L = x_i A_ij x_j", "grad", "L", "x A", "x 4, A 4 4", lambda jnp, nn, x, A: x @ A @ x),
        Entry("Quadratic form: Hessian", "L = x_i A_ij x_j", "hessian", "L", "x", "x 4, A 4 4", lambda jnp, nn, x, A: x @ A @ x),
        Entry("Symmetric quadratic form: gradient", "L = x_i A_ij x_j\nassume A_ij = A_ji", "grad", "L", "x", "x 4, A 4 4 symmetric", lambda jnp, nn, x, A: x @ A @ x),
        Entry("Symmetric quadratic form: Hessian", "L = x_i A_ij x_j\nassume A_ij = A_ji", "hessian", "L", "x", "x 4, A 4 4 symmetric", lambda jnp, nn, x, A: x @ A @ x),
        Entry("Bilinear form", "L = x_i A_ij y_j", "grad", "L", "x y A", "x 4, A 4 3, y 3", lambda jnp, nn, x, A, y: x @ A @ y),
        Entry("Mahalanobis distance", "D = (x_i - m_i) S_ij (x_j - m_j)\nassume S_ij = S_ji", "grad", "D", "x m S", "x 4, m 4, S 4 4 spd", lambda jnp, nn, x, m, S: (x - m) @ S @ (x - m)),
        Entry("Rayleigh quotient", "R = x_i A_ij x_j / (x_k x_k)\nassume A_ij = A_ji", "grad", "R", "x", "x 4, A 4 4 symmetric", lambda jnp, nn, x, A: x @ A @ x / (x @ x)),
        Entry("Norm: gradient", "n = norm_i(x_i)", "grad", "n", "x", "x 4", lambda jnp, nn, x: jnp.linalg.norm(x)),
        Entry("Norm: Hessian", "n = norm_i(x_i)", "hessian", "n", "x", "x 4", lambda jnp, nn, x: jnp.linalg.norm(x)),
        Entry("Squared Frobenius norm", "L = A_ij A_ij", "grad", "L", "A", "A 4 3", lambda jnp, nn, A: jnp.sum(A * A)),
        Entry("Frobenius norm", "n = sqrt(A_ij A_ij)", "grad", "n", "A", "A 4 3", lambda jnp, nn, A: jnp.linalg.norm(A)),
        Entry("Cosine similarity", "c = x_i y_i / (norm_i(x_i) norm_i(y_i))", "grad", "c", "x", "x 4, y 4", lambda jnp, nn, x, y: x @ y / jnp.linalg.norm(x) / jnp.linalg.norm(y)),
        Entry("RBF kernel of two points", "r_i = x_i - y_i\nk = exp(-g r_i r_i)", "grad", "k", "x g", "x 4, y 4, g positive", lambda jnp, nn, x, y, g: jnp.exp(-g * (x - y) @ (x - y))),
    ],
    "Traces, determinants, inverses, products": [
        Entry("Trace of a product", "L = A_ij B_ji", "grad", "L", "A B", "A 4 3, B 3 4", lambda jnp, nn, A, B: jnp.trace(A @ B)),
        Entry("Trace of a quadratic product", "L = X_ij A_ik X_kj", "grad", "L", "X", "X 4 3, A 4 4", lambda jnp, nn, X, A: jnp.trace(X.T @ A @ X)),
        Entry("Trace of a product of three", "L = A_ij X_jk B_ki", "grad", "L", "X", "A 4 3, X 3 5, B 5 4", lambda jnp, nn, A, X, B: jnp.trace(A @ X @ B)),
        Entry("Log-determinant: gradient", "L = logdet_ij(A_ij)", "grad", "L", "A", "A 4 4 spd", lambda jnp, nn, A: jnp.linalg.slogdet(A)[1]),
        Entry("Log-determinant: Hessian", "L = logdet_ij(A_ij)", "hessian", "L", "A", "A 3 3 spd", lambda jnp, nn, A: jnp.linalg.slogdet(A)[1]),
        Entry("Determinant", "L = det_ij(A_ij)", "grad", "L", "A", "A 4 4 regular", lambda jnp, nn, A: jnp.linalg.det(A)),
        Entry("Inverse", "Y_ij = inv_ij(A_ij)", "jacobian", "Y", "A", "A 3 3 regular", lambda jnp, nn, A: jnp.linalg.inv(A)),
        Entry("Quadratic form of an inverse", "L = x_i inv_ij(A_ij) y_j", "grad", "L", "A x", "x 4, A 4 4 regular, y 4", lambda jnp, nn, x, A, y: x @ jnp.linalg.inv(A) @ y),
        Entry("Product of three matrices", "Y_il = A_ij X_jk B_kl", "jacobian", "Y", "X", "A 4 3, X 3 2, B 2 5", lambda jnp, nn, A, X, B: A @ X @ B),
        Entry("Transpose", "Y_ij = X_ji", "jacobian", "Y", "X", "X 3 2", lambda jnp, nn, X: X.T),
        Entry("Hadamard product", "Y_ij = A_ij B_ij", "jacobian", "Y", "A", "A 3 2, B 3 2", lambda jnp, nn, A, B: A * B),
        Entry("Kronecker product", "C_ikjl = A_ij B_kl\nL = C_ikjl G_ikjl", "grad", "L", "A B", "A 2 3, B 4 5, G 2 4 3 5", lambda jnp, nn, A, B, G: jnp.sum(jnp.kron(A, B) * G.reshape(8, 15))),
        Entry("Outer product", "Y_ij = x_i y_j", "jacobian", "Y", "x y", "x 3, y 4", lambda jnp, nn, x, y: jnp.outer(x, y)),
    ],
    "Functions of vectors": [
        Entry("Sigmoid: Jacobian", "y_i = sigmoid(a_i)", "jacobian", "y", "a", "a 4", lambda jnp, nn, a: nn.sigmoid(a)),
        Entry("Softmax: Jacobian", "p_i = softmax_i(a_i)", "jacobian", "p", "a", "a 4", lambda jnp, nn, a: nn.softmax(a)),
        Entry("Log-softmax: Jacobian", "y_i = log_softmax_i(a_i)", "jacobian", "y", "a", "a 4", lambda jnp, nn, a: nn.log_softmax(a)),
        Entry("Log-sum-exp: gradient", "L = logsumexp_i(x_i)", "grad", "L", "x", "x 4", lambda jnp, nn, x: nn.logsumexp(x)),
        Entry("Log-sum-exp: Hessian", "L = logsumexp_i(x_i)", "hessian", "L", "x", "x 4", lambda jnp, nn, x: nn.logsumexp(x)),
        Entry("Softmax cross-entropy: gradient", CROSS_ENTROPY, "grad", "L", "a", "a 4, t 4 simplex", _cross_entropy),
        Entry("Softmax cross-entropy: Hessian", CROSS_ENTROPY, "hessian", "L", "a", "a 4, t 4 simplex", _cross_entropy),
        Entry("Entropy", "H = -p_i log(p_i)", "grad", "H", "p", "p 4 simplex", lambda jnp, nn, p: -jnp.sum(p * jnp.log(p))),
        Entry("Kullback-Leibler divergence", "D = sum_i(p_i log(p_i / q_i))", "grad", "D", "p q", "p 4 simplex, q 4 simplex", lambda jnp, nn, p, q: jnp.sum(p * jnp.log(p / q))),
        Entry("Layer normalisation: Jacobian", LAYER_NORM, "jacobian", "y", "x", "x 5", _normalised),
        Entry("Root-mean-square normalisation: Jacobian", "r = sqrt(mean_i(x_i^2))\ny_i = x_i / r", "jacobian", "y", "x", "x 5", lambda jnp, nn, x: x / jnp.sqrt(jnp.mean(x * x))),
        Entry("Layer normalisation in one line: Jacobian", "y_i = (x_i - mean_j(x_j)) / sqrt(mean_k((x_k - mean_j(x_j))^2) + 1e-5)", "jacobian", "y", "x", "x 5", _normalised),
        Entry("Softmax with a temperature", "p_i = softmax_i(a_i / t)", "jacobian", "p", "a t", "a 4, t positive", lambda jnp, nn, a, t: nn.softmax(a / t)),
    ],
    "Regression": [
        Entry("Least squares: gradient", LEAST_SQUARES, "grad", "L", "w", "X 6 3, w 3, y 6", lambda jnp, nn, X, w, y: jnp.sum((X @ w - y) ** 2) / 2),
        Entry("Least squares: Hessian", LEAST_SQUARES, "hessian", "L", "w", "X 6 3, w 3, y 6", lambda jnp, nn, X, w, y: jnp.sum((X @ w - y) ** 2) / 2),
        Entry("Ridge regression: gradient", LEAST_SQUARES + " + c w_i w_i / 2", "grad", "L", "w", "X 6 3, w 3, y 6, c positive", lambda jnp, nn, X, w, y, c: jnp.sum((X @ w - y) ** 2) / 2 + c * w @ w / 2),
        Entry("Ridge regression: Hessian", LEAST_SQUARES + " + c w_i w_i / 2", "hessian", "L", "w", "X 6 3, w 3, y 6, c positive", lambda jnp, nn, X, w, y, c: jnp.sum((X @ w - y) ** 2) / 2 + c * w @ w / 2),
        Entry("Generalised least squares: gradient", "r_a = y_a - X_ai w_i\nL = r_a inv_ab(C_ab) r_b / 2\nassume C_ab = C_ba", "grad", "L", "w", "X 6 3, w 3, y 6, C 6 6 spd", lambda jnp, nn, X, w, y, C: (y - X @ w) @ jnp.linalg.inv(C) @ (y - X @ w) / 2),
        Entry("Generalised least squares: Hessian", "r_a = y_a - X_ai w_i\nL = r_a inv_ab(C_ab) r_b / 2\nassume C_ab = C_ba", "hessian", "L", "w", "X 6 3, w 3, y 6, C 6 6 spd", lambda jnp, nn, X, w, y, C: (y - X @ w) @ jnp.linalg.inv(C) @ (y - X @ w) / 2),
        Entry("Multivariate least squares", "R_bo = X_bi W_io - Y_bo\nL = mean_b(R_bo R_bo)", "grad", "L", "W", "X 6 3, W 3 2, Y 6 2", lambda jnp, nn, X, W, Y: jnp.mean(jnp.sum((X @ W - Y) ** 2, -1))),
        Entry("Logistic regression: gradient", LOGISTIC, "grad", "L", "w", "X 6 3, w 3, t 6 binary", _logistic),
        Entry("Logistic regression: Hessian", LOGISTIC, "hessian", "L", "w", "X 6 3, w 3, t 6 binary", _logistic),
        Entry("Poisson regression: gradient", "m_a = exp(X_ai w_i)\nL = sum_a(m_a) - y_a X_ai w_i", "grad", "L", "w", "X 6 3, w 3, y 6 counts", lambda jnp, nn, X, w, y: jnp.sum(jnp.exp(X @ w)) - y @ X @ w),
        Entry("Poisson regression: Hessian", "m_a = exp(X_ai w_i)\nL = sum_a(m_a) - y_a X_ai w_i", "hessian", "L", "w", "X 6 3, w 3, y 6 counts", lambda jnp, nn, X, w, y: jnp.sum(jnp.exp(X @ w)) - y @ X @ w),
        Entry("Softmax regression: gradient", SOFTMAX_REGRESSION, "grad", "L", "W", "X 6 3, W 3 4, T 6 4 onehot", lambda jnp, nn, X, W, T: -jnp.mean(jnp.sum(T * nn.log_softmax(X @ W), -1))),
        Entry("Softmax regression: Hessian", SOFTMAX_REGRESSION, "hessian", "L", "W", "X 6 3, W 3 4, T 6 4 onehot", lambda jnp, nn, X, W, T: -jnp.mean(jnp.sum(T * nn.log_softmax(X @ W), -1))),
        Entry("Support vector machine: hinge loss", "m_a = y_a X_ai w_i\nL = sum_a(relu(1 - m_a)) + c w_i w_i / 2", "grad", "L", "w", "X 6 3, w 3, y 6 sign, c positive", lambda jnp, nn, X, w, y, c: jnp.sum(jnp.maximum(1 - y * (X @ w), 0)) + c * w @ w / 2),
        Entry("Log-cosh regression", "r_a = X_ai w_i - y_a\nL = sum_a(log(cosh(r_a)))", "grad", "L", "w", "X 6 3, w 3, y 6", lambda jnp, nn, X, w, y: jnp.sum(jnp.log(jnp.cosh(X @ w - y)))),
        Entry("Log-cosh regression: Hessian", "r_a = X_ai w_i - y_a\nL = sum_a(log(cosh(r_a)))", "hessian", "L", "w", "X 6 3, w 3, y 6", lambda jnp, nn, X, w, y: jnp.sum(jnp.log(jnp.cosh(X @ w - y)))),
        Entry("Huber loss", "r_a = X_ai w_i - y_a\nL = sum_a(where(abs(r_a) < k, r_a^2 / 2, k (abs(r_a) - k / 2)))", "grad", "L", "w", "X 6 3, w 3, y 6, k positive", lambda jnp, nn, X, w, y, k: jnp.sum(jnp.where(abs(X @ w - y) < k, (X @ w - y) ** 2 / 2, k * (abs(X @ w - y) - k / 2)))),
        Entry("Elastic net", "r_a = X_ai w_i - y_a\nL = r_a r_a / (2 size(a)) + c (q sum_i(abs(w_i)) + (1 - q) w_i w_i / 2)", "grad", "L", "w", "X 6 3, w 3, y 6, c positive, q positive", lambda jnp, nn, X, w, y, c, q: jnp.mean((X @ w - y) ** 2) / 2 + c * (q * jnp.sum(abs(w)) + (1 - q) * w @ w / 2)),
        Entry("Proportional hazards (Cox)", "e_a = X_ai w_i\nL = -sum_a(d_a (e_a - log(M_ab exp(e_b))))", "grad", "L", "w", "X 6 3, w 3, d 6 binary, M 6 6 positive", lambda jnp, nn, X, w, d, M: -d @ (X @ w - jnp.log(M @ jnp.exp(X @ w)))),
        Entry("Focal loss", "p_b = sigmoid(a_b)\nL = -sum_b(t_b (1 - p_b)^2 log(p_b))", "grad", "L", "a", "a 5, t 5 binary", lambda jnp, nn, a, t: -t @ ((1 - nn.sigmoid(a)) ** 2 * jnp.log(nn.sigmoid(a)))),
    ],
    "Likelihoods and factorisations": [
        Entry("Gaussian log-likelihood, by mean and precision", GAUSSIAN, "grad", "L", "mu S", "X 6 3, mu 3, S 3 3 spd", _gaussian),
        Entry("Gaussian log-likelihood, by mean and covariance", "r_ai = X_ai - mu_i\nL = -size(a) logdet_ij(C_ij) / 2 - r_ai inv_ij(C_ij) r_aj / 2\nassume C_ij = C_ji", "grad", "L", "mu C", "X 6 3, mu 3, C 3 3 spd", lambda jnp, nn, X, mu, C: -6 * jnp.linalg.slogdet(C)[1] / 2 - jnp.sum((X - mu) @ jnp.linalg.inv(C) * (X - mu)) / 2),
        Entry("Student's t: location", "L = sum_a(log(1 + (x_a - m)^2 / n))", "grad", "L", "m", "x 6, m, n positive", lambda jnp, nn, x, m, n: jnp.sum(jnp.log(1 + (x - m) ** 2 / n))),
        Entry("Gaussian mixture: means", "q_ak = log(p_k) - sum_i((X_ai - mu_ki)^2) / 2\nL = sum_a(logsumexp_k(q_ak))", "grad", "L", "mu", "X 6 3, mu 2 3, p 2 simplex", lambda jnp, nn, X, mu, p: jnp.sum(nn.logsumexp(jnp.log(p) - jnp.sum((X[:, None] - mu) ** 2, -1) / 2, axis=-1))),
        Entry("Variational autoencoder: evidence bound", "z_k = m_k + exp(s_k / 2) e_k\nr_i = x_i - W_ik z_k\nK = sum_k(m_k^2 + exp(s_k) - s_k - 1) / 2\nL = -r_i r_i / 2 - K", "grad", "L", "m s W", "m 2, s 2, e 2, x 4, W 4 2", lambda jnp, nn, m, s, e, x, W: -jnp.sum((x - W @ (m + jnp.exp(s / 2) * e)) ** 2) / 2 - jnp.sum(m**2 + jnp.exp(s) - s - 1) / 2),
        Entry("Gaussian process: marginal likelihood", "L = -y_i inv_ij(C_ij) y_j / 2 - logdet_ij(C_ij) / 2\nassume C_ij = C_ji", "grad", "L", "C", "y 4, C 4 4 spd", lambda jnp, nn, y, C: -y @ jnp.linalg.inv(C) @ y / 2 - jnp.linalg.slogdet(C)[1] / 2),
        Entry("Matrix factorisation: gradient", FACTORS, "grad", "L", "U V", "M 5 4, U 5 2, V 4 2", lambda jnp, nn, M, U, V: jnp.sum((M - U @ V.T) ** 2)),
        Entry("Matrix factorisation: Hessian", FACTORS, "hessian", "L", "U V", "M 5 4, U 5 2, V 4 2", lambda jnp, nn, M, U, V: jnp.sum((M - U @ V.T) ** 2)),
        Entry("PCA: reconstruction error", "Y_ak = X_ai W_ik\nR_ai = X_ai - Y_ak W_ik\nL = R_ai R_ai", "grad", "L", "W", "X 6 4, W 4 2", lambda jnp, nn, X, W: jnp.sum((X - X @ W @ W.T) ** 2)),
        Entry("PCA: variance along a direction", "z_a = X_ai w_i\nv = mean_a(z_a^2)", "grad", "v", "w", "X 6 3, w 3", lambda jnp, nn, X, w: jnp.mean((X @ w) ** 2)),
    ],
    "Networks": [
        Entry("Two-layer network", MLP.format("tanh"), "grad", "L", "W1 b1 W2 b2", MLP_ARRAYS, _mlp("tanh")),
        Entry("Network with GELU", MLP.format("gelu"), "grad", "L", "W1", MLP_ARRAYS, _mlp("gelu")),
        Entry("Linear layer", "Y_bo = X_bi W_io + c_o\nL = sum_b(sum_o(G_bo Y_bo))", "grad", "L", "X W c", "X 6 3, W 3 2, c 2, G 6 2", lambda jnp, nn, X, W, c, G: jnp.sum(G * (X @ W + c))),
        Entry("Batch normalisation", "mu_i = mean_b(X_bi)\nv_i = mean_b((X_bi - mu_i)^2)\nY_bi = (X_bi - mu_i) / sqrt(v_i + 1e-5)\nL = sum_b(sum_i(D_bi (g_i Y_bi + c_i)))", "grad", "L", "g c X", "X 6 3, g 3, c 3, D 6 3", _batch_norm),
        Entry("Batch normalisation in one line", "L = D_bi (X_bi - mean_c(X_ci)) / sqrt(mean_e((X_ei - mean_c(X_ci))^2) + 1e-5)", "grad", "L", "X", "X 6 3, D 6 3", lambda jnp, nn, X, D: jnp.sum(D * (X - X.mean(0)) / jnp.sqrt(X.var(0) + 1e-5))),
        Entry("Attention", ATTENTION, "grad", "L", "Q K V", "Q 3 2, K 4 2, V 4 5, G 3 5", _attention),
        Entry("Recurrent step with tanh", "h_i = tanh(W_ij s_j + U_ik x_k + b_i)", "jacobian", "h", "s b", "W 4 4, s 4, U 4 3, x 3, b 4", lambda jnp, nn, W, s, U, x, b: jnp.tanh(W @ s + U @ x + b)),
        Entry("LSTM gates", "f_i = sigmoid(F_ij x_j)\ng_i = tanh(G_ij x_j)\nc_i = f_i s_i + (1 - f_i) g_i", "jacobian", "c", "s x", "F 4 3, G 4 3, x 3, s 4", lambda jnp, nn, F, G, x, s: nn.sigmoid(F @ x) * s + (1 - nn.sigmoid(F @ x)) * jnp.tanh(G @ x)),
        Entry("Gated recurrent unit", "z_i = sigmoid(W_ij x_j + U_ik h_k)\nr_i = sigmoid(V_ij x_j + R_ik h_k)\nn_i = tanh(A_ij x_j + r_i B_ik h_k)\ny_i = (1 - z_i) n_i + z_i h_i", "jacobian", "y", "h", "W 4 3, U 4 4, V 4 3, R 4 4, A 4 3, B 4 4, x 3, h 4", _gated),
        Entry("Contrastive loss (InfoNCE)", "S_ij = U_id V_jd / 0.1\nP_ij = softmax_j(S_ij)\nL = -mean_i(delta_ij log(P_ij))", "grad", "L", "U V", "U 5 3, V 5 3", _contrastive),
        Entry("Causal attention", CAUSAL_ATTENTION, "grad", "L", "Q K V", "Q 4 2, K 4 2, V 4 5, G 4 5", _causal_attention),
        Entry("InfoNCE without the positive", WITHOUT_POSITIVE, "grad", "L", "U V", "U 5 3, V 5 3", _without_positive),
        Entry("N-pair loss", "S_ij = U_id V_jd\nL = mean_i(log(1 + sum_{j != i}(exp(S_ij - S_ii))))", "grad", "L", "U", "U 4 3, V 4 3", lambda jnp, nn, U, V: jnp.mean(jnp.stack([jnp.log(1 + sum(jnp.exp(U[i] @ (V[j] - V[i])) for j in range(4) if j != i)) for i in range(4)]))),
        Entry("Multiclass hinge loss (SVM)", "s_bo = X_bi W_io\nL = sum_b(sum_{o != k}(relu(T_bk (1 + s_bo - s_bk))))", "grad", "L", "W", "X 5 3, W 3 4, T 5 4 onehot", _multiclass_hinge),
        Entry("Pairwise ranking", "L = sum_{i < j}(softplus(s_j - s_i))", "grad", "L", "s", "s 5", lambda jnp, nn, s: sum(nn.softplus(s[j] - s[i]) for j in range(5) for i in range(j))),
        Entry("Pairwise ranking: Hessian", "L = sum_{i < j}(softplus(s_j - s_i))", "hessian", "L", "s", "s 5", lambda jnp, nn, s: sum(nn.softplus(s[j] - s[i]) for j in range(5) for i in range(j))),
        Entry("Pairwise preference (Bradley-Terry)", "d_a = (X_ai - Y_ai) w_i\nL = sum_a(softplus(-d_a))", "grad", "L", "w", "X 6 3, Y 6 3, w 3", lambda jnp, nn, X, Y, w: jnp.sum(nn.softplus(-(X - Y) @ w))),
        Entry("Triplet loss", "u = sum_i((a_i - p_i)^2)\nv = sum_i((a_i - n_i)^2)\nL = relu(u - v + m)", "grad", "L", "a p n", "a 4, p 4, n 4, m counts", lambda jnp, nn, a, p, n, m: nn.relu((a - p) @ (a - p) - (a - n) @ (a - n) + m)),
    ],
    "Energies of pairs": [
        Entry("Graph Laplacian", "E = sum_ijd(W_ij (X_id - X_jd)^2) / 2\nassume W_ij = W_ji", "grad", "E", "X", "W 4 4 symmetric, X 4 2", lambda jnp, nn, W, X: jnp.sum(W * jnp.sum((X[:, None] - X) ** 2, -1)) / 2),
        Entry("Springs: forces", SPRINGS, "grad", "E", "X", "X 4 2, k positive, a positive, e positive", _springs),
        Entry("Lennard-Jones potential", "V = 4 e ((s / r)^12 - (s / r)^6)", "grad", "V", "r", "e positive, s positive, r positive", lambda jnp, nn, e, s, r: 4 * e * ((s / r) ** 12 - (s / r) ** 6)),
        Entry("t-SNE", TSNE, "grad", "C", "Y", "Y 4 2, P 4 4 joint", _tsne),
        Entry("Kernel ridge regression", "K_ij = exp(-g sum_d((X_id - X_jd)^2))\nL = sum_i((y_i - K_ij a_j)^2) + c a_i K_ij a_j", "grad", "L", "a", "X 4 3, g positive, y 4, c positive, a 4", _kernel_ridge),
        Entry("Polynomial kernel", "K_ij = (X_id X_jd + c)^3\nL = a_i K_ij a_j", "grad", "L", "X a", "X 4 3, c positive, a 4", lambda jnp, nn, X, c, a: a @ (X @ X.T + c) ** 3 @ a),
        Entry("Contrastive loss of normalised rows (SimCLR)", "n_i = sqrt(sum_d(X_id^2))\nZ_id = X_id / n_i\nS_ij = Z_id Z_jd / t\nL = mean_i(logsumexp_j(S_ij) - P_ij S_ij)", "grad", "L", "X t", "X 4 3, t positive, P 4 4 onehot", _normalised_pairs),
        Entry("Hopfield network", "E = -s_i W_ij s_j / 2 - b_i s_i\nassume W_ij = W_ji", "grad", "E", "s", "s 4, W 4 4 symmetric, b 4", lambda jnp, nn, s, W, b: -s @ W @ s / 2 - b @ s),
        Entry("Coulomb energy: forces", COULOMB, "grad", "E", "X q", "X 4 3, q 4", _coulomb),
        Entry("Coulomb energy: Hessian", COULOMB, "hessian", "E", "q", "X 4 3, q 4", _coulomb),
        Entry("Logarithmic energy of points on a line", "E = -sum_{i < j}(log(abs(x_i - x_j)))", "grad", "E", "x", "x 4", lambda jnp, nn, x: -sum(jnp.log(abs(x[i] - x[j])) for j in range(4) for i in range(j))),
        Entry("Restricted Boltzmann machine: free energy", "F = -a_i v_i - sum_h(softplus(v_i W_ih + c_h))", "grad", "F", "W c v", "a 4, v 4 binary, W 4 3, c 3", lambda jnp, nn, a, v, W, c: -a @ v - jnp.sum(nn.softplus(v @ W + c))),
    ],
    "Labels that move": [
        Entry("Convolution", "y_i = x[i+k] w_k\nL = g_i y_i", "grad", "L", "x w", "x 9, w 3, g 7", lambda jnp, nn, x, w, g: g @ jnp.correlate(x, w)),
        Entry("Convolution: Jacobian", "y_i = x[i+k] w_k", "jacobian", "y", "x", "x 9, w 3", lambda jnp, nn, x, w: jnp.correlate(x, w)),
        Entry("Squared output of a convolution: Hessian", "y_i = x[i+k] w_k\nL = sum_i(y_i^2)", "hessian", "L", "x", "x 7, w 3", lambda jnp, nn, x, w: jnp.sum(jnp.correlate(x, w) ** 2)),
        Entry("Causal convolution, dilated", "assume size(t) = size(n)\ny_t = x[t-2 k] w_k\nL = sum_t((y_t - s_t)^2) / 2", "grad", "L", "x w", "x 9, w 3, s 9", lambda jnp, nn, x, w, s: jnp.sum((sum(w[k] * jnp.pad(x, (2 * k, 0))[:9] for k in range(3)) - s) ** 2) / 2),
        Entry("Layer of kernels over pictures", "Y[b,o,p,q] = X[b,c,p+k,q+l] W_ockl + c_o\nL = G_bopq Y_bopq", "grad", "L", "X W c", "X 2 3 6 5, W 4 3 3 2, c 4, G 2 4 4 4", lambda jnp, nn, X, W, c, G: jnp.sum(G * (sum(jnp.einsum("bcpq,oc->bopq", X[:, :, k : k + 4, m : m + 4], W[:, :, k, m]) for k in range(3) for m in range(2)) + c[:, None, None]))),
        Entry("Heat equation, one step: adjoint", "v_i = u_i + c (u[i+1] - 2 u_i + u[i-1])\nL = g_i v_i", "grad", "L", "u", "u 8, c positive, g 8", lambda jnp, nn, u, c, g: g @ (u + c * (jnp.pad(u, 1)[2:] - 2 * u + jnp.pad(u, 1)[:-2]))),
        Entry("Recurrent network through time", "h[t,i] = tanh(U_ij h[t-1,j] + x_ti)\nh[t<0,i] = g_i\nL = sum_ti((h_ti - y_ti)^2)", "grad", "L", "U g", "U 3 3, x 4 3, g 3, y 4 3", _through_time),
    ],
}
# fmt: on
GALLERY = [entry for entries in SECTIONS.values() for entry in entries]
