"""The pictures of a run are PNGs of a sensible size, drawn without global state."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib")

from eingrad.errors import DataError
from eingrad.learn.data import load_digits
from eingrad.learn.plots import plot_history, plot_mistakes
from eingrad.learn.train import EpochRecord

HISTORY = [EpochRecord(k, 1 / k, 1.2 / k, 1 - 1 / (k + 1)) for k in range(1, 9)]


def ink(path) -> float:
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert min(image.size) > 150
        return float((np.asarray(image.convert("L")) < 200).mean())


@pytest.mark.parametrize("history", [HISTORY, HISTORY[:1], [EpochRecord(1, -1.0, 0.0, 0.5)]])
def test_curves(tmp_path, history):
    plot_history(history, tmp_path / "new" / "curves.png", "digits")
    assert ink(tmp_path / "new" / "curves.png") > 0.005


@pytest.mark.parametrize("wrong", [0, 3, 359])
def test_mistakes(tmp_path, wrong):
    test = load_digits().test
    predicted = test.labels.copy()
    predicted[:wrong] = (predicted[:wrong] + 1) % 10
    plot_mistakes(test, predicted, tmp_path / "mistakes.png", "digits")
    assert ink(tmp_path / "mistakes.png") > (0.02 if wrong else 0)


def test_no_global_state(tmp_path):
    before = "matplotlib.pyplot" in sys.modules
    plot_history(HISTORY, tmp_path / "curves.png", "digits")
    assert ("matplotlib.pyplot" in sys.modules) == before


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="cannot be written"):
        plot_history(HISTORY, tmp_path / "file" / "curves.png", "digits")
