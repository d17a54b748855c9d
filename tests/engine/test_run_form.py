"""The form to run: equal to the form to read, smaller than it, and never at the cost of digits.

The models and the same formulas in PyTorch are those of ``benchmarks/running.py``.
"""

from __future__ import annotations

import math
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eingrad as eg
from eingrad.calculus.run_form import form_to_run
from eingrad.core.algebra import add, einsum, multiply, repeat
from eingrad.core.expr import Const, Expr, Var, postorder
from eingrad.engine import compile_program

BENCH = runpy.run_path(
    str(Path(__file__).parents[2] / "benchmarks" / "running.py"), run_name="running"
)
PROBLEMS: Mapping[str, Any] = BENCH["problems"](small=True)

pytestmark = pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")


@pytest.mark.parametrize("name", PROBLEMS)
def test_values_and_gradients_are_those_of_pytorch(name: str) -> None:
    pytest.importorskip("torch")
    problem = PROBLEMS[name]
    ours = BENCH["contender"]("eingrad", problem, "float64")()
    theirs = BENCH["contender"]("torch", problem, "float64")()
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        np.testing.assert_allclose(ours[key], value.numpy(), rtol=1e-10, atol=1e-12, err_msg=key)


@pytest.mark.parametrize("name", PROBLEMS)
def test_backward_computes_nothing_larger_than_forward_and_the_results(name: str) -> None:
    _, largest, allowed = BENCH["limits"](PROBLEMS[name])
    assert largest <= allowed


def test_attention_and_its_gradients_are_six_products() -> None:
    b, h, t, k = 2, 3, 40, 16
    for problem in BENCH["attention"](b, h, t, k).values():
        plan = BENCH["eingrad_call"](problem).plan
        assert sum(s.operation.endswith("matmul") for s in plan.steps) == 6
        assert plan.flops <= b * h * (6 * t * t * k + 10 * t * t + 6 * t * k) + 5


@pytest.mark.parametrize("line", [False, True])
def test_a_gated_unit_by_all_that_it_is_made_of_is_products_of_matrices(line: bool) -> None:
    n, d, f = 30, 20, 50
    problem = BENCH["units"](n, d, f)["GLU, a line" if line else "GLU"]
    plan = BENCH["eingrad_call"](problem).plan
    assert plan.flops <= 6 * n * d * f + 20 * n * f


# --- sums in products, at random ---


def random_product(rng: np.random.Generator) -> tuple[Expr, dict[str, np.ndarray], np.ndarray]:
    """Return a product with sums among its factors, arrays, and its value by NumPy."""
    sizes = [int(n) for n in rng.integers(1, 7, size=5)]
    arrays: dict[str, np.ndarray] = {}

    def tensor() -> tuple[Expr, tuple[int, ...]]:
        labels = tuple(int(k) for k in rng.integers(5, size=rng.integers(1, 4)))
        name = f"x{len(arrays)}"
        arrays[name] = rng.normal(size=[sizes[k] for k in labels])
        return Var(name, [sizes[k] for k in labels]), labels

    def value(factors: list[tuple[Expr, tuple[int, ...]]], out: tuple[int, ...]) -> np.ndarray:
        pairs = [a for x, ls in factors for a in (known[x], list(ls))]
        return np.einsum(*pairs, list(out))

    known: dict[Expr, np.ndarray] = {}
    factors: list[tuple[Expr, tuple[int, ...]]] = []
    for _ in range(rng.integers(2, 4)):
        x, labels = tensor()
        known[x] = arrays[x.name]  # type: ignore[attr-defined]
        factors.append((x, labels))
    for _ in range(rng.integers(1, 3)):
        terms, values = [], []
        for _ in range(rng.integers(2, 4)):
            own = [tensor() for _ in range(rng.integers(1, 3))]
            known |= {x: arrays[x.name] for x, _ in own}  # type: ignore[attr-defined]
            terms.append(own)
        union = tuple(sorted({k for own in terms for _, ls in own for k in ls}))
        dims = [sizes[k] for k in union]
        place = {k: n for n, k in enumerate(union)}
        sums = []
        for own in terms:
            kept = tuple(sorted({k for _, ls in own for k in ls}))
            sums.append(repeat(einsum(own, kept), dims, [place[k] for k in kept]))
            shape = [sizes[k] if k in kept else 1 for k in union]
            values.append(value(own, kept).reshape(shape) * np.ones(dims))
        total = add(*sums)
        known[total] = sum(values)  # type: ignore[assignment]
        factors.append((total, union))
    labels = sorted({k for _, ls in factors for k in ls})
    out = tuple(k for k in labels if rng.random() < 0.5)
    return einsum(factors, out), arrays, value(factors, out)


@pytest.mark.parametrize("seed", range(300))
def test_a_product_with_sums_keeps_its_value(seed: int) -> None:
    node, arrays, expected = random_product(np.random.default_rng(seed))
    used = {x.name for x in postorder([node]) if isinstance(x, Var)}
    f = compile_program({"y": node})
    value = f(**{name: x for name, x in arrays.items() if name in used})["y"]
    np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-9)


# --- what stays as it is ---


def entries(node: Expr) -> int:
    """Return how many entries the largest node has."""
    return max(math.prod(x.dims) for x in postorder([node]))  # type: ignore[arg-type]


V, MEAN, G = Var("V", (60, 9)), Var("O", (50, 9)), Var("G", (50, 9))
TOTAL = add(
    repeat(V, (50, 60, 9), (1, 2)), multiply(Const(-1), repeat(MEAN, (50, 60, 9), (0, 2)))
)  # fmt: skip


def test_a_sum_that_is_needed_anyway_is_not_multiplied_out() -> None:
    product = einsum([(G, (0, 2)), (TOTAL, (0, 1, 2))], (0, 1))
    (alone,) = form_to_run([product], int)
    assert entries(alone) == 50 * 60
    assert form_to_run([product, TOTAL], int)[0] is product


def test_what_two_products_share_stays_shared() -> None:
    first, second = (Var(x, (60, 400)) for x in "AB")
    roots = [
        einsum([(G, (0, 2)), (TOTAL, (0, 1, 2)), (x, (1, 3))], (0, 3)) for x in (first, second)
    ]
    new = form_to_run(roots, int)
    sums = [[x for x in postorder([root]) if x.dims == (50, 60)] for root in new]
    assert max(map(entries, new)) < 50 * 60 * 9
    assert len(sums[0]) > 0
    assert set(sums[0]) == set(sums[1])


def test_distances_of_near_points_keep_their_digits() -> None:
    model = eg.parse("D_ij = sum_d((x_id - x_jd)^2)\nL = sum_ij(D_ij^2)")
    x = 1e6 + np.array([[0.0, 0.0], [1e-3, 0.0], [0.0, 2e-3]])
    result = model.grad("L", ["x"]).compile()(x=x)
    apart = x[:, None] - x[None]
    distance = (apart**2).sum(-1)
    np.testing.assert_allclose(result["L"], (distance**2).sum(), rtol=1e-12)
    np.testing.assert_allclose(result["dL/dx"], 8 * (distance[..., None] * apart).sum(1), rtol=1e-9)
