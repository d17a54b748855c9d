"""The operations that JAX lacks, of operations that ``jit``, ``grad`` and ``vmap`` know."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array


def prod_others(x: Array) -> Array:
    """For each entry, the product of the others along the last axis; right with zeros, too.

    >>> prod_others(jnp.array([2.0, 0.0, 5.0])).tolist()
    [0.0, 10.0, 0.0]
    """
    one = jnp.ones_like(x[..., :1])
    before = jnp.cumprod(jnp.concatenate((one, x[..., :-1]), axis=-1), axis=-1)
    after = jnp.cumprod(jnp.concatenate((one, x[..., :0:-1]), axis=-1), axis=-1)[..., ::-1]
    return before * after


def on_diagonal(x: Array | float, spec: str, shape: tuple[int, ...], dtype: Any) -> Array:
    """Write ``x`` over the distinct axes of ``spec`` (``aab->ab``) on a diagonal of zeros.

    >>> on_diagonal(jnp.array([1, 2]), "aa->a", (2, 2), int).tolist()
    [[1, 0], [0, 2]]
    """
    labels, kept = spec.split("->")
    index = tuple(
        jnp.arange(n).reshape([-1 if k == label else 1 for k in kept])
        for label, n in zip(labels, shape, strict=True)
    )
    return jnp.zeros(shape, dtype).at[index].set(x)


def scatter(shape: tuple[int, ...], x: Array, *index: Array) -> Array:
    """Add entries at indices that broadcast to ``x``, to zeros.

    >>> scatter((3,), jnp.array([1.0, 2.0, 4.0]), jnp.array([0, 2, 0])).tolist()
    [5.0, 0.0, 2.0]
    """
    return jnp.zeros(shape, x.dtype).at[index].add(x)
