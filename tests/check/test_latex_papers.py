r"""Models and gradients as papers and textbooks print them: read, and their formulas checked.

Layer normalisation, batch normalisation (Ioffe and Szegedy 2015, whose gradients these are),
attention, networks with their deltas as Bishop writes them, the Matrix Cookbook in indices.
"""

from __future__ import annotations

import random

import pytest
from counting import calls
from seeds import seeded

import eingrad as eg
from eingrad.notation.lower import lower
from eingrad.notation.tex.read import read_claims, read_statements

BATCH_NORM = r"""
\begin{align}
\mu_{\mathcal{B}} &= \frac{1}{m} \sum_{i=1}^{m} x_i && \text{// mini-batch mean} \\
\sigma_{\mathcal{B}}^2 &= \frac{1}{m} \sum_{i=1}^{m} (x_i - \mu_{\mathcal{B}})^2 \\
\hat{x}_i &= \frac{x_i - \mu_{\mathcal{B}}}{\sqrt{\sigma_{\mathcal{B}}^2 + \epsilon}} \\
y_i &= \gamma \hat{x}_i + \beta \\
\ell &= \sum_i f(y_i)
\end{align}"""
BATCH_NORM_RIGHT = [
    r"\frac{\partial \ell}{\partial \hat{x}_i} = \frac{\partial \ell}{\partial y_i} \cdot \gamma",
    r"\frac{\partial \ell}{\partial \sigma_{\mathcal{B}}^2} = \sum_{i=1}^m \frac{\partial \ell}"
    r"{\partial \hat{x}_i} \cdot (x_i - \mu_{\mathcal{B}}) \cdot \frac{-1}{2} "
    r"(\sigma_{\mathcal{B}}^2 + \epsilon)^{-3/2}",
    r"\frac{\partial \ell}{\partial \mu_{\mathcal{B}}} = \left( \sum_{i=1}^m \frac{\partial \ell}"
    r"{\partial \hat{x}_i} \cdot \frac{-1}{\sqrt{\sigma_{\mathcal{B}}^2 + \epsilon}} \right) + "
    r"\frac{\partial \ell}{\partial \sigma_{\mathcal{B}}^2} \cdot "
    r"\frac{\sum_{i=1}^m -2(x_i - \mu_{\mathcal{B}})}{m}",
    r"\frac{\partial \ell}{\partial x_i} = \frac{\partial \ell}{\partial \hat{x}_i} \cdot "
    r"\frac{1}{\sqrt{\sigma_{\mathcal{B}}^2 + \epsilon}} + \frac{\partial \ell}{\partial "
    r"\sigma_{\mathcal{B}}^2} \cdot \frac{2 (x_i - \mu_{\mathcal{B}})}{m} + "
    r"\frac{\partial \ell}{\partial \mu_{\mathcal{B}}} \cdot \frac{1}{m}",
    r"\frac{\partial \ell}{\partial \gamma} = \sum_{i=1}^m \frac{\partial \ell}{\partial y_i} "
    r"\cdot \hat{x}_i",
    r"\frac{\partial \ell}{\partial \beta} = \sum_{i=1}^m \frac{\partial \ell}{\partial y_i}",
]
LAYER_NORM = r"""
\mu = \frac{1}{H} \sum_{i=1}^{H} a_i, \qquad
\sigma = \sqrt{\frac{1}{H} \sum_{i=1}^{H} (a_i - \mu)^2}
\[ h_i = g_i \frac{a_i - \mu}{\sigma} + b_i \]
\[ L = \sum_i h_i^2 \]"""
BISHOP = r"""
a_j = \sum_i w^{(1)}_{ji} x_i
z_j = h(a_j)
y_k = \sum_j w^{(2)}_{kj} z_j
E = \frac{1}{2} \sum_k (y_k - t_k)^2
"""
LOGISTIC = r"""
y_n = \sigma(\mathbf{w}_i \boldsymbol\phi_{ni})
E = -\sum_{n=1}^N \left\{ t_n \ln y_n + (1 - t_n) \ln (1 - y_n) \right\}
"""
SOFTMAX = r"""
y_{nk} = \frac{\exp(a_{nk})}{\sum_j \exp(a_{nj})}, \quad a_{nk} = w_{ki} \phi_{ni}
E = -\sum_{n=1}^N \sum_{k=1}^K t_{nk} \ln y_{nk}
\text{assume } \sum_k t_{nk} = 1
"""
ATTENTION = r"""
\begin{equation} \begin{split}
S_{ts} &= \frac{1}{\sqrt{|d|}} \sum_{d} Q_{td} K_{sd} \\
P_{ts} &= \frac{e^{S_{ts}}}{\sum_{s'} e^{S_{ts'}}} \\
O_{tv} &= \sum_s P_{ts} V_{sv} \\
L &= \sum_{t,v} f(O_{tv})
\end{split} \end{equation}
"""
COOKBOOK = r"""
q = \mathbf{x}_i A_{ij} \mathbf{x}_j
d = \det(A)
l = \ln\det(\mathbf{A})
t = \mathrm{tr}(A_{ij} B_{jk})
Y_{ij} = (A^{-1})_{ij}
s = \|x_i - a_i\|_2
"""
NG = r"""
h^{(i)} = \sigma(\theta_j x^{(i)}_j)
J(\theta) = -\frac{1}{m} \sum_{i=1}^{m} \left[ y^{(i)} \log h^{(i)} + (1 - y^{(i)})
  \log(1 - h^{(i)}) \right] + \frac{\lambda}{2m} \sum_{j=1}^n \theta_j^2
"""
CLASSES = r"""
p_{b y} = \operatorname{softmax}_y(z_{b y})
\mathcal{L} = -\frac{1}{B}\sum_{b=1}^{B} \log p_{b, t_b}
"""
KINKS = r"""
h_i = \max(0, a_i)
g_i = \begin{cases} a_i, & a_i > 0 \\ \alpha a_i, & \text{otherwise} \end{cases}
L = \sum_i \frac12 (h_i + g_i - t_i)^2
"""
RECURRENT = r"""
h_i = \tanh\left(\sum_j W_{ij} s_j + \sum_k U_{ik} x_k + b_i\right)
o_k = V_{ki} h_i
\hat{y}_k = \mathrm{softmax}(o_k)
L = -\log \hat{y}_y
"""
RIGHT = [
    *((BATCH_NORM, claim) for claim in BATCH_NORM_RIGHT),
    (LAYER_NORM, r"\partial L/\partial g_i = 2 h_i \frac{a_i - \mu}{\sigma}"),
    (LAYER_NORM, r"\frac{\partial h_i}{\partial b_j} = \delta_{ij}"),
    (BISHOP, r"\delta_k \equiv \frac{\partial E}{\partial y_k} = y_k - t_k"),
    (BISHOP, r"\frac{\partial E}{\partial w^{(2)}_{kj}} = \delta_k z_j, \quad "
     r"\delta_k = y_k - t_k"),
    (BISHOP, r"\frac{\partial E}{\partial a_j} = h'(a_j) \sum_k w^{(2)}_{kj} \delta_k, \quad "
     r"\delta_k = y_k - t_k"),
    (LOGISTIC, r"(\nabla_{\mathbf{w}} E)_i = \sum_{n=1}^N (y_n - t_n) \phi_{ni}"),
    (LOGISTIC, r"\frac{\partial^2 E}{\partial w_i \partial w_j} = \sum_{n=1}^N y_n (1 - y_n) "
     r"\phi_{ni} \phi_{nj}"),
    (SOFTMAX, r"\frac{\partial E}{\partial w_{ji}} = \sum_{n=1}^N (y_{nj} - t_{nj}) \phi_{ni}"),
    (SOFTMAX, r"\frac{\partial^2 E}{\partial w_{ki} \partial w_{jl}} = \sum_{n} y_{nk} "
     r"(\delta_{kj} - y_{nj}) \phi_{ni}\phi_{nl}"),
    (ATTENTION, r"\frac{\partial L}{\partial V_{sv}} = \sum_t P_{ts} "
     r"\frac{\partial L}{\partial O_{tv}}"),
    (ATTENTION, r"\frac{\partial L}{\partial S_{ts}} = P_{ts} \left( \frac{\partial L}{\partial "
     r"P_{ts}} - \sum_{s'} P_{ts'} \frac{\partial L}{\partial P_{ts'}} \right)"),
    (ATTENTION, r"\frac{\partial L}{\partial Q_{td}} = \frac{1}{\sqrt{|d|}} \sum_s "
     r"\frac{\partial L}{\partial S_{ts}} K_{sd}"),
    (COOKBOOK, r"\frac{\partial q}{\partial x_i} = (A_{ij} + A_{ji}) x_j"),
    (COOKBOOK, r"\frac{\partial d}{\partial A_{ij}} = \det(A) (A^{-1})_{ji}"),
    (COOKBOOK, r"\frac{\partial \ln \det(A)}{\partial A_{ij}} = (A^{-1})_{ji}"),
    (COOKBOOK, r"\frac{\partial (A^{-1})_{kl}}{\partial A_{ij}} = "
     r"-(A^{-1})_{ki} (A^{-1})_{jl}"),
    (COOKBOOK, r"\frac{\partial\, \mathrm{tr}(A_{ik} B_{kj})}{\partial A_{ij}} = B_{ji}"),
    (COOKBOOK, r"\frac{\partial}{\partial x_i} \|x_j - a_j\|_2 = "
     r"\frac{x_i - a_i}{\|x_j - a_j\|_2}"),
    (COOKBOOK, r"\frac{\partial x_i A_{ij} x_j}{\partial A_{kl}} = x_k x_l"),
    (NG, r"\frac{\partial J(\theta)}{\partial \theta_j} = \frac{1}{m} \sum_{i=1}^m "
     r"(h^{(i)} - y^{(i)}) x_j^{(i)} + \frac{\lambda}{m} \theta_j"),
    (CLASSES, r"\frac{\partial \mathcal{L}}{\partial z_{b y}} = \frac{1}{B} "
     r"\left(p_{b y} - \mathbb{1}[y = t_b]\right)"),
    (CLASSES, r"\frac{\partial \mathcal{L}}{\partial z_{b y}} = \frac{1}{B} "
     r"\left(p_{b y} - \mathbf{1}_{\{t_b = y\}}\right)"),
    (KINKS, r"\frac{\partial h_i}{\partial a_j} = \mathbb{1}[a_i > 0]\, \delta_{ij}"),
    (KINKS, r"\frac{\partial L}{\partial \alpha} = \sum_i (h_i + g_i - t_i) "
     r"\mathbb{1}\{a_i \le 0\} a_i"),
    (KINKS, r"\frac{\partial g_i}{\partial a_j} = \delta_{ij} \begin{cases} 1 & \text{if } "
     r"a_i > 0 \\ \alpha & \text{if } a_i \le 0 \end{cases}"),
    (RECURRENT, r"\frac{\partial L}{\partial o_k} = \hat{y}_k - \mathbf{1}_{k = y}"),
    (RECURRENT, r"\frac{\partial L}{\partial o_k} = \hat{y}_k - \delta_{k y}"),
    (RECURRENT, r"\frac{\partial L}{\partial W_{ij}} = \frac{\partial L}{\partial h_i} "
     r"(1 - h_i^2) s_j"),
    (RECURRENT, r"\frac{\partial L}{\partial W_{ij}} = \frac{\partial L}{\partial h_i} "
     r"\tanh'\left(\sum_l W_{il} s_l + \sum_k U_{ik} x_k + b_i\right) s_j"),
]  # fmt: skip
WRONG = [
    (BATCH_NORM, BATCH_NORM_RIGHT[3].removesuffix(r" \cdot \frac{1}{m}"), "factor"),
    (BATCH_NORM, BATCH_NORM_RIGHT[1].replace("-3/2", "-1/2"), "power"),
    (BATCH_NORM, BATCH_NORM_RIGHT[1].replace(r"\frac{-1}{2}", r"\frac{1}{2}"), "sign"),
    (BISHOP, r"\frac{\partial E}{\partial a_j} = h'(z_j) \sum_k w^{(2)}_{kj} \delta_k, \quad "
     r"\delta_k = y_k - t_k", "activation-argument"),
    (LOGISTIC, r"\frac{\partial^2 E}{\partial w_i \partial w_j} = \sum_{n=1}^N y_n (1 - t_n) "
     r"\phi_{ni} \phi_{nj}", "wrong-tensor"),
    (SOFTMAX, r"\frac{\partial^2 E}{\partial w_{ki} \partial w_{jl}} = -\sum_{n} y_{nk} "
     r"(\delta_{kj} - y_{nj}) \phi_{ni}\phi_{nl}", "sign"),
    (ATTENTION, r"\frac{\partial L}{\partial S_{ts}} = P_{ts} \left( \frac{\partial L}{\partial "
     r"P_{ts}} - \sum_{t'} P_{t's} \frac{\partial L}{\partial P_{t's}} \right)", "axis"),
    (ATTENTION, r"\frac{\partial L}{\partial K_{sd}} = \frac{1}{\sqrt{|d|}} \sum_s "
     r"\frac{\partial L}{\partial S_{ts}} Q_{td}", "axis"),
    (COOKBOOK, r"\frac{\partial d}{\partial A_{ij}} = \det(A) (A^{-1})_{ij}", "transposed"),
    (NG, r"\frac{\partial}{\partial \theta_j} J(\theta) = \frac{1}{m} \sum_{i=1}^m "
     r"(h^{(i)} - y^{(i)}) x_j^{(i)} - \frac{\lambda}{m} \theta_j", "sign"),
    (CLASSES, r"\frac{\partial \mathcal{L}}{\partial z_{b y}} = p_{b y} - \mathbb{1}[y = t_b]",
     "factor"),
    (RECURRENT, r"\frac{\partial L}{\partial W_{ij}} = \frac{\partial L}{\partial h_i} "
     r"(1 - h_i)^2 s_j", "activation-derivative"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "claim"), RIGHT)
