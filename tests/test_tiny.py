"""The whole stack on one screen: notation, derivation, program, gradient, training."""

from __future__ import annotations

import numpy as np

import eingrad as eg

TEXT = """
A_bh = X_bi W_ih + b_h
Z_bh = tanh(A_bh)
P_bo = softmax_o(Z_bh V_ho)
L    = -mean_b(T_bo log(P_bo))
assume sum_o(T_bo) = 1
"""


def test_from_notation_to_training() -> None:
    model = eg.parse(TEXT)
    assert str(eg.parse(str(model))) == str(model)

    found = model.grad("L", ["W", "b", "V"])
    assert str(found["V"]) == "dL/dV_ho = Z_bh (P_bo - T_bo) / size(b)"
    assert "softmax Jacobian" in found.text()
    rules = [step.rule for step in found.steps("W")]
    assert any("tanh derivative" in rule for rule in rules)

    rng = np.random.default_rng(0)
    shapes = {"X": (32, 4), "W": (4, 8), "b": (8,), "V": (8, 3)}
    arrays = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    arrays["T"] = np.eye(3)[np.argmax(arrays["X"][:, :3], axis=1)]

    f = found.compile()
    value = f(**arrays)
    for name in ("W", "b", "V"):  # along a random direction, by central differences
        direction = rng.normal(size=arrays[name].shape)
        above, below = (f(**{**arrays, name: arrays[name] + s * direction}) for s in (1e-6, -1e-6))
        slope = (above["L"] - below["L"]) / 2e-6
        assert np.isclose(slope, np.sum(value[f"dL/d{name}"] * direction), rtol=1e-7)

    step = found.compile(update=eg.sgd(lr=0.5))
    losses = [float(step(**arrays)["L"]) for _ in range(200)]
    assert losses[0] == float(value["L"])
    assert losses[-1] < losses[0] / 5
    assert "np." in step.source
