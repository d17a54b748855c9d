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
import gzip
import hashlib
import math
import os
import shutil
import struct
import weakref
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np
import pooch
from numpy.lib import format as npy_format
from numpy.typing import DTypeLike, NDArray

from eingrad.errors import DataError
from eingrad.learn.atomic import alone, replacing

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


# --- IDX, the format of MNIST's files ---
#
# It is described at the foot of Yann LeCun's MNIST page: two zero bytes, a type code, the number of
# axes, one big-endian 32-bit size per axis, then the data in C order.

Bytes = NDArray[np.uint8]

GZIP_MAGIC = b"\x1f\x8b"
UNSIGNED_BYTE = 0x08
TYPES = {
    0x08: "unsigned byte", 0x09: "signed byte", 0x0B: "int16", 0x0C: "int32",
    0x0D: "float32", 0x0E: "float64",
}  # fmt: skip
CHUNK = 1 << 20
HELD = 1 << 28  # bytes of a gzipped file that are held in memory
DEFLATE_LIMIT = 1032  # deflate codes at most 258 bytes in 2 bits (zlib's technical details)


def read_idx(
    path: str | os.PathLike[str], ndim: int, report: Callable[[str], None] = lambda _: None
) -> Bytes | FileRows:
    """Return the unsigned bytes of an IDX file with ``ndim`` axes, gzipped or not.

    A plain file may be larger than memory: its rows are read when they are asked for. So are a
    gzipped one's of more than `HELD` bytes, once it is unpacked into the cache, of which
    ``report`` is told. Nothing is allocated for a size that only the header claims. Raises
    `DataError`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "labels"
    ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]))
    ...     read_idx(path, 1)[:].tolist()
    [7, 8, 9]
    """
    path = Path(path)
    with named(path), path.open("rb") as file:
        packed = file.read(2) == GZIP_MAGIC
        file.seek(0)
        if packed:
            return _read_packed(path, file, ndim, report)
        shape = _read_header(path, file, ndim)
        return FileRows(path, file.tell(), shape)


def looks_like_idx(head: bytes) -> bool:
    """Whether a file that begins with ``head`` may be IDX: two zero bytes and a known type.

    >>> looks_like_idx(bytes([0, 0, 8, 3])), looks_like_idx(b"PNG?")
    (True, False)
    """
    return len(head) >= 4 and head[:2] == b"\0\0" and head[2] in TYPES and 0 < head[3] < 9


def _read_header(path: Path, file: IO[bytes] | gzip.GzipFile, ndim: int) -> tuple[int, ...]:
    magic = file.read(4)
    if not magic:
        raise _bad(path, "the file is empty", f"an IDX file with {ndim} axes")
    if len(magic) < 4:
        raise _bad(path, f"the file ends after {len(magic)} bytes", "a magic number of 4 bytes")
    if magic[:2] != b"\0\0" or magic[2] not in TYPES:
        raise _bad(
            path,
            f"the magic number is 0x{magic.hex()}",
            f"0x{UNSIGNED_BYTE:06x}{ndim:02x} (IDX, unsigned bytes, {ndim} axes)",
            hint="this is not an IDX file; was it unpacked or renamed by mistake?",
        )
    if magic[2] != UNSIGNED_BYTE:
        raise _bad(path, f"the entries are of type {TYPES[magic[2]]}", "unsigned bytes")
    if magic[3] != ndim:
        kind = {1: "labels", 3: "images"}
        raise _bad(
            path,
            f"the file has {magic[3]} axes",
            f"{ndim} ({kind.get(ndim, 'data')})",
            hint="images and labels may be swapped" if magic[3] in kind else None,
        )
    sizes = file.read(4 * ndim)
    if len(sizes) < 4 * ndim:
        raise _bad(path, f"the header ends after {4 + len(sizes)} bytes", f"{4 + 4 * ndim} bytes")
    shape = struct.unpack(f">{ndim}I", sizes)
    if 0 in shape:
        raise _bad(path, f"the header claims {axes(shape)} entries", "at least one")
    return shape


def _read_packed(
    path: Path, file: IO[bytes], ndim: int, report: Callable[[str], None]
) -> Bytes | FileRows:
    try:
        with gzip.GzipFile(fileobj=file) as unzipped:
            shape = _read_header(path, unzipped, ndim)
            if math.prod(shape) <= HELD:
                return _read_whole(path, unzipped, shape)
        _check_claim(path, shape)
        offset = 4 + 4 * ndim
        return FileRows(unpacked(path, offset + math.prod(shape), report), offset, shape)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path}: the gzip data is damaged or cut off ({error})",
            operand=str(path),
            hint="copy or download the file again",
        ) from error


def _check_claim(path: Path, shape: tuple[int, ...]) -> None:
    """Raise `DataError` for more data than a gzipped file of that length can hold."""
    claimed, most = math.prod(shape), DEFLATE_LIMIT * path.stat().st_size
    if claimed > most:
        raise _bad(
            path,
            f"the header claims {axes(shape)}, {claimed:,} bytes",
            f"at most {most:,} in a gzipped file of that length",
        )


def _read_whole(path: Path, file: gzip.GzipFile, shape: tuple[int, ...]) -> Bytes:
    expected = math.prod(shape)
    data = bytearray()
    while len(data) <= expected:  # one byte more than expected tells of what follows
        chunk = file.read(min(CHUNK, expected + 1 - len(data)))
        if not chunk:
            break
        data += chunk
    check_length(path, len(data), shape, np.dtype(np.uint8))
    return np.frombuffer(data, np.uint8).reshape(shape)


