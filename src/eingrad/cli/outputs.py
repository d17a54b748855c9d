"""The files that `eingrad train` writes: a checkpoint that it has to itself, and its pictures."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from eingrad.cli.processes import Devices
from eingrad.errors import BackendError, DataError, printable
from eingrad.learn.atomic import owned, sweep, write_text
from eingrad.learn.checkpoint import Checkpoint, check_writable, save
from eingrad.learn.data import Split
from eingrad.learn.train import EpochRecord, Trainer


@dataclass(frozen=True, slots=True)
class Files:
    """The files and folders that the command line names."""

    data: Path | None
    model: Path | None
    checkpoint: Path | None
    plots: Path | None
    resume: bool
    overwrite: bool
    other_data: bool
    log: Path | None = None
    report: Path | None = None


# --- the checkpoint ---------------------------------------------------------------------------


@contextlib.contextmanager
def owning(files: Files, devices: Devices) -> Iterator[None]:
    """Have the checkpoint for this run alone. Raises `DataError` where another run has it."""
    path = files.checkpoint
    with contextlib.ExitStack() as stack:
        if path is not None and devices.is_first:
            check_writable(path, may_replace=True)
            try:
                stack.enter_context(owned(path))
            except OSError as error:
                waits = isinstance(error, BlockingIOError)
                raise DataError(
                    f"{path} cannot be written ({error.strerror or error})",
                    operand=str(path),
                    hint="wait for that run, or name another --checkpoint" if waits else None,
                ) from error
        yield


class Saved:
    """The checkpoint as this run left it; ``epoch`` is what it holds, 0 where there is none."""

    def __init__(self, path: Path | None, epoch: int) -> None:
        self.path, self.epoch = path, epoch if path else 0
        self._found = self._identity()

    def write(self, checkpoint: Checkpoint, is_first: bool) -> None:
        """Save an epoch, in the first process; not over what something else has written."""
        assert self.path is not None
        if is_first:
            if self._identity() not in (None, self._found):
                raise DataError(
                    f"{self.path} was written by something else while this run trained; "
                    f"its epoch {checkpoint.epoch} is not saved",
                    operand=str(self.path),
                    hint="name another --checkpoint",
                )
            save(self.path, checkpoint)
            self._found = self._identity()
        self.epoch = checkpoint.epoch

    def _identity(self) -> tuple[int, ...] | None:
        try:
            about = os.stat(self.path or "")
        except OSError:
            return None
        return about.st_dev, about.st_ino, about.st_size

    def __str__(self) -> str:
        if self.path is None:
            return "nothing was saved (no --checkpoint)"
        return f"{self.path} holds epoch {self.epoch}" if self.epoch else "nothing was saved yet"


# --- a line an epoch --------------------------------------------------------------------------


class EpochLog:
    """Writes ``--log FILE.csv``: a line for each epoch, after those of the run that goes on.

    Raises `DataError` where the file is there and is not this run's to go on with or replace.
    """

    def __init__(self, files: Files, devices: Devices, is_regression: bool) -> None:
        self.path = files.log if devices.is_first else None
        score = "test_r2" if is_regression else "test_accuracy"
        self.head = f"epoch,loss,test_loss,{score},seconds"
        self.begun = time.perf_counter()
        if self.path is None:
            return
        goes_on = files.resume and self._is_own()
        if self.path.exists() and not goes_on and not files.overwrite:
            raise DataError(
                f"{self.path} exists already",
                operand=str(self.path),
                hint="replace it with --overwrite, or name another file",
            )
        if not goes_on:
            self._add(self.head, "w")

    def _is_own(self) -> bool:
        assert self.path is not None
        try:
            with self.path.open(encoding="utf-8") as file:
                return file.readline().rstrip("\n") == self.head
        except (OSError, UnicodeDecodeError):
            return False

    def write(self, record: EpochRecord) -> None:
        """Add an epoch's line, with the seconds since the run began or went on."""
        seconds = time.perf_counter() - self.begun
        values = [record.epoch, record.loss, record.test_loss, record.accuracy, round(seconds, 3)]
        self._add(",".join(map(repr, values)), "a")

    def _add(self, line: str, mode: str) -> None:
        if self.path is None:
            return
        try:
            with self.path.open(mode, encoding="utf-8") as file:
                file.write(f"{line}\n")
        except OSError as error:
            raise DataError(
                f"{self.path} cannot be written ({error.strerror or error})",
                operand=str(self.path),
            ) from error


