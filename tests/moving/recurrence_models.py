"""Models with recurrences as people write them, each beside a loop in PyTorch."""

from __future__ import annotations

from typing import Any

from moving.row import A, Moving


def _rnn(torch: Any, a: A) -> Any:
    h, total = a["h0"], 0.0
    for t in range(len(a["x"])):
        h = torch.tanh(a["U"] @ h + a["V"] @ a["x"][t] + a["b"])
        total = total + ((h - a["y"][t]) ** 2).sum()
    return total


def _lstm(torch: Any, a: A) -> Any:
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


def _gru(torch: Any, a: A) -> Any:
    h, total = torch.zeros_like(a["x"][0] @ a["Wz"]), 0.0
    for t in range(len(a["x"])):
        x = a["x"][t]
        z = torch.sigmoid(x @ a["Wz"] + h @ a["Uz"])
        r = torch.sigmoid(x @ a["Wr"] + h @ a["Ur"])
        new = torch.tanh(x @ a["Wn"] + (r * h) @ a["Un"])
        h = (1 - z) * new + z * h
        total = total + (h**3).sum()
    return total


def _state_space(torch: Any, a: A) -> Any:
    h, total = torch.zeros_like(a["A"][0]), 0.0
    for t in range(len(a["u"])):
        h = a["A"] @ h + a["B"] * a["u"][t]
        total = total + (a["C"] @ h - a["y"][t]) ** 2
    return total


def _residual(torch: Any, a: A) -> Any:
    z, total = a["X"], 0.0
    for w in a["W"]:
        z = z + torch.tanh(z @ w)
        total = total + (z**2).sum()
    return total


def _descent(_: Any, a: A) -> Any:
    w, total = a["w0"], 0.0
    for rate in a["eta"]:
        w = w - rate * (a["A"] @ w - a["b"])
        total = total + ((w - a["goal"]) ** 2).sum()
    return total


def _second_order(torch: Any, a: A) -> Any:
    x = [a["x0"], a["x0"]]
    for f in a["f"]:
        x.append(2 * x[-1] - x[-2] - a["g"] * torch.sin(x[-1]) + f)
    return sum((y - 1) ** 2 for y in x[2:])


def _backwards(torch: Any, a: A) -> Any:
    v, total = a["end"], 0.0
    for t in reversed(range(len(a["r"]))):
        v = torch.tanh(a["r"][t] + a["gamma"] * a["P"] @ v)
        total = total + (v * v).sum()
    return total


def _begun(torch: Any, a: A) -> Any:
    h, total = a["g"], (a["g"] ** 2).sum()
    for t in range(1, len(a["x"])):
        h = torch.tanh(a["U"] @ h) + a["x"][t]
        total = total + (h**2).sum()
    return total


def _stacked(torch: Any, a: A) -> Any:
    u = h = torch.zeros_like(a["x"][0])
    total = 0.0
    for x in a["x"]:
        u = torch.tanh(a["A"] @ u + x)
        h = torch.tanh(a["B"] @ h + a["C"] @ u)
        total = total + (h**2).sum()
    return total


def _last(torch: Any, a: A) -> Any:
    h = torch.zeros_like(a["y"])
    for x in a["x"]:
        h = torch.tanh(h @ a["U"].T + x @ a["V"].T + a["c"])
    return ((h - a["y"]) ** 2).sum()


def _bidirectional(torch: Any, a: A) -> Any:
    count = len(a["x"])
    f = g = torch.zeros_like(a["x"][0] @ a["V"])
    there, back = [], [None] * count
    for t in range(count):
        f = torch.tanh(f @ a["U"] + a["x"][t] @ a["V"])
        there.append(f)
    for t in reversed(range(count)):
        g = torch.tanh(g @ a["R"] + a["x"][t] @ a["V"])
        back[t] = g
    total = 0.0
    for t in range(count):
        total = total + torch.logsumexp(there[t] * back[t] + a["c"], -1)
    return total


def _sequences(torch: Any, a: A) -> Any:
    h = torch.zeros_like(a["x"][0])
    for x in a["x"]:
        h = torch.tanh(a["U"] @ h + x)
    total = 0.0
    for y in a["y"]:
        h = torch.tanh(a["W"] @ h)
        total = total + ((h - y) ** 2).sum()
    return total


