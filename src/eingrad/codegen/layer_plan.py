"""What a layer's module computes: outputs forward, cotangents backward, tangents along."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from eingrad.calculus.axis_order import in_order
from eingrad.calculus.forward import Tangent, forward
from eingrad.calculus.reverse import needed_by, recognise, reverse, tensor, with_cotangents
from eingrad.codegen.module_plan import (
    Line,
    ModulePlan,
    ModuleResult,
    check_input,
    check_sizes,
    lines_of,
    named_parts,
    needed_of,
    outside,
    prepare,
    sizes_in,
    texts_of,
)
from eingrad.codegen.work_pieces import name_work
from eingrad.core.expr import Expr, Var, postorder, variables
from eingrad.derivation.steps import Deriver, Record, introduced
from eingrad.errors import UnknownNameError
from eingrad.notation.system import System

Save = str | Sequence[str] | None
"""What a forward pass saves: None all that the backward pass names, ``"inputs"`` nothing that it
has computed, or the names of tensors."""


@dataclass(frozen=True)
class LayerPlan(ModulePlan):
    """``backward`` takes ``cotangents`` like the outputs; ``again`` names what it computes anew.

    ``tangents`` are the lines of forward mode after those of ``forward``: they take the
    ``directions`` of all real inputs, and give ``moved``, one tensor for each output.
    """

    outputs: tuple[Var, ...] = ()
    cotangents: tuple[Var, ...] = ()
    directions: Mapping[str, Var] | None = None
    tangents: tuple[Line, ...] = ()
    moved: tuple[Var, ...] = ()
    again: tuple[str, ...] = ()

    @property
    def roots(self) -> tuple[Var, ...]:
        """The outputs."""
        return self.outputs


def make_layer_plan(
    system: System,
    outputs: Sequence[str],
    wrt: Sequence[str],
    functions: Mapping[str, str] | None = None,
    save: Save = None,
    fused: bool = False,
) -> LayerPlan:
    """Return what a layer computes. Raises EingradError for a name that ``save`` cannot have.

    ``fused`` says that a softmax is one operation of the target.
    """
    functions = dict(functions or {})
    for name in wrt:
        check_input(system, name)
    system = _laid_out(recognise(system, {*outputs, *wrt}))
    system = name_work(system, {name: k for k, name in enumerate(introduced(system))})
    taken = {*system.labels, *system.functions, *system.sizes}
    loss = _fresh(["L", "loss", "s"], taken)
    bars = {name: _fresh([f"d{name}"], {*taken, loss}) for name in outputs}
    whole, cotangents = with_cotangents(system, loss, bars)
    adjoints = reverse(whole, loss, wrt, by_name=True)
    records: dict[str, Record] = {str(a.title): a for name, a in adjoints.items() if name != loss}
    deriver = Deriver(whole, whole, records)
    first, second = prepare(whole, deriver, functions, fused)
    root = whole.definitions[loss].var
    results = [ModuleResult(adjoints[name].var, root, name) for name in wrt]
    second = needed_of(second, [r.var.name for r in results])
    kept, again = _kept(first, second, save)
    second = {name: first[name] for name in first if name in again} | second
    given = {v.name for v in cotangents}
    first_of_all = needed_of(first, [*outputs, *(x for x in kept if x not in given)])
    texts = texts_of(whole, deriver)
    lines = named_parts(lines_of(first_of_all, texts), () if again else second.values())
    backward = named_parts(lines_of(second, texts, [] if again else lines))
    directions, tangents, moved = _tangents(system, outputs, functions, lines, fused)
    used = [v for line in (*lines, *backward, *tangents) for v in variables(line.expr)]
    inputs = _inputs(system, used, wrt, (*lines, *backward, *tangents))
    saved = _saved(backward, inputs, cotangents, outputs, lines)
    nodes = postorder(line.expr for line in (*lines, *backward))
    check_sizes(inputs, nodes)
    return LayerPlan(
        " and ".join(outputs), inputs, tuple(lines), tuple(backward), tuple(results), saved, True,
        system, deriver, functions, tuple(tensor(system, name) for name in outputs), cotangents,
        directions, tuple(tangents), moved, tuple(again),
    )  # fmt: skip


def _laid_out(system: System) -> System:
    """Return the system with definitions that are computed in the order of their axes."""
    exprs = in_order([d.expr for d in system.definitions.values()])
    pairs = zip(system.definitions.items(), exprs, strict=True)
    return replace(system, definitions={n: replace(d, expr=e) for (n, d), e in pairs})


def _fresh(wanted: Sequence[str], taken: Collection[str]) -> str:
    more = (f"{wanted[-1]}{k}" for k in range(2, len(taken) + 3))
    return next(name for name in chain(wanted, more) if name not in taken)


def _kept(
    first: Mapping[str, Expr], second: Mapping[str, Expr], save: Save
) -> tuple[list[str], list[str]]:
    """Return what backward takes from the caller or from forward, and what it computes again."""
    named = outside(second)
    if save is None:
        return named, []
    own = [] if save == "inputs" else [save] if isinstance(save, str) else list(save)
    for name in own:
        if name not in first:
            known = ", ".join(x for x in named if x in first and " part " not in x)
            raise UnknownNameError(
                f"nothing that backward needs is called {name!r}",
                operand=name,
                hint=f"forward computes {known}" if known else "it needs inputs alone",
            )
    exprs = {name: expr for name, expr in first.items() if name not in own}
    needed = needed_by(named, exprs)
    again = [name for name in exprs if name in needed]
    return [x for x in needed if x not in again], again


def _tangents(
    system: System,
    outputs: Sequence[str],
    functions: Mapping[str, str],
    before: Sequence[Line],
    fused: bool,
) -> tuple[dict[str, Var], list[Line], tuple[Var, ...]]:
    """Return the directions, the lines of forward mode, and what each output moves by."""
    taken = {*system.labels, *system.functions}
    needed = needed_by(outputs, system.exprs)
    real = [name for name, v in system.inputs.items() if name in needed and not v.integer]
    along = {name: _fresh([f"{name}dot"], taken) for name in real}
    vars_ = {name: Var(dot, tensor(system, name).dims) for name, dot in along.items()}
    inputs = {**system.inputs, **{v.name: v for v in vars_.values()}}
    labels = {**system.labels, **{dot: system.labels[name] for name, dot in along.items()}}
    system = replace(system, inputs=inputs, labels=labels)
    found: dict[str, Tangent] = {}
    for name in outputs:
        found |= forward(system, name, along, {})
    records: dict[str, Record] = {str(t.title): t for t in found.values()}
    deriver = Deriver(system, system, records)
    _, second = prepare(system, deriver, functions, fused)
    moved = tuple(found[name].var for name in outputs)
    second = needed_of(second, [v.name for v in moved])
    lines = named_parts(lines_of(second, texts_of(system, deriver), before))
    return vars_, lines, moved


def _inputs(
    system: System, used: Iterable[Var], wrt: Sequence[str], lines: Sequence[Line]
) -> tuple[Var, ...]:
    """Return the inputs that something is computed from, or that tell the extent of an axis."""
    names = {v.name for v in used} | set(wrt)
    told = {dim for name in names if name in system.inputs for dim in system.inputs[name].dims}
    for line in lines:
        for name, var in system.inputs.items():
            if (sizes_in(line.expr) - told) & set(var.dims):
                names.add(name)
                told |= set(var.dims)
    return tuple(var for name, var in system.inputs.items() if name in names)


def _saved(
    backward: Sequence[Line],
    inputs: Sequence[Var],
    cotangents: Sequence[Var],
    outputs: Sequence[str],
    forward_lines: Sequence[Line],
) -> tuple[Var, ...]:
    """Return what backward takes from forward: inputs, then what was computed, outputs last."""
    own = {line.var for line in backward} | set(cotangents)
    saved = {v for line in backward for v in variables(line.expr)} - own
    told = {dim for var in (*saved, *cotangents) for dim in var.dims}
    wanted = {dim for line in backward for dim in sizes_in(line.expr)}
    for var in inputs:
        if (wanted - told) & set(var.dims):
            saved.add(var)
            told |= set(var.dims)
    computed = [line.var for line in forward_lines if line.var in saved]
    return (
        *(v for v in inputs if v in saved),
        *(v for v in computed if v.name not in outputs),
        *(v for v in computed if v.name in outputs),
    )
