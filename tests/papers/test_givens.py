r"""What the prose before a claim says to hold there: numbers, points, cases; right by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

import eingrad as eg

LOG = r"Let $L = -t\log y - (1-t)\log(1-y)$."
CONSTRAINED = r"""We minimise under $\mathbf W^T \mathbf W=\mathbf I$ with the multipliers of
$$L = -\text{tr}(\mathbf W^T\mathbf S\mathbf W) +
\text{tr}(\mathbf{M}^T (\mathbf W^T \mathbf W-\mathbf I))$$"""
RADIUS = r"Let $f(r, t) = r^2 t$."
SINE = r"Let $f(x, y) = x^2 y + \sin(xy)$."
BATCH = r"Let $\mu = \frac1n\sum_ix_i$, $y_i = x_i-\mu$ and $L = \frac12\sum_iy_i^2g_i$."
TARGET = r"Let $y = r+\gamma wz$, $q = wx$, $L = \frac12(y-q)^2$."
HINGE = r"$$L_i = \max(0, 1 - y_i s_i)$$"
TRIPLET = r"""Let $a, p, n \in \mathbb{R}^d$.

$$T = \max(0, \|a - p\|^2 - \|a - n\|^2 + m)$$"""

# a document with one derivative behind each |, and what is to be said of it
CUBE = r"Let $f(x, y) = x^2 y + y^3$. Then |"
BUDGET = r"Maximise $U = x^ay^b$ subject to $px+qy = M$. Let $L = x^ay^b-\lambda(px+qy-M)$. Then"
CASES = [
    (r"Let $y = x^2$. When $x = 3$, |$\frac{dy}{dx} = 6$.", "right if x = 3"),
    (r"Let $y = x^2$. When $x = 3$, |$\frac{dy}{dx} = 5$.", "wrong"),
    (r"Let $y = x^2$. When $x = 3$, |$\frac{dy}{dx} = 2x$.", "right"),
    (rf"{SINE} At the point $(1, 0)$, |$\frac{{\partial f}}{{\partial y}} = 2$.",
     "right if x = 1 and y = 0"),
    (rf"{SINE} At the point $(1, 0)$, |$\frac{{\partial f}}{{\partial y}} = 1$.",
     "wrong"),
    (r"Let $f = x^2 + 3xy$. At $(x, y) = (1, 2)$ this is |$\frac{\partial f}{\partial x} = 8$.",
     "right if x = 1 and y = 2"),
    (RADIUS + r" At the point $\left(3, 2\right)$, |$\frac{\partial f}{\partial r} = 12$.",
     "right if r = 3 and t = 2"),
    (RADIUS + r" At the point $(3, 2)$, |$\frac{\partial f}{\partial t} = 8$.", "wrong"),
    (r"Let $f(x) = x^3 - 3x$. For $x=2$: |$$\frac{df}{dx} = 9$$", "right if x = 2"),
    (r"Let $L = (wx+b-t)^2$. Suppose $w=1$, $x=2$, $b=0$, $t=1$. "
     r"Then |$$\frac{\partial L}{\partial w} = 2(2-1)2$$", "right if w = 1 and x = 2"),
    (r"Let $A = \begin{pmatrix}1&2\\3&4\end{pmatrix}$ and $f(x) = x^TAx$ with $x = (x_1, x_2)^T$. "
     r"Then |$\frac{\partial f}{\partial x_1} = 2x_1+5x_2$.", "not judged"),
    (rf"{LOG} When $t=1$: |$\frac{{\partial L}}{{\partial y}} = -\frac1y$.", "right if t = 1"),
    (f"{LOG}\n\n### Case $t=0$\n\n" r"|$$\frac{\partial L}{\partial y} = \frac1{1-y}$$",
     "right if t = 0"),
    (f"{LOG}\n\n### Case $t=0$\n\n" r"|$$\frac{\partial L}{\partial y} = \frac1y$$", "wrong"),
    (f"{LOG}\n\n* If $t=1$, nothing.\n" r"* If $t=0$, |$\frac{\partial L}{\partial y} = -\frac1y$.",
     "wrong"),
    # gradients by their entries: of x^2 y + y^3 by hand (2xy, x^2 + 3y^2), at (1, 2) so (4, 13)
    (rf"{CUBE}$\nabla f = (2xy, x^2 + 3y^2)$", "right"),
    (rf"{CUBE}$\nabla f(x,y) = \left\langle 2xy, x^2 + 3y^2 \right\rangle$", "right"),
    (rf"{CUBE}$\nabla f = 2xy\,\mathbf{{i}} + (x^2 + 3y^2)\hat{{\mathbf{{j}}}}$", "right"),
    (rf"{CUBE}$$\nabla f = \begin{{pmatrix}} 2xy \\ x^2 + 3y^2 \end{{pmatrix}}$$", "right"),
    (rf"{CUBE}$$\nabla f = \begin{{bmatrix}} 2xy \\ x^2 + 3y \end{{bmatrix}}$$", "wrong"),
    (rf"{CUBE}$\nabla f = 2xy \mathbf{{i}} - (x^2 + 3y^2) \mathbf{{j}}$", "wrong"),
    (rf"{CUBE}$\nabla f(y, x) = (2xy, x^2 + 3y^2)$", "not judged"),
    (rf"{CUBE}$\nabla f = (0, 0)$", "not judged"),
    (rf"{CUBE}$\nabla f(1, 2) = (4, 13)$", "right"),
    (rf"{CUBE}$\nabla f(1, 2) = (4, 12)$", "not judged"),
    (rf"{CUBE}$\frac{{\partial f}}{{\partial x}}(1, 2) = 4$", "right"),
    (rf"{CUBE}$\frac{{\partial f}}{{\partial y}}(2, 1) = 13$", "not judged"),
    (r"Let $f(y, x) = x^2 y + y^3$. Then |$\nabla f = (2xy, x^2 + 3y^2)$", "not judged"),
    (r"Let $E = w_1^4 - 2 w_1 w_2$. |$$\nabla E = [4 w_1^3 - 2 w_2, -2 w_1]$$", "right"),
    (r"Let $f(x) = \langle a, x\rangle$, $a, x \in \mathbb{R}^n$. |$$\nabla f(x) = a$$", "right"),
    (r"Let $a = 3$ and $f(x) = ax^2$. Then |$\frac{df}{dx} = 6x$.", "right if a = 3"),
    (r"Let $J = \frac12 (w x - y)^2 + \frac{\lambda}{2} w^2$. Without regularization "
     r"($\lambda = 0$): |$$\frac{\partial J}{\partial w} = (w x - y) x$$",
     r"right if \lambda = 0"),
    (r"The mean $M = \left(\frac1n\sum_ix_i^p\right)^{1/p}$. In the special case $p=1$, "
     r"|$\frac{\partial M}{\partial x_i} = \frac1n$.", "right if p = 1"),
    ("Let $y = \\max(0, x)$.\n\n- for $x>0$: |$\\frac{dy}{dx} = 1$\n", "right if x > 0"),
    ("Let $y = \\max(0, x)$.\n\n- for $x<0$: |$\\frac{dy}{dx} = 1$\n", "wrong"),
    (r"Let $f(x) = |x|$. If $x > 0$, then |$\frac{df}{dx} = 1$.", "right if x > 0"),
    (r"Let $f(x) = |x|$. If $x > 0$, then |$\frac{df}{dx} = -1$.", "wrong"),
    (HINGE + r" When the margin is violated, i.e. $y_i s_i < 1$, "
     r"|$$\frac{\partial L_i}{\partial s_i} = -y_i$$", "right if y_i s_i < 1"),
    (TRIPLET + "\n\nIf $T > 0$:\n\n" r"|$$\frac{\partial T}{\partial a} = 2(n - p)$$",
     "right if T > 0"),
    (TRIPLET + "\n\nIf $T > 0$:\n\n" r"$$\frac{\partial T}{\partial a} = 2(n - p)$$" "\n\n"
     r"|$$\frac{\partial T}{\partial n} = 2(a - n)$$", "right if T > 0"),
    (TRIPLET + "\n\nIf $T > 0$:\n\n" r"|$$\frac{\partial T}{\partial n} = 2(n - a)$$", "wrong"),
    (BATCH + r" Treating $\mu$ as a constant, |$\frac{\partial L}{\partial x_i} = y_ig_i$.",
     r"right if \mu is held fixed"),
    (BATCH + r" Treating $\mu$ as a constant, |$\frac{\partial L}{\partial x_i} = 2y_ig_i$.",
     "wrong"),
    (BATCH + r" Then |$\frac{\partial L}{\partial x_i} = y_ig_i$.", "wrong"),
    (TARGET + r" Because we do not backpropagate through the target $y$, "
     r"|$\frac{\partial L}{\partial w} = -(y-q)x$.", "right if y is held fixed"),
    (TARGET + r" |$\frac{\partial L}{\partial w} = -(y-q)x$.", "wrong"),
    (r"Let $h = wx$, $y = vh+ux$ and $L = \frac12(y-t)^2$. Holding $h$ fixed, "
     r"|$\frac{\partial L}{\partial x} = (y-t)u$.", "right if h is held fixed"),
    (r"Let $y = 2x$ and $f = x+y$. Then |$\frac{\partial f}{\partial x} = 1$.",
     "right if y is held fixed: as a total derivative, factor 3 missing"),
    (r"Let $y = 2x$ and $f = x+y$. Then |$\frac{df}{dx} = 1$.", "wrong"),
    (r"Let $y = 2x$ and $f = x+y$. Then |$\frac{\partial f}{\partial x} = 2$.", "wrong"),
    (r"Let $y = 2x$ and $f = 3 y$. Then |$\frac{\partial f}{\partial x} = 0$.", "not judged"),
    ("Let $P = x^2 y$ and $Q = x y$. $(P, Q)$ is conservative if and only if:\n\n"
     r"|$$\frac{\partial P}{\partial y} = \frac{\partial Q}{\partial x}$$", "not judged"),
    (CONSTRAINED + r" |$$\frac{\partial L}{\partial \mathbf W} = -\mathbf S\mathbf W"
     r"-\mathbf S^T\mathbf W"
     r"+\mathbf{W}\mathbf{M}+\mathbf{W}\mathbf{M}^T$$", "right"),
    (CONSTRAINED + r" |$$\frac{\partial L}{\partial \mathbf W} = -\mathbf S\mathbf W"
     r"-\mathbf S^T\mathbf W"
     r"+2 \mathbf{W}\mathbf{M}$$", "right if M_"),
    ("**Example 1.** $u = x+y$.\n\n"
     r"**Example 2.** $f = x u$; |$\frac{\partial f}{\partial x} = u$.",
     "right"),
    ("$u = x+y$.\n\n" r"**Example 2.** $f = x u$; |$\frac{\partial f}{\partial x} = u + 2x$.",
     "wrong"),
    (r"Let $f(x) = x^3$; at $x = 1$ the slope is $3$. In general |$\frac{df}{dx} = 3x$.", "wrong"),
    (BUDGET + r" |$\frac{\partial L}{\partial\lambda} = px+qy-M$.", "wrong"),
    (BUDGET + r" |$\frac{\partial L}{\partial\lambda} = M-px-qy$.", "right"),
    (BUDGET + r" |$\frac{\partial L}{\partial x} = ax^{a-1}y^b-\lambda p$.", "right"),
    (r"Let $L = r^2$ subject to $r = y-wx$; |$\frac{\partial L}{\partial w} = -2rx$.", "right"),
    (r"Let $S = \sum_i(x_i-m)^2$. It is least for $m = \frac1n\sum_ix_i$, since "
     r"|$\frac{dS}{dm} = -4\sum_i(x_i-m)$.", "wrong"),
    (r"Let $S = \sum_i(x_i-m)^2$. It is least for $m = \frac1n\sum_ix_i$, since "
     r"|$\frac{dS}{dm} = -2\sum_i(x_i-m)$.", "right"),
    (r"Let $L = (wx+b-y)^2$. Initialise $b = 0$ and $w = 0$. "
     r"|$\frac{\partial L}{\partial w} = 2(wx-y)x$.", "wrong"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_formula_is_judged_where_the_text_says_that_it_holds(
    text: str, expected: str, tmp_path: Path
) -> None:
    before, _, asked = text.rpartition("|$")
    path = tmp_path / "notes.md"
    path.write_text(f"{before}${asked}")
    claim = asked.strip("$\n.")
    (found,) = (f for f in eg.check_document(path).formulas if f.formula == claim)
    assert found.outcome == expected.partition(" if")[0] + " if" * (" if" in expected)
    assert found.reason.startswith(expected) or " if" not in expected


QUADRATIC = r"""Let $f(x) = \frac12x^TAx - b^Tx$ with $x, b\in\mathbb{R}^n$,
$A\in\mathbb{R}^{n\times n}$.
$$\nabla f(x) = Ax-b$$"""


@pytest.mark.parametrize(("sentence", "outcome"), [
    ("The matrix $A$ is symmetric.", "right if"),
    ("We do not know $b$. The matrix $A$ is symmetric.", "right if"),
    ("$A$ is symmetric but not diagonal.", "right if"),
    ("$A$ is not diagonal, but symmetric.", "right if"),
    ("The matrix $A$ is not symmetric.", "wrong"),
    ("We do not assume that $A$ is symmetric.", "wrong"),
    ("$A$ need not be symmetric.", "wrong"),
    ("$A$ isn't symmetric.", "wrong"),
    ("$A$ is a nonsymmetric matrix.", "wrong"),
])  # fmt: skip
def test_a_fact_that_is_denied_is_no_condition(sentence: str, outcome: str, tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_text(f"{sentence} {QUADRATIC}")
    *_, found = eg.check_document(path).formulas
    assert found.outcome == outcome
    assert found.reason.endswith("as line 1 says" if outcome == "right if" else "line 1 denies")


@pytest.mark.parametrize("sentence", [
    "The matrix $B$ is not symmetric.",
    "Let $A$ be a matrix. The matrix $B$ is symmetric.",
    "Take a matrix $A$. If $A$ were symmetric, things would be simpler.",
    "Take a matrix $A$. $A^TA$ is symmetric.",
    "Take a matrix $A$. Symmetric matrices will be treated in section 3.",
    "Take a matrix $A$. The result is a symmetric matrix.",
])  # fmt: skip
def test_what_is_said_of_something_else_does_not_count(sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_text(f"{sentence} {QUADRATIC}")
    *_, found = eg.check_document(path).formulas
    assert (found.outcome, found.reason) == ("right if", "right if A_ni = A_in")


CROSS_ENTROPY = r"""Let $p_i = \frac{e^{z_i}}{\sum_je^{z_j}}$ and $L = -\sum_iy_i\log p_i$. %s
Then $\frac{\partial L}{\partial z_i} = p_i-y_i$."""
POWER = r"""%s Let $L = (x^Tx)^2$ with $x\in\mathbb{R}^n$.
Then $\frac{\partial L}{\partial x} = 4x$."""


@pytest.mark.parametrize(("text", "sentence", "expected"), [  # sum_j y_j p_i - y_i; 4 x^T x x
    (CROSS_ENTROPY, r"We assume that $\sum_iy_i = 1$.", "right if"),
    (CROSS_ENTROPY, r"We do not assume that $\sum_iy_i = 1$.", "wrong"),
    (CROSS_ENTROPY, r"Note that $y$ is multi-hot.", "wrong"),
    (CROSS_ENTROPY, r"The labels are one-hot.", "right if"),
    (POWER, "Let $x$ be a unit vector.", "right if"),
    (POWER, "Let $x$ be a vector, and $u$ a unit vector.", "right if"),
    (POWER, "Let $x$ be a vector. Let $u$ be a unit vector.", "wrong"),
    (POWER, "$x$ is not normalised.", "wrong"),
])  # fmt: skip
def test_a_condition_on_the_variable_must_be_said(
    text: str, sentence: str, expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "notes.md"
    path.write_text(text % sentence)
    *_, found = eg.check_document(path).formulas
    assert found.outcome == expected
    assert found.reason.endswith("as line 1 says") == (expected == "right if")


LEAKY = r"""The leaky ReLU $s(x) = \max(\alpha x, x)$ with $0 < \alpha < 1$ has
$$s'(x) = \begin{cases} %s & x>0\\ %s & x<0 \end{cases}$$"""
LAGRANGE = r"""%s and the utility $u = q^a r^b$. The Lagrangian
$Z = q^a r^b + \lambda(M - pq - cr)$ has $$%s$$"""
BUDGET = "The budget constraint is $M = pq + cr$"
ON_A_LINE = r"""Take $f = x^2 + y^2$ with the constraint $y = 1 - x$. Then
$$\frac{df}{dx} = %s.$$"""


@pytest.mark.parametrize(("text", "expected"), [
    (LEAKY % ("1", r"\alpha"), "right if"),  # the greater of x and alpha x is x for x > 0
    (LEAKY % (r"\alpha", "1"), "wrong"),
    (LAGRANGE % (BUDGET, r"\frac{\partial Z}{\partial\lambda} = M - pq - cr"), "right"),
    (LAGRANGE % (BUDGET, r"\frac{\partial Z}{\partial\lambda} = pq + cr - M"), "wrong"),
    (LAGRANGE % (BUDGET, r"\frac{\partial Z}{\partial q} = aq^{a-1}r^b - \lambda p"), "right"),
    (LAGRANGE % (BUDGET, r"\frac{\partial Z}{\partial q} = aq^{a-1}r^b + \lambda p"), "wrong"),
    (ON_A_LINE % "2x - 2(1 - x)", "right"),  # what is put in is a definition
    (ON_A_LINE % "2x + 2(1 - x)", "wrong"),
])  # fmt: skip
def test_a_range_is_a_case_and_a_constraint_beside_multipliers_defines_nothing(
    text: str, expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "notes.md"
    path.write_text(text)
    *_, found = eg.check_document(path).formulas
    assert found.outcome == expected, found.reason