def _products(torch: Any, a: A) -> Any:
    p, total = torch.ones(()).to(a["x"]), 0.0
    for t in range(len(a["x"])):
        p = p * a["x"][t]
        total = total + p * a["w"][t]
    return total


def _filter(torch: Any, a: A) -> Any:
    p, m, total = a["p0"], torch.zeros_like(a["p0"]), 0.0
    for y in a["y"]:
        q = a["a"] ** 2 * p + a["s"]
        gain = q / (q + a["r"])
        total = total + (y - a["a"] * m) ** 2 / (q + a["r"]) + torch.log(q + a["r"])
        m = a["a"] * m + gain * (y - a["a"] * m)
        p = (1 - gain) * q
    return total


def _matrix_filter(torch: Any, a: A) -> Any:
    p, m, total = a["P0"], torch.zeros_like(a["y"][0]), 0.0
    eye = torch.eye(len(p)).to(p)
    for y in a["y"]:
        p = a["F"] @ p @ a["F"].T + eye
        gain = p @ torch.linalg.inv(p + eye)
        m = a["F"] @ m
        m = m + gain @ (y - m)
        p = p - gain @ p
        total = total + (m**2).sum()
    return total


def _leaky(torch: Any, a: A) -> Any:
    v, total = torch.zeros_like(a["W"][:, 0]), 0.0
    for x in a["x"]:
        v = a["a"] * v + (1 - a["a"]) * torch.relu(a["W"] @ x)
        total = total + (v * a["g"]).sum() ** 2
    return total


def _euler(torch: Any, a: A) -> Any:
    y, total = a["y0"], 0.0
    for f in a["f"]:
        y = y + a["dt"] * torch.sin(a["A"] @ y) + f
        total = total + (y**2).sum()
    return total


def _runge_kutta(torch: Any, a: A) -> Any:
    y, total, dt = a["y0"], 0.0, a["dt"]
    for f in a["f"]:
        k = torch.tanh(a["A"] @ y + f)
        y = y + dt * torch.tanh(a["A"] @ (y + dt / 2 * k) + f)
        total = total + (y**2).sum()
    return total


def _runge_kutta_4(torch: Any, a: A) -> Any:
    y, total, dt = a["y0"], 0.0, a["dt"]
    for goal in a["goal"]:
        k1 = torch.sin(a["A"] @ y)
        k2 = torch.sin(a["A"] @ (y + dt / 2 * k1))
        k3 = torch.sin(a["A"] @ (y + dt / 2 * k2))
        k4 = torch.sin(a["A"] @ (y + dt * k3))
        y = y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        total = total + ((y - goal) ** 2).sum()
    return total


def _markov(torch: Any, a: A) -> Any:
    alpha = a["p"] + a["e"][0]
    for e in a["e"][1:]:
        alpha = torch.logsumexp(alpha[:, None] + a["M"], 0) + e
    return torch.logsumexp(alpha, 0)


def _markov_scaled(torch: Any, a: A) -> Any:
    q, total = a["p"], 0.0
    for e in a["e"]:
        own = (q @ torch.softmax(a["M"], 1)) * torch.exp(e)
        total = total + torch.log(own.sum())
        q = own / own.sum()
    return total


def _field(torch: Any, a: A) -> Any:
    score = (a["Y"] * a["e"]).sum() + torch.einsum("tj,ji,ti->", a["Y"][:-1], a["M"], a["Y"][1:])
    alpha = a["e"][0]
    for e in a["e"][1:]:
        alpha = torch.logsumexp(alpha[:, None] + a["M"], 0) + e
    return torch.logsumexp(alpha, 0) - score


def _best_path(torch: Any, a: A) -> Any:
    alpha = a["e"][0]
    for e in a["e"][1:]:
        alpha = torch.amax(alpha[:, None] + a["M"], 0) + e
    return torch.amax(alpha, 0)


