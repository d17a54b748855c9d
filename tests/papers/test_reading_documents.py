"""Documents to passages and equations: what is mathematics, where it stands, what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import eingrad as eg
from eingrad.papers.equations import rows_of
from eingrad.papers.macros import expand, split_macros
from eingrad.papers.read_document import read_document


def formulas(folder: Path, name: str, text: str) -> list[tuple[int, str]]:
    """Return the formulas of a document with their lines."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return [(p.line, p.text.strip()) for p in read_document(path).passages if p.kind == "math"]


MARKDOWN = [
    ("a $x$ b\n\n$$\ny = a\n$$\n", [(1, "x"), (4, "y = a")]),
    ("$$y = a$$ (eq1)\n", [(1, "y = a")]),
    ("text $$y = a$$ more\nand \\(z\\)\n", [(1, "y = a"), (2, "z")]),
    ("text:\n\\[ y\n- x\n= a \\]\n", [(2, "y\n- x\n= a")]),
    ("\\\\[ y = a \\\\] and \\\\( b \\\\)\n", [(1, "y = a"), (1, "b")]),
    ("* item \\[y = a\\]\n* \\(b\\)\n", [(1, "y = a"), (2, "b")]),
    ("```math\ny = a\n```\n", [(2, "y = a")]),
    ("```{math}\n:label: one\n\ny = a\n```\n", [(4, "y = a")]),
    ("<p>\n$$y = a$$\n</p>\n", [(2, "y = a")]),
    ("> $$\n> y = a\n> $$\n", [(2, "y = a")]),
    ("| $a$ | b |\n|---|---|\n| $c_i$ | d |\n", [(1, "a"), (3, "c_i")]),
    ("\\begin{align}\ny &= a \\\\\nz &= b\n\\end{align}\n",
     [(1, "\\begin{align}\ny &= a \\\\\nz &= b\n\\end{align}")]),
    # what is no mathematics
    ("```python\nx = '$y = a$'\n```\n", []),
    ("`$y = a$` and $5 are not $7\n", []),
    ("    $$ y = a $$\n", []),
    ("<!-- $y = a$ -->\n\n<script>$y = a$</script>\n", []),
    ("---\ntitle: $y = a$\n---\n", []),
    ("\\$y = a\\$\n", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "found"), MARKDOWN)
def test_markdown(tmp_path: Path, text: str, found: list[tuple[int, str]]) -> None:
    assert formulas(tmp_path, "a.md", text) == found


TEX = r"""\documentclass{article}
\newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}}
% \newcommand{\pd}[2]{wrong}
\begin{document}
\section{One $x$}
Text $a_i$ and \(b\) % $no$
\[ y = a \]
\begin{align*}
  y &= a \\
  z &= \pd{L}{x}
\end{align*}
\begin{itemize}\item $$w$$ \end{itemize}
\begin{lstlisting}
$no$
\end{lstlisting}
\verb|$no$|
\end{document}
$no$
"""


