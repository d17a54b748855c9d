"""Models whose labels move, beside the same loops in PyTorch, and claims about their entries."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

import eingrad as eg

torch = pytest.importorskip("torch")
Tensors = Mapping[str, "torch.Tensor"]
SIZES = {"t": 5, "l": 4, "b": 2, "i": 3, "j": 3, "k": 3, "n": 2, "s": 4}


def rnn(a: Tensors) -> torch.Tensor:
    h, total = a["h0"], 0.0
    for t in range(len(a["x"])):
        h = torch.tanh(a["U"] @ h + a["V"] @ a["x"][t] + a["b"])
        total = total + ((h - a["y"][t]) ** 2).sum()
    return total


def lstm(a: Tensors) -> torch.Tensor:
    c = h = torch.zeros_like(a["bf"])
    total = 0.0
    for t in range(len(a["x"])):
        x = a["x"][t]
        f = torch.sigmoid(a["Wf"] @ x + a["Uf"] @ h + a["bf"])
        i = torch.sigmoid(a["Wi"] @ x + a["Ui"] @ h)
        o = torch.sigmoid(a["Wo"] @ x + a["Uo"] @ h)
        c = f * c + i * torch.tanh(a["Wg"] @ x + a["Ug"] @ h)
        h = o * torch.tanh(c)
        total = total + (h * a["w"]).sum() ** 2
    return total


def gru(a: Tensors) -> torch.Tensor:
    h, total = torch.zeros_like(a["x"][0] @ a["Wz"]), 0.0
    for t in range(len(a["x"])):
        x = a["x"][t]
        z = torch.sigmoid(x @ a["Wz"] + h @ a["Uz"])
        r = torch.sigmoid(x @ a["Wr"] + h @ a["Ur"])
        new = torch.tanh(x @ a["Wn"] + (r * h) @ a["Un"])
        h = (1 - z) * new + z * h
        total = total + (h**3).sum()
    return total


def state_space(a: Tensors) -> torch.Tensor:
    h, total = torch.zeros_like(a["A"][0]), 0.0
    for t in range(len(a["u"])):
        h = a["A"] @ h + a["B"] * a["u"][t]
        total = total + (a["C"] @ h - a["y"][t]) ** 2
    return total


def residual(a: Tensors) -> torch.Tensor:
    z, total = a["X"], 0.0
    for w in a["W"]:
        z = z + torch.tanh(z @ w)
        total = total + (z**2).sum()
    return total


def descent(a: Tensors) -> torch.Tensor:
    w, total = a["w0"], 0.0
    for rate in a["eta"]:
        w = w - rate * (a["A"] @ w - a["b"])
        total = total + ((w - a["goal"]) ** 2).sum()
    return total


def second_order(a: Tensors) -> torch.Tensor:
    x = [a["x0"], a["x0"]]
    for f in a["f"]:
        x.append(2 * x[-1] - x[-2] - a["g"] * torch.sin(x[-1]) + f)
    return sum((y - 1) ** 2 for y in x[2:])


def backwards(a: Tensors) -> torch.Tensor:
    v, total = a["end"], 0.0
    for t in reversed(range(len(a["r"]))):
        v = torch.tanh(a["r"][t] + a["gamma"] * a["P"] @ v)
        total = total + (v * v).sum()
    return total


def begun(a: Tensors) -> torch.Tensor:
    h, total = a["g"], (a["g"] ** 2).sum()
    for t in range(1, len(a["x"])):
        h = torch.tanh(a["U"] @ h) + a["x"][t]
        total = total + (h**2).sum()
    return total


MODELS: dict[str, tuple[str, Callable[[Tensors], torch.Tensor]]] = {
    "rnn": (
        "h[t,i] = tanh(U_ij h[t-1,j] + V_in x[t,n] + b_i)\nh[t<0,i] = h0_i\n"
        "L = sum_ti((h_ti - y_ti)^2)",
        rnn,
    ),
    "lstm": (
        "f_ti = sigmoid(Wf_in x_tn + Uf_ij h[t-1,j] + bf_i)\n"
        "i_ti = sigmoid(Wi_in x_tn + Ui_ij h[t-1,j])\n"
        "o_ti = sigmoid(Wo_in x_tn + Uo_ij h[t-1,j])\n"
        "c[t,i] = f_ti c[t-1,i] + i_ti tanh(Wg_in x_tn + Ug_ij h[t-1,j])\n"
        "h_ti = o_ti tanh(c_ti)\nL = sum_t((h_ti w_i)^2)",
        lstm,
    ),
    "gru": (
        "z_tbi = sigmoid(x_tbn Wz_ni + h[t-1,b,j] Uz_ji)\n"
        "r_tbi = sigmoid(x_tbn Wr_ni + h[t-1,b,j] Ur_ji)\n"
        "n_tbi = tanh(x_tbn Wn_ni + r_tbj h[t-1,b,j] Un_ji)\n"
        "h_tbi = (1 - z_tbi) n_tbi + z_tbi h[t-1,b,i]\nL = sum_tbi(h_tbi^3)",
        gru,
    ),
    "state space": (
        "h[t,i] = A_ij h[t-1,j] + B_i u_t\nL = sum_t((C_i h_ti - y_t)^2)",
        state_space,
    ),
    "residual": (
        "Z[l,b,k] = Z[l-1,b,k] + tanh(Z[l-1,b,j] W[l,j,k])\nZ[l<0,b,k] = X_bk\n"
        "L = sum_lbk(Z_lbk^2)",
        residual,
    ),
    "descent": (
        "w[s,i] = w[s-1,i] - eta_s (A_ij w[s-1,j] - b_i)\nw[s<0,i] = w0_i\n"
        "L = sum_si((w_si - goal_i)^2)",
        descent,
    ),
    "second order": (
        "x[t] = 2 x[t-1] - x[t-2] - g sin(x[t-1]) + f[t]\nx[t<0] = x0\nL = sum_t((x[t] - 1)^2)",
        second_order,
    ),
    "backwards": (
        "v[t,i] = tanh(r_ti + gamma P_ij v[t+1,j])\nv[t>=size(t),i] = end_i\nL = sum_ti(v_ti^2)",
        backwards,
    ),
    "begun": (
        "h[t,i] = tanh(U_ij h[t-1,j]) + x_ti\nh[0,i] = g_i\nL = sum_ti(h_ti^2)",
        begun,
    ),
}
TOTAL = "L"


def arrays(model: eg.Model) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    return {n: rng.normal(size=[SIZES[str(d)] for d in v.dims]) for n, v in model.inputs.items()}


def tensors(given: Mapping[str, np.ndarray], **more: torch.Tensor) -> dict[str, torch.Tensor]:
    return {n: torch.tensor(x, dtype=torch.float64) for n, x in given.items()} | more


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
def test_gradients(name: str, backend: str) -> None:
    if backend == "jax":
        pytest.importorskip("jax").config.update("jax_enable_x64", True)
    text, loss = MODELS[name]
    model = eg.parse(text)
    given = arrays(model)
    leaves = {n: x.requires_grad_() for n, x in tensors(given).items()}
    total = loss(leaves)
    total.backward()
    value = float(total.detach())
    f = model.grad(TOTAL).compile(backend)
    found = f(**(tensors(given) if backend == "torch" else given))
    assert abs(float(found[TOTAL]) - value) < 1e-10 * max(1, abs(value))
    for n, leaf in leaves.items():
        wanted = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
        np.testing.assert_allclose(np.asarray(found[f"dL/d{n}"]), wanted.numpy(), 1e-10, 1e-11)


@pytest.mark.parametrize(
    ("name", "wrt"),
    [("rnn", "U"), ("rnn", "h0"), ("lstm", "bf"), ("gru", "Uz"), ("state space", "A"),
     ("residual", "X"), ("descent", "eta"), ("second order", "g"), ("backwards", "end"),
     ("begun", "g")],
)  # fmt: skip
def test_hessians(name: str, wrt: str) -> None:
    text, loss = MODELS[name]
    model = eg.parse(text)
    given = arrays(model)
    found = model.hessian(TOTAL, wrt).compile()(**given)[f"d2L/d{wrt} d{wrt}"]
    wanted = torch.autograd.functional.hessian(
        lambda x: loss(tensors(given, **{wrt: x})), tensors(given)[wrt]
    )
    np.testing.assert_allclose(found, wanted.numpy(), 1e-9, 1e-9)


CLAIMS = [
    ("rnn", "dL/dU_ij = dL/dh_ti (1 - h_ti^2) h[t-1,j]", True),
    ("rnn", "dL/dU_ij = dL/dh_ti (1 - h_ti^2) h_tj", False),
    ("rnn", "dL/dU_ij = dL/dh_ti h[t-1,j]", False),
    ("rnn", "dL/dV_in = sum_t(dL/dh_ti (1 - h_ti^2) x_tn)", True),
    ("rnn", "dL/db_i = dL/dh_ti (1 - h_ti^2)", True),
    ("rnn", "dL/dh[t,i] = 2 (h_ti - y_ti) + U_ji dL/dh[t+1,j] (1 - h[t+1,j]^2)", True),
    ("rnn", "dL/dh[t,i] = 2 (h_ti - y_ti) + U_ji dL/dh[t+1,j] (1 - h_tj^2)", False),
    ("rnn", "dL/dh[t,i] = 2 (h_ti - y_ti) + U_ji dL/dh[t-1,j] (1 - h[t+1,j]^2)", False),
    ("rnn", "dL/dh[t,i] = U_ji dL/dh[t+1,j] (1 - h[t+1,j]^2)", False),
    ("lstm", "dL/dc_ti = dL/dh_ti o_ti (1 - tanh(c_ti)^2) + dL/dc[t+1,i] f[t+1,i]", True),
    ("lstm", "dL/dc_ti = dL/dh_ti o_ti (1 - tanh(c_ti)^2) + dL/dc[t+1,i] f[t,i]", False),
    ("lstm", "dL/df_ti = dL/dc_ti c[t-1,i]", True),
    ("lstm", "dL/df_ti = dL/dc_ti c_ti", False),
    ("state space", "dL/dA_ij = dL/dh_ti h[t-1,j]", True),
    ("state space", "dL/dh_ti = 2 (C_j h_tj - y_t) C_i + A_ji dL/dh[t+1,j]", True),
    ("state space", "dL/dh_ti = 2 (C_j h_tj - y_t) C_i + A_ij dL/dh[t+1,j]", False),
    ("residual", "dL/dW_ljk = Z[l-1,b,j] dL/dZ_lbk (1 - tanh(Z[l-1,b,i] W_lik)^2)", True),
    ("residual", "dL/dX_bk = sum_l(dL/dZ_lbk)", False),
]


@pytest.mark.parametrize(("name", "claim", "right"), CLAIMS)
def test_claims_about_an_entry(name: str, claim: str, right: bool) -> None:
    verdict = eg.parse(MODELS[name][0]).check(claim)
    assert (verdict.outcome == "right") is right, verdict


NAMED = [
    ("G_ti = dL/dh_ti (1 - h_ti^2)\ndL/dU_ij = G_ti h[t-1,j]", True),
    ("G_ti = dL/dh_ti (1 - h_ti^2)\ndL/dU_ij = G_ti h_tj", False),
    ("G_ti = dL/dh_ti (1 - h_ti^2)\n"
     "G_ti = (2 (h_ti - y_ti) + U_ji G[t+1,j]) (1 - h_ti^2)", True),
    ("G_ti = dL/dh_ti (1 - h_ti^2)\n"
     "G_ti = (2 (h_ti - y_ti) + U_ji G[t+1,j]) (1 - h[t-1,i]^2)", False),
]  # fmt: skip


@pytest.mark.parametrize(("claim", "right"), [
    ("h[t+1,i] = tanh(U_ij h_tj + V_ij x[t+1,j] + b_i)", True),
    ("h[t+1,i] = tanh(U_ij h_tj + V_ij x_tj + b_i)", False),
    ("h[t-1,i] = tanh(U_ij h[t-2,j] + V_ij x[t-1,j] + b_i)", True),
    ("h[t+1,i] = h_ti", False),
    ("dL/dh[t-1,i] = 2 (h[t-1,i] - y[t-1,i]) + dL/dh_tj (1 - h_tj^2) U_ji", True),
    ("dL/dh[t-1,i] = 2 (h[t-1,i] - y[t-1,i]) + dL/dh_tj (1 - h[t-1,j]^2) U_ji", False),
    ("dL/dh[t-1,i] = dL/dh_ti", False),
    ("dL/dh[-1,i] = 2 (h[-1,i] - y[-1,i])", True), ("dL/dh[-1,i] = 2 h[-1,i]", False),
    ("dL/dh[0,i] = 2 (h[0,i] - y[0,i]) + dL/dh[1,j] (1 - h[1,j]^2) U_ji", True),
    ("dL/dh[0,i] = 2 (h[0,i] - y[0,i])", False),
])  # fmt: skip
def test_claims_about_other_positions(claim: str, right: bool) -> None:
    verdict = eg.parse(MODELS["rnn"][0]).check(claim)
    assert (verdict.outcome == "right") is right, verdict


@pytest.mark.parametrize(("claims", "right"), NAMED)
def test_names_that_claims_give_to_adjoints(claims: str, right: bool) -> None:
    verdict = eg.parse(MODELS["rnn"][0]).check(claims)
    assert (verdict.outcome == "right") is right, verdict


def test_an_assumed_extent_says_how_many_steps_there_are() -> None:
    text = "assume size(s) = 4\n" + MODELS["descent"][0].replace("eta_s", "eta")
    text = text.replace("goal_i", "1")
    model = eg.parse(text)
    given = arrays(model)
    loop = descent(tensors({**given, "eta": np.full(4, given["eta"]), "goal": np.ones(3)}))
    assert float(model.grad("L").compile()(**given)["L"]) == pytest.approx(float(loop), rel=1e-12)


def test_pictures_have_no_line_back() -> None:
    model = eg.parse(MODELS["lstm"][0])
    assert model.picture("L").svg.startswith("<svg")
    assert model.grad("L", "w").picture().svg.startswith("<svg")


def test_what_is_printed_reads_back() -> None:
    for text, _ in MODELS.values():
        model = eg.parse(text)
        assert str(eg.parse(str(model))) == str(model)
        for line in str(model.grad(TOTAL)).splitlines():
            verdict = model.check(line.removeprefix("with "))
            assert verdict.outcome == "right", (line, verdict)


def test_a_derivation_prints_each_rule_once() -> None:
    lines = eg.parse(MODELS["rnn"][0]).grad(TOTAL, ["U"]).text("U").splitlines()
    assert len(lines) < 20
    assert sum("dL/dh_ti = " in line for line in lines) == 1
    assert any("U_ji dL/dh[t+1,j] (1 - h[t+1,j]^2)" in line for line in lines)


WRONG = [
    ("h_t = a h_t + x_t", "cycle"),
    ("h[t] = a h[t-1] + b h[t+1] + x[t]", "recurrence"),
    ("h[t] = a h[t-1] + sum_t(h[t]) + x[t]", "cycle"),
    ("h[t] = a h[t-1] + x[t]\nh[-1] = b", None),
    ("h[t<0] = b\nL = c^2", None),
    ("y[t] = x[t-1]", "open-range"),
    ("h[t+1] = a h[t] + x[t]", None),
    ("h[t+1] = a x[t]", None),
    ("h[...,t] = a h[...,t-1] + x[...,t]", "recurrence"),
    ("h[t,i] = a h[t-1,i] + b h[t,i-1] + x[t,i]", "recurrence"),
    ("h[t] = x[t] + sum_k(a_k h[t-k])", "recurrence"),
    ("h[t] = x[t] + sum_k(a_k h[t-2k+3])", "recurrence"),
    ("h_t = x_t + sum_{s <= t}(W_ts h_s)", "recurrence"),
    ("h_t = x_t + sum_{s != t}(W_ts h_s)", "recurrence"),
    ("h_t = x_t + W_ts h_s", "cycle"),
    ("h[t] = x[t] + h[2t]", "recurrence"),
]


@pytest.mark.parametrize(("text", "code"), WRONG)
def test_what_is_no_recurrence_is_refused(text: str, code: str | None) -> None:
    with pytest.raises(eg.EingradError) as caught:
        eg.parse(text)
    assert code is None or caught.value.code == code, caught.value.code
    assert caught.value.hint


TRANSFORMER = """
X_lbtd = g_ld (Z[l-1,b,t,d] - mean_d(Z[l-1,b,t,d])) / sqrt(var_d(Z[l-1,b,t,d]) + 1e-5)
Q_lbhtk = X_lbtd Wq_ldhk
K_lbhsk = X_lbsd Wk_ldhk
V_lbhsk = X_lbsd Wv_ldhk
S_lbhts = where(s <= t, Q_lbhtk K_lbhsk / sqrt(size(k)), -1e9)
A_lbhts = softmax_s(S_lbhts)
Y_lbtd = Z[l-1,b,t,d] + A_lbhts V_lbhsk Wo_lhkd
Z_lbtd = Y_lbtd + gelu(Y_lbte W1_lef) W2_lfd
Z[l<0,b,t,d] = E_btd
L = sum_lbtd(Z_lbtd^2) / size(t)
"""


def transformer(a: Tensors) -> torch.Tensor:
    z, total, count = a["E"], 0.0, a["E"].shape[1]
    mask = torch.tril(torch.ones(count, count)) > 0
    for block in range(len(a["g"])):
        w = {n: x[block] for n, x in a.items() if n != "E"}
        spread = torch.sqrt(z.var(-1, unbiased=False, keepdim=True) + 1e-5)
        x = (z - z.mean(-1, keepdim=True)) / spread * w["g"]
        q, k, v = (torch.einsum("btd,dhk->bhtk", x, w[n]) for n in ("Wq", "Wk", "Wv"))
        score = torch.einsum("bhtk,bhsk->bhts", q, k) / q.shape[-1] ** 0.5
        score = torch.where(mask, score, -1e9)
        y = z + torch.einsum("bhts,bhsk,hkd->btd", torch.softmax(score, -1), v, w["Wo"])
        z = y + torch.nn.functional.gelu(y @ w["W1"]) @ w["W2"]
        total = total + (z**2).sum() / count
    return total


def test_a_transformer_of_twelve_blocks() -> None:
    model = eg.parse(TRANSFORMER)
    sizes = {"l": 12, "b": 2, "t": 4, "d": 6, "h": 2, "k": 3, "k2": 3, "f": 5}
    rng = np.random.default_rng(0)
    given = {
        n: 0.3 * rng.normal(size=[sizes[str(d)] for d in v.dims]) for n, v in model.inputs.items()
    }
    leaves = {n: x.requires_grad_() for n, x in tensors(given).items()}
    transformer(leaves).backward()
    found = model.grad(TOTAL).compile()(**given)
    for n, leaf in leaves.items():
        wanted = leaf.grad.numpy()
        scale = float(np.abs(wanted).max())
        assert np.abs(found[f"dL/d{n}"] - wanted).max() <= 1e-10 * scale, n


def test_time_to_derive_does_not_depend_on_the_length() -> None:
    text, _ = MODELS["rnn"]
    function = eg.parse(text).grad(TOTAL).compile()
    shapes = {"U": (2, 2), "V": (2, 1), "b": 2, "h0": 2, "x": (9, 1), "y": (9, 2)}
    lines = []
    for count in (9, 900):
        shapes |= {"x": (count, 1), "y": (count, 2)}
        function(**{n: np.ones(shape) / 8 for n, shape in shapes.items()})
        lines.append(len(function.source.splitlines()))
    assert lines[0] == lines[1]


def test_a_deep_stack_is_derived_and_written_once() -> None:
    """As many steps, and as many lines of code, for 2 layers as for 200."""
    counts = []
    for layers in (2, 200):
        text = f"assume size(l) = {layers}\n" + MODELS["residual"][0].replace("W[l,j,k]", "W_jk")
        gradients = eg.parse(text).grad(TOTAL, ["W"])
        source = gradients.source("numpy")
        counts.append((len(gradients.steps("W")), len(source.splitlines())))
    assert counts[0] == counts[1]


LATEX_RNN = r"""
\begin{align}
h_{t,i} &= \tanh\left(U_{ij} h_{t-1,j} + V_{in} x_{t,n} + b_i\right) \\
L &= \sum_{t,i} (h_{t,i} - y_{t,i})^2
\end{align}"""

LATEX_CLAIMS = [
    (r"\frac{\partial L}{\partial h_{t,i}} = 2 (h_{t,i} - y_{t,i})"
     r" + U_{ji} \frac{\partial L}{\partial h_{t+1,j}} (1 - h_{t+1,j}^2)", True),
    (r"\frac{\partial L}{\partial h_{t,i}} = 2 (h_{t,i} - y_{t,i})"
     r" + U_{ji} \frac{\partial L}{\partial h_{t+1,j}} (1 - h_{t,j}^2)", False),
    (r"\frac{\partial L}{\partial U_{ij}}"
     r" = \sum_t \frac{\partial L}{\partial h_{ti}} (1 - h_{ti}^2) h_{t-1,j}", True),
    (r"\frac{\partial L}{\partial U_{ij}}"
     r" = \sum_t \frac{\partial L}{\partial h_{ti}} (1 - h_{ti}^2) h_{t,j}", False),
    (r"\frac{\partial L}{\partial V_{in}}"
     r" = \sum_t \frac{\partial L}{\partial h_{ti}} (1 - h_{ti}^2) x_{tn}", True),
]  # fmt: skip


@pytest.mark.parametrize(("claim", "right"), LATEX_CLAIMS)
def test_latex(claim: str, right: bool) -> None:
    model = eg.parse_latex(LATEX_RNN)
    assert str(model).startswith("h_ti = tanh(U_ij h[t-1,j] + V_in x_tn + b_i)")
    verdict = model.check(claim)
    assert (verdict.outcome == "right") is right, verdict
    assert "h_{t-1, j}" in model.grad(TOTAL, "U").latex()


def test_an_entry_0_in_latex_stands_before_the_first() -> None:
    with pytest.warns(eg.NotationWarning, match="s0 stands before the first entry of s"):
        model = eg.parse_latex(
            r"s_t = \alpha x_t + (1 - \alpha) s_{t-1} \\ s_0 = c \\ L = \sum_t s_t^2"
        )
    x = np.array([0.5, -1.0, 2.0])
    found = model.grad("L", ["c", "alpha"]).compile()(alpha=np.float64(0.3), x=x, c=np.float64(2))
    s, ds, value, slope = 2.0, 1.0, 0.0, 0.0
    for entry in x:
        s, ds = 0.3 * entry + 0.7 * s, 0.7 * ds
        value, slope = value + s * s, slope + 2 * s * ds
    assert float(found["L"]) == pytest.approx(value, rel=1e-12)
    assert float(found["dL/dc"]) == pytest.approx(slope, rel=1e-12)
