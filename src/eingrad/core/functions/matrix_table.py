"""The functions of matrices, a record each."""

from __future__ import annotations

from eingrad.core.functions.record import MatrixFunction, Table

# fmt: off
MATRIX_FUNCTIONS: Table[MatrixFunction] = Table([
    MatrixFunction("inv", True, rule="inverse derivative",
                   derivative=(("-1", ""), ("y", "ik"), ("y", "mj"))),
    MatrixFunction("cholesky", True, rule="Cholesky derivative", unwritten=True,
                   derivative=(("y", "ip"), ("lower", "pj"), ("inverse y", "pk"),
                               ("conjugate inverse y", "jm"))),
    MatrixFunction("det", False, latex=r"\det", rule="determinant derivative",
                   derivative=(("inverse", "mk"), ("y", ""))),
    MatrixFunction("logdet", False, latex=r"\log\det", rule="log-determinant derivative",
                   derivative=(("inverse", "mk"),)),
    MatrixFunction("trace", False, names=("tr", "Tr"), latex=r"\operatorname{tr}", is_view=True),
    MatrixFunction("transpose", True, is_view=True),
])
# fmt: on

__all__ = ["MATRIX_FUNCTIONS"]
