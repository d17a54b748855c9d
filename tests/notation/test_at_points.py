r"""Functions in claims: at points, ``f'(0)``, with powers before arguments, ``f^2(x)``; of books.

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
        r"f(-b/(2a)) = c - \frac{b^2}{4a}": "right",
        r"f(x + 1) - f(x) = 2ax + a + b": "right",
        r"f'(x + 1) = 2ax + b": "wrong",
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
    r"f(x) = x^3 + b": {
        r"\left. \frac{df}{dx} \right|_{x=2} = 12": "right",
        r"\left. \frac{df}{dx} \right|_{x=2} = 13": "wrong",
        r"\left. \frac{df}{dx} \right|_{2} = 12": "right",
        r"\frac{df}{dx}\Big|_{x=x_0} = 3x_0^2": "right",
        r"\frac{df}{dx}\Big|_{x_0} = 3x_0": "wrong",
        r"\frac{df}{dx}|_2 = 12": "right",
        r"\frac{d}{dx} x^3 |_{x=2} = 12": "right",
        r"3x^2 |_{x=2} = 12": "right",
        r"2\frac{df}{dx}|_{x=2} = 24": "right",
        r"f'(2) = 12": "right",
        r"f''(2) = 11": "wrong",
        r"f'(1) + f'(2) = 15": "right",
        r"f'(x_n) = 3x_n^2": "right",
        r"f'(2x) = 12x^2": "right",
        r"f'(b) = 3b^2": "right",
        r"f'(2) = 3x^2 = 12": "right",
        r"f'(x_0) = 3x^2": "wrong",
        r"\frac{df}{dx}(-1) = 3": "right",
        r"\frac{df(2)}{dx} = 12": "right",
        r"f(x_0) + f'(x_0)(x - x_0) = b - 2x_0^3 + 3x_0^2 x": "right",
        r"x_n - \frac{f(x_n) - b}{f'(x_n)} = \frac{2}{3} x_n": "right",
    },
    r"f(x, y) = x^2 y^3": {
        r"\left. \frac{\partial f}{\partial x} \right|_{x=2} = 4y^3": "right",
        r"\left. \frac{\partial f}{\partial x} \right|_{(x,y)=(2,3)} = 108": "right",
        r"\left. \frac{\partial f}{\partial x} \right|_{(2,3)} = 108": "right",
        r"\frac{\partial f}{\partial x}(2, 3) = 107": "wrong",
        r"f_y(2, 1) = 12": "right",
        r"\frac{\partial f(2, 1)}{\partial y} = 12": "right",
    },
    r"y = wx + b, \quad L = (y - t)^2": {
        r"\left[ \frac{dL}{dw} \right]_{w=0} = 2x(b - t)": "right",
        r"\left. \frac{dL}{dw} \right|_{w=1, b=0} = 2x(x + t)": "wrong",
        r"\left. \frac{dL}{dw} \right|_{w=0} = 2x(y - t)": "right",
        r"\left. \frac{dL}{dy} \right|_{y=1} = 2 - 2t": "right",
    },
    r"L = \sum_i w_i^2 v_i": {
        r"\left. \frac{\partial L}{\partial w_i} \right|_{w=0} = 0": "right",
        r"\left. \frac{\partial L}{\partial w_i} \right|_{w_i=1} = 2v_i": "right",
        r"\left. \frac{\partial L}{\partial w_i} \right|_{w=v} = 2v_i": "wrong",
        r"\left. \frac{\partial L}{\partial w_i} \right|_{w=w^*} = 2w^*_i v_i": "right",
    },
    r"f(\mathbf{x}) = \mathbf{x}^T \mathbf{A} \mathbf{x}": {
        r"\nabla f(\mathbf{x}_0) = (\mathbf{A} + \mathbf{A}^T) \mathbf{x}_0": "right",
        r"\nabla f(\mathbf{x}_k) = (\mathbf{A} + \mathbf{A}^T) \mathbf{x}_k": "right",
        r"\nabla f(\mathbf{a}) = \mathbf{A} \mathbf{a}": "wrong",
        r"\nabla f(\mathbf{0}) = \mathbf{0}": "right",
        r"\nabla^2 f(\mathbf{x}_0) = \mathbf{A} + \mathbf{A}^T": "right",
        r"\left. \nabla f \right|_{\mathbf{x} = \mathbf{a}} = 2 \mathbf{A} \mathbf{a}": "right if",
    },
    r"L = n\log\sigma + \frac{1}{2\sigma^2} \sum_i (x_i - \mu)^2": {
        r"\frac{\partial L}{\partial \sigma^2}"
        r" = \frac{n}{2\sigma^2} - \frac{1}{2\sigma^4} \sum_i (x_i - \mu)^2": "right",
        r"\frac{\partial}{\partial (\sigma^2)} L"
        r" = \frac{n}{\sigma} - \frac{1}{\sigma^3} \sum_i (x_i - \mu)^2": "wrong",
        r"\frac{\partial^2 L}{\partial (\sigma^2)^2}"
        r" = -\frac{n}{2\sigma^4} + \frac{1}{\sigma^6} \sum_i (x_i - \mu)^2": "right",
        r"\frac{\partial^2 L}{\partial\mu\,\partial\sigma^2}"
        r" = \frac{1}{\sigma^4} \sum_i (x_i - \mu)": "right",
    },
    r"K = \frac{1}{2} \sum_j (\mu_j^2 + \sigma_j^2 - \log \sigma_j^2 - 1)": {
        r"\frac{\partial K}{\partial \sigma_j^2} = \frac{1}{2} (1 - 1 / \sigma_j^2)": "right",
        r"\frac{\partial^2 K}{\partial \sigma_j^2} = 1 + 1 / \sigma_j^2": "right",
    },
    r"y = \cot x + \sec^2 x + \operatorname{arcoth}(x)": {
        r"\frac{dy}{dx} = -\csc^2 x + 2\sec^2 x \tan x + \frac{1}{1 - x^2}": "right",
    },
    r"y = \operatorname{arsinh}(x) - \operatorname{arccot}(x)": {
        r"\frac{dy}{dx} = \frac{1}{\sqrt{x^2 + 1}} + \frac{1}{1 + x^2}": "right",
        r"\frac{dy}{dx} = \frac{1}{\sqrt{x^2 + 1}} - \frac{1}{1 + x^2}": "wrong",
    },
    r"y = \csc x + \operatorname{sech} x": {
        r"\frac{dy}{dx} = -\csc x \cot x - \operatorname{sech} x \tanh x": "right",
    },
    r"s(z) = \frac{1}{1 + e^{-z}}": {
        r"s'(1) = 0.1966": "right",
        r"s'(1) = 0.1967": "wrong",
        r"s(-1) = 0.27": "right",
        r"s'(0) = 0.3": "wrong",
    },
    r"L = x / 8 + y / 3": {
        r"\frac{dL}{dx} = 0.13": "wrong",
        r"\frac{dL}{dy} = 0.333": "right",
        r"L = 0.33": "wrong",
    },
    r"L(y, f(x)) = \frac{1}{2} (y - f(x))^2": {
        r"\frac{\partial L}{\partial f(x)} = f(x) - y": "right",
        r"-\frac{\partial L(y, f(x))}{\partial f(x)} = y - f(x)": "right",
        r"\frac{\partial L}{\partial f} = y - f(x)": "wrong",
    },
    r"L(y_i, F(x_i)) = \log(1 + e^{-y_i F(x_i)})": {
        r"\frac{\partial L(y_i, F(x_i))}{\partial F(x_i)}"
        r" = -\frac{y_i}{1 + e^{y_i F(x_i)}}": "right",
        r"-\frac{\partial L(y_i, F(x_i))}{\partial F(x_i)}"
        r" = \frac{y_i}{1 + e^{y_i F(x_i)}}": "right",
        r"\frac{\partial L}{\partial F(x_i)} = \frac{y_i}{1 + e^{y_i F(x_i)}}": "wrong",
    },
    r"L(y, f(x)) = (y - f(x))^2, \quad f(x) = wx + b": {
        r"\frac{\partial L(y, f(x))}{\partial w} = -2(y - f(x)) x": "right",
        r"\frac{\partial L}{\partial f(x)} = -2(y - f(x))": "right",
    },
    r"L = \sum_i (y_i - f(x_i))^2": {
        r"\frac{\partial L}{\partial f(x_i)} = 2(f(x_i) - y_i)": "right",
        r"\frac{\partial L}{\partial f(x_i)} = 2(y_i - f(x_i))": "wrong",
    },
    r"J(\theta; x_i, y_i) = (\theta x_i - y_i)^2": {
        r"\frac{\partial J}{\partial \theta} = 2x_i(\theta x_i - y_i)": "right",
        r"\frac{\partial J(\theta; x_i, y_i)}{\partial \theta} = 2(\theta x_i - y_i)": "wrong",
    },
    r"L(\hat{y}^{(i)}, y^{(i)}) = (\hat{y}^{(i)} - y^{(i)})^2": {
        r"\frac{\partial L}{\partial \hat{y}^{(i)}} = 2(\hat{y}^{(i)} - y^{(i)})": "right",
    },
    r"y_i = \tanh(x_i)": {
        r"-\frac{\partial y_i}{\partial x_i} = y_i^2 - 1": "right",
        r"2\frac{\partial y_i}{\partial x_i} = 2y_i^2 - 2": "wrong",
    },
    r"y_i = x_i + 1": {
        r"-\frac{\partial y_i}{\partial x_i} = -1": "right",
        r"-\frac{\partial y_i}{\partial x_i} = 1": "wrong",
    },
    r"\ell = \ln\Gamma\left(\frac{\nu + 1}{2}\right) - \ln \Gamma(a)": {
        r"2 \frac{\partial\ell}{\partial\nu} = \psi\left(\frac{\nu + 1}{2}\right)": "right",
        r"\frac{\partial\ell}{\partial\nu} = \psi\left(\frac{\nu + 1}{2}\right)": "wrong",
        r"\frac{\partial\ell}{\partial a} = -\frac{\Gamma'(a)}{\Gamma(a)}": "right",
    },
    r"L = \sum_i y_i \log\Phi(z_i) + (1 - y_i) \log(1 - \Phi(z_i))": {
        r"\frac{\partial L}{\partial z_i} = \frac{y_i \phi(z_i)}{\Phi(z_i)}"
        r" - \frac{(1 - y_i) \phi(z_i)}{1 - \Phi(z_i)}": "right",
        r"\frac{\partial L}{\partial z_i} = \frac{y_i \phi(z_i)}{\Phi(z_i)}": "wrong",
    },
    r"y = \Phi(x)": {
        r"\Phi'(x) = \phi(x)": "right",
        r"\phi'(x) = -x \phi(x)": "right",
        r"\frac{dy}{dx} = x \phi(x)": "wrong",
        r"\Phi'(0) = \frac{1}{\sqrt{2\pi}}": "not judged",  # of any function
    },
    r"\mathrm{GELU}(x) = x \Phi(x)": {
        r"\mathrm{GELU}'(x) = \Phi(x) + x \phi(x)": "right",
        r"\mathrm{GELU}'(x) = \Phi(x)": "not judged",
    },
    r"a = (m - f) \Phi(z) + s \phi(z), \quad z = \frac{m - f}{s}": {
        r"\frac{\partial a}{\partial m} = \Phi(z)": "right",
        r"\frac{\partial a}{\partial s} = \Phi(z)": "wrong",
    },
    r"L = x^T \Gamma (x - y), \quad x, y \in \mathbb{R}^n": {
        r"\nabla_y L = -\Gamma^T x": "right",
    },
    r"\sigma(z) = \frac{1}{1 + e^{-z}}": {
        r"\sigma'(0) = \frac{1}{4}": "right",
        r"\sigma'(2a) = \sigma(2a)(1 - \sigma(2a))": "right",
        r"\left. \sigma'(z) \right|_{z=0} = \frac{1}{2}": "wrong",
    },
}
REFUSED = [
    (r"L = f(x) f(2x)", r"\frac{\partial L}{\partial f(x)} = f(2x)"),
    (r"f(x) = x^2", r"a f|_{x=2} = 4a + \frac{df}{dx}"),
    (r"y = wx, \quad L = (y - t)^2", r"\left. \frac{dL}{dw} \right|_{y=1} = 2 (1 - t) x"),
    (r"L = \sum_i w_i^2", r"\left. \frac{\partial L}{\partial w_i} \right|_{w_1=1} = 2 w_i"),
    (r"\sigma(z) = \frac{1}{1 + e^{-z}}", r"\sigma'(z_i) = \sigma(z_i)(1 - \sigma(z_i))"),
    (r"f(x) = a x^2", r"\frac{df}{dx}(a) = 2a^2"),
    (r"f(x) = x^2, \quad g = \left. f \right|_{x=2}", r"g = 4"),
    (r"L(w) = (w - 1)^2", r"L(w + 1) = w^2"),
    (r"m(v) = \frac{1}{\sqrt{1 - v^2}}", r"m(1 - v^2) = 1/m"),
    (r"V(r) = k/r", r"\frac{dV}{dr} = -V(1/r)"),
    (r"m(v) = \frac{1}{\sqrt{1 - v^2}}", r"\frac{dm}{dv} = v m (1 - v^2)^{-1}"),
    (r"m(v) = \frac{1}{\sqrt{1 - v^2}}", r"\frac{dm}{dv} = v m(1 - v^2)^{-1}"),
    (r"f = x^2", r"f(2) = 4"),
    (r"y(x) = u^2, \quad u(x) = x / 2", r"y(2) = 1"),
    (r"f(x) = x^T A x, \quad x \in \mathbb{R}^n", r"f(2x) = 4 f(x)"),
    (r"f = x^2, \quad y = x + f^2(x)", r"\frac{dy}{dx} = 1"),
]


@pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")
@pytest.mark.parametrize("model", CLAIMS)
def test_claims(model: str) -> None:
    parsed = eg.parse_latex(model)
    outcomes = {claim: parsed.check(claim, latex=True).outcome for claim in CLAIMS[model]}
    assert outcomes == CLAIMS[model]


@pytest.mark.parametrize(("model", "claim"), REFUSED)
def test_refused(model: str, claim: str) -> None:
    with pytest.raises(eg.NotationError):
        eg.parse_latex(model).check(claim, latex=True)
