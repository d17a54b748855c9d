"""Which operand of a contraction XLA is to turn: the one that is cheap to turn."""

from __future__ import annotations

from collections.abc import Sequence

from eingrad.codegen.matmul import Operand
from eingrad.core.expr import Labels


def cheap_order(operands: Sequence[Operand], output: Labels) -> Labels:
    """Return the order in which a product of two operands is formed, to be transposed after.

    XLA multiplies ``(free, summed)`` by ``(summed, free)``, and the operand whose free labels come
    first in the output stands on the left, copied where its summed labels are not last. Where these
    come first in both, as in the gradient by a weight, the one with fewer free axes goes there.

    >>> from eingrad.codegen.code import atom
    >>> cheap_order([(atom("dY"), (3, 4, 2)), (atom("X"), (3, 4, 0, 1))], (0, 1, 2))
    (2, 0, 1)
    """
    if len(operands) != 2 or any(len(set(labels)) < len(labels) for _, labels in operands):
        return output
    first, second = (labels for _, labels in operands)
    summed = {k for k in first if k in second}
    free = [[k for k in output if k in labels] for labels in (first, second)]
    if summed & set(output) or len(summed) + sum(map(len, free)) != len({*first, *second}):
        return output
    if any(set(labels[: len(summed)]) != summed for labels in (first, second)):
        return output
    few, many = sorted(free, key=len)
    if few and len(few) < len(many) and output == (*many, *few):
        return (*few, *many)
    return output
