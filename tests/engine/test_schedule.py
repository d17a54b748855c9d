"""Memory is free again as soon as nothing needs it, in whatever order things are asked for."""

from __future__ import annotations

import numpy as np

from eingrad.core.algebra import add, apply, einsum, multiply, sum_over
from eingrad.core.expr import Const, Expr, Var
from eingrad.core.infix import Infix
from eingrad.core.product import shared_products
from eingrad.engine import compile_program

BATCH, WIDTH = 5, 190


@shared_products()
def network(layers: int) -> tuple[Expr, dict[str, Expr]]:
    """Return the loss of a network of products and tanh, and its gradients by hand."""
    x = Var("X", ("b", "i"))
    weights = [Var(f"W{k}", ("i", "i")) for k in range(layers)]
    active = [x]
    for w in weights:
        active.append(apply("tanh", einsum([(active[-1], (0, 1)), (w, (1, 2))], (0, 2))))
    loss = sum_over(multiply(active[-1], active[-1]), [0, 1])
    gradients = {}
    above = multiply(Const(2), active[-1])
    for k in reversed(range(layers)):
        inner = multiply(above, (1 - Infix(active[k + 1]) * Infix(active[k + 1])).expr)
        gradients[f"W{k}"] = einsum([(active[k], (0, 1)), (inner, (0, 2))], (1, 2))
        above = einsum([(inner, (0, 1)), (weights[k], (2, 1))], (0, 2))
    return loss, dict(reversed(gradients.items()))


def arrays(layers: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    weights = {f"W{k}": 0.05 * rng.normal(size=(WIDTH, WIDTH)) for k in range(layers)}
    return {"X": rng.normal(size=(BATCH, WIDTH)), **weights}


@shared_products()
def test_a_step_needs_the_activations_and_little_else():
    layers = 30
    loss, gradients = network(layers)
    updates = {n: add(Var(n, ("i", "i")), multiply(Const(-1), g)) for n, g in gradients.items()}
    values = arrays(layers)
    expected = compile_program(gradients)(**values)
    before = {name: x.copy() for name, x in values.items()}
    step = compile_program({"L": loss}, updates=updates)
    step(**values)
    for name, gradient in expected.items():
        np.testing.assert_allclose(values[name], before[name] - gradient, rtol=1e-9, atol=1e-12)
    assert step.plan.buffers <= layers + 4
    assert all(s.operation != "copy" for s in step.plan.steps)


def test_gradients_asked_for_from_the_front_free_memory_as_well():
    layers = 30
    _, gradients = network(layers)
    f = compile_program(gradients)
    f(**arrays(layers))
    assert f.plan.buffers <= layers + 4
    assert list(f(**arrays(layers))) == list(gradients)
