"""``eg.einsum``: on arrays by the room `api.einsum`, on Tensors as recorded operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from eingrad.api.einsum.einsum import einsum as einsum_arrays
from eingrad.api.einsum.einsum import einsum_expr, read
from eingrad.api.einsum.numeric import is_inexact
from eingrad.api.tensors.dispatch import kernel_for, result_type, run_kernel, written
from eingrad.api.tensors.kernel import Kernel
from eingrad.api.tensors.tensor import Tensor, as_dtype, as_tensor, holds_tensors, is_symbolic, wrap
from eingrad.core.expr import Expr, Var, postorder
from eingrad.core.product import shared_products
from eingrad.core.rewrite import rebuild, substitute
from eingrad.engine.cache import Cache
from eingrad.engine.contract import pairwise

Step = tuple[Kernel, list[int]]
"""A kernel and its operands' numbers: those of the product, and one more after each step."""

_trees: Cache[Any, Expr] = Cache(512)
_met: Cache[Any, list[Step]] = Cache(4096)


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
        key = _key(spec, operands)
        steps = None if key is None else _met.get(key)
        if steps is not None:
            return _again(steps, operands)
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
    result, steps = _contract(_tree_of(equation, items), items)
    key = _key(spec, operands)
    if key is not None:
        _met.put(key, steps)
    return result


def _key(spec: Any, operands: Sequence[Any]) -> Any:
    """Return what tells such products apart, None where a check is needed."""
    if type(spec) is not str:
        return None
    key: list[Any] = [spec]
    dtype = None
    for x in operands:
        if type(x) is not Tensor or type(value := x._value) is not np.ndarray:
            return None
        if value.dtype is not dtype:
            if dtype is not None or value.dtype.kind != "f":
                return None
            dtype = value.dtype
            key.append(dtype)
        key.append(value.shape)
    return tuple(key)


def _tree_of(equation: Any, items: Sequence[Tensor]) -> Expr:
    """Return the product, contracted two at a time, so that all gradients share what is between."""
    key = (equation, tuple(t.shape for t in items))
    tree = _trees.get(key)
    if tree is None:
        expr = einsum_expr(equation, [t.shape for t in items])
        tree = _trees.put(key, pairwise([expr])[0] if len(items) > 2 else expr)
    return tree


def _contract(tree: Expr, items: Sequence[Tensor]) -> tuple[Tensor, list[Step]]:
    """Apply a kernel to two operands or fewer, or one for each node of a tree; return them, too."""
    nodes = list(postorder([tree]))
    place: dict[Expr, int] = {x: int(x.name[1:]) for x in nodes if isinstance(x, Var)}
    work: list[tuple[Any, Expr, list[Expr]]] = [(_whole, tree, list(place))]
    if len(items) > 2:
        inner = [x for x in nodes if x not in place]
        work = [(_template, x, list(dict.fromkeys(x.operands))) for x in inner]
    values, steps = list(items), []
    for build, node, operands in work:
        known = [x for x in operands if x in place]
        if not known and node is not tree:
            continue
        places = [place[x] for x in known]
        given = [values[k] for k in places]
        kernel = kernel_for("einsum", build, given, (node, tuple(known)))
        place[node] = len(values)
        steps.append((kernel, places))
        values.append(run_kernel(kernel, given)[0])
    return values[-1], steps


def _again(steps: Sequence[Step], operands: Sequence[Tensor]) -> Tensor:
    """Apply the kernels of a product that was met."""
    values = list(operands)
    for kernel, places in steps:
        values.append(run_kernel(kernel, [values[k] for k in places])[0])
    return values[-1]


@shared_products()
def _whole(*arguments: Any) -> Expr:
    *placeholders, tree, leaves = arguments
    return substitute(tree, dict(zip(leaves, placeholders, strict=True)))


@shared_products()
def _template(*arguments: Any) -> Expr:
    *placeholders, node, operands = arguments
    inside = dict(zip(operands, placeholders, strict=True))
    return rebuild(node, [substitute(x, inside) for x in node.operands])
