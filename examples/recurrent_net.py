"""A small LSTM: its adjoint recurrences derived and judged, trained to read digits row by row.

A picture of 8 x 8 is a sequence of eight rows; what the last state says tells the digit.
"""

from __future__ import annotations

import numpy as np
from _digits import train

import eingrad as eg

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


def main() -> None:
    """Derive, judge, train."""
    rng = np.random.default_rng(0)
    model = eg.parse(LSTM)
    gradients = model.grad("L", [*GATES, "V", "d"])
    print(gradients.text("Uf"))
    for claim in CLAIMS:
        print(f"\n{model.check(claim)}")
    train(model, gradients, parameters(rng), rng, pictures="x", axis=1, epochs=5)


if __name__ == "__main__":
    main()
