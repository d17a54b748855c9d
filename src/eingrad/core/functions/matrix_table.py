"""The functions of matrices, a record each."""

from __future__ import annotations

from typing import Any

from eingrad.core.functions.record import MatrixFunction, Table


def _in_all(text: str) -> dict[str, Any]:
    """The spelling of what has one name in all libraries' ``linalg``."""
    modules = {"numpy": "np", "torch": "torch", "jax": "jnp"}
    return {library: f"{module}.linalg.{text}" for library, module in modules.items()}


# fmt: off
MATRIX_FUNCTIONS: Table[MatrixFunction] = Table([
    MatrixFunction("inv", True, rule="inverse derivative", **_in_all("inv({0})"),
                   derivative=(("-1", ""), ("y", "ik"), ("y", "mj"))),
    MatrixFunction("cholesky", True, rule="Cholesky derivative", unwritten=True,
                   derivative=(("y", "ip"), ("lower", "pj"), ("inverse y", "pk"),
                               ("conjugate inverse y", "jm")),
                   **_in_all("cholesky({0})")),
    MatrixFunction("det", False, latex=r"\det", rule="determinant derivative",
                   derivative=(("inverse", "mk"), ("y", "")), at_kinks=(("adjugate", "mk"),),
                   **_in_all("det({0})")),
    MatrixFunction("adjugate", True, rule="determinant derivative", internal=True, unwritten=True,
                   derivative=(("minors", "ijkm"),)),
    MatrixFunction("logdet", False, latex=r"\log\det", rule="log-determinant derivative",
                   derivative=(("inverse", "mk"),), **_in_all("slogdet({0})[1]")),
    MatrixFunction("trace", False, names=("tr", "Tr"), latex=r"\operatorname{tr}", is_view=True),
    MatrixFunction("transpose", True, is_view=True),
])
# fmt: on

__all__ = ["MATRIX_FUNCTIONS"]
