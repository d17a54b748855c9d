"""The order in which a form is read: terms and element-wise factors have none of their own."""

from __future__ import annotations

from collections.abc import Mapping

from eingrad.derivation.matrix import forms
from eingrad.derivation.matrix.forms import Form, Hadamard, Scaled, has_identity, names_in


def arrange(form: Form, rank: Mapping[str, int]) -> Form:
    """Return a form with its terms and factors in reading order.

    ``rank`` says in which order the names were introduced; others follow by alphabet. Positive
    terms stand first, and diagonal ones among them; factors that are sums stand last.

    >>> p = forms.Name("p", ("i",))
    >>> arrange(Hadamard((forms.Sum((forms.Number(1), p)), p), ()), {}).above[0] == p
    True
    """

    def go(x: Form) -> Form:
        return arrange(x, rank)

    def introduced(x: Form) -> tuple[object, ...]:
        names = names_in(x)
        place = max((rank.get(name, len(rank)) for name in names), default=-1)
        return place, len(names), weight_of_transposes(x), names

    def factor_order(x: Form) -> tuple[object, ...]:
        upstream = any("/" in name for name in names_in(x))
        computed = upstream or isinstance(x, forms.Product)
        return isinstance(x, forms.Sum), not computed, introduced(x)

    def scalar_order(x: Form) -> tuple[object, ...]:
        return isinstance(x, forms.Product), introduced(x)

    def term_order(x: Form) -> tuple[object, ...]:
        number = isinstance(x, forms.Number)
        minus = is_negative(x)
        scaled_identity = isinstance(x, Scaled) and isinstance(x.core, forms.Identity)
        diagonal = has_identity(x) and (minus or not scaled_identity)
        last = scaled_identity or (number and minus)
        return minus, last, not number, not diagonal, introduced(x)

    match form:
        case forms.Transpose(base=x):
            return forms.Transpose(go(x))
        case forms.Power(base=x, exponent=exponent, elementwise=elementwise):
            return forms.Power(go(x), exponent, elementwise)
        case forms.OfMatrix(function=function, base=x):
            return forms.OfMatrix(function, go(x))
        case forms.Along(function=function, base=x, along=along):
            return forms.Along(function, go(x), along)
        case forms.Product(factors=factors):
            return forms.Product(tuple(map(go, factors)))
        case forms.Apply(function=function, args=args):
            return forms.Apply(function, tuple(map(go, args)))
        case forms.Kron(left=left, right=right):
            return forms.Kron(go(left), go(right))
        case forms.Sum(terms=terms):
            return forms.Sum(tuple(sorted(map(go, terms), key=term_order)))
        case Hadamard(above=above, below=below):
            return Hadamard(
                _powers(sorted(map(go, above), key=factor_order), 3, True),
                _powers(sorted(map(go, below), key=factor_order), 3, True),
            )
        case Scaled(coefficient=value, above=above, below=below, core=core):
            return Scaled(
                value,
                _powers(sorted(map(go, above), key=scalar_order), 2, False),
                _powers(sorted(map(go, below), key=scalar_order), 2, False),
                None if core is None else go(core),
            )
    return form


def _powers(factors: list[Form], least: int, elementwise: bool) -> tuple[Form, ...]:
    """Write at least ``least`` equal factors as a power."""
    result: list[Form] = []
    for x in dict.fromkeys(factors):
        count = factors.count(x)
        if count < least:
            result += [x] * count
        elif isinstance(x, forms.Power):
            result.append(forms.Power(x.base, x.exponent * count, elementwise))
        else:
            result.append(forms.Power(x, count, elementwise))
    return tuple(result)


def is_negative(form: Form) -> bool:
    """Whether a term is subtracted."""
    value = form.value if isinstance(form, forms.Number) else (
        form.coefficient if isinstance(form, Scaled) else 1
    )  # fmt: skip
    return not isinstance(value, complex) and value < 0


def weight_of_transposes(form: Form) -> int:
    """Count the transposes in a form."""
    return isinstance(form, forms.Transpose) + sum(map(weight_of_transposes, forms.parts(form)))
