"""A tensor as a sum of terms, each a product of Kronecker deltas and one smaller tensor."""

from __future__ import annotations

from dataclasses import dataclass

from eingrad.calculus.structure import expand, is_sum
from eingrad.core.algebra import einsum, is_zero
from eingrad.core.expr import Const, Delta, Einsum, Expr


@dataclass(frozen=True, slots=True)
class Term:
    """``deltas`` are pairs of axes that must be equal, ``axes`` the axes that ``core`` has.

    An axis that is in neither is one along which the term is repeated.
    """

    deltas: tuple[tuple[int, int], ...]
    axes: tuple[int, ...]
    core: Expr


def split_terms(node: Expr) -> list[Term]:
    """Return the terms of a tensor; their deltas are never multiplied into the cores.

    >>> from eingrad.core.expr import Var
    >>> p = Var("p", ("i",))
    >>> diagonal = einsum([(p, (0,)), (Delta("i"), (0, 1))], (0, 1))
    >>> split_terms(diagonal)[0].deltas
    ((0, 1),)
    """
    whole = expand(node)
    terms = whole.operands if is_sum(whole) else (whole,)
    return [_split(x) for x in terms if not is_zero(x)]


def _split(term: Expr) -> Term:
    if not isinstance(term, Einsum) or not any(isinstance(x, Delta) for x in term.operands):
        return Term((), tuple(range(term.ndim)), term)
    pairs = list(zip(term.operands, term.inputs, strict=True))
    position = {label: axis for axis, label in enumerate(term.output)}
    deltas = tuple(
        (position[labels[0]], position[labels[1]]) for x, labels in pairs if isinstance(x, Delta)
    )
    rest = [(x, labels) for x, labels in pairs if not isinstance(x, Delta)]
    present = {k for _, labels in rest for k in labels}
    axes = tuple(axis for axis, label in enumerate(term.output) if label in present)
    core = einsum(rest, tuple(term.output[a] for a in axes)) if rest else Const(1)
    return Term(deltas, axes, core)
