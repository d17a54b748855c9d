"""People's own data: a CSV file, `.npz`, `.npy`, or a folder with pictures of each class."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from eingrad.errors import DataError
from eingrad.learn.array_files import HEADER_ERRORS, named
from eingrad.learn.data import Dataset, Split, drawn_of_each_class
from eingrad.learn.images import FORMATS, read_picture
from eingrad.learn.rows_split import Rows
from eingrad.learn.settings import Settings
from eingrad.learn.table import (
    BadEntry,
    DataTable,
    Preparation,
    Task,
    learn_column,
    learn_target,
    of_array,
    read_csv,
)

TABLES = (".csv", ".tsv", ".txt")
ARRAYS = (".npz", ".npy")
PICTURE_SIDE = 32  # pictures of many sizes are fitted into this
MOST_PIXELS = 64 * 64  # pictures of one size keep it up to this
FEATURE_NAMES = ("x", "data", "features", "inputs", "images")
TARGET_NAMES = ("y", "t", "target", "targets", "label", "labels")
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a data set; ``known`` is what a run has learned of its columns before."""

    path: str
    target: str | None = None
    task: Task | None = None
    validation: float = 0.2
    ignore: tuple[str, ...] = ()
    fill: bool = False
    seed: int = 0
    known: Preparation | None = None

    @classmethod
    def by(cls, settings: Settings, known: Preparation | None = None) -> Asked:
        """Return what a run's settings ask."""
        return cls(
            settings.dataset, settings.target, settings.task, settings.validation,
            settings.ignored, settings.fill, settings.seed, known,
        )  # fmt: skip


def load_own(asked: Asked, report: Report = lambda _: None) -> Dataset:
    """Return the data set of a file or a folder; raises `DataError` with what is wrong in it.

    >>> load_own(Asked("iris.doc"))
    Traceback (most recent call last):
    eingrad.errors.DataError: there is no data set 'iris.doc', nor a file or folder of that name
    hint: digits, mnist, FILE.csv, FILE.npz, FILE.npy, or a folder with a folder for each class
    """
    path = Path(asked.path)
    if path.is_dir():
        return _pictures(path, asked, report)
    if not path.exists():
        raise DataError(
            f"there is no data set {asked.path!r}, nor a file or folder of that name",
            operand=asked.path,
            hint="digits, mnist, FILE.csv, FILE.npz, FILE.npy, or a folder with a folder for "
            "each class",
        )
    if path.suffix.lower() in ARRAYS:
        return _arrays(path, asked)
    if path.suffix.lower() in TABLES:
        return _csv(path, asked)
    raise DataError(
        f"{path} is no data set that is known",
        operand=asked.path,
        hint=f"known endings are {', '.join([*TABLES, *ARRAYS])}",
    )


# --- tables -----------------------------------------------------------------------------------


def _csv(path: Path, asked: Asked) -> Dataset:
    table = read_csv(path, [asked.target, *asked.ignore] if asked.target else asked.ignore)
    if asked.target is None:
        raise DataError(
            f"{path} has the columns {', '.join(list(table.columns)[:20])}: which is learned?",
            operand="target",
            hint=f"name it: --target {list(table.columns)[-1]}",
        )
    for name in (asked.target, *asked.ignore):
        if name not in table.columns:
            raise DataError(
                f"{path} has no column {name!r}",
                operand=name,
                hint=f"it has {', '.join(list(table.columns)[:20])}",
            )
    return _of_table(table, asked.target, table.columns[asked.target], asked)


def _of_table(
    table: DataTable, name: str, values: NDArray[Any], asked: Asked,
    test: tuple[DataTable, NDArray[Any]] | None = None,
) -> Dataset:  # fmt: skip
    """Return the data set of a table; without one for testing, a share of its rows is."""
    whole = values if test is None else np.concatenate([values, test[1]])
    before = asked.known.target if asked.known is not None else None
    target, labels = learn_target(
        _joined(table, test), name, whole, before.task if before else asked.task,
        before.classes if before else (),
    )  # fmt: skip
    if test is None:
        drawn = _drawn(target.classes, labels, asked)
        train_rows, test_rows = np.flatnonzero(~drawn), np.flatnonzero(drawn)
    else:
        train_rows, test_rows = np.split(np.arange(len(whole)), [len(values)])
    table = _joined(table, test)
    if not len(test_rows) or not len(train_rows):
        raise DataError(f"{table.path}: {len(whole)} rows are too few", operand=table.path)
    problems: list[BadEntry] = []
    if asked.known is not None:
        preparation = asked.known
    else:
        if not target.classes:
            known = labels[train_rows]
            scale = float(known.std())
            target = type(target)(target.name, (), float(known.mean()), scale if scale > 0 else 1.0)
        names = [x for x in table.columns if x not in (name, *asked.ignore)]
        if not names:
            raise DataError(
                f"{table.path} has no column beside {name!r} to learn from", operand=table.path
            )
        columns = tuple(learn_column(table, x, train_rows, problems) for x in names)
        preparation = Preparation(columns, target, asked.fill, table.has_names)
    features, wrong = preparation.features(table)
    hints = {p.reason == "missing" for p in wrong}
    hint = (
        "--fill puts the column's mean in the place of what is missing" if True in hints else None
    )
    table.check([*problems, *wrong], hint)
    goal = preparation.target
    targets = labels if goal.classes else (labels - goal.mean) / goal.scale
    train, tested = (
        Rows(features[rows], targets[rows], len(goal.classes)) for rows in (train_rows, test_rows)
    )
    outputs = len(goal.classes) or 1
    return Dataset(Path(table.path).name, train, tested, outputs, preparation, goal.classes)


