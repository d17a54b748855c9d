"""What may be changed in place, what is shared, and what a copy is."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from seeds import seeded

from eingrad.api.tensors.tape import no_grad
from eingrad.api.tensors.tensor import Tensor, tensor
from eingrad.errors import EingradError

rng = np.random.default_rng(seeded(0))


def leaf(*shape: int) -> Tensor:
    return tensor(rng.standard_normal(shape), requires_grad=True)


def test_a_training_step_changes_the_leaf_and_no_graph():
    w = tensor([1.0, 2.0], requires_grad=True)
    loss = (w * w).sum()
    with no_grad():
        w -= 1.0
    np.testing.assert_array_equal(w.data, [0.0, 1.0])
    assert w.is_leaf
    loss.backward()  # of the values that the graph has read
    np.testing.assert_array_equal(w.grad, [2.0, 4.0])


def test_writing_to_data_changes_no_graph():
    w = tensor([1.0, 2.0], requires_grad=True)
    loss = (w * w).sum()
    w.data -= 1.0
    w.data[0] = 5.0
    np.testing.assert_array_equal(w.numpy(), [5.0, 1.0])
    loss.backward()
    np.testing.assert_array_equal(w.grad, [2.0, 4.0])


def test_an_array_that_was_handed_out_stays_alive_and_harmless():
    w = tensor([1.0, 2.0], requires_grad=True)
    held = w.data
    for expected in ([2.0, 4.0], [0.0, 2.0]):
        w.grad = None
        loss = (w * w).sum()
        held -= 1.0  # writes through to w, and not to the graph
        loss.backward()
        np.testing.assert_array_equal(w.grad, expected)
    np.testing.assert_array_equal(w.numpy(), [-1.0, 0.0])


def test_views_do_not_share_what_is_written():
    w = tensor(np.ones((2, 2)), requires_grad=True)
    held = w.data
    y = (w.T * w).sum()
    held[...] = 7.0
    y.backward()
    np.testing.assert_array_equal(w.grad, np.full((2, 2), 2.0))
    x = np.ones(2)
    z = (w[0].detach() * 1.0, tensor(x, requires_grad=True) * x)
    x[:] = 100.0
    np.testing.assert_array_equal(z[1].detach(), [1.0, 1.0])


def test_an_operand_array_may_change_before_backward():
    x, w = np.ones((1, 2)), tensor([[1.0], [1.0]], requires_grad=True)
    loss = (x @ w).sum()
    x[...] = 100.0
    loss.backward()
    np.testing.assert_array_equal(w.grad, [[1.0], [1.0]])


def test_the_callers_array_is_copied():
    array = np.ones(2)
    x = tensor(array)
    array[:] = 5.0
    np.testing.assert_array_equal(x, [1.0, 1.0])


def test_in_place_on_what_was_computed():
    x = tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    z = y * y
    y += 1.0
    (y + z).sum().backward()
    np.testing.assert_array_equal(x.grad, 2 * x.numpy() + 4 * x.numpy() ** 3)


def test_in_place_errors():
    w = leaf(2)
    with pytest.raises(EingradError, match="changed in place"):
        w += 1.0
    with pytest.raises(EingradError, match="entries of a tensor that requires a gradient"):
        w[0] = 1.0
    with no_grad():
        w[0] = 1.0
    assert w.numpy()[0] == 1.0
    c = tensor([1, 2])
    with pytest.raises(EingradError, match="cannot put dtype float64"):
        c *= 0.5
    with pytest.raises(EingradError, match="cannot put shape"):
        c += np.ones((3, 2), int)
    with pytest.raises(EingradError, match="requires a gradient into an array"):
        np.add(w, 1.0, out=np.ones(2))


def test_a_plain_array_takes_a_constant():
    w = np.ones(2)
    w -= 0.5 * tensor([1.0, 2.0])
    np.testing.assert_array_equal(w, [0.5, 0.0])


def test_copies():
    w = tensor([1.0, 2.0], requires_grad=True)
    for c in (copy.copy(w), copy.deepcopy(w), pickle.loads(pickle.dumps(w))):
        assert c.requires_grad
        with no_grad():
            c += 1.0
        np.testing.assert_array_equal(w.numpy(), [1.0, 2.0])
    with pytest.raises(EingradError, match="copied or pickled"):
        copy.copy(w * 2)
