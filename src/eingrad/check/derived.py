"""A model's tensors and all the derivatives that a claim may speak of, as formulas by name."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from eingrad.calculus.condition_rules import shielded
from eingrad.calculus.facts import Knowledge
from eingrad.calculus.forward import forward, identity
from eingrad.calculus.naming import DerivativeName
from eingrad.calculus.reverse import needed_by, recognise, reverse, tensor
from eingrad.calculus.root_rules import Roots
from eingrad.calculus.simplify import simplify
from eingrad.core.algebra import zeros
from eingrad.core.expr import Expr, Var, variables
from eingrad.core.forks import once
from eingrad.core.recurrences import recurrent, scans, vanishing
from eingrad.core.rewrite import substitute
from eingrad.derivation.author_letters import Names, edges_of, integers_of, size_holders
from eingrad.derivation.labels import to_formula
from eingrad.derivation.steps import introduced, opened
from eingrad.errors import DifferentiationError, EingradError
from eingrad.notation.summation import derivative_parts, tensor_parts, walk
from eingrad.notation.syntax import Assignment, Derivative, Formula, Symbol, TensorAt
from eingrad.notation.system import Definition, System
from eingrad.notation.text import derivative_text

Titles = Mapping[str, DerivativeName]


class Derived:
    """The formulas of a model and of its derivatives, derived when they are asked for.

    ``exprs`` are the formulas to read and to compare; what is differentiated further is derived
    apart (`_around`).

    >>> from eingrad.notation.lower import lower
    >>> from eingrad.notation.parse import parse_statements
    >>> derived = Derived(lower(parse_statements("y_i = W_ij x_j")))
    >>> derived.derivative("y", ["x"])
    'dy/dx'
    >>> derived.exprs["dy/dx"]
    Var('W', ('i', 'j'))
    """

    def __init__(self, system: System) -> None:
        names = [*system.inputs, *system.definitions]
        self.system = recognise(system, names)
        self.exprs: dict[str, Expr] = {
            n: system.definitions.get(n, d).expr for n, d in self.system.definitions.items()
        }
        self.titles: dict[str, DerivativeName] = {}
        self._shielded: dict[Expr, Expr] = {}
        self._places = (-1, False)
        self._loops: tuple[int, Mapping[str, Expr]] = (-1, {})
        self._known: dict[tuple[str, frozenset[str]], tuple[System, Titles]] = {}
        self.kinds: dict[Hashable, Mapping[str, str] | None] = {}  # where formulas have values

    @property
    def names(self) -> Names:
        """The author's letters, the order of the tensors, and which of them are derivatives."""
        rank = {name: k for k, name in enumerate(introduced(self.system))}
        count = len(rank)
        rank |= {n: count + rank[t.wrt[-1][0]] for n, t in self.titles.items()}
        holders = size_holders(self.system)
        return Names(
            self.system.letters, rank, derivatives=dict(self.titles), holders=holders,
            edges=edges_of(self.system), integers=integers_of(self.system),
        )  # fmt: skip

    @once
    def roots(self) -> Roots:
        """The norms and roots of squares in the model, by which derivatives divide."""
        named: dict[Expr, Expr] = {d.var: d.expr for d in self.system.definitions.values()}
        return Roots.of(named.values(), named)

    def shielded(self, expr: Expr) -> Expr:
        """Return an expression as it is computed: conditions on labels select."""
        if self._places[0] != len(self.exprs):  # of thousands, each is asked about
            self._places = len(self.exprs), any(x.has_places for x in self.exprs.values())
        if not expr.has_places and not self._places[1]:
            return expr
        if expr not in self._shielded:
            own = recurrent(self.exprs)
            tensors: dict[Expr, Expr] = {
                Var(n, e.dims): e for n, e in self.exprs.items() if n not in own
            }
            (self._shielded[expr],) = shielded([expr], tensors)
        return self._shielded[expr]

    def computable(self, name: str) -> Expr | None:
        """Return a tensor's formula, of one in a recurrence the loop that computes it."""
        if self._loops[0] != len(self.exprs):
            own = recurrent(self.exprs)
            forms = {n: self.shielded(e) if n in own else e for n, e in self.exprs.items()}
            self._loops = len(self.exprs), scans(forms) if own else {}
        return self._loops[1].get(name, self.exprs.get(name))

    def idle(self, *exprs: Expr) -> str | None:
        """Return a recurrence that is 0 everywhere and on which expressions depend; None if none
        is."""
        own = {n: d.expr for n, d in self.system.definitions.items()}
        found = vanishing(own)
        if not found:
            return None
        needed = needed_by([v.name for expr in exprs for v in variables(expr)], self.exprs)
        return next((n for n in own if n in found and n in needed), None)

    def tensor(self, name: str) -> Var:
        """Return a tensor or a derivative that was derived."""
        if name in self.titles:
            return Var(name, self.exprs[name].dims)
        return tensor(self.system, name)

    def learn(self, formula: Formula) -> None:
        """Derive every derivative that a formula names."""
        for part in walk(formula):
            if isinstance(part, Derivative):
                of, *wrt = tensor_parts(part)
                self.derivative(of.name, [x.name for x in wrt])
            elif isinstance(part, TensorAt) and "/d" in part.name:  # dL/dy[n-k]
                of_name, *names = derivative_parts(part.name)
                self.derivative(of_name, names)

    def derivative(self, of: str, wrt: Sequence[str]) -> str:
        """Derive one derivative; return its name."""
        name = derivative_text(of, list(wrt))
        if name in self.titles:
            return name
        for part in (of, *wrt):
            if part not in self.exprs and part not in self.system.inputs:
                raise EingradError(f"the model has no tensor {part!r}", operand=part)
        for part in wrt:
            if part in self.system.inputs and self.system.inputs[part].integer:
                raise DifferentiationError(
                    f"{part} holds integers: nothing has a derivative by it", operand=part
                )
        for title, expr in self._derive(of, wrt, None):
            if str(title) not in self.titles:
                self.titles[str(title)] = title
                self.exprs.setdefault(str(title), expr)  # a claim may have defined it
        return name

    def _derive(
        self, of: str, wrt: Sequence[str], moved: frozenset[str] | None
    ) -> Iterator[tuple[DerivativeName, Expr]]:
        """Yield a derivative and those that it is made of; see `Knowledge` for ``moved``."""
        *first, last = wrt
        system, root = self.system, of
        titles: Titles = {}
        y, x = tensor(system, of), tensor(system, last)
        if first:
            system.check_twice(of)
            root = self.derivative(of, first)
            system, titles = self._around(of, first, self._defined(wrt) if moved is None else moved)
            yield from ((t, system.definitions[n].expr) for n, t in titles.items())
        elif of == last and of not in recurrent(system.exprs):
            yield DerivativeName(of, y.ndim, ((of, y.ndim),)), identity(y)
            return
        elif of in system.inputs:
            yield DerivativeName(of, y.ndim, ((last, x.ndim),)), zeros((*y.dims, *x.dims))
            return
        elif not y.ndim:
            real = [n for n, x in system.inputs.items() if not x.integer]
            every = [n for n in (*real, *system.definitions) if n != of]
            for adjoint in reverse(system, of, every, moved).values():
                yield adjoint.title, adjoint.expr
            return
        for tangent in forward(system, root, last, titles, moved).values():
            if isinstance(tangent.title, DerivativeName):
                yield tangent.title, tangent.expr

    def _around(self, of: str, wrt: Sequence[str], moved: frozenset[str]) -> tuple[System, Titles]:
        """Return the model with a derivative among its definitions, in the form that holds around
        the point where ``moved`` move on their own; and the titles of its derivatives."""
        name = derivative_text(of, list(wrt))
        if (name, moved) not in self._known:
            if self.system.facts or moved:
                found = {str(t): (t, expr) for t, expr in self._derive(of, wrt, moved)}
            else:
                self.derivative(of, wrt)
                found = {n: (t, self.exprs[n]) for n, t in self.titles.items()}
            known = self.system.definitions
            definitions = {n: Definition(n, ("",) * e.ndim, e) for n, (_, e) in found.items()
                           if n not in known}  # fmt: skip
            system = replace(self.system, definitions={**known, **definitions})
            self._known[name, moved] = system, {n: t for n, (t, _) in found.items()}
        return self._known[name, moved]

    def _defined(self, names: Iterable[str]) -> frozenset[str]:
        """Return those of some tensors that the model defines."""
        return frozenset(n for n in names if n in self.system.definitions)

    def right(self, target: Symbol | Derivative) -> Expr:
        """Return what a claim's target is, over the model's tensors."""
        if isinstance(target, Derivative):
            of, *wrt = tensor_parts(target)
            return self.tensor(self.derivative(of.name, [x.name for x in wrt]))
        if target.name not in self.system.definitions:
            raise EingradError(
                f"{target.name} is an input: the model says nothing about its value",
                operand=target.name,
                position=target.position,
                hint=f"assigned are {', '.join(self.system.definitions)}",
            )
        return self.tensor(target.name)

    def readable(self, name: str, labels: Sequence[str]) -> Formula:
        """Write the formula of a tensor or derivative, unfolded as far as it can be read."""
        return to_formula(self.unfolded(name), labels, self.names)

    def unfolded(self, name: str) -> Expr:
        """Return a derivative with the formulas of others put in, as far as it can be read."""
        if name not in self.titles:
            return self.exprs[name]
        formulas = {title: self.exprs[title] for title in self.titles}
        expr = opened(self.exprs[name], formulas)
        return simplify(expr, self._knowledge.about(expr))

    @once
    def _knowledge(self) -> Knowledge:
        return Knowledge(self.system)

    def over_tensors(self, expr: Expr) -> tuple[Expr, dict[str, Definition]]:
        """Return an expression over the model's tensors alone, without derivatives, in a form
        that holds around the point, whatever moves.

        Derivatives that refer to themselves stay: they are returned as definitions.
        """
        moved = self._defined(self.system.definitions)
        loops = recurrent(self.exprs) & self.titles.keys()
        if loops:
            named = loops | {v.name for v in variables(expr) if v.name in self.titles}
            around = [self._around(t.of, [n for n, _ in t.wrt], moved)[0]
                      for t in (self.titles[n] for n in sorted(named))]  # fmt: skip
            every = {n: d for system in around for n, d in system.definitions.items()}
            exprs = {n: d.expr for n, d in every.items() if n in self.titles}
            needed = needed_by([v.name for v in variables(expr) if v.name in self.titles], exprs)
            if not needed.isdisjoint(loops):
                own = {n: d for n, d in every.items() if n in needed and n in self.titles}
                return expr, own
        known = dict(self.titles)  # with those of which only these forms speak
        while found := [v for v in variables(expr) if v.name in known]:
            forms: dict[Expr, Expr] = {}
            for v in found:
                title = known[v.name]
                system, titles = self._around(title.of, [n for n, _ in title.wrt], moved)
                forms[v] = system.definitions[v.name].expr
                known |= titles
            expr = substitute(expr, forms)
        return expr, {}

    def whole(self, expr: Expr) -> Expr:
        """Return an expression over the inputs alone."""
        known: dict[str, Expr] = {}
        for var in self._below(expr):
            own = self.computable(var.name)
            assert own is not None
            known[var.name] = substitute(own, _values(own, known))
        return substitute(expr, _values(expr, known))

    def _below(self, expr: Expr) -> Iterator[Var]:
        """Yield the tensors below an expression, each after those that it needs."""
        done: set[str] = set()
        stack = [(v, False) for v in variables(expr)]
        while stack:
            var, ready = stack.pop()
            if ready:
                yield var
            elif var.name in self.exprs and var.name not in done:
                done.add(var.name)
                stack.append((var, True))
                own = self.computable(var.name)
                stack += [(v, False) for v in (variables(own) if own is not None else ())]


def _values(expr: Expr, known: Mapping[str, Expr]) -> dict[Expr, Expr]:
    return {v: known[v.name] for v in variables(expr) if v.name in known}


__all__ = ["Assignment", "Derived"]
