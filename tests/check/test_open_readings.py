"""What books leave open is refused, conditional or not judged."""

import pytest

import eingrad as eg

VECTORS = r"\mathbf{x}, \mathbf{y} \in \mathbb{R}^d"


pytestmark = pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")


def verdict(model: str, claim: str) -> eg.Verdict:
    return eg.parse_latex(model).check(claim, latex=True)


def test_a_function_behind_a_letter():
    model = "f = x^2 Tr(A^TA)\nA \\in \\mathbb{R}^{m \\times n}, x \\in \\mathbb{R}"
    claim = r"\frac{\partial f}{\partial x} = 2xTr(A^TA)"
    assert verdict(model, claim).ok
    assert verdict(model, claim.replace("2x", "x")).outcome == "wrong"


def test_the_differential_of_what_is_known_by_its_square():
    model = "r^2 = x^2 + y^2\nu = \\frac{1}{r}"
    with pytest.raises(eg.EingradError, match=r"no tensor d|the square of r"):
        verdict(model, r"du = -\frac{dr}{r^2}")
    assert verdict(model, r"du = -\frac{x dx + y dy}{r^3}").ok


def test_bars_around_bold_vectors_are_their_length():
    model = r"k = \exp(-|\mathbf{x}-\mathbf{y}|/\ell)" + "\n" + VECTORS
    claim = r"\frac{\partial k}{\partial \ell} = \frac{k}{\ell^2}|\mathbf{x}-\mathbf{y}|"
    assert verdict(model, claim).ok
    assert verdict(model, claim.replace(r"\ell^2", r"\ell^3")).outcome == "wrong"


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("f = |x - y|^2\nx, y \\in \\mathbb{R}^d", "is a length or goes entry by entry"),
        (r"V = -\frac{Gm}{\|\mathbf{x}-\mathbf{y}\|}" + "\n" + VECTORS, "G m are numbers"),
        (r"f = \frac{k q Q}{\|\mathbf{x}\|}" + "\n" + VECTORS, "q Q are numbers"),
    ],
)
def test_models_that_leave_open_what_names_are(model, said):
    with pytest.raises(eg.EingradError, match=said):
        eg.parse_latex(model)


def test_numbers_beside_bold_vectors_are_declared():
    model = r"V = -\frac{Gm}{\|\mathbf{x}-\mathbf{y}\|}" + f"\n{VECTORS}\nG, m \\in \\mathbb{{R}}"
    claim = r"\nabla_{\mathbf{x}} V = Gm \frac{\mathbf{x}-\mathbf{y}}{\|\mathbf{x}-\mathbf{y}\|^3}"
    assert verdict(model, claim).ok
    assert verdict(model, claim.replace("^3", "^2")).outcome == "wrong"


def test_a_function_of_which_nothing_is_known_may_take_the_whole_vector():
    model = "g(x) = f(Ax + b)\nA \\in \\mathbb{R}^{m \\times n}, x \\in \\mathbb{R}^n"
    assert verdict(model, r"g'(x) = f'(Ax + b)A").outcome == "not judged"
    assert verdict(model, r"\frac{\partial g}{\partial x} = \text{diag}(f'(Ax + b)) A").ok


def test_no_sum_goes_over_a_word():
    model = "\\mathbf{Y} = \\mathbf{X}\\mathbf{W}\n\\mathbf{X} \\in \\mathbb{R}^{n \\times d}\n"
    claim = r"\frac{\partial L}{\partial \mathbf{W}} = \sum_{\text{rows}} \mathbf{X}"
    with pytest.raises(eg.EingradError, match="a sum over the word rows"):
        verdict(model + r"L = \sum_{ij} f(Y_{ij})", claim)


def test_a_claim_that_leaves_out_the_diagonal():
    model = r"C = \sum_{k \neq l} x_{kl}^2"
    found = verdict(model, r"\frac{\partial C}{\partial x_{ij}} = 2 x_{ij}")
    assert (found.outcome, found.assumption) == ("right if", "i != j")
    assert verdict(model, r"\frac{\partial C}{\partial x_{ij}} = 3 x_{ij}").outcome == "wrong"
