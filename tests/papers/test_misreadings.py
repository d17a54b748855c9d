"""What a document leaves open is not filled in: each case with what mathematics says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

import eingrad as eg


def found_in(folder: Path, text: str) -> list[eg.JudgedFormula]:
    """Return what is found of the formulas of a document."""
    path = folder / "a.md"
    path.write_text(text, encoding="utf-8")
    return list(eg.check_document(path).formulas)


LAYER = r"""
$$z_i = w_{ij} x_j$$
$$a_i = \sigma(z_i)$$
"""
LOGISTIC_ONLY = r"\frac{\partial a_i}{\partial z_i} = a_i (1 - a_i)"
OF_ANY = r"\frac{\partial a_i}{\partial x_j} = \sigma'(z_i) w_{ij}"
TWICE = r"\frac{\partial a_i}{\partial x_j} = 2 \sigma'(z_i) w_{ij}"
TWICE_LOGISTIC = r"\frac{\partial a_i}{\partial z_i} = 2 a_i (1 - a_i)"
# what the text says of sigma, a claim, and the outcome: a (1 - a) is the slope of 1 / (1 + e^-z)
# alone, the chain rule holds for any function
SIGMA = [
    ("Let", LOGISTIC_ONLY, "right if"),
    ("An activation function $\\sigma$, for example a sigmoid:", LOGISTIC_ONLY, "right if"),
    ("The output is passed through a nonlinear activation function $\\sigma(\\cdot)$.\n\n# B\n\n"
     "Some use a sigmoid.", LOGISTIC_ONLY, "right if"),
    ("With the sigmoid function", LOGISTIC_ONLY, "right"),
    ("With the activation function $\\sigma$, the logistic function,", LOGISTIC_ONLY, "right"),
    ("Let", OF_ANY, "right"),
    ("With the sigmoid function", OF_ANY, "right"),
    ("Let", TWICE, "wrong"),
    ("Let", TWICE_LOGISTIC, "not judged"),
    ("With the sigmoid function", TWICE_LOGISTIC, "wrong"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "claim", "outcome"), SIGMA)
def test_sigma_is_any_function_unless_the_text_says_so(
    tmp_path: Path, said: str, claim: str, outcome: str
) -> None:
    last = found_in(tmp_path, f"{said}\n{LAYER}\n$${claim}$$\n")[-1]
    assert last.outcome == outcome, last.reason
    if outcome == "right if":
        assert last.reason == "right if sigma is the logistic function"


# a text, a formula of it, and what it is: a case that the prose names says nothing by itself
CASES = [
    ("Let $s_i = w_{ik} x_k$. Now, what happens when $y_i = k$?", "y_i = k", "other"),
    ("$$s_i = w_{ik} x_k$$\n$$y_i = k, \\ \\forall j \\quad z_j = s_j$$", "y_i = k", "other"),
    ("$$s_i = w_{ik} x_k$$\nSuppose that $a = b$.", "a = b", "other"),
    ("$$s_i = w_{ik} x_k$$\nThis is zero unless $v = c$, of course.", "v = c", "other"),
    ("$$\\operatorname{tr}(A) = A \\iff A \\text{ is a scalar}$$", "\\operatorname{tr}(A) = A",
     "other"),
    ("$$f = x^2$$\n$$x > 0 \\implies g = x$$", "g = x", "other"),
    ("$f = x$ if $x > 0$.", "f = x", "other"),
    ("where $a = w x$", "a = w x", "definition"),
    ("Let $h_0 = x$", "h_0 = x", "definition"),
    ("$$y = w x^2 \\implies \\frac{dy}{dx} = 2 w x$$", "\\frac{dy}{dx} = 2", "claim"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "formula", "kind"), CASES)
def test_a_case_is_no_definition(tmp_path: Path, text: str, formula: str, kind: str) -> None:
    found = [f for f in found_in(tmp_path, f"# A\n\n{text}\n") if f.formula.startswith(formula)]
    assert [f.kind for f in found] == [kind]


@pytest.mark.parametrize(("behind", "value", "outcome"), [
    ("unless $i = j$", "0", "right"),
    ("when $i = j$", "w_i", "right"),
    ("when $i = j$", "2 w_i", "wrong"),
])  # fmt: skip
def test_a_condition_behind_a_formula(
    tmp_path: Path, behind: str, value: str, outcome: str
) -> None:
    text = rf"""