# --- the page of a run --------------------------------------------------------------------------


def check_report(files: Files) -> None:
    """Raise `DataError` where the page cannot be written, before anything is trained."""
    path = files.report
    if path is None:
        return
    if path.exists() and not files.overwrite:
        raise DataError(
            f"{path} exists already",
            operand=str(path),
            hint="replace it with --overwrite, or name another file",
        )
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise DataError(
            f"{path} cannot be written", operand=str(path), hint="--report takes a file to be"
        )


def write_report(files: Files, trainer: Trainer, devices: Devices) -> None:
    """Write the page of a run; all processes predict, the first one writes."""
    if files.report is None:
        return
    from eingrad.learn.run_report import run_report  # noqa: PLC0415  # pictures, derivations

    test = trainer.dataset.test
    predicted = None if trainer.dataset.is_regression else trainer.predicted(test)
    if devices.is_first:
        try:
            write_text(files.report, run_report(trainer, predicted))
        except OSError as error:
            reason = error.strerror or error
            raise DataError(f"cannot write {files.report}: {reason}") from error
        print(printable(f"wrote {files.report}"))


# --- pictures ---------------------------------------------------------------------------------


def check_plots(files: Files) -> None:
    """Make the folder of --plots. Raises where it cannot be, or nothing can draw."""
    if files.plots and files.plots.exists() and not files.plots.is_dir():
        raise DataError(f"{files.plots} is not a folder", operand=str(files.plots))
    if files.plots and find_spec("matplotlib") is None:
        raise BackendError(
            "--plots needs matplotlib, which is not installed",
            operand="matplotlib",
            hint="pip install 'eingrad[plot]'",
        )
    if files.plots:
        try:
            files.plots.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(files.plots, error.strerror or str(error)) from error
        if not os.access(files.plots, os.W_OK):
            raise _unusable(files.plots, "it is read-only")


def _unusable(folder: Path, reason: str) -> DataError:
    return DataError(
        f"no plots can be written into {folder} ({reason})",
        operand=str(folder),
        hint="--plots takes a folder, which is made where it does not exist",
    )


def plot_paths(files: Files, name: str) -> list[Path]:
    """Return where a run's pictures will be: in --plots, or beside the checkpoint; or nowhere.

    Raises `DataError` where that would replace a file that is not this run's.
    """
    if files.plots:
        stem = files.plots / name
    elif files.checkpoint and find_spec("matplotlib"):
        stem = files.checkpoint.with_suffix("")
    else:
        return []
    paths = [stem.with_name(f"{stem.name}-{kind}.png") for kind in ("curves", "mistakes")]
    for path in paths:
        try:
            taken = path.exists() and not files.overwrite and not _is_own(path, files)
            sweep(path)
        except OSError as error:
            raise DataError(
                f"{path} cannot be written ({error.strerror or error})", operand=str(path)
            ) from error
        if taken:
            raise DataError(
                f"{path} exists already, and is not a picture of this run",
                operand=str(path),
                hint="replace it with --overwrite, or name another folder with --plots",
            )
    return paths


def _is_own(path: Path, files: Files) -> bool:
    from eingrad.learn.plots import is_plot_of  # noqa: PLC0415  # needs matplotlib

    return files.resume and is_plot_of(path, _source(files))


def _source(files: Files) -> str:
    """Return what a run's pictures say of where they come from."""
    return ascii(files.checkpoint.name) if files.checkpoint else ""


def write_plots(paths: list[Path], files: Files, trainer: Trainer, devices: Devices) -> None:
    """Draw the pictures of a run; all processes compute what is shown, the first one draws."""
    if not paths:
        return
    from eingrad.learn.plots import plot_history, plot_mistakes  # noqa: PLC0415  # optional

    name, test = trainer.dataset.name, trainer.dataset.test
    curves, mistakes = paths
    kind = "R^2" if trainer.dataset.is_regression else "accuracy"
    if not isinstance(test, Split):  # rows have no picture
        if devices.is_first:
            plot_history(trainer.history, curves, name, _source(files), kind)
            print(printable(f"wrote {curves}"))
        return
    predicted = trainer.predicted(test)
    if devices.is_first:
        plot_history(trainer.history, curves, name, _source(files))
        plot_mistakes(test, predicted, mistakes, name, _source(files))
        print(printable(f"wrote {curves} and {mistakes}"))
