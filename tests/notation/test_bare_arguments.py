r"""How far functions without parentheses reach, and what stands in parentheses behind a slope.

The oracle is the same formula with all parentheses, or a derivative by hand.
"""

import pytest

import eingrad as eg
from eingrad.errors import NotationWarning
from eingrad.notation.tex.read import read_formula

DECLARED = r"a \in \mathbb{R}^n, W \in \mathbb{R}^{m \times n}"
REACH = {
    r"A \sin \omega t": r"A \sin(\omega t)",
    r"A \cos \omega t + B \sin\omega t": r"A \cos(\omega t) + B \sin(\omega t)",
    r"e^{-\alpha t} \cos kx": r"e^{-\alpha t} \cos(k x)",
    r"\cos kx\,e^{-\alpha t}": r"\cos(k x) e^{-\alpha t}",
    r"\sin 2\theta": r"\sin(2 \theta)",
    r"\frac{v^2 \sin 2\theta}{g}": r"\frac{v^2 \sin(2 \theta)}{g}",
    r"\cos 2\pi f t": r"\cos(2 \pi f t)",
    r"\sin 2(a - c t)": r"\sin(2 (a - c t))",
    r"\sin\frac12 a": r"\sin(\frac12 a)",
    r"\sin\frac{\pi}{2} a": r"\sin(\frac{\pi}{2} a)",
    r"\tanh \beta h - h": r"\tanh(\beta h) - h",
    r"\sin^2 \omega t": r"\sin(\omega t)^2",
    r"\log 2\pi\sigma^2": r"\log(2 \pi \sigma^2)",
    r"\log_2 2a": r"\log_2(2 a)",
    r"\ln 2a / 3 + \log 2": r"REFUSED",
    r"n \log 2\pi - n": r"n \log(2 \pi) - n",
    r"\log 2 \cdot a": r"\log(2) a",
    r"\log 2 - a": r"\log(2) - a",
    r"\sin a \cos b": r"\sin(a) \cos(b)",
    r"\sin\omega t \cos k a": r"\sin(\omega t) \cos(k a)",
    r"\log \cos \omega t": r"\log(\cos(\omega t))",
    r"\log a (1 - a)": r"\log(a) (1 - a)",
    r"\sum_i \tanh a_i (1 - a_i)": r"\sum_i \tanh(a_i) (1 - a_i)",
    r"\sum_i p_i \log p_i": r"\sum_i p_i \log(p_i)",
    r"\sum_i p_i \log \sigma(z_i)": r"\sum_i p_i \log(\sigma(z_i))",
    r"a \log b + (1-a)\log(1-b)": r"a \log(b) + (1-a) \log(1-b)",
    r"\log w^T a": r"\log(w^T a)",
    r"\sin u \dot v": r"\sin(u) \dot v",
    r"\sin{u} v": r"\sin(u) v",
    r"\ln a b": "REFUSED",
    r"\log \sigma w a": "REFUSED",
    r"\log \sigma(z) a": "REFUSED",
    r"\sum_i \log p_i t_i": "REFUSED",
    r"\sum_i a_i \log p_i b_i": "REFUSED",
    r"\sum_i \log 2 p_i t_i": "REFUSED",
    r"\cos\theta \mathbf{a}": "REFUSED",
    r"\cos\theta a, \quad a \in \mathbb{R}^n": "REFUSED",
    rf"\tanh W a, \quad {DECLARED}": rf"\tanh(W a), \quad {DECLARED}",
    r"\tanh \mathbf{W} \mathbf{a}": r"\tanh(\mathbf{W} \mathbf{a})",
    r"\sin a \, b": "REFUSED",
    r"\sin k(a - c t)": "REFUSED",
    r"\sin 2\pi a / L": "REFUSED",
    r"\log 2 (a - b)": "REFUSED",
    r"\log 2 \log a": "REFUSED",
    r"\log 2 \sum_i a_i": "REFUSED",
    r"\log a |b|": "REFUSED",
    r"\sin\theta\frac{a}{b}": "REFUSED",
    "E[a^2]": "REFUSED",
    "E (a^2)": "E a^2",
    "f^{-1}(a)": "REFUSED",
    r"\log |2\pi\Sigma|": r"\log\det(2 \pi \Sigma)",
}


