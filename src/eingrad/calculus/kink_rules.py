"""Products that are 0 times infinity on paper at a kink, and what they are in numbers there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from types import MappingProxyType

from eingrad.calculus.structure import open_product
from eingrad.core.algebra import (
    Factor,
    Infix,
    add,
    apply,
    base_and_exponent,
    constant_value,
    einsum,
    is_light,
    multiply,
    power,
    reduce,
    repeat,
    scale_of,
)
from eingrad.core.arrays import Matrix
from eingrad.core.expr import Const, Einsum, Expr, Labels, Map, Reduce, Size, postorder, variables
from eingrad.core.functions import AXIS_FUNCTIONS, FUNCTIONS
from eingrad.core.functions.elementwise_table import HALF, both, nonzero
from eingrad.core.rewrite import rewrite


def power_at_0(node: Expr) -> Expr | None:
    """a^b log(a) -> a^b log(1) where a = 0 <= b; c a^b -> c a^0 where a = c = 0

    These are the factors of the derivatives ``at_kinks``, for what was derived on paper.
    """
    if not isinstance(node, Einsum):
        return None
    factors = list(zip(node.operands, node.inputs, strict=True))
    scalars = [(x, labels) for x, labels in factors if not labels]
    for k, (x, labels) in enumerate(factors):
        if isinstance(x, Einsum):  # a product holds scalars around the contraction
            factors[k] = (_safe(x, scalars), labels)
    return _safe(einsum(factors, node.output, dict(enumerate(node.extents))), [])


def _safe(node: Expr, around: list[Factor]) -> Expr:
    """Return a product with safe powers and logarithms; ``around`` are scalars that it is
    multiplied by."""
    if not isinstance(node, Einsum):
        return node
    factors = list(zip(node.operands, node.inputs, strict=True))
    for k, (x, labels) in enumerate(factors):
        if not _is_variable_power(x):
            continue
        rest = [*factors[:k], *factors[k + 1 :], *around]
        factors = [(_log_beside(x, y) if own == labels else y, own) for y, own in factors]
        if (coefficient := _coefficient(x, labels, rest)) is not None:
            factors[k] = (_power_beside(x, coefficient), labels)
    return einsum(factors, node.output, dict(enumerate(node.extents)))


def _is_variable_power(node: Expr) -> bool:
    return (
        isinstance(node, Map)
        and node.function == "pow"
        and constant_value(node.operands[0]) is None
        and constant_value(node.operands[1]) is None
    )


def _log_beside(x: Expr, log: Expr) -> Expr:
    a, b = map(Infix, x.operands)
    if not isinstance(log, Map) or log.function != "log" or log.operands[0] is not a.expr:
        return log
    return both(a("eq", 0), b("ge", 0), 1, a)("log").expr  # type: ignore[no-any-return]


def _coefficient(x: Expr, labels: Labels, rest: list[Factor]) -> Expr | None:
    """Return the product of the factors that the exponent's own variables make 0."""
    exponent = x.operands[1]
    if isinstance(exponent, Map) and exponent.function == "where":
        return None
    own = set(variables(exponent))
    beside = [
        (y, ls) for y, ls in rest
        if set(ls) <= set(labels) and (found := variables(y)) and own.issuperset(found)
    ]  # fmt: skip
    if not beside:
        return None
    used = {label for _, ls in beside for label in ls}
    extents = dict(zip(labels, x.dims, strict=True))
    return einsum(beside, labels if used else (), extents)


def _power_beside(x: Expr, coefficient: Expr) -> Expr:
    a, b = map(Infix, x.operands)
    return a("pow", both(a("eq", 0), Infix(coefficient)("eq", 0), 0, b)).expr


# --- x log x ----------------------------------------------------------------------------------


