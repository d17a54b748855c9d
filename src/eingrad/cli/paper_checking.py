"""The work of ``eingrad check PAPER``: a report on a paper, with progress on stderr."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer
from rich.console import Console
from rich.progress import Progress

from eingrad.errors import EingradError
from eingrad.papers.check_document import report_on
from eingrad.papers.read_document import read_document
from eingrad.papers.report import Report

WRONG = 1


def run_check_papers(paths: Sequence[str], format: str) -> None:
    """Print the reports on papers; exit code 1 where something is wrong."""
    for path in paths:
        if path.endswith(".ein"):
            raise EingradError(
                f"{path} is a model: what is claimed of it?",
                operand=path,
                hint='for example: eingrad check model.ein "dL/dW_ih = ..."; a paper is LaTeX, '
                "Markdown or a notebook",
            )
    wrong = False
    for path in paths:
        report = _report(path)
        wrong |= not report.ok
        if text := getattr(report, format)():
            print(text)
    if wrong:
        raise typer.Exit(WRONG)


def _report(path: str) -> Report:
    """Judge a paper; a terminal shows how far it is."""
    document = read_document(path)
    with Progress(
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task("formulas", total=None)
        return report_on(document, lambda done, of: bar.update(task, completed=done, total=of))
