"""A model's tensors and all the derivatives that a claim may speak of, as formulas by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from eingrad.calculus.forward import forward
from eingrad.calculus.naming import DerivativeName
from eingrad.calculus.reverse import recognise, reverse, tensor
from eingrad.calculus.simplify import simplify
from eingrad.calculus.structure import cost
from eingrad.core.algebra import ONE, einsum, zeros
from eingrad.core.expr import Delta, Expr, Var, variables
from eingrad.core.rewrite import substitute
from eingrad.derivation.labels import Names, size_holders, to_formula
from eingrad.derivation.steps import introduced
from eingrad.errors import DifferentiationError, EingradError
from eingrad.notation.summation import tensor_parts, walk
from eingrad.notation.syntax import Assignment, Derivative, Formula, Symbol
from eingrad.notation.system import Definition, System
from eingrad.notation.text import derivative_text

READABLE = 60.0  # a right formula longer than this speaks of intermediate derivatives by name


class Derived:
    """The formulas of a model and of its derivatives, derived when they are asked for.

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
        self.exprs: dict[str, Expr] = {n: d.expr for n, d in system.definitions.items()}
        self.titles: dict[str, DerivativeName] = {}

    @property
    def names(self) -> Names:
        """The author's letters, the order of the tensors, and which of them are derivatives."""
        rank = {name: k for k, name in enumerate(introduced(self.system))}
        count = len(rank)
        rank |= {n: count + rank[t.wrt[-1][0]] for n, t in self.titles.items()}
        holders = size_holders(self.system)
        return Names(self.system.letters, rank, derivatives=dict(self.titles), holders=holders)

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
        *first, last = wrt
        y, x = self.tensor(of), self.tensor(last)
        if first:
            self._forward(self.derivative(of, first), last)
        elif of == last:
            self._add(DerivativeName(of, y.ndim, ((of, y.ndim),)), _identity(y))
        elif of in self.system.inputs:
            self._add(DerivativeName(of, y.ndim, ((last, x.ndim),)), zeros((*y.dims, *x.dims)))
        elif y.ndim:
            self._forward(of, last)
        else:
            real = [n for n, x in self.system.inputs.items() if not x.integer]
            every = [n for n in (*real, *self.system.definitions) if n != of]
            for adjoint in reverse(self.system, of, every).values():
                self._add(adjoint.title, adjoint.expr)
        return name

    def _add(self, title: DerivativeName, expr: Expr) -> None:
        if str(title) not in self.titles:
            self.titles[str(title)] = title
            self.exprs[str(title)] = expr

    def _forward(self, of: str, wrt: str) -> None:
        derivatives = {
            n: Definition(n, ("",) * self.exprs[n].ndim, self.exprs[n]) for n in self.titles
        }
        system = replace(self.system, definitions={**self.system.definitions, **derivatives})
        for tangent in forward(system, of, wrt, self.titles).values():
            if isinstance(tangent.title, DerivativeName):
                self._add(tangent.title, tangent.expr)

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
        expr = self.exprs[name]
        if name not in self.titles:
            return expr
        while found := [v for v in variables(expr) if v.name in self.titles]:
            opened = substitute(expr, {v: self.exprs[v.name] for v in found})
            if cost(opened) > READABLE:
                break
            expr = opened
        return simplify(expr, self.system.facts)

    def over_tensors(self, expr: Expr) -> Expr:
        """Return an expression over the model's tensors alone, without derivatives."""
        while found := [v for v in variables(expr) if v.name in self.titles]:
            expr = substitute(expr, {v: self.exprs[v.name] for v in found})
        return expr

    def whole(self, expr: Expr) -> Expr:
        """Return an expression over the inputs alone."""
        known: dict[str, Expr] = {}
        for var in self._below(expr):
            own = self.exprs[var.name]
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
                stack += [(v, False) for v in variables(self.exprs[var.name])]


def _values(expr: Expr, known: Mapping[str, Expr]) -> dict[Expr, Expr]:
    return {v: known[v.name] for v in variables(expr) if v.name in known}


def _identity(x: Var) -> Expr:
    if not x.ndim:
        return ONE
    deltas = [(Delta(dim), (k, x.ndim + k)) for k, dim in enumerate(x.dims)]
    return einsum(deltas, tuple(range(2 * x.ndim)))


__all__ = ["Assignment", "Derived"]
