"""What is timed, in PyTorch, eager, as its users write it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import opt_einsum as oe
import torch

from eingrad.bench.problems import PARAMETERS, RATE, Array, Run, step_arrays


def make_step(batch: int) -> Run:
    """Return the training step; it returns the loss."""
    values = {name: torch.from_numpy(x) for name, x in step_arrays(batch).items()}
    parameters = [values[name].requires_grad_() for name in PARAMETERS]
    w1, b1, w2, b2 = parameters
    optimizer = torch.optim.SGD(parameters, lr=RATE)

    def step() -> list[Any]:
        optimizer.zero_grad()
        hidden = torch.sigmoid(torch.addmm(b1, values["X"], w1))
        logits = torch.addmm(b2, hidden, w2)
        loss: Any = torch.nn.functional.cross_entropy(logits, values["T"])
        loss.backward()
        optimizer.step()
        return [loss.detach()]

    return step


def make_einsum(spec: str, arrays: Sequence[Array], bar: Array) -> Run:
    """Return value and gradients of an einsum, its strided views made contiguous."""
    leaves = [torch.tensor(x, requires_grad=True) for x in arrays]
    seed = torch.tensor(bar)
    contract = functools.partial(torch.einsum, spec)
    if len(set(spec) - set(",->")) > 52:  # more labels than torch.einsum takes
        contract = oe.contract_expression(spec, *[x.shape for x in arrays], optimize="auto")

    def run() -> list[Any]:
        value = contract(*leaves)
        gradients = torch.autograd.grad(value, leaves, seed)
        return [x.detach().contiguous() for x in (value, *gradients)]

    return run