def _bad(path: Path, found: str, expected: str, **fields: Any) -> DataError:
    return DataError(f"{path}: {found}; expected {expected}", operand=str(path), **fields)


# --- NumPy's own files, `.npy` ---

HEADERS = {
    (1, 0): npy_format.read_array_header_1_0,
    (2, 0): npy_format.read_array_header_2_0,
}

HEADER_ERRORS = (  # what NumPy raises for a header that is none: it reads it as Python's literals
    ValueError, LookupError, TypeError, SyntaxError, OverflowError, ArithmeticError, MemoryError,
    RecursionError, TokenError,
)  # fmt: skip


def read_npy(path: str | os.PathLike[str], ndim: int) -> FileRows:
    """Return the array in a `.npy` file, whose rows are read as they are asked for.

    It must have ``ndim`` axes, in C order, and integer entries. Raises `DataError`.

    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "labels.npy"
    ...     np.save(path, np.array([7, 8, 9], np.uint8))
    ...     read_npy(path, 1)[:].tolist()
    [7, 8, 9]
    """
    path = Path(path)
    with named(path), path.open("rb") as file:
        try:
            header = HEADERS[npy_format.read_magic(file)]
            shape, fortran, dtype = header(file)
        except HEADER_ERRORS as error:
            raise _unusable(path, f"is not a usable .npy file ({error})") from error
        offset = file.tell()
    if dtype.kind not in "iu":
        raise _unusable(path, f"holds entries of type {dtype}; expected integers")
    if len(shape) != ndim or min(shape) < 1:
        raise _unusable(
            path, f"holds an array of {axes(shape) or 'no axes'}; expected {ndim} axes, none empty"
        )
    if fortran and ndim > 1:
        raise _unusable(
            path,
            "holds an array in Fortran order, so that the entries of a row lie far apart",
            hint="save it again: np.save(path, np.ascontiguousarray(array))",
        )
    return FileRows(path, offset, shape, dtype)


def _unusable(path: Path, reason: str, **fields: Any) -> DataError:
    return DataError(f"{path} {reason}", operand=str(path), **fields)


# --- gzipped files too large to be held in memory are unpacked once, into a cache ---

CACHE_VARIABLE = "EINGRAD_CACHE"


def cache_folder(*parts: str) -> Path:
    """Return a folder below EINGRAD_CACHE, or below the system's place for caches."""
    return Path(os.environ.get(CACHE_VARIABLE) or pooch.os_cache("eingrad"), *parts)


def unpacked(path: Path, size: int, report: Callable[[str], None] = lambda _: None) -> Path:
    """Return a file with the ``size`` bytes that a gzipped one holds, in the cache.

    It is written whole or not at all, with its gzip checksum tested, and bears the time of the
    gzipped file: one of that time and size is taken as it is. Of several processes that ask for it
    at once, one unpacks, and the others wait for its copy. Raises `DataError` where the gzipped
    file is damaged or of another size, or the cache has no room or cannot be written.
    """
    about = path.stat()
    where = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:16]
    copy = cache_folder("unpacked") / f"{where}-{path.name.removesuffix('.gz')}"
    if _is_copy(copy, size, about.st_mtime_ns):
        return copy
    with alone(path, lambda: report(f"waiting for another process that unpacks {path}")):
        if not _is_copy(copy, size, about.st_mtime_ns):
            report(f"unpacking {path} ({size:,} bytes) to {copy}")
            _write_copy(path, size, copy, about)
    return copy


def _write_copy(path: Path, size: int, copy: Path, about: os.stat_result) -> None:
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        _check_room(copy, size)
        with replacing(copy) as target:
            _unpack(path, size, target)
        os.utime(copy, ns=(about.st_atime_ns, about.st_mtime_ns))
    except gzip.BadGzipFile:
        raise
    except OSError as error:
        raise DataError(
            f"{path} cannot be unpacked to {copy} ({error.strerror or error})",
            operand=str(path),
            hint=f"set {CACHE_VARIABLE} to a folder on a disk with {size:,} bytes free, or unpack "
            "the file with gunzip",
        ) from error


def _is_copy(copy: Path, size: int, mtime_ns: int) -> bool:
    try:
        found = copy.stat()
    except OSError:
        return False
    return (found.st_size, found.st_mtime_ns) == (size, mtime_ns)


def _check_room(copy: Path, size: int) -> None:
    free = shutil.disk_usage(copy.parent).free
    if free < size:
        raise OSError(errno.ENOSPC, f"it needs {size:,} bytes, and {free:,} are free")


def _unpack(path: Path, size: int, target: IO[bytes]) -> None:
    count = 0
    with gzip.open(path) as source:
        while chunk := source.read(min(CHUNK, size + 1 - count)):
            count += len(chunk)
            if count > size:
                raise DataError(
                    f"{path}: more bytes follow after the data; expected {size:,} bytes",
                    operand=str(path),
                )
            target.write(chunk)
    if count < size:
        raise DataError(
            f"{path}: the file is cut off after {count:,} bytes; expected {size:,}",
            operand=str(path),
            hint="copy or download the file again",
        )
