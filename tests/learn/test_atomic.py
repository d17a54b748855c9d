"""Files that are written whole, by one process at a time, and what killed processes leave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from eingrad.learn.atomic import owned, replacing, sweep

SOURCE = Path(__file__).parents[2] / "src"
HOLD = """
import pathlib, sys, time
from eingrad.learn.atomic import owned, replacing
with {what}(pathlib.Path(sys.argv[1])) as file:
    if file:
        file.write(b"half of it")
        file.flush()
    print("here", flush=True)
    time.sleep(120)
"""


def holder(what: str, path: Path) -> subprocess.Popen[str]:
    """Start a process that owns a path, or is in the middle of writing it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(what=what), str(path)], stdout=subprocess.PIPE,
        text=True, env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    return process


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize("name", ["run", "ä [1]*?", "n" * 250])
def test_what_a_killed_process_left_is_removed_and_what_a_live_one_writes_is_not(tmp_path, name):
    path = tmp_path / name
    (tmp_path / ".run.123.txt").write_text("mine")
    live, dead = holder("replacing", path), holder("replacing", path)
    end(dead)
    temporary = [x for x in names(tmp_path) if x.endswith(".tmp")]
    assert len(temporary) == 2
    sweep(path)
    assert [x for x in temporary if (tmp_path / x).exists()] == [
        x for x in temporary if x.endswith(f".{live.pid}.tmp")
    ]
    end(live)
    with owned(path):
        pass
    assert names(tmp_path) == [".run.123.txt"]


def test_temporary_files_of_other_files_stay(tmp_path):
    for name in (".run.5.tmp", ".run.5.6.tmp", ".run.x.tmp", ".runs.5.tmp", "run.5.tmp"):
        (tmp_path / name).write_text("x")
    sweep(tmp_path / "run")
    assert ".run.5.tmp" not in names(tmp_path)
    assert len(names(tmp_path)) == 4


def test_a_path_has_one_owner_and_a_dead_one_has_nothing(tmp_path):
    path, link = tmp_path / "run", tmp_path / "link"
    link.symlink_to(path)
    process = holder("owned", path)
    for name in (path, link):
        message = f"process {process.pid} is writing it"
        with pytest.raises(BlockingIOError, match=message), owned(name):
            pass
    end(process)
    assert names(tmp_path) == [".run.lock", "link"]
    with owned(link), owned(tmp_path / "other"):
        pass
    assert names(tmp_path) == ["link"]


def test_an_error_in_the_owner_s_work_is_its_own(tmp_path):
    with pytest.raises(BlockingIOError, match="of something else"), owned(tmp_path / "run"):
        raise BlockingIOError(11, "of something else", "there")
    assert names(tmp_path) == []


def test_a_name_that_is_as_long_as_can_be(tmp_path):
    path = tmp_path / ("n" * 255)
    with owned(path), replacing(path) as file:
        file.write(b"whole")
    assert path.read_bytes() == b"whole"
    assert len(names(tmp_path)) == 1
