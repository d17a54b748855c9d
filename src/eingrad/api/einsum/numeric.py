"""What counts as an array of numbers: what every function takes beside Tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from eingrad.errors import EingradError

Array = np.ndarray[Any, Any]


def is_inexact(dtype: np.dtype[Any]) -> bool:
    """Whether numbers of a dtype can be differentiated by."""
    return dtype.kind in "fc" or dtype.name == "bfloat16"


def numeric(x: Any, name: str = "") -> Array:
    """Return an array, number or nested list as an array in this machine's byte order.

    >>> numeric([[1, 2], [3, 4]]).shape
    (2, 2)

    ``name`` says in errors which it is. Raises EingradError for what is no array of numbers, and
    for an array with a mask, which none of eingrad's functions would heed.
    """
    if type(x) is not np.ndarray and isinstance(x, np.ma.MaskedArray):
        raise EingradError(
            f"{name or 'an array'} has a mask, which would be lost",
            hint="fill it first, as in x.filled(0), or use eg.where with the mask",
        )
    try:
        array = np.asarray(x)
    except (ValueError, TypeError) as error:
        raise EingradError(f"{name or 'this'} is not an array of numbers: {error}") from None
    dtype = array.dtype
    if dtype.kind not in "biufc" and dtype.name != "bfloat16":
        raise EingradError(
            f"{name} has dtype {dtype}: not numbers"
            if name
            else f"an array of dtype {dtype} does not hold numbers",
            hint="convert it to float64, float32 or an integer dtype first",
        )
    return array if dtype.isnative else array.astype(dtype.newbyteorder("="))
