"""A model from a file: index notation, or the definitions of a document."""

from __future__ import annotations

import re
from pathlib import Path

from eingrad.api.models.model import Model, parse, parse_latex
from eingrad.errors import NotationError
from eingrad.notation.files import read_text
from eingrad.papers.equations import EquationRow, rows_of
from eingrad.papers.heads import head_of, is_derivative
from eingrad.papers.macros import expand
from eingrad.papers.read_document import read_document

FENCED = re.compile(r"^(```+|~~~+)[ \t]*ein\b[^\n]*\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)
DOCUMENTS = {".tex", ".ltx", ".latex", ".md", ".markdown", ".ipynb"}


def load(path: str | Path) -> Model:
    r"""Read a model from a file: ``.ein`` in index notation, ``.tex`` and ``.md`` in LaTeX.

    Of a document it is the equations that define a tensor; derivatives and other claims are left
    out, as `eg.check_document` judges them. A Markdown file with fences of the language ein has
    its model in these. Raises DataError for a file that cannot be read, NotationError for one
    without a model.

    >>> from tempfile import TemporaryDirectory
    >>> text = r"Let $$z_i = W_{ij} x_j$$ so that $$\frac{\partial z_i}{\partial x_j} = W_{ij}.$$"
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "paper.md"
    ...     _ = path.write_text(text)
    ...     print(load(path))
    z_i = W_ij x_j
    """
    if Path(path).suffix.lower() not in DOCUMENTS:
        return parse(read_text(path))
    if Path(path).suffix.lower() in {".md", ".markdown"}:
        fenced = "\n".join(inside for _, inside in FENCED.findall(read_text(path)))
        if fenced.strip():
            return parse(fenced)
    document = read_document(path)
    mathematics = [p for p in document.passages if p.kind == "math"]
    displayed = [p for p in mathematics if p.display] or mathematics
    rows = [
        row
        for passage in displayed
        for row in rows_of(expand(passage.text, document.macros), passage.line)
    ]
    defining = [row.source.rstrip(" .,;") for row in rows if _defines(row)]
    if not defining:
        raise NotationError(
            f"{path} has no formula that defines a tensor", hint="for example $$z_i = W_{ij} x_j$$"
        )
    return parse_latex("\n\n".join(defining))


def _defines(row: EquationRow) -> bool:
    """Whether a row is ``tensor = formula``."""
    left = row.sides[0].text
    marks = {side.mark for side in row.sides[1:]}
    return bool(marks) and marks <= {"=", ":=", r"\coloneqq"} and not is_derivative(left) and (
        head_of(left) is not None
    )  # fmt: skip
