"""Signs, bounds and extents that a text states, against values by hand and PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import eingrad as eg
from eingrad.notation.latex import to_latex

torch = pytest.importorskip("torch")

SIMPLER = [
    ("L = sqrt(s^2)\nassume s > 0", "s", "dL/ds = 1"),
    ("L = sqrt(s^2)\nassume s < 0", "s", "dL/ds = -1"),
    ("L = sqrt(s^2)\nassume 0 < s", "s", "dL/ds = 1"),
    ("L = sqrt(t^3 t u)\nassume t < 0", "u", "dL/du = t^2 / (2 sqrt(u))"),
    ("L = sqrt(t^2 u)\nassume t < 0", "u", "dL/du = -t / (2 sqrt(u))"),
    ("d = a_i a_i - 3\nL = sqrt(d^2)\nassume d >= 0", "a", "dL/da_i = 2 a_i"),
    ("L = sum_i(w_i abs(x_i))\nassume x_i < -2", "x", "dL/dx_i = -w_i"),
    ("L = sum_i(w_i abs(x_i y_i))\nassume y_i > 0", "w", "dL/dw_i = y_i abs(x_i)"),
    ("L = sum_i(where(x_i > 0.2, x_i^2, 3 x_i))\nassume x_i > 0.5", "x", "dL/dx_i = 2 x_i"),
    ("L = sum_i(where(1 <= x_i, x_i^2, 3 x_i))\nassume x_i < 1", "x", "dL/dx_i = 3"),
    ("L = sum_i(maximum(x_i, 1)^2)\nassume x_i > 1", "x", "dL/dx_i = 2 x_i"),
    ("L = sum_i(relu(x_i)^2)\nassume x_i <= 0", "x", "dL/dx_i = 0"),
    ("L = mean_i(x_i^2)\nassume size(i) = 4", "x", "dL/dx_i = x_i / 2"),
    ("L = sum_b(x_b) / m\nassume size(b) = m", "x", "dL/dx_b = 1 / m"),
    ("L = mean_b(x_b) n\nassume size(b) = n", "x", "dL/dx_b = 1"),
]


@pytest.mark.parametrize(("text", "wrt", "expected"), SIMPLER)
def test_a_result_uses_what_is_stated(text: str, wrt: str, expected: str) -> None:
    model = eg.parse(text)
    assert str(model.grad("L", wrt)[wrt]) == expected
    assert model.check(expected).outcome == "right"
    assert eg.parse(str(model)).statements == model.statements


UNDECIDED = [
    ("L = sqrt(s^2)\nassume s > -1", "s", "dL/ds = 1"),
    ("L = sum_i(abs(x_i - 1))\nassume x_i > 0", "x", "dL/dx_i = 1"),
    ("L = sum_i(where(x_i > 0.9, x_i, 3 x_i))\nassume x_i > 0", "x", "dL/dx_i = 1"),
    ("L = sum_i(maximum(x_i, 1))\nassume x_i >= 0", "x", "dL/dx_i = 1"),
]


@pytest.mark.parametrize(("text", "wrt", "claim"), UNDECIDED)
def test_a_bound_that_decides_nothing(text: str, wrt: str, claim: str) -> None:
    model = eg.parse(text)
    assert str(model.grad("L", wrt)[wrt]) != claim
    assert model.check(claim).outcome != "right"


def test_the_derivation_cites_what_is_stated() -> None:
    text = eg.parse("L = sqrt(s^2)\nassume s > 0").grad("L", "s").text()
    assert "assumed: s > 0" in text
    text = eg.parse("L = mean_i(x_i^2)\nassume size(i) = 3").grad("L", "x").text()
    assert "assumed: size(i) = 3" in text


def test_no_derivative_is_taken_of_what_a_bound_has_simplified() -> None:
    """By PyTorch: the Hessian of a model under ``assume`` is that of the model."""
    text = "L = sum_i(w_i x_i^2 sqrt(x_i^2) + abs(x_i) w_i^2)"
    model = eg.parse(f"{text}\nassume x_i >= 0\nassume w_i < 0")
    rng = np.random.default_rng(3)
    x, w = rng.uniform(0.2, 2, 3), -rng.uniform(0.2, 2, 3)

    def value(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        return (w * x**2 * (x**2).sqrt() + x.abs() * w**2).sum()

    point = torch.tensor(x), torch.tensor(w)
    blocks = torch.autograd.functional.hessian(value, point)
    found = model.hessian("L", ["x", "w"]).compile()(x=x, w=w)
    for j, m in enumerate("xw"):
        for k, n in enumerate("xw"):
            assert np.allclose(found[f"d2L/d{m} d{n}"], blocks[j][k].numpy())


def test_points_keep_to_bounds_and_extents() -> None:
    """A claim that holds within the bounds alone is right."""
    text = "L = sum_i(where(x_i > 1, x_i^2, 0) + where(x_i < -1, 5 x_i, 0))"
    claim = "dL/dx_i = 2 x_i"
    assert eg.parse(f"{text}\nassume x_i > 1").check(claim).outcome == "right"
    assert eg.parse(f"{text}\nassume x_i >= 0.5\nassume x_i < 3").check(claim).outcome == "wrong"
    cube = "L = x_i y_i size(i)"
    assert eg.parse(f"{cube}\nassume size(i) = 3").check("L = 3 x_i y_i").outcome == "right"
    assert eg.parse(cube).check("L = 3 x_i y_i").outcome == "wrong"
    square = "L = A_ij A_ij / size(i) + B_jk B_jk\nassume size(i) = size(k)"
    assert eg.parse(square).check("dL/dA_ij = 2 A_ij / size(k)").outcome == "right"


def test_a_letter_that_means_two_axes() -> None:
    text = "u_j = A_ij x_i / size(i)\nL = B_ji u_j y_i / size_i(B_ji)\nassume size(i) = 3"
    assert eg.parse(text).check("dL/dy_i = B_ji A_kj x_k / 9").outcome == "right"


@pytest.mark.parametrize(
    "fact", ["x_i > 0\nassume x_i < -1", "s < 0", "size(i) = 3\nassume s = -1"]
)
def test_what_no_point_satisfies_is_not_judged(fact: str) -> None:
    verdict = eg.parse(f"s = x_i x_i\nassume {fact}").check("ds/dx_i = 2 x_i")
    assert verdict.outcome == "not judged"


def test_latex() -> None:
    model = eg.parse_latex(
        r"L = \sum_i w_i \sqrt{x_i^2} \\ \text{assume } x_i \ge 0 \\ \text{assume } w_i > 0"
    )
    assert str(model.grad("L", "w")["w"]) == "dL/dw_i = x_i"
    written = r" \\ ".join(map(to_latex, model.statements))
    assert r"x_{i} \ge 0" in written
    read = eg.parse_latex(written)
    assert [str(read), str(read.grad("L", "w")["w"])] == [str(model), "dL/dw_i = x_i"]


ERRORS = [
    ("x_i x_i > 0", "states no bound"),
    ("x_i != 0", "!= states no bound"),
    ("x_i > s", "states no bound"),
    ("1 > 0", "states no bound"),
    ("size(k) = 3", "no label k"),
    ("size(i) = 1/2", "a whole number above 0"),
    ("size(i) = 0", "a whole number above 0"),
    ("x_i >", "something is missing"),
]


@pytest.mark.parametrize(("fact", "message"), ERRORS)
def test_errors(fact: str, message: str) -> None:
    with pytest.raises(eg.NotationError) as caught:
        eg.parse(f"s = x_i x_i\nassume {fact}")
    assert message in str(caught.value)
    assert caught.value.hint
