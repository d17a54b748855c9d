"""``eg.einsum``: on arrays by the room `api.einsum`, on Tensors as recorded operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from eingrad.api.einsum.einsum import einsum as einsum_arrays
from eingrad.api.einsum.einsum import einsum_expr, read
from eingrad.api.einsum.numeric import is_inexact
from eingrad.api.tensors.dispatch import kernel_for, operate, result_type, run_kernel, written
from eingrad.api.tensors.kernel import Kernel
from eingrad.api.tensors.tensor import Tensor, as_dtype, as_tensor, holds_tensors, is_symbolic, wrap
from eingrad.core.expr import Expr, Var, postorder
from eingrad.core.product import shared_products
from eingrad.core.rewrite import rebuild, substitute
from eingrad.engine.cache import Cache
from eingrad.engine.contract import pairwise

_trees: Cache[Any, Expr] = Cache(512)
_direct: Cache[Any, tuple[Kernel, list[int]]] = Cache(4096)


def einsum(spec: Any, *operands: Any, out: Any = None, memory_limit: int | None = None) -> Any:
    """Return the product of arrays or Tensors, summed over the labels that the output lacks.

    Arrays in, array out; if an operand is a Tensor the result is one. See `api.einsum.einsum`.

    >>> from eingrad.api.tensors.tensor import tensor
    >>> x = tensor([1.0, 2.0], requires_grad=True)
    >>> einsum("i,i->", x, x).backward()
    >>> x.grad
    Tensor([2., 4.])
    """
    if out is None and memory_limit is None:
        known = _met(spec, operands)
        if known is not None:
            kernel, order = known
            return run_kernel(kernel, [operands[k] for k in order])[0]
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
    tree = _tree_of(equation, items)
    if len(items) > 2:
        return _contract(tree, items)
    leaves = tuple(node for node in postorder([tree]) if isinstance(node, Var))
    order = [int(var.name[1:]) for var in leaves]
    kernel = kernel_for("einsum", _whole, [items[k] for k in order], (tree, leaves))
    key = _key(spec, operands)
    if key is not None:
        _direct.put(key, (kernel, order))
    return run_kernel(kernel, [items[k] for k in order])[0]


def _met(spec: Any, operands: Sequence[Any]) -> tuple[Kernel, list[int]] | None:
    """Return the kernel of a product of one or two Tensors, the like of which was met before, and
    in which order it takes them."""
    key = _key(spec, operands) if len(operands) <= 2 else None
    return None if key is None else _direct.get(key)


def _key(spec: Any, operands: Sequence[Any]) -> Any:
    """Return what tells such products apart, None where a check is needed."""
    if type(spec) is not str or not all(type(x) is Tensor for x in operands):
        return None
    values = [x._value for x in operands]
    dtype = values[0].dtype if values else None
    if any(type(v) is not np.ndarray or v.dtype != dtype or v.dtype.kind != "f" for v in values):
        return None
    return (spec, dtype, *[v.shape for v in values])


def _tree_of(equation: Any, items: Sequence[Tensor]) -> Expr:
    """Return the product, contracted two at a time, so that all gradients share what is between."""
    key = (equation, tuple(t.shape for t in items))
    tree = _trees.get(key)
    if tree is None:
        expr = einsum_expr(equation, [t.shape for t in items])
        tree = _trees.put(key, pairwise([expr])[0] if len(items) > 2 else expr)
    return tree


def _contract(tree: Expr, items: Sequence[Tensor]) -> Tensor:
    """Apply the nodes of a tree one after the other."""
    values: dict[Expr, Tensor] = {}
    for node in postorder([tree]):
        if isinstance(node, Var):
            values[node] = items[int(node.name[1:])]
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
