"""Derivations with a slip: what comes out where one rule is applied wrongly, or a path forgotten.

A wrong claim that equals such a result was derived so. The slips are those of the model's own
graph: a path from the tensor by which is differentiated is left out, a softmax has only the
diagonal of its Jacobian, a function's derivative or a power's exponent stays away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from eingrad.calculus.differentiate import pull
from eingrad.core.algebra import (
    ONE,
    Factor,
    add,
    base_and_exponent,
    einsum,
    is_zero,
    multiply,
    power,
    zeros,
)
from eingrad.core.expr import (
    Const,
    Delta,
    Einsum,
    Expr,
    Labels,
    Map,
    Reduce,
    Var,
    depends_on,
    postorder,
    variables,
)
from eingrad.core.partials import local_jacobian, partial_derivative, result_labels
from eingrad.core.rewrite import substitute
from eingrad.derivation.author_letters import Names
from eingrad.derivation.labels import to_formula
from eingrad.notation.system import System
from eingrad.notation.text import call_head, to_text

MOST_CUT = 3  # paths that are left out together
MOST_ON_PATHS = 12  # tensors between; among more, fewer are left out together
OF_POWERS = {
    "kept": "the power rule is not applied to {}",
    "not lowered": "the exponent of {} is not lowered",
    "no factor": "the exponent of {} is missing as a factor",
    "dropped": "the derivative of the power {} is missing",
}
OF_FUNCTIONS = {
    "dropped": "is missing",
    "twice": "is there twice",
    "at value": "is taken at its value, not at its argument",
}


@dataclass(frozen=True)
class Slip:
    """What was done wrongly at one place: ``kind`` of rule at a ``node`` of a definition, or a
    ``path``, from one tensor to the next or through a tensor, which is left out."""

    mistake: str
    reason: str
    node: Expr | None = None
    kind: str = ""
    edge: tuple[str, str] | None = None
    through: str | None = None


class Slips:
    """The results of wrong derivations of one tensor by another."""

    def __init__(self, system: System, of: str, wrt: str, names: Names) -> None:
        self.system, self.of, self.wrt, self.names = system, of, wrt, names
        order = [n for n in system.definitions if n != wrt]
        later = {wrt}
        for name in order:
            if later.intersection(self._parts(name)):
                later.add(name)
        earlier = {of} if of in later else set[str]()
        for name in reversed(order):
            if name in earlier:
                earlier |= self._parts(name) & later
        self.between = [name for name in order if name in earlier]
        self._pulled: dict[tuple[str, Expr, tuple[Slip, ...]], Mapping[str, Expr]] = {}

    def _parts(self, name: str) -> set[str]:
        return {x.name for x in variables(self.system.definitions[name].expr)}

    def paths(self) -> Iterator[tuple[Slip, ...]]:
        """Yield paths that may be left out: through tensors, or from one straight to another."""
        own = [n for n in self.between if n != self.of]
        most = MOST_CUT if len(own) <= MOST_ON_PATHS else 1
        for count in range(1, min(most, len(own)) + 1):
            for cut in combinations(own, count):
                reason = f"the path{'s' * (count > 1)} through {listed(cut)} "
                reason += "is missing" if count == 1 else "are missing"
                yield tuple(Slip("path", reason, through=name) for name in cut)
        edges = [(a, c) for c in self.between for a in sorted(self._parts(c) & {*own, self.wrt})]
        several = [a for a, _ in edges]
        edges = [(a, c) for a, c in edges if several.count(a) > 1]
        for count in range(1, 1 + min(2, len(edges)) if most > 1 else 2):
            for chosen in combinations(edges, count):
                steps = listed([f"from {a} to {c}" for a, c in chosen])
                reason = f"the path{'s' * (count > 1)} straight {steps} "
                reason += "is missing" if count == 1 else "are missing"
                yield tuple(Slip("path", reason, edge=edge) for edge in chosen)

    @property
    def after(self) -> list[str]:
        """The tensors whose own formula has the one by which is differentiated."""
        return [name for name in self.between if self.wrt in self._parts(name)]

    def rules(self) -> Iterator[Slip]:
        """Yield wrong applications of a rule, one place each."""
        for name in self.between:
            expr = self.system.definitions[name].expr
            active = depends_on(expr, self._moved(expr))
            for node in postorder([expr]):
                if node in active and not isinstance(node, Var):
                    yield from self._at(name, node)

    def _moved(self, expr: Expr) -> list[Var]:
        """Return the tensors of a definition that depend on the one by which is differentiated."""
        return [v for v in variables(expr) if v.name == self.wrt or v.name in self.between]

    def _at(self, name: str, node: Expr) -> Iterator[Slip]:
        match node:
            case Reduce(function=function) if node.keeps_axes and local_jacobian(node):
                labels = self.system.definitions[name].labels
                own = tuple(labels[k] for k in node.axes if k < len(labels))
                head = call_head(function, own)
                reason = f"the Jacobian of {head} in {name} is taken as its diagonal"
                yield Slip("jacobian", reason, node, "diagonal")
            case Einsum() if _repeated(node) is not None:
                yield from self._of_power(node)
            case Map(function="pow") if isinstance(node.operands[1], Const):
                yield from self._of_power(node)
            case Map(function=function) if len(node.operands) == 1:
                for kind, words in OF_FUNCTIONS.items():
                    reason = f"the derivative of {function} in {name} {words}"
                    yield Slip("activation-derivative", reason, node, kind)

    def _of_power(self, node: Expr) -> Iterator[Slip]:
        text = self._text(node)
        for kind, words in OF_POWERS.items():
            yield Slip("power", words.format(text), node, kind)

    def _text(self, node: Expr) -> str:
        found = _repeated(node) if isinstance(node, Einsum) else None
        if found is not None:
            node = power(node.operands[found[0]], len(found))
        letters: list[str] = []
        for dim in node.dims:
            own = [*self.names.letters.get(dim, ("i",))]
            letters.append(next((x for x in own if x not in letters), f"{own[0]}{len(letters)}"))
        return to_text(to_formula(node, letters, self.names))

    def result(self, slips: Sequence[Slip]) -> Expr:
        """Return the derivative with some slips: the axes of ``of``, then those of ``wrt``."""
        root, by = (self._var(name) for name in (self.of, self.wrt))
        n = root.ndim
        seed = [(Delta(dim), (k, n + k)) for k, dim in enumerate(root.dims)]
        cut = {s.through for s in slips}
        edges = {s.edge for s in slips}
        found = {self.of: [einsum(seed, tuple(range(2 * n))) if n else ONE]}
        for name in reversed(self.between):
            if name in cut or name not in found:
                continue
            total = add(*found.pop(name))
            for part, back in self._pull(name, total, n, slips).items():
                if (part, name) not in edges:
                    found.setdefault(part, []).append(back)
        return add(*found.get(self.wrt, [zeros((*root.dims, *by.dims))]))

    def _var(self, name: str) -> Var:
        if name in self.system.inputs:
            return self.system.inputs[name]
        return self.system.definitions[name].var

    def _pull(
        self, name: str, cotangent: Expr, extra: int, slips: Sequence[Slip]
    ) -> Mapping[str, Expr]:
        """Return what a definition's cotangent is for the tensors that it is made of."""
        expr = self.system.definitions[name].expr
        own = {s.node: s for s in slips if s.node is not None}
        here = tuple(own[x] for x in postorder([expr]) if x in own)
        key = name, cotangent, here
        if key not in self._pulled:
            kinds = {s.node: s.kind for s in here if s.node is not None}
            self._pulled[key] = _pulled(expr, self._moved(expr), cotangent, extra, kinds)
        return self._pulled[key]


