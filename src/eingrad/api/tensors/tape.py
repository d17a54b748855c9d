"""The tape: which kernel made which value from which, and the sweeps over it.

A `Node` keeps the values that its derivative reads, as they were when the operation ran; nothing
that happens to a Tensor later reaches them. Nodes are numbered in the order in which they were
made, so a sweep is a walk along the numbers: no recursion, whatever the depth.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from eingrad.api.tensors.kernel import Kernel, KernelDerivative, Traced, Value, cast, kernel_of
from eingrad.core.algebra import add as add_exprs
from eingrad.core.expr import Var
from eingrad.errors import DifferentiationError

_serials = itertools.count()


class _Mode(threading.local):
    """Whether this thread records, and how often tracked values were ``taken`` out as numbers, or
    have ``decided`` something. ``differentiating``: a transform runs the function that it is of."""

    recording = True
    differentiating = False
    taken = decided = 0


mode = _Mode()


class Recording:
    """Record, or do not, in a block. Eager code enters one for each sweep: no generator."""

    __slots__ = ("before", "on")

    def __init__(self, on: bool) -> None:
        self.on = on

    def __enter__(self) -> None:
        self.before, mode.recording = mode.recording, self.on

    def __exit__(self, *_: object) -> None:
        mode.recording = self.before


class Differentiating:
    """Record the function that is being differentiated."""

    __slots__ = ("before",)

    def __enter__(self) -> None:
        self.before = mode.differentiating, mode.recording
        mode.differentiating = mode.recording = True

    def __exit__(self, *_: object) -> None:
        mode.differentiating, mode.recording = self.before


@contextmanager
def no_grad() -> Iterator[None]:
    """Record nothing in this block (of this thread): results need no gradient.

    >>> from eingrad.api.tensors.tensor import tensor
    >>> w = tensor([1.0, 2.0], requires_grad=True)
    >>> with no_grad():
    ...     w -= 0.5
    >>> w.data
    array([0.5, 1.5])
    """
    with Recording(False):
        yield


class Node:
    """A value that depends on tracked ones: the ``kernel`` that made it and its ``sources``.

    ``values`` are the operands and ``results`` the kernel's results; what no derivative reads is
    None. A node without a kernel is a leaf. Where a kernel has several results, each of their
    nodes is a `ResultNode` of one node.
    """

    __slots__ = ("active", "dtype", "kernel", "results", "serial", "shape", "sources", "values")

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        kernel: Kernel | None = None,
        sources: Sequence[Node | None] = (),
    ) -> None:
        self.serial = next(_serials)
        self.shape, self.dtype, self.kernel = shape, dtype, kernel
        self.sources = sources
        self.active = tuple([k for k, source in enumerate(sources) if source is not None])
        self.values: Sequence[Value] = ()
        self.results: Sequence[Value] = ()


class ResultNode(Node):
    """Result ``number`` of a kernel that has several."""

    __slots__ = ("number",)

    def __init__(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], whole: Node, number: int
    ) -> None:
        super().__init__(shape, dtype, None, (whole,))
        self.number = number


class Ruled(Node):
    """A value with a derivative of its own, a ``rule`` from cotangents to those of the sources.

    The first ``count`` of its sources are the operands, which the rule is about. The others are
    its results as they were computed: a sweep around the one that asked the rule (``since`` when
    that began) goes through these, so that a rule is one of the level that it is used on.
    """

    __slots__ = ("count", "rule", "since")

    def __init__(
        self, operands: Sequence[Node | None], results: Sequence[Node | None], rule: Rule
    ) -> None:
        super().__init__((), np.dtype(float), None, (*operands, *results))
        self.count, self.rule = len(operands), rule
        self.since: int | None = None

    def is_outside(self, since: int) -> bool:
        """Whether a sweep is around one that has asked the rule; otherwise it is asked now."""
        if self.since is not None and since < self.since:
            return True
        self.since = since
        return False


def whole_of(part: ResultNode) -> Node:
    """Return the node of all results of the kernel."""
    whole = part.sources[0]
    assert whole is not None
    return whole


Pair = tuple[Value, Node | None]
"""A value and where it comes from: what a Tensor is made of."""

Rule = Callable[[Mapping[int, Pair], bool, tuple[int, ...]], Sequence[Pair | None]]
"""From cotangents of results by number, whether to record, and their leading axes."""


def record(kernel: Kernel, values: Sequence[Value], nodes: Sequence[Node | None]) -> list[Pair]:
    """Run a kernel, and write down what its derivative needs if an operand is tracked."""
    results = kernel(values)
    for source in nodes:
        if source is not None:
            break
    else:
        return [(value, None) for value in results]
    first = results[0]
    shape, dtype = (first.shape, first.dtype) if len(results) == 1 else ((), kernel.results[0])
    node = Node(shape, dtype, kernel, nodes)
    operands, own = kernel.needs(node.active)
    if operands:
        node.values = [v if k in operands else None for k, v in enumerate(values)]
    if own:
        node.results = [v if j in own else None for j, v in enumerate(results)]
    if len(results) == 1:
        return [(first, node)]
    return [(v, ResultNode(v.shape, v.dtype, node, j)) for j, v in enumerate(results)]


def cast_pair(pair: Pair, dtype: np.dtype[Any]) -> Pair:
    """Convert a value to another dtype; a cotangent is converted back."""
    value, node = pair
    if value.dtype == dtype:
        return pair
    template = Var("0", value.shape)
    kernel = kernel_of((template,), (value.dtype,), (dtype,))
    if type(value) is Traced or node is not None:
        return record(kernel, [value], [node])[0]
    return cast(value, dtype), None


def add_pairs(a: Pair, b: Pair) -> Pair:
    """Add two values of one shape and dtype."""
    (x, x_node), (y, y_node) = a, b
    if x_node is None and y_node is None and type(x) is not Traced and type(y) is not Traced:
        return np.add(x, y), None
    total = add_exprs(Var("0", x.shape), Var("1", x.shape))
    kernel = kernel_of((total,), (x.dtype, x.dtype), (x.dtype,))
    return record(kernel, [x, y], [x_node, y_node])[0]


def zeros_pair(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Pair:
    """Return zeros that need no memory."""
    return np.broadcast_to(np.zeros((), dtype), shape), None


# --- sweeps -----------------------------------------------------------------------------------


def reach(roots: Sequence[Node], since: int) -> tuple[list[Node], bool]:
    """Return the nodes behind ``roots`` that are not older than ``since``, oldest first, and
    whether any of them reads an older node."""
    seen: set[Node] = set()
    stack = [node for node in roots if node.serial >= since]
    older = len(stack) < len(roots)
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        for source in node.sources:
            if source is None:
                continue
            if source.serial < since:
                older = True
            elif source not in seen:
                stack.append(source)
    return sorted(seen, key=_serial), older


def _serial(node: Node) -> int:
    return node.serial


def _between(order: Sequence[Node], wrt: set[Node]) -> set[Node]:
    """Return the nodes of ``order`` (oldest first) that depend on ``wrt``, these included."""
    active = set(wrt)
    for node in order:
        for source in node.sources:
            if source in active:
                active.add(node)
                break
    return active


def sweep_back(
    cotangents: Mapping[Node, Pair],
    order: Sequence[Node],
    wrt: set[Node] | None,
    graph: bool,
    lead: tuple[int, ...] = (),
    since: int = -1,
) -> dict[Node, Pair]:
    """Pull cotangents back along ``order``; return those of ``wrt`` (None: of every leaf).

    Each cotangent has the axes ``lead`` and then its node's. With ``graph`` the sweep is recorded;
    ``since`` is the serial of the first node that the function to differentiate has made.
    """
    active = set(order) if wrt is None else _between(order, wrt)
    found: dict[Node, Pair] = {}
    pending: dict[Any, Pair] = dict(cotangents)  # keys: nodes, and (node, number of its result)
    masked: set[Node] = set()  # whose cotangents have zeros where nothing depends on an entry
    with Recording(graph), np.errstate(all="ignore"):
        for node in reversed(order):
            if node not in active:
                continue
            if wrt is not None and node in wrt:
                if node in pending:
                    found[node] = pending.pop(node)
            elif node.kernel is not None:
                _pull_node(node, pending, active, graph, lead, masked)
            elif isinstance(node, Ruled):
                _pull_ruled(node, pending, graph, lead, since)
            elif node in pending:
                if isinstance(node, ResultNode):
                    if node in masked:
                        masked.add(whole_of(node))
                    _accumulate(pending, (node.sources[0], node.number), pending.pop(node))
                else:
                    found[node] = pending.pop(node)
    return found


def _accumulate(pending: dict[Any, Pair], key: Any, pair: Pair) -> None:
    known = pending.get(key)
    pending[key] = pair if known is None else add_pairs(known, pair)


def _pull_ruled(
    node: Ruled, pending: dict[Any, Pair], graph: bool, lead: tuple[int, ...], since: int
) -> None:
    results = node.sources[node.count :]
    seeds = {j: pending.pop((node, j)) for j in range(len(results)) if (node, j) in pending}
    if node.is_outside(since):
        pairs: list[tuple[Node | None, Pair | None]] = [(results[j], x) for j, x in seeds.items()]
    else:
        pairs = list(zip(node.sources[: node.count], node.rule(seeds, graph, lead), strict=True))
    for source, pair in pairs if seeds else ():
        if source is not None and pair is not None:
            _accumulate(pending, source, pair)


def _pull_node(
    node: Node,
    pending: dict[Any, Pair],
    active: set[Node],
    graph: bool,
    lead: tuple[int, ...],
    masked: set[Node],
) -> None:
    kernel = node.kernel
    assert kernel is not None
    if len(kernel.templates) == 1:
        seed = pending.pop(node, None)
        seeds = {} if seed is None else {0: seed}
    else:
        seeds = {
            j: pending.pop((node, j)) for j in range(len(kernel.templates)) if (node, j) in pending
        }
    if not seeds:
        return
    wanted = tuple([k for k in node.active if node.sources[k] in active])
    if not wanted:
        return
    derivative = kernel.pull(wanted, tuple(seeds), lead, node in masked)
    pulled = _derive(node, derivative, seeds, graph)
    for k, pair in zip(derivative.positions, pulled, strict=True):
        _accumulate(pending, node.sources[k], pair)
    if kernel.masks or node in masked:
        masked.update(source for source in node.sources if source is not None)


def _derive(
    node: Node, derivative: KernelDerivative, seeds: Mapping[int, Pair], graph: bool
) -> list[Pair]:
    """Run a derivative of a node's kernel."""
    if not derivative.positions:
        return []
    values: list[Value] = []
    nodes: list[Node | None] = []
    source: Node | None
    for kind, k in derivative.uses:
        if kind == "seed":
            value, source = seeds[k]
        elif kind == "operand":
            value, source = node.values[k], node.sources[k]
        else:
            value, source = node.results[k], _result_node(node, k)
        values.append(value)
        nodes.append(source if graph else None)
    return record(derivative.kernel, values, nodes)


