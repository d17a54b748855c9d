"""Rows of a prepared table, to learn from as from images."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Rows:
    """Features (n, f), and for each row a class below ``classes``, or numbers where that is 0."""

    features: NDArray[np.float64]
    labels: NDArray[Any]
    classes: int

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_shape(self) -> tuple[int, int]:
        """An image of one row."""
        return 1, self.features.shape[1]

    def fill(self, indices: NDArray[np.int64], pixels: NDArray[Any], targets: NDArray[Any]) -> None:
        """Write rows, and their classes one-hot or their numbers."""
        pixels[...] = self.features[indices]
        if not self.classes:
            targets[...] = self.labels[indices].reshape(targets.shape)
            return
        targets.fill(0)
        targets[np.arange(len(indices)), self.labels[indices]] = 1

    def fingerprint(self) -> dict[str, Any]:
        """Return what tells these rows from others, as `data_identity.fingerprint` does."""
        return {
            "images": len(self),
            "shape": list(self.image_shape),
            "peak": 0,
            "pixels": hashlib.sha256(np.ascontiguousarray(self.features).data).hexdigest(),
            "labels": hashlib.sha256(np.ascontiguousarray(self.labels).data).hexdigest(),
        }
