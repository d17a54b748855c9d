"""The tables of functions: `FUNCTIONS` entry by entry, `AXIS_FUNCTIONS`, `MATRIX_FUNCTIONS`."""

from eingrad.core.functions.elementwise_table import COMPARED, COMPARISONS, FUNCTIONS
from eingrad.core.functions.matrix_table import MATRIX_FUNCTIONS
from eingrad.core.functions.record import (
    AxisFunction,
    Function,
    MatrixFunction,
    imported,
    spelling,
)
from eingrad.core.functions.reduction_table import AXIS_FUNCTIONS, SUMS, keeps_axes


def canonical(word: str) -> str | None:
    """Return the name of the function that a word means: ``ln`` is log; None of another word."""
    found = (t.canonical(word) for t in (FUNCTIONS, AXIS_FUNCTIONS, MATRIX_FUNCTIONS))
    return next(filter(None, found), None)


__all__ = [
    "AXIS_FUNCTIONS", "COMPARED", "COMPARISONS", "FUNCTIONS", "MATRIX_FUNCTIONS", "SUMS",
    "AxisFunction", "Function", "MatrixFunction", "canonical", "imported", "keeps_axes",
    "spelling",
]  # fmt: skip
