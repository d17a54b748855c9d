"""Products in normal form: one node for equal products, whatever their order and nesting.

* A product is *light* (numbers, scalars, deltas and at most one tensor: a scaled, transposed,
  repeated or diagonal view) or *heavy* (two tensors or more, or a sum). A heavy product holds no
  scalar, no delta and no label that stands in its output alone: these are in a light one around
  it, so that ``2 A B`` and ``-A B`` share the product ``A B``.
* A heavy product is flat: ``A (B C)`` is ``A B C``, its transpose the product with other labels.
  What shares no label with the rest is a scalar: ``sum_ij(x_i y_j)`` is two sums.
* A delta with a summed label is gone; so are products with 0, factors 1 and ``x / x``.
* Conditions on the same labels are one mask, or a delta, or make the product 0 (`masks`).
* Operands are in one order, labels are numbered in one way (`labelling`).

What runs is not flat, so that ``A B`` is computed once where several products need it: see
`shared_products`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

from eingrad.core.bands import Band, equal_by_bands, once_each_band
from eingrad.core.expr import Const, Delta, Dim, Einsum, Expr, Labels, Map, Number, Size, exact
from eingrad.core.labelling import Factor, connected, ordered
from eingrad.core.masks import both_ways, condition_of, is_symmetric_mask, join_masks
from eingrad.errors import ShapeError

MAX_REPEATS = 4  # x^4 is a product of four x; a higher power stays a power
RECENT = 4096  # products that are looked up before they are built: half of them were just there
MAX_FACTORS = 128  # a product that would have more factors keeps those that are products

_shares: ContextVar[bool] = ContextVar("shares", default=False)


@contextmanager
def shared_products() -> Iterator[None]:
    """Leave a heavy product whole where it is a factor of another one: graphs that run share it.

    >>> from eingrad.core.algebra import einsum
    >>> from eingrad.core.expr import Var
    >>> a, b = (Var(name, ("i", "i")) for name in "AB")
    >>> ab = einsum([(a, (0, 1)), (b, (1, 2))], (0, 2))
    >>> with shared_products():
    ...     len(einsum([(ab, (0, 1)), (a, (1, 2))], (0, 2)).operands)
    2
    >>> len(einsum([(ab, (0, 1)), (a, (1, 2))], (0, 2)).operands)
    3
    """
    token = _shares.set(True)
    try:
        yield
    finally:
        _shares.reset(token)


def shares() -> bool:
    """Whether products are left whole at the moment."""
    return _shares.get()


def product(
    operands: Sequence[Factor], output: Labels, extents: Mapping[int, Dim] | None = None
) -> Expr:
    """Return the product of labelled operands, summed over the labels that ``output`` lacks.

    ``extents`` gives the extent of labels that no operand has. A label may repeat in an operand
    and in ``output`` (which builds a diagonal).
    """
    factors = tuple([(x, tuple(labels)) for x, labels in operands])
    return _built(factors, tuple(output), tuple(extents.items()) if extents else (), _shares.get())


@lru_cache(RECENT)
def _built(
    operands: tuple[Factor, ...], output: Labels, extents: tuple[tuple[int, Dim], ...], _whole: bool
) -> Expr:
    """Return the product; whether products are left whole is part of the question."""
    result = _Product(dict(extents))
    used = [k for _, labels in operands for k in labels]
    result.fresh = 1 + max([*used, *output, *result.extents], default=-1)
    for operand, labels in operands:
        result.multiply(operand, labels)
    node = result.build(result.split_repeats(output))
    if isinstance(node, Einsum) and not _shares.get():
        node.is_normal = True
    return node


class _Product:
    """A product under construction: a number, deltas, and powers of labelled factors."""

    def __init__(self, extents: Mapping[int, Dim]) -> None:
        self.extents: dict[int, Dim] = dict(extents)
        self.coefficient: Number = 1
        self.deltas: list[Labels] = []
        self.factors: list[Factor] = []
        self.occurred: set[int] = set()
        self.fresh = 0

    def multiply(self, operand: Expr, labels: Labels) -> None:
        """Multiply by an operand; what is light is taken apart."""
        stack = [(operand, labels)]
        while stack:
            operand, labels = stack.pop()
            if len(labels) != operand.ndim:
                raise ShapeError(f"{len(labels)} labels for a tensor with {operand.ndim} axes")
            self.occurred.update(labels)
            for label, dim in zip(labels, operand.dims, strict=True):
                known = self.extents.setdefault(label, dim)
                if known != dim:
                    raise ShapeError(f"a label stands for both {known} and {dim}")
            if isinstance(operand, Const):
                self.coefficient = exact(self.coefficient * operand.value)
            elif isinstance(operand, Delta):
                self.deltas.append(labels)
            elif isinstance(operand, Einsum) and is_light(operand):
                inner = dict(zip(operand.output, labels, strict=True))
                stack.extend(
                    (x, tuple(inner[k] for k in ls))
                    for x, ls in zip(operand.operands, operand.inputs, strict=True)
                )
            else:
                self.factors.append((operand, labels))

    def split_repeats(self, output: Labels) -> Labels:
        """Turn a label that repeats in ``output`` into a delta with a fresh label."""
        result: list[int] = []
        for label in output:
            if label in result:
                self.extents[self.fresh] = self.extents[label]
                self.deltas.append((label, self.fresh))
                label, self.fresh = self.fresh, self.fresh + 1
            result.append(label)
        return tuple(result)

    def build(self, output: Labels) -> Expr:
        if self.coefficient == 0:
            return full(0, [self.extents[k] for k in output])
        deltas = self._eliminate_deltas(output)
        factors = _collect_powers(self.factors)
        if not _shares.get() and self._opened(factors, output):
            factors = _collect_powers(self.factors)
        if len([x for x, _ in factors if x.moves and isinstance(x, Band)]) > 1:
            equal = equal_by_bands(factors)
            while equal:
                self.deltas = [*deltas, *equal]
                deltas = self._eliminate_deltas(output)
                factors = once_each_band(_collect_powers(self.factors))
                self.factors = factors
                equal = equal_by_bands(factors)
            factors = once_each_band(factors)
        if [x for x, _ in factors if x.has_places and condition_of(x) is not None]:
            joined = self._with_masks(factors, deltas, output)
            if joined is None:
                return full(0, [self.extents[k] for k in output])
            factors, deltas = joined
        present = {k for _, labels in factors for k in labels}
        present.update(k for pair in deltas for k in pair)
        scalars = [f for f in factors if not f[1]]
        for label in sorted(self.occurred.difference(output, present)):
            scalars.append((size(self.extents[label]), ()))  # sum_i(1) -> size(i)
        tensors = [f for f in factors if f[1]]
        if not _shares.get():
            apart, tensors = self._apart(self._without_quotients(tensors, output), output)
            scalars += apart
        for x, _ in scalars:
            if isinstance(x, Const):
                self.coefficient = exact(self.coefficient * x.value)
        scalars = _collect_powers([f for f in scalars if not isinstance(f[0], Const)])
        core = _heavy(tensors, output, self.extents) if tensors else None
        return _light(self.coefficient, scalars, deltas, core, output, self.extents)

    def _with_masks(
        self, factors: list[Factor], deltas: list[Labels], output: Labels
    ) -> tuple[list[Factor], list[Labels]] | None:
        """Join the masks of the same labels; None where they exclude each other."""
        while (joined := join_masks(factors, output)) is not None:
            self.factors, equal = joined
            if not equal:
                return self.factors, deltas
            self.deltas = [*deltas, *equal]
            deltas = self._eliminate_deltas(output)
            factors = _collect_powers(self.factors)
        return None

    # --- products of products -----------------------------------------------------------------

    def _opened(self, factors: list[Factor], output: Labels) -> bool:
        """Put the factors of heavy products in their place; return whether there were any."""
        tensors = [f for f in factors if f[1]]
        if not [x for x, _ in tensors if _parts(x)]:
            return False
        if len(tensors) == 1 and _is_whole(*tensors[0], output):
            return False
        if _count(x for x, _ in tensors) > MAX_FACTORS:
            return False
        self.factors = [f for f in factors if not f[1]]
        stack = tensors[::-1]
        while stack:
            x, labels = stack.pop()
            parts = _parts(x)
            for inner in parts:
                stack += self._inside(inner, labels)[::-1]
            if not parts:
                self.factors.append((x, labels))
        return True

    def _inside(self, node: Einsum, labels: Labels) -> list[Factor]:
        """Return the factors of a product, with fresh labels for what it sums."""
        name = dict(zip(node.output, labels, strict=True))
        for label in node.summed:
            name[label] = self.fresh
            self.extents[self.fresh] = node.extents[label]
            self.occurred.add(self.fresh)
            self.fresh += 1
        pairs = zip(node.operands, node.inputs, strict=True)
        return [(x, tuple(name[k] for k in ls)) for x, ls in pairs]

    def _without_quotients(self, factors: list[Factor], output: Labels) -> list[Factor]:
        """Let ``s_b^-1`` cancel the factors whose sum is ``s_b``; so for other powers of sums."""
        for power, labels in [f for f in factors if is_power(f[0])]:
            base, exponent = base_and_exponent(power)
            if base is power or not isinstance(base, Einsum) or len(set(labels)) < len(labels):
                continue
            order = tuple(dict.fromkeys(k for k in (*output, *labels) if k in labels))
            core = (product([(base, labels)], order), order)
            rest = [f for f in factors if f != (power, labels)]
            summed = _labels(rest).difference(output, labels)
            groups = [own for _, own in connected(summed, rest)]
            same = [own for own in groups if _labels(own) - summed == set(labels)
                    and _heavy(own, order, self.extents) == core]  # fmt: skip
            if same:
                used = [f for own in same for f in own]
                rest = [f for f in rest if f not in used]
                rest += self._power(core, exact(exponent + len(same)))
                return self._without_quotients(rest, output)
        return factors

    def _power(self, core: Factor, exponent: Number) -> list[Factor]:
        """Return the factors of a power of a product."""
        node, labels = core
        if isinstance(exponent, int) and 0 <= exponent <= MAX_REPEATS:
            assert isinstance(node, Einsum)
            return [f for _ in range(exponent) for f in self._inside(node, labels)]
        return [(Map("pow", [node, Const(exponent)]), labels)]

    def _apart(self, factors: list[Factor], output: Labels) -> tuple[list[Factor], list[Factor]]:
        """Split off scalars: factors that share no label with the output, however far away.

        Sums that stand there more than `MAX_REPEATS` times are powers.
        """
        summed = _labels(factors).difference(output)
        if not summed:
            return [], factors
        groups = [own for _, own in connected(summed, factors)]
        rest = [f for f in factors if summed.isdisjoint(f[1])]
        scalars: list[Factor] = []
        alike: dict[Factor, list[list[Factor]]] = {}
        for own in groups:
            if _labels(own).isdisjoint(output):
                scalars.append((_heavy(own, (), self.extents)[0], ()))
            elif len(groups) > MAX_REPEATS:
                alike.setdefault(_heavy(own, output, self.extents), []).append(own)
            else:
                rest += own
        for core, same in alike.items():
            if len(same) > MAX_REPEATS:
                rest += self._power(core, len(same))
            else:
                rest += [f for own in same for f in own]
        return scalars, rest

    def _eliminate_deltas(self, output: Labels) -> list[Labels]:
        """Rename a summed label of a delta to its partner; return the deltas that stay."""
        if not self.deltas:
            return []
        name: dict[int, int] = {}

        def find(label: int) -> int:
            while label in name:
                label = name[label]
            return label

        keep: list[Labels] = []
        rank = {label: k for k, label in enumerate(output)}
        for pair in self.deltas:
            p, q = (find(k) for k in pair)
            if p == q:
                continue
            if q in rank and (p not in rank or rank[q] < rank[p]):
                p, q = q, p
            name[q] = p  # sum_q(delta_pq x_q) -> x_p; delta_pq x_q -> delta_pq x_p
            if q in rank:
                keep.append((p, q))
        self.factors = [(x, tuple(find(k) for k in ls)) for x, ls in self.factors]
        self.occurred.difference_update(name)
        return sorted({(find(p), q) for p, q in keep})


def _heavy(factors: list[Factor], output: Labels, extents: Mapping[int, Dim]) -> Factor:
    """Return the product of tensors as one factor, over the output labels that they have."""
    present = {k for _, labels in factors for k in labels}
    result = tuple(k for k in output if k in present)
    if len(factors) == 1 and set(factors[0][1]) <= set(output):
        return factors[0]  # a view
    masks = [f for f in factors if f[0].has_places and is_symmetric_mask(f[0])]
    factors = ordered(both_ways(factors) if masks else factors, result)
    number = {label: k for k, label in enumerate(result)}
    for _, labels in sorted(factors, key=lambda f: is_symmetric_mask(f[0])) if masks else factors:
        for label in labels:
            number.setdefault(label, len(number))
    if masks:
        factors = [f for f in factors if not is_symmetric_mask(f[0]) or _ascends(f[1], number)]
    node = Einsum(
        [x for x, _ in factors],
        [tuple(number[k] for k in ls) for _, ls in factors],
        tuple(range(len(result))),
        [extents[label] for label in number],
    )
    return node, result


def _ascends(labels: Labels, number: Mapping[int, int]) -> bool:
    return number[labels[0]] < number[labels[1]]


def _light(
    coefficient: Number,
    scalars: list[Factor],
    deltas: list[Labels],
    core: Factor | None,
    output: Labels,
    extents: Mapping[int, Dim],
) -> Expr:
    """Return ``coefficient * scalars * deltas * core``, itself if that is nothing but the core."""
    if coefficient == 1 and not scalars and not deltas and core and core[1] == output:
        return core[0]
    if not output and not deltas and core is None and coefficient == 1 and len(scalars) == 1:
        return scalars[0][0]
    if not output and not scalars and core is None:
        return Const(coefficient)
    if not output and core is not None:
        scalars, core = _collect_powers([*scalars, core]), None
    if coefficient == 1 and not output and not deltas and core is None and len(scalars) == 1:
        return scalars[0][0]
    operands: list[Factor] = []
    if coefficient != 1 or not (scalars or deltas or core):
        operands.append((Const(coefficient), ()))
    operands += sorted(scalars, key=lambda f: f[0].digest)
    number = {label: k for k, label in enumerate(output)}
    dim_of = [extents[label] for label in output]
    for pair in deltas:
        operands.append((Delta(extents[pair[0]]), pair))
    if core is not None:
        operands.append(core)
    return Einsum(
        [x for x, _ in operands],
        [tuple(number[k] for k in ls) for _, ls in operands],
        tuple(range(len(output))),
        dim_of,
    )


def is_light(node: Expr) -> bool:
    """Whether a product sums nothing and has at most one operand that is a tensor."""
    if not isinstance(node, Einsum) or len(node.extents) > len(node.output):
        return False
    return len([x for x in node.operands if x.ndim and not isinstance(x, Delta)]) <= 1


def _is_whole(node: Expr, labels: Labels, output: Labels) -> bool:
    """Whether a product is flat, and repeated or scaled at most: it stays as it is."""
    places = [output.index(k) for k in labels if k in output]
    flat = not isinstance(node, Einsum) or not any(map(_parts, node.operands))
    return flat and len(places) == len(labels) and places == sorted(set(places))


def _count(nodes: Iterable[Expr]) -> int:
    """Count the factors of products and of the products in them, up to `MAX_FACTORS`."""
    stack, count = list(nodes), 0
    while stack and count <= MAX_FACTORS:
        parts = _parts(stack.pop())
        count += not parts
        for inner in parts:
            stack += inner.operands
    return count


def _parts(node: Expr) -> list[Einsum]:
    """Return the products that a factor stands for: itself, or the base of a power of a sum."""
    if not isinstance(node, Einsum) and not is_power(node):
        return []
    base, exponent = base_and_exponent(node)
    if not isinstance(base, Einsum) or not isinstance(exponent, int) or exponent < 1:
        return []
    return [base] * min(exponent, MAX_FACTORS + 1)


def _labels(factors: Iterable[Factor]) -> set[int]:
    return {k for _, labels in factors for k in labels}


def _collect_powers(factors: Sequence[Factor]) -> list[Factor]:
    """Multiply powers of one base: ``x x^-1 -> 1``, ``x^-1 x^-1 -> x^-2``; keep ``x x``.

    A mask times itself, or its inverse, is the mask.
    """
    if len(set(factors)) == len(factors) and not [x for x, _ in factors if is_power(x)]:
        return list(factors)
    exponents: dict[tuple[Expr, Labels], Number] = {}
    masks = {f for f in factors if condition_of(f[0]) is not None}
    for factor, labels in factors:
        base, exponent = base_and_exponent(factor)
        key = (base, labels)
        exponents[key] = 1 if key in masks else exact(exponents.get(key, 0) + exponent)
    result: list[Factor] = []
    for (base, labels), exponent in exponents.items():
        if isinstance(exponent, int) and 0 <= exponent <= MAX_REPEATS:
            result += [(base, labels)] * exponent
        else:
            power = base if exponent == 1 else Map("pow", [base, Const(exponent)])
            result.append((power, labels))
    return result


def is_power(factor: Expr) -> bool:
    """Whether a factor is a power, of whatever exponent."""
    return isinstance(factor, Map) and factor.function == "pow"


def base_and_exponent(factor: Expr) -> tuple[Expr, Number]:
    """Read ``x^k`` as (x, k) for a number k; anything else has the exponent 1."""
    if isinstance(factor, Map) and factor.function == "pow":
        base, exponent = factor.operands
        if isinstance(exponent, Const) and not isinstance(base, Const):
            return base, exponent.value
    return factor, 1


def full(value: Number, dims: Sequence[Dim]) -> Expr:
    """Return the tensor whose every entry is ``value``."""
    if not dims:
        return Const(value)
    return Einsum([Const(value)], [()], tuple(range(len(dims))), dims)


def size(dim: Dim) -> Expr:
    """Return an extent as a number."""
    return Size(dim) if isinstance(dim, str) else Const(dim)
