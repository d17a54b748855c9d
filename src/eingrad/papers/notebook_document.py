"""Jupyter notebooks -> passages: their Markdown cells, lines counted in the file."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import import_module
from typing import Any

from eingrad.errors import DataError
from eingrad.papers.markdown_document import read_markdown
from eingrad.papers.passages import Document, Passage


def read_notebook(text: str, path: str) -> Document:
    """Read the Markdown cells of a notebook, of any version.

    A formula's line is that of the file, where its text stands in JSON, if each line of the cell
    has one there; else that of the cell's beginning.
    """
    nbformat: Any = import_module("nbformat")  # `import eingrad` loads no parser
    try:
        cells = nbformat.reads(text, as_version=4).cells
    except Exception as error:
        raise DataError(
            f"{path} is no notebook: {error}", operand=path, hint="a notebook is written by Jupyter"
        ) from error
    passages: list[Passage] = []
    skipped: set[int] = set()
    places = _Places(text)
    for cell in cells:
        if cell.cell_type != "markdown":
            continue
        own = read_markdown(cell.source, path)
        lines = places.of(cell.source)
        passages += [replace(p, line=lines[min(p.line, len(lines)) - 1]) for p in own.passages]
        skipped |= {lines[min(line, len(lines)) - 1] for line in own.skipped}
    return Document(path, tuple(passages), skipped=frozenset(skipped))


class _Places:
    """Finds the lines of cells in a notebook's file, one cell after another."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.k = 0

    def of(self, source: str) -> list[int]:
        """Return for each line of a cell its line in the file."""
        result: list[int] = []
        for line in source.split("\n"):
            written = {json.dumps(line, ensure_ascii=ascii)[1:-1] for ascii in (True, False)}
            found = next(
                (k for k in range(self.k, len(self.lines))
                 if any(w in self.lines[k] for w in written)), None,
            ) if line.strip() else None  # fmt: skip
            if found is not None:
                self.k = found
            result.append(self.k + 1)
        return result
