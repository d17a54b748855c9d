"""A classifier of the wheel's digits, trained by minibatches and tested."""

from __future__ import annotations

import numpy as np

import eingrad as eg
from eingrad.learn.data import Split, load_digits


def arrays(split: Split, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pictures as numbers up to 1, one after another along an axis, and one-hot classes."""
    pictures = np.asarray(split.images[:], np.float32) / split.peak
    return np.moveaxis(pictures, 0, axis), np.eye(10, dtype=np.float32)[split.labels]


def train(
    model: eg.Model, gradients: eg.Derivatives, learned: dict[str, np.ndarray],
    rng: np.random.Generator, *, pictures: str, axis: int = 0, epochs: int,
) -> None:  # fmt: skip
    """Learn the scores S of an input ``pictures``, and print how many digits are told."""
    digits = load_digits()
    step = gradients.compile(update=eg.adam(lr=0.01))
    x, t = arrays(digits.train, axis)
    for epoch in range(epochs):
        losses = [
            float(step(**{pictures: x.take(rows, axis)}, T=t[rows], **learned)["L"])
            for rows in np.array_split(rng.permutation(len(t)), len(t) // 32)
        ]
        print(f"epoch {epoch + 1}: {np.mean(losses):.3f}")
    x, t = arrays(digits.test, axis)
    scores = model.compile(["S"])(**{pictures: x}, **learned)["S"]
    right = np.mean(np.argmax(scores, 1) == np.argmax(t, 1))
    print(f"{100 * right:.1f} % of {len(t)} test pictures are told")
