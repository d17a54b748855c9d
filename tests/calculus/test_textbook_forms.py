"""Results as a textbook prints them, each compared with central differences of the model."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

import eingrad as eg

NORM = "mu_i = mean_b(X_bi)\nv_i = mean_b((X_bi - mu_i)^2)\n"
GP = ("D_ij = sum_d((X_id - X_jd)^2)\nE_ij = exp(-D_ij / 2)\nK_ij = s^2 E_ij + n delta_ij\n"
      "a_i = inv_ij(K_ij) y_j\n")  # fmt: skip
GP_SIZES = {"X": "ij", "s": "", "n": "positive", "y": "i"}
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
     "X_jd (softmax_j(S_ij) + softmax_i(S_ij) - P_ij - P_ji)", {"X": "ij", "P": "ii"}),
    ("a definition of a symmetric inverse", GP + "L = y_i a_i / 2 + logdet_ij(K_ij) / 2", "s",
     "s E_ij (inv_ij(K_ij) - a_i a_j)", GP_SIZES),
    ("a power of a definition",
     "r_b = (X_bi X_bi / size(i) + e)^(-1/2)\nh_bi = X_bi r_b w_i\nL = G_bi h_bi", "X",
     "r_b (w_i G_bi - X_bi r_b h_bj G_bj / size(i))",
     {"X": "bi", "e": "positive", "w": "i", "G": "bi"}),
    ("a root in the power of a definition",
     "r_b = 1 / sqrt(X_bi X_bi / size(i) + e)\nL = G_bi X_bi r_b", "X",
     "r_b (G_bi - X_bi X_bj r_b^2 G_bj / size(i))", {"X": "bi", "e": "positive", "G": "bi"}),
    ("a term that is what the others share",
     "r_k = sigmoid(U_kj h_j)\nL = g_i W_ik r_k h_k", "h",
     "g_i (r_j W_ij + U_kj h_k r_k W_ik (1 - r_k))", {"U": "ii", "h": "i", "g": "i", "W": "ii"}),
    ("antisymmetric", "F_ij = d_ij - d_ji\nL = F_ij F_ij / 4", "d", "F_ij", {"d": "square"}),
    ("a trace that is 0", "e_ij = (u_ij + u_ji) / 2\ns_ij = e_ij - delta_ij e_kk / 3\n"
     "L = s_ij s_ij\nassume size(i) = 3", "u", "2 s_ij", {"u": "square"}),
    ("the mean of deviations is 0",
     "m = mean_i(x_i)\nd_i = x_i - m\nv = mean_i(d_i^2)\nL = g_i d_i / sqrt(v + e)", "x",
     "(g_i - sum_j(g_j) / size(i)) / sqrt(v + e) - L d_i / (size(i) (v + e))",
     {"x": "i", "g": "i", "e": "positive"}),
    ("a scaled matrix", "D_ij = t_i O_ij t_j\nL = logdet_ij(D_ij)", "t", "2 / t_i",
     {"t": "i", "O": "square"}),
    ("a scaled matrix in one line", "L = logdet_ij(t_i O_ij t_j)", "t", "2 / t_i",
     {"t": "i", "O": "square"}),
    ("scaled columns", "L = det_ij(O_ij t_j)", "t",
     "det_ik(O_ik) prod_others_j(t_j)", {"t": "i", "O": "square"}),
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
        labels = labels.replace("square", "i i").replace("joint", "ii")
        array = rng.normal(size=[extent[k] for k in labels if k != " "])
        arrays[name] = array + array.T if labels == "ii" else array
        if sizes[name] == "joint":
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


CLASSES = [
    ("L = -sum_b(w[t[b]] log(p[b,t[b]]))", "w[t[b]] (p_bc - delta[t[b],c])"),
    ("L = -sum_b(w[t[b]] log(p[b,t[b]])) / sum_b(w[t[b]])",
     "w[t[b]] (p_bc - delta[t[b],c]) / sum_f(w[t[f]])"),
    ("L = -sum_b(log(p[b,t[b]])) + sum_b(w_c p_bc)", None),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "expected"), CLASSES)
def test_weighted_cross_entropy(loss: str, expected: str | None) -> None:
    model = eg.parse(f"p_bc = softmax_c(z_bc)\n{loss}")
    gradient = model.grad("L", ["z"])
    if expected is not None:
        assert str(gradient["z"]) == f"dL/dz_bc = {expected}"
    rng = np.random.default_rng(5)
    arrays = {"z": rng.normal(size=(4, 3)), "w": rng.uniform(1, 2, 3), "t": np.array([2, 0, 1, 2])}
    found = gradient.compile()(**arrays)["dL/dz"]
    np.testing.assert_allclose(found, differences(model, "L", "z", arrays), rtol=1e-6, atol=1e-7)


def test_a_clipped_objective_is_written_by_cases() -> None:
    model = eg.parse("r_t = exp(l_t)\nJ = sum_t(minimum(r_t a_t, clip(r_t, 0.8, 1.2) a_t))")
    gradient = model.grad("J", ["l"])
    assert "dJ/dr" not in str(gradient["l"])
    assert str(gradient["l"]).count("==") == 0
    arrays = {
        "l": np.array([0.1, -0.1, 0.4, 0.4, -0.5, -0.5]),
        "a": np.array([1, -1, 1, -1, 1, -1.0]),
    }
    found = gradient.compile()(**arrays)["dJ/dl"]
    np.testing.assert_allclose(found, differences(model, "J", "l", arrays), rtol=1e-6, atol=1e-7)
    assert model.check(str(gradient["l"])).ok


NO_MATRIX_FORM = [
    ("d_ij = norm_k(x_ik - x_jk)\nL = sum_ij((d_ij - D_ij)^2)", "x"),
    ("d_ij = sqrt(sum_k((x_ik - x_jk)^2))\nL = sum_ij(1 - d_ij)", "x"),
    (GP.replace("exp(-D_ij / 2)", "exp(-sum_d(w_d (X_id - X_jd)^2) / 2)") +
     "L = y_i a_i / 2 + logdet_ij(K_ij) / 2", "w"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wrt"), NO_MATRIX_FORM)
def test_a_matrix_form_that_is_long_or_divides_by_0_is_left_out(text: str, wrt: str) -> None:
    assert eg.parse(text).grad("L", [wrt]).matrix_form(wrt) is None


def test_a_difference_of_predictions_stays_one_factor() -> None:
    text = (
        "h1_i = tanh(U_ij h0_j)\nh2_i = tanh(U_ij h1_j)\np_o = softmax_o(W_oi h2_i)\n"
        "L = -y_o log(p_o)\nassume sum_o(y_o) = 1"
    )
    form = eg.parse(text).grad("L", ["U"]).matrix_form("U")
    assert form is not None
    assert form.count("p - y") == 2
    assert len(form) < 120


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
