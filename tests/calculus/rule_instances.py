"""Instances of a rule's left side, and their values.

`instances` puts something in the place of each name of a text: tensors, products, sums and
functions, with a batch axis or without, over one axis a label or two, with extents that are names
or integers; a diagonal, a transposed view, what does not have the label, the same for two names.
`surrounded` says where such an instance may stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product

import numpy as np

from eingrad.calculus.matching import Axes, Env
from eingrad.calculus.pattern import Applied, Form, Hole, Times, parts_of
from eingrad.core.algebra import add, apply, einsum, multiply
from eingrad.core.evaluate import evaluate
from eingrad.core.expr import Const, Dim, Einsum, Expr, Labels, Var, postorder
from eingrad.core.functions import MATRIX_FUNCTIONS
from eingrad.core.product import shared_products

NUMBERS = {"< 0": (-1, -2, -3, Fraction(-1, 2)), "even": (2, 4, -2, 6), "": (2, 3, -1, 5)}
FILLINGS = ("name", "scaled", "product", "sum", "function", "diagonal", "view", "constant", "same")
EXTENTS = {"i": 3, "j": 2, "b": 2}


def numbers_of(form: Form) -> set[str]:
    """Return the names that stand for numbers: exponents."""
    powers = (x for x in parts_of(form.left) if isinstance(x, Times))
    return {e.name for x in powers for _, e in x.parts if isinstance(e, Hole)}


def is_matrix_rule(form: Form) -> bool:
    """Whether labels of a form are the axes of matrices, one each."""
    calls = (
        x for side in (form.left, form.right) for x in parts_of(side) if isinstance(x, Applied)
    )
    return any(x.function in MATRIX_FUNCTIONS for x in calls)


def instances(form: Form) -> Iterator[tuple[str, Expr, Env, Axes]]:
    """Yield (what it is, the left side, what its names stand for)."""
    for filling, batch, wide, whole in product(
        FILLINGS, (False, True), (False, True), (False, True)
    ):
        if wide and is_matrix_rule(form):
            continue
        dims: dict[str, Dim] = {k: n if whole else k for k, n in EXTENTS.items()}
        axes = Axes()
        names = {label for x in parts_of(form.left) if isinstance(x, Hole) for label in x.labels}
        matrices = is_matrix_rule(form)
        labels: dict[str, Labels] = {}
        for name in sorted(names | labels_of(form)):
            own = (dims["i"], dims["j"]) if wide else (dims["i"],)
            labels[name] = axes.fresh(own)
        outer = axes.fresh([dims["b"]]) if batch else ()
        env = Env({}, labels)
        where = f"{filling}{', batch' * batch}{', two axes a label' * wide}{', integers' * whole}"
        holes = {x.name: x for x in parts_of(form.left) if isinstance(x, Hole)}
        numbers = numbers_of(form)
        for n, name in enumerate(sorted(holes)):
            if name in numbers:
                continue
            env = fill(env, axes, holes[name], filling, outer, n, matrices)
            if form.condition == (name, "condition"):
                x = env.holes[name]
                env = env.fill(holes[name], (apply("gt", x.node, Const(Fraction(1, 2))), x.labels))
        choices = NUMBERS["" if not numbers or form.condition is None else form.condition[1]]
        for k in choices if numbers else (None,):
            own = env
            for name in numbers:
                assert k is not None
                own = env.fill(Hole(name), (Const(k), ()))
            at = axes.build(form.left, own)
            if len(set(at[1])) == len(at[1]):
                yield f"{where}{'' if k is None else f', k = {k}'}", at[0], own, axes


def labels_of(form: Form) -> set[str]:
    """Return all labels of both sides."""
    result: set[str] = set()
    for x in (x for side in (form.left, form.right) for x in parts_of(side)):
        for field in ("labels", "bound", "out", "summed"):
            result.update(getattr(x, field, ()))
    return result


def fill(
    env: Env, axes: Axes, hole: Hole, filling: str, outer: Labels, n: int, matrices: bool
) -> Env:
    """Put something in a name's place: its axes are those of its labels, and the batch's."""
    own = tuple(k for name in hole.labels for k in env.labels[name])
    labels = (*outer, *own)
    dims = axes.dims(labels)
    name = "u" if filling == "same" else "uvw"[n]
    tensor: Expr = Var(name, dims)
    match filling:
        case "scaled":
            tensor = multiply(Const(-2), tensor)
        case "product":
            tensor = multiply(tensor, Var("p", dims))
            if dims and not matrices:
                tensor = einsum([(tensor, labels), (Var("q", dims[:1]), labels[:1])], labels)
        case "sum":
            tensor = add(tensor, Var("p", dims), Const(1) if not matrices else Var("q", dims))
        case "function":
            tensor = apply("tanh", tensor) if not matrices else apply("exp", tensor)
        case "diagonal" if dims and not matrices:
            tensor = einsum([(Var(name, (*dims, dims[-1])), (*labels, labels[-1]))], labels)
        case "view" if len(dims) > 1:
            tensor = einsum([(Var(name, dims[::-1]), labels[::-1])], labels)
        case "constant" if own and not (matrices and len(own) > 1):
            labels = outer
            tensor = Var(name, axes.dims(outer))
    return env.fill(hole, (tensor, labels))


def surrounded(node: Expr) -> Iterator[tuple[str, Expr]]:
    """Yield an instance alone, beside other factors, summed with one or around a product that stays
    whole, and beside other terms.
    """
    yield "alone", node
    yield "scaled by a scalar", multiply(Const(3), Var("s", ()), node)
    if node.ndim:
        other = Var("f", (*node.dims[-1:], "z"))
        last = node.ndim - 1
        yield (
            "beside a factor",
            einsum(
                [(node, tuple(range(node.ndim))), (other, (last, node.ndim))],
                (*range(node.ndim), node.ndim),
            ),
        )
        yield (
            "summed with a factor",
            einsum(
                [(node, tuple(range(node.ndim))), (other, (last, node.ndim))],
                (*range(last), node.ndim),
            ),
        )
    if isinstance(node, Einsum) and node.summed:
        yield "summed outside a product that stays whole", summed_outside(node)
    yield "in a sum", add(multiply(Const(-3), node), Var("g", node.dims))


def summed_outside(node: Einsum) -> Expr:
    """Return ``sum_iz(P_iz h_z)`` for ``sum_i(left_i)``, where the product P is left_i f_z."""
    kept, z = (*node.output, *node.summed), len(node.extents)
    f, h = Var("f", ("z",)), Var("h", ("z",))
    factors = list(zip(node.operands, node.inputs, strict=True))
    extents = dict(enumerate((*node.extents, "z")))
    with shared_products():
        inner = einsum([*factors, (f, (z,))], (*kept, z), extents)
        return einsum([(inner, (*kept, z)), (h, (z,))], node.output, extents)


def values(nodes: Sequence[Expr], rng: np.random.Generator) -> list[np.ndarray]:
    """Return the values of several nodes at one random point."""
    sizes: dict[Dim, int] = {**EXTENTS, "z": 2}
    known: dict[Expr, np.ndarray] = {}
    with np.errstate(all="ignore"):
        for node in postorder(nodes):
            if isinstance(node, Var):
                shape = [d if isinstance(d, int) else sizes[d] for d in node.dims]
                low = rng.choice([-1.5, 0.2])
                known[node] = rng.uniform(low, 1.5, shape)
            else:
                operands = [known[x] for x in node.operands]
                known[node] = evaluate(node, operands, sizes, {}, np.float64)
    return [known[node] for node in nodes]
