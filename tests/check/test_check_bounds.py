"""What a check may take: sizes by the rank of the tensors, and a limit on memory that it names."""

from __future__ import annotations

import string
import tracemalloc
from collections.abc import Sequence
from itertools import combinations

import mpmath
import numpy as np
import pytest
from counting import calls

import eingrad as eg
from eingrad.check.derived import Derived
from eingrad.check.points import MOST_BYTES, MOST_ENTRIES, PLANS, Points
from eingrad.core.algebra import einsum
from eingrad.core.evaluate import Array, entries, evaluate, library_function
from eingrad.core.expr import Expr, Var, postorder
from eingrad.core.functions import FUNCTIONS
from eingrad.notation.lower import lower
from eingrad.notation.parse import parse_statements


def _outer(order: int) -> tuple[str, str, str]:
    labels = string.ascii_lowercase[:order]
    vectors = " ".join(f"x{k}_{label}" for k, label in enumerate(labels))
    return f"T_{labels} = {vectors}", f"T_{labels}", vectors


def _peak(text: str, claim: str) -> tuple[eg.Verdict | eg.EingradError, int]:
    """Check a claim; return what came of it, and how many bytes it took at most."""
    model = eg.parse(text)
    tracemalloc.start()
    try:
        return model.check(claim), tracemalloc.get_traced_memory()[1]
    except eg.EingradError as error:
        return error, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("factor", ["", "2 "])
@pytest.mark.parametrize("order", range(10, 27, 2))
def test_an_outer_product_of_any_order_is_judged_or_refused(order: int, factor: str) -> None:
    text, left, vectors = _outer(order)
    found, peak = _peak(text, f"{left} = {factor}{vectors}")
    if isinstance(found, eg.Verdict) and found.outcome == "not judged":
        assert f"{8 * MOST_ENTRIES:,} bytes" in found.reason
        assert order > 14
    elif isinstance(found, eg.Verdict):
        assert found.ok == (not factor)
        assert factor == "" or "factor 2 too many" in found.reason
    else:
        assert isinstance(found, eg.MemoryLimitError)
        assert f"{8 * MOST_ENTRIES:,} bytes" in found.reason
        assert order > 14
    assert peak < 2 * MOST_BYTES


def test_an_extent_is_told_from_a_number_and_from_another_extent_at_high_rank() -> None:
    labels = string.ascii_lowercase[:12]
    model = eg.parse(f"L = mean_{labels}(T_{labels})")
    sizes = [f"size({label})" for label in labels]
    right = " / ".join(["1", *sizes])
    head = f"dL/dT_{labels} = "
    assert model.check(head + right).ok
    assert not model.check(head + right.replace("size(c)", "2")).ok
    for p, q in [(0, 1), (10, 11)]:
        changed = [sizes[q] if k == p else size for k, size in enumerate(sizes)]
        assert not model.check(head + " / ".join(["1", *changed])).ok


@pytest.mark.parametrize("order", [3, 8, 12, 15])
def test_no_two_dimensions_have_the_same_size_in_every_plan(order: int) -> None:
    derived = Derived(lower(parse_statements(_outer(order)[0])))
    points = Points(derived, [derived.exprs["T"]])
    plans = [points.apart(plan) for plan in range(PLANS)]
    found = {dim: [sizes[dim] for sizes in plans] for dim in points.dims}
    assert all(set(sizes) - {2} for sizes in found.values())
    assert all(found[p] != found[q] for p, q in combinations(points.dims, 2))
    assert order > 14 or max(entries(derived.exprs["T"], sizes) for sizes in plans) <= MOST_ENTRIES


@pytest.mark.parametrize("count", [20, 24])
def test_a_ring_of_equal_matrices_takes_little_memory(count: int) -> None:
    letters = (string.ascii_letters)[:count]
    ring = " ".join(f"A_{letters[k]}{letters[(k + 1) % count]}" for k in range(count))
    found, peak = _peak(f"L = {ring}", f"L = 2 {ring}")
    assert isinstance(found, eg.Verdict)
    assert "factor 2 too many" in found.reason
    assert peak < 32 << 20


@pytest.mark.parametrize(
    ("inputs", "output"),
    [
        ([(0, 1), (1, 2), (2, 3), (3, 0)], ()),
        ([(0, 1), (2, 3), (1, 2)], (3, 0)),
        ([(0, 0), (1,), (0, 2), (2, 1)], (1,)),
        ([(0, 1, 2), (2, 1), (3,), (3, 3)], (0,)),
        ([(0,), (1,), (2,)], (2, 0, 1)),
    ],
)
def test_products_along_a_path_have_the_value_that_numpy_gives(
    inputs: Sequence[tuple[int, ...]], output: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(0)
    sizes = {"d0": 2, "d1": 3, "d2": 4, "d3": 5}
    arrays = {f"x{k}": rng.normal(size=[2 + n for n in x]) for k, x in enumerate(inputs)}
    factors = [(Var(f"x{k}", [f"d{n}" for n in x]), x) for k, x in enumerate(inputs)]
    node = einsum(factors, output)
    values: dict[Expr, Array] = {x: arrays[x.name] for x, _ in factors}
    for x in postorder([node]):
        if not isinstance(x, Var):
            values[x] = evaluate(x, [values[y] for y in x.operands], sizes, {}, np.float64)
    expected = np.einsum(*[y for k, x in enumerate(inputs) for y in (arrays[f"x{k}"], x)], output)
    np.testing.assert_allclose(values[node], expected, rtol=1e-12)


def test_far_below_its_domain_a_function_is_not_tried() -> None:
    """SciPy's polygamma takes a step a unit there, and so 15 s an entry at -3e8."""
    trigamma = library_function(FUNCTIONS["polygamma"], 2)
    near, far = trigamma(1, np.array([-2.5, -3e8]))
    assert near == pytest.approx(float(mpmath.polygamma(1, -2.5)), rel=1e-14)
    assert np.isnan(far)


def test_where_a_model_is_finite_is_sought_once() -> None:
    model = eg.parse("y_i = log(-exp(a x_i + b z_i) - c^2)\nL = sum_i(y_i)")  # nowhere
    first, other = (
        calls(lambda claim=claim: model.check(claim))  # type: ignore[misc]
        for claim in ("dL/da = 1 / a", "dL/da = 1 / b")
    )
    assert other < first / 10
