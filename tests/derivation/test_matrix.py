"""Matrix notation: what it reads like, and that its value is the expression's."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import oracle
import pytest
from latex2mathml.converter import convert
from matrix_notation import Reader
from seeds import seeded

import eingrad as eg
from eingrad.core.algebra import add, apply, einsum, power, reduce, transpose
from eingrad.core.arrays import Matrix
from eingrad.core.expr import Const, Delta, Expr, Size, Var, postorder
from eingrad.derivation import matrix
from eingrad.derivation.matrix import form_latex, form_text, layout_axes, matrix_form
from eingrad.derivation.matrix.form_values import (
    SamplePoint,
    agrees,
    as_matrix,
    random_point,
    value_of_expr,
    value_of_form,
)
from eingrad.derivation.matrix.forms import Form, parts

DIMS = "abc"
NAMES = {(d,): f"{d}vec" for d in DIMS}
SMOOTH = ["tanh", "exp", "sigmoid", "phi"]
REAL: dict[str, Callable[..., Any]] = {
    **oracle.MAPS, **oracle.REDUCES, "phi": lambda x: x**3 - x, "phi'": lambda x: 3 * x**2 - 1,
    "inv": np.linalg.inv, "det": np.linalg.det, "logdet": lambda x: np.linalg.slogdet(x)[1],
}  # fmt: skip


class Author:
    """Writes random expressions over vectors, matrices and scalars of three dimensions."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seeded(seed))

    def leaf(self, dims: tuple[str, ...]) -> Expr:
        pick = self.random.choice
        if len(dims) == 2 and dims[0] == dims[1] and self.random.random() < 0.2:
            return Delta(dims[0])
        if not dims and self.random.random() < 0.5:
            return pick([Const(pick([2, -1, 3, 0.5])), Size(pick(DIMS))])
        return Var(pick("XYZ") + "".join(dims), dims)

    def expression(self, dims: tuple[str, ...], depth: int) -> Expr:
        kinds = [self.product] * 5 + [self.sum] * 2 + [self.map, self.fold]
        return self.random.choice(kinds)(dims, depth) if depth else self.leaf(dims)

    def product(self, dims: tuple[str, ...], depth: int) -> Expr:
        """A random network: factors with at most two labels each, some of them summed."""
        pick, rng = self.random.choice, self.random
        extents = dict(enumerate(dims)) | {
            len(dims) + k: pick(DIMS) for k in range(rng.randint(0, 3))
        }
        factors: list[tuple[Expr, tuple[int, ...]]] = []
        for _ in range(rng.randint(1, 4)):
            count = min(rng.choice([0, 1, 1, 2, 2, 2]), len(extents))
            labels = tuple(rng.choices(list(extents), k=count))
            factor = self.expression(tuple(extents[k] for k in labels), depth - 1)
            if rng.random() < 0.15 and not factor.has_delta:
                factor = power(factor, pick([-1, -2, 2]))
            factors.append((factor, labels))
        used = {k for _, ls in factors for k in ls}
        needed = {k: d for k, d in extents.items() if k in used or k < len(dims)}
        return einsum(factors, tuple(range(len(dims))), needed)

    def sum(self, dims: tuple[str, ...], depth: int) -> Expr:
        terms = [self.expression(dims, depth - 1) for _ in range(self.random.randint(2, 3))]
        return add(*terms, *([self.leaf(())] if self.random.random() < 0.3 else []))

    def map(self, dims: tuple[str, ...], depth: int) -> Expr:
        x = self.expression(dims, depth - 1)
        if self.random.random() < 0.2:
            return apply("where", apply("gt", x, Const(0)), Const(1), Const(0))
        return apply(self.random.choice(SMOOTH), x)

    def fold(self, dims: tuple[str, ...], depth: int) -> Expr:
        rng = self.random
        if len(dims) == 2 and dims[0] == dims[1]:
            return transpose(Matrix("inv", self.leaf_like(dims)), rng.choice([(0, 1), (1, 0)]))
        if dims and rng.random() < 0.6:
            x = self.expression(dims, depth - 1)
            return reduce("softmax", x, [rng.randrange(len(dims))])
        if len(dims) < 2:
            axis = rng.randrange(len(dims) + 1)
            more = (*dims[:axis], rng.choice(DIMS), *dims[axis:])
            return reduce(rng.choice(["max", "logsumexp", "norm"]), self.leaf_like(more), [axis])
        return self.leaf(dims)

    def leaf_like(self, dims: tuple[str, ...]) -> Expr:
        return Var(self.random.choice("XYZ") + "".join(dims), dims)


def real_point(expr: Expr, seed: int) -> SamplePoint:
    return SamplePoint(random_point(expr, seed=seeded(seed)).arrays, random_point(expr).sizes, REAL)


def oracle_value(expr: Expr, point: SamplePoint) -> np.ndarray:
    """The value of an expression: by the oracle, or here where it knows no matrix functions."""
    if any(isinstance(x, Matrix) for x in postorder([expr])):
        return value_of_expr(expr, point)
    return oracle.evaluate(expr, point.arrays, point.sizes, point.functions)


