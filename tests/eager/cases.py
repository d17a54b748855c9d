"""The table of operations: for each name of the surface, formulas over a module ``m``.

With ``m`` the eager functions, a formula is differentiated by all its floating-point operands;
with ``m`` NumPy (and SciPy, for what NumPy lacks) it gives the value to expect.
"""

# ruff: noqa: ARG005 - every formula takes the module, also one of operators alone
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.special as sp
from seeds import seeded

import eingrad as operations

Case = tuple[str, Callable[..., Any], Callable[..., Any], tuple[Any, ...]]

rng = np.random.default_rng(seeded(7))


OVER = {"cot": "tan", "sec": "cos", "csc": "sin", "coth": "tanh", "sech": "cosh", "csch": "sinh"}
OF_INVERSE = {"asec": np.arccos, "acsc": np.arcsin, "acoth": np.arctanh, "acot": np.arctan}


class Reference:
    """NumPy, with what it lacks or calls by another name."""

    asinh, acosh, atanh = np.arcsinh, np.arccosh, np.arctanh
    asin, acos, atan, erf, sigmoid = np.arcsin, np.arccos, np.arctan, sp.erf, sp.expit
    logsumexp, log_softmax, pow = sp.logsumexp, sp.log_softmax, np.power
    lgamma, digamma, polygamma = sp.gammaln, sp.digamma, staticmethod(sp.polygamma)
    norm, inv, det = np.linalg.norm, np.linalg.inv, np.linalg.det
    solve, cholesky = np.linalg.solve, np.linalg.cholesky

    def __getattr__(self, name: str) -> Any:
        if name in OVER:
            return lambda x: 1 / getattr(np, OVER[name])(x)
        if name in OF_INVERSE:
            return lambda x: OF_INVERSE[name](1 / x)
        return getattr(np, name)

    def softmax(self, x, axis=-1):
        return sp.softmax(x, axis)

    def softplus(self, x):
        return np.logaddexp(0, x)

    def relu(self, x):
        return np.maximum(x, 0)

    def leaky_relu(self, x, slope=0.01):
        return np.where(x > 0, x, slope * x)

    def elu(self, x):
        return np.where(x > 0, x, np.expm1(x))

    def gelu(self, x):
        return x * sp.ndtr(x)

    def silu(self, x):
        return x * sp.expit(x)

    def logdet(self, x):
        return np.linalg.slogdet(x)[1]

    norm, logsumexp, log_softmax, inv, det, solve, cholesky = map(
        staticmethod, (norm, logsumexp, log_softmax, inv, det, solve, cholesky)
    )


REFERENCE = Reference()


def normal(*shape: int) -> Any:
    return rng.standard_normal(shape)


def positive(*shape: int) -> Any:
    return rng.uniform(0.5, 2.0, shape)


def inside(*shape: int) -> Any:
    return rng.uniform(-0.9, 0.9, shape)


def off_0(*shape: int) -> Any:
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(0.3, 2.0, shape)


def regular(*shape: int) -> Any:
    return normal(*shape) + 3 * np.eye(shape[-1])


def definite(n: int) -> Any:
    a = normal(n, n)
    return a @ a.T + n * np.eye(n)


def distinct(*shape: int) -> Any:
    return rng.permutation(int(np.prod(shape))).reshape(shape) * 0.37 - 1.0


def compound(*shape: int) -> Any:
    return normal(*shape) + 1j * normal(*shape)


def row(name: str, formula: Callable[..., Any], *operands: Any) -> Case:
    return name, partial(formula, operations), partial(formula, REFERENCE), operands


def plain(name: str, *operands: Any) -> Case:
    return row(name, lambda m, *xs: getattr(m, name)(*xs), *operands)


MASK = np.array([[True], [False]])

