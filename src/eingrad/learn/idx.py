"""The IDX format of MNIST's files: a magic number, the sizes of the axes, the bytes.

The format is described at the foot of Yann LeCun's MNIST page: two zero bytes, a type code, the
number of axes, one big-endian 32-bit size per axis, then the data in C order.
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from eingrad.errors import DataError
from eingrad.learn.rows import FileRows, axes, check_length, named
from eingrad.learn.unpack import unpacked

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
