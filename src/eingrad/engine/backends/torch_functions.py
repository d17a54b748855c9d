"""The operations that PyTorch lacks, of operations that autograd and ``torch.compile`` know."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from eingrad.engine.window_steps import BandSpec, WindowSpec, band_values, padding


def prod(x: Tensor, axes: int | tuple[int, ...], keep: bool) -> Tensor:
    """Return the product over axes.

    >>> prod(torch.tensor([[2.0, 3.0], [1.0, 5.0]]), (0, 1), False)
    tensor(30.)
    """
    for axis in sorted((axes,) if isinstance(axes, int) else axes, reverse=True):
        x = torch.prod(x, dim=axis, keepdim=keep)
    return x


def prod_others(x: Tensor) -> Tensor:
    """For each entry, the product of the others along the last axis; right with zeros, too.

    >>> prod_others(torch.tensor([2.0, 0.0, 5.0]))
    tensor([ 0., 10.,  0.])
    """
    one = torch.ones_like(x[..., :1])
    before = torch.cumprod(torch.cat((one, x[..., :-1]), dim=-1), dim=-1)
    after = torch.cumprod(torch.cat((one, x.flip(-1)[..., :-1]), dim=-1), dim=-1).flip(-1)
    return before * after


def on_diagonal(
    x: Tensor | float, spec: str, shape: tuple[int, ...], dtype: Any, device: Any = None
) -> Tensor:
    """Write ``x`` over the distinct axes of ``spec`` (``aab->ab``) on a diagonal of zeros.

    >>> on_diagonal(torch.tensor([1.0, 2.0]), "aa->a", (2, 2), torch.float32)
    tensor([[1., 0.],
            [0., 2.]])
    """
    labels, kept = spec.split("->")
    index = [
        torch.arange(n, device=device).reshape([-1 if k == label else 1 for k in kept])
        for label, n in zip(labels, shape, strict=True)
    ]
    values = x if isinstance(x, Tensor) else torch.full((), x, dtype=dtype, device=device)
    return torch.zeros(shape, dtype=dtype, device=device).index_put(tuple(index), values)


def place(
    x: Tensor, shape: tuple[int, ...], index: tuple[slice, ...], flipped: tuple[int, ...]
) -> Tensor:
    """Write ``x``, with some axes reversed, at regular indices of zeros.

    >>> place(torch.tensor([1.0, 2.0]), (5,), (slice(0, 3, 2),), (0,))
    tensor([2., 0., 1., 0., 0.])
    """
    out = x.new_zeros(shape)
    out[index] = x.flip(flipped) if flipped else x
    return out


def adjugate(x: Tensor) -> Tensor:
    """Return det(x) inv(x) of the matrices in the last two axes, of singular ones too.

    >>> adjugate(torch.tensor([[2.0, 1.0], [0.0, 4.0]]))
    tensor([[ 4., -1.],
            [ 0.,  2.]])
    """
    det = torch.linalg.det(x)
    own = torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)
    bound = torch.prod(torch.linalg.vector_norm(x, dim=-1), dim=-1)
    regular = (torch.abs(det) > torch.finfo(x.dtype).eps ** 0.5 * bound)[..., None, None]
    inverse = torch.linalg.inv(torch.where(regular, x, own))  # autograd goes through this alone
    return torch.where(regular, det[..., None, None] * inverse, _cofactors(x.detach()))


def _cofactors(x: Tensor) -> Tensor:
    u, s, v = torch.linalg.svd(x)
    own = torch.eye(x.shape[-1], dtype=torch.bool, device=x.device)
    others = torch.prod(torch.where(own, 1, s[..., None, :]), dim=-1)
    sign: Tensor = torch.linalg.det(u) * torch.linalg.det(v)
    result: Tensor = sign[..., None, None] * (v.mH @ (others[..., :, None] * u.mH))
    return result


def scatter(shape: tuple[int, ...], x: Tensor, *index: Tensor) -> Tensor:
    """Add entries at indices that broadcast to ``x``, to zeros.

    >>> scatter((3,), torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0, 2, 0]))
    tensor([5., 0., 2.])
    """
    if not index:
        return x.sum()
    return x.new_zeros(shape).index_put(index, x, accumulate=True)


def add_at(factor: float, whole: Tensor, x: Tensor, *index: Tensor) -> Tensor:
    """Add multiples of entries at indices that broadcast to ``x``.

    >>> add_at(-1, torch.ones(3), torch.tensor([1.0, 2.0]), torch.tensor([0, 2]))
    tensor([ 0.,  1., -1.])
    """
    x = x.to(whole.dtype)  # which differ under autocast
    return whole.index_put(index, x if factor == 1 else factor * x, accumulate=True)


def band(spec: BandSpec, dtype: torch.dtype, device: Any = None) -> Tensor:
    """Return 1 where numbers times places, and a constant, add up to 0."""
    return torch.as_tensor(band_values(spec), dtype=dtype, device=device)


def window(spec: WindowSpec, x: Tensor) -> Tensor:
    """Return a view of entries at combinations of new labels; see `engine.window_steps`.

    >>> window((((0, (3, 2), (1, 1), 0, 1),), (0, 1)), torch.tensor([1.0, 2.0, 3.0])).tolist()
    [[1.0, 2.0], [2.0, 3.0], [3.0, 0.0]]
    """
    reaches, order = spec
    ends = {reach[0]: padding(reach, x.shape[reach[0]]) for reach in reaches}
    if any(reach[4] > 1 for reach in reaches):
        shape, inner = list(x.shape), [slice(None)] * x.ndim
        for axis, _, _, _, step in reaches:
            shape[axis] = step * (shape[axis] - 1) + 1
            inner[axis] = slice(None, None, step)
        wide = x.new_zeros(shape)
        wide[tuple(inner)] = x
        x = wide
    sides = [side for k in reversed(range(x.ndim)) for side in ends.get(k, (0, 0))[:2]]
    x = (torch.nn.functional.pad(x, sides) if any(sides) else x).contiguous()
    strides, start = x.stride(), sum(ends[k][2] * x.stride(k) for k in ends)
    start += int(x.storage_offset())  # of a part of another tensor
    kept = [k for k in range(x.ndim) if k not in ends]
    lengths = [x.shape[k] for k in kept] + [n for reach in reaches for n in reach[1]]
    steps = [strides[k] for k in kept]
    for axis, own, weights, _, _ in reaches:
        for length, weight in zip(own, weights, strict=True):
            steps.append(abs(weight) * strides[axis])
            start += min(0, weight) * (length - 1) * strides[axis]
    flipped = [
        k
        for k, weight in enumerate(
            [1] * len(kept) + [weight for reach in reaches for weight in reach[2]]
        )
        if weight < 0
    ]
    view = x.as_strided(lengths, steps, start)
    return (view.flip(flipped) if flipped else view).permute(order)


def moved(move: tuple[int, int], x: Tensor, outside: Tensor | None = None) -> Tensor:
    """Return the entries that stand so many positions after along an axis.

    >>> moved((0, 1), torch.tensor([1.0, 2.0, 3.0]))
    tensor([2., 3., 0.])
    """
    axis, by = move
    count = min(abs(by), x.shape[axis])
    shape = [count if k == axis else n for k, n in enumerate(x.shape)]
    fill = x.new_zeros(shape) if outside is None else outside.unsqueeze(axis).expand(shape)
    kept = x.narrow(axis, count if by > 0 else 0, x.shape[axis] - count)
    return torch.cat((kept, fill) if by > 0 else (fill, kept), dim=axis)