def _returns(torch: Any, a: A) -> Any:
    g, total = torch.zeros_like(a["v"][0]), 0.0
    for t in reversed(range(len(a["r"]))):
        g = a["r"][t] + a["gamma"] * g
        total = total + (g - a["v"][t]) ** 2
    return total


def _advantages(torch: Any, a: A) -> Any:
    g, v, total = torch.zeros_like(a["v"][0]), torch.zeros_like(a["v"][0]), 0.0
    for t in reversed(range(len(a["r"]))):
        d = a["r"][t] + a["gamma"] * v - a["v"][t]
        g, v = d + a["gamma"] * a["lam"] * g, a["v"][t]
        total = total - g * a["w"][t] + g**2 / 2
    return total


def _decoder(torch: Any, a: A) -> Any:
    h, total = a["h0"], 0.0
    for x in a["x"]:
        weights = torch.softmax(a["K"] @ a["Q"] @ h, 0)
        h = torch.tanh(a["U"] @ h + weights @ a["V"] + x)
        total = total + (h**2).sum()
    return total


def _momentum(torch: Any, a: A) -> Any:
    w, v, total = a["w0"], torch.zeros_like(a["w0"]), 0.0
    for rate in a["eta"]:
        v = a["mu"] * v - rate * (a["A"] @ w - a["c"])
        w = w + v
        total = total + ((w - a["goal"]) ** 2).sum()
    return total


def _adam(torch: Any, a: A) -> Any:
    w, m, s = a["w0"], torch.zeros_like(a["w0"]), torch.zeros_like(a["w0"])
    total = 0.0
    for rate in a["eta"]:
        g = a["A"] @ w - a["c"]
        m, s = 0.9 * m + 0.1 * g, 0.99 * s + 0.01 * g**2
        w = w - rate * m / (torch.sqrt(s) + 0.1)
        total = total + (w**2).sum()
    return total


def _normed_stack(torch: Any, a: A) -> Any:
    z = a["X"]
    for k in range(len(a["W"])):
        spread = torch.sqrt(z.var(-1, unbiased=False, keepdim=True) + 1e-3)
        normed = (z - z.mean(-1, keepdim=True)) / spread * a["g"][k]
        z = z + torch.nn.functional.gelu(normed @ a["W"][k]) @ a["V"][k]
    return -(a["Y"] * torch.log_softmax(z, -1)).sum(-1).mean()


def _highway(torch: Any, a: A) -> Any:
    z, total = a["X"], 0.0
    for k in range(len(a["W"])):
        gate = torch.sigmoid(z @ a["G"][k] - 1)
        z = gate * torch.relu(z @ a["W"][k]) + (1 - gate) * z
        total = total + (z**2).sum() / 10
    return total


def _peepholes(torch: Any, a: A) -> Any:
    c = h = torch.zeros_like(a["x"][0] @ a["Wi"])
    total = 0.0
    for x in a["x"]:
        i = torch.sigmoid(x @ a["Wi"] + h @ a["Ui"] + a["p"] * c)
        f = torch.sigmoid(x @ a["Wf"] + h @ a["Uf"] + a["q"] * c + 1)
        c = f * c + i * torch.tanh(x @ a["Wg"] + h @ a["Ug"])
        o = torch.sigmoid(x @ a["Wo"] + h @ a["Uo"] + a["r"] * c)
        h = o * torch.tanh(c)
        total = total + (h**2).sum()
    return total


def _fast_weights(torch: Any, a: A) -> Any:
    s, total = 0.0, 0.0
    for t in range(len(a["k"])):
        s = torch.sigmoid(a["g"]) * s + torch.outer(a["k"][t], a["v"][t])
        total = total + ((a["q"][t] @ s) ** 2).sum()
    return total


def _selective(torch: Any, a: A) -> Any:
    h, total = 0.0, 0.0
    for t in range(len(a["x"])):
        step = torch.nn.functional.softplus(a["d"][t])
        h = torch.exp(-step[:, None] * a["a"] ** 2) * h
        h = h + (step * a["x"][t])[:, None] * a["B"][t]
        total = total + ((h @ a["C"][t]) ** 2).sum()
    return total


