"""The steps of a derivation, from definition to result, at the grain of a textbook.

The steps are read off the adjoints and tangents that `calculus` found: what is printed is what is
computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace

from eingrad.calculus.forward import Tangent
from eingrad.calculus.naming import DirectionName
from eingrad.calculus.reverse import Adjoint, tensor
from eingrad.calculus.simplify import Stage, simplify_in_stages
from eingrad.calculus.structure import cost
from eingrad.core.expr import Expr, Var, variables
from eingrad.core.forks import once
from eingrad.core.recurrences import recurrent
from eingrad.core.rewrite import substitute
from eingrad.derivation.author_letters import (
    Names,
    edges_of,
    fresh_letter,
    head_of,
    integers_of,
    size_holders,
)
from eingrad.derivation.author_order import author_order_of, symmetric_as_written
from eingrad.derivation.lines import AdjointLines, Lines, Step, TangentLines, with_symmetry
from eingrad.derivation.reasons import because, enumerated, together
from eingrad.derivation.rule_names import fact_used
from eingrad.notation.summation import names_of, walk
from eingrad.notation.syntax import Symbol
from eingrad.notation.system import Fact, System

CLOSED_COST = 120.0  # a result longer than this names its parts
UNFOLD_COST = 60.0  # and one line of it then speaks of intermediate derivatives, if it can be short
PUT_IN_COST = 6.0  # how much longer a derivation's last line may be that does without these names

Record = Adjoint | Tangent
"""A derivative with what it was derived from; its name is that of its `var`."""


class Deriver:
    """Writes the steps of the derivatives of one model.

    ``records`` are the derivatives by name, each after those that it is made of; ``original`` is
    the model before written-out forms were recognised.
    """

    def __init__(self, system: System, original: System, records: Mapping[str, Record]) -> None:
        self.system, self.original, self.records = system, original, records
        self.parents: dict[str, set[str]] = {}  # of the records whose steps were asked for
        self._known_stages: dict[tuple[str, Expr], list[Stage]] = {}
        rank = {name: k for k, name in enumerate(introduced(system))}
        count = len(rank)
        for name, record in records.items():
            rank[name] = count + rank[record.name]
        titles = {name: record.title for name, record in records.items()}
        self.names = Names(
            system.letters, rank, derivatives=titles, author_order=author_order_of(original),
            holders=size_holders(system), edges=edges_of(system), integers=integers_of(system),
        )  # fmt: skip

    @once
    def names_of_results(self) -> Names:
        """The names by which a result is written: of symmetric tensors in alphabetical order."""
        return with_symmetry(self.names, self.symmetries)

    @once
    def symmetries(self) -> list[Fact]:
        """The symmetries that are assumed, and those that definitions have."""
        derived = (r.knowledge.symmetries for r in self.records.values())
        return [*self.system.facts, *next(derived, ())]

    def letters(self, name: str) -> tuple[str, ...]:
        """Return a letter for each axis of a tensor or a derivative, the author's if distinct."""
        record = self.records.get(name)
        if record is None:
            own = self.system.labels[name]
            dims = tensor(self.system, name).dims
        else:
            title = record.title
            wrt = () if isinstance(title, DirectionName) else title.wrt
            parts = [(title.of, title.of_ndim), *wrt]
            own = tuple(x for part, ndim in parts for x in self.system.labels[part][:ndim])
            dims = record.expr.dims
        result: list[str] = []
        for letter, dim in zip(own, dims, strict=True):
            if letter in result or letter in self.names.integers:
                letter = fresh_letter(dim, [*own, *result], self.names)
            result.append(letter)
        return tuple(result)

    def steps(self, name: str, known: set[str]) -> list[Step]:
        """Return the steps to one derivative; ``known`` is what was shown before."""
        result: list[Step] = []
        for key in self._needed(name, known):
            known.add(key)
            result += self._record_steps(key, known)
            if key == name:
                result += self._put_in(key, result)
                result += self._turned(key, result)
        return result

    def _turned(self, key: str, before: list[Step]) -> list[Step]:
        """Return a last line with the labels of symmetric tensors in the result's order."""
        last = before[-1].right if before else None
        symmetric = self.names_of_results.author_order.symmetric
        if last is None or not symmetric:
            return []
        own = dict.fromkeys(n for part in walk(last) for n in names_of(part) if n in symmetric)
        words = " is symmetric" if len(own) == 1 else " are symmetric"
        leaning = {x.name for f in self.symmetries if f.leans for x in variables(f.left)}
        words += " by what is assumed" if leaning.intersection(own) else ""
        lines = Lines(self.records[key].knowledge, self.names, last, ())
        lines.formula(
            last,
            symmetric_as_written(last, symmetric),
            because(*enumerated(map(Symbol, own)), words),
        )
        return [replace(x, left=None) for x in lines.steps if x.before != x.after]

    def unfolded(self, key: str) -> Expr:
        """Put the formulas of other derivatives in, as long as the result can be read."""
        return self._simplified(key, self._opened(key))

    def _simplified(self, key: str, whole: Expr) -> Expr:
        stages = self._stages(key, whole)
        return stages[-1].result if stages else whole

    def _stages(self, key: str, whole: Expr) -> list[Stage]:
        """Simplify a derivative into which others were put, once for all that show it."""
        if (key, whole) not in self._known_stages:
            facts = self.records[key].knowledge.about(whole)
            self._known_stages[key, whole] = simplify_in_stages(whole, facts)
        return self._known_stages[key, whole]

    def _opened(self, key: str) -> Expr:
        """Put in all formulas of other derivatives, or those that leave a line that is short."""
        formulas = {name: record.expr for name, record in self.records.items()}
        closed = opened(self.records[key].expr, formulas, CLOSED_COST)
        if formulas.keys().isdisjoint(v.name for v in variables(closed)):
            return closed
        return opened(self.records[key].expr, formulas, UNFOLD_COST)

    def closed(self, key: str) -> list[tuple[str, Var, Expr]]:
        """Return a derivative, and the parts of it that are named: no formula has a derivative.

        Each is its record's key, the tensor that the formulas speak of, and its formula; a part
        follows what it is a part of.
        """
        formulas = {name: record.expr for name, record in self.records.items()}
        parts = {key: self.records[key].var}
        result: list[tuple[str, Var, Expr]] = []
        while len(result) < len(parts):
            own = list(parts)[len(result)]
            whole = opened(self.records[own].expr, formulas, CLOSED_COST)
            for var in variables(whole):
                if var.name in formulas and var.name not in parts:
                    parts[var.name] = Var(self._part_name(len(parts)), var.dims)
            named: dict[Expr, Expr] = {self.records[k].var: v for k, v in parts.items()}
            whole = substitute(whole, named)
            result.append((own, parts[own], self._simplified(own, whole)))
        return result

    def _part_name(self, number: int) -> str:
        """Return a name for a part of a result that the model has no tensor of."""
        taken = self.system.labels
        letter = next(x for x in "GHPQRUVFEJ" if not any(f"{x}{k}" in taken for k in range(1, 99)))
        return f"{letter}{number}"

    def _put_in(self, key: str, before: list[Step]) -> list[Step]:
        """Return a last line with the formulas of other derivatives in the place of their names,
        for a tensor that several statements use: ``dL/dz_k - m_k`` is ``W_ik r_i - m_k``."""
        record = self.records[key]
        if not isinstance(record, Adjoint) or len(record.contributions) < 2:
            return []
        whole, labels = self._opened(key), self.letters(key)
        stages = self._stages(key, whole)
        whole = stages[-1].result if stages else whole
        if cost(whole) > cost(record.expr) + PUT_IN_COST:
            return []
        names = with_symmetry(self.names, record.knowledge.assumed)
        lines = Lines(record.knowledge, names, head_of(record.title, labels), labels)
        used = [self.records[v.name] for v in variables(record.expr) if v.name in self.records]
        others = [head_of(x.title, ()) for x in used]
        assumed = [fact_used(s.fact) for s in stages if s.fact is not None and s.fact.written]
        lines.line(whole, together([because(*enumerated(others), " put in"), *assumed]))
        same = lines.steps[0].after == before[-1].after
        return [] if same else [replace(lines.steps[0], before=before[-1].after, left=None)]

    @once
    def _adjoints(self) -> dict[str, str]:
        """The key of each tensor's adjoint."""
        return {r.name: key for key, r in self.records.items() if isinstance(r, Adjoint)}

    def _needed(self, name: str, known: Set[str]) -> list[str]:
        """Return the derivatives that one is made of, in the order in which they build up.

        What is known was shown, and all that it is made of.
        """
        needed = {name} - known
        stack = [*needed]
        while stack:
            key = stack.pop()
            if key not in self.parents:
                self.parents[key] = self._parents(self.records[key]) & self.records.keys()
            new = self.parents[key] - needed - known
            needed |= new
            stack += new
        return sorted(needed, key=self._place.__getitem__)

    @once
    def _place(self) -> dict[str, int]:
        """The place of each derivative among all."""
        return {key: k for k, key in enumerate(self.records)}

    def _parents(self, record: Record) -> set[str]:
        if isinstance(record, Adjoint):
            consumers = (c.consumer.name for c in record.contributions)
            return {self._adjoints[x] for x in consumers if x in self._adjoints}
        inputs = {v.name for v in variables(record.definition.expr)} | {record.name}
        parents = {k for k in inputs if k in self.records}
        for key, other in self.records.items():
            if isinstance(other, Tangent) and other.wrt == record.wrt and other.name in inputs:
                parents.add(key)
        return parents

    def _record_steps(self, key: str, known: set[str]) -> list[Step]:
        record = self.records[key]
        labels = self.letters(key)
        if isinstance(record, Adjoint):
            lines = AdjointLines(self.names, record, tensor(self.system, record.name), labels)
            for contribution in record.contributions:
                self._define(lines, contribution.consumer.name, known)
            lines.write()
            return lines.steps
        forward = TangentLines(self.names, record, labels)
        self._define(forward, record.name, known)
        names = {r.name for r in self.records.values() if isinstance(r, Tangent)}
        active = {v for v in variables(record.definition.expr) if v.name in names}
        active |= {tensor(self.system, name) for name in record.wrt}
        forward.write({v.name: v for v in active})
        return forward.steps

    def _define(self, lines: AdjointLines | TangentLines, name: str, known: set[str]) -> None:
        """Show a statement before it is differentiated; a derivative was derived above."""
        if name not in known and name not in self.records:
            known.add(name)
            lines.definition(self.system.definitions[name], self.original)


def opened(expr: Expr, formulas: Mapping[str, Expr], most: float = UNFOLD_COST) -> Expr:
    """Put the formulas of derivatives in for their names, as long as the cost is at ``most``.

    Of one that refers to itself others speak by its name.
    """
    loops = recurrent(formulas)
    formulas = {name: x for name, x in formulas.items() if name not in loops} if loops else formulas
    while names := [v for v in variables(expr) if v.name in formulas]:
        longer = substitute(expr, {v: formulas[v.name] for v in names})
        if cost(longer) > most:
            break
        expr = longer
    return expr


def introduced(system: System) -> list[str]:
    """Return the tensors' names in the order in which a reader meets them."""
    order: dict[str, None] = {}
    for name, definition in system.definitions.items():
        if definition.written is not None:
            parts = walk(definition.written.value)
            order |= dict.fromkeys(found for part in parts for found in names_of(part))
        order[name] = None
    order |= dict.fromkeys(system.inputs)
    return list(order)


__all__ = ["Deriver", "Record", "Step", "introduced", "opened"]
