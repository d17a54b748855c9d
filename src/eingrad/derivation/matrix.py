"""Matrix notation, where an expression has one: products, transposes, ⊙, sums.

A tensor with one axis is a column. What has no matrix form gives None, never a near miss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eingrad.calculus.structure import Product, is_sum, open_product
from eingrad.core.algebra import base_and_exponent, scale_of
from eingrad.core.expr import Const, Einsum, Expr, Labels, Map, Size, Var
from eingrad.core.product import Factor

SUM, PRODUCT, ATOM = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of matrix notation and how tightly it binds."""

    text: str
    level: int = ATOM

    def at(self, level: int) -> str:
        """Return the text, in parentheses where it binds less than ``level``."""
        return self.text if self.level >= level else f"({self.text})"


def matrix_text(expr: Expr) -> str | None:
    """Return an expression of vectors and matrices in matrix notation, None if there is none.

    >>> from eingrad.core.algebra import einsum
    >>> x, g = Var("X", ("b", "i")), Var("G", ("b", "h"))
    >>> matrix_text(einsum([(x, (0, 1)), (g, (0, 2))], (1, 2)))
    'X^T G'
    """
    found = _matrix(expr)
    return None if found is None else found.text


def _matrix(expr: Expr) -> Text | None:
    if expr.ndim > 2:
        return None
    if isinstance(expr, Var):
        return Text(expr.name)
    if isinstance(expr, Size):
        return Text(f"size({expr.dim})")
    if isinstance(expr, Const):
        return Text(str(expr.value))
    if is_sum(expr):
        return _sum(expr)
    if isinstance(expr, Einsum):
        return _product(expr)
    if isinstance(expr, Map) and len(expr.operands) == 1 and expr.function != "pow":
        inner = _matrix(expr.operands[0])
        return None if inner is None else Text(f"{expr.function}({inner.text})")
    return None


def _sum(expr: Expr) -> Text | None:
    parts: list[tuple[bool, str]] = []
    for term in expr.operands:
        if term.dims != expr.dims:
            return None
        coefficient, rest = scale_of(term)
        negative = not isinstance(coefficient, complex) and coefficient < 0
        found = _matrix(rest)
        if found is None:
            return None
        size = -coefficient if negative else coefficient
        text = found.at(PRODUCT)
        parts.append((negative, text if size == 1 else f"{size} {text}"))
    parts.sort(key=lambda part: part[0])
    text = ("-" if parts[0][0] else "") + parts[0][1]
    for negative, part in parts[1:]:
        text += f" {'-' if negative else '+'} {part}"
    return Text(text, SUM)


def _product(expr: Einsum) -> Text | None:
    product = open_product(expr)
    above: list[str] = []
    below: list[str] = []
    tensors: list[Factor] = []
    for x, labels in product.factors:
        base, exponent = base_and_exponent(x)
        if labels:
            tensors.append((x, labels))
            continue
        found = _matrix(base)
        if found is None or exponent not in (1, -1):
            return None
        (above if exponent == 1 else below).append(found.at(ATOM))
    core = _tensors(tensors, product)
    if core is None:
        return None
    coefficient = product.coefficient
    negative = not isinstance(coefficient, complex) and coefficient < 0
    size = -coefficient if negative else coefficient
    parts = [
        *([str(size)] if size != 1 else []),
        *above,
        *([core.at(PRODUCT)] if core.text else []),
    ]
    text = " ".join(parts) or "1"
    if below:
        text += f" / {below[0]}" if len(below) == 1 else f" / ({' '.join(below)})"
    return Text(("-" if negative else "") + text, SUM if negative else PRODUCT)


def _tensors(tensors: Sequence[tuple[Expr, Labels]], product: Product) -> Text | None:
    """Return a chain of matrix products, an outer product or an element-wise one."""
    if not tensors:
        return Text("") if not product.output else None
    parts = [(_matrix(x), labels) for x, labels in tensors]
    pieces = [(text, labels) for text, labels in parts if text is not None]
    if len(pieces) != len(parts) or any(len(set(ls)) != len(ls) for _, ls in pieces):
        return None
    output = product.output
    if all(labels == output for _, labels in pieces):
        if len(pieces) == 1:
            return pieces[0][0]
        return Text(" ⊙ ".join(t.at(ATOM) for t, _ in pieces), PRODUCT)
    return _chain(pieces, output)


def _chain(pieces: list[tuple[Text, Labels]], output: Labels) -> Text | None:
    """Walk from the first output label to the last: ``A_ij B_jk -> ik`` is ``A B``."""
    counts: dict[int, int] = {}
    for _, labels in pieces:
        for label in labels:
            counts[label] = counts.get(label, 0) + 1
    if any(n != (1 if label in output else 2) for label, n in counts.items()):
        return None
    rest = list(pieces)
    if output:
        link: int | None = output[0]
    else:
        vectors = [p for p in rest if len(p[1]) == 1]
        if len(vectors) != 2:
            return None
        rest.remove(vectors[0])
        link = vectors[0][1][0]
    words = [] if output else [f"{vectors[0][0].at(ATOM)}^T"]
    while rest and link is not None:
        k = next((k for k, (_, labels) in enumerate(rest) if link in labels), None)
        if k is None:
            return None
        text, labels = rest.pop(k)
        if len(labels) == 1:
            words.append(text.at(ATOM))
            link = None
        else:
            words.append(text.at(ATOM) + ("" if labels[0] == link else "^T"))
            link = labels[1] if labels[0] == link else labels[0]
    return _finish(words, rest, link, output)


def _finish(
    words: list[str], rest: list[tuple[Text, Labels]], link: int | None, output: Labels
) -> Text | None:
    if link is None and len(output) == 2 and len(rest) >= 1:
        back = _chain(rest, (output[1],))  # an outer product: u v^T
        if back is None or len(rest) != 1:
            return None
        return Text(" ".join([*words, f"{back.at(ATOM)}^T"]), PRODUCT)
    if rest or (link is not None) != (len(output) == 2 and link == output[-1]):
        return None
    return Text(" ".join(words), PRODUCT if len(words) > 1 or "^T" in words[0] else ATOM)
