r"""How far a slash divides in LaTeX; the oracle is the same formula with fractions."""

import pytest

import eingrad as eg
from eingrad.errors import NotationError
from eingrad.notation.tex.read import read_formula, read_model
from eingrad.notation.text import to_text

SAME = {
    r"a/bc": r"\frac{a}{b c}",
    r"e^{-E/kT}": r"e^{-\frac{E}{k T}}",
    r"\frac{1}{e^{h\nu/kT} - 1}": r"\frac{1}{e^{\frac{h\nu}{k T}} - 1}",
    r"ab/cd + 1": r"\frac{a b}{c d} + 1",
    r"a/b \cdot c": r"\frac{a}{b} c",
    r"a/b (c + d)": r"\frac{a}{b} (c + d)",
    r"1/2 a": r"\frac{1}{2} a",
    r"(a/b) c": r"\frac{a}{b} c",
    r"a/(b c)": r"\frac{a}{b c}",
    r"a/b \sum_i c_i": r"\frac{a}{b} \sum_i c_i",
}
OPEN = [
    r"a / b c", r"a/\beta c", r"a/2b", r"a^2/2\sigma^2", r"1/2\pi f", r"1/2 \pi r^2", r"a/b\, c",
    r"a/\sqrt{b} c", r"a/\sqrt{b}c", r"1/a b",
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")
@pytest.mark.parametrize("slash", SAME)
def test_the_same_as_with_fractions(slash: str) -> None:
    one, other = (read_model(rf"y = {x}").statements for x in (slash, SAME[slash]))
    left, right = (eg.parse(to_text(x[-1])).grad("y") for x in (one, other))
    assert str(left) == str(right)


@pytest.mark.parametrize("formula", OPEN)
def test_open(formula: str) -> None:
    with pytest.raises(NotationError, match="is open"):
        read_model(rf"y = {formula}")


def test_claims_of_physics() -> None:
    with pytest.warns(eg.NotationWarning, match="divides by k T"):
        model = eg.parse_latex(r"Z = e^{-E/kT}")
    assert model.check(r"\frac{dZ}{dT} = \frac{E}{kT^2} Z", latex=True).outcome == "right"
    assert model.check(r"\frac{dZ}{dT} = -\frac{E}{k} Z", latex=True).outcome == "wrong"
    assert to_text(read_formula(r"a/b c")) == "a / b c"  # as eingrad prints it
