"""NumPy's own files, `.npy`: what their header says, and rows of the array behind it."""

from __future__ import annotations

import os
from pathlib import Path
from tokenize import TokenError
from typing import Any

from numpy.lib import format as npy_format

from eingrad.errors import DataError
from eingrad.learn.rows import FileRows, axes, named

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
            raise _bad(path, f"is not a usable .npy file ({error})") from error
        offset = file.tell()
    if dtype.kind not in "iu":
        raise _bad(path, f"holds entries of type {dtype}; expected integers")
    if len(shape) != ndim or min(shape) < 1:
        raise _bad(
            path, f"holds an array of {axes(shape) or 'no axes'}; expected {ndim} axes, none empty"
        )
    if fortran and ndim > 1:
        raise _bad(
            path,
            "holds an array in Fortran order, so that the entries of a row lie far apart",
            hint="save it again: np.save(path, np.ascontiguousarray(array))",
        )
    return FileRows(path, offset, shape, dtype)


def _bad(path: Path, reason: str, **fields: Any) -> DataError:
    return DataError(f"{path} {reason}", operand=str(path), **fields)
