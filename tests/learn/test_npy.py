"""`.npy` files: what is read, and what is refused with a reason."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from eingrad.errors import DataError
from eingrad.learn.array_files import read_npy
from eingrad.learn.images import read_images

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


@pytest.mark.parametrize("array", [IMAGES, IMAGES.astype(">i4"), IMAGES[:, :, ::2]], ids=str)
@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_reads_what_numpy_wrote(tmp_path, array, version):
    path = tmp_path / "x.npy"
    with path.open("wb") as file:
        np.lib.format.write_array(file, np.ascontiguousarray(array), version=version)
    found = read_npy(path, 3)
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found[:], array)


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (IMAGES / 255, "holds entries of type float64; expected integers"),
        (np.array([["a"]]), "holds entries of type <U1; expected integers"),
        (np.array([{}]), "holds entries of type object; expected integers"),
        (IMAGES.reshape(-1), "holds an array of 24; expected 3 axes"),
        (IMAGES[:0], "holds an array of 0 x 3 x 4; expected 3 axes, none empty"),
        (np.uint8(3), "holds an array of no axes"),
        (np.asfortranarray(IMAGES), "Fortran order"),
    ],
    ids=str,
)
def test_an_array_that_is_of_no_use(tmp_path, array, text):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(DataError) as caught:
        read_npy(tmp_path / "x.npy", 3)
    assert text in str(caught.value)
    assert caught.value.operand == str(tmp_path / "x.npy")


def test_no_byte_of_a_header_makes_another_error(tmp_path):
    """NumPy reads it as Python's literals, whose tokenizer and parser have errors of their own."""
    path, kinds = tmp_path / "x.npy", set()
    np.save(path, IMAGES)
    whole = path.read_bytes()
    for position in range(8, 80):
        for value in (0, 9, 10, 34, 40, 41, 44, 57, 92, 123, 255):
            content = bytearray(whole)
            content[position] = value
            path.write_bytes(content)
            for read in (lambda: read_npy(path, 3), lambda: read_images(path, (3, 4))):
                try:
                    read()
                except DataError as error:
                    kinds.add(type(error.__cause__).__name__)
    assert {"TokenError", "ValueError"} <= kinds


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


GOOD = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 4), }\n"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is not a usable .npy file"),
        (b"\x93NUMPY\x09\x00", "is not a usable .npy file"),
        (header(GOOD)[:30], "is not a usable .npy file"),
        (header("nonsense\n"), "is not a usable .npy file"),
        (header(GOOD), "cut off after 0 bytes of data; expected 24 bytes of data (2 x 3 x 4)"),
        (header(GOOD) + bytes(23), "cut off after 23 bytes"),
        (header(GOOD) + bytes(25), "more bytes follow"),
        (header(GOOD.replace("(2,", "(-2,")), "holds an array of -2 x 3 x 4"),
        (header(GOOD.replace("(2,", f"({10**30},")), f"expected {12 * 10**30:,} bytes"),
    ],
)
def test_a_damaged_file(tmp_path, content, text):
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_npy(path, 3)
    assert text in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_npy(tmp_path / "x.npy", 3)