def test_a_right_formula_is_accepted(model: str, claim: str) -> None:
    verdict = eg.parse(model).check(claim)
    assert verdict.ok, str(verdict)


@pytest.mark.parametrize(("model", "claim", "mistake"), WRONG)
def test_a_wrong_formula_is_rejected_and_the_mistake_named(
    model: str, claim: str, mistake: str
) -> None:
    verdict = eg.parse(model).check(claim)
    assert not verdict.ok
    assert verdict.mistake == mistake, str(verdict)
    assert eg.parse(model).check(verdict.correct).ok


def test_an_extent_has_one_name_in_the_whole_text() -> None:
    model = eg.parse(r"L = \frac{1}{m} \sum_{b=1}^{m} x_b \\ K = \frac{1}{m} x_b x_b")
    assert str(model) == "L = mean_b(x_b)\nK = 1 / size(b) x_b x_b"
    with pytest.raises(eg.NotationError, match="m is the extent of b here, which is another axis"):
        eg.parse(r"L = \frac{1}{m} \sum_{b=1}^{m} x_b \\ K_{b} = \frac{y_b}{m}")


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"y_i = f(x_i)", "function f\ny_i = f(x_i)"),
        (r"y_i = f(x_i) + f \cdot 2", "y_i = f x_i + f 2"),
        (r"y_i = m(x_i + b_i)", "y_i = m (x_i + b_i)"),
        (r"e_i = y_{\text{true}, i} - y_i", "e_i = ytrue_i - y_i"),
        (r"y_{\mathrm{out}} = W_{\mathrm{out},\mathrm{in}} x_{\mathrm{in}}",
         "y[out] = W[out,in] x[in]"),
        (r"\mathcal{L}_k = x_k \\ \mathfrak{L} = \sum_k \mathcal{L}_k",
         "L_k = x_k\nLfrak = sum_k(L_k)"),
        (r"P_{ts} = \frac{e^{S_{ts}}}{\sum_{s'} e^{S_{ts'}}}",
         "P_ts = exp(S_ts) / sum_u(exp(S_tu))"),
        (r"A_{ij} x_j = y_i \quad (3)", "y_i = A_ij x_j"),
        (r"L = -\sum_o t_o \log y_o \quad \text{(scalar)}", "L = -sum_o(t_o log(y_o))"),
        (r"y_i = \sum_{j \ne i} x_j", "y_i = sum_{j != i}(x_j)"),
        ("L = \\frac{x}{2} % half\n  + y  # and more", "L = x / 2 + y"),
        (r"L = |x| + |y_i| \, |y_i|", "L = abs(x) + abs(y_i) abs(y_i)"),
        (r"L = ||x_i||^2 + \left(x_i\right)_+ c_i", "L = norm_i(x_i)^2 + relu(x_i) c_i"),
        (r"L = \underbrace{x_i x_i}_{\text{energy}} + \boxed{\log_2 y}",
         "L = x_i x_i + log(y) / log(2)"),
    ],
)  # fmt: skip
def test_what_a_whole_text_says(latex: str, text: str) -> None:
    assert str(eg.parse_latex(latex)) == text


