"""Reverse mode on a model: the gradient of a scalar as further definitions, ``dL/dA1_bh = ...``.

Each tensor between the parameters and the loss gets one adjoint definition. It speaks of the
model's tensors and of later adjoints by name, so a derivation reads as on paper and the work is
linear in the number of statements. An adjoint's formula is put in the place of its name where
that makes the result no longer to read (``Z2 - T`` for a softmax under a cross-entropy).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from eingrad.calculus.differentiate import pull_back
from eingrad.calculus.facts import Knowledge
from eingrad.calculus.naming import DerivativeName
from eingrad.calculus.nested import name_nested
from eingrad.calculus.rules import RECOGNISE, apply_rules
from eingrad.calculus.simplify import Stage, simplify, simplify_in_stages
from eingrad.calculus.structure import cost, has_divisor
from eingrad.core.algebra import ONE, add, multiply, sum_over, zeros
from eingrad.core.expr import Expr, Map, Reduce, Var, postorder, variables
from eingrad.core.partials import record_of
from eingrad.core.recurrences import recurrent
from eingrad.core.rewrite import substitute
from eingrad.errors import DifferentiationError
from eingrad.notation.system import Definition, System

NAME_COST = 0.3  # how much longer a result may be that does without a later adjoint's name
SHORT = 3.5  # a formula up to this long is tried in the place of its name, as is a quotient
ABSORBED_COST = 25.0  # a definition that is longer than this is not looked into


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one consumer adds to an adjoint: ``raw`` is the pull-back, ``cotangent`` what was
    pulled (the consumer's adjoint by name or by formula), ``stages`` how that was simplified."""

    consumer: Definition
    cotangent: Expr
    by_name: bool
    raw: Expr
    stages: tuple[Stage, ...]

    @property
    def expr(self) -> Expr:
        """The simplified result."""
        return self.stages[-1].result if self.stages else self.raw


@dataclass(frozen=True, slots=True)
class Adjoint:
    """``dL/dname``: the sum of what each consumer of the tensor contributes.

    ``knowledge`` is what simplified it.
    """

    of: str
    name: str
    contributions: tuple[Contribution, ...]
    expr: Expr
    knowledge: Knowledge

    @property
    def title(self) -> DerivativeName:
        """How the notation writes it: ``dL/dW1``."""
        return DerivativeName(self.of, 0, ((self.name, self.expr.ndim),))

    @property
    def var(self) -> Var:
        """The tensor by which other adjoints refer to this one."""
        return Var(str(self.title), self.expr.dims)


@dataclass(frozen=True, slots=True)
class Spoken:
    """The adjoint of a tensor in a recurrence, of which others speak by name alone: it refers to
    itself."""

    of: str
    x: Var

    @property
    def var(self) -> Var:
        """The tensor by which adjoints refer to this one."""
        return Var(str(DerivativeName(self.of, 0, ((self.x.name, self.x.ndim),))), self.x.dims)

    @property
    def expr(self) -> Expr:
        """The name again, in place of the formula."""
        return self.var


def reverse(
    system: System,
    of: str,
    wrt: Sequence[str],
    moved: Collection[str] | None = None,
    by_name: bool = False,
) -> dict[str, Adjoint]:
    """Return the adjoints of ``wrt`` and of all tensors that these need, the loss's first.

    ``system`` must have been through `recognise`; ``moved`` are the tensors by which the adjoints
    are yet to be differentiated. ``by_name`` keeps the names of all products, so that each is
    computed once. Raises DifferentiationError where ``of`` is no scalar.
    """
    root = system.definitions[of]
    if root.expr.ndim:
        labels = ", ".join(root.labels)
        raise DifferentiationError(
            f"{of} is not a scalar: it has the labels {labels}",
            operand=of,
            hint=f"sum it first, or ask for the Jacobian of {of}",
        )
    active = _between(system, of, set(wrt))
    consumers: dict[str, list[Definition]] = {name: [] for name in active}
    for definition in system.definitions.values():
        if definition.name in active:
            for var in variables(definition.expr):
                if var.name in active and var.name != of:
                    consumers[var.name].append(definition)
    adjoints: dict[str, Adjoint] = {}
    knowledge = Knowledge(system, moved)
    loops = recurrent(system.exprs)
    found: dict[str, dict[str, Contribution]] = {}
    for name in [n for n in reversed(list(system.definitions)) if n in active] + [
        n for n in system.inputs if n in active
    ]:
        for c in consumers[name]:
            if c.name not in found:  # to all that it uses at once: they share most of the way
                known = Spoken(of, c.var) if c.name in loops else adjoints[c.name]
                used = [x for x in variables(c.expr) if x.name in active and x.name != of]
                parts = {x.name: _contribution(c, x, known, knowledge, by_name) for x in used}
                found[c.name] = parts
        contributions = tuple(found[c.name][name] for c in consumers[name])
        adjoints[name] = _adjoint(of, tensor(system, name), contributions, knowledge)
    for name in wrt:
        if name not in adjoints:
            dims = tensor(system, name).dims
            adjoints[name] = Adjoint(of, name, (), zeros(dims), knowledge)
    return adjoints


def tensor(system: System, name: str) -> Var:
    """Return a tensor of the model by name."""
    if name in system.inputs:
        return system.inputs[name]
    return system.definitions[name].var


