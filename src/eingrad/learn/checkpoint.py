"""A run on disk: a safetensors file that is written whole or not at all.

The tensors are ``parameter/NAME`` and ``state/NAME`` (the optimizer's); the metadata has one
entry, ``eingrad``, which is JSON. It holds the SHA-256 of the whole file, in which the digest's own
digits are zeros. Files of format 1 have a checksum of the tensors alone, or none.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray
from safetensors.numpy import load as safetensors_arrays
from safetensors.numpy import save as safetensors_bytes

from eingrad.errors import DataError, EingradError, NotationError
from eingrad.learn.atomic import replacing, resolved
from eingrad.learn.settings import Settings
from eingrad.learn.table import Preparation
from eingrad.notation.versions import NOTATION, reads_otherwise

FORMAT, OLD_FORMAT = 2, 1
KEY, DIGEST, OLD_CHECKSUM = "eingrad", "sha256", "crc32"
ZEROS = "0" * 64  # where the digest stands, while it is computed
NEW = (DIGEST, "data", "mesh", "notation")  # what format 2 has and format 1 has not
WRITTEN_BY = "a checkpoint is what `eingrad train --checkpoint FILE` writes"
PARAMETER, STATE = "parameter/", "state/"
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A run after ``epoch`` epochs; ``rng`` is the state of the generator that shuffles.

    ``history`` has one record an epoch, as `train.EpochRecord` writes it. ``data`` is what
    `Dataset.fingerprint` returns, None where an older eingrad wrote the file; ``mesh`` describes
    the devices, ``notation`` is the version of the notation that ``model`` is written in.
    ``table`` is what `Preparation.json` returns, ``class_names`` are what people call the classes.
    """

    model: str
    settings: Settings
    image_shape: tuple[int, int]
    classes: int
    epoch: int
    rng: Mapping[str, Any]
    history: tuple[Mapping[str, float], ...]
    parameters: Arrays
    state: Arrays
    data: Mapping[str, Any] | None = None
    mesh: str | None = None
    notation: int = NOTATION
    table: Mapping[str, Any] | None = None
    class_names: tuple[str, ...] = ()

    @property
    def preparation(self) -> Preparation | None:
        """What was learned of a table's columns; None for images."""
        return None if self.table is None else Preparation.read(self.table)


def save(path: str | os.PathLike[str], checkpoint: Checkpoint) -> None:
    """Write a checkpoint: a reader, or a crash, sees the old file or the new one, whole.

    Raises `DataError` when the file cannot be written.
    """
    about: dict[str, Any] = {
        DIGEST: ZEROS,
        "format": FORMAT,
        "notation": checkpoint.notation,
        "model": checkpoint.model,
        "settings": checkpoint.settings.json(),
        "image_shape": list(checkpoint.image_shape),
        "classes": checkpoint.classes,
        "epoch": checkpoint.epoch,
        "rng": checkpoint.rng,
        "history": list(checkpoint.history),
        "data": checkpoint.data,
        "mesh": checkpoint.mesh,
        "table": checkpoint.table,
        "class_names": list(checkpoint.class_names),
    }
    tensors = {PARAMETER + name: x for name, x in checkpoint.parameters.items()}
    tensors |= {STATE + name: x for name, x in checkpoint.state.items()}
    # safetensors writes an array's memory as it lies, whatever its strides
    tensors = {name: np.array(x, order="C") for name, x in tensors.items()}
    content = safetensors_bytes(tensors, {KEY: json.dumps(about)})
    digest = hashlib.sha256(content).hexdigest()
    _write(Path(path), content.replace(ZEROS.encode(), digest.encode(), 1))


