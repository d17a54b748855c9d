"""Write an expression as one line of NumPy: products as ``np.einsum``, the rest element by element.

A reader can try such a line beside the formula; what eingrad runs is the source that `compile`
makes. Gathers and a few functions of matrices have no line.
"""

from __future__ import annotations

import keyword
import string
from collections.abc import Mapping, Sequence
from fractions import Fraction

from eingrad.calculus.condition_rules import shielded
from eingrad.calculus.structure import OpenProduct, is_sum, open_product
from eingrad.core.algebra import base_and_exponent
from eingrad.core.arrays import Matrix
from eingrad.core.expr import (
    Const,
    Delta,
    Dim,
    Einsum,
    Expr,
    Indices,
    Map,
    Number,
    Reduce,
    Size,
    Var,
)
from eingrad.core.functions import AXIS_FUNCTIONS, FUNCTIONS, imported, spelling
from eingrad.core.partials import recipe_of

SUM, PRODUCT, POWER, ATOM = range(4)  # how tightly the outermost operator binds
Written = tuple[str, int]
LONGEST = 100_000  # characters: what is shared is written wherever it stands
REDUCTIONS = {
    "softmax": "scipy.special.softmax({0}, axis={1})",
    "log_softmax": "scipy.special.log_softmax({0}, axis={1})",
    "logsumexp": "scipy.special.logsumexp({0}, axis={1})",
    "norm": "np.linalg.norm({0}, axis={1})",
}
MATRIX = {
    "inv": "np.linalg.inv({0})",
    "det": "np.linalg.det({0})",
    "logdet": "np.linalg.slogdet({0})[1]",
}


class NoNumpyLineError(Exception):
    """An expression has no line of NumPy that a person would write."""


def identifier(name: str) -> str:
    """Return a tensor's name in Python; ``lambda`` and ``np`` are taken.

    >>> identifier("W1"), identifier("lambda")
    ('W1', 'lambda_')
    """
    return f"{name}_" if keyword.iskeyword(name) or name == "np" else name


def numpy_line(
    expr: Expr, extents: Mapping[Dim, str], imports: dict[str, None] | None = None
) -> str:
    """Return Python that computes ``expr`` from arrays by their names.

    ``extents`` says how to get the extent of a dimension: ``{"i": "x.shape[0]"}``; lines that
    import what NumPy lacks go into ``imports``. Raises NoNumpyLineError where there is no line.

    >>> from eingrad.core.algebra import einsum
    >>> x, y = Var("x", ("i",)), Var("y", ("j",))
    >>> numpy_line(einsum([(x, (0,)), (y, (1,))], (0, 1)), {})
    'x[:, None] * y[None, :]'
    """
    (expr,) = shielded([expr])
    return _LineWriter(extents, {} if imports is None else imports).write(expr)[0]


