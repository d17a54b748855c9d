"""Values of formulas in PyTorch, and derivatives by its autograd: what a claim is held against.

The summation convention is stated here a second time, on formulas as the parser gives them, so
that nothing of eingrad's beyond its parser decides which formula is right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from eingrad.notation.summation import children, tensor_parts, walk
from eingrad.notation.syntax import (
    Assignment,
    Call,
    Compare,
    Derivative,
    Formula,
    Number,
    Power,
    Product,
    SizeOf,
    Sum,
    Symbol,
)
from eingrad.notation.text import derivative_name

torch = pytest.importorskip("torch")
Tensor = Any
KEEPING = ("softmax", "log_softmax")
COMPARISONS = {
    "<": torch.lt, "<=": torch.le, ">": torch.gt, ">=": torch.ge, "==": torch.eq, "!=": torch.ne,
}  # fmt: skip
PHI = {  # what stands for a declared function, with its derivatives
    "phi": torch.tanh,
    "phi'": lambda x: 1 - torch.tanh(x) ** 2,
    "phi''": lambda x: -2 * torch.tanh(x) * (1 - torch.tanh(x) ** 2),
}


@dataclass(frozen=True)
class Labelled:
    """A tensor whose axes have labels."""

    tensor: Tensor
    labels: tuple[str, ...]

    def over(self, labels: Sequence[str]) -> Tensor:
        """Return it with an axis for each label, of extent 1 where it has none."""
        own = [k for k in labels if k in self.labels]
        turned = self.tensor.permute([self.labels.index(k) for k in own])
        return turned.reshape([turned.shape[own.index(k)] if k in own else 1 for k in labels])

    def summed(self, labels: Sequence[str]) -> Labelled:
        """Return it summed over some of its labels."""
        rest = tuple(k for k in self.labels if k not in labels)
        axes = [self.labels.index(k) for k in labels]
        return Labelled(self.tensor.sum(axes) if axes else self.tensor, rest)


class Evaluator:
    """Evaluates one formula over tensors by name."""

    def __init__(self, tensors: Mapping[str, Tensor], sizes: Mapping[str, int]) -> None:
        self.tensors, self.sizes = tensors, sizes

    def value(self, formula: Formula, kept: frozenset[str]) -> Labelled:
        match formula:
            case Number(value=number):
                return Labelled(torch.tensor(float(number), dtype=torch.float64), ())
            case SizeOf(label=label):
                return Labelled(torch.tensor(float(self.sizes[label]), dtype=torch.float64), ())
            case Symbol(name="delta", labels=labels):
                eye = torch.eye(self.sizes[labels[0]], dtype=torch.float64)
                return leaf(eye, labels, kept)
            case Symbol(name=name, labels=labels):
                return leaf(self.tensors[name], labels, kept)
            case Derivative():
                return leaf(self.tensors[derivative_name(formula)], labels_of(formula), kept)
            case Product():
                return self.product(formula, kept)
            case Sum(terms=terms, negative=negative):
                signs = [-1 if below else 1 for below in negative]
                return self.apply(
                    lambda *xs: sum(s * x for s, x in zip(signs, xs, strict=True)), terms, kept
                )
            case Power(base=base, exponent=exponent):
                return self.apply(torch.pow, (base, exponent), kept)
            case Compare(op=op, left=left, right=right):
                return self.apply(COMPARISONS[op], (left, right), kept)
            case Call(function=function, args=args, axes=()):
                return self.apply(elementwise(function), args, kept)
            case Call():
                return self.fold(formula, kept)
        raise TypeError(formula)

    def product(self, product: Product, kept: frozenset[str]) -> Labelled:
        """Multiply; a label that two factors have and nothing outside is summed."""
        count = Counter(k for x in product.factors for k in free(x) if k not in kept)
        summed = [k for k, n in count.items() if n > 1]

        def divided(*values: Tensor) -> Tensor:
            total = torch.ones((), dtype=torch.float64)
            for value, below in zip(values, product.divides, strict=True):
                total = total / value if below else total * value
            return total

        return self.apply(divided, product.factors, kept | set(summed)).summed(summed)

    def apply(self, function: Any, args: Sequence[Formula], kept: frozenset[str]) -> Labelled:
        """Apply an element-wise function, over the labels that any argument has."""
        values = [self.value(x, kept) for x in args]
        labels = tuple(dict.fromkeys(k for x in values for k in x.labels))
        return Labelled(function(*(x.over(labels) for x in values)), labels)

    def fold(self, call: Call, kept: frozenset[str]) -> Labelled:
        """Apply a function over axes."""
        value = self.value(call.args[0], kept | set(call.axes))
        axes = [value.labels.index(k) for k in call.axes]
        if call.function in KEEPING:
            x = value.tensor - torch.logsumexp(value.tensor, axes, keepdim=True)
            return Labelled(x if call.function == "log_softmax" else x.exp(), value.labels)
        name = {"max": "amax", "min": "amin"}.get(call.function, call.function)
        rest = tuple(k for k in value.labels if k not in call.axes)
        return Labelled(getattr(torch, name)(value.tensor, axes), rest)


def leaf(tensor: Tensor, labels: Sequence[str], kept: frozenset[str]) -> Labelled:
    """Read a tensor: a repeated label is a diagonal, summed unless something else has it."""
    names = list(labels)
    traced = [k for k, n in Counter(names).items() if n > 1 and k not in kept]
    for label in dict.fromkeys(labels):
        while names.count(label) > 1:
            first = names.index(label)
            second = names.index(label, first + 1)
            tensor = tensor.diagonal(dim1=first, dim2=second)
            names = [k for p, k in enumerate(names) if p not in (first, second)] + [label]
    return Labelled(tensor, tuple(names)).summed(traced)


def elementwise(function: str) -> Any:
    """Return a function by its name in the notation."""
    if function == "where":
        return lambda condition, above, below: torch.where(condition != 0, above, below)
    return PHI.get(function) or getattr(torch, function, None) or torch.nn.functional.softplus


def free(formula: Formula) -> set[str]:
    """Return the labels of a formula that no function binds."""
    if isinstance(formula, Symbol | SizeOf):
        return set(formula.labels) if isinstance(formula, Symbol) else set()
    found = {k for part in children(formula) for k in free(part)}
    bound = isinstance(formula, Call) and formula.function not in KEEPING
    return found - set(formula.axes) if bound and isinstance(formula, Call) else found


def evaluate(
    assignment: Assignment, tensors: Mapping[str, Tensor], sizes: dict[str, int]
) -> Tensor:
    """Return the value of an assignment's right side over the labels of its left side.

    ``sizes`` are the extents of labels that no tensor in the assignment has.
    """
    own: dict[str, int] = {}
    for side in (assignment.target, assignment.value):
        for part in walk(side):
            if isinstance(part, Symbol) and part.name in tensors:
                own.update(zip(part.labels, tensors[part.name].shape, strict=True))
    evaluator = Evaluator(tensors, {**sizes, **own})
    labels = labels_of(assignment.target)
    value = evaluator.value(assignment.value, frozenset(labels)).over(labels)
    return value.expand([evaluator.sizes[k] for k in labels])


def labels_of(target: Symbol | Derivative) -> tuple[str, ...]:
    """Return the labels of a left side, one for each axis."""
    parts = (target,) if isinstance(target, Symbol) else tensor_parts(target)
    return tuple(label for part in parts for label in part.labels)


def run(assignments: Sequence[Assignment], given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return all tensors of a model; one that is given is not computed."""
    tensors = dict(given)
    for assignment in assignments:
        target = assignment.target
        assert isinstance(target, Symbol)
        if target.name not in given:
            tensors[target.name] = evaluate(assignment, tensors, {})
    return tensors


def derivative(
    assignments: Sequence[Assignment], given: Mapping[str, Tensor], of: str, wrt: Sequence[str]
) -> Tensor:
    """Return a derivative of any order by tensors of a model, inputs or not."""
    *first, last = wrt

    def value(x: Tensor) -> Tensor:
        there = {**given, last: x}
        return derivative(assignments, there, of, first) if first else run(assignments, there)[of]

    start = run(assignments, given)[last]  # in an inner derivative, what the outer one varies
    return torch.autograd.functional.jacobian(value, start, create_graph=True)