def _joined(table: DataTable, test: tuple[DataTable, NDArray[Any]] | None) -> DataTable:
    if test is None:
        return table
    columns = {
        name: np.concatenate([x, test[0].columns[name]]) for name, x in table.columns.items()
    }
    lines = np.arange(len(table) + len(test[0]))
    return DataTable(table.path, columns, lines, table.word, table.has_names)


def _drawn(classes: Sequence[str], labels: NDArray[Any], asked: Asked) -> NDArray[np.bool_]:
    """Draw the rows to test on: of each class the same share."""
    bits = np.random.PCG64(asked.seed)
    groups = labels if classes else np.zeros(len(labels), np.int64)
    drawn = drawn_of_each_class(groups, asked.validation, bits)
    if not drawn.any():  # classes too small for a share each
        drawn[np.random.Generator(bits).integers(len(labels))] = True
    return drawn


# --- arrays -----------------------------------------------------------------------------------


def _arrays(path: Path, asked: Asked) -> Dataset:
    if path.suffix.lower() == ".npy":
        if asked.target is None:
            raise DataError(
                f"{path} holds the data; which file holds the targets?",
                operand="target",
                hint="name it: --target y.npy",
            )
        return _of_arrays(
            path, load_array(path), Path(asked.target).name, load_array(Path(asked.target)), asked
        )
    content: dict[str, NDArray[Any]] = load_array(path)
    lower = {name.lower(): name for name in content}
    pairs = [_split_names(lower, part) for part in ("train", "test")]
    parts = [pair for pair in pairs if pair is not None]
    if len(parts) == len(pairs):
        (x, y), (x_test, y_test) = ((content[a], content[b]) for a, b in parts)
        return _of_arrays(path, x, "y", y, asked, (x_test, y_test))
    target = asked.target or next((lower[x] for x in TARGET_NAMES if x in lower), None)
    others = [name for name in content if name != target]
    features = next((lower[x] for x in FEATURE_NAMES if x in lower), None)
    features = others[0] if len(others) == 1 else features
    if target not in content or features is None or features == target:
        raise DataError(
            f"{path} holds {', '.join(content)}: which are the data, which the targets?",
            operand=str(path),
            hint="call them x and y, or x_train, y_train, x_test and y_test; or --target NAME",
        )
    return _of_arrays(path, content[features], str(target), content[target], asked)


def _split_names(names: dict[str, str], part: str) -> tuple[str, str] | None:
    for kind in FEATURE_NAMES:
        for goal in TARGET_NAMES:
            for x, y in (
                (f"{kind}_{part}", f"{goal}_{part}"),
                (f"{part}_{kind}", f"{part}_{goal}"),
            ):
                if x in names and y in names:
                    return names[x], names[y]
    return None


def load_array(path: Path) -> Any:
    """Return the array of an .npy file, or those of an .npz file by name. Raises `DataError`."""
    with named(path):
        try:
            found = np.load(path, allow_pickle=False)
            return {name: found[name] for name in found.files} if hasattr(found, "files") else found
        except HEADER_ERRORS as error:
            raise DataError(f"{path} is not usable ({error})", operand=str(path)) from error


def _of_arrays(
    path: Path, x: NDArray[Any], name: str, y: NDArray[Any], asked: Asked,
    test: tuple[NDArray[Any], NDArray[Any]] | None = None,
) -> Dataset:  # fmt: skip
    pairs = [(x, y), *([test] if test else [])]
    pairs = [(data, t.reshape(-1) if t.ndim == 2 and t.shape[1] == 1 else t) for data, t in pairs]
    if len({data.shape[1:] for data, _ in pairs}) > 1:
        raise DataError(
            f"{path}: data of shape {pairs[0][0].shape} and test data of shape {pairs[1][0].shape}",
            operand=str(path),
            hint="examples for training and for testing have the same shape",
        )
    for data, targets in pairs:
        if targets.ndim != 1 or len(data) != len(targets):
            raise DataError(
                f"{path}: data of shape {data.shape} and targets of shape {targets.shape}",
                operand=str(path),
                hint="expected a target for each row: (n, ...) and (n,)",
            )
    goals = [_as_column(targets.reshape(-1)) for _, targets in pairs]
    if all(data.dtype == np.uint8 and data.ndim == 3 for data, _ in pairs):
        return _of_images(path, [data for data, _ in pairs], name, goals, asked)
    tables = [of_array(str(path), data) for data, _ in pairs]
    second = (tables[1], goals[1]) if test else None
    return _of_table(tables[0], name, goals[0], asked, second)


