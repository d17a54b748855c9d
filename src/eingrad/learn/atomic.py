"""Files that are written whole or not at all, and by one process at a time."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

if sys.platform != "win32":
    import fcntl

TEMPORARY = ".tmp"
LONGEST = 200  # bytes of a name to which an ending may be added


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
    temporary = _beside(path, f"{os.getpid()}{TEMPORARY}")
    with _claimed(temporary) as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if sys.platform == "win32":  # which renames no file that is open
                file.close()
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
    _sync_folder(path.parent)


@contextlib.contextmanager
def owned(path: Path) -> Iterator[None]:
    """Keep other processes that ask for it from writing ``path``, and remove what they left.

    Raises `BlockingIOError` with the number of the process that has it. A process that is killed
    has nothing any more, since the system frees its lock. Where it cannot lock files, of some
    network drives, nobody is kept away.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, owned(Path(folder) / "run"):
    ...     try:
    ...         with owned(Path(folder) / "run"):
    ...             pass
    ...     except BlockingIOError as error:
    ...         error.strerror == f"process {os.getpid()} is writing it"
    True
    """
    lock = _beside(resolved(path), "lock")
    try:
        with _claimed(lock) as file:
            try:
                file.write(str(os.getpid()).encode())
                file.flush()
                sweep(path)
                yield
            finally:
                with contextlib.suppress(OSError):
                    lock.unlink(missing_ok=True)
    except BlockingIOError as error:
        if error.filename != str(lock):
            raise
        who = lock.read_bytes()[:20].decode(errors="replace") if lock.exists() else ""
        what = f"process {who} is writing it" if who.isdigit() else "another process is writing it"
        raise BlockingIOError(errno.EWOULDBLOCK, what, str(path)) from None


def sweep(path: Path) -> None:
    """Remove the temporary files of `replacing` whose processes were killed while they wrote."""
    path = resolved(path)
    begin = _beside(path, "").name
    for left in path.parent.iterdir():
        number = left.name.removeprefix(begin).removesuffix(TEMPORARY)
        if left.name == f"{begin}{number}{TEMPORARY}" and number.isdecimal():
            with contextlib.suppress(OSError), _claimed(left):  # nobody has it any more
                left.unlink()


@contextlib.contextmanager
def _claimed(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, empty, of which no other process has the lock; else raise `BlockingIOError`."""
    while True:
        with open(path, "wb", opener=_open_as_it_is) as file:
            locked = _lock(file, path)
            if locked and not _is_at(file, path):
                continue  # its owner removed it meanwhile
            file.truncate()
            yield file
            return


def _open_as_it_is(name: str, flags: int) -> int:
    return os.open(name, flags & ~os.O_TRUNC, 0o666)  # another process may be writing to it


def _lock(file: IO[bytes], path: Path) -> bool:
    """Lock an open file, if the system can; return whether it could."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise BlockingIOError(error.errno, error.strerror, str(path)) from None
    except OSError:
        return False
    return True


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _beside(path: Path, ending: str) -> Path:
    """Return the name of a file that serves another; it is no longer than the system takes."""
    name = path.name
    if len(os.fsencode(name)) > LONGEST:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()
    return path.with_name(f".{name}.{ending}")


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
