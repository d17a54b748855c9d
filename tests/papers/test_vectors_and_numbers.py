"""What a document shows to be a vector or a matrix is never read as a number."""

from __future__ import annotations

from pathlib import Path

import pytest

import eingrad as eg


def found_in(folder: Path, text: str) -> list[eg.JudgedFormula]:
    """Return what is found of the formulas of a document."""
    path = folder / "a.md"
    path.write_text(text, encoding="utf-8")
    return list(eg.check_document(path).formulas)


# a document, a formula of it, and how it is read by hand: "" where its meaning is not certain
READ = [
    ("$$S = X_0 a$$\n\nThe matrix $X_0$ and the vector $a$.", "S = X_0 a", "S_i = X0_ij a_j"),
    ("$$F = u^\\top D u$$\n\nwhere $D$ is a symmetric matrix.", "F = u^\\top D u",
     "F = u_i D_ij u_j"),
    ("$$y = x w + b$$\n$$\\frac{\\partial y}{\\partial w} = x^T$$",
     "\\frac{\\partial y}{\\partial w} = x^T", ""),
    ("$$z^l = w^l a^{l-1} + b^l$$\n$$\\delta^l = (w^{l+1})^T \\delta^{l+1}$$",
     "z^l = w^l a^{l-1} + b^l", ""),
    ("$$y_1 = w_{11} x_1 + w_{12} x_2$$\n$$y_1 = w_1 x$$", "y_1 = w_1 x", ""),
    ("$$B_3 = B_2^{-1}$$", "B_3 = B_2^{-1}", ""),
    ("$$J = \\frac{1}{n} \\sum_{n} L_n(\\Theta)$$", "J = \\frac{1}{n} \\sum_{n} L_n(\\Theta)", ""),
    ("$$D(F) = M$$", "D(F) = M", ""),
    ("$$s(x + c)_i = e^{x_i}$$", "e^{x_i} = s(x + c)_i", ""),
    ("$$a = \\log\\frac{1}{s} e^{-x}$$", "a = \\log\\frac{1}{s} e^{-x}", ""),
    ("$$x = a^1$$", "x = a^1", ""),
    ("The convolution is $$y = w * x$$", "y = w * x", ""),
    ("$$v = a b \\newline w = v c$$", "w = v c", "w = v c"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "formula", "read"), READ, ids=[x[1] for x in READ])
def test_vectors_are_no_numbers(tmp_path: Path, text: str, formula: str, read: str) -> None:
    [found] = [f for f in found_in(tmp_path, text) if f.formula == formula]
    assert found.read == read, found.reason
    assert found.outcome == "not judged"


VECTORS = """
$$S = u^\\top D u - \\lambda (u \\cdot u)$$

where $D$ is a symmetric matrix and $u$ is a vector.

$$\\nabla_u S = %s$$
"""


def test_what_the_words_say_is_used(tmp_path: Path) -> None:
    right = found_in(tmp_path, VECTORS % "D u + D^\\top u - 2 \\lambda u")[-1]
    assert right.outcome == "right", right.reason
    half = found_in(tmp_path, VECTORS % "2 D u - 2 \\lambda u")[-1]
    assert half.outcome == "right if"
    assert "D_ij = D_ji" in half.reason
    assert found_in(tmp_path, VECTORS % "D u - 2 \\lambda u")[-1].outcome == "wrong"


def test_a_sign_is_what_the_text_calls_it(tmp_path: Path) -> None:
    text = (
        "$\\otimes$ is the Hadamard product.\n\n"
        "$$\\mathbf{y} = \\mathbf{a} \\otimes \\mathbf{x}$$\n"
        "$$L = \\mathbf{c}^\\top \\mathbf{y}$$\n"
        "$$\\frac{\\partial L}{\\partial \\mathbf{x}} = \\mathbf{a} \\otimes \\mathbf{c}$$\n"
    )
    found = found_in(tmp_path, text)
    assert next(f.read for f in found if f.kind == "definition") == "y_i = a_i x_i"
    assert found[-1].outcome == "right", found[-1].reason


NORM = r"""
$$RMS(\mathbf{x}) = \sqrt{\frac{1}{N} \sum_i x_i^2}, \quad r = \frac{1}{RMS(\mathbf{x})}$$
$$\nabla_{\mathbf{x}} r = - \frac{\mathbf{x}}{N\, RMS(\mathbf{x})^%s}$$
"""
# a document, and the outcome of its last formula, by hand: of f(x)^3 the whole of f is cubed
FORMULAS = [
    (NORM % "3", "right"),
    (NORM % "2", "wrong"),
    (r"$$\frac{\partial}{\partial \mathbf{x}}(\mathbf{a}^T \mathbf{x}) = \mathbf{a}$$", "right"),
    (
        r"$$\frac{\partial}{\partial \mathbf{x}}(\mathbf{x}^T A \mathbf{x}) = A \mathbf{x}$$",
        "wrong",
    ),
    (r"$$\frac{\partial}{\partial X} \text{tr}(X^T X) = 2 X$$", "right"),
    (r"$$r = RMS(\mathbf{x})$$", "not judged"),
    (r"$$a = \log (1 - p)^{1 - y}$$", "not judged"),
]


@pytest.mark.parametrize(("text", "outcome"), FORMULAS)
def test_derivatives_of_formulas_and_words(tmp_path: Path, text: str, outcome: str) -> None:
    last = found_in(tmp_path, text)[-1]
    assert last.outcome == outcome, last.reason
    assert bool(last.read) == (outcome != "not judged")
