r"""Write a form as text, ``X^T (Z - T) / m``, or as LaTeX, ``\frac{1}{m} X^\top (Z - T)``."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from fractions import Fraction

from eingrad.core.expr import Number as Value
from eingrad.core.functions import (
    AXIS_FUNCTIONS,
    COMPARISONS,
    FUNCTIONS,
    MATRIX_FUNCTIONS,
    AxisFunction,
    declared_base,
)
from eingrad.derivation.matrix import forms
from eingrad.derivation.matrix.build import hadamard
from eingrad.derivation.matrix.forms import (
    Form,
    Hadamard,
    Scaled,
    has_identity,
    names_in,
    with_parts,
)
from eingrad.notation.latex import function_latex
from eingrad.notation.text import number_text

COMPARISON, SUM, PRODUCT, POWER, ATOM = range(5)  # how tightly the outermost sign binds
Written = tuple[str, int]
Spelling = Callable[[str], str]


class TextWriter:
    """Writes plain text; ``name`` and ``extent`` spell a tensor's name and a dimension's size."""

    times, over, kron = " ⊙ ", " ⊘ ", " ⊗ "
    ones, identity, commutation = "1", "I", "K"
    bar = False  # whether a fraction has a bar, so that what stands above it needs no brackets
    comparisons: Mapping[str, str] = {name: row.sign for name, row in COMPARISONS.items()}

    def __init__(self, name: Spelling, extent: Spelling, taken: Collection[str] = ()) -> None:
        self.name, self.extent = name, extent
        self.identity = "Id" if "I" in taken else self.identity
        self.commutation = "Comm" if "K" in taken else self.commutation

    # --- the signs ---

    def brackets(self, text: str) -> str:
        return f"({text})"

    def transposed(self, base: str, inverse: bool) -> str:
        return f"{base}^-T" if inverse else f"{base}^T"

    def power(self, base: str, exponent: str, elementwise: bool) -> str:
        return f"{base}^{'⊙' if elementwise else ''}{exponent}"

    def root(self, text: str) -> str:
        return f"sqrt({text})"

    def norm(self, text: str, frobenius: bool) -> str:
        return f"||{text}||" + ("_F" if frobenius else "")

    def call(self, function: str, args: Sequence[str], along: str = "") -> str:
        return f"{function}{'_' if along else ''}{along}({', '.join(args)})"

    def fraction(self, above: Sequence[str], below: Sequence[str], core: Written | None) -> str:
        factors = [*above, *([core[0]] if core else [])]
        text = " ".join(factors) or "1"
        if not below:
            return text
        return f"{text} / {below[0]}" if len(below) == 1 else f"{text} / ({' '.join(below)})"

    # --- forms ---

    def write(self, form: Form) -> Written:
        """Return a form as text and how tightly its outermost sign binds."""
        match form:
            case forms.Name(name=name):
                text = self.name(name)
                return text, POWER if "/" in name or "^" in text else ATOM
            case forms.NumberForm(value=value):
                return self.number(value)
            case forms.Extent(dim=dim):
                return self.extent(dim), ATOM
            case forms.Ones():
                return self.ones, ATOM
            case forms.Identity():
                return self.identity, ATOM
            case forms.Commutation():
                return self.commutation, ATOM
            case forms.MatMul(factors=factors):
                return " ".join(self.within(x, POWER) for x in factors), PRODUCT
            case forms.Kron(left=left, right=right):
                return self.kron.join(
                    (self.within(left, POWER), self.within(right, POWER))
                ), PRODUCT
            case forms.Hadamard(above=above, below=below):
                return self.hadamard(above, below), PRODUCT
            case Scaled():
                return self.scaled(form)
            case forms.SumForm(terms=terms):
                return self.sum(terms), SUM
        return self.function(form)

    def within(self, form: Form, tight: int) -> str:
        """Write a form where its outermost sign must bind as tightly as ``tight``."""
        text, binds = self.write(form)
        return text if binds >= tight else self.brackets(text)

    def function(self, form: Form) -> Written:
        """Write what is a function of one form or more."""
        match form:
            case forms.Transpose(base=forms.OfMatrix(function="inv", base=x)):
                return self.transposed(self.within(x, ATOM), True), POWER
            case forms.Transpose(base=x):
                return self.transposed(self.within(x, ATOM), False), POWER
            case forms.PowerForm(base=x, exponent=exponent) if exponent == Fraction(1, 2):
                return self.root(self.write(x)[0]), POWER if self.bar else ATOM
            case forms.PowerForm(base=x, exponent=exponent, elementwise=elementwise):
                number = self.number(exponent)
                written = number[0] if number[1] == ATOM else self.brackets(number[0])
                return self.power(self.within(x, ATOM), written, elementwise), POWER
            case forms.OfMatrix(function="inv", base=x):
                return self.power(self.within(x, ATOM), "-1", False), POWER
            case forms.OfMatrix(
                function="diag", base=forms.Hadamard(above=(), below=below) as x
            ) if forms.is_column(x):
                inner = self.write(hadamard(below))[0]
                return self.power(self.call("diag", [inner]), "-1", False), POWER
            case forms.OfMatrix(function="norm" | "frobenius", base=x):
                frobenius = form.function == "frobenius"
                return self.norm(self.write(x)[0], frobenius), ATOM
            case forms.OfMatrix(function=function, base=x):
                return self.call(function, [self.write(x)[0]]), ATOM
            case forms.Along(function=function, base=x, along=along):
                return self.call(function, [self.write(x)[0]], along), ATOM
            case forms.Apply(function="where", args=(c, forms.NumberForm(1), forms.NumberForm(0))):
                return self.indicator(self.write(c)[0]), ATOM
            case forms.Apply(function=function, args=args) if function in self.comparisons:
                left, right = (self.within(x, SUM) for x in args)
                return f"{left} {self.comparisons[function]} {right}", COMPARISON
            case forms.Apply(function="sqrt", args=(x,)):
                return self.root(self.write(x)[0]), POWER if self.bar else ATOM
            case forms.Apply(function=function, args=args):
                return self.call(function, [self.write(x)[0] for x in args]), ATOM
        raise TypeError(f"{type(form).__name__} is no form")

    def indicator(self, text: str) -> str:
        """Write what is 1 where a comparison holds and 0 elsewhere."""
        return f"1[{text}]"

    def number(self, value: Value) -> Written:
        """Write a number."""
        if isinstance(value, complex):
            return self.brackets(str(value)), ATOM
        halves = isinstance(value, Fraction) and value.denominator in (2, 4, 8)
        text = str(value) if halves else number_text(value)
        return text, SUM if text.startswith("-") else PRODUCT if "/" in text else ATOM

    def hadamard(self, above: Sequence[Form], below: Sequence[Form]) -> str:
        """Write an element-wise product over another."""
        text = self.times.join(self.within(x, POWER) for x in above) or "1"
        if not below:
            return text
        divisor = self.times.join(self.within(x, POWER) for x in below)
        return f"{text}{self.over}{divisor if len(below) == 1 else self.brackets(divisor)}"

    def scaled(self, form: Scaled) -> Written:
        """Write a number, scalars and a matrix, over scalars."""
        value = form.coefficient
        minus = is_negative(form)
        size = -value if minus else value
        below = [self.within(x, POWER) for x in form.below]
        if isinstance(size, Fraction) and re.search("/|frac", self.number(size)[0]):
            below.insert(0, str(size.denominator))
            size = size.numerator
        ends = form.core is None or (self.bar and bool(below))  # nothing stands to its right
        tight = [POWER] * (len(form.above) - 1) + [PRODUCT if ends else POWER]
        above = [self.within(x, binds) for x, binds in zip(form.above, tight, strict=False)]
        if size != 1:
            above.insert(0, self.number(size)[0])
        core = None
        if form.core is not None:
            core = self.within(form.core, PRODUCT), PRODUCT
        text = self.fraction(above, below, core)
        return ("-" if minus else "") + text, SUM if minus else PRODUCT

    def sum(self, terms: Sequence[Form]) -> str:
        """Write terms with their signs."""
        text = ""
        for term in terms:
            written, binds = self.write(term)
            if binds < SUM or isinstance(term, forms.SumForm):
                written = self.brackets(written)
            minus = written.startswith("-") and is_negative(term)
            bare = written[1:] if minus else written
            sign = ("-" if minus else "") if not text else (" - " if minus else " + ")
            text += sign + bare
        return text


class LatexWriter(TextWriter):
    """Writes LaTeX for amsmath."""

    times, over, kron = r" \odot ", r" \oslash ", r" \otimes "
    ones = r"\mathbf{1}"
    bar = True
    comparisons: Mapping[str, str] = {
        name: row.latex_of(("", "")).strip() for name, row in COMPARISONS.items()
    }

    def brackets(self, text: str) -> str:
        return rf"\left({text}\right)"

    def transposed(self, base: str, inverse: bool) -> str:
        return rf"{base}^{{-\top}}" if inverse else rf"{base}^\top"

    def power(self, base: str, exponent: str, elementwise: bool) -> str:
        odot = r"\odot " if elementwise else ""
        return f"{base}^{{{odot}{exponent}}}"

    def root(self, text: str) -> str:
        return rf"\sqrt{{{text}}}"

    def norm(self, text: str, frobenius: bool) -> str:
        return rf"\left\lVert {text} \right\rVert" + ("_F" if frobenius else "")

    def call(self, function: str, args: Sequence[str], along: str = "") -> str:
        row = FUNCTIONS.get(function)
        if row is not None and row.latex and row.arity == len(args) and not along:
            return row.latex_of(args)
        base = declared_base(function)
        record = AXIS_FUNCTIONS.get(base) or MATRIX_FUNCTIONS.get(base)
        big = isinstance(record, AxisFunction) and record.big
        known = record.latex if record is not None and not big else ""
        head = known + function[len(base) :] if known else function_latex(function)
        if along:
            head += rf"_{{\text{{{along}}}}}"
        return head + self.brackets(", ".join(args))

    def indicator(self, text: str) -> str:
        return rf"\mathbf{{1}}\left[{text}\right]"

    def number(self, value: Value) -> Written:
        text, binds = super().number(value)
        above, slash, below = text.partition("/")
        if slash:
            return rf"\frac{{{above}}}{{{below}}}", POWER
        digits, e, exponent = text.partition("e")
        if e and not isinstance(value, complex):
            ten = rf"10^{{{int(exponent)}}}"
            return (ten, POWER) if digits == "1" else (rf"{digits} \times {ten}", PRODUCT)
        return text, binds

    def fraction(self, above: Sequence[str], below: Sequence[str], core: Written | None) -> str:
        if not below:
            return super().fraction(above, below, core)
        if above or core is None:
            bar = rf"\frac{{{' '.join(above) or '1'}}}{{{' '.join(below)}}}"
            return bar if core is None else f"{bar} {core[0]}"
        return rf"\frac{{1}}{{{' '.join(below)}}} {core[0]}"


# --- the order in which a form is read: terms and element-wise factors have none of their own ---


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
