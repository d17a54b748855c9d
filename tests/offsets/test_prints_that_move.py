"""What is printed of models with offsets, entries and recurrences says what is computed.

The oracle is a loop over entries in Python, differentiated by central differences: gradients,
Jacobians and Hessians are compared with it, and each print, read again, with them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from seeds import seeded

import eingrad as eg
from eingrad.api.models.model_derivatives import Derivatives
from eingrad.notation.text import to_text

Array = Any
N = 4
SHAPES = {"x": (N,), "w": (N,), "f": (2,), "A": (N, 3), "a": (), "b": (), "g": (), "c": (N,)}


def at(x: Array, i: int, outside: float = 0.0) -> float:
    """The entry of a vector, or what stands outside."""
    return x[i] if 0 <= i < len(x) else outside


def loop(count: int, step: Callable[[int, Callable[[int], float]], float], before: float) -> Array:
    """The entries of a recurrence."""
    h: list[float] = []
    for t in range(count):
        h.append(step(t, lambda k: h[k] if k >= 0 else before))
    return np.array(h)


def conv(v: Mapping[str, Array]) -> Array:
    return np.array([sum(v["x"][i + k] * v["f"][k] for k in range(2)) for i in range(N - 1)])


def causal(v: Mapping[str, Array]) -> Array:
    x, w = v["x"], v["w"]
    return np.array([sum(x[j] * w[i - j] for j in range(i + 1)) for i in range(N)])


def growth(v: Mapping[str, Array]) -> Array:
    x, a = v["x"], v["a"]
    return loop(N, lambda t, h: np.tanh(a * h(t - 1) + x[t]), v["g"])


def product(v: Mapping[str, Array]) -> Array:
    x, a = v["x"], v["a"]
    return np.array([at(x, i + 1) * a * x[i] + at(x, i - 1) for i in range(N)])


def full(v: Mapping[str, Array]) -> Array:
    return np.convolve(v["x"], v["f"])[:N]


def neighbours(y: Array) -> float:
    return (y[1:] * y[:-1]).sum()


def softmax(x: Array) -> Array:
    return np.exp(x) / np.exp(x).sum()


MODELS: dict[str, Callable[[Mapping[str, Array]], float]] = {
    "y_i = x[i+1] x_i a + x[i-1]\nL = sum_i(y_i)^2": lambda v: product(v).sum() ** 2,
    "y_i = x_i^2\nu_p = y[p+1]\nL = sum_p(u_p^2) + u[1] u[-1]":
        lambda v: (v["x"][1:] ** 4).sum() + v["x"][2] ** 2 * v["x"][-1] ** 2,
    "y_i = x[i+k] f_k\nu_p = y[2 p]\nL = exp(u[0] / 4) + u[-1] u[0]":
        lambda v: np.exp(conv(v)[0] / 4) + conv(v)[2] * conv(v)[0],
    "y_i = x[i+k] f_k\nL = sum_i(y_i y[i+1])":
        lambda v: sum(conv(v)[i] * conv(v)[i + 1] for i in range(N - 2)),
    "assume size(i) = size(j)\ny_i = sum_{j<=i}(x_j w[i-j])\nL = sum_i(y_i^2)":
        lambda v: (causal(v) ** 2).sum(),
    "assume size(o) = size(m)\ns = sum_m(x_m)\ny_o = x_m f[o-m]\nL = s y[1] + sum_o(y_o^2)":
        lambda v: v["x"].sum() * full(v)[1] + (full(v) ** 2).sum(),
    "h[t] = tanh(a h[t-1] + x_t)\nh[t<0] = g\ny_t = h[t-1]\nL = sum_t(y_t^2) + h[-1] h[0]":
        lambda v: (growth(v)[:-1] ** 2).sum() + v["g"] ** 2 + growth(v)[-1] * growth(v)[0],
    "h[t] = a h[t-1] + x_t\nh[0] = g\nL = sum_t(x_t h_t^2)":
        lambda v: (v["x"] * loop(N, lambda t, h: v["a"] * h(t - 1) + v["x"][t] if t else v["g"],
                                 0) ** 2).sum(),
    "s_i = softmax_i(x_i)\nL = sum_i(s[i-1] w_i) + s[1]":
        lambda v: (softmax(v["x"])[:-1] * v["w"][1:]).sum() + softmax(v["x"])[1],
    "y_i = cumsum_i(x_i w_i)\nL = sum_i(y_i y[i-1])":
        lambda v: neighbours(np.cumsum(v["x"] * v["w"])),
    "y_i = A[i,0] x[i+1] + A[i,-1]\nL = sum_i(tanh(y_i))":
        lambda v: np.tanh(v["A"][:, 0] * np.append(v["x"][1:], 0) + v["A"][:, -1]).sum(),
    "L = -sum_t(log(1 + A[t,c[t]]^2) A[-1,c[t]])":
        lambda v: -sum(np.log(1 + v["A"][t, v["c"][t]] ** 2) * v["A"][-1, v["c"][t]]
                       for t in range(N)),
    "L = w[1]^2 x[2] + exp(x[0] x[-1])":
        lambda v: v["w"][1] ** 2 * v["x"][2] + np.exp(v["x"][0] * v["x"][-1]),
}  # fmt: skip


def drawn(model: eg.Model) -> dict[str, Array]:
    rng = np.random.default_rng(3)
    found = {n: rng.normal(size=SHAPES[n]) for n in model.inputs}
    return found | ({"c": rng.integers(0, 3, N)} if "c" in found else {})


def differences(f: Callable[..., Array], v: Mapping[str, Array], name: str) -> Array:
    """The derivative by one tensor, whose axes come last."""
    slopes = []
    for index in np.ndindex(v[name].shape):
        step = np.zeros(v[name].shape)
        step[index] = 1e-4
        up, down = (np.asarray(f({**v, name: v[name] + s * step})) for s in (1, -1))
        slopes.append((up - down) / 2e-4)
    return np.stack(slopes, -1).reshape((*slopes[0].shape, *v[name].shape))


def check_right(model: eg.Model, claim: str, latex: str = "") -> None:
    """Assert that a claim is right, and the same in LaTeX."""
    verdicts = [model.check(claim, latex=False)]
    verdicts += [model.check(latex, latex=True)] if latex else []
    assert [v.outcome for v in verdicts] == ["right"] * len(verdicts), verdicts


def check_prints(model: eg.Model, found: Derivatives, name: str) -> None:
    """Read again what is printed of one derivative."""
    check_right(model, str(found[name]), found[name].latex())
    check_right(model, str(found.closed(name)))
    form = found.matrix_form(name)
    if form is not None and len(found[name].labels) < 3:
        head = re.sub(r"_\w+|\[[^]]*\]", "", to_text(found[name].formula.target))
        check_right(model, f"{head} = {form}")


@pytest.mark.parametrize("text", MODELS)
def test_gradients(text: str) -> None:
    model = eg.parse(text)
    v = drawn(model)
    wrt = [n for n in v if n != "c"]
    found = model.grad("L", wrt)
    computed = found.compile()(**v)
    assert abs(float(computed["L"]) - MODELS[text](v)) < 1e-9
    for name in wrt:
        expected = differences(MODELS[text], v, name)
        np.testing.assert_allclose(computed[f"dL/d{name}"], expected, 1e-5, 1e-6)
        check_prints(model, found, name)
    head = None
    for step in found.steps():
        head = head if step.left is None else to_text(step.left)
        if head is not None and head.startswith("dL") and "d[" not in step.after:
            check_right(model, f"{head} = {step.after}")


@pytest.mark.parametrize("text", list(MODELS)[1::2])
def test_hessians_and_jacobians(text: str) -> None:
    model = eg.parse(text)
    v = drawn(model)
    name = next(iter(v))
    gradient = model.grad("L", name).compile()
    second = model.hessian("L", name)
    (key,) = second
    expected = differences(lambda u: gradient(**u)[f"dL/d{name}"], v, name)
    np.testing.assert_allclose(
        second.compile()(**v)[f"d2L/d{name} d{name}"], expected, 1e-5, 1e-6
    )  # fmt: skip
    check_prints(model, second, key)
    for of in [n for n in model.outputs if n != "L"][-1:]:
        first = model.jacobian(of, name)
        value = model.compile([of])
        expected = differences(lambda u: value(**u)[of], v, name)  # noqa: B023
        np.testing.assert_allclose(first.compile()(**v)[f"d{of}/d{name}"], expected, 1e-5, 1e-6)
        check_right(model, str(first[name]), first[name].latex())


# --- right gradients with a mistake in them -------------------------------------------------------


def mistaken(line: str, rng: random.Random) -> list[str]:
    """Return a printed formula with a sign, an offset or a bound that is off by one."""
    head, _, right = line.partition(" = ")
    found = [f"-({right})" if right != "0" else "1"]
    for pattern, new in ((r"([a-z])\+1\]", r"\1+2]"), (r"([a-z])-1\]", r"\1]"),
                         (r"(?<=[\[,])0(?=[\],])", "1"), (r"size\((\w)\) - 1", r"size(\1) - 2"),
                         (r" \+ (?!1)", " - ")):  # fmt: skip
        places = list(re.finditer(pattern, right))
        if places:
            place = rng.choice(places)
            changed = re.sub(pattern, new, place[0]) if "(?" not in pattern else new
            found.append(right[: place.start()] + changed + right[place.end() :])
    return [f"{head} = {x}" for x in found]


@pytest.mark.parametrize("text", list(MODELS)[::3])
def test_twins_are_wrong(text: str) -> None:
    model = eg.parse(text)
    v = drawn(model)
    for name in [n for n in v if n != "c"]:
        gradient = model.grad("L", name)
        if np.abs(gradient.compile()(**v)[f"dL/d{name}"]).max() < 1e-12:
            continue
        for claim in mistaken(str(gradient[name]), random.Random(seeded(5))):
            assert model.check(claim).outcome != "right", claim