def _transport(torch: Any, a: A) -> Any:
    g = torch.zeros_like(a["C"][0])
    for _ in range(5):
        f = -torch.logsumexp(g - a["C"], 1)
        g = -torch.logsumexp(f[:, None] - a["C"], 0)
    return (torch.exp(f[:, None] + g - a["C"]) * a["C"]).sum()


def _volatility(torch: Any, a: A) -> Any:
    s, e, total = a["s0"], torch.zeros_like(a["s0"]), 0.0
    for now in a["e"]:
        s = a["w"] + a["a"] * e**2 + a["c"] * s
        total = total + torch.log(s) + now**2 / s
        e = now
    return total


def _newton(torch: Any, a: A) -> Any:
    x = torch.ones_like(a["c"])
    for _ in range(6):
        x = (x + a["c"] / x) / 2
    return (x * a["w"]).sum()


def _power(torch: Any, a: A) -> Any:
    v = a["v0"]
    for _ in range(4):
        u = a["A"] @ v
        v = u / torch.linalg.vector_norm(u)
    return v @ a["A"] @ v


def _language(torch: Any, a: A) -> Any:
    h, total = torch.zeros_like(a["E"][0]), 0.0
    for t in range(len(a["c"])):
        h = torch.tanh(a["U"] @ h + a["E"][a["c"][t]])
        total = total - torch.log_softmax(h @ a["W"], -1)[a["y"][t]]
    return total / len(a["c"])


def _echo(torch: Any, a: A) -> Any:
    h, total = [0 * a["x"][0]] * 3, 0.0
    for x in a["x"]:
        h.append(torch.tanh(a["g"] * h[-3] - 0.5 * h[-1] + x))
        total = total + h[-1] ** 3
    return total


def _jordan(torch: Any, a: A) -> Any:
    y, total = torch.zeros_like(a["goal"][0]), 0.0
    for t in range(len(a["x"])):
        h = torch.sigmoid(a["W"] @ a["x"][t] + a["R"] @ y)
        y = torch.softmax(a["O"] @ h, 0)
        total = total - (a["goal"][t] * torch.log(y)).sum()
    return total


def _transformer(torch: Any, a: A) -> Any:
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

