"""check_document: definitions, claims and what they are judged by; no false word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import eingrad as eg


def judged(folder: Path, text: str, name: str = "paper.md") -> list[eg.JudgedFormula]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return list(eg.check_document(path).formulas)


def outcomes(folder: Path, text: str) -> list[tuple[int, str, str]]:
    return [(f.line, f.kind, f.outcome) for f in judged(folder, text)]


SQUARES = r"""
# Least squares
Let $$r_b = w_i x_{bi} - t_b$$ and
$$L = \frac{1}{2} \sum_b r_b^2.$$
"""


CLAIMS = [
    (r"\frac{\partial L}{\partial w_i} = \sum_b r_b x_{bi}", "right", None),
    (r"\frac{\partial L}{\partial w_i} = 2 \sum_b r_b x_{bi}", "wrong", "factor 2 too many"),
    (r"\frac{\partial L}{\partial w_i} = -\sum_b r_b x_{bi}", "wrong", "sign"),
    (r"\frac{\partial L}{\partial w_i} = \sum_b \frac{\partial L}{\partial r_b} x_{bi}", "right",
     None),
    # what nothing defines is never wrong
    (r"\frac{\partial L}{\partial w_i} = \sum_b q_b x_{bi}", "not judged", "what q is"),
    (r"\frac{\partial L}{\partial v_i} = \sum_b r_b x_{bi}", "not judged", "not depend on v"),
    (r"\frac{\partial M}{\partial w_i} = \sum_b r_b x_{bi}", "not judged", ""),
    # of any loss, what is true of all
    (r"\frac{\partial M}{\partial w_i} = \sum_b \frac{\partial M}{\partial r_b} x_{bi}", "right",
     None),
    (r"\frac{\partial M}{\partial w_i} = \frac{\partial M}{\partial r_b} x_{bi} t_b", "wrong",
     "factor t_b too many"),
    (r"\frac{\partial L}{\partial w_i} \approx \sum_b r_b x_{bi}", "not judged", "no ="),
    (r"\frac{\partial L}{\partial w_i = \sum_b r_b x_{bi}", "not judged", ""),
]  # fmt: skip


@pytest.mark.parametrize(("claim", "outcome", "reason"), CLAIMS)
def test_claims(tmp_path: Path, claim: str, outcome: str, reason: str | None) -> None:
    *_, last = judged(tmp_path, f"{SQUARES}\n$$\n{claim}\n$$\n")
    assert last.outcome == outcome
    assert reason is None or reason in last.reason
    assert (last.repaired is not None) == (outcome == "wrong")


def test_a_later_definition_wins(tmp_path: Path) -> None:
    text = r"""
# One
$$y_i = x_i^2$$
$$\frac{\partial y_i}{\partial x_j} = 2 x_i \delta_{ij}$$
# Two
$$y_i = x_i^3$$
$$\frac{\partial y_i}{\partial x_j} = 3 x_i^2 \delta_{ij}$$
$$\frac{\partial y_i}{\partial x_j} = 2 x_i \delta_{ij}$$
"""
    assert outcomes(tmp_path, text) == [
        (3, "definition", "not judged"), (4, "claim", "right"),
        (6, "definition", "not judged"), (7, "claim", "right"), (8, "claim", "wrong"),
    ]  # fmt: skip


def test_each_side_of_a_chain_is_judged(tmp_path: Path) -> None:
    text = r"""
$$L = x_i x_i$$
\begin{align}
\frac{\partial L}{\partial x_j} &= 2 x_i \frac{\partial x_i}{\partial x_j} \\
  &= 2 x_i \delta_{ij} \\
  &= x_j
\end{align}
"""
    assert outcomes(tmp_path, text) == [
        (2, "definition", "not judged"),
        (4, "claim", "right"), (5, "claim", "right"), (6, "claim", "wrong"),
    ]  # fmt: skip


def test_a_definition_through_a_derivative(tmp_path: Path) -> None:
    text = r"""
Let $Y_{ij} = A_{ik} X_{kj}$ and $G_{ij} = \frac{\partial L}{\partial Y_{ij}}$. Then
$$\frac{\partial L}{\partial A_{ik}} = G_{ij} X_{kj}, \quad
  \frac{\partial L}{\partial X_{kj}} = A_{ki} G_{ij}$$
"""
    *_, right, wrong = judged(tmp_path, text)
    assert (right.outcome, wrong.outcome) == ("right", "wrong")


def test_a_condition_is_offered_with_the_line_that_says_it(tmp_path: Path) -> None:
    text = r"""
