"""Data sets of scikit-learn's as a person has them: CSV files, arrays, folders with pictures."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn import datasets


def write_csv(name: str, path: Path) -> Path:
    """Write wine, iris, breast_cancer or diabetes with the column ``goal``, classes by name."""
    data = getattr(datasets, f"load_{name}")()
    names = getattr(data, "target_names", None)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*data.feature_names, "goal"])
        for row, goal in zip(data.data, data.target, strict=True):
            writer.writerow([*map(float, row), goal if names is None else names[goal]])
    return path


def write_pictures(folder: Path, count: int = 600) -> Path:
    """Write digits as PNG files, in a folder for each class."""
    data = datasets.load_digits()
    for k, (image, label) in enumerate(zip(data.images[:count], data.target, strict=False)):
        inside = folder / f"digit_{label}"
        inside.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(image * 15, np.uint8)).save(inside / f"{k}.png")
    return folder
