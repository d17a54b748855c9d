"""What PyTorch gives for the models whose labels move, and arrays as each backend takes them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import torch
from moving.row import Arrays
from moving.table import MODELS


def tensors(given: Arrays) -> dict[str, Any]:
    return {n: torch.tensor(x) for n, x in given.items()}


def wide(backend: str) -> AbstractContextManager[Any]:
    """JAX with numbers of 64 bits, where it is asked for."""
    return pytest.importorskip("jax").enable_x64(True) if backend == "jax" else nullcontext()


def given_to(backend: str, name: str) -> dict[str, Any]:
    arrays = MODELS[name].arrays
    return tensors(arrays) if backend == "torch" else {**arrays}


@lru_cache
def expected(name: str) -> tuple[float, Arrays]:
    """Return the value and the gradients of PyTorch."""
    leaves = tensors(MODELS[name].arrays)
    real = [n for n, x in leaves.items() if x.is_floating_point()]
    for n in real:
        leaves[n].requires_grad_()
    total = MODELS[name].loss(torch, leaves)
    total.backward()
    grads = {n: np.zeros(leaves[n].shape) if leaves[n].grad is None else leaves[n].grad.numpy()
             for n in real}  # fmt: skip
    return float(total.detach()), grads
