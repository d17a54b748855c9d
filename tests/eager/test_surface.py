"""Every operation of the surface: values beside NumPy, derivatives twice in both modes."""

from __future__ import annotations

import numpy as np
import pytest

import eingrad as ops
from eingrad.api.tensors.tensor import Tensor, tensor
from eingrad.api.traces.trace import function
from eingrad.api.transforms.checking import check_grads
from eingrad.core.functions import AXIS_FUNCTIONS, FUNCTIONS, MATRIX_FUNCTIONS
from eingrad.surface import FUNCTIONS as EAGER

from .cases import CASES, CONSTANT

SURFACE = " ".join(EAGER.values()).split()

each_case = pytest.mark.parametrize(
    "case", CASES, ids=[f"{name}-{k}" for k, (name, *_) in enumerate(CASES)]
)


def test_every_operation_has_a_case():
    assert set(SURFACE) == {name for name, *_ in CASES} | set(CONSTANT)


def test_the_surface_has_every_function_of_the_notation():
    tables = (FUNCTIONS, AXIS_FUNCTIONS, MATRIX_FUNCTIONS)
    named = {name for table in tables for name, row in table.items() if not row.internal}
    assert len(named) > 50
    assert named <= {*SURFACE, "stop_gradient"}


@pytest.mark.parametrize("name", SURFACE)
def test_every_operation_says_what_it_does(name):
    assert getattr(ops, name).__doc__


@each_case
def test_value_is_numpys(case):
    _, fn, reference, operands = case
    result = fn(*map(tensor, operands))
    expected = reference(*operands)
    assert isinstance(result, Tensor)
    assert result.shape == np.shape(expected)
    assert result.dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-12)


@each_case
def test_derivatives_of_both_orders_in_both_modes(case):
    _, fn, _, operands = case
    check_grads(fn, operands, order=2, modes=("fwd", "rev"))


@each_case
def test_the_compiled_function_has_the_same_derivatives(case):
    _, fn, reference, operands = case
    traced = function(fn)
    arrays = [x if isinstance(x, float) else np.asarray(x) for x in operands]
    np.testing.assert_allclose(traced(*arrays), reference(*operands), rtol=1e-11, atol=1e-12)
    check_grads(traced, operands, order=1)


@pytest.mark.parametrize("name", CONSTANT)
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_argmax_is_numpys_and_constant(name, axis):
    x = np.random.default_rng(0).standard_normal((3, 4))
    result = getattr(ops, name)(tensor(x, requires_grad=True), axis)
    np.testing.assert_array_equal(result, CONSTANT[name](x, axis))
    assert not result.requires_grad


@each_case
def test_single_precision_stays_single(case):
    _, fn, reference, operands = case
    single = {"f": np.float32, "c": np.complex64}
    given = [
        np.asarray(x).astype(single.get(np.asarray(x).dtype.kind, np.asarray(x).dtype))
        for x in operands
    ]
    result = fn(*map(tensor, given))
    assert result.dtype in (np.float32, np.complex64)
    np.testing.assert_allclose(result, reference(*operands), rtol=2e-3, atol=1e-4)


def test_running_sums_are_linear_in_time_memory_and_rounding():
    n = 2_000_000  # a triangle of ones would have 4e12 entries
    x = np.full(n, 0.1, np.float32)
    t = tensor(x, requires_grad=True)
    sums = ops.cumsum(t)
    exact = np.float64(np.float32(0.1)) * np.arange(1, n + 1)
    np.testing.assert_allclose(sums.numpy(), exact, rtol=1e-6)
    sums.sum().backward()
    np.testing.assert_allclose(t.grad, np.arange(n, 0, -1), rtol=1e-6)
