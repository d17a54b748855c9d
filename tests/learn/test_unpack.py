"""Gzipped files that are too large for memory: unpacked into the cache, once and whole."""

from __future__ import annotations

import errno
import gzip
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_idx import idx

from eingrad.errors import DataError
from eingrad.learn import array_files
from eingrad.learn.array_files import FileRows, read_idx

SOURCE = Path(__file__).parents[2] / "src"
IMAGES = np.random.default_rng(0).integers(0, 256, (40, 5, 7), dtype=np.uint8)
GOOD = idx(IMAGES)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """A cache of the test's own; every gzipped file counts as large."""
    monkeypatch.setattr(array_files, "HELD", 0)
    monkeypatch.setenv("EINGRAD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def packed(tmp_path) -> Path:
    path = tmp_path / "train-images.gz"
    path.write_bytes(gzip.compress(GOOD))
    return path


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_it_is_unpacked_once(cache, packed):
    told: list[str] = []
    first = read_idx(packed, 3, told.append)
    assert isinstance(first, FileRows)
    np.testing.assert_array_equal(first[:], IMAGES)
    (copy,) = files_in(cache)
    assert copy.read_bytes() == GOOD
    assert told == [f"unpacking {packed} ({len(GOOD):,} bytes) to {copy}"]
    identity = copy.stat().st_ino
    np.testing.assert_array_equal(read_idx(packed, 3, told.append)[:], IMAGES)
    assert len(told) == 1
    assert copy.stat().st_ino == identity


@pytest.mark.parametrize("damage", ["cut", "other", "newer"])
def test_a_copy_that_is_not_whole_or_not_of_this_file_is_replaced(cache, packed, damage):
    expected = IMAGES
    read_idx(packed, 3)
    (copy,) = files_in(cache)
    if damage == "cut":
        os.truncate(copy, 100)
        os.utime(copy, ns=(0, packed.stat().st_mtime_ns))
    elif damage == "other":
        copy.write_bytes(bytes(len(GOOD)))
    else:
        expected = 255 - IMAGES
        packed.write_bytes(gzip.compress(idx(expected)))
        os.utime(packed, ns=(0, packed.stat().st_mtime_ns + 10**9))
    np.testing.assert_array_equal(read_idx(packed, 3)[:], expected)
    assert files_in(cache) == [copy]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (gzip.compress(GOOD, mtime=0)[:-9], "the gzip data is damaged or cut off"),
        (gzip.compress(GOOD, mtime=0)[:-8] + bytes(8), "the gzip data is damaged or cut off"),
        (gzip.compress(GOOD[:-1], mtime=0), "cut off after 1,415 bytes; expected 1,416"),
        (
            gzip.compress(GOOD + b"x", mtime=0),
            "more bytes follow after the data; expected 1,416 bytes",
        ),
    ],
)
def test_a_damaged_file_leaves_nothing_behind(cache, packed, content, text):
    packed.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_idx(packed, 3)
    assert text in str(caught.value)
    assert str(packed) in str(caught.value)
    assert files_in(cache) == []


def test_no_room(cache, packed, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 99))
    with pytest.raises(DataError, match="it needs 1,416 bytes, and 99 are free") as caught:
        read_idx(packed, 3)
    assert "EINGRAD_CACHE" in caught.value.hint
    assert files_in(cache) == []


def test_a_disk_that_fills_up_meanwhile(cache, packed, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match="No space left on device") as caught:
        read_idx(packed, 3)
    assert caught.value.operand == str(packed)
    assert files_in(cache) == []


def test_a_cache_that_cannot_be_written(cache, packed):
    cache.write_text("a file where the folder would be")
    with pytest.raises(DataError, match="cannot be unpacked") as caught:
        read_idx(packed, 3)
    assert "gunzip" in caught.value.hint


def test_a_small_file_is_held_in_memory(packed, tmp_path, monkeypatch):
    monkeypatch.setenv("EINGRAD_CACHE", str(tmp_path / "cache"))
    assert isinstance(read_idx(packed, 3), np.ndarray)
    assert not (tmp_path / "cache").exists()


def test_two_processes_unpack_it_once(cache, packed, monkeypatch):
    """The second finds the lock held, waits, and takes the first one's copy."""
    told: list[list[str]] = [[], []]
    begun, may_go_on = threading.Event(), threading.Event()
    real = array_files._unpack

    def slow(*args: Any) -> None:
        begun.set()
        assert may_go_on.wait(60)
        real(*args)

    monkeypatch.setattr(
        array_files, "_unpack", slow
    )  # locks are of open files: threads do for processes

    def waits(line: str) -> None:
        told[1].append(line)
        may_go_on.set()

    with ThreadPoolExecutor() as pool:
        first = pool.submit(read_idx, packed, 3, told[0].append)
        assert begun.wait(60)
        second = pool.submit(read_idx, packed, 3, waits)
        for rows in (first.result(60), second.result(60)):
            np.testing.assert_array_equal(rows[:], IMAGES)
    assert [line.split()[0] for lines in told for line in lines] == ["unpacking", "waiting"]
    assert len(files_in(cache)) == 1


@pytest.mark.usefixtures("cache")
def test_a_process_that_was_killed_leaves_no_lock(packed):
    code = (
        "import pathlib, sys\nfrom eingrad.learn.atomic import alone\n"
        "with alone(pathlib.Path(sys.argv[1]), print):\n  print('in', flush=True)\n  input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, packed], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == b"in\n"
        process.kill()
    np.testing.assert_array_equal(read_idx(packed, 3)[:], IMAGES)
