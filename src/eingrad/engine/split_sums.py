"""Program -> program: a sum over axes on both sides of a kept one is two sums.

NumPy adds up ``(60, 100, 70)`` over the axes 0 and 2 entry by entry. Over axis 0 it adds whole
slabs, and what is then left to do over axis 2 is little: together a sixth of the time.
"""

from __future__ import annotations

import math
from itertools import count

from eingrad.engine.backends.long_sums import PART
from eingrad.engine.program import Program, Register, Step

SMALL = 4096  # entries, below which a second call costs more than it saves


def split_sums(program: Program) -> Program:
    """Split each such sum; the first axes are summed first, with at most `PART` numbers each."""
    numbers = count(1 + max((s.out.number for s in program.steps), default=0))
    steps: list[Step] = []
    for step in program.steps:
        first = _leading_axes(step)
        if first:
            (x,) = step.reads
            step = _rest(step, steps, x, first, next(numbers))
        steps.append(step)
    program.steps = steps
    return program


def _leading_axes(step: Step) -> tuple[int, ...]:
    """Return the summed axes before the first kept one, if others follow and it is worth it."""
    if step.op != "sum" or len(step.reads) != 1 or step.reads[0].size < SMALL:
        return ()
    (x,) = step.reads
    axes, keep = step.parameters[:2]
    kept = next((k for k in range(len(x.shape)) if k not in axes and x.shape[k] > 1), 0)
    first = tuple(k for k in axes if k < kept)
    if keep or len(first) == len(axes) or x.root is not x:
        return ()
    return first if math.prod(x.shape[k] for k in first) <= PART else ()


def _rest(step: Step, steps: list[Step], x: Register, first: tuple[int, ...], number: int) -> Step:
    """Append the first sum, and return the second."""
    axes = step.parameters[0]
    shape = tuple(n for k, n in enumerate(x.shape) if k not in first)
    partial = Register(number, shape, step.out.kind)
    steps.append(Step("sum", (x,), (first, False), partial, x.size, ()))
    left = tuple(k - sum(j < k for j in first) for k in axes if k not in first)
    return Step("sum", (partial,), (left, False), step.out, partial.size, (), step.equation)


__all__ = ["split_sums"]