@pytest.mark.parametrize(
    ("latex", "reason"),
    [
        (r"L = \sum_{t=2}^{T} x_t", "leaves out entries of t"),
        (r"L = \sum_{t=1}^{T-1} x_t", "leaves out entries of t"),
        (r"L = \sum_{j < i} x_j", "i is no label here"),
        (r"h_t = \tanh(h_{2t})", "nothing says how far t goes"),
        (r"L = \|x_i\|_3", "the norm with the number 3"),
        (r"L = x^{(t-1)}", "occurs once"),
        (r"y_i = \frac{\partial s_j}{x_i}", r"a derivative without \partial below its bar"),
        (r"y = \frac{\partial}{\partial x} a x", "a derivative that is still to be taken"),
        (r"y = 1_b", "a number with a label"),
        (r"y = \begin{cases} 1 & x > 0 \\ 2 & x < 1 \end{cases}", "the rest of the others"),
        (r"y = \mathbb{1}[x]", "an indicator without a condition"),
    ],
)
def test_what_has_no_meaning_is_an_error(latex: str, reason: str) -> None:
    with pytest.raises(eg.NotationError, match=reason.replace("\\", r"\\")) as caught:
        eg.parse_latex(latex)
    assert caught.value.position is not None
    assert caught.value.hint