def _result_node(node: Node, number: int) -> Node:
    assert node.kernel is not None
    if len(node.kernel.templates) == 1:
        return node
    value = node.results[number]
    return ResultNode(value.shape, value.dtype, node, number)


def sweep_forward(
    tangents: Mapping[Node, Pair],
    order: Sequence[Node],
    graph: bool,
    lead: tuple[int, ...] = (),
    since: int = -1,
) -> dict[Any, Pair]:
    """Push tangents on along ``order``; return those of all nodes that have one."""
    dots: dict[Any, Pair] = dict(tangents)
    with Recording(graph), np.errstate(all="ignore"):
        for node in order:
            if node in dots:
                continue
            if isinstance(node, ResultNode):
                if (node.sources[0], node.number) in dots:
                    dots[node] = dots[node.sources[0], node.number]
            elif node.kernel is not None:
                _push_node(node, dots, graph, lead)
            elif isinstance(node, Ruled):
                _push_ruled(node, dots, since)
    return dots


def _push_ruled(node: Ruled, dots: dict[Any, Pair], since: int) -> None:
    if not any(x in dots for x in node.sources[: node.count]):
        return
    if node.since is None or since >= node.since:
        raise DifferentiationError(
            "a function with a rule of its own for reverse mode has none for forward mode",
            hint="use eg.grad or eg.vjp; second derivatives are grad of grad",
        )
    for j, result in enumerate(node.sources[node.count :]):
        if result in dots:
            dots[node, j] = dots[result]


def _push_node(node: Node, dots: dict[Any, Pair], graph: bool, lead: tuple[int, ...]) -> None:
    kernel = node.kernel
    assert kernel is not None
    seeds = {k: dots[node.sources[k]] for k in node.active if node.sources[k] in dots}
    if not seeds:
        return
    derivative = kernel.push(tuple(seeds), lead)
    pushed = _derive(node, derivative, seeds, graph)
    for j, pair in zip(derivative.positions, pushed, strict=True):
        dots[node if len(kernel.templates) == 1 else (node, j)] = pair
