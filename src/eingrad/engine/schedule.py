"""In which order to compute: what frees memory first, and updates as soon as nothing is in the way.

Order changes no value: a step that would overwrite what is still read gets memory of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from eingrad.core.expr import Expr, postorder
from eingrad.engine.program import Program, Register


def by_height(roots: Mapping[str, Expr], nodes: Iterable[Expr]) -> list[tuple[str, Expr]]:
    """Return named roots so that those come first which need the fewest steps one after another.

    In backpropagation these are the gradients by the last layer: what they alone need is free
    again before the gradients by the first layer are computed.
    """
    height: dict[Expr, int] = {}
    for node in postorder(nodes):
        height[node] = 1 + max((height[x] for x in node.operands), default=0)
    return sorted(roots.items(), key=lambda item: height[item[1]])


def hoist_updates(program: Program, start: int) -> None:
    """Move each step from number ``start`` on, of an update, to where its operands are there.

    The step that gives an input its new value also waits for all steps that read the old one.
    """
    position: dict[Register, int] = {}
    last_read: dict[Register, int] = {}
    target = {register.root: program.inputs[name] for name, register in program.updates.items()}
    order: list[tuple[int, int]] = []
    for k, step in enumerate(program.steps):
        place = k
        if k >= start:
            place = max((position.get(x.root, -1) for x in step.reads), default=-1)
            if step.out in target:
                place = max(place, last_read.get(target[step.out], -1))
        position[step.out] = place
        for x in step.reads:
            last_read[x.root] = max(last_read.get(x.root, -1), place)
        order.append((place, k))
    program.steps = [program.steps[k] for _, k in sorted(order)]
