"""The tables of functions: `FUNCTIONS` entry by entry, `AXIS_FUNCTIONS`, `MATRIX_FUNCTIONS`."""

from eingrad.core.functions.declared import (
    MOST_ARGUMENTS,
    arguments_of,
    declared_base,
    differentiated,
    is_derivative_of,
)
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
    "AXIS_FUNCTIONS", "COMPARED", "COMPARISONS", "FUNCTIONS", "MATRIX_FUNCTIONS", "MOST_ARGUMENTS",
    "SUMS", "AxisFunction", "Function", "MatrixFunction", "arguments_of", "canonical",
    "declared_base", "differentiated", "imported", "is_derivative_of", "keeps_axes", "spelling",
]  # fmt: skip
