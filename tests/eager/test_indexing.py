"""Indexing beside NumPy's: values and gradients of every kind of index."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from seeds import examples, seeded

import eingrad as ops
from eingrad.api.tensors.tensor import tensor
from eingrad.api.traces.trace import function
from eingrad.api.transforms.checking import check_grads
from eingrad.api.transforms.functional import grad, hvp, jvp
from eingrad.errors import EingradError, OutOfRangeError

X = np.random.default_rng(seeded(0)).standard_normal((3, 4, 5))
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


@examples(200)
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
    with pytest.raises(EingradError, match="a mask as an index in a traced function") as caught:
        function(lambda t: t[t > 0])(X)
    assert "eg.where(mask, x, 0)" in str(caught.value)
    with pytest.raises(EingradError, match="a mask as an index in a traced function"):
        function(lambda t, mask: t[mask])(X, X > 0)


def test_a_constant_mask_is_traced():
    fn = lambda t: (t[MASK] ** 2).sum()  # noqa: E731
    np.testing.assert_allclose(function(fn)(X), (X[MASK] ** 2).sum())
    np.testing.assert_allclose(function(grad(fn))(X), grad(fn)(X))


def test_transforms_index_by_masks_that_depend_on_the_input():
    expected = np.where(X > 0, 3 * X**2, 0)
    cubes = lambda t: (t[t > 0] ** 3).sum()  # noqa: E731
    np.testing.assert_allclose(grad(cubes)(X), expected)
    np.testing.assert_allclose(jvp(lambda t: t[t > 0] ** 3, (X,), (X,))[1], 3 * X[X > 0] ** 3)
    np.testing.assert_allclose(hvp(cubes, (X,), (X,)), 2 * expected)


@pytest.mark.parametrize(
    ("index", "words"),
    [
        (np.array([True, False]), "a mask of size 2 on axis 0, which has size 3"),
        ((slice(None), np.ones((4, 4), bool)), "a mask of size 4 on axis 2, which has size 5"),
        ((..., np.array([True])), "a mask of size 1 on axis 2, which has size 5"),
    ],
)
def test_a_mask_of_another_size_is_refused(index, words):
    with pytest.raises(EingradError, match=words):
        tensor(X)[index]
    with pytest.raises(IndexError):
        tensor(X.astype(int))[index]


def test_an_index_out_of_range_at_run_time_is_named():
    traced = function(lambda t, k: t[k])
    with pytest.raises(OutOfRangeError, match="index 7 is out of bounds"):
        traced(X, np.array([0, 7]))


def test_masks_are_joined():
    low, high = X > -0.5, X < 0.5
    joined = lambda t: ops.where((t > -0.5) & (t < 0.5) | ~(t > -1) ^ (t > 2), t * t, 0)  # noqa: E731
    expected = np.where(low & high | ~(X > -1) ^ (X > 2), X * X, 0)
    np.testing.assert_array_equal(joined(tensor(X)), expected)
    np.testing.assert_array_equal(function(joined)(X), expected)
    np.testing.assert_array_equal(~tensor([1, 2]) & tensor([3, 9]), ~np.array([1, 2]) & [3, 9])
    np.testing.assert_array_equal(np.where(tensor(X) > 0), np.where(X > 0))
    with pytest.raises(EingradError, match="compare first"):
        tensor(X) & low


def test_cross_entropy_by_index():
    def loss(z, labels):
        return -ops.log_softmax(z)[np.arange(len(labels)), labels].mean()

    z, labels = X[0], np.array([1, 4, 0, 0])
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    np.testing.assert_allclose(grad(loss)(z, labels), (p - np.eye(5)[labels]) / 4, atol=1e-12)
    check_grads(loss, (z, labels))


@pytest.mark.parametrize(
    "index",
    [
        np.s_[[0, 1], ..., [2, 0], 0], np.s_[0, ..., [1, 2], :], np.s_[[0, 1], [0, 2], ..., 1],
        np.s_[1:, [0, 1], ..., 0], np.s_[..., [0, 1], [1, 0], [0, 0]],
        np.s_[None, 1, [0, 1], ..., 0],
    ],
)  # fmt: skip
def test_an_ellipsis_of_no_axes_parts_arrays(index):
    x = np.arange(24.0).reshape(2, 3, 4)
    t = tensor(x, requires_grad=True)
    cotangent = np.cos(np.arange(x[index].size)).reshape(x[index].shape)
    result = t[index]
    np.testing.assert_array_equal(result.detach(), x[index])
    result.backward(cotangent)
    expected = np.zeros_like(x)
    np.add.at(expected, index, cotangent)
    np.testing.assert_allclose(t.grad, expected)
