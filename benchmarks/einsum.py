"""Forward and all gradients of einsums, beside PyTorch eager and ``jax.jit``.

    python benchmarks/einsum.py [--dtype float64] [--only ring] [--rounds 15]

Each line is one equation: the median time of eingrad, PyTorch and JAX in microseconds, taken in
turns, and eingrad's ratio to each (below 1: eingrad is faster). The last line has the geometric
means. All three compute the value and the gradient by every operand from the same arrays and
cotangent, into contiguous arrays (PyTorch's strided views are made so), in this process, with as
many threads as each of them takes, or with ``--threads``.
"""

from __future__ import annotations

import argparse
import functools
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np
import opt_einsum as oe
import torch

from eingrad.api.einsum import fit
from eingrad.api.subscripts import parse_equation
from eingrad.calculus.differentiate import pull_back
from eingrad.core.expr import Var
from eingrad.engine import compile_program
from eingrad.engine.pairwise import pairwise

Array = np.ndarray[Any, Any]
Shapes = Sequence[tuple[int, ...]]
Case = tuple[str, str, Shapes]


def letters(n: int) -> list[str]:
    """Return n labels that all three accept."""
    return [oe.get_symbol(k) for k in range(n)]


def chain(name: str, n: int, size: int, *, ends: bool = True) -> Case:
    """A product of n square matrices; without ends, between two vectors."""
    c = letters(n + 1)
    terms = [c[k] + c[k + 1] for k in range(n)]
    shapes: list[tuple[int, ...]] = [(size, size)] * n
    if ends:
        return name, f"{','.join(terms)}->{c[0]}{c[n]}", shapes
    return name, f"{c[0]},{','.join(terms)},{c[n]}->", [(size,), *shapes, (size,)]


def ring(name: str, n: int, size: int) -> Case:
    """The trace of a product of n matrices."""
    c = letters(n)
    terms = [c[k] + c[(k + 1) % n] for k in range(n)]
    return name, f"{','.join(terms)}->", [(size, size)] * n


def train(name: str, n: int, bond: int, physical: int) -> Case:
    """A tensor train (MPS) of n / 2 tensors contracted with another one."""
    half = n // 2
    c = letters(3 * half)
    top, low, legs = c[:half], c[half : 2 * half], c[2 * half :]
    terms, shapes = [], []
    for row in (top, low):
        for k in range(half):
            left = row[k - 1] if k else ""
            right = row[k] if k < half - 1 else ""
            terms.append(left + legs[k] + right)
            shapes.append((bond,) * len(left) + (physical,) + (bond,) * len(right))
    return name, f"{','.join(terms)}->", shapes


def network(name: str, n: int, size: int, seed: int) -> Case:
    """A random connected network of n tensors with about three legs each."""
    rng = np.random.default_rng(seed)
    edges = [(int(rng.integers(max(0, k - 3), k)), k) for k in range(1, n)]
    while len(edges) < 3 * n // 2:
        i, j = sorted(int(k) for k in rng.integers(0, n, 2))
        if i != j and (i, j) not in edges and j - i < 6:
            edges.append((i, j))
    c = letters(len(edges))
    terms = ["".join(c[k] for k, edge in enumerate(edges) if v in edge) for v in range(n)]
    return name, f"{','.join(terms)}->", [(size,) * len(term) for term in terms]


