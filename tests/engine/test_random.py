"""Random graphs of every node, against the oracle."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from oracle import evaluate
from seeds import seeded

from eingrad.core.algebra import add, apply, einsum, full, multiply, power, reduce
from eingrad.core.expr import Const, Delta, Einsum, Expr, Size, Var, postorder, variables
from eingrad.core.functions import COMPARISONS, keeps_axes
from eingrad.engine import compile_program, passes

SIZES = {"i": 3, "j": 4, "k": 2, "l": 5}
UNARY = ["sigmoid", "tanh", "softplus", "relu", "elu", "gelu", "silu", "leaky_relu", "sin", "abs"]
OVER_AXES = [
    "softmax", "log_softmax", "logsumexp", "max", "min", "prod", "norm", "prod_others", "cumsum",
    "reverse_cumsum",
]  # fmt: skip
Dims = tuple[str, ...]


class Graphs:
    """Draws expressions."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seeded(seed))

    def one_of(self, items):
        return items[self.rng.integers(len(items))]

    def dims(self) -> Dims:
        return tuple(self.one_of("ijkl") for _ in range(self.rng.integers(4)))

    def expr(self, dims: Dims, depth: int) -> Expr:
        if depth == 0 or self.rng.random() < 0.1:
            return self.leaf(dims)
        kinds = [self.sum, self.unary, self.choice, self.over_axes, self.product, self.product]
        return self.one_of(kinds)(dims, depth - 1)

    def leaf(self, dims: Dims) -> Expr:
        kind = self.rng.integers(4)
        if kind == 0 and len(dims) == 2 and dims[0] == dims[1]:
            return Delta(dims[0])
        if kind == 1:
            return full(int(self.rng.integers(-2, 4)), dims)
        return Var(f"V{''.join(dims)}{self.rng.integers(3)}", dims)

    def sum(self, dims: Dims, depth: int) -> Expr:
        return add(*[self.expr(dims, depth) for _ in range(self.rng.integers(2, 4))])

    def unary(self, dims: Dims, depth: int) -> Expr:
        return apply(self.one_of(UNARY), self.expr(dims, depth))

    def choice(self, dims: Dims, depth: int) -> Expr:
        x, y = self.expr(dims, depth), self.expr(dims, depth)
        if self.rng.random() < 0.3:
            return apply("maximum", x, y)
        above = self.expr(dims, depth) if self.rng.random() < 0.5 else Const(1)
        below = self.expr(dims, depth) if self.rng.random() < 0.5 else Const(0)
        return apply("where", apply(self.one_of(sorted(COMPARISONS)), x, y), above, below)

    def over_axes(self, dims: Dims, depth: int) -> Expr:
        name = self.one_of(OVER_AXES)
        if keeps_axes(name):
            if not dims:
                return Const(2)
            count = int(self.rng.integers(1, len(dims) + 1))
            axes = self.one_of(list(combinations(range(len(dims)), count)))
            return reduce(name, self.expr(dims, depth), axes)
        count = int(self.rng.integers(1, 3))
        axes = self.one_of(list(combinations(range(len(dims) + count), count)))
        rest = iter(dims)
        inner = [self.one_of("ijkl") if k in axes else next(rest) for k in range(len(dims) + count)]
        return reduce(name, self.expr(tuple(inner), depth), axes)

    def product(self, dims: Dims, depth: int) -> Expr:
        extents = dict(enumerate(dims))
        for _ in range(self.rng.integers(3)):
            extents[len(extents)] = self.one_of("ijkl")
        operands = []
        for _ in range(self.rng.integers(1, 4)):
            count = self.rng.integers(0, min(3, len(extents)) + 1)
            labels = tuple(self.one_of(list(extents)) for _ in range(count))
            operands.append((self.expr(tuple(extents[k] for k in labels), depth), labels))
        if self.rng.random() < 0.3:
            operands.append((Const(Fraction(int(self.rng.integers(-3, 4)), 2)), ()))
        if self.rng.random() < 0.2:
            x = self.expr(dims, depth)
            labels = tuple(range(len(dims)))
            operands.append((power(add(multiply(x, x), Const(1)), -1), labels))
        return einsum(operands, tuple(range(len(dims))), extents)


