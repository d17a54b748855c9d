"""Pictures from people: PNG, JPEG and the like, `.npy` arrays and IDX files, made to fit a model.

A model has learned light strokes on a dark ground, in [0, 1]. A picture becomes grey, is turned
to its negative if its border is light, padded to the model's proportions, and resized.
"""

from __future__ import annotations

import gzip
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from eingrad.errors import DataError, EingradError
from eingrad.learn.idx import GZIP_MAGIC, looks_like_idx, read_idx
from eingrad.learn.rows import FileRows

NPY_MAGIC = b"\x93NUMPY"
Pixels = NDArray[np.float32]


def read_images(path: str | Path, image_shape: tuple[int, int]) -> Pixels:
    """Return the pixels (n, height * width) in [0, 1] of all the images in a file.

    IDX files and arrays are taken as they are: light strokes on dark, integers from 0 to 255 or
    numbers from 0 to 1; axes (height, width) or (n, height, width). Raises `DataError`.
    """
    path = Path(path)
    try:
        head = _head(path)
        if looks_like_idx(head):
            return _fit_all(path, read_idx(path, ndim=3), image_shape)
        if head.startswith(NPY_MAGIC[:4]):
            return _fit_all(path, _read_npy(path), image_shape)
        return _read_picture(path, image_shape).reshape(1, -1)
    except EingradError:
        raise
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
    except (ValueError, TypeError, SyntaxError, OverflowError) as error:
        raise _bad(path, f"is not a usable .npy file ({error})") from error
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or 0 in array.shape:
        raise _bad(path, f"holds an array of {array.shape}", "expected (height, width) or (n, ...)")
    return array


def _fit_all(path: Path, images: NDArray[Any] | FileRows, image_shape: tuple[int, int]) -> Pixels:
    """Scale arrays to [0, 1] and, where their size is not the model's, resize them."""
    if images.dtype.kind not in "buif":
        raise _bad(path, f"holds entries of type {images.dtype}", "expected numbers")
    result = np.empty((len(images), image_shape[0] * image_shape[1]), np.float32)
    for row, image in zip(result, images, strict=True):
        peak = 255 if image.dtype.kind in "ui" else 1
        pixels = np.asarray(image, np.float32) / np.float32(peak)
        if not (pixels.min() >= 0 and pixels.max() <= 1):
            raise _bad(
                path, "holds entries out of range", "expected integers 0 to 255 or numbers 0 to 1"
            )
        row[:] = _fit(pixels, image_shape, ground=0.0).reshape(-1)
    return result


def _read_picture(path: Path, image_shape: tuple[int, int]) -> Pixels:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)  # 89 million pixels
            with Image.open(path) as file:
                pixels = _grey(ImageOps.exif_transpose(file))
    except UnidentifiedImageError as error:
        raise _bad(
            path, "is not a picture", "expected PNG, JPEG or the like, an IDX file or a .npy array"
        ) from error
    except FileNotFoundError as error:
        raise _bad(path, "does not exist") from error
    except Exception as error:  # Pillow's decoders raise all kinds for a damaged file
        raise _bad(path, f"cannot be decoded ({error})") from error
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground = float(np.median(border))
    if ground > 0.5:
        pixels, ground = 1 - pixels, 1 - ground
    return _fit(pixels, image_shape, ground)


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