def load(
    path: str | os.PathLike[str], report: Callable[[str], None] = lambda _: None
) -> Checkpoint:
    """Read a checkpoint; ``report`` is told what an older file does not say.

    Raises `DataError` for a missing, damaged or foreign file.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise _bad(path, "is not a file")
        content = path.read_bytes()
        tensors = safetensors_arrays(content)
        metadata = _metadata(content)
    except FileNotFoundError as error:
        raise _bad(path, "does not exist", WRITTEN_BY) from error
    except OSError as error:
        raise _bad(path, f"cannot be read ({error.strerror or error})") from error
    except DataError:
        raise
    except (safetensors.SafetensorError, TypeError, ValueError, LookupError) as error:
        raise _bad(
            path,
            f"is not a checkpoint, or a damaged one ({error})",
            hint=WRITTEN_BY,
        ) from error
    if KEY not in metadata:
        raise _bad(path, "is a safetensors file, but not a checkpoint of eingrad")
    try:
        about = json.loads(metadata[KEY])
        _check_whole(about, content, tensors)
        checkpoint = _read(about, tensors)
    except (EingradError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise _bad(path, f"is damaged, or of another version of eingrad ({error})") from error
    if checkpoint.notation < NOTATION and _means_something_else(checkpoint.model):
        raise _bad(
            path,
            f"was written with version {checkpoint.notation} of the notation, in which its model "
            "means something else",
            hint="eingrad.parse shows both readings of its text as notes; train anew with the "
            "model that is meant (--model, --overwrite)",
        )
    if about["format"] == OLD_FORMAT:
        covered = "the numbers alone" if OLD_CHECKSUM in about else "nothing"
        report(f"{path} is of an older eingrad: its checksum covers {covered}, and it does not "
               "say which data it learned from")  # fmt: skip
    return checkpoint


def _means_something_else(model: str) -> bool:
    """Whether a text of an older notation has another meaning now; what is no model
    has none."""
    try:
        return reads_otherwise(model)
    except NotationError:
        return False


def notation_of(about: Mapping[str, Any]) -> int:
    """Return the version of the notation of a checkpoint's model: 1 where it does not say.

    Raises `DataError` for one that this eingrad does not know.
    """
    version = about.get("notation", 1)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise DataError(f"notation {version!r}")
    if version > NOTATION:
        raise DataError(
            f"its model is in version {version} of the notation, this eingrad reads {NOTATION}"
        )
    return version


def check_writable(path: str | os.PathLike[str], may_replace: bool) -> None:
    """Raise `DataError` where a checkpoint could not be written, before the work is done."""
    path = Path(path)
    try:
        folder = resolved(path).parent
        exists = path.exists()
    except OSError as error:
        raise _bad(path, f"cannot be written ({error.strerror})") from error
    if exists and not path.is_file():
        what = "a folder" if path.is_dir() else "a device or a pipe"
        raise _bad(path, f"is {what}", hint="--checkpoint takes the name of a file")
    if exists and not may_replace:
        raise _bad(
            path,
            "exists already",
            hint="go on from it with --resume, or replace it with --overwrite",
        )
    if not folder.is_dir():
        raise _bad(path, "cannot be written: its folder does not exist")
    if not os.access(folder, os.W_OK):
        raise _bad(path, "cannot be written: its folder is read-only")


def _metadata(content: bytes) -> dict[str, str]:
    """Return the metadata of a safetensors file that was found to be sound."""
    length = int.from_bytes(content[:8], "little")
    metadata: dict[str, str] = json.loads(content[8 : 8 + length]).get("__metadata__") or {}
    return metadata


def _check_whole(about: Any, content: bytes, tensors: Arrays) -> None:
    """Raise `DataError` where a file is not as it was written, or does not say so."""
    if not isinstance(about, dict):
        raise DataError("no record of the run")
    number = about.get("format")
    if number == FORMAT:
        digest = about.get(DIGEST)
        if not isinstance(digest, str) or len(digest) != len(ZEROS):
            raise DataError("its checksum is missing")
        zeroed = content.replace(digest.encode(), ZEROS.encode(), 1)
        if hashlib.sha256(zeroed).hexdigest() != digest:
            raise DataError("its contents are not those that were written")
    elif number == OLD_FORMAT:
        for name in NEW:
            if name in about:
                raise DataError(f"it says that it is of format {OLD_FORMAT}, which has no {name}")
        if about.get(OLD_CHECKSUM, _checksum(tensors)) != _checksum(tensors):
            raise DataError("its numbers are not those that were written")
    else:
        raise DataError(f"format {number!r}, this version reads {OLD_FORMAT} and {FORMAT}")


def _read(about: dict[str, Any], tensors: Arrays) -> Checkpoint:
    for name, kind in (
        ("model", str), ("image_shape", list), ("classes", int), ("epoch", int), ("rng", dict),
        ("history", list),
    ):  # fmt: skip
        if not isinstance(about.get(name), kind):
            raise DataError(f"no {name}")
    height, width = (int(size) for size in about["image_shape"])
    if min(height, width, about["classes"]) < 1 or about["epoch"] < 0:
        raise DataError("sizes out of range")
    return Checkpoint(
        model=about["model"],
        settings=Settings.read(about.get("settings")),
        image_shape=(height, width),
        classes=about["classes"],
        epoch=about["epoch"],
        rng=about["rng"],
        history=tuple(about["history"]),
        parameters=_with_prefix(tensors, PARAMETER),
        state=_with_prefix(tensors, STATE),
        data=about.get("data"),
        mesh=about.get("mesh"),
        notation=notation_of(about),
        table=about.get("table"),
        class_names=tuple(str(name) for name in about.get("class_names") or ()),
    )


def _checksum(tensors: Arrays) -> int:
    """Return the CRC-32 of all entries, in the order of the tensors' names."""
    result = 0
    for name in sorted(tensors):
        result = zlib.crc32(np.ascontiguousarray(tensors[name]).tobytes(), result)
    return result


def _with_prefix(tensors: Arrays, prefix: str) -> Arrays:
    return {k.removeprefix(prefix): x for k, x in tensors.items() if k.startswith(prefix)}


def _write(path: Path, content: bytes) -> None:
    try:
        with replacing(path) as file:
            file.write(content)
    except OSError as error:
        raise _bad(path, f"cannot be written ({error.strerror or error})") from error


def _bad(path: Path, reason: str, hint: str | None = None) -> DataError:
    return DataError(f"{path} {reason}", operand=str(path), hint=hint)
