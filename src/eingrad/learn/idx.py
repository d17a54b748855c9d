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
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from eingrad.errors import DataError

Bytes = NDArray[np.uint8]

GZIP_MAGIC = b"\x1f\x8b"
UNSIGNED_BYTE = 0x08
TYPES = {
    0x08: "unsigned byte", 0x09: "signed byte", 0x0B: "int16", 0x0C: "int32",
    0x0D: "float32", 0x0E: "float64",
}  # fmt: skip
CHUNK = 1 << 20
MAX_UNPACKED = 1 << 30  # bytes of a gzipped file that are held in memory


def read_idx(path: str | os.PathLike[str], ndim: int) -> Bytes:
    """Return the unsigned bytes of an IDX file with ``ndim`` axes, gzipped or not.

    A plain file is mapped into memory, not read, so it may be larger than memory. Nothing is
    allocated for a size that only the header claims. Raises `DataError`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "labels"
    ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]))
    ...     read_idx(path, 1).tolist()
    [7, 8, 9]
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            packed = file.read(2) == GZIP_MAGIC
            file.seek(0)
            if packed:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    shape = _read_header(path, unpacked, ndim)
                    return _read_packed(path, unpacked, shape)
            shape = _read_header(path, file, ndim)
            return _map_plain(path, file, shape)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path}: the gzip data is damaged or cut off ({error})",
            operand=str(path),
            hint="copy or download the file again",
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{path}: cannot be read ({reason})", operand=str(path)) from error


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
        raise _bad(path, f"the header claims {_axes(shape)} entries", "at least one")
    return shape


def _map_plain(path: Path, file: IO[bytes], shape: tuple[int, ...]) -> Bytes:
    offset = file.tell()
    found = os.fstat(file.fileno()).st_size - offset
    _check_length(path, shape, found, exact=True)
    return np.memmap(file, np.uint8, "r", offset, shape)


def _read_packed(path: Path, file: gzip.GzipFile, shape: tuple[int, ...]) -> Bytes:
    expected = math.prod(shape)
    if expected > MAX_UNPACKED:
        raise _bad(
            path,
            f"the header claims {_axes(shape)}, {expected:,} bytes",
            f"at most {MAX_UNPACKED:,} bytes in a gzipped file",
            hint="unpack a file of that size with gunzip: a plain one is not read into memory",
        )
    data = bytearray()
    while len(data) <= expected:  # one byte more than expected tells of what follows
        chunk = file.read(min(CHUNK, expected + 1 - len(data)))
        if not chunk:
            break
        data += chunk
    _check_length(path, shape, len(data), exact=False)
    return np.frombuffer(data, np.uint8).reshape(shape)


def _check_length(path: Path, shape: tuple[int, ...], found: int, exact: bool) -> None:
    expected = math.prod(shape)
    wanted = f"{expected:,} bytes of data ({_axes(shape)})"
    if found < expected:
        raise _bad(
            path,
            f"the file is cut off after {found:,} bytes of data",
            wanted,
            hint="copy or download the file again",
        )
    if found > expected:
        more = f"{found - expected:,} bytes follow" if exact else "more bytes follow"
        raise _bad(path, f"{more} after the data", wanted)


def _axes(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _bad(path: Path, found: str, expected: str, **fields: Any) -> DataError:
    return DataError(f"{path}: {found}; expected {expected}", operand=str(path), **fields)