$$y_i = w_i x_i$$
Then \[\frac{{\partial y_i}}{{\partial x_j}} = {value}\] {behind}.
"""
    assert found_in(tmp_path, text)[1].outcome == outcome


@pytest.mark.parametrize(("text", "outcomes"), [
    (r"$f'(x) = 2x \quad (x \ge 0), \qquad f'(x) = -2x \quad (x < 0)$", ["right", "right"]),
    (r"$f'(x) = 2x \quad x \ge 0$", ["right"]),
    (r"$f'(x) = -2x \quad (x \ge 0)$", ["wrong"]),
    (r"$f'(x) = 2x \ (x \ge 0)$ and $f'(x) = 2x \ (x < 0)$", ["right", "wrong"]),
    (r"$f'(x) = 2x$ ($x \ge 0$)", []),  # in a case only
    (r"$f'(x) = 2x$ (see $x$)", ["wrong"]),
])  # fmt: skip
def test_a_case_in_parentheses(tmp_path: Path, text: str, outcomes: list[str]) -> None:
    found = found_in(tmp_path, f"Let $f(x) = x |x|$. Then {text}.\n")
    judged = [f.outcome for f in found if f.formula.startswith("f'") and f.kind == "claim"]
    assert judged == outcomes


# a text, a formula of it, and how it is read, "" where it is not: no vector as a number, and no
# number as a vector
SHAPES = [
    ("$$\\mathbf{h_t} = \\tanh(\\mathbf{z_t})$$", "\\mathbf{h_t}", ""),
    ("$$W^T a = c$$\n$$z = W \\mathbf{x} + b$$", "z = ", "z_i = W_ij x_j + b_i"),
    ("$$z = X w$$\n$$r = z - y$$\n$$X^T r = 0$$", "z = ", "z_i = X_ij w_j"),
    (
        "$x_i \\in \\mathbb{R}^p$, $\\mu^T \\mu$\n\n$$\\mu = \\frac{\\sum_i y_i x_i}{N_2}$$",
        "\\mu = ",
        "",
    ),
]


@pytest.mark.parametrize(("text", "formula", "read"), SHAPES)
def test_vectors_are_vectors_and_counts_numbers(
    tmp_path: Path, text: str, formula: str, read: str
) -> None:
    found = [f for f in found_in(tmp_path, f"{text}\n") if f.formula.startswith(formula)]
    assert found[0].read == read, found[0].reason


@pytest.mark.parametrize(("before", "kind"), [
    ("For binary logistic regression with another loss, ", "other"),
    ("For the weights, ", "claim"),
])  # fmt: skip
def test_a_claim_of_another_model(tmp_path: Path, before: str, kind: str) -> None:
    text = f"$$L = w x$$\n{before}$\\frac{{\\partial L}}{{\\partial w}} = x$.\n"
    assert found_in(tmp_path, text)[-1].kind == kind


NORMAL = r"$$L = \sum_i \left( y_i \log N(\mu_1, S) + (1 - y_i) \log N(\mu_2, S) \right)$$"
# a text, what is refused in it, and why: each has two readings that differ
OPEN = [
    (NORMAL, "L = ", "N is taken of different arguments"),
    ("$$\\frac{\\partial L}{\\partial S} = \\log N(\\mu_1, S)^{y} + \\log N(\\mu_2, S)^{1-y}$$",
     "\\frac", "N is taken of different arguments"),
    ("$$q = \\log a^{y} (1 - a)^{1 - y}$$", "q = ", "a logarithm of a power or of the product"),
    ("$$d = \\alpha_k(y_k)$$", "d = ", "alpha_k before (y_k) is a function or a factor"),
    ("$$\\mathbf{x} = g(\\mathbf{t})$$", "\\mathbf{x} = g", "g of a vector"),
    ("The layers have an activation, and after a while comes the chain rule for functions of many\n"
     "variables, which is often taught in a first course of calculus and which we recall here:\n\n"
     "$$\\mathbf{x} = g(\\mathbf{t})$$", "\\mathbf{x} = g", "g of a vector"),
    ("$$\\mathbf{o} = f(\\mathbf{x}) \\odot g(\\mathbf{y})$$", "\\mathbf{o}", "f of a vector"),
    ("$$p(x \\mid y) = y x$$\n$$L = \\prod_i p(x_i \\mid y_i)$$", "L = ", ""),
    ("$$p(w_j | v) = u_j$$\n$$p(w_{k^*} | v) = \\sigma(u_k)$$", "p(w_{k",
     "would lose its arguments"),
    ("$$q = \\frac{e^{z}_{k}}{a}$$", "q = ", "an entry of an exponential"),
]  # fmt: skip
READ = [
    ("$$q = \\log (a^{y} (1 - a)^{1 - y})$$", "q = "),
    ("$$q = \\log a^{y} + (1 - a)^{2}$$", "q = "),
    ("$$s = \\alpha_k y_k$$\n$$d = \\alpha_k(y_k)$$", "d = "),
    ("The function $g$ goes element-wise.\n$$\\mathbf{x} = g(\\mathbf{t})$$", "\\mathbf{x} = g"),
    ("The activation is $g$.\n$$\\mathbf{x} = g(\\mathbf{t})$$", "\\mathbf{x} = g"),
    ("$$\\mathbf{x} = \\exp(\\mathbf{t})$$", "\\mathbf{x}"),
    ("$$\\mathbf{x} = \\alpha (\\mathbf{t} - \\mathbf{s})$$", "\\mathbf{x}"),
]


@pytest.mark.parametrize(("text", "formula", "reason"), OPEN)
def test_what_has_two_readings_is_refused(
    tmp_path: Path, text: str, formula: str, reason: str
) -> None:
    [found] = [f for f in found_in(tmp_path, f"{text}\n") if f.formula.startswith(formula)]
    assert found.outcome == "not judged"
    assert found.read == ""
    assert reason in found.reason
    assert found.reason


@pytest.mark.parametrize(("text", "formula"), READ)
def test_what_has_one_reading_is_read(tmp_path: Path, text: str, formula: str) -> None:
    [found] = [f for f in found_in(tmp_path, f"{text}\n") if f.formula.startswith(formula)]
    assert found.read


def test_entries_of_a_function_of_a_vector_may_depend_on_all(tmp_path: Path) -> None:
    r"""\partial x_j / \partial t_i = 0 for i \ne j holds only for a function entry by entry."""
    claim = "$$\\frac{\\partial x_j}{\\partial t_i} = 0 \\quad i \\ne j$$\n"
    for bold in ("\\mathbf", "\\vec"):
        text = f"$${bold}{{x}} = g({bold}{{t}})$$\n{claim}"
        assert found_in(tmp_path, text)[-1].outcome == "not judged"
        said = f"Element-wise,\n{text}"
        assert found_in(tmp_path, said)[-1].outcome == "right"


# a text, which of its formulas, and how it is read: nothing is what it would be without its context
READ = [
    (r"$$\boxed{x = 2 a \\ y = 3 a}$$", 1, "y = 3 a"),
    (r"$$\boxed{f = 2 a,\qquad g = 3 a}$$", 1, "g = 3 a"),
    (r"$$y = \boxed{2 a}$$", 0, "y = 2 a"),
    ("$$\\min_{w,b} w^\\top w$$\n$$f_i = w^\\top x_i$$\n$$w = \\sum_i a_i x_i$$", -1,
     "w_j = sum_i(a_i x_ij)"),
    (r"$$\hat{b}_{WLS} = (\mathbf{X}^\top \mathbf{W} \mathbf{X})^{-1} \mathbf{X}^\top "
     r"\mathbf{y}$$", 0, "bhatWLS_i = "),
    (r"$$\hat{b}_{GLS} = (\mathbf{X}^\top \mathbf{X})^{-1} \mathbf{X}^\top \mathbf{y}$$", 0,
     "bhatGLS_i = "),
    ("$$d_{ij} = \\|r_i - r_j\\|$$\n$${d'}_{ij} = \\|r_i - {r'}_j\\|$$", 1, "dprime_ij = "),
    ("$$y_i = s(x_i)$$\n$$1 = \\frac{\\partial}{\\partial x_i} [s(s^{-1}(x_i))]$$", 1, ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "which", "read"), READ)
def test_what_a_formula_is_read_as(tmp_path: Path, text: str, which: int, read: str) -> None:
    own = found_in(tmp_path, text)[which].read
    assert own.startswith(read) if read else not own


LINK = r"""
$$\eta = -\lambda$$
$$\mu = -\frac{1}{\eta}$$
"""
# no derivative: an author may state a condition, a case or a new meaning, which is not wrong
RELATED = [
    (r"-\frac{1}{\mu} = b t", "not judged"),
    (r"2 \mu = \frac{2}{\lambda}", "right"),
    (r"2 \mu = \frac{3}{\lambda}", "not judged"),
    (r"\frac{\partial \mu}{\partial \lambda} = -\frac{1}{\lambda^2}", "right"),
    (r"\frac{\partial \mu}{\partial \lambda} = \frac{1}{\lambda^2}", "wrong"),
]


@pytest.mark.parametrize(("claim", "outcome"), RELATED)
def test_what_is_no_derivative_is_not_called_wrong(
    tmp_path: Path, claim: str, outcome: str
) -> None:
    assert found_in(tmp_path, f"{LINK}\n$${claim}$$")[-1].outcome == outcome


# a model, and what is right in one of two readings: how far a derivative or a bar goes is open
OPEN_REACH = [
    (
        "J = (w - a)(w - b)",
        r"\frac{\partial J}{\partial w} = \frac{\partial}{\partial w} (w - a)(w - b)",
    ),
    ("L = (x - y) x^2", r"\frac{dL}{dx} = \frac{d}{dx} (x - y) x^2"),
    (
        r"f(x) = \|A x - b\|^2 + c, \quad A \in \mathbb{R}^{m \times n}",
        r"\nabla_x f = \nabla_x (A x - b)^T (A x - b)",
    ),
    (r"z = \frac{a}{s \sqrt{v}}", r"\frac{\partial z}{\partial a} = 1 / s \sqrt{v}"),
]


@pytest.mark.parametrize(("model", "claim"), OPEN_REACH)
def test_what_is_open_is_not_called_wrong(tmp_path: Path, model: str, claim: str) -> None:
    last = found_in(tmp_path, f"$$ {model} $$\n\n$$ {claim} $$\n")[-1]
    assert last.outcome in {"not judged", "right"}, last.reason


def test_a_derivative_of_another_formula_defines_nothing_anew(tmp_path: Path) -> None:
    """C is defined; a chain that begins with a slip is wrong, and so is what follows from it."""
    lines = [
        r"C = \frac{1}{2} \sum_j (y_j - a_j)^2",
        r"\frac{\partial C}{\partial a_j} = \frac{\partial}{\partial a_j} "
        r"\left( \frac{1}{2} \sum_j (y_j^2 - a_j)^2 \right) = -(y_j^2 - a_j)",
    ]
    found = found_in(tmp_path, "\n\n".join(f"$$ {line} $$" for line in lines))
    assert all(f.outcome != "right" for f in found)
    assert found[-1].outcome == "wrong"


NEURON = r"""A neuron computes $z = w^T x + b$ and $a = \sigma(z)$ for each example $x^{(i)}$.