PIECES = [
    "{", "}", "_", "^", "\\", "(", ")", "[", "]", "|", r"\frac", r"\sum", r"\left", r"\right", "&",
    r"\\", "=", "'", "^{-1}", r"\partial", r"\top", "d", "T", r"\quad", r"\text{if}", ",", "%", "$",
    r"\begin{cases}", r"\end{cases}", "1", r"\mathbb{1}", r"\nabla", r"\underset", r"\boxed",
    r"\underbrace", "{}", "^{(", "é", ":", "\n", r"\sigma^2", r"\text{assume }", " ",
]  # fmt: skip


def mutated(text: str, rng: random.Random) -> str:
    """Delete, insert and exchange a few characters."""
    letters = list(text)
    for _ in range(rng.choice([1, 1, 2, 3, 6])):
        i, j = rng.randrange(len(letters)), rng.randrange(len(letters))
        match rng.randrange(4):
            case 0:
                del letters[i]
            case 1 | 2:
                letters.insert(i, rng.choice(PIECES))
            case 3:
                letters[i], letters[j] = letters[j], letters[i]
    return "".join(letters)


@pytest.mark.parametrize("seed", range(4))
def test_a_slip_of_the_pen_is_read_or_is_an_error(seed: int) -> None:
    """Whatever is changed in a text, there is a model or a message; never a crash."""
    rng = random.Random(seeded(seed))
    outcomes = set()
    for _ in range(150):
        model, claim = rng.choice(RIGHT)
        is_claim = rng.random() < 0.5
        text = mutated(claim if is_claim else model, rng)

        def read(text: str = text, is_claim: bool = is_claim) -> None:
            try:
                if is_claim:
                    read_claims(text)
                else:
                    lower(read_statements(text))
                outcomes.add("read")
            except eg.EingradError as error:
                outcomes.add("error" if error.hint else text)

        assert calls(read) < 200_000, text
    assert outcomes == {"read", "error"}
