"""Read an expression as matrix notation: sums of products, each product a network of factors."""

from __future__ import annotations

import math
from contextlib import suppress
from functools import lru_cache

from eingrad.calculus.structure import OpenProduct, is_sum, open_product
from eingrad.core.algebra import base_and_exponent, constant_value, is_zero, repeat
from eingrad.core.arrays import Matrix
from eingrad.core.expr import Const, Delta, Einsum, Expr, Labels, Map, Reduce, Size, Var
from eingrad.core.expr import Number as Value
from eingrad.core.functions import AXIS_FUNCTIONS, keeps_axes
from eingrad.derivation.matrix import forms
from eingrad.derivation.matrix.build import diagonal, product, scaled, split_scale, total, transpose
from eingrad.derivation.matrix.forms import (
    Commutation,
    Form,
    Identity,
    Kron,
    OfMatrix,
    has_identity,
    weight,
)
from eingrad.derivation.matrix.network import Item, Network, NoMatrixFormError

MAX_OPENED = 64  # terms of a product whose sums would all be multiplied out
MAX_COPIES = 4  # x^4 in a product is four factors, a higher power is written as one


def read(expr: Expr, rows: Labels, cols: Labels) -> Form:
    """Return the matrix whose rows run over the axes ``rows`` and whose columns over ``cols``.

    Two axes in one place are stacked as vec does, the first runs fastest. Raises
    NoMatrixFormError.
    """
    form = _form(expr, rows, cols)
    if form is None:
        raise NoMatrixFormError
    return form


@lru_cache(maxsize=512)
def _form(expr: Expr, rows: Labels, cols: Labels) -> Form | None:
    """Read a part once, however many ways of multiplying out lead to it."""
    with suppress(NoMatrixFormError):
        if is_sum(expr):
            return _sum(expr, rows, cols)
        return _product(open_product(expr), rows, cols)
    return None


def read_upright(expr: Expr) -> Form:
    """Return a scalar, a column, or a matrix with the first axis down the rows."""
    if expr.ndim > 2:
        raise NoMatrixFormError
    axes = tuple(range(expr.ndim))
    return read(expr, axes[:1], axes[1:])


# --- sums and products ------------------------------------------------------------------------


def _sum(expr: Expr, rows: Labels, cols: Labels) -> Form:
    terms: list[Form] = []
    numbers: list[tuple[Expr, Value]] = []
    for term in expr.operands:
        value = constant_value(term)
        if value is not None:
            numbers.append((term, value))
        elif term.ndim == expr.ndim:
            terms.append(read(term, rows, cols))
        else:
            terms.append(_product(open_product(term, expr.dims), rows, cols))
    for term, value in numbers:
        if expr.ndim and any(map(has_identity, terms)):  # 1 1^T, since I + 1 would be misread
            terms.append(_product(open_product(term, expr.dims), rows, cols))
        else:
            terms.append(forms.NumberForm(value))
    return total(terms)


def _product(product: OpenProduct, rows: Labels, cols: Labels) -> Form:
    """Read a product as it is, and with a sum in it multiplied out; return what is shorter."""
    found: list[Form] = []
    with suppress(NoMatrixFormError):
        found.append(_network(product, rows, cols))
    sums = [(k, x) for k, (x, labels) in enumerate(product.factors) if is_sum(x) and labels]
    if math.prod(len(x.operands) for _, x in sums) > MAX_OPENED:
        sums = []
    for k, x in sorted(sums, key=lambda s: -s[1].ndim):  # a sum of three axes is no matrix
        if x.has_delta or not found:
            try:
                found.append(_distributed(product, k, rows, cols))
            except NoMatrixFormError:
                continue
    if not found:
        raise NoMatrixFormError
    return min(found, key=weight)


def _distributed(product: OpenProduct, k: int, rows: Labels, cols: Labels) -> Form:
    """Read a product with its k-th factor, a sum, multiplied out."""
    summed, labels = product.factors[k]
    rest = (*product.factors[:k], *product.factors[k + 1 :])
    terms = []
    for term in summed.operands:
        factor = term if term.ndim else repeat(term, summed.dims, ())
        factors = (*rest, (factor, labels))
        built = OpenProduct(product.coefficient, factors, product.output, product.extents).build()
        if not is_zero(built):
            terms.append(read(built, rows, cols))
    return total(terms)


def _network(product: OpenProduct, rows: Labels, cols: Labels) -> Form:
    diagonals = _paired_deltas(product, rows, cols)
    items: list[Item] = []
    above: list[Form] = []
    below: list[Form] = []
    scales: list[Form] = []
    for k, (x, labels) in enumerate(product.factors):
        if k in diagonals:
            continue
        base, exponent = base_and_exponent(x)
        copies, divides = _copies(base, exponent)
        if not labels:
            (below if divides else above).extend(copies)
        elif divides:
            items.append(Item(labels, (), copies))
        else:
            for copy in copies:
                scale, core = split_scale(copy)
                scales.append(scale)
                items.append(Item(labels, (core,)))
    # δ_ik δ_jl A_ij is diagonal over pairs: diag(vec(A))
    network = Network(items, rows if diagonals else product.output, product.extents)
    network.join()
    above += [*scales, *network.scalars]
    if diagonals:
        inner = assemble(network, rows[:1], rows[1:])
        assert inner is not None
        return scaled(product.coefficient, above, below, diagonal(OfMatrix("vec", inner)))
    return scaled(product.coefficient, above, below, assemble(network, rows, cols))