$$C = \frac{1}{2n}\sum_{i=1}^n (a^{(i)} - y^{(i)})^2$$

"""
UNIT = r"""$\hat y = \sigma(w^T x + b)$ with the sigmoid $\sigma$, of each example $x^{(i)}$.

$$J = -\frac{1}{m}\sum_{i=1}^m \left[y^{(i)}\log\hat y^{(i)}
+ (1-y^{(i)})\log(1-\hat y^{(i)})\right]$$

"""
MEAN, SLOPE = r"\frac{1}{n}\sum_{i=1}^n", r"\sigma'(z^{(i)})"
# the model of one example beside the cost of all: w and b are the same for all. By hand.
OF_ALL = [
    (NEURON, rf"\frac{{\partial C}}{{\partial b}} = {MEAN} (a^{{(i)}} - y^{{(i)}}) {SLOPE}",
     {"right"}),
    (NEURON, rf"\frac{{\partial C}}{{\partial b}} = {MEAN} (a^{{(i)}} + y^{{(i)}}) {SLOPE}",
     {"wrong", "not judged"}),
    (NEURON, rf"\frac{{\partial C}}{{\partial w}} = "
     rf"{MEAN} (a^{{(i)}} - y^{{(i)}}) {SLOPE} x^{{(i)}}",
     {"right"}),
    (NEURON, r"\frac{\partial C}{\partial z^{(i)}} = "
     rf"\frac{{1}}{{n}} (a^{{(i)}} - y^{{(i)}}) {SLOPE}",
     {"right"}),
    (UNIT, r"\frac{\partial J}{\partial b} = \frac{1}{m}\sum_{i=1}^m (\hat y^{(i)} - y^{(i)})",
     {"right"}),
    (UNIT, r"\frac{\partial J}{\partial w_j} = "
     r"\frac{1}{m}\sum_{i=1}^m (\hat y^{(i)} - y^{(i)}) x^{(i)}_j",
     {"right"}),
    (UNIT, r"\frac{\partial J}{\partial w_j} = "
     r"\frac{1}{m}\sum_{i=1}^m (\hat y^{(i)} + y^{(i)}) x^{(i)}_j",
     {"wrong", "not judged"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "claim", "outcomes"), OF_ALL)
def test_the_model_of_one_example_and_the_cost_of_all(
    tmp_path: Path, text: str, claim: str, outcomes: set[str]
) -> None:
    *_, one = found_in(tmp_path, f"{text}$${claim}$$\n")
    assert one.outcome in outcomes, one.reason


SIGNAL = r"""$$z_j = W_{jk} x_k$$
$$p_j = \frac{e^{z_j}}{\sum_k e^{z_k}}$$
$$L = -\sum_j y_j \log p_j$$
with one-hot $y$. Let
$$\delta_j = \frac{\partial L}{\partial z_j}$$

