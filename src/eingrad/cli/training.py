"""What `eingrad train` does: set a run up, show how it goes, save it."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from eingrad.cli.app import INTERRUPTED
from eingrad.cli.derive import print_notes
from eingrad.cli.processes import Devices
from eingrad.engine.library import allow_float64
from eingrad.errors import BackendError, DataError
from eingrad.learn.checkpoint import Checkpoint, check_writable, load, save
from eingrad.learn.data import load as load_data
from eingrad.learn.model import packaged_model
from eingrad.learn.settings import Settings
from eingrad.learn.train import EpochRecord, Trainer
from eingrad.notation.files import read_text

REFRESH = 0.1  # seconds between two updates of the bar


@dataclass(frozen=True, slots=True)
class Files:
    """The files and folders that the command line names."""

    data: Path | None
    model: Path | None
    checkpoint: Path | None
    plots: Path | None
    resume: bool
    overwrite: bool


def run_training(files: Files, devices: Devices, **options: Any) -> None:
    """Train from the start or from a checkpoint; ``options`` are those of `Settings`, or None.

    Of several processes the first one prints and writes.
    """
    _check_plots(files)
    devices.join()
    trainer = (_resume if files.resume else _start)(files, devices, options)
    print(_summary(trainer), flush=True)
    saved = trainer.epoch  # of which epoch the checkpoint is
    with _display(trainer) as display:
        try:
            for record in trainer.run(display.batch):
                if files.checkpoint:
                    checkpoint = trainer.checkpoint()  # all processes gather it
                    if devices.is_first:
                        save(files.checkpoint, checkpoint)
                    saved = record.epoch
                display.epoch(record)
        except KeyboardInterrupt:
            display.close()
            print(_interrupted(files, trainer, saved), file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None
    _write_plots(files, trainer, devices)
    accuracy = trainer.history[-1].accuracy if trainer.history else trainer.test()[1]
    print(f"test accuracy {100 * accuracy:.1f} %")


def _start(files: Files, devices: Devices, options: dict[str, Any]) -> Trainer:
    settings = Settings.choose(**{**options, "dataset": options["dataset"] or "digits"})
    text = packaged_model() if files.model is None else read_text(files.model)
    if files.checkpoint:
        check_writable(files.checkpoint, may_replace=files.overwrite)
    _allow_dtype(settings)
    trainer = Trainer.start(text, settings, _load_data(settings, files), devices.mesh)
    print_notes(trainer.classifier.model)
    if options["activation"] and not trainer.classifier.model.system.functions:
        raise DataError(
            "the model declares no function, so --activation has no effect",
            operand="activation",
            hint="write `function phi` and use phi(...) in the model, or leave --activation out",
        )
    return trainer


def _resume(files: Files, devices: Devices, options: dict[str, Any]) -> Trainer:
    if files.checkpoint is None:
        raise DataError("--resume needs a --checkpoint to go on from", operand="resume")
    checkpoint: Checkpoint = load(files.checkpoint)
    check_writable(files.checkpoint, may_replace=True)
    if files.model is not None and read_text(files.model) != checkpoint.model:
        raise DataError(
            f"{files.model} is not the model that {files.checkpoint} was made with",
            operand=str(files.model),
            hint="leave --model out to resume: the checkpoint holds its model",
        )
    settings = checkpoint.settings.resume(**options)
    _allow_dtype(settings)
    return Trainer.resume(checkpoint, settings, _load_data(settings, files), devices.mesh)


def _allow_dtype(settings: Settings) -> None:
    """Ask for the run's precision before any array is made."""
    if settings.dtype == "float64":
        allow_float64(settings.backend)


def _load_data(settings: Settings, files: Files) -> Any:
    return load_data(settings.dataset, files.data, lambda line: print(line, file=sys.stderr))


def _summary(trainer: Trainer) -> str:
    settings = trainer.settings
    parts = [
        f"{trainer.dataset}; {trainer.classifier.parameter_count:,} parameters",
        f"{settings.optimizer}, lr {settings.lr:g}, minibatches of {settings.batch_size}, "
        f"{settings.backend} {settings.dtype}, seed {settings.seed}",
    ]
    if trainer.classifier.mesh is not None:
        parts.append(str(trainer.classifier.mesh))
    if trainer.epoch >= settings.epochs:
        parts.append(
            f"epoch {trainer.epoch} is done, and --epochs is {settings.epochs}: nothing is left to "
            f"train; for more, --epochs {trainer.epoch + 1} or greater"
        )
    elif trainer.epoch:
        parts.append(f"going on after epoch {trainer.epoch} of {settings.epochs}")
    return "\n".join(parts)


def _interrupted(files: Files, trainer: Trainer, saved: int) -> str:
    where = f"interrupted in epoch {min(trainer.epoch + 1, trainer.settings.epochs)}"
    if files.checkpoint is None:
        return f"{where}; nothing was saved (no --checkpoint)"
    if not saved:
        return f"{where}; nothing was saved yet"
    return f"{where}; {files.checkpoint} holds epoch {saved}: go on with --resume"


