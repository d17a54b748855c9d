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
TJ = r"\frac{\partial}{\partial \theta_j}"
SUM = EACH = r"\sum_b e^{\theta^\top x(s, b)}"
BESIDE = "right if nothing beside {} depends on it"
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
    # a row times a column, by an entry of the row
    ("", rf"{TJ} \ln e^{{\theta^\top x(s, a)}} = x(s, a)_j", BESIDE.format(r"\theta_j")),
    ("", rf"{TJ} \ln e^{{\theta^\top x(s, a)}} = 2 x(s, a)_j", ""),
    ("", rf"{TJ} \ln e^{{\theta^\top x(s, a)}} = x(s, a)_i", ""),
    ("", rf"{TJ} \ln {SUM} = \frac{{1}}{{{SUM}}} {EACH} x(s, b)_j", BESIDE.format(r"\theta_j")),
    ("", rf"{TJ} \ln {SUM} = {EACH} x(s, b)_j", ""),
    ("", rf"{TJ} (\theta^\top x(s, a) + \theta_k) = x(s, a)_j", ""),  # k may be j
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


def last_of(folder: Path, text: str) -> eg.JudgedFormula:
    """Return what is found of the last formula of a document."""
    path = folder / "a.md"
    path.write_text(text, encoding="utf-8")
    return eg.check_document(path).formulas[-1]


POLICY, VALUE = r"\pi(a|s)", r"q(s, a)"
F, G, SUM = "f_j(y_l)", "f_k(y_l)", r"\sum_{k \neq l}"
QUOTIENTS = rf"\frac{{\nabla_{{y_l}} {F}}}{{{SUM} {G}}}"
DP = r"\frac{\partial p(x; w)}{\partial w}"
# functions of arguments that nothing defines: the rules of products, quotients and logarithms
APPLIED = [
    (rf"\nabla \log {POLICY}", rf"\frac{{\nabla {POLICY}}}{{{POLICY}}}", "right"),
    (rf"\nabla \log {POLICY}", rf"\frac{{\nabla {POLICY}}}{{2 {POLICY}}}", "not judged"),
    (rf"\nabla \log {POLICY}", rf"\frac{{\nabla {POLICY}}}{{\pi(b|s)}}", "not judged"),
    (rf"\sum_a {POLICY} \nabla \log {POLICY}", r"\nabla \sum_b \pi(b|s)", "right"),
    (rf"\nabla \left[ \sum_a {POLICY} {VALUE} \right]",
     rf"\sum_a \left[ \nabla {POLICY} {VALUE} + {POLICY} \nabla {VALUE} \right]", "right"),
    (rf"\nabla \left[ \sum_a {POLICY} {VALUE} \right]",
     rf"\sum_a \left[ \nabla {POLICY} {VALUE} - {POLICY} \nabla {VALUE} \right]", "not judged"),
    (r"\frac{\partial}{\partial w} \log p(x; w)", rf"\frac{{1}}{{p(x; w)}} {DP}", "right"),
    (r"\frac{\partial}{\partial w} p(x; w)^3", rf"3 p(x; w)^2 {DP}", "right"),
    (r"\frac{\partial}{\partial w} p(x; w)^3", rf"3 p(x; w) {DP}", "not judged"),
    (rf"\nabla_{{y_l}} \left( \frac{{{F}}}{{{SUM} {G}}} \right)",
     rf"{QUOTIENTS} - \frac{{{F} {SUM} \nabla_{{y_l}} {G}}}{{({SUM} {G})^2}}", "right"),
    (rf"\nabla_{{y_l}} \left( \frac{{{F}}}{{{SUM} {G}}} \right)",
     rf"{QUOTIENTS} - \frac{{{F} {SUM} \nabla_{{y_l}} {G}}}{{{SUM} {G}^2}}", "not judged"),
    # what no plain name can stand for: functions of formulas, expectations, products with an order
    (r"\frac{\partial}{\partial t} s(s^{-1}(t))", "1", "not judged"),
    (r"\frac{d}{dt} E[x(t) y(t)]", r"\frac{d}{dt} E[x(t)] y(t)", "not judged"),
    (r"\frac{d}{dt} (A(t) B(t) C W)", r"\frac{d}{dt} (A(t) B(t) W C)", "not judged"),
    (r"\nabla_w (X w)", "X", "not judged"),
]  # fmt: skip


