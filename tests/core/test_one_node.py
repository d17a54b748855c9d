"""Equal products and sums are one object, unequal ones are not."""

from __future__ import annotations

from random import Random

import numpy as np
import oracle
import pytest
from drawn_products import SEED, TENSORS, N, arrays, count, draw, looped, written_anew

from eingrad import parse
from eingrad.core.algebra import add, apply, einsum, is_light, multiply, negate, power, transpose
from eingrad.core.arrays import matrix_function
from eingrad.core.expr import Const, Delta, Einsum, Expr, postorder
from eingrad.core.labelling import _Labelling
from eingrad.core.product import shared_products

ORDERS = 12
S, X, Y, A, B, T = TENSORS
Graph = list[tuple[int, int]]


def value(node: Expr, values: dict[str, np.ndarray]) -> np.ndarray:
    return np.asarray(oracle.evaluate(node, values, {"n": N}))


def test_a_product_is_one_node_whatever_its_order_nesting_and_labels() -> None:
    rng = Random(f"products {SEED}")
    for k in range(count("PRODUCTS", 450)):
        factors, output = draw(rng)
        nodes = {written_anew(rng, factors, output) for _ in range(ORDERS)}
        assert len(nodes) == 1, f"EINGRAD_SEED={SEED}, product {k}: {factors} -> {output}"


