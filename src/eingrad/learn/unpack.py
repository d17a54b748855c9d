"""Gzipped files too large to be held in memory are unpacked once, into a cache, and read there."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pooch

from eingrad.errors import DataError
from eingrad.learn.atomic import alone, replacing

CACHE_VARIABLE = "EINGRAD_CACHE"
CHUNK = 1 << 20


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