# fmt: off
NETWORKS_IN_TIME = [
    Moving(
        "rnn",
        "h[t,i] = tanh(U_ij h[t-1,j] + V_in x[t,n] + b_i)\nh[t<0,i] = h0_i\n"
        "L = sum_ti((h_ti - y_ti)^2)",
        _rnn, "U",
    ),
    Moving(
        "lstm",
        "f_ti = sigmoid(Wf_in x_tn + Uf_ij h[t-1,j] + bf_i)\n"
        "i_ti = sigmoid(Wi_in x_tn + Ui_ij h[t-1,j])\n"
        "o_ti = sigmoid(Wo_in x_tn + Uo_ij h[t-1,j])\n"
        "c[t,i] = f_ti c[t-1,i] + i_ti tanh(Wg_in x_tn + Ug_ij h[t-1,j])\n"
        "h_ti = o_ti tanh(c_ti)\nL = sum_t((h_ti w_i)^2)",
        _lstm, "bf",
    ),
    Moving(
        "gru",
        "z_tbi = sigmoid(x_tbn Wz_ni + h[t-1,b,j] Uz_ji)\n"
        "r_tbi = sigmoid(x_tbn Wr_ni + h[t-1,b,j] Ur_ji)\n"
        "n_tbi = tanh(x_tbn Wn_ni + r_tbj h[t-1,b,j] Un_ji)\n"
        "h_tbi = (1 - z_tbi) n_tbi + z_tbi h[t-1,b,i]\nL = sum_tbi(h_tbi^3)",
        _gru, "Uz",
    ),
    Moving(
        "peepholes",
        "i_tbk = sigmoid(x_tbn Wi_nk + h[t-1,b,j] Ui_jk + p_k c[t-1,b,k])\n"
        "f_tbk = sigmoid(x_tbn Wf_nk + h[t-1,b,j] Uf_jk + q_k c[t-1,b,k] + 1)\n"
        "c[t,b,k] = f_tbk c[t-1,b,k] + i_tbk tanh(x_tbn Wg_nk + h[t-1,b,j] Ug_jk)\n"
        "o_tbk = sigmoid(x_tbn Wo_nk + h[t-1,b,j] Uo_jk + r_k c_tbk)\n"
        "h[t,b,k] = o_tbk tanh(c_tbk)\nL = sum_tbk(h_tbk^2)",
        _peepholes, "q",
    ),
    Moving(
        "stacked",
        "u[t,i] = tanh(A_ij u[t-1,j] + x_ti)\nh[t,i] = tanh(B_ij h[t-1,j] + C_ij u_tj)\n"
        "L = sum_ti(h_ti^2)",
        _stacked, "B",
    ),
    Moving(
        "last state",
        "h[t,b,i] = tanh(h[t-1,b,j] U_ij + x_tbn V_in + c_i)\nL = sum_bi((h[-1,b,i] - y_bi)^2)",
        _last, "c",
    ),
    Moving(
        "bidirectional",
        "f[t,b,i] = tanh(f[t-1,b,j] U_ji + x_tbn V_ni)\n"
        "g[t,b,i] = tanh(g[t+1,b,j] R_ji + x_tbn V_ni)\n"
        "L = sum_tb(logsumexp_i(f_tbi g_tbi + c_i))",
        lambda torch, a: _bidirectional(torch, a).sum(), "c",
    ),
    Moving(
        "sequences",
        "h[t,i] = tanh(U_ij h[t-1,j] + x_ti)\nd[s,i] = tanh(W_ij d[s-1,j])\n"
        "d[s<0,i] = h[-1,i]\nL = sum_si((d_si - y_si)^2)",
        _sequences, "W",
    ),
    Moving(
        "begun",
        "h[t,i] = tanh(U_ij h[t-1,j]) + x_ti\nh[0,i] = g_i\nL = sum_ti(h_ti^2)",
        _begun, "g",
    ),
    Moving(
        "echo",
        "h[t] = tanh(g h[t-3] - 0.5 h[t-1] + x_t)\nL = sum_t(h_t^3)",
        _echo, "x",
    ),
    Moving(
        "jordan",
        "h_tk = sigmoid(W_kn x_tn + R_ko y[t-1,o])\ny[t,o] = softmax_o(O_ok h_tk)\n"
        "L = -sum_t(goal_to log(y_to))",
        _jordan, "R",
    ),
    Moving(
        "leaky", "v[t,i] = a v[t-1,i] + (1 - a) relu(W_ij x_tj)\nL = sum_t((v_ti g_i)^2)",
        _leaky, "a",
    ),
    Moving(
        "decoder",
        "w_tm = softmax_m(K_mk Q_kj h[t-1,j])\nh[t,i] = tanh(U_ij h[t-1,j] + w_tm V_mi + x_ti)\n"
        "h[t<0,i] = h0_i\nL = sum_ti(h_ti^2)",
        _decoder, "h0",
    ),
    Moving(
        "fast weights",
        "S[t,i,j] = sigmoid(g) S[t-1,i,j] + k_ti v_tj\no_tj = q_ti S_tij\nL = sum_tj(o_tj^2)",
        _fast_weights, "g",
    ),
    Moving(
        "language",
        "h[t,i] = tanh(U_ij h[t-1,j] + E[c[t],i])\np_tv = softmax_v(h_ti W_iv)\n"
        "L = -mean_t(log(p[t,y[t]]))",
        _language, "U",
    ),
]
STATE_SPACES = [
    Moving(
        "state space",
        "h[t,i] = A_ij h[t-1,j] + B_i u_t\nL = sum_t((C_i h_ti - y_t)^2)",
        _state_space, "A",
    ),
    Moving(
        "selective",
        "D_ti = softplus(d_ti)\n"
        "h[t,i,n] = exp(-D_ti a_in^2) h[t-1,i,n] + D_ti x_ti B_tn\ny_ti = C_tn h_tin\n"
        "L = sum_ti(y_ti^2)",
        _selective, "a",
    ),
    Moving(
        "filter",
        "q_t = a^2 p[t-1] + s\nk_t = q_t / (q_t + r)\np[t] = (1 - k_t) q_t\np[t<0] = p0\n"
        "m[t] = a m[t-1] + k_t (y_t - a m[t-1])\n"
        "L = sum_t((y_t - a m[t-1])^2 / (q_t + r) + log(q_t + r))",
        _filter, "a", ("s", "r", "p0"),
    ),
    Moving(
        "matrix filter",
        "S_tij = F_im P[t-1,m,n] F_jn + delta_ij\nG_tij = S_tik inv_kj(S_tkj + delta_kj)\n"
        "P[t,i,j] = S_tij - G_tik S_tkj\nP[t<0,i,j] = P0_ij\n"
        "m[t,i] = F_ij m[t-1,j] + G_tik (y_tk - F_kj m[t-1,j])\nL = sum_ti(m_ti^2)",
        _matrix_filter, "", ("P0",),
    ),
    Moving(
        "markov",
        "alpha[t,i] = logsumexp_j(alpha[t-1,j] + M_ji) + e_ti\nalpha[0,i] = p_i + e[0,i]\n"
        "L = logsumexp_i(alpha[-1,i])",
        _markov, "M",
    ),
    Moving(
        "markov, scaled",
        "R_ij = softmax_j(M_ij)\nu_ti = q[t-1,j] R_ji exp(e_ti)\nz_t = sum_i(u_ti)\n"
        "q[t,i] = u_ti / z_t\nq[t<0,i] = p_i\nL = sum_t(log(z_t))",
        _markov_scaled, "p", ("p",),
    ),
    Moving(
        "random field",
        "alpha[t,i] = logsumexp_j(alpha[t-1,j] + M_ji) + e_ti\nalpha[0,i] = e[0,i]\n"
        "L = logsumexp_i(alpha[-1,i]) - sum_ti(Y_ti e_ti) - sum_t(Y[t-1,j] M_ji Y_ti)",
        _field, "M",
    ),
    Moving(
        "best path",
        "alpha[t,i] = max_j(alpha[t-1,j] + M_ji) + e_ti\nalpha[0,i] = e[0,i]\n"
        "L = max_i(alpha[-1,i])",
        _best_path,
    ),
]
UNROLLED = [
    Moving(
        "descent",
        "w[s,i] = w[s-1,i] - eta_s (A_ij w[s-1,j] - b_i)\nw[s<0,i] = w0_i\n"
        "L = sum_si((w_si - goal_i)^2)",
        _descent, "eta",
    ),
    Moving(
        "momentum",
        "v[s,i] = mu v[s-1,i] - eta_s (A_ij w[s-1,j] - c_i)\nw[s,i] = w[s-1,i] + v_si\n"
        "w[s<0,i] = w0_i\nL = sum_si((w_si - goal_i)^2)",
        _momentum, "eta",
    ),
    Moving(
        "adam",
        "g_si = A_ij w[s-1,j] - c_i\nm[s,i] = 0.9 m[s-1,i] + 0.1 g_si\n"
        "v[s,i] = 0.99 v[s-1,i] + 0.01 g_si^2\n"
        "w[s,i] = w[s-1,i] - eta_s m_si / (sqrt(v_si) + 0.1)\nw[s<0,i] = w0_i\n"
        "L = sum_si(w_si^2)",
        _adam, "eta",
    ),
    Moving(
        "newton",
        "assume size(s) = 6\nx[s,i] = (x[s-1,i] + c_i / x[s-1,i]) / 2\nx[s<0,i] = 1\n"
        "L = sum_i(w_i x[-1,i])",
        _newton, "c", ("c",),
    ),
    Moving(
        "power",
        "assume size(s) = 4\nu_si = A_ij v[s-1,j]\nv[s,i] = u_si / norm_i(u_si)\n"
        "v[s<0,i] = v0_i\nL = v[-1,i] A_ij v[-1,j]",
        _power, "A",
    ),
    Moving(
        "transport",
        "assume size(s) = 5\nf[s,i] = -logsumexp_j(g[s-1,j] - C_ij)\n"
        "g[s,j] = -logsumexp_i(f_si - C_ij)\nL = sum_ij(exp(f[-1,i] + g[-1,j] - C_ij) C_ij)",
        _transport, "C",
    ),
]
STACKS = [
    Moving(
        "residual",
        "Z[l,b,k] = Z[l-1,b,k] + tanh(Z[l-1,b,j] W[l,j,k])\nZ[l<0,b,k] = X_bk\n"
        "L = sum_lbk(Z_lbk^2)",
        _residual, "X",
    ),
    Moving(
        "normed stack",
        "N_lbk = g_lk (Z[l-1,b,k] - mean_k(Z[l-1,b,k])) / sqrt(var_k(Z[l-1,b,k]) + 0.001)\n"
        "Z[l,b,k] = Z[l-1,b,k] + gelu(N_lbj W_ljm) V_lmk\nZ[l<0,b,k] = X_bk\n"
        "L = -mean_b(Y_bk log_softmax_k(Z[-1,b,k]))",
        _normed_stack, "g",
    ),
    Moving(
        "highway",
        "g_lbk = sigmoid(Z[l-1,b,j] G_ljk - 1)\n"
        "Z[l,b,k] = g_lbk relu(Z[l-1,b,j] W_ljk) + (1 - g_lbk) Z[l-1,b,k]\nZ[l<0,b,k] = X_bk\n"
        "L = sum_lbk(Z_lbk^2) / 10",
        _highway, "X",
    ),
    Moving("transformer of twelve blocks", TRANSFORMER, _transformer),
]
EQUATIONS = [
    Moving(
        "second order",
        "x[t] = 2 x[t-1] - x[t-2] - g sin(x[t-1]) + f[t]\nx[t<0] = x0\nL = sum_t((x[t] - 1)^2)",
        _second_order, "g",
    ),
    Moving(
        "euler",
        "y[t,i] = y[t-1,i] + dt sin(A_ij y[t-1,j]) + f_ti\ny[t<0,i] = y0_i\nL = sum_ti(y_ti^2)",
        _euler, "dt",
    ),
    Moving(
        "runge kutta",
        "k_ti = tanh(A_ij y[t-1,j] + f_ti)\n"
        "y[t,i] = y[t-1,i] + dt tanh(A_ij (y[t-1,j] + dt/2 k_tj) + f_ti)\ny[t<0,i] = y0_i\n"
        "L = sum_ti(y_ti^2)",
        _runge_kutta, "y0",
    ),
    Moving(
        "runge kutta 4",
        "k_ti = sin(A_ij y[t-1,j])\nl_ti = sin(A_ij (y[t-1,j] + dt/2 k_tj))\n"
        "m_ti = sin(A_ij (y[t-1,j] + dt/2 l_tj))\nn_ti = sin(A_ij (y[t-1,j] + dt m_tj))\n"
        "y[t,i] = y[t-1,i] + dt/6 (k_ti + 2 l_ti + 2 m_ti + n_ti)\ny[t<0,i] = y0_i\n"
        "L = sum_ti((y_ti - goal_ti)^2)",
        _runge_kutta_4, "dt",
    ),
    Moving(
        "backwards",
        "v[t,i] = tanh(r_ti + gamma P_ij v[t+1,j])\nv[t>=size(t),i] = end_i\nL = sum_ti(v_ti^2)",
        _backwards, "end",
    ),
    Moving("products", "p[t] = p[t-1] x_t\np[t<0] = 1\nL = sum_t(w_t p_t)", _products, "x"),
    Moving(
        "returns", "G[t] = r_t + gamma G[t+1]\nL = sum_t((G_t - v_t)^2)", _returns, "gamma",
    ),
    Moving(
        "advantages",
        "d_t = r_t + gamma v[t+1] - v_t\nG[t] = d_t + gamma lam G[t+1]\n"
        "L = sum_t(G_t^2 / 2 - w_t G_t)",
        _advantages, "v",
    ),
    Moving(
        "volatility",
        "s[t] = w + a e[t-1]^2 + c s[t-1]\ns[t<0] = s0\nL = sum_t(log(s_t) + e_t^2 / s_t)",
        _volatility, "a", ("w", "a", "c", "s0"),
    ),
]
# fmt: on
