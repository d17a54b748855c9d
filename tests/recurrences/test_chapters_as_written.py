r"""Chapters on back-propagation through time, formula by formula as they stand, and wrong twins.

Zhang et al., *Dive into Deep Learning*, "Backpropagation Through Time" (its sequences a, b, c, and
its section in detail); Pascanu, Mikolov and Bengio, *On the difficulty of training recurrent neural
networks*, section 2; the cell of Hochreiter and Schmidhuber. Their main formulas are compared with
PyTorch in `test_textbook_claims.py`; a twin differs from one of them in a sign, a factor, a
transpose, a time, or lacks a path.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import eingrad as eg

pytestmark = pytest.mark.filterwarnings("ignore::eingrad.NotationWarning")


def typeset(text: str) -> str:
    """Put types in place: ``@h`` is bold, ``@Wqh`` is W_qh, ``d(L, @h_t)`` a derivative."""
    text = re.sub(r"d\(([^,()]*), ([^()]*)\)", r"\\frac{\\partial \1}{\\partial \2}", text)
    text = re.sub("@W([a-z]+)", r"\\mathbf{W}_\\textrm{\1}", text)
    return re.sub("@([A-Za-z])", r"\\mathbf{\1}", text)


SEQUENCES = r"a_{0}=0 \\ a_{t}=b_{t}+c_{t}a_{t-1}"
DETAIL = r"""\begin{aligned}@h_t &= @Whx @x_t + @Whh @h_{t-1},\\ @o_t &= @Wqh @h_{t},\end{aligned}
L = \frac{1}{T} \sum_{t=1}^T l(@o_t, y_t)."""
DIFFICULTY = r"""@x_t = @Wrec \sigma(@x_{t-1}) + @Win @u_t + @b \\
\mathcal{E} = \sum_{1 \leq t \leq T} \|@x_t - @y_t\|^2"""
CELL = r"@c_t = @f_t \odot @c_{t-1} + @j_t \odot @g_t \\ L = \sum_t \|@c_t - @y_t\|^2"
ONE_UNIT = r"""h_t = \tanh(x_t + w_\textrm{h} h_{t-1}) \\ o_t = w_\textrm{o} h_t \\
L = \frac{1}{T} \sum_{t=1}^T (o_t - y_t)^2"""
ANY = r"""\begin{aligned}h_t &= f(x_t, h_{t-1}, w_\textrm{h}),\\o_t &= g(h_t, w_\textrm{o}),
\end{aligned} \\ L(x_1, \ldots, x_T, y_1, \ldots, y_T, w_\textrm{h}, w_\textrm{o})
= \frac{1}{T}\sum_{t=1}^T l(y_t, o_t)."""
F, WH = r"f(x_{t},h_{t-1},w_\textrm{h})", r"w_\textrm{h}"
BEFORE = r"f(x_{i},h_{i-1},w_\textrm{h})"
SUBSTITUTED = rf"""a_t = p(h_t, {WH}), \\ b_t = p({F}, {WH}), \\ c_t = p({F}, h_{{t-1}}) \\ """
SOLVED = (
    rf"p(h_t, {WH}) = p({F}, {WH}) + \sum_{{i=1}}^{{t-1}}\left(\prod_{{j=i+1}}^{{t}}"
    rf" p(f(x_{{j}},h_{{j-1}},{WH}), h_{{j-1}})\right) p({BEFORE}, {WH})."
)
LOSS = (
    rf"p(L, {WH}) = \frac{{1}}{{T}}\sum_{{t=1}}^T p(l(y_t, o_t), {WH}) \\ = \frac{{1}}{{T}}"
    rf"\sum_{{t=1}}^T p(l(y_t, o_t), o_t) p(g(h_t, w_\textrm{{o}}), h_t) p(h_t, {WH})."
)
ANY_RIGHT = [
    LOSS, SOLVED,
    rf"p(h_t, {WH}) = p({F}, {WH}) + p({F}, h_{{t-1}}) p(h_{{t-1}}, {WH}).",
    rf"\frac{{d {F}}}{{d {WH}}} = p(h_t, {WH})", rf"p(h_t, h_{{t-1}}) = p({F}, h_{{t-1}})",
    SUBSTITUTED + "a_t = b_t + c_t a_{t-1}",
    SUBSTITUTED + r"a_{t}=b_{t}+\sum_{i=1}^{t-1}\left(\prod_{j=i+1}^{t}c_{j}\right)b_{i}.",
    r"p(L, h_T) = \frac{1}{T} p(l(y_T, o_T), o_T) p(g(h_T, w_\textrm{o}), h_T)",
    rf"p(L, {WH}) = \sum_t p(L, h_t) p({F}, {WH})",
    rf"p(L, {WH}) = \sum_t p(L, h_t) p(f, {WH})",
    rf"p(L, {WH}) = \sum_t p(L, h_t) \partial_3 {F}",
    rf"\frac{{\partial^2 {F}}}{{\partial {WH} \partial x_t}} = \partial_{{13}} {F}",
]  # fmt: skip
ANY_WRONG = [
    LOSS.replace("o_t), o_t)", "o_t), y_t)"), LOSS.replace(r"\frac{1}{T}", ""),
    SOLVED.replace("j=i+1", "j=i"), SOLVED.replace(f"= p({F}, {WH}) +", "="),
    rf"p(h_t, {WH}) = p({F}, {WH})", rf"\frac{{d {F}}}{{d {WH}}} = p({F}, {WH})",
    rf"p(h_t, {WH}) = p({F}, {WH}) + p({F}, h_{{t-1}}) p(h_t, {WH}).",
    rf"p(h_t, {WH}) = p({F}, {WH}) + p({F}, x_t) p(h_{{t-1}}, {WH}).",
    SUBSTITUTED + "a_t = b_t + c_{t-1} a_{t-1}",
    SUBSTITUTED + r"a_{t}=b_{t}+\sum_{i=1}^{t-1}\left(\prod_{j=i}^{t}c_{j}\right)b_{i}.",
    rf"p(L, {WH}) = \sum_t p(L, h_t) p({F}, h_{{t-1}})",
    rf"p(L, {WH}) = \sum_t p(L, h_t) p(f(x_{{t+1}}, h_t, {WH}), {WH})",
    rf"p(L, {WH}) = \sum_t p(L, h_t) \partial_2 {F}",
    rf"\frac{{\partial^2 {F}}}{{\partial {WH} \partial x_t}} = \partial_{{23}} {F}",
]  # fmt: skip


def with_partials(text: str) -> str:
    """Put derivatives in place, from the inside out: ``p(f(x, y), x)``."""
    while (begin := text.rfind("p(")) >= 0:
        depth, cut, end = 0, 0, begin + 2
        while depth or text[end] != ")":
            depth += (text[end] == "(") - (text[end] == ")")
            cut = end if text[end] == "," and not depth else cut
            end += 1
        above, below = text[begin + 2 : cut], text[cut + 1 : end]
        text = f"{text[:begin]}\\frac{{\\partial {above}}}{{\\partial {below}}}{text[end + 1 :]}"
    return text


ABOUT_ANY = [*((x, "right") for x in ANY_RIGHT), *((x, "wrong") for x in ANY_WRONG)]
LATER = (
    r"# In detail: $@x_t \in \mathbb{R}^d$, $@h_t \in \mathbb{R}^h$ and $@o_t \in \mathbb{R}^q$."
)


ANEW = ANY_WRONG[9]  # in a document it may define a anew


@pytest.mark.parametrize(("claim", "outcome"), [x for x in ABOUT_ANY if x[0] != ANEW])
def test_functions_that_stand_for_any_in_a_document(
    claim: str, outcome: str, tmp_path: Path
) -> None:
    """The same, with what the chapter says later of the same letters in bold."""
    rows = [row for row in re.split(r"\\\\ (?!=)", with_partials(claim)) if row.strip()]
    shown = "\n\n".join(f"$${row}$$" for row in [ANY.replace("\n\\end", "\\end"), *rows])
    path = tmp_path / "chapter.md"
    path.write_text(f"# Analysis\n\n{shown}\n\n{typeset(LATER)}\n", encoding="utf-8")
    judged = [f for f in eg.check_document(path).formulas if f.judged]
    assert judged[-1].outcome == outcome, judged[-1].reason
    assert outcome == "wrong" or {f.outcome for f in judged} == {"right"}


@pytest.mark.parametrize(("claim", "outcome"), ABOUT_ANY)
def test_functions_that_stand_for_any(claim: str, outcome: str) -> None:
    """The first section of *Dive into Deep Learning*'s chapter: nothing defines f, g and l."""
    verdicts = eg.parse_latex(ANY).check_each(with_partials(claim), latex=True)
    assert verdicts[-1].outcome == outcome
    assert outcome == "wrong" or {v.outcome for v in verdicts} == {"right"}