def _pulled(
    expr: Expr, wanted: Sequence[Var], cotangent: Expr, extra: int, slips: Mapping[Expr, str]
) -> Mapping[str, Expr]:
    """Pull a cotangent back through one definition, with slips at some of its nodes."""
    active = depends_on(expr, wanted)
    found: dict[Expr, list[Expr]] = {expr: [cotangent]}
    result: dict[str, Expr] = {}
    for node in reversed(list(postorder([expr]))):
        if node not in active or node not in found:
            continue
        total = add(*found.pop(node))
        if isinstance(node, Var) and node in wanted:
            result[node.name] = total
        elif not is_zero(total):
            if node not in slips:
                own = pull(node, total, extra, active)
            elif isinstance(node, Einsum):
                own = _slipped_power(node, slips[node], total, extra, active)
            else:
                own = _slipped(node, slips[node], total, extra)
            for k, back in own:
                found.setdefault(node.operands[k], []).append(back)
    return result


def _slipped(node: Expr, kind: str, cotangent: Expr, extra: int) -> list[tuple[int, Expr]]:
    """Return the cotangent of a node's first operand by a rule that is applied wrongly."""
    if isinstance(node, Reduce):
        factors, labels = _diagonal(node)
    else:
        assert isinstance(node, Map)
        factor, labels = _wrong_partial(node, kind), tuple(range(node.ndim))
        factors = [(factor, labels if factor.ndim else ())]
    lead = tuple(range(node.ndim, node.ndim + extra))
    extents = dict(zip((*lead, *labels), cotangent.dims, strict=True))
    return [(0, einsum([(cotangent, (*lead, *labels)), *factors], (*lead, *labels), extents))]


