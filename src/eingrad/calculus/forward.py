"""Forward mode on a model: Jacobians as further definitions, ``dz_i/dw_jk = ...``, and Hessians.

Every tensor between a parameter and the result gets one tangent definition, whose axes are the
tensor's and then the parameter's (or none, for the derivative in one direction). Kronecker deltas
stay factors. A Hessian is the Jacobian of the gradient's definitions, in the form that holds
around the point (`around`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from eingrad.calculus.differentiate import push_forward
from eingrad.calculus.facts import Knowledge
from eingrad.calculus.naming import DerivativeName, DirectionName
from eingrad.calculus.reverse import NAME_COST, Adjoint, needed_by, tensor
from eingrad.calculus.simplify import simplify
from eingrad.calculus.structure import cost, permuted
from eingrad.core.algebra import add, einsum, zeros
from eingrad.core.expr import Delta, Expr, Var, variables
from eingrad.core.recurrences import recurrences
from eingrad.core.rewrite import substitute
from eingrad.errors import DifferentiationError
from eingrad.notation.system import Definition, System

LONG = 60.0  # a tangent that takes longer to read is spoken of by name, though it has deltas


@dataclass(frozen=True, slots=True)
class Tangent:
    """``d(definition)/d(wrt)``: ``raw`` as the rules give it, ``expr`` simplified.

    Along directions, ``wrt`` has a tensor for each, otherwise one. ``knowledge`` is what
    simplified it.
    """

    title: DerivativeName | DirectionName
    definition: Definition
    wrt: tuple[str, ...]
    raw: Expr
    expr: Expr
    knowledge: Knowledge

    @property
    def name(self) -> str:
        """The tensor that this is the derivative of."""
        return self.definition.name

    @property
    def var(self) -> Var:
        """The tensor by which other tangents refer to this one."""
        return Var(str(self.title), self.expr.dims)


def forward(
    system: System,
    of: str | Sequence[str],
    wrt: str | Mapping[str, str],
    titles: Mapping[str, DerivativeName],
    moved: Collection[str] | None = None,
) -> dict[str, Tangent]:
    """Return the tangents of ``of`` and of all tensors that it needs, ``wrt``'s side first.

    ``of`` is one tensor or several. ``titles`` name those tensors of the system that are
    derivatives themselves. Where ``wrt`` maps tensors to directions, which are tensors like these,
    a tangent is the derivative along them.
    ``moved`` are the tensors by which the tangents are yet to be differentiated.
    """
    x: Var | None = None
    if isinstance(wrt, str):
        x = tensor(system, wrt)
        seeds = {wrt: identity(x)}
    else:
        seeds = _directions(system, wrt)
    extra_dims = x.dims if x is not None else ()
    roots = {of} if isinstance(of, str) else set(of)
    needed = needed_by(roots, system.exprs)
    knowledge = Knowledge(system, moved)
    known: dict[str, tuple[Var | None, Expr]] = {name: (None, e) for name, e in seeds.items()}
    result: dict[str, Tangent] = {}

    def titled(name: str, ndim: int) -> DerivativeName | DirectionName:
        if x is None:
            return DirectionName(name, ndim)
        return titles.get(name, DerivativeName(name, ndim, ())).then(x.name, x.ndim)

    loops = _moving_loops(system, set(seeds))
    for name in loops:  # whose tangents refer to themselves, so that others speak of them by name
        var = tensor(system, name)
        symbol = Var(str(titled(name, var.ndim)), (*var.dims, *extra_dims))
        known[name] = symbol, symbol
    for name, definition in system.definitions.items():
        inputs = {v.name: v for v in variables(definition.expr) if v.name in known}
        is_seed = name in seeds and name not in loops
        if name not in roots and (is_seed or name not in needed or not inputs):
            continue
        title = titled(name, definition.expr.ndim)
        if x is not None:
            adjoint = system.definitions.get(str(title))
            if adjoint is not None:  # the loss's, which a gradient's formula has named
                known[name] = adjoint.var, adjoint.expr
                continue
        raw = expr = zeros((*definition.expr.dims, *extra_dims))
        if inputs and not is_seed:
            choices = _tangents(definition, inputs, known, len(extra_dims), knowledge)
            raw, expr = min(choices, key=lambda c: c[0])[1:]
        if name in seeds:  # in a recurrence an entry moves by itself, and by those before it
            raw, expr = add(raw, seeds[name]), add(expr, seeds[name])
        tangent = Tangent(title, definition, tuple(seeds), raw, expr, knowledge)
        result[name] = tangent
        if name not in loops:
            known[name] = (tangent.var, tangent.expr)
    return result


def _moving_loops(system: System, seeds: set[str]) -> set[str]:
    """Return the tensors of recurrences that depend on some tensors, through each other too."""
    moving = set(seeds)
    before = -1
    groups = [set(own.axes) for own in recurrences(system.exprs)]
    while groups and before < len(moving):
        before = len(moving)
        for name, definition in system.definitions.items():
            if any(v.name in moving for v in variables(definition.expr)):
                moving.add(name)
    return {name for own in groups if own & moving for name in own & moving}


def _directions(system: System, wrt: Mapping[str, str]) -> dict[str, Expr]:
    """Return the seeds; a tensor that another of them moves has no direction of its own."""
    for name in wrt:
        moved = needed_by([name], system.exprs) & (set(wrt) - {name})
        if moved:
            other = min(moved)
            raise DifferentiationError(
                f"{name} depends on {other}: they have no directions that are free of each other",
                operand=name,
                hint=f"take those of {name} and {other} one at a time, and add the results",
            )
    return {name: Var(direction, tensor(system, name).dims) for name, direction in wrt.items()}


def identity(x: Var) -> Expr:
    """Return the derivative of a tensor by itself."""
    n = x.ndim
    deltas = [(Delta(dim), (k, n + k)) for k, dim in enumerate(x.dims)]
    return einsum(deltas, tuple(range(2 * n)))


def _tangents(
    definition: Definition,
    inputs: Mapping[str, Var],
    known: Mapping[str, tuple[Var | None, Expr]],
    extra: int,
    knowledge: Knowledge,
) -> list[tuple[float, Expr, Expr]]:
    """Push the inputs' tangents on, by formula and by name: (how long it is, raw, simplified).

    A formula that is long, or has deltas, which names would hide, has one choice.
    """
    choices = []
    named = {n for n in inputs if known[n][0] is not None}
    long = frozenset(n for n in named if cost(known[n][1]) > LONG)
    short = frozenset(n for n in named if not known[n][1].has_delta)
    for spoken in dict.fromkeys([long, long | short]):
        dots: dict[Expr, Expr] = {}
        for name, var in inputs.items():
            symbol, formula = known[name]
            dots[var] = _lead_first(symbol if symbol and name in spoken else formula, extra)
        pushed = substitute(push_forward(definition.expr, dots, extra), knowledge.named)
        raw = _lead_last(pushed, extra)
        expr = simplify(raw, knowledge.about(raw))
        choices.append((cost(expr) + NAME_COST * len(spoken), raw, expr))
    return choices


def _lead_first(node: Expr, extra: int) -> Expr:
    n = node.ndim - extra
    return permuted(node, (*range(n, node.ndim), *range(n))) if extra else node


def _lead_last(node: Expr, extra: int) -> Expr:
    return permuted(node, (*range(extra, node.ndim), *range(extra))) if extra else node


def with_adjoints(system: System, adjoints: Mapping[str, Adjoint]) -> System:
    """Return the model with its gradient's definitions, the loss's first."""
    definitions = dict(system.definitions)
    labels = dict(system.labels)
    for name, adjoint in adjoints.items():
        if name != adjoint.of:
            own = system.labels[name]
            definitions[adjoint.var.name] = Definition(adjoint.var.name, own, adjoint.expr)
            labels[adjoint.var.name] = own
    return replace(system, definitions=definitions, labels=labels)
