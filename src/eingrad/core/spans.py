"""Extents that follow from others: of i in ``x[i+k] w_k``, size(n) - size(k) + 1.

Such a dimension is a string as any other, its own formula, so that two labels that go equally far
have one dimension. What the formula says is remembered here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from eingrad.core.expr import Dim
from eingrad.errors import ShapeError


@dataclass(frozen=True, slots=True)
class DerivedExtent:
    """``(sum of terms + constant) // divisor + more``."""

    terms: tuple[tuple[int, Dim], ...]
    constant: int
    divisor: int = 1
    more: int = 0


_spans: dict[str, DerivedExtent] = {}


def span(terms: Iterable[tuple[int, Dim]], constant: int, divisor: int = 1, more: int = 0) -> Dim:
    """Return the dimension of an extent, a number if those in it are.

    >>> span([(1, "n"), (-1, "k")], 1), span([(1, 9), (-1, 3)], 0, 2, 1)
    ('n-k+1', 4)
    """
    total: dict[str, int] = {}
    for n, dim in terms:
        own = _spans.get(dim) if isinstance(dim, str) else None
        if isinstance(dim, int):
            constant += n * dim
        elif own is not None and own.divisor == 1:
            constant += n * (own.constant + own.more)
            for m, other in own.terms:
                total[str(other)] = total.get(str(other), 0) + n * m
        else:
            total[dim] = total.get(dim, 0) + n
    if divisor == 1:
        constant, more = constant + more, 0
    parts = [(n, dim) for dim, n in total.items() if n]
    kept = tuple(sorted(parts, key=lambda part: (part[0] < 0, part[1])))
    if not kept:
        return constant // divisor + more
    if kept[0][0] == len(kept) == divisor == 1 and not constant:
        return kept[0][1]
    text = "".join(f"{'-' if n < 0 else '+'}{abs(n) if abs(n) > 1 else ''}{_inner(dim)}"
                   for n, dim in kept).removeprefix("+")  # fmt: skip
    text += f"{constant:+}" if constant else ""
    text = text if divisor == 1 else f"({text})//{divisor}" + (f"{more:+}" if more else "")
    _spans[text] = DerivedExtent(kept, constant, divisor, more)
    return text


def _inner(dim: Dim) -> str:
    return f"({dim})" if isinstance(dim, str) and dim in _spans else str(dim)


def span_of(dim: Dim) -> DerivedExtent | None:
    """Return what a dimension follows from; None of one that stands for itself."""
    return _spans.get(dim) if isinstance(dim, str) else None


def within(dims: Iterable[Dim]) -> list[str]:
    """Return the named dimensions that stand for themselves in dimensions."""
    found: dict[str, None] = {}
    stack = [d for d in dims if isinstance(d, str)][::-1]
    while stack:
        dim = stack.pop()
        own = _spans.get(dim)
        if own is None:
            found[dim] = None
        else:
            stack += [d for _, d in own.terms if isinstance(d, str)]
    return list(found)


def spoken(dim: Dim) -> str:
    """Return a dimension as a formula of sizes.

    >>> spoken(span([(1, "n"), (-1, "k")], 1))
    'size(n) - size(k) + 1'
    """
    signed = re.sub(r"(?<=[\w)])([+-])", r" \1 ", str(dim))
    return re.sub(r"[^\W\d]\w*", r"size(\g<0>)", signed)


def length(dim: Dim, sizes: Mapping[Any, int]) -> int | None:
    """Return the extent of a dimension, None where a size is missing."""
    if isinstance(dim, int):
        return dim
    known = sizes.get(dim)
    own = _spans.get(dim)
    if known is not None or own is None:
        return known
    total = own.constant
    for n, other in own.terms:
        one = length(other, sizes)
        if one is None:
            return None
        total += n * one
    return total // own.divisor + own.more


def add_spans(sizes: dict[str, int], dims: Iterable[Dim]) -> None:
    """Add the extents that follow from others; raise ShapeError where one would have no entry.

    >>> sizes = {"n": 5, "k": 2}
    >>> add_spans(sizes, [span([(1, "n"), (-1, "k")], 1)])
    >>> sizes
    {'n': 5, 'k': 2, 'n-k+1': 4}
    """
    for dim in dims:
        own = _spans.get(dim) if isinstance(dim, str) else None
        if own is None:
            continue
        found = length(dim, {x: n for x, n in sizes.items() if x != dim})
        given = sizes.get(str(dim))
        known = ", ".join(f"size({d}) = {sizes[d]}" for d in within([dim]) if d in sizes)
        if found is not None and given is not None and found != given:
            raise ShapeError(
                f"{dim} is {found}, where {known}: so far every entry exists that is read; an array"
                f" has {given} entries there",
                label=str(dim),
                hint="pass an array as long as that, or state the range: assume size(i) = size(n); "
                "what lies outside is then 0",
            )
        if found is not None and found < 1:
            raise ShapeError(
                f"{dim} is {found}, where {known}: at no position every entry exists",
                label=str(dim),
                hint="pass a longer array, or state the range: assume size(i) = size(n)",
            )
        if found is not None:
            sizes[str(dim)] = found


def with_derived(
    sizes: dict[Dim, int], least: Mapping[Dim, int] = MappingProxyType({})
) -> dict[Dim, int]:
    """Return sizes of which those that follow from others do so, each of ``least`` or 1 at least.

    >>> with_derived({"n": 2, "k": 3, span([(1, "n"), (-1, "k")], 1): 7})
    {'n': 3, 'k': 3, 'n-k+1': 1}
    """
    derived = [dim for dim in sizes if span_of(dim) is not None]
    sizes = {dim: n for dim, n in sizes.items() if dim not in derived}
    for _ in range(64):
        found = {dim: length(dim, sizes) for dim in derived}
        short = [dim for dim, n in found.items() if n is not None and n < least.get(dim, 1)]
        if not short:
            break
        for dim in _gains(short[0]):
            sizes[dim] = sizes.get(dim, 1) + 1
    return sizes | {dim: n for dim, n in found.items() if n is not None}


def _gains(dim: Dim) -> list[Dim]:
    """Return the dimensions that make one longer when they are."""
    own = span_of(dim)
    if own is None:
        return [dim]
    return [x for n, other in own.terms if n > 0 for x in _gains(other)]


__all__ = ["DerivedExtent", "add_spans", "length", "span", "span_of", "with_derived", "within"]
