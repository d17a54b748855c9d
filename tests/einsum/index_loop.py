"""The second oracle: einsum and its gradients as loops over every index, written from the rules.

It knows nothing of eingrad's parser: it takes the terms that a test has drawn or written down.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Term = Sequence[str]  # labels; "..." once at most


def named_axes(term: Term, rank: int) -> list[str]:
    """Name the axes of an ellipsis ``.1`` (the last), ``.2``, ..."""
    names: list[str] = []
    for label in term:
        names += [f".{k}" for k in range(rank, 0, -1)] if label == "..." else [label]
    return names


def axes_of(terms: Sequence[Term], shapes: Sequence[tuple[int, ...]]) -> list[list[str]]:
    """Name every axis of every operand."""
    return [
        named_axes(term, len(shape) - sum(label != "..." for label in term))
        for term, shape in zip(terms, shapes, strict=True)
    ]


def output_axes(terms: Sequence[Term], axes: Sequence[Sequence[str]], output: Term | None):
    """Name the axes of the result."""
    rank = max([0, *(sum(name[0] == "." for name in names) for names in axes)])
    if output is None:
        every = [label for term in terms for label in term if label != "..."]
        once = sorted(label for label in every if every.count(label) == 1)
        output = [*(["..."] if any("..." in term for term in terms) else []), *once]
    return named_axes(output, rank)


def sizes_of(axes: Sequence[Sequence[str]], shapes: Sequence[tuple[int, ...]]) -> dict[str, int]:
    """Return the size of every name: the one that is not 1."""
    sizes: dict[str, int] = {}
    for names, shape in zip(axes, shapes, strict=True):
        for name, n in zip(names, shape, strict=True):
            if sizes.get(name, 1) == 1:
                sizes[name] = n
    return sizes


def places(
    axes: Sequence[Sequence[str]], shapes: Sequence[tuple[int, ...]], out: Sequence[str]
) -> Iterator[tuple[list[tuple[int, ...]], tuple[int, ...]]]:
    """Yield, for every assignment of the indices, the place in each operand and in the result."""
    sizes = sizes_of(axes, shapes)
    for values in itertools.product(*map(range, sizes.values())):
        at = dict(zip(sizes, values, strict=True))
        yield (
            [
                tuple(at[name] if n != 1 else 0 for name, n in zip(names, shape, strict=True))
                for names, shape in zip(axes, shapes, strict=True)
            ],
            tuple(at[name] for name in out),
        )


def einsum_loop(terms: Sequence[Term], output: Term | None, arrays: Sequence[Array]) -> Array:
    """Return the product, entry by entry."""
    shapes = [x.shape for x in arrays]
    axes = axes_of(terms, shapes)
    out = output_axes(terms, axes, output)
    sizes = sizes_of(axes, shapes)
    result = np.zeros([sizes[name] for name in out], np.result_type(*arrays, np.float64))
    for inner, outer in places(axes, shapes, out):
        result[outer] += math.prod(x[k] for x, k in zip(arrays, inner, strict=True))
    return result


def gradient_loop(
    terms: Sequence[Term], output: Term | None, arrays: Sequence[Array], cotangent: Array
) -> list[Array]:
    """Return the gradient of ``sum(cotangent * result)`` by every operand."""
    shapes = [x.shape for x in arrays]
    axes = axes_of(terms, shapes)
    out = output_axes(terms, axes, output)
    result = [np.zeros(shape) for shape in shapes]
    for inner, outer in places(axes, shapes, out):
        for k, place in enumerate(inner):
            others = (x[j] for x, j in zip(arrays[:k], inner[:k], strict=True))
            more = (x[j] for x, j in zip(arrays[k + 1 :], inner[k + 1 :], strict=True))
            result[k][place] += cotangent[outer] * math.prod(others) * math.prod(more)
    return result
