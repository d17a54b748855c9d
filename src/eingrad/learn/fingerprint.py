"""What tells one data set from another: how many images, of which size, and their SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eingrad.learn.idx import Bytes
from eingrad.learn.rows import FileRows, axes

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
