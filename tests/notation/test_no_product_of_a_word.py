r"""Words in LaTeX are names, or refused: letters side by side that spell one are no product."""

import pytest

import eingrad as eg


@pytest.mark.parametrize("text", [
    r"L = errors^2 / n", r"L = \sum_i errors_i^2", r"y = old_W x", r"w = w - \alpha grad",
    r"y = loss + 2 reg", r"y = x² + 1", r"v = a \text{ According to rule } w",
    r"L = \text{if this holds}", r"L = \frac{loss}{n}",
])  # fmt: skip
def test_a_word_is_no_product(text: str) -> None:
    with pytest.raises(eg.NotationError):
        eg.parse_latex(text)


@pytest.mark.parametrize(("text", "shown"), [
    (r"loss = x^2 \\ y = 2 loss", "loss = x^2\ny = 2 loss"),  # a left side names it
    (r"E = mgh", "E = m g h"), (r"y = a b c d", "y = a b c d"),
    (r"y = \text{loss}^2 + \mathrm{reg}", "y = loss^2 + reg"),
    (r"y_{ijkl} = a_{ijkl} + b_{lkji}", "y_ijkl = a_ijkl + b_lkji"),
    (r"L = \text{number of classes} x", "L = numberofclasses x"),
    (r"y = \operatorname{softplus}(x)", "y = softplus(x)"),
    (r"y = ln|x| + exp\left|x\right|", "y = log(abs(x)) + exp(abs(x))"),
])  # fmt: skip
def test_names_and_products_stay(text: str, shown: str) -> None:
    assert str(eg.parse_latex(text)) == shown


@pytest.mark.parametrize(("model", "claim"), [
    (r"\mathbf{q} = (\mathbf{I} + \mathbf{A}) \mathbf{g}",
     r"\mathbf{q} = \mathbf{g} + \mathbf{A} \mathbf{g}"),
    (r"\mathbf{q} = (\mathbf{I} - \mathbf{r} \mathbf{r}^\top) \mathbf{g}",
     r"\mathbf{q} = \mathbf{g} - \mathbf{r} (\mathbf{r}^\top \mathbf{g})"),
    (r"\mathbf{q} = (\mathbf{A} + \lambda \mathbf{I}) \mathbf{g}",
     r"\frac{\partial \mathbf{q}}{\partial \mathbf{g}} = \mathbf{A} + \lambda \mathbf{I}"),
    # moments of inertia multiply, and are no identity
    (r"\mathbf{l} = \mathbf{I} \mathbf{w}",
     r"\frac{\partial \mathbf{l}}{\partial \mathbf{w}} = \mathbf{I}"),
])  # fmt: skip
def test_a_bold_identity(model: str, claim: str) -> None:
    assert eg.parse_latex(model).check(claim, latex=True).outcome == "right"


def test_a_bold_matrix_that_multiplies_is_no_identity() -> None:
    model = eg.parse_latex(r"\mathbf{l} = \mathbf{I} \mathbf{w}")
    assert model.check(r"\mathbf{l} = \mathbf{w}", latex=True).outcome != "right"
