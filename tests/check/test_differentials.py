"""Claims in differentials; the right ones are those of Magnus and Neudecker, chapters 8 and 9."""

import pytest

import eingrad as eg

QUADRATIC = r"""f = x^T A x
x \in \mathbb{R}^n, A \in \mathbb{R}^{n \times n}"""
TRACE = r"""f = \text{tr}(A^T X A)
A \in \mathbb{R}^{n \times m}, X \in \mathbb{R}^{n \times n}"""
SQUARE = r"""M = X^T X - A
f = \|M\|_F^2
X \in \mathbb{R}^{n \times m}, A \in \mathbb{R}^{m \times m}"""
LOGDET = r"""f = \log \det(\mathbf{X})
\mathbf{X} \in \mathbb{R}^{n \times n}"""
INVERSE = r"""Y = X^{-1}
X \in \mathbb{R}^{n \times n}"""
LAYER = r"""z = W x + b
W \in \mathbb{R}^{n \times m}, x \in \mathbb{R}^m, b \in \mathbb{R}^n
a = \sigma(z)
L = \|a\|^2"""
SCALARS = r"f = x^2 y + \sin(x y)"

CASES = [  # a model, a claim, what it is right under (None: nothing), wrong twins
    (QUADRATIC, r"df = dx^T A x + x^T dA x + x^T A dx", None, [r"df = dx^T A x + x^T dA x"]),
    (QUADRATIC, r"df = x^T (A + A^T)\, dx", "A is constant", [r"df = x^T (A - A^T) dx"]),
    (QUADRATIC, r"df = 2 x^T A \, dx", "A is constant and A_ni = A_in", [r"df = 3 x^T A dx"]),
    (QUADRATIC, r"\mathrm{d}f = \nabla_x f^T \mathrm{d}\mathbf{x}", "A is constant",
     [r"\mathrm{d}f = -\nabla_x f^T \mathrm{d}\mathbf{x}"]),
    (TRACE, r"df = \text{tr}(dA^T X A + A^TX\,dA) = \text{tr}(A^T (X + X^T) dA)", "X is constant",
     [r"df = \text{tr}(A^T X dA)", r"df = \text{tr}((X + X^T) A dA)"]),
    (SQUARE, r"df = 2\,\text{tr}(M^T dM)", None, [r"df = \text{tr}(M^T dM)"]),
    (SQUARE, r"dM = dX^TX + X^TdX - dA", None, [r"dM = dX^TX + X^TdX + dA", r"dM = X^TdX - dA"]),
    (LOGDET, r"d f = \text{tr}(\mathbf{X}^{-1} d\mathbf{X})", None,
     [r"d f = \text{tr}(\mathbf{X}^{-T} d\mathbf{X})",
      r"d f = -\text{tr}(\mathbf{X}^{-1} d\mathbf{X})"]),
    (INVERSE, r"dY = -X^{-1} dX X^{-1}", None,
     [r"dY = -X^{-1} X^{-1} dX", r"dY = X^{-1} dX X^{-1}"]),
    (LAYER, r"dz = dW x + W dx + db", None, [r"dz = dW x + W dx", r"dz = dW x + W^T dx + db"]),
    (LAYER, r"dL = 2 a^T da", None, [r"dL = a^T da"]),
    (SCALARS, r"df = \frac{\partial f}{\partial x} dx + \frac{\partial f}{\partial y} dy", None,
     [r"df = \frac{\partial f}{\partial x} dx - \frac{\partial f}{\partial y} dy"]),
    (QUADRATIC, r"Df(x)[h] = h^T (A + A^T) x", None, [r"Df(x)[h] = h^T A x"]),
    (QUADRATIC, r"\mathrm{D}f(x)(v) = 2 x^T A v", "A_ni = A_in", [r"\mathrm{D}f(x)(v) = x^T A v"]),
    (QUADRATIC, r"f'(x; h) = x^T A h + h^T A x", None, [r"f'(x; h) = x^T A h - h^T A x"]),
    (QUADRATIC, r"D_v f(x) = v^T (A + A^T) x", None, [r"D_v f(x) = v^T (A - A^T) x"]),
    (QUADRATIC, r"Df(A)[H] = x^T H x", None, [r"Df(A)[H] = 2 x^T H x"]),
    (LOGDET, r"\mathrm{d}\log\det\mathbf{X} = \text{tr}(\mathbf{X}^{-1} d\mathbf{X})", None,
     [r"\mathrm{d}\log\det\mathbf{X} = \text{tr}(\mathbf{X}^{-\top} d\mathbf{X})"]),
    (LOGDET, r"d(\mathbf{X}^{-1}) = -\mathbf{X}^{-1} (d\mathbf{X}) \mathbf{X}^{-1}", None,
     [r"d(\mathbf{X}^{-1}) = \mathbf{X}^{-1} (d\mathbf{X}) \mathbf{X}^{-1}"]),
    (TRACE, r"d(A^T X A) = A^T (dX) A", "A is constant", [r"d(A^T X A) = (dX) A^T A"]),
    (SCALARS, r"d(x^2) = 2x\,dx", None, [r"d(x^2) = x\,dx"]),
    (SCALARS, r"df = (2xy + y\cos(xy))dx + (x^2 + x\cos(xy))dy", None,
     [r"df = (2xy + y\cos(xy))dx + (x^2 - x\cos(xy))dy"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "claim", "condition", "twins"), CASES)
def test_claims_in_differentials(text, claim, condition, twins):
    model = eg.parse_latex(text)
    verdict = model.check(claim, latex=True)
    assert verdict.outcome == ("right" if condition is None else "right if"), verdict
    assert verdict.assumption == condition
    for twin in twins:
        other = model.check(twin, latex=True)
        assert not other.ok, other
        assert other.outcome == "wrong" or "constant" in other.assumption, other


def test_a_missing_term_is_right_only_where_its_tensor_is_constant():
    verdict = eg.parse_latex(LAYER).check(r"dz = dW x", latex=True)
    assert verdict.assumption == "x and b are constant"


def test_in_plain_notation():
    model = eg.parse("L = x_i A_ij x_j")
    assert model.check("dL = dx_i A_ij x_j + x_i A_ij dx_j + x_i dA_ij x_j").ok
    assert model.check("dL = dx_i A_ij x_j + x_i A_ij dx_j - x_i dA_ij x_j").outcome == "wrong"


def test_the_d_of_gradients_is_no_differential():
    """In code, dz is the gradient by z: da of what comes later is none of its terms."""
    with pytest.raises(eg.EingradError, match="z does not depend on a"):
        eg.parse_latex(LAYER).check(r"dz = a \odot (1 - a) \odot da", latex=True)
    with pytest.raises(eg.EingradError, match="no tensor"):
        eg.parse_latex(LAYER).check(r"dW = dz x^T", latex=True)


def test_what_is_assumed_of_a_tensor_is_not_lost():
    model = eg.parse_latex("f = \\text{tr}(X^T X)\nX = X^T")
    with pytest.raises(eg.EingradError, match="dX where something is assumed of X"):
        model.check(r"df = 2 \text{tr}(X dX)", latex=True)


@pytest.mark.parametrize("line", ["A = A^T", r"A^\top = A", r"A = A^\top", "A_{ij} = A_{ji}"])
def test_a_symmetry_as_it_is_written(line):
    model = eg.parse_latex(f"f = \\sum_{{ij}} x_i A_{{ij}} x_j\n{line}")
    assert model.check("df/dx_i = 2 A_ij x_j").ok
    assert model.check("df/dx_i = A_ij x_j").outcome == "wrong"


def test_a_chain_may_name_what_it_is_about():
    model = eg.parse_latex(r"U(x) = k x^2 / 2 + c x")
    assert model.check(r"F(x) = -\frac{dU}{dx} = -k x - c", latex=True).ok
    assert model.check(r"F(x) = -\frac{dU}{dx} = -k x + c", latex=True).outcome == "wrong"


def test_a_gradient_of_what_does_not_fit_is_no_mistake_of_the_claim():
    model = eg.parse_latex(QUADRATIC)
    with pytest.raises(eg.EingradError):
        model.check(r"\nabla_x f = \nabla_x (x A x)", latex=True)