def _diagonal(node: Reduce) -> tuple[list[Factor], Labels]:
    """Return the diagonal of a Jacobian, and the labels of the node's axes."""
    rule = local_jacobian(node)
    assert rule is not None
    matrix, labels, operand_labels = rule
    own = tuple(range(node.ndim))
    same = dict(zip((*result_labels(node), *operand_labels), (*own, *own), strict=True))
    places = tuple(same[k] for k in labels)
    return [(matrix, places)], own


def _wrong_partial(node: Map, kind: str) -> Expr:
    partial = partial_derivative(node, 0, node.function) or ONE
    base, exponent = base_and_exponent(node)
    match kind:
        case "twice":
            return multiply(partial, partial)
        case "at value":
            return substitute(partial, {node.operands[0]: node})
        case "kept":
            return node
        case "not lowered":
            return multiply(partial, base)
        case "no factor":
            return multiply(partial, power(Const(exponent), -1))
    return ONE


def _repeated(node: Einsum) -> list[int] | None:
    """Return the places of a factor that a product has more than once, with the same labels."""
    factors = list(zip(node.operands, node.inputs, strict=True))
    for k, factor in enumerate(factors):
        places = [j for j, other in enumerate(factors) if other == factor]
        if len(places) > 1 and places[0] == k and not isinstance(factor[0], Const):
            return places
    return None


def _slipped_power(
    node: Einsum, kind: str, cotangent: Expr, extra: int, active: set[Expr]
) -> list[tuple[int, Expr]]:
    """Return the cotangents of a product with ``x^n``, where that of x is wrong."""
    places = _repeated(node) or []
    first, count = places[0], len(places)
    left, number = {
        "kept": (count, 1), "not lowered": (count, count), "no factor": (count - 1, 1),
    }.get(kind, (0, 1))  # fmt: skip
    factors = list(zip(node.operands, node.inputs, strict=True))
    others = [x for k, x in enumerate(factors) if k not in places]
    lead = tuple(range(len(node.extents), len(node.extents) + extra))
    extents = {**dict(enumerate(node.extents)), **dict(zip(lead, cotangent.dims, strict=False))}
    own = [
        (Const(number), ()),
        (cotangent, (*lead, *node.output)),
        *others,
        *[factors[first]] * left,
    ]
    back = einsum(own, (*lead, *factors[first][1]), extents)
    rest = [x for x in pull(node, cotangent, extra, active) if x[0] not in places]
    return [(first, back), *rest]


def listed(names: Sequence[str]) -> str:
    """Write names in a row, the last after ``and``."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


__all__ = ["Slip", "Slips", "listed"]
