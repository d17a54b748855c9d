"""Constructors that keep expressions in normal form: what every later pass may rely on.

* A product is *light* (numbers, scalars, deltas and at most one tensor: a scaled, transposed,
  repeated or diagonal view) or *heavy* (two tensors or more, or a sum). A heavy product holds no
  scalar, no delta and no label that stands in its output alone: these are in a light one around
  it, so that ``2 A B`` and ``-A B`` share the product ``A B``.
* A delta with a summed label is gone; so are products with 0, factors 1, ``x / x`` and like terms.
* Operands are in one order, labels are numbered in one way: equal products are one node.

Nothing here looks inside a tensor that was computed before: unfolding is `calculus.simplify`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction

from eingrad.core.arrays import (
    Concat,
    Gather,
    Matrix,
    Place,
    Reshape,
    Scatter,
    Slice,
    concat,
    place,
    reshape,
    slice_of,
)
from eingrad.core.expr import (
    Const,
    Delta,
    Dim,
    Einsum,
    Expr,
    Labels,
    Map,
    Number,
    Reduce,
    Size,
    Var,
    exact,
    postorder,
)
from eingrad.errors import ShapeError

Factor = tuple[Expr, Labels]

ZERO, ONE = Const(0), Const(1)
KEEPS_AXES = frozenset({"softmax", "log_softmax", "prod_others"})
COMMUTATIVE = frozenset({"add", "maximum", "minimum", "eq", "ne"})
MAX_REPEATS = 4  # x^4 is a product of four x; a higher power stays a power


# --- products ---------------------------------------------------------------------------------


def einsum(
    operands: Sequence[Factor], output: Labels, extents: Mapping[int, Dim] | None = None
) -> Expr:
    """Return the product of labelled operands, summed over the labels that ``output`` lacks.

    ``extents`` gives the extent of labels that no operand has. A label may repeat in an operand
    and in ``output`` (which builds a diagonal).

    >>> a, b = Var("A", ("i", "j")), Var("B", ("j", "k"))
    >>> einsum([(a, (0, 1)), (b, (1, 2))], (0, 2)).dims
    ('i', 'k')
    >>> einsum([(a, (0, 1)), (Delta("j"), (1, 2))], (0, 2)) is a
    True
    """
    product = _Product(extents or {})
    product.fresh = 1 + max((k for _, ls in operands for k in ls), default=-1)
    product.fresh = max(product.fresh, 1 + max([*output, *product.extents], default=-1))
    for operand, labels in operands:
        product.multiply(operand, labels)
    return product.build(product.split_repeats(output))


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
                self.coefficient = exact(self.coefficient * operand.value)  # type: ignore[operator]
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
            return zeros(tuple(self.extents[k] for k in output))
        deltas = self._eliminate_deltas(output)
        factors = _collect_powers(self.factors)
        present = {k for _, labels in factors for k in labels}
        present.update(k for pair in deltas for k in pair)
        scalars = [f for f in factors if not f[1]]
        for label in sorted(self.occurred):
            if label not in output and label not in present:
                scalars.append((size(self.extents[label]), ()))  # sum_i(1) -> size(i)
        if any(isinstance(x, Const) for x, _ in scalars):
            for x, _ in scalars:
                if isinstance(x, Const):
                    self.coefficient = exact(self.coefficient * x.value)  # type: ignore[operator]
            scalars = [f for f in scalars if not isinstance(f[0], Const)]
        scalars = _collect_powers(scalars)
        tensors = [f for f in factors if f[1]]
        core = _heavy(tensors, output, self.extents)
        return _light(self.coefficient, scalars, deltas, core, output, self.extents)

    def _eliminate_deltas(self, output: Labels) -> list[Labels]:
        """Rename a summed label of a delta to its partner; return the deltas that stay."""
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


def _heavy(factors: list[Factor], output: Labels, extents: Mapping[int, Dim]) -> Factor | None:
    """Return the product of tensors as one factor, over the output labels that they have."""
    if not factors:
        return None
    present = {k for _, labels in factors for k in labels}
    result = tuple(k for k in output if k in present)
    if len(factors) == 1 and set(factors[0][1]) <= set(output):
        return factors[0]  # a view
    factors = _canonical_order(factors, result)
    number = {label: k for k, label in enumerate(result)}
    for _, labels in factors:
        for label in labels:
            number.setdefault(label, len(number))
    node = Einsum(
        [x for x, _ in factors],
        [tuple(number[k] for k in ls) for _, ls in factors],
        tuple(range(len(result))),
        [extents[label] for label in number],
    )
    return node, result


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
    tensors = sum(1 for x in node.operands if x.ndim and not isinstance(x, Delta))
    if tensors == 0 and not node.output:
        return True
    return tensors <= 1


def _collect_powers(factors: Sequence[Factor]) -> list[Factor]:
    """Multiply powers of one base: ``x x^-1 -> 1``, ``x^-1 x^-1 -> x^-2``; keep ``x x``."""
    exponents: dict[tuple[Expr, Labels], Number] = {}
    for factor, labels in factors:
        base, exponent = base_and_exponent(factor)
        key = (base, labels)
        exponents[key] = exact(exponents.get(key, 0) + exponent)  # type: ignore[operator]
    result: list[Factor] = []
    for (base, labels), exponent in exponents.items():
        if isinstance(exponent, int) and 0 <= exponent <= MAX_REPEATS:
            result += [(base, labels)] * exponent
        else:
            result.append((_power_node(base, exponent), labels))
    return result


def base_and_exponent(factor: Expr) -> tuple[Expr, Number]:
    """Read ``x^k`` as (x, k) for a number k; anything else has the exponent 1."""
    if isinstance(factor, Map) and factor.function == "pow":
        base, exponent = factor.operands
        if isinstance(exponent, Const) and not isinstance(base, Const):
            return base, exponent.value
    return factor, 1


def _canonical_order(factors: list[Factor], output: Labels) -> list[Factor]:
    """Sort operands by what they are and how their labels connect them, whatever their order."""
    color = {label: k for k, label in enumerate(output)}
    for _, labels in factors:
        for label in labels:
            color.setdefault(label, -1)
    for _ in range(2 if len(factors) > 1 else 0):
        seen: dict[int, list[int]] = {label: [] for label in color}
        for factor, labels in factors:
            around = tuple(color[k] for k in labels)
            for axis, label in enumerate(labels):
                seen[label].append(hash((factor.digest, axis, around)))
        color = {k: hash((color[k], *sorted(seen[k]))) for k in color}
    return sorted(factors, key=lambda f: (f[0].digest, tuple(color[k] for k in f[1])))


# --- views of a product -----------------------------------------------------------------------


def identity_labels(node: Expr) -> Labels:
    """Return 0, 1, ... for the axes of a node."""
    return tuple(range(node.ndim))


def scale_of(node: Expr) -> tuple[Number, Expr]:
    """Split a number off a product: ``-2 x`` is (-2, x)."""
    if isinstance(node, Const):
        return node.value, ONE
    if isinstance(node, Einsum) and node.operands and isinstance(node.operands[0], Const):
        rest = list(zip(node.operands[1:], node.inputs[1:], strict=True))
        extents = dict(enumerate(node.extents))
        return node.operands[0].value, einsum(rest, node.output, extents)
    return 1, node


def constant_value(node: Expr) -> Number | None:
    """Return c where every entry of ``node`` is the number c, else None."""
    if isinstance(node, Const):
        return node.value
    if isinstance(node, Einsum) and len(node.operands) == 1 and isinstance(node.operands[0], Const):
        return node.operands[0].value
    return None


def is_zero(node: Expr) -> bool:
    """Whether every entry is the number 0."""
    return constant_value(node) == 0


def full(value: Number, dims: Sequence[Dim]) -> Expr:
    """Return the tensor whose every entry is ``value``."""
    if not dims:
        return Const(value)
    return Einsum([Const(value)], [()], tuple(range(len(dims))), dims)


def zeros(dims: Sequence[Dim]) -> Expr:
    """Return the tensor of zeros."""
    return full(0, dims)


def size(dim: Dim) -> Expr:
    """Return an extent as a number."""
    return Size(dim) if isinstance(dim, str) else Const(dim)


def repeat(node: Expr, dims: Sequence[Dim], axes: Sequence[int]) -> Expr:
    """Repeat ``node`` to ``dims``; its axes are ``axes`` of the result."""
    return einsum([(node, tuple(axes))], tuple(range(len(dims))), dict(enumerate(dims)))


def transpose(node: Expr, axes: Sequence[int]) -> Expr:
    """Permute axes: axis k of the result is ``axes[k]`` of ``node``."""
    return einsum([(node, identity_labels(node))], tuple(axes))


def sum_over(node: Expr, axes: Iterable[int]) -> Expr:
    """Sum over axes."""
    dropped = set(axes)
    labels = identity_labels(node)
    return einsum([(node, labels)], tuple(k for k in labels if k not in dropped))


def mean_over(node: Expr, axes: Iterable[int]) -> Expr:
    """Sum over axes and divide by their extents."""
    axes = list(axes)
    count = multiply(*(size(node.dims[k]) for k in axes)) if axes else ONE
    return multiply(sum_over(node, axes), power(count, -1))


# --- element-wise -----------------------------------------------------------------------------


def multiply(*operands: Expr) -> Expr:
    """Return the element-wise product; scalars are repeated."""
    dims = max((x.dims for x in operands), key=len)
    labels = tuple(range(len(dims)))
    return einsum(
        [(x, labels if x.ndim else ()) for x in operands], labels, dict(enumerate(dims))
    )


def add(*terms: Expr) -> Expr:
    """Return the sum of terms with the same axes (a scalar is repeated), like terms collected.

    >>> x = Var("x", ("i",))
    >>> add(x, multiply(Const(-1), x)) is zeros(("i",))
    True
    """
    dims = max((x.dims for x in terms), key=len)
    total: dict[Expr, Number] = {}
    for term in terms:
        coefficient, rest = scale_of(_as_scalar(term))
        total[rest] = exact(total.get(rest, 0) + coefficient)  # type: ignore[operator]
    kept = [multiply(Const(c), rest) for rest, c in total.items() if c != 0]
    kept = [_as_scalar(x) for x in kept]
    if not kept:
        return zeros(dims)
    if len(kept) == 1:
        return broadcast_scalar(kept[0], dims)
    return broadcast_scalar(_map("add", kept), dims)


def subtract(a: Expr, b: Expr) -> Expr:
    """Return ``a - b``."""
    return add(a, multiply(Const(-1), b))


def divide(a: Expr, b: Expr) -> Expr:
    """Return ``a / b``."""
    return multiply(a, power(b, -1))


def broadcast_scalar(node: Expr, dims: Sequence[Dim]) -> Expr:
    """Repeat a scalar to ``dims``; a tensor stays as it is."""
    return repeat(node, dims, ()) if dims and not node.ndim else node


def _as_scalar(node: Expr) -> Expr:
    """Return the scalar that ``node`` repeats, if it does nothing else."""
    if isinstance(node, Einsum) and node.ndim and is_light(node) and not any(node.inputs):
        return einsum(list(zip(node.operands, node.inputs, strict=True)), ())
    return node


def power(base: Expr, exponent: Number) -> Expr:
    """Return ``base ** exponent`` for a number, spread over the factors of a product.

    >>> x = Var("x", ("i",))
    >>> multiply(power(x, -1), x) is full(1, ("i",))
    True
    """
    exponent = exact(exponent)
    if exponent == 1:
        return base
    if exponent == 0:
        return full(1, base.dims)
    value = constant_value(base)
    if value is not None and (folded := _fold_power(value, exponent)) is not None:
        return full(folded, base.dims)
    if isinstance(exponent, int):
        if isinstance(base, Einsum) and len(base.extents) == len(base.output):
            factors = [
                (power(x, exponent) if not isinstance(x, Delta) or exponent < 0 else x, ls)
                for x, ls in zip(base.operands, base.inputs, strict=True)
            ]
            if exponent > 0 or not any(isinstance(x, Delta) for x in base.operands):
                return einsum(factors, base.output, dict(enumerate(base.extents)))
        inner, inner_exponent = base_and_exponent(base)
        if inner is not base and isinstance(inner_exponent, int):
            return power(inner, inner_exponent * exponent)
        if 2 <= exponent <= MAX_REPEATS:
            return multiply(*[base] * exponent)
    return _power_node(base, exponent)


def _power_node(base: Expr, exponent: Number) -> Expr:
    return base if exponent == 1 else _map("pow", [base, Const(exponent)])


def _fold_power(value: Number, exponent: Number) -> Number | None:
    """Return ``value ** exponent`` where it is exact."""
    if value == 1:
        return 1
    if isinstance(exponent, int) and isinstance(value, int | Fraction) and abs(exponent) <= 64:
        return None if value == 0 and exponent < 0 else exact(Fraction(value) ** exponent)
    return None


EXACT_VALUES: dict[tuple[str, Number], Number] = {
    ("exp", 0): 1, ("log", 1): 0, ("log1p", 0): 0, ("expm1", 0): 0, ("sqrt", 0): 0,
    ("sqrt", 1): 1, ("sin", 0): 0, ("cos", 0): 1, ("tan", 0): 0, ("tanh", 0): 0,
    ("sinh", 0): 0, ("cosh", 0): 1, ("erf", 0): 0, ("relu", 0): 0, ("abs", 0): 0, ("sign", 0): 0,
}  # fmt: skip


def apply(function: str, *operands: Expr) -> Expr:
    """Return an element-wise function of operands with the same axes; scalars are repeated."""
    dims = max((x.dims for x in operands), key=len)
    if function == "add":
        return add(*operands)
    if function == "square":
        return power(operands[0], 2)
    if function == "pow" and (exponent := constant_value(operands[1])) is not None:
        return power(operands[0], exponent)
    if len(operands) == 1 and (value := constant_value(operands[0])) is not None:
        known = EXACT_VALUES.get((function, value))
        if known is not None:
            return full(known, dims)
    return broadcast_scalar(_map(function, [_as_scalar(x) for x in operands]), dims)


def _map(function: str, operands: Sequence[Expr]) -> Expr:
    """Return a Map; axes along which every operand is repeated are left out and put around it."""
    dims = max((x.dims for x in operands), key=len)
    for x in operands:
        if x.ndim and x.dims != dims:
            raise ShapeError(f"{function} of tensors with axes {dims} and {x.dims}")
    ranked = [x for x in operands if x.ndim]
    if ranked and all(isinstance(x, Einsum) and is_light(x) for x in ranked):
        repeated = set.intersection(*(_repeated_axes(x) for x in ranked))
        if repeated:
            axes = tuple(k for k in range(len(dims)) if k not in repeated)
            inner = [_without_axes(x, repeated) if x.ndim else x for x in operands]
            return repeat(apply(function, *inner), dims, axes)
    if function in COMMUTATIVE:
        operands = sorted(operands, key=lambda x: x.digest)
    return Map(function, operands)


def _repeated_axes(node: Expr) -> set[int]:
    assert isinstance(node, Einsum)
    present = {k for labels in node.inputs for k in labels}
    return {axis for axis, label in enumerate(node.output) if label not in present}


def _without_axes(node: Expr, axes: set[int]) -> Expr:
    assert isinstance(node, Einsum)
    output = tuple(label for axis, label in enumerate(node.output) if axis not in axes)
    return einsum(list(zip(node.operands, node.inputs, strict=True)), output, {
        k: node.extents[k] for k in output
    })  # fmt: skip


def reduce(function: str, node: Expr, axes: Iterable[int]) -> Expr:
    """Return a function over axes; ``sum`` and ``mean`` are products."""
    axes = sorted(set(axes))
    if function == "sum":
        return sum_over(node, axes)
    if function == "mean":
        return mean_over(node, axes)
    if not axes and function in {"max", "min", "prod", "logsumexp"}:
        return node
    return Reduce(function, node, axes, function in KEEPS_AXES)


# --- rewriting --------------------------------------------------------------------------------


def rebuild(node: Expr, operands: Sequence[Expr]) -> Expr:
    """Return ``node`` over new operands, in normal form."""
    if all(a is b for a, b in zip(node.operands, operands, strict=True)):
        return node
    if isinstance(node, Einsum):
        pairs = list(zip(operands, node.inputs, strict=True))
        return einsum(pairs, node.output, dict(enumerate(node.extents)))
    if isinstance(node, Map):
        return broadcast_scalar(apply(node.function, *operands), node.dims)
    if isinstance(node, Reduce):
        return reduce(node.function, operands[0], node.axes)
    if isinstance(node, Reshape):
        return reshape(operands[0], [int(d) for d in node.dims])
    if isinstance(node, Slice):
        return slice_of(operands[0], node.ranges)
    if isinstance(node, Place):
        return place(operands[0], node.ranges, node.dims)
    if isinstance(node, Concat):
        return concat(operands, node.axis)
    if isinstance(node, Gather):
        return Gather(operands[0], operands[1:], node.sources, node.output)
    if isinstance(node, Scatter):
        return Scatter(operands[0], operands[1:], node.sources, node.output, node.dims)
    if isinstance(node, Matrix):
        return Matrix(node.function, operands[0])
    raise TypeError(f"cannot rebuild a {type(node).__name__}")


def rewrite(roots: Sequence[Expr], rule: Callable[[Expr], Expr | None]) -> list[Expr]:
    """Apply ``rule`` to every node, operands first; None leaves the node as it is."""
    new: dict[Expr, Expr] = {}
    for node in postorder(roots):
        built = rebuild(node, [new[x] for x in node.operands]) if node.operands else node
        changed = rule(built)
        new[node] = built if changed is None else changed
    return [new[root] for root in roots]


def substitute(root: Expr, values: Mapping[Expr, Expr]) -> Expr:
    """Put other expressions in the place of nodes."""
    if not values:
        return root
    new: dict[Expr, Expr] = {}
    for node in postorder([root]):
        if node in values:
            new[node] = values[node]
        else:
            new[node] = rebuild(node, [new[x] for x in node.operands]) if node.operands else node
    return new[root]


class Term:
    """An expression under Python's operators, so that a formula reads as on paper.

    >>> y = Term(Var("y", ("i",)))
    >>> (y * (1 - y)).expr.dims
    ('i',)
    """

    __slots__ = ("expr",)

    def __init__(self, expr: Expr) -> None:
        self.expr = expr

    def __add__(self, other: Term | Number) -> Term:
        return Term(add(self.expr, _expr(other)))

    def __sub__(self, other: Term | Number) -> Term:
        return Term(subtract(self.expr, _expr(other)))

    def __rsub__(self, other: Number) -> Term:
        return Term(subtract(_expr(other), self.expr))

    def __mul__(self, other: Term | Number) -> Term:
        return Term(multiply(self.expr, _expr(other)))

    def __truediv__(self, other: Term | Number) -> Term:
        return Term(divide(self.expr, _expr(other)))

    def __rtruediv__(self, other: Number) -> Term:
        return Term(divide(_expr(other), self.expr))

    def __pow__(self, exponent: Number) -> Term:
        return Term(power(self.expr, exponent))

    def __neg__(self) -> Term:
        return Term(multiply(Const(-1), self.expr))

    __radd__ = __add__
    __rmul__ = __mul__

    def __call__(self, function: str, *others: Term | Number) -> Term:
        """Apply an element-wise function: ``x("tanh")``."""
        return Term(apply(function, self.expr, *map(_expr, others)))


def _expr(value: Term | Number) -> Expr:
    return value.expr if isinstance(value, Term) else Const(value)


__all__ = [
    "ONE", "ZERO", "Factor", "Term", "Var", "add", "apply", "base_and_exponent",
    "broadcast_scalar", "constant_value", "divide", "einsum", "full", "identity_labels",
    "is_light", "is_zero", "mean_over", "multiply", "power", "rebuild", "reduce", "repeat",
    "rewrite", "scale_of", "size", "substitute", "subtract", "sum_over", "transpose", "zeros",
]  # fmt: skip