# fmt: off
UNARY = [
    plain("exp", normal(3, 2)), plain("expm1", normal(3)), plain("log", positive(3, 2)),
    plain("log1p", positive(3)), plain("sqrt", positive(4)), plain("abs", off_0(4)),
    plain("sign", off_0(4)), plain("square", normal(3)), plain("sin", normal(3)),
    plain("cos", normal(3)), plain("tan", inside(3)), plain("asin", inside(3)),
    plain("acos", inside(3)), plain("atan", normal(3)), plain("sinh", normal(3)),
    plain("cosh", normal(3)), plain("tanh", normal(3)), plain("erf", normal(3)),
    plain("sigmoid", normal(3, 2)), plain("softplus", normal(3)), plain("relu", off_0(5)),
    plain("leaky_relu", off_0(5)), plain("leaky_relu", off_0(3, 1), positive(2)),
    plain("elu", off_0(5)), plain("lgamma", positive(4)), plain("digamma", positive(4)),
    row("polygamma", lambda m, x: m.polygamma(1, x), positive(3)), plain("gelu", normal(4)),
    plain("floor", positive(4)), plain("ceil", positive(4)),
    *(plain(name, positive(3)) for name in (*OVER, "acot", "asinh")),
    plain("atanh", inside(3)),
    *(row(name, lambda m, x, f=name: getattr(m, f)(1 + x), positive(3))
      for name in ("acosh", "asec", "acsc", "acoth")),
    plain("silu", normal(4)), plain("negative", normal(2, 2)), plain("reciprocal", positive(3)),
]
BINARY = [
    plain("add", normal(3, 1), normal(4)),
    row("add", lambda m, x: x + 2 + x, normal(2)),
    row("add", lambda m, x: x + x.T, normal(3, 3)),
    plain("subtract", normal(2, 3), normal(2, 1)),
    row("subtract", lambda m, x: 1 - x, normal(2)),
    row("subtract", lambda m, x: x - x, normal(2)),
    plain("multiply", normal(2, 1, 3), normal(4, 1)),
    row("multiply", lambda m, x: 0.3 * x * x, normal(2)),
    plain("divide", normal(3), positive(2, 1)),
    row("divide", lambda m, x: 2 / x / 3, positive(2)),
    plain("power", positive(3), normal(2, 1)),
    row("power", lambda m, x: x**3 + x**-2.0 + x**0.5 + x**0 + x**1 + x**7, positive(3)),
    row("power", lambda m, x: 2**x, normal(3)),
    plain("pow", positive(3), normal(3)),
    plain("maximum", normal(3, 2), normal(2)),
    plain("minimum", normal(3, 2), 0.1),
    plain("logaddexp", normal(3), normal(2, 1)),
    plain("floor_divide", normal(3), positive(2, 1)),
    plain("remainder", normal(3), positive(2, 1)),
    plain("where", MASK, normal(2, 3), normal(3)),
    row("where", lambda m, x: m.where(x > 0, m.log(m.where(x > 0, x, 1)), x * x), off_0(5)),
    row("clip", lambda m, x: m.clip(x, -0.5, 0.5), normal(9)),
    plain("clip", normal(5), -0.4, normal(5) + 1),
]
REDUCTIONS = [
    row("sum", lambda m, x: m.sum(x, axis=1) ** 2, normal(2, 3)),
    row("sum", lambda m, x: m.sum(x) ** 2, normal(2, 3)),
    row("sum", lambda m, x: x * m.sum(x, axis=(0, 2), keepdims=True), normal(2, 3, 2)),
    row("mean", lambda m, x: m.mean(x, axis=-1) ** 2, normal(2, 3)),
    row("max", lambda m, x: m.max(x, axis=0) ** 2, distinct(3, 2)),
    row("max", lambda m, x: m.max(x) ** 2, distinct(3, 2)),
    row("min", lambda m, x: m.min(x, axis=1, keepdims=True) * x, distinct(3, 2)),
    row("prod", lambda m, x: m.prod(x, axis=1), normal(2, 4)),
    row("prod", lambda m, x: m.prod(x), positive(2, 3)),
    row("logsumexp", lambda m, x: m.logsumexp(x, axis=1), normal(2, 3)),
    plain("softmax", normal(2, 3)),
    row("softmax", lambda m, x: m.softmax(x, axis=(0, 1)), normal(2, 3)),
    row("log_softmax", lambda m, x: m.log_softmax(x, axis=0), normal(2, 3)),
    row("var", lambda m, x: m.var(x, axis=0, ddof=1), normal(4, 2)),
    row("var", lambda m, x: m.var(x, keepdims=True), normal(4, 2)),
    row("std", lambda m, x: m.std(x, axis=1), normal(2, 4)),
    plain("norm", normal(2, 3)),
    row("norm", lambda m, x: m.norm(x, axis=1, keepdims=True) + x, normal(2, 3)),
    row("norm", lambda m, x: m.norm(x, 1, axis=0), off_0(3, 2)),
    row("norm", lambda m, x: m.norm(x, 3, axis=0), off_0(3, 2)),
    row("norm", lambda m, x: m.norm(x, np.inf, axis=0), distinct(3, 2)),
    row("cumsum", lambda m, x: m.cumsum(x, axis=1) ** 2, normal(2, 4)),
    row("cumsum", lambda m, x: m.cumsum(x) ** 2, normal(2, 2)),
]
SHAPING = [
    row("reshape", lambda m, x: m.reshape(x, (3, -1)) ** 2, normal(2, 3)),
    row("ravel", lambda m, x: m.ravel(x) ** 2, normal(2, 3)),
    row("transpose", lambda m, x: m.transpose(x, (2, 0, 1)) ** 2, normal(2, 3, 4)),
    row("swapaxes", lambda m, x: m.swapaxes(x, 0, -1) ** 2, normal(2, 3, 2)),
    row("moveaxis", lambda m, x: m.moveaxis(x, (0, 1), (-1, 0)) ** 2, normal(2, 3, 2)),
    row("squeeze", lambda m, x: m.squeeze(x, 1) ** 2, normal(2, 1, 3)),
    row("expand_dims", lambda m, x: m.expand_dims(x, (0, 2)) ** 2, normal(2, 3)),
    row("broadcast_to", lambda m, x: m.broadcast_to(x, (2, 2, 3)) ** 2, normal(2, 1)),
    row("concatenate", lambda m, x, y: m.concatenate([x, y, x], 1), normal(2, 1), normal(2, 3)),
    row("concatenate", lambda m, x, y: m.concatenate([x, y], None) ** 2, normal(2, 1), normal(3)),
    row("stack", lambda m, x, y: m.stack([x, y], -1) ** 2, normal(2, 3), normal(2, 3)),
    row("split", lambda m, x: m.split(x, 2, 1)[1] ** 2, normal(2, 4)),
    row("split", lambda m, x: m.split(x, [1, 3])[1] ** 2, normal(4)),
    row("flip", lambda m, x: m.flip(x, 1) * x, normal(2, 3)),
    row("diag", lambda m, x: m.diag(x, 1) @ m.diag(x, -1), normal(3)),
    row("diag", lambda m, x: m.diag(x, -1) ** 2, normal(3, 4)),
    row("diagonal", lambda m, x: m.diagonal(x, 1, 0, 2) ** 2, normal(3, 2, 3)),
    row("trace", lambda m, x: m.trace(x) ** 2, normal(3, 3)),
    row("tril", lambda m, x: m.tril(x, -1) ** 2, normal(3, 4)),
    row("triu", lambda m, x: m.triu(x) ** 2, normal(2, 3, 3)),
]
PRODUCTS = [
    plain("matmul", normal(2, 3), normal(3, 4)),
    plain("matmul", normal(3), normal(3)),
    plain("matmul", normal(5, 1, 2, 3), normal(2, 3, 2)),
    plain("matmul", normal(3), normal(2, 3, 2)),
    plain("dot", normal(2, 3), normal(2, 3, 4)),
    plain("inner", normal(2, 3), normal(4, 3)),
    plain("outer", normal(2), normal(3)),
    row("tensordot", lambda m, x, y: m.tensordot(x, y, ((0, 1), (1, 0))),
        normal(2, 3, 4), normal(3, 2)),
    row("tensordot", lambda m, x, y: m.tensordot(x, y, 1), normal(2, 3), normal(3, 2)),
    row("einsum", lambda m, x, y: m.einsum("ij,jk->ki", x, y), normal(2, 3), normal(3, 4)),
    row("einsum", lambda m, x: m.einsum("ii->i", x) ** 2, normal(3, 3)),
    row("einsum", lambda m, x: m.einsum("ij,ij", x, x), normal(2, 3)),
    row("einsum", lambda m, x, y, z: m.einsum("ij,jk,kl->il", x, y, z),
        normal(2, 3), normal(3, 2), normal(2, 2)),
    row("einsum", lambda m, x, y: m.einsum(x, [0, 1], y, [1], x, [0, 1], [1]),
        normal(2, 3), normal(3)),
    plain("inv", regular(2, 3, 3)), plain("det", regular(2, 3, 3)), plain("logdet", regular(3, 3)),
    plain("solve", regular(3, 3), normal(3, 2)), plain("solve", regular(3, 3), normal(3)),
    plain("cholesky", definite(3)),
]
COMPLEX = [
    row("conj", lambda m, z: m.conj(z) * z * z, compound(3)),
    row("real", lambda m, z: m.real(z * z) ** 2, compound(3)),
    row("imag", lambda m, z: m.imag(z * z) ** 2, compound(3)),
    plain("abs", compound(3)), plain("exp", compound(3)), plain("divide", compound(3), compound(3)),
    plain("multiply", compound(3), normal(3)),
    row("einsum", lambda m, x, y: m.einsum("ij,jk->ik", x, y), compound(2, 3), compound(3, 2)),
    row("sum", lambda m, z: m.sum(z, axis=0), compound(2, 2)),
    plain("inv", regular(3, 3) + 1j * normal(3, 3)),
]
# fmt: on

CONSTANT = {"argmax": np.argmax, "argmin": np.argmin}
"""Operations whose result has no derivative."""

CASES: list[Case] = [*UNARY, *BINARY, *REDUCTIONS, *SHAPING, *PRODUCTS, *COMPLEX]
