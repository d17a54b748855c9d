"""Derivatives -> the source of a standalone module."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from eingrad.calculus.optim import Optimizer
from eingrad.codegen.module import Module
from eingrad.codegen.program import make_program
from eingrad.codegen.targets import TARGETS
from eingrad.derivation.steps import Deriver
from eingrad.errors import EingradError
from eingrad.notation.system import System


def module_source(
    of: str,
    keys: Mapping[str, str],
    system: System,
    deriver: Deriver,
    target: str,
    *,
    matmul: bool = False,
    optimizer: Optimizer | None = None,
    functions: Mapping[str, str] | None = None,
) -> str:
    """Return a module that computes ``of`` and its derivatives; see `Derivatives.source`.

    ``keys`` names for each tensor by which ``of`` is differentiated the record of the result.
    """
    if target not in TARGETS:
        near = get_close_matches(str(target), TARGETS, 1)
        known = f"known are {', '.join(TARGETS)}"
        raise EingradError(
            f"there is no target {target!r}",
            operand=str(target),
            hint=f"did you mean {near[0]!r}?" if near else known,
        )
    program = make_program(of, keys, system, deriver, functions)
    return Module(program, TARGETS[target], matmul=matmul, optimizer=optimizer).source()
