"""``import eingrad`` is quick and loads none of the heavy packages that eingrad can use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"
HEAVY = {"torch", "jax", "sklearn", "typer", "rich", "matplotlib", "scipy", "PIL", "pooch"}
MODULES = "import sys\nimport {0}\nprint(*sorted({{m.split('.')[0] for m in sys.modules}}))"
SECONDS = (
    "from time import perf_counter as now\nstart = now()\nimport numpy\nmiddle = now()\n"
    "import {0}\nprint((now() - middle) / (middle - start))"
)


def run_python(code: str, path: Path = SRC) -> str:
    environment = {**os.environ, "PYTHONPATH": str(path)}
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def heavy_modules(name: str, path: Path = SRC) -> set[str]:
    return HEAVY & set(run_python(MODULES.format(name), path).split())


def test_import_loads_nothing_heavy() -> None:
    assert not heavy_modules("eingrad")


def test_a_heavy_import_is_found(tmp_path: Path) -> None:
    pytest.importorskip("rich")
    (tmp_path / "greedy.py").write_text("import rich.text\n")
    assert heavy_modules("greedy", tmp_path) == {"rich"}


def times_numpy(name: str, path: Path = SRC) -> float:
    """Return how long an import takes beside NumPy's (0.1 s), the best of several runs."""
    return min(float(run_python(SECONDS.format(name), path)) for _ in range(5))


def test_import_is_quick() -> None:
    """0.2 s in all where NumPy takes half of it; the margin is for a machine that is busy."""
    assert times_numpy("eingrad") < 1.5


def test_a_slow_import_is_found(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(1)\n")
    assert times_numpy("slow", tmp_path) > 1.5


def test_type_checkers_are_told_of_the_annotations() -> None:
    assert (SRC / "eingrad" / "py.typed").is_file()
