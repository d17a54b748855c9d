"""Minibatches: what is gathered, and what each of several processes reads of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eingrad.errors import EingradError
from eingrad.learn import array_files
from eingrad.learn.array_files import FileRows
from eingrad.learn.batches import Batches, Share
from eingrad.learn.data import load_digits


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_minibatches_are_scaled_one_hot_and_in_one_buffer(dtype):
    digits = load_digits()
    batches = Batches(4, digits, dtype)
    indices = np.array([5, 3, 3])
    pixels, targets = batches.gather(digits.train, indices)
    expected = digits.train.images[indices].reshape(3, 64) / 16
    np.testing.assert_array_equal(pixels, expected)
    np.testing.assert_array_equal(targets, np.eye(10)[digits.train.labels[indices]])
    assert pixels.dtype == targets.dtype == dtype
    again, _ = batches.gather(digits.train, np.arange(4))
    assert np.shares_memory(pixels, again)


@pytest.mark.parametrize("held", [0, 1 << 28], ids=["read", "mapped"])
@pytest.mark.parametrize("share", [Share(), Share(1, 3)], ids=str)
def test_a_stream_is_the_examples_in_their_order(tmp_path, monkeypatch, share, held):
    """From a file as from memory, and nothing but the share is asked of the disk."""
    monkeypatch.setattr(array_files, "MAPPED", held)
    digits = load_digits()
    digits.train.images.tofile(tmp_path / "images")
    images = FileRows(tmp_path / "images", 0, digits.train.images.shape)
    announced: list[int] = []
    monkeypatch.setattr(images, "announce", announced.extend)
    order = np.random.default_rng(0).permutation(len(digits.train))[:100]
    expected, found = (
        [
            tuple(x.copy() for x in batch)
            for batch in Batches(16, digits, "f4", share).stream(s, order)
        ]
        for s in (digits.train, replace(digits.train, images=images))
    )
    assert [len(indices) for indices, _, _ in found] == [16] * 6 + [4]
    np.testing.assert_array_equal(np.concatenate([indices for indices, _, _ in found]), order)
    for one, other in zip(expected, found, strict=True):
        for x, y in zip(one, other, strict=True):
            np.testing.assert_array_equal(x, y)
    mine = [order[k : k + 16][share.rows(len(order[k : k + 16]))] for k in range(0, 100, 16)]
    assert announced == np.concatenate(mine).tolist()


# --- shares -----------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 8])
@pytest.mark.parametrize("size", [0, 1, 7, 8, 24])
def test_the_shares_of_a_minibatch_are_its_rows_in_order(count, size):
    rows = np.arange(size)
    shares = [rows[Share(k, count).rows(size)] for k in range(count)]
    np.testing.assert_array_equal(np.concatenate(shares), rows)
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) == Share(0, count).largest(size)


@pytest.mark.parametrize("count", [1, 2, 4, 5])
def test_the_shares_of_all_processes_are_the_minibatch_of_one(count):
    digits = load_digits()
    order = np.random.default_rng(1).permutation(len(digits.train))
    whole = Batches(16, digits, np.float32)
    parts = [Batches(16, digits, np.float32, Share(k, count)) for k in range(count)]
    for indices in (order[:16], order[16:32], order[-14:], order[:3]):
        pixels, targets = whole.gather(digits.train, indices)
        read = [part.gather(digits.train, indices) for part in parts]
        np.testing.assert_array_equal(np.concatenate([x for x, _ in read]), pixels)
        np.testing.assert_array_equal(np.concatenate([t for _, t in read]), targets)


@pytest.mark.parametrize(("index", "count"), [(2, 2), (-1, 2), (0, 0)])
def test_a_share_that_is_not_there(index, count):
    with pytest.raises(EingradError, match=f"no share {index} of {count}"):
        Share(index, count)
