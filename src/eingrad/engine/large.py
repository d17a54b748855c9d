"""Program -> program: steps on large arrays get the operation that is fast and exact enough there.

For NumPy alone; PyTorch and XLA choose by themselves.
"""

from __future__ import annotations

import numpy as np

from eingrad.engine.program import FLOAT, Program, Register, Shape, Step

SUM = 2**14  # entries, from which on a sum is made in BLAS
OUTER = 2**15  # entries of an outer product, from which on it is
LONG = 8192  # products in single precision, from which on a sum of them is added up with care
SHORT_ROW = 32  # entries of a row, over which NumPy's loops take most of their time to begin
ROWS_SUM, EXTREMUM = 2048, 512  # entries, from which on it is worth while to go another way
PRODUCTS = frozenset({"matmul", "dot", "einsum"})
EXTREMA = frozenset({"amax", "amin"})


def specialize_large(program: Program, dtype: str) -> Program:
    """Rename, in place, the operations of steps that work on large arrays."""
    single, real = np.finfo(dtype).nmant <= 23, np.dtype(dtype).kind == "f"
    for step in program.steps:
        if step.out.kind != FLOAT:
            continue
        if step.op in PRODUCTS and single and step.flops > LONG * max(1, step.out.size):
            step.op = f"long_{step.op}"
        elif step.op == "sum" and _is_large_sum(step):
            step.op = "large_sum"
        elif step.op in EXTREMA and _has_short_rows(step, EXTREMUM):
            step.op = f"short_{step.op}"
        elif step.op == "multiply" and real and (pair := _outer_operands(step)):
            step.op, step.arguments = "outer", pair
    return program


def _is_large_sum(step: Step) -> bool:
    (x,) = step.reads
    return x.kind == FLOAT and (x.size >= SUM or _has_short_rows(step, ROWS_SUM))


def _has_short_rows(step: Step, least: int) -> bool:
    """Whether the last axis alone is folded, a short one, of at least so many entries in all."""
    (x,) = step.reads
    if x.kind != FLOAT or x.size < least or step.parameters[0] != (len(x.shape) - 1,):
        return False
    return 1 < x.shape[-1] <= SHORT_ROW


def _outer_operands(step: Step) -> tuple[Register, Register] | None:
    """Return the operand with the first axes of the result and the one with the rest, if large."""
    pair = [x for x in step.reads if x.kind == FLOAT and x.size > 1]
    if step.out.size < OUTER or len(pair) != 2:
        return None
    first, second = sorted(pair, key=lambda x: _extent(x.shape))
    return (first, second) if _extent(first.shape)[1] <= _extent(second.shape)[0] else None


def _extent(shape: Shape) -> tuple[int, int]:
    """Return the first axis longer than 1 and the end of the last, counted from the back."""
    long = [k - len(shape) for k, n in enumerate(shape) if n > 1]
    return long[0], long[-1] + 1


__all__ = ["specialize_large"]