def layouts(expr: Expr) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    if expr.ndim <= 2:
        return [layout_axes(expr.ndim, 0, layout) for layout in (None, "numerator")]
    return [layout_axes(expr.ndim, of, "numerator") for of in (1, 2) if 0 < expr.ndim - of <= 2]


def test_forms_of_random_expressions_have_their_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """No form is ever wrong, not even before it is checked; most expressions have one."""
    verdicts: list[bool] = []

    def recorded(form: Form, expr: Expr, *axes: Any) -> bool:
        verdicts.append(agrees(form, expr, *axes))
        assert verdicts[-1], (form_text(form), expr)
        return verdicts[-1]

    monkeypatch.setattr(matrix, "agrees", recorded)
    tried = 0
    kinds: set[str] = set()
    for seed in range(1500):
        author = Author(seed)
        dims = tuple(author.random.choices(DIMS, k=author.random.choice([0, 1, 2, 2, 3, 4])))
        expr = author.expression(dims, author.random.choice([1, 1, 2]))
        for rows, cols in layouts(expr):
            tried += 1
            form = matrix_form(expr, rows, cols)
            if form is None:
                continue
            kinds |= kinds_of(form)
            point = real_point(expr, seed)
            wanted = as_matrix(oracle_value(expr, point), rows, cols)
            with np.errstate(all="ignore"):
                found = value_of_form(form, point)
            np.testing.assert_allclose(found, wanted, rtol=1e-7, atol=1e-9, err_msg=form_text(form))
            convert(form_latex(form))
            if not kinds_of(form) & {"Ones", "Identity", "Commutation"}:  # they have no own size
                means_its_value(form_text(form), found, point)
    assert tried > 2000
    assert len(verdicts) > tried / 2
    assert kinds == {x.__name__ for x in Form.__args__}  # type: ignore[attr-defined]


def kinds_of(form: Form) -> set[str]:
    return {type(form).__name__}.union(*map(kinds_of, parts(form)))


def means_its_value(text: str, value: np.ndarray, point: SamplePoint) -> None:
    """Read the text as a person would: its value is the form's."""
    values = {name: np.reshape(x, (*x.shape, 1, 1)[:2]) for name, x in point.arrays.items()}
    values |= {f"size({dim})": np.full((1, 1), float(n)) for dim, n in point.sizes.items()}
    with np.errstate(all="ignore"):
        found = Reader(text, values, REAL).read()
    np.testing.assert_allclose(
        *np.broadcast_arrays(found, value), rtol=1e-7, atol=1e-9, err_msg=text
    )


# --- what forms read like ---------------------------------------------------------------------

SOFTMAX = "p_i = softmax_i(a_i)"
LOGISTIC = "P_a = sigmoid(X_ai w_i)\nL = -sum_a(t_a log(P_a) + (1 - t_a) log(1 - P_a))"
CLASSIFIER = "Z2_bo = softmax_o(X_bi W_io)\nL = -mean_b(T_bo log(Z2_bo))\nassume sum_o(T_bo) = 1"
FACTORS = "R_ij = M_ij - U_ik V_jk\nL = R_ij R_ij"
# fmt: off
READABLE = [
    # model, kind, of, wrt, name, layout, form
    (SOFTMAX, "jacobian", "p", "a", "a", None, "diag(p) - p p^T"),
    (CLASSIFIER, "grad", "L", "W", "W", None, "X^T (Z2 - T) / size(b)"),
    (CLASSIFIER, "grad", "L", "W", "W", "numerator", "(Z2 - T)^T X / size(b)"),
    (LOGISTIC, "grad", "L", "w", "w", None, "X^T (P - t)"),
    (LOGISTIC, "grad", "L", "w", "w", "denominator", "X^T (P - t)"),
    (LOGISTIC, "grad", "L", "w", "w", "numerator", "(P - t)^T X"),
    (LOGISTIC, "hessian", "L", "w", "w", None, "X^T diag(P ⊙ (1 - P)) X"),
    (FACTORS, "grad", "L", "V", "V", None, "-2 R^T U"),
    (FACTORS, "hessian", "L", "U", "U", None, "2 (V^T V) ⊗ I"),
    ("L = x_i A_ij x_j", "hessian", "L", "x", "x", None, "A + A^T"),
    ("L = X_ij A_ik X_kj", "grad", "L", "X", "X", None, "(A + A^T) X"),
    ("y_i = W_ij x_j + b_i", "jacobian", "y", "W", "W", None, "x^T ⊗ I"),
    ("y_i = W_ij x_j + b_i", "jacobian", "y", "W", "W", "denominator", "x ⊗ I"),
    ("y_i = W_ij x_j + b_i", "jacobian", "y", "x", "x", "denominator", "W^T"),
    ("Y_il = A_ij X_jk B_kl", "jacobian", "Y", "X", "X", None, "B^T ⊗ A"),
    ("Y_il = A_ij X_jk B_kl", "jacobian", "Y", "X", "X", "denominator", "B ⊗ A^T"),
    ("Y_ij = X_ji", "jacobian", "Y", "X", "X", None, "K"),
    ("Y_ij = tanh(X_ij)", "jacobian", "Y", "X", "X", None, "diag(vec(1 - Y ⊙ Y))"),
    ("L = sum_b(sum_i(X_bi w_i))", "grad", "L", "w", "w", None, "X^T 1"),
    ("L = sum_b(sum_i(X_bi w_i))", "grad", "L", "X", "X", None, "1 w^T"),
    ("L = log(X_ij X_ij)", "grad", "L", "X", "X", None, "2 X / ||X||_F^2"),
    ("L = A_ij B_ji C_kk", "grad", "L", "C", "C", None, "tr(A B) I"),
    ("L = log(A_ii)", "grad", "L", "A", "A", None, "I / tr(A)"),
    ("c = x_i y_i / norm_i(x_i)", "grad", "c", "y", "y", None, "x / ||x||"),
    ("L = sum_b(relu(X_bi w_i))", "grad", "L", "w", "w", None, "X^T 1[X w > 0]"),
    ("function phi\nL = sum_b(phi(X_bi w_i))", "grad", "L", "w", "w", None, "X^T phi'(X w)"),
    ("L = sum_b(sum_i(log(X_bi) / s_b))", "grad", "L", "X", "X", None, "diag(s)^-1 (1 ⊘ X)"),
    ("L = K_ij x_i I_jk y_k", "grad", "L", "K", "K", None, "x y^T I^T"),
    ("L = A_ijk x_i y_j z_k", "grad", "L", "x", "x", None, None),
    ("L = X_ai Y_aj Z_ak A_i B_j C_k", "grad", "L", "A", "A", None, "X^T ((Y B) ⊙ (Z C))"),
    ("L = X_ai Y_aj Z_ak A_ij C_k", "grad", "L", "A", "A", None, "X^T diag(Z C) Y"),
]
# fmt: on


