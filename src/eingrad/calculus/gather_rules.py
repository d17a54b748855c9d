"""Rewrite rules for reading at integer tensors; see `rule_table` for what a rule is.

``Z[b,y[b]]`` is a `Gather`, and its derivative the indicator ``delta[y[b],o]``: a factor like a
Kronecker delta, which selects o = y[b] where o is summed. What runs has no indicator that is
summed or multiplied by a tensor: it reads (`Gather`) and adds (`Scatter`) at the integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from eingrad.calculus.structure import OpenProduct, open_product
from eingrad.core.algebra import apply, base_and_exponent, broadcast_scalar, einsum
from eingrad.core.arrays import Gather, Scatter
from eingrad.core.expr import Const, Delta, Dim, Einsum, Expr, Labels, Map, Reduce
from eingrad.core.gather import Entry, gather, indicator, indicator_index
from eingrad.core.labelling import Factor
from eingrad.core.product import full


def open_scatter(node: Expr) -> Expr | None:
    """zeros + g_b at (b, y_b) -> delta[y_b,o] g_b"""
    if not isinstance(node, Scatter) or indicator_index(node) is not None:
        return None
    operand, *indices = node.operands
    fresh = count(1 + max(node.output, default=-1))
    extents: dict[int, Dim] = dict(zip(node.output, operand.dims, strict=True))
    factors: list[Factor] = [(operand, node.output)]
    axes: list[int] = []
    for dim, source in zip(node.dims, node.sources, strict=True):
        if isinstance(source, int) and source not in axes:
            axes.append(source)
            continue
        axes.append(next(fresh))
        extents[axes[-1]] = dim
        if isinstance(source, int):
            factors.append((Delta(dim), (source, axes[-1])))
        else:
            factors.append((indicator(indices[source[0]], dim), (*source[1], axes[-1])))
    return einsum(factors, tuple(axes), extents)


def close_scatter(node: Expr) -> Expr | None:
    """delta[y_b,o] g_b -> zeros + g_b at (b, y_b)"""
    product = _with_indicator(node)
    if product is None:
        return None
    found = {
        labels[-1]: (x, labels)
        for x, labels in product.factors
        if indicator_index(x) is not None and labels[-1] in product.output
        and labels[-1] not in labels[:-1]
    }  # fmt: skip
    read = {k for _, labels in found.values() for k in labels[:-1]}
    if not found or read & set(found):
        return None
    rest: list[Factor] = [(Const(product.coefficient), ())]
    chosen = list(found.values())
    for factor in product.factors:
        if factor in chosen:
            chosen.remove(factor)
        else:
            for x, labels in found.values():
                factor = _read_at(factor, labels[-1], x, labels[:-1])
            rest.append(factor)
    if all(not labels for _, labels in rest) and read <= set(product.output):
        return None  # a scaled indicator
    own = [k for k in product.output if k not in found]
    inner = (*own, *sorted(read - set(own)))
    number = {label: k for k, label in enumerate(inner)}
    indices = [x.operands[1] for x, _ in found.values()]
    place = {label: k for k, label in enumerate(found)}
    sources = tuple(
        (place[k], tuple(number[j] for j in found[k][1][:-1])) if k in found else number[k]
        for k in product.output
    )
    value = einsum(rest, inner, product.extents)
    return Scatter(value, indices, sources, tuple(range(len(inner))), node.dims)


def indicator_selects(node: Expr) -> Expr | None:
    """sum_o(delta[y_b,o] Z_bo) -> Z[b,y_b]"""
    product = _with_indicator(node)
    for k, x, labels in _indicators(product):
        assert product is not None
        target, own = labels[-1], labels[:-1]
        if target in product.output:
            continue
        others = [f for j, f in enumerate(product.factors) if j != k]
        ones = (full(1, x.dims[:-1]), own)
        factors = (*(_read_at(f, target, x, own) for f in others), ones)
        return OpenProduct(product.coefficient, factors, product.output, product.extents).build()
    return None


def indicator_cancels(node: Expr) -> Expr | None:
    """delta[y_b,o] Z_bo / Z[b,y_b] -> delta[y_b,o]; delta[y_b,o] delta[y_b,o] -> delta[y_b,o]"""
    product = _with_indicator(node)
    for k, x, labels in _indicators(product):
        assert product is not None
        target, own = labels[-1], labels[:-1]
        present = {(base_and_exponent(f)[0], ls) for f, ls in product.factors}
        for j, (f, ls) in enumerate(product.factors):
            if j == k or target not in ls:
                continue
            if f is x and ls == labels:
                new: Factor = (Const(1), ())
            else:
                new = _read_at((f, ls), target, x, own)
                if (base_and_exponent(new[0])[0], new[1]) not in present:
                    continue
            factors = (*product.factors[:j], new, *product.factors[j + 1 :])
            return OpenProduct(
                product.coefficient, factors, product.output, product.extents
            ).build()
    return None


def gather_moves_in(node: Expr) -> Expr | None:
    """(A + B)[b,y_b] -> A[b,y_b] + B[b,y_b], and so for products and element-wise functions"""
    if not isinstance(node, Gather):
        return None
    tensor = node.operands[0]
    if not isinstance(tensor, Einsum | Map | Delta):
        return None
    fresh = 1 + max(node.output, default=-1)
    labels: list[int] = []
    factors: list[Factor] = []
    for axis, source in enumerate(node.sources):
        if isinstance(source, int):
            labels.append(source)
        else:
            labels.append(fresh)
            at = indicator(node.operands[1 + source[0]], tensor.dims[axis])
            factors.append((at, (*source[1], fresh)))
            fresh += 1
    factor: Factor = (tensor, tuple(labels))
    for x, own in factors:
        factor = _read_at(factor, own[-1], x, own[:-1])
    ones = (full(1, node.dims), node.output)
    return einsum([factor, ones], node.output)


def log_of_gathered_softmax(node: Expr) -> Expr | None:
    """log(softmax(x)[b,y_b]) -> log_softmax(x)[b,y_b]"""
    if not isinstance(node, Map) or node.function != "log":
        return None
    x = node.operands[0]
    if not isinstance(x, Gather) or not isinstance(x.operands[0], Reduce):
        return None
    inner = x.operands[0]
    if inner.function != "softmax":
        return None
    logs = Reduce("log_softmax", inner.operands[0], inner.axes, True)
    return Gather(logs, x.operands[1:], x.sources, x.output)


# --- products with indicators -------------------------------------------------------------------


def _with_indicator(node: Expr) -> OpenProduct | None:
    """Open a product that has an indicator among its factors."""
    if not isinstance(node, Einsum):
        return None
    near = [
        *node.operands,
        *(y for x in node.operands if isinstance(x, Einsum) for y in x.operands),
    ]
    return open_product(node) if any(indicator_index(x) is not None for x in near) else None


def _indicators(product: OpenProduct | None) -> Iterator[tuple[int, Expr, Labels]]:
    """Yield the indicators whose last label is none of their integer tensor's own."""
    for k, (x, labels) in enumerate(product.factors if product else ()):
        if indicator_index(x) is not None and labels[-1] not in labels[:-1]:
            yield k, x, labels


