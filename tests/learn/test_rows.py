"""Rows of files, mapped and read: the same bytes, and errors that name the file."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import numpy as np
import pytest

from eingrad.errors import DataError
from eingrad.learn import array_files
from eingrad.learn.array_files import FileRows

HEADER = b"eight by"
SHAPE = (50, 3, 7)
DATA = np.random.default_rng(0).integers(0, 256, SHAPE, dtype=np.uint8)


@pytest.fixture(params=["mapped", "read"])
def how(request, monkeypatch):
    """Both ways to read a file, whatever its size."""
    if request.param == "read":
        monkeypatch.setattr(array_files, "MAPPED", 0)
    return request.param


@pytest.fixture
def path(tmp_path) -> Path:
    path = tmp_path / "data"
    path.write_bytes(HEADER + DATA.tobytes())
    return path


def take(rows: FileRows, indices) -> np.ndarray:
    out = np.full((len(indices), *rows.shape[1:]), 9, rows.dtype)
    rows.announce(np.asarray(indices))
    rows.take(np.asarray(indices), out)
    return out


@pytest.mark.parametrize(
    "indices",
    [[0], [49], [3, 4, 5], [5, 4, 3], [7, 7, 7], list(range(50)), [49, 0, 20, 20, 1], []],
    ids=str,
)
def test_rows_are_those_of_the_array(path, how, indices):
    rows = FileRows(path, len(HEADER), SHAPE)
    assert (rows.mapped is not None) == (how == "mapped")
    np.testing.assert_array_equal(take(rows, np.array(indices, int)), DATA[indices])


def test_it_is_indexed_like_an_array(path, how):  # noqa: ARG001
    rows = FileRows(path, len(HEADER), SHAPE)
    assert len(rows) == 50
    for index in (3, -1, np.int64(4), slice(None), slice(10, 20), slice(40, 3, -7), slice(5, 5)):
        np.testing.assert_array_equal(rows[index], DATA[index])
    np.testing.assert_array_equal(np.stack(list(rows)), DATA)
    with pytest.raises(IndexError):
        rows[50]


@pytest.mark.parametrize("dtype", ["u1", "<i8", ">i2", "?"])
def test_numbers_of_any_type(tmp_path, how, dtype):  # noqa: ARG001
    data = (np.arange(40) % 100).astype(dtype)
    (tmp_path / "numbers").write_bytes(data.tobytes())
    rows = FileRows(tmp_path / "numbers", 0, (40,), dtype)
    np.testing.assert_array_equal(take(rows, [3, 39, 3]), data[[3, 39, 3]])
    np.testing.assert_array_equal(rows[:], data)


def test_a_read_that_ends_early_is_taken_up_again(path, monkeypatch):
    """As when more than 2 GiB are asked for at once."""
    monkeypatch.setattr(array_files, "MAPPED", 0)
    whole = os.preadv
    monkeypatch.setattr(os, "preadv", lambda fd, out, at: whole(fd, [out[0].cast("B")[:100]], at))
    np.testing.assert_array_equal(FileRows(path, len(HEADER), SHAPE)[:], DATA)


def test_where_the_address_space_is_too_small_rows_are_read(path, monkeypatch):
    def refuse(*_):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(np, "memmap", refuse)
    rows = FileRows(path, len(HEADER), SHAPE)
    assert rows.mapped is None
    np.testing.assert_array_equal(take(rows, [30, 2]), DATA[[30, 2]])
    monkeypatch.setattr(array_files, "CAN_READ", False)
    with pytest.raises(DataError, match="cannot be mapped \\(Cannot allocate memory\\)"):
        FileRows(path, len(HEADER), SHAPE)


# --- files that change ------------------------------------------------------------------------


def cut(path: Path) -> None:
    os.truncate(path, 200)


def write_into(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"others")
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))  # where the clock ticks slowly


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (cut, "it had 1,058 bytes and has 200"),
        (append, "it had 1,058 bytes and has 1,062"),
        (write_into, "it was written to"),
    ],
)
def test_a_file_that_changes_is_an_error(path, how, change, text):  # noqa: ARG001
    rows = FileRows(path, len(HEADER), SHAPE)
    take(rows, [30])
    change(path)
    with pytest.raises(DataError, match="changed while it was in use") as caught:
        take(rows, [30])
    assert text in str(caught.value)
    assert caught.value.operand == str(path)


def test_a_file_that_is_cut_during_a_read(path, monkeypatch):
    monkeypatch.setattr(array_files, "MAPPED", 0)
    rows = FileRows(path, len(HEADER), SHAPE)
    whole = os.preadv

    def cutting(*args):
        cut(path)
        return whole(*args)

    monkeypatch.setattr(os, "preadv", cutting)
    with pytest.raises(DataError, match="it had 1,058 bytes and has 200"):
        take(rows, [30, 2])


def test_a_disk_that_fails(path, monkeypatch):
    monkeypatch.setattr(array_files, "MAPPED", 0)
    rows = FileRows(path, len(HEADER), SHAPE)

    def fail(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "preadv", fail)
    monkeypatch.setattr(os, "posix_fadvise", fail)
    with pytest.raises(DataError, match="cannot be read \\(Input/output error\\)") as caught:
        take(rows, [30])
    assert caught.value.operand == str(path)


@pytest.mark.parametrize("change", [os.unlink, lambda path: path.rename(path.with_suffix(".old"))])
def test_a_file_that_is_deleted_or_renamed_is_read_on(path, how, change):  # noqa: ARG001
    rows = FileRows(path, len(HEADER), SHAPE)
    change(path)
    np.testing.assert_array_equal(take(rows, [30, 2]), DATA[[30, 2]])


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        (
            (51, 3, 7),
            "cut off after 1,050 bytes of data; expected 1,071 bytes",
        ),
        ((49, 3, 7), "follow after the data; expected 1,029 bytes of data (49 x 3 x 7)"),
        ((2**62, 2**62), f"expected {2**124:,} bytes"),
    ],
)
def test_a_shape_that_does_not_fit(path, how, shape, text):  # noqa: ARG001
    with pytest.raises(DataError) as caught:
        FileRows(path, len(HEADER), shape)
    assert text in str(caught.value)


def test_files_are_closed(path, how):  # noqa: ARG001
    def handles() -> int:
        return len(os.listdir("/proc/self/fd"))

    gc.collect()
    before = handles()
    rows = FileRows(path, len(HEADER), SHAPE)
    assert handles() > before
    del rows
    gc.collect()
    assert handles() == before