# --- how it goes ------------------------------------------------------------------------------


class Display(Protocol):
    """Shows a run while it goes."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def batch(self, examples: int, loss: float) -> None: ...

    def epoch(self, record: EpochRecord) -> None: ...

    def close(self) -> None: ...


def _display(trainer: Trainer) -> Display:
    console = Console()
    shows_bar = sys.stdout.isatty() and not console.is_dumb_terminal
    return Bar(trainer, console) if shows_bar else Lines(trainer)


class Lines:
    """One line an epoch, for pipes and files."""

    def __init__(self, trainer: Trainer) -> None:
        self.epochs = trainer.settings.epochs
        self.examples, self.seconds, self.begun = 0, 0.0, 0.0

    def __enter__(self) -> Self:
        self.begun = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is left open."""

    def batch(self, examples: int, loss: float) -> None:  # noqa: ARG002
        """Count; the clock stands still while the test set is looked at."""
        self.examples += examples
        self.seconds = time.perf_counter() - self.begun

    def epoch(self, record: EpochRecord) -> None:
        """Print the epoch's line."""
        width = len(str(self.epochs))
        print(
            f"epoch {record.epoch:{width}}/{self.epochs}  loss {record.loss:.4f}  "
            f"test loss {record.test_loss:.4f}  test accuracy {100 * record.accuracy:.1f} %  "
            f"{self.examples / max(self.seconds, 1e-9):,.0f} examples/s",
            flush=True,
        )
        self.examples, self.begun = 0, time.perf_counter()


class Bar:
    """A progress bar over the whole run, for a terminal."""

    def __init__(self, trainer: Trainer, console: Console) -> None:
        self.settings = trainer.settings
        self.size = len(trainer.dataset.train)
        self.done = trainer.epoch * self.size
        self.progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            TextColumn("loss {task.fields[loss]}  accuracy {task.fields[accuracy]}"),
            TextColumn("{task.fields[speed]} examples/s"),
            TimeRemainingColumn(),
            console=console,
        )
        last = trainer.history[-1] if trainer.history else None
        self.accuracy = f"{100 * last.accuracy:.1f} %" if last else "-"
        self.speed = "-"
        self.task = self.progress.add_task(
            "train", total=self.settings.epochs * self.size, completed=self.done,
            epoch=self._epoch(), loss="-", accuracy=self.accuracy, speed=self.speed,
        )  # fmt: skip
        self.shown, self.counted = time.perf_counter(), self.done

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the terminal as it was, with the bar as it stands."""
        self.progress.stop()

    def _epoch(self) -> str:
        return f"{max(1, -(-self.done // self.size))}/{self.settings.epochs}"

    def batch(self, examples: int, loss: float) -> None:
        """Move on; the terminal is written to ten times a second at most."""
        self.done += examples
        if time.perf_counter() - self.shown >= REFRESH:
            self._show(loss)

    def epoch(self, record: EpochRecord) -> None:
        """Show the epoch's own loss and the test accuracy."""
        self.accuracy = f"{100 * record.accuracy:.1f} %"
        self._show(record.loss)

    def _show(self, loss: float) -> None:
        now = time.perf_counter()
        if self.done > self.counted:
            self.speed = f"{(self.done - self.counted) / (now - self.shown):,.0f}"
        self.shown, self.counted = now, self.done
        self.progress.update(
            self.task, completed=self.done, epoch=self._epoch(), loss=f"{loss:.4f}",
            accuracy=self.accuracy, speed=self.speed,
        )  # fmt: skip


# --- plots ------------------------------------------------------------------------------------


def _check_plots(files: Files) -> None:
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
            raise _unusable_plots(files.plots, error.strerror or str(error)) from error
        if not os.access(files.plots, os.W_OK):
            raise _unusable_plots(files.plots, "it is read-only")


def _unusable_plots(folder: Path, reason: str) -> DataError:
    return DataError(
        f"no plots can be written into {folder} ({reason})",
        operand=str(folder),
        hint="--plots takes a folder, which is made where it does not exist",
    )


def _write_plots(files: Files, trainer: Trainer, devices: Devices) -> None:
    """Write PNGs into --plots, or beside the checkpoint; all processes compute what is shown."""
    if files.plots:
        stem = files.plots / trainer.settings.dataset
    elif files.checkpoint and find_spec("matplotlib"):
        stem = files.checkpoint.with_suffix("")
    else:
        return
    from eingrad.learn.plots import plot_history, plot_mistakes  # noqa: PLC0415  # optional

    curves, mistakes = (
        stem.with_name(f"{stem.name}-{kind}.png") for kind in ("curves", "mistakes")
    )
    name, test = trainer.settings.dataset, trainer.dataset.test
    predicted = trainer.predicted(test)
    if not devices.is_first:
        return
    plot_history(trainer.history, curves, name)
    plot_mistakes(test, predicted, mistakes, name)
    print(f"wrote {curves} and {mistakes}")
