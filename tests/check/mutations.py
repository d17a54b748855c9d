"""Wrong formulas: the mistakes that people make, applied to right formulas.

A mutation says which names of mistakes are good names for it: a lost ``(1 - Z)`` may be called a
missing factor or a missing part of the activation's derivative. Whether a mutation changes the
value at all is decided by PyTorch (`torch_values`), not by the check.
"""

# ruff: noqa: ARG001 - all of them have one signature

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from models import Formula, model_of, right_formulas
from seeds import seeded
from torch_values import derivative, evaluate, run, torch

from eingrad.check.tree import (
    Site,
    labels_in,
    sites,
    tensors_in,
    without_factors,
    without_term,
)
from eingrad.errors import EingradError
from eingrad.notation import syntax
from eingrad.notation.lower import lower_claim
from eingrad.notation.summation import tensor_parts, walk
from eingrad.notation.syntax import Assignment, Call, Number, Product, SizeOf, Sum, Symbol
from eingrad.notation.text import derivative_name, to_text

SCALE = {"factor", "mean-for-sum", "sum-for-mean"}
SLOPE = {"activation-derivative", "missing-factor"}
TENSOR = {"wrong-tensor", "preactivation", "activation-argument"}


@dataclass(frozen=True)
class Mutation:
    """A wrong claim about a model, and how its mistake may be called."""

    kind: str
    formula: Formula
    claim: Assignment
    names: frozenset[str]

    def __str__(self) -> str:
        return f"{self.kind}, {self.formula.model}: {to_text(self.claim)} for {self.formula}"


@dataclass(frozen=True)
class Parts:
    """What a mutation may use: the tensors by their labels, and pairs Z = f(A)."""

    labels: dict[str, tuple[str, ...]]
    dims: dict[str, tuple[object, ...]]
    activations: dict[str, tuple[str, str]]


@cache
def parts_of(text: str) -> Parts:
    """Read what mutations need of a model."""
    system = model_of(text).system
    dims = {n: v.dims for n, v in system.inputs.items()}
    dims |= {n: d.expr.dims for n, d in system.definitions.items()}
    activations = {}
    for name, definition in system.definitions.items():
        value = definition.written.value if definition.written else None
        if isinstance(value, Call) and not value.axes and len(value.args) == 1:
            argument = value.args[0]
            if isinstance(argument, Symbol):
                activations[name] = (value.function, argument.name)
    return Parts(dict(system.labels), dims, activations)


Mutated = Iterator[tuple[syntax.Formula, set[str]]]


# --- the mistakes -----------------------------------------------------------------------------


def factor(site: Site, model: Parts) -> Mutated:
    """A number or size too many, or missing."""
    if site.parent is None or isinstance(site.parent, Sum):
        labels = labels_in(site.part)
        for size in [SizeOf(x) for x in labels] + [Number(2)]:
            for divides in (True, False):
                parts = (site.part, size)
                yield site.put(Product(parts, (False, divides))), SCALE
    if isinstance(site.part, Product):
        for k, part in enumerate(site.part.factors):
            if isinstance(part, Number | SizeOf):
                yield site.put(without_factors(site.part, [k])), SCALE


def sign(site: Site, model: Parts) -> Mutated:
    """The sign of a term, or of everything."""
    if isinstance(site.part, Sum):
        for k, negative in enumerate(site.part.negative):
            flags = (*site.part.negative[:k], not negative, *site.part.negative[k + 1 :])
            yield site.put(replace(site.part, negative=flags)), {"sign"}
    elif site.parent is None:
        yield site.put(Sum((site.part,), (True,))), {"sign"}


def transposed(site: Site, model: Parts) -> Mutated:
    """A tensor with its labels exchanged."""
    if isinstance(site.part, Symbol) and len(set(site.part.labels)) == 2:
        labels = site.part.labels[::-1]
        yield site.put(Symbol(site.part.name, labels)), {"transposed", "label"}


def label(site: Site, model: Parts) -> Mutated:
    """A tensor with one wrong label."""
    if isinstance(site.part, Symbol):
        for k, own in enumerate(site.part.labels):
            for other in labels_in(site.put(site.part)):
                if other != own:
                    labels = (*site.part.labels[:k], other, *site.part.labels[k + 1 :])
                    new = site.put(Symbol(site.part.name, labels))
                    yield new, {"label", "transposed", "sum"}


def missing_term(site: Site, model: Parts) -> Mutated:
    """A sum without one of its terms."""
    if isinstance(site.part, Sum) and len(site.part.terms) > 1:
        for k in range(len(site.part.terms)):
            yield site.put(without_term(site.part, k)), {"term", "delta", *SLOPE}


