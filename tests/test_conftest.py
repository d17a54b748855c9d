"""``--no-skips``, by which CI knows that every test ran."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import real_mnist
import twice

TESTS = Path(__file__).parent
SKIPPING = {
    "mark": "import pytest\n@pytest.mark.skip(reason='why')\ndef test(): pass",
    "call": "import pytest\ndef test(): pytest.skip('why')",
    "module": "import pytest\npytest.skip('why', allow_module_level=True)",
    "import": "import pytest\npytest.importorskip('no_such_module', reason='why')",
    "fixture": "import pytest\n@pytest.fixture\ndef f(): pytest.skip('why')\ndef test(f): pass",
}
XFAIL = "import pytest\n@pytest.mark.xfail(reason='why')\ndef test(): assert False"


def run_pytest(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text((TESTS / "conftest.py").read_text())
    (folder / "test_it.py").write_text(text + "\ndef test_passes(): pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    own = {name: x for name, x in os.environ.items() if not name.startswith("PYTEST_")}
    environment = {**own, "PYTHONPATH": str(TESTS)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("how", SKIPPING)
def test_a_skip_fails(tmp_path: Path, how: str) -> None:
    done = run_pytest(tmp_path, SKIPPING[how], "--no-skips")
    assert done.returncode in (1, 2), done.stdout
    assert "why" in done.stdout


def test_a_skip_is_fine_without_the_option(tmp_path: Path) -> None:
    assert run_pytest(tmp_path, SKIPPING["call"]).returncode == 0


def test_only_files_that_cannot_be_installed_may_be_absent(tmp_path: Path) -> None:
    text = f"import pytest\ndef test(): pytest.skip('{real_mnist.ABSENT}')"
    assert run_pytest(tmp_path, text, "--no-skips").returncode == 0


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    assert run_pytest(tmp_path, XFAIL, "--no-skips").returncode == 0


def test_what_passed_is_left_out_unless_a_package_may_matter(tmp_path: Path) -> None:
    record = tmp_path / "record"
    text = "import pytest\ndef test_skipped(): pytest.skip('why')\ndef test_failed(): assert 0"
    assert run_pytest(tmp_path, text, f"--record={record}").returncode == 1
    assert [x for x in record.read_text().splitlines() if x[0] != "#"] == [
        "test_it.py::test_passes"
    ]
    names = ["tests/notation/test_notation_parse.py::test", "tests/test_models.py::test",
             "tests/check/test_mutations.py::test", "src/eingrad/core/expr.py::doctest",
             "src/eingrad/engine/library.py::doctest", "tests/cli/test_train.py::test"]  # fmt: skip
    twice.write(record, names)
    assert twice.passed_for_good(record) == {names[0], names[3]}
    record.write_text(record.read_text().replace("# numpy ", "# numpy 0."))
    assert not twice.passed_for_good(record)


DRAWING = """
from hypothesis import given, strategies
from seeds import examples, in_batches, seeded

def test_seed(): print("seed", seeded(3))

@examples(40)
@given(strategies.integers(0, 10**9))
def test_drawn(x): print("drawn", x)

@in_batches(40, 2, strategies.integers(0, 10**9))
def test_batches(x): print("batch", x)
"""


def drawn(folder: Path, *options: str) -> set[str]:
    folder.mkdir(exist_ok=True)
    done = run_pytest(folder, DRAWING, "-s", *options)
    assert done.returncode == 0, done.stdout
    return set(re.findall("(?:seed|drawn|batch) [0-9]+", done.stdout))


def test_a_seed_draws_the_same_again_and_another_one_something_else(tmp_path: Path) -> None:
    nightly = ["--hypothesis-profile=nightly", "--seed=5", "--hypothesis-seed=5"]
    first = drawn(tmp_path, *nightly)
    assert drawn(tmp_path, *nightly) == first
    other = drawn(tmp_path, *(x.replace("=5", "=6") for x in nightly))
    assert len(other - first) > 100  # small numbers and the ends are always tried
    assert "seed 3" in drawn(tmp_path, "--hypothesis-profile=ci")
    assert len(first) > 2 * len(drawn(tmp_path, "--hypothesis-profile=ci"))
