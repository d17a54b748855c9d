"""The two-layer classifier's training step, its gradients written by hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from eingrad.core.algebra import Infix, add, apply, einsum, multiply, power, reduce, repeat, size
from eingrad.core.expr import Const, Expr, Var

torch = pytest.importorskip("torch")

X, T = Var("X", ("b", "i")), Var("T", ("b", "o"))
W1, B1 = Var("W1", ("i", "h")), Var("b1", ("h",))
W2, B2 = Var("W2", ("h", "o")), Var("b2", ("o",))
PARAMETERS = (W1, B1, W2, B2)


def forward() -> tuple[Expr, dict[str, Expr]]:
    """Return the loss and the gradient by each parameter."""
    a1 = add(einsum([(X, (0, 1)), (W1, (1, 2))], (0, 2)), repeat(B1, ("b", "h"), [1]))
    z1 = apply("sigmoid", a1)
    a2 = add(einsum([(z1, (0, 1)), (W2, (1, 2))], (0, 2)), repeat(B2, ("b", "o"), [1]))
    count = power(size("b"), -1)
    log_p, p = reduce("log_softmax", a2, [1]), reduce("softmax", a2, [1])
    loss = einsum([(Const(-1), ()), (count, ()), (T, (0, 1)), (log_p, (0, 1))], ())
    d2 = multiply(add(p, multiply(Const(-1), T)), count)
    through = einsum([(d2, (0, 1)), (W2, (2, 1))], (0, 2))
    d1 = multiply(through, z1, (1 - Infix(z1)).expr)
    return loss, {
        "W1": einsum([(X, (0, 1)), (d1, (0, 2))], (1, 2)),
        "b1": einsum([(d1, (0, 1))], (1,)),
        "W2": einsum([(z1, (0, 1)), (d2, (0, 2))], (1, 2)),
        "b2": einsum([(d2, (0, 1))], (1,)),
    }


def sgd_step(rate: float) -> tuple[dict[str, Expr], dict[str, Expr]]:
    """Return the outputs and the updates of a step of gradient descent."""
    loss, gradients = forward()
    updates = {v.name: (Infix(v) - rate * Infix(gradients[v.name])).expr for v in PARAMETERS}
    return {"L": loss}, updates


def arrays(
    batch: int, inputs: int, hidden: int, classes: int, dtype: str = "float32", seed: int = 0
) -> dict[str, np.ndarray]:
    """Return random data and parameters."""
    rng = np.random.default_rng(seed)
    sizes = {"b": batch, "i": inputs, "h": hidden, "o": classes}
    result = {v.name: rng.normal(size=[sizes[d] for d in v.dims]) * 0.1 for v in PARAMETERS}
    result["X"] = rng.random((batch, inputs))
    result["T"] = np.eye(classes)[rng.integers(classes, size=batch)]
    return {name: np.ascontiguousarray(x, dtype) for name, x in result.items()}


def reference_step(values: Mapping[str, np.ndarray], rate: float) -> tuple[float, dict]:
    """Do the step with PyTorch in float64: the loss and the new parameters."""
    t = {n: torch.tensor(np.asarray(x, np.float64)) for n, x in values.items()}
    parameters = {v.name: t[v.name].requires_grad_() for v in PARAMETERS}
    hidden = torch.sigmoid(t["X"] @ t["W1"] + t["b1"])
    logits = hidden @ t["W2"] + t["b2"]
    loss = -(t["T"] * torch.log_softmax(logits, 1)).sum(1).mean()
    loss.backward()
    new = {n: (p - rate * p.grad).detach().numpy() for n, p in parameters.items()}
    return float(loss.detach()), new
