"""In which order to contract a product of many tensors: paths, their cost, and a printed table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import opt_einsum as oe

from eingrad.core.expr import Labels
from eingrad.engine.reconfigure import reconfigure

EXACT_UP_TO = 8  # operands; beyond, the search is greedy (dynamic programming grows as 3^n)


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
    for pair in _ssa_path([*remaining.values()], output, sizes):
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


def _ssa_path(
    inputs: Sequence[Labels], output: Labels, sizes: Mapping[int, int]
) -> list[tuple[int, ...]]:
    """Return pairs of operand numbers; each result gets the next number."""
    if len(inputs) <= 2:
        return [tuple(range(len(inputs)))]
    letters = {label: oe.get_symbol(k) for k, label in enumerate(sizes)}
    sets = [frozenset(letters[k] for k in labels) for labels in inputs]
    out = frozenset(letters[k] for k in output)
    size_of = {letters[k]: max(1, n) for k, n in sizes.items()}
    search = oe.paths.dynamic_programming if len(inputs) <= EXACT_UP_TO else oe.paths.greedy
    path = search(sets, out, size_of, None)
    ids = list(range(len(inputs)))
    result: list[tuple[int, ...]] = []
    for group in path:
        chosen = [ids[k] for k in group]
        for k in sorted(group, reverse=True):
            del ids[k]
        while len(chosen) > 1:  # a path may name three operands or more at once
            left, right, *chosen = chosen
            result.append((left, right))
            chosen.insert(0, len(inputs) + len(result) - 1)
        ids.append(chosen[0])
    return result if len(inputs) <= EXACT_UP_TO else reconfigure(result, inputs, output, sizes)


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


__all__ = ["Contraction", "ContractionPath", "contraction_path", "equation"]
