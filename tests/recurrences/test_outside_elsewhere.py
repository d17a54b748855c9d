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


INFINITE = [
    ("h[t] = x_t + 1 / h[t-1]", "before the first entry h[t-1] is 0, and what divides by it is "
     "infinite: say what stands there, h[t<0] = ..., or leave it out, where(t >= 1, ..., 0)"),
    ("y_t = x_t / x[t-1]", "before the first entry x[t-1] is 0, and what divides by it is "
     "infinite: leave it out, where(t >= 1, ..., 0)"),
    ("y_i = w_i / x[i+1]^2", "after the last entry x[i+1] is 0"),
    ("y_t = x_t + log(a x[t-2])",
     "before the first entry x[t-2] is 0, and its logarithm is infinite"),
    ("y_t = x_t / norm_i(W[t-1,i])", "before the first entry W[t-1,i] is 0"),
]  # fmt: skip
FINITE = [
    "h[t] = x_t + 1 / h[t-1]\nh[t<0] = a", "h[t] = x_t + 1 / h[t-1]\nh[0] = a",
    "h[t] = x_t + where(t > 0, 1 / h[t-1], 0)", "h[t] = x_t + 1 / (1 + h[t-1]^2)",
    "y_t = x_t exp(x[t-1])", "y_t = x_t + softmax_t(x[t-1])", "y_i = w_i / x[i]",
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")
@pytest.mark.parametrize(("text", "note"), [*INFINITE, *((x, "") for x in FINITE)])
def test_a_note_says_which_entry_is_infinite(text: str, note: str) -> None:
    """What the note says is so: with 1 for all that is given, an entry is infinite, or none is."""
    model = eg.parse(text)
    said = [x for x in model.notes if "is infinite" in x]
    assert len(said) == bool(note)
    assert note in "".join(said)
    given = {n: np.ones([3] * len(v.dims)) for n, v in model.inputs.items()}
    with np.errstate(all="ignore"):
        (found,) = model.compile()(**given).values()
    assert np.isfinite(found).all() == (not note)
