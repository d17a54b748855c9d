"""Read what a person wrote from a file: text in UTF-8, of bounded length."""

from __future__ import annotations

import sys
from pathlib import Path

from eingrad.errors import DataError

MAX_BYTES = 1 << 22  # the most that a text of the greatest length takes
MODEL = "a model is a short text in index notation, in a plain text file"


def read_text(path: str | Path, what: str = MODEL, most: int = MAX_BYTES) -> str:
    """Return a file's text, or standard input's for ``-``.

    Raises DataError for a file that cannot be read, is no UTF-8, or is larger than ``most`` bytes;
    of a file without an end no more than that is read. ``what`` says what it should be.
    """
    name = "standard input" if path == "-" else str(path)
    try:
        if path == "-":
            content = sys.stdin.buffer.read(most + 1)
        else:
            with Path(path).open("rb") as file:
                content = file.read(most + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read {name}: {reason}", operand=str(path)) from error
    if len(content) > most:
        raise DataError(
            f"{name} is larger than {most:,} bytes",
            operand=str(path),
            hint=what,
        )
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name} is not text in UTF-8",
            operand=str(path),
            hint=what,
        ) from error