def extra_term(site: Site, model: Parts) -> Mutated:
    """A sum with a term from elsewhere in the formula."""
    if isinstance(site.part, Sum | Product) and not isinstance(site.parent, Sum):
        for part in tensors_in(site.part):
            if part.labels:
                terms = (
                    (*site.part.terms, part) if isinstance(site.part, Sum) else (site.part, part)
                )
                signs = (*getattr(site.part, "negative", (False,)), False)
                yield site.put(Sum(terms, signs)), {"term"}


def wrong_tensor(site: Site, model: Parts) -> Mutated:
    """Z2 for Z1, A1 for Z1."""
    if isinstance(site.part, Symbol) and site.part.name in model.dims:
        for name, dims in model.dims.items():
            if name != site.part.name and dims == model.dims[site.part.name]:
                yield site.put(Symbol(name, site.part.labels)), TENSOR | {"activation-derivative"}


def missing_slope(site: Site, model: Parts) -> Mutated:
    """The derivative of the activation forgotten."""
    if isinstance(site.part, Product):
        names = {x.name for x in tensors_in(site.part)}
        for result, (function, argument) in model.activations.items():
            dropped = [
                k for k, part in enumerate(site.part.factors)
                if _is_slope(part, result, argument, function)
            ]  # fmt: skip
            if dropped and names & {result, argument}:
                yield site.put(without_factors(site.part, dropped)), SLOPE


def _is_slope(part: syntax.Formula, result: str, argument: str, function: str) -> bool:
    """Whether a factor belongs to f'(A): speaks of Z or A alone."""
    if isinstance(part, syntax.Derivative):
        return False
    names = {x.name for x in tensors_in(part)}
    return bool(names) and names <= {result, argument} and not (
        function in ("exp", "relu") and names == {result}
    )  # fmt: skip


def slope_of_result(site: Site, model: Parts) -> Mutated:
    """phi'(Z) for phi'(A); sigmoid(Z) (1 - sigmoid(Z)) for Z (1 - Z)."""
    part = site.part
    if isinstance(part, Call) and isinstance(part.args[0], Symbol) and not part.axes:
        for result, (_, argument) in model.activations.items():
            if part.args[0].name == argument:
                new = replace(part, args=(Symbol(result, part.args[0].labels),))
                yield site.put(new), TENSOR
    if isinstance(part, Product):
        for result, (function, argument) in model.activations.items():
            slopes = [_is_slope(x, result, argument, function) for x in part.factors]
            if any(slopes):
                taken = tuple(
                    _applied(x, result, function) if own else x
                    for x, own in zip(part.factors, slopes, strict=True)
                )
                yield site.put(replace(part, factors=taken)), TENSOR | {"activation-derivative"}


def _applied(formula: syntax.Formula, name: str, function: str) -> syntax.Formula:
    """Put f(Z) in the place of Z."""
    for site in sites(formula):
        inside = isinstance(site.parent, Call) and site.parent.function == function
        if isinstance(site.part, Symbol) and site.part.name == name and not inside:
            return _applied(site.put(Call(function, (site.part,))), name, function)
    return formula


def mean_or_sum(site: Site, model: Parts) -> Mutated:
    """A sum for a mean, a mean for a sum."""
    if isinstance(site.part, Call) and site.part.function in ("sum", "mean"):
        other = "mean" if site.part.function == "sum" else "sum"
        yield site.put(replace(site.part, function=other)), SCALE


def missing_delta(site: Site, model: Parts) -> Mutated:
    """A Kronecker delta forgotten."""
    if isinstance(site.part, Symbol) and site.part.name == "delta":
        yield site.put(Number(1)), {"delta", "term"}


def other_gradient(site: Site, model: Parts) -> Mutated:
    """An upstream derivative by another tensor."""
    part = site.part
    if isinstance(part, syntax.Derivative) and len(part.wrt) == 1:
        (by,) = part.wrt
        for name, dims in model.dims.items():
            if name != by.name and dims == model.dims[by.name]:
                new = replace(part, wrt=(Symbol(name, by.labels),))
                yield site.put(new), {"wrong-tensor", "sign", "extra-factor", *SLOPE}


KINDS: tuple[Callable[[Site, Parts], Mutated], ...] = (
    factor, sign, transposed, label, missing_term, extra_term, wrong_tensor, missing_slope,
    slope_of_result, mean_or_sum, missing_delta, other_gradient,
)  # fmt: skip


OTHER_TARGET = {"wrong-gradient", "sign", "extra-factor", *TENSOR, *SLOPE, *SCALE}


