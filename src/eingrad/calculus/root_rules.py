"""Roots of sums of squares: their derivatives are 0 where they are, and no square overflows.

What runs divides each factor that a root is made of by it before anything is multiplied:
``x x / n^3`` is ``(x / n) (x / n) / n``, where n is ``norm_i(x_i)`` or ``sqrt(x^2 + y^2)``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from functools import reduce as fold
from types import MappingProxyType

from eingrad.calculus.structure import OpenProduct, is_minus, is_sum, open_product, sum_of
from eingrad.core.algebra import (
    Factor,
    Infix,
    apply,
    base_and_exponent,
    constant_value,
    einsum,
    is_light,
    multiply,
    parts_apart,
    power,
    reduce,
    repeat,
)
from eingrad.core.expr import Const, Einsum, Expr, Labels, Map, Reduce, Size, postorder
from eingrad.core.functions import AXIS_FUNCTIONS, FUNCTIONS
from eingrad.core.functions.elementwise_table import HALF, nonzero
from eingrad.core.partials import recipe_of
from eingrad.core.rewrite import rewrite, substitute

Step = Callable[[Expr], Expr | None]
TWO_SQUARES = "hypotenuse"  # of two numbers, sqrt(x^2 + y^2)
MAX_ROUNDS = 6
MAX_TERMS = 16  # of a sum that what divides it is brought into
SHARE = "over_root"  # x / r, which no product looks into


def derivatives_at_kinks(
    derivatives: Sequence[Expr],
    values: Iterable[Expr],
    named: Mapping[Expr, Expr] = MappingProxyType({}),
) -> list[Expr]:
    """Return derivatives that are 0 where a norm, a deviation or another root of a sum of squares
    is 0, whose derivative is 0 / 0 on paper; see `Roots`."""
    values = rewrite(list(values), as_root)
    derivatives = rewrite(derivatives, as_root)
    named = dict(zip(named, rewrite(list(named.values()), as_root), strict=True))
    roots = Roots.of(values, named)
    derivatives = rewrite(derivatives, _as_known_root(postorder([*values, *derivatives])))

    def step(node: Expr) -> Expr | None:
        if isinstance(node, Einsum):
            return _divided_first(node, named)
        if not roots.divide(node):
            return None
        base, exponent = roots.split(node) or (node, 1)
        return power(nonzero(Infix(base)).expr, exponent)

    return _until_nothing_changes(derivatives, step)


def values_of_roots(values: Sequence[Expr]) -> list[Expr]:
    """Return values in which no square overflows that is divided by a root: where this is 0 they
    are what the formula says, infinite or nan."""
    plainly = partial(_divided_first, named={}, plain=True)
    return _until_nothing_changes(rewrite(values, as_root), plainly)


def _until_nothing_changes(roots: Sequence[Expr], step: Step) -> list[Expr]:
    new = list(roots)
    for _ in range(MAX_ROUNDS):
        before, new = new, rewrite(new, step)
        if all(a is b for a, b in zip(before, new, strict=True)):
            break
    return new


def _as_known_root(nodes: Iterable[Expr]) -> Step:
    """Return a step that writes ``1 / (x_i x_i)`` as one by ``norm_i(x_i)``, if that is there."""
    known = {x for x in nodes if _root_in(x, {}) is not None}

    def step(node: Expr) -> Expr | None:
        base, exponent = base_and_exponent(node)
        if not known or not isinstance(exponent, int) or exponent >= 0 or not _is_total(base):
            return None
        root = _root_of(base)
        fits = root is not None and any(x in known for x in postorder([root]))
        return power(root, 2 * exponent) if root is not None and fits else None

    return step


def _is_total(node: Expr) -> bool:
    return is_sum(node) or _is_variance(node) or (isinstance(node, Einsum) and bool(node.summed))


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
    if isinstance(base, Map) and base.function == TWO_SQUARES:
        return exponent == 1
    if exponent == 1 and isinstance(node, Map) and node.function in {"sqrt", "root"}:
        base, exponent = node.operands[0], HALF
    return exponent == HALF and _is_square(base)


# --- in a form that does not overflow ---------------------------------------------------------


def as_root(node: Expr) -> Expr | None:
    """sqrt(sum_i(x_i^2)) -> norm_i(x_i), sqrt(x^2 + y^2) -> hypotenuse(x, y), std_i(x_i) ->
    norm_i(x_i - mean_j(x_j)) / sqrt(size(i)): no square overflows"""
    if isinstance(node, Reduce) and node.function == "std":
        return recipe_of(node)
    return _root_of_squares(node)


def _root_of_squares(node: Expr) -> Expr | None:
    """Write the root of a sum of squares as a norm, or by others of two squares each."""
    base, exponent = base_and_exponent(node)
    if isinstance(base, Map) and base.function in {"sqrt", "root"}:
        base, exponent = base.operands[0], HALF * exponent
    if not isinstance(exponent, Fraction) or exponent.denominator != 2:
        return None
    if not _is_total(base) and not (isinstance(base, Einsum) and open_product(base).summed()):
        return None
    root = _root_of(base)
    return None if root is None else power(root, 2 * exponent)


def _root_of(total: Expr) -> Expr | None:
    """Return the root of a sum of squares, or of one square up to its sign."""
    number = constant_value(total)
    if number is not None:
        is_square = not isinstance(number, complex) and number > 0
        return apply("sqrt", Const(number)) if is_square else None
    if _is_variance(total):
        return recipe_of(reduce("std", total.operands[0], total.axes))  # type: ignore[attr-defined]
    if not is_sum(total):
        return _root_of_product(total)
    if (
        len(total.operands) == 2
        and any(map(_is_mean, total.operands))
        and any(constant_value(x) is not None for x in total.operands)
    ):  # what a normalisation divides by: it is computed often, and its squares are moderate
        return None
    roots = [_root_of(x) for x in total.operands]
    if None in roots:
        return None
    return fold(lambda a, b: apply(TWO_SQUARES, a, b), roots)  # type: ignore[arg-type]


def _is_variance(node: Expr) -> bool:
    return isinstance(node, Reduce) and node.function == "var"


def _is_mean(node: Expr) -> bool:
    """Whether a term is a mean over axes."""
    sizes = (base_and_exponent(x) for x, _ in open_product(node).factors)
    return _is_variance(node) or any(isinstance(x, Size) and is_minus(k) for x, k in sizes)


def _root_of_product(term: Expr) -> Expr | None:
    apart = parts_apart(term) if isinstance(term, Einsum) else []
    if len(apart) > 1 and (root := _root_of_parts(term, apart)) is not None:  # type: ignore[arg-type]
        return root
    product = open_product(term)
    if isinstance(product.coefficient, complex) or product.coefficient <= 0:
        return None
    counts: Counter[Factor] = Counter()
    for x, labels in product.factors:
        base, exponent = base_and_exponent(x)
        counts[base, labels] += exponent  # type: ignore[assignment]
    half, outside = [], [(apply("sqrt", Const(product.coefficient)), ())]
    for (x, labels), count in counts.items():
        if isinstance(x, Size) and not labels:
            outside.append((power(x, HALF * count), ()))
        elif isinstance(count, int) and count % 2 == 0:
            half.append((power(x, count // 2), labels))
        elif count == 1 and (root := _root_of(x) if is_sum(x) else None) is not None:
            half.append((root, labels))
        else:
            return None
    labels = tuple(dict.fromkeys(k for _, ls in half for k in ls))
    summed = product.summed()
    if not half or not summed <= set(labels):
        return None
    if summed:
        inner = einsum(half, labels, product.extents)
        norm = reduce("norm", inner, [k for k, x in enumerate(labels) if x in summed])
        half = [(norm, tuple(k for k in labels if k not in summed))]
    return einsum([*half, *outside], product.output, product.extents)


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
        return not is_minus(number) and number != 0
    if isinstance(exponent, int) and exponent > 0 and exponent % 2 == 0:
        return True
    inner = isinstance(base, Einsum) or (isinstance(base, Map) and base.function == "add")
    return isinstance(base, Size) or (exponent == 1 and inner and _is_square(base))


def _root_of_parts(term: Einsum, parts: Sequence[Factor]) -> Expr | None:
    """Return the root of a product of squares of sums: ``w_i x_i w_j x_j`` is one."""
    half = []
    for (x, labels), count in Counter(parts).items():
        number = constant_value(x)
        if count % 2 == 0:
            half.append((power(x, count // 2), labels))
        elif number is not None and not isinstance(number, complex) and number > 0:
            half.append((apply("sqrt", x), labels))
        elif isinstance(x, Size):
            half.append((power(x, HALF * count), labels))
        elif (root := _root_of(x)) is not None:
            half.append((root, labels))
        else:
            return None
    return einsum(half, term.output, dict(enumerate(term.extents)))


# --- divided before it is multiplied ----------------------------------------------------------


def _divided_first(node: Expr, named: Mapping[Expr, Expr], plain: bool = False) -> Expr | None:
    """x / norm(x) -> unit(x); x x / r^3 -> (x / r) (x / r) / r where r is a root of x^2, of y^2 ...

    Where the root is 0 the result is, but for a ``plain`` one.
    """
    if not isinstance(node, Einsum) or not any(_divides_by_root(x, named) for x in _near(node)):
        return None
    product = open_product(node)
    for k, (divisor, _) in enumerate(product.factors):
        base, exponent = base_and_exponent(divisor)
        root = _root_in(base, named)
        if root is None or not isinstance(exponent, int) or exponent >= 0:
            continue
        new = None if plain else _as_directions(product, k, root)
        new = new or _as_shares(product, k, root, named, plain)
        if new is not None:
            return new.build()
    return None


def _as_directions(product: OpenProduct, k: int, root: Expr) -> OpenProduct | None:
    """Divide the entries of a norm by it, the k-th factor."""
    divisor, labels = product.factors[k]
    base, exponent = base_and_exponent(divisor)
    if not isinstance(root, Reduce) or root.function != "norm" or not isinstance(exponent, int):
        return None
    factors = list(product.factors)
    (inner,) = root.operands
    kept = [axis for axis in range(inner.ndim) if axis not in root.axes]
    places = [
        j for j, (x, own) in enumerate(factors)
        if x is inner and tuple(own[axis] for axis in kept) == labels
    ][:-exponent]  # fmt: skip
    for j in places:
        factors[j] = (reduce("unit", inner, root.axes), factors[j][1])
    factors[k] = (power(base, exponent + len(places)), labels)
    return replace(product, factors=tuple(factors)) if places else None


def _as_shares(
    product: OpenProduct, k: int, root: Expr, named: Mapping[Expr, Expr], plain: bool
) -> OpenProduct | None:
    """Divide factors that a root is made of by it, the k-th factor, if there is more than one."""
    divisor, labels = product.factors[k]
    base, exponent = base_and_exponent(divisor)
    assert isinstance(exponent, int)
    squares = set(_made_of(root))
    found: list[tuple[int, int]] = []
    for j, (x, own) in enumerate(product.factors):
        inner, count = base_and_exponent(x)
        whole = substitute(inner, named) if named else inner
        if whole in squares and set(labels) <= set(own) and isinstance(count, int) and count > 0:
            found.append((j, count))
    if exponent == -1 and sum(count for _, count in found) < 2:
        return None
    chosen = isinstance(base, Map) and base.function == "where"
    safe = base if chosen or plain else nonzero(Infix(base)).expr
    factors, left = list(product.factors), -exponent
    for j, count in found:
        used = min(count, left)
        x, own = base_and_exponent(factors[j][0])[0], factors[j][1]
        share = apply(SHARE, x, _along(safe, labels, x, own))
        factors[j] = (multiply(power(share, used), power(x, count - used)), own)
        left -= used
    if not found:
        return _into_terms(product, k, squares)
    factors[k] = (power(base, -left), labels)
    return replace(product, factors=tuple(factors))


def _into_terms(product: OpenProduct, k: int, squares: set[Expr]) -> OpenProduct | None:
    """Multiply the terms of a sum by what divides it, the k-th factor, if the root is made of
    factors of theirs: ``(w x - u x) / r^2``."""
    divisor, labels = product.factors[k]
    for j, (total, own) in enumerate(product.factors):
        if not is_sum(total) or len(total.operands) > MAX_TERMS or not set(labels) <= set(own):
            continue
        inside = (x for term in total.operands for x, _ in open_product(term).factors)
        if squares.isdisjoint(base_and_exponent(x)[0] for x in inside):
            continue
        extents = dict(zip(own, total.dims, strict=True))
        terms = [
            einsum([(divisor, labels), (x, own if x.ndim else ())], own, extents)
            for x in total.operands
        ]
        rest = [f for i, f in enumerate(product.factors) if i not in (j, k)]
        return replace(product, factors=(*rest, (sum_of(terms, total.dims), own)))
    return None


def _along(node: Expr, labels: Labels, like: Expr, own: Labels) -> Expr:
    """Repeat a node along those axes of another one that it lacks."""
    return repeat(node, like.dims, [own.index(label) for label in labels]) if labels else node


def _made_of(root: Expr) -> Iterator[Expr]:
    """Yield what a root is made of: the factors of that whose squares it adds."""
    if isinstance(root, Map) and root.function == TWO_SQUARES:
        for x in root.operands:
            yield from _made_of(x)
    elif isinstance(root, Reduce):
        yield from _made_of(root.operands[0])
    else:
        yield root
        for x, _ in open_product(root).factors if isinstance(root, Einsum) else ():
            base, _exponent = base_and_exponent(x)
            yield from _made_of(base) if _root_in(base, {}) is not None else (base,)


def _near(node: Einsum) -> Iterator[Expr]:
    """Yield the factors of a product, and those of products among them."""
    for x in node.operands:
        yield from x.operands if isinstance(x, Einsum) else (x,)


def _divides_by_root(node: Expr, named: Mapping[Expr, Expr]) -> bool:
    base, exponent = base_and_exponent(node)
    return is_minus(exponent) and _root_in(base, named) is not None


def _root_in(base: Expr, named: Mapping[Expr, Expr]) -> Expr | None:
    """Return the root that a value is, or is where that is not 0, or is a name for."""
    root = base.operands[-1] if isinstance(base, Map) and base.function == "where" else base
    root = named.get(root, root)
    is_norm = isinstance(root, Reduce) and root.function == "norm"
    return root if is_norm or (isinstance(root, Map) and root.function == TWO_SQUARES) else None


__all__ = ["Roots", "as_root", "derivatives_at_kinks", "values_of_roots"]
