"""What the transforms share: fresh nodes for arguments, and results as the caller passed them."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, SupportsIndex, cast

import numpy as np

from eingrad.api.einsum.numeric import is_inexact
from eingrad.api.tensors.kernel import kernel_of
from eingrad.api.tensors.tape import (
    Node,
    Pair,
    cast_pair,
    mode,
    reach,
    sweep_back,
    sweep_forward,
    zeros_pair,
)
from eingrad.api.tensors.tensor import Tensor, as_tensor, is_symbolic, wrap
from eingrad.api.transforms.pytree import Structure, flatten, unflatten
from eingrad.core.expr import Var
from eingrad.errors import DifferentiationError, EingradError, ShapeError

Function = Callable[..., Any]
NUMBERS = (bool, int, float, complex, np.generic, np.ndarray)
Argnums = SupportsIndex | Sequence[SupportsIndex]


@dataclass(slots=True)
class Inputs:
    """Arguments with fresh nodes for the leaves that are differentiated by.

    ``taken`` is how many values of tracked Tensors had been taken out as numbers before, and
    ``decided`` how many had gone into a comparison or the like.
    """

    tensors: list[Tensor]
    structure: Structure
    since: int
    taken: int
    decided: int

    @property
    def nodes(self) -> list[Node]:
        return [t._node for t in self.tensors if t._node is not None]


@dataclass(slots=True)
class Mark:
    """What is kept of a result until cotangents come: all but its array."""

    _node: Node | None
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def track(
    trees: Sequence[Any], what: str, numbers: Sequence[int] = (), lasting: bool = False
) -> tuple[Any, Inputs]:
    """Return the trees with tracked Tensors as leaves; errors speak of each as ``what`` and its
    number.

    What is recorded of ``lasting`` ones is read after the call, when the caller may have written
    to the arrays: it is copied.
    """
    leaves, structure = flatten(trees)
    tensors = [as_tensor(x) for x in leaves]
    for t in tensors:
        if not is_inexact(t._value.dtype):
            names = [f"{what} {k}" for k in numbers or range(len(trees))]
            raise _not_smooth(tensors, structure, names)
    tensors = [_fresh(t, lasting) for t in tensors]
    since = min([t._node.serial for t in tensors if t._node is not None], default=0)
    return unflatten(structure, tensors), Inputs(
        tensors, structure, since, mode.taken, mode.decided
    )


def track_arguments(args: Sequence[Any], argnums: Argnums) -> tuple[list[Any], Inputs]:
    """Return the arguments of a call, those that ``argnums`` names with tracked leaves."""
    numbers = _positions(argnums, args)
    tracked, inputs = track(tuple([args[k] for k in numbers]), "argument", numbers)
    changed = list(args)
    for k, x in zip(numbers, tracked, strict=True):
        changed[k] = x
    return changed, inputs


def _not_smooth(
    tensors: Sequence[Tensor], structure: Structure, names: Sequence[str]
) -> DifferentiationError:
    """Return the error about the first leaf of integers or booleans."""
    owners = [n for n, c in zip(names, structure.children, strict=True) for _ in range(c.count)]
    named = zip(tensors, structure.paths(), owners, strict=True)
    t, path, owner = next(x for x in named if not is_inexact(x[0].dtype))
    path = owner + path[path.index("]") + 1 :]
    return DifferentiationError(
        f"{path} is of dtype {t.dtype}: integers and booleans cannot be differentiated by",
        operand=path,
        hint=f"pass floating-point numbers, or leave {path} out of argnums",
    )


def _fresh(t: Tensor, lasting: bool) -> Tensor:
    if t._node is None:
        node = Node(t.shape, t.dtype)
    else:
        identity = kernel_of((Var("0", t.shape),), (t.dtype,), (t.dtype,))
        node = Node(t.shape, t.dtype, identity, (t._node,))
    return wrap(t._value, node, lasting and t._exposed)


def has_tensor(tree: Any) -> bool:
    """Whether there is a Tensor among the leaves."""
    if isinstance(tree, tuple | list | dict):
        return any(map(has_tensor, tree.values() if isinstance(tree, dict) else tree))
    return isinstance(tree, Tensor)


def outward(pair: Pair, as_tensors: bool) -> Any:
    """Return a result as the caller has passed the arguments: an array or a Tensor."""
    t = wrap(*pair)
    if as_tensors or t._node is not None or is_symbolic(t):
        return t
    return t._value if _is_free(pair, t) else np.array(t._value)


def _held(pair: Pair, t: Tensor) -> tuple[int, int]:  # noqa: ARG001
    """Return how many references there are to an array, and to the memory that it is a view of."""
    return sys.getrefcount(t._value), sys.getrefcount(t._value.base)


def _baseline(view: bool) -> tuple[int, int]:
    array = np.empty((2, 3))
    pair = (array.T if view else array, None)
    del array
    return _held(pair, wrap(*pair))


_ALONE, _ALONE_AS_VIEW = _baseline(False), _baseline(True)


def _is_free(pair: Pair, t: Tensor) -> bool:
    """Whether nothing but a pair holds its array, or the memory of it, which has no other entry."""
    value = t._value
    base = value.base
    if not value.flags.writeable:
        return False
    del value
    if base is None:
        return _held(pair, t)[0] <= _ALONE[0]
    if type(base) is not np.ndarray or base.base is not None or base.nbytes != t._value.nbytes:
        return False
    del base
    held = _held(pair, t)
    return held[0] <= _ALONE_AS_VIEW[0] and held[1] <= _ALONE_AS_VIEW[1]


def result(t: Tensor, since: int, as_tensors: bool) -> Any:
    """Return a function's value without the nodes of this call, unless older ones are behind."""
    node = t._node
    if node is not None and mode.recording and (node.serial < since or reach([node], since)[1]):
        return t
    pair = t._value, None
    del t  # so that an array which nobody else has is not copied
    return outward(pair, as_tensors)