class _LineWriter:
    def __init__(self, extents: Mapping[Dim, str], imports: dict[str, None]) -> None:
        self.extents, self.imports = extents, imports
        self.written: dict[Expr, Written] = {}

    def spelled(self, template: str) -> str:
        """Return a spelling by bare names, and note what has to be imported for it."""
        text, lines = imported(template)
        self.imports.update(dict.fromkeys(lines))
        return text

    def write(self, expr: Expr) -> Written:
        """Return a part's text and how tightly it binds; each part is written once."""
        if expr not in self.written:
            self.written[expr] = self.spell(expr)
            if len(self.written[expr][0]) > LONGEST:
                raise NoNumpyLineError("a long line")
        return self.written[expr]

    def spell(self, expr: Expr) -> Written:
        match expr:
            case Var(name=name):
                return identifier(name), ATOM
            case Const(value=value):
                return _number(value)
            case Size(dim=dim):
                return self.extents[dim], ATOM
            case Delta(dims=(dim, _)):
                return f"np.eye({self.extents[dim]})", ATOM
            case Indices(dims=(dim,)):
                return f"np.arange({self.extents[dim]})", ATOM
            case Einsum():
                return self.product(open_product(expr))
            case Reduce(function=function, operands=(x,), axes=axes):
                axis = str(axes[0]) if len(axes) == 1 else str(axes)
                own = AXIS_FUNCTIONS[function].numpy
                template = REDUCTIONS.get(function, own and f"{own}({{0}}, axis={{1}})")
                if not template or "{0}" in own:
                    raise NoNumpyLineError(function)
                return self.spelled(template).format(self.write(x)[0], axis), ATOM
            case Matrix(function=function, operands=(x,)) if function in MATRIX:
                return MATRIX[function].format(self.write(x)[0]), ATOM
            case Map():
                return self.sum(expr) if is_sum(expr) else self.function(expr)
        raise NoNumpyLineError(type(expr).__name__)

    def within(self, expr: Expr, tight: int) -> str:
        text, binds = self.write(expr)
        return text if binds >= tight else f"({text})"

    def function(self, expr: Map) -> Written:
        base, exponent = base_and_exponent(expr)
        if exponent == -1:
            return f"1 / {self.within(base, POWER)}", PRODUCT
        if expr.function == "pow":
            power = self.within(expr.operands[1], ATOM)
            return f"{self.within(expr.operands[0], ATOM)} ** {power}", POWER
        record = FUNCTIONS.get(expr.function)
        if record is None:
            raise NoNumpyLineError(expr.function)
        template = self.spelled(spelling(record, "numpy", len(expr.operands)))
        if record.sign:
            template = f"{{0}} {record.sign} {{1}}"
        if not template:
            recipe = recipe_of(expr)
            if recipe is None:
                raise NoNumpyLineError(expr.function)
            return self.write(recipe)
        tight = PRODUCT if template.startswith("{0} ") else SUM
        return template.format(*(self.within(x, tight) for x in expr.operands)), (
            SUM if template.startswith("{0} ") else ATOM
        )

    def sum(self, expr: Expr) -> Written:
        text = ""
        for term in sorted(expr.operands, key=lambda x: self.write(x)[0].startswith("-")):
            written = self.within(term, SUM)
            if not text:
                text = written
            elif written.startswith("-"):
                text += f" - {written[1:]}"
            else:
                text += f" + {written}"
        return text, SUM

    def product(self, product: OpenProduct) -> Written:
        """Write numbers and scalars around a product of tensors."""
        sign, size = _sign(product.coefficient)
        above, below = [], []
        tensors = []
        for x, labels in product.factors:
            base, exponent = base_and_exponent(x)
            if labels:
                tensors.append((x, labels))
            elif exponent == -1:
                below.append(self.within(base, POWER))
            else:
                above.append(self.within(x, POWER))
        if isinstance(size, Fraction) and (size.denominator < 10 or not _is_decimal(size)):
            below.insert(0, str(size.denominator))
            size = size.numerator
        if size != 1:
            above.insert(0, _number(size)[0])
        if tensors or product.output:
            above.append(self.contraction(tensors, product))
        text = " * ".join(above) or "1"
        for divisor in below:
            text += f" / {divisor}"
        lone = len(above) == 1 and not below and not sign
        return sign + text, (POWER if lone else SUM if sign else PRODUCT)

    def contraction(
        self, tensors: Sequence[tuple[Expr, tuple[int, ...]]], product: OpenProduct
    ) -> str:
        output = product.output
        tensors = sorted(tensors, key=lambda f: min(f[1], default=0))
        views = [self.view(x, labels, output) for x, labels in tensors]
        if all(views):
            return " * ".join(view for view in views if view) or "1"
        used = {k for _, labels in tensors for k in labels}
        every = [*output, *sorted(used - set(output))]
        if len(set(output)) < len(output) or len(every) > len(string.ascii_letters):
            raise NoNumpyLineError("einsum")
        letters = dict.fromkeys("ijklabcdefgh" + string.ascii_letters)
        letter = dict(zip(every, letters, strict=False))
        spec = ["".join(letter[k] for k in labels) for _, labels in tensors]
        args = [self.write(x)[0] for x, _ in tensors]
        for k in output:
            if k not in used:
                spec.append(letter[k])
                args.append(f"np.ones({self.extents[product.extents[k]]})")
        out = "".join(letter[k] for k in output)
        return f"np.einsum('{','.join(spec)}->{out}', {', '.join(args)})"

    def view(self, x: Expr, labels: tuple[int, ...], output: tuple[int, ...]) -> str | None:
        """Write a factor for a product entry by entry, None if it needs more than new axes."""
        if labels == output:
            return self.within(x, POWER)
        if len(output) == 2 and labels == output[::-1]:
            return self.within(x, ATOM) + ".T"
        kept = [k for k in output if k in labels]
        if tuple(kept) != labels:
            return None
        return (
            f"{self.within(x, ATOM)}[{', '.join(':' if k in labels else 'None' for k in output)}]"
        )


def _sign(value: Number) -> tuple[str, Number]:
    return ("-", -value) if not isinstance(value, complex) and value < 0 else ("", value)


def _number(value: Number) -> Written:
    text = str(float(value)) if isinstance(value, Fraction) and _is_decimal(value) else str(value)
    text = text.replace("inf", "np.inf")
    return text, SUM if text.startswith("-") else PRODUCT if "/" in text else ATOM


def _is_decimal(value: Number) -> bool:
    """Whether a fraction is a decimal number with few digits, such as 1/100000."""
    return isinstance(value, Fraction) and Fraction(repr(float(value))) == value
