"""Paths: their cost, that gradients share the forward tree, and how long planning takes."""

from __future__ import annotations

import numpy as np
import opt_einsum as oe
import pytest
from counting import calls
from seeds import seeded

from eingrad.api.einsum.contract_path import contract_path
from eingrad.api.einsum.einsum import einsum

Shapes = list[tuple[int, ...]]


def chain(n: int, sizes: list[int]) -> tuple[str, Shapes]:
    c = [oe.get_symbol(k) for k in range(n + 1)]
    text = ",".join(c[k] + c[k + 1] for k in range(n)) + f"->{c[0]}{c[n]}"
    return text, [(sizes[k], sizes[k + 1]) for k in range(n)]


def network(n: int, seed: int) -> tuple[str, Shapes]:
    """A connected graph of n tensors with about three legs each."""
    rng = np.random.default_rng(seeded(seed))
    edges = [(int(rng.integers(0, k)), k) for k in range(1, n)]
    edges += [tuple(sorted(rng.choice(n, 2, replace=False).tolist())) for _ in range(n // 2)]
    terms = [[oe.get_symbol(k) for k, e in enumerate(edges) if v in e] for v in range(n)]
    sizes = {oe.get_symbol(k): int(s) for k, s in enumerate(rng.integers(2, 4, len(edges)))}
    return ",".join(map("".join, terms)) + "->", [tuple(sizes[c] for c in t) for t in terms]


def test_the_numbers_of_a_chain() -> None:
    plan = contract_path("ij,jk,kl->il", (10, 20), (20, 30), (30, 5))
    assert plan.flops == 20 * 30 * 5 + 10 * 20 * 5
    assert plan.gradient_flops == 2 * plan.flops
    assert plan.largest_intermediate == 100
    assert plan.largest_gradient_intermediate == 600
    assert str(plan).endswith(
        "FLOPs: forward 4,000; all gradients 8,000 (2.00 times forward)\n"
        "largest intermediate: forward 100 entries; gradients 600"
    )


# fmt: off
TREES: list[tuple[str, Shapes]] = [
    chain(10, [20] * 11),
    chain(30, [3, 7, 2, 9] * 7 + [4, 5, 6]),
    ("ijk,ilm,njm,nlk->", [(8, 8, 8)] * 4),
    ("ab,bc,cd,de,ef,fa->", [(9, 9)] * 6),
    ("abc,ia,jb,kc->ijk", [(5, 6, 7), (8, 5), (9, 6), (10, 7)]),
    network(20, 0),
    network(30, 1),
]
# fmt: on


@pytest.mark.parametrize(("text", "shapes"), TREES)
def test_all_gradients_cost_about_twice_the_forward_pass(text: str, shapes: Shapes) -> None:
    plan = contract_path(text, *shapes)
    assert plan.gradient_flops <= 2.1 * plan.flops


def test_an_operand_that_is_summed_first() -> None:
    plan = contract_path("ij,kl->k", (3, 4), (5, 6))
    assert sorted(step.equation for step in plan.steps) == ["ij->", "kl->k"]


def test_sizes_do_not_overflow() -> None:
    n = 10**20
    plan = contract_path("ij,jk->ik", (n, n), (n, n))
    assert plan.flops == n**3
    assert plan.shape == (n, n)


def test_sizes_of_more_digits_than_python_writes() -> None:
    plan = contract_path("ij,jk->ik", (10**5000, 2), (2, 3))
    assert plan.flops == 6 * 10**5000
    assert "6.000e+5000" in str(plan)
    assert "(1.000e+5000, 3)" in str(plan)


def test_lists_and_arrays_are_taken() -> None:
    plan = contract_path((2, 3), [0, 1], (3, 4), [1, 2])
    assert plan.flops == contract_path("ij,jk", np.ones((2, 3)), [3, 4]).flops == 24


def test_what_is_planned_is_what_runs() -> None:
    rng = np.random.default_rng(0)
    text, shapes = network(12, 3)
    arrays = [rng.normal(size=shape) for shape in shapes]
    expected = oe.contract(text, *arrays)
    np.testing.assert_allclose(einsum(text, *arrays), expected, rtol=1e-9)


def test_thirty_operands_take_little() -> None:
    for seed in range(5):
        text, shapes = network(30, seed)
        assert calls(lambda text=text, shapes=shapes: contract_path(text, *shapes)) < 500_000


def test_the_work_for_a_chain_is_linear() -> None:
    def work(n: int) -> int:
        text, shapes = chain(n, [2 + k % 5 for k in range(n + 1)])
        return calls(lambda: contract_path(text, *shapes))

    assert work(800) < 4 * 1.1 * work(200)
    text, shapes = chain(2000, [2 + k % 5 for k in range(2001)])
    plan = contract_path(text, *shapes)
    assert len(plan.steps) == 1999
    assert "and 1,959 more" in str(plan)


def test_no_path_is_much_worse_than_opt_einsums() -> None:
    for seed in range(8):
        text, shapes = network(9 + seed, seed)
        best = oe.contract_path(text, *shapes, shapes=True, optimize="auto-hq")[1]
        assert contract_path(text, *shapes).flops <= 0.6 * int(best.opt_cost)  # it counts double
