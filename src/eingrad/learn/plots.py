"""Pictures of a run: the curves of loss and accuracy, and the digits that it gets wrong.

Needs matplotlib. Figures are drawn by Agg through matplotlib's objects, so that no global state,
window or display is involved.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from PIL import Image

from eingrad.errors import DataError
from eingrad.learn.atomic import replacing
from eingrad.learn.data import Split
from eingrad.learn.train import EpochRecord

TRAIN_COLOR, TEST_COLOR = "#4477aa", "#cc6677"  # tell apart in grey and with colour blindness
COLUMNS, ROWS = 8, 5
SOFTWARE = "eingrad train"


def is_plot_of(path: Path, source: str) -> bool:
    """Say whether a file is a PNG that was written here with this ``source``."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            return image.info.get("Software") == SOFTWARE and image.info.get("Source") == source
    except (OSError, ValueError, SyntaxError):
        return False


def plot_history(
    history: Sequence[EpochRecord], path: str | os.PathLike[str], title: str, source: str = "",
    score: str = "accuracy",
) -> None:  # fmt: skip
    """Write a PNG of both losses and of the test accuracy, or R^2, over the epochs.

    ``source`` is kept in it, for `is_plot_of`.
    """
    figure = _figure(9, 3.6)
    left, right = figure.subplots(1, 2)
    epochs = [record.epoch for record in history]
    left.plot(epochs, [r.loss for r in history], "o-", ms=3, color=TRAIN_COLOR, label="training")
    left.plot(epochs, [r.test_loss for r in history], "s-", ms=3, color=TEST_COLOR, label="test")
    left.set_ylabel("loss")
    if all(r.loss > 0 and r.test_loss > 0 for r in history):
        left.set_yscale("log")
    left.legend(frameon=False)
    unit, scale = (" (%)", 100) if score == "accuracy" else ("", 1)
    accuracy = [scale * r.accuracy for r in history]
    right.plot(epochs, accuracy, "s-", ms=3, color=TEST_COLOR)
    right.set_ylabel(f"test {score}{unit}")
    if accuracy:
        last = f"{accuracy[-1]:.1f} %" if scale > 1 else f"{accuracy[-1]:.4f}"
        right.set_title(f"last {last}", fontsize=10)
    for axes in (left, right):
        _dress(axes)
    figure.suptitle(title)
    _save(figure, path, source)


def plot_mistakes(
    split: Split, predicted: NDArray[np.int64], path: str | os.PathLike[str], title: str,
    source: str = "",
) -> None:  # fmt: skip
    """Write a PNG of the first images that are not what is predicted, with both classes."""
    wrong = np.flatnonzero(predicted != split.labels)
    shown = wrong[: COLUMNS * ROWS]
    rows = max(1, -(-len(shown) // COLUMNS))
    figure = _figure(COLUMNS * 1.1, rows * 1.4 + 0.6)
    cells = figure.subplots(rows, COLUMNS, squeeze=False).reshape(-1)
    for axes in cells:
        axes.set_axis_off()
    for axes, index in zip(cells, shown, strict=False):
        axes.imshow(split.images[index], cmap="gray_r", vmin=0, vmax=split.peak)
        axes.set_title(f"{split.labels[index]}, not {predicted[index]}", fontsize=9)
    some = f", {len(shown)} shown" if len(shown) < len(wrong) else ""
    figure.suptitle(f"{title}: {len(wrong):,} of {len(split):,} wrong{some}")
    _save(figure, path, source)


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _dress(axes: Axes) -> None:
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _save(figure: Figure, path: str | os.PathLike[str], source: str) -> None:
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            figure.savefig(file, format="png", metadata={"Software": SOFTWARE, "Source": source})
    except OSError as error:
        raise DataError(
            f"{path} cannot be written ({error.strerror or error})", operand=str(path)
        ) from error
