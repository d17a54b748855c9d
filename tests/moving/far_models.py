"""Recurrences that read many entries at once, each beside a loop in PyTorch: neighbours along
another label, as many lags as a label says, all that comes before."""

from __future__ import annotations

from typing import Any

from moving.row import A, Moving


def _squares(torch: Any, entries: Any) -> Any:
    return (torch.stack([*entries]) ** 2).sum()


def _neighbours(torch: Any, a: A) -> Any:
    """A convolution along i whose ends are padded, at each step."""
    h, found = a["g"], []
    for x in a["x"]:
        padded = torch.nn.functional.pad(h[None, None], (1, 1))
        h = torch.tanh(torch.nn.functional.conv1d(padded, a["W"][None, None])[0, 0] + x)
        found.append(h)
    return _squares(torch, found)


def _picture(torch: Any, a: A) -> Any:
    """Channels over a plane, as in a convolutional recurrent network."""
    h, found = torch.zeros_like(a["x"][0]), []
    for x in a["x"]:
        h = torch.tanh(torch.nn.functional.conv2d(h[None], a["W"], padding=1)[0] + x)
        found.append(h)
    return _squares(torch, found)


def _lagged(a: A, least: int, step: int, start: str = "") -> list[Any]:
    found: list[Any] = []
    for t in range(len(a["e"])):
        total = a["e"][t]
        for k in range(len(a["a"])):
            before = t - step * k - least
            if before >= 0:
                total = total + a["a"][k] * found[before]
            elif start:
                total = total + a["a"][k] * a[start]
        found.append(total)
    return found


def _vectors(torch: Any, a: A) -> Any:
    found: list[Any] = []
    for t in range(len(a["x"])):
        total = a["x"][t]
        for k in range(min(t, len(a["B"]))):
            total = total + a["B"][k] @ found[t - 1 - k]
        found.append(torch.tanh(total))
    return _squares(torch, found)


def _rewards(torch: Any, a: A) -> Any:
    """What later positions are worth, from the end on."""
    count = len(a["r"])
    found: dict[int, Any] = {}
    for t in reversed(range(count)):
        later = [a["c"][k] * torch.tanh(found[t + 1 + k])
                 for k in range(len(a["c"])) if t + 1 + k < count]  # fmt: skip
        found[t] = a["r"][t] + sum(later)
    return _squares(torch, found.values())


def _dense(torch: Any, a: A) -> Any:
    """Each layer reads all earlier ones."""
    found: list[Any] = []
    for t in range(len(a["x"])):
        own = sum(a["W"][t, s] * found[s] for s in range(t))
        found.append(torch.tanh(a["x"][t] + own))
    return _squares(torch, found)


def _reciprocal(torch: Any, a: A) -> Any:
    found: list[Any] = []
    for t in range(len(a["x"])):
        own = sum(a["w"][s] / found[s] for s in range(t))
        found.append(torch.exp(0.3 * torch.tanh(a["x"][t] + own)))
    return _squares(torch, found)


def _kernel(torch: Any, a: A) -> Any:
    found: list[Any] = []
    for t in range(len(a["x"])):
        own = sum(torch.exp(a["q"][t] * h) * h for h in found)
        found.append(torch.tanh(a["x"][t] + own))
    return _squares(torch, found)


def _attention(torch: Any, a: A) -> Any:
    """Attention over the states so far, whose result goes into the next one."""
    states: list[Any] = []
    results: list[Any] = []
    for t in range(len(a["x"])):
        before = results[-1] if results else torch.zeros_like(a["x"][0])
        states.append(torch.tanh(a["U"] @ before + a["x"][t]))
        known = torch.stack(states)
        weights = torch.softmax(known @ (a["Q"] @ states[-1]), 0)
        results.append(weights @ known)
    return _squares(torch, results)


def _queries(torch: Any, a: A) -> Any:
    """Attention of the last state over those before, with keys and values of their own."""
    states: list[Any] = []
    for t in range(len(a["x"])):
        total = a["x"][t]
        if states:
            known = torch.stack(states)
            scores = (known @ a["K"]) @ (a["Q"] @ states[-1])
            total = total + torch.softmax(scores, 0) @ (known @ a["V"])
        states.append(torch.tanh(total))
    return _squares(torch, states)


def _later(torch: Any, a: A) -> Any:
    """A sum over all later positions."""
    count = len(a["x"])
    found: dict[int, Any] = {}
    for t in reversed(range(count)):
        own = sum(a["W"][t, s] * found[s] for s in range(t + 1, count))
        found[t] = torch.sin(a["x"][t] + own)
    return _squares(torch, found.values())