def smooth_outputs(out: Any, inputs: Inputs) -> tuple[list[Tensor], Structure]:
    """Return the Tensors of a function's value; raise for integers and booleans among them."""
    tensors, structure = outputs(out, inputs)
    for k, t in enumerate(tensors):
        if not is_inexact(t._value.dtype):
            raise flat_result(f"a result of dtype {t.dtype}", structure.paths()[k])
    return tensors, structure


def flat_result(what: str, path: str = "") -> DifferentiationError:
    """Return the error about a result that has no derivative but 0."""
    where = f" in {path}" if path else ""
    return DifferentiationError(
        f"the function returned {what}{where}: its gradient is 0 wherever it exists",
        hint="return a smooth loss; eg.stop_gradient marks what is meant as a constant",
    )


def outputs(out: Any, inputs: Inputs | None = None) -> tuple[list[Tensor], Structure]:
    """Return the Tensors of a function's value.

    A number among them is a constant if the function cannot have computed it from ``inputs``:
    it has not called float(), item() and the like on anything tracked.
    """
    leaves, structure = flatten(out)
    constant = inputs is not None and inputs.taken == mode.taken
    for leaf in leaves:
        if not isinstance(leaf, Tensor) and not (constant and isinstance(leaf, NUMBERS)):
            raise DifferentiationError(
                f"the function returned {type(leaf).__name__}, not a Tensor, so nothing is known "
                "of how it was computed",
                hint="return what eingrad's functions return; float(), item() and numpy() leave "
                "the graph",
            )
    return [as_tensor(x) for x in leaves], structure


def pull(
    seeds: Sequence[tuple[Tensor | Mark, Pair]], inputs: Inputs, lead: tuple[int, ...] = ()
) -> list[Pair]:
    """Pull cotangents of results back to the inputs."""
    cotangents: dict[Node, Pair] = {}
    for t, pair in seeds:
        if t._node is not None and t._node.serial >= inputs.since:
            known = cotangents.get(t._node)
            cotangents[t._node] = pair if known is None else _sum(known, pair)
    order, older = reach(list(cotangents), inputs.since)
    graph = mode.recording and (older or any(p[1] is not None for _, p in seeds))
    found = sweep_back(cotangents, order, set(inputs.nodes), graph, lead, inputs.since)
    return [
        found.get(t._node) or zeros_pair((*lead, *t.shape), t.dtype)  # type: ignore[arg-type]
        for t in inputs.tensors
    ]


def _sum(a: Pair, b: Pair) -> Pair:
    total = wrap(*a) + wrap(*b)
    return total._value, total._node


def push(
    outs: Sequence[Tensor], tangents: Sequence[Pair], inputs: Inputs, lead: tuple[int, ...] = ()
) -> list[Pair]:
    """Push tangents of the inputs on to results."""
    roots = [t._node for t in outs if t._node is not None]
    order, older = reach([n for n in roots if n.serial >= inputs.since], inputs.since)
    graph = mode.recording and (older or any(node is not None for _, node in tangents))
    seeds = dict(zip(inputs.nodes, tangents, strict=True))
    dots = sweep_forward(seeds, order, graph, lead, inputs.since)
    return [dots.get(t._node) or zeros_pair((*lead, *t.shape), t.dtype) for t in outs]


def like(x: Any, t: Tensor | Mark, what: str) -> Pair:
    """Return a tangent or cotangent for ``t``, of its shape and dtype."""
    given = as_tensor(x)
    if given.shape != t.shape:
        raise ShapeError(f"{what} has shape {given.shape}, it must have {t.shape}")
    if given.dtype != t.dtype and not np.can_cast(given.dtype, t.dtype, "same_kind"):
        raise EingradError(f"{what} has dtype {given.dtype}, it must have {t.dtype}")
    return cast_pair((given._value, given._node), t.dtype)


def check_function(fn: Any) -> None:
    if not callable(fn):
        raise EingradError(f"a function is transformed, and this is a {type(fn).__name__}")


def _positions(argnums: Argnums, args: Sequence[Any]) -> list[int]:
    several = cast("Sequence[SupportsIndex]", (argnums,) if is_single(argnums) else argnums)
    try:
        given = [operator.index(k) for k in several]
    except TypeError:
        raise EingradError(
            f"argnums is {argnums!r:.60}, not an integer or several",
            hint="it says by which positional arguments to differentiate, as in argnums=(0, 1)",
        ) from None
    for k in given:
        if not -len(args) <= k < len(args):
            raise EingradError(
                f"argnums is {k}, but the function was called with {len(args)} "
                f"argument{'' if len(args) == 1 else 's'}",
                operand=k,
            )
    numbers = [k % len(args) for k in given]
    if not numbers or len(set(numbers)) < len(numbers):
        raise EingradError(
            f"argnums is {argnums!r:.60}: it names "
            + ("an argument twice" if numbers else "no argument to differentiate by")
        )
    return numbers


def is_single(argnums: Argnums) -> bool:
    """Whether the gradient is by one argument, and not a tuple."""
    return isinstance(argnums, SupportsIndex) and not isinstance(argnums, np.ndarray)
