"""A file -> its passages, by its ending."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from eingrad.notation.files import read_text
from eingrad.papers.markdown_document import read_markdown
from eingrad.papers.notebook_document import read_notebook
from eingrad.papers.passages import Document, Passage
from eingrad.papers.tex_document import read_tex

MAX_BYTES = 1 << 26  # a notebook holds its pictures
READERS = {".tex": read_tex, ".ltx": read_tex, ".latex": read_tex, ".ipynb": read_notebook}


def read_document(path: str | Path) -> Document:
    """Read a LaTeX file, a notebook, or, by any other ending, Markdown.

    Raises DataError for a file that cannot be read.
    """
    text = read_text(path, "a paper is text: LaTeX, Markdown or a notebook", MAX_BYTES)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    document = READERS.get(Path(path).suffix.lower(), read_markdown)(text, str(path))
    return replace(document, passages=tuple(map(_with_plain_primes, document.passages)))


def _with_plain_primes(passage: Passage) -> Passage:
    """Return a formula with typed primes for those of a typesetter."""
    return (
        replace(passage, text=re.sub("[’′]", "'", passage.text))
        if passage.kind == "math"
        else passage
    )
