"""What stands before the first entry of a recurrence stands there in other statements, too.

Values by hand, gradients by central differences.
"""

import numpy as np
import pytest

import eingrad as eg

BEFORE = "h[t] = a h[t-1] + x_t\nh[t<0] = c\ny_t = {}\nL = sum_t(y_t^2)"
BEHIND = "h[t] = x_t + a h[t+1]\nh[t>=size(t)] = c\ny_t = {}\nL = sum_t(y_t^2)"
ARRAYS = {"a": 0.5, "x": np.ones(3), "c": 3.0}


@pytest.mark.parametrize(("text", "value"), [
    (BEFORE.format("h[t-1]"), [3, 2.5, 2.25]), (BEFORE.format("2 h[t-1]"), [6, 5, 4.5]),
    (BEHIND.format("h[t+1]"), [2.25, 2.5, 3]), (BEFORE.format("h[t-1]^2"), [9, 6.25, 5.0625]),
])  # fmt: skip
def test_what_stands_outside_is_read_elsewhere(text: str, value: list[float]) -> None:
    model = eg.parse(text)
    np.testing.assert_allclose(model.compile(["y"])(**ARRAYS)["y"], value)
    derivatives = model.grad("L", ["a", "c"])
    found, loss = derivatives.compile()(**ARRAYS), model.compile(["L"])
    for name in ("a", "c"):
        assert model.check(str(derivatives[name])).outcome == "right"
        up, down = (loss(**ARRAYS | {name: ARRAYS[name] + e})["L"] for e in (1e-5, -1e-5))
        np.testing.assert_allclose(found[f"dL/d{name}"], (up - down) / 2e-5, rtol=1e-7)
