"""What a derivation prints is what it computes: its lines, read again, give the same numbers."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, reject
from random_models import RandomModel
from seeds import examples
from strategies import models
from test_models import assert_close

import eingrad as eg
from eingrad.api.models.model_derivatives import Derivatives
from eingrad.notation.latex import to_latex
from eingrad.notation.notes import notes_on
from eingrad.notation.syntax import Assignment, Symbol

oracle = pytest.importorskip("torch_oracle")

LATEX_DERIVATIVE = re.compile(
    r"\\frac\{\\partial L\}\{\\partial (\w+)(?:\^\{\((\d+)\)\})?(_\{[^{}]*\})?\}"
)


def text_of(found: Derivatives, name: str) -> str:
    """Return ``dL/dW_ih = ...`` as ``gW_ih = ... + 0 W_ih``, which says how long its axes are."""
    line = str(found[name])
    tied = f"{line} + 0 {line.split(' = ', maxsplit=1)[0].removeprefix('dL/d')}"
    return re.sub(r"dL/d(?=\w)", "g", tied)


def last_step_of(found: Derivatives, name: str) -> str:
    """Return the last line of a section, which speaks of other derivatives by name, likewise."""
    head = str(found[name]).split(" = ")[0]
    tied = f"{head} = {found.steps(name)[-1].after} + 0 {head.removeprefix('dL/d')}"
    return re.sub(r"dL/d(?=\w)", "g", tied)


def latex_of(found: Derivatives, name: str) -> str:
    r"""Return ``\frac{\partial L}{\partial W_{ih}} = ...`` likewise, as ``\mathrm{gW}_{ih}``."""
    own = to_latex(Symbol(name, found[name].labels))
    return latex_statement(f"{to_latex(found[name].formula)} + 0 {own}")


def last_step_in_latex(found: Derivatives, name: str) -> str:
    """Return the last line of a section in LaTeX."""
    last = found.steps(name)[-1].right
    assert last is not None
    line = to_latex(Assignment(found[name].formula.target, last))
    return latex_statement(f"{line} + 0 {to_latex(Symbol(name, found[name].labels))}")


def latex_statement(line: str) -> str:
    r"""Replace ``\frac{\partial L}{\partial W^{(1)}_{ij}}`` by ``\mathrm{gW1}_{ij}``."""
    whole = LATEX_DERIVATIVE.sub(lambda m: rf"\mathrm{{g{m[1]}{m[2] or ''}}}" + (m[3] or ""), line)
    assert r"\partial" not in whole
    return whole


def read_back(
    model: RandomModel, statement: Callable[[Derivatives, str], str], latex: bool = False
) -> None:
    """Compile a model with its printed gradients as further statements, and compare."""
    arrays = model.arrays()
    value, gradients, tame = oracle.reference(model, arrays)
    assume(tame)
    original = eg.parse(model.text)
    wrt = [*model.inputs, *(s.name for s in model.statements if s.name != "L")]
    found = original.grad("L", wrt)
    lines = list(map(to_latex, original.statements)) if latex else [model.text]
    text = "\n".join([*lines, *(statement(found, name) for name in wrt)])
    try:
        extended = eg.parse_latex(text) if latex else eg.parse(text)
    except eg.NotationError as error:
        # a letter that means two dimensions, and is of one of them in a condition alone
        if "has no label" in str(error) and re.search(r"where|cases", text):
            reject()
        raise
    result = extended.compile(["L", *(f"g{name}" for name in model.inputs)])(**arrays)
    assert_close(result, {"L": value, **{f"g{name}": x for name, x in gradients.items()}})


@examples(200)
@given(models())
def test_printed_gradients_read_back(model: RandomModel) -> None:
    """With formulas put in the place of the derivatives that they are made of."""
    read_back(model, text_of)


@examples(200)
@given(models())
def test_last_steps_read_back(model: RandomModel) -> None:
    read_back(model, last_step_of)


@examples(200)
@given(models())
def test_gradients_in_latex_read_back(model: RandomModel) -> None:
    read_back(model, latex_of, latex=True)


@examples(200)
@given(models())
def test_last_steps_in_latex_read_back(model: RandomModel) -> None:
    read_back(model, last_step_in_latex, latex=True)


@examples(200)
@given(models())
def test_no_line_of_a_hessian_has_two_readings(model: RandomModel) -> None:
    original = eg.parse(model.text)
    first = next(iter(model.inputs))
    for found in (original.grad("L", first), original.hessian("L", first)):
        for formula in (found[name].formula for name in found):
            assert list(notes_on(formula)) == []


# --- models whose gradients did not read back once --------------------------------------------

TWO_DIMENSIONS_CALLED_J = """\
V_j = sin(A_j)
L = sum_j(V_j) + C sum_j(C D_jj / D_jj)
"""


@pytest.mark.parametrize("latex", [False, True])
def test_the_extent_of_a_letter_with_two_meanings_is_that_of_a_tensor(latex: bool) -> None:
    """``dL/dC = 2 C size(j)`` would not say which j."""
    model = eg.parse(TWO_DIMENSIONS_CALLED_J)
    found = model.grad("L", "C")
    assert str(found["C"]) == "dL/dC = 2 C size_j(D_jj)"
    arrays = {"A": [1.0, 2.0], "C": 3.0, "D": [[1.0, 2.0, 3.0]] * 3}
    lines = list(map(to_latex, model.statements)) if latex else [TWO_DIMENSIONS_CALLED_J]
    text = "\n".join([*lines, (latex_of if latex else text_of)(found, "C")])
    extended = eg.parse_latex(text) if latex else eg.parse(text)
    assert float(extended.compile(["gC"])(**arrays)["gC"]) == 18


@pytest.mark.parametrize(
    "text",
    [
        # two terms, in which one letter stood for two dimensions, and the extent of one of them
        "V1_rk = sqrt(A_kr)\nV2_q = cos(log_softmax_q(B_q))\nV3_jq = cos(softmax_j(V2_j))\n"
        "L = sum_j(V2_j log1p(B_j)) + mean_jq(V3_jq B_j) + sum_jq(V3_jq C_jq) + sum_kr(V1_kr)",
        # reverse_cumsum_r of what only repeats along r
        "V_jr = cumsum_r(sin(A_jr))\nL = B_i B_i sum_jr(V_jr) + sum_iq(C_iq)",
    ],
)
def test_rare_gradients_read_back(text: str) -> None:
    model = eg.parse(text)
    names = [*model.inputs, *(name for name in model.outputs if name != "L")]
    found = model.grad("L", names)
    extended = eg.parse("\n".join([text, *(text_of(found, name) for name in found)]))
    shapes = {"A": (2, 3), "B": (4,), "C": (4, 5)}
    arrays = {name: 0.5 + np.random.default_rng(0).random(s) for name, s in shapes.items()}
    computed = found.compile()(**arrays)
    printed = extended.compile([f"g{name}" for name in model.inputs])(**arrays)
    for name in model.inputs:
        np.testing.assert_allclose(printed[f"g{name}"], computed[f"dL/d{name}"], rtol=1e-12)
