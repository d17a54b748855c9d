"""JAX computes in double precision here, and PyTorch on one thread."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def precise() -> Iterator[None]:
    jax, torch = pytest.importorskip("jax"), pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with jax.enable_x64(True):
        yield
    torch.set_num_threads(threads)
