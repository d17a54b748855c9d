"""A run as one page of HTML: curves, confusion, mistakes, weights, and the derivation."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eingrad.api.models.model_derivatives import Derivatives
from eingrad.derivation.formats.as_html import blocks, page
from eingrad.engine.library import to_numpy
from eingrad.learn.classifier import LOSS
from eingrad.learn.data import Split
from eingrad.learn.train import Trainer

TRAIN_COLOR, TEST_COLOR = "#4477aa", "#cc6677"  # tell apart in grey and with colour blindness
MOST_IMAGES = 40
WIDTH, HEIGHT, MARGIN = 430, 240, 48
STYLE = """<style>
.run { display: flex; flex-wrap: wrap; gap: 1.5rem; }
.run svg { max-width: 100%; color: var(--soft); }
.images { display: flex; flex-wrap: wrap; gap: .6rem; }
.images figure { margin: 0; text-align: center; font-size: .8rem; color: var(--soft); }
.images img { width: 4rem; image-rendering: pixelated; border: 1px solid var(--line); }
.eingrad table.confusion td, .eingrad table.confusion th { text-align: right; padding: .25rem .5rem;
  border: 1px solid var(--line); font-size: .85rem; min-width: 2rem; font-weight: normal; }
</style>"""


def run_report(trainer: Trainer, predicted: NDArray[np.int64] | None) -> str:
    """Return the page of a run; ``predicted`` are the classes of the test set, None of numbers."""
    title = f"eingrad train {trainer.dataset.name}"
    return page(title, "\n".join([STYLE, *_sections(trainer, predicted)]))


def _sections(trainer: Trainer, predicted: NDArray[np.int64] | None) -> Iterator[str]:
    settings, test = trainer.settings, trainer.dataset.test
    yield (
        f"<p>{escape(str(trainer.dataset))}; {trainer.classifier.parameter_count:,} parameters."
        f"<br>{settings.optimizer}, lr {settings.lr:g}, minibatches of {settings.batch_size}, "
        f"{settings.backend} {settings.dtype}, seed {settings.seed}.<br>"
        f"<b>test {escape(trainer.score)}</b></p>"
    )
    yield "<h2>Curves</h2>\n" + _curves(trainer)
    if predicted is not None:
        yield "<h2>Confusion</h2>\n" + _confusion(trainer, predicted)
        if isinstance(test, Split):
            yield _mistakes(trainer, test, predicted)
    weights = _first_layer(trainer)
    if weights and isinstance(test, Split):
        yield weights
    yield "<h2>What was trained</h2>"
    parameters = [v.name for v in trainer.classifier.roles.parameters]
    derivatives: Derivatives = trainer.classifier.model.grad(LOSS, parameters)
    yield f'<div class="scroll" tabindex="0">{derivatives.picture(_sizes(trainer)).svg}</div>'
    yield from blocks(derivatives.presentation(), explain=True)


def _sizes(trainer: Trainer) -> dict[str, int]:
    """Return the extents by label: of the parameters, and of a minibatch."""
    learner = trainer.classifier
    sizes = {learner.roles.batch: trainer.settings.batch_size}
    for var in learner.roles.parameters:
        sizes |= zip(var.dims, learner.shapes[var.name], strict=True)
    letters = learner.model.system.letters
    return {x: n for dim, n in sizes.items() for x in letters.get(dim, ())}


# --- curves ---------------------------------------------------------------------------------------


def _curves(trainer: Trainer) -> str:
    history = trainer.history
    epochs = [record.epoch for record in history]
    loss = [("training", TRAIN_COLOR, [r.loss for r in history]),
            ("test", TEST_COLOR, [r.test_loss for r in history])]  # fmt: skip
    scale = 1.0 if trainer.dataset.is_regression else 100.0
    name = "R²" if trainer.dataset.is_regression else "accuracy (%)"
    score = [("test", TEST_COLOR, [scale * r.accuracy for r in history])]
    return (
        f'<div class="run">{curve_svg("loss", epochs, loss)}'
        f"{curve_svg(f'test {name}', epochs, score)}</div>"
    )


Series = Sequence[tuple[str, str, Sequence[float]]]


def curve_svg(title: str, epochs: Sequence[int], series: Series) -> str:
    """Draw lines over the epochs, with what they begin and end at.

    >>> "<polyline" in curve_svg("loss", [1, 2], [("test", "#000", [0.5, 0.25])])
    True
    """
    values = [v for _, _, line in series for v in line]
    if not values:
        return "<p>no epoch was trained</p>"
    low, high = min(values), max(values)
    span, steps = (high - low) or 1.0, max(len(epochs) - 1, 1)

    def place(k: int, value: float) -> tuple[float, float]:
        x = MARGIN + (WIDTH - 2 * MARGIN) * k / steps
        return x, HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (value - low) / span

    parts = [f'<text x="{MARGIN}" y="18" fill="currentColor">{escape(title)}</text>']
    for k in range(5):
        value = low + span * k / 4
        _, y = place(0, value)
        parts.append(
            f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{y:.1f}" y2="{y:.1f}" '
            f'stroke="currentColor" stroke-opacity=".2"/>'
            f'<text x="{MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end" font-size="11" '
            f'fill="currentColor">{value:.3g}</text>'
        )
    for k, epoch in ((0, epochs[0]), (len(epochs) - 1, epochs[-1])):
        x, _ = place(k, low)
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - MARGIN + 18}" text-anchor="middle" '
                     f'font-size="11" fill="currentColor">{epoch}</text>')  # fmt: skip
    for row, (name, color, line) in enumerate(series):
        points = " ".join("{:.1f},{:.1f}".format(*place(k, v)) for k, v in enumerate(line))
        x, y = place(len(line) - 1, line[-1])
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>'
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>'
            f'<text x="{WIDTH - MARGIN}" y="{18 + 15 * row}" text-anchor="end" font-size="12" '
            f'fill="{color}">{escape(name)}: {line[-1]:.4g}</text>'
        )
    inside = "\n".join(parts)
    return (
        f'<svg role="img" aria-label="{escape(title)} over the epochs" width="{WIDTH}" '
        f'height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">{inside}</svg>'
    )


# --- classes --------------------------------------------------------------------------------------


def _names(trainer: Trainer) -> list[str]:
    names = trainer.dataset.class_names
    count = trainer.classifier.classes
    return [str(x) for x in (names or range(count))]


def _confusion(trainer: Trainer, predicted: NDArray[np.int64]) -> str:
    """A table of the test set: a row a class, a column for what was predicted."""
    labels, count = trainer.dataset.test.labels, trainer.classifier.classes
    table = np.zeros((count, count), np.int64)
    np.add.at(table, (labels, predicted), 1)
    shown = [k for k in range(count) if table[k].any() or table[:, k].any()][:MOST_IMAGES]
    names = [escape(name) for name in _names(trainer)]
    head = "".join(f"<th>{names[k]}</th>" for k in shown)
    rows = [f"<tr><th>class ↓, predicted →</th>{head}</tr>"]
    for k in shown:
        most = max(int(table[k].sum()), 1)
        cells = "".join(_cell(int(table[k, j]), most, k == j) for j in shown)
        rows.append(f"<tr><th>{names[k]}</th>{cells}</tr>")
    body = "\n".join(rows)
    return f'<div class="scroll" tabindex="0"><table class="confusion">\n{body}\n</table></div>'


def _cell(count: int, most: int, right: bool) -> str:
    color = "68, 119, 170" if right else "204, 102, 119"
    share = 0.0 if not count else min(0.15 + 0.6 * count / most, 0.75)
    return f'<td style="background: rgba({color}, {share:.2f})">{count or ""}</td>'


def _mistakes(trainer: Trainer, test: Split, predicted: NDArray[np.int64]) -> str:
    names = [escape(name) for name in _names(trainer)]
    wrong = np.flatnonzero(predicted != test.labels)
    figures = [
        _figure(_grey(np.asarray(test.images[int(k)]), test.peak),
                f"{names[test.labels[k]]}, not {names[predicted[k]]}")
        for k in wrong[:MOST_IMAGES]
    ]  # fmt: skip
    some = f", {len(figures)} shown" if len(figures) < len(wrong) else ""
    inside = "\n".join(figures)
    return (
        f"<h2>Mistakes: {len(wrong):,} of {len(test):,}{some}</h2>\n"
        f'<div class="images">\n{inside}\n</div>'
    )


# --- pictures -------------------------------------------------------------------------------------


def _first_layer(trainer: Trainer) -> str:
    """The weights from the pixels to the first units, each as an image: red above 0, blue below."""
    roles, learner = trainer.classifier.roles, trainer.classifier
    pixels = roles.data.dims[1]
    found = [v for v in roles.parameters if v.ndim == 2 and pixels in v.dims]
    if not found:
        return ""
    weights = np.asarray(to_numpy(learner.parameters[found[0].name]), float)
    units = weights.T if found[0].dims[0] == pixels else weights
    strongest = np.argsort(-np.abs(units).max(axis=1))[:MOST_IMAGES]
    figures = "\n".join(
        _figure(_signed(units[k].reshape(learner.image_shape)), f"unit {k}") for k in strongest
    )
    name = escape(found[0].name)
    count = f"{len(strongest)} of {len(units):,} units"
    return (
        f"<h2>Weights {name} of {count}: red above 0, blue below</h2>\n"
        f'<div class="images">\n{figures}\n</div>'
    )


def _figure(image: NDArray[np.uint8], words: str) -> str:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    return (
        f'<figure><img alt="{words}" src="data:image/png;base64,{data}">'
        f"<figcaption>{words}</figcaption></figure>"
    )


def _grey(image: NDArray[Any], peak: int) -> NDArray[np.uint8]:
    return (255 - np.clip(image.astype(float) / peak, 0, 1) * 255).astype(np.uint8)


def _signed(weights: NDArray[Any]) -> NDArray[np.uint8]:
    scaled = weights / (np.abs(weights).max() or 1.0)
    fade = 255 * (1 - np.abs(scaled))
    red, blue = np.where(scaled > 0, 255, fade), np.where(scaled < 0, 255, fade)
    return np.stack([red, fade, blue], axis=-1).astype(np.uint8)


__all__ = ["curve_svg", "run_report"]
