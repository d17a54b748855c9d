"""What `eingrad predict` does: a class and its probability for each image."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from eingrad.cli.app import UNUSABLE, fail, note
from eingrad.errors import DataError, EingradError, printable
from eingrad.learn.checkpoint import load
from eingrad.learn.classifier import Classifier
from eingrad.learn.images import BATCH, Images, as_file

Row = tuple[str, int, float]


def run_prediction(checkpoint: Path, images: Sequence[Path]) -> None:
    """Print a row for each image; a bad one is reported, and the others go on."""
    classifier = load_classifier(checkpoint)
    in_terminal = sys.stdout.isatty()
    rows: list[Row] = []
    unusable = False
    for path in images:
        try:
            for row in predict_file(classifier, path):
                rows.append(row)
                if not in_terminal:
                    print(f"{row[0]}\t{row[1]}\t{row[2]:.4f}")
        except EingradError as error:
            sys.stdout.flush()
            fail(error)
            unusable = True
    if in_terminal and rows:
        Console().print(_table(rows))
    if unusable:
        raise typer.Exit(UNUSABLE)


def load_classifier(path: Path) -> Classifier:
    """Return the classifier that a checkpoint holds, on NumPy. Raises `DataError`."""
    checkpoint = load(path, note)
    try:
        classifier = Classifier(
            checkpoint.model,
            replace(checkpoint.settings, backend="numpy"),
            checkpoint.image_shape,
            checkpoint.classes,
        )
        classifier.load_parameters(checkpoint.parameters)
    except EingradError as error:
        raise DataError(f"{path} is damaged: {error}", operand=str(path)) from error
    return classifier


def predict_file(classifier: Classifier, path: Path) -> Iterator[Row]:
    """Yield (name, class, probability) for each image of a file."""
    name = printable("standard input" if str(path) == "-" else str(path))
    with as_file(path, sys.stdin.buffer) as file:
        images = Images(file, classifier.image_shape, note)
        index = 0
        for pixels in images.batches(BATCH):
            for row in classifier.probabilities(pixels):
                best = int(row.argmax())
                if not math.isfinite(row[best]):
                    raise DataError(f"{path}: the model's prediction is not a number")
                yield (name if len(images) == 1 else f"{name}[{index}]"), best, float(row[best])
                index += 1


def _table(rows: Sequence[Row]) -> Table:
    table = Table("image")
    table.add_column("class", justify="right")
    table.add_column("probability", justify="right")
    for name, best, probability in rows:
        table.add_row(Text(name), str(best), f"{100 * probability:.1f} %")
    return table
