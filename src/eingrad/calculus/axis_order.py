"""The order of axes in which something is computed: that in which its result is wanted.

A function's axes come in the order in which its arguments have them: ``where(k <= q, S_bhqk, 0)``
is one over k, q, b, h, and a definition turns it to b, h, q, k. Turned arrays are slow to read.
Here the arguments are turned instead, down to where a turn costs nothing: products, and inputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from eingrad.core.algebra import apply, broadcast_scalar, einsum, is_light, reduce, transpose
from eingrad.core.expr import Einsum, Expr, Map, Reduce, Var, postorder
from eingrad.core.positions import Shift, shift
from eingrad.core.product import shared_products

Axes = tuple[int, ...]


@shared_products()
def in_order(roots: Sequence[Expr]) -> list[Expr]:
    """Return equal expressions, in which what only one node needs is not turned for it.

    >>> from eingrad.core.expr import Var
    >>> x = apply("exp", Var("x", ("i", "j")))
    >>> in_order([transpose(x, (1, 0))])[0].function
    'exp'
    """
    return _Turner(roots).roots


class _Turner:
    """Recurses into functions, which `name_nested` has kept shallow."""

    def __init__(self, roots: Sequence[Expr]) -> None:
        self.users = Counter(x for node in postorder(roots) for x in set(node.operands))
        self.users.update(roots)
        self.known: dict[tuple[Expr, Axes], Expr] = {}
        self.roots = [self.turned(root, tuple(range(root.ndim))) for root in roots]

    def turned(self, node: Expr, axes: Axes) -> Expr:
        """Return a node with permuted axes, axis k being ``axes[k]``, computed in that order."""
        if not node.operands or isinstance(node, Var):
            return transpose(node, axes)
        key = node, axes
        if key not in self.known:
            self.known[key] = self._turned(node, axes)
        return self.known[key]

    def _turned(self, node: Expr, axes: Axes) -> Expr:
        same = axes == tuple(range(node.ndim))
        if not same and self.users[node] > 1:
            return transpose(self.turned(node, tuple(range(node.ndim))), axes)
        if isinstance(node, Map):
            operands = [self.turned(x, axes) if x.ndim else x for x in node.operands]
            dims = tuple(node.dims[k] for k in axes)
            return broadcast_scalar(apply(node.function, *operands), dims)
        if isinstance(node, Reduce) and node.keeps_axes:
            folded = [k for k, axis in enumerate(axes) if axis in node.axes]
            return reduce(node.function, self.turned(node.operands[0], axes), folded)
        if isinstance(node, Einsum):
            return self._product(node, tuple(node.output[k] for k in axes))
        if isinstance(node, Shift):
            rest = [k - (k > node.axis) for k in axes if k != node.axis]
            orders = [axes, tuple(rest)][: len(node.operands)]
            x, *outside = map(self.turned, node.operands, orders)
            return shift(x, axes.index(node.axis), node.by, *outside)
        return node if same else transpose(node, axes)

    def _product(self, node: Einsum, output: Axes) -> Expr:
        place = {label: k for k, label in enumerate(output)}
        factors = []
        for x, labels in zip(node.operands, node.inputs, strict=True):
            if is_light(node) and len(set(labels)) == len(labels) and place.keys() >= set(labels):
                here = tuple(sorted(range(x.ndim), key=[place[k] for k in labels].__getitem__))
                factors.append((self.turned(x, here), tuple(labels[k] for k in here)))
            else:
                factors.append((x, labels))
        return einsum(factors, output, dict(enumerate(node.extents)))
