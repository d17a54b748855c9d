"""Program -> program: in single precision, sums of very many numbers are added up with care."""

from __future__ import annotations

import numpy as np

from eingrad.engine.backends.long_sums import PART
from eingrad.engine.program import FLOAT, Program, Register, Step

SUMS = frozenset({"sum", "matmul", "dot", "einsum"})


def lengthen(program: Program, dtype: str) -> Program:
    """Give each long sum in single precision the operation that is exact enough, in place."""
    if np.finfo(dtype).nmant <= 23:
        for step in program.steps:
            if step.op in SUMS and step.out.kind == FLOAT and _count(step) > PART:
                step.op = f"long_{step.op}"
    return program


def _count(step: Step) -> int:
    """Return how many numbers make an entry of the result."""
    if step.op == "sum":
        (x,) = (x for x in step.arguments if isinstance(x, Register))
        return x.size // max(1, step.out.size)
    return step.flops // max(1, step.out.size)


__all__ = ["lengthen"]
