r"""Products by the chain rule, whatever axes a derivative has: of ``\partial L/\partial h_t`` and
``\partial h_t/\partial W``, which has three, that are summed over those of h.

In books it is a product without a sign, or the ``prod(..., ...)`` of those who say that it is none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from eingrad.notation.summation import walk
from eingrad.notation.syntax import (
    Assignment,
    Call,
    Claim,
    Derivative,
    Formula,
    Power,
    Product,
    Sum,
    Symbol,
)
from eingrad.notation.system import System
from eingrad.notation.tex.names import fresh_labels


def chained(claim: Claim, system: System) -> Assignment | None:
    """Return a claim with labels, of one that says nothing but the chain rule; None of others."""
    if not isinstance(claim, Assignment) or not isinstance(claim.target, Derivative):
        return None
    target = claim.target
    parts = [x for side in (target, claim.value) for x in walk(side) if isinstance(x, Derivative)]
    if any(len(x.wrt) != 1 or not isinstance(x.of, Symbol) for x in parts):
        return None
    taken = {k for labels in system.labels.values() for k in labels}
    writer = _Chains(system, {*taken, *(k for x in parts for k in _labels(x))})
    ends = writer.open(target.of), writer.open(target.wrt[0])
    if ends[0] is None or ends[1] is None:
        return None
    value = writer.labelled(claim.value, ends[0], ends[1])
    if value is None or not writer.joined:
        return None
    return replace(claim, target=replace(target, of=ends[0], wrt=(ends[1],)), value=value)


@dataclass
class _Chains:
    system: System
    taken: Collection[str]
    joined: bool = False
    used: set[str] = field(default_factory=set)

    def open(self, symbol: Formula) -> Symbol | None:
        """Return a symbol with new labels for the axes that it is written without."""
        if not isinstance(symbol, Symbol) or symbol.name not in self.system.labels:
            return None
        count = len(self.system.labels[symbol.name]) - len(symbol.labels)
        if count < 0:
            return None
        new = fresh_labels({*self.taken, *self.used}, count)
        self.used.update(new)
        moves = (*(symbol.moves or (0,) * len(symbol.labels)), *(0,) * count)
        return replace(symbol, labels=(*symbol.labels, *new), moves=moves if symbol.moves else ())

    def labelled(self, formula: Formula, of: Symbol, wrt: Symbol) -> Formula | None:
        """Return a formula, which is the derivative of one symbol by another, with labels."""
        match formula:
            case Sum(terms=terms):
                parts = [self.labelled(x, of, wrt) for x in terms]
                found = [x for x in parts if x is not None]
                return replace(formula, terms=tuple(found)) if len(found) == len(parts) else None
            case Call(function="sum", args=(arg,), axes=axes) if axes:
                inner = self.labelled(arg, of, wrt)
                return None if inner is None else replace(formula, args=(inner,))
            case Call(function="where", args=(condition, arg, other)):  # at one entry, else nothing
                pair = self.labelled(arg, of, wrt), self.labelled(other, of, wrt)
                if pair[0] is None or pair[1] is None:
                    return None
                return replace(formula, args=(condition, pair[0], pair[1]))
            case Derivative() | Product() | Call(function="prod", axes=()):
                return self._product(formula, of, wrt)
        return None

    def _product(self, formula: Formula, of: Symbol, wrt: Symbol) -> Formula | None:
        pairs = [*_factors(formula)]
        numbers = [(x, d) for x, d in pairs if self._is_number(x)]
        rest = [(x, d) for x, d in pairs if not self._is_number(x)]
        if numbers and len(rest) == 1 and isinstance(rest[0][0], Sum | Call) and not rest[0][1]:
            inner = self.labelled(rest[0][0], of, wrt)
            every = [*numbers, *([(inner, False)] if inner is not None else [])]
            whole = Product(tuple(x for x, _ in every), tuple(d for _, d in every))
            return None if inner is None else whole
        if not rest or any(d or not isinstance(x, Derivative) for x, d in rest):
            return None
        found = self._chain([x for x, _ in rest if isinstance(x, Derivative)], of, wrt)
        if found is None:
            return None
        every = [*numbers, *((x, False) for x in found)]
        whole = Product(tuple(x for x, _ in every), tuple(d for _, d in every))
        free = tuple(sorted({k for x in found for k in _labels(x)} & self.used
                            - {*of.labels, *wrt.labels}))  # fmt: skip
        return Call("sum", (whole,), free) if free else whole

    def _is_number(self, formula: Formula) -> bool:
        return not any(isinstance(x, Derivative) for x in walk(formula)) and not any(
            len(self.system.labels.get(x.name, ())) for x in walk(formula) if isinstance(x, Symbol)
        )

    def _chain(
        self, factors: Sequence[Derivative], of: Symbol, wrt: Symbol
    ) -> list[Derivative] | None:
        """Return derivatives of which each is by what the next one is of, with its labels."""
        result: list[Derivative] = []
        here = of
        for k, factor in enumerate(factors):
            last = k + 1 == len(factors)
            assert isinstance(factor.of, Symbol)
            if not _is_same(factor.of, self._bare(here)):
                return None
            below = wrt if last else self.open(factor.wrt[0])
            if below is None or (last and not _is_same(factor.wrt[0], self._bare(wrt))):
                return None
            result.append(replace(factor, of=here, wrt=(below,)))
            here = below
        self.joined |= len(result) > 1
        return result

    def _bare(self, symbol: Symbol) -> Symbol:
        """Return a symbol without the labels that were added."""
        kept = [k for k, x in enumerate(symbol.labels) if x not in self.used]
        moves = tuple(symbol.moves[k] for k in kept) if symbol.moves else ()
        return replace(symbol, labels=tuple(symbol.labels[k] for k in kept), moves=moves)


def _factors(formula: Formula) -> Iterator[tuple[Formula, bool]]:
    """Yield the factors of a product, and whether each divides; the arguments of a ``prod`` too."""
    match formula:
        case Product(factors=factors, divides=divides):
            for x, d in zip(factors, divides, strict=True):
                yield from ((y, d != other) for y, other in _factors(x))
        case Call(function="prod", args=args, axes=()) if len(args) > 1:
            for x in args:
                yield from _factors(x)
        case Power(base=Product()):
            yield formula, False
        case _:
            yield formula, False


def _is_same(a: Symbol, b: Symbol) -> bool:
    moves = [x.moves or (0,) * len(x.labels) for x in (a, b)]
    return (a.name, a.labels) == (b.name, b.labels) and moves[0] == moves[1]


def _labels(part: Derivative) -> Iterator[str]:
    return (k for x in (part.of, *part.wrt) if isinstance(x, Symbol) for k in x.labels)


__all__ = ["chained"]
