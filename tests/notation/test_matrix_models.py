"""Models in matrix notation have the values that NumPy gives the same formulas."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import eingrad as eg

rng = np.random.default_rng(0)
N, D, H = 4, 3, 2
FULL: dict[str, Any] = {
    "X": rng.normal(size=(N, D)), "Y": rng.normal(size=(N, H)), "W": rng.normal(size=(D, H)),
    "V": rng.normal(size=D), "A": rng.normal(size=(D, D)) + 3 * np.eye(D),
    "B": rng.normal(size=(N, D)),
    "w": rng.normal(size=D), "v": rng.normal(size=D), "u": rng.normal(size=N),
    "y": rng.normal(size=N), "x": rng.normal(size=(N, D)), "b": rng.normal(size=H),
    "h": rng.normal(size=H), "lambda": 0.7, "n": 4.0, "c": 1.3, "mu": rng.normal(size=D),
    "Sb": 2 * np.eye(D) + 0.1, "Sigma": 3 * np.eye(D) + 0.2, "U": rng.normal(size=D),
    "vo": rng.normal(size=D),
}  # fmt: skip


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softmax(x: Any) -> Any:
    e = np.exp(x)
    return e / e.sum(-1, keepdims=True)


CASES: list[tuple[str, Callable[..., Any]]] = [
    (r"\mathbf{z} = \mathbf{A} \mathbf{w}", lambda A, w: A @ w),
    (r"\mathbf{z} = \mathbf{A}^\top \mathbf{w} + \mathbf{v}", lambda A, w, v: A.T @ w + v),
    (r"q = \mathbf{w}^T \mathbf{A} \mathbf{v}", lambda A, w, v: w @ A @ v),
    (r"q = w^T A v", lambda A, w, v: w @ A @ v),
    (r"\mathbf{Z} = \mathbf{w} \mathbf{u}^\top", lambda w, u: np.outer(w, u)),
    (r"\mathbf{Z} = \mathbf{w} \otimes \mathbf{u}", lambda w, u: np.outer(w, u)),
    (r"\mathbf{z} = \mathbf{A} \mathbf{w} \odot \sigma(\mathbf{v})",
     lambda A, w, v: (A @ w) * sigmoid(v)),
    (r"\mathbf{z} = \mathbf{v} \circ \mathbf{A}^T \mathbf{w}", lambda A, w, v: v * (A.T @ w)),
    (r"L = \frac{1}{2 n} \|\mathbf{y} - X \mathbf{w}\|^2",
     lambda X, w, y, n: ((y - X @ w) ** 2).sum() / (2 * n)),
    (r"L = \|\mathbf{y} - X \mathbf{w}\|_2^2 + \lambda \|\mathbf{w}\|_2",
     lambda X, w, y, **o: ((y - X @ w) ** 2).sum() + o["lambda"] * np.linalg.norm(w)),
    (r"L = \|X W - Y\|_F^2", lambda X, W, Y: ((X @ W - Y) ** 2).sum()),
    (r"L = \operatorname{tr}(X^T B A)", lambda X, B, A: np.trace(X.T @ B @ A)),
    (r"L = \operatorname{tr}(A + A^T A)", lambda A: np.trace(A + A.T @ A)),
    (r"L = \langle \mathbf{w}, \mathbf{v} \rangle", lambda w, v: w @ v),
    (r"Z = \operatorname{diag}(\mathbf{w}) A \operatorname{diag}(\mathbf{v})",
     lambda w, A, v: np.diag(w) @ A @ np.diag(v)),
    (r"\mathbf{z} = \operatorname{diag}(A A^T)", lambda A: np.diag(A @ A.T)),
    (r"\mathbf{z} = (A^T A + \lambda I)^{-1} A^T \mathbf{w}",
     lambda A, w, **o: np.linalg.solve(A.T @ A + o["lambda"] * np.eye(D), A.T @ w)),
    (r"L = \operatorname{tr}(A^3 + A^{-2})",
     lambda A: np.trace(A @ A @ A + np.linalg.matrix_power(A, -2))),
    (r"L = \log \det (A^T A)", lambda A: np.linalg.slogdet(A.T @ A)[1]),
    (r"\mathbf{z} = X^T \mathbf{1}", lambda X: X.sum(0)),
    (r"\mathbf{z} = \frac{1}{n} X \mathbf{1} + \mathbf{u}", lambda X, n, u: X.sum(1) / n + u),
    (r"L = \mathbf{1}^T A \mathbf{1}", lambda A: A.sum()),
    (r"\mathbf{Z} = \exp(\mathbf{X}) / \mathbf{B} + c", lambda X, B, c: np.exp(X) / B + c),
    (r"Z = X W + b \\ X \in \mathbb{R}^{n \times d} \\ W \in \mathbb{R}^{d \times h}"
     r"\\ b \in \mathbb{R}^h", lambda X, W, b: X @ W + b),
    (r"Z = \operatorname{softmax}(X W) \\ X \in \mathbb{R}^{N \times D}",
     lambda X, W: softmax(X @ W)),
    (r"L = \sum_i \log \sigma(\mathbf{w}^T \mathbf{x}_i)",
     lambda x, w: np.log(sigmoid(x @ w)).sum()),
    (r"S = \sum_i (\mathbf{x}_i - \mathbf{\mu}) (\mathbf{x}_i - \mathbf{\mu})^T",
     lambda x, mu: (x - mu).T @ (x - mu)),
    (r"L = \sum_i \|\mathbf{x}_i - \mathbf{\mu}\|^2", lambda x, mu: ((x - mu) ** 2).sum()),
    (r"\mathbf{z} = (\mathbf{w}^T \mathbf{v}) \mathbf{w} \mathbf{w}^T \mathbf{v}",
     lambda w, v: (w @ v) ** 2 * w),
    (r"\mathbf{z} = A \mathbf{w} \mathbf{v}^T \mathbf{w}", lambda A, w, v: A @ w * (v @ w)),
    (r"L = \max(0, 1 - \mathbf{w}^T \mathbf{v})", lambda w, v: max(0, 1 - w @ v)),
    (r"\mathbf{z} = \max(0, A \mathbf{w})", lambda A, w: np.maximum(0, A @ w)),
    (r"\mathbf{z} = \frac{A \mathbf{w}}{\|A \mathbf{w}\|}",
     lambda A, w: A @ w / np.linalg.norm(A @ w)),
    (r"L = \frac{\mathbf{w}^T A \mathbf{w}}{\mathbf{w}^T \mathbf{w}}",
     lambda A, w: w @ A @ w / (w @ w)),
    (r"q = w^T v + c", lambda w, v, c: w @ v + c),
    (r"L = \sum_i \log(1 + \exp(-x_i^T \mu))", lambda x, mu: np.log1p(np.exp(-x @ mu)).sum()),
    (r"q = \sum_i \sum_j \mathbf{x}_i^T \mathbf{x}_j", lambda x: x.sum(0) @ x.sum(0)),
    (r"q = \boldsymbol w^T \boldsymbol S_b \boldsymbol w", lambda Sb, w: w @ Sb @ w),
    (r"\mathbf{z} = (\mathbf{S}_b + \mathbf{S}_b^T) \mathbf{v}_o",
     lambda Sb, vo: (Sb + Sb.T) @ vo),
    (r"L = \log|\Sigma| + \log{|\mathbf{A}|}",
     lambda Sigma, A: np.linalg.slogdet(Sigma)[1] + np.linalg.slogdet(A)[1]),
    (r"q = \mathbf{w} \cdot \mathbf{v} + c", lambda w, v, c: w @ v + c),
    (r"q = \lambda \cdot \vec{w} \cdot \vec{v}", lambda w, v, **o: o["lambda"] * (w @ v)),
    (r"\mathbf{z} = \mathbf{w} \cdot \mathbf{v}", lambda w, v: w * v),
    (r"q = \frac{\mathbf{w} \cdot \mathbf{v}}{|\mathbf{w}| \; |\mathbf{v}|}",
     lambda w, v: w @ v / np.linalg.norm(w) / np.linalg.norm(v)),
    (r"q = \frac{\mathbf{w}^T \mathbf{v}}{n} \cdot \frac{c}{n}",
     lambda w, v, n, c: w @ v * c / n**2),
    (r"\mathbf{z} = \mathbf{A}^T \mathbf{Av} - \mathbf{v}", lambda A, v: A.T @ A @ v - v),
    (r"Z = A U + V \\ q = \sum_i Z_i w_i", lambda A, U, V, w: (A @ U + V) @ w),
    (r"\mathbf{z} = \mathbf{A}^{-\top} \mathbf{w}", lambda A, w: np.linalg.solve(A.T, w)),
]  # fmt: skip


@pytest.mark.parametrize(("latex", "value"), CASES)
def test_a_model_has_the_value_of_its_formula(latex: str, value: Callable[..., Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = eg.parse_latex(latex)
    arrays = {name: FULL[name] for name in model.inputs}
    target = model.outputs[-1]
    found = model.compile([target])(**arrays)
    found = found[target] if isinstance(found, dict) else found
    np.testing.assert_allclose(found, value(**arrays))


@pytest.mark.parametrize(("latex", "value"), CASES[:30])
def test_what_is_printed_is_read_back(latex: str, value: Callable[..., Any]) -> None:
    del value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = eg.parse_latex(latex)
    assert str(eg.parse(str(model))) == str(model)
    assert eg.parse(str(model)).notes == ()


REFUSED = [
    (r"\mathbf{z} = \mathbf{A} \mathbf{w}^T", "misfit"),
    (r"\mathbf{z} = \mathbf{w} \mathbf{v}", "misfit"),
    (r"z = W x \\ W \in \mathbb{R}^{m \times n} \\ x \in \mathbb{R}^{m}", "misfit"),
    (r"Z = A^2 \\ A \in \mathbb{R}^{n \times n}", "open-shape"),
    (r"Y = X A", "open-shape"),
    (r"\mathbf{Z} = \mathbf{X} \mathbf{W} + \mathbf{b}", "open-shape"),
]  # fmt: skip


@pytest.mark.parametrize(("latex", "code"), REFUSED)
def test_what_does_not_fit_or_stays_open_is_refused_with_a_hint(latex: str, code: str) -> None:
    with pytest.raises(eg.NotationError) as caught:
        eg.parse_latex(latex)
    assert caught.value.code == code
    assert caught.value.hint
