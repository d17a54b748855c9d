"""Matrix notation: what it reads like, and that its value is the expression's."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import oracle
import pytest
from latex2mathml.converter import convert

from eingrad.core.algebra import add, apply, einsum, power, reduce, transpose
from eingrad.core.arrays import Matrix
from eingrad.core.expr import Const, Delta, Expr, Size, Var, postorder
from eingrad.derivation import matrix
from eingrad.derivation.matrix import form_latex, form_text, layout_axes, matrix_form
from eingrad.derivation.matrix.forms import Form, parts
from eingrad.derivation.matrix.values import (
    Point,
    agrees,
    as_matrix,
    random_point,
    value_of_expr,
    value_of_form,
)

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
        self.random = random.Random(seed)

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


def real_point(expr: Expr, seed: int) -> Point:
    return Point(random_point(expr, seed=seed).arrays, random_point(expr).sizes, REAL)


def oracle_value(expr: Expr, point: Point) -> np.ndarray:
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
            kinds |= {type(x).__name__ for x in everything_in(form)}
            point = real_point(expr, seed)
            wanted = as_matrix(oracle_value(expr, point), rows, cols)
            with np.errstate(all="ignore"):
                found = value_of_form(form, point)
            np.testing.assert_allclose(found, wanted, rtol=1e-7, atol=1e-9, err_msg=form_text(form))
            convert(form_latex(form))
    assert tried > 2000
    assert len(verdicts) > tried / 2
    assert kinds == {x.__name__ for x in Form.__args__}  # type: ignore[attr-defined]


def everything_in(form: Form) -> list[Form]:
    return [form, *(x for part in parts(form) for x in everything_in(part))]
