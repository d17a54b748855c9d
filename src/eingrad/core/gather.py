"""Reading at integer tensors, in normal form: `Gather` nodes, and indicators ``delta[y[b],o]``."""

from __future__ import annotations

from collections.abc import Sequence

from eingrad.core.arrays import AxisSource, Gather, Scatter
from eingrad.core.expr import Dim, Expr, Labels
from eingrad.core.product import full

Entry = int | tuple[Expr, Labels]
"""Where an axis is read: at a label, or at an integer tensor, whose axes have labels."""


def gather(tensor: Expr, entries: Sequence[Entry]) -> tuple[Expr, Labels]:
    """Return the entries of a tensor and the labels of their axes, in order of first use.

    >>> from eingrad.core.expr import Var
    >>> z, y = Var("Z", ("b", "o")), Var("y", ("b",), integer=True)
    >>> node, labels = gather(z, [7, (y, (7,))])
    >>> node.dims, labels
    (('b',), (7,))
    """
    used = [(x,) if isinstance(x, int) else x[1] for x in entries]
    number = {label: k for k, label in enumerate(dict.fromkeys(k for ls in used for k in ls))}
    indices: list[Expr] = []
    sources: list[AxisSource] = []
    for entry in entries:
        if isinstance(entry, int):
            sources.append(number[entry])
        else:
            sources.append((len(indices), tuple(number[k] for k in entry[1])))
            indices.append(entry[0])
    return Gather(tensor, indices, sources, tuple(range(len(number)))), tuple(number)


def indicator(index: Expr, dim: Dim) -> Expr:
    """Return the tensor over the index's axes and ``dim`` that is 1 at the index, else 0.

    >>> from eingrad.core.expr import Var
    >>> indicator(Var("y", ("b",), integer=True), "o").dims
    ('b', 'o')
    """
    axes = tuple(range(index.ndim))
    return Scatter(full(1, index.dims), [index], (*axes, (0, axes)), axes, (*index.dims, dim))


def indicator_index(node: Expr) -> Expr | None:
    """Return the integer tensor of an indicator; None of anything else."""
    if not isinstance(node, Scatter) or len(node.operands) != 2:
        return None
    index = node.operands[1]
    return index if node is indicator(index, node.dims[-1]) else None
