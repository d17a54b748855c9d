"""The document "Einsum Gradient": its engine, its test, and where its code goes wrong.

The rule is right: put the upstream gradient in the operand's place, and repeat the result along
the labels that nothing else has. (Equation (1) should read ``X_ij W_jk = Z_ik``.) The code holds
for two operands without repeated labels, in a graph in which no result is used twice.

    python examples/einsum_gradient.py
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import eingrad as eg

Array = np.ndarray[Any, Any]

# --- the document's engine, as it stands there --------------------------------------------------


class Thing:
    """Data, gradient, and the step back; the print cuts the queue's line off after ``for n``."""

    def __init__(self, data: Array, _children: Sequence[Thing] = ()) -> None:
        self.data = data if data.shape else data.reshape(1, 1)
        self._children = _children
        self._backward: Callable[[], None] = lambda: None
        self.grad = np.zeros_like(self.data)

    def backward(self) -> None:
        self.grad = np.ones((1, 1))
        visited, queue = set(), deque([self])
        while queue:
            v = queue.popleft()
            visited.add(v)
            v._backward()
            queue.extend(n for n in v._children if n not in visited)


def thing_sigmoid(x: Thing) -> Thing:
    out = Thing(1 / (1 + np.exp(-x.data)), _children=[x])

    def _backward() -> None:
        x.grad += out.data * (1 - out.data) * out.grad

    out._backward = _backward
    return out


def thing_einsum(ptrn: str, x: Thing, w: Thing) -> Thing:
    out = Thing(np.asarray(np.einsum(ptrn, x.data, w.data)), _children=[x, w])

    def _backward() -> None:
        inputs, z_ptrn = ptrn.split("->")[0], ptrn.split("->")[-1]  # noqa: PLC0207
        x_ptrn, w_ptrn = inputs.split(",")
        z_ptrn = z_ptrn if z_ptrn else "zy"
        w_grad_ptrn = "".join([c for c in w_ptrn if c in set(x_ptrn + z_ptrn)])
        x_grad_ptrn = "".join([c for c in x_ptrn if c in set(w_ptrn + z_ptrn)])
        x_grad = np.einsum(f"{z_ptrn},{w_ptrn}->{x_grad_ptrn}", out.grad, w.data)
        w_grad = np.einsum(f"{z_ptrn},{x_ptrn}->{w_grad_ptrn}", out.grad, x.data)
        w_shape = dict(zip(w_ptrn, w.data.shape, strict=False))
        x_shape = dict(zip(x_ptrn, x.data.shape, strict=False))
        x.grad += repeat(x_grad, x_grad_ptrn, x_shape)
        w.grad += repeat(w_grad, w_grad_ptrn, w_shape)

    out._backward = _backward
    return out


def repeat(x: Array, labels: str, sizes: dict[str, int]) -> Array:
    """Repeat along the labels that x lacks, like ``einops.repeat``."""
    if x.shape != tuple(sizes[c] for c in labels):
        raise ValueError(f"Shape mismatch: {labels} has shape {x.shape}, not as in {sizes}")
    index = tuple(slice(None) if c in labels else None for c in sizes)
    return np.broadcast_to(x[index], tuple(sizes.values()))


# --- three engines behind one set of names ------------------------------------------------------


@dataclass(frozen=True)
class Engine:
    """How to make a leaf, apply the two functions, and read a gradient."""

    name: str
    leaf: Callable[[Array], Any]
    einsum: Callable[..., Any]
    sigmoid: Callable[[Any], Any]
    backward: Callable[[Any], None]
    grad: Callable[[Any], Array]


DOCUMENT = Engine(
    "the document", lambda x: Thing(x.copy()), thing_einsum, thing_sigmoid,
    Thing.backward, lambda x: x.grad,
)  # fmt: skip
EINGRAD = Engine(
    "eingrad", lambda x: eg.tensor(x, requires_grad=True), eg.einsum, eg.sigmoid,
    lambda x: x.backward(np.ones_like(x.data)), lambda x: np.asarray(x.grad.data),
)  # fmt: skip
TORCH = Engine(
    "PyTorch", lambda x: torch.tensor(x, requires_grad=True), torch.einsum, torch.sigmoid,
    lambda x: x.backward(torch.ones_like(x)), lambda x: x.grad.detach().resolve_conj().numpy(),
)  # fmt: skip

Build = Callable[[Engine, Sequence[Any]], Any]


def gradients(engine: Engine, build: Build, arrays: Sequence[Array]) -> list[Array]:
    """Build the scalar from leaves, go back, and return the leaves' gradients."""
    leaves = [engine.leaf(x) for x in arrays]
    engine.backward(build(engine, leaves))
    return [engine.grad(x) for x in leaves]


def error_of(got: Sequence[Array], expected: Sequence[Array]) -> float:
    """Return the largest difference, relative to the largest entry."""
    if any(a.shape != b.shape for a, b in zip(got, expected, strict=True)):
        return float("inf")
    return max(
        float(abs(a - b).max(initial=0) / max(abs(b).max(initial=0), 1e-300))
        for a, b in zip(got, expected, strict=True)
    )