def all_dims(*roots: Expr) -> set[str]:
    found: set[str] = set()
    for node in postorder(roots):
        found.update(d for d in node.dims if isinstance(d, str))
        if isinstance(node, Size):
            found.add(node.dim)
        if isinstance(node, Einsum):
            found.update(d for d in node.extents if isinstance(d, str))
    return found


@pytest.mark.parametrize("block", range(10))
def test_random_graphs(block):
    for seed in range(60 * block, 60 * (block + 1)):
        graphs = Graphs(seed)
        dims = graphs.dims()
        roots = {name: graphs.expr(dims, int(graphs.rng.integers(1, 5))) for name in "ab"}
        wanted = Var("sizes", sorted(all_dims(*roots.values())))
        found = [*variables(*roots.values()), wanted]
        arrays = {v.name: graphs.rng.normal(size=[SIZES[str(d)] for d in v.dims]) for v in found}
        with np.errstate(all="ignore"):
            results = compile_program({**roots, "sizes": wanted})(**arrays)
        for name, node in roots.items():
            expected = evaluate(node, arrays, SIZES)
            assert results[name].shape == expected.shape, seed
            np.testing.assert_allclose(
                results[name], expected, rtol=1e-7, atol=1e-7, err_msg=f"seed {seed}"
            )


@pytest.mark.parametrize("block", range(6))
def test_random_updates(block, monkeypatch):
    monkeypatch.setattr(passes, "WORTH_ACCUMULATING", 1)
    for seed in range(50 * block, 50 * (block + 1)):
        graphs = Graphs(seed)
        targets = [Var(f"V{''.join(dims)}{k}", dims) for k, dims in enumerate([("i", "j")] * 3)]
        updates: dict[str, Expr] = {}
        for v in targets:
            change = graphs.expr(v.dims, int(graphs.rng.integers(1, 4)))
            if graphs.rng.random() < 0.7:
                left, right = Var("P", ("i", "k")), Var("Q", ("j", "k"))
                number = Const(int(graphs.rng.integers(-2, 3)))
                change = einsum([(left, (0, 2)), (right, (1, 2)), (number, ())], (0, 1))
            factor = Const(graphs.one_of([1, 1, 2, Fraction(1, 2)]))
            updates[v.name] = add(multiply(factor, v), change)
            if graphs.rng.random() < 0.4 and len(updates) > 1:
                updates[v.name] = add(updates[v.name], graphs.one_of([*updates.values()][:-1]))
        outputs = {"y": add(*targets, graphs.expr(("i", "j"), 2))}
        if graphs.rng.random() < 0.2:
            outputs["new"] = updates[targets[0].name]
        wanted = Var("sizes", sorted(all_dims(*outputs.values(), *updates.values())))
        found = [*variables(*outputs.values(), *updates.values()), wanted]
        arrays = {v.name: graphs.rng.normal(size=[SIZES[str(d)] for d in v.dims]) for v in found}
        expected = {n: evaluate(x, arrays, SIZES) for n, x in {**outputs, **updates}.items()}
        kept = {v.name: v for v in variables(*updates.values(), *outputs.values())}
        present = {n: x for n, x in updates.items() if n in kept}
        with np.errstate(all="ignore"):
            results = compile_program({**outputs, "sizes": wanted}, updates=present)(**arrays)
        for name in [*outputs, *present]:
            got = arrays[name] if name in present else results[name]
            np.testing.assert_allclose(
                got, expected[name], rtol=1e-7, atol=1e-7, err_msg=f"seed {seed}: {name}"
            )
