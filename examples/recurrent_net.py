"""A small LSTM: its adjoint recurrences derived and judged, trained to read digits row by row.

A picture of 8 x 8 is a sequence of eight rows; what the last state says tells the digit.
"""

from __future__ import annotations

import numpy as np

import eingrad as eg
from eingrad.learn.data import Split, load_digits

LSTM = """
i_tbk = sigmoid(x_tbn Wi_nk + h[t-1,b,j] Ui_jk)
f_tbk = sigmoid(x_tbn Wf_nk + h[t-1,b,j] Uf_jk + 1)   # it remembers where nothing says otherwise
g_tbk = tanh(x_tbn Wg_nk + h[t-1,b,j] Ug_jk)
c[t,b,k] = f_tbk c[t-1,b,k] + i_tbk g_tbk
o_tbk = sigmoid(x_tbn Wo_nk + h[t-1,b,j] Uo_jk)
h_tbk = o_tbk tanh(c_tbk)
S_bo = h[-1,b,k] V_ko + d_o                           # the last state
L = -mean_b(T_bo log(softmax_o(S_bo)))
assume sum_o(T_bo) = 1
"""
GATES = ["Wi", "Ui", "Wf", "Uf", "Wg", "Ug", "Wo", "Uo"]
CLAIMS = [
    "dL/dc_tbk = dL/dh_tbk o_tbk (1 - tanh(c_tbk)^2) + dL/dc[t+1,b,k] f[t+1,b,k]",
    "dL/dc_tbk = dL/dh_tbk o_tbk (1 - tanh(c_tbk)^2) + dL/dc[t+1,b,k] f_tbk",
]


def parameters(rng: np.random.Generator, units: int = 24) -> dict[str, np.ndarray]:
    """Draw what is learned."""
    shapes = {name: (8 if name[0] == "W" else units, units) for name in GATES}
    drawn = {
        n: rng.normal(size=s) / np.sqrt(s[0]) for n, s in (shapes | {"V": (units, 10)}).items()
    }
    return {n: x.astype(np.float32) for n, x in drawn.items()} | {"d": np.zeros(10, np.float32)}


def arrays(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of pictures, the row first, and classes one-hot."""
    pictures = np.asarray(split.images[:], np.float32) / split.peak
    return np.moveaxis(pictures, 1, 0), np.eye(10, dtype=np.float32)[split.labels]


def main() -> None:
    """Derive, judge, train."""
    rng, digits = np.random.default_rng(0), load_digits()
    model = eg.parse(LSTM)
    gradients = model.grad("L", [*GATES, "V", "d"])
    print(gradients.text("Uf"))
    for claim in CLAIMS:
        print(f"\n{model.check(claim)}")
    learned = parameters(rng)
    step = gradients.compile(update=eg.adam(lr=0.01))
    x, t = arrays(digits.train)
    for epoch in range(5):
        order = rng.permutation(len(t))
        losses = [
            float(step(x=x[:, rows], T=t[rows], **learned)["L"])
            for rows in np.array_split(order, len(t) // 32)
        ]
        print(f"epoch {epoch + 1}: {np.mean(losses):.3f}")
    x, t = arrays(digits.test)
    scores = model.compile(["S"])(x=x, **learned)["S"]
    right = np.mean(np.argmax(scores, 1) == np.argmax(t, 1))
    print(f"{100 * right:.1f} % of {len(t)} test pictures are told")


if __name__ == "__main__":
    main()
