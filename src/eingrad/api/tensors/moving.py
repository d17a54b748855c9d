"""NumPy's functions that only move entries: ``np.roll``, ``np.tile``, ``np.block``, ``np.pad`` ...

NumPy itself carries each out on the *numbers* of the entries, and a gather does the rest; so there
is one rule for all of them, and it has their every option.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from eingrad.api.tensors.broadcast import normal_axis
from eingrad.api.tensors.dispatch import operate
from eingrad.api.tensors.shaping import concatenate, ravel
from eingrad.api.tensors.tensor import Tensor, as_tensor, is_symbolic, wrap
from eingrad.core.algebra import reduce as reduce_expr
from eingrad.core.expr import Expr

Function = Callable[..., Any]


def plain(values: Any, name: str) -> Any:
    """Replace Tensors by their arrays in arguments."""
    if isinstance(values, Tensor):
        return values.decided()._concrete(name)
    if isinstance(values, Mapping):
        return {k: plain(v, name) for k, v in values.items()}
    if isinstance(values, list | tuple):
        return type(values)(plain(v, name) for v in values)
    return values


def moved(
    function: Function, *names: str, places: Sequence[int] = (0,), cast: bool = False
) -> Function:
    """Return a function of NumPy's for Tensors, if all that it does is to move entries.

    What it moves are the arguments at ``places``, which have these ``names``; without names, all
    positional ones. Where it fills in zeros, there is a 0. With ``cast`` they all have the dtype of
    the first.

    >>> from eingrad.api.tensors.tensor import tensor
    >>> moved(np.roll, "a")(tensor([1.0, 2.0, 3.0]), 1)
    Tensor([3., 1., 2.])
    """

    def move(*args: Any, **kwargs: Any) -> Any:
        entries = _Entries(cast)
        if kwargs.pop("out", None) is not None:
            raise TypeError("out= with a Tensor is not supported")
        numbered = {k for k in range(len(args)) if not names or k in places}
        label = f"numpy.{function.__name__}"
        positional = [
            entries.number(x) if k in numbered else plain(x, label) for k, x in enumerate(args)
        ]
        named = {
            key: entries.number(x) if key in names else plain(x, label) for key, x in kwargs.items()
        }
        return entries.at(function(*positional, **named))

    return move


class _Entries:
    """The entries of several operands, numbered from 1; the number 0 is that of a zero."""

    def __init__(self, cast: bool) -> None:
        self.cast = cast
        self.parts: list[Any] = [np.zeros(1, bool)]
        self.count = 1

    def number(self, x: Any) -> Any:
        """Return an array of numbers in the place of each operand of a nested list."""
        if isinstance(x, list | tuple) and _nests_tensors(x):
            return type(x)(self.number(y) for y in x)
        t = as_tensor(x)
        if self.cast and self.count > 1:
            t = t.astype(self.parts[1].dtype)
        first = self.count
        self.parts.append(ravel(t))
        self.count += t.size
        return np.arange(first, self.count).reshape(t.shape)

    def at(self, numbers: Any) -> Any:
        """Return the entries at numbers, nested as these are."""
        if isinstance(numbers, list | tuple):
            flat = [self.at(x) for x in numbers]
            return flat if isinstance(numbers, list) else tuple(flat)
        return concatenate(self.parts)[np.asarray(numbers, np.intp)]


def _nests_tensors(x: Any) -> bool:
    if isinstance(x, list | tuple):
        return any(map(_nests_tensors, x))
    return isinstance(x, Tensor | np.ndarray)


def pad(x: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    """Return ``np.pad``, for the modes that repeat entries or constants."""
    if mode not in PAD_MODES:
        raise TypeError(f"numpy.pad with mode={mode!r} of a Tensor is not supported")
    if options.get("reflect_type", "even") != "even":
        raise TypeError("numpy.pad with reflect_type='odd' of a Tensor is not supported")
    run = moved(np.pad, "array", "constant_values", cast=True)
    return run(x, pad_width, mode, **options)


PAD_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


def sort(x: Any, axis: int | None = -1, **options: Any) -> Any:
    """Return the entries in ascending order along an axis (None: flattened)."""
    t = as_tensor(x)
    if axis is None:
        t, axis = ravel(t), -1
    if is_symbolic(t):
        return _sorted(t, axis, options)
    order = np.argsort(t._concrete("numpy.sort"), axis, **options)
    return moved(np.take_along_axis, "arr")(t, order, axis)


def argsort(x: Any, axis: int | None = -1, **options: Any) -> Any:
    """Return the places of the entries in ascending order along an axis."""
    t = as_tensor(x).decided()
    if axis is None:
        t, axis = ravel(t), -1
    if is_symbolic(t):
        return _order(t, axis, options)
    return wrap(np.argsort(t._value, axis, **options))


def _order(t: Tensor, axis: int, options: Mapping[str, Any]) -> Tensor:
    if options.get("order") is not None:
        raise TypeError("unexpected argument order")
    k = normal_axis("argsort", axis, t.ndim)
    return operate("argsort", _order_template, [t], k, result=np.dtype(np.intp))


def _order_template(x: Expr, axis: int) -> Expr:
    return reduce_expr("argsort", x, [axis])


def _sorted(t: Tensor, axis: int, options: Mapping[str, Any]) -> Any:
    """Read a traced tensor in its order, which is not known yet."""
    order, k = _order(t, axis, options), normal_axis("sort", axis, t.ndim)
    places: list[Any] = [
        np.arange(n).reshape([n if j == axis_ else 1 for j in range(t.ndim)])
        for axis_, n in enumerate(t.shape)
    ]
    places[k] = order
    return t[tuple(places)]


def unique(x: Any, **options: Any) -> Any:
    """Return the different entries in ascending order."""
    values = plain(as_tensor(x), "numpy.unique")
    asked = [k for k in ("return_index", "return_inverse", "return_counts") if options.get(k)]
    options["return_index"] = True
    _, index, *rest = np.unique(values, **options)
    axis = options.get("axis")
    found = moved(np.take, "a")(x, index, axis)
    others = ([index] if "return_index" in asked else []) + rest
    return (found, *others) if others else found


# fmt: off
MOVED: dict[Any, Function] = {
    **{f: moved(f, "a") for f in (np.take, np.repeat, np.rot90, np.roll, np.rollaxis)},
    **{f: moved(f, "m") for f in (np.fliplr, np.flipud)},
    **{f: moved(f, "ary") for f in (np.array_split, np.hsplit, np.vsplit, np.dsplit)},
    **{f: moved(f, "tup") for f in (np.vstack, np.hstack, np.dstack, np.column_stack)},
    **{f: moved(f) for f in (np.atleast_1d, np.atleast_2d, np.atleast_3d, np.broadcast_arrays,
                             np.meshgrid)},
    np.take_along_axis: moved(np.take_along_axis, "arr"),
    np.tile: moved(np.tile, "A"),
    np.diagflat: moved(np.diagflat, "v"),
    np.resize: moved(np.resize, "a"),
    np.compress: moved(np.compress, "a", places=(1,)),
    np.extract: moved(np.extract, "arr", places=(1,)),
    np.delete: moved(np.delete, "arr"),
    np.append: moved(np.append, "arr", "values", places=(0, 1)),
    np.insert: moved(np.insert, "arr", "values", places=(0, 2), cast=True),
    np.block: moved(np.block, "arrays"),
    np.choose: moved(np.choose, "choices", places=(1,)),
    np.pad: pad,
    np.sort: sort,
    np.argsort: argsort,
    np.unique: unique,
}
# fmt: on
