"""What `eingrad predict` does: a class and its probability for each image."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from eingrad.cli.app import UNUSABLE, fail, note
from eingrad.errors import DataError, EingradError, printable
from eingrad.learn.checkpoint import load
from eingrad.learn.classifier import Learner
from eingrad.learn.images import BATCH, Images, as_file
from eingrad.learn.own_data import load_array
from eingrad.learn.table import Preparation, of_array, read_csv

Row = tuple[str, str, float]
"""What is predicted of: its name; a class, or a number; how probable the class is, or nan."""


def run_prediction(checkpoint: Path, images: Sequence[Path]) -> None:
    """Print a row for each image; a bad one is reported, and the others go on."""
    learned = Learned.load(checkpoint)
    in_terminal = sys.stdout.isatty()
    rows: list[Row] = []
    unusable = False
    for path in images:
        try:
            for row in learned.predict_file(path):
                rows.append(row)
                if not in_terminal:
                    probability = "" if math.isnan(row[2]) else f"\t{row[2]:.4f}"
                    print(f"{row[0]}\t{row[1]}{probability}")
        except EingradError as error:
            sys.stdout.flush()
            fail(error)
            unusable = True
    if in_terminal and rows:
        Console().print(_table(rows))
    if unusable:
        raise typer.Exit(UNUSABLE)


@dataclass(frozen=True, slots=True)
class Learned:
    """What a checkpoint holds, on NumPy: a classifier, and what its columns and classes are."""

    classifier: Learner
    preparation: Preparation | None
    class_names: tuple[str, ...]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a checkpoint. Raises `DataError`."""
        checkpoint = load(path, note)
        try:
            classifier = Learner(
                checkpoint.model,
                replace(checkpoint.settings, backend="numpy"),
                checkpoint.image_shape,
                checkpoint.classes,
            )
            classifier.load_parameters(checkpoint.parameters)
            return cls(classifier, checkpoint.preparation, checkpoint.class_names)
        except EingradError as error:
            raise DataError(f"{path} is damaged: {error}", operand=str(path)) from error

    def predict_file(self, path: Path) -> Iterator[Row]:
        """Yield what is predicted for each image or row of a file."""
        if self.preparation is None:
            return self._predict_images(path)
        return self._predict_rows(path, self.preparation)

    def _class(self, index: int) -> str:
        return printable(self.class_names[index]) if self.class_names else str(index)

    def _predict_images(self, path: Path) -> Iterator[Row]:
        name = printable("standard input" if str(path) == "-" else str(path))
        with as_file(path, sys.stdin.buffer) as file:
            images = Images(file, self.classifier.image_shape, note)
            index = 0
            for pixels in images.batches(BATCH):
                for row in self.classifier.probabilities(pixels):
                    shown = name if len(images) == 1 else f"{name}[{index}]"
                    yield shown, *self._best(path, row)
                    index += 1

    def _best(self, path: Path, probabilities: NDArray[np.float64]) -> tuple[str, float]:
        best = int(probabilities.argmax())
        if not math.isfinite(probabilities[best]):
            raise DataError(f"{path}: the model's prediction is not a number")
        return self._class(best), float(probabilities[best])

    def _predict_rows(self, path: Path, preparation: Preparation) -> Iterator[Row]:
        """Yield what is predicted for the rows that can be used; then raise for the others."""
        with as_file(path, sys.stdin.buffer) as file:
            is_array = file.suffix.lower() == ".npy"
            table = of_array(str(path), load_array(file)) if is_array else read_csv(file)
        table = replace(table, path=str(path))
        features, problems = preparation.features(table)
        bad = {problem.row for problem in problems}
        good = [row for row in range(len(table)) if row not in bad]
        target = preparation.target
        for start in range(0, len(good), BATCH):
            rows = good[start : start + BATCH]
            values = features[rows].astype(self.classifier.dtype)
            if target.classes:
                found = [self._best(path, row) for row in self.classifier.probabilities(values)]
            else:
                scores = self.classifier.scores(values)[:, 0].astype(np.float64)
                found = [(f"{y * target.scale + target.mean:.6g}", math.nan) for y in scores]
            for row, what in zip(rows, found, strict=True):
                yield printable(f"{path}:{table.lines[row]}"), *what
        table.check(problems, most=len(problems))


def _table(rows: Sequence[Row]) -> Table:
    is_regression = any(math.isnan(probability) for _, _, probability in rows)
    table = Table("image or row")
    table.add_column("value" if is_regression else "class", justify="right")
    if not is_regression:
        table.add_column("probability", justify="right")
    for name, best, probability in rows:
        shown = [] if is_regression else [f"{100 * probability:.1f} %"]
        table.add_row(Text(name), Text(best), *shown)
    return table
