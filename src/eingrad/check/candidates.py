"""What a claim may lack: the factors and terms of the right formula, activation derivatives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from itertools import product as combinations

from eingrad.check.question import Question
from eingrad.check.tree import label_dims, labels_in, relabelled, sites, tensors_in
from eingrad.core.expr import Dim, Map, Var, postorder, variables
from eingrad.core.functions import FUNCTIONS
from eingrad.core.partials import partial_derivative
from eingrad.core.rewrite import substitute
from eingrad.derivation.labels import to_formula
from eingrad.notation.syntax import (
    Assignment,
    Call,
    Derivative,
    Formula,
    Number,
    Product,
    SizeOf,
    Sum,
)
from eingrad.notation.system import Definition

MAX_VARIANTS = 12
MOST_PARTS = 500  # factors, and terms, of a long formula that a claim may lack


@dataclass(frozen=True)
class Activation:
    """``Z = f(A)``, entry by entry, and f' as factors, one formula for each choice of letters."""

    activation: str
    argument: str | None
    function: str
    derivatives: tuple[Formula, ...]


class Candidates:
    """Formulas to try in a claim, in the claim's letters.

    ``factors`` are (formula, whether it divides), ``terms`` are (formula, whether it is
    subtracted), ``activations`` the element-wise functions of the model by name of their result.
    """

    def __init__(self, question: Question, value: Formula) -> None:
        self.question = question
        self.derived = question.derived
        system = self.derived.system
        self.dims: dict[str, tuple[Dim, ...]] = {
            **{n: v.dims for n, v in system.inputs.items()},
            **{n: d.expr.dims for n, d in system.definitions.items()},
        }
        claim = Assignment(question.target, value)
        self.target = dict.fromkeys(question.labels)
        self.labels = {**self.target, **labels_in(value)}
        self.label_dims = label_dims(claim.value, self.dims)
        self.label_dims |= dict(zip(question.labels, question.right.dims, strict=True))
        self.moves = any(d.expr.has_shift for d in system.definitions.values())
        self.functions = {x.function for d in system.definitions.values() for x in _maps(d)}
        self.later = self._later()
        sources = self._right_formulas()
        parts = [site.part for source in sources for site in sites(source)]
        self.calls = {x.function for x in parts if isinstance(x, Call) and not x.axes}
        own = ((x, False) for x in tensors_in(value) if x.labels and x.name in self.dims)
        self.factors = list(dict.fromkeys((*islice(self._factors(sources), MOST_PARTS), *own)))
        self.terms = list(dict.fromkeys(islice(self._terms(sources), MOST_PARTS)))
        self.activations = {a.activation: a for a in self._activations()}

    def _later(self) -> set[str]:
        """Return the tensors that depend on the one by which the target is a derivative."""
        target = self.question.target
        found = {target.wrt[-1].name} if isinstance(target, Derivative) else set()
        for name, definition in self.derived.system.definitions.items():
            if any(v.name in found for v in variables(definition.expr)):
                found.add(name)
        return found

    def same_dim(self, dim: Dim) -> list[str]:
        """Return the claim's labels for a dimension."""
        return [label for label, own in self.label_dims.items() if own == dim]

    def _right_formulas(self) -> list[Formula]:
        """Return the right formula, unfolded and in terms of intermediate derivatives."""
        question = self.question
        result = [question.formula]
        if question.name in self.derived.titles:
            expr = self.derived.exprs[question.name]
            result.append(to_formula(expr, question.labels, self.derived.names))
        return result

    def _variants(self, part: Formula, dims: Mapping[str, Dim]) -> Iterator[Formula]:
        """Yield a part of the right formula with its summed letters changed to the claim's."""
        letters = list(labels_in(part))
        options = []
        for letter in letters:
            own = [letter]
            if letter not in self.target and letter in dims:
                own += [x for x in self.same_dim(dims[letter]) if x not in {letter, *self.target}]
            options.append(own)
        for k, choice in enumerate(combinations(*options)):
            if k == MAX_VARIANTS:
                break
            yield relabelled(part, dict(zip(letters, choice, strict=True)))

    def _factors(self, sources: Sequence[Formula]) -> Iterator[tuple[Formula, bool]]:
        for source in sources:
            dims = label_dims(source, self.dims) | self.label_dims
            for site in sites(source):
                if isinstance(site.part, Product):
                    for factor, divides in zip(site.part.factors, site.part.divides, strict=True):
                        if not isinstance(factor, Number | SizeOf):
                            yield from ((x, divides) for x in self._variants(factor, dims))

    def _terms(self, sources: Sequence[Formula]) -> Iterator[tuple[Formula, bool]]:
        for source in sources:
            dims = label_dims(source, self.dims) | self.label_dims
            for site in sites(source):
                if isinstance(site.part, Sum):
                    for term, negative in zip(site.part.terms, site.part.negative, strict=True):
                        yield from ((x, negative) for x in self._variants(term, dims))

    def _activations(self) -> Iterator[Activation]:
        for definition in self.derived.system.definitions.values():
            node = definition.expr
            if not isinstance(node, Map) or len(node.operands) != 1:
                continue
            row = FUNCTIONS.get(node.function)
            if row is not None and row.partials[0] is None:
                continue
            local = partial_derivative(node, 0, node.function)
            assert local is not None
            local = substitute(local, {node: definition.var})
            options = [self.same_dim(dim) for dim in definition.expr.dims]
            derivatives = [
                to_formula(local, letters, self.derived.names)
                for letters in combinations(*options)
                if len(set(letters)) == len(letters) and local.ndim == len(letters)
            ]
            argument = node.operands[0]
            name = argument.name if isinstance(argument, Var) else None
            yield Activation(
                definition.name, name, node.function, tuple(derivatives[:MAX_VARIANTS])
            )


def _maps(definition: Definition) -> Iterator[Map]:
    return (node for node in postorder([definition.expr]) if isinstance(node, Map))


__all__ = ["Activation", "Candidates"]
