"""Recurrences that nobody would write, beside a loop over their entries and differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from seeds import in_batches

import eingrad as eg

torch = pytest.importorskip("torch")
Arrays = dict[str, np.ndarray]
SIZES = {"t": 4, "i": 2, "j": 2}
Term = tuple[str, Callable[..., "torch.Tensor"]]

# A term of the entry at t: its text, with h for the state, p for t, 1 or 2 positions before, and
# its value, given that entry, the other state at the same position, the inputs and t.
TERMS: list[Term] = [
    ("U_ij {h}[{p},j]", lambda h, _s, a, _t: a["U"] @ h),
    ("g_t {h}[{p},i]", lambda h, _s, a, t: a["g"][t] * h),
    ("x_ti {h}[{p},i]", lambda h, _s, a, t: a["x"][t] * h),
    ("tanh({h}[{p},i] + c_i)", lambda h, _s, a, _t: torch.tanh(h + a["c"])),
    ("{h}[{p},i]^2 / 4", lambda h, _s, _a, _t: h**2 / 4),
    ("mean_j({h}[{p},j]) c_i", lambda h, _s, a, _t: h.mean() * a["c"]),
    ("softmax_i({h}[{p},i])", lambda h, _s, _a, _t: torch.softmax(h, -1)),
    ("{h}[{p},j] U_ij {h}[{p},i]", lambda h, _s, a, _t: (a["U"] @ h) * h),
    ("where({h}[{p},i] > c_i, {h}[{p},i], 0)", lambda h, _s, a, _t: torch.where(h > a["c"], h, 0)),
    ("s_ti / 2", lambda _h, s, _a, _t: s / 2),
    ("s_tj U_ji {h}[{p},i]", lambda h, s, a, _t: (a["U"].T @ s) * h),
]
FUNCTIONS: dict[str, Callable[..., torch.Tensor]] = {
    "{}": lambda x: 0.5 * x, "tanh({})": torch.tanh, "sin({})": torch.sin,
    "sigmoid({})": torch.sigmoid,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A model with its text, and how its entries are computed one by one."""

    text: str
    terms: tuple[tuple[int, int], ...]  # of the state h: which, and how many positions back
    function: str
    back: bool
    begins: str  # "zero", "before" or "entry"
    coupled: bool

    def value(self, a: dict[str, torch.Tensor]) -> torch.Tensor:
        count = SIZES["t"]
        h: dict[int, torch.Tensor] = {}
        s: dict[int, torch.Tensor] = {}
        zero = torch.zeros(SIZES["i"], dtype=torch.float64)
        before = a["h0"] if self.begins == "before" else zero
        for t in reversed(range(count)) if self.back else range(count):
            step = 1 if self.back else -1
            s[t] = torch.tanh(a["x"][t] + h.get(t + step, before)) if self.coupled else zero
            total = a["x"][t]
            for which, d in self.terms:
                total = total + TERMS[which][1](h.get(t + d * step, before), s[t], a, t)
            h[t] = FUNCTIONS[self.function](total)
            if self.begins == "entry" and t == 0:
                h[t] = a["h0"]
        return sum((a["w"] * h[t] ** 2).sum() for t in range(count))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    coupled, back = draw(st.booleans()), draw(st.booleans())
    terms = tuple(draw(st.lists(
        st.tuples(st.integers(0, len(TERMS) - 1 - 2 * (not coupled)), st.integers(1, 2)),
        min_size=1, max_size=3,
    )))  # fmt: skip
    function = draw(st.sampled_from(list(FUNCTIONS)))
    begins = draw(st.sampled_from(["zero", "before", "entry"]))
    sign = "+" if back else "-"
    inner = " + ".join(
        ["x_ti", *(TERMS[k][0].format(h="h", p=f"t{sign}{d}") for k, d in terms)]
    )  # fmt: skip
    own = function.format(inner) if function != "{}" else f"({inner}) / 2"
    if not any("h[" in TERMS[k][0] for k, _ in terms) and not coupled:
        own = f"{own} + 0 h[t{sign}1,i]"
    lines = [f"s_ti = tanh(x_ti + h[t{sign}1,i])"] if coupled else []
    lines.append(f"h[t,i] = {own}")
    edge = "t>=size(t)" if back else "t<0"
    lines += {"zero": [], "before": [f"h[{edge},i] = h0_i"], "entry": ["h[0,i] = h0_i"]}[begins]
    lines.append("L = sum_ti(w_i h_ti^2)")
    return Case("\n".join(lines), terms, function, back, begins, coupled)


def check(case: Case) -> None:
    model = eg.parse(case.text)
    rng = np.random.default_rng(len(case.text))
    every = {"U": "ij", "g": "t", "x": "ti", "c": "i", "w": "i", "h0": "i"}
    given = {n: rng.normal(size=[SIZES[k] for k in labels]) for n, labels in every.items()}
    leaves = {n: torch.tensor(x, requires_grad=True) for n, x in given.items()}
    total = case.value(leaves)
    total.backward()
    own = {n: x for n, x in given.items() if n in model.inputs}
    found = model.grad("L").compile()(**own)
    scale = max(1.0, *(float(x.grad.abs().max()) for x in leaves.values() if x.grad is not None))
    assert abs(float(found["L"]) - float(total.detach())) <= 1e-10 * scale
    for n in own:
        wanted = torch.zeros_like(leaves[n]) if leaves[n].grad is None else leaves[n].grad
        assert np.abs(found[f"dL/d{n}"] - wanted.numpy()).max() <= 1e-10 * scale, n
    _by_central_differences(case, given, found, own)
    if len(case.text) % 5 == 0:
        _written_and_in_segments(model, own, found)


def _written_and_in_segments(model: eg.Model, own: Arrays, found: Arrays) -> None:
    """Compare the module, and the function that keeps every second state."""
    gradients = model.grad("L")
    module: dict[str, Any] = {"__name__": "module"}
    again = gradients.compile(keep_every=2)(**own)
    exec(gradients.source("numpy"), module)
    value, saved = module["forward"](*(own[n] for n in module["AXES"]))
    written = dict(zip(module["WRT"], module["backward"](saved), strict=True))
    for key, right in found.items():
        scale = max(1.0, float(np.abs(right).max()))
        assert np.abs(again[key] - right).max() <= 1e-12 * scale, key
        other = value if key == "L" else written[key.removeprefix("dL/d")]
        assert np.abs(other - right).max() <= 1e-12 * scale, key


def _by_central_differences(
    case: Case, given: Arrays, found: Arrays, own: Arrays
) -> None:  # fmt: skip
    rng = np.random.default_rng(1)
    way = {n: rng.normal(size=x.shape) for n, x in own.items()}
    slopes = []
    for sign in (1, -1):
        there = {n: torch.tensor(x + sign * 1e-6 * way.get(n, 0)) for n, x in given.items()}
        slopes.append(float(case.value(there)))
    expected = (slopes[0] - slopes[1]) / 2e-6
    value = sum(float((found[f"dL/d{n}"] * way[n]).sum()) for n in own)
    if "where" not in case.text:
        assert abs(value - expected) <= 1e-5 * max(1.0, abs(expected))


test_random_recurrences = in_batches(300, 3, cases())(check)
