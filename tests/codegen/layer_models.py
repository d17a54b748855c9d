"""Layers as people write them, each beside PyTorch's own operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Arrays = Mapping[str, Any]


@dataclass(frozen=True)
class LayerCase:
    """A layer: its notation, its outputs, what it is differentiated by, and the same in PyTorch.

    ``reference(torch, inputs)`` gives the outputs.
    """

    name: str
    text: str
    of: str
    wrt: str
    reference: Callable[[Any, Arrays], Any]


def _conv1d(torch: Any, x: Arrays) -> Any:
    return torch.einsum("btkc,kcf->btf", x["X"][:, x["p"]], x["W"]) + x["b"]


def _strided(torch: Any, x: Arrays) -> Any:
    wide = torch.nn.functional.pad(x["X"], (1, 2 * x["C"].shape[1] + 1))
    whole = torch.nn.functional.conv1d(wide, x["W"], stride=2)
    return whole[..., : x["C"].shape[1]] + x["C"]


def _heat(torch: Any, x: Arrays) -> Any:
    stencil = torch.tensor([0.1, 0.8, 0.1], dtype=torch.float64)[None, None]
    u = x["x"][None, None]
    for _ in range(2):
        u = torch.nn.functional.conv1d(u, stencil, padding=1)
    return u[0, 0]


def _conv2d(torch: Any, x: Arrays) -> Any:
    patches = x["X"][:, x["r"][:, :, None, None], x["s"][None, None]]  # b h k w l c
    return torch.einsum("bhkwlc,klco->bhwo", patches, x["W"])


def _batch_norm(torch: Any, x: Arrays) -> Any:
    return torch.nn.functional.batch_norm(x["X"], None, None, x["g"], x["c"], True, 0.0, 1e-3)


def _group_norm(torch: Any, x: Arrays) -> Any:
    b, g, c, t = x["X"].shape
    flat = torch.nn.functional.group_norm(x["X"].reshape(b, g * c, t), g, eps=1e-3)
    return flat.reshape(x["X"].shape)


def _swiglu(torch: Any, x: Arrays) -> Any:
    n = torch.nn.functional.rms_norm(x["X"], x["X"].shape[-1:], x["g"], 1e-5)
    return (torch.nn.functional.silu(n @ x["W"]) * (n @ x["V"])) @ x["P"]


def _attention(torch: Any, x: Arrays) -> Any:
    scores = x["Q"] @ x["K"].mT / x["Q"].shape[-1] ** 0.5
    weights = torch.softmax(torch.where(x["mask"] > 0, scores, -1e9), -1)
    return weights @ x["V"]


def _self_attention(torch: Any, x: Arrays) -> Any:
    q, k, v = (torch.einsum("bte,ehd->bhtd", x["X"], x[name]) for name in ("A", "B", "C"))
    y = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    return torch.einsum("bhtd,hde->bte", y, x["O"])


def _lstm(torch: Any, x: Arrays) -> Any:
    gates = [x["X"] @ x[f"W{k}"] + x["h"] @ x[f"U{k}"] + x[f"d{k}"] for k in "ifoa"]
    i, f, o = (torch.sigmoid(gate) for gate in gates[:3])
    c = f * x["c"] + i * torch.tanh(gates[3])
    return o * torch.tanh(c), c


def _gru(torch: Any, x: Arrays) -> Any:
    z = torch.sigmoid(x["X"] @ x["Wz"] + x["h"] @ x["Uz"])
    r = torch.sigmoid(x["X"] @ x["Wr"] + x["h"] @ x["Ur"])
    n = torch.tanh(x["X"] @ x["Wn"] + r * (x["h"] @ x["Un"]))
    return (1 - z) * n + z * x["h"]


def _rnn(torch: Any, x: Arrays) -> Any:
    h, found = x["g"], []
    for t in range(x["X"].shape[1]):
        h = torch.tanh(h @ x["U"] + x["X"][:, t] @ x["W"])
        found.append(h)
    outputs = torch.stack(found, 1)
    return outputs, outputs @ x["P"]


def _cosine(torch: Any, x: Arrays) -> Any:
    return torch.nn.functional.cosine_similarity(x["U"][:, None], x["V"][None], dim=-1)


def _mixture(torch: Any, x: Arrays) -> Any:
    gate = torch.softmax(x["X"] @ x["G"], -1)
    return torch.einsum("be,bi,eio->bo", gate, x["X"], x["W"])


def _rbf(torch: Any, x: Arrays) -> Any:
    return torch.exp(-x["g"] * ((x["X"][:, None] - x["C"][None]) ** 2).sum(-1))


def _leading(torch: Any, x: Arrays) -> Any:
    length = torch.linalg.norm(x["X"], dim=-1, keepdim=True)
    return torch.nn.functional.silu(x["X"] @ x["W"]) + x["b"] * length, (x["X"] ** 2).mean(-1)


LSTM = """i_bk = sigmoid(X_bi Wi_ik + h_bj Ui_jk + di_k)
f_bk = sigmoid(X_bi Wf_ik + h_bj Uf_jk + df_k)
o_bk = sigmoid(X_bi Wo_ik + h_bj Uo_jk + do_k)
a_bk = tanh(X_bi Wa_ik + h_bj Ua_jk + da_k)
C_bk = f_bk c_bk + i_bk a_bk
H_bk = o_bk tanh(C_bk)"""
GRU = """z_bk = sigmoid(X_bi Wz_ik + h_bj Uz_jk)
r_bk = sigmoid(X_bi Wr_ik + h_bj Ur_jk)
n_bk = tanh(X_bi Wn_ik + r_bk sum_j(h_bj Un_jk))
H_bk = (1 - z_bk) n_bk + z_bk h_bk"""
SELF_ATTENTION = """Q_bhtd = X_bte A_ehd
K_bhtd = X_bte B_ehd
V_bhtd = X_bte C_ehd
P_bhqk = softmax_k(Q_bhqd K_bhkd / sqrt(size(d)))
Y_bte = P_bhtk V_bhkd O_hde"""

LAYERS = [
    LayerCase("linear", "Y_bo = X_bi W_io + c_o", "Y", "X W c",
              lambda t, x: t.nn.functional.linear(x["X"], x["W"].T, x["c"])),
    LayerCase("feed_forward", "Y_bo = gelu(X_bi W_ih + b_h) V_ho + c_o", "Y", "X W b V c",
              lambda t, x: t.nn.functional.gelu(x["X"] @ x["W"] + x["b"]) @ x["V"] + x["c"]),
    LayerCase("batched_linear", "Y_bto = tanh(X_bti W_io)", "Y", "X W",
              lambda t, x: t.tanh(x["X"] @ x["W"])),
    LayerCase("conv", "Y_btf = X[b, p[t,k], c] W_kcf + b_f", "Y", "X W b", _conv1d),
    LayerCase("conv2d", "Y[b,h,w,o] = X[b, r[h,k], s[w,l], c] W[k,l,c,o]", "Y", "X W", _conv2d),
    LayerCase("depthwise", "Y_btc = X[b, p[t,k], c] W_kc", "Y", "X W",
              lambda t, x: t.einsum("btkc,kc->btc", x["X"][:, x["p"]], x["W"])),
    LayerCase("rms_norm", "v_b = mean_i(X_bi^2)\nY_bi = g_i X_bi / sqrt(v_b + 0.00001)", "Y", "X g",
              lambda t, x: t.nn.functional.rms_norm(x["X"], x["X"].shape[-1:], x["g"], 1e-5)),
    LayerCase("layer_norm", "m_b = mean_i(X_bi)\nv_b = mean_i((X_bi - m_b)^2)\n"
              "Y_bi = g_i (X_bi - m_b) / sqrt(v_b + 0.001) + c_i", "Y", "X g c",
              lambda t, x: t.nn.functional.layer_norm(
                  x["X"], x["X"].shape[-1:], x["g"], x["c"], 1e-3)),
    LayerCase("batch_norm", "m_i = mean_b(X_bi)\nv_i = mean_b((X_bi - m_i)^2)\n"
              "Y_bi = g_i (X_bi - m_i) / sqrt(v_i + 0.001) + c_i", "Y", "X g c", _batch_norm),
    LayerCase("group_norm", "m_bg = mean_ct(X_bgct)\nv_bg = mean_ct((X_bgct - m_bg)^2)\n"
              "Y_bgct = (X_bgct - m_bg) / sqrt(v_bg + 0.001)", "Y", "X", _group_norm),
    LayerCase("swiglu", "v_t = mean_d(X_td^2)\nN_td = X_td g_d / sqrt(v_t + 0.00001)\n"
              "Y_td = silu(N_te W_ef) (N_ti V_if) P_fd", "Y", "X g W V P", _swiglu),
    LayerCase("attention", "P_nqk = softmax_k(where(mask_qk > 0, Q_nqd K_nkd / sqrt(size(d)), "
              "-1e9))\nY_nqe = P_nqk V_nke", "Y", "Q K V", _attention),
    LayerCase("self_attention", SELF_ATTENTION, "Y", "X A B C O", _self_attention),
    LayerCase("lstm_cell", LSTM, "H C", "X h c Wi Ui di Wf Uo da", _lstm),
    LayerCase("rnn_layer", "H[b,t,h] = tanh(X_btd W_dh + H[b,t-1,k] U_kh)\nH[b,t<0,h] = g_bh\n"
              "Y_bto = H_bth P_ho", "H Y", "X W U P g", _rnn),
    LayerCase("gru_cell", GRU, "H", "X h Wz Uz Wr Ur Wn Un", _gru),
    LayerCase("rotary", "Y_btk = X_btk c_tk + X[b,t,q[k]] s_tk", "Y", "X",
              lambda _, x: x["X"] * x["c"] + x["X"][..., x["q"]] * x["s"]),
    LayerCase("cosine", "S_ab = U_ai V_bi / (norm_i(U_ai) norm_i(V_bi))", "S", "U V", _cosine),
    LayerCase("bilinear", "Y_bo = X_bi A_oij Z_bj + c_o", "Y", "X A Z c",
              lambda t, x: t.nn.functional.bilinear(x["X"], x["Z"], x["A"], x["c"])),
    LayerCase("embedding", "Y_btd = E[w[b,t], d]", "Y", "E",
              lambda t, x: t.nn.functional.embedding(x["w"], x["E"])),
    LayerCase("lora", "Y_bo = X_bi W_io + s X_bi A_ir B_ro", "Y", "X A B s",
              lambda _, x: x["X"] @ x["W"] + x["s"] * (x["X"] @ x["A"] @ x["B"])),
    LayerCase("glu", "Y_bo = (X_bi W_io + b_o) sigmoid(X_bj V_jo)", "Y", "X W V b",
              lambda t, x: (x["X"] @ x["W"] + x["b"]) * t.sigmoid(x["X"] @ x["V"])),
    LayerCase("log_probabilities", "Y_bo = log_softmax_o(X_bi W_io)", "Y", "X W",
              lambda t, x: t.log_softmax(x["X"] @ x["W"], -1)),
    LayerCase("conv_offsets", "Y[b,o,p,q] = X[b,c,p+k,q+l] W[o,c,k,l] + c_o", "Y", "X W c",
              lambda t, x: t.nn.functional.conv2d(x["X"], x["W"], x["c"])),
    LayerCase("conv_dilated", "Y[b,o,i] = X[b,c,i+2 k] W[o,c,k]", "Y", "X W",
              lambda t, x: t.nn.functional.conv1d(x["X"], x["W"], dilation=2)),
    LayerCase("conv_padded", "assume size(k) = 3\nassume size(i) = size(n)\n"
              "Y[b,o,i] = tanh(X[b,c,i+k-1] W[o,c,k])", "Y", "X W",
              lambda t, x: t.tanh(t.nn.functional.conv1d(x["X"], x["W"], padding=1))),
    LayerCase("conv_strided_padded", "assume size(k) = 3\n"
              "Y[b,o,i] = X[b,c,2 i+k-1] W[o,c,k] + C_oi", "Y", "X W C", _strided),
    LayerCase("conv_depthwise", "Y[b,c,p,q] = X[b,c,2 p+k,q+3 l] W_ckl s_c", "Y", "X W s",
              lambda t, x: x["s"][:, None, None] * t.nn.functional.conv2d(
                  x["X"], x["W"][:, None], stride=(2, 1), dilation=(1, 3), groups=len(x["s"]))),
    LayerCase("conv_groups", "Y[b,g,o,i] = X[b,g,c,i+k] W[g,o,c,k]", "Y", "X W",
              lambda t, x: t.nn.functional.conv1d(
                  x["X"].flatten(1, 2), x["W"].flatten(0, 1), groups=len(x["W"]),
              ).unflatten(1, x["W"].shape[:2])),
    LayerCase("conv_space", "Y[b,o,p,q,r] = X[b,c,p+k,2 q+l,r+2 m] W[o,c,k,l,m] + v_o", "Y",
              "X W v", lambda t, x: t.nn.functional.conv3d(
                  x["X"], x["W"], x["v"], stride=(1, 2, 1), dilation=(1, 1, 2))),
    LayerCase("conv_transposed", "assume size(i) = 2 size(j) + size(n) - 2\n"
              "Y[b,o,i] = X[b,c,j] W[c,o,i-2 j]", "Y", "X W",
              lambda t, x: t.nn.functional.conv_transpose1d(x["X"], x["W"], stride=2)),
    LayerCase("conv_channels_last", "Y[b,i,j,o] = X[b,i+k,j+l,c] W[k,l,c,o]", "Y", "X W",
              lambda t, x: t.nn.functional.conv2d(
                  x["X"].permute(0, 3, 1, 2), x["W"].permute(3, 2, 0, 1)).permute(0, 2, 3, 1)),
    LayerCase("conv_full", "assume size(i) = size(n) + size(k) - 1\ny_i = x[i-k] w_k", "y", "x w",
              lambda t, x: t.nn.functional.conv1d(x["x"][None, None], x["w"].flip(0)[None, None],
                                                  padding=len(x["w"]) - 1)[0, 0]),
    LayerCase("conv_causal", "Y[b,t,o] = relu(X[b,t-2 k,c] W[k,c,o]) + X_bto", "Y", "X W",
              lambda t, x: x["X"] + t.relu(t.nn.functional.conv1d(
                  t.nn.functional.pad(x["X"].mT, (2 * len(x["W"]) - 2, 0)),
                  x["W"].permute(2, 1, 0).flip(2), dilation=2)).mT),
    LayerCase("conv_separable", "Y[b,o,i] = X[b,c,i+k] D[c,k] P[o,c]", "Y", "X D P",
              lambda t, x: t.einsum("bci,oc->boi", t.nn.functional.conv1d(
                  x["X"], x["D"][:, None], groups=len(x["D"])), x["P"])),
    LayerCase("conv_of_a_product", "y_i = x[i+k] tanh(x[i+k]) w_k", "y", "x w",
              lambda t, x: (x["x"] * t.tanh(x["x"])).unfold(0, len(x["w"]), 1) @ x["w"]),
    LayerCase("pooled_mean", "assume size(k) = 2\nY_bi = mean_k(X[b,2 i+k]) c_b", "Y", "X c",
              lambda t, x: t.nn.functional.avg_pool1d(x["X"], 2) * x["c"][:, None]),
    LayerCase("pooled_max", "assume size(k) = 2\nY_bi = max_k(tanh(X[b,2 i+k]))", "Y", "X",
              lambda t, x: t.nn.functional.max_pool1d(t.tanh(x["X"]), 2)),
    LayerCase("heat_steps", "u_i = x_i + 0.1 (x[i+1] - 2 x_i + x[i-1])\n"
              "y_i = u_i + 0.1 (u[i+1] - 2 u_i + u[i-1])", "y", "x", _heat),
    LayerCase("max_pool", "Y_bc = max_k(X_bkc) * s_c", "Y", "X s",
              lambda t, x: t.amax(x["X"], 1) * x["s"]),
    LayerCase("rbf", "K_ab = exp(-g sum_i((X_ai - C_bi)^2))", "K", "X C g", _rbf),
    LayerCase("mixture", "Y_bo = softmax_e(X_bi G_ie) X_bj W_ejo", "Y", "X G W", _mixture),
    LayerCase("prelu", "Y_bc = where(X_bc > 0, X_bc, a_c X_bc)", "Y", "X a",
              lambda t, x: t.where(x["X"] > 0, x["X"], x["a"] * x["X"])),
    LayerCase("two_norms", "n_b = norm_i(X_bi)\nY_bi = X_bi / n_b", "Y n", "X",
              lambda t, x: (t.nn.functional.normalize(x["X"], dim=-1), t.linalg.norm(
                  x["X"], dim=-1))),
    LayerCase("leading_axes", "v[...] = mean_d(X[...,d]^2)\n"
              "Y[...,f] = silu(X[...,d] W_df) + b_f n[...]\nn[...] = norm_d(X[...,d])",
              "Y v", "X W b", _leading),
    LayerCase("leading_attention", "P[...,q,k] = softmax_k(Q[...,q,d] K[...,k,d] / sqrt(size(d)))\n"
              "Y[...,q,e] = P[...,q,k] V[...,k,e]", "Y", "Q K V",
              lambda t, x: t.nn.functional.scaled_dot_product_attention(x["Q"], x["K"], x["V"])),
    LayerCase("leading_embedding", "Y[...,f] = E[w[...], d] W_df", "Y", "E W",
              lambda _, x: x["E"][x["w"]] @ x["W"]),
    LayerCase("nothing_saved", "Y_bi = 2 X_bi + c_i", "Y", "X c", lambda _, x: 2 * x["X"] + x["c"]),
    LayerCase("names", "saved_bo = X_bi data_io\noutputs_bo = tanh(saved_bo inputs_o)\n"
              "F_b = silu(g_b) outputs_bo ctx_o value_o + d_b norm_o(ctx_o)", "F",
              "X data inputs g ctx value d",
              lambda t, x: t.nn.functional.silu(x["g"]) * (
                  t.tanh(x["X"] @ x["data"] * x["inputs"]) @ (x["ctx"] * x["value"])
              ) + x["d"] * t.linalg.norm(x["ctx"])),
]  # fmt: skip
