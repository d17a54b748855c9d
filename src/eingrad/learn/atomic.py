"""Files that are written whole or not at all, and by one process at a time."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

if sys.platform != "win32":
    import fcntl


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a new file that takes the name ``path`` at the end: a reader sees the old or the new.

    After an exception nothing is left of it. Raises `OSError`, also where ``path`` is there and is
    no file: a device or a pipe would be lost.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "run"
    ...     with replacing(path) as file:
    ...         _ = file.write(b"whole")
    ...         path.exists()
    ...     path.read_bytes()
    False
    b'whole'
    """
    path = resolved(path)  # a link stays a link
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "a device or a pipe"
        raise OSError(errno.EINVAL, f"it is {what}, not a file")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def resolved(path: Path) -> Path:
    """Return the file that a path leads to. Raises `OSError` for links that lead to each other."""
    try:
        path = path.resolve()
    except RuntimeError as error:  # Python 3.12 and before
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error
    if path.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return path


@contextlib.contextmanager
def alone(path: Path, report: Callable[[], None]) -> Iterator[None]:
    """Hold a file's lock: of several processes one is in this context, the others wait.

    ``report`` is called before a wait. The system frees the lock of a process that ends, however
    it ends, and no file is left. Where the system cannot lock the file, nobody waits.

    >>> with alone(Path(__file__), lambda: print("waiting")):
    ...     print("alone")
    alone
    """
    with contextlib.ExitStack() as stack:
        if sys.platform != "win32":
            with contextlib.suppress(OSError):  # of some network drives
                file = stack.enter_context(path.open("rb"))
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    report()
                    fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all; a device or a pipe is written to. Raises `OSError`."""
    if path.exists() and not path.is_file() and not path.is_dir():
        path.write_text(text, encoding="utf-8")
        return
    with replacing(path) as file:
        file.write(text.encode())


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power cut, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
