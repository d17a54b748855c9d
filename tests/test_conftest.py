"""``--no-skips``, by which CI knows that every test ran."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SKIPPING = {
    "mark": "import pytest\n@pytest.mark.skip(reason='why')\ndef test(): pass",
    "call": "import pytest\ndef test(): pytest.skip('why')",
    "module": "import pytest\npytest.skip('why', allow_module_level=True)",
    "import": "import pytest\npytest.importorskip('no_such_module', reason='why')",
    "fixture": "import pytest\n@pytest.fixture\ndef f(): pytest.skip('why')\ndef test(f): pass",
}
XFAIL = "import pytest\n@pytest.mark.xfail(reason='why')\ndef test(): assert False"


def run_pytest(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text((Path(__file__).parent / "conftest.py").read_text())
    (folder / "test_it.py").write_text(text + "\ndef test_passes(): pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("how", SKIPPING)
def test_a_skip_fails(tmp_path: Path, how: str) -> None:
    done = run_pytest(tmp_path, SKIPPING[how], "--no-skips")
    assert done.returncode in (1, 2), done.stdout
    assert "why" in done.stdout


def test_a_skip_is_fine_without_the_option(tmp_path: Path) -> None:
    assert run_pytest(tmp_path, SKIPPING["call"]).returncode == 0


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    assert run_pytest(tmp_path, XFAIL, "--no-skips").returncode == 0
