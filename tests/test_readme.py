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

import eingrad as eg

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)


PAGES = [README, *(ROOT / "docs" / name for name in ("python.md", "notation.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda x: x.name)
def test_python_session(page: Path) -> None:
    result = doctest.testfile(str(page), module_relative=False)
    assert result.attempted > 4
    assert not result.failed


@pytest.mark.parametrize("block", blocks("console"), ids=lambda block: block.split()[2])
def test_commands_print_what_is_shown(block: str) -> None:
    command, shown = block.split("\n", 1)
    source = {"PYTHONPATH": str(ROOT / "src"), "PYTHONHASHSEED": "0", "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-m", "eingrad", *shlex.split(command)[2:]], cwd=ROOT,
        env={**os.environ, **source}, capture_output=True, text=True, check=False,
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


def test_the_model_that_is_shown_is_there() -> None:
    assert (ROOT / "examples" / "mlp.ein").read_text() == blocks("ein")[0]


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text())
    assert len(links) > 10
    for link in links:
        assert link.startswith("https://") or (ROOT / link).exists(), link


def test_it_is_a_screen_or_two() -> None:
    assert len(README.read_text().splitlines()) < 130


def test_the_version_stands_in_one_place() -> None:
    version = eg.__version__
    others = ["pyproject.toml", "CITATION.cff", "README.md"]
    assert not [name for name in others if version in (ROOT / name).read_text()]
