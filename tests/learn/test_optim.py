"""The optimizers' formulas, run by a plain interpreter, against torch.optim."""

from __future__ import annotations

import math

import numpy as np
import pytest

import eingrad.calculus.optim as optim
from eingrad.core.expr import Const, Einsum, Expr, Map, Var, postorder
from eingrad.errors import EingradError

MAPS = {
    "add": lambda *xs: sum(xs[1:], xs[0]),
    "pow": np.power,
    "sqrt": np.sqrt,
    "expm1": np.expm1,
}


def evaluate(root: Expr, values: dict[str, np.ndarray]) -> np.ndarray:
    """A plain interpreter, independent of the engine."""
    done: dict[Expr, np.ndarray] = {}
    for node in postorder([root]):
        below = [done[x] for x in node.operands]
        if isinstance(node, Var):
            done[node] = values[node.name]
        elif isinstance(node, Const):
            done[node] = np.asarray(float(node.value))
        elif isinstance(node, Map):
            done[node] = MAPS[node.function](*below)
        else:
            assert isinstance(node, Einsum)
            pairs = zip(below, node.inputs, strict=True)
            done[node] = np.einsum(*(part for pair in pairs for part in pair), list(node.output))
    return done[root]


def trajectory(optimizer: optim.Optimizer, start: np.ndarray, gradients) -> list[np.ndarray]:
    step = optimizer.step(Var("w", ("i", "j")), Var("g", ("i", "j")))
    values = {"w": start}
    for tensor in step.state.values():
        shape = start.shape if tensor.var.dims else ()
        values[tensor.var.name] = np.full(shape, float(tensor.initial))
    seen = []
    for gradient in gradients:
        values["g"] = gradient
        new = {name: evaluate(x.new_value, values) for name, x in step.state.items()}
        new["w"] = evaluate(step.new_value, values)
        values.update(new)
        seen.append(values["w"])
    return seen


@pytest.mark.parametrize(
    ("optimizer", "torch_name", "torch_settings"),
    [
        (optim.sgd(lr=0.3), "SGD", {"lr": 0.3}),
        (optim.momentum(lr=0.05, beta=0.8), "SGD", {"lr": 0.05, "momentum": 0.8}),
        (optim.adam(), "Adam", {"lr": 1e-3}),
        (
            optim.adam(lr=0.02, beta1=0.7, beta2=0.9, eps=1e-4),
            "Adam",
            {"lr": 0.02, "betas": (0.7, 0.9), "eps": 1e-4},
        ),
    ],
    ids=repr,
)
def test_trajectories_are_those_of_torch(optimizer, torch_name, torch_settings):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    start = rng.normal(size=(3, 4))
    gradients = [rng.normal(size=(3, 4)) * 10.0**k for k in (-3, 2, 0, -6, 1, 0, 0, 0)]
    mine = trajectory(optimizer, start, gradients)
    w = torch.tensor(start, requires_grad=True)
    theirs = getattr(torch.optim, torch_name)([w], **torch_settings)
    for gradient, expected in zip(gradients, mine, strict=True):
        w.grad = torch.tensor(gradient)
        theirs.step()
        np.testing.assert_allclose(expected, w.detach().numpy(), rtol=1e-10, atol=1e-13)


def test_adam_shares_its_step_counter():
    a = optim.adam().step(Var("a", ("i",)), Var("ga", ("i",))).state
    b = optim.adam().step(Var("b", ("j",)), Var("gb", ("j",))).state
    assert a["adam/t"] == b["adam/t"]
    assert sorted(a | b) == ["adam/m/a", "adam/m/b", "adam/t", "adam/v/a", "adam/v/b"]


def test_first_steps_of_adam_have_the_size_of_the_learning_rate():
    (first,) = trajectory(optim.adam(lr=0.5), np.zeros((1, 2)), [np.array([[3.0, -1e-3]])])
    np.testing.assert_allclose(first, [[-0.5, 0.5]], rtol=1e-4)


@pytest.mark.parametrize(
    ("make", "settings", "text"),
    [
        (optim.sgd, {"lr": 0.0}, "sgd: lr = 0.0 must be positive and finite"),
        (optim.sgd, {"lr": -1}, "must be positive and finite"),
        (optim.sgd, {"lr": math.nan}, "must be positive and finite"),
        (optim.sgd, {"lr": math.inf}, "must be positive and finite"),
        (optim.sgd, {"lr": "fast"}, "sgd: lr must be a number, not 'fast'"),
        (optim.momentum, {"beta": 1.0}, "momentum: beta = 1.0 must be at least 0 and below 1"),
        (optim.adam, {"beta2": -0.1}, "adam: beta2 = -0.1 must be at least 0 and below 1"),
        (optim.adam, {"eps": 0}, "adam: eps = 0 must be positive and finite"),
    ],
)
def test_bad_settings_are_named(make, settings, text):
    with pytest.raises(EingradError) as caught:
        make(**settings)
    assert text in str(caught.value)
    assert caught.value.operand == next(iter(settings))


def test_the_gradient_must_have_the_axes_of_the_parameter():
    with pytest.raises(EingradError, match="gradient of w"):
        optim.sgd().step(Var("w", ("i",)), Var("g", ("j",)))


def test_optimizers_are_values():
    assert optim.sgd(lr=0.1) == optim.sgd(lr=0.1) != optim.sgd(lr=0.2)
    assert hash(optim.adam()) == hash(optim.adam())
    assert set(optim.OPTIMIZERS) == set(optim.USUAL)
