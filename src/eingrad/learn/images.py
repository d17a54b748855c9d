"""Pictures from people: PNG, JPEG and the like, `.npy` arrays and IDX files, made to fit a model.

A model has learned light strokes on a dark ground, in [0, 1]. A picture becomes grey, is turned
to its negative if its border is light, padded to the model's proportions, and resized.
"""

from __future__ import annotations

import contextlib
import gzip
import math
import os
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from eingrad.errors import DataError
from eingrad.learn.array_files import GZIP_MAGIC, HEADER_ERRORS, FileRows, looks_like_idx, read_idx

NPY_MAGIC = b"\x93NUMPY"
BATCH = 500
CHUNK = 1 << 20
PIPED = 1 << 30  # bytes that are taken from a pipe
MAX_PIXELS, MAX_SIDE = 40_000_000, 100_000  # of one image
FORMATS = {  # Pillow's name -> what people call it; nothing else is decoded
    "PNG": "PNG", "JPEG": "JPEG", "BMP": "BMP", "GIF": "GIF", "TIFF": "TIFF", "PPM": "PGM/PPM",
    "WEBP": "WebP",
}  # fmt: skip
Pixels = NDArray[np.float32]


class Images:
    """The images of a file: `len` counts them, and `batches` converts them, some at a time.

    IDX files and arrays are taken as they are: light strokes on dark, integers from 0 to 255 or
    numbers from 0 to 1; axes (height, width) or (n, height, width). They may be larger than memory;
    ``report`` is told where a large gzipped file is unpacked to. Raises `DataError`.
    """

    def __init__(
        self,
        path: str | Path,
        image_shape: tuple[int, int],
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.path, self.image_shape = Path(path), image_shape
        with _named(self.path):
            head = _head(self.path)
            self._rows: NDArray[Any] | FileRows
            if looks_like_idx(head):
                self._rows = read_idx(self.path, 3, report)
            elif head.startswith(NPY_MAGIC[:4]):
                self._rows = _read_npy(self.path)
            else:
                self._rows = read_picture(self.path, image_shape)[None]
        if self._rows.dtype.kind not in "buif":
            raise _bad(self.path, f"holds entries of type {self._rows.dtype}", "expected numbers")
        height, width = self._rows.shape[1:]
        _check_size(self.path, width, height)

    def __len__(self) -> int:
        return len(self._rows)

    def batches(self, size: int) -> Iterator[Pixels]:
        """Yield the pixels (at most size, height * width) in [0, 1] of image after image."""
        size = min(size, max(1, MAX_PIXELS // math.prod(self._rows.shape[1:])))
        for start in range(0, len(self), size):
            with _named(self.path):
                raw = self._rows[start : start + size]
            yield self._fit_all(_scaled(self.path, raw))

    def _fit_all(self, images: Pixels) -> Pixels:
        """Resize images (n, ...) where their size is not the model's."""
        if images.shape[1:] != self.image_shape:
            images = np.stack([_fit(image, self.image_shape, ground=0.0) for image in images])
        return images.reshape(len(images), -1)


def read_images(path: str | Path, image_shape: tuple[int, int]) -> Pixels:
    """Return the pixels (n, height * width) of all the images in a file, as `Images` has them."""
    return np.concatenate(list(Images(path, image_shape).batches(BATCH)))


@contextlib.contextmanager
def as_file(path: Path, stdin: IO[bytes]) -> Iterator[Path]:
    """Return the path of a file that can be read more than once: of a pipe, or ``-``, a copy.

    The copy has at most `PIPED` bytes and lasts as long as the context. Raises `DataError`.
    """
    if str(path) != "-" and not path.is_fifo():
        yield path
        return
    name = "standard input" if str(path) == "-" else str(path)
    with tempfile.TemporaryDirectory(prefix="eingrad-") as folder:
        copy = Path(folder) / name.replace(os.sep, "_")
        source = contextlib.nullcontext(stdin) if str(path) == "-" else path.open("rb")
        with _named(path), source as pipe, copy.open("wb") as target:
            count = 0
            while chunk := pipe.read(CHUNK):
                count += len(chunk)
                if count > PIPED:
                    raise _bad(Path(name), f"gives more than {PIPED:,} bytes", "save them first")
                target.write(chunk)
        yield copy


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Turn what the system and gzip say of a file into a `DataError` with its name."""
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path} cannot be read ({reason})", operand=str(path)) from error


def _head(path: Path) -> bytes:
    """Return the first four bytes, of what is inside if the file is gzipped."""
    with path.open("rb") as file:
        head = file.read(4)
        if not head.startswith(GZIP_MAGIC):
            return head
        file.seek(0)
        with gzip.GzipFile(fileobj=file) as unpacked:
            return unpacked.read(4)


def _read_npy(path: Path) -> NDArray[Any]:
    """Map an array into memory, so that a header with a false shape costs nothing."""
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except HEADER_ERRORS as error:
        raise _bad(path, f"is not a usable .npy file ({error})") from error
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or 0 in array.shape:
        raise _bad(path, f"holds an array of {array.shape}", "expected (height, width) or (n, ...)")
    return array


def _scaled(path: Path, raw: NDArray[Any]) -> Pixels:
    """Return entries in [0, 1]."""
    peak = 255 if raw.dtype.kind in "ui" else 1
    pixels: Pixels = np.asarray(raw, np.float32) / np.float32(peak)
    if not (pixels.min() >= 0 and pixels.max() <= 1):  # nor NaN
        raise _bad(
            path, "holds entries out of range", "expected integers 0 to 255 or numbers 0 to 1"
        )
    return pixels


def read_picture(path: Path, image_shape: tuple[int, int]) -> Pixels:
    """Return a picture's pixels, in [0, 1] and of a size. Raises `DataError`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow doubts: metadata, and 89 million pixels
            Image.init()  # Pillow may have been built without one of them
            known = [name for name in FORMATS if name in Image.OPEN]
            with Image.open(path, formats=known) as file:
                _check_size(path, *file.size)
                pixels = _grey(ImageOps.exif_transpose(file))
    except UnidentifiedImageError as error:
        names = ", ".join(FORMATS[name] for name in known)
        raise _bad(
            path, "is not a picture", f"expected {names}, an IDX file or a .npy array"
        ) from error
    except FileNotFoundError as error:
        raise _bad(path, "does not exist") from error
    except DataError:
        raise
    except Exception as error:  # Pillow's decoders raise all kinds for a damaged file
        raise _bad(path, f"cannot be decoded ({error})") from error
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground = float(np.median(border))
    if ground > 0.5:
        pixels, ground = 1 - pixels, 1 - ground
    return _fit(pixels, image_shape, ground)


def _check_size(path: Path, width: int, height: int) -> None:
    """Raise `DataError` for more pixels than are worth decoding for a small image."""
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise _bad(
            path,
            f"is a picture of {width:,} x {height:,} pixels",
            f"at most {MAX_PIXELS:,} in all and {MAX_SIDE:,} on a side",
        )


def _grey(image: Image.Image) -> Pixels:
    """Return a picture's grey values in [0, 1]; what is transparent is white."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, np.float32)
        peak = 1.0 if image.mode == "F" and values.max() <= 1 else 65535.0
        grey: Pixels = np.clip(values / np.float32(peak), 0, 1)
        return grey
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("L"), np.float32) / np.float32(255)


def _fit(pixels: Pixels, shape: tuple[int, int], ground: float) -> Pixels:
    """Resize with antialiasing to fit inside the model's image, and fill up with the ground."""
    if pixels.shape == shape:
        return pixels
    factor = min(shape[0] / pixels.shape[0], shape[1] / pixels.shape[1])
    height, width = (max(1, round(factor * size)) for size in pixels.shape)
    resampling = Image.Resampling.BOX if factor < 1 else Image.Resampling.BICUBIC
    resized = np.asarray(Image.fromarray(pixels).resize((width, height), resampling))
    fitted = np.full(shape, ground, np.float32)
    top, left = (shape[0] - height) // 2, (shape[1] - width) // 2
    fitted[top : top + height, left : left + width] = np.clip(resized, 0, 1)
    return fitted


def _bad(path: Path, found: str, expected: str | None = None) -> DataError:
    reason = f"{path} {found}" + (f"; {expected}" if expected else "")
    return DataError(reason, operand=str(path))