def _read_at(factor: Factor, target: int, at: Expr, own: Labels) -> Factor:
    """Read a factor where its label ``target`` is what the indicator ``at`` says.

    ``own`` are the labels of the indicator's integer tensor.
    """
    node, labels = factor
    if target not in labels:
        return factor
    index = at.operands[1]
    if node is at and labels == (*own, target):
        return full(1, index.dims), own
    if isinstance(node, Delta):
        other = labels[1] if labels[0] == target else labels[0]
        return (full(1, index.dims), own) if other == target else (at, (*own, other))
    if isinstance(node, Map):
        return _read_map(node, labels, target, at, own)
    if isinstance(node, Einsum):
        return _read_product(node, labels, target, at, own)
    entries: list[Entry] = [(index, own) if k == target else k for k in labels]
    if isinstance(node, Gather) and node.output == tuple(range(node.ndim)):
        merged = _merged(node, labels, target, index, own)
        if merged is not None:
            return merged
    return gather(node, entries)


def _read_map(node: Map, labels: Labels, target: int, at: Expr, own: Labels) -> Factor:
    result = tuple(dict.fromkeys(j for k in labels for j in (own if k == target else (k,))))
    extents = dict(zip((*labels, *own), (*node.dims, *at.dims), strict=False))
    extents.update(zip(own, at.dims, strict=False))
    dims = [extents[k] for k in result]
    parts = []
    for x in node.operands:
        if x.ndim:
            x = einsum([_read_at((x, labels), target, at, own)], result, extents)
        parts.append(x)
    return broadcast_scalar(apply(node.function, *parts), dims), result


def _read_product(node: Einsum, labels: Labels, target: int, at: Expr, own: Labels) -> Factor:
    product = open_product(node)
    shift = 1 + max((*labels, *own), default=0)
    names = {k: k + shift for k in product.extents}
    names.update(zip(product.output, labels, strict=True))
    factors = [
        _read_at((x, tuple(names[k] for k in ls)), target, at, own) for x, ls in product.factors
    ]
    result = tuple(dict.fromkeys(j for k in labels for j in (own if k == target else (k,))))
    extents = {names[k]: dim for k, dim in product.extents.items()}
    extents.update(zip(own, at.dims, strict=False))
    coefficient: Factor = (Const(product.coefficient), ())
    return einsum([coefficient, *factors], result, extents), result


def _merged(node: Gather, labels: Labels, target: int, index: Expr, own: Labels) -> Factor | None:
    """Read a gathered tensor again: ``Z[x[b],o]`` at o = y[b] is ``Z[x[b],y[b]]``."""
    entries: list[Entry] = []
    for source in node.sources:
        if isinstance(source, int):
            label = labels[source]
            entries.append((index, own) if label == target else label)
        else:
            at = tuple(labels[k] for k in source[1])
            if target in at:
                return None
            entries.append((node.operands[1 + source[0]], at))
    return gather(node.operands[0], entries)
