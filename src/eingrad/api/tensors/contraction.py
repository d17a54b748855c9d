"""``eg.einsum``: on arrays by the room `api.einsum`, on Tensors as recorded operations."""

from __future__ import annotations

from typing import Any

import numpy as np

from eingrad.api.einsum.einsum import einsum as einsum_arrays
from eingrad.api.einsum.einsum import einsum_expr, read
from eingrad.api.einsum.numeric import is_inexact
from eingrad.api.tensors.dispatch import operate, result_type, written
from eingrad.api.tensors.tensor import Tensor, as_dtype, as_tensor, holds_tensors, is_symbolic, wrap
from eingrad.core.expr import Expr, Var, postorder
from eingrad.core.product import shared_products
from eingrad.core.rewrite import rebuild, substitute
from eingrad.engine.cache import Cache
from eingrad.engine.contract import pairwise

_trees: Cache[Any, Expr] = Cache(512)


def einsum(spec: Any, *operands: Any, out: Any = None, memory_limit: int | None = None) -> Any:
    """Return the product of arrays or Tensors, summed over the labels that the output lacks.

    Arrays in, array out; if an operand is a Tensor the result is one. See `api.einsum.einsum`.

    >>> from eingrad.api.tensors.tensor import tensor
    >>> x = tensor([1.0, 2.0], requires_grad=True)
    >>> einsum("i,i->", x, x).backward()
    >>> x.grad
    Tensor([2., 4.])
    """
    if not holds_tensors((spec, *operands)):
        return einsum_arrays(spec, *operands, out=out, memory_limit=memory_limit)
    if out is not None:
        result = einsum(spec, *operands, memory_limit=memory_limit)
        return written("einsum", result, out)
    equation, given = read(spec, operands)
    items = [as_tensor(x) for x in given]
    dtype = result_type(items)
    if memory_limit is not None or not (is_inexact(dtype) or any(map(is_symbolic, items))):
        arrays = [t._concrete("einsum with memory_limit") for t in items]
        result = einsum_arrays(equation, *arrays, memory_limit=memory_limit)
        if memory_limit is None or not any(t.requires_grad for t in items):
            return wrap(np.asarray(result))
    items = [as_dtype(t, dtype) for t in items]
    return _contract(equation, items)


def _contract(equation: Any, items: list[Tensor]) -> Tensor:
    """Contract two at a time, so that all gradients share the intermediate linear_algebra."""
    key = (equation, tuple(t.shape for t in items))
    tree = _trees.get(key)
    if tree is None:
        expr = einsum_expr(equation, [t.shape for t in items])
        tree = _trees.put(key, pairwise([expr])[0] if len(items) > 2 else expr)
    values: dict[Expr, Tensor] = {}
    for node in postorder([tree]):
        if isinstance(node, Var):
            values[node] = items[int(node.name[1:])]
    if len(items) <= 2:
        leaves = tuple(values)
        return operate("einsum", _whole, list(values.values()), tree, leaves)
    for node in postorder([tree]):
        if node not in values and any(x in values for x in node.operands):
            values[node] = _step(node, values)
    return values[tree] if tree in values else _step(tree, values)


@shared_products()
def _whole(*arguments: Any) -> Expr:
    *placeholders, tree, leaves = arguments
    return substitute(tree, dict(zip(leaves, placeholders, strict=True)))


def _step(node: Expr, values: dict[Expr, Tensor]) -> Tensor:
    """Apply one node of a tree to the values of its operands."""
    operands = list(dict.fromkeys(x for x in node.operands if x in values))
    return operate("einsum step", _template, [values[x] for x in operands], node, tuple(operands))


@shared_products()
def _template(*arguments: Any) -> Expr:
    *placeholders, node, operands = arguments
    inside = dict(zip(operands, placeholders, strict=True))
    return rebuild(node, [substitute(x, inside) for x in node.operands])
