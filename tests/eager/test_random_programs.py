"""Random programs of eager operations against PyTorch, to second order."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from seeds import seeded

import eingrad as eg

torch = pytest.importorskip("torch")

EXAMPLES = int(os.environ.get("EXAMPLES", "60"))
Operation = Callable[..., Any]
SIZES = (2, 3, 4)

UNARY: dict[str, tuple[Operation, Operation]] = {
    "exp": (lambda x: eg.exp(0.3 * x), lambda x: torch.exp(0.3 * x)),
    "log": (lambda x: eg.log(1 + x * x), lambda x: torch.log(1 + x * x)),
    "log1p": (lambda x: eg.log1p(x * x), lambda x: torch.log1p(x * x)),
    "expm1": (lambda x: eg.expm1(0.2 * x), lambda x: torch.expm1(0.2 * x)),
    "sqrt": (lambda x: eg.sqrt(1 + x * x), lambda x: torch.sqrt(1 + x * x)),
    "abs": (eg.abs, torch.abs),
    "sin": (eg.sin, torch.sin),
    "cos": (eg.cos, torch.cos),
    "tanh": (eg.tanh, torch.tanh),
    "atan": (np.arctan, torch.atan),
    "sinh": (lambda x: np.sinh(0.3 * x), lambda x: torch.sinh(0.3 * x)),
    "asinh": (np.arcsinh, torch.asinh),
    "sigmoid": (eg.sigmoid, torch.sigmoid),
    "softplus": (eg.softplus, lambda x: torch.nn.functional.softplus(x, threshold=40)),
    "silu": (eg.silu, torch.nn.functional.silu),
    "gelu": (eg.gelu, torch.nn.functional.gelu),
    "elu": (eg.elu, torch.nn.functional.elu),
    "erf": (eg.erf, torch.erf),
    "square": (np.square, torch.square),
    "cube": (lambda x: x**3, lambda x: x**3),
    "power": (lambda x: (1.5 + x * x) ** -0.7, lambda x: (1.5 + x * x) ** -0.7),
    "reciprocal": (lambda x: 1 / (2 + x * x), lambda x: 1 / (2 + x * x)),
    "relu": (eg.relu, torch.relu),
    "clip": (lambda x: np.clip(x, -0.7, 0.9), lambda x: torch.clip(x, -0.7, 0.9)),
    "where": (
        lambda x: np.where(x > 0.1, x * x, 2 * x),
        lambda x: torch.where(x > 0.1, x * x, 2 * x),
    ),
    "cast": (lambda x: x + np.float64(0.5), lambda x: x + 0.5),
}
BINARY: dict[str, tuple[Operation, Operation]] = {
    "add": (lambda x, y: x + y, lambda x, y: x + y),
    "subtract": (lambda x, y: x - 2 * y, lambda x, y: x - 2 * y),
    "multiply": (lambda x, y: x * y, lambda x, y: x * y),
    "divide": (lambda x, y: x / (1 + y * y), lambda x, y: x / (1 + y * y)),
    "maximum": (np.maximum, torch.maximum),
    "minimum": (np.minimum, torch.minimum),
    "logaddexp": (np.logaddexp, torch.logaddexp),
    "hypot": (lambda x, y: np.hypot(x, 1 + y * y), lambda x, y: torch.hypot(x, 1 + y * y)),
    "arctan2": (lambda x, y: np.arctan2(x, 1 + y * y), lambda x, y: torch.arctan2(x, 1 + y * y)),
    "power": (lambda x, y: (1 + x * x) ** y, lambda x, y: (1 + x * x) ** y),
}
ALONG: dict[str, tuple[Operation, Operation]] = {
    "sum": (lambda x, k: x.sum(axis=k), lambda x, k: x.sum(k)),
    "mean": (lambda x, k: np.mean(x, axis=k), lambda x, k: x.mean(k)),
    "max": (lambda x, k: np.max(x, axis=k), lambda x, k: x.amax(k)),
    "prod": (lambda x, k: np.prod(x, axis=k), lambda x, k: x.prod(k)),
    "var": (lambda x, k: np.var(x, axis=k), lambda x, k: x.var(k, unbiased=False)),
    "std": (lambda x, k: np.std(x, axis=k), lambda x, k: x.std(k, unbiased=False)),
    "norm": (lambda x, k: np.linalg.norm(x, axis=k), lambda x, k: torch.linalg.norm(x, dim=k)),
    "logsumexp": (lambda x, k: eg.logsumexp(x, axis=k), lambda x, k: torch.logsumexp(x, k)),
    "softmax": (lambda x, k: eg.softmax(x, axis=k), lambda x, k: torch.softmax(x, k)),
    "log_softmax": (lambda x, k: eg.log_softmax(x, axis=k), lambda x, k: torch.log_softmax(x, k)),
    "cumsum": (lambda x, k: np.cumsum(x, axis=k), lambda x, k: torch.cumsum(x, k)),
    "flip": (lambda x, k: np.flip(x, k), lambda x, k: torch.flip(x, (k,))),
    "roll": (lambda x, k: np.roll(x, 1, axis=k), lambda x, k: torch.roll(x, 1, k)),
    "first": (lambda x, k: x.take([0], axis=k), lambda x, k: x.narrow(k, 0, 1)),
    "again": (lambda x, k: np.take(x, [1, 0, 1], axis=k),
              lambda x, k: torch.index_select(x, k, torch.tensor([1, 0, 1]))),
    "diff": (lambda x, k: np.diff(x, axis=k), lambda x, k: torch.diff(x, dim=k)),
}  # fmt: skip
MATRIX: dict[str, tuple[Operation, Operation]] = {
    "inv": (np.linalg.inv, torch.linalg.inv),
    "det": (np.linalg.det, torch.linalg.det),
    "logdet": (eg.logdet, lambda x: torch.linalg.slogdet(x)[1]),
    "cholesky": (np.linalg.cholesky, torch.linalg.cholesky),
    "trace": (np.trace, torch.trace),
}


@dataclass
class Line:
    """One assignment of a program: an operation and the numbers of what it is applied to."""

    kind: str
    name: str
    operands: tuple[int, ...]
    axis: int = 0


def draw(rng: np.random.Generator) -> tuple[list[np.ndarray], list[Line]]:
    """Return the inputs of a random program, and its lines, which PyTorch can run."""
    shapes = [tuple(rng.choice(SIZES, size=rng.integers(0, 4))) for _ in range(rng.integers(1, 4))]
    inputs = [rng.normal(size=shape) for shape in shapes]
    values = [torch.tensor(x) for x in inputs]
    lines: list[Line] = []
    for _ in range(rng.integers(2, 9)):
        for _ in range(20):
            line = _line(rng, values)
            try:
                value = run(line, values, 1)
            except (RuntimeError, IndexError):
                continue
            if (
                0 < value.numel() <= 200
                and _is_conditioned(line, values, value)
                and bool(torch.isfinite(value).all())
                and value.abs().max() < 1e3
            ):
                lines.append(line)
                values.append(value)
                break
    return inputs, lines


def _is_conditioned(line: Line, values: list[Any], value: Any) -> bool:
    """Whether PyTorch keeps its digits to second order: not of `std` of numbers that are all but
    equal, the norm of zeros, nor `logaddexp` of numbers far apart."""
    if line.name in {"std", "norm"}:
        return bool((value > 1e-3 * values[line.operands[0]].abs().max()).all())
    if line.name == "logaddexp":
        x, y = (values[k] for k in line.operands)
        return bool((x - y).abs().max() < 30)
    return True


def _line(rng: np.random.Generator, values: list[Any]) -> Line:
    kind = rng.choice(
        ["one", "two", "along", "einsum", "matrix", "index"], p=[0.3, 0.25, 0.2, 0.1, 0.1, 0.05]
    )
    k, j = (len(values) - 1 - min(int(rng.geometric(0.5)) - 1, len(values) - 1) for _ in "kj")
    axis = int(rng.integers(0, max(values[k].ndim, 1)))
    table = {"one": UNARY, "two": BINARY, "along": ALONG, "matrix": MATRIX}.get(kind)
    if table is not None:
        return Line(kind, str(rng.choice(list(table))), (k, j) if kind == "two" else (k,), axis)
    if kind == "einsum":
        letters = "abcd"
        sizes = {}
        specs = []
        for x in (values[k], values[j]):
            own = ""
            for n in x.shape:
                fits = [c for c in letters if sizes.get(c, n) == n and c not in own]
                own += str(rng.choice(fits)) if fits else "z"
                sizes[own[-1]] = n
            specs.append(own)
        output = "".join(c for c in sizes if rng.random() < 0.5)
        return Line(kind, f"{','.join(specs)}->{output}", (k, j))
    return Line(kind, str(rng.choice(["[..., 0]", "[None]", "[::-1]", ".T", ".reshape(-1)"])), (k,))


def run(line: Line, values: list[Any], side: int) -> Any:
    """Run a line: side 0 with eingrad, 1 with PyTorch."""
    xs = [values[k] for k in line.operands]
    match line.kind:
        case "one":
            return UNARY[line.name][side](xs[0])
        case "two":
            return BINARY[line.name][side](*xs)
        case "along":
            if not xs[0].ndim:
                raise IndexError
            return ALONG[line.name][side](xs[0], line.axis)
        case "matrix":
            x = xs[0]
            if x.ndim != 2:
                raise IndexError
            skew = np.ones((len(x), len(x)))
            if line.name != "cholesky":  # a transposed derivative is seen
                skew += np.triu(skew, 1) / 2
            eye = 2 * np.eye(len(x))
            known = (torch.tensor(skew), torch.tensor(eye)) if side else (skew, eye)
            gram = x @ x.T / 2 * known[0] + known[1]
            return MATRIX[line.name][side](gram)
        case "einsum":
            return (torch.einsum if side else eg.einsum)(line.name, *xs)
    if line.name == "[::-1]" and side:
        if not xs[0].ndim:
            raise IndexError
        return xs[0].flip(0)
    if line.name == ".T" and side:
        return xs[0].permute(tuple(reversed(range(xs[0].ndim))))
    return eval(f"x{line.name}", {"x": xs[0]})


def program(lines: list[Line], side: int) -> Operation:
    """Return a function of all inputs to a number."""

    def function(*inputs: Any) -> Any:
        values = list(inputs)
        for line in lines:
            values.append(run(line, values, side))
        sine = torch.sin if side else np.sin
        return sum(sine(0.7 * x).sum() for x in values[-3:])

    return function


def nearly(found: Any, expected: Any, what: str) -> None:
    expected = np.asarray(expected)
    scale = max(1.0, np.abs(expected).max(initial=0))
    assert np.shape(found) == expected.shape, what
    assert np.abs(np.asarray(found) - expected).max(initial=0) <= 1e-8 * scale, what


def check(number: int) -> None:
    """Compare one program in every way in which it can be run."""
    rng = np.random.default_rng([number, 77])
    inputs, lines = draw(rng)
    ours, theirs = program(lines, 0), program(lines, 1)
    arguments = tuple(range(len(inputs)))
    points = [torch.tensor(x, requires_grad=True) for x in inputs]
    directions = [rng.normal(size=x.shape) for x in inputs]
    value = theirs(*points)
    first = torch.autograd.grad(value, points, create_graph=True, allow_unused=True)
    first = [torch.zeros_like(x) if g is None else g for x, g in zip(points, first, strict=True)]
    inner = sum((g * torch.tensor(d)).sum() for g, d in zip(first, directions, strict=True))
    second = [None] * len(points)
    if inner.requires_grad:
        second = torch.autograd.grad(inner, points, allow_unused=True)
    second = [
        np.zeros(x.shape) if h is None else h.numpy() for x, h in zip(inputs, second, strict=True)
    ]
    first = [g.detach().numpy() for g in first]

    tensors = [eg.tensor(x, requires_grad=True) for x in inputs]
    eager = ours(*tensors)
    eager.backward()
    found = eg.grad(ours, arguments)(*inputs)
    traced = eg.value_and_grad(eg.function(ours), arguments)(*inputs)
    nearly(eager.data, value.item(), "value")
    nearly(traced[0], value.item(), "traced value")
    for k, x in enumerate(tensors):
        grad = np.zeros(x.shape) if x.grad is None else x.grad
        for kind, g in {"backward": grad, "grad": found[k], "traced": traced[1][k]}.items():
            nearly(g, first[k], f"{kind} by {k}: {lines}")
    products = eg.hvp(ours, tuple(inputs), tuple(directions))
    along = eg.jvp(ours, tuple(inputs), tuple(directions))[1]
    nearly(along, sum((g * d).sum() for g, d in zip(first, directions, strict=True)), "jvp")
    products = products if isinstance(products, tuple | list) else (products,)
    for k, h in enumerate(products):
        nearly(h, second[k], f"hvp by {k}: {lines}")


@pytest.mark.parametrize("batch", range(4))
def test_random_programs_agree_with_pytorch_to_second_order(batch: int) -> None:
    for number in range(batch, EXAMPLES, 4):
        try:
            check(seeded(number))
        except Exception as error:
            error.add_note(f"program {seeded(number)}")
            raise
