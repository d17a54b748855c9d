"""Texts of a standalone module that reads at offsets: windows, and what selects, per target."""

from __future__ import annotations

_AROUND = """
    shape, inner, start = list(x.shape), [slice(None)] * x.ndim, [0] * x.ndim
    for axis, lengths, weights, constant, step in reads:
        ends = [w * (n - 1) for n, w in zip(lengths, weights, strict=True)]
        last = step * (x.shape[axis] - 1)
        before = max(0, -constant - sum(min(0, end) for end in ends))
        after = max(0, constant + sum(max(0, end) for end in ends) - last)
        shape[axis] = before + last + 1 + after
        inner[axis] = slice(before, before + last + 1, step)
        start[axis] = before + constant
    kept = [k for k in range(x.ndim) if k not in [axis for axis, *_ in reads]]
    lengths = [x.shape[k] for k in kept] + [n for _, own, *_ in reads for n in own]
"""
_SAYS = '''
    """Return ``x`` with axes read at combinations of new labels, 0 where there is no entry.

    Of each its number, the lengths and weights of the labels, a constant, and a step.
    """
'''
NUMPY = {
    "windows": f"""
def windows(x: Array, *reads: Any) -> Array:{_SAYS.rstrip()}{_AROUND.rstrip()}
    wide = np.zeros(shape, x.dtype)
    wide[tuple(inner)] = x
    steps = [wide.strides[k] for k in kept]
    steps += [w * wide.strides[axis] for axis, _, own, *_ in reads for w in own]
    begun = wide[tuple(slice(k, None) for k in start)]
    return np.lib.stride_tricks.as_strided(begun, lengths, steps, writeable=False)
""",
    "selector": '''
def selector(
    lengths: tuple[int, ...], weights: tuple[int, ...], constant: int, like: Array
) -> Array:
    """Return 1 where the sum of weights times places, and a constant, is 0; else 0."""
    moved = [w * k for w, k in zip(weights, np.indices(lengths), strict=True)]
    return (sum(moved) + constant == 0).astype(like.dtype)
''',
}
TORCH = {
    "windows": f"""
def windows(x: Tensor, *reads: Any) -> Tensor:{_SAYS.rstrip()}{_AROUND.rstrip()}
    wide = x.new_zeros(shape)
    wide[tuple(inner)] = x
    strides = wide.stride()
    begin = sum(k * n for k, n in zip(start, strides, strict=True))
    steps, turned = [strides[k] for k in kept], []
    for axis, own, weights, *_ in reads:
        for n, w in zip(own, weights, strict=True):
            if w < 0:
                turned.append(len(steps))
                begin += w * (n - 1) * strides[axis]
            steps.append(abs(w) * strides[axis])
    return wide.as_strided(lengths, steps, begin).flip(turned)
""",
    "selector": '''
def selector(
    lengths: tuple[int, ...], weights: tuple[int, ...], constant: int, like: Tensor
) -> Tensor:
    """Return 1 where the sum of weights times places, and a constant, is 0; else 0."""
    axes = [torch.arange(n, device=like.device) for n in lengths]
    moved = zip(weights, torch.meshgrid(*axes, indexing="ij"), strict=True)
    return (sum(w * k for w, k in moved) + constant == 0).to(like.dtype)
''',
}
JAX = {
    "windows": f"""
def windows(x: Array, *reads: Any) -> Array:{_SAYS.rstrip()}
    first = x.ndim - len(reads)
    x = jnp.moveaxis(x, [axis for axis, *_ in reads], range(first, x.ndim))
    for _, lengths, weights, constant, step in reads:
        grid = zip(weights, np.indices(lengths), strict=True)
        places = np.asarray(constant + sum(w * k for w, k in grid))
        there = (places % step == 0) & (places >= 0) & (places < step * x.shape[first])
        x = jnp.take(x, np.where(there, places // step, 0), axis=first)
        after = x.ndim - first - len(lengths)
        x = jnp.where(there.reshape((*lengths, *(1,) * after)), x, 0)
        x = jnp.moveaxis(x, range(first, first + len(lengths)), range(-len(lengths), 0))
    return x
""",
    "selector": NUMPY["selector"].replace(
        "(sum(moved) + constant == 0).astype(like.dtype)",
        "jnp.asarray(sum(moved) + constant == 0, like.dtype)",
    ),
}
