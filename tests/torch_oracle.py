"""Random models in PyTorch: the reference for values and gradients.

Every label of a statement has an axis of its own (extent 1 where a tensor lacks it), so that no
labels have to be matched and nothing is contracted by a library's einsum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from random_models import (
    AXIS,
    DIM,
    SIZES,
    Apply,
    ByPlace,
    Condition,
    Leaf,
    Node,
    Number,
    Over,
    Power,
    Product,
    RandomModel,
    Size,
    Statement,
    Sum,
    Where,
)

torch = pytest.importorskip("torch")

LARGEST = 1e3  # rounding leaves up to eps V^2 of what cancels: see `test_models.assert_close`
COMPARE = {"<": torch.lt, "<=": torch.le, "==": torch.eq, "!=": torch.ne, ">": torch.gt}
KINKS = ("relu", "abs", "leaky_relu", "sign")


@dataclass
class Oracle:
    """Evaluates statements in PyTorch; remembers how tame the numbers were.

    Where numbers are huge, or a kink is near (``relu`` at 0, a tie of ``max``), finite precision
    decides what the derivative is, and two right answers may differ.
    """

    tensors: dict[str, torch.Tensor]
    largest: float = 0.0
    nearest_kink: float = 1.0
    dtype: Any = None

    def run(self, statements: Sequence[Statement]) -> torch.Tensor:
        """Return the last statement's value."""
        for statement in statements:
            value = self.node(statement.value)
            axes = [AXIS[label] for label in statement.labels]
            rest = [axis for axis in range(len(AXIS)) if axis not in axes]
            value = value.permute(*axes, *rest).reshape([value.shape[k] for k in axes])
            shape = [SIZES[DIM[label]] for label in statement.labels]
            self.tensors[statement.name] = value.expand(shape)
        return self.tensors[statements[-1].name]

    def eye(self, dim: str) -> torch.Tensor:
        return torch.eye(SIZES[dim], dtype=self.dtype)

    @property
    def fits(self) -> bool:
        """Whether finite precision cannot have decided a derivative."""
        return self.largest < LARGEST and self.nearest_kink > 1e-4

    def node(self, node: Node) -> torch.Tensor:
        value = self._node(node)
        size = float(value.detach().abs().max())
        self.largest = size if not size <= self.largest else self.largest  # NaN stays
        return value

    def _node(self, node: Node) -> torch.Tensor:
        match node:
            case Leaf(name, labels, traced):
                if name == "delta":
                    return self._leaf(self.eye(DIM[labels[0]]), labels, traced)
                return self._leaf(self.tensors[name], labels, traced)
            case Number(value):
                return torch.full([1] * len(AXIS), float(value), dtype=self.dtype)
            case Size(label):
                return torch.full([1] * len(AXIS), float(SIZES[DIM[label]]), dtype=self.dtype)
            case Power(base, exponent):
                return self.node(base) ** float(exponent)
            case Sum(terms, negative):
                values = [self.node(term) for term in terms]
                signs = zip(values, negative, strict=True)
                return sum((-x if minus else x for x, minus in signs), values[0] * 0)
            case Product(factors, divides, summed):
                value = self.node(Number(Fraction(1)))
                for factor, below in zip(factors, divides, strict=True):
                    value = value / self.node(factor) if below else value * self.node(factor)
                return value.sum([AXIS[k] for k in summed], keepdim=True) if summed else value
            case ByPlace(condition, (above, below)):
                return torch.where(self._holds(condition), self.node(above), self.node(below))
            case Over(function, labels, arg, condition):
                x, axes = self.node(arg), [AXIS[k] for k in labels]
                if condition is not None:
                    return self._over_some(function, x, axes, self._holds(condition))
                return self._over(function, x, axes)
            case Apply(function, args):
                return self._apply(function, [self.node(x) for x in args])
            case Where(operator, args):
                left, right, above, below = (self.node(x) for x in args)
                self._kink(left - right)
                less = left < right if operator[0] == "<" else left > right
                return torch.where(less, above, below)
        raise TypeError(node)

    def _leaf(self, tensor: torch.Tensor, labels: str, traced: str) -> torch.Tensor:
        for label in set(labels):
            while labels.count(label) > 1:
                first = labels.index(label)
                second = labels.index(label, first + 1)
                tensor = tensor.diagonal(dim1=first, dim2=second)
                labels = labels[:first] + labels[first + 1 : second] + labels[second + 1 :] + label
        if traced:
            tensor = tensor.sum(labels.index(traced))
            labels = labels.replace(traced, "")
        shape = [1] * len(AXIS)
        order = sorted(range(len(labels)), key=lambda k: AXIS[labels[k]])
        for k in order:
            shape[AXIS[labels[k]]] = tensor.shape[k]
        return tensor.permute(order).reshape(shape)

    def _over(self, function: str, x: torch.Tensor, axes: list[int]) -> torch.Tensor:
        if function in ("softmax", "log_softmax"):
            value = x - torch.logsumexp(x, axes, keepdim=True)
            return value.exp() if function == "softmax" else value
        if function == "cumsum":
            return x.cumsum(axes[0])  # the strategy takes one label
        if function == "prod":
            for axis in axes:
                x = x.prod(axis, keepdim=True)
            return x
        if function in ("max", "min"):
            flat = x.movedim(axes, list(range(len(axes)))).flatten(0, len(axes) - 1)
            top = flat.sort(0, descending=function == "max").values
            self._kink(top[0] - top[1])
        if function == "norm":
            return (x * x).sum(axes, keepdim=True).sqrt()
        name = {"max": "amax", "min": "amin"}.get(function, function)
        result: torch.Tensor = getattr(torch, name)(x, axes, keepdim=True)
        return result

    def _holds(self, condition: Condition) -> torch.Tensor:
        """Return where a condition on labels holds."""
        sides = []
        for side in (condition.left, condition.right):
            if side.isdigit():
                sides.append(torch.tensor(int(side)))
            else:
                shape = [1] * len(AXIS)
                shape[AXIS[side]] = SIZES[DIM[side]]
                sides.append(torch.arange(SIZES[DIM[side]]).reshape(shape))
        result: torch.Tensor = COMPARE[condition.operator](*sides)
        return result

    def _over_some(
        self, function: str, x: torch.Tensor, axes: list[int], holds: torch.Tensor
    ) -> torch.Tensor:
        if function in ("sum", "mean"):
            x, holds = torch.broadcast_tensors(x, holds)
            total = torch.where(holds, x, 0.0).sum(axes, keepdim=True)
            return total if function == "sum" else total / holds.sum(axes, keepdim=True)
        return self._over(
            function, torch.where(holds, x, 1.0 if function == "prod" else -torch.inf), axes
        )

    def _apply(self, function: str, args: list[torch.Tensor]) -> torch.Tensor:
        if function in KINKS:
            self._kink(args[0])
        elif len(args) == 2:
            self._kink(args[0] - args[1])
        for module in (torch, torch.nn.functional):
            if hasattr(module, function):
                result: torch.Tensor = getattr(module, function)(*torch.broadcast_tensors(*args))
                return result
        raise ValueError(function)

    def _kink(self, distance: torch.Tensor) -> None:
        self.nearest_kink = min(self.nearest_kink, float(distance.detach().abs().min()))


def reference(
    model: RandomModel, arrays: Mapping[str, np.ndarray]
) -> tuple[float, dict[str, np.ndarray], bool]:
    """Return L, its gradient by each input, and whether the numbers were tame."""
    tensors = {name: torch.tensor(x, requires_grad=True) for name, x in arrays.items()}
    oracle = Oracle(dict(tensors), dtype=torch.float64)
    value = oracle.run(model.statements)
    if value.requires_grad:
        value.backward()
    zeros = {name: np.zeros_like(x) for name, x in arrays.items()}
    found = {name: t.grad.numpy() for name, t in tensors.items() if t.grad is not None}
    return float(value.detach()), zeros | found, oracle.fits
