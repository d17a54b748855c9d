"""Inverses, determinants, traces and transposes: what they mean, print, and derive to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from seeds import seeded

import eingrad as eg
from eingrad.calculus.simplify import simplify
from eingrad.derivation.author_letters import Names
from eingrad.derivation.labels import to_formula
from eingrad.errors import NotationError
from eingrad.notation.latex import to_latex
from eingrad.notation.parse import parse_formula
from eingrad.notation.text import to_text

RNG = np.random.default_rng(seeded(3))
A = RNG.normal(size=(4, 4)) + 4 * np.eye(4)
S = A @ A.T
STACK = RNG.normal(size=(2, 3, 3)) + 3 * np.eye(3)
X = RNG.normal(size=(6, 4))
x, y = RNG.normal(size=4), RNG.normal(size=4)

# --- values -----------------------------------------------------------------------------------

VALUES: list[tuple[str, dict[str, np.ndarray], Any]] = [
    ("z_ij = inv_ij(A_ij)", {"A": A}, np.linalg.inv(A)),
    ("z_ij = inv_ji(A_ij)", {"A": A}, np.linalg.inv(A)),
    ("z_ij = inv_ji(A_ji)", {"A": A}, np.linalg.inv(A).T),
    ("z_ij = transpose_ij(A_ij)", {"A": A}, A.T),
    ("z_ij = transpose_ij(inv_ij(A_ij))", {"A": A}, np.linalg.inv(A).T),
    ("z = det_ij(A_ij)", {"A": A}, np.linalg.det(A)),
    ("z = logdet_ij(-A_ij)", {"A": A}, np.linalg.slogdet(A)[1]),
    ("z = trace_ij(A_ik B_kj)", {"A": A, "B": S}, np.trace(A @ S)),
    ("z = trace_ij(inv_ij(A_ij))", {"A": A}, np.trace(np.linalg.inv(A))),
    ("z = norm_ij(A_ij)", {"A": A}, np.linalg.norm(A)),
    ("z_bij = inv_ij(A_bij)", {"A": STACK}, np.linalg.inv(STACK)),
    ("z_ibj = inv_ij(A_jbi)", {"A": STACK.transpose(1, 0, 2)},
     np.linalg.inv(STACK.transpose(0, 2, 1)).transpose(1, 0, 2)),
    ("z_b = det_ij(A_bij)", {"A": STACK}, np.linalg.det(STACK)),
    ("z_b = trace_ij(A_bij)", {"A": STACK}, np.trace(STACK, axis1=1, axis2=2)),
    ("z_ik = inv_ij(A_il B_lj + delta_ij) A_jk", {"A": A, "B": S},
     np.linalg.solve(A @ S + np.eye(4), A)),
    ("z_i = sum_j(delta_ij inv_ij(A_ij))", {"A": A}, np.diag(np.linalg.inv(A))),
    ("z_i = exp(inv_ij(A_ij)) x_j", {"A": A, "x": x}, np.exp(np.linalg.inv(A)) @ x),
    ("z = logdet_ij(2 delta_ij x_i)", {"x": x}, np.log(np.abs(2 * x)).sum()),
    ("z = det_ij(x_i delta_ij)", {"x": x}, np.prod(x)),
    ("z_ij = inv_ij(x_j delta_ij)", {"x": x}, np.diag(1 / x)),
    ("z_ij = inv_ij(-3 A_ji)", {"A": A}, -np.linalg.inv(A).T / 3),
]  # fmt: skip


@pytest.mark.parametrize(("text", "arrays", "expected"), VALUES)
def test_values(text: str, arrays: dict[str, np.ndarray], expected: Any) -> None:
    found = eg.parse(text).compile()(**arrays)["z"]
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_axes_that_are_not_square_are_named() -> None:
    f = eg.parse("z_ij = inv_ij(A_ij)").compile()
    with pytest.raises(eg.EingradError, match="i"):
        f(A=np.ones((2, 3)))


# --- derivatives ------------------------------------------------------------------------------

jax = pytest.importorskip("jax")
jnp = jax.numpy


def _slogdet(a: Any) -> Any:
    return jnp.linalg.slogdet(a)[1]


SCALARS: list[tuple[str, dict[str, np.ndarray], Callable[..., Any]]] = [
    ("L = logdet_ij(A_ij)", {"A": A}, lambda A: _slogdet(A)),
    ("L = det_ij(A_ij)", {"A": A}, lambda A: jnp.linalg.det(A)),
    ("L = log(det_ij(S_ij))", {"S": S}, lambda S: _slogdet(S)),
    ("L = trace_ik(A_ij A_jk)", {"A": A}, lambda A: jnp.trace(A @ A)),
    ("L = norm_ij(inv_ij(A_ij))", {"A": A}, lambda A: jnp.linalg.norm(jnp.linalg.inv(A))),
    ("L = norm_ij(A_ij)^2 trace_ij(inv_ij(A_ij))", {"A": A},
     lambda A: jnp.sum(A * A) * jnp.trace(jnp.linalg.inv(A))),
    ("z_i = inv_ij(A_ij) x_j\nL = sin(z_i) y_i", {"A": A, "x": x, "y": y},
     lambda A, x, y: jnp.sin(jnp.linalg.solve(A, x)) @ y),
    ("S_ij = X_bi X_bj + r delta_ij\nL = 0.5 logdet_ij(S_ij) + 0.5 x_i inv_ij(S_ij) x_j",
     {"X": X, "r": np.array(0.7), "x": x},
     lambda X, r, x: 0.5 * _slogdet(X.T @ X + r * jnp.eye(4))
     + 0.5 * x @ jnp.linalg.solve(X.T @ X + r * jnp.eye(4), x)),
    ("L = sum_b(logdet_ij(A_bij) det_ij(A_bij))", {"A": STACK},
     lambda A: jnp.sum(_slogdet(A) * jnp.linalg.det(A))),
    ("L = x_i inv_ij(A_ik A_jk + delta_ij) y_j", {"A": A, "x": x, "y": y},
     lambda A, x, y: x @ jnp.linalg.solve(A @ A.T + jnp.eye(4), y)),
    ("L = transpose_ij(A_ij) inv_jk(A_jk) transpose_ik(S_ik)", {"A": A, "S": S},
     lambda A, S: jnp.einsum("ji,jk,ki->", A, jnp.linalg.inv(A), S)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "arrays", "oracle"), SCALARS)
def test_derivatives_to_second_order_are_jaxs(
    text: str, arrays: dict[str, np.ndarray], oracle: Callable[..., Any]
) -> None:
    model, names = eg.parse(text), list(arrays)
    first = model.grad("L", names).compile()(**arrays)
    second = model.hessian("L", names).compile()(**arrays)
    with jax.enable_x64(True):
        values = [jnp.asarray(arrays[name]) for name in names]
        numbers = tuple(range(len(names)))
        gradients = jax.grad(oracle, argnums=numbers)(*values)
        hessians = jax.hessian(oracle, argnums=numbers)(*values)
    for i, a in enumerate(names):
        _assert_close(first[f"dL/d{a}"], gradients[i])
        for j, b in enumerate(names):
            _assert_close(second[f"d2L/d{a} d{b}"], hessians[i][j])


def _assert_close(found: Any, expected: Any) -> None:
    scale = max(1.0, np.abs(expected).max())
    assert np.abs(found - np.asarray(expected)).max() <= 1e-9 * scale


GRADIENTS = [
    ("L = logdet_ij(A_ij)", "A", "dL/dA_ij = inv_ji(A_ji)"),
    ("L = det_ij(A_ij)", "A", "dL/dA_ij = L inv_ji(A_ji)"),
    ("L = trace_ij(A_ij)", "A", "dL/dA_ij = delta_ij"),
    ("L = trace_ik(A_ij B_jk)", "A", "dL/dA_ij = B_ji"),
    ("L = trace_ij(inv_ij(A_ij))", "A", "dL/dA_ij = -inv_jk(A_jk) inv_ki(A_ki)"),
    ("L = log(det_ij(A_ij))", "A", "dL/dA_ij = inv_ji(A_ji)"),
    ("assume S_ij = S_ji\nL = x_i inv_ij(S_ij) x_j", "x", "dL/dx_i = 2 x_j inv_ij(S_ij)"),
    ("assume S_ij = S_ji\nL = logdet_ij(S_ij)", "S", "dL/dS_ij = inv_ij(S_ij)"),
    ("L = logdet_ij(A_ij) + x_i y_i", "x", "dL/dx_i = y_i"),
]


@pytest.mark.parametrize(("text", "name", "expected"), GRADIENTS)
def test_gradients_read_as_in_a_textbook(text: str, name: str, expected: str) -> None:
    assert str(eg.parse(text).grad("L", [name])[name]) == expected


def test_steps_name_the_rule() -> None:
    rules = {"inv": "inverse", "det": "determinant", "logdet": "log-determinant"}
    for function, rule in rules.items():
        value = "trace_ij(inv_ij(A_ij))" if function == "inv" else f"{function}_ij(A_ij)"
        steps = eg.parse(f"L = {value}").grad("L", ["A"]).steps("A")
        assert steps[1].rule == f"{rule} derivative"


# --- simplification ---------------------------------------------------------------------------

SIMPLER = [
    ("z_ik = inv_ij(A_ij) A_jk", "delta_ik"),
    ("z_ik = A_ij inv_jk(A_jk)", "delta_ik"),
    ("z_bik = inv_ij(A_bij) A_bjk", "delta_ik"),
    ("z = inv_ij(A_ij) A_ji", "size(i)"),
    ("z_il = 2 B_kl inv_ij(A_ij) A_jk", "2 B_il"),
    ("z_ik = inv_ij(A_ij) A_kj", "A_kj inv_ij(A_ij)"),
    ("z_ij = inv_ij(inv_ij(A_ij))", "A_ij"),
    ("z_ij = inv_ij(A_ji)", "inv_ji(A_ji)"),
    ("z = det_ij(A_ji)", "det_ij(A_ij)"),
    ("z = logdet_ij(inv_ij(A_ij))", "-logdet_ij(A_ij)"),
    ("z = det_ij(inv_ij(A_ij))", "1 / det_ij(A_ij)"),
    ("z = det_ij(2 delta_ij)", "2^size(i)"),
    ("z_ij = inv_ij(r delta_ij)", "delta_ij / r"),
    ("z_ij = inv_ij(v_i delta_ij)", "delta_ij / v_i"),
    ("z = trace_ij(inv_ij(A_ij))", "trace_ij(inv_ij(A_ij))"),
]


@pytest.mark.parametrize(("text", "expected"), SIMPLER)
def test_simplified(text: str, expected: str) -> None:
    definition = eg.parse(text).system.definitions["z"]
    letters = {"i": ("i", "j", "k", "l"), "b": ("b",)}
    names = Names(letters, {"A": 1, "B": 2})
    written = to_formula(simplify(definition.expr), definition.labels, names)
    assert to_text(written) == expected


# --- writing and reading ----------------------------------------------------------------------

LATEX = [
    ("inv_ij(A_ij)", r"\left(A^{-1}\right)_{ij}"),
    ("inv_ij(A_bij)", r"\left(A_{b}^{-1}\right)_{ij}"),
    ("inv_ij(A_ji)", r"\left[A_{ji}\right]^{-1}_{ij}"),
    ("inv_ij(W1_ij)", r"\left[W^{(1)}_{ij}\right]^{-1}_{ij}"),
    ("inv_ij(A_ik B_kj + delta_ij)", r"\left[A_{ik} B_{kj} + \delta_{ij}\right]^{-1}_{ij}"),
    ("transpose_ij(A_ij)", r"\left(A^{\top}\right)_{ij}"),
    ("det_ij(A_ij)", r"\det A"),
    ("det_ij(A_ij + B_ij)", r"\det_{ij}\left(A_{ij} + B_{ij}\right)"),
    ("logdet_ij(A_ij) x", r"\log\det A x"),
    ("trace_ik(A_ij B_jk)", r"\operatorname{tr}_{ik}\left(A_{ij} B_{jk}\right)"),
    ("trace_ij(A_ij)^2", r"\left(\operatorname{tr} A\right)^{2}"),
]


@pytest.mark.parametrize(("text", "latex"), LATEX)
def test_latex(text: str, latex: str) -> None:
    assert to_latex(parse_formula(text)) == latex


@pytest.mark.parametrize("text", [text for text, _, _ in VALUES])
def test_what_is_written_is_read_again(text: str) -> None:
    model = eg.parse(text)
    definition = model.system.definitions["z"]
    written = to_formula(definition.expr, definition.labels, Names(model.system.letters))
    assert model.check(f"{text.partition(' =')[0]} = {to_text(written)}").ok


ERRORS = [
    ("z = det(A_ij)", "goes over two axes", "write det_ij(...) for the rows i and columns j"),
    ("z = det_i(A_ij)", "goes over two axes, row and column", "write det_ij(...)"),
    ("z_ij = inv_ijk(A_ijk)", "goes over two axes, row and column", "write inv_ij(...)"),
    ("z_i = inv_ii(A_ii)", "an axis stands twice", "write inv_ij(...)"),
    ("z = inv_ij(A_ij)", "the label i occurs once", "to sum over it, write sum_ij(inv_ij(A_ij))"),
    ("z = trace_ij(x_i)", "has no label j", "the argument has i"),
    ("z = det_ij(A_ij, B_ij)", "takes 1 argument, not 2", "write det_ij(x)"),
    ("z = inverse_ij(A_ij)", "is not a function", ""),
    ("z = logdte_ij(A_ij)", "is not a function", "did you mean logdet_ij(...)?"),
]


@pytest.mark.parametrize(("text", "reason", "hint"), ERRORS)
def test_errors(text: str, reason: str, hint: str) -> None:
    with pytest.raises(NotationError) as caught:
        eg.parse(text)
    assert reason in str(caught.value)
    assert hint in (caught.value.hint or "")


def test_a_claim_about_a_matrix_that_is_not_square() -> None:
    model = eg.parse("A_bh = X_bi W_ih\nL = A_bh A_bh")
    with pytest.raises(
        NotationError, match="square matrix, and its axes are the dimensions b and i"
    ):
        model.check("dL/dX_bi = inv_bi(X_bi)")


def test_check() -> None:
    model = eg.parse("L = logdet_ij(A_ij)")
    assert model.check("dL/dA_ij = transpose_ij(inv_ij(A_ij))").ok
    assert not model.check("dL/dA_ij = inv_ij(A_ij)").ok
