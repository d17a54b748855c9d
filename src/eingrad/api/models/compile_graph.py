"""Join definitions into one graph, bind functions, stabilise, and hand it to the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from eingrad.api.models.mesh_layout import MeshLayout
from eingrad.calculus.bind import bind_functions
from eingrad.calculus.condition_rules import shielded
from eingrad.calculus.optim import Optimizer, StateTensor
from eingrad.calculus.root_rules import derivatives_at_kinks, values_of_roots
from eingrad.calculus.rules import POSITION_BY_POSITION, STABLE, apply_rules
from eingrad.core.expr import Expr, Size, Var, postorder, variables
from eingrad.core.later import Later
from eingrad.core.positions import Scan
from eingrad.core.product import shared_products
from eingrad.core.recurrences import computable, in_loops, recurrent
from eingrad.core.rewrite import substitute
from eingrad.errors import EingradError
from eingrad.notation.system import System

if TYPE_CHECKING:
    from eingrad import engine
else:
    engine = Later("eingrad.engine")

Functions = Mapping[str, str | tuple[Callable[..., Any], ...]]
"""What generic functions stand for: the name of a known one, or callables for phi, phi', ..."""


@shared_products()
def whole_graph(system: System, more: Iterable[tuple[Var, Expr]] = ()) -> dict[Expr, Expr]:
    """Return each tensor, and each derivative in ``more``, as one expression over the inputs.

    Derivatives have values at kinks where they have none on paper.
    """
    graph: dict[Expr, Expr] = {var: var for var in system.inputs.values()}
    more = list(more)
    for var, expr in computable(_with_safe_loops(system, more)):
        graph[var] = substitute(expr, {v: graph[v] for v in variables(expr) if v in graph})
    derived = list(dict.fromkeys(var for var, _ in more))
    own = [d.var for d in system.definitions.values() if d.var not in derived]
    values = [graph[var] for var in own]
    safe = derivatives_at_kinks([graph[var] for var in derived], values)
    safe += values_of_roots(values)
    return graph | dict(zip([*derived, *own], safe, strict=True))


def _with_safe_loops(system: System, more: list[tuple[Var, Expr]]) -> list[tuple[Var, Expr]]:
    """Return all definitions; those that refer to each other have values at kinks, and conditions
    select in them, since nothing looks into a loop later."""
    everything = {d.var: d.expr for d in system.definitions.values()} | dict(more)
    loops = recurrent({var.name: expr for var, expr in everything.items()})
    if loops:
        own = [var for var in everything if var.name in loops]
        values = [d.expr for d in system.definitions.values()]
        named: dict[Expr, Expr] = {v: e for v, e in everything.items() if v.name not in loops}
        derived = dict(more)
        safe = derivatives_at_kinks([everything[var] for var in own], values, named)
        everything |= {var: x for var, x in zip(own, safe, strict=True) if var in derived}
        everything |= dict(zip(own, shielded([everything[v] for v in own], named), strict=True))
    return list(everything.items())


def _inputs_for_sizes(system: System, roots: Sequence[Expr]) -> list[Var]:
    """Return inputs that nothing is computed from, but that tell how long some axis is."""
    nodes = list(postorder(roots))
    given = {dim for node in nodes if isinstance(node, Var) for dim in node.dims}
    wanted = {dim for node in nodes for dim in node.dims} | {
        node.dim for node in nodes if isinstance(node, Size)
    }
    found = []
    for var in system.inputs.values():
        if set(var.dims) & (wanted - given):
            found.append(var)
            given |= set(var.dims)
    return found


