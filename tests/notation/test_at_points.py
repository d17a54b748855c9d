r"""Defined functions in claims, at other points, ``f(0)``, and powers before arguments, ``f^2(x)``.

The expected outcomes are worked out by hand.
"""

import pytest

import eingrad as eg

CLAIMS = {
    r"x(t) = A e^{-kt}": {
        r"x(0) = A": "right",
        r"\frac{dx}{dt} = -k x, \quad x(0) = A": "right",
        r"x(1) = A e^{-k}": "right",
        r"x(0) = 0": "not judged",  # a condition on A
    },
    r"f(x) = a x^2 + bx + c": {
        r"f(1) = a + b + c": "right",
        r"f(0) + f'(x) = c + 2ax + b": "right",
        r"f(a) = a^3 + ba + c": "right",
        r"f(a) = a x^2 + bx + c": "not judged",
        r"f(x) = c + x(ax + b)": "right",
    },
    r"L(\mu, \sigma^2) = \sigma^2 + \mu": {
        r"\frac{\partial}{\partial \mu} (L(\mu, \sigma^2)) = 1": "right",
        r"L(\mu, \sigma^2) = \mu + \sigma^2": "right",
    },
    r"f(x) = x + 1": {r"f(x^2) = x^2 + 1": "right", r"f(x^2) = x + 1": "wrong"},
    r"L(w) = (w - 1)^2": {
        r"L(1) = 0": "right",
        r"L(0) = 0": "wrong",
    },
    r"P(t) = \frac{K}{1 + A e^{-rt}}": {
        r"\frac{dP}{dt} = rP\left(1 - \frac{P}{K}\right)": "right",
        r"\frac{dP}{dt} = rP(1 - P/K)": "right",
        r"\frac{dP}{dt} = P(1 - P/K)": "wrong",
    },
    r"p(x) = \frac{1}{1 + e^{-wx}}": {
        r"\frac{dp}{dw} = xp(1-p)": "right",
        r"p'(x) = w p (1 - p)": "right",
    },
    r"V(S) = a S^2": {r"V(2S) = 4V(S)": "right", r"V(2S) = 2V(S)": "wrong"},
    r"f(x, y) = x^2 y": {
        r"f(1, 2) = 2": "right",
        r"f(2x, y) = 4 f(x, y)": "right",
        r"f(x, x) = x^3": "right",
        r"f(y, x) = x^2 y": "wrong",
    },
    r"f(x) = x^3": {
        r"f^2(x) = x^6": "right",
        r"f^2(x) = x^7": "wrong",
        r"f(f(x)) = x^9": "right",
        r"f(f(x)) = x^6": "wrong",
        r"f'^2(x) = 9x^4": "right",
        r"f'^2(x) = 3x^2": "wrong",
    },
    r"y(x) = a\cosh(x/a)": {
        r"y'^2 = \sinh^2(x/a)": "right",
        r"y'^2 = \sinh(x/a)": "wrong",
        r"y'' y = 1 + y'^2": "right",
    },
    r"y = f^2(x)": {r"\frac{dy}{dx} = 2f(x)f'(x)": "right", r"\frac{dy}{dx} = f(x)^2": "wrong"},
    r"y = \sigma^2(x)": {r"\frac{dy}{dx} = 2\sigma^2(x) (1 - \sigma(x))": "right"},
    r"y = \sigma^2(x - \mu)": {r"\frac{dy}{dx} = \sigma^2": "right"},
}
REFUSED = [
    (r"L(w) = (w - 1)^2", r"L(w + 1) = w^2"),
    (r"f(x) = a x^2 + b x + c", r"f(-b/(2a)) = c - \frac{b^2}{4a}"),
    (r"V(r) = k/r", r"\frac{dV}{dr} = -V(1/r)"),
    (r"m(v) = \frac{1}{\sqrt{1 - v^2}}", r"\frac{dm}{dv} = v m (1 - v^2)^{-1}"),
    (r"m(v) = \frac{1}{\sqrt{1 - v^2}}", r"\frac{dm}{dv} = v m(1 - v^2)^{-1}"),
    (r"f = x^2", r"f(2) = 4"),
    (r"y(x) = u^2, \quad u(x) = x / 2", r"y(2) = 1"),
    (r"f(x) = x^T A x, \quad x \in \mathbb{R}^n", r"f(2x) = 4 f(x)"),
    (r"f = x^2, \quad y = x + f^2(x)", r"\frac{dy}{dx} = 1"),
]


@pytest.mark.parametrize("model", CLAIMS)
def test_claims(model: str) -> None:
    parsed = eg.parse_latex(model)
    outcomes = {claim: parsed.check(claim, latex=True).outcome for claim in CLAIMS[model]}
    assert outcomes == CLAIMS[model]


@pytest.mark.parametrize(("model", "claim"), REFUSED)
def test_refused(model: str, claim: str) -> None:
    with pytest.raises(eg.NotationError):
        eg.parse_latex(model).check(claim, latex=True)
