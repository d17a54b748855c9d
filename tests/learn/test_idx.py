"""The IDX reader: what it reads, and what it says of files that are none."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from eingrad.errors import DataError
from eingrad.learn.array_files import HELD, looks_like_idx, read_idx


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    header = bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
GOOD = idx(IMAGES)
HUGE = bytes([0, 0, 8, 3]) + struct.pack(">3I", 60000, 2**31, 2**31)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_reads_what_was_written(tmp_path, pack):
    path = tmp_path / "images"
    path.write_bytes(pack(GOOD))
    np.testing.assert_array_equal(read_idx(path, 3)[:], IMAGES)


def test_a_plain_file_is_mapped_not_read(tmp_path):
    path = tmp_path / "images"
    path.write_bytes(GOOD)
    images = read_idx(str(path), 3)
    assert isinstance(images.mapped, np.memmap)
    assert not images.mapped.flags.writeable


BAD = {
    "empty": (b"", "the file is empty; expected an IDX file with 3 axes"),
    "short magic": (b"\0\0\x08", "ends after 3 bytes; expected a magic number of 4 bytes"),
    "bad magic": (b"\x89PNG" + GOOD, "the magic number is 0x89504e47; expected 0x00000803"),
    "unknown type": (b"\0\0\x07\x03" + GOOD, "the magic number is 0x00000703"),
    "wrong type": (idx(IMAGES, 0x0D), "entries are of type float32; expected unsigned bytes"),
    "labels": (idx(IMAGES.reshape(-1)), "the file has 1 axes; expected 3 (images)"),
    "short header": (GOOD[:9], "the header ends after 9 bytes; expected 16 bytes"),
    "no data": (GOOD[:16], "cut off after 0 bytes of data; expected 24 bytes of data (2 x 3 x 4)"),
    "truncated": (GOOD[:-1], "cut off after 23 bytes of data; expected 24 bytes"),
    "garbage at the end": (GOOD + b"more", "follow after the data; expected 24 bytes"),
    "no images": (idx(IMAGES[:0]), "the header claims 0 x 3 x 4 entries; expected at least one"),
    "hostile header": (HUGE, "60000 x 2147483648 x 2147483648"),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_named_with_what_was_expected_and_found(tmp_path, case, packed):
    content, text = BAD[case]
    path = tmp_path / "train-images"
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(DataError) as caught:
        read_idx(path, 3)
    assert text in str(caught.value)
    assert str(path) in str(caught.value)
    assert caught.value.operand == str(path)


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(GOOD, mtime=0)[:-9],  # the stream is cut
        gzip.compress(GOOD, mtime=0)[:-4] + b"\0\0\0\1",  # its length is wrong
        gzip.compress(GOOD, mtime=0)[:12] + bytes(20),  # its data are damaged
        b"\x1f\x8b",
        b"\x1f\x8bnot gzip at all",
    ],
)
def test_damaged_gzip(tmp_path, content):
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"gzip data is damaged or cut off|cut off after"):
        read_idx(path, 3)


def test_a_gzip_bomb_is_refused_by_its_header(tmp_path):
    path = tmp_path / "images.gz"
    header = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2, 2**15, 2**15)
    path.write_bytes(gzip.compress(header + bytes(1000)))
    assert HELD < 2 * 2**30
    with pytest.raises(DataError, match=r"claims 2 x 32768 x 32768, .* expected at most"):
        read_idx(path, 3)


@pytest.mark.parametrize("make", ["missing", "folder"])
def test_what_cannot_be_opened(tmp_path, make):
    path = tmp_path if make == "folder" else tmp_path / "nothing"
    with pytest.raises(DataError, match="cannot be read"):
        read_idx(path, 3)


def test_swapped_files_get_a_hint(tmp_path):
    path = tmp_path / "labels"
    path.write_bytes(GOOD)
    with pytest.raises(DataError, match="expected 1 \\(labels\\)") as caught:
        read_idx(path, 1)
    assert "swapped" in caught.value.hint


def test_random_bytes_never_crash(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "noise"
    for trial in range(300):
        noise = bytearray(rng.bytes(int(rng.integers(0, 40))))
        if trial % 2:
            noise[:4] = b"\0\0\x08\x03"
        path.write_bytes(noise)
        with pytest.raises(DataError):
            read_idx(path, 3)


def test_recognition():
    assert looks_like_idx(GOOD)
    assert not looks_like_idx(b"\0\0")
    assert not looks_like_idx(b"\0\0\x08\x00")
