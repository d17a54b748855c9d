"""What is timed: the training step of a two-layer classifier, and einsums with their gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import opt_einsum as oe

from eingrad.api.einsum.subscripts import fit, parse_equation

Array = np.ndarray[Any, Any]
Run = Callable[[], list[Any]]
Shapes = Sequence[tuple[int, ...]]
Case = tuple[str, str, Shapes]  # name, equation, shapes of the operands

# --- the training step ------------------------------------------------------------------------

INPUTS, HIDDEN, CLASSES, RATE = 784, 500, 10, 0.1
PARAMETERS = ("W1", "b1", "W2", "b2")
MODEL = """
A1_bh = X_bi W1_ih + b1_h
Z1_bh = sigmoid(A1_bh)
A2_bo = Z1_bh W2_ho + b2_o
Z2_bo = softmax_o(A2_bo)
L     = -mean_b(T_bo log(Z2_bo))
assume sum_o(T_bo) = 1
"""


def step_arrays(batch: int) -> dict[str, Array]:
    """Return data and parameters as a run begins with, in float32."""
    rng = np.random.default_rng(0)
    weights = {"W1": (INPUTS, HIDDEN), "b1": (HIDDEN,), "W2": (HIDDEN, CLASSES), "b2": (CLASSES,)}
    result = {name: rng.normal(size=shape) * 0.05 for name, shape in weights.items()}
    result["X"] = rng.random((batch, INPUTS))
    result["T"] = np.eye(CLASSES)[rng.integers(CLASSES, size=batch)]
    return {name: np.ascontiguousarray(x, "float32") for name, x in result.items()}


# --- einsums ----------------------------------------------------------------------------------


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

# Each with all its gradients, as eager code asks for them: from a product of 24 x 24 to attention
GRADIENTS: list[Case] = [
    ("small matmul",       "ij,jk->ik",            [(24, 24)] * 2),
    ("matmul",             "ij,jk->ik",            [(256, 256)] * 2),
    ("batched matmul",     "bij,bjk->bik",         [(64, 64, 64)] * 2),
    ("scores",             "bhqd,bhkd->bhqk",      [(4, 8, 128, 64)] * 2),
    ("scores, as laid out", "bqhd,bkhd->bhqk",     [(4, 128, 8, 64)] * 2),
    ("values, as laid out", "bhqk,bkhd->bqhd",     [(4, 8, 128, 128), (4, 128, 8, 64)]),
    ("weighted sum",       "ij,cij->ij",           [(256, 256), (8, 256, 256)]),
    ("outer",              "i,j->ij",              [(1000,)] * 2),
    ("diagonal",           "ii->i",                [(1000, 1000)]),
    ("sum",                "ij->",                 [(1000, 1000)]),
    ("row dots",           "ij,ij->i",             [(1000, 1000)] * 2),
    ("matrix vector",      "oh,h->o",              [(1000, 1000), (1000,)]),
    ("linear layer",       "bi,oi->bo",            [(64, 784), (500, 784)]),
    ("chain of four",      "ij,jk,kl,lm->im",      [(128, 128)] * 4),
    ("Tucker",             "abc,ad,be,cf->def",    [(32, 32, 32), *[(32, 32)] * 3]),
    ("four tensors",       "ijk,ilm,njm,nlk->",    [(16, 16, 16)] * 4),
    ("bilinear, batched",  "bix,xyz,biy->biz",     [(8, 64, 32), (32, 32, 32), (8, 64, 32)]),
    ("pairs of axes",      "abcd,cdef->abef",      [(16, 16, 16, 16)] * 2),
    ("scattered axes",     "abcd,bdae->ce",        [(16, 16, 16, 16)] * 2),
    ("images",             "nchw,ochw->no",        [(16, 8, 28, 28), (32, 8, 28, 28)]),
    ("bilinear",           "bi,bj,ijk->bk",        [(64, 32), (64, 32), (32, 32, 16)]),
    ("chain of six",       "ij,jk,kl,lm,mn,np->ip", [(100, 100)] * 6),
    ("ring, batched",      "zab,zbc,zca->z",       [(32, 32, 32)] * 3),
    ("three vectors",      "i,i,i->",              [(100_000,)] * 3),
    ("outer, batched",     "nki,nlj->nkilj",       [(8, 16, 16)] * 2),
]
# fmt: on


def is_large(case: Case) -> bool:
    """Whether an operand or the value takes 64 kB in single precision."""
    _, spec, shapes = case
    value = fit(parse_equation(spec), shapes).shape
    return max(math.prod(shape) for shape in (*shapes, value)) * 4 >= 64_000


def draw(case: Case, dtype: str) -> tuple[list[Array], Array]:
    """Return operands of about unit scale, and a cotangent."""
    _, spec, shapes = case
    rng = np.random.default_rng(0)
    arrays = [(rng.normal(size=s) / max(1, s[-1]) ** 0.5).astype(dtype) for s in shapes]
    bar = np.asarray(rng.normal(size=fit(parse_equation(spec), shapes).shape)).astype(dtype)
    return arrays, bar
