"""Nodes for arrays that Python code cuts, joins, indexes and inverts, against NumPy itself."""

from __future__ import annotations

import numpy as np
import pytest

from eingrad.core.algebra import Infix, einsum, multiply, transpose
from eingrad.core.arrays import (
    Gather,
    Matrix,
    Scatter,
    concat,
    place,
    reshape,
    slice_of,
)
from eingrad.core.expr import Const, Indices, Var
from eingrad.engine import compile_program

X, Y = Var("x", (3, 4)), Var("y", (3, 4))
INTO, J = Var("i", (5,), integer=True), Var("j", (3,), integer=True)
S = Var("s", (2, 3, 3))
ROWS = einsum([(Indices(5), (0,))], (0, 1), {1: 4})
VALUES = {
    "x": np.random.default_rng(0).normal(size=(3, 4)),
    "y": np.random.default_rng(1).normal(size=(3, 4)),
    "i": np.array([2, 0, 0, 1, 2]),
    "j": np.array([3, 0, 3]),
    "s": np.random.default_rng(2).normal(size=(2, 3, 3)) + 4 * np.eye(3),
}


def placed(x, **_):
    out = np.zeros((5, 9))
    out[1:4, 7::-2] = x
    return out


def scattered(i, **_):
    out = np.zeros((3, 4))
    np.add.at(out, i, np.arange(5.0)[:, None] * np.ones(4))
    return out


CASES = {
    "reshape": (reshape(X, (2, 6)), lambda x, **_: x.reshape(2, 6)),
    "reshape of a transpose": (
        reshape(transpose(X, (1, 0)), (2, 6)), lambda x, **_: x.T.reshape(2, 6)
    ),
    "scaled reshape": (multiply(Const(2), reshape(X, (12,))), lambda x, **_: 2 * x.ravel()),
    "slice": (slice_of(X, [(0, 2, 2), (1, 3, 1)]), lambda x, **_: x[::2, 1:]),
    "backwards": (slice_of(X, [(2, 3, -1), (3, 2, -2)]), lambda x, **_: x[::-1, ::-2]),
    "empty": (slice_of(X, [(0, 0, 1), (0, 4, 1)]), lambda x, **_: x[:0]),
    "product of a slice": (
        einsum([(slice_of(X, [(0, 3, 1), (1, 3, 1)]), (0, 1)), (Y, (0, 2))], (1, 2)),
        lambda x, y, **_: x[:, 1:].T @ y,
    ),
    "place": (place(X, [(1, 3, 1), (7, 4, -2)], (5, 9)), placed),
    "concat": (
        concat([X, transpose(einsum([(Y, (0, 1))], (1, 0)), (1, 0)), X], 1),
        lambda x, y, **_: np.concatenate([x, y, x], 1),
    ),
    "take": (Gather(X, [INTO], [(0, (0,)), 1], (0, 1)), lambda x, i, **_: x[i]),
    "transposed take": (Gather(X, [INTO], [(0, (0,)), 1], (1, 0)), lambda x, i, **_: x[i].T),
    "pick": (Gather(X, [J], [0, (0, (0,))], (0,)), lambda x, j, **_: x[np.arange(3), j]),
    "pick all": (
        Gather(X, [INTO, J], [(0, (0,)), (1, (1,))], (0, 1)), lambda x, i, j, **_: x[i[:, None], j]
    ),
    "scatter": (
        Scatter(ROWS, [INTO], [(0, (0,)), 1], (0, 1), (3, 4)),
        scattered,
    ),
    "indices": ((Infix(Indices(4)) * Infix(Indices(4))).expr, lambda **_: np.arange(4) ** 2),
    "inverse": (Matrix("inv", S), lambda s, **_: np.linalg.inv(s)),
    "determinant": (Matrix("det", S), lambda s, **_: np.linalg.det(s)),
    "log-determinant": (Matrix("logdet", S), lambda s, **_: np.linalg.slogdet(s)[1]),
    "factor": (
        Matrix("cholesky", einsum([(S, (0, 1, 2)), (S, (0, 3, 2))], (0, 1, 3))),
        lambda s, **_: np.linalg.cholesky(s @ s.swapaxes(1, 2)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_array_nodes_are_numpys(name, dtype):
    node, reference = CASES[name]
    everything = {"x": X, "y": Y, "i": INTO, "j": J, "s": S}
    values = {n: x.astype(dtype) if x.dtype.kind == "f" else x for n, x in VALUES.items()}
    result = compile_program({"out": node, **everything})(**values)["out"]
    expected = reference(**VALUES)
    assert result.shape == expected.shape
    assert result.dtype == ("int64" if name in {"indices", "scatter"} else dtype)
    tolerance = 1e-12 if dtype == "float64" else 1e-4
    np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance)
    for x in values.values():
        assert not np.shares_memory(result, x)


def test_a_determinant_of_one_matrix_is_a_scalar():
    m = Var("m", (2, 2))
    nodes = {"det": Matrix("det", m), "logdet": Matrix("logdet", m)}
    result = compile_program(nodes)(m=np.diag([2.0, -3.0]))
    np.testing.assert_allclose(result["det"], -6)
    np.testing.assert_allclose(result["logdet"], np.log(6))


def test_an_entry():
    k = Var("k", (), integer=True)
    v = Var("v", (3,))
    result = compile_program({"e": Gather(v, [k], [(0, ())], ())})(v=np.arange(3.0), k=2)
    assert result["e"] == 2
