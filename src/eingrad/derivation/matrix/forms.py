"""Formulas in matrix notation, as a tree: what is read from an expression and then written out.

Every form is a matrix; a vector is one with one column, a scalar has one row and one column.
A bare `NumberForm` in a sum or an element-wise product is added to, or multiplies, every entry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from eingrad.core.expr import Dim
from eingrad.core.expr import Number as Value
from eingrad.core.functions import keeps_axes


@dataclass(frozen=True, slots=True)
class Name:
    """A named scalar, column or matrix."""

    name: str
    dims: tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class NumberForm:
    """A number."""

    value: Value


@dataclass(frozen=True, slots=True)
class Extent:
    """``size(b)``."""

    dim: str


@dataclass(frozen=True, slots=True)
class Ones:
    """The column of ones, written ``1``."""

    dim: Dim


@dataclass(frozen=True, slots=True)
class Identity:
    """``I``, of the product of some extents."""

    dims: tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class Commutation:
    """``K``, which takes the vec of a matrix with these extents to the vec of its transpose."""

    rows: Dim
    cols: Dim


@dataclass(frozen=True, slots=True)
class Transpose:
    """``A^T``."""

    base: Form


@dataclass(frozen=True, slots=True)
class PowerForm:
    """A power of a scalar, ``c^2``, or of each entry, ``A^⊙3``."""

    base: Form
    exponent: Value
    elementwise: bool


@dataclass(frozen=True, slots=True)
class MatMul:
    """A product of two matrices or more."""

    factors: tuple[Form, ...]


@dataclass(frozen=True, slots=True)
class Hadamard:
    """An element-wise product over an element-wise product: ``A ⊙ B ⊘ C``."""

    above: tuple[Form, ...]
    below: tuple[Form, ...]


@dataclass(frozen=True, slots=True)
class Scaled:
    """A matrix times a number and scalars, over scalars; a scalar itself has no ``core``."""

    coefficient: Value
    above: tuple[Form, ...]
    below: tuple[Form, ...]
    core: Form | None


@dataclass(frozen=True, slots=True)
class SumForm:
    """A sum; a term that is `Scaled` by a negative number is subtracted."""

    terms: tuple[Form, ...]


@dataclass(frozen=True, slots=True)
class Kron:
    """The Kronecker product ``A ⊗ B``."""

    left: Form
    right: Form


@dataclass(frozen=True, slots=True)
class OfMatrix:
    """``tr inv det logdet cholesky vec norm frobenius``, and ``diag``: of a column the diagonal
    matrix, of a matrix the column of its diagonal."""

    function: str
    base: Form


@dataclass(frozen=True, slots=True)
class Apply:
    """An element-wise function."""

    function: str
    args: tuple[Form, ...]


@dataclass(frozen=True, slots=True)
class Along:
    """A function of each row, of each column, or of all entries (``along`` is ``""``).

    A fold gives a column, with an entry for each row or column; others keep the matrix.
    """

    function: str
    base: Form
    along: str


Form = (
    Name | NumberForm | Extent | Ones | Identity | Commutation | Transpose | PowerForm | MatMul
    | Hadamard | Scaled | SumForm | Kron | OfMatrix | Apply | Along
)  # fmt: skip


def parts(form: Form) -> tuple[Form, ...]:
    """Return the direct parts of a form."""
    match form:
        case Transpose(base=x) | PowerForm(base=x) | OfMatrix(base=x) | Along(base=x):
            return (x,)
        case MatMul(factors=xs) | SumForm(terms=xs) | Apply(args=xs):
            return xs
        case Hadamard(above=above, below=below):
            return (*above, *below)
        case Scaled(above=above, below=below, core=core):
            return (*above, *below, *((core,) if core is not None else ()))
        case Kron(left=left, right=right):
            return (left, right)
    return ()


def with_parts(form: Form, change: Callable[[Form], Form]) -> Form:
    """Return a form with each direct part changed."""

    def all_of(xs: tuple[Form, ...]) -> tuple[Form, ...]:
        return tuple(change(x) for x in xs)

    match form:
        case Transpose() | PowerForm() | OfMatrix() | Along():
            return replace(form, base=change(form.base))
        case MatMul(factors=xs):
            return MatMul(all_of(xs))
        case SumForm(terms=xs):
            return SumForm(all_of(xs))
        case Apply(function=function, args=xs):
            return Apply(function, all_of(xs))
        case Hadamard(above=above, below=below):
            return Hadamard(all_of(above), all_of(below))
        case Scaled(coefficient=value, above=above, below=below, core=core):
            inner = None if core is None else change(core)
            return Scaled(value, all_of(above), all_of(below), inner)
        case Kron(left=left, right=right):
            return Kron(change(left), change(right))
    return form


def weight(form: Form) -> float:
    """Say how long a form is to read.

    >>> a = Name("A", ("i", "j"))
    >>> weight(MatMul((Transpose(a), a))) < weight(SumForm((a, MatMul((a, a)))))
    True
    """
    total = sum(weight(x) for x in parts(form))
    match form:
        case Transpose(base=base):
            return total + (0.3 if isinstance(base, Name | Ones) else 0.4)
        case NumberForm(value=value):
            return 0.0 if value in (1, -1) else 0.5
        case Scaled(coefficient=value, core=core):
            bare = core is not None or form.above
            return total + (0.0 if bare and abs(value) == 1 else 0.5)
        case Name() | Extent() | Ones() | Identity() | Commutation():
            return 1.0
        case OfMatrix(function="diag") | MatMul() | Kron():
            return total + 0.4
        case SumForm() | Hadamard():
            return total + 0.5
    return total + 0.8


def has_identity(form: Form) -> bool:
    """Whether the identity or a diagonal matrix is a term of a sum, or the form itself."""
    match form:
        case Identity() | OfMatrix(function="diag"):
            return True
        case Scaled(core=core) if core is not None:
            return has_identity(core)
    return False


def has_commutation(form: Form) -> bool:
    """Whether the commutation matrix stands in a form."""
    return isinstance(form, Commutation) or any(map(has_commutation, parts(form)))


def names_in(form: Form) -> list[str]:
    """Return the names in a form as one reads them."""
    if isinstance(form, Name):
        return [form.name]
    return [name for x in parts(form) for name in names_in(x)]


def is_column(form: Form) -> bool:
    """Whether a form is a vector: by its names, and by what its parts are."""
    match form:
        case Name(dims=dims):
            return len(dims) == 1
        case Ones():
            return True
        case OfMatrix(function=function, base=x):
            return function == "vec" or (function == "diag" and not is_column(x))
        case MatMul(factors=factors):
            return is_column(factors[-1])
        case Along(function=function, base=x, along=along):
            return is_column(x) if keeps_axes(function) else bool(along)
        case Scaled(core=core):
            return core is not None and is_column(core)
        case SumForm() | Hadamard() | Apply() | PowerForm():
            return any(is_column(x) for x in parts(form))
    return False
