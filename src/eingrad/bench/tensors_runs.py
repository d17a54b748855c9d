"""What is timed, in eingrad's eager functions of Tensors: nobody else can write to these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eingrad.api.tensors.tensor import tensor
from eingrad.bench import eager_runs
from eingrad.bench.problems import Array, Run


def make_einsum(spec: str, arrays: Sequence[Array], bar: Array) -> Run:
    """Return value and gradients of an einsum, as Tensors."""
    operands: list[Any] = [tensor(x) for x in arrays]
    run = eager_runs.make_einsum(spec, operands, bar)
    return lambda: [t._value for t in run()]