"""
# what is said of an error signal that is a derivative, and what is found: p - y by hand
FORMULAS = [
    (r"$$\delta_j = p_j - y_j$$", ("claim", "right if")),
    (r"$$\delta_j = p_j + y_j$$", ("claim", "wrong")),
    (r"$$\delta_j = y_j - p_j$$", ("claim", "wrong")),
    ("For a linear model, " r"$\delta_j = z_j - y_j$", ("definition", "not judged")),
    ("# Regression\n\n" r"Here $$\delta_j = z_j - y_j$$", ("definition", "not judged")),
    (r"$$\delta_j = u_j$$", ("definition", "not judged")),
    ("Then " r"$$\delta_j = p_j + y_j$$", ("claim", "wrong")),
    ("Since the sum simplifies to: " r"$$\delta_j = p_j + y_j$$", ("definition", "not judged")),
]
# f is the softmax, but no formula says so: p - y is right, and what any f gives is something else
ANY_OUTPUT = r"""$f$ is the softmax.

$$z_j = W_{jk} x_k$$
$$p_j = f(z_j)$$
$$L = -\sum_j y_j \log p_j$$
$$\delta_j = \frac{\partial L}{\partial z_j}$$
$$\delta_j = p_j - y_j$$
"""


def test_an_error_signal_of_a_function_that_the_prose_names(tmp_path: Path) -> None:
    *_, one = found_in(tmp_path, ANY_OUTPUT)
    assert one.outcome == "not judged"


@pytest.mark.parametrize(("text", "expected"), FORMULAS)
def test_what_is_a_derivative_has_its_value_by_that(
    tmp_path: Path, text: str, expected: tuple[str, str]
) -> None:
    *_, one = found_in(tmp_path, SIGNAL + text)
    assert (one.kind, one.outcome) == expected


def test_a_table_of_cases_defines_nothing(tmp_path: Path) -> None:
    """Rows that give p one number and then another one are cases, with all that stands in them."""
    rows = r"y = 1, p &= 0.1, \quad \text{big error} \\ y = 1, p &= 0.9, \quad \text{good}"
    found = found_in(tmp_path, rf"$$ \begin{{align*}} {rows} \end{{align*}} $$" + "\n")
    assert {f.kind for f in found} == {"other"}


def test_a_function_of_another_argument_is_another_value(tmp_path: Path) -> None:
    found = found_in(tmp_path, "$$ b(s) = t $$\n\n$$ b(t) = t $$\n")
    assert [f.outcome for f in found] == ["not judged"] * 2


def test_an_extent_that_gets_a_value_stops_nothing(tmp_path: Path) -> None:
    text = (
        r"Let $d_k = d_{\text{model}}/h$. $$ S = \frac{Q K^T}{\sqrt{d_k}} $$ "
        r"with $Q \in \mathbb{R}^{n \times d_k}$, $K \in \mathbb{R}^{n \times d_k}$"
    )
    assert len(found_in(tmp_path, text)) >= 2


# y = f(x) = formula defines both; a definition in other words can be wrong, a further one cannot
TANH = (
    r"$\sigma(z) = \frac{1}{1+e^{-z}}$ and $$t = \frac{e^z-e^{-z}}{e^z+e^{-z}} = 2 \sigma(%s) - 1$$"
)
SAID_AGAIN = [
    (r"Let $y = f(x) = x^2e^x$. $$\frac{dy}{dx} = (x^2+2x)e^x$$", "right"),
    (r"Let $y = f(x) = x^2e^x$. $$\frac{dy}{dx} = x e^x$$", "wrong"),
    (r"Let $L = g(w) = w^2$. $$\frac{dg}{dw} = 2w$$", "right"),
    (TANH % "z", "wrong"),
    (TANH % "2 z", "right"),
    (r"$L = \lambda/2$ and $$I = I_0 \cos\left(\frac{\pi z}{L}\right) = I_0 \cos(k z)$$",
     "not judged"),
    (r"Let $t = \tanh(z)$, $t = 2 \cdot sigmoid(z) - 1$, $$\frac{dt}{dz} = 1 - t^2$$", "right if"),
    (r"$$\log\frac ab = \log a-\log b$$", "not judged"),
    (r"Let $f(x)=x^2$. $$f'(x)=3x$$", "wrong"),
    (r"Let $f(x)=x^2$. $$f''(x)=2$$", "right"),
    (r"Let $f(x)=x^2$. $$f''(x)=3$$", "wrong"),
    (r"Let $f(x)=x^2$ and $h(x) = f(x) x$. $$h'(x) = f'(x) x + f(x)$$", "right"),
    (r"Let $f(x)=x^2$ and $h(x) = f(x) x$. $$h'(x) = f'(x) x$$", "wrong"),
    (r"Let $y = f(x) = x^2e^x$. $$f''(x) = (x^2+4x)e^x$$", "wrong"),
    (r"Let $y = f(x) = x^2e^x$. $$f''(x) = (x^2+4x+2)e^x$$", "right"),
    (r"$f(x) = (x-m)^2$ is least at $x = m$. Now $$\frac{df}{dx} = 5(x-m)$$", "wrong"),
    (r"$f(x) = (x-m)^2$ is least at $x = m$. Now $$\frac{df}{dx} = 2(x-m)$$", "right"),
    (r"Let $S = \sum_i(x_i-m)^2$. It is least for $$m = \frac1n\sum_{i=1}^n x_i$$ since "
     r"$$\frac{dS}{dm} = -4\sum_i(x_i-m)$$", "wrong"),
    (r"Let $z_i = \sum_j W_{ij} x_j$, $p_i = \mathrm{softmax}(z)_i$ and $L = -\log p_c$. "
     r"$$\frac{\partial L}{\partial z_i} = p_i - \delta_{ic}$$", "right"),
    (r"Let $y = x^2$ and $$y=\mathbb{1}_{}$$", "not judged"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "outcome"), SAID_AGAIN)
def test_a_definition_in_other_words(tmp_path: Path, text: str, outcome: str) -> None:
    assert found_in(tmp_path, text)[-1].outcome == outcome
