r"""Derivatives by another name of a variable, and \partial beside d; verdicts derived by hand."""

import pytest

import eingrad as eg

QUADRATIC = r"f = x^T A x \\ z = x"
TWICE = r"f = x^T A x + z^T z \\ z = x"
LOG_DET = r"f = \log |\Sigma| \\ S = \Sigma"
CHAIN = r"f = \sum_i x_i^2 \\ z_i = x_i \\ w_i = z_i"
LISTED = r"F(x, y) = x^2 + y^2, \quad y = x^3"
PLAIN = r"F = x^2 + y^2 \\ y = x^3"
APART = r"F(x, y) = x^2 + y^2 \\ G = a x"
TOTAL = r"\frac{\partial F}{\partial x} + \frac{\partial F}{\partial y} \frac{dy}{dx}"
CASES = [
    (QUADRATIC, r"\frac{\partial f}{\partial z} = (A + A^T) z", "right"),
    (QUADRATIC, r"\frac{\partial f}{\partial z} = (A - A^T) z", "wrong"),
    (QUADRATIC, r"\frac{\partial f}{\partial z} = 0", "not judged"),  # as by x: a condition
    (QUADRATIC, r"\frac{\partial^2 f}{\partial z \partial z^T} = A + A^T", "right"),
    (TWICE, r"\frac{\partial f}{\partial z} = 2 z", "right"),  # f goes through z
    (LOG_DET, r"\frac{\partial f}{\partial S} = S^{-T}", "right"),
    (LOG_DET, r"\frac{\partial f}{\partial S} = 2 S^{-T}", "wrong"),
    (CHAIN, r"\frac{\partial f}{\partial w_i} = 2 w_i", "right"),
    (CHAIN, r"\frac{\partial f}{\partial w_i} = w_i", "wrong"),
    (LISTED, rf"\frac{{dF}}{{dx}} = {TOTAL}", "not judged"),
    (LISTED, rf"\frac{{dF}}{{dx}} = 2 {TOTAL}", "not judged"),
    (LISTED, r"\frac{\partial F}{\partial x} = 2 x", "not judged"),
    (LISTED, r"F_x = 2 x", "not judged"),
    (LISTED, r"\frac{\partial F}{\partial y} = 2 y", "right"),
    (LISTED, r"\frac{dF}{dx} = 2 x + 6 x^5", "right"),
    (LISTED, r"\frac{dF}{dx} = 2 x", "wrong"),
    (PLAIN, rf"\frac{{dF}}{{dx}} = {TOTAL}", "not judged"),
    (PLAIN, r"\frac{\partial F}{\partial x} = 2 x + 6 x^5", "right"),
    (PLAIN, r"\frac{dF}{dx} = 2 x + \frac{\partial F}{\partial y} \frac{dy}{dx}", "right"),
    (APART, r"\frac{\partial F}{\partial x} = 2 x", "right"),
    (APART, r"\frac{dF}{dx} = \frac{\partial F}{\partial x}", "right"),  # nothing between them
]


@pytest.mark.parametrize(("text", "claim", "expected"), CASES)
def test_what_is_held_fixed(text: str, claim: str, expected: str) -> None:
    verdict = eg.parse_latex(text).check(claim, latex=True)
    assert verdict.outcome == expected, verdict.reason


@pytest.mark.parametrize("text", ["x = t^2", "x = t^2\nz = x t", "x_t = x[t-1] - a g_t"])
@pytest.mark.parametrize("claim", ["dy/dx = 1", "dy/dx + dx/dx = 1", "dy/dt = 1", "dx/dy = 1"])
def test_a_derivative_of_nothing_is_refused(text: str, claim: str) -> None:
    with pytest.raises(eg.NotationError):
        eg.parse(text).check(claim)


def test_zero_by_another_name_is_wrong() -> None:
    model = eg.parse("f = sum_i(x_i^2)\nz_i = x_i")
    verdict = model.check("df/dz_i = 0")
    assert verdict.outcome == "wrong"
    assert "z is another name of x here" in verdict.notes
    assert model.check("df/dz_i = 2 z_i").ok


NEARLY_RIGHT = [
    ("y = pi x^2", "dy/dx = 6.283185307 x"),
    ("L = sum_i(sqrt(x_i^2 + 1e-10))", "dL/dx_i = sign(x_i)"),
    ("y = x / (sqrt(v) + 1e-8)", "dy/dv = -x / (2 v^1.5)"),
]


@pytest.mark.parametrize(("text", "claim"), NEARLY_RIGHT)
def test_repairs_do_not_undo_each_other(text: str, claim: str) -> None:
    """What is right but for a rounded number has neither a wrong sign nor a wrong factor."""
    verdict = eg.parse(text).check(claim)
    assert "sign is wrong" not in verdict.reason
    assert "factor" not in verdict.reason


# two numbers that a third one gives: the quotient of their derivatives, by hand
PARAMETERS = [
    (r"x = t^2 \\ y = t^3", r"\frac{dy}{dx} = \frac{3t}{2}", r"\frac{dy}{dx} = 3t^2"),
    (r"x = t^2 \\ y = t^3", r"\frac{dy}{dx} = \frac{dy/dt}{dx/dt}", r"\frac{dy}{dx} = t^3"),
    (r"V = \frac43\pi r^3 \\ S = 4\pi r^2", r"\frac{dV}{dS} = \frac r2", r"\frac{dV}{dS} = r"),
    (r"\eta = x\beta \\ \mu = e^\eta",
     r"\frac{d\eta}{d\mu} = \frac1\mu", r"\frac{d\eta}{d\mu} = \mu"),
    (r"p = \frac{1}{1 + e^{-\beta x}} \\ \eta = \ln\frac{p}{1-p}",
     r"\frac{dp}{d\eta} = p(1-p)", r"\frac{dp}{d\eta} = p"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "right", "wrong"), PARAMETERS)
def test_a_derivative_by_what_follows_the_same_parameter(
    model: str, right: str, wrong: str
) -> None:
    found = eg.parse_latex(model).check_each([right, wrong], latex=True)
    assert [v.outcome for v in found] == ["right", "wrong"]
    assert all(" is " in v.notes[-1] for v in found)


@pytest.mark.parametrize(
    ("model", "claim"),
    [
        (r"T = \frac12 m v^2 \\ p = mv", r"\frac{dT}{dp} = 0"),
        (r"T = \frac12 m v^2 \\ p = mv", r"\frac{dT}{dp} = v"),
        (r"s = ut + \frac12 at^2 \\ v = u + at", r"v\frac{dv}{ds} = a"),
        (r"q = a - bp \\ R = pq", r"\frac{dR}{dq} = p + q\frac{dp}{dq}"),
        (r"q = a - bp", r"\frac{dp}{dq} = 0"),
    ],
)
def test_how_one_follows_the_other_is_open(model: str, claim: str) -> None:
    (verdict,) = eg.parse_latex(model).check_each(claim, latex=True)
    assert verdict.outcome == "not judged"
    assert "the model does not say how" in verdict.reason
    assert not verdict.correct


def test_what_shares_no_variable_has_the_derivative_0() -> None:
    assert eg.parse("a = x^2\nb = y^2").check("da/db = 0").ok
