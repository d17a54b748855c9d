"""Models with offsets and entries: convolutions, pooling, stencils, attention, beside PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from moving.row import A, Moving

F = torch.nn.functional
LINE, PLANE, SPACE = (2, 3, 9), (2, 3, 7, 6), (2, 2, 5, 4, 6)
KERNEL = (4, 3, 3, 2)


def _row(
    name: str, text: str, loss: Callable[..., Any], hessian: str = "", **shapes: tuple[int, ...]
) -> Moving:
    """Return a row whose loss takes the tensors by their names."""
    return Moving(name, text, lambda _, a: loss(**a), hessian, shapes=shapes)


def _conv(x: Any, w: Any, **options: Any) -> Any:
    return F.conv1d(x[None, None], w[None, None], **options)[0, 0]


def _full(x: Any, w: Any, **options: Any) -> Any:
    return F.conv_transpose1d(x[None, None], w[None, None], **options)[0, 0]


def _cube(y: Any) -> Any:
    return (y**3).sum()


def _square(y: Any) -> Any:
    return (y**2).sum()


def _heat(u: Any) -> Any:
    wide = F.pad(u, (1, 1))
    return u + 0.1 * (wide[2:] - 2 * u + wide[:-2])


def _plate(u: Any, c: Any) -> Any:
    """The heat equation in a plane whose border is cold: a step with the conductivity of c."""
    wide = F.pad(u, (1, 1, 1, 1))
    around = wide[2:, 1:-1] + wide[:-2, 1:-1] + wide[1:-1, 2:] + wide[1:-1, :-2]
    return u + c * (around - 4 * u)


def _warmed(_: Any, a: A) -> Any:
    """The heat equation over time, and how far the last state is from the one that is wanted."""
    u = a["u0"]
    for source in a["f"]:
        wide = F.pad(u, (1, 1))
        u = u + a["kappa"] / 4 * (wide[2:] - 2 * u + wide[:-2]) + source
    return ((u - a["goal"]) ** 2).sum()


def _upwind(_: Any, a: A) -> Any:
    u, total = a["u0"], 0.0
    for speed in a["v"]:
        u = u - 0.2 * speed * (u**2 - F.pad(u, (1, 0))[:-1] ** 2)
        total = total + _square(u)
    return total


def _causal_bias(bias: Any, n: int) -> Any:
    """Return a bias for each distance back, and nothing of what comes later."""
    back = torch.arange(n)[:, None] - torch.arange(n)
    return torch.where(back >= 0, bias[back.clamp(min=0)], -1e9)


def _near(n: int, reach: int) -> Any:
    back = torch.arange(n)[:, None] - torch.arange(n)
    return (back >= 0) & (back < reach)


def _heads(x: Any, w: Any) -> Any:
    return torch.einsum("btd,dhk->bhtk", x, w)


def _many_heads(X: Any, Wq: Any, Wk: Any, Wv: Any, Wo: Any) -> Any:
    q, k, v = (_heads(X, w) for w in (Wq, Wk, Wv))
    own = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return _cube(torch.einsum("bhtk,hkd->btd", own, Wo))


def _small_network(X: Any, W: Any, c: Any, V: Any, d: Any, T: Any) -> Any:
    """A convolution, its greatest entries in blocks, and a layer that reads all of them."""
    pooled = F.max_pool2d(torch.relu(F.conv2d(X, W, c)), 2)
    z = torch.einsum("bopq,opqn->bn", pooled, V) + d
    return -(T * torch.log_softmax(z, -1)).sum(-1).mean()


def _deep_convolutions(_: Any, a: A) -> Any:
    z = a["X"]
    for w in a["W"]:
        z = z + torch.tanh(F.conv1d(z, w, padding=1))
    return _square(z)


# fmt: off
CONVOLUTIONS = [
    _row("correlation", "y_i = x[i+k] w_k\nL = sum_i(y_i^3)",
         lambda x, w: _cube(_conv(x, w)), "x", x=(9,), w=(3,)),
    _row("stride", "y_i = x[2 i + k] w_k\nL = sum_i(y_i^3)",
         lambda x, w: _cube(_conv(x, w, stride=2)), "w", x=(9,), w=(3,)),
    _row("dilation", "y_i = x_{i+2 k} w_k\nL = sum_i(exp(y_i))",
         lambda x, w: _conv(x, w, dilation=2).exp().sum(), x=(9,), w=(3,)),
    _row("padding", "assume size(i) = size(n)\ny_i = x[i+k-1] w_k\nL = sum_i(y_i^3)",
         lambda x, w: _cube(_conv(x, w, padding=1)), "x", x=(9,), w=(3,)),
    _row("full", "assume size(i) = size(n) + size(k) - 1\ny_i = x[i-k] w_k\nL = sum_i(y_i^3)",
         lambda x, w: _cube(_full(x, w)), x=(9,), w=(3,)),
    _row("transposed",
         "assume size(i) = 2 size(j) + size(n) - 2\ny_i = x_j w[i-2 j]\nL = sum_i(y_i^3)",
         lambda x, w: _cube(_full(x, w, stride=2)), x=(9,), w=(3,)),
    _row("causal", "assume size(t) = size(n)\ny_t = tanh(x[t-k] w_k)\nL = sum_t(y_t^2)",
         lambda x, w: _square(torch.tanh(_full(x, w)[:len(x)])), x=(9,), w=(3,)),
    _row("by channel", "Y[b,c,i] = X[b,c,2 i+k] A_ck\nL = sum_bci(Y_bci^3)",
         lambda X, A: _cube(F.conv1d(X, A[:, None], stride=2, groups=3)), X=LINE, A=(3, 3)),
    _row("in groups", "Y[b,g,o,i] = X[b,g,c,i+k] W[g,o,c,k]\nL = sum_bgoi(sin(Y_bgoi))",
         lambda X, W: torch.sin(F.conv1d(X.flatten(1, 2), W.flatten(0, 1), groups=2)).sum(),
         X=(2, 2, 2, 18), W=(2, 3, 2, 4)),
    _row("layer over a line",
         "assume size(i) = 5\nY[b,o,i] = X[b,c,2 i + 2 k - 2] W_ock + c_o\nL = sum_boi(sin(Y_boi))",
         lambda X, W, c: torch.sin(F.conv1d(X, W, c, stride=2, dilation=2, padding=2)).sum(),
         X=LINE, W=(4, 3, 3), c=(4,)),
    _row("transposed over a line",
         "assume size(i) = 3 size(j) + size(n) - 5\nY[b,c,i] = Z[b,o,j] W[o,c,i-3 j+1]\n"
         "L = sum_bci(Y_bci^3)",
         lambda Z, W: _cube(F.conv_transpose1d(Z, W, stride=3, padding=1)),
         Z=(2, 4, 5), W=(4, 3, 4)),
    _row("convolution in a plane",
         "Y[b,o,p,q] = X[b,c,p+k,q+l] W[o,c,k,l]\nL = sum_bopq(Y_bopq^3)",
         lambda X, W: _cube(F.conv2d(X, W)), X=PLANE, W=KERNEL),
    _row("strided layer",
         "Y[b,o,p,q] = relu(X[b,c,2 p+k,q+2 l] W[o,c,k,l])\nL = sum_bopq(Y_bopq^3)",
         lambda X, W: _cube(F.relu(F.conv2d(X, W, stride=(2, 1), dilation=(1, 2)))),
         X=PLANE, W=KERNEL),
    _row("padded layer",
         "assume size(p) = size(n)\nassume size(q) = size(m)\n"
         "Y[b,o,p,q] = tanh(X[b,c,p+k-1,q+l-1] W_ockl + c_o)\nL = sum_bopq(Y_bopq^2)",
         lambda X, W, c: _square(torch.tanh(F.conv2d(F.pad(X, (1, 0, 1, 1)), W, c))),
         X=PLANE, W=KERNEL, c=(4,)),
    _row("transposed in a plane",
         "assume size(p) = 2 size(i) + size(n) - 2\nassume size(q) = size(j) + size(m) - 1\n"
         "Y[b,c,p,q] = Z[b,o,i,j] W[o,c,p-2 i,q-j]\nL = sum_bcpq(Y_bcpq^3)",
         lambda Z, W: _cube(F.conv_transpose2d(Z, W, stride=(2, 1))), Z=(2, 4, 3, 4), W=KERNEL),
    _row("by channel, then by entry",
         "Y[b,c,p,q] = X[b,c,p+k,q+l] A_ckl\nZ[b,o,p,q] = gelu(Y_bcpq B_oc)\n"
         "L = sum_bopq(Z_bopq^2)",
         lambda X, A, B: _square(F.gelu(F.conv2d(
             F.conv2d(X, A[:, None], groups=3), B[:, :, None, None]))),
         X=PLANE, A=(3, 3, 2), B=(4, 3)),
    _row("convolution in space",
         "Y[p,q,r] = V[c,p+k,q+l,r+m] K_klm a_c\nL = sum_pqr(sin(Y_pqr))",
         lambda V, K, a: torch.sin(F.conv3d(
             torch.einsum("cpqr,c->pqr", V, a)[None, None], K[None, None])).sum(),
         V=(4, 5, 4, 6), K=(2, 3, 2), a=(4,)),
    _row("layer in space",
         "assume size(p) = 3\nassume size(q) = 4\nassume size(r) = 4\n"
         "Y[b,o,p,q,r] = X[b,c,2 p+k-1,q+l-1,r+2 m] W_ocklm\nL = sum_bopqr(Y_bopqr^2)",
         lambda X, W: _square(F.conv3d(X, W, stride=(2, 1, 1), padding=(1, 1, 0),
                                       dilation=(1, 1, 2))),
         X=SPACE, W=(3, 2, 3, 3, 2)),
    _row("transposed in space",
         "assume size(p) = 2 size(i) + size(n) - 2\nassume size(q) = size(j) + size(m) - 1\n"
         "assume size(r) = 4\n"
         "Y[b,c,p,q,r] = Z[b,i,j,k] W[c,p-2 i,q-j,r-k]\nL = sum_bcpqr(Y_bcpqr^3)",
         lambda Z, W: _cube(F.conv_transpose3d(Z[:, None], W[None], stride=(2, 1, 1))),
         Z=(2, 3, 2, 3), W=(2, 2, 3, 2)),
    _row("network over pictures",
         "assume size(k) = 2\nassume size(l) = 2\n"
         "A[b,o,p,q] = relu(X[b,c,p+i,q+j] W_ocij + c_o)\n"
         "P[b,o,p,q] = max_kl(A[b,o,2 p+k,2 q+l])\nZ_bn = P_bopq V_opqn + d_n\n"
         "L = -mean_b(T_bn log_softmax_n(Z_bn))",
         _small_network,
         X=PLANE, W=KERNEL, c=(4,), V=(4, 2, 2, 3), d=(3,), T=(2, 3)),
]
POOLING = [
    _row("max pooling",
         "assume size(k) = 2\nassume size(l) = 3\nY_bcpq = max_kl(X[b,c,2 p+k,3 q+l])\n"
         "L = sum_bcpq(Y_bcpq^2)",
         lambda X: _square(F.max_pool2d(X, (2, 3))), X=PLANE),
    _row("mean pooling", "assume size(k) = 3\ny_i = mean_k(x[3 i+k])\nL = sum_i(y_i^3)",
         lambda x: _cube(F.avg_pool1d(x[None, None], 3)[0, 0]), "x", x=(9,)),
    _row("overlapping pooling",
         "assume size(k) = 3\nY_bi = max_k(X[b,2 i+k])\nL = sum_bi(Y_bi^3)",
         lambda X: _cube(F.max_pool1d(X[:, None], 3, 2)[:, 0]), X=(3, 7)),
    _row("padded mean pooling",
         "assume size(k) = 3\nassume size(p) = 4\nassume size(q) = 3\nassume size(l) = 3\n"
         "Y_bcpq = mean_kl(X[b,c,2 p+k-1,2 q+l-1])\nL = sum_bcpq(Y_bcpq^3)",
         lambda X: _cube(F.avg_pool2d(X, 3, 2, padding=1)), X=PLANE),
    _row("pooling in space",
         "assume size(k) = 2\nassume size(l) = 2\nassume size(m) = 3\n"
         "Y_bcpqr = max_klm(X[b,c,2 p+k,2 q+l,3 r+m])\nL = sum_bcpqr(Y_bcpqr^3)",
         lambda X: _cube(F.max_pool3d(X, (2, 2, 3))), X=SPACE),
    _row("root of mean squares",
         "assume size(k) = 2\ny_i = sqrt(sum_k(x[2 i+k]^2))\nL = sum_i(y_i^3)",
         lambda x: _cube(F.lp_pool1d(x[None, None], 2, 2)[0, 0]), "x", x=(9,)),
]
STENCILS = [
    _row("heat equation",
         "v_i = u_i + 0.1 (u[i+1] - 2 u_i + u[i-1])\nz_i = v_i + 0.1 (v[i+1] - 2 v_i + v[i-1])\n"
         "L = sum_i(z_i^3)",
         lambda u: _cube(_heat(_heat(u))), "u", u=(9,)),
    Moving("heat equation over time",
           "u[t,i] = u[t-1,i] + kappa_i / 4 (u[t-1,i+1] - 2 u[t-1,i] + u[t-1,i-1]) + f_ti\n"
           "u[t<0,i] = u0_i\nL = sum_i((u[-1,i] - goal_i)^2)",
           _warmed, "kappa", sizes={"t": 12, "i": 7}),
    _row("heat equation in a plane",
         "v_ij = u_ij + c_ij (u[i+1,j] + u[i-1,j] + u[i,j+1] + u[i,j-1] - 4 u_ij)\n"
         "z_ij = v_ij + c_ij (v[i+1,j] + v[i-1,j] + v[i,j+1] + v[i,j-1] - 4 v_ij)\n"
         "L = sum_ij(z_ij^3)",
         lambda u, c: _cube(_plate(_plate(u, c), c)), "u", u=(4, 5), c=(4, 5)),
    _row("wave", "w_i = 2 u_i - v_i + 0.2 (u[i+1] - 2 u_i + u[i-1])\nL = w_i w_i",
         lambda u, v: _square(2 * _heat(u) - v), u=(9,), v=(9,)),
    Moving("transport upwind",
           "u[t,i] = u[t-1,i] - 0.2 v_t (u[t-1,i]^2 - u[t-1,i-1]^2)\nu[t<0,i] = u0_i\n"
           "L = sum_ti(u_ti^2)",
           _upwind, "u0"),
    _row("differences", "d_i = x[i+2] - x[i+1]\nL = sum_i(d_i^3)",
         lambda x: _cube(x[2:] - x[1:-1]), x=(9,)),
    _row("autocorrelation", "assume size(k) = 4\nr_k = x_n x[n+k]\nL = sum_k(r_k^2)",
         lambda x: sum((x[k:] * x[:len(x) - k]).sum() ** 2 for k in range(4)), "x", x=(9,)),
]
ATTENTION = [
    _row("causal attention",
         "S_tj = Q_td K_jd / sqrt(size(d)) + B[t-j]\n"
         "A_tj = softmax_j(where(j <= t, S_tj, -1e9))\nL = sum_te((A_tj V_je)^3)",
         lambda Q, K, V, B: _cube(
             F.scaled_dot_product_attention(Q, K, V, _causal_bias(B, len(Q)))),
         "B", Q=(7, 6), K=(7, 6), V=(7, 6), B=(7,)),
    _row("many heads",
         "Q_bhtk = X_btd Wq_dhk\nK_bhsk = X_bsd Wk_dhk\nV_bhsk = X_bsd Wv_dhk\n"
         "S_bhts = where(s <= t, Q_bhtk K_bhsk / sqrt(size(k)), -1e9)\nA_bhts = softmax_s(S_bhts)\n"
         "Y_btd = A_bhts V_bhsk Wo_hkd\nL = sum_btd(Y_btd^3)",
         _many_heads,
         X=(2, 5, 4), Wq=(4, 2, 3), Wk=(4, 2, 3), Wv=(4, 2, 3), Wo=(2, 3, 4)),
    _row("attention to the last three",
         "S_tj = where(j <= t, where(t - j < 3, Q_td K_jd / sqrt(size(d)), -1e9), -1e9)\n"
         "A_tj = softmax_j(S_tj)\nL = sum_te((A_tj V_je)^3)",
         lambda Q, K, V: _cube(F.scaled_dot_product_attention(Q, K, V, _near(len(Q), 3))),
         Q=(7, 4), K=(7, 4), V=(7, 4)),
]
ENTRIES = [
    _row("squares", "d_i = x[i+1]^2\nL = sum_i(d_i sin(d_i))",
         lambda x: (x[1:] ** 2 * torch.sin(x[1:] ** 2)).sum(), "x", x=(9,)),
    _row("last entry", "h_b = H[-1,b]\nL = sum_b(h_b^3)", lambda H: _cube(H[-1]), "H", H=(7, 6)),
    _row("entry", "z_b = X[b,2,i] v_i\nL = sum_b(z_b^3)",
         lambda X, v: _cube(X[:, 2] @ v), X=(3, 7, 6), v=(6,)),
    _row("entries alone", "y_i = x[i+k] w_k\nL = y[0] y[-1]^2 + log(x[2]^2) w[1]",
         lambda x, w: _conv(x, w)[0] * _conv(x, w)[-1] ** 2 + torch.log(x[2] ** 2) * w[1],
         "x", x=(9,), w=(3,)),
]
CONVOLUTIONS_IN_LAYERS = Moving(
    "convolutions in layers",
    "assume size(k) = 3\nZ[l,b,c,i] = Z[l-1,b,c,i] + tanh(Z[l-1,b,d,i+k-1] W_lcdk)\n"
    "Z[l<0,b,c,i] = X_bci\nL = sum_bci(Z[-1,b,c,i]^2)",
    _deep_convolutions, shapes={"X": (2, 3, 6), "W": (4, 3, 3, 3)},
)
# fmt: on
