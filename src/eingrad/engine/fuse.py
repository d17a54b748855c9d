"""New values ``beta W + c A B`` of inputs: one matrix product that adds to W, in W's memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from eingrad.core.algebra import is_light
from eingrad.core.expr import Const, Dim, Einsum, Expr, Map, Number, Var, postorder
from eingrad.engine.product import can_accumulate

WORTH_ACCUMULATING = 2**15  # entries; below, a product and an addition take less time


def split_update(name: str, node: Expr) -> tuple[Number, Einsum | None, Einsum] | None:
    """Split ``beta W + scale A B`` into (beta, the light product around A B or None, A B)."""
    if not isinstance(node, Map) or node.function != "add" or len(node.operands) != 2:
        return None
    for own, term in (node.operands, node.operands[::-1]):
        beta = _multiple_of(name, own)
        if beta is None:
            continue
        scale = term if isinstance(term, Einsum) and is_light(term) else None
        core = term if scale is None else next((x for x in scale.operands if x.ndim), None)
        if not isinstance(core, Einsum) or is_light(core):
            continue
        if scale is not None and scale.inputs[scale.operands.index(core)] != scale.output:
            continue
        if can_accumulate(core.inputs, core.output):
            return beta, scale, core
    return None


def _multiple_of(name: str, node: Expr) -> Number | None:
    """Return c where ``node`` is c times the input."""
    if isinstance(node, Var):
        return 1 if node.name == name and not node.integer else None
    if isinstance(node, Einsum) and len(node.operands) == 2 and is_light(node):
        number, own = node.operands
        same = isinstance(own, Var) and own.name == name and node.inputs[1] == node.output
        if same and isinstance(number, Const) and not isinstance(number.value, complex):
            return number.value
    return None


def fused_updates(
    outputs: Mapping[str, Expr], updates: Mapping[str, Expr], size_of: Callable[[Dim], int]
) -> dict[Expr, str]:
    """Return the new values that one product computes, and the nodes that it swallows.

    Each comes with the name of the input. No output may need such a new value: these are computed
    when outputs are there already.
    """
    uses: dict[Expr, int] = {}
    for node in postorder([*outputs.values(), *updates.values()]):
        for x in set(node.operands):
            uses[x] = uses.get(x, 0) + 1
    needed = set(postorder(outputs.values()))
    result: dict[Expr, str] = {}
    for name, node in updates.items():
        split = split_update(name, node)
        if split is None or node in needed or node in result:
            continue
        _, scale, core = split
        inner = [x for x in (scale, core) if x is not None]
        entries = math.prod(size_of(core.extents[k]) for k in core.output)
        if entries >= WORTH_ACCUMULATING and all(uses[x] == 1 and x not in needed for x in inner):
            result.update(dict.fromkeys([node, *inner], name))
    return result


def late_nodes(updates: Mapping[str, Expr], fused: Mapping[Expr, str]) -> set[Expr]:
    """Return the nodes that need a fused new value, themselves included."""
    late: set[Expr] = set()
    for node in postorder(updates.values()):
        if node in fused or any(x in late for x in node.operands):
            late.add(node)
    return late
