"""The operations that JAX lacks, of operations that ``jit``, ``grad`` and ``vmap`` know."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from eingrad.engine.window_steps import WindowSpec, combination, padding


def prod_others(x: Array) -> Array:
    """For each entry, the product of the others along the last axis; right with zeros, too.

    >>> prod_others(jnp.array([2.0, 0.0, 5.0])).tolist()
    [0.0, 10.0, 0.0]
    """
    one = jnp.ones_like(x[..., :1])
    before = jnp.cumprod(jnp.concatenate((one, x[..., :-1]), axis=-1), axis=-1)
    after = jnp.cumprod(jnp.concatenate((one, x[..., :0:-1]), axis=-1), axis=-1)[..., ::-1]
    return before * after


def adjugate(x: Array) -> Array:
    """Return det(x) inv(x) of the matrices in the last two axes, of singular ones too.

    >>> adjugate(jnp.array([[2.0, 1.0], [0.0, 4.0]])).round(4).tolist()
    [[4.0, -1.0], [0.0, 2.0]]
    """
    det = jnp.linalg.det(x)
    bound = jnp.prod(jnp.linalg.norm(x, axis=-1), axis=-1)
    regular = (jnp.abs(det) > float(np.finfo(x.dtype).eps) ** 0.5 * bound)[..., None, None]
    inverse = jnp.linalg.inv(jnp.where(regular, x, jnp.eye(x.shape[-1], dtype=x.dtype)))
    cofactors = _cofactors(jax.lax.stop_gradient(x))
    return jnp.where(regular, det[..., None, None] * inverse, cofactors)


def _cofactors(x: Array) -> Array:
    u, s, v = jnp.linalg.svd(x)
    own = jnp.eye(x.shape[-1], dtype=bool)
    others = jnp.prod(jnp.where(own, 1, s[..., None, :]), axis=-1)
    sign = jnp.linalg.det(u) * jnp.linalg.det(v)
    result: Array = sign[..., None, None] * (v.mT.conj() @ (others[..., :, None] * u.mT.conj()))
    return result


def on_diagonal(x: Array | float, spec: str, shape: tuple[int, ...], dtype: Any) -> Array:
    """Write ``x`` over the distinct axes of ``spec`` (``aab->ab``) on a diagonal of zeros.

    >>> on_diagonal(jnp.array([1, 2]), "aa->a", (2, 2), int).tolist()
    [[1, 0], [0, 2]]
    """
    labels, kept = spec.split("->")
    first = [labels.index(k) for k in kept]
    others = [k for k in range(len(shape)) if k not in first]
    entries = jnp.asarray(x, dtype)
    entries = jnp.expand_dims(jnp.broadcast_to(entries, [shape[k] for k in first]), others)
    place = [jax.lax.broadcasted_iota(jnp.int32, shape, k) for k in range(len(shape))]
    here = [place[k] == place[labels.index(labels[k])] for k in others]
    return jnp.where(functools.reduce(jnp.logical_and, here), entries, jnp.zeros(shape, dtype))


Axes = tuple[int | None, ...]


def gather(axes: Axes, shape: tuple[int, ...], x: Array, *index: Array) -> Array:
    """Return entries of ``x`` at integers, which broadcast to ``shape``.

    Axis k of ``x`` is read whole where ``axes[k]`` says which axis of the result it becomes; where
    that is None the next index says what is read. What is read whole is mapped over, so that XLA
    sees that it may be split over devices.

    >>> gather((0, None), (2,), jnp.arange(6).reshape(2, 3), jnp.array([2, 0])).tolist()
    [2, 3]
    """

    def entries(x: Array, *index: Array) -> Array:
        return x.at[index].get(mode="fill")

    full = _full_rank(index, len(shape))
    for inner, outer, mapped in _whole_axes(axes, full):
        entries = _over_axis(entries, (inner,), outer, mapped, out=outer)
    return entries(x, *full)


def scatter(axes: Axes, shape: tuple[int, ...], x: Array, *index: Array) -> Array:
    """Add entries at integers to zeros: `gather` the other way round.

    >>> scatter((None,), (3,), jnp.array([1.0, 2.0, 4.0]), jnp.array([0, 2, 0])).tolist()
    [5.0, 0.0, 2.0]
    """
    return add_at(1, axes, jnp.zeros(shape, x.dtype), x, *index)


def add_at(factor: float, axes: Axes, whole: Array, x: Array, *index: Array) -> Array:
    """Add multiples of entries at integers.

    >>> add_at(-1, (None,), jnp.ones(3), jnp.array([1.0, 2.0]), jnp.array([0, 2])).tolist()
    [0.0, 1.0, -1.0]
    """

    def add(x: Array, whole: Array, *index: Array) -> Array:
        return whole.at[index].add(x if factor == 1 else factor * x)

    full = _full_rank(index, x.ndim)
    for inner, outer, mapped in _whole_axes(axes, full):
        add = _over_axis(add, (outer, inner), outer, mapped, out=inner)
    return add(x, whole, *full)


def _full_rank(index: Sequence[Array], ndim: int) -> list[Array]:
    """Give indices an axis for each of those over which they broadcast."""
    return [i.reshape((1,) * (ndim - i.ndim) + i.shape) for i in index]


def _whole_axes(axes: Axes, index: Sequence[Array]) -> Iterator[tuple[int, int, tuple[bool, ...]]]:
    """Yield the axes that are mapped over, innermost first.

    Each comes as its place among the axes of the tensor that the outer maps leave, its place in
    the result (the outer ones are later, so it is what it was), and which indices have it.
    """
    whole = sorted((outer, k) for k, outer in enumerate(axes) if outer is not None)
    for n, (outer, k) in enumerate(whole):
        removed = [other for _, other in whole[n + 1 :]]
        inner = k - sum(other < k for other in removed)
        yield inner, outer, tuple(i.shape[outer] > 1 for i in index)


def _over_axis(
    function: Callable[..., Array],
    axes: tuple[int, ...],
    outer: int,
    mapped: tuple[bool, ...],
    out: int,
) -> Callable[..., Array]:
    """Map over an axis of each tensor, and of the indices that have it."""

    def one(*arrays: Array) -> Array:
        index = zip(arrays[len(axes) :], mapped, strict=True)
        own = (i if has else i.squeeze(outer) for i, has in index)
        return function(*arrays[: len(axes)], *own)

    places = (*axes, *(outer if has else None for has in mapped))
    return jax.vmap(one, in_axes=places, out_axes=out)


def window(spec: WindowSpec, x: Array) -> Array:
    """Return entries at combinations of new labels; see `engine.window_steps`.

    >>> window((((0, (3, 2), (1, 1), 0, 1),), (0, 1)), jnp.array([1.0, 2.0, 3.0])).tolist()
    [[1.0, 2.0], [2.0, 3.0], [3.0, 0.0]]
    """
    reaches, order = spec
    read = [reach[0] for reach in reaches]
    first = x.ndim - len(read)
    x = jnp.moveaxis(x, read, range(first, x.ndim))
    for axis, lengths, weights, constant, step in reaches:
        before, after, _ = padding((axis, lengths, weights, constant, step), x.shape[first])
        pads = [(0, 0, 0)] * x.ndim
        pads[first] = (before, after, step - 1)
        wide = jax.lax.pad(x, jnp.zeros((), x.dtype), pads)
        found = jnp.take(wide, combination(lengths, weights, constant + before), axis=first)
        new = range(first, first + len(lengths))
        x = jnp.moveaxis(found, new, range(found.ndim - len(lengths), found.ndim))
    return jnp.transpose(x, order)


def moved(move: tuple[int, int], x: Array, outside: Array | None = None) -> Array:
    """Return the entries that stand so many positions after along an axis.

    >>> moved((0, 1), jnp.array([1.0, 2.0, 3.0])).tolist()
    [2.0, 3.0, 0.0]
    """
    axis, by = move
    count = min(abs(by), x.shape[axis])
    shape = [count if k == axis else n for k, n in enumerate(x.shape)]
    before = jnp.zeros((), x.dtype) if outside is None else jnp.expand_dims(outside, axis)
    fill = jnp.broadcast_to(before, shape)
    size = x.shape[axis]
    start, end = (count, size) if by > 0 else (0, size - count)
    kept = jax.lax.slice_in_dim(x, start, end, axis=axis)
    return jnp.concatenate((kept, fill) if by > 0 else (fill, kept), axis)
