"""What tells one data set from another: how many images, of which size, and their SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eingrad.errors import DataError
from eingrad.learn.array_files import Bytes, FileRows, axes

CHUNK = 1 << 22  # bytes of images that are held at once
WHAT = {  # entry -> how a difference is said, where the numbers say it and where they do not
    "images": "it has {} {} images, the run had {}",
    "shape": "its {1} images are {0}, the run's {2}",
    "peak": "the greatest grey value of its {1} images is {0}, the run's {2}",
    "pixels": "its {1} images are others",
    "labels": "the labels of its {1} images are others",
}


def fingerprint(
    images: Bytes | FileRows, labels: NDArray[np.integer[Any]], peak: int
) -> dict[str, Any]:
    """Return what tells images (n, ...) and labels (n,) from others, for JSON.

    It depends on the values alone: not on names, packing or the type of the labels.

    >>> images, labels = np.zeros((2, 3, 3), np.uint8), np.array([0, 1], np.uint8)
    >>> one = fingerprint(images, labels, 255)
    >>> one["images"], one["shape"], one == fingerprint(images, labels.astype(int), 255)
    (2, [3, 3], True)
    """
    pixels, shape = hashlib.sha256(), images.shape
    rows = max(1, CHUNK // max(1, shape[1] * shape[2]))
    for start in range(0, shape[0], rows):
        pixels.update(np.ascontiguousarray(images[start : start + rows]).data)
    return {
        "images": shape[0],
        "shape": list(shape[1:]),
        "peak": peak,
        "pixels": pixels.hexdigest(),
        "labels": hashlib.sha256(labels.astype("<i8").tobytes()).hexdigest(),
    }


def differences(saved: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Say what is not the same in two data sets, each ``train`` and ``test`` with its fingerprint.

    >>> one = {"images": 200, "shape": [8, 8], "peak": 16, "pixels": "a5", "labels": "07"}
    >>> other = {**one, "images": 90, "pixels": "b1", "labels": "08"}
    >>> differences({"train": one, "test": one}, {"train": other, "test": one})
    ['it has 90 training images, the run had 200']
    """
    found_differences = []
    for part, word in (("train", "training"), ("test", "test")):
        before = saved.get(part)
        before, now = before if isinstance(before, Mapping) else {}, found[part]
        unlike = [name for name in WHAT if before.get(name) != now[name]]
        numbers = [name for name in unlike if name in ("images", "shape", "peak")]
        for name in numbers or unlike:
            told = WHAT[name].format(_said(now[name]), word, _said(before.get(name)))
            found_differences.append(told)
    return found_differences


def _said(value: Any) -> str:
    if isinstance(value, list):
        return axes(tuple(value))
    return f"{value:,}" if isinstance(value, int) else str(value)


# --- what is odd: labels that can hardly be, files that only look like MNIST's ---

Labels = NDArray[np.integer[Any]]

MNIST = {  # what `fingerprint` returns for the published files
    "train": {
        "images": 60000,
        "shape": [28, 28],
        "peak": 255,
        "pixels": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
        "labels": "e474323ac02fc156161b0bbb1f8c9cfeb327a74bcd9f9680a8385269a24f566c",
    },
    "test": {
        "images": 10000,
        "shape": [28, 28],
        "peak": 255,
        "pixels": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
        "labels": "2fd8de6bdb8d11780b4b96dc57847bcfe6953f7c32aa48bfcd8237c3b7847243",
    },
}
CONTENTS = {"pixels": "images", "labels": "labels"}
FEW = 100  # a class with less than this part of the mean number of images
RUNS = 4  # of labels, that a message shows


def has_mnist_sizes(train: tuple[int, ...], test: tuple[int, ...]) -> bool:
    """Whether images have these shapes in MNIST."""
    return (train, test) == ((60000, 28, 28), (10000, 28, 28))


def unlike_mnist(found: Mapping[str, Any]) -> list[str]:
    """Return what of a data set with MNIST's sizes is not MNIST's; nothing if it is MNIST."""
    return [
        f"{word} {what}"
        for part, word in (("train", "training"), ("test", "test"))
        for name, what in CONTENTS.items()
        if found[part][name] != MNIST[part][name]
    ]


def check_classes(where: str, labels: Labels) -> None:
    """Raise `DataError` where most of the classes 0, 1, ... up to the greatest label do not occur.

    >>> check_classes("here", np.array([0, 1, 2, 1, 137]))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    eingrad.errors.DataError: here: the labels are 0 to 2 and 137, so that of 138 classes 134 ...
    hint: 137 is the label of image 4 (the first is 0); classes are numbered 0, 1, 2, ...
    """
    present = np.unique(labels)
    classes, greatest = int(present[-1]) + 1, present[-1]
    if 2 * len(present) >= classes:
        return
    raise DataError(
        f"{where}: the labels are {_runs(present)}, so that of {classes:,} classes "
        f"{classes - len(present):,} have no image",
        operand=where,
        hint=f"{greatest} is the label of image {int(np.argmax(labels == greatest)):,} (the first "
        "is 0); classes are numbered 0, 1, 2, ...",
    )


def odd_classes(train: Labels, test: Labels, classes: int) -> Iterator[str]:
    """Say which classes have no image or very few.

    >>> many = np.arange(1000) % 5
    >>> list(odd_classes(np.append(many, 7), many[:3], 8))  # doctest: +NORMALIZE_WHITESPACE
    ['no training image has the label 5 to 6',
     'no test image has the label 3 to 4 and 7, which training images have',
     '1 of 1,001 training images has the label 7 (image 1,000, the first is 0)']
    """
    count, in_test = (np.bincount(x, minlength=classes) for x in (train, test))
    absent, untested = np.flatnonzero(count == 0), np.flatnonzero((count > 0) & (in_test == 0))
    if len(absent):
        yield f"no training image has the label {_runs(absent)}"
    if len(untested):
        yield f"no test image has the label {_runs(untested)}, which training images have"
    few = np.flatnonzero((count > 0) & (count * classes * FEW < len(train)))
    for label in few[:RUNS]:
        number = int(count[label])
        first = int(np.argmax(train == label))
        has = "images has" if number == 1 else "images have"
        yield (
            f"{number} of {len(train):,} training {has} the label {label} "
            f"(image {first:,}, the first is 0)"
        )


def _runs(labels: Labels) -> str:
    """Write ascending labels in few words."""
    parts = np.split(labels, np.flatnonzero(np.diff(labels.astype(np.int64)) != 1) + 1)
    words = [str(p[0]) if len(p) == 1 else f"{p[0]} to {p[-1]}" for p in parts]
    if len(words) > RUNS:
        words = [*words[: RUNS - 1], f"others up to {labels[-1]}"]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
