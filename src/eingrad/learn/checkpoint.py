"""A run on disk: a safetensors file that is written whole or not at all.

The tensors are ``parameter/NAME`` and ``state/NAME`` (the optimizer's); the metadata has one
entry, ``eingrad``, which is JSON. It holds a checksum of the tensors, which safetensors has not.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray
from safetensors.numpy import save as safetensors_bytes

from eingrad.errors import DataError, EingradError
from eingrad.learn.atomic import replacing
from eingrad.learn.settings import Settings

FORMAT = 1
KEY, CHECKSUM = "eingrad", "crc32"
WRITTEN_BY = "a checkpoint is what `eingrad train --checkpoint FILE` writes"
PARAMETER, STATE = "parameter/", "state/"
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A run after ``epoch`` epochs; ``rng`` is the state of the generator that shuffles.

    ``history`` has one record an epoch, as `train.EpochRecord` writes it.
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


def save(path: str | os.PathLike[str], checkpoint: Checkpoint) -> None:
    """Write a checkpoint: a reader, or a crash, sees the old file or the new one, whole.

    Raises `DataError` when the file cannot be written.
    """
    about: dict[str, Any] = {
        "format": FORMAT,
        "model": checkpoint.model,
        "settings": checkpoint.settings.json(),
        "image_shape": list(checkpoint.image_shape),
        "classes": checkpoint.classes,
        "epoch": checkpoint.epoch,
        "rng": checkpoint.rng,
        "history": list(checkpoint.history),
    }
    tensors = {PARAMETER + name: x for name, x in checkpoint.parameters.items()}
    tensors |= {STATE + name: x for name, x in checkpoint.state.items()}
    # safetensors writes an array's memory as it lies, whatever its strides
    tensors = {name: np.array(x, order="C") for name, x in tensors.items()}
    about[CHECKSUM] = _checksum(tensors)
    _write(Path(path), safetensors_bytes(tensors, {KEY: json.dumps(about)}))


def load(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint. Raises `DataError` for a missing, damaged or foreign file."""
    path = Path(path)
    if path.exists() and not path.is_file():
        raise _bad(path, "is not a file")
    try:
        with safetensors.safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            if KEY not in metadata:
                raise _bad(path, "is a safetensors file, but not a checkpoint of eingrad")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise _bad(path, "does not exist", WRITTEN_BY) from error
    except OSError as error:
        raise _bad(path, f"cannot be read ({error.strerror or error})") from error
    except (safetensors.SafetensorError, TypeError, ValueError) as error:
        if isinstance(error, EingradError):
            raise
        raise _bad(
            path,
            f"is not a checkpoint, or a damaged one ({error})",
            hint=WRITTEN_BY,
        ) from error
    try:
        return _read(json.loads(metadata[KEY]), tensors)
    except (EingradError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise _bad(path, f"is damaged, or of another version of eingrad ({error})") from error


def check_writable(path: str | os.PathLike[str], may_replace: bool) -> None:
    """Raise `DataError` where a checkpoint could not be written, before the work is done."""
    path = Path(path)
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "a device or a pipe"
        raise _bad(path, f"is {what}", hint="--checkpoint takes the name of a file")
    if path.exists() and not may_replace:
        raise _bad(
            path,
            "exists already",
            hint="go on from it with --resume, or replace it with --overwrite",
        )
    if not path.resolve().parent.is_dir():
        raise _bad(path, "cannot be written: its folder does not exist")
    if not os.access(path.resolve().parent, os.W_OK):
        raise _bad(path, "cannot be written: its folder is read-only")


def _read(about: Any, tensors: Arrays) -> Checkpoint:
    if not isinstance(about, dict):
        raise DataError("no record of the run")
    if about.get("format") != FORMAT:
        raise DataError(f"format {about.get('format')!r}, this version reads {FORMAT}")
    if about.get(CHECKSUM, _checksum(tensors)) != _checksum(tensors):  # older ones have none
        raise DataError("its numbers are not those that were written")
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
