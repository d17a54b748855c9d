"""What eingrad writes for pages is sound in pdflatex and in MathJax 3 with its default packages."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_latex_compiles import OF_EXAMPLES, WRITTEN, katex

import eingrad as eg

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "docs"))
from gallery_models import GALLERY  # noqa: E402

LONG = (
    "z_b = X_bi w_i\np_b = sigmoid(z_b)\n"
    "L = -sum_b(t_b (1 - p_b)^2 log(p_b) + (1 - t_b) p_b^2 log(1 - p_b))"
)


def derivations() -> list[str]:
    """The LaTeX of the gallery, of every function, and of what is long, with all rules opened."""
    found = [
        getattr(eg.parse(entry.model), entry.kind)(entry.of, entry.wrt.split()) for entry in GALLERY
    ]
    found += [eg.parse(LONG).hessian("L", "w")]
    found += [eg.parse(text).grad("L") for text in WRITTEN]
    assert OF_EXAMPLES
    return [derivatives.latex(explain=True) for derivatives in found]


def mathjax(formulas: list[str]) -> list[tuple[int, str]]:
    folder = Path(os.environ.get("MATHJAX_DIR", HERE))
    node = shutil.which("node")
    if node is None or not (folder / "node_modules" / "mathjax-full").is_dir():
        pytest.skip("needs node, and MATHJAX_DIR where `npm install mathjax-full@3` ran")
    command = [node, str(HERE / "mathjax_check.js")]
    done = subprocess.run(
        command, input=json.dumps(formulas), capture_output=True, text=True, check=True
    )
    return [(number, message) for number, message in json.loads(done.stdout)]


def environments(texts: list[str]) -> list[str]:
    return [found for text in texts for found in text.split("\n\n")]


def test_mathjax_finds_what_is_wrong() -> None:
    wrong = [r"\frac{a", r"\nosuch", r"\text{a\_b}", r"\text{a \textgreater{} b}"]
    assert [k for k, _ in mathjax([r"\frac{a}{b}", *wrong])] == [1, 2, 3, 4]


def test_mathjax_and_katex_show_the_gallery() -> None:
    formulas = environments(derivations())
    assert len(formulas) > 100
    for refused in (mathjax(formulas), katex()(formulas)):
        assert not refused, "\n".join(f"{m}\n{formulas[k]}" for k, m in refused[:3])


def pdflatex(texts: list[str], folder: Path) -> str:
    """Set texts as an article, and return the log."""
    command = shutil.which("pdflatex")
    if command is None:
        pytest.skip("needs pdflatex")
    head = "\\documentclass{article}\n\\usepackage{amsmath}\n"
    body = "\n\n".join(texts)
    (folder / "page.tex").write_text(f"{head}\\begin{{document}}\n{body}\n\\end{{document}}\n")
    done = subprocess.run(
        [command, "-interaction=nonstopmode", "page.tex"], cwd=folder, capture_output=True,
        text=True, check=False, errors="replace",
    )  # fmt: skip
    return done.stdout


def test_pdflatex_finds_what_is_wrong(tmp_path: Path) -> None:
    wide = r"\begin{align*} a &= " + " + ".join("abcdefgh" * 3) + " && \\text{" + "x " * 60
    log = pdflatex([wide + r"} \end{align*}"], tmp_path)
    assert re.search(r"Overfull \\hbox \(\d{2,}", log)
    assert re.search(r"^! ", pdflatex([r"\[ \nosuch \]"], tmp_path), re.MULTILINE)


def test_the_gallery_fits_pages(tmp_path: Path) -> None:
    log = pdflatex(derivations(), tmp_path)
    assert not re.findall(r"^! .*", log, re.MULTILINE)
    too_wide = re.findall(r"Overfull \\hbox \((\d+\.\d+)pt.*", log)
    assert [x for x in map(float, too_wide) if x > 10] == []
    assert not re.findall(r"Overfull \\vbox", log)
