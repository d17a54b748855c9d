"""Formulas in matrix notation, as a tree: what is read from an expression and then written out.

Every form is a matrix; a vector is one with one column, a scalar has one row and one column.
A bare `Number` in a sum or an element-wise product is added to, or multiplies, every entry.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from eingrad.core.expr import Dim, exact
from eingrad.core.expr import Number as Value


@dataclass(frozen=True, slots=True)
class Name:
    """A named scalar, column or matrix."""

    name: str
    dims: tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class Number:
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
class Power:
    """A power of a scalar, ``c^2``, or of each entry, ``A^⊙3``."""

    base: Form
    exponent: Value
    elementwise: bool


@dataclass(frozen=True, slots=True)
class Product:
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
class Sum:
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
    Name | Number | Extent | Ones | Identity | Commutation | Transpose | Power | Product | Hadamard
    | Scaled | Sum | Kron | OfMatrix | Apply | Along
)  # fmt: skip


def parts(form: Form) -> tuple[Form, ...]:
    """Return the direct parts of a form."""
    match form:
        case Transpose(base=x) | Power(base=x) | OfMatrix(base=x) | Along(base=x):
            return (x,)
        case Product(factors=xs) | Sum(terms=xs) | Apply(args=xs):
            return xs
        case Hadamard(above=above, below=below):
            return (*above, *below)
        case Scaled(above=above, below=below, core=core):
            return (*above, *below, *((core,) if core is not None else ()))
        case Kron(left=left, right=right):
            return (left, right)
    return ()


def weight(form: Form) -> float:
    """Say how long a form is to read.

    >>> a = Name("A", ("i", "j"))
    >>> weight(Product((Transpose(a), a))) < weight(Sum((a, Product((a, a)))))
    True
    """
    total = sum(weight(x) for x in parts(form))
    match form:
        case Transpose():
            return total + 0.3
        case Number(value=value):
            return 0.0 if value in (1, -1) else 0.5
        case Scaled(coefficient=value, core=core):
            bare = core is not None or form.above
            return total + (0.0 if bare and abs(value) == 1 else 0.5)
        case Name() | Extent() | Ones() | Identity() | Commutation():
            return 1.0
        case OfMatrix(function="diag") | Product() | Kron():
            return total + 0.4
        case Sum() | Hadamard():
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


# --- constructors -----------------------------------------------------------------------------


def transpose(form: Form) -> Form:
    """Return the transpose of a matrix or column, with the transposes inside where it is shorter.

    >>> a, b = Name("A", ("i", "j")), Name("B", ("j", "k"))
    >>> transpose(product(transpose(a), b)) == Product((Transpose(b), a))
    True
    """
    match form:
        case Transpose(base=x):
            return x
        case (
            Number()
            | Extent()
            | Identity()
            | Name(dims=())
            | OfMatrix(function="tr" | "det" | "logdet" | "norm" | "frobenius")
        ):
            return form
        case OfMatrix(function="diag", base=x) if is_column(x):
            return form
        case Commutation(rows=rows, cols=cols):
            return Commutation(cols, rows)
        case Product(factors=factors):
            return Product(tuple(transpose(x) for x in reversed(factors)))
        case Kron(left=left, right=right):
            return Kron(transpose(left), transpose(right))
        case Scaled(coefficient=value, above=above, below=below, core=core):
            inner = None if core is None else transpose(core)
            return Scaled(value, above, below, inner)
        case Sum(terms=terms):
            inside = Sum(tuple(transpose(x) for x in terms))
            return inside if weight(inside) < weight(form) + 0.3 else Transpose(form)
        case Hadamard(above=above, below=below):
            turned = Hadamard(tuple(map(transpose, above)), tuple(map(transpose, below)))
            return turned if weight(turned) < weight(form) + 0.3 else Transpose(form)
    return Transpose(form)


def is_column(form: Form) -> bool:
    """Whether a form is a vector: by its names, and by what its parts are."""
    match form:
        case Name(dims=dims):
            return len(dims) == 1
        case Ones():
            return True
        case OfMatrix(function=function, base=x):
            return function == "vec" or (function == "diag" and not is_column(x))
        case Product(factors=factors):
            return is_column(factors[-1])
        case Along(function=function, base=x, along=along):
            return is_column(x) if keeps_axes(function) else bool(along)
        case Scaled(core=core):
            return core is not None and is_column(core)
        case Sum() | Hadamard() | Apply() | Power():
            return any(is_column(x) for x in parts(form))
    return False


def keeps_axes(function: str) -> bool:
    """Whether a function along an axis keeps it."""
    return function in {"softmax", "log_softmax"}


def product(*factors: Form) -> Form:
    """Multiply matrices: products inside are opened, identities left out."""
    flat: list[Form] = []
    for x in factors:
        flat += x.factors if isinstance(x, Product) else [x]
    kept = [x for x in flat if not isinstance(x, Identity)]
    if not kept:
        return flat[0]
    return kept[0] if len(kept) == 1 else Product(tuple(kept))


def hadamard(above: tuple[Form, ...], below: tuple[Form, ...] = ()) -> Form:
    """Multiply and divide element-wise."""
    return above[0] if len(above) == 1 and not below else Hadamard(above, below)


def diagonal(form: Form) -> Form:
    """``diag``, either way; back and forth is nothing."""
    if isinstance(form, OfMatrix) and form.function == "diag" and not is_column(form):
        return form.base
    return OfMatrix("diag", form)


def scaled(
    coefficient: Value, above: Iterable[Form], below: Iterable[Form], core: Form | None
) -> Form:
    """Multiply by a number and scalars; numbers and scalings inside are joined."""
    above, below = list(above), list(below)
    for x in (*above, core):
        if isinstance(x, Scaled) and (x is core or x.core is None):
            coefficient = exact(coefficient * x.coefficient)
            above, below = [*above, *x.above], [*below, *x.below]
            core = x.core if x is core else core
        elif isinstance(x, Number) and x is not core:
            coefficient = exact(coefficient * x.value)
    above = [x for x in above if not isinstance(x, Number | Scaled)]
    if not below and coefficient == 1:
        if core is None and len(above) == 1:
            return above[0]
        if core is not None and not above:
            return core
    if core is None and not above and not below:
        return Number(coefficient)
    return Scaled(coefficient, tuple(above), tuple(below), core)


def total(terms: Iterable[Form]) -> Form:
    """Add terms, those of sums inside too."""
    flat = [x for term in terms for x in (term.terms if isinstance(term, Sum) else (term,))]
    if not flat:
        return Number(0)
    return flat[0] if len(flat) == 1 else Sum(tuple(flat))


def trace(form: Form) -> Form:
    """``tr(A B)``, turned so that it is shortest to read; ``tr(A^T A)`` is a squared norm."""
    if not isinstance(form, Product):
        return OfMatrix("tr", form.base if isinstance(form, Transpose) else form)
    candidates: list[Form] = []
    for turned in (form, transpose(form)):
        assert isinstance(turned, Product)
        for k in range(len(turned.factors)):
            candidates.append(Product((*turned.factors[k:], *turned.factors[:k])))
    best = min(candidates, key=_reading_order)
    assert isinstance(best, Product)
    if len(best.factors) == 2 and best.factors[0] == transpose(best.factors[1]):
        base = min(best.factors, key=weight)
        return Power(OfMatrix("frobenius", base), 2, False)
    return OfMatrix("tr", best)


def dot(a: Form, b: Form) -> Form:
    """``a^T b``; of a sum with itself ``||a||^2``."""
    if a == b and not isinstance(a, Name | Product):
        return Power(OfMatrix("norm", a), 2, False)
    return min(product(transpose(a), b), product(transpose(b), a), key=_reading_order)


def _reading_order(form: Form) -> tuple[float, bool, bool, list[str]]:
    """Prefer what is short, begins with a transpose, ends in no ones, and is in order."""
    factors = form.factors if isinstance(form, Product) else (form,)
    last_is_ones = isinstance(factors[-1], Ones)
    return weight(form), last_is_ones, not isinstance(factors[0], Transpose), names_in(form)


def names_in(form: Form) -> list[str]:
    """Return the names in a form as one reads them."""
    if isinstance(form, Name):
        return [form.name]
    return [name for x in parts(form) for name in names_in(x)]
