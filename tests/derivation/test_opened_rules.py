"""Rules that derivations cite, derived from what functions are on paper: all lines are equal."""

from __future__ import annotations

import re

import numpy as np
import pytest

import eingrad as eg
from eingrad.core.functions import AXIS_FUNCTIONS, FUNCTIONS
from eingrad.derivation.opened_rules import function_rule
from eingrad.notation.text import to_text

DEFINED = [n for table in (FUNCTIONS, AXIS_FUNCTIONS) for n, row in table.items() if row.on_paper]
X = np.array([0.7, -1.2, 0.4, 1.9])


@pytest.mark.parametrize("name", DEFINED)
def test_a_function_is_what_its_record_says_on_paper(name: str) -> None:
    axes = name in AXIS_FUNCTIONS
    row = AXIS_FUNCTIONS[name] if axes else FUNCTIONS[name]
    left = "y_i" if not axes or AXIS_FUNCTIONS[name].keeps_axes else "y"
    call = f"{left} = {name}_i(x_i)" if axes else f"y_i = {name}(x_i)"
    on_paper = row.on_paper if axes else re.sub(r"\bx\b", "x_i", row.on_paper)
    paper = f"{left} = {on_paper}"
    found, written = (eg.parse(text).compile(dtype="float64")(x=X)["y"] for text in (call, paper))
    np.testing.assert_allclose(found, written, rtol=1e-12)


@pytest.mark.parametrize("name", DEFINED)
def test_every_line_of_an_opened_rule_is_right(name: str) -> None:
    """Each line is read again beside the definitions, and its value checked."""
    rule = function_rule(name)
    assert rule is not None
    definitions = [f"{s.before} = {s.after}" for s in rule.steps if s.rule == "definition"]
    model = eg.parse("\n".join(definitions))
    head, judged = "", 0
    for step in rule.steps:
        head = to_text(step.left) if step.left is not None else head
        if step.rule == "definition" or "d[" in step.after:
            continue
        verdict = model.check(f"{head} = {step.after}")
        assert verdict.ok, str(verdict)
        judged += 1
    assert judged >= 1


def test_the_softmax_jacobian_is_derived_as_on_paper() -> None:
    """S = sum exp, the quotient rule, the delta, and y put in: the steps of a page on MLPs."""
    rule = function_rule("softmax")
    assert rule is not None
    assert [(s.after, s.rule) for s in rule.steps][-4:] == [
        ("(S d[exp(x_i)]/dx_j - exp(x_i) dS/dx_j) / S^2", "quotient rule"),
        ("delta_ij exp(x_i) / S - exp(x_i) exp(x_j) / S^2", "exp derivative"),
        ("exp(x_i) (delta_ij - exp(x_j) / S) / S", "common factors pulled out"),
        ("y_i (delta_ij - y_j)", "definition of y"),
    ]


def test_the_einsum_rule_is_derived_for_the_model() -> None:
    found = eg.parse("A_bh = X_bi W_ih\nL = sum_bh(tanh(A_bh))").grad("L", "W")
    shown = found.text(explain=True)
    rule = shown[shown.index("\neinsum rule\n") :]
    assert "dA_bh/dW_ij = delta_hj X_bi" in rule
    assert "dL/dW_ij    = dL/dA_bh dA_bh/dW_ij" in rule
    assert "delta_hj X_bi" in rule
    assert "X_bi dL/dA_bj" in rule


def test_every_format_opens_rules() -> None:
    found = eg.parse("p_i = softmax_i(a_i)\nL = -sum_i(t_i log(p_i))").grad("L", "a")
    assert "quotient rule" not in found.text()
    for shown in (found.text(explain=True), found.latex(explain=True), found.html(),
                  found.markdown(explain=True), found.json(explain=True)):  # fmt: skip
        assert "quotient rule" in shown
