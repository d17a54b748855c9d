"""Indexing beside NumPy's: values and gradients of every kind of index."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from eingrad.api import operations as ops
from eingrad.api.checking import check_grads
from eingrad.api.functional import grad
from eingrad.api.tensor import tensor
from eingrad.api.trace import function
from eingrad.errors import EingradError

X = np.random.default_rng(0).standard_normal((3, 4, 5))
K, J = np.array([0, 2, -1]), np.array([[1], [2]])
MASK = X[:, :, 0] > 0

INDICES = {
    "integer": 1,
    "negative": -1,
    "slice": slice(1, 3),
    "steps": (slice(None, None, 2), slice(None, None, -1)),
    "negative step": (slice(2, None, -2), 0),
    "empty": (slice(3, 1),),
    "beyond": (slice(-10, 10),),
    "ellipsis": (..., 1),
    "newaxis": (None, 0, ..., None),
    "array": K,
    "list": ([0, 2, 2],),
    "two arrays": (K, np.array([3, 0, 1])),
    "broadcast": (J, K),
    "array and integer": (K, 1),
    "integer and array": (0, K),
    "split arrays": (K, slice(None), np.array([4, 0, 1])),
    "split by an integer": (0, slice(None), K),
    "slice then array": (slice(0, 2), K),
    "array with newaxis": (K, None, slice(1, 3)),
    "split by newaxis": (K, None, np.array([0, 1, 0])),
    "array last": (..., np.array([[0, 1], [4, 4]])),
    "mask": MASK,
    "mask of all": X > 0.5,
    "mask and slice": (MASK, slice(1, 3)),
    "mask of an axis": (slice(None), np.array([True, False, True, True])),
    "array and mask": (np.array([0, 1]), np.array([True, False, False, True])),
    "no entry": (np.array([], int),),
    "scalar array": (np.array(1), slice(0, 2)),
    "tuple of nothing": (),
}


@pytest.mark.parametrize("name", INDICES)
def test_values_and_gradients(name):
    index = INDICES[name]
    x = tensor(X, requires_grad=True)
    y = x[index]
    np.testing.assert_array_equal(y.detach(), X[index])
    (y * y).sum().backward()
    expected = np.zeros_like(X)
    np.add.at(expected, index, 2 * X[index])
    np.testing.assert_allclose(x.grad, expected)
    if y.size:
        check_grads(lambda t: t[index] ** 2, (X,), order=2)


@pytest.mark.parametrize("name", [n for n in INDICES if "mask" not in n])
def test_compiled(name):
    index = INDICES[name]
    np.testing.assert_array_equal(function(lambda t: t[index] * 1.0)(X), X[index])


@settings(max_examples=200)
@given(st.data())
def test_random_indices_are_numpys(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=4))
    x = np.arange(np.prod(shape), dtype=float).reshape(shape)
    index = data.draw(
        hnp.basic_indices(shape, allow_newaxis=True)
        | hnp.integer_array_indices(shape)
        | hnp.arrays(bool, shape)
    )
    y = tensor(x)[index]
    np.testing.assert_array_equal(y, x[index])
    gradient = grad(lambda t: (t[index] * 3.0).sum())(x)
    expected = np.zeros_like(x)
    np.add.at(expected, index, 3.0)
    np.testing.assert_array_equal(gradient, expected)


def test_tensors_as_indices():
    y = tensor([0, 2, 1])
    z = tensor(X[:, :, 0], requires_grad=True)
    picked = z[np.arange(3), y]
    np.testing.assert_array_equal(picked.detach(), X[np.arange(3), [0, 2, 1], 0])
    np.testing.assert_array_equal(z[z > 0].detach(), X[:, :, 0][X[:, :, 0] > 0])
    traced = function(lambda t, k: t[np.arange(3), k].sum())
    labels = np.array([0, 2, 1])
    np.testing.assert_allclose(traced(X[:, :, 0], labels), picked.sum().item())
    np.testing.assert_allclose(grad(traced)(X[:, :, 0], labels).sum(), 3.0)


def test_a_traced_mask_is_refused():
    with pytest.raises(EingradError, match="a mask as an index needs numbers"):
        function(lambda t: t[t > 0])(X)


def test_cross_entropy_by_index():
    def loss(z, labels):
        return -ops.log_softmax(z)[np.arange(len(labels)), labels].mean()

    z, labels = X[0], np.array([1, 4, 0, 0])
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    np.testing.assert_allclose(grad(loss)(z, labels), (p - np.eye(5)[labels]) / 4, atol=1e-12)
    check_grads(loss, (z, labels))
