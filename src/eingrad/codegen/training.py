"""A training step as lines: the optimizer's formulas over a program's gradients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eingrad.calculus.optim import Optimizer
from eingrad.codegen.program import Line, Program
from eingrad.core.expr import Expr, Map, Var, postorder
from eingrad.core.rewrite import substitute
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
        for name, remembered in step.state.items():
            new = Var(f"new {name}", remembered.var.dims)
            like = param.name if name.endswith(f"/{param.name}") else ""
            initial.setdefault(name, (remembered.var, like, remembered.initial))
            lines.setdefault(name, Line(new, remembered.new_value, ""))
            known[remembered.new_value] = new
        lines[param.name] = Line(
            Var(f"new {param.name}", param.dims), substitute(step.new_value, known), ""
        )
    shared = _shared_scalars([line.expr for line in lines.values()])
    parts = {x: Var(f"correction {k}", ()) for k, x in enumerate(shared)}
    steps = [Line(v, substitute(x, _before(parts, x)), "") for x, v in parts.items()]
    whole: dict[Expr, Expr] = dict(parts)
    state = [x for name, x in lines.items() if name in initial and not x.var.dims]
    rest = [x for x in lines.values() if x not in state]
    steps = state + steps + [Line(x.var, substitute(x.expr, whole), "") for x in rest]
    state_vars = tuple(var for var, _, _ in initial.values())
    return Training(repr(optimizer), state_vars, tuple(initial.values()), tuple(steps))


def _shared_scalars(exprs: Sequence[Expr]) -> list[Expr]:
    """Return the largest scalars, such as Adam's corrections, that several formulas share."""
    counts = Counter(x for expr in exprs for x in set(postorder([expr])))
    shared = [
        x for x in dict.fromkeys(postorder(exprs))
        if counts[x] > 1 and not x.ndim and isinstance(x, Map) and x.function in {"sqrt", "expm1"}
    ]  # fmt: skip
    inside = {y for x in shared for y in postorder([x]) if y is not x}
    return [x for x in shared if x not in inside]


def _before(parts: Mapping[Expr, Var], x: Expr) -> dict[Expr, Expr]:
    return {k: v for k, v in parts.items() if k is not x}
