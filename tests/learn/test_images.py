"""Pictures of all kinds become the pixels that a model knows."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile
from test_idx import idx

from eingrad.errors import DataError
from eingrad.learn import images
from eingrad.learn.images import read_images

SHAPE = (8, 8)
# a seven: light on dark, 0 to 255
SEVEN = np.array(
    [
        [0, 0, 0, 0, 0, 0, 0, 0],
        [0, 255, 255, 255, 255, 200, 0, 0],
        [0, 0, 0, 0, 180, 255, 0, 0],
        [0, 0, 0, 90, 255, 60, 0, 0],
        [0, 0, 0, 220, 160, 0, 0, 0],
        [0, 0, 40, 255, 60, 0, 0, 0],
        [0, 0, 150, 200, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0],
    ],
    np.uint8,
)
EXPECTED = SEVEN / 255


def picture(kind: str) -> Image.Image:
    grey = Image.fromarray(SEVEN)
    if kind == "negative":
        return Image.fromarray(255 - SEVEN)
    if kind == "colour":
        return Image.fromarray(255 - SEVEN).convert("RGB")
    if kind == "palette":
        return grey.convert("P")
    if kind == "transparent":
        ink = Image.new("RGBA", grey.size, "black")
        ink.putalpha(grey)
        return ink
    if kind == "16 bit":
        return Image.fromarray(SEVEN.astype(np.uint16) * 257)
    if kind == "large":
        return grey.resize((80, 80), Image.Resampling.NEAREST)
    if kind == "large negative":
        return Image.fromarray(255 - SEVEN).resize((160, 160), Image.Resampling.NEAREST)
    return grey


@pytest.mark.parametrize(
    "kind",
    ["grey", "negative", "colour", "palette", "transparent", "16 bit", "large", "large negative"],
)
def test_png_in_any_mode_and_size(tmp_path, kind):
    path = tmp_path / "seven.png"
    picture(kind).save(path)
    pixels = read_images(path, SHAPE)
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels, EXPECTED.reshape(1, 64), atol=0.005)


@pytest.mark.parametrize("kind", ["bmp", "gif", "tiff", "ppm", "webp", "png"])
def test_formats_without_loss(tmp_path, kind):
    path = tmp_path / f"seven.{kind}"
    picture("grey").save(path, **({"lossless": True} if kind == "webp" else {}))
    np.testing.assert_allclose(read_images(path, SHAPE)[0], EXPECTED.reshape(-1), atol=0.005)


@pytest.mark.parametrize("case", ["large", "long", "icon"])
def test_a_refusal_decodes_nothing(tmp_path, monkeypatch, case):
    bad_file(tmp_path / "input", case)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("it was decoded"))
    with pytest.raises(DataError):
        read_images(tmp_path / "input", SHAPE)


def test_jpeg_and_rotation_by_camera(tmp_path):
    path = tmp_path / "seven.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn by 90 degrees
    turned = Image.fromarray(np.rot90(SEVEN)).resize((160, 160), Image.Resampling.NEAREST)
    turned.save(path, quality=95, exif=exif)
    np.testing.assert_allclose(read_images(path, SHAPE)[0], EXPECTED.reshape(-1), atol=0.08)


def test_proportions_are_kept(tmp_path):
    path = tmp_path / "wide.png"
    wide = np.full((8, 16), 255, np.uint8)
    wide[:, 4:12] -= SEVEN
    Image.fromarray(wide).resize((320, 160), Image.Resampling.NEAREST).save(path)
    pixels = read_images(path, SHAPE).reshape(SHAPE)
    assert not pixels[:2].any()
    assert not pixels[6:].any()
    np.testing.assert_allclose(pixels[:, 2:6].sum(), EXPECTED.sum() / 4, rtol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (100_000, 1), (1, 100_000), (3, 2)])
def test_odd_sizes(tmp_path, size):
    path = tmp_path / "odd.png"
    Image.new("L", size, 255).save(path)
    pixels = read_images(path, (28, 28))
    assert pixels.shape == (1, 784)
    assert not pixels.any()


@pytest.mark.parametrize(
    "array",
    [SEVEN, SEVEN.astype(int), EXPECTED, EXPECTED.astype(np.float16), SEVEN[None], SEVEN > 0],
    ids=str,
)
def test_arrays(tmp_path, array):
    path = tmp_path / "seven.npy"
    np.save(path, array)
    expected = SEVEN > 0 if array.dtype == bool else EXPECTED
    np.testing.assert_allclose(read_images(path, SHAPE), expected.reshape(1, 64), atol=1e-3)


def test_several_images_in_a_file(tmp_path):
    stack = np.stack([SEVEN, SEVEN[::-1], SEVEN.T])
    np.save(tmp_path / "three.npy", stack)
    (tmp_path / "three").write_bytes(idx(stack))
    (tmp_path / "three.gz").write_bytes(gzip.compress(idx(stack)))
    for name in ("three.npy", "three", "three.gz"):
        np.testing.assert_allclose(
            read_images(tmp_path / name, SHAPE), stack.reshape(3, 64) / 255, rtol=1e-6
        )


def bad_file(path, case):
    good = path.with_name("good.png")
    picture("grey").save(good)
    if case == "text":
        path.write_text("hello")
    elif case == "empty":
        path.write_bytes(b"")
    elif case == "truncated png":
        path.write_bytes(good.read_bytes()[:-30])
    elif case == "damaged png":
        path.write_bytes(good.read_bytes()[:40] + bytes(40))
    elif case == "truncated npy":
        np.save(good.with_suffix(".npy"), SEVEN)
        path.write_bytes(good.with_suffix(".npy").read_bytes()[:-1])
    elif case == "pickle":
        np.save(path.with_suffix(".npy"), np.array([{}]))
        path.with_suffix(".npy").rename(path)
    elif case == "bomb":
        Image.new("1", (20_000, 20_000)).save(path, "png")
    elif case == "large":
        Image.new("1", (6325, 6325)).save(path, "png")
    elif case == "long":
        Image.new("1", (1, 100_001)).save(path, "png")
    elif case == "long npy":
        np.save(path.with_suffix(".npy"), np.zeros((100_001, 1), np.uint8))
        path.with_suffix(".npy").rename(path)
    elif case == "icon":
        picture("grey").save(path, "ico")
    elif case == "postscript":
        path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n")
    elif case == "npy header":
        np.save(path.with_suffix(".npy"), SEVEN)
        content = bytearray(path.with_suffix(".npy").read_bytes())
        content[10] = 0
        path.write_bytes(content)
    elif case == "labels":
        path.write_bytes(idx(np.zeros(3, np.uint8)))
    elif case == "gzip":
        path.write_bytes(b"\x1f\x8b\x08 no")
    elif case == "out of range":
        np.save(path.with_suffix(".npy"), np.full(SHAPE, 256))
        path.with_suffix(".npy").rename(path)
    elif case == "nan":
        np.save(path.with_suffix(".npy"), np.full(SHAPE, np.nan))
        path.with_suffix(".npy").rename(path)
    elif case == "text array":
        np.save(path.with_suffix(".npy"), np.array([["a"]]))
        path.with_suffix(".npy").rename(path)
    elif case == "rank":
        np.save(path.with_suffix(".npy"), np.zeros((1, 2, 3, 4)))
        path.with_suffix(".npy").rename(path)
    elif case == "none":
        np.save(path.with_suffix(".npy"), np.zeros((0, 8, 8)))
        path.with_suffix(".npy").rename(path)


@pytest.mark.parametrize(
    ("case", "text"),
    [
        ("missing", "No such file"),
        ("text", "is not a picture"),
        ("empty", "is not a picture"),
        ("truncated png", "cannot be decoded"),
        ("damaged png", "is not a picture"),
        ("truncated npy", "is not a usable .npy file"),
        ("pickle", "is not a usable .npy file"),
        ("bomb", "cannot be decoded"),
        ("large", "is a picture of 6,325 x 6,325 pixels; at most 40,000,000 in all"),
        ("long", "is a picture of 1 x 100,001 pixels; at most 40,000,000 in all and 100,"),
        ("long npy", "is a picture of 1 x 100,001 pixels"),
        ("icon", "is not a picture; expected PNG, JPEG, BMP, GIF, TIFF, PGM/PPM, WebP, an IDX"),
        ("postscript", "is not a picture"),
        ("npy header", "is not a usable .npy file"),
        ("labels", "expected 3 (images)"),
        ("gzip", "cannot be read"),
        ("out of range", "expected integers 0 to 255 or numbers 0 to 1"),
        ("nan", "expected integers 0 to 255 or numbers 0 to 1"),
        ("text array", "holds entries of type <U1"),
        ("rank", "holds an array of (1, 2, 3, 4)"),
        ("none", "holds an array of (0, 8, 8)"),
    ],
)
def test_bad_files_are_explained(tmp_path, case, text):
    path = tmp_path / "input"
    bad_file(path, case)
    with pytest.raises(DataError) as caught:
        read_images(path, SHAPE)
    assert text in str(caught.value)
    assert str(path) in str(caught.value)


def test_images_are_converted_some_at_a_time(tmp_path, monkeypatch):
    array = np.random.default_rng(3).integers(0, 256, (11, 4, 4), dtype=np.uint8)
    path = tmp_path / "many.npy"
    np.save(path, array)
    most = []
    real = images._scaled
    monkeypatch.setattr(
        images, "_scaled", lambda path, raw: (most.append(len(raw)), real(path, raw))[1]
    )
    batches = list(images.Images(path, (4, 4)).batches(3))
    assert most == [3, 3, 3, 2]
    np.testing.assert_allclose(np.concatenate(batches), array.reshape(11, 16) / 255, rtol=1e-6)


def test_a_pipe_is_read_once_and_copied(tmp_path, monkeypatch):
    content = b"some bytes"
    with images.as_file(Path("-"), io.BytesIO(content)) as copy:
        assert copy.name == "standard input"
        assert [copy.read_bytes() for _ in range(2)] == [content] * 2
    assert not copy.exists()
    with images.as_file(tmp_path, io.BytesIO()) as same:
        assert same == tmp_path
    monkeypatch.setattr(images, "PIPED", 5)
    with (
        pytest.raises(DataError, match="gives more than 5 bytes"),
        images.as_file(Path("-"), io.BytesIO(content)),
    ):
        pass
