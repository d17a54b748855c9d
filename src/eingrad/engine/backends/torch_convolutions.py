"""Convolutions as PyTorch has them; what a step is told stands in `engine.convolutions`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.grad import conv1d_weight, conv2d_weight, conv3d_weight

from eingrad.engine.convolutions import Convolution, Spec, margins

Bilinear = Callable[[Spec, Tensor, Tensor], Tensor]
FORWARD = (functional.conv1d, functional.conv2d, functional.conv3d)
BACK = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)
BY_KERNEL: tuple[Any, ...] = (conv1d_weight, conv2d_weight, conv3d_weight)


def _also_complex(way: Bilinear) -> Bilinear:
    """Let a function of two real tensors, linear in each, take complex ones."""

    @wraps(way)
    def of_any(spec: Spec, a: Tensor, b: Tensor) -> Tensor:
        if not a.is_complex():
            return way(spec, a, b)
        real = way(spec, a.real, b.real) - way(spec, a.imag, b.imag)
        return torch.complex(real, way(spec, a.real, b.imag) + way(spec, a.imag, b.real))

    return of_any


@_also_complex
def conv(spec: Spec, x: Tensor, w: Tensor) -> Tensor:
    """Return the output of a convolution.

    >>> spec = ((1, 1, 1, 1), (1,), (1,), (0,), (2,))
    >>> conv(spec, torch.tensor([1.0, 2.0, 4.0]), torch.tensor([1.0, 10.0])).flatten()
    tensor([21., 42.])
    """
    own = Convolution.of(spec)
    x, w = _channels(own, x, 1), _kernel(own, w)
    x, padding = _padded(own, x, own.lengths, w.shape[2:])
    way = FORWARD[len(own.strides) - 1]
    y = way(x, w, None, own.strides, padding, own.dilations, own.channels[0])
    return _in_groups(own, y)


@_also_complex
def conv_input(spec: Spec, y: Tensor, w: Tensor) -> Tensor:
    """Return the input of which an output is the adjoint: a transposed convolution.

    >>> spec = ((1, 1, 1, 1), (1,), (1,), (0,), (3,))
    >>> conv_input(spec, torch.tensor([1.0, 2.0]), torch.tensor([1.0, 10.0])).flatten()
    tensor([ 1., 12., 20.])
    """
    own = Convolution.of(spec)
    y, w = _channels(own, y, 0), _kernel(own, w)
    sides = margins(own, own.lengths, y.shape[2:], w.shape[2:])
    fits = _is_native(own, sides)
    padding = [before for before, _ in sides] if fits else [0] * len(sides)
    more = [before - after for before, after in sides] if fits else padding
    way = BACK[len(own.strides) - 1]
    x = way(y, w, None, own.strides, padding, more, own.channels[0], own.dilations)
    return _in_groups(own, x if fits else _widened(x, [(-a, -b) for a, b in sides]))


@_also_complex
def conv_kernel(spec: Spec, x: Tensor, y: Tensor) -> Tensor:
    """Return the kernel of which an output is the adjoint: a correlation with the input.

    >>> spec = ((1, 1, 1, 1), (1,), (1,), (0,), (2,))
    >>> conv_kernel(spec, torch.tensor([1.0, 2.0, 4.0]), torch.tensor([1.0, 10.0])).flatten()
    tensor([21., 42.])
    """
    own = Convolution.of(spec)
    x, y = _channels(own, x, 1), _channels(own, y, 0).to(x.dtype)
    x, padding = _padded(own, x, y.shape[2:], own.lengths)
    group, outer, inner, _ = own.channels
    shape = (group * outer, inner, *own.lengths)
    way = BY_KERNEL[len(own.strides) - 1]
    w: Tensor = way(x, shape, y, own.strides, padding, own.dilations, group)
    return w.reshape(group, outer, inner, *own.lengths)


def _channels(own: Convolution, x: Tensor, inner: int) -> Tensor:
    """Return an input or an output with all its channels in one axis."""
    group, *channels, examples = own.channels
    places = x.shape[x.ndim - len(own.strides) :]
    return x.reshape(examples, group * channels[inner], *places)


def _in_groups(own: Convolution, x: Tensor) -> Tensor:
    return x.reshape(own.channels[3], own.channels[0], -1, *own.lengths)


def _kernel(own: Convolution, w: Tensor) -> Tensor:
    group, outer, inner, _ = own.channels
    return w.reshape(group * outer, inner, *w.shape[w.ndim - len(own.strides) :])


def _padded(
    own: Convolution, x: Tensor, outputs: Sequence[int], kernel: Sequence[int]
) -> tuple[Tensor, list[int]]:
    """Return the input with what PyTorch does not add by itself, and what it does, on each side."""
    sides = margins(own, x.shape[2:], outputs, kernel)
    if _is_native(own, sides):
        return x, [before for before, _ in sides]
    return _widened(x, sides), [0] * len(sides)


def _is_native(own: Convolution, sides: Sequence[tuple[int, int]]) -> bool:
    """Whether as much is added on either side, but for what a stride does not come to."""
    return all(
        before >= 0 and 0 <= before - after < stride
        for (before, after), stride in zip(sides, own.strides, strict=True)
    )


def _widened(x: Tensor, sides: Sequence[tuple[int, int]]) -> Tensor:
    return functional.pad(x, [n for side in reversed(sides) for n in side])


__all__ = ["conv", "conv_input", "conv_kernel"]
