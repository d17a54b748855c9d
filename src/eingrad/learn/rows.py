"""Arrays in files that may be larger than memory, of which rows are read as they are asked for.

An array of up to `MAPPED` bytes is mapped into memory. Of a greater one rows are read with
``preadv``, because a mapping of data that the page cache does not hold

* has the system read 128 KiB of disk for each row (``benchmarks/rows.py``: 6 times as slow as a
  read, and 25 times as slow as one that was announced),
* counts as the process's own memory, up to the whole file, and needs that much address space,
* ends the process with SIGBUS, not with an error, where the disk fails or the file is cut short.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from eingrad.errors import DataError

MAPPED = 1 << 28
CAN_READ = hasattr(os, "preadv")  # not on Windows, where a file that is mapped cannot be cut short


class FileRows:
    """An array (n, ...) that lies in a file in C order; a row is all that has one first index.

    The file stays open: renamed or deleted, it is read on as it was. Once it is found to have been
    written to or cut short, what reads it raises `DataError`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "numbers"
    ...     _ = path.write_bytes(bytes(range(12)))
    ...     rows = FileRows(path, 4, (4, 2))
    ...     rows[1].tolist(), rows[2:].tolist()
    ([6, 7], [[8, 9], [10, 11]])
    """

    def __init__(
        self, path: Path, offset: int, shape: tuple[int, ...], dtype: DTypeLike = np.uint8
    ) -> None:
        self.path, self.offset, self.shape, self.dtype = path, offset, shape, np.dtype(dtype)
        self.row_bytes = math.prod(shape[1:]) * self.dtype.itemsize
        with named(path):
            self._handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            self._close = weakref.finalize(self, os.close, self._handle)
            self._begun_as = os.fstat(self._handle)
        check_length(path, self._begun_as.st_size - offset, shape, self.dtype)
        small = shape[0] * self.row_bytes <= MAPPED
        self.mapped = self._map() if small or not CAN_READ else None

    def _map(self) -> np.memmap[Any, Any] | None:
        try:
            with os.fdopen(os.dup(self._handle), "rb") as file:
                return np.memmap(file, self.dtype, "r", self.offset, self.shape)
        except OSError as error:
            if CAN_READ:
                return None  # the address space is limited (ulimit -v), reading needs none
            raise DataError(
                f"{self.path}: cannot be mapped ({error.strerror or error})", operand=str(self.path)
            ) from error

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int | slice) -> NDArray[Any]:
        """Return a copy of one row, or of those of a slice."""
        if isinstance(index, slice):
            chosen = np.arange(*index.indices(len(self)))
        else:
            chosen = np.array([range(len(self))[index]])
        rows = np.empty((len(chosen), *self.shape[1:]), self.dtype)
        self.take(chosen, rows)
        return rows if isinstance(index, slice) else np.asarray(rows[0])

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self[k] for k in range(len(self)))

    def take(self, indices: NDArray[np.integer[Any]], out: NDArray[Any]) -> None:
        """Read the rows at ``indices`` into ``out``, a contiguous array of as many rows."""
        self._check_unchanged()
        if self.mapped is not None:
            np.take(self.mapped, indices, axis=0, out=out, mode="clip")
            return
        with named(self.path):
            if _adjoin(indices):
                self._read(out, int(indices[0]))
                return
            for row, index in zip(
                out.reshape(len(out), math.prod(out.shape[1:])), indices.tolist(), strict=True
            ):
                self._read(row, index)

    def announce(self, indices: NDArray[np.integer[Any]]) -> None:
        """Have the system fetch the rows at ``indices`` from the disk, all at once, meanwhile."""
        if self.mapped is not None or not hasattr(os, "posix_fadvise"):
            return
        advise, handle, size = os.posix_fadvise, self._handle, self.row_bytes
        with contextlib.suppress(OSError):  # no more than advice: reading tells what is wrong
            for start in (indices.astype(np.int64) * size + self.offset).tolist():
                advise(handle, start, size, os.POSIX_FADV_WILLNEED)

    def _read(self, out: NDArray[Any], first: int) -> None:
        """Fill an array with the bytes from a row on."""
        position = self.offset + first * self.row_bytes
        count = os.preadv(self._handle, [out.data], position)
        if count == out.nbytes:
            return
        rest = out.data.cast("B")  # a read may end early, at the latest after 2 GiB
        while count and count < len(rest):
            rest, position = rest[count:], position + count
            count = os.preadv(self._handle, [rest], position)
        if count < len(rest):
            self._check_unchanged()
            raise OSError(errno.EIO, "the file ends early")

    def _check_unchanged(self) -> None:
        with named(self.path):
            now, then = os.fstat(self._handle), self._begun_as
        if now.st_size != then.st_size:
            what = f"it had {then.st_size:,} bytes and has {now.st_size:,}"
        elif now.st_mtime_ns != then.st_mtime_ns:
            what = "it was written to"
        else:
            return
        raise DataError(
            f"{self.path} changed while it was in use: {what}",
            operand=str(self.path),
            hint="begin the run again; while it lasts, its data must stay as they are",
        )


def _adjoin(indices: NDArray[np.integer[Any]]) -> bool:
    """Whether the rows lie one after another, as those of a test set do."""
    return len(indices) > 1 and bool((np.diff(indices) == 1).all())


def check_length(path: Path, found: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raise `DataError` unless as many bytes follow a header as its shape needs."""
    expected = math.prod(shape) * dtype.itemsize
    wanted = f"expected {expected:,} bytes of data ({axes(shape)})"
    if found < expected:
        raise DataError(
            f"{path}: the file is cut off after {max(0, found):,} bytes of data; {wanted}",
            operand=str(path),
            hint="copy or download the file again",
        )
    if found > expected:
        raise DataError(f"{path}: more bytes follow after the data; {wanted}", operand=str(path))


def axes(shape: tuple[int, ...]) -> str:
    """Write a shape.

    >>> axes((2, 28, 28))
    '2 x 28 x 28'
    """
    return " x ".join(map(str, shape))


@contextlib.contextmanager
def named(path: Path) -> Iterator[None]:
    """Turn what the system says of a file into a `DataError` with its name."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{path}: cannot be read ({reason})", operand=str(path)) from error
