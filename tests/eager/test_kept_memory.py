"""Results are arrays of their own, without a copy where nothing else has them, in memory kept."""

from __future__ import annotations

import itertools
import os
import platform
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import eingrad as eg

A, B = np.arange(6.0).reshape(2, 3) + 1, np.arange(6.0).reshape(2, 3) - 2

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sum": lambda a, b: a + b,  # the cotangent itself is the derivative by both
    "difference": lambda a, b: a - b,
    "itself": lambda a, b: a,  # noqa: ARG005
    "product": lambda a, b: eg.einsum("ij,ij->i", a, b),
    "matrix product": lambda a, b: eg.einsum("ij,kj->ik", a, b),
    "transposed": lambda a, b: a.T @ b,
    "saved": lambda a, b: eg.exp(a) * b,
    "saved and returned": lambda a, b: eg.exp(a),  # noqa: ARG005
    "repeated": lambda a, b: eg.einsum("ij,kl->", a, b),
    "reshaped": lambda a, b: a.reshape(6) * b.reshape(6),
}


def separate(arrays: Sequence[Any]) -> bool:
    return not any(np.shares_memory(x, y) for x, y in itertools.combinations(arrays, 2))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_a_pull_back_returns_shares_no_memory(name: str) -> None:
    a, b = A.copy(), B.copy()
    out, pull = eg.vjp(FUNCTIONS[name], a, b)
    seed = np.ones_like(out)
    first, second = pull(seed), pull(seed)
    assert separate([a, b, out, seed, *first, *second])
    assert all(x.flags.writeable for x in (out, *first))
    for x in (out, *first):
        x[...] = np.nan  # nobody else may notice
    for x, y in zip(pull(seed), second, strict=True):
        np.testing.assert_array_equal(x, y)


def test_an_argument_is_copied_once_however_often_it_is_read() -> None:
    """The caller may write to it before he pulls back; a Tensor he cannot reach is not copied."""

    def several(x: Any) -> Any:
        return eg.sum(eg.sin(x) + eg.cos(x) + eg.exp(x * x) + eg.einsum("ij,kj->ik", x, x[:1]))

    def kept(x: Any) -> tuple[int, Any]:
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        _, pull = eg.vjp(lambda x: eg.sum(eg.sin(x) + eg.cos(x)), x)
        after = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return (after - before) // x.nbytes, pull

    x = np.random.default_rng(0).normal(size=(100, 100))
    wanted = np.cos(x) - np.sin(x)
    for given, copies in ((x, 1), (eg.tensor(x), 0)):
        kept(given)  # what is compiled the first time is kept, too
        count, pull = kept(given)
        assert count == copies
        if copies:
            x[...] = 7.0
        np.testing.assert_allclose(pull(1.0)[0], wanted, rtol=1e-12)
        x[...] = np.random.default_rng(0).normal(size=(100, 100))
    pull = eg.vjp(several, x)[1]
    (found,), before = pull(1.0), x.copy()
    x[...] = 7.0
    np.testing.assert_array_equal(pull(1.0)[0], found)
    np.testing.assert_allclose(found, eg.grad(several)(before), rtol=1e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_so_do_tangents_and_gradients(name: str) -> None:
    a, b = A.copy(), B.copy()
    da, db = np.ones_like(a), np.ones_like(b)
    out, dot = eg.jvp(FUNCTIONS[name], (a, b), (da, db))
    assert separate([a, b, da, db, out, dot])
    value, gradients = eg.value_and_grad(lambda *x: eg.sum(FUNCTIONS[name](*x)), (0, 1))(a, b)
    assert separate([a, b, np.asarray(value), *gradients])


FAULTS = """
import resource
import numpy as np
import eingrad as eg
x, y, g = np.ones((1000, 1000), "f4"), np.ones((1000, 1000), "f4"), np.ones(1000, "f4")
def call():
    _, pull = eg.vjp(lambda *a: eg.einsum("ij,ij->i", *a), x, y)
    return pull(g)
for _ in range(5):
    call()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    call()
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 10)
"""


def faults(**settings: str) -> float:
    """Return the page faults of a call, each of which needs five arrays of 4 MB."""
    environment = {x: v for x, v in os.environ.items()
                   if not x.startswith(("MALLOC_", "GLIBC_", "LD_PRELOAD"))}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", FAULTS], env=environment | settings, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return float(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is glibc's")
def test_large_results_take_memory_that_was_freed_before() -> None:
    assert faults() < 100
    assert faults(EINGRAD_KEEP_MEMORY="0", MALLOC_MMAP_THRESHOLD_="131072") > 1000