def needed_by(names: Iterable[str], exprs: Mapping[str, Expr]) -> set[str]:
    """Return the tensors that some are made of, these included; ``exprs`` are the definitions."""
    needed = set(names)
    stack = list(needed)
    while stack:
        expr = exprs.get(stack.pop())
        below = {v.name for v in variables(expr)} - needed if expr is not None else set()
        needed |= below
        stack += below
    return needed


def _between(system: System, of: str, wrt: set[str]) -> set[str]:
    """Return the tensors that depend on ``wrt`` and that ``of`` depends on, these included."""
    depends = {name for name in system.inputs if name in wrt}
    before = -1
    while before < len(depends):  # twice, but for recurrences: each stands after what it needs
        before = len(depends)
        for name, definition in system.definitions.items():
            if name in wrt or any(v.name in depends for v in variables(definition.expr)):
                depends.add(name)
    return (depends & needed_by([of], system.exprs)) | {of}


def _adjoint(
    of: str, x: Var, contributions: tuple[Contribution, ...], knowledge: Knowledge
) -> Adjoint:
    if x.name == of:
        return Adjoint(of, of, (), ONE, knowledge)
    if not contributions:
        return Adjoint(of, x.name, (), zeros(x.dims), knowledge)
    total = contributions[0].expr
    if len(contributions) > 1:
        total = add(*(c.expr for c in contributions))
        total = simplify(total, knowledge.about(total))
    return Adjoint(of, x.name, contributions, total, knowledge)


def _contribution(
    consumer: Definition, x: Var, adjoint: Adjoint | Spoken, knowledge: Knowledge, named: bool
) -> Contribution:
    """Pull the consumer's adjoint back to ``x``, by name or by formula, whichever reads better."""
    choices = []
    by_formula = adjoint.expr
    by_name = ONE if isinstance(adjoint, Adjoint) and adjoint.name == adjoint.of else adjoint.var
    short = isinstance(by_formula, Var) if named else cost(by_formula) <= SHORT
    promising = short or has_divisor(by_formula)
    for cotangent in dict.fromkeys([by_formula, by_name] if promising else [by_name]):
        raw = substitute(pull_back(consumer.expr, [x], cotangent, 0)[0], knowledge.named)
        choices.append(
            Contribution(
                consumer,
                cotangent,
                cotangent is not by_formula,
                raw,
                tuple(simplify_in_stages(raw, knowledge.about(raw))),
            )
        )
    return min(choices, key=lambda c: cost(c.expr) + NAME_COST * c.by_name)


def with_cotangents(
    system: System, loss: str, names: Mapping[str, str]
) -> tuple[System, tuple[Var, ...]]:
    """Return the system with a scalar, the product of some tensors with cotangents like them.

    Its gradients are the pull-back. ``names`` are those of the cotangents, which become inputs.
    """
    terms, cotangents = [], []
    for name, bar in names.items():
        y = tensor(system, name)
        cotangents.append(Var(bar, y.dims))
        terms.append(sum_over(multiply(cotangents[-1], y), range(y.ndim)))
    bars = {v.name: v for v in cotangents}
    own_labels = {bar: system.labels[name] for name, bar in names.items()}
    whole = replace(
        system,
        inputs={**system.inputs, **bars},
        definitions={**system.definitions, loss: Definition(loss, (), add(*terms))},
        labels={**system.labels, **own_labels, loss: ()},
    )
    return whole, tuple(cotangents)


# --- forms that are written out over several statements ---------------------------------------


def recognise(system: System, keep: Iterable[str]) -> System:
    """Fold softmax, sigmoid and their kin back, also where they are written over several lines.

    ``E_bo = exp(A_bo)``, ``S_b = sum_o(E_bo)``, ``Y_bo = E_bo / S_b`` makes Y a softmax of A. A
    tensor in ``keep`` is not looked through, since somebody asked for the derivative by it. What
    then nests too deep to derive at once is cut (`name_nested`).
    """
    protected = {*keep, *recurrent(system.exprs)}
    inside: dict[Expr, Expr] = {}
    definitions: dict[str, Definition] = {}
    for name, definition in system.definitions.items():
        own = apply_rules([definition.expr], RECOGNISE)[0]
        through: dict[Expr, Expr] = {
            v: inside[v] for v in variables(definition.expr) if v in inside
        }
        opened = substitute(definition.expr, through)
        folded = apply_rules([opened], RECOGNISE)[0]
        if through and _is_recognised(folded, opened) and cost(folded) <= cost(own) + 2:
            own = folded
        definitions[name] = Definition(
            name, definition.labels, own, definition.written, definition.position
        )
        if name not in protected and _is_part(opened) and cost(opened) <= ABSORBED_COST:
            inside[definition.var] = opened
    return name_nested(replace(system, definitions=definitions))


def functions_in(node: Expr) -> set[str]:
    """Return the names of the functions in an expression."""
    return {x.function for x in postorder([node]) if isinstance(x, Map | Reduce)}


def stable_functions(node: Expr) -> set[str]:
    """Return the names of the functions that stand for something written out."""
    found = (record_of(x) for x in postorder([node]) if isinstance(x, Map | Reduce))
    return {x.name for x in found if x is not None and x.stable}


def _is_recognised(folded: Expr, opened: Expr) -> bool:
    return bool(stable_functions(folded) - functions_in(opened))


def _is_part(node: Expr) -> bool:
    """Whether a definition may be part of a written-out softmax or sigmoid."""
    return bool(functions_in(node) & {"exp", "max", "log", "logsumexp"})