def test_tex(tmp_path: Path) -> None:
    found = formulas(tmp_path, "a.tex", TEX)
    assert [(line, text) for line, text in found if "align" not in text] == [
        (5, "x"), (6, "a_i"), (6, "b"), (7, "y = a"), (12, "w"),
    ]  # fmt: skip
    document = read_document(tmp_path / "a.tex")
    [display] = [p for p in document.passages if "align" in p.text]
    rows = rows_of(expand(display.text, document.macros), display.line)
    assert [(r.line, r.source) for r in rows] == [
        (9, "y = a"), (10, r"z = \frac{\partial L}{\partial x}"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "end", [r"\newcommand", r"\newcommand{", r"\newcommand{\a}[", r"\DeclareMathOperator{\a}",
            r"\def", r"\let\a", r"\begin", r"\begin{align}", r"\frac", "$", "\\"],
)  # fmt: skip
def test_tex_that_ends_within_a_command(tmp_path: Path, end: str) -> None:
    path = tmp_path / "cut.tex"
    path.write_text(rf"Let $y = x^2$, so $\frac{{dy}}{{dx}} = 2x$. {end}")
    assert [f.outcome for f in eg.check_document(path).formulas][1] == "right"


def test_notebook(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# One\n", "\n", "$$y = a$$"]},
        {"cell_type": "code", "metadata": {}, "source": ["'$no$'"], "outputs": [],
         "execution_count": None},
        {"cell_type": "markdown", "metadata": {}, "source": ["$\\alpha = b$"]},
    ]  # fmt: skip
    text = json.dumps(
        {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}, indent=1
    )
    found = formulas(tmp_path, "a.ipynb", text)
    lines = text.split("\n")
    assert [text for _, text in found] == ["y = a", r"\alpha = b"]
    assert all(x in lines[line - 1] for (line, _), x in zip(found, ("y = a", "alpha"), strict=True))


ROWS = [
    # rows, columns, and what goes on
    (r"y &= a \\ z &= b", ["y = a", "z = b"]),
    (r"y &= a \\ &+ b \\ &= c", ["y = a + b", "= c"]),
    (r"L &= a x && M = b y", ["L = a x", "M = b y"]),
    (r"L &= a x & M &= b y", ["L = a x", "M = b y"]),
    (r"L &=& a x \\ && + b y", ["L = a x + b y"]),
    (r"\begin{cases} a & i = j \\ b & i \ne j \end{cases} = c",
     [r"\begin{cases} a & i = j \\ b & i \ne j \end{cases} = c"]),
    # words, spaces and notes
    (r"a = b \quad \text{and} \quad c = d", ["a = b", "c = d"]),
    (r"a = b, \qquad c = d", ["a = b", "c = d"]),
    (r"a = b ; c = d.", ["a = b", "c = d"]),
    (r"z = W x \quad \Longrightarrow \quad z_i = W_{ij} x_j,", ["z = W x", "z_i = W_{ij} x_j"]),
    (r"y = a \quad (N \times 1)", ["y = a"]),
    (r"y = a \quad \text{(scalar)}", ["y = a"]),
    (r"y_i = a_i \quad (1)", ["y_i = a_i"]),
    (r"\boxed{ y = a }", ["y = a"]),
    (r"y = a \label{eq:one} \tag{3}", ["y = a"]),
    # conditions on labels belong to the equation before them
    (r"J_{ij} = a_i, \quad i = j", [r"J_{ij} = a_i \quad i = j"]),
    (r"J_{ij} = a_i \quad \text{if } i \ne j", [r"J_{ij} = a_i \quad \text{if } i \ne j"]),
    (r"y_i = a_i \quad \forall i", [r"y_i = a_i \quad \forall i"]),
    # relations
    (r"a \stackrel{\text{def}}{=} b", ["a := b"]),
    (r"a := b = c", ["a := b = c"]),
    (r"x \in \mathbb{R}^n", [r"x \in \mathbb{R}^n"]),
    (r"f(x) = \left[ a = b \right]", [r"f(x) = \left[ a = b \right]"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "found"), ROWS)
def test_rows(text: str, found: list[str]) -> None:
    assert [row.source for row in rows_of(text, 1)] == found


def test_a_row_has_its_own_line() -> None:
    text = "\\begin{aligned}\ny &= a \\\\\n\nz &= b\n  + c\n\\end{aligned}"
    assert [row.line for row in rows_of(text, 7)] == [8, 10]


MACROS = [
    (r"\newcommand{\x}{\mathbf{x}} \x y", r" \mathbf{x} y"),
    (r"\def\R{\mathbb R}\R^n", r"\mathbb R^n"),
    (r"\DeclareMathOperator{\softmax}{softmax}\softmax(z)", r"\operatorname{softmax}(z)"),
    (r"\newcommand{\d}[2][L]{\frac{d #1}{d #2}}\d{x} \d[y]{x}",
     r"\frac{d L}{d x} \frac{d y}{d x}"),
    (r"\newcommand{\loop}{\loop}\loop", r"\loop"),
    (r"\newcommand{\a}{\alpha}\a b", r"\alpha b"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "found"), MACROS)
def test_macros(text: str, found: str) -> None:
    rest, macros = split_macros(text)
    assert expand(rest, macros) == found


def test_macros_that_write_without_end_stop() -> None:
    rest, macros = split_macros(r"\newcommand{\x}{\x\x}\x")
    assert len(expand(rest, macros)) < 1 << 17
