"""What is timed, in JAX under ``jax.jit``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from eingrad.bench.problems import PARAMETERS, RATE, Array, Run, step_arrays


def make_step(batch: int) -> Run:
    """Return the training step, with donated parameters; it returns the loss."""
    values = {name: jnp.asarray(x) for name, x in step_arrays(batch).items()}
    state = {"parameters": tuple(values[name] for name in PARAMETERS)}

    def loss_of(parameters: Any, x: Any, t: Any) -> Any:
        w1, b1, w2, b2 = parameters
        logits = jax.nn.sigmoid(x @ w1 + b1) @ w2 + b2
        return -(t * jax.nn.log_softmax(logits)).sum(1).mean()

    def update(parameters: Any, x: Any, t: Any) -> tuple[Any, tuple[Any, ...]]:
        loss, gradients = jax.value_and_grad(loss_of)(parameters, x, t)
        return loss, tuple(p - RATE * g for p, g in zip(parameters, gradients, strict=True))

    jitted = jax.jit(update, donate_argnums=0)

    def step() -> list[Any]:
        loss, state["parameters"] = jitted(state["parameters"], values["X"], values["T"])
        return [loss.block_until_ready()]

    return step


def make_einsum(spec: str, arrays: Sequence[Array], bar: Array) -> Run:
    """Return value and gradients of an einsum."""
    if bar.dtype == "float64":
        config: Any = jax.config
        config.update("jax_enable_x64", True)
    given = [jnp.asarray(x) for x in arrays]
    seed = jnp.asarray(bar)

    @jax.jit
    def step(xs: list[Any], g: Any) -> list[Any]:
        value, pull = jax.vjp(lambda ys: jnp.einsum(spec, *ys), xs)
        return [value, *pull(g)[0]]

    wait: Any = jax.block_until_ready
    return lambda: list(wait(step(given, seed)))