def _summary(torch: Any, a: A) -> Any:
    """The mean of what came before, and a function of each of it."""
    found: list[Any] = []
    for t in range(len(a["x"])):
        total = a["x"][t]
        if found:
            known = torch.stack(found)
            total = total + a["c"] * known.mean(0) + torch.tanh(known[:, None] + a["q"]).sum((0, 1))
        found.append(torch.tanh(total))
    return _squares(torch, found)


def _greatest(torch: Any, a: A) -> Any:
    found: list[Any] = []
    for t in range(len(a["x"])):
        total = a["x"][t]
        if found:
            known = torch.stack(found)
            total = total + a["c"] * known.max(0)[0] + torch.logsumexp(known, 0)
        found.append(torch.tanh(total))
    return _squares(torch, found)


END = "\nL = sum_ti(h_ti^2)"
FAR = [
    Moving(
        "neighbours",
        "h[t,i] = tanh(W_k h[t-1,i+k-1] + x[t,i])\nh[t<0,i] = g_i" + END,
        _neighbours,
        hessian="W",
    ),
    Moving(
        "picture",
        "h[t,c,i,j] = tanh(W_cdkm h[t-1,d,i+k-1,j+m-1] + x[t,c,i,j])\nL = sum_tcij(h_tcij^2)",
        _picture,
    ),
    Moving(
        "autoregression",
        "y[t] = e[t] + sum_k(a_k y[t-k-1])\nL = sum_t(y_t^2)",
        lambda torch, a: _squares(torch, _lagged(a, 1, 1)),
        hessian="a",
    ),
    Moving(
        "begun autoregression",
        "y[t] = e[t] + sum_k(a_k y[t-k-1])\ny[t<0] = g\nL = sum_t(y_t^2)",
        lambda torch, a: _squares(torch, _lagged(a, 1, 1, "g")),
        hessian="g",
    ),
    Moving(
        "seasons",
        "y[t] = e[t] + a_k y[t-2k-2]\nL = sum_t(y_t^2)",
        lambda torch, a: _squares(torch, _lagged(a, 2, 2)),
    ),
    Moving(
        "vector autoregression",
        "h[t,i] = tanh(x[t,i] + sum_kj(B_kij h[t-k-1,j]))" + END,
        _vectors,
        hessian="x",
    ),
    Moving("rewards", "v[t] = r[t] + sum_k(c_k tanh(v[t+k+1]))\nL = sum_t(v_t^2)", _rewards, "c"),
    Moving("dense", "h[t,i] = tanh(x[t,i] + sum_{s<t}(W_ts h[s,i]))" + END, _dense, "W"),
    Moving(
        "reciprocal",
        "h[t,i] = exp(0.3 tanh(x[t,i] + sum_{s<t}(w_s / h[s,i])))" + END,
        _reciprocal,
        hessian="w",
    ),
    Moving(
        "kernel",
        "h[t,i] = tanh(x[t,i] + sum_{s<t}(exp(q_ti h[s,i]) h[s,i]))" + END,
        _kernel,
        hessian="q",
    ),
    Moving(
        "attention to states",
        "h[t,i] = tanh(U_ij c[t-1,j] + x[t,i])\n"
        "a_ts = softmax_s(where(s <= t, h_si Q_ij h_tj, -1e9))\n"
        "c_ti = sum_{s <= t}(a_ts h_si)\nL = sum_ti(c_ti^2)",
        _attention,
        hessian="Q",
    ),
    Moving(
        "queries",
        "k_sj = h_si K_ij\nv_sj = h_si V_ij\nq_ti = Q_ij h[t-1,j]\n"
        "a_ts = softmax_s(where(s < t, k_si q_ti, -1e9))\n"
        "h[t,i] = tanh(x[t,i] + sum_{s<t}(a_ts v_si))" + END,
        _queries,
    ),
    Moving(
        "first lags",
        "y[t] = e[t] + sum_{k < 2}(a_k y[t-k-1])\nL = sum_t(y_t^2)",
        lambda torch, a: _squares(torch, _lagged({**a, "a": a["a"][:2]}, 1, 1)),
    ),
    Moving(
        "summary",
        "m_ti = where(t == 0, 0, mean_{s < t}(h_si))\n"
        "h[t,i] = tanh(x[t,i] + c m_ti + sum_{s < t}(sum_k(tanh(h_si + q_ki))))" + END,
        _summary,
    ),
    Moving("later", "h[t,i] = sin(x[t,i] + sum_{s>t}(W_ts h[s,i]))" + END, _later, "x"),
]

GREATEST = Moving(
    "greatest",
    "m_ti = c where(t == 0, 0, max_{s < t}(h_si)) + where(t == 0, 0, logsumexp_{s < t}(h_si))\n"
    "h[t,i] = tanh(x[t,i] + m_ti)" + END,
    _greatest,
)
