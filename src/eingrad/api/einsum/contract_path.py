"""``eg.contract_path``: what a product and all its gradients cost, before anything is computed."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eingrad.api.einsum.einsum import read
from eingrad.api.einsum.subscripts import LabelledProduct, Shape, fit
from eingrad.calculus.differentiate import pull_back
from eingrad.core.algebra import is_light
from eingrad.core.digits import count_text, shape_text
from eingrad.core.expr import Einsum, Expr, Var, postorder
from eingrad.core.product import shared_products
from eingrad.derivation.pictures.picture import Picture
from eingrad.derivation.pictures.tensor_network import tensor_network
from eingrad.engine.contract import pairwise
from eingrad.errors import ShapeError

SHOWN_STEPS = 40  # of each table


@dataclass(frozen=True, slots=True)
class PathStep:
    """One product of two tensors (or a sum): ``size`` is the number of entries of its result."""

    equation: str
    flops: int
    size: int


@dataclass(frozen=True, slots=True)
class PathPlan:
    """The steps of a product, and the further steps of all its gradients.

    ``flops`` counts a multiplication and an addition as one; ``gradient_flops`` is what all
    gradients together need beside the forward pass, from which they take its intermediates.
    """

    equation: str
    shape: Shape
    steps: tuple[PathStep, ...]
    gradient_steps: tuple[PathStep, ...]
    labels: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
    sizes: Mapping[str, int] = field(default_factory=dict, repr=False, hash=False)

    def picture(self, names: Sequence[str] = ()) -> Picture:
        """Draw the product as a tensor network with labels, sizes and FLOPs, as SVG.

        ``names`` are those of the operands, else A, B, ...

        >>> contract_path("ij,jk->ik", (2, 3), (3, 4)).picture(["W", "x"]).svg[:4]
        '<svg'
        """
        own = names or [chr(ord("A") + k % 26) for k in range(len(self.labels))]
        words = f"{self.equation}: {self.flops:,} FLOPs, gradients {self.gradient_flops:,}"
        output = self.equation.partition("->")[2]
        return tensor_network(own, self.labels, output, self.sizes, words)

    @property
    def flops(self) -> int:
        """The operations of the forward pass."""
        return sum(step.flops for step in self.steps)

    @property
    def gradient_flops(self) -> int:
        """The further operations of all gradients together."""
        return sum(step.flops for step in self.gradient_steps)

    @property
    def largest_intermediate(self) -> int:
        """The number of entries of the largest result of a step, of the forward pass."""
        return max((step.size for step in self.steps), default=0)

    @property
    def largest_gradient_intermediate(self) -> int:
        """The number of entries of the largest result of a step, of the gradients."""
        return max((step.size for step in self.gradient_steps), default=0)

    def __str__(self) -> str:
        ratio = f" ({self.gradient_flops / self.flops:.2f} times forward)" if self.flops else ""
        return "\n".join([
            f"{self.equation}: result of shape {shape_text(self.shape)}",
            *_table("forward", self.steps),
            *_table("gradients", self.gradient_steps),
            f"FLOPs: forward {count_text(self.flops)}; "
            f"all gradients {count_text(self.gradient_flops)}{ratio}",
            f"largest intermediate: forward {count_text(self.largest_intermediate)} entries; "
            f"gradients {count_text(self.largest_gradient_intermediate)}",
        ])  # fmt: skip

    __repr__ = __str__


def _table(title: str, steps: Sequence[PathStep]) -> list[str]:
    width = max([24, *(len(step.equation) for step in steps[:SHOWN_STEPS])])
    rows = [
        f"{k:>5}  {step.equation:<{width}} {count_text(step.flops):>18} {count_text(step.size):>14}"
        for k, step in enumerate(steps[:SHOWN_STEPS])
    ]
    if len(steps) > SHOWN_STEPS:
        rows.append(f"       ... and {len(steps) - SHOWN_STEPS:,} more")
    return [f"{title:<{width + 7}} {'FLOPs':>18} {'entries':>14}", *rows]


@shared_products()
def contract_path(spec: Any, *shapes: Any) -> PathPlan:
    """Return the steps and costs of a product of tensors of given shapes, and of its gradients.

    The gradients share the forward pass's intermediates and each other's, so that all of them
    together cost about twice the forward pass. Sizes may be of any magnitude.

    >>> plan = contract_path("ij,jk,kl->il", (10, 20), (20, 30), (30, 5))
    >>> plan.flops, plan.gradient_flops
    (4000, 8000)
    >>> [step.flops for step in plan.steps]
    [3000, 1000]

    Raises NotationError or ShapeError as `einsum` does.
    """
    equation, given = read(spec, shapes)
    sizes = [_shape(k, x) for k, x in enumerate(given)]
    product = fit(equation, sizes)
    operands = [Var(f"x{k}", shape) for k, shape in enumerate(sizes)]
    (root,) = pairwise([product.of(operands)])
    gradients = pull_back(root, operands, Var("cotangent", root.dims), 0)
    names = _axis_names(product, operands, root)
    forward = set(postorder([root]))
    later = [node for node in postorder(gradients) if node not in forward]
    labels = tuple(tuple(product.names[k] for k in own) for own in product.inputs)
    return PathPlan(
        str(equation), product.shape, _steps(postorder([root]), names), _steps(later, names),
        labels, dict(zip(product.names, product.sizes, strict=True)),
    )  # fmt: skip


def _shape(k: int, value: Any) -> Shape:
    value = getattr(value, "shape", value)
    try:
        shape = tuple(operator.index(n) for n in value)
    except TypeError:
        raise ShapeError(
            f"operand {k}: {value!r:.60} is not a shape",
            operand=k,
            hint="pass shapes: contract_path('ij,jk->ik', (2, 3), (3, 4))",
        ) from None
    if any(n < 0 for n in shape):
        raise ShapeError(f"operand {k}: the shape {shape} has a negative size", operand=k)
    return shape


Names = dict[Expr, tuple[str, ...]]


def _axis_names(product: LabelledProduct, operands: Sequence[Var], root: Expr) -> Names:
    """Return the letters of the axes of the operands and of the cotangent."""
    names: Names = {
        x: tuple(product.names[k] for k in labels)
        for x, labels in zip(operands, product.inputs, strict=True)
    }
    names[Var("cotangent", root.dims)] = tuple(product.names[k] for k in product.output)
    return names


def _steps(nodes: Iterable[Expr], names: Names) -> tuple[PathStep, ...]:
    """Return a step for each product that computes something; ``names`` learns its axes."""
    steps = []
    for node in nodes:
        if not isinstance(node, Einsum):
            continue
        letters: dict[int, str] = {}
        for x, labels in zip(node.operands, node.inputs, strict=True):
            for label, name in zip(labels, names.get(x, ()), strict=False):
                letters.setdefault(label, name)
        for label in range(len(node.extents)):
            letters.setdefault(label, "?")
        names[node] = tuple(letters[k] for k in node.output)
        if not is_light(node):
            steps.append(_step(node, letters))
    return tuple(steps)


def _step(node: Einsum, letters: dict[int, str]) -> PathStep:
    inputs = ",".join("".join(letters[k] for k in labels) for labels in node.inputs)
    extents = [int(n) for n in node.extents]
    return PathStep(
        f"{inputs}->{''.join(letters[k] for k in node.output)}",
        math.prod(extents),
        math.prod(extents[k] for k in node.output),
    )
