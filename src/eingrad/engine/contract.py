"""In which order to contract a product of many tensors: paths, their cost, and a printed table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import opt_einsum as oe

from eingrad.calculus.paths import Pair, pairs_of
from eingrad.core.algebra import einsum
from eingrad.core.expr import Einsum, Expr, Labels
from eingrad.core.product import shared_products
from eingrad.core.rewrite import rewrite


@dataclass(frozen=True, slots=True)
class Contraction:
    """One step of a path: contract operands ``left`` and ``right``; -1 stands for no operand.

    The inputs are operands 0, 1, ..., and the result of step k is operand ``len(inputs) + k``.
    """

    left: int
    right: int
    inputs: tuple[Labels, Labels]
    output: Labels
    flops: int
    size: int


@dataclass(frozen=True, slots=True)
class ContractionPath:
    """The steps that compute a product, with their cost."""

    inputs: tuple[Labels, ...]
    output: Labels
    steps: tuple[Contraction, ...]

    @property
    def flops(self) -> int:
        """The number of operations, a multiplication and an addition each one."""
        return sum(step.flops for step in self.steps)

    @property
    def largest_intermediate(self) -> int:
        """The number of entries of the largest result of a step."""
        return max((step.size for step in self.steps), default=0)

    def __str__(self) -> str:
        rows = [
            f"{k:>4}  {equation(step.inputs, step.output):<28} {step.flops:>14,} {step.size:>14,}"
            for k, step in enumerate(self.steps)
        ]
        head = f"{'step':>4}  {'product':<28} {'FLOPs':>14} {'entries':>14}"
        foot = f"      {'in all':<28} {self.flops:>14,} {self.largest_intermediate:>14,}"
        return "\n".join([head, *rows, foot])


def contraction_path(
    inputs: Sequence[Labels], output: Labels, sizes: Mapping[int, int]
) -> ContractionPath:
    """Return pairwise steps for a product: the cheapest ones where an exact search is quick.

    >>> sizes = {0: 10, 1: 1000, 2: 10, 3: 1}
    >>> contraction_path([(0, 1), (1, 2), (2, 3)], (0, 3), sizes).flops  # A (B c), not (A B) c
    20000
    """
    remaining: dict[int, Labels] = dict(enumerate(tuple(dict.fromkeys(ls)) for ls in inputs))
    count: dict[int, int] = {}
    for labels in [*remaining.values(), output]:
        for label in set(labels):
            count[label] = count.get(label, 0) + 1
    steps: list[Contraction] = []
    path: Sequence[Pair] = [tuple(range(len(inputs)))]
    if len(inputs) > 2:
        path = pairs_of([*remaining.values()], output, sizes)
    for pair in path:
        operands = [remaining.pop(k) for k in pair]
        for labels in operands:
            for label in labels:
                count[label] -= 1
        everything = dict.fromkeys(label for labels in operands for label in labels)
        result = tuple(label for label in everything if count[label] > 0)
        for label in result:
            count[label] += 1
        if len(steps) == len(inputs) - 2:
            result = tuple(label for label in output if label in everything)
        left, right = pair[0], pair[1] if len(pair) > 1 else -1
        steps.append(Contraction(
            left, right, (operands[0], operands[1] if len(pair) > 1 else ()), result,
            math.prod(sizes[k] for k in everything), math.prod(sizes[k] for k in result),
        ))  # fmt: skip
        remaining[len(inputs) + len(steps) - 1] = result
    return ContractionPath(tuple(inputs), tuple(output), tuple(steps))


def equation(
    inputs: Sequence[Labels], output: Labels, names: Mapping[int, str] | None = None
) -> str:
    """Return a product's subscripts as text.

    >>> equation([(0, 1), (1, 2)], (0, 2))
    'ab,bc->ac'
    """
    name = names or {}

    def text(labels: Labels) -> str:
        return "".join(name.get(k) or oe.get_symbol(k) for k in labels)

    return ",".join(text(ls) for ls in inputs if ls or len(inputs) == 1) + "->" + text(output)


# --- products of many tensors -> products of two, before differentiation ---
#
# The derivative of a tree of products of two is again such products: every gradient uses the
# intermediates of the forward tree and those of the other gradients. All gradients of n operands
# together then cost about twice the forward pass, instead of n contractions of n operands.


@shared_products()
def pairwise(roots: Sequence[Expr], sizes: Mapping[str, int] | None = None) -> list[Expr]:
    """Split each product of three tensors or more along its contraction path.

    ``sizes`` are those of named dimensions; a product with a dimension of unknown size stays.

    >>> from eingrad.core.expr import Var
    >>> a, b, c = Var("A", (2, 3)), Var("B", (3, 4)), Var("C", (4, 5))
    >>> abc = einsum([(a, (0, 1)), (b, (1, 2)), (c, (2, 3))], (0, 3))
    >>> len(abc.operands), len(pairwise([abc])[0].operands)
    (3, 2)
    """
    known = sizes or {}

    def split(node: Expr) -> Expr | None:
        if not isinstance(node, Einsum) or not _worth_splitting(node):
            return None
        extents = [known.get(d) if isinstance(d, str) else d for d in node.extents]
        if any(n is None for n in extents):
            return None
        return _along_path(node, {k: n for k, n in enumerate(extents) if n is not None})

    return rewrite(roots, split)


def _worth_splitting(node: Einsum) -> bool:
    if len(node.operands) > 2:
        return all(x.ndim and not x.has_delta for x in node.operands)
    return len(node.operands) == 2 and any(_private(node, k) for k in range(2))


def _private(node: Einsum, k: int) -> set[int]:
    """Return the summed labels that operand k alone has."""
    others = {label for j, labels in enumerate(node.inputs) if j != k for label in labels}
    return set(node.inputs[k]) - others - set(node.output)


def _along_path(node: Einsum, sizes: Mapping[int, int]) -> Expr:
    count: dict[int, int] = dict.fromkeys(node.output, 2)
    for labels in node.inputs:
        for label in set(labels):
            count[label] = count.get(label, 0) + 1
    operands: list[tuple[Expr, Labels]] = []
    for x, labels in zip(node.operands, node.inputs, strict=True):
        kept = tuple(dict.fromkeys(k for k in labels if count[k] > 1))
        if any(count[k] == 1 for k in labels):
            operands.append((einsum([(x, labels)], kept), kept))
        else:
            operands.append((x, labels))
    path = contraction_path([labels for _, labels in operands], node.output, sizes)
    for step in path.steps:
        pair = [operands[step.left], operands[step.right]]
        operands.append((einsum(pair, step.output), step.output))
    result, labels = operands[-1]
    return einsum([(result, labels)], node.output)