def product_with_log(node: Expr) -> Expr | None:
    """p log(p q) -> p log(1) where p = 0"""
    if not isinstance(node, Einsum) or len(node.operands) < 2:
        return None
    factors = list(zip(node.operands, node.inputs, strict=True))
    for k, (x, labels) in enumerate(factors):
        beside = [(base_and_exponent(y), own) for j, (y, own) in enumerate(factors) if j != k]
        roots = [(y, own) for (y, e), own in beside if _is_positive(e) and set(own) <= set(labels)]
        safe = _with_safe_logs(x, labels, roots)
        if safe is not x:
            factors[k] = (safe, labels)
            return einsum(factors, node.output, dict(enumerate(node.extents)))
    return None


def _is_positive(number: object) -> bool:
    return not isinstance(number, complex) and number > 0  # type: ignore[operator]


def _with_safe_logs(x: Expr, labels: Labels, beside: Sequence[Factor]) -> Expr:
    """Return a logarithm, or a sum of such, that is 0 where a factor of its argument is 0 that
    stands beside it, too."""
    if isinstance(x, Map) and x.function == "add":
        terms = [scale_of(y) if y.ndim == x.ndim else (1, y) for y in x.operands]
        safe = [_with_safe_logs(y, labels, beside) if y.ndim == x.ndim else y for _, y in terms]
        if all(a is b for a, (_, b) in zip(safe, terms, strict=True)):
            return x
        return add(*(multiply(Const(c), y) for (c, _), y in zip(terms, safe, strict=True)))
    if not isinstance(x, Map) or x.function not in {"log", "log1p"} or len(set(labels)) < x.ndim:
        return x
    (inner,) = x.operands
    argument = add(Const(1), inner) if x.function == "log1p" else inner
    found = {(y, tuple(labels[k] for k in own)) for y, own in _factors_of(argument)}
    for y, own in beside:
        if (y, own) in found:
            zero = Infix(repeat(y, x.dims, [labels.index(k) for k in own]))("eq", 0)
            one = 0 if x.function == "log1p" else 1
            return apply(x.function, zero("where", one, Infix(inner)).expr)
    return x


def _factors_of(node: Expr) -> Iterator[Factor]:
    """Yield what a value is a product of positive powers of, labelled by the value's axes."""
    factors: list[Factor] = [(node, tuple(range(node.ndim)))]
    if isinstance(node, Einsum) and not node.summed:
        place = {label: k for k, label in enumerate(node.output)}
        pairs = zip(node.operands, node.inputs, strict=True)
        factors += [(x, tuple(place[k] for k in labels)) for x, labels in pairs]
    for x, labels in factors:
        base, exponent = base_and_exponent(x)
        if _is_positive(exponent) and constant_value(base) is None:
            yield base, labels


# --- roots of sums of squares -----------------------------------------------------------------


def derivatives_at_kinks(
    derivatives: Sequence[Expr],
    values: Iterable[Expr],
    named: Mapping[Expr, Expr] = MappingProxyType({}),
) -> list[Expr]:
    """Return derivatives that are 0 where a norm, a deviation or another root of a sum of squares
    is 0, whose derivative is 0 / 0 on paper; see `Roots`."""
    roots = Roots.of(values, named)

    def step(node: Expr) -> Expr | None:
        if isinstance(node, Einsum):
            return _directions(node)
        if not roots.divide(node):
            return None
        base, exponent = roots.split(node) or (node, 1)
        return power(nonzero(Infix(base)).expr, exponent)

    return rewrite(derivatives, step)


