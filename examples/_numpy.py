"""Write a formula in index notation as a line of NumPy: products become ``np.einsum``.

>>> from eingrad.notation.parse import parse_formula
>>> numpy_code(parse_formula("X_bi dL/dA_bh / size(b)"), "ih")
'np.einsum("bi,bh->ih", X, dL_dA) / size_b'
>>> numpy_code(parse_formula("y_i (delta_ij - y_j)"), "ij")
'np.einsum("i,ij->ij", y, np.eye(size_i) - y[None, :])'
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eingrad.notation.summation import Summation
from eingrad.notation.syntax import (
    Call,
    Derivative,
    Formula,
    Number,
    Power,
    Product,
    SizeOf,
    Sum,
    Symbol,
)
from eingrad.notation.text import to_text

UFUNCS = ("exp", "log", "tanh", "sqrt")


@dataclass(frozen=True)
class Code:
    """A Python expression for an array with one axis a label; ``binds`` unless it needs
    parentheses inside a product."""

    text: str
    labels: str = ""
    binds: bool = True

    def tight(self) -> str:
        """The text, as a factor."""
        return self.text if self.binds else f"({self.text})"

    def over(self, labels: str) -> str:
        """The text for an array with these axes: transposed, or with axes of extent 1."""
        if self.labels == labels or not self.labels:
            return self.text
        code = self
        order = "".join(label for label in labels if label in self.labels)
        if order != self.labels:
            code = Code(f'np.einsum("{self.labels}->{order}", {self.text})', order)
        if order == labels:
            return code.text
        axes = ", ".join(":" if label in order else "None" for label in labels)
        return f"{code.tight()}[{axes}]"


def numpy_code(formula: Formula, labels: Sequence[str]) -> str:
    """Return NumPy code for an array whose axes are ``labels``."""
    return write(formula, "".join(labels)).over("".join(labels))


def plain(name: str) -> str:
    """Return a name that Python takes: ``dL/dW1`` is ``dL_dW1``, ``phi'`` is ``phi_prime``."""
    return name.replace("/", "_").replace("'", "_prime")


def write(formula: Formula, kept: str) -> Code:
    """Write a formula; labels that are not ``kept`` are summed in its products."""
    match formula:
        case Number():
            return Code(to_text(formula))
        case SizeOf(label):
            return Code(f"size_{label}")
        case Symbol("delta", labels):
            order = sorted(labels, key=(*kept, *labels).index)  # it is symmetric
            return Code(f"np.eye(size_{labels[0]})", "".join(order))
        case Symbol(name, labels):
            return Code(plain(name), "".join(labels))
        case Derivative(Symbol(of, own), (Symbol(wrt, labels),)):
            return Code(plain(f"d{of}/d{wrt}"), "".join((*own, *labels)))
        case Power(base, exponent):
            inner = write(base, kept)
            return Code(f"{inner.tight()} ** {to_text(exponent)}", inner.labels, False)
        case Call():
            return _call(formula, kept)
        case Sum():
            return _sum(formula, kept)
        case Product():
            return _product(formula, kept)
    raise NotImplementedError(to_text(formula))


def _call(call: Call, kept: str) -> Code:
    inner = write(call.args[0], kept + "".join(call.axes))
    if call.function == "sum":
        rest = "".join(label for label in inner.labels if label not in call.axes)
        return Code(f'np.einsum("{inner.labels}->{rest}", {inner.text})', rest)
    name = f"np.{call.function}" if call.function in UFUNCS else plain(call.function)
    axes = "".join(f", axis={inner.labels.index(label)}" for label in call.axes)
    return Code(f"{name}({inner.text}{axes})", inner.labels)


def _sum(total: Sum, kept: str) -> Code:
    terms = [write(term, kept) for term in total.terms]
    present = {label for term in terms for label in term.labels}
    labels = "".join(label for label in kept if label in present)
    labels += "".join(sorted(present - set(labels)))
    text = ""
    for formula, term, negative in zip(total.terms, terms, total.negative, strict=True):
        sign = " - " if text and negative else "-" if negative else " + " if text else ""
        own = term.over(labels)
        text += sign + (f"({own})" if negative and isinstance(formula, Sum) else own)
    return Code(text, labels, False)


def _product(product: Product, kept: str) -> Code:
    summation = Summation()
    summed = summation.summed(product, kept).labels
    scopes = summation.scopes(product, kept)
    above, below = [], []
    for factor, divides, scope in zip(product.factors, product.divides, scopes, strict=True):
        inside = kept + "".join(label for label in summed if label in scope)
        (below if divides else above).append(write(factor, inside))
    present = {label for x in [*above, *below] for label in x.labels}
    labels = "".join(label for label in kept if label in present)
    tensors = [x for x in above if x.labels]
    inverted = [x for x in below if not set(x.labels) <= set(labels)]  # it is summed
    tensors += [Code(f"1 / {x.tight()}", x.labels) for x in inverted]
    scalars = [x.tight() for x in above if not x.labels]
    if all(x.labels == labels for x in tensors):
        core = " * ".join(x.tight() for x in tensors)
    else:
        inputs = ",".join(x.labels for x in tensors)
        core = f'np.einsum("{inputs}->{labels}", {", ".join(x.text for x in tensors)})'
    text = " * ".join([*scalars, *([core] if core else [])]) or "1"
    for divisor in (x for x in below if x not in inverted):
        aligned = Code(divisor.over(labels), labels, divisor.binds)
        text += f" / {aligned.tight()}"
    return Code(text, labels, False)
