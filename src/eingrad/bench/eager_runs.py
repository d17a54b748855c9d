"""What is timed, in eingrad's eager functions: a value, and its pull-back called once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eingrad.api.tensors.contraction import einsum
from eingrad.api.transforms.functional import vjp
from eingrad.bench.problems import Array, Run


def make_einsum(spec: str, arrays: Sequence[Array], bar: Array) -> Run:
    """Return value and gradients of an einsum."""

    def run() -> list[Any]:
        value, pullback = vjp(lambda *xs: einsum(spec, *xs), *arrays)
        return [value, *pullback(bar)]

    return run
