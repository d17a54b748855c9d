# ruff: noqa: E501
r"""Gradients and Hessians written out entry by entry are judged, one claim for each entry."""

from __future__ import annotations

import pytest

import eingrad as eg

BOWL = r"f(x_1, x_2) = x_1^2 + 2 x_2^2"
WAVE = r"f(x, y) = x^2 y + \sin(y)"
BOX = "f = x y z"
FIRST = (
    r"\begin{bmatrix} \frac{\partial f}{\partial x} \\ \frac{\partial f}{\partial y} \end{bmatrix}"
)
SECOND = (
    r"\begin{pmatrix} \frac{\partial^2 f}{\partial x^2} & \frac{\partial^2 f}{\partial x \partial y} \\"
    r" \frac{\partial^2 f}{\partial y \partial x} & \frac{\partial^2 f}{\partial y^2} \end{pmatrix}"
)
# fmt: off
CLAIMS = [  # a model, what is right, and what is wrong in one entry: by hand
    (BOWL, r"\nabla f = \begin{bmatrix} 2x_1 \\ 4x_2 \end{bmatrix}", r"\nabla f = \begin{bmatrix} 2x_1 \\ 2x_2 \end{bmatrix}"),
    (BOWL, r"\nabla^2 f = \begin{bmatrix} 2 & 0 \\ 0 & 4 \end{bmatrix}", r"\nabla^2 f = \begin{bmatrix} 2 & 1 \\ 0 & 4 \end{bmatrix}"),
    (WAVE, r"\nabla f(x, y) = \begin{pmatrix} 2xy \\ x^2 + \cos y \end{pmatrix}", r"\nabla f(x, y) = \begin{pmatrix} x^2 + \cos y \\ 2xy \end{pmatrix}"),
    (WAVE, r"\nabla f = \left( 2xy, x^2 + \cos(y) \right)", r"\nabla f = \left( 2xy, x^2 - \cos(y) \right)"),
    (WAVE, rf"{FIRST} = \begin{{bmatrix}} 2xy \\ x^2 + \cos y \end{{bmatrix}}.", rf"{FIRST} = \begin{{bmatrix}} 2xy \\ x^2 \end{{bmatrix}}."),
    (WAVE, rf"\nabla f = {FIRST} = \left[ \begin{{array}}{{c}} 2xy \\ x^2 + \cos y \end{{array}} \right]", rf"\nabla f = {FIRST} = \left[ \begin{{array}}{{c}} xy \\ x^2 + \cos y \end{{array}} \right]"),
    (WAVE, rf"H = {SECOND} = \begin{{pmatrix}} 2y & 2x \\ 2x & -\sin y \end{{pmatrix}}", rf"H = {SECOND} = \begin{{pmatrix}} 2y & 2x \\ 2x & \sin y \end{{pmatrix}}"),
    (WAVE, r"H_f(x, y) = \begin{bmatrix} 2y & 2x \\ 2x & -\sin(y) \end{bmatrix}", r"H_f(x, y) = \begin{bmatrix} 2x & 2y \\ 2x & -\sin(y) \end{bmatrix}"),
    (BOX, r"\nabla f = \langle yz, xz, xy \rangle", r"\nabla f = \langle yz, xz, x \rangle"),
    (BOX, r"\nabla f = \begin{bmatrix} yz & xz & xy \end{bmatrix}^\top", r"\nabla f = \begin{bmatrix} yz & xz & 2xy \end{bmatrix}^\top"),
]
REFUSED = [
    (WAVE, r"\nabla f(1, 2) = \begin{bmatrix} 4 \\ 1 + \cos(2) \end{bmatrix}"),  # at one point
    (WAVE, r"\nabla f(y, x) = \begin{bmatrix} 2xy \\ x^2 + \cos(y) \end{bmatrix}"),  # another order
    (WAVE, r"\nabla f = \begin{bmatrix} 2xy \\ x^2 + \cos(y) \\ 0 \end{bmatrix}"),
    (WAVE, r"\nabla f = x \begin{bmatrix} 2y \\ x \end{bmatrix}"),
    (WAVE, r"J = \begin{bmatrix} 2xy \\ x^2 + \cos(y) \end{bmatrix}"),
    ("f = w^2 b", r"\nabla f = (2 w b, w^2)"),  # by w and b, or by b and w
    (r"f(\mathbf{x}) = \mathbf{a}^T \mathbf{x}", r"\nabla f = \begin{bmatrix} a_1 \\ a_2 \end{bmatrix}"),
    (r"H = x^2 y", r"H = \begin{bmatrix} 2y & 2x \\ 2x & 0 \end{bmatrix}"),
    (WAVE, r"\nabla f = \begin{bmatrix} 2xy & \\ x^2"), (WAVE, r"\nabla f = \begin{bmatrix} \end{bmatrix}"),
]
# fmt: on


@pytest.mark.parametrize(("model", "right", "wrong"), CLAIMS)
def test_each_entry_is_a_claim(model: str, right: str, wrong: str) -> None:
    parsed = eg.parse_latex(model)
    assert {v.outcome for v in parsed.check_each(right, latex=True)} == {"right"}
    assert "wrong" in {v.outcome for v in parsed.check_each(wrong, latex=True)}


@pytest.mark.parametrize(("model", "claim"), REFUSED)
def test_entries_of_what_nobody_says_are_refused(model: str, claim: str) -> None:
    with pytest.raises(eg.NotationError):
        eg.parse_latex(model).check_each(claim, latex=True)