@dataclass(frozen=True, slots=True)
class Roots:
    """The roots of sums of squares in a model: those that tensors are ``named`` for, and those that
    are ``divided`` by in its values, or stand in a logarithm, and so have no other inverse."""

    named: frozenset[Expr]
    divided: frozenset[Expr]

    @classmethod
    def of(cls, values: Iterable[Expr], named: Mapping[Expr, Expr]) -> Roots:
        """Return those of a model's values, in which ``named`` says what tensors stand for."""
        roots = cls(frozenset(x for x, expr in named.items() if is_root(expr)), frozenset())
        divided = set(roots._divided(values))
        divided |= {x for x in roots.named if _plain_root(named[x]) in divided}
        return cls(roots.named, frozenset(divided))

    def divide(self, node: Expr) -> bool:
        """Whether a value is a division by a root, which in a derivative is 0 where the root is."""
        split = self.split(node)
        return split is not None and split[1] < 0 and split[0] not in self.divided

    def split(self, node: Expr) -> tuple[Expr, int] | None:
        """Read a power of a root as (root, exponent)."""
        base, exponent = base_and_exponent(node)
        if isinstance(base, Map) and base.function == "where":
            return None
        if isinstance(exponent, int) and (base in self.named or is_root(base)):
            return _plain_root(base), exponent
        if isinstance(exponent, Fraction) and exponent.denominator == 2 and _is_square(base):
            return apply("sqrt", base), exponent.numerator
        return None

    def _divided(self, values: Iterable[Expr]) -> Iterator[Expr]:
        for node in postorder(values):
            split = self.split(node)
            if split is not None and split[1] < 0:
                yield split[0]
            record = FUNCTIONS.get(node.function) if isinstance(node, Map) else None
            if record is not None and record.singular and split is None:
                for x in node.operands:
                    inner = x.operands if isinstance(x, Einsum) and is_light(x) else (x,)
                    yield from map(_plain_root, inner)


def _plain_root(node: Expr) -> Expr:
    """Return a root in one of its two forms, of ``sqrt(x)`` and ``x^(1/2)`` the first."""
    base, exponent = base_and_exponent(node)
    return apply("sqrt", base) if exponent == HALF else node


def is_root(node: Expr) -> bool:
    """Whether a value is the root of a sum of squares, so that its derivative is 0 where it is."""
    if isinstance(node, Reduce):
        return AXIS_FUNCTIONS[node.function].is_root and not node.keeps_axes
    base, exponent = base_and_exponent(node)
    if exponent == 1 and isinstance(node, Map) and node.function in {"sqrt", "root"}:
        base, exponent = node.operands[0], HALF
    return exponent == HALF and _is_square(base)