RIGHT = [
    (SEQUENCES, r"a_{t}=b_{t}+\sum_{i=1}^{t-1}\left(\prod_{j=i+1}^{t}c_{j}\right)b_{i}."),
    (ONE_UNIT, r"d(h_t, w_\textrm{h}) = (1 - h_t^2) h_{t-1}"
     r" + d(h_t, h_{t-1}) d(h_{t-1}, w_\textrm{h})."),
    (ONE_UNIT, r"d(h_t, w_\textrm{h}) = (1 - h_t^2) h_{t-1} + \sum_{i=1}^{t-1}\left("
     r"\prod_{j=i+1}^{t} d(h_j, h_{j-1}) \right) (1 - h_i^2) h_{i-1}."),
    (ONE_UNIT, r"d(L, w_\textrm{h}) = \frac{2}{T}\sum_{t=1}^T (o_t - y_t) d(o_t, h_t)"
     r" d(h_t, w_\textrm{h})."),
    (DETAIL, r"d(L, @Wqh) = \sum_{t=1}^T \textrm{prod}\left(d(L, @o_t), d(@o_t, @Wqh)\right)"
     r" = \sum_{t=1}^T d(L, @o_t) @h_t^\top,"),
    (DETAIL, r"d(L, @h_T) = \textrm{prod}\left(d(L, @o_T), d(@o_T, @h_T) \right)"
     r" = @Wqh^\top d(L, @o_T)."),
    (DETAIL, r"d(L, @h_t) = \textrm{prod}\left(d(L, @h_{t+1}), d(@h_{t+1}, @h_t) \right)"
     r" + \textrm{prod}\left(d(L, @o_t), d(@o_t, @h_t) \right)"
     r" = @Whh^\top d(L, @h_{t+1}) + @Wqh^\top d(L, @o_t)."),
    (DETAIL, r"d(L, @Whx) = \sum_{t=1}^T d(L, @h_t) @x_t^\top"),
    (DETAIL, r"d(L, @Whh) = \sum_{t=1}^T d(L, @h_t) @h_{t-1}^\top"),
    (DIFFICULTY, r"d(\mathcal{E}, @b) = \sum_{1 \leq t \leq T} d(\mathcal{E}, @x_t)"),
    (DIFFICULTY, r"d(@x_t, @x_k) = \prod_{t \geq i > k} d(@x_i, @x_{i-1})"),
    (DIFFICULTY, r"d(@x_t, @x_k) = \prod_{i=k+1}^t @Wrec \mathrm{diag}(\sigma'(@x_{i-1}))"),
    (DIFFICULTY, r"d(@x_t, @x_{t-1}) = \mathrm{diag}(\sigma'(@x_{t-1})) @Wrec^T"),
    (CELL, r"d(@c_t, @c_{t-1}) = \mathrm{diag}(@f_t)"),
    (CELL, r"d(@c_t, @c_k) = \prod_{i=k+1}^t \mathrm{diag}(@f_i)"),
    (CELL, r"d(L, @f_t) = d(L, @c_t) \odot @c_{t-1}"),
]  # fmt: skip
EARLIER = "holds earlier entries fixed"
ENTRIES = "the derivative is taken entry by entry"
RIGHT_IF = [
    (DETAIL, r"d(L, @Whx) = \sum_{t=1}^T \textrm{prod}\left(d(L, @h_t), d(@h_t, @Whx)\right)",
     f"dh/dWhx {EARLIER}"),
    (DETAIL, r"d(L, @Whh) = \sum_{t=1}^T d(L, @h_t) d(@h_t, @Whh)", f"dh/dWhh {EARLIER}"),
    (DIFFICULTY, r"d(\mathcal{E}, @b) = \sum_{1 \leq t \leq T} d(\mathcal{E}, @x_t) d(@x_t, @b)",
     f"dx/db {EARLIER}"),
    (ONE_UNIT, r"d(L, w_\textrm{h}) = \sum_{t=1}^T d(L, h_t) d(h_t, w_\textrm{h})",
     f"dh/dwh {EARLIER}"),
    (CELL, r"d(@c_t, @c_{t-1}) = @f_t", ENTRIES),
    (CELL, r"d(@c_t, @c_k) = \prod_{i=k+1}^t @f_i", ENTRIES),
]  # fmt: skip
WRONG = [
    (SEQUENCES, r"a_{t}=b_{t}+\sum_{i=1}^{t}\left(\prod_{j=i+1}^{t}c_{j}\right)b_{i}."),
    (SEQUENCES, r"a_{t}=b_{t}+\sum_{i=1}^{t-1}\left(\prod_{j=i}^{t}c_{j}\right)b_{i}."),
    (SEQUENCES, r"a_{t}=b_{t}+\sum_{i=1}^{t-1}\left(\prod_{j=i+1}^{t-1}c_{j}\right)b_{i}."),
    (ONE_UNIT, r"d(h_t, w_\textrm{h}) = d(h_t, h_{t-1}) d(h_{t-1}, w_\textrm{h})."),
    (ONE_UNIT, r"d(h_t, w_\textrm{h}) = (1 - h_t^2) h_t"
     r" + d(h_t, h_{t-1}) d(h_{t-1}, w_\textrm{h})."),
    (ONE_UNIT, r"d(L, w_\textrm{h}) = \sum_{t=1}^T 2 (o_t - y_t) d(o_t, h_t)"
     r" d(h_t, w_\textrm{h})."),
    (ONE_UNIT, r"d(L, w_\textrm{h}) = -\sum_{t=1}^T d(L, h_t) d(h_t, w_\textrm{h})"),
    (DETAIL, r"d(L, @Wqh) = \frac{1}{T} \sum_{t=1}^T"
     r" \textrm{prod}\left(d(L, @o_t), d(@o_t, @Wqh)\right)"),
    (DETAIL, r"d(L, @h_T) = -\textrm{prod}\left(d(L, @o_T), d(@o_T, @h_T) \right)"),
    (DETAIL, r"d(L, @h_t) = \textrm{prod}\left(d(L, @h_{t+1}), d(@h_{t+1}, @h_t) \right)"),
    (DETAIL, r"d(L, @h_t) = \textrm{prod}\left(d(L, @o_t), d(@o_t, @h_t) \right)"),
    (DETAIL, r"d(L, @Whh) = \sum_{t=1}^T d(L, @h_t) @h_t^\top"),
    (DETAIL, r"d(L, @Whh) = 2 \sum_{t=1}^T d(L, @h_t) d(@h_t, @Whh)"),
    (DIFFICULTY, r"d(@x_t, @x_k) = \prod_{i=k+1}^t \mathrm{diag}(\sigma'(@x_i)) @Wrec"),
    (DIFFICULTY, r"d(@x_t, @x_k) = \prod_{i=k+1}^t @Wrec \mathrm{diag}(\sigma'(@x_i))"),
    (DIFFICULTY, r"d(@x_t, @x_k) = \prod_{i=k+1}^t @Wrec"),
    (DIFFICULTY, r"d(@x_t, @x_{t-1}) = @Wrec^T \mathrm{diag}(\sigma'(@x_{t-1}))"),
    (CELL, r"d(@c_t, @c_{t-1}) = \mathrm{diag}(@f_{t-1})"),
    (CELL, r"d(@c_t, @c_k) = \prod_{i=k+1}^t \mathrm{diag}(@j_i)"),
    (CELL, r"d(L, @f_t) = d(L, @c_t) \odot @c_t"),
]  # fmt: skip
CASES = [*((m, c, "right") for m, c in RIGHT), *RIGHT_IF, *((m, c, "wrong") for m, c in WRONG)]