# fmt: off
CASES: list[Case] = [
    ("matmul 8",          "ij,jk->ik",             [(8, 8)] * 2),
    ("matmul 64",         "ij,jk->ik",             [(64, 64)] * 2),
    ("matmul 256",        "ij,jk->ik",             [(256, 256)] * 2),
    ("matmul 1024",       "ij,jk->ik",             [(1024, 1024)] * 2),
    ("A^T B 300",         "ji,jk->ki",             [(300, 300)] * 2),
    ("matrix vector",     "ij,j->i",               [(1000, 1000), (1000,)]),
    ("linear layer",      "bti,oi->bto",           [(16, 32, 256), (512, 256)]),
    ("batched small",     "bij,bjk->bik",          [(64, 16, 16)] * 2),
    ("batched large",     "bij,bjk->bik",          [(8, 200, 200)] * 2),
    ("batch last",        "ijb,jkb->ikb",          [(16, 16, 64)] * 2),
    ("attention scores",  "bhqd,bhkd->bhqk",       [(4, 8, 128, 64)] * 2),
    ("attention layout",  "bqhd,bkhd->bhqk",       [(4, 128, 8, 64)] * 2),
    ("attention values",  "bhqk,bkhd->bqhd",       [(4, 8, 128, 128), (4, 128, 8, 64)]),
    ("bilinear",          "bi,oij,bj->bo",         [(64, 32), (16, 32, 32), (64, 32)]),
    ("sum of all",        "ij->",                  [(1000, 1000)]),
    ("sum of rows",       "ij->j",                 [(1000, 1000)]),
    ("sum of columns",    "ij->i",                 [(1000, 1000)]),
    ("sum to the middle", "ijk->j",                [(60, 100, 70)]),
    ("dot 100",           "i,i->",                 [(100,)] * 2),
    ("dot 1e6",           "i,i->",                 [(10**6,)] * 2),
    ("Frobenius",         "ij,ij->",               [(700, 700)] * 2),
    ("row dots",          "ij,ij->i",              [(1000, 300)] * 2),
    ("column dots",       "ij,ij->j",              [(1000, 300)] * 2),
    ("Hadamard",          "ij,ij->ij",             [(700, 700)] * 2),
    ("scale rows",        "ij,i->ij",              [(700, 700), (700,)]),
    ("outer",             "i,j->ij",               [(800,)] * 2),
    ("outer of three",    "i,j,k->ijk",            [(80,)] * 3),
    ("transpose",         "ijk->kij",              [(80, 80, 80)]),
    ("trace",             "ii->",                  [(1000, 1000)]),
    ("diagonal",          "ii->i",                 [(1000, 1000)]),
    ("batch of diagonals", "bii->bi",              [(100, 60, 60)]),
    ("diagonal product",  "iij,jk->ik",            [(60, 60, 80), (80, 90)]),
    ("quadratic form",    "i,ij,j->",              [(600,), (600, 600), (600,)]),
    ("low rank",          "ir,jr,kr->ijk",         [(50, 8)] * 3),
    ("Khatri-Rao",        "ijk,jr,kr->ir",         [(60, 60, 60), (60, 16), (60, 16)]),
    ("Tucker",            "abc,ia,jb,kc->ijk",     [(8, 8, 8), (50, 8), (50, 8), (50, 8)]),
    ("four tensors",      "ijk,ilm,njm,nlk->",     [(16, 16, 16)] * 4),
    chain("chain 4", 4, 100),
    chain("chain 10", 10, 30),
    chain("chain 30", 30, 20),
    chain("vectors, chain 20", 20, 200, ends=False),
    ring("ring 4", 4, 100),
    ring("ring 8", 8, 30),
    ring("ring 30", 30, 10),
    train("tensor train 10", 10, 20, 4),
    train("tensor train 40", 40, 8, 2),
    train("tensor train 60", 60, 16, 3),
    network("network 6", 6, 8, 1),
    network("network 12", 12, 4, 2),
    network("network 20", 20, 3, 3),
    network("network 40", 40, 2, 4),
]
# fmt: on


def of_eingrad(spec: str, arrays: Sequence[Array], bar: Array) -> Callable[[], list[Array]]:
    """Return a call of the compiled value and gradients."""
    shapes = [x.shape for x in arrays]
    operands = [Var(f"x{k}", shape) for k, shape in enumerate(shapes)]
    (root,) = pairwise([fit(parse_equation(spec), shapes).of(operands)])
    gradients = pull_back(root, operands, Var("bar", bar.shape), 0)
    named = {"value": root} | {f"d{k}": x for k, x in enumerate(gradients)}
    function = compile_program(named)
    values = {f"x{k}": x for k, x in enumerate(arrays)} | {"bar": bar}
    given = {var.name: values[var.name] for var in function.inputs}
    return lambda: list(function(**given).values())


def of_torch(spec: str, arrays: Sequence[Array], bar: Array) -> Callable[[], list[Any]]:
    """Return PyTorch's eager forward and backward pass."""
    leaves = [torch.tensor(x, requires_grad=True) for x in arrays]
    seed = torch.tensor(bar)
    contract = functools.partial(torch.einsum, spec)
    if len(set(spec) - set(",->")) > 52:  # more labels than torch.einsum takes
        contract = oe.contract_expression(spec, *[x.shape for x in arrays], optimize="auto")

    def run() -> list[Any]:
        value = contract(*leaves)
        return [x.contiguous() for x in (value, *torch.autograd.grad(value, leaves, seed))]

    return run


