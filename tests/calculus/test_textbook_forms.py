"""Results as a textbook prints them, each compared with central differences of the model."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

import eingrad as eg

NORM = "mu_i = mean_b(X_bi)\nv_i = mean_b((X_bi - mu_i)^2)\n"
STEP = 1e-5
FORMS = [
    # what, model, by, what a textbook prints, sizes
    ("a quotient has a name", "R = x_i A_ij x_j / (x_k x_k)\nassume A_ij = A_ji", "x",
     "2 (x_j A_ij - R x_i) / (x_k x_k)", {"x": "i", "A": "ii"}),
    ("a root below the fraction bar", "L = sqrt(x_i x_i)", "x", "x_i / L", {"x": "i"}),
    ("sinh / cosh", "L = sum_i(log(cosh(x_i)))", "x", "tanh(x_i)", {"x": "i"}),
    ("sin / cos", "L = sum_i(log(cos(x_i)))", "x", "-tan(x_i)", {"x": "i"}),
    ("cases", "L = sum_i(where(abs(x_i) < 1, x_i^2 / 2, abs(x_i) - 0.5))", "x",
     "where(abs(x_i) < 1, x_i, sign(x_i))", {"x": "i"}),
    ("a hinge", "m_a = y_a X_ai w_i\nL = sum_a(relu(1 - m_a))", "w",
     "-y_a X_ai where(m_a < 1, 1, 0)", {"X": "ai", "w": "i", "y": "a"}),
    ("cancels inside", "p_b = sigmoid(a_b)\nL = -sum_b(t_b (1 - p_b)^2 log(p_b))", "a",
     "t_b (1 - p_b)^2 (p_b + 2 p_b log(p_b) - 1)", {"a": "b", "t": "b"}),
    ("a fraction in a fraction", "L = sum_a(log(1 + (x_a - m)^2 / n^2))", "m",
     "-2 (x_a - m) / ((x_a - m)^2 + n^2)", {"x": "a", "m": "", "n": ""}),
    ("batch normalisation",
     NORM + "Y_bi = (X_bi - mu_i) / sqrt(v_i + 0.001)\nL = D_bi Y_bi", "X",
     "(D_bi - sum_c(D_ci) / size(b) - Y_bi Y_ci D_ci / size(b)) / sqrt(v_i + 0.001)",
     {"X": "bi", "D": "bi"}),
    ("batch normalisation in one line",
     "L = D_bi (X_bi - mean_c(X_ci)) / sqrt(mean_e((X_ei - mean_c(X_ci))^2) + 0.001)", "X",
     "(D_bi - sum_c(D_ci) / size(b) - D_ci (X_bi - mean_e(X_ei)) (X_ci - mean_f(X_fi)) / "
     "(size(b) (mean_g((X_gi - mean_h(X_hi))^2) + 0.001))) / "
     "sqrt(mean_j((X_ji - mean_k(X_ki))^2) + 0.001)", {"X": "bi", "D": "bi"}),
    ("gates", "f_i = sigmoid(F_ij x_j)\ng_i = tanh(G_ij x_j)\nL = q_i (f_i s_i + (1 - f_i) g_i)",
     "x", "sum_i(q_i (1 - f_i) (G_ij (1 - g_i^2) + F_ij f_i (s_i - g_i)))",
     {"F": "ij", "G": "ij", "x": "j", "s": "i", "q": "i"}),
    ("a number that all terms share", "L = 4 ((s / r)^12 - (s / r)^6)", "r",
     "24 (s^6 - 2 s^12 / r^6) / r^7", {"s": "", "r": ""}),
    ("a power of a sum stays one", "K_ij = (X_id X_jd + c)^3\nL = a_i K_ij a_j", "X",
     "6 X_jd a_i a_j (X_ie X_je + c)^2", {"X": "ij", "c": "", "a": "i"}),
    ("the trace of a sum", "K_ij = C_ij + s delta_ij\n"
     "L = y_i inv_ij(K_ij) y_j / 2 + logdet_ij(K_ij) / 2", "s",
     "(trace_ij(inv_ij(K_ij)) - y_i y_k inv_ij(K_ij) inv_jk(K_jk)) / 2",
     {"C": "ii", "s": "", "y": "i"}),
    ("a distance is symmetric", "r_ij = sqrt(sum_d((X_id - X_jd)^2) + e)\n"
     "L = sum_ij((r_ij - a)^2) / 4", "X",
     "(X_id - X_jd) (r_ij - a) / r_ij", {"X": "ij", "e": "positive", "a": ""}),
    ("a kernel is symmetric", "K_ij = exp(-g sum_d((X_id - X_jd)^2))\nL = a_i K_ij a_j", "a",
     "2 K_ij a_j", {"X": "ij", "g": "", "a": "i"}),
    ("symmetric as its parts", "D_ij = 1 / (1 + sum_d((Y_id - Y_jd)^2))\nZ = sum_ij(D_ij)\n"
     "Q_ij = D_ij / Z\nL = -P_ij log(Q_ij)\nassume P_ij = P_ji\nassume sum_ij(P_ij) = 1", "Y",
     "4 D_ij (Y_jd - Y_id) (Q_ij - P_ij)", {"Y": "ij", "P": "joint"}),
    ("what is not symmetric keeps both", "D_ij = X_id Y_jd\nL = a_i D_ij a_j", "a",
     "a_j (D_ij + D_ji)", {"X": "ij", "Y": "ij", "a": "i"}),
    ("a squared hinge", "m_a = 1 - y_a X_ai w_i\nL = sum_a(relu(m_a)^2)", "w",
     "-2 y_a X_ai relu(m_a)", {"X": "ai", "w": "i", "y": "a"}),
    ("no bracket in a sum", "S_ij = X_id X_jd\nL = sum_i(logsumexp_j(S_ij) - P_ij S_ij)", "X",
     "X_jd (softmax_j(S_ij) + softmax_i(S_ji) - P_ij - P_ji)", {"X": "ij", "P": "ii"}),
]  # fmt: skip


def arrays_for(sizes: dict[str, str]) -> dict[str, np.ndarray]:
    """Return arrays with the axes that ``sizes`` names; square ones are symmetric."""
    extent = {"a": 4, "b": 5, "i": 3, "j": 2}
    arrays = {}
    for name, labels in sizes.items():
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        if labels == "positive":
            arrays[name] = rng.uniform(0.5, 1.5, ())
            continue
        array = rng.normal(size=[extent[k] for k in labels.replace("joint", "ii")])
        arrays[name] = array + array.T if labels in {"ii", "joint"} else array
        if labels == "joint":
            arrays[name] = np.abs(arrays[name]) / np.abs(arrays[name]).sum()
    return arrays


def differences(model: eg.Model, of: str, wrt: str, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Return the gradient by central differences."""
    value = model.compile()
    x = arrays[wrt]
    result = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        shift = np.zeros_like(x)
        shift[index] = STEP
        above = value(**{**arrays, wrt: x + shift})[of]
        below = value(**{**arrays, wrt: x - shift})[of]
        result[index] = (above - below) / (2 * STEP)
    return result


