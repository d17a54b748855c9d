"""Reading at integer tensors, ``Z[b,y[b]]``, and its derivative, the indicator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from seeds import seeded

import eingrad as eg
from eingrad.calculus.rules import STABLE, apply_rules
from eingrad.core.expr import postorder
from eingrad.core.gather import indicator_index
from eingrad.errors import DifferentiationError, NotationError
from eingrad.notation.latex import to_latex
from eingrad.notation.parse import parse_formula
from eingrad.notation.text import to_text

RNG = np.random.default_rng(seeded(5))
A, X, W = RNG.normal(size=(6, 4)), RNG.normal(size=(6, 3)), RNG.normal(size=(3, 4))
y = np.array([0, 3, 1, 1, 2, 3])
E, words = RNG.normal(size=(5, 3)), np.array([[0, 4, 4, 1], [2, 0, 0, 3]])
u, v, c = RNG.normal(size=4), RNG.normal(size=5), RNG.normal(size=6)
left, right = np.array([0, 1, 1, 3, 2, 0]), np.array([4, 4, 0, 1, 4, 4])

CLASSIFIER = "A2_bo = X_bi W_io\nZ2_bo = softmax_o(A2_bo)\nL = -mean_b(log(Z2[b, y[b]]))"
SINGLE = "p_o = softmax_o(a_o)\nL = -log(p[y])"

# --- reading and writing ----------------------------------------------------------------------

WRITTEN = [
    ("Z[b, y[b]]", "Z[b,y[b]]", r"Z_{b, y_{b}}"),
    ("Z_{b, y_b}", "Z[b,y[b]]", r"Z_{b, y_{b}}"),
    ("Z^{(2)}[b,y[b]]", "Z2[b,y[b]]", r"Z^{(2)}_{b, y_{b}}"),
    ("E[w[b,t],d]", "E[w[b,t],d]", r"E_{w_{bt}, d}"),
    ("E[w[y[b]],d]", "E[w[y[b]],d]", r"E_{w_{y_{b}}, d}"),
    ("delta[y[b],o]", "delta[y[b],o]", r"\delta_{y_{b}, o}"),
    ("W[out,pos[b]]", "W[out,pos[b]]", r"W_{\mathrm{out}, \mathrm{pos}_{b}}"),
    ("z[row[]]", "z[row[]]", r"z_{\mathrm{row}}"),
]


@pytest.mark.parametrize(("text", "written", "latex"), WRITTEN)
def test_written(text: str, written: str, latex: str) -> None:
    formula = parse_formula(text)
    assert to_text(formula) == written
    assert parse_formula(written) == formula
    assert to_latex(formula) == latex


def test_a_letter_in_brackets_that_can_be_no_label_is_an_integer() -> None:
    model = eg.parse(SINGLE)
    assert str(model) == SINGLE
    assert model.inputs["y"].integer
    assert model.inputs["y"].dims == ()
    assert set(eg.parse("L = z[y[]] p[y[]]").inputs) == {"z", "y", "p"}
    assert set(eg.parse("L = z[y] X[b,y] t_b").inputs) == {"z", "X", "t"}  # y in a longer list
    assert set(eg.parse("L = z[y] X_by t_b").inputs) == {"z", "X", "t"}
    assert set(eg.parse("z_y = x_y^2\nL = z[y] p[y]").inputs) == {"x", "p"}  # z has this letter
    with pytest.warns(eg.NotationWarning, match="y is an integer at which the tensors are read"):
        assert set(eg.parse("L = z[y] p[y]").inputs) == {"z", "y", "p"}
    with pytest.warns(eg.NotationWarning):
        assert set(eg.parse("L = log(z[y]) + z[y] p[y]").inputs) == {"z", "y", "p"}
    assert set(eg.parse("x_y = z[y]").inputs) == {"z"}
    assert set(eg.parse("x = sum_y(z[y])").inputs) == {"z"}
    assert set(eg.parse("x = z[row[]]").inputs) == {"z", "row"}


ERRORS = [
    ("L = Z[b,y[b]]", "the label b occurs once", "write sum_b(Z[b,y[b]])"),
    ("p_o = softmax_o(a_o)\nL = -log(p[o])", "the label o occurs once", "write sum_o(log(p_o))"),
    (
        "o_tk = V_ki h_ti\nL = (o[t,k] - y[t,k])^2",
        "the label t is summed by no product",
        "write sum_tk((o_tk - y_tk)^2)",
    ),
    ("L = x[row]", "the label row occurs once", "sum_{row}(x[row])"),
    ("L = sum_b(Z[b,y[b],c[b]] Z_bo)", "Z has 2 labels here, but 3 labels", "give one of the two"),
    ("L = sum_b(Z[b,delta[b]])", "delta is Kronecker's delta and not an integer", "Z[b,y[b]]"),
    ("L = sum_b(delta[b,y[b],o])", "delta is Kronecker's and has two labels", "delta_ij"),
    ("Z[b,y[b]] = x_b", "is not a whole tensor", "write labels alone, as in Z_ij"),
    ("L = x[y[b]", "unexpected character '['", ""),
]


@pytest.mark.parametrize(("text", "reason", "hint"), ERRORS)
def test_errors(text: str, reason: str, hint: str) -> None:
    with pytest.raises(NotationError) as caught:
        eg.parse(text)
    assert reason in str(caught.value)
    assert hint in (caught.value.hint or "")


def test_integers_have_no_derivative() -> None:
    model = eg.parse(CLASSIFIER)
    assert list(model.grad("L")) == ["X", "W"]
    with pytest.raises(DifferentiationError, match="y holds integers"):
        model.grad("L", ["y"])


# --- derivations ------------------------------------------------------------------------------

DERIVATIVES = [
    (CLASSIFIER, "Z2", "dL/dZ2_bo = -delta[y[b],o] / (size(b) Z2[b,y[b]])"),
    (CLASSIFIER, "A2", "dL/dA2_bo = (Z2_bo - delta[y[b],o]) / size(b)"),
    (CLASSIFIER, "W", "dL/dW_io = X_bi (Z2_bo - delta[y[b],o]) / size(b)"),
    (SINGLE, "p", "dL/dp_o = -delta[y,o] / p[y]"),
    (SINGLE, "a", "dL/da_o = p_o - delta[y,o]"),
    ("S_bo = log_softmax_o(A_bo)\nL = -sum_b(S[b,y[b]])", "A",
     "dL/dA_bo = softmax_o(A_bo) - delta[y[b],o]"),
    ("L = -sum_b(log_softmax_o(A_bo) delta[y[b],o])", "A",
     "dL/dA_bo = softmax_o(A_bo) - delta[y[b],o]"),
    ("x_btd = E[w[b,t],d]\nL = x_btd x_btd", "E", "dL/dE_vd = 2 delta[w[b,t],v] x_btd"),
    ("L = sum_b(T[x[b],y[b]] c_b)", "T", "dL/dT_vk = delta[x[b],v] delta[y[b],k] c_b"),
    ("L = sum_b(T[x[b],y[b]] c_b)", "c", "dL/dc_b = T[x[b],y[b]]"),
    # an integer and a label of one letter: delta[o,o] would be 1
    ("p_o = softmax_o(a_o)\nL = -log(p[o[]])", "a", "dL/da_q = p_q - delta[o,q]"),
    ("p_o = exp(a_o)\nq_k = p_k\nL = q[o]", "a", "dL/da_k = delta[o,k] p_k"),
    ("L = delta[y[b],o] A_bo", "A", "dL/dA_bo = delta[y[b],o]"),
    ("L = sum_b(Z[b,y[b]]^2)", "Z", "dL/dZ_bo = 2 delta[y[b],o] Z[b,y[b]]"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "name", "expected"), DERIVATIVES)
def test_derivatives_read_as_on_paper(text: str, name: str, expected: str) -> None:
    found = str(eg.parse(text).grad("L", [name])[name])
    assert found.replace("Z_bv", "Z_bo").replace(",v] Z[", ",o] Z[") == expected
    assert eg.parse(text).check(found).ok


def test_a_step_that_selects_nothing_gives_one_reason() -> None:
    text = "p_c = softmax_c(z_c)\nm_k = p_k\nL = m[c] + z_k z_k"
    rules = [s.rule for s in eg.parse(text).grad("L", ["z"]).steps("z")]
    assert "common factors pulled out" in rules


def test_cross_entropy_step_by_step() -> None:
    lines = [
        str(s.after) + " | " + s.rule for s in eg.parse(CLASSIFIER).grad("L", ["A2"]).steps("A2")
    ]
    assert lines == [
        "-mean_b(log(Z2[b,y[b]])) | definition",
        "-d[Z2[c,y[c]]]/dZ2_bo / (size(b) Z2[c,y[c]]) | log derivative",
        "-delta[y[b],o] / (size(b) Z2[b,y[b]]) | gather derivative",
        "softmax_o(A2_bo) | definition",
        "Z2_bp (delta_op - Z2_bo) | softmax Jacobian",
        "dL/dZ2_bp Z2_bp (delta_op - Z2_bo) | chain rule",
        "Z2_bo / size(b) - delta[y[b],o] / size(b) | "
        "Kronecker delta: delta_op selects p = o; Z2[b,y[b]] cancels",
        "(Z2_bo - delta[y[b],o]) / size(b) | common factors pulled out",
    ]


def test_hessian_of_cross_entropy_keeps_its_delta() -> None:
    hessian = eg.parse(SINGLE).hessian("L", "a")
    assert str(hessian["a"]) == "d2L/da_o da_q = p_o (delta_oq - p_q)"


WRONG = [
    ("dL/dA2_bo = (Z2_bo - delta[y[b],o])", "1/size(b)"),
    ("dL/dA2_bo = (delta[y[b],o] - Z2_bo) / size(b)", "sign"),
]


@pytest.mark.parametrize("claim", [claim for claim, _ in WRONG])
def test_wrong_claims(claim: str) -> None:
    assert not eg.parse(CLASSIFIER).check(claim).ok


# --- values -----------------------------------------------------------------------------------

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")
jnp = jax.numpy

MODELS: list[tuple[str, dict[str, np.ndarray], Callable[..., Any], Callable[..., Any]]] = [
    (CLASSIFIER, {"X": X, "W": W, "y": y},
     lambda X, W, y: torch.nn.functional.cross_entropy(X @ W, y),
     lambda X, W, y: -jax.nn.log_softmax(X @ W)[jnp.arange(6), y].mean()),
    (SINGLE, {"a": u, "y": np.array(2)},
     lambda a, y: -torch.log_softmax(a, 0)[y],
     lambda a, y: -jax.nn.log_softmax(a)[y]),
    ("x_btd = E[w[b,t],d]\nL = sum_bd(tanh(sum_t(x_btd))^2)", {"E": E, "w": words},
     lambda E, w: (E[w].sum(1).tanh() ** 2).sum(),
     lambda E, w: (jnp.tanh(E[w].sum(1)) ** 2).sum()),
    ("L = sum_b(sin(T[h[b],r[b]]) c_b)",
     {"T": RNG.normal(size=(4, 5)), "h": left, "r": right, "c": c},
     lambda T, h, r, c: (T[h, r].sin() * c).sum(),
     lambda T, h, r, c: (jnp.sin(T[h, r]) * c).sum()),
    ("L = sum_b((u[h[b]] + v[r[b]] + m - c_b)^2)",
     {"u": u, "v": v, "m": np.array(0.3), "c": c, "h": left, "r": right},
     lambda u, v, m, c, h, r: ((u[h] + v[r] + m - c) ** 2).sum(),
     lambda u, v, m, c, h, r: ((u[h] + v[r] + m - c) ** 2).sum()),
    ("R_b = P[h[b],k] Q[r[b],k] - c_b\nL = R_b R_b + 0.1 P_ik P_ik",
     {"P": RNG.normal(size=(4, 2)), "Q": RNG.normal(size=(5, 2)), "c": c, "h": left, "r": right},
     lambda P, Q, c, h, r: (((P[h] * Q[r]).sum(1) - c) ** 2).sum() + 0.1 * (P * P).sum(),
     lambda P, Q, c, h, r: (((P[h] * Q[r]).sum(1) - c) ** 2).sum() + 0.1 * (P * P).sum()),
    ("k_b = argmax_o(A_bo)\nL = sum_b(A[b,k[b]]^2)", {"A": A},
     lambda A: (A.max(1).values ** 2).sum(), lambda A: (A.max(1) ** 2).sum()),
    ("L = sum_b(exp(A[b,y[b]]) A[b,y[b]])", {"A": A, "y": y},
     lambda A, y: (A[range(6), y].exp() * A[range(6), y]).sum(),
     lambda A, y: (jnp.exp(A[jnp.arange(6), y]) * A[jnp.arange(6), y]).sum()),
]  # fmt: skip
IDS = [text.replace("\n", "; ") for text, *_ in MODELS]


@pytest.mark.parametrize(("text", "arrays", "value", "_"), MODELS, ids=IDS)
@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
def test_gradients_are_pytorchs(
    text: str, arrays: dict[str, np.ndarray], value: Callable[..., Any], _: Any, backend: str
) -> None:
    real = [name for name, x in arrays.items() if x.dtype.kind == "f"]
    tensors = {n: torch.tensor(x, requires_grad=n in real) for n, x in arrays.items()}
    expected = value(**tensors)
    expected.backward()
    with jax.enable_x64(True):
        f = eg.parse(text).grad("L", real).compile(backend, dtype="float64")
        inputs = {n: torch.tensor(x) if backend == "torch" else x for n, x in arrays.items()}
        found = {name: np.asarray(x) for name, x in f(**inputs).items()}
    np.testing.assert_allclose(np.asarray(found["L"]), expected.detach().numpy(), rtol=1e-12)
    for name in real:
        want = tensors[name].grad.numpy()
        np.testing.assert_allclose(np.asarray(found[f"dL/d{name}"]), want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("text", "arrays", "_", "value"), MODELS, ids=IDS)
def test_second_derivatives_are_jaxs(
    text: str, arrays: dict[str, np.ndarray], _: Any, value: Callable[..., Any]
) -> None:
    real = [name for name, x in arrays.items() if x.dtype.kind == "f"]
    found = eg.parse(text).hessian("L", real).compile()(**arrays)
    with jax.enable_x64(True):
        numbers = tuple(range(len(real)))
        ordered = [jnp.asarray(arrays[n]) for n in real]
        rest = {n: x for n, x in arrays.items() if n not in real}

        def of(*values: Any) -> Any:
            return value(**dict(zip(real, values, strict=True)), **rest)

        blocks = jax.hessian(of, argnums=numbers)(*ordered)
    for i, first in enumerate(real):
        for j, second in enumerate(real):
            got, want = found[f"d2L/d{first} d{second}"], np.asarray(blocks[i][j])
            scale = max(1.0, np.abs(want).max())
            assert np.abs(got - want).max() <= 1e-9 * scale, (first, second)


def test_large_logits_do_not_overflow() -> None:
    arrays = {"X": 300 * X, "W": W, "y": y}
    found = eg.parse(CLASSIFIER).grad("L", ["W"]).compile()(**arrays)
    expected = torch.nn.functional.cross_entropy(torch.tensor(300 * X @ W), torch.tensor(y))
    np.testing.assert_allclose(found["L"], expected.numpy(), rtol=1e-12)
    assert np.isfinite(found["dL/dW"]).all()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("x_btd = E[w[b,t],d]\nL = x_btd x_btd", "E"),
        ("L = sum_b(sin(T[h[b],r[b]]) c_b)", "T"),
        ("L = delta[y[b],o] A_bo c_b", "A"),
    ],
)
def test_no_indicator_is_multiplied_or_summed(text: str, name: str) -> None:
    """What runs adds at the integers; no dense one-hot tensor is built."""
    found = eg.parse(text).grad("L", [name])[name].expr
    ready = apply_rules([found], STABLE)
    assert not any(indicator_index(node) is not None for node in postorder(ready))
