"""Texts of a standalone module that convolves: the three products, by what each target has."""

from __future__ import annotations

_CONV = '''
    """Return ``y[i]``, the sum of ``x[stride i + dilation k + start] w[k]``.

    ``x`` has axes of examples and channels first, ``w`` of outer and inner channels; for each
    axis after these, ``places`` has (stride, dilation, start, length of the result).
    """
    strides, dilations, _, lengths = zip(*places, strict=True)
    sides = margins(places, x.shape[2:], lengths, w.shape[2:])
'''
_INPUT = '''
    """Return ``x[n]``, the sum of ``y[i] w[k]`` over n = stride i + dilation k + start."""
    strides, dilations, _, lengths = zip(*places, strict=True)
    sides = margins(places, lengths, y.shape[2:], w.shape[2:])
'''
_KERNEL = '''
    """Return ``w[k]``, the sum of ``x[stride i + dilation k + start] y[i]``."""
    strides, dilations, _, lengths = zip(*places, strict=True)
    sides = margins(places, x.shape[2:], y.shape[2:], lengths)
'''
_MARGINS = '''
def margins(
    places: Any, inputs: Any, outputs: Any, kernel: Any
) -> list[tuple[int, int]]:
    """Return how far beyond each axis of ``x`` it is read: before its entries, behind them."""
    rows = zip(places, inputs, outputs, kernel, strict=True)
    return [
        (-c, c + s * (i - 1) + d * (k - 1) - (n - 1)) for (s, d, c, _), n, i, k in rows
    ]
'''
TORCH = {
    "margins": _MARGINS,
    "fits": '''
def fits(sides: list[tuple[int, int]], strides: tuple[int, ...]) -> bool:
    """Whether as much is added on either side, as PyTorch does, up to a stride."""
    rows = zip(sides, strides, strict=True)
    return all(a >= 0 and 0 <= a - b < stride for (a, b), stride in rows)
''',
    "widened": '''
def widened(x: Tensor, sides: list[tuple[int, int]]) -> Tensor:
    """Return ``x`` with so many zeros around its last axes; of less than none, so many off."""
    x = torch.nn.functional.pad(x, [max(0, n) for side in sides[::-1] for n in side])
    for axis, (before, after) in enumerate(sides, 2):
        start = max(0, -before)
        x = x.narrow(axis, start, x.shape[axis] - start - max(0, -after))
    return x
''',
    "conv": f"""
def conv(x: Tensor, w: Tensor, *places: Any, groups: int = 1) -> Tensor:{_CONV.rstrip()}
    padding = [0] * len(sides)
    if fits(sides, strides):
        padding = [before for before, _ in sides]
    else:
        x = widened(x, sides)
    f = torch.nn.functional
    way = (f.conv1d, f.conv2d, f.conv3d)[len(places) - 1]
    return way(x, w, None, strides, padding, dilations, groups)
""",
    "conv_input": f"""
def conv_input(y: Tensor, w: Tensor, *places: Any, groups: int = 1) -> Tensor:{_INPUT.rstrip()}
    f = torch.nn.functional
    way = (f.conv_transpose1d, f.conv_transpose2d, f.conv_transpose3d)[len(places) - 1]
    if fits(sides, strides):
        padding = [before for before, _ in sides]
        more = [before - after for before, after in sides]
        return way(y, w, None, strides, padding, more, groups, dilations)
    x = way(y, w, None, strides, 0, 0, groups, dilations)
    return widened(x, [(-before, -after) for before, after in sides])
""",
    "conv_kernel": f"""
def conv_kernel(x: Tensor, y: Tensor, *places: Any, groups: int = 1) -> Tensor:{_KERNEL.rstrip()}
    padding = [0] * len(sides)
    if fits(sides, strides):
        padding = [before for before, _ in sides]
    else:
        x = widened(x, sides)
    shape = (y.shape[1], x.shape[1] // groups, *lengths)
    g = torch.nn.grad
    way = (g.conv1d_weight, g.conv2d_weight, g.conv3d_weight)[len(places) - 1]
    return way(x, shape, y, strides, padding, dilations, groups)
""",
}
JAX = {
    "margins": _MARGINS,
    "conv": f"""
def conv(x: Array, w: Array, *places: Any, groups: int = 1) -> Array:{_CONV.rstrip()}
    return convolved(x, w, strides, sides, groups, rhs_dilation=dilations)
""",
    "conv_input": f"""
def conv_input(y: Array, w: Array, *places: Any, groups: int = 1) -> Array:{_INPUT.rstrip()}
    outer, inner, *kernel = w.shape
    w = w.reshape(groups, outer // groups, inner, *kernel).swapaxes(1, 2)
    w = jnp.flip(w.reshape(groups * inner, outer // groups, *kernel), range(2, y.ndim))
    reach = [d * (k - 1) for d, k in zip(dilations, kernel, strict=True)]
    sides = [(r - a, r - b) for r, (a, b) in zip(reach, sides, strict=True)]
    apart = {{"lhs_dilation": strides, "rhs_dilation": dilations}}
    return convolved(y, w, (1,) * len(reach), sides, groups, **apart)
""",
    "conv_kernel": f"""
def conv_kernel(x: Array, y: Array, *places: Any, groups: int = 1) -> Array:{_KERNEL.rstrip()}
    examples, channels, *inputs = x.shape
    x = x.reshape(examples, groups, channels // groups, *inputs).swapaxes(0, 2)
    x = x.reshape(channels // groups, groups * examples, *inputs)
    w = convolved(x, y.swapaxes(0, 1), dilations, sides, groups, rhs_dilation=strides)
    return w.swapaxes(0, 1)
""",
    "convolved": '''
def convolved(
    x: Array, w: Array, strides: Any, sides: Any, groups: int, **apart: Any
) -> Array:
    """Return JAX's convolution of arrays of any type, in so many groups."""
    x, w = (a.astype(jnp.result_type(x, w)) for a in (x, w))
    return jax.lax.conv_general_dilated(
        x, w, strides, sides, feature_group_count=groups, **apart
    )
''',
}