# --- the document's test -------------------------------------------------------------------------

PATTERNS = ["ij,jk->ik", "ij,jk->ik", "ij,cij->ij", "ab,bd->"]
SHAPES = [(2, 3), (3, 4), (4, 5), (1, 2, 5), (5, 3)]


def network(engine: Engine, leaves: Sequence[Any]) -> Any:
    x, *weights = leaves
    for pattern, weight in zip(PATTERNS, weights, strict=True):
        x = engine.sigmoid(engine.einsum(pattern, x, weight))
    return x


def replay() -> None:
    torch.manual_seed(10)
    arrays = [torch.randn(shape, dtype=torch.float64).numpy() for shape in SHAPES]
    expected = gradients(TORCH, network, arrays)
    print("The document's test: four patterns, a sigmoid after each; against PyTorch")
    for engine in (DOCUMENT, EINGRAD):
        found = gradients(engine, network, arrays)
        per_weight = [error_of([a], [b]) < 1e-12 for a, b in zip(found, expected, strict=True)]
        print(f"  {engine.name:<13} {per_weight}")
        assert all(per_weight)


# --- where its code goes wrong -------------------------------------------------------------------


def of_one(pattern: str) -> Build:
    """An einsum of all leaves, summed to a scalar by the einsum itself."""
    return lambda engine, leaves: engine.einsum(pattern, *leaves)


def shared(engine: Engine, leaves: Sequence[Any]) -> Any:
    """``a`` is used by the sigmoid and by the last product."""
    a = engine.einsum("ij,jk->ik", *leaves)
    return engine.einsum("ik,ik->", a, engine.sigmoid(a))


def scalar_inside(engine: Engine, leaves: Sequence[Any]) -> Any:
    """A scalar that a later einsum takes."""
    x, y = leaves
    return engine.einsum(",i->", engine.einsum("i,i->", x, y), y)


CASES: list[tuple[str, str, Build, list[tuple[int, ...]], type]] = [
    ("a result used twice", "the queue visits `a` before its second consumer has added its part",
     shared, [(2, 3), (3, 4)], float),
    ("a repeated label, ii,i->", "the gradient of a diagonal needs a delta: i,i->ii",
     of_one("ii,i->"), [(3, 3), (3,)], float),
    ("a trace, ii,jj->", "both gradients are deltas",
     of_one("ii,jj->"), [(3, 3), (2, 2)], float),
    ("the labels z and y, zi,i->", "`zy` stands for the axes of a scalar and meets the real z",
     of_one("zi,i->"), [(3, 4), (4,)], float),
    ("a scalar inside, ,i->", "scalars are kept with shape (1, 1)",
     scalar_inside, [(3,), (3,)], float),
    ("an axis of size 1, ij,jk->", "the gradient must be summed over what it was repeated along",
     of_one("ij,jk->"), [(2, 1), (4, 3)], float),
    ("spaces, i j, j k ->", "the space becomes a label",
     of_one("i j, j k ->"), [(2, 3), (3, 4)], float),
    ("no arrow, i,i", "split('->')[-1] is then the whole equation",
     of_one("i,i"), [(3,), (3,)], float),
    ("an ellipsis, ...i,i->", "three dots are three labels",
     of_one("...i,i->..."), [(4,), (4,)], float),
    ("three operands, i,ij,j->", "the function takes two",
     of_one("i,ij,j->"), [(2,), (2, 3), (3,)], float),
    ("one operand, ij->", "the function takes two",
     of_one("ij->"), [(2, 3)], float),
    ("complex numbers, i,i->", "the gradient takes the conjugate of the other operand",
     of_one("i,i->"), [(3,), (3,)], complex),
]  # fmt: skip


def draw(shapes: Sequence[tuple[int, ...]], dtype: type) -> list[Array]:
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape) for shape in shapes]
    if dtype is complex:
        return [x + 1j * rng.normal(size=x.shape) for x in arrays]
    return arrays


def verdict(engine: Engine, build: Build, arrays: Sequence[Array], expected: list[Array]) -> str:
    """Return what an engine says: right, how wrong, or which error."""
    try:
        error = error_of(gradients(engine, build, arrays), expected)
    except Exception as problem:
        return f"{type(problem).__name__}: {str(problem).splitlines()[0]}"[:60]
    return "right" if error < 1e-12 else f"wrong: off by {100 * error:.0f} %"


def main() -> None:
    replay()
    print("\nWhere its code goes wrong (the right answer is PyTorch's)")
    for title, why, build, shapes, dtype in CASES:
        arrays = draw(shapes, dtype)
        expected = gradients(TORCH, build, arrays)
        document, ours = (verdict(e, build, arrays, expected) for e in (DOCUMENT, EINGRAD))
        print(f"  {title}: {why}\n      the document  {document}\n      eingrad       {ours}")
        assert ours == "right"
        assert document != "right"


if __name__ == "__main__":
    main()