def of_jax(spec: str, arrays: Sequence[Array], bar: Array) -> Callable[[], list[Any]]:
    """Return JAX's, compiled."""
    given = [jax.numpy.asarray(x) for x in arrays]
    seed = jax.numpy.asarray(bar)

    @jax.jit
    def step(xs: list[Any], g: Any) -> list[Any]:
        value, pull = jax.vjp(lambda ys: jax.numpy.einsum(spec, *ys), xs)
        return [value, *pull(g)[0]]

    return lambda: jax.block_until_ready(step(given, seed))  # type: ignore[no-any-return]


def draw(case: Case, dtype: str) -> tuple[list[Array], Array]:
    """Return operands of about unit scale, and a cotangent."""
    _, spec, shapes = case
    rng = np.random.default_rng(0)
    arrays = [(rng.normal(size=s) / max(1, s[-1]) ** 0.5).astype(dtype) for s in shapes]
    bar = np.asarray(rng.normal(size=fit(parse_equation(spec), shapes).shape)).astype(dtype)
    return arrays, bar


def measure(runs: Sequence[Callable[[], Any]], rounds: int) -> list[float]:
    """Return the median seconds of a call of each, taken in turns."""
    counts = []
    for run in runs:
        run()
        start = time.perf_counter()
        run()
        counts.append(max(1, int(0.01 / max(1e-7, time.perf_counter() - start))))
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for k, run in enumerate(runs):
            start = time.perf_counter()
            for _ in range(counts[k]):
                run()
            times[k].append((time.perf_counter() - start) / counts[k])
    return [statistics.median(t) for t in times]


def agree(results: Sequence[Sequence[Any]], dtype: str) -> bool:
    """Whether all computed the same."""
    first, *others = [
        [np.asarray(getattr(x, "detach", lambda x=x: x)()) for x in r] for r in results
    ]
    tolerance = 1e-3 if dtype == "float32" else 1e-8
    return all(
        np.allclose(a, b, rtol=tolerance, atol=tolerance * max(1e-30, abs(b).max(initial=0)))
        for other in others
        for a, b in zip(first, other, strict=True)
    )


def lines(cases: Sequence[Case], dtype: str, rounds: int) -> Iterator[str]:
    """Yield the table, a line as soon as it is measured."""
    yield f"{'':<20} {'eingrad':>10} {'torch':>10} {'jax.jit':>10} {'/torch':>7} {'/jax':>6}"
    ratios: list[tuple[float, float]] = []
    for case in cases:
        arrays, bar = draw(case, dtype)
        runs = [of(case[1], arrays, bar) for of in (of_eingrad, of_torch, of_jax)]
        same = agree([run() for run in runs], dtype)
        ours, torchs, jaxs = measure(runs, rounds)
        ratios.append((ours / torchs, ours / jaxs))
        micro = " ".join(f"{t * 1e6:>10.1f}" for t in (ours, torchs, jaxs))
        slow = "" if max(ratios[-1]) <= 2 else "  over twice"
        note = slow if same else "  RESULTS DIFFER"
        yield f"{case[0]:<20} {micro} {ratios[-1][0]:>7.2f} {ratios[-1][1]:>6.2f}{note}"
    means = [
        math.exp(statistics.fmean(map(math.log, column))) for column in zip(*ratios, strict=True)
    ]
    yield f"{'geometric mean':<53} {means[0]:>7.2f} {means[1]:>6.2f}"


def limited(threads: int) -> dict[str, str]:
    """Return an environment in which each library takes a number of threads."""
    n = str(threads)
    flags = (
        f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()} intra_op_parallelism_threads={n}"
    )
    names = ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"]
    return {**os.environ, **dict.fromkeys(names, n), "XLA_FLAGS": flags, "EINGRAD_BENCHMARK": n}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument("--only", default="", help="a part of the cases' names")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, help="of each of the three")
    arguments = parser.parse_args()
    if arguments.threads and "EINGRAD_BENCHMARK" not in os.environ:
        os.execve(sys.executable, [sys.executable, *sys.argv], limited(arguments.threads))
    if arguments.dtype == "float64":
        jax.config.update("jax_enable_x64", True)
    cases = [case for case in CASES if arguments.only in case[0]]
    for line in lines(cases, arguments.dtype, arguments.rounds):
        print(line, flush=True)


if __name__ == "__main__":
    main()
