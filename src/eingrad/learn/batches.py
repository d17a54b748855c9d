"""Minibatches: rows of a data set, gathered and scaled into buffers that are made once.

Every process draws the same shuffle, so all agree on each minibatch; each reads its own share.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eingrad.errors import EingradError
from eingrad.learn.array_files import FileRows
from eingrad.learn.data import Dataset, Split
from eingrad.learn.rows_split import Rows

Minibatch = tuple[NDArray[np.int64], NDArray[Any], NDArray[Any]]  # indices, pixels, targets


@dataclass(frozen=True, slots=True)
class Share:
    """What one of ``count`` readers takes of every minibatch: the ``index``-th run of its rows.

    The shares of a minibatch of any size are disjoint, in order, and differ by at most one row;
    where there are more readers than rows, some are empty.

    >>> [Share(k, 3).rows(8) for k in range(3)]
    [slice(0, 2, None), slice(2, 5, None), slice(5, 8, None)]
    """

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise EingradError(f"there is no share {self.index} of {self.count}", operand="share")

    def rows(self, size: int) -> slice:
        """Return which rows of a minibatch of ``size`` are in this share."""
        return slice(size * self.index // self.count, size * (self.index + 1) // self.count)

    def largest(self, size: int) -> int:
        """Return a number of rows that no share of a minibatch of up to ``size`` exceeds."""
        return -(-size // self.count)


class Batches:
    """Buffers for minibatches of up to ``size`` examples of one kind of image.

    With a ``share``, ``size`` and the indices are those of the whole minibatch, as in every other
    process; what is read and returned is this share of it.

    >>> from eingrad.learn.data import load_digits
    >>> digits = load_digits()
    >>> pixels, targets = Batches(2, digits, np.float32).gather(digits.test, np.array([0, 1]))
    >>> pixels.shape, targets.shape, float(pixels.max()), targets.sum(axis=1).tolist()
    ((2, 64), (2, 10), 1.0, [1.0, 1.0])
    """

    def __init__(self, size: int, dataset: Dataset, dtype: Any, share: Share | None = None) -> None:
        height, width = dataset.image_shape
        is_table = isinstance(dataset.train, Rows)
        self.size = size
        self.share = share or Share()
        rows = self.share.largest(size)
        self.raw = np.empty((0 if is_table else rows, height, width), np.uint8)
        self.pixels = np.empty((rows, height * width), dtype)
        self.targets = np.empty((rows, dataset.classes), dtype)

    def stream(self, split: Split | Rows, order: NDArray[np.int64]) -> Iterator[Minibatch]:
        """Yield minibatch after minibatch of the examples in an order, and their indices.

        While one is worked on, the system fetches the next one's share from the disk.
        """
        self._announce(split, order[: self.size])
        for start in range(0, len(order), self.size):
            self._announce(split, order[start + self.size :][: self.size])
            indices = order[start : start + self.size]
            yield indices, *self.gather(split, indices)

    def _announce(self, split: Split | Rows, indices: NDArray[np.int64]) -> None:
        if isinstance(split, Split) and isinstance(split.images, FileRows):
            split.images.announce(indices[self.share.rows(len(indices))])

    def gather(
        self, split: Split | Rows, indices: NDArray[np.int64]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the pixels (b, i) in [0, 1] and one-hot targets (b, o) of a minibatch's share.

        Both are views of buffers, which the next call overwrites.
        """
        indices = indices[self.share.rows(len(indices))]
        count = len(indices)
        raw, pixels, targets = self.raw[:count], self.pixels[:count], self.targets[:count]
        if isinstance(split, Rows):
            split.fill(indices, pixels, targets)
            return pixels, targets
        if isinstance(split.images, FileRows):
            split.images.take(indices, raw)
        else:
            np.take(split.images, indices, axis=0, out=raw, mode="clip")  # others copy once more
        scale = pixels.dtype.type(1 / split.peak)
        np.multiply(raw.reshape(pixels.shape), scale, out=pixels, dtype=pixels.dtype)
        targets.fill(0)
        targets[np.arange(count), split.labels[indices]] = 1
        return pixels, targets
