"""What a text means: numbers from the lowered model against NumPy written by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special as sp
from oracle import evaluate, evaluate_system, random_inputs

from eingrad.core.expr import Expr, Size, Var
from eingrad.notation.lower import lower, lower_claim, uses
from eingrad.notation.parse import parse_claim, parse_statements
from eingrad.notation.system import System


def read(text: str) -> System:
    return lower(parse_statements(text))


MEANING: list[tuple[str, Callable[[Any], Any]]] = [
    # --- the summation convention ---
    ("y_i = A_ij x_j", lambda v: v.A @ v.x),
    ("y_j = A_ij x_i", lambda v: v.x @ v.A),
    ("y_ij = x_i z_j", lambda v: np.outer(v.x, v.z)),
    ("y = x_i z_i", lambda v: v.x @ v.z),
    ("y = A_ii", lambda v: np.trace(v.A)),
    ("y_i = A_ii", lambda v: np.diag(v.A)),
    ("y_i = A_ii x_j z_j", lambda v: np.diag(v.A) * (v.x @ v.z)),
    ("y = A_ii x_j z_j", lambda v: np.trace(v.A) * (v.x @ v.z)),
    ("y = A_ii x_i", lambda v: np.diag(v.A) @ v.x),
    ("y = A_iij x_j", lambda v: np.einsum("iij,j", v.A, v.x)),
    ("y = c / A_ii", lambda v: v.c / np.trace(v.A)),  # a trace, wherever it stands
    ("y = A_ii^2", lambda v: np.trace(v.A) ** 2),
    ("y_i = x_i + z_i", lambda v: v.x + v.z),
    ("y_ij = x_i + z_j", lambda v: v.x[:, None] + v.z),
    ("y_ij = A_ji + 2", lambda v: v.A.T + 2),
    ("y = x_i z_i + A_ij B_ij", lambda v: v.x @ v.z + (v.A * v.B).sum()),
    ("y_i = x_i / z_i", lambda v: v.x / v.z),
    ("y = x_i / z_i", lambda v: (v.x / v.z).sum()),
    ("y = c / (x_i z_i)", lambda v: v.c / (v.x @ v.z)),
    ("y = c / x_i z_i", lambda v: (v.c / v.x * v.z).sum()),
    ("y = exp(A_ij x_i x_j)", lambda v: np.exp(v.x @ v.A @ v.x)),
    ("y_o = tanh(A_oi x_i)", lambda v: np.tanh(v.A @ v.x)),
    ("y = t_o exp(x_o)", lambda v: v.t @ np.exp(v.x)),
    ("y = (x_i + 1) z_i", lambda v: ((v.x + 1) * v.z).sum()),
    ("y = (c + x_i z_i) c", lambda v: (v.c + v.x @ v.z) * v.c),
    ("y = (x_i z_i) t_i", lambda v: (v.x * v.z * v.t).sum()),  # all three i are one
    ("y = (x_i z_i)^2", lambda v: (v.x @ v.z) ** 2),
    ("y = x_i^2 z_i", lambda v: (v.x**2 * v.z).sum()),
    ("y = (x_i z_i) (t_j s_j)", lambda v: (v.x @ v.z) * (v.t @ v.s)),
    ("y_i = x_i (z_j t_j)", lambda v: v.x * (v.z @ v.t)),
    ("y_i = exp(x_i z_j t_j)", lambda v: np.exp(v.x * (v.z @ v.t))),
    # --- complete factors, each with a sum of its own ---
    ("y = (w_i B_ij w_j) / (w_i S_ij w_j)", lambda v: (v.w @ v.B @ v.w) / (v.w @ v.S @ v.w)),
    ("y_i = exp(x_ik t_k) / (1 + exp(x_ik t_k))", lambda v: sp.expit(v.x @ v.t)),
    ("y_k = exp(W_ki x_i) / sum_j(exp(W_ji x_i))", lambda v: sp.softmax(v.W @ v.x)),
    ("y_bf = silu(R_bd G_df) (R_bd U_df)",
     lambda v: v.R @ v.G * sp.expit(v.R @ v.G) * (v.R @ v.U)),
    ("y = v_i w_i / (sqrt(v_i v_i) sqrt(w_i w_i))",
     lambda v: v.v @ v.w / np.linalg.norm(v.v) / np.linalg.norm(v.w)),
    ("y = A_ii / B_ii", lambda v: np.trace(v.A) / np.trace(v.B)),
    ("y = (a_k b_k) exp(x_k t_k)", lambda v: v.a @ v.b * np.exp(v.x @ v.t)),
    ("y = (w_i x_i) (w_i z_i)", lambda v: v.w @ v.x * (v.w @ v.z)),
    ("y = tanh(w_i x_i) / sqrt(w_i w_i)", lambda v: np.tanh(v.w @ v.x) / np.linalg.norm(v.w)),
    ("y = sigmoid(w_i x_i) (1 - sigmoid(w_i x_i))",
     lambda v: sp.expit(v.w @ v.x) * sp.expit(-v.w @ v.x)),
    ("y_i = 2 A_ij x_j / (x_j x_j) - 2 (x_j A_jk x_k) x_i / (x_j x_j)^2",
     lambda v: 2 * v.A @ v.x / (v.x @ v.x) - 2 * (v.x @ v.A @ v.x) * v.x / (v.x @ v.x) ** 2),
    ("y = (x_i z_i)^2 a_i b_i",
     lambda v: (v.x @ v.z) ** 2 * (v.a @ v.b)),
    ("y = exp(x_i z_i / (x_i x_i)) tanh(w_i x_i)",
     lambda v: np.exp(v.x @ v.z / (v.x @ v.x)) * np.tanh(v.w @ v.x)),
    ("y = 1 + a_i b_i / (c + (w_i x_i) / (1 + z_i z_i))",
     lambda v: 1 + v.a @ v.b / (v.c + v.w @ v.x / (1 + v.z @ v.z))),
    ("y = sum_b(exp(x_bi w_i) / (1 + exp(x_bi w_i)))", lambda v: sp.expit(v.x @ v.w).sum()),
    ("y = where(a_i b_i < w_i x_i, 1, 2) (a_i x_i)",
     lambda v: np.where(v.a @ v.b < v.w @ v.x, 1, 2) * (v.a @ v.x)),
    ("y = c (w_i B_ij z_j) / (w_i w_i)",  # i apart, j in one factor alone
     lambda v: v.c * (v.w @ v.B @ v.z) / (v.w @ v.w)),
    ("y = a_i b_i z_j x_j / (w_i w_i)",
     lambda v: v.a @ v.b * (v.z @ v.x) / (v.w @ v.w)),
    ("y = a_i B_ij z_i / (w_i w_i t_j)",  # i apart; the j of B and of t is one
     lambda v: np.einsum("i,ij,i,j", v.a, v.B, v.z, 1 / v.t) / (v.w @ v.w)),
    # --- one sum over the whole product ---
    ("y_i = -t_b X_bi sigmoid(-t_b X_bj w_j)",
     lambda v: -(v.t * sp.expit(-v.t * (v.X @ v.w))) @ v.X),
    ("y = a_k b_k exp(x_k t_k)", lambda v: v.a * v.b @ np.exp(v.x * v.t)),
    ("y = a_k b_k (x_k t_k + 1)",
     lambda v: v.a * v.b @ (v.x * v.t + 1)),
    ("y = t_o log(exp(x_o))", lambda v: v.t @ v.x),
    ("y = (x_i - m_i) S_ij (x_j - m_j)", lambda v: (v.x - v.m) @ v.S @ (v.x - v.m)),
    ("y = a_k exp(x_k t_k)", lambda v: v.a @ np.exp(v.x * v.t)),
    ("y = w_i t_i sin(p_i / q_i)", lambda v: v.w * v.t @ np.sin(v.p / v.q)),
    ("y = (a_k + 1) (b_k + 2) exp(x_k t_k)",
     lambda v: ((v.a + 1) * (v.b + 2)) @ np.exp(v.x * v.t)),
    ("y = a_i b_i / z_i", lambda v: (v.a * v.b / v.z).sum()),
    ("y = a_i / (b_i z_i)", lambda v: (v.a / (v.b * v.z)).sum()),
    ("y_j = softmax_i(x_i w_i) x_i t_j", lambda v: sp.softmax(v.x * v.w) @ v.x * v.t),
    ("y = A_ii x_i z_i", lambda v: (np.diag(v.A) * v.x * v.z).sum()),
    ("y = 2 pi c", lambda v: 2 * np.pi * v.c),
    # --- labels that functions bind ---
    ("y = sum_i(x_i)", lambda v: v.x.sum()),
    ("y = sum_i(x_i^2)", lambda v: (v.x**2).sum()),
    ("y = sum_ij(A_ij)", lambda v: v.A.sum()),
    ("y = sum_{ij}(A_ij)", lambda v: v.A.sum()),
    ("y = sum_{row}(x[row])", lambda v: v.x.sum()),
    ("y_i = sum_j(A_ij)", lambda v: v.A.sum(1)),
    ("y = mean_b(exp(t_b z_b))", lambda v: np.exp(v.t * v.z).mean()),
    ("y = mean_b(t_b z_b)", lambda v: (v.t * v.z).mean()),
    ("y = mean_bo(A_bo)", lambda v: v.A.mean()),
    ("y = -mean_b(T_bo exp(Z_bo))", lambda v: -(v.T * np.exp(v.Z)).sum(1).mean()),
    ("y_b = x_b - mean_b(x_b)", lambda v: v.x - v.x.mean()),
    ("y_b = x_b sum_b(x_b)", lambda v: v.x * v.x.sum()),
    ("y = sum_b(x_b sum_b(x_b))", lambda v: v.x.sum() ** 2),
    ("y = sum_b(x_b) sum_b(z_b)", lambda v: v.x.sum() * v.z.sum()),
    ("y = sum_i(x_i + 1)", lambda v: (v.x + 1).sum()),
    ("y_bo = cumsum_o(A_bo)", lambda v: np.cumsum(v.A, 1)),
    ("y_ob = reverse_cumsum_b(A_bo)", lambda v: np.cumsum(v.A[::-1], 0)[::-1].T),
    ("y_bo = cumsum_bo(A_bo)", lambda v: np.cumsum(np.cumsum(v.A, 0), 1)),
    ("y_bo = softmax_o(A_bo)", lambda v: sp.softmax(v.A, 1)),
    ("y_bo = softmax_b(A_bo)", lambda v: sp.softmax(v.A, 0)),
    ("y_bo = softmax_bo(A_bo)", lambda v: sp.softmax(v.A)),
    ("y_ob = log_softmax_o(A_bo)", lambda v: sp.log_softmax(v.A, 1).T),
    ("y = t_o softmax_o(x_o)", lambda v: v.t @ sp.softmax(v.x)),
    ("y = sum_o(t_o log_softmax_o(x_o))", lambda v: v.t @ sp.log_softmax(v.x)),
    ("y_b = logsumexp_o(A_bo)", lambda v: sp.logsumexp(v.A, 1)),
    ("y_o = max_b(A_bo)", lambda v: v.A.max(0)),
    ("y = min_bo(A_bo)", lambda v: v.A.min()),
    ("y_b = prod_o(A_bo)", lambda v: v.A.prod(1)),
    ("y_b = norm_o(A_bo)", lambda v: np.linalg.norm(v.A, axis=1)),
    ("y_b = argmax_o(A_bo)", lambda v: v.A.argmax(1)),
    ("y_bo = A_bo - max_o(A_bo)", lambda v: v.A - v.A.max(1, keepdims=True)),
    ("y = sum_i(max_j(A_ij))", lambda v: v.A.max(1).sum()),
    ("y = max_i(A_ij x_j)", lambda v: (v.A @ v.x).max()),
    ("y_i = x_i / norm_i(x_i)", lambda v: v.x / np.linalg.norm(v.x)),
    ("y_ij = softmax_j(Q_ik K_jk / sqrt(size(k)))",
     lambda v: sp.softmax(v.Q @ v.K.T / np.sqrt(v.Q.shape[1]), 1)),
    # --- repeating, delta, size ---
    ("y_ij = x_i", lambda v: np.repeat(v.x[:, None], 5, 1)),
    ("y_ij = c", lambda v: np.full((4, 5), v.c)),
    ("y_ij = delta_ij", lambda _: np.eye(4)),
    ("y_ij = delta_ij x_i", lambda v: np.diag(v.x)),
    ("y_ij = x_i δ_ij", lambda v: np.diag(v.x)),
    ("y_i = delta_ij x_j", lambda v: v.x),
    ("y = delta_ij A_ij", lambda v: np.trace(v.A)),
    ("y_ij = A_ij - delta_ij", lambda v: v.A - np.eye(len(v.A))),
    ("y_i = delta_ii x_i", lambda v: v.x),
    ("y = x_i x_i / size(i)", lambda v: (v.x**2).mean()),
    ("y = (x_i x_i) / size(i)", lambda v: (v.x**2).mean()),
    ("y = sum_i(x_i) / size(i)", lambda v: v.x.mean()),
    ("y_i = x_i size(i)", lambda v: v.x * len(v.x)),
    ("y = size(i)\nz = sum_i(x_i)", lambda v: len(v.x)),
    # --- arithmetic ---
    ("y = -c^2", lambda v: -(v.c**2)),
    ("y = 2 c / 4 c", lambda v: 2 * v.c / 4 * v.c),
    ("y = c - (a - b)", lambda v: v.c - (v.a - v.b)),
    ("y = -c b + a", lambda v: -v.c * v.b + v.a),
    ("y = c * -b", lambda v: -v.c * v.b),
    ("y = 2^3^2", lambda _: 512),
    ("y = (2^3)^2", lambda _: 64),
    ("y = exp(c)^-2", lambda v: np.exp(-2 * v.c)),
    ("y = exp(c)^a", lambda v: np.exp(v.c * v.a)),
    ("y_ij = exp(x_i)^z_j", lambda v: np.exp(v.x)[:, None] ** v.z),
    ("y_i = 2^x_i", lambda v: 2**v.x),
    ("y_i = pow(exp(x_i), 0.5)", lambda v: np.exp(v.x / 2)),
    ("y_i = x_i^0", lambda v: np.ones_like(v.x)),
    ("y_i = square(x_i) + abs(x_i)", lambda v: v.x**2 + np.abs(v.x)),
    ("y = 0.1 + 0.2", lambda _: 0.3),
    # --- element-wise functions of several arguments, comparisons ---
    ("y_ij = maximum(x_i, z_j)", lambda v: np.maximum(v.x[:, None], v.z)),
    ("y_i = minimum(x_i, 0)", lambda v: np.minimum(v.x, 0)),
    ("y_i = maximum(c, x_i)", lambda v: np.maximum(v.c, v.x)),
    ("y_i = where(x_i > 0, x_i, 0)", lambda v: np.maximum(v.x, 0)),
    ("y_ij = where(x_i < z_j, x_i, c)",
     lambda v: np.where(v.x[:, None] < v.z, v.x[:, None], v.c)),
    ("y_i = where(abs(x_i) <= 1, x_i^2 / 2, abs(x_i) - 0.5)", lambda v: sp.huber(1, v.x)),
    ("y_i = where(x_i, 1, 2)", lambda v: np.ones_like(v.x)),
    ("y = sum_i(x_i > 0)", lambda v: (v.x > 0).sum()),
    ("y_i = (x_i >= 0) x_i", lambda v: np.maximum(v.x, 0)),
    ("y = sum_ij(x_i != x_j)", lambda v: len(v.x) * (len(v.x) - 1)),
    ("y = sum_ij(x_i == x_j)", lambda v: len(v.x)),
    # --- names ---
    (r"y_μ = \alpha_\mu α_{\mu}", lambda v: v.alpha**2),
    ("y[row] = W[row,col] x[col]", lambda v: v.W @ v.x),
    ("y_i = W^{(1)}_{ij} x_j + W1_ij x_j", lambda v: 2 * v.W1 @ v.x),
]  # fmt: skip
SIZES = {"i": 4, "j": 5}


class Values:
    """Arrays as attributes."""

    def __init__(self, arrays: dict[str, Any]) -> None:
        self.__dict__.update(arrays)


@pytest.mark.parametrize(("text", "expected"), MEANING, ids=[text for text, _ in MEANING])
def test_meaning(text: str, expected: Callable[[Any], Any]) -> None:
    system = read(text)
    arrays = random_inputs(system, dict(SIZES))
    got = evaluate_system(system, arrays, SIZES)["y"]
    want = np.asarray(expected(Values(arrays)), dtype=float)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


def test_classifier() -> None:
    text = """
    A1_bh = X_bi W1_ih + b1_h
    Z1_bh = sigmoid(A1_bh)
    A2_bo = Z1_bh W2_ho + b2_o
    Z2_bo = softmax_o(A2_bo)
    L     = -mean_b(T_bo log(Z2_bo))
    assume sum_o(T_bo) = 1
    """
    system = read(text)
    assert list(system.inputs) == ["X", "W1", "b1", "W2", "b2", "T"]
    assert list(system.definitions) == ["A1", "Z1", "A2", "Z2", "L"]
    assert system.inputs["X"] is Var("X", ("b", "i"))
    assert system.definitions["A2"].expr.dims == ("b", "o")
    assert system.letters == {"b": ("b",), "h": ("h",), "i": ("i",), "o": ("o",)}
    assert system.labels["W2"] == ("h", "o")
    v = Values(arrays := random_inputs(system))
    a2 = sp.expit(v.X @ v.W1 + v.b1) @ v.W2 + v.b2  # type: ignore[attr-defined]
    loss = -(v.T * sp.log_softmax(a2, 1)).sum(1).mean()  # type: ignore[attr-defined]
    np.testing.assert_allclose(evaluate_system(system, arrays)["L"], loss)
    (fact,) = system.facts
    assert fact.left.dims == fact.right.dims == ("b",)


def test_statements_in_any_order() -> None:
    system = read("c = b + 1\nb_ = 3".replace("b_", "b"))
    assert list(system.definitions) == ["b", "c"]
    names = list(read("e = d a\nd = c + b\na = x\nc = b\nb = x").definitions)
    assert sorted(names) == ["a", "b", "c", "d", "e"]
    for later, earlier in ["ed", "ea", "dc", "db", "cb"]:
        assert names.index(later) > names.index(earlier)


def test_a_long_chain_of_statements() -> None:
    lines = [f"x{k}_i = tanh(W_ij x{k - 1}_j)" for k in range(1000, 0, -1)]
    system = read("\n".join(lines))
    assert next(iter(system.definitions)) == "x1"
    assert set(system.letters) == {"i"}


# --- dimensions -------------------------------------------------------------------------------


def dims(system: System) -> dict[str, tuple[Any, ...]]:
    tensors = [*system.inputs.values(), *(d.var for d in system.definitions.values())]
    return {tensor.name: tensor.dims for tensor in tensors}


DIMS = [
    # axes are matched by position, whatever their letters
    ("y_i = A_ij x_j\nz_p = B_pq y_q", {"A": "ij", "x": "j", "y": "i", "B": "pi", "z": "p"}),
    # another statement may use the letter for another dimension
    ("y_i = x_i\nz_i = w_i", {"x": ("i",), "w": ("i2",), "y": ("i",), "z": ("i2",)}),
    ("y_i = x_i\nz_i = w_i\nu_i = v_i", {"x": ("i",), "w": ("i2",), "v": ("i3",)}),
    # a summation has labels of its own
    ("L = c (W_ij W_ij + V_ij V_ij)", {"W": ("i", "j"), "V": ("i2", "j2")}),
    ("y_i = x_i sum_i(w_i)", {"x": ("i",), "w": ("i2",)}),
    # a kept label is the same in the whole statement
    ("y_i = x_i + w_i", {"x": "i", "w": "i"}),
    # what one statement keeps apart, another may join
    ("L = x_i x_i + w_i w_i\nz_k = x_k + w_k", {"x": "i", "w": "i", "z": "i"}),
    ("y_ij = delta_ij", {"y": "ii"}),
    ("y_ij = A_ij + A_ji", {"A": "ii", "y": "ii"}),
    ("y = A_ij x_i x_j", {"A": "ii", "x": "i"}),  # x has one axis
    ("y[out] = W[out,in] x[in]", {"W": ("out", "in"), "x": ("in",), "y": ("out",)}),
    ("y_μ = x_μ", {"x": ("mu",)}),
    ("assume S_ij = S_ji\ny = S_ij x_i x_j", {"S": "ii", "x": "i"}),
]


@pytest.mark.parametrize(("text", "expected"), DIMS, ids=[t for t, _ in DIMS])
def test_dimensions(text: str, expected: dict[str, Any]) -> None:
    got = dims(read(text))
    assert {name: got[name] for name in expected} == {k: tuple(v) for k, v in expected.items()}


def test_letters_of_a_dimension() -> None:
    system = read("y_i = A_ij x_j\nz_p = B_pq y_q\nw[row] = z[row]")
    assert system.letters == {"i": ("i", "q"), "j": ("j",), "p": ("p", "row")}
    assert system.labels == {
        "y": ("i",), "z": ("p",), "w": ("row",), "A": ("i", "j"), "x": ("j",), "B": ("p", "q"),
    }  # fmt: skip


def test_uses() -> None:
    system = read("y_i = W_ij x_j\nz_k = y_k")
    assert uses(system) == {
        "i": [("W", 0, "i"), ("y", 0, "i"), ("z", 0, "k")],
        "j": [("W", 1, "j"), ("x", 0, "j")],
    }


def test_size_of_a_letter_elsewhere_in_the_model() -> None:
    assert read("m = size(b)\ny_b = x_b").definitions["m"].expr is Size("b")
    assert read("m = size(q)\ny_b = x_b\nz_q = y_q").definitions["m"].expr is Size("b")
    assert read("m = size(i2)\ny_i = x_i\nz_i = w_i").definitions["m"].expr is Size("i2")


def test_size_of_a_letter_that_a_tensor_has() -> None:
    system = read("m = size_i(w_i)\ny_i = x_i\nz_i = w_i\nv_i = size_i(w_i) x_i")
    (dim,) = system.inputs["w"].dims
    assert system.inputs["x"].dims != (dim,)
    assert system.definitions["m"].expr is Size(dim)
    assert Size(dim) in system.definitions["v"].expr.operands


def test_a_label_that_nothing_else_knows_names_a_dimension() -> None:
    system = read("y_ij = 3")
    assert system.definitions["y"].expr.dims == ("i", "j")


# --- normal form, facts, functions, claims ----------------------------------------------------


def expr(text: str, name: str = "y") -> Expr:
    return read(text).definitions[name].expr


SAME = [
    ("y_ij = A_ij B_ij", "y_ij = B_ij A_ij"),
    ("y_i = x_i / z_i", "y_i = z_i^-1 x_i"),
    ("y_i = x_i - z_i", "y_i = -z_i + x_i"),
    ("y_i = x_i + x_i", "y_i = 2 x_i"),
    ("y = mean_i(x_i)", "y = sum_i(x_i) / size(i)"),
]
EQUAL = [
    ("y = x_i z_i", "y = x_k z_k"),
    ("y = sum_ij(A_ij)", "y = sum_i(sum_j(A_ij))"),
    ("y = x_i x_i", "y = sum_i(x_i^2)"),
    ("y = a - (b - c)", "y = a - b + c"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_ways_to_write_one_expression(one: str, other: str) -> None:
    assert expr(one) is expr(other)


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_two_ways_to_write_one_value(one: str, other: str) -> None:
    inputs = random_inputs(read(one))
    np.testing.assert_allclose(evaluate(expr(one), inputs), evaluate(expr(other), inputs))


FACTS = [
    ("assume sum_o(T_bo) = 1\ny_bo = T_bo", ("b",)),
    ("assume A_ij = A_ji\ny_ij = A_ij", ("i", "i")),
    ("assume W_ij W_kj = delta_ik\ny_ij = W_ij", ("i", "i")),  # j is summed
    ("assume x_i x_i = 1\ny_i = x_i", ()),
    ("assume x_i z_i = w_i\ny_i = x_i + z_i + w_i", ("i",)),  # not summed: w_i keeps it
    ("assume w_i = x_i z_i\ny_i = x_i + z_i + w_i", ("i",)),
    ("assume A_ii = 3\ny_ij = A_ij", ()),
    ("assume T_bo = T_bo^2\ny_bo = T_bo", ("b", "o")),
]


@pytest.mark.parametrize(("text", "expected"), FACTS)
def test_fact(text: str, expected: tuple[str, ...]) -> None:
    (fact,) = read(text).facts
    assert fact.left.dims == fact.right.dims == expected


def test_both_sides_of_a_fact_have_the_same_axes() -> None:
    (fact,) = read("assume A_ij = B_ji\ny_ij = A_ij + B_ij").facts
    rng = np.random.default_rng(0)
    arrays = {"A": rng.normal(size=(3, 3)), "B": rng.normal(size=(3, 3))}
    np.testing.assert_array_equal(evaluate(fact.left, arrays), arrays["A"])
    np.testing.assert_array_equal(evaluate(fact.right, arrays), arrays["B"].T)


def test_declared_functions() -> None:
    system = read("function φ\ny_i = φ(x_i) + phi'(x_i)")
    assert system.functions == {"phi": 1}
    x = np.array([0.5, 2.0])
    functions = {"phi": np.tanh, "phi'": np.cos}
    got = evaluate_system(system, {"x": x}, functions=functions)["y"]
    np.testing.assert_allclose(got, np.tanh(x) + np.cos(x))


def test_claims_speak_of_derivatives_as_tensors() -> None:
    system = read("A_bh = X_bi W_ih\nL = sum_bh(A_bh^2)")
    claim = lower_claim(parse_claim("dL/dW_pq = X_bp dL/dA_bq"), system)
    assert claim.name == "dL/dW"
    assert claim.labels == ("p", "q")
    assert claim.expr.dims == ("i", "h")
    g = np.ones((2, 4))
    x = np.arange(6.0).reshape(2, 3)
    got = evaluate(claim.expr, {"X": x, "dL/dA": g})
    np.testing.assert_allclose(got, x.T @ g)


def test_claims_about_jacobians_and_hessians() -> None:
    system = read("y_i = softmax_i(a_i)\nL = w_i w_i")
    claim = lower_claim(parse_claim("dy_i/da_j = y_i (delta_ij - y_j)"), system)
    assert (claim.name, claim.expr.dims) == ("dy/da", ("i", "i"))
    claim = lower_claim(parse_claim("d2L/dw_i dw_j = 2 delta_ij"), system)
    assert claim.name == "d2L/dw dw"
    claim = lower_claim(parse_claim("L = w_k w_k"), system)
    assert claim.expr is system.definitions["L"].expr