def _paired_deltas(product: OpenProduct, rows: Labels, cols: Labels) -> set[int]:
    """Return the factors that are deltas between rows and columns, if all these are paired so."""
    if len(rows) != 2 or len(cols) != 2:
        return set()
    pairs = {frozenset(pair) for pair in zip(rows, cols, strict=True)}
    found = {
        k for k, (x, labels) in enumerate(product.factors)
        if isinstance(x, Delta) and frozenset(labels) in pairs
    }  # fmt: skip
    others = [ls for k, (_, ls) in enumerate(product.factors) if k not in found]
    between = any(set(ls) & {*rows, *cols} for ls in others)
    return found if len(found) == 2 and between else set()


def _copies(base: Expr, exponent: Value) -> tuple[tuple[Form, ...], bool]:
    """Return the factors of a power, and whether they stand below the fraction bar."""
    if isinstance(exponent, complex):
        raise NoMatrixFormError
    form = _atom(base)
    size: Value = -exponent if exponent < 0 else exponent
    if isinstance(size, int) and size <= MAX_COPIES:
        return (form,) * size, exponent < 0
    return (forms.PowerForm(form, size, base.ndim > 0),), exponent < 0


# --- what is no sum and no product ------------------------------------------------------------


def _atom(expr: Expr) -> Form:
    if expr.ndim > 2:
        raise NoMatrixFormError
    match expr:
        case Var(name=name, dims=dims):
            return forms.Name(name, dims)
        case Const(value=value):
            return forms.NumberForm(value)
        case Size(dim=dim):
            return forms.Extent(dim)
        case Delta(dims=(dim, _)):
            return forms.Identity((dim,))
        case Map(function=function, operands=operands) if function != "add":
            return forms.Apply(function, tuple(map(read_upright, operands)))
        case Reduce():
            return _reduce(expr)
        case Matrix(function=function, operands=(x,)):
            return OfMatrix(function, read_upright(x))
    if is_sum(expr) or isinstance(expr, Einsum):
        return read_upright(expr)
    raise NoMatrixFormError


def _reduce(expr: Reduce) -> Form:
    (x,) = expr.operands
    base = read_upright(x)
    whole = len(expr.axes) == x.ndim
    unwritten = not AXIS_FUNCTIONS[expr.function].in_matrices
    if unwritten or (keeps_axes(expr.function) and not expr.axes):
        raise NoMatrixFormError
    if expr.function == "norm" and whole:
        return OfMatrix("norm" if x.ndim == 1 else "frobenius", base)
    along = "" if whole else ("cols", "rows")[expr.axes[0]]
    return forms.Along(expr.function, base, along)


# --- a joined network in rows and columns: an outer product, a Kronecker product, vec ---

Pair = tuple[int | None, int | None]


def assemble(network: Network, rows: Labels, cols: Labels) -> Form | None:
    """Return the matrix over ``rows`` and ``cols``, None for a scalar: there is nothing left.

    A pair of axes in one place is stacked, the first fastest: ``B_lk A_ij`` over the rows (i, l)
    and the columns (j, k) is ``B ⊗ A``. Raises NoMatrixFormError.
    """
    if len(rows) > 2 or len(cols) > 2:
        raise NoMatrixFormError
    r1, r2 = (*rows, None, None)[:2]
    c1, c2 = (*cols, None, None)[:2]
    if r2 is None and c2 is None:
        return _block(network, [(r1, c1)])[0] if rows or cols else None
    linked = [set(item.labels) for item in network.items if len(item.labels) == 2]

    def fits(*pairs: Pair) -> bool:
        return all(any(link == set(pair) for pair in pairs) for link in linked)

    if fits((r1, c1), (r2, c2)):
        return _kron(*_block(network, [(r2, c2), (r1, c1)]))
    if fits((r1, c2), (r2, c1)):
        left, right = _block(network, [(r2, c1) if r2 is not None else (r1, c2),
                                       (r1, c2) if r2 is not None else (None, c1)])  # fmt: skip
        if r2 is None or c2 is None:
            return _kron(left, right)
        assert c1 is not None
        swap = Commutation(network.extents[c1], network.extents[c2])
        return product(_kron(left, right), swap)
    if fits((r1, r2), (c1, c2)):
        left, right = _block(network, [(r1, r2), (c1, c2)])
        return product(_vec(left, rows), transpose(_vec(right, cols)))
    raise NoMatrixFormError


def _block(network: Network, pairs: list[Pair]) -> list[Form]:
    """Return the matrix of each pair of a row and a column label; every item is in one of them."""
    result = []
    used = 0
    for row, col in pairs:
        items = [item for item in network.items if set(item.labels) <= {row, col}]
        used += len(items)
        matrix = [item for item in items if len(item.labels) == 2]
        left = [item.form for item in items if item.labels == (row,)]
        right = [transpose(item.form) for item in items if item.labels == (col,)]
        if matrix and len(items) == 1 and row is not None:
            result.append(matrix[0].over(row))
        elif not matrix and len(left) == (row is not None) and len(right) == (col is not None):
            result.append(product(*left, *right))
        else:
            raise NoMatrixFormError
    if used != len(network.items):
        raise NoMatrixFormError
    return result


def _kron(left: Form, right: Form) -> Form:
    if isinstance(left, Identity) and isinstance(right, Identity):
        return Identity((*left.dims, *right.dims))
    return Kron(left, right)


def _vec(form: Form, labels: Labels) -> Form:
    return OfMatrix("vec", form) if len(labels) == 2 else form
