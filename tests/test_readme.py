"""The README shows what eingrad does: its session and its commands' output are run."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)


def test_python_session() -> None:
    result = doctest.testfile(str(README), module_relative=False)
    assert result.attempted > 5
    assert not result.failed


@pytest.mark.parametrize("block", blocks("console"), ids=lambda block: block.split()[2])
def test_commands_print_what_is_shown(block: str) -> None:
    command, shown = block.split("\n", 1)
    arguments = [word if word != "mlp.ein" else "-" for word in shlex.split(command)[2:]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "eingrad", *arguments], input=blocks("ein")[0],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.startswith(shown.rstrip()), done.stdout + done.stderr


def test_ci_finds_its_commands() -> None:
    """`.ci/run` takes the two commands from here."""
    run, test = (block.strip() for block in blocks("sh"))
    assert re.fullmatch(r"pip install .* && eingrad train", run)
    assert re.fullmatch(r"pip install .* && pytest", test)
    ci = (ROOT / ".ci" / "run").read_text()
    assert 'readme_command "eingrad train"' in ci
    assert 'readme_command "pytest"' in ci
