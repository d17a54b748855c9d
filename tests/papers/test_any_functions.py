"""Equalities that hold for any functions of a variable: the rules of products and quotients.

Each right one is a rule of differentiation; the others have a sign, a factor or an index changed,
or hold for some functions alone.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import eingrad as eg

DUX, DVX = r"\frac{du}{dx}", r"\frac{dv}{dx}"
UK, UJ, VJ = (rf"\frac{{\partial {a}}}{{\partial {b}}}" for a, b in (
    ("u_k", "z_j"), ("u_j", "z_k"), ("v", "z_j")))  # fmt: skip
ERROR = r"$$ E = \frac{1}{2} \sum_d (t_d - o_d)^2 $$"
QUOTIENT = r"$$ p_i = \frac{u_i}{v} $$"
EW = r"\frac{\partial E}{\partial w_i}"
PZ = r"\frac{\partial p_k}{\partial z_j}"
OW = r"\frac{\partial o_d}{\partial w_i}"
ALWAYS, ALONE = "right whatever functions of {} it speaks of", "right if {} alone depends on {}"
CASES = [
    ("", rf"\frac{{d}}{{dx}} (u v) = u {DVX} + v {DUX}", ALWAYS.format("x")),
    ("", rf"\frac{{d}}{{dx}} (u v) = u {DVX} - v {DUX}", ""),
    ("", rf"\frac{{d}}{{dx}} \left( \frac{{u}}{{v}} \right) = \frac{{v {DUX} - u {DVX}}}{{v^2}}",
     ALWAYS.format("x")),
    ("", rf"\frac{{d}}{{dx}} \left( \frac{{u}}{{v}} \right) = \frac{{v {DUX} - u {DVX}}}{{v}}", ""),
    ("", rf"\frac{{d}}{{dx}} \ln u = \frac{{1}}{{u}} {DUX}", ALWAYS.format("x")),
    ("", rf"\frac{{d}}{{dx}} u^2 = 2 u {DUX}", ALWAYS.format("x")),
    ("", r"\frac{d}{dx} u^2 = 2 u", ""),
    ("", r"\frac{d}{dx} u = \frac{u}{x}", ""),  # of multiples of x alone
    (ERROR, rf"{EW} = \sum_d (t_d - o_d) \frac{{\partial}}{{\partial w_i}} (t_d - o_d)",
     ALWAYS.format("w")),
    (ERROR, rf"{EW} = -\sum_d (t_d - o_d) {OW}", ALONE.format("o", "w")),  # data do not
    (ERROR, rf"{EW} = \sum_d (t_d - o_d) {OW}", ""),
    (ERROR, rf"{EW} = \sum_d (t_d - o_d) x_{{di}}", ""),
    (QUOTIENT, rf"{PZ} = \frac{{v {UK} - u_k {VJ}}}{{v^2}}", ALWAYS.format("z")),
    (QUOTIENT, rf"{PZ} = \frac{{v {UJ} - u_k {VJ}}}{{v^2}}", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "claim", "reason"), CASES)
def test_what_holds_for_any_functions(tmp_path: Path, text: str, claim: str, reason: str) -> None:
    path = tmp_path / "a.md"
    path.write_text(f"{text}\n\n$$ {claim} $$\n", encoding="utf-8")
    last = eg.check_document(path).formulas[-1]
    outcome = "right if" if reason.startswith("right if") else "right"
    assert last.outcome == (outcome if reason else "not judged"), last.reason
    assert not reason or last.reason == reason


# a function of one argument, and what its gradient is without it
SQUARES, REST = r"\|A \mathbf{x} - \mathbf{b}\|^2", r"(A \mathbf{x} - \mathbf{b})"
BY_ITSELF = [
    (rf"f(\mathbf{{x}}) = {SQUARES}", rf"\nabla f = 2 A^T {REST}", "right"),
    (rf"f(\mathbf{{x}}) = {SQUARES}", rf"\nabla f = A^T {REST}", "wrong"),
    (rf"f(\mathbf{{x}}) = {SQUARES}", r"\nabla^2 f = 2 A^T A", "right"),
    (rf"f = {SQUARES}", rf"\nabla f = 2 A^T {REST}", "not judged"),  # by x or by b
]


@pytest.mark.parametrize(("text", "claim", "outcome"), BY_ITSELF)
def test_a_gradient_is_by_the_argument(tmp_path: Path, text: str, claim: str, outcome: str) -> None:
    path = tmp_path / "a.md"
    path.write_text(f"$$ {text} $$\n\n$$ {claim} $$\n", encoding="utf-8")
    assert eg.check_document(path).formulas[-1].outcome == outcome


def test_a_derivative_defines_what_it_is_of_as_far_as_it_goes(tmp_path: Path) -> None:
    """J may have terms without w, and so nothing by b is wrong."""
    fit = r"\frac{1}{2} \sum_i (w x_i + b - y_i)^2"
    lines = [
        rf"\frac{{\partial J}}{{\partial w}} = \frac{{\partial}}{{\partial w}} {fit}",
        r"\frac{\partial J}{\partial w} = \sum_i (w x_i + b - y_i) x_i",
        r"\frac{\partial J}{\partial w} = 2 \sum_i (w x_i + b - y_i) x_i",
        r"\frac{\partial J}{\partial b} = \sum_i (w x_i + b - y_i) + b",
    ]
    path = tmp_path / "a.md"
    path.write_text("\n\n".join(f"$$ {line} $$" for line in lines), encoding="utf-8")
    first, *others = eg.check_document(path).formulas
    assert first.kind == "definition"
    assert [f.outcome for f in others] == ["right", "wrong", "not judged"]


def test_a_function_without_its_argument_is_one_of_its_examples(tmp_path: Path) -> None:
    """f of df/dz_i is f_i where the text writes f(x_i): ln(1 + e^-z) has the slope -e^-z / ..."""
    slope = r"\frac{e^{-z_i}}{1 + e^{-z_i}}"
    lines = [
        r"z_i = w x_i",
        r"f(x_i) = \ln(1 + e^{-z_i})",
        r"J = \frac{1}{N} \sum_{i=1}^{N} f(x_i)",
        r"\frac{dJ}{dw} = \frac{1}{N} \sum_{i=1}^{N} \frac{df}{dz_i} \frac{dz_i}{dw}",
        rf"\frac{{df}}{{dz_i}} = -{slope}",
        rf"\frac{{df}}{{dz_i}} = {slope}",
    ]
    path = tmp_path / "a.md"
    path.write_text("\n\n".join(f"$$ {line} $$" for line in lines), encoding="utf-8")
    found = eg.check_document(path).formulas
    assert [f.outcome for f in found[3:]] == ["right", "right", "wrong"]


@pytest.mark.parametrize(("claim", "kind"), [
    (r"\Delta w_i = -\eta \frac{\partial E}{\partial w_i}", "other"),
    (r"\Delta \vec{w} = -\alpha \nabla E", "other"),
    (r"\Delta w_i = v_i - u_i", "claim"),
])  # fmt: skip
def test_a_step_is_no_statement(tmp_path: Path, claim: str, kind: str) -> None:
    path = tmp_path / "a.md"
    path.write_text(f"$$ E = \\sum_i w_i^2 $$\n\n$$ {claim} $$\n", encoding="utf-8")
    assert eg.check_document(path).formulas[-1].kind == kind


# functions of several numbers, and what nothing says beside them
OF_T = r"z = f(x, y), \quad x = g(t), \quad y = h(t)"
FX, FY = r"\frac{\partial f}{\partial x}", r"\frac{\partial f}{\partial y}"
DF = r"\frac{\partial f}{\partial \theta}"
FITS = r"\hat y_i = f(x_i, w), \quad L = \sum_i (y_i - \hat y_i)^2"
FW = r"\frac{\partial f(x_i, w)}{\partial w}"
OF_SEVERAL = [
    (OF_T, rf"\frac{{dz}}{{dt}} = {FX} \frac{{dx}}{{dt}} + {FY} \frac{{dy}}{{dt}}", "right"),
    (OF_T, rf"\frac{{dz}}{{dt}} = {FX} \frac{{dx}}{{dt}}", "wrong"),
    (r"z = f(x, y), \quad y = g(x)", rf"\frac{{dz}}{{dx}} = {FX} + {FY} g'(x)", "right"),
    (r"z = f(x, y), \quad y = g(x)", rf"\frac{{\partial z}}{{\partial x}} = {FX}", "not judged"),
    (r"z = f(x, y)", r"\frac{\partial^2 f}{\partial x \partial y}"
     r" = \frac{\partial^2 f}{\partial y \partial x}", "right"),
    (r"h_{t+1} = f(h_t, \theta)", rf"\frac{{\partial h_{{t+1}}}}{{\partial \theta}} = {DF}"
     r" + \frac{\partial f}{\partial h_t} \frac{\partial h_t}{\partial \theta}", "right"),
    (r"h_{t+1} = f(h_t, \theta)", rf"\frac{{\partial h_{{t+1}}}}{{\partial \theta}} = {DF}",
     "wrong"),
    (FITS, rf"\frac{{\partial L}}{{\partial w}} = -2 \sum_i (y_i - \hat y_i) {FW}", "right"),
    (FITS, rf"\frac{{\partial L}}{{\partial w}} = \sum_i (y_i - \hat y_i) {FW}", "wrong"),
    (r"p = f(x) \\ L = \ell(y, f(x))",
     r"\frac{\partial L}{\partial x} = \frac{\partial \ell}{\partial p} f'(x)", "right"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "claim", "outcome"), OF_SEVERAL)
def test_functions_of_several_numbers(tmp_path: Path, text: str, claim: str, outcome: str) -> None:
    path = tmp_path / "a.md"
    path.write_text(f"$$ {text} $$\n\n$$ {claim} $$\n", encoding="utf-8")
    assert eg.check_document(path).formulas[-1].outcome == outcome
