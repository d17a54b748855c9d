"""Convolutions as JAX has them; what a step is told stands in `engine.convolutions`."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array

from eingrad.engine.convolutions import Convolution, Spec, margins


def conv(spec: Spec, x: Array, w: Array) -> Array:
    """Return the output of a convolution.

    >>> spec = ((1, 1, 1, 1), (1,), (1,), (0,), (2,))
    >>> conv(spec, jnp.array([1.0, 2.0, 4.0]), jnp.array([1.0, 10.0])).ravel().tolist()
    [21.0, 42.0]
    """
    own = Convolution.of(spec)
    group, outer, inner, batch = own.channels
    x = x.reshape(batch, group * inner, *_places(own, x))
    w = w.reshape(group * outer, inner, *_places(own, w))
    sides = margins(own, x.shape[2:], own.lengths, w.shape[2:])
    y = _convolved(x, w, own.strides, sides, (), own.dilations, group)
    return y.reshape(batch, group, outer, *own.lengths)


def conv_input(spec: Spec, y: Array, w: Array) -> Array:
    """Return the input of which an output is the adjoint: a transposed convolution.

    >>> spec = ((1, 1, 1, 1), (1,), (1,), (0,), (3,))
    >>> conv_input(spec, jnp.array([1.0, 2.0]), jnp.array([1.0, 10.0])).ravel().tolist()
    [1.0, 12.0, 20.0]
    """
    own = Convolution.of(spec)
    group, outer, inner, batch = own.channels
    y = y.reshape(batch, group * outer, *_places(own, y))
    w = jnp.swapaxes(w.reshape(group, outer, inner, *_places(own, w)), 1, 2)
    w = jnp.flip(w.reshape(group * inner, outer, *w.shape[3:]), range(2, w.ndim - 1))
    reach = [d * (k - 1) for d, k in zip(own.dilations, w.shape[2:], strict=True)]
    sides = margins(own, own.lengths, y.shape[2:], w.shape[2:])
    sides = [(r - before, r - after) for r, (before, after) in zip(reach, sides, strict=True)]
    x = _convolved(y, w, (1,) * len(reach), sides, own.strides, own.dilations, group)
    return x.reshape(batch, group, inner, *own.lengths)


def conv_kernel(spec: Spec, x: Array, y: Array) -> Array:
    """Return the kernel of which an output is the adjoint: a correlation with the input.

    >>> spec = ((1, 1, 1, 1), (1,), (1,), (0,), (2,))
    >>> conv_kernel(spec, jnp.array([1.0, 2.0, 4.0]), jnp.array([1.0, 10.0])).ravel().tolist()
    [21.0, 42.0]
    """
    own = Convolution.of(spec)
    group, outer, inner, batch = own.channels
    x = jnp.swapaxes(x.reshape(batch, group, inner, *_places(own, x)), 0, 2)
    x = x.reshape(inner, group * batch, *x.shape[3:])
    y = jnp.swapaxes(y.reshape(batch, group * outer, *_places(own, y)), 0, 1)
    sides = margins(own, x.shape[2:], y.shape[2:], own.lengths)
    w = _convolved(x, y, own.dilations, sides, (), own.strides, group)
    return jnp.moveaxis(w, 0, 1).reshape(group, outer, inner, *own.lengths)


def _places(own: Convolution, x: Array) -> tuple[int, ...]:
    return tuple(x.shape[x.ndim - len(own.strides) :])


def _convolved(
    x: Array, w: Array, strides: Sequence[int], sides: Sequence[tuple[int, int]],
    inside: Sequence[int], dilations: Sequence[int], groups: int,
) -> Array:  # fmt: skip
    return jax.lax.conv_general_dilated(
        x, w, strides, sides, lhs_dilation=tuple(inside) or None, rhs_dilation=dilations,
        feature_group_count=groups,
    )  # fmt: skip


__all__ = ["conv", "conv_input", "conv_kernel"]
