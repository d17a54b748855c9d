"""The values of expressions and of matrix forms: a form is only shown if both are the same.

They are compared at random arrays of tiny sizes. Functions are opaque there: ``log`` stands for
some smooth function that is defined everywhere, so that no domain hides a mistake, and what holds
for it holds for every function.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import Any, TypeAlias

from eingrad.core.arrays import Matrix
from eingrad.core.evaluate import evaluate, library_function, over_axes
from eingrad.core.expr import (
    Const,
    Delta,
    Dim,
    Einsum,
    Expr,
    Labels,
    Map,
    Reduce,
    Size,
    Var,
    postorder,
)
from eingrad.core.functions import (
    AXIS_FUNCTIONS,
    COMPARISONS,
    FUNCTIONS,
    MATRIX_FUNCTIONS,
    keeps_axes,
)
from eingrad.core.later import has_numpy, np
from eingrad.derivation.matrix import forms
from eingrad.derivation.matrix.forms import Form

Array: TypeAlias = "np.ndarray[Any, Any]"
Functions = Mapping[str, Callable[..., Any]]
DIFFERENT_SIZES = 6  # more dimensions than these share sizes, so that outer products stay small


@dataclass(frozen=True)
class SamplePoint:
    """Arrays by name, the extent of each dimension, and what the functions stand for."""

    arrays: Mapping[str, Array]
    sizes: Mapping[Dim, int]
    functions: Functions


# --- opaque functions -------------------------------------------------------------------------


class _Opaque(dict[str, Callable[..., Any]]):
    """Functions that are known, and made-up ones for the other names."""

    def __missing__(self, name: str) -> Callable[..., Any]:
        if name in AXIS_FUNCTIONS:
            return partial(over_axes, name)
        if name in COMPARISONS or name == "where":
            return library_function(FUNCTIONS[name], FUNCTIONS[name].arity)
        seed = zlib.crc32(name.encode())
        rate, shift = 1 + seed % 97 / 97, seed // 97 % 89 / 89

        def made_up(*xs: Any) -> Any:
            return sum(np.sin((k + rate) * x + shift) + x / (k + 3) for k, x in enumerate(xs))

        return made_up


def _polynomial(scale: float) -> Callable[[Array], Array]:
    """A function of matrices that commutes with transposition, as the inverse does."""
    return lambda x: scale * x @ x + 2 * x + np.eye(len(x))


# fmt: off
OPAQUE: Functions = _Opaque({
    "add": lambda *xs: sum(xs[1:], xs[0]),
    "pow": lambda x, k: x ** k if np.all(k == np.rint(k)) else np.abs(x) ** k,
    "sqrt": lambda x: np.abs(x) ** 0.5,
    "inv": _polynomial(0.5), "cholesky": _polynomial(0.25),
    "det": lambda x: np.trace(x @ x) + 1, "logdet": lambda x: np.trace(x @ x @ x) + 2,
})
# fmt: on


def random_point(expr: Expr, functions: Functions = OPAQUE, seed: int = 0) -> SamplePoint:
    """Return normally distributed arrays of sizes 2, 3, 4, ... for the names in ``expr``."""
    nodes = list(postorder([expr]))
    dims = dict.fromkeys(d for node in nodes for d in node.dims)
    dims |= dict.fromkeys(node.dim for node in nodes if isinstance(node, Size))
    dims |= dict.fromkeys(d for n in nodes if isinstance(n, Einsum) for d in n.extents)
    sizes = {dim: 2 + k % DIFFERENT_SIZES for k, dim in enumerate(dims)}
    rng = np.random.default_rng(seed)
    arrays = {
        x.name: rng.normal(size=[sizes[d] for d in x.dims]) for x in nodes if isinstance(x, Var)
    }
    return SamplePoint(arrays, sizes, functions)


# --- expressions ------------------------------------------------------------------------------


def value_of_expr(expr: Expr, point: SamplePoint) -> Array:
    """Return the value of an expression; raises TypeError for a node without matrix notation."""
    values: dict[Expr, Any] = {}
    for node in postorder([expr]):
        values[node] = _node_value(node, [values[x] for x in node.operands], point)
    return np.asarray(values[expr], dtype=float)


def _node_value(node: Expr, operands: list[Array], point: SamplePoint) -> Any:
    match node:
        case Var(name=name):
            return point.arrays[name]
        case Const() | Size() | Delta() | Einsum():
            return evaluate(node, operands, point.sizes, {}, float)
        case Map(function=function):
            return point.functions[function](*operands) * 1.0
        case Reduce(function=function, axes=axes):
            return point.functions[function](operands[0], axes)
        case Matrix(function=function):
            return point.functions[function](operands[0])
    raise TypeError(f"{type(node).__name__} has no matrix notation")


def as_matrix(value: Array, rows: Labels, cols: Labels) -> Array:
    """Lay an array out with the axes ``rows`` down and ``cols`` across, the first fastest."""
    turned = value.transpose(*reversed(rows), *reversed(cols))
    height = int(np.prod([value.shape[k] for k in rows], dtype=int))
    return turned.reshape(height, -1)


# --- forms ------------------------------------------------------------------------------------


def value_of_form(form: Form, point: SamplePoint) -> Array:
    """Return the value of a form, always with two axes; raises ValueError if shapes do not fit."""

    def value(x: Form) -> Array:
        return value_of_form(x, point)

    match form:
        case forms.Name(name=name):
            array = np.asarray(point.arrays[name], dtype=float)
            return array.reshape(*array.shape, *(1,) * (2 - array.ndim))
        case (
            forms.NumberForm()
            | forms.Extent()
            | forms.Ones()
            | forms.Identity()
            | forms.Commutation()
        ):
            return _constant(form, point.sizes)
        case forms.Transpose(base=x):
            return value(x).T
        case forms.PowerForm(base=x, exponent=exponent):
            return np.asarray(point.functions["pow"](value(x), float(exponent)))  # type: ignore[arg-type]
        case forms.MatMul(factors=factors):
            return reduce(np.matmul, map(value, factors))
        case forms.Kron(left=left, right=right):
            return np.kron(value(left), value(right))
        case forms.Scaled():
            return _scaled(form, point)
        case forms.SumForm(terms=terms):
            return sum(_fitting(terms, [value(x) for x in terms]), np.zeros((1, 1)))
        case forms.Hadamard(above=above, below=below):
            values = _fitting((*above, *below), [value(x) for x in (*above, *below)])
            split = len(above)
            return reduce(np.multiply, [*values[:split], *(1 / x for x in values[split:])])
        case forms.Apply(function=function, args=args):
            values = _fitting(args, [value(x) for x in args], scalars=True)
            return np.asarray(point.functions[function](*values) * 1.0)
        case forms.Along(function=function, base=x, along=along):
            return _along(point.functions[function], value(x), along, keeps_axes(function))
        case forms.OfMatrix(function=function, base=x):
            return _of_matrix(function, value(x), point.functions)
    raise TypeError(f"{type(form).__name__} is no form")


def _constant(form: Form, sizes: Mapping[Dim, int]) -> Array:
    """Return what depends on extents alone."""
    match form:
        case forms.NumberForm(value=number):
            return np.full((1, 1), float(number))  # type: ignore[arg-type]
        case forms.Extent(dim=dim):
            return np.full((1, 1), float(sizes[dim]))
        case forms.Ones(dim=dim):
            return np.ones((sizes[dim], 1))
        case forms.Identity(dims=dims):
            return np.eye(int(np.prod([sizes[d] for d in dims])))
        case forms.Commutation(rows=rows, cols=cols):
            return _commutation(sizes[rows], sizes[cols])
    raise TypeError(f"{type(form).__name__} is no constant")


def _fitting(parts: Iterable[Form], values: list[Array], scalars: bool = False) -> list[Array]:
    """Check that values have one shape; numbers, and ``scalars`` if so, are for every entry."""
    shapes = {
        x.shape for part, x in zip(parts, values, strict=True)
        if not isinstance(part, forms.NumberForm) and not (scalars and x.shape == (1, 1))
    }  # fmt: skip
    if len(shapes) > 1:
        raise ValueError(f"matrices of shapes {sorted(shapes)} do not fit together")
    return values


def _scaled(form: forms.Scaled, point: SamplePoint) -> Array:
    scale = np.full((1, 1), float(form.coefficient))  # type: ignore[arg-type]
    for k, x in enumerate((*form.above, *form.below)):
        value = value_of_form(x, point)
        if value.shape != (1, 1):
            raise ValueError("a matrix is no scalar")
        scale = scale * value if k < len(form.above) else scale / value
    return scale if form.core is None else scale * value_of_form(form.core, point)


def _along(function: Callable[..., Any], x: Array, along: str, keeps: bool) -> Array:
    axes = {"": (0, 1), "rows": (1,), "cols": (0,)}[along]
    return np.asarray(function(x, axes)).reshape(x.shape if keeps else (-1, 1))


def _of_matrix(function: str, x: Array, functions: Functions) -> Array:
    if function == "tr":
        return np.full((1, 1), np.trace(x))
    if function == "diag":
        return np.diag(x[:, 0]) if x.shape[1] == 1 else np.diag(x)[:, None]
    if function == "vec":
        return x.reshape(-1, 1, order="F")
    if function in {"norm", "frobenius"}:
        return np.full((1, 1), (x * x).sum() ** 0.5)
    keeps = MATRIX_FUNCTIONS[function].keeps_axes
    return np.reshape(functions[function](x), x.shape if keeps else (1, 1))


def _commutation(rows: int, cols: int) -> Array:
    """K with ``K vec(A) = vec(A^T)`` for matrices A of this shape."""
    places = np.arange(rows * cols).reshape(rows, cols, order="F")
    return np.eye(rows * cols)[places.T.reshape(-1, order="F")]


def vanishes_on_diagonal(expr: Expr) -> bool:
    """Whether a square matrix is 0 on its diagonal, as distances are, and nowhere else."""
    if not has_numpy() or isinstance(expr, Var):
        return False
    try:
        value = value_of_expr(expr, random_point(expr))
    except (TypeError, ValueError):
        return False
    return not np.diagonal(value).any() and bool(value.any())


def agrees(
    form: Form, expr: Expr, rows: Labels, cols: Labels, symmetric: Collection[str] = ()
) -> bool:
    """Whether a form has the value of an expression at a random point."""
    point = random_point(expr)
    turned = {name: x + x.T for name, x in point.arrays.items() if name in symmetric}
    point = replace(point, arrays={**point.arrays, **turned})
    with np.errstate(all="ignore"):
        try:
            found = value_of_form(form, point)
        except ValueError:
            return False
        wanted = as_matrix(value_of_expr(expr, point), rows, cols)
    return found.shape == wanted.shape and np.allclose(found, wanted, rtol=1e-8, atol=1e-10)
