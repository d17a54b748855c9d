"""Labelled images to learn from: `digits` (here) and `mnist` (IDX files, or downloaded).

Images stay bytes, perhaps in a file of which rows are read when they are asked for, so the data
may be larger than memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pooch
from numpy.typing import NDArray

from eingrad.errors import DataError
from eingrad.learn.array_files import Bytes, FileRows, axes, cache_folder, read_idx, read_npy
from eingrad.learn.data_identity import (
    check_classes,
    fingerprint,
    has_mnist_sizes,
    odd_classes,
    unlike_mnist,
)
from eingrad.learn.rows_split import Rows
from eingrad.learn.table import Preparation

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
MIRROR_VARIABLE = "EINGRAD_MNIST_URL"
TIMEOUT = 30.0  # seconds without an answer
MNIST_SHA256 = {  # of the gzipped files as first published, and on the mirrors
    f"{stem}-ubyte.gz": checksum
    for stem, checksum in {
        "train-images-idx3": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    }.items()
}
FILES = {"train-images": 3, "train-labels": 1, "t10k-images": 3, "t10k-labels": 1}  # their axes
MAX_CLASSES = 1 << 16
OTHER = "data in MNIST's format"
DIGITS = Path(__file__).with_name("digits.npz")  # digits.txt says where they are from
DIGITS_SPLIT_SEED = 2
DIGITS_TEST_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Split:
    """Images (n, height, width) as bytes from 0 to ``peak``, and their classes (n,)."""

    images: Bytes | FileRows
    labels: NDArray[np.integer[Any]]
    peak: int = 255

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_shape(self) -> tuple[int, int]:
        """Height and width of every image."""
        height, width = self.images.shape[1:]
        return height, width

    def fingerprint(self) -> dict[str, Any]:
        """Return what tells this split from another; all of it is read."""
        return fingerprint(self.images, self.labels, self.peak)


@dataclass(frozen=True, slots=True)
class Dataset:
    """What is trained on and what is tested on, with the number of classes.

    Of a table, ``preparation`` says what its columns became, and a number that is learned is one
    class. ``class_names`` are there where a person gave them.
    """

    name: str
    train: Split | Rows
    test: Split | Rows
    classes: int
    preparation: Preparation | None = None
    class_names: tuple[str, ...] = ()

    @property
    def image_shape(self) -> tuple[int, int]:
        """Height and width of every image; of a table, an image is a row."""
        return self.train.image_shape

    @property
    def is_regression(self) -> bool:
        """Whether a number is learned."""
        return self.preparation is not None and not self.preparation.target.classes

    def fingerprint(self) -> dict[str, Any]:
        """Return what tells this data set from another, for JSON; all of it is read."""
        return {"train": self.train.fingerprint(), "test": self.test.fingerprint()}

    def __str__(self) -> str:
        height, width = self.image_shape
        if self.preparation is not None:
            target = self.preparation.target
            goal = f"{self.classes} classes of" if target.classes else "regression of"
            return (
                f"{self.name}: {len(self.train):,} training and {len(self.test):,} test rows of "
                f"{len(self.preparation.columns)} columns, {goal} {target.name}"
            )
        return (
            f"{self.name}: {len(self.train):,} training and {len(self.test):,} test images "
            f"of {height} x {width}, {self.classes} classes"
        )


def load(
    name: str,
    folder: str | os.PathLike[str] | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> Dataset:
    """Return a data set by name; ``report`` is told of downloads.

    >>> print(load("digits"))
    digits: 1,438 training and 359 test images of 8 x 8, 10 classes
    """
    if name == "digits":
        if folder is not None:
            raise DataError(
                "the digits data set is part of eingrad; it takes no folder",
                operand="digits",
                hint="for IDX files in a folder: eingrad train mnist --data DIR",
            )
        return load_digits()
    if name == "mnist":
        return load_mnist(download_mnist(report=report) if folder is None else folder, report)
    raise DataError(f"there is no data set {name!r}", operand=name, hint="digits or mnist")


# --- digits -----------------------------------------------------------------------------------


def load_digits() -> Dataset:
    """Return UCI's 1,797 digits of 8 x 8 pixels, in scikit-learn's order, split once and for all.

    A fifth of each class is the test set. Over 20 splits the test accuracy of the default run
    is 98.0 % with a standard deviation of 0.7; this split is an ordinary one (97.8 %).
    """
    with np.load(DIGITS) as data:
        images, labels = data["images"], data["labels"].astype(np.int64)
    in_test = drawn_of_each_class(labels, DIGITS_TEST_SHARE, np.random.PCG64(DIGITS_SPLIT_SEED))
    train = Split(images[~in_test], labels[~in_test], peak=16)
    return Dataset("digits", train, Split(images[in_test], labels[in_test], peak=16), classes=10)


def drawn_of_each_class(
    labels: NDArray[Any], share: float, bits: np.random.BitGenerator
) -> NDArray[np.bool_]:
    """Draw ``share`` of each class, but never all of it."""
    rng = np.random.Generator(bits)
    drawn = np.zeros(len(labels), np.bool_)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        drawn[members[: min(round(share * len(members)), len(members) - 1)]] = True
    return drawn


# --- mnist ------------------------------------------------------------------------------------


def load_mnist(
    folder: str | os.PathLike[str], report: Callable[[str], None] = lambda _: None
) -> Dataset:
    """Return the data set of four files in a folder: IDX, gzipped or not, or `.npy`.

    Each may have any usual name. The labels are held in memory, the images of large files are not.
    ``report`` is told where a large gzipped file is unpacked to.
    """
    folder = Path(folder)
    if not folder.is_dir():
        reason = "is not a folder" if folder.exists() else "does not exist"
        raise DataError(
            f"{folder} {reason}",
            operand=str(folder),
            hint="--data takes the folder with MNIST's four IDX files; "
            "without --data they are downloaded",
        )
    paths = {stem: _find(folder, stem, ndim) for stem, ndim in FILES.items()}
    train, test = (
        _read_split(paths[f"{kind}-images"], paths[f"{kind}-labels"], kind, report)
        for kind in ("train", "t10k")
    )
    classes = int(train.labels.max()) + 1
    _check_fit(folder, train, test, classes)
    check_classes(str(paths["train-labels"]), train.labels)
    for oddity in odd_classes(train.labels, test.labels, classes):
        report(f"note: {folder}: {oddity}")
    return _identified(folder, Dataset(OTHER, train, test, classes), report)


def _identified(folder: Path, dataset: Dataset, report: Callable[[str], None]) -> Dataset:
    """Call a data set MNIST where it is; say it where it only looks so."""
    train, test = dataset.train, dataset.test
    assert isinstance(train, Split)
    assert isinstance(test, Split)
    if not has_mnist_sizes(train.images.shape, test.images.shape):
        return dataset
    unlike = unlike_mnist(dataset.fingerprint())
    if not unlike:
        return replace(dataset, name="mnist")
    report(
        f"note: {folder}: names and sizes are those of MNIST, but the {', '.join(unlike)} are not "
        "(by their SHA-256); where they should be, copy or download the files again"
    )
    return dataset


def usual_names(stem: str, ndim: int) -> tuple[str, ...]:
    """Return the names that one of the four files goes by.

    >>> usual_names("t10k-labels", 1)[:2]
    ('t10k-labels-idx1-ubyte', 't10k-labels.idx1-ubyte')
    """
    plain = (f"{stem}-idx{ndim}-ubyte", f"{stem}.idx{ndim}-ubyte", f"{stem}.idx", stem)
    return (*plain, *(f"{name}.gz" for name in plain), f"{stem}.npy")


def _find(folder: Path, stem: str, ndim: int) -> Path:
    names = usual_names(stem, ndim)
    for name in (*names, *usual_names(stem.replace("t10k", "test"), ndim)):
        if (folder / name).is_file():
            return folder / name
    raise DataError(
        f"{folder} has no {names[0]} (nor {names[0]}.gz)",
        operand=str(folder / names[0]),
        hint="the folder must hold train-images, train-labels, t10k-images and t10k-labels; "
        "without --data they are downloaded",
    )


def _read_split(
    images_path: Path, labels_path: Path, kind: str, report: Callable[[str], None]
) -> Split:
    images = _read(images_path, 3, report)
    if images.dtype != np.uint8:
        raise DataError(
            f"{images_path} holds entries of type {images.dtype}; expected unsigned bytes (uint8)",
            operand=str(images_path),
        )
    labels = _read(labels_path, 1, report)[:]
    if len(images) != len(labels):
        raise DataError(
            f"{images_path.parent}: {len(images):,} {kind} images, but {len(labels):,} labels",
            operand=str(labels_path),
        )
    least, greatest = int(labels.min()), int(labels.max())
    if least < 0 or greatest >= MAX_CLASSES:
        raise DataError(
            f"{labels_path}: the labels run from {least} to {greatest}; expected whole numbers "
            f"from 0 to {MAX_CLASSES - 1} at most",
            operand=str(labels_path),
        )
    return Split(images, labels)


def _read(path: Path, ndim: int, report: Callable[[str], None]) -> Bytes | FileRows:
    return read_npy(path, ndim) if path.suffix == ".npy" else read_idx(path, ndim, report)


def _check_fit(folder: Path, train: Split, test: Split, classes: int) -> None:
    if int(test.labels.max()) >= classes:
        raise DataError(
            f"{folder}: a t10k label is {test.labels.max()}, but the training labels end at "
            f"{classes - 1}",
            operand=str(folder / "t10k-labels"),
        )
    if train.images.shape[1:] != test.images.shape[1:]:
        shapes = [axes(split.images.shape[1:]) for split in (train, test)]
        raise DataError(
            f"{folder}: the training images are {shapes[0]}, the test images {shapes[1]}",
            operand=str(folder),
        )


def download_mnist(
    folder: str | os.PathLike[str] | None = None,
    mirrors: tuple[str, ...] | None = None,
    checksums: Mapping[str, str] = MNIST_SHA256,
    report: Callable[[str], None] = lambda _: None,
) -> Path:
    """Download MNIST's four files to a cache, check their SHA-256, and return the folder.

    A file that is there already with the right checksum is not fetched again. The environment
    variables EINGRAD_MNIST_URL and EINGRAD_CACHE set the mirror and the cache.
    """
    if folder is None:
        folder = cache_folder("mnist")
    if mirrors is None:
        own = os.environ.get(MIRROR_VARIABLE)
        mirrors = (own,) if own else MIRRORS
    pooch.get_logger().setLevel("WARNING")  # ``report`` tells of downloads
    for name, checksum in checksums.items():
        _fetch(Path(folder), name, checksum, mirrors, report)
    return Path(folder)


def _fetch(
    folder: Path, name: str, checksum: str, mirrors: tuple[str, ...], report: Callable[[str], None]
) -> None:
    path = folder / name
    failures = []
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{name}"
        if not path.exists():
            report(f"downloading {url}")
        try:
            pooch.retrieve(
                url, f"sha256:{checksum}", fname=name, path=folder,
                downloader=pooch.HTTPDownloader(timeout=TIMEOUT),
            )  # fmt: skip
        except (OSError, ValueError) as error:  # the network's and the checksum's
            failures.append(f"{url}: {_first_line(error)}")
        else:
            return
    raise DataError(
        "MNIST cannot be downloaded\n" + "\n".join(failures),
        operand=name,
        hint="fetch the four .gz files by other means and name their folder with --data, "
        f"or set {MIRROR_VARIABLE} to a mirror",
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
