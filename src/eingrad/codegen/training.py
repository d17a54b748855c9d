"""A training step as lines: the optimizer's formulas over a program's gradients."""

from __future__ import annotations

from dataclasses import dataclass

from eingrad.calculus.optim import Optimizer
from eingrad.codegen.program import Line, Program
from eingrad.core.algebra import substitute
from eingrad.core.expr import Expr, Var
from eingrad.errors import EingradError


@dataclass(frozen=True, slots=True)
class Training:
    """``lines`` give new values, named ``new W1``; ``initial`` says what the state starts from:
    (tensor, the input that it is shaped like or "", value)."""

    title: str
    state: tuple[Var, ...]
    initial: tuple[tuple[Var, str, int], ...]
    lines: tuple[Line, ...]


def make_training(program: Program, optimizer: Optimizer) -> Training:
    """Return the step of an optimizer; raises EingradError where there is no gradient."""
    if not program.is_gradient:
        raise EingradError(
            "an optimizer needs the gradient of a scalar", hint="leave out the optimizer"
        )
    lines: dict[str, Line] = {}
    initial: dict[str, tuple[Var, str, int]] = {}
    for result in program.results:
        param = program.system.inputs[result.wrt]
        step = optimizer.step(param, result.var)
        known: dict[Expr, Expr] = {}
        for name, state in step.state.items():
            new = Var(f"new {name}", state.var.dims)
            like = param.name if name.endswith(f"/{param.name}") else ""
            initial.setdefault(name, (state.var, like, state.initial))
            lines.setdefault(name, Line(new, state.new_value, ""))
            known[state.new_value] = new
        lines[param.name] = Line(
            Var(f"new {param.name}", param.dims), substitute(step.new_value, known), ""
        )
    state_vars = tuple(var for var, _, _ in initial.values())
    return Training(repr(optimizer), state_vars, tuple(initial.values()), tuple(lines.values()))