@shared_products()
def compile_graph(
    system: System,
    outputs: Mapping[str, Expr],
    gradients: Mapping[str, Expr] | None = None,
    update: Optimizer | None = None,
    *,
    wrt: Sequence[str] = (),
    backend: str = "numpy",
    functions: Functions | None = None,
    dtype: Any = None,
    memory_limit: int | None = None,
    devices: MeshLayout | None = None,
    keep_every: int | Mapping[str, int] | None = None,
) -> engine.Function:
    """Compile named expressions over the model's inputs.

    With ``update``, a call also replaces the inputs named in ``gradients`` by the optimizer's new
    values. The arrays of ``wrt`` are required even where only their sizes matter. A call
    that would need more than ``memory_limit`` bytes raises `MemoryLimitError` before it allocates.
    ``devices`` says how tensors are split over a mesh, ``keep_every`` which states of a recurrence
    are kept.
    """
    gradients = gradients or {}
    roots = [*outputs.values(), *gradients.values()]
    inner = devices.inner(roots) if devices else {}
    roots, callables = bind_functions([*roots, *inner.values()], functions or {}, system.functions)

    def bound(bodies: Sequence[Expr]) -> list[Expr]:
        return bind_functions(bodies, functions or {}, system.functions)[0]

    roots = in_loops(roots, lambda x: apply_rules(bound(x), STABLE))
    before = roots
    roots = shielded(apply_rules(roots, STABLE))
    rest = iter(roots)
    values, stable, inner = (dict(zip(x, rest, strict=False)) for x in (outputs, gradients, inner))
    slopes = {_slope(name): x for name, x in stable.items()}
    known = stable if keep_every is None else {n: Var(_slope(n), x.dims) for n, x in stable.items()}
    updates, state, like = _steps(update, system, known)
    if keep_every is not None:
        if devices is not None:
            raise EingradError(
                "keep_every goes with no mesh: one device runs the segments after each other",
                hint="leave out keep_every, or mesh and shard",
            )
        own: dict[str, Any] = {
            "backend": backend, "dtype": dtype, "functions": callables, "labels": system.labels,
            "memory_limit": memory_limit,
        }  # fmt: skip
        new = engine.compile_program({}, updates=updates, state=state, **own) if updates else None
        parts = _in_segments(system, values | slopes, before, keep_every, new, **own)
        return cast("engine.Function", parts)  # it is called alike
    shaped = [system.inputs[name] for name in wrt if name in system.inputs]
    shaped += _inputs_for_sizes(system, [*values.values(), *stable.values(), *shaped])
    return engine.compile_program(
        values, backend=backend, dtype=dtype, functions=callables, updates=updates, state=state,
        labels=system.labels, inputs=shaped, optional=system.inputs, memory_limit=memory_limit,
        layout=devices.layout(system, values, inner, state, like) if devices else None,
    )  # fmt: skip


def _steps(
    update: Optimizer | None, system: System, gradients: Mapping[str, Expr]
) -> tuple[dict[str, Expr], dict[str, StateTensor], dict[str, str]]:
    """Return an optimizer's new values of inputs, the tensors that it keeps, and which input each
    of these is like."""
    updates: dict[str, Expr] = {}
    state: dict[str, StateTensor] = {}
    like: dict[str, str] = {}
    if update is None:
        return updates, state, like
    for name, gradient in gradients.items():
        step = update.step(system.inputs[name], gradient)
        updates[name] = step.new_value
        state.update(step.state)
        like |= dict.fromkeys(step.state, name)
    return updates, state, like


def _slope(name: str) -> str:
    """Return what a gradient is called that an update takes from segments."""
    return f"<gradient {name}>"


def _in_segments(
    system: System, outputs: Mapping[str, Expr], before: Sequence[Expr],
    keep_every: int | Mapping[str, int], step: engine.Function | None, **options: Any,
) -> engine.SegmentedFunction:  # fmt: skip
    """Compile a function that keeps some states of the recurrences over one label, and takes a
    ``step`` with the gradients that it finds.

    ``before`` are the outputs before the rules of numbers: an exponent that is common to all
    positions cannot be had in segments, so what has one is formed position by position.
    """
    dims = {x.loop.dim for x in postorder(outputs.values()) if isinstance(x, Scan)}
    found = {d: (*system.letters.get(d, ()), str(d))[0] for d in dims if isinstance(d, str)}
    if isinstance(keep_every, int):
        keep_every = dict.fromkeys(found.values(), keep_every)
    if len(keep_every) != 1 or not {*keep_every} <= {*found.values()}:
        known = " or ".join(f"{{{letter!r}: 16}}" for letter in found.values())
        raise EingradError(
            "keep_every is for the recurrences over one label",
            hint=f"keep_every={known}"
            if found
            else "no label of this model moves in one whose extent an array tells",
        )
    ((letter, length),) = keep_every.items()
    if length < 1:
        raise EingradError(f"of {length} states none can be kept", hint="keep_every=16")
    dim = next(d for d, own in found.items() if own == letter)

    def compiled(own: Mapping[str, Expr]) -> engine.Function:
        shaped = _inputs_for_sizes(system, [*own.values()])
        return engine.compile_program(own, inputs=shaped, **options)

    library = engine.load_library(options["backend"])
    arguments = (str(dim), length, library, compiled, system.inputs, step)
    try:
        return engine.SegmentedFunction(outputs, *arguments)
    except EingradError:
        roots = shielded(apply_rules(before, POSITION_BY_POSITION))
        apart = dict(zip(outputs, roots, strict=False))
        return engine.SegmentedFunction(apart, *arguments)