def root_of_squares(node: Expr) -> Expr | None:
    """sqrt(sum_i(x_i^2)) -> norm_i(x_i), which does not overflow where the squares do"""
    base, exponent = base_and_exponent(node)
    if isinstance(base, Map) and base.function in {"sqrt", "root"}:
        base, exponent = base.operands[0], HALF * exponent
    if not isinstance(base, Einsum) or not isinstance(exponent, Fraction):
        return None
    product = open_product(base) if exponent.denominator == 2 else None
    if product is None or not product.summed():
        return None
    counts = Counter(product.factors)
    half = [f for f, count in counts.items() for _ in range(count // 2)]
    labels = tuple(dict.fromkeys(k for _, ls in half for k in ls))
    if any(count % 2 for count in counts.values()) or not product.summed() <= set(labels):
        return None
    if isinstance(product.coefficient, complex) or product.coefficient <= 0:
        return None
    inner = einsum(half, labels, product.extents)
    norm = reduce("norm", inner, [k for k, x in enumerate(labels) if x in product.summed()])
    kept = tuple(k for k in labels if k not in product.summed())
    root = einsum([(norm, kept)], product.output, product.extents)
    scale = apply("sqrt", Const(product.coefficient))
    return power(multiply(scale, root), 2 * exponent)


def _is_square(node: Expr) -> bool:
    """Whether a value is a sum of products of squares: what is 0 where all that it is made of is.

    A number that is added keeps it from 0.
    """
    if isinstance(node, Map) and node.function == "add":
        return all(_is_square(x) for x in node.operands)
    if isinstance(node, Reduce):
        return node.function == "var"
    if isinstance(node, Einsum):
        count = Counter(zip(node.operands, node.inputs, strict=True))
        return any(constant_value(x) is None and not isinstance(x, Size) for x in node.operands) \
            and all(n % 2 == 0 or _is_even(x) for (x, _), n in count.items())  # fmt: skip
    return _is_even(node) and constant_value(node) is None


def _is_even(node: Expr) -> bool:
    """Whether a factor is a square, or a number or a size that is no less than 0."""
    base, exponent = base_and_exponent(node)
    number = constant_value(base)
    if number is not None:
        return _is_positive(number)
    if isinstance(exponent, int) and exponent > 0 and exponent % 2 == 0:
        return True
    inner = isinstance(base, Einsum) or (isinstance(base, Map) and base.function == "add")
    return isinstance(base, Size) or (exponent == 1 and inner and _is_square(base))


def _directions(node: Einsum) -> Expr | None:
    """x / norm(x) -> unit(x): the inverse of a norm, and its powers, overflow before that does"""
    if not any(map(_divides_by_norm, _near(node))):
        return None
    product = open_product(node)
    for k, (divisor, labels) in enumerate(product.factors):
        base, exponent = base_and_exponent(divisor)
        norm = _norm_in(base)
        if norm is None or not isinstance(exponent, int):
            continue
        factors = list(product.factors)
        (inner,) = norm.operands
        kept = [axis for axis in range(inner.ndim) if axis not in norm.axes]
        places = [
            j for j, (x, own) in enumerate(factors)
            if x is inner and tuple(own[axis] for axis in kept) == labels
        ][: max(-exponent, 0)]  # fmt: skip
        for j in places:
            factors[j] = (reduce("unit", inner, norm.axes), factors[j][1])
        if places:
            factors[k] = (power(base, exponent + len(places)), labels)
            return replace(product, factors=tuple(factors)).build()
    return None


def _near(node: Einsum) -> Iterator[Expr]:
    """Yield the factors of a product, and those of products among them."""
    for x in node.operands:
        yield from x.operands if isinstance(x, Einsum) else (x,)


def _divides_by_norm(node: Expr) -> bool:
    base, exponent = base_and_exponent(node)
    return _norm_in(base) is not None and not _is_positive(exponent)


def _norm_in(base: Expr) -> Reduce | None:
    """Return the norm that a value is, or is where that is not 0."""
    norm = base.operands[-1] if isinstance(base, Map) and base.function == "where" else base
    return norm if isinstance(norm, Reduce) and norm.function == "norm" else None


# --- determinants ------------------------------------------------------------------------------


def adjugate_written_out(node: Expr) -> Expr | None:
    """det(A) inv(A) -> adj(A), which a singular A has, too"""
    if not isinstance(node, Einsum):
        return None
    factors = list(zip(node.operands, node.inputs, strict=True))
    for k, (x, labels) in enumerate(factors):
        det, exponent = base_and_exponent(x)
        if not _is_matrix(det, "det") or not isinstance(exponent, int) or exponent < 1:
            continue
        for j, (y, own) in enumerate(factors):
            new = _as_adjugate(y, own, det.operands[0], labels)
            if new is not y:
                factors[j], factors[k] = (new, own), (power(det, exponent - 1), labels)
                return einsum(factors, node.output, dict(enumerate(node.extents)))
    return None


def _as_adjugate(node: Expr, own: Labels, matrix: Expr, labels: Labels) -> Expr:
    """Put the adjugate in the place of one inverse of a matrix whose determinant has ``labels``."""
    if _is_matrix(node, "inv") and node.operands[0] is matrix and own[:-2] == labels:
        return Matrix("adjugate", matrix)
    inverse = Matrix("inv", matrix)
    if labels or not isinstance(node, Einsum) or inverse not in node.operands:
        return node
    inner = list(zip(node.operands, node.inputs, strict=True))
    k = node.operands.index(inverse)
    inner[k] = (Matrix("adjugate", matrix), inner[k][1])
    return einsum(inner, node.output, dict(enumerate(node.extents)))


def _is_matrix(node: Expr, function: str) -> bool:
    return isinstance(node, Matrix) and node.function == function


__all__ = [
    "Roots", "adjugate_written_out", "derivatives_at_kinks", "power_at_0", "product_with_log",
]  # fmt: skip
