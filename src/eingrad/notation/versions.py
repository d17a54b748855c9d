"""The notation's version, and which texts an earlier version read otherwise.

The first version summed a label once over the innermost product whose factors share it, and took
a letter in brackets for a label wherever that could be summed.
"""

from __future__ import annotations

from eingrad.notation.gathers import find_integers
from eingrad.notation.notes import notes_on
from eingrad.notation.parse import parse_statements
from eingrad.notation.summation import walk
from eingrad.notation.syntax import Assignment, Statement, Symbol
from eingrad.notation.tensors import PI
from eingrad.notation.tex.names import is_latex
from eingrad.notation.tex.read import read_model

NOTATION = 2


def reads_otherwise(text: str) -> bool:
    """Whether a model's text has another meaning than in the notation's first version.

    Raises NotationError where the text is not one. To be removed with the notes about that version.

    >>> reads_otherwise("J = x_i y_i / (x_i z_i)"), reads_otherwise("J = x_i y_i / (x_j z_j)")
    (True, False)
    """
    if is_latex(text):
        statements: tuple[Statement, ...] = read_model(text).statements
    else:
        statements = find_integers(parse_statements(text))
    return _uses_pi(statements) or any(
        note.formerly for statement in statements for note in notes_on(statement)
    )


def _uses_pi(statements: tuple[Statement, ...]) -> bool:
    """Whether pi is a number, which was an input."""
    assigned = [s for s in statements if isinstance(s, Assignment)]
    names = {s.target.name for s in assigned if isinstance(s.target, Symbol)}
    return PI.name not in names and any(part == PI for s in assigned for part in walk(s.value))