@pytest.mark.parametrize(("text", "claim", "outcome"), CASES)
def test_formulas(text: str, claim: str, outcome: str) -> None:
    model = eg.parse_latex(typeset(text))
    found = {v.assumption or v.outcome for v in model.check_each(typeset(claim), latex=True)}
    assert found == {outcome}


@pytest.mark.parametrize(("text", "claim"), [
    (DIFFICULTY, r"d(@x_t, @x_k) = \prod_{t > i > k} d(@x_i, @x_{i-1})"),
    (CELL, r"d(@c_t, @c_k) = \prod_{i=k}^t \mathrm{diag}(@f_i)"),
    (CELL, r"d(L, @c_t) = \prod_{i=1}^t \mathrm{diag}(@f_i) d(L, @c_t)"),
])  # fmt: skip
def test_a_product_of_matrices_that_is_none_of_steps_is_refused(text: str, claim: str) -> None:
    with pytest.raises(eg.NotationError, match="a product of many matrices"):
        eg.parse_latex(typeset(text)).check(typeset(claim), latex=True)


def test_a_label_that_is_a_gate_too_is_refused() -> None:
    model = eg.parse_latex(typeset(CELL.replace("@j", "@i")))
    with pytest.raises(eg.NotationError, match="i is a label of this claim, and a tensor"):
        model.check(typeset(r"d(@c_t, @c_k) = \prod_{i=k+1}^t @f_i"), latex=True)