@pytest.mark.parametrize(("left", "side", "outcome"), APPLIED)
def test_functions_of_arguments(tmp_path: Path, left: str, side: str, outcome: str) -> None:
    assert last_of(tmp_path, f"So\n\n$$ {left} = {side} $$\n").outcome == outcome


DU, DH, HU = (rf"\frac{{d {of}}}{{d {by}}}" for of, by in (
    ("u_t", "w"), ("h_{t-1}", "w"), ("h_{t-1}", "o_{t-1}")))  # fmt: skip
OW = r"\frac{d o_{t-1}}{d w}"
# with this the first of two sides is right if h alone depends on w
GIVEN = "$$ u_t = x_t w + v h_{t-1} $$\n\n"
FOLLOWS = (
    "right if line 3 is, and if h_{t-1} depends on w through o_{t-1} alone: it follows from that"
)
STEPS = [
    (rf"x_t + v {DH}", rf"x_t + v {HU} {OW}", FOLLOWS),
    (rf"x_t + v {DH}", rf"x_t + v {OW} {HU}", FOLLOWS),
    (rf"x_t + v {DH}", rf"x_t - v {HU} {OW}", ""),
    (rf"x_t + v {DH}", rf"x_t + v \frac{{d o_{{t-1}}}}{{d h_{{t-1}}}} {OW}", ""),
]  # fmt: skip
# from a side that nothing judges, which may itself be a mistake, nothing follows
UNJUDGED = [
    (rf"x_t + v {DH}", rf"x_t + v {HU} {OW}"),
    (r"\frac{1}{p(t)} p(t) (1 - p(t)) x_t", "(1 - p(t)) x_t"),
    (r"0.562 \cdot 0.246", "0.138"),
    (r"\log a(t) b(t) x_t", r"\log b(t) c(t) x_t"),
    ("W_1 W_2 x_t", "W_2 W_1 x_t"),
    (rf"x_t + v {DH}", rf"x_t + v {DH}"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "side", "reason"), STEPS)
def test_a_step_between_sides(tmp_path: Path, before: str, side: str, reason: str) -> None:
    last = last_of(tmp_path, GIVEN + f"$$ {DU} = {before} $$\n\n$$ {DU} = {side} $$\n")
    assert last.outcome == ("right if" if reason else "not judged")
    assert not reason or last.reason == reason


@pytest.mark.parametrize(("before", "side"), UNJUDGED)
def test_a_step_from_what_is_not_judged(tmp_path: Path, before: str, side: str) -> None:
    last = last_of(tmp_path, f"$$ {DU} = {before} $$\n\n$$ {DU} = {side} $$\n")
    assert last.outcome == "not judged"


def test_a_step_from_an_unjudged_value_of_a_curve(tmp_path: Path) -> None:
    text = r"$$ x = t^2, \quad y = t^3 $$" "\n\n" r"$$ \frac{d^2 y}{dx^2} = \frac{6t}{2} = 3t $$"
    assert last_of(tmp_path, text).outcome in {"not judged", "wrong"}  # it is 3 / (4 t)


def test_a_step_from_what_is_wrong_is_none(tmp_path: Path) -> None:
    slope = r"\frac{dL}{dx}"
    text = f"$$ L = x^2 $$\n\n$$ {slope} = 3 x $$\n\n$$ {slope} = x + x + x $$\n"
    assert last_of(tmp_path, text).outcome == "wrong"


@pytest.mark.parametrize(("left", "kind"), [
    (r"\frac{\partial}{\partial \phi} \sum_i \log \mathcal{N}(x_i; \phi)", "other"),
    (r"\nabla J", "other"),
    (r"\frac{\partial p_i}{\partial x_j}", "claim"),
    (r"\frac{\partial u}{\partial z_j}", "claim"),
])  # fmt: skip
def test_what_is_set_to_zero(tmp_path: Path, left: str, kind: str) -> None:
    assert last_of(tmp_path, f"So\n\n$$ {left} = 0 $$\n").kind == kind


@pytest.mark.parametrize("text", [
    r"\frac{\partial^2 \ell(y; \theta)}{\partial \theta \partial \theta^\top} = X^\top W X",
    r"\frac{1}{\frac{\partial^2 A(t)}{\partial t^2}} = \frac{\partial t}{\partial \mu}",
])  # fmt: skip
def test_a_second_derivative_stays_a_statement(tmp_path: Path, text: str) -> None:
    last = last_of(tmp_path, f"So\n\n$$ {text} $$\n")
    assert (last.kind, last.outcome) == ("claim", "not judged")
    assert "mistake of eingrad" not in last.reason