def other_targets(formula: Formula) -> Iterator[Assignment]:
    """The formula of the derivative by another tensor."""
    target, model = formula.claim.target, parts_of(formula.text)
    if isinstance(target, syntax.Derivative) and len(target.wrt) == 1:
        (by,) = target.wrt
        for name, dims in model.dims.items():
            if name not in (by.name, "L") and dims == model.dims[by.name]:
                other = replace(target, wrt=(Symbol(name, by.labels),))
                yield Assignment(other, formula.claim.value)


# --- the draw ---------------------------------------------------------------------------------


@cache
def mutations(count: int, seed: int = 0) -> tuple[Mutation, ...]:
    """Draw wrong claims, of every kind and every model about as many."""
    rng = random.Random(seeded(seed))
    pool: dict[str, dict[str, list[Mutation]]] = defaultdict(lambda: defaultdict(list))
    for formula in right_formulas():
        for site in sites(formula.claim.value):
            for kind in KINDS:
                for value, names in kind(site, parts_of(formula.text)):
                    claim = Assignment(formula.claim.target, value)
                    mutation = Mutation(kind.__name__, formula, claim, frozenset(names))
                    pool[kind.__name__][formula.model].append(mutation)
        for claim in other_targets(formula):
            mutation = Mutation("other_target", formula, claim, frozenset(OTHER_TARGET))
            pool["other_target"][formula.model].append(mutation)
    drawn: dict[str, Mutation] = {}
    kinds = sorted(pool)
    turn = 0
    while len(drawn) < count and turn < 40 * count:
        by_model = pool[kinds[turn % len(kinds)]]
        turn += 1
        models = sorted(name for name in by_model if by_model[name])
        if not models:
            continue
        rows = by_model[rng.choice(models)]
        mutation = rows.pop(rng.randrange(len(rows)))
        key = f"{mutation.formula.model}: {to_text(mutation.claim)}"
        if key not in drawn and is_wrong(mutation):
            drawn[key] = mutation
    return tuple(drawn.values())


def is_wrong(mutation: Mutation) -> bool:
    """Whether a claim has another value than the right formula, by PyTorch.

    A claim in which labels do not fit has no value, which is wrong too unless it is unreadable.
    """
    try:
        return not is_right(mutation.formula, mutation.claim)
    except EingradError as error:
        return "two dimensions" in str(error)


def is_right(formula: Formula, claim: Assignment) -> bool:
    """Whether a claim has the value that PyTorch's autograd gives its target."""
    lower_claim(claim, model_of(formula.text).system)  # raises where it has no meaning
    for seed in range(2):
        point = point_of(formula.text, seed)
        assert isinstance(claim.target, syntax.Derivative)
        right = point.derivative(claim.target)
        for part in walk(claim.value):
            if isinstance(part, syntax.Derivative):
                point.derivative(part)
        claimed = evaluate(claim, point.tensors, point.sizes)
        if not np.allclose(claimed.numpy(), right.numpy(), rtol=1e-6, atol=1e-9):
            return False
    return True


@dataclass(frozen=True)
class Point:
    """Values of a model's tensors in PyTorch, of its derivatives when they are asked for."""

    assignments: tuple[Assignment, ...]
    inputs: dict[str, Any]
    tensors: dict[str, Any]
    sizes: dict[str, int]

    def derivative(self, part: syntax.Derivative) -> Any:
        """Return a derivative, which is a tensor with a name of its own from here on."""
        name = derivative_name(part)
        if name not in self.tensors:
            of, *wrt = (x.name for x in tensor_parts(part))
            self.tensors[name] = derivative(self.assignments, self.inputs, of, wrt).detach()
        return self.tensors[name]


@cache
def point_of(text: str, seed: int) -> Point:
    """Draw a model's inputs and compute its tensors."""
    model = model_of(text)
    rng = np.random.default_rng(seeded(seed))
    dims = {d: None for var in model.inputs.values() for d in var.dims}
    sizes = {d: 2 + (k + 2 * seed) % 5 for k, d in enumerate(dims)}
    inputs: dict[str, Any] = {}
    for name, var in model.inputs.items():
        x = rng.uniform(0.2, 1.2, [sizes[d] for d in var.dims])
        positive = name in ("s", "y", "t", "T")
        x = x if positive else x * rng.choice([-1, 1], x.shape)
        x = x / x.sum(-1, keepdims=True) if name in ("t", "T") else x
        inputs[name] = torch.tensor(x)
    assignments = tuple(x for x in model.statements if isinstance(x, Assignment))
    letters = {k: sizes[dim] for dim, ks in model.system.letters.items() for k in ks}
    return Point(assignments, inputs, run(assignments, inputs), letters)
