"""How far labels go: what a statement's offsets say, whatever the letter means elsewhere.

Values by loops over the labels, written by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import eingrad as eg

rng = np.random.default_rng(5)
x, z, v, w = (rng.normal(size=n) for n in (7, 3, 2, 3))


def window(x: Any, w: Any) -> Any:
    return np.array([sum(x[i + k] * w[k] for k in range(3)) for i in range(len(x) - 2)])


def causal(x: Any, w: Any) -> Any:
    return np.array([sum(x[i - k] * w[k] for k in range(3) if k <= i) for i in range(len(x))])


def upsampled(x: Any, w: Any) -> Any:
    return np.convolve(np.insert(x, range(1, len(x) + 1), 0), w)


# fmt: off
MODELS: dict[str, tuple[str, Callable[..., Any], dict[str, Any]]] = {
    "a letter of an earlier statement": ("R = v_i v_i\ny_i = x[i+k] w_k", window,
        {"x": x, "w": w, "v": v}),
    "a letter of a later statement": ("y_i = x[i+k] w_k\nR = v_i v_i", window,
        {"x": x, "w": w, "v": v}),
    "every other entry": ("u_i = x_i^2\ny_i = u[2 i]", lambda x: x[::2] ** 2, {"x": x}),
    "one further": ("v_i = z_i^2\ny_i = tanh(x[i+1])", lambda x: np.tanh(x[1:]),
        {"x": x, "z": z}),
    "what is stated, not a bound": (
        "assume size(i) = size(n)\ny_i = sum_{k<=i}(x[i-k] w_k)", causal, {"x": x, "w": w}),
    "in a case distinction": (
        "assume size(i) = size(n)\ny_i = sum_k(where(k <= i, x[i-k] w_k, 0))", causal,
        {"x": x, "w": w}),
    "a bound and a tensor at the label": (
        "y_i = sum_{k<=i}(x[i-k] w_k) c_i", lambda x, w, c: causal(x, w) * c,
        {"x": x, "w": w, "c": x + 1}),
    "two that are stated": (
        "assume size(i) = 5\nassume size(k) = 2\ny_i = sum_{k<=i}(x[i-k])",
        lambda x: np.array([sum(x[i - k] for k in range(2) if k <= i) for i in range(5)]),
        {"x": x}),
    "as far as a statement says": (
        "assume size(j) = size(i)\nd_j = x[j+1]\ny_i = d_i - x_i",
        lambda x: np.append(x[1:], 0) - x, {"x": x}),
    "a target as long as what is read": (
        "f_i = x[i+k] w_k\ny_i = (f_i - t_i)^2", lambda x, w, t: (window(x, w) - t) ** 2,
        {"x": x, "w": w, "t": x[:5]}),
    "padding, as far as a target goes": (
        "f_i = x[i-1] w[1]\ny_i = f_i t_i", lambda x, w, t: w[1] * np.append(0, x[:6]) * t,
        {"x": x, "w": w, "t": x}),
    "a window of a window": (
        "f_i = x[i+k] w_k\nu_i = f[i+k] w_k\ny_i = u_i t_i",
        lambda x, w, t: window(window(x, w), w) * t, {"x": x, "w": w, "t": z}),
    "a label of conditions alone": (
        "assume size(i) = 16\ny_i = sum_jk(x_j w_k where(i == 2 j + k, 1, 0))", upsampled,
        {"x": x, "w": w}),
    "one that other extents say": (
        "assume size(i) = 2 size(j) + size(k)\ny_i = sum_jk(x_j w_k where(i == 2 j + k, 1, 0))",
        lambda x, w: np.append(upsampled(x, w), 0), {"x": x, "w": w}),
    "repeated": (
        "assume size(i) = 2 size(j)\ny_i = sum_{j, 2 j <= i, i < 2 j + 2}(x_j)",
        lambda x: np.repeat(x, 2), {"x": x}),
    "correlations": (
        "assume size(k) = 4\ny_k = x_i x[i+k]",
        lambda x: np.array([x[: len(x) - k] @ x[k:] for k in range(4)]), {"x": x}),
}
# fmt: on


@pytest.mark.parametrize("name", MODELS)
def test_values_are_those_of_loops(name: str) -> None:
    text, loop, arrays = MODELS[name]
    wanted = loop(**{k: a for k, a in arrays.items() if f"{k}" in loop.__code__.co_varnames})
    model = eg.parse(text)
    np.testing.assert_allclose(model.compile(["y"])(**arrays)["y"], wanted, atol=1e-12)
    assert str(eg.parse(str(model))) == str(model)
    loss = eg.parse(f"{text}\nL = sum_i(y_i^3)")
    gradient = loss.grad("L", ["x"]).compile()(**arrays)["dL/dx"]
    for k in range(len(x)):
        step = np.eye(len(x))[k] * 1e-5
        ends = [loss.compile(["L"])(**arrays | {"x": x + s * step})["L"] for s in (1, -1)]
        assert abs(gradient[k] - (ends[0] - ends[1]) / 2e-5) < 1e-6


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        ("y_i = sum_{k<=i}(x[i-k-1] w_k)", ["size(i) = size(n)", "size(i) = size(k)"]),
        ("d_i = x[i+1]\ny_i = d_i - x_i", ["assume size(j) = size(i)", "in one statement"]),
        ("a_i = x[i+1]\nb_i = x[i+2]\nL = sum_i(a_i b_i)", ["assume size(i) = size(n)"]),
        ("u_i = x_i^2\nv_i = u[2 i]\nL = sum_i(v_i x_i)", ["assume size(j) = size(i)"]),
        ("R = v_i v_i\ny_i = x[i-k] w_k", ["size(i) = size(n) + size(k) - 1"]),
        ("r_k = x_i x[i+k]\nL = v_k r_k", ["assume size(k) = size(i)"]),
    ],
)
def test_two_ranges_are_refused(text: str, ways: list[str]) -> None:
    with pytest.raises(eg.NotationError) as caught:
        eg.parse(text)
    assert caught.value.code == "open-range"
    assert all(way in str(caught.value.hint) for way in ways)


def test_an_array_that_is_longer_than_what_is_read_is_refused() -> None:
    run = eg.parse("f_i = x[i+k] w_k\nL = sum_i((f_i - t_i)^2)").compile(["L"])
    with pytest.raises(eg.ShapeError, match="every entry exists") as caught:
        run(x=x, w=w, t=x)
    assert "assume size(i) = size(n)" in str(caught.value.hint)


def test_a_sum_up_to_a_label_is_of_sequences_that_are_as_long() -> None:
    run = eg.parse("y_i = sum_{k<=i}(x[i-k] w_k)").compile()
    np.testing.assert_allclose(run(x=x, w=x[::-1])["y"], np.convolve(x, x[::-1])[: len(x)])
    with pytest.raises(eg.ShapeError, match="axis 0 has size 7"):
        run(x=x, w=w)


def test_letters_of_axes_are_no_tensors_names() -> None:
    model = eg.parse("y_i = n x[i+k] w_k\nL = y_i m_i")
    assert not {*model.system.inputs["x"].dims} & {"n", "m"}


def test_a_line_for_one_entry_beside_what_is_no_recurrence_is_noted() -> None:
    with pytest.warns(eg.NotationWarning, match="stands in the place of"):
        model = eg.parse("F_i = x_i^2\nF[2] = b\nL = sum_i(F_i)")
    assert model.compile(["L"])(x=np.ones(4), b=5.0)["L"] == 8
    for text in (
        "h[t] = h[t-1] + x_t\nh[0] = 1\nL = sum_t(h_t)",
        "z[l] = w_l a[l-1]\na[l] = tanh(z[l])\na[0] = c\nL = a[-1]",
        "h[t] = x_t + v_k h[t-k-1]\nh[0] = 1\nL = sum_t(h_t)",
    ):
        assert not eg.parse(text).notes