def _as_column(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind in "buif":
        return values.astype(np.float64)
    if values.dtype.kind in "US":
        return np.array([str(x) for x in values], object)
    raise DataError(f"targets of type {values.dtype} are neither numbers nor texts")


def _of_images(
    path: Path, images: list[NDArray[Any]], name: str, goals: list[NDArray[Any]], asked: Asked
) -> Dataset:
    rows = np.concatenate([np.arange(len(x)) for x in goals])
    table = DataTable(str(path), {}, rows, "row", has_names=False)
    task: Task = "classification"
    target, labels = learn_target(table, name, np.concatenate(goals), task)
    return _of_pixels(path.name, images, labels, target.classes, asked)


def _of_pixels(
    name: str, images: list[NDArray[Any]], labels: NDArray[Any], classes: Sequence[str],
    asked: Asked,
) -> Dataset:  # fmt: skip
    """Return images with their classes; one group of them is split, two are as they are."""
    if len(images) == 1:
        drawn = _drawn(classes, labels, asked)
        train, test = (Split(images[0][rows], labels[rows]) for rows in (~drawn, drawn))
    else:
        first = len(images[0])
        train = Split(images[0], labels[:first])
        test = Split(images[1], labels[first:])
    return Dataset(name, train, test, len(classes), None, tuple(classes))


# --- pictures ---------------------------------------------------------------------------------


def _pictures(folder: Path, asked: Asked, report: Report) -> Dataset:
    """Return the pictures of a folder with a folder for each class, or of its train and test."""
    inside = _folders(folder)
    parts = {x.name.lower(): x for x in inside}
    second = next((parts[x] for x in ("test", "val", "validation") if x in parts), None)
    groups = [folder]
    if len(inside) == 2 and "train" in parts and second is not None:
        groups = [parts["train"], second]
    found = [_of_classes(group) for group in groups]
    classes = sorted({name for group in found for name, _ in group})
    if len(classes) < 2:
        raise DataError(
            f"{folder} has {len(classes)} folders with pictures; expected one for each class",
            operand=str(folder),
            hint="as in pets/cat/1.png and pets/dog/1.png",
        )
    files = [[path for _, path in group] for group in found]
    others = [x for x in files[0] + (files[1] if len(files) > 1 else []) if not _is_picture(x)]
    if others:
        report(f"note: {folder}: {len(others)} files are no pictures, such as {others[0].name}")
    shape = _common_shape([x for group in files for x in group if _is_picture(x)], report)
    images, labels = [], []
    for group in found:
        chosen = [(name, path) for name, path in group if _is_picture(path)]
        pixels = [np.rint(255 * read_picture(path, shape)) for _, path in chosen]
        images.append(np.array(pixels, np.uint8))
        labels += [classes.index(name) for name, _ in chosen]
    return _of_pixels(folder.name, images, np.array(labels, np.int64), classes, asked)


def _folders(folder: Path) -> list[Path]:
    with named(folder):
        return sorted(x for x in folder.iterdir() if x.is_dir() and not x.name.startswith("."))


def _of_classes(folder: Path) -> list[tuple[str, Path]]:
    """Return class and path of each file below a folder's folders."""
    return [
        (inner.name, Path(where) / name)
        for inner in _folders(folder)
        for where, _, names in sorted(os.walk(inner))
        for name in sorted(names)
        if not name.startswith(".")
    ]


def _is_picture(path: Path) -> bool:
    Image.init()
    return Image.EXTENSION.get(path.suffix.lower()) in FORMATS


def _common_shape(paths: Sequence[Path], report: Report) -> tuple[int, int]:
    """Return the size to which pictures are fitted: their own if it is one, and small."""
    sizes: Counter[tuple[int, int]] = Counter()
    for path in paths:
        with named(path):
            try:
                with Image.open(path) as file:
                    sizes[file.height, file.width] += 1
            except UnidentifiedImageError as error:
                raise DataError(f"{path} is not a picture", operand=str(path)) from error
    if not sizes:
        raise DataError("there are no pictures")
    (shape, _), *_ = sizes.most_common(1)
    if len(sizes) == 1 and shape[0] * shape[1] <= MOST_PIXELS:
        return shape
    report(f"note: the pictures are fitted into {PICTURE_SIDE} x {PICTURE_SIDE} pixels, in grey")
    return PICTURE_SIDE, PICTURE_SIDE
