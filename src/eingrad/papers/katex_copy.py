r"""Formulas of a page that was copied as text: what was shown, then its source.

A browser copies what KaTeX shows as the letters without their places, and behind them the source:
``Lzi=2ei\frac{\partial L}{\partial z_i} = 2 e_i``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from eingrad.notation.lexeme import GREEK
from eingrad.notation.tex.names import greek

MAX_LETTERS = 2000  # of a paragraph in which a copy is looked for
LEAST = 3  # letters that must agree
_COMMAND = re.compile(r"\\([A-Za-z]+|.)(?:\[[^\]]*\])?")
_SHOWN = {name: letter for letter, name in GREEK.items()}
_WORDS = frozenset({"log", "exp", "sin", "cos", "tanh", "max", "min", "ln", "softmax", "det"})


def copies(paragraph: str) -> Iterator[tuple[int, int]]:
    r"""Yield where the sources of copied formulas begin and end.

    >>> text = r"so that ei=yie_i = y_i"
    >>> [text[a:b] for a, b in copies(text)]
    ['e_i = y_i']
    """
    if len(paragraph) > MAX_LETTERS or not re.search(r"[\\_^]", paragraph):
        return
    for start in range(1, len(paragraph)):
        source = paragraph[start:]
        if not re.match(r"[\\A-Za-z]", source) or not re.search(r"[\\_^]", source):
            continue
        letters = _letters(source)
        shown = "".join(c for c in paragraph[:start] if c.isalnum())
        if len(letters) >= LEAST and shown.endswith(letters) and "=" in source:
            yield start, len(paragraph)
            return


def _letters(source: str) -> str:
    """Return the letters and digits that a source shows."""

    def shown(command: re.Match[str]) -> str:
        name = greek(command[0])
        if name is not None:
            return _SHOWN.get(name, "")
        return command[1] if command[1] in _WORDS else ""

    bare = re.sub(r"\\(?:begin|end)\{[^}]*\}", "", source)
    return "".join(
        c for c in _COMMAND.sub(shown, re.sub(r"\\mathbb\{R\}", "R", bare)) if c.isalnum()
    )
