"""Write an expression as one line of NumPy: products as ``np.einsum``, the rest element by element.

The gallery shows such lines because they can be read and tried; what eingrad runs is the source
that `compile` makes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from eingrad.calculus.structure import OpenProduct, is_sum, open_product
from eingrad.core.algebra import base_and_exponent
from eingrad.core.arrays import Matrix
from eingrad.core.expr import Const, Delta, Dim, Einsum, Expr, Map, Number, Reduce, Size, Var
from eingrad.core.functions import FUNCTIONS, imported, spelling
from eingrad.core.partials import recipe_of

SUM, PRODUCT, POWER, ATOM = range(4)  # how tightly the outermost operator binds
Written = tuple[str, int]
REDUCTIONS = {
    "softmax": "softmax({0}, axis={1})",
    "log_softmax": "log_softmax({0}, axis={1})",
    "logsumexp": "logsumexp({0}, axis={1})",
    "norm": "np.linalg.norm({0}, axis={1})",
    "max": "np.max({0}, axis={1})",
}
MATRIX = {
    "inv": "np.linalg.inv({0})",
    "det": "np.linalg.det({0})",
    "logdet": "np.linalg.slogdet({0})[1]",
}


def numpy_line(expr: Expr, extents: Mapping[Dim, str]) -> str:
    """Return Python that computes ``expr`` from arrays by their names.

    ``extents`` says how to get the extent of a dimension: ``{"i": "x.shape[0]"}``.

    >>> from eingrad.core.algebra import einsum
    >>> x, y = Var("x", ("i",)), Var("y", ("j",))
    >>> numpy_line(einsum([(x, (0,)), (y, (1,))], (0, 1)), {})
    'x[:, None] * y[None, :]'
    """
    return _Writer(extents).write(expr)[0]


class _Writer:
    def __init__(self, extents: Mapping[Dim, str]) -> None:
        self.extents = extents

    def write(self, expr: Expr) -> Written:
        match expr:
            case Var(name=name):
                return name, ATOM
            case Const(value=value):
                return _number(value)
            case Size(dim=dim):
                return self.extents[dim], ATOM
            case Delta(dims=(dim, _)):
                return f"np.eye({self.extents[dim]})", ATOM
            case Einsum():
                return self.product(open_product(expr))
            case Reduce(function=function, operands=(x,), axes=axes):
                axis = str(axes[0]) if len(axes) == 1 else str(axes)
                return REDUCTIONS[function].format(self.write(x)[0], axis), ATOM
            case Matrix(function=function, operands=(x,)):
                return MATRIX[function].format(self.write(x)[0]), ATOM
        assert isinstance(expr, Map)
        return self.sum(expr) if is_sum(expr) else self.function(expr)

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
        record = FUNCTIONS[expr.function]
        template, _ = imported(spelling(record, "numpy", len(expr.operands)))
        if record.sign:
            template = f"{{0}} {record.sign} {{1}}"
        if not template:
            recipe = recipe_of(expr)
            assert recipe is not None
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
            size, divisor = size.numerator, size.denominator
            below.insert(0, str(divisor))
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
        letter = dict(zip([*output, *sorted(used - set(output))], "ijklabcdefgh", strict=False))
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
    text = str(float(value)) if _is_decimal(value) else str(value)
    return text, SUM if text.startswith("-") else PRODUCT if "/" in text else ATOM


def _is_decimal(value: Number) -> bool:
    """Whether a fraction is a decimal number with few digits, such as 1/100000."""
    return isinstance(value, Fraction) and Fraction(repr(float(value))) == value
