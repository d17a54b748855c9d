"""What `eingrad train` does: set a run up, show how it goes, save it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from eingrad.cli.app import code_of, note
from eingrad.cli.commands import print_notes
from eingrad.cli.outputs import (
    EpochLog,
    Files,
    Saved,
    check_plots,
    check_report,
    owning,
    plot_paths,
    write_plots,
    write_report,
)
from eingrad.cli.processes import Devices
from eingrad.engine.library import allow_float64
from eingrad.errors import DataError, DivergedError
from eingrad.learn.checkpoint import Checkpoint, check_writable, load
from eingrad.learn.classifier import packaged_model
from eingrad.learn.data import Dataset
from eingrad.learn.data import load as load_data
from eingrad.learn.own_data import Asked, load_own
from eingrad.learn.settings import Settings
from eingrad.learn.table import Preparation
from eingrad.learn.train import EpochRecord, Trainer, score_text
from eingrad.notation.files import read_text

REFRESH = 0.1  # seconds between two updates of the bar


def run_training(files: Files, devices: Devices, **options: Any) -> None:
    """Train from the start or from a checkpoint; ``options`` are those of `Settings`, or None.

    Of several processes the first one prints and writes.
    """
    check_plots(files)
    check_report(files)
    with owning(files, devices):
        devices.join()
        trainer = (_resume if files.resume else _start)(files, devices, options)
        plots = plot_paths(files, Path(trainer.settings.dataset).stem)
        log = EpochLog(files, devices, trainer.dataset.is_regression)
        _train(trainer, Saved(files.checkpoint, trainer.epoch), devices, log)
        score = trainer.score
        try:
            write_plots(plots, files, trainer, devices)
            write_report(files, trainer, devices)
        finally:
            print(f"test {score}")


def _train(trainer: Trainer, saved: Saved, devices: Devices, log: EpochLog) -> None:
    """Train to the last epoch, show how it goes, and save each; say what is saved at an early end.

    Raises `DivergedError`, and `typer.Exit` after a signal.
    """
    try:
        print(_summary(trainer), flush=True)
        with _display(trainer) as display:
            for record in trainer.run(display.batch):
                if saved.path:
                    checkpoint = trainer.checkpoint()  # all processes gather it
                    saved.write(checkpoint, devices.is_first)
                log.write(record)
                display.epoch(record)
    except KeyboardInterrupt as signal:
        epoch = min(trainer.epoch + 1, trainer.settings.epochs)
        on = ": go on with --resume" if saved.epoch else ""
        note(f"interrupted in epoch {epoch}; {saved}{on}")
        raise typer.Exit(code_of(signal)) from None
    except DivergedError as error:
        hint = f"go on from it with --resume: {error.hint}" if saved.epoch else error.hint
        reason = f"{error.reason}; {saved}"
        raise DivergedError(reason, operand=error.operand, hint=hint) from error


def _start(files: Files, devices: Devices, options: dict[str, Any]) -> Trainer:
    if files.other_data:
        raise DataError("--other-data needs a run to --resume", operand="other_data")
    settings = Settings.choose(**{**options, "dataset": options["dataset"] or "digits"})
    _check_own(settings, options, files)
    if files.checkpoint:
        check_writable(files.checkpoint, may_replace=files.overwrite)
    _allow_dtype(settings)
    data = _load_data(settings, files)
    kind = "regression" if data.is_regression else "mlp"
    text = packaged_model(kind) if files.model is None else read_text(files.model)
    trainer = Trainer.start(text, settings, data, devices.mesh, devices.device)
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
    checkpoint: Checkpoint = load(files.checkpoint, note)
    check_writable(files.checkpoint, may_replace=True)
    if files.model is not None and read_text(files.model) != checkpoint.model:
        raise DataError(
            f"{files.model} is not the model that {files.checkpoint} was made with",
            operand=str(files.model),
            hint="leave --model out to resume: the checkpoint holds its model",
        )
    settings = checkpoint.settings.resume(**options)
    _allow_dtype(settings)
    data = _load_data(settings, files, checkpoint.preparation)
    return Trainer.resume(
        checkpoint, settings, data, devices.mesh, files.other_data, devices.device
    )


def _check_own(settings: Settings, options: dict[str, Any], files: Files) -> None:
    """Raise `DataError` for options that the data set does not take."""
    own = [name for name in ("target", "task", "validation", "ignore", "fill") if options[name]]
    if own and not settings.is_own:
        raise DataError(
            f"--{own[0]} is for data of one's own, and {settings.dataset} is none",
            operand=own[0],
            hint="eingrad train FILE.csv --target COLUMN",
        )
    if settings.is_own and files.data is not None:
        raise DataError(
            f"--data is the folder of MNIST's files, and {settings.dataset} is named",
            operand="data",
            hint="leave --data out",
        )


def _allow_dtype(settings: Settings) -> None:
    """Ask for the run's precision before any array is made."""
    if settings.dtype == "float64":
        allow_float64(settings.backend)


def _load_data(settings: Settings, files: Files, known: Preparation | None = None) -> Dataset:
    if settings.is_own:
        return load_own(Asked.by(settings, known), note)
    return load_data(settings.dataset, files.data, note)


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
    if trainer.changed:
        parts.append(f"not as the run was saved: {'; '.join(trainer.changed)}")
    return "\n".join(parts)


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


def _display(trainer: Trainer) -> Display:
    console = Console()
    shows_bar = sys.stdout.isatty() and not console.is_dumb_terminal
    return Bar(trainer, console) if shows_bar else EpochLines(trainer)


class EpochLines:
    """One line an epoch, for pipes and files."""

    def __init__(self, trainer: Trainer) -> None:
        self.epochs = trainer.settings.epochs
        self.is_regression = trainer.dataset.is_regression
        self.examples, self.seconds, self.begun = 0, 0.0, 0.0

    def __enter__(self) -> Self:
        self.begun = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
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
            f"test loss {record.test_loss:.4f}  "
            f"test {score_text(record.accuracy, self.is_regression)}  "
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
            TextColumn("loss {task.fields[loss]}  {task.fields[accuracy]}"),
            TextColumn("{task.fields[speed]} examples/s"),
            TimeRemainingColumn(),
            console=console,
        )
        last = trainer.history[-1] if trainer.history else None
        self.is_regression = trainer.dataset.is_regression
        self.accuracy = score_text(last.accuracy, self.is_regression) if last else "accuracy -"
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
        self.accuracy = score_text(record.accuracy, self.is_regression)
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