@pytest.mark.parametrize(
    ("text", "wrt", "expected", "sizes"), [row[1:] for row in FORMS], ids=[row[0] for row in FORMS]
)
def test_the_form_and_its_value(text: str, wrt: str, expected: str, sizes: dict[str, str]) -> None:
    model = eg.parse(text)
    (of,) = {"L", "R"} & set(model.system.definitions)
    gradient = model.grad(of, [wrt])
    assert str(gradient[wrt]).split(" = ", 1)[1] == expected
    arrays = arrays_for(sizes)
    found = gradient.compile()(**arrays)[f"d{of}/d{wrt}"]
    np.testing.assert_allclose(found, differences(model, of, wrt, arrays), rtol=1e-6, atol=1e-7)


def test_layer_normalisation_in_one_line() -> None:
    model = eg.parse("y_i = (x_i - mean_j(x_j)) / sqrt(mean_k((x_k - mean_j(x_j))^2) + 0.001)")
    assert str(model.jacobian("y", ["x"])["x"]) == (
        "dy_i/dx_j = (delta_ij - 1 / size(i) - y_i y_j / size(i)) / "
        "sqrt(mean_k((x_k - mean_l(x_l))^2) + 0.001)"
    )


def test_log_cosh_is_finite_for_large_residuals() -> None:
    gradient = eg.parse("L = sum_i(log(cosh(x_i)))").grad("L", ["x"])
    x = np.array([-1e4, 0.0, 1e4])
    np.testing.assert_allclose(gradient.compile()(x=x)["dL/dx"], [-1.0, 0.0, 1.0])


def test_a_derivation_over_several_uses_ends_in_the_result() -> None:
    text = NORM + "Y_bi = (X_bi - mu_i) / sqrt(v_i + 0.001)\nL = D_bi Y_bi"
    gradient = eg.parse(text).grad("L", ["X"])
    last = gradient.steps("X")[-1]
    assert f"dL/dX_bi = {last.after}" == str(gradient["X"])
    assert last.rule == "dL/dmu, dL/dv put in"


def test_assumed_symmetry_leaves_no_transposes() -> None:
    text = "L = -y_i inv_ij(C_ij) y_j / 2 - logdet_ij(C_ij) / 2\nassume C_ij = C_ji"
    gradient = eg.parse(text).grad("L", ["C"])
    assert gradient.matrix_form("C") == "(C^-1 y y^T C^-1 - C^-1) / 2"
    assert "inv_ji" not in str(gradient["C"])
