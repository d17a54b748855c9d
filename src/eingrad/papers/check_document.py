"""`check_document`: a file -> a report on its formulas."""

from __future__ import annotations

from pathlib import Path

from eingrad.papers.judge import Progress, judge, unseen
from eingrad.papers.judged_formula import Heading
from eingrad.papers.passages import Document
from eingrad.papers.read_document import read_document
from eingrad.papers.report import Report


def check_document(path: str | Path) -> Report:
    """Judge the formulas of a paper: LaTeX (.tex), a notebook (.ipynb), else Markdown.

    What is no mathematics is not looked at, and a formula that cannot be read is not judged, with
    the reason. A formula is wrong only if everything in it is defined in the document; what prose
    says (one-hot, symmetric) is a condition, never assumed. Raises DataError for a file that
    cannot be read.

    >>> from tempfile import TemporaryDirectory
    >>> text = r"Let $L = x_i x_i$. Then $\\frac{\\partial L}{\\partial x_i} = x_i$."
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "paper.md"
    ...     _ = path.write_text(text)
    ...     found = check_document(path).formulas
    >>> [(f.line, f.kind, f.outcome, f.reason) for f in found]
    [(1, 'definition', 'not judged', ''), (1, 'claim', 'wrong', 'factor 2 missing')]
    """
    return report_on(read_document(path))


def report_on(document: Document, progress: Progress = unseen) -> Report:
    """Judge a document that was read; ``progress`` is told how many formulas are done."""
    headings = tuple(
        Heading(p.line, p.level, p.text) for p in document.passages if p.kind == "heading"
    )
    return Report(document.path, tuple(judge(document, progress)), headings)
