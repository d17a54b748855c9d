"""Constructors of forms: they open products, pull scalars out, and choose what is short to read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from eingrad.core.expr import Number as Value
from eingrad.core.expr import exact
from eingrad.derivation.matrix.forms import (
    Commutation,
    Extent,
    Form,
    Hadamard,
    Identity,
    Kron,
    MatMul,
    Name,
    NumberForm,
    OfMatrix,
    Ones,
    PowerForm,
    Scaled,
    SumForm,
    Transpose,
    is_column,
    names_in,
    weight,
    with_parts,
)


def transpose(form: Form) -> Form:
    """Return the transpose of a matrix or column, with the transposes inside where it is shorter.

    >>> a, b = Name("A", ("i", "j")), Name("B", ("j", "k"))
    >>> transpose(product(transpose(a), b)) == MatMul((Transpose(b), a))
    True
    """
    match form:
        case Transpose(base=x):
            return x
        case (
            NumberForm()
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
        case MatMul(factors=factors):
            return MatMul(tuple(transpose(x) for x in reversed(factors)))
        case Kron(left=left, right=right):
            return Kron(transpose(left), transpose(right))
        case Scaled(coefficient=value, above=above, below=below, core=core):
            inner = None if core is None else transpose(core)
            return Scaled(value, above, below, inner)
        case SumForm(terms=terms):
            inside: Form = SumForm(tuple(transpose(x) for x in terms))
            return min(inside, Transpose(form), key=weight)
        case Hadamard() if is_column(form):
            return Transpose(form)
        case Hadamard(above=above, below=below):
            turned: Form = Hadamard(tuple(map(transpose, above)), tuple(map(transpose, below)))
            return min(Transpose(form), turned, key=weight)
    return Transpose(form)


def of_symmetric(form: Form, names: Collection[str]) -> Form:
    """Leave out the transposes of symmetric matrices and of their inverses.

    >>> a, x = Name("A", ("i", "i")), Name("x", ("i",))
    >>> of_symmetric(MatMul((Transpose(OfMatrix("inv", a)), x)), {"A"}).factors[0]
    OfMatrix(function='inv', base=Name(name='A', dims=('i', 'i')))
    """
    form = with_parts(form, lambda x: of_symmetric(x, names))
    match form:
        case Transpose(base=Name(name=name) | OfMatrix(function="inv", base=Name(name=name)) as x):
            return x if name in names else form
    return form


def product(*factors: Form) -> Form:
    """Multiply matrices: products inside are opened, scalars put first, identities left out."""
    outer = [x for x in factors if isinstance(x, Scaled) and x.core is not None]
    if outer:
        inner = product(*(split_scale(x)[1] for x in factors))
        for scale in outer:
            inner = scaled(scale.coefficient, scale.above, scale.below, inner)
        return inner
    flat: list[Form] = []
    for x in factors:
        flat += x.factors if isinstance(x, MatMul) else [x]
    kept = [x for x in flat if not isinstance(x, Identity)]
    if not kept:
        return flat[0]
    return kept[0] if len(kept) == 1 else MatMul(tuple(kept))


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
        elif isinstance(x, NumberForm) and x is not core:
            coefficient = exact(coefficient * x.value)
    above = [x for x in above if not isinstance(x, NumberForm | Scaled)]
    if not below and coefficient == 1:
        if core is None and len(above) == 1:
            return above[0]
        if core is not None and not above:
            return core
    if core is None and not above and not below:
        return NumberForm(coefficient)
    return Scaled(coefficient, tuple(above), tuple(below), core)


def split_scale(form: Form) -> tuple[Form, Form]:
    """Return the scalar and the matrix that a form is the product of."""
    if isinstance(form, Scaled) and form.core is not None:
        return scaled(form.coefficient, form.above, form.below, None), form.core
    return NumberForm(1), form


def total(terms: Iterable[Form]) -> Form:
    """Add terms, those of sums inside too; what all share stands once: scalars, outer matrices.

    >>> a, b, c = (Name(name, ("i", "i")) for name in "ABC")
    >>> total([product(a, c), product(b, c)]) == MatMul((SumForm((a, b)), c))
    True
    """
    flat = [x for term in terms for x in (term.terms if isinstance(term, SumForm) else (term,))]
    if not flat:
        return NumberForm(0)
    if len(flat) == 1:
        return flat[0]
    parts_of = [x if isinstance(x, Scaled) else Scaled(1, (), (), x) for x in flat]
    above = _shared([x.above for x in parts_of])
    below = _shared([x.below for x in parts_of])
    rests = [
        scaled(x.coefficient, _without(x.above, above), _without(x.below, below), x.core)
        for x in parts_of
    ]
    if above or below:
        return scaled(1, above, below, total(rests))
    return _factored(flat)


def _shared(groups: Sequence[Sequence[Form]]) -> list[Form]:
    """Return what all groups have."""
    shared: list[Form] = []
    for x in groups[0]:
        count = shared.count(x) + 1
        if all(list(group).count(x) >= count for group in groups):
            shared.append(x)
    return shared


def _without(forms: Sequence[Form], gone: Sequence[Form]) -> list[Form]:
    rest = list(forms)
    for x in gone:
        rest.remove(x)
    return rest


def _factored(terms: list[Form]) -> Form:
    """Add products, with the first or last matrix once if it is the same in all of them."""
    cores = [x.core if isinstance(x, Scaled) else x for x in terms]
    chains = [x.factors for x in cores if isinstance(x, MatMul)]
    if len(chains) == len(terms):
        for end, rest in ((-1, slice(None, -1)), (0, slice(1, None))):
            if len({chain[end] for chain in chains}) == 1:
                inner = [
                    scaled(x.coefficient, x.above, x.below, product(*chain[rest]))
                    if isinstance(x, Scaled) else product(*chain[rest])
                    for x, chain in zip(terms, chains, strict=True)
                ]  # fmt: skip
                both = (total(inner), chains[0][end])
                return product(*(both if end else reversed(both)))
    return SumForm(tuple(terms))


def trace(form: Form) -> Form:
    """``tr(A B)``, turned so that it is shortest to read; ``tr(A^T A)`` is a squared norm."""
    if not isinstance(form, MatMul):
        return OfMatrix("tr", form.base if isinstance(form, Transpose) else form)
    candidates: list[Form] = []
    for turned in (form, transpose(form)):
        assert isinstance(turned, MatMul)
        for k in range(len(turned.factors)):
            candidates.append(MatMul((*turned.factors[k:], *turned.factors[:k])))
    best = min(candidates, key=_reading_order)
    assert isinstance(best, MatMul)
    if len(best.factors) == 2 and best.factors[0] == transpose(best.factors[1]):
        base = min(best.factors, key=weight)
        return PowerForm(OfMatrix("frobenius", base), 2, False)
    return OfMatrix("tr", best)


def dot(a: Form, b: Form) -> Form:
    """``a^T b``; of a sum with itself ``||a||^2``."""
    for x, other in ((a, b), (b, a)):
        if isinstance(x, Ones) and isinstance(other, OfMatrix) and other.function == "diag":
            return trace(other.base)
    if a == b and not isinstance(a, Name | MatMul):
        return PowerForm(OfMatrix("norm", a), 2, False)
    return min(product(transpose(a), b), product(transpose(b), a), key=_reading_order)


def _reading_order(form: Form) -> tuple[float, bool, bool, list[str]]:
    """Prefer what is short, begins with a transpose, ends in no ones, and is in order."""
    factors = form.factors if isinstance(form, MatMul) else (form,)
    last_is_ones = isinstance(factors[-1], Ones)
    return weight(form), last_is_ones, not isinstance(factors[0], Transpose), names_in(form)
