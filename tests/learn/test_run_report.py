"""The page of a run shows what the run was, and needs nothing beside itself."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eingrad.learn.classifier import packaged_model
from eingrad.learn.data import load_digits
from eingrad.learn.run_report import run_report
from eingrad.learn.settings import Settings
from eingrad.learn.train import Trainer


@pytest.fixture(scope="module")
def run() -> tuple[Trainer, np.ndarray, str]:
    settings = Settings.choose("digits", hidden=12, epochs=2)
    trainer = Trainer.start(packaged_model(), settings, load_digits())
    for _ in trainer.run():
        pass
    predicted = trainer.predicted(trainer.dataset.test)
    return trainer, predicted, run_report(trainer, predicted)


def test_the_confusion_is_that_of_the_test_set(run: tuple[Trainer, np.ndarray, str]) -> None:
    trainer, predicted, page = run
    table = page[page.index('<table class="confusion">') :].partition("</table>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)[1:]
    found = [[int(x or 0) for x in re.findall(r"<td[^>]*>(\d*)</td>", row)] for row in rows]
    labels = trainer.dataset.test.labels
    expected = [[int(((labels == a) & (predicted == b)).sum()) for b in range(10)]
                for a in range(10)]  # fmt: skip
    assert found == expected


def test_mistakes_and_weights_are_pictures(run: tuple[Trainer, np.ndarray, str]) -> None:
    trainer, predicted, page = run
    test = trainer.dataset.test
    wrong = np.flatnonzero(predicted != test.labels)
    pictures = re.findall(r'alt="([^"]*)" src="data:image/png;base64,([^"]+)"', page)
    mistakes = [(words, data) for words, data in pictures if ", not " in words]
    assert len(mistakes) == min(len(wrong), 40)
    words, data = mistakes[0]
    assert words == f"{test.labels[wrong[0]]}, not {predicted[wrong[0]]}"
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))).astype(float)
    np.testing.assert_allclose(255 - image, test.images[wrong[0]] / 16 * 255, atol=1)
    assert sum(words.startswith("unit ") for words, _ in pictures) == 12


def test_the_page_stands_alone(run: tuple[Trainer, np.ndarray, str]) -> None:
    _, _, page = run
    assert page.startswith("<!doctype html>")
    assert page.count("<polyline") == 3
    assert "softmax Jacobian" in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert "script" not in page


def test_the_command_writes_it_once(tmp_path: Path) -> None:
    out = tmp_path / "run.html"
    command = [sys.executable, "-m", "eingrad", "train", "--hidden", "8", "--epochs", "1",
               "--report", str(out)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "test accuracy" in done.stdout.splitlines()[-1]
    assert out.read_text().startswith("<!doctype html>")
    again = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert again.returncode == 2
    assert "exists already" in again.stderr
    assert "epoch" not in again.stdout