@pytest.mark.parametrize(
    ("text", "kind", "of", "wrt", "name", "layout", "form"),
    READABLE,
)
def test_derivatives_read_as_in_a_textbook(
    text: str, kind: str, of: str, wrt: str, name: str, layout: Any, form: str | None
) -> None:
    derivatives = getattr(eg.parse(text), kind)(of, wrt)
    assert derivatives.matrix_form(name, layout) == form


def test_where_a_maximum_is_attained() -> None:
    model = eg.parse("z = tanh(0.3 max_i(x_i))\nL = z z + sum_i(x_i)")
    form = model.grad("L", ["x"]).matrix_form("x")
    assert form == "1 + 0.6 z (1 - z^2) ismax(x)"


def test_a_label_that_three_matrices_share_has_no_form() -> None:
    a, b, c = (Var(name, ("k", name.lower())) for name in "ABC")
    triple = einsum([(a, (0, 1)), (b, (0, 2)), (c, (0, 3))], (1, 2, 3))
    assert matrix_form(triple) is None
    summed = einsum([(a, (0, 1)), (b, (0, 2)), (c, (0, 3)), (Var("w", ("c",)), (3,))], (1, 2))
    form = matrix_form(summed)
    assert form is not None
    assert form_text(form) == "A^T diag(C w) B"


def test_latex_and_names_that_are_taken() -> None:
    d = eg.parse(CLASSIFIER).grad("L", "W")
    assert d.matrix_latex("W") == r"\frac{1}{|b|} X^\top \left(Z^{(2)} - T\right)"
    identity = eg.parse("y_i = I x_i").jacobian("y", "x")
    assert identity.matrix_form("x") == "I Id"
    with pytest.raises(eg.EingradError, match="no layout is called 'rows'"):
        d.matrix_form("W", "rows")  # type: ignore[arg-type]


def test_a_form_that_is_wrong_is_not_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    a = Var("A", ("i", "i"))
    wrong = matrix_form(transpose(a, (1, 0)))
    monkeypatch.setattr(matrix, "read", lambda *_: wrong)
    assert wrong is not None
    assert matrix_form(a) is None
    assert matrix_form(transpose(a, (1, 0))) == wrong


def test_forms_of_many_factors_and_axes_take_no_room() -> None:
    """A chain of 26 matrices has a form; an outer product of 12 axes has none, and is not built."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    pairs = zip(letters, letters[1:] + "a", strict=True)
    chain = eg.parse("L = " + " ".join(f"W{k}_{a}{b}" for k, (a, b) in enumerate(pairs)))
    form = chain.grad("L", "W0").matrix_form("W0")
    assert form == " ".join(f"W{k}^T" for k in range(25, 0, -1))
    outer = eg.parse("L = A_ab B_cd C_ef D_gh E_ij F_kl T_abcdefghijkl").grad("L", "T")
    assert outer.matrix_form("T") is None
