r"""Commands of packages: what their manuals say that they print, and claims with them."""

from __future__ import annotations

import pytest

import eingrad as eg
from eingrad.notation.tex.packages import in_own_commands

PRINTED = [
    (r"{a \over b} c", r"\frac{a}{b} c"),
    (r"{1 \over {2 \over x}}", r"\frac{1}{\frac{2}{x}}"),
    (r"y = \partial L \over \partial w", r"y = \frac{\partial L}{\partial w}"),
    (r"\left( a \over b \right)", r"\left( \frac{a}{b} \right)"),
    (r"\sum_{i \atop i \ne j} x_i", r"\sum_{\substack{i\\i \ne j}} x_i"),
    (r"\dv{f}{x}", r"\frac{d f}{d x}"),
    (r"\dv[n]{f}{x}", r"\frac{d^{n} f}{d x^{n}}"),
    (r"\dv{x} (x^2)", r"\frac{d }{d x} (x^2)"),
    (r"\pdv{f}{x}{y}", r"\frac{\partial^{2} f}{\partial x \partial y }"),
    (r"\pdv{f}{x, y_{1,2}}", r"\frac{\partial^{2} f}{\partial x \partial y_{1,2} }"),
    (r"\pdv[order={3}]{f}{x}", r"\frac{\partial^{3} f}{\partial x^{3}}"),
    (r"\pdv{a + b}{x}", r"\frac{\partial}{\partial x}\left(a + b\right)"),
    (r"\qty[\abs{x} \vb*{w}]", r"[\left|x\right| \mathbf{w}]"),
    (r"\diff x \pd a", r"\diff x \pd a"),  # which no package of these means
    ("{\\partial f \\over\n \\partial x}", "\\frac{\\partial f}{ \\partial x}"),
]


@pytest.mark.parametrize(("written", "printed"), PRINTED)
def test_a_command_becomes_what_it_prints(written: str, printed: str) -> None:
    assert " ".join(in_own_commands(written).split()) == printed


@pytest.mark.parametrize(
    "claim",
    [
        r"{\partial L \over \partial w} = {1 \over 2} \cdot 2 (w x - t) x",
        r"\partial L \over \partial w = (w x - t) x",
        r"\pdv{L}{w} = \qty(w x - t) x",
        r"\pdv[2]{L}{w} = x^2",
        r"\pdv{L}{w}{x} = 2 w x - t",
        r"\pdv{w} \qty(\frac{1}{2} (w x - t)^2) = (w x - t) x",
        r"\odv{L}{w} = \left( w x^2 - t x \over 1 \right)",
        r"\grad_w L = (w x - t) x",
    ],
)
def test_a_claim_is_judged_as_the_formula_that_is_printed(claim: str) -> None:
    model = eg.parse(r"L = {1 \over 2} \qty(w x - t)^2")
    assert model.check(claim, latex=True).outcome == "right"
    assert model.check(f"{claim} + x", latex=True).outcome == "wrong"


def test_the_caret_stands_under_the_command() -> None:
    model = eg.parse("L = w x")
    with pytest.raises(eg.EingradError) as error:
        model.check(r"\pdv{L}{w} = \pdv{L}{}", latex=True)
    assert error.value.position is not None
    assert error.value.position.column == 14
