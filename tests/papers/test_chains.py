"""Chain rules of functions that nothing defines: the sum over all ways, each once, and no more.

What holds is the chain rule of analysis: of f(x(t), y(t)) the derivative is the sum over x and y.
The others take a way twice, sum over what is not there, or change the two ends of a derivative.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import eingrad as eg


def d(of: str, by: str) -> str:
    """Return a derivative."""
    return rf"\frac{{\partial {of}}}{{\partial {by}}}"


LW, LZ, ZW = d("L", "w"), d("L", "z"), d("z", "w")
LA, AZ = d("L", "a"), d("a", "z")
BRANCHES = rf"{LZ} \left( {d('z', 'a')} {d('a', 'w')} + {d('z', 'b')} {d('b', 'w')} \right)"
ELL, BETA = r"\ell(y; \theta)", r"\beta_j"
OF_ELL = d(ELL, r"\theta") + d(r"\theta", BETA)
WAYS = rf"{d('u', 'x')} {d('x', 'r')} + {d('u', 'y')} \cdot {d('y', 'r')}"
CHAINS = [
    (LW, rf"{LZ} {ZW}", "L depends on w through z alone"),
    (LW, rf"{ZW} \times {LZ}", "L depends on w through z alone"),  # numbers, or columns
    (r"\frac{dE_{tot}}{dw_5}", r"\frac{dE_{tot}}{d out_1} * \frac{d out_1}{dw_5}",
     "E_{tot} depends on w_5 through out_1 alone"),
    (d("u", "r"), WAYS, "u depends on r through x and through y alone"),
    (d("z", "t_i"), rf"\sum_{{j=1}}^{{n}} {d('z', 'x_j')} {d('x_j', 't_i')}",
     "z depends on t_i through x_j alone"),
    (LW, f"{LA} {AZ} {ZW}", "L depends on w through z, then a alone"),
    (LW, BRANCHES, "L depends on w through a, then z and through b, then z alone"),
    (d("z", "t"), rf"{d('z', 'x_1')} {d('x_1', 't')} + {d('z', 'x_2')} {d('x_2', 't')} + \cdots",
     "z depends on t through x_1 and through x_2 and so on alone"),
    (LW, rf"{d('L', 'z_n')} {d('z_n', 'z_{n-1}')} \cdots {d('z_2', 'z_1')} {d('z_1', 'w')}",
     r"L depends on w through z_1, then \dots, then z_{n-1}, then z_n alone"),
    (r"\frac{d}{du} f(x)", r"\frac{df}{dg} \frac{dg}{du}", "f depends on u through g alone"),
    (d(r"\mathcal{L}(w)", "w"), d(r"\mathcal{L}", "z") + ZW,
     r"\mathcal{L} depends on w through z alone"),
    (d(ELL, BETA), OF_ELL, r"\ell depends on \beta_j through \theta alone"),
]  # fmt: skip
NO_CHAINS = [
    rf"{LZ} {d('w', 'z')}",
    rf"{d('z', 'L')} {ZW}",
    rf"2 {LZ} {ZW}",
    rf"{LZ} {ZW} + {LZ} {ZW}",
    rf"{LZ} {ZW} - {d('L', 'y')} {d('y', 'w')}",
    rf"\sum_j {LZ} {ZW}",
    rf"\sum_{{j \neq k}} {d('L', 'z_j')} {d('z_j', 'w')}",
    rf"{d('L', 'z_j')} {d('z_k', 'w')}",
    rf"{LA} {AZ} {ZW} + {LZ} {ZW}",  # the first is one of what L does through z
    rf"{AZ} {LA} {ZW}",  # in no order of matrices
    rf"{LZ} {ZW} + \dots",
    r"\frac{\partial}{\partial z} L z \frac{\partial z}{\partial w}",
    rf"{LZ} \cdots {d('y', 'w')}",
    rf"\frac{{{LZ}}}{{{d('w', 'z')}}}",
    rf"{LZ} {ZW} \bigg|_{{w = 0}}",
    r"\frac{\partial^2 L}{\partial z^2} \frac{\partial z^2}{\partial w}",
]  # fmt: skip


def last_of(folder: Path, text: str) -> eg.JudgedFormula:
    """Return what is found of the last formula of a document."""
    path = folder / "a.md"
    path.write_text(text, encoding="utf-8")
    return eg.check_document(path).formulas[-1]


@pytest.mark.parametrize(("left", "side", "condition"), CHAINS)
def test_a_chain_rule_of_any_functions(
    tmp_path: Path, left: str, side: str, condition: str
) -> None:
    last = last_of(tmp_path, f"The chain rule says\n\n$$ {left} = {side} $$\n")
    assert (last.outcome, last.reason) == ("right if", f"right if {condition}")
    assert last.read


@pytest.mark.parametrize("side", NO_CHAINS)
def test_what_is_no_chain_rule_of_any_functions(tmp_path: Path, side: str) -> None:
    last = last_of(tmp_path, f"The chain rule says\n\n$$ {LW} = {side} $$\n")
    assert last.outcome == "not judged"


def test_a_sum_over_the_variable_itself_is_none(tmp_path: Path) -> None:
    left, side = d("L", "w_i"), rf"\sum_i {d('L', 'z_i')} {d('z_i', 'w_i')}"
    assert last_of(tmp_path, f"So\n\n$$ {left} = {side} $$\n").outcome == "not judged"


def test_what_a_document_defines_comes_first(tmp_path: Path) -> None:
    """Of L = z^2 + w with z = 3 w the chain through z lacks 1."""
    text = f"$$ z = 3 w $$\n\n$$ L = z^2 + w $$\n\n$$ {LW} = {LZ} {ZW} $$\n"
    assert last_of(tmp_path, text).outcome == "wrong"


def entries(*by: str) -> str:
    """Return derivatives of f, one below the other; dots stay."""
    return r" \\ ".join(x if "dots" in x else d("f", x) for x in by)


def column(*by: str) -> str:
    """Return them as a column."""
    return rf"\begin{{bmatrix}} {entries(*by)} \end{{bmatrix}}"


WIDE = (
    rf"\begin{{pmatrix}} {d('f', 'W_{11}')} & \cdots & {d('f', 'W_{1n}')} \\ "
    r"\vdots & \ddots & \vdots \\ "
    rf"{d('f', 'W_{m1}')} & \cdots & {d('f', 'W_{mn}')} \end{{pmatrix}}"
)
GRADIENTS = [
    (r"\nabla f(x_1, \dots, x_n)", column("x_1", r"\vdots", "x_n"), "right"),
    (r"\nabla f(\mathbf{x})", column("x_1", "x_2", r"\vdots", "x_n") + "^T", "right"),
    (r"\nabla_{\mathbf{x}} f", column("x_1", "x_2"), "right"),
    (r"\nabla f", rf"\left[ {d('f', 'x')}, {d('f', 'y')} \right]", "right"),
    (d("f", "W"), WIDE, "right"),
    (d("f", "W"), WIDE.replace("W_{1n}", "W_{n1}").replace("W_{m1}", "W_{1m}"), "not judged"),
    (r"\nabla_w f", column("x_1", "x_2"), "not judged"),
    (r"\nabla g", column("x_1", "x_2"), "not judged"),
    (r"\nabla f", column("x_1", r"\vdots", "x_1"), "not judged"),
]


@pytest.mark.parametrize(("left", "side", "outcome"), GRADIENTS)
def test_a_gradient_written_out(tmp_path: Path, left: str, side: str, outcome: str) -> None:
    """It is one of any function: what the entries are is what a gradient means."""
    last = last_of(tmp_path, f"Let\n\n$$ {left} = {side} $$\n")
    assert last.outcome == outcome, last.reason
    assert (last.reason == "what it is by its definition, of any function") == (outcome == "right")


def test_where_a_derivative_is_zero_is_no_statement(tmp_path: Path) -> None:
    """It is an equation to be solved; one that holds everywhere is a statement."""
    text = "$$ L = (x - a)^2 + b $$\n\n"
    solved = last_of(tmp_path, f"{text}$$ {d('L', 'x')} = 0 $$\n")
    assert (solved.kind, solved.outcome) == ("other", "not judged")
    text = "$$ p_i = \\frac{e^{x_i}}{\\sum_j e^{x_j}}, \\quad S = \\sum_i p_i $$\n\n"
    always = last_of(tmp_path, f"{text}$$ {d('S', 'x_k')} = 0 $$\n")
    assert (always.kind, always.outcome) == ("claim", "right")