def test_products_have_the_values_of_a_loop_and_unequal_ones_are_two_nodes() -> None:
    """One label is changed: the nodes are the same where the values are, and nowhere else."""
    rng = Random(f"near misses {SEED}")
    values = arrays(rng)
    equal = 0
    for k in range(count("PRODUCTS", 450) // 3):
        factors, output = draw(rng)
        node, expected = einsum(factors, output), looped(factors, output, values)
        np.testing.assert_allclose(value(node, values), expected, rtol=1e-9, atol=1e-9)
        labels = sorted({k for _, own in factors for k in own})
        j = rng.randrange(len(factors))
        x, own = factors[j]
        if not own:
            continue
        axis = rng.randrange(len(own))
        near = (x, (*own[:axis], rng.choice(labels), *own[axis + 1 :]))
        others = [*factors[:j], near, *factors[j + 1 :]]
        if not set(output) <= {k for _, ls in others for k in ls}:
            continue
        same = bool(np.allclose(looped(others, output, values), expected, rtol=1e-9, atol=0))
        equal += same
        at = f"EINGRAD_SEED={SEED}, product {k}: {factors} and {near} -> {output}"
        assert (einsum(others, output) is node) == same, at
    assert equal  # not all of them differ


def of_graph(edges: Graph, both: bool = True) -> list[tuple[Expr, tuple[int, int]]]:
    """Return A_ij for each edge, and A_ji, so that no direction tells labels apart."""
    return [(A, pair) for a, b in edges for pair in [(a, b), (b, a)][: 1 + both]]


def circle(*vertices: int) -> Graph:
    return list(zip(vertices, (*vertices[1:], vertices[0]), strict=True))


LADDER = [*circle(0, 1, 2, 3), *circle(4, 5, 6, 7), *((k, k + 4) for k in range(4))]
TWISTED = [*circle(0, 1, 2, 3, 4, 5, 6, 7), *((k, k + 4) for k in range(4))]
NEAR_MISSES = {
    "a circle of six, two of three": (circle(0, 1, 2, 3, 4, 5), circle(0, 1, 2) + circle(3, 4, 5)),
    "a circle of seven, of three and four": (
        circle(*range(7)), circle(0, 1, 2) + circle(3, 4, 5, 6),
    ),
    "a cube, a twisted ladder": (LADDER, TWISTED),
    "a prism, a complete bipartite graph": (
        [*circle(0, 1, 2), *circle(3, 4, 5), (0, 3), (1, 4), (2, 5)],
        [(a, b) for a in range(3) for b in range(3, 6)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("graphs", NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_graphs_whose_labels_meet_alike_are_told_apart(graphs: tuple[Graph, Graph]) -> None:
    rng = Random(SEED)
    one, other = ({written_anew(rng, of_graph(g), ()) for _ in range(4)} for g in graphs)
    assert len(one) == len(other) == 1
    assert one != other
    left, right = (value(nodes.pop(), arrays(Random(1))) for nodes in (one, other))
    assert not np.isclose(left, right)


FRUCHT = [7, 11, 10, 5, 9, 3, 8, 0, 6, 4, 2, 1]
SYMMETRIC = {
    "a ring of 20": (circle(*range(20)), False, 60),
    "a ring of 40": (circle(*range(40)), False, 120),
    "a ring of 20, both ways": (circle(*range(20)), True, 60),
    "a hypercube": ([(k, k ^ 1 << d) for k in range(16) for d in range(4)], False, 120),
    "everything with everything": ([(a, b) for a in range(7) for b in range(a)], True, 60),
    "20 rings of three": (
        [pair for k in range(20) for pair in circle(3 * k, 3 * k + 1, 3 * k + 2)], False, 60,
    ),
    "a star of stars": (
        [(0, k) for k in range(1, 9)] + [(k, 10 * k + j) for k in range(1, 9) for j in range(6)],
        False, 0,
    ),
    "Frucht's graph, regular without a symmetry": (
        circle(*range(12)) + [(a, b) for a, b in enumerate(FRUCHT) if a < b], True, 60,
    ),
    "Petersen's graph": (
        [*circle(*range(5)), *circle(5, 7, 9, 6, 8), *((k, k + 5) for k in range(5))], True, 120,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("graph", "both", "most"), SYMMETRIC.values(), ids=SYMMETRIC)
def test_symmetric_products_are_one_node_after_few_splits(
    graph: Graph, both: bool, most: int
) -> None:
    rng = Random(f"symmetric {SEED}")
    factors = of_graph(graph, both)
    assert len({written_anew(rng, factors, ()) for _ in range(3)}) == 1
    labelling = _Labelling(rng.sample(factors, len(factors)), ())
    labelling.places()
    assert labelling.splits <= most


def test_products_of_many_equal_factors() -> None:
    rng = Random(f"equal {SEED}")
    dots = [(x, (k,)) for k in range(20) for x in (X, Y)]
    assert einsum(dots, ()) is power(einsum([(X, (0,)), (Y, (0,))], ()), 20)
    spokes = [f for k in range(1, 21) for f in ((A, (0, k)), (X, (k,)))]
    assert len({written_anew(rng, spokes, (0,)) for _ in range(3)}) == 1
    beyond = [(A, (k, k + 1)) for k in range(300)]  # more than are opened: whole, but right
    whole = einsum([(einsum(beyond[:150], (0, 150)), (0, 150)), *beyond[150:]], (0, 300))
    assert whole.dims == ("n", "n")


# --- sums -------------------------------------------------------------------------------------


def nested_sum(rng: Random, terms: list[Expr]) -> Expr:
    """Add terms in a random order, with random brackets, some of them subtracted twice."""
    terms = rng.sample(terms, len(terms))
    while len(terms) > 1:
        size = rng.randint(1, len(terms))
        inner, terms = terms[:size], terms[size:]
        if rng.random() < 0.3:
            total = negate(add(*map(negate, inner)))
        elif rng.random() < 0.3 and all(x.ndim == 2 for x in inner):
            total = transpose(add(*(transpose(x, (1, 0)) for x in inner)), (1, 0))
        else:
            total = add(*inner)
        terms.append(total)
    return terms[0]


def test_a_sum_is_one_node_whatever_its_order_and_nesting() -> None:
    rng = Random(f"sums {SEED}")
    atoms = [A, B, transpose(A, (1, 0)), multiply(A, B), multiply(Const(3), B), apply("exp", A)]
    for k in range(count("PRODUCTS", 450) // 3):
        terms = [multiply(Const(rng.randint(-2, 3) or 1), x) for x in rng.choices(atoms, k=6)]
        nodes = {nested_sum(rng, terms) for _ in range(ORDERS)}
        assert len(nodes) == 1, f"EINGRAD_SEED={SEED}, sum {k}: {terms}"


SAME = [
    ("y_i = x_i (u_i v_i)", "y_i = (v_i x_i) u_i"),
    ("y_i = A_ij (B_jk x_k)", "y_i = (A_ij B_jk) x_k"),
    ("L = sum_i(x_i sum_j(A_ij y_j))", "L = x_i A_ij y_j"),
    ("L = sum_i(x_i) sum_j(y_j)", "L = sum_ij(x_i y_j)"),
    ("L = sum_i(x_i y_i)^7", "L = x_i y_i x_j y_j (x_k y_k) x_a y_a x_b y_b x_c y_c x_d y_d"),
    ("y_i = a_i + (b_i + c_i)", "y_i = (c_i + a_i) + b_i"),
    ("y_i = -(a_i + b_i)", "y_i = -a_i - b_i"),
    ("y_i = exp(-(a_i + b_i))", "y_i = exp(-a_i - b_i)"),
    ("y_i = a_i - (b_i - (c_i - 2 d_i))", "y_i = c_i - b_i - 2 d_i + a_i"),
    ("L = det_ij(A_ij)", "L = det_ij(A_ji)"),
    ("y_b = c_b A_bo x_o / (A_bp x_p)", "y_b = c_b"),
    ("L = c_b A_bo x_o / sum_p(A_bp x_p)", "L = sum_b(c_b)"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_texts_of_the_same_formula(one: str, other: str) -> None:
    left, right = (next(iter(parse(x).system.definitions.values())) for x in (one, other))
    assert left.expr is right.expr


def test_the_difference_of_equal_products_is_zero() -> None:
    model = parse("L = sum_i(x_i (y_i z_i)) - sum_i((x_i y_i) z_i)")
    assert model.system.definitions["L"].expr is Const(0)


@pytest.mark.parametrize("n", [3, 6, 10, 14])
def test_like_terms_of_a_trace_meet(n: int) -> None:
    letters = "abcdefghijklmno"
    ring = " ".join(f"A_{letters[k]}{letters[(k + 1) % n]}" for k in range(n))
    gradient = parse(f"L = {ring}").grad("L", ["A"])
    assert str(gradient["A"]).startswith(f"dL/dA_ab = {n} A_")
    a = np.random.default_rng(n).normal(size=(3, 3))
    expected = n * np.linalg.matrix_power(a, n - 1).T
    np.testing.assert_allclose(gradient.compile()(A=a)["dL/dA"], expected, rtol=1e-9)


# --- what a node is made of -------------------------------------------------------------------


def test_light_and_heavy_products_share_the_contraction() -> None:
    ab = einsum([(A, (0, 1)), (B, (1, 2))], (0, 2))
    for light in (
        multiply(Const(2), ab),
        multiply(S, ab),
        einsum([(ab, (0, 2))], (0, 1, 2), {1: 4}),
    ):
        assert is_light(light)
        assert ab in light.operands
    assert {x for x in postorder([negate(ab)]) if isinstance(x, Einsum)} == {negate(ab), ab}
    diagonal = einsum([(ab, (0, 1)), (Delta("n"), (0, 1))], (0,))
    assert diagonal is einsum([(A, (0, 1)), (B, (1, 0))], (0,))


def test_what_runs_keeps_products_whole() -> None:
    ab = einsum([(A, (0, 1)), (B, (1, 2))], (0, 2))
    with shared_products():
        kept = einsum([(ab, (0, 1)), (A, (1, 2))], (0, 2))
    assert ab in kept.operands
    assert einsum([(kept, (0, 1))], (0, 1)) is einsum(
        [(A, (0, 1)), (B, (1, 2)), (A, (2, 3))], (0, 3)
    )


def test_powers_of_sums_cancel_wherever_they_stand() -> None:
    ax = einsum([(A, (0, 1)), (X, (1,))], (0,))
    flat = [(A, (0, 1)), (X, (1,)), (Y, (0,))]
    assert einsum([*flat, (power(ax, -1), (0,))], (0,)) is Y
    assert einsum([*flat, (power(ax, -1), (0,))], ()) is einsum([(Y, (0,))], ())
    squared = einsum([*flat, (A, (0, 2)), (X, (2,)), (power(ax, -1), (0,))], (0,))
    assert squared is multiply(ax, Y)
    kept = einsum([*flat, (power(einsum([(B, (0, 1)), (X, (1,))], (0,)), -1), (0,))], (0,))
    values = arrays(Random(2))
    a, b, x, y = (values[name] for name in "ABxy")
    np.testing.assert_allclose(value(kept, values), (a @ x) * y / (b @ x), rtol=1e-9)


def test_functions_of_turned_matrices() -> None:
    turned = transpose(A, (1, 0))
    assert matrix_function("logdet", turned) is matrix_function("logdet", A)
    assert matrix_function("inv", turned) is transpose(matrix_function("inv", A), (1, 0))
    assert matrix_function("cholesky", turned) is not matrix_function("cholesky", A)