$$p_i = \frac{e^{a_i}}{\sum_k e^{a_k}}$$
For a one-hot vector $t$ let
$$L = -\sum_i t_i \log p_i$$
$$\frac{\partial L}{\partial a_j} = p_j - t_j$$
"""
    *_, last = judged(tmp_path, text)
    assert last.outcome == "right if"
    assert last.reason.endswith("as line 3 says")


def test_sigma_is_logistic_only_if_the_text_says_so(tmp_path: Path) -> None:
    text = r"""
$$y_i = \sigma(x_i)$$
$$\frac{\partial y_i}{\partial x_j} = (1 - \sigma(x_i)^2) \delta_{ij}$$
"""
    *_, last = judged(tmp_path, text)
    assert (last.outcome, last.reason) == ("right if", "right if sigma is tanh")
    *_, last = judged(tmp_path, "The sigmoid:\n" + text)
    assert last.outcome == "wrong"


SKIPPED = [
    ("<!-- eingrad: skip -->\n$$L = x^3, \\quad \\frac{dL}{dx} = 2$$\n", {"not judged"}),
    ("$$L = x^3, \\quad \\frac{dL}{dx} = 2$$ <!-- eingrad: skip -->\n", {"not judged"}),
    ("<!-- eingrad: skip-file -->\n\n$L = x^3$\n\n$\\frac{dL}{dx} = 2$\n", {"not judged"}),
    ("<!-- eingrad: skip -->\n$L = x^3$\n\n$\\frac{dL}{dx} = 2$\n", {"not judged", "wrong"}),
    ("<!-- eingrad: skip-start -->\n$L = x^3$\n<!-- eingrad: skip-end -->\n\n"
     "$\\frac{dL}{dx} = 2$\n", {"not judged", "wrong"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "found"), SKIPPED)
def test_skip(tmp_path: Path, text: str, found: set[str]) -> None:
    assert {f.outcome for f in judged(tmp_path, text)} == found


def test_skip_in_latex(tmp_path: Path) -> None:
    text = "$L = x^3$ gives\n\\begin{align}\n\\frac{dL}{dx} &= 2 % eingrad: skip\n\\end{align}\n"
    assert {f.outcome for f in judged(tmp_path, text, "a.tex")} == {"not judged"}


def test_ids_are_stable(tmp_path: Path) -> None:
    first = judged(tmp_path, "$L = x^3$\n\n$M = x$\n")
    later = judged(tmp_path, "text\n\n$M =  x$ and $L = x^3$ and $M = x$\n")
    assert [f.id for f in later] == [first[1].id, first[0].id, first[1].id + "-2"]


PAPER = r"""# Title & <b>
$$L = x_i x_i$$
$$\frac{\partial L}{\partial x_i} = x_i$$
$$\href{http://x.y}{a} = 2$$
"""


@pytest.fixture
def report(tmp_path: Path) -> eg.Report:
    path = tmp_path / "paper.md"
    path.write_text(PAPER)
    return eg.check_document(path)


def test_json(report: eg.Report) -> None:
    found = json.loads(report.json())
    assert found["file"] == report.path
    assert found["formulas"][1] | {"id": ""} == {
        "line": 3, "formula": r"\frac{\partial L}{\partial x_i} = x_i", "kind": "claim",
        "outcome": "wrong", "reason": "factor 2 missing", "repaired": "dL/dx_i = 2 x_i", "id": "",
    }  # fmt: skip


def test_github(report: eg.Report) -> None:
    [line] = report.github().splitlines()
    assert line.startswith(f"::error file={report.path},line=3,title=wrong::")
    assert line.endswith("%0Afactor 2 missing%0Arepaired: dL/dx_i = 2 x_i")


def test_html_is_one_page_that_loads_nothing(report: eg.Report) -> None:
    page = report.html()
    assert page.count("<math") == 2
    assert "Title &amp; &lt;b&gt;" in page
    assert not any(word in page for word in ("src=", "href=", "url(", "<script", "@import"))
    assert 'class="wrong"' in page


def test_text(report: eg.Report) -> None:
    text = report.text()
    assert f"{report.path}:3: wrong: " in text
    assert "    repaired: dL/dx_i = 2 x_i" in text
    assert text.endswith("1 wrong, 1 not judged; 1 definition")
    assert not report.ok
    assert [f.line for f in report.wrong] == [3]


def test_a_loss_that_does_not_depend_on_a_variable_stands_for_another(tmp_path: Path) -> None:
    text = r"""
$$L = -\sum_i t_i \log p_i$$
Now let
$$Y_{ij} = \sum_k A_{ik} X_{kj}$$
$$\frac{\partial L}{\partial A_{ik}} = \sum_j \frac{\partial L}{\partial Y_{ij}} X_{kj}$$
$$\frac{\partial L}{\partial A_{ik}} = \sum_j \frac{\partial L}{\partial Y_{ij}} X_{jk}$$
"""
    *_, right, wrong = judged(tmp_path, text)
    assert (right.outcome, wrong.outcome) == ("right", "wrong")
    assert wrong.repaired == "dL/dA_ik = sum_j(dL/dY_ij X_kj)"


def test_an_upstream_gradient_is_offered(tmp_path: Path) -> None:
    text = r"""
With the upstream gradient $G$ of $X_{ij} W_{jk} = Z_{ik}$,
$$\frac{\partial N}{\partial W_{jk}} = \sum_i G_{ik} X_{ij}$$
$$\frac{\partial N}{\partial W_{jk}} = \sum_i G_{ik} X_{ji}$$
"""
    *_, right, other = judged(tmp_path, text)
    assert (right.outcome, right.reason) == ("right if", "right if G is dN/dZ, as line 2 says")
    assert other.outcome == "not judged"


def test_a_label_for_another_on_the_left_side(tmp_path: Path) -> None:
    later = (
        r"$$\frac{\partial N}{\partial W_{jk}} = \sum_i \frac{\partial N}{\partial Z_{ik}} X_{ij}$$"
    )
    first, *_ = judged(tmp_path, f"$$X_{{ij}} W_{{jk}} = Z_{{jk}}$$\n\n{later}\n")
    assert (first.kind, first.outcome) == ("definition", "wrong")
    assert first.repaired == "Z_{ik} = X_{ij} W_{jk}"
    first, *_ = judged(
        tmp_path, "$$X_{ij} W_{jk} = Z_{jk}$$\n"
    )  # where nothing shows what is meant
    assert first.outcome == "not judged"


def test_what_is_defined_by_its_square_has_two_signs(tmp_path: Path) -> None:
    text = r"""
$$e_{ij}^2 = (r_{ij} - p_{ik} q_{kj})^2$$
$$\frac{\partial e_{ij}^2}{\partial p_{ik}} = -2 e_{ij} q_{kj}$$
"""
    *_, last = judged(tmp_path, text)
    assert (last.outcome, last.reason) == ("right if", "right if e_{ij} = (r_{ij} - p_{ik} q_{kj})")


def test_a_condition_in_a_formula_is_a_fact(tmp_path: Path) -> None:
    text = r"""
$$p_i = \frac{e^{a_i}}{\sum_k e^{a_k}}, \quad L = -\sum_i t_i \log p_i$$
With $\sum_i t_i = 1$,
$$\frac{\partial L}{\partial a_j} = p_j - t_j$$
"""
    *_, fact, last = judged(tmp_path, text)
    assert (fact.kind, fact.outcome) == ("other", "not judged")
    assert last.reason.endswith("as line 3 says")


def test_an_update_is_no_equation(tmp_path: Path) -> None:
    text = r"""
$$L = w_i w_i$$
$$w_i = w_i - \eta \frac{\partial L}{\partial w_i}$$
$$\frac{\partial L}{\partial w_i} = 2 w_i := g_i$$
$$\frac{\partial L}{\partial w_i} = g_i$$
"""
    found = judged(tmp_path, text)
    assert [(f.kind, f.outcome) for f in found] == [
        ("definition", "not judged"), ("other", "not judged"), ("claim", "right"),
        ("definition", "not judged"), ("claim", "right"),
    ]  # fmt: skip


def test_a_definition_that_is_not_read_decides_nothing(tmp_path: Path) -> None:
    text = r"""
$$h_i = \mathrm{blur}(W_{ij} x_j, 3)$$
$$o_k = V_{ki} h_i, \quad L = o_k o_k$$
$$\frac{\partial L}{\partial V_{ki}} = 2 o_k h_i$$
$$\frac{\partial L}{\partial W_{ij}} = 2 o_k V_{ki} x_j$$
"""
    *_, right, other = judged(tmp_path, text)
    assert right.outcome == "right"
    assert other.outcome == "not judged"


def test_a_function_of_other_arguments_is_not_the_same(tmp_path: Path) -> None:
    text = r"""
$$C(p, q) = -\sum_i p_i \log q_i$$
$$L_b = \sum_i y_{bi} z_{bi} = C(y, z)$$
"""
    *_, last = judged(tmp_path, text)
    assert last.outcome == "not judged"
