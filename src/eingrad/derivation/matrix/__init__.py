"""Matrix notation, where an expression has one: products, transposes, ⊙, diag, tr, ⊗.

`read` makes a tree of an expression (`forms`, by way of `network` and `layout`), `write` makes
text or LaTeX of the tree. A form is only given out if its value at a random point of tiny, distinct
sizes is the expression's (`values`): what has no matrix form gives None, never a near miss.
Where NumPy is absent there are no values, and who shows a form says that it was not tested.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from eingrad.calculus.structure import cost
from eingrad.core.algebra import is_zero
from eingrad.core.expr import Expr, Labels
from eingrad.core.later import has_numpy
from eingrad.derivation.matrix.build import of_symmetric
from eingrad.derivation.matrix.form_values import agrees
from eingrad.derivation.matrix.forms import Form, NumberForm, names_in
from eingrad.derivation.matrix.network import NoMatrixFormError
from eingrad.derivation.matrix.read_form import read
from eingrad.derivation.matrix.write import LatexWriter, TextWriter, arrange
from eingrad.notation.latex import to_latex
from eingrad.notation.syntax import SizeOf, Symbol

MAX_COST = 100.0  # a longer expression is not read: nobody would read its matrix form either
MAX_AXES = 6  # a Hessian by a tensor of order 3 has as many
LAYOUTS = ("numerator", "denominator")


def matrix_form(
    expr: Expr,
    rows: Labels | None = None,
    cols: Labels | None = None,
    rank: Mapping[str, int] | None = None,
    symmetric: Collection[str] = (),
) -> Form | None:
    """Return an expression as a tree of matrix notation, None if there is none.

    ``rows`` and ``cols`` are the axes that run down and across, by default the first one and the
    second one; two axes in one place are stacked as vec does. ``rank`` orders names;
    ``symmetric`` are the matrices that equal their transposes.
    """
    if rows is None or cols is None:
        if expr.ndim > 2:
            return None
        axes = tuple(range(expr.ndim))
        rows, cols = axes[:1], axes[1:]
    if is_zero(expr):
        return NumberForm(0)
    if cost(expr) > MAX_COST or expr.ndim > MAX_AXES:
        return None
    try:
        form = of_symmetric(read(expr, rows, cols), symmetric)
    except NoMatrixFormError:
        return None
    tested = has_numpy() and agrees(form, expr, rows, cols, symmetric)
    return arrange(form, rank or {}) if tested or not has_numpy() else None


def layout_axes(ndim: int, of_ndim: int, layout: str | None = None) -> tuple[Labels, Labels]:
    """Return the axes down the rows and across the columns of a derivative's matrix.

    The first ``of_ndim`` axes are those of what was differentiated. A "numerator" layout has
    these down the rows, a "denominator" layout across the columns. Without a layout a derivative
    of or by a scalar is shaped like the other tensor, and any other has the numerator layout.

    >>> layout_axes(2, 0), layout_axes(2, 0, "numerator"), layout_axes(4, 2)
    (((0,), (1,)), ((1,), (0,)), ((0, 1), (2, 3)))
    """
    axes = tuple(range(ndim))
    if of_ndim in (0, ndim) and ndim <= 2:
        rows, cols = axes[:1], axes[1:]
        turned = layout == ("numerator" if of_ndim == 0 else "denominator")
        return (cols, rows) if turned and ndim else (rows, cols)
    rows, cols = axes[:of_ndim], axes[of_ndim:]
    return (cols, rows) if layout == "denominator" else (rows, cols)


def matrix_text(expr: Expr) -> str | None:
    """Return an expression of vectors and matrices in matrix notation, None if there is none.

    >>> from eingrad.core.algebra import einsum
    >>> from eingrad.core.expr import Var
    >>> x, g = Var("X", ("b", "i")), Var("G", ("b", "h"))
    >>> matrix_text(einsum([(x, (0, 1)), (g, (0, 2))], (1, 2)))
    'X^T G'
    """
    form = matrix_form(expr)
    return None if form is None else form_text(form)


def form_text(form: Form, letter: Callable[[str], str] = str) -> str:
    """Write a form as text; ``letter`` is the author's letter of a dimension."""
    return TextWriter(str, lambda dim: f"size({letter(dim)})", names_in(form)).write(form)[0]


def form_latex(
    form: Form, letter: Callable[[str], str] = str, name: Callable[[str], str] | None = None
) -> str:
    r"""Write a form as LaTeX, without the dollars around it.

    >>> from eingrad.derivation.matrix.forms import Name, Transpose
    >>> print(form_latex(Transpose(Name("X", ("b", "i")))))
    X^\top
    """
    spell = name or (lambda x: to_latex(Symbol(x)))
    size = lambda dim: to_latex(SizeOf(letter(dim)))  # noqa: E731
    return LatexWriter(spell, size, names_in(form)).write(form)[0]


__all__ = ["LAYOUTS", "form_latex", "form_text", "layout_axes", "matrix_form", "matrix_text"]