@pytest.mark.filterwarnings("ignore::eingrad.errors.NotationWarning")
@pytest.mark.parametrize("text", REACH)
def test_reach(text: str) -> None:
    """The reading is that of the formula with parentheses, or an error with a hint."""
    if REACH[text] == "REFUSED":
        with pytest.raises(eg.EingradError) as caught:
            eg.parse_latex(f"y = {text}")
        assert "write" in str(caught.value)
    else:
        read = [x for x in str(eg.parse_latex(f"y = {text}")).splitlines() if x[0] != "#"]
        assert read == str(eg.parse_latex(f"y = {REACH[text]}")).splitlines()


def test_a_lone_formula_is_refused_too() -> None:
    """A formula that is read once says the same."""
    with pytest.raises(eg.EingradError, match="is open"):
        read_formula(r"\log p_i q_i")


def test_letters_are_noted() -> None:
    """Where letters alone are the argument a note says how far it goes."""
    with pytest.warns(NotationWarning, match="sin goes over omega t"):
        eg.parse_latex(r"y = \sin \omega t")


CUBE, CURVE, PAIR = "f(x) = x^3", "f(x) = x^3 + a x", "f(x, y) = x^2 y"
LEAST = r"L(w) = \sum_i (y_i - w x_i)^2"
FORM = r"f(x) = x^T A x, \quad x \in \mathbb{R}^n, A \in \mathbb{R}^{n \times n}"
CHAIN = r"z = a w - b w, \quad L = z^2"
POINTS = [
    (CUBE, r"\frac{df}{dx}(x) = 3x^2", "right"),
    (CUBE, r"\frac{df}{dx}(x) = 3x^3", "wrong"),
    (CUBE, r"\frac{df}{dx} (x) = 3x^2", "right"),
    (CUBE, r"\frac{d^2f}{dx^2}(x) = 6x", "right"),
    (CUBE, r"df/dx (x) = 3x^2", "right"),
    (CUBE, r"\partial f/\partial x (x) = 3x^2", "right"),
    (CUBE, r"\frac{df}{dx}(2) = 12", "right"),
    (CUBE, r"\frac{df}{dx}(2) = 6x^2", "refused"),
    (CUBE, r"\frac{df}{dx}(-1) = 3", "right"),
    ("f = x^3", r"\frac{df}{dx}(2) = 12", "refused"),
    (LEAST, r"\frac{\partial L}{\partial w}(w) = -2\sum_i x_i (y_i - w x_i)", "right"),
    (LEAST, r"\frac{\partial L}{\partial w}(w) = -2 w \sum_i x_i (y_i - w x_i)", "wrong"),
    (FORM, r"\frac{\partial f}{\partial x}(x) = (A + A^T) x", "right"),
    (PAIR, r"\frac{\partial f}{\partial x}(x, y) = 2xy", "right"),
    (PAIR, r"\frac{\partial f}{\partial x}(y) = 2xy^2", "refused"),
    (CURVE, r"\frac{\partial f}{\partial a}(x) = x", "right"),
    (CURVE, r"\frac{\partial f}{\partial a}(x) = x^2", "wrong"),
    (CURVE, r"\nabla f(x) = 3x^2 + a", "right"),
    (CURVE, r"\nabla f(1) = 3x^2 + a", "right"),
    (CURVE, r"\nabla f(1) = 3 + a", "right"),
    (CURVE, r"\nabla f(a) = 3a^2 + a", "refused"),
    (CHAIN, r"\frac{dL}{dw} = \frac{dL}{dz}(a - b)", "right"),
    (CHAIN, r"\frac{\partial L}{\partial b} = \frac{dL}{dz}(-w)", "right"),
    (CHAIN, r"\frac{\partial L}{\partial b} = \frac{dL}{dz}(-1) w", "right"),
    (CHAIN, r"\frac{\partial L}{\partial a} = \frac{dL}{dz}(w)", "right"),
]


@pytest.mark.parametrize(("model", "claim", "outcome"), POINTS)
def test_points(model: str, claim: str, outcome: str) -> None:
    """The variable behind a derivative is its argument, another point is refused."""
    known = eg.parse_latex(model)
    if outcome == "refused":
        with pytest.raises(eg.EingradError, match=r"at one point|derivative of f at"):
            known.check_each(claim, latex=True)
    else:
        assert [x.outcome for x in known.check_each(claim, latex=True)] == [outcome]
