"""What makes a graph or a program cheaper, each pass by itself, before it is written as source."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from eingrad.core.algebra import einsum, is_light
from eingrad.core.bands import Window
from eingrad.core.expr import Const, Delta, Dim, Einsum, Expr, Map, Number, Var, exact, postorder
from eingrad.core.functions import MATRIX_FUNCTIONS
from eingrad.core.labelling import connected
from eingrad.core.product import shared_products
from eingrad.engine.product_lowering import can_accumulate
from eingrad.engine.program import FLOAT, Argument, Instruction, Program, Register, Shape

# --- expressions: numbers go where they cost least ---
#
# A Hessian's block ``-2 (delta_kl E_ij - U_il V_jk)`` has n k x n k entries, made of far smaller
# tensors: ``2 U_il`` times ``V_jk`` is written once, where a number around the product, or around
# the sum, would be multiplied into every entry.


@shared_products()
def scale_small_factors(root: Expr) -> Expr:
    """Return a result with its numbers in the small factors of its terms, where all have such.

    >>> from eingrad.core.expr import Var
    >>> a, b, x = Var("A", ("i", "j")), Var("B", ("k", "l")), Var("x", ("l",))
    >>> flat = einsum([(Const(2), ()), (a, (0, 1)), (b, (2, 3)), (x, (3,))], (0, 1, 2))
    >>> [len(node.operands) for node in (flat, scale_small_factors(flat))]  # 2 [A B x]; 2 A [B x]
    [2, 3]
    """
    number, inner = _scale(root)
    is_sum = isinstance(inner, Map) and inner.function == "add"
    scales = [_scale(term) for term in inner.operands] if is_sum else [(1, inner)]
    scales = [(c, _outer(x)) for c, x in scales]
    if all(number * c == 1 for c, _ in scales) or not all(_is_small(x) for _, x in scales):
        return root
    new = [_scaled(x, exact(number * c)) for c, x in scales]
    if not is_sum:
        return _turned_as(root, new[0])
    turned = [_turned_as(term, x) for term, x in zip(inner.operands, new, strict=True)]
    return _turned_as(root, Map("add", turned))


def _scale(node: Expr) -> tuple[Number, Expr]:
    """Split ``2 x`` into 2 and x, which has the same axes, perhaps in another order."""
    if isinstance(node, Einsum) and len(node.operands) == 2 and isinstance(node.operands[0], Const):
        number, inner = node.operands[0].value, node.operands[1]
        if sorted(node.inputs[1]) == sorted(node.output) and not isinstance(inner, Delta):
            return number, inner
    return 1, node


def _turned_as(node: Expr, new: Expr) -> Expr:
    """Give what replaces the inner tensor of ``node`` (see `_scale`) the order of its axes."""
    if _scale(node)[1] is node:
        return new
    assert isinstance(node, Einsum)
    labels = node.inputs[1]
    if labels == node.output:
        return new
    return Einsum([new], [labels], node.output, node.extents)


def _outer(node: Expr) -> Expr:
    """Return a flat product as one of parts that share no summed label, if there are several."""
    if not isinstance(node, Einsum):
        return node
    pairs = list(zip(node.operands, node.inputs, strict=True))
    summed = set(node.summed)
    groups = [own for _, own in connected(summed, pairs)]
    rest = [(x, labels) for x, labels in pairs if summed.isdisjoint(labels)]
    if not groups or len(groups) + len(rest) == 1:
        return node
    for own in groups:
        labels = tuple(k for k in node.output if any(k in ls for _, ls in own))
        rest.append((einsum(own, labels), labels))
    extents = [node.extents[k] for k in node.output]  # numbered 0, 1, ... in a heavy product
    return Einsum([x for x, _ in rest], [labels for _, labels in rest], node.output, extents)


def _is_small(node: Expr) -> bool:
    """Whether a product is made of fewer entries than it has: a diagonal, or an outer product."""
    if not isinstance(node, Einsum) or node.summed:
        return False
    diagonal = any(isinstance(x, Delta) for x in node.operands)
    return diagonal or all(x.ndim < node.ndim for x in node.operands)


def _scaled(node: Expr, number: Number) -> Expr:
    """Return a product with a number among its factors; it is multiplied into the smallest one."""
    assert isinstance(node, Einsum)
    if number == 1:
        return node
    operands, inputs = (Const(number), *node.operands), ((), *node.inputs)
    return Einsum(operands, inputs, node.output, node.extents)


# --- programs: steps on large arrays get the operation that is fast and exact enough there ---
#
# For NumPy alone; PyTorch and XLA choose by themselves.

SUM = 2**14  # entries, from which on a sum is made in BLAS
OUTER = 2**15  # entries of an outer product, from which on it is
LONG = 8192  # products in single precision, from which on a sum of them is added up with care
SHORT_ROW = 32  # entries of a row, over which NumPy's loops take most of their time to begin
ROWS_SUM, EXTREMUM = 2048, 512  # entries, from which on it is worth while to go another way
LONG_ROW, BUFFER = 384, 8192  # entries of a row: worth a loop of its own; as NumPy has them already
ROW_DOT = 256  # entries of a row, from which on BLAS multiplies rows faster than NumPy
SYMMETRIC = 128  # rows of a symmetric product, from which on half of it is multiplied
BROADCAST = 2**15  # entries of a result, from which on it matters how NumPy broadcasts
PRODUCTS = frozenset({"matmul", "dot", "einsum"})
IN_BLAS = PRODUCTS | {
    "long_matmul", "long_dot", "long_einsum", "symmetric_matmul", "gemm", "outer", "row_dots",
    "large_sum", "conv", "conv_input", "conv_kernel",
}  # fmt: skip
ARITHMETIC = frozenset({"add", "subtract", "multiply", "divide"})
EXTREMA = frozenset({"amax", "amin"})


def specialize_large(program: Program, dtype: str) -> Program:
    """Rename, in place, the operations of steps that work on large arrays."""
    single, real = np.finfo(dtype).nmant <= 23, np.dtype(dtype).kind == "f"
    made = {step.out: step for step in program.steps}
    for step in program.steps:
        if step.out.kind != FLOAT:
            continue
        if step.op in PRODUCTS and single and step.flops > LONG * max(1, step.out.size):
            step.op = f"long_{step.op}"
        elif step.op == "matmul" and real and _is_symmetric(step, made):
            step.op, step.flops = "symmetric_matmul", step.flops // 2
        elif step.op == "sum" and _is_large_sum(step):
            step.op = "large_sum"
        elif step.op in EXTREMA and _has_short_rows(step, EXTREMUM):
            step.op = f"short_{step.op}"
        elif step.op == "multiply" and real and (pair := _outer_operands(step)):
            step.op, step.arguments = "outer", pair
        elif step.op in ARITHMETIC and real and _repeats_over_long_rows(step):
            step.op = f"rows_{step.op}"
        elif step.op == "einsum" and real and _is_row_dots(step):
            step.op = "row_dots"
    return program


def _is_symmetric(step: Instruction, made: Mapping[Register, Instruction]) -> bool:
    """Whether a large product is one of a matrix with itself, transposed, with weights between:
    ``X_nk d_n X_na`` of the Hessian of a likelihood. NumPy sees only one without weights."""
    left, right = step.reads
    if len(step.out.shape) != 2 or min(step.out.shape) < SYMMETRIC:
        return False
    first, second = _unweighted(left, 1, made), _unweighted(right, 0, made)
    return first == second and left.root is not right.root


def _unweighted(
    x: Register, summed: int, made: Mapping[Register, Instruction]
) -> tuple[Register, int]:
    """Return the matrix of which one has other multiples of the rows along an axis, and its axis.

    >>> from eingrad.engine.program import Builder
    >>> b = Builder()
    >>> a, d = b.input("a", (3, 2), FLOAT), b.input("d", (3, 1), FLOAT)
    >>> scaled = b.transpose(b.elementwise("multiply", [d, a]), (1, 0))
    >>> _unweighted(scaled, 1, b.made)
    (v0[3, 2], 0)
    """
    while True:
        if x.view == ("transpose", (1, 0)) and x.parent is not None:
            x, summed = x.parent, 1 - summed
            continue
        weighted = _weighted(made[x], summed) if x in made else None
        if weighted is None:
            return x, summed
        x = weighted


def _weighted(step: Instruction, axis: int) -> Register | None:
    """Return the matrix that a step multiplies by a weight for each place along an axis."""
    shape = step.out.shape
    for place in WEIGHTED.get(step.op.removeprefix("rows_"), ()):
        x, others = step.arguments[place], [y for k, y in enumerate(step.arguments) if k != place]
        if not isinstance(x, Register) or x.shape != shape or x.kind != FLOAT:
            continue
        weights = [y for y in others if isinstance(y, Register)]
        if all(((1, 1, *y.shape)[-2:])[1 - axis] == 1 for y in weights):
            return x
    return None


WEIGHTED = {"multiply": (0, 1), "divide": (0,), "negative": (0,)}
"""Operations, and the places of what they may multiply by weights."""


def _is_large_sum(step: Instruction) -> bool:
    (x,) = step.reads
    return x.kind == FLOAT and (x.size >= SUM or _has_short_rows(step, ROWS_SUM))


def _repeats_over_long_rows(step: Instruction) -> bool:
    """Whether an operand is repeated while the rows of the result are long, but not too long.

    NumPy copies what is repeated into buffers that span rows, and that takes as long again.
    """
    shape = step.out.shape
    if step.out.size < BROADCAST or not LONG_ROW <= shape[-1] < BUFFER:
        return False
    plain = all(x.kind == FLOAT for x in step.reads)
    return plain and any(x.size > 1 and x.shape != shape for x in step.reads)


def _is_row_dots(step: Instruction) -> bool:
    """Whether each entry of a product is the dot of two rows, which lie in memory as they are."""
    terms, output = step.parameters[0].split("->")
    left, right = terms.split(",")
    rows = left == right and left.startswith(output) and len(set(left)) == len(left)
    plain = all(x.kind == FLOAT for x in step.reads)
    return rows and plain and step.flops >= ROW_DOT * max(1, step.out.size)


def _has_short_rows(step: Instruction, least: int) -> bool:
    """Whether the last axis alone is folded, a short one, of at least so many entries in all."""
    (x,) = step.reads
    if x.kind != FLOAT or x.size < least or step.parameters[0] != (len(x.shape) - 1,):
        return False
    return 1 < x.shape[-1] <= SHORT_ROW


def _outer_operands(step: Instruction) -> tuple[Register, Register] | None:
    """Return the operand with the first axes of the result and the one with the rest, if large."""
    pair = [x for x in step.reads if x.kind == FLOAT and x.size > 1]
    if step.out.size < OUTER or len(pair) != 2:
        return None
    first, second = sorted(pair, key=lambda x: _extent(x.shape))
    return (first, second) if _extent(first.shape)[1] <= _extent(second.shape)[0] else None


def _extent(shape: Shape) -> tuple[int, int]:
    """Return the first axis longer than 1 and the end of the last, counted from the back."""
    long = [k - len(shape) for k, n in enumerate(shape) if n > 1]
    return long[0], long[-1] + 1


def blas_work(program: Program) -> int:
    """Return the multiplications of the largest product or sum that one call of BLAS makes."""
    return max(map(_work, program.steps), default=0)


def _work(step: Instruction) -> int:
    if step.op in MATRIX_FUNCTIONS:
        return max((x.shape[-1] ** 3 for x in step.reads if x.shape), default=0)
    if step.op not in IN_BLAS:
        return 0
    batch = math.prod(step.out.shape[:-2]) if step.op.endswith("matmul") else 1
    return step.flops // max(1, batch)


# --- order: what frees memory first, and updates as soon as nothing is in the way ---
#
# It changes no value: a step that would overwrite what is still read gets memory of its own.


def by_height(roots: Mapping[str, Expr], nodes: Iterable[Expr]) -> list[tuple[str, Expr]]:
    """Return named roots so that those come first which need the fewest steps one after another.

    In backpropagation these are the gradients by the last layer: what they alone need is free
    again before the gradients by the first layer are computed.
    """
    height: dict[Expr, int] = {}
    for node in postorder(nodes):
        height[node] = 1 + max((height[x] for x in node.operands), default=0)
    return sorted(roots.items(), key=lambda item: height[item[1]])


def hoist_updates(program: Program, start: int) -> None:
    """Move each step from number ``start`` on, of an update, to where its operands are there.

    The step that gives an input its new value also waits for all steps that read the old one.
    """
    position: dict[Register, int] = {}
    last_read: dict[Register, int] = {}
    target = {register.root: program.inputs[name] for name, register in program.updates.items()}
    order: list[tuple[int, int]] = []
    for k, step in enumerate(program.steps):
        place = k
        if k >= start:
            place = max((position.get(x.root, -1) for x in step.reads), default=-1)
            if step.out in target:
                place = max(place, last_read.get(target[step.out], -1))
        position[step.out] = place
        for x in step.reads:
            last_read[x.root] = max(last_read.get(x.root, -1), place)
        order.append((place, k))
    program.steps = [program.steps[k] for _, k in sorted(order)]


# --- programs: without the steps whose results nothing reads ---


def prune(program: Program) -> Program:
    """Drop what no result and no new value needs, in place.

    A Kronecker delta in a product, for one, is lowered like every operand, and then not read: the
    product writes along the diagonal.
    """
    wanted = {x.root for x in program.outputs.values() if isinstance(x, Register)}
    wanted |= {x.root for x in program.updates.values()}
    kept = []
    for step in reversed(program.steps):
        if step.out in wanted:
            kept.append(step)
            wanted.update(x.root for x in step.reads)
    program.steps[:] = reversed(kept)
    return program


# --- programs: a sum with entries that are scattered is one with entries added in their places ---


def add_at_entries(program: Program) -> Program:
    """``x - 2 scatter(v)`` -> x with -2 v added at the entries, in place.

    A cross-entropy's ``p - onehot(y)`` then makes no array of zeros.
    """
    uses = Counter(x.root for step in program.steps for x in step.reads)
    results = [*program.outputs.values(), *program.updates.values()]
    uses.update(x.root for x in results if isinstance(x, Register))
    made = {step.out: step for step in program.steps}

    def scattered(x: Argument, factor: Number) -> tuple[Number, Instruction] | None:
        """Return the step that scatters, and the number by which its result is multiplied."""
        while isinstance(x, Register) and uses[x] == 1 and x in made:
            step = made[x]
            if step.op == "scatter":
                return (factor, step) if len(step.arguments) > 1 else None
            match step.op, step.arguments:
                case "negative", (inner,):
                    x, factor = inner, -factor
                case ("multiply", (Register() as inner, (int() | float()) as number)) if (
                    math.isfinite(number)
                ):
                    x, factor = inner, factor * number
                case _:
                    return None
        return None

    for step in program.steps:
        for k, sign in ADDED.get(step.op, ()):
            whole, found = step.arguments[1 - k], scattered(step.arguments[k], sign)
            if found is None or not isinstance(whole, Register) or whole.kind != FLOAT:
                continue
            factor, source = found
            if whole.shape == step.out.shape == source.out.shape and source.out.kind == FLOAT:
                step.op, step.in_place = "add_at", (0,) if 1 - k in step.in_place else ()
                step.arguments = (whole, *source.arguments)
                step.parameters = ((factor, *source.parameters),)
                break
    return prune(program)


ADDED = {"add": ((0, 1), (1, 1)), "subtract": ((1, -1),)}
"""Operations, with the places of what they add to something, and its sign."""


# --- expressions: new values ``beta W + c A B``, one product that adds to W in W's memory ---

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
        moves = any(isinstance(x, Window) for x in core.operands)  # it may be a convolution
        if not moves and can_accumulate(core.inputs, core.output):
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
