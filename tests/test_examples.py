"""Every script in ``examples/`` runs, and finds the mistakes in the document that it follows."""

from __future__ import annotations

import doctest
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("[!_]*.py"))
MISTAKES = {
    "softmax_and_matmul.py": 0,
    "mse_layer.py": 1,
    "single_sample_mlp.py": 6,
    "minibatch_mlp.py": 5,
    "matrix_lines.py": 4,
    "judge_papers.py": 5,
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_example_runs(script: str) -> None:
    for package in re.findall(
        r"^import (torch|jax)", (EXAMPLES / script).read_text(), re.MULTILINE
    ):
        pytest.importorskip(package)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-W", "error", str(EXAMPLES / script)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    if script in MISTAKES:
        assert done.stdout.count("MISTAKE") == MISTAKES[script]


def test_all_documents_have_an_example() -> None:
    assert set(MISTAKES) <= set(SCRIPTS)


def test_the_numpy_writers_doctests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    result = doctest.testmod(importlib.import_module("_numpy"))
    assert result.attempted
    assert not result.failed
