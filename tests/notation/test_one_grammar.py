"""A construct is added once: text, LaTeX and matrix notation read it, since they only spell it."""

from __future__ import annotations

import numpy as np
import pytest

import eingrad as eg
from eingrad.core.functions import FUNCTIONS, Function
from eingrad.notation.lexeme import elementwise
from eingrad.notation.tokens import COMPARISONS

A = np.array([[0.4, -1.3, 0.7], [1.1, 0.2, -0.6], [-0.3, 0.9, 1.6]])
X = np.array([0.8, -0.5, 1.2])
SPELLINGS = ["text", "LaTeX", "matrices", "matrices in LaTeX"]


def value_and_gradient(text: str, spelling: str) -> tuple[float, np.ndarray]:
    """Return L and dL/dx of a model over A and x."""
    model = (eg.parse_latex if "LaTeX" in spelling else eg.parse)(text)
    found = model.grad("L", wrt=["x"]).compile()(**{
        name: array for name, array in {"A": A, "x": X}.items() if name in model.inputs
    })  # fmt: skip
    return float(found["L"]), np.asarray(found["dL/dx"])


# --- a function ---------------------------------------------------------------------------------

SQUASH = Function(
    "squash", (lambda y, _, c: 1 - (y / c) ** 2, None),
    recipe=lambda x, c: c * (x / c)("tanh"), returns="``c tanh(x / c)``",
)  # fmt: skip
BOTH = {
    "text": "L = sum_i(squash(A_ij x_j, 2))",
    "LaTeX": r"L = \sum_{i} \operatorname{squash}\left(A_{ij} x_j, 2\right)",
    "matrices": "A in R^{n x n}\nx in R^n\nL = sum(squash(A x, 2))",
    "matrices in LaTeX": r"L = \mathbf{1}^\top \operatorname{squash}(\mathbf{A} \mathbf{x}, 2)",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_new_function_with_arguments(spelling: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(eg.NotationError):
        eg.parse("y_i = squash(x_i, 2)")
    monkeypatch.setitem(FUNCTIONS, "squash", SQUASH)
    value, gradient = value_and_gradient(BOTH[spelling], spelling)
    z = A @ X
    assert value == pytest.approx(np.sum(2 * np.tanh(z / 2)), rel=1e-12)
    assert gradient == pytest.approx(A.T @ (1 - np.tanh(z / 2) ** 2), rel=1e-12)


# --- the sign of a comparison -------------------------------------------------------------------

BELOW = {
    "text": "L = sum_{i ⪇ j}(x_i x_j) + sum_i(where(x_i ⪇ 0, 3, x_i))",
    "LaTeX": r"""L = \sum_{i \lneq j} x_i x_j + \sum_i \begin{cases} 3 & \text{if } x_i \lneq 0 \\
        x_i & \text{otherwise} \end{cases}""",
    "matrices": "x in R^n\nu = where(x ⪇ 0, 3, x)\nL = ((sum(x))^2 - x^T x) / 2 + sum(u)",
    "matrices in LaTeX": r"""s = \mathbf{1}^\top \mathbf{x}
        L = \frac{1}{2} s^2 - \frac{1}{2} \mathbf{x}^\top \mathbf{x}
        + \mathbf{1}^\top \begin{cases} 3 & \text{if } \mathbf{x} ⪇ 0 \\
        \mathbf{x} & \text{otherwise} \end{cases}""",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_new_sign_of_a_comparison(spelling: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(eg.NotationError):
        (eg.parse_latex if "LaTeX" in spelling else eg.parse)(BELOW[spelling])
    monkeypatch.setitem(COMPARISONS, "⪇", "<")
    monkeypatch.setitem(COMPARISONS, r"\lneq", "<")
    value, gradient = value_and_gradient(BELOW[spelling], spelling)
    pairs = sum(X[i] * X[j] for i in range(3) for j in range(i + 1, 3))
    assert value == pytest.approx(pairs + np.sum(np.where(X < 0, 3, X)), rel=1e-12)
    assert gradient == pytest.approx(X.sum() - X + (X >= 0), rel=1e-12)


# --- what is there reads alike ------------------------------------------------------------------

ALIKE = [
    ("y_i = max(a_i, b_i)", r"y_i = \max(a_i, b_i)"),
    ("L = min(a, 0)", r"L = \min(a, 0)"),
    ("y_i = tanh'(a_i) b_i", r"y_i = \tanh'(a_i) b_i"),
    ("y_i = softplus'(a_i)", r"y_i = \operatorname{softplus}'(a_i)"),
    ("L = sum_{i < j < k}(a_i b_j c_k)", r"L = \sum_{i < j < k} a_i b_j c_k"),
    ("L = sum_{i ≠ j}(a_i b_j)", r"L = \sum_{i \neq j} a_i b_j"),
    ("y_i = where(a_i ≥ 1, 2, b_i)",
     r"y_i = \begin{cases} 2 & a_i ≥ 1 \\ b_i & \text{otherwise} \end{cases}"),
    ("u_i = ||Y_ik - z_k||", r"u_i = \|Y_{ik} - z_k\|"),
    ("L = sum_i(||Y_ik - z_k||)", r"L = \sum_i \|Y_{ik} - z_k\|"),
    ("y_i = 1[a_i > 0] b_i", r"y_i = \mathbb{1}[a_i > 0] b_i"),
    ("L = max_{i != j}(A_ij)", r"L = \max_{i \ne j} A_{ij}"),
    ("h[t,i] = a h[t-1,i] + x_ti\nh[t<0,i] = g_i",
     "h_{t,i} = a h_{t-1,i} + x_{t,i}\nh_{t < 1, i} = g_i"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "latex"), ALIKE)
def test_text_and_latex_read_alike(text: str, latex: str) -> None:
    assert str(eg.parse(text)) == str(eg.parse_latex(latex))


FROM_ONE_ON = {"acosh", "asec", "acsc", "acoth"}


def test_a_prime_is_the_derivative_of_every_function_of_one_argument() -> None:
    names = [n for n, f in FUNCTIONS.items() if elementwise(n) and f.arity == 1 and not f.internal]
    names.remove("stop_gradient")
    assert len(names) > 20
    points = np.array([0.31, 0.72])
    for name in names:
        step, x = 1e-6, points + (name in FROM_ONE_ON)
        at = eg.parse(f"L = sum_i({name}(x_i))").grad("L", wrt=["x"]).compile()
        up, down = (float(at(x=x + s)["L"]) for s in (step, -step))
        slope = eg.parse(f"L = sum_i({name}'(x_i))").grad("L", wrt=["x"]).compile()(x=x)["L"]
        assert float(slope) == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-7), name


def test_a_prime_in_matrices() -> None:
    model = eg.parse("A in R^{n x n}\nx in R^n\nL = sum(tanh'(A x))")
    found = model.grad("L", wrt=["x"]).compile()(A=A, x=X)
    t = np.tanh(A @ X)
    assert float(found["L"]) == pytest.approx(np.sum(1 - t**2), rel=1e-12)
    assert found["dL/dx"] == pytest.approx(A.T @ (-2 * t * (1 - t**2)), rel=1e-12)


CLAIMS = [
    ("dy_i/dx[2] = 2 x[2] delta[i,2] + 1",
     r"\frac{\partial y_i}{\partial x_{3}} = 2 x_{3} \delta_{i,3} + 1", "right"),
    ("dy_i/dx[2] = 2 x[2] + 1", r"\frac{\partial y_i}{\partial x_{3}} = 2 x_{3} + 1", "wrong"),
    ("dL/dx[2] = 2 sum_i(y_i) + 4 y[2] x[2]",
     r"\partial L / \partial x_{3} = 2 \sum_i y_i + 4 y_{3} x_{3}", "right"),
    ("d2L/dx_i dx[1] = 3", r"\frac{\partial^2 L}{\partial x_i \partial x_{2}} = 3", "wrong"),
    ("d2L/dx_i dx_j = 3", r"\frac{\partial^2 L}{\partial x_i \partial x_j} = 3", "wrong"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "latex", "outcome"), CLAIMS)
def test_derivatives_are_read_alike(text: str, latex: str, outcome: str) -> None:
    """By an entry, too: the derivative of y_i by x_2 is 1, and 2 x_2 more where i is 2."""
    model = eg.parse("y_i = x_i^2 + sum_j(x_j)\nL = y_i y_i")
    assert [v.outcome for v in model.check_each(text)] == [outcome]
    assert [v.outcome for v in model.check_each(latex, latex=True)] == [outcome]


def test_errors_about_derivatives_are_alike() -> None:
    text, latex = "dL/dx[y[b]] = 1", r"\frac{\partial L}{\partial x_{2, y_b}} = 1"
    for claim, is_latex in ((text, False), (latex, True)):
        with pytest.raises(eg.NotationError, match="whole tensor"):
            eg.parse("L = x_i x_i").check_each(claim, latex=is_latex)


@pytest.mark.parametrize(
    "text",
    ["L = (b + w xwhere()^2x)^2", r"\nabla_{w_{y_i}} Li = - A x_i", "dL/dx_i = where(x_0.5, 0, 1)"],
)
def test_found_by_mutations(text: str) -> None:
    for read in (eg.parse_latex, lambda t: eg.parse("L = x_i x_i").check_each(t, latex=True)):
        with pytest.raises(eg.NotationError):
            read(text)
