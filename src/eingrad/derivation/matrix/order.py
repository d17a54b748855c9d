"""The order in which a form is read: terms and element-wise factors have none of their own."""

from __future__ import annotations

from collections.abc import Mapping

from eingrad.derivation.matrix import forms
from eingrad.derivation.matrix.forms import (
    Form,
    Hadamard,
    Scaled,
    has_identity,
    names_in,
    with_parts,
)


def arrange(form: Form, rank: Mapping[str, int]) -> Form:
    """Return a form with its terms and factors in reading order.

    ``rank`` says in which order the names were introduced; others follow by alphabet. Positive
    terms stand first, and diagonal ones among them; factors that are sums stand last.

    >>> p = forms.Name("p", ("i",))
    >>> arrange(Hadamard((forms.SumForm((forms.NumberForm(1), p)), p), ()), {}).above[0] == p
    True
    """

    return _Reader(rank).arrange(form)


class _Reader:
    """Says what comes first."""

    def __init__(self, rank: Mapping[str, int]) -> None:
        self.rank = rank

    def arrange(self, form: Form) -> Form:
        form = with_parts(form, self.arrange)
        match form:
            case forms.SumForm(terms=terms):
                return forms.SumForm(tuple(sorted(terms, key=self.term)))
            case Hadamard(above=above, below=below):
                return Hadamard(
                    _powers(sorted(above, key=self.factor), 3, True),
                    _powers(sorted(below, key=self.factor), 3, True),
                )
            case Scaled(coefficient=value, above=above, below=below, core=core):
                return Scaled(
                    value,
                    _powers(sorted(above, key=self.scalar), 2, False),
                    _powers(sorted(below, key=self.scalar), 2, False),
                    core,
                )
        return form

    def introduced(self, form: Form) -> tuple[object, ...]:
        names = names_in(form)
        place = max((self.rank.get(name, len(self.rank)) for name in names), default=-1)
        return place, len(names), weight_of_transposes(form), names

    def factor(self, form: Form) -> tuple[object, ...]:
        upstream = any("/" in name for name in names_in(form))
        computed = upstream or isinstance(form, forms.MatMul)
        return isinstance(form, forms.SumForm), not computed, self.introduced(form)

    def scalar(self, form: Form) -> tuple[object, ...]:
        return isinstance(form, forms.MatMul), self.introduced(form)

    def term(self, form: Form) -> tuple[object, ...]:
        number = isinstance(form, forms.NumberForm)
        minus = is_negative(form)
        scaled_identity = isinstance(form, Scaled) and isinstance(form.core, forms.Identity)
        diagonal = has_identity(form) and (minus or not scaled_identity)
        one = form == forms.NumberForm(1)  # 1 + x, but v + 0.00001
        last = scaled_identity or (number and not one)
        return minus, last, not number, not diagonal, self.introduced(form)


def _powers(factors: list[Form], least: int, elementwise: bool) -> tuple[Form, ...]:
    """Write at least ``least`` equal factors as a power."""
    result: list[Form] = []
    for x in dict.fromkeys(factors):
        count = factors.count(x)
        if count < least:
            result += [x] * count
        elif isinstance(x, forms.PowerForm):
            result.append(forms.PowerForm(x.base, x.exponent * count, elementwise))
        else:
            result.append(forms.PowerForm(x, count, elementwise))
    return tuple(result)


def is_negative(form: Form) -> bool:
    """Whether a term is subtracted."""
    value = form.value if isinstance(form, forms.NumberForm) else (
        form.coefficient if isinstance(form, Scaled) else 1
    )  # fmt: skip
    return not isinstance(value, complex) and value < 0


def weight_of_transposes(form: Form) -> int:
    """Count the transposes in a form."""
    return isinstance(form, forms.Transpose) + sum(map(weight_of_transposes, forms.parts(form)))
