"""A contraction -> matrix products, ``X.T @ G``, where it is one."""

from __future__ import annotations

from collections.abc import Sequence

from eingrad.codegen.code import Code, attribute, binary, call
from eingrad.codegen.targets import Target
from eingrad.core.expr import Labels

Operand = tuple[Code, Labels]
MATRIX = 2


def as_matmul(operands: Sequence[Operand], output: Labels, target: Target) -> Code | None:
    """Return a contraction as matrix products of two operands each, None if it is none.

    >>> from eingrad.codegen.code import atom
    >>> from eingrad.codegen.targets import NUMPY
    >>> str(as_matmul([(atom("X"), (0, 1)), (atom("G"), (0, 2))], (1, 2), NUMPY))
    'X.T @ G'
    """
    rest = list(operands)
    while len(rest) > 1:
        for i, j in _pairs(rest):
            others = [x for k, x in enumerate(rest) if k not in (i, j)]
            kept = _kept(rest[i], rest[j], others, output)
            found = _product_of_pair(rest[i], rest[j], kept, target)
            if found is not None:
                rest = [(found, kept), *others]
                break
        else:
            return None
    code, labels = rest[0]
    if labels == output:
        return code
    if len(labels) == MATRIX and labels == output[::-1]:
        return attribute(code, "T")
    return None


def _pairs(operands: Sequence[Operand]) -> list[tuple[int, int]]:
    """Order pairs: those with a vector first, since these stay small."""
    count = len(operands)
    pairs = [(i, j) for i in range(count) for j in range(i + 1, count)]
    return sorted(pairs, key=lambda p: min(len(operands[k][1]) for k in p))


def _kept(a: Operand, b: Operand, others: Sequence[Operand], output: Labels) -> Labels:
    """Return the labels that the product of two operands must keep, in the output's order."""
    needed = {*output, *(k for _, labels in others for k in labels)}
    own = dict.fromkeys((*a[1], *b[1]))
    return tuple(sorted((k for k in own if k in needed), key=lambda k: _rank(k, output)))


def _rank(label: int, output: Labels) -> int:
    return output.index(label) if label in output else len(output) + label


def _product_of_pair(a: Operand, b: Operand, kept: Labels, target: Target) -> Code | None:
    """Return the product of two operands over the one label that they share."""
    (x, own), (y, other) = a, b
    if len(set(own)) < len(own) or len(set(other)) < len(other):
        return None
    if own == other and not kept:
        return call(f"{target.module}.sum", binary("*", x, y))
    shared = [k for k in own if k in other]
    batch = [k for k in shared if k in kept]
    summed = [k for k in shared if k not in kept]
    if len(summed) != 1 or set(own) ^ set(other) != set(kept) - set(batch):
        return None
    n = len(batch)
    if [list(labels[:n]) for labels in (own, other, kept)] != [batch] * 3:
        return None
    if not n and max(len(own), len(other)) > MATRIX:
        return _of_stack(a, b, kept) or _of_stack(b, a, kept)
    if max(len(own), len(other)) > n + MATRIX or (n and min(len(own), len(other)) < n + MATRIX):
        return None
    if len(kept) == n + MATRIX and kept[-2] in other:
        (x, own), (y, other) = (y, other), (x, own)
    if len(own) == 1 and len(other) == MATRIX and own[0] == other[1]:
        (x, own), (y, other) = (y, other), (x, own)
    word = "mT" if n else "T"
    left = x if own[-1] == summed[0] else attribute(x, word)
    right = y if other[n] == summed[0] else attribute(y, word)
    return binary("@", left, right)


def _of_stack(stack: Operand, matrix: Operand, kept: Labels) -> Code | None:
    """Return ``X @ W`` for a stack of matrices and one matrix, or a vector, over the last axis.

    >>> from eingrad.codegen.code import atom
    >>> str(_of_stack((atom("X"), (0, 1, 2)), (atom("W"), (3, 2)), (0, 1, 3)))
    'X @ W.T'
    """
    (x, own), (w, other) = stack, matrix
    if len(other) > MATRIX or own[-1] not in other or own[-1] in kept:
        return None
    if kept != (*own[:-1], *(k for k in other if k != own[-1])):
        return None
    return binary("@", x, w if other[0] == own[-1] else attribute(w, "T"))
