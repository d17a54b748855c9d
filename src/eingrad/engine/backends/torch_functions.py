"""The operations that PyTorch lacks, of operations that autograd and ``torch.compile`` know."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


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
